"""Links lead somewhere, paths that pages name are there, and both languages have the same pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages_at_hand import ROOT, script

pages = script("pages")
ALL = sorted([*pages.all_pages(), *(ROOT / "docs" / "reference").glob("*.md")])

_FENCE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:engine|tests|docs|examples|mappings|metrics|benchmarks|\.ci)/[\w./*-]+)`")


def anchors(page: Path) -> set[str]:
    """The anchors that headings of a page get."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Files and headings; no link leaves the repository."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        path, _, anchor = target.partition("#")
        assert "://" not in target, f"{target} leads away"
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"there is no {target}"
        assert not anchor or anchor in anchors(file), f"there is no heading #{anchor} in {file.name}"


@pytest.mark.parametrize(
    "page", [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_paths_are_there(page: Path) -> None:
    """Files and folders that the pages for developers name."""
    for path in _PATH.findall(page.read_text("utf-8")):
        there = list(ROOT.glob(path.rstrip("/"))) if "*" in path else [ROOT / path]
        assert there, path
        assert all(one.exists() for one in there), path


def test_the_architecture_names_every_module() -> None:
    """No package of the engine is missing in the order of modules."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    there = {one.name for one in (ROOT / "engine").iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()}
    named = set(re.findall(r"`engine/(\w+(?:\.py)?)/?`", text))
    assert there - {"__init__.py"} <= named


def test_both_languages_have_the_same_steps() -> None:
    """A page in Chinese has as many headings, and the same commands, as its page in English."""
    for page in (one for one in ALL if one.name.endswith(".zh-CN.md")):
        english = page.with_name(page.name.replace(".zh-CN", ""))
        here, there = page.read_text("utf-8"), english.read_text("utf-8")
        assert here.count("\n## ") == there.count("\n## "), page
        assert _commands(here) == _commands(there), page


def _commands(text: str) -> list[str]:
    found = [
        command for block in pages.blocks(text) if block.language == "console" for command in block.body.splitlines()
    ]
    return [re.sub(r"\S+\.xlsx", "FILE", command) for command in found if command.startswith("$ ")]
