"""A checked `Project`, the recorded state and what the sources hold in; ordered steps out.

A plan is a value: equal manifests, equal state and equal findings of the survey give equal plans, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from engine.metric import digest as metric_digests
from engine.model import Build, Found, Mapping, MetricChange, Plan, Project, Read, State, Table, TableState, is_read


def plan(project: Project, state: State, found: Found, rebuild: frozenset[str] = frozenset()) -> Plan:
    """Work out the steps from the recorded state to what the manifests declare.

    `rebuild` names tables to make anew even though nothing about them changed.
    """
    reads = tuple(_reads(project, state, found))
    return Plan(
        project=project.name,
        serial=state.serial,
        reads=reads,
        builds=tuple(_builds(project, state, reads, rebuild)),
        metrics=tuple(_metrics(state.metrics, metric_digests(project))),
    )


def as_json(plan: Plan) -> str:
    """The plan as JSON, the same text for the same plan."""
    return json.dumps(asdict(plan), ensure_ascii=False, indent=2, sort_keys=True)


def recipe(project: Project, table: Table) -> dict[str, str]:
    """What the rows of a table depend on besides raw records: a digest for the table, each mapping, and the engine's own SQL."""
    made = {"engine": _engine_digest(), "project": _digest((project.timezone,)), "table": _digest(_meaning(table))}
    for mapping in project.mappings_into(table.name):
        made[f"mapping {mapping.name}"] = _digest((_meaning(mapping), project.sources[mapping.source].shop))
    return made


def _reads(project: Project, state: State, found: Found) -> Iterable[Read]:
    for source in project.sources.values():
        for stream in source.streams.values():
            feed = f"{source.name}.{stream.name}"
            read = state.versions(feed)
            for part in found.get(feed, ()):
                if not is_read(part, read):
                    yield Read(source.name, stream.name, part, "changed" if part.name in read else "new")
                    read[part.name] = part.digest


def _builds(project: Project, state: State, reads: tuple[Read, ...], rebuild: frozenset[str]) -> Iterable[Build]:
    fed = dict.fromkeys(mapping.into for mapping in project.mappings)
    for name in fed:
        step = _build(project, project.tables[name], state, reads, name in rebuild)
        if step:
            yield step
    for name in sorted(state.tables.keys() - fed.keys()):
        yield Build(name, "remove", "no mapping feeds it any more", (), (), "")


def _build(project: Project, table: Table, state: State, reads: tuple[Read, ...], asked: bool) -> Build | None:
    mappings = project.mappings_into(table.name)
    feeds = {mapping.feed for mapping in mappings}
    batches = tuple(batch.number for batch in state.batches if batch.feed in feeds)
    made = json.dumps(recipe(project, table), sort_keys=True)
    names = tuple(mapping.name for mapping in mappings)
    known = state.tables.get(table.name)
    why = "asked for" if asked else _why_anew(known, made)
    if why:
        return Build(table.name, "rebuild", why, names, batches, made)
    assert known is not None
    new = tuple(number for number in batches if number not in set(known.batches))
    coming = sum(f"{read.source}.{read.stream}" in feeds for read in reads)
    if not new and not coming:
        return None
    return Build(table.name, "extend", _counted(len(new) + coming, "new batch", "new batches"), names, new, made)


def _why_anew(known: TableState | None, made: str) -> str:
    if known is None:
        return "new table"
    if known.recipe == made:
        return ""
    before, after = json.loads(known.recipe), json.loads(made)
    whys = [
        *(f"{part} is new" for part in sorted(after.keys() - before.keys())),
        *(f"{part} is gone" for part in sorted(before.keys() - after.keys())),
        *(f"{part} changed" for part in sorted(before.keys() & after.keys()) if before[part] != after[part]),
    ]
    return ", ".join(whys)


def _metrics(before: Map[str, str], after: Map[str, str]) -> Iterable[MetricChange]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield MetricChange(name, "added", "new definition")
        elif name not in after:
            yield MetricChange(name, "removed", "no longer defined")
        elif before[name] != after[name]:
            yield MetricChange(name, "changed", "its definition, or one it is built from, computes something else")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _meaning(declared: Table | Mapping) -> Any:
    """What a declared thing says, without the words for people and the places in the file."""
    return _plain(declared)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        told = ((name, getattr(value, name)) for name in _telling(type(value)))
        return {name: one if one is None or isinstance(one, str | int) else _plain(one) for name, one in told}
    if isinstance(value, dict):
        return [[key, _plain(part)] for key, part in value.items()]
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


@cache
def _telling(declared: type) -> tuple[str, ...]:
    """The fields of a declared thing that say what it means."""
    return tuple(one.name for one in fields(declared) if one.name not in ("origin", "label", "grain", "joins"))


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


@cache
def _engine_digest() -> str:
    """A digest of the engine's own mapping SQL, so that tables are made anew when the engine types otherwise."""
    sources = [
        files("engine.sql").joinpath(f"{name}.py").read_bytes() for name in ("expression", "functions", "mapping")
    ]
    return sha256(b"".join(sources)).hexdigest()[:16]
