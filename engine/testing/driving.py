"""Drive a connector as an apply does, without a warehouse: parts, landings, cursors, and a clock that can be moved."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.connector import Client, JsonLines, Landing, Offline, Request, Response, Rows, Workplace, connector_of
from engine.diagnostic import Diagnostic
from engine.load import load
from engine.model import Part, Preset, Source

Record = dict[str, Any]
Platform = Callable[[Request], Response]


@dataclass
class Simulated:
    """A client whose network is a function, and whose time passes only by waiting. `sent` are the requests so far."""

    platform: Platform
    clock: Any
    sent: list[Request] = field(default_factory=list)

    __hash__ = object.__hash__

    def send(self, request: Request) -> Response:
        """Ask the function."""
        self.sent.append(request)
        return self.platform(request)

    def now(self) -> float:
        """The time of the clock: its `now()`."""
        return float(self.clock.now())

    def sleep(self, seconds: float) -> None:
        """Move the clock: its `sleep(seconds)`."""
        self.clock.sleep(seconds)


def source_of(
    connector: str,
    settings: Mapping[str, Any],
    streams: Sequence[str] | Mapping[str, Any] = (),
    *,
    since: str | None = None,
    manifests: Sequence[Path] = (),
) -> Source:
    """A source as a project would declare it, its manifests checked by their schemas.

    `manifests` are connector files besides the library's. Raises `Findings` where something is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        root = Path(folder)
        listed = []
        for manifest in manifests:
            (root / manifest.name).write_text(manifest.read_text("utf-8"), "utf-8")
            listed.append(manifest.name)
        declared: dict[str, Any] = {"connector": connector, "with": dict(settings)}
        if streams:
            declared["streams"] = dict(streams) if isinstance(streams, Mapping) else list(streams)
        if since:
            declared["since"] = since
        # JSON is YAML: nothing has to be escaped by hand.
        project = {"kind": "project", "name": "conformance", "sources": {"tested": declared}}
        project |= {"connectors": listed} if listed else {}
        (root / "project.yaml").write_text(json.dumps(project, ensure_ascii=False), "utf-8")
        return load(root).sources["tested"]


@dataclass
class Stopped(Exception):
    """The driver was told to stop here, as a killed process would."""


@dataclass
class Driver:
    """One stream of a source, read again and again; what it gave, and where it stands.

    `records` are the values of all landings that were stored, in order. A landing that is not followed by the next
    step of the connector counts as lost, together with its cursor.
    """

    source: Source
    stream: str
    client: Client
    root: Path = field(default_factory=Path)
    keep: Path | None = None
    cursor: Any = None
    recorded: dict[str, Part] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    landings: int = 0

    def run(self, *, stop_after: int | None = None, lose: bool = False) -> int:
        """Read what is lacking; returns how many landings there were.

        `stop_after` so many landings the run ends, as if killed; with `lose` the last of them was not stored any more.
        """
        made = connector_of(self.source)
        stream = self.source.streams[self.stream]
        with tempfile.TemporaryDirectory(prefix="engine-") as folder:
            scratch = Path(folder)
            place = Workplace(
                self.root, scratch, dict(self.recorded), cursor=copy.deepcopy(self.cursor), keep=self.keep
            )
            parts = list(made.survey(self.source, stream, replace(place, client=Offline(self.client.now))))
            count = 0
            for part in parts:
                reading = made.read(self.source, stream, part, replace(place, client=self.client))
                for landing in reading:
                    count += 1
                    if stop_after is not None and count > stop_after:
                        break
                    if not (lose and count == stop_after):
                        self._store(landing, part)
                close = getattr(reading, "close", None)
                if close:
                    close()
                if stop_after is not None and count > stop_after:
                    break
        self.landings += count
        return count

    def newest(self, key: str, newest_by: str | None) -> dict[str, Record]:
        """The newest record of each key; of equally new ones the one read last.

        Paths are dotted; a key of several parts is written `a+b`, and its values are joined in the same way.
        """
        made: dict[str, Record] = {}
        for record in self.records:
            identity = "+".join(str(inside(record, part)) for part in key.split("+"))
            before = made.get(identity)
            if before is None or newest_by is None or _age(record, newest_by) >= _age(before, newest_by):
                made[identity] = record
        return made

    def _store(self, landing: Landing, part: Part) -> None:
        self.diagnostics += landing.diagnostics
        self.records += records_of(landing)
        if landing.cursor is not None:
            self.cursor = json.loads(json.dumps(landing.cursor))
        elif part.digest:
            self.recorded[part.name] = part


def records_of(landing: Landing) -> Iterator[Record]:
    """The records of a landing as Python values: JSON as it is written (numbers exact), rows as texts by column."""
    if isinstance(landing.records, JsonLines):
        for line in landing.records.path.read_bytes().splitlines():
            yield json.loads(line, parse_float=Decimal)
    elif isinstance(landing.records, Rows):
        for _, values, _ in landing.records.rows:
            yield dict(zip(landing.records.columns, values, strict=True))
    elif landing.records is not None:
        raise TypeError(f"records of a {type(landing.records).__name__} are read with the warehouse")


def inside(record: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for step in path.split("."):
        record = record.get(step) if isinstance(record, Mapping) else None
    return record


def _age(record: Record, path: str) -> tuple[int, Any]:
    """What sorts records by age: numbers by size, texts by letters."""
    value = inside(record, path)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return (0, 0) if value is None else (1, value) if isinstance(value, int | Decimal) else (2, value)


def with_page_size(source: Source, stream: str, size: int) -> Source:
    """The same source, of whose connector a stream has pages of another size."""
    assert source.preset is not None
    value = copy.deepcopy(source.preset.value)
    for part in (value["streams"][stream], value["streams"][stream].get("list") or {}):
        if "size" in (part.get("page") or {}):
            part["page"]["size"] = size
    return replace(source, preset=Preset(source.preset.name, value, source.preset.origin))
