"""The built-in connector `files`: CSV, Excel, JSON and Parquet files as people export, rename and re-save them.

Encoding, delimiter, header row and rows of totals are found; each can be declared. Values stay as they are in
the file. What cannot be read is a finding that says what was seen and what to declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.connector import GiveUp, Landing, Workplace, same_name
from engine.diagnostic import Place, finding
from engine.files import archive
from engine.files.content import Content
from engine.files.delimited import read_delimited
from engine.files.excel import read_excel
from engine.files.header import column_name
from engine.files.kind import kind_of
from engine.files.parquet import read_parquet
from engine.files.parts import located, survey
from engine.files.records import read_json, read_json_lines
from engine.files.settings import SOURCE_SCHEMA, STREAM_SCHEMA, Settings, settings_of
from engine.files.webpage import read_webpage
from engine.model import Part, Source, Stream

__all__ = ["ONLY_STREAM", "FilesConnector", "column_name", "same_name"]

ONLY_STREAM = "records"
"""The stream of a source that declares none."""


class FilesConnector:
    """Reads files from folders of this machine."""

    name: str = "files"
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source declares, or one named `records` with the source's own settings."""
        return dict(source.streams) or {ONLY_STREAM: Stream(ONLY_STREAM, {}, source.origin)}

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """The files that the paths name, in the order of their names; the members of zip archives one by one."""
        settings = settings_of(source, stream)
        if not settings.path:
            raise GiveUp(finding("no-path", stream.origin.place(), stream=stream.name))
        return survey(settings, place)

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """The records of one file as one landing; GiveUp with the reason where it cannot be read."""
        settings = settings_of(source, stream)
        try:
            content = _unpacked(part.name, settings, place)
            yield _landing(content)
        except OSError as failure:
            reason = failure.strerror or type(failure).__name__
            raise GiveUp(finding("unreadable-file", Place(part.name), path=part.name, reason=reason)) from None


def _landing(content: Content) -> Landing:
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


def _unpacked(name: str, settings: Settings, place: Workplace) -> Content:
    """The part's content in a file of its own, unpacked where it is packed."""
    file, member = located(name, place.root)
    wanted = frozenset(map(same_name, place.wanted))
    content = Content(file, name, member or file.name, settings, place.scratch, wanted)
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
    inner = member or file.name.removesuffix(".gz").removesuffix(".GZ")
    return Content(plain, name, inner, settings, place.scratch, wanted)


def _unpack(file: Path, member: str | None, scratch: Path) -> Path:
    return archive.unpacked_member(file, member, scratch) if member else archive.unpacked_gzip(file, scratch)


def _not_an_archive(content: Content) -> Content:
    """Refuse a zip archive that has no data files in it, or that cannot be opened."""
    if content.file.suffix.lower() != ".zip":
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
