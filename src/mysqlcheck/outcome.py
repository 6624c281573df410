"""From a Verdict to keepalived's numbers: the only file that knows them.

                     plain    plain with a track file                       weight style (misc_dynamic)
    serve, full      0        0, file: full                                 N + 2
    serve, degraded  0        0, file: 1…full                               3…N + 2, in tenths of N, never below 3
    drain            1        0, file: weight 0 (1 if it was not written)   2
    fail             1        1, file: weight 0                             1

Weight style never exits 0: keepalived turns a last exit of 0 into weight 0 at its next reload (reproduced
with 2.2.7). Codes from 2 on mean "up, with weight code - 2", so 1 is the only way to say down.
"""

import math
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from mysqlcheck.holddown import HoldDownSettings
from mysqlcheck.kinds import Flag, Text, Whole, show_span
from mysqlcheck.model import (
    Action,
    Decision,
    Instant,
    LetIn,
    OperatorHold,
    Phase,
    Reason,
    Refused,
    Severity,
    Standing,
    Verdict,
)  # fmt: skip
from mysqlcheck.settings import Group, Setting
from mysqlcheck.standing import TWO_SOURCES, ramp_share, reasons, remaining, share_let_in

DEFAULT_TRACK_WEIGHT = 100


class ExitCode(int):
    """An exit code that a Decision asked for. The funnel (funnel.py) lets nothing else out but 1."""


class OutcomeSettings(Group):
    """How the answer is given to keepalived."""

    weight = Setting[int | None](
        Whole(1, 253),
        default=None,
        help="The full weight. Alone it is weight style for misc_dynamic: exit N+2 when all is well, 2 to drain. "
        "With --track-file it is the weight that the file asks for (default 100 there).",
    )
    track_file = Setting[str | None](
        Text(
            "FILE",
            "an absolute path",
            lambda path: None if path.startswith("/") else f"{path!r} is not absolute",
        ),
        default=None,
        help="Write the weight for keepalived's FILE_CHECK here; the exit code then only says up (0) or down (1).",
    )
    base_weight = Setting[int](
        Whole(1, 253),
        default=1,
        help="The real server's `weight` in keepalived.conf beside a track file; the file holds target minus base.",
    )
    shadow = Setting[bool](
        Flag(),
        default=False,
        help="Judge, print and export, but always say serve: to run beside TCP_CHECK until it is trusted.",
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """A base weight is only for track files."""
        yield from super().conflicts()
        if self.base_weight != 1 and self.track_file is None:
            yield (
                "base_weight",
                "--base-weight belongs to --track-file; in weight style the weight is the exit code",
            )


class Style(Enum):
    """The three ways of answering keepalived."""

    PLAIN = "plain"
    TRACK_FILE = "track-file"
    WEIGHT = "weight"


class Answer(NamedTuple):
    """How to put a decision: the style, the full weight, and the base under a track file's value."""

    style: Style
    full: int
    base: int = 1


def answer_style(settings: OutcomeSettings) -> Answer:
    """Return the style that the settings ask for."""
    if settings.track_file is not None:
        return Answer(Style.TRACK_FILE, settings.weight or DEFAULT_TRACK_WEIGHT, settings.base_weight)
    if settings.weight is not None:
        return Answer(Style.WEIGHT, settings.weight)
    return Answer(Style.PLAIN, DEFAULT_TRACK_WEIGHT)


ACTION = {
    Phase.UP: Action.SERVE,
    Phase.RAMPING: Action.SERVE,
    Phase.DRAINING: Action.DRAIN,
    # FAIL on purpose: keepalived's notify_up and its mail then fire when the server really serves again
    Phase.HELD: Action.FAIL,
    Phase.DOWN: Action.FAIL,
}


def decide(
    standing: Standing,
    verdict: Verdict,
    hold: OperatorHold | None,
    settings: HoldDownSettings,
    now: Instant,
    let_in: LetIn | None = None,
    shared: OperatorHold | None = None,
    refused: Refused | None = None,
    aside: str | None = None,
) -> Decision:
    """Turn where the server stands into what keepalived is asked to do.

    An operator's hold, of this director or a shared one, caps it at drain; a pool that needs the server lets it serve
    in spite of its standing, and one that has another source refuses it. `aside` is what it knows of a lost source.
    """
    action = ACTION[standing.phase]
    serves = action is Action.SERVE
    found = list(reasons(standing, verdict, settings, now))
    holds = [one for one in (hold, shared) if one is not None]
    if holds:
        found += map(operator_hold, holds)
        action = Action.DRAIN if serves else action
    found += (_with(aside, reason) for reason in verdict.reasons if reason.severity > Severity.OK)
    found.sort(key=lambda reason: -reason.severity)
    share = min(verdict.share, ramp_share(standing, settings, now))
    if let_in is not None and not let_in.over and not holds and not serves:
        action, share = Action.SERVE, share_let_in(standing, let_in, settings, now)
        found.insert(0, panic(let_in, found))
    if refused is not None and not refused.over:
        action = Action.FAIL
        found.insert(0, Reason(TWO_SOURCES, Severity.FAIL, refused.text, refused.pool, bars_entry=True))
    reentry = None
    if standing.phase is Phase.HELD:
        left = remaining(standing, now)
        reentry = math.inf if left is None else left
    return Decision(action, share, standing.phase, tuple(found), reentry)


def _with(aside: str | None, reason: Reason) -> Reason:
    if aside is None or reason.code != "source_lost":
        return reason
    return reason._replace(text=f"{reason.text}; {aside}")


def panic(let_in: LetIn, against: Sequence[Reason]) -> Reason:
    """Return the reason that a server is let in, in spite of the first of these."""
    spite = f"; in spite of {against[0].code}: {against[0].text}" if against else ""
    return Reason("panic", Severity.NOTE, f"let in by pool {let_in.pool}: {let_in.text}{spite}", let_in.pool)


def operator_hold(hold: OperatorHold) -> Reason:
    """Return the reason that an operator's hold is."""
    text = f"drained by {hold.who}{' on all directors' if hold.shared else ''} {until(hold)}: {hold.reason}"
    return Reason("operator_hold", Severity.DRAIN, text, hold.who, None, bars_entry=True)


def until(hold: OperatorHold) -> str:
    """Say until when a hold stands."""
    return "until released" if hold.left is None else f"for another {show_span(hold.left)}"


def always_serve(decision: Decision) -> Decision:
    """Shadow's answer: serve, in full, whatever the decision was."""
    return decision._replace(action=Action.SERVE, share=1.0)


def weight(decision: Decision, full: int) -> int:
    """Return the real server's weight: full × share in steps of a tenth, at least 1 where it serves."""
    if decision.action is not Action.SERVE:
        return 0
    tenths = min(10, max(1, math.ceil(decision.share * 10 - 1e-9)))
    return max(1, round(full * tenths / 10))


def track_value(decision: Decision, answer: Answer) -> int:
    """Return what the track file must hold: FILE_CHECK adds it to the configured (base) weight."""
    return weight(decision, answer.full) - answer.base


def exit_code(decision: Decision, answer: Answer, *, published: bool = True) -> ExitCode:
    """Map a decision to its exit code: the table above.

    `published` is whether the track file was written. A drain that stands in no file must be said by the
    exit code; a healthy server is not taken out for a file that the director could not write.
    """
    if decision.action is Action.FAIL:
        return ExitCode(1)
    if answer.style is Style.WEIGHT:
        return ExitCode(weight(decision, answer.full) + 2)
    if decision.action is Action.SERVE:
        return ExitCode(0)
    return ExitCode(0 if answer.style is Style.TRACK_FILE and published else 1)


def status_line(target: str, decision: Decision, answer: Answer, detail: str, shadow: bool = False) -> str:
    """Return the one line for people: state, weight, and the reason that matters most (or `detail`)."""
    state = decision.action.value.upper()
    if decision.action is Action.SERVE and answer.style is not Style.PLAIN:
        state += f" weight {weight(decision, answer.full)}"
    first = f"{decision.reasons[0].code}: {decision.reasons[0].text}" if decision.reasons else detail
    more = f" (and {', '.join(r.code for r in decision.reasons[1:])})" if len(decision.reasons) > 1 else ""
    return f"{'SHADOW: would ' if shadow else ''}{state} {target} {first}{more}"
