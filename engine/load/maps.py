"""Read a map: a CSV file with the columns `raw` and `value` that says what each word of a platform means."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from engine.diagnostic import Diagnostic, Place, finding

_REASONS: dict[str, dict[str, str]] = {
    "not-utf8": {
        "reason": "it is not UTF-8 text",
        "reason_zh": "它不是 UTF-8 文本",
        "label": "the first line that is not",
        "label_zh": "从这一行开始不是",
        "advice": "save it as CSV UTF-8",
        "advice_zh": "请另存为“CSV UTF-8”",
    },
    "not-csv": {
        "reason": "a quote is never closed",
        "reason_zh": "有引号没有闭合",
        "label": "in this line or below",
        "label_zh": "在这一行或下面",
    },
    "no-columns": {
        "reason": "it needs the columns `raw` and `value`",
        "reason_zh": "需要 `raw` 和 `value` 两列",
        "label": "not these names",
        "label_zh": "列名不对",
        "advice": "begin the file with the line `raw,value`",
        "advice_zh": "请在第一行写 `raw,value`",
    },
    "twice": {
        "reason": "`{raw}` means two things",
        "reason_zh": "`{raw}` 对应了两个值",
        "label": "`{first}` on line {line}",
        "label_zh": "第 {line} 行是 `{first}`",
        "advice": "remove one of the two",
        "advice_zh": "删掉其中一行",
    },
}


def read_map(file: Path, path: str, reader: str) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """The words of a map, and what is wrong with it.

    `path` is the file as people see it, `reader` the place in the mapping that names it.
    """
    data = file.read_bytes()
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as failure:
        lines = data.decode("gb18030", "replace").splitlines()
        return {}, (_bad(_line(path, lines, data.count(b"\n", 0, failure.start) + 1), reader, "not-utf8"),)
    try:
        rows = list(_rows(lines))
    except csv.Error:
        return {}, (_bad(_line(path, lines, 1), reader, "not-csv"),)
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    if "raw" not in head or "value" not in head:
        return {}, (_bad(_line(path, lines, 1), reader, "no-columns"),)
    return _words(path, lines, rows[1:], (head.index("raw"), head.index("value")), reader)


def _words(
    path: str, lines: list[str], rows: list[tuple[int, list[str]]], columns: tuple[int, int], reader: str
) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    words: dict[str, tuple[str, int]] = {}
    found = []
    for number, row in rows:
        raw, value = ((row[column] if column < len(row) else "").strip() for column in columns)
        first, line = words.setdefault(raw, (value, number))
        if first != value:
            found.append(_bad(_line(path, lines, number), reader, "twice", raw=raw, first=first, line=line))
    return {raw: value for raw, (value, _) in words.items()}, tuple(found)


def _rows(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with the line that each begins on."""
    reader = csv.reader((f"{line}\n" for line in lines), strict=True)
    start = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield start, row
        start = reader.line_num + 1


def _line(path: str, lines: list[str], number: int) -> Place:
    text = lines[number - 1] if number <= len(lines) else ""
    return Place(path, number, 1, max(len(text), 1), text)


def _bad(place: Place, reader: str, reason: str, **facts: object) -> Diagnostic:
    words = {key: template.format_map(facts) for key, template in _REASONS[reason].items()}
    return finding("bad-map", place, path=place.path, reader=reader, **words)
