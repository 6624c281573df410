"""How a check is shown: one line for people, one JSON object for scripts."""

from __future__ import annotations

import math
from typing import Any

from mysqlcheck import outcome
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.line import line
from mysqlcheck.model import Decision, Lag, Observation, Reason
from mysqlcheck.oneshot import Report
from mysqlcheck.options import Settings
from mysqlcheck.outcome import Style


def as_line(report: Report, settings: Settings) -> str:
    """Return the status line."""
    return line(report.look, settings.shadow)


def as_json(report: Report, settings: Settings) -> str:
    """Return the check as one line of JSON; docs/reference/exit-codes.md describes it."""
    import json

    from mysqlcheck import captures

    seen, decision = report.look, report.decision
    plain = seen.answer.style is Style.PLAIN
    shadow = None
    if settings.shadow:
        shadow = {
            "decision": seen.judged.action.value,
            "weight": None if plain else outcome.weight(seen.judged, seen.answer.full),
            "exit_code": int(outcome.exit_code(seen.judged, seen.answer, published=report.published)),
        }
    document = {
        "target": str(seen.observation.target),
        "role": settings.role,
        "decision": decision.action.value,
        "phase": decision.phase.value,
        "phase_since": rounded(seen.observation.ended.since(seen.judgement.record.standing.since)),
        "reentry": reentry_document(seen.judged),
        "weight": None if plain else outcome.weight(decision, seen.answer.full),
        "style": seen.answer.style.value,
        "exit_code": int(report.exit_code),
        "reasons": [reason_document(reason) for reason in decision.reasons],
        "facts": facts_document(seen.observation, seen.judgement.verdict.lag),
        "shadow": shadow,
        "warnings": list(report.warnings),
        "capture": captures.to_document(seen.judgement.capture),
    }
    return json.dumps(document, ensure_ascii=False)


def reentry_document(decision: Decision) -> float | str | None:
    """Return when a held server serves again, if nothing speaks against it: seconds, or `manual`; null if not held."""
    return "manual" if decision.reentry == math.inf else rounded(decision.reentry)


def rounded(seconds: float | None) -> float | None:
    """Return seconds as people need them."""
    return None if seconds is None else round(seconds, 1)


def reason_document(reason: Reason) -> dict[str, Any]:
    """Return a reason as JSON has it."""
    return {
        "code": reason.code,
        "severity": reason.severity.name.lower(),
        "bars_entry": reason.bars_entry,
        "observed": reason.observed,
        "limit": reason.limit,
        "text": reason.text,
    }


def facts_document(observation: Observation, lag: Lag | None) -> dict[str, Any]:
    """Return what was observed as JSON has it; null is unknown."""
    channels, read_only, server = observation.fact(Channels), observation.fact(ReadOnly), observation.server
    return {
        "flavor": server.flavor if server else None,
        "version": ".".join(map(str, server.number)) if server else None,
        "read_only": read_only.on if read_only else None,
        "lag": lag.seconds if lag else None,
        "lag_source": lag.source if lag else None,
        "channels": [channel._asdict() for channel in channels.channels] if channels else None,
        "duration": round(observation.ended.seconds - observation.began.seconds, 6),
    }
