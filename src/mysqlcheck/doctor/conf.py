"""keepalived.conf and the user whom it names: what lint finds there, and which servers are checked by us."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mysqlcheck.doctor.findings import Code, Finding, Level, table, well
from mysqlcheck.keepalived.findings import Finding as LintFinding
from mysqlcheck.keepalived.findings import Severity
from mysqlcheck.keepalived.rules import scripts


class Conf(NamedTuple):
    """keepalived.conf as it was found."""

    path: str
    asked_for: bool
    """Whether the operator named it."""
    unreadable: str | None = None
    """Why it could not be read; empty where it is not there."""
    lint: tuple[LintFinding, ...] = ()
    checked: tuple[str, ...] = ()
    """The targets that checks of ours are about."""
    ours: frozenset[tuple[str, int]] = frozenset()
    """File and line of every script of ours, which is judged closer than lint does."""


class Who(NamedTuple):
    """The users: who runs the checks, why we think so, and who we are."""

    user: str | None
    """None where keepalived would run no script: an error of lint's."""
    uid: int
    why: str
    own: str
    judged_as_user: bool


CODES = table(
    Code(
        "judged_for_oneself",
        Level.NOTE,
        "Only root can become the user who runs the checks, and only one who exists. What is said of files and logins "
        "holds for whoever called the doctor.",
        "Run it as root: sudo /opt/mysqlcheck/bin/mysqlcheck doctor.",
    ),
    Code(
        "conf_missing",
        Level.NOTE,
        "There is no keepalived.conf: nothing runs the check yet.",
        "`mysqlcheck keepalived-config` writes it; --conf FILE names another place.",
    ),
    Code(
        "conf_unreadable",
        Level.PROBLEM,
        "keepalived.conf was named, or is there, and cannot be read.",
        "Name the right file with --conf, or run this as root.",
    ),
    Code(
        "conf_without_check",
        Level.WARNING,
        "keepalived.conf calls no check of ours: whatever it does, it knows nothing of replication.",
        "Put a MISC_CHECK of keepalived-mysqlcheck into each real_server; `mysqlcheck keepalived-config` writes them.",
    ),
    Code(
        "lint_warnings",
        Level.WARNING,
        "`mysqlcheck lint` has warnings: keepalived.conf works, and not as one would think, or not for ever.",
        "`mysqlcheck lint` shows each with what to write instead.",
    ),
)
"""Besides these each error of lint is a problem here, under its own code (docs/reference/lint.md)."""
CLOSER = frozenset(rule.code for rule in scripts.RULES) - {"script_relative", "script_unquoted"}
"""Codes of lint that the doctor finds by itself where the script is one of ours."""


def users(who: Who) -> Iterator[Finding]:
    """Say whom the checks run as, and for whom this was judged."""
    if who.user is None:
        text = f"nobody runs scripts here ({who.why}): judged for {who.own}"
        yield CODES["judged_for_oneself"].found(text, "Make that user first; then run this again.")
        return
    yield well(f"checks run as {who.user} (uid {who.uid}): {who.why}")
    if not who.judged_as_user:
        text = f"this is {who.own}, who cannot become {who.user}: judged for {who.own}"
        yield CODES["judged_for_oneself"].found(text)


def conf(found: Conf) -> Iterator[Finding]:
    """Sum up what lint says."""
    if found.unreadable is not None:
        if found.unreadable or found.asked_for:
            text = f"{found.path} cannot be read: {found.unreadable or 'there is no such file'}"
            yield CODES["conf_unreadable"].found(text)
        else:
            yield CODES["conf_missing"].found(f"there is no {found.path}")
        return
    left = [one for one in found.lint if not (one.code in CLOSER and (one.file, one.line) in found.ours)]
    errors = [one for one in left if one.severity is Severity.ERROR]
    for one in errors:
        yield Finding(one.code, Level.PROBLEM, f"{one.file}:{one.line}: {one.text}", one.advice)
    warnings = [one for one in left if one.severity is Severity.WARNING]
    if warnings:
        yield CODES["lint_warnings"].found(f"lint has {_counted(warnings)}", f"mysqlcheck lint {found.path}")
    if not found.checked:
        yield CODES["conf_without_check"].found(f"no check in {found.path} calls mysqlcheck")
    elif not errors:
        yield well(f"{found.path}: checks {', '.join(found.checked)}; lint finds no error")
    else:
        yield well(f"{found.path}: checks {', '.join(found.checked)}")


def _counted(warnings: Sequence[LintFinding]) -> str:
    codes = ", ".join(dict.fromkeys(one.code for one in warnings))
    return f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''} ({codes})"
