"""Templates: declarations that say what an export of a platform's back office looks like, read from YAML.

The library's lie in `connectors/exports`, one export in a file; a project may have its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from engine.diagnostic import Diagnostic, Findings, finding, in_order
from engine.document import Document, Origin, read
from engine.load import library
from engine.load.schema import _diagnostics
from engine.model import Label

_EXPORTS = "connectors/exports"


@dataclass(frozen=True, slots=True)
class Layout:
    """One generation of an export. Each of `must` is a name or the names that mean the same, of which one has to be there."""

    name: str
    must: tuple[tuple[str, ...], ...]
    may: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """What an export looks like. `names` are patterns of its file names, `sheets` the names that its sheet has had."""

    name: str
    label: Label
    platform: str
    report: str
    layouts: tuple[Layout, ...]
    origin: Origin = field(repr=False, compare=False)
    names: tuple[re.Pattern[str], ...] = ()
    sheets: tuple[str, ...] = ()
    digest: str = field(default="", repr=False)


@cache
def template_schema() -> dict[str, Any]:
    """The JSON Schema of a template."""
    made: dict[str, Any] = json.loads(files("engine.load").joinpath("schemas/template.json").read_text("utf-8"))
    return made


@cache
def library_templates() -> tuple[Template, ...]:
    """The templates of the shipped library, by name."""
    return read_templates(sorted((library() / _EXPORTS).glob("*.yaml")), library())


def read_templates(paths: Iterable[Path], root: Path) -> tuple[Template, ...]:
    """The templates in files, by name. Raises `Findings` with everything that is wrong with them."""
    found: list[Diagnostic] = []
    made: dict[str, Template] = {}
    for path in paths:
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        document, wrong = read(path, shown)
        wrong = wrong or (_violations(document) if document else ())
        found += wrong
        if document is None or wrong:
            continue
        template, faults = _template(document)
        found += faults
        if template.name in made:
            found.append(finding("template-twice", document.place("name"), name=template.name))
        made[template.name] = template
    if found:
        raise Findings(in_order(found))
    return tuple(made[name] for name in sorted(made))


def _violations(document: Document) -> tuple[Diagnostic, ...]:
    failures = _validator().iter_errors(document.value)
    return tuple(one for failure in failures for one in _diagnostics(document, failure))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(template_schema(), registry=Registry())


def _template(document: Document) -> tuple[Template, tuple[Diagnostic, ...]]:
    given, origin = document.value, Origin(document, ())
    names, faults = _patterns(origin, given.get("file") or [])
    label = Label(given["zh"], given.get("en", given["name"]))
    layouts = tuple(_layout(one) for one in given["layouts"])
    template = Template(
        given["name"], label, given["platform"], given["report"], layouts, origin, names,
        tuple(given.get("sheet") or ()), sha256(document.text.encode()).hexdigest()[:16],
    )  # fmt: skip
    return template, faults


def _layout(given: dict[str, Any]) -> Layout:
    must = tuple((one,) if isinstance(one, str) else tuple(one) for one in given["must"])
    return Layout(given["name"], must, tuple(given.get("may") or ()), tuple(given.get("never") or ()))


def _patterns(origin: Origin, given: list[str]) -> tuple[tuple[re.Pattern[str], ...], tuple[Diagnostic, ...]]:
    patterns: list[re.Pattern[str]] = []
    faults: list[Diagnostic] = []
    for at, one in enumerate(given):
        try:
            pattern = re.compile(one, re.IGNORECASE)
        except re.error as failure:
            faults.append(finding("bad-pattern", origin.place("file", at), pattern=one, reason=str(failure)))
            continue
        strange = sorted(pattern.groupindex.keys() - {"shop", "since", "until"})
        if strange:
            faults.append(finding("strange-group", origin.place("file", at), name=strange[0]))
        patterns.append(pattern)
    return tuple(patterns), tuple(faults)
