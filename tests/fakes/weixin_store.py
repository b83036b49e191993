"""A simulated WeChat store (微信小店): no signatures, a token in the query, lists of ids and a detail call for each.

The token comes from the stable interface: it is the same until it is about to end, and a forced one kills the former.
Money is in 分, times are in seconds, ids are text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
from collections.abc import Callable
from typing import Any

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, path_of, query_of

DAY = 86_400
LADDER = (10, 20, 21, 30, 100)  # 待付款 待发货 部分发货 待收货 完成
RETURN_LADDER = ("USER_WAIT_RETURN", "MERCHANT_WAIT_RECEIPT", "MERCHANT_REFUNDING")
RETURNED = {
    "REFUND": "MERCHANT_REFUND_SUCCESS",
    "RETURN": "MERCHANT_RETURN_SUCCESS",
    "EXCHANGE": "MERCHANT_EXCHANGE_SUCCESS",
}
STATUSES = (10, 12, 13, 20, 21, 30, 100, 250)
TITLES = ("桂花乌龙茶 250g", "男士速干运动短裤", "真皮通勤托特包", "婴儿柔湿巾 80抽", "不锈钢保温杯")
BASICS, TOKEN = "/channels/ec/basics/info/get", "/cgi-bin/stable_token"


class _Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, code: int, message: str) -> None:
        self.body: Record = {"errcode": code, "errmsg": message}
        super().__init__(message)


# --- records -----------------------------------------------------------------------------------------------------


def make_order(luck: random.Random, n: int) -> Record:
    """An order of one to four lines; a few are tried before they are paid for, or won in a draw."""
    lines = []
    for at in range(luck.randint(1, 4)):
        goods, price = luck.randrange(40), 100 * luck.randint(9, 299)
        lines.append({"at": at, "goods": goods, "price": price, "count": luck.randint(1, 3)})
    return {
        "id": str(3_742_352_345_123_000_000 + 7919 * n),
        "lines": lines,
        "freight": luck.choice((0, 0, 1000)),
        "off": luck.choice((0, 0, 200, 500)),
        "step": luck.choice((0, 1, 1, 2, 3)),
        "cancelled": luck.random() < 0.08,
        "method": luck.choice((1, 1, 1, 1, 2, 3)),
        "buyer": luck.randrange(10_000),
        "place": luck.choice(
            (("江苏省", "南京市", "玄武区"), ("福建省", "厦门市", "思明区"), ("河南省", "郑州市", "金水区"))
        ),
    }


def make_refund(luck: random.Random, n: int) -> Record:
    """An after-sale of every third order; an exchange moves no money."""
    return {
        "id": str(2_000_000_700_123_000_000 + 131 * n),
        "order": str(3_742_352_345_123_000_000 + 7919 * 3 * n),
        "kind": luck.choice(("REFUND", "RETURN", "RETURN", "EXCHANGE")),
        "amount": luck.randint(900, 30_000),
        "step": luck.randrange(3),
        "goods": luck.randrange(40),
    }


def make_item(luck: random.Random, n: int) -> Record:
    """A product with one to three SKUs."""
    stocks = [luck.randint(0, 400) for _ in range(luck.randint(1, 3))]
    return {
        "id": str(10_000_000_000_001 + n),
        "n": n,
        "stocks": stocks,
        "sold": luck.randint(0, 5000),
        "on": luck.random() < 0.8,
    }


def make_shop(luck: random.Random, n: int) -> Record:
    """The shop itself; there is one."""
    return {"id": f"gh_{luck.randrange(16**12):012x}", "n": n}


def _line(line: Record) -> Record:
    goods = line["goods"]
    return {
        "product_id": str(10_000_000_000_001 + goods),
        "sku_id": str(1_000_000_001 + 10 * goods),
        "sku_code": f"WX-{goods:04d}",
        "title": f"{TITLES[goods % 5]} {goods:02d}号",
        "sku_cnt": line["count"],
        "sale_price": line["price"],
        "market_price": line["price"] + 1000,
        "real_price": line["price"] * line["count"],
        "on_aftersale_sku_cnt": 0,
        "finish_aftersale_sku_cnt": 0,
    }


def order_status(record: Record) -> int:
    return 250 if record["cancelled"] else LADDER[min(record["step"] + record["version"] - 1, len(LADDER) - 1)]


def order_form(record: Record) -> Record:
    """An order as its detail is served; every later version is discounted by a 分 more, and has come further.

    `pay_info.pay_time` is no payment where the method is 2 (先用后付), 3 (抽奖) or 4 (积分).
    """
    lines, status = [_line(line) for line in record["lines"]], order_status(record)
    goods, off = sum(line["real_price"] for line in lines), record["off"] + record["version"] - 1
    paid = 0 if record["method"] == 3 else goods - off + record["freight"]
    place = dict(zip(("province_name", "city_name", "county_name"), record["place"], strict=True))
    return {
        "order_id": record["id"],
        "status": status,
        "openid": f"oB{record['buyer']:026d}",
        "unionid": "",
        "create_time": int(record["created"]),
        "update_time": int(record["modified"]),
        "order_detail": {
            "product_infos": lines,
            "price_info": {
                "product_price": goods,
                "order_price": paid,
                "freight": record["freight"],
                "discounted_price": goods + record["freight"] - paid,
                "is_discounted": goods + record["freight"] != paid,
            },
            "pay_info": {
                "pay_time": 0 if status == 10 else int(record["created"]) + 27,
                "payment_method": record["method"],
                "transaction_id": "" if status == 10 else f"4200002{record['id']}",
            },
            "delivery_info": {
                "address_info": place,
                "ship_done_time": int(record["modified"]) if status in (30, 100) else 0,
                "delivery_product_info": [],
            },
            "ext_info": {"customer_notes": "", "merchant_notes": ""},
        },
        "aftersale_detail": {"on_aftersale_order_cnt": 0, "aftersale_order_list": []},
    }


def refund_form(record: Record) -> Record:
    """An after-sale as its detail is served."""
    step, kind = record["step"] + record["version"] - 1, record["kind"]
    amount = 0 if kind == "EXCHANGE" else record["amount"] + record["version"] - 1
    return {
        "after_sale_order_id": record["id"],
        "order_id": record["order"],
        "type": kind,
        "status": RETURN_LADDER[step] if step < len(RETURN_LADDER) else RETURNED[kind],
        "openid": f"oB{record['goods']:026d}",
        "product_info": {
            "product_id": str(10_000_000_000_001 + record["goods"]),
            "sku_id": str(1_000_000_001 + 10 * record["goods"]),
            "count": 1,
        },
        "refund_info": {"amount": amount, "refund_reason": 1},
        "reason": "INCORRECT_SELECTION",
        "reason_text": "拍错/多拍",
        "create_time": int(record["created"]),
        "update_time": int(record["modified"]),
    }


def item_form(record: Record) -> Record:
    """A product as its detail is served; every later version has sold one more of its first SKU."""
    more, price = record["version"] - 1, 1900 + 500 * (record["n"] % 17)
    skus = []
    for at, stock in enumerate(record["stocks"]):
        code = {"sku_id": str(1_000_000_001 + 10 * record["n"] + at), "sku_code": f"WX-{record['n']:04d}-{at}"}
        left = max(0, stock - more) if at == 0 else stock
        skus.append({**code, "sale_price": price + 100 * at, "stock_num": left, "status": 5})
    return {
        "product_id": record["id"],
        "out_product_id": f"WX-{record['n']:04d}",
        "title": f"{TITLES[record['n'] % 5]} {record['n']:02d}号",
        "status": 5 if record["on"] else 11,
        "edit_status": 4,
        "min_price": price,
        "cats": [{"cat_id": str(1421 + record["n"] % 5)}],
        "brand_id": "2100000000",
        "skus": skus,
        "total_sold_num": record["sold"] + more,
        "edit_time": int(record["modified"]),
    }


def shop_form(record: Record) -> Record:
    """The shop as its basics are served."""
    status = "open_finished" if record["version"] % 2 else "suspended"
    return {
        "username": record["id"],
        "nickname": "示例微信小店",
        "headimg_url": "",
        "subject_type": "企业",
        "status": status,
    }


FORMS: dict[str, Callable[[Record], Record]] = {
    "orders": order_form,
    "refunds": refund_form,
    "items": item_form,
    "shops": shop_form,
}


# --- the platform ------------------------------------------------------------------------------------------------


class WeixinStore:
    """The store's API. `with:` of a source is `settings()`: appid, secret, `url` (the origin) and `token_url`.

    Lists go upwards by the time they are asked by, and `next_key` holds the place of the last row, so nothing slips. A
    list may be followed only with the parameters it began with. Products stop by `total_num`: their key never ends.
    Without a place on the list of addresses (`ip_listed`) the answer is HTTP 403 and no body of the platform.
    """

    name = "weixin_store"
    streams = {  # noqa: RUF012
        "orders": "order_id",
        "refunds": "after_sale_order_id",
        "items": "product_id",
        "shops": "username",
    }
    makers = {"orders": make_order, "refunds": make_refund, "items": make_item, "shops": make_shop}  # noqa: RUF012

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.appid, self.secret = "wxTEST0000000001", "wxSecret0123456789abcdef01234567"
        self.token_seconds = 7200.0
        self.daily_quota: int | None = 500_000
        self.rate: tuple[int, float] | None = (10_000, 60.0)
        self.most_in_window: int | None = None
        self.ip_listed = True
        self.faults: list[str | int] = []
        self._lock = threading.RLock()
        self._buckets: dict[tuple[int, float], Bucket] = {}
        self._used: dict[int, int] = {}
        self._issued = 0
        self._token = ""
        self._ends_at: dict[str, float] = {}
        self._forced: list[float] = []
        for kind, make in self.makers.items():
            world.makers.setdefault(kind, make)

    def fill(self, orders: int = 120, days: float = 20) -> None:
        """Give the shop that many orders of the last days, and after-sales and products in proportion."""
        now = self.world.clock.now()
        for kind, share in (("orders", 1.0), ("refunds", 1 / 3), ("items", 1 / 4)):
            self.world.fill(kind, self.makers[kind], int(orders * share), now - days * DAY, now - 600)
        if not self.world.records.get("shops"):
            self.world.fill("shops", make_shop, 1, now - 400 * DAY, now - 300 * DAY)

    def settings(self) -> dict[str, Any]:
        origin = f"{self.base}{self.prefix}"
        return {"appid": self.appid, "secret": self.secret, "url": origin, "token_url": origin + TOKEN}

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            records = self.world.records.get(stream, {})
            if stream == "shops":
                records = dict(list(records.items())[:1])
            return {key: FORMS[stream](record) for key, record in records.items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            if not self.ip_listed:
                return Response(403, (("content-type", "text/html"),), b"<html><h1>403 Forbidden</h1></html>")
            try:
                return self._planned() or answer({"errcode": 0, "errmsg": "ok", **self._answered(request)})
            except _Refused as refused:
                return answer(refused.body)

    def _planned(self) -> Response | None:
        trouble = self.faults.pop(0) if self.faults else None
        if trouble == "timeout":
            raise TryAgain("timed out")
        if trouble == "busy":
            raise _Refused(-1, "system error")
        if trouble == "ban":
            raise _Refused(45011, "api minute-quota reach limit, must slower, retry next minute")
        if isinstance(trouble, int):
            told = (("retry-after", "1"),) if trouble == 429 else ()
            return Response(trouble, (("content-type", "text/plain"), *told), b"unavailable")
        return None

    def _answered(self, request: Request) -> Record:
        path = path_of(request).removeprefix(self.prefix)
        if path == TOKEN:
            return self._stable_token(_asked(request))
        calls = {
            "/channels/ec/order/list/get": self._orders,
            "/channels/ec/order/get": self._order,
            "/channels/ec/aftersale/getaftersalelist": self._refunds,
            "/channels/ec/aftersale/getaftersaleorder": self._refund,
            "/channels/ec/product/list/get": self._items,
            "/channels/ec/product/get": self._item,
        }
        if path not in calls and path != BASICS:
            raise _Refused(40066, "invalid url")
        self._check(query_of(request).get("access_token", ""))
        if path == BASICS:
            if request.method != "GET":
                raise _Refused(43001, "require GET method")
            return self._shop()
        return calls[path](_asked(request))

    # --- tokens, and how often ------------------------------------------------------------------------------------

    def _stable_token(self, asked: Record) -> Record:
        """The token there is, or a new one in its last five minutes; a forced one ends the former at once."""
        now = self.world.clock.now()
        if asked.get("grant_type") != "client_credential":
            raise _Refused(40002, "invalid grant_type")
        if asked.get("appid") != self.appid:
            raise _Refused(40013, "invalid appid")
        if asked.get("secret") != self.secret:
            raise _Refused(40125, "invalid appsecret")
        if asked.get("force_refresh") is True:
            self._forced = [time for time in self._forced if time > now - DAY]
            if len(self._forced) >= 20:
                raise _Refused(45009, "reach max api daily quota limit")
            if self._forced and now - self._forced[-1] < 30:
                raise _Refused(45011, "api minute-quota reach limit, must slower, retry next minute")
            self._forced.append(now)
            self._ends_at = dict.fromkeys(self._ends_at, 0.0)
        if self._ends_at.get(self._token, 0.0) - now < 300:
            self._issued += 1
            self._token = f"wxToken{self._issued:04d}"
            self._ends_at[self._token] = now + self.token_seconds
        return {"access_token": self._token, "expires_in": int(self._ends_at[self._token] - now)}

    def _check(self, token: str) -> None:
        if not token:
            raise _Refused(41001, "access_token missing")
        if token not in self._ends_at:
            raise _Refused(40001, "invalid credential, access_token is invalid or not latest")
        if self.world.clock.now() >= self._ends_at[token]:
            forced = self._ends_at[token] == 0.0
            raise (
                _Refused(40001, "invalid credential, access_token is invalid or not latest")
                if forced
                else _Refused(42001, "access_token expired")
            )
        day = int((self.world.clock.now() + 8 * 3600) // DAY)
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(45009, "reach max api daily quota limit")
        if self.rate and self._buckets.setdefault(self.rate, Bucket(self.world.clock, *self.rate)).over():
            raise _Refused(45011, "api minute-quota reach limit, must slower, retry next minute")

    # --- what may be asked ----------------------------------------------------------------------------------------

    def _orders(self, asked: Record) -> Record:
        _known(asked, "create_time_range", "update_time_range", "status", "openid", "page_size", "next_key")
        ranges = [name for name in ("create_time_range", "update_time_range") if isinstance(asked.get(name), dict)]
        if len(ranges) != 1:
            raise _Refused(40097, "invalid args: create_time_range or update_time_range")
        time = asked[ranges[0]]
        field = "created" if ranges[0] == "create_time_range" else "modified"
        rows = self._window("orders", field, time.get("start_time"), time.get("end_time"), 7 * DAY)
        if "status" in asked:
            if asked["status"] not in STATUSES:
                raise _Refused(40097, "invalid args: status")
            rows = [row for row in rows if order_status(row) == asked["status"]]
        if self.most_in_window is not None and len(rows) > self.most_in_window:
            raise _Refused(31042, "too many orders, please shorten the time range")
        page, more, key = _page(asked, rows, field, _size(asked, 100))
        return {"order_id_list": [row["id"] for row in page], "has_more": more, "next_key": key}

    def _refunds(self, asked: Record) -> Record:
        _known(asked, "begin_create_time", "end_create_time", "begin_update_time", "end_update_time", "next_key")
        by = [name for name in ("create", "update") if f"begin_{name}_time" in asked or f"end_{name}_time" in asked]
        if len(by) != 1:
            raise _Refused(40097, "invalid args: begin_create_time or begin_update_time")
        field = "created" if by[0] == "create" else "modified"
        begin, end = asked.get(f"begin_{by[0]}_time"), asked.get(f"end_{by[0]}_time")
        page, more, key = _page(asked, self._window("refunds", field, begin, end, DAY), field, 20)
        return {"after_sale_order_id_list": [row["id"] for row in page], "has_more": more, "next_key": key}

    def _items(self, asked: Record) -> Record:
        _known(asked, "status", "page_size", "next_key")
        rows = sorted(self.world.records.get("items", {}).values(), key=lambda row: (row["created"], row["id"]))
        if "status" in asked:
            rows = [row for row in rows if item_form(row)["status"] == asked["status"]]
        page, _, key = _page(asked, rows, "created", _size(asked, 30, 10))
        return {"product_ids": [row["id"] for row in page], "next_key": key, "total_num": len(rows)}

    def _order(self, asked: Record) -> Record:
        return {"order": order_form(self._one("orders", asked.get("order_id"), "order_id"))}

    def _refund(self, asked: Record) -> Record:
        record = self._one("refunds", asked.get("after_sale_order_id"), "after_sale_order_id")
        return {"after_sale_order": refund_form(record)}

    def _item(self, asked: Record) -> Record:
        return {"product": item_form(self._one("items", asked.get("product_id"), "product_id"))}

    def _shop(self) -> Record:
        records = list(self.world.records.get("shops", {}).values())
        if not records:
            raise _Refused(48001, "api unauthorized")
        return {"info": shop_form(records[0])}

    def _one(self, kind: str, key: Any, name: str) -> Record:
        record = self.world.records.get(kind, {}).get(key) if isinstance(key, str) else None
        if record is None:
            raise _Refused(40097, f"invalid args: {name}")
        return record

    def _window(self, kind: str, field: str, start: Any, end: Any, widest: float) -> list[Record]:
        """The rows of a window of seconds, upwards; both ends belong to it."""
        if not _is_time(start) or not _is_time(end) or end < start or end - start > widest:
            raise _Refused(40097, "invalid args: time range")
        rows = [row for row in self.world.records.get(kind, {}).values() if start <= row[field] <= end]
        return sorted(rows, key=lambda row: (row[field], row["id"]))


def _asked(request: Request) -> Record:
    if request.method != "POST":
        raise _Refused(43002, "require POST method")
    try:
        asked = json.loads(request.body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _Refused(47001, "data format error")
    return asked


def _known(asked: Record, *names: str) -> None:
    """Refuse a parameter that the call does not have."""
    for name in asked:
        if name not in names:
            raise _Refused(40097, f"invalid args: {name}")


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1e9 <= value <= 4e9


def _size(asked: Record, most: int, default: int | None = None) -> int:
    size = asked.get("page_size", default)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= most:
        raise _Refused(40097, "invalid args: page_size")
    return size


def _page(asked: Record, rows: list[Record], field: str, size: int) -> tuple[list[Record], bool, str]:
    """The rows behind a key, whether there are more, and the next key; a key serves only the question it was given for."""
    same = {name: value for name, value in asked.items() if name != "next_key"}
    question, key = hashlib.md5(json.dumps(same, sort_keys=True).encode()).hexdigest()[:12], asked.get("next_key", "")
    if key:
        try:
            meant, time, last = json.loads(base64.urlsafe_b64decode(str(key).encode()))
        except (ValueError, TypeError):
            raise _Refused(40097, "invalid args: next_key") from None
        if meant != question:
            raise _Refused(606006, "next_key does not match the other parameters")
        rows = [row for row in rows if (row[field], row["id"]) > (time, last)]
    page = rows[:size]
    if not page:
        return [], False, ""
    place = json.dumps([question, page[-1][field], page[-1]["id"]])
    return page, len(rows) > size, base64.urlsafe_b64encode(place.encode()).decode()
