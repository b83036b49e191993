"""Connectors declared in YAML: found by name, and what a source of one may say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.diagnostic import Diagnostic, finding
from engine.document import Document, Origin
from engine.load.schema import violations_at
from engine.model import Preset

_TYPES: dict[str, list[str]] = {
    "text": ["string", "integer"],
    "integer": ["integer"],
    "boolean": ["boolean"],
    "list": ["array"],
}
_COMMON: dict[str, Any] = {
    "accounts": {
        "description": "Several shops or accounts: what differs, and `shop`, the name of each. · "
        "多个店铺或账号：各自不同的设置，`shop` 是店铺名。",
        "type": "array",
        "minItems": 1,
        "items": {"type": "object"},
    },
    "at_once": {
        "description": "Windows and shops that are read together. · 同时读取的窗口和店铺数。",
        "type": "integer",
        "minimum": 1,
        "maximum": 32,
    },
    "rate": {
        "description": "Ask no more often than this, such as `5/s`, besides the connector's own limits. · 额外限速，例如 `5/s`。",
        "type": "string",
        "pattern": r"^\d+(\.\d+)?\s*/\s*(\d+(\.\d+)?\s*)?(s|min|h|d)$",
        "x-form": "a rate such as `10/s`, `100/min`",
        "x-form-zh": "频率，例如 `10/s`、`100/min`",
    },
}


def preset_of(document: Document) -> Preset:
    """The connector that a manifest declares."""
    return Preset(document.value["name"], document.value, Origin(document, ()))


def with_schema(preset: Preset) -> dict[str, Any]:
    """JSON Schema of a source's `with`; what has to be given is checked account by account."""
    own = {name: setting_schema(one) for name, one in (preset.value.get("settings") or {}).items()}
    accounts = {
        **_COMMON["accounts"],
        "items": {
            "type": "object",
            "required": ["shop"],
            "additionalProperties": False,
            "properties": {**own, "shop": {"type": "string", "minLength": 1}},
        },
    }
    properties = {**own, **_COMMON, "accounts": accounts}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def options_schema(preset: Preset, stream: str) -> dict[str, Any]:
    """JSON Schema of what a source may say about a stream."""
    own = preset.value["streams"][stream].get("options") or {}
    properties = {name: setting_schema(one) for name, one in own.items()}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def setting_schema(setting: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of one setting."""
    made: dict[str, Any] = {"description": setting["about"]}
    if "one_of" in setting:
        made["enum"] = setting["one_of"]
    else:
        made["type"] = _TYPES[setting.get("type", "text")]
    if setting.get("default") is not None:
        made["default"] = setting["default"]
    if setting.get("secret"):
        made["x-secret"] = True
    return made


def wrong_preset_settings(preset: Preset, origin: Origin) -> Iterator[Diagnostic]:
    """What is wrong with the settings of a source of a preset; `origin` is that of the source."""
    document, at = origin.document, origin.path
    given = document.value_at((*at, "with")) if origin.has("with") else {}
    if origin.has("with"):
        yield from violations_at(document, (*at, "with"), with_schema(preset))
    streams = document.value_at((*at, "streams")) if origin.has("streams") else {}
    if isinstance(streams, dict):
        for name in streams:
            if name in preset.value["streams"]:
                yield from violations_at(document, (*at, "streams", name), options_schema(preset, name))
    yield from _lacking(preset, origin, given if isinstance(given, dict) else {})
    yield from _shops_twice(origin, given.get("accounts") if isinstance(given, dict) else None)


def _shops_twice(origin: Origin, accounts: Any) -> Iterator[Diagnostic]:
    """Accounts named as an earlier one: they would share where they stand, and each skip what the other read."""
    seen: set[str] = set()
    for at, account in enumerate(accounts if isinstance(accounts, list) else ()):
        shop = account.get("shop") if isinstance(account, dict) else None
        if isinstance(shop, str) and shop in seen:
            yield finding("shop-twice", origin.place("with", "accounts", at, "shop"), shop=shop)
        elif isinstance(shop, str):
            seen.add(shop)


def _lacking(preset: Preset, origin: Origin, given: dict[str, Any]) -> Iterator[Diagnostic]:
    settings = preset.value.get("settings") or {}
    needed = [name for name, one in settings.items() if "default" not in one and not one.get("optional")]
    listed = given.get("accounts")
    accounts = listed if isinstance(listed, list) and listed else [{}]
    for at, account in enumerate(accounts):
        there = {**given, **(account if isinstance(account, dict) else {})}
        place = origin.key("with", "accounts", at) if listed else origin.key(*(("with",) if origin.has("with") else ()))
        for name in needed:
            if name not in there:
                yield finding("missing-setting", place, key=name, connector=preset.name, about=settings[name]["about"])
        for group in preset.value.get("needs", ()):
            if not any(there.get(name) for name in group):
                listed_names = ", ".join(f"`{name}`" for name in group)
                yield finding("missing-one-of", place, keys=listed_names, connector=preset.name)
