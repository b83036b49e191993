"""Read YAML so that every value remembers where it stands.

Values are plain Python (`dict`, `list`, `str`, `int`, `Decimal`, `bool`, `None`), typed by the few rules
of YAML 1.2's core schema that nobody trips over: only `true`, `false`, `null`, decimal integers and decimal
fractions are not text. `NO`, `012`, `12:30`, `1e3` and `2024-01-01` stay text. Anchors, aliases, tags,
merge keys and several documents in a file are refused: they let a small file grow without bound, and
nobody reads them on a Monday morning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from engine.diagnostic import Diagnostic, Place, finding
from engine.diagnostic.catalogue import yaml as problems

FEATURES: dict[str, dict[str, object]] = {
    "anchor": {
        "feature": "anchors",
        "feature_zh": "锚点（`&`）",
        "what": "an anchor",
        "advice": "write the value out where it is used",
        "advice_zh": "请在用到的地方直接写值",
    },
    "alias": {
        "feature": "aliases",
        "feature_zh": "别名（`*`）",
        "what": "an alias",
        "advice": "write the value out",
        "advice_zh": "请把值直接写出来",
    },
    "tag": {
        "feature": "tags",
        "feature_zh": "标签（`!`）",
        "what": "a tag",
        "advice": "leave the tag out; quote the value to make it text",
        "advice_zh": "请去掉标签；需要文本时给值加引号",
    },
    "merge": {
        "feature": "merge keys",
        "feature_zh": "合并键（`<<`）",
        "what": "a merge key",
        "advice": "write the keys out",
        "advice_zh": "请把各键直接写出来",
    },
    "documents": {
        "feature": "documents separated by `---`",
        "feature_zh": "多个文档（`---`）",
        "what": "a second document",
        "advice": "make a file of each",
        "advice_zh": "请拆成多个文件",
    },
}
"""Parts of YAML that manifests do not use, and what to write instead."""

Path_ = tuple[str | int, ...]
"""The way to a value from the top of its document: keys and list positions."""

_LARGEST = 2_000_000
_DEEPEST = 40
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}\Z")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_BLANKS = " \t\r\n"
_ESCAPES = {"x": 4, "u": 6, "U": 10}
"""How many characters an escape takes between double quotes; two where it is not named here."""
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
        """Where the key of the value at `path` stands; for an item of a list, its first key."""
        span = self.keys.get(path)
        if span is None and path:
            inside = (key for key in self.keys if key[:-1] == path)
            span = self.keys.get(next(inside, path))
        return self._at(span.start, span.end) if span else self.place(*path)

    def inside(self, path: Path_, start: int, end: int) -> Place:
        """Where characters `start` to `end` of the text value at `path` stand in the file."""
        span = self.spans.get(path)
        if span is None:
            return self.place(*path)
        value = self.value_at(path)
        offsets = _offsets(self.text, span, value) if isinstance(value, str) else []
        if not offsets:
            return self._at(span.start, span.end)
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(max(end - 1, start), len(offsets) - 1)]
        return self._at(first, max(last + 1, first + 1))

    def value_at(self, path: Path_) -> Any:
        """The value at `path`; KeyError or IndexError where there is none."""
        value = self.value
        for step in path:
            value = value[step]
        return value

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
        return None, (_not_utf8(data, failure, shown),)
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
        self._key_stack: list[bool] = []
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
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._feature(event, "alias")
            self._alias(_span(event))
        elif isinstance(event, yaml.DocumentStartEvent) and self.started:
            self._feature(event, "documents")
            self._stack, self._key_stack, self._path, self._awaits_key = [], [], [], False

    def _refuse_features(self, event: Any) -> None:
        if event.anchor is not None:
            self._feature(event, "anchor")
        if event.tag is not None:
            self._feature(event, "tag")

    def _alias(self, span: Span) -> None:
        if self._awaits_key:
            self._take_key(f"\0{span.start}", span)
        else:
            self._put(None, span)

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
            self.found.append(finding("yaml-feature", self.document._at(*span[:2]), **FEATURES["merge"]))
        elif key in container:
            first = self.document.key(*path).line
            self.found.append(finding("duplicate-key", self.document._at(*span[:2]), key=key, first=first))
        else:
            self.keys[path] = span
            if not container and self.spans[tuple(self._path)].start == span.start:
                self.spans[tuple(self._path)] = span
        self._key, self._awaits_key = key, False

    def _open(self, event: Any, container: dict[str, Any] | list[Any]) -> None:
        span = Span(event.start_mark.index, event.start_mark.index + 1)
        is_key = self._awaits_key
        if is_key:
            self.found.append(finding("not-a-key", self.document._at(*span[:2])))
            self._key, self._awaits_key = f"\0{span.start}", False
        if len(self._stack) >= _DEEPEST:
            self.found.append(finding("too-deep", self.document._at(*span[:2]), limit=_DEEPEST))
        step = self._put(container, span)
        if step is not None:
            self._path.append(step)
        self._stack.append(container)
        self._key_stack.append(is_key)
        self._awaits_key = isinstance(container, dict)

    def _close(self, event: Any) -> None:
        self._stack.pop()
        is_key = self._key_stack.pop()
        start, end = self.spans[tuple(self._path)].start, event.end_mark.index
        if self.document.text[start : start + 1] in ("{", "[") and self.document.text[end - 1 : end] in ("}", "]"):
            self.spans[tuple(self._path)] = Span(start, end)
        if self._stack:
            self._key = str(self._path.pop())
            self._awaits_key = isinstance(self._stack[-1], dict) and not is_key

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

    def _feature(self, event: Any, name: str) -> None:
        start = event.start_mark.index
        end = start + len(re.match(r"\S*", self.document.text[start:])[0])  # type: ignore[index]
        self.found.append(finding("yaml-feature", self.document._at(start, max(end, start + 1)), **FEATURES[name]))


def _span(event: Any) -> Span:
    return Span(event.start_mark.index, event.end_mark.index)


def _typed(plain: str) -> Any:
    if plain in ("", "null"):
        return None
    if plain in ("true", "false"):
        return plain == "true"
    if _WHOLE.match(plain):
        return int(plain)
    return Decimal(plain) if _FRACTION.match(plain) else plain


def _syntax(failure: Exception, document: Document) -> Diagnostic:
    if isinstance(failure, yaml.reader.ReaderError) or not isinstance(failure, yaml.MarkedYAMLError):
        return _unreadable(failure, document)
    stopped = _position(failure.problem_mark or failure.context_mark, document)
    began = _position(failure.context_mark or failure.problem_mark, document)
    said = failure.problem or "unknown"
    problem = _problem(said, document.text, began, stopped)
    line = document.text.rfind("\n", 0, stopped) + 1
    before = line if problem is problems.COLON_IN_TEXT else document.text.rfind("\n", 0, max(line - 1, 0)) + 1
    colon = _full_width_colon(document.text, min(before, document.text.rfind("\n", 0, began) + 1), stopped)
    if colon:
        return finding("full-width-colon", document._at(colon.end() - 1, colon.end()), key=colon[1])
    if document.text[stopped : stopped + 1] == "\t":
        return finding("tab-indent", document._at(stopped, stopped + 1))
    start = began if problem.at == "began" else stopped
    return _told(problem, document, start, _end_of_mark(problem, document.text, start), said=said)


def _unreadable(failure: Exception, document: Document) -> Diagnostic:
    """A character that YAML refuses; the reader's own position counts bytes."""
    said = str(getattr(failure, "reason", failure))
    match = _FORBIDDEN.search(document.text)
    if match is None:
        return _told(problems.UNKNOWN, document, 0, 1, said=said)
    problem = problems.PROBLEMS["control characters are not allowed"]
    return _told(problem, document, match.start(), match.end(), character=f"U+{ord(match[0]):04X}")


def _told(problem: problems.Problem, document: Document, start: int, end: int, **facts: object) -> Diagnostic:
    return finding(
        "yaml-syntax",
        document._at(start, end),
        reason=problem.reason.format_map(facts),
        reason_zh=problem.reason_zh.format_map(facts),
        advice=problem.advice,
        advice_zh=problem.advice_zh,
    )


def _problem(said: str, text: str, began: int, stopped: int) -> problems.Problem:
    """What the reader's words most likely mean here."""
    before = text[text.rfind("\n", 0, stopped) + 1 : stopped]
    if said.startswith("did not find expected ',' or") and before.count("(") > before.count(")"):
        return problems.COMMA_IN_TEXT
    if before.rstrip().endswith(("'", '"')) and not said.endswith("escape character") and before.strip(" -'\""):
        return problems.TEXT_AFTER_QUOTE
    if said == "mapping values are not allowed in this context" and re.search(r":\s+\S", before):
        return problems.COLON_IN_TEXT
    if said.startswith("did not find expected ',' or") and text[stopped : stopped + 1] == "{" and before.endswith("$"):
        return problems.VARIABLE_NOT_QUOTED
    if said.startswith("did not find expected ',' or") and "\n" in text[began:stopped]:
        return problems.BRACKET_LEFT_OPEN
    return problems.PROBLEMS.get(said, problems.UNKNOWN)


def _end_of_mark(problem: problems.Problem, text: str, start: int) -> int:
    """Where the mark ends: a key without its colon is marked to the end of its line, all else is one character."""
    if problem is not problems.PROBLEMS["could not find expected ':'"]:
        return start + 1
    line = text[start:].split("\n", 1)[0]
    return start + max(len(line.split(" #", 1)[0].rstrip()), 1)


def _position(mark: Any, document: Document) -> int:
    """A mark of the reader as an offset; the end of the text where it lies behind."""
    return min(mark.index, max(len(document.text.rstrip()) - 1, 0)) if mark else 0


def _full_width_colon(text: str, start: int, stopped: int) -> re.Match[str] | None:
    """The last full-width colon after a key between two places, on the lines that the reader stumbled over."""
    found = [match for match in _FULL_WIDTH_COLON.finditer(text) if start <= match.start(1) <= stopped]
    return found[-1] if found else None


def _not_utf8(data: bytes, failure: UnicodeDecodeError, shown: str) -> Diagnostic:
    """The place is shown as the encoding that Chinese Windows writes, where the file reads as that."""
    try:
        data.decode("gb18030")
        encoding = "gb18030"
    except UnicodeDecodeError:
        encoding = "utf-8"
    line_start = data.rfind(b"\n", 0, failure.start) + 1
    line_end = data.find(b"\n", failure.start)
    line = data[line_start : line_end if line_end >= 0 else len(data)].decode(encoding, "replace").rstrip("\r")
    column = len(data[line_start : failure.start].decode(encoding, "replace")) + 1
    place = Place(shown, data.count(b"\n", 0, failure.start) + 1, column, 1, line)
    return finding("not-utf8", place, path=shown, encoding="GB18030 (GBK)" if encoding == "gb18030" else None)


def _offsets(text: str, span: Span, value: str) -> list[int]:
    """Where each character of a scalar's value stands in the text, whatever its style, folding and escapes."""
    at = text.find("\n", span.start) + 1 if span.style in ("|", ">") else span.start + bool(span.style)
    offsets: list[int] = []
    for char in value:
        at = _next(text, at, char, span)
        offsets.append(min(at, span.end))
        at += _taken(text, at, char, span)
    return offsets


def _next(text: str, at: int, char: str, span: Span) -> int:
    """Where the character is that stands for `char`: behind what folding and indentation put in between."""
    while at < span.end:
        if span.style == '"' and text[at] == "\\" and text[at + 1 : at + 2] in ("\n", "\r"):
            at += 2
        elif text[at] in _BLANKS and char not in _BLANKS:
            at += 1
        else:
            break
    return at


def _taken(text: str, at: int, char: str, span: Span) -> int:
    """How many characters of the text stand for `char`."""
    there = text[at : at + 1]
    if span.style == '"' and there == "\\":
        return _ESCAPES.get(text[at + 1 : at + 2], 2)
    if span.style == "'" and there == "'":
        return 2
    return 0 if char in _BLANKS and there not in _BLANKS else 1
