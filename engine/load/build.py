"""Turn documents that keep to their schema into the nouns of the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from re import fullmatch
from typing import Any, Literal

from engine.connector import connector, connector_of, connectors
from engine.diagnostic import Diagnostic, finding, nearest
from engine.document import Document, Origin
from engine.load.maps import read_map
from engine.load.presets import wrong_preset_settings
from engine.load.schema import wrong_settings
from engine.load.shipped import library
from engine.model import Column, Field, Label, Mapping, Metric, Preset, Rule, Source, Storage, Stream, Table

FORMS = ("measure", "ratio", "derived", "of")
"""The ways to give a metric."""


class Builder:
    """Builds declared things from documents and keeps what it finds wrong on the way."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: list[Diagnostic] = []
        self.tables: dict[str, Table] = {}
        self.metrics: dict[str, Metric] = {}
        self.maps: dict[Path, dict[str, str]] = {}
        self.lacks_connectors = False

    # --- project ------------------------------------------------------------------------------------------------

    def storage(self, document: Document) -> Storage:
        """The project's `warehouse`."""
        given = dict(document.value.get("warehouse") or {})
        return Storage(engine=given.pop("engine", "duckdb"), path=self.root / given.pop("path", "build"), **given)

    def sources(self, document: Document, presets: dict[str, Preset]) -> dict[str, Source]:
        """The project's sources, with all streams their connectors say they have."""
        made = (self._source(document, name, presets) for name in document.value["sources"])
        return {source.name: source for source in made if source}

    def _source(self, document: Document, name: str, presets: dict[str, Preset]) -> Source | None:
        given, origin = document.value["sources"][name], Origin(document, ("sources", name))
        kind = given["connector"]
        preset = presets.get(kind)
        if preset is None and kind not in _names():
            if self.lacks_connectors:  # one of the project's own could not be read, which is told already
                return None
            known = sorted({*_names(), *presets})
            place = origin.place("connector")
            near = nearest(kind, known)
            self.found.append(finding("unknown-connector", place, name=kind, near=near, known=", ".join(known)))
            return None
        if preset is not None:
            self.found += wrong_preset_settings(preset, origin)
            self._known_streams(preset, origin, given.get("streams") or {})
        elif kind in connectors():
            self.found += wrong_settings(document, ("sources", name), connector(kind))
        else:
            return None  # a file of the library that could not be read, which is told already
        declared = given.get("streams") or {}
        if isinstance(declared, list):
            streams = {
                one: Stream(one, {}, Origin(document, (*origin.path, "streams", at))) for at, one in enumerate(declared)
            }
        else:
            streams = {
                one: Stream(one, declared[one] or {}, Origin(document, (*origin.path, "streams", one)))
                for one in declared
            }
        settings, shop, since = given.get("with") or {}, given.get("shop"), given.get("since")
        self._check_since(origin, since)
        zone = document.value.get("timezone", "Asia/Shanghai")
        source = Source(name, kind, settings, streams, origin, shop, since, zone, preset)
        return replace(source, streams=connector_of(source).streams(source))

    def _known_streams(self, preset: Preset, origin: Origin, declared: dict[str, Any] | list[str]) -> None:
        known = preset.value["streams"]
        for at, one in enumerate(declared):
            if one not in known:
                place = origin.place("streams", at) if isinstance(declared, list) else origin.key("streams", one)
                facts = {"name": one, "connector": preset.name, "known": ", ".join(known), "near": nearest(one, known)}
                self.found.append(finding("unknown-connector-stream", place, **facts))

    def _check_since(self, origin: Origin, since: str | None) -> None:
        if since and fullmatch(r"\d+(s|m|h|d)", since):
            return
        try:
            datetime.fromisoformat(since or "2000-01-01")
        except ValueError:
            self.found.append(finding("bad-since", origin.place("since"), value=since))

    # --- model --------------------------------------------------------------------------------------------------

    def model(self, document: Document, *, shared: bool) -> None:
        """Take in the tables of a model manifest; a project may add to a shared table only `ext_` columns."""
        for name, given in document.value["tables"].items():
            origin = Origin(document, ("tables", name))
            columns = {key: self._column(origin, key, value) for key, value in given["columns"].items()}
            if name in self.tables and not shared:
                self._extend(self.tables[name], columns)
            elif "key" not in given:
                near = nearest(name, [one for one in self.tables if one != name])
                self.found.append(finding("missing-key", origin.key(), key="key", near=near))
            else:
                self.tables[name] = self._table(origin, name, given, columns)

    def _table(self, origin: Origin, name: str, given: dict[str, Any], columns: dict[str, Column]) -> Table:
        joins = {table: tuple(by) for table, by in (given.get("joins") or {}).items()}
        return Table(
            name,
            _label(given, name),
            given.get("grain", ""),
            tuple(given["key"]),
            columns,
            origin,
            given.get("time"),
            joins,
        )

    def _column(self, table: Origin, name: str, given: dict[str, Any]) -> Column:
        origin = Origin(table.document, (*table.path, "columns", name))
        settings = {key: given[key] for key in ("unit", "scale", "pii") if key in given}
        return Column(name, given["type"], _label(given, name), origin, **settings)

    def _extend(self, table: Table, columns: dict[str, Column]) -> None:
        for name, column in columns.items():
            if not name.startswith("ext_"):
                self.found.append(finding("not-an-extension", column.origin.key(), name=name, table=table.name))
        joined = {**table.columns, **columns}
        self.tables[table.name] = Table(
            table.name, table.label, table.grain, table.key, joined, table.origin, table.time, table.joins
        )

    # --- mappings -----------------------------------------------------------------------------------------------

    def mapping(self, document: Document, folder: Path, name: str, source: str) -> Mapping:
        """The mapping that a document declares, reading the streams of `source`."""
        given, origin = document.value, Origin(document, ())
        table = self.tables.get(given["into"])
        return Mapping(
            name=name,
            source=source,
            stream=given["from"].split(".")[1],
            into=given["into"],
            key=tuple(given.get("key") or (table.key if table else ())),
            fields=self._fields(origin, "fields", folder, table),
            let=self._fields(origin, "let", folder, None),
            rules=tuple(self._rules(origin)),
            origin=origin,
            newest_by=given.get("newest_by"),
            each=given.get("each"),
        )

    def _fields(self, mapping: Origin, part: str, folder: Path, table: Table | None) -> dict[str, Field]:
        given = mapping.document.value.get(part) or {}
        columns = table.columns if table else {}
        return {name: self._field(mapping, part, name, given[name], folder, columns.get(name)) for name in given}

    def _field(
        self, mapping: Origin, part: str, name: str, given: str | dict[str, Any], folder: Path, column: Column | None
    ) -> Field:
        origin = Origin(mapping.document, (part, name))
        said: dict[str, Any] = {"from": given} if isinstance(given, str) else given
        self._one_of(origin, said, ("from", "value", "sql"))
        kind = said.get("type") or (column.type if column else "text")
        return Field(
            name=name,
            type=kind,
            origin=origin,
            sources=_texts(said.get("from")),
            value=_text(said.get("value")),
            sql=said.get("sql"),
            scale=said.get("scale", column.scale if column else 2),
            formats=_texts(said.get("format")),
            zone=said.get("zone"),
            unit=said.get("unit"),
            map=self._map(origin, said.get("map"), folder),
            unknown=said.get("unknown", "flag"),
            clean=_texts(said.get("clean")),
            default=_text(said.get("default")),
            optional=said.get("optional", False),
            nulls=tuple(said["nulls"]) if "nulls" in said else None,
        )

    def _map(self, origin: Origin, given: str | dict[str, Any] | None, folder: Path) -> dict[str, str] | None:
        if given is None:
            return None
        if isinstance(given, dict):
            return {raw: _text(value) or "" for raw, value in given.items()}
        file = self._map_file(origin, given, folder)
        if file is None:
            return {}
        if file not in self.maps:
            words, found = read_map(file, shown(file, self.root), str(origin.place("map")))
            self.maps[file] = words
            self.found += found
        return self.maps[file]

    def _map_file(self, origin: Origin, given: str, folder: Path) -> Path | None:
        """The file of a map, in the project; None, and a finding kept, where there is none."""
        place, file = origin.place("map"), folder / given
        known: list[str] = []
        try:
            if not inside(self.root, file) and not inside(folder, file):
                self.found.append(finding("outside-project", place, path=given))
                return None
            if file.is_file():
                return file.resolve()
            known = [(Path(given).parent / one.name).as_posix() for one in file.parent.glob("*.csv")]
        except (OSError, ValueError):  # no name that a file can have
            pass
        facts = {"path": given, "folder": shown(folder, self.root), "near": nearest(given, known)}
        self.found.append(finding("missing-file", place, **facts))
        return None

    def _rules(self, mapping: Origin) -> Iterable[Rule]:
        for at, given in enumerate(mapping.document.value.get("rules") or []):
            origin = Origin(mapping.document, ("rules", at))
            self._one_of(origin, given, ("reject", "drop"))
            kind: Literal["reject", "drop"] = "reject" if "reject" in given else "drop"
            yield Rule(kind, given.get(kind, "true"), given["because"], origin)

    # --- metrics ------------------------------------------------------------------------------------------------

    def metrics_of(self, document: Document) -> None:
        """Take in the metrics of a manifest; a project's metric replaces the library's of the same name."""
        for name, given in document.value["metrics"].items():
            origin = Origin(document, ("metrics", name))
            self._one_of(origin, given, FORMS)
            self._goes_with(origin, given)
            known = self.metrics.get(name)
            if known and known.origin.document.path == document.path:
                continue
            said = {
                key: given[key]
                for key in ("table", "measure", "time", "where", "derived", "of", "unit", "about")
                if key in given
            }
            pair = given.get("ratio")
            self.metrics[name] = Metric(name, _label(given, name), origin, ratio=tuple(pair) if pair else None, **said)

    def _goes_with(self, origin: Origin, given: dict[str, Any]) -> None:
        forms = [form for form in FORMS if form in given]
        if len(forms) != 1:
            return  # that is said already
        if forms == ["measure"] and "table" not in given:
            self.found.append(finding("goes-with", origin.key("measure"), key="measure", needs="table"))
        if forms == ["of"] and "where" not in given:
            self.found.append(finding("goes-with", origin.key("of"), key="of", needs="where"))
        for key in ("table", "time"):
            if key in given and forms == ["of"]:
                self.found.append(finding("one-of", origin.key(key), key=key, first="of"))

    # --- all ----------------------------------------------------------------------------------------------------

    def _one_of(self, origin: Origin, given: dict[str, Any], keys: tuple[str, ...]) -> None:
        there = [key for key in keys if key in given]
        if not there:
            self.found.append(finding("none-of", origin.key(), keys=", ".join(f"`{key}`" for key in keys)))
        for key in there[1:]:
            self.found.append(finding("one-of", origin.key(key), key=key, first=there[0]))


def _names() -> set[str]:
    """The connectors that a source may name without declaring them."""
    return (connectors().keys() - {"rest"}) | {one.stem for one in (library() / "connectors").glob("*.yaml")}


def inside(folder: Path, path: Path) -> bool:
    """Whether a path stays in a folder, wherever links lead."""
    return path.resolve().is_relative_to(folder.resolve())


def shown(path: Path, root: Path) -> str:
    """A path as people see it: relative to the project where it is inside."""
    resolved = path.resolve()
    return resolved.relative_to(root).as_posix() or "." if resolved.is_relative_to(root) else resolved.as_posix()


def _label(given: dict[str, Any], name: str) -> Label:
    one = given.get("label")
    return Label(given.get("zh", one or given.get("en", name)), given.get("en", one or name.replace("_", " ")))


def _texts(given: str | list[str] | None) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def _text(given: Any) -> str | None:
    if given is None:
        return None
    return str(given).lower() if isinstance(given, bool) else str(given)
