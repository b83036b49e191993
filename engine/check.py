"""What JSON Schema cannot say: names exist, types fit, expressions are sound, nothing goes in rings.

Looks at the manifests alone: no network, no files of data, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from graphlib import CycleError
from itertools import combinations
from re import findall, finditer, fullmatch
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine import metric
from engine.connector import connector_of
from engine.diagnostic import Diagnostic, Place, errors, finding, in_order, nearest
from engine.diagnostic.catalogue import in_words
from engine.document import Origin
from engine.metric.conditions import columns_in
from engine.model import Field, Mapping, Project, Rule, Table
from engine.secret import plain_secrets, secret_keys
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


_DATE_PARTS = ("%Y", "%y", "%m", "%d", "%H", "%I", "%M", "%S", "%f", "%p", "%b", "%B", "%a", "%A", "%j", "%z", "%%")
"""What a `format` is made of (strptime, as DuckDB reads it)."""


def check(project: Project) -> tuple[Diagnostic, ...]:
    """All findings about what the manifests of a project mean, by file and line; empty when all is well."""
    found = [
        *_project(project),
        *_secrets(project),
        *_connectors(project),
        *_tables(project),
        *(one for mapping in project.mappings for one in _Mapping(project, mapping).findings()),
        *_together(project),
        *metric.examine(project),
    ]
    # A misspelt `from` leaves its stream unread: that is said once.
    return in_order(found if errors(found) else [*found, *_unread(project)])


def _project(project: Project) -> Iterator[Diagnostic]:
    if not _is_zone(project.timezone):
        yield finding("unknown-timezone", project.origin.place("timezone"), name=project.timezone)


def _secrets(project: Project) -> Iterator[Diagnostic]:
    """Secrets that the settings of sources write out."""
    for source in project.sources.values():
        made = connector_of(source)
        keys = secret_keys(made.source_schema, made.stream_schema, source.preset and source.preset.value)
        yield from _references(source.settings, source.origin, ("with",))
        yield from plain_secrets(source.settings, keys, source.origin, "with")
        for stream in source.streams.values():
            yield from _references(stream.settings, stream.origin, ())
            yield from plain_secrets(stream.settings, keys, stream.origin)
    if project.salt:
        yield from plain_secrets({"salt": project.salt}, {"salt"}, project.origin, "privacy")


def _references(value: Any, origin: Origin, at: tuple[str | int, ...]) -> Iterator[Diagnostic]:
    """`${…}` that is no name: it would be taken as it is written."""
    if isinstance(value, str):
        for found in finditer(r"\$\{(?![A-Za-z_][A-Za-z0-9_]*\})[^}]*\}?", value):
            place = origin.inside(*at, start=found.start(), end=found.end())
            yield finding("bad-reference", place, written=found[0])
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in parts:
        yield from _references(one, origin, (*at, key))


def _connectors(project: Project) -> Iterator[Diagnostic]:
    """What connectors find wrong with the settings of their sources."""
    for source in project.sources.values():
        look = getattr(connector_of(source), "check", None)
        yield from look(source) if look else ()


def _declared(fields: dict[str, Any], path: str) -> dict[str, Any] | None:
    """What a connector declares to be inside a field; empty where it says nothing of it, None where there is none."""
    here: dict[str, Any] = fields
    for step in path.split("."):
        if step.isdecimal() or not here:
            continue
        if step not in here:
            return None
        here = (here[step] or {}).get("of") or {}
    return here


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _tables(project: Project) -> Iterator[Diagnostic]:
    for table in project.tables.values():
        yield from _own_columns(table)
        for other in table.joins:
            if other in project.tables:
                yield from _join(table, project.tables[other])
            else:
                yield _unknown_table(project, table.origin.key("joins", other), other)


def _own_columns(table: Table) -> Iterator[Diagnostic]:
    for at, column in enumerate(table.key):
        if column not in table.columns:
            yield _unknown_column(table, table.origin.place("key", at), column)
    if table.time and table.time not in table.columns:
        yield _unknown_column(table, table.origin.place("time"), table.time)
    elif table.time and table.columns[table.time].type not in ("date", "timestamp"):
        type_ = table.columns[table.time].type
        yield finding("not-a-time-column", table.origin.place("time"), name=table.time, type=type_)


def _join(table: Table, other: Table) -> Iterator[Diagnostic]:
    given, origin = table.joins[other.name], table.origin
    unknown = [(at, column) for at, column in enumerate(given) if column not in table.columns]
    for at, column in unknown:
        yield _unknown_column(table, origin.place("joins", other.name, at), column)
    if len(given) != len(other.key):
        yield finding("wrong-join", origin.place("joins", other.name), table=other.name, key=_listed(other.key))
        return
    for at, (column, key) in enumerate(zip(given, other.key, strict=True)):
        if column not in table.columns or key not in other.columns:
            continue
        type_, wanted = table.columns[column].type, other.columns[key].type
        if KINDS[type_] != KINDS[wanted]:
            facts = {"type": type_, "column": key, "wanted": wanted, "table": other.name, "key": _listed(other.key)}
            yield finding("join-does-not-fit", origin.place("joins", other.name, at), name=column, **facts)


def _unknown_column(table: Table, place: Place, name: str) -> Diagnostic:
    near = nearest(name, table.columns)
    known = None if near else ", ".join(table.columns)
    return finding("unknown-column", place, name=name, table=table.name, near=near, known=known)


def _together(project: Project) -> Iterator[Diagnostic]:
    """What is wrong between mappings: the same name, the same stream into the same table, the same rows."""
    told: set[tuple[str, str]] = set()
    for first, second in combinations(project.mappings, 2):
        if first.name == second.name:
            place = second.origin.key("from")
            yield finding("same-name", place, name=second.name, first=first.origin.document.path)
        for found in _into_one(first, second) if first.into == second.into else ():
            # Of many mappings that get into each other's way, each is told of the first only.
            if (second.name, found.code) not in told:
                told.add((second.name, found.code))
                yield found


def _into_one(first: Mapping, second: Mapping) -> Iterator[Diagnostic]:
    table, origin = second.into, second.origin
    if first.feed == second.feed:
        where = first.origin.document.path
        yield finding("mapped-twice", origin.place("from"), feed=second.feed, table=table, first=where)
        return
    told = first.newest_by in first.fields and second.newest_by in second.fields
    if told and first.newest_by != second.newest_by:
        facts = {"table": table, "other": first.name, "given": first.newest_by}
        yield finding("other-newest", origin.place("newest_by"), **facts)
    same_document = first.origin.document.path == origin.document.path
    if not same_document and not _apart(first, second) and not (first.newest_by and second.newest_by):
        yield finding("key-claimed-twice", origin.place("into"), first=first.name, second=second.name, table=table)


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
        yield from self._record_fields()
        if self.table is None:
            yield _unknown_table(self.project, self.mapping.origin.place("into"), self.mapping.into)
        else:
            yield from self._columns(self.table)
            yield from self._key(self.table)
        yield from self._twice()
        for field in self.fields.values():
            yield from self._field(field)
        for rule in self.mapping.rules:
            yield from self._rule(rule)
        yield from self._rings()

    def _twice(self) -> Iterator[Diagnostic]:
        for name in self.mapping.let.keys() & self.mapping.fields.keys():
            first, second = self.mapping.let[name].origin.key(), self.mapping.fields[name].origin.key()
            first, second = sorted((first, second), key=lambda place: (place.line, place.column))
            yield finding("field-twice", second, name=name, first=first.line)

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

    def _record_fields(self) -> Iterator[Diagnostic]:
        """Names of record fields that the connector's manifest, which declares the fields of the stream, does not know."""
        source = self.project.sources.get(self.mapping.source)
        stream = source.preset.value["streams"].get(self.mapping.stream) if source and source.preset else None
        declared = (stream or {}).get("fields")
        if not declared or (stream or {}).get("columns"):
            return
        elements = _declared(declared, self.mapping.each) if self.mapping.each else declared
        if elements is None:
            place, near = self.mapping.origin.place("each"), nearest(self.mapping.each or "", declared)
            yield finding("no-such-list", place, name=self.mapping.each, near=near, known=", ".join(declared))
            return
        for field in self.mapping.all_fields.values():
            for at, one in enumerate(field.sources):
                around = self.mapping.around(one)
                known, name = (declared, around) if around is not None else (elements, one)
                if not name.startswith("_") and name not in known and _declared(known, name) is None:
                    place = (
                        field.origin.place("from", at) if field.origin.has("from", at) else field.origin.place("from")
                    )
                    near = nearest(name, known)
                    yield finding(
                        "undeclared-field", place, name=one, connector=source.connector if source else "", near=near
                    )

    def _columns(self, table: Table) -> Iterator[Diagnostic]:
        for field in self.mapping.fields.values():
            column = table.columns.get(field.name)
            if column is None:
                yield _unknown_column(table, field.origin.key(), field.name)
            elif column.type not in _FITS[field.type]:
                place = field.origin.place("type")
                yield finding("type-does-not-fit", place, given=field.type, name=field.name, wanted=column.type)
            elif field.type == "decimal" and field.scale > column.scale:
                place = field.origin.place("scale")
                yield finding("scale-does-not-fit", place, given=field.scale, name=field.name, wanted=column.scale)

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
            yield self._unknown_field(origin.place("newest_by"), mapping.newest_by, mapping.fields)

    def _unknown_field(self, place: Place, name: str, fields: Iterable[str]) -> Diagnostic:
        near = nearest(name, fields)
        known = None if near else ", ".join(fields)
        return finding("unknown-field", place, name=name, near=near, known=known)

    # --- fields -------------------------------------------------------------------------------------------------

    def _field(self, field: Field) -> Iterator[Diagnostic]:
        yield from self._settings(field)
        yield from self._formats(field)
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
                yield finding("constant-does-not-fit", place, value=constant, name=field.name, **_described(field))
        if field.sql is not None:
            yield from self._expression(field)

    def _expression(self, field: Field) -> Iterator[Diagnostic]:
        written = field.sql or ""

        def inside(start: int, end: int) -> Place:
            return field.origin.inside("sql", start=start, end=end)

        expression, found = examine(written, self.kinds, inside, of=None)
        yield from found
        wanted = KINDS[field.type]
        if expression and expression.kind not in ("unknown", wanted) and not _castable(expression.kind, wanted):
            yield finding("wrong-kind", inside(0, len(written)), **in_words(kind=expression.kind, want=wanted))

    def _formats(self, field: Field) -> Iterator[Diagnostic]:
        """Parts of date formats that no reader knows."""
        for at, form in enumerate(field.formats):
            for part in findall(r"%-?.?", form):
                if part.replace("-", "") not in _DATE_PARTS:
                    place = field.origin.place("format", at) if len(field.formats) > 1 else field.origin.place("format")
                    yield finding("unknown-date-part", place, part=part, known=" ".join(_DATE_PARTS))

    def _settings(self, field: Field) -> Iterator[Diagnostic]:
        timely = field.type in ("date", "timestamp")
        for key, fits, wanted in (
            ("format", timely, "`date`, `timestamp`"),
            ("zone", timely, "`date`, `timestamp`"),
            ("unit", field.type == "decimal", "`decimal`"),
            ("scale", field.type == "decimal", "`decimal`"),
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
            of=None,
            want="boolean",
        )
        yield from found

    def _rings(self) -> Iterator[Diagnostic]:
        try:
            in_levels(self.fields)
        except CycleError as ring:
            path = list(reversed(ring.args[1]))
            first = self.fields[path[0]]
            spans = [(start, end) for name, start, end in columns_in(first.sql or "") if name == path[1]]
            start, end = spans[0]
            yield finding("ring", first.origin.inside("sql", start=start, end=end), path=" → ".join(path))


def _castable(given: Kind, wanted: Kind) -> bool:
    return (given, wanted) in {("timestamp", "date"), ("date", "timestamp")} or wanted == "text"


def _is_constant(value: str, field: Field) -> bool:
    pattern = _CONSTANTS.get(field.type)
    if pattern and not fullmatch(pattern, value):
        return False
    if field.type == "decimal":
        return len(value.partition(".")[2]) <= field.scale
    if field.type in ("date", "timestamp"):
        return bool(fullmatch(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?", value)) and _is_moment(value)
    return True


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_NEEDED = {
    "integer": ("a whole number", "整数"),
    "boolean": ("`true` or `false`", " `true` 或 `false`"),
    "date": ("a date such as `2024-11-11`", "日期，例如 `2024-11-11`"),
    "timestamp": ("a time such as `2024-11-11 20:00:00`", "时间，例如 `2024-11-11 20:00:00`"),
}


def _described(field: Field) -> dict[str, str]:
    """What a constant for the field must be, in words."""
    decimal = (f"a number with at most {field.scale} decimals", f"至多 {field.scale} 位小数的数字")
    en, zh = decimal if field.type == "decimal" else _NEEDED.get(field.type, ("text", "文本"))
    return {"wanted": en, "wanted_zh": zh}
