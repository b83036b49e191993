"""Write an answer as a table for the terminal, CSV, JSON or Parquet."""

from __future__ import annotations

import math
from csv import writer
from datetime import date
from decimal import Decimal
from io import StringIO
from json import dumps
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.diagnostic import Language
from engine.metric import AnswerColumn
from engine.query import Answer
from engine.query.cells import is_number, plain, shown

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


def table(answer: Answer, language: Language = "en") -> Table:
    """An answer as a table: name and label above, numbers to the right, null as a dash."""
    made = Table(header_style="bold")
    for column in answer.columns:
        made.add_column(_heading(column, language), justify="right" if is_number(column) else "left", overflow="fold")
    for row in answer.tuples():
        cells = zip(row, answer.columns, strict=True)
        made.add_row(*(Text(shown(value, column)) for value, column in cells))
    return made


def csv(answer: Answer, *, mark: bool = True) -> bytes:
    """An answer as CSV in UTF-8, with a byte order mark unless `mark` is False.

    Without the mark Excel opens Chinese as gibberish. A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage
    return gets a `'` in front: a spreadsheet would run it as a formula. Numbers are written as numbers, also
    negative ones.
    """
    text = StringIO()
    lines = writer(text)
    lines.writerow(_harmless(column.name) for column in answer.columns)
    lines.writerows([_cell(value) for value in row] for row in answer.tuples())
    return text.getvalue().encode("utf-8-sig" if mark else "utf-8")


def json(answer: Answer) -> str:
    """An answer as a JSON array, one object in each line; decimals keep their digits, dates are ISO text."""
    names = [dumps(column.name, ensure_ascii=False) for column in answer.columns]
    rows = [_object(names, row) for row in answer.tuples()]
    return "[\n" + ",\n".join(f"  {row}" for row in rows) + "\n]\n" if rows else "[]\n"


def parquet(answer: Answer, file: Path) -> int:
    """Write an answer to a Parquet file with the types of the warehouse; returns the number of rows."""
    return answer.reader.save_parquet(answer.sql, file)


def _heading(column: AnswerColumn, language: Language) -> Text:
    label = getattr(column.label, language)
    return Text(column.name if label == column.name else f"{column.name}\n{label}")


def _cell(value: Any) -> str:
    return _harmless(value) if isinstance(value, str) else plain(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text


def _object(names: list[str], row: tuple[Any, ...]) -> str:
    return "{" + ", ".join(f"{name}: {_value(value)}" for name, value in zip(names, row, strict=True)) + "}"


def _value(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    return dumps(value, ensure_ascii=False)
