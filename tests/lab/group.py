"""Two members of a MySQL replication group in single-primary mode, in containers::

with Group() as group:
    group.secondary.sql("STOP GROUP_REPLICATION")

Two are enough for every state: where one is gone, the other has no majority.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from tests.lab.accounts import LEAST_PRIVILEGES, MONITOR_ACCOUNT, Monitor, replicator_statements
from tests.lab.containers import ContainerMySQL
from tests.lab.server import free_port
from tests.lab.waiting import LabError, wait_until
from tests.lab.watcher import WATCHER

OF_THE_GROUP = f"GRANT SELECT ON performance_schema.replication_group_members TO {MONITOR_ACCOUNT}"
RECOVERY = "FOR CHANNEL 'group_replication_recovery'"


class Group:
    """Both members ONLINE. It is a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mysqlcheck-lab-"))
        WATCHER.watch("folder", str(self._folder))
        self.monitor = Monitor("mysql", [*LEAST_PRIVILEGES["mysql"], OF_THE_GROUP])
        self.members: list[ContainerMySQL] = []
        self._password = secrets.token_urlsafe(18)
        ports, name = [free_port(), free_port()], str(uuid4())
        try:
            for number, port in enumerate(ports):
                options = (
                    "plugin-load-add=group_replication.so",
                    f"server-id={number + 1}",
                    "report-host=127.0.0.1",
                    f"loose-group-replication-group-name={name}",
                    "loose-group-replication-start-on-boot=OFF",
                    f"loose-group-replication-local-address=127.0.0.1:{port}",
                    f"loose-group-replication-group-seeds={','.join(f'127.0.0.1:{port}' for port in ports)}",
                    "loose-group-replication-communication-stack=XCOM",
                    "loose-group-replication-recovery-get-public-key=ON",
                    # it would throw us out too
                    "loose-group-replication-exit-state-action=READ_ONLY",
                    "loose-group-replication-autorejoin-tries=0",  # an ERROR is to last
                )
                member = ContainerMySQL(f"member{number + 1}", self._folder, [f"--{option}" for option in options])
                member.options += (f"--report-port={member.port}",)
                self.members.append(member)
                member.launch()
            for member in self.members:
                member.wait_until_it_answers()
                member.sql_here_only(*replicator_statements(self._password), *self.monitor.statements())
                self.set_recovery_password(member, self._password)
            self.primary, self.secondary = self.members
            self.primary.sql("SET GLOBAL group_replication_bootstrap_group = ON")
            self.primary.sql("START GROUP_REPLICATION")
            self.primary.sql("SET GLOBAL group_replication_bootstrap_group = OFF")
            self.primary.sql("CREATE DATABASE lab")
            self.primary.sql("CREATE TABLE lab.written (id INT AUTO_INCREMENT PRIMARY KEY)")
            self.rejoin()
        except BaseException:
            self.close()
            raise

    def states(self, member: ContainerMySQL) -> list[str]:
        """How a member sees all of them, itself first."""
        rows: list[dict[str, Any]] = member.sql(
            "SELECT member_state AS state FROM performance_schema.replication_group_members "
            "ORDER BY member_id <> @@global.server_uuid"
        )
        return [str(row["state"]) for row in rows]

    def wait_for(self, member: ContainerMySQL, *states: str) -> None:
        wait_until(lambda: self.states(member) == list(states), f"{member.name} to see {', '.join(states)}", 60)

    def set_recovery_password(self, member: ContainerMySQL, password: str) -> None:
        member.sql(f"CHANGE REPLICATION SOURCE TO SOURCE_USER='replicator', SOURCE_PASSWORD='{password}' {RECOVERY}")

    def wait_until_applied(self) -> None:
        """What the primary has written is on the secondary too."""
        position = self.primary.sql("SELECT @@global.gtid_executed AS position")[0]["position"]
        late = self.secondary.sql("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 30) AS late", position)[0]["late"]
        if late:
            raise LabError(f"{self.secondary.name} has not caught up with {position}")

    def recover_in_vain(self) -> None:
        """The secondary joins anew and cannot fetch what it has missed: it stays RECOVERING."""
        self.secondary.sql("STOP GROUP_REPLICATION")
        self.primary.sql("INSERT INTO lab.written VALUES ()")
        self.set_recovery_password(self.secondary, "wrong")
        self.secondary.sql("START GROUP_REPLICATION")
        self.wait_for(self.secondary, "RECOVERING", "ONLINE")

    def break_applier(self) -> None:
        """A row that only the secondary has, then the same row from the primary: the secondary is in ERROR."""
        row = self.primary.sql("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM lab.written")[0]["next"]
        self.secondary.sql("SET GLOBAL super_read_only = OFF")
        self.secondary.sql_here_only(f"INSERT INTO lab.written VALUES ({row})")
        self.primary.sql(f"INSERT INTO lab.written VALUES ({row})")
        wait_until(lambda: "ERROR" in self.states(self.secondary), "the secondary to stop at the row", 60)

    def mend_applier(self) -> None:
        """Remove the row that stands in the way."""
        self.secondary.sql("STOP GROUP_REPLICATION")
        self.secondary.sql("SET GLOBAL super_read_only = OFF")
        self.secondary.sql_here_only("DELETE FROM lab.written ORDER BY id DESC LIMIT 1")
        self.rejoin()

    def rejoin(self) -> None:
        """The secondary leaves, if it has not, and is ONLINE again."""
        self.secondary.sql("STOP GROUP_REPLICATION")
        self.set_recovery_password(self.secondary, self._password)
        self.secondary.sql("START GROUP_REPLICATION")
        self.wait_for(self.secondary, "ONLINE", "ONLINE")

    def close(self) -> None:
        """No container or datadir is left."""
        for member in self.members:
            member.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        WATCHER.forget("folder", str(self._folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
