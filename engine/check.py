"""What JSON Schema cannot say: names exist, types fit, expressions are sound, nothing goes in rings.

Looks at the manifests alone: no network, no files of data, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError
from itertools import combinations
from re import fullmatch
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine import metric
from engine.diagnostic import Diagnostic, Place, finding, in_order, nearest
from engine.model import Column, Field, Mapping, Project, Rule, Table
from engine.sql.expression import KINDS, Kind, examine
from engine.sql.functions import CLEANINGS
from engine.sql.mapping import BUILT_IN
from engine.sql.mapping import in_order as in_levels

_FITS: dict[str, tuple[str, ...]] = {
    "text": ("text", "id"),
    "id": ("id", "text"),
    "integer": ("integer", "decimal"),
    "decimal": ("decimal",),
    "date": ("date", "timestamp"),
    "timestamp": ("timestamp",),
    "boolean": ("boolean",),
}
"""For each type of a field, the types of column that it may go into without losing anything."""

_CONSTANTS = {"integer": r"-?\d{1,18}", "decimal": r"-?\d{1,15}(\.\d+)?", "boolean": "true|false"}


def check(project: Project) -> tuple[Diagnostic, ...]:
    """All findings about what the manifests of a project mean, by file and line; empty when all is well."""
    found = [
        *_project(project),
        *_tables(project),
        *(one for mapping in project.mappings for one in _Mapping(project, mapping).findings()),
        *_together(project),
        *metric.examine(project),
        *_unread(project),
    ]
    return in_order(found)


def _project(project: Project) -> Iterator[Diagnostic]:
    if not _is_zone(project.timezone):
        yield finding("unknown-timezone", project.origin.place("timezone"), name=project.timezone)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _tables(project: Project) -> Iterator[Diagnostic]:
    for table in project.tables.values():
        for other, columns in table.joins.items():
            origin = table.origin
            if other not in project.tables:
                yield _unknown_table(project, origin.key("joins", other), other)
                continue
            for at, column in enumerate(columns):
                if column not in table.columns:
                    near = nearest(column, table.columns)
                    yield finding(
                        "unknown-column", origin.place("joins", other, at), name=column, table=table.name, near=near
                    )
            key = project.tables[other].key
            if len(columns) != len(key):
                yield finding("wrong-join", origin.key("joins", other), table=other, key=_listed(key))


def _together(project: Project) -> Iterator[Diagnostic]:
    """What is wrong between mappings: the same name, the same stream into the same table, the same rows."""
    for first, second in combinations(project.mappings, 2):
        same_document = first.origin.document.path == second.origin.document.path
        if first.name == second.name:
            place = second.origin.key("from")
            yield finding("same-name", place, name=second.name, first=first.origin.document.path)
        if first.into != second.into:
            continue
        place = second.origin.place("into")
        if first.feed == second.feed:
            where = first.origin.document.path
            yield finding(
                "mapped-twice",
                second.origin.place("from"),
                feed=second.feed,
                into=second.into,
                table=second.into,
                first=where,
            )
        elif not same_document and not _apart(first, second) and not (first.newest_by and second.newest_by):
            yield finding("key-claimed-twice", place, first=first.name, second=second.name, table=second.into)


def _apart(first: Mapping, second: Mapping) -> bool:
    """Whether constants keep the keys of two mappings apart: another value in each, or the shop of each source."""
    for column in first.key:
        one, other = first.fields.get(column), second.fields.get(column)
        if one is None or other is None:
            continue
        if one.value is not None and other.value is not None and one.value != other.value:
            return True
        if "_shop" in one.sources and "_shop" in other.sources and first.source != second.source:
            return True
    return False


def _unread(project: Project) -> Iterator[Diagnostic]:
    for source in project.sources.values():
        for stream in source.streams.values():
            feed = f"{source.name}.{stream.name}"
            if not project.mappings_of(feed):
                yield finding("unused-source", stream.origin.key(), feed=feed)


def _unknown_table(project: Project, place: Place, name: str) -> Diagnostic:
    return finding(
        "unknown-table", place, name=name, near=nearest(name, project.tables), known=", ".join(sorted(project.tables))
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


class _Mapping:
    """The findings about one mapping."""

    def __init__(self, project: Project, mapping: Mapping) -> None:
        self.project, self.mapping = project, mapping
        self.table: Table | None = project.tables.get(mapping.into)
        self.fields = mapping.all_fields
        self.kinds: dict[str, Kind] = {name: KINDS[one.type] for name, one in self.fields.items()}

    def findings(self) -> Iterator[Diagnostic]:
        """All findings, in no particular order."""
        yield from self._source()
        if self.table is None:
            yield _unknown_table(self.project, self.mapping.origin.place("into"), self.mapping.into)
        else:
            yield from self._columns(self.table)
            yield from self._key(self.table)
        for field in self.fields.values():
            yield from self._field(field)
        for rule in self.mapping.rules:
            yield from self._rule(rule)
        yield from self._rings()

    def _source(self) -> Iterator[Diagnostic]:
        origin, sources = self.mapping.origin, self.project.sources
        name, stream = self.mapping.source, self.mapping.stream
        if name not in sources:
            place = origin.inside("from", start=0, end=len(name))
            yield finding("unknown-source", place, name=name, near=nearest(name, sources), known=", ".join(sources))
        elif stream not in sources[name].streams:
            place = origin.inside("from", start=len(name) + 1, end=len(name) + 1 + len(stream))
            known = sources[name].streams
            yield finding(
                "unknown-stream", place, source=name, name=stream, near=nearest(stream, known), known=", ".join(known)
            )

    def _columns(self, table: Table) -> Iterator[Diagnostic]:
        for field in self.mapping.fields.values():
            column = table.columns.get(field.name)
            if column is None:
                near = nearest(field.name, table.columns)
                yield finding("unknown-column", field.origin.key(), name=field.name, table=table.name, near=near)
            elif column.type not in _FITS[field.type]:
                place = field.origin.place("type")
                yield finding("type-does-not-fit", place, given=field.type, name=field.name, wanted=column.type)
            elif field.type == "decimal" and field.scale > column.scale:
                place = field.origin.place("scale")
                yield finding(
                    "type-does-not-fit", place, given=_decimal(field), name=field.name, wanted=_decimal(column)
                )

    def _key(self, table: Table) -> Iterator[Diagnostic]:
        origin, mapping = self.mapping.origin, self.mapping
        if set(mapping.key) != set(table.key):
            place = origin.place("key")
            yield finding("other-key", place, table=table.name, key=_listed(table.key), given=_listed(mapping.key))
        for column in table.key:
            if column not in mapping.fields:
                place = origin.key("fields")
                yield finding("key-not-mapped", place, name=column, table=table.name, key=_listed(table.key))
        if mapping.newest_by and mapping.newest_by not in mapping.fields:
            near = nearest(mapping.newest_by, mapping.fields)
            yield finding("unknown-field", origin.place("newest_by"), name=mapping.newest_by, near=near)
        others = [one for one in self.project.mappings_into(table.name) if one.newest_by and mapping.newest_by]
        for other in others:
            if other.newest_by != mapping.newest_by and other.name < mapping.name:
                place = origin.place("newest_by")
                yield finding("other-newest", place, table=table.name, other=other.name, given=other.newest_by)

    # --- fields -------------------------------------------------------------------------------------------------

    def _field(self, field: Field) -> Iterator[Diagnostic]:
        yield from self._settings(field)
        for at, cleaning in enumerate(field.clean):
            if cleaning not in CLEANINGS:
                place = field.origin.place("clean", at)
                yield finding(
                    "unknown-cleaning",
                    place,
                    name=cleaning,
                    near=nearest(cleaning, CLEANINGS),
                    known=", ".join(CLEANINGS),
                )
        for at, source in enumerate(field.sources):
            if source.startswith("_") and source not in BUILT_IN:
                place = field.origin.place("from", at)
                yield finding(
                    "unknown-builtin", place, name=source, near=nearest(source, BUILT_IN), known=", ".join(BUILT_IN)
                )
        for key, constant in (("value", field.value), ("default", field.default)):
            if constant is not None and not _is_constant(constant, field):
                place = field.origin.place(key)
                yield finding("constant-does-not-fit", place, value=constant, name=field.name, wanted=_described(field))
        if field.sql is not None:
            yield from self._expression(field)

    def _expression(self, field: Field) -> Iterator[Diagnostic]:
        others = {name: kind for name, kind in self.kinds.items() if name != field.name or field.sql == name}
        expression, found = examine(
            field.sql or "",
            others,
            lambda start, end: field.origin.inside("sql", start=start, end=end),
            of=f"mapping {self.mapping.name}",
        )
        yield from found
        wanted = KINDS[field.type]
        if expression and expression.kind not in ("unknown", wanted) and not _castable(expression.kind, wanted):
            place = field.origin.place("sql")
            yield finding("wrong-kind", place, kind=expression.kind, want=wanted)

    def _settings(self, field: Field) -> Iterator[Diagnostic]:
        timely = field.type in ("date", "timestamp")
        for key, fits, wanted in (
            ("format", timely, "date, timestamp"),
            ("zone", timely, "date, timestamp"),
            ("unit", field.type == "decimal", "decimal"),
            ("scale", field.type == "decimal", "decimal"),
        ):
            if field.origin.has(key) and not fits:
                yield finding("setting-does-not-fit", field.origin.key(key), key=key, type=field.type, wanted=wanted)
        for key, needs, there in (("unknown", "map", field.map is not None),):
            if field.origin.has(key) and not there:
                yield finding("no-effect", field.origin.key(key), key=key, needs=needs)
        for key in ("map", "clean", "default", "optional", "nulls", "format", "zone", "unit"):
            if field.origin.has(key) and not field.sources:
                yield finding("no-effect", field.origin.key(key), key=key, needs="from")
        if field.zone and not _is_zone(field.zone):
            yield finding("unknown-timezone", field.origin.place("zone"), name=field.zone)

    # --- rules and rings ----------------------------------------------------------------------------------------

    def _rule(self, rule: Rule) -> Iterator[Diagnostic]:
        _, found = examine(
            rule.when,
            self.kinds,
            lambda start, end: rule.origin.inside(rule.kind, start=start, end=end),
            of=f"mapping {self.mapping.name}",
            want="boolean",
        )
        yield from found

    def _rings(self) -> Iterator[Diagnostic]:
        try:
            in_levels(self.fields)
        except CycleError as ring:
            path = list(reversed(ring.args[1]))
            yield finding("ring", self.fields[path[0]].origin.place("sql"), path=" → ".join(path))


def _castable(given: Kind, wanted: Kind) -> bool:
    return (given, wanted) in {("timestamp", "date"), ("date", "timestamp")} or wanted == "text"


def _is_constant(value: str, field: Field) -> bool:
    pattern = _CONSTANTS.get(field.type)
    if pattern and not fullmatch(pattern, value):
        return False
    if field.type == "decimal":
        return len(value.partition(".")[2]) <= field.scale
    if field.type in ("date", "timestamp"):
        return bool(fullmatch(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?", value))
    return True


def _described(field: Field) -> str:
    return _decimal(field) if field.type == "decimal" else field.type


def _decimal(one: Field | Column) -> str:
    return f"decimal with {one.scale} decimals"
