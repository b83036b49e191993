"""What a metrics manifest can get wrong that JSON Schema cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from engine.diagnostic import Diagnostic, Place, finding, nearest
from engine.diagnostic.catalogue import in_words
from engine.metric.conditions import columns_in, condition, open_column
from engine.metric.kinds import coarse
from engine.metric.meaning import narrowed
from engine.metric.reach import PRIVATE, Reach, reach
from engine.model import Metric, Project, Table
from engine.sql.expression import KINDS, Where, parsed
from engine.sql.expression import examine as examine_expression

FORMS = ("measure", "ratio", "derived", "of")
"""The ways to give a metric."""


def examine(project: Project) -> tuple[Diagnostic, ...]:
    """Find what is wrong with the metrics of a project; places point inside their SQL."""
    return tuple(found for name in project.metrics for found in examined(project, name))


def examined(project: Project, name: str) -> tuple[Diagnostic, ...]:
    """Find what is wrong with one metric, taking those that it is built from as they are."""
    metric = project.metrics[name]
    wrong = tuple(_form(metric)) or tuple(_references(project, metric))
    ring = () if wrong else tuple(_way_back(project, name))
    if wrong or ring:
        return wrong or tuple(_ring(project, metric, ring))
    if metric.measure is not None:
        return tuple(_measure(project, metric))
    return tuple(_of(project, metric)) if metric.of is not None else tuple(_arithmetic(project, metric))


def needed(project: Project, names: Iterable[str]) -> tuple[str, ...]:
    """The metrics of these names and all that they are built from, each once."""
    found: dict[str, None] = {}
    queue = list(names)
    for name in queue:
        if name in project.metrics and name not in found:
            found[name] = None
            queue += [other for other, _ in references(project.metrics[name])]
    return tuple(found)


def references(metric: Metric) -> list[tuple[str, Place]]:
    """The metrics that a metric is built from, with the places where it names them."""
    if metric.ratio:
        return [(name, metric.origin.place("ratio", index)) for index, name in enumerate(metric.ratio)]
    if metric.derived is not None:
        inside = _inside(metric, "derived")
        return [(name, inside(start, end)) for name, start, end in columns_in(metric.derived)]
    return [(metric.of, metric.origin.place("of"))] if metric.of is not None else []


def _form(metric: Metric) -> Iterator[Diagnostic]:
    given = [form for form in FORMS if getattr(metric, form) is not None]
    if not given:
        yield finding("none-of", metric.origin.key(), keys=", ".join(f"`{form}`" for form in FORMS))
    elif len(given) > 1:
        yield finding("one-of", metric.origin.key(given[1]), key=given[1], first=given[0])
    elif given == ["measure"] and metric.table is None:
        yield finding("goes-with", metric.origin.key("measure"), key="measure", needs="table")
    elif given[0] in ("ratio", "derived"):
        for key in ("where", "time", "table"):
            if getattr(metric, key) is not None:
                yield finding("not-narrowed", metric.origin.key(key), key=key, form=given[0])


def _references(project: Project, metric: Metric) -> Iterator[Diagnostic]:
    for name, place in references(metric):
        if name not in project.metrics:
            yield finding("unknown-metric", place, name=name, near=nearest(name, project.metrics))


def _ring(project: Project, metric: Metric, path: tuple[str, ...]) -> Iterator[Diagnostic]:
    """A ring is told once, at the first of its metrics."""
    order = list(project.metrics)
    if min(path, key=order.index) == metric.name:
        place = next(place for name, place in references(metric) if name == path[1])
        yield finding("ring", place, path=" → ".join(path))


def _way_back(project: Project, start: str) -> list[str]:
    """The shortest way from a metric through what it is built from back to itself; empty where there is none."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        metric = project.metrics.get(way[-1])
        for name, _ in references(metric) if metric else ():
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _measure(project: Project, metric: Metric) -> Iterator[Diagnostic]:
    table = project.tables.get(metric.table or "")
    if table is None:
        near = nearest(metric.table or "", project.tables)
        known = ", ".join(project.tables) or None
        yield finding("unknown-table", metric.origin.place("table"), name=metric.table, near=near, known=known)
        return
    columns = {name: KINDS[column.type] for name, column in table.columns.items()}
    text, inside = metric.measure or "", _inside(metric, "measure")
    checked, wrong = examine_expression(text, columns, inside, of=table.name, aggregate=True)
    yield from wrong
    if checked:
        yield from _private(checked.tree, table, text, inside)
    yield from _narrowing(project, metric, table.name)


def _private(tree: exp.Expr, table: Table, text: str, inside: Where) -> Iterator[Diagnostic]:
    shown = {column.name for column in tree.find_all(exp.Column) if column.find_ancestor(exp.Count) is None}
    for name, start, end in columns_in(text):
        if name in shown and table.columns[name].pii in PRIVATE:
            yield finding("private-column", inside(start, end), name=name, pii=table.columns[name].pii)


def _of(project: Project, metric: Metric) -> Iterator[Diagnostic]:
    found = narrowed(project, metric)
    if found is None:
        base = _foot(project, metric)
        if base.measure is None:
            yield finding(
                "of-needs-measure", metric.origin.place("of"), name=metric.of, base=base.name, form=_form_of(base)
            )
        return
    yield from _narrowing(project, metric, found.base.table or "")


def _foot(project: Project, metric: Metric) -> Metric:
    """The metric at the end of a chain of `of`."""
    seen: set[str] = set()
    while metric.of in project.metrics and metric.name not in seen:
        seen.add(metric.name)
        metric = project.metrics[metric.of]
    return metric


def _form_of(metric: Metric) -> str:
    return next((form for form in FORMS if getattr(metric, form) is not None), "")


def _narrowing(project: Project, metric: Metric, table: str) -> Iterator[Diagnostic]:
    """What is wrong with `where` and `time`."""
    within = reach(project, table)
    if metric.where is not None:
        yield from condition(metric.where, within, None, _inside(metric, "where"))[1]
    if metric.time is not None:
        yield from _time(metric.time, within, metric.origin.place("time"))


def _time(name: str, within: Reach, place: Place) -> Iterator[Diagnostic]:
    homes = within.find(name)
    if not homes:
        times = [known for known, kind in within.columns().items() if kind in ("date", "timestamp")]
        near = nearest(name, times)
        known = None if near else ", ".join(times) or None
        yield finding("unknown-column", place, name=name, table=within.table, near=near, known=known)
    elif len(homes) > 1:
        yield open_column(name, homes, place)
    elif homes[0].column.type not in ("date", "timestamp"):
        yield finding("not-a-time-column", place, name=name, type=homes[0].column.type)


def _arithmetic(project: Project, metric: Metric) -> Iterator[Diagnostic]:
    if metric.derived is not None:
        kinds = {name: coarse(project, name) for name, _ in references(metric)}
        inside = _inside(metric, "derived")
        yield from examine_expression(metric.derived, kinds, inside, of=metric.name, want="number")[1]
        if not kinds and parsed(metric.derived)[0] is not None:
            yield finding("derived-of-nothing", metric.origin.place("derived"), name=metric.name)
        return
    for name, place in references(metric):
        kind = coarse(project, name)
        if kind not in ("number", "unknown"):
            yield finding("ratio-of-text", place, name=name, **in_words(kind=kind))


def _inside(metric: Metric, key: str) -> Where:
    return lambda start, end: metric.origin.inside(key, start=start, end=end)
