"""Tables of web pages, and workbooks written as XML: what many systems send under a name that ends in `.xls`."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from engine.connector import Landing
from engine.files.content import Content
from engine.files.encoding import as_utf8
from engine.files.header import Row
from engine.files.lines import opened
from engine.files.shape import read_sheet

_LARGEST = 512 << 20
_CHUNK = 1 << 20
_LARGEST_NUMBER = 16_384
_ROWS = ("tr", "row")
_CELLS = ("td", "th", "cell")


def read_webpage(content: Content) -> Landing:
    """The records of the page's largest table; GiveUp where it has none."""
    text = as_utf8(content)
    if text.file.stat().st_size > _LARGEST:
        raise content.refused("file-too-large", limit="512 MB")
    page = _Page()
    with opened(text.file, text.start) as file:
        while chunk := file.read(_CHUNK):
            page.feed(chunk)
    page.close()
    tables = [table for table in page.tables if table]
    if not tables:
        raise content.refused("no-table")
    table = max(tables, key=len)
    rows = [Row(number, tuple(cell or None for cell in cells)) for number, cells in enumerate(table, 1)]
    detail = {"format": "html", "encoding": text.encoding}
    landing = read_sheet(content, lambda: iter(rows), detail)
    return Landing(landing.records, None, landing.first_row, landing.left_out, landing.detail, text.diagnostics)


def _number(attribute: str | None) -> int:
    return min(int(attribute), _LARGEST_NUMBER) if attribute and attribute.isdecimal() else 0


class _Page(HTMLParser):
    """Collects the rows of every table; a cell that spans columns leaves the others empty."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, row or cell."""
        if tag == "table":
            self._end_cell()
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag in _ROWS and self._open:
            self._end_cell()
            self._skip_to(self._open[-1], dict(attrs).get("ss:index"), [])
            self._open[-1].append([])
        elif tag in _CELLS and self._open:
            self._begin_cell(dict(attrs))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a table, row or cell."""
        if tag in ("table", *_ROWS, *_CELLS):
            self._end_cell()
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text belongs to the open cell, if there is one."""
        if self._cell is not None:
            self._cell.append(data)

    def _begin_cell(self, attributes: dict[str, str | None]) -> None:
        self._end_cell()
        if not self._open[-1]:
            self._open[-1].append([])
        self._skip_to(self._open[-1][-1], attributes.get("ss:index"), "")
        self._cell = []
        self._span = _number(attributes.get("colspan")) or _number(attributes.get("ss:mergeacross")) + 1

    def _skip_to(self, filled: list[Any], position: str | None, empty: list[str] | str) -> None:
        """A workbook's XML leaves out empty rows and cells, and numbers the next one that is there."""
        filled += [empty] * (_number(position) - 1 - len(filled))

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        if self._open:
            cell = "".join(self._cell).strip(" \t\r\n")
            self._open[-1][-1] += [cell, *[""] * (self._span - 1)]
        self._cell = None
