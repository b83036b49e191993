"""What a person sees while a run is at work: bars on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from engine.apply import Progress
from engine.cli.words import Language, say, some

SELDOM = 10.0
"""Seconds between two plain lines about one stream."""


class Watch:
    """Shows what a run is doing: a bar for each kind of step, and one for each stream that is being fetched."""

    def __init__(self, language: Language, *, quiet: bool = False) -> None:
        self.language, self.quiet = language, quiet
        console = Console(stderr=True)
        self._live = console.is_terminal and not quiet
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}", justify="right"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self._written: dict[str, float] = {}

    def __enter__(self) -> Watch:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Show one more thing."""
        if self.quiet:
            return
        if self._live:
            self._show(progress)
        else:
            self._write(progress)

    # --- on a terminal ------------------------------------------------------------------------------------------

    def _show(self, progress: Progress) -> None:
        done = progress.done + progress.ended
        told = "" if progress.feed else progress.name
        task = self._task(progress.step, say(self.language, f"step {progress.step}"))
        self._bars.update(task, completed=done, total=progress.total, count=f"{done}/{progress.total}", told=told)
        if progress.feed is None:
            return
        if progress.ended:
            self._drop(progress.feed)
            return
        share = progress.effort.share if progress.effort else None
        below = self._task(progress.feed, f"  {progress.feed}")
        count = "" if share is None else f"{share:.0%}"
        self._bars.update(below, completed=share or 0, total=None if share is None else 1, count=count)
        self._bars.update(below, told=self._told(progress))

    def _task(self, name: str, shown: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(shown, total=None, count="", told="")
        return self._tasks[name]

    def _drop(self, name: str) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    # --- elsewhere ----------------------------------------------------------------------------------------------

    def _write(self, progress: Progress) -> None:
        """A line as a step begins; for a stream also now and then, and as it ends."""
        now, words = time.monotonic(), ""
        if progress.feed is not None and progress.feed in self._written:
            if not progress.ended and now - self._written[progress.feed] < SELDOM:
                return
            words = self._told(progress)
        if progress.feed is not None:
            self._written[progress.feed] = now
            self._begun.setdefault(progress.feed, now)
        step = say(self.language, f"step {progress.step}")
        name = f"{progress.feed}: {words}" if words else " ".join(filter(None, (progress.feed, progress.name)))
        count = f"({min(progress.done + 1, progress.total)}/{progress.total})"
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {step} {name} {count}\n")

    # --- words --------------------------------------------------------------------------------------------------

    def _told(self, progress: Progress) -> str:
        """Rows, requests, seconds waited and time left of one stream, as far as they are known."""
        effort, feed = progress.effort, progress.feed or ""
        parts = [some(self.language, "one row", "rows so far", progress.rows or 0)]
        if effort and effort.requests:
            parts.append(some(self.language, "one request", "requests so far", effort.requests))
        if effort and effort.waited >= 0.1:
            parts.append(say(self.language, "waited so far", n=f"{effort.waited:.1f}"))
        left = None if progress.ended else self._left(feed, effort.share if effort else None)
        if left is not None:
            parts.append(say(self.language, "time left", n=clock(left)))
        return say(self.language, "and").join(parts)

    def _left(self, feed: str, share: float | None) -> float | None:
        """Seconds that a stream will take, if it goes on as it did; None while that would be a guess."""
        spent = time.monotonic() - self._begun.setdefault(feed, time.monotonic())
        if share is None or share < 0.02 or spent < 1:
            return None
        return spent * (1 - share) / share


def clock(seconds: float) -> str:
    """Seconds as people read them: `0:42`, `1:02:03`."""
    whole = round(seconds)
    minutes, hours = whole // 60, whole // 3600
    return f"{hours}:{minutes % 60:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
