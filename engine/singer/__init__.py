"""The built-in connector `singer`: any Singer tap as a source, so that taps that exist work unchanged.

A stream is one run of the tap with only that stream selected. The tap's state is the stream's cursor: it is handed
over when the tap starts, and stored with the records that it speaks for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

from engine.connector import GiveUp, Landing, Workplace
from engine.model import Part, Source, Stream
from engine.secret import remember
from engine.singer.catalog import catalog_of, check_untold, entry_of, names_of, selection
from engine.singer.private import keep_renewed, with_renewed, write_private
from engine.singer.reading import Reading
from engine.singer.settings import SOURCE_SCHEMA, STREAM_SCHEMA, Settings, private_texts, settings_of
from engine.singer.tap import Tap

__all__ = ["SingerConnector"]

_LARGEST_CATALOG = 256 << 20


class SingerConnector:
    """Reads what a Singer tap writes."""

    name: str = "singer"
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def __init__(self) -> None:
        self._turns: defaultdict[Path, Lock] = defaultdict(Lock)

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source declares: only the tap knows which there are, and it is not asked offline."""
        return dict(source.streams)

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """One part, which is always read: the tap knows what is new."""
        return (Part(settings_of(source, stream).id, ""),)

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """The records that the tap writes; `GiveUp` where it fails, with the end of what it logged.

        The streams of a source take turns: a tap renews its tokens and keeps to its rate limits within one run.
        """
        with self._turns[place.keep or place.root / source.name]:
            yield from _Run(settings_of(source, stream), place).landings()


class _Run:
    """One run of a tap: its files are written, it is started, and what it changed in its configuration is kept."""

    def __init__(self, settings: Settings, place: Workplace) -> None:
        self.settings, self.place = settings, place
        self.handed = with_renewed(settings.config, place.keep)
        remember(*private_texts(self.handed), *private_texts(settings.env))
        self.config = write_private(place.scratch / "config.json", self.handed)

    def landings(self) -> Iterator[Landing]:
        """What the tap writes."""
        try:
            arguments, names = self._chosen()
            with closing(self._started(*arguments, *self._state())) as tap:
                yield from Reading(self.settings, self.place, tap, names).landings()
        finally:
            keep_renewed(self.settings.config, self.handed, self.config, self.place.keep)

    def _chosen(self) -> tuple[tuple[str, ...], set[str]]:
        """The arguments that tell the tap what to read, and the names it may call that by."""
        if self.settings.selection == "none":
            check_untold(self.settings)
            return (), {self.settings.id}
        entries = catalog_of(self.settings, self.place, self._discovered)
        names = names_of(entry_of(entries, self.settings))
        file = write_private(self.place.scratch / "catalog.json", selection(entries, self.settings))
        return (f"--{self.settings.selection}", str(file)), names

    def _state(self) -> tuple[str, ...]:
        if not self.place.cursor or self.settings.replication == "full":
            return ()
        return ("--state", str(write_private(self.place.scratch / "state.json", self.place.cursor)))

    def _discovered(self) -> bytes:
        """The catalog that the tap tells."""
        told: list[bytes] = []
        size = 0
        with closing(self._started("--discover")) as tap:
            for line in tap.lines():
                told.append(line)
                size += len(line)
                if size > _LARGEST_CATALOG:
                    raise GiveUp(tap.finding("tap-line-too-long", limit=f"{_LARGEST_CATALOG >> 20} MB"))
            tap.finish()
        return b"\n".join(told)

    def _started(self, *arguments: str) -> Tap:
        arguments = ("--config", str(self.config), *arguments)
        return Tap(self.settings, arguments, self.place.root, self.place.scratch)
