"""The command that keepalived will run for each server, made from one template and judged as the check itself would.

A generated file must not promise what the check then does not do. So each finished command is parsed by the check's
own options and read together with the TOML file: a slip in the template is said now, not by a server that is down;
and a `weight` in the TOML file, which would make a plain check answer in another style, is found.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Mapping
from typing import NamedTuple

import click

from mysqlcheck.cli import check
from mysqlcheck.cli.options import given
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.keepalived.generate import RealServer, track_name
from mysqlcheck.keepalived.wanted import OURS, PLACE, Wanted
from mysqlcheck.layers import load
from mysqlcheck.model import DEFAULT_PORT, Target
from mysqlcheck.options import DEFAULT_CONFIG, Settings
from mysqlcheck.outcome import DEFAULT_TRACK_WEIGHT, Style, answer_style

SPARE = 4
"""misc_timeout is so many seconds above --timeout; keepalived's SIGTERM at misc_timeout would leak weight."""
LEAST_SPARE = 2
STYLES = {"file": Style.TRACK_FILE, "plain": Style.PLAIN, "dynamic": Style.WEIGHT}
HOOK_OPTIONS = ("config", "state_dir")
"""Of the check's options those that its notify hooks must be given too."""


class Program(NamedTuple):
    """The template, its program with the whole path."""

    path: str
    arguments: tuple[str, ...]

    @property
    def ours(self) -> bool:
        """Whether it is our own check, whose options are known."""
        return os.path.basename(self.path) in OURS


class Read(NamedTuple):
    """A command and what the check would be told by it and the files."""

    server: RealServer
    timeout: float


def program(template: str) -> Program:
    """Find the template's program. Raises SettingsError where it is nowhere.

    `mysqlcheck` is written by its other name: MySQL's client package has a table checker of that name.
    """
    word, *arguments = template.split()
    if word.startswith("/"):
        return Program(word, tuple(arguments))
    name = OURS[0] if word in OURS else word
    beside = [os.path.dirname(os.path.abspath(path)) for path in (sys.argv[0], sys.executable) if path]
    found = shutil.which(name, path=os.pathsep.join(beside)) or shutil.which(name)
    if found is None:
        text = f"{name} is neither in {' or '.join(dict.fromkeys(beside))} nor in PATH: write its whole path"
        raise SettingsError([Problem("--check", text)])
    return Program(os.path.abspath(found), tuple(arguments))


def read(program: Program, target: Target, wanted: Wanted) -> Read:
    """Write the check of one server, and read it as the check will. Raises SettingsError."""
    config = wanted.config
    options = [word.replace(PLACE, target.host) for word in program.arguments]
    options += ["--port", str(target.port)] if _needs_port(target, config) else []
    options += ["--config", config] if config not in (None, DEFAULT_CONFIG) else []
    track = None
    if wanted.style == "file":
        track = f"{wanted.track_dir.rstrip('/')}/{track_name(wanted.vip, target)}"
        options += ["--track-file", track]
    values = _values(program, options, target)
    if wanted.style == "dynamic" or (wanted.style == "file" and wanted.weight is not None):
        weight = wanted.weight or _files(values, config).weight or DEFAULT_TRACK_WEIGHT
        options += ["--weight", str(weight)]
        values["weight"] = str(weight)
    settings = _files(values, config)
    if program.ours:
        _same_style(settings, wanted, target)
    words = " ".join((program.path, *options))
    hook = (program.path, _hook(target, values, config)) if program.ours else None
    base = settings.base_weight if wanted.style == "file" else settings.weight or wanted.weight or DEFAULT_TRACK_WEIGHT
    return Read(RealServer(target, base, words, hook, track), settings.timeout)


def misc_timeout(wanted: Wanted, timeout: float) -> int:
    """Return keepalived's timeout above the longest of ours. Raises SettingsError where the wanted one is too near."""
    least = math.ceil(timeout) + LEAST_SPARE
    if wanted.misc_timeout is None:
        return math.ceil(timeout) + SPARE
    if wanted.misc_timeout < least:
        text = f"{wanted.misc_timeout} is too near the check's own --timeout of {timeout:g} s, and a check that "
        raise SettingsError([Problem("--misc-timeout", f"{text}keepalived kills leaks weight; at least {least}")])
    return wanted.misc_timeout


def _files(values: Mapping[str, str], config: str | None) -> Settings:
    """Read what the check will: the shell's environment is not keepalived's, and the password is not our business."""
    told = {**values, "config": config} if config is not None else values
    return load(told, {}, login_files=False)


def _needs_port(target: Target, config: str | None) -> bool:
    return target.port != DEFAULT_PORT or _files({"host": target.host}, config).port != DEFAULT_PORT


def _values(program: Program, options: list[str], target: Target) -> dict[str, str]:
    """Parse the command as the check will; of another program only --timeout is understood."""
    words = options[1:] if options[:1] == ["check"] else options
    if not program.ours:
        at = words.index("--timeout") + 1 if "--timeout" in words else len(words)
        return {"host": "localhost", **({"timeout": words[at]} if at < len(words) else {})}
    try:
        values = given(check.command([]).make_context("mysqlcheck", list(words)).params)
    except click.ClickException as error:
        text = error.format_message().replace(target.host, PLACE)  # the same for every server: told once
        raise SettingsError([Problem("--check", text)]) from None
    if "host" not in values:
        raise SettingsError([Problem("--check", f"it names no server: write --host {PLACE}")])
    return values


def _same_style(settings: Settings, wanted: Wanted, target: Target) -> None:
    """See that the check answers as the block expects, whatever the TOML file says."""
    answers = answer_style(settings).style
    if answers is not STYLES[wanted.style]:
        culprit = "track_file" if answers is Style.TRACK_FILE else "weight"
        where = settings.config_read.path if settings.config_read else "the template"
        text = f"{wanted.style}, but {culprit} in {where} makes the check of {target} answer in {answers.value} style"
        other = {"weight": "dynamic or file", "track_file": "file"}[culprit]
        raise SettingsError([Problem("--style", f"{text}: take {other}, or remove it there")])


def _hook(target: Target, values: Mapping[str, str], config: str | None) -> str:
    words = ["--host", values["host"]]
    words += ["--port", str(target.port)] if _needs_port(target, config) else []
    for name in HOOK_OPTIONS:
        words += [f"--{name.replace('_', '-')}", values[name]] if name in values else []
    return " ".join(words)
