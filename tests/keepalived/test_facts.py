"""What the rules say of keepalived, asked of the keepalived that is installed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from .directors import FILE, Director, codes, linted
from .real import asked

GLOBAL = "global_defs {\n script_user root\n enable_script_security\n}\n"
HEAD = "lvs_sched wlc\nlvs_method DR\nprotocol TCP\nalpha\n"
CHECK = "MISC_CHECK {\nmisc_path /usr/bin/true\n}\n"


def config(*, head: str = HEAD, server: str = CHECK, before: str = "", after: str = "", top: str = GLOBAL) -> str:
    """A configuration with one virtual server of one real server."""
    real = f"real_server 192.168.1.201 3306 {{\n{server}}}\n"
    return f"{top}{before}virtual_server 192.168.1.10 3306 {{\n{head}{real}}}\n{after}"


def everyone() -> Director:
    """A director with the programs that are named here, and no user but root."""
    return Director({"/usr/bin/true": FILE, "/usr/bin/mysqlcheck": FILE}, users=("root",))


TRACK = 'track_file r1 {\nfile "FOLDER/r1"\n}\n'
FILE_CHECK = "FILE_CHECK {\ntrack_file r1\n}\n"


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        ("hysteresis_too_high", config(head=HEAD + "hysteresis 1\n"), "setting hysteresis to 0"),
        ("quorum_too_high", config(head=HEAD + "quorum 2\n"), "reducing quorum to 1"),
        ("all_weights_zero", config(server="weight 0\n" + CHECK), "setting hysteresis to 4294967295"),
        ("track_file_late", config(server=FILE_CHECK, after=TRACK), "track_file r1 not found"),
        ("track_file_undefined", config(server=FILE_CHECK), "track_file r1 not found"),
        ("script_user_unknown", config(top=GLOBAL.replace("root", "joe")), "Unable to set default user"),
        ("script_as_root", config(top="global_defs {\nscript_user root\n}\n"), "script_security not enabled"),
        ("include_missing", config(before="include nothere.conf\n"), "missing 'nothere.conf'"),
        ("unbalanced_braces", config(after="}\n"), "Extra '}' found"),
        (
            "definition_kept",
            config(before="$N=r1\n", server=FILE_CHECK.replace("r1", '"$N"')),
            "$N not found",
        ),
    ],
)
def test_keepalived_says_so_too(code: str, text: str, said: str, tmp_path: Path) -> None:
    text = text.replace("FOLDER", str(tmp_path))
    assert said in asked(text, tmp_path)[1]
    assert code in codes(linted(text, tmp_path, everyone()))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("script_missing", config(server=CHECK.replace("/usr/bin/true", "/nonexistent/check"))),
        ("script_unquoted", config(server=CHECK.replace("true", "true --host 192.168.1.201"))),
        ("alpha_missing", config(head=HEAD.replace("alpha\n", "")).replace("/usr/bin/true", "/usr/bin/mysqlcheck")),
    ],
)
def test_keepalived_says_nothing_and_the_linter_does(code: str, text: str, tmp_path: Path) -> None:
    assert asked(text, tmp_path) == (0, "")
    assert code in codes(linted(text, tmp_path, everyone()))


def test_definitions_blocks_and_quotes_are_read_as_keepalived_reads_them(tmp_path: Path) -> None:
    """Each form that the reader takes is one that keepalived takes without a word."""
    server = "$W\nMISC_CHECK { misc_path '/usr/bin/true --host ${H}' }\nFILE_CHECK { track_file r1 }\n"
    text = config(before="$H=192.168.1.201\n$W=\\\n weight 2 \\\n weight 3\nTRACKED", server=server)
    text = text.replace("TRACKED", f'track_file r1 {{ file "{tmp_path}/r1" }}\n')
    assert asked(text, tmp_path) == (0, "")
    assert codes(linted(text, tmp_path, everyone())) == []
