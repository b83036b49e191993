"""Every folder `cases/<code>/<case>/` is a project with a mistake; here each is told as people and programs see it.

The offending line ends in a comment `# error[code]` (or `# warning[code]`). Where no comment can stand (broken YAML,
data, questions), `expected.yaml` lists `path:line:column: error[code]`. `command` holds what to type after `engine`
(`validate` where it is left out; earlier lines are run first). `en.txt` and `zh.txt` are all that is said, word for
word: `UPDATE_SNAPSHOTS=1 pytest tests/test_cases.py` writes them anew, to be read before they are committed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli import main
from engine.diagnostic import Diagnostic, render
from engine.diagnostic.catalogue import CATALOGUE, manifest, metric, syntax
from engine.document import Document

load = import_module("engine.load")  # the package's own `load` is the function
CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(one for one in CASES.glob("*/*") if one.is_dir())
UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))

_MARK = re.compile(r"(?<= )(error|warning)\[([a-z0-9-]+)\]")
_SAID = re.compile(r"^(error|warning)\[([a-z0-9-]+)\]: .*(?:\n +--> (.+))?", re.MULTILINE)
_PLACE = re.compile(r"(?P<path>[^:]+)(?::(?P<line>\d+):(?P<column>\d+))?")
_STATED = re.compile(r"(?:(?P<place>\S+): )?(?P<severity>error|warning)\[(?P<code>[a-z0-9-]+)\]")
_ANNOTATION = re.compile(r"::(error|warning|notice) (.*?)::(.*)")

_MANIFESTS, _USAGE, _SOURCE, _DATA = 1, 2, 3, 4
_STATUS = {
    "missing-column": _DATA,
    "damaged-ids": _DATA,
    "nothing-feeds": _SOURCE,
    "nothing-published": _SOURCE,
    "unknown-rebuild": _USAGE,
    "usage": _USAGE,
}
"""Exit codes of findings that do not have the usual one of their command."""
_USUAL = {"validate": _MANIFESTS, "plan": _SOURCE, "apply": _SOURCE, "query": _USAGE, "show": _USAGE}

_UNREACHED = {
    "unreadable-file": "depends on rights that root does not lack",
    "too-large": "would need a file of megabytes",
    "not-allowed": "rules that only schemas of other connectors have",
    "no-metric": "the command line lists the metrics instead",
    "unlike-dimension": "tests/unit/test_metric_compile.py",
    "no-hours": "tests/unit/test_metric_compile.py",
    "no-time": "tests/unit/test_metric_compile.py",
    "name-taken": "tests/unit/test_metric_compile.py",
    "bad-limit": "tests/unit/test_metric_compile.py",
    "not-published": "tests/unit/test_query_answer.py",
    "column-not-published": "tests/unit/test_query_answer.py",
    "missing-extra": "tests/unit/test_query_answer.py",
    "too-many-rows": "tests/unit/test_query_forms.py",
    "text-too-long": "tests/unit/test_query_forms.py",
}
"""Codes about manifests and metrics that have no case here, and why."""


@dataclass(frozen=True, order=True)
class Spot:
    """A finding as far as a case states it: where, how bad, which. `column` 0 says nothing about the column."""

    path: str
    line: int
    column: int
    severity: str
    code: str

    def vague(self) -> Spot:
        """The same without its column."""
        return Spot(self.path, self.line, 0, self.severity, self.code)


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str


class Case:
    """One folder: what it expects, and a way to run commands in a copy of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = folder / "command"
        self.commands = command.read_text("utf-8").splitlines() if command.exists() else ["validate"]

    @property
    def command(self) -> str:
        """The command that is looked at; the others come before it."""
        return self.commands[-1]

    @property
    def verb(self) -> str:
        """The first word of the command."""
        return self.command.split()[0]

    def expected(self) -> Counter[Spot]:
        """The findings that the case states."""
        stated = self.folder / "expected.yaml"
        listed = yaml.safe_load(stated.read_text("utf-8")) if stated.exists() else []
        return Counter([*map(_stated, listed), *self._marked()])

    def status(self) -> int:
        """The exit code that these findings deserve."""
        codes = [spot.code for spot in self.expected() if spot.severity == "error"]
        return max((_STATUS.get(code, _USUAL[self.verb]) for code in codes), default=0)

    def _marked(self) -> list[Spot]:
        return [
            Spot(file.relative_to(self.folder).as_posix(), number, 0, *mark.groups())
            for file in sorted(self.folder.rglob("*.yaml"))
            if file.name != "expected.yaml"
            for number, line in enumerate(file.read_bytes().decode("utf-8", "replace").split("\n"), start=1)
            for mark in _MARK.finditer(line)
        ]


Run = Callable[..., Said]


@pytest.fixture(autouse=True, scope="module")
def _library_is_read_once() -> Iterator[None]:
    """The shipped library is the same for every case; reading it each time would be most of the work."""
    files: dict[Path, Any] = {}
    checked: dict[tuple[str, str], Any] = {}
    read, violations = load.read, load.violations

    def read_once(file: Path, shown: str) -> Any:
        if not shown.startswith("library/"):
            return read(file, shown)
        if file not in files:
            files[file] = read(file, shown)
        return files[file]

    def checked_once(document: Document, kind: str) -> Any:
        if not document.path.startswith("library/"):
            return violations(document, kind)
        if (document.path, kind) not in checked:
            checked[document.path, kind] = violations(document, kind)
        return checked[document.path, kind]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "read", read_once)
        patch.setattr(load, "violations", checked_once)
        yield


@pytest.fixture
def run(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run command lines of `engine` in a fresh copy of the case; only the last one's words come back."""
    case: Case = request.getfixturevalue("case")
    for name in ("LC_ALL", "LC_MESSAGES", "NO_COLOR", "ENGINE_DEBUG", "ENGINE_CASE_FOLDER", "ENGINE_CASE_SALT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    copies = iter(range(100))

    def ended(line: str) -> int:
        monkeypatch.setattr(sys, "argv", ["engine", *shlex.split(line)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        return int(ending.value.code or 0)

    def ran(*lines: str) -> Said:
        copy = tmp_path / f"copy{next(copies)}"
        shutil.copytree(case.folder, copy, ignore=shutil.ignore_patterns("*.txt", "command", "expected.yaml"))
        monkeypatch.chdir(copy)
        for line in lines[:-1]:
            assert ended(line) == 0, capsys.readouterr().err
        status = ended(lines[-1])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert str(tmp_path) not in out + err, "a message shows a path of this machine"
        return Said(status, out, err)

    return ran


def _stated(text: str) -> Spot:
    match = _STATED.fullmatch(text)
    assert match, f"expected.yaml: {text}"
    path, line, column = _parted(match["place"])
    return Spot(path, line, column, match["severity"], match["code"])


def _parted(place: str | None) -> tuple[str, int, int]:
    match = _PLACE.fullmatch(place or "")
    return (match["path"], int(match["line"] or 0), int(match["column"] or 0)) if match else ("", 0, 0)


def _reported(said: str) -> list[Spot]:
    """The findings in a message for people."""
    return [Spot(*_parted(match[3]), match[1], match[2]) for match in _SAID.finditer(said)]


def _in_json(text: str) -> list[Spot]:
    found = []
    for one in json.loads(text):
        place = one["place"] or {"path": "", "line": 0, "column": 0}
        found.append(Spot(place["path"], place["line"], place["column"], one["severity"], one["code"]))
    return found


def _annotated(text: str) -> list[Spot]:
    found = []
    for line in text.splitlines():
        match = _ANNOTATION.fullmatch(line)
        assert match, line
        said = dict(part.split("=", 1) for part in match[2].split(","))
        where = said.get("file", "").replace("%3A", ":"), int(said.get("line", 0)), int(said.get("col", 0))
        found.append(Spot(*where, match[1], said["title"]))
    return found


def _is_snapshot(file: Path, said: str) -> None:
    if UPDATE:
        file.write_text(said, "utf-8")
    assert file.exists(), f"{file.name} is missing; UPDATE_SNAPSHOTS=1 writes it"
    assert said == file.read_text("utf-8")


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.relative_to(CASES).as_posix())
def case(request: pytest.FixtureRequest) -> Case:
    """Each case in turn."""
    return Case(request.param)


def test_a_mistake_is_told_where_it_stands_in_the_same_words(
    case: Case, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Diagnostic] = []
    as_text = render.text

    def spied(found: tuple[Diagnostic, ...], *more: object, **options: object) -> str:
        told[:] = found
        return as_text(found, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "text", spied)
    english = run(*case.commands[:-1], f"{case.command} --lang en")
    expected, reported = case.expected(), _reported(english.err)
    precise = {spot for spot in expected if spot.column}
    assert Counter(spot if spot in precise else spot.vague() for spot in reported) == expected
    assert english.status == case.status()
    _is_snapshot(case.folder / "en.txt", english.err)
    assert sorted(_in_json(render.as_json(told))) == sorted(reported)
    assert sorted(_annotated(render.github(told))) == sorted(reported)
    if case.verb != "validate":  # a run is not worth doing again for the other language
        _is_snapshot(case.folder / "zh.txt", as_text(told, "zh") + "\n")
        return
    chinese = run(f"{case.command} --lang zh")
    assert chinese.status == english.status
    _is_snapshot(case.folder / "zh.txt", chinese.err)


def test_programs_are_told_the_same(case: Case, run: Run) -> None:
    if case.verb != "validate":
        told = run("validate" if (case.folder / "project.yaml").exists() else case.command)
        assert told.status == 0, f"the manifests of a case of `{case.verb}` are right:\n{told.err}"
        return
    expected = Counter(spot.vague() for spot in case.expected().elements())
    plain, annotations = run(f"{case.command} --format json"), run(f"{case.command} --format github")
    if case.expected().keys() <= {Spot("", 0, 0, "error", "usage")}:
        assert plain.status == case.status()
        return
    assert Counter(spot.vague() for spot in _in_json(plain.out)) == expected
    assert Counter(spot.vague() for spot in _annotated(annotations.out)) == expected
    assert plain.status == annotations.status == case.status()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(CASES).as_posix())
def test_a_case_stands_under_its_code(folder: Path) -> None:
    assert folder.parent.name in {spot.code for spot in Case(folder).expected()}


def test_every_code_about_manifests_has_a_case() -> None:
    codes = {*syntax.ENTRIES, *manifest.ENTRIES, *metric.ENTRIES}
    there = {folder.parent.name for folder in FOLDERS}
    assert there <= CATALOGUE.keys()
    assert codes - there == _UNREACHED.keys()
