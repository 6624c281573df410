"""Directors and configurations that are made up, and what the linter says of them."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from mysqlcheck.cli.lint import judge
from mysqlcheck.keepalived import conf, lint
from mysqlcheck.keepalived.findings import Finding
from mysqlcheck.keepalived.machine import Machine, Stat, User, Version

SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
WEIGHTS = "/run/mysqlcheck/weights"
PYTHON = "/opt/mysqlcheck/bin/python3"
FILE, FOLDER, LINK = stat.S_IFREG | 0o755, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777


class Director:
    """A machine with these files (mode, uid, gid), first lines, links and users, and nothing else."""

    def __init__(
        self,
        files: Mapping[str, Stat | int],
        heads: Mapping[str, bytes] | None = None,
        links: Mapping[str, str] | None = None,
        users: tuple[str, ...] = ("root", "keepalived_script"),
    ) -> None:
        self.files = {"/": Stat(FOLDER, 0, 0)}
        for path, found in files.items():
            for parent in Path(path).parents:
                self.files.setdefault(str(parent), Stat(FOLDER, 0, 0))
            self.files[path] = found if isinstance(found, Stat) else Stat(found, 0, 0)
        self.heads, self.links, self.users = heads or {}, links or {}, users

    def lstat(self, path: str) -> Stat | None:
        return self.files.get(path)

    def resolve(self, path: str) -> str | None:
        path = self.links.get(path, path)
        return path if path in self.files else None

    def which(self, name: str) -> str | None:
        path = f"/usr/bin/{name}"
        return path if path in self.files else None

    def head(self, path: str) -> bytes:
        return self.heads.get(path, b"")

    def user(self, name: str) -> User | None:
        number = {"root": 0}.get(name, 990)
        return User(name, number, number) if name in self.users else None

    def group(self, name: str) -> int | None:
        return {"root": 0, "adm": 4}.get(name)


class EveryScript(Director):
    """A machine on which every script exists, and is in order."""

    def lstat(self, path: str) -> Stat | None:
        return self.files.get(path) or Stat(FILE, 0, 0)

    def resolve(self, path: str) -> str | None:
        return path

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}"


def director() -> Director:
    """Return a director on which our script is installed as README says."""
    return Director(
        {SCRIPT: FILE, PYTHON: FILE, WEIGHTS: FOLDER}, {SCRIPT: b"#!" + PYTHON.encode() + b"\nimport sys\n"}
    )


def linted(
    text: str, tmp_path: Path, machine: Machine | None = None, version: Version | None = (2, 2, 7)
) -> list[Finding]:
    """Return what the linter finds in a configuration."""
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    return lint.findings(conf.read(str(file)), judge, machine or director(), version)


def codes(found: list[Finding]) -> list[str]:
    """Return the codes that were found, each once."""
    return sorted({finding.code for finding in found})
