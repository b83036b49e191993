"""The protocol of Pinecone Club: what is sent, and what comes back. Nothing here touches a network or a clock.

A request is two lines of text, posted to one address:

    LOGON <key> <unix seconds> <signature>
    FETCH <kind> AFTER <number> LIMIT <count>

The signature is the HMAC-SHA256 of `<key> <unix seconds>`, a line break and the second line, in hexadecimal.

A page comes back as CSV packed with gzip. Its last line is `#EOF,<rows>,<CRC-32 of all lines before, in hexadecimal>`; a
page without it was cut off on the way. What is refused comes back as plain text, with status 200: `ERR <code> <words>`.

Every change of a record gives it the next number of the system, in the column `seq`, and numbers become visible in
their order. So "what comes after the last number seen" is complete, whatever changes while it is read.
"""

from __future__ import annotations

import csv
import gzip
import hmac
import re
import zlib
from dataclasses import dataclass

KINDS = ("ledger", "members")
"""What can be fetched: points given and taken, one record each; and members, again whenever they change."""

BAD_SIGNATURE, CLOCK_OFF, UNKNOWN_KIND, BUSY = 11, 12, 20, 31
"""Codes of refusals."""

_REFUSED = re.compile(r"ERR (?P<code>\d+) (?P<words>.*)")
_RETRY_IN = re.compile(r"retry in (\d+) s")


class CutOff(ValueError):
    """A page that did not come whole; says how that shows."""


@dataclass(frozen=True)
class Page:
    """Records as they were sent: the names of their values, and the values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Refusal:
    """What the system says instead of a page. `after` are seconds to wait, where it names them."""

    code: int
    words: str
    after: float | None = None


def command(kind: str, after: int, count: int) -> str:
    """The line that asks for the next records of a kind."""
    return f"FETCH {kind} AFTER {after} LIMIT {count}"


def signature(key: str, secret: str, at: int, asked: str) -> str:
    """What proves that a command comes from the holder of the secret."""
    return hmac.new(secret.encode("utf-8"), f"{key} {at}\n{asked}".encode(), "sha256").hexdigest()


def message(key: str, secret: str, at: int, asked: str) -> bytes:
    """A command as it is sent, signed at a time in unix seconds."""
    return f"LOGON {key} {at} {signature(key, secret, at, asked)}\n{asked}\n".encode()


def unpacked(body: bytes) -> Page | Refusal:
    """What an answer says. Raises `CutOff` where it is neither a whole page nor a refusal."""
    if body[:4] == b"ERR ":
        return _refusal(body.decode("utf-8", "replace"))
    try:
        text = gzip.decompress(body).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as failure:
        raise CutOff(f"the page cannot be unpacked ({type(failure).__name__})") from None
    held, _, trailer = text.removesuffix("\n").rpartition("\n")
    held += "\n"
    mark, *told = trailer.split(",")
    if mark != "#EOF" or len(told) != 2:
        raise CutOff("the page has no end")
    lines = list(csv.reader(held.splitlines(keepends=True), strict=True))
    page = Page(tuple(lines[0]), tuple(map(tuple, lines[1:])))
    if told != [str(len(page.rows)), checksum(held)]:
        raise CutOff("the page is not what its checksum says")
    return page


def checksum(held: str) -> str:
    """The sum of the lines of a page."""
    return f"{zlib.crc32(held.encode('utf-8')):08x}"


def _refusal(text: str) -> Refusal:
    found = _REFUSED.match(text)
    if not found:
        raise CutOff("the refusal cannot be read")
    words = found["words"].strip()
    wait = _RETRY_IN.search(words)
    return Refusal(int(found["code"]), words, float(wait[1]) if wait else None)
