"""A `Plan` in, a `Run` out: the only place where things happen.

Every batch is stored and recorded on its own, so that a run that stops resumes after the last one. Tables are built
only when all reading went well, and published only when all were built: until then readers see what they saw.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Literal
from zoneinfo import ZoneInfo

from engine.apply.building import build
from engine.apply.progress import Listener, Progress
from engine.apply.reading import Reading
from engine.apply.together import Outcome, read_all
from engine.connector import Client
from engine.diagnostic import Diagnostic, Findings, errors, finding, in_order
from engine.diagnostic.masking import masked
from engine.http import HttpClient
from engine.metric import digest as metric_digests
from engine.model import Build, BuildResult, Found, Plan, Project, ReadResult, Run, State
from engine.plan import plan as make_plan
from engine.secret import Secrets
from engine.survey import survey
from engine.unchanged import note
from engine.warehouse import Warehouse, WarehouseFailed, engine
from engine.warehouse.folder import Folder

__all__ = ["Listener", "Progress", "apply"]


def apply(
    project: Project,
    *,
    rebuild: frozenset[str] = frozenset(),
    lock_timeout: float = 0,
    listener: Listener = lambda _: None,
    client: Client | None = None,
) -> Run:
    """Bring the warehouse to what a checked project declares, and publish it.

    `rebuild` names tables to make anew; `lock_timeout` is how many seconds to wait for another run; `client` sends the
    requests of connectors in place of the engine's own. What went wrong
    stands in the run's `diagnostics` and `exit_status` (3 a source or the warehouse failed, 4 the data is wrong).
    Raises `Findings` where there was nothing to begin with: another run is at work, a variable is not set.
    """
    folder = Folder(project.storage.path)
    with folder.locked(lock_timeout):
        started = datetime.now(ZoneInfo(project.timezone))
        work = _Work(project, rebuild, _masking(listener), started, time.monotonic(), client)
        # What is published tells all there is to know, unless a run died on the way: then the working file knows more.
        idle = None if folder.busy else work.idle(folder)
        if idle:
            return idle
        try:
            with _warehouse(project) as warehouse:
                return work.run(warehouse, folder)
        except WarehouseFailed as failure:
            raise Findings([_told(failure)], status=3) from failure


@contextmanager
def _warehouse(project: Project) -> Iterator[Warehouse]:
    secrets = Secrets(project.root)
    missing = secrets.unset(project.salt, project.origin, "privacy", "salt") if project.salt else ()
    if missing:
        raise Findings(missing, status=3)
    warehouse = engine(project.storage.engine).write(project.storage, secrets.filled({"salt": project.salt})["salt"])
    try:
        yield warehouse
    finally:
        warehouse.close()


def _masking(listener: Listener) -> Listener:
    return lambda progress: listener(masked(progress))


def _told(failure: WarehouseFailed) -> Diagnostic:
    code = "warehouse-full" if failure.full else "raw-lost" if failure.lost else "warehouse-failed"
    return finding(code, reason=str(failure))


def _is_idle(project: Project, step: Build, state: State) -> bool:
    """Whether the streams that a table was to take more from had nothing new to give."""
    known = state.tables.get(step.table)
    if step.how != "extend" or known is None:
        return False
    feeds = {mapping.feed for mapping in project.mappings_into(step.table)}
    return all(batch.number in known.batches for batch in state.batches if batch.feed in feeds)


@dataclass
class _Work:
    """One run: what it was asked for, and what it has done so far."""

    project: Project
    rebuild: frozenset[str]
    listener: Listener
    started: datetime
    clock: float
    client: Client | None = None
    found: list[Diagnostic] = field(default_factory=list)
    reads: list[ReadResult] = field(default_factory=list)
    builds: list[BuildResult] = field(default_factory=list)
    status: int = 0
    surveyed: tuple[State, Found, tuple[Diagnostic, ...]] | None = None

    def idle(self, folder: Folder) -> Run | None:
        """The run that has nothing to do, if that is so."""
        state = folder.recorded()
        parts, warnings = self._survey(state)
        if not make_plan(self.project, state, parts, self.rebuild).is_empty:
            return None
        folder.note(note(self.project))
        return Run(state.serial, "nothing", self._stamp(), self._seconds(), diagnostics=in_order(warnings))

    def run(self, warehouse: Warehouse, folder: Folder) -> Run:
        """Read, build, publish; whatever happens, say what did."""
        state = warehouse.state()
        parts, warnings = self._survey(state)
        self.found += warnings
        plan = make_plan(self.project, state, parts, self.rebuild)
        number = state.serial + 1
        folder.mark_busy()
        try:
            self._read(plan, state, warehouse, folder, number)
            if not self.status:
                self._build(plan, warehouse, number)
                return self._publish(plan, warehouse, folder, number)
        except WarehouseFailed as failure:
            self._failed(failure)
        return self._give_up(plan, warehouse, number)

    def _survey(self, state: State) -> tuple[Found, tuple[Diagnostic, ...]]:
        """What the sources hold; asked once while the state is the same, for it means reading every new file."""
        if self.surveyed is None or self.surveyed[0] != state:
            clock = self.client.now if self.client else time.time
            self.surveyed = (state, *survey(self.project, state, clock))
        return self.surveyed[1:]

    def _read(self, plan: Plan, state: State, warehouse: Warehouse, folder: Folder, run: int) -> None:
        numbers = count(max((batch.number for batch in state.batches), default=0) + 1)
        own = None if self.client else HttpClient()
        client = self.client or own
        assert client is not None
        try:
            readings = [Reading(self.project, step, state, client, folder.kept) for step in plan.reads]
            for outcome in read_all(readings, warehouse, run, numbers, self.listener):
                self._take(outcome)
        finally:
            if own:
                own.close()

    def _take(self, outcome: Outcome) -> None:
        self.found += [*outcome.reading.found, *outcome.given_up]
        if outcome.given_up:
            self.status = 3
        elif errors(outcome.reading.found):
            self.status = self.status or 4
        if outcome.reading.rows or not (outcome.given_up or errors(outcome.reading.found)):
            self.reads.append(outcome.reading.result())

    def _build(self, plan: Plan, warehouse: Warehouse, run: int) -> None:
        state = warehouse.state()
        for done, step in enumerate(plan.builds):
            if _is_idle(self.project, step, state):
                continue
            self.listener(Progress("build", step.table, done, len(plan.builds)))
            result, warnings = build(self.project, step, state, warehouse, run)
            self.builds.append(result)
            self.found += warnings

    def _publish(self, plan: Plan, warehouse: Warehouse, folder: Folder, number: int) -> Run:
        self.listener(Progress("publish", self.project.name, 0, 1))
        warehouse.finish(self._described(plan, number, "done"), metric_digests(self.project))
        published = warehouse.publish(self.project.tables, note(self.project))
        folder.mark_idle()
        return self._described(plan, number, "done", published)

    def _give_up(self, plan: Plan, warehouse: Warehouse, number: int) -> Run:
        """Record the run that failed. Readers see what they saw."""
        try:
            warehouse.finish(self._described(plan, number, "failed"), {})
        except WarehouseFailed as failure:
            self._failed(failure)
        return self._described(plan, number, "failed")

    def _failed(self, failure: WarehouseFailed) -> None:
        self.found.append(_told(failure))
        self.status = 3

    def _described(self, plan: Plan, number: int, status: Literal["done", "failed"], published: int = 0) -> Run:
        # Streams end as they may; they are told in the order of the manifest.
        order = {(step.source, step.stream, step.part.name): at for at, step in enumerate(plan.reads)}
        run = Run(
            number=number,
            status=status,
            started=self._stamp(),
            seconds=self._seconds(),
            reads=tuple(sorted(self.reads, key=lambda read: order[read.source, read.stream, read.part])),
            builds=tuple(self.builds),
            metrics=plan.metrics,
            published=published,
            diagnostics=in_order(self.found),
            exit_status=0 if status == "done" else self.status or 4,
        )
        return masked(run)

    def _stamp(self) -> str:
        return self.started.isoformat(timespec="seconds")

    def _seconds(self) -> float:
        return round(time.monotonic() - self.clock, 3)
