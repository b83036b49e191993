"""What a manifest may say about a tap and its streams, and which of it is secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.document import Origin
from engine.model import Source, Stream
from engine.secret.plain import is_secret_name

TIMEOUT = 900
"""Seconds without a sign of life after which a tap is stopped, where the source does not say."""

SOURCE_SCHEMA: dict[str, Any] = {
    "title": "Settings of a source that a Singer tap reads",
    "type": "object",
    "additionalProperties": False,
    "required": ["tap"],
    "properties": {
        "tap": {
            "description": "The tap: a name on the PATH, or a path in the project; a list where it needs arguments. "
            "· tap 可执行程序：PATH 上的名字或项目里的路径；需要参数时写成列表。",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ],
        },
        "config": {
            "description": "The tap's own configuration, handed over in a private file. "
            "· tap 自己的配置，写进只有本人可读的文件后交给它。",
            "type": "object",
        },
        "catalog": {
            "description": "A catalog file in the project. By default the tap is asked for it, once a day. "
            "· 项目里的 catalog 文件；默认每天向 tap 询问一次。",
            "type": "string",
            "minLength": 1,
        },
        "selection": {
            "description": "How the tap learns which stream to read: `catalog`; `properties` for the oldest taps; "
            "`none` for those that know no catalog and always write everything. "
            "· 怎样告诉 tap 读哪个流：`catalog`；很老的 tap 用 `properties`；不认识 catalog 的用 `none`。",
            "enum": ["catalog", "properties", "none"],
            "default": "catalog",
        },
        "env": {
            "description": "Environment variables for the tap, besides PATH, HOME, the language and the time zone. "
            "· 传给 tap 的环境变量；除此之外只有 PATH、HOME、语言和时区。",
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
        "timeout": {
            "description": "Seconds without any output after which the tap is stopped. · 多少秒没有任何输出就停止 tap。",
            "type": "integer",
            "minimum": 1,
            "default": TIMEOUT,
        },
    },
}

STREAM_SCHEMA: dict[str, Any] = {
    "title": "Settings of a stream that a Singer tap reads",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "stream": {
            "description": "The stream's `tap_stream_id` in the catalog; by default its name here. "
            "· catalog 里的 `tap_stream_id`；默认与这里的名字相同。",
            "type": "string",
            "minLength": 1,
        },
        "select": {
            "description": "The fields to read; by default all. Those that the tap needs come with them. "
            "· 要读取的字段，默认全部；tap 必需的字段总会带上。",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": True,
        },
        "replication": {
            "description": "`incremental` goes on from the last run, `full` reads everything each time; "
            "by default as the tap does. · `incremental` 接着上次读，`full` 每次全读；默认由 tap 决定。",
            "enum": ["incremental", "full"],
        },
        "cursor": {
            "description": "The field by which the tap tells what is new (Singer's replication key). "
            "· tap 用来判断新旧的字段（Singer 的 replication key）。",
            "type": "string",
            "minLength": 1,
        },
        "key": {
            "description": "The fields that identify a record, for taps that cannot tell (Singer's key properties). "
            "· 标识一条记录的字段，供自己不知道的 tap 使用（Singer 的 key properties）。",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
        },
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What is said about one stream and the tap that reads it, every `${NAME}` filled in."""

    command: tuple[str, ...]
    config: dict[str, Any]
    catalog: str | None
    selection: Literal["catalog", "properties", "none"]
    env: dict[str, str]
    timeout: int
    source: Origin
    name: str
    stream: Origin
    id: str
    select: tuple[str, ...] = ()
    replication: Literal["incremental", "full"] | None = None
    cursor: str | None = None
    key: tuple[str, ...] = ()

    @property
    def tap(self) -> str:
        """The tap as people call it."""
        return Path(self.command[0]).name


def settings_of(source: Source, stream: Stream) -> Settings:
    """The settings of one stream of a tap. Where histories begin (`since`) is the tap's `start_date`."""
    told, own = source.settings, stream.settings
    command = told["tap"]
    config = dict(told.get("config") or {})
    if source.since and "start_date" not in config:
        config["start_date"] = source.since
    return Settings(
        command=(command,) if isinstance(command, str) else tuple(command),
        config=config,
        catalog=told.get("catalog"),
        selection=told.get("selection", "catalog"),
        env=dict(told.get("env") or {}),
        timeout=told.get("timeout", TIMEOUT),
        source=source.origin,
        name=stream.name,
        stream=stream.origin,
        id=own.get("stream", stream.name),
        select=tuple(own.get("select") or ()),
        replication=own.get("replication"),
        cursor=own.get("cursor"),
        key=tuple(own.get("key") or ()),
    )


def private_texts(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The texts of a tap's configuration that stand under names of secrets."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from private_texts(part, inside=inside or is_secret_name(name))
    elif isinstance(value, list):
        for part in value:
            yield from private_texts(part, inside=inside)
    elif inside and isinstance(value, str):
        yield value
