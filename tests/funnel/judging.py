"""The exit contract, written down a second time: from the table of design section 2, not from the code.

| situation | plain  | plain with a track file                     | weight style         |
|-----------|--------|---------------------------------------------|----------------------|
| serve     | 0      | 0, file: weight - base                      | weight + 2, 3…N + 2  |
| drain     | 1      | 0, file: 0 - base; 1 if it was not written  | 2                    |
| fail      | 1      | 1, file: 0 - base                           | 1                    |
| all else  | 1      | 1                                           | 1                    |
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CODES = {
    ("plain", "serve"): 0,
    ("plain", "drain"): 1,
    ("plain", "fail"): 1,
    ("track-file", "serve"): 0,
    ("track-file", "drain"): 0,
    ("track-file", "fail"): 1,
    ("weight", "drain"): 2,
    ("weight", "fail"): 1,
}


def expected_code(document: dict[str, Any], published: bool) -> int:
    """The exit code that this decision must have; `published` is whether there is a track file now."""
    style, decision = document["style"], document["decision"]
    if (style, decision) == ("weight", "serve"):
        weight = document["weight"]
        assert 1 <= weight <= 253
        return int(weight) + 2
    if (style, decision) == ("track-file", "drain") and not published:
        return 1
    return CODES[style, decision]


def assert_weight(document: dict[str, Any], full: int) -> None:
    """The weight is 0 where the server does not serve, and else a tenth of the full one, or several."""
    if document["style"] == "plain":
        assert document["weight"] is None
    elif document["decision"] == "serve":
        assert document["weight"] in {max(1, round(full * tenths / 10)) for tenths in range(1, 11)}
    else:
        assert document["weight"] == 0


def assert_track_file(document: dict[str, Any], path: Path, base: int) -> None:
    """The file holds the weight minus the base; FILE_CHECK adds it to the base."""
    if document["style"] == "track-file" and path.is_file():
        assert path.read_text() == f"{document['weight'] - base}\n"


def document_of(out: bytes) -> dict[str, Any] | None:
    """The JSON that a check printed, or None where it printed none."""
    if not out.startswith(b"{"):
        return None
    document: dict[str, Any] = json.loads(out)
    return document
