"""The files of a new connector in YAML. `@name@` stands for its name; it works as it is, against the fake beside it."""

_MANIFEST = """\
# How @name@ is asked. It reads the simulated platform in tests/@name@_fake.py; change both to what the platform's
# documents say, part by part, and run the tests after each.
# 这里描述怎样向 @name@ 取数。现在对应 tests/@name@_fake.py 里的模拟平台；请照平台文档逐项修改两个文件，每改一处就跑一次测试。
kind: connector
name: @name@
label: {zh: "@name@", en: "@name@"}
about: "Orders of @name@. · @name@ 的订单。"
# docs: https://…               # where the platform documents its API · 平台文档地址
zone: Asia/Shanghai             # of times in requests, and of the day that quotas belong to · 请求里时间的时区

# What a source gives under `with`. What is secret is written as ${NAME} there. · 数据源 with 里填的内容，密钥写成 ${NAME}。
settings:
  url: {about: "Address of the API. · 接口地址。", default: "https://api.example.com/router"}
  app_key: {about: "Key of the app. · 应用的 key。"}
  app_secret: {about: "Secret of the app. · 应用的密钥。", secret: true}

# What all requests have in common. · 所有请求共有的部分。
request:
  method: POST
  url: "{{ url }}"
  form:
    app_key: "{{ app_key }}"
    timestamp: "{{ now | time('%Y-%m-%d %H:%M:%S') }}"

# secret + name1value1name2value2… + secret, MD5, capital letters. Compare with the example in the platform's documents:
#   engine connector sign @name@ --manifest connectors/@name@.yaml --with settings.json --params params.json
# 密钥 + 名1值1名2值2… + 密钥，MD5 后大写。用上面的命令与平台文档里的例子核对。
sign:
  covers: [form]
  text: "{{ app_secret }}{{ joined }}{{ app_secret }}"
  digest: md5
  written: HEX
  into: form.sign

success: body.code == 0         # expressions over the answer: body, status, headers · 对回答的表达式
message: body.message           # the platform's own words · 平台的报错文字

# What refusals mean; the first that fits. Without one, HTTP 429 and 5xx are tried again, all else stops.
# 报错的含义，取第一个符合的；都不符合时，429 和 5xx 重试，其余停止。
errors:
  - {when: body.code == 1004, do: retry, ban: true, after: 2s}
  - when: body.code == 1001
    do: stop
    say: the signature does not fit; look at app_secret · 签名不符，请检查 app_secret

limits:
  - {rate: 5/s, burst: 5, per: [app_key]}

streams:
  orders:
    label: {zh: 订单, en: orders}
    about: "Orders by time of change. · 按修改时间读取订单。"
    key: [order_id]
    modified: modified
    request:
      form:
        method: order.list
        start: "{{ window.start | time('%Y-%m-%d %H:%M:%S') }}"
        end: "{{ window.end | time('%Y-%m-%d %H:%M:%S') }}"
        page: "{{ page.number }}"
        page_size: "{{ page.size }}"
    records: body.data.list
    # From the last page to the first: an order that changes meanwhile moves to where was read already. · 从后往前翻，不漏。
    page: {by: number, size: 50, backwards: true, total: body.data.total}
    # A question covers a day at most; the newest ten minutes are read again, five minutes behind now. · 每次最多问一天。
    window: {span: 1d, overlap: 10m, lag: 5m, history: 90d}
    fields:
      order_id: {type: id, about: "Number of the order. · 订单号。"}
      status: {type: text, about: "State. · 状态。"}
      amount: {type: text, unit: yuan, about: "What was paid. · 实付金额。"}
      modified: {type: text, about: "When it changed last. · 修改时间。"}
"""

_PROJECT = """\
kind: project
name: @name@_trial
timezone: Asia/Shanghai
currency: CNY
connectors: [connectors/*.yaml]
sources:
  @name@:
    connector: @name@
    with:
      app_key: "${@NAME@_APP_KEY}"
      app_secret: "${@NAME@_APP_SECRET}"
    streams: [orders]
    since: 2026-01-01
"""

_FAKE = '''\
"""A simulated @name@: a function from request to response that checks what the platform checks.

It runs without a network, so every test is quick and the same each time. Where the documents of the platform say
something else than this file, this file is wrong.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from engine.connector import Request, Response

BEIJING = timezone(timedelta(hours=8))
LONGEST = 86_400
"""Seconds that a question may cover."""


class Clock:
    """A clock that moves only by waiting."""

    def __init__(self) -> None:
        self.time = 1_790_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Refused(Exception):
    """The platform says no."""

    def __init__(self, code: int, message: str) -> None:
        self.body = {"code": code, "message": message}
        super().__init__(message)


class @Kind@:
    """A shop with some orders; call it with a request."""

    def __init__(self, clock: Clock, count: int = 120) -> None:
        self.clock = clock
        self.app_key, self.app_secret = "10086001", "9f1c0e7ab35d4e62a8"
        first = clock.now() - 2 * 86_400
        self.orders: dict[str, dict[str, Any]] = {}
        for number in range(count):
            key = f"A{number:06}"
            self.orders[key] = {"order_id": key, "status": "paid", "amount": f"{number}.50", "at": first + 1_200 * number}

    def settings(self) -> dict[str, str]:
        """What a source is given."""
        return {"app_key": self.app_key, "app_secret": self.app_secret}

    def truth(self) -> dict[str, dict[str, Any]]:
        """Every order as the platform shows it now."""
        return {key: _shown(order) for key, order in self.orders.items()}

    def change(self, key: str) -> None:
        """An order is refunded, now."""
        self.orders[key] |= {"status": "refunded", "at": self.clock.now()}

    def __call__(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
        try:
            self._check(form)
            body = {"code": 0, "data": self._listed(form)}
        except Refused as refused:
            body = refused.body
        return Response(200, (("content-type", "application/json"),), json.dumps(body).encode("utf-8"))

    def _check(self, form: dict[str, str]) -> None:
        joined = "".join(f"{name}{value}" for name, value in sorted(form.items()) if name != "sign")
        secret = self.app_secret
        if form.get("sign") != hashlib.md5(f"{secret}{joined}{secret}".encode()).hexdigest().upper():
            raise Refused(1001, "the signature does not fit")
        if abs(_moment(form["timestamp"]) - self.clock.now()) > 600:
            raise Refused(1002, "the timestamp is too far from now")
        if form["method"] != "order.list":
            raise Refused(1003, f"there is no method {form['method']}")

    def _listed(self, form: dict[str, str]) -> dict[str, Any]:
        start, end = _moment(form["start"]), _moment(form["end"])
        if end - start > LONGEST:
            raise Refused(1005, "a question may cover a day at most")
        # Newest first: what changes while it is read moves to the front.
        found = sorted((one for one in self.orders.values() if start <= one["at"] <= end), key=_age, reverse=True)
        size, page = int(form["page_size"]), int(form["page"])
        some = found[(page - 1) * size : page * size]
        return {"total": len(found), "list": [_shown(one) for one in some]}


def _age(order: dict[str, Any]) -> tuple[float, str]:
    return int(order["at"]), order["order_id"]


def _shown(order: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromtimestamp(int(order["at"]), BEIJING)
    return {name: order[name] for name in ("order_id", "status", "amount")} | {"modified": f"{at:%Y-%m-%d %H:%M:%S}"}


def _moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()
'''

_TEST = '''\
"""The connector @name@ against a simulated platform: nothing is lost, doubled or told, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

from @name@_fake import Clock, @Kind@

from engine.testing import Case, check_all, check_incremental

MANIFEST = Path(__file__).parents[1] / "connectors" / "@name@.yaml"


def case_of(platform: @Kind@) -> Case:
    return Case(
        connector="@name@",
        manifests=[MANIFEST],
        settings=platform.settings(),
        stream="orders",
        platform=platform,
        clock=platform.clock,
        truth=platform.truth,
        key="order_id",
        newest_by="modified",
        since=platform.clock.now() - 3 * 86_400,
        secrets=[platform.app_secret],
    )


def test_orders(tmp_path):
    check_all(case_of(@Kind@(Clock())), tmp_path=tmp_path)


def test_a_change_is_found():
    platform = @Kind@(Clock())
    check_incremental(case_of(platform), lambda: platform.change("A000007"))
'''

FILES = {
    "connectors/@name@.yaml": _MANIFEST,
    "project.yaml": _PROJECT,
    "tests/@name@_fake.py": _FAKE,
    "tests/test_@name@.py": _TEST,
}
"""Where each file goes, and what is in it."""
