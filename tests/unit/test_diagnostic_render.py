"""How findings look: carets under the right characters, notes of several lines, colours, annotations, JSON."""

from __future__ import annotations

import json

import pytest

from engine.diagnostic import Place, finding, in_order, nearest
from engine.diagnostic.render import as_json, github, text, width


def mark_of(line: str, column: int, marked: int = 1) -> tuple[str, str]:
    """The line as it is shown and the line of carets under it, both without the margin."""
    place = Place("a.yaml", 1, column, marked, line)
    said = text([finding("duplicate-key", place, key="k")]).splitlines()
    return said[3].removeprefix("1 | ").removeprefix("1 |"), said[4].removeprefix("  | ").removesuffix(" second time")


@pytest.mark.parametrize(
    ("line", "column", "marked", "carets"),
    [
        ("name: x", 7, 1, "      ^"),
        ("金额: x", 5, 1, "      ^"),
        ("a: 金额", 4, 2, "   ^^^^"),
        ("\tname: x", 2, 4, " ^^^^"),
        ("e\u0301: x", 5, 1, "   ^"),
        ("", 1, 1, "^"),
        ("ab", 9, 1, "  ^"),
    ],
)
def test_carets_stand_under_what_is_meant(line: str, column: int, marked: int, carets: str):
    assert mark_of(line, column, marked)[1] == carets


def test_characters_that_cannot_be_seen_take_one_column():
    assert mark_of("a\tb\x07c\u200bd", 7, 1) == ("a b c d", "      ^")


def test_a_terminal_obeys_no_value():
    found = finding("missing-file", Place("a.yaml", 1, 1, 1, "\x1b[2J"), path="\x1b[2J\x00")
    assert not {"\x1b", "\x00"} & set(text([found]) + github([found]))
    assert "`\ufffd[2J\ufffd`" in text([found])


def test_a_long_line_is_cut_around_the_mark():
    line = "前" * 300 + "here" + "后" * 300
    shown, carets = mark_of(line, 301, 4)
    assert shown.startswith("…前")
    assert shown.endswith("后…")
    assert width(shown) <= 164
    start = shown.index("here")
    assert carets == " " * width(shown[:start]) + "^^^^"


def test_a_long_mark_is_cut_too():
    shown, carets = mark_of("x" * 5000, 1, 5000)
    assert shown == "x" * 80 + "…"
    assert carets == "^" * 81


def test_a_note_of_several_lines_is_indented_under_its_first():
    found = finding("no-header", Place("a.csv"), path="a.csv", searched=20, seen="1: a\n2: b")
    lines = text([found]).splitlines()
    at = lines.index("  = note: the first rows read:")
    assert lines[at + 1 : at + 3] == [" " * 10 + "1: a", " " * 10 + "2: b"]
    chinese = text([found], "zh").splitlines()
    assert " " * 10 + "1: a" in chinese


def test_a_place_without_a_line_is_only_named():
    assert text([finding("empty-file", Place("a.csv"), path="a.csv")]).splitlines()[1] == " --> a.csv"
    assert "-->" not in text([finding("nothing-published")])


def test_colours_are_asked_for_and_change_nothing_else():
    found = [finding("duplicate-key", Place("a.yaml", 3, 1, 4, "name: 金额"), key="name", first=1)]
    plain, coloured = text(found), text(found, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured
    assert "".join(part.split("m", 1)[-1] for part in coloured.split("\x1b[")) == plain


def test_what_is_missing_is_left_out():
    assert "help" not in text([finding("unknown-connector", Place("a.yaml"), name="x", known="files")])
    assert "did you mean `y`?" in text([finding("unknown-connector", Place("a.yaml"), name="x", near="y", known="y")])


def test_annotations_are_escaped():
    place = Place("a,b:c.yaml", 2, 3, 4, "text")
    said = github([finding("unreadable-file", place, path="100%", reason="bad\nworse")])
    assert said == (
        "::error file=a%2Cb%3Ac.yaml,line=2,col=3,endColumn=7,title=unreadable-file::cannot read `100%25`: bad%0Aworse"
    )
    assert github([finding("nothing-published")]).startswith("::error title=nothing-published::")
    assert github([finding("unused-source", Place("p.yaml", 1, 1), feed="a.b")]).startswith(
        "::warning file=p.yaml,line=1"
    )


def test_json_says_the_same_in_every_language():
    found = [finding("duplicate-key", Place("a.yaml", 3, 1, 4, "name: x"), key="name", first=1)]
    english, chinese = (json.loads(as_json(found, language))[0] for language in ("en", "zh"))
    assert (english["code"], english["place"]) == (chinese["code"], chinese["place"])
    assert english["place"] == {"path": "a.yaml", "line": 3, "column": 1, "width": 4}
    assert english["message"] != chinese["message"]


def test_findings_are_told_once_and_in_order():
    first, second = (finding("duplicate-key", Place("a.yaml", line, 1), key="k") for line in (2, 10))
    assert in_order([second, first, second]) == (first, second)


def test_chinese_lists_names_as_chinese_does():
    found = finding("none-of", Place("a.yaml"), keys="`a`, `b`")
    assert "`a`、`b`" in found.words("zh").message
    assert "`a`, `b`" in found.words("en").message


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("encodng", ["encoding", "path"], "encoding"),
        ("ORDERS", ["orders"], "orders"),
        ("order_amount", ["order_id", "shop_id"], None),
        ("元", ["yuan"], None),
        ("x", [], None),
    ],
)
def test_a_suggestion_is_near_or_there_is_none(given: str, known: list[str], meant: str | None):
    assert nearest(given, known) == meant
