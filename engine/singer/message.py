"""The messages that a tap writes, one JSON object in a line; the parts that hold data stay text.

The Singer specification 0.3.0 has SCHEMA, RECORD and STATE, and lets types be written in any case. ACTIVATE_VERSION and
BATCH are later extensions that many taps use.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b')
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\.")
_HALF = 6

NULL = b"null"
_NOTHING = msgspec.Raw(NULL)


class Message(msgspec.Struct):
    """A line of a tap. What its type has no use for is not looked at."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = _NOTHING
    schema: msgspec.Raw = _NOTHING
    value: msgspec.Raw = _NOTHING
    version: msgspec.Raw = _NOTHING
    time_extracted: msgspec.Raw = _NOTHING
    manifest: msgspec.Raw = _NOTHING
    encoding: msgspec.Raw = _NOTHING


class NotAMessage(Exception):
    """A line is no message; says why."""


_MESSAGE = msgspec.json.Decoder(Message)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def message(line: bytes) -> Message:
    """The message in a line; raises `NotAMessage`."""
    try:
        try:
            return _MESSAGE.decode(line)
        except msgspec.DecodeError:
            mended = repaired(line)
            if mended == line:
                raise
            return _MESSAGE.decode(mended)
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise NotAMessage(_reason(failure)) from None


def members(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, their values as they are written; raises `NotAMessage`."""
    try:
        return _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise NotAMessage(_reason(failure)) from None


def value(text: msgspec.Raw) -> Any:
    """A part of a message as a value: whole numbers of any size, fractions as the tap itself would read them."""
    try:
        return json.loads(bytes(text))
    except ValueError as failure:
        raise NotAMessage(_reason(failure)) from None


def repaired(line: bytes) -> bytes:
    """The line without what some taps write although it is no JSON: `NaN` and `Infinity` become texts, and half a
    surrogate pair (an emoji cut in two) becomes the text of its escape."""
    return _TOKEN.sub(lambda token: _text(token[0]) if token[0][:1] == b'"' else b'"' + token[0] + b'"', line)


def _text(token: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: b"\\" + escape[0] if _is_half(escape[0]) else escape[0], token)


def _is_half(escape: bytes) -> bool:
    return len(escape) == _HALF and escape[:3].lower() == b"\\ud"


def _reason(failure: Exception) -> str:
    said = str(failure)
    return said[:1].lower() + said[1:] if not said.startswith("JSON") else said
