"""Look at rows: of a published table, of quarantine, or raw records as the platform sent them.

Personal data is masked: columns of class P2 and P3, rejected values of fields that feed classes above P0, and
record fields that feed them.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.connector import same_name
from engine.diagnostic import Findings, Language, finding, nearest
from engine.metric import AnswerColumn, Query, Question, Sort
from engine.model import Label, Mapping, Project
from engine.query import Answer
from engine.sql.expression import KINDS, Kind, examine
from engine.sql.mapping import RULES, expression, feeding, name, text
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
    "reason": ("text", Label("原因", "reason")),
    "value": ("text", Label("原值", "value")),
    "run": ("integer", Label("运行", "run")),
}


def show(
    project: Project,
    things: list[str],
    reader: Reader,
    *,
    where: str | None = None,
    limit: int = 20,
    language: Language = "en",
) -> Answer:
    """Rows of what `things` names: `[table]`, `["quarantine"]`, `["quarantine", mapping]` or `["raw", "source.stream"]`.

    `where` narrows the rows by an SQL condition over their columns, personal ones excepted. Raises `Findings`
    (status 2) where there is no such thing.
    """
    what, *more = things or [""]
    if what == "raw":
        return _raw(project, more[0] if more else "", reader, where, limit)
    if what == "quarantine":
        return _quarantine(project, more[0] if more else None, reader, where, limit, language)
    if what not in project.tables or what not in reader.tables:
        known = [*(one for one in reader.tables if one in project.tables), "quarantine", "raw"]
        raise _unknown("table", "表", what, known)
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
    hidden = {one for one in shown if one in declared and declared[one].pii in ("P2", "P3")}
    kinds: dict[str, Kind] = {one: KINDS[declared[one].type] for one in shown if one in declared and one not in hidden}
    kinds |= {"_mapping": "text", "_batch": "number", "_row": "number"}
    parts = [_masked(one) if one in hidden else name(one) for one in shown]
    sql = f"SELECT {', '.join(parts)} FROM {name(table)}{_condition(where, kinds, table)} LIMIT {limit}"
    return _answer(sql, columns, reader)


def _condition(where: str | None, kinds: dict[str, Kind], of: str) -> str:
    if not where:
        return ""
    question = Question((), where=where)
    _, found = examine(where, kinds, question.inside, of=of, want="boolean")
    if found:
        raise Findings(found, status=2)
    return f" WHERE {expression(where)}"


def _quarantine(
    project: Project, mapping: str | None, reader: Reader, where: str | None, limit: int, language: Language
) -> Answer:
    names = [one.name for one in project.mappings]
    if mapping is not None and mapping not in names:
        raise _unknown("mapping", "映射", mapping, names)
    parts = ", ".join(f"({batch.number}, {text(batch.part)})" for batch in reader.state.batches) or "(0, '')"
    rules = ", ".join(f"({text(rule)}, {text(getattr(words, language))})" for rule, words in RULES.items())
    personal = " OR ".join(_personal_values(project)) or "false"
    condition = f" WHERE q.mapping = {text(mapping)}" if mapping else ""
    kinds: dict[str, Kind] = {one: "number" if sort == "integer" else "text" for one, (sort, _) in _QUARANTINE.items()}
    rows = (
        "SELECT q.mapping, p.part, q._row AS row, q.field, coalesce(r.words, q.rule) AS reason, "
        f"CASE WHEN {personal} THEN '***' ELSE q.value END AS value, q.run FROM quarantine q "
        f"JOIN (VALUES {parts}) p(number, part) ON p.number = q._batch "
        f"LEFT JOIN (VALUES {rules}) r(rule, words) ON r.rule = q.rule{condition}"
    )
    narrowed = f"SELECT * FROM ({rows}){_condition(where, kinds, 'quarantine')}"
    sql = f"{narrowed} ORDER BY mapping, part, row, field LIMIT {limit}"
    columns = [AnswerColumn(key, label, sort, None, "dimension") for key, (sort, label) in _QUARANTINE.items()]
    return _answer(sql, columns, reader)


def _personal_values(project: Project) -> Iterable[str]:
    """Conditions for rejected values that may be personal: of fields that feed personal columns, and whole rows."""
    for mapping in project.mappings:
        listed = ", ".join(text(one) for one in sorted(_personal(project, mapping) | {""}))
        yield f"(q.mapping = {text(mapping.name)} AND q.field IN ({listed}) AND q.value IS NOT NULL)"


def _personal(project: Project, mapping: Mapping) -> set[str]:
    """The fields of a mapping, `let` among them, that feed a column of a class above P0."""
    declared = project.tables[mapping.into].columns
    columns = [one for one in mapping.fields if one in declared and declared[one].pii != "P0"]
    return {field for column in columns for field in feeding(mapping, column)}


def _raw(project: Project, feed: str, reader: Reader, where: str | None, limit: int) -> Answer:
    batches = tuple(batch for batch in reader.state.batches if batch.feed == feed)
    if not batches:
        raise _unknown("stream", "数据流", feed, sorted({batch.feed for batch in reader.state.batches}))
    personal = {
        same_name(column)
        for mapping in project.mappings_of(feed)
        for field in _personal(project, mapping)
        for source in mapping.all_fields[field].sources
        for column in _columns_of(mapping, source)
    }
    names = ["_batch", "_row", "_file", *dict.fromkeys(column for batch in batches for column in batch.columns)]
    parts = [_masked(one) if same_name(one) in personal else name(one) for one in names]
    columns = [AnswerColumn(one, Label(one, one), "text", None, "dimension") for one in names]
    kinds: dict[str, Kind] = {one: "text" for one in names if same_name(one) not in personal}
    kinds |= {"_batch": "number", "_row": "number"}
    condition = _condition(where, kinds, feed)
    sql = f"SELECT {', '.join(parts)} FROM {reader.records(batches)}{condition} ORDER BY _batch, _row LIMIT {limit}"
    return _answer(sql, columns, reader)


def _columns_of(mapping: Mapping, source: str) -> tuple[str, str]:
    """The columns that a `from` may read: its own, or the one that holds what it is in."""
    read = mapping.around(source) or mapping.each or source
    return read, read.partition(".")[0]


def _masked(column: str) -> str:
    return f"CASE WHEN {name(column)} IS NOT NULL THEN '***' END AS {name(column)}"


def _answer(sql: str, columns: list[AnswerColumn], reader: Reader) -> Answer:
    return Answer(Question(()), Query(sql, tuple(columns), {}), (), reader)


def _unknown(kind: str, kind_zh: str, given: str, known: list[str]) -> Findings:
    facts = {"kind": kind, "kind_zh": kind_zh, "known": ", ".join(known) or "—"}
    if not given:
        return Findings([finding("say-which", **facts)], status=2)
    return Findings([finding("unknown-thing", **facts, name=given, near=nearest(given, known))], status=2)
