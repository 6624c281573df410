"""What the property test draws: command lines, environments, files and servers.

Placeholders in braces stand for what is known only when the example runs: {port}, {folder} and so on. Paths
that are written to are always below {folder}; so is the working directory of a run.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from hypothesis import strategies as st

from mysqlcheck.funnel import COMMANDS
from tests.hostile.behaviours import BEHAVIOURS
from tests.hostile.personas import (
    MARIADB,
    MARIADB_STATUS,
    MYSQL,
    MYSQL_57,
    MYSQL_STATUS,
    OLD_STATUS,
    STATUS_QUERY,
    Persona,
    table,
)
from tests.hostile.server import Script

TIMEOUTS = ("100ms", "0.2", "300ms", "0.3s")
LONGEST_TIMEOUT = 0.3

WRITABLE = "track"
"""The one track file that can be written; every other drawn path cannot."""

DURATIONS = ("1", "5s", "10", "30s", "45s", "1m", "1h", "0.02h", "60000ms")
HOLDS = ("0", "10ms", "5s", "1m30s", "10m")
GOOD: dict[str, tuple[str, ...]] = {
    "user": ("mysqlcheck", "monitor", "ü"),
    "timeout": TIMEOUTS,
    "tls": ("disabled", "preferred", "required"),
    "role": ("replica", "source", "any"),
    "weight": ("1", "2", "7", "9", "10", "11", "100", "252", "253"),
    "track_file": (f"{{folder}}/{WRITABLE}", "{folder}/missing/track", "{folder}"),
    "base_weight": ("1", "2", "253"),
    "max_lag": DURATIONS,
    "resume_lag": DURATIONS,
    "lag_ok": (*DURATIONS, "0"),
    "max_staleness": (*DURATIONS, "0"),
    "textfile": ("{folder}/x.prom", "{folder}/missing/x.prom", "{folder}"),
    "hold_down": HOLDS,
    "recover_after": HOLDS,
    "hold_down_max": (*HOLDS, "10m"),
    "flap_half_life": HOLDS,
    "ramp": HOLDS,
    "trust_uptime": (*HOLDS, "20d"),
    "fail_after": HOLDS,
    "credentials_grace": HOLDS,
    "release": ("auto", "manual"),
    "state_dir": ("{folder}/state", "{folder}", "{folder}/not/there", "{folder}/stderr", "/dev/null", "/proc/1"),
    "output": ("json",),
}
NOT_IN_A_FILE = ("output", "state_dir")
FLAGS = ("shadow", "get_server_public_key")
"""Values that are allowed, some of which do not get along with each other."""

NONSENSE = (
    *("", " ", "0", "-1", "254", "65536", "1e3", "nan", "inf", "٣", "1.", ".5", "true", "yes", "None", "[]", "%s"),
    *("replica ", "REQUIRED", "verify-ca", "{folder}/missing", "{folder}", "\x1b[2J", "\u202e", "\t"),
    *(os.fsdecode(b"\xff"), os.fsdecode(b"\xc3\x28"), "9" * 400, "x" * 5000, "1" * 5000, "{port}", "../..", "=", "--"),
)
FILES = ("password_file", "defaults_file", "config", "tls_ca", "tls_cert", "tls_key", "server_public_key_path")
FILE_VALUES = ("{folder}/option-file", "{folder}/config", "{folder}/missing", "{folder}", "/dev/null", "", "\x1b")
HOSTS = ("127.0.0.1", "[127.0.0.1]", "::1", "%s", "", "a" * 70, "x..y", "127.0.0.1:{port}", "[::1", "[]", "::", ".")
RAW = st.one_of(
    st.sampled_from(("-", "--", "-h", "-x", "check", *sorted(COMMANDS), "--nonsense", "--weigh=3", "%s", "=", "@x")),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.binary(max_size=6).map(lambda raw: os.fsdecode(raw.replace(b"\0", b""))),
)
"""Words that belong to no option. Too short to spell an option that writes a file."""


def spelled(name: str, value: str) -> st.SearchStrategy[list[str]]:
    option = "--" + name.replace("_", "-")
    return st.sampled_from([[f"{option}={value}"], [option, value]])


@st.composite
def settings(draw: st.DrawFn, names: dict[str, tuple[str, ...]], most: int) -> dict[str, str]:
    chosen = draw(st.lists(st.sampled_from(sorted(names)), max_size=most, unique=True))
    return {name: draw(st.sampled_from(names[name])) for name in chosen}


ANY_VALUE = {
    **{name: (*values, *NONSENSE) for name, values in GOOD.items() if name not in ("track_file", "textfile")},
    "track_file": (*GOOD["track_file"], "", "relative", "\x1b"),
    "textfile": (*GOOD["textfile"], "", "{folder}/x\x1b"),
    "timeout": (*TIMEOUTS, "", "0", "-1", "nan", "99h", "x"),  # no allowed value that is long
    "output": ("json", "text", "yaml", ""),
    "state_dir": (*GOOD["state_dir"], *(text for text in NONSENSE if ".." not in text)),
    **dict.fromkeys(FILES, FILE_VALUES),
    "host": HOSTS,
    "port": ("{port}", *NONSENSE),
    "socket": ("{folder}/missing.sock", "relative", "", "/" + "x" * 200),
    **dict.fromkeys(FLAGS, ("true", "false", "perhaps", "")),
}


class Example(NamedTuple):
    """One run: what the command is given, and the server that it meets."""

    arguments: list[str]
    env: dict[str, str]
    config: bytes | None
    option_file: bytes | None
    script: Script | None
    server: str
    must_not_serve: frozenset[str] = frozenset()
    """The roles in which nobody could call this server healthy."""


SECONDS: Any = st.one_of(
    st.integers(0, 12), st.integers(13, 70), st.integers(71, 2**64), st.none(), st.sampled_from(["", "-1", "x"])
)


class Rows(NamedTuple):
    """A good server with drawn rows; `bad` are the roles in which nobody could call what it says healthy."""

    persona: Persona
    shown: str
    bad: frozenset[str]


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    """A server that speaks well, and says anything of its replication."""
    persona, status, old, name = draw(
        st.sampled_from(
            [
                (MYSQL, MYSQL_STATUS, False, "Channel_Name"),
                (MYSQL_57, OLD_STATUS, True, "Channel_Name"),
                (MARIADB, MARIADB_STATUS, True, "Connection_name"),
            ]
        )
    )
    replica, source = ("Slave", "Master") if old else ("Replica", "Source")
    channels = []
    for number in range(draw(st.sampled_from([1, 1, 1, 0, 2, 3]))):
        io = draw(st.sampled_from(["Yes", "Yes", "Yes", "No", "Connecting", "Preparing", "Perhaps"]))
        sql = draw(st.sampled_from(["Yes", "Yes", "Yes", "No", "Perhaps", None]))
        lag = draw(SECONDS)
        channels.append(
            {
                **status,
                name: f"c{number}" if number else "",
                f"{replica}_IO_Running": io,
                f"{replica}_SQL_Running": sql,
                f"Seconds_Behind_{source}": None if lag is None else str(lag),
                "Last_IO_Errno": draw(st.sampled_from(["0", "0", "2003", "1045", "x"])),
                "Last_IO_Error": draw(st.sampled_from(["", "an error\x1b[2J", "%s {0}", "ü\u202e"])),
            }
        )
    read_only = draw(st.sampled_from(["1", "1", "1", "0", "ON", "MAYBE", None]))
    persona = persona.but_variables(read_only=read_only)
    persona = persona.but(STATUS_QUERY, table(list(status), [list(channel.values()) for channel in channels]))
    states = [(c[f"{replica}_IO_Running"], c[f"{replica}_SQL_Running"]) for c in channels]
    lags = [c[f"Seconds_Behind_{source}"] for c in channels]
    bad = any(sql != "Yes" or io == "Perhaps" for io, sql in states)
    bad |= any(lag in ("", "-1", "x") or (lag is not None and int(lag) > 3600) for lag in lags)
    bad |= any(lag is None and state == ("Yes", "Yes") for lag, state in zip(lags, states, strict=True))
    roles = {"replica", "any"} if bad else set()  # a source is not asked for its own replication
    roles |= {"replica", "any", "source"} if read_only in (None, "MAYBE") else set()
    return Rows(persona, f"{persona.version} {states} {lags} read_only={read_only}", frozenset(roles))


@st.composite
def servers(draw: st.DrawFn) -> tuple[Script | None, str, frozenset[str]]:
    """A server out of the table of hostile ones, or one that speaks well and says anything."""
    if draw(st.integers(0, 2)) == 0:
        behaviour = draw(st.sampled_from(BEHAVIOURS))
        return behaviour.script, behaviour.name, frozenset()
    drawn = draw(rows())
    tls = draw(st.sampled_from(["", "", "", "good"]))
    return drawn.persona.script(tls=tls), drawn.shown, drawn.bad


ADDRESS = ["--host", "127.0.0.1", "--port", "{port}"]


@st.composite
def sound(draw: st.DrawFn) -> Example:
    """Everything on the director's side is as it should be, so that the check gets to a decision."""
    given = draw(settings(GOOD, 5)) | {"output": "json"}
    arguments, env = list(ADDRESS), {"MYSQLCHECK_TIMEOUT": draw(st.sampled_from(TIMEOUTS))}
    config: dict[str, str] = {}
    for name, value in given.items():
        where = draw(st.sampled_from(["cli", "cli", "env", "config"]))
        if where == "cli" or (name in NOT_IN_A_FILE and where == "config"):
            arguments += draw(spelled(name, value))
        elif where == "env":
            env[f"MYSQLCHECK_{name.upper()}"] = value
        else:
            config[name] = value
    arguments += [f"--{name.replace('_', '-')}" for name in FLAGS if draw(st.integers(0, 4)) == 0]
    text = "[defaults]\n" + "".join(f'{name} = "{value}"\n' for name, value in config.items())
    option_file = draw(st.sampled_from([None, b"[client]\nuser=x\n[mysqlcheck]\npassword={password}\n"]))
    script, shown, bad = draw(servers())
    return Example(arguments, env, text.encode() if config else None, option_file, script, shown, bad)


TOML_VALUES = st.one_of(
    st.sampled_from(NONSENSE).filter(lambda text: text.isprintable() and text.isascii()).map(lambda text: f'"{text}"'),
    st.sampled_from(("true", "1", "-1", "1.5", "nan", "inf", "[]", "{}", "1979-05-27", "[[1]]", "9" * 400, '"{port}"')),
    st.sampled_from(("0x" + "f" * 5000, "07", "1__0", "'''\n'''", '"\\u0000"', '"\\uD800"', '"\\U0010FFFF"')),
)
CONFIGS = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.lists(
        st.one_of(
            st.sampled_from(
                ("[defaults]", '[target."127.0.0.1:{port}"]', '[target."[::1"]', "[target]", "[[target]]", "[x]")
            ),
            st.builds(
                lambda name, value: f"{name} = {value}", st.sampled_from(sorted({*ANY_VALUE, "pool"})), TOML_VALUES
            ),
            st.text(max_size=10),
        ),
        max_size=6,
    ).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")),
)
OPTION_FILES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.lists(
        st.one_of(
            st.sampled_from(("[client]", "[mysqlcheck]", "[mysqld]", "[client", "!include {folder}/option-file")),
            st.sampled_from(("!includedir {folder}", "!include", "!includedir a\0b", "!include a\0b", "# x", "ssl")),
            st.builds(
                lambda name, value: f"{name}={value}",
                st.sampled_from(
                    ("user", "password", "host", "port", "socket", "ssl-mode", "ssl-ca", "loose-user", "x")
                ),
                st.sampled_from(NONSENSE),
            ),
        ),
        max_size=6,
    ).map(lambda lines: "\n".join(["[client]", *lines]).encode("utf-8", "surrogateescape")),
)
# A password of the option file's own is nonsense, not the secret: that one is given in the environment.
PASSWORDS = st.sampled_from(
    ("{password}", "{password}", "{password}\t", "\x1b{password}", "{password}" + os.fsdecode(b"\xff"))
)


@st.composite
def anything(draw: st.DrawFn) -> Example:
    """Real options with good and nonsense values, and words that are no options at all, everywhere."""
    arguments = list(ADDRESS) if draw(st.integers(0, 4)) else []
    for name, value in draw(settings(ANY_VALUE, 3)).items():
        arguments += draw(spelled(name, value)) if draw(st.integers(0, 2)) else []
    arguments += [f"--{name.replace('_', '-')}" for name in FLAGS if draw(st.integers(0, 4)) == 0]
    if draw(st.integers(0, 3)) == 0:
        arguments.insert(draw(st.integers(0, len(arguments))), draw(RAW))
    if draw(st.integers(0, 9)) == 0:
        arguments.append(draw(st.sampled_from(["--help", "--version"])))
    if draw(st.integers(0, 3)):
        arguments.append("--output=json")
    env = {"MYSQLCHECK_TIMEOUT": "300ms", "MYSQLCHECK_PASSWORD": draw(PASSWORDS)}
    for name, value in draw(settings(ANY_VALUE, 2)).items() if draw(st.integers(0, 1)) else ():
        env[f"MYSQLCHECK_{name.upper()}"] = value
    if draw(st.integers(0, 7)) == 0:
        word = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0="), max_size=6))
        env[f"MYSQLCHECK_{word}"] = draw(st.sampled_from(NONSENSE))
    script, shown, bad = draw(servers())
    return Example(arguments, env, draw(CONFIGS), draw(OPTION_FILES), script, shown, bad)
