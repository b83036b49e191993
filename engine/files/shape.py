"""The shape of a sheet: which row is the header, where the records begin, and where they end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from engine.connector import Landing, Rows
from engine.files.content import Content
from engine.files.footer import MOST, as_text, footer_pattern, split_tail
from engine.files.header import SEARCHED, Row, changed_names, column_names, find_header, is_blank, width_of
from engine.files.lines import fitted

Sheet = Callable[[], Iterator[Row]]
"""Gives the rows of a sheet, from the first each time."""


def header_of(content: Content, rows: Sequence[Row]) -> tuple[Row | None, tuple[str | None, ...]]:
    """The header row, if there is one, and the names to use; GiveUp where neither is declared nor found."""
    settings = content.settings
    if settings.header_row:
        found = next((row for row in rows if row.number == settings.header_row and not is_blank(row.cells)), None)
    elif settings.header:
        return None, settings.header
    else:
        found = find_header(rows, content.wanted)
    if found is None:
        seen = _seen(rows)
        raise content.refused("no-header", seen=seen or None, row=settings.header_row, searched=SEARCHED)
    return found, settings.header or found.cells


def read_sheet(content: Content, sheet: Sheet, detail: dict[str, Any]) -> Landing:
    """The records of a sheet whose rows can be gone through again."""
    first = list(islice(sheet(), max(SEARCHED * 3, content.settings.header_row or 0)))
    if all(is_blank(row.cells) for row in first) and all(is_blank(row.cells) for row in sheet()):
        raise content.refused("empty-file")
    header, names = header_of(content, first)
    above = header.number if header else 0
    end, left_out, width = _extent(sheet, above, content)
    names = names[: max(width_of(names), min(width, len(names)))]
    columns = column_names(names)
    headers = changed_names(columns, names)
    detail = {**detail, "header_row": above or None, **({"headers": headers} if headers else {})}
    rows = Rows(columns, _Records(sheet, above, end, len(columns)))
    return Landing(rows, first_row=above + 1, left_out=left_out, detail=detail)


@dataclass(frozen=True, slots=True)
class _Records:
    """The rows of a sheet between its header and its totals."""

    sheet: Sheet
    above: int
    end: int
    width: int

    def __iter__(self) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        for number, cells in self.sheet():
            if self.above < number < self.end and not is_blank(cells):
                values = fitted(cells, self.width, pads=True)
                yield number, values or (), None if values is not None else _whole(cells)


def _extent(sheet: Sheet, above: int, content: Content) -> tuple[int, tuple[tuple[str, ...], ...], int]:
    """The row after the last record, the rows of totals, and the number of columns in use below the header."""
    last: deque[Row] = deque(maxlen=2 * MOST)
    width = end = 0
    for row in sheet():
        end = row.number + 1
        if row.number > above and not is_blank(row.cells):
            last.append(row)
            width = max(width, width_of(row.cells))
    _, footers = split_tail(list(last), footer_pattern(content.settings.footer))
    return (footers[0].number if footers else end), as_text(footers), width


def _whole(cells: Sequence[str | None]) -> str:
    return "\t".join(cell or "" for cell in cells)


def _seen(rows: Sequence[Row]) -> str:
    """The first rows as a note can show them."""
    filled = [row for row in rows if not is_blank(row.cells)][:3]
    shown = (f"{row.number}: " + " | ".join((cell or "").strip() for cell in row.cells) for row in filled)
    return "\n".join(line if len(line) <= 100 else line[:99] + "…" for line in shown)
