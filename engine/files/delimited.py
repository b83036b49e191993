"""CSV and the like: find delimiter, header and totals by looking at both ends, and leave the middle to the warehouse.

A UTF-8 file is handed over as it is. A copy is made only where something has to go: another encoding, totals
at the end, a header that spreads over several lines.
"""

from __future__ import annotations

import csv
import mmap
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from engine.connector import Delimited, Landing, Rows
from engine.files.content import Content, new_file
from engine.files.encoding import Text, as_utf8
from engine.files.footer import as_text, footer_pattern, split_tail
from engine.files.header import Row, changed_names, column_names, is_blank, width_of
from engine.files.lines import Body, Dialect, opened
from engine.files.shape import header_of

_HEAD_ROWS = 200
_HEAD_LENGTH = 1 << 20
_TAIL = 1 << 16
_DELIMITERS = ",\t;|"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Head:
    """The first rows of a file, and for each the number of lines and bytes up to its end."""

    rows: list[Row]
    lines: list[int]
    ends: list[int]


def read_delimited(content: Content, kind: str) -> Landing:
    """The records of a CSV or TSV file; GiveUp where it cannot be told what they are."""
    text = as_utf8(content)
    sample = _sample(text)
    if not sample.strip():
        raise content.refused("empty-file")
    dialect = _dialect(content, kind, sample)
    head = _head(text, sample, dialect)
    header, names = header_of(content, head.rows)
    above = header.number if header else 0
    below = [row for row in head.rows if row.number > above and not is_blank(row.cells)]
    names = _trimmed(names, below)
    columns = column_names(names)
    body = Body(text.file, columns, dialect, text.start, 0, above + 1, _leaves_out_empty(below, len(columns)))
    if above:
        body = replace(body, start=head.ends[above - 1], lines=head.lines[above - 1])
    detail = _detail(kind, text, dialect, header, changed_names(columns, names))
    return _landing(content, text, body, detail)


def _landing(content: Content, text: Text, body: Body, detail: dict[str, Any]) -> Landing:
    end, left_out, has_blank_end = _tail(body, content)
    has_gaps = _has_blank_rows(body, end)
    cut = bool(left_out) or has_blank_end or _head_is_rough(text, body)
    if cut:
        body = replace(body, file=_part_of(body, end, content.scratch), start=0)
    rows = Rows(body.columns, _Again(body, content))
    landing = Landing(rows, None, body.first_row, left_out, detail, text.diagnostics)
    if has_gaps or body.pads:
        return landing
    skip = 0 if cut else body.lines
    delimited = Delimited(body.file, body.columns, body.dialect.delimiter, body.dialect.quote, skip)
    return replace(landing, records=delimited, otherwise=rows)


@dataclass(frozen=True, slots=True)
class _Again:
    """The rows of a body, read anew each time they are asked for."""

    body: Body
    content: Content

    def __iter__(self) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        return self.body.rows(self.content)


# --- the beginning ----------------------------------------------------------------------------------------------


def _sample(text: Text) -> str:
    with opened(text.file, text.start) as file:
        return file.read(_HEAD_LENGTH)


def _dialect(content: Content, kind: str, sample: str) -> Dialect:
    settings = content.settings
    if settings.delimiter:
        return Dialect(settings.delimiter, settings.quote)
    if settings.format == "tsv":
        return Dialect("\t", settings.quote)
    order = "\t,;|" if kind == "tsv" else _DELIMITERS
    return max((Dialect(one, settings.quote) for one in order), key=lambda dialect: _evenness(dialect, sample))


def _evenness(dialect: Dialect, sample: str) -> float:
    """How well a delimiter cuts the first rows into equally many cells, and into how many."""
    widths = Counter(len(cells) for cells in islice(_lenient(dialect, sample), 100) if any(cells))
    if not widths:
        return 0
    return max(times / widths.total() * (width - 1) for width, times in widths.items())


def _lenient(dialect: Dialect, sample: str) -> Iterator[list[str]]:
    try:
        yield from dialect.reader(iter(StringIO(sample, newline="")))
    except csv.Error:
        return


def _head(text: Text, sample: str, dialect: Dialect) -> _Head:
    """The first rows. Where the sample ends inside a row, that row is not among them."""
    fed: list[str] = []
    lines = _noted(StringIO(sample, newline=""), fed)
    head = _Head([], [], [])
    is_whole = len(sample) < _HEAD_LENGTH
    offset, counted = text.start, 0
    try:
        for number, cells in enumerate(islice(dialect.reader(lines), _HEAD_ROWS), 1):
            offset += sum(len(line.encode()) for line in fed[counted:])
            counted = len(fed)
            head.rows.append(Row(number, tuple(cells)))
            head.lines.append(counted)
            head.ends.append(offset)
    except csv.Error:
        return head
    if not is_whole and len(head.rows) < _HEAD_ROWS and len(head.rows) > 1:
        head.rows.pop()
    return head


def _noted(lines: Iterable[str], fed: list[str]) -> Iterator[str]:
    for line in lines:
        fed.append(line)
        yield line


def _trimmed(names: Sequence[str | None], below: Sequence[Row]) -> tuple[str | None, ...]:
    """The header without empty cells at its end under which nothing stands."""
    used = max((width_of(row.cells) for row in below), default=0)
    return tuple(names[: max(width_of(names), min(used, len(names)))])


def _leaves_out_empty(below: Sequence[Row], width: int) -> bool:
    """Whether the writer leaves out empty cells at the end of a row: it does in at least half of the first rows."""
    short = sum(len(row.cells) < width for row in below)
    return bool(short) and 2 * short >= len(below)


def _head_is_rough(text: Text, body: Body) -> bool:
    """Whether another reader may count the lines above the records otherwise."""
    if body.lines != body.first_row - 1:
        return True
    with text.file.open("rb") as file:
        above = file.read(body.start).decode()
    if above.count("\r") not in (0, above.count("\n")) or above.count("\r") != above.count("\r\n"):
        return True  # mixed line ends: DuckDB skips another number of lines
    try:
        for line in StringIO(above, newline=""):
            list(body.dialect.reader(iter([line]), strict=True))
    except csv.Error:
        return True
    return False


# --- the end ----------------------------------------------------------------------------------------------------


def _tail(body: Body, content: Content) -> tuple[int, tuple[tuple[str, ...], ...], bool]:
    """Where the records end, the rows of totals after them, and whether rows of empty cells stand at the end.

    Only the last 64 KB are read, line by line from the end. A line with an odd number of quotes belongs to a
    cell of several lines, so the look ends there.
    """
    size = body.file.stat().st_size
    start = max(body.start, size - _TAIL)
    with body.file.open("rb") as file:
        file.seek(start)
        block = file.read()
    lines = block.splitlines(keepends=True) if b"\n" not in block else re.findall(rb"[^\n]*\n|[^\n]+\Z", block)
    if start > body.start:
        lines = lines[1:]
    lines = _settled(lines, body.dialect)
    rows = [Row(number, _cells(line, body.dialect)) for number, line in enumerate(lines)]
    kept, footers = split_tail(rows, footer_pattern(content.settings.footer))
    gone = lines[len(kept) :]
    is_filled = any(line.strip(b"\r\n") for line in gone)
    return size - sum(map(len, gone)), as_text(footers), is_filled


def _settled(lines: list[bytes], dialect: Dialect) -> list[bytes]:
    """The lines from the end up to one that is part of a cell of several lines."""
    mark = dialect.quote.encode()
    odd = [index for index, line in enumerate(lines) if mark and line.count(mark) % 2]
    return lines[odd[-1] + 1 :] if odd else lines


def _cells(line: bytes, dialect: Dialect) -> tuple[str, ...]:
    return tuple(next(dialect.reader(iter([line.decode("utf-8", "replace").rstrip("\r\n")])), ()))


def _has_blank_rows(body: Body, end: int) -> bool:
    """Whether rows without a value stand between the records: a fast reader leaves them out and miscounts."""
    first = max(body.start - 1, 0)
    if end - first < 2:
        return False
    blank = re.escape(f" \t{body.dialect.delimiter}{body.dialect.quote}".encode())
    with body.file.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(b"\n", first, end) < 0 <= data.find(b"\r", first, end):
            return True  # lines of an old Macintosh: the careful reader takes them
        if re.compile(rb"\r\r").search(data, first, end):
            return True  # line ends that were translated twice
        starts_blank = body.first_row == 1 and re.compile(rb"[" + blank + rb"]*\r?\n").match(data, body.start, end)
        return bool(starts_blank or re.compile(rb"\n[" + blank + rb"\r]*\n").search(data, first, end))


def _part_of(body: Body, end: int, scratch: Path) -> Path:
    """A copy of the records alone."""
    target = new_file(scratch, "records")
    left = end - body.start
    with body.file.open("rb") as file, target.open("wb") as copy:
        file.seek(body.start)
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            copy.write(chunk)
            left -= len(chunk)
    return target


def _detail(kind: str, text: Text, dialect: Dialect, header: Row | None, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "format": kind,
        "encoding": text.encoding,
        "delimiter": dialect.delimiter,
        "header_row": header.number if header else None,
        **({"headers": headers} if headers else {}),
    }
