"""Signatures: which values are signed, how they are joined, wrapped, digested and written.

Everything a platform decides is a setting, so one code path signs for all of them:
names and values in order ─▶ pairs ─▶ joined ─▶ text around it ─▶ digest ─▶ written, put where the platform wants it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.rest.template import Scope, Template, expression, template

Pairs = tuple[tuple[str, str], ...]

_DIGESTS = {"md5": "md5", "sha1": "sha1", "sha256": "sha256"}


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request before it is signed, in the sections that a signature may cover. `body` is the text that is sent."""

    query: Pairs = ()
    form: Pairs = ()
    headers: Pairs = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What was signed, and the signature."""

    text: str
    value: str


@dataclass(frozen=True)
class Sign:
    """One way to sign, compiled from the `sign` block of a connector."""

    covers: tuple[str, ...]
    only: frozenset[str] | None
    leave_out: frozenset[str]
    body_as: str | None
    extra: Template
    drop_empty: bool
    ordered: bool
    pair: Template
    between: str
    text: Template
    digest: str
    key: Template | None
    written: str
    section: str
    name: str
    when: Template | None = None

    def sign(self, request: Unsigned, scope: Scope) -> Signature:
        """Sign a request; `scope` holds the settings, secrets among them."""
        pairs = list(self._covered(request, scope))
        if self.ordered:
            pairs.sort(key=lambda pair: pair[0].encode("utf-8"))
        joined = self.between.join(str(self.pair({"name": name, "value": value})) for name, value in pairs)
        text = str(self.text({**scope, "joined": joined, "body": request.body, **_sections(request)}))
        key = str(self.key(scope)).encode("utf-8") if self.key else b""
        return Signature(text, _written(_digest(self.digest, text.encode("utf-8"), key), self.written))

    def applies(self, scope: Scope) -> bool:
        """Whether requests are to be signed this way."""
        return self.when is None or bool(self.when(scope))

    def _covered(self, request: Unsigned, scope: Scope) -> Sequence[tuple[str, str]]:
        given = [pair for section in self.covers for pair in getattr(request, section)]
        if self.body_as:
            given.append((self.body_as, request.body))
        given += [(name, str(value)) for name, value in self.extra(scope).items()]
        return [
            (name, value)
            for name, value in given
            if name not in self.leave_out
            and (self.only is None or name in self.only)
            and not (self.drop_empty and not value.strip())
        ]


def sign_of(given: dict[str, Any]) -> Sign:
    """Compile a `sign` block. Raises `Wrong` where a template in it cannot be understood."""
    section, _, name = given["into"].partition(".")
    only = given.get("only")
    return Sign(
        covers=tuple(given.get("covers", ())),
        only=None if only is None else frozenset(only),
        leave_out=frozenset((*given.get("leave_out", ()), name)),
        body_as=given.get("body_as"),
        extra=template(given.get("extra", {})),
        drop_empty=given.get("drop_empty", False),
        ordered=given.get("order", "name") == "name",
        pair=template(given.get("pair", "{{ name }}{{ value }}")),
        between=given.get("between", ""),
        text=template(given.get("text", "{{ joined }}")),
        digest=given["digest"],
        key=template(given["key"]) if "key" in given else None,
        written=given.get("written", "hex"),
        section=section,
        name=name,
        when=expression(given["when"]) if "when" in given else None,
    )


def _sections(request: Unsigned) -> dict[str, dict[str, str]]:
    return {"query": dict(request.query), "form": dict(request.form), "headers": dict(request.headers)}


def _digest(kind: str, text: bytes, key: bytes) -> bytes:
    plain = kind.removeprefix("hmac-")
    if kind.startswith("hmac-"):
        return hmac.new(key, text, _DIGESTS[plain]).digest()
    return hashlib.new(_DIGESTS[plain], text, usedforsecurity=False).digest()


def _written(digest: bytes, form: str) -> str:
    if form == "base64":
        return base64.b64encode(digest).decode("ascii")
    return digest.hex().upper() if form == "HEX" else digest.hex()
