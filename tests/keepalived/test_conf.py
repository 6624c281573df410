"""keepalived.conf becomes a tree, and whatever the file holds, no traceback."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysqlcheck.cli.lint import judge
from mysqlcheck.keepalived import conf, lint
from mysqlcheck.keepalived.conf import Config, ConfigUnreadable, Node, View

from .directors import director

SOON = 10.0


def read(tmp_path: Path, text: str | bytes, **others: str) -> Config:
    """Read a configuration; the others are files beside it."""
    for name, content in others.items():
        (tmp_path / f"{name}.conf").write_text(content)
    file = tmp_path / "keepalived.conf"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return conf.read(str(file))


def view(tmp_path: Path, text: str | bytes, **others: str) -> View:
    """Read a configuration that has one view."""
    (only,) = read(tmp_path, text, **others).views
    return only


def lines(node: Node) -> list[object]:
    """Write a tree as lists."""
    return [
        child.text if not child.children else [child.text, *lines(child)] for child in node.children
    ]  # fmt: skip


def codes(found: View) -> list[tuple[str, int]]:
    return [(trouble.code, trouble.line) for trouble in found.troubles]


@pytest.mark.parametrize(
    "text",
    [
        "a 1 {\n b {\n c 2\n }\n d\n}\ne\n",
        "a 1\n{\n b\n {\n c 2 # not {\n }\n d\n}\ne",
        "a 1 { b { c 2 } d } e",
        "\r\na 1 {\r\n\r\n b { c 2 }\r\n ! }\r\n d }\r\ne\r\n",
    ],
)
def test_a_block_may_open_on_its_line_or_on_the_next(text: str, tmp_path: Path) -> None:
    found = view(tmp_path, text)
    assert lines(found.root) == [["a 1", ["b", "c 2"], "d"], "e"]
    assert codes(found) == []


def test_a_line_knows_its_place(tmp_path: Path) -> None:
    root = view(tmp_path, "a\ninclude x.conf\nb {\n\n c\n}\n", x="\n\nd\n").root
    places = [(node.text, Path(node.file).name, node.line) for node in root.walk()]
    main = "keepalived.conf"
    assert places == [("a", main, 1), ("d", "x.conf", 3), ("b", main, 3), ("c", main, 5)]


# definitions


@pytest.mark.parametrize(
    ("use", "text"),
    [
        ("--host $H", "--host 10.0.0.1"),
        ("--host ${H}:3306", "--host 10.0.0.1:3306"),
        ("($H)", "(10.0.0.1)"),
        ('"--host ${H}"', '"--host 10.0.0.1"'),
        ("$TWICE", "10.0.0.1 10.0.0.1"),
        ("$NOWHERE", "$NOWHERE"),
        ("a$", "a$"),
        ("$ H", "$ H"),
    ],
)
def test_a_definition_is_put_in(use: str, text: str, tmp_path: Path) -> None:
    found = view(tmp_path, f"$H=10.0.0.1\n$TWICE= $H $H\nx {use}\n")
    assert lines(found.root) == [f"x {text}"]
    assert codes(found) == []


@pytest.mark.parametrize("use", ['"--host $H"', "$H:3306", "'$H'", "$H/x"])
def test_without_braces_it_is_not_put_in_before_a_quote(use: str, tmp_path: Path) -> None:
    """Seen: `track_file "$N"` made keepalived look for a track file named $N."""
    found = view(tmp_path, f"$H=10.0.0.1\nx {use}\n")
    assert lines(found.root) == [f"x {use}"]
    assert codes(found) == [("definition_kept", 2)]


def test_a_definition_may_have_several_lines(tmp_path: Path) -> None:
    text = "$CHECK= \\\nMISC_CHECK { \\\n misc_path ${P} \\\n}\n$P=/x\nreal_server {\n$CHECK\nweight 1\n}\n"
    assert lines(view(tmp_path, text).root) == [["real_server", ["MISC_CHECK", "misc_path /x"], "weight 1"]]


def test_what_keepalived_fills_in_itself_is_no_brace(tmp_path: Path) -> None:
    found = view(tmp_path, "x ${_PWD}/y ${_ENV HOME} {\n z\n}\n$_PWD=/here\nw ${_PWD}\n")
    assert lines(found.root) == [["x $_PWD/y $_ENVHOME", "z"], "w /here"]
    assert codes(found) == []


def test_loops_of_lines_are_passed_over_with_a_word(tmp_path: Path) -> None:
    found = view(tmp_path, "a\n~SEQ(i, 1, 9) real_server 10.0.0.$i 3306 { $RS }\nb\n")
    assert lines(found.root) == ["a", "b"]
    assert codes(found) == [("not_expanded", 2)]


# conditions


def test_there_is_a_view_for_each_configuration_id(tmp_path: Path) -> None:
    """A block may begin in two lines, one for each director; read at once it would never end."""
    found = read(tmp_path, "@one real_server 10.0.0.1 {\n@two real_server 10.0.0.2 {\n@^two weight 1\n}\n")
    assert {each.config_id: lines(each.root) for each in found.views} == {
        "one": [["real_server 10.0.0.1", "weight 1"]],
        "two": ["real_server 10.0.0.2"],
    }
    assert all(each.troubles == () for each in found.views)


def test_with_one_id_the_other_director_may_have_none(tmp_path: Path) -> None:
    found = read(tmp_path, "@main a\nb\n@lonely\n@main $X=1\n")
    assert {each.config_id for each in found.views} == {"main", None}


# includes


def test_an_include_is_taken_from_the_directory_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.conf").write_text("include ../c.conf\nb\n")
    (tmp_path / "more" / "a.conf").write_text("a\n")
    found = read(tmp_path, "x {\ninclude more/*.conf\n}\ninclude {c,c}.conf\n", c="c")
    (only,) = found.views
    assert lines(only.root) == [["x", "a", "c", "b"], "c", "c"]
    assert only.troubles == ()
    names = [Path(file).name for file in found.files]
    assert names == ["keepalived.conf", "a.conf", "b.conf", "c.conf", "c.conf"]  # by two ways


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("include nothere.conf", ["include_missing"]),
        ("includer nothere.conf", ["include_missing"]),
        ("include *.nothere", []),
        ("includew *.nothere", ["include_missing"]),
        ("includea *.nothere", ["include_missing"]),
        ("include .", ["file_skipped"]),
        ("include keepalived.conf", ["include_loop"]),
        ("include other.conf", ["include_loop"]),
        ("include program.conf", ["file_skipped"]),
        ("include pipe", ["file_skipped"]),
        ("included x", []),
        ("include", []),
    ],
)
def test_an_include_that_comes_to_nothing_is_told(line: str, expected: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "program.conf").touch(0o755)
    found = view(tmp_path, f"{line}\nb\n", other="include keepalived.conf\n")
    assert [trouble.code for trouble in found.troubles] == expected
    assert "b" in lines(found.root)


# what is broken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {\n b {\n}\n", [("unbalanced_braces", 1)]),
        ("a {\n}\n}\nb\n", [("unbalanced_braces", 3)]),
        ("{\n}\n", [("unbalanced_braces", 1)]),
        ("a { } { b }\n", [("unbalanced_braces", 1)]),
        ('a "b\n', [("unterminated_quote", 1)]),
        ('misc_path "/x \\\n --host y"\n', [("unterminated_quote", 1), ("unterminated_quote", 2)]),
        ("x" * 1023, [("line_too_long", 1)]),
        ("x" * 1022, []),
        ("a\0b", [("not_text", 1)]),
        ("$A=$A\nx $A\n", [("line_too_long", 2)]),
        ("$A=x$A $A\nx $A\n", [("line_too_long", 2)]),
        ("", []),
        ("$A=\\", []),
        (b"\xff\xfe x {\n}\n", []),
    ],
)
def test_what_is_broken_is_told_and_read_as_far_as_it_goes(
    text: str | bytes, expected: list[tuple[str, int]], tmp_path: Path
) -> None:
    assert codes(view(tmp_path, text)) == expected


def test_definitions_that_grow_without_end_are_cut_off(tmp_path: Path) -> None:
    text = "$A0=x\\\nx\n" + "".join(f"$A{n}=\\\n$A{n - 1}\\\n$A{n - 1}\n" for n in range(1, 40)) + "$A39\n"
    began = time.monotonic()
    assert [trouble.code for trouble in view(tmp_path, text).troubles] == ["not_text"]
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("piece", ["${a", "$A=x\n", '"\\', "$A $A", "{", "@x @", "\\", "include *"])
def test_a_megabyte_of_anything_is_read_in_seconds(piece: str, tmp_path: Path) -> None:
    began = time.monotonic()
    found = lint.findings(read(tmp_path, piece * (1_000_000 // len(piece))), judge, director(), None)
    assert time.monotonic() - began < SOON
    assert len(found) < 1_000_000


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    with (tmp_path / "big.conf").open("wb") as big:
        big.truncate(1 << 40)  # a sparse file takes no space
    assert [trouble.code for trouble in view(tmp_path, "include big.conf\n").troubles] == ["not_text"]


def test_deep_blocks_are_no_trouble(tmp_path: Path) -> None:
    assert codes(view(tmp_path, "a {\n" * 20_000 + "}\n" * 20_000)) == []


@pytest.mark.parametrize("name", ["nothere", ".", "a\0b", "/dev/zero"])
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigUnreadable, match=r"/"):
        conf.read(os.path.join(tmp_path, name))


WORDS = st.sampled_from([
    "virtual_server 10.0.0.1 3306 {", "real_server 10.0.0.2 3306 {", "MISC_CHECK {", "FILE_CHECK { track_file r1 }",
    "}", "{", "misc_path", '"', "'", "\\", "\n", " ", "$A", "${A}", "$A=", "$B=\\", "@x", "@^x ", "~SEQ(i,1,2)",
    "include *", "include keepalived.conf", "misc_dynamic", "weight 0", "misc_timeout", "9" * 30, "--weight",
    "--host %s", "#", "!", "/opt/mysqlcheck/bin/keepalived-mysqlcheck", "mysqlcheck", "notify_up", "user",
    "quorum 5", "hysteresis -1", "\t", "global_defs { script_user nobody }", "track_file r1 { file /x }",
    "track_file", "lvs_sched rr", "²", "\udcff", "\r",
])  # fmt: skip


@settings(max_examples=400, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=60), st.sampled_from(["", " ", "\n"]))
def test_no_text_ends_in_a_traceback(tmp_path: Path, parts: list[str], between: str) -> None:
    text = between.join(parts).encode("utf-8", "surrogatepass")
    found = lint.findings(read(tmp_path, text), judge, director(), (2, 3, 1))
    assert all(finding.line >= 1 and finding.text and finding.advice for finding in found)


@settings(max_examples=100, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_nor_do_bytes(tmp_path: Path, content: bytes) -> None:
    lint.findings(read(tmp_path, content), judge, director(), None)
