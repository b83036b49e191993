"""What is taken out of an answer: the few values that decide what comes next, and the records, cut out unread.

An answer of a hundred orders is not turned into Python values. A decoder made for the paths that a connector looks at
skips over everything else; records are slices of the bytes that came in. Numbers keep their digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from engine.connector import Response
from engine.rest.template import Scope, Template, compact, expression, path, paths

Path = tuple[str, ...]

_INEXACT = (re.compile(rb"\.(?:[0-9]{4}|(?<=[0-9]{12}\.)[0-9])"), re.compile(rb"E[+-]?[0-9]{1,3}[\s,\]}]"))
"""One of these stands in a page that holds a number with more digits than a float keeps; in most pages none does.

Each begins with a letter, so that looking for it costs next to nothing. Who writes a small `e` had a float already.
"""
_LONG = re.compile(rb"(?=[-+0-9.eE]{16})[0-9]*[.eE][-+.0-9eE]*")

_HALF = re.compile(
    rb"(?<!\\)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""Half of a character of two: text that was cut in the middle of an emoji. No decoder takes it."""

_exact = msgspec.json.Decoder(float_hook=Decimal)
_listed: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_keyed_list: msgspec.json.Decoder[list[dict[str, msgspec.Raw]]] = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_rows: msgspec.json.Decoder[list[list[msgspec.Raw]]] = msgspec.json.Decoder(list[list[msgspec.Raw]])


_GONE: Any = object()


class NotJson(ValueError):
    """An answer that is no JSON."""


@dataclass(frozen=True)
class Answer:
    """A response with what was looked up in it: `body` holds only the paths that were asked for, `listed` the bytes of
    the records. `is_there` tells whether there is a place for them at all, be it empty."""

    response: Response
    body: Any
    listed: bytes | None
    is_there: bool = True

    @cached_property
    def whole(self) -> Any:
        """The whole body as Python values, decimals exact; the text where it is no JSON."""
        try:
            return _exact.decode(self.response.body)
        except msgspec.DecodeError:
            return self.response.body.decode("utf-8", "replace")

    def scope(self, *, whole: bool = False) -> dict[str, Any]:
        """What expressions about the answer may use."""
        headers: dict[str, str] = {}
        for name, value in self.response.headers:  # one that is repeated is a list in pieces
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return {"body": self.whole if whole else self.body, "status": self.response.status, "headers": headers}


class Reader:
    """Decodes answers for the expressions that are asked of them."""

    def __init__(self, expressions: Iterable[str], records: str | None) -> None:
        self._records = path(records, "body") if records else None
        self._expression = expression(records, lenient=True) if records and self._records is None else None
        asked = [paths(one, "body") for one in expressions]
        needed = None if None in asked else {one for some in asked if some for one in some}
        if needed is not None and self._records is not None and () not in needed:
            tree = _tree(needed, self._records)
            self._decoder = msgspec.json.Decoder(_type(tree)) if tree is not None else None
            self._tree = tree
        else:
            self._decoder, self._tree = None, None

    def read(self, response: Response) -> Answer:
        """Look up in a response what this reader was made for. Raises `NotJson`."""
        try:
            return self._read(response)
        except NotJson:
            mended = _HALF.sub(rb"\\ufffd", response.body)
            if mended == response.body:
                raise
            return self._read(replace(response, body=mended))

    def _read(self, response: Response) -> Answer:
        if self._decoder is not None:
            try:
                return Answer(response, *_found(self._decoder.decode(response.body), self._tree))
            except msgspec.ValidationError:
                pass  # another shape than a good answer has: look at all of it
            except msgspec.DecodeError as failure:
                raise NotJson(str(failure)) from None
        return self._whole(response)

    def _whole(self, response: Response) -> Answer:
        if not response.body.strip():
            if response.status != 204:  # nothing at all is no empty list
                raise NotJson("the body is empty")
            return Answer(response, None, None)
        try:
            body = _exact.decode(response.body)
        except msgspec.DecodeError as failure:
            raise NotJson(str(failure)) from None
        found: Any = body
        is_there = True
        if self._records is not None:
            for at, step in enumerate(self._records):
                is_there = is_there and (at == 0 or found is not _GONE)
                found = found.get(step, _GONE) if isinstance(found, Mapping) else None
            found = None if found is _GONE else found
        else:
            found = self._expression({"body": body}) if self._expression else None
        return Answer(response, body, None if found is None else compact_exact(found).encode("utf-8"), is_there)


# --- records ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Records:
    """Records as lines of JSON, how many there are, all keys that they have between them, and the last one."""

    lines: bytes
    count: int
    keys: frozenset[str]
    last: bytes = b""


class Keys:
    """The keys of records, learnt as they come: who has only known ones is looked through without being read."""

    def __init__(self) -> None:
        # One value, so that another thread sees both or neither.
        self._learnt: tuple[frozenset[str], msgspec.json.Decoder[Any] | None] = (frozenset(), None)

    def of(self, listed: bytes) -> frozenset[str]:
        """All keys of the objects in a list, and perhaps some of lists before. Raises `msgspec.ValidationError`."""
        known, decoder = self._learnt
        if decoder is not None:
            try:
                decoder.decode(listed)
            except msgspec.ValidationError:
                pass  # a new key, or no object: look closely
            else:
                return known
        found = known.union(*(one.keys() for one in _keyed_list.decode(listed)))
        self._learnt = (found, msgspec.json.Decoder(list[_struct(found)]))  # type: ignore[misc]
        return found


def _struct(keys: frozenset[str]) -> Any:
    names = {f"f{at}": key for at, key in enumerate(sorted(keys))}
    fields = [(name, msgspec.Raw, _NOTHING) for name in names]
    return msgspec.defstruct("Known", fields, rename=names, forbid_unknown_fields=True, gc=False)


_NOTHING = msgspec.Raw()


def items(listed: bytes | None) -> list[msgspec.Raw]:
    """The elements of a list, each as it is written; one where there is a single object; none where there is nothing."""
    if not listed or listed.strip() in (b"null", b'""', b"{}", b"[]"):
        return []
    return _listed.decode(listed) if listed.lstrip()[:1] == b"[" else [msgspec.Raw(listed)]


def values(listed: bytes | None) -> list[Any]:
    """The elements of a list as Python values, numbers exact."""
    return [_exact.decode(one) for one in items(listed)]


def records(
    listed: bytes | None, known: Keys, columns: Sequence[str] = (), more: Mapping[str, Any] | None = None
) -> Records:
    """The records of a list: objects as they are, rows of values by the names of `columns`; `more` is added to each.

    Raises `NotJson` where an element is neither.
    """
    try:
        made: list[Any] = items(listed)
        if not made or listed is None:
            return Records(b"", 0, frozenset())
        if columns:
            made = [msgspec.json.encode(dict(zip(columns, row, strict=True))) for row in _rows.decode(listed)]
        if b"\n" in listed:
            made = [msgspec.json.format(bytes(one), indent=-1) for one in made]
        if _is_inexact(listed):
            made = [_with_digits(bytes(one)) for one in made]
        keys = known.of(listed if listed.lstrip()[:1] == b"[" and not columns else b"[" + b",".join(made) + b"]")
        if more:
            tail = b"," + msgspec.json.encode(more)[1:]
            made = [_with_more(bytes(one), tail) for one in made]
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as failure:
        raise NotJson(str(failure)) from None
    return Records(b"\n".join(made) + b"\n", len(made), keys.union(more or ()), bytes(made[-1]))


def _with_more(record: bytes, tail: bytes) -> bytes:
    """An object with more keys at its end; `tail` begins with a comma."""
    inner = record.rstrip()[:-1].rstrip()
    return inner + (tail if inner != b"{" else tail[1:])


def _is_inexact(listed: bytes) -> bool:
    """Whether a number in it has more digits than a float keeps, as far as can be told without reading it."""
    return any(one.search(listed) for one in _INEXACT) and any(_digits(found) > 15 for found in _LONG.findall(listed))


def _digits(number: bytes) -> int:
    return sum(48 <= byte <= 57 for byte in number)


def _with_digits(record: bytes) -> bytes:
    """A record in which numbers with a fraction are texts, so that no reader makes floats of them."""
    value = json.loads(record, parse_float=str)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def compact_exact(value: Any) -> str:
    """Compact JSON in which decimals keep their digits."""
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode("utf-8")


# --- decoders ---------------------------------------------------------------------------------------------------

Tree = dict[str, Any]
_LEAF = "leaf"
_RECORDS = "records"


def _tree(needed: set[Path], listed: Path) -> Tree | None:
    """Paths as a tree; None where one lies inside another, so that parts of a body cannot be told apart."""
    root: Tree = {}
    for one, kind in [*((one, _LEAF) for one in sorted(needed)), (listed, _RECORDS)]:
        if not one:
            return None
        here = root
        for step in one[:-1]:
            here = here.setdefault(step, {})
            if isinstance(here, str):
                return None
        if one[-1] in here:
            return None
        here[one[-1]] = kind
    return root


def _type(tree: Tree | str) -> Any:
    if isinstance(tree, str):
        return msgspec.Raw
    names = {f"f{at}": key for at, key in enumerate(tree)}
    fields = [(f"f{at}", *_kind(part)) for at, part in enumerate(tree.values())]
    return msgspec.defstruct("Part", fields, rename=names)


def _kind(part: Tree | str) -> tuple[Any, Any]:
    """Type and default of a part of a body: one that is not there is told from one that is null."""
    return (
        (_type(part) | None | msgspec.UnsetType, msgspec.UNSET) if isinstance(part, dict) else (msgspec.Raw, _NOTHING)
    )


def _found(decoded: Any, tree: Tree | None) -> tuple[dict[str, Any], bytes | None, bool]:
    """A decoded body as plain values, the bytes of its records, and whether the place where they belong is there."""
    body: dict[str, Any] = {}
    listed: bytes | None = None
    is_there = False
    for at, (key, part) in enumerate((tree or {}).items()):
        value = getattr(decoded, f"f{at}")
        if isinstance(part, dict):
            if value is None:
                body[key] = None
                is_there = is_there or _holds_records(part)
            elif value is not msgspec.UNSET:
                body[key], inside, below = _found(value, part)
                listed = inside if inside is not None else listed
                is_there = is_there or below
        elif part == _RECORDS:
            is_there = True
            listed = bytes(value) or None
        elif bytes(value):
            body[key] = _exact.decode(value)
    return body, listed, is_there


def _holds_records(tree: Tree) -> bool:
    return any(part == _RECORDS or (isinstance(part, dict) and _holds_records(part)) for part in tree.values())


def lenient(text: str) -> Template:
    """An expression about an answer, in which what is missing counts as nothing."""
    return expression(text, lenient=True)


def short(answer: Answer, limit: int = 200) -> str:
    """The beginning of an answer that nothing else is known about."""
    whole = answer.whole
    said = whole if isinstance(whole, str) else compact(whole)
    return " ".join(said.split())[:limit]


__all__ = [
    "Answer",
    "Keys",
    "NotJson",
    "Reader",
    "Records",
    "Scope",
    "compact_exact",
    "items",
    "lenient",
    "records",
    "short",
    "values",
]
