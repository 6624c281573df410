"""Judges keepalived.conf: what will happen at three in the morning, and what to write instead.

`RULES` is all that it knows; docs/reference/lint.md is written from it. What the rules look at is in rules.py.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from mysqlcheck.keepalived import rules
from mysqlcheck.keepalived.rules import Found, Known


class Level(Enum):
    """How bad it is."""

    ERROR = "error"
    """It does not do what it seems to."""
    WARNING = "warning"
    """It does, until something else happens."""
    INFORMATION = "information"
    """A choice that somebody should have made."""


class Rule(NamedTuple):
    """One thing that may be wrong."""

    code: str
    level: Level
    happens: str
    instead: str
    find: Callable[[Known], Found]


class Finding(NamedTuple):
    """What a rule has found, and where."""

    code: str
    level: Level
    file: str
    line: int
    text: str
    instead: str


def findings(known: Known) -> list[Finding]:
    """Return what every rule finds, in the order of the file."""
    found = [
        Finding(
            rule.code,
            rule.level,
            node.file,
            node.line,
            f"{detail}: {rule.happens}" if detail else rule.happens,
            rule.instead,
        )
        for rule in RULES
        for node, detail in rule.find(known)
    ]
    code, level, happens, instead, _ = UNREADABLE
    found += [
        Finding(code, level, file, line, f"{text}: {happens}", instead) for file, line, text in known.config.unreadable
    ]
    return sorted(found, key=lambda one: (one.file, one.line, one.code))


E, W, I = Level.ERROR, Level.WARNING, Level.INFORMATION  # noqa: E741
RULES = (
    Rule(
        "script_relative",
        E,
        "keepalived looks a bare name up in PATH when it loads, and may find another program",
        "the absolute path",
        rules.script_relative,
    ),
    Rule(
        "script_missing",
        E,
        "keepalived drops the check when it loads, and the server is up for ever (with alpha: never); "
        "if it goes later, exec fails and counts as up",
        "a path that exists and can be executed",
        rules.script_missing,
    ),
    Rule(
        "hook_missing",
        W,
        "it does not run, and nobody is told of a change",
        "a path that exists and can be executed",
        rules.hook_missing,
    ),
    Rule(
        "script_insecure",
        E,
        "enable_script_security drops the check when it loads, and the server is up for ever",
        "owned by root, and writable by nobody else, all the way down",
        rules.script_insecure,
    ),
    Rule(
        "no_such_user",
        E,
        "keepalived removes every script that would run as this user: the servers are up for ever (with alpha: never)",
        "a user that exists: useradd --system --no-create-home keepalived_script",
        rules.no_such_user,
    ),
    Rule(
        "misc_path_unquoted",
        E,
        "keepalived keeps the first word alone",
        'quotes: misc_path "…"',
        rules.misc_path_unquoted,
    ),
    Rule(
        "literal_percent_s",
        E,
        "keepalived fills in no address: %s reaches the program as it stands",
        "the real server's address; mysqlcheck keepalived-config writes it",
        rules.literal_percent_s,
    ),
    Rule(
        "other_mysqlcheck",
        E,
        "this is the table checker of MySQL's or MariaDB's client package",
        "keepalived-mysqlcheck, with its absolute path",
        rules.other_mysqlcheck,
    ),
    Rule(
        "usage_error",
        E,
        "the check exits 1 for this, so the server is down for ever",
        "see mysqlcheck --help",
        rules.usage_error,
    ),
    Rule(
        "no_check",
        E,
        "its exit code is no verdict on the server",
        "keepalived-mysqlcheck --host ADDRESS",
        rules.no_check,
    ),
    Rule(
        "other_server",
        E,
        "one server is checked, and another one served",
        "the real server's own address and port",
        rules.other_server,
    ),
    Rule(
        "misc_timeout",
        E,
        "keepalived kills the check before it has answered; with misc_dynamic its weight leaks then "
        "(acassen/keepalived#2720)",
        "misc_timeout in whole seconds, well above --timeout: 7 for 3 s",
        rules.misc_timeout,
    ),
    Rule(
        "weight_style",
        E,
        "without misc_dynamic every exit code but 0 is down, and in this style it is never 0",
        "misc_dynamic, or --track-file with FILE_CHECK",
        rules.weight_style,
    ),
    Rule(
        "exit_0",
        E,
        "at the next reload keepalived makes weight 0 of a last exit code 0",
        "--weight N, or no misc_dynamic",
        rules.exit_0,
    ),
    Rule(
        "weight_differs",
        E,
        "keepalived sets what the exit code says, and after a reload what is configured",
        "the same number twice",
        rules.weight_differs,
    ),
    Rule(
        "two_dynamic",
        E,
        "the weights of several dynamic checkers of one real server add up",
        "one of them",
        rules.two_dynamic,
    ),
    Rule(
        "weight_ignored",
        W,
        "this scheduler knows no weight but 0",
        "lvs_sched wlc, wrr, sed or nq",
        rules.weight_ignored,
    ),
    Rule(
        "all_weights_zero",
        E,
        "the quorum is never reached by weights, and a sorry server never leaves",
        "a weight of at least 1",
        rules.all_weights_zero,
    ),
    Rule(
        "track_file",
        E,
        "keepalived ignores this FILE_CHECK, and the weight never follows",
        "the track_file block above it",
        rules.track_file,
    ),
    Rule("track_file_differs", E, "the weight never changes", "the same file twice", rules.track_file_differs),
    Rule(
        "file_check_version",
        E,
        "its checker process crashes again and again (2.3.0 to 2.3.2)",
        "another release of keepalived, or misc_dynamic",
        rules.file_check_version,
    ),
    Rule(
        "no_alpha",
        W,
        "from each start of keepalived to its first check every server serves, a held one too",
        "alpha",
        rules.no_alpha,
    ),
    Rule("no_protocol", W, "keepalived's default is UDP", "protocol TCP", rules.lacks("protocol")),
    Rule(
        "no_method",
        W,
        "keepalived's default is NAT",
        "lvs_method DR (or NAT, TUN)",
        rules.lacks("lvs_method", "lb_kind"),
    ),
    Rule(
        "port_differs",
        E,
        "with DR and TUN keepalived resets it to the virtual server's",
        "the same port, or NAT",
        rules.port_differs,
    ),
    Rule(
        "hysteresis",
        E,
        "keepalived sets it to 0, and says so in its log alone",
        "hysteresis below quorum",
        rules.hysteresis,
    ),
    Rule(
        "tcp_check_beside",
        W,
        "it opens a connection and closes it without a login, which MySQL counts against the "
        "director (1129, Host is blocked)",
        "mysqlcheck alone",
        rules.tcp_check_beside,
    ),
    Rule(
        "tcp_check_alone",
        I,
        "TCP_CHECK does not see that replication has stopped, nor that the server has restarted",
        "mysqlcheck, at first with --shadow",
        rules.tcp_check_alone,
    ),
    Rule(
        "inhibit_on_failure",
        I,
        "a failed server keeps its open connections: pooled clients go on reading from it",
        "nothing, if that is meant; else leave it out, with net.ipv4.vs.expire_nodest_conn=1",
        rules.inhibit_on_failure,
    ),
)
UNREADABLE = Rule(
    "unreadable",
    E,
    "keepalived passes it over, or takes what follows for something else",
    "what man keepalived.conf says; keepalived -t names it too",
    lambda _: iter(()),
)
