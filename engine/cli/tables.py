"""What a person sees of connectors, of questions that were asked, of requests, and of the names that a project needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.cli.screen import grid
from engine.cli.words import Language, say, some
from engine.connector import Request, Response
from engine.diagnostic import Diagnostic, render
from engine.diagnostic.masking import MASK, mask
from engine.model import Label
from engine.probe.doctor import Check
from engine.probe.known import Known
from engine.probe.names import Needed
from engine.probe.outline import FieldOutline, StreamOutline
from engine.probe.preview import Preview, as_curl, fields_of, url_of
from engine.probe.question import Reply, veiled
from engine.probe.signature import Signed
from engine.rest.window import Span

_COLOURS = {"fine": "green", "warning": "yellow", "wrong": "bold red", "unknown": "dim"}
_FIELDS = 12
_RECORDS = 3
_TELLING = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Headers that are credentials whatever they hold."""


def _in(language: Language, label: Label) -> str:
    return label.zh if language == "zh" else label.en


def _headed(head: str, body: RenderableType) -> RenderableType:
    return Group(Text(head, style="bold cyan"), body, Text())


# --- connectors -------------------------------------------------------------------------------------------------


def connectors(there: Iterable[Known], language: Language) -> Table:
    """Connectors, a line each."""
    heads = [say(language, key) for key in ("name", "label", "streams", "needs", "comes from")]
    rows = []
    for one in there:
        streams = len(one.streams) if one.preset else say(language, "declared")
        needs = ", ".join(one.needed) or "—"
        comes_from = say(language, f"kind {one.kind}")
        if one.kind in ("plugin", "project"):
            comes_from += f" ({one.comes_from})"
        if one.broken:
            streams, needs = "—", say(language, "broken", reason=one.broken)
        rows.append((one.name, _in(language, one.label), streams, needs, comes_from))
    return grid(heads, rows, frozenset({2}))


def connector(known: Known, streams: Sequence[StreamOutline], language: Language) -> RenderableType:
    """A connector with its settings and streams."""
    head = f"{known.name} · {_in(language, known.label)}"
    lines = [line for line in (_in(language, known.about), known.docs, known.comes_from) if line]
    parts: list[RenderableType] = [_headed(head, Text("\n".join(lines)))]
    if known.settings:
        heads = [say(language, key) for key in ("setting", "needed", "default", "what it is")]
        rows = [
            (one.name, _needed(one.needed, one.secret, language), _short(one.default), _in(language, one.about))
            for one in known.settings
        ]
        parts.append(_headed(say(language, "settings"), grid(heads, rows)))
    if streams:
        heads = [say(language, key) for key in ("stream", "label", "key", "window", "pages", "limits", "fields")]
        parts.append(
            _headed(say(language, "streams"), grid(heads, [_stream(one, language) for one in streams], frozenset({6})))
        )
        notes = [(one.name, _in(language, one.about)) for one in streams if one.about.en]
        if notes:
            parts += [grid(("", ""), notes), Text()]
    return Group(*parts)


def _needed(needed: bool, secret: bool, language: Language) -> str:
    words = [say(language, key) for key, holds in (("yes", needed), ("secret", secret)) if holds]
    return ", ".join(words) or "—"


def _stream(one: StreamOutline, language: Language) -> tuple[object, ...]:
    if one.span is None:
        window = say(language, "as a whole", every=one.every)
    else:
        window = say(language, "spans", span=one.span, lag=one.lag)
        window += say(language, "keeps", history=one.history) if one.history else ""
    label = _in(language, one.label)
    return one.name, label, ", ".join(one.key) or None, window, one.paging, "; ".join(one.rate) or None, one.fields


def fields(there: Iterable[FieldOutline], language: Language) -> Table:
    """The fields of a stream."""
    heads = [say(language, key) for key in ("field", "type", "unit", "pii", "what it is")]
    return grid(heads, [(one.name, one.type, one.unit, one.pii, _in(language, one.about)) for one in there])


def _short(value: object) -> str | None:
    text = None if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text is None or len(text) <= 40 else text[:39] + "…"


# --- questions --------------------------------------------------------------------------------------------------


def reply(given: Reply, language: Language, zone: str) -> RenderableType:
    """What came of asking a stream."""
    name = given.feed + (f" ({given.shop})" if given.shop else "")
    line = Text()
    line.append("✗ " if given.wrong else "✓ ", style=_COLOURS["wrong" if given.wrong else "fine"])
    line.append(name, style="bold")
    line.append("  " + say(language, "and").join(_told(given, language, zone)))
    parts: list[RenderableType] = [line]
    parts += [Text(f"    {told}") for one in given.wrong for told in _lines(one, language)]
    if given.fields:
        listed = ", ".join(given.fields[:_FIELDS]) + (", …" if len(given.fields) > _FIELDS else "")
        parts.append(Text(f"    {say(language, 'has fields', n=len(given.fields))}: {mask(listed)}"))
    return Group(*parts)


def _told(given: Reply, language: Language, zone: str) -> Iterator[str]:
    if given.wrong:
        yield say(language, "no answer")
    elif given.heard:
        yield say(language, "authorised")
    if given.rows is not None:
        yield some(language, "one row", "rows so far", given.rows)
    if given.seconds is not None:
        yield some(language, "one request", "requests so far", given.requests)
        yield say(language, "took", seconds=f"{given.seconds:.2f}")
    if given.span:
        start, end = (datetime.fromtimestamp(at, ZoneInfo(zone)) for at in given.span)
        yield f"{start:%Y-%m-%d %H:%M} … {end:%Y-%m-%d %H:%M}"


def _lines(one: Diagnostic, language: Language) -> Iterator[str]:
    """A finding in a few lines: what, and what to do."""
    words = one.words(language)
    yield mask(words.message)
    yield from (mask(note) for note in words.notes)
    if words.help:
        yield mask(words.help)


def span_as_json(span: Span | None) -> list[str] | None:
    """A window as times."""
    return None if span is None else [datetime.fromtimestamp(at, UTC).isoformat() for at in span]


# --- doctor -----------------------------------------------------------------------------------------------------


def checks(there: Sequence[Check], language: Language, zone: str) -> RenderableType:
    """What was found of every source, a table each."""
    parts: list[RenderableType] = []
    for source in dict.fromkeys(one.source for one in there):
        mine = [one for one in there if one.source == source]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
        for _ in range(4):
            table.add_column(overflow="fold")
        for one in mine:
            words = _check(one, language, zone)
            level = Text(say(language, f"level {one.level}"), style=_COLOURS[one.level])
            table.add_row(level, Text(one.stream or "—"), Text(say(language, f"check {one.what}")), Text(words))
        parts.append(_headed(source, table) if source else Group(table, Text()))
    wrong, warned = (sum(one.level == level for one in there) for level in ("wrong", "warning"))
    style = "bold red" if wrong else "bold green"
    return Group(*parts, Text(say(language, "examined", n=len(there), wrong=wrong, warned=warned), style=style))


def _check(one: Check, language: Language, zone: str) -> str:
    if one.said == "failed" or (one.found and one.said == "not authorised"):
        return "; ".join(line for found in one.found for line in _lines(found, language))
    facts = dict(one.facts)
    for key in ("until", "at"):
        if facts.get(key):
            facts[key] = datetime.fromtimestamp(facts[key], ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    if facts.get("holes"):
        cut = (datetime.fromtimestamp(span[0], ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") for span in facts["holes"])
        facts["first"] = next(cut)
    if isinstance(facts.get("seconds"), float):
        facts["seconds"] = f"{facts['seconds']:.2f}"
    words = mask(say(language, f"doctor {one.said}", **facts))
    if one.what == "variables":
        return words
    return "; ".join((words, *(line for found in one.found for line in _lines(found, language))))


def check_as_json(one: Check, language: Language) -> dict[str, Any]:
    """A check as plain values."""
    return {
        "source": one.source or None,
        "stream": one.stream or None,
        "check": one.what,
        "level": one.level,
        "said": one.said,
        "facts": dict(one.facts),
        "findings": [render.describe(found, language) for found in one.found],
    }


# --- requests ---------------------------------------------------------------------------------------------------


def preview(coming: Preview, zone: str, language: Language, *, curl: bool) -> str:
    """A request that would be sent."""
    lines = []
    if coming.before is not None:
        lines += [f"# {say(language, 'token first')}", _request(coming.before, curl), ""]
    if coming.span:
        start, end = (datetime.fromtimestamp(at, ZoneInfo(zone)) for at in coming.span)
        key = "next window" if coming.lacking else "nothing lacking"
        lines.append(f"# {say(language, key, start=f'{start:%Y-%m-%d %H:%M}', end=f'{end:%Y-%m-%d %H:%M}')}")
    lines.append(_request(coming.request, curl))
    if coming.signed is not None and not curl:
        lines += ["", f"# {say(language, 'signed')}", coming.signed]
    return "\n".join(lines)


def _request(request: Request, curl: bool) -> str:
    if curl:
        return as_curl(request)
    lines = [f"{request.method} {url_of(request)}", *(f"{name}: {value}" for name, value in request.headers)]
    if request.body:
        lines += ["", request.body.decode("utf-8", "replace")]
    decoded = fields_of(request) or request.query
    if decoded:
        width = max(len(name) for name, _ in decoded)
        lines += ["", *(f"  {name:<{width}} = {value}" for name, value in decoded)]
    return "\n".join(lines)


def preview_as_json(coming: Preview, *, curl: bool) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "request": _request_as_json(coming.request, curl),
        "token_request": _request_as_json(coming.before, curl) if coming.before else None,
        "window": span_as_json(coming.span),
        "lacking": coming.lacking,
        "signed": coming.signed,
    }


def _request_as_json(request: Request, curl: bool) -> dict[str, Any]:
    made = {
        "method": request.method,
        "url": request.url,
        "query": [list(pair) for pair in request.query],
        "headers": [list(pair) for pair in request.headers],
        "body": request.body.decode("utf-8", "replace"),
    }
    return {**made, "curl": as_curl(request)} if curl else made


def exchange(given: Reply, fields: Mapping[str, Any], language: Language, *, curl: bool, bare: bool) -> str:
    """A request that was sent, and what came back."""
    lines = []
    if given.last is not None:
        response = given.last.response
        lines += [_request(given.last.request, curl), "", f"HTTP {response.status}  {given.last.seconds:.2f} s"]
        lines += [f"{name}: {value}" for name, value in _headers(response, bare)]
    if given.rows is not None:
        lines += ["", f"# {some(language, 'one row', 'rows so far', given.rows)}"]
    for record in given.sample[:_RECORDS]:
        lines.append(json.dumps(record if bare else veiled(record, fields), ensure_ascii=False, indent=2))
    return "\n".join(lines)


def _headers(response: Response, bare: bool) -> Iterator[tuple[str, str]]:
    for name, value in response.headers:
        yield name, MASK if name in _TELLING and not bare else value


def exchange_as_json(given: Reply, fields: Mapping[str, Any], language: Language, *, bare: bool) -> dict[str, Any]:
    """The same as plain values."""
    last = given.last
    return {
        "request": _request_as_json(last.request, True) if last else None,
        "status": last.response.status if last else None,
        "headers": [list(pair) for pair in _headers(last.response, bare)] if last else [],
        "seconds": round(last.seconds, 3) if last else None,
        "window": span_as_json(given.span),
        "rows": given.rows,
        "records": [record if bare else veiled(record, fields) for record in given.sample[:_RECORDS]],
        "findings": [render.describe(one, language) for one in given.wrong],
    }


def signed(made: Signed, text: str, language: Language) -> str:
    """What was signed, how, and where the signature goes."""
    parts = (("signed", text), ("digest", made.digest), ("signature", made.value), ("goes into", made.into))
    return "\n".join(f"{say(language, key)}:\n  {value}" for key, value in parts)


# --- names ------------------------------------------------------------------------------------------------------


def names(there: Iterable[Needed], language: Language) -> Table:
    """The names that a project needs, and where each is found."""
    heads = [say(language, key) for key in ("name", "found in", "used by")]
    return grid(heads, [(one.name, one.where or say(language, "nowhere"), ", ".join(one.used_by)) for one in there])
