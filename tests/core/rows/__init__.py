"""What real servers answered, word for word: one JSON file a kind of server, made by record.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from mysqlcheck.model import ServerVersion, Table

FOLDER = Path(__file__).parent
PROVIDERS = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))


class Recording(NamedTuple):
    """One kind of server: its version, and its answers by the situation it was in."""

    provider: str
    server: ServerVersion
    answers: dict[str, dict[str, Table]]

    def answer(self, situation: str, query: str) -> Table:
        return self.answers[situation][query]


def load(provider: str) -> Recording:
    document = json.loads((FOLDER / f"{provider}.json").read_text(encoding="utf-8"))
    answers = {
        situation: {query: _table(answer) for query, answer in queries.items()}
        for situation, queries in document["situations"].items()
    }
    return Recording(provider, ServerVersion.parse(document["version"]), answers)


def _table(answer: dict[str, list[list[str | None]]]) -> Table:
    columns = tuple(str(name) for name in answer["columns"])
    return Table(columns, [dict(zip(columns, row, strict=True)) for row in answer["rows"]])
