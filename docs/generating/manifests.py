"""The pages of manifests, key by key, from their JSON Schemas; and the settings of the connector `files`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from engine.connector import connector
from engine.load.schema import schema
from engine.load.templates import template_schema
from engine.sql.mapping import UNIT_FACTORS
from generating.text import anchor, both, code, page, table

_TYPES = {
    "string": "text", "object": "keys and values", "array": "list", "integer": "whole number", "number": "number",
    "boolean": "true or false",
}  # fmt: skip

Schema = dict[str, Any]


def manifest(kind: str, *more: str) -> str:
    """The reference page of a kind of manifest; `more` comes after its keys."""
    made = template_schema() if kind == "template" else schema(kind)
    en, zh = both(made["description"])
    parts = [f"{en}\n\n{zh}", *Keys(made).sections()]
    if kind == "project":
        parts.append(
            "What `with` and the streams of a source may say depends on its connector: [files](files.md), those of "
            "[the library](connectors.md), [databases](../how-to/read-a-database.md), "
            "[Singer taps](../how-to/use-a-singer-tap.md)."
        )
    if kind == "mapping":
        parts.append(_mapping_notes())
    return page(f"`kind: {kind}`", *parts, *more)


def files_page() -> str:
    """Settings of the connector `files`."""
    made = connector("files").source_schema
    keys = Keys(made)
    rows = [
        (code(key), keys.type(said), facts(key, said, set()), said["description"])
        for key, said in made["properties"].items()
    ]
    about = inspect.getdoc(import_module("engine.files")) or ""
    return page(
        "Connector `files`",
        about,
        "Every setting may stand in the source's `with`, for all of its streams, or in a stream, for that one. "
        "A source without streams has one that is called `records`.",
        table(("key", "value", "", "what it is"), rows),
        "CSV and text in UTF-8, UTF-16 or GB18030, `.xlsx`, `.xlsm`, `.xls` and `.xlsb` workbooks, tables of "
        "web pages that are "
        "called `.xls`, JSON, JSON lines and Parquet are read; also inside `.zip`, and packed with gzip.",
    )


def facts(key: str, said: Schema, required: set[str]) -> str:
    """Whether a key has to be given, and what it is where it is not."""
    if key in required:
        return "required"
    if "default" in said:
        given = said["default"]
        return f"default {code(json.dumps(given) if not isinstance(given, str) or not given else given)}"
    return ""


def _mapping_notes() -> str:
    units = ", ".join(
        f"{code(unit)} × {factor}" if factor else f"{code(unit)} × 1" for unit, factor in UNIT_FACTORS.items()
    )
    return (
        "Cleaning functions for `clean`, how each `type` is read, and what SQL may use: [functions](functions.md). "
        f"Columns there are to fill: [tables](tables.md).\n\nUnits of amounts: {units}. `percent` divides by "
        "100; `fraction` "
        "is kept, and a `%` in the text is believed."
    )


class Keys:
    """A schema as tables of keys: a section for each kind of object. What is defined once is shown once, where it is
    met first; a definition may hold itself."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._shown: dict[str, str] = {}
        """For each definition that is an object, the path of its section."""
        self._objects: dict[str, Schema] = {}
        self._walk(root, "")

    def sections(self) -> Iterator[str]:
        """The sections, in the order of the schema; the first has no heading."""
        for path, given in self._objects.items():
            if path:
                yield f"## {code(path)}"
                if said := given.get("description"):
                    yield "\n\n".join(one for one in both(said) if one)
            yield self._table(path, given)

    def type(self, raw: Schema, path: str = "") -> str:
        """What kind of value is meant, in words; with a link where its keys are told in another section."""
        said = self._resolved(raw)
        words = self._words(said)
        others = [self._shown[name] for name in self._names(raw) if not self._shown[name].startswith(path or "\0")]
        links = ", ".join(f"[{code(one)}](#{anchor(one)})" for one in dict.fromkeys(others))
        return f"{words}, see {links}" if links else words

    def _table(self, path: str, given: Schema) -> str:
        required = set(given.get("required", ()))
        rows = []
        for key, raw in given["properties"].items():
            said = self._resolved(raw)
            kind = self.type(raw, f"{path}.{key}" if path else key)
            rows.append((code(key), kind, facts(key, said, required), *both(said.get("description", ""))))
        return table(("key", "value", "", "what it is", "说明"), rows)

    def _walk(self, raw: Schema, path: str) -> None:
        """Find the objects in a schema, each with the path at which it stands first."""
        name, said = _name(raw), self._resolved(raw)
        if "properties" in said:
            if name in self._shown:
                return
            if name:
                self._shown[name] = path
            self._objects[path] = said
            for key, one in said["properties"].items():
                self._walk(one, f"{path}.{key}" if path else key)
            return
        for one, below in _inside(said, path):
            self._walk(one, below)

    def _names(self, raw: Schema) -> Iterator[str]:
        """The definitions with sections of their own that a value is made of."""
        name, said = _name(raw), self._resolved(raw)
        if name in self._shown:
            yield name
        elif "properties" not in said:
            for one, _ in _inside(said, ""):
                yield from self._names(one)

    def _resolved(self, given: Schema) -> Schema:
        if "$ref" not in given:
            return given
        found: Any = self._root
        for step in given["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return {**found, **{key: value for key, value in given.items() if key != "$ref"}}

    def _words(self, said: Schema) -> str:
        if "const" in said:
            return code(said["const"])
        if "enum" in said:
            return ", ".join(code(word) for word in said["enum"])
        if "anyOf" in said:
            return " or ".join(dict.fromkeys(self._words(self._resolved(one)) for one in said["anyOf"]))
        kinds = said.get("type", "string")
        words = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
        if "array" in kinds and isinstance(item := said.get("items"), dict):
            inner = self._resolved(item)
            plain = "text" if inner.get("type") == "string" else "values"
            many = "objects" if "properties" in inner else self._words(inner) if "enum" in inner else plain
            words = [f"list of {many}" if word == "list" else word for word in words]
        made = " or ".join(dict.fromkeys(words))
        return said["x-form"] if kinds == "string" and "x-form" in said else made


def _name(raw: Schema) -> str:
    return str(raw.get("$ref", "")).removeprefix("#/$defs/")


def _inside(said: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    """The schemas of what a value holds, and where it stands."""
    if isinstance(each := said.get("additionalProperties"), dict):
        yield each, f"{path}.<name>"
    if isinstance(item := said.get("items"), dict):
        yield item, f"{path}[]"
    for one in said.get("anyOf", ()):
        yield one, path
