"""Look at rows: of a published table, of quarantine, or raw records as the platform sent them.

Personal data is masked: columns of class P2 and P3, rejected values of fields that feed classes above P0, and
record fields that feed them.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.connector import same_name
from engine.diagnostic import Findings, finding, nearest
from engine.metric import AnswerColumn, Query, Question, Sort
from engine.model import Label, Project
from engine.query import Answer
from engine.sql.expression import KINDS, examine
from engine.sql.mapping import expression, name, text
from engine.warehouse import Reader

_TRACE: dict[str, tuple[Sort, Label]] = {
    "_mapping": ("text", Label("映射", "mapping")),
    "_batch": ("integer", Label("批次", "batch")),
    "_row": ("integer", Label("文件行号", "row of the file")),
}
_QUARANTINE: dict[str, tuple[Sort, Label]] = {
    "mapping": ("text", Label("映射", "mapping")),
    "part": ("text", Label("文件", "file")),
    "row": ("integer", Label("行号", "row")),
    "field": ("text", Label("字段", "field")),
    "rule": ("text", Label("原因", "rule")),
    "value": ("text", Label("原值", "value")),
    "run": ("integer", Label("运行", "run")),
}


def show(project: Project, things: list[str], reader: Reader, *, where: str | None = None, limit: int = 20) -> Answer:
    """Rows of what `things` names: `[table]`, `["quarantine"]`, `["quarantine", mapping]` or `["raw", "source.stream"]`.

    `where` narrows the rows of a table. Raises `Findings` (status 2) where there is no such thing.
    """
    what, *more = things or [""]
    if what == "raw":
        return _raw(project, more[0] if more else "", reader, limit)
    if what == "quarantine":
        return _quarantine(project, more[0] if more else None, reader, limit)
    if what not in project.tables or what not in reader.tables:
        raise _unknown(
            "table", "表", what, [*(one for one in reader.tables if one in project.tables), "quarantine", "raw"]
        )
    return _table(project, what, reader, where, limit)


def _table(project: Project, table: str, reader: Reader, where: str | None, limit: int) -> Answer:
    declared = project.tables[table].columns
    shown = [column for column in reader.tables[table] if column in declared or column in _TRACE]
    columns = [
        AnswerColumn(one, declared[one].label, declared[one].type, declared[one].unit, "dimension")
        if one in declared
        else AnswerColumn(one, _TRACE[one][1], _TRACE[one][0], None, "dimension")
        for one in shown
    ]
    parts = [
        _masked(name(one), one) if one in declared and declared[one].pii in ("P2", "P3") else name(one) for one in shown
    ]
    condition = f" WHERE {_condition(project, table, where)}" if where else ""
    return _answer(f"SELECT {', '.join(parts)} FROM {name(table)}{condition} LIMIT {limit}", columns, reader)


def _condition(project: Project, table: str, where: str) -> str:
    question = Question((), where=where)
    open_columns = {
        one.name: KINDS[one.type] for one in project.tables[table].columns.values() if one.pii in ("P0", "P1")
    }
    _, found = examine(where, open_columns, question.inside, of=table, want="boolean")
    if found:
        raise Findings(found, status=2)
    return expression(where)


def _quarantine(project: Project, mapping: str | None, reader: Reader, limit: int) -> Answer:
    names = [one.name for one in project.mappings]
    if mapping is not None and mapping not in names:
        raise _unknown("mapping", "映射", mapping, names)
    parts = ", ".join(f"({batch.number}, {text(batch.part)})" for batch in reader.state.batches) or "(0, '')"
    personal = " OR ".join(_personal_fields(project)) or "false"
    condition = f"WHERE q.mapping = {text(mapping)} " if mapping else ""
    sql = (
        f"SELECT q.mapping, p.part, q._row AS row, q.field, q.rule, CASE WHEN {personal} THEN '***' ELSE q.value END AS value, q.run "
        f"FROM quarantine q JOIN (VALUES {parts}) p(number, part) ON p.number = q._batch {condition}"
        f"ORDER BY q.mapping, q._batch, q._row, q.field LIMIT {limit}"
    )
    columns = [AnswerColumn(key, label, sort, None, "dimension") for key, (sort, label) in _QUARANTINE.items()]
    return _answer(sql, columns, reader)


def _personal_fields(project: Project) -> Iterable[str]:
    for mapping in project.mappings:
        # A `let` field is not a column and has no class of its own; what it holds may be anything.
        fields = [*mapping.let, *(one for one in mapping.fields if _class(project, mapping.into, one) != "P0"), ""]
        listed = ", ".join(text(one) for one in fields)
        yield f"(q.mapping = {text(mapping.name)} AND q.field IN ({listed}) AND q.value IS NOT NULL)"


def _class(project: Project, table: str, column: str) -> str:
    declared = project.tables[table].columns.get(column)
    return declared.pii if declared else "P0"


def _raw(project: Project, feed: str, reader: Reader, limit: int) -> Answer:
    batches = tuple(batch for batch in reader.state.batches if batch.feed == feed)
    if not batches:
        raise _unknown("stream", "数据流", feed, sorted({batch.feed for batch in reader.state.batches}))
    personal = {
        same_name(source)
        for mapping in project.mappings_of(feed)
        for field in mapping.fields.values()
        if _class(project, mapping.into, field.name) != "P0"
        for source in field.sources
    }
    names = ["_batch", "_row", "_file", *dict.fromkeys(column for batch in batches for column in batch.columns)]
    parts = [_masked(name(one), one) if same_name(one) in personal else name(one) for one in names]
    columns = [AnswerColumn(one, Label(one, one), "text", None, "dimension") for one in names]
    return _answer(
        f"SELECT {', '.join(parts)} FROM {reader.records(batches)} ORDER BY _batch, _row LIMIT {limit}", columns, reader
    )


def _masked(quoted: str, column: str) -> str:
    return f"CASE WHEN {quoted} IS NOT NULL THEN '***' END AS {name(column)}"


def _answer(sql: str, columns: list[AnswerColumn], reader: Reader) -> Answer:
    return Answer(Question(()), Query(sql, tuple(columns), {}), (), reader)


def _unknown(kind: str, kind_zh: str, given: str, known: list[str]) -> Findings:
    facts = {
        "kind": kind,
        "kind_zh": kind_zh,
        "name": given,
        "known": ", ".join(known) or "—",
        "near": nearest(given, known),
    }
    return Findings([finding("unknown-thing", **facts)], status=2)
