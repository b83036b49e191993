"""What an `.xlsx` says about its cells before they are read: how many there are, and which hold errors.

The library that reads workbooks gives an error cell as an empty one, and sets aside room for every cell between
the first and the last, so both are looked up here, in the sheet's XML.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from posixpath import join, normpath

MOST_CELLS = 100_000_000
"""A sheet may span so many cells, empty ones between the others included."""

_CHUNK = 1 << 22
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_ERROR = re.compile(
    rb'<(?:\w+:)?c\s(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>.{0,9000}?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_LINK = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


def cells_of(file: Path, sheet: str) -> int:
    """How many cells a sheet spans; 0 where that cannot be told."""
    columns: set[bytes] = set()
    first = last = 0
    for chunk in _chunks(file, sheet):
        found = _CELL.findall(chunk)
        if found:
            columns.update(letters for letters, _ in found)
            rows = [int(number) for _, number in (found[0], found[-1])]
            first, last = first or rows[0], max(last, *rows)
    places = [_column(letters) for letters in columns]
    return (last - first + 1) * (max(places) - min(places) + 1) if places else 0


def errors_of(file: Path, sheet: str) -> dict[tuple[int, int], str]:
    """The error cells of a sheet, such as `#N/A`, by row and column counting from 0."""
    return {
        (int(row) - 1, _column(letters)): unescape(text.decode())
        for chunk in _chunks(file, sheet)
        if b't="e"' in chunk
        for letters, row, text in _ERROR.findall(chunk)
    }


def _chunks(file: Path, sheet: str) -> Iterator[bytes]:
    """The sheet's XML, each piece ending with the end of a cell."""
    with zipfile.ZipFile(file) as archive:
        member = _member(archive, sheet)
        if member is None:
            return
        with archive.open(member) as opened:
            rest = b""
            while piece := opened.read(_CHUNK):
                whole, mark, rest = (rest + piece).rpartition(b"</c>")
                yield whole + mark
                rest = rest[-_CHUNK:]
            yield rest


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The archive's member that holds a sheet."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    ids = {unescape(_attribute(tag, "name")): _attribute(tag, r"\w+:id") for tag in _SHEET.findall(book)}
    targets = {_attribute(tag, "Id"): _attribute(tag, "Target") for tag in _LINK.findall(links)}
    target = targets.get(ids.get(sheet, ""), "")
    path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
    return path if path in names else None


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\s{name}=(?:"([^"]*)"|'([^']*)')""", tag)
    return (found[1] or found[2] or "") if found else ""


def _column(letters: bytes) -> int:
    """The position of a column, counting from 0: `A` is 0, `AA` 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
