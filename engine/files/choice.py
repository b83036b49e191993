"""Which files and sheets belong to a stream: all of them, or those that the template of its name recognises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from engine.connector import GiveUp, Landing
from engine.diagnostic import Diagnostic, Findings, Place, finding, nearest
from engine.files.content import Content
from engine.files.heads import Head, heads_of
from engine.files.opening import landing_of
from engine.files.settings import Settings, settings_of
from engine.files.template import Ambiguous, Recognised, Result, Unknown, names_in, recognise
from engine.load.templates import Template, library_templates, read_templates
from engine.model import Source, Stream


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that cannot be read, and why."""

    diagnostics: tuple[Diagnostic, ...]


Sighting = tuple[Head | None, Result | Broken]
"""The headers of a sheet and what they were recognised as; a file without headers is unknown."""


@dataclass(frozen=True)
class Choice:
    """What a stream takes. Without `templates` it takes everything; `teller` tells what no stream takes."""

    stream: str
    templates: tuple[Template, ...] = ()
    streams: frozenset[str] = frozenset()
    teller: bool = True

    @property
    def digest(self) -> str:
        """Changes when something else may come to be recognised."""
        return sha256(repr([one.digest for one in self.templates]).encode()).hexdigest()[:8] if self.templates else ""

    def landings(self, content: Content) -> Iterator[Landing]:
        """The records of a file that belong to the stream; GiveUp where they cannot be read."""
        if not self.templates:
            yield landing_of(content)
            return
        for head, result in self.sightings(content):
            if isinstance(result, Recognised) and head and result.template.name == self.stream:
                yield _landing(content, head, result)

    def sightings(self, content: Content) -> tuple[Sighting, ...]:
        """What the sheets of a file are. Beside one that is known, unknown ones are notes and not told."""
        name = PurePosixPath(content.name.replace("!", "/")).name
        heads = heads_of(content, names_in(self.templates))
        seen: list[tuple[Head | None, Result]] = [
            (head, recognise(head.headers, name, head.sheet, self.templates)) for head in heads
        ]
        known = tuple(one for one in seen if not isinstance(one[1], Unknown))
        return known or tuple(seen) or ((None, Unknown()),)

    def takes(self, sightings: Sequence[Sighting]) -> bool:
        """Whether something of a file belongs to the stream."""
        return any(isinstance(one, Recognised) and one.template.name == self.stream for _, one in sightings)

    def untaken(self, name: str, sightings: Sequence[Sighting]) -> tuple[Diagnostic, ...]:
        """A finding for everything of a file that no stream of the source takes."""
        return tuple(one for head, result in sightings for one in self._untaken(name, head, result))

    def _untaken(self, file: str, head: Head | None, result: Result | Broken) -> tuple[Diagnostic, ...]:
        place = Place(file)
        if isinstance(result, Broken):
            return result.diagnostics
        if isinstance(result, Ambiguous):
            return (finding("export-ambiguous", place, path=file, **_candidates(result)),)
        if isinstance(result, Unknown):
            return (finding("export-unknown", place, path=file, **_nearest(head, result)),)
        template = result.template
        if template.name in self.streams:
            return ()
        told = {"name": template.name, "label": template.label.en, "label_zh": template.label.zh}
        return (finding("export-not-read", place, path=file, **told),)


def choice_of(source: Source, stream: Stream, settings: Settings, root: Path) -> Choice:
    """What a stream takes. GiveUp where it asks for a template that there is not, or templates are wrong."""
    if not settings.recognise:
        return Choice(stream.name)
    try:
        own = read_templates(_files(settings, stream, root), root)
    except Findings as findings:
        raise GiveUp(*findings.diagnostics) from None
    named = {**{one.name: one for one in library_templates()}, **{one.name: one for one in own}}
    if stream.name not in named:
        known = ", ".join(named)
        near = nearest(stream.name, named)
        raise GiveUp(finding("unknown-template", stream.origin.place(), name=stream.name, near=near, known=known))
    asking = [one.name for one in source.streams.values() if settings_of(source, one).recognise] or [stream.name]
    return Choice(stream.name, tuple(named.values()), frozenset(asking), asking[0] == stream.name)


def sightings_of(key: tuple[str, ...], look: Callable[[], tuple[Sighting, ...]]) -> tuple[Sighting, ...]:
    """What a file was recognised as when it was last looked at; `key` tells it and its content apart from all others.

    Every stream of a source looks at every file: they share what the first of them saw.
    """
    if key not in _SEEN:
        if len(_SEEN) >= _MOST_SEEN:
            _SEEN.clear()
        _SEEN[key] = look()
    return _SEEN[key]


_SEEN: dict[tuple[str, ...], tuple[Sighting, ...]] = {}
_MOST_SEEN = 10_000


def _files(settings: Settings, stream: Stream, root: Path) -> Iterable[Path]:
    for pattern in settings.templates:
        matching = sorted(root.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
        files = [one for one in matching if one.is_file()]
        if not files:
            raise GiveUp(finding("no-templates", stream.origin.place(), path=pattern))
        yield from files


def _landing(content: Content, head: Head, result: Recognised) -> Landing:
    settings = replace(content.settings, header_row=head.row or content.settings.header_row, sheet=head.sheet)
    landing = landing_of(replace(content, settings=settings))
    told = {"template": result.template.name, "layout": result.layout.name, "shop": result.shop}
    told |= {"since": result.since, "until": result.until, "strange": ", ".join(result.strange)}
    return replace(landing, detail={**landing.detail, **{name: value for name, value in told.items() if value}})


def _candidates(result: Ambiguous) -> dict[str, object]:
    names = ", ".join(f"`{one.name}`" for one in result.templates)
    apart = "; ".join(f"{name}: {_listed(headers)}" for name, headers in result.apart.items() if headers) or None
    return {"names": names, "apart": apart}


def _nearest(head: Head | None, result: Unknown) -> dict[str, object]:
    """The nearest template and what is wrong with it, as facts."""
    return {
        "headers": _listed(head.headers) if head else None,
        "nearest": result.nearest.name if result.nearest else None,
        "missing": _listed(result.missing) if result.missing else None,
        "unwanted": _listed(result.unwanted) if result.unwanted else None,
    }


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(headers[:_SHOWN]) + (", …" if len(headers) > _SHOWN else "")


_SHOWN = 12
