"""keepalived.conf read and judged: table by table, on machines that are made up, and on keepalived's own examples."""
