"""What every kind of database has to offer, and how its errors are told.

A session gives every value as text that keeps it exactly: decimals digit by digit, times with microseconds,
instants with their offset, bytes in hexadecimal.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from engine.connector import GiveUp, TryAgain
from engine.database.position import Kind, Now
from engine.database.settings import Address
from engine.database.statement import Select
from engine.diagnostic import Place, finding

Trouble = Literal["lost", "unreachable", "login", "permission", "no-table", "refused"]
"""What kinds of errors there are, by what to do about them."""

Texts = Sequence[tuple[str | None, ...]]
"""Rows, every value as text."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a query gives; `type` is the server's word for its type."""

    name: str
    kind: Kind
    type: str = ""


@dataclass
class Session(ABC):
    """One connection, for reading only. Use it in one thread at a time."""

    address: Address
    place: Place | None
    """Where the manifest speaks of what is being read; errors are told there."""
    zeros: dict[str, int] = field(default_factory=dict)
    """How many zero dates were read as empty, by column."""

    quotes: ClassVar[str] = '""'

    def quote(self, name: str) -> str:
        """An identifier, taken as it is written."""
        opening, closing = self.quotes[0], self.quotes[1]
        return f"{opening}{name.replace(closing, closing * 2)}{closing}"

    def literal(self, column: Column, text: str) -> str:
        """A value of a column in SQL."""
        return "'" + text.replace("'", "''") + "'"

    def edges(self, column: Column) -> str:
        """What to list for the lowest and the highest value of a column."""
        given = f"t.{self.quote(column.name)}"
        return f"min({given}), max({given})"

    def limited(self, select: Select, listed: str, rows: int) -> str:
        """A statement for the first rows only."""
        return f"{select.text(listed)} LIMIT {rows}"

    def kind_of(self, select: Select, column: Column) -> Kind:
        """What a column of a relation holds."""
        return column.kind

    @abstractmethod
    def columns(self, select: Select) -> tuple[Column, ...]:
        """The columns of a relation."""

    @abstractmethod
    def batches(self, select: Select, columns: Sequence[Column]) -> Iterator[Any]:
        """The rows, in order, as record batches of Arrow or as `Texts`; never all of them in memory."""

    @abstractmethod
    def row(self, sql: str) -> tuple[str | None, ...]:
        """The one row that a statement gives, as text."""

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of the tables and views there are, those of other schemas with their schema."""

    @abstractmethod
    def clock(self) -> tuple[datetime, datetime]:
        """The server's wall-clock time, and its time as an instant."""

    @abstractmethod
    def trouble(self, failure: BaseException) -> tuple[Trouble, str]:
        """What an error of the driver means, and its text."""

    @abstractmethod
    def errors(self) -> tuple[type[BaseException], ...]:
        """The errors that the driver raises."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection, whatever it is doing."""

    def now(self, zone: str | None) -> Now:
        """The present by the server's clock; wall-clock times are of `zone`, or of the server's own zone."""
        wall, utc = self.clock()
        return Now(utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if zone else wall, utc)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn the driver's errors into what to do next: `TryAgain` or `GiveUp`."""
        try:
            yield
        except (GiveUp, TryAgain):
            raise
        except self.errors() as failure:
            raise self._judged(failure) from None  # its text may hold the address

    def _judged(self, failure: BaseException) -> GiveUp | TryAgain:
        kind, text = self.trouble(failure)
        reason = self.address.masked(" ".join(text.split()))[:300]
        facts = {"host": str(self.address), "reason": reason}
        if kind == "lost":
            return TryAgain(reason)
        if kind == "login":
            return GiveUp(finding("wrong-login", self.place, host=facts["host"], user=self.address.user))
        code = {"unreachable": "cannot-connect", "permission": "not-permitted", "no-table": "no-such-relation"}
        return GiveUp(finding(code.get(kind, "database-refused"), self.place, **facts))


def driver(library: str, place: Place | None, kind: str) -> Any:
    """A library that is not always there; GiveUp with what to install where it is not."""
    try:
        return importlib.import_module(library)
    except ImportError as failure:
        missing = failure.name or library
        raise GiveUp(finding("driver-missing", place, kind=kind, library=missing.partition(".")[0])) from None
