"""The contract of a connector: what there is to read, told offline, and how to read it.

A connector is a small object with a name, a JSON Schema for its settings, and three methods. The built-in
connectors come in through the same entry points (`engine.connectors`) as anybody else's.

* `streams` names the streams of a source, from its settings alone.
* `survey` lists the parts of a stream (files, sheets, time windows) without reading their records and without a network.
* `read` reads one part and yields `Landing`s: descriptions of records that the warehouse stores as they are.

A stream of files knows what it has read by the digests of its parts. A stream that goes on for ever keeps a cursor
instead: any JSON value, handed over with a landing, stored in the same transaction as its records, and given back in
`Workplace.cursor`; its parts have no digest.

What goes wrong is raised as one of the errors named by what to do next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol
from unicodedata import normalize

from engine.diagnostic import Diagnostic
from engine.model import Part, Source, Stream
from engine.secret import variables as variables

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
class JsonLines:
    """Records in a UTF-8 file of JSON objects, one in a line. `columns` are all keys of all records, and may be more.

    Values become text: strings as they are, whole numbers by their digits, objects and lists as JSON. A number with a
    fraction goes through a float on the way, so one of more than 15 digits has to be written as a string.
    """

    path: Path
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Landing:
    """A batch of records to store as raw.

    `otherwise` is asked for when the warehouse's reader cannot take `records` as they are. `first_row` is the
    row of the part in which record 0 stands. `left_out` are the lines that are not records (totals), as text.
    `cursor` is where the stream stands once this batch is stored; with None records the cursor alone moves on.
    `part` and `digest` stand in for those of the part that is read, where it is a folder and each landing a file of it.
    """

    records: Delimited | Rows | Columnar | JsonLines | None
    otherwise: Rows | None = None
    first_row: int = 1
    left_out: tuple[tuple[str, ...], ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    cursor: Any = None
    part: str | None = None
    digest: str = ""


# --- requests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it is sent. `query` and `headers` are pairs in order, values before any escaping."""

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Names of headers are lower case; one that is repeated stands there repeatedly."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class Client(Protocol):
    """Sends requests, one attempt each. Safe to use from many threads."""

    def send(self, request: Request) -> Response:
        """Send it; raises `TryAgain` where the network failed, and `GiveUp` where the answer must not be taken."""
        ...

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


# --- the contract -----------------------------------------------------------------------------------------------


class Connector(Protocol):
    """A kind of source. It may also have `check(source)`, which tells offline what is wrong with the settings of one."""

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
class Effort:
    """What reading a part has cost so far: requests, seconds waited for the platform's limits, records fetched, and
    which share of it is done, where that can be told."""

    requests: int = 0
    waited: float = 0.0
    rows: int = 0
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Offline:
    """The client of those who have no business with the network: it tells the time, and sends nothing."""

    clock: Callable[[], float] = time.time

    def send(self, request: Request) -> Response:
        """Refuse."""
        raise AssertionError(f"{request.method} {request.url}: nothing may be sent now")

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self.clock()

    def sleep(self, seconds: float) -> None:
        """Refuse."""
        raise AssertionError("nothing is to be waited for now")


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a connector may use while it works.

    `root` is the folder that relative paths start from, `scratch` an empty folder of its own, `recorded` the parts
    of the stream that earlier runs stored, by name, `wanted` the record fields that mappings read, and `cursor` where
    the stream stands. `client` sends requests and tells the time; while the parts are listed it refuses to send.
    `stop` is set when nobody wants to know any more: whoever waits long looks at it now and then.
    `report` is told now and then what reading has cost so far. `keep` is a folder, private to the source, for what has
    to outlive a run and is no record: tokens.
    """

    root: Path
    scratch: Path
    recorded: dict[str, Part] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    cursor: Any = None
    client: Client = field(default_factory=Offline)
    keep: Path | None = None
    report: Callable[[Effort], None] = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)


# --- errors, named by what to do next ---------------------------------------------------------------------------


class TryAgain(Exception):
    """This attempt failed, another may not: `why` in a few words, `after` so many seconds where that is known."""

    def __init__(self, why: str, after: float | None = None) -> None:
        self.why, self.after = why, after
        super().__init__(why)


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


def connector_of(source: Source) -> Connector:
    """The connector that reads a source: a preset is read by the one it presets."""
    return connector("rest" if source.preset else source.connector)


# --- names of record fields -------------------------------------------------------------------------------------


def field_name(written: str) -> str:
    """The name of a record field as it is kept: half-width, without byte order mark and blanks around it, inner blanks made one."""
    return " ".join(normalize("NFKC", written.replace("\ufeff", "").replace("\u200b", "")).split())


def same_name(written: str) -> str:
    """What two names of a record field have in common when they are the same: `商品 ID`, `商品ID`, `商品id`, `商品ＩＤ` are."""
    return "".join(field_name(written).split()).casefold()
