"""Ask the published tables about metrics.

`ask` compiles a question and gives an `Answer`, which runs its SQL when it is first looked at. `engine.query.forms`
writes an answer as a table, CSV, JSON or Parquet, `engine.query.sheet` as an Excel workbook.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.diagnostic import Diagnostic, Findings, finding
from engine.metric import AnswerColumn, MetricEntry, Query, Question, compile, entry
from engine.model import Project
from engine.warehouse import Reader

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["Answer", "Question", "ask"]


@dataclass(frozen=True)
class Answer:
    """What a question gives on one published version. The SQL runs once, when the answer is first looked at.

    Money is `Decimal`, counts are `int`, ratios `float`, dates `date`, times `datetime` without a zone; null is None.
    """

    question: Question
    query: Query
    metrics: tuple[MetricEntry, ...]
    reader: Reader = field(repr=False)

    @property
    def columns(self) -> tuple[AnswerColumn, ...]:
        """The columns: dimensions first, then metrics, each in the order asked."""
        return self.query.columns

    @property
    def sql(self) -> str:
        """The statement that answers the question."""
        return self.query.sql

    @property
    def version(self) -> int:
        """The run that published the tables that are read."""
        return self.reader.version

    def tuples(self) -> list[tuple[Any, ...]]:
        """The rows as tuples in the order of the columns."""
        return self._tuples

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self._tuples]

    def arrow(self) -> pyarrow.Table:
        """The rows as an Arrow table; raise Findings where pyarrow is not installed."""
        return self._arrow

    def df(self) -> pandas.DataFrame:
        """The rows as a pandas frame; raise Findings where pandas is not installed."""
        _needs("pandas", "pandas")
        return self.arrow().to_pandas()

    def pl(self) -> polars.DataFrame:
        """The rows as a polars frame; raise Findings where polars is not installed."""
        _needs("polars", "polars")
        import polars

        frame = polars.from_arrow(self.arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    @cached_property
    def _tuples(self) -> list[tuple[Any, ...]]:
        return self.reader.rows(self.sql).rows

    @cached_property
    def _arrow(self) -> pyarrow.Table:
        _needs("pyarrow", "arrow")
        return self.reader.arrow(self.sql)


def ask(project: Project, question: Question, reader: Reader) -> Answer:
    """Ask a question about the metrics of a project.

    Raise Findings with status 2 where the question is wrong, 1 where a metric is, and 3 where the tables that
    it needs are not published.
    """
    query = compile(project, question)
    found = tuple(
        one for table, columns in query.tables.items() for one in _unpublished(project, table, columns, reader)
    )
    if found:
        raise Findings(found, status=3)
    names = (column.name for column in query.columns if column.role == "metric")
    return Answer(question, query, tuple(entry(project, name) for name in names), reader)


def _unpublished(project: Project, table: str, columns: tuple[str, ...], reader: Reader) -> tuple[Diagnostic, ...]:
    if table not in reader.tables and not project.mappings_into(table):
        return (finding("nothing-feeds", table=table),)
    if table not in reader.tables:
        return (finding("not-published", table=table, known=", ".join(sorted(reader.tables)) or None),)
    missing = ", ".join(f"`{name}`" for name in columns if name not in reader.tables[table])
    if not missing:
        return ()
    return (finding("column-not-published", table=table, columns=missing, version=reader.version),)


def _needs(library: str, extra: str) -> None:
    try:
        __import__(library)
    except ImportError:
        raise Findings([finding("missing-extra", library=library, extra=extra)], status=2) from None
