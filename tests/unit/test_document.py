"""YAML as manifests read it: what is text and what is not, where everything stands, and that nothing else comes out."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.check import check
from engine.diagnostic import Findings, render
from engine.document import Document, parse, read
from engine.load import KINDS, library, load
from engine.load.schema import violations


def document(text: str) -> Document:
    """A document that is right."""
    made, found = parse(text, "a.yaml")
    assert made is not None, found
    return made


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text."""
    return [one.code for one in parse(text, "a.yaml")[1]]


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        *((word, word) for word in ("NO", "no", "yes", "on", "off", "True", "TRUE", "Null", "NULL", "~", "y", "n")),
        *(
            (word, word)
            for word in ("012", "00501", "0x1F", "0o7", "0b1", "1_000", "+1", "1e3", "1.5e3", "1.", ".5", "--")
        ),
        *(
            (word, word)
            for word in ("12:30", "12:30:45", "2024-01-01", "2024-01-01 12:00:00", ".inf", ".nan", "=", "1,000")
        ),
        *((word, word) for word in ("1234567890123456789", "37253626588125952051", "-0012", "3.10.1", "１２", "00.5")),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("123456789012345678", 123456789012345678),
        ("3.10", Decimal("3.10")),
        ("-0.05", Decimal("-0.05")),
    ],
)
def test_plain_scalars(plain: str, value: object):
    made = document(f"key: {plain}\n").value["key"]
    assert made == value
    assert type(made) is type(value)
    assert str(made) == str(value)


@pytest.mark.parametrize("quoted", ["'12'", '"12"', "'true'", '"null"', "'3.10'"])
def test_quoted_scalars_are_text(quoted: str):
    assert document(f"key: {quoted}").value["key"] == quoted[1:-1]


def marked(place: object) -> str:
    """What a place marks."""
    return place.text[place.column - 1 : place.column - 1 + place.width]  # type: ignore[attr-defined]


def test_keys_and_values_have_places():
    made = document("名称: 店铺\nlist:\n  - a: 1\n    b: [x, y]\n  - {c: 2}\n")
    assert (str(made.key("名称")), str(made.place("名称"))) == ("a.yaml:1:1", "a.yaml:1:5")
    assert str(made.place("list", 0, "b", 1)) == "a.yaml:4:12"
    assert marked(made.place("list", 0, "b")) == "[x, y]"
    assert marked(made.place("list", 1)) == "{c: 2}"
    assert marked(made.key("list", 0)) == "a"
    assert marked(made.key("list", 1)) == "c"
    assert str(made.place("list", 0, "no such", "thing")) == "a.yaml:3:5"
    assert marked(made.place()) == "名称"


INSIDE = [
    ("key: 甲 and bad\n", "bad", 1, 12),
    ("key: '甲 and bad'\n", "bad", 1, 13),
    ("key: 'it''s ''甲'' bad'\n", "bad", 1, 19),
    ('key: "甲 \\"x\\" \\u7532 bad"\n', "bad", 1, 22),
    ('key: "a\\x41\\U00007532\\n bad"\n', "bad", 1, 25),
    ("key: |\n  甲 and\n    then bad\n", "bad", 3, 10),
    ("key: |-\n\n  甲\n\n  bad", "bad", 5, 3),
    ("key: |2\n    deep\n  bad\n", "bad", 3, 3),
    ("key: >-\n  甲 and\n  then bad\n", "bad", 3, 8),
    ("key: >\n  a\n\n\n  b bad\n", "bad", 5, 5),
    ("key: a\n  b\n  甲 bad\n", "bad", 3, 5),
    ("key: 'a\n  b\n\n  bad'\n", "bad", 4, 3),
    ('key: "a \\\n  b\n  bad"\n', "bad", 3, 3),
    ("key: # comment\n  bad\n", "bad", 2, 3),
    ("list: {key: [甲, bad]}\n", "bad", 1, 17),
]


@pytest.mark.parametrize(("text", "word", "line", "column"), INSIDE)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_inside_text(tmp_path: Path, text: str, word: str, line: int, column: int, ending: str, mark: str):
    file = tmp_path / "a.yaml"
    file.write_bytes((mark + text.replace("\n", ending)).encode())
    made, found = read(file, "a.yaml")
    assert made is not None, found
    path = ("key",) if "key" in made.value else ("list", "key", 1)
    at = made.value_at(path).index(word)
    place = made.inside(path, at, at + len(word))
    assert (place.line, place.column, marked(place)) == (line, column, word)
    assert "\r" not in place.text


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]) | st.just("\n"), max_size=60),
    st.sampled_from(["'", '"', "|", ">"]),
)
def test_every_place_inside_text_is_in_the_text(value: str, style: str):
    import yaml

    written = yaml.dump({"key": value}, default_style=style, allow_unicode=True, width=20)
    made, found = parse(written, "a.yaml")
    assert made is not None, found
    assert made.value == {"key": value}
    for at in range(len(value)):
        place = made.inside(("key",), at, at + 1)
        assert place.line >= 1
        if value[at].isalnum() and value[at].isascii() and style in "'|":
            assert marked(place) == value[at]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["empty-document"]),
        ("# nothing\n", ["empty-document"]),
        ("a: 1\na: 2\n", ["duplicate-key"]),
        ("a: 1\n'a': 2\n", ["duplicate-key"]),
        ("a: &x 1\nb: *x\n", ["yaml-feature", "yaml-feature"]),
        ("<<: {a: 1}\n", ["yaml-feature"]),
        ("'<<': {a: 1}\n", []),
        ("a: !!int 1\n", ["yaml-feature"]),
        ("a: 1\n---\nb: 1\n", ["yaml-feature"]),
        ("---\na: 1\n", []),
        ("? [a]\n: b\n", ["not-a-key"]),
        ("{{a}}: 1\n", ["not-a-key", "not-a-key"]),
        ("a:\n\tb: 1\n", ["tab-indent"]),
        ("a：1\nb: 2\n", ["full-width-colon"]),
        ("# 口径：支付\na: [\n", ["yaml-syntax"]),
        ("about: |\n  口径：支付\nb: c: d\n", ["yaml-syntax"]),
        ("a: " + "[" * 60 + "]" * 60, ["too-deep"]),
        ("a: \x07\n", ["yaml-syntax"]),
    ],
)
def test_what_manifests_do_not_use(text: str, expected: list[str]):
    assert codes(text) == expected


def test_a_file_that_is_not_utf8_is_shown_as_what_it_is(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_bytes("key: x\n名称: 店铺\n".encode("gb18030"))
    _, (found,) = read(file, "a.yaml")
    assert (found.code, str(found.place), found.place and found.place.text) == ("not-utf8", "a.yaml:2:1", "名称: 店铺")
    file.write_bytes(b"key: \xff\xff\xff\n")
    _, (found,) = read(file, "a.yaml")
    assert (found.code, str(found.place)) == ("not-utf8", "a.yaml:1:6")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * 2_000_001)
    assert [one.code for one in read(file, "a.yaml")[1]] == ["too-large"]
    assert [one.code for one in read(tmp_path, "a.yaml")[1]] == ["unreadable-file"]


# --- whatever is written, findings are all that comes out -------------------------------------------------------------

SHIPPED = [file.read_text("utf-8") for file in sorted(library().glob("m*/**/*.yaml"))]
PIECES = st.sampled_from(
    ["\t", ":", "：", "- ", "[", "]", "{", "}", "'", '"', "|", ">", "&a", "*a", "!!", "<<: ", "---", "#", "%", "@",
     "\n", "  ", "\r", "\x00", "\x85", "\u2028", "\ufeff", "\ud7ff", "null", "1e3", "? ", ", ", "=", "\\", "kind: "]
)  # fmt: skip


def whatever(text: str) -> None:
    """Read a text and hold it against every schema; all findings have words and places in the text."""
    made, found = parse(text, "a.yaml")
    assert (made is None) == bool(found)
    found += tuple(one for kind in KINDS for one in violations(made, kind)) if made else ()
    lines = text.count("\n") + 1
    for one in found:
        assert one.words("en").message
        assert one.words("zh").message
        assert one.place is not None
        assert 0 <= one.place.line <= lines


@given(st.text(max_size=200))
@example("\x00")
@example("a: \ud7ff\x85b")
@example("- - - ? : -")
@example("{a: 1, a: 2, [x]: *y, !t b: &z c}")
@example("%YAML 1.1\n---\na: 1")
@example("%TAG ! tag:x,2000:\n--- !a\nb")
@example('"\\')
@example("'\n\n")
def test_no_text_raises(text: str):
    whatever(text)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_heap_of_signs_raises(text: str):
    whatever(text)


@given(st.data())
def test_no_change_of_a_shipped_manifest_raises(data: st.DataObject):
    text = data.draw(st.sampled_from(SHIPPED))
    start = data.draw(st.integers(0, len(text)))
    text = text[max(start - 300, 0) : start + 300] if data.draw(st.booleans()) else text
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(PIECES | st.text(max_size=5)) + text[at + length :]
    whatever(text)


# --- and the same for a whole project ---------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "examples" / "tmall_store"
MANIFESTS = {file.relative_to(EXAMPLE): file.read_text("utf-8") for file in sorted(EXAMPLE.rglob("*.yaml"))}
WORD = re.compile(r"[^\W\d]\w*|\d+|[^\w\s]")
WORDS = sorted({word for text in [*MANIFESTS.values(), *SHIPPED] for word in WORD.findall(text)})


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests and maps of the example, where they may be changed."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", "data"))
    return folder


@settings(max_examples=40)
@given(data=st.data())
def test_no_change_of_a_project_raises_anything_but_findings(copy: Path, data: st.DataObject):
    changed = data.draw(st.sampled_from(sorted(MANIFESTS)))
    text = MANIFESTS[changed]
    for _ in range(data.draw(st.integers(1, 3))):
        spot = data.draw(st.sampled_from(list(WORD.finditer(text)) or [re.match("", text)]))
        text = text[: spot.start()] + data.draw(st.sampled_from(WORDS) | PIECES) + text[spot.end() :]
    (copy / changed).write_text(text, "utf-8")
    try:
        found = check(load(copy))
    except Findings as failure:
        found = failure.diagnostics
    finally:
        (copy / changed).write_text(MANIFESTS[changed], "utf-8")
    assert render.text(found, "en").count("\n") >= len(found) - 1
    assert render.text(found, "zh").count("\n") >= len(found) - 1
