"""What `mysqlcheck keepalived-config` writes, and from what."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import COMMAND

from .asking import CHECK, EXAMPLE, REPLICAS, VIP, config, written
from .real import OUR_SCRIPT


def checks(text: str) -> list[str]:
    """The commands that keepalived would run as checks."""
    return re.findall(r'^ +misc_path "(.*)"$', text, re.MULTILINE)


def lines(text: str) -> list[str]:
    """The lines without comments and indentation."""
    return [line.partition(" #")[0].strip() for line in text.splitlines() if not line.strip().startswith("#")]


def toml(directory: Path, text: str) -> str:
    file = directory / "mysqlcheck.toml"
    file.write_text(text)
    return str(file)


def test_the_recommended_style_is_the_default_a_track_file_beside_a_plain_check() -> None:
    text = written(*EXAMPLE)
    track = "/run/mysqlcheck/weights/192.168.1.10-192.168.1.201"
    assert checks(text)[0] == f"{OUR_SCRIPT} --host 192.168.1.201 --track-file {track}"
    assert f'    file "{track}"' in text
    assert text.index("track_file ") < text.index("virtual_server")
    assert "misc_dynamic" not in text
    assert lines(text).count("weight 1") == 2


def test_plain_style_is_up_or_down() -> None:
    text = written(*EXAMPLE, "--style", "plain")
    assert checks(text) == [f"{OUR_SCRIPT} --host 192.168.1.201", f"{OUR_SCRIPT} --host 192.168.1.202"]
    assert "track_file" not in text
    assert lines(text).count("weight 100") == 2


def test_dynamic_style_has_the_same_full_weight_in_the_block_and_in_the_check() -> None:
    text = written(*EXAMPLE, "--style", "dynamic", "--weight", "50")
    assert checks(text)[1] == f"{OUR_SCRIPT} --host 192.168.1.202 --weight 50"
    assert lines(text).count("weight 50") == lines(text).count("misc_dynamic") == 2


@pytest.mark.parametrize("style", ["file", "plain", "dynamic"])
def test_every_style_says_what_keepaliveds_defaults_would_get_wrong(style: str) -> None:
    found = lines(written(*EXAMPLE, "--style", style))
    for line in ("alpha", "quorum 1", "delay_loop 2", "lvs_sched wlc", "lvs_method DR", "protocol TCP"):
        assert found.count(line) == 1
    for line in ("script_user keepalived_script", "enable_script_security"):
        assert found.count(line) == 1


def test_the_hooks_are_the_same_program_about_the_same_server() -> None:
    text = written(*EXAMPLE)
    assert f'notify_up "{OUR_SCRIPT} notify-up --host 192.168.1.201"' in text
    assert f'notify_down "{OUR_SCRIPT} notify-down --host 192.168.1.202"' in text


def test_hooks_and_checks_find_the_same_state_and_files(tmp_path: Path) -> None:
    file = toml(tmp_path, "")
    text = written(*VIP, *REPLICAS, "--config", file, "--check", f"{OUR_SCRIPT} --host %s --state-dir /srv/m")
    assert f'notify_up "{OUR_SCRIPT} notify-up --host 192.168.1.201 --config {file} --state-dir /srv/m"' in text
    assert checks(text)[0].startswith(f"{OUR_SCRIPT} --host 192.168.1.201 --state-dir /srv/m --config {file} ")


def test_another_program_gets_no_hooks_which_would_be_checks_of_its_own() -> None:
    text = written(*VIP, *REPLICAS, "--style", "plain", "--check", "/usr/local/bin/ours %s")
    assert checks(text) == ["/usr/local/bin/ours 192.168.1.201", "/usr/local/bin/ours 192.168.1.202"]
    assert "notify_" not in text


def test_a_port_is_written_where_it_is_not_3306() -> None:
    text = written("--vip", "192.168.1.10:3307", "--real-server", "192.168.1.201:3307", *CHECK, "--style", "plain")
    assert checks(text) == [f"{OUR_SCRIPT} --host 192.168.1.201 --port 3307"]
    assert f'notify_up "{OUR_SCRIPT} notify-up --host 192.168.1.201 --port 3307"' in text


def test_a_port_of_the_toml_file_does_not_lead_the_check_to_another_server(tmp_path: Path) -> None:
    file = toml(tmp_path, "[defaults]\nport = 3307\n")
    text = written(*EXAMPLE, "--style", "plain", "--config", file)
    assert checks(text)[0] == f"{OUR_SCRIPT} --host 192.168.1.201 --port 3306 --config {file}"


def test_the_real_servers_are_the_targets_of_the_toml_file(tmp_path: Path) -> None:
    file = toml(tmp_path, '[target."192.168.1.201:3306"]\n[target."192.168.1.202"]\nmax_lag = "10m"\n')
    found = [line for line in lines(written(*VIP, *CHECK, "--config", file)) if line.startswith("real_server")]
    assert found == ["real_server 192.168.1.201 3306 {", "real_server 192.168.1.202 3306 {"]


def test_real_servers_of_the_command_line_stand_in_for_those_of_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, '[target."192.168.1.209:3306"]\n')
    assert "192.168.1.209" not in written(*EXAMPLE, "--config", file)


def test_each_server_has_the_weights_that_the_toml_file_gives_it(tmp_path: Path) -> None:
    file = toml(tmp_path, '[target."192.168.1.202:3306"]\nweight = 30\n')
    first, second = checks(written(*EXAMPLE, "--style", "dynamic", "--config", file))
    assert first.endswith(" --weight 100")
    assert second.endswith(" --weight 30")


def test_an_address_stays_as_it_is_written_because_the_check_finds_its_table_by_that(tmp_path: Path) -> None:
    file = toml(tmp_path, '[target."[2001:db8:0::1]:3306"]\nweight = 30\n')
    (check,) = checks(written("--vip", "2001:db8::10", "--style", "dynamic", "--config", file, *CHECK))
    assert check == f"{OUR_SCRIPT} --host 2001:db8:0::1 --config {file} --weight 30"


def test_the_base_weight_of_the_toml_file_stands_in_the_block(tmp_path: Path) -> None:
    file = toml(tmp_path, '[target."192.168.1.202:3306"]\ntrack_file = "/x"\nbase_weight = 5\n')
    found = lines(written(*EXAMPLE, "--config", file))
    assert (found.count("weight 1"), found.count("weight 5")) == (1, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("3s", 7), ("2.5s", 7), ("100ms", 5), ("10s", 14)],
)
def test_misc_timeout_is_four_seconds_above_the_checks_own(given: str, expected: int, tmp_path: Path) -> None:
    template = written(*VIP, *REPLICAS, "--check", f"{OUR_SCRIPT} --host %s --timeout {given}")
    assert lines(template).count(f"misc_timeout {expected}") == 2
    file = toml(tmp_path, f'[target."192.168.1.202"]\ntimeout = "{given}"\n')
    longest = max(expected, 7)  # the other server keeps the default
    assert lines(written(*EXAMPLE, "--config", file)).count(f"misc_timeout {longest}") == 2


def test_the_program_is_that_of_this_installation_with_its_whole_path() -> None:
    """And never the table checker of MySQL's client package, whose name is `mysqlcheck` too."""
    beside = str(Path(sys.executable).with_name("keepalived-mysqlcheck"))
    for template in ((), ("--check", "mysqlcheck --host %s"), ("--check", "keepalived-mysqlcheck --host %s")):
        text = written(*VIP, *REPLICAS, "--style", "plain", *template)
        assert all(Path(check.split()[0]).name == "keepalived-mysqlcheck" for check in checks(text))
        assert all(check.startswith("/") for check in checks(text))
        assert Path(beside).exists() is (checks(text)[0].split()[0] == beside)


def test_a_program_of_the_path_is_written_with_its_whole_path() -> None:
    text = written(*VIP, *REPLICAS, "--style", "plain", "--check", "true %s")
    assert re.fullmatch(r"/\S+/true 192\.168\.1\.201", checks(text)[0])


def test_the_head_says_how_to_write_it_again() -> None:
    text = written(*EXAMPLE, "--inhibit-on-failure")
    head = text.split("#\n")[0].split("one line):\n")[1]
    words = shlex.split(head.replace("#", " "))
    assert words[:2] == ["mysqlcheck", "keepalived-config"]
    assert written(*words[2:]) == text


def test_the_head_names_the_directories_to_make() -> None:
    assert "install -d -o kd /srv/weights /var/lib/mysqlcheck" in written(
        *EXAMPLE, "--track-dir", "/srv/weights", "--script-user", "kd"
    )
    assert "/run/" not in written(*EXAMPLE, "--style", "plain").split("install -d")[1].splitlines()[0]


def test_inhibit_on_failure_is_explained_either_way() -> None:
    assert "inhibit_on_failure" not in lines(written(*EXAMPLE))
    assert "#inhibit_on_failure" in written(*EXAMPLE)
    assert lines(written(*EXAMPLE, "--inhibit-on-failure")).count("inhibit_on_failure") == 2


def test_vrrp_is_written_where_an_interface_is_named() -> None:
    assert "vrrp_instance" not in "\n".join(lines(written(*EXAMPLE)))
    found = lines(written(*EXAMPLE, "--interface", "eth0", "--priority", "150"))
    for line in ("state BACKUP", "nopreempt", "interface eth0", "virtual_router_id 51", "priority 150"):
        assert line in found


def test_it_writes_a_file_but_not_over_another(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    ended = config(*EXAMPLE, "-o", str(file))
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert file.read_text() == written(*EXAMPLE)
    file.write_text("mine")
    ended = config(*EXAMPLE, "--write", str(file))
    assert ended.code == 1
    assert "--force" in ended.err
    assert file.read_text() == "mine"
    assert config(*EXAMPLE, "--write", str(file), "--force").code == 0
    assert file.read_text() == written(*EXAMPLE)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_exit_code_1() -> None:
    ended = config(*EXAMPLE, "-o", "/nowhere/keepalived.conf")
    assert ended.code == 1
    assert "/nowhere/keepalived.conf" in ended.err


def test_the_page_of_the_reference_shows_what_is_written() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/keepalived-config.md").read_text()
    example = page.partition("## Example\n\n")[2]
    command, _, rest = example.partition("\n\n```\n")
    assert written(*shlex.split(command)[2:]) == rest.partition("```\n")[0]


def test_a_full_standard_output_is_exit_code_1() -> None:
    command = [*COMMAND, "keepalived-config", *EXAMPLE]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ended.returncode, ended.stderr.splitlines()[1:]) == (1, [])
    assert "No space left" in ended.stderr
