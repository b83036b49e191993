"""What a run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing now; `done` of `total` steps of that kind are behind it."""

    step: Literal["read", "build", "publish"]
    name: str
    done: int
    total: int


Listener = Callable[[Progress], None]
"""Is told of every step as it begins."""
