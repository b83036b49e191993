"""Time in slices: what of a history has been read, what is lacking, and how to cut it for requests. Unix seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

Span = tuple[int, int]
"""From a second to a second; what lies between has been read, or is to be."""

_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """Seconds of a duration such as `30s`, `10m`, `6h`, `90d`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * _SECONDS[found[2]]


def moment(text: str, zone: str, now: int = 0) -> int:
    """Unix seconds of a date or time as people write it, or of a duration before `now`.

    Without an offset it is in `zone`. Raises ValueError.
    """
    if _DURATION.fullmatch(text.strip()):
        return now - seconds(text.strip())
    made = datetime.fromisoformat(text.strip())
    return int((made if made.tzinfo else made.replace(tzinfo=ZoneInfo(zone))).timestamp())


@dataclass(frozen=True, slots=True)
class Window:
    """How a stream is read by time: `span` is the longest slice that the platform answers, `overlap` how far back the
    newest part is read again, `lag` how far behind now reading stops, `every` the shortest new slice that is worth a
    request, `history` how far back the platform remembers, `widen` by how much requests reach over both ends."""

    span: int
    overlap: int = 600
    lag: int = 300
    every: int = 60
    history: int | None = None
    widen: int = 0
    order: Literal["oldest", "newest"] = "oldest"

    def lacking(self, covered: Sequence[Span], since: int | None, now: int) -> list[Span]:
        """What is to be read at `now`, of which `covered` has been read: gaps, and what is new with its overlap."""
        end = now - self.lag
        first = max(since if since is not None else end - (self.history or 30 * 86400), 0)
        if self.history is not None:
            first = max(first, now - self.history)
        known = joined(covered)
        gaps = list(_gaps(known, first, end))
        newest = known[-1][1] if known else None
        if gaps and newest is not None and gaps[-1] == (newest, end):
            gaps.pop()
            if end - newest >= self.every:
                gaps.append((max(first, newest - self.overlap), end))
        gaps = [gap for gap in gaps if gap[1] > gap[0]]
        return gaps if self.order == "oldest" else list(reversed(gaps))

    def slices(self, gaps: Iterable[Span]) -> Iterator[Span]:
        """The gaps cut into slices that the platform answers, aligned to their beginning."""
        for start, end in gaps:
            cuts = [(at, min(at + self.span, end)) for at in range(start, end, self.span)]
            yield from cuts if self.order == "oldest" else reversed(cuts)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    made: list[Span] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((start, end))
    return made


def _gaps(known: Sequence[Span], first: int, end: int) -> Iterator[Span]:
    at = first
    for start, until in known:
        if start > at:
            yield (at, min(start, end))
        at = max(at, until)
    if end > at:
        yield (at, end)
