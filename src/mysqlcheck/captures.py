"""A capture as a document: what a look was judged from, so that it can be judged again under other rules.

    {"format": 1, "boot_id": "…", "at": 1800000000.0, "role": "replica", "observation": {"facts": {…}, …}, …}

Its keys are the fields that the NamedTuples in model.py, record.py and of the facts declare. Nothing is listed here: a
field or a type of facts that is added is carried as well. Facts go by the name of their type, members of an enumeration
by theirs. A field that has its default is left out, and one that is missing has it: a capture of before there was the
field is still read. A moment of the boot of the look is its seconds alone.
"""

import json
import math
from collections.abc import Mapping
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from mysqlcheck.checks import FACTS
from mysqlcheck.errors import BadCapture
from mysqlcheck.model import Instant, Observation
from mysqlcheck.record import Capture
from mysqlcheck.settings import nearest, shown

FORMAT = 1
MOST_BYTES = 4096
"""What is kept of one in a server's history: none where it is longer, as that of a server with a dozen channels is."""
SCALARS: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    NoneType: ((NoneType,), "null"),
}
"""How JSON's values arrive, by the type that a field declares, and what they are called."""


def to_document(capture: Capture) -> dict[str, Any]:
    """Return what JSON can hold of a capture, which is all of it."""
    boot_id = capture.observation.ended.boot_id
    return {"format": FORMAT, "boot_id": boot_id, **_written(capture, boot_id)}


def to_text(capture: Capture) -> str | None:
    """Return it as short as may be, for a history; None where it is too long for that."""
    text = json.dumps(to_document(capture), separators=(",", ":"))
    return text if len(text) <= MOST_BYTES else None


def from_document(document: object) -> Capture:
    """Read a capture, or a document that has one under `capture`. Raises BadCapture."""
    key = ""
    if isinstance(document, dict) and "capture" in document:
        key, document = "capture", document["capture"]
    if not isinstance(document, dict) or "format" not in document:
        raise BadCapture(key, "there is no capture here; `--output json` and `history --captures` print them")
    if document["format"] != FORMAT:
        raise BadCapture(_under(key, "format"), f"{shown(document['format'])} is not allowed; allowed is {FORMAT}")
    boot_id = _read(str, document.get("boot_id"), _under(key, "boot_id"), "")
    rest = {name: value for name, value in document.items() if name not in ("format", "boot_id")}
    found: Capture = _read(Capture, rest, key, boot_id)
    return found


def _written(value: Any, boot_id: str) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Instant) and value.boot_id == boot_id:
        return value.seconds
    if not isinstance(value, tuple):
        return value
    names: tuple[str, ...] | None = getattr(value, "_fields", None)
    if names is None:
        return [_written(item, boot_id) for item in value]
    defaults = getattr(value, "_field_defaults", {})
    fields = {name: item for name, item in zip(names, value, strict=True) if item != defaults.get(name, ...)}
    document = {name: _written(item, boot_id) for name, item in fields.items()}
    if isinstance(value, Observation) and value.facts:
        document["facts"] = {type(fact).__name__: _written(fact, boot_id) for fact in value.facts}
    return document


def _read(kind: Any, value: Any, key: str, boot_id: str) -> Any:
    """Read a value of this type; `key` says where it stands."""
    if kind == tuple[Any, ...]:
        return _read_facts(value, key, boot_id)
    if get_origin(kind) is tuple:
        return _read_items(get_args(kind), value, key, boot_id)
    if kinds := get_args(kind):  # a union; at most one of its types is no scalar
        fits = next((one for one in kinds if one in SCALARS and type(value) in SCALARS[one][0]), None)
        nested = next((one for one in kinds if one not in SCALARS), None)
        if fits is None and nested is None:
            raise _not_allowed(key, value, " or ".join(SCALARS[one][1] for one in kinds))
        return _read(nested if fits is None else fits, value, key, boot_id)
    if kind in SCALARS:
        return _read_scalar(kind, value, key)
    if issubclass(kind, Enum):
        members = {member.name.lower(): member for member in kind}
        if not isinstance(value, str) or value not in members:
            raise _not_allowed(key, value, ", ".join(members))
        return members[value]
    if kind is Instant and not isinstance(value, dict):
        return Instant(boot_id, _read_scalar(float, value, key))
    return kind(**_read_fields(_fields(kind), kind._field_defaults, value, key, boot_id))


def _read_scalar(kind: type, value: Any, key: str) -> Any:
    types, what = SCALARS[kind]
    if type(value) not in types:
        raise _not_allowed(key, value, what)
    if kind is float:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise _not_allowed(key, value, "a finite number")
    return value


def _read_items(kinds: tuple[Any, ...], value: Any, key: str, boot_id: str) -> tuple[Any, ...]:
    endless = kinds[-1] is ...
    if not isinstance(value, list) or not (endless or len(value) == len(kinds)):
        raise _not_allowed(key, value, "a list" if endless else f"a list of {len(kinds)}")
    each = kinds[:1] * len(value) if endless else kinds
    return tuple(_read(each[index], item, f"{key}[{index}]", boot_id) for index, item in enumerate(value))


def _read_facts(value: Any, key: str, boot_id: str) -> tuple[Any, ...]:
    known = {kind.__name__: kind for kind in FACTS}
    return tuple(_read_fields(known, dict.fromkeys(known), value, key, boot_id).values())


def _read_fields(
    known: Mapping[str, Any], optional: Mapping[str, Any], value: Any, key: str, boot_id: str
) -> dict[str, Any]:
    """Read an object with these keys, each of its type; those not there are left to their defaults."""
    if not isinstance(value, dict):
        raise _not_allowed(key, value, "an object")
    for name in value:
        if name not in known:
            near = nearest(name, list(known)) or f"; allowed are {', '.join(known)}"
            raise BadCapture(_under(key, name), f"there is no such key{near}")
    if missing := [name for name in known if name not in value and name not in optional]:
        raise BadCapture(_under(key, missing[0]), "is missing")
    return {name: _read(known[name], item, _under(key, name), boot_id) for name, item in value.items()}


@cache
def _fields(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _not_allowed(key: str, value: object, allowed: str) -> BadCapture:
    return BadCapture(key, f"{shown(value)} is not allowed; allowed is {allowed}")
