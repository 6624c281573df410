"""Turns declared settings into click options. click splits the line; settings.py judges the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from mysqlcheck.kinds import Flag, Names
from mysqlcheck.options import Settings


def options(names: Iterable[str] | None = None) -> list[click.Parameter]:
    """Return an option for every setting that the command line may give (or for the named ones)."""
    result: list[click.Parameter] = []
    for name, setting in Settings.declared().items():
        if "cli" not in setting.sources or (names is not None and name not in names):
            continue
        default = f"  [default: {setting.default_text}]" if setting.default_text not in ("none", "false") else ""
        if isinstance(setting.kind, Flag):
            result.append(click.Option([setting.option], is_flag=True, default=False, help=setting.help))
        else:
            metavar, several = setting.kind.metavar, isinstance(setting.kind, Names)
            help_text = setting.help + default
            result.append(click.Option([setting.option], metavar=metavar, help=help_text, multiple=several))
    return result


def given(values: Mapping[str, object]) -> dict[str, str]:
    """Return what was really given on the command line, as raw text by setting name."""
    declared = Settings.declared()
    return {
        name: "true" if value is True else ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if name in declared and value is not None and value is not False and value != ()
    }
