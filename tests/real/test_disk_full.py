"""A real disk that is full under the relay log of a real replica; MySQL 9.7."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.containers import ContainerMySQL
from tests.lab.replication import status
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Checker

pytestmark = pytest.mark.xdist_group("mysql-9.7")


class SmallDisk(ContainerMySQL):
    """Its relay log has a disk of 4 MB."""

    disks = {"/small": "size=4m"}  # noqa: RUF012 - never changed

    def __init__(self, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        super().__init__(name, folder, [*options, "--relay-log=/small/relay"])


def test_a_full_disk_fails_although_both_threads_run_without_lag(tmp_path: Path) -> None:
    missing = SmallDisk.missing()
    if missing:
        pytest.skip(missing)
    with Topology.start(SmallDisk, tmp_path, replicas=1) as topology:
        check = Checker(topology)
        assert check(topology.replica).code == 0
        topology.source.sql("CREATE TABLE lab.large (content LONGBLOB)")
        for _ in range(8):
            topology.source.sql("INSERT INTO lab.large VALUES (REPEAT('x', 1000000))")
        wait_until(
            lambda: status(topology.replica)[0]["Replica_IO_State"] == "Waiting for disk space", "the disk to be full"
        )
        assert topology.runs(topology.replica)
        ended = check.json(topology.replica, "--weight", "100")
        assert (ended.code, ended.codes) == (1, ["disk_full"])
        assert ended.json["reasons"][0]["observed"] == "IO"
