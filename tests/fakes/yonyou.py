"""Yonyou BIP / YonSuite: where the data centre is, a signed call for a token, then lists by page.

The look-up by tenant tells the gateway and the token service. The token call is signed with HMAC-SHA256 in Base64; a
token lives two hours. Business calls carry it in the query and take a JSON body; success is `code` "200" there and
"00000" at the token service. Ids are 19-digit JSON integers.

Not known from public text, chosen here: the paths of the lists, their filter (`simpleVOs` on `pubts`, the time of
modification) and order (latest first unless `queryOrders` says otherwise), 500 rows a page, the error codes, and a
tolerance of 5 minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, path_of, query_of

_BEIJING = timezone(timedelta(hours=8))
_TOKEN = ("/token/open-auth/selfAppAuth/getAccessToken", "/token/open-auth/selfAppAuth/base/v1/getAccessToken")
_CENTRE = "/open-auth/dataCenter/getGatewayAddress"
_GATEWAY = "/iuap-api-gateway"
_GOODS = ("玻尿酸保湿精华液", "氨基酸洁面乳", "烟酰胺美白面膜", "防晒霜", "丝绒哑光口红", "修护眼霜")
_STATES = (0, 1, 2, 2)
_FIRST = 2_292_380_297_840_295_937


def token_signature(app_key: str, timestamp: str, secret: str) -> str:
    """Base64 of HMAC-SHA256 over `appKey{key}timestamp{milliseconds}`; escaped only on the wire."""
    packed = f"appKey{app_key}timestamp{timestamp}"
    return base64.b64encode(hmac.new(secret.encode(), packed.encode(), hashlib.sha256).digest()).decode()


class _Refused(Exception):
    """The platform's error body."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message


class Yonyou:
    """A tenant with sales orders, deliveries, returns, products and stock.

    Settings: `url` (the gateway), `token_url` (the token service's origin), `app_key`, `app_secret`. The look-up of both
    addresses by `tenant_id` stands at `centre_url`.
    """

    name = "yonyou"
    streams: ClassVar[dict[str, str]] = {
        "orders": "id",
        "shipments": "id",
        "refunds": "id",
        "items": "id",
        "inventory": "id",
    }
    paths: ClassVar[dict[str, str]] = {
        "orders": "/yonbip/sd/voucherorder/list",
        "shipments": "/yonbip/sd/voucherdelivery/list",
        "refunds": "/yonbip/sd/vouchersalereturn/list",
        "items": "/yonbip/digitalModel/product/list",
        "inventory": "/yonbip/scm/stock/list",
    }
    largest, skew = 500, 300_000

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret, self.tenant_id = (
            "41832a3d2df94989b500da6a22268747",
            "yyS3cret0123456789abcdef",
            "demo0001",
        )
        self.token_seconds = 7_200
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (60, 60.0)
        self._buckets: dict[str, tuple[tuple[int, float], Bucket]] = {}
        self._used: dict[str, int] = {}
        self._tokens: dict[str, float] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._item, "orders": self._order, "refunds": self._return}
        world.makers.update(self.makers)

    @property
    def centre_url(self) -> str:
        return f"{self.base}{self.prefix}{_CENTRE}"

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"{self.base}{self.prefix}{_GATEWAY}",
            "token_url": f"{self.base}{self.prefix}/token",
            "app_key": self.app_key,
            "app_secret": self.app_secret,
        }

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the tenant with orders of the last days, and products and returns that go with them."""
        now = self.world.clock.now()
        for kind, count in (("items", 8 + orders // 20), ("orders", orders), ("refunds", orders // 8)):
            self.world.fill(kind, self.makers[kind], count, now - days * 86_400, now - 600)

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            return {str(row["id"]): row for row in self._rows(stream)}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer({"code": refused.code, "message": refused.message, "data": None})

    def _planned(self) -> Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return None
        if fault == "timeout":
            raise TryAgain("timed out")
        if isinstance(fault, int):
            more = (("retry-after", "1"),) if fault == 429 else ()
            return Response(fault, (("content-type", "text/plain"), *more), b"try later")
        raise _Refused(
            *(("999", "服务暂时不可用，请稍后重试") if fault == "busy" else ("310429", "API调用频率超过限制"))
        )

    def _answered(self, request: Request) -> Response:
        path = path_of(request).removeprefix(self.prefix)
        if path == _CENTRE:
            return self._centre(request)
        if path in _TOKEN:
            return self._token(request)
        stream = next((name for name, known in self.paths.items() if path == _GATEWAY + known), None)
        if stream is None or request.method != "POST":
            raise _Refused("310404", "API不存在")
        self._admit(query_of(request))
        self._count(path)
        return self._list(stream, request.body)

    def _centre(self, request: Request) -> Response:
        if query_of(request).get("tenantId") != self.tenant_id:
            raise _Refused("50001", "租户不存在")
        settings = self.settings()
        return answer(
            {
                "code": "00000",
                "message": "成功！",
                "data": {"gatewayUrl": settings["url"], "tokenUrl": settings["token_url"]},
            }
        )

    def _token(self, request: Request) -> Response:
        params = query_of(request)
        for name in ("appKey", "timestamp", "signature"):
            if not params.get(name):
                raise _Refused("50002", f"缺少参数{name}")
        if params["appKey"] != self.app_key:
            raise _Refused("50003", "appKey不存在")
        now = self.world.clock.now()
        if not params["timestamp"].isdecimal() or abs(int(params["timestamp"]) - now * 1000) > self.skew:
            raise _Refused("50004", "timestamp已过期")
        if not hmac.compare_digest(
            token_signature(self.app_key, params["timestamp"], self.app_secret), params["signature"]
        ):
            raise _Refused("50005", "签名不正确")
        token = f"{self.world.random.getrandbits(128):032x}"
        self._tokens[token] = now + self.token_seconds
        return answer(
            {"code": "00000", "message": "成功！", "data": {"access_token": token, "expire": self.token_seconds}}
        )

    def _admit(self, params: dict[str, str]) -> None:
        if not params.get("access_token"):
            raise _Refused("310035", "缺少access_token")
        until = self._tokens.get(params["access_token"])
        if until is None or until <= self.world.clock.now():
            raise _Refused("310036", "access_token无效或已过期")

    def _count(self, path: str) -> None:
        if self.rate:
            rate, bucket = self._buckets.get(path, (None, None))
            if bucket is None or rate != self.rate:
                bucket = Bucket(self.world.clock, *self.rate)
                self._buckets[path] = (self.rate, bucket)
            if bucket.over():
                raise _Refused("310429", "API调用频率超过限制")
        day = _text(self.world.clock.now())[:10]
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused("310430", "API当日调用次数超过限制")

    # --- the lists ---

    def _list(self, stream: str, body: bytes) -> Response:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise _Refused("400", "请求体不是合法的JSON")
        number, size = asked.get("pageIndex"), asked.get("pageSize")
        if type(number) is not int or type(size) is not int:
            raise _Refused("400", "pageIndex和pageSize不能为空且必须是整数")
        if number < 1 or not 1 <= size <= self.largest:
            raise _Refused("400", f"pageIndex从1开始,pageSize不能大于{self.largest}")
        rows = [row for row in self._rows(stream) if all(_fits(row, term) for term in asked.get("simpleVOs") or ())]
        rows = _ordered(rows, asked.get("queryOrders") or [{"field": "pubts", "order": "desc"}])
        pages = -(-len(rows) // size)
        data = {
            "pageIndex": number,
            "pageSize": size,
            "recordCount": len(rows),
            "pageCount": pages,
            "recordList": rows[(number - 1) * size : number * size],
        }
        return answer({"code": "200", "message": "操作成功", "data": data})

    def _rows(self, stream: str) -> list[Record]:
        kind = {"shipments": "orders", "inventory": "items"}.get(stream, stream)
        records = sorted(self.world.records.get(kind, {}).values(), key=lambda one: int(one["id"]))
        if stream == "shipments":
            return [_delivery(one) for one in records if _state(one) == 2]
        form = {"orders": _order_row, "refunds": _return_row, "items": _product_row, "inventory": _stock_row}
        return [form[stream](one) for one in records]

    # --- the makers ---

    def _item(self, chance: random.Random, index: int) -> Record:
        return {
            "id": str(_FIRST + index * 7),
            "title": chance.choice(_GOODS),
            "price": chance.randrange(1_990, 29_990, 10),
            "stock": chance.randrange(900),
        }

    def _order(self, chance: random.Random, index: int) -> Record:
        items = list(self.world.records.get("items", {}).values()) or [self._item(chance, 0)]
        lines = []
        for place in range(chance.randint(1, 4)):
            item, quantity = chance.choice(items), chance.randint(1, 20)
            lines.append(
                {
                    "id": _FIRST + 20_000_000 + index * 10 + place,
                    "item": item,
                    "quantity": quantity,
                    "price": item["price"],
                }
            )
        customer = chance.choice(("杭州示例百货", "天猫旗舰店", "深圳示例商贸"))
        return {
            "id": str(_FIRST + 10_000_000 + index * 3),
            "index": index,
            "lines": lines,
            "customer": customer,
            "state": chance.randrange(3),
        }

    def _return(self, chance: random.Random, index: int) -> Record:
        orders = list(self.world.records.get("orders", {}).values()) or [self._order(chance, 0)]
        order = chance.choice(orders)
        return {
            "id": str(_FIRST + 40_000_000 + index * 3),
            "index": index,
            "order": order,
            "lines": order["lines"][:1],
            "customer": order["customer"],
            "state": chance.randrange(3),
        }


def _fits(row: Record, term: Record) -> bool:
    name, kind, value = term.get("field"), term.get("op"), term.get("value1")
    if name not in row or isinstance(row[name], list):
        raise _Refused("400", f"查询字段{name}不存在")
    if kind not in ("eq", "egt", "elt", "between"):
        raise _Refused("400", f"查询操作符{kind}不支持")
    if not isinstance(value, type(row[name])) or (
        kind == "between" and not isinstance(term.get("value2"), type(row[name]))
    ):
        raise _Refused("400", f"查询字段{name}的值不正确")
    if kind == "between":
        return bool(value <= row[name] <= term["value2"])
    return bool({"eq": row[name] == value, "egt": row[name] >= value, "elt": row[name] <= value}[kind])


def _ordered(rows: list[Record], orders: list[Record]) -> list[Record]:
    for order in reversed(orders):
        name, way = order.get("field"), order.get("order", "asc")
        if (rows and name not in rows[0]) or way not in ("asc", "desc"):
            raise _Refused("400", f"排序字段{name}不正确")
        rows = sorted(rows, key=lambda row, name=name: row[name], reverse=way == "desc")
    return rows


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, _BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _state(record: Record) -> int:
    return _STATES[min(record["state"] + record["version"] - 1, len(_STATES) - 1)]


def _line(line: Record) -> Record:
    return {
        "id": line["id"],
        "productId": int(line["item"]["id"]),
        "productCode": f"TS-{int(line['item']['id']) % 100_000}",
        "productName": line["item"]["title"],
        "unitId": _FIRST - 1,
        "qty": line["quantity"],
        "oriTaxUnitPrice": line["price"] / 100,
        "oriSum": line["quantity"] * line["price"] / 100,
    }


def _voucher(record: Record, mark: str, details: str) -> Record:
    return {
        "id": int(record["id"]),
        "code": f"{mark}{record['index']:08d}",
        "vouchdate": _text(record["created"])[:10] + " 00:00:00",
        "agentId_name": record["customer"],
        "status": _state(record),
        "payMoney": sum(line["quantity"] * line["price"] for line in record["lines"]) / 100,
        "currency_code": "CNY",
        "createTime": _text(record["created"]),
        "modifyTime": _text(record["modified"]),
        "pubts": _text(record["modified"]),
        "memo": "" if record["version"] == 1 else f"第{record['version']}版",
        details: [_line(line) for line in record["lines"]],
    }


def _order_row(order: Record) -> Record:
    return {
        **_voucher(order, "SO", "orderDetails"),
        "nextStatus": ("CONFIRMORDER", "DELIVERGOODS", "ENDORDER")[_state(order)],
    }


def _delivery(order: Record) -> Record:
    row = {
        **_voucher(order, "DN", "deliveryDetails"),
        "id": int(order["id"]) + 100_000_000,
        "orderId": int(order["id"]),
    }
    return {**row, "warehouse_name": "主仓", "logisticsBillNo": f"SF{order['index']:010d}"}


def _return_row(record: Record) -> Record:
    row = {**_voucher(record, "SR", "saleReturnDetails"), "orderId": int(record["order"]["id"])}
    return {**row, "returnReason": "质量问题"}


def _product_row(item: Record) -> Record:
    return {
        "id": int(item["id"]),
        "code": f"TS-{int(item['id']) % 100_000}",
        "name": item["title"],
        "manageClass_name": "美妆",
        "unitId": _FIRST - 1,
        "stopstatus": item["version"] > 3,
        "fMarkPrice": (item["price"] + (item["version"] - 1) * 10) / 100,
        "createTime": _text(item["created"]),
        "pubts": _text(item["modified"]),
    }


def _stock_row(item: Record) -> Record:
    return {
        "id": int(item["id"]) + 500_000_000,
        "product": int(item["id"]),
        "product_code": f"TS-{int(item['id']) % 100_000}",
        "warehouse_code": "CK001",
        "warehouse_name": "主仓",
        "currentqty": max(0, item["stock"] - item["version"] + 1),
        "availableqty": max(0, item["stock"] - item["version"] + 1),
        "pubts": _text(item["modified"]),
    }
