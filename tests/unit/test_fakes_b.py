"""The simulated Kuaishou, Xiaohongshu, WeChat store, Ocean Engine and Jushuitan are as strict as they say.

Every reader here signs and pages by itself, in plain code: it shares nothing with the fakes, nor with the engine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fakes import jushuitan, kuaishou, oceanengine, weixin_store, xiaohongshu
from fakes.world import World

from engine.connector import Request, Response, TryAgain

ROOT = Path(__file__).parents[2]
DAY = 86_400
VECTORS = ROOT.parent / "shared/domain/sign_vectors.json"
FAKES = {
    "kuaishou": kuaishou.Kuaishou,
    "xiaohongshu": xiaohongshu.Xiaohongshu,
    "weixin_store": weixin_store.WeixinStore,
    "oceanengine": oceanengine.OceanEngine,
    "jushuitan": jushuitan.Jushuitan,
}
Sent = dict[str, Any]


def filled(name: str, count: int = 90, **world: Any) -> Any:
    fake = FAKES[name](World(**world), prefix=f"/{name}")
    fake.fill(count)
    return fake


def now(fake: Any) -> int:
    return int(fake.world.clock.now())


def body(response: Response) -> Any:
    assert response.header("content-type") == "application/json; charset=utf-8"
    return json.loads(response.body)


def id_of(record: Sent, path: str) -> str:
    parts = []
    for one in path.split("+"):
        value: Any = record
        for name in one.split("."):
            value = value[name]
        parts.append(str(value))
    return "+".join(parts)


def by_id(fake: Any, stream: str, records: list[Sent]) -> dict[str, Sent]:
    found = {id_of(record, fake.streams[stream]): record for record in records}
    assert len(found) == len(records), "a record came twice"
    return found


def windows(since: float, until: float, step: float) -> Iterator[tuple[int, int]]:
    """Windows one after the other, the ends of which do not overlap though both belong to them."""
    start = int(since)
    while start < until:
        yield start, int(min(start + step - 1, until))
        start += int(step)


# --- Kuaishou -----------------------------------------------------------------------------------------------------


def ks_sign(params: dict[str, str], secret: str) -> str:
    text = "&".join(f"{name}={params[name]}" for name in sorted(params)) + "&signSecret=" + secret
    return hashlib.md5(text.encode()).hexdigest()


def ks_request(fake: Any, method: str, asked: Sent, **changed: str) -> Request:
    """A call; `changed` are system parameters that are signed, `sign` and `after_param` stand outside the signature."""
    given = fake.settings()
    params = {
        "appkey": given["app_key"],
        "method": method,
        "version": "1",
        "access_token": given["access_token"],
        "timestamp": str(now(fake) * 1000),
        "signMethod": "MD5",
        "param": json.dumps(asked, ensure_ascii=False),
    }
    params |= {name: value for name, value in changed.items() if name in params}
    params = {name: value for name, value in params.items() if value}
    params["sign"] = changed.get("sign", ks_sign(params, given["sign_secret"]))
    if "after_param" in changed:
        params["param"] = changed["after_param"]
    if not params["sign"]:
        del params["sign"]
    return Request("GET", f"{given['url']}/{method.replace('.', '/')}", tuple(params.items()))


def ks_orders(fake: Any, since: float, until: float, query: int = 1, size: int = 7) -> list[Sent]:
    found: list[Sent] = []
    for begin, end in windows(since, until, 7 * DAY):
        cursor = ""
        while cursor != "nomore":
            asked = {"orderViewStatus": 1, "pageSize": size, "sort": 1, "queryType": query, "cursor": cursor}
            asked |= {"beginTime": begin * 1000, "endTime": end * 1000}
            data = body(fake(ks_request(fake, "open.order.cursor.list", asked)))["data"]
            found += data["orderList"]
            cursor = data["cursor"]
    return found


def ks_refunds(fake: Any, since: float, until: float) -> list[Sent]:
    found: list[Sent] = []
    for begin, end in windows(since, until, DAY):
        cursor, page = "", 1
        while cursor != "nomore":
            asked = {"type": 9, "pageSize": 2, "currentPage": page, "pcursor": cursor, "queryType": 1}
            asked |= {"beginTime": begin * 1000, "endTime": end * 1000}
            data = body(fake(ks_request(fake, "open.seller.order.refund.pcursor.list", asked)))["data"]
            assert (data["totalSize"] > 0) == (page == 1 and bool(data["refundOrderInfoList"]))
            found += data["refundOrderInfoList"]
            cursor, page = data["pcursor"], page + 1
    return found


def ks_items(fake: Any) -> list[Sent]:
    found: list[Sent] = []
    page = pages = 1
    while page <= pages:
        data = body(fake(ks_request(fake, "open.item.list.get", {"pageNumber": page, "pageSize": 10})))["data"]
        found += data["items"]
        page, pages = page + 1, data["totalPage"]
    return found


def test_kuaishou_is_read_in_full():
    fake = filled("kuaishou")
    since, until = now(fake) - 30 * DAY, now(fake)
    assert by_id(fake, "orders", ks_orders(fake, since, until)) == fake.truth("orders")
    assert by_id(fake, "orders", ks_orders(fake, since, until, query=2)) == fake.truth("orders")
    assert by_id(fake, "refunds", ks_refunds(fake, since, until)) == fake.truth("refunds")
    assert by_id(fake, "items", ks_items(fake)) == fake.truth("items")
    order = next(iter(fake.truth("orders").values()))
    line, base = order["orderItemInfo"], order["orderBaseInfo"]
    assert base["totalFee"] == line["num"] * line["price"] - base["discountFee"] + base["expressFee"]


def ks_window(fake: Any, **changed: Any) -> Sent:
    asked = {"orderViewStatus": 1, "pageSize": 50, "queryType": 1, "cursor": ""}
    return {**asked, "beginTime": (now(fake) - DAY) * 1000, "endTime": now(fake) * 1000, **changed}


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({"sign": "0" * 32}, 27),
        ({"sign": ""}, 21),
        ({"after_param": "{}"}, 27),
        ({"appkey": "ks1"}, 22),
        ({"access_token": "ksOther"}, 24),
        ({"access_token": ""}, 21),
        ({"timestamp": "1759626600000"}, 25),
        ({"timestamp": "1791158400"}, 25),
        ({"signMethod": "SHA1"}, 26),
        ({"version": "2"}, 20),
    ],
)
def test_kuaishou_refuses_who_may_not_call(changed, result):
    fake = filled("kuaishou")
    told = body(fake(ks_request(fake, "open.order.cursor.list", ks_window(fake), **changed)))
    assert told["result"] == result
    assert told["error_msg"]
    assert "data" not in told


def test_kuaishou_refuses_what_may_not_be_asked():
    fake = filled("kuaishou")
    ms = 1000 * now(fake)
    wrong = [
        ("endTime无效", {"beginTime": ms - 8 * DAY * 1000}),
        ("endTime无效", {"beginTime": ms, "endTime": ms}),
        ("beginTime无效", {"beginTime": ms - 91 * DAY * 1000, "endTime": ms - 90 * DAY * 1000}),
        ("pageSize无效", {"pageSize": 51}),
        ("cursor无效", {"cursor": None}),
        ("cursor无效", {"cursor": "abc"}),
        ("orderViewStatus无效", {"orderViewStatus": None}),
        ("orderViewStatus无效", {"orderViewStatus": 8}),
        ("queryType无效", {"queryType": 3}),
    ]
    for text, changed in wrong:
        told = body(fake(ks_request(fake, "open.order.cursor.list", ks_window(fake, **changed))))
        assert (told["result"], told["code"], told["msg"], told["subMsg"]) == (2001, "807000", "业务处理失败", text)
    day = {
        "beginTime": ms - DAY * 1000 - 1000,
        "endTime": ms,
        "type": 9,
        "pageSize": 100,
        "currentPage": 1,
        "pcursor": "",
    }
    method = "open.seller.order.refund.pcursor.list"
    assert body(fake(ks_request(fake, method, day)))["subMsg"] == "endTime无效"
    day["beginTime"] += 1000
    assert body(fake(ks_request(fake, method, day)))["result"] == 1
    assert body(fake(ks_request(fake, method, {**day, "pageSize": 101})))["subMsg"] == "pageSize无效"
    assert body(fake(ks_request(fake, method, {**day, "currentPage": None})))["subMsg"] == "currentPage无效"
    assert body(fake(ks_request(fake, method, {**day, "currentPage": 0})))["subMsg"] == "currentPage无效"
    assert body(fake(ks_request(fake, method, {**day, "type": 1})))["subMsg"] == "type无效"
    assert body(fake(ks_request(fake, method, day, param="[]")))["subMsg"] == "param不是合法的JSON"
    assert (
        body(fake(ks_request(fake, "open.item.list.get", {"pageNumber": 1, "pageSize": 9})))["subMsg"] == "pageSize无效"
    )
    assert body(fake(ks_request(fake, "open.seller.order.pcursor.list", {})))["result"] == 20
    good = ks_request(fake, "open.order.cursor.list", ks_window(fake))
    assert body(fake(Request("POST", good.url, good.query)))["result"] == 23


def test_kuaishou_cursor_serves_its_question_only_and_nothing_slips():
    fake = filled("kuaishou", churn=1, changes=60)
    until = now(fake)
    first = ks_window(fake, beginTime=(until - 7 * DAY) * 1000, pageSize=5)
    cursor = body(fake(ks_request(fake, "open.order.cursor.list", first)))["data"]["cursor"]
    other = {**first, "cursor": cursor, "pageSize": 6}
    assert body(fake(ks_request(fake, "open.order.cursor.list", other)))["subMsg"] == "cursor无效"
    before = set(fake.truth("orders"))
    seen = by_id(fake, "orders", ks_orders(fake, until - 30 * DAY, until))
    assert before <= set(seen)


def test_kuaishou_hmac_is_another_accepted_way():
    fake = filled("kuaishou")
    given, asked = (
        fake.settings(),
        ks_request(fake, "open.order.cursor.list", ks_window(fake), signMethod="HMAC_SHA256"),
    )
    params = {name: value for name, value in asked.query if name != "sign"}
    text = "&".join(f"{name}={params[name]}" for name in sorted(params)) + "&signSecret=" + given["sign_secret"]
    sign = base64.b64encode(hmac.new(given["sign_secret"].encode(), text.encode(), hashlib.sha256).digest()).decode()
    assert body(fake(Request("GET", asked.url, (*params.items(), ("sign", sign)))))["result"] == 1
    assert body(fake(asked))["result"] == 27


def test_kuaishou_tokens_end_and_rotate():
    fake = filled("kuaishou")
    given = fake.settings()

    def refresh(token: str, **changed: str) -> Sent:
        form = {"grant_type": "refresh_token", "app_id": given["app_key"], "app_secret": given["app_secret"]}
        data = urlencode({**form, "refresh_token": token, **changed}).encode()
        return body(fake(Request("POST", given["token_url"], body=data)))

    fake.world.clock.sleep(fake.token_seconds)
    assert body(fake(ks_request(fake, "open.item.list.get", {"pageNumber": 1, "pageSize": 10})))["result"] == 28
    assert refresh(given["refresh_token"], app_secret="no")["result"] == 100200102
    assert refresh(given["refresh_token"], grant_type="code")["result"] == 100200101
    assert body(fake(Request("GET", given["token_url"])))["result"] == 100200100
    fresh = refresh(given["refresh_token"])
    assert fresh["refresh_token"] != given["refresh_token"]
    assert fresh["expires_in"] == 172_800
    assert fresh["refresh_token_expires_in"] == 180 * DAY - 172_800
    assert body(fake(ks_request(fake, "open.item.list.get", {"pageNumber": 1, "pageSize": 10})))["result"] == 1
    fake.world.clock.sleep(301)
    assert refresh(given["refresh_token"])["result"] == 100200107
    assert refresh(fresh["refresh_token"])["result"] == 1
    fake.world.clock.sleep(180 * DAY)
    assert refresh(fake.settings()["refresh_token"])["result"] == 100200107


# --- Xiaohongshu --------------------------------------------------------------------------------------------------


def xhs_request(fake: Any, method: str, asked: Sent, **changed: Any) -> Request:
    given = fake.settings()
    system = {"appId": given["app_id"], "timestamp": str(now(fake)), "version": "2.0", "method": method}
    system |= {name: value for name, value in changed.items() if name in system}
    text = f"{system['method']}?appId={system['appId']}&timestamp={system['timestamp']}&version={system['version']}"
    sent = {**system, "sign": hashlib.md5((text + given["app_secret"]).encode()).hexdigest(), **asked}
    sent |= {"accessToken": given["access_token"], **{name: changed[name] for name in changed if name not in system}}
    content = json.dumps({name: value for name, value in sent.items() if value is not None}).encode()
    return Request("POST", given["url"], headers=(("Content-Type", "application/json;charset=utf-8"),), body=content)


def xhs(fake: Any, method: str, **asked: Any) -> Any:
    told = body(fake(xhs_request(fake, method, asked)))
    assert told["error_code"] == 0, told
    assert told["success"] is True
    data = told["data"]
    if method.startswith(("afterSale", "finance")):
        assert (data["code"], data["success"]) == (0, True)
        return data["data"]
    return data


def xhs_orders(fake: Any, since: float, until: float, by: int, step: float) -> list[Sent]:
    """Orders, page by page from the last to the first, each with its detail."""
    ids: dict[str, None] = {}
    for start, end in windows(since, until, step):
        asked = {"startTime": start, "endTime": end, "timeType": by, "pageSize": 4}
        for page in range(xhs(fake, "order.getOrderList", **asked, pageNo=1)["maxPageNo"], 0, -1):
            listed = xhs(fake, "order.getOrderList", **asked, pageNo=page)["orderList"]
            ids.update((order["orderId"], None) for order in listed)
            fake.world.clock.sleep(1)
    details = []
    for key in ids:
        details.append(xhs(fake, "order.getOrderDetail", orderId=key))
        fake.world.clock.sleep(0.1)
    return details


def xhs_refunds(fake: Any, since: float, until: float) -> list[Sent]:
    found = []
    for start, end in windows(since, until, DAY):
        page, listed = 1, [{}]
        while listed:
            asked = {"startTime": start * 1000, "endTime": end * 1000, "timeType": 1, "pageNo": page, "pageSize": 4}
            listed = xhs(fake, "afterSale.listAfterSaleInfos", **asked)["afterSaleBasicInfos"]
            for one in listed:
                assert "refundAmountYuan" not in one
                detail = xhs(fake, "afterSale.getAfterSaleInfo", returnsId=one["returnsId"])
                found.append(detail["afterSaleInfo"])
            page += 1
            fake.world.clock.sleep(1)
    return found


def xhs_settlements(fake: Any, since: float, until: float) -> list[Sent]:
    found, start = [], int(since)
    while start < until:
        page = pages = 1
        while page <= pages:
            asked = {"startTime": start * 1000, "endTime": (start + DAY) * 1000, "pageNum": page, "pageSize": 4}
            data = xhs(fake, "finance.pageQueryTransaction", **asked)
            found += data["transactions"]
            page, pages = page + 1, data["totalPage"]
        start += DAY
        fake.world.clock.sleep(1)
    return found


def test_xiaohongshu_is_read_in_full():
    fake = filled("xiaohongshu")
    since, until = now(fake) - 4 * DAY, now(fake)
    assert by_id(fake, "orders", xhs_orders(fake, since, until, 1, DAY)) == fake.truth("orders")
    assert by_id(fake, "orders", xhs_orders(fake, since, until, 2, 1800)) == fake.truth("orders")
    assert by_id(fake, "refunds", xhs_refunds(fake, since, until)) == fake.truth("refunds")
    assert by_id(fake, "settlements", xhs_settlements(fake, since, until)) == fake.truth("settlements")
    for order in fake.truth("orders").values():
        assert (
            order["totalPayAmount"]
            == sum(sku["totalPaidAmount"] for sku in order["skuList"]) + order["totalShippingFree"]
        )
        assert 1 <= len(order["skuList"]) <= 4


@pytest.mark.parametrize("backwards", [True, False])
def test_xiaohongshu_pages_slip_forwards_and_not_backwards(backwards):
    fake = FAKES["xiaohongshu"](World())
    end = now(fake)
    fake.world.fill("orders", fake.makers["orders"], 40, end - 1200, end - 60)
    before = set(fake.truth("orders"))
    fake.world.clock.sleep(60)
    asked = {"startTime": end - 1800, "endTime": end, "timeType": 2, "pageSize": 10}
    seen: set[str] = set()
    for page in (4, 3, 2, 1) if backwards else (1, 2, 3, 4):
        listed = xhs(fake, "order.getOrderList", **asked, pageNo=page)["orderList"]
        seen |= {order["orderId"] for order in listed}
        if page == (3 if backwards else 2):
            fake.world.touch("orders", listed[0]["orderId"])
    assert (seen == before) is backwards


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sign": "0" * 32}, -9006),
        ({"sign": None}, -9002),
        ({"appId": "other"}, -9003),
        ({"version": "1.0"}, -9004),
        ({"timestamp": "1759626600"}, -9005),
        ({"timestamp": "1791158400000"}, -9005),
        ({"accessToken": "token-x"}, -9008),
        ({"accessToken": None}, -9007),
    ],
)
def test_xiaohongshu_refuses_who_may_not_call(changed, code):
    fake = filled("xiaohongshu")
    asked = {"startTime": now(fake) - 60, "endTime": now(fake), "timeType": 2}
    told = body(fake(xhs_request(fake, "order.getOrderList", asked, **changed)))
    assert (told["success"], told["error_code"], told["data"]) == (False, code, None)
    assert told["error_msg"]


def test_xiaohongshu_refuses_what_may_not_be_asked():
    fake = filled("xiaohongshu")
    end = now(fake)

    def refused(method: str, **asked: Any) -> int:
        return body(fake(xhs_request(fake, method, asked)))["error_code"]

    half_hour = {"startTime": end - 1800, "endTime": end, "timeType": 2}
    assert refused("order.getOrderList", **half_hour) == 0
    assert refused("order.getOrderList", **{**half_hour, "startTime": end - 1801}) == -1002
    assert refused("order.getOrderList", startTime=end - DAY - 1, endTime=end, timeType=1) == -1002
    assert refused("order.getOrderList", startTime=end * 1000 - 1800, endTime=end * 1000, timeType=1) == -1001
    assert refused("order.getOrderList", **half_hour, pageNo=101) == -1001
    assert refused("order.getOrderList", **half_hour, pageSize=101) == -1001
    assert refused("order.getOrderList", startTime=end - 60, endTime=end) == -1001
    ms = {"startTime": (end - 60) * 1000, "endTime": end * 1000, "timeType": 1}
    assert refused("afterSale.listAfterSaleInfos", **ms, pageNo=500, pageSize=100) == 0
    assert refused("afterSale.listAfterSaleInfos", **ms, pageNo=501, pageSize=100) == -1001
    assert refused("afterSale.listAfterSaleInfos", **half_hour, pageNo=1, pageSize=100) == -1001
    assert refused("finance.pageQueryTransaction", **ms, pageNo=1, pageSize=10) == -1001
    assert refused("finance.pageQueryTransaction", **ms, pageNum=1, pageSize=10) == 0
    assert (
        refused("finance.pageQueryTransaction", **{**ms, "startTime": (end - DAY - 1) * 1000}, pageNum=1, pageSize=10)
        == -1002
    )
    assert refused("afterSale.listAfterSaleInfos", **ms, pageNo=1, pageSize=100, returnTypes=4) == -1001
    assert refused("order.getOrderList", **half_hour, orderStatus=11) == -1001
    assert refused("order.getOrderDetail", orderId="P1") == -1003
    assert refused("order.getOrderDetail") == -1001
    assert refused("order.list") == -9001
    given = fake.settings()["url"]
    assert fake(Request("GET", given)).status == 405
    assert fake(Request("POST", given + "/x", body=b"{}")).status == 404
    assert body(fake(Request("POST", given, body=b"a=1")))["error_code"] == -9000


def test_xiaohongshu_tokens_are_refreshed_at_the_end_only():
    fake = filled("xiaohongshu")
    given = fake.settings()

    def refresh(token: str) -> Sent:
        return body(fake(xhs_request(fake, "oauth.refreshToken", {"refreshToken": token}, accessToken=None)))

    early = refresh(given["refresh_token"])["data"]
    assert (early["accessToken"], early["refreshToken"]) == (given["access_token"], given["refresh_token"])
    assert early["accessTokenExpiresAt"] == (now(fake) + 7 * DAY) * 1000
    fake.world.clock.sleep(7 * DAY)
    asked = {"startTime": now(fake) - 60, "endTime": now(fake), "timeType": 2}
    assert body(fake(xhs_request(fake, "order.getOrderList", asked)))["error_code"] == -9009
    late = refresh(given["refresh_token"])["data"]
    assert late["refreshToken"] != given["refresh_token"]
    assert refresh(given["refresh_token"])["error_code"] == -9011
    assert body(fake(xhs_request(fake, "order.getOrderList", asked)))["error_code"] == 0
    code = xhs_request(fake, "oauth.getAccessToken", {"code": next(iter(fake.codes))}, accessToken=None)
    assert body(fake(code))["error_code"] == -9010
    fake = filled("xiaohongshu")
    code = xhs_request(fake, "oauth.getAccessToken", {"code": next(iter(fake.codes))}, accessToken=None)
    assert body(fake(code))["data"]["accessToken"] == fake.settings()["access_token"]
    assert body(fake(code))["error_code"] == -9010


# --- WeChat store -------------------------------------------------------------------------------------------------


def wx_token(fake: Any, **changed: Any) -> Sent:
    given = fake.settings()
    asked = {"grant_type": "client_credential", "appid": given["appid"], "secret": given["secret"], **changed}
    return body(fake(Request("POST", given["token_url"], body=json.dumps(asked).encode())))


def wx_call(fake: Any, path: str, asked: Sent | None, token: str | None = None) -> Sent:
    token = wx_token(fake)["access_token"] if token is None else token
    content = b"" if asked is None else json.dumps(asked).encode()
    method, query = ("GET" if asked is None else "POST"), (("access_token", token),) if token else ()
    return body(fake(Request(method, fake.settings()["url"] + path, query, body=content)))


def wx_ids(fake: Any, path: str, listed: str, asked: Sent) -> list[str]:
    found, more, key = [], True, ""
    while more:
        told = wx_call(fake, path, {**asked, "next_key": key})
        assert told["errcode"] == 0, told
        found += told[listed]
        key = told["next_key"]
        more = told["has_more"] if "has_more" in told else len(found) < told["total_num"]
    return found


def wx_orders(fake: Any, since: float, until: float, by: str) -> list[Sent]:
    ids: list[str] = []
    for start, end in windows(since, until, 7 * DAY):
        asked = {f"{by}_time_range": {"start_time": start, "end_time": end}, "page_size": 6}
        ids += wx_ids(fake, "/channels/ec/order/list/get", "order_id_list", asked)
    return [wx_call(fake, "/channels/ec/order/get", {"order_id": key})["order"] for key in ids]


def wx_refunds(fake: Any, since: float, until: float) -> list[Sent]:
    ids: list[str] = []
    for start, end in windows(since, until, DAY):
        asked = {"begin_create_time": start, "end_create_time": end}
        ids += wx_ids(fake, "/channels/ec/aftersale/getaftersalelist", "after_sale_order_id_list", asked)
    path = "/channels/ec/aftersale/getaftersaleorder"
    return [wx_call(fake, path, {"after_sale_order_id": key})["after_sale_order"] for key in ids]


def test_weixin_store_is_read_in_full():
    fake = filled("weixin_store", 130)
    since, until = now(fake) - 30 * DAY, now(fake)
    assert by_id(fake, "orders", wx_orders(fake, since, until, "create")) == fake.truth("orders")
    assert by_id(fake, "orders", wx_orders(fake, since, until, "update")) == fake.truth("orders")
    assert by_id(fake, "refunds", wx_refunds(fake, since, until)) == fake.truth("refunds")
    ids = wx_ids(fake, "/channels/ec/product/list/get", "product_ids", {})
    products = [wx_call(fake, "/channels/ec/product/get", {"product_id": key})["product"] for key in ids]
    assert len(products) == 32
    assert by_id(fake, "items", products) == fake.truth("items")
    assert by_id(fake, "shops", [wx_call(fake, "/channels/ec/basics/info/get", None)["info"]]) == fake.truth("shops")
    for order in fake.truth("orders").values():
        price, lines = order["order_detail"]["price_info"], order["order_detail"]["product_infos"]
        assert price["product_price"] == sum(line["sale_price"] * line["sku_cnt"] for line in lines)
        assert price["order_price"] == price["product_price"] + price["freight"] - price["discounted_price"]


def test_weixin_store_refuses():
    fake = filled("weixin_store")
    token, end = wx_token(fake)["access_token"], now(fake)
    orders, after = "/channels/ec/order/list/get", "/channels/ec/aftersale/getaftersalelist"
    week = {"create_time_range": {"start_time": end - 7 * DAY, "end_time": end}, "page_size": 100}
    day = {"begin_update_time": end - DAY, "end_update_time": end}
    assert wx_call(fake, orders, week)["errcode"] == 0
    assert wx_call(fake, after, day)["errcode"] == 0
    wrong = [
        (40097, orders, {**week, "page_size": 101}),
        (40097, orders, {"page_size": 10}),
        (40097, orders, {**week, "update_time_range": week["create_time_range"]}),
        (40097, orders, {**week, "create_time_range": {"start_time": end - 7 * DAY - 1, "end_time": end}}),
        (40097, orders, {**week, "page": 2}),
        (40097, orders, {**week, "status": 40}),
        (40097, after, {**day, "begin_update_time": end - DAY - 1}),
        (40097, after, {**day, "page_size": 10}),
        (40097, after, {"begin_update_time": end - DAY}),
        (40097, after, {}),
        (40097, after, {**day, "begin_create_time": end - DAY, "end_create_time": end}),
        (40097, "/channels/ec/product/list/get", {"page_size": 31}),
        (40097, "/channels/ec/order/get", {"order_id": "1"}),
        (40066, "/channels/ec/order/getlist", {}),
        (43002, orders, None),
        (43001, "/channels/ec/basics/info/get", {}),
    ]
    for code, path, asked in wrong:
        told = wx_call(fake, path, asked, token)
        assert (told["errcode"], sorted(told)) == (code, ["errcode", "errmsg"]), path
    assert wx_call(fake, orders, week, "")["errcode"] == 41001
    assert wx_call(fake, orders, week, "wxOther")["errcode"] == 40001
    assert wx_token(fake, secret="no")["errcode"] == 40125
    assert wx_token(fake, appid="no")["errcode"] == 40013
    assert wx_token(fake, grant_type="authorization_code")["errcode"] == 40002
    bad = Request("POST", fake.settings()["url"] + orders, (("access_token", token),), body=b"page_size=1")
    assert body(fake(bad))["errcode"] == 47001
    key = wx_call(fake, orders, {**week, "page_size": 5})["next_key"]
    assert wx_call(fake, orders, {**week, "page_size": 6, "next_key": key})["errcode"] == 606006
    shop = fake.world.records.pop("shops")
    assert wx_call(fake, "/channels/ec/basics/info/get", None)["errcode"] == 48001
    fake.world.records["shops"] = shop
    fake.most_in_window = 3
    assert wx_call(fake, orders, week)["errcode"] == 31042
    fake.ip_listed = False
    assert (fake(bad).status, b"errcode" in fake(bad).body) == (403, False)


def test_weixin_store_tokens():
    fake = filled("weixin_store")
    first = wx_token(fake)
    fake.world.clock.sleep(100)
    again = wx_token(fake)
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], first["expires_in"] - 100)
    info = "/channels/ec/basics/info/get"
    fake.world.clock.sleep(6900)
    later = wx_token(fake)
    assert later["access_token"] != first["access_token"]
    assert wx_call(fake, info, None, first["access_token"])["errcode"] == 0
    fake.world.clock.sleep(300)
    assert wx_call(fake, info, None, first["access_token"])["errcode"] == 42001
    forced = wx_token(fake, force_refresh=True)
    assert wx_call(fake, info, None, later["access_token"])["errcode"] == 40001
    assert wx_call(fake, info, None, forced["access_token"])["errcode"] == 0
    assert wx_token(fake, force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        fake.world.clock.sleep(30)
        assert "access_token" in wx_token(fake, force_refresh=True)
    fake.world.clock.sleep(30)
    assert wx_token(fake, force_refresh=True)["errcode"] == 45009


# --- Ocean Engine -------------------------------------------------------------------------------------------------

REPORT = "/open_api/v1.0/qianchuan/report/uni_promotion/data/get/"
DIMENSIONS = ["stat_time_day", "ad_id", "ad_name", "product_id"]
METRICS = [*oceanengine.SUMS, *oceanengine.RATIOS]
BEIJING = timezone(timedelta(hours=8))


def text(time: float) -> str:
    return datetime.fromtimestamp(time, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def oe_query(fake: Any, since: float, until: float, **changed: str) -> dict[str, str]:
    by_day = [{"type": 0, "field": "stat_time_day"}, {"type": 0, "field": "ad_id"}]
    return {
        "advertiser_id": fake.settings()["advertiser_id"],
        "data_topic": "SITE_PROMOTION_PRODUCT_AD",
        "dimensions": json.dumps(DIMENSIONS),
        "metrics": json.dumps(METRICS),
        "start_time": text(since),
        "end_time": text(until),
        "order_by": json.dumps(by_day),
        "page": "1",
        "page_size": "20",
        **changed,
    }


def oe_report(fake: Any, query: dict[str, str], token: str | None = None) -> Sent:
    given = fake.settings()
    header = (("Access-Token", given["access_token"] if token is None else token),)
    return body(fake(Request("GET", given["url"] + REPORT, tuple(query.items()), header)))


def oe_rows(fake: Any, since: float, until: float, **changed: str) -> list[Sent]:
    found: list[Sent] = []
    page = pages = 1
    while page <= pages:
        told = oe_report(fake, oe_query(fake, since, until, page=str(page), **changed))
        assert (told["code"], told["message"]) == (0, "OK"), told
        found += told["data"]["rows"]
        page, pages = page + 1, told["data"]["page_info"]["total_page"]
    assert len(found) == told["data"]["page_info"]["total_number"]
    return found


def test_oceanengine_is_read_in_full():
    fake = filled("oceanengine", 300)
    since, until = now(fake) - 20 * DAY, now(fake)
    rows = oe_rows(fake, since, until)
    assert by_id(fake, "ad_daily", rows) == fake.truth("ad_daily")
    assert len(rows) > 20
    goods = oe_rows(
        fake,
        since,
        until,
        data_topic="SITE_PROMOTION_PRODUCT_PRODUCT",
        dimensions='["product_id"]',
        metrics='["stat_cost_for_roi2"]',
        order_by='[{"type":0,"field":"product_id"}]',
    )
    assert len(goods) == 4
    spent = [sum(row["metrics"]["stat_cost_for_roi2"] for row in some) for some in (goods, rows)]
    assert spent[0] == pytest.approx(spent[1])
    only = json.dumps([{"field": "ad_id", "operator": 7, "values": [rows[0]["dimensions"]["ad_id"]]}])
    filtered = oe_rows(fake, since, until, filters=only)
    assert filtered == [row for row in rows if row["dimensions"]["ad_id"] == rows[0]["dimensions"]["ad_id"]]


def test_oceanengine_refuses():
    fake = filled("oceanengine")
    end = now(fake)
    wrong = [
        (40001, {"page_size": "30"}),
        (40001, {"page": "0"}),
        (40001, {"page": "x"}),
        (40001, {"metrics": "5"}),
        (40001, {"order_by": '{"type":1,"field":"ad_id"}'}),
        (40001, {"filters": '[{"field":"ad_id","operator":7,"values":"1"}]'}),
        (40001, {"data_topic": "ECP_BASIC"}),
        (40001, {"metrics": "stat_cost_for_roi2"}),
        (40001, {"metrics": "[]"}),
        (40001, {"dimensions": '["material_id"]'}),
        (40001, {"start_time": text(end)[:10]}),
        (40001, {"start_time": text(end - 31 * DAY)}),
        (40001, {"order_by": '[{"type":2,"field":"ad_id"}]'}),
        (40001, {"filters": '[{"field":"x","operator":7,"values":["1"]}]'}),
        (40001, {"advertiser_id": ""}),
        (40002, {"advertiser_id": "1"}),
    ]
    for code, changed in wrong:
        told = oe_report(fake, oe_query(fake, end - DAY, end, **changed))
        assert (told["code"], told["data"]) == (code, {}), changed
        assert told["request_id"]
    good = oe_query(fake, end - DAY, end)
    assert oe_report(fake, good, "")["code"] == 40104
    assert oe_report(fake, good, "no")["code"] == 40105
    url = fake.settings()["url"]
    assert body(fake(Request("GET", url + "/open_api/2/report/ad/get/")))["code"] == 40000
    assert body(fake(Request("POST", url + REPORT)))["code"] == 40000


def test_oceanengine_gives_tokens_for_a_code_once():
    fake = filled("oceanengine")
    given = fake.settings()
    asked = {"app_id": int(given["app_id"]), "secret": given["secret"], "auth_code": next(iter(fake.codes))}
    request = Request("POST", given["url"] + "/open_api/oauth2/access_token/", body=json.dumps(asked).encode())
    assert body(fake(request))["data"]["access_token"] == fake.settings()["access_token"] != given["access_token"]
    assert body(fake(request))["code"] == 40108


def test_oceanengine_rotates_both_tokens():
    fake = filled("oceanengine")
    given, good = fake.settings(), oe_query(fake, now(fake) - DAY, now(fake))

    def refresh(token: str, **changed: str) -> Sent:
        asked = {"app_id": given["app_id"], "secret": given["secret"], "refresh_token": token, **changed}
        return body(fake(Request("POST", given["token_url"], body=json.dumps(asked).encode())))

    fake.world.clock.sleep(fake.token_seconds)
    assert oe_report(fake, good)["code"] == 40102
    assert refresh(given["refresh_token"], secret="no")["code"] == 40101
    assert refresh(given["refresh_token"], grant_type="code")["code"] == 40001
    assert body(fake(Request("POST", given["token_url"], body=b"app_id=1")))["code"] == 40001
    fresh = refresh(given["refresh_token"])["data"]
    assert (fresh["expires_in"], fresh["refresh_token_expires_in"]) == (86_400, 30 * DAY)
    assert refresh(given["refresh_token"])["code"] == 40107
    assert oe_report(fake, good, given["access_token"])["code"] == 40102
    assert oe_report(fake, good, fresh["access_token"])["code"] == 0
    fake.world.clock.sleep(30 * DAY)
    assert refresh(fresh["refresh_token"])["code"] == 40103


# --- Jushuitan ----------------------------------------------------------------------------------------------------


def jst_request(fake: Any, path: str, asked: Sent, **changed: str) -> Request:
    given = fake.settings()
    form = {
        "app_key": given["app_key"],
        "access_token": given["access_token"],
        "timestamp": str(now(fake)),
        "charset": "utf-8",
        "version": "2",
        "biz": json.dumps(asked, ensure_ascii=False),
    }
    form |= {name: value for name, value in changed.items() if name in form}
    pairs = "".join(name + form[name] for name in sorted(form))
    form["sign"] = changed.get("sign", hashlib.md5((given["app_secret"] + pairs).encode()).hexdigest())
    form |= {"biz": changed["after_biz"]} if "after_biz" in changed else {}
    return Request("POST", given["url"] + path, body=urlencode({k: v for k, v in form.items() if v}).encode())


def jst(fake: Any, path: str, **asked: Any) -> Sent:
    """A call that waits where it is told that it called too often."""
    while (told := body(fake(jst_request(fake, path, asked))))["code"] == 199:
        fake.world.clock.sleep(1)
    assert (told["code"], told["issuccess"]) == (0, True), told
    return told["data"]


def jst_window(fake: Any, path: str, listed: str, size: int, since: float, until: float) -> list[Sent]:
    found: list[Sent] = []
    for begin, end in windows(since, until, 7 * DAY):
        page, more = 1, True
        while more:
            asked = {"modified_begin": text(begin), "modified_end": text(end), "page_index": page, "page_size": size}
            data = jst(fake, path, **asked)
            found += data[listed]
            page, more = page + 1, data["has_next"]
    return found


def jst_since(fake: Any, path: str, listed: str, ts: int = 0) -> list[Sent]:
    found: list[Sent] = []
    more = True
    while more:
        data = jst(fake, path, start_ts=ts, is_get_total=False, page_index=1, page_size=7)
        assert "data_count" not in data
        found += data[listed]
        ts, more = (data[listed][-1]["ts"] if data[listed] else ts), data["has_next"]
    return found


def test_jushuitan_is_read_in_full():
    fake = filled("jushuitan")
    since, until = now(fake) - 30 * DAY, now(fake)
    for stream, path, listed, size in [
        ("orders", "/open/orders/single/query", "orders", 10),
        ("shipments", "/open/orders/out/simple/query", "datas", 10),
        ("refunds", "/open/refund/single/query", "datas", 50),
        ("items", "/open/sku/query", "datas", 10),
        ("inventory", "/open/inventory/query", "inventorys", 10),
    ]:
        assert by_id(fake, stream, jst_window(fake, path, listed, size, since, until)) == fake.truth(stream)
        if stream in ("orders", "shipments", "refunds"):
            assert by_id(fake, stream, jst_since(fake, path, listed)) == fake.truth(stream)
    shops = jst(fake, "/open/shops/query", page_index=1, page_size=100)["datas"]
    assert by_id(fake, "shops", shops) == fake.truth("shops")
    orders = fake.truth("orders")
    assert {"Merged", "Split"} & {order["status"] for order in orders.values()}
    assert all(order["ts"] > 2**53 for order in orders.values())
    for order in orders.values():
        goods = sum(line["amount"] for line in order["items"])
        assert order["pay_amount"] == pytest.approx(max(0, goods - order["free_amount"] + order["freight"]))
    key = next(iter(orders))
    assert jst(fake, "/open/orders/single/query", o_ids=[int(key)])["orders"] == [orders[key]]
    assert jst(fake, "/open/orders/single/query", so_ids=[orders[key]["so_id"]])["orders"] == [orders[key]]
    skus = list(fake.truth("inventory"))[:3]
    assert len(jst(fake, "/open/inventory/query", sku_ids=",".join(skus))["inventorys"]) == 3


def test_jushuitan_row_versions_lose_nothing_while_records_change():
    fake = filled("jushuitan", churn=1, changes=40)
    path = "/open/orders/single/query"
    latest = {str(order["o_id"]): order for order in jst_since(fake, path, "orders")}
    fake.world.churn = 0
    start = max(order["ts"] for order in latest.values())
    latest |= {str(order["o_id"]): order for order in jst_since(fake, path, "orders", start)}
    assert latest == fake.truth("orders")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sign": "0" * 32}, 10),
        ({"sign": ""}, 120),
        ({"after_biz": "{}"}, 10),
        ({"app_key": "no"}, 160),
        ({"access_token": "no"}, 100),
        ({"access_token": ""}, 130),
        ({"timestamp": "1759626600"}, 180),
        ({"timestamp": "1791158400000"}, 180),
        ({"charset": "gbk"}, 130),
        ({"biz": "[]"}, 170),
    ],
)
def test_jushuitan_refuses_who_may_not_call(changed, code):
    fake = filled("jushuitan")
    asked = {"modified_begin": text(now(fake) - 60), "modified_end": text(now(fake))}
    told = body(fake(jst_request(fake, "/open/sku/query", asked, **changed)))
    assert (told["code"], told["issuccess"], told["data"]) == (code, False, None)


def test_jushuitan_refuses_what_may_not_be_asked():
    fake = filled("jushuitan")
    fake.burst = None
    end, orders = now(fake), "/open/orders/single/query"
    week = {"modified_begin": text(end - 7 * DAY), "modified_end": text(end)}

    def code(path: str, **asked: Any) -> int:
        return body(fake(jst_request(fake, path, asked)))["code"]

    assert code(orders, **week, page_size=100) == 0
    assert code(orders, **week, page_size=101) == 170
    assert code("/open/refund/single/query", **week, page_size=51) == 170
    assert code("/open/inventory/query", **week, page_size=101) == 170
    assert code(orders, **{**week, "modified_begin": text(end - 7 * DAY - 1)}) == 170
    assert code(orders, modified_begin=text(end)) == 170
    assert code(orders, **week, page_index=0) == 170
    assert code(orders, **week, date_type=1) == 170
    assert code(orders, o_ids=list(range(21))) == 170
    assert code(orders, start_ts=str(2**53)) == 170
    assert code("/open/orders/query", **week) == 140
    fake.order_page = 50
    assert code(orders, **week, page_size=51) == 170
    fake.order_page = 100
    good = jst_request(fake, orders, week)
    assert body(fake(Request("GET", good.url, body=good.body)))["code"] == 130


def jst_tokens(fake: Any, path: str, **form: str) -> Sent:
    given = fake.settings()
    form = {"app_key": given["app_key"], "timestamp": str(now(fake)), "charset": "utf-8", **form}
    pairs = "".join(name + form[name] for name in sorted(form))
    form["sign"] = hashlib.md5((given["app_secret"] + pairs).encode()).hexdigest()
    return body(fake(Request("POST", given["url"] + path, body=urlencode(form).encode())))


def test_jushuitan_refreshes():
    fake = filled("jushuitan")
    given, path = fake.settings(), "/openWeb/auth/refreshToken"
    assert given["token_url"] == given["url"] + path
    asked = {"grant_type": "refresh_token", "scope": "all", "refresh_token": given["refresh_token"]}
    fake.world.clock.sleep(fake.token_seconds)
    assert body(fake(jst_request(fake, "/open/shops/query", {})))["code"] == 100
    assert jst_tokens(fake, path, **{**asked, "scope": "some"})["code"] == 130
    assert jst_tokens(fake, path, **asked)["data"]["expires_in"] == 2_592_000
    assert jst_tokens(fake, path, **asked)["code"] == 100
    assert body(fake(jst_request(fake, "/open/shops/query", {})))["code"] == 0


def test_jushuitan_gives_tokens_for_a_code_once():
    fake = filled("jushuitan")
    asked = {"grant_type": "authorization_code", "code": next(iter(fake.codes))}
    path = "/openWeb/auth/getInitToken"
    assert jst_tokens(fake, path, **{**asked, "grant_type": "refresh_token"})["code"] == 130
    assert jst_tokens(fake, path, **asked)["data"]["access_token"] == fake.settings()["access_token"]
    assert jst_tokens(fake, path, **asked)["code"] == 10015


# --- all of them --------------------------------------------------------------------------------------------------


def good_request(fake: Any) -> Request:
    """One call of each platform that it answers."""
    end = now(fake)
    if fake.name == "kuaishou":
        return ks_request(fake, "open.order.cursor.list", ks_window(fake))
    if fake.name == "xiaohongshu":
        return xhs_request(fake, "order.getOrderList", {"startTime": end - 60, "endTime": end, "timeType": 2})
    if fake.name == "weixin_store":
        token = wx_token(fake)["access_token"]
        return Request("GET", fake.settings()["url"] + "/channels/ec/basics/info/get", (("access_token", token),))
    if fake.name == "oceanengine":
        header = (("Access-Token", fake.settings()["access_token"]),)
        return Request("GET", fake.settings()["url"] + REPORT, tuple(oe_query(fake, end - DAY, end).items()), header)
    return jst_request(fake, "/open/shops/query", {})


ERRORS: dict[str, Callable[[Sent], int]] = {
    "kuaishou": lambda told: told["result"],
    "xiaohongshu": lambda told: told["error_code"],
    "weixin_store": lambda told: told["errcode"],
    "oceanengine": lambda told: told["code"],
    "jushuitan": lambda told: told["code"],
}
FINE = {"kuaishou": 1}
TROUBLES = {  # busy, ban, quota
    "kuaishou": (10, 31, 32),
    "xiaohongshu": (-1, -9070, -9071),
    "weixin_store": (-1, 45011, 45009),
    "oceanengine": (50000, 40100, 40110),
    "jushuitan": (150, 199, 199),
}


@pytest.mark.parametrize("name", FAKES)
def test_planned_troubles_come_once_each_in_turn(name):
    fake = filled(name, 30)
    request, error = good_request(fake), ERRORS[name]
    fake.faults += ["timeout", 429, 503, "busy", "ban"]
    with pytest.raises(TryAgain, match="timed out"):
        fake(request)
    assert (fake(request).status, fake(request).status) == (429, 503)
    assert (error(body(fake(request))), error(body(fake(request)))) == TROUBLES[name][:2]
    assert error(body(fake(request))) == FINE.get(name, 0)
    fake.faults.append(429)
    assert fake(request).header("retry-after") == "1"


@pytest.mark.parametrize("name", FAKES)
def test_rate_and_quota(name):
    fake = filled(name, 30)
    request, error = good_request(fake), ERRORS[name]
    fake.rate = (2, 10.0)
    told = [error(body(fake(request))) for _ in range(3)]
    assert told == [FINE.get(name, 0)] * 2 + [TROUBLES[name][1]]
    fake.world.clock.sleep(10)
    assert error(body(fake(request))) == FINE.get(name, 0)
    fake.rate, fake.daily_quota = None, 0
    assert error(body(fake(request))) == TROUBLES[name][2]
    fake.daily_quota = 1
    fake.world.clock.sleep(DAY)
    again = good_request(fake)
    if name != "oceanengine":  # its token has ended by then
        assert error(body(fake(again))) == FINE.get(name, 0)


@pytest.mark.parametrize("name", FAKES)
def test_a_touched_record_differs_and_the_prefix_is_the_platforms(name):
    fake = filled(name, 30)
    for stream in fake.streams:
        before = fake.truth(stream)
        assert before, stream
        key = next(iter(fake.world.records[stream]))
        fake.world.clock.sleep(5)
        fake.world.touch(stream, key)
        after = fake.truth(stream)
        changed = [one for one in after if after[one] != before[one]]
        assert len(changed) == 1, stream
    for setting in ("url", "token_url"):
        assert fake.settings().get(setting, "http://fake/" + name).startswith("http://fake/" + name)


@pytest.mark.parametrize("name", FAKES)
def test_many_threads_at_once(name):
    fake = filled(name, 30, churn=2, changes=50)
    request, error = good_request(fake), ERRORS[name]
    fake.rate = fake.burst = fake.app_rate = None
    before = fake.world.requests
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: error(body(fake(request))), range(80)))
    assert set(told) == {FINE.get(name, 0)}
    assert fake.world.requests == before + 80


@pytest.mark.parametrize("name", FAKES)
def test_the_same_seed_makes_the_same_world(name):
    one, two = filled(name, 30), filled(name, 30)
    assert all(one.truth(stream) == two.truth(stream) for stream in one.streams)
    other = filled(name, 30, seed=2)
    assert any(one.truth(stream) != other.truth(stream) for stream in one.streams)


# --- known signatures ---------------------------------------------------------------------------------------------


def test_known_signatures():
    params = {
        "access_token": "ksTESTtoken",
        "appkey": "ks700000000000000001",
        "method": "open.order.cursor.list",
        "param": '{"orderViewStatus":1,"pageSize":50,"sort":1,"queryType":2,"beginTime":1759539600000,'
        '"endTime":1759543200000,"cursor":""}',
        "signMethod": "MD5",
        "timestamp": "1759626600000",
        "version": "1",
    }
    assert kuaishou.signature(params, "ksSignSecret0123456789") == "2b3c4739f0f47d668700067a2dc88531"
    four = ("order.getOrderList", "xhsTEST0000000000001", "1759626600", "2.0", "xhsSecret0123456789abcdef")
    assert xiaohongshu.signature(*four) == "7ad2f3c85f42f42bf89767e282a07f67"
    form = {
        "app_key": "0123fictitious4567jstappkey89abc",
        "access_token": "jstTESTtoken0123456789",
        "timestamp": "1759626600",
        "charset": "utf-8",
        "version": "2",
        "biz": '{"memo":"A+B & C=D 100% /x?y#z"}',
    }
    assert jushuitan.signature(form, "fictitious0jst0secret0aa11bb22cc3") == "d02c2e03077dc9e7df70dcb5e3597d59"


@pytest.mark.skipif(not VECTORS.exists(), reason="the file of known signatures is not on this machine")
def test_all_known_signatures():
    known = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert len(known["jushuitan"]["vectors"]) >= 5
    for vector in known["jushuitan"]["vectors"]:
        assert jushuitan.signature(vector["params"], vector["app_secret"]) == vector["sign"], vector["id"]
    bonus = {vector["id"]: vector for vector in known["bonus"]["vectors"]}
    vector = bonus["kuaishou-md5"]
    assert kuaishou.signature(vector["params"], vector["sign_secret"]) == vector["sign"]
    vector = bonus["xiaohongshu-md5"]
    four = [vector["params"][name] for name in ("method", "appId", "timestamp", "version")]
    assert xiaohongshu.signature(*four, vector["app_secret"]) == vector["sign"]


def test_the_vectors_are_accepted_on_the_wire():
    """The body of a known vector, byte for byte, is let in by the platform at that vector's time."""
    world = World()
    world.clock.time = 1_759_626_600.0
    fake = jushuitan.Jushuitan(world)
    fake.access_token, fake.refresh_token = "jstTESTtoken0123456789", "rTESTrefresh"
    sent = (
        b"app_key=0123fictitious4567jstappkey89abc&access_token=jstTESTtoken0123456789&timestamp=1759626600&charset=utf-8"
        b"&version=2&biz=%7B%7D&sign=524029a38fb5449b811772b5925f2339"
    )
    assert body(fake(Request("POST", "http://fake/open/shops/query", body=sent)))["code"] == 0
    sent = (
        b"app_key=0123fictitious4567jstappkey89abc&timestamp=1759626600&grant_type=refresh_token&charset=utf-8"
        b"&refresh_token=rTESTrefresh&scope=all&sign=f14e5decd1fb3b21b8b781826f68d8ba"
    )
    assert body(fake(Request("POST", "http://fake/openWeb/auth/refreshToken", body=sent)))["code"] == 0
