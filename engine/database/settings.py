"""Which database is read and what of it: the settings that a manifest may give.

A source gives the address, a stream a table or a query. What is incremental, and how, is said by `cursor` and the
settings around it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from engine.connector import GiveUp
from engine.diagnostic import Place, finding
from engine.model import Source, Stream

SCHEMES = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "sqlite": "sqlite",
}
"""How addresses begin, and the kind of database each means."""

PORTS = {"mysql": 3306, "postgresql": 5432, "mssql": 1433}

OPTIONS: dict[str, tuple[str, ...]] = {
    "mysql": ("ssl", "ssl_ca"),
    "postgresql": ("sslmode", "sslrootcert", "sslcert", "sslkey"),
    "mssql": ("encrypt", "trust_certificate"),
    "sqlite": (),
}
"""What may stand behind the `?` of an address."""

_LENGTH = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(s|m|h|d)?$"},
    ]
}

SOURCE_SCHEMA: dict[str, Any] = {
    "title": "Settings of a database",
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {
            "description": "The address: `mysql://user:password@host:3306/database`, `postgresql://…`, `mssql://…`, or "
            "`sqlite:///path/of/a/file.db`, relative to the project. Put it into a variable: `${SHOP_DB}`. "
            "· 数据库地址；建议写成环境变量。",
            "type": "string",
            "minLength": 1,
        },
        "connect_timeout": {
            "description": "Seconds to wait for a connection. · 连接超时（秒）。",
            "type": "integer",
            "minimum": 1,
            "maximum": 600,
            "default": 10,
        },
        "timezone": {
            "description": "The zone of times that the database keeps without one, such as `Asia/Shanghai`; by default the "
            "server's own. Tells which rows are newer than now. · 数据库中不带时区的时间属于哪个时区，默认用服务器的时区。",
            "type": "string",
            "minLength": 1,
        },
    },
    "additionalProperties": False,
}

STREAM_SCHEMA: dict[str, Any] = {
    "title": "Settings of a table or query",
    "type": "object",
    "properties": {
        "table": {
            "description": "The table or view to read, as the server writes it, with its schema where that is another: "
            "`sales.订单`. By default the stream's name. · 要读取的表或视图，可带 schema；默认与 stream 同名。",
            "type": "string",
            "minLength": 1,
        },
        "query": {
            "description": "Instead of a table: one SELECT. · 代替表：一条 SELECT 语句。",
            "type": "string",
            "minLength": 1,
        },
        "columns": {
            "description": "The columns to read, all by default. · 要读取的列，默认全部。",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
        },
        "where": {
            "description": "A condition in the server's SQL that rows have to meet. · 行需要满足的条件（服务器的 SQL）。",
            "type": "string",
            "minLength": 1,
        },
        "cursor": {
            "description": "The column that only grows when a row is written, a number or a time: later runs read "
            "from where the last one came to. Without it every run reads everything. "
            "· 写入时只增不减的列（数字或时间），用于增量读取；不写则每次全量。",
            "type": "string",
            "minLength": 1,
        },
        "key": {
            "description": "The columns that identify a row; they put rows with the same cursor in order. "
            "· 标识一行的列，用于排序。",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
        },
        "overlap": {
            "description": "How far behind the cursor every run begins again, to catch what was written late: `10m`, `2h`, `1d` "
            "for times, a number for numbers. · 每次从游标往前多读多少，以捕获迟到的写入。",
            **_LENGTH,
        },
        "lag": {
            "description": "How far behind the newest every run ends, to leave alone what is still being written: `5m` "
            "or a number. · 最新的这一段先不读，等写入完成。",
            **_LENGTH,
        },
        "chunk": {
            "description": "Rows in a batch; the cursor is kept after each. · 每批的行数，每批之后保存游标。",
            "type": "integer",
            "minimum": 1,
            "maximum": 5000000,
            "default": 100000,
        },
        "parallel": {
            "description": "Connections that read at the same time, each its own range of the cursor or of the first key column. "
            "· 同时用几个连接读取，按游标或第一个键列的区间划分。",
            "type": "integer",
            "minimum": 1,
            "maximum": 16,
            "default": 1,
        },
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is and how to get in. The password is shown by nothing that shows an address."""

    kind: str
    host: str
    port: int
    user: str
    password: str
    database: str
    options: dict[str, str]
    timeout: int

    def __str__(self) -> str:
        """The address as people may see it."""
        return self.database if self.kind == "sqlite" else f"{self.host}:{self.port}/{self.database}"

    def __repr__(self) -> str:
        return f"Address({self})"

    def masked(self, text: str) -> str:
        """A server's words without the password, in case it repeats it."""
        return text.replace(self.password, "***") if len(self.password) > 2 else text


@dataclass(frozen=True, slots=True)
class Length:
    """A distance on a cursor: a plain number, or a stretch of time in seconds."""

    size: float
    timed: bool

    def __bool__(self) -> bool:
        return self.size > 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one stream, and those of its source that reading it needs."""

    table: str | None
    query: str | None
    columns: tuple[str, ...]
    where: str | None
    cursor: str | None
    key: tuple[str, ...]
    overlap: Length
    lag: Length
    chunk: int
    parallel: int
    timezone: str | None

    @property
    def digest(self) -> str:
        """A short digest of which records are read: a cursor that was kept for others is of no use."""
        told = [self.table, self.query, self.columns, self.where, self.cursor]
        return sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def settings_of(source: Source, stream: Stream) -> Settings:
    """The settings of a stream; GiveUp where both a table and a query are given."""
    told = stream.settings
    if "table" in told and "query" in told:
        raise GiveUp(finding("table-or-query", quiet(stream.origin.key("query"), source), stream=stream.name))
    table = None if "query" in told else told.get("table", stream.name)
    return Settings(
        table=table,
        query=told.get("query"),
        columns=tuple(told.get("columns", ())),
        where=told.get("where"),
        cursor=told.get("cursor"),
        key=tuple(told.get("key", ())),
        overlap=_length(told.get("overlap", 0)),
        lag=_length(told.get("lag", 0)),
        chunk=told.get("chunk", 100_000),
        parallel=told.get("parallel", 1),
        timezone=source.settings.get("timezone"),
    )


def address_of(source: Source) -> Address:
    """The address of a source whose variables are filled in; GiveUp where it cannot be one."""
    written = str(source.settings["url"])
    try:
        split = urlsplit(written)
        port = split.port
    except ValueError:
        _refuse(source, "its host or port cannot be read", "主机或端口无法识别")
    kind = SCHEMES.get(split.scheme.partition("+")[0])
    if kind is None:
        _refuse(source, f"it does not begin with one of {_listed(SCHEMES)}", f"开头应是 {_listed(SCHEMES)} 之一")
    options = dict(parse_qsl(split.query, keep_blank_values=True))
    unknown = [name for name in options if name not in OPTIONS[kind]]
    if unknown:
        allowed = _listed(OPTIONS[kind]) or "-"
        _refuse(source, f"it gives `{unknown[0]}`; known: {allowed}", f"不认识参数 `{unknown[0]}`；可用：{allowed}")
    database = unquote(split.path.removeprefix("/"))
    if not database:
        _refuse(source, "it names no database", "没有写数据库名")
    if kind != "sqlite" and not split.hostname:
        _refuse(source, "it names no host", "没有写主机")
    return Address(
        kind=kind,
        host=split.hostname or "",
        port=port or PORTS.get(kind, 0),
        user=unquote(split.username or ""),
        password=unquote(split.password or ""),
        database=database,
        options=options,
        timeout=source.settings.get("connect_timeout", 10),
    )


def quiet(place: Place, source: Source) -> Place:
    """The place, without the address and its password, where the manifest's line holds them in plain text."""
    written = str(source.settings.get("url", ""))
    with suppress(ValueError):
        password = urlsplit(written).password or ""
        shown = place.text.replace(written, "*" * len(written)) if written else place.text
        return replace(place, text=shown.replace(password, "*" * len(password)) if len(password) > 2 else shown)
    return replace(place, text="")


def _refuse(source: Source, reason: str, reason_zh: str) -> NoReturn:
    place = quiet(source.origin.place("with", "url"), source)
    raise GiveUp(finding("database-url", place, source=source.name, reason=reason, reason_zh=reason_zh))


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _length(written: Any) -> Length:
    matched = re.fullmatch(r"([0-9.]+)([smhd]?)", str(written))
    if matched is None:
        raise ValueError(written)
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return Length(float(matched[1]) * seconds.get(matched[2], 1), bool(matched[2]))
