"""A simulated Jushuitan (聚水潭), the ERP: signed POST forms, one JSON text of parameters, lists under many names.

Money is in 元, times are Beijing text. Every change of a record gives it the next row version `ts`, above 2^53, so that
`start_ts` reads what changed without a gap. The numbers of errors follow the older public page.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, form_of, path_of

DAY = 86_400
BEIJING = timezone(timedelta(hours=8))
FIRST_TS = 90_071_992_547_409_931
LADDER = ("WaitPay", "WaitConfirm", "WaitFConfirm", "Delivering", "Sent")
SHOP_STATUS = (
    "WAIT_BUYER_PAY",
    "WAIT_SELLER_SEND_GOODS",
    "WAIT_SELLER_SEND_GOODS",
    "WAIT_SELLER_SEND_GOODS",
    "TRADE_FINISHED",
)
OTHERS = ("Merged", "Split", "Cancelled", "Question", "WaitOuterSent")
TITLES = ("法式碎花连衣裙", "加厚羽绒被 220x240", "猫粮全价成猫 2kg", "智能体脂秤", "陶瓷刀具五件套", "有机黑芝麻丸")
EXPRESS = ("顺丰速运", "中通快递", "圆通速递")


class _Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, code: int, message: str) -> None:
        self.body: Record = {"code": code, "issuccess": False, "msg": message, "data": None}
        super().__init__(message)


def signature(params: dict[str, str], app_secret: str) -> str:
    """The signature of everything but `sign`: MD5 in lower-case hex of the secret, then name and value by name."""
    pairs = "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign")
    return hashlib.md5(f"{app_secret}{pairs}".encode()).hexdigest()


# --- records -----------------------------------------------------------------------------------------------------


def make_order(luck: random.Random, n: int) -> Record:
    """An order of one to four lines; one in eight was merged, split, cancelled, or waits for somebody."""
    lines = []
    for at in range(luck.randint(1, 4)):
        goods, price = luck.randrange(80), 10 * luck.randint(190, 19_900)
        lines.append({"at": at, "goods": goods, "price": price, "count": luck.randint(1, 3), "gift": False})
    if luck.random() < 0.15:
        lines[-1] |= {"gift": True, "price": 0}
    return {
        "id": 1_234_000 + n,
        "so": str(3_725_362_658_800_000_000 + 7919 * n),
        "lines": lines,
        "off": luck.choice((0, 0, 500, 1000)),
        "freight": luck.choice((0, 0, 0, 800)),
        "shop": luck.choice((10101, 10102, 10103)),
        "step": luck.choice((0, 1, 1, 2, 3)),
        "other": luck.choice(OTHERS) if luck.random() < 0.125 else "",
        "place": luck.choice(
            (("浙江省", "宁波市", "鄞州区"), ("山东省", "青岛市", "市南区"), ("陕西省", "西安市", "雁塔区"))
        ),
    }


def make_refund(luck: random.Random, n: int) -> Record:
    """An after-sale of every third order."""
    return {
        "id": 560_000 + n,
        "order": 1_234_000 + 3 * n,
        "so": str(3_725_362_658_800_000_000 + 7919 * 3 * n),
        "kind": luck.choice(("仅退款", "普通退货", "普通退货", "换货")),
        "amount": 10 * luck.randint(90, 9900),
        "step": luck.randrange(2),
        "goods": luck.randrange(80),
    }


def make_shipment(luck: random.Random, n: int) -> Record:
    """A parcel that left the warehouse, of every second order."""
    return {
        "id": 880_000 + n,
        "order": 1_234_000 + 2 * n,
        "so": str(3_725_362_658_800_000_000 + 7919 * 2 * n),
        "express": luck.choice(EXPRESS),
        "goods": luck.randrange(80),
        "count": luck.randint(1, 3),
        "price": 10 * luck.randint(190, 19_900),
    }


def make_item(luck: random.Random, n: int) -> Record:
    """A SKU."""
    return {"id": _sku(n), "n": n, "price": 10 * luck.randint(190, 19_900), "cost": 10 * luck.randint(50, 9000)}


def make_stock(luck: random.Random, n: int) -> Record:
    """The stock of a SKU; what can be sold is less what orders hold, and may be below zero."""
    return {"id": _sku(n), "n": n, "qty": luck.randint(0, 300), "held": luck.randint(0, 60)}


def make_shop(luck: random.Random, n: int) -> Record:
    """A shop that the ERP serves."""
    site = luck.choice(("淘宝天猫", "拼多多", "京东", "抖音放心购"))
    return {"id": 10101 + n, "n": n, "site": site}


def _sku(n: int) -> str:
    return f"TS-{1000 + n // 3}-{'SML'[n % 3]}"


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int) -> float | int:
    return fen // 100 if fen % 100 == 0 else fen / 100


def _line(record: Record, line: Record) -> Record:
    goods, amount = line["goods"], line["price"] * line["count"]
    return {
        "oi_id": record["id"] * 10 + line["at"],
        "outer_oi_id": str(int(record["so"]) + 1 + line["at"]),
        "raw_so_id": record["so"],
        "sku_id": _sku(goods),
        "i_id": f"TS-{1000 + goods // 3}",
        "shop_sku_id": str(5_012_345_678_901_000_000 + goods),
        "name": TITLES[goods % 6],
        "properties_value": f"默认;{'SML'[goods % 3]}",
        "qty": line["count"],
        "price": _yuan(line["price"]),
        "base_price": _yuan(line["price"] + 1000),
        "amount": _yuan(amount),
        "buyer_paid_amount": _yuan(amount),
        "seller_income_amount": _yuan(amount),
        "is_gift": line["gift"],
        "refund_status": "none",
    }


def order_form(record: Record, ts: int) -> Record:
    """An order as it is listed; every later version is let off a 分 more, and has come further."""
    at = min(record["step"] + record["version"] - 1, len(LADDER) - 1)
    goods = sum(line["price"] * line["count"] for line in record["lines"])
    off = record["off"] + record["version"] - 1
    pay = max(0, goods - off + record["freight"])
    sent = _text(record["modified"]) if at == 4 and not record["other"] else ""
    return {
        "o_id": record["id"],
        "so_id": record["so"],
        "shop_id": record["shop"],
        "shop_name": f"示例店铺{record['shop']}",
        "status": record["other"] or LADDER[at],
        "shop_status": SHOP_STATUS[at],
        "type": "普通订单",
        "order_date": _text(record["created"]),
        "pay_date": _text(record["created"] + 27) if at else "",
        "send_date": sent,
        "created": _text(record["created"]),
        "modified": _text(record["modified"]),
        "ts": ts,
        "pay_amount": _yuan(pay),
        "paid_amount": _yuan(pay) if at else 0,
        "free_amount": _yuan(off),
        "freight": _yuan(record["freight"]),
        "logistics_company": EXPRESS[record["id"] % 3] if sent else "",
        "l_id": f"SF{record['id']:012d}" if sent else "",
        "wms_co_id": 0,
        "labels": "",
        **dict(zip(("receiver_state", "receiver_city", "receiver_district"), record["place"], strict=True)),
        "items": [_line(record, line) for line in record["lines"]],
    }


def refund_form(record: Record, ts: int) -> Record:
    """An after-sale as it is listed."""
    done = record["step"] + record["version"] > 2
    amount = record["amount"] + record["version"] - 1
    line = {"asi_id": record["id"] * 10, "sku_id": _sku(record["goods"]), "name": TITLES[record["goods"] % 6]}
    counted = {
        "qty": 1,
        "r_qty": int(done and record["kind"] != "仅退款"),
        "price": _yuan(amount),
        "amount": _yuan(amount),
    }
    return {
        "as_id": record["id"],
        "outer_as_id": str(160_000_000_000_000_000 + record["id"]),
        "o_id": record["order"],
        "so_id": record["so"],
        "shop_id": 10101,
        "type": record["kind"],
        "status": "Confirmed" if done else "WaitConfirm",
        "shop_status": "SUCCESS" if done else "WAIT_SELLER_AGREE",
        "good_status": "SELLER_RECEIVED" if done else "BUYER_RECEIVED",
        "question_type": "七天无理由",
        "refund": 0 if record["kind"] == "换货" else _yuan(amount),
        "payment": 0,
        "freight": 0,
        "as_date": _text(record["created"]),
        "confirm_date": _text(record["modified"]) if done else "",
        "created": _text(record["created"]),
        "modified": _text(record["modified"]),
        "ts": ts,
        "items": [{**line, "outer_oi_id": str(int(record["so"]) + 1), "type": "退货", **counted}],
    }


def shipment_form(record: Record, ts: int) -> Record:
    """A parcel as it is listed; a later version has been delivered."""
    line = {"ioi_id": record["id"] * 10, "sku_id": _sku(record["goods"]), "i_id": f"TS-{1000 + record['goods'] // 3}"}
    amount = record["price"] * record["count"] + record["version"] - 1
    return {
        "io_id": record["id"],
        "o_id": record["order"],
        "so_id": record["so"],
        "shop_id": 10101,
        "status": "Confirmed",
        "io_date": _text(record["created"]),
        "logistics_company": record["express"],
        "l_id": f"SF{record['order']:012d}",
        "weight": 0.5,
        "freight": 0,
        "paid_amount": _yuan(amount),
        "modified": _text(record["modified"]),
        "ts": ts,
        "items": [{**line, "qty": record["count"], "sale_price": _yuan(record["price"]), "sale_amount": _yuan(amount)}],
    }


def item_form(record: Record, ts: int) -> Record:
    """A SKU as it is listed; every later version costs a 分 more."""
    return {
        "sku_id": record["id"],
        "i_id": f"TS-{1000 + record['n'] // 3}",
        "name": TITLES[record["n"] % 6],
        "properties_value": f"默认;{'SML'[record['n'] % 3]}",
        "category": "女装/连衣裙",
        "brand": "示例",
        "sale_price": _yuan(record["price"] + record["version"] - 1),
        "cost_price": _yuan(record["cost"]),
        "enabled": 1,
        "created": _text(record["created"]),
        "modified": _text(record["modified"]),
        "ts": ts,
    }


def stock_form(record: Record, ts: int) -> Record:
    """Stock as it is listed; every later version has one piece less."""
    return {
        "sku_id": record["id"],
        "i_id": f"TS-{1000 + record['n'] // 3}",
        "name": TITLES[record["n"] % 6],
        "qty": record["qty"] - record["version"] + 1,
        "order_lock": record["held"],
        "pick_lock": record["held"] // 3,
        "virtual_qty": 0,
        "purchase_qty": 0,
        "return_qty": 0,
        "in_qty": 0,
        "defective_qty": 0,
        "min_qty": 0,
        "max_qty": 0,
        "modified": _text(record["modified"]),
        "ts": ts,
    }


def shop_form(record: Record, ts: int) -> Record:
    """A shop as it is listed; it has no row version."""
    return {
        "shop_id": record["id"],
        "shop_name": f"示例店铺{record['id']}" + "（改名）" * (record["version"] - 1),
        "co_id": 10_001,
        "shop_site": record["site"],
        "nick": f"示例旗舰店{record['n']}",
        "created": _text(record["created"]),
        "session_expired": "2027-01-01 00:00:00",
    }


@dataclass(frozen=True)
class _Operation:
    """One call: which records it lists, under which key, how many at most, and by which ids it may be asked."""

    stream: str
    listed: str
    most: int
    form: Callable[[Record, int], Record]
    ids: tuple[str, ...] = ()
    by_ts: bool = False
    timed: bool = True


OPERATIONS = {
    "/open/shops/query": _Operation("shops", "datas", 100, shop_form, timed=False),
    "/open/orders/single/query": _Operation("orders", "orders", 100, order_form, ("o_ids", "so_ids"), by_ts=True),
    "/open/orders/out/simple/query": _Operation(
        "shipments", "datas", 50, shipment_form, ("o_ids", "so_ids"), by_ts=True
    ),
    "/open/refund/single/query": _Operation("refunds", "datas", 50, refund_form, ("as_ids", "so_ids"), by_ts=True),
    "/open/sku/query": _Operation("items", "datas", 50, item_form, ("sku_ids",)),
    "/open/inventory/query": _Operation("inventory", "inventorys", 100, stock_form, ("sku_ids",)),
}
FORMS = {operation.stream: operation.form for operation in OPERATIONS.values()}
KEYS = {"o_ids": "order", "so_ids": "so", "as_ids": "id", "sku_ids": "id"}


# --- the platform ------------------------------------------------------------------------------------------------


class Jushuitan:
    """Jushuitan's API. `with:` of a source is `settings()`: app_key, app_secret, access_token, refresh_token, `url` (the
    origin; paths start with /open/) and `token_url`.

    A window holds both its ends, and its rows go upwards by the time asked for. So a row that is modified while its window
    is read leaves it, and the rows behind it come one place forward: reading pages by number loses one. `start_ts`
    with pages that all begin at the last `ts` does not. Five requests a second and a hundred a minute are let in.
    """

    name = "jushuitan"
    streams = {  # noqa: RUF012
        "shops": "shop_id",
        "orders": "o_id",
        "shipments": "io_id",
        "refunds": "as_id",
        "items": "sku_id",
        "inventory": "sku_id",
    }
    makers = {  # noqa: RUF012
        "shops": make_shop,
        "orders": make_order,
        "shipments": make_shipment,
        "refunds": make_refund,
        "items": make_item,
        "inventory": make_stock,
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret = "0123fictitious4567jstappkey89abc", "fictitious0jst0secret0aa11bb22cc3"
        self.token_seconds = 2_592_000.0
        self.tolerance = 600.0
        self.order_page = 100
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (100, 60.0)
        self.burst: tuple[int, float] | None = (5, 1.0)
        self.faults: list[str | int] = []
        self.codes = {"jstcode": world.clock.now() + 900}
        self._lock = threading.RLock()
        self._buckets: dict[tuple[int, float], Bucket] = {}
        self._used: dict[int, int] = {}
        self._ts: dict[tuple[str, str], tuple[int, int]] = {}
        self._last_ts = FIRST_TS
        self._issued = 0
        self._issue()
        for kind, make in self.makers.items():
            world.makers.setdefault(kind, make)

    def fill(self, orders: int = 120, days: float = 20) -> None:
        """Give the ERP that many orders of the last days, and everything else in proportion."""
        now = self.world.clock.now()
        shares = {"orders": 1.0, "shipments": 0.5, "refunds": 1 / 3, "items": 0.4, "inventory": 0.4}
        for kind, share in shares.items():
            self.world.fill(kind, self.makers[kind], int(orders * share), now - days * DAY, now - 600)
        self.world.fill("shops", make_shop, 3, now - 400 * DAY, now - 300 * DAY)

    def settings(self) -> dict[str, Any]:
        return {
            "app_key": self.app_key,
            "app_secret": self.app_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": f"{self.base}{self.prefix}",
            "token_url": f"{self.base}{self.prefix}/openWeb/auth/refreshToken",
        }

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            self._count_versions()
            records = self.world.records.get(stream, {})
            return {key: FORMS[stream](record, self._ts[stream, key][1]) for key, record in records.items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            self._count_versions()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer(refused.body)

    def _planned(self) -> Response | None:
        trouble = self.faults.pop(0) if self.faults else None
        if trouble == "timeout":
            raise TryAgain("timed out")
        if trouble == "busy":
            raise _Refused(150, "内部异常")
        if trouble == "ban":
            raise _Refused(199, "调用太频繁，请稍后再试")
        if isinstance(trouble, int):
            told = (("retry-after", "1"),) if trouble == 429 else ()
            return Response(trouble, (("content-type", "text/plain"), *told), b"unavailable")
        return None

    def _count_versions(self) -> None:
        """Give the next row version to every record that is new or was modified, in the order in which that happened."""
        changed = []
        for kind in self.streams:
            for key, record in self.world.records.get(kind, {}).items():
                if self._ts.get((kind, key), (0, 0))[0] != record["version"]:
                    changed.append((record["modified"], kind, key, record["version"]))
        for _, kind, key, version in sorted(changed):
            self._last_ts += 3
            self._ts[kind, key] = (version, self._last_ts)

    def _answered(self, request: Request) -> Response:
        path = path_of(request).removeprefix(self.prefix)
        tokens = {
            "/openWeb/auth/getInitToken": self._exchange,
            "/openWeb/auth/accessToken": self._exchange,
            "/openWeb/auth/refreshToken": self._refresh,
        }
        if path not in tokens and path not in OPERATIONS:
            raise _Refused(140, "接口不存在")
        if request.method != "POST":
            raise _Refused(130, "请求方式错误，仅支持POST")
        form = form_of(request)
        if path in tokens:
            self._check(form, ("app_key", "timestamp", "charset", "grant_type", "sign"))
            return answer({"code": 0, "issuccess": True, "msg": "执行成功", "data": tokens[path](form)})
        self._check(form, ("app_key", "access_token", "timestamp", "charset", "version", "biz", "sign"))
        self._check_token(form["access_token"])
        self._count()
        data = self._listed(OPERATIONS[path], _business(form["biz"]))
        return answer({"code": 0, "issuccess": True, "msg": "执行成功", "data": data})

    # --- who may call, and how often ------------------------------------------------------------------------------

    def _check(self, form: dict[str, str], required: tuple[str, ...]) -> None:
        missing = [name for name in required if not form.get(name)]
        if missing:
            raise _Refused(120 if missing == ["sign"] else 130, f"缺少参数:{missing[0]}")
        if form["app_key"] != self.app_key:
            raise _Refused(160, "app_key不存在")
        if form["charset"] != "utf-8" or form.get("version", "2") != "2":
            raise _Refused(130, "charset或version错误")
        if not form["timestamp"].isdigit() or abs(int(form["timestamp"]) - self.world.clock.now()) > self.tolerance:
            raise _Refused(180, "时间戳与服务器时间相差超过10分钟")
        if not hmac.compare_digest(signature(form, self.app_secret), form["sign"]):
            raise _Refused(10, "签名错误")

    def _check_token(self, token: str) -> None:
        if token != self.access_token or self.world.clock.now() >= self._granted + self.token_seconds:
            raise _Refused(100, "access_token无效或已过期")

    def _count(self) -> None:
        day = int((self.world.clock.now() + 8 * 3600) // DAY)
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(199, "当日调用次数超过限制")
        for rate in (self.burst, self.rate):
            if rate and self._buckets.setdefault(rate, Bucket(self.world.clock, *rate)).over():
                raise _Refused(199, "调用太频繁，请稍后再试")

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _issue(self) -> None:
        self._issued += 1
        self.access_token, self.refresh_token = f"jstAccess{self._issued:04d}", f"jstRefresh{self._issued:04d}"
        self._granted = self.world.clock.now()

    def _told_tokens(self) -> Record:
        told = {"access_token": self.access_token, "refresh_token": self.refresh_token}
        return {**told, "expires_in": int(self.token_seconds), "scope": "all"}

    def _exchange(self, form: dict[str, str]) -> Record:
        if form["grant_type"] != "authorization_code":
            raise _Refused(130, "grant_type错误")
        if self.codes.pop(form.get("code", ""), 0.0) <= self.world.clock.now():
            raise _Refused(10015, "code无效或已过期")
        self._issue()
        return self._told_tokens()

    def _refresh(self, form: dict[str, str]) -> Record:
        if form["grant_type"] != "refresh_token" or form.get("scope") != "all":
            raise _Refused(130, "grant_type或scope错误")
        if form.get("refresh_token") != self.refresh_token:
            raise _Refused(100, "refresh_token无效")
        self._issue()
        return self._told_tokens()

    # --- what may be asked ----------------------------------------------------------------------------------------

    def _listed(self, operation: _Operation, asked: Record) -> Record:
        most = self.order_page if operation.stream == "orders" else operation.most
        number, size = asked.get("page_index", 1), asked.get("page_size", 30)
        if not _whole(number, 1, 1_000_000) or not _whole(size, 1, most):
            raise _Refused(170, f"page_index从1开始，page_size最大{most}")
        rows = self._rows(operation, asked)
        page = rows[(number - 1) * size : number * size]
        told = {"page_index": number, "page_size": size, "has_next": len(rows) > number * size}
        if asked.get("is_get_total", True):
            told |= {"page_count": -(-len(rows) // size), "data_count": len(rows)}
        return {**told, operation.listed: [operation.form(row, self._row_version(operation, row)) for row in page]}

    def _row_version(self, operation: _Operation, row: Record) -> int:
        return self._ts[operation.stream, str(row["id"])][1]

    def _rows(self, operation: _Operation, asked: Record) -> list[Record]:
        """The rows that are meant: by ids, after a row version, or of a window; the shops are all there are."""
        there = list(self.world.records.get(operation.stream, {}).values())
        named = next((name for name in operation.ids if asked.get(name)), None)
        if named:
            return _of_ids(operation, there, named, asked[named])
        if operation.by_ts and asked.get("start_ts") is not None:
            if not _whole(asked["start_ts"], 0, 2**63 - 1):
                raise _Refused(170, "start_ts错误")
            after = [row for row in there if self._row_version(operation, row) > asked["start_ts"]]
            return sorted(after, key=lambda row: self._row_version(operation, row))
        if not operation.timed:
            return sorted(there, key=lambda row: row["id"])
        return self._window(operation, there, asked)

    def _window(self, operation: _Operation, there: list[Record], asked: Record) -> list[Record]:
        begin, end = _moment(asked.get("modified_begin")), _moment(asked.get("modified_end"))
        if begin is None or end is None:
            raise _Refused(170, "修改起始时间和结束时间必须同时存在")
        if end < begin or end - begin > 7 * DAY:
            raise _Refused(170, "时间间隔不能超过七天")
        kind = asked.get("date_type", 0) if operation.stream == "orders" else 0
        if kind not in (0, 2, 3):
            raise _Refused(170, "date_type错误")
        times = {id(row): _time(row, kind) for row in there}
        rows = [row for row in there if begin <= times[id(row)] <= end]
        return sorted(rows, key=lambda row: (times[id(row)], row["id"]))


def _time(row: Record, kind: int) -> float:
    """The time a row is asked by: its modification, its order, or its sending, which is never where it was not sent."""
    if kind == 3 and not order_form(row, 0)["send_date"]:
        return -1.0
    return float(row["created"] if kind == 2 else row["modified"])


def _of_ids(operation: _Operation, there: list[Record], named: str, ids: Any) -> list[Record]:
    """The rows of some ids: a list, but SKUs stand in one text with commas."""
    wanted = ids.split(",") if isinstance(ids, str) else ids
    most = operation.most if named == "sku_ids" else 20
    if not isinstance(wanted, list) or len(wanted) > most or isinstance(ids, str) != (named == "sku_ids"):
        raise _Refused(170, f"{named}最多{most}个")
    key = "id" if named == "o_ids" and operation.stream == "orders" else KEYS[named]
    rows = [row for row in there if str(row[key]) in set(map(str, wanted))]
    return sorted(rows, key=lambda row: row["id"])


def _business(text: str) -> Record:
    try:
        asked = json.loads(text)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _Refused(170, "biz不是合法的JSON")
    return asked


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _moment(value: Any) -> float | None:
    """A time of Beijing in the platform's text, in seconds."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        return None
