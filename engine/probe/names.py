"""The names that a project needs from outside, and where each of them is found; never what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.model import Project
from engine.secret import Secrets, variables


@dataclass(frozen=True, slots=True)
class Needed:
    """A name, where it is used (`tmall.with.app_key`), the place that gives it, and every place that was looked in."""

    name: str
    used_by: tuple[str, ...]
    where: str | None
    looked: tuple[str, ...]
    looked_zh: tuple[str, ...]


def needed(project: Project) -> tuple[Needed, ...]:
    """Every `${NAME}` of a project, in order. Raises `Findings` where a place that was asked is broken."""
    secrets = Secrets(project.root)
    used: dict[str, list[str]] = {}
    for path, value in _settings(project):
        for name in variables(value):
            used.setdefault(name, []).append(path)
    return tuple(
        Needed(name, tuple(paths), secrets.where(name), *secrets.looked(name)) for name, paths in sorted(used.items())
    )


def _settings(project: Project) -> Iterator[tuple[str, Any]]:
    for source in project.sources.values():
        for key, value in source.settings.items():
            yield f"{source.name}.with.{key}", value
        for stream in source.streams.values():
            for key, value in stream.settings.items():
                yield f"{source.name}.{stream.name}.{key}", value
    if project.salt:
        yield "privacy.salt", project.salt
