"""Examine the sources of a project: settings, variables, the way to the platform, authorisation, limits, history, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.parse import urlsplit

from engine.connector import Client, GiveUp, connector_of
from engine.diagnostic import Diagnostic, Findings, errors
from engine.http import host_of
from engine.model import Project, Source, State, Stream
from engine.probe import standing
from engine.probe.hearing import Heard, Hearing
from engine.probe.known import OWN
from engine.probe.question import Reply, ask
from engine.rest.definition import settled
from engine.secret import Secrets, variables

Level = Literal["fine", "warning", "wrong", "unknown"]

SOON = 7 * 86400
"""Seconds before its end from which a token is worth a warning."""
CLOCK = 60
"""Seconds by which clocks may differ before signatures begin to be refused."""
_TELLING = re.compile(r"(?i)rate-?limit|call-limit|quota|retry-after|throttl")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_UNREACHED = frozenset({"unreachable", "bad-url", "redirected"})
_UNSAFE = frozenset({"bad-certificate"})
_UNAUTHORISED = frozenset({"token-refused"})


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `said` names the words for how it is, `facts` fill them; `found` are findings."""

    source: str
    stream: str
    what: str
    level: Level
    said: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    found: tuple[Diagnostic, ...] = ()


def examine(project: Project, client: Client, only: str | None = None) -> Iterator[Check]:
    """Check after check, as they are made. Raises `Findings` (status 2) where there is no such source."""
    sources = (standing.source_of(project, only),) if only else tuple(project.sources.values())
    state = standing.state_of(project)
    yield Check("", "", "version", "fine", "version", {"version": _version()})
    for source in sources:
        yield from _source(project, state, source, client)


def _version() -> str:
    try:
        return version(OWN)
    except PackageNotFoundError:
        return "?"


def _source(project: Project, state: State, source: Source, client: Client) -> Iterator[Check]:
    yield _settings(source)
    there = _variables(project, source)
    yield there
    if there.level == "wrong":
        yield Check(source.name, "", "answers", "unknown", "not asked")
        return
    told_of: set[str] = set()  # what is so for the whole source is told once
    for stream in source.streams.values():
        with standing.placed(project, state, source, stream, hearing := Hearing(client)) as place:
            try:
                for reply in ask(place, hearing):
                    for one in (*_on_the_way(source, reply), *_token(source, reply, client.now())):
                        if one.what not in told_of:
                            told_of.add(one.what)
                            yield one
                    yield _answer(source, stream, reply)
                    for one in _limits(source, stream, reply):
                        if (words := f"limits {one.facts['limits']}") not in told_of:
                            told_of.add(words)
                            yield one
                    yield from _fields(source, stream, reply)
                yield from _history(source, stream, place)
            except Findings as broken:
                yield Check(source.name, stream.name, "answers", "wrong", "failed", found=broken.diagnostics)


# --- what can be told without asking ----------------------------------------------------------------------------


def _settings(source: Source) -> Check:
    look = getattr(connector_of(source), "check", None)
    found = tuple(look(source)) if look else ()
    if errors(found):
        return Check(source.name, "", "settings", "wrong", "settings wrong", found=found)
    return Check(source.name, "", "settings", "fine", "settings fine", {"n": len(source.settings)}, found)


def _variables(project: Project, source: Source) -> Check:
    secrets = Secrets(project.root)
    names = dict.fromkeys(variables(source.settings))
    names |= dict.fromkeys(name for one in source.streams.values() for name in variables(one.settings))
    if not names:
        return Check(source.name, "", "variables", "fine", "no variables")
    try:
        where = {name: secrets.where(name) for name in names}
    except Findings as broken:
        return Check(source.name, "", "variables", "wrong", "failed", found=broken.diagnostics)
    lacking = standing.unset(project, source)
    if lacking:
        listed = ", ".join(name for name, place in where.items() if place is None)
        facts = {"names": listed, "where": where}
        return Check(source.name, "", "variables", "wrong", "variables lacking", facts, lacking.diagnostics)
    listed = ", ".join(f"{name} ({place})" for name, place in where.items())
    return Check(source.name, "", "variables", "fine", "variables found", {"names": listed, "where": where})


# --- the way to the platform ------------------------------------------------------------------------------------


def _on_the_way(source: Source, reply: Reply) -> Iterator[Check]:
    """Host, encryption and clock, from the requests that were sent anyway."""
    codes = {one.code for one in reply.wrong}
    if codes & _UNREACHED:
        yield Check(source.name, "", "reachable", "wrong", "failed", found=reply.wrong)
    elif codes & _UNSAFE:
        yield Check(source.name, "", "tls", "wrong", "failed", found=reply.wrong)
    if reply.last is None:
        return
    host = host_of(reply.last.request.url)
    yield Check(source.name, "", "reachable", "fine", "reached", {"host": host})
    yield _tls(source, reply.last)
    ahead = next((one.clock_ahead for one in reply.heard if one.clock_ahead is not None), None)
    if ahead is None:
        yield Check(source.name, "", "clock", "unknown", "clock untold")
    else:
        level: Level = "fine" if abs(ahead) <= CLOCK else "wrong"
        said = "clock agrees" if abs(ahead) <= 2 else "clock ahead" if ahead > 0 else "clock behind"
        yield Check(source.name, "", "clock", level, said, {"seconds": round(abs(ahead), 1)})


def _tls(source: Source, heard: Heard) -> Check:
    url = urlsplit(heard.request.url)
    if url.scheme == "https":
        return Check(source.name, "", "tls", "fine", "tls fine")
    if url.hostname in _HERE:
        return Check(source.name, "", "tls", "fine", "tls not needed")
    return Check(source.name, "", "tls", "warning", "tls none")


def _token(source: Source, reply: Reply, now: float) -> Iterator[Check]:
    if not reply.needs_token or reply.wrong:
        return
    if reply.ends is None:
        yield Check(source.name, "", "token", "unknown", "token untold")
        return
    left = reply.ends - now
    level: Level = "wrong" if left <= 0 else "warning" if left < SOON and not _renews(source) else "fine"
    said = "token ended" if left <= 0 else "token ends"
    yield Check(source.name, "", "token", level, said, {"at": reply.ends, "days": round(left / 86400, 1)})


def _renews(source: Source) -> bool:
    """Whether the engine fetches another token by itself."""
    rule = (source.preset.value.get("token") or {}) if source.preset else {}
    return bool(rule.get("refresh") or rule.get("request"))


# --- what the platform said -------------------------------------------------------------------------------------


def _answer(source: Source, stream: Stream, reply: Reply) -> Check:
    name = f"{stream.name} ({reply.shop})" if reply.shop else stream.name
    facts = {"rows": reply.rows, "seconds": reply.seconds, "requests": reply.requests, "shop": reply.shop}
    if reply.wrong:
        codes = {one.code for one in reply.wrong}
        said = "not authorised" if codes & _UNAUTHORISED else "failed"
        return Check(source.name, name, "answers", "wrong", said, facts, reply.wrong)
    said = "answers" if reply.rows is not None else "answers uncounted"
    return Check(source.name, name, "answers", "fine", said, facts)


def _limits(source: Source, stream: Stream, reply: Reply) -> Iterator[Check]:
    declared: list[str] = []
    if source.preset is not None:
        _, limits = settled(source.preset.value, stream.name, {**source.settings, **stream.settings})
        declared = [one["rate"] for one in limits]
    told = {}
    if reply.last is not None:
        told = {name: value for name, value in reply.last.response.headers if _TELLING.search(name)}
    if not declared and not told:
        return
    listed = ", ".join((*declared, *(f"{name}: {value}" for name, value in told.items())))
    yield Check(source.name, stream.name, "limits", "fine", "limits", {"limits": listed, "told": told})


def _fields(source: Source, stream: Stream, reply: Reply) -> Iterator[Check]:
    """Whether records look as declared. One record seldom has every field, so nothing here is wrong for sure."""
    if source.preset is None or reply.wrong:
        return
    declared = list(source.preset.value["streams"][stream.name].get("fields") or ())
    if not reply.sample:
        yield Check(source.name, stream.name, "fields", "unknown", "fields unseen", {"n": len(declared)})
        return
    unseen = [name for name in declared if name not in reply.fields]
    more = [name for name in reply.fields if name not in declared and not name.startswith("_")]
    facts = {"n": len(declared), "unseen": unseen, "more": more, "records": len(reply.sample)}
    if not unseen and not more:
        yield Check(source.name, stream.name, "fields", "fine", "fields agree", facts)
        return
    for said, names in (("fields not seen", unseen), ("fields not declared", more)):
        if names:
            listed = {**facts, "names": ", ".join(names)}
            yield Check(source.name, stream.name, "fields", "warning", said, listed)


def _history(source: Source, stream: Stream, place: standing.Place) -> Iterator[Check]:
    if source.preset is None:
        return
    try:
        covered = standing.coverage(place)
    except GiveUp as failure:
        yield Check(source.name, stream.name, "history", "wrong", "failed", found=failure.diagnostics)
        return
    for one in covered:
        name = f"{stream.name} ({one.shop})" if one.shop else stream.name
        facts = {"until": one.until, "read": one.read, "holes": one.holes, "n": len(one.holes)}
        if one.until is None and not one.lacking:
            yield Check(source.name, name, "history", "fine", "history idle", facts)
        elif one.until is None:
            yield Check(source.name, name, "history", "unknown", "history none", facts)
        elif one.holes:
            yield Check(source.name, name, "history", "warning", "history holes", facts)
        else:
            yield Check(source.name, name, "history", "fine", "history whole", facts)
