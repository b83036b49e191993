"""Open a file that is on this machine: unpack it where it is packed, see what it is, and hand it to its reader."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from engine.connector import Landing, Workplace, same_name
from engine.files import archive
from engine.files.content import Content
from engine.files.delimited import read_delimited
from engine.files.excel import read_excel
from engine.files.kind import kind_of
from engine.files.parquet import read_parquet
from engine.files.records import read_json, read_json_lines
from engine.files.settings import Settings
from engine.files.webpage import read_webpage


def landing_of(content: Content) -> Landing:
    """The records of a file as one landing; GiveUp with the reason where it cannot be read."""
    if content.file.stat().st_size == 0:
        raise content.refused("empty-file")
    kind = kind_of(content)
    if kind == "excel":
        return read_excel(content)
    if kind == "webpage":
        return read_webpage(content)
    if kind == "json":
        return read_json(content)
    if kind == "jsonl":
        return read_json_lines(content)
    return read_parquet(content) if kind == "parquet" else read_delimited(content, kind)


def unpacked(file: Path, member: str | None, name: str, settings: Settings, place: Workplace) -> Content:
    """The content of a part called `name` in a file of its own, unpacked where it is packed; GiveUp where it is broken."""
    wanted = frozenset(map(same_name, place.wanted))
    inner = member or PurePosixPath(name).name
    content = Content(file, name, inner, settings, place.scratch, wanted)
    if member is None and not _is_gzip(file):
        return _not_an_archive(content)
    try:
        if member and archive.is_encrypted(file, member):
            raise content.refused("password-file")
        plain = _unpack(file, member, place.scratch)
    except archive.Oversized:
        raise content.refused("unpacks-too-large", limit=f"{archive.LARGEST >> 30} GB") from None
    except FileNotFoundError:
        raise
    except (*archive.BROKEN, KeyError) as failure:
        reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        raise content.refused("bad-file", kind="zip" if member else "gzip", reason=reason) from None
    inner = member or inner.removesuffix(".gz").removesuffix(".GZ")
    return Content(plain, name, inner, settings, place.scratch, wanted)


def _unpack(file: Path, member: str | None, scratch: Path) -> Path:
    return archive.unpacked_member(file, member, scratch) if member else archive.unpacked_gzip(file, scratch)


def _not_an_archive(content: Content) -> Content:
    """Refuse a zip archive that has no data files in it, or that cannot be opened."""
    if PurePosixPath(content.inner).suffix.lower() != ".zip":
        return content
    try:
        inside = archive.members(content.file)
    except archive.BROKEN as failure:
        raise content.refused("bad-file", kind="zip", reason=str(failure).splitlines()[0]) from None
    if inside is not None:
        raise content.refused("empty-archive")
    return content


def _is_gzip(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(2) == b"\x1f\x8b"
