"""The JSON Schemas of the manifests, and their errors in words.

Schemas are closed and bundled; nothing is ever fetched. A source's settings are described by its connector, so
the schema of `project` is put together here, for checking and for editors alike.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from engine.connector import Connector, connector, connectors
from engine.diagnostic import Diagnostic, Place, finding, nearest
from engine.diagnostic.catalogue.yaml import COMMA_IN_TEXT
from engine.document import Document

KINDS = ("project", "connector", "mapping", "metrics", "model")
"""What a manifest can declare."""

_WANTED = {
    "string": ("text", "文本"),
    "object": ("an object of keys and values", "键值对"),
    "array": ("a list", "列表"),
    "integer": ("a whole number", "整数"),
    "number": ("a number", "数字"),
    "boolean": ("`true` or `false`", " `true` 或 `false`"),
}
_GOT = {**_WANTED, "boolean": ("a truth value", "真假值")}
_MEANT = {
    "元": "yuan", "角": "jiao", "分": "fen", "万": "wan", "万元": "wan", "亿": "yi", "%": "percent",
    "datetime": "timestamp", "time": "timestamp", "string": "text", "str": "text", "varchar": "text", "int": "integer",
    "bigint": "integer", "number": "decimal", "float": "decimal", "double": "decimal", "money": "decimal",
    "bool": "boolean", "文本": "text", "编号": "id", "整数": "integer", "小数": "decimal", "金额": "decimal",
    "日期": "date", "时间": "timestamp", "xlsx": "excel", "xls": "excel",
}  # fmt: skip
"""Words that people write for words of the language."""
_TRUTH = {"yes": "true", "on": "true", "是": "true", "y": "true", "1": "true", "no": "false", "off": "false"}
_TRUTH |= {"否": "false", "n": "false", "0": "false"}
_FULL_WIDTH_COLON = "："


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of manifest; KeyError where there is no such kind."""
    return _with_connectors(_plain(kind)) if kind == "project" else _plain(kind)


def _plain(kind: str) -> dict[str, Any]:
    if kind not in KINDS:
        raise KeyError(kind)
    made: dict[str, Any] = json.loads(files("engine.load").joinpath(f"schemas/{kind}.json").read_text("utf-8"))
    return made


def violations(document: Document, kind: str) -> tuple[Diagnostic, ...]:
    """What the schema of its kind finds wrong with a document, in words."""
    failures = _validator(kind).iter_errors(document.value)
    return tuple(found for failure in failures for found in _diagnostics(document, failure))


def violations_at(document: Document, path: tuple[Any, ...], part: dict[str, Any]) -> Iterator[Diagnostic]:
    """What a schema finds wrong with a part of a document, in words."""
    for failure in Draft202012Validator(part, registry=Registry()).iter_errors(document.value_at(path)):
        failure.path.extendleft(reversed(path))
        yield from _diagnostics(document, failure)


def wrong_settings(document: Document, source: tuple[str, str], described: Connector) -> Iterator[Diagnostic]:
    """What is wrong with the settings of a source and of its streams, by the schemas of its connector."""
    given = document.value_at(source)
    if "with" in given:
        yield from violations_at(document, (*source, "with"), described.source_schema)
    stream = {**described.stream_schema, "type": ["object", "null"]}
    declared = given.get("streams")
    for name in declared if isinstance(declared, dict) else ():
        yield from violations_at(document, (*source, "streams", name), stream)


def _with_connectors(project: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(project)
    source = made["$defs"]["source"]
    source["properties"]["connector"]["examples"] = sorted(connectors().keys() - {"rest"})
    source["allOf"] = [_settings_of(name) for name in sorted(connectors().keys() - {"rest"})]
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
    whole = _plain(kind)  # what a source may say, its connector tells: only the connectors that are used are imported
    return Draft202012Validator(_in_place(whole, whole.get("$defs", {})), registry=Registry())


def _in_place(part: Any, definitions: dict[str, Any], inside: tuple[str, ...] = ()) -> Any:
    """A schema with its definitions put where they are referred to: looking them up is half the work of checking."""
    if isinstance(part, list):
        return [_in_place(one, definitions, inside) for one in part]
    if not isinstance(part, dict):
        return part
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if name not in definitions or name in inside or not part.keys() <= {"$ref", "description", "default"}:
        return {key: _in_place(value, definitions, inside) for key, value in part.items()}
    return _in_place(definitions[name], definitions, (*inside, name))


def _diagnostics(document: Document, failure: ValidationError) -> Iterator[Diagnostic]:
    path: tuple[Any, ...] = tuple(failure.absolute_path)
    rule: Any = failure.validator
    if failure.instance is None and rule in ("type", "enum", "const", "anyOf"):
        yield finding("missing-value", document.key(*path), key=_last_name(path), **_wanted_words(failure))
    elif rule in _RULES:
        yield from _RULES[rule](document, path, failure)
    else:
        said = f"`{failure.validator}: {failure.validator_value}`"
        yield finding("not-allowed", document.place(*path), rule=said)


def _unknown_keys(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    known, given = _properties(failure), _instance(failure)
    for key in given:
        place = document.key(*path, key)
        if key in known:
            continue
        if _FULL_WIDTH_COLON in key:
            yield _full_width(key, place)
        elif given[key] is None and ")" in key:
            yield finding("yaml-syntax", place, **_COMMA)
        else:
            yield finding("unknown-key", place, key=key, near=nearest(key, known), known=", ".join(known))


def _missing_key(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    known, given, wanted = _properties(failure), _instance(failure), _value(failure)
    key = next(key for key in wanted if failure.message.startswith(repr(key)))
    misspelt = any(nearest(other, known) == key for other in given if other not in known)
    if not misspelt:  # the unknown key is told already
        yield finding("missing-key", document.key(*path), key=key)


def _wrong_type(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    given, kinds = _instance(failure), _kinds(failure)
    if "object" in kinds and isinstance(given, str) and _FULL_WIDTH_COLON in given:
        at = given.index(_FULL_WIDTH_COLON)
        yield finding("full-width-colon", document.inside(path, at, at + 1), key=given[:at].strip())
        return
    got, got_zh = _GOT[_kind(given)]
    facts = {**_wanted_words(failure), "got": got, "got_zh": got_zh, "example": _example(given, kinds)}
    yield finding("wrong-type", document.place(*path), **facts)


def _any_of(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    """Of several shapes, the one that the value comes closest to says what is wrong."""
    shapes: dict[Any, list[ValidationError]] = {}
    for one in failure.context or ():
        shapes.setdefault(one.schema_path[0], []).append(one)
    near = [wrong for wrong in shapes.values() if not any(one.validator in ("type", "const") for one in wrong)]
    near = near or [wrong for wrong in shapes.values() if any(len(one.absolute_path) > len(path) for one in wrong)]
    if not near:
        yield from _wrong_type(document, path, failure)
    for wrong in near[:1]:
        yield from (found for one in wrong for found in _diagnostics(document, one))


def _unknown_word(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    value, given = _value(failure), _written(_instance(failure))
    words = [str(word) for word in (value if failure.validator == "enum" else [value])]
    meant = _MEANT.get(given.lower())
    near = meant if meant in words else nearest(given, words)
    yield finding("unknown-word", document.place(*path), word=given, known=", ".join(words), near=near)


def _wrong_form(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    given, form = _instance(failure), failure.schema if isinstance(failure.schema, dict) else {}
    is_key = document.value_at(path) != given
    place = document.key(*path, given) if is_key else document.place(*path)
    if is_key and _FULL_WIDTH_COLON in given:
        yield _full_width(given, place)
        return
    facts = {"form": form.get("x-form"), "form_zh": form.get("x-form-zh")}
    words = given if is_key and not given.isascii() and path[-1:] != ("sources",) else None
    yield finding("wrong-form", place, value=given, words=words, **facts)


def _too_few(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    if _instance(failure):
        yield from _wrong_count(document, path, failure)
    else:
        yield finding("empty-value", document.key(*path))


def _wrong_count(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    wanted, got = _value(failure), len(_instance(failure))
    yield finding("wrong-count", document.place(*path), wanted=wanted, got=got)


def _too_long(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    yield finding("too-long", document.place(*path), value=failure.instance, limit=failure.validator_value)


def _out_of_range(document: Document, path: tuple[Any, ...], failure: ValidationError) -> Iterator[Diagnostic]:
    schema: Any = failure.schema
    least, most = schema.get("minimum", 0), schema.get("maximum")
    allowed, allowed_zh = (
        (f"{least} to {most}", f"可取 {least} 到 {most}") if most else (f"at least {least}", f"最小为 {least}")
    )
    yield finding("out-of-range", document.place(*path), value=failure.instance, allowed=allowed, allowed_zh=allowed_zh)


_RULES: dict[str, Callable[[Document, tuple[Any, ...], ValidationError], Iterator[Diagnostic]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "type": _wrong_type,
    "anyOf": _any_of,
    "enum": _unknown_word,
    "const": _unknown_word,
    "pattern": _wrong_form,
    "minProperties": _too_few,
    "minItems": _too_few,
    "minLength": _too_few,
    "maxItems": _wrong_count,
    "maxLength": _too_long,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
}

_COMMA = {
    "reason": COMMA_IN_TEXT.reason,
    "reason_zh": COMMA_IN_TEXT.reason_zh,
    "advice": COMMA_IN_TEXT.advice,
    "advice_zh": COMMA_IN_TEXT.advice_zh,
}


def _full_width(key: str, place: Place) -> Diagnostic:
    at = key.index(_FULL_WIDTH_COLON)
    return finding("full-width-colon", replace(place, column=place.column + at, width=1), key=key[:at].strip())


def _instance(failure: ValidationError) -> Any:
    return failure.instance


def _value(failure: ValidationError) -> Any:
    return failure.validator_value


def _properties(failure: ValidationError) -> dict[str, Any]:
    return failure.schema.get("properties", {}) if isinstance(failure.schema, dict) else {}


def _kinds(failure: ValidationError) -> list[str]:
    """The kinds of value that a rule wants."""
    schemas: Any = failure.validator_value if failure.validator == "anyOf" else [failure.schema]
    kinds: list[str] = []
    for one in schemas:
        told = one.get("type") or "string"
        kinds += [told] if isinstance(told, str) else told
    return [kind for kind in dict.fromkeys(kinds) if kind != "null"]


def _wanted_words(failure: ValidationError) -> dict[str, str]:
    names = [_WANTED[kind] for kind in _kinds(failure)]
    return {"wanted": " or ".join(en for en, _ in names), "wanted_zh": "或".join(zh for _, zh in names)}


def _example(given: Any, kinds: list[str]) -> str | None:
    """The value as it should have been written, where that can be told."""
    if "string" in kinds and isinstance(given, bool | int | Decimal):
        return f'"{_written(given)}"'
    if kinds == ["array"] and isinstance(given, str):
        return f"[{given}]"
    if kinds == ["string"] and isinstance(given, list) and len(given) == 1 and isinstance(given[0], str):
        return given[0]
    if kinds == ["boolean"] and isinstance(given, str | int):
        return _TRUTH.get(str(given).lower(), {"true": "true", "false": "false"}.get(str(given).lower()))
    return given if kinds == ["integer"] and isinstance(given, str) and given.isdecimal() else None


def _last_name(path: tuple[Any, ...]) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _kind(value: Any) -> str:
    for kind, types in (("boolean", bool), ("string", str), ("object", dict), ("array", list), ("integer", int)):
        if isinstance(value, types):
            return kind
    return "number"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
