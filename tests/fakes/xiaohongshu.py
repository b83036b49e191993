"""A simulated Xiaohongshu store (小红书 千帆): one address, one JSON body for system and business parameters.

Only four system parameters are signed. Requests name times in seconds for orders and in milliseconds for after-sales and
finance; answers are always in milliseconds. Orders are in 分, after-sales in 元. After-sales and finance answer in two
layers. Error numbers other than 0 are negative; the particular numbers are not documented in one place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable
from typing import Any

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, path_of

DAY = 86_400
PATH = "/ark/open_api/v3/common_controller"
SYSTEM = ("appId", "method", "version", "timestamp", "sign")
LADDER = (1, 2, 4, 6, 7)  # 待付款 已支付 待发货 待收货 已完成
RETURN_LADDER = (1, 2, 3, 4)  # 待审核 待用户寄回 待商家收货 已完成
TITLES = ("植物精油护手霜", "亚麻宽松衬衫", "无糖坚果燕麦片 1kg", "手冲咖啡壶套装", "遮瑕气垫粉底", "羊毛混纺围巾")


class _Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, code: int, message: str) -> None:
        self.body: Record = {"success": False, "error_code": code, "error_msg": message, "data": None}
        super().__init__(message)


def signature(method: str, app_id: str, timestamp: str, version: str, app_secret: str) -> str:
    """The signature: MD5 in lower-case hex of method, `?`, the other three system parameters, and the secret."""
    text = f"{method}?appId={app_id}&timestamp={timestamp}&version={version}{app_secret}"
    return hashlib.md5(text.encode()).hexdigest()


# --- records -----------------------------------------------------------------------------------------------------


def make_order(luck: random.Random, n: int) -> Record:
    """An order of one to four lines; money in 分."""
    lines = []
    for at in range(luck.randint(1, 4)):
        goods, price = luck.randrange(60), 100 * luck.randint(9, 399)
        lines.append(
            {"at": at, "goods": goods, "price": price, "count": luck.randint(1, 3), "off": luck.choice((0, 0, 500))}
        )
    return {
        "id": f"P{800_347_296_683_000_000 + 7919 * n}",
        "lines": lines,
        "post": luck.choice((0, 0, 0, 800)),
        "step": luck.choice((0, 1, 2, 2, 3)),
        "cancelled": luck.random() < 0.08,
        "buyer": luck.randrange(10_000),
        "place": luck.choice(
            (("上海市", "上海市", "徐汇区"), ("四川省", "成都市", "锦江区"), ("湖北省", "武汉市", "武昌区"))
        ),
    }


def make_refund(luck: random.Random, n: int) -> Record:
    """An after-sale of every third order; type 2 is an exchange, which moves no money."""
    return {
        "id": f"R{730_020_000_000_000 + 131 * n}",
        "order": f"P{800_347_296_683_000_000 + 7919 * 3 * n}",
        "way": luck.choice((1, 1, 2, 4, 5)),
        "amount": 10 * luck.randint(90, 2990),
        "step": luck.randrange(3),
        "goods": luck.randrange(60),
    }


def make_settlement(luck: random.Random, n: int) -> Record:
    """A line of the settlement of an order: money in (0) or a refund (1)."""
    return {
        "id": f"T{20_260_000_000_000_000 + 17 * n}",
        "order": f"P{800_347_296_683_000_000 + 7919 * n}",
        "kind": int(luck.random() < 0.15),
        "amount": luck.randint(900, 60_000),
    }


def _step(ladder: tuple[int, ...], record: Record) -> int:
    return ladder[min(record["step"] + record["version"] - 1, len(ladder) - 1)]


def _ms(time: float) -> int:
    return int(time) * 1000


def _line(line: Record) -> Record:
    goods = line["goods"]
    return {
        "skuId": f"64f{goods:021x}",
        "skuName": f"{TITLES[goods % 6]} {goods:02d}号",
        "erpcode": f"XHS-{goods:04d}",
        "itemId": f"63a{goods // 2:021x}",
        "itemName": TITLES[goods % 6],
        "skuSpec": "默认规格",
        "skuQuantity": line["count"],
        "skuTag": 0,
        "totalMerchantDiscount": line["off"],
        "totalRedDiscount": 0,
        "totalTaxAmount": 0,
        "totalPaidAmount": line["price"] * line["count"] - line["off"],
    }


def order_form(record: Record) -> Record:
    """An order as its detail is served; every later version pays a 分 more postage, and has come further."""
    lines = [_line(line) for line in record["lines"]]
    status = 9 if record["cancelled"] else _step(LADDER, record)
    post = record["post"] + record["version"] - 1
    return {
        "orderId": record["id"],
        "orderType": 1,
        "orderStatus": status,
        "orderAfterSalesStatus": 1,
        "cancelStatus": 2 if status == 9 else 0,
        "createdTime": _ms(record["created"]),
        "paidTime": 0 if status in (1, 9) else _ms(record["created"] + 27),
        "updateTime": _ms(record["modified"]),
        "deliveryTime": _ms(record["modified"]) if status in (6, 7) else 0,
        "cancelTime": _ms(record["modified"]) if status == 9 else 0,
        "finishTime": _ms(record["modified"]) if status == 7 else 0,
        "totalPayAmount": sum(line["totalPaidAmount"] for line in lines) + post,
        "totalShippingFree": post,
        "totalMerchantDiscount": sum(line["totalMerchantDiscount"] for line in lines),
        "totalRedDiscount": 0,
        "merchantActualReceiveAmount": sum(line["totalPaidAmount"] for line in lines) + post,
        "userId": f"5f{record['buyer']:022x}",
        "shopId": "61cd000000000000000000a1",
        "shopName": "示例品牌店",
        "expressTrackingNo": f"SF{record['id'][-12:]}" if status in (6, 7) else "",
        "expressCompanyCode": "shunfeng" if status in (6, 7) else "",
        **dict(zip(("receiverProvinceName", "receiverCityName", "receiverDistrictName"), record["place"], strict=True)),
        "skuList": lines,
    }


def listed_order(record: Record) -> Record:
    """An order as it stands in the list: without its lines and its receiver."""
    return {
        key: value for key, value in order_form(record).items() if key != "skuList" and not key.startswith("receiver")
    }


def refund_form(record: Record) -> Record:
    """An after-sale as its detail is served: `refundAmountYuan` is what was refunded, in 元."""
    status = _step(RETURN_LADDER, record)
    done = status == 4 and record["way"] != 2
    asked = record["amount"] + record["version"] - 1
    return {
        "returnsId": record["id"],
        "orderId": record["order"],
        "returnType": record["way"],
        "status": status,
        "refundStatus": 2 if done else 0 if record["way"] == 2 else 1,
        "applyTime": _ms(record["created"]),
        "updatedAt": _ms(record["modified"]),
        "refundTime": _ms(record["modified"]) if done else 0,
        "expectedRefundAmountYuan": asked / 100,
        "refundAmountYuan": asked / 100 if done else 0,
        "reasonId": 7,
        "reasonNameZh": "七天无理由",
        "userId": f"5f{record['goods']:022x}",
        "skus": [{"skuId": f"64f{record['goods']:021x}", "skuName": TITLES[record["goods"] % 6], "appliedCount": 1}],
    }


def listed_refund(record: Record) -> Record:
    """An after-sale as it stands in the list: with the expected amount only."""
    return {
        key: value
        for key, value in refund_form(record).items()
        if key not in ("refundAmountYuan", "refundTime", "skus")
    }


def settlement_form(record: Record) -> Record:
    """A line of settlement; it is dated by when it was settled (last)."""
    amount = record["amount"] + record["version"] - 1
    return {
        "transactionId": record["id"],
        "orderId": record["order"],
        "settleBizType": record["kind"],
        "commonSettleStatus": 1,
        "erqingType": 0,
        "settleTime": _ms(record["modified"]),
        "orderTime": _ms(record["created"]),
        "amount": amount,
        "goodsAmount": amount + amount // 20,
        "commissionAmount": amount // 20,
    }


# --- the platform ------------------------------------------------------------------------------------------------


class Xiaohongshu:
    """Xiaohongshu's gateway. `with:` of a source is `settings()`: app_id, app_secret, access_token, refresh_token, `url`.

    Lists are sorted by the time they are asked by, the latest first. So a row that is modified while its window is read
    leaves the window and pulls the rows behind it one place forward: reading pages from 1 upwards loses one, reading from
    `maxPageNo` down to 1 does not. Times of a window belong to it at both ends, but finance leaves the end out.
    """

    name = "xiaohongshu"
    streams = {"orders": "orderId", "refunds": "returnsId", "settlements": "transactionId"}  # noqa: RUF012
    makers = {"orders": make_order, "refunds": make_refund, "settlements": make_settlement}  # noqa: RUF012

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_id, self.app_secret = "xhsTEST0000000000001", "xhsSecret0123456789abcdef"
        self.token_seconds = 7.0 * DAY
        self.tolerance = 600.0
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (200, 1.0)
        self.app_rate: tuple[int, float] | None = (100, 1.0)
        self.faults: list[str | int] = []
        self.codes = {"xhsCode0001": world.clock.now() + 600}
        self._lock = threading.RLock()
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._used: dict[int, int] = {}
        self._issued = 0
        self._granted_at: dict[str, float] = {}
        self._dies_at: dict[str, float] = {}
        self._issue()
        for kind, make in self.makers.items():
            world.makers.setdefault(kind, make)

    def fill(self, orders: int = 120, days: float = 3) -> None:
        """Give the shop that many orders of the last days, and after-sales and settlements in proportion."""
        now = self.world.clock.now()
        for kind, share in (("orders", 1.0), ("refunds", 1 / 3), ("settlements", 1 / 2)):
            self.world.fill(kind, self.makers[kind], int(orders * share), now - days * DAY, now - 600)

    def settings(self) -> dict[str, Any]:
        return {
            "app_id": self.app_id,
            "app_secret": self.app_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": f"{self.base}{self.prefix}{PATH}",
        }

    def truth(self, stream: str) -> dict[str, Record]:
        form = {"orders": order_form, "refunds": refund_form, "settlements": settlement_form}[stream]
        with self._lock:
            return {key: form(record) for key, record in self.world.records.get(stream, {}).items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer(refused.body)

    def _planned(self) -> Response | None:
        trouble = self.faults.pop(0) if self.faults else None
        if trouble == "timeout":
            raise TryAgain("timed out")
        if trouble == "busy":
            raise _Refused(-1, "系统繁忙，请稍后再试")
        if trouble == "ban":
            raise _Refused(-9070, "请求过于频繁，已被限流")
        if isinstance(trouble, int):
            told = (("retry-after", "1"),) if trouble == 429 else ()
            return Response(trouble, (("content-type", "text/plain"), *told), b"unavailable")
        return None

    def _answered(self, request: Request) -> Response:
        if path_of(request).removeprefix(self.prefix) != PATH:
            return Response(404, (("content-type", "text/plain"),), b"not found")
        if request.method != "POST":
            return Response(405, (("content-type", "text/plain"),), b"method not allowed")
        try:
            asked = json.loads(request.body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise _Refused(-9000, "请求体不是合法的JSON")
        data = self._call(asked)(asked)
        return answer({"success": True, "error_code": 0, "error_msg": "", "data": data})

    def _call(self, asked: Record) -> Callable[[Record], Record]:
        """The call that is meant, once it is clear who calls."""
        tokens = {"oauth.getAccessToken": self._exchange, "oauth.refreshToken": self._refresh}
        calls = {
            "order.getOrderList": self._orders,
            "order.getOrderDetail": self._order,
            "afterSale.listAfterSaleInfos": self._refunds,
            "afterSale.getAfterSaleInfo": self._refund,
            "finance.pageQueryTransaction": self._settlements,
        }
        self._check(asked)
        method = asked["method"]
        if method in tokens:
            return tokens[method]
        if method not in calls:
            raise _Refused(-9001, f"method {method} 不存在")
        self._check_token(asked.get("accessToken"))
        self._count(method)
        return calls[method]

    def _check(self, asked: Record) -> None:
        missing = [name for name in SYSTEM if not isinstance(asked.get(name), str) or not asked[name]]
        if missing:
            raise _Refused(-9002, f"系统参数 {missing[0]} 缺失或类型错误")
        if asked["appId"] != self.app_id:
            raise _Refused(-9003, "appId 不存在")
        if asked["version"] != "2.0":
            raise _Refused(-9004, "version 错误")
        time = asked["timestamp"]
        if not time.isdigit() or abs(int(time) - self.world.clock.now()) > self.tolerance:
            raise _Refused(-9005, "timestamp 已过期")
        right = signature(asked["method"], self.app_id, time, asked["version"], self.app_secret)
        if not hmac.compare_digest(right, asked["sign"]):
            raise _Refused(-9006, "sign 校验失败")

    def _check_token(self, token: Any) -> None:
        if not token:
            raise _Refused(-9007, "accessToken 缺失")
        if token not in self._granted_at:
            raise _Refused(-9008, "accessToken 无效")
        now = self.world.clock.now()
        if now >= min(self._granted_at[token] + self.token_seconds, self._dies_at[token]):
            raise _Refused(-9009, "accessToken 已过期")

    def _count(self, method: str) -> None:
        day = int((self.world.clock.now() + 8 * 3600) // DAY)
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(-9071, "当日调用次数已达上限")
        for name, rate in (("", self.app_rate), (method, self.rate)):
            if rate and self._buckets.setdefault((name, rate), Bucket(self.world.clock, *rate)).over():
                raise _Refused(-9070, "请求过于频繁，已被限流")

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _issue(self) -> None:
        self._issued += 1
        self.access_token, self.refresh_token = f"token-{self._issued:04d}-xhs", f"refresh-{self._issued:04d}-xhs"
        now = self.world.clock.now()
        self._granted_at[self.access_token], self._dies_at[self.access_token] = now, float("inf")
        self._refresh_dies = now + 14 * DAY

    def _told_tokens(self) -> Record:
        return {
            "accessToken": self.access_token,
            "accessTokenExpiresAt": _ms(self._granted_at[self.access_token] + self.token_seconds),
            "refreshToken": self.refresh_token,
            "refreshTokenExpiresAt": _ms(self._refresh_dies),
            "sellerId": "61cd000000000000000000a1",
            "sellerName": "示例品牌店",
        }

    def _exchange(self, asked: Record) -> Record:
        if self.codes.pop(asked.get("code", ""), 0.0) <= self.world.clock.now():
            raise _Refused(-9010, "code 无效或已过期")
        self._issue()
        return self._told_tokens()

    def _refresh(self, asked: Record) -> Record:
        """New tokens in the last half hour and after; before that, the ones there are. The old refresh token is dead."""
        now = self.world.clock.now()
        if asked.get("refreshToken") != self.refresh_token or now >= self._refresh_dies:
            raise _Refused(-9011, "refreshToken 无效或已过期")
        if now >= self._granted_at[self.access_token] + self.token_seconds - 1800:
            self._dies_at[self.access_token] = now + 300
            self._issue()
        return self._told_tokens()

    # --- orders, after-sales, finance -----------------------------------------------------------------------------

    def _orders(self, asked: Record) -> Record:
        rows = self._window(asked, "orders", 1.0)
        status, page, size = asked.get("orderStatus", 0), asked.get("pageNo", 1), asked.get("pageSize", 50)
        if status not in range(11) or isinstance(status, bool):
            raise _Refused(-1001, "orderStatus 错误")
        if not _within(page, 100) or not _within(size, 100):
            raise _Refused(-1001, "pageNo 和 pageSize 不能超过100")
        rows = [row for row in rows if status in (0, order_form(row)["orderStatus"])]
        shown = [listed_order(row) for row in rows[(page - 1) * size : page * size]]
        told = {"total": len(rows), "pageNo": page, "pageSize": size, "maxPageNo": -(-len(rows) // size)}
        return {**told, "orderList": shown}

    def _order(self, asked: Record) -> Record:
        return order_form(self._one("orders", asked.get("orderId"), "orderId"))

    def _refunds(self, asked: Record) -> Record:
        page, size = asked.get("pageNo"), asked.get("pageSize")
        if not _within(size, 100) or not _within(page, 50_000) or page * size > 50_000:
            raise _Refused(-1001, "pageSize 不能超过100，pageNo*pageSize 不能超过50000")
        if asked.get("orderId"):
            there = self.world.records.get("refunds", {}).values()
            rows = [row for row in there if row["order"] == asked["orderId"]]
        else:
            rows = self._window(asked, "refunds", 1000.0)
        types, statuses = asked.get("returnTypes") or [], asked.get("statuses") or []
        if not isinstance(types, list) or not isinstance(statuses, list):
            raise _Refused(-1001, "returnTypes 和 statuses 应为数组")
        rows = [row for row in rows if not types or row["way"] in types]
        rows = [row for row in rows if not statuses or _step(RETURN_LADDER, row) in statuses]
        shown = [listed_refund(row) for row in rows[(page - 1) * size : page * size]]
        return _layered({"afterSaleBasicInfos": shown, "totalCount": len(rows), "pageNo": page, "pageSize": size})

    def _refund(self, asked: Record) -> Record:
        return _layered({"afterSaleInfo": refund_form(self._one("refunds", asked.get("returnsId"), "returnsId"))})

    def _settlements(self, asked: Record) -> Record:
        page, size = asked.get("pageNum"), asked.get("pageSize")
        if not _within(page, 10_000) or not _within(size, 100):
            raise _Refused(-1001, "pageNum 或 pageSize 错误")
        start, end = _time(asked, "startTime", 1000.0), _time(asked, "endTime", 1000.0)
        if end <= start or end - start > DAY:
            raise _Refused(-1002, "查询时间范围不能超过1天")
        rows = [row for row in self.world.records.get("settlements", {}).values() if start <= row["modified"] < end]
        if asked.get("settleBizType") is not None:
            rows = [row for row in rows if row["kind"] == asked["settleBizType"]]
        if asked.get("commonSettleStatus") == 0:  # all there is has been settled
            rows = []
        rows.sort(key=lambda row: (row["modified"], row["id"]), reverse=True)
        shown = [settlement_form(row) for row in rows[(page - 1) * size : page * size]]
        told = {"total": len(rows), "totalPage": -(-len(rows) // size), "pageNum": page, "pageSize": size}
        return _layered({"transactions": shown, **told})

    def _window(self, asked: Record, kind: str, unit: float) -> list[Record]:
        """The rows of a window, the latest first: a day by creation, half an hour by modification."""
        how = asked.get("timeType")
        if how not in (1, 2):
            raise _Refused(-1001, "timeType 错误")
        start, end = _time(asked, "startTime", unit), _time(asked, "endTime", unit)
        if end <= start or end - start > (DAY if how == 1 else 1800):
            raise _Refused(-1002, f"查询时间范围不能超过{'24小时' if how == 1 else '30分钟'}")
        field = "created" if how == 1 else "modified"
        rows = [row for row in self.world.records.get(kind, {}).values() if start <= row[field] <= end]
        return sorted(rows, key=lambda row: (row[field], row["id"]), reverse=True)

    def _one(self, kind: str, key: Any, name: str) -> Record:
        if not isinstance(key, str) or not key:
            raise _Refused(-1001, f"{name} 不能为空")
        record = self.world.records.get(kind, {}).get(key)
        if record is None:
            raise _Refused(-1003, f"{name} 不存在")
        return record


def _layered(data: Record) -> Record:
    """The second layer that after-sales and finance have inside the gateway's."""
    return {"code": 0, "msg": "成功", "success": True, "data": data}


def _within(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _time(asked: Record, name: str, unit: float) -> float:
    """A time among a call's parameters, in seconds; one in the wrong unit is no time of this century, and refused."""
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1e9 <= value / unit <= 4e9:
        raise _Refused(-1001, f"{name} 错误")
    return value / unit
