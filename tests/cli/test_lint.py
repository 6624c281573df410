"""`mysqlcheck lint`: what people and scripts see of it, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import mysqlcheck

CONTRIB = Path(__file__).parents[2] / "contrib/keepalived/director.conf"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """The example, with a copied block in which one address was not changed, and without alpha."""
    file = tmp_path / "keepalived.conf"
    text = CONTRIB.read_text().replace("alpha", "! alpha")
    file.write_text(text.replace("mysqlcheck --host 192.168.1.202", "mysqlcheck --host 192.168.1.201"))
    return file


def line_of(file: Path, text: str) -> int:
    """Return the number of the last line that has this text."""
    return max(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_a_file_in_order_is_clean_and_exits_0() -> None:
    ended = mysqlcheck("lint", "--elsewhere", str(CONTRIB))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{CONTRIB}: 0 errors, 0 warnings, 0 notes (1 file read)\n"


def test_each_finding_has_its_place_what_happens_and_what_to_write(wrong: Path) -> None:
    ended = mysqlcheck("lint", "--elsewhere", str(wrong))
    assert (ended.code, ended.err) == (1, "")
    lines = ended.out.splitlines()
    first, second = line_of(wrong, "virtual_server 192"), line_of(wrong, "misc_path")
    assert lines[0].startswith(
        f"{wrong}:{first}: warning: alpha_missing: without alpha a restart of keepalived lets in "
    )
    assert lines[1] == "    Write `alpha` in the virtual server."
    assert lines[2].startswith(f"{wrong}:{second}: error: host_mismatch: ")
    assert lines[3] == "    Write --host 192.168.1.202."
    assert lines[-1] == f"{wrong}: 1 error, 1 warning, 0 notes (1 file read)"


def test_information_alone_is_clean(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(CONTRIB.read_text().replace("alpha ", "inhibit_on_failure\nalpha "))
    ended = mysqlcheck("lint", "--elsewhere", str(file))
    assert ended.code == 0
    assert "information: inhibit_on_failure: " in ended.out


def test_json_has_the_same(wrong: Path) -> None:
    ended = mysqlcheck("lint", "--elsewhere", "--output", "json", "--keepalived-version", "2.3.1", str(wrong))
    assert ended.code == 1
    found = ended.json
    assert found["files"] == [str(wrong)]
    assert found["keepalived"] == "2.3.1"
    codes = [finding["code"] for finding in found["findings"]]
    assert codes == ["alpha_missing", "file_check_crashes", "host_mismatch"]
    assert set(found["findings"][0]) == {"code", "severity", "file", "line", "text", "advice"}
    assert found["findings"][0]["line"] == line_of(wrong, "virtual_server 192")


def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    script = tmp_path / "check"
    file.write_text(f"vrrp_script a {{\n script {script}\n}}\n")
    missing = mysqlcheck("lint", str(file))
    assert (missing.code, "script_missing" in missing.out) == (1, True)
    script.write_text("#!/nonexistent/python3\n")
    assert "script_not_executable" in mysqlcheck("lint", str(file)).out
    script.chmod(0o755)
    assert "interpreter_missing" in mysqlcheck("lint", str(file)).out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nothere.conf",), "nothere.conf"),
        (("/",), "regular file"),
        (("--output", "xml", str(CONTRIB)), "--output"),
        (("--keepalived-version", "new", str(CONTRIB)), "--keepalived-version"),
        (("--nonsense",), "--nonsense"),
        ((str(CONTRIB), str(CONTRIB)), "unexpected"),
    ],
)
def test_a_mistake_or_a_file_that_cannot_be_read_exits_2_with_a_word(arguments: tuple[str, ...], word: str) -> None:
    ended = mysqlcheck("lint", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.err
    assert "Traceback" not in ended.err


def test_what_a_file_holds_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_bytes(b'vrrp_script a {\n script "/x/\x1b[31m\xff"\n}\n')
    ended = mysqlcheck("lint", str(file))
    assert ended.code == 1
    assert ended.out.isascii()
    assert "\x1b" not in ended.out + mysqlcheck("lint", "--output", "json", str(file)).out


def test_the_command_line_alone_is_judged_and_no_file_or_environment(tmp_path: Path) -> None:
    """The linting machine's own settings say nothing of the director's."""
    file = tmp_path / "keepalived.conf"
    option = f"--config {tmp_path}/none.toml"
    text = CONTRIB.read_text().replace("--track-file", f"{option} --track-file")
    assert text.count(option) == 2
    file.write_text(text)
    environment = {"MYSQLCHECK_MAX_LAG": "nonsense", "MYSQLCHECK_TIMEOUT": "1h"}
    ended = mysqlcheck("lint", "--elsewhere", str(file), env=environment)
    assert (ended.code, ended.err) == (0, "")


def test_the_help_teaches() -> None:
    page = mysqlcheck("lint", "--help").out
    assert "--elsewhere" in page
    assert "--keepalived-version" in page
    assert "Exit code 0" in page
