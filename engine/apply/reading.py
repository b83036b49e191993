"""Read a part of a stream into raw, and refuse it whole where it cannot be what it should be."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.connector import Client, Effort, GiveUp, JsonLines, Landing, TryAgain, connector_of, same_name
from engine.diagnostic import Diagnostic, Place, errors, finding, nearest
from engine.model import Batch, Mapping, Project, Read, ReadResult, State
from engine.sql.mapping import is_there, needed
from engine.survey import ready_to_use, workplace
from engine.warehouse import Damage, Landed, Warehouse

_COLUMNS_SHOWN = 40


@dataclass
class Reading:
    """One part on its way into raw: `landings` fetches, in any thread; `land` stores, in the thread of the warehouse.

    A batch that lacks a column which a mapping needs, or whose identifiers lost digits, is not recorded; the findings
    say so.
    """

    project: Project
    step: Read
    state: State
    client: Client
    keep: Path
    begun: float = field(default_factory=time.monotonic)
    found: list[Diagnostic] = field(default_factory=list)
    rows: int = 0
    left_out: int = 0
    columns: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    effort: Effort = field(default_factory=Effort)

    @property
    def feed(self) -> str:
        """The stream it belongs to, as `source.stream`."""
        return f"{self.step.source}.{self.step.stream}"

    def landings(self, told: Callable[[], object] = lambda: None) -> Iterator[tuple[Landing, bool]]:
        """What the connector hands over, each with whether it is the last. Raises `GiveUp`.

        `told` is called whenever the connector has said anew what reading has cost (`effort`), in any thread.
        """

        def report(effort: Effort) -> None:
            self.effort = effort
            told()

        source = self.project.sources[self.step.source]
        stream = source.streams[self.step.stream]
        with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
            place = workplace(self.project, self.state, source, stream, Path(scratch))
            place = replace(place, client=self.client, keep=self.keep / source.name, report=report, stop=self.stop)
            ready, settled = ready_to_use(source, stream, self.project.root)
            try:
                yield from _marked_last(connector_of(source).read(ready, settled, self.step.part, place))
            except TryAgain as failure:  # a connector that does not try again by itself: the next run does
                facts = {"name": self.feed, "attempts": 1, "why": failure.why}
                raise GiveUp(finding("gave-up", stream.origin.place(), **facts)) from None

    def land(self, landing: Landing, last: bool, warehouse: Warehouse, run: int, numbers: Iterator[int]) -> bool:
        """Store one landing under the next of `numbers`; False where there is no use in going on."""
        self.found += landing.diagnostics
        self.left_out += len(landing.left_out)
        if landing.records is None:
            if landing.cursor is not None:
                warehouse.move(self.feed, landing.cursor, run)
            return True
        # A part of which a batch was refused has not been read: the next run reads all of it again.
        whole = last and not errors(self.found)
        landing = self._with_known_columns(landing)
        landed, wrong = _land(self.project, self.step, landing, warehouse, run, next(numbers), last=whole)
        self.found += wrong
        self.rows += 0 if errors(wrong) else landed.rows
        # Later batches would carry the cursor past the refused one.
        return not (errors(wrong) and landing.cursor is not None)

    def _with_known_columns(self, landing: Landing) -> Landing:
        """The landing with the columns of earlier batches: an object may leave out a key that others of its kind have."""
        if not isinstance(landing.records, JsonLines):
            return landing
        before = (column for batch in self.state.batches if batch.feed == self.feed for column in batch.columns)
        self.columns = self.columns or tuple(dict.fromkeys(before))
        self.columns = tuple(dict.fromkeys((*landing.records.columns, *self.columns)))
        return replace(landing, records=JsonLines(landing.records.path, self.columns))

    def result(self) -> ReadResult:
        """What the reading gave so far."""
        return ReadResult(
            source=self.step.source,
            stream=self.step.stream,
            part=self.step.part.name,
            rows=self.rows,
            left_out=self.left_out,
            seconds=round(time.monotonic() - self.begun, 3),
            requests=self.effort.requests,
            waited=round(self.effort.waited, 1),
        )


def _marked_last(landings: Iterable[Landing]) -> Iterator[tuple[Landing, bool]]:
    """Each landing, and whether it is the last: only when that is stored has the part been read.

    One with a cursor need not wait for the next to be known: the cursor tells what was read.
    """
    before: Landing | None = None
    for landing in landings:
        if landing.cursor is not None:
            if before is not None:  # a cursor may not pass records that came before it
                yield before, False
                before = None
            yield landing, False
            continue
        if before is not None:
            yield before, False
        before = landing
    if before is not None:
        yield before, True


def _land(
    project: Project, step: Read, landing: Landing, warehouse: Warehouse, run: int, number: int, *, last: bool
) -> tuple[Landed, tuple[Diagnostic, ...]]:
    feed = f"{step.source}.{step.stream}"
    part = landing.part or step.part.name
    landed = warehouse.land(landing, number, feed, part)
    mappings = project.mappings_of(feed)
    wrong = tuple(
        one
        for mapping in mappings
        for one in (*_lacks(mapping, part, landed), *_damaged(mapping, part, landed, warehouse))
    )
    if errors(wrong):
        warehouse.discard(landed)
    else:
        warehouse.record(replace(_batch(step, landing, landed, number, run), last=last), landing.cursor)
    return landed, wrong


def _batch(step: Read, landing: Landing, landed: Landed, number: int, run: int) -> Batch:
    return Batch(
        number=number,
        run=run,
        source=step.source,
        stream=step.stream,
        part=landing.part or step.part.name,
        digest=landing.digest or step.part.digest,
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
    if mapping.each and not {same_name(mapping.each), same_name(mapping.each.partition(".")[0])} & there:
        columns, near = ", ".join(landed.columns[:_COLUMNS_SHOWN]), nearest(mapping.each, landed.columns)
        place, wanted = mapping.origin.place("each"), f"`{mapping.each}`"
        yield finding("missing-column", place, part=part, wanted=wanted, columns=columns, near=near)
    for needs in needed(mapping):
        if is_there(mapping, needs, there):
            continue
        yield finding(
            "missing-column",
            needs.origin.place("from"),
            part=part,
            wanted=" / ".join(f"`{one}`" for one in needs.sources),
            columns=", ".join(landed.columns[:_COLUMNS_SHOWN]),
            near=next((close for one in needs.sources if (close := nearest(one, landed.columns))), None),
        )


def _damaged(mapping: Mapping, part: str, landed: Landed, warehouse: Warehouse) -> Iterator[Diagnostic]:
    there = {same_name(column): column for column in landed.columns}
    fields = {
        there[same_name(one or "")]: made
        for made in mapping.all_fields.values()
        if made.type == "id" and not made.clean
        for one in map(mapping.around, made.sources)
        if one and same_name(one) in there
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
