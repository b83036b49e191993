"""Say what is wrong, where, why, and what to do about it.

A `Diagnostic` is a value: a code, a place and the facts of this case. Its words live in the
`catalogue`, in English and Chinese, so that a message reads the same wherever it is raised. `render`
turns diagnostics into text for a terminal, JSON for programs, or annotations for CI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from engine.diagnostic.catalogue import CATALOGUE, Entry, Words

Severity = Literal["error", "warning", "note"]
Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line of a manifest or data file.

    `line` and `column` count from 1, `width` in characters; `text` is the whole line.
    A place without a known line (a file that is missing, say) has `line` 0.
    """

    path: str
    line: int = 0
    column: int = 0
    width: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


hiding: list[Callable[[str], str]] = []
"""What a finding passes through before it becomes text; `masking` puts itself here once there are secrets to hide."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a `code` of the catalogue, a place, and the facts that fill the code's words."""

    code: str
    place: Place | None = None
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        """The code's entry in the catalogue."""
        return CATALOGUE[self.code]

    @property
    def severity(self) -> Severity:
        """How bad it is: an `error` stops the phase that found it."""
        return self.entry.severity

    def words(self, language: Language = "en") -> Words:
        """The message, label, notes and help of this case; a part whose facts are missing is left out."""
        facts = _chinese(self.facts) if language == "zh" else self.facts
        return self.entry.words(language).filled(facts)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        told = f"{where}{self.severity}[{self.code}]: {self.words().message}"
        for hide in hiding:
            told = hide(told)
        return told


class Findings(Exception):
    """Raised at the end of a phase that found errors; carries all that the phase found.

    `status` is the process exit code that the findings deserve: 1 the manifests are wrong,
    3 a source or warehouse did not do its part, 4 the data failed its checks.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], status: int = 1) -> None:
        self.diagnostics = tuple(diagnostics)
        self.status = status
        super().__init__("\n".join(str(found) for found in self.diagnostics))


def finding(code: str, place: Place | None = None, /, **facts: object) -> Diagnostic:
    """Make a diagnostic; facts that are None leave out the parts of the message that need them."""
    if code not in CATALOGUE:
        raise KeyError(f"no diagnostic code {code!r} in the catalogue")
    return Diagnostic(code, place, {name: fact for name, fact in facts.items() if fact is not None})


def errors(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those of the diagnostics that stop a phase."""
    return tuple(one for one in found if one.severity == "error")


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Diagnostics by file and line, each said once, in the same order every time."""
    unique = {(one.code, one.place, one.words()): one for one in found}
    return tuple(sorted(unique.values(), key=lambda one: (*_position(one.place), one.code, one.words().message)))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who typed `name` most likely meant, if any comes close."""
    names = sorted(set(known))
    folded = {known_name.casefold(): known_name for known_name in reversed(names)}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.65)
    return folded[close[0]] if close else None


def _chinese(facts: dict[str, object]) -> dict[str, object]:
    """The facts with names listed as Chinese text lists them."""
    return {name: fact.replace("`, `", "`、`") if isinstance(fact, str) else fact for name, fact in facts.items()}


def _position(place: Place | None) -> tuple[str, int, int]:
    return (place.path, place.line, place.column) if place else ("", 0, 0)
