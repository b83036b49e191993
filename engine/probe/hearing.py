"""A client that listens in on what is said, and is less patient than a run: one who waits at a screen wants to know why."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from engine.connector import Client, GiveUp, Request, Response, TryAgain
from engine.diagnostic import finding

PATIENCE = 10.0
"""Seconds that may be waited for a platform's limits, in all."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A request, what came back, when (unix seconds), and how many seconds it took."""

    request: Request
    response: Response
    at: float
    seconds: float

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the server's `Date`; None where it told none."""
        try:
            told = parsedate_to_datetime(self.response.header("date") or "")
        except ValueError:
            return None
        # The header has whole seconds, and the answer was half way here when it was written.
        return self.at - self.seconds / 2 - told.timestamp() - 0.5


class Hearing:
    """Passes requests on to another client and remembers them. Safe to use from many threads."""

    def __init__(self, client: Client, patience: float = PATIENCE) -> None:
        self._client, self._patience = client, patience
        self.heard: list[Heard] = []
        self.waited = 0.0

    def send(self, request: Request) -> Response:
        """Send it on; `GiveUp` at once where the network fails."""
        begun = time.monotonic()
        try:
            response = self._client.send(request)
        except TryAgain as failure:
            raise GiveUp(finding("unreachable", reason=failure.why)) from None
        self.heard.append(Heard(request, response, self._client.now(), time.monotonic() - begun))
        return response

    def now(self) -> float:
        """The time of the other client."""
        return self._client.now()

    def sleep(self, seconds: float) -> None:
        """Wait as the other client does; `GiveUp` where it would be long."""
        self.waited += seconds
        if self.waited > self._patience:
            said = f"HTTP {self.heard[-1].response.status}" if self.heard else None
            raise GiveUp(finding("told-to-wait", seconds=round(seconds, 1), said=said))
        self._client.sleep(seconds)
