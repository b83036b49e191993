"""SQLite files, by the standard library. Values have types of their own there, whatever the column says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.database.position import Kind
from engine.database.session import Column, Session, Trouble
from engine.database.settings import Address
from engine.database.statement import Select
from engine.diagnostic import Place

_AT_A_TIME = 5000
_KINDS: dict[str | None, Kind] = {"integer": "integer", "real": "number", "text": "text", None: "text"}


class SQLite(Session):
    """A file, opened for reading only."""

    connection: sqlite3.Connection

    @classmethod
    def connect(cls, address: Address, place: Place | None, root: Path) -> SQLite:
        """Open the file, whose path starts from `root`."""
        made = cls(address, place)
        file = quote(str(root / address.database))
        with made.speaking():
            made.connection = sqlite3.connect(
                f"file:{file}?mode=ro", uri=True, timeout=address.timeout, check_same_thread=False
            )
            made.connection.text_factory = _decoded
            made.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return made

    def columns(self, select: Select) -> tuple[Column, ...]:
        """The columns of a relation; what one holds is looked at only where it matters, by `kind_of`."""
        with self.speaking():
            described = self.connection.execute(self.limited(select, "*", 0)).description
        return tuple(Column(one[0], "other") for one in described)

    def kind_of(self, select: Select, column: Column) -> Kind:
        """What the first value that is there is."""
        name = f"t.{self.quote(column.name)}"
        there = Select(select.relation, (*select.conditions, f"{name} IS NOT NULL"))
        with self.speaking():
            found = self.connection.execute(self.limited(there, f"typeof({name})", 1)).fetchone()
        return _KINDS.get(found[0] if found else None, "other")

    def literal(self, column: Column, text: str) -> str:
        """A number as it is, text quoted: SQLite does not compare one with the other by value."""
        return text if column.kind in ("integer", "number") else super().literal(column, text)

    def batches(self, select: Select, columns: Sequence[Column]) -> Iterator[Any]:
        """The rows in small lists."""
        listed = ", ".join(f"t.{self.quote(column.name)}" for column in columns)
        with self.speaking():
            cursor = self.connection.execute(select.text(listed))
            while rows := cursor.fetchmany(_AT_A_TIME):
                yield [tuple(map(_text, row)) for row in rows]

    def row(self, sql: str) -> tuple[str | None, ...]:
        """The first row, as text."""
        with self.speaking():
            return tuple(map(_text, self.connection.execute(sql).fetchone()))

    def tables(self) -> list[str]:
        """Tables and views."""
        sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        with self.speaking():
            return [name for (name,) in self.connection.execute(sql)]

    def clock(self) -> tuple[datetime, datetime]:
        """The clock of this machine: SQLite's own functions give UTC."""
        utc = datetime.now(UTC)
        return utc.replace(tzinfo=None), utc

    def trouble(self, failure: BaseException) -> tuple[Trouble, str]:
        """By the words, as the library has no codes for all."""
        said = str(failure)
        if "locked" in said or "busy" in said:
            return "lost", said
        if "unable to open" in said or "not a database" in said:
            return "unreachable", said
        return ("no-table" if "no such table" in said else "refused"), said

    def errors(self) -> tuple[type[BaseException], ...]:
        """What the library raises."""
        return (sqlite3.Error,)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


def _decoded(data: bytes) -> str:
    """Text that is no UTF-8 keeps its bytes visible."""
    return data.decode("utf-8", "backslashreplace")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)
