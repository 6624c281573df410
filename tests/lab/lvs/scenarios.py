"""The story, in order; the docstring of each is its title and a sentence for whoever reads the protocol."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.lab.lvs.consequences import HOLD_DOWN, Entry, connected_to, out
from tests.lab.lvs.faults import lagging
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.network import run


def it_begins(lab: Lab) -> None:
    """It begins.

    VRRP puts the VIP on one director, both check both replicas, and clients alternate.
    """
    lab.expect("director1 has the VIP", lab.one.has_vip)
    now = lab.all_serve(lab.one, lab.two)
    lab.holds("director2 does not have the VIP", not lab.two.has_vip(), "it has")
    copies = [*(lab.one.folder / "state/config").iterdir()]
    lab.holds("the checks keep a copy of a configuration that is good", len(copies) == 1, copies)
    lab.expect("clients get both replicas", lambda: {"r1", "r2"} <= set(lab.clients.between(now)))
    lab.show(lab.one)


def replication_stops(lab: Lab) -> None:
    """Replication stops, one thread after the other, and a replica is made writable.

    A TCP_CHECK would never see any of it. Back after recover_after, 2 s here.
    """
    pooled = connected_to(lab, "r1")
    for statement, mend in (
        ("STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD"),
        ("STOP SLAVE IO_THREAD", "START SLAVE IO_THREAD"),
        ("SET GLOBAL read_only = OFF", "SET GLOBAL read_only = ON"),
    ):
        lab.does("r1>", statement)
        began = time.monotonic()
        lab.r1.sql(statement)
        now = out(lab, lab.r1)
        lab.page.line(f"from fault to weight: {now - began:.1f} s")
        lab.expect("clients get r2", lambda since=now: len(lab.clients.between(since)) > 1)  # type: ignore[misc]
        lab.holds("and never r1", "r1" not in lab.clients.between(now), lab.clients.between(now))
        if "SQL_THREAD" in statement:
            what = "without inhibit_on_failure, expire_nodest_conn=1: a pooled connection is cut"
            lab.holds(what, (fate := pooled.fate()) == "is cut", fate)
            pooled.close()
        lab.does("r1>", mend)
        lab.r1.sql(mend)
        lab.expect("r1 enters again", lambda: "r1" in lab.one.weights())


def lag(lab: Lab) -> None:
    """r1 lags, more than max_lag, and comes back.

    Drained is weight 0: it stays in the table, and connections that it has go on.
    """
    pooled = connected_to(lab, "r1")
    with lagging(lab, lab.r1):
        lab.expect("r1 has weight 0", lambda: lab.one.weights().get("r1") == 0)
        lab.show(lab.one)
        lab.holds("a pooled connection to r1 goes on", (fate := pooled.fate()) == "goes on", fate)
        pooled.close()
    lab.all_serve()


def the_source_dies(lab: Lab) -> None:
    """The source dies.

    Every replica sees it at once. They serve on until they may be too stale: max_staleness, 15 s here, an hour by
    default; then they are drained, and the sorry server serves.
    """
    began = lab.does("source$", "kill -9 mariadbd")
    lab.source.kill()
    lab.expect("they say why", lambda: "source_lost" in lab.one.command("status"))
    lab.holds("and serve", set(lab.one.weights()) >= {"r1", "r2"}, lab.one.weights())
    lab.expect("both have weight 0", lambda: all(lab.one.weights().get(host) in (0, None) for host in ("r1", "r2")))
    lab.holds("not before 12 s", time.monotonic() - began > 12, f"{time.monotonic() - began:.1f} s")
    lab.does("source$", "mariadbd is started again")
    lab.source.start()
    lab.all_serve()


def it_hangs(lab: Lab) -> None:
    """r2 hangs, and then its cable is pulled.

    It accepts connections and answers nobody; or no packet arrives. Neither is a restart: back after recover_after.
    """
    began = lab.does("r2$", "kill -STOP mariadbd")
    lab.r2.send(signal.SIGSTOP)
    gone = out(lab, lab.r2)
    lab.page.line(f"from fault to weight: {gone - began:.1f} s")
    lab.r2.send(signal.SIGCONT)
    lab.expect("r2 enters again", lambda: "r2" in lab.one.weights())
    began = lab.does("r2$", "the cable is pulled")
    run("ip", "link", "set", "to-r2", "nomaster")
    gone = out(lab, lab.r2)
    lab.page.line(f"from fault to weight: {gone - began:.1f} s")
    run("ip", "link", "set", "to-r2", "master", "lab")
    lab.all_serve()


def killed(lab: Lab) -> None:
    """r2 is killed, and comes back.

    It is held on both directors, whatever happens to keepalived meanwhile, then ramps, then serves in full. keepalived
    calls notify_down when it is killed, and notify_up when it really serves.
    """

    def noted() -> list[str]:
        return [kind for kind, _ in lab.one.hooks(lab.r2, began)]

    began = lab.does("r2$", "kill -9 mariadbd")
    lab.r2.kill()
    gone = out(lab, lab.r2, lab.one, lab.two)
    lab.page.line(f"from fault to weight: {gone - began:.1f} s")
    lab.expect("director1: notify_down has run", lambda: noted() == ["notify-down"])
    lab.does("r2$", "mariadbd is started again")
    lab.r2.start()
    back = time.monotonic()
    lab.expect("director1 holds it", lambda: "held" in lab.one.command("status"))
    lab.show(lab.one, "status")
    lab.does("director1$", "kill -HUP keepalived: it reloads")
    lab.one.reload()
    lab.does("director2$", "kill -9 keepalived, and it is started again")
    lab.two.stop(signal.SIGKILL)
    lab.two.start()
    entry = Entry(lab.one, "r2")
    held = lab.expect("director1: r2 enters again", entry.seen) - back
    lab.page.line(f"from its first answer to its first weight: {held:.1f} s (hold_down {HOLD_DOWN:g} s)")
    lab.holds("it was held for hold_down", held >= HOLD_DOWN - 2, f"{held:.1f} s")
    lab.holds("it enters with a part of its weight", 0 < entry.weights[-1].get("r2", 0) < 100, entry.weights[-1])
    served = lab.clients.between(gone, entry.before)
    lab.holds(f"none of {len(served)} clients reached it before", "r2" not in served, served)
    lab.holds("the reload changed nothing", all(one.get("r1") == 100 for one in entry.weights), entry.weights)
    lab.expect("director1: notify_up has run", lambda: noted() == ["notify-down", "notify-up"])
    early = [
        at - entry.before for kind, at in lab.one.hooks(lab.r2, began) if kind == "notify-up" and at < entry.before
    ]
    lab.holds("and not while it was held", not early, early)
    lab.all_serve(lab.one, lab.two)
    lab.show(lab.one, "history", "--host", lab.r2.address)


def by_hand(lab: Lab) -> None:
    """An operator drains r1.

    Weight 0: what is connected may finish, and new clients go elsewhere.
    """
    pooled = connected_to(lab, "r1")
    lab.show(lab.one, "hold", "--host", lab.r1.address, "--reason", "new index")
    lab.expect("r1 has weight 0", lambda: lab.one.weights().get("r1") == 0)
    lab.holds("a pooled connection to r1 goes on", (fate := pooled.fate()) == "goes on", fate)
    pooled.close()
    lab.show(lab.one, "release", "--host", lab.r1.address)
    lab.all_serve()


def pooled_clients(lab: Lab) -> None:
    """r1 fails, and a pool has connections to it.

    What becomes of them is for keepalived and the kernel to say: inhibit_on_failure, and expire_nodest_conn. (Without
    the first and with the second they were cut, above.)
    """
    without = lab.one.config.read_text()
    kept = without.replace("#inhibit_on_failure", "inhibit_on_failure")
    kept = kept.replace("weight 1\n", "weight 1\n        inhibit_on_failure\n")
    for config, expire, expected in ((without, 0, "hangs"), (kept, 1, "goes on")):
        run("sysctl", "-q", "-w", f"net.ipv4.vs.expire_nodest_conn={expire}", host=lab.one.host)
        if config is kept:
            lab.does("director1$", "inhibit_on_failure, and kill -HUP keepalived")
            lab.one.reload(config)
        pooled = connected_to(lab, "r1")
        lab.r1.sql("STOP SLAVE SQL_THREAD")
        lab.expect("r1 gets no new clients", lambda: not lab.one.weights().get("r1"))
        where = f"{'with' if config is kept else 'without'} inhibit_on_failure, expire_nodest_conn={expire}"
        lab.holds(f"{where}: a pooled connection {expected}", (fate := pooled.fate()) == expected, fate)
        pooled.close()
        lab.r1.sql("START SLAVE SQL_THREAD")
        lab.all_serve()  # with a tenth of its weight it may get none of the next twenty clients
    run("sysctl", "-q", "-w", "net.ipv4.vs.expire_nodest_conn=1", host=lab.one.host)
    lab.one.reload(without)
    lab.all_serve()


def both_bad(lab: Lab) -> None:
    """Both replicas fail.

    The sorry server serves while neither may, and leaves when one comes back.
    """
    for replica in (lab.r1, lab.r2):
        replica.sql("STOP SLAVE SQL_THREAD")
    now = out(lab, lab.r1)
    out(lab, lab.r2)
    lab.show(lab.one)
    lab.expect("clients get the sorry server", lambda: lab.clients.between(now)[-1:] == ["source"])
    for replica in (lab.r1, lab.r2):
        replica.sql("START SLAVE SQL_THREAD")
    back = lab.all_serve()
    lab.expect("clients get both replicas", lambda: {"r1", "r2"} <= set(lab.clients.between(back)))
    lab.holds("and the sorry server no more", "source" not in lab.clients.between(back), lab.clients.between(back))


def no_vip_on_lo(lab: Lab) -> None:
    """The VIP is missing on r2's lo.

    Our check passes, because it asks the server at its own address; half of the clients get nothing. What finds it is
    a look at the real server: `ip -4 address show lo`.
    """
    lab.does("r2$", "ip address del 192.168.1.10/32 dev lo")
    run("ip", "address", "del", "192.168.1.10/32", "dev", "lo", host="r2")
    now = time.monotonic()
    lab.expect("some clients get nobody", lambda: "nobody" in lab.clients.between(now))
    lab.holds("the check passes all the same", lab.one.weights().get("r2") == 100, lab.one.weights())
    run("ip", "address", "add", "192.168.1.10/32", "dev", "lo", host="r2")


def the_director_dies(lab: Lab) -> None:
    """r2 is killed once more, and director1 dies while it is held.

    Directors tell each other nothing: each holds a server by what it has seen of it itself.
    """
    lab.r2.kill()
    out(lab, lab.r2, lab.one, lab.two)
    lab.r2.start()
    back = time.monotonic()
    lab.does("director1$", "keepalived is ended")
    lab.one.stop()
    moved = lab.expect("director2 has the VIP", lab.two.has_vip)
    lab.expect("clients get r1", lambda: "r1" in lab.clients.between(moved))
    entry = Entry(lab.two, "r2")
    held = lab.expect("director2: r2 enters again", entry.seen, 120) - back
    lab.holds("director2 held it by itself", held >= HOLD_DOWN - 2, f"{held:.1f} s")
    served = lab.clients.between(moved, entry.before)
    lab.holds(f"none of {len(served)} clients reached it before", "r2" not in served, served)


SCENARIOS: tuple[Callable[[Lab], None], ...] = (
    it_begins,
    replication_stops,
    lag,
    it_hangs,
    by_hand,
    pooled_clients,
    both_bad,
    no_vip_on_lo,
    the_source_dies,
    killed,
    the_director_dies,
)
