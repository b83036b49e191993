"""Turn diagnostics into text, JSON or CI annotations: the one place that does. No form shows a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from unicodedata import combining, east_asian_width

from engine.diagnostic import Diagnostic, Language, Place, in_order
from engine.diagnostic.catalogue import Words
from engine.diagnostic.masking import mask, masked, masked_place

_SEVERITY = {
    "en": {"error": "error", "warning": "warning", "note": "note"},
    "zh": {"error": "错误", "warning": "警告", "note": "提示"},
}
_HELP = {"en": ("note", "help"), "zh": ("说明", "建议")}
_WIDEST = 160
"""Columns of a manifest's line that are shown; a longer line is cut around the mark."""
_COLON = {"en": ": ", "zh": "："}
_COLOUR = {"error": "1;31", "warning": "1;33", "note": "1;36"}


def text(found: Iterable[Diagnostic], language: Language = "en", *, colour: bool = False) -> str:
    """Diagnostics for a person, in the manner of rustc: message, place, marked line, notes, help."""
    return "\n\n".join(_one(diagnostic, language, colour) for diagnostic in in_order(found))


def as_json(found: Iterable[Diagnostic], language: Language = "en") -> str:
    """Diagnostics for programs: a JSON array, one object each; codes and facts do not depend on the language."""
    return json.dumps([describe(one, language) for one in in_order(found)], ensure_ascii=False, indent=2)


def describe(diagnostic: Diagnostic, language: Language = "en") -> dict[str, object]:
    """One diagnostic as plain values."""
    words, place = masked(diagnostic.words(language)), diagnostic.place
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": words.message,
        "place": None
        if place is None
        else {"path": mask(place.path), "line": place.line, "column": place.column, "width": place.width},
        "label": words.label,
        "notes": list(words.notes),
        "help": words.help,
    }


def github(found: Iterable[Diagnostic], language: Language = "en", folder: str = ".") -> str:
    """Diagnostics as GitHub workflow commands, so that CI marks the lines of a pull request.

    `folder` is the way from the top of the repository to the project: annotations name files from there.
    """
    return "\n".join(_annotation(one, language, folder) for one in in_order(found))


def width(string: str) -> int:
    """Columns that a terminal gives to the string; Chinese characters take two."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in string)


def _visible(words: Words) -> Words:
    """Words without the control characters that names and values may hold: a terminal would obey them."""

    def shown(part: str) -> str:
        return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in part)

    return Words(
        shown(words.message),
        None if words.label is None else shown(words.label),
        tuple(shown(note) for note in words.notes),
        None if words.help is None else shown(words.help),
    )


def _one(diagnostic: Diagnostic, language: Language, colour: bool) -> str:
    words = _visible(masked(diagnostic.words(language)))
    head = f"{_SEVERITY[language][diagnostic.severity]}[{diagnostic.code}]"
    lines = [
        f"{_paint(head, _COLOUR[diagnostic.severity], colour)}{_COLON[language]}{_paint(words.message, '1', colour)}"
    ]
    margin = 1
    if diagnostic.place:
        margin = len(str(diagnostic.place.line or 1))
        lines += _marked(diagnostic.place, words, margin, _COLOUR[diagnostic.severity], colour)
    note, help_ = _HELP[language]
    remarks = [(note, one) for one in words.notes] + ([(help_, words.help)] if words.help else [])
    for kind, remark in remarks:
        first, *rest = remark.splitlines() or [""]
        start = f"{' ' * margin} {_paint('=', '1;34', colour)} {kind}{_COLON[language]}"
        indent = " " * (margin + 5 + width(kind))
        lines += [f"{start}{first}", *(f"{indent}{line}" for line in rest)]
    return "\n".join(lines)


def _marked(place: Place, words: Words, margin: int, tint: str, colour: bool) -> list[str]:
    pad, bar = " " * margin, _paint("|", "1;34", colour)
    lines = [f"{pad}{_paint('-->', '1;34', colour)} {mask(str(place))}"]
    if not place.line:
        return lines
    before, marked, after = _shown(masked_place(place))
    carets = "^" * max(width(marked), 1)
    label = f" {words.label}" if words.label else ""
    number = _paint(str(place.line), "1;34", colour)
    return [
        *lines,
        f"{pad} {bar}",
        f"{number} {bar} {before}{marked}{after}".rstrip(),
        f"{pad} {bar} {' ' * width(before)}{_paint(carets + label, tint, colour)}",
        f"{pad} {bar}",
    ]


def _shown(place: Place) -> tuple[str, str, str]:
    """The line before, in and after the marked stretch, as much as fits on a screen."""
    line = "".join(char if char.isprintable() else " " for char in place.text)
    start, end = place.column - 1, place.column - 1 + place.width
    before, marked, after = line[:start], line[start:end], line[end:]
    if width(line) <= _WIDEST:
        return before, marked, after
    if len(marked) > _WIDEST // 2:
        marked, after = f"{marked[: _WIDEST // 2]}…", ""
    room = (_WIDEST - width(marked)) // 4  # half the room on each side, in characters of two columns
    before = before if len(before) <= room else f"…{before[-room:]}"
    after = after if len(after) <= room else f"{after[:room]}…"
    return before, marked, after


def _annotation(diagnostic: Diagnostic, language: Language, folder: str) -> str:
    words, place = _visible(masked(diagnostic.words(language))), diagnostic.place
    level = {"error": "error", "warning": "warning", "note": "notice"}[diagnostic.severity]
    where = ""
    if place:
        path = mask(place.path)
        path = path if folder == "." or path.startswith(("/", "<")) else f"{folder}/{path}"
        where = f" file={_property(path)}"
        if place.line:
            where += f",line={place.line},col={place.column},endColumn={place.column + place.width}"
    title = f"{',' if where else ' '}title={_property(diagnostic.code)}"
    body = "\n".join([words.message, *words.notes, *([words.help] if words.help else [])])
    return f"::{level}{where}{title}::{_data(body)}"


def _data(string: str) -> str:
    return string.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(string: str) -> str:
    return _data(string).replace(":", "%3A").replace(",", "%2C")


def _paint(string: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{string}\x1b[0m" if colour else string
