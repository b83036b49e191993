"""Record what a platform answers, and play it back: for tests of a connector without the platform.

Secrets are replaced before anything is remembered: values that the recorder is told, values that this process has looked
up, passwords in URLs, and whatever stands under the name of a secret (`access_token`, `app_secret`, `Set-Cookie`) in a
header, a query, a form or JSON, also where one of them is written inside another. A secret under a name that says nothing
and with a value that nobody told stays, as does one in a path or in XML: read a record before it is shared.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from engine.connector import Client, Request, Response
from engine.secret import mask
from engine.secret.plain import is_secret_name

HIDDEN = "***"
_PAIR = re.compile(r"(?P<before>^|[?&;]\s?)(?P<name>[^\s=&?#;\"'<>{}]+)=(?P<value>[^&#\s\"'<>;]*)")
_LOGIN = re.compile(r"(?<=://)[^/\s@?#]+@")
_HALVES = re.compile("[\ud800-\udfff]")


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without the values of secrets, as they are, escaped for URLs, in JSON and in base64."""
    for secret in sorted({one for one in secrets if one}, key=len, reverse=True):
        escaped = json.dumps(secret)[1:-1]
        coded = base64.b64encode(secret.encode("utf-8")).decode("ascii")
        for form in {secret, quote(secret, safe=""), quote_plus(secret), escaped, coded}:
            text = text.replace(form, HIDDEN)
    return text


def hidden_by_name(text: str) -> str:
    """A text (a URL, a form, JSON, or one within another) without what stands under the name of a secret."""
    try:
        value = _read(text) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        value = None
    if value is not None:
        shown = _shown(value)
        return text if shown == value else _json(shown)
    return _PAIR.sub(_pair, _LOGIN.sub(f"{HIDDEN}@", text))


class _Digits(str):
    """A number as it is written: what is not hidden stays as it was, digit by digit."""


class _Object(list[tuple[str, Any]]):
    """An object of JSON with its keys in order, also those that stand there twice."""


def _read(text: str) -> Any:
    return json.loads(text, parse_int=_Digits, parse_float=_Digits, object_pairs_hook=_Object)


def _shown(value: Any, *, secret: bool = False) -> Any:
    """A value of JSON; where it is secret, without any text in it, nor the number that it is."""
    if isinstance(value, _Object):
        return _Object((key, _under(key, part, secret)) for key, part in value)
    if isinstance(value, list):
        return [_shown(part, secret=secret) for part in value]
    if isinstance(value, _Digits) or not isinstance(value, str):
        return value
    return HIDDEN if secret and value else hidden_by_name(value)


def _under(key: str, value: Any, secret: bool) -> Any:
    named = is_secret_name(key)
    return HIDDEN if named and isinstance(value, _Digits) else _shown(value, secret=secret or named)


def _json(value: Any) -> str:
    if isinstance(value, _Object):
        return "{" + ",".join(f"{_json(key)}:{_json(part)}" for key, part in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, _Digits):
        return str(value)
    return json.dumps(value, ensure_ascii=isinstance(value, str) and bool(_HALVES.search(value)))


def _pair(match: re.Match[str]) -> str:
    name, value = unquote_plus(match["name"]), unquote_plus(match["value"])
    shown = _value(name, value)
    return match[0] if shown == value else f"{match['before']}{match['name']}={quote_plus(shown, safe='*')}"


def _value(name: str, value: str) -> str:
    """The value of a header, or of a query or form."""
    return HIDDEN if value and is_secret_name(name) else hidden_by_name(value)


@dataclass
class Recorder:
    """A client that passes on to another, and remembers what was said, without `secrets` and what is called like one."""

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
            "url": self._known(hidden_by_name(request.url)),
            "query": [[name, self._named(name, value)] for name, value in request.query],
            "headers": [[name, self._named(name, value)] for name, value in request.headers],
            "body": self._body(request.body),
        }

    def _response(self, response: Response) -> dict[str, Any]:
        headers = [[name, self._named(name, value)] for name, value in response.headers]
        return {"status": response.status, "headers": headers, "body": self._body(response.body)}

    def _named(self, name: str, value: str) -> str:
        return self._known(_value(name, value))

    def _body(self, body: bytes) -> str:
        return self._known(hidden_by_name(body.decode("utf-8", "replace")))

    def _known(self, text: str) -> str:
        return mask(hidden(text, self.secrets))


class Replayed(AssertionError):
    """Something was asked that is not on the record, or in another order."""


def _is_same(recorded: str, path: str) -> bool:
    """Whether a URL is the one on the record, in which anything may have been hidden."""
    return re.fullmatch(".*".join(map(re.escape, recorded.split(HIDDEN))), path) is not None


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
        if asked[0] != request.method or not _is_same(asked[1], request.url.partition("?")[0]):
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
