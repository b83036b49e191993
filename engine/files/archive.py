"""Packed files: zip archives, whose members are parts, and single files packed with gzip.

An archive can hold far more than its size shows. What it may unpack to is bounded before and while unpacking,
and members are never written under their own names.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from engine.files.content import new_file

LARGEST = 8 << 30
"""An archive may unpack to so many bytes in all."""
DENSEST = 250
"""So many times its packed size may a member be, once it is larger than `SMALL`. Repetitive exports reach 100."""
SMALL = 64 << 20

_CHUNK = 1 << 20
_DATA = frozenset(
    (".csv", ".tsv", ".tab", ".txt", ".xls", ".xlsx", ".xlsm", ".xlsb", ".json", ".jsonl", ".ndjson", ".parquet")
)
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError, RuntimeError, OSError)
"""What the standard library raises for archives that are damaged or use an unknown method."""


class Oversized(Exception):
    """Unpacking would give more than is allowed."""


def members(file: Path) -> dict[str, zipfile.ZipInfo] | None:
    """The data files in a zip archive by their readable names; None where it is a workbook and no archive."""
    with zipfile.ZipFile(file) as archive:
        if "[Content_Types].xml" in archive.namelist():
            return None
        named = {_readable(info): info for info in archive.infolist() if not info.is_dir()}
    return {name: named[name] for name in sorted(named) if is_data(name)}


def check_archive(file: Path) -> None:
    """Raise `Oversized` where the archive says that it unpacks to too much."""
    with zipfile.ZipFile(file) as archive:
        check_sizes(archive.infolist(), LARGEST)


def check_sizes(infos: list[zipfile.ZipInfo], largest: int) -> None:
    """Raise `Oversized` where members add up to too much, or one of them is packed too densely."""
    if sum(info.file_size for info in infos) > largest:
        raise Oversized
    if any(info.file_size > max(SMALL, DENSEST * info.compress_size) for info in infos):
        raise Oversized


@contextmanager
def opened_member(file: Path, name: str) -> Iterator[IO[bytes]]:
    """A member of a zip archive, by its readable name."""
    info = (members(file) or {})[name]
    with zipfile.ZipFile(file) as archive, archive.open(info) as member:
        yield member


def is_encrypted(file: Path, name: str) -> bool:
    """Whether a member of a zip archive is locked with a password."""
    return bool((members(file) or {})[name].flag_bits & 1)


def unpacked_member(file: Path, name: str, scratch: Path) -> Path:
    """A copy of a member in the scratch folder."""
    check_archive(file)
    with opened_member(file, name) as member:
        return _copied(member, scratch, LARGEST)


def unpacked_gzip(file: Path, scratch: Path) -> Path:
    """A copy of what a gzip file holds in the scratch folder."""
    with gzip.open(file, "rb") as packed:
        return _copied(packed, scratch, min(LARGEST, max(SMALL, DENSEST * file.stat().st_size)))


def _copied(packed: IO[bytes] | gzip.GzipFile, scratch: Path, largest: int) -> Path:
    target = new_file(scratch, "unpacked")
    written = 0
    with target.open("wb") as copy:
        while chunk := packed.read(_CHUNK):
            written += len(chunk)
            if written > largest:
                raise Oversized
            copy.write(chunk)
    return target


def _readable(info: zipfile.ZipInfo) -> str:
    """A member's name. Chinese systems write it in GBK without saying so; Python then takes it for code page 437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def is_data(name: str) -> bool:
    """Whether a name is that of a file with records."""
    path = PurePosixPath(name)
    is_hidden = any(part.startswith((".", "~$", "__MACOSX")) for part in path.parts if part != "..")
    return not is_hidden and path.suffix.lower() in _DATA
