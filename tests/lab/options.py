"""The servers' options: small and quick, and close to what replicas run with in earnest.

Durability is given up where only a power cut would show it: a kill -9 of the server loses nothing, because the
operating system keeps what was written.
"""

from __future__ import annotations

MARIADB = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",  # the accounts are those of addresses, so no resolver matters
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--innodb-use-native-aio=OFF",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--sync-binlog=0",
    "--log-slave-updates=ON",
    "--relay-log=relay",
)

MYSQL = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",  # Debian's build wants a folder of a package that we do not have
    "--performance-schema-max-digest-length=0",
    "--performance-schema-digests-size=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-redo-log-capacity=8M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--innodb-use-native-aio=OFF",
    "--log-bin=binlog",
    "--sync-binlog=0",
    "--relay-log=relay",
    "--relay-log-recovery=ON",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
)
