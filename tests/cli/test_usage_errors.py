"""A usage error on the check's way ends in 1, never in click's 2, and says what to do."""

from pathlib import Path

import pytest

from mysqlcheck.options import Settings
from tests.command import Ended, mysqlcheck
from tests.hostile.server import HostileServer

from .asking import address

SECONDS = (
    *("", "-1", "+1", "ten", "nan", "inf", "1e3", "3x", "30s1m", "0x10", "1_0", "1,5", "1 000", "400d"),
    *("1m1m", "3y", "1.2.3s", "s", "5 s", "3sx", "1h-5m", "٣s"),
)
NUMBERS = ("", "-1", "+1", "1.0", "ten", "0x10", "1_0", "٣", "9" * 30)
DURATION = "a duration from"

NOT_ALLOWED: dict[str, tuple[tuple[str, ...], str]] = {
    "--host": (("", "a b", "user@db", "db/x", "a\nb", "db#1"), "host name"),
    "--port": ((*NUMBERS, "0", "65536"), "a whole number from 1 to 65535"),
    "--socket": (("",), "the path of a Unix socket"),
    "--user": (("", "a\nb"), "text on one line"),
    "--tls": (("", "yes", "REQUIRED", "verify_ca"), "disabled, preferred, required, verify-ca or verify-identity"),
    "--expect-source": (("", "a b", "db1,", "me@db", "/run/mysqld.sock"), "host, host:port or server_uuid"),
    "--checksum-table": (("", "checksums", "a.b.c", ".b", "a.", "a.b`"), "database.table"),
    "--gtid-check": (("", "on", "Always"), "off, entry or always"),
    "--gtid-source": (("", "a b", "db1,", "me@db", "/run/mysqld.sock"), "host or host:port; several"),
    "--heartbeat-table": (("", "heartbeat", "a.b.c", ".b", "a.", "a.b`"), "database.table"),
    "--heartbeat-server-id": ((*NUMBERS, "0", "4294967296"), "a whole number from 1 to 4294967295"),
    "--lag-source": (("", "seconds_behind", "Auto"), "seconds-behind, applier, heartbeat or auto"),
    "--max-connections-used": ((*NUMBERS, "0", "101"), "a whole number from 1 to 100"),
    "--max-threads-running": ((*NUMBERS, "0", "100001"), "a whole number from 1 to 100000"),
    "--role": (("", "master", "Replica", "replica "), "replica, source or any"),
    "--output": (("", "yaml", "JSON"), "text or json"),
    "--weight": ((*NUMBERS, "0", "254", "255"), "a whole number from 1 to 253"),
    "--base-weight": ((*NUMBERS, "0", "254"), "a whole number from 1 to 253"),
    "--timeout": ((*SECONDS, "0", "50ms", "2h"), f"{DURATION} 0.1s to 1h"),
    "--max-lag": ((*SECONDS, "0", "0.5"), f"{DURATION} 1s to"),
    "--resume-lag": (SECONDS, f"{DURATION} 0s to"),
    "--lag-ok": (SECONDS, f"{DURATION} 0s to"),
    "--max-staleness": (SECONDS, f"{DURATION} 0s to"),
    "--hold-down": (SECONDS, f"{DURATION} 0s to"),
    "--recover-after": (SECONDS, f"{DURATION} 0s to"),
    "--hold-down-max": (SECONDS, f"{DURATION} 0s to"),
    "--flap-half-life": (SECONDS, f"{DURATION} 0s to"),
    "--ramp": (SECONDS, f"{DURATION} 0s to"),
    "--trust-uptime": (SECONDS, f"{DURATION} 0s to"),
    "--fail-after": ((*SECONDS, "2h"), f"{DURATION} 0s to 1h"),
    "--credentials-grace": (SECONDS, f"{DURATION} 0s to"),
    "--channel": (("", ",", "a,", "a,,b", "a\nb", "x" * 65), "names of channels"),
    "--release": (("", "Auto", "by-hand", "manual "), "auto or manual"),
    "--track-file": (("",), "an absolute path"),
    "--textfile": (("",), "the path of a file or an existing directory"),
    "--state-dir": (("",), "the path of a directory"),
    "--config": (("",), "the path of a file"),
    "--defaults-file": (("",), "the path of a file"),
    "--password-file": (("",), "the path of a file"),
    "--tls-ca": (("",), "the path of a PEM file"),
    "--tls-cert": (("",), "the path of a PEM file"),
    "--tls-key": (("",), "the path of a PEM file"),
    "--server-public-key-path": (("",), "the path of a PEM file"),
}
FLAGS = ("--shadow", "--get-server-public-key", "--super-read-only", "--ignore-delay", "--heartbeat-utc")
LONGEST = max(len(values) for values, _ in NOT_ALLOWED.values())


def assert_refused(ended: Ended, *said: str) -> None:
    assert ended.code == 1
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for words in said:
        assert words in ended.err


def test_the_table_above_knows_every_option() -> None:
    options = {setting.option for setting in Settings.declared().values() if "cli" in setting.sources}
    assert options == {*NOT_ALLOWED, *FLAGS}


@pytest.mark.parametrize("row", range(LONGEST))
def test_every_wrong_value_is_refused_with_its_option_and_what_is_allowed(row: int) -> None:
    """One wrong value of each option at once: all of them are said."""
    wrong = {option: (values[row], allowed) for option, (values, allowed) in NOT_ALLOWED.items() if row < len(values)}
    ended = mysqlcheck(*(f"{option}={value}" for option, (value, _) in wrong.items()))
    assert_refused(ended)
    lines = ended.err.splitlines()
    for option, (value, allowed) in wrong.items():
        (line,) = (line for line in lines if f"{option}: " in line)
        assert repr(value) in line
        assert allowed in line


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_takes_no_value(flag: str, dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), f"{flag}=yes"), flag)


@pytest.mark.parametrize("twice", [["--channel", "a,A"], ["--channel", "a", "--channel", "A"]], ids=" ".join)
def test_a_channel_is_asked_for_once(twice: list[str], dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), *twice), "--channel: 'a,A' has 'A' twice")


@pytest.mark.parametrize("option", ["--host", "--weight", "--track-file", "--timeout"])
def test_an_option_without_its_value_is_refused(option: str, dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), option), option, "--help")


def test_no_host_at_all() -> None:
    assert_refused(mysqlcheck(), "--host", "--socket")


@pytest.mark.parametrize("host", ["%s", "%s:3306", "192.168.1.%s"])
def test_a_literal_percent_s_is_refused_because_keepalived_does_not_fill_it(host: str) -> None:
    assert_refused(mysqlcheck("--host", host), "--host", "keepalived", "%s")


def test_a_port_within_the_host_is_refused_and_not_looked_up(dead: HostileServer) -> None:
    assert_refused(mysqlcheck("--host", f"{dead.host}:{dead.port}"), "--host", "--port")


def test_an_ipv6_address_needs_no_brackets_and_may_have_them() -> None:
    with HostileServer(None, host="::1") as dead:
        for host in ("::1", "[::1]"):
            ended = mysqlcheck("--host", host, "--port", str(dead.port))
            assert ended.out.startswith(f"FAIL [::1]:{dead.port} unreachable: ")


def test_an_unknown_option_is_refused_with_the_nearest_known_name(dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), "--max-lagg", "3"), "--max-lagg", "--max-lag", "--help")


@pytest.mark.parametrize("argument", ["192.168.1.201", "explain", "check", ""])
def test_an_argument_that_belongs_to_no_option_is_refused(argument: str, dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), argument), argument)


def test_options_are_not_guessed_from_their_beginning(dead: HostileServer) -> None:
    assert_refused(mysqlcheck(*address(dead), "--weig", "3"), "--weig")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--socket", "mysqld.sock"), ("--socket", "absolute")),
        (("--track-file", "weights/r1"), ("--track-file", "'weights/r1'", "absolute")),
        (("--base-weight", "2"), ("--base-weight", "--track-file")),
        (("--tls-key", "/k.pem"), ("--tls-key", "--tls-cert")),
        (("--max-lag", "10s", "--resume-lag", "20s"), ("resume_lag 20s", "max_lag 10s")),
        (("--max-lag", "10s", "--lag-ok", "20s"), ("lag_ok 20s", "max_lag 10s")),
        (("--hold-down", "11m", "--hold-down-max", "10m"), ("hold_down 11m", "hold_down_max 10m")),
        (("--recover-after", "20m", "--hold-down-max", "15m"), ("recover_after 20m", "hold_down_max 15m")),
        (("--host", "127.0.0.1", "--socket", "/run/mysqld.sock"), ("--host", "--socket")),
        (("--tls", "verify-ca", "--tls-ca", "/nowhere/ca.pem"), ("--tls-ca", "/nowhere/ca.pem")),
        (("--tls-cert", "/nowhere/cert.pem"), ("--tls-cert", "/nowhere/cert.pem")),
        (("--server-public-key-path", "/nowhere/key.pem"), ("--server-public-key-path", "/nowhere/key.pem")),
        (("--password-file", "/nowhere/password"), ("--password-file", "/nowhere/password")),
        (("--defaults-file", "/nowhere/my.cnf"), ("/nowhere/my.cnf", "No such file")),
        (("--config", "/nowhere/x.toml"), ("/nowhere/x.toml", "No such file")),
    ],
    ids=lambda value: " ".join(value) if value[0].startswith("--") and len(value) > 1 else "",
)
def test_values_that_make_no_sense_together_or_on_this_machine(
    arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    host = () if "--host" in arguments or "--socket" in arguments else ("--host", "127.0.0.1", "--port", "1")
    assert_refused(mysqlcheck(*host, *arguments), *said)


def test_a_longest_hold_below_the_default_hold_is_refused_where_it_was_given(
    dead: HostileServer, tmp_path: Path
) -> None:
    ended = mysqlcheck(*address(dead), "--hold-down-max", "30s", state=tmp_path)
    assert_refused(ended, "--hold-down-max: ", "hold_down 1m", "hold_down_max 30s")


@pytest.mark.parametrize("argument", [b"--host=\xff", b"--n\xff", b"\xff\xfe", b"--user=\xc3\x28"])
def test_arguments_that_are_no_text_are_refused_in_words(argument: bytes) -> None:
    import os

    assert_refused(mysqlcheck("--port", "1", os.fsdecode(argument)), "mysqlcheck: ")


def test_an_argument_of_100_kilobytes_is_refused(dead: HostileServer) -> None:
    for argument in ("x" * 100_000, f"--host={'x' * 100_000}", f"--{'x' * 100_000}"):
        ended = mysqlcheck("--port", str(dead.port), "--timeout", "0.3s", argument)
        assert (ended.code, "Traceback" in ended.err) == (1, False)
