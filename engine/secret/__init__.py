"""Secrets and other settings from outside: what `${NAME}` stands for, where it was looked up, and that it is not shown.

A name is looked up, in this order, in

1. the environment,
2. the file `.env` beside the project,
3. a file: the one that the variable `NAME_FILE` names, else `NAME` or `name` in `/run/secrets`,
4. the operating system's keyring, service `commerce-engine`, where `ENGINE_KEYRING=1` or the project asks for it,
5. `secrets.env.age` beside the project, opened by the age key in `ENGINE_AGE_KEY` or `ENGINE_AGE_KEY_FILE`.

The first that is not empty counts. Values live from here to the transport; they are never put into the environment.

What is looked up is hidden wherever text leaves the engine (`engine.diagnostic.masking`) if it is a secret: it came from
place 3, 4 or 5; or the key that it is the setting of, or its own name, says so; or it looks as if a machine had made it up;
or it is the password inside a URL. Other values (hosts, ports, folders, plain words) stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from engine.diagnostic import Diagnostic, Findings, finding, nearest
from engine.diagnostic.masking import known, mask
from engine.document import Origin
from engine.secret.places import Keeper, keepers
from engine.secret.plain import is_random, is_secret_name, passwords, plain_secrets, secret_keys
from engine.secret.sealed import new_key, seal, unseal
from engine.secret.sinks import guard

__all__ = ["Secrets", "mask", "new_key", "plain_secrets", "remember", "seal", "secret_keys", "unseal", "variables"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Found(NamedTuple):
    """A value, and the place that gave it."""

    value: str
    keeper: Keeper


def variables(value: Any) -> tuple[str, ...]:
    """The `${NAME}`s in a value, each once."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(_VARIABLE.findall(value)))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(dict.fromkeys(name for part in parts for name in variables(part)))


def remember(*values: str) -> None:
    """Never show these values from now on: not in findings, runs, log records or tracebacks."""
    known.add(*values)
    guard()


class Secrets:
    """What `${NAME}` stands for in the settings of the project in the folder `root`.

    `folder` holds a file for each secret (`/run/secrets` by default); `keyring` asks the keyring too.
    """

    def __init__(self, root: Path, *, folder: Path | None = None, keyring: bool = False) -> None:
        self._keepers = keepers(root, folder, keyring, remember)

    def filled(self, value: Any, secret: Collection[str] = ()) -> Any:
        """The value with every `${NAME}` replaced; `secret` are the keys whose settings are secrets.

        Raises KeyError(name) where one is not set, and `Findings` where a place that was asked is broken.
        """
        return self._filled(value, secret, marked=False)

    def unset(self, value: Any, origin: Origin, *path: str | int) -> tuple[Diagnostic, ...]:
        """A finding for every `${NAME}` in a value that is not set anywhere, or for the place that cannot be asked."""
        try:
            return tuple(self._unset(value, origin, path))
        except Findings as broken:
            return broken.diagnostics

    def where(self, name: str) -> str | None:
        """The place that gives a name: `environment`, `.env`, `file`, `keyring` or `sealed`; None where none does."""
        found = self._look(name)
        return found.keeper.kind if found else None

    def looked(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Every place in which a name is looked for, in order, in English and in Chinese."""
        told = [keeper.told(name) for keeper in self._keepers]
        return tuple(english for english, _ in told), tuple(chinese for _, chinese in told)

    def names(self) -> tuple[str, ...]:
        """The names that the project's own places hold: all but those of the environment, and of the keyring."""
        listed = (name for keeper in self._keepers if keeper.kind != "environment" for name in keeper.names())
        return tuple(sorted(set(listed)))

    def _look(self, name: str) -> _Found | None:
        for keeper in self._keepers:
            value = keeper.look(name)
            if value is not None:
                return _Found(value, keeper)
        return None

    def _filled(self, value: Any, secret: Collection[str], *, marked: bool) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._put(match[1], marked), value)
        if isinstance(value, dict):
            named = {key: key in secret or is_secret_name(key) for key in value}
            return {key: self._filled(part, secret, marked=marked or named[key]) for key, part in value.items()}
        return [self._filled(part, secret, marked=marked) for part in value] if isinstance(value, list) else value

    def _put(self, name: str, marked: bool) -> str:
        found = self._look(name)
        if found is None:
            raise KeyError(name)
        remember(*passwords(found.value))
        if marked or found.keeper.sure or is_secret_name(name) or is_random(found.value):
            remember(found.value)
        return found.value

    def _unset(self, value: Any, origin: Origin, path: tuple[str | int, ...]) -> Iterator[Diagnostic]:
        if isinstance(value, dict | list):
            for step, part in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._unset(part, origin, (*path, step))
        elif isinstance(value, str):
            for match in _VARIABLE.finditer(value):
                if self._look(match[1]) is None:
                    place = origin.inside(*path, start=match.start(), end=match.end())
                    yield finding("missing-variable", place, name=match[1], **self._advice(match[1]))

    def _advice(self, name: str) -> dict[str, str]:
        """Where a name was looked for, and what to do, in words."""
        english, chinese = self.looked(name)
        all_names = {one for keeper in self._keepers for one in keeper.names()} - {name}
        # Names of other secrets are alike (…_ACCESS_TOKEN); only a slip of the pen is worth a suggestion.
        near = nearest(name, [one for one in all_names if SequenceMatcher(None, name, one).ratio() > 0.88])
        advice = (
            (f"did you mean `${{{near}}}`?", f"是不是 `${{{near}}}`？")
            if near
            else (f"set it, as in `export {name}=…`", f"先设置：`export {name}=…`")
        )
        return {
            "looked": "; ".join(english),
            "looked_zh": "；".join(chinese),
            "advice": advice[0],
            "advice_zh": advice[1],
        }
