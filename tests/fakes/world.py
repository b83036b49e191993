"""What all simulated platforms share: a clock, a shop whose records change while they are read, and small helpers.

A platform is a pure function of its world: it takes an `engine.connector.Request` and gives a `Response`, with the
platform's own bodies for what is wrong. It checks signature, parameters, windows, paging and rates as strictly as the
platform says it does. No platform of this folder imports anything of `engine` but the two dataclasses.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.connector import Request, Response

Record = dict[str, Any]


@dataclass
class Clock:
    """A clock that moves when it is told to: seconds since 1970-01-01 UTC."""

    time: float = 1_791_158_400.0  # 2026-10-05 00:00:00 UTC

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


@dataclass
class World:
    """The records of one shop, by kind and id. Every record has `id`, `created` and `modified` (unix seconds).

    `churn` 3 means: with every third request one record is modified, or a new one comes into being, right then.
    `changes` bounds how often, so that reading comes to an end.
    """

    clock: Clock = field(default_factory=Clock)
    seed: int = 1
    churn: int = 0
    changes: int = 20
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    makers: dict[str, Callable[[random.Random, int], Record]] = field(default_factory=dict)
    requests: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._changed = 0

    def fill(
        self, kind: str, make: Callable[[random.Random, int], Record], count: int, since: float, until: float
    ) -> None:
        """Make `count` records of a kind, created at random between two times and modified after; several share a time."""
        self.makers[kind] = make
        there = self.records.setdefault(kind, {})
        for _ in range(count):
            created = float(int(self.random.uniform(since, until)))
            modified = float(int(self.random.uniform(created, until)))
            if self.random.random() < 0.2 and there:  # equal times, as batch jobs of platforms leave behind
                modified = max(created, self.random.choice(list(there.values()))["modified"])
            self._add(kind, created, modified)

    def add(self, kind: str, at: float | None = None) -> Record:
        """A new record, now or at a time."""
        now = float(int(self.clock.now() if at is None else at))
        return self._add(kind, now, now)

    def touch(self, kind: str, key: str) -> Record:
        """Modify a record now: its `version` counts up."""
        record = self.records[kind][key]
        record["modified"] = float(int(self.clock.now()))
        record["version"] = record.get("version", 1) + 1
        return record

    def tick(self) -> None:
        """A request came in: perhaps the world changes under its hands."""
        self.requests += 1
        if not self.churn or self.requests % self.churn or self._changed >= self.changes:
            return
        self._changed += 1
        for kind, there in self.records.items():
            if self.random.random() < 0.5 and there:
                self.touch(kind, self.random.choice(sorted(there)))
            else:
                self.add(kind)

    def _add(self, kind: str, created: float, modified: float) -> Record:
        there = self.records.setdefault(kind, {})
        record = {**self.makers[kind](self.random, len(there)), "created": created, "modified": modified, "version": 1}
        there[str(record["id"])] = record
        return record


@dataclass
class Bucket:
    """At most `count` requests in `seconds`; `over` tells how long until the next is let in, 0 where it is now."""

    clock: Clock
    count: int
    seconds: float
    times: list[float] = field(default_factory=list)

    def over(self) -> float:
        now = self.clock.now()
        self.times = [time for time in self.times if time > now - self.seconds]
        if len(self.times) >= self.count:
            return self.times[0] + self.seconds - now
        self.times.append(now)
        return 0.0


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form body."""
    return dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))


def query_of(request: Request) -> dict[str, str]:
    """The parameters in the URL, wherever they were given."""
    return {**dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)), **dict(request.query)}


def path_of(request: Request) -> str:
    return urlsplit(request.url).path


def header_of(request: Request, name: str) -> str | None:
    return next((value for key, value in request.headers if key.lower() == name.lower()), None)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer; `Retry_After="3"` becomes the header `retry-after`."""
    told = tuple((name.lower().replace("_", "-"), value) for name, value in headers.items())
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(status, (("content-type", "application/json; charset=utf-8"), *told), text.encode("utf-8"))
