"""A connector to begin with: a manifest or a Python package, a simulated platform that it is tried on, and its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.cli import scaffold_python, scaffold_yaml
from engine.cli.words import Language, say
from engine.connector import connectors
from engine.diagnostic import Findings, finding
from engine.probe.known import known

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def manifest(name: str, folder: Path | None) -> Iterator[Path]:
    """Write a connector in YAML, with a fake, a test, and a project where there is none. Raises `Findings` (status 2).

    Yields the files as they are written; nothing that is there already is touched.
    """
    target = folder or Path()
    texts = dict(scaffold_yaml.FILES)
    if (target / "project.yaml").exists():
        del texts["project.yaml"]
    yield from _written(name, target, texts)


def package(name: str, folder: Path | None) -> Iterator[Path]:
    """Write a package with a connector in Python, as `manifest` does."""
    yield from _written(name, folder or Path(f"{name}-connector"), scaffold_python.FILES)


def onwards(name: str, folder: Path | None, *, python: bool, language: Language) -> str:
    """What to type next."""
    target = folder or (Path(f"{name}-connector") if python else Path())
    steps = [] if target == Path() else [f"cd {target}"]
    tests = f"python -m pytest tests/test_{name}.py"
    steps += [tests, "pip install -e .", f"engine connector show {name}"] if python else ["engine validate", tests]
    return "\n".join([f"{say(language, 'try')}:", *(f"  {step}" for step in steps)])


def _written(name: str, folder: Path, texts: Mapping[str, str]) -> Iterator[Path]:
    if not _NAME.fullmatch(name):
        raise Findings([finding("bad-name", name=name)], status=2)
    taken = {**connectors(), **{one.name: one.comes_from for one in known()}}
    if name in taken:
        raise Findings([finding("connector-there", name=name, origin=taken[name])], status=2)
    made = {folder / _filled(path, name): _filled(text, name) for path, text in texts.items()}
    there = [finding("file-there", path=str(path)) for path in made if path.exists()]
    if there:
        raise Findings(there, status=2)
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        yield path


def _filled(text: str, name: str) -> str:
    kind = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("@name@", name).replace("@NAME@", name.upper()).replace("@Kind@", kind)
