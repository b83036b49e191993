"""Where tables live: a small protocol, so that a second engine can stand behind the same plans.

`Warehouse` is what `apply` writes through: one writer, one place for transactions. `Reader` is what
`query`, `show` and `runs` read through: the last published state, never the working one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.connector import Landing
from engine.model import Batch, MappingResult, Run, State, Storage, Table
from engine.sql.mapping import Recipe

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, slots=True)
class Landed:
    """A batch that stands in raw and is not recorded yet: its file (relative to the warehouse), rows and columns."""

    file: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Damage:
    """Identifiers that lost digits in a landed batch: how many of how many, and the first of them.

    `how` is `scientific` for numbers such as 3.7E+18, `rounded` for long numbers that all end in zeros.
    """

    how: str
    count: int
    example: str
    row: int


@dataclass(frozen=True, slots=True)
class Load:
    """The records of some batches on their way into a table, by the SQL of one mapping.

    `mapped` names the columns whose values may be `unknown:…`.
    """

    mapping: str
    recipe: Recipe
    batches: tuple[Batch, ...]
    mapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filling:
    """A table to bring up to date: anew (`rebuild`) or with more batches. Of several rows of a key the one with the
    greatest `newest_by` stays; where that is equal or null, the one that was read last. Of `outdated` batches there is a
    newer version (the file was changed): what is wrong in them is no longer of interest."""

    table: Table
    loads: tuple[Load, ...]
    rebuild: bool
    newest_by: str | None
    recipe: str
    batches: tuple[int, ...]
    outdated: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rejection:
    """Rows of a mapping that were rejected for one reason, with an example."""

    mapping: str
    field: str
    rule: str
    count: int
    value: str | None
    part: str
    row: int


@dataclass(frozen=True, slots=True)
class UnknownValues:
    """Values of a mapped column that its map does not know, most frequent first."""

    mapping: str
    column: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling a table did; `rows` is what it holds now."""

    rows: int
    results: tuple[MappingResult, ...]
    rejections: tuple[Rejection, ...] = ()
    unknown: tuple[UnknownValues, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a SQL query: column names, the engine's names of their types, and the rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)


class WarehouseFailed(Exception):
    """The warehouse could not do its part. `full` tells that disk or memory ran out, `refused` that its reader cannot take
    the records as they are, `lost` that raw records which it had are gone."""

    def __init__(self, reason: str, *, full: bool = False, refused: bool = False, lost: bool = False) -> None:
        super().__init__(reason)
        self.full, self.refused, self.lost = full, refused, lost


class Warehouse(Protocol):
    """The one writer of a project's tables. Every method that changes something is one transaction, and raises
    `WarehouseFailed` where it could not; the state is then as it was."""

    def state(self) -> State:
        """What earlier runs recorded."""
        ...

    def land(self, landing: Landing, number: int, feed: str, part: str) -> Landed:
        """Store records as they are in an immutable Parquet file; nothing is recorded yet."""
        ...

    def damage(self, landed: Landed, columns: tuple[str, ...]) -> dict[str, Damage]:
        """For each of the columns that hold identifiers, what is wrong with them, if anything."""
        ...

    def discard(self, landed: Landed) -> None:
        """Take a landed batch away that is not to be recorded."""
        ...

    def record(self, batch: Batch, cursor: Any = None) -> None:
        """Make a landed batch part of the state, and with it where its stream now stands."""
        ...

    def move(self, feed: str, cursor: Any, run: int) -> None:
        """Record where a stream stands that had nothing new to give."""
        ...

    def fill(self, filling: Filling, run: int) -> Filled:
        """Bring a table up to date together with the state of it."""
        ...

    def remove(self, table: str, run: int) -> None:
        """Take a table away together with the state of it."""
        ...

    def finish(self, run: Run, metrics: dict[str, str]) -> None:
        """Record a run and the metrics that it ran with."""
        ...

    def publish(self, tables: dict[str, Table], noted: dict[str, Any]) -> int:
        """Let readers see the tables as they are now, and keep `noted` beside them; returns how many tables were written."""
        ...

    def close(self) -> None:
        """Let go of the warehouse."""
        ...


class Reader(Protocol):
    """Reads one published version. Its tables stay as they are while later runs publish others."""

    version: int
    """The run that published it."""
    state: State
    """What was recorded when it was published."""
    tables: dict[str, tuple[str, ...]]
    """The published tables and their columns."""

    def rows(self, sql: str) -> Rows:
        """The whole answer as Python values."""
        ...

    def arrow(self, sql: str) -> pyarrow.Table:
        """The whole answer as an Arrow table; needs pyarrow."""
        ...

    def records(self, batches: tuple[Batch, ...]) -> str:
        """SQL of a relation: the raw records of some batches, with `_batch`, `_row` and `_file`."""
        ...

    def save_parquet(self, sql: str, file: Path) -> int:
        """Write the answer to a Parquet file; returns the number of rows."""
        ...

    def close(self) -> None:
        """Let go of the version."""
        ...


class Engine(Protocol):
    """A database engine that a warehouse stands on; found by its name among the entry points `engine.warehouses`."""

    def write(self, storage: Storage, salt: str | None) -> Warehouse:
        """Open the warehouse to write; the caller holds its lock. `salt` None: the warehouse keeps one of its own."""
        ...

    def read(self, storage: Storage, version: int | None = None) -> Reader:
        """Open a published version to read: that of a run, or the last one. Raises `Findings` where there is none."""
        ...


@cache
def engine(name: str) -> Engine:
    """The database engine of that name. It is imported only now: most of what the engine does needs none."""
    for point in entry_points(group="engine.warehouses"):
        if point.name == name:
            made: Engine = point.load()()
            return made
    raise KeyError(name)
