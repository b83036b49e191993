"""What a connector of somebody else's says: findings whose words the connector brings along itself.

The catalogue holds the words of the engine. A plugin has no entry in it and needs none: it gives its words with the
finding, in both languages, and whoever reads it is told which connector speaks.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.diagnostic import Diagnostic, Place, finding


class Said(NamedTuple):
    """The same words in both languages: lower case where they begin, no full stop."""

    en: str
    zh: str


def problem(
    connector: str, said: Said, *, place: Place | None = None, note: Said | None = None, help: Said | None = None
) -> Diagnostic:
    """An error, to be raised with `GiveUp`, or to be told by `check`.

    `said` stands alone, `note` adds a fact, `help` is one thing to do; `place` is where the manifest speaks of it, such
    as `stream.origin.place()`.
    """
    return finding("plugin", place, **_facts(connector, said, note, help))


def remark(
    connector: str, said: Said, *, place: Place | None = None, note: Said | None = None, help: Said | None = None
) -> Diagnostic:
    """A warning, to be handed over with a landing: it is told and stops nothing."""
    return finding("plugin-warning", place, **_facts(connector, said, note, help))


def _facts(connector: str, said: Said, note: Said | None, help: Said | None) -> dict[str, object]:
    given = {"message": said, "note": note, "help": help}
    words = {name: one for name, one in given.items() if one is not None}
    english = {name: one.en for name, one in words.items()}
    return {"connector": connector, **english, **{f"{name}_zh": one.zh for name, one in words.items()}}
