"""Taobao / Tmall Open Platform (TOP): one gateway, one signature, and of the shop its trades, refunds, items, shipments.

What makes it hard to read, and is kept here:

* Lists of what changed are sorted by `modified` DESCENDING. A trade that is modified while its window is read moves to
  the front (or out of the window), and everything behind it slips: who pages forward misses rows, who pages backward does not.
* `type` unset means five types of trade only; trades of `eticket` or `tmall_i18n` are then silently absent.
* `items.inventory.get` serves one `banner` at a time; sold out and forbidden items need calls of their own.
* Lists are wrapped twice (`trades.trade`) unless `simplify=true`; where nothing matches, the list is not there at all.
* `format` unset means XML. HTTP is 200 whatever happens.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, path_of, query_of

BEIJING = timezone(timedelta(hours=8))
DAY = 86400
SPARE = 50
"""A full refund is so many cents less than what was paid: an order may become cheaper afterwards."""
TOLERANCE = 600
"""Seconds by which `timestamp` may differ from the server's clock."""
INNER = {
    "trades": "trade",
    "orders": "order",
    "promotion_details": "promotion_detail",
    "refunds": "refund",
    "items": "item",
    "skus": "sku",
    "shippings": "shipping",
    "campaigns": "campaign",
    "report_result_top_d_t_o_list": "report_result_top_dto",
}
"""The second wrapper of each list."""
USUAL_TYPES = ("guarantee_trade", "auto_delivery", "ec", "cod", "step")
"""What `type` means where it is not given; `guarantee_trade` covers fixed prices and auctions."""
TITLES = (
    "示例T恤",
    "秋季连衣裙（新款）",
    "羊毛大衣",
    "高腰牛仔裤",
    "真丝衬衫",
    "保湿精华液 30ml",
    "补水面膜 10片装",
    "防晒霜 SPF50+",
    "婴儿湿巾 80抽",
    "不锈钢保温杯",
)
COLOURS = ("黑色", "米白", "雾霾蓝", "砖红")
PLACES = (
    ("浙江省", "杭州市", "余杭区"),
    ("广东省", "深圳市", "南山区"),
    ("河南省", None, "济源市"),
    ("上海", "上海市", "浦东新区"),
    ("四川省", "成都市", "武侯区"),
)
FLOW = ("WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED")
RETURNS = ("WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS", "SUCCESS")
TRADE_FIELDS = (
    "tid,type,status,title,seller_nick,buyer_nick,buyer_open_uid,oaid,created,pay_time,consign_time,end_time,modified,async_modified,"
    "payment,total_fee,discount_fee,adjust_fee,post_fee,received_payment,commission_fee,step_trade_status,step_paid_fee,trade_from,"
    "seller_flag,is_daixiao,num,num_iid,receiver_state,receiver_city,receiver_district,promotion_details,orders"
)
"""Every field of a trade that is served, as `fields` wants it."""
REFUND_FIELDS = (
    "refund_id,tid,oid,status,order_status,refund_fee,total_fee,payment,created,modified,reason,desc,title,num,price,num_iid,outer_id,"
    "refund_phase,dispute_type,good_status,has_good_return,good_return_time,cs_status,buyer_nick,buyer_open_uid,seller_nick"
)
ITEM_FIELDS = (
    "num_iid,outer_id,title,nick,type,cid,price,num,approve_status,list_time,delist_time,modified,created,"
    "sold_quantity,with_hold_quantity,pic_url"
)
SHIPPING_FIELDS = (
    "tid,order_code,seller_nick,buyer_nick,out_sid,company_name,status,is_success,delivery_start,delivery_end,"
    "created,modified,seller_confirm"
)


def signature(params: dict[str, str], secret: str | bytes, how: str) -> str:
    """The signature of all parameters but `sign`; empty ones take no part."""
    key = secret.encode() if isinstance(secret, str) else secret
    told = sorted((name, value) for name, value in params.items() if name != "sign" and value.strip())
    joined = "".join(name + value for name, value in told).encode()
    if how == "md5":
        return hashlib.md5(key + joined + key).hexdigest().upper()
    return hmac.new(key, joined, {"hmac": hashlib.md5, "hmac-sha256": hashlib.sha256}[how]).hexdigest().upper()


def written(seconds: float) -> str:
    """Beijing time as text."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def yuan(cents: int) -> str:
    """Cents as a text of yuan with two decimals."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


class Refusal(Exception):
    """What the gateway says instead of an answer."""

    def __init__(self, code: int, msg: str, sub_code: str = "", sub_msg: str = "") -> None:
        told = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "15xfictive00"}
        self.body = {"error_response": {name: value for name, value in told.items() if value != ""}}
        super().__init__(msg)


def wrong(name: str, why: str) -> Refusal:
    """An argument of a call that cannot be."""
    return Refusal(41, f"Invalid arguments:{name}", "isv.invalid-parameter", why)


class Top:
    """The gateway: who may call what, how often, and how an answer is written. What is called stands in `methods`."""

    name = "top"
    path = "/router/rest"
    streams: ClassVar[dict[str, str]] = {}

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret = "12345678", "0f3c9b7e5a1d4c8eb26f7a9d1e3c5b70"
        self.session, self.refresh_token = "6100d1f0fictive00aa11bb22cc33", "6101e2a1fictive44dd55ee66ff77"
        self.seller = "示例旗舰店"
        self.token_seconds, self.issued = 365.0 * DAY, world.clock.now()
        self.refreshable = False
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[int | str] = []
        self.methods: dict[str, Callable[[dict[str, str]], Record]] = {"taobao.top.auth.token.refresh": self._refreshed}
        self._calls: dict[str, int] = {}
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._lock = threading.RLock()

    def settings(self) -> dict[str, Any]:
        """What a source of it is given: app_key, app_secret, session, url; refresh_token where sessions may be refreshed."""
        told = {
            "app_key": self.app_key,
            "app_secret": self.app_secret,
            "session": self.session,
            "url": self.base + self.prefix + self.path,
        }
        return {**told, "refresh_token": self.refresh_token} if self.refreshable else told

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            fault = self.faults.pop(0) if self.faults else None
            if fault == "timeout":
                raise TryAgain("timed out")
            if isinstance(fault, int):
                return Response(fault, (("retry-after", "1"),) if fault == 429 else (), b"upstream is unhappy")
            if path_of(request) != self.prefix + self.path:
                return Response(404, (("content-type", "text/html"),), b"<html><body>404 Not Found</body></html>")
            params = {**query_of(request), **_form(request)}
            try:
                body = self._answered(params, fault)
            except Refusal as refusal:
                body = refusal.body
            return answer(body) if params.get("format") == "json" else _xml(body)

    def _answered(self, params: dict[str, str], fault: str | None) -> Record:
        """The answer as it is written: with its root and wrappers, or without where `simplify` says so."""
        if fault == "busy":
            raise Refusal(
                15, "Remote service error", "isp.top-remote-connection-timeout", "连接后端服务超时，请稍后重试"
            )
        if fault == "ban":
            raise _banned(1)
        self._admit(params)
        method = params["method"]
        body = self.methods[method](params)
        serial = {"request_id": f"15xfictive{self.world.requests:04d}"}
        if params.get("simplify") == "true":
            return {**body, **serial}
        return {method.removeprefix("taobao.").replace(".", "_") + "_response": {**wrapped(body), **serial}}

    def _admit(self, params: dict[str, str]) -> None:
        """Refuse who may not call, in the order in which the gateway looks at a request."""
        if not params.get("method"):
            raise Refusal(21, "Missing Method")
        if params["method"] not in self.methods:
            raise Refusal(22, "Invalid Method", "isv.invalid-method", f"不存在的方法名 {params['method']}")
        if params.get("v") != "2.0":
            raise Refusal(33, "Invalid Version") if params.get("v") else Refusal(32, "Missing Version")
        if params.get("format", "xml") not in ("json", "xml"):
            raise Refusal(23, "Invalid Format")
        if params.get("app_key") != self.app_key:
            raise Refusal(29, "Invalid App Key") if params.get("app_key") else Refusal(28, "Missing App Key")
        self._admit_time(params.get("timestamp", ""))
        self._admit_sign(params)
        if params["method"] != "taobao.top.auth.token.refresh":
            self._admit_session(params.get("session", ""))
        self._count(params["method"])

    def _admit_time(self, told: str) -> None:
        if not told:
            raise Refusal(30, "Missing Timestamp")
        at = _seconds(told)
        if at is None or abs(at - self.world.clock.now()) > TOLERANCE:
            raise Refusal(
                31, "Invalid Timestamp", "isv.invalid-timestamp", "非法的时间戳参数，服务器时间与请求时间相差超过10分钟"
            )

    def _admit_sign(self, params: dict[str, str]) -> None:
        if not params.get("sign"):
            raise Refusal(24, "Missing Signature")
        how = params.get("sign_method", "")
        if how not in ("md5", "hmac", "hmac-sha256"):
            raise (
                wrong("sign_method", "签名方法不支持") if how else Refusal(40, "Missing required arguments:sign_method")
            )
        if not hmac.compare_digest(params["sign"].encode(), signature(params, self.app_secret, how).encode()):
            raise Refusal(25, "Invalid Signature", "isv.invalid-signature", "签名无效")

    def _admit_session(self, session: str) -> None:
        if not session:
            raise Refusal(26, "Missing Session")
        if session != self.session:
            raise Refusal(27, "Invalid Session", "invalid-sessionkey", "SessionKey非法")
        if self.world.clock.now() >= self.issued + self.token_seconds:
            raise Refusal(27, "Invalid Session", "session-expired", "SessionKey已过期")

    def _count(self, method: str) -> None:
        """Refuse what is over the daily quota (until midnight in Beijing) or comes too fast for its method."""
        today = written(self.world.clock.now())[:10]
        if self.daily_quota is not None and self._calls.get(today, 0) >= self.daily_quota:
            raise Refusal(
                7,
                "App Call Limited",
                "accesscontrol.limited-by-app-access-count",
                "次日恢复",
            )
        if self.rate:
            bucket = self._buckets.setdefault((method, self.rate), Bucket(self.world.clock, *self.rate))
            if over := bucket.over():
                raise _banned(math.ceil(over))
        self._calls[today] = self._calls.get(today, 0) + 1

    def _refreshed(self, params: dict[str, str]) -> Record:
        """A new session for apps whose sessions may be refreshed; its result is JSON in a text. The old session ends."""
        if not params.get("refresh_token"):
            raise Refusal(40, "Missing required arguments:refresh_token")
        if not self.refreshable or params["refresh_token"] != self.refresh_token:
            raise Refusal(15, "Remote service error", "isv.refresh-token-invalid", "refresh_token无效或应用不支持刷新")
        self.session = "6100" + hashlib.md5(f"{self.session}{self.world.requests}".encode()).hexdigest()
        self.issued = self.world.clock.now()
        told = {
            "access_token": self.session,
            "refresh_token": self.refresh_token,
            "expires_in": int(self.token_seconds),
            "re_expires_in": int(self.token_seconds),
            "taobao_user_nick": self.seller,
            "taobao_user_id": "2200123456789",
            "token_type": "Bearer",
        }
        return {"token_result": answer(told).body.decode()}


class Taobao(Top):
    """A Tmall shop. Settings: app_key, app_secret, session (one year, not refreshable), url.

    `truth("orders")` holds trades of every `type`, also those that are hidden unless listed, and `truth("items")` items
    of every banner. `items` are rows of lists, `inventory` the same items with their `skus` (item.seller.get). With
    `simplified=True` lists in it are not wrapped. The world is filled with `count` trades of the last three days, and
    refunds, shipments, items in proportion; more come with `world.fill(kind, fake.makers[kind], …)`.
    """

    name = "taobao"
    streams: ClassVar[dict[str, str]] = {
        "orders": "tid",
        "refunds": "refund_id",
        "items": "num_iid",
        "inventory": "num_iid",
        "shipments": "order_code",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake", count: int = 120) -> None:
        super().__init__(world, prefix=prefix, base=base)
        self.makers = {
            "items": self._item_made,
            "orders": self._trade_made,
            "refunds": self._refund_made,
            "shipments": self._shipping_made,
        }
        now = world.clock.now()
        for kind, part in (("items", 2), ("orders", 1), ("refunds", 4), ("shipments", 2)):
            if count and kind not in world.records:
                world.fill(kind, self.makers[kind], max(1, count // part), now - 3 * DAY, now - 600)
        self.methods |= {
            "taobao.trades.sold.get": self._sold,
            "taobao.trades.sold.increment.get": self._changed,
            "taobao.trades.sold.incrementv.get": self._entered,
            "taobao.trades.sold.history.get": self._history,
            "taobao.trade.fullinfo.get": self._fullinfo,
            "taobao.refunds.receive.get": self._refunds,
            "taobao.items.onsale.get": self._onsale,
            "taobao.items.inventory.get": self._instock,
            "taobao.item.seller.get": self._item_in_full,
            "taobao.logistics.orders.get": self._shippings,
        }

    def truth(self, stream: str, *, simplified: bool = False) -> dict[str, Record]:
        """Every record that is there now, by id."""
        kind, show = {
            "orders": ("orders", self._trade),
            "refunds": ("refunds", self._refund),
            "items": ("items", self._item),
            "inventory": ("items", self._item_with_skus),
            "shipments": ("shipments", self._shipping),
        }[stream]
        with self._lock:
            records = self.world.records.get(kind, {})
            return {key: show(record) if simplified else wrapped(show(record)) for key, record in records.items()}

    # --- trades -------------------------------------------------------------------------------------------------

    def _sold(self, params: dict[str, str]) -> Record:
        """Trades by when they were created, of the last three months, newest first."""
        start, end = window(params, "start_created", "end_created")
        start = max(start, self.world.clock.now() - 90 * DAY)
        return self._trades(params, start, end, "created")

    def _changed(self, params: dict[str, str]) -> Record:
        """Trades by when they changed, in a window of one day at most, newest change first."""
        start, end = window(params, "start_modified", "end_modified", required=True, longest=DAY)
        return self._trades(params, start, end, "modified")

    def _entered(self, params: dict[str, str]) -> Record:
        """The same by when the change reached the seller's store."""
        start, end = window(params, "start_create", "end_create", required=True, longest=DAY)
        return self._trades(params, start, end, "async_modified")

    def _history(self, params: dict[str, str]) -> Record:
        """Trades that are older than three months and younger than two years."""
        start, end = window(params, "start_created", "end_created")
        now = self.world.clock.now()
        return self._trades(params, max(start, now - 730 * DAY), min(end, now - 90 * DAY - 1), "created", most=50)

    def _trades(self, params: dict[str, str], start: float, end: float, by: str, most: int = 100) -> Record:
        fields = wanted(params)
        types = set(params.get("type", ",".join(USUAL_TYPES)).split(","))
        # What reaches the seller's store reaches it at once here: `async_modified` is `modified`.
        at = "created" if by == "created" else "modified"
        trades = [self._trade(record) for record in self.world.records["orders"].values() if start <= record[at] <= end]
        kept = [
            trade
            for trade in trades
            if (trade["type"] in types or ("guarantee_trade" in types and trade["type"] in ("fixed", "auction")))
            and params.get("status", trade["status"]) == trade["status"]
        ]
        kept.sort(key=lambda trade: (trade[by], trade["tid"]), reverse=True)
        return paged(kept, params, "trades", fields, most=most)

    def _fullinfo(self, params: dict[str, str]) -> Record:
        fields = wanted(params)
        record = self.world.records["orders"].get(asked(params, "tid"))
        if record is None:
            raise Refusal(15, "Remote service error", "isv.trade-not-exist", "交易不存在")
        return {"trade": picked(self._trade(record), fields)}

    def _trade(self, record: Record) -> Record:
        """A trade as it is served. A seller takes one cent off with every change, so no two versions are alike."""
        lines, version, post = record["lines"], record["version"], record["post"]
        stage = min(record["stage"] + version - 1, 3)
        status = record["closed"] if record["closed"] and stage == 3 else FLOW[stage]
        off = [-(version - 1) if place == 0 else 0 for place in range(len(lines))]
        due = [line["price"] * line["num"] + less - line["discount"] for line, less in zip(lines, off, strict=True)]
        paid = sum(due) - sum(line["mjz"] for line in lines) + post
        single = len(lines) == 1
        tid = int(record["id"])
        orders = [
            self._order(record, place, status, due[place], off[place], paid if single else due[place])
            for place in range(len(lines))
        ]
        steps = ("FRONT_PAID_FINAL_NOPAID", "FRONT_PAID_FINAL_PAID")
        state, city, district = record["place"]
        told = {
            "tid": tid,
            "type": record["type"],
            "status": status,
            "title": self.seller,
            "seller_nick": self.seller,
            "buyer_nick": "张**",
            "buyer_open_uid": record["buyer"],
            "oaid": f"1{record['buyer'][2:]}{tid % 1000:03d}",
            "created": written(record["created"]),
            "pay_time": written(min(record["created"] + 27, record["modified"])) if stage else None,
            "consign_time": written(min(record["created"] + 7200, record["modified"])) if stage > 1 else None,
            "end_time": written(record["modified"]) if stage > 2 else None,
            "modified": written(record["modified"]),
            "async_modified": written(record["modified"]),
            "payment": yuan(paid),
            "total_fee": yuan(sum(line["price"] * line["num"] for line in lines)),
            "discount_fee": "0.00",
            "adjust_fee": yuan(off[0]) if single else "0.00",
            "post_fee": yuan(post),
            "received_payment": yuan(paid if status == "TRADE_FINISHED" else 0),
            "commission_fee": yuan(paid // 50),
            "step_trade_status": steps[min(stage, 1)] if record["type"] == "step" else None,
            "step_paid_fee": yuan(paid if stage else paid // 10) if record["type"] == "step" else None,
            "trade_from": record["from"],
            "seller_flag": tid % 6,
            "is_daixiao": False,
            "num": lines[0]["num"] if single else 0,
            "num_iid": item_id(lines[0]["item"]),
            "receiver_state": state,
            "receiver_city": city,
            "receiver_district": district,
            "promotion_details": [
                {
                    "id": tid,
                    "promotion_name": "店铺满减",
                    "discount_fee": yuan(line["mjz"]),
                    "promotion_id": f"mjs-{place}",
                }
                for place, line in enumerate(lines)
                if line["mjz"]
            ],
            "orders": orders,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _order(self, record: Record, place: int, status: str, due: int, off: int, payment: int) -> Record:
        """A line of a trade. Its `payment` holds the postage where it is the only line, and never the trade's own discount."""
        line, tid = record["lines"][place], int(record["id"])
        code, title, _ = goods(line["item"])
        told = {
            "oid": tid if len(record["lines"]) == 1 else tid + place + 1,
            "num_iid": item_id(line["item"]),
            "sku_id": str(sku_id(line["item"], line["sku"])),
            "sku_properties_name": f"颜色分类:{COLOURS[line['sku']]}",
            "outer_iid": code,
            "outer_sku_id": f"{code}-{line['sku']}",
            "cid": 50010850 + line["item"] % 5,
            "title": title,
            "num": line["num"],
            "price": yuan(line["price"]),
            "total_fee": yuan(line["price"] * line["num"] + off - line["discount"]),
            "payment": yuan(payment),
            "divide_order_fee": yuan(due - line["mjz"]),
            "part_mjz_discount": yuan(line["mjz"]),
            "discount_fee": yuan(line["discount"]),
            "adjust_fee": yuan(off),
            "refund_status": "SUCCESS" if record["returned"] and place == 0 else "NO_REFUND",
            "refund_id": f"{tid % 10**12}01" if record["returned"] and place == 0 else None,
            "status": status,
            "end_time": written(record["modified"]) if status in ("TRADE_FINISHED", "TRADE_CLOSED") else None,
            "invoice_no": f"78{tid % 10**11}" if status in ("WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED") else None,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _trade_made(self, random: Random, index: int) -> Record:
        lines = []
        for item in random.sample(range(60), random.choices((1, 2, 3, 4), (50, 30, 12, 8))[0]):
            price, num = goods(item)[2], random.randint(1, 3)
            discount = price * num * random.choice((0, 0, 5, 10)) // 100
            lines.append(
                {"item": item, "sku": random.randrange(4), "price": price, "num": num, "discount": discount, "mjz": 0}
            )
        share(random.choice((0, 0, 1000, 2500)), lines)
        return {
            # Ids a hundred apart: whoever reads them as floating point makes several trades one.
            "id": str(3_725_362_658_812_595_205 + index * 100),
            "lines": lines,
            "post": random.choice((0, 0, 800, 1200)),
            "stage": random.randrange(4),
            "closed": random.choice(("TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO")) if random.random() < 0.1 else "",
            "type": random.choices(("fixed", "step", "cod", "eticket", "tmall_i18n"), (80, 8, 4, 4, 4))[0],
            "from": random.choice(("WAP,WAP", "TAOBAO", "JHS")),
            "buyer": f"AA{random.getrandbits(64):016x}",
            "place": random.choice(PLACES),
            "returned": index % 5 == 2,
        }

    # --- refunds and shipments ----------------------------------------------------------------------------------

    def _refunds(self, params: dict[str, str]) -> Record:
        """Refunds by when they changed, newest change first; the window may be as wide as one likes."""
        fields = wanted(params)
        start, end = window(params, "start_modified", "end_modified")
        kept = [
            refund
            for refund in (
                self._refund(record)
                for record in self.world.records["refunds"].values()
                if start <= record["modified"] <= end
            )
            if params.get("status", refund["status"]) == refund["status"]
        ]
        kept.sort(key=lambda refund: (refund["modified"], refund["refund_id"]), reverse=True)
        return paged(kept, params, "refunds", fields)

    def _refund(self, record: Record) -> Record:
        """A refund as it is served; with every change it is one step on, and at the end the fee says so."""
        stage = record["stage"] + record["version"] - 1
        status = record["ends"] if stage >= 3 else RETURNS[stage]
        returned = record["kind"] == "REFUND_AND_RETURN"
        code, title, price = goods(record["item"])
        fee = max(0, record["fee"] - max(0, stage - 3))
        told = {
            "refund_id": record["id"],
            "tid": record["tid"],
            "oid": record["oid"],
            "status": status,
            "order_status": "TRADE_CLOSED" if status == "SUCCESS" else "WAIT_BUYER_CONFIRM_GOODS",
            "refund_fee": yuan(fee),
            "total_fee": yuan(record["total"]),
            "payment": yuan(record["total"] - fee),
            "created": written(record["created"]),
            "modified": written(record["modified"]),
            "reason": record["reason"],
            "desc": f"买家说明 {record['version']}",
            "title": title,
            "num": record["num"],
            "price": yuan(price),
            "num_iid": item_id(record["item"]),
            "outer_id": code,
            "refund_phase": record["phase"],
            "dispute_type": record["kind"],
            "good_status": "BUYER_RETURNED_GOODS"
            if returned and stage > 1
            else "BUYER_RECEIVED"
            if returned
            else "BUYER_NOT_RECEIVED",
            "has_good_return": returned,
            "good_return_time": written(record["modified"]) if returned and stage > 1 else None,
            "cs_status": 1,
            "buyer_nick": "张**",
            "buyer_open_uid": record["buyer"],
            "seller_nick": self.seller,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _refund_made(self, random: Random, index: int) -> Record:
        orders = list(self.world.records["orders"].values())
        order = ([one for one in orders if one["returned"]] or orders)[
            index % max(1, sum(one["returned"] for one in orders))
        ]
        line, tid = order["lines"][0], int(order["id"])
        total = line["price"] * line["num"] - line["discount"] - line["mjz"]
        kind = random.choices(("REFUND", "REFUND_AND_RETURN", "TMALL_EXCHANGE"), (50, 45, 5))[0]
        return {
            "id": f"{24_815_732_600_000_001 + index * 64}",
            "tid": tid,
            "oid": tid if len(order["lines"]) == 1 else tid + 1,
            "item": line["item"],
            "num": line["num"],
            "total": total,
            "fee": 0 if kind == "TMALL_EXCHANGE" else random.choice((total - SPARE, total * 4 // 5)),
            "kind": kind,
            "phase": random.choice(("onsale", "aftersale")),
            "reason": random.choice(("不想要了", "七天无理由退换货", "质量问题", "尺码不合适", "少件/漏发")),
            "stage": random.randrange(4),
            "ends": random.choices(("SUCCESS", "CLOSED"), (80, 20))[0],
            "buyer": order["buyer"],
        }

    def _shippings(self, params: dict[str, str]) -> Record:
        """Shipments by when they were created, newest first."""
        fields = wanted(params)
        start, end = window(params, "start_created", "end_created")
        kept = [
            self._shipping(record)
            for record in self.world.records["shipments"].values()
            if start <= record["created"] <= end
        ]
        kept.sort(key=lambda one: (one["created"], one["order_code"]), reverse=True)
        return paged(kept, params, "shippings", fields)

    def _shipping(self, record: Record) -> Record:
        states = ("CREATED", "SENDING", "ACCEPTED_BY_RECEIVER")
        status = states[min(record["stage"] + record["version"] - 1, 2)]
        told = {
            "tid": record["tid"],
            "order_code": record["id"],
            "seller_nick": self.seller,
            "buyer_nick": "张**",
            "out_sid": record["number"] + (f"-{record['version']}" if record["version"] > 1 else ""),
            "company_name": record["company"],
            "status": status,
            "is_success": True,
            "delivery_start": written(record["created"]),
            "delivery_end": written(record["modified"]) if status == states[2] else None,
            "created": written(record["created"]),
            "modified": written(record["modified"]),
            "seller_confirm": "yes",
        }
        return {name: value for name, value in told.items() if value is not None}

    def _shipping_made(self, random: Random, index: int) -> Record:
        orders = sorted(self.world.records["orders"])
        return {
            "id": f"LP{600_000_000_000 + index * 7}",
            "tid": int(orders[index % len(orders)]),
            "number": f"YT{random.randrange(10**12):012d}",
            "company": random.choice(("圆通速递", "中通快递", "顺丰速运")),
            "stage": random.randrange(3),
        }

    # --- items --------------------------------------------------------------------------------------------------

    def _onsale(self, params: dict[str, str]) -> Record:
        """Items on sale. Nobody gets deeper than 20,000 rows."""
        return self._items(params, lambda banner: banner == "onsale", deepest=20_000)

    def _instock(self, params: dict[str, str]) -> Record:
        """Items that are not on sale, of one banner; page 101 is the last."""
        banner = params.get("banner", "for_shelved")
        waiting = ("regular_shelved", "never_on_shelf", "off_shelf")
        if banner not in (*waiting, "for_shelved", "sold_out", "violation_off_shelf"):
            raise wrong("banner", "banner 取值不正确")
        if _whole(params, "page_no", 1) > 101:
            raise wrong("page_no", "page_no 最大值为 101")
        return self._items(params, lambda one: one in waiting if banner == "for_shelved" else one == banner)

    def _items(self, params: dict[str, str], shown: Callable[[str], bool], deepest: int | None = None) -> Record:
        fields = wanted(params)
        start, end = window(params, "start_modified", "end_modified")
        if deepest and _whole(params, "page_no", 1) * _whole(params, "page_size", 40) > deepest:
            raise wrong("page_no", f"page_no*page_size 不能超过 {deepest}")
        by, _, way = params.get("order_by", "list_time:desc").partition(":")
        if by not in ("list_time", "delist_time", "num", "modified") or way not in ("asc", "desc"):
            raise wrong("order_by", "排序方式不正确")
        records = self.world.records["items"].values()
        kept = [
            self._item(record) for record in records if shown(record["banner"]) and start <= record["modified"] <= end
        ]
        kept.sort(key=lambda item: (item[by], item["num_iid"]), reverse=way == "desc")
        return paged(kept, {**params, "use_has_next": "false"}, "items", fields - {"skus"}, most=200)

    def _item_in_full(self, params: dict[str, str]) -> Record:
        fields = wanted(params)
        record = self.world.records["items"].get(asked(params, "num_iid"))
        if record is None:
            raise Refusal(15, "Remote service error", "isv.item-not-exist", "商品不存在")
        return {"item": picked(self._item_with_skus(record), fields)}

    def _item(self, record: Record) -> Record:
        code, title, price = goods(record["item"])
        return {
            "num_iid": int(record["id"]),
            "outer_id": code,
            "title": title,
            "nick": self.seller,
            "type": "fixed",
            "cid": 50010850 + record["item"] % 5,
            "price": yuan(price),
            "num": sum(record["stock"]) + record["version"] - 1,
            "approve_status": "onsale" if record["banner"] == "onsale" else "instock",
            "list_time": written(record["created"]),
            "delist_time": written(record["created"] + 7 * DAY),
            "modified": written(record["modified"]),
            "created": written(record["created"]),
            "sold_quantity": record["sold"] + record["version"] - 1,
            "with_hold_quantity": record["version"] - 1,
            "pic_url": f"https://img.example.com/{code}.jpg",
        }

    def _item_with_skus(self, record: Record) -> Record:
        code, _, price = goods(record["item"])
        skus = [
            {
                "sku_id": sku_id(record["item"], place),
                "num_iid": int(record["id"]),
                "outer_id": f"{code}-{place}",
                "properties_name": f"1627207:{28320 + place}:颜色分类:{COLOURS[place]}",
                "price": yuan(price),
                "quantity": stock + (record["version"] - 1 if place == 0 else 0),
                "with_hold_quantity": record["version"] - 1 if place == 0 else 0,
                "status": "normal",
                "modified": written(record["modified"]),
            }
            for place, stock in enumerate(record["stock"])
        ]
        return {**self._item(record), "skus": skus}

    def _item_made(self, random: Random, index: int) -> Record:
        banners = ("onsale", "off_shelf", "never_on_shelf", "sold_out", "violation_off_shelf")
        banner = banners[index] if index < len(banners) else random.choices(banners, (75, 10, 5, 7, 3))[0]
        stock = [0 if banner == "sold_out" else random.randrange(200) for _ in COLOURS]
        return {
            "id": str(item_id(index)),
            "item": index,
            "banner": banner,
            "stock": stock,
            "sold": random.randrange(5000),
        }


# --- goods --------------------------------------------------------------------------------------------------------


def goods(index: int) -> tuple[str, str, int]:
    """Code, title and price in cents of the item with that number."""
    return (
        f"TS-{1001 + index}",
        f"{TITLES[index % len(TITLES)]} {index // len(TITLES) + 1}代",
        1990 + index * 733 % 58_000,
    )


def item_id(index: int) -> int:
    return 612_345_678_901 + index * 11


def sku_id(index: int, place: int) -> int:
    return 4_876_543_210_987 + index * 10 + place


def share(discount: int, lines: list[Record]) -> None:
    """Spread a discount of the whole order over its lines by their amounts; the last one takes what is left."""
    amounts = [line["price"] * line["num"] - line["discount"] for line in lines]
    discount = min(discount, sum(amounts) // 2)
    for line, amount in zip(lines, amounts, strict=True):
        line["mjz"] = discount * amount // sum(amounts)
    lines[-1]["mjz"] += discount - sum(line["mjz"] for line in lines)


# --- arguments ----------------------------------------------------------------------------------------------------


def asked(params: dict[str, str], name: str) -> str:
    """A parameter that must be there."""
    if not params.get(name):
        raise Refusal(40, f"Missing required arguments:{name}", "isv.missing-parameter", f"缺少必要的参数 {name}")
    return params[name]


def wanted(params: dict[str, str]) -> set[str]:
    """The fields that are asked for: nothing else is served."""
    return {name.strip() for name in asked(params, "fields").split(",")}


def window(
    params: dict[str, str], first: str, last: str, *, required: bool = False, longest: float | None = None
) -> tuple[float, float]:
    """From and to, both inclusive; without bounds where they are not given and need not be."""
    ends = [asked(params, name) if required else params.get(name, "") for name in (first, last)]
    times = [_seconds(told) if told else None for told in ends]
    for name, told, time in zip((first, last), ends, times, strict=True):
        if told and time is None:
            raise wrong(name, "日期格式不正确，应为 yyyy-MM-dd HH:mm:ss")
    start, end = -math.inf if times[0] is None else times[0], math.inf if times[1] is None else times[1]
    if start > end:
        raise wrong(last, f"{last} 必须大于 {first}")
    if longest and end - start > longest:
        raise wrong(last, "时间跨度不能大于一天")
    return start, end


def paged(rows: list[Record], params: dict[str, str], name: str, fields: set[str], most: int = 100) -> Record:
    """One page of rows. With `use_has_next` it says whether there is more, without it how many there are."""
    page, size = _whole(params, "page_no", 1), _whole(params, "page_size", 40)
    if page < 1:
        raise wrong("page_no", "page_no 必须大于 0")
    if not 1 <= size <= most:
        raise wrong("page_size", f"page_size 取值范围为 1-{most}")
    shown = [picked(row, fields) for row in rows[(page - 1) * size : page * size]]
    told: Record = {name: shown} if shown else {}
    return (
        {**told, "has_next": page * size < len(rows)}
        if params.get("use_has_next") == "true"
        else {**told, "total_results": len(rows)}
    )


def picked(record: Record, fields: set[str]) -> Record:
    """The fields of a record that are asked for: `orders` all of every line, `orders.oid` one field of it."""
    told: Record = {}
    for name, value in record.items():
        inner = {field.partition(".")[2] for field in fields if field.startswith(f"{name}.")}
        if name in fields:
            told[name] = value
        elif inner and isinstance(value, list):
            told[name] = [picked(one, inner) for one in value]
    return told


def _whole(params: dict[str, str], name: str, default: int) -> int:
    told = params.get(name) or str(default)
    if not told.isascii() or not told.lstrip("-").isdigit():
        raise wrong(name, f"{name} 应为数字")
    return int(told)


def _seconds(told: str) -> float | None:
    """Beijing time of exactly that form as seconds; None where it is no such text."""
    try:
        at = datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None
    return at.timestamp() if written(at.timestamp()) == told else None


def _form(request: Request) -> dict[str, str]:
    """The fields of a form body. What is no UTF-8 becomes other text, and its signature then fails."""
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


# --- how answers are written --------------------------------------------------------------------------------------


def wrapped(value: Any) -> Any:
    """Lists with their second wrapper; empty ones are left out."""
    if isinstance(value, dict):
        return {
            name: {INNER[name]: wrapped(one)} if isinstance(one, list) and name in INNER else wrapped(one)
            for name, one in value.items()
            if one != [] or name not in INNER
        }
    return [wrapped(one) for one in value] if isinstance(value, list) else value


def _banned(seconds: int) -> Refusal:
    ban = f"This ban will last for {seconds} more seconds"
    return Refusal(7, "App Call Limited", "accesscontrol.limited-by-api-access-count", ban)


def _xml(body: Record) -> Response:
    head = '<?xml version="1.0" encoding="utf-8" ?>'
    return Response(200, (("content-type", "text/xml;charset=UTF-8"),), (head + "".join(_elements(body))).encode())


def _elements(body: Record) -> Iterable[str]:
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            text = str(one).lower() if isinstance(one, bool) else escape(str(one))
            yield f"<{name}>{''.join(_elements(one)) if isinstance(one, dict) else text}</{name}>"
