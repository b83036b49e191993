"""Tell, without reading manifests or records again, that nothing changed since the last apply.

An apply notes what it was made from: the engine's own files, the manifests with a digest each, what their globs
matched, and the sources. As long as all of that is as it was, and the sources hold only what was read, another
apply has nothing to do. Anything else, and any doubt, is for the full apply to look into.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from engine.connector import GiveUp
from engine.diagnostic import Findings
from engine.document import Origin, parse
from engine.model import Project, Source, State, Stream, is_read
from engine.survey import survey_of
from engine.warehouse.folder import Folder, state_of


def note(project: Project) -> dict[str, Any]:
    """What an apply of a project is made from, as plain values."""
    return {
        "engine": _engine(),
        "files": {file: _digest(Path(file)) for file in project.inputs.files},
        "patterns": {pattern: list(matched) for pattern, matched in project.inputs.patterns.items()},
        "sources": {
            source.name: {
                "connector": source.connector,
                "settings": source.settings,
                "streams": {stream.name: stream.settings for stream in source.streams.values()},
            }
            for source in project.sources.values()
        },
    }


def unchanged(file: Path) -> int | None:
    """The number of the last run, if nothing changed since; None where the full apply has to look."""
    file = (file / "project.yaml" if file.is_dir() else file).resolve()
    try:
        folder = _folder(file)
        version = folder.version() if folder and not folder.busy else None
        noted = version and version.get("noted")
        if not version or not noted or not _same_inputs(noted, file):
            return None
        state = state_of(version["state"])
        return state.serial if _nothing_new(noted, state, file.parent) else None
    except (OSError, Findings, GiveUp, KeyError, TypeError, ValueError):
        return None


def _folder(file: Path) -> Folder | None:
    document, _ = parse(file.read_text("utf-8-sig"))
    if document is None:
        return None
    return Folder(file.parent / (document.value.get("warehouse") or {}).get("path", "build"))


def _same_inputs(noted: dict[str, Any], file: Path) -> bool:
    return (
        noted["engine"] == _engine()
        and str(file) in noted["files"]
        and all(_digest(Path(path)) == digest for path, digest in noted["files"].items())
        and all(matching(Path(pattern)) == matched for pattern, matched in noted["patterns"].items())
    )


def _nothing_new(noted: dict[str, Any], state: State, root: Path) -> bool:
    for name, said in noted["sources"].items():
        document, _ = parse("{}")
        assert document is not None
        origin = Origin(document, ())
        streams = {stream: Stream(stream, settings, origin) for stream, settings in said["streams"].items()}
        source = Source(name, said["connector"], said["settings"], streams, origin)
        for feed, parts in survey_of(source, root, state).items():
            read = state.versions(feed)
            if not parts or not all(is_read(part, read) for part in parts):
                return False
    return True


def matching(pattern: Path) -> list[str]:
    """The files that a path with wildcards matches, in order."""
    top = Path(pattern.anchor)
    return sorted(str(one) for one in top.glob(str(pattern.relative_to(top))) if one.is_file())


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _engine() -> str:
    """A sign of the engine's own files: another version, or an edited one, has to look again."""
    package = Path(__file__).parent
    files = sorted(one for one in package.rglob("*") if one.suffix in (".py", ".json", ".yaml", ".csv"))
    stamps = ((one.relative_to(package).as_posix(), (seen := one.stat()).st_size, seen.st_mtime_ns) for one in files)
    return sha256(repr(list(stamps)).encode()).hexdigest()
