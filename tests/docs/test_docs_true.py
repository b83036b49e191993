"""Pages say what commands print, reference pages what the code says, the picture what a terminal shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pages_at_hand import ROOT, script

pages = script("pages")
RUN = [page for page in pages.all_pages() if pages.runs(page)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_says_what_its_commands_print(page: Path) -> None:
    """Every command of a page is run, in order; `make docs` writes what they print."""
    _, differences = pages.run(page)
    assert not differences, "\n\n".join(map(str, differences))


def test_a_page_with_commands_is_run() -> None:
    """A block of commands with their output is never left unchecked."""
    unchecked = [
        page
        for page in pages.all_pages()
        if page not in RUN and any(block.language == "console" for block in pages.blocks(page.read_text("utf-8")))
    ]
    assert not unchecked


def test_reference_pages_are_those_that_the_code_makes() -> None:
    """`make docs` writes them."""
    made = script("generate").reference()
    there = sorted((ROOT / "docs" / "reference").glob("*.md"))
    assert there == sorted(made)
    stale = [file.name for file, text in made.items() if file.read_text("utf-8") != text]
    assert not stale, "run `make docs`"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_picture_shows_what_the_commands_print() -> None:
    """`make docs` makes it."""
    picture = script("picture")
    assert picture.said(picture.FILE.read_text("utf-8")) == picture.said(picture.picture())


def test_a_difference_is_found(tmp_path: Path) -> None:
    """The guard itself: another number is told, another number of seconds is not."""
    page = tmp_path / "page.md"
    page.write_text("<!-- run: empty -->\n\n```console\n$ echo 1,234.00 in 0.5 s\n1,234.00 in 0.7 s\n```\n", "utf-8")
    pages_root = pages.ROOT
    try:
        pages.ROOT = tmp_path
        assert pages.run(page)[1] == []
        page.write_text(page.read_text("utf-8").replace("\n1,234.00", "\n1,235.00"), "utf-8")
        text, differences = pages.run(page)
    finally:
        pages.ROOT = pages_root
    assert [one.command for one in differences] == ["echo 1,234.00 in 0.5 s"]
    assert "\n1,234.00 in 0.5 s\n" in text
