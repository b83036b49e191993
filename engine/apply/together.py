"""Read parts one after the other, or, where they come from far away, several at once.

Files are read in their order. What a stream with a cursor fetches waits for networks most of the time: those streams
are fetched together, each in a thread of its own, and stored one landing at a time, in the thread of the warehouse.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Queue

from engine.apply.progress import Listener, Progress
from engine.apply.reading import Reading
from engine.connector import GiveUp, Landing
from engine.diagnostic import Diagnostic
from engine.warehouse import Warehouse

AT_ONCE = 8
"""Streams that are fetched at the same time."""
OFTEN = 0.2
"""Seconds between two words about what the reading of one stream costs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reading that ended; `given_up` says why it did so too early."""

    reading: Reading
    given_up: tuple[Diagnostic, ...] = ()


@dataclass
class _Said:
    """A word from a thread to the one that stores: a landing to take, what it has cost, or how the reading ended."""

    reading: Reading
    costs: bool = False
    landing: Landing | None = None
    last: bool = False
    failure: BaseException | None = None


def read_all(
    readings: Sequence[Reading], warehouse: Warehouse, run: int, numbers: Iterator[int], listener: Listener
) -> Iterator[Outcome]:
    """Carry out readings and store what they fetch; an outcome for each, as it ends."""
    near = [one for one in readings if one.step.part.digest]
    far = [one for one in readings if not one.step.part.digest]
    for done, reading in enumerate(near):
        reading.begun = time.monotonic()  # the time in which it waited for its turn is not its own
        listener(Progress("read", reading.step.part.name, done, len(readings)))
        yield _alone(reading, warehouse, run, numbers)
    yield from _Together(far, warehouse, run, numbers, listener, len(near)).outcomes()


def _alone(reading: Reading, warehouse: Warehouse, run: int, numbers: Iterator[int]) -> Outcome:
    try:
        for landing, last in reading.landings():
            if not reading.land(landing, last, warehouse, run, numbers):
                break
    except GiveUp as given_up:
        return Outcome(reading, given_up.diagnostics)
    return Outcome(reading)


class _Together:
    """Readings in threads of their own. A thread goes on once its landing is stored, so little is ever under way."""

    def __init__(
        self,
        readings: Sequence[Reading],
        warehouse: Warehouse,
        run: int,
        numbers: Iterator[int],
        listener: Listener,
        before: int,
    ) -> None:
        self.waiting = list(reversed(readings))
        self.warehouse, self.run, self.numbers = warehouse, run, numbers
        self.listener, self.done, self.total = listener, before, before + len(readings)
        self.said: Queue[_Said] = Queue()
        self.stored: dict[int, Queue[bool]] = {id(one): Queue(1) for one in readings}
        self.under_way: list[Reading] = []
        self.refused: dict[int, tuple[Diagnostic, ...]] = {}

    def outcomes(self) -> Iterator[Outcome]:
        """An outcome for each reading, as it ends."""
        try:
            for _ in range(AT_ONCE):
                self._start_next()
            while self.under_way:
                outcome = self._hear(self.said.get())
                if outcome:
                    self.done += 1
                    self._start_next()
                    yield outcome
        finally:
            for reading in self.under_way:  # something went wrong here: nobody is to go on
                reading.stop.set()
                self.stored[id(reading)].put(False)

    def _start_next(self) -> None:
        if not self.waiting:
            return
        reading = self.waiting.pop()
        self.under_way.append(reading)
        reading.begun = time.monotonic()
        self._tell(reading)
        threading.Thread(target=self._fetch, args=(reading,), daemon=True).start()

    def _fetch(self, reading: Reading) -> None:
        try:
            for landing, last in reading.landings(_now_and_then(lambda: self.said.put(_Said(reading, costs=True)))):
                self.said.put(_Said(reading, landing=landing, last=last))
                if not self.stored[id(reading)].get():
                    break
            self.said.put(_Said(reading))
        except BaseException as failure:
            self.said.put(_Said(reading, failure=failure))

    def _tell(self, reading: Reading, *, ended: bool = False) -> None:
        """Tell the listener, in the thread of the warehouse, how far a reading is."""
        rows = max(reading.rows, reading.effort.rows)
        part, feed, effort = reading.step.part.name, reading.feed, reading.effort
        self.listener(Progress("read", part, self.done, self.total, rows, feed, effort, ended))

    def _hear(self, said: _Said) -> Outcome | None:
        if said.costs:
            self._tell(said.reading)
            return None
        if said.landing is not None:
            try:
                go_on = said.reading.land(said.landing, said.last, self.warehouse, self.run, self.numbers)
            except GiveUp as given_up:  # the warehouse refuses the records: the reading ends, the others go on
                self.refused[id(said.reading)] = given_up.diagnostics
                go_on = False
            self.stored[id(said.reading)].put(go_on)
            self._tell(said.reading)
            return None
        self.under_way.remove(said.reading)
        self._tell(said.reading, ended=True)
        if isinstance(said.failure, GiveUp):
            return Outcome(said.reading, (*self.refused.pop(id(said.reading), ()), *said.failure.diagnostics))
        if said.failure is not None:
            raise said.failure
        return Outcome(said.reading, self.refused.pop(id(said.reading), ()))


def _now_and_then(tell: Callable[[], object]) -> Callable[[], None]:
    """The same, but not more often than anybody can look: a connector may say what it costs after every page."""
    last = float("-inf")

    def told() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= OFTEN:
            last = now
            tell()

    return told
