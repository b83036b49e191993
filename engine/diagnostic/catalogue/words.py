"""What a diagnostic says: words in two languages, filled with the facts of the case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import Formatter
from typing import Literal


@dataclass(frozen=True, slots=True)
class Words:
    """What a diagnostic says in one language."""

    message: str
    label: str | None = None
    notes: tuple[str, ...] = ()
    help: str | None = None

    def filled(self, facts: dict[str, object]) -> Words:
        """The same words with the facts put in."""
        return replace(
            self,
            message=self.message.format_map(facts),
            label=_fill(self.label, facts),
            notes=tuple(note for note in (_fill(one, facts) for one in self.notes) if note),
            help=_fill(self.help, facts),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: how bad it is and its words in both languages."""

    severity: Literal["error", "warning", "note"]
    en: Words
    zh: Words

    def words(self, language: Literal["en", "zh"]) -> Words:
        """The words in one language."""
        return self.zh if language == "zh" else self.en


KINDS = {
    "text": ("text", "文本"),
    "number": ("a number", "数字"),
    "timestamp": ("a time", "时间"),
    "date": ("a date", "日期"),
    "boolean": ("a condition", "条件"),
    "interval": ("a length of time", "时长"),
    "unknown": ("a value", "值"),
}
"""What expressions give, in words."""


def in_words(**kinds: str) -> dict[str, str]:
    """The facts that name kinds of values, for both languages: `kind` and `kind_zh`."""
    return {
        key: words for name, kind in kinds.items() for key, words in zip((name, f"{name}_zh"), KINDS[kind], strict=True)
    }


def error(en: Words, zh: Words) -> Entry:
    """An entry that stops the phase."""
    return Entry("error", en, zh)


def warning(en: Words, zh: Words) -> Entry:
    """An entry that is said and does not stop anything."""
    return Entry("warning", en, zh)


def _fill(template: str | None, facts: dict[str, object]) -> str | None:
    if template is None:
        return None
    needed = {name for _, name, _, _ in Formatter().parse(template) if name}
    return template.format_map(facts) if needed <= facts.keys() else None
