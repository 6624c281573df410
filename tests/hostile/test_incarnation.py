"""What a server says of itself, from one check to the next: a restart is held, and nothing else is taken for one.

Each history is one server, looked at several times with the same memory: the connection id of its greeting, and what
it answers. Holds are long and graces off, so that no clock decides.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from .behaviours.results import asks_for_file
from .controls import says_of_itself
from .personas import MARIADB, MYSQL, STARTED, STATUS_QUERY, WORDS_QUERY, Persona, error, table
from .run import check
from .server import HostileServer
from .session import Session

HELD_LONG = {
    "MYSQLCHECK_HOLD_DOWN": "10m",
    **{f"MYSQLCHECK_{name}": "0" for name in ("RECOVER_AFTER", "RAMP", "FAIL_AFTER", "CREDENTIALS_GRACE")},
}
START_UP = 2.5
"""What starting and ending an interpreter may take on a busy machine, in seconds."""
PATIENT = 5.0
MOST_32, MOST_31 = (1 << 32) - 1, (1 << 31) - 1
OTHER_UUID = "8f2d7f0a-5f7b-11f0-9d52-0242ac110002"
MARIADB_ID = "201"


def maria(identity: str = MARIADB_ID, started: int = STARTED) -> Persona:
    return MARIADB.but_started(started).but_words(identity=identity)


NOT_LET_IN = MYSQL.but("", error(1045, "28000", "Access denied for user 'monitor'@'lvs'"))
NONSENSE = MYSQL.but(WORDS_QUERY, table(["x"], []))
NO_ANSWER_ABOUT_REPLICATION = MYSQL.but(STATUS_QUERY, asks_for_file)
STEPPED = 3600
ANEW = says_of_itself(started=STARTED + 864_000 - 30)


class History(NamedTuple):
    """What a server does at one look after the other, and what the check must make of each.

    `told` is `serve`, or the code of the first reason.
    """

    name: str
    looks: Sequence[tuple[int, Persona]]
    told: Sequence[str]


def same(persona: Persona, *connection_ids: int) -> list[tuple[int, Persona]]:
    return [(connection_id, persona) for connection_id in connection_ids]


def always(what: str, looks: Sequence[object]) -> list[str]:
    return [what] * len(looks)


RESTARTS = (
    History("the-id-falls", same(MYSQL, 5000, 8), ["serve", "held"]),
    History("the-id-falls-by-one", same(MARIADB, 12, 11), ["serve", "held"]),
    History("the-id-falls-to-0", same(MYSQL, 12, 0), ["serve", "held"]),
    History("the-id-falls-from-below-2^31", same(MYSQL, MOST_31, 5), ["serve", "held"]),
    History("a-later-start-although-the-id-rises", [(11, MYSQL), (5000, ANEW)], ["serve", "held"]),
    History("a-later-start-behind-a-wrapped-id", [(MOST_32, MYSQL), (8, ANEW)], ["serve", "held"]),
    History("a-start-a-second-later", [(11, maria()), (12, maria(started=STARTED + 1))], ["serve", "held"]),
    History("an-earlier-start", [(11, maria()), (12, maria(started=STARTED - 9))], ["serve", "held"]),
    History("another-uuid", [(11, MYSQL), (12, says_of_itself(OTHER_UUID))], ["serve", "held"]),
    History("another-server-id", [(11, maria()), (12, maria("202"))], ["serve", "held"]),
    History("held-until-its-time-is-over", same(MYSQL, 5000, 8, 9, 10), ["serve", "held", "held", "held"]),
    History("twice", same(MYSQL, 5000, 8, 4), ["serve", "held", "held"]),
    History("seen-while-it-refuses-us", [(50, MYSQL), (8, NOT_LET_IN), (9, MYSQL)], ["serve", "credentials", "held"]),
    History("seen-in-nonsense", [(50, MYSQL), (8, NONSENSE), (9, MYSQL)], ["serve", "protocol_error", "held"]),
    History(
        "behind-a-look-that-met-nonsense",
        [(11, MYSQL), (12, NO_ANSWER_ABOUT_REPLICATION), (13, ANEW)],
        ["serve", "protocol_error", "held"],
    ),
)
NO_RESTARTS = (
    History("the-id-rises", looks := same(MYSQL, 0, 1, 2, 1000, MOST_31, 1 << 31, MOST_32), always("serve", looks)),
    History("the-id-repeats", looks := same(MARIADB, 11, 11, 11), always("serve", looks)),
    History("the-id-repeats-at-0", looks := same(MYSQL, 0, 0, 0), always("serve", looks)),
    History("the-id-wraps", looks := same(MYSQL, MOST_32 - 1, MOST_32, 0, 1), always("serve", looks)),
    History("the-id-wraps-between-checks", looks := same(MARIADB, MOST_32 - 9000, 700, 701), always("serve", looks)),
    History(
        "the-clock-steps-forward",
        looks := [
            (11, MYSQL),
            (12, says_of_itself(now=str(STARTED + 864_000 + STEPPED), uptime=str(864_000 + STEPPED))),
            (13, says_of_itself(now=str(STARTED + 864_000), uptime="864000")),
        ],
        always("serve", looks),
    ),
    History(
        "the-clock-steps-to-before-its-start",
        looks := [(11, MYSQL), (12, says_of_itself(now=str(STARTED - 5), uptime=str((1 << 64) - 5))), (13, MYSQL)],
        always("serve", looks),
    ),
    History(
        "nonsense-between-two-good-answers",
        [(11, MYSQL), (12, NONSENSE), (13, MYSQL)],
        ["serve", "protocol_error", "serve"],
    ),
    History("not-let-in-for-once", [(11, MYSQL), (12, NOT_LET_IN), (13, MYSQL)], ["serve", "credentials", "serve"]),
    History(
        "an-identity-of-a-megabyte",
        looks := same(says_of_itself("x" * (1 << 20)), 11, 12, 13),
        always("serve", looks),
    ),
    History(
        "an-identity-with-escapes",
        looks := same(says_of_itself("\x1b[2J'); DROP TABLE sighting; --\r\n\u202e"), 11, 12, 13),
        always("serve", looks),
    ),
    History("an-identity-not-utf-8", looks := same(says_of_itself(b"\xff\0\xfe"), 11, 12, 13), always("serve", looks)),
    History(
        "uptime-and-time-at-their-largest",
        looks := same(says_of_itself(now=str((1 << 61) - 1), uptime="-" + str((1 << 61) - 1)), 11, 12),
        ["held", "held"],
    ),
)


def told(history: History, home: Path) -> list[str]:
    """Check once for each look of the history, and return what was made of each."""
    remaining = iter(history.looks)

    def script(session: Session) -> None:
        session.connection_id, persona = next(remaining)
        persona.script()(session)

    found = []
    with HostileServer(script) as server:
        for _ in history.looks:
            ended = check(server, home, "--output", "json", timeout=PATIENT, env=HELD_LONG)
            assert "Traceback" not in ended.stdout + ended.stderr
            assert ended.stderr == ""  # the memory was kept, without a word
            assert ended.seconds < PATIENT + 0.5 + START_UP
            document = json.loads(ended.stdout)
            assert ended.code == document["exit_code"] == (0 if document["decision"] == "serve" else 1)
            found.append(document["reasons"][0]["code"] if document["reasons"] else document["decision"])
    assert not server.complaints
    return found


@pytest.mark.parametrize("history", RESTARTS, ids=lambda history: history.name)
def test_a_restart_between_two_checks_is_held(history: History, tmp_path: Path) -> None:
    assert told(history, tmp_path) == history.told


@pytest.mark.parametrize("history", NO_RESTARTS, ids=lambda history: history.name)
def test_what_is_no_restart_is_not_taken_for_one(history: History, tmp_path: Path) -> None:
    assert told(history, tmp_path) == history.told
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 200_000  # whatever it called itself


@pytest.mark.parametrize(
    ("persona", "first"),
    [
        (MYSQL, "serve"),
        (MARIADB, "serve"),
        (says_of_itself(uptime="600"), "serve"),
        (says_of_itself(uptime="599"), "held"),
        (says_of_itself(uptime="0"), "held"),
        (says_of_itself(uptime=str((1 << 64) - 5)), "held"),
        (says_of_itself(uptime="-5"), "held"),
        (NONSENSE, "protocol_error"),
    ],
    ids=["old-mysql", "old-mariadb", "10-minutes", "599-seconds", "just-started", "2^64-5", "minus-5", "nonsense"],
)
def test_without_a_record_only_an_uptime_that_is_long_enough_is_trusted(
    persona: Persona, first: str, tmp_path: Path
) -> None:
    assert told(History("", [(11, persona)], []), tmp_path) == [first]


def test_a_server_that_restarts_before_each_look_is_held_at_each(tmp_path: Path) -> None:
    """As in a crash loop."""
    now = int(time.time())
    looks = [(11, MYSQL), *((number, says_of_itself(started=now + number)) for number in range(1, 8))]
    assert told(History("", looks, []), tmp_path) == ["serve", *["held"] * 7]
