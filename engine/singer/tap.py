"""A tap at work: a process of its own, without a shell, of which nothing is left when the reading ends.

Its lines are read as they are asked for, so a tap that is faster than the warehouse waits; its log is read along, so
that it never waits for that. (POSIX only: waiting for a pipe and stopping a group of processes are.)
"""

from __future__ import annotations

import atexit
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from engine.connector import GiveUp
from engine.diagnostic import Diagnostic, finding
from engine.secret import mask
from engine.singer.settings import Settings

LONGEST_LINE = 48 << 20
"""Bytes that one message may have."""

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_SHOWN = 20
_CHUNK = 1 << 16
_TICK = 0.5
_GRACE = 5.0


class Tap:
    """A running tap; close it."""

    def __init__(self, settings: Settings, arguments: Sequence[str], root: Path, scratch: Path) -> None:
        self.settings = settings
        self.was_cut = False
        """Whether the last line that it wrote has no end."""
        command = [executable(settings, root), *settings.command[1:], *arguments]
        try:
            self._process = subprocess.Popen(
                command,
                cwd=root,
                env=_environment(settings, scratch),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as failure:
            place = settings.source.place("with", "tap")
            reason = failure.strerror or type(failure).__name__
            raise GiveUp(finding("tap-not-startable", place, tap=settings.tap, reason=reason)) from None
        atexit.register(self.close)  # its own session does not hear the Ctrl-C that ends this one
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output: IO[bytes] = self._process.stdout
        self._log = _Log(self._process.stderr)
        self._log.start()

    def lines(self) -> Iterator[bytes]:
        """Its lines without their ends. Raises `GiveUp` where it is silent for too long, or a line never ends."""
        parts: list[bytes] = []
        size = 0
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while chunk := self._chunk(selector):
                first, *others = chunk.split(b"\n")
                parts.append(first)
                size += len(first)
                if size > LONGEST_LINE:
                    raise GiveUp(self.finding("tap-line-too-long", limit=f"{LONGEST_LINE >> 20} MB"))
                if others:
                    yield b"".join(parts)
                    yield from others[:-1]
                    parts, size = [others[-1]], len(others[-1])
        if size:
            self.was_cut = True
            yield b"".join(parts)

    def finish(self, records: int = 0) -> None:
        """Wait for its end. Raises `GiveUp` where it failed, which tells how many records it wrote before."""
        try:
            status = self._process.wait(self.settings.timeout)
        except subprocess.TimeoutExpired:
            raise self._silent() from None
        self._log.join(_TICK)
        if status > 0:
            raise GiveUp(self.finding("tap-failed", status=status, said=self._said(), records=records or None))
        if status < 0:
            raise GiveUp(self.finding("tap-killed", signal=-status, said=self._said(), records=records or None))

    def close(self) -> None:
        """Stop it, and whatever it started."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._output.close()
        self._log.join(_TICK)
        atexit.unregister(self.close)

    def finding(self, code: str, **facts: object) -> Diagnostic:
        """A finding about this tap."""
        return finding(code, self.settings.stream.key(), tap=self.settings.tap, stream=self.settings.id, **facts)

    def _chunk(self, selector: selectors.BaseSelector) -> bytes:
        began = time.monotonic()
        while not selector.select(_TICK):
            if self._process.poll() is not None:
                return b""  # it has ended; something that it started holds its output open
            if time.monotonic() - max(began, self._log.heard) > self.settings.timeout:
                raise self._silent()
        return os.read(self._output.fileno(), _CHUNK)

    def _silent(self) -> GiveUp:
        return GiveUp(self.finding("tap-silent", seconds=self.settings.timeout, said=self._said()))

    def _said(self) -> str | None:
        return mask("\n".join(self._log.last)) or None

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class _Log(threading.Thread):
    """Reads what a tap says on its standard error, and keeps the end of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.last: deque[str] = deque(maxlen=_SHOWN)
        self.heard = 0.0

    def run(self) -> None:
        """Read to the end."""
        with self.stream:
            while line := self.stream.readline(_CHUNK):
                self.heard = time.monotonic()
                if text := line.decode("utf-8", "replace").rstrip():
                    self.last.append(text)


def executable(settings: Settings, root: Path) -> str:
    """The file to run: in the project, on the PATH, or beside this Python. Raises `GiveUp` where there is none."""
    name = settings.command[0]
    if os.sep in name:
        path: str | None = str(root / name)
        found = shutil.which(str(path))
    else:
        path = os.environ.get("PATH", os.defpath)
        found = shutil.which(name, path=path) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise GiveUp(finding("tap-not-found", settings.source.place("with", "tap"), tap=name, searched=path))
    return found


def _environment(settings: Settings, scratch: Path) -> dict[str, str]:
    """What a tap sees of the environment: the least that programs need, and what the source gives it."""
    temporary = scratch / "tmp"
    temporary.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "TMPDIR": str(temporary), "PYTHONUTF8": "1", **settings.env}
