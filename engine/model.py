"""Every noun of the engine as a frozen dataclass: what is declared, what is recorded, what is planned, what was done.

Declared things keep an `Origin`, the place in the manifest they were read from. Dictionaries keep the
order of the manifest and are not changed once built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.diagnostic import Diagnostic
from engine.document import Document, Origin

Type = Literal["text", "id", "integer", "decimal", "date", "timestamp", "boolean"]
"""The types of table columns. `id` is text that identifies something: no arithmetic, no leading zero lost."""

PARENT = "../"
"""What stands before the name of a record field where a mapping reads the elements of a list in it."""

Grain = Literal["hour", "day", "week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "week", "month", "quarter", "year")


# --- declared: the shared model ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """Words for people, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `scale` counts the decimals of a `decimal`; `pii` is the class P0 to P3 of the model."""

    name: str
    type: Type
    label: Label
    origin: Origin = field(repr=False, compare=False)
    unit: str | None = None
    scale: int = 2
    pii: str = "P0"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the shared model. `key` identifies a row, `time` is the column that dates it by default.

    `joins` names, for each other table that a row belongs to, the columns that lead there: they are that
    table's key, so a join never multiplies rows.
    """

    name: str
    label: Label
    grain: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    origin: Origin = field(repr=False, compare=False)
    time: str | None = None
    joins: dict[str, tuple[str, ...]] = field(default_factory=dict)


# --- declared: mappings -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """How one column of a table (or one `let` value) comes from a record.

    Exactly one of `sources` (record fields, the first that is there and not empty wins), `value` (a constant)
    and `sql` (an expression over the other fields of the mapping) is given.
    """

    name: str
    type: Type
    origin: Origin = field(repr=False, compare=False)
    sources: tuple[str, ...] = ()
    value: str | None = None
    sql: str | None = None
    scale: int = 2
    formats: tuple[str, ...] = ()
    zone: str | None = None
    unit: str | None = None
    map: dict[str, str] | None = None
    unknown: Literal["flag", "reject", "keep", "empty"] = "flag"
    clean: tuple[str, ...] = ()
    default: str | None = None
    optional: bool = False
    nulls: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`reject` sends rows that are wrong to quarantine; `drop` leaves out rows that are right but not wanted."""

    kind: Literal["reject", "drop"]
    when: str
    because: str
    origin: Origin = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the records of one stream become rows of one table.

    `let` holds fields that other fields may use and that do not land in the table. With `each`, a path to a list in
    the record, every element of it becomes a row; `from` then names fields of the element, and `../x` those of the
    record around it.
    """

    name: str
    source: str
    stream: str
    into: str
    key: tuple[str, ...]
    fields: dict[str, Field]
    let: dict[str, Field]
    rules: tuple[Rule, ...]
    origin: Origin = field(repr=False, compare=False)
    newest_by: str | None = None
    each: str | None = None

    @property
    def feed(self) -> str:
        """The stream it reads, as `source.stream`."""
        return f"{self.source}.{self.stream}"

    @property
    def all_fields(self) -> dict[str, Field]:
        """`let` and `fields` together."""
        return {**self.let, **self.fields}

    @property
    def record_fields(self) -> tuple[str, ...]:
        """The record fields that the mapping reads, each once, in order; of `a.b`, also `a`, which may hold it."""
        given = [self.each]
        given += [self.around(name) for one in self.all_fields.values() for name in one.sources]
        names = [name for one in given if one and not one.startswith("_") for name in (one, one.partition(".")[0])]
        return tuple(dict.fromkeys(names))

    def around(self, source: str) -> str | None:
        """What a `from` names in the record itself; None for a field of an element of `each`."""
        if self.each is None or source.startswith("_"):
            return source
        return source.removeprefix(PARENT) if source.startswith(PARENT) else None


# --- declared: metrics ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metric:
    """One definition of a KPI. Exactly one of `measure`, `ratio`, `derived` and `of` is given.

    `measure` is an aggregate over `table`; `ratio` names numerator and denominator metrics; `derived` is
    arithmetic over metrics; `of` is another metric, narrowed by `where`. `time` is the column that dates
    the measure's rows.
    """

    name: str
    label: Label
    origin: Origin = field(repr=False, compare=False)
    table: str | None = None
    measure: str | None = None
    time: str | None = None
    where: str | None = None
    ratio: tuple[str, str] | None = None
    derived: str | None = None
    of: str | None = None
    unit: str | None = None
    about: str | None = None


# --- declared: the project --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record that a source gives, with settings of its own."""

    name: str
    settings: dict[str, Any]
    origin: Origin = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Preset:
    """A connector declared in YAML: the built-in `rest` connector with everything about one platform filled in.

    `value` is the manifest as plain values.
    """

    name: str
    value: dict[str, Any]
    origin: Origin = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A place that records come from. `settings` still hold `${NAME}` where the manifest does.

    `since` is the date or time that histories are read from, as it is written, in the project's `zone`.
    """

    name: str
    connector: str
    settings: dict[str, Any]
    streams: dict[str, Stream]
    origin: Origin = field(repr=False, compare=False)
    shop: str | None = None
    since: str | None = None
    zone: str = "Asia/Shanghai"
    preset: Preset | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the warehouse keeps its files, and how much of the machine it may use.

    `memory` and `spill` are sizes such as `2GB`; `threads` None means one for each core; `keep` published versions stay.
    """

    engine: str
    path: Path
    memory: str = "2GB"
    spill: str = "50GB"
    threads: int | None = None
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that a project was read from, and for each path with wildcards the files that it matched."""

    files: tuple[str, ...] = ()
    patterns: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that the manifests declare, and nothing else."""

    name: str
    root: Path
    file: Path
    timezone: str
    currency: str
    storage: Storage
    sources: dict[str, Source]
    tables: dict[str, Table]
    mappings: tuple[Mapping, ...]
    metrics: dict[str, Metric]
    documents: tuple[Document, ...] = field(repr=False)
    digest: str
    origin: Origin = field(repr=False, compare=False)
    salt: str | None = None
    inputs: Inputs = field(default_factory=Inputs, repr=False, compare=False)

    def mappings_into(self, table: str) -> tuple[Mapping, ...]:
        """The mappings that feed a table, in the order of the manifest."""
        return tuple(mapping for mapping in self.mappings if mapping.into == table)

    def mappings_of(self, feed: str) -> tuple[Mapping, ...]:
        """The mappings that read a stream (`source.stream`)."""
        return tuple(mapping for mapping in self.mappings if mapping.feed == feed)


# --- what a source holds ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a stream that is read as a whole: a file, a sheet, a time window.

    `name` identifies it from run to run; `digest` changes when its content or the settings that it is read
    with change; `stamp` is a cheap sign that the content may have changed (for a file: size and time).
    A part without a digest is always read: the stream's cursor tells what it still lacks.
    """

    name: str
    digest: str
    stamp: str = ""
    size: int | None = None
    detail: dict[str, Any] = field(default_factory=dict, compare=False)


Found = dict[str, tuple[Part, ...]]
"""What a survey found: for each stream (`source.stream`) its parts."""


# --- recorded ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """An immutable Parquet file of raw records, as the state lists it.

    `first_row` is the row of the part (counting from 1, as a spreadsheet does) that record 0 stands in.
    `left_out` counts total lines and the like that are not records. A part has been read once a batch of it is the `last`.
    """

    number: int
    run: int
    source: str
    stream: str
    part: str
    digest: str
    stamp: str
    file: str
    rows: int
    columns: tuple[str, ...]
    first_row: int = 1
    left_out: int = 0
    last: bool = True
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def feed(self) -> str:
        """The stream it belongs to, as `source.stream`."""
        return f"{self.source}.{self.stream}"


@dataclass(frozen=True, slots=True)
class TableState:
    """What is known of a table: how it was made, which batches are in it, and the run that last changed it."""

    name: str
    recipe: str
    batches: tuple[int, ...]
    changed_by: int
    rows: int


@dataclass(frozen=True, slots=True)
class State:
    """What earlier runs recorded. `serial` is the number of the last run that changed something."""

    serial: int = 0
    batches: tuple[Batch, ...] = ()
    tables: dict[str, TableState] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)
    """Where each stream (`source.stream`) that keeps a cursor stands."""

    def versions(self, feed: str) -> dict[str, str]:
        """For each part of a stream that was read to its end, the digest of the version read last."""
        return {
            batch.part: batch.digest for batch in self.batches if batch.feed == feed and batch.last and batch.digest
        }


def is_read(part: Part, versions: dict[str, str]) -> bool:
    """Whether what a part holds now has been read.

    The same content under another name is the same records. An older content of the same file is not what it holds now.
    """
    if not part.digest:
        return False
    known = versions.get(part.name)
    return part.digest in versions.values() if known is None else part.digest == known


# --- planned ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """Step: read a part of a stream into raw."""

    source: str
    stream: str
    part: Part
    why: Literal["new", "changed"]


@dataclass(frozen=True, slots=True)
class Build:
    """Step: bring a table up to date.

    `rebuild` makes it anew from all raw records, `extend` adds the batches that are not in it yet, `remove`
    takes a table away that the manifests no longer declare. `batches` are those already in raw;
    those that the same plan reads come on top.
    """

    table: str
    how: Literal["rebuild", "extend", "remove"]
    why: str
    mappings: tuple[str, ...]
    batches: tuple[int, ...]
    recipe: str


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric that is new, gone, or computes something else than in the last run."""

    name: str
    what: Literal["added", "changed", "removed"]
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps from the recorded state to what the manifests declare."""

    project: str
    serial: int
    reads: tuple[Read, ...]
    builds: tuple[Build, ...]
    metrics: tuple[MetricChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.reads or self.builds or self.metrics)


# --- done -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading one part gave. `rows` are records landed, `left_out` total lines and the like; `requests` were sent,
    and `waited` seconds spent on the platform's limits."""

    source: str
    stream: str
    part: str
    rows: int
    left_out: int
    seconds: float
    requests: int = 0
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class MappingResult:
    """What became of the records that a mapping read in a run: `read = loaded + superseded + rejected + dropped`."""

    mapping: str
    table: str
    read: int
    loaded: int
    superseded: int
    rejected: int
    dropped: int


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What building one table gave; `rows` is what it holds afterwards."""

    table: str
    how: str
    rows: int
    seconds: float
    mappings: tuple[MappingResult, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What an `apply` did. A run that had nothing to do has the number of the last one that had."""

    number: int
    status: Literal["done", "nothing", "failed"]
    started: str
    seconds: float
    reads: tuple[ReadResult, ...] = ()
    builds: tuple[BuildResult, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    published: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()
    exit_status: int = 0
