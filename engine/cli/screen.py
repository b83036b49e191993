"""What a person sees of a plan, a run and its progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.cli.words import Language, say, why
from engine.metric import catalogue
from engine.model import Plan, Project, Run
from engine.query import Answer, forms
from engine.query.cells import shown
from engine.warehouse.folder import run_as_json

_SHOWN = 40
_NAMED = 12
_WIDEST = 14
_LONGEST_FORMULA = 72
_COSTS = ("requests", "waited")


def console() -> Console:
    """Where tables are printed: a terminal has its width; a file or a pipe gets lines as long as they are."""
    return Console(width=None if sys.stdout.isatty() else 400, soft_wrap=not sys.stdout.isatty())


def grid(heads: Iterable[str], rows: Iterable[Iterable[object]], numbers: frozenset[int] = frozenset()) -> Table:
    """A table with right-aligned `numbers` columns."""
    heads = list(heads)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False, show_header=any(heads))
    for at, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if at in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(one)) for one in row))
    return table


def cell(value: object) -> str:
    """A value as a table shows it: numbers with thousands separators, nothing as a dash."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value)


def plan(made: Plan, language: Language) -> RenderableType:
    """A plan as a person reads it."""
    if made.is_empty:
        return Text(say(language, "plan nothing"))
    parts: list[RenderableType] = []
    if made.reads:
        heads = [say(language, key) for key in ("stream", "part", "what", "size")]
        rows = [
            (f"{one.source}.{one.stream}", one.part.name, say(language, one.why), _size(one.part.size))
            for one in made.reads
        ]
        parts += [
            _headed(say(language, "plan reads"), grid(heads, rows[:_SHOWN], frozenset({3}))),
            *_rest(rows, language),
        ]
    if made.builds:
        heads = [say(language, key) for key in ("table", "how", "why")]
        parts.append(
            _headed(
                say(language, "plan builds"),
                grid(heads, [(one.table, say(language, one.how), why(language, one.why)) for one in made.builds]),
            )
        )
    if made.metrics:
        parts.append(_headed(say(language, "plan metrics"), grid(("", "", ""), _changes(made, language))))
    return Group(*parts)


def _changes(made: Plan, language: Language) -> Iterable[tuple[object, ...]]:
    """Metrics by what happens to them: one line each while they are few, all in one line where they are many."""
    for what in ("added", "changed", "removed"):
        names = [one.name for one in made.metrics if one.what == what]
        if names:
            listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
            yield len(names), say(language, what), listed


def run(done: Run, language: Language) -> RenderableType:
    """A run as a person reads it: what was read, what became of it, and what was published."""
    if done.status == "nothing":
        return Text(say(language, "nothing", run=done.number) if done.number else say(language, "nothing yet"))
    parts: list[RenderableType] = []
    if done.reads:
        heads, reads = _read(done, language)
        parts += [grid(heads, reads[:_SHOWN], frozenset(range(2, len(heads)))), *_rest(reads, language), Text()]
    if done.builds:
        heads = [
            say(language, key)
            for key in ("table", "mapping", "read", "loaded", "superseded", "rejected", "dropped", "seconds")
        ]
        parts += [grid(heads, _built(done, language), frozenset(range(2, 8))), Text()]
    return Group(*parts, Text(_verdict(done, language), style="bold green" if done.status == "done" else "bold red"))


def _read(done: Run, language: Language) -> tuple[list[str], list[tuple[object, ...]]]:
    """What was read, a line for each part; requests and waiting only where there were any."""
    costs = [(key, {"requests": one.requests, "waited": one.waited}[key]) for one in done.reads for key in _COSTS]
    shown = [key for key in _COSTS if any(cost for name, cost in costs if name == key)]
    heads = [say(language, key) for key in ("stream", "part", "read", "left out", *shown, "seconds")]
    rows: list[tuple[object, ...]] = []
    for one in done.reads:
        cost = {"requests": one.requests or None, "waited": f"{one.waited:.1f}" if one.waited else None}
        feed = f"{one.source}.{one.stream}"
        rows.append((feed, one.part, one.rows, one.left_out, *(cost[key] for key in shown), f"{one.seconds:.1f}"))
    return heads, rows


def _built(done: Run, language: Language) -> Iterable[tuple[object, ...]]:
    for build in done.builds:
        seconds = f"{build.seconds:.1f}"
        if not build.mappings:
            yield build.table, say(language, build.how), None, None, None, None, None, seconds
        for at, one in enumerate(build.mappings):
            table, took = (build.table, seconds) if at == 0 else ("", "")
            yield table, one.mapping, one.read, one.loaded, one.superseded, one.rejected, one.dropped, took


def _verdict(done: Run, language: Language) -> str:
    seconds = f"{done.seconds:.1f}"
    if done.status == "failed":
        return say(language, "not published", run=done.number, seconds=seconds)
    tables = say(language, "one table") if done.published == 1 else say(language, "tables", n=done.published)
    return say(language, "published", run=done.number, seconds=seconds, tables=tables)


def _headed(head: str, body: RenderableType) -> RenderableType:
    return Group(Text(head, style="bold cyan"), body, Text())


def _rest(rows: Sequence[object], language: Language) -> list[RenderableType]:
    return [Text(say(language, "more", n=len(rows) - _SHOWN))] if len(rows) > _SHOWN else []


def _size(size: int | None) -> str:
    if size is None:
        return "—"
    amount = float(size)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def listing(project: Project, language: Language) -> Table:
    """The metrics of a project with their formulas in words."""
    heads = [say(language, key) for key in ("metric", "name", "formula", "unit")]
    rows = [(one.name, getattr(one.label, language), _short(one.formula), one.unit) for one in catalogue(project)]
    return grid(heads, rows)


def runs(done: list[dict[str, Any]], language: Language) -> Table:
    """Runs, one line each."""
    heads = [
        say(language, key) for key in ("run", "started", "status", "read", "loaded", "rejected", "findings", "seconds")
    ]
    return grid(heads, [_run_line(one, language) for one in done], frozenset({0, 3, 4, 5, 6, 7}))


def _run_line(one: dict[str, Any], language: Language) -> tuple[object, ...]:
    mappings = [mapping for build in one["builds"] for mapping in build["mappings"]]
    counts = [sum(mapping[key] for mapping in mappings) for key in ("read", "loaded", "rejected")]
    return (
        one["number"],
        one["started"],
        say(language, one["status"]),
        *counts,
        len(one["diagnostics"]),
        f"{one['seconds']:.1f}",
    )


def as_json(done: Run, language: Language) -> str:
    """A run as JSON."""
    return json.dumps(run_as_json(done, language), ensure_ascii=False, indent=2)


def answer(given: Answer, language: Language) -> RenderableType:
    """An answer as a table; as one block for each row where it has too many columns to stand side by side."""
    if len(given.columns) <= _WIDEST:
        return forms.table(given, language)
    blocks: list[RenderableType] = []
    for number, row in enumerate(given.tuples(), start=1):
        lines = [
            (column.name, getattr(column.label, language), shown(value, column))
            for column, value in zip(given.columns, row, strict=True)
            if value is not None
        ]
        blocks.append(_headed(f"{number}", grid(("", "", ""), lines)))
    return Group(*blocks)


def _short(formula: str) -> str:
    return formula if len(formula) <= _LONGEST_FORMULA else f"{formula[: _LONGEST_FORMULA - 1]}…"
