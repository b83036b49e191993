"""Paths with wildcards in folders elsewhere: `*` and `?` within a step, `**` for any number of folders."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

Listed = Iterable[tuple[str, bool, T]]
"""What is in a folder: the name of each thing, whether it is a folder, and what the place says about it."""


def parted(path: str) -> tuple[str, list[str]]:
    """A path as the folder above its first wildcard, and the steps from there."""
    steps = path.split("/")
    at = next((index for index, step in enumerate(steps) if any(char in step for char in "*?[")), len(steps))
    return "/".join(steps[:at]) or "/", steps[at:]


def matching(folder: str, steps: list[str], listed: Callable[[str], Listed[T]]) -> Iterator[tuple[str, T]]:
    """The files below a folder that the steps name, each with what its place says about it."""
    first, rest = steps[0], steps[1:]
    if first == "**" and rest:
        yield from matching(folder, rest, listed)
    for name, is_folder, told in listed(folder):
        path = f"{folder.rstrip('/')}/{name}"
        if first == "**" and is_folder:
            yield from matching(path, steps, listed)
        elif not fnmatch.fnmatchcase(name, first):
            continue
        elif rest and is_folder:
            yield from matching(path, rest, listed)
        elif not rest and not is_folder:
            yield path, told
