"""Manifest files in, one `Project` out.

All findings of all files are gathered before anything is said: text that is not YAML, keys and values
that a schema refuses, files that are not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from engine.diagnostic import Diagnostic, Findings, Place, errors, finding, in_order, nearest
from engine.document import Document, Origin, read
from engine.load.build import Builder, inside, shown
from engine.load.presets import preset_of
from engine.load.schema import KINDS, violations
from engine.load.shipped import library
from engine.model import Inputs, Mapping, Preset, Project, Source

__all__ = ["KINDS", "library", "load"]

_GLOB = re.compile(r"[*?\[]")


def load(file: str | Path) -> Project:
    """Read a project manifest and all that it names.

    `file` is the project's YAML file, or the folder that holds `project.yaml`. Raises `Findings` with everything
    that is wrong with the files as files; what the manifests mean is for `check`.
    """
    path = Path(file)
    path = path / "project.yaml" if path.is_dir() else path
    return _Loader(path.resolve()).load(str(file))


class _Loader:
    def __init__(self, file: Path) -> None:
        self.file, self.root = file, file.parent
        self.found: list[Diagnostic] = []
        self.documents: dict[Path, Document] = {}
        self.patterns: dict[str, tuple[str, ...]] = {}
        self.build = Builder(self.root)

    def load(self, given: str) -> Project:
        if not self.file.is_file():
            near = (
                nearest(self.file.name, [one.name for one in self.root.glob("*.y*ml")]) if self.root.is_dir() else None
            )
            folder = _folder(self.root)
            raise Findings([finding("missing-file", None, path=given, folder=folder, near=near)])
        document = self._read(self.file, "project")
        if document is None:
            raise Findings(in_order(self.found))
        self._model(document)
        mappings = self._mappings(document)
        self._metrics(document)
        sources = self.build.sources(document, self._presets(document))
        made = tuple(self._mapped(mappings, sources))
        self.found += self.build.found
        if errors(self.found):
            raise Findings(in_order(self.found))
        value = document.value
        return Project(
            name=value["name"],
            root=self.root,
            file=self.file,
            timezone=value.get("timezone", "Asia/Shanghai"),
            currency=value.get("currency", "CNY"),
            storage=self.build.storage(document),
            sources=sources,
            tables=self.build.tables,
            mappings=made,
            metrics=self.build.metrics,
            documents=tuple(self.documents.values()),
            digest=self._digest(),
            origin=Origin(document, ()),
            salt=(value.get("privacy") or {}).get("salt"),
            inputs=Inputs(tuple(sorted(str(file) for file in (*self.documents, *self.build.maps))), self.patterns),
        )

    def _model(self, project: Document) -> None:
        for file in self._shipped("mappings/model/*.yaml"):
            self._take(file, "model", lambda document: self.build.model(document, shared=True))
        for file in self._named(project, "models"):
            self._take(file, "model", lambda document: self.build.model(document, shared=False))

    def _presets(self, project: Document) -> dict[str, Preset]:
        """The connectors that are declared in YAML: the project's own, and those of the library that sources use."""
        made: dict[str, Preset] = {}
        own = list(self._named(project, "connectors"))
        for file in own:
            self._take(file, "connector", lambda document: made.update({document.value["name"]: preset_of(document)}))
        self.build.lacks_connectors = len(made) < len(own)
        for source in project.value["sources"].values():
            file = library() / "connectors" / f"{source['connector']}.yaml"
            if source["connector"] not in made and file.is_file():
                self._take(
                    file, "connector", lambda document: made.update({document.value["name"]: preset_of(document)})
                )
        return made

    def _metrics(self, project: Document) -> None:
        for at, pack in enumerate(project.value.get("use") or []):
            file = library() / f"{pack}.yaml"
            if pack not in self._packs():
                known = self._packs()
                place = project.place("use", at)
                self.found.append(
                    finding("unknown-pack", place, name=pack, near=nearest(pack, known), known=", ".join(known))
                )
            else:
                self._take(file, "metrics", self.build.metrics_of)
        for file in self._named(project, "metrics"):
            self._take(file, "metrics", self.build.metrics_of)

    def _shipped(self, pattern: str) -> list[Path]:
        """Files of the library that apply by themselves."""
        matching = sorted(library().glob(pattern))
        self.patterns[str(library() / pattern)] = tuple(map(str, matching))
        return matching

    def _packs(self) -> list[str]:
        files = (library() / "metrics").rglob("*.yaml")
        return sorted(one.relative_to(library()).with_suffix("").as_posix() for one in files)

    def _mappings(self, project: Document) -> list[tuple[Document, Path, bool]]:
        own = [(file, False) for file in self._named(project, "mappings")]
        shipped = [(file, True) for file in self._shipped("mappings/*.yaml")]
        read_ = ((self._read(file, "mapping"), file, is_shipped) for file, is_shipped in own + shipped)
        return [(document, file, is_shipped) for document, file, is_shipped in read_ if document]

    def _mapped(self, mappings: list[tuple[Document, Path, bool]], sources: dict[str, Source]) -> Iterator[Mapping]:
        """The project's own mappings, then the library's for streams that the project has and does not map itself."""
        own = {(document.value["from"], document.value["into"]) for document, _, shipped in mappings if not shipped}
        for document, file, shipped in mappings:
            kind, stream = document.value["from"].split(".")
            if not shipped:
                yield self.build.mapping(document, file.parent, file.stem, kind)
                continue
            for source in sources.values():
                mapped = (f"{source.name}.{stream}", document.value["into"]) in own
                if source.connector == kind and stream in source.streams and not mapped:
                    yield self.build.mapping(document, file.parent, f"{source.name}.{file.stem}", source.name)

    def _named(self, project: Document, key: str) -> Iterator[Path]:
        """The files that the project names under a key, each once, in a steady order."""
        seen: set[Path] = set()
        for at, given in enumerate(project.value.get(key) or []):
            place = project.place(key, at)
            for file in self._matching(given, place):
                if file not in seen:
                    seen.add(file)
                    yield file

    def _matching(self, given: str, place: Place) -> Iterable[Path]:
        facts = {"path": given, "folder": _folder(self.root)}
        try:
            if not inside(self.root, self.root / given):
                self.found.append(finding("outside-project", place, path=given))
                return []
            if _GLOB.search(given):
                matching = sorted(one for one in self.root.glob(given) if one.is_file())
                self.patterns[str(self.root / given)] = tuple(map(str, matching))
                self.found += [] if matching else [finding("no-match", place, **facts)]
                return matching
            file = self.root / given
            if file.is_file():
                return [file]
            beside = (one for one in file.parent.glob("*") if one.is_relative_to(self.root))
            near = nearest(given, [one.relative_to(self.root).as_posix() for one in beside])
        except (OSError, ValueError):  # no name that a file can have
            near = None
        self.found.append(finding("missing-file", place, **facts, near=near))
        return []

    def _take(self, file: Path, kind: str, take: object) -> None:
        document = self._read(file, kind)
        if document and callable(take):
            take(document)

    def _read(self, file: Path, kind: str) -> Document | None:
        """Read a manifest of a kind; None, and findings kept, where it is not one."""
        inside = file.resolve().is_relative_to(library())
        name = (
            f"library/{file.relative_to(library()).as_posix()}"
            if inside and not file.is_relative_to(self.root)
            else shown(file, self.root)
        )
        document, found = read(file, name)
        found = tuple(replace(one, facts={**one.facts, "kind": kind}) for one in found)
        if document:
            found = self._of_kind(document, kind) or violations(document, kind)
        self.found += found
        if found or document is None:
            return None
        self.documents[file] = document
        return document

    def _of_kind(self, document: Document, kind: str) -> tuple[Diagnostic, ...]:
        if not isinstance(document.value, dict):
            return (finding("not-a-manifest", document.place(), kind=kind),)
        given = document.value.get("kind")
        if given == kind:
            return ()
        if given is None:
            return (finding("missing-kind", document.key(*list(document.value)[:1]), kind=kind),)
        return (finding("other-kind", document.place("kind"), given=given, kind=kind, **_advice(str(given), kind)),)

    def _digest(self) -> str:
        parts = sorted((document.path, document.digest) for document in self.documents.values())
        maps = sorted((shown(file, self.root), sorted(words.items())) for file, words in self.build.maps.items())
        return sha256(repr((parts, maps)).encode()).hexdigest()


_LISTED = {"connector": "connectors", "mapping": "mappings", "metrics": "metrics", "model": "models"}
"""Under which key of a project the manifests of a kind are named."""


def _advice(given: str, kind: str) -> dict[str, str]:
    """What to do about a manifest of another kind."""
    if given in _LISTED:
        key = _LISTED[given]
        return {"advice": f"name the file under `{key}` of the project", "advice_zh": f"请把文件写到项目的 `{key}` 下"}
    if nearest(given, [kind]):
        return {"advice": f"did you mean `{kind}`?", "advice_zh": f"是不是 `{kind}`？"}
    return {}


def _folder(path: Path) -> str | None:
    """A folder as people see it; None where they stand in it."""
    seen = shown(path, Path.cwd())
    return None if seen == "." else seen
