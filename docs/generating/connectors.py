"""The pages of connectors in YAML: what their templates may use, and those of the library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.document import Origin, parse, read
from engine.load import library
from engine.load.presets import preset_of, with_schema
from engine.load.schema import violations
from engine.model import Preset
from engine.rest.definition import GIVEN, TOLD, settled
from engine.rest.template import FILTERS, template
from generating.manifests import Keys, facts
from generating.text import both, code, page, table

_FILTERS = {
    "time": ("a time in a form of your own", "按格式写时间", "now | time('%Y-%m-%d %H:%M:%S')"),
    "unix": ("a time in seconds since 1970", "Unix 秒", "now | unix"),
    "unix_ms": ("a time in milliseconds since 1970", "Unix 毫秒", "now | unix_ms"),
    "iso": ("a time as ISO 8601, with its offset", "ISO 8601，带时区", "now | iso"),
    "utc": ("a time, moved to UTC", "换算到 UTC", "now | utc | iso"),
    "base64": ("text or bytes in Base64", "Base64", "'key:secret' | base64"),
    "json": (
        "compact JSON; `json(ordered=true)` sorts the keys at every level",
        "紧凑 JSON；`json(ordered=true)` 逐层按键排序",
        "{'b': 1, 'a': '店'} | json(ordered=true)",
    ),
    "from_json": ("JSON in a text, as values", "把文本里的 JSON 读成值", "('{\"n\": 3}' | from_json).n"),
    "md5": ("MD5 of a text, in hexadecimal", "文本的 MD5（十六进制）", "'a' | md5"),
    "number_in": (
        "the first number in a text, or the one that a regular expression finds",
        "文本中的第一个数；也可给出正则表达式",
        "'wait for 7 more seconds' | number_in('for ([0-9]+) more')",
    ),
}
_GIVEN = {
    "now": ("the time of the request, in the connector's `zone`", "请求时刻，时区为连接器的 `zone`"),
    "page": (
        "`number`, `size`, `offset`, `cursor`, `key`, `is_first`, `is_count` of the page that is asked for",
        "当前页：页码、每页条数、偏移、游标、末条主键、是否第一页、是否在问总数",
    ),
    "window": ("`window.start` and `window.end`, times in the connector's `zone`", "时间窗口的起止"),
    "token": ("what the connector's `token` took, such as `token.access_token`", "令牌里取到的值"),
    "id": ("with `list`: the record that is asked for", "配合 `list`：当前要查的编号"),
    "ids": ("with `list`: the records that are asked for together", "配合 `list`：一批要查的编号"),
    "parent": ("with `list`: the listed object that `id` was taken from", "配合 `list`：编号所在的列表项"),
    "shop": ("the account's `shop`, empty where there is but one", "账号的 `shop`；只有一个账号时为空"),
    "stream": ("name of the stream", "数据流名"),
    "fields": ("names of the fields that the stream declares", "数据流声明的字段名"),
    "options": ("what the project says about the stream", "项目里对该流的设置"),
}
_TOLD = {
    "body": ("the answer, JSON as values; numbers keep their digits", "回答的内容（JSON），数字不丢位"),
    "status": ("the HTTP status", "HTTP 状态码"),
    "headers": ("headers of the answer; names are lower case", "响应头，名字为小写"),
    "text": ("in `errors`: the beginning of the answer as text", "在 `errors` 里：回答开头的文本"),
    "cookies": (
        "in `token`: the cookies that the answer sets, as they are sent back",
        "在 `token` 里：回答设置的 cookie",
    ),
}
_SIGNING = {
    "name, value": ("in `pair`: one parameter", "在 `pair` 里：一个参数的名和值"),
    "joined": ("in `text`: the pairs, in order, joined", "在 `text` 里：排序并连接好的参数"),
    "body": ("in `text`: the body as it is sent", "在 `text` 里：请求体原文"),
    "query, form, headers": ("in `text`: the parameters of a section, by name", "在 `text` 里：各部分的参数，按名取"),
}
_NOW = datetime(2026, 10, 5, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))

Plain = dict[str, Any]


# --- what a connector's manifest may use ------------------------------------------------------------------------


def language() -> tuple[str, ...]:
    """What stands behind the keys of `kind: connector`: templates, expressions, names and filters."""
    assert _FILTERS.keys() == FILTERS.keys(), "a filter is not explained, or is gone"
    assert _GIVEN.keys() == GIVEN, "a name of templates is not explained, or is gone"
    assert _TOLD.keys() == TOLD, "a name of expressions is not explained, or is gone"
    shown = [(code(name), en, zh, f"{code(how)} → {code(_made(how))}") for name, (en, zh, how) in _FILTERS.items()]
    return (
        "## Templates and expressions\n\nValues of requests are templates: text with `{{ … }}` in it, as Jinja writes "
        "it. One that is a single `{{ … }}` keeps the type of its value; `none` is not sent. `success`, `errors`, `records`, "
        "`page` and `token` hold expressions about the answer, without braces; what is missing there counts as nothing. "
        "All is compiled once, in a sandbox; `engine validate` tells what cannot be understood and names that are "
        "not known.\n\n请求里的值是模板（`{{ … }}`，Jinja 语法）；对回答的判断是不带花括号的表达式，缺失的内容当作空。",
        "### Names in templates\n\nBesides these: the connector's `settings`, the stream's `options`, and what `let` "
        "names.\n\n此外还有连接器的 `settings`、数据流的 `options` 和 `let` 里起的名字。",
        _names(_GIVEN),
        f"### Names in `sign`\n\n{_names(_SIGNING)}",
        f"### Names in expressions about answers\n\n{_names(_TOLD)}",
        "In `page` also `page`; in `lasts` and `until` of `token` what `take` names.",
        "### Filters\n\nThose of Jinja (`join`, `default`, `upper`, `int` …) and these:\n\n"
        "Jinja 自带的过滤器，加上以下这些：",
        table(("filter", "what it gives", "说明", "example"), shown),
        "A connector of one's own, step by step: [Add a connector](../how-to/add-a-connector.md). What there is: "
        "[connectors of the library](connectors.md).",
    )


def _names(words: dict[str, tuple[str, str]]) -> str:
    rows = ((", ".join(map(code, name.split(", "))), en, zh) for name, (en, zh) in words.items())
    return table(("name", "what it is", "说明"), rows)


def _made(how: str) -> str:
    return str(template("{{" + how + "}}")({"now": _NOW}))


# --- those of the library ---------------------------------------------------------------------------------------


def shipped_connectors() -> str:
    """Settings and streams of every connector that travels with the engine."""
    presets = [_preset(file) for file in sorted((library() / "connectors").glob("*.yaml"))]
    listed = [
        (f"[{code(one.name)}](#{one.name})", *_label(one.value), str(len(one.value["streams"]))) for one in presets
    ]
    return page(
        "Connectors of the library",
        "Platforms that a source reads with `connector: <name>`. Each is a file of [`kind: connector`](connector.md) that "
        "can be copied and changed. Besides, there are the built-in [`files`](files.md), "
        "[`database`](../how-to/read-a-database.md) and [`singer`](../how-to/use-a-singer-tap.md), and "
        "[plugins](../how-to/write-a-plugin.md).\n\n数据源里写 `connector: <名字>` 即可使用；每个都是一个 YAML 文件，可复制修改。",
        table(("connector", "平台", "platform", "streams"), listed),
        f"## Settings of all of them\n\n{_common()}",
        "A setting that is secret may not stand in a manifest: write `${NAME}`, see "
        "[Keep secrets](../how-to/keep-secrets.md). A stream with a window is read in slices of at most its span; of "
        "the newest slice the overlap is read again, and reading stops the lag before now.",
        *(part for one in presets for part in _section(one)),
    )


def _preset(file: Path) -> Preset:
    document, found = read(file, f"library/connectors/{file.name}")
    assert document is not None, found
    wrong = [*found, *violations(document, "connector")]
    assert not wrong, "\n".join(map(str, wrong))
    return preset_of(document)


def _common() -> str:
    document, _ = parse("{kind: connector, name: none, streams: {}}")
    assert document is not None
    made = with_schema(Preset("none", document.value, Origin(document, ())))
    keys = Keys({"type": "object", "properties": {}})
    rows = ((code(key), keys.type(said), *both(said["description"])) for key, said in made["properties"].items())
    return table(("key", "value", "what it is", "说明"), rows)


def _section(preset: Preset) -> Iterator[str]:
    value = preset.value
    zh, en = _label(value)
    yield f"## {preset.name}"
    yield " · ".join(dict.fromkeys((zh, en)))
    if value.get("about"):
        yield "\n\n".join(one for one in both(value["about"]) if one)
    if value.get("docs"):
        yield f"Documented by the platform at {code(value['docs'])}."
    if value.get("settings"):
        yield table(("setting", "", "", "what it is", "说明"), map(_setting, value["settings"].items()))
    yield table(
        ("stream", "数据流", "key", "fields", "window", "pages", "options"),
        (_stream(name, settled(value, name)[0]) for name in value["streams"]),
    )


def _setting(given: tuple[str, Plain]) -> tuple[str, ...]:
    name, one = given
    needed = facts(name, one, set() if "default" in one or one.get("optional") else {name})
    return code(name), needed, "secret" if one.get("secret") else "", *both(one["about"])


def _stream(name: str, one: Plain) -> tuple[str, ...]:
    zh, en = _label(one)
    key = ", ".join(map(code, one.get("key", ())))
    options = ", ".join(map(code, one.get("options") or ()))
    label = " · ".join(dict.fromkeys(word for word in (zh, en) if word))
    return code(name), label, key, str(len(one.get("fields") or ())), _window(one), _pages(one), options


def _window(one: Plain) -> str:
    given = one.get("window")
    if not given:
        return f"all of it, every {one.get('every', '1d')}"
    said = [f"{given['span']}, overlap {given.get('overlap', '10m')}, lag {given.get('lag', '5m')}"]
    said += [f"{given['history']} back"] if "history" in given else []
    return ", ".join(said)


def _pages(one: Plain) -> str:
    given = one.get("page") or {}
    if given.get("by", "none") == "none":
        return "one"
    size = f" of {given['size']}" if "size" in given else ""
    return f"by {given['by']}{size}" + (", backwards" if given.get("backwards") else "")


def _label(value: Plain) -> tuple[str, str]:
    given = value.get("label") or {}
    if isinstance(given, str):
        return given, given
    zh, en = given.get("zh", ""), given.get("en", "")
    return zh or en, en or zh
