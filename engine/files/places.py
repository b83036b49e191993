"""Places elsewhere that files are read from: how their addresses are written, and which options each kind knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit, urlunsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

OPTIONS: dict[str, frozenset[str]] = {
    "sftp": frozenset({"username", "password", "key_filename", "passphrase", "host_key", "known_hosts"}),
    "s3": frozenset({"key", "secret", "token", "endpoint_url", "region", "anonymous"}),
    "oss": frozenset({"key", "secret", "token", "endpoint_url", "region"}),
    "http": frozenset({"username", "password", "token"}),
    "https": frozenset({"username", "password", "token"}),
    "memory": frozenset(),
}
"""For each kind of place, the options that mean something there."""

SECRET = ("password", "passphrase", "secret", "token", "key")
"""Options whose values are never told."""


def is_far(path: str) -> bool:
    """Whether a path is the address of a place elsewhere."""
    return bool(_ADDRESS.match(path))


def scheme_of(address: str) -> str:
    """The kind of a place: what stands before `://`."""
    return address.partition("://")[0].lower()


def shown(address: str) -> str:
    """An address as it may be told: without name, password, query and fragment."""
    if not is_far(address):
        return address
    head, mark, rest = address.partition("://")
    host, path = re.match(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if head.lower() in ("http", "https"):
        path = re.split(r"[?#]", path, maxsplit=1)[0]
    return f"{head.lower()}{mark}{host.rpartition('@')[2]}{path}"


def without_name(address: str) -> str:
    """An `http` address without the name and password that may stand before its host."""
    split = urlsplit(address)
    return urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text of somebody else's making, with secret values taken out."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def secrets_in(options: Mapping[str, object]) -> tuple[str, ...]:
    """The secret values among options."""
    return tuple(str(options[name]) for name in SECRET if options.get(name))
