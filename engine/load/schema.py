"""The JSON Schemas of the manifests, and their errors in words.

Schemas are closed and bundled; nothing is ever fetched. A source's settings are described by its connector, so
the schema of `project` is put together here, for checking and for editors alike.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from engine.connector import connector, connectors
from engine.diagnostic import Diagnostic, finding, nearest
from engine.document import Document

KINDS = ("project", "mapping", "metrics", "model")
"""What a manifest can declare."""

_NAMES = {
    "string": ("text", "文本"),
    "object": ("keys and values", "键值对"),
    "array": ("a list", "列表"),
    "integer": ("a whole number", "整数"),
    "number": ("a number", "数字"),
    "boolean": ("true or false", "true 或 false"),
    "null": ("nothing", "空"),
}


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of manifest; KeyError where there is no such kind."""
    if kind not in KINDS:
        raise KeyError(kind)
    made: dict[str, Any] = json.loads(files("engine.load").joinpath(f"schemas/{kind}.json").read_text("utf-8"))
    return _with_connectors(made) if kind == "project" else made


def violations(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """What the schema of its kind finds wrong with a document, in words."""
    found: list[Diagnostic] = []
    for failure in _validator(kind).iter_errors(document.value):
        found += _diagnostics(document, failure)
    return tuple(found)


def _with_connectors(project: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(project)
    source = made["$defs"]["source"]
    source["properties"]["connector"]["examples"] = sorted(connectors())
    source["allOf"] = [_settings_of(name) for name in sorted(connectors())]
    return made


def _settings_of(name: str) -> dict[str, Any]:
    described = connector(name)
    stream = {**described.stream_schema, "type": ["object", "null"]}
    return {
        "if": {"properties": {"connector": {"const": name}}, "required": ["connector"]},
        "then": {"properties": {"with": described.source_schema, "streams": {"additionalProperties": stream}}},
    }


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(schema(kind), registry=Registry())


def _diagnostics(document: Document, failure: ValidationError) -> Iterator[Diagnostic]:
    path = tuple(failure.absolute_path)
    rule: Any = failure.validator
    value: Any = failure.validator_value
    given: Any = failure.instance
    if rule == "additionalProperties":
        known = failure.schema.get("properties", {}) if isinstance(failure.schema, dict) else {}
        for key in given:
            if key not in known:
                yield finding(
                    "unknown-key", document.key(*path, key), key=key, near=nearest(key, known), known=", ".join(known)
                )
    elif rule == "required" and isinstance(value, list):
        missing = [key for key in value if key not in given]
        yield finding("missing-key", document.key(*path), key=failure.message.split("'")[1] if missing else "")
    elif rule == "type":
        yield _wrong_type(document, path, value, given)
    elif rule in ("enum", "const"):
        words = [str(word) for word in (value if rule == "enum" else [value])]
        yield finding(
            "unknown-word", document.place(*path), word=given, known=", ".join(words), near=nearest(str(given), words)
        )
    elif rule == "pattern":
        form = failure.schema if isinstance(failure.schema, dict) else {}
        place = (
            document.place(*path)
            if document.place(*path) and _holds(document, path, given)
            else document.key(*path, given)
        )
        yield finding(
            "wrong-form", place, value=given, form=form.get("x-form", value), form_zh=form.get("x-form-zh", value)
        )
    elif rule in ("minProperties", "minItems"):
        yield finding("empty-value", document.key(*path))
    else:
        yield finding("not-allowed", document.place(*path), reason=_plain(failure))


def _holds(document: Document, path: tuple[Any, ...], given: Any) -> bool:
    value = document.value
    for step in path:
        value = value[step]
    return bool(value == given)


def _wrong_type(document: Document, path: tuple[Any, ...], wanted: Any, given: Any) -> Diagnostic:
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    en = " or ".join(_NAMES[kind][0] for kind in kinds if kind != "null")
    zh = "或".join(_NAMES[kind][1] for kind in kinds if kind != "null")
    got, got_zh = _NAMES[_kind(given)]
    quote = f'"{_written(given)}"' if "string" in kinds and isinstance(given, bool | int | float) else None
    place = document.place(*path) if given is not None else document.key(*path)
    return finding("wrong-type", place, wanted=en, wanted_zh=zh, got=got, got_zh=got_zh, quote=quote)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for kind, types in (("boolean", bool), ("string", str), ("object", dict), ("array", list), ("integer", int)):
        if isinstance(value, types):
            return kind
    return "number"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(failure: ValidationError) -> str:
    return f"it breaks the rule `{failure.validator}: {failure.validator_value}`"
