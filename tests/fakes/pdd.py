"""Pinduoduo's open platform: a mall's orders, refunds and goods.

What makes it hard to read, and is kept here:

* What changed is asked for in windows of 30 minutes that end 3 minutes ago or earlier, and comes newest change FIRST: an
  order that changes while its window is read leaves it, and rows slip to pages that were read already. Page backwards.
* Lucky-draw orders are hidden unless `is_lucky_flag` is 0 or 2. The root of an answer cannot be told from the name of a call.
* Requests speak unix seconds, answers Beijing time. Orders cost 元 as numbers, refunds 元 as texts, goods 分.
* A business error has the code 50001 as well, with the words in `error_msg` and no `sub_code`. HTTP is always 200.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, header_of, path_of, query_of

BEIJING = timezone(timedelta(hours=8))
DAY, MINUTE = 86400, 60
SPARE = 50
"""A full refund is so many 分 less than what was paid: an order may become cheaper afterwards."""
TOLERANCE = 600
"""Seconds by which `timestamp` may differ from the server's clock."""
LAG = 3 * MINUTE
"""The end of an increment must be that long ago."""
AFTERSALES = (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 24, 25, 27, 31, 32, 33)
TITLES = (
    "示例T恤",
    "抽纸 40包整箱",
    "加厚保暖袜 10双",
    "赣南脐橙 10斤",
    "洗脸巾 5包",
    "手机壳",
    "儿童积木",
    "坚果大礼包",
    "不粘炒锅",
    "垃圾袋 200只",
)
SPECS = ("M", "L", "XL")
PLACES = (
    ("浙江省", "杭州市", "余杭区"),
    ("广东省", "东莞市", "南城街道"),
    ("山东省", "济南市", "历下区"),
    ("湖北省", "武汉市", "洪山区"),
)


def signature(params: dict[str, str], secret: str) -> str:
    """The signature of all parameters but `sign`."""
    joined = "".join(name + params[name] for name in sorted(params) if name != "sign")
    return hashlib.md5((secret + joined + secret).encode()).hexdigest().upper()


def written(seconds: float) -> str:
    """Beijing time as text."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


class Refusal(Exception):
    """An `error_response`."""

    def __init__(self, code: int, msg: str, sub_code: str | None = None, sub_msg: str | None = None) -> None:
        self.told = {"error_code": code, "error_msg": msg, "sub_code": sub_code, "sub_msg": sub_msg or msg}
        super().__init__(msg)


def public(why: str) -> Refusal:
    """A common parameter that is missing or cannot be."""
    return Refusal(10001, f"公共参数错误:{why}", "10001")


def business(why: str) -> Refusal:
    """A parameter of a call that is missing or cannot be."""
    return Refusal(50001, why)


class Pdd:
    """A mall of Pinduoduo. Settings: client_id, client_secret, access_token, refresh_token, url.

    An access token lives `token_seconds` (a year); refreshing gives the same life back and not a second more. Whoever
    authorises again (`pdd.pop.auth.token.create` with `code`, good once and for ten minutes) kills the tokens before.
    The world is filled with `count` orders of the last three days, and others in proportion. `truth("orders")` holds
    lucky-draw orders too. Records of `items` are rows of pdd.goods.list.get, of `inventory` answers of pdd.goods.detail.get.
    """

    name = "pdd"
    path = "/api/router"
    streams: ClassVar[dict[str, str]] = {
        "orders": "order_sn",
        "refunds": "id",
        "items": "goods_id",
        "inventory": "goods_id",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake", count: int = 120) -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.client_id, self.client_secret = (
            "9a8b7c6d5e4f40312233445566778899",
            "c0ffee00aa11bb22cc33dd44ee55ff6677889900",
        )
        self.access_token, self.refresh_token = "pddTESTtoken0123456789", "pddTESTrefresh0123456789"
        self.code = "pddTESTcode"
        self.token_seconds, self.issued, self._offered = 365.0 * DAY, world.clock.now(), world.clock.now()
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[int | str] = []
        self._calls: dict[str, int] = {}
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._goods_made, "orders": self._order_made, "refunds": self._refund_made}
        now = world.clock.now()
        for kind, part in (("items", 3), ("orders", 1), ("refunds", 4)):
            if count and kind not in world.records:
                world.fill(kind, self.makers[kind], max(1, count // part), now - 3 * DAY, now - 600)
        self.methods: dict[str, tuple[str, Callable[[dict[str, str]], Record]]] = {
            "pdd.order.list.get": ("order_list_get_response", lambda given: self._confirmed(given, full=True)),
            "pdd.order.basic.list.get": (
                "order_basic_list_get_response",
                lambda given: self._confirmed(given, full=False),
            ),
            "pdd.order.number.list.increment.get": ("order_sn_increment_get_response", self._changed),
            "pdd.order.information.get": ("order_info_get_response", self._order_alone),
            "pdd.refund.list.increment.get": ("refund_increment_get_response", self._refunds),
            "pdd.goods.list.get": ("goods_list_get_response", self._goods),
            "pdd.goods.detail.get": ("goods_detail_get_response", self._goods_alone),
        }
        self.tokens: dict[str, tuple[str, Callable[[dict[str, str]], Record]]] = {
            "pdd.pop.auth.token.create": ("pop_auth_token_create_response", self._created),
            "pdd.pop.auth.token.refresh": ("pop_auth_token_refresh_response", self._refreshed),
        }

    def settings(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": self.base + self.prefix + self.path,
        }

    def truth(self, stream: str) -> dict[str, Record]:
        """Every record that is there now, by id."""
        show = {"orders": self._order, "refunds": self._refund, "items": self._item, "inventory": self._item_in_full}[
            stream
        ]
        with self._lock:
            records = self.world.records.get("items" if stream == "inventory" else stream, {})
            return {key: show(record) for key, record in records.items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            fault = self.faults.pop(0) if self.faults else None
            if fault == "timeout":
                raise TryAgain("timed out")
            if isinstance(fault, int):
                return Response(fault, (("retry-after", "1"),) if fault == 429 else (), b"upstream is unhappy")
            if path_of(request) != self.prefix + self.path or request.method != "POST":
                return Response(404, (("content-type", "text/html"),), b"<html><body>404 Not Found</body></html>")
            serial = f"159{self.world.requests:014d}"
            try:
                root, body = self._answered(request, fault)
            except Refusal as refusal:
                return answer({"error_response": {**refusal.told, "request_id": serial}})
            return answer({root: {**body, "request_id": serial}})

    # --- the gateway --------------------------------------------------------------------------------------------

    def _answered(self, request: Request, fault: str | None) -> tuple[str, Record]:
        if fault == "busy":
            raise Refusal(50000, "系统内部错误", "50000", "系统繁忙，请稍后重试")
        if fault == "ban":
            raise _throttled()
        params = {**query_of(request), **_body(request)}
        self._admit(params)
        root, call = {**self.methods, **self.tokens}[params["type"]]
        return root, call({name: value for name, value in params.items() if value != ""})

    def _admit(self, params: dict[str, str]) -> None:
        """Refuse who may not call, in the order in which the gateway looks at a request."""
        for name in ("type", "client_id", "timestamp", "sign"):
            if not params.get(name):
                raise public(f"{name}不能为空")
        if params["type"] not in self.methods and params["type"] not in self.tokens:
            raise public("type")
        if params["client_id"] != self.client_id:
            raise public("client_id")
        if params.get("data_type", "JSON") != "JSON":
            raise public("data_type")
        told = params["timestamp"]
        if not told.isascii() or not told.isdigit() or abs(int(told) - self.world.clock.now()) > TOLERANCE:
            raise public("timestamp")
        if not hmac.compare_digest(params["sign"].encode(), signature(params, self.client_secret).encode()):
            raise Refusal(20004, "签名sign校验失败", "20004", "签名sign校验失败，请按接入指南第三部分指导，生成签名")
        if params["type"] in self.methods:
            self._admit_token(params.get("access_token", ""))
        self._count(params["type"])

    def _admit_token(self, token: str) -> None:
        if not token:
            raise public("access_token不能为空")
        if token != self.access_token or self.world.clock.now() >= self.issued + self.token_seconds:
            raise Refusal(
                10019, "access_token已过期", "10019", "access_token已过期，需要重新进行授权获取新的access_token"
            )

    def _count(self, method: str) -> None:
        today = written(self.world.clock.now())[:10]
        if self.daily_quota is not None and self._calls.get(today, 0) >= self.daily_quota:
            raise Refusal(70036, "应用处于测试状态，调用次数已达上限", "70036", "应用今日的调用次数已用完")
        if self.rate and self._buckets.setdefault((method, self.rate), Bucket(self.world.clock, *self.rate)).over():
            raise _throttled()
        self._calls[today] = self._calls.get(today, 0) + 1

    def _created(self, given: dict[str, str]) -> Record:
        if given.get("code") != self.code or self.world.clock.now() > self._offered + 10 * MINUTE:
            raise business("code已过期或已被使用")
        new = hashlib.md5(f"{self.code}{self.world.requests}".encode()).hexdigest()
        self.access_token, self.refresh_token, self.issued, self.code = f"{new}a", f"{new}r", self.world.clock.now(), ""
        return self._pair()

    def _refreshed(self, given: dict[str, str]) -> Record:
        if (
            given.get("refresh_token") != self.refresh_token
            or self.world.clock.now() >= self.issued + self.token_seconds
        ):
            raise Refusal(10019, "refresh_token已过期", "10019", "refresh_token已过期，需要重新进行授权")
        return self._pair()

    def _pair(self) -> Record:
        ends = int(self.issued + self.token_seconds)
        return {
            "access_token": self.access_token,
            "expires_in": ends - int(self.world.clock.now()),
            "expires_at": ends,
            "refresh_token": self.refresh_token,
            "refresh_token_expires_in": ends - int(self.world.clock.now()),
            "refresh_token_expires_at": ends,
            "owner_id": "1234567",
            "owner_name": "pdd12345678",
            "scope": list(self.methods),
        }

    # --- orders -------------------------------------------------------------------------------------------------

    def _confirmed(self, given: dict[str, str], *, full: bool) -> Record:
        """Orders by when the deal was made, in a window of a day at most, of the last ninety days."""
        start, end = _window(given, "start_confirm_at", "end_confirm_at", DAY, "时间跨度不能超过24小时")
        if start < self.world.clock.now() - 90 * DAY:
            raise business("只能查询90天以内的订单")
        kept = self._filtered(given, lambda record: start <= record["created"] <= end, lucky="1")
        kept.sort(key=lambda order: (order["confirm_time"], order["order_sn"]), reverse=True)
        if not full:
            kept = [{name: value for name, value in order.items() if name not in PERSONAL} for order in kept]
        return _paged(kept, given, "order_list")

    def _changed(self, given: dict[str, str]) -> Record:
        """Orders by when they changed, newest change first."""
        start, end = self._increment(given)
        kept = self._filtered(given, lambda record: start <= record["modified"] <= end, lucky=None)
        kept.sort(key=lambda order: (order["updated_at"], order["order_sn"]), reverse=True)
        return _paged(kept, given, "order_sn_list")

    def _increment(self, given: dict[str, str]) -> tuple[int, int]:
        start, end = _window(given, "start_updated_at", "end_updated_at", 30 * MINUTE, "时间跨度不能超过30分钟")
        if end > self.world.clock.now() - LAG:
            raise business("结束时间不能晚于当前时间3分钟前")
        return start, end

    def _filtered(self, given: dict[str, str], inside: Callable[[Record], bool], lucky: str | None) -> list[Record]:
        status, refund = _choice(given, "order_status", "1235"), _choice(given, "refund_status", "12345")
        flag = _choice(given, "is_lucky_flag", "012", lucky)
        trade = given.get("trade_type")
        orders = (self._order(record) for record in self.world.records["orders"].values() if inside(record))
        return [
            order
            for order in orders
            if status in ("5", str(order["order_status"]))
            and refund in ("5", str(order["refund_status"]))
            and flag in ("0", str(order["is_lucky_flag"]))
            and trade in (None, str(order["trade_type"]))
        ]

    def _order_alone(self, given: dict[str, str]) -> Record:
        record = self.world.records["orders"].get(_asked(given, "order_sn"))
        if record is None:
            raise business("订单不存在")
        return {"order_info": self._order(record)}

    def _order(self, record: Record) -> Record:
        """An order as it is served. With every change the seller takes one 分 more off."""
        stage, off = record["stage"] + record["version"] - 1, record["version"] - 1
        total = sum(line["price"] * line["num"] for line in record["lines"])
        seller, platform = record["seller"] + off, record["platform"]
        status = min(stage, 2) + 1
        waiting = status == 1
        province, city, town = record["place"]
        return {
            "order_sn": record["id"],
            "order_status": status,
            "refund_status": 4 if record["returned"] and status == 3 else 2 if record["returned"] else 1,
            "after_sales_status": 10 if record["returned"] and status == 3 else 2 if record["returned"] else 0,
            "confirm_status": 1,
            "group_status": 1,
            "risk_control_status": 0,
            "is_lucky_flag": record["lucky"],
            "is_pre_sale": 0,
            "trade_type": record["trade_type"],
            "mkt_biz_type": 0,
            "created_time": written(record["created"] - 27),
            "pay_time": written(record["created"]),
            "confirm_time": written(record["created"]),
            "shipping_time": "" if waiting else written(record["modified"]),
            "receive_time": written(record["modified"]) if status == 3 else "",
            "updated_at": written(record["modified"]),
            "last_ship_time": written(record["created"] + 2 * DAY),
            "goods_amount": total / 100,
            "discount_amount": (seller + platform) / 100,
            "seller_discount": seller / 100,
            "platform_discount": platform / 100,
            "capital_free_discount": 0.0,
            "order_change_amount": 0.0,
            "postage": record["post"] / 100,
            "pay_amount": (total - seller - platform + record["post"]) / 100,
            "pay_type": record["pay"],
            "pay_no": "",
            "province": province,
            "city": city,
            "town": town,
            "receiver_name": "~AgAAAfictive~1~" if waiting else "",
            "receiver_phone": "",
            "tracking_number": "" if waiting else f"77{int(record['id'][-11:]):011d}",
            "logistics_id": 0 if waiting else 85,
            "remark": "",
            "item_list": [self._line(line) for line in record["lines"]],
        }

    def _line(self, line: Record) -> Record:
        code, title, price = goods(line["goods"])
        return {
            "goods_id": goods_id(line["goods"]),
            "sku_id": sku_id(line["goods"], line["spec"]),
            "outer_goods_id": code,
            "outer_id": f"{code}-{SPECS[line['spec']]}",
            "goods_name": title,
            "goods_spec": SPECS[line["spec"]],
            "goods_price": price / 100,
            "goods_count": line["num"],
            "goods_img": f"https://img.example.com/{code}.jpg",
        }

    def _order_made(self, random: Random, index: int) -> Record:
        chosen = random.sample(range(40), random.choices((1, 2, 3, 4), (80, 12, 5, 3))[0])
        lines = [
            {"goods": one, "spec": random.randrange(3), "price": goods(one)[2], "num": random.randint(1, 3)}
            for one in chosen
        ]
        total = sum(line["price"] * line["num"] for line in lines)
        day = written(self.world.clock.now())[2:10].replace("-", "")
        return {
            "id": f"{day}-{19_946_865_565_082 + index * 13:015d}",
            "lines": lines,
            "seller": min(random.choice((0, 300, 1000)), total // 3),
            "platform": min(random.choice((0, 0, 500)), total // 4),
            "post": random.choice((0, 0, 0, 600)),
            "stage": random.randrange(3),
            "lucky": 2 if index % 11 == 5 else 1,
            "trade_type": 1 if index % 17 == 8 else 0,
            "returned": index % 6 == 4,
            "pay": random.choice(("WEIXIN", "ALIPAY", "QQ")),
            "place": random.choice(PLACES),
        }

    # --- refunds ------------------------------------------------------------------------------------------------

    def _refunds(self, given: dict[str, str]) -> Record:
        """After-sales by when they changed, newest change first; `after_sales_status` and `after_sales_type` 1 mean all."""
        start, end = self._increment(given)
        status, kind = _asked(given, "after_sales_status"), _choice(given, "after_sales_type", "123456")
        if status not in {"1", *map(str, AFTERSALES)}:
            raise business("after_sales_status参数错误")
        told = (
            self._refund(record)
            for record in self.world.records["refunds"].values()
            if start <= record["modified"] <= end
        )
        kept = [
            one
            for one in told
            if status in ("1", str(one["after_sales_status"])) and kind in ("1", str(one["after_sales_type"]))
        ]
        kept.sort(key=lambda one: (one["updated_time"], one["id"]), reverse=True)
        return _paged(kept, given, "refund_list")

    def _refund(self, record: Record) -> Record:
        """An after-sale as it is served; one step on with every change, and every change is one 分 less."""
        flow = (3, 7, 10) if record["type"] == 3 else (14, 16) if record["type"] == 4 else (2, 4, 10)
        stage = record["stage"] + record["version"] - 1
        line = record["line"]
        code, title, price = goods(line["goods"])
        return {
            "id": int(record["id"]),
            "order_sn": record["order"],
            "after_sales_type": record["type"],
            "after_sales_status": flow[min(stage, len(flow) - 1)],
            "after_sale_reason": record["reason"],
            "confirm_time": written(record["confirmed"]),
            "created_time": written(record["created"]),
            "updated_time": written(record["modified"]),
            "order_amount": f"{record['total'] / 100:.2f}",
            "refund_amount": f"{max(0, record['sum'] - record['version'] + 1) / 100:.2f}",
            "discount_amount": "0.00",
            "goods_id": goods_id(line["goods"]),
            "goods_name": title,
            "goods_number": str(line["num"]),
            "goods_price": f"{price / 100:.2f}",
            "good_image": f"https://img.example.com/{code}.jpg",
            "sku_id": str(sku_id(line["goods"], line["spec"])),
            "outer_goods_id": code,
            "outer_id": f"{code}-{SPECS[line['spec']]}",
            "dispute_refund_status": 0,
            "speed_refund_flag": 0,
            "tracking_number": "",
            "user_shipping_status": "1" if record["type"] == 3 else "0",
        }

    def _refund_made(self, random: Random, index: int) -> Record:
        orders = list(self.world.records["orders"].values())
        order = ([one for one in orders if one["returned"]] or orders)[
            index % max(1, sum(one["returned"] for one in orders))
        ]
        line = order["lines"][0]
        whole = sum(one["price"] * one["num"] for one in order["lines"])
        total = line["price"] * line["num"] * (whole - order["seller"] - order["platform"]) // whole
        kind = random.choices((2, 3, 4), (55, 40, 5))[0]
        return {
            "id": str(3_018_512_990_001 + index * 4),
            "order": order["id"],
            "confirmed": order["created"],
            "line": dict(line),
            "total": total,
            "sum": 0 if kind == 4 else random.choice((total - SPARE, total * 9 // 10)),
            "type": kind,
            "stage": random.randrange(3),
            "reason": random.choice(("不想要了", "货物与描述不符", "质量问题", "缺货", "物流太慢")),
        }

    # --- goods --------------------------------------------------------------------------------------------------

    def _goods(self, given: dict[str, str]) -> Record:
        """Goods with the stock of their SKUs, newest first."""
        onsale, name, outer = given.get("is_onsale"), given.get("goods_name", ""), given.get("outer_goods_id")
        kept = [
            one
            for one in map(self._item, self.world.records["items"].values())
            if onsale in (None, str(one["is_onsale"]))
            and name in one["goods_name"]
            and outer in (None, one["sku_list"][0]["outer_goods_id"])
        ]
        kept.sort(key=lambda one: (one["created_at"], one["goods_id"]), reverse=True)
        return {name: value for name, value in _paged(kept, given, "goods_list").items() if name != "has_next"}

    def _goods_alone(self, given: dict[str, str]) -> Record:
        record = self.world.records["items"].get(_asked(given, "goods_id"))
        if record is None:
            raise business("商品不存在")
        return self._item_in_full(record)

    def _item(self, record: Record) -> Record:
        code, title, _ = goods(record["goods"])
        stocks = [stock + (record["version"] - 1 if place == 0 else 0) for place, stock in enumerate(record["stock"])]
        return {
            "goods_id": int(record["id"]),
            "goods_name": title,
            "created_at": int(record["created"]),
            "is_onsale": record["onsale"],
            "is_more_sku": 1,
            "goods_quantity": sum(stocks),
            "goods_reserve_quantity": record["version"] - 1,
            "image_url": f"https://img.example.com/{code}.jpg",
            "thumb_url": f"https://img.example.com/{code}_thumb.jpg",
            "sku_list": [
                {
                    "sku_id": sku_id(record["goods"], place),
                    "spec": SPECS[place],
                    "sku_quantity": stock,
                    "reserve_quantity": 0,
                    "outer_id": f"{code}-{SPECS[place]}",
                    "outer_goods_id": code,
                    "is_sku_onsale": record["onsale"],
                }
                for place, stock in enumerate(stocks)
            ],
        }

    def _item_in_full(self, record: Record) -> Record:
        """Goods with prices, in 分."""
        code, _, price = goods(record["goods"])
        told = self._item(record)
        skus = [
            {
                **sku,
                "quantity": sku["sku_quantity"],
                "multi_price": price,
                "price": price * 12 // 10,
                "out_sku_sn": sku["outer_id"],
                "status": 1,
            }
            for sku in told["sku_list"]
        ]
        status = 1 if record["onsale"] else 2
        return {
            **told,
            "outer_goods_id": code,
            "market_price": price * 2,
            "cat_id": 20_000 + record["goods"] % 9,
            "status": status,
            "sku_list": skus,
        }

    def _goods_made(self, random: Random, index: int) -> Record:
        onsale = 1 if random.random() < 0.85 else 0
        return {
            "id": str(goods_id(index)),
            "goods": index,
            "onsale": onsale,
            "stock": [random.randrange(900) for _ in SPECS],
        }


# --- goods --------------------------------------------------------------------------------------------------------

PERSONAL = ("receiver_name", "receiver_phone", "province", "city", "town", "tracking_number", "remark", "pay_no")
"""What pdd.order.basic.list.get leaves out."""


def goods(index: int) -> tuple[str, str, int]:
    """Code, title and price in 分 of the goods with that number."""
    return (
        f"PS-{4001 + index}",
        f"{TITLES[index % len(TITLES)]} 第{index // len(TITLES) + 1}批",
        890 + index * 331 % 15_000,
    )


def goods_id(index: int) -> int:
    return 612_345_678_901 + index * 9


def sku_id(index: int, place: int) -> int:
    return 1_234_567_890_123 + index * 10 + place


# --- parameters ---------------------------------------------------------------------------------------------------


def _throttled() -> Refusal:
    return Refusal(70031, "调用过于频繁，请调整调用频率", "70031")


def _body(request: Request) -> dict[str, str]:
    """The fields of a body, a form or a JSON object; what is no text in JSON is taken as its JSON text."""
    text = request.body.decode("utf-8", "replace")
    if "json" not in (header_of(request, "content-type") or ""):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        told = json.loads(text or "{}")
    except ValueError:
        raise public("请求体不是合法的JSON") from None
    if not isinstance(told, dict):
        raise public("请求体不是合法的JSON")
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in told.items()
    }


def _asked(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise business(f"{name}不能为空")
    return given[name]


def _choice(given: dict[str, str], name: str, allowed: str, default: str | None = None) -> str:
    """One of the one-digit values that a parameter may have."""
    told = _asked(given, name) if default is None else given.get(name, default)
    if len(told) != 1 or told not in allowed:
        raise business(f"{name}参数错误")
    return told


def _whole(given: dict[str, str], name: str, default: int | None = None) -> int:
    told = _asked(given, name) if default is None else given.get(name, str(default))
    if not told.isascii() or not told.isdigit() or int(told) > 10**11:
        raise business(f"{name}参数错误")
    return int(told)


def _window(given: dict[str, str], first: str, last: str, longest: int, why: str) -> tuple[int, int]:
    """From and to, both inclusive."""
    start, end = _whole(given, first), _whole(given, last)
    if start > end:
        raise business("开始时间不能大于结束时间")
    if end - start > longest:
        raise business(why)
    return start, end


def _paged(rows: list[Record], given: dict[str, str], name: str) -> Record:
    """One page of rows; with `use_has_next` whether there is more and no total."""
    page, size = _whole(given, "page", 1), _whole(given, "page_size", 100)
    if page < 1:
        raise business("page参数错误")
    if not 1 <= size <= 100:
        raise business("page_size取值范围为1-100")
    shown = rows[(page - 1) * size : page * size]
    if given.get("use_has_next") == "true":
        return {"has_next": page * size < len(rows), name: shown}
    return {"total_count": len(rows), "has_next": page * size < len(rows), name: shown}
