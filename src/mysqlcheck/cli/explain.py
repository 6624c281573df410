"""`mysqlcheck explain`: every rule with observed, limit and verdict, now or of a captured look; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from mysqlcheck import outcome
from mysqlcheck.captures import to_document
from mysqlcheck.checks import CODES
from mysqlcheck.cli import people
from mysqlcheck.cli.options import given, options
from mysqlcheck.cli.present import facts_document, reason_document, reentry_document
from mysqlcheck.cli.replay import OPTION, STDIN, Replayed, replay, replay_lines
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import SettingsError
from mysqlcheck.judgement import Look
from mysqlcheck.kinds import show_seconds, show_span
from mysqlcheck.layers import load
from mysqlcheck.model import Reason, Severity, Value
from mysqlcheck.oneshot import look
from mysqlcheck.options import Settings
from mysqlcheck.outcome import DEFAULT_TRACK_WEIGHT, Answer, Style
from mysqlcheck.standing import STANDING_CODES

HELP = """Look at the server as the check does, with the same options, and show every rule: what was observed, the
limit, the verdict; then the exit code that each style would give. Writes no file.

\b
  mysqlcheck explain --host 192.168.1.201
  mysqlcheck history --host 192.168.1.201 --captures | mysqlcheck explain --from - --max-lag 10s

With --from it answers "what would have happened last night with max-lag 10?": it judges what was seen then by the
rules of today, in the light of what was on record before that look. One capture is explained in full; of many each
gets a line: when, what was decided, what is decided now, why. Server and role are those of the capture; all other
options apply, and so do the TOML file and the environment.
"""

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
    """Build the command: the options of the check, and where to find a look that has been made already."""
    return click.Command(
        "explain",
        params=[
            click.Option(
                [OPTION, "file"],
                metavar="FILE",
                help="Judge looks that were captured, and connect to nobody: one object as --output json prints it, or "
                f"one a line as `mysqlcheck history --captures` does. {STDIN} is standard input.",
            ),
            *options(),
        ],
        callback=_explain,
        help=HELP,
        context_settings={"max_content_width": 110},
    )


def _explain(file: str | None, **values: object) -> None:
    if file is not None:
        _replay(file, given(values))
        return
    settings = load(given(values), os.environ)
    seen = look(settings, Deadline(settings.timeout))
    if settings.output == "json":
        import json

        click.echo(json.dumps(_document(seen, settings), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_lines(seen, settings)))


def _replay(file: str, given: Mapping[str, str]) -> None:
    """Explain what was captured: one look in full, many in a line each."""
    found = replay(file, given, os.environ)
    if found[0].settings.output == "json":
        import json

        documents = [{**_document(one.look, one.settings), "captured": _captured(one)} for one in found]
        indent = 2 if len(found) == 1 else None
        click.echo("\n".join(json.dumps(document, ensure_ascii=False, indent=indent) for document in documents))
    elif len(found) == 1:
        click.echo("\n".join(_lines(found[0].look, found[0].settings, found[0])))
    else:
        click.echo("\n".join(replay_lines(found)))


def _captured(one: Replayed) -> dict[str, Any]:
    """Return what was decided when the look was made."""
    capture = one.capture
    return {"at": capture.at, "decision": capture.action.value, "phase": capture.phase.value, "share": capture.share}


def _document(seen: Look, settings: Settings) -> dict[str, Any]:
    return {
        "target": str(seen.observation.target),
        "role": settings.role,
        "decision": seen.judged.action.value,
        "phase": seen.judged.phase.value,
        "reentry": reentry_document(seen.judged),
        "standing": [reason_document(reason) for reason in seen.judged.reasons if reason.code in STANDING_CODES],
        "rules": [reason_document(reason) for reason in _by_code(seen)],
        "not_judged": [code for code in CODES if code not in {r.code for r in seen.judgement.verdict.reasons}],
        "styles": _styles(seen, settings),
        "facts": facts_document(seen.observation, seen.judgement.verdict.lag),
        "warnings": [seen.state_trouble] if seen.state_trouble else [],
        "capture": to_document(seen.judgement.capture),
    }


def _lines(seen: Look, settings: Settings, replayed: Replayed | None = None) -> Iterator[str]:
    yield f"{seen.observation.target} as {settings.role}: {seen.judged.action.value.upper()}"
    if replayed:
        yield f"captured {people.moment(replayed.capture.at)}, and then decided: {replayed.before}"
    standing = seen.judgement.record.standing
    age = seen.observation.ended.since(standing.since) or 0.0
    yield f"phase {standing.phase.value}{f', for {show_span(age)}' if age else ', from now on'}"
    for reason in seen.judged.reasons:
        if reason.code in STANDING_CODES:
            yield f"{reason.code}: {reason.text}"
    if seen.state_trouble:
        yield f"judged without memory: {seen.state_trouble}"
    yield ""
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
        yield "  ".join((*cells, row[4])).rstrip()
    yield "\nkeepalived would be told:"
    for name, style in _styles(seen, settings).items():
        file = f", track file {style['track_file']} (weight {style['weight']})" if "track_file" in style else ""
        yield f"  {name + ':':<12} exit {style['exit_code']}{file}"


def _by_code(seen: Look) -> list[Reason]:
    return sorted(seen.judgement.verdict.reasons, key=lambda reason: CODES.index(reason.code))


def _styles(seen: Look, settings: Settings) -> dict[str, dict[str, Any]]:
    full, base = settings.weight or DEFAULT_TRACK_WEIGHT, settings.base_weight
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
