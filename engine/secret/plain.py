"""Find secrets that are written out in a manifest, and tell values that look like one.

What counts: values under keys that the connector's schema marks with `"x-secret": true`, under keys whose name is that of a
secret, and passwords inside URLs and connection strings. A `${NAME}` in that place, a template `{{ … }}`, or nothing is fine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from engine.diagnostic import Diagnostic, Place, finding
from engine.diagnostic.masking import MASK, known
from engine.document import Origin

_SECRET_NAME = re.compile(
    r"(?:.*_)?(?:secrets?|password|passwd|pwd|passphrase|token|api_?key|private_?key|secret_?key|access_?key|sign_?key"
    r"|session|session_?key|session_?id|credentials?|authorization|cookies?|salt)"
)
_NO_SECRET = re.compile(r"(?:.*_)?(?:page|next|previous|continuation|cursor|sync|start|resume|change)_?token")
"""Tokens that tell where a list goes on."""
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:(?P<secret>[^/\s]+)@")
_IN_PAIR = re.compile(
    r"(?i)(?:password|passwd|pwd|secret|token|api_?key|private_?key|access_?key)\s*=\s*(?P<secret>[^\s;&'\"]+)"
)
_REFERENCE = re.compile(r"\$\{|\{\{|\{%")

_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_PATH = re.compile(r"(?:\.{0,2}/|~|[A-Za-z]:[\\/])|.*[*?\[]")
_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[a-z]{2,24}(?::\d+)?/?")
_RANDOM = 8
"""Characters without a break that a value must have to look like a secret."""


def plain_secrets(
    settings: Any, secret_keys: Collection[str], origin: Origin, *path: str | int
) -> tuple[Diagnostic, ...]:
    """A finding for every secret that is written out in settings, which stand at `path` of `origin`."""
    return tuple(_plain(settings, secret_keys, origin, path, secret=False))


def secret_keys(*schemas: Any) -> frozenset[str]:
    """The keys that JSON Schemas mark with `"x-secret": true`, wherever in them."""
    keys: set[str] = set()
    for schema in schemas:
        if isinstance(schema, dict):
            keys |= {key for key, part in schema.items() if isinstance(part, dict) and part.get("x-secret") is True}
        parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        keys |= secret_keys(*parts)
    return frozenset(keys)


def is_secret_name(name: str) -> bool:
    """Whether a key or a variable is called as secrets are: `app_secret`, `TMALL_SESSION`, `x-api-key`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").casefold()
    return bool(_SECRET_NAME.fullmatch(words)) and not _NO_SECRET.fullmatch(words)


def is_random(value: str) -> bool:
    """Whether a value looks as if a machine had made it up: letters and digits in turns, no path, no host, no words.

    A stretch of at least eight letters and digits counts whose words and numbers are at most three characters on average.
    """
    if _PATH.match(value) or _HOST.fullmatch(value):
        return False
    stretches = (one for one in re.findall(r"[A-Za-z0-9]+", value) if len(one) >= _RANDOM)
    return any(len(_TOKENS.findall(one)) * 3 >= len(one) for one in stretches)


def passwords(value: str) -> tuple[str, ...]:
    """The passwords inside URLs and connection strings, as they are written and without percent escapes."""
    given = [match["secret"] for form in (_IN_URL, _IN_PAIR) for match in form.finditer(value)]
    return tuple(dict.fromkeys(one for secret in given for one in (secret, unquote(secret))))


def _plain(
    value: Any, keys: Collection[str], origin: Origin, path: tuple[str | int, ...], *, secret: bool
) -> Iterator[Diagnostic]:
    if isinstance(value, dict):
        for key, part in value.items():
            marked = key in keys or is_secret_name(key)
            yield from _plain(part, keys, origin, (*path, key), secret=marked)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _plain(part, keys, origin, (*path, at), secret=secret)
    elif secret and isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        if str(value).strip() and not _REFERENCE.search(str(value)):
            yield _told(origin.place(*path), str(value), path)
    elif isinstance(value, str):
        for form in (_IN_URL, _IN_PAIR):
            for match in form.finditer(value):
                if not _REFERENCE.search(match["secret"]):
                    start, end = match.span("secret")
                    yield _told(origin.inside(*path, start=start, end=end), match["secret"], (*path, "password"))


def _told(place: Place, secret: str, path: tuple[str | int, ...]) -> Diagnostic:
    # Other findings may show the same line: what is surely no word is hidden there too.
    if is_random(secret):
        known.add(secret)
    key = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    variable = re.sub(r"[^A-Z0-9]+", "_", key.upper()).strip("_") or "SECRET"
    return finding("plain-secret", _hidden(place), variable=variable)


def _hidden(place: Place) -> Place:
    """The same place with its stretch masked: a message about a secret must not spread it."""
    if not place.line:
        return place
    start, end = place.column - 1, place.column - 1 + place.width
    return replace(place, text=place.text[:start] + MASK + place.text[end:], width=len(MASK))
