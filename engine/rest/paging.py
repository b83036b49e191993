"""Page after page: flows that say which page to ask for next, and are sent what came back.

A flow knows nothing of networks. It yields `Page`s, is sent `Got`s, and returns when the last page is in. It raises
`TooDeep` where a platform does not go as deep as there are records, so that the window has to be cut.

Reading backwards, from the last page to the first, loses nothing while records leave the window (they are modified,
and belong to a later one): what moves, moves onto pages that were read. Reading forwards, it would slip past.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from engine.rest.template import Scope, Template

_NEXT = re.compile(r"<([^<>]*)>\s*;[^,<]*\brel=\"?next\"?")
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Page:
    """A page to ask for, as templates see it. `is_count` asks for the number of records in the first place."""

    number: int = 0
    size: int = 0
    offset: int = 0
    cursor: Any = None
    key: Any = None
    url: str | None = None
    is_first: bool = False
    is_count: bool = False

    def scope(self) -> dict[str, Any]:
        """What templates may use of it, as `page`."""
        names = ("number", "size", "offset", "cursor", "key", "is_first", "is_count")
        return {"page": {name: getattr(self, name) for name in names}}


@dataclass(frozen=True, slots=True)
class Got:
    """What a page gave: `told` is the answer as expressions see it, `rows` how many records, `key` that of the last."""

    told: Scope
    rows: int
    key: Any = None


class TooDeep(Exception):
    """There is more than the platform lets one read in one go."""


class Growing(TooDeep):
    """The list grows faster than it can be read to its end."""


class Untold(Exception):
    """The platform did not say how many records there are."""


class Short(Exception):
    """The platform gives fewer records in a page than it is asked for: counting in pages would lose the rest."""


class Loop(Exception):
    """The platform sends one to a page where one has been."""


Flow = Generator[Page, Got, None]


@dataclass(frozen=True)
class Paging:
    """How a platform splits an answer into pages, compiled from a `page` block."""

    by: Literal["number", "offset", "cursor", "link", "key", "none"] = "none"
    first: int = 1
    size: int = 0
    more: Template | None = None
    total: Template | None = None
    pages: Template | None = None
    start: Any = None
    next: Template | None = None
    end: Any = None
    field: str | None = None
    backwards: bool = False
    counts: bool = False
    deepest_rows: int | None = None
    deepest_pages: int | None = None
    expressions: tuple[str, ...] = dataclasses.field(default=())

    def flow(self) -> Flow:
        """The pages of one question, one after the other."""
        if self.by == "none":
            return self._single()
        if self.by == "number":
            return self._backwards() if self.backwards else self._numbers()
        flows = {"offset": self._offsets, "cursor": self._cursors, "link": self._links, "key": self._keys}
        return flows[self.by]()

    def _single(self) -> Flow:
        yield Page(is_first=True)

    def _numbers(self) -> Flow:
        number, told_total, empty = self.first, None, 0
        while True:
            done = number - self.first
            if self.deepest_pages is not None and done >= self.deepest_pages:
                raise TooDeep
            got = yield Page(number, self.size, done * self.size, is_first=done == 0)
            told_total = self._count(self.total, got) if told_total is None else told_total
            self._check_depth(told_total)
            self._check_size(got, told_total if done == 0 else None)
            if not self._goes_on(got, done + 1, told_total):
                return
            empty = 0 if got.rows else empty + 1
            if empty > 1:
                raise Loop
            number += 1

    def _backwards(self) -> Flow:
        for _ in range(_REPEATS):
            got = yield Page(self.first, self.size, 0, is_first=True, is_count=True)
            total, count = self._count(self.total, got), self._pages_of(got)
            self._check_depth(total)
            if not self.counts:
                self._check_size(got, total)
            if self.deepest_pages is not None and count > self.deepest_pages:
                raise TooDeep
            if count < 1 or (count == 1 and not self.counts):
                return
            for number in range(self.first + count - 1, self.first - 1, -1):
                got = yield Page(number, self.size, (number - self.first) * self.size, is_first=number == self.first)
            after, again = self._count(self.total, got), self._count(self.pages, got)
            grew = (after or 0) > total if total is not None else (again or 0) > count
            if not grew:
                return
        raise Growing  # a shorter window may not

    def _offsets(self) -> Flow:
        offset, total, empty = 0, None, 0
        while True:
            got = yield Page(offset // max(self.size, 1), self.size, offset, is_first=offset == 0)
            total = self._count(self.total, got) if total is None else total
            self._check_depth(total)
            self._check_size(got, total if offset == 0 else None)
            offset += self.size
            if not self._goes_on(got, offset // max(self.size, 1), total):
                return
            empty = 0 if got.rows else empty + 1
            if empty > 1:
                raise Loop
            if self.deepest_rows is not None and offset >= self.deepest_rows:
                raise TooDeep

    def _cursors(self) -> Flow:
        cursor, seen, rows, total = self.start, set[str](), 0, None
        while True:
            got = yield Page(self.first + len(seen), self.size, rows, cursor, is_first=not seen)
            rows += got.rows
            seen.add(str(cursor))
            total = self._count(self.total, got) if total is None else total
            if total is not None and rows >= total and not self.more:
                return
            cursor = self.next(got.told) if self.next else None
            more = self.more(got.told) if self.more else None
            if cursor in (None, "", False) or cursor == self.end or (self.more and not _truth(more)):
                return
            if str(cursor) in seen:
                raise Loop
            if self.deepest_rows is not None and rows >= self.deepest_rows:
                raise TooDeep

    def _links(self) -> Flow:
        url, seen = None, set[str]()
        while True:
            got = yield Page(size=self.size, url=url, is_first=url is None)
            found = _NEXT.search(str(got.told["headers"].get("link", "")))
            if not found:
                return
            url = found[1]
            if url in seen:
                raise Loop
            seen.add(url)

    def _keys(self) -> Flow:
        key, seen = self.start, set[str]()
        while True:
            got = yield Page(size=self.size, key=key, is_first=not seen)
            seen.add(str(key))
            more = self.more(got.told) if self.more else None
            if got.key is None or got.rows == 0 or not (got.rows >= self.size if more is None else _truth(more)):
                return
            if str(got.key) in seen:
                raise Loop
            key = got.key

    # --- what an answer says ------------------------------------------------------------------------------------

    def _goes_on(self, got: Got, done: int, total: int | None) -> bool:
        """Whether there is another page after `done` of them."""
        more = self.more(got.told) if self.more else None
        if more is not None:
            return _truth(more)
        pages = self._count(self.pages, got)
        if pages is not None:
            return done < pages
        if total is not None:
            return done * self.size < total
        return got.rows >= self.size

    def _pages_of(self, got: Got) -> int:
        pages = self._count(self.pages, got)
        if pages is not None:
            return pages
        total = self._count(self.total, got)
        # Not told how many there are: if the page is full there may be more, and going backwards is impossible.
        if total is None:
            if got.rows >= self.size:
                raise Untold
            return 1
        return math.ceil(total / self.size)

    def _count(self, rule: Template | None, got: Got) -> int | None:
        told = rule(got.told) if rule else None
        return int(told) if told not in (None, "") else None

    def _check_size(self, got: Got, total: int | None) -> None:
        """Refuse a first page that holds less than it was asked for, though there is more: one answer says both."""
        if total is not None and 0 < got.rows < min(self.size, total):
            raise Short

    def _check_depth(self, total: int | None) -> None:
        if total is not None and self.deepest_rows is not None and total > self.deepest_rows:
            raise TooDeep


def _truth(value: Any) -> bool:
    return value.strip().lower() in ("true", "1", "yes", "y") if isinstance(value, str) else bool(value)
