"""keepalived.conf is read as keepalived reads it; what it cannot be is said, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysqlcheck.keepalived.conf import Node, read
from mysqlcheck.keepalived.lint import Level

from .judging import judge

Tree = list[object]


def tree(node: Node) -> Tree:
    """Words, and lists of what stands in their blocks."""
    found: Tree = []
    for child in node.children:
        found.append(" ".join(word.text for word in child.words))
        if child.children:
            found.append(tree(child))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 1 2", ["a 1 2"]),
        ("a {\n b 1\n}", ["a", ["b 1"]]),
        ("a\n{\n b 1\n}", ["a", ["b 1"]]),
        ("a { b 1 }", ["a", ["b 1"]]),
        ("a { b { c 1 } }", ["a", ["b", ["c 1"]]]),
        ("a 1 # not b\n! c\n#d", ["a 1"]),
        ("a \"b # c\" 'd ! e'", ["a b # c d ! e"]),
        ('a "b \\" c"', ['a b " c']),
        ("a b\\\n  c", ["a b c"]),
        ("a b#c", ["a b#c"]),
        ("$X=1 2\na $X ${X}", ["a 1 2 1 2"]),
        ("a $UNKNOWN ${_PWD}/x", ["a $UNKNOWN ${_PWD}/x"]),
        ("@director1 a 1\n@^director2 b 2", ["a 1", "b 2"]),
        ("a 1\r\nb 2\r\n", ["a 1", "b 2"]),
        ("", []),
    ],
)
def test_the_syntax(text: str, expected: Tree, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    config = read(str(file))
    assert (tree(config.root), config.unreadable) == (expected, ())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a {\n b 1\n", 1, "the block of a is not closed"),
        ("a 1\n}\n", 2, "a } without its {"),
        ("\n{\n}\n", 2, "a block begins without a keyword"),
        ('a "b\nc 1\n', 1, "a quote is not closed"),
        ("include nowhere/*.conf\n", 1, "there is no such file"),
        ("a 1\ninclude keepalived.conf\n", 2, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_found_at_its_line(text: str, line: int, said: str, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    unreadable = read(str(file)).unreadable
    assert [one.line for one in unreadable] == [line]
    assert said in unreadable[0].text
    assert [(one.code, one.level) for one in judge(file)] == [("unreadable", Level.ERROR)]


def test_every_statement_knows_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "b.conf").write_text("\nb 1\n")
    file = tmp_path / "a.conf"
    file.write_text("a 1\ninclude b.conf\nc \\\n 2\nd 3\n")
    found = [(child.keyword, Path(child.file).name, child.line) for child in read(str(file)).root.children]
    assert found == [("a", "a.conf", 1), ("b", "b.conf", 2), ("c", "a.conf", 3), ("d", "a.conf", 5)]


PIECES = [
    "virtual_server 1.2.3.4 3306", "real_server", "MISC_CHECK", "misc_path", '"', "'", "{", "}", "\n", " ", "\\", "#",
    "!", "$X=", "${X", "$X", "@", "include *", "--host %s", "weight", "0", "FILE_CHECK", "track_file", "misc_dynamic",
    "/opt/keepalived-mysqlcheck", "quorum", "nan", "-1", "misc_timeout", "global_defs", "\x00", "é",
]  # fmt: skip
PILES = st.lists(st.sampled_from(PIECES), max_size=60).map(lambda pieces: " ".join(pieces).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], database=None, deadline=None, max_examples=300)
@given(content=st.one_of(st.binary(max_size=300), PILES))
def test_whatever_stands_in_a_file_it_is_judged(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_bytes(content)
    judge(file)
