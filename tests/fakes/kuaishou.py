"""A simulated Kuaishou store (快手小店): signed GET queries, cursors that end in `nomore`, refresh tokens that rotate.

The numbers of public errors are not documented in one place; those below keep the documented shape of the body
(`result`, `error_msg`, and `code`, `msg`, `subCode`, `subMsg` where a call's own check failed).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
from typing import Any

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, form_of, path_of, query_of

DAY = 86_400
SYSTEM = ("appkey", "method", "version", "access_token", "timestamp", "signMethod", "sign")
LADDER = (10, 30, 40, 50, 70)  # 待付款 已付款 已发货 已签收 交易成功
VIEWS = {2: (10,), 3: (30,), 4: (40,), 5: (50,), 6: (70,), 7: (80,)}  # orderViewStatus; 1 is everything
REFUND_LADDER = (10, 22, 50, 60)  # 仅退款申请 平台确认 退款执行中 退款成功
TITLES = ("纯棉圆领短袖T恤", "高腰直筒牛仔裤", "保湿修护面霜 50g", "手工红糖馒头 12只", "儿童恐龙拼图")
COLOURS = ("白色 M", "黑色 L", "藏青 XL")


class _Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, result: int, message: str, sub: str = "") -> None:
        self.body: Record = {"result": result, "error_msg": message}
        if sub:
            self.body |= {"code": "807000", "msg": "业务处理失败", "subCode": str(result), "subMsg": sub}
        super().__init__(message)


def signature(params: dict[str, str], sign_secret: str, how: str = "MD5") -> str:
    """The signature of everything but `sign`: `k=v` by name joined with `&`, the third secret named last.

    MD5 gives lower-case hex, HMAC_SHA256 (keyed with the same secret) Base64.
    """
    pairs = [f"{name}={params[name]}" for name in sorted(params) if name != "sign"]
    text = "&".join([*pairs, f"signSecret={sign_secret}"]).encode()
    if how == "MD5":
        return hashlib.md5(text).hexdigest()
    return base64.b64encode(hmac.new(sign_secret.encode(), text, hashlib.sha256).digest()).decode()


# --- records -----------------------------------------------------------------------------------------------------


def _item(n: int) -> Record:
    """What the n-th item is, for itself and for the orders that name it; money in 分."""
    price = 1990 + 710 * (n % 23)
    return {"item": 20_001_234_567_000 + n, "sku": 20_009_876_543_000 + n, "title": TITLES[n % 5], "price": price}


def make_order(luck: random.Random, n: int) -> Record:
    """An order; on this platform each holds one kind of goods, carts are split."""
    return {
        "id": 2_527_000_123_456_000 + 37 * n,
        "item": luck.randrange(30),
        "count": luck.randint(1, 4),
        "off": luck.choice((0, 300, 500, 1000)),
        "express": luck.choice((0, 0, 600)),
        "step": luck.choice((0, 1, 1, 2, 3)),
        "closed": luck.random() < 0.08,
        "buyer": luck.randrange(10_000),
        "distributor": luck.choice((0, 0, 1_770_001)),
        "place": luck.choice(
            (("浙江省", "杭州市", "余杭区"), ("广东省", "广州市", "天河区"), ("北京", "北京市", "海淀区"))
        ),
    }


def make_refund(luck: random.Random, n: int) -> Record:
    """A refund of every third order; one in seven is an exchange, which moves no money."""
    return {
        "id": 2_527_900_000_000_000 + 11 * n,
        "order": 2_527_000_123_456_000 + 37 * 3 * n,
        "way": 3 if n % 7 == 6 else luck.choice((1, 10)),
        "fee": 100 * luck.randint(5, 90),
        "step": luck.randrange(3),
        "item": luck.randrange(30),
    }


def make_item(luck: random.Random, n: int) -> Record:
    """An item with two SKUs."""
    return {"id": _item(n)["item"], "n": n, "stock": luck.randint(0, 500), "sold": luck.randint(0, 9000)}


def _step(ladder: tuple[int, ...], record: Record) -> int:
    return ladder[min(record["step"] + record["version"] - 1, len(ladder) - 1)]


def _ms(time: float) -> int:
    return int(time) * 1000


def order_form(record: Record) -> Record:
    """An order as the platform writes it; every later version costs a 分 less, and has come further."""
    what, version = _item(record["item"]), record["version"]
    status = 80 if record["closed"] else _step(LADDER, record)
    goods, off = what["price"] * record["count"], record["off"] + version - 1
    paid = 0 if status == 10 else _ms(record["created"] + 27)
    return {
        "orderBaseInfo": {
            "oid": record["id"],
            "status": status,
            "createTime": _ms(record["created"]),
            "updateTime": _ms(record["modified"]),
            "payTime": paid,
            "sendTime": _ms(record["modified"]) if status in (40, 50, 70) else 0,
            "recvTime": _ms(record["modified"]) if status in (50, 70) else 0,
            "refundTime": 0,
            "totalFee": goods - off + record["express"],
            "discountFee": off,
            "expressFee": record["express"],
            "payType": 1 if paid else 0,
            "channel": "KWAI_LIVE",
            "cpsType": 1 if record["distributor"] else 0,
            "preSale": 0,
            "sellerOpenId": "f18c2d0b7e",
            "sellerNick": "示例旗舰店",
            "buyerOpenId": f"f19{record['buyer']:07d}",
            "buyerNick": "快**手",
            "remark": "",
        },
        "orderItemInfo": {
            "orderItemId": record["id"] + 1,
            "itemId": what["item"],
            "skuId": what["sku"],
            "relItemId": 0,
            "relSkuId": 0,
            "itemTitle": what["title"],
            "skuDesc": COLOURS[record["item"] % 3],
            "skuNick": f"KS-{record['item']:04d}",
            "goodsCode": f"G{record['item']:04d}",
            "num": record["count"],
            "price": what["price"],
            "originalPrice": what["price"],
            "discountFee": off,
            "itemType": 1,
        },
        "orderCpsInfo": {
            "distributorId": record["distributor"],
            "distributorName": "达人" if record["distributor"] else "",
        },
        "orderAddress": dict(zip(("province", "city", "district"), record["place"], strict=True)),
        "orderRefundList": [],
    }


def refund_form(record: Record) -> Record:
    """A refund as the platform writes it."""
    what = _item(record["item"])
    status = _step(REFUND_LADDER, record)
    return {
        "refundId": record["id"],
        "oid": record["order"],
        "status": status,
        "handlingWay": record["way"],
        "refundType": 1,
        "refundFee": 0 if record["way"] == 3 else record["fee"] + record["version"] - 1,
        "refundReason": 12,
        "refundReasonDesc": "不想要了/拍多了",
        "refundDesc": "",
        "itemId": what["item"],
        "skuId": what["sku"],
        "skuNick": f"KS-{record['item']:04d}",
        "sellerId": 1_390_200_300,
        "negotiateStatus": 2 if status in (50, 60) else 1,
        "submitTime": _ms(record["created"]),
        "createTime": _ms(record["created"]),
        "updateTime": _ms(record["modified"]),
        "endTime": _ms(record["modified"]) if status == 60 else 0,
        "expireTime": _ms(record["created"] + 2 * DAY),
    }


def item_form(record: Record) -> Record:
    """An item as the platform writes it; each version has sold one more."""
    what, more = _item(record["n"]), record["version"] - 1
    sku = {
        "kwaiSkuId": what["sku"],
        "relSkuId": 0,
        "skuSalePrice": what["price"],
        "specification": COLOURS[record["n"] % 3],
    }
    return {
        "kwaiItemId": record["id"],
        "relItemId": 0,
        "title": what["title"],
        "categoryId": 1000 + record["n"] % 5,
        "categoryName": "女装",
        "price": what["price"],
        "volume": record["sold"] + more,
        "onOfflineStatus": 1,
        "status": 1,
        "createTime": _ms(record["created"]),
        "updateTime": _ms(record["modified"]),
        "skuInfos": [{**sku, "skuStock": max(0, record["stock"] - more), "skuNick": f"KS-{record['n']:04d}"}],
    }


# --- the platform ------------------------------------------------------------------------------------------------


class Kuaishou:
    """Kuaishou's gateway. `with:` of a source is `settings()`: app_key, app_secret, sign_secret, access_token,
    refresh_token, `url` (the gateway; a method's dots become slashes behind it) and `token_url`.

    Orders and refunds are paged by a cursor that holds the place (time, id) of the last row, so nothing slips; items are
    paged by number, the newest first, and slip when one is added. Both ends of a time window belong to it.
    """

    name = "kuaishou"
    streams = {  # noqa: RUF012
        "orders": "orderBaseInfo.oid",
        "refunds": "refundId",
        "items": "kwaiItemId",
    }
    makers = {"orders": make_order, "refunds": make_refund, "items": make_item}  # noqa: RUF012

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret, self.sign_secret = (
            "ks700000000000000001",
            "ksAppSecret0001",
            "ksSignSecret0123456789",
        )
        self.token_seconds = 172_800.0
        self.tolerance = 600.0
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[str | int] = []
        self._lock = threading.RLock()
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._used: dict[int, int] = {}
        self._issued = 0
        self._since = world.clock.now()
        self._refresh_until: dict[str, float] = {}
        self._granted_at: dict[str, float] = {}
        self._issue(self._since + 180 * DAY)
        for kind, make in self.makers.items():
            world.makers.setdefault(kind, make)

    def fill(self, orders: int = 120, days: float = 20) -> None:
        """Give the shop that many orders of the last days, and refunds and items in proportion."""
        now = self.world.clock.now()
        for kind, share in (("orders", 1.0), ("refunds", 1 / 3), ("items", 1 / 4)):
            self.world.fill(kind, self.makers[kind], int(orders * share), now - days * DAY, now - 600)

    def settings(self) -> dict[str, Any]:
        return {
            "app_key": self.app_key,
            "app_secret": self.app_secret,
            "sign_secret": self.sign_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": f"{self.base}{self.prefix}",
            "token_url": f"{self.base}{self.prefix}/oauth2/refresh_token",
        }

    def truth(self, stream: str) -> dict[str, Record]:
        form = {"orders": order_form, "refunds": refund_form, "items": item_form}[stream]
        with self._lock:
            return {key: form(record) for key, record in self.world.records.get(stream, {}).items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or answer(self._answered(request))
            except _Refused as refused:
                return answer(refused.body)

    def _planned(self) -> Response | None:
        trouble = self.faults.pop(0) if self.faults else None
        if trouble == "timeout":
            raise TryAgain("timed out")
        if trouble == "busy":
            raise _Refused(10, "系统繁忙，请稍后重试")
        if trouble == "ban":
            raise _Refused(31, "调用频率超过限制")
        if isinstance(trouble, int):
            told = (("retry-after", "1"),) if trouble == 429 else ()
            return Response(trouble, (("content-type", "text/plain"), *told), b"unavailable")
        return None

    def _answered(self, request: Request) -> Record:
        path = path_of(request).removeprefix(self.prefix)
        if path == "/oauth2/refresh_token":
            return self._refreshed(request)
        calls = {
            "/open/order/cursor/list": self._orders,
            "/open/seller/order/refund/pcursor/list": self._refunds,
            "/open/item/list/get": self._items,
        }
        if path not in calls:
            raise _Refused(20, "请求的 API 不存在")
        if request.method != "GET":
            raise _Refused(23, "请求方式不支持")
        params = query_of(request)
        self._check(params, path)
        return {"result": 1, "error_msg": "SUCCESS", "data": calls[path](_business(params))}

    # --- who may call ---------------------------------------------------------------------------------------------

    def _check(self, params: dict[str, str], path: str) -> None:
        """System parameters, time, signature, token, and how often."""
        missing = [name for name in SYSTEM if not params.get(name)]
        if missing:
            raise _Refused(21, f"缺少系统参数 {missing[0]}")
        if "/" + params["method"].replace(".", "/") != path or params["version"] != "1":
            raise _Refused(20, "请求的 API 不存在")
        if params["appkey"] != self.app_key:
            raise _Refused(22, "appkey 无效")
        if (
            not params["timestamp"].isdigit()
            or abs(int(params["timestamp"]) / 1000 - self.world.clock.now()) > self.tolerance
        ):
            raise _Refused(25, "timestamp 无效或已过期")
        how = params["signMethod"]
        if how not in ("MD5", "HMAC_SHA256"):
            raise _Refused(26, "signMethod 无效")
        if not hmac.compare_digest(signature(params, self.sign_secret, how), params["sign"]):
            raise _Refused(27, "签名验证失败")
        granted = self._granted_at.get(params["access_token"])
        if granted is None:
            raise _Refused(24, "access_token 无效")
        if self.world.clock.now() >= granted + self.token_seconds:
            raise _Refused(28, "access_token 已过期")
        self._count(params["method"])

    def _count(self, method: str) -> None:
        day = int((self.world.clock.now() + 8 * 3600) // DAY)
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(32, "当日调用次数超过限制")
        if self.rate and self._buckets.setdefault((method, self.rate), Bucket(self.world.clock, *self.rate)).over():
            raise _Refused(31, "调用频率超过限制")

    def _issue(self, until: float) -> None:
        """A new pair of tokens; the refresh token inherits the end of the authorisation."""
        self._issued += 1
        self.access_token, self.refresh_token = f"ksAccess{self._issued:04d}", f"ksRefresh{self._issued:04d}"
        self._granted_at[self.access_token] = self.world.clock.now()
        self._refresh_until[self.refresh_token] = until

    def _refreshed(self, request: Request) -> Record:
        if request.method != "POST":
            raise _Refused(100200100, "请求方式错误")
        form, now = form_of(request), self.world.clock.now()
        if form.get("grant_type") != "refresh_token":
            raise _Refused(100200101, "grant_type 错误")
        if (form.get("app_id"), form.get("app_secret")) != (self.app_key, self.app_secret):
            raise _Refused(100200102, "app_id 或 app_secret 错误")
        old = form.get("refresh_token", "")
        until = self._refresh_until.get(old, 0.0)
        if now >= until:
            raise _Refused(100200107, "refresh_token 无效或已过期")
        whole = self._since + 180 * DAY
        self._refresh_until[old] = min(until, now + 300)
        self._issue(whole)
        return {
            "result": 1,
            "access_token": self.access_token,
            "expires_in": int(self.token_seconds),
            "refresh_token": self.refresh_token,
            "refresh_token_expires_in": int(whole - now),
            "open_id": "f18c2d0b7e",
            "token_type": "bearer",
            "scopes": ["merchant_order", "merchant_refund", "merchant_item"],
        }

    # --- what may be asked ----------------------------------------------------------------------------------------

    def _orders(self, asked: Record) -> Record:
        view, size = _number(asked, "orderViewStatus"), _number(asked, "pageSize")
        if view not in range(1, 8):
            raise _Refused(2001, "参数错误", "orderViewStatus无效")
        rows = self._window(asked, "orders", 7 * DAY)
        if asked.get("queryType", 1) == 2:
            rows = [row for row in rows if row["created"] >= self.world.clock.now() - 240 * DAY]
        shown = [row for row in rows if view == 1 or order_form(row)["orderBaseInfo"]["status"] in VIEWS[view]]
        page, cursor = self._from_cursor(asked, "cursor", shown, size, 50)
        told = {"pageSize": size, "beginTime": asked["beginTime"], "endTime": asked["endTime"]}
        return {"cursor": cursor, **told, "orderList": [order_form(row) for row in page]}

    def _refunds(self, asked: Record) -> Record:
        kind, size, number = _number(asked, "type"), _number(asked, "pageSize"), _number(asked, "currentPage")
        if kind not in (8, 9) or number < 1:
            raise _Refused(2001, "参数错误", "type无效" if number > 0 else "currentPage无效")
        rows = self._window(asked, "refunds", DAY)
        rows = [row for row in rows if kind == 9 or _step(REFUND_LADDER, row) != 60]
        page, cursor = self._from_cursor(asked, "pcursor", rows, size, 100)
        whole = len(rows) if not asked["pcursor"].strip() else 0  # totals are told on the first page alone
        return {
            "currentPage": number,
            "pageSize": size,
            "totalPage": -(-whole // size),
            "totalSize": whole,
            "beginTime": asked["beginTime"],
            "endTime": asked["endTime"],
            "pcursor": cursor,
            "refundOrderInfoList": [refund_form(row) for row in page],
        }

    def _items(self, asked: Record) -> Record:
        number, size = _number(asked, "pageNumber"), _number(asked, "pageSize")
        if number < 1 or not 10 <= size <= 100:
            raise _Refused(2001, "参数错误", "pageSize无效" if number > 0 else "pageNumber无效")
        there = list(self.world.records.get("items", {}).values())
        rows = sorted(there, key=lambda row: (-row["created"], -row["id"]))
        page = rows[(number - 1) * size : number * size]
        return {
            "currentPageNumber": number,
            "pageSize": size,
            "totalItemCount": len(rows),
            "totalPage": -(-len(rows) // size),
            "items": [item_form(row) for row in page],
        }

    def _window(self, asked: Record, kind: str, widest: float) -> list[Record]:
        """The rows of a window of milliseconds, the newest first unless `sort` is 2; both ends belong to it."""
        begin, end = _number(asked, "beginTime") / 1000, _number(asked, "endTime") / 1000
        how = asked.get("queryType", 1)
        if how not in (1, 2):
            raise _Refused(2001, "参数错误", "queryType无效")
        if begin < self.world.clock.now() - 90 * DAY:
            raise _Refused(2001, "参数错误", "beginTime无效")
        if end <= begin or end - begin > widest:
            raise _Refused(2001, "参数错误", "endTime无效")
        field = "created" if how == 1 else "modified"
        rows = [row for row in self.world.records.get(kind, {}).values() if begin <= row[field] <= end]
        return sorted(rows, key=lambda row: (row[field], row["id"]), reverse=asked.get("sort", 1) != 2)

    def _from_cursor(
        self, asked: Record, name: str, rows: list[Record], size: int, most: int
    ) -> tuple[list[Record], str]:
        """The page behind a cursor, and the next cursor; a cursor serves only the question it was given for."""
        if not 1 <= size <= most:
            raise _Refused(2001, "参数错误", "pageSize无效")
        if not isinstance(asked.get(name), str):
            raise _Refused(2001, "参数错误", f"{name}无效")
        same = {key: value for key, value in asked.items() if key not in (name, "currentPage")}
        question = hashlib.md5(json.dumps(same, sort_keys=True).encode()).hexdigest()[:12]
        field, down = ("created" if asked.get("queryType", 1) == 1 else "modified"), asked.get("sort", 1) != 2
        if asked[name].strip():
            try:
                meant, time, key = json.loads(base64.urlsafe_b64decode(asked[name].encode()))
            except (ValueError, TypeError):
                meant = time = key = None
            if meant != question:
                raise _Refused(2001, "参数错误", f"{name}无效")
            place = (time, key)
            rows = [
                row for row in rows if (row[field], row["id"]) != place and ((row[field], row["id"]) < place) == down
            ]
        page = rows[:size]
        if len(rows) <= size:
            return page, "nomore"
        last = [question, page[-1][field], page[-1]["id"]]
        return page, base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def _business(params: dict[str, str]) -> Record:
    """The one JSON text that holds a call's own parameters."""
    try:
        asked = json.loads(params.get("param", "{}"))
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _Refused(2001, "参数错误", "param不是合法的JSON")
    return asked


def _number(asked: Record, name: str) -> int:
    """A whole number among a call's parameters; text of digits is taken too, as the platform does."""
    value = asked.get(name)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Refused(2001, "参数错误", f"{name}无效")
    return value
