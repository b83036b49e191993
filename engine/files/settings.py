"""How the files of a stream are to be found and read: the settings that a manifest may give.

Everything but `path` can be left out: what is not declared is found by looking at the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from engine.model import Source, Stream

Format = Literal["csv", "tsv", "excel", "json", "jsonl", "parquet"]

_READER = 1
"""Raised whenever files come to be read differently, so that recorded parts are read again."""

_PROPERTIES: dict[str, Any] = {
    "path": {
        "description": "Files to read: a path with `*`, `?` and `**`, or a list of such. Relative to the project's "
        "folder. A folder stands for all files in it. · 要读取的文件，可用通配符，也可写多个。",
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        ],
    },
    "format": {
        "description": "What the files are. By default told from the first bytes and the name's ending. · 文件格式，默认按文件开头和后缀判断。",
        "enum": ["csv", "tsv", "excel", "json", "jsonl", "parquet"],
    },
    "encoding": {
        "description": "Encoding of text files, such as `gb18030`. By default UTF-8, UTF-16 or GB18030 is found. · 文本编码，例如 `gb18030`；默认自动识别。",
        "type": "string",
        "minLength": 1,
    },
    "delimiter": {
        "description": "The character between cells, or the word `tab`. By default found among `,`, tab, `;` and `|`. · 分隔符，或写 `tab`；默认自动识别。",
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": 1}, {"const": "tab"}],
    },
    "quote": {
        "description": 'The character around cells that hold delimiters or line breaks; `""` where nothing is quoted. · 引号字符；不用引号时写 `""`。',
        "type": "string",
        "maxLength": 1,
        "default": '"',
    },
    "header_row": {
        "description": "The row with the column names, counting from 1 as a spreadsheet does. By default found. · 表头在第几行（从 1 数），默认自动寻找。",
        "type": "integer",
        "minimum": 1,
    },
    "header": {
        "description": "The column names, for files without a header row. With `header_row` they replace that row. · 没有表头的文件在这里写列名；同时写 `header_row` 时替换那一行。",
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "minItems": 1,
    },
    "sheet": {
        "description": "The sheet of a workbook: its name, or its number counting from 1. "
        "By default the first sheet that is not empty. · 工作表名称或序号，默认第一个非空的表。",
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}],
    },
    "footer": {
        "description": "More words that mark rows of totals at the end of a file, besides 合计, 总计, 汇总 and so on. · 除“合计、总计、汇总”外，还有哪些词表示合计行。",
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}},
        ],
    },
    "records": {
        "description": "Where the list of records is inside a JSON document: keys joined by dots; "
        "`.` makes the document itself the one record. · JSON 里记录列表的路径，用点连接；`.` 表示整个文档就是一条记录。",
        "type": "string",
        "minLength": 1,
    },
}


def _schema(title: str) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": _PROPERTIES, "additionalProperties": False}


SOURCE_SCHEMA = _schema("Settings of a source of files; its streams fall back on them")
STREAM_SCHEMA = _schema("Settings of a stream of files")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one stream, those of its source filled in."""

    path: tuple[str, ...] = ()
    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    header_row: int | None = None
    header: tuple[str, ...] = ()
    sheet: str | int | None = None
    footer: tuple[str, ...] = ()
    records: str | None = None

    @property
    def digest(self) -> str:
        """A short digest of what decides how a file is read; where the file lies does not."""
        told = {name: getattr(self, name) for name in self.__slots__ if name != "path"}
        text = json.dumps({**told, "reader": _READER}, sort_keys=True, ensure_ascii=False)
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def settings_of(source: Source, stream: Stream) -> Settings:
    """The settings of a stream: its own, and its source's where it gives none."""
    told = {**source.settings, **stream.settings}
    return Settings(
        path=_several(told.get("path")),
        format=told.get("format"),
        encoding=told.get("encoding"),
        delimiter="\t" if told.get("delimiter") == "tab" else told.get("delimiter"),
        quote=told.get("quote", '"'),
        header_row=told.get("header_row"),
        header=_several(told.get("header")),
        sheet=told.get("sheet"),
        footer=_several(told.get("footer")),
        records=told.get("records"),
    )


def _several(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
