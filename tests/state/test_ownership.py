"""A run as root leaves nothing that the directory's owner cannot write, and follows nothing that the owner planted.

keepalived may run the check as root or as keepalived_script, and an operator tries it as root: the same directory.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mysqlcheck import holds
from mysqlcheck.model import OperatorHold
from mysqlcheck.statedir import SCRIPT_USER
from mysqlcheck.store import FILE
from tests.state.building import filled, noise
from tests.state.conftest import SOMEBODY
from tests.state.disk import Disk
from tests.state.running import Replica, check, explain

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
OWNER = (SOMEBODY, SOMEBODY)
HOLD = OperatorHold("new disk", "operator", time.time())


@pytest.fixture
def state(folder: Path) -> Path:
    """A state directory that belongs to an ordinary user."""
    place = folder / "state"
    place.mkdir()
    os.chown(place, *OWNER)
    return place


def owners(directory: Path) -> dict[str, tuple[int, int]]:
    """Whom everything below a directory belongs to."""
    found = [directory, *directory.rglob("*")]
    return {str(path.relative_to(directory)): (path.lstat().st_uid, path.lstat().st_gid) for path in found}


def assert_all_belongs_to_its_owner(directory: Path) -> None:
    assert set(owners(directory).values()) == {OWNER}


def test_what_a_check_as_root_makes_belongs_to_the_directory_s_owner(state: Path, replica: Replica) -> None:
    ended = check(replica.server, state)
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert FILE in owners(state)
    assert_all_belongs_to_its_owner(state)


@pytest.mark.parametrize("earlier", [False, True], ids=["from the beginning", "from an earlier version"])
def test_what_a_script_of_keepalived_makes_can_be_used_again(
    earlier: bool, folder: Path, state: Path, replica: Replica, ordinary: tuple[str, ...]
) -> None:
    """keepalived 2.2.7 runs scripts with umask 0177: nobody can enter a directory that is made so."""
    config = folder / "mysqlcheck.toml"
    config.write_text('[defaults]\nmax_lag = "10m"\n')
    if earlier:
        (state / "config").mkdir(mode=0o600)
        os.chown(state / "config", *OWNER)
    as_keepalived = ("sh", "-c", 'umask 0177; exec "$@"', "sh", *ordinary)
    ended = check(replica.server, state, "--config", str(config), before=as_keepalived)
    assert (ended.code, ended.err, ended.json["warnings"]) == (0, "", [])
    config.write_text("max_lag = ")
    ended = check(replica.server, state, "--config", str(config), before=as_keepalived)
    assert ended.code == 0
    assert "its last good version is used" in ended.json["warnings"][-1]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (state / FILE, state / "config")}
    assert modes == {FILE: 0o644, "config": 0o755}  # who asks for the status may read


def test_root_and_the_owner_go_on_from_each_other(state: Path, replica: Replica, ordinary: tuple[str, ...]) -> None:
    for before in ((), ordinary, (), ordinary):
        replica.broken()
        ended = check(replica.server, state, before=before)
        assert (ended.json["phase"], ended.json["warnings"]) == ("down", [])
    assert ended.json["phase_since"] > 0
    assert_all_belongs_to_its_owner(state)


def test_what_root_sets_aside_and_begins_anew_belongs_to_the_owner_too(
    state: Path, replica: Replica, ordinary: tuple[str, ...]
) -> None:
    for content in (noise(20_000), b""):
        (state / FILE).write_bytes(content)
        os.chown(state / FILE, *OWNER)
        assert check(replica.server, state).code == 0
        assert_all_belongs_to_its_owner(state)
        assert check(replica.server, state, before=ordinary).json["warnings"] == []


def test_a_broken_file_of_root_in_the_owner_s_directory_is_set_aside(
    state: Path, replica: Replica, ordinary: tuple[str, ...]
) -> None:
    """The directory is the owner's: so is what may be renamed in it."""
    (state / FILE).write_bytes(noise(20_000))
    assert check(replica.server, state, before=ordinary).code == 0
    ended = check(replica.server, state, before=ordinary)
    assert (ended.code, ended.json["warnings"]) == (0, [])


def test_a_hold_that_root_puts_belongs_to_the_owner_who_can_end_it(
    state: Path, replica: Replica, ordinary: tuple[str, ...]
) -> None:
    holds.write(str(state), replica.target, HOLD)
    assert_all_belongs_to_its_owner(state)
    ended = check(replica.server, state, "--weight", "100", before=ordinary)
    assert (ended.code, ended.codes) == (2, ["operator_hold"])
    code = f"from mysqlcheck import holds; assert holds.remove({str(state)!r}, {replica.target!r})"
    subprocess.run([*ordinary, sys.executable, "-c", code], check=True, cwd="/")
    assert check(replica.server, state, "--weight", "100").code == 102


def test_whoever_root_was_it_is_root_again_afterwards(state: Path) -> None:
    holds.write(str(state), "db1:3306", HOLD)
    assert (os.getresuid(), os.getresgid()) == ((0, 0, 0), (0, 0, 0))
    with pytest.raises(ZeroDivisionError):
        filled(state).amend("192.168.1.201:3306", lambda *_: 1 / 0, HOLD, 60)  # type: ignore[arg-type]
    assert (os.getresuid(), os.getresgid()) == ((0, 0, 0), (0, 0, 0))


def test_a_track_file_and_metrics_are_written_as_whoever_we_are(state: Path, folder: Path, replica: Replica) -> None:
    """They lie elsewhere, and are no business of the state directory's owner."""
    ended = check(replica.server, state, "--track-file", str(folder / "r1"), "--textfile", str(folder / "r1.prom"))
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert {(folder / name).stat().st_uid for name in ("r1", "r1.prom")} == {0}


# What the owner may have planted.


@pytest.fixture
def secret(folder: Path) -> Path:
    """A file of root's that nobody else may touch."""
    path = folder / "of root"
    path.write_bytes(b"")  # an empty file is what SQLite would make a store of
    path.chmod(0o600)
    return path


def unharmed(path: Path) -> bool:
    found = path.stat()
    return (found.st_uid, found.st_gid, found.st_mode & 0o777, path.read_bytes()) == (0, 0, 0o600, b"")


@pytest.mark.parametrize("name", [FILE, f"{FILE}-journal", f"{FILE}.broken", "lock", "holds", "config"])
def test_root_follows_no_link_that_the_owner_planted(state: Path, secret: Path, replica: Replica, name: str) -> None:
    (state / name).symlink_to(secret)
    os.chown(state / name, *OWNER, follow_symlinks=False)
    for _ in range(2):
        assert check(replica.server, state).code == 0
        assert unharmed(secret)
    (state / FILE).unlink(missing_ok=True)
    (state / FILE).write_bytes(noise(20_000))
    os.chown(state / FILE, *OWNER)
    assert check(replica.server, state).code == 0
    assert unharmed(secret)


def test_root_s_other_groups_lend_the_owner_no_right(state: Path, folder: Path) -> None:
    """root has the group root besides; what that group may write is still not the owner's to choose."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o775)
    (state / "holds").symlink_to(elsewhere)
    code = f"""
from mysqlcheck import holds, errors, model
try:
    holds.write({str(state)!r}, "db1:3306", model.OperatorHold("x", "y", 0.0))
except errors.StoreError as error:
    assert "Permission denied" in str(error)
"""
    subprocess.run(["setpriv", "--groups=0,1,2", sys.executable, "-c", code], check=True, cwd="/")
    assert list(elsewhere.iterdir()) == []


def test_a_folder_for_holds_that_leads_elsewhere_gets_none_of_root_s_files(state: Path, folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (state / "holds").symlink_to(elsewhere)
    with pytest.raises(Exception, match="Permission denied"):
        holds.write(str(state), "db1:3306", HOLD)
    assert list(elsewhere.iterdir()) == []


def test_a_hold_that_leads_elsewhere_is_replaced_and_not_followed(state: Path, secret: Path) -> None:
    holds.write(str(state), "db1:3306", HOLD)
    path = Path(holds.path_of(str(state), "db1:3306"))
    path.unlink()
    path.symlink_to(secret)
    holds.write(str(state), "db1:3306", HOLD)
    assert unharmed(secret)
    assert not path.is_symlink()


def test_what_a_hold_leads_to_is_not_shown_to_whoever_planted_it(state: Path, secret: Path, replica: Replica) -> None:
    """Read as the owner: what root alone may read is not read, and is a hold, because something is there."""
    secret.write_text('{"reason": "THE SECRET", "who": "root", "since": 0, "until": null}')
    holds.write(str(state), replica.target, HOLD)
    path = Path(holds.path_of(str(state), replica.target))
    path.unlink()
    path.symlink_to(secret)
    ended = check(replica.server, state, "--weight", "100")
    assert (ended.code, ended.codes) == (2, ["operator_hold"])
    assert "THE SECRET" not in ended.out + ended.err


# Who makes the directory.


def users(disk: Disk, *lines: str) -> tuple[str, ...]:
    """What to put before a command so that it meets other users: in a mount namespace, over /etc/passwd."""
    others = disk.outside / "passwd"
    others.write_text(Path("/etc/passwd").read_text() + "".join(f"{line}\n" for line in lines))
    subprocess.run([*disk.before, "mount", "--bind", str(disk.place / "passwd"), "/etc/passwd"], check=True)
    return disk.before


def test_a_directory_that_root_makes_belongs_to_the_user_that_keepalived_runs_scripts_as(
    disks: object, replica: Replica, ordinary: tuple[str, ...]
) -> None:
    disk: Disk = disks()  # type: ignore[operator]
    try:
        known = pwd.getpwnam(SCRIPT_USER)
        uid, gid, before = known.pw_uid, known.pw_gid, disk.before
    except KeyError:
        uid = gid = SOMEBODY
        before = users(disk, f"{SCRIPT_USER}:x:{uid}:{gid}::/nonexistent:/usr/sbin/nologin")
    place = disk.place / "made"
    ended = check(replica.server, place, before=before)
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert set(owners(disk.outside / "made").values()) == {(uid, gid)}


def test_without_that_user_it_belongs_to_root(disks: object, replica: Replica) -> None:
    try:
        pwd.getpwnam(SCRIPT_USER)
        pytest.skip(f"{SCRIPT_USER} exists here")
    except KeyError:
        pass
    disk: Disk = disks()  # type: ignore[operator]
    ended = check(replica.server, disk.place / "made", before=disk.before)
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert set(owners(disk.outside / "made").values()) == {(0, 0)}


# A person who asks.


def snapshot(directory: Path) -> dict[str, tuple[object, ...]]:
    """Everything that there is to know of a directory and what is in it, but for when it was last read."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (directory, *directory.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        what = (stat.st_ino, stat.st_mode, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        found[str(path.relative_to(directory))] = (*what, content)
    return found


@pytest.mark.parametrize("who", ["root", "the owner", "another user"])
@pytest.mark.parametrize("what", ["a memory", "a hold", "a broken file", "nothing"])
def test_explain_changes_nothing(state: Path, replica: Replica, ordinary: tuple[str, ...], who: str, what: str) -> None:
    before = {"root": (), "the owner": ordinary}.get(
        who, ("setpriv", "--reuid=54322", "--regid=54322", "--clear-groups")
    )
    if what != "nothing":
        check(replica.server, state)
    if what == "a hold":
        holds.write(str(state), replica.target, HOLD)
    elif what == "a broken file":
        (state / FILE).write_bytes(noise(20_000))
    found = snapshot(state)
    replica.broken()
    for _ in range(2):
        assert explain(replica.server, state, before=before).code == 0
    assert snapshot(state) == found


def test_explain_makes_no_directory(folder: Path, replica: Replica) -> None:
    assert explain(replica.server, folder / "state").code == 0
    assert list(folder.iterdir()) == []


def test_explain_shows_what_the_check_would_say(state: Path, replica: Replica) -> None:
    """From the same memory: held after it was broken, although nothing is wrong any more."""
    healthy = replica.persona
    check(replica.server, state)
    replica.broken()
    check(replica.server, state)
    replica.persona = healthy
    found = snapshot(state)
    explained = explain(replica.server, state)
    assert (explained.json["phase"], explained.json["decision"]) == ("held", "fail")
    assert snapshot(state) == found
    assert check(replica.server, state).json["phase"] == "held"
