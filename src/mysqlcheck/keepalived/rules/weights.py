"""Weights: the two styles and what keepalived makes of them, schedulers, quorum."""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.keepalived.conf import Node
from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity
from mysqlcheck.keepalived.servers import RealServer, Usage, VirtualServer, number

BLIND = ("rr", "lc")
"""Schedulers for which every weight but 0 is the same."""


def _checks(context: Context) -> Iterator[tuple[VirtualServer, RealServer, Node, Usage]]:
    """Yield the checks that are ours and whose command line can be judged."""
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            for check, _, usage in real.ours:
                if usage.checks:
                    yield virtual, real, check, usage


def dynamic_missing(context: Context) -> Iterator[Found]:
    """Weight style in a plain check."""
    for _, _, check, usage in _checks(context):
        if usage.dynamic and not check.all("misc_dynamic"):
            text = f"--weight {usage.weight} answers {(usage.weight or 0) + 2} when all is well"
            yield Found(check, f"{text}, and without misc_dynamic all but 0 is down: the server is never up")
    for script in context.scripts:
        if script.block.keyword == "vrrp_script" and script.usage and script.usage.checks and script.usage.dynamic:
            text = f"--weight {script.usage.weight} answers {(script.usage.weight or 0) + 2} when all is well"
            advice = "Leave out --weight here; a vrrp_script has a weight of its own."
            yield Found(script.node, f"{text}, and to a vrrp_script all but 0 is a failure", advice)


def dynamic_plain(context: Context) -> Iterator[Found]:
    """misc_dynamic over a check that exits 0."""
    for _, real, check, usage in _checks(context):
        if not usage.dynamic and check.all("misc_dynamic"):
            style = "with --track-file" if usage.track_file else "without --weight"
            text = f"{style} the check answers 0, and misc_dynamic makes that weight 0 at keepalived's next reload"
            instead = "" if usage.track_file else f" Or write --weight {real.weight or 100}."
            yield Found(check, text, f"Take misc_dynamic out.{instead}")


def weight_mismatch(context: Context) -> Iterator[Found]:
    """The weight asked for is not the one that is configured."""
    for _, real, check, usage in _checks(context):
        if usage.dynamic and usage.weight != real.weight:
            text = f"--weight {usage.weight} in the check, and the real server's weight is {real.weight}"
            yield Found(check, f"{text}: before the first check and in the quorum the configured one counts")


def base_weight_mismatch(context: Context) -> Iterator[Found]:
    """The base under the track file's number is not the configured weight."""
    for _, real, check, usage in _checks(context):
        if usage.track_file and usage.base_weight != real.weight:
            off = real.weight - usage.base_weight
            text = f"the file's number is made for a weight of {usage.base_weight}, and {real.weight} is configured"
            yield Found(check, f"{text}: every weight is {abs(off)} too {'high' if off > 0 else 'low'}")


def dynamic_twice(context: Context) -> Iterator[Found]:
    """Several checks set the weight of one real server."""
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            dynamic = [check for check, _ in real.misc if check.all("misc_dynamic")]
            if real.ours and len(dynamic) > 1:
                text = f"this is dynamic check 1 of {len(dynamic)} of {real.address}; what they ask for is added up"
                for count, check in enumerate(dynamic[1:], 2):
                    yield Found(check, text.replace("check 1", f"check {count}"))


def file_check_beside_dynamic(context: Context) -> Iterator[Found]:
    """FILE_CHECK and misc_dynamic on one real server."""
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            dynamic = [check for check, _, _ in real.ours if check.all("misc_dynamic")]
            if dynamic and real.files:
                yield Found(real.files[0][0], f"{real.address} has a check with misc_dynamic too; both are added up")


def weights_ignored(context: Context) -> Iterator[Found]:
    """A scheduler that looks at no weight but 0."""
    for virtual in context.virtual_servers:
        if virtual.scheduler in BLIND and any(
            usage.weight is not None or usage.track_file for real in virtual.servers for _, _, usage in real.ours
        ):
            place = virtual.node.last("lvs_sched", "lb_algo") or virtual.node
            text = f"{virtual.scheduler} knows weight 0 and all others: a lagging replica gets as much as a good one"
            yield Found(place, text)


def all_weights_zero(context: Context) -> Iterator[Found]:
    """No real server has a weight."""
    for virtual in context.virtual_servers:
        if virtual.servers and all(real.weight == 0 for real in virtual.servers):
            yield Found(virtual.node, f"every real server of {virtual.name} is configured with weight 0")


def quorum_too_high(context: Context) -> Iterator[Found]:
    """More than all weights together."""
    for virtual in context.virtual_servers:
        node = virtual.node.last("quorum")
        quorum, total = number(virtual.node.value("quorum")), sum(real.weight for real in virtual.servers)
        if node and quorum and virtual.servers and quorum > total > 0:
            text = f"quorum {quorum} is more than the configured weights together ({total}): keepalived lowers it"
            yield Found(node, text)


def hysteresis_too_high(context: Context) -> Iterator[Found]:
    """Not below the quorum."""
    for virtual in context.virtual_servers:
        node = virtual.node.last("hysteresis")
        hysteresis, total = number(virtual.node.value("hysteresis")), sum(real.weight for real in virtual.servers)
        quorum = min(number(virtual.node.value("quorum")) or 1, total)
        if node and hysteresis and total and hysteresis >= quorum:
            text = f"hysteresis {hysteresis} is not below the quorum of {quorum}: keepalived makes it {quorum - 1}"
            yield Found(node, text, f"Write less than {quorum}, or leave it out.")


RULES = (
    Rule(
        "dynamic_missing",
        Severity.ERROR,
        dynamic_missing,
        "`--weight N` without `--track-file` is weight style: the check answers N + 2 when all is well. Without "
        "misc_dynamic, and in a vrrp_script, keepalived reads everything but 0 as down, so the server is never up.",
        "Write misc_dynamic; or, better, FILE_CHECK and --track-file for the weight.",
    ),
    Rule(
        "dynamic_plain",
        Severity.ERROR,
        dynamic_plain,
        "misc_dynamic over a check that answers 0: keepalived takes an exit code of 0 for weight 0 at its next reload, "
        "and the server stays without traffic until the code changes.",
        "Take misc_dynamic out, or write --weight.",
    ),
    Rule(
        "weight_mismatch",
        Severity.WARNING,
        weight_mismatch,
        "Weight style, and `--weight N` is not the real server's `weight`. The configured weight counts until "
        "the first "
        "check has run, and in the quorum when keepalived loads its configuration.",
        "Write the same number in both places.",
    ),
    Rule(
        "base_weight_mismatch",
        Severity.WARNING,
        base_weight_mismatch,
        "keepalived adds the track file's number to the configured weight. The check writes the target minus "
        "--base-weight (1), so every weight is off by the difference.",
        "Write `weight 1` for the real server, or its weight with --base-weight.",
    ),
    Rule(
        "dynamic_twice",
        Severity.ERROR,
        dynamic_twice,
        "Several checks with misc_dynamic on one real server: what they ask for is added up.",
        "Keep one dynamic check; the others without misc_dynamic.",
    ),
    Rule(
        "file_check_beside_dynamic",
        Severity.ERROR,
        file_check_beside_dynamic,
        "FILE_CHECK and a check with misc_dynamic on one real server: both change the weight, and it is added up.",
        "Take misc_dynamic and --weight out of the check; let it write the file with --track-file.",
    ),
    Rule(
        "weights_ignored",
        Severity.WARNING,
        weights_ignored,
        "rr and lc know only weight 0 and all others, so a lagging replica gets as many connections as a good one.",
        "Write `lvs_sched wlc` or `wrr`.",
    ),
    Rule(
        "all_weights_zero",
        Severity.ERROR,
        all_weights_zero,
        "Every real server is configured with weight 0. keepalived lowers the quorum to 0 and the hysteresis becomes "
        "4294967295: the quorum is never right, and a sorry server never leaves.",
        "Write `weight 1`; to drain servers take `mysqlcheck hold`.",
    ),
    Rule(
        "quorum_too_high",
        Severity.WARNING,
        quorum_too_high,
        "The quorum counts weights, when keepalived loads its configuration the configured ones. It lowers a "
        "quorum that "
        "is above their sum, and says so.",
        "Write no more than the sum of the configured weights.",
    ),
    Rule(
        "hysteresis_too_high",
        Severity.WARNING,
        hysteresis_too_high,
        "The hysteresis must be below the quorum; keepalived lowers it to the quorum minus 1.",
        "Write less than the quorum, or leave it out.",
    ),
)
