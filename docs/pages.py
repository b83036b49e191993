"""Run what the pages show: write their files, type their commands, and hold what comes out against what they say.

A page that is run says so in a comment: `<!-- run: empty -->`, or `starter` (a project of `engine init`), `applied`
(the same after `engine apply`), or `example` (a copy of examples/tmall_store with its data). Its blocks are then taken
in order, in a folder of their own:

* `yaml title=project.yaml` (or csv, text …) is written to that file;
* `diff title=project.yaml` changes that file: lines with `-` go, lines with `+` come;
* `console` holds commands after `$ ` and what they print; `console head=5` shows the first five lines of each, and
  `console check=status` holds only that each of them ends well, for what says something else every time;
* `python` is run as a script; a `text` block that follows is what it prints;
* `<!-- file: data/a.csv` … `-->` is written to that file and not shown.

Times, dates of runs and folders of this machine may differ from what a page says; nothing else may.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "tmall_store"

_START = re.compile(r"^<!-- (?:run: (?P<start>empty|starter|applied|example)|output:demo) -->$", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$"
    r"|^<!-- file: (?P<file>\S+)\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_PROGRESS = re.compile(r"\d\d:\d\d:\d\d \S+ .*\(\d+/\d+\)")
_PLAIN = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"), "<time>"),
    (re.compile(r"\d+\.\d( s\b| 秒|$)", re.MULTILINE), r"0.0\1"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"━+|─+"), "-"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its settings, its lines, and where they stand in the page."""

    language: str
    settings: dict[str, str]
    body: str
    start: int
    end: int


@dataclass(frozen=True)
class Difference:
    """A command that printed something else than its page says."""

    page: str
    command: str
    said: str
    printed: str

    def __str__(self) -> str:
        return f"{self.page}: $ {self.command}\n--- the page says\n{self.said}\n--- it printed\n{self.printed}"


def runs(page: Path) -> bool:
    """Whether the blocks of a page are run."""
    return _START.search(page.read_text("utf-8")) is not None


def all_pages() -> list[Path]:
    """The pages that people read, but for those that are generated from code."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md")]
    return sorted(page for page in found if "reference" not in page.parts)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, and its hidden files."""
    found = []
    for match in _BLOCK.finditer(text):
        if match["file"]:
            found.append(Block("file", {"title": match["file"]}, match["hidden"], *match.span("hidden")))
            continue
        language, *words = match["info"].split() or [""]
        settings = dict(word.partition("=")[::2] for word in words)
        found.append(Block(language, settings, match["body"], *match.span("body")))
    return found


def run(page: Path) -> tuple[str, list[Difference]]:
    """Run a page; returns its text with what really came out, and where that differs from what it says."""
    text, chinese = page.read_text("utf-8"), page.name.endswith(".zh-CN.md")
    start = _START.search(text)
    assert start, f"{page} does not say where it starts"
    found: list[Difference] = []
    with TemporaryDirectory() as folder, _at(Path(folder).resolve(), chinese=chinese) as session:
        session.begin(start["start"] or "example")
        in_page = blocks(text)
        made = [(block, session.take(block, before)) for block, before in zip(in_page, [None, *in_page], strict=False)]
        for block, printed in reversed(made):
            if printed is None:
                continue
            found = [replace(one, page=page.relative_to(ROOT).as_posix()) for one in printed[1]] + found
            if printed[1]:
                text = text[: block.start] + printed[0] + text[block.end :]
    return text, found


@contextmanager
def _at(folder: Path, *, chinese: bool) -> Iterator[_Session]:
    before = Path.cwd()
    language = "zh_CN.UTF-8" if chinese else "en_US.UTF-8"
    changed = {
        "LC_MESSAGES": language,
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    os.chdir(folder)
    try:
        with patch.dict(os.environ, changed):
            for name in ("LC_ALL", "ENGINE_DEBUG"):
                os.environ.pop(name, None)
            yield _Session(folder)
    finally:
        os.chdir(before)


class _Session:
    """What a reader has done so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.status = folder, 0
        self.printed = ""

    def begin(self, start: str) -> None:
        """Set up the folder that the page starts in."""
        if start in ("starter", "applied"):
            self._engine(["init", "shop"])
            os.chdir(self.folder / "shop")
            if start == "applied":
                self._engine(["apply", "--quiet"])
        elif start == "example":
            shutil.copytree(EXAMPLE, self.folder / "tmall_store", ignore=shutil.ignore_patterns("data", "build"))
            os.chdir(self.folder / "tmall_store")
            for name, content in _example_data().items():
                (self.folder / "tmall_store" / "data").mkdir(exist_ok=True)
                (self.folder / "tmall_store" / "data" / name).write_bytes(content)

    def take(self, block: Block, before: Block | None) -> tuple[str, list[Difference]] | None:
        """Do what a block says; what it should look like and what differs, for a block that shows output."""
        title = block.settings.get("title")
        if block.language == "console":
            return self._status(block) if block.settings.get("check") == "status" else self._commands(block)
        if block.language == "python" and not title:
            self.printed = self._python(block.body)
            return None
        if block.language == "text" and before and before.language == "python" and self.printed:
            same = plain(block.body) == plain(self.printed)
            return self.printed, [] if same else [Difference("", "python", block.body, self.printed)]
        if title:
            self._write(Path(title), block)
        return None

    def _write(self, file: Path, block: Block) -> None:
        if block.language == "diff":
            text, old, new = file.read_text("utf-8"), "", ""
            for line in block.body.splitlines(keepends=True):
                old += line[1:] if line[0] in " -" else ""
                new += line[1:] if line[0] in " +" else ""
            assert text.count(old) == 1, f"{file} does not hold these lines once:\n{old}\nbut is\n{text}"
            file.write_text(text.replace(old, new), "utf-8")
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.body, "utf-8")

    def _commands(self, block: Block) -> tuple[str, list[Difference]]:
        text, found = "", []
        for command, said in commands(block.body):
            printed = self._typed(command)
            if "head" in block.settings:
                printed = _head(printed, int(block.settings["head"]))
            if plain(said) != plain(printed):
                found.append(Difference("", command, said, printed))
                said = printed
            text += f"$ {command}\n{said}"
        return text, found

    def _status(self, block: Block) -> tuple[str, list[Difference]]:
        failed = []
        for command, said in commands(block.body):
            self.status = 0
            printed = self._typed(command)
            if self.status:
                failed.append(Difference("", command, said, f"{printed}(exit code {self.status})"))
        return block.body, failed

    def _typed(self, command: str) -> str:
        words = shlex.split(command)
        if words[0] == "cd":
            os.chdir(words[1])
            return ""
        if words[0] == "engine" and not set(command) & set("|<>;&$\\\n"):
            return self._engine(words[1:])
        return self._shell(command.replace("$?", str(self.status)))

    def _engine(self, words: list[str]) -> str:
        from engine.cli import main

        screen = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True, newline="")
        with patch.multiple(sys, argv=["engine", *words], stdout=screen, stderr=screen):
            try:
                main()
            except SystemExit as done:
                self.status = int(done.code or 0)
        return self._shown(screen.buffer.getvalue().decode("utf-8"))

    def _shell(self, command: str) -> str:
        done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.status = done.returncode
        return self._shown(done.stdout.decode("utf-8"))

    def _python(self, code: str) -> str:
        done = subprocess.run([sys.executable, "-"], input=code.encode(), capture_output=True, check=False)
        assert not done.returncode, done.stderr.decode("utf-8", "replace")
        return self._shown(done.stdout.decode("utf-8"))

    def _shown(self, printed: str) -> str:
        """What a page shows of what was printed: no progress (a terminal takes it back), no folders of this machine."""
        lines = printed.replace("\ufeff", "").replace(f"{self.folder}{os.sep}", "").replace("\r\n", "\n").split("\n")
        kept = [line.rstrip() for line in lines if not _PROGRESS.fullmatch(line)]
        text = "\n".join(kept).strip("\n")
        return f"{text}\n" if text else ""


@cache
def _example_data() -> dict[str, bytes]:
    """What `python generate.py` writes in the example."""
    with TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, str(EXAMPLE / "generate.py"), "--out", folder], check=True, stdout=subprocess.DEVNULL
        )
        return {file.name: file.read_bytes() for file in sorted(Path(folder).rglob("*.csv"))}


def commands(body: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block (a line that ends in a backslash goes on), each with what it is said to print."""
    command, said, open_ = "", "", False
    for line in body.splitlines(keepends=True):
        if line.startswith("$ ") and not open_:
            if command:
                yield command, said
            command, said = line[2:].rstrip("\n"), ""
        elif open_:
            command += "\n" + line.rstrip("\n")
        else:
            said += line
        open_ = command.endswith("\\") and not said
    if command:
        yield command, said


def plain(text: str) -> str:
    """Text without what may differ from run to run."""
    for pattern, instead in _PLAIN:
        text = pattern.sub(instead, text)
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def _head(printed: str, lines: int) -> str:
    shown = printed.splitlines(keepends=True)
    return "".join([*shown[:lines], "…\n"]) if len(shown) > lines else printed
