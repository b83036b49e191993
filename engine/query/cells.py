"""How single values are written for people: by what a column holds, and in which unit."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.metric import AnswerColumn

NOTHING = "—"
"""How a person sees that there is no value; zero is something else."""

SHARES = ("ratio", "percent")
"""Units of ratios of like over like."""

_CURRENCY = re.compile(r"[A-Z]{3}\Z")


def is_money(column: AnswerColumn) -> bool:
    """Whether the column's unit is a currency such as CNY."""
    return bool(column.unit and _CURRENCY.match(column.unit))


def is_share(column: AnswerColumn) -> bool:
    """Whether the column is a ratio of like over like, such as a conversion rate."""
    return column.unit in SHARES


def is_number(column: AnswerColumn) -> bool:
    """Whether the column holds numbers."""
    return column.kind in ("integer", "decimal", "number", "ratio")


def shown(value: Any, column: AnswerColumn) -> str:
    """A value as a table on a terminal shows it: money with 2 decimals, shares in percent, thousands separated."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if is_share(column) and isinstance(value, float | Decimal):
        return f"{value:.2%}"
    if isinstance(value, float):
        return f"{value:,.{_decimals(column)}f}"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return f"{value:,}" if is_number(column) else plain(value)


def plain(value: Any) -> str:
    """A value as text that loses nothing: ISO dates, decimals as they are, empty for null."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _decimals(column: AnswerColumn) -> int:
    return 2 if is_money(column) else 4
