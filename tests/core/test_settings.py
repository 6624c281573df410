"""The mechanism of settings: how values are written, which layer wins, and that every mistake is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks.source import Sources
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.kinds import DAY, Flag, Kind, Names, OneOf, Seconds, Text, Whole, show_seconds, show_span
from mysqlcheck.options import Settings
from mysqlcheck.settings import Group, Layer, Setting, nearest, resolve

SECONDS = Seconds()
NOT_ALLOWED = "refused"


def read(kind: Kind[Any], value: object) -> object:
    """As TOML gives it, which includes any text."""
    try:
        return kind.from_toml(value)
    except ValueError:
        return NOT_ALLOWED


# sources


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("db1", ("db1:3306",)),
        ("DB1:3307, 192.168.1.200", ("db1:3307", "192.168.1.200:3306")),
        ("::1,[::1]:3307", ("[::1]:3306", "[::1]:3307")),
        ("8F2D7F0A-5f7b-11f0-9d52-0242ac110002", ("8f2d7f0a-5f7b-11f0-9d52-0242ac110002",)),
    ],
)
def test_sources_are_read_with_their_ports(text: str, sources: tuple[str, ...]) -> None:
    assert Sources().from_text(text) == sources
    assert Sources().from_toml(text.split(",")) == sources
    assert Sources().from_text(Sources().show(sources)) == sources


@pytest.mark.parametrize("text", ["", "db1,", "db1 db2", "db1,me@db2", "/run/mysqld.sock", "db1:0", "[::1"])
def test_what_is_no_source_is_refused(text: str) -> None:
    assert read(Sources(), text) == NOT_ALLOWED


# durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("30s", 30.0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("10m", 600.0),
        ("1h", 3600.0),
        ("1.5h", 5400.0),
        ("2d", 2 * DAY),
        ("0", 0.0),
        ("007", 7.0),
        (" 30s ", 30.0),
        (".5", 0.5),
        ("1h30m", 5400.0),
        ("2d4h", 2 * DAY + 14_400),
        ("9m58s", 598.0),
        ("1d2h3m4s5ms", DAY + 7384.005),
        ("1.5h30s", 5430.0),
        ("0h0m5s", 5.0),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert SECONDS.from_text(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "s", ".", "-1", "+1", "1e3", "nan", "inf", "infinity", "1,5", "1.2.3", "1_000", "0x10", "10 m",
        "10min", "10M", "10x", "10!", "ss", "1ss", "1smhd", "½", "²", "٣٠", "1s\x00", "9" * 400, "366d",
        "30m1h", "1h1h", "1h 30m", "1h,30m", "1hm", "h30m", "1h30", "5m5", "1h-5m", "364d48h", "1h30M",
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert read(SECONDS, text) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (30, 30.0),
        (1.5, 1.5),
        ("10m", 600.0),
        (True, NOT_ALLOWED),
        (False, NOT_ALLOWED),
        (float("nan"), NOT_ALLOWED),
        (float("inf"), NOT_ALLOWED),
        (-1, NOT_ALLOWED),
        (10**400, NOT_ALLOWED),
        (None, NOT_ALLOWED),
        ([30], NOT_ALLOWED),
        ({"seconds": 30}, NOT_ALLOWED),
    ],
    ids=lambda value: str(value)[:20],
)
def test_toml_s_own_numbers_are_seconds_and_its_booleans_are_no_numbers(value: object, seconds: object) -> None:
    assert read(SECONDS, value) == seconds


@given(st.integers(0, 364), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_may_be_written_in_several_units(days: int, hours: int, minutes: int, seconds: int) -> None:
    total = days * DAY + hours * 3600 + minutes * 60 + seconds
    assert SECONDS.from_text(f"{days}d{hours}h{minutes}m{seconds}s") == total


@given(st.integers(0, 365 * 86_400_000))
def test_a_duration_of_whole_milliseconds_is_shown_so_that_it_can_be_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert SECONDS.from_text(show_seconds(seconds)) == pytest.approx(seconds, abs=1e-9)


@given(st.floats(0, 365 * DAY))
def test_any_duration_that_was_read_can_be_read_back_from_what_is_shown(seconds: float) -> None:
    assert SECONDS.from_text(SECONDS.show(seconds)) == pytest.approx(seconds, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.25, "0.25s"), (30.0, "30s"), (90.0, "90s"), (600.0, "10m"), (3600.0, "1h"), (DAY, "1d")],
)
def test_a_duration_is_shown_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert show_seconds(seconds) == text


# names

NAMES = Names("names of cups", nameless="default", longest=7, most=3)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" a , b c ", ("a", "b c")),
        ("Tea", ("Tea",)),
        (["a", "b"], ("a", "b")),
        (["a"], ("a",)),
        # the one without a name has a word
        ("default", ("",)),
        ("default,b", ("", "b")),
        ("b,DEFAULT", ("b", "")),
        (["default"], ("",)),
        # an empty list takes back what a lower layer has named; an empty text is a mistake
        ([], ()),
        ("", NOT_ALLOWED),
        ("a,", NOT_ALLOWED),
        (",a", NOT_ALLOWED),
        ("a,,b", NOT_ALLOWED),
        ([""], NOT_ALLOWED),
        (["a,b"], NOT_ALLOWED),
        ("a\nb", NOT_ALLOWED),
        ("too long", NOT_ALLOWED),
        ("a,b,c,d", NOT_ALLOWED),
        ("a,b,a", NOT_ALLOWED),
        ("a,A", NOT_ALLOWED),
        ("default,Default", NOT_ALLOWED),
        (["a", 1], NOT_ALLOWED),
        (1, NOT_ALLOWED),
        (True, NOT_ALLOWED),
        ({"a": 1}, NOT_ALLOWED),
    ],
    ids=repr,
)
def test_names_are_separated_by_commas_or_stand_in_a_list(value: object, names: object) -> None:
    assert read(NAMES, value) == names


def test_a_name_that_is_there_twice_is_named() -> None:
    with pytest.raises(ValueError, match="'a,b,A' has 'A' twice"):
        NAMES.from_text("a,b,A")


def test_names_are_shown_so_that_they_can_be_read_back() -> None:
    assert NAMES.show(("", "b")) == "default,b"
    assert NAMES.from_text(NAMES.show(("", "b"))) == ("", "b")


# a span of time, for people who wait for its end


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (-5.0, "0s"),
        (0.2, "1s"),
        (48.0, "48s"),
        (47.1, "48s"),
        (59.9, "1m"),
        (60.0, "1m"),
        (61.0, "1m1s"),
        (598.0, "9m58s"),
        (3600.0, "1h"),
        (3601.0, "1h"),
        (3661.0, "1h1m"),
        (7200.0, "2h"),
        (28 * 3600.0, "1d4h"),
        (DAY + 59.0, "1d"),
        (DAY + 60.0, "1d"),
        (400 * DAY, "400d"),
    ],
)
def test_a_span_is_shown_to_the_second_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert show_span(seconds) == text


def test_a_whole_second_is_not_rounded_up_for_what_floats_leave_behind() -> None:
    assert show_span(0.1 + 0.2 + 47.7) == "48s"


@given(st.floats(0, 365 * DAY))
def test_a_span_that_is_shown_can_be_read_and_leaves_out_no_more_than_its_smaller_units(seconds: float) -> None:
    left_out = seconds - SECONDS.from_text(show_span(seconds))
    assert -1 <= left_out < 3600
    assert left_out <= seconds / 24 + 1e-3


@pytest.mark.parametrize(("text", "allowed"), [("0.99", False), ("1", True), ("60", True), ("1m", True), ("61", False)])
def test_the_bounds_of_a_duration_belong_to_it(text: str, allowed: bool) -> None:
    assert (read(Seconds(1, 60), text) != NOT_ALLOWED) is allowed


# whole numbers


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1", 1),
        ("253", 253),
        (7, 7),
        ("0", NOT_ALLOWED),
        ("254", NOT_ALLOWED),
        (0, NOT_ALLOWED),
        (254, NOT_ALLOWED),
        ("-1", NOT_ALLOWED),
        ("+1", NOT_ALLOWED),
        ("1.0", NOT_ALLOWED),
        ("1e2", NOT_ALLOWED),
        ("1_0", NOT_ALLOWED),
        (" 1", NOT_ALLOWED),
        ("0x1", NOT_ALLOWED),
        ("٣", NOT_ALLOWED),
        ("²", NOT_ALLOWED),
        ("", NOT_ALLOWED),
        ("9" * 5000, NOT_ALLOWED),
        (1.0, NOT_ALLOWED),
        (True, NOT_ALLOWED),
        (10**400, NOT_ALLOWED),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_whole_number_is_decimal_digits_within_bounds(value: object, number: object) -> None:
    assert read(Whole(1, 253), value) == number


@given(st.integers(-5, 300))
def test_a_whole_number_survives_being_shown(number: int) -> None:
    kind = Whole(-5, 300)
    assert read(kind, kind.show(number)) == (number if number >= 0 else NOT_ALLOWED)


# words, flags, text


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("text", "text"),
        ("json", "json"),
        ("JSON", NOT_ALLOWED),
        ("", NOT_ALLOWED),
        ("js", NOT_ALLOWED),
        (1, NOT_ALLOWED),
    ],
)
def test_one_of_a_few_words_is_taken_exactly(value: object, word: str) -> None:
    assert read(OneOf("text", "json"), value) == word


def test_the_words_that_are_allowed_are_told_as_people_do() -> None:
    assert OneOf("text", "json").allowed == "text or json"
    assert OneOf("replica", "source", "any").allowed == "replica, source or any"


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((word, True) for word in ("true", "yes", "on", "1", "TRUE", "On", True)),
        *((word, False) for word in ("false", "no", "off", "0", "No", False)),
        *((word, NOT_ALLOWED) for word in ("", "2", "y", "enabled", " on", 1, 0, None)),
    ],
)
def test_a_flag_is_read_in_the_words_that_environments_use(value: object, flag: object) -> None:
    result = read(Flag(), value)
    assert result is flag or result == flag == NOT_ALLOWED


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_survives_being_shown(flag: bool) -> None:
    assert Flag().from_text(Flag().show(flag)) is flag


@pytest.mark.parametrize("text", ["", "two\nlines", "tab\t", "bell\x07", "\udcff"])
def test_text_is_not_empty_and_fits_one_line(text: str) -> None:
    assert read(Text(), text) == NOT_ALLOWED


def test_text_is_taken_as_it_is() -> None:
    assert read(Text(), " a 'b' \\ ü ") == " a 'b' \\ ü "


# layers


class Tea(Group):
    """What the tests of layers are told."""

    cups = Setting[int](Whole(1, 9), default=2, help="How many.")
    brew = Setting[float](Seconds(1, 600), default=180.0, help="How long.")
    cool = Setting[float](
        Seconds(), default=60.0, derive=lambda tea: tea.brew / 3, default_text="a third of brew", help="How long then."
    )
    milk = Setting[bool](Flag(), default=False, help="With milk.")
    leaf = Setting[str | None](Text(), default=None, help="Which.", sources=frozenset({"cli", "env"}))

    def conflicts(self) -> Iterator[tuple[str, str]]:
        yield from super().conflicts()
        if self.cool > self.brew:
            yield "cool", "cools longer than it brews"
        if self.leaf is None and self.milk:
            yield "leaf", "milk wants a leaf"


def layer(source: str, values: Mapping[str, object]) -> Layer:
    return Layer(source, values, lambda setting: f"{source}:{setting.name}")


def problems_of(*layers: Layer) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        resolve(Tea, layers)
    return [str(problem) for problem in raised.value.problems]


def test_without_any_layer_everything_is_the_default() -> None:
    tea = resolve(Tea, [])
    assert (tea.cups, tea.brew, tea.milk, tea.leaf) == (2, 180.0, False, None)
    assert tea.origins == {}


def test_a_later_layer_wins() -> None:
    tea = resolve(Tea, [layer("defaults", {"cups": 3, "milk": True}), layer("cli", {"cups": "4", "leaf": "Assam"})])
    assert (tea.cups, tea.milk) == (4, True)
    assert tea.origins == {"cups": 1, "milk": 0, "leaf": 1}


def test_a_derived_default_follows_what_was_given() -> None:
    assert resolve(Tea, [layer("cli", {"brew": "5m"})]).cool == 100.0
    assert resolve(Tea, []).cool == 60.0


def test_what_is_given_is_not_derived() -> None:
    assert resolve(Tea, [layer("cli", {"brew": "5m", "cool": "7"})]).cool == 7.0


def test_a_wrong_value_is_told_with_its_place_the_value_and_what_is_allowed() -> None:
    assert problems_of(layer("env", {"cups": "ten"})) == [
        "env:cups: 'ten' is not allowed; allowed is a whole number from 1 to 9"
    ]


def test_every_problem_of_every_layer_is_told_at_once() -> None:
    assert problems_of(
        layer("defaults", {"cups": 0, "leaf": "Assam", "brw": 3}),
        layer("env", {"brew": "1e3"}),
        layer("cli", {"milk": "perhaps"}),
    ) == [
        "defaults:cups: 0 is not allowed; allowed is a whole number from 1 to 9",
        "defaults:leaf: leaf cannot be set here, only by: cli, env",
        "defaults:brw: there is no setting 'brw'; did you mean brew?",
        "env:brew: '1e3' is not allowed; allowed is a duration from 1s to 10m, like 30s, 10m or 1h",
        "cli:milk: 'perhaps' is not allowed; allowed is true or false",
    ]


def test_a_wrong_value_is_told_even_where_a_later_layer_gives_a_right_one() -> None:
    assert len(problems_of(layer("defaults", {"cups": 0}), layer("cli", {"cups": "4"}))) == 1


def test_problems_found_elsewhere_come_first() -> None:
    with pytest.raises(SettingsError) as raised:
        resolve(Tea, [layer("cli", {"cups": "0"})], [Problem("elsewhere", "was wrong too")])
    assert [problem.place for problem in raised.value.problems] == ["elsewhere", "cli:cups"]


def test_a_conflict_is_told_where_the_value_came_from() -> None:
    assert problems_of(layer("defaults", {"brew": 10}), layer("env", {"cool": 20})) == [
        "env:cool: cools longer than it brews"
    ]


def test_a_conflict_over_a_default_is_told_with_the_option_s_name() -> None:
    assert problems_of(layer("cli", {"milk": "true"})) == ["--leaf: milk wants a leaf"]


def test_an_option_file_may_give_what_other_files_may_not() -> None:
    assert resolve(Tea, [layer("file", {"leaf": "Assam"})]).leaf == "Assam"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("max-lag", "; did you mean max_lag?"),
        ("MAX_LAG", "; did you mean max_lag?"),
        ("maxlag", "; did you mean max_lag?"),
        ("resume_leg", "; did you mean resume_lag?"),
        ("pasword", "; did you mean password?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_a_misspelt_name_is_told_the_nearest_one(name: str, hint: str) -> None:
    assert nearest(name, list(Settings.declared())) == hint


def test_code_cannot_build_a_group_with_a_misspelt_name() -> None:
    with pytest.raises(TypeError, match="no setting cup"):
        Tea.of(cup=3)


# the declarations of the real ones


@pytest.mark.parametrize("setting", Settings.declared().values(), ids=lambda setting: setting.name)
def test_a_setting_says_what_it_does_and_its_default_is_allowed(setting: Setting[Any]) -> None:
    assert setting.help.endswith(".")
    assert setting.option == "--" + setting.name.replace("_", "-")
    assert setting.variable == "MYSQLCHECK_" + setting.name.upper()
    if setting.default not in (None, "", ()):
        assert setting.kind.from_text(setting.kind.show(setting.default)) == setting.default


@given(st.floats(1, 365 * DAY))
def test_whatever_max_lag_is_the_derived_limits_stand_in_order(max_lag: float) -> None:
    settings = Settings.of(host="h", max_lag=max_lag)
    assert settings.lag_ok <= settings.resume_lag <= settings.max_lag
    assert list(settings.conflicts()) == []


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = Settings.of(host="h")
    assert (settings.lag_ok, settings.resume_lag, settings.max_lag) == (10.0, 30.0, 60.0)
    assert (settings.max_staleness, settings.timeout, settings.role) == (3600.0, 3.0, "replica")
    assert (settings.port, settings.user, settings.tls) == (3306, "mysqlcheck", "preferred")


def test_lag_ok_derives_from_a_resume_lag_that_is_small() -> None:
    assert Settings.of(host="h", resume_lag=4.0).lag_ok == 4.0
