"""What a file is: told from its first bytes, and from the ending of its name where the bytes say nothing."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Literal

from engine.files.content import Content
from engine.files.settings import Format

Kind = Literal["csv", "tsv", "excel", "webpage", "json", "jsonl", "parquet"]

_FIRST = 1 << 16
_BY_ENDING: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_BY_FORMAT: dict[Format, Kind] = {
    "csv": "csv",
    "tsv": "tsv",
    "excel": "excel",
    "json": "json",
    "jsonl": "jsonl",
    "parquet": "parquet",
}
_WORKBOOKS = frozenset({".xls", ".xlsx", ".xlsm", ".xlsb"})
_PAGE = re.compile(rb"\s*<(!doctype|!--|html|head|meta|body|table|div|style|\?xml)", re.IGNORECASE)
OLE = b"\xd0\xcf\x11\xe0"
"""How old workbooks and encrypted new ones begin."""


def kind_of(content: Content) -> Kind:
    """What the content is. What an `.xls` holds is told by its bytes even where `format: excel` is declared:
    many systems give that name to a web page or to text."""
    with content.file.open("rb") as file:
        first = file.read(_FIRST)
    declared = content.settings.format
    if declared and declared != "excel":
        return _BY_FORMAT[declared]
    ending = PurePosixPath(content.inner.lower()).suffix
    found = _by_bytes(first, is_workbook=declared == "excel" or ending in _WORKBOOKS)
    if found:
        return found
    by_ending = _BY_ENDING.get(ending)
    return _json_kind(first) if by_ending == "json" else by_ending or _text_kind(first)


def _by_bytes(first: bytes, is_workbook: bool) -> Kind | None:
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06", OLE)):
        return "excel"
    if first.startswith(b"PAR1"):
        return "parquet"
    text = first.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").removeprefix(b"\xff\xfe")
    if _PAGE.match(text):
        return "webpage"
    return "tsv" if is_workbook and b"\t" in text.partition(b"\n")[0] else "csv" if is_workbook else None


def _text_kind(first: bytes) -> Kind:
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _json_kind(first) if start[:2] in (b'{"', b"[{", b"[]", b"[\n", b"{\n") else "csv"


def _json_kind(first: bytes) -> Kind:
    """One document, or one on each line: then the first line is an object by itself and more follows it."""
    line, _, rest = first.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    if not line.startswith(b"{") or not rest.strip():
        return "json"
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return "json"
    return "jsonl"
