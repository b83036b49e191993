"""Run programs in turns and compare them: seconds lie on a busy machine, ratios from the same minutes lie less."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Taken:
    """What a program took: wall-clock seconds, and the most memory that it held at once, in bytes."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Figure:
    """What was measured, against what, and the bound that the project sets itself (None: it is only watched)."""

    name: str
    taken: float
    floor: float
    against: str
    bound: float | None
    memory: int = 0

    @property
    def ratio(self) -> float:
        """How many times the floor it takes."""
        return self.taken / self.floor


Program = Callable[[], Taken]


def command(*words: str | Path, cwd: Path | None = None, before: Callable[[], None] | None = None) -> Program:
    """A program that runs a command to its end; `before` is done first and not counted."""

    def run() -> Taken:
        if before:
            before()
        begun = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in words],
            cwd=cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": ""},
        )
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{words} ended with {child.returncode}:\n{said.decode(errors='replace')}")
        return Taken(seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))

    return run


def in_turns(programs: dict[str, Program], rounds: int, *, warm: bool = True) -> dict[str, Taken]:
    """The median of several runs of each program; they take turns, so that other work hits all alike."""
    if warm:
        for program in programs.values():
            program()
    taken: dict[str, list[Taken]] = {name: [] for name in programs}
    for at in range(rounds):
        names: Sequence[str] = list(programs) if at % 2 == 0 else list(reversed(programs))
        for name in names:
            taken[name].append(programs[name]())
    return {
        name: Taken(median(one.seconds for one in runs), max(one.memory for one in runs))
        for name, runs in taken.items()
    }
