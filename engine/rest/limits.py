"""How fast a platform may be asked: token buckets and how many requests at once, shared by all that ask it.

A limit belongs to an application, an operation, a shop, or any mix of them; streams and shops that share its key share
its bucket. When the platform says that it was too much, the bucket is emptied, and filled more slowly for a while.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from engine.connector import Client

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(?:(\d+(?:\.\d+)?)\s*)?(s|min|h|d)")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
SLOWER, FASTER, SLOWEST = 0.5, 1.05, 0.05
"""After a ban the rate is halved; every request that goes well brings some of it back; it never falls below a twentieth."""


def rate_of(text: str) -> float:
    """Requests per second of a rate such as `10/s`, `100/min`, `1/5s`. Raises ValueError."""
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return float(found[1]) / (float(found[2] or 1) * _SECONDS[found[3]])


@dataclass
class Bucket:
    """A bucket of tokens: holds `burst`, gains `rate` a second; a request takes one and waits where there is none."""

    rate: float
    burst: float
    at_once: int | None = None
    tokens: float = field(init=False)
    filled: float | None = None
    pace: float = 1.0
    closed_until: float = 0.0
    bans: int = 0

    def __post_init__(self) -> None:
        self.tokens = self.burst
        self.lock = threading.Lock()
        self.places = threading.BoundedSemaphore(self.at_once) if self.at_once else None

    def wait(self, now: float) -> float:
        """Take a token; returns how many seconds to wait before using it."""
        with self.lock:
            if self.filled is None:
                self.filled = now
            if now > self.filled:  # while a ban lasts, nothing flows in
                self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate * self.pace)
                self.filled = now
            self.tokens -= 1
            short = max(0.0, -self.tokens / (self.rate * self.pace))
            return max(0.0, self.closed_until - now) + short

    def banned(self, now: float, seconds: float) -> None:
        """The platform refused for so long: nothing goes out until then, and less often afterwards.

        Who waits already has to ask for another token. When the ban ends there is one, the next comes at its pace.
        """
        with self.lock:
            self.closed_until = max(self.closed_until, now + seconds)
            self.filled, self.tokens = self.closed_until, 1.0
            self.bans += 1
            self.pace = max(SLOWEST, self.pace * SLOWER)

    def went_well(self) -> None:
        """A request was answered."""
        with self.lock:
            self.pace = min(1.0, self.pace * FASTER)


class Limits:
    """The buckets of a run, by what they limit."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._lock = threading.Lock()

    def bucket(self, key: tuple[str, ...], rate: float, burst: float, at_once: int | None) -> Bucket:
        """The bucket of a key; made when it is first asked for."""
        with self._lock:
            if key not in self._buckets:
                self._buckets[key] = Bucket(rate, burst, at_once)
            return self._buckets[key]

    @contextmanager
    def turn(self, buckets: Sequence[Bucket]) -> Iterator[float]:
        """Hold a place in every bucket while a request is under way; yields how many seconds it had to wait."""
        with ExitStack() as held:
            for bucket in buckets:
                if bucket.places:
                    held.enter_context(bucket.places)
            yield self._waited(buckets)

    def _waited(self, buckets: Sequence[Bucket]) -> float:
        """Take a token from every bucket and wait until they may be used; a ban meanwhile makes those of its bucket void."""
        waited, bans = 0.0, [-1] * len(buckets)
        while void := [at for at, bucket in enumerate(buckets) if bucket.bans != bans[at]]:
            for at in void:
                bans[at] = buckets[at].bans
            wait = max(buckets[at].wait(self._client.now()) for at in void)
            if wait > 0:
                self._client.sleep(wait)
                waited += wait
        return waited
