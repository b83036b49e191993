"""Read YAML so that every value remembers where it stands.

Values are plain Python (`dict`, `list`, `str`, `int`, `Decimal`, `bool`, `None`), typed by the few rules
of YAML 1.2's core schema that nobody trips over: only `true`, `false`, `null`, decimal integers and decimal
fractions are not text. `NO`, `012`, `12:30`, `1e3` and `2024-01-01` stay text. Anchors, aliases, tags,
merge keys and several documents in a file are refused: they let a small file grow without bound, and
nobody reads them on a Monday morning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from engine.diagnostic import Diagnostic, Place, finding

Path_ = tuple[str | int, ...]
"""The way to a value from the top of its document: keys and list positions."""

_LARGEST = 2_000_000
_DEEPEST = 40
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}\Z")
_FULL_WIDTH_COLON = re.compile(r"^\s*(?:- +)*([^\s#'\"：:{}\[\]-][^\s'\"：:{}\[\]]*)\s*：", re.MULTILINE)


class Span(NamedTuple):
    """Where a scalar or key begins and ends: offsets into the text, and how it was quoted."""

    start: int
    end: int
    style: str | None = None


@dataclass(frozen=True)
class Document:
    """The value of one YAML file, with a place for every part of it."""

    path: str
    text: str
    value: Any
    spans: dict[Path_, Span] = field(repr=False)
    keys: dict[Path_, Span] = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the file's text."""
        return sha256(self.text.encode()).hexdigest()

    def place(self, *path: str | int) -> Place:
        """Where the value at `path` stands; the nearest part above it where it is not there itself."""
        for depth in range(len(path), -1, -1):
            span = self.spans.get(path[:depth]) or self.keys.get(path[:depth])
            if span:
                return self._at(span.start, span.end)
        return Place(self.path)

    def key(self, *path: str | int) -> Place:
        """Where the key of the value at `path` stands."""
        span = self.keys.get(path)
        return self._at(span.start, span.end) if span else self.place(*path)

    def inside(self, path: Path_, start: int, end: int) -> Place:
        """Where characters `start` to `end` of the text value at `path` stand in the file."""
        span = self.spans.get(path)
        if span is None:
            return self.place(*path)
        offsets = _offsets(self.text, span)
        if not offsets:
            return self._at(span.start, span.end)
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(max(end - 1, start), len(offsets) - 1)]
        return self._at(first, max(last + 1, first + 1))

    def _at(self, start: int, end: int) -> Place:
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        line = self.text[line_start : line_end if line_end >= 0 else len(self.text)].rstrip("\r")
        column = start - line_start + 1
        stop = min(end, line_start + len(line))
        return Place(self.path, self.text.count("\n", 0, start) + 1, column, max(stop - start, 1), line)


@dataclass(frozen=True)
class Origin:
    """Where in which document a declared thing stands; what `check` uses to point at it."""

    document: Document = field(repr=False)
    path: Path_

    def place(self, *more: str | int) -> Place:
        """The place of the thing, or of a part of it."""
        return self.document.place(*self.path, *more)

    def key(self, *more: str | int) -> Place:
        """The place of the key of the thing, or of a part of it."""
        return self.document.key(*self.path, *more)

    def inside(self, *more: str | int, start: int, end: int) -> Place:
        """The place of a stretch of characters inside a text value."""
        return self.document.inside((*self.path, *more), start, end)

    def has(self, *more: str | int) -> bool:
        """Whether the document gives this part."""
        path = (*self.path, *more)
        return path in self.spans or path in self.document.keys

    @property
    def spans(self) -> dict[Path_, Span]:
        """The spans of the whole document."""
        return self.document.spans


def read(file: Path, shown: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Read a YAML file; `shown` is the path that people see. A document comes only without findings."""
    try:
        data = file.read_bytes()
    except OSError as failure:
        return None, (finding("unreadable-file", Place(shown), path=shown, reason=failure.strerror or "unknown"),)
    if len(data) > _LARGEST:
        return None, (finding("too-large", Place(shown), path=shown, limit=f"{_LARGEST // 1_000_000} MB"),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        return None, (finding("not-utf8", _undecodable(data, failure.start, shown), path=shown),)
    return parse(text, shown)


def parse(text: str, shown: str = "<text>") -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Read YAML from text; a document comes only without findings."""
    builder = _Builder(shown, text)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
            if builder.found and builder.found[-1].code == "too-deep":
                break
    except (yaml.YAMLError, ValueError) as failure:
        builder.found.append(_syntax(failure, builder.document))
    if not builder.found and not builder.started:
        builder.found.append(finding("empty-document", Place(shown), path=shown))
    document = Document(shown, text, builder.top, builder.spans, builder.keys)
    return (None if builder.found else document), tuple(builder.found)


class _Builder:
    """Builds values from YAML events with a stack of its own, so that no depth of nesting can hurt it."""

    def __init__(self, shown: str, text: str) -> None:
        self.top: Any = None
        self.started = False
        self.found: list[Diagnostic] = []
        self.spans: dict[Path_, Span] = {}
        self.keys: dict[Path_, Span] = {}
        self.document = Document(shown, text, None, self.spans, self.keys)
        self._stack: list[dict[str, Any] | list[Any]] = []
        self._path: list[str | int] = []
        self._key: str | None = None
        self._awaits_key = False

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_features(event)
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_features(event)
            self._open(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._feature(event, "aliases", "write the value out", "请把值直接写出来")
            self._put(None, _span(event))
        elif isinstance(event, yaml.DocumentStartEvent):
            if self.started:
                self._feature(event, "documents separated by `---`", "make a file of each", "请拆成多个文件")
                self._stack, self._path, self._awaits_key = [], [], False

    def _refuse_features(self, event: Any) -> None:
        if event.anchor is not None:
            self._feature(event, "anchors", "write the value out where it is used", "请在用到的地方直接写值")
        if event.tag is not None:
            self._feature(
                event, "tags", "leave the tag out; quote the value to make it text", "请去掉标签；需要文本时给值加引号"
            )

    def _scalar(self, event: Any) -> None:
        span = Span(event.start_mark.index, event.end_mark.index, event.style or None)
        if self._awaits_key:
            self._take_key(event.value, span)
        else:
            self._put(event.value if span.style else _typed(event.value), span)

    def _take_key(self, key: str, span: Span) -> None:
        container = self._stack[-1]
        assert isinstance(container, dict)
        path = (*self._path, key)
        if key == "<<" and span.style is None:
            self.found.append(
                _feature_at(self.document._at(*span[:2]), "merge keys", "write the keys out", "请把各键直接写出来")
            )
        elif key in container:
            first = self.document.key(*path).line
            self.found.append(finding("duplicate-key", self.document._at(*span[:2]), key=key, first=first))
        else:
            self.keys[path] = span
        self._key, self._awaits_key = key, False

    def _open(self, event: Any, container: dict[str, Any] | list[Any]) -> None:
        span = Span(event.start_mark.index, event.start_mark.index + 1)
        if self._awaits_key:
            self.found.append(finding("not-a-key", self.document._at(*span[:2])))
            self._key, self._awaits_key = f"\0{span.start}", False
        if len(self._stack) >= _DEEPEST:
            self.found.append(finding("too-deep", self.document._at(*span[:2]), limit=_DEEPEST))
        step = self._put(container, span)
        if step is not None:
            self._path.append(step)
        self._stack.append(container)
        self._awaits_key = isinstance(container, dict)

    def _close(self) -> None:
        self._stack.pop()
        if self._stack:
            self._path.pop()
            self._awaits_key = isinstance(self._stack[-1], dict)

    def _put(self, value: Any, span: Span) -> str | int | None:
        """Put a value where it belongs; returns its key or position there."""
        if not self._stack:
            self.top, self.started = value, True
            self.spans[()] = span
            return None
        container = self._stack[-1]
        step: str | int
        if isinstance(container, list):
            step = len(container)
            container.append(value)
        else:
            assert self._key is not None
            step = self._key
            container[step] = value
            self._awaits_key = True
        self.spans[(*self._path, step)] = span
        return step

    def _feature(self, event: Any, feature: str, advice: str, advice_zh: str) -> None:
        start, end = event.start_mark.index, max(event.end_mark.index, event.start_mark.index + 1)
        self.found.append(_feature_at(self.document._at(start, end), feature, advice, advice_zh))


def _span(event: Any) -> Span:
    return Span(event.start_mark.index, event.end_mark.index)


def _feature_at(place: Place, feature: str, advice: str, advice_zh: str) -> Diagnostic:
    return finding("yaml-feature", place, feature=feature, advice=advice, advice_zh=advice_zh)


def _typed(plain: str) -> Any:
    if plain in ("", "null"):
        return None
    if plain in ("true", "false"):
        return plain == "true"
    if _WHOLE.match(plain):
        return int(plain)
    return Decimal(plain) if _FRACTION.match(plain) else plain


def _syntax(failure: Exception, document: Document) -> Diagnostic:
    colon = _FULL_WIDTH_COLON.search(document.text)
    if colon:
        return finding("full-width-colon", document._at(colon.end() - 1, colon.end()), key=colon[1])
    mark = getattr(failure, "problem_mark", None) or getattr(failure, "context_mark", None)
    problem = getattr(failure, "problem", None) or getattr(failure, "reason", None) or str(failure)
    if mark is None:
        position = getattr(failure, "position", None)
        place = document._at(position, position + 1) if isinstance(position, int) else Place(document.path)
    else:
        index = min(mark.index, max(len(document.text.rstrip()) - 1, 0))
        place = document._at(index, index + 1)
    if "\\t" in problem or (place.text[place.column - 1 : place.column] == "\t"):
        return finding("tab-indent", place)
    return finding("yaml-syntax", place, reason=problem, context=getattr(failure, "context", None))


def _undecodable(data: bytes, start: int, shown: str) -> Place:
    before = data[:start]
    line_start = before.rfind(b"\n") + 1
    line_end = data.find(b"\n", start)
    line = data[line_start : line_end if line_end >= 0 else len(data)].decode("utf-8", "replace")
    column = len(data[line_start:start].decode("utf-8", "replace")) + 1
    return Place(shown, before.count(b"\n") + 1, column, 1, line)


def _offsets(text: str, span: Span) -> list[int]:
    """Where each character of a scalar's value stands in the text; empty where that cannot be told simply."""
    if span.style in ("|", ">"):
        return list(_block_offsets(text, span))
    body_start, body_end = (span.start + 1, span.end - 1) if span.style else (span.start, span.end)
    body = text[body_start:body_end]
    if "\n" in body or (span.style == '"' and "\\" in body):
        return []
    if span.style == "'":
        return [
            body_start + index for index in range(len(body)) if not (body[index] == "'" and body[:index].count("'") % 2)
        ]
    return list(range(body_start, body_end))


def _block_offsets(text: str, span: Span) -> Iterator[int]:
    start = text.find("\n", span.start) + 1
    lines = text[start : span.end].splitlines(keepends=True)
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    for line in lines:
        yield from range(start + min(indent, len(line.rstrip("\n"))), start + len(line))
        start += len(line)
