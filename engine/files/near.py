"""Files in folders of this machine: which of them are parts of a stream, and how one is read."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from engine.connector import GiveUp, Landing, Workplace
from engine.diagnostic import Diagnostic, Place, errors, finding
from engine.files.choice import Broken, Choice, Sighting, sightings_of
from engine.files.opening import unpacked
from engine.files.parts import listed, located, part_of, waits
from engine.files.settings import Settings
from engine.model import Part

UNTAKEN = "files that no stream takes"
"""The part that tells what no stream of a source takes."""

_WAITS = "waits"


def survey(settings: Settings, choice: Choice, place: Workplace) -> Iterator[Part]:
    """The parts of a stream that the paths name. A file that may not be whole yet is a part that only says so."""
    untaken: list[str] = []
    for name, (file, member) in listed(settings, place.root).items():
        if waits(file, settings, place):
            if choice.teller:
                yield Part(name, "", detail={_WAITS: settings.settle})
        elif not choice.templates:
            yield part_of(name, file, member, settings, place)
        else:
            sightings = _sightings(name, file, member, settings, choice, place)
            if choice.takes(sightings):
                yield part_of(name, file, member, settings, place)
            if choice.teller and choice.untaken(name, sightings):
                untaken.append(f"{name}:{_stamp(file)}")
    if untaken:
        digest = sha256(repr((untaken, choice.digest, sorted(choice.streams))).encode()).hexdigest()
        if (place.cursor or {}).get("untaken") != digest:
            yield Part(UNTAKEN, digest)


def read(part: Part, settings: Settings, choice: Choice, place: Workplace) -> Iterator[Landing]:
    """The records of one part; GiveUp with the reason where it cannot be read."""
    if _WAITS in part.detail:
        told = finding("still-written", Place(part.name), path=part.name, seconds=part.detail[_WAITS])
        yield Landing(None, diagnostics=(told,))
    elif part.name == UNTAKEN:
        yield _told(part, settings, choice, place)
    else:
        file, member = located(part.name, place.root)
        yield from choice.landings(unpacked(file, member, part.name, settings, place))


def _told(part: Part, settings: Settings, choice: Choice, place: Workplace) -> Landing:
    """What no stream takes, told once; refused where it might be one thing or another, or cannot be read."""
    found: list[Diagnostic] = []
    for name, (file, member) in listed(settings, place.root).items():
        if not waits(file, settings, place):
            found += choice.untaken(name, _sightings(name, file, member, settings, choice, place))
    if errors(found):
        raise GiveUp(*found)
    return Landing(None, diagnostics=tuple(found), cursor={**(place.cursor or {}), "untaken": part.digest})


def _sightings(
    name: str, file: Path, member: str | None, settings: Settings, choice: Choice, place: Workplace
) -> tuple[Sighting, ...]:
    def look() -> tuple[Sighting, ...]:
        try:
            return choice.sightings(unpacked(file, member, name, settings, place))
        except GiveUp as given_up:
            return ((None, Broken(given_up.diagnostics)),)
        except OSError as failure:
            reason = failure.strerror or type(failure).__name__
            return ((None, Broken((finding("unreadable-file", Place(name), path=name, reason=reason),))),)

    return sightings_of((str(file), member or "", _stamp(file), settings.digest, choice.digest), look)


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:  # gone since it was listed
        return "gone"
    return f"{status.st_size}:{status.st_mtime_ns}"
