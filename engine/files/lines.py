"""Rows of delimited text, one by one and exactly: what does not fit is kept as it is written, never bent to fit."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.files.content import Content

_LONGEST_CELL = 1 << 24
csv.field_size_limit(_LONGEST_CELL)  # the default of 128 KB is less than a long description with pictures


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are set apart and quoted; `quote` is empty where nothing is."""

    delimiter: str = ","
    quote: str = '"'

    def reader(self, lines: Iterator[str], strict: bool = False) -> Iterator[list[str]]:
        """The standard library's reader of this dialect."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=strict)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)


class Line(NamedTuple):
    """A row as it stands in the file: its cells, or None where they cannot be told apart, and its whole text."""

    cells: list[str] | None
    text: str


class Unclosed(Exception):
    """A quote is open at the end of the file: the line of it that opens the quote, by number and text."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text
        super().__init__(line)


class RowReader:
    """Reads rows from lines of text. After a row with a stray quote it goes on with the next line."""

    def __init__(self, lines: Iterator[str], dialect: Dialect) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._rows = dialect.reader(self._feed(), strict=True)
        self._dialect = dialect
        self._before = 0
        self._ended = False

    def __iter__(self) -> Iterator[Line]:
        while True:
            self._before += len(self._taken)
            self._taken = []
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error:
                yield self._stray()
            else:
                yield Line(cells, _whole(self._taken))

    def _feed(self) -> Iterator[str]:
        while self._again or not self._ended:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                self._ended = True
                return
            self._taken.append(line)
            yield line

    def _stray(self) -> Line:
        """The first line of a row that cannot be told apart; what else was taken for it is read again."""
        text = "".join(self._taken)
        if self._ended or len(text) >= _LONGEST_CELL:
            line = _opened_at(text, self._dialect)
            raise Unclosed(self._before + line, _whole(self._taken[line - 1 : line]))
        self._again.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        self._rows = self._dialect.reader(self._feed(), strict=True)
        return Line(None, _whole(self._taken))


@dataclass(frozen=True, slots=True)
class Body:
    """The records of a delimited file: they begin `start` bytes into it, after `lines` lines, with row `first_row`.

    `pads` tells that the writer leaves out empty cells at the end of a row.
    """

    file: Path
    columns: tuple[str, ...]
    dialect: Dialect
    start: int = 0
    lines: int = 0
    first_row: int = 1
    pads: bool = False

    def rows(self, content: Content) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        """The records as a connector hands them over; GiveUp where a quote is never closed."""
        with opened(self.file, self.start) as text:
            try:
                for number, line in enumerate(RowReader(text, self.dialect), self.first_row):
                    if line.cells is None or any(cell.strip(" \t\r\n") for cell in line.cells):
                        yield number, *self._fitted(line)
            except Unclosed as failure:
                raise content.refused("unclosed-quote", self.lines + failure.line, text=failure.text[:200]) from None

    def _fitted(self, line: Line) -> tuple[tuple[str | None, ...], str | None]:
        values = fitted(line.cells, len(self.columns), self.pads) if line.cells is not None else None
        return ((), line.text) if values is None else (values, None)


def fitted(cells: list[str] | tuple[str | None, ...], width: int, pads: bool) -> tuple[str | None, ...] | None:
    """The cells as values of so many columns, an empty one None; None where they do not fit.

    Empty cells too many at the end do not matter. Cells too few do, unless the writer leaves out empty ones.
    """
    if any(cell and cell.strip() for cell in cells[width:]) or (len(cells) < width and not pads):
        return None
    return (*(cell or None for cell in cells[:width]), *([None] * (width - len(cells))))


def opened(file: Path, start: int = 0) -> io.TextIOWrapper:
    """A UTF-8 file from a byte on; line ends stay as they are."""
    raw = file.open("rb")
    raw.seek(start)
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def _whole(lines: list[str]) -> str:
    return "".join(lines).rstrip("\r\n")


def _opened_at(text: str, dialect: Dialect) -> int:
    """Which line of the text (from 1) opens the quote that its end does not close."""
    mark, cut = re.escape(dialect.quote or '"'), re.escape(dialect.delimiter)
    found = re.search(rf"(?:^|[{cut}\r\n]){mark}([^{mark}]*(?:{mark}{mark}[^{mark}]*)*)\Z", text)
    return text.count("\n", 0, found.start(1)) + 1 if found else 1
