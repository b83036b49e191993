"""JSON in which numbers keep their digits: `1.10`, `1e3` and ids of 20 digits come out as they went in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Refused(ValueError):
    """Text that is not JSON, or JSON that means two things at once; `code` says which, `subject` the key or word."""

    def __init__(self, code: str, subject: str = "", line: int = 0, column: int = 1, reason: str = "") -> None:
        self.code = code
        self.subject = subject
        self.line = line
        self.column = column
        self.reason = reason
        super().__init__(code)


def parse(text: str) -> Any:
    """The value of a JSON text, numbers as `Number`; `Refused` where it is broken, repeats a key or says NaN."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as failure:
        raise Refused("bad-json", line=failure.lineno, column=failure.colno, reason=failure.msg) from None
    except RecursionError:
        raise Refused("bad-json", reason="nested too deep") from None


def as_text(value: Any) -> str | None:
    """A value as a column holds it: text as it is, a number by its digits, objects and lists as compact JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _storable("".join(_written(value)))


def _written(value: Any) -> Iterator[str]:
    """Compact JSON, piece by piece; without recursion, so that no depth of nesting can hurt."""
    left: list[tuple[Any, bool]] = [(value, False)]
    while left:
        part, is_written = left.pop()
        if is_written or isinstance(part, Number):
            yield str(part)
        elif isinstance(part, dict):
            left += reversed([("{", True), *_members(part), ("}", True)])
        elif isinstance(part, list):
            left += reversed([("[", True), *_elements(part), ("]", True)])
        else:
            yield _quoted(part)


def _members(value: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    for index, (key, part) in enumerate(value.items()):
        yield f"{',' * bool(index)}{_quoted(key)}:", True
        yield part, False


def _elements(value: list[Any]) -> Iterator[tuple[Any, bool]]:
    for index, part in enumerate(value):
        yield "," * bool(index), True
        yield part, False


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _storable(text: str) -> str:
    """Text that can be stored: half of a character that JSON spelled as two is kept as it was spelled."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise Refused("repeated-key", next(key for key in keys if keys.count(key) > 1))
    return made


def _no_constant(word: str) -> Any:
    raise Refused("not-a-number", word)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=Number, parse_float=Number, parse_constant=_no_constant, strict=False
)
