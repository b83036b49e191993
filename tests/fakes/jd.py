"""JD's open platform (JOS, routerjson): a pop shop's orders, refund applications, after-sale services, wares and stock.

What makes it hard to read, and is kept here:

* The envelope is misspelt (`..._responce`); an answer without `error_response` may still say inside that it failed.
* `order_state` and `optional_fields` decide what is served: states and fields that are not listed are not there.
* An order that was split stands beside its parts (`parentOrderId`). Refund applications can be sought by when they were
  applied for or checked, never by when they changed, and their amounts are in 分 while those of orders are in 元.
* System parameters come in the query or the form, business parameters as one JSON text. No `format`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from calendar import monthrange
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, path_of, query_of

BEIJING = timezone(timedelta(hours=8))
DAY = 86400
SPARE = 50
"""A full refund is so many 分 less than what was paid: an order may become cheaper afterwards."""
TOLERANCE = 360
"""Seconds by which `timestamp` may differ from the server's clock."""
SIGNED = ("360buy_param_json", "access_token", "app_key", "method", "timestamp", "v")
ERRORS = {
    "1": ("服务不可用，请求过于频繁", "Service unavailable, called too frequently"),
    "2": ("超出当日调用次数", "App Call Limited"),
    "5": ("缺少版本参数", "Missing version"),
    "6": ("无效版本参数", "Invalid version"),
    "7": ("缺少时间戳参数", "Missing timestamp"),
    "8": ("无效时间戳参数", "Invalid timestamp"),
    "11": ("缺少签名参数", "Missing sign"),
    "12": ("无效签名", "Invalid sign"),
    "14": ("缺少方法名参数", "Missing method"),
    "15": ("不存在的方法名", "Invalid method"),
    "18": ("缺少access_token参数", "Missing access_token"),
    "19": ("无效access_token", "Invalid access_token"),
    "20": ("缺少app_key参数", "Missing app_key"),
    "21": ("无效app_key", "Invalid app_key"),
    "60": ("缺少必要参数", "Missing required parameter"),
    "61": ("参数值无效", "Invalid parameter"),
    "62": ("360buy_param_json 不是合法的 JSON", "Invalid 360buy_param_json"),
    "65": ("平台连接后端服务超时", "Backend timeout"),
    "73": ("请将您的app入驻云鼎平台方可调用", "The app must run in the cloud"),
}
STATES = ("WAIT_SELLER_STOCK_OUT", "WAIT_GOODS_RECEIVE_CONFIRM", "FINISHED_L")
REMARKS = {
    "WAIT_SELLER_STOCK_OUT": "等待出库",
    "WAIT_GOODS_RECEIVE_CONFIRM": "等待确认收货",
    "WAIT_SELLER_DELIVERY": "等待发货",
    "PAUSE": "暂停",
    "FINISHED_L": "完成",
    "TRADE_CANCELED": "取消",
    "LOCKED": "锁定",
    "POP_ORDER_PAUSE": "商家暂停",
}
"""Every state that an order may have."""
ORDER_FIELDS = (
    "orderId,venderId,orderType,payType,orderTotalPrice,orderSellerPrice,orderPayment,freightPrice,sellerDiscount,orderState,"
    "orderStateRemark,orderStartTime,paymentConfirmTime,orderEndTime,modified,parentOrderId,orderSource,open_id_buyer,balanceUsed,"
    "storeOrder,waybill,logisticsId,venderRemark,consigneeInfo,itemInfoList,couponDetailList"
)
"""Every field of an order, as `optional_fields` wants it."""
WARE_FIELDS = (
    "wareId,title,categoryId,brandName,itemNum,outerId,jdPrice,marketPrice,stockNum,wareStatus,"
    "onlineTime,offlineTime,created,modified"
)
SKU_FIELDS = (
    "skuId,wareId,wareTitle,skuName,outerId,jdPrice,stockNum,status,categoryId,barCode,saleAttrs,created,modified"
)
TITLES = (
    "示例T恤",
    "羊毛针织衫",
    "商务休闲裤",
    "家用空气炸锅",
    "电动牙刷",
    "蓝牙耳机",
    "婴儿纸尿裤 L码",
    "有机大米 5kg",
    "洗衣凝珠 50颗",
    "电热水壶",
)
SIZES = ("S", "M", "L")
PLACES = (
    ("浙江", "杭州市", "余杭区"),
    ("广东", "深圳市", "南山区"),
    ("北京", "朝阳区", "三环以内"),
    ("四川", "成都市", "武侯区"),
)


def signature(params: dict[str, str], secret: str) -> str:
    """The signature over the system parameters and the JSON text of the business parameters."""
    joined = "".join(name + params[name] for name in sorted(params) if name in SIGNED)
    return hashlib.md5((secret + joined + secret).encode()).hexdigest().upper()


def written(seconds: float) -> str:
    """Beijing time as text."""
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def yuan(cents: int) -> str:
    """Cents as a text of yuan with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


class Refusal(Exception):
    """An `error_response`."""

    def __init__(self, code: str, more: str = "") -> None:
        zh, en = ERRORS[code]
        # The order of the three differs from call to call: they have to be read by name.
        self.body = {"error_response": {"en_desc": en + more, "zh_desc": zh + more, "code": code}}
        super().__init__(zh)


class Failure(Exception):
    """What goes wrong inside: the envelope says code 0, `success` says no."""


class Jd:
    """A pop shop of JD. Settings: app_key, app_secret, access_token, refresh_token, url, token_url (where tokens are refreshed).

    An access token may be refreshed in the last day of its life only; refreshing gives a new pair, and the old refresh
    token dies. `wrapper`, where set (`paramOrderJSFQuery`), is the object in which order searches want their parameters.
    Without `in_cloud` orders are refused (code 73). The world is filled with `count` orders of the last three days, and
    others in proportion. Streams `refunds` (refund applications) and `after_sales` (services with their refunds) are
    two documents; an item is a ware, `inventory` its SKUs.
    """

    name = "jd"
    path = "/routerjson"
    streams: ClassVar[dict[str, str]] = {
        "orders": "orderId",
        "refunds": "id",
        "after_sales": "sameOrderServiceBill.serviceId",
        "items": "wareId",
        "inventory": "skuId",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake", count: int = 120) -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret = "B7E1D2C3A4F5968778695A4B3C2D1E0F", "5d2a7c9e1b3f4a6d8c0e2f4a6b8d0c1e"
        self.access_token, self.refresh_token = "jdTESTaccessToken0123456789abcdef", "jdTESTrefreshToken0123456789abcde"
        self.vender = "10012345"
        self.token_seconds, self.issued = 30.0 * DAY, world.clock.now()
        self.wrapper: str | None = None
        self.in_cloud = True
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[int | str] = []
        self._calls: dict[str, int] = {}
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._lock = threading.RLock()
        self.makers = {
            "items": self._ware_made,
            "orders": self._order_made,
            "refunds": self._refund_made,
            "after_sales": self._service_made,
        }
        now = world.clock.now()
        for kind, part in (("items", 3), ("orders", 1), ("refunds", 4), ("after_sales", 5)):
            if count and kind not in world.records:
                world.fill(kind, self.makers[kind], max(1, count // part), now - 3 * DAY, now - 600)
        self.methods: dict[str, Callable[[Record], Record]] = {
            "jingdong.pop.order.search": self._orders,
            "jingdong.pop.order.enSearch": self._orders,
            "jingdong.pop.order.get": self._order_alone,
            "jingdong.pop.afs.soa.refundapply.queryPageList": self._refunds,
            "jingdong.asc.serviceAndRefund.view": self._services,
            "jingdong.ware.read.searchWare4Valid": self._wares,
            "jingdong.sku.read.searchSkuList": self._skus,
        }

    def settings(self) -> dict[str, Any]:
        return {
            "app_key": self.app_key,
            "app_secret": self.app_secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": self.base + self.prefix + self.path,
            "token_url": self.base + self.prefix + "/oauth2/refresh_token",
        }

    def truth(self, stream: str) -> dict[str, Record]:
        """Every record that is there now, by id."""
        with self._lock:
            records = self.world.records.get("items" if stream == "inventory" else stream, {})
            if stream == "inventory":
                return {str(sku["skuId"]): sku for record in records.values() for sku in self._skus_of(record)}
            show = {"orders": self._order, "refunds": self._refund, "after_sales": self._service, "items": self._ware}[
                stream
            ]
            return {key: show(record) for key, record in records.items()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            fault = self.faults.pop(0) if self.faults else None
            if fault == "timeout":
                raise TryAgain("timed out")
            if isinstance(fault, int):
                return Response(fault, (("retry-after", "1"),) if fault == 429 else (), b"upstream is unhappy")
            params = {
                **query_of(request),
                **dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)),
            }
            if path_of(request) == self.prefix + "/oauth2/refresh_token":
                return self._refreshed(params)
            if path_of(request) != self.prefix + self.path:
                return Response(404, (("content-type", "text/html"),), b"<html><body>404 Not Found</body></html>")
            try:
                return answer(self._answered(params, fault))
            except Refusal as refusal:
                return answer(refusal.body)

    # --- the gateway --------------------------------------------------------------------------------------------

    def _answered(self, params: dict[str, str], fault: str | None) -> Record:
        if fault == "busy":
            raise Refusal("65")
        if fault == "ban":
            raise Refusal("1")
        self._admit(params)
        method = params["method"]
        try:
            told = json.loads(params.get("360buy_param_json", "{}"))
        except ValueError:
            raise Refusal("62") from None
        if not isinstance(told, dict):
            raise Refusal("62")
        # `null` and "" are the same as not given.
        given = {name: value for name, value in told.items() if value not in (None, "")}
        return {f"{method.replace('.', '_')}_responce": {"code": "0", **self.methods[method](given)}}

    def _admit(self, params: dict[str, str]) -> None:
        """Refuse who may not call, in the order in which the gateway looks at a request."""
        if not params.get("method"):
            raise Refusal("14")
        if params["method"] not in self.methods:
            raise Refusal("15")
        if params.get("v") != "2.0":
            raise Refusal("6" if params.get("v") else "5")
        if params.get("app_key") != self.app_key:
            raise Refusal("21" if params.get("app_key") else "20")
        if not params.get("timestamp"):
            raise Refusal("7")
        at = _stamp(params["timestamp"])
        if at is None or abs(at - self.world.clock.now()) > TOLERANCE:
            raise Refusal("8")
        if not params.get("sign"):
            raise Refusal("11")
        if not hmac.compare_digest(params["sign"].encode(), signature(params, self.app_secret).encode()):
            raise Refusal("12")
        if not params.get("access_token"):
            raise Refusal("18")
        if params["access_token"] != self.access_token or self.world.clock.now() >= self.issued + self.token_seconds:
            raise Refusal("19")
        if "pop.order" in params["method"] and not self.in_cloud:
            raise Refusal("73")
        self._count(params["method"])

    def _count(self, method: str) -> None:
        today = written(self.world.clock.now())[:10]
        if self.daily_quota is not None and self._calls.get(today, 0) >= self.daily_quota:
            raise Refusal("2")
        if self.rate and self._buckets.setdefault((method, self.rate), Bucket(self.world.clock, *self.rate)).over():
            raise Refusal("1")
        self._calls[today] = self._calls.get(today, 0) + 1

    def _refreshed(self, params: dict[str, str]) -> Response:
        """A new pair of tokens. Too early and too late are both wrong, and every refresh token is good for once."""
        now, ends = self.world.clock.now(), self.issued + self.token_seconds
        wrongs = (
            (
                params.get("app_key") != self.app_key or params.get("app_secret") != self.app_secret,
                "10100100",
                "app_key或app_secret错误",
            ),
            (params.get("grant_type") != "refresh_token", "10100101", "grant_type错误"),
            (params.get("refresh_token") != self.refresh_token, "10100105", "refresh_token无效"),
            (now >= ends, "10100106", "token已过期，请重新授权"),
            (now < ends - DAY, "10100107", "token过期前24小时内方可刷新"),
        )
        for is_wrong, code, msg in wrongs:
            if is_wrong:
                return answer({"code": code, "msg": msg, "requestId": f"fictive{self.world.requests}"})
        new = hashlib.md5(f"{self.refresh_token}{self.world.requests}".encode()).hexdigest()
        self.access_token, self.refresh_token, self.issued = f"{new}a", f"{new}r", now
        told = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": int(self.token_seconds),
        }
        return answer(
            {**told, "scope": "snsapi_base", "open_id": "fictive", "xid": "o*fictive", "time": str(int(now * 1000))}
        )

    # --- orders -------------------------------------------------------------------------------------------------

    def _orders(self, given: Record) -> Record:
        """Orders of the listed states by when they changed (`dateType` 1: were made), oldest first (`sortType` 1: newest)."""
        if self.wrapper:
            given = {key: value for key, value in (given.get(self.wrapper) or {}).items() if value not in (None, "")}
        for name in ("order_state", "optional_fields", "page", "page_size"):
            _asked(given, name)
        try:
            found = self._found(given)
        except Failure as failure:
            failed = {
                "success": False,
                "numberCode": 10100141,
                "chineseErrCode": str(failure),
                "englishErrCode": "invalid parameter",
            }
            return {"searchorderinfo_result": {"apiResult": failed, "orderTotal": 0, "orderInfoList": []}}
        page, size = int(given["page"]), int(given["page_size"])
        fields = _fields(given["optional_fields"])
        shown = [_picked(one, fields) for one in found[(page - 1) * size : page * size]]
        return {"searchorderinfo_result": {"apiResult": FINE, "orderTotal": len(found), "orderInfoList": shown}}

    def _found(self, given: Record) -> list[Record]:
        states = _fields(given["order_state"])
        if unknown := sorted(states - set(REMARKS)):
            raise Failure(f"订单状态不存在：{unknown[0]}")
        if not 1 <= _whole(given, "page") <= 300:
            raise Failure("页码取值范围为1-300")
        if not 1 <= _whole(given, "page_size") <= 100:
            raise Failure("每页条数取值范围为1-100")
        created = str(given.get("dateType", "")) == "1"
        start, end = self._month(given, created)
        records = [
            record
            for record in self.world.records["orders"].values()
            if start <= record["created" if created else "modified"] <= end and self._state(record) in states
        ]
        by = "created" if created else "modified"
        records.sort(key=lambda record: (record[by], record["id"]), reverse=str(given.get("sortType", "")) == "1")
        return [self._order(record) for record in records]

    def _month(self, given: Record, created: bool) -> tuple[float, float]:
        """From and to: one month at most, and not too long ago."""
        now = self.world.clock.now()
        end = _time(given, "end_date", now)
        start = _time(given, "start_date", end - 28 * DAY)
        if start > end:
            raise Failure("开始时间不能晚于结束时间")
        if end > _month_later(start):
            raise Failure("时间跨度不能超过1个月")
        if start < now - (730 if created else 93) * DAY:
            raise Failure("按创建时间仅支持查询两年内订单" if created else "按修改时间仅支持查询三个月内订单")
        return start, end

    def _order_alone(self, given: Record) -> Record:
        fields = _fields(_asked(given, "optional_fields"))
        record = self.world.records["orders"].get(str(_asked(given, "order_id")))
        if record is None:
            failed = {
                "success": False,
                "numberCode": 10100142,
                "chineseErrCode": "订单不存在",
                "englishErrCode": "no such order",
            }
            return {"orderDetailInfo": {"apiResult": failed}}
        return {"orderDetailInfo": {"apiResult": FINE, "orderInfo": _picked(self._order(record), fields)}}

    def _state(self, record: Record) -> str:
        stage = record["stage"] + record["version"] - 1
        return record["aside"] if record["aside"] and stage < 3 else STATES[min(stage, 2)]

    def _order(self, record: Record) -> Record:
        """An order as it is served. Every change takes one 分 off, which the seller bears."""
        state, off = self._state(record), record["version"] - 1
        total = _whole_price(record)
        shop, platform = record["shop_coupon"] + off, record["platform_coupon"]
        payment = total - shop - platform + record["freight"]
        coupons = [("100-店铺优惠", shop), ("39-京豆优惠", platform)]
        province, city, county = record["place"]
        return {
            "orderId": record["id"],
            "venderId": self.vender,
            "orderType": "22",
            "payType": record["pay"],
            "orderTotalPrice": yuan(total),
            "orderSellerPrice": yuan(total - shop),
            "orderPayment": yuan(payment),
            "freightPrice": yuan(record["freight"]),
            "sellerDiscount": yuan(shop),
            "orderState": state,
            "orderStateRemark": REMARKS[state],
            "orderStartTime": written(record["created"]),
            "paymentConfirmTime": written(min(record["created"] + 27, record["modified"])),
            "orderEndTime": written(record["modified"]) if state in ("FINISHED_L", "TRADE_CANCELED") else "",
            "modified": written(record["modified"]),
            "parentOrderId": record["parent"],
            "orderSource": "移动端订单",
            "open_id_buyer": record["buyer"],
            "balanceUsed": "0.00",
            "storeOrder": "否",
            "waybill": f"JDVA{int(record['id']) % 10**11:011d}" if state in STATES[1:] else "",
            "logisticsId": "2087" if state in STATES[1:] else "",
            "venderRemark": "",
            "consigneeInfo": {
                "province": province,
                "city": city,
                "county": county,
                "fullname": "张*",
                "mobile": "138****0000",
            },
            "itemInfoList": [self._line(line) for line in record["lines"]],
            "couponDetailList": [
                {"couponType": kind, "couponPrice": yuan(amount), "skuId": "", "orderId": record["id"]}
                for kind, amount in coupons
                if amount
            ],
        }

    def _line(self, line: Record) -> Record:
        code, title, price = goods(line["ware"])
        return {
            "skuId": str(sku_id(line["ware"], line["size"])),
            "outerSkuId": f"{code}-{SIZES[line['size']]}",
            "wareId": str(ware_id(line["ware"])),
            "skuName": f"{title} {SIZES[line['size']]}",
            "jdPrice": yuan(price),
            "itemTotal": str(line["num"]),
            "giftPoint": "0",
            "productNo": code,
        }

    def _order_made(self, random: Random, index: int) -> Record:
        wares = random.sample(range(40), random.choices((1, 2, 3, 4), (50, 30, 12, 8))[0])
        lines = [
            {"ware": ware, "size": random.randrange(3), "price": goods(ware)[2], "num": random.randint(1, 3)}
            for ware in wares
        ]
        total = sum(line["price"] * line["num"] for line in lines)
        asides = ("TRADE_CANCELED", "LOCKED", "PAUSE", "POP_ORDER_PAUSE", "WAIT_SELLER_DELIVERY")
        return {
            "id": str(291_234_567_890_000_007 + index * 16),
            # Every twelfth order is a part of the one before it, which stays.
            "parent": str(291_234_567_890_000_007 + (index - 1) * 16) if index % 12 == 11 else "0",
            "lines": lines,
            "freight": random.choice((0, 0, 600, 1500)),
            "shop_coupon": min(random.choice((0, 500, 2000)), total // 3),
            "platform_coupon": min(random.choice((0, 0, 300)), total // 4),
            "stage": random.randrange(3),
            "aside": random.choice(asides) if index % 7 == 3 else "",
            "pay": random.choices(("4-在线支付", "1-货到付款"), (95, 5))[0],
            "buyer": f"oDk{random.getrandbits(64):016x}",
            "place": random.choice(PLACES),
        }

    # --- refunds ------------------------------------------------------------------------------------------------

    def _refunds(self, given: Record) -> Record:
        """Refund applications by when they were applied for, or checked; newest first."""
        page, size = _page(given, "pageIndex", "pageSize", 50)
        kept = []
        for record in self.world.records["refunds"].values():
            told = self._refund(record)
            applied = _time(given, "applyTimeStart", 0) <= record["created"] <= _time(given, "applyTimeEnd", 9e12)
            checks = "checkTimeStart" in given or "checkTimeEnd" in given
            checked = told["checkTime"] and _time(given, "checkTimeStart", 0) <= record["modified"] <= _time(
                given, "checkTimeEnd", 9e12
            )
            if applied and (checked or not checks) and _same(given, told, "status", "orderId"):
                kept.append(told)
        kept.sort(key=lambda told: (told["applyTime"], told["id"]), reverse=True)
        return {
            "queryResult": {"success": True, "totalCount": len(kept), "result": kept[(page - 1) * size : page * size]}
        }

    def _refund(self, record: Record) -> Record:
        stage = record["stage"] + record["version"] - 1
        return {
            "id": record["id"],
            "buyerId": record["buyer"],
            "buyerName": "张*",
            "orderId": record["order"],
            "applyRefundSum": str(max(1, record["sum"] - record["version"] + 1)),
            "applyTime": written(record["created"]),
            "checkTime": written(record["modified"]) if stage else "",
            "checkUserName": "客服小京" if stage else "",
            "status": ("0", record["verdict"], "3" if record["verdict"] == "1" else "2")[min(stage, 2)],
            "reason": record["reason"],
        }

    def _refund_made(self, random: Random, index: int) -> Record:
        order = self._an_order(index)
        return {
            "id": str(300_000_000_000_001 + index * 8),
            "order": order["id"],
            "buyer": order["buyer"],
            "sum": _whole_price(order) - order["shop_coupon"] - order["platform_coupon"] - SPARE,
            "stage": random.randrange(3),
            "verdict": random.choices(("1", "2"), (85, 15))[0],
            "reason": random.choice(("不想要了", "商品降价", "配送超时", "信息填写错误")),
        }

    def _services(self, given: Record) -> Record:
        """After-sale services with their refunds, by when they were applied for or approved; one of the two must be given."""
        page, size = _page(given, "pageNumber", "pageSize", 50, 10)
        pairs = (("applyTimeBegin", "applyTimeEnd", "created"), ("approveTimeBegin", "approveTimeEnd", "modified"))
        chosen = [pair for pair in pairs if pair[0] in given and pair[1] in given]
        if not chosen:
            failed = {
                "success": False,
                "code": "400",
                "msg": "申请时间或审核时间必须成对传入",
                "pageNumber": page,
                "totalCount": "0",
            }
            return {"pageResult": failed}
        kept = [
            record
            for record in self.world.records["after_sales"].values()
            if all(_time(given, first, 0) <= record[by] <= _time(given, last, 0) for first, last, by in chosen)
        ]
        kept.sort(key=lambda record: (record["created"], record["id"]), reverse=True)
        data = [self._service(record) for record in kept[(page - 1) * size : page * size]]
        return {
            "pageResult": {"success": True, "code": "0", "pageNumber": page, "totalCount": str(len(kept)), "data": data}
        }

    def _service(self, record: Record) -> Record:
        """A service with its refund; times are milliseconds here, amounts 分."""
        stage = record["stage"] + record["version"] - 1
        _, title, _ = goods(record["ware"])
        bill = {
            "serviceId": int(record["id"]),
            "afsApplyId": int(record["id"]) + 5,
            "orderId": int(record["order"]),
            "wareId": sku_id(record["ware"], 0),
            "wareName": title,
            "approveName": "客服小京",
            "afsApplyTime": int(record["created"] * 1000),
            "approveDate": int(record["modified"] * 1000),
            "questionDesc": f"问题描述 {record['version']}",
            "customerPin": "jd_****",
            "approveNotes": "同意",
            "applyReason": record["reason"],
        }
        if not stage:
            return {"sameOrderServiceBill": bill}
        return {
            "afsRefundId": int(record["id"]) + 9,
            "refoundAmount": record["sum"],
            "completeTime": int(record["modified"] * 1000),
            "status": 13 if record["fine"] else 14,
            "sameOrderServiceBill": bill,
        }

    def _service_made(self, random: Random, index: int) -> Record:
        order = self._an_order(index * 3 + 1)
        line, whole = order["lines"][0], _whole_price(order)
        share = line["price"] * line["num"] * (whole - order["shop_coupon"] - order["platform_coupon"]) // whole
        return {
            "id": str(1_500_000_001 + index * 4),
            "order": order["id"],
            "ware": line["ware"],
            "sum": share - SPARE,
            "stage": random.randrange(2),
            "fine": random.random() < 0.9,
            "reason": random.choice(("质量问题", "七天无理由", "发错货", "商品破损")),
        }

    def _an_order(self, index: int) -> Record:
        orders = list(self.world.records["orders"].values())
        return orders[index % len(orders)]

    # --- wares and stock ----------------------------------------------------------------------------------------

    def _wares(self, given: Record) -> Record:
        """Wares that are not deleted, by number; of the fields only those that are asked for, and the id."""
        page, size = _page(given, "pageNo", "pageSize", 100)
        kept = self._kept(given)
        fields = _fields(given.get("field", "wareId,title")) | {"wareId"}
        data = [_picked(self._ware(record), fields) for record in kept[(page - 1) * size : page * size]]
        return {"page": {"data": data, "pageNo": page, "pageSize": size, "totalItem": len(kept)}}

    def _skus(self, given: Record) -> Record:
        """SKUs, by number. The size of a page is called `page_size` here."""
        page, size = _page(given, "pageNo", "page_size", 100)
        wares = _fields(str(given.get("wareId", "")))
        kept = [
            sku
            for record in self._kept(given)
            for sku in self._skus_of(record)
            if not given.get("wareId") or str(sku["wareId"]) in wares
        ]
        fields = _fields(given.get("field", "skuId,wareId,status,jdPrice")) | {"skuId", "wareId"}
        data = [_picked(sku, fields) for sku in kept[(page - 1) * size : page * size]]
        return {"page": {"data": data, "pageNo": page, "pageSize": size, "totalItem": len(kept)}}

    def _kept(self, given: Record) -> list[Record]:
        start, end = _time(given, "startModifiedTime", 0), _time(given, "endModifiedTime", 9e12)
        kept = [record for record in self.world.records["items"].values() if start <= record["modified"] <= end]
        return sorted(kept, key=lambda record: int(record["id"]))

    def _ware(self, record: Record) -> Record:
        code, title, price = goods(record["ware"])
        return {
            "wareId": int(record["id"]),
            "title": title,
            "categoryId": 1349 + record["ware"] % 4,
            "brandName": "示例品牌",
            "itemNum": code,
            "outerId": code,
            "jdPrice": yuan(price),
            "marketPrice": yuan(price * 2),
            "stockNum": sum(record["stock"]) + (record["version"] - 1) * len(SIZES),
            "wareStatus": record["status"],
            "onlineTime": written(record["created"]),
            "offlineTime": "" if record["status"] == 8 else written(record["modified"]),
            "created": written(record["created"]),
            "modified": written(record["modified"]),
        }

    def _skus_of(self, record: Record) -> list[Record]:
        code, title, price = goods(record["ware"])
        return [
            {
                "skuId": sku_id(record["ware"], place),
                "wareId": int(record["id"]),
                "wareTitle": title,
                "skuName": f"{title} {SIZES[place]}",
                "outerId": f"{code}-{SIZES[place]}",
                "jdPrice": yuan(price),
                "stockNum": stock + record["version"] - 1,
                "status": 1 if record["status"] == 8 else 2,
                "categoryId": 1349 + record["ware"] % 4,
                "barCode": f"69{record['ware']:04d}{place:07d}",
                "saleAttrs": [
                    {"attrId": "1000012345", "attrValues": [str(7000 + place)], "attrValueAlias": [SIZES[place]]}
                ],
                "created": written(record["created"]),
                "modified": written(record["modified"]),
            }
            for place, stock in enumerate(record["stock"])
        ]

    def _ware_made(self, random: Random, index: int) -> Record:
        status = random.choices((8, 2), (85, 15))[0]
        return {
            "id": str(ware_id(index)),
            "ware": index,
            "status": status,
            "stock": [random.randrange(300) for _ in SIZES],
        }


# --- goods --------------------------------------------------------------------------------------------------------

FINE = {"success": True, "numberCode": 0, "chineseErrCode": "成功", "englishErrCode": "success"}


def goods(index: int) -> tuple[str, str, int]:
    """Code, title and price in cents of the ware with that number."""
    return (
        f"JS-{2001 + index}",
        f"{TITLES[index % len(TITLES)]} {index // len(TITLES) + 1}款",
        2590 + index * 911 % 70_000,
    )


def ware_id(index: int) -> int:
    return 10_023_456_789 + index * 3


def sku_id(index: int, place: int) -> int:
    return 100_012_043_978 + index * 10 + place


# --- parameters ---------------------------------------------------------------------------------------------------


def _whole_price(order: Record) -> int:
    """What all lines of an order cost before discounts."""
    return sum(line["price"] * line["num"] for line in order["lines"])


def _asked(given: Record, name: str) -> Any:
    if name not in given:
        raise Refusal("60", f": {name}")
    return given[name]


def _fields(told: str) -> set[str]:
    return {name.strip() for name in str(told).split(",") if name.strip()}


def _picked(record: Record, fields: set[str]) -> Record:
    return {name: value for name, value in record.items() if name in fields}


def _whole(given: Record, name: str) -> int:
    told = str(_asked(given, name))
    if not told.isascii() or not told.lstrip("-").isdigit():
        raise Refusal("61", f": {name}")
    return int(told)


def _page(given: Record, number: str, many: str, most: int, default: int | None = None) -> tuple[int, int]:
    page, size = _whole({number: 1, **given}, number), _whole({many: default or most, **given}, many)
    if page < 1 or not 1 <= size <= most:
        raise Refusal("61", f": {number if page < 1 else many}")
    return page, size


def _same(given: Record, told: Record, *names: str) -> bool:
    """Whether a record has the values that are asked for."""
    return all(name not in given or str(given[name]) == told[name] for name in names)


def _time(given: Record, name: str, default: float) -> float:
    if name not in given:
        return default
    at = _at(str(given[name]), "%Y-%m-%d %H:%M:%S")
    if at is None:
        raise Refusal("61", f": {name}")
    return at


def _stamp(told: str) -> float | None:
    """A timestamp in either form."""
    if told.endswith("+0800"):
        return _at(told.removesuffix("+0800"), "%Y-%m-%d %H:%M:%S.%f")
    return _at(told, "%Y-%m-%d %H:%M:%S")


def _at(told: str, form: str) -> float | None:
    try:
        at = datetime.strptime(told, form).replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        return None
    return at if len(told) >= 19 else None


def _month_later(seconds: float) -> float:
    """The same day of the next month, or its last."""
    at = datetime.fromtimestamp(seconds, BEIJING)
    year, month = at.year + at.month // 12, at.month % 12 + 1
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1])).timestamp()
