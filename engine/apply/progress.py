"""What a run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from engine.connector import Effort


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing now; `done` of `total` steps of that kind are behind it. `rows` so far, where that is known.

    While a stream is read, `feed` (`source.stream`) names it, `effort` says what that has cost so far, and `ended` that
    it is over, well or not.
    """

    step: Literal["read", "build", "publish"]
    name: str
    done: int
    total: int
    rows: int | None = None
    feed: str | None = None
    effort: Effort | None = None
    ended: bool = False


Listener = Callable[[Progress], None]
"""Is told of every step as it begins, and of what reading costs; always in the thread that called `apply`."""
