"""Compile a mapping into SQL: records in, typed and judged rows out.

The text reads from top to bottom as a record travels: `record` (what the platform sent, cleaned) → `typed` →
`computed` (fields made of other fields) → `judged` (rejected, dropped or good). It reads from the relation `raw`, which
the warehouse provides, and calls the functions of `engine.sql.functions`. It is DuckDB's dialect, in the part of it that
sqlglot carries over to other engines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlglot import exp

from engine.connector import same_name
from engine.model import Column, Field, Label, Mapping, Table
from engine.sql.expression import generated, guarded, parsed
from engine.sql.functions import CLEANINGS

BUILT_IN = ("_shop", "_source", "_file")
"""Names that `from` may use besides the fields of the record."""

UNIT_FACTORS = {"yuan": None, "jiao": "0.1", "fen": "0.01", "wan": "10000", "yi": "100000000"}
"""What an amount of each unit is multiplied with to give the unit of the column."""

RULES = {
    "unreadable": Label("行的列数与表头不符", "the row does not fit the columns of the file"),
    "missing-column": Label("文件缺少这一列", "the file lacks the column"),
    "no-key": Label("是键列，但为空", "is part of the key and empty"),
    "unknown-value": Label("不在对照表里", "is not in the map"),
    "not-id": Label("是丢了位数的编号", "is a number that lost digits"),
    "not-integer": Label("不是整数", "is not a whole number"),
    "not-decimal": Label("不是数字，或小数位数超过列的定义", "is not a number, or has more decimals than the column"),
    "not-date": Label("不是日期", "is not a date"),
    "not-timestamp": Label("不是时间", "is not a time"),
    "not-computed": Label("无法计算", "cannot be computed"),
    "not-boolean": Label("不是“是/否”", "is neither yes nor no"),
}
"""The rules that the engine itself rejects by, in words that follow the name of a field."""

GOOD, REJECTED = 0, -1
"""Fates of a row; a row that a rule drops has the number of that rule, counting from 1."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The SQL of a mapping.

    `rows` gives every record once: the table's columns, then `_mapping, _batch, _row` and `_fate` (`GOOD`, `REJECTED`,
    or the number of the rule that drops it). `reasons` gives `_batch, _row, field, rule, value` for rejected records,
    one row per reason.
    """

    rows: str
    reasons: str


@dataclass(frozen=True, slots=True)
class _Check:
    """A reason to reject a row: where it holds, the field and rule to name, and the text to show."""

    when: str
    field: str
    rule: str
    value: str


def compile(
    mapping: Mapping,
    table: Table,
    *,
    columns: Iterable[str],
    shop: str,
    timezone: str,
    lacking: Map[str, tuple[int, ...]],
) -> Recipe:
    """Compile a checked mapping.

    `columns` are the record fields there are in raw, `shop` what `_shop` gives, `timezone` the project's zone, and
    `lacking` tells, for a field of the mapping, the batches whose records have none of the names it may come from.
    """
    return _Compiler(mapping, table, columns, shop, timezone, lacking).recipe()


def feeding(mapping: Mapping, column: str) -> frozenset[str]:
    """The fields of a mapping that a column is made of, itself among them, through all expressions."""
    fields, found, ahead = mapping.all_fields, set[str](), [column]
    while ahead:
        field = fields.get(ahead.pop())
        if field and field.name not in found:
            found.add(field.name)
            ahead += _uses(field)
    return frozenset(found)


def needed(mapping: Mapping) -> tuple[Field, ...]:
    """The fields of a mapping that every record must be able to give: not optional, and from the record alone."""
    fields = mapping.all_fields.values()
    return tuple(
        one
        for one in fields
        if one.sources
        and not one.optional
        and not set(one.sources) & set(BUILT_IN)
        and all(mapping.around(source) for source in one.sources)
    )


def is_there(mapping: Mapping, field: Field, columns: Collection[str]) -> bool:
    """Whether records with these columns (by `same_name`) can give a field: by its name, or inside an object."""
    return any(name in columns for source in field.sources for name in _names(mapping.around(source) or ""))


def _names(written: str) -> tuple[str, ...]:
    """The columns of a record that may hold what is written: `a.b` is a column of that name, or inside the column `a`."""
    return same_name(written), same_name(written.partition(".")[0])


def sql_type(column: Column | Field) -> str:
    """The SQL type of a column or field."""
    if column.type == "decimal":
        return f"DECIMAL(18, {column.scale})"
    return {"integer": "BIGINT", "date": "DATE", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}.get(
        column.type, "VARCHAR"
    )


def name(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def in_order(fields: Map[str, Field]) -> list[list[str]]:
    """The fields made of other fields, in levels: each level uses only what stands before it. CycleError for a ring."""
    made = {key: _uses(one) for key, one in fields.items() if one.sql}
    sorter = TopologicalSorter({key: uses & made.keys() for key, uses in made.items()})
    sorter.prepare()
    levels = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=list(fields).index)
        levels.append(ready)
        sorter.done(*ready)
    return levels


def _uses(field: Field) -> set[str]:
    tree, _ = parsed(field.sql or "null")
    return {column.name for column in tree.find_all(exp.Column)} if tree else set()


class _Opened:
    """What a mapping takes out of JSON in columns: places inside objects, and fields of the elements of a list.

    All that is taken out of one column is taken out at once, so that its text is read once.
    """

    def __init__(self) -> None:
        self.paths: dict[str, list[str]] = {}
        self.fields: dict[str, None] = {}

    def inside(self, column: str, below: str) -> str:
        """What stands for a place in the object that a column holds."""
        places = self.paths.setdefault(column, [])
        if below not in places:
            places.append(below)
        return f"{_open_name(column)}[{places.index(below) + 1}]"

    def of_element(self, source: str) -> str:
        """What stands for a field of an element, or a place inside an object in it."""
        first, _, below = source.partition(".")
        self.fields[first] = None
        column = f"_element.{name(first)}"
        return self.inside(column, below) if below else column

    def opening(self, source: str) -> str:
        """The step that opens objects."""
        made = [
            f"TRY(json_extract_string({column}, [{', '.join(text(_path(one)) for one in places)}])) AS {_open_name(column)}"
            for column, places in self.paths.items()
        ]
        return _selected(["*", *made], source)

    def elements(self, listed: str, columns: list[str]) -> str:
        """The step that makes a row of each element; a list that cannot be read makes one row, with its text in `_text`."""
        shape = ", ".join(f'{_json_text(one)}: "VARCHAR"' for one in self.fields) or '"_": "VARCHAR"'
        one = "CASE WHEN starts_with(_listed, '{') THEN '[' || _listed || ']' ELSE _listed END"
        # The length is known at once; to trim a long list would cost more than to read it.
        empty = "(_listed IS NULL OR (strlen(_listed) < 9 AND trim(_listed) IN ('', 'null', '[]', '{}')))"
        taken = f"TRY(from_json({one}, {text('[{' + shape + '}]')}))"
        kept = ["_batch", "_row", "_file", *columns]
        unread = "coalesce(_text, CASE WHEN _elements IS NULL THEN _listed END) AS _text"
        listing = _selected([*kept, "_text", f"{listed} AS _listed"], "raw")
        reading = _selected([*kept, "_text", "_listed", f"{taken} AS _elements"], f"(\n{_indent(listing)}\n)")
        # A null in place of a list stands for what cannot be read: it still is one row.
        many = "unnest(coalesce(_elements, [NULL])) AS _element"
        return _selected([*kept, unread, many], f"(\n{_indent(reading)}\n  WHERE _text IS NOT NULL OR NOT {empty}\n)")


def _open_name(column: str) -> str:
    return name(f"in {column}")


def _path(below: str) -> str:
    """A JSON path of keys joined by dots; a whole number is a place in a list."""
    steps = (f"[{step}]" if step.isdecimal() else "." + _json_text(step) for step in below.split("."))
    return "$" + "".join(steps)


def _json_text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Compiler:
    def __init__(
        self,
        mapping: Mapping,
        table: Table,
        columns: Iterable[str],
        shop: str,
        timezone: str,
        lacking: Map[str, tuple[int, ...]],
    ) -> None:
        self.mapping, self.table, self.timezone, self.lacking = mapping, table, timezone, lacking
        self.fields = mapping.all_fields
        # A name may stand in raw in several spellings: files spell it otherwise, and each record has one of them.
        self.columns: dict[str, list[str]] = {}
        for column in sorted(set(columns)):
            self.columns.setdefault(same_name(column), []).append(name(column))
        shop_of_record = self.columns.get("_shop", [])
        self.built_in = {
            "_shop": f"coalesce({shop_of_record[0]}, {text(shop)})" if shop_of_record else text(shop),
            "_source": text(mapping.source),
            "_file": "_file",
        }
        self.opened = _Opened()
        self.around: dict[str, None] = dict.fromkeys(shop_of_record[:1])
        for field in self.fields.values():
            for source in field.sources:
                self._find(source)

    def recipe(self) -> Recipe:
        checks = [
            *self._conversions(),
            *self._failures(),
            *self._too_large(),
            *self._lacking(),
            *self._keys(),
            *self._rejects(),
        ]
        steps = self._steps(checks)
        columns = [self._column(column) for column in self.table.columns.values()]
        tail = [f"{text(self.mapping.name)} AS _mapping", "_batch", "_row", "_fate"]
        return Recipe(
            rows=f"{steps}\nSELECT\n{_lines([*columns, *tail])}\nFROM judged",
            # Every reason asks `judged` again: it is worked out once, for the few rows that were rejected.
            reasons=f"{steps.replace('judged AS (', 'judged AS MATERIALIZED (')}\n{_reasons(checks)}",
        )

    # --- steps --------------------------------------------------------------------------------------------------

    def _steps(self, checks: list[_Check]) -> str:
        read = [one for one in self.fields.values() if self._values(one)]
        kept = ["_batch", "_row", "_text"]
        record = [*kept, *(f"{self._text(one)} AS {_raw(one)}" for one in read)]
        before, source = self._before()
        typed = [
            "record.*",
            *(f"{self._typed(one)} AS {name(one.name)}" for one in self.fields.values() if not one.sql),
        ]
        ctes = [
            *before,
            ("record", f"SELECT\n{_lines(record)}\nFROM {source}"),
            ("typed", f"SELECT\n{_lines(typed)}\nFROM record"),
        ]
        last = "typed"
        for level, names in enumerate(in_order(self.fields), start=1):
            computed = [f"{last}.*", *(f"{self._computed(self.fields[one])} AS {name(one)}" for one in names)]
            this = "computed" if level == 1 else f"computed_{level}"
            ctes.append((this, f"SELECT\n{_lines(computed)}\nFROM {last}"))
            last = this
        ctes.append(("judged", f"SELECT\n{_lines([f'{last}.*', self._fate(checks)])}\nFROM {last}"))
        return "WITH " + ",\n".join(f"{cte} AS (\n{_indent(body)}\n)" for cte, body in ctes)

    def _values(self, field: Field) -> list[str]:
        """Those columns of raw that a field may come from, each once."""
        found = [self._find(one) for one in field.sources]
        return list(dict.fromkeys(one for spellings in found for one in spellings))

    def _find(self, source: str) -> list[str]:
        """What stands for a `from`: columns of raw, a place inside one of them, or a field of an element."""
        if source in self.built_in:
            return [self.built_in[source]]
        around = self.mapping.around(source)
        if around is None:
            return [self.opened.of_element(source)]
        exactly = self.columns.get(same_name(around))
        first, _, below = around.partition(".")
        if exactly or not below:
            self.around |= dict.fromkeys(exactly or [])
            return exactly or []
        found = self.columns.get(same_name(first), [])
        self.around |= dict.fromkeys(found)
        return [self.opened.inside(column, below) for column in found]

    def _before(self) -> tuple[list[tuple[str, str]], str]:
        """Steps before `record`: one row for each element of a list, and objects in columns opened, each once."""
        steps, source = [], "raw"
        if self.mapping.each is not None:
            steps.append(("element", self.opened.elements(self._list(self.mapping.each), list(self.around))))
            source = "element"
        if self.opened.paths:
            steps.append(("opened", self.opened.opening(source)))
            source = "opened"
        return steps, source

    def _list(self, each: str) -> str:
        """The text of the list whose elements become rows."""
        exactly = self.columns.get(same_name(each))
        first, _, below = each.partition(".")
        found = exactly or self.columns.get(same_name(first)) or ["CAST(NULL AS VARCHAR)"]
        whole = f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]
        return whole if exactly or not below else f"TRY(json_extract_string({whole}, {text(_path(below))}))"

    def _text(self, field: Field) -> str:
        """The text of a field as it stands in the record: the first of its names that is there, cleaned."""
        there = self._values(field)
        values = [self._cell(one, field) for one in there] if self._is_read(field) else there
        made = f"coalesce({', '.join(values)})" if len(values) > 1 else values[0]
        for cleaning in field.clean:
            made = f"{CLEANINGS[cleaning]}({made})"
        return made

    def _is_read(self, field: Field) -> bool:
        """Whether the text of a field is read as a cell already in step `record`."""
        return len(self._values(field)) > 1 or bool(field.clean) or field.nulls is not None or field.map is not None

    def _word(self, field: Field) -> str:
        """The text of a field, without what is wrapped around it; null where it holds no value."""
        return _raw(field) if self._is_read(field) else f"blank({_raw(field)})"

    def _cell(self, column: str, field: Field) -> str:
        if field.nulls is None:
            return f"blank({column})"
        words = ", ".join(text(word) for word in ("", *field.nulls))
        return f"CASE WHEN cell({column}) IN ({words}) THEN NULL ELSE cell({column}) END"

    def _typed(self, field: Field) -> str:
        if field.value is not None:
            return f"CAST({text(field.value)} AS {sql_type(field)})"
        if not self._values(field):
            return f"CAST({'NULL' if field.default is None else text(field.default)} AS {sql_type(field)})"
        if field.map is None:
            made = self._of_type(field, _raw(field))
        else:
            made = self._mapped(field) if field.type == "text" else self._of_type(field, self._mapped(field))
        if field.default is None:
            return made
        return f"CASE WHEN {self._word(field)} IS NULL THEN CAST({text(field.default)} AS {sql_type(field)}) ELSE {made} END"

    def _mapped(self, field: Field) -> str:
        word = self._word(field)
        pairs = ", ".join(
            f"{text(raw)}: {text(value) if value else 'NULL'}" for raw, value in (field.map or {}).items()
        )
        other = {"flag": f"'unknown:' || {word}", "keep": word}.get(field.unknown)
        if not pairs:
            return other or "NULL"
        looked_up = f"MAP {{{pairs}}}[{word}]"
        if "" in (field.map or {}).values():
            known = ", ".join(text(raw) for raw in field.map or {})
            return f"CASE WHEN {word} IN ({known}) THEN {looked_up} ELSE {other or 'NULL'} END"
        return f"coalesce({looked_up}, {other})" if other else looked_up

    def _of_type(self, field: Field, value: str) -> str:
        match field.type:
            case "timestamp" | "date":
                return self._moment(field, value)
            case "decimal":
                return self._decimal(field, value)
            case "id":
                return f"to_id({value})"
            case "integer":
                return f"to_integer({value})"
            case "boolean":
                return f"to_yes_no({value})"
            case _:
                return self._word(field)

    def _decimal(self, field: Field, value: str) -> str:
        if field.unit in ("percent", "fraction"):
            return f"exactly_{field.scale}(to_{field.unit}({self._word(field)}))"
        factor = UNIT_FACTORS.get(field.unit or "yuan")
        return (
            f"exactly_{field.scale}(to_number({self._word(field)}) * {factor})"
            if factor
            else f"to_decimal_{field.scale}({value})"
        )

    def _moment(self, field: Field, value: str) -> str:
        zone = text(self.timezone)
        if not field.formats:
            made = (
                f"to_timestamp_in({value}, {zone})"
                if field.type == "timestamp" or field.zone
                else f"to_date_in({value}, {zone})"
            )
        else:
            made = self._formatted(field, self._word(field), zone)
        if field.zone and not set(field.formats) & {"epoch_s", "epoch_ms"}:
            made = f"timezone({zone}, timezone({text(field.zone)}, {made}))"
        return f"CAST({made} AS DATE)" if field.type == "date" and (field.formats or field.zone) else made

    def _formatted(self, field: Field, value: str, zone: str) -> str:
        tries = []
        for form in field.formats:
            if form in ("epoch_s", "epoch_ms"):
                micros = f"to_integer({value}) * {1_000_000 if form == 'epoch_s' else 1_000}"
                tries.append(f"timezone({zone}, timezone('UTC', make_timestamp({micros})))")
            else:
                tries.append(f"CAST(try_strptime({value}, {text(form)}) AS TIMESTAMP)")
        return f"coalesce({', '.join(tries)})" if len(tries) > 1 else tries[0]

    def _computed(self, field: Field) -> str:
        made = f"CAST({expression(field.sql or '')} AS {sql_type(field)})"
        return f"TRY({made})" if _may_fail(field) else made

    # --- fate ---------------------------------------------------------------------------------------------------

    def _conversions(self) -> Iterable[_Check]:
        for field in self.fields.values():
            if not self._values(field) or (field.type == "text" and not self._may_be_unknown(field)):
                continue
            raw = _raw(field)
            there = f"{self._word(field)} IS NOT NULL"
            emptied = [raw_word for raw_word, value in (field.map or {}).items() if not value]
            if emptied:
                there += f" AND {raw} NOT IN ({', '.join(text(word) for word in emptied)})"
            if field.map is not None and field.unknown == "empty":
                there += f" AND {self._mapped(field)} IS NOT NULL"
            rule = "unknown-value" if self._may_be_unknown(field) else f"not-{field.type}"
            yield _Check(f"CASE WHEN {name(field.name)} IS NULL THEN {there} ELSE false END", field.name, rule, raw)

    def _failures(self) -> Iterable[_Check]:
        """Expressions that cannot be computed for a row: a cast that fails, a number too large for its type."""
        for field in self.fields.values():
            if field.sql is not None and _may_fail(field):
                made = f"CAST({expression(field.sql)} AS {sql_type(field)})"
                # Null alone does not tell: an expression may well give null. Inside a struct, it is not the whole.
                when = f"CASE WHEN {name(field.name)} IS NULL THEN TRY({{'made': {made}}}) IS NULL ELSE false END"
                rule = "not-computed" if field.type in ("text", "id") else f"not-{field.type}"
                yield _Check(when, field.name, rule, "CAST(NULL AS VARCHAR)")

    def _too_large(self) -> Iterable[_Check]:
        """Numbers of a field that its column, which has more decimals and so fewer digits before them, cannot hold."""
        for column in self.table.columns.values():
            field = self.mapping.fields.get(column.name)
            if field and column.type == "decimal" and sql_type(field) != sql_type(column):
                value = name(column.name)
                fits = f"TRY_CAST({value} AS {sql_type(column)}) IS NOT NULL"
                yield _Check(
                    f"({value} IS NOT NULL AND NOT {fits})", column.name, "not-decimal", f"CAST({value} AS VARCHAR)"
                )

    def _may_be_unknown(self, field: Field) -> bool:
        return field.map is not None and field.unknown == "reject"

    def _lacking(self) -> Iterable[_Check]:
        for field, batches in self.lacking.items():
            if batches:
                listed = ", ".join(str(batch) for batch in batches)
                yield _Check(f"_batch IN ({listed})", field, "missing-column", "CAST(NULL AS VARCHAR)")

    def _keys(self) -> Iterable[_Check]:
        return (_Check(f"{name(key)} IS NULL", key, "no-key", "CAST(NULL AS VARCHAR)") for key in self.mapping.key)

    def _rejects(self) -> Iterable[_Check]:
        for rule in self.mapping.rules:
            if rule.kind == "reject":
                tree, _ = parsed(rule.when)
                used = next((column.name for column in tree.find_all(exp.Column)), "") if tree else ""
                value = f"CAST({name(used)} AS VARCHAR)" if used else "CAST(NULL AS VARCHAR)"
                yield _Check(_holds(rule.when), used, rule.because, value)

    def _fate(self, checks: list[_Check]) -> str:
        bad = "\n    OR ".join(["_text IS NOT NULL", *(check.when for check in checks)])
        drops = [
            f"\n  WHEN {_holds(rule.when)} THEN {number}"
            for number, rule in enumerate(self.mapping.rules, start=1)
            if rule.kind == "drop"
        ]
        return f"CAST(CASE\n  WHEN {bad} THEN {REJECTED}{''.join(drops)}\n  ELSE {GOOD} END AS SMALLINT) AS _fate"

    def _column(self, column: Column) -> str:
        if column.name not in self.mapping.fields:
            return f"CAST(NULL AS {sql_type(column)}) AS {name(column.name)}"
        field = self.mapping.fields[column.name]
        value = name(column.name)
        return value if sql_type(field) == sql_type(column) else f"TRY_CAST({value} AS {sql_type(column)}) AS {value}"


def expression(written: str) -> str:
    """What somebody wrote, generated anew: identifiers quoted, dividing by zero gives null."""
    tree, _ = parsed(written)
    assert tree is not None, "expressions are checked before they are compiled"
    made = guarded(tree)
    for identifier in made.find_all(exp.Identifier):
        identifier.set("quoted", True)
    return generated(made)


def _may_fail(field: Field) -> bool:
    """Whether computing a field may fail for a row: where it casts, or where its type is narrower than text."""
    return field.type not in ("text", "id") or _casts(field.sql or "")


def _casts(written: str) -> bool:
    tree, _ = parsed(written)
    return tree is not None and tree.find(exp.Cast) is not None


def _holds(written: str) -> str:
    """Whether a condition is true for a row; one that cannot be computed is not."""
    return f"TRY({expression(written)}) IS TRUE" if _casts(written) else f"({expression(written)}) IS TRUE"


def _reasons(checks: list[_Check]) -> str:
    unreadable = (
        "SELECT _batch, _row, '' AS field, 'unreadable' AS rule, _text AS value FROM judged WHERE _text IS NOT NULL"
    )
    others = [
        f"SELECT _batch, _row, {text(check.field)}, {text(check.rule)}, {check.value} "
        f"FROM judged WHERE _text IS NULL AND {check.when}"
        for check in checks
    ]
    return "\nUNION ALL ".join([unreadable, *others])


def _raw(field: Field) -> str:
    return name(f"{field.name} text")


def _selected(parts: Iterable[str], source: str) -> str:
    return f"SELECT\n{_lines(parts)}\nFROM {source}"


def _lines(parts: Iterable[str]) -> str:
    return ",\n".join(_indent(part) for part in parts)


def _indent(body: str) -> str:
    return "\n".join(f"  {line}" for line in body.splitlines())
