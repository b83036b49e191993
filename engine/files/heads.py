"""The headers of a file, found without reading its records: what an export is recognised by."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace

from engine.connector import Columnar, GiveUp
from engine.files.content import Content, new_file
from engine.files.excel import first_rows
from engine.files.header import SEARCHED, column_names, find_header, is_blank
from engine.files.kind import Kind, kind_of
from engine.files.opening import landing_of

_START = 1 << 18
_BLIND = frozenset({"empty-file", "no-header", "no-table", "no-records", "several-lists"})
"""Findings that say that a file has no headers; all others say that it cannot be read."""


@dataclass(frozen=True, slots=True)
class Head:
    """Headers as they stand in one sheet of a file, and the row that they stand in."""

    headers: tuple[str, ...]
    sheet: str | None = None
    row: int | None = None


def heads_of(content: Content, names: frozenset[str]) -> tuple[Head, ...]:
    """The headers of every sheet; `names`, normalised, are headers to look for. GiveUp where the file cannot be read."""
    content = replace(content, wanted=names)
    try:
        if content.file.stat().st_size == 0:
            return ()
        kind = kind_of(content)
        return _of_workbook(content, names) if kind == "excel" else _of_text(content, kind)
    except GiveUp as given_up:
        if {one.code for one in given_up.diagnostics} <= _BLIND:
            return ()
        raise


def _of_workbook(content: Content, names: frozenset[str]) -> tuple[Head, ...]:
    heads = []
    for sheet, rows in first_rows(content, 3 * SEARCHED):
        header = find_header([row for row in rows if not is_blank(row.cells)], names)
        if header:
            heads.append(Head(column_names(header.cells), sheet, header.number))
    return tuple(heads)


def _of_text(content: Content, kind: Kind) -> tuple[Head, ...]:
    # A document has to be read as a whole to be understood; of lines the first are enough.
    landing = landing_of(_start_of(content) if kind in ("csv", "tsv", "jsonl") else content)
    if landing.records is None or isinstance(landing.records, Columnar):
        return ()
    return (Head(landing.records.columns, None, landing.detail.get("header_row")),)


def _start_of(content: Content) -> Content:
    """The first whole lines of a long file."""
    with content.file.open("rb") as file:
        start = file.read(_START)
        if not file.read(1):
            return content
    if not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" not in start[:100]:
        start = start[: start.rfind(b"\n") + 1] or start
    copy = new_file(content.scratch, "start")
    with copy.open("wb") as file:
        file.write(start)
    return replace(content, file=copy)
