"""What a check answers: the line, the JSON object, and the exit code of design section 2."""

import json
from typing import Any

import pytest

from mysqlcheck.captures import from_document
from tests.command import mysqlcheck
from tests.hostile.personas import MARIADB, MYSQL, PASSWORD, Persona
from tests.hostile.server import HostileServer

from .asking import check

LAGGING = MYSQL.but_status(Seconds_Behind_Source="600")
STOPPED = MYSQL.but_status(Replica_SQL_Running="No", Last_SQL_Errno="1062", Last_SQL_Error="Duplicate entry")


def test_the_json_of_a_check_that_failed(dead: HostileServer) -> None:
    ended = check(dead, "--output", "json")
    document: dict[str, Any] = ended.json
    assert ended.out.count("\n") == 1
    assert ended.err == ""
    assert ended.code == document["exit_code"] == 1
    assert document["target"] == f"{dead.host}:{dead.port}"
    assert document["decision"] == "fail"
    assert document["phase"] == "down"
    assert document["weight"] is None
    (reason,) = document["reasons"]
    assert {"code", "severity", "observed", "limit", "text"} <= set(reason)
    assert (reason["code"], reason["severity"]) == ("unreachable", "fail")
    assert "refused" in reason["text"]
    assert isinstance(document["facts"], dict)


def test_the_json_of_a_check_with_nothing_to_say_against_the_server(healthy: HostileServer) -> None:
    document = check(healthy, "--output", "json").json
    assert (document["decision"], document["phase"], document["reasons"]) == ("serve", "up", [])
    facts = document["facts"]
    assert (facts["flavor"], facts["version"], facts["read_only"], facts["lag"]) == ("mysql", "8.4.6", True, 0)
    (channel,) = facts["channels"]
    assert channel["source"] == "192.0.2.200:3306"


@pytest.mark.parametrize("persona", [MYSQL, MARIADB])
def test_the_line_of_a_healthy_server(persona: Persona) -> None:
    with HostileServer(persona.script()) as server:
        ended = check(server)
    flavor = "MariaDB 10.11.14" if persona is MARIADB else "MySQL 8.4.6"
    assert ended.out == f"SERVE {server.host}:{server.port} lag 0 s, read_only ON, {flavor}\n"
    assert (ended.code, ended.err) == (0, "")


def test_the_line_of_a_stopped_replica_has_the_reason_that_matters_most() -> None:
    with HostileServer(STOPPED.but_variables(read_only="0").script()) as server:
        out = check(server).out
    assert out.startswith(f"FAIL {server.host}:{server.port} sql_stopped: ")
    assert "error 1062: Duplicate entry" in out
    assert out.endswith("(and writable)\n")


@pytest.mark.parametrize(
    ("persona", "arguments", "code", "decision", "weight"),
    [
        (MYSQL, (), 0, "serve", None),
        (MYSQL, ("--weight", "1"), 3, "serve", 1),
        (MYSQL, ("--weight", "100"), 102, "serve", 100),
        (MYSQL, ("--weight", "253"), 255, "serve", 253),
        (MYSQL.but_status(Seconds_Behind_Source="35"), (), 0, "serve", None),
        (MYSQL.but_status(Seconds_Behind_Source="35"), ("--weight", "100"), 62, "serve", 60),
        (MYSQL.but_status(Seconds_Behind_Source="60"), ("--weight", "100"), 12, "serve", 10),
        (MYSQL.but_status(Seconds_Behind_Source="60"), ("--weight", "1"), 3, "serve", 1),
        (LAGGING, (), 1, "drain", None),
        (LAGGING, ("--weight", "100"), 2, "drain", 0),
        (LAGGING, ("--weight", "253"), 2, "drain", 0),
        (STOPPED, (), 1, "fail", None),
        (STOPPED, ("--weight", "100"), 1, "fail", 0),
        (MYSQL, ("--role", "source"), 1, "fail", None),
        (MYSQL.but_variables(read_only="0"), ("--role", "source"), 0, "serve", None),
        (MYSQL.but_variables(read_only="0"), ("--role", "any", "--weight", "9"), 11, "serve", 9),
    ],
)
def test_each_style_says_each_decision_by_its_own_code(
    persona: Persona, arguments: tuple[str, ...], code: int, decision: str, weight: int | None
) -> None:
    with HostileServer(persona.script()) as server:
        ended = check(server, *arguments, "--output", "json")
    assert ended.code == code
    assert (ended.json["decision"], ended.json["weight"], ended.json["exit_code"]) == (decision, weight, code)


def test_a_name_is_resolved() -> None:
    with HostileServer(MYSQL.script()) as server:
        ended = mysqlcheck("--host", "localhost", "--port", str(server.port), "--output", "json")
    assert ended.codes == ["credentials"]  # it was reached, and no password was given


def test_a_silent_server_is_judged_when_the_time_is_up() -> None:
    with HostileServer(lambda session: session.wait_for_hangup()) as server:
        ended = check(server, "--output", "json", "--timeout", "2s")
    assert (ended.code, ended.codes) == (1, ["timeout"])


def test_the_json_of_a_check_has_all_that_it_was_judged_from(healthy: HostileServer) -> None:
    document = check(healthy, "--output", "json").json
    capture = from_document(document)
    assert str(capture.observation.target) == document["target"]
    assert (capture.action.value, capture.phase.value) == (document["decision"], document["phase"])
    assert PASSWORD not in json.dumps(document)
