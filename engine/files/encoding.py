"""Text files as UTF-8: find the encoding, and copy the file only where it is not UTF-8 already."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.connector import GiveUp
from engine.diagnostic import Diagnostic
from engine.files.content import Content, new_file

_CHUNK = 1 << 20
_SAMPLE = 1 << 18
_MARKS = "\n\t,;|"
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030"}
"""Exports that call themselves GBK hold characters of its superset; reading them with that loses nothing."""


@dataclass(frozen=True, slots=True)
class Text:
    """A UTF-8 file, `start` bytes into which the text begins (after a byte order mark), and what it was before."""

    file: Path
    encoding: str
    start: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Where decoding stopped, and how many Chinese characters were read before."""

    encoding: str
    offset: int
    line: int
    chinese: int


def as_utf8(content: Content) -> Text:
    """The content as UTF-8; GiveUp where its encoding cannot be told or is not what was declared."""
    with content.file.open("rb") as file:
        sample = file.read(_SAMPLE)
    declared = content.settings.encoding
    encoding = _declared(content, declared) if declared else _marked(sample)
    if encoding and encoding not in ("utf-8", "utf-8-sig"):
        return _copied(content, encoding)
    flaw, has_nul = _check_utf8(content.file)
    if flaw is None:
        has_mark = sample.startswith(codecs.BOM_UTF8)
        name = "utf-8-sig" if has_mark else "utf-8"
        return _copied(content, name) if has_nul else Text(content.file, name, 3 if has_mark else 0)
    if encoding or flaw.chinese >= 10:
        raise _undecodable(content, flaw)
    return _copied(content, "gb18030", flaw)


def _declared(content: Content, name: str) -> str:
    try:
        known = codecs.lookup(name).name
        "".encode(known)
    except (LookupError, ValueError):
        raise content.refused("unknown-encoding", name=name) from None
    return _WIDER.get(known, known)


def _marked(sample: bytes) -> str | None:
    """The encoding that a byte order mark or the pattern of NUL bytes gives away."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    whole = sample[: len(sample) // 2 * 2]
    even, odd = whole[0::2].count(0), whole[1::2].count(0)
    few, many = sorted((even, odd))
    if not many or many * 20 < len(whole) or few * 10 > many:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(whole)
    except UnicodeDecodeError:
        return None
    # Stray NULs in other text pair up with anything; in UTF-16 they make the commas and line ends.
    marks = sum(whole.count(mark) for mark in _MARKS.encode())
    return encoding if 0.3 * marks < sum(map(text.count, _MARKS)) else None


def _check_utf8(file: Path) -> tuple[_Flaw | None, bool]:
    """Where a file stops being UTF-8, if it does, and whether it holds NUL bytes."""
    has_nul = False
    decode = codecs.getincrementaldecoder("utf-8")().decode
    before = _Before("utf-8")
    for chunk in _chunks(file):
        try:
            before.take(chunk, decode(chunk, not chunk))
        except UnicodeDecodeError as failure:
            return before.flaw(failure, chunk), has_nul
        has_nul = has_nul or b"\0" in chunk
    return None, has_nul


def _copied(content: Content, encoding: str, flaw: _Flaw | None = None) -> Text:
    """A UTF-8 copy without NUL characters, which no cell means and which end text early elsewhere."""
    decode = codecs.getincrementaldecoder(encoding)().decode
    before, nuls = _Before(encoding), 0
    target = new_file(content.scratch, "text")
    with target.open("wb") as copy:
        for chunk in _chunks(content.file):
            try:
                text = decode(chunk, not chunk)
            except UnicodeDecodeError as failure:
                found = before.flaw(failure, chunk)
                raise _undecodable(content, *([flaw] if flaw else []), found) from None
            before.take(chunk, text)
            nuls += text.count("\0")
            copy.write(text.replace("\0", "").encode())
    with target.open("rb") as copied:
        start = 3 if copied.read(3) == codecs.BOM_UTF8 else 0
    return Text(target, encoding, start, (content.finding("nul-bytes", count=nuls),) if nuls else ())


class _Before:
    """What was decoded before the current chunk: enough to tell the place of a flaw."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.bytes = self.lines = self.chinese = 0

    def take(self, chunk: bytes, text: str) -> None:
        """Count a chunk that could be decoded."""
        self.bytes += len(chunk)
        self.lines += text.count("\n")
        if self.chinese < 10:
            self.chinese += _chinese(text)

    def flaw(self, failure: UnicodeDecodeError, chunk: bytes) -> _Flaw:
        """The place of a failure. A decoder keeps back the bytes of a character that a chunk cuts in two."""
        kept_back = max(len(failure.object) - len(chunk), 0)
        text = failure.object[: failure.start].decode(self.encoding, "ignore")
        line = self.lines + text.count("\n") + 1
        return _Flaw(self.encoding, self.bytes - kept_back + failure.start, line, self.chinese + _chinese(text))


def _chinese(text: str) -> int:
    return 0 if text.isascii() else sum("\u4e00" <= char <= "\u9fff" for char in text[:100_000])


def _chunks(file: Path) -> Iterator[bytes]:
    """The file piece by piece, and an empty piece at the end."""
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk
    yield b""


def _undecodable(content: Content, *flaws: _Flaw) -> GiveUp:
    """The finding names every encoding tried and points at the place that the best of them reached."""
    furthest = max(flaws, key=lambda flaw: flaw.offset)
    with content.file.open("rb") as file:
        start = max(furthest.offset - 200, 0)
        file.seek(start)
        before, after = file.read(furthest.offset - start), file.read(60)
    line = before.rpartition(b"\n")[2].decode(furthest.encoding, "ignore")
    shown = line + "\ufffd" + after[1:].partition(b"\n")[0].decode(furthest.encoding, "ignore").rstrip("\r")
    tried = ", ".join(flaw.encoding for flaw in flaws)
    return content.refused(
        "bad-encoding",
        furthest.line,
        len(line) + 1,
        shown,
        tried=tried,
        offset=furthest.offset,
        byte=f"{after[:1].hex()}",
    )
