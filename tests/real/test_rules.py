"""Every rule on real servers: what is really wrong with a replica is what keepalived is told."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from pymysql.constants import COMMAND

from tests.command import mysqlcheck
from tests.lab.accounts import MONITOR_ACCOUNT
from tests.lab.replication import dialect
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Checker, Director, where


@pytest.fixture
def check(topology: Topology) -> Checker:
    return Checker(topology)


def test_a_healthy_replica_serves_in_every_style(topology: Topology, check: Checker, tmp_path: object) -> None:
    track = f"{tmp_path}/track"
    assert check(topology.replica).code == 0
    assert check(topology.replica, "--weight", "100").code == 102
    assert check(topology.replica, "--track-file", track, "--weight", "50").code == 0
    with open(track) as file:
        assert file.read() == "49\n"  # FILE_CHECK adds it to the configured weight of 1


def test_the_status_line_says_what_there_is_to_know(topology: Topology, check: Checker) -> None:
    ended = check(topology.replica)
    flavor = "MariaDB" if topology.replica.flavor == "mariadb" else "MySQL"
    version = ".".join(map(str, topology.replica.version[:3]))
    assert ended.out == f"SERVE 127.0.0.1:{topology.replica.port} lag 0 s, read_only ON, {flavor} {version}\n"


def test_json_tells_scripts_the_whole_check(topology: Topology, check: Checker) -> None:
    answer = check.json(topology.replica, "--weight", "10").json
    assert answer["target"] == f"127.0.0.1:{topology.replica.port}"
    assert (answer["decision"], answer["phase"], answer["weight"], answer["exit_code"]) == ("serve", "up", 10, 12)
    assert answer["reasons"] == []
    assert answer["facts"]["flavor"] == topology.replica.flavor
    assert answer["facts"]["lag"] == 0
    assert answer["facts"]["channels"][0]["source"] == f"127.0.0.1:{topology.source.port}"


def test_a_stopped_sql_thread_fails(topology: Topology, check: Checker) -> None:
    topology.stop_sql_thread(topology.replica)
    assert check(topology.replica, "--weight", "100").code == 1
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["sql_stopped"])


def test_an_sql_thread_that_met_an_error_fails_with_the_servers_words(topology: Topology, check: Checker) -> None:
    with topology.broken_sql_thread(topology.replica):
        ended = check.json(topology.replica)
        assert (ended.code, ended.codes) == (1, ["sql_stopped"])
        assert "error 1062" in ended.json["reasons"][0]["text"]
    assert check(topology.replica).code == 0


def test_a_stopped_io_thread_fails(topology: Topology, check: Checker) -> None:
    topology.stop_io_thread(topology.replica)
    ended = check.json(topology.replica, "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["io_stopped"])


def test_an_io_thread_whose_login_the_source_refuses_is_stopped_not_lost(topology: Topology, check: Checker) -> None:
    topology.stop_io_thread(topology.replica)
    account = "'replicator'@'127.0.0.1'"
    topology.source.sql_here_only(f"ALTER USER {account} IDENTIFIED BY 'another'")
    try:
        topology.replica.sql(dialect(topology.replica).start.format(channel="''"))

        def refused() -> bool:
            channel = topology.channel(topology.replica)
            return channel is not None and channel.io_errno == 1045

        wait_until(refused, "the source to refuse the replica")
        ended = check.json(topology.replica)
        assert (ended.code, ended.codes[0]) == (1, "io_stopped")
        assert "1045" in ended.json["reasons"][0]["text"]
    finally:
        topology.source.sql_here_only(f"ALTER USER {account} IDENTIFIED BY '{topology.replication_password}'")


def test_every_channel_counts(topology: Topology, check: Checker) -> None:
    topology.configure_replication(topology.replica, "second", topology.replicas[1])
    try:
        assert len(check.json(topology.replica).json["facts"]["channels"]) == 2
        topology.stop_io_thread(topology.replica, "second")
        ended = check.json(topology.replica)
        assert (ended.code, ended.codes) == (1, ["io_stopped"])
        assert "'second'" in ended.json["reasons"][0]["text"]
    finally:
        topology.forget_replication(topology.replica, "second")


def test_lag_above_max_lag_drains(topology: Topology, check: Checker) -> None:
    with topology.make_lag(topology.replica, seconds=90):
        ended = check.json(topology.replica, "--weight", "100")
        assert (ended.code, ended.codes, ended.json["decision"]) == (2, ["lag"], "drain")
        assert ended.json["reasons"][0]["observed"] >= 90
        assert check(topology.replica).code == 1
        assert check(topology.replica, "--max-lag", "10m", "--weight", "100").code > 90
    assert check(topology.replica, "--weight", "100").code == 102


def test_a_lag_of_last_night_is_judged_again_under_other_rules(topology: Topology, tmp_path: Path) -> None:
    night, replica = tmp_path / "night.jsonl", topology.replica
    director = Director(topology, tmp_path / "state")
    with topology.make_lag(replica, seconds=35):
        serving = director.ask(replica)
    topology.stop_io_thread(replica)
    assert director.ask(replica).phase == "down"
    topology.reset()
    history = mysqlcheck("history", *where(replica), "--captures", state=tmp_path / "state")
    night.write_text(history.out)
    explain = ("explain", "--from", str(night), "--trust-uptime", "0")
    as_it_was, strict = mysqlcheck(*explain), mysqlcheck(*explain, "--max-lag", "10s")
    assert serving.document["decision"] == "serve"
    assert as_it_was.out.endswith("\n0 of 2 are decided otherwise\n")
    lag, stopped, _, changed = strict.out.splitlines()
    assert f"(up) → DRAIN (draining)  lag: {serving.document['facts']['lag']} s behind, more than max_lag 10s" in lag
    assert "FAIL (down)" in stopped
    assert "io_stopped" in stopped
    assert changed == "1 of 2 are decided otherwise"


def test_a_delay_on_purpose_is_lag_unless_the_operator_says_otherwise(topology: Topology, check: Checker) -> None:
    """A delayed replica is behind while something waits; so something is written, as of two minutes ago."""
    replica = topology.replica
    with topology.delayed(replica, seconds=3600):
        topology.write_as_of(seconds_ago=120)
        topology.wait_for_lag(replica, 120)
        ended = check.json(replica)
        assert (ended.code, ended.codes) == (1, ["lag"])
        assert ended.json["facts"]["lag"] >= 120
        assert ended.json["facts"]["channels"][0]["delay"] == 3600
        ended = check.json(replica, "--ignore-delay")
        assert (ended.code, ended.codes, ended.json["facts"]["lag"]) == (0, [], 0)


def test_lag_takes_weight_away_before_it_drains(topology: Topology, check: Checker) -> None:
    with topology.make_lag(topology.replica, seconds=35):
        ended = check.json(topology.replica, "--weight", "100")
        assert ended.codes == ["lag"]
        assert ended.json["decision"] == "serve"
        assert 3 <= ended.code < 102
        assert ended.code - 2 == ended.json["weight"]
        assert ended.json["weight"] % 10 == 0
        assert check(topology.replica).code == 0  # plain style knows no degrees


def test_a_server_whose_connections_are_nearly_used_up_drains(topology: Topology, check: Checker) -> None:
    replica = topology.replica
    replica.sql("SET GLOBAL max_connections = 20")
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(replica.connect())
        ended = check.json(replica, "--max-connections-used", "50", "--weight", "100")
        assert (ended.code, ended.codes) == (2, ["connections_saturated"])
        assert ended.json["reasons"][0]["observed"] >= 65
        assert check(replica, "--weight", "100").code == 102
    wait_until(lambda: threads(replica, "connected") < 5, "the connections to be gone")
    assert check(replica, "--max-connections-used", "50", "--weight", "100").code == 102


def test_many_running_threads_take_weight_away(topology: Topology, check: Checker) -> None:
    replica, sleepers = topology.replica, 8
    with ExitStack() as stack:
        for _ in range(sleepers):
            connection = stack.enter_context(replica.connect())
            connection._execute_command(COMMAND.COM_QUERY, "DO SLEEP(600)")  # and its answer is not waited for
            stack.callback(replica.sql, f"KILL {connection.thread_id()}")
        wait_until(lambda: threads(replica, "running") > sleepers, "all of them to run")
        ended = check.json(replica, "--max-threads-running", "5", "--weight", "100")
        assert ended.codes == ["threads_running"]
        assert 1 <= ended.json["weight"] < 50
        assert check(replica).code == 0


def threads(server: Server, which: str) -> int:
    return int(server.sql(f"SHOW GLOBAL STATUS LIKE 'Threads_{which}'")[0]["Value"])


def test_a_lag_that_the_server_does_not_know_is_not_zero(topology: Topology, check: Checker) -> None:
    topology.stop_sql_thread(topology.replica)
    answer = check.json(topology.replica).json
    assert answer["facts"]["lag"] is None


def test_a_replica_that_can_be_written_to_fails(topology: Topology, check: Checker) -> None:
    topology.set_read_only(topology.replica, False)
    ended = check.json(topology.replica, "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["writable"])
    assert check(topology.replica, "--role", "any").code == 0


def test_administrators_must_not_write_to_a_replica_where_that_is_asked(topology: Topology, check: Checker) -> None:
    """MariaDB 10.11 and 11.8 have no super_read_only: there it cannot be asked for."""
    replica = topology.replica
    ended = check.json(replica, "--super-read-only", "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["writable"])
    if replica.flavor == "mariadb":
        assert "no super_read_only" in ended.json["reasons"][0]["text"]
    else:
        replica.sql("SET GLOBAL super_read_only = ON")
        assert check(replica, "--super-read-only").code == 0


def test_a_server_in_offline_mode_fails(topology: Topology, check: Checker) -> None:
    """Whether it lets the check in, or refuses it as all others."""
    if topology.replica.flavor == "mariadb":
        assert topology.replica.sql("SHOW GLOBAL VARIABLES LIKE 'offline_mode'") == []
        return
    topology.replica.sql("SET GLOBAL offline_mode = ON")
    ended = check.json(topology.replica, "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["offline_mode"])
    assert "error 3032" in ended.json["reasons"][0]["text"]
    topology.replica.sql_here_only(f"GRANT CONNECTION_ADMIN ON *.* TO {MONITOR_ACCOUNT}")
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["offline_mode"])
    assert "error" not in ended.json["reasons"][0]["text"]
    topology.replica.sql("SET GLOBAL offline_mode = OFF")
    assert check(topology.replica).code == 0


def test_the_source_must_be_writable(topology: Topology, check: Checker) -> None:
    assert check(topology.source, "--role", "source").code == 0
    topology.source.sql("SET GLOBAL read_only = ON")
    ended = check.json(topology.source, "--role", "source")
    assert (ended.code, ended.codes) == (1, ["read_only"])


def test_a_replica_that_forgot_its_source_is_not_a_replica(topology: Topology, check: Checker) -> None:
    topology.forget_replication(topology.replica)
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["not_a_replica"])


def test_a_replica_of_another_source_fails(topology: Topology, check: Checker) -> None:
    expected = f"127.0.0.1:{topology.source.port}"
    assert check(topology.replica, "--expect-source", f"{expected},192.168.1.200").code == 0
    ended = check.json(topology.replica, "--expect-source", "127.0.0.1")
    assert (ended.code, ended.codes) == (1, ["wrong_source"])
    assert ended.json["reasons"][0]["text"] == f"replicates from {expected}, and not from 127.0.0.1:3306"
    topology.forget_replication(topology.replica)
    topology.configure_replication(topology.replica, source=topology.replicas[1])
    ended = check.json(topology.replica, "--expect-source", expected)
    assert (ended.code, ended.codes) == (1, ["wrong_source"])


def test_mysql_knows_its_source_by_its_server_uuid(topology: Topology, check: Checker) -> None:
    other = "8f2d7f0a-5f7b-11f0-9d52-0242ac110002"
    ended = check.json(topology.replica, "--expect-source", other)
    assert (ended.code, ended.codes) == (1, ["wrong_source"])
    if topology.source.flavor == "mysql":
        uuid = str(topology.source.sql("SELECT @@server_uuid AS uuid")[0]["uuid"])
        assert check(topology.replica, "--expect-source", uuid).code == 0
    else:
        assert "(whose server_uuid it does not tell)" in ended.json["reasons"][0]["text"]


def test_a_killed_server_fails_and_serves_when_it_replicates_again(topology: Topology, check: Checker) -> None:
    topology.replica.kill()
    ended = check.json(topology.replica, "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["unreachable"])
    topology.replica.start()
    wait_until(lambda: topology.runs(topology.replica), "replication to run again")
    assert check(topology.replica, "--weight", "100").code > 1


def test_a_hung_server_fails_in_time(topology: Topology, check: Checker) -> None:
    topology.replica.pause()
    ended = check.json(topology.replica, "--timeout", "1s")
    assert (ended.code, ended.codes) == (1, ["timeout"])
    assert ended.seconds < 1.5 + 0.5  # the interpreter's own start on a busy machine
    topology.replica.resume()
    assert check(topology.replica).code == 0


def test_a_lost_source_does_not_take_its_replicas_out(topology: Topology, check: Checker) -> None:
    topology.source.kill()

    def noticed() -> bool:
        channel = topology.channel(topology.replica)
        return channel is not None and channel.io == "Connecting" and channel.io_errno != 0

    wait_until(noticed, "the replica to notice")
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (0, ["source_lost"])
    assert ended.json["reasons"][0]["bars_entry"]  # serving on is one thing, coming in another


def test_a_source_lost_for_good_is_still_lost_and_not_a_stopped_thread(topology: Topology, check: Checker) -> None:
    """MySQL gives up after source_retry_count attempts; the thread then reads No, as if somebody had stopped it.

    MariaDB has no such count for a channel, and goes on Connecting.
    """
    mysql = topology.replica.flavor == "mysql"
    if mysql:
        topology.stop_threads(topology.replica)
        topology.replica.sql("CHANGE REPLICATION SOURCE TO SOURCE_RETRY_COUNT = 2, SOURCE_CONNECT_RETRY = 1")
        topology.start_threads(topology.replica)
    topology.source.kill()

    def given_up() -> bool:
        channel = topology.channel(topology.replica)
        return channel is not None and channel.io == ("No" if mysql else "Connecting") and channel.io_errno != 0

    try:
        wait_until(given_up, "the IO thread to show that the source is gone")
        ended = check.json(topology.replica)
        assert (ended.code, ended.codes) == (0, ["source_lost"])
    finally:
        topology.forget_replication(topology.replica)  # and with it the retry count, which reset() would keep


def test_shadow_says_serve_and_tells_what_it_would_have_said(topology: Topology, check: Checker) -> None:
    topology.stop_sql_thread(topology.replica)
    ended = check.json(topology.replica, "--shadow", "--weight", "100")
    assert (ended.code, ended.json["decision"], ended.json["weight"]) == (102, "serve", 100)
    assert ended.json["shadow"] == {"decision": "fail", "weight": 0, "exit_code": 1}
    assert ended.codes == ["sql_stopped"]


def test_explain_shows_every_rule_and_judges_as_the_check_does(topology: Topology, check: Checker) -> None:
    topology.stop_sql_thread(topology.replica)
    where = ["--host", topology.replica.host, "--port", str(topology.replica.port)]
    from tests.command import mysqlcheck

    ended = mysqlcheck("explain", *where, "--output", "json", password=topology.monitor.password)
    assert ended.code == 0
    verdicts = {rule["code"]: rule["severity"] for rule in ended.json["rules"]}
    assert verdicts["sql_stopped"] == "fail"
    assert verdicts["io_stopped"] == verdicts["writable"] == "ok"
    assert {name: style["exit_code"] for name, style in ended.json["styles"].items()} == {
        "plain": 1,
        "track-file": 1,
        "weight": 1,
    }
