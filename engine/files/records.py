"""JSON documents and JSON lines as records: the members of each object become columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.connector import Landing, Rows
from engine.files.content import Content
from engine.files.encoding import Text, as_utf8
from engine.files.exactjson import Refused, as_text, parse
from engine.files.header import changed_names, column_names
from engine.files.lines import opened

_LARGEST = 512 << 20

Record = tuple[int, Any, str]
"""A record's row, its value (None where it is broken) and its text."""


def read_json(content: Content) -> Landing:
    """The records of a JSON document; GiveUp where it is broken or does not say where its records are."""
    text = as_utf8(content)
    if text.file.stat().st_size > _LARGEST:
        raise content.refused("file-too-large", limit="512 MB")
    with opened(text.file, text.start) as file:
        whole = file.read()
    if not whole.strip():
        raise content.refused("empty-file")
    try:
        top = parse(whole)
    except Refused as refused:
        raise _refusal(content, refused, whole) from None
    found = _list_of(content, top)
    records = [(row, one, "" if isinstance(one, dict) else as_text(one) or "null") for row, one in enumerate(found, 1)]
    if records and not any(isinstance(one, dict) for _, one, _ in records):
        raise content.refused("no-records")
    return _landing(text, "json", records)


def read_json_lines(content: Content) -> Landing:
    """The records of a file with one JSON object on each line; a broken line is kept as its text."""
    text = as_utf8(content)
    lines = _Lines(text)
    landing = _landing(text, "jsonl", lines)
    assert isinstance(landing.records, Rows)
    if not landing.records.columns:
        broken = next(iter(lines), None)
        raise content.refused("empty-file") if broken is None else content.refused("no-records", broken[0])
    return landing


@dataclass(frozen=True, slots=True)
class _Lines:
    """The records of JSON lines, read anew each time they are asked for."""

    text: Text

    def __iter__(self) -> Iterator[Record]:
        with opened(self.text.file, self.text.start) as file:
            for number, line in enumerate(file, 1):
                written = line.strip()
                if written:
                    yield number, _object(written), written


@dataclass(frozen=True, slots=True)
class _Values:
    """Records as rows of columns."""

    records: Iterable[Record]
    keys: tuple[str, ...]

    def __iter__(self) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        for row, value, text in self.records:
            if isinstance(value, dict):
                yield row, tuple(as_text(value.get(key)) for key in self.keys), None
            else:
                yield row, (), text


def _landing(text: Text, kind: str, records: Iterable[Record]) -> Landing:
    members: dict[str, None] = {}
    for _, value, _ in records:
        if isinstance(value, dict):
            members.update(dict.fromkeys(value))
    keys = tuple(members)
    columns = column_names(keys)
    headers = changed_names(columns, keys)
    detail = {"format": kind, "encoding": text.encoding, **({"headers": headers} if headers else {})}
    return Landing(Rows(columns, _Values(records, keys)), detail=detail, diagnostics=text.diagnostics)


def _object(line: str) -> Any:
    try:
        value = parse(line)
    except Refused:
        return None
    return value if isinstance(value, dict) else None


def _list_of(content: Content, top: Any) -> list[Any]:
    """The list of records in a document: where `records` says, or the only list of objects that there is."""
    declared = content.settings.records
    if declared:
        return _declared(content, top, declared)
    if isinstance(top, list):
        return top
    if not isinstance(top, dict):
        raise content.refused("no-records")
    lists = dict(_lists(top, ()))
    filled = [path for path, found in lists.items() if any(isinstance(one, dict) for one in found)]
    if len(filled) > 1:
        raise content.refused("several-lists", paths=", ".join(f"`{path}`" for path in filled), first=filled[0])
    return lists[filled[0]] if filled else [] if len(lists) == 1 and len(top) == 1 else [top]


def _declared(content: Content, top: Any, declared: str) -> list[Any]:
    found = top
    for key in [] if declared == "." else declared.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if found is None:
        paths = ", ".join(f"`{path}`" for path, _ in _lists(top, ())) or None
        raise content.refused("no-records", records=declared, paths=paths)
    return found if isinstance(found, list) else [found]


def _lists(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, list[Any]]]:
    """The lists in a document that no other list holds, by their dotted path."""
    if isinstance(value, list):
        yield ".".join(path), value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _lists(part, (*path, key))


def _refusal(content: Content, refused: Refused, whole: str) -> Exception:
    line = whole.splitlines()[refused.line - 1 : refused.line] if refused.line else []
    shown = "".join(line)
    column = refused.column
    if len(shown) > 200:  # a document on one line: show the surroundings only
        shown, column = shown[max(column - 60, 0) : column + 60], min(column, 61)
    subject = refused.subject or None
    return content.refused(refused.code, refused.line, column, shown, subject=subject, reason=refused.reason or None)
