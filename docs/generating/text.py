"""Markdown: pages, tables, code, and words in two languages."""

from __future__ import annotations

import re
from collections.abc import Iterable


def both(text: str) -> tuple[str, str]:
    """A description in English and Chinese."""
    en, _, zh = text.partition(" · ")
    return en, zh


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(one) for one in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    """Text as code, also where it holds backticks."""
    said = str(text)
    if "`" not in said:
        return f"`{said}`"
    return f"`` {said} ``"


def page(title: str, *parts: str) -> str:
    """A generated page."""
    note = "<!-- made by docs/generate.py; do not edit -->"
    return "\n\n".join([f"# {title}", note, *(part.strip("\n") for part in parts if part)]) + "\n"


def anchor(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
