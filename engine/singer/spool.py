"""Records on their way to the warehouse: a file of JSON lines at a time, deleted once its landing is stored.

A record stays the text that the tap wrote. Only where it holds a number with a fraction or an exponent, its numbers,
objects and lists are written as text, because readers of JSON pass such numbers through a float.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.connector import JsonLines, Landing, Rows, same_name
from engine.diagnostic import Diagnostic
from engine.files.content import new_file
from engine.files.header import changed_names, column_names
from engine.singer.message import NULL, Message, NotAMessage, members

MOST_RECORDS = 50_000
MOST_BYTES = 32 << 20
LONGEST = 300.0
"""A landing holds at most so many records and bytes, and what a tap wrote in so many seconds before it told its state."""

EXTRACTED, VERSION = "_sdc_extracted_at", "_sdc_table_version"
"""Columns for what a tap says about a record beside it: when it was read, and of which version of the table it is."""

_FRACTION = re.compile(rb"[:\[,]\s*-?\d+[.eE]")
_NUMERIC, _NESTED = frozenset(b"-0123456789"), frozenset(b"[{")


class _Names(dict[str, bytes]):
    """Names as they stand before values, each made once: a stream has few of them, and many records."""

    def __missing__(self, name: str) -> bytes:
        self[name] = made = msgspec.json.encode(name) + b":"
        return made


class Spool:
    """The file that records are written to, a new one for each landing."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.before = 0
        """Records of earlier landings."""
        self.path = scratch
        self.rows = self.size = 0
        self.keys: set[str] = set()
        self.began = 0.0
        self._file: IO[bytes] | None = None
        self._names = _Names()

    @property
    def total(self) -> int:
        """Records of the whole reading so far."""
        return self.before + self.rows

    @property
    def is_full(self) -> bool:
        """Whether it is time to land."""
        return self.rows >= MOST_RECORDS or self.size >= MOST_BYTES

    @property
    def is_old(self) -> bool:
        """Whether what is here has waited long."""
        return self.rows > 0 and time.monotonic() - self.began > LONGEST

    def add(self, record: bytes, beside: Message) -> None:
        """Write a record, and what its message says beside it; raises `NotAMessage` where it is no object."""
        fields = members(record)
        told = ((EXTRACTED, beside.time_extracted), (VERSION, beside.version))
        extras = {name: bytes(text) for name, text in told if bytes(text) != NULL and name not in fields}
        text = _exact(record, fields, self._names)
        if extras:
            inside = b",".join(b'"%s":%s' % (name.encode(), extra) for name, extra in extras.items())
            text = b"{" + inside + (b"," if fields else b"") + text.lstrip()[1:]
        if self._file is None:
            self.path, self.began = new_file(self.scratch, "records"), time.monotonic()
            self._file = self.path.open("wb")
        self._file.write(text + b"\n")
        self.rows += 1
        self.size += len(text) + 1
        self.keys |= fields.keys() | extras.keys()

    def landing(self, properties: Iterable[str], cursor: Any, diagnostics: tuple[Diagnostic, ...]) -> Landing:
        """What was written, as a landing; `properties` are the fields that the schema tells."""
        assert self._file is not None
        self._file.close()
        declared = tuple(properties)
        keys = (*declared, *sorted(self.keys - set(declared))) or (EXTRACTED,)
        columns = column_names(keys)
        rows = Rows(columns, _Records(self.path, keys, self.before + 1))
        renamed = len({same_name(key) for key in keys}) < len(keys) or not all(map(same_name, keys))
        detail = {"format": "singer", **({"headers": changed_names(columns, keys)} if renamed else {})}
        return Landing(
            rows if renamed else JsonLines(self.path, keys),
            None if renamed else Rows(keys, rows.rows),
            self.before + 1,
            detail=detail,
            diagnostics=diagnostics,
            cursor=cursor,
        )

    def stored(self) -> None:
        """The landing is stored: its file may go."""
        self.before += self.rows
        self.path.unlink(missing_ok=True)
        self._file, self.rows, self.size, self.keys = None, 0, 0, set()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True, slots=True)
class _Records:
    """The records of a file one by one, for those that the warehouse's reader does not take: a key that is there
    twice, half a surrogate, names that differ only in case."""

    path: Path
    keys: tuple[str, ...]
    first: int

    def __iter__(self) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        with self.path.open("rb") as lines:
            for row, line in enumerate(lines, self.first):
                try:
                    fields = members(line)
                    yield row, tuple(_text(fields.get(key)) for key in self.keys), None
                except (NotAMessage, msgspec.DecodeError, UnicodeDecodeError):
                    yield row, (), line.decode("utf-8", "replace").rstrip("\n")


def _text(written: msgspec.Raw | None) -> str | None:
    """A value as raw keeps it: strings as they are, everything else as it is written."""
    text = bytes(written) if written is not None else NULL
    if text == NULL:
        return None
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()


def _exact(record: bytes, fields: dict[str, msgspec.Raw], names: _Names) -> bytes:
    """The record's text; where a number could lose digits, with numbers, objects and lists as texts."""
    if not _FRACTION.search(record):
        return record
    parts = []
    try:
        for key, raw in fields.items():
            text = bytes(raw)
            if text[0] in _NESTED:
                text = msgspec.json.encode(text.decode())
            elif text[0] in _NUMERIC:
                text = b'"' + text + b'"'
            parts.append(names[key] + text)
    except UnicodeDecodeError:  # its bytes are no text: the warehouse refuses it, and it is kept whole
        return record
    return b"{" + b",".join(parts) + b"}"
