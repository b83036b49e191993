"""A `Plan` in, a `Run` out: the only place where things happen.

Every batch is stored and recorded on its own, so that a run that stops resumes after the last one. Tables are built
only when all reading went well, and published only when all were built: until then readers see what they saw.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.connector import GiveUp, Landing, connector, filled, same_name, unset
from engine.diagnostic import Diagnostic, Findings, errors, finding, in_order, nearest
from engine.metric import digest as metric_digests
from engine.model import (
    Batch,
    Build,
    BuildResult,
    Column,
    Mapping,
    Plan,
    Project,
    Read,
    ReadResult,
    Run,
    State,
)
from engine.plan import plan as make_plan
from engine.sql.mapping import BUILT_IN
from engine.sql.mapping import compile as compile_mapping
from engine.survey import ready_to_use, survey, workplace
from engine.warehouse import Filled, Filling, Landed, Load, Rejection, UnknownValues, Warehouse, WarehouseFailed
from engine.warehouse.folder import Folder
from engine.warehouse.working import Working


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run is doing: `step` is plan, read, build or publish; `done` of `total` steps of that kind are behind it."""

    step: str
    name: str
    done: int
    total: int
    rows: int = 0


Listener = Callable[[Progress], None]


def apply(
    project: Project,
    *,
    rebuild: frozenset[str] = frozenset(),
    lock_timeout: float = 0,
    listener: Listener = lambda _: None,
) -> Run:
    """Bring the warehouse to what a checked project declares, and publish it.

    `rebuild` names tables to make anew; `lock_timeout` is how many seconds to wait for another run. What went wrong
    stands in the run's `diagnostics` and `exit_status` (3 a source or the warehouse failed, 4 the data is wrong).
    Raises `Findings` where there was nothing to begin with: another run is at work, a variable is not set.
    """
    folder = Folder(project.storage.path)
    with folder.locked(lock_timeout):
        started, clock = datetime.now(ZoneInfo(project.timezone)), time.monotonic()
        state = folder.recorded()
        if not folder.busy:
            found, warnings = survey(project, state)
            if make_plan(project, state, found, rebuild).is_empty:
                took = time.monotonic() - clock
                return Run(state.serial, "nothing", _stamp(started), took, diagnostics=warnings)
        with _warehouse(project, folder) as warehouse:
            return _Applying(project, warehouse, folder, rebuild, listener, started, clock).run()


@contextmanager
def _warehouse(project: Project, folder: Folder) -> Iterator[Working]:
    missing = unset(project.salt, project.origin, "privacy", "salt") if project.salt else ()
    if missing:
        raise Findings(missing, status=3)
    warehouse = Working(folder, project.storage, filled(project.salt))
    try:
        yield warehouse
    finally:
        warehouse.close()


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


class _Applying:
    """One run."""

    def __init__(
        self,
        project: Project,
        warehouse: Warehouse,
        folder: Folder,
        rebuild: frozenset[str],
        listener: Listener,
        started: datetime,
        clock: float,
    ) -> None:
        self.project, self.warehouse, self.folder = project, warehouse, folder
        self.rebuild, self.listener, self.started, self.clock = rebuild, listener, started, clock
        self.found: list[Diagnostic] = []
        self.reads: list[ReadResult] = []
        self.builds: list[BuildResult] = []
        self.status = 0

    def run(self) -> Run:
        """Read, build, publish; whatever happens, say what did."""
        state = self.warehouse.state()
        parts, warnings = survey(self.project, state)
        self.found += warnings
        plan = make_plan(self.project, state, parts, self.rebuild)
        number = state.serial + 1
        self.folder.mark_busy()
        try:
            self._read_all(plan, state, number)
            if not errors(self.found):
                self._build_all(plan, number)
                return self._finish(plan, number)
        except WarehouseFailed as failure:
            self._failed(failure)
        return self._give_up(plan, number)

    def _finish(self, plan: Plan, number: int) -> Run:
        self.listener(Progress("publish", self.project.name, 0, 1))
        run = self._described(plan, number, "done")
        self.warehouse.finish(run, metric_digests(self.project))
        published = self.warehouse.publish(self.project.tables, run, self.project.digest)
        self.folder.mark_idle()
        return replace(run, published=published, seconds=time.monotonic() - self.clock)

    def _give_up(self, plan: Plan, number: int) -> Run:
        run = replace(self._described(plan, number, "failed"), exit_status=self.status or 4)
        try:
            self.warehouse.finish(run, {})
        except WarehouseFailed as failure:
            self._failed(failure)
            run = replace(run, diagnostics=in_order(self.found), exit_status=3)
        return run

    def _described(self, plan: Plan, number: int, status: str) -> Run:
        took = time.monotonic() - self.clock
        return Run(
            number=number,
            status="done" if status == "done" else "failed",
            started=_stamp(self.started),
            seconds=round(took, 3),
            reads=tuple(self.reads),
            builds=tuple(self.builds),
            metrics=plan.metrics,
            diagnostics=in_order(self.found),
        )

    def _failed(self, failure: WarehouseFailed) -> None:
        code = "warehouse-full" if failure.full else "warehouse-failed"
        self.found.append(finding(code, reason=str(failure)))
        self.status = 3

    # --- reading ------------------------------------------------------------------------------------------------

    def _read_all(self, plan: Plan, state: State, run: int) -> None:
        number = max((batch.number for batch in state.batches), default=0)
        for done, step in enumerate(plan.reads):
            self.listener(Progress("read", step.part.name, done, len(plan.reads)))
            try:
                number = self._read(step, state, run, number)
            except GiveUp as given_up:
                self.found += given_up.diagnostics
                self.status = 3

    def _read(self, step: Read, state: State, run: int, number: int) -> int:
        source = self.project.sources[step.source]
        stream = source.streams[step.stream]
        with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
            place = workplace(self.project, state, source, stream, Path(scratch))
            ready, settled = ready_to_use(source, stream)
            begun = time.monotonic()
            for landing in connector(source.connector).read(ready, settled, step.part, place):
                number += 1
                self._land(step, landing, run, number, begun)
        return number

    def _land(self, step: Read, landing: Landing, run: int, number: int, begun: float) -> None:
        feed = f"{step.source}.{step.stream}"
        self.found += landing.diagnostics
        landed = self.warehouse.land(landing, number, feed, step.part.name)
        wrong = [*self._lacks(feed, step.part.name, landed), *self._damaged(feed, step.part.name, landed)]
        if wrong:
            self.warehouse.discard(landed)
            self.found += wrong
            self.status = self.status or 4
            return
        batch = Batch(
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
        self.warehouse.record(batch)
        took = round(time.monotonic() - begun, 3)
        self.reads.append(
            ReadResult(step.source, step.stream, step.part.name, landed.rows, len(landing.left_out), took)
        )

    def _lacks(self, feed: str, part: str, landed: Landed) -> Iterator[Diagnostic]:
        """A file that lacks a column which a mapping needs is not loaded."""
        there = {same_name(column) for column in landed.columns}
        for mapping in self.project.mappings_of(feed):
            for field in _needed(mapping):
                if any(same_name(one) in there or one in BUILT_IN for one in mapping.all_fields[field].sources):
                    continue
                names = mapping.all_fields[field].sources
                near = next((close for one in names if (close := nearest(one, landed.columns))), None)
                yield finding(
                    "missing-column",
                    mapping.all_fields[field].origin.place("from"),
                    part=part,
                    wanted=" / ".join(f"`{one}`" for one in names),
                    columns=", ".join(landed.columns[:40]),
                    near=near,
                )

    def _damaged(self, feed: str, part: str, landed: Landed) -> Iterator[Diagnostic]:
        """A file whose identifiers lost digits is not loaded."""
        there = {same_name(column): column for column in landed.columns}
        for mapping in self.project.mappings_of(feed):
            fields = {
                there[same_name(one)]: field
                for field in mapping.all_fields.values()
                if field.type == "id" and not field.clean
                for one in field.sources
                if same_name(one) in there
            }
            for column, damage in self.warehouse.damage(landed, tuple(fields)).items():
                scientific = damage.how == "scientific"
                yield finding(
                    "damaged-ids",
                    fields[column].origin.place("from"),
                    part=part,
                    column=column,
                    count=damage.count,
                    example=damage.example,
                    row=damage.row,
                    how="scientific notation" if scientific else "15 digits and zeros",
                    how_zh="科学计数法" if scientific else "15 位数字加零",
                )

    # --- building -----------------------------------------------------------------------------------------------

    def _build_all(self, plan: Plan, run: int) -> None:
        batches = self.warehouse.state().batches
        for done, step in enumerate(plan.builds):
            self.listener(Progress("build", step.table, done, len(plan.builds)))
            begun = time.monotonic()
            if step.how == "remove":
                self.warehouse.remove(step.table)
                self.builds.append(BuildResult(step.table, "remove", 0, 0.0, ()))
                continue
            filled_ = self.warehouse.fill(self._filling(step, batches), run)
            self._tell(filled_)
            took = round(time.monotonic() - begun, 3)
            self.builds.append(BuildResult(step.table, step.how, filled_.rows, took, filled_.results))

    def _filling(self, step: Build, batches: tuple[Batch, ...]) -> Filling:
        project, table = self.project, self.project.tables[step.table]
        mappings = project.mappings_into(step.table)
        known = self.warehouse.state().tables.get(step.table)
        done = set() if step.how == "rebuild" or known is None else set(known.batches)
        feeds = {mapping.feed for mapping in mappings}
        loads = tuple(
            self._load(mapping, [one for one in batches if one.number not in done], batches) for mapping in mappings
        )
        return Filling(
            table=table,
            loads=loads,
            rebuild=step.how == "rebuild",
            newest_by=next((mapping.newest_by for mapping in mappings if mapping.newest_by), None),
            recipe=step.recipe,
            batches=tuple(batch.number for batch in batches if batch.feed in feeds),
        )

    def _load(self, mapping: Mapping, new: list[Batch], batches: tuple[Batch, ...]) -> Load:
        mine = tuple(batch for batch in new if batch.feed == mapping.feed)
        columns = tuple(dict.fromkeys(column for batch in mine for column in batch.columns))
        source = self.project.sources[mapping.source]
        self._warn_of_nowhere(mapping, batches)
        recipe = compile_mapping(
            mapping,
            self.project.tables[mapping.into],
            columns=columns,
            shop=source.shop or source.name,
            timezone=self.project.timezone,
            lacking=_lacking(mapping, mine),
        )
        mapped = tuple(name for name, one in mapping.fields.items() if self._may_be_unknown(mapping, name))
        return Load(mapping.name, recipe, mine, mapped)

    def _may_be_unknown(self, mapping: Mapping, field: str) -> bool:
        """Whether `unknown:…` may stand in a column: from its own map, or from one that its expression uses."""
        one = mapping.fields[field]
        flagged = [
            name for name, other in mapping.all_fields.items() if other.map is not None and other.unknown == "flag"
        ]
        return one.type == "text" and (field in flagged or (one.sql is not None and bool(flagged)))

    def _warn_of_nowhere(self, mapping: Mapping, batches: tuple[Batch, ...]) -> None:
        there = {same_name(column) for batch in batches if batch.feed == mapping.feed for column in batch.columns}
        if not there:
            return
        for field in mapping.all_fields.values():
            if (
                field.sources
                and not field.optional
                and not any(same_name(one) in there or one in BUILT_IN for one in field.sources)
            ):
                wanted = " / ".join(f"`{one}`" for one in field.sources)
                self.found.append(
                    finding("column-nowhere", field.origin.place("from"), feed=mapping.feed, wanted=wanted)
                )

    def _tell(self, filled_: Filled) -> None:
        mappings = {mapping.name: mapping for mapping in self.project.mappings}
        read = {result.mapping: result.read for result in filled_.results}
        for rejection in filled_.rejections:
            self.found.append(_rejected(mappings[rejection.mapping], rejection, read[rejection.mapping], self.project))
        for unknown in filled_.unknown:
            self.found.append(_unknown(mappings[unknown.mapping], unknown))


def _needed(mapping: Mapping) -> list[str]:
    return [name for name, field in mapping.all_fields.items() if field.sources and not field.optional]


def _lacking(mapping: Mapping, batches: tuple[Batch, ...]) -> dict[str, tuple[int, ...]]:
    """For each field that a mapping needs, the batches that have none of its names."""
    columns = {batch.number: {same_name(column) for column in batch.columns} for batch in batches}
    made = {}
    for name in _needed(mapping):
        wanted = mapping.all_fields[name].sources
        if any(one in BUILT_IN for one in wanted):
            continue
        without = tuple(
            number for number, there in columns.items() if not any(same_name(one) in there for one in wanted)
        )
        if without:
            made[name] = without
    return made


_RULES = {
    "unreadable": ("the row does not fit the columns of the file", "行的列数与表头不符"),
    "missing-column": ("the file lacks the column", "文件缺少这一列"),
    "no-key": ("is part of the key and empty", "是键列，但为空"),
    "unknown-value": ("is not in the map", "不在对照表里"),
    "not-id": ("is a number that lost digits", "是丢了位数的编号"),
    "not-integer": ("is not a whole number", "不是整数"),
    "not-decimal": ("is not an amount with as many decimals as the column has", "不是数字，或小数位数超过列的定义"),
    "not-date": ("is not a date", "不是日期"),
    "not-timestamp": ("is not a time", "不是时间"),
    "not-boolean": ("is neither yes nor no", "不是“是/否”"),
    "not-text": ("cannot be read", "无法读取"),
}


def _rejected(mapping: Mapping, rejection: Rejection, read: int, project: Project) -> Diagnostic:
    reason, reason_zh = _RULES.get(rejection.rule, (rejection.rule, rejection.rule))
    field = mapping.all_fields.get(rejection.field)
    place = field.origin.place() if field else mapping.origin.key("fields")
    rule = next((one for one in mapping.rules if one.because == rejection.rule), None)
    if rule:
        place = rule.origin.place("reject")
    return finding(
        "rows-rejected",
        place,
        count=rejection.count,
        read=read,
        field=rejection.field or mapping.feed,
        reason=reason,
        reason_zh=reason_zh,
        example_label=_example(rejection.value, rejection.field, project.tables[mapping.into].columns),
        part=rejection.part,
        row=rejection.row,
    )


def _example(value: str | None, field: str, columns: dict[str, Column]) -> str | None:
    """The value that was rejected, where it cannot be personal."""
    column = columns.get(field)
    if value is None or column is None or column.pii != "P0":
        return None
    return f"`{value[:40]}`"


def _unknown(mapping: Mapping, unknown: UnknownValues) -> Diagnostic:
    field = mapping.fields[unknown.column]
    examples = ", ".join(f"`{word}` ({count})" for word, count in unknown.values)
    place = field.origin.place("map") if field.map is not None else field.origin.place("sql")
    return finding("unknown-values", place, field=unknown.column, count=len(unknown.values), examples=examples)
