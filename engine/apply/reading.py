"""Read a part of a stream into raw, and refuse it whole where it cannot be what it should be."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.connector import Landing, connector, same_name
from engine.diagnostic import Diagnostic, Place, errors, finding, nearest
from engine.model import Batch, Mapping, Project, Read, ReadResult, State
from engine.sql.mapping import needed
from engine.survey import ready_to_use, workplace
from engine.warehouse import Damage, Landed, Warehouse

_COLUMNS_SHOWN = 40


def read(
    project: Project, step: Read, state: State, warehouse: Warehouse, run: int, numbers: Iterator[int]
) -> tuple[ReadResult, tuple[Diagnostic, ...]]:
    """Read one part; every batch of it gets the next of `numbers`, and is recorded as soon as it is stored.

    A batch that lacks a column which a mapping needs, or whose identifiers lost digits, is not recorded; the findings
    say so. Raises `GiveUp` where the part cannot be read at all.
    """
    source = project.sources[step.source]
    stream = source.streams[step.stream]
    begun = time.monotonic()
    found: list[Diagnostic] = []
    rows = left_out = 0
    with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
        place = workplace(project, state, source, stream, Path(scratch))
        ready, settled = ready_to_use(source, stream)
        for landing, last in _marked_last(connector(source.connector).read(ready, settled, step.part, place)):
            # A part of which a batch was refused has not been read: the next run reads all of it again.
            whole = last and not errors(found)
            landed, wrong = _land(project, step, landing, warehouse, run, next(numbers), last=whole)
            found += [*landing.diagnostics, *wrong]
            rows, left_out = rows + landed.rows, left_out + len(landing.left_out)
    seconds = round(time.monotonic() - begun, 3)
    return ReadResult(step.source, step.stream, step.part.name, rows, left_out, seconds), tuple(found)


def _marked_last(landings: Iterable[Landing]) -> Iterator[tuple[Landing, bool]]:
    """Each landing, and whether it is the last: only when that is stored has the part been read."""
    before: Landing | None = None
    for landing in landings:
        if before is not None:
            yield before, False
        before = landing
    if before is not None:
        yield before, True


def _land(
    project: Project, step: Read, landing: Landing, warehouse: Warehouse, run: int, number: int, *, last: bool
) -> tuple[Landed, tuple[Diagnostic, ...]]:
    feed = f"{step.source}.{step.stream}"
    landed = warehouse.land(landing, number, feed, step.part.name)
    mappings = project.mappings_of(feed)
    wrong = tuple(
        one
        for mapping in mappings
        for one in (*_lacks(mapping, step.part.name, landed), *_damaged(mapping, step.part.name, landed, warehouse))
    )
    if errors(wrong):
        warehouse.discard(landed)
    else:
        warehouse.record(replace(_batch(step, landing, landed, number, run), last=last))
    return landed, wrong


def _batch(step: Read, landing: Landing, landed: Landed, number: int, run: int) -> Batch:
    return Batch(
        number=number,
        run=run,
        source=step.source,
        stream=step.stream,
        part=step.part.name,
        digest=step.part.digest,
        stamp=step.part.stamp,
        file=landed.file,
        rows=landed.rows,
        columns=landed.columns,
        first_row=landing.first_row,
        left_out=len(landing.left_out),
        detail={**landing.detail, "left_out": [list(line) for line in landing.left_out]},
    )


def _lacks(mapping: Mapping, part: str, landed: Landed) -> Iterator[Diagnostic]:
    there = {same_name(column) for column in landed.columns}
    for field in needed(mapping):
        if any(same_name(one) in there for one in field.sources):
            continue
        yield finding(
            "missing-column",
            field.origin.place("from"),
            part=part,
            wanted=" / ".join(f"`{one}`" for one in field.sources),
            columns=", ".join(landed.columns[:_COLUMNS_SHOWN]),
            near=next((close for one in field.sources if (close := nearest(one, landed.columns))), None),
        )


def _damaged(mapping: Mapping, part: str, landed: Landed, warehouse: Warehouse) -> Iterator[Diagnostic]:
    there = {same_name(column): column for column in landed.columns}
    fields = {
        there[same_name(one)]: field
        for field in mapping.all_fields.values()
        if field.type == "id" and not field.clean
        for one in field.sources
        if same_name(one) in there
    }
    for column, damage in warehouse.damage(landed, tuple(fields)).items():
        yield _damage(damage, fields[column].origin.place("from"), part, column)


def _damage(damage: Damage, place: Place, part: str, column: str) -> Diagnostic:
    how, how_zh = (
        ("scientific notation", "科学计数法")
        if damage.how == "scientific"
        else ("15 digits and zeros", "15 位数字加零")
    )
    facts = {"count": damage.count, "example": damage.example, "row": damage.row, "how": how, "how_zh": how_zh}
    return finding("damaged-ids", place, part=part, column=column, **facts)
