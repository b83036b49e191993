"""Where the streams of a source stand: what of their history was read, what is lacking, what comes next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.connector import Client, GiveUp, Workplace
from engine.diagnostic import Findings, finding, nearest
from engine.model import Project, Source, State, Stream

# What counts as read is for the connector alone to say; a second opinion here would sooner or later differ.
from engine.rest import cursor_of
from engine.rest import lacking as lacking_of
from engine.rest.account import shops
from engine.rest.definition import Definition, compiled
from engine.rest.template import Wrong
from engine.rest.window import Span, joined
from engine.secret import Secrets
from engine.survey import ready_to_use, workplace
from engine.warehouse.folder import Folder


@dataclass(frozen=True)
class Place:
    """A stream that can be asked: its source with every `${NAME}` replaced, and what the connector may use."""

    source: Source
    stream: Stream
    workplace: Workplace

    @property
    def feed(self) -> str:
        """The stream, as `source.stream`."""
        return f"{self.source.name}.{self.stream.name}"

    @property
    def now(self) -> int:
        """The time, in unix seconds."""
        return int(self.workplace.client.now())


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a stream was read for one account: spans in order, and those that are lacking up to now."""

    shop: str
    read: tuple[Span, ...]
    lacking: tuple[Span, ...]

    @property
    def until(self) -> int | None:
        """Up to when everything newest was read."""
        return self.read[-1][1] if self.read else None

    @property
    def holes(self) -> tuple[Span, ...]:
        """What is lacking although something newer was read."""
        until = self.until
        return tuple(one for one in self.lacking if until is not None and one[1] <= until)


def source_of(project: Project, name: str) -> Source:
    """A source of a project. Raises `Findings` (status 2)."""
    if name not in project.sources:
        names = list(project.sources)
        facts = {"kind": "source", "kind_zh": "数据源", "name": name, "known": ", ".join(names)}
        raise Findings([finding("unknown-thing", **facts, near=nearest(name, names))], status=2)
    return project.sources[name]


def streams_of(source: Source, only: str | None) -> tuple[Stream, ...]:
    """The streams of a source, or one of them. Raises `Findings` (status 2)."""
    if only is None:
        return tuple(source.streams.values())
    if only not in source.streams:
        names = list(source.streams)
        facts = {"kind": "stream", "kind_zh": "数据流", "name": only, "known": ", ".join(names)}
        raise Findings([finding("unknown-thing", **facts, near=nearest(only, names))], status=2)
    return (source.streams[only],)


def unset(project: Project, source: Source) -> Findings | None:
    """What is not set of the `${NAME}`s that a source needs; None where all is there."""
    secrets = Secrets(project.root)
    found = list(secrets.unset(source.settings, source.origin, "with"))
    for stream in source.streams.values():
        found += secrets.unset(stream.settings, stream.origin)
    return Findings(found, status=3) if found else None


def state_of(project: Project) -> State:
    """What the last run that was published recorded."""
    return Folder(project.storage.path).recorded()


@contextmanager
def placed(project: Project, state: State, source: Source, stream: Stream, client: Client) -> Iterator[Place]:
    """A stream ready to be asked. Tokens are those of runs: one that is renewed here is kept, for the old one may be dead."""
    with TemporaryDirectory(prefix="engine-") as scratch:
        place = workplace(project, state, source, stream, Path(scratch))
        ready, settled = ready_to_use(source, stream, project.root)
        kept = Folder(project.storage.path).kept / source.name
        yield Place(ready, settled, replace(place, client=client, keep=kept))


@contextmanager
def apart(place: Place) -> Iterator[Place]:
    """The same with a copy of what is kept: nothing that is done with it leaves a trace."""
    with TemporaryDirectory(prefix="engine-") as folder:
        kept, copy = place.workplace.keep, Path(folder) / "kept"
        if kept is not None and kept.is_dir():
            shutil.copytree(kept, copy)
        yield replace(place, workplace=replace(place.workplace, keep=copy))


def definition_of(place: Place) -> Definition:
    """The stream as its connector's manifest declares it. Raises `GiveUp` where that cannot be understood."""
    assert place.source.preset is not None
    try:
        return compiled(place.source.preset.value, place.stream.name)
    except Wrong as failure:
        where = place.source.preset.origin.place()
        raise GiveUp(finding("bad-template", where, reason=str(failure))) from None


def coverage(place: Place) -> tuple[Coverage, ...]:
    """What was read and what is lacking, for each account; empty for a stream that is not read by windows."""
    definition = definition_of(place)
    if definition.window is None:
        return ()
    cursor = cursor_of(place.source, place.stream, place.workplace)
    made = []
    for shop in shops(place.source):
        known = cursor.value.get(shop) or {}
        read = joined((a, b) for a, b in known.get("covered", ())) if known.get("of") == cursor.sign else []
        lacking = sorted(one for one in lacking_of(definition, cursor, place.source, shop, place.now) if one)
        made.append(Coverage(shop, tuple(read), tuple(lacking)))
    return tuple(made)


def next_window(place: Place, definition: Definition, shop: str) -> tuple[Span | None, bool]:
    """The next window to ask for, and whether it is really lacking; a recent one where nothing is."""
    if definition.window is None:
        return None, True
    found = next((one.lacking for one in coverage(place) if one.shop == shop), ())
    cut = next(iter(definition.window.slices(found)), None)
    return (cut, True) if cut else (recent(definition, place.now), False)


def recent(definition: Definition, now: int) -> Span | None:
    """The newest window that the platform answers, of a day at most."""
    if definition.window is None:
        return None
    end = now - definition.window.lag
    return (end - min(definition.window.span, 86400), end)
