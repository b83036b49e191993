"""The page of all findings, from the catalogue."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from engine.diagnostic import catalogue as catalogue_package
from engine.diagnostic.catalogue import CATALOGUE, Entry, Words
from generating.text import page


def diagnostics() -> str:
    """Every code of the catalogue."""
    parts = [
        "Every finding has a code. Here are all of them, in English and Chinese. What stands in braces is "
        "filled in from the case; "
        "a line whose facts are missing is left out.",
        "每个提示都有代码。花括号里的内容按实际情况填写，没有的那一行就不显示。",
    ]
    said = 0
    for module in _areas():
        parts.append(f"## {(inspect.getdoc(module) or '').rstrip('.')}")
        parts += [_entry(name, entry) for name, entry in module.ENTRIES.items()]
        said += len(module.ENTRIES)
    assert said == len(CATALOGUE), "an area of the catalogue was not found, or a code is in two of them"
    return page("Diagnostics", *parts)


def _areas() -> list[ModuleType]:
    """The modules of the catalogue, in its order."""
    names = [one.name for one in iter_modules(catalogue_package.__path__)]
    modules = [import_module(f"{catalogue_package.__name__}.{name}") for name in names]
    order = list(CATALOGUE)
    return sorted(
        (one for one in modules if hasattr(one, "ENTRIES")), key=lambda one: order.index(next(iter(one.ENTRIES)))
    )


def _entry(name: str, entry: Entry) -> str:
    parts = (f"### {name}", f"*{entry.severity}*", _words(entry.en, "note", "help"), _words(entry.zh, "说明", "建议"))
    return "\n\n".join(parts)


def _words(words: Words, note: str, help_: str) -> str:
    lines = [
        words.message,
        *([f"^ {words.label}"] if words.label else []),
        *(f"= {note}: {one}" for one in words.notes),
    ]
    lines += [f"= {help_}: {words.help}"] if words.help else []
    return "```text\n" + "\n".join(lines) + "\n```"
