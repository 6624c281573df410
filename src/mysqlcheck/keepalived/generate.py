"""Writes the part of keepalived.conf that is about MySQL: the virtual server, its real servers, their track files.

Every line that is easily left out, and costs an outage then, is always written: `alpha`, `protocol`, `lvs_method`,
quotes around misc_path, and a misc_timeout above our own --timeout.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from mysqlcheck.model import DEFAULT_PORT, Target

IGNORE_WEIGHTS = ("rr", "lc")
"""Schedulers to which every weight above 0 is the same (Linux: ip_vs_rr.c, ip_vs_lc.c)."""
BASE_WEIGHT = 1
"""Configured where a track file gives the weight: a file that is empty, broken or gone counts as 0 and leaves this."""


class Style(Enum):
    """How keepalived learns the weight."""

    FILE = "file"
    """FILE_CHECK for the weight beside a plain MISC_CHECK for up or down: the one to recommend."""
    PLAIN = "plain"
    """Up or down, no weight."""
    DYNAMIC = "dynamic"
    """misc_dynamic: the exit code carries the weight."""


class Plan(NamedTuple):
    """What to write."""

    virtual: Target
    real: tuple[Target, ...]
    check: str
    """The command line of the check, an absolute path first; `%s` stands for the real server's address."""
    style: Style = Style.FILE
    weight: int = 100
    scheduler: str = "wlc"
    method: str = "DR"
    delay_loop: float = 2.0
    misc_timeout: int = 7
    """Whole seconds; above the check's own --timeout, so that keepalived never has to kill it."""
    track_dir: str = "/run/mysqlcheck/weights"
    script_user: str = "keepalived_script"
    inhibit_on_failure: bool = False
    sorry_server: Target | None = None


def render(plan: Plan) -> str:
    """Return the text for keepalived.conf."""
    return "\n".join(_lines(plan)) + "\n"


def track_name(target: Target) -> str:
    """Name a server's track file: one word for keepalived, and a file name."""
    port = f"-{target.port}" if target.port != DEFAULT_PORT else ""
    return f"mysql-{target.host.replace(':', '_')}{port}"


def command(plan: Plan, target: Target) -> str:
    """Return the command line that checks this server."""
    words = plan.check.replace("%s", target.host)
    words += f" --port {target.port}" if target.port != DEFAULT_PORT else ""
    if plan.style is Style.DYNAMIC:
        return f"{words} --weight {plan.weight}"
    if plan.style is Style.FILE:
        weight = f" --weight {plan.weight}" if plan.weight != Plan._field_defaults["weight"] else ""
        return f"{words}{weight} --track-file {plan.track_dir}/{track_name(target)}"
    return words


def _hook(plan: Plan, event: str, target: Target) -> str:
    port = f" --port {target.port}" if target.port != DEFAULT_PORT else ""
    return f'"{plan.check.split()[0]} {event} --host {target.host}{port}"'


def _lines(plan: Plan) -> Iterator[str]:
    if plan.style is Style.FILE:
        yield "# The directories must be there before keepalived starts; /run is empty after a boot (tmpfiles.d):"
        yield f"#   install -d -o {plan.script_user} {plan.track_dir} /var/lib/mysqlcheck"
    else:
        yield "# The memory between checks must be there before keepalived starts:"
        yield f"#   install -d -o {plan.script_user} /var/lib/mysqlcheck"
    yield "# The check's user must be able to read /etc/mysqlcheck/my.cnf. Try the whole with keepalived -t."
    yield from ("", "global_defs {", f"    script_user {plan.script_user}", "    enable_script_security", "}", "")
    if plan.style is Style.FILE:
        yield "# Followed by inotify. They hold target weight - 1, and stand before the virtual server."
        for target in plan.real:
            yield from (f"track_file {track_name(target)} {{", f'    file "{plan.track_dir}/{track_name(target)}"', "}")
        yield ""
    yield f"virtual_server {plan.virtual.host} {plan.virtual.port} {{"
    yield f"    delay_loop {plan.delay_loop:g}"
    yield "    alpha                   # a server serves when a check has passed, not because keepalived has started"
    yield f"    lvs_sched {plan.scheduler}"
    yield f"    lvs_method {plan.method}"
    yield "    protocol TCP"
    if plan.sorry_server:
        yield f"    sorry_server {plan.sorry_server.host} {plan.sorry_server.port}"
    for target in plan.real:
        yield ""
        yield from (f"    {line}" if line else line for line in _real_server(plan, target))
    yield "}"


def _real_server(plan: Plan, target: Target) -> Iterator[str]:
    yield f"real_server {target.host} {target.port} {{"
    yield f"    notify_up {_hook(plan, 'notify-up', target)}"
    yield f"    notify_down {_hook(plan, 'notify-down', target)}"
    if plan.style is Style.FILE:
        yield f"    weight {BASE_WEIGHT}            # the base that the track file's number is added to"
    else:
        yield f"    weight {plan.weight}"
    if plan.inhibit_on_failure:
        yield "    inhibit_on_failure      # down is weight 0: pooled clients go on reading from the failed server"
    if plan.style is Style.FILE:
        yield from ("    FILE_CHECK {", f"        track_file {track_name(target)}", "    }")
    yield "    MISC_CHECK {"
    yield f'        misc_path "{command(plan, target)}"'
    yield f"        misc_timeout {plan.misc_timeout}      # well above --timeout: a check that is killed has no answer"
    if plan.style is Style.DYNAMIC:
        yield "        misc_dynamic"
    yield from ("    }", "}")
