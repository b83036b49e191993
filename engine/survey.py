"""What the sources hold now: the parts of every stream, told by their connectors without reading records."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from engine.connector import GiveUp, Workplace, connector, filled, unset
from engine.diagnostic import Diagnostic, Findings, finding, in_order
from engine.model import Found, Part, Project, Source, State, Stream


def survey(project: Project, state: State) -> tuple[Found, tuple[Diagnostic, ...]]:
    """List the parts of every stream of a project.

    Returns the parts by `source.stream`, and warnings about streams that hold nothing. Raises `Findings` (status 3)
    where a `${NAME}` that a source needs is not set.
    """
    missing = [one for source in project.sources.values() for one in _unset(source)]
    if missing:
        raise Findings(in_order(missing), status=3)
    found: dict[str, tuple[Part, ...]] = {}
    for source in project.sources.values():
        found |= survey_of(source, project.root, state)
    streams = ((source, stream) for source in project.sources.values() for stream in source.streams.values())
    empty = [(f"{source.name}.{stream.name}", stream) for source, stream in streams]
    warnings = (
        finding("nothing-there", stream.origin.place("path"), feed=feed) for feed, stream in empty if not found[feed]
    )
    return found, tuple(warnings)


def survey_of(source: Source, root: Path, state: State) -> dict[str, tuple[Part, ...]]:
    """The parts of every stream of one source; `root` is the folder of the project. Raises `Findings` (status 3)."""
    found: dict[str, tuple[Part, ...]] = {}
    ready = _ready(source)
    with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
        for stream in ready.streams.values():
            feed = f"{source.name}.{stream.name}"
            place = Workplace(root, Path(scratch), _recorded(state, feed))
            try:
                found[feed] = tuple(connector(source.connector).survey(ready, stream, place))
            except GiveUp as given_up:
                raise Findings(given_up.diagnostics, status=3) from given_up
    return found


def workplace(project: Project, state: State, source: Source, stream: Stream, scratch: Path) -> Workplace:
    """What a connector may use to read a stream."""
    feed = f"{source.name}.{stream.name}"
    wanted = frozenset(name for mapping in project.mappings_of(feed) for name in mapping.record_fields)
    return Workplace(project.root, scratch, _recorded(state, feed), wanted)


def _recorded(state: State, feed: str) -> dict[str, Part]:
    batches = (batch for batch in state.batches if batch.feed == feed)
    return {batch.part: Part(batch.part, batch.digest, batch.stamp) for batch in batches}


def ready_to_use(source: Source, stream: Stream) -> tuple[Source, Stream]:
    """A source and stream whose settings have every `${NAME}` replaced from the environment."""
    ready = _ready(source)
    return ready, ready.streams[stream.name]


def _ready(source: Source) -> Source:
    settings = filled(source.settings)
    streams = {name: replace(one, settings=filled(one.settings)) for name, one in source.streams.items()}
    return replace(source, settings=settings, streams=streams)


def _unset(source: Source) -> tuple[Diagnostic, ...]:
    own = unset(source.settings, source.origin, "with")
    return own + tuple(one for stream in source.streams.values() for one in unset(stream.settings, stream.origin))
