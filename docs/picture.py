"""Make the picture of the README: a real terminal, in which the starter project is applied and asked for a figure."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from html import unescape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from engine.cli.starter import start

FILE = Path(__file__).resolve().parent / "images" / "apply-and-query.svg"

_COLUMNS, _ROWS = 114, 60
_COMMANDS = (
    "engine apply --quiet",
    "engine query order_cnt pay_amt aov --by time.day",
)
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_SECONDS = re.compile(r"\d+\.\d(?=( s\b|\s*\n|\s*$))")


def picture() -> str:
    """The picture as SVG. Its seconds differ from run to run; `said` leaves them out."""
    screen = Console(width=_COLUMNS, record=True, file=StringIO(), force_terminal=True, color_system="truecolor")
    with TemporaryDirectory() as folder:
        list(start(Path(folder) / "shop", ("commerce",)))
        for at, command in enumerate(_COMMANDS):
            screen.print(Text.assemble(("" if at == 0 else "\n"), ("$ ", "bold green"), (command, "bold")))
            screen.print(Text.from_ansi(_typed(command, Path(folder) / "shop").strip("\n")))
    svg = screen.export_svg(title="engine", theme=MONOKAI, unique_id="engine")
    return _FONT.sub("", svg).replace("Fira Code,", "")


def said(svg: str) -> str:
    """The words in the picture, without seconds."""
    words = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    return _SECONDS.sub("0.0", "\n".join(" ".join(unescape(word).split()) for word in words))


def _typed(command: str, folder: Path) -> str:
    """What a terminal of a fixed width is sent by a command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    bare = {
        key: value for key, value in os.environ.items() if not key.startswith(("LC_", "NO_COLOR", "COLUMNS", "LINES"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**bare, "PATH": path, "LANG": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        shlex.split(command), cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    sent = b"".join(_read(ours))
    os.close(ours)
    if process.wait():
        raise RuntimeError(f"`{command}` failed:\n{sent.decode('utf-8', 'replace')}")
    return sent.decode("utf-8").replace("\r\n", "\n")


def _read(handle: int) -> list[bytes]:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(handle, 65536)
        except OSError:  # Linux says so when the other side has closed
            return chunks
        if not chunk:
            return chunks
        chunks.append(chunk)
