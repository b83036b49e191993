"""The catalogue and the source agree; the words of both languages need the same facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import engine
from engine.diagnostic.catalogue import CATALOGUE, Words
from engine.diagnostic.catalogue.yaml import PROBLEMS, Problem

SOURCE = Path(engine.__file__).parent
CALLS = {"finding": 0, "refused": 0, "fault": 0, "_fault": 0, "Refused": 0, "Fault": 0}
"""Functions that take a code, and which of their arguments it is."""


def calls() -> Iterator[str]:
    """Every code that a call in the source names."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                code = node.args[CALLS[name]] if name in CALLS else None
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value


def mentioned() -> set[str]:
    """Every text in the source outside of the catalogue."""
    files = [file for file in SOURCE.rglob("*.py") if "catalogue" not in file.parts]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    return {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def facts(words: Words) -> dict[str, set[str]]:
    """The facts that each part of some words needs."""
    parts = {"message": words.message, "label": words.label or "", "help": words.help or ""}
    parts |= {f"note {at}": note for at, note in enumerate(words.notes)}
    return {part: {name for _, name, _, _ in Formatter().parse(text) if name} for part, text in parts.items()}


def test_every_code_in_the_source_is_in_the_catalogue():
    assert sorted(set(calls()) - CATALOGUE.keys()) == []


def test_every_code_in_the_catalogue_is_used():
    assert sorted(CATALOGUE.keys() - mentioned()) == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_both_languages_need_the_same_facts(code: str):
    english, chinese = facts(CATALOGUE[code].en), facts(CATALOGUE[code].zh)
    known = set().union(*english.values())
    for part, needed in chinese.items():
        plain = {name.removesuffix("_zh") for name in needed}
        assert plain <= known, part
        assert plain <= english.get(part, set()) or part == "label", part


@pytest.mark.parametrize("code", CATALOGUE)
def test_both_languages_can_be_filled(code: str):
    entry = CATALOGUE[code]
    names = set().union(*facts(entry.en).values(), *facts(entry.zh).values())
    for words in (entry.en, entry.zh):
        filled = words.filled(dict.fromkeys(names, "x"))
        assert "{" not in f"{filled.message}{filled.label}{filled.notes}{filled.help}".replace("${", "")
        assert len(filled.notes) == len(words.notes)
    assert (entry.en.help is None) == (entry.zh.help is None)
    assert (entry.en.label is None) == (entry.zh.label is None)
    assert len(entry.en.notes) == len(entry.zh.notes)


@pytest.mark.parametrize("code", CATALOGUE)
def test_style(code: str):
    entry = CATALOGUE[code]
    for part in (entry.en.message, entry.en.label or "", *entry.en.notes, entry.en.help or ""):
        assert not part.endswith("."), part
        assert not re.match(r"[A-Z][a-z]", part), part
    for part in (entry.zh.message, entry.zh.label or "", *entry.zh.notes, entry.zh.help or ""):
        assert not part.endswith("。"), part
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)


@pytest.mark.parametrize("problem", PROBLEMS.values())
def test_reasons_of_the_yaml_reader_can_be_filled(problem: Problem):
    known = {"said": "x", "character": "U+0000"}
    assert problem.reason.format_map(known)
    assert problem.reason_zh.format_map(known)
    assert (problem.advice is None) == (problem.advice_zh is None)


def test_no_code_is_worded_twice():
    """Two areas that word the same code would overwrite each other's words."""
    folder = SOURCE / "diagnostic" / "catalogue"
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "ENTRIES":
                assert isinstance(node.value, ast.Dict)
                for key in node.value.keys:
                    assert isinstance(key, ast.Constant)
                    assert key.value not in found, f"{key.value} is worded in {found[key.value]} and {file.name}"
                    found[key.value] = file.name
