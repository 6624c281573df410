"""MySQL option files, read as MySQL's own clients read them; where one is here, it is asked."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mysqlcheck.errors import SettingsError
from mysqlcheck.optionfile import read

TOOL = shutil.which("my_print_defaults")
asks_mariadb = pytest.mark.skipif(TOOL is None, reason="no my_print_defaults here (apt: mariadb-client-core)")


def settings(folder: Path, text: str) -> dict[str, object]:
    path = folder / "my.cnf"
    path.write_text(text, encoding="utf-8", newline="")
    return read(str(path))


def mariadb_s_user(folder: Path, text: str) -> str | None:
    """What MariaDB's own parser takes for `user`; the last one counts."""
    assert TOOL is not None
    path = folder / "my.cnf"
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(0o600)
    command = [TOOL, f"--defaults-file={path}", "client", "mysqlcheck"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    found = [part.partition("=")[2] for part in ("\n" + printed).split("\n--")[1:] if part.startswith("user=")]
    return found[-1].removesuffix("\n") if found else None


# value as written in the file, value as MySQL's clients understand it
VALUES = [
    ("abc", "abc"),
    ("", ""),
    ('""', ""),
    ("''", ""),
    ("  abc  ", "abc"),
    ('" abc "', " abc "),
    ("'abc'", "abc"),
    ("two words", "two words"),
    ("a=b", "a=b"),
    ("x;y", "x;y"),
    ("abc # comment", "abc"),
    ("abc#comment", "abc"),
    ("#", ""),
    ('"a # b"', "a # b"),
    ('"a # b" # comment', "a # b"),
    ("'a # b' # comment", "a # b"),
    ('"it\'s"', "it's"),
    ("'say \"hi\"'", 'say "hi"'),
    ('"x\' # y"', "x' # y"),
    ("it's", "it's"),
    ("it's # no comment", "it's # no comment"),
    ("it's # it's", "it's # it's"),
    ('"abc', '"abc'),
    ('"abc" def', '"abc" def'),
    ('"a"b"', 'a"b'),
    (r'"a\"b"', 'a"b'),
    (r"'a\'b'", "a'b"),
    (r"a\sb", "a b"),
    (r"a\\b", r"a\b"),
    (r"a\tb", "a\tb"),
    (r"a\rb", "a\rb"),
    (r"a\bb", "a\bb"),
    (r"a\qb", r"a\qb"),
    (r"C:\new", "C:\new"),
    ("ends\\", "ends\\"),
    (r'"ends\\"', "ends\\"),
    ("пароль", "пароль"),
]


@pytest.mark.parametrize(("written", "value"), VALUES, ids=[written for written, _ in VALUES])
def test_a_value_is_unquoted_and_unescaped(tmp_path: Path, written: str, value: str) -> None:
    assert settings(tmp_path, f"[client]\nuser={written}\n") == {"user": value}


@asks_mariadb
@pytest.mark.parametrize(("written", "value"), VALUES, ids=[written for written, _ in VALUES])
def test_mariadb_s_own_parser_reads_the_same_value(tmp_path: Path, written: str, value: str) -> None:
    assert mariadb_s_user(tmp_path, f"[client]\nuser={written}\n") == value


@asks_mariadb
@given(written=st.text(r"""ab #;='"\ns""", max_size=12))
@example(written=r'"a\"b"')
def test_any_value_is_what_mariadb_s_own_parser_makes_of_it(
    tmp_path_factory: pytest.TempPathFactory, written: str
) -> None:
    text = f"[client]\nuser={written}\n"
    folder = tmp_path_factory.getbasetemp()
    assert settings(folder, text).get("user") == mariadb_s_user(folder, text)


FILES = [
    ("[client]\nuser=1\n[mysqlcheck]\nuser=2\n", "2"),
    ("[client]\nuser=1\nuser=2\n", "2"),
    ("[client]\r\nuser=1\r\n", "1"),
    ("\n\n# a comment\n; another\n[client]\n  # indented\n  user = 1\n", "1"),
    ("[client] # a comment\nuser=1\n", "1"),
    ("[mysqld]\nuser=mysql\n", None),
    ("[client]\nuser=1\n[mysqldump]\nuser=2\n", "1"),
    ("[client]\nuser=1\n[mysqld]\nport=3\n[client]\nuser=2\n", "2"),
    ("[client]\nusers=1\n", None),
    ("[client]\n#user=1\n", None),
]


@pytest.mark.parametrize(("text", "user"), FILES, ids=range(len(FILES)))
def test_groups_and_comments_count_as_they_do_for_mysql(tmp_path: Path, text: str, user: str | None) -> None:
    assert settings(tmp_path, text).get("user") == user


@asks_mariadb
@pytest.mark.parametrize(("text", "user"), FILES, ids=range(len(FILES)))
def test_mariadb_s_own_parser_agrees_on_groups_and_comments(tmp_path: Path, text: str, user: str | None) -> None:
    assert mariadb_s_user(tmp_path, text) == user


def test_mysqlcheck_wins_over_client_wherever_it_stands(tmp_path: Path) -> None:
    """MySQL's programs go by the order in the file; here the special group is the special one."""
    assert settings(tmp_path, "[mysqlcheck]\nuser=2\n[client]\nuser=1\n") == {"user": "2"}


@pytest.mark.parametrize("name", ["ssl-ca", "ssl_ca", "SSL-CA", "loose-ssl-ca", "loose_ssl_ca", " ssl-ca "])
def test_an_option_may_be_written_with_dashes_or_underscores(tmp_path: Path, name: str) -> None:
    assert settings(tmp_path, f"[client]\n{name}=/ca.pem\n") == {"tls_ca": "/ca.pem"}


@pytest.mark.parametrize("line", ["user", "password", "quick", "host", "port"])
def test_an_option_without_a_value_gives_none(tmp_path: Path, line: str) -> None:
    assert settings(tmp_path, f"[client]\n{line}\n") == {}


def test_options_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    text = "[client]\ndefault-character-set=utf8mb4\nprompt=\\u@\\h>\npager\nmax_allowed_packet=1G\nuser=a\n"
    assert settings(tmp_path, text) == {"user": "a"}


def test_every_option_that_matters_becomes_our_setting(tmp_path: Path) -> None:
    text = (
        "[client]\nuser=u\npassword=p\nhost=h\nport=3307\nsocket=/s\nssl-mode=VERIFY_CA\nssl-ca=/ca\nssl-cert=/cert\n"
        "ssl-key=/key\nserver-public-key-path=/pub\nget-server-public-key\n"
    )
    assert settings(tmp_path, text) == {
        "user": "u",
        "password": "p",
        "host": "h",
        "port": "3307",
        "socket": "/s",
        "tls": "verify-ca",
        "tls_ca": "/ca",
        "tls_cert": "/cert",
        "tls_key": "/key",
        "server_public_key_path": "/pub",
        "get_server_public_key": True,
    }


@pytest.mark.parametrize(
    ("lines", "tls"),
    [
        ("ssl-mode=DISABLED", "disabled"),
        ("ssl-mode=preferred", "preferred"),
        ("ssl-mode=Required", "required"),
        ("ssl_mode=VERIFY_IDENTITY", "verify-identity"),
        ("ssl-mode=VERIFY-IDENTITY", "verify-identity"),
        ("ssl", "required"),
        ("ssl=1", "required"),
        ("ssl=ON", "required"),
        ("ssl=0", "disabled"),
        ("ssl=OFF", "disabled"),
        ("skip-ssl", "disabled"),
        ("skip_ssl", "disabled"),
        ("ssl-verify-server-cert", "verify-identity"),
        ("ssl-verify-server-cert=1", "verify-identity"),
        ("ssl-verify-server-cert=OFF", None),
        ("ssl\nssl-verify-server-cert", "verify-identity"),
        ("ssl-verify-server-cert\nssl", "verify-identity"),
        ("ssl-verify-server-cert\nskip-ssl", "disabled"),
        ("ssl-verify-server-cert=1\nssl-verify-server-cert=0", None),
        ("ssl-verify-server-cert\nskip-ssl-verify-server-cert", None),
        ("ssl\nssl-verify-server-cert\nssl-verify-server-cert=0", "required"),
        ("ssl-mode=SOMETIMES", "SOMETIMES"),
    ],
)
def test_the_words_of_both_flavors_for_tls(tmp_path: Path, lines: str, tls: str | None) -> None:
    assert settings(tmp_path, f"[client]\n{lines}\n").get("tls") == tls


@pytest.mark.parametrize(
    ("line", "on"),
    [("get-server-public-key", True), ("get-server-public-key=1", True), ("get_server_public_key=0", False)],
)
def test_the_server_s_key_is_taken_only_where_it_is_switched_on(tmp_path: Path, line: str, on: bool) -> None:
    assert settings(tmp_path, f"[client]\n{line}\n") == {"get_server_public_key": on}


# includes


def test_an_included_file_is_read_in_its_place_and_the_group_goes_on(tmp_path: Path) -> None:
    (tmp_path / "more.cnf").write_text("[client]\nuser=included\nport=3307\n[mysqld]\n")
    text = f"[client]\nuser=first\n!include {tmp_path}/more.cnf\nport=3308\n"
    assert settings(tmp_path, text) == {"user": "included", "port": "3308"}


@pytest.mark.parametrize("line", ["!include\t{}", "!include   {}", "  !include {}  "])
def test_a_directive_may_be_written_with_any_space(tmp_path: Path, line: str) -> None:
    (tmp_path / "more.cnf").write_text("[client]\nuser=included\n")
    assert settings(tmp_path, "[client]\n" + line.format(tmp_path / "more.cnf") + "\n") == {"user": "included"}


def test_a_folder_is_included_in_alphabetical_order_and_only_its_cnf_files(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    for name in ("20-b.cnf", "10-a.cnf", "30-c.txt", "40-d.cnf.bak"):
        (folder / name).write_text(f"[client]\nuser={name}\n")
    assert settings(tmp_path, f"!includedir {folder}\n") == {"user": "20-b.cnf"}


def test_a_directive_before_any_group_is_read(tmp_path: Path) -> None:
    """Debian's /etc/mysql/my.cnf begins with two of them."""
    (tmp_path / "more.cnf").write_text("[client]\nuser=included\n")
    assert settings(tmp_path, f"!include {tmp_path}/more.cnf\n[client]\nport=3307\n") == {
        "user": "included",
        "port": "3307",
    }


def test_a_file_that_includes_itself_is_a_mistake_and_no_hang(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="more than 10 includes"):
        settings(tmp_path, f"[client]\n!include {tmp_path}/my.cnf\n")


def test_two_files_that_include_each_other_twice_are_a_mistake_and_no_hang(tmp_path: Path) -> None:
    for mine, other in (("my", "other"), ("other", "my")):
        line = f"!include {tmp_path}/{other}.cnf\n"
        (tmp_path / f"{mine}.cnf").write_text(line * 2)
    with pytest.raises(SettingsError, match="more than 10 includes"):
        read(str(tmp_path / "my.cnf"))


# what cannot be read


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read(str(tmp_path / "none.cnf"))
    assert str(raised.value) == f"{tmp_path}/none.cnf: cannot read this MySQL option file: No such file or directory"


def test_a_missing_included_file_is_told_with_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.cnf: cannot read this MySQL option file: No such file"):
        settings(tmp_path, f"!include {tmp_path}/none.cnf\n")


def test_a_missing_included_folder_is_told_as_mysql_does(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"conf\.d"):
        settings(tmp_path, f"!includedir {tmp_path}/conf.d\n")


@pytest.mark.parametrize("content", [b"[client]\nuser=caf\xe9\n", b"\xff\xfe[\x00"], ids=["Latin-1", "UTF-16"])
def test_a_file_that_is_no_utf8_is_told_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.cnf").write_bytes(content)
    with pytest.raises(SettingsError, match="it is no UTF-8 text"):
        read(str(tmp_path / "my.cnf"))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_it_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.cnf"
    path.write_bytes(b"[client]\n" + content)
    with contextlib.suppress(SettingsError):
        read(str(path))
