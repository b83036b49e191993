"""Which connectors there are: built in, of the library, of other packages, of the project; and what each of them is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from engine.connector import Connector, connector
from engine.diagnostic import Findings, finding, nearest
from engine.document import read
from engine.load.presets import preset_of, setting_schema
from engine.load.schema import violations
from engine.load.shipped import library
from engine.model import Label, Preset, Project

OWN = "commerce-engine"
"""The distribution whose connectors are the built-in ones."""
UNNAMED = frozenset({"rest"})
"""Connectors that no source names: `rest` reads what manifests describe."""

Kind = Literal["built-in", "library", "plugin", "project"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a connector. `about` says what it is; one that is `needed` has no default and may not be left out."""

    name: str
    needed: bool
    secret: bool
    default: Any
    about: Label
    allowed: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A connector that can be named. `comes_from` is a distribution with its version, or a file; `broken` says why it
    cannot be used. Exactly one of `preset` and `made` is there where it is not broken."""

    name: str
    kind: Kind
    comes_from: str
    preset: Preset | None = None
    made: Connector | None = None
    broken: str | None = None

    @property
    def label(self) -> Label:
        """What people call it."""
        if self.preset is not None:
            given = self.preset.value.get("label") or {}
            return Label(given.get("zh") or given.get("en") or self.name, given.get("en") or self.name)
        return Label(self.name, self.name)

    @property
    def about(self) -> Label:
        """What it reads: as its manifest says it, or its class."""
        if self.preset is not None:
            return both(self.preset.value.get("about") or "")
        words = inspect.getdoc(type(self.made)) if self.made is not None else None
        return both((words or "").partition("\n\n")[0].replace("\n", " "))

    @property
    def docs(self) -> str | None:
        """Where the platform documents its interface."""
        return self.preset.value.get("docs") if self.preset else None

    @property
    def streams(self) -> dict[str, dict[str, Any]]:
        """The streams that it always has; a project declares those of the others."""
        return dict(self.preset.value["streams"]) if self.preset else {}

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a source of it says under `with`."""
        if self.preset is not None:
            given = self.preset.value.get("settings") or {}
            return tuple(_setting_of_preset(name, one) for name, one in given.items())
        schema = self.made.source_schema if self.made else {}
        needed = frozenset(schema.get("required") or ())
        return tuple(_setting(name, one, name in needed) for name, one in (schema.get("properties") or {}).items())

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of the settings that have to be given."""
        return tuple(one.name for one in self.settings if one.needed)


def known(project: Project | None = None) -> tuple[Known, ...]:
    """Every connector that a source may name here, by kind and name; a project's own hides another of its name."""
    own = tuple(_of_project(project)) if project else ()
    hidden = {one.name for one in own}
    others = (one for one in (*_installed(), *_of_library()) if one.name not in hidden)
    ranks: dict[Kind, int] = {"project": 0, "built-in": 1, "plugin": 2, "library": 3}
    return tuple(sorted((*own, *others), key=lambda one: (ranks[one.kind], one.name)))


def named(name: str, project: Project | None = None) -> Known:
    """The connector of that name. Raises `Findings` (status 2) where there is none, or it cannot be used."""
    there = known(project)
    found = next((one for one in there if one.name == name), None)
    if found is None:
        names = [one.name for one in there]
        facts = {"kind": "connector", "kind_zh": "连接器", "name": name, "known": ", ".join(names)}
        raise Findings([finding("unknown-thing", **facts, near=nearest(name, names))], status=2)
    if found.broken:
        raise Findings([finding("broken-connector", name=name, origin=found.comes_from, reason=found.broken)], status=3)
    return found


def of_file(file: Path, name: str) -> Known:
    """The connector of that name, which a manifest declares. Raises `Findings` where it declares another, or none."""
    if not file.is_file():
        raise Findings([finding("missing-file", None, path=str(file))])
    document, found = read(file, str(file))
    wrong = found or (violations(document, "connector") if document else ())
    if wrong or document is None:
        raise Findings(wrong)
    declared = document.value["name"]
    if declared != name:
        facts = {"kind": "connector", "kind_zh": "连接器", "name": name, "known": declared, "near": declared}
        raise Findings([finding("unknown-thing", **facts)], status=2)
    return Known(declared, "project", str(file), preset_of(document))


def both(written: str) -> Label:
    """Words that are given in one language, or in two as `English. · 中文。`."""
    english, parted, chinese = written.partition(" · ")
    return Label((chinese if parted else english).strip(), english.strip())


def _installed() -> Iterator[Known]:
    """Connectors of installed distributions, each once. A later one of the same name is never reached."""
    seen: set[str] = set()
    for point in entry_points(group="engine.connectors"):
        if point.name in seen or point.name in UNNAMED:
            continue
        seen.add(point.name)
        yield _of_point(point)


def _of_point(point: EntryPoint) -> Known:
    name, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
    kind: Kind = "built-in" if name == OWN else "plugin"
    comes_from = f"{name} {version}"
    try:
        return Known(point.name, kind, comes_from, made=connector(point.name))
    except Exception as failure:  # whatever somebody else's module does when it is imported
        return Known(point.name, kind, comes_from, broken=f"{type(failure).__name__}: {failure}")


def _of_library() -> Iterator[Known]:
    for file in sorted((library() / "connectors").glob("*.yaml")):
        shown = f"library/connectors/{file.name}"
        document, found = read(file, shown)
        wrong = found or (violations(document, "connector") if document else ())
        if document is None or wrong:
            yield Known(file.stem, "library", shown, broken=str(wrong[0]) if wrong else "empty")
        else:
            yield Known(document.value["name"], "library", shown, preset_of(document))


def _of_project(project: Project) -> Iterator[Known]:
    for document in project.documents:
        if document.value.get("kind") == "connector" and not document.path.startswith("library/"):
            yield Known(document.value["name"], "project", document.path, preset_of(document))


def _setting_of_preset(name: str, given: dict[str, Any]) -> Setting:
    needed = "default" not in given and not given.get("optional")
    return _setting(name, setting_schema(given), needed)


def _setting(name: str, schema: dict[str, Any], needed: bool) -> Setting:
    about = both(str(schema.get("description") or schema.get("title") or ""))
    secret = schema.get("x-secret") is True
    return Setting(name, needed, secret, schema.get("default"), about, tuple(schema.get("enum") or ()))
