"""The next request of a stream, as it would be sent; nothing is sent, and nothing that is kept is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from engine.connector import Client, GiveUp, Offline, Request, Response, connector_of
from engine.diagnostic import finding
from engine.probe import standing
from engine.probe.question import definition_times
from engine.rest.account import Account, accounts
from engine.rest.definition import Definition
from engine.rest.exchange import Cost
from engine.rest.request import Call
from engine.rest.template import Wrong
from engine.rest.window import Span
from engine.secret import remember


@dataclass(frozen=True)
class Preview:
    """A request that is not sent. `signed` is the text that its signature is of; `before` fetches the token that it
    needs, which is then not known yet. `lacking` tells whether a run would ask for this window."""

    request: Request
    shop: str = ""
    span: Span | None = None
    lacking: bool = True
    signed: str | None = None
    before: Request | None = None


class _Enough(Exception):
    """The request is there; it need not be sent."""

    def __init__(self, request: Request) -> None:
        self.request = request
        super().__init__(request.url)


@dataclass
class _Stopping:
    """A client that keeps the first request, and goes no further."""

    client: Client
    request: Request | None = None

    __hash__ = object.__hash__

    def send(self, request: Request) -> Response:
        """Keep it."""
        self.request = self.request or request
        raise GiveUp

    def now(self) -> float:
        """The time."""
        return self.client.now()

    def sleep(self, seconds: float) -> None:
        """Nothing is waited for, since nothing is sent."""


def preview(place: standing.Place) -> Preview:
    """The next request: of the first account, for the next window that is lacking, its first page.

    Raises `GiveUp` where it cannot be made, or the stream sends none.
    """
    with standing.apart(place) as copy:
        try:
            return _of_manifest(copy) if copy.source.preset is not None else _of_python(copy)
        except Wrong as failure:
            where = place.stream.origin.place()
            raise GiveUp(finding("cannot-ask", where, name=place.feed, reason=str(failure))) from None


def _of_manifest(place: standing.Place) -> Preview:
    definition = standing.definition_of(place)
    account = accounts(place.source, place.stream, definition, place.workplace, Cost())[0]
    token, before = _token(account, definition, place)
    span, lacking = standing.next_window(place, definition, account.shop)
    listing = definition.listing
    page = next((listing.paging if listing else definition.paging).flow())
    scope = {**account.scope, **definition_times(definition, span), **page.scope(), "token": token}
    call = listing.call if listing else (definition.count if definition.count and page.is_count else definition.call)
    request, signature = call.build({**scope, "now": _now(place, definition)})
    return Preview(request, account.shop, span, lacking, signature.text if signature else None, before)


def _token(account: Account, definition: Definition, place: standing.Place) -> tuple[Mapping[str, Any], Request | None]:
    """The token that is held; where none is, the names of what it will hold, and the request that fetches it."""
    if account.exchange.tokens is None:
        return {}, None

    def show(call: Call, scope: Mapping[str, Any]) -> Any:
        raise _Enough(call.build({**scope, "now": _now(place, definition)})[0])

    try:
        token = account.exchange.tokens.current(show)
    except _Enough as asked:
        taken = definition.token.take if definition.token else {}
        return {name: f"<{name}>" for name in taken}, asked.request
    remember(*(value for value in token.values() if isinstance(value, str)))
    return token, None


def _now(place: standing.Place, definition: Definition) -> datetime:
    return datetime.fromtimestamp(place.workplace.client.now(), ZoneInfo(definition.manners.zone))


def _of_python(place: standing.Place) -> Preview:
    """What a connector in Python sends first, found by letting it begin."""
    stopping = _Stopping(place.workplace.client)
    made = connector_of(place.source)
    offline = replace(place.workplace, client=Offline(place.workplace.client.now))
    part = next(iter(made.survey(place.source, place.stream, offline)), None)
    if part is not None:
        try:
            for _ in made.read(place.source, place.stream, part, replace(place.workplace, client=stopping)):
                break
        except GiveUp:
            if stopping.request is None:
                raise
    if stopping.request is None:
        where = place.stream.origin.place()
        raise GiveUp(finding("sends-nothing", where, feed=place.feed, connector=place.source.connector))
    return Preview(stopping.request)


# --- ways to write a request ------------------------------------------------------------------------------------


def url_of(request: Request) -> str:
    """The whole URL, with its query."""
    if not request.query:
        return request.url
    return f"{request.url}{'&' if '?' in request.url else '?'}{urlencode(request.query)}"


def fields_of(request: Request) -> tuple[tuple[str, str], ...]:
    """The fields of a form that is sent as the body; empty for any other body."""
    kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if "x-www-form-urlencoded" not in kind:
        return ()
    return tuple(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def as_curl(request: Request) -> str:
    """The same request as a command line of curl."""
    parts = [f"curl -X {request.method} {_quoted(url_of(request))}"]
    parts += [f"-H {_quoted(f'{name}: {value}')}" for name, value in request.headers]
    if request.body:
        parts.append(f"--data-binary {_quoted(request.body.decode('utf-8', 'replace'))}")
    return " \\\n  ".join(parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
