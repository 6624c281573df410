"""Makes the recordings beside this file from real servers of the lab::

    python -m tests.core.rows.record mariadb-10.11
    tests/lab/with-docker python -m tests.core.rows.record mysql-9.7 mariadb-11.8

Run it anew for a new kind of server, or when a check asks a new query. Values are kept as the protocol brings them: as
text. What differs from run to run (ports, positions, server_uuid) is no matter to the tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymysql

from mysqlcheck.checks import probes
from mysqlcheck.model import ServerVersion
from mysqlcheck.options import Settings
from tests.core.rows import FOLDER
from tests.lab.providers import load
from tests.lab.replication import channels
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until

Answer = dict[str, list[Any]]


def ask(server: Server, query: str) -> Answer:
    with server.connect(conv={}, cursorclass=pymysql.cursors.Cursor) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        rows = [[None if value is None else str(value) for value in row] for row in cursor.fetchall()]
        return {"columns": [column[0] for column in cursor.description or ()], "rows": rows}


def io_is(topology: Topology, state: str, errno: int | None = None) -> None:
    def reached() -> bool:
        found = topology.channel(topology.replica)
        return found is not None and found.io == state and (errno is None or found.io_errno == errno)

    wait_until(reached, f"the IO thread to be {state} {errno or ''}", 30)


def changed(topology: Topology, mariadb: str, mysql: str) -> None:
    """Change the configuration of the default channel and start it."""
    replica = topology.replica
    topology.stop_threads(replica)
    if replica.flavor == "mariadb":
        replica.sql(f"CHANGE MASTER TO {mariadb}")
        replica.sql("START SLAVE")
    else:
        replica.sql(f"CHANGE REPLICATION SOURCE TO {mysql}")
        replica.sql("START REPLICA")


def situations(topology: Topology) -> Iterator[str]:
    """Bring the first replica into one situation after the other, and name each."""
    replica, source = topology.replica, topology.source
    mariadb = replica.flavor == "mariadb"
    yield "healthy"
    topology.set_read_only(replica, on=False)
    yield "writable"
    topology.reset()
    topology.stop_io_thread(replica)
    yield "IO thread stopped by hand"
    topology.reset()
    topology.stop_sql_thread(replica)
    yield "SQL thread stopped by hand"
    topology.stop_threads(replica)
    yield "both threads stopped by hand"
    topology.reset()
    with topology.broken_sql_thread(replica):
        yield "SQL thread met a duplicate key"
    with topology.make_lag(replica, seconds=120):
        yield "lag of 120 s"
    with topology.make_lag(replica, seconds=120):
        source.kill()
        io_is(topology, "Connecting", 2003)
        yield "source lost while 120 s behind"
    topology.reset()
    topology.stop_io_thread(replica)
    source.kill()
    replica.sql("START SLAVE" if mariadb else "START REPLICA")
    io_is(topology, "Connecting", 2003)
    yield "source lost"
    topology.reset()
    changed(topology, "MASTER_PASSWORD='wrong'", "SOURCE_PASSWORD='wrong'")
    io_is(topology, "Connecting", 1045)
    yield "source refuses the password"
    topology.forget_replication(replica)  # reset() heals threads, not a wrong configuration
    topology.reset()
    source.sql("ALTER USER 'replicator'@'127.0.0.1' ACCOUNT LOCK")
    topology.stop_threads(replica)
    replica.sql("START SLAVE" if mariadb else "START REPLICA")
    io_is(topology, "Connecting", 4151 if mariadb else 3118)
    yield "source has locked the account"
    source.sql("ALTER USER 'replicator'@'127.0.0.1' ACCOUNT UNLOCK")
    topology.reset()
    changed(topology, "MASTER_HOST='replica.invalid'", "SOURCE_HOST='replica.invalid'")
    io_is(topology, "Connecting", 2005)
    yield "source has an unknown name"
    topology.forget_replication(replica)
    yield "not a replica"
    topology.configure_replication(replica)
    topology.wait_until_caught_up(replica)
    topology.configure_replication(replica, "second", topology.replicas[1])
    wait_until(lambda: topology.lag(replica, "second") is not None, "the second channel")
    yield "two channels"
    topology.stop_sql_thread(replica, "second")
    yield "two channels, one SQL thread stopped"
    topology.reset()
    if mariadb:
        topology.stop_threads(replica)
        replica.sql("SET GLOBAL gtid_slave_pos = '0-99-99999999'")
        replica.sql("START SLAVE")
    else:
        topology.stop_threads(replica)
        source.sql("FLUSH BINARY LOGS")
        source.sql("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
        replica.sql("RESET BINARY LOGS AND GTIDS")
        replica.sql("START REPLICA")
    wait_until(lambda: (c := topology.channel(replica)) is not None and c.io_errno in (1236, 13114), "1236", 30)
    yield "source has no longer the binary log"
    topology.forget_replication(replica)
    replica.begin_anew()  # what the purge took away no reset brings back


def crowded(topology: Topology) -> Iterator[str]:
    """The source lets nobody in any more."""
    replica, source = topology.replica, topology.source
    mariadb = replica.flavor == "mariadb"
    with ExitStack() as stack:
        source.sql("SET GLOBAL max_connections = 10")
        topology.stop_io_thread(replica)
        root = stack.enter_context(source.connect())  # a connection is kept for us: root has an extra one
        try:
            while True:
                stack.enter_context(source.connect(user="replicator", password=topology.replication_password))
        except pymysql.err.OperationalError as error:
            if error.args[0] != 1040:
                raise
        replica.sql("START SLAVE" if mariadb else "START REPLICA")
        io_is(topology, "Connecting", 1040)
        yield "source has too many connections"
        root.cursor().execute("SET GLOBAL max_connections = 151")


def impatient(topology: Topology) -> Iterator[str]:
    """MySQL is told to give up by the configuration of the channel, MariaDB by an option of the server."""
    if topology.replica.flavor == "mysql":
        changed(topology, "", "SOURCE_RETRY_COUNT=2")
        topology.wait_until_caught_up(topology.replica)
    topology.source.kill()
    io_is(topology, "No")
    yield "source lost and retries used up"


def with_few_retries(kind: type[Server]) -> type[Server]:
    if kind.flavor == "mysql":
        return kind

    def start(self: Server, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        kind.__init__(self, name, folder, [*options, "--master-retry-count=2"])

    return type(kind.__name__, (kind,), {"__init__": start})


def record(provider: str) -> None:
    kind = load(provider)
    found: dict[str, dict[str, Answer]] = {}
    version = ""
    for story, servers in ((situations, kind), (crowded, kind), (impatient, with_few_retries(kind))):
        with Topology.start(servers, replicas=2) as topology:
            with topology.replica.connect() as connection:
                version = connection.get_server_info()
            server = ServerVersion.parse(version)
            asked = [probe for probe in probes(Settings.of(host="recorded")) if probe.when(())]
            queries = [probe.query(server) for probe in asked]  # a replica is no Galera node: nothing else is asked
            for situation in story(topology):
                found[situation] = {query: ask(topology.replica, query) for query in queries}
                print(f"{provider}: {situation}: {[tuple(channel) for channel in channels(topology.replica)]}")
    document = {"version": version, "situations": found}
    file = FOLDER / f"{provider}.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        record(name)
