"""What the sources hold now: the parts of every stream, told by their connectors without reading records."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.connector import GiveUp, Offline, Workplace, connector_of
from engine.diagnostic import Diagnostic, Findings, finding, in_order
from engine.model import Found, Part, Project, Source, State, Stream
from engine.secret import Secrets, secret_keys


def survey(
    project: Project, state: State, clock: Callable[[], float] = time.time
) -> tuple[Found, tuple[Diagnostic, ...]]:
    """List the parts of every stream of a project, as of now by `clock` (seconds since 1970 UTC).

    Returns the parts by `source.stream`, and warnings about streams that hold nothing. Raises `Findings` (status 3)
    where a `${NAME}` that a source needs is not set.
    """
    secrets = Secrets(project.root)
    missing = [one for source in project.sources.values() for one in _unset(source, secrets)]
    if missing:
        raise Findings(in_order(missing), status=3)
    found: dict[str, tuple[Part, ...]] = {}
    for source in project.sources.values():
        found |= survey_of(source, project.root, state, clock)
    streams = ((source, stream) for source in project.sources.values() for stream in source.streams.values())
    empty = [(f"{source.name}.{stream.name}", stream) for source, stream in streams]
    warnings = (
        finding("nothing-there", stream.origin.place("path"), feed=feed)
        for feed, stream in empty
        if not found[feed] and feed not in state.cursors
    )
    return found, tuple(warnings)


def survey_of(
    source: Source, root: Path, state: State, clock: Callable[[], float] = time.time
) -> dict[str, tuple[Part, ...]]:
    """The parts of every stream of one source; `root` is the folder of the project. Raises `Findings` (status 3)."""
    found: dict[str, tuple[Part, ...]] = {}
    ready = _ready(source, root)
    with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
        for stream in ready.streams.values():
            feed = f"{source.name}.{stream.name}"
            place = Workplace(
                root, Path(scratch), _recorded(state, feed), cursor=state.cursors.get(feed), client=Offline(clock)
            )
            try:
                found[feed] = tuple(connector_of(source).survey(ready, stream, place))
            except GiveUp as given_up:
                raise Findings(given_up.diagnostics, status=3) from given_up
    return found


def workplace(project: Project, state: State, source: Source, stream: Stream, scratch: Path) -> Workplace:
    """What a connector may use to read a stream."""
    feed = f"{source.name}.{stream.name}"
    wanted = frozenset(name for mapping in project.mappings_of(feed) for name in mapping.record_fields)
    return Workplace(project.root, scratch, _recorded(state, feed), wanted, state.cursors.get(feed))


def _recorded(state: State, feed: str) -> dict[str, Part]:
    batches = (batch for batch in state.batches if batch.feed == feed)
    return {batch.part: Part(batch.part, batch.digest, batch.stamp) for batch in batches}


def ready_to_use(source: Source, stream: Stream, root: Path) -> tuple[Source, Stream]:
    """A source and stream whose settings have every `${NAME}` replaced; `root` is the folder of the project."""
    ready = _ready(source, root)
    return ready, ready.streams[stream.name]


def _ready(source: Source, root: Path) -> Source:
    secrets, made = Secrets(root), connector_of(source)
    keys = secret_keys(made.source_schema, made.stream_schema, source.preset and source.preset.value)
    settings = secrets.filled(source.settings, keys)
    streams = {name: replace(one, settings=secrets.filled(one.settings, keys)) for name, one in source.streams.items()}
    return replace(source, settings=settings, streams=streams)


def _unset(source: Source, secrets: Secrets) -> tuple[Diagnostic, ...]:
    own = secrets.unset(source.settings, source.origin, "with")
    streams = source.streams.values()
    return own + tuple(one for stream in streams for one in secrets.unset(stream.settings, stream.origin))
