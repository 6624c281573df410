"""Reads MySQL option files (my.cnf), as MySQL's own clients do.

Our own 60 lines, because no library reads them right: PyMySQL's parser (configparser) knows neither `#` after
a value, nor the escapes, nor !include, so that a password could come out as another than the one that
`mysql` uses (https://dev.mysql.com/doc/refman/8.4/en/option-files.html). Options of other programs are
normal in such a file and are passed over.
"""

from __future__ import annotations

from mysqlcheck.errors import Problem, SettingsError

GROUPS = ("client", "mysqlcheck")
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "\\": "\\", "s": " ", '"': '"', "'": "'"}
NAMES = {
    "user": "user",
    "password": "password",
    "host": "host",
    "port": "port",
    "socket": "socket",
    "ssl-mode": "tls",
    "ssl-ca": "tls_ca",
    "ssl-cert": "tls_cert",
    "ssl-key": "tls_key",
    "server-public-key-path": "server_public_key_path",
    "get-server-public-key": "get_server_public_key",
}
"""Option → our setting. An option that is not here belongs to some other program."""
TLS = {"DISABLED": "disabled", "PREFERRED": "preferred", "REQUIRED": "required"}
TLS |= {"VERIFY_CA": "verify-ca", "VERIFY_IDENTITY": "verify-identity"}
MOST_INCLUDES = 10


def read(path: str) -> dict[str, object]:
    """Return the settings that [client] and then [mysqlcheck] give.

    Raises SettingsError, naming the file, when it cannot be read or is no text.
    """
    groups: dict[str, dict[str, object]] = {group: {} for group in GROUPS}
    _read_into(groups, path, 0)
    return groups["client"] | groups["mysqlcheck"]


def _read_into(groups: dict[str, dict[str, object]], path: str, depth: int) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise SettingsError([Problem(path, f"cannot read this MySQL option file: {why}")]) from error
    group: dict[str, object] | None = None
    for line in map(str.strip, lines):
        directive, _, argument = line.partition(" ")
        if directive in ("!include", "!includedir"):
            if depth >= MOST_INCLUDES:
                raise SettingsError([Problem(path, f"{line}: more than {MOST_INCLUDES} includes in a row")])
            argument = argument.strip()
            for included in [argument] if directive == "!include" else _files_of(argument):
                _read_into(groups, included, depth + 1)
        elif line.startswith("["):
            group = groups.get(line[1:].partition("]")[0].strip().lower())
        elif group is not None and line and line[0] not in "#;":
            _option(group, line)


def _files_of(directory: str) -> list[str]:
    from glob import glob

    return sorted(glob(f"{directory}/*.cnf"))


def _option(group: dict[str, object], line: str) -> None:
    name, equals, value = line.partition("=")
    name = name.strip().lower().replace("_", "-").removeprefix("loose-")
    if name in ("ssl", "skip-ssl", "ssl-verify-server-cert"):  # MariaDB's words for ssl-mode
        _mariadb_tls(group, name, not equals or _value(value).lower() not in ("0", "off", "false"))
    elif name == "get-server-public-key":
        group[NAMES[name]] = not equals or _value(value).lower() not in ("0", "off", "false")
    elif name == "ssl-mode":
        group["tls"] = TLS.get(_value(value).upper().replace("-", "_"), _value(value))
    elif name in NAMES and equals:
        group[NAMES[name]] = _value(value)


def _mariadb_tls(group: dict[str, object], name: str, on: bool) -> None:
    if name == "ssl-verify-server-cert":
        if on:
            group["tls"] = "verify-identity"
    elif on == (name == "ssl"):
        group.setdefault("tls", "required")
    else:
        group["tls"] = "disabled"


def _value(text: str) -> str:
    """Unquote and unescape; ` #` begins a comment unless it stands in quotes."""
    text = text.strip()
    if text[:1] in ("'", '"') and (end := text.find(text[0], 1)) > 0:
        text = text[1:end]
    else:
        text = text.partition("#")[0].rstrip()
    parts, escaped = [], False
    for character in text:
        if escaped:
            parts.append(ESCAPES.get(character, "\\" + character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append(character)
    return "".join(parts) + ("\\" if escaped else "")
