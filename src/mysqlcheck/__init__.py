"""mysqlcheck: keepalived asks whether clients may read from a MySQL server; this answers from replication."""

__version__ = "0.1.0"
