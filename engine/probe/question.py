"""One small question to a stream: the first page with records of a short window. What comes back is told, not stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from engine.connector import Delimited, GiveUp, JsonLines, Landing, Offline, Rows, connector_of
from engine.diagnostic import Diagnostic, Place, finding
from engine.diagnostic.masking import MASK
from engine.model import Part
from engine.probe import standing
from engine.probe.hearing import Heard, Hearing
from engine.rest.account import Account, accounts
from engine.rest.answer import Keys, NotJson, Reader, Records, records, short, values
from engine.rest.definition import Definition
from engine.rest.exchange import Cost, Skip, UsedUp
from engine.rest.paging import Got, Loop, Paging, TooDeep, Untold
from engine.rest.request import Call
from engine.rest.template import Wrong
from engine.rest.window import Span
from engine.secret import remember

SAMPLE = 20
"""Records of which the fields are looked at."""
_PAGES = 3
_HALVES = 16


@dataclass(frozen=True)
class Reply:
    """What came of asking a stream for one account.

    `rows` are the records of the page, None where they were not counted; `sample` are the first of them; `span` is the
    window that was asked for; `wrong` says why there was no answer. `ends` is when the token ends, in unix seconds.
    """

    feed: str
    shop: str
    rows: int | None = None
    fields: tuple[str, ...] = ()
    sample: tuple[dict[str, Any], ...] = ()
    span: Span | None = None
    wrong: tuple[Diagnostic, ...] = ()
    heard: tuple[Heard, ...] = ()
    ends: float | None = None
    needs_token: bool = False

    @property
    def last(self) -> Heard | None:
        """The last request and its answer."""
        return self.heard[-1] if self.heard else None

    @property
    def requests(self) -> int:
        """How many requests it took, those for a token among them."""
        return len(self.heard)

    @property
    def seconds(self) -> float | None:
        """How long the last answer took."""
        return self.last.seconds if self.last else None


@dataclass
class _Found:
    """Records that a question found so far."""

    rows: int | None = 0
    fields: dict[str, None] = field(default_factory=dict)
    sample: list[dict[str, Any]] = field(default_factory=list)
    span: Span | None = None

    def take(self, lines: Iterator[dict[str, Any]], rows: int | None, columns: tuple[str, ...] = ()) -> None:
        """Look at some records."""
        self.rows = rows
        self.sample = list(islice(lines, SAMPLE))
        self.fields |= dict.fromkeys(columns or (key for record in self.sample for key in record))


def ask(place: standing.Place, hearing: Hearing, *, next_one: bool = False) -> Iterator[Reply]:
    """Ask a stream, for each of its accounts; `next_one` asks for the window that a run would ask for next."""
    if place.source.preset is None:
        yield _asked_by_reading(place, hearing)
        return
    try:
        definition = standing.definition_of(place)
        there = accounts(place.source, place.stream, definition, place.workplace, Cost())
    except GiveUp as failure:
        yield Reply(place.feed, "", wrong=failure.diagnostics)
    except Wrong as failure:
        yield Reply(place.feed, "", wrong=(_cannot(place, str(failure)),))
    else:
        for account in there:
            yield _asked(place, definition, account, hearing, next_one)


# --- connectors in YAML -----------------------------------------------------------------------------------------


def _asked(place: standing.Place, definition: Definition, account: Account, hearing: Hearing, next_one: bool) -> Reply:
    before, found = len(hearing.heard), _Found()
    wrong: tuple[Diagnostic, ...] = ()
    try:
        if next_one:
            found.span, _ = standing.next_window(place, definition, account.shop)
        else:
            found.span = standing.recent(definition, place.now)
        _narrowed(definition, account, found)
    except GiveUp as failure:
        wrong = failure.diagnostics
    except UsedUp as failure:
        name, origin = account.exchange.name, account.exchange.place
        wrong = (finding("quota-used-up", origin, name=name, said=failure.said, until=failure.until),)
    except Wrong as failure:
        wrong = (_cannot(place, str(failure)),)
    except Skip:
        pass
    tokens = account.exchange.tokens
    remember(*_texts(held_token(account)))
    return Reply(
        place.feed,
        account.shop,
        None if wrong else found.rows,
        tuple(found.fields),
        tuple(found.sample),
        found.span,
        wrong,
        tuple(hearing.heard[before:]),
        tokens.ends() if tokens and tokens.is_used else None,
        bool(tokens and tokens.is_used),
    )


def _narrowed(definition: Definition, account: Account, found: _Found) -> None:
    """Ask; where there is more than the platform pages through, ask for the newer half of the window."""
    for _ in range(_HALVES):
        try:
            _page(definition, account, found)
            return
        except TooDeep:
            if found.span is None or found.span[1] - found.span[0] <= 1:
                break
            found.span = ((found.span[0] + found.span[1]) // 2, found.span[1])
        except (Loop, Untold):
            break
    name, origin = account.exchange.name, account.exchange.place
    raise GiveUp(finding("too-deep", origin, name=name))


def _page(definition: Definition, account: Account, found: _Found) -> None:
    scope = {**account.scope, **definition_times(definition, found.span)}
    listing = definition.listing
    if listing is not None:
        listed, _ = _first(account, listing.call, None, listing.paging, listing.reader, scope, None)
        some = values(listed)[: listing.batch]
        if not some:
            return
        ids = [_inside(one, listing.id) for one in some]
        scope |= {"ids": ids, "id": ids[0], "parent": some[0]}
    call, count, paging = definition.call, definition.count, definition.paging
    _, cut = _first(account, call, count, paging, definition.reader, scope, definition)
    if cut is not None:
        found.take(map(json.loads, cut.lines.splitlines()), cut.count)


def _first(
    account: Account,
    call: Call,
    count: Call | None,
    paging: Paging,
    reader: Reader,
    scope: Mapping[str, Any],
    definition: Definition | None,
) -> tuple[bytes | None, Records | None]:
    """The first page that holds something: the list as it came, and its records where a definition says how to cut."""
    flow = paging.flow()
    page = next(flow)
    for _ in range(_PAGES):
        asked = {**scope, **page.scope()}
        answer = account.exchange.ask(count if count is not None and page.is_count else call, asked, reader)
        cut = _cut(definition, account, answer.listed, asked, answer.scope(whole=True)) if definition else None
        rows = cut.count if cut else len(values(answer.listed))
        if rows:
            return answer.listed, cut
        if not answer.is_there:
            origin = account.exchange.place
            raise GiveUp(finding("no-records-there", origin, name=account.exchange.name, said=short(answer)))
        try:
            page = flow.send(Got({**answer.scope(), **page.scope()}, rows))
        except StopIteration:
            break
    return None, cut


def _cut(
    definition: Definition, account: Account, listed: bytes | None, asked: Mapping[str, Any], told: Mapping[str, Any]
) -> Records:
    columns = definition.columns(asked) if definition.columns else ()
    columns = columns.split(",") if isinstance(columns, str) else columns
    more = {name: one({**asked, **told}) for name, one in definition.add.items()}
    try:
        return records(listed, Keys(), tuple(columns), more)
    except NotJson as failure:
        origin = account.exchange.place
        raise GiveUp(finding("not-records", origin, name=account.exchange.name, reason=str(failure))) from None


def definition_times(definition: Definition, span: Span | None) -> dict[str, Any]:
    """What templates know of a window, as a run tells them."""
    if definition.window is None or span is None:
        return {}
    wide, zone = definition.window.widen, ZoneInfo(definition.manners.zone)
    start, end = (datetime.fromtimestamp(at, zone) for at in (span[0] - wide, span[1] + wide))
    return {"window": {"start": start, "end": end}}


def held_token(account: Account) -> dict[str, Any]:
    """The token that an account holds now; empty where it holds none, or needs none. Nothing is asked."""
    tokens = account.exchange.tokens
    try:
        return tokens.current(_refuse) if tokens else {}
    except Wrong:
        return {}


def _refuse(*_: object) -> Any:
    raise Wrong("no token is held")


def _texts(token: Mapping[str, Any]) -> Iterator[str]:
    return (value for value in token.values() if isinstance(value, str))


def _inside(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _cannot(place: standing.Place, reason: str) -> Diagnostic:
    origin: Place = place.stream.origin.place()
    return finding("cannot-ask", origin, name=place.feed, reason=reason)


# --- connectors in Python ---------------------------------------------------------------------------------------


def _asked_by_reading(place: standing.Place, hearing: Hearing) -> Reply:
    """Ask by beginning to read: of the first part, the first batch; then stop."""
    before, found = len(hearing.heard), _Found()
    wrong: tuple[Diagnostic, ...] = ()
    try:
        part = _next_part(place)
        if part is not None:
            landings = connector_of(place.source).read(place.source, place.stream, part, place.workplace)
            try:
                landing = next((one for one in landings if one.records is not None), None)
                if landing is not None:
                    _look(landing, found)
            finally:
                close = getattr(landings, "close", None)
                if close:
                    close()
    except GiveUp as failure:
        wrong = failure.diagnostics
    heard = tuple(hearing.heard[before:])
    rows = None if wrong else found.rows
    return Reply(place.feed, "", rows, tuple(found.fields), tuple(found.sample), None, wrong, heard)


def _next_part(place: standing.Place) -> Part | None:
    offline = replace(place.workplace, client=Offline(place.workplace.client.now))
    return next(iter(connector_of(place.source).survey(place.source, place.stream, offline)), None)


def _look(landing: Landing, found: _Found) -> None:
    given = landing.otherwise if isinstance(landing.records, Delimited) and landing.otherwise else landing.records
    if isinstance(given, Rows):
        rows = (dict(zip(given.columns, one, strict=True)) for _, one, whole in given.rows if whole is None)
        found.take(rows, None, given.columns)
    elif isinstance(given, JsonLines):
        with given.path.open("rb") as lines:
            found.take(map(json.loads, lines), None)
        with given.path.open("rb") as lines:
            found.rows = sum(1 for _ in lines)
    elif isinstance(given, Delimited):
        found.take(iter(()), None, given.columns)
    else:
        found.rows = None


def veiled(record: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what is declared as personal (`pii` above `P0`), also inside of lists and objects."""
    return {name: _veiled(value, fields.get(name) or {}) for name, value in record.items()}


def _veiled(value: Any, declared: Mapping[str, Any]) -> Any:
    if declared.get("pii", "P0") != "P0":
        return None if value is None else MASK
    inside = declared.get("of") or {}
    if isinstance(value, Mapping):
        return veiled(value, inside)
    if isinstance(value, list):
        return [veiled(one, inside) if isinstance(one, Mapping) else one for one in value]
    return value
