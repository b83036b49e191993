"""Read one stream: windows, shops and pages in parallel, records streamed into files, the cursor with each of them.

Workers ask and cut out records; whoever called `read` writes them down and hands over a batch as soon as it is large.
A window counts as read when its last page stands in a batch, not before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, BinaryIO, Literal
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from engine.connector import Effort, GiveUp, JsonLines, Landing, Request, Workplace
from engine.diagnostic import Diagnostic, finding
from engine.rest.account import Account
from engine.rest.answer import Answer, Keys, NotJson, Reader, Records, records, short, values
from engine.rest.definition import Definition, Listing
from engine.rest.exchange import Cost, Exchange, Skip, UsedUp
from engine.rest.paging import Flow, Got, Growing, Loop, Page, Paging, Short, TooDeep, Untold
from engine.rest.request import Call
from engine.rest.template import Scope, Wrong
from engine.rest.window import Span, joined

BATCH = 32 << 20
"""Bytes of records that make a batch."""
OFTEN = 15.0
"""Seconds after which what was read is handed over though it is little, so that a kill costs no more than that."""
_SLACK, _TOO_FAR = 30.0, 120.0
"""Seconds by which clocks may differ without harm, since windows lag behind; and from which on people are told."""
WAITING = 128
"""Pages that may wait to be written down."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work for one worker: a window of an account, or all of a stream that has no windows."""

    account: Account
    span: Span | None


@dataclass(frozen=True, slots=True)
class _Said:
    """A word of a worker: records it cut out, or how its job ended."""

    job: Job
    kind: Literal["records", "done", "failed"]
    records: Records | None = None
    failure: BaseException | None = None


@dataclass
class Cursor:
    """Where a stream stands, by shop: the spans that were read, or when it was read as a whole."""

    value: dict[str, dict[str, Any]]
    sign: str

    def done(self, job: Job, now: int, until: int) -> None:
        """Note a job whose records all stand in batches; what lies behind `until` has not happened yet on the platform."""
        known = self.value.get(job.account.shop) or {}
        known = known if known.get("of") == self.sign else {}
        if job.span is None:
            self.value[job.account.shop] = {"of": self.sign, "at": now}
            return
        start, end = job.span[0], min(job.span[1], until)
        covered = joined([*((a, b) for a, b in known.get("covered", ())), *([(start, end)] if end > start else [])])
        self.value[job.account.shop] = {"of": self.sign, "covered": [list(span) for span in covered]}


@dataclass
class Reading:
    """One stream on its way into files."""

    definition: Definition
    place: Workplace
    cursor: Cursor
    cost: Cost
    at_once: int
    declared: tuple[str, ...]
    started: int
    said: Queue[_Said] = field(default_factory=lambda: Queue(WAITING))
    made: Queue[Landing | BaseException | None] = field(default_factory=lambda: Queue(1))
    exchanges: list[Exchange] = field(default_factory=list)
    failed: list[Diagnostic] = field(default_factory=list)
    noted: list[Diagnostic] = field(default_factory=list)
    barred: set[str] = field(default_factory=set)
    keys: Keys = field(default_factory=Keys)

    def landings(self, jobs: Iterable[Job], total: int) -> Iterator[Landing]:
        """Do the jobs; a landing whenever enough records came together. Raises `GiveUp` at the end where some failed.

        Records are written into the next file while the last one is stored.
        """
        writer = threading.Thread(target=self._write, args=(iter(jobs), total), daemon=True)
        writer.start()
        try:
            while (made := self.made.get()) is not None:
                if isinstance(made, BaseException):
                    raise made
                yield made
                if isinstance(made.records, JsonLines):  # stored by now
                    made.records.path.unlink(missing_ok=True)
        finally:
            self.stop.set()
            writer.join()
        if self.failed:
            raise GiveUp(*self.failed)

    def _write(self, jobs: Iterator[Job], total: int) -> None:
        """Have workers do the jobs, and write down what they say, until all is in landings."""
        pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="rest")
        batch = _Batch(self.place.scratch, self.declared)
        try:
            self._gather(jobs, total, pool, batch)
            self._hand_over(None)
        except BaseException as failure:
            self._hand_over(failure)
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            batch.close()

    def _gather(self, jobs: Iterator[Job], total: int, pool: ThreadPoolExecutor, batch: _Batch) -> None:
        under_way = done = 0
        while not self.stop.is_set():
            while under_way < self.at_once and (job := self._next(jobs)):
                pool.submit(self._work, job)
                under_way += 1
            if not under_way:
                break
            said = self._heard()
            if said is None:
                return
            if said.kind == "records" and said.records is not None:
                batch.add(said.records)
            else:
                under_way -= 1
                done += said.kind == "done"
                self._ended(said, batch)
            self.place.report(self._effort(batch, done, total))
            if batch.size >= BATCH or (batch.finished and time.monotonic() - batch.begun >= OFTEN):
                self._hand_over(batch.landing(self.cursor, self.started, self._until(), ()))
        notes = (*self.noted, *self._skipped(), *self._clock_off())
        if batch.rows or batch.finished or notes:
            self._hand_over(batch.landing(self.cursor, self.started, self._until(), notes))

    def _heard(self) -> _Said | None:
        """The next word of a worker; None where all were told to stop."""
        while not self.stop.is_set():
            try:
                return self.said.get(timeout=0.5)
            except Empty:
                continue
        return None

    def _hand_over(self, made: Landing | BaseException | None) -> None:
        """Give a landing, the end, or what went wrong to whoever stores; nobody waits who was told to stop."""
        while not self.stop.is_set():
            try:
                self.made.put(made, timeout=0.5)
                return
            except Full:
                continue

    def _next(self, waiting: Iterator[Job]) -> Job | None:
        return next((job for job in waiting if job.account.shop not in self.barred), None)

    def _ended(self, said: _Said, batch: _Batch) -> None:
        if said.failure is None:
            batch.finished.append(said.job)
            return
        self.barred.add(said.job.account.shop)
        if isinstance(said.failure, UsedUp):
            name = said.job.account.exchange.name
            place = said.job.account.exchange.place
            note = finding("quota-used-up", place, name=name, said=said.failure.said, until=said.failure.until)
            self.noted += [] if any(one.facts["name"] == name for one in self.noted) else [note]
        elif isinstance(said.failure, GiveUp):
            self.failed += [one for one in said.failure.diagnostics if one not in self.failed]
        else:
            raise said.failure

    def _effort(self, batch: _Batch, done: int, total: int) -> Effort:
        return Effort(self.cost.requests, round(self.cost.waited, 1), batch.all_rows, done / total if total else None)

    def _until(self) -> int:
        """Up to when windows count as read: the lag behind now, by whichever clock is behind the other."""
        lag = self.definition.window.lag if self.definition.window else 0
        behind = min(0.0, self.cost.skew) if abs(self.cost.skew) > _SLACK else 0.0
        return int(self.started + behind) - lag

    def _clock_off(self) -> tuple[Diagnostic, ...]:
        if abs(self.cost.skew) < _TOO_FAR:
            return ()
        seconds = round(self.cost.skew)
        return (finding("clock-off", None, name=self.definition.stream, seconds=abs(seconds)),)

    def _skipped(self) -> tuple[Diagnostic, ...]:
        if not self.cost.skipped:
            return ()
        return (finding("records-skipped", None, name=self.definition.stream, count=self.cost.skipped),)

    @property
    def stop(self) -> threading.Event:
        """Set when nobody wants to know any more."""
        return self.place.stop

    # --- workers ------------------------------------------------------------------------------------------------

    def _work(self, job: Job) -> None:
        try:
            for found in _Job(self.definition, job.account, self.keys).records(job.span):
                self._say(_Said(job, "records", found))
            self._say(_Said(job, "done"))
        except BaseException as failure:
            self._say(_Said(job, "failed", failure=failure))

    def _say(self, said: _Said) -> None:
        while True:
            if self.stop.is_set():
                raise GiveUp
            try:
                self.said.put(said, timeout=0.5)
                return
            except Full:
                continue


class _Job:
    """The questions of one job, one after the other."""

    def __init__(self, definition: Definition, account: Account, keys: Keys) -> None:
        self.definition, self.account, self.keys = definition, account, keys
        self.zone = ZoneInfo(definition.manners.zone)

    def records(self, span: Span | None) -> Iterator[Records]:
        """The records of a window; cut in two where the platform does not go as deep."""
        try:
            for values_ in self.definition.for_each:
                yield from self._window({**self.account.scope, **values_, **self._times(span)})
        except Growing:
            # All of it was read, again and again. A window is cut in two; what has none is soon read as a whole once more.
            if span is not None and span[1] - span[0] > 1:
                yield from self._halves(span)
        except TooDeep:
            if span is None or span[1] - span[0] <= 1:
                raise self._given_up("too-many-in-a-second") from None
            yield from self._halves(span)
        except Loop:
            raise self._given_up("page-loop") from None
        except Untold:
            raise self._given_up("total-untold") from None
        except Short:
            raise self._given_up("page-smaller") from None
        except Wrong as failure:
            raise self._given_up("cannot-ask", reason=str(failure)) from None

    def _halves(self, span: Span) -> Iterator[Records]:
        middle = (span[0] + span[1]) // 2
        yield from self.records((span[0], middle))
        yield from self.records((middle, span[1]))

    def _times(self, span: Span | None) -> dict[str, Any]:
        if span is None or self.definition.window is None:
            return {}
        wide = self.definition.window.widen
        start, end = (datetime.fromtimestamp(at, self.zone) for at in (span[0] - wide, span[1] + wide))
        return {"window": {"start": start, "end": end}}

    def _window(self, scope: Scope) -> Iterator[Records]:
        listing = self.definition.listing
        if listing is None:
            yield from self._pages(self.definition.call, self.definition.count, self.definition.paging, scope)
            return
        for answer, _ in self._listed(listing, scope):
            found = values(answer.listed)
            for at in range(0, len(found), listing.batch):
                some = found[at : at + listing.batch]
                ids = [_inside(one, listing.id) for one in some]
                if None in ids:
                    raise self._given_up("no-id", path=".".join(listing.id) or ".")
                below = {**scope, "ids": ids, "id": ids[0], "parent": some[0]}
                yield from self._pages(self.definition.call, self.definition.count, self.definition.paging, below)

    def _listed(self, listing: Listing, scope: Scope) -> Iterator[tuple[Answer, Records | None]]:
        try:
            yield from self._answers(listing.call, listing.count, listing.paging, listing.reader, scope)
        except Skip as skipped:
            raise self._given_up("refused", said=str(skipped)) from None

    def _pages(self, call: Call, count: Call | None, paging: Paging, scope: Scope) -> Iterator[Records]:
        seen = 0
        try:
            for _, found in self._answers(call, count, paging, self.definition.reader, scope):
                seen += 1
                if found is not None and found.count:
                    yield found
        except Skip as skipped:
            if seen:  # pages behind it would be lost, and nobody could tell which
                raise self._given_up("refused", said=str(skipped)) from None
            self.account.exchange.cost.count(skipped=len(scope.get("ids") or [None]))

    def _answers(
        self, call: Call, count: Call | None, paging: Paging, reader: Reader, scope: Scope
    ) -> Iterator[tuple[Answer, Records | None]]:
        """Answer after answer, with the records in it where they are those of the stream."""
        flow = paging.flow()
        page: Page | None = next(flow)
        while page is not None:
            asked = {**scope, **page.scope()}
            chosen = count if count is not None and page.is_count else call
            answer = self.account.exchange.ask(_at(chosen, page), asked, reader)
            found, got = self._got(answer, asked, page, paging, reader)
            self._must_hold_records(answer, page, paging, got)
            if not page.is_count:
                yield answer, found
            following = _sent(flow, got)
            if page.is_count and following is None:  # the page that told how many there are was the only one
                yield answer, found
            page = following

    def _must_hold_records(self, answer: Answer, page: Page, paging: Paging, got: Got) -> None:
        """Refuse an answer that has no place for records, or says that there are some and shows none."""
        told = str((paging.total(got.told) if paging.total else None) or 0)
        if not answer.is_there or (got.rows == 0 and page.is_first and told.isdecimal() and int(told)):
            raise self._given_up("no-records-there", said=short(answer))

    def _got(
        self, answer: Answer, asked: Scope, page: Page, paging: Paging, reader: Reader
    ) -> tuple[Records | None, Got]:
        told = {**answer.scope(), **page.scope()}
        if reader is not self.definition.reader:
            listed = values(answer.listed)
            where = tuple(paging.field.split(".")) if paging.field and listed else ()
            return None, Got(told, len(listed), _inside(listed[-1], where) if where else None)
        definition = self.definition
        columns = definition.columns(asked) if definition.columns else ()
        more = {name: one({**asked, **answer.scope(whole=True)}) for name, one in definition.add.items()}
        if self.account.shop:
            more["_shop"] = self.account.shop
        columns = columns.split(",") if isinstance(columns, str) else columns
        try:
            found = records(answer.listed, self.keys, tuple(columns), more)
        except NotJson as failure:
            raise self._given_up("not-records", reason=str(failure)) from None
        path = tuple(paging.field.split(".")) if paging.field and found.count else ()
        return found, Got(told, found.count, _inside(values(found.last)[0], path) if path else None)

    def _given_up(self, code: str, **facts: Any) -> GiveUp:
        return GiveUp(finding(code, self.account.exchange.place, name=self.account.exchange.name, **facts))


def _sent(flow: Flow, got: Got) -> Page | None:
    """The next page of a flow; None where it ends."""
    try:
        return flow.send(got)
    except StopIteration:
        return None


def _at(call: Call, page: Page) -> Any:
    """The call itself, or the same to the URL that the platform gave for the next page."""
    return call if page.url is None else _Linked(call, page.url)


@dataclass(frozen=True)
class _Linked:
    """A call whose URL and query a platform gave; it goes nowhere but to the host of the first one."""

    call: Call
    url: str

    def build(self, scope: Scope) -> tuple[Request, Any]:
        request, signature = self.call.build(scope)
        url = urljoin(request.url, self.url)
        if _origin(request.url) != _origin(url):
            raise Wrong("the next page is said to be on another host")
        return Request(request.method, url, (), request.headers, request.body), signature


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL, however they are written."""
    split = urlsplit(url)
    return split.scheme, split.hostname or "", split.port or {"http": 80, "https": 443}.get(split.scheme, 0)


def _inside(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


class _Batch:
    """Records on their way into one file."""

    def __init__(self, folder: Path, declared: tuple[str, ...]) -> None:
        self._folder, self._declared = folder, declared
        self._number = 0
        self._file: BinaryIO | None = None
        self._keys: dict[str, None] = dict.fromkeys(declared)
        self.size = self.rows = self.all_rows = 0
        self.begun = time.monotonic()
        self.finished: list[Job] = []

    def add(self, found: Records) -> None:
        """Write records down."""
        if self._file is None:
            self._number += 1
            self._file = self._path.open("wb", buffering=1 << 20)
        self._file.write(found.lines)
        self.size += len(found.lines)
        self.rows += found.count
        self.all_rows += found.count
        self._keys |= dict.fromkeys(sorted(found.keys - self._keys.keys()))

    def landing(self, cursor: Cursor, now: int, until: int, notes: tuple[Diagnostic, ...]) -> Landing:
        """What was written so far, with where the stream then stands; the next records go into another file."""
        self.close()
        for job in self.finished:
            cursor.done(job, now, until)
        told = [list(job.span) for job in self.finished if job.span]
        lines = JsonLines(self._path, tuple(self._keys)) if self.rows else None
        detail = {"windows": [list(span) for span in joined((a, b) for a, b in told)]}
        stands = {shop: dict(value) for shop, value in cursor.value.items()}
        self.size, self.rows, self.finished, self.begun = 0, 0, [], time.monotonic()
        self._keys = dict.fromkeys(self._declared)
        return Landing(lines, detail=detail, diagnostics=notes, cursor=stands)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._number}.jsonl"
