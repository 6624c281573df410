"""What the generator is told: its settings, their bounds, and which of them make no sense together.

The bounds are keepalived's: what passes here is read by `keepalived -t` without a word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mysqlcheck.kinds import Flag, Kind, OneOf, Seconds, Text, Whole
from mysqlcheck.model import Target
from mysqlcheck.outcome import DEFAULT_TRACK_WEIGHT
from mysqlcheck.settings import Group, Setting

CLI = frozenset({"cli"})
PLACE = "%s"
"""What stands for the server's address in the template of the check."""
OURS = ("keepalived-mysqlcheck", "mysqlcheck")
STYLES = ("file", "plain", "dynamic")
UNWEIGHTED = ("rr", "lc")
"""Schedulers of the kernel that ignore every weight but 0."""
MOST_PERSISTENCE = 31 * 86400
WRITTEN_HERE = {
    "--port": "the port comes from --real-server or the [target]",
    "--config": "give it to keepalived-config, which writes it into every command",
    "--socket": "keepalived balances addresses, not sockets",
    "--weight": "it comes from --style and --weight",
    "--track-file": "it comes from --style and --track-dir",
    "--help": "it checks nothing, and ends with 0, which is up",
    "--version": "it checks nothing, and ends with 0, which is up",
}
"""Options that the template of the check must leave to the generator."""


class Address(Kind[Target]):
    """An IP address with a port; keepalived looks up no names here."""

    metavar = "ADDRESS[:PORT]"
    allowed = "an IPv4 or IPv6 address, with its port where that is not 3306: 192.168.1.10, [2001:db8::10]:3307"

    def from_text(self, text: str) -> Target:
        """Read it as a target is read, and refuse what keepalived would not take."""
        target = Target.parse(text)
        try:
            if target.socket is not None:
                raise ValueError
            address = ipaddress.ip_address(target.host)
        except ValueError:
            raise ValueError(
                f"{text!r} is no address, and keepalived looks up no names here; allowed is {self.allowed}"
            ) from None
        if getattr(address, "scope_id", None):
            raise ValueError(f"{text!r}: keepalived takes no address with a zone here")
        return target  # as it was written: a [target] of the TOML file is found by its spelling


class Addresses(Kind[tuple[Target, ...]]):
    """One or more of them, as click hands over an option that may be given again."""

    metavar = Address.metavar
    allowed = Address.allowed

    def from_toml(self, value: object) -> tuple[Target, ...]:
        """Read them all, and name each that is wrong."""
        texts = list(value) if isinstance(value, (list, tuple)) else [value]
        found, wrong = [], []
        for text in texts:
            try:
                found.append(Address().from_text(str(text)))
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(wrong))
        return tuple(found)


def _no_template(text: str) -> str | None:
    words = text.split()
    if PLACE not in text:
        return (
            f"{text!r} has no {PLACE}, the place of the server's address: write 'keepalived-mysqlcheck --host {PLACE}'"
        )
    if bad := sorted(set(text) & set("\"'\\$#!")):
        return f"{text!r}: keepalived runs no shell, and gives {' '.join(bad)} a meaning of its own: leave it out"
    if "/" in words[0] and not words[0].startswith("/"):
        return f"{text!r}: write the whole path of {words[0]}, from / on"
    for word in words:
        if why := WRITTEN_HERE.get(word.partition("=")[0]):
            return f"{text!r}: leave out {word.partition('=')[0]}: {why}"
    return None


def _no_path(text: str) -> str | None:
    if not text.startswith("/"):
        return f"{text!r} is not absolute"
    return None if re.fullmatch(r"[\w./@:+-]+", text) else f"{text!r}: only letters, digits and . _ - + @ : / in a path"


def _name(text: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z_][\w.-]*", text) else f"{text!r} is no such name"


def _setting(kind: Kind[Any], default: Any, help: str, default_text: str | None = None) -> Setting[Any]:
    return Setting(kind, default=default, help=help, sources=CLI, default_text=default_text)


class Wanted(Group):
    """Everything that the virtual server is made from."""

    vip: Setting[Target] = _setting(Address(), None, "The virtual address that clients connect to. Required.")
    real_server: Setting[tuple[Target, ...]] = _setting(
        Addresses(), (), "A server behind it; once for each.", 'the [target."host:port"] tables of the TOML file'
    )
    config: Setting[str | None] = _setting(
        Text("FILE", "an absolute path", _no_path), None,
        "The TOML file that the checks read.", "/etc/mysqlcheck/mysqlcheck.toml where it exists",
    )  # fmt: skip
    style: Setting[str] = _setting(
        OneOf(*STYLES), "file",
        "How the weight gets to keepalived: file is FILE_CHECK beside a plain MISC_CHECK, which is recommended; "
        "plain is up or down only; dynamic is misc_dynamic, the weight in the exit code.",
    )  # fmt: skip
    weight: Setting[int | None] = _setting(
        Whole(1, 253), None, "The full weight of each server.", f"the TOML file's, else {DEFAULT_TRACK_WEIGHT}"
    )
    scheduler: Setting[str] = _setting(
        OneOf("wlc", "wrr", "sed", "nq", *UNWEIGHTED), "wlc",
        "lvs_sched; rr and lc ignore weights, and are for --style plain only.",
    )  # fmt: skip
    lvs_method: Setting[str] = _setting(OneOf("DR", "NAT", "TUN"), "DR", "How packets reach the servers.")
    delay_loop: Setting[float] = _setting(Seconds(0.1, 3600), 2.0, "The time between two checks of a server.")
    check: Setting[str] = _setting(
        Text("TEMPLATE", f"a command with {PLACE} in it", _no_template), f"{OURS[0]} --host {PLACE}",
        f"The check; {PLACE} stands for each server's address. A program without a path is looked for beside this "
        "one, then in PATH, and written with its whole path.",
    )  # fmt: skip
    misc_timeout: Setting[int | None] = _setting(
        Whole(1, 3604), None, "When keepalived kills a check, in whole seconds.", "the check's --timeout + 4: 7"
    )
    inhibit_on_failure: Setting[bool] = _setting(
        Flag(), False, "Leave a failed server in IPVS at weight 0: its sessions go on, on a broken server."
    )
    sorry_server: Setting[Target | None] = _setting(Address(), None, "Where clients go while no server may serve.")
    persistence_timeout: Setting[int | None] = _setting(
        Whole(1, MOST_PERSISTENCE), None, "Send a client to the same server again within so many seconds."
    )
    track_dir: Setting[str] = _setting(
        Text("DIRECTORY", "an absolute path", _no_path), "/run/mysqlcheck/weights", "Where the track files are."
    )
    script_user: Setting[str] = _setting(
        Text("USER", "the name of an account", _name), "keepalived_script", "The account that the checks run as."
    )
    interface: Setting[str | None] = _setting(
        Text("NAME", "the name of a network interface", lambda text: _name(text) if len(text) < 16 else "too long"),
        None, "Write a vrrp_instance too, which brings the address to one of two directors, on this interface.",
    )  # fmt: skip
    virtual_router_id: Setting[int] = _setting(
        Whole(1, 255), 51, "VRRP: the same on both directors, and nobody else's on this network."
    )
    priority: Setting[int] = _setting(
        Whole(1, 254), 100, "VRRP: the director with the higher one is the first to take the address."
    )
    no_global: Setting[bool] = _setting(
        Flag(), False, "Leave global_defs out, where another file of keepalived's has it."
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Yield what keepalived would warn of, or what would not do what it looks like."""
        if "vip" not in self.origins:
            yield "vip", "say which virtual address clients connect to: --vip 192.168.1.10"
            return
        if self.style != "plain" and self.scheduler in UNWEIGHTED:
            yield (
                "scheduler",
                f"{self.scheduler} ignores weights, so --style {self.style} would do nothing with them: "
                "take wlc, wrr, sed or nq, or --style plain",
            )
        for name in ("virtual_router_id", "priority"):
            if self.interface is None and name in self.origins:
                yield name, "VRRP needs to know where: add --interface, like --interface eth0"
        if self.sorry_server is not None:
            yield from self.unfit([self.sorry_server], "sorry_server")
        yield from self.unfit(self.real_server)

    def unfit(self, servers: Sequence[Target], name: str = "real_server") -> Iterator[tuple[str, str]]:
        """Yield what keeps keepalived from sending the address's clients to these servers."""
        vip = self.vip
        for server in servers:
            if _place(server) == _place(vip):
                yield name, f"{server} is the virtual address itself"
            if self.lvs_method != "NAT" and server.port != vip.port:
                yield (
                    name,
                    f"{server} has another port than {vip}, which {self.lvs_method} cannot change: "
                    f"let it listen on {vip.port}, or take --lvs-method NAT",
                )
            if (":" in server.host) != (":" in vip.host) and (self.lvs_method != "TUN" or name == "sorry_server"):
                yield name, f"{server} and {vip} are not of the same family: IPv4 and IPv6 do not mix"
        places = [_place(server) for server in servers]
        for place in dict.fromkeys(places):
            if places.count(place) > 1:
                yield name, f"{Target(*place)} is given twice"


def _place(target: Target) -> tuple[str, int]:
    """Return address and port, however the address is written."""
    return str(ipaddress.ip_address(target.host)), target.port
