"""What sort of values a metric gives, and in which unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from sqlglot import exp

from engine.metric.meaning import narrowed
from engine.model import Metric, Project
from engine.sql.expression import Kind, parsed

Sort = Literal["text", "id", "integer", "decimal", "number", "ratio", "date", "timestamp", "boolean"]
"""The types of table columns, and two more: `number` has no fixed scale, `ratio` is one metric over another."""

_COARSE: dict[Sort, Kind] = {
    "text": "text", "id": "text", "integer": "number", "decimal": "number", "number": "number", "ratio": "number",
    "date": "date", "timestamp": "timestamp", "boolean": "boolean",
}  # fmt: skip
_CASTS: dict[exp.DType, Sort] = {
    exp.DType.INT: "integer",
    exp.DType.BIGINT: "integer",
    exp.DType.DECIMAL: "decimal",
    exp.DType.DATE: "date",
    exp.DType.TIMESTAMP: "timestamp",
    exp.DType.BOOLEAN: "boolean",
    exp.DType.VARCHAR: "text",
    exp.DType.TEXT: "text",
}
_RANK: tuple[Sort, ...] = ("integer", "decimal", "ratio", "number")
_CARRYING = (
    exp.Sum, exp.Min, exp.Max, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Coalesce, exp.Greatest,
    exp.Least, exp.Abs,
)  # fmt: skip
"""Nodes that give what their arguments are."""


def sort_of(project: Project, name: str) -> Sort:
    """What values a metric gives; `number` where that cannot be told."""
    return _sort(project, name, frozenset())


def coarse(project: Project, name: str) -> Kind:
    """The kind of a metric's values, as the checker of expressions names kinds."""
    return _COARSE[sort_of(project, name)]


def unit_of(project: Project, name: str) -> str | None:
    """The unit of a metric: its own, that of what it narrows or sums, or `ratio` for like over like."""
    return _unit(project, name, frozenset())


def sort_of_tree(tree: exp.Expr, columns: Mapping[str, Sort]) -> Sort:
    """What values an expression over columns gives."""
    return _infer(tree, columns.get)


def _sort(project: Project, name: str, seen: frozenset[str]) -> Sort:
    metric = project.metrics.get(name)
    if metric is None or name in seen:
        return "number"
    if metric.ratio:
        return "ratio"
    if metric.derived is not None:
        return _infer(parsed(metric.derived)[0], lambda other: _sort(project, other, seen | {name}))
    found = narrowed(project, metric)
    if found is None:
        return "number"
    columns = project.tables[found.base.table or ""].columns
    types: dict[str, Sort] = {column: declared.type for column, declared in columns.items()}
    return _infer(parsed(found.base.measure or "")[0], types.get)


def _infer(node: exp.Expr | None, column: Callable[[str], Sort | None]) -> Sort:
    if isinstance(node, exp.Column):
        return column(node.name) or "number"
    if isinstance(node, exp.Count | exp.Length):
        return "integer"
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "decimal" if "." in node.name else "integer"
    if isinstance(node, exp.Cast):
        return _CASTS.get(node.to.this, "number")
    if isinstance(node, exp.Case | exp.If):
        return _widest(_infer(branch, column) for branch in _branches(node))
    if isinstance(node, _CARRYING):
        return _widest(_infer(part, column) for part in node.iter_expressions() if not isinstance(part, exp.Null))
    return "number"


def _branches(node: exp.Expr) -> list[exp.Expr]:
    ifs = node.args.get("ifs") or [node]
    chosen = [branch.args.get("true") for branch in ifs] + [node.args.get("default") or node.args.get("false")]
    return [branch for branch in chosen if branch is not None and not isinstance(branch, exp.Null)]


def _widest(sorts: Iterable[Sort]) -> Sort:
    found = list(sorts)
    if not found or any(sort not in _RANK for sort in found):
        return found[0] if found else "number"
    widest = max(found, key=_RANK.index)
    return "number" if widest == "ratio" else widest


def _unit(project: Project, name: str, seen: frozenset[str]) -> str | None:
    metric = project.metrics.get(name)
    if metric is None or name in seen:
        return None
    if metric.unit:
        return metric.unit
    if metric.ratio:
        above, below = (_unit(project, part, seen | {name}) for part in metric.ratio)
        return "ratio" if above and above == below else None
    if metric.of:
        return _unit(project, metric.of, seen | {name})
    return _unit_of_measure(project, metric)


def _unit_of_measure(project: Project, metric: Metric) -> str | None:
    tree = parsed(metric.measure)[0] if metric.measure else None
    table = project.tables.get(metric.table or "")
    if table is None or not isinstance(tree, exp.Sum | exp.Min | exp.Max) or not isinstance(tree.this, exp.Column):
        return None
    column = table.columns.get(tree.this.name)
    return column.unit if column else None
