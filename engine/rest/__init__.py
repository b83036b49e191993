"""The built-in connector `rest`: any HTTP API that speaks JSON, told wholly in YAML.

A manifest of kind `connector` says how a platform is asked: requests, signatures, tokens, pages, windows, errors and
limits. A new platform is such a file. The library's files and a project's own are read the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from engine.connector import GiveUp, Landing, Workplace
from engine.diagnostic import Diagnostic, finding
from engine.model import Part, Source, Stream
from engine.rest.account import accounts, shops
from engine.rest.definition import Definition, asking, broken, compiled, sizing
from engine.rest.exchange import Cost
from engine.rest.reading import Cursor, Job, Reading
from engine.rest.template import Wrong
from engine.rest.window import Span, moment

__all__ = ["RestConnector"]

SOURCE_SCHEMA: dict[str, Any] = {"title": "What a connector's manifest declares under `settings`", "type": "object"}
STREAM_SCHEMA: dict[str, Any] = {"title": "What a connector's manifest declares under `options`", "type": "object"}


class RestConnector:
    """Reads what a manifest of kind `connector` describes."""

    name: str = "rest"
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source chooses, or all that its connector has."""
        if source.streams or source.preset is None:
            return dict(source.streams)
        return {name: Stream(name, {}, source.origin) for name in source.preset.value["streams"]}

    def check(self, source: Source) -> Iterable[Diagnostic]:
        """Templates and expressions of the source's connector that cannot be understood."""
        if source.preset is None:
            return
        for at, reason in broken(source.preset.value):
            yield finding("bad-template", source.preset.origin.place(*at), reason=reason)

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """What is lacking now, as one part: the windows not read yet, or all of a stream that has none."""
        definition, cursor = _definition(source, stream), cursor_of(source, stream, place)
        now = int(place.client.now())
        gaps = [(shop, span) for shop in shops(source) for span in lacking(definition, cursor, source, shop, now)]
        if not gaps:
            return
        spans = [span for _, span in gaps if span]
        name = "everything"
        if spans:
            name = f"{_told(min(a for a, _ in spans), definition)} … {_told(max(b for _, b in spans), definition)}"
        yield Part(name, "", detail={"now": now})

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """The records of all that is lacking, batch by batch, each with the cursor as it stands then."""
        definition, cursor = _definition(source, stream), cursor_of(source, stream, place)
        now, cost = part.detail.get("now", int(place.client.now())), Cost()
        jobs = []
        found = accounts(source, stream, definition, place, cost)
        for account in found:
            account.exchange.stop = place.stop
            gaps = lacking(definition, cursor, source, account.shop, now)
            spans: Iterable[Span | None] = gaps
            if definition.window is not None:
                spans = definition.window.slices(gap for gap in gaps if gap)
            jobs += [Job(account, span) for span in spans]
        reading = Reading(
            definition=definition,
            place=place,
            cursor=cursor,
            cost=cost,
            at_once=source.settings.get("at_once", definition.at_once),
            declared=(*definition.names, *(("_shop",) if any(shops(source)) else ())),
            started=now,
            exchanges=[account.exchange for account in found],
        )
        return reading.landings(jobs, len(jobs))


def _definition(source: Source, stream: Stream) -> Definition:
    assert source.preset is not None
    try:
        return compiled(source.preset.value, stream.name, {**source.settings, **stream.settings})
    except Wrong as failure:
        raise GiveUp(finding("bad-template", source.preset.origin.place(), reason=str(failure))) from None


def cursor_of(source: Source, stream: Stream, place: Workplace) -> Cursor:
    """Where the stream stands; what was read with other options, or an older version of the stream, does not count."""
    assert source.preset is not None
    preset = source.preset.value
    version, sized = preset["streams"][stream.name].get("version", 1), sizing(preset, stream.name)
    told = {name: value for name, value in stream.settings.items() if name not in sized}
    telling = asking(preset, stream.name) - sized
    told |= {name: value for name, value in source.settings.items() if name in telling}
    sign = sha256(json.dumps([version, told], sort_keys=True, default=str).encode()).hexdigest()[:12]
    return Cursor({shop: dict(value) for shop, value in (place.cursor or {}).items()}, sign)


def lacking(definition: Definition, cursor: Cursor, source: Source, shop: str, now: int) -> list[Span | None]:
    known = cursor.value.get(shop) or {}
    known = known if known.get("of") == cursor.sign else {}
    if definition.window is None:
        return [None] if now - known.get("at", -(10**12)) >= definition.every else []
    since = moment(source.since, source.zone, now) if source.since else None
    covered = [(start, end) for start, end in known.get("covered", ())]
    return list(definition.window.lacking(covered, since, now))


def _told(at: int, definition: Definition) -> str:
    here = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(definition.manners.zone))
    return here.strftime("%Y-%m-%d %H:%M")
