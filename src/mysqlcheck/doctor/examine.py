"""The story of one examination: each subject is looked at, judged, and handed over as soon as that is done."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mysqlcheck import __version__
from mysqlcheck.doctor import ask, child, codes, conf, files, look, program, servers, vip
from mysqlcheck.doctor.findings import Finding
from mysqlcheck.doctor.look import Asked
from mysqlcheck.errors import SettingsError
from mysqlcheck.keepalived import lint
from mysqlcheck.keepalived.conf import ConfigUnreadable, View, parse, read
from mysqlcheck.keepalived.findings import Context, literal
from mysqlcheck.keepalived.machine import ThisMachine, User, installed_version
from mysqlcheck.keepalived.servers import NAMES, Judge, Script, Usage, VirtualServer
from mysqlcheck.layers import targets
from mysqlcheck.model import Target
from mysqlcheck.options import Settings

Section = tuple[str, list[Finding]]
TITLES = tuple(codes.SUBJECTS)
STICKY = ("sh", "dh", "mh")
"""Schedulers that send a client always to the same server."""


class Question(NamedTuple):
    """What the operator asked for."""

    told: Mapping[str, str]
    """The check's options on the command line."""
    environment: Mapping[str, str]
    conf: str
    conf_asked_for: bool
    script_user: User | None
    vip: Target | None
    judge: Judge
    """Reads a command line of ours, for lint."""
    read_options: Callable[[Sequence[str]], Mapping[str, str]]
    """Reads the options of a command line of ours that is sound."""


class _Found(NamedTuple):
    """keepalived.conf as read, and as rules see it: empty where there is none."""

    conf: conf.Conf
    context: Context


def examine(question: Question) -> Iterator[Section]:
    """Look at everything, subject after subject. Changes nothing, records nothing."""
    machine = ThisMachine()
    found = _conf(question, machine)
    user = _judged(question.script_user or found.context.user)
    scripts = _scripts(question, found, user, machine)
    yield TITLES[0], [*_program(machine), *program.scripts(scripts, __version__)]
    yield TITLES[1], [*conf.conf(found.conf), *conf.users(_who(question, found))]
    asked, wrong = _asked(question, found, user)
    read = asked or [Asked("every check", {**question.told, "host": "localhost"}, user)]
    told = look.told(read, question.environment)
    yield TITLES[2], [*wrong, *_files(question, told, read)]
    broken = {one.name for one in told if one.problems}
    usable = [one for one in asked if one.name not in broken]
    start = max((script.starts.seconds for script in scripts if script.starts), default=0.0)
    answers = [
        one._replace(took=one.took + start) if isinstance(one, servers.Server) else one
        for one in ask.servers(usable, question.environment)
    ]
    yield TITLES[3], [*_servers(asked, broken, answers)]
    if question.vip is not None:
        known = [one for one in answers if isinstance(one, servers.Server)]
        yield TITLES[4], [*_vip(question, question.vip, found.context, known, usable)]


# keepalived.conf, its user, and the program


def _conf(question: Question, machine: ThisMachine) -> _Found:
    try:
        config = read(question.conf)
    except ConfigUnreadable as error:
        why = str(error).partition(": ")[2] if os.path.lexists(question.conf) else ""
        nothing = View(None, parse((), question.conf, []), ())
        found = conf.Conf(question.conf, question.conf_asked_for, why)
        return _Found(found, Context(nothing, question.judge, machine, None))
    version = installed_version()
    context = Context(config.views[0], question.judge, machine, version)
    found = conf.Conf(
        question.conf,
        question.conf_asked_for,
        None,
        tuple(lint.findings(config, question.judge, machine, version)),
        tuple(dict.fromkeys(_name(usage) for script, usage in _checks(context))),
        frozenset((script.node.file, script.node.line) for script in _ours(context)),
    )
    return _Found(found, context)


def _ours(context: Context) -> list[Script]:
    """Return the scripts of ours that can be looked at."""
    return [one for one in context.scripts if one.usage and one.words[0].startswith("/") and literal(one.words[0])]


def _checks(context: Context) -> Iterator[tuple[Script, Usage]]:
    """Yield every check of ours that names its server."""
    for script in context.scripts:
        usage = script.usage
        if script.checks and usage and usage.checks and (usage.socket or (usage.host and literal(usage.host))):
            yield script, usage


def _name(usage: Usage) -> str:
    return str(Target(usage.host or "localhost", usage.port, usage.socket))


def _judged(user: User | None) -> User:
    """Return for whom to judge: that user where we can become him, else ourselves."""
    return user if user is not None and child.may_become(user) else child.ourselves()


def _who(question: Question, found: _Found) -> conf.Who:
    user, node = question.script_user or found.context.user, found.context.script_user
    if question.script_user:
        why = "--script-user says so"
    elif node:
        why = f"script_user in {node.file}:{node.line}"
    else:
        exists = "keepalived_script exists" if user and user.uid else "there is no user keepalived_script"
        why = f"no script_user is named, and {exists}"
    if user is None and node:
        why = f"{why} is {' '.join(node.words)}, and there is no such user"
    own = child.ourselves()
    judged = user is not None and child.may_become(user)
    return conf.Who(user.name if user else None, user.uid if user else 0, why, own.name, judged)


def _program(machine: ThisMachine) -> Iterator[Finding]:
    yield from program.installed(look.installed())
    in_path = shutil.which("mysqlcheck")
    real = machine.resolve(in_path) if in_path else None
    ours = bool(real and os.path.basename(real) in NAMES and machine.head(real).startswith(b"#!"))
    yield from program.in_path(in_path, ours)


def _scripts(question: Question, found: _Found, user: User, machine: ThisMachine) -> list[program.Script]:
    """Look at what keepalived runs of ours; where that is nothing yet, at what is installed."""
    pairs = {
        (_program_of(one), _judged(question.script_user or found.context.runs_as(one))) for one in _ours(found.context)
    }
    if not pairs and (path := installed_script()):
        pairs = {((path,), user)}
    secure = found.context.secure
    return [look.script(command, who, secure, machine) for command, who in sorted(pairs)]


def _program_of(script: Script) -> tuple[str, ...]:
    """Return what of a command line is the program: its path, or a Python's with `-m mysqlcheck`."""
    return script.words[: 3 if script.words[1:3] == ("-m", "mysqlcheck") else 1]


def installed_script() -> str | None:
    """Return keepalived-mysqlcheck beside this program, or in PATH."""
    beside = [os.path.dirname(os.path.abspath(path)) for path in (sys.argv[0], sys.executable) if path]
    return shutil.which(NAMES[1], path=os.pathsep.join(beside)) or shutil.which(NAMES[1])


# Files


def _asked(question: Question, found: _Found, user: User) -> tuple[list[Asked], list[Finding]]:
    """Return the checks to look at: the named server, or all that keepalived.conf checks and the TOML file knows."""
    told = question.told
    variables = (Settings.host.variable, Settings.socket.variable)
    if told.keys() & {"host", "socket"} or any(name in question.environment for name in variables):
        where = told.get("host") or told.get("socket") or "the server in the environment"
        return [Asked(where, told, user)], []
    asked: dict[str, Asked] = {}
    for script, usage in _checks(found.context):
        who = _judged(question.script_user or found.context.runs_as(script))
        options = {**question.read_options(usage.arguments), **told}
        asked.setdefault(_name(usage), Asked(_name(usage), options, who))
    config = told.get("config") or question.environment.get(Settings.config.variable)
    try:
        for target in targets(config):
            options = {"socket": target.socket} if target.socket else {"host": target.host, "port": str(target.port)}
            asked.setdefault(str(target), Asked(str(target), {**options, **told}, user))
    except SettingsError as error:
        if asked:
            return list(asked.values()), []  # each of them meets the same
        return [], [files.CODES["settings_wrong"].found(str(problem)) for problem in error.problems]
    return list(asked.values()), []


def _files(question: Question, told: Sequence[files.Told], asked: Sequence[Asked]) -> Iterator[Finding]:
    pairs = [(one, check.user) for one, check in zip(told, asked, strict=True)]
    reads = dict.fromkeys((path, user) for one, user in pairs for path in one.read)
    read = [found for path, user in reads if (found := look.readable(path, user))]
    unreadable = {file.path for file in read if not file.readable}
    known = [setting.variable for setting in Settings.declared().values()]
    yield from files.settings(told, unreadable, [name for name in known if name in question.environment])
    yield from files.readable(read)
    for path, user in dict.fromkeys((one.state_dir, user) for one, user in pairs):
        yield from files.state(look.state(path, user))
    outputs = dict.fromkeys(
        (path, track, user)
        for one, user in pairs
        for path, track in ((one.textfile, False), (one.track_file, True))
        if path
    )
    yield from files.outputs([look.output(path, track, user) for path, track, user in outputs])
    for user in dict.fromkeys(user for _, user in pairs):
        yield from files.log(look.log_reachable(user), user.name)


# Servers and the virtual address


def _servers(
    asked: Sequence[Asked], broken: set[str], answers: Sequence[servers.Server | Finding]
) -> Iterator[Finding]:
    if not asked:
        yield servers.CODES["no_server"].found("no server is named")
    for answer in answers:
        yield from servers.server(answer) if isinstance(answer, servers.Server) else [answer]
    for name in sorted(broken & {one.name for one in asked}):
        yield servers.CODES["not_asked"].found(f"{name}: not asked, because its settings cannot be used")


def _vip(
    question: Question, address: Target, context: Context, known: Sequence[servers.Server], asked: Sequence[Asked]
) -> Iterator[Finding]:
    virtual = _virtual_server(address, context)
    names = [str(Target(real.address, real.port or address.port)) for real in virtual.servers] if virtual else []
    behind = tuple(
        vip.Behind(one.name, one.identity, one.bind_address, one.action, one.share, one.verdict)
        for one in known
        if not names or one.name in names or question.told.get("host")
    )
    found = vip.Vip(
        address.host,
        address.port,
        ask.is_here(address.host),
        _method(virtual) != "NAT",
        _sticky(virtual) if virtual else None,
        behind,
    )
    serving = [one for one in known if one.identity and one.action == "serve"]
    if serving and not found.here:
        as_whom = next((one for one in asked if one.name in {server.name for server in serving}), asked[0])
        wanted = [one.identity for one in behind if one.identity and one.action == "serve"]
        answered, failed = ask.through(address, as_whom, question.environment, wanted, len(behind))
        found = found._replace(answered=answered, failed=failed)
    yield from vip.vip(found)


def _virtual_server(address: Target, context: Context) -> VirtualServer | None:
    for virtual in context.virtual_servers:
        if virtual.node.words[:2] == (address.host, str(address.port)):
            return virtual
    return None


def _method(virtual: VirtualServer | None) -> str:
    """Return how packets reach the servers: keepalived's default is NAT; without a keepalived.conf suppose DR."""
    return (virtual.node.value("lvs_method", "lb_kind") or "NAT").upper() if virtual else "DR"


def _sticky(virtual: VirtualServer) -> str | None:
    if virtual.node.all("persistence_timeout"):
        return "persistence_timeout keeps this client at one server"
    return f"lvs_sched {virtual.scheduler} keeps this client at one server" if virtual.scheduler in STICKY else None
