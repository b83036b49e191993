"""旺店通, an ERP in two editions: the enterprise edition (form, length-prefixed packing) and the flagship edition
(JSON array, wrapped packing, a clock that starts in 2012).

Both read one shop: goods, trades, refunds, what was sent, what is in stock. Feeds are by time of modification,
oldest first, and a page is an offset: a record that is modified while a feed is paged leaves its place, the ones after
it move up, and reading forwards misses one of them. Reading pages from the last to the first does not.

Not known from public text, chosen here: the enterprise edition's error numbers, its tolerance of 5 minutes, windows
of 30 days and 100 rows a page; the order of the feeds; that windows hold both their ends.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, form_of, path_of, query_of

_BEIJING = timezone(timedelta(hours=8))
_EPOCH = 1_325_347_200  # 2012-01-01 00:00:00 in Beijing, where the flagship edition's clock starts
_NEVER = "0000-00-00 00:00:00"
_HOUR, _MONTH = 3_600, 30 * 86_400

_GOODS = (
    "玻尿酸保湿精华液",
    "氨基酸洁面乳",
    "烟酰胺美白面膜",
    "防晒霜 SPF50+",
    "丝绒哑光口红",
    "修护眼霜",
    "控油爽肤水",
    "身体乳 & 护手霜",
)
_SPECS = ("30ml", "50ml", "100ml", "5片装")
_PROVINCES = (
    ("浙江省", "杭州市", "西湖区"),
    ("广东省", "深圳市", "南山区"),
    ("四川省", "成都市", "武侯区"),
    ("上海", "上海市", "徐汇区"),
)
_SHOPS = {
    69: ("dy01", "抖音旗舰店"),
    3: ("jd01", "京东旗舰店"),
    56: ("xhs01", "小红书店"),
    75: ("ks01", "快手店"),
    39: ("pdd01", "拼多多店"),
}
_STATES = (30, 55, 95, 110)
_REFUND_STATES = (20, 30, 80, 90)
_SENT = 95


def enterprise_sign(params: dict[str, str], secret: str) -> str:
    """`%02d-name:%04d-value` sorted by name and joined by `;`, lengths in characters, then the secret: lower MD5."""
    packed = ";".join(
        f"{len(name):02d}-{name}:{len(value):04d}-{value}" for name, value in sorted(params.items()) if name != "sign"
    )
    return hashlib.md5((packed + secret).encode()).hexdigest()


def flagship_sign(params: dict[str, str], secret: str) -> str:
    """The secret around the sorted names and values, the body among them: lower MD5."""
    packed = "".join(name + value for name, value in sorted(params.items()) if name != "sign")
    return hashlib.md5((secret + packed + secret).encode()).hexdigest()


class _Refused(Exception):
    """The platform's error body."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


class _Wangdiantong:
    """What both editions share: the shop, and the troubles that are planned."""

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.sid, self.app_key = "apidevtest1", "testco1-ot"
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (60, 60.0)
        self._buckets: dict[str, tuple[tuple[int, float], Bucket]] = {}
        self._used: dict[str, int] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._item, "orders": self._order, "refunds": self._refund}
        world.makers.update(self.makers)

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the shop with trades of the last days, and goods and refunds that go with them."""
        now = self.world.clock.now()
        for kind, count in (("items", 8 + orders // 20), ("orders", orders), ("refunds", orders // 6)):
            self.world.fill(kind, self.makers[kind], count, now - days * 86_400, now - 600)

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return self._refusal(refused)

    def _planned(self) -> Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return None
        if fault == "timeout":
            raise TryAgain("timed out")
        if isinstance(fault, int):
            more = (("retry-after", "1"),) if fault == 429 else ()
            return Response(fault, (("content-type", "text/plain"), *more), b"try later")
        raise _Refused(*self._words[fault])

    _words: ClassVar[dict[str, tuple[int, str]]]

    def _answered(self, request: Request) -> Response:
        raise NotImplementedError

    def _refusal(self, refused: _Refused) -> Response:
        raise NotImplementedError

    def _count(self, method: str) -> None:
        """Count a call that was let in at the door against the minute and against the day."""
        if self.rate:
            rate, bucket = self._buckets.get(method, (None, None))
            if rate != self.rate or bucket is None:
                bucket = Bucket(self.world.clock, *self.rate)  # type: ignore[arg-type]
                self._buckets[method] = (self.rate, bucket)
            if bucket.over():
                raise _Refused(*self._words["ban"])
        day = _text(self.world.clock.now())[:10]
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(self._words["ban"][0], "超过每日最大调用次数限制")

    # --- the shop ---

    def _item(self, chance: random.Random, index: int) -> Record:
        specs = [
            {
                "id": 500_000 + index * 10 + place,
                "name": name,
                "price": chance.randrange(1_990, 29_990, 10),
                "stock": chance.randrange(500),
            }
            for place, name in enumerate(chance.sample(_SPECS, chance.randint(1, 3)))
        ]
        return {"id": str(200_000 + index), "title": chance.choice(_GOODS), "specs": specs}

    def _order(self, chance: random.Random, index: int) -> Record:
        items = list(self.world.records.get("items", {}).values()) or [self._item(chance, 0)]
        lines = []
        for place in range(chance.randint(1, 4)):
            item = chance.choice(items)
            spec, quantity = chance.choice(item["specs"]), chance.randint(1, 3)
            off = chance.choice((0, 0, 500, 1_000))
            lines.append(
                {
                    "id": 6_000_000 + index * 10 + place,
                    "item": item["id"],
                    "title": item["title"],
                    "spec": spec["id"],
                    "spec_name": spec["name"],
                    "quantity": quantity,
                    "price": spec["price"],
                    "share": quantity * spec["price"] - off,
                    "off": off,
                }
            )
        return {
            "id": str(100_000 + index),
            "lines": lines,
            "post": chance.choice((0, 0, 800)),
            "platform": chance.choice((69, 69, 69, 3, 56, 75, 39)),
            "tid": 6_917_926_768_823_600_000 + index * 16 + chance.randrange(16),
            "state": chance.randrange(3),
            "unpaid": chance.random() < 0.08,
            "place": chance.choice(_PROVINCES),
            "buyer": f"buyer_{chance.randrange(60):04d}",
        }

    def _refund(self, chance: random.Random, index: int) -> Record:
        orders = list(self.world.records.get("orders", {}).values()) or [self._order(chance, 0)]
        order = chance.choice(orders)
        line = chance.choice(order["lines"])
        return {
            "id": str(300_000 + index),
            "order": order,
            "line": line,
            "amount": line["share"],
            "state": chance.randrange(3),
            "type": chance.choice((1, 2, 2, 4)),
            "reason": chance.choice(("七天无理由退货", "质量问题", "拍错/多拍", "少件/漏发")),
        }

    def _held(self, kind: str) -> list[Record]:
        there = self.world.records.get(kind, {}).values()
        return sorted(there, key=lambda record: (record["modified"], int(record["id"])))


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, _BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _time(text: str, name: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING).timestamp()
    except (TypeError, ValueError):
        raise _Refused(1, f"{name}格式不正确") from None


def _money(cents: int) -> str:
    return f"{cents / 100:.4f}"


def _state(record: Record, states: tuple[int, ...]) -> int:
    return states[min(record["state"] + record["version"] - 1, len(states) - 1)]


def _order_state(order: Record) -> int:
    return 10 if order["unpaid"] and order["version"] == 1 else _state(order, _STATES)


def _goods_total(order: Record) -> int:
    return sum(line["quantity"] * line["price"] for line in order["lines"])


def _paid(order: Record) -> int:
    return sum(line["share"] for line in order["lines"]) + order["post"]


def _off(order: Record) -> int:
    return sum(line["off"] for line in order["lines"])


def _stocks(items: list[Record]) -> list[tuple[Record, Record, int]]:
    """What is in stock of each specification: one more sold with every modification."""
    return [(item, spec, max(0, spec["stock"] - item["version"] + 1)) for item in items for spec in item["specs"]]


def _number(params: dict[str, str], name: str) -> int:
    try:
        return int(params[name])
    except ValueError:
        raise _Refused(1, f"{name}必须是数字") from None


class WangdiantongEnterprise(_Wangdiantong):
    """The enterprise edition: `POST /openapi2/<method>.php`, a signed form; pages from 0, `total_count` on page 0 only.

    Settings: `url` (up to `/openapi2`), `sid`, `app_key`, `app_secret`. Every value of an answer is text.
    """

    name = "wangdiantong_enterprise"
    streams: ClassVar[dict[str, str]] = {
        "orders": "trade_id",
        "refunds": "refund_id",
        "items": "goods_id",
        "inventory": "rec_id",
        "shipments": "stockout_id",
    }
    skew, largest, widest = 300, 100, _MONTH
    app_secret = "1f2e3d4c5b6a79880011223344556677"
    _words: ClassVar[dict[str, tuple[int, str]]] = {
        "busy": (5, "数据库繁忙，请稍后重试"),
        "ban": (1012, "超过每分钟最大调用频率限制，请稍后重试"),
    }
    _methods: ClassVar[dict[str, Any]] = {
        "trade_query": ("orders", "trades"),
        "refund_query": ("refunds", "refunds"),
        "goods_query": ("items", "goods_list"),
        "stock_query": ("inventory", "stocks"),
        "stockout_order_query_trade": ("shipments", "stockout_list"),
    }

    def settings(self) -> dict[str, Any]:
        url = f"{self.base}{self.prefix}/openapi2"
        return {"url": url, "sid": self.sid, "app_key": self.app_key, "app_secret": self.app_secret}

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            return {row[self.streams[stream]]: row for _, row in self._rows(stream)}

    def _refusal(self, refused: _Refused) -> Response:
        return answer({"code": refused.code, "message": refused.message})

    def _answered(self, request: Request) -> Response:
        path = path_of(request).removeprefix(f"{self.prefix}/openapi2/")
        stream, key = self._methods.get(path.removesuffix(".php"), ("", ""))
        if not stream or not path.endswith(".php") or request.method != "POST":
            raise _Refused(1002, "接口不存在")
        params = {**query_of(request), **form_of(request)}
        self._admit(params)
        self._count(path)
        since, until = self._window(params)
        number, size = self._page(params)
        rows = [row for time, row in self._rows(stream) if since <= time <= until]
        body: dict[str, Any] = {"code": 0, "message": "ok"}
        if number == 0:
            body["total_count"] = str(len(rows))
        return answer({**body, key: rows[number * size : (number + 1) * size]})

    def _admit(self, params: dict[str, str]) -> None:
        for name in ("sid", "appkey", "timestamp", "sign"):
            if not params.get(name):
                raise _Refused(1001, f"缺少参数{name}")
        if params["sid"] != self.sid:
            raise _Refused(1003, "sid不存在")
        if params["appkey"] != self.app_key:
            raise _Refused(1004, "appkey不存在")
        if abs(_number(params, "timestamp") - self.world.clock.now()) > self.skew:
            raise _Refused(1005, "timestamp已过期")
        if enterprise_sign(params, self.app_secret) != params["sign"]:
            raise _Refused(1006, "签名不正确")

    def _window(self, params: dict[str, str]) -> tuple[float, float]:
        for name in ("start_time", "end_time"):
            if not params.get(name):
                raise _Refused(1001, f"缺少参数{name}")
        since, until = _time(params["start_time"], "start_time"), _time(params["end_time"], "end_time")
        if until < since:
            raise _Refused(1007, "end_time不能小于start_time")
        if until - since > self.widest:
            raise _Refused(1008, "您的查询时间过宽,查询时间不能大于30天")
        return since, until

    def _page(self, params: dict[str, str]) -> tuple[int, int]:
        number = _number({"page_no": "0", **params}, "page_no")
        size = _number({"page_size": "40", **params}, "page_size")
        if number < 0 or not 1 <= size <= self.largest:
            raise _Refused(1009, f"page_no不能小于0,page_size必须在1到{self.largest}之间")
        return number, size

    def _rows(self, stream: str) -> list[tuple[float, Record]]:
        """The rows of a stream with the time by which they are found."""
        if stream == "inventory":
            return [(stock[0]["modified"], _enterprise_stock(*stock)) for stock in _stocks(self._held("items"))]
        if stream == "shipments":
            orders = self._held("orders")
            return [(one["modified"], _enterprise_stockout(one)) for one in orders if _order_state(one) >= _SENT]
        form: Callable[[Record], Record] = {
            "orders": _enterprise_trade,
            "refunds": _enterprise_refund,
            "items": _enterprise_goods,
        }[stream]
        return [(one["modified"], form(one)) for one in self._held(stream)]


def _enterprise_trade(order: Record) -> Record:
    shop_no, shop_name = _SHOPS[order["platform"]]
    state = _order_state(order)
    return {
        "trade_id": order["id"],
        "trade_no": f"JY{order['id']}",
        "platform_id": str(order["platform"]),
        "shop_no": shop_no,
        "shop_name": shop_name,
        "warehouse_no": "WH01",
        "src_tids": str(order["tid"]),
        "trade_status": str(state),
        "trade_type": "1",
        "refund_status": "0",
        "trade_time": _text(order["created"]),
        "pay_time": _NEVER if state == 10 else _text(order["created"] + 30),
        "created": _text(order["created"] + 40),
        "modified": _text(order["modified"]),
        "buyer_nick": order["buyer"],
        "receiver_province": order["place"][0],
        "receiver_city": order["place"][1],
        "receiver_district": order["place"][2],
        "goods_amount": _money(_goods_total(order)),
        "post_amount": _money(order["post"]),
        "discount": _money(_off(order)),
        "receivable": _money(_paid(order)),
        "paid": _money(0 if state == 10 else _paid(order)),
        "cs_remark": "" if order["version"] == 1 else f"第{order['version']}版",
        "goods_list": [_enterprise_line(order, line) for line in order["lines"]],
    }


def _enterprise_line(order: Record, line: Record) -> Record:
    return {
        "rec_id": str(line["id"]),
        "trade_id": order["id"],
        "platform_id": str(order["platform"]),
        "src_tid": str(order["tid"]),
        "src_oid": f"{order['tid']}{line['id'] % 10}",
        "goods_no": f"TS-{line['item']}",
        "goods_name": line["title"],
        "spec_no": f"TS-{line['item']}-{line['spec'] % 10}",
        "spec_name": line["spec_name"],
        "num": f"{line['quantity']:.4f}",
        "actual_num": f"{line['quantity']:.4f}",
        "price": _money(line["price"]),
        "discount": _money(line["off"]),
        "share_amount": _money(line["share"]),
        "refund_status": "0",
        "gift_type": "0",
    }


def _enterprise_refund(refund: Record) -> Record:
    order, line = refund["order"], refund["line"]
    return {
        "refund_id": refund["id"],
        "refund_no": f"TK{refund['id']}",
        "src_no": f"{order['tid']}-{refund['id']}",
        "platform_id": str(order["platform"]),
        "shop_no": _SHOPS[order["platform"]][0],
        "type": str(refund["type"]),
        "process_status": str(_state(refund, _REFUND_STATES)),
        "tid": str(order["tid"]),
        "trade_no": f"JY{order['id']}",
        "reason": refund["reason"],
        "refund_amount": _money(refund["amount"]),
        "actual_refund_amount": _money(refund["amount"]),
        "refund_time": _text(refund["created"]),
        "created": _text(refund["created"]),
        "modified": _text(refund["modified"]),
        "remark": "" if refund["version"] == 1 else f"第{refund['version']}版",
        "refund_order_list": [
            {
                "refund_order_id": refund["id"] + "1",
                "refund_id": refund["id"],
                "oid": f"{order['tid']}{line['id'] % 10}",
                "spec_no": f"TS-{line['item']}-{line['spec'] % 10}",
                "goods_name": line["title"],
                "order_num": f"{line['quantity']:.4f}",
                "refund_num": f"{line['quantity']:.4f}",
                "price": _money(line["price"]),
                "refund_order_amount": _money(refund["amount"]),
            }
        ],
    }


def _enterprise_goods(item: Record) -> Record:
    return {
        "goods_id": item["id"],
        "goods_no": f"TS-{item['id']}",
        "goods_name": item["title"],
        "class_name": "美妆",
        "brand_name": "示例品牌",
        "deleted": "0",
        "goods_created": _text(item["created"]),
        "goods_modified": _text(item["modified"]),
        "spec_list": [
            {
                "spec_id": str(spec["id"]),
                "spec_no": f"TS-{item['id']}-{spec['id'] % 10}",
                "spec_name": spec["name"],
                "barcode": f"69{spec['id']:011d}",
                "retail_price": _money(spec["price"] + (item["version"] - 1) * 10),
            }
            for spec in item["specs"]
        ],
    }


def _enterprise_stock(item: Record, spec: Record, stock: int) -> Record:
    return {
        "rec_id": str(spec["id"]),
        "warehouse_no": "WH01",
        "warehouse_name": "主仓",
        "goods_no": f"TS-{item['id']}",
        "goods_name": item["title"],
        "spec_no": f"TS-{item['id']}-{spec['id'] % 10}",
        "spec_name": spec["name"],
        "stock_num": f"{stock:.4f}",
        "avaliable_num": f"{stock:.4f}",
        "order_num": "0.0000",
        "lock_num": "0.0000",
        "cost_price": _money(spec["price"] // 3),
        "modified": _text(item["modified"]),
    }


def _enterprise_stockout(order: Record) -> Record:
    return {
        "stockout_id": f"9{order['id']}",
        "order_no": f"CK{order['id']}",
        "src_order_no": f"JY{order['id']}",
        "src_tids": str(order["tid"]),
        "platform_id": str(order["platform"]),
        "shop_no": _SHOPS[order["platform"]][0],
        "warehouse_no": "WH01",
        "status": str(_order_state(order)),
        "consign_time": _text(order["created"] + 20_000),
        "modified": _text(order["modified"]),
        "logistics_name": "顺丰速运",
        "logistics_no": f"SF{order['tid']}",
        "weight": "0.5000",
        "post_amount": _money(order["post"]),
        "remark": "" if order["version"] == 1 else f"第{order['version']}版",
        "details_list": [
            {
                "rec_id": str(line["id"]),
                "src_oid": f"{order['tid']}{line['id'] % 10}",
                "spec_no": f"TS-{line['item']}-{line['spec'] % 10}",
                "goods_count": f"{line['quantity']:.4f}",
                "sell_price": _money(line["price"]),
                "share_amount": _money(line["share"]),
            }
            for line in order["lines"]
        ],
    }


class WangdiantongFlagship(_Wangdiantong):
    """The flagship edition: `POST /openapi?sid&key&salt&method&timestamp&v&…&sign`, the body a JSON array of one object.

    Settings: `url` (the gateway), `sid`, `app_key`, `app_secret` (`secret:salt`, as the platform hands it out).
    `timestamp` counts from 2012. `total_count` is told on page 0, and only with `calc_total=1`. Trades of Taobao and
    Pinduoduo shops are in the world and neither served nor part of the truth, like on the platform.
    """

    name = "wangdiantong_flagship"
    streams: ClassVar[dict[str, str]] = {
        "orders": "trade_id",
        "refunds": "refund_id",
        "items": "goods_id",
        "inventory": "rec_id",
        "shipments": "stockout_id",
    }
    skew, largest = 120, 200
    app_secret = "0a1b2c3d4e5f60718293a4b5c6d7e8f9:saltTEST1234567890"
    _words: ClassVar[dict[str, tuple[int, str]]] = {
        "busy": (100, "超过最大并发次数限制"),
        "ban": (100, "超过每分钟最大调用频率限制，请稍后重试"),
    }
    _methods: ClassVar[dict[str, Any]] = {
        "sales.TradeQuery.queryWithDetail": ("orders", "order", _HOUR, ("trade_no", "src_tid", "shop_nos", "status")),
        "wms.stockout.Sales.queryWithDetail": ("shipments", "order", _HOUR, ("stockout_no", "shop_nos")),
        "aftersales.refund.Refund.search": ("refunds", "order", _MONTH, ("refund_no", "refund_id", "shop_nos")),
        "wms.StockSpec.search2": ("inventory", "detail_list", _MONTH, ("spec_no", "warehouse_no")),
        "goods.Goods.queryWithSpec": ("items", "goods_list", _MONTH, ("goods_no", "goods_name", "hide_deleted")),
    }
    _found_by: ClassVar[dict[str, str]] = {
        "trade_no": "trade_no",
        "src_tid": "src_tids",
        "status": "trade_status",
        "stockout_no": "order_no",
        "shop_nos": "shop_no",
        "refund_no": "refund_no",
        "refund_id": "refund_id",
        "spec_no": "spec_no",
        "warehouse_no": "warehouse_no",
        "goods_no": "goods_no",
        "goods_name": "goods_name",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        super().__init__(world, prefix=prefix, base=base)
        self.sid, self.app_key = "wdterp30", "testco3-ot"

    def settings(self) -> dict[str, Any]:
        url = f"{self.base}{self.prefix}/openapi"
        return {"url": url, "sid": self.sid, "app_key": self.app_key, "app_secret": self.app_secret}

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            return {str(row[self.streams[stream]]): row for _, row in self._rows(stream)}

    def _refusal(self, refused: _Refused) -> Response:
        return answer({"status": refused.code, "message": refused.message})

    def _answered(self, request: Request) -> Response:
        if path_of(request) != f"{self.prefix}/openapi" or request.method != "POST":
            return Response(404, (("content-type", "text/plain"),), b"Not Found")
        params = query_of(request)
        if len(parse_qsl(request.url.partition("?")[2])) + len(request.query) > len(params):
            raise _Refused(1, "参数重复")
        method = self._admit(params, request.body)
        self._count(method)
        stream, key, widest, fields = self._methods[method]
        asked = self._asked(request.body, fields)
        number, size = self._page(params)
        since, until = self._window(asked, widest, optional=stream == "items")
        rows = [row for time, row in self._rows(stream) if since <= time <= until and self._fits(row, asked)]
        data: dict[str, Any] = {key: rows[number * size : (number + 1) * size]}
        if params.get("calc_total") == "1" and number == 0:
            data = {"total_count": len(rows), **data}
        return answer({"status": 0, "data": data})

    def _admit(self, params: dict[str, str], body: bytes) -> str:
        for name in ("sid", "key", "salt", "method", "timestamp", "v", "sign"):
            if not params.get(name):
                raise _Refused(1, f"{name}不能为空")
        if params["sid"] != self.sid:
            raise _Refused(1, "sid不存在")
        if params["key"] != self.app_key:
            raise _Refused(1, "appkey不存在")
        secret, salt = self.app_secret.split(":")
        if params["salt"] != salt:
            raise _Refused(1, "salt不正确")
        if params["v"] != "1.0":
            raise _Refused(8, "版本号不正确")
        if abs(_number(params, "timestamp") + _EPOCH - self.world.clock.now()) > self.skew:
            raise _Refused(7, "timestamp与服务器时间相差超过2分钟")
        if flagship_sign({**params, "body": body.decode("utf-8", "replace")}, secret) != params["sign"]:
            raise _Refused(1, "sign不正确")
        if params["method"] not in self._methods:
            raise _Refused(1, "method不存在")
        return params["method"]

    def _asked(self, body: bytes, fields: tuple[str, ...]) -> Record:
        try:
            whole = json.loads(body)
        except ValueError:
            raise _Refused(3, "body不是合法的json") from None
        if not isinstance(whole, list) or len(whole) != 1 or not isinstance(whole[0], dict):
            raise _Refused(3, "body必须是json数组")
        for name in whole[0]:
            if name not in (*fields, "start_time", "end_time"):
                raise _Refused(2, f"未知字段{name}")
        return {name: value for name, value in whole[0].items() if value not in (None, "")}

    def _page(self, params: dict[str, str]) -> tuple[int, int]:
        if not params.get("page_no") or not params.get("page_size"):
            raise _Refused(100, "此方法仅支持分页查询")
        number, size = _number(params, "page_no"), _number(params, "page_size")
        if number < 0 or not 1 <= size <= self.largest:
            raise _Refused(100, f"page_size不能大于{self.largest}")
        return number, size

    def _window(self, asked: Record, widest: float, *, optional: bool) -> tuple[float, float]:
        given = [name for name in ("start_time", "end_time") if name in asked]
        if not given and (optional or asked):
            return 0.0, float("inf")
        if len(given) < 2:
            raise _Refused(100, "start_time和end_time不能为空")
        since, until = _time(asked["start_time"], "start_time"), _time(asked["end_time"], "end_time")
        if until < since:
            raise _Refused(100, "end_time不能小于start_time")
        if until - since > widest:
            wide = "60分钟" if widest == _HOUR else "30天"
            raise _Refused(100, f"您的查询时间过宽,查询时间不能大于{wide}")
        return since, until

    def _fits(self, row: Record, asked: Record) -> bool:
        return all(
            str(row.get(self._found_by[name])) in str(value).split(",")
            for name, value in asked.items()
            if name in self._found_by
        )

    def _rows(self, stream: str) -> list[tuple[float, Record]]:
        """The rows of a stream with the time by which they are found."""
        if stream == "items":
            return [(one["modified"], _flagship_goods(one)) for one in self._held("items")]
        if stream == "inventory":
            return [(stock[0]["modified"], _flagship_stock(*stock)) for stock in _stocks(self._held("items"))]
        if stream == "refunds":
            refunds = [one for one in self._held("refunds") if one["order"]["platform"] != 39]
            return [(one["modified"], _flagship_refund(one)) for one in refunds]
        orders = [one for one in self._held("orders") if one["platform"] != 39]
        if stream == "orders":
            return [(one["modified"], _flagship_trade(one)) for one in orders]
        return [(one["modified"], _flagship_stockout(one)) for one in orders if _order_state(one) >= _SENT]


def _flagship_trade(order: Record) -> Record:
    state = _order_state(order)
    sent = {"consign_time": int(order["created"] + 20_000) * 1000} if state >= _SENT else {}
    return {
        "trade_id": int(order["id"]),
        "trade_no": f"JY{order['id']}",
        "trade_status": state,
        "platform_id": order["platform"],
        "shop_no": _SHOPS[order["platform"]][0],
        "shop_name": _SHOPS[order["platform"]][1],
        "src_tids": str(order["tid"]),
        "trade_time": int(order["created"]) * 1000,
        "pay_time": "1970-01-01 08:00:00" if state == 10 else _text(order["created"] + 30),
        "created": int(order["created"] + 40) * 1000,
        "modified": _text(order["modified"]),
        **sent,
        "buyer_nick": order["buyer"],
        "receiver_area": " ".join(order["place"]),
        "goods_amount": _money(_goods_total(order)),
        "post_amount": _money(order["post"]),
        "discount": _money(_off(order)),
        "receivable": _money(_paid(order)),
        "paid": _money(0 if state == 10 else _paid(order)),
        "refund_status": 0,
        "cs_remark": "" if order["version"] == 1 else f"第{order['version']}版",
        "detail_list": [_flagship_line(order, line) for line in order["lines"]],
    }


def _flagship_line(order: Record, line: Record) -> Record:
    """As the enterprise edition has it, but ids and states are numbers."""
    row = _enterprise_line(order, line)
    numbers = ("rec_id", "trade_id", "platform_id", "refund_status", "gift_type")
    return {name: int(value) if name in numbers else value for name, value in row.items()}


def _flagship_refund(refund: Record) -> Record:
    row = _enterprise_refund(refund)
    details = row.pop("refund_order_list")
    return {
        **row,
        "refund_id": int(refund["id"]),
        "platform_id": refund["order"]["platform"],
        "type": refund["type"],
        "status": _state(refund, _REFUND_STATES),
        "refund_time": int(refund["created"]) * 1000,
        "created": int(refund["created"]) * 1000,
        "detail_list": [
            {**one, "refund_id": int(refund["id"]), "refund_order_id": int(one["refund_order_id"])} for one in details
        ],
    }


def _flagship_goods(item: Record) -> Record:
    row = _enterprise_goods(item)
    return {
        **row,
        "goods_id": int(item["id"]),
        "deleted": 0,
        "goods_created": int(item["created"]) * 1000,
        "spec_list": [{**spec, "spec_id": int(spec["spec_id"])} for spec in row["spec_list"]],
    }


def _flagship_stock(item: Record, spec: Record, stock: int) -> Record:
    return {**_enterprise_stock(item, spec, stock), "rec_id": spec["id"], "created": int(item["created"]) * 1000}


def _flagship_stockout(order: Record) -> Record:
    return {
        **_enterprise_stockout(order),
        "stockout_id": int(f"9{order['id']}"),
        "platform_id": order["platform"],
        "status": _order_state(order),
        "consign_time": int(order["created"] + 20_000) * 1000,
    }
