"""Dimensions: what an answer is broken down by, from the words of a question to a column and a period."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from engine.metric.kinds import Sort
from engine.metric.names import column
from engine.metric.reach import Home, Reach
from engine.model import GRAINS, Label

PARTS = ("hour_of_day", "weekday")
"""What a time has besides the period that it falls in: hour 0 to 23, weekday 1 (Monday) to 7."""

PERIODS = (*GRAINS, *PARTS)

_WORDS = {
    "hour": ("小时", "hour"),
    "day": ("日", "day"),
    "week": ("周", "week"),
    "month": ("月", "month"),
    "quarter": ("季度", "quarter"),
    "year": ("年", "year"),
    "hour_of_day": ("时段", "hour of day"),
    "weekday": ("星期", "weekday"),
}
_OWN_TIME = Label("时间", "time")


@dataclass(frozen=True, slots=True)
class Located:
    """A dimension found: its column, and the period of it that is asked for."""

    home: Home
    period: str | None = None

    @property
    def sort(self) -> Sort:
        """What values it holds."""
        if self.period is None:
            return self.home.column.type
        return "integer" if self.period in PARTS else "timestamp" if self.period == "hour" else "date"

    def tree(self, *, qualified: bool) -> exp.Expr:
        """Its value for a row, as SQL."""
        stands = column(self.home.column.name, self.home.table if qualified else None)
        return stands if self.period is None else _period(stands, self.home.column.type, self.period)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a dimension cannot be had from a table: a code of the catalogue and its facts."""

    code: str
    facts: dict[str, object] = field(default_factory=dict)


MISSING = "unknown-dimension"


def locate(reach: Reach, time: str | None, text: str) -> Located | Refused:
    """Find a dimension in what the rows of a table have; `time` is the column that dates them."""
    head, period = split(text)
    if period is None:
        return _column(reach, text)
    if head == "time" and time is None:
        return Refused("no-time", {"table": reach.table})
    found = _column(reach, time if head == "time" and time else head)
    return _checked(found, period) if isinstance(found, Located) else found


def split(text: str) -> tuple[str, str | None]:
    """A dimension's column and, where it names one, its period."""
    head, _, period = text.rpartition(".")
    return (head, period) if head and period in PERIODS else (text, None)


def own_time(text: str) -> bool:
    """Whether a dimension is a period of each metric's own time column."""
    head, period = split(text)
    return head == "time" and period is not None


def label(text: str, found: Located) -> Label:
    """What people call a dimension."""
    period = split(text)[1]
    words = _OWN_TIME if own_time(text) else found.home.column.label
    if period is None:
        return words
    zh, en = _WORDS[period]
    return Label(f"{words.zh}（{zh}）", f"{words.en} ({en})")


def _column(reach: Reach, name: str) -> Located | Refused:
    homes = reach.find(name)
    if not homes:
        return Refused(MISSING, {"name": name})
    if len(homes) > 1:
        return Refused("open-column", {"name": name, "choices": ", ".join(f"`{home.text}`" for home in homes)})
    if homes[0].is_private:
        return Refused("private-column", {"name": name, "pii": homes[0].column.pii})
    return Located(homes[0])


def _checked(found: Located, period: str) -> Located | Refused:
    declared = found.home.column
    if declared.type not in ("date", "timestamp"):
        return Refused("not-a-time-column", {"name": declared.name, "type": declared.type})
    if declared.type == "date" and period in ("hour", "hour_of_day"):
        return Refused("no-hours", {"name": declared.name})
    return Located(found.home, period)


def _period(stands: exp.Expr, type_: str, period: str) -> exp.Expr:
    if period == "weekday":
        return exp.Anonymous(this="ISODOW", expressions=[stands])
    if period == "hour_of_day":
        return exp.Hour(this=stands)
    if period == "day":
        return stands if type_ == "date" else _as_date(stands)
    start = exp.TimestampTrunc(this=stands, unit=exp.Var(this=period.upper()))
    return start if period == "hour" else _as_date(start)


def _as_date(tree: exp.Expr) -> exp.Expr:
    return exp.Cast(this=tree, to=exp.DataType.build("DATE", dialect="duckdb"))
