"""What all places elsewhere have in common: they list their files, say what each is now, and hand one over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.connector import GiveUp
from engine.diagnostic import Place, finding

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A file elsewhere. `mark` is what tells one content of it from another (size, time, etag), None where the place
    does not say; `time` is when it was written, in seconds since 1970-01-01 UTC."""

    name: str
    path: str
    mark: dict[str, Any] | None = None
    time: float | None = None


class Store(Protocol):
    """A place elsewhere, connected."""

    def entries(self) -> Iterable[Entry]:
        """The files that the address names."""
        ...

    def now(self, entry: Entry) -> Entry | None:
        """What a file is now; None where it is gone."""
        ...

    def fetch(self, entry: Entry, target: Path) -> None:
        """Copy a file to this machine."""
        ...


def refusal(where: str, reason: str) -> GiveUp:
    """The error to raise where a place elsewhere does not give what it is asked for."""
    return GiveUp(finding("far-refused", Place(where), where=where, reason=reason))
