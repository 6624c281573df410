"""Real faults of permissions on a director: each is found, and is the only problem found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.state.running import open_folder

from .director import CONTRIB, Director, needs_root

pytestmark = needs_root


@pytest.fixture
def director() -> Iterator[Director]:
    with open_folder() as folder:
        yield Director(folder)


@pytest.mark.parametrize(
    "name", ["director.conf", "director-backup.conf", "director-plain.conf", "director-dynamic.conf"]
)
def test_nothing_is_wrong_with_a_director_set_up_as_the_examples_say(director: Director, name: str) -> None:
    director.conf.write_text(director.configured((CONTRIB / name).read_text()))
    assert director.codes() == []
    assert "judged_for_oneself" not in director.codes("note")


def remove_the_script(director: Director) -> None:
    director.script.unlink()


def remove_the_interpreter(director: Director) -> None:
    director.script.write_text("#!/opt/old-venv/bin/python3\n")


def forbid_the_script(director: Director) -> None:
    director.script.chmod(0o700)


def forbid_a_directory(director: Director) -> None:
    director.script.parent.chmod(0o700)


def hide_the_interpreter(director: Director) -> None:
    """As with a virtual environment whose Python is below /root."""
    place = director.folder / "home"
    place.mkdir(mode=0o700)
    shutil.copy("/bin/sh", place / "sh")
    link = director.folder / "opt/bin/sh"
    link.symlink_to(place / "sh")
    director.script.write_text(director.script.read_text().replace("#!/bin/sh", f"#!{link}"))


def put_another_program(director: Director) -> None:
    director.script.write_text("#!/bin/sh\necho no such option >&2\nexit 1\n")


def hide_the_password(director: Director) -> None:
    director.password.chmod(0o000)


def forget_to_give_the_password(director: Director) -> None:
    director.password.unlink()
    director.password.write_text("[client]\npassword=x\n")
    director.password.chmod(0o600)


def break_the_settings(director: Director) -> None:
    director.settings.write_text(director.settings.read_text() + "max_lagg = 5\n")


def lose_the_state(director: Director) -> None:
    director.state.rmdir()


def take_the_state(director: Director) -> None:
    director.state.chmod(0o555)


def leave_a_file_of_root(director: Director) -> None:
    (director.state / "lock").write_text("")
    (director.state / "lock").chmod(0o644)


def lose_the_weights(director: Director) -> None:
    director.weights.rmdir()


def take_the_weights(director: Director) -> None:
    director.weights.chmod(0o555)


FAULTS: list[tuple[Callable[[Director], None], list[str]]] = [
    (remove_the_script, ["script_missing"]),
    (remove_the_interpreter, ["interpreter_missing"]),
    (forbid_the_script, ["script_not_executable"]),
    (forbid_a_directory, ["script_unreachable"]),
    (hide_the_interpreter, ["script_unreachable"]),
    (put_another_program, ["script_fails"]),
    (hide_the_password, ["file_unreadable"]),
    (forget_to_give_the_password, ["file_unreadable"]),
    (break_the_settings, ["settings_wrong"]),
    (lose_the_state, ["state_missing"]),
    (take_the_state, ["state_not_writable"]),
    (leave_a_file_of_root, ["state_foreign"]),
    (lose_the_weights, ["track_not_writable", "track_not_writable"]),
    (take_the_weights, ["track_not_writable", "track_not_writable"]),
]


@pytest.mark.parametrize(("fault", "codes"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_is_found_and_it_alone(director: Director, fault: Callable[[Director], None], codes: list[str]) -> None:
    fault(director)
    assert director.codes() == codes


def test_whatever_is_wrong_the_exit_code_is_1(director: Director) -> None:
    director.script.unlink()
    assert director.examined().code == 1


def test_a_directory_that_a_group_may_write_is_a_warning_for_a_user_and_a_problem_for_root(director: Director) -> None:
    bin_ = director.script.parent
    bin_.chmod(0o775)
    os.chown(bin_, 0, 4)
    assert director.codes("warning").count("script_loose") == 1
    assert director.codes() == []
    director.conf.write_text(director.conf.read_text().replace("script_user nobody", "script_user root"))
    assert director.codes() == ["script_insecure"]


def test_what_others_may_have_changed_is_not_run_as_root(director: Director) -> None:
    proof = director.folder / "proof"
    director.script.write_text(f"#!/bin/sh\ntouch {proof}\n")
    director.script.chmod(0o777)
    director.conf.write_text(director.conf.read_text().replace("script_user nobody", "script_user root"))
    assert director.codes() == ["script_insecure"]
    assert not proof.exists()


def test_a_python_that_runs_the_module_is_a_program_too(director: Director) -> None:
    """As where Debian's own packages run it; here it is not among those."""
    text = director.conf.read_text().replace(str(director.script), "/usr/bin/python3 -m mysqlcheck")
    director.conf.write_text(text)
    (finding,) = [one for one in director.findings() if one["text"].startswith("/usr/bin/python3 -m mysqlcheck ")]
    assert finding["code"] == "script_fails"
    assert "--version, run as nobody, ended with 1: /usr/bin/python3: No module named mysqlcheck" in finding["text"]


def test_a_file_that_never_ends_holds_nothing_up(director: Director) -> None:
    director.password.unlink()
    os.mkfifo(director.password)
    assert "settings_wrong" in director.codes()


def test_a_password_that_all_may_read_is_a_warning(director: Director) -> None:
    director.password.chmod(0o644)
    assert director.codes("warning").count("secret_for_all") == 1


def test_a_track_file_that_holds_no_number_is_a_warning(director: Director) -> None:
    name = "192.168.1.10-127.0.1.201"
    (director.weights / name).write_text("")
    (finding,) = [one for one in director.findings() if one["code"] == "track_broken"]
    assert name in finding["text"]


def test_what_lint_calls_an_error_is_a_problem_in_lint_s_own_words(director: Director) -> None:
    text = director.conf.read_text().replace("--host 127.0.1.202 --track", "--host 127.0.1.201 --track")
    director.conf.write_text(text)
    (finding,) = [one for one in director.findings() if one["code"] == "host_mismatch"]
    assert finding["level"] == "problem"
    assert finding["text"].startswith(f"{director.conf}:")
    assert finding["advice"] == "Write --host 127.0.1.202."


def test_each_server_that_keepalived_checks_is_asked_with_that_check_s_options(director: Director) -> None:
    """The files named by each check's --config: a timeout of 1 s, so the whole takes no longer."""
    servers = [one for one in director.examined().json["findings"] if one["subject"] == "The servers"]
    assert [one["code"] for one in servers] == ["no_answer", "no_answer"]
    assert servers[0]["text"].startswith("127.0.1.201:3306: unreachable: connection refused")
    assert servers[1]["text"].startswith("127.0.1.202:3306: ")


def test_it_changes_and_records_nothing(director: Director) -> None:
    def everything() -> dict[Path, tuple[float, int, int]]:
        return {
            path: (path.lstat().st_mtime, path.lstat().st_uid, path.lstat().st_size)
            for path in director.folder.rglob("*")
        }

    before = everything()
    director.examined()
    assert everything() == before


def test_who_cannot_become_the_user_is_told_for_whom_it_was_judged(director: Director) -> None:
    director.conf.write_text(director.conf.read_text().replace("script_user nobody", "script_user nobodyatall"))
    found = director.findings()
    assert "script_user_unknown" in [one["code"] for one in found]
    assert "judged_for_oneself" in [one["code"] for one in found]


def test_another_user_can_be_asked_for(director: Director) -> None:
    director.password.chmod(0o600)
    problems = [one["text"] for one in director.findings("--script-user", "daemon") if one["level"] == "problem"]
    assert f"daemon cannot read {director.password}" in problems
