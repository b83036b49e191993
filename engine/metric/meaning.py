"""What a metric computes: a formula over parts, where each part is one aggregate over the rows of one table.

Whatever a metric is built from is resolved down to the aggregates, and the formula is applied to
aggregates taken at the grain that is asked for. That is why ratios and distinct counts are right at every grain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256

from sqlglot import exp

from engine.metric.names import column
from engine.model import Metric, Project
from engine.sql.expression import generated, guarded, parsed

_DOUBLE = exp.DataType.build("DOUBLE", dialect="duckdb")


@dataclass(frozen=True, slots=True)
class Part:
    """One aggregate over the rows of a table that meet all of `where`, dated by the column `time`.

    Two parts with the same words are the same part. `hint` is the name it should go by in SQL.
    """

    table: str
    time: str | None
    aggregate: str
    where: tuple[str, ...]
    tree: exp.Expr = field(compare=False, repr=False)
    conditions: tuple[exp.Expr, ...] = field(compare=False, repr=False)
    hint: str = field(compare=False)

    @property
    def id(self) -> str:
        """A name made of what it computes."""
        return "p" + _hash([self.table, self.time, self.aggregate, *self.where])[:16]

    @property
    def is_count(self) -> bool:
        """Whether it is 0, and not null, over no rows."""
        return isinstance(self.tree, exp.Count)

    @property
    def distinct(self) -> exp.Expr | None:
        """What it counts the different values of, if it does."""
        return self.tree.this.expressions[0] if self.is_count and isinstance(self.tree.this, exp.Distinct) else None


@dataclass(frozen=True, slots=True)
class Meaning:
    """A formula whose columns are ids of parts."""

    tree: exp.Expr
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A measure with all the conditions that narrow it, and the column that dates it."""

    base: Metric
    where: tuple[str, ...]
    time: str | None


def meaning(project: Project, name: str) -> Meaning:
    """Resolve a metric of a project without findings."""
    metric = project.metrics[name]
    if metric.ratio:
        return _ratio(meaning(project, metric.ratio[0]), meaning(project, metric.ratio[1]))
    if metric.derived is not None:
        return _derived(project, metric.derived)
    return _measured(project, metric)


def narrowed(project: Project, metric: Metric) -> Narrowed | None:
    """The measure under a metric given by `measure` or `of`; None where there is none."""
    where: list[str] = []
    time: str | None = None
    seen: set[str] = set()
    while metric.name not in seen:
        seen.add(metric.name)
        where = [metric.where, *where] if metric.where else where
        time = time or metric.time
        if metric.measure is not None and metric.table in project.tables:
            return Narrowed(metric, tuple(dict.fromkeys(where)), time or project.tables[metric.table].time)
        if metric.of not in project.metrics:
            return None
        metric = project.metrics[metric.of]
    return None


def digest(project: Project) -> dict[str, str]:
    """For each metric a short hash of what it computes.

    It changes when the metric or one that it is built from computes something else, and not when a name for
    people, a comment or the writing of the SQL changes. The project must be without findings.
    """
    return {name: _digest(project, metric) for name, metric in project.metrics.items()}


def _digest(project: Project, metric: Metric) -> str:
    return _hash([generated(meaning(project, metric.name).tree), metric.unit])[:12]


def _hash(words: list[str | None]) -> str:
    return sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def _ratio(above: Meaning, below: Meaning) -> Meaning:
    tree = exp.Div(this=exp.Cast(this=above.tree, to=_DOUBLE.copy()), expression=_or_null(below.tree))
    return Meaning(tree, above.parts | below.parts)


def _or_null(tree: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=tree, expression=exp.Literal.number(0))


def _derived(project: Project, text: str) -> Meaning:
    parts: dict[str, Part] = {}

    def resolved(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        found = meaning(project, node.name)
        parts.update(found.parts)
        return _enclosed(found.tree)

    return Meaning(guarded(_tree(text)).transform(resolved, copy=False), parts)


def _measured(project: Project, metric: Metric) -> Meaning:
    found = narrowed(project, metric)
    assert found is not None, metric.name
    parts: dict[str, Part] = {}
    tree = _tree(found.base.measure or "")
    alone = isinstance(tree, exp.AggFunc)

    def resolved(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.AggFunc):
            return node
        part = _part(found, node, metric.name if alone else f"{metric.name}_{len(parts) + 1}")
        parts.setdefault(part.id, part)
        return column(part.id)

    return Meaning(guarded(tree).transform(resolved, copy=False), parts)


def _part(found: Narrowed, aggregate: exp.Expr, hint: str) -> Part:
    conditions = {generated(tree): tree for tree in map(_tree, found.where)}
    where = tuple(sorted(conditions))
    trees = tuple(conditions[text] for text in where)
    return Part(found.base.table or "", found.time, generated(aggregate), where, aggregate.copy(), trees, hint)


def _tree(text: str) -> exp.Expr:
    tree, _ = parsed(text)
    assert tree is not None, text
    return tree


def _enclosed(tree: exp.Expr) -> exp.Expr:
    return tree if isinstance(tree, exp.Column) else exp.Paren(this=tree)
