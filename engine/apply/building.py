"""Build a table: compile its mappings for the batches it is to take in, have the warehouse fill it, say what was wrong."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from engine.connector import same_name
from engine.diagnostic import Diagnostic, finding
from engine.model import Batch, Build, BuildResult, Column, Label, Mapping, Project, State
from engine.sql.mapping import RULES, is_there, needed
from engine.sql.mapping import compile as compile_mapping
from engine.warehouse import Filled, Filling, Load, Rejection, UnknownValues, Warehouse


def build(
    project: Project, step: Build, state: State, warehouse: Warehouse, run: int
) -> tuple[BuildResult, tuple[Diagnostic, ...]]:
    """Bring one table up to date; `state` has all that is in raw.

    Returns what became of the records, and warnings about those that were not taken.
    """
    begun = time.monotonic()
    if step.how == "remove":
        warehouse.remove(step.table, run)
        return BuildResult(step.table, step.how, 0, round(time.monotonic() - begun, 3), ()), ()
    filled = warehouse.fill(_filling(project, step, state), run)
    seconds = round(time.monotonic() - begun, 3)
    return BuildResult(step.table, step.how, filled.rows, seconds, filled.results), tuple(_warnings(project, filled))


def _filling(project: Project, step: Build, state: State) -> Filling:
    mappings = project.mappings_into(step.table)
    known = state.tables.get(step.table)
    rebuild = step.how == "rebuild" or known is None
    taken = frozenset() if rebuild or known is None else frozenset(known.batches)
    feeds = {mapping.feed for mapping in mappings}
    batches = [batch for batch in state.batches if batch.feed in feeds]
    return Filling(
        table=project.tables[step.table],
        loads=tuple(
            _load(project, mapping, [batch for batch in batches if batch.number not in taken]) for mapping in mappings
        ),
        rebuild=rebuild,
        newest_by=next((mapping.newest_by for mapping in mappings if mapping.newest_by), None),
        recipe=step.recipe,
        batches=tuple(batch.number for batch in batches),
        outdated=frozenset(_outdated(batches)),
    )


def _outdated(batches: list[Batch]) -> Iterator[int]:
    """Batches of a part that was read again later: its content, or how it is read, changed."""
    for at, batch in enumerate(batches):
        later = (other for other in batches[at + 1 :] if (other.feed, other.part) == (batch.feed, batch.part))
        if any(other.digest != batch.digest for other in later):
            yield batch.number


def _load(project: Project, mapping: Mapping, batches: Iterable[Batch]) -> Load:
    mine = tuple(batch for batch in batches if batch.feed == mapping.feed)
    source = project.sources[mapping.source]
    recipe = compile_mapping(
        mapping,
        project.tables[mapping.into],
        columns=tuple(dict.fromkeys(column for batch in mine for column in batch.columns)),
        shop=source.shop or source.name,
        timezone=project.timezone,
        lacking=_lacking(mapping, mine),
    )
    return Load(mapping.name, recipe, mine, tuple(_flagged(mapping)))


def _lacking(mapping: Mapping, batches: tuple[Batch, ...]) -> dict[str, tuple[int, ...]]:
    """For each field that a mapping needs, the batches that have none of its names: read before the mapping asked for it."""
    columns = {batch.number: {same_name(column) for column in batch.columns} for batch in batches}
    made = {
        field.name: tuple(number for number, there in columns.items() if not is_there(mapping, field, there))
        for field in needed(mapping)
    }
    return {name: without for name, without in made.items() if without}


def _flagged(mapping: Mapping) -> Iterator[str]:
    """Columns in which `unknown:…` may stand: from a map of their own, or from one that their expression may use."""
    flagged = {name for name, field in mapping.all_fields.items() if field.map is not None and field.unknown == "flag"}
    for name, field in mapping.fields.items():
        if field.type == "text" and (name in flagged or (flagged and field.sql is not None)):
            yield name


def _warnings(project: Project, filled: Filled) -> Iterator[Diagnostic]:
    mappings = {mapping.name: mapping for mapping in project.mappings}
    read = {result.mapping: result.read for result in filled.results}
    for rejection in filled.rejections:
        mapping = mappings[rejection.mapping]
        yield _rejected(mapping, rejection, read[mapping.name], project.tables[mapping.into].columns)
    for unknown in filled.unknown:
        yield _unknown(mappings[unknown.mapping], unknown)


def _rejected(mapping: Mapping, rejection: Rejection, read: int, columns: dict[str, Column]) -> Diagnostic:
    field = mapping.all_fields.get(rejection.field)
    rule = next((one for one in mapping.rules if one.kind == "reject" and one.because == rejection.rule), None)
    place = (
        rule.origin.place("reject") if rule else field.origin.place("from") if field else mapping.origin.place("from")
    )
    reason = RULES.get(rejection.rule, Label(rejection.rule, rejection.rule))
    column = columns.get(rejection.field)
    may_show = rejection.value is not None and column is not None and column.pii == "P0"
    return finding(
        "rows-refused" if rule else "rows-rejected",
        place,
        count=rejection.count,
        read=read,
        field=rejection.field or mapping.feed,
        reason=reason.en,
        reason_zh=reason.zh,
        example_label=f"`{(rejection.value or '')[:40]}`" if may_show else None,
        part=rejection.part,
        row=rejection.row,
    )


def _unknown(mapping: Mapping, unknown: UnknownValues) -> Diagnostic:
    field = mapping.fields[unknown.column]
    examples = ", ".join(f"`{word}` ({count})" for word, count in unknown.values)
    place = field.origin.place("map") if field.map is not None else field.origin.place("sql")
    return finding("unknown-values", place, field=unknown.column, count=len(unknown.values), examples=examples)
