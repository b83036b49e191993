"""Read a table or query into landings: all of it, or what was written since the cursor.

With a cursor, rows come in its order and the cursor is kept after each batch. A run begins at the last value itself, or so
far before it as `overlap` says: rows that have the same value, and were written a moment later, are not lost. Rows
without a value in the cursor column are read in every run, before the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn

from engine.connector import GiveUp, Landing, TryAgain, Workplace, same_name
from engine.database import position, ranges
from engine.database.batch import Chunk, chunks, has_arrow
from engine.database.position import NUMBERED, TIMED, Now
from engine.database.session import Column, Session
from engine.database.settings import Length, Settings, quiet
from engine.database.statement import Select, name_parts, trimmed
from engine.diagnostic import Diagnostic, finding, nearest
from engine.model import Source, Stream

_ATTEMPTS = 4
"""How often in a row a connection may be lost before the reading ends."""

_COLUMNS_SHOWN = 40


@dataclass
class Reading:
    """One stream on its way out of a database. `connect` opens a connection."""

    source: Source
    stream: Stream
    settings: Settings
    place: Workplace
    connect: Callable[[], Session]
    at: str | None = None
    rows: int = 0
    nulls_read: bool = False
    zeros: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = self.place.cursor
        if isinstance(kept, dict) and kept.get("of") == self.settings.digest:
            self.at = kept.get("at")

    def landings(self) -> Iterator[Landing]:
        """All that is to be read now. A lost connection is made again, from where the last stored batch ends."""
        lost, before = 0, self.rows
        resumed = False
        while True:
            try:
                yield from self._attempt(resumed)
                break
            except TryAgain as failure:
                # Only with a cursor does what was stored count as progress: without one all is read again.
                moved_on = self.settings.cursor is not None and self.rows > before
                lost, before, resumed = 1 if moved_on else lost + 1, self.rows, True
                if lost >= _ATTEMPTS:
                    raise GiveUp(self._found("connection-lost", reason=failure.why, rows=self.rows)) from None
                self.place.client.sleep(failure.after or 2.0**lost)
        if self.zeros:
            count, columns = sum(self.zeros.values()), ", ".join(f"`{name}`" for name in self.zeros)
            told = self._found("zero-dates", count=count, columns=columns)
            yield Landing(None, diagnostics=(told,), cursor=self._cursor())

    def _attempt(self, resumed: bool) -> Iterator[Landing]:
        with closing(self.connect()) as session:
            relation = self._relation(session)
            columns = self._columns(session, relation)
            listed = self._listed(columns)
            base = Select(relation, (f"({self.settings.where}\n)",) if self.settings.where else ())
            key = tuple(self._column(name, columns, "key", index) for index, name in enumerate(self.settings.key))
            if self.settings.cursor:
                cursor = self._column(self.settings.cursor, columns, "cursor")
                yield from self._increment(session, base, listed, cursor, key, resumed)
            else:
                yield from self._snapshot(session, base, listed, key)

    # --- everything ---------------------------------------------------------------------------------------------

    def _snapshot(
        self, session: Session, base: Select, listed: Sequence[Column], key: tuple[Column, ...]
    ) -> Iterator[Landing]:
        select = replace(base, order=tuple(_given(session, one) for one in key))
        for chunk in self._chunks(session, select, listed, key[0] if key else None, ordered_by=None):
            yield from self._landed(chunk)

    # --- what is new --------------------------------------------------------------------------------------------

    def _increment(
        self,
        session: Session,
        base: Select,
        listed: Sequence[Column],
        cursor: Column,
        key: tuple[Column, ...],
        resumed: bool,
    ) -> Iterator[Landing]:
        cursor = replace(cursor, kind=session.kind_of(base, cursor))
        if cursor.kind == "other":
            self._refuse("cursor-kind", "cursor", column=cursor.name, type=cursor.type)
        now = session.now(self.settings.timezone)
        given, by_key = _given(session, cursor), tuple(_given(session, one) for one in key)
        wanted = listed if cursor.name in {one.name for one in listed} else (*listed, cursor)
        bounds = tuple(self._bounds(session, base, cursor, now, resumed))
        if not self.nulls_read:
            without = replace(base, conditions=(*base.conditions, f"{given} IS NULL"), order=by_key)
            for chunk in self._chunks(session, without, wanted, None, ordered_by=None):
                yield from self._landed(chunk)
            self.nulls_read = True
        select = replace(base, conditions=(*base.conditions, *bounds), order=(given, *by_key))
        for chunk in self._chunks(session, select, wanted, cursor, ordered_by=cursor):
            # Where nothing of a batch says how far it came, as with zero dates, the cursor stays where it is.
            self.at = (chunk.last and position.reached(cursor.kind, chunk.last, now)) or self.at
            yield from self._landed(chunk)

    def _bounds(self, session: Session, base: Select, cursor: Column, now: Now, resumed: bool) -> Iterator[str]:
        """The conditions that say between which values is to be read."""
        given, lowest = _given(session, cursor), self.at
        if lowest is not None and self.settings.overlap and not resumed:
            lowest = self._moved(cursor, lowest, self.settings.overlap, "overlap")
        if lowest is None:
            lowest = self._beginning(session, base, cursor)
        yield f"{given} >= {session.literal(cursor, lowest)}" if lowest is not None else f"{given} IS NOT NULL"
        if self.settings.lag:
            highest = self._ceiling(session, base, cursor, now)
            if highest is not None:
                yield f"{given} <= {session.literal(cursor, highest)}"

    def _beginning(self, session: Session, base: Select, cursor: Column) -> str | None:
        """Where a history begins: at the source's `since`, where the cursor holds times."""
        since = self.source.since
        if since is None or cursor.kind in NUMBERED:
            return None
        if cursor.kind == "instant":  # whose midnight is meant is not known here: no zone is further ahead of UTC
            return position.moved(since, Length(14 * 3600, timed=True))
        highest = session.row(base.text(session.edges(cursor)))[1] if cursor.kind == "text" else since
        return since if highest is not None and position.moment(highest) else None

    def _ceiling(self, session: Session, base: Select, cursor: Column, now: Now) -> str | None:
        """Where a run ends with a `lag`: so far before now, or before the highest number."""
        if cursor.kind in TIMED and self.settings.lag.timed:
            return position.ceiling(cursor.kind, now, self.settings.lag)
        _, highest = session.row(base.text(session.edges(cursor)))
        if highest is None:
            return None
        latest = position.moment(highest)
        if latest is not None and self.settings.lag.timed:
            present = now.wall if latest.tzinfo is None else now.utc.astimezone(latest.tzinfo)
            highest = position.like(highest, present)
        return self._moved(cursor, highest, self.settings.lag, "lag")

    def _moved(self, cursor: Column, text: str, length: Length, setting: str) -> str:
        fits = length.timed == (cursor.kind not in NUMBERED)
        found = position.moved(text, length) if fits else None
        if found is None:
            self._refuse("length-kind", setting, column=cursor.name, setting=setting, type=cursor.type or cursor.kind)
        return found

    # --- rows ---------------------------------------------------------------------------------------------------

    def _chunks(
        self,
        session: Session,
        select: Select,
        listed: Sequence[Column],
        split: Column | None,
        ordered_by: Column | None,
    ) -> Iterator[Chunk]:
        """The rows of a statement in batches; over several connections where that is wanted and a column to split by is given."""
        names = [one.name for one in listed]
        at = names.index(ordered_by.name) if ordered_by else None
        size, scratch = self.settings.chunk, self.place.scratch
        parts = self._split(session, select, split) if split and self.settings.parallel > 1 else []
        if not parts:
            yield from chunks(session.batches(select, listed), names, at, size, scratch)
            self._count_zeros(session)
            return
        if has_arrow():
            reads = [partial(self._apart, part, listed, at) for part in parts]
            yield from ranges.together(reads, self.settings.parallel)
        else:  # without files to wait in, what is read ahead would wait in memory
            for part in parts:
                yield from chunks(session.batches(part, listed), names, at, size, scratch)

    def _apart(self, select: Select, listed: Sequence[Column], at: int | None) -> Iterator[Chunk]:
        """The rows of a range, over a connection of its own."""
        with closing(self.connect()) as session:
            names = [one.name for one in listed]
            yield from chunks(session.batches(select, listed), names, at, self.settings.chunk, self.place.scratch)
            self._count_zeros(session)

    def _split(self, session: Session, select: Select, column: Column) -> list[Select]:
        """The statement in ranges of a column; none where there is nothing to split."""
        column = replace(column, kind=session.kind_of(select, column))
        if column.kind not in (*TIMED, "integer"):
            self._refuse("no-split", "parallel", column=column.name, type=column.type or column.kind)
        given = _given(session, column)
        lowest, highest = session.row(replace(select, order=()).text(session.edges(column)))
        if lowest is None or highest is None:
            return []
        found = position.bounds(column.kind, lowest, highest, self.settings.parallel * ranges.PER_CONNECTION)
        bounds = [session.literal(column, bound) for bound in found]
        apart = ranges.conditions(given, bounds, with_null=self.settings.cursor is None)
        return [replace(select, conditions=(*select.conditions, one)) for one in apart]

    def _landed(self, chunk: Chunk) -> Iterator[Landing]:
        """The landing of a batch; its file goes once the batch has been stored."""
        first = self.rows + 1
        self.rows += chunk.rows
        try:
            yield chunk.landing(first, self._cursor())
        finally:
            chunk.discard()

    def _cursor(self) -> dict[str, Any]:
        """Where the stream stands. What has no cursor column keeps one too, so that each batch is stored at once."""
        return {"of": self.settings.digest, "at": self.at}

    def _count_zeros(self, session: Session) -> None:
        for name, count in session.zeros.items():
            self.zeros[name] = self.zeros.get(name, 0) + count
        session.zeros.clear()

    # --- what is there ------------------------------------------------------------------------------------------

    def _relation(self, session: Session) -> str:
        if self.settings.query is not None:
            return f"({trimmed(self.settings.query)}\n)"
        return ".".join(map(session.quote, name_parts(self.settings.table or "")))

    def _columns(self, session: Session, relation: str) -> tuple[Column, ...]:
        try:
            return session.columns(Select(relation))
        except GiveUp as given_up:
            if self.settings.table is None or given_up.diagnostics[0].code != "no-such-relation":
                raise
            known = session.tables()
            near = nearest(self.settings.table, known) or _unqualified(self.settings.table, known)
            self._refuse("no-such-table", "table", table=self.settings.table, near=near)

    def _listed(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """The columns to read; each name has to mean one of them only."""
        wanted = self.settings.columns
        listed = tuple(self._column(name, columns, "columns", index) for index, name in enumerate(wanted)) or columns
        names = [same_name(one.name) for one in listed]
        twin = next((one.name for one, name in zip(listed, names, strict=True) if names.count(name) > 1), None)
        if twin:
            self._refuse("twin-columns", "query" if self.settings.query else "columns", column=twin)
        return listed

    def _column(self, name: str, columns: tuple[Column, ...], *setting: str | int) -> Column:
        """The column of that name; the same letters in another case will do where only one has them."""
        exact = [one for one in columns if one.name == name]
        loose = [one for one in columns if one.name.casefold() == name.casefold()]
        if exact or len(loose) == 1:
            return (exact or loose)[0]
        known = [one.name for one in columns]
        shown, near = ", ".join(known[:_COLUMNS_SHOWN]), nearest(name, known)
        raise GiveUp(self._found("no-such-column", *setting, column=name, near=near, columns=shown))

    def _found(self, code: str, *setting: str | int, **facts: object) -> Diagnostic:
        feed = f"{self.source.name}.{self.stream.name}"
        return finding(code, quiet(self.stream.origin.place(*setting), self.source), feed=feed, **facts)

    def _refuse(self, code: str, *setting: str | int, **facts: object) -> NoReturn:
        raise GiveUp(self._found(code, *setting, **facts))


def _given(session: Session, column: Column) -> str:
    return f"t.{session.quote(column.name)}"


def _unqualified(table: str, known: Sequence[str]) -> str | None:
    """The one table of another schema that has this name."""
    found = [name for name in known if name.rpartition(".")[2].casefold() == name_parts(table)[-1].casefold()]
    return found[0] if len(found) == 1 else None
