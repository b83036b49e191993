"""Douyin's shops (抖店): orders, after-sales, products with their stock, settlements; and tokens that rotate.

What makes it hard to read, and is kept here:

* The signature covers the body as it is sent, which has to be compact JSON with its keys sorted at every level. Neither
  `access_token` nor `sign_method` is signed; without `sign_method` the server takes MD5.
* Orders and after-sales count pages from 0, products from 1. Orders come newest first unless `order_asc` is true.
* Ids of products and SKUs are JSON numbers above 2^53, ids of orders are texts. Money is in 分. A time of 0 is none.
* Bounds of a product's `update_*_time` are exclusive, those of orders inclusive.
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

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, header_of, path_of, query_of

BEIJING = timezone(timedelta(hours=8))
DAY = 86400
SPARE = 50
"""A full refund is so many 分 less than what was paid: an order may become cheaper afterwards."""
TOLERANCE = 600
"""Seconds by which `timestamp` may differ from the server's clock."""
DEEPEST, DEEPEST_PRODUCTS = 50_000, 10_000
RETIRED = ("order.list", "order.detail", "product.list", "trade.refundListSearch")
"""Paths that were switched off years ago; they still answer, with an error."""
ORDER_STATES = {1: "待支付", 105: "已支付", 2: "备货中", 101: "部分发货", 3: "已发货", 4: "已取消", 5: "已完成"}
FLOW = (1, 2, 3, 5)
AFTERSALES = {6: "待商家同意", 7: "待买家退货", 11: "待商家二次同意", 12: "售后成功", 28: "售后失败"}
TITLES = (
    "示例T恤",
    "夏季冰丝防晒衣",
    "口红套装",
    "气垫粉底",
    "每日坚果礼盒",
    "螺蛳粉 10包",
    "儿童保温杯",
    "蓝莓鲜果 4盒",
    "纯棉四件套",
    "去屑洗发水 500ml",
)
COLOURS = ("黑色", "奶白", "浅粉")
PLACES = (
    ("浙江省", "杭州市", "余杭区"),
    ("广东省", "广州市", "天河区"),
    ("河北省", "石家庄市", "长安区"),
    ("重庆市", "重庆市", "渝北区"),
)


def signature(app_key: str, method: str, param_json: str, timestamp: str, secret: str, how: str = "hmac-sha256") -> str:
    """The signature over four parameters, the version and the body."""
    told = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    pattern = (secret + told + secret).encode()
    if how == "md5":
        return hashlib.md5(pattern).hexdigest()
    return hmac.new(secret.encode(), pattern, hashlib.sha256).hexdigest()


def canonical(told: Any) -> str:
    """JSON as the signature wants it: compact, keys sorted at every level, nothing escaped, whole numbers without decimals."""
    return json.dumps(_whole_numbers(told), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Refusal(Exception):
    """An answer with a code that is not 10000."""

    def __init__(self, code: int, msg: str, sub_code: str, sub_msg: str) -> None:
        self.told = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}
        super().__init__(sub_code)


def missing(name: str) -> Refusal:
    return Refusal(40002, "缺少必选参数（业务校验）", "isv.parameter-missing", f"缺少参数 {name}")


def wrong(name: str, why: str) -> Refusal:
    return Refusal(40004, "非法的参数（业务校验）", "isv.parameter-invalid:100026", f"{name} {why}")


class Doudian:
    """A shop of Douyin. Settings: app_key, app_secret, shop_id, access_token, refresh_token, url (without a path).

    An access token lives seven days (`token_seconds`), a refresh token fourteen; `/token/refresh` gives a new pair and
    the old refresh token dies, `/token/create` (authorization_self, shop_id) gives one from nothing. With
    `old_envelope` who does not send the header `x-open-no-old-err-code: 1` is answered with `err_no` and `message`.
    The world is filled with `count` orders of the last three days, and others in proportion. Records of `items` are rows
    of /product/listV2, of `inventory` answers of /product/detail.
    """

    name = "doudian"
    streams: ClassVar[dict[str, str]] = {
        "orders": "order_id",
        "refunds": "aftersale_info.aftersale_id",
        "items": "product_id",
        "inventory": "product_id",
        "settlements": "request_no",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake", count: int = 120) -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_key, self.app_secret = "7012345678901234567", "a1b2c3d4-e5f6-4789-9abc-def012345678"
        self.shop_id = "4463798"
        self.access_token, self.refresh_token = "ddTESTaccess-0001", "ddTESTrefresh-0001"
        self.token_seconds, self.refresh_seconds, self.issued = 7.0 * DAY, 14.0 * DAY, world.clock.now()
        self.old_envelope = False
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[int | str] = []
        self._calls: dict[str, int] = {}
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._lock = threading.RLock()
        self.makers = {
            "items": self._product_made,
            "orders": self._order_made,
            "refunds": self._aftersale_made,
            "settlements": self._settlement_made,
        }
        now = world.clock.now()
        for kind, part in (("items", 3), ("orders", 1), ("refunds", 4), ("settlements", 2)):
            if count and kind not in world.records:
                world.fill(kind, self.makers[kind], max(1, count // part), now - 3 * DAY, now - 600)
        self.methods: dict[str, Callable[[Record], Any]] = {
            "order.searchList": self._orders,
            "order.orderDetail": self._order_alone,
            "afterSale.List": self._aftersales,
            "product.listV2": self._products,
            "product.detail": self._product_alone,
            "order.getSettleBillDetailV3": self._settlements,
        }
        self.tokens: dict[str, Callable[[Record], Any]] = {
            "token.create": self._created,
            "token.refresh": self._refreshed,
        }

    def settings(self) -> dict[str, Any]:
        return {
            "app_key": self.app_key,
            "app_secret": self.app_secret,
            "shop_id": self.shop_id,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "url": self.base + self.prefix,
        }

    def truth(self, stream: str) -> dict[str, Record]:
        """Every record that is there now, by id."""
        show = {
            "orders": self._order,
            "refunds": self._aftersale,
            "items": self._product,
            "inventory": self._product_in_full,
            "settlements": self._settlement,
        }[stream]
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
            try:
                told = {
                    "code": 10000,
                    "msg": "success",
                    "sub_code": "",
                    "sub_msg": "",
                    "data": self._answered(request, fault),
                }
            except Refusal as refusal:
                told = {**refusal.told, "data": None}
            return answer(self._enveloped(request, {**told, "log_id": f"20261005fictive{self.world.requests:05d}"}))

    def _enveloped(self, request: Request, told: Record) -> Record:
        if not self.old_envelope or header_of(request, "x-open-no-old-err-code") == "1":
            return told
        code = 0 if told["code"] == 10000 else 30006 if "token" in told["sub_code"] else told["code"]
        return {
            "err_no": code,
            "message": told["sub_msg"] or told["msg"],
            "data": told["data"],
            "log_id": told["log_id"],
        }

    # --- the gateway --------------------------------------------------------------------------------------------

    def _answered(self, request: Request, fault: str | None) -> Any:
        if fault == "busy":
            raise Refusal(20000, "服务不可用", "isp.service-error", "服务器繁忙，请稍后重试")
        if fault == "ban":
            raise _limited()
        path = path_of(request)
        method = path.removeprefix(self.prefix).strip("/").replace("/", ".") if path.startswith(self.prefix) else ""
        if method in RETIRED:
            raise Refusal(70000, "服务已下线", "isv.api-offline", "接口已下线，请使用新接口")
        if method not in self.methods and method not in self.tokens:
            raise Refusal(70000, "服务已下线", "isv.api-not-existed", "接口不存在")
        if request.method != "POST":
            raise Refusal(40003, "非法的参数（平台校验）", "isv.http-method-invalid", "请使用POST方式调用")
        query = query_of(request)
        self._admit(query, method, request.body.decode("utf-8", "replace"))
        if method not in self.tokens:
            self._admit_token(query.get("access_token", ""))
        self._count(method)
        return {**self.methods, **self.tokens}[method](json.loads(request.body or b"{}"))

    def _admit(self, query: dict[str, str], method: str, body: str) -> None:
        for name, sub in (
            ("app_key", "app-id"),
            ("method", "method"),
            ("timestamp", "timestamp"),
            ("v", "version"),
            ("sign", "signature"),
        ):
            if not query.get(name):
                raise Refusal(40001, "缺少必选参数（平台校验）", f"isv.{sub}-missing", f"缺少参数 {name}")
        if query["method"] != method or query["v"] != "2":
            raise _invalid(
                "method" if query["v"] == "2" else "version", "与请求路径不一致" if query["v"] == "2" else "v 应为 2"
            )
        if query["app_key"] != self.app_key:
            raise _invalid("app-id", "app_key不存在")
        at = _stamp(query["timestamp"])
        if at is None or abs(at - self.world.clock.now()) > TOLERANCE:
            raise _invalid("timestamp", "时间戳与服务器时间相差过大")
        try:
            told = json.loads(body or "{}")
        except ValueError:
            raise _invalid("parameter-format", "业务参数json解析失败") from None
        # The server writes the parameters anew before it signs: a body in another form never matches.
        how = query.get("sign_method", "md5")
        if how not in ("md5", "hmac-sha256") or not isinstance(told, dict):
            raise _invalid("signature", "签名校验失败")
        signed = signature(self.app_key, method, canonical(told), query["timestamp"], self.app_secret, how)
        if canonical(told) != (body or "{}") or not hmac.compare_digest(query["sign"].encode(), signed.encode()):
            raise _invalid("signature", "签名校验失败")

    def _admit_token(self, token: str) -> None:
        if not token:
            raise Refusal(40001, "缺少必选参数（平台校验）", "isv.access-token-missing", "access_token不能为空")
        if token != self.access_token:
            raise Refusal(
                40003,
                "非法的参数（平台校验）",
                "isv.access-token-no-existed",
                "access_token不存在，请使用最新的access_token访问",
            )
        if self.world.clock.now() >= self.issued + self.token_seconds:
            raise Refusal(40003, "非法的参数（平台校验）", "isv.access-token-expired", "access_token已过期")

    def _count(self, method: str) -> None:
        today = _written(self.world.clock.now())[:10]
        if self.daily_quota is not None and self._calls.get(today, 0) >= self.daily_quota:
            raise Refusal(60000, "超过限流限制", "dop.flow-limit-day", "超过当日调用量上限")
        if self.rate and self._buckets.setdefault((method, self.rate), Bucket(self.world.clock, *self.rate)).over():
            raise _limited()
        self._calls[today] = self._calls.get(today, 0) + 1

    def _created(self, given: Record) -> Record:
        if given.get("grant_type") != "authorization_self" or str(given.get("shop_id", "")) != self.shop_id:
            raise Refusal(50001, "业务处理失败", "dop.token-generate-failed:authorization-invalid", "授权不存在")
        return self._issued(int(self.token_seconds))

    def _refreshed(self, given: Record) -> Record:
        if given.get("grant_type") != "refresh_token" or given.get("refresh_token") != self.refresh_token:
            raise Refusal(
                50001, "业务处理失败", "dop.token-generate-failed:token-invalid", "生成token失败，token不存在"
            )
        if self.world.clock.now() >= self.issued + self.refresh_seconds:
            raise Refusal(
                50001, "业务处理失败", "dop.token-generate-failed:token-expired", "生成token失败，token已过期"
            )
        # Numbers come as texts here, and as numbers from /token/create.
        return self._issued(str(int(self.token_seconds)))

    def _issued(self, lives: int | str) -> Record:
        """A new pair of tokens, from now on the only one."""
        new = hashlib.md5(f"{self.refresh_token}{self.world.requests}".encode()).hexdigest()
        self.access_token, self.refresh_token, self.issued = f"{new}-a", f"{new}-r", self.world.clock.now()
        told = {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_in": lives}
        return {
            **told,
            "scope": "SCOPE",
            "shop_id": int(self.shop_id),
            "shop_name": "示例旗舰店",
            "authority_id": "",
            "auth_subject_type": "",
        }

    # --- orders -------------------------------------------------------------------------------------------------

    def _orders(self, given: Record) -> Record:
        """Orders of the last ninety days; bounds of times are inclusive."""
        page, size = _page(given, 0, DEEPEST)
        by = given.get("order_by", "create_time")
        if by not in ("create_time", "update_time"):
            raise wrong("order_by", "取值为 create_time 或 update_time")
        made, changed = _window(given, "create_time"), _window(given, "update_time")
        since = self.world.clock.now() - 90 * DAY
        told = [
            self._order(record)
            for record in self.world.records["orders"].values()
            if max(made[0], since) <= record["created"] <= made[1] and changed[0] <= record["modified"] <= changed[1]
        ]
        kept = [one for one in told if _matches(one, given)]
        kept.sort(key=lambda one: (one[by], one["order_id"]), reverse=given.get("order_asc") is not True)
        return {
            "page": page,
            "size": size,
            "total": len(kept),
            "shop_order_list": kept[page * size : (page + 1) * size],
        }

    def _order_alone(self, given: Record) -> Record:
        if "shop_order_id" not in given:
            raise missing("shop_order_id")
        record = self.world.records["orders"].get(str(given["shop_order_id"]))
        if record is None:
            raise Refusal(50002, "业务处理失败", "isv.business-failed:21001", "订单不存在")
        return {"shop_order_detail": self._order(record)}

    def _order(self, record: Record) -> Record:
        """An order as it is served. With every change the shop takes one 分 more off the first line."""
        stage, off = record["stage"] + record["version"] - 1, record["version"] - 1
        status = 4 if record["cancelled"] and stage >= 3 else FLOW[min(stage, 3)]
        paid = min(record["created"] + 27, record["modified"]) if stage else 0
        shop, platform, author = (
            sum(line[part] for line in record["lines"]) for part in ("shop", "platform", "author")
        )
        total = sum(line["price"] * line["num"] for line in record["lines"])
        discount = shop + off + platform + author
        province, city, town = record["place"]
        return {
            "order_id": record["id"],
            "shop_id": int(self.shop_id),
            "shop_name": "示例旗舰店",
            "order_status": status,
            "order_status_desc": ORDER_STATES[status],
            "main_status": status,
            "order_type": 0,
            "trade_type": record["trade_type"],
            "create_time": int(record["created"]),
            "pay_time": int(paid),
            "ship_time": int(record["modified"]) if status in (3, 5) else 0,
            "update_time": int(record["modified"]),
            "finish_time": int(record["modified"]) if status in (4, 5) else 0,
            "order_amount": total,
            "pay_amount": total - discount + record["post"],
            "post_amount": record["post"],
            "modify_amount": 0,
            "promotion_amount": discount,
            "promotion_shop_amount": shop + off,
            "promotion_platform_amount": platform,
            "promotion_talent_amount": author,
            "shop_cost_amount": shop + off,
            "only_platform_cost_amount": platform,
            "platform_cost_amount": platform + author,
            "author_cost_amount": author,
            "promotion_pay_amount": 0,
            "tax_amount": 0,
            "biz": 2,
            "b_type": 2,
            "sub_b_type": 3,
            "doudian_open_id": record["buyer"],
            "mask_post_receiver": "张*",
            "post_addr": {"province": {"name": province}, "city": {"name": city}, "town": {"name": town}},
            "seller_remark_stars": 0,
            "sku_order_list": [
                self._line(record, place, status, off if place == 0 else 0) for place in range(len(record["lines"]))
            ],
        }

    def _line(self, record: Record, place: int, status: int, off: int) -> Record:
        line = record["lines"][place]
        code, title, _ = goods(line["item"])
        discount = line["shop"] + off + line["platform"] + line["author"]
        post = record["post"] if place == 0 else 0
        return {
            "order_id": str(int(record["id"]) + place + 1),
            "parent_order_id": record["id"],
            "order_status": status,
            "product_id": product_id(line["item"]),
            "product_id_str": str(product_id(line["item"])),
            "sku_id": sku_id(line["item"], line["colour"]),
            "code": f"{code}-{line['colour']}",
            "out_product_id": line["item"] + 1,
            "product_name": title,
            "spec": [{"name": "颜色", "value": COLOURS[line["colour"]]}],
            "item_num": line["num"],
            "origin_amount": line["price"],
            "sum_amount": line["price"] * line["num"],
            "pay_amount": line["price"] * line["num"] - discount + post,
            "post_amount": post,
            "promotion_amount": discount,
            "promotion_shop_amount": line["shop"] + off,
            "promotion_platform_amount": line["platform"],
            "author_cost_amount": line["author"],
            "author_id": record["author"],
            "author_name": "示例达人" if record["author"] else "",
            "room_id": record["room"],
            "room_id_str": str(record["room"]),
            "video_id": "",
            "goods_type": 0,
            "create_time": int(record["created"]),
            "update_time": int(record["modified"]),
            "after_sale_info": {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0},
        }

    def _order_made(self, random: Random, index: int) -> Record:
        lines = []
        for item in random.sample(range(40), random.choices((1, 2, 3, 4), (60, 25, 10, 5))[0]):
            price, num = goods(item)[2], random.randint(1, 3)
            parts = {name: price * num * random.choice((0, 0, 3, 8)) // 100 for name in ("shop", "platform", "author")}
            lines.append({"item": item, "colour": random.randrange(3), "price": price, "num": num, **parts})
        live = random.random() < 0.6
        return {
            "id": str(6_917_926_768_823_643_751 + index * 16),
            "lines": lines,
            "post": random.choice((0, 0, 0, 800)),
            "stage": random.randrange(4),
            "cancelled": index % 9 == 4,
            "trade_type": random.choices((0, 2, 5), (90, 6, 4))[0],
            "author": 98_765_432_109_876_543 + index % 3 if live else 0,
            "room": 7_263_518_839_201_122_049 + index % 4 if live else 0,
            "buyer": f"1@#{random.getrandbits(64):016x}",
            "place": random.choice(PLACES),
        }

    # --- after-sales --------------------------------------------------------------------------------------------

    def _aftersales(self, given: Record) -> Record:
        """After-sales by when they were applied for or changed; newest application first unless `order_by` says otherwise."""
        page, size = _page(given, 0, DEEPEST)
        by, _, way = (given.get("order_by") or ["apply_time desc"])[0].partition(" ")
        if by not in ("apply_time", "update_time") or way not in ("asc", "desc"):
            raise wrong("order_by", '形如 "update_time asc"')
        applied, changed = (
            _window(given, "", "start_time", "end_time"),
            _window(given, "", "update_start_time", "update_end_time"),
        )
        kept = [
            self._aftersale(record)
            for record in self.world.records["refunds"].values()
            if applied[0] <= record["created"] <= applied[1] and changed[0] <= record["modified"] <= changed[1]
        ]
        if given.get("order_id"):
            kept = [one for one in kept if one["order_info"]["shop_order_id"] == str(given["order_id"])]
        kept.sort(
            key=lambda one: (one["aftersale_info"][by], one["aftersale_info"]["aftersale_id"]), reverse=way == "desc"
        )
        shown = kept[page * size : (page + 1) * size]
        return {
            "items": shown,
            "has_more": (page + 1) * size < len(kept),
            "total": len(kept),
            "page": page,
            "size": len(shown),
        }

    def _aftersale(self, record: Record) -> Record:
        """An after-sale as it is served; one step on with every change."""
        flow = (6, 12 if record["fine"] else 28) if record["type"] else (6, 7, 11, 12 if record["fine"] else 28)
        stage = record["stage"] + record["version"] - 1
        status = flow[min(stage, len(flow) - 1)]
        order, line = record["order"], record["line"]
        code, title, _ = goods(line["item"])
        return {
            "aftersale_info": {
                "aftersale_id": record["id"],
                "aftersale_order_type": 1,
                "aftersale_type": record["type"],
                "aftersale_status": status,
                "aftersale_status_to_final_time": int(record["modified"]) if status in (12, 28) else 0,
                "refund_status": {12: 3, 28: 4}.get(status, 1),
                "related_id": order["line_id"],
                "apply_time": int(record["created"]),
                "create_time": int(record["created"]),
                "update_time": int(record["modified"]),
                "status_deadline": 0 if status in (12, 28) else int(record["modified"]) + 2 * DAY,
                "refund_amount": record["sum"],
                "refund_post_amount": 0,
                "refund_tax_amount": 0,
                "return_promotion_amount": line["shop"],
                "aftersale_num": line["num"],
                "part_type": 0,
                "aftersale_refund_type": 0,
                "arbitrate_status": 0,
                "arbitrate_blame": 0,
                "got_pkg": 1 if record["type"] != 2 else 0,
                "remark": f"备注 {record['version']}",
                "reason_second_labels": [],
            },
            "order_info": {
                "shop_order_id": order["id"],
                "related_order_info": [
                    {
                        "sku_order_id": order["line_id"],
                        "order_status": 2 if record["type"] == 2 else 3,
                        "pay_amount": record["sum"],
                        "post_amount": 0,
                        "item_num": line["num"],
                        "create_time": int(order["created"]),
                        "product_id": product_id(line["item"]),
                        "product_name": title,
                        "sku_spec": [{"name": "颜色", "value": COLOURS[line["colour"]]}],
                        "shop_sku_code": f"{code}-{line['colour']}",
                        "aftersale_pay_amount": record["sum"],
                        "aftersale_item_num": line["num"],
                        "price": line["price"],
                    }
                ],
            },
            "text_part": {
                "aftersale_status_text": AFTERSALES[status],
                "aftersale_type_text": ("退货退款", "仅退款", "未发货仅退款")[record["type"]],
                "reason_text": record["reason"],
                "logistics_text": "已发货" if record["type"] != 2 else "未发货",
            },
        }

    def _aftersale_made(self, random: Random, index: int) -> Record:
        orders = list(self.world.records["orders"].values())
        order = orders[index * 3 % len(orders)]
        line = order["lines"][0]
        paid = line["price"] * line["num"] - line["shop"] - line["platform"] - line["author"]
        return {
            "id": str(146_701_382_803_677_771 + index * 8),
            "order": {"id": order["id"], "line_id": str(int(order["id"]) + 1), "created": order["created"]},
            "line": dict(line),
            "sum": random.choice((paid - SPARE, paid * 4 // 5)),
            "type": random.randrange(3),
            "stage": random.randrange(4),
            "fine": random.random() < 0.85,
            "reason": random.choice(("不喜欢/不想要", "质量问题", "尺寸拍错", "空包裹", "与商家协商一致退款")),
        }

    # --- products -----------------------------------------------------------------------------------------------

    def _products(self, given: Record) -> Record:
        """Products by when they changed, bounds exclusive, newest first; deeper than 10,000 only with `use_cursor`."""
        cursor = given.get("use_cursor") is True
        page, size = _page({**given, "page": 1} if cursor else given, 1, DEEPEST_PRODUCTS)
        start, end = _window(given, "", "update_start_time", "update_end_time")
        kept = [record for record in self.world.records["items"].values() if start < record["modified"] < end]
        if "status" in given:
            kept = [record for record in kept if record["status"] == given["status"]]
        if given.get("name"):
            kept = [record for record in kept if str(given["name"]) in goods(record["item"])[1]]
        kept.sort(
            key=lambda record: int(record["id"]) if cursor else (record["modified"], int(record["id"])),
            reverse=not cursor,
        )
        if cursor:
            # The cursor is the last id that was shown: changes in between move nothing.
            last = int(given.get("cursor_id") or 0)
            shown = [self._product(record) for record in kept if int(record["id"]) > last][:size]
            return {
                "data": shown,
                "total": len(kept),
                "size": size,
                "cursor_id": str(shown[-1]["product_id"] if shown else last),
            }
        shown = [self._product(record) for record in kept[(page - 1) * size : page * size]]
        return {"data": shown, "total": len(kept), "page": page, "size": size}

    def _product_alone(self, given: Record) -> Record:
        if "product_id" not in given:
            raise missing("product_id")
        record = self.world.records["items"].get(str(given["product_id"]))
        if record is None:
            raise Refusal(50002, "业务处理失败", "isv.business-failed:2010001", "商品不存在")
        return self._product_in_full(record)

    def _product(self, record: Record) -> Record:
        code, title, price = goods(record["item"])
        return {
            "product_id": int(record["id"]),
            "outer_product_id": code,
            "name": title,
            "status": record["status"],
            "check_status": 3,
            "market_price": price * 2,
            "discount_price": price,
            "product_type": 0,
            "img": f"https://img.example.com/{code}.jpg",
            "category_detail": {"first_cname": "服饰内衣", "second_cname": "女装", "third_cname": "上衣"},
            "sell_num": record["sold"] + record["version"] - 1,
            "create_time": int(record["created"]),
            "update_time": int(record["modified"]),
        }

    def _product_in_full(self, record: Record) -> Record:
        code, _, price = goods(record["item"])
        prices = [
            {
                "sku_id": sku_id(record["item"], place),
                "code": f"{code}-{place}",
                "price": price,
                "stock_num": stock + (record["version"] - 1 if place == 0 else 0),
                "prehold_stock_num": record["version"] - 1 if place == 0 else 0,
                "spec_detail_name1": COLOURS[place],
                "sku_status": True,
            }
            for place, stock in enumerate(record["stock"])
        ]
        return {**self._product(record), "product_id_str": record["id"], "spec_prices": prices}

    def _product_made(self, random: Random, index: int) -> Record:
        status = random.choices((0, 1), (85, 15))[0]
        stock = [random.randrange(400) for _ in COLOURS]
        return {
            "id": str(product_id(index)),
            "item": index,
            "status": status,
            "stock": stock,
            "sold": random.randrange(9000),
        }

    # --- settlements --------------------------------------------------------------------------------------------

    def _settlements(self, given: Record) -> Record:
        """Settlement bills by when they were settled; on with the index and the time that the last answer gave."""
        size = _count_of(given, "size", 1, 100, 100)
        bounds = [_at(str(given.get(name, ""))) for name in ("start_time", "end_time")]
        if None in bounds:
            raise missing("start_time" if bounds[0] is None else "end_time")
        start, end = bounds[0] or 0.0, bounds[1] or 0.0
        after = str(given.get("start_index", ""))
        kept = sorted((record["modified"], record["id"]) for record in self.world.records["settlements"].values())
        kept = [one for one in kept if start <= one[0] <= end and (not after or one > (start, after))]
        shown = kept[:size]
        return {
            "code": "100000",
            "code_msg": "",
            "data": [self._settlement(self.world.records["settlements"][key]) for _, key in shown],
            "size": size,
            "data_size": len(shown),
            "is_end": 0 if len(kept) > size else 1,
            "next_start_index": shown[-1][1] if shown else "",
            "next_start_time": _written(shown[-1][0]) if shown else "",
        }

    def _settlement(self, record: Record) -> Record:
        """A bill in 分; a later version of it bears one 分 more of service fee."""
        income, commission = record["paid"] + record["platform"] + record["author"], record["commission"]
        fee = income * 2 // 100 + record["version"] - 1
        return {
            "request_no": record["id"],
            "settle_time": _written(record["modified"]),
            "shop_order_id": record["order"],
            "order_id": str(int(record["order"]) + 1),
            "settle_amount": income - fee - commission,
            "pay_type_desc": "聚合账户",
            "trade_type": 0,
            "is_contains_refund_before_settle": 0,
            "order_time": _written(record["created"]),
            "product_id": str(product_id(record["item"])),
            "goods_count": record["num"],
            "flow_type_desc": "精选联盟" if commission else "小店自卖",
            "order_type": "普通订单",
            "total_amount": record["total"],
            "total_goods_amount": record["total"],
            "post_amount": 0,
            "shop_coupon": record["shop"],
            "refund_before_settle": 0,
            "platform_coupon": record["platform"],
            "author_coupon": record["author"],
            "zt_pay_promotion": 0,
            "real_pay_amount": record["paid"],
            "total_income": income,
            "platform_service_fee": -fee,
            "commission": -commission,
            "channel_promotion_fee": 0,
            "other_sharing_amount": 0,
            "total_outcome": -fee - commission,
            "remark": "",
        }

    def _settlement_made(self, random: Random, index: int) -> Record:
        orders = list(self.world.records["orders"].values())
        order = orders[index * 2 % len(orders)]
        line = order["lines"][0]
        total = line["price"] * line["num"]
        parts = {name: line[name] for name in ("shop", "platform", "author")}
        paid = total - sum(parts.values())
        commission = total // 10 if order["author"] else 0
        told = {
            "order": order["id"],
            "item": line["item"],
            "num": line["num"],
            "total": total,
            "paid": paid,
            "commission": commission,
        }
        return {"id": f"71{7_000_000_000_000 + index * 5}", **told, **parts}


# --- goods --------------------------------------------------------------------------------------------------------


def goods(index: int) -> tuple[str, str, int]:
    """Code, title and price in 分 of the product with that number."""
    return (
        f"DS-{3001 + index}",
        f"{TITLES[index % len(TITLES)]} {index // len(TITLES) + 1}号",
        1590 + index * 577 % 40_000,
    )


def product_id(index: int) -> int:
    return 3_542_192_378_112_345_678 + index * 6


def sku_id(index: int, place: int) -> int:
    return 1_736_502_463_777_799_999 + index * 10 + place


# --- parameters ---------------------------------------------------------------------------------------------------


def _invalid(what: str, why: str) -> Refusal:
    code = f"isv.{what}-invalid"
    return Refusal(40003, "非法的参数（平台校验）", code, why)


def _limited() -> Refusal:
    return Refusal(60000, "超过限流限制", "dop.flow-limit", "调用过于频繁，请稍后重试")


def _matches(order: Record, given: Record) -> bool:
    """Whether an order has the states (several in a text), the product and the kind of trade that are asked for."""
    states = given.get("combine_status") or [{}]
    fine = any(
        not one.get("order_status") or str(order["order_status"]) in str(one["order_status"]).split(",")
        for one in states
    )
    lines = order["sku_order_list"]
    product = str(given.get("product") or "")
    sold = not product or any(product in (line["product_id_str"], line["product_name"]) for line in lines)
    return fine and sold and given.get("trade_type", order["trade_type"]) == order["trade_type"]


def _page(given: Record, first: int, deepest: int) -> tuple[int, int]:
    page, size = _count_of(given, "page", first, None), _count_of(given, "size", 1, 100)
    if page * size > deepest:
        raise wrong("page", f"page*size 不能超过 {deepest}，请缩小时间范围")
    return page, size


def _count_of(given: Record, name: str, low: int, high: int | None, default: int | None = None) -> int:
    told = given.get(name, default)
    if told is None:
        raise missing(name)
    if not str(told).isdigit() or isinstance(told, bool) or not low <= int(told) <= (high or 10**9):
        raise wrong(name, f"取值从 {low}" + (f" 到 {high}" if high else ""))
    return int(told)


def _window(given: Record, name: str, first: str = "", last: str = "") -> tuple[float, float]:
    """From and to in unix seconds; 0 and absent mean no bound."""
    bounds = []
    for one, default in ((first or f"{name}_start", 0), (last or f"{name}_end", 10**11)):
        told = given.get(one) or default
        if isinstance(told, bool) or not str(told).isdigit() or int(told) > 10**11:
            raise wrong(one, "应为秒级时间戳")
        bounds.append(float(told))
    if bounds[0] > bounds[1]:
        raise wrong(last or f"{name}_end", "结束时间不能早于开始时间")
    return bounds[0], bounds[1]


def _stamp(told: str) -> float | None:
    """A timestamp in either form."""
    return float(told) if told.isascii() and told.isdigit() else _at(told)


def _at(told: str) -> float | None:
    try:
        return datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        return None


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _whole_numbers(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _whole_numbers(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_whole_numbers(value) for value in told]
    return int(told) if isinstance(told, float) and told.is_integer() else told
