"""The files of a new connector in Python: a package that brings it, and the tests. `@name@` stands for its name."""

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "@name@-connector"
version = "0.1.0"
description = "Reads @name@ into commerce-engine"
requires-python = ">=3.11"
dependencies = ["commerce-engine>=0.1"]

# The engine finds the connector by this entry once the package is installed.
[project.entry-points."engine.connectors"]
@name@ = "@name@_connector:@Kind@Connector"

[tool.hatch.build.targets.wheel]
packages = ["src/@name@_connector"]

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
"""

_README = """\
# @name@-connector

Reads @name@ into commerce-engine. · 把 @name@ 的数据读入 commerce-engine。

    pip install -e .
    engine connector show @name@       # what it needs · 需要什么
    engine validate example            # a project that uses it · 使用它的项目
    python -m pytest                   # nothing is lost, doubled or told · 不丢、不重、不泄密

`src/@name@_connector` is the connector, `tests/@name@_fake.py` a simulated platform that it is tried on.

`src/@name@_connector` 是连接器，`tests/@name@_fake.py` 是用来试验的模拟平台。
"""

_CONNECTOR = '''\
"""Reads @name@: a feed of changes, of which each has a number; the stream's cursor is the number read last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from engine.connector import Effort, GiveUp, JsonLines, Landing, Request, Response, TryAgain, Workplace
from engine.diagnostic import finding
from engine.model import Part, Source, Stream

ATTEMPTS = 6
PAGE = 50
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class @Kind@Connector:
    """Changes of orders of @name@. · @name@ 的订单变更。"""

    name: str = "@name@"
    source_schema: dict[str, Any] = {
        "title": "@name@",
        "type": "object",
        "additionalProperties": False,
        "required": ["url", "token"],
        "properties": {
            "url": {"type": "string", "description": "Address of the API. · 接口地址。"},
            "token": {"type": "string", "description": "Access token. · 访问令牌。", "x-secret": True},
        },
    }
    stream_schema: dict[str, Any] = {
        "title": "A stream of @name@",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {},
    }

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source chooses, or all that there are."""
        return dict(source.streams) or {"orders": Stream("orders", {}, source.origin)}

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """One part without a digest: it is always read, and the cursor tells what is lacking."""
        yield Part(f"{source.name}.{stream.name}", "")

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """Page after page; each is stored together with the cursor that goes on behind it."""
        after, rows, asking = (place.cursor or {}).get("after", 0), 0, _Asking(source, stream, place)
        for page in range(1_000_000):
            records = asking.page(after)
            if not records:
                return
            after, rows = records[-1]["seq"], rows + len(records)
            file = place.scratch / f"{page}.jsonl"
            file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\\n" for one in records), "utf-8")
            columns = tuple(dict.fromkeys(key for one in records for key in one))
            place.report(Effort(asking.requests, asking.waited, rows))
            yield Landing(JsonLines(file, columns), cursor={"after": after})
            file.unlink(missing_ok=True)  # stored by now


class _Asking:
    """The questions of one stream, and what they have cost."""

    def __init__(self, source: Source, stream: Stream, place: Workplace) -> None:
        self.source, self.stream, self.client = source, stream, place.client
        self.requests, self.waited = 0, 0.0

    def page(self, after: int) -> list[dict[str, Any]]:
        """The changes behind a number; `GiveUp` where there will be no answer."""
        wait, why = 1.0, ""
        for _ in range(ATTEMPTS):
            try:
                return self._once(after)
            except TryAgain as failure:
                wait, why = failure.after or wait, failure.why
            self.client.sleep(wait)
            self.waited += wait
            wait *= 2
        raise self._given_up(why)

    def _once(self, after: int) -> list[dict[str, Any]]:
        self.requests += 1
        response = self.client.send(
            Request(
                "GET",
                f"{self.source.settings['url']}/{self.stream.name}",
                query=(("after", str(after)), ("limit", str(PAGE))),
                headers=(("authorization", f"Bearer {self.source.settings['token']}"),),
            )
        )
        if response.status in _PASSING:
            raise TryAgain(f"HTTP {response.status}", _seconds(response))
        if response.status != 200:
            raise self._given_up(f"HTTP {response.status}")
        try:
            return list(json.loads(response.body)["changes"])
        except (ValueError, KeyError, TypeError):
            raise TryAgain("the answer is not what the platform sends") from None

    def _given_up(self, said: str) -> GiveUp:
        name = f"{self.source.name}.{self.stream.name}"
        return GiveUp(finding("refused", self.stream.origin.place(), name=name, said=said))


def _seconds(response: Response) -> float | None:
    told = response.header("retry-after") or ""
    return float(told) if told.isdecimal() else None
'''

_CONFTEST = '''\
"""The connector is there for the tests also while the package is not installed."""

from importlib.metadata import EntryPoint, entry_points

import engine.connector

GROUP = "engine.connectors"
OWN = EntryPoint("@name@", "@name@_connector:@Kind@Connector", GROUP)

if OWN.name not in entry_points(group=GROUP).names:
    engine.connector.entry_points = lambda **given: [*entry_points(**given), OWN]
    engine.connector.connectors.cache_clear()
'''

_FAKE = '''\
"""A simulated @name@: a function from request to response that checks what the platform checks."""

from __future__ import annotations

import json
from typing import Any

from engine.connector import Request, Response


class Clock:
    """A clock that moves only by waiting."""

    def __init__(self) -> None:
        self.time = 1_790_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class @Kind@:
    """Orders, of which each carries the number of its last change; call it with a request."""

    def __init__(self, count: int = 120) -> None:
        self.token, self.seq = "t0k-4f1c9a77e2b05d38", 0
        self.orders: dict[str, dict[str, Any]] = {}
        for number in range(count):
            self.change(f"A{number:06}", "paid")

    def settings(self) -> dict[str, str]:
        """What a source is given."""
        return {"url": "https://api.example.com/v1", "token": self.token}

    def truth(self) -> dict[str, dict[str, Any]]:
        """Every order as it is now."""
        return {key: dict(order) for key, order in self.orders.items()}

    def change(self, key: str, status: str) -> None:
        """An order comes into being, or changes."""
        self.seq += 1
        self.orders[key] = {"order_id": key, "status": status, "seq": self.seq}

    def __call__(self, request: Request) -> Response:
        query = dict(request.query)
        if dict(request.headers).get("authorization") != f"Bearer {self.token}":
            return _answer(401, {"error": "who are you?"})
        if not request.url.endswith("/orders"):
            return _answer(404, {"error": "there is no such thing"})
        after, limit = int(query["after"]), int(query["limit"])
        behind = sorted((one for one in self.orders.values() if one["seq"] > after), key=lambda one: one["seq"])
        return _answer(200, {"changes": behind[:limit]})


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, (("content-type", "application/json"),), json.dumps(body).encode("utf-8"))
'''

_TEST = '''\
"""The connector @name@ against a simulated platform: nothing is lost, doubled or told, whatever happens on the way."""

from __future__ import annotations

from @name@_fake import Clock, @Kind@

from engine.testing import Case, check_all, check_incremental


def case_of(platform: @Kind@) -> Case:
    return Case(
        connector="@name@",
        settings=platform.settings(),
        stream="orders",
        platform=platform,
        clock=Clock(),
        truth=platform.truth,
        key="order_id",
        newest_by="seq",
        secrets=[platform.token],
    )


def test_orders(tmp_path):
    check_all(case_of(@Kind@()), tmp_path=tmp_path)


def test_a_change_is_found():
    platform = @Kind@()
    check_incremental(case_of(platform), lambda: platform.change("A000007", "refunded"))
'''

_PROJECT = """\
kind: project
name: @name@_trial
timezone: Asia/Shanghai
currency: CNY
sources:
  @name@:
    connector: @name@
    with: {url: "https://api.example.com/v1", token: "${@NAME@_TOKEN}"}
    streams: [orders]
"""

FILES = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/@name@_connector/__init__.py": _CONNECTOR,
    "tests/conftest.py": _CONFTEST,
    "tests/@name@_fake.py": _FAKE,
    "tests/test_@name@.py": _TEST,
    "example/project.yaml": _PROJECT,
}
"""Where each file goes, and what is in it."""
