"""What is wrong with the text itself. The readers note it as they go (lines.py, conf.py); here it gets its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity


def _noted(code: str) -> Callable[[Context], Iterator[Found]]:
    def find(context: Context) -> Iterator[Found]:
        for trouble in context.troubles:
            if trouble.code == code:
                yield Found(trouble, trouble.text)

    return find


def _rule(code: str, happens: str, instead: str, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(code, severity, _noted(code), happens, instead)


RULES = (
    _rule(
        "not_text",
        "The file is not one that keepalived can read: it holds zero bytes, or it is endless.",
        "Give the path of keepalived.conf itself.",
    ),
    _rule(
        "file_skipped",
        "An included file cannot be opened, is no regular file, or is executable: keepalived passes it over and starts "
        "without what stands in it.",
        "Make it a plain file that keepalived may read: `chmod 644`.",
    ),
    _rule(
        "include_missing",
        "No file has this name. keepalived says so in its log and starts without it; `keepalived -t` ends with 0.",
        "Correct the path: it is taken from the directory of the file with the `include`. Write `include *.conf` where "
        "there may be none.",
    ),
    _rule(
        "include_loop",
        "A file includes itself, in the end. keepalived reads it again and again until it has no more files to open.",
        "Take this `include` out.",
    ),
    _rule(
        "unbalanced_braces",
        "A brace has no counterpart. keepalived reads on with what follows in another block than it seems: checks and "
        "real servers are lost.",
        "Close each block where it ends; `keepalived -t` says what keepalived makes of it.",
    ),
    _rule(
        "unterminated_quote",
        "A double quote is opened and not closed in its line, and keepalived drops the rest of the line. A "
        "backslash at "
        "the line's end does not join lines, except in a definition. (2.2.7 was seen to crash on such a misc_path.)",
        'Close the quote in the same line. What is long goes into a definition: `$CHECK="…"`, used as `${CHECK}`.',
    ),
    _rule(
        "line_too_long",
        "A line has more than 1,022 characters. keepalived 2.2.7 takes what is beyond for a line of its own, later "
        "versions pass the line over.",
        "Shorten it, with settings in /etc/mysqlcheck/mysqlcheck.toml in place of options.",
    ),
    _rule(
        "definition_kept",
        "keepalived replaces `$NAME` only before a blank, a comma, a closing parenthesis or the line's end. Here "
        "something else follows, perhaps the closing quote, and the text stays as it is.",
        "Write it with braces: `${NAME}`.",
    ),
    _rule(
        "not_expanded",
        "~SEQ and ~LST make several lines of one. What they make is not looked at here.",
        "`keepalived -t` reads them; nothing is wrong with it.",
        Severity.INFORMATION,
    ),
)
