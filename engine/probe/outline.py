"""What a person who wants to use a connector has to know of it: streams, fields, a source to paste, variables to set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.diagnostic import Findings, finding, nearest
from engine.model import Label
from engine.probe.known import Known, both
from engine.rest.definition import settled


@dataclass(frozen=True, slots=True)
class StreamOutline:
    """A stream as it is declared. `rate` are the limits that hold for it, `paging` how its pages are parted."""

    name: str
    label: Label
    about: Label
    key: tuple[str, ...]
    modified: str | None
    span: str | None
    lag: str | None
    history: str | None
    every: str | None
    paging: str
    rate: tuple[str, ...]
    fields: int


@dataclass(frozen=True, slots=True)
class FieldOutline:
    """A field of a record; one inside another has a dotted name."""

    name: str
    type: str
    unit: str | None
    pii: str | None
    about: Label


def streams_of(known: Known) -> tuple[StreamOutline, ...]:
    """The streams of a connector."""
    if known.preset is None:
        return tuple(_stream(name, given, []) for name, given in known.streams.items())
    return tuple(_stream(name, *settled(known.preset.value, name)) for name in known.streams)


def fields_of(known: Known, stream: str) -> tuple[FieldOutline, ...]:
    """The fields that a stream declares. Raises `Findings` (status 2) where there is no such stream."""
    if stream not in known.streams:
        names = list(known.streams)
        facts = {"kind": "stream", "kind_zh": "数据流", "name": stream, "known": ", ".join(names)}
        raise Findings([finding("unknown-thing", **facts, near=nearest(stream, names))], status=2)
    return tuple(_fields(known.streams[stream].get("fields") or {}, ""))


def variables_of(known: Known, source: str) -> dict[str, str]:
    """For each setting that has to be given, the variable that holds it: secrets, and what else differs by account."""
    return {one.name: f"{source}_{one.name}".upper() for one in known.settings if one.needed or one.secret}


def snippet(known: Known, source: str, today: date) -> str:
    """A source for `project.yaml`, ready to be pasted below `sources:`."""
    # Of settings that stand in for each other, the first one is filled in.
    groups = known.preset.value.get("needs", ()) if known.preset is not None else ()
    optional = {one.name for one in known.settings if not one.needed} - {group[0] for group in groups}
    lines = [f"  {source}:", f"    connector: {known.name}"]
    given = variables_of(known, source)
    if given:
        lines.append("    with:")
        width = max(len(f'{name}: "${{{variable}}}"') for name, variable in given.items())
        for name, variable in given.items():
            written = f'{name}: "${{{variable}}}"'
            mark = "# " if name in optional else ""
            about = next(one.about.en for one in known.settings if one.name == name)
            lines.append(f"      {mark}{written:<{width}}  # {about}".rstrip(" #"))
    if known.streams:
        lines.append(f"    streams: [{', '.join(known.streams)}]")
    elif known.made is not None:
        lines += ["    streams:", *_stream_example(known)]
    if any("window" in one for one in known.streams.values()):
        lines.append(f"    since: {(today - timedelta(days=30)).isoformat()}")
    return "\n".join(lines) + "\n"


def _stream_example(known: Known) -> Iterator[str]:
    """What a stream of a connector that asks for some looks like: its settings that have to be given."""
    schema = known.made.stream_schema if known.made else {}
    needed = schema.get("required") or list(schema.get("properties") or {})[:1]
    yield "      my_stream: {" + ", ".join(f"{name}: …" for name in needed) + "}"


def _stream(name: str, given: dict[str, Any], limits: list[dict[str, Any]]) -> StreamOutline:
    label, window = given.get("label") or {}, given.get("window") or {}
    return StreamOutline(
        name=name,
        label=Label(label.get("zh") or name, label.get("en") or name),
        about=both(given.get("about") or ""),
        key=tuple(given.get("key") or ()),
        modified=given.get("modified"),
        span=window.get("span"),
        lag=window.get("lag", "5m") if window else None,
        history=window.get("history"),
        every=None if window else given.get("every", "1d"),
        paging=_paging(given.get("page") or {}),
        rate=tuple(_rate(one) for one in limits),
        fields=len(given.get("fields") or {}),
    )


def _paging(given: dict[str, Any]) -> str:
    by = given.get("by", "none")
    size = f" × {given['size']}" if "size" in given else ""
    return f"{by}{size}{' ←' if given.get('backwards') else ''}"


def _rate(given: dict[str, Any]) -> str:
    per = ", ".join(given.get("per") or ("stream",))
    return f"{given['rate']} ({per})"


def _fields(given: dict[str, Any], before: str) -> Iterator[FieldOutline]:
    for name, one in given.items():
        one = one or {}
        about = both(one.get("about") or "")
        if one.get("values"):
            listed = json.dumps(one["values"], ensure_ascii=False)
            about = Label(f"{about.zh} {listed}".strip(), f"{about.en} {listed}".strip())
        yield FieldOutline(before + name, one.get("type", "text"), one.get("unit"), one.get("pii"), about)
        yield from _fields(one.get("of") or {}, f"{before}{name}.")
