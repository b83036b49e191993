"""Tokens: fetched with credentials, kept from run to run, renewed in time, by one at a time.

A refresh token that rotates dies the moment it is used; so a new one is on the disk, whole, before anybody uses what
came with it. Tokens lie in a folder of the warehouse that only its owner can read.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from engine.connector import GiveUp
from engine.rest.answer import Answer
from engine.rest.request import Call
from engine.rest.template import Scope, Template, Wrong
from engine.secret import remember


@dataclass(frozen=True)
class TokenRule:
    """How a platform gives tokens. `take` are the values kept from its answer, `until` when they end (unix seconds)."""

    call: Call | None
    refresh: Call | None
    success: Template | None
    take: dict[str, Template]
    lasts: Template | None
    until: Template | None
    start: Template
    early: int
    when: Template | None
    per: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """What asking for a token takes from settings: two accounts that agree in it have one token."""
        asked = [one for call in (self.call, self.refresh) if call for one in _templates(call)]
        return frozenset(name for one in (*asked, self.start, self.when) if one for name in one.names)


Ask = Callable[[Call, Scope], Answer]
Refused = Callable[[str], GiveUp]
"""What to raise where there is no token to be had, from a reason in words."""


class Tokens:
    """The token of one account. Safe to use from many threads, and from several processes."""

    def __init__(
        self, rule: TokenRule, scope: Scope, file: Path | None, now: Callable[[], float], refused: Refused
    ) -> None:
        self._rule, self._scope, self._file, self._now, self._refused = rule, scope, file, now, refused
        self._lock = threading.Lock()
        self._start: dict[str, Any] = _as_kept({key: value for key, value in rule.start(scope).items() if value})
        self._held: dict[str, Any] | None = None

    @property
    def is_used(self) -> bool:
        """Whether requests of this account need a token at all."""
        return self._rule.when is None or bool(self._rule.when(self._scope))

    @property
    def _can_ask(self) -> bool:
        """Whether there is a way to fetch a token; without one, the one that is given is used until it is refused."""
        return self._rule.call is not None or self._rule.refresh is not None

    def is_good(self, answer: Answer) -> bool:
        """Whether an answer to a request for a token is a success."""
        fine = 200 <= answer.response.status < 300
        return fine and (self._rule.success is None or bool(self._rule.success(answer.scope(whole=True))))

    def current(self, ask: Ask) -> dict[str, Any]:
        """The token, fetched or renewed where that is needed; `ask` sends the request."""
        if not self.is_used:
            return {}
        with self._lock:
            held = self._held or self._read() or self._given()
            if held is None and not self._can_ask:
                raise Wrong("no token is given, and the connector says no way to fetch one")
            if held is None or (self._can_ask and not self._lasts(held)):
                held = self._renewed(ask, held, refused=None)
            self._held = held
            return dict(held["taken"])

    def renew(self, ask: Ask, refused: dict[str, Any]) -> dict[str, Any]:
        """Another token in place of one that the platform refused; where somebody renewed it already, that one."""
        with self._lock:
            self._held = self._renewed(ask, self._held, refused)
            return dict(self._held["taken"])

    def ends(self) -> float | None:
        """When the token that is held ends, in unix seconds; None where that is not known."""
        held = self._held or self._read()
        return held["until"] if held else None

    def _renewed(self, ask: Ask, held: dict[str, Any] | None, refused: dict[str, Any] | None) -> dict[str, Any]:
        with self._alone():
            kept = self._read() or held
            # Somebody renewed it since: doing so again would end theirs, where tokens rotate.
            if kept and kept["taken"] != refused and self._lasts(kept):
                return kept
            made = self._fetched(ask, kept)
            self._write(made)
            return made

    def _fetched(self, ask: Ask, before: dict[str, Any] | None) -> dict[str, Any]:
        old = {**self._start, **(before["taken"] if before else {})}
        call = self._rule.refresh if self._rule.refresh and (before or self._rule.call is None) else self._rule.call
        if call is None:
            raise self._refused("the connector says no way to renew it")
        answer = ask(call, {**self._scope, "token": old})
        told = {**answer.scope(whole=True), "cookies": cookies(answer)}
        given = {name: value for name, one in self._rule.take.items() if (value := one(told)) not in (None, "")}
        lacking = next((name for name in self._rule.take if name not in given), None)
        if lacking and lacking == next(iter(self._rule.take)):
            raise self._refused(f"the answer holds no {lacking}")
        until = self._until({**old, **given})
        taken = _as_kept({**old, **given})
        self._hide(taken)
        return {"taken": taken, "until": until, "start": self._sign_of_start()}

    def _hide(self, taken: dict[str, Any]) -> None:
        """Show none of it from now on, nor any cookie in it by itself."""
        remember(*(value for value in taken.values() if isinstance(value, str)))
        baked = (taken.get(name) for name, one in self._rule.take.items() if "cookies" in one.names)
        pairs = (pair for value in baked if isinstance(value, str) for pair in value.split(";"))
        remember(*(pair.partition("=")[2].strip() for pair in pairs))

    def _until(self, taken: dict[str, Any]) -> float | None:
        if self._rule.until is not None and (at := self._rule.until(taken)) is not None:
            return float(at)
        lasts = self._rule.lasts(taken) if self._rule.lasts is not None else None
        return None if lasts is None else self._now() + float(lasts)

    def _lasts(self, held: dict[str, Any]) -> bool:
        return held["until"] is None or self._now() < held["until"] - self._rule.early

    def _given(self) -> dict[str, Any] | None:
        """The token that the settings hold already, where they do: it is good until it is refused."""
        if next(iter(self._rule.take)) not in self._start:
            return None
        return {"taken": dict(self._start), "until": self._until(self._start), "start": self._sign_of_start()}

    # --- on disk ------------------------------------------------------------------------------------------------

    def _sign_of_start(self) -> str:
        """Other credentials make what is kept worthless."""
        return sha256(json.dumps(self._start, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def _alone(self) -> Any:
        if self._file is None:
            return threading.Lock()
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self._file.with_suffix(".lock"))

    def _read(self) -> dict[str, Any] | None:
        try:
            kept = json.loads(self._file.read_text("utf-8")) if self._file else None
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("start") != self._sign_of_start():
            return None
        self._hide(kept["taken"])
        return kept

    def _write(self, held: dict[str, Any]) -> None:
        if self._file is None:
            return
        beside = self._file.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)


def _as_kept(values: dict[str, Any]) -> dict[str, Any]:
    """Values as they come back from the disk: a token fetched a moment ago and the same token read are equal."""
    kept: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return kept


def _templates(call: Call) -> Iterator[Template | None]:
    """All that a request is made from."""
    yield from (call.url, call.json, call.text)
    for section in (call.query, call.headers, call.form or {}):
        yield from section.values()
    for sign in call.signs:
        yield from (sign.extra, sign.text, sign.key, sign.when)


def cookies(answer: Answer) -> str:
    """The cookies that an answer sets, as a later request sends them back."""
    set_ = (value.partition(";")[0].strip() for name, value in answer.response.headers if name == "set-cookie")
    return "; ".join(dict.fromkeys(set_))
