"""The pure way from a look at a server to the answer: observation → memory → verdict → standing → decision.

The one-shot check takes it once, the agent in a loop; both in one transaction with the record (store.py).
"""

from typing import NamedTuple, TypeAlias

from mysqlcheck import outcome
from mysqlcheck.checks import Policy, judge
from mysqlcheck.holddown import SERVING, HoldDownSettings, step
from mysqlcheck.memory import remember, sight
from mysqlcheck.model import Decision, LetIn, Memory, Observation, OperatorHold, Phase, Refused, Sighting, Verdict
from mysqlcheck.outcome import Answer, OutcomeSettings
from mysqlcheck.record import Capture, Event, Record, Told
from mysqlcheck.standing import TWO_SOURCES

OnRecord: TypeAlias = tuple[Record | None, Sighting | None]


class JudgementSettings(Policy, HoldDownSettings, OutcomeSettings):
    """All that the way from an observation to the answer is told."""


class Judgement(NamedTuple):
    """What a look led to: what to say now, what to keep, and what has changed by it."""

    verdict: Verdict
    decision: Decision
    record: Record
    capture: Capture
    events: tuple[Event, ...] = ()
    shared: OperatorHold | None = None
    """The shared hold that stands."""


class Look(NamedTuple):
    """What one look at a server led to; nothing has been told to anybody yet."""

    observation: Observation
    judgement: Judgement
    answer: Answer
    hold: OperatorHold | None
    """The one of this director."""
    state_trouble: str | None
    """Why memory could not be read or kept; None where all is well."""

    @property
    def judged(self) -> Decision:
        """What the rules and the phases say, shadow or not."""
        return self.judgement.decision


def may_enter(record: Record | None, sighting: Sighting | None, seen: Observation) -> bool:
    """Whether this look may let the server in, and not merely let it go on."""
    if record is None:
        return True
    met = sight(sighting, seen)
    return record.standing.phase not in SERVING or record.standing.incarnation != (met.number if met else 0)


def take_in(
    record: Record | None,
    sighting: Sighting | None,
    observation: Observation,
    hold: OperatorHold | None,
    settings: JudgementSettings,
    at: float,
    let_in: LetIn | None = None,
    refused: Refused | None = None,
    aside: str | None = None,
) -> Judgement:
    """Judge a look in the light of what is on record, and say what to record.

    `sighting` is the last one of the server, whatever role it was checked as; `at` is Unix time, for people and holds.
    `hold` is this director's own; a shared one is among what the look saw, or the last that could.
    `let_in` and `refused` are the word of the server's pool, which changes the answer alone; `aside` is what the pool
    knows of a lost source, and changes a text.
    A look older than the record (checks of one target may overlap) changes nothing.
    """

    def captured(decision: Decision) -> Capture:
        known = record and record._replace(memory=record.memory._replace(sighting=None), transitions=())
        return Capture(at, settings.role, observation, *decision[:3], sighting, known, hold, let_in, refused, aside)

    now = observation.ended
    before = record.standing if record else None
    kept = (record.memory if record else Memory())._replace(sighting=sighting)
    if record is not None and now.precedes(record.seen):
        verdict = judge(observation, kept, settings, now)
        shared = _standing(kept, at)
        decision = outcome.decide(record.standing, verdict, hold, settings, record.seen, refused=refused, shared=shared)
        return Judgement(verdict, decision, record, captured(decision), shared=shared)
    memory = remember(kept, observation, settings)
    shared = _standing(memory, at)
    verdict = judge(observation, memory, settings, now)
    standing = step(before, verdict, memory, settings, now)
    decision = outcome.decide(standing, verdict, hold, settings, now, let_in, shared, refused, aside)
    told = _told(decision, verdict, outcome.answer_style(settings))
    changed = record.changed if record and before and before.phase is standing.phase else at
    transitions = record.transitions if record else ()
    events: tuple[Event, ...] = ()
    if before is None or before.phase is not standing.phase:
        event = _transition(before.phase if before else None, decision, observation, settings.role, at)
        events = (event,)
        transitions = _counted(transitions, event) if before else transitions
    elif before.incarnation and before.incarnation != standing.incarnation:
        events = (_transition(before.phase, decision, observation, settings.role, at)._replace(kind="restart"),)
    if let_in is not None and let_in.new:
        kind, what = ("let-out", "no longer let in") if let_in.over else ("let-in", "let in")
        text = f"{what} by pool {let_in.pool}: {let_in.text}"
        events = (*events, Event(at, str(observation.target), settings.role, kind, "", "", text))
    events += _shared_events(kept.shared, memory.shared, observation, settings.role, at)
    if refused is not None and refused.new:
        kind = "accepted" if refused.over else "refused"
        text = f"{TWO_SOURCES}: {refused.text}"
        events = (*events, Event(at, str(observation.target), settings.role, kind, "", "", text))
    after = Record(memory, standing, now, at, told, changed, transitions)
    capture = captured(decision)
    if events:
        from mysqlcheck import captures  # few looks lead to one; the rest need no JSON

        events = (events[0]._replace(capture=captures.to_text(capture)), *events[1:])
    return Judgement(verdict, decision, after, capture, events, shared)


def judge_again(capture: Capture, settings: JudgementSettings) -> Judgement:
    """Judge a look that was captured, in the light of what was on record then: the same settings lead to the same."""
    known = capture.record, capture.sighting, capture.observation, capture.hold
    return take_in(*known, settings, capture.at, capture.let_in, capture.refused, capture.aside)


def _standing(memory: Memory, at: float) -> OperatorHold | None:
    return memory.shared.standing(at) if memory.shared else None


def _shared_events(
    before: OperatorHold | None, after: OperatorHold | None, observation: Observation, role: str, at: float
) -> tuple[Event, ...]:
    """Say that a shared hold has come, or gone: who gave it was perhaps at another director."""
    target = str(observation.target)
    if after is not None and after != before:
        standing = after.standing(at)
        left = outcome.until(standing) if standing else "(over already)"
        text = f"{after.who}: drain on all directors {left}: {after.reason}"
        return (Event(at, target, role, "hold", "", "", text),)
    if before is not None and after is None:
        return (Event(at, target, role, "release", "", "", f"the shared hold by {before.who} has ended"),)
    return ()


def _told(decision: Decision, verdict: Verdict, answer: Answer) -> Told:
    plain = answer.style is outcome.Style.PLAIN
    first = decision.reasons[0] if decision.reasons else None
    return Told(
        decision.action,
        None if plain else outcome.weight(decision, answer.full),
        first.code if first else "",
        first.text if first else "",
        float(verdict.lag.seconds) if verdict.lag else None,
    )


def _transition(before: Phase | None, decision: Decision, observation: Observation, role: str, at: float) -> Event:
    first = next((reason for reason in decision.reasons if reason.code not in ("operator_hold", TWO_SOURCES)), None)
    text = "nothing against it"
    if first is not None:
        text = first.text if first.code == decision.phase.value else f"{first.code}: {first.text}"
    was = before.value if before else "unknown"
    return Event(at, str(observation.target), role, "transition", was, decision.phase.value, text)


def _counted(transitions: tuple[tuple[str, str, int], ...], event: Event) -> tuple[tuple[str, str, int], ...]:
    counts = {(before, after): count for before, after, count in transitions}
    key = (event.before, event.after)
    counts[key] = counts.get(key, 0) + 1
    return tuple((*edge, count) for edge, count in counts.items())
