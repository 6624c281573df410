"""What we hand out for keepalived, before keepalived itself."""
