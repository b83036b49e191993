"""Conditions over what the rows of a table have: checked with the places of their mistakes, and put into SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from sqlglot import exp

from engine.diagnostic import Diagnostic, Place, finding
from engine.metric.names import column
from engine.metric.reach import Home, Reach
from engine.sql.expression import KINDS, Expression, Kind, Where, examine, parsed

_COMPARING = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?)?", re.ASCII)


def condition(
    text: str, reach: Reach, time: str | None, where: Where
) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Check a condition; `time` in it means the column that dates the rows."""
    found = tuple(refused(text, reach, where))
    if found:
        return None, found
    columns = {**_own_time(reach, time), **reach.columns()}
    checked, found = examine(text, columns, where, of=reach.table, want="boolean")
    if checked:
        found = tuple(bad_times(checked.tree, columns, where))
    return (None if found else checked), found


def refused(text: str, reach: Reach, where: Where) -> Iterator[Diagnostic]:
    """Findings for columns that are there and cannot be used: private ones, and names with two homes."""
    for name, start, end in columns_in(text):
        homes = reach.find(name)
        if len(homes) > 1:
            yield open_column(name, homes, where(start, end))
        elif homes and homes[0].is_private:
            yield finding("private-column", where(start, end), name=name, pii=homes[0].column.pii)


def open_column(name: str, homes: tuple[Home, ...], place: Place) -> Diagnostic:
    """The finding for a name with several homes."""
    return finding("open-column", place, name=name, choices=", ".join(f"`{home.text}`" for home in homes))


def columns_in(text: str) -> list[tuple[str, int, int]]:
    """The columns that an expression names, in order, with the characters that do; none where it does not parse."""
    tree, _ = parsed(text)
    if tree is None:
        return []
    spans = [(node.name, *_span(node.this, text)) for node in tree.find_all(exp.Column) if not node.args.get("table")]
    return sorted(spans, key=lambda one: one[1:])


def bad_times(tree: exp.Expr, columns: Mapping[str, Kind], where: Where) -> Iterator[Diagnostic]:
    """Findings for texts that are compared with a time and are none."""
    for node in tree.find_all(*_COMPARING):
        sides = list(node.iter_expressions())
        if not any(isinstance(side, exp.Column) and columns.get(side.name) in ("date", "timestamp") for side in sides):
            continue
        for side in sides:
            if isinstance(side, exp.Literal) and side.is_string and not _is_time(side.name):
                yield finding("not-a-time", where(*_span(side, "")), value=side.name)


def home_of(reach: Reach, time: str | None, name: str) -> Home | None:
    """The column that a name in a condition means."""
    return reach.one(name) or (reach.one(time) if name == "time" and time else None)


def placed(tree: exp.Expr, home: Callable[[str], Home | None], *, qualified: bool) -> exp.Expr:
    """A copy of an expression in which every column is written as SQL needs it."""

    def written(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        found = home(node.name)
        assert found is not None, node.name
        return column(found.column.name, found.table if qualified else None)

    return tree.copy().transform(written, copy=False).transform(_is_not_null, copy=False)


def _is_not_null(node: exp.Expr) -> exp.Expr:
    """`x is not null` as people write it; the parser keeps it as `not x is null`."""
    if isinstance(node, exp.Not) and isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null):
        return exp.Is(this=node.this.this, expression=exp.Not(this=exp.Null()))
    return node


def _own_time(reach: Reach, time: str | None) -> dict[str, Kind]:
    found = reach.one(time) if time else None
    return {"time": KINDS[found.column.type]} if found else {}


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    try:
        return match is not None and datetime(*(int(part or 0) for part in match.groups())) is not None  # type: ignore[arg-type]
    except ValueError:
        return False


def _span(node: exp.Expr, text: str) -> tuple[int, int]:
    return (node.meta["start"], node.meta["end"] + 1) if "start" in node.meta else (0, len(text))
