"""The values that one check passes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.model import Instant, Memory, Reason, ServerVersion, Severity, Target, Verdict
from tests.core.builders import NOW, channel, observation, unreachable

# targets


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("db1", Target("db1", 3306)),
        ("db1:3307", Target("db1", 3307)),
        ("DB1.Example.ORG", Target("db1.example.org", 3306)),
        ("192.168.1.201", Target("192.168.1.201", 3306)),
        ("192.168.1.201:3307", Target("192.168.1.201", 3307)),
        ("::1", Target("::1", 3306)),
        ("2001:DB8::1", Target("2001:db8::1", 3306)),
        ("[::1]", Target("::1", 3306)),
        ("[::1]:3307", Target("::1", 3307)),
        ("fe80::1%eth0", Target("fe80::1%eth0", 3306)),
        ("/run/mysqld/mysqld.sock", Target("localhost", 3306, "/run/mysqld/mysqld.sock")),
        ("/odd:3307/[x].sock", Target("localhost", 3306, "/odd:3307/[x].sock")),
    ],
)
def test_a_target_is_read_as_people_write_it(text: str, target: Target) -> None:
    assert Target.parse(text) == target


@pytest.mark.parametrize(
    "text", ["", ":3306", "db1:0", "db1:65536", "db1:-1", "db1:x", "db1:3306 ", "[::1", "[::1]3306", "[]", "[]:3306"]
)
def test_what_is_no_target_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no host|port is a number|is written \[address\]:port") as raised:
        Target.parse(text)
    assert repr(text) in str(raised.value)


def test_a_target_without_a_port_has_the_one_that_is_the_default() -> None:
    assert Target.parse("db1", 3310).port == 3310
    assert Target.parse("db1:3307", 3310).port == 3307


names = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", fullmatch=True)
hosts = names | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(lambda address: str(address).lower())
ports = st.integers(1, 65535)
sockets = st.from_regex(r"/[a-z0-9/.:\[\]-]{1,40}", fullmatch=True)
targets = st.builds(Target, hosts, ports, st.none()) | st.builds(Target, st.just("localhost"), st.just(3306), sockets)


@given(targets)
def test_a_target_survives_being_written_and_read(target: Target) -> None:
    assert Target.parse(str(target)) == target


@given(targets, targets)
def test_two_targets_are_never_written_alike(one: Target, other: Target) -> None:
    assert (str(one) == str(other)) == (one == other)


# instants


def test_time_since_an_earlier_moment_is_a_difference_in_seconds() -> None:
    assert Instant("boot", 12.5).since(Instant("boot", 10.0)) == 2.5


def test_across_boots_two_moments_cannot_be_compared() -> None:
    assert Instant("this boot", 12.5).since(Instant("last boot", 10.0)) is None


def test_a_clock_that_went_back_cannot_be_compared_either() -> None:
    """Where /proc hides the boot_id, two boots look like one."""
    assert Instant("", 12.5).since(Instant("", 13.0)) is None


@pytest.mark.parametrize(
    ("one", "other", "precedes"),
    [
        (Instant("boot", 10.0), Instant("boot", 12.5), True),
        (Instant("boot", 10.0), Instant("boot", 70.0), True),
        (Instant("boot", 10.0), Instant("boot", 10.0), False),
        (Instant("boot", 12.5), Instant("boot", 10.0), False),
        (Instant("boot", 10.0), Instant("boot", 70.1), False),  # no look takes that long: the clock went back
        (Instant("last boot", 10.0), Instant("this boot", 12.5), False),
    ],
)
def test_of_two_looks_that_overlap_one_is_the_earlier(one: Instant, other: Instant, precedes: bool) -> None:
    assert one.precedes(other) is precedes


def test_a_later_moment_is_of_the_same_boot() -> None:
    assert Instant("boot", 10.0).plus(2.5) == Instant("boot", 12.5)


# versions


@pytest.mark.parametrize(
    ("text", "flavor", "number"),
    [
        ("5.7.44-log", "mysql", (5, 7, 44)),
        ("8.0.36-28", "mysql", (8, 0, 36)),  # Percona
        ("8.0.35-0ubuntu0.22.04.1", "mysql", (8, 0, 35)),
        ("8.4.5", "mysql", (8, 4, 5)),
        ("9.7.4", "mysql", (9, 7, 4)),
        ("9.7.4-2", "mysql", (9, 7, 4)),
        ("8.0.39-google", "mysql", (8, 0, 39)),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "mariadb", (10, 11, 19)),
        ("5.5.5-10.4.34-MariaDB-1:10.4.34+maria~ubu2004-log", "mariadb", (10, 4, 34)),
        ("10.6.16-mariadb", "mariadb", (10, 6, 16)),
        ("11.8.6-MariaDB-0+deb13u1 from Debian-log", "mariadb", (11, 8, 6)),
        ("12.1.2-MariaDB", "mariadb", (12, 1, 2)),
        ("5.5.5", "mysql", (5, 5, 5)),
    ],
)
def test_flavor_and_version_are_read_from_a_greeting(text: str, flavor: str, number: tuple[int, ...]) -> None:
    assert ServerVersion.parse(text) == ServerVersion(flavor, number, text)


def test_versions_compare_as_numbers() -> None:
    assert ServerVersion.parse("8.0.9").number < ServerVersion.parse("8.0.22").number
    assert ServerVersion.parse("5.5.5-10.4.34-MariaDB").number < ServerVersion.parse("10.11.2-MariaDB").number


@pytest.mark.parametrize("text", ["", "SSH-2.0-OpenSSH_9.2", "MariaDB", "-", "v8.0.36", "5.5.5-MariaDB", "²"])
def test_what_holds_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no version of a MySQL server"):
        ServerVersion.parse(text)


def test_a_version_without_end_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - int() itself may say it
        ServerVersion.parse("9" * 100_000)
    assert len(str(raised.value)) < 300


# observations and verdicts


def test_facts_are_found_by_their_type() -> None:
    seen = observation(channel())
    assert seen.fact(ReadOnly) == ReadOnly(True)
    assert seen.fact(Channels) == Channels((channel(),))
    assert unreachable().fact(ReadOnly) is None


def test_a_verdict_is_as_severe_as_its_worst_reason() -> None:
    reasons = tuple(Reason("code", severity, "text") for severity in (Severity.NOTE, Severity.FAIL, Severity.OK))
    assert Verdict(reasons, 1.0).severity is Severity.FAIL
    assert Verdict((), 1.0).severity is Severity.OK


def test_severities_are_in_order() -> None:
    assert Severity.OK < Severity.NOTE < Severity.DRAIN < Severity.FAIL


def test_no_memory_is_a_memory() -> None:
    assert set(Memory()) == {None, 0}


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        NOW.seconds = 0.0  # type: ignore[misc]
