"""The parts of a stream: which files there are, and whether each is the same as when it was last read."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.connector import GiveUp, Workplace
from engine.files import archive
from engine.files.settings import Settings
from engine.model import Part

_UNFINISHED = (".tmp", ".temp", ".crdownload", ".part", ".partial", ".download", ".swp", ".lock", "~")
_NEVER = frozenset({"thumbs.db", "desktop.ini"})


def survey(settings: Settings, place: Workplace) -> Iterator[Part]:
    """The parts that the paths name, by name; a file is read only where its size or time has changed."""
    for name, (file, member) in listed(settings, place.root).items():
        yield part_of(name, file, member, settings, place)


def listed(settings: Settings, root: Path) -> dict[str, tuple[Path, str | None]]:
    """The file of every part and, for a part of a zip archive, the member's name; in the order of the parts' names."""
    found = {name: (file, member) for file in _files(settings, root) for name, member in _named(file, root)}
    return {name: found[name] for name in sorted(found)}


def waits(file: Path, settings: Settings, place: Workplace) -> bool:
    """Whether a file was written to so lately that it may not be whole."""
    try:
        return bool(settings.settle) and place.client.now() - file.stat().st_mtime < settings.settle
    except OSError:  # gone since it was listed: the part says so
        return False


def located(name: str, root: Path) -> tuple[Path, str | None]:
    """The file of a part and, for a part of a zip archive, the member's name."""
    whole = root / name
    cuts = [index for index, char in enumerate(name) if char == "!"]
    if whole.exists() or not cuts:
        return whole, None
    for cut in cuts:
        if (root / name[:cut]).is_file():
            return root / name[:cut], name[cut + 1 :]
    return root / name[: cuts[0]], name[cuts[0] + 1 :]


def _files(settings: Settings, root: Path) -> Iterable[Path]:
    """The files that the paths name, each once, without those that an editor or download has not finished."""
    found = {Path(os.path.normpath(path)) for pattern in settings.near for path in _matching(pattern, root)}
    return sorted(file for file in found if file.is_file() and not is_unfinished(file.name))


def _matching(pattern: str, root: Path) -> Iterator[Path]:
    path = root / pattern
    if path.is_dir():
        yield from (path / one for one in glob.iglob("*", root_dir=path))  # noqa: PTH207 - skips what may not be listed
    elif path.exists():  # a name may hold brackets that a pattern would read as a choice of characters
        yield path
    else:  # `Path.glob` takes no absolute patterns
        yield from (root / one for one in glob.iglob(pattern, root_dir=root, recursive=True))  # noqa: PTH207


def is_unfinished(name: str) -> bool:
    """Whether a file's name is that of something an editor or download has not finished, or of a system's own file."""
    name = name.lower()
    return name.startswith((".", "~$")) or name.endswith(_UNFINISHED) or name in _NEVER


def _named(file: Path, root: Path) -> Iterator[tuple[str, str | None]]:
    """The parts in a file: itself, or the members of a zip archive. A broken archive is a part; `read` refuses it."""
    base = Path(os.path.normpath(root))
    name = file.relative_to(base).as_posix() if file.is_relative_to(base) else file.as_posix()
    inside: tuple[str, ...] = ()
    if file.suffix.lower() == ".zip":
        inside = members_of(file)
    if not inside:
        yield name, None
    yield from ((f"{name}!{member}", member) for member in inside)


def members_of(file: Path) -> tuple[str, ...]:
    """The data files in a zip archive; none where it is something else, or broken."""
    try:
        return tuple(archive.members(file) or ())
    except archive.BROKEN:
        return ()


def part_of(name: str, file: Path, member: str | None, settings: Settings, place: Workplace) -> Part:
    """A part; its content is looked at only where size or time are not those that were recorded."""
    detail: dict[str, Any] = {"member": member} if member else {}
    try:
        status = file.stat()
    except OSError as failure:  # gone since it was listed
        return Part(name, f"unreadable:{failure.strerror}.{settings.digest}", "", None, detail)
    stamp = f"{status.st_size}:{status.st_mtime_ns}"
    recorded = place.recorded.get(name)
    if recorded and recorded.stamp == stamp and "." in recorded.digest:
        content = recorded.digest.partition(".")[0]
    else:
        content = _content_digest(file, member)
    return Part(name, f"{content}.{settings.digest}", stamp, status.st_size, detail)


def _content_digest(file: Path, member: str | None) -> str:
    """SHA-256 of the content; for what cannot be read, of how it fails, so that it is tried again when that changes."""
    try:
        if member is None:
            with file.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
        archive.check_archive(file)
        with archive.opened_member(file, member) as packed:
            return _digest_of(iter(lambda: packed.read(1 << 20), b""))
    except (*archive.BROKEN, archive.Oversized, KeyError, GiveUp) as failure:
        return hashlib.sha256(f"{type(failure).__name__}:{file.name}:{member}".encode()).hexdigest()


def _digest_of(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
