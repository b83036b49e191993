"""The catalog of a tap: what streams there are, and which of them and of their fields a run is to read.

Two generations of catalogs are in use. Both are told: the metadata with their breadcrumbs, and the keys beside and
inside the schema that came before (Singer's discovery mode).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.connector import GiveUp, Workplace
from engine.diagnostic import finding, nearest
from engine.singer.private import read_private, write_private
from engine.singer.settings import Settings

Entry = dict[str, Any]

FRESH = 24 * 3600.0
"""A catalog that the tap told is asked for again after so many seconds."""

_LISTED = 40


def catalog_of(settings: Settings, place: Workplace, discover: Callable[[], bytes]) -> list[Entry]:
    """The streams of the catalog: the file that the source names, the one that was kept, or what the tap tells now.

    Raises `GiveUp` where it is no catalog.
    """
    if settings.catalog is not None:
        return _declared(settings, place.root / settings.catalog)
    file = place.keep / "catalog.json" if place.keep else None
    kept = read_private(file) if file else None
    if isinstance(kept, dict) and kept.get("command") == list(settings.command):
        entries: list[Entry] = kept["streams"]
        if 0 <= place.client.now() - kept["at"] < FRESH and _serves(entries, settings):
            return entries
    entries = _entries(settings, discover())
    if file:
        write_private(file, {"command": list(settings.command), "at": place.client.now(), "streams": entries})
    return entries


def entry_of(entries: list[Entry], settings: Settings) -> Entry:
    """The stream to read; raises `GiveUp` where the tap has none of that name, or lacks a field of it."""
    known = [id_of(entry) for entry in entries]
    entry = next((entry for entry in entries if id_of(entry) == settings.id), None)
    if entry is None:
        where = settings.stream.place("stream") if settings.stream.has("stream") else settings.stream.key()
        facts = {"known": _listed(known), "near": nearest(settings.id, known)}
        raise GiveUp(finding("tap-no-stream", where, tap=settings.tap, name=settings.id, **facts))
    fields = [name for name in _properties(entry) if _inclusion(entry, name) != "unsupported"]
    for path, name in _asked(settings):
        if name not in fields:
            where = settings.stream.place(*path)
            facts = {"known": _listed(fields), "near": nearest(name, fields)}
            raise GiveUp(finding("tap-no-field", where, tap=settings.tap, stream=settings.id, name=name, **facts))
    return entry


def _asked(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The fields that the stream's settings name, each with where they do."""
    yield from ((("select", at), name) for at, name in enumerate(settings.select))
    yield from ((("key", at), name) for at, name in enumerate(settings.key))
    if settings.cursor:
        yield ("cursor",), settings.cursor


def check_untold(settings: Settings) -> None:
    """Raise `GiveUp` where something is asked of a tap that knows no catalog, and so could not be told."""
    asked = {"select": settings.select, "cursor": settings.cursor, "key": settings.key}
    places = {name: settings.stream.place(name) for name, given in asked.items() if given}
    if settings.catalog is not None:
        places["catalog"] = settings.source.place("with", "catalog")
    if places:
        raise GiveUp(*(finding("tap-untold", place, tap=settings.tap, key=name) for name, place in places.items()))


def names_of(entry: Entry) -> set[str]:
    """The names that messages may call a stream by."""
    return {entry[key] for key in ("tap_stream_id", "stream", "stream_alias") if isinstance(entry.get(key), str)}


def id_of(entry: Entry) -> str:
    """What a stream is called in settings."""
    return str(entry.get("tap_stream_id") or entry.get("stream"))


def selection(entries: list[Entry], settings: Settings) -> dict[str, Any]:
    """The catalog with one stream selected, and of it the fields that are wanted."""
    made = copy.deepcopy(entries)
    for entry in made:
        is_chosen = id_of(entry) == settings.id
        entry["metadata"] = entry.get("metadata") or []
        _told(entry, ())["selected"] = is_chosen
        _schema(entry)["selected"] = is_chosen
        if is_chosen:
            _tell_replication(entry, settings)
            _tell_fields(entry, settings)
    return {"streams": made}


def _tell_replication(entry: Entry, settings: Settings) -> None:
    top = _told(entry, ())
    if settings.replication:
        method = "INCREMENTAL" if settings.replication == "incremental" else "FULL_TABLE"
        top["replication-method"] = entry["replication_method"] = method
    valid = top.get("valid-replication-keys") or []
    only = valid[0] if settings.replication == "incremental" and len(valid) == 1 else None
    cursor = settings.cursor or (only if not _cursor(entry) else None)
    if cursor:
        top["replication-key"] = entry["replication_key"] = cursor
    if settings.key:
        top["table-key-properties"] = entry["key_properties"] = list(settings.key)
        if "view-key-properties" in top:
            top["view-key-properties"] = list(settings.key)


def _tell_fields(entry: Entry, settings: Settings) -> None:
    top = _told(entry, ())
    needed = {*(top.get("table-key-properties") or ()), *(top.get("view-key-properties") or ())}
    needed |= {*(entry.get("key_properties") or ()), _cursor(entry)}
    for name, described in _properties(entry).items():
        inclusion = _inclusion(entry, name)
        is_wanted = not settings.select or name in settings.select or name in needed or inclusion == "automatic"
        is_wanted = is_wanted and inclusion != "unsupported"
        _told(entry, ("properties", name))["selected"] = is_wanted
        if isinstance(described, dict):
            described["selected"] = is_wanted
        for one in entry["metadata"]:
            if one["breadcrumb"][:2] == ["properties", name]:
                one["metadata"]["selected"] = is_wanted


def _told(entry: Entry, breadcrumb: tuple[str, ...]) -> dict[str, Any]:
    """The metadata of a stream or of one of its fields, made where there is none."""
    for one in entry.get("metadata") or []:
        if one["breadcrumb"] == list(breadcrumb):
            found: dict[str, Any] = one["metadata"]
            return found
    made: dict[str, Any] = {}
    entry.setdefault("metadata", []).append({"breadcrumb": list(breadcrumb), "metadata": made})
    return made


def _cursor(entry: Entry) -> str | None:
    told = (one["metadata"].get("replication-key") for one in entry.get("metadata") or [] if not one["breadcrumb"])
    return next(told, None) or entry.get("replication_key")


def _schema(entry: Entry) -> dict[str, Any]:
    schema = entry.setdefault("schema", {})
    return schema if isinstance(schema, dict) else {}


def _properties(entry: Entry) -> dict[str, Any]:
    properties = _schema(entry).get("properties")
    return properties if isinstance(properties, dict) else {}


def _inclusion(entry: Entry, name: str) -> str | None:
    for one in entry.get("metadata") or []:
        if one["breadcrumb"] == ["properties", name] and "inclusion" in one["metadata"]:
            return str(one["metadata"]["inclusion"])
    described = _properties(entry).get(name)
    return described.get("inclusion") if isinstance(described, dict) else None


def _serves(entries: list[Entry], settings: Settings) -> bool:
    """Whether a catalog knows what is asked for; an older one may not know it yet."""
    try:
        entry_of(entries, settings)
    except GiveUp:
        return False
    return True


def _declared(settings: Settings, file: Path) -> list[Entry]:
    try:
        return _entries(settings, file.read_bytes())
    except OSError as failure:
        place, path = settings.source.place("with", "catalog"), settings.catalog
        reason = failure.strerror or type(failure).__name__
        raise GiveUp(finding("unreadable-file", place, path=path, reason=reason)) from None


def _entries(settings: Settings, text: bytes) -> list[Entry]:
    """The streams in the text of a catalog."""
    try:
        top = json.loads(text)
    except ValueError as failure:
        raise _refused(settings, str(failure), str(failure)) from None
    entries = top.get("streams") if isinstance(top, dict) else None
    if not isinstance(entries, list):
        raise _refused(settings, "it has no list `streams`", "里面没有 `streams` 列表")
    for entry in entries:
        if not isinstance(entry, dict) or not names_of(entry):
            raise _refused(settings, "a stream has no `tap_stream_id`", "有的流没有 `tap_stream_id`")
        if not all(map(_is_metadata, entry.get("metadata") or [])):
            raise _refused(settings, f"the metadata of `{id_of(entry)}` are malformed", "metadata 的写法不对")
    return entries


def _is_metadata(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("breadcrumb"), list) and isinstance(one.get("metadata"), dict)


def _refused(settings: Settings, reason: str, reason_zh: str) -> GiveUp:
    place = settings.source.place("with", "catalog" if settings.catalog else "tap")
    return GiveUp(finding("tap-bad-catalog", place, tap=settings.tap, reason=reason, reason_zh=reason_zh))


def _listed(names: list[str]) -> str | None:
    shown = ", ".join(f"`{name}`" for name in sorted(names)[:_LISTED])
    return f"{shown} …" if len(names) > _LISTED else shown or None
