"""Turn a question into one SQL statement.

The parts that all asked metrics come down to are gathered by the rows that they are taken over. Each gathering is
one scan: grouped by the dimensions and computed from detail. Scans meet on equal dimensions (null equals null), and
formulas are applied last, to parts of the right grain. Nothing is ever added up from finer results.
"""

from __future__ import annotations

from sqlglot import exp

from engine.metric.asking import Asked, asked
from engine.metric.meaning import Part
from engine.metric.names import column, free, identifier, source
from engine.metric.question import Query, Question
from engine.metric.scan import Scan, scans
from engine.model import Project

_GROUPS = "groups"


def compile(project: Project, question: Question) -> Query:
    """Compile a question about the metrics of a project.

    Raise Findings with status 2 where the question is wrong, and with status 1 where a metric that it needs is.
    """
    question = _each_once(question)
    found = asked(project, question)
    gathered = scans(project, found)
    tables = _reads(project, gathered)
    return Query(_statement(found, gathered).sql(dialect="duckdb", pretty=True), found.columns, tables)


def _each_once(question: Question) -> Question:
    metrics, by = tuple(dict.fromkeys(question.metrics)), tuple(dict.fromkeys(question.by))
    return Question(metrics, by, question.where, question.order, question.limit)


def _statement(found: Asked, gathered: list[Scan]) -> exp.Select:
    groups = free(_GROUPS, {scan.name.lower() for scan in gathered})
    query = _joined(exp.select(*_outputs(found, gathered, groups)), found, gathered, groups)
    for scan in gathered:
        query = query.with_(identifier(scan.name), as_=scan.tree, copy=False)
    if _meet(found, gathered):
        query = query.with_(identifier(groups), as_=_union(found, gathered), copy=False)
    query = query.order_by(*_order(found), copy=False) if found.by else query
    return query.limit(found.limit, copy=False) if found.limit is not None else query


def _meet(found: Asked, gathered: list[Scan]) -> bool:
    """Whether several scans meet on dimensions."""
    return len(gathered) > 1 and bool(found.by)


def _union(found: Asked, gathered: list[Scan]) -> exp.Expr:
    """Every combination of dimension values that any scan found, once."""
    sides = [exp.select(*map(column, found.by)).from_(source(scan.name)) for scan in gathered]
    return exp.union(*sides, distinct=True)


def _joined(query: exp.Select, found: Asked, gathered: list[Scan], groups: str) -> exp.Select:
    if not _meet(found, gathered):
        first, *rest = gathered
        query = query.from_(source(first.name), copy=False)
        for scan in rest:
            query = query.join(source(scan.name), join_type="CROSS", copy=False)
        return query
    query = query.from_(source(groups), copy=False)
    for scan in gathered:
        same = [exp.NullSafeEQ(this=column(name, groups), expression=column(name, scan.name)) for name in found.by]
        query = query.join(source(scan.name), on=exp.and_(*same), join_type="LEFT", copy=False)
    return query


def _outputs(found: Asked, gathered: list[Scan], groups: str) -> list[exp.Expr]:
    meet = _meet(found, gathered)
    outputs: list[exp.Expr] = [column(name, groups if meet else None) for name in found.by]
    for name, resolved in found.metrics.items():
        parts = {key: _cell(part, found, gathered, meet=meet) for key, part in resolved.parts.items()}
        outputs.append(_named(resolved.tree.transform(lambda node, parts=parts: _filled(node, parts)), name))
    return outputs


def _filled(node: exp.Expr, parts: dict[str, exp.Expr]) -> exp.Expr:
    return parts[node.name].copy() if isinstance(node, exp.Column) else node


def _cell(part: Part, found: Asked, gathered: list[Scan], *, meet: bool) -> exp.Expr:
    """A part in the result of its scan; a count that the scan has no row for is 0."""
    scan = next(scan for scan in gathered if scan.holds(part, found))
    at = scan.name if len(gathered) > 1 else None
    value = column(scan.column(part), at)
    if not (meet and part.is_count):
        return value
    if scan.present and part.distinct is not None:
        return exp.Case(ifs=[exp.If(this=column(scan.present, at), true=value)], default=exp.Literal.number(0))
    return exp.Coalesce(this=value, expressions=[exp.Literal.number(0)])


def _named(tree: exp.Expr, name: str) -> exp.Expr:
    plain = isinstance(tree, exp.Column) and tree.name == name
    return tree if plain else exp.Alias(this=tree, alias=identifier(name))


def _order(found: Asked) -> list[exp.Expr]:
    """As asked, then by the dimensions, so that equal rows come in the same order every time."""
    ways = dict(found.order)
    for name in found.by:
        ways.setdefault(name, False)
    return [exp.Ordered(this=column(name), desc=down, nulls_first=False) for name, down in ways.items()]


def _reads(project: Project, gathered: list[Scan]) -> dict[str, tuple[str, ...]]:
    """The tables that are read, and their columns in the order of the model."""
    tables: dict[str, set[str]] = {}
    for scan in gathered:
        for table, names in scan.reads.items():
            tables.setdefault(table, set()).update(names)
    return {table: tuple(one for one in project.tables[table].columns if one in tables[table]) for table in tables}
