"""Hold a question against what is declared: every name is found, for every metric, or said to be missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from engine.diagnostic import Diagnostic, Findings, Place, errors, finding, in_order, nearest
from engine.metric.conditions import columns_in, condition, home_of
from engine.metric.dimension import MISSING, PERIODS, Located, Refused, label, locate, own_time, split
from engine.metric.examination import examined, needed
from engine.metric.kinds import sort_of, unit_of
from engine.metric.meaning import Meaning, Part, meaning
from engine.metric.question import AnswerColumn, Question
from engine.metric.reach import Reach, reach
from engine.model import Project

Key = tuple[str, str | None]
"""A table, and the column that dates its rows."""

_MOST_NAMES = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """Rows that a question is about: a table, the column that dates them, and a metric that asks for them."""

    metric: str
    time: str | None
    reach: Reach

    @property
    def key(self) -> Key:
        """What tells it from other subjects."""
        return self.reach.table, self.time


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of which every name has been found. `timed` says whether it depends on how metrics are dated."""

    metrics: dict[str, Meaning]
    subjects: dict[Key, Subject]
    by: dict[str, dict[Key, Located]]
    where: exp.Expr | None
    order: tuple[tuple[str, bool], ...]
    limit: int | None
    columns: tuple[AnswerColumn, ...]
    timed: bool

    def subject(self, part: Part) -> Subject:
        """The rows that a part is taken over."""
        return self.subjects[part.table, part.time]


def asked(project: Project, question: Question) -> Asked:
    """Find everything that a question names; raise Findings with all that is not there."""
    _stop(_unknown_metrics(project, question))
    _stop(errors(one for name in needed(project, question.metrics) for one in examined(project, name)), status=1)
    metrics = {name: meaning(project, name) for name in question.metrics}
    subjects = _subjects(project, metrics)
    by, found = _dimensions(question, tuple(subjects.values()))
    where, more = _where(question, tuple(subjects.values()))
    order = [_order(question, index) for index in range(len(question.order))]
    found += more + tuple(one for one in order if isinstance(one, Diagnostic))
    _stop((*found, *_clashes(question), *_limit(question)))
    columns = (*_dimension_columns(by), *_metric_columns(project, metrics))
    sorting = tuple(one for one in order if not isinstance(one, Diagnostic))
    return Asked(metrics, subjects, by, where, sorting, question.limit, columns, _timed(question, subjects))


def shared_columns(subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    """The columns that every subject can be broken down by, in the order of the first."""
    names = [name for name in subjects[0].reach.columns() if all(name in other.reach.columns() for other in subjects)]
    return tuple(names)


def subjects_of(project: Project, names: tuple[str, ...]) -> tuple[Subject, ...]:
    """The rows that metrics of a project without findings are taken over."""
    return tuple(_subjects(project, {name: meaning(project, name) for name in names}).values())


def _stop(found: tuple[Diagnostic, ...], status: int = 2) -> None:
    if found:
        raise Findings(in_order(found), status)


def _unknown_metrics(project: Project, question: Question) -> tuple[Diagnostic, ...]:
    if not question.metrics:
        return (finding("no-metric", known=_some(tuple(project.metrics)) or None),)
    return tuple(
        finding("unknown-metric", question.place("metrics", index), name=name, near=near_metric(project, name))
        for index, name in enumerate(question.metrics)
        if name not in project.metrics
    )


def near_metric(project: Project, name: str) -> str | None:
    """The metric that somebody who wrote `name` most likely meant, by its name or by what people call it."""
    called = {label: known.name for known in project.metrics.values() for label in (known.label.zh, known.label.en)}
    return called.get(name) or nearest(name, project.metrics)


def _subjects(project: Project, metrics: dict[str, Meaning]) -> dict[Key, Subject]:
    found: dict[Key, Subject] = {}
    for name, resolved in metrics.items():
        for part in resolved.parts.values():
            if (part.table, part.time) not in found:
                found[part.table, part.time] = Subject(name, part.time, reach(project, part.table))
    return found


def _dimensions(
    question: Question, subjects: tuple[Subject, ...]
) -> tuple[dict[str, dict[Key, Located]], tuple[Diagnostic, ...]]:
    by: dict[str, dict[Key, Located]] = {}
    found: list[Diagnostic] = []
    for index, text in enumerate(question.by):
        tried = {subject.key: locate(subject.reach, subject.time, text) for subject in subjects}
        by[text] = {key: one for key, one in tried.items() if isinstance(one, Located)}
        found += _not_located(question, index, subjects, tried)
        if len({_likeness(one) for one in by[text].values()}) > 1:
            sorts = ", ".join(sorted({one.sort for one in by[text].values()}))
            found.append(finding("unlike-dimension", question.place("by", index), name=text, sorts=sorts))
    return by, tuple(found)


def _likeness(found: Located) -> str:
    """Sorts of values that can stand in one column."""
    return {"id": "text", "integer": "number", "decimal": "number"}.get(found.sort, found.sort)


def _not_located(
    question: Question,
    index: int,
    subjects: tuple[Subject, ...],
    tried: dict[Key, Located | Refused],
) -> Iterator[Diagnostic]:
    text, place = question.by[index], question.place("by", index)
    refused = [(subject, one) for subject in subjects if isinstance(one := tried[subject.key], Refused)]
    missing = [subject for subject, one in refused if one.code == MISSING]
    if len(missing) == len(subjects):
        yield _unknown_dimension(text, subjects, question, index)
        return
    for subject in missing:
        yield _not_shared(text, place, subject, subjects)
    for subject, one in refused:
        if one.code != MISSING:
            yield finding(one.code, place, **one.facts, metric=subject.metric)


def _unknown_dimension(text: str, subjects: tuple[Subject, ...], question: Question, index: int) -> Diagnostic:
    head, dot, period = text.rpartition(".")
    known = shared_columns(subjects)
    if dot and period not in PERIODS and (head == "time" or head in known):
        facts = {"period": period, "known": ", ".join(PERIODS), "near": nearest(period, PERIODS)}
        return finding("unknown-period", question.place("by", index), **facts)
    near = near_dimension(text, subjects)
    return finding("unknown-dimension", question.place("by", index), name=text, near=near, known=_known(subjects))


def near_dimension(text: str, subjects: tuple[Subject, ...]) -> str | None:
    """The dimension that somebody who wrote `text` most likely meant, by its name or by what people call it."""
    head, period = split(text)
    near = nearest(head, (*shared_columns(subjects), "time")) or _called(head, subjects)
    if near == "time" and period is None:
        return "time.day"
    return f"{near}.{period}" if near and period else near


def _called(text: str, subjects: tuple[Subject, ...]) -> str | None:
    own = subjects[0].reach
    for name in shared_columns(subjects):
        home = own.one(name)
        if home and text in (home.column.label.zh, home.column.label.en):
            return name
    return None


def _where(question: Question, subjects: tuple[Subject, ...]) -> tuple[exp.Expr | None, tuple[Diagnostic, ...]]:
    if question.where is None:
        return None, ()
    found = tuple(_not_filtered(question, question.where, subjects))
    if found:
        return None, found
    tree: exp.Expr | None = None
    for subject in subjects:
        checked, found = condition(question.where, subject.reach, subject.time, question.inside)
        if checked is None:
            return None, found
        tree = checked.tree
    return tree, ()


def _not_filtered(question: Question, where: str, subjects: tuple[Subject, ...]) -> Iterator[Diagnostic]:
    for name, start, end in columns_in(where):
        place = question.inside(start, end)
        missing = [one for one in subjects if not one.reach.find(name) and not home_of(one.reach, one.time, name)]
        if len(missing) == len(subjects):
            near = near_dimension(name, subjects)
            yield finding("unknown-dimension", place, name=name, near=near, known=_known(subjects))
        else:
            yield from (_not_shared(name, place, one, subjects) for one in missing)


def _not_shared(name: str, place: Place, subject: Subject, subjects: tuple[Subject, ...]) -> Diagnostic:
    facts = {"metric": subject.metric, "table": subject.reach.table, "known": _known(subjects)}
    return finding("dimension-not-shared", place, name=name, **facts)


def _known(subjects: tuple[Subject, ...]) -> str | None:
    return _some(shared_columns(subjects)) or None


def _order(question: Question, index: int) -> tuple[str, bool] | Diagnostic:
    name, down = _turned(question.order[index])
    columns = (*question.by, *question.metrics)
    if name in columns:
        return name, down
    place = question.place("order", index)
    return finding("unknown-order", place, name=name, near=nearest(name, columns), known=_some(columns))


def _turned(text: str) -> tuple[str, bool]:
    name, _, direction = text.strip().rpartition(" ")
    if name and direction.lower() in ("asc", "desc"):
        return name.strip(), direction.lower() == "desc"
    return text.strip().removeprefix("-").strip(), text.strip().startswith("-")


def _clashes(question: Question) -> tuple[Diagnostic, ...]:
    return tuple(
        finding("name-taken", question.place("by", index), name=text)
        for index, text in enumerate(question.by)
        if text in question.metrics
    )


def _limit(question: Question) -> tuple[Diagnostic, ...]:
    if question.limit is None or question.limit > 0:
        return ()
    return (finding("bad-limit", question.place("limit"), limit=question.limit),)


def _timed(question: Question, subjects: dict[Key, Subject]) -> bool:
    """Whether the answer depends on which column dates each metric."""
    filtered = any(name == "time" for name, _, _ in columns_in(question.where or ""))
    return any(own_time(text) for text in question.by) or (
        filtered and any(subject.reach.one("time") is None for subject in subjects.values())
    )


def _dimension_columns(by: dict[str, dict[Key, Located]]) -> Iterator[AnswerColumn]:
    for text, found in by.items():
        first = next(iter(found.values()))
        unit = first.home.column.unit if first.period is None else None
        yield AnswerColumn(text, label(text, first), first.sort, unit, "dimension")


def _metric_columns(project: Project, metrics: dict[str, Meaning]) -> Iterator[AnswerColumn]:
    for name in metrics:
        label_ = project.metrics[name].label
        yield AnswerColumn(name, label_, sort_of(project, name), unit_of(project, name), "metric")


def _some(names: tuple[str, ...]) -> str:
    """Names for a message, not more than fit."""
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} …" if len(names) > _MOST_NAMES else shown
