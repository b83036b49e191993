"""Write an answer as an Excel workbook: one sheet with the rows, one that says what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from engine.diagnostic import Diagnostic, Findings, Language, finding
from engine.diagnostic.render import width
from engine.metric import AnswerColumn
from engine.query import Answer
from engine.query.cells import is_money, is_number, is_share, plain

MOST_ROWS = 1_048_575
LONGEST_TEXT = 32_767
"""What a sheet and a cell of Excel hold (Microsoft, "Excel specifications and limits"); one row is the header."""

_MOST_DIGITS = 15
_FIRST_DAY = date(1900, 3, 1)
"""Days before this one are off by one in Excel, which takes 1900 for a leap year."""

_SETTINGS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_CREATED = datetime(2000, 1, 1)
_SHEETS = {"en": ("Answer", "About"), "zh": ("结果", "说明")}
_WORDS = {
    "en": ("Metric", "Name", "Formula", "Unit", "About", "Version (run)", "Condition", "SQL"),
    "zh": ("指标", "名称", "口径", "单位", "说明", "数据版本（运行号）", "筛选条件", "SQL"),
}


def xlsx(answer: Answer, file: Path, language: Language = "en") -> int:
    """Write an answer to a workbook; returns the number of rows.

    Texts and ids are always text, numbers carry the format of their unit. The same answer gives the same bytes.
    Raise Findings, and write nothing, where the rows or a text do not fit: nothing is ever cut.
    """
    rows = answer.tuples()
    found = tuple(_too_much(answer.columns, rows))
    if found:
        raise Findings(found, status=2)
    with xlsxwriter.Workbook(str(file), _SETTINGS) as book:
        book.set_properties({"created": _CREATED, "author": "", "comments": ""})
        _fill(book, book.add_worksheet(_SHEETS[language][0]), answer, language)
        _explain(book, book.add_worksheet(_SHEETS[language][1]), answer, language)
    return len(rows)


def _too_much(columns: tuple[AnswerColumn, ...], rows: list[tuple[Any, ...]]) -> Iterator[Diagnostic]:
    if len(rows) > MOST_ROWS:
        yield finding("too-many-rows", rows=f"{len(rows):,}", limit=f"{MOST_ROWS:,}")
        return
    for number, row in enumerate(rows, 1):
        for value, column in zip(row, columns, strict=True):
            if isinstance(value, str) and (length := _units(value)) > LONGEST_TEXT:
                facts = {"row": number, "column": column.name, "length": f"{length:,}", "limit": f"{LONGEST_TEXT:,}"}
                yield finding("text-too-long", **facts)


def _units(text: str) -> int:
    """The length as Excel counts it, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _fill(book: Any, sheet: Any, answer: Answer, language: Language) -> None:
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(answer.columns):
        heading = getattr(column.label, language)
        form = book.add_format({"num_format": _format(column)})
        sheet.set_column(at, at, max(width(heading), width(column.name), 10) + 2)
        sheet.write_string(0, at, heading, bold)
        for number, row in enumerate(answer.tuples(), 1):
            _write(sheet, number, at, row[at], form)


def _write(sheet: Any, row: int, column: int, value: Any, form: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, form)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value, form)
    elif isinstance(value, int | float | Decimal) and _fits(value):
        sheet.write_number(row, column, value, form)
    elif isinstance(value, date) and _day(value) >= _FIRST_DAY:
        sheet.write_datetime(row, column, value, form)
    else:
        sheet.write_string(row, column, plain(value), form)


def _fits(value: int | float | Decimal) -> bool:
    """Whether Excel keeps every digit; it holds 15."""
    if isinstance(value, float):
        return True
    digits = Decimal(value).as_tuple().digits
    return len("".join(map(str, digits)).strip("0")) <= _MOST_DIGITS


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _format(column: AnswerColumn) -> str:
    if column.kind == "date":
        return "yyyy-mm-dd"
    if column.kind == "timestamp":
        return "yyyy-mm-dd hh:mm:ss"
    if not is_number(column):
        return "@" if column.kind in ("text", "id") else "General"
    if is_money(column):
        return "#,##0.00"
    if is_share(column):
        return "0.00%"
    return "#,##0" if column.kind == "integer" else "#,##0.00##"


def _explain(book: Any, sheet: Any, answer: Answer, language: Language) -> None:
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    *headings, version, condition, sql = _WORDS[language]
    for at, (heading, wide) in enumerate(zip(headings, (24, 24, 60, 10, 60), strict=True)):
        sheet.set_column(at, at, wide, wrap)
        sheet.write_string(0, at, heading, bold)
    sheet.freeze_panes(1, 0)
    for row, one in enumerate(answer.metrics, 1):
        cells = (one.name, getattr(one.label, language), one.formula, one.unit or "", one.about or "")
        for at, text in enumerate(cells):
            sheet.write_string(row, at, text)
    remarks = [(version, str(answer.version)), (condition, answer.question.where or "")]
    lines = [(sql if number == 0 else "", line) for number, line in enumerate(answer.sql.splitlines())]
    for row, (heading, text) in enumerate([*remarks, *lines], len(answer.metrics) + 2):
        sheet.write_string(row, 0, heading, bold)
        sheet.write_string(row, 2, text)
