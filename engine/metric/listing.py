"""What there is to ask for: metrics with their formulas in words, and the dimensions that they share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.metric.asking import Subject, shared_columns, subjects_of
from engine.metric.dimension import PERIODS, Located, locate
from engine.metric.kinds import unit_of
from engine.model import Label, Metric, Project


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """A metric as a list shows it. `formula` is one line such as `sum(amount) of orders, where paid_at is not null`."""

    name: str
    label: Label
    formula: str
    unit: str | None
    about: str | None


def catalogue(project: Project) -> tuple[MetricEntry, ...]:
    """List the metrics in the order of the manifests."""
    return tuple(entry(project, name) for name in project.metrics)


def entry(project: Project, name: str) -> MetricEntry:
    """Describe one metric."""
    metric = project.metrics[name]
    return MetricEntry(name, metric.label, _formula(metric), unit_of(project, name), metric.about)


def dimensions(project: Project, metrics: tuple[str, ...]) -> tuple[str, ...]:
    """List the dimensions that all these metrics share; the project must be without findings."""
    subjects = subjects_of(project, metrics)
    if not subjects:
        return ()
    columns = [name for name in shared_columns(subjects) if _is_plain(subjects[0], name) and name not in metrics]
    times = [f"time.{period}" for period in PERIODS]
    times += [f"{name}.{period}" for name in shared_columns(subjects) if name not in metrics for period in PERIODS]
    return (*columns, *(text for text in times if _is_shared(subjects, text)))


def _is_plain(subject: Subject, name: str) -> bool:
    home = subject.reach.one(name)
    return home is not None and home.column.type not in ("date", "timestamp", "decimal")


def _is_shared(subjects: tuple[Subject, ...], text: str) -> bool:
    return all(isinstance(locate(subject.reach, subject.time, text), Located) for subject in subjects)


def _formula(metric: Metric) -> str:
    if metric.ratio:
        return " / ".join(metric.ratio)
    return ", ".join(_clauses(metric))


def _clauses(metric: Metric) -> Iterator[str]:
    if metric.derived is not None:
        yield metric.derived
    elif metric.of is not None:
        yield metric.of
    else:
        yield f"{metric.measure} of {metric.table}"
    if metric.where:
        yield f"where {metric.where}"
