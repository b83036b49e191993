"""Read and write files of `NAME=value` lines: `.env`, and what is inside `secrets.env.age`.

The format is the part that all readers of such files agree on, and what they differ in is refused: an unquoted value with
` #` in it, an unknown escape, a name given twice. Nothing is ever put in for a `$`. A finding never shows the line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.diagnostic import Diagnostic, Place, finding

_NAME = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_PLAIN = re.compile(r"[^\n]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}

_REASONS = {
    "name": ("it does not begin with a name and `=`", "开头不是名称加 `=`"),
    "quote": ("a quote is not closed, or something stands behind it", "引号没有闭合，或引号后面还有内容"),
    "escape": (r"`\` stands before a character that needs none", r"`\` 后面的字符不需要转义"),
    "comment": ("a value with ` #` in it needs quotes", "值里含有 ` #` 时要加引号"),
    "twice": ("the name is given twice", "名称重复"),
}


class _Refused(Exception):
    """A line that cannot be taken; says why."""


def parse(text: str, shown: str) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """The values by name, and a finding for the first line that is not `NAME=value`; `shown` is the path people see."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        blank = _REST.match(text, at + _indent(text, at))
        if blank:
            at = blank.end() if blank.end() > at else len(text)
            continue
        try:
            name, value, after = _assignment(text, at + _indent(text, at))
            if name in values:
                raise _Refused("twice")
        except _Refused as refused:
            reason, reason_zh = _REASONS[str(refused)]
            place = Place(shown, text.count("\n", 0, at) + 1, 1, 1, "…")
            return values, (finding("bad-env-line", place, path=shown, reason=reason, reason_zh=reason_zh),)
        values[name], at = value, after
    return values, ()


def written(values: Mapping[str, str]) -> str:
    """The values as lines that `parse` reads back."""
    return "".join(f'{name}="{_escaped(value)}"\n' for name, value in values.items())


def _escaped(value: str) -> str:
    for character, escape in (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")):
        value = value.replace(character, escape)
    return value


def _indent(text: str, at: int) -> int:
    return len(text[at:]) - len(text[at:].lstrip(" \t"))


def _assignment(text: str, at: int) -> tuple[str, str, int]:
    """Name and value of the assignment at a position, and where the next line begins."""
    name = _NAME.match(text, at)
    if name is None:
        raise _Refused("name")
    at = name.end()
    quote = text[at : at + 1]
    if quote not in ("'", '"') or not quote:
        value, at = _unquoted(text, at)
        return name[1], value, at
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
    rest = _REST.match(text, quoted.end()) if quoted else None
    if quoted is None or rest is None:
        raise _Refused("quote")
    value = quoted[1] if quote == "'" else _ESCAPE.sub(_unescaped, quoted[1])
    return name[1], value, rest.end()


def _unquoted(text: str, at: int) -> tuple[str, int]:
    line = _PLAIN.match(text, at)
    assert line is not None
    value = line[0].strip(" \t")
    if value.startswith("#"):  # `NAME= # a remark`
        value = ""
    if re.search(r"[ \t]#", value):
        raise _Refused("comment")
    return value, line.end() + 1


def _unescaped(match: re.Match[str]) -> str:
    if match[1] not in _ESCAPES:
        raise _Refused("escape")
    return _ESCAPES[match[1]]
