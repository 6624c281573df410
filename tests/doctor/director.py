"""A director for the doctor: a folder that every user can reach, with a script in it, settings, and keepalived.conf."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from mysqlcheck import __version__
from mysqlcheck.keepalived.machine import User
from tests.command import Ended, mysqlcheck

CONTRIB = Path(__file__).parents[2] / "contrib/keepalived"
OUR_SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
WEIGHTS = "/run/mysqlcheck/weights"
_nobody = pwd.getpwnam("nobody")
NOBODY = User("nobody", _nobody.pw_uid, _nobody.pw_gid)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

# The real one may lie where only root can go, as may its Python: this answers as ours does, and everybody can run it.
SCRIPT = f"""#!/bin/sh
case "$1" in
    --version) echo "mysqlcheck {__version__}" ;;
    explain) echo "Usage: mysqlcheck explain [OPTIONS]" ;;
esac
"""


class Director:
    """Everything in order for the user nobody, until a test breaks a thing. The servers are none that answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "opt/bin/keepalived-mysqlcheck"
        self.script.parent.mkdir(parents=True)
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self.password = folder / "my.cnf"
        self.password.write_text('[client]\npassword="secret of a test"\n')
        self.password.chmod(0o600)
        self.settings = folder / "mysqlcheck.toml"
        self.settings.write_text(f'[defaults]\ndefaults_file = "{self.password}"\ntimeout = "1s"\n')
        self.state, self.weights = folder / "state", folder / "weights"
        for place in (self.state, self.weights):
            place.mkdir()
        for path in (self.password, self.state, self.weights):
            self.give(path)
        self.conf = folder / "keepalived.conf"
        self.conf.write_text(self.configured((CONTRIB / "director.conf").read_text()))

    def configured(self, text: str) -> str:
        """One of contrib's files, for this folder, with addresses that refuse at once."""
        text = text.replace("script_user keepalived_script", "script_user nobody")
        text = text.replace("mysqlcheck --host", f"mysqlcheck --config {self.settings} --host")
        text = text.replace("192.168.1.2", "127.0.1.2")
        return text.replace(OUR_SCRIPT, str(self.script)).replace(WEIGHTS, str(self.weights))

    @staticmethod
    def give(path: Path) -> None:
        """Make it nobody's."""
        os.chown(path, NOBODY.uid, NOBODY.gid)

    def examined(self, *arguments: str) -> Ended:
        """Run the doctor there."""
        where = ("--conf", str(self.conf), "--output", "json")
        ended = mysqlcheck("doctor", *where, *arguments, state=self.state, env={"TZ": "UTC"})
        assert "secret of a test" not in ended.out + ended.err
        assert "Traceback" not in ended.err, ended.err
        return ended

    def findings(self, *arguments: str) -> list[dict[str, Any]]:
        """What it finds here, servers left out: there are none."""
        found: list[dict[str, Any]] = self.examined(*arguments).json["findings"]
        return [one for one in found if one["subject"] != "The servers"]

    def codes(self, level: str = "problem") -> list[str]:
        return [one["code"] for one in self.findings() if one["level"] == level]
