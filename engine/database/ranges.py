"""Read several ranges of a stream at the same time, each over a connection of its own, and hand them over in order.

What is read ahead waits in files in the scratch folder, so that the cursor moves in order and memory stays small.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import Event

from engine.database.batch import Chunk

PER_CONNECTION = 4
"""Ranges for each connection: rows are never spread evenly, and none should wait long for the others."""


def conditions(given: str, bounds: Sequence[str], *, with_null: bool) -> list[str]:
    """The conditions of the ranges between bounds; the first takes the rows without a value where they are wanted."""
    if not bounds:
        return []
    first = f"{given} < {bounds[0]}"
    inner = [f"{given} >= {low} AND {given} < {high}" for low, high in pairwise(bounds)]
    return [f"({first} OR {given} IS NULL)" if with_null else first, *inner, f"{given} >= {bounds[-1]}"]


def together(reads: Sequence[Callable[[], Iterator[Chunk]]], connections: int) -> Iterator[Chunk]:
    """The chunks of all reads, in the order of the reads, so many at once and no further ahead."""
    stop = Event()
    waiting = iter(reads)
    with ThreadPoolExecutor(connections) as pool:
        running: deque[Future[list[Chunk]]] = deque()

        def start_next() -> None:
            read = next(waiting, None)
            if read is not None:
                running.append(pool.submit(_all, read, stop))

        try:
            for _ in range(connections):
                start_next()
            while running:
                found = running.popleft().result()
                start_next()
                while found:  # what is handed over is no longer ours
                    yield found.pop(0)
        finally:
            stop.set()
            for future in running:
                future.add_done_callback(_discard)


def _all(read: Callable[[], Iterator[Chunk]], stop: Event) -> list[Chunk]:
    kept: list[Chunk] = []
    try:
        for chunk in read():
            kept.append(chunk)
            if stop.is_set():
                break
    except BaseException:
        for chunk in kept:
            chunk.discard()
        raise
    return kept


def _discard(future: Future[list[Chunk]]) -> None:
    """Remove what was read ahead and is not wanted any more."""
    if not future.cancelled() and future.exception() is None:
        for chunk in future.result():
            chunk.discard()
