"""A question about metrics, and the query that answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.diagnostic import Place
from engine.metric.kinds import Sort
from engine.model import Label

Clause = Literal["metrics", "by", "where", "order", "limit"]


@dataclass(frozen=True, slots=True)
class Question:
    """Which metrics, by which dimensions, of which rows, in which order.

    A dimension is a column (`province`), a period of a time column (`paid_at.month`), or a period of each metric's own
    time column (`time.month`). `where` is an SQL condition over columns. An item of `order` is an output column,
    with `desc` after or `-` before it to turn it round.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: str | None = None
    order: tuple[str, ...] = ()
    limit: int | None = None

    def place(self, clause: Clause, index: int = 0) -> Place:
        """Where item `index` of a clause stands in the question as it is written out for messages."""
        items = self._items(clause)
        start = len(_lead(clause)) + sum(len(item) + 2 for item in items[:index])
        return self._at(clause, start, len(items[index]) if index < len(items) else 1)

    def inside(self, start: int, end: int) -> Place:
        """Where characters `start` to `end` of the condition stand."""
        lead = len(_lead("where"))
        return self._at("where", lead + start, end - start)

    def _at(self, clause: Clause, start: int, width: int) -> Place:
        lines = self._lines()
        number = list(lines).index(clause) + 1 if clause in lines else 1
        return Place("<query>", number, start + 1, max(width, 1), lines.get(clause, ""))

    def _lines(self) -> dict[Clause, str]:
        clauses: tuple[Clause, ...] = ("metrics", "by", "where", "order", "limit")
        return {clause: _lead(clause) + ", ".join(self._items(clause)) for clause in clauses if self._items(clause)}

    def _items(self, clause: Clause) -> tuple[str, ...]:
        if clause == "where":
            return (self.where,) if self.where else ()
        if clause == "limit":
            return () if self.limit is None else (str(self.limit),)
        return {"metrics": self.metrics, "by": self.by, "order": self.order}[clause]


def _lead(clause: Clause) -> str:
    return "" if clause == "metrics" else f"{clause} "


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """A column of an answer: a dimension or a metric, what sort of values it holds, and in which unit."""

    name: str
    label: Label
    kind: Sort
    unit: str | None
    role: Literal["dimension", "metric"]


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL statement that answers a question; `tables` are those that it reads, with the columns that it reads."""

    sql: str
    columns: tuple[AnswerColumn, ...]
    tables: dict[str, tuple[str, ...]] = field(hash=False)
