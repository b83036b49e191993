"""Record what a platform answers, and play it back: for tests of a connector without the platform.

What is kept holds no secrets: their values, in whatever form they were sent, and everything that looks like
credentials are replaced before anything is written.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from engine.connector import Client, Request, Response

HIDDEN = "***"
_TELLING = frozenset(
    {"authorization", "cookie", "set-cookie", "access-token", "x-amz-access-token", "x-shopify-access-token"}
)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without the values of secrets, as they are, escaped for URLs, in JSON and in base64."""
    for secret in sorted({one for one in secrets if one}, key=len, reverse=True):
        escaped = json.dumps(secret)[1:-1]
        coded = base64.b64encode(secret.encode("utf-8")).decode("ascii")
        for form in {secret, quote(secret, safe=""), quote_plus(secret), escaped, coded}:
            text = text.replace(form, HIDDEN)
    return text


@dataclass
class Recorder:
    """A client that passes on to another, and remembers what was said, without `secrets`."""

    client: Client
    secrets: tuple[str, ...]
    said: list[dict[str, Any]] = field(default_factory=list)

    __hash__ = object.__hash__

    def send(self, request: Request) -> Response:
        """Send it on, and remember both."""
        response = self.client.send(request)
        self.said.append(
            {"request": self._request(request), "response": self._response(response), "at": self.client.now()}
        )
        return response

    def now(self) -> float:
        """The time of the other client."""
        return self.client.now()

    def sleep(self, seconds: float) -> None:
        """Wait as the other client does."""
        self.client.sleep(seconds)

    def save(self, file: Path) -> None:
        """Write what was said as JSON lines."""
        file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in self.said), "utf-8")

    def _request(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "url": hidden(request.url, self.secrets),
            "query": [[name, hidden(value, self.secrets)] for name, value in request.query],
            "headers": [[name, self._header(name, value)] for name, value in request.headers],
            "body": hidden(request.body.decode("utf-8", "replace"), self.secrets),
        }

    def _response(self, response: Response) -> dict[str, Any]:
        headers = [[name, self._header(name, value)] for name, value in response.headers]
        return {
            "status": response.status,
            "headers": headers,
            "body": hidden(response.body.decode("utf-8", "replace"), self.secrets),
        }

    def _header(self, name: str, value: str) -> str:
        return HIDDEN if name.lower() in _TELLING else hidden(value, self.secrets)


class Replayed(AssertionError):
    """Something was asked that is not on the record, or in another order."""


@dataclass
class Player:
    """A client that answers from a record, request by request: method, path and order have to be the same."""

    said: list[Mapping[str, Any]]
    at: int = 0
    waited: float = 0.0

    __hash__ = object.__hash__

    @classmethod
    def of(cls, file: Path) -> Player:
        """The player of a file that a `Recorder` saved."""
        return cls([json.loads(line) for line in file.read_text("utf-8").splitlines()])

    def send(self, request: Request) -> Response:
        """The next answer on the record."""
        if self.at >= len(self.said):
            raise Replayed(f"{request.method} {request.url.partition('?')[0]} was asked after the end of the record")
        one = self.said[self.at]
        asked = (one["request"]["method"], one["request"]["url"].partition("?")[0])
        if asked != (request.method, request.url.partition("?")[0]):
            raise Replayed(f"{request.method} {request.url.partition('?')[0]} was asked; on the record stands {asked}")
        self.at += 1
        told = one["response"]
        return Response(
            told["status"], tuple((name, value) for name, value in told["headers"]), told["body"].encode("utf-8")
        )

    def now(self) -> float:
        """The time of the next answer on the record."""
        return float(self.said[min(self.at, len(self.said) - 1)]["at"]) if self.said else 0.0

    def sleep(self, seconds: float) -> None:
        """Count the waiting; do not wait."""
        self.waited += seconds
