"""The built-in connector `files`: CSV, Excel, JSON and Parquet files as people export, rename and re-save them.

They lie in folders of this machine, on servers, in buckets, or hang on mails. Encoding, delimiter, header row and
rows of totals are found; each can be declared. Values stay as they are in the file. What cannot be read is a finding
that says what was seen and what to declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.connector import GiveUp, Landing, Workplace, same_name
from engine.diagnostic import Place, finding
from engine.files import near
from engine.files.choice import choice_of
from engine.files.far import check, is_far_part, read_far, whereabouts
from engine.files.header import column_name
from engine.files.settings import SOURCE_SCHEMA, STREAM_SCHEMA, settings_of
from engine.model import Part, Source, Stream

__all__ = ["ONLY_STREAM", "FilesConnector", "column_name", "same_name"]

ONLY_STREAM = "records"
"""The stream of a source that declares none."""


class FilesConnector:
    """Reads files from folders of this machine and from places elsewhere."""

    name: str = "files"
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source declares, or one named `records` with the source's own settings."""
        return dict(source.streams) or {ONLY_STREAM: Stream(ONLY_STREAM, {}, source.origin)}

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """The files that the paths name, in the order of their names; the members of zip archives one by one.

        All that lies elsewhere is one part, which is always asked: nobody looks there before it is read.
        """
        settings = settings_of(source, stream)
        if not (settings.path or settings.mail):
            raise GiveUp(finding("no-path", stream.origin.place(), stream=stream.name))
        choice = choice_of(source, stream, settings, place.root)
        check(settings, source, stream)
        parts = list(near.survey(settings, choice, place))
        return [*parts, Part(whereabouts(settings), "")] if settings.far or settings.mail else parts

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """The records of one file, or of all new files elsewhere; GiveUp with the reason where they cannot be read."""
        settings = settings_of(source, stream)
        choice = choice_of(source, stream, settings, place.root)
        if is_far_part(part, settings):
            yield from read_far(settings, choice, source.since, place)
            return
        try:
            yield from near.read(part, settings, choice, place)
        except OSError as failure:
            reason = failure.strerror or type(failure).__name__
            raise GiveUp(finding("unreadable-file", Place(part.name), path=part.name, reason=reason)) from None
