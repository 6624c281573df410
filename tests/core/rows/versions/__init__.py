"""What versions answer that do not run in the tests: one JSON file a version, written from its source and manual.

They are no recordings. The columns, their order and how a value is spelled are the version's own, and `origin` says
where that stands; the values themselves are ours. A situation names what is different from a healthy replica, a row a
channel.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from mysqlcheck.checks.shared_hold import MAY_READ
from mysqlcheck.model import ServerVersion, Table

FOLDER = Path(__file__).parent
VERSIONS = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))


class Written(NamedTuple):
    """One version: what it is asked for its channels, its answers by the situation, and the variables that it has."""

    name: str
    server: ServerVersion
    origin: tuple[str, ...]
    asked: str
    answers: dict[str, Table]
    variables: dict[str, str]
    documented: dict[str, str]
    """Where the manual of this version has the system variable."""
    status_table: str
    status: dict[str, str]

    def answer(self, situation: str, query: str) -> Table:
        """Answer as the server does; KeyError for what this version does not know."""
        return self.answers[situation] if query == self.asked else self._select(query)

    def _select(self, query: str) -> Table:
        """`SELECT @@global.x AS y, … FROM session_status WHERE VARIABLE_NAME IN (…)`: a row a status variable."""
        select, _, rest = query.partition(", VARIABLE_NAME AS variable_name, VARIABLE_VALUE AS variable_value FROM ")
        table, _, asked = rest.partition(" WHERE VARIABLE_NAME IN ")
        if table != self.status_table:
            raise KeyError(table)
        expressions = [item.split(" AS ") for item in select.removeprefix("SELECT ").split(", ")]
        known = {
            "UNIX_TIMESTAMP()": "1795778962",
            MAY_READ: "0",
            **{f"@@global.{name}": text for name, text in self.variables.items()},
        }
        values = {name: known[sql] for sql, name in expressions}
        names = [name.lower() for name in re.findall(r"'(\w+)'", asked)]
        rows = [
            {**values, "variable_name": name, "variable_value": text}
            for name, text in self.status.items()
            if name.lower() in names
        ]
        return Table((*values, "variable_name", "variable_value"), rows)


def load(name: str) -> Written:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    healthy = document["healthy"]
    answers = {
        situation: Table(tuple(healthy), [{**healthy, **changes} for changes in rows])
        for situation, rows in document["situations"].items()
    }
    variables = document["variables"]
    return Written(
        name,
        ServerVersion.parse(document["version"]),
        tuple(document["origin"]),
        document["asked"],
        answers,
        {name: variable["value"] for name, variable in variables.items()},
        {name: variable["documented"] for name, variable in variables.items()},
        document["status_table"],
        document["status"],
    )
