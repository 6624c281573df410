"""Writes keepalived.conf: one virtual server with its real servers, their checks and track files. Values in, text out.

What stands here is what keepalived 2.0 to 2.4 read alike: each brace ends its line, track_file blocks come before
the virtual server, method, scheduler and protocol are always written (their defaults are not what one wants).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mysqlcheck.keepalived.wanted import Wanted
from mysqlcheck.model import DEFAULT_PORT, Target

STEP = 4
WIDTH = 120
COMMENTS_AT = 28
METHODS = {
    "DR": "servers answer clients themselves, with the virtual address on lo (contrib/keepalived/real-server)",
    "NAT": "answers come back this way: be the servers' gateway, with net.ipv4.ip_forward=1",
    "TUN": "servers answer clients themselves, with the virtual address on a tunnel interface",
}
ALPHA = "a server serves when a check has passed, not because keepalived has started"
SORRY = "where clients go while nobody may serve: failed, held or drained, all of them"


class RealServer(NamedTuple):
    """A real server, with the commands that keepalived runs for it."""

    target: Target
    weight: int
    check: str
    hook: tuple[str, str] | None
    """The program of the notify hooks and their arguments; None where the check is not our program."""
    track: str | None = None
    """The path of its track file."""


def track_name(vip: Target, server: Target) -> str:
    """Name a track file, so that two virtual servers with one real server have two."""
    return f"{_short(vip)}-{_short(server)}"


def text(wanted: Wanted, servers: Sequence[RealServer], misc_timeout: int, command: Sequence[str]) -> str:
    """Return the whole file; `command` is what a person types to get it again, option by option."""
    lines = [*_head(wanted, command)]
    if not wanted.no_global:
        lines += ["", *_global(wanted)]
    if wanted.interface is not None:
        lines += ["", *_vrrp(wanted)]
    if wanted.style == "file":
        lines += ["", "# keepalived follows these files by inotify: weight in IPVS = real server's weight + number."]
        for server in servers:
            lines += [f"track_file {_track(server)} {{", _line(1, f'file "{server.track}"'), "}"]
    lines += ["", *_virtual_server(wanted, servers, misc_timeout)]
    return "\n".join(lines) + "\n"


def _short(target: Target) -> str:
    return target.host if target.port == DEFAULT_PORT else f"{target.host}_{target.port}"


def _track(server: RealServer) -> str:
    return (server.track or "").rpartition("/")[2]


def _line(depth: int, words: str, comment: str = "") -> str:
    indented = " " * STEP * depth + words
    return f"{indented:<{COMMENTS_AT - 1}} # {comment}" if comment else indented


def _say(depth: int, words: str) -> list[str]:
    indent = " " * STEP * depth + "# "
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _typed(command: Sequence[str]) -> str:
    """Write a command over as many lines as it needs: keepalived takes a backslash at their ends for its own."""
    lines = [""]
    for word in command:
        if len(lines[-1]) + len(word) > WIDTH - 4:
            lines.append("    ")
        lines[-1] += f" {word}" if lines[-1].strip() else word
    return "\n".join(f"#   {line}" for line in lines)


def _head(wanted: Wanted, command: Sequence[str]) -> Iterator[str]:
    directories = f"{wanted.track_dir} /var/lib/mysqlcheck" if wanted.style == "file" else "/var/lib/mysqlcheck"
    yield f"# MySQL behind {wanted.vip}: mysqlcheck asks each server whether clients may read from it."
    yield "# Written by (on one line):"
    yield _typed(command)
    yield "#"
    yield "# Before keepalived starts, make what the checks write to, at each boot where it is below /run"
    yield "# (contrib/keepalived/tmpfiles.d):"
    yield f"#   install -d -o {wanted.script_user} {directories}"
    yield from _say(
        0,
        "The account's password goes into /etc/mysqlcheck/my.cnf, mode 0600, owned by "
        f"{wanted.script_user} (see `mysqlcheck grants`).",
    )
    yield "# After each change, then reload (without unshare 2.2.7 ends with `Terminated`, whatever stands here):"
    yield "#   mysqlcheck lint && unshare --pid --fork keepalived -t"
    if wanted.interface is None:
        yield "# Nothing here brings the virtual address to the director: a vrrp_instance does (--interface)."


def _global(wanted: Wanted) -> Iterator[str]:
    yield "global_defs {"
    yield from _say(1, "whom the checks run as; and no script that others than root could change")
    yield _line(1, f"script_user {wanted.script_user}")
    yield _line(1, "enable_script_security")
    yield "}"


def _vrrp(wanted: Wanted) -> Iterator[str]:
    yield from _say(
        0,
        "Both directors begin as BACKUP with nopreempt: the higher priority takes the address when both start, and one "
        "that comes back leaves it where it is. To take it back would break every client's connection once more, in "
        "favour of a director whose own checks have only just begun.",
    )
    yield f"vrrp_instance mysql-{_short(wanted.vip)} {{"
    yield _line(1, "state BACKUP")
    yield _line(1, "nopreempt")
    yield _line(1, f"interface {wanted.interface}")
    yield _line(1, f"virtual_router_id {wanted.virtual_router_id}", "the same on both, and nobody else's here")
    yield _line(1, f"priority {wanted.priority}", "another one on the other director")
    yield _line(1, "advert_int 1")
    yield _line(1, "virtual_ipaddress {")
    yield _line(2, wanted.vip.host)
    yield _line(1, "}")
    yield "}"


def _virtual_server(wanted: Wanted, servers: Sequence[RealServer], misc_timeout: int) -> Iterator[str]:
    plain = wanted.style == "plain"
    yield f"virtual_server {wanted.vip.host} {wanted.vip.port} {{"
    yield _line(1, f"delay_loop {wanted.delay_loop:g}", "seconds between two checks of a server")
    yield _line(1, "alpha", ALPHA)
    yield _line(1, f"lvs_sched {wanted.scheduler}", "" if plain else "rr and lc would ignore the weights")
    yield _line(1, f"lvs_method {wanted.lvs_method}", METHODS[wanted.lvs_method])
    yield _line(1, "protocol TCP", "the default is UDP")
    yield _line(1, "quorum 1", "the sum of weights below which the sorry server comes in")
    if wanted.persistence_timeout is not None:
        yield from _say(
            1,
            "a client comes back to its server for so many seconds: even to one at weight 0, "
            "without net.ipv4.vs.expire_quiescent_template=1",
        )
        yield _line(1, f"persistence_timeout {wanted.persistence_timeout}")
    sorry = wanted.sorry_server
    yield from _say(1, SORRY)
    yield _line(1, f"sorry_server {sorry.host} {sorry.port}" if sorry else "#sorry_server ADDRESS PORT")
    for number, server in enumerate(servers):
        yield ""
        yield from _real_server(wanted, server, misc_timeout, first=number == 0)
    yield "}"


def _real_server(wanted: Wanted, server: RealServer, misc_timeout: int, first: bool) -> Iterator[str]:
    """Write one block; what its lines are for stands in the first."""

    def line(depth: int, words: str, comment: str) -> str:
        return _line(depth, words, comment if first else "")

    weights = {
        "file": "the base that the track file's number is added to",
        "plain": "the same at all times: plain style is up or down",
        "dynamic": "full weight; the check's exit code minus 2 takes its place",
    }
    yield _line(1, f"real_server {server.target.host} {server.target.port} {{")
    if server.hook is not None:
        yield from _say(2, "for `mysqlcheck history`: what keepalived did, and when") if first else ()
        program, arguments = server.hook
        yield _line(2, f'notify_up "{program} notify-up {arguments}"')
        yield _line(2, f'notify_down "{program} notify-down {arguments}"')
    yield line(2, f"weight {server.weight}", weights[wanted.style])
    yield from _inhibit(wanted, first)
    if wanted.style == "file":
        yield _line(2, "FILE_CHECK {")
        yield _line(3, f"track_file {_track(server)}")
        yield _line(2, "}")
    yield _line(2, "MISC_CHECK {")
    yield _line(3, f'misc_path "{server.check}"')
    yield line(3, f"misc_timeout {misc_timeout}", "well above --timeout: keepalived must never have to kill the check")
    if wanted.style == "dynamic":
        yield line(3, "misc_dynamic", "one such checker for each real server: their weights would add up")
    yield _line(2, "}")
    yield _line(1, "}")


def _inhibit(wanted: Wanted, first: bool) -> Iterator[str]:
    if wanted.inhibit_on_failure:
        if first:
            yield from _say(2, "a server that fails stays, at weight 0: no new clients; those it has read on from it")
        yield _line(2, "inhibit_on_failure")
    elif first:
        yield from _say(
            2,
            "A server that fails leaves IPVS, and with net.ipv4.vs.expire_nodest_conn=1 its clients are told at once. "
            "With the next line it would stay, at weight 0: no new clients, but pooled ones read on, from a broken "
            "server.",
        )
        yield _line(2, "#inhibit_on_failure")
