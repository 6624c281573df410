"""Reads MySQL option files (my.cnf), as MySQL's own clients do.

Our own, because no library reads them right: PyMySQL's parser (configparser) knows neither `#` after
a value, nor the escapes, nor !include, so that a password could come out as another than the one that
`mysql` uses (https://dev.mysql.com/doc/refman/8.4/en/option-files.html). Options of other programs are
normal in such a file and are passed over.
"""

from __future__ import annotations

import os

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
}
"""Option → our setting. An option that is not here belongs to some other program."""
TLS = {"DISABLED": "disabled", "PREFERRED": "preferred", "REQUIRED": "required"}
TLS |= {"VERIFY_CA": "verify-ca", "VERIFY_IDENTITY": "verify-identity"}
MOST_INCLUDES = 10


def name_of(setting: str) -> str:
    """Return the option file's own name of one of our settings."""
    return next((option for option, name in NAMES.items() if name == setting), setting.replace("_", "-"))


def read(path: str) -> dict[str, object]:
    """Return the settings that [client] and then [mysqlcheck] give.

    Raises SettingsError, naming the file, when it or a file that it includes cannot be read.
    """
    groups: dict[str, dict[str, str | None]] = {group: {} for group in GROUPS}
    _read_into(groups, path, 0)
    return _settings(groups["client"] | groups["mysqlcheck"])


def _read_into(groups: dict[str, dict[str, str | None]], path: str, depth: int) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    group: dict[str, str | None] | None = None
    for line in map(str.strip, lines):
        directive, *argument = line.split(None, 1)[:2] or [""]
        if directive in ("!include", "!includedir"):
            if depth >= MOST_INCLUDES:
                raise SettingsError([Problem(path, f"{line}: more than {MOST_INCLUDES} includes in a row")])
            if not argument:
                raise SettingsError([Problem(path, f"{line} names nothing to include")])
            for included in argument if directive == "!include" else _files_of(argument[0]):
                _read_into(groups, included, depth + 1)
        elif line.startswith("["):
            group = groups.get(line[1:].partition("]")[0].strip().lower())
        elif group is not None and line and line[0] not in "#;":
            name, equals, value = _without_comment(line).partition("=")
            name = name.strip().lower().replace("_", "-").removeprefix("loose-")
            group.pop(name, None)  # the last one counts, also in the order of `ssl` and `skip-ssl`
            group[name] = _value(value) if equals else None


def _files_of(directory: str) -> list[str]:
    try:
        return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".cnf"))
    except (OSError, ValueError) as error:
        raise _unreadable(directory, error) from error


def _unreadable(path: str, error: Exception) -> SettingsError:
    why = getattr(error, "strerror", None) or "it is no UTF-8 text, or no path"
    return SettingsError([Problem(path, f"cannot read this MySQL option file: {why}")])


def _settings(options: dict[str, str | None]) -> dict[str, object]:
    """Translate options into our settings."""
    settings: dict[str, object] = {
        NAMES[option]: options[option] for option in NAMES if options.get(option) is not None
    }
    if "tls" in settings:
        mode = str(settings["tls"])
        settings["tls"] = TLS.get(mode.upper().replace("-", "_"), mode)
    elif ("ssl" in options or "skip-ssl" in options) and not _on(options, "ssl"):  # MariaDB's words for it
        settings["tls"] = "disabled"
    elif _on(options, "ssl-verify-server-cert"):
        settings["tls"] = "verify-identity"
    elif _on(options, "ssl"):
        settings["tls"] = "required"
    if "get-server-public-key" in options:
        settings["get_server_public_key"] = _on(options, "get-server-public-key")
    return settings


def _on(options: dict[str, str | None], name: str) -> bool:
    """Whether a boolean option holds: the last of `name` and `skip-name` counts, and no value means yes."""
    answer = False
    for option, value in options.items():
        if option in (name, f"skip-{name}"):
            answer = ((value or "1").lower() not in ("0", "off", "false")) == (option == name)
    return answer


def _without_comment(line: str) -> str:
    """Cut a line at the first `#` that stands in no quotes, in which a backslash protects a quote."""
    quote, escaped = "", False
    for position, character in enumerate(line):
        if character in "'\"" and not escaped:
            quote = character if not quote else "" if quote == character else quote
        if character == "#" and not quote:
            return line[:position]
        escaped = bool(quote) and character == "\\" and not escaped
    return line


def _value(text: str) -> str:
    """Take off the quotes that stand around all of it, then resolve the escapes."""
    text = text.strip()
    if len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]:
        text = text[1:-1]
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
