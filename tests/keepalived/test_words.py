"""A line is taken apart as keepalived does it; what is noted as seen was seen with keepalived 2.2.7."""

from __future__ import annotations

import pytest

from mysqlcheck.keepalived import words
from mysqlcheck.keepalived.words import Script


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("  weight 1  # base", "weight 1"),
        ("weight 1 ! base", "weight 1"),
        ('path "a # b ! c" # d', 'path "a # b ! c"'),
        (r"auth_pass a\#b\!c", "auth_pass a#b!c"),
        (r'"a\#b"', r'"a\#b"'),
        ("$A= \\", "$A=\\"),
        ("path 'a # b'", "path 'a"),  # single quotes do not keep a comment away
        ("# all", ""),
        ("", ""),
    ],
)
def test_comments_end_a_line_outside_double_quotes(line: str, text: str) -> None:
    assert words.decomment(line) == (text, False)


def test_a_quote_that_is_left_open_is_told() -> None:
    assert words.decomment('misc_path "/x # y') == ('misc_path "/x # y', True)


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("virtual_server 10.0.0.1 80 {", ["virtual_server 10.0.0.1 80", "{"]),
        ('track_file r1 { file "/x" }', ["track_file r1", "{", 'file "/x"', "}"]),
        ("} }", ["}", "}"]),
        ('misc_path "/x {y}"', ['misc_path "/x {y}"']),
        ("misc_path '/x {y}'", ["misc_path '/x", "{", "y", "}", "'"]),  # nor do they keep a brace away
        ("", []),
    ],
)
def test_braces_outside_double_quotes_stand_alone(line: str, pieces: list[str]) -> None:
    assert list(words.pieces(line)) == pieces


def test_words_are_held_together_by_double_quotes_only() -> None:
    assert words.split("""a "b c"d 'e f' """) == ("a", "b c", "d", "'e", "f'")
    assert words.split('a "b') == ("a",)


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ('misc_path "/x --host 10.0.0.1"', Script(("/x", "--host", "10.0.0.1"))),
        ("misc_path '/x --host 10.0.0.1'", Script(("/x", "--host", "10.0.0.1"))),
        ("misc_path /x --host 10.0.0.1", Script(("/x",), ("--host", "10.0.0.1"))),
        ('notify_up "/x a" root adm', Script(("/x", "a"), ("root", "adm"))),
        ("""misc_path '/x "a b" c'""", Script(("/x", "a b", "c"))),
        (r"""misc_path "/x a\ b" """, Script(("/x", "a b"))),
        (r"""misc_path '/x \x41\102\cA\n\q'""", Script(("/x", "AB\x01\nq"))),
    ],
)
def test_of_a_script_only_the_first_word_or_quoted_text_is_run(line: str, script: Script) -> None:
    assert words.script(line) == script


@pytest.mark.parametrize("line", ["misc_path", 'misc_path "/x', "misc_path ''", "misc_path \\", "misc_path '/x \\'"])
def test_where_there_is_no_script_there_is_none(line: str) -> None:
    assert words.script(line) is None
