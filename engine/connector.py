"""The contract of a connector: what there is to read, told offline, and how to read it.

A connector is a small object with a name, a JSON Schema for its settings, and three methods. The built-in
connectors come in through the same entry points (`engine.connectors`) as anybody else's.

* `streams` names the streams of a source, from its settings alone.
* `survey` lists the parts of a stream (files, sheets, time windows) without reading their records.
* `read` reads one part and yields `Landing`s: descriptions of records that the warehouse stores as they are.

What goes wrong is raised as one of the errors named by what to do next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol
from unicodedata import normalize

from engine.diagnostic import Diagnostic, finding
from engine.document import Origin
from engine.model import Part, Source, Stream

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


# --- what a connector hands over --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delimited:
    """Records in a UTF-8 text file: `columns` are the names in order, `skip` lines stand before the first record.

    The warehouse's own reader takes it as it is; it fails on rows of another width, and the connector's
    `Rows` are used then. `quote` is empty where nothing is quoted.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Records one by one: for each, its row in the part, the values in the order of `columns`, and, where the record
    does not fit the columns, its whole text (the values are then ignored)."""

    columns: tuple[str, ...]
    rows: Iterable[tuple[int, tuple[str | None, ...], str | None]]


@dataclass(frozen=True, slots=True)
class Columnar:
    """Records in a Parquet file, which says its columns itself; each is turned into text that keeps its exact value."""

    path: Path


@dataclass(frozen=True, slots=True)
class Landing:
    """A batch of records to store as raw.

    `otherwise` is asked for when the warehouse's reader cannot take `records` as they are. `first_row` is the
    row of the part in which record 0 stands. `left_out` are the lines that are not records (totals), as text.
    """

    records: Delimited | Rows | Columnar
    otherwise: Rows | None = None
    first_row: int = 1
    left_out: tuple[tuple[str, ...], ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


class Connector(Protocol):
    """A kind of source."""

    name: str
    source_schema: dict[str, Any]
    """JSON Schema of a source's `with`; closed."""
    stream_schema: dict[str, Any]
    """JSON Schema of the settings of one of its streams; closed."""

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams of a source, from its settings alone; no network, no files."""
        ...

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """The parts that are there now, in the order in which they should be read."""
        ...

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """Read one part. The last landing ends it."""
        ...


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a connector may use while it works.

    `root` is the folder that relative paths start from, `scratch` an empty folder of its own, `recorded` the parts
    of the stream that earlier runs stored, by name, and `wanted` the record fields that mappings read.
    """

    root: Path
    scratch: Path
    recorded: dict[str, Part] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()


# --- errors, named by what to do next ---------------------------------------------------------------------------


class GiveUp(Exception):
    """This part cannot be read, and trying again will not help; carries the reason."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("; ".join(str(one) for one in diagnostics))


# --- discovery --------------------------------------------------------------------------------------------------


@cache
def connectors() -> dict[str, str]:
    """The names of the connectors on this machine and where each comes from."""
    return {point.name: point.value for point in entry_points(group="engine.connectors")}


@cache
def connector(name: str) -> Connector:
    """The connector of that name; KeyError where there is none."""
    for point in entry_points(group="engine.connectors"):
        if point.name == name:
            made: Connector = point.load()()
            return made
    raise KeyError(name)


# --- names of record fields -------------------------------------------------------------------------------------


def field_name(written: str) -> str:
    """The name of a record field as it is kept: half-width, without byte order mark and blanks around it, inner blanks made one."""
    return " ".join(normalize("NFKC", written.replace("\ufeff", "").replace("\u200b", "")).split())


def same_name(written: str) -> str:
    """What two names of a record field have in common when they are the same: `商品 ID`, `商品ID`, `商品id`, `商品ＩＤ` are."""
    return "".join(field_name(written).split()).casefold()


# --- ${NAME} ----------------------------------------------------------------------------------------------------


def variables(value: Any) -> tuple[str, ...]:
    """The `${NAME}`s in a value, each once."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(_VARIABLE.findall(value)))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(dict.fromkeys(name for part in parts for name in variables(part)))


def filled(value: Any) -> Any:
    """The value with every `${NAME}` replaced from the environment; KeyError(name) where one is not set."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: os.environ[match[1]], value)
    if isinstance(value, dict):
        return {key: filled(part) for key, part in value.items()}
    return [filled(part) for part in value] if isinstance(value, list) else value


def unset(value: Any, origin: Origin, *path: str | int) -> tuple[Diagnostic, ...]:
    """A finding for every `${NAME}` in a value that the environment does not give."""
    if isinstance(value, dict):
        return tuple(found for key, part in value.items() for found in unset(part, origin, *path, key))
    if isinstance(value, list):
        return tuple(found for index, part in enumerate(value) for found in unset(part, origin, *path, index))
    if not isinstance(value, str):
        return ()
    return tuple(
        finding("missing-variable", origin.inside(*path, start=match.start(), end=match.end()), name=match[1])
        for match in _VARIABLE.finditer(value)
        if not os.environ.get(match[1])
    )
