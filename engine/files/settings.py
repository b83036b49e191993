"""How the files of a stream are to be found and read: the settings that a manifest may give.

Everything but `path` can be left out: what is not declared is found by looking at the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from engine.files.places import is_far
from engine.model import Source, Stream

Format = Literal["csv", "tsv", "excel", "json", "jsonl", "parquet"]

_READER = 1
"""Raised whenever files come to be read differently, so that recorded parts are read again."""

_PROPERTIES: dict[str, Any] = {
    "path": {
        "description": "Files to read: a path with `*`, `?` and `**`, or a list of such. Relative to the project's "
        "folder. A folder stands for all files in it. Elsewhere: `sftp://host/folder/*.csv`, `s3://bucket/folder/*`, "
        "`oss://bucket/folder/*`, `https://host/file.csv`. · 要读取的文件，可用通配符，也可写多个；也可写远程地址。",
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
    "settle": {
        "description": "Seconds that a file must have been left alone before it is read; a younger one waits for the next "
        "run. · 文件至少多少秒没有变动才读取，刚写入的等下次运行。",
        "type": "integer",
        "minimum": 0,
        "default": 0,
    },
    "options": {
        "description": "How to get at files elsewhere; secrets as `${NAME}`. · 访问远程文件的账号与选项，密钥写成 `${NAME}`。",
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "Name to log in with (sftp, http). · 登录名。"},
            "password": {"type": "string", "description": "Password (sftp, http). · 密码。"},
            "key_filename": {"type": "string", "description": "File of the private key (sftp). · 私钥文件。"},
            "passphrase": {"type": "string", "description": "Passphrase of the private key (sftp). · 私钥口令。"},
            "host_key": {
                "type": "string",
                "description": "The one key that the server may show (sftp): `SHA256:…`, or type and key as in "
                "`known_hosts`. · 固定服务器公钥。",
            },
            "known_hosts": {
                "type": "string",
                "description": "File of known servers (sftp); by default that of the user. · known_hosts 文件。",
            },
            "key": {"type": "string", "description": "Access key id (s3, oss). · AccessKey ID。"},
            "secret": {"type": "string", "description": "Access key secret (s3, oss). · AccessKey Secret。"},
            "token": {"type": "string", "description": "Session token (s3, oss), bearer token (http). · 临时令牌。"},
            "endpoint_url": {"type": "string", "description": "Address of the service (s3, oss). · 服务地址。"},
            "region": {"type": "string", "description": "Region of the bucket (s3, oss). · 存储桶所在地域。"},
            "anonymous": {"type": "boolean", "description": "Ask without a key (s3). · 匿名访问。"},
        },
        "additionalProperties": False,
    },
    "mail": {
        "description": "A mailbox whose attachments are read (IMAP over TLS). · 读取邮箱附件。",
        "type": "object",
        "properties": {
            "host": {"type": "string", "minLength": 1, "description": "The IMAP server. · IMAP 服务器。"},
            "port": {
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "default": 993,
                "description": "Its port. · 端口。",
            },
            "user": {"type": "string", "minLength": 1, "description": "Name to log in with. · 账号。"},
            "password": {
                "type": "string",
                "minLength": 1,
                "description": "Password or authorisation code, as `${NAME}`. · 密码或授权码，写成 `${NAME}`。",
            },
            "folder": {
                "type": "string",
                "minLength": 1,
                "default": "INBOX",
                "description": "The folder. · 邮箱文件夹。",
            },
            "from": {
                "type": "string",
                "minLength": 1,
                "description": "Only mail whose sender holds this text. · 发件人包含。",
            },
            "subject": {
                "type": "string",
                "minLength": 1,
                "description": "Only mail whose subject holds this text. · 主题包含。",
            },
            "since": {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                "x-form": "a date such as `2026-01-31`",
                "x-form-zh": "日期，例如 `2026-01-31`",
                "description": "Only mail that arrived on this day or later. · 只读这一天及以后收到的邮件。",
            },
            "attachments": {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                ],
                "description": "Patterns of the attachments' names; by default every data file. · 附件名通配符，默认所有数据文件。",
            },
            "ca_file": {
                "type": "string",
                "description": "File of the authority that signed the server's certificate, where it is not a public one. "
                "· 自建证书颁发机构的证书文件。",
            },
        },
        "required": ["host", "user", "password"],
        "additionalProperties": False,
    },
    "recognise": {
        "description": "Each stream takes the files that the template of its name recognises. · 按模板识别文件，流名即模板名。",
        "type": "boolean",
        "default": False,
    },
    "templates": {
        "description": "Files of templates of your own, besides the library's. · 自己的模板文件，与内置模板一起使用。",
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        ],
    },
}


def _schema(title: str) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": _PROPERTIES, "additionalProperties": False}


SOURCE_SCHEMA = _schema("Settings of a source of files; its streams fall back on them")
STREAM_SCHEMA = _schema("Settings of a stream of files")


_READING = ("format", "encoding", "delimiter", "quote", "header_row", "header", "sheet", "footer", "records")
"""What decides how a file is read."""


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
    settle: int = 0
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    mail: dict[str, Any] | None = field(default=None, repr=False)
    recognise: bool = False
    templates: tuple[str, ...] = ()

    @property
    def near(self) -> tuple[str, ...]:
        """The paths on this machine."""
        return tuple(path for path in self.path if not is_far(path))

    @property
    def far(self) -> tuple[str, ...]:
        """The paths elsewhere."""
        return tuple(path for path in self.path if is_far(path))

    @property
    def digest(self) -> str:
        """A short digest of what decides how a file is read; where the file lies does not."""
        told = {name: getattr(self, name) for name in _READING}
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
        settle=told.get("settle", 0),
        options=told.get("options") or {},
        mail=told.get("mail"),
        recognise=bool(told.get("recognise")),
        templates=_several(told.get("templates")),
    )


def _several(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
