"""Where a stream stands: a value of its cursor column as text, and the arithmetic on it.

Numbers are exact decimals. Times are wall-clock times, or instants where the text has an offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from engine.database.settings import Length

Kind = Literal["integer", "number", "date", "time", "instant", "text", "other"]
"""What a column holds. `time` is a wall-clock time with its date, `instant` one with an offset."""

TIMED: tuple[Kind, ...] = ("date", "time", "instant")
NUMBERED: tuple[Kind, ...] = ("integer", "number")

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(?P<clock>[ T]\d\d:\d\d(:\d\d(?P<part>\.\d+)?)?)?(?P<offset>Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class Now:
    """The present: `wall` on the clock that times without a zone are kept by, `utc` as an instant."""

    wall: datetime
    utc: datetime


def is_number(text: str) -> bool:
    """Whether a text is a number that SQL may be given as it is."""
    return re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text) is not None


def moved(text: str, length: Length) -> str | None:
    """The value so far before another; None where a value of this kind cannot be moved by such a length."""
    if length.timed:
        when = moment(text)
        return None if when is None else like(text, when - timedelta(seconds=length.size))
    try:
        return format(Decimal(text) - Decimal(str(length.size)), "f") if is_number(text) else None
    except InvalidOperation:
        return None


def moment(text: str) -> datetime | None:
    """The time that a text names, None where it names none."""
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def like(text: str, when: datetime) -> str:
    """A time written the way another one is: a date, with `T` or a blank, with or without an offset.

    A fraction is left out only where there is none: what is written is never later than what is meant.
    """
    matched = _WRITTEN.fullmatch(text)
    if matched is None or not matched["clock"]:
        return when.date().isoformat()
    separator, offset = matched["clock"][0], matched["offset"] or ""
    plain = when.replace(tzinfo=None)
    if matched["part"] is None and not matched["clock"].count(":") > 1:
        return plain.isoformat(separator, "minutes") + offset
    return plain.isoformat(separator, "microseconds" if plain.microsecond or matched["part"] else "seconds") + offset


def reached(kind: Kind, text: str, now: Now) -> str | None:
    """Where a stream stands once a value was read: at the value, but never in the future.

    One row with a date of next year would otherwise hide all that is written until then. None where the value is no time
    that could be compared: before the common era, say.
    """
    when = moment(text)
    if when is None:
        return ceiling(kind, now, Length(0, timed=True)) if text == "infinity" else None if kind in TIMED else text
    present = now.wall if when.tzinfo is None else now.utc.astimezone(when.tzinfo)
    return like(text, present) if when > present else text


def ceiling(kind: Kind, now: Now, length: Length) -> str:
    """The time so far before the present, as a column of that kind would show it."""
    if kind == "instant":
        return (now.utc - timedelta(seconds=length.size)).astimezone(UTC).isoformat(" ")
    wall = now.wall - timedelta(seconds=length.size)
    return wall.date().isoformat() if kind == "date" else wall.replace(tzinfo=None).isoformat(" ")


def bounds(kind: Kind, lowest: str, highest: str, ranges: int) -> list[str]:
    """The values that split everything from lowest to highest into ranges of equal width; fewer where it is narrow."""
    if kind in TIMED:
        low, high = moment(lowest), moment(highest)
        if low is None or high is None:
            return []
        steps = [low + (high - low) * step / ranges for step in range(1, ranges)]
        return list(dict.fromkeys(like(highest, step) for step in steps))
    first, last = int(lowest), int(highest)
    return list(dict.fromkeys(str(first + (last - first) * step // ranges) for step in range(1, ranges)))
