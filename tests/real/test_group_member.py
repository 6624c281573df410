"""A real replication group in the states that matter; MySQL 9.7, single-primary."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mysqlcheck.checks.group import MEMBERS
from tests.lab.accounts import MONITOR_ACCOUNT
from tests.lab.containers import ContainerMySQL
from tests.lab.group import Group
from tests.lab.replication import channels
from tests.real.checking import Checker

pytestmark = pytest.mark.xdist_group("group")


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    missing = ContainerMySQL.missing()
    if missing:
        pytest.skip(missing)
    with Group() as group:
        yield group


@pytest.fixture
def check(group: Group) -> Checker:
    return Checker(group)


def test_each_member_serves_in_its_role_and_in_no_other(group: Group, check: Checker) -> None:
    assert channels(group.secondary) == []
    assert check(group.secondary, "--weight", "100").code == 102
    assert check(group.primary, "--role", "source").code == 0
    assert [check(member, "--role", "any").code for member in group.members] == [0, 0]
    ended = check.json(group.primary)
    assert (ended.code, ended.codes) == (1, ["group_member", "writable"])
    ended = check.json(group.secondary, "--role", "source")
    assert (ended.code, ended.codes) == (1, ["group_member", "read_only"])


def test_who_may_not_ask_the_group_is_told_the_grant(group: Group, check: Checker) -> None:
    group.primary.sql(f"REVOKE SELECT ON {MEMBERS} FROM {MONITOR_ACCOUNT}")
    group.wait_until_applied()
    ended = check.json(group.secondary)
    assert (ended.code, ended.codes[0]) == (1, "credentials")
    assert f"GRANT SELECT ON {MEMBERS} TO 'mysqlcheck'@'%';" in ended.json["reasons"][0]["text"]
    group.primary.sql(f"GRANT SELECT ON {MEMBERS} TO {MONITOR_ACCOUNT}")
    group.wait_until_applied()
    assert check(group.secondary).code == 0


def test_a_member_that_left_fails(group: Group, check: Checker) -> None:
    group.secondary.sql("STOP GROUP_REPLICATION")
    ended = check.json(group.secondary)
    assert (ended.code, ended.codes) == (1, ["group_member"])
    assert ended.json["reasons"][0]["observed"] == "OFFLINE"
    group.rejoin()
    assert check(group.secondary).code == 0


def test_a_member_that_recovers_fails_until_it_has_everything(group: Group, check: Checker) -> None:
    group.recover_in_vain()
    ended = check.json(group.secondary)
    assert (ended.code, ended.codes) == (1, ["group_member"])
    assert ended.json["reasons"][0]["observed"] == "RECOVERING SECONDARY"
    group.rejoin()
    assert check(group.secondary).code == 0


def test_a_member_whose_applier_failed_fails(group: Group, check: Checker) -> None:
    group.break_applier()
    ended = check.json(group.secondary, "--role", "any")
    assert (ended.code, ended.codes) == (1, ["group_member"])
    assert ended.json["reasons"][0]["observed"] == "ERROR"
    group.mend_applier()
    assert check(group.secondary).code == 0


def test_a_member_without_a_majority_fails_although_it_answers(group: Group, check: Checker) -> None:
    group.primary.pause()
    try:
        group.wait_for(group.secondary, "ONLINE", "UNREACHABLE")
        ended = check.json(group.secondary)
        assert (ended.code, ended.codes) == (1, ["group_member"])
        assert ended.json["reasons"][0]["observed"] == "no majority"
    finally:
        group.primary.resume()
    group.wait_for(group.secondary, "ONLINE", "ONLINE")
    assert check(group.secondary).code == 0
