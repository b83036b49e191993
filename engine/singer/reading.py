"""Read one stream: what the tap writes becomes landings, each with the state that covers its records and no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.connector import Effort, GiveUp, Landing, Workplace
from engine.diagnostic import Diagnostic, Place, finding
from engine.secret import mask
from engine.singer.batch import NotTaken, batch_lines
from engine.singer.message import Message, NotAMessage, members, message, value
from engine.singer.settings import Settings
from engine.singer.spool import Spool
from engine.singer.tap import Tap

_SHOWN = 200
_TOLD = 1000
"""Progress is told every so many records."""


class Reading:
    """Takes the messages of a running tap, in their order.

    A STATE speaks for the records before it. So a landing may carry the last one that came before its end: the
    records that it covers stand in this landing or in earlier ones.
    """

    def __init__(self, settings: Settings, place: Workplace, tap: Tap, names: set[str]) -> None:
        self.settings, self.place, self.tap, self.names = settings, place, tap, names
        self.spool = Spool(place.scratch)
        self.begun = {} if settings.replication == "full" else place.cursor
        self.state: Any = self.begun or {}
        self.properties: dict[str, Any] | None = None
        self.others: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.versions = 0
        self.number = 0

    def landings(self) -> Iterator[Landing]:
        """The tap's records. Raises `GiveUp` where it fails; what it wrote before has been landed then."""
        try:
            for line in self.tap.lines():
                self.number += 1
                if line.strip():
                    yield from self._take(line)
            self.tap.finish(self.spool.total)
        except GiveUp:
            yield from self._land(self._notes())
            raise
        finally:
            self.spool.close()
        yield from self._land(self._notes())

    def _take(self, line: bytes) -> Iterator[Landing]:
        try:
            taken = message(line)
            kind = taken.type.upper()
            if kind == "RECORD" and self._is_ours(taken):
                self.spool.add(bytes(taken.record), taken)
                if not self.spool.rows % _TOLD:
                    self.place.report(Effort(rows=self.spool.total))
                if self.spool.is_full:
                    yield from self._land()
            elif kind == "BATCH" and self._is_ours(taken):
                yield from self._take_batch(taken)
            elif kind == "STATE":
                yield from self._take_state(taken)
            else:
                self._note(kind, taken)
        except NotAMessage as failure:
            raise self._not_a_message(line, str(failure)) from None

    def _is_ours(self, taken: Message) -> bool:
        """Whether records are of the stream that is read. Raises `GiveUp` where its schema has not come yet."""
        if taken.stream not in self.names:
            self.others[str(taken.stream)] += 1
            return False
        if self.properties is None:
            raise GiveUp(self.tap.finding("tap-no-schema", line=self.number))
        return True

    def _take_batch(self, taken: Message) -> Iterator[Landing]:
        try:
            for record in batch_lines(taken, self.place):
                self.spool.add(record, taken)
                if self.spool.is_full:
                    yield from self._land()
        except NotTaken as refused:
            facts = {"file": refused.file, "reason": refused.reason, "reason_zh": refused.reason_zh}
            raise GiveUp(self.tap.finding("tap-batch-refused", **facts)) from None

    def _take_state(self, taken: Message) -> Iterator[Landing]:
        if self.settings.replication != "full":
            told = value(taken.value)
            self.state = self.state if told is None else told
        if self.spool.is_old:
            yield from self._land()

    def _note(self, kind: str, taken: Message) -> None:
        """Take the messages that give no records."""
        if kind == "SCHEMA":
            if taken.stream in self.names:
                schema = members(taken.schema)
                self.properties = dict(members(schema["properties"])) if "properties" in schema else {}
        elif kind == "ACTIVATE_VERSION":
            self.versions += taken.stream in self.names
        elif kind not in ("RECORD", "BATCH"):
            self.unknown[kind] += 1

    def _land(self, diagnostics: tuple[Diagnostic, ...] = ()) -> Iterator[Landing]:
        """What is there, as a landing; without records, where the stream now stands and what there is to tell."""
        if self.spool.rows:
            yield self.spool.landing(self.properties or (), self.state, diagnostics)
            self.spool.stored()
        elif diagnostics or self.state != (self.begun or {}):
            yield Landing(None, diagnostics=diagnostics, cursor=self.state)
        self.begun = self.state

    def _notes(self) -> tuple[Diagnostic, ...]:
        """What the tap wrote besides the records of the stream."""
        found = []
        if self.others:
            said = ", ".join(f"`{name}` ({count})" for name, count in sorted(self.others.items()))
            found.append(self.tap.finding("tap-other-streams", count=self.others.total(), names=said))
        if self.versions:
            found.append(self.tap.finding("tap-versions", count=self.versions))
        if self.unknown:
            said = ", ".join(f"`{kind}` ({count})" for kind, count in sorted(self.unknown.items()))
            found.append(self.tap.finding("tap-other-messages", kinds=said))
        return tuple(found)

    def _not_a_message(self, line: bytes, reason: str) -> GiveUp:
        """What to raise for a line that is none; for the last words of a tap that died, how it died."""
        if self.tap.was_cut:
            try:
                self.tap.finish(self.spool.total)
            except GiveUp as failure:
                return failure
        shown = mask(line.decode("utf-8", "replace"))[:_SHOWN]
        place = Place(f"{self.settings.tap} ({self.settings.id})", self.number, 1, min(len(shown), 40), shown)
        facts = {"tap": self.settings.tap, "line": self.number, "reason": mask(reason)}
        return GiveUp(finding("tap-not-a-message", place, **facts))
