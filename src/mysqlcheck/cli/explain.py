"""`mysqlcheck explain --host H`: every rule with observed, limit and verdict; changes nothing."""

from __future__ import annotations

import os
from typing import Any

import click

from mysqlcheck import outcome
from mysqlcheck.checks import CODES
from mysqlcheck.cli.options import given, options
from mysqlcheck.cli.present import facts_document, reason_document, reentry_document
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import SettingsError
from mysqlcheck.judgement import Look
from mysqlcheck.kinds import show_seconds, show_span
from mysqlcheck.layers import load
from mysqlcheck.model import Reason, Severity, Value
from mysqlcheck.oneshot import look
from mysqlcheck.outcome import DEFAULT_TRACK_WEIGHT, Answer, Style
from mysqlcheck.standing import STANDING_CODES

VERDICT = {Severity.OK: "ok", Severity.NOTE: "serves", Severity.DRAIN: "DRAIN", Severity.FAIL: "FAIL"}


def run(arguments: list[str]) -> int:
    """Run the command; exit code 0 when it could explain, whatever the server's state, 2 for a mistake."""
    try:
        command().main(arguments, prog_name="mysqlcheck explain", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"mysqlcheck: {problem}", err=True)
        return 2
    except click.Abort:
        return 1
    return 0


def command() -> click.Command:
    """Build the command: the options of the check."""
    return click.Command(
        "explain",
        params=options(),
        callback=_explain,
        help="Look at the server as the check does, with the same options, and show every rule: what was observed, "
        "the limit, the verdict; then the exit code that each style would give. Writes no file.",
        context_settings={"max_content_width": 110},
    )


def _explain(**values: object) -> None:
    settings = load(given(values), os.environ)
    seen = look(settings, Deadline(settings.timeout))
    styles = _styles(seen, settings.weight or DEFAULT_TRACK_WEIGHT, settings.base_weight)
    if settings.output == "json":
        import json

        document = {
            "target": str(seen.observation.target),
            "role": settings.role,
            "decision": seen.judged.action.value,
            "phase": seen.judged.phase.value,
            "reentry": reentry_document(seen.judged),
            "standing": [reason_document(reason) for reason in seen.judged.reasons if reason.code in STANDING_CODES],
            "rules": [reason_document(reason) for reason in _by_code(seen)],
            "not_judged": [code for code in CODES if code not in {r.code for r in seen.judgement.verdict.reasons}],
            "styles": styles,
            "facts": facts_document(seen.observation),
            "warnings": [seen.state_trouble] if seen.state_trouble else [],
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    click.echo(f"{seen.observation.target} as {settings.role}: {seen.judged.action.value.upper()}")
    standing = seen.judgement.record.standing
    age = seen.observation.ended.since(standing.since) or 0.0
    click.echo(f"phase {standing.phase.value}{f', for {show_span(age)}' if age else ', from now on'}")
    for reason in seen.judged.reasons:
        if reason.code in STANDING_CODES:
            click.echo(f"{reason.code}: {reason.text}")
    if seen.state_trouble:
        click.echo(f"judged without memory: {seen.state_trouble}")
    click.echo()
    rows = [("RULE", "VERDICT", "OBSERVED", "LIMIT", "")]
    rows += [
        (reason.code, VERDICT[reason.severity], _shown(reason.observed), _shown(reason.limit), reason.text)
        for reason in _by_code(seen)
    ]
    judged = {row[0] for row in rows}
    rows += [(code, "-", "", "", "not judged") for code in CODES if code not in judged]
    widths = [min(28, max(len(row[column]) for row in rows)) for column in range(4)]
    for row in rows:
        cells = (f"{cell[:28]:<{width}}" for cell, width in zip(row, widths, strict=False))
        click.echo("  ".join((*cells, row[4])).rstrip())
    click.echo("\nkeepalived would be told:")
    for name, style in styles.items():
        file = f", track file {style['track_file']} (weight {style['weight']})" if "track_file" in style else ""
        click.echo(f"  {name + ':':<12} exit {style['exit_code']}{file}")


def _by_code(seen: Look) -> list[Reason]:
    return sorted(seen.judgement.verdict.reasons, key=lambda reason: CODES.index(reason.code))


def _styles(seen: Look, full: int, base: int) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for style in Style:
        answer = Answer(style, full, base)
        result[style.value] = {"exit_code": int(outcome.exit_code(seen.judged, answer))}
        if style is not Style.PLAIN:
            result[style.value]["weight"] = outcome.weight(seen.judged, full)
        if style is Style.TRACK_FILE:
            result[style.value]["track_file"] = outcome.track_value(seen.judged, answer)
    return result


def _shown(value: Value) -> str:
    if value is None:
        return "-"
    return show_seconds(value) if isinstance(value, float) else str(value)
