"""Records that a tap hands over in files: the BATCH message of the Meltano SDK, as JSON lines, packed with gzip or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engine.connector import Workplace
from engine.singer.message import Message, value
from engine.singer.tap import LONGEST_LINE

_SCHEME = "file://"


class NotTaken(Exception):
    """A file of records cannot be taken: its name, and why in both languages."""

    def __init__(self, file: str, reason: str, reason_zh: str) -> None:
        self.file, self.reason, self.reason_zh = file, reason, reason_zh
        super().__init__(reason)


def batch_lines(message: Message, place: Workplace) -> Iterator[bytes]:
    """The records in the files that a message names, as they are written; raises `NotTaken`, and `NotAMessage`."""
    encoding = value(message.encoding) or {}
    names = value(message.manifest)
    if not isinstance(names, list) or not isinstance(encoding, dict):
        raise NotTaken("", "the message names no files", "消息里没有文件名")
    kind, packing = encoding.get("format", "jsonl"), encoding.get("compression") or "none"
    for name in map(str, names):
        if kind != "jsonl" or packing not in ("gzip", "none"):
            raise NotTaken(
                name, f"its format is `{kind}`, packed with `{packing}`", f"格式是 `{kind}`，压缩是 `{packing}`"
            )
        yield from _lines(name, _located(name, place), packed=packing == "gzip")


def _lines(name: str, file: Path, *, packed: bool) -> Iterator[bytes]:
    try:
        with _opened(file, packed=packed) as lines:
            while line := lines.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise NotTaken(name, "a record is too long", "有一条记录太长")
                if record := line.strip():
                    yield record
    except (OSError, EOFError, zlib.error) as failure:
        reason = getattr(failure, "strerror", None) or str(failure) or type(failure).__name__
        raise NotTaken(name, str(reason), str(reason)) from None


def _opened(file: Path, *, packed: bool) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(file, "rb") if packed else file.open("rb")


def _located(name: str, place: Workplace) -> Path:
    """The file of that name, which must lie in the project or among the run's own files."""
    path = name.removeprefix(_SCHEME)
    if "://" in path:
        raise NotTaken(name, "it is not on this machine", "它不在本机")
    try:
        file = (place.root / path).resolve()
        allowed = any(file.is_relative_to(folder.resolve()) for folder in (place.root, place.scratch))
    except (OSError, ValueError, RuntimeError):
        allowed = False
    if not allowed:
        raise NotTaken(name, "it is outside of the project", "它在项目之外")
    return file
