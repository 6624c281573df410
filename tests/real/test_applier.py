"""The lag by the applier's own words on real servers; MariaDB, which has none, is judged by Seconds_Behind."""

from __future__ import annotations

import pytest

from mysqlcheck.checks.applier import TABLES
from tests.lab.accounts import LEAST_PRIVILEGES, MONITOR_ACCOUNT
from tests.lab.topology import Topology
from tests.real.checking import Checker

LIMITS = ("--lag-ok", "2s", "--resume-lag", "3s", "--max-lag", "4s")


@pytest.fixture
def check(topology: Topology) -> Checker:
    """The account may read what it must."""
    if topology.source.flavor == "mysql":
        grants = [f"GRANT SELECT ON {table} TO {MONITOR_ACCOUNT}" for table in TABLES]
        topology.set_monitor_grants(*LEAST_PRIVILEGES["mysql"], *grants)
        topology.wait_until_caught_up(topology.replica)
    return Checker(topology)


def teller(topology: Topology) -> str:
    return "applier" if topology.source.flavor == "mysql" else "seconds-behind"


@pytest.mark.parametrize("source", ["applier", "auto"])
def test_an_idle_replica_is_not_behind_however_old_its_last_transaction_is(
    topology: Topology, check: Checker, source: str
) -> None:
    ended = check.json(topology.replica, "--lag-source", source)
    assert (ended.code, ended.codes) == (0, [])
    assert (ended.json["facts"]["lag"], ended.json["facts"]["lag_source"]) == (0, teller(topology))


def test_a_transaction_that_waits_for_a_lock_is_as_old_as_its_commit(topology: Topology, check: Checker) -> None:
    with topology.make_lag(topology.replica):
        topology.wait_for_lag(topology.replica, 6)
        ended = check.json(topology.replica, "--lag-source", "applier", *LIMITS)
        assert (ended.code, ended.codes, ended.json["facts"]["lag_source"]) == (1, ["lag"], teller(topology))
        assert 5 <= ended.json["facts"]["lag"] <= 60
    assert check.json(topology.replica, "--lag-source", "applier", *LIMITS).codes == []


def test_a_transaction_that_waits_for_its_delay_is_behind_too(topology: Topology, check: Checker) -> None:
    with topology.delayed(topology.replica, seconds=3600):
        topology.write("this waits")
        topology.wait_for_lag(topology.replica, 6)
        ended = check.json(topology.replica, "--lag-source", "applier", *LIMITS)
        assert (ended.code, ended.codes, ended.json["facts"]["lag_source"]) == (1, ["lag"], teller(topology))
        ended = check.json(topology.replica, "--lag-source", "applier", "--ignore-delay", *LIMITS)
        assert (ended.code, ended.codes) == (0, [])


def test_a_replica_that_began_anew_has_applied_what_it_had_received(topology: Topology, check: Checker) -> None:
    """The workers have forgotten what they applied; the executed GTIDs have not."""
    topology.write("the last")
    topology.wait_until_caught_up(topology.replica)
    topology.stop_sql_thread(topology.replica)
    topology.start_threads(topology.replica)
    assert check.json(topology.replica, "--lag-source", "applier").json["facts"]["lag"] == 0


def test_an_account_that_may_not_read_it_is_told_the_grants(topology: Topology) -> None:
    check = Checker(topology)
    ended = check.json(topology.replica, "--lag-source", "applier")
    if topology.source.flavor == "mysql":
        assert (ended.code, ended.codes) == (1, ["lag_unknown"])
        assert f"GRANT SELECT ON {TABLES[0]} TO {MONITOR_ACCOUNT};" in ended.json["reasons"][0]["text"]
    else:
        assert (ended.code, ended.codes) == (0, [])
    ended = check.json(topology.replica, "--lag-source", "auto")
    assert (ended.code, ended.codes, ended.json["facts"]["lag_source"]) == (0, [], "seconds-behind")
