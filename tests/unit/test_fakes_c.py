"""Simulated ERPs and global platforms: read to the end by hand they give what they hold, and what is wrong is refused."""

import base64
import hashlib
import hmac
import http.client
import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from fakes import serve
from fakes.amazon_sp import AmazonSp
from fakes.kingdee import Kingdee
from fakes.shopify import Shopify
from fakes.wangdiantong import WangdiantongEnterprise, WangdiantongFlagship, enterprise_sign, flagship_sign
from fakes.woocommerce import WooCommerce
from fakes.world import World
from fakes.yonyou import Yonyou, token_signature

from engine.connector import Request, Response, TryAgain

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared/domain/sign_vectors.json"
BEIJING = timezone(timedelta(hours=8))
ALL = (WangdiantongEnterprise, WangdiantongFlagship, Kingdee, Yonyou, Shopify, AmazonSp, WooCommerce)


def filled(kind: Any, orders: int = 60, days: float = 2, **world: Any) -> Any:
    fake = kind(World(**world), prefix=f"/{kind.name}")
    fake.fill(orders, days)
    return fake


def beijing(time: float) -> str:
    return datetime.fromtimestamp(time, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def utc(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(response: Response) -> Any:
    return json.loads(response.body)


def by_id(rows: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    keyed = {str(row[name]): row for row in rows}
    assert len(keyed) == len(rows), "a row was served twice"
    return keyed


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_records_are_many_and_made_the_same_way_twice(kind: Any) -> None:
    one, other = filled(kind), filled(kind)
    for stream in kind.streams:
        assert len(one.truth(stream)) > 5
        assert one.truth(stream) == other.truth(stream)


@pytest.mark.parametrize("kind", ALL)
def test_a_touched_record_differs_in_all_that_is_made_of_it(kind: Any) -> None:
    fake = filled(kind)
    fake.world.clock.sleep(60)
    key = min(fake.world.records["orders"])
    before = fake.truth("orders")
    fake.world.touch("orders", key)
    changed = {name for name, row in fake.truth("orders").items() if row != before[name]}
    assert changed
    again = fake.truth("orders")
    fake.world.clock.sleep(60)
    fake.world.touch("orders", key)
    assert {name for name, row in fake.truth("orders").items() if row != again[name]} == changed


@pytest.mark.parametrize("kind", ALL)
def test_planned_faults_come_one_by_one(kind: Any) -> None:
    fake = filled(kind)
    fake.faults += ["timeout", 429, 503, "busy", "ban"]
    request = Request("GET", fake.settings()["url"])
    with pytest.raises(TryAgain, match="timed out"):
        fake(request)
    limited, down = fake(request), fake(request)
    assert (limited.status, limited.header("retry-after"), down.status) == (429, "1", 503)
    busy, ban = fake(request), fake(request)
    assert busy.body != ban.body
    assert not fake.faults
    assert fake(request).body not in (busy.body, ban.body)


@pytest.mark.parametrize("kind", ALL)
def test_the_world_moves_with_every_call(kind: Any) -> None:
    fake = filled(kind, churn=1)
    before = fake.truth("orders")
    for _ in range(8):
        fake(Request("GET", fake.settings()["url"]))
    assert fake.world.requests == 8
    assert fake.truth("orders") != before


def test_pages_that_go_on_from_a_key_lose_nothing_while_records_change() -> None:
    for seed in range(10):
        fake = filled(Shopify, churn=2, seed=seed)
        since = utc(fake.world.clock.now() - 5 * 86_400)
        rows = shopify_rows(fake, "orders", status="any", limit=7, order="updated_at asc", updated_at_min=since)
        assert {str(row["id"]): row for row in rows} == fake.truth("orders")


def test_pages_that_are_offsets_lose_records_read_forwards_and_none_read_backwards() -> None:
    lost: dict[bool, int] = {False: 0, True: 0}
    for seed in range(10):
        for backwards in lost:
            fake = filled(WangdiantongEnterprise, churn=1, seed=seed)
            fake.world.clock.sleep(60)
            window = {**days_of(fake), "end_time": beijing(fake.world.clock.now() - 60)}
            before = fake.truth("orders")
            last = -(-int(enterprise(fake, "trade_query", **window)["total_count"]) // 5)
            pages = range(last, -1, -1) if backwards else range(last + 1)
            read = [enterprise(fake, "trade_query", page_no=page, page_size=5, **window)["trades"] for page in pages]
            later = {**days_of(fake), "start_time": window["end_time"]}
            moved = enterprise(fake, "trade_query", page_size=100, **later)["trades"]
            seen = {row["trade_id"] for rows in (*read, moved) for row in rows}
            lost[backwards] += len(set(before) - seen)
    assert lost[False] > 0
    assert lost[True] == 0


@pytest.mark.parametrize("kind", ALL)
def test_a_day_has_so_many_calls_and_the_next_as_many_again(kind: Any) -> None:
    def call(fake: Any) -> Response:
        if kind is Kingdee:
            url = f"{fake.settings()['url']}/{KINGDEE}.AuthService.ValidateUser.common.kdsvc"
            return fake(Request("POST", url))
        if kind is Shopify:
            return shopify(fake, "products/count.json")
        if kind is WooCommerce:
            return fake(Request("GET", fake.settings()["url"] + "/products"))
        if kind is AmazonSp:
            token = told(amazon_token(fake))["access_token"]
            return amazon(fake, token, LastUpdatedAfter="2026-10-01T00:00:00Z")
        if kind is Yonyou:
            token = yonyou_token(fake)["data"]["access_token"]
            body = yonyou(fake, token, fake.paths["items"], pageIndex=1, pageSize=5)
        elif kind is WangdiantongFlagship:
            body = flagship(fake, "goods.Goods.queryWithSpec", {})
        else:
            body = enterprise(fake, "goods_query", **days_of(fake))
        return Response(200, (), json.dumps({key: body[key] for key in ("code", "status") if key in body}).encode())

    fake = filled(kind)
    good = call(fake)
    fake = filled(kind)
    fake.daily_quota = 1
    answers = [call(fake) for _ in range(2)]
    fake.world.clock.sleep(86_400)
    again = call(fake)
    assert answers[0].status == good.status == again.status
    assert (answers[1].status, answers[1].body) != (answers[0].status, answers[0].body)
    if kind is not AmazonSp:
        assert again.body == answers[0].body


# --- 旺店通, enterprise edition --------------------------------------------------------------------------------------


def enterprise(fake: WangdiantongEnterprise, method: str, sign: str | None = None, **params: Any) -> Any:
    settings = fake.settings()
    form = {"sid": settings["sid"], "appkey": settings["app_key"], "timestamp": str(int(fake.world.clock.now()))}
    form |= {name: str(value) for name, value in params.items()}
    form = {name: value for name, value in form.items() if value != "None"}
    packed = ";".join(f"{len(name):02d}-{name}:{len(form[name]):04d}-{form[name]}" for name in sorted(form))
    form["sign"] = sign or hashlib.md5((packed + settings["app_secret"]).encode()).hexdigest()
    url = f"{settings['url']}/{method}.php"
    return told(fake(Request("POST", url, (), (), urlencode(form).encode())))


ENTERPRISE = {
    "orders": ("trade_query", "trades"),
    "refunds": ("refund_query", "refunds"),
    "items": ("goods_query", "goods_list"),
    "inventory": ("stock_query", "stocks"),
    "shipments": ("stockout_order_query_trade", "stockout_list"),
}


def days_of(fake: Any, days: float = 2.5) -> dict[str, str]:
    now = fake.world.clock.now()
    return {"start_time": beijing(now - days * 86_400), "end_time": beijing(now)}


@pytest.mark.parametrize("stream", ENTERPRISE)
def test_enterprise_is_read_to_the_end(stream: str) -> None:
    fake = filled(WangdiantongEnterprise)
    method, key = ENTERPRISE[stream]
    rows, page, total = [], 0, None
    while total is None or len(rows) < total:
        body = enterprise(fake, method, page_no=page, page_size=7, **days_of(fake))
        assert body["code"] == 0
        assert ("total_count" in body) == (page == 0)
        total = int(body["total_count"]) if page == 0 else total
        assert body[key]
        rows, page = rows + body[key], page + 1
    assert by_id(rows, fake.streams[stream]) == fake.truth(stream)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"sid": None}, 1001),
        ({"timestamp": None}, 1001),
        ({"start_time": None}, 1001),
        ({"sid": "another"}, 1003),
        ({"appkey": "another"}, 1004),
        ({"timestamp": "1000000000"}, 1005),
        ({"sign": "0" * 32}, 1006),
        ({"start_time": "2026-08-01 00:00:00"}, 1008),
        ({"end_time": "2026-09-01 00:00:00"}, 1007),
        ({"start_time": "2026-10-01"}, 1),
        ({"page_size": 101}, 1009),
        ({"page_no": -1}, 1009),
    ],
)
def test_enterprise_refuses(params: dict[str, Any], code: int) -> None:
    fake = filled(WangdiantongEnterprise)
    body = enterprise(fake, "trade_query", **{**days_of(fake), **params})
    assert (body["code"], set(body)) == (code, {"code", "message"})


def test_enterprise_refuses_what_was_signed_otherwise_and_what_is_not_there() -> None:
    fake = filled(WangdiantongEnterprise)
    good = {"sid": fake.sid, "appkey": fake.app_key, "timestamp": str(int(fake.world.clock.now())), **days_of(fake)}
    sign = enterprise_sign(good, fake.app_secret)
    url = f"{fake.settings()['url']}/trade_query.php"
    sent = Request("POST", url, (), (), urlencode({**good, "sign": sign}).encode())
    assert told(fake(sent))["code"] == 0
    more = Request("POST", url, (), (), urlencode({**good, "shop_no": "dy01", "sign": sign}).encode())
    assert told(fake(more))["code"] == 1006
    assert enterprise(fake, "no_such_query")["code"] == 1002
    assert told(fake(Request("GET", url, tuple({**good, "sign": sign}.items()))))["code"] == 1002


def test_enterprise_counts_calls() -> None:
    fake = filled(WangdiantongEnterprise)
    fake.rate, fake.daily_quota = (2, 60.0), 4
    codes = [enterprise(fake, "trade_query", **days_of(fake))["code"] for _ in range(3)]
    assert codes == [0, 0, 1012]
    assert enterprise(fake, "refund_query", **days_of(fake))["code"] == 0
    fake.world.clock.sleep(61)
    assert enterprise(fake, "trade_query", **days_of(fake))["code"] == 0
    assert "每日" in enterprise(fake, "trade_query", **days_of(fake))["message"]


# --- 旺店通, flagship edition ----------------------------------------------------------------------------------------


def flagship(fake: WangdiantongFlagship, method: str, asked: Any, sign: str | None = None, **params: Any) -> Any:
    settings = fake.settings()
    secret, salt = settings["app_secret"].split(":")
    body = asked if isinstance(asked, str) else json.dumps([asked], ensure_ascii=False)
    query = {
        "sid": settings["sid"],
        "key": settings["app_key"],
        "salt": salt,
        "method": method,
        "timestamp": str(int(fake.world.clock.now()) - 1_325_347_200),
        "v": "1.0",
        "page_no": "0",
        "page_size": "50",
        **{name: str(value) for name, value in params.items()},
    }
    query = {name: value for name, value in query.items() if value != "None"}
    signed = "".join(name + value for name, value in sorted({**query, "body": body}.items()))
    query["sign"] = sign or hashlib.md5((secret + signed + secret).encode()).hexdigest()
    return told(fake(Request("POST", settings["url"], tuple(query.items()), (), body.encode())))


FLAGSHIP = {
    "orders": ("sales.TradeQuery.queryWithDetail", "order", 3_600),
    "shipments": ("wms.stockout.Sales.queryWithDetail", "order", 3_600),
    "refunds": ("aftersales.refund.Refund.search", "order", 30 * 86_400),
    "inventory": ("wms.StockSpec.search2", "detail_list", 30 * 86_400),
    "items": ("goods.Goods.queryWithSpec", "goods_list", 30 * 86_400),
}


@pytest.mark.parametrize("stream", FLAGSHIP)
def test_flagship_is_read_to_the_end(stream: str) -> None:
    fake = filled(WangdiantongFlagship, orders=120, days=0.5)
    fake.rate = None
    method, key, span = FLAGSHIP[stream]
    now = fake.world.clock.now()
    start, rows = now - 86_400, {}
    while start < now:
        asked = {"start_time": beijing(start), "end_time": beijing(min(start + span, now))}
        page, total = 0, None
        seen: list[Any] = []
        while total is None or len(seen) < total:
            data = flagship(fake, method, asked, page_no=page, page_size=4, calc_total=1)["data"]
            assert ("total_count" in data) == (page == 0)
            total = data.get("total_count", total)
            seen, page = seen + data[key], page + 1
        rows |= by_id(seen, fake.streams[stream])
        start += span
    assert rows == fake.truth(stream)


def test_flagship_keeps_shops_of_pinduoduo_to_itself() -> None:
    fake = filled(WangdiantongFlagship, orders=200)
    assert any(order["platform"] == 39 for order in fake.world.records["orders"].values())
    assert {row["platform_id"] for row in fake.truth("orders").values()} == {69, 3, 56, 75}


@pytest.mark.parametrize(
    ("params", "status", "word"),
    [
        ({"sid": None}, 1, "sid"),
        ({"key": "another"}, 1, "appkey"),
        ({"salt": "another"}, 1, "salt"),
        ({"v": "2.0"}, 8, "版本"),
        ({"timestamp": "1791158400"}, 7, "timestamp"),
        ({"sign": "0" * 32}, 1, "sign"),
        ({"page_no": None}, 100, "此方法仅支持分页查询"),
        ({"page_size": 201}, 100, "page_size"),
    ],
)
def test_flagship_refuses_parameters(params: dict[str, Any], status: int, word: str) -> None:
    fake = filled(WangdiantongFlagship)
    body = flagship(fake, "goods.Goods.queryWithSpec", {}, **params)
    assert body["status"] == status
    assert word in body["message"]


@pytest.mark.parametrize(
    ("method", "asked", "status", "word"),
    [
        (
            "sales.TradeQuery.queryWithDetail",
            {"start_time": "2026-10-05 00:00:00", "end_time": "2026-10-05 01:00:01"},
            100,
            "60分钟",
        ),
        (
            "aftersales.refund.Refund.search",
            {"start_time": "2026-08-01 00:00:00", "end_time": "2026-10-05 00:00:00"},
            100,
            "30天",
        ),
        ("sales.TradeQuery.queryWithDetail", {}, 100, "start_time"),
        ("sales.TradeQuery.queryWithDetail", {"begin": "2026-10-05 00:00:00"}, 2, "begin"),
        ("sales.TradeQuery.queryWithDetail", "{}", 3, "数组"),
        ("sales.TradeQuery.queryWithDetail", "[", 3, "json"),
        ("sales.TradeQuery.noSuch", {}, 1, "method"),
    ],
)
def test_flagship_refuses_bodies(method: str, asked: Any, status: int, word: str) -> None:
    body = flagship(filled(WangdiantongFlagship), method, asked)
    assert body["status"] == status
    assert word in body["message"]


def test_flagship_bans_by_its_own_words() -> None:
    fake = filled(WangdiantongFlagship)
    fake.rate = (1, 60.0)
    assert flagship(fake, "goods.Goods.queryWithSpec", {})["status"] == 0
    assert flagship(fake, "goods.Goods.queryWithSpec", {}) == {
        "status": 100,
        "message": "超过每分钟最大调用频率限制，请稍后重试",
    }


# --- signatures -----------------------------------------------------------------------------------------------------


def test_known_signatures() -> None:
    secret = "1f2e3d4c5b6a79880011223344556677"
    known = {"sid": "apidevtest1", "appkey": "testco1-ot", "timestamp": "1759626600"}
    assert enterprise_sign({**known, "shop_no": "", "page_no": "0"}, secret) == "4778ee624333fc89cc9d59bd8657bc29"
    assert enterprise_sign({**known, "spec_list": "甲" * 10_001}, secret) == "fae36e9108030f5b504e80591ef9b14a"
    flag = {
        "sid": "wdterp30",
        "key": "testco3-ot",
        "salt": "saltTEST1234567890",
        "method": "goods.Goods.queryWithSpec",
        "timestamp": "434279400",
        "v": "1.0",
        "body": '[{"goods_name":"A+B & C=D /x"}]',
    }
    assert flagship_sign(flag, "0a1b2c3d4e5f60718293a4b5c6d7e8f9") == "f23c28b4d5a073fd0b937e0c82e60998"


@pytest.mark.skipif(not VECTORS.is_file(), reason="the collection of signatures is not at hand")
def test_the_collection_of_signatures() -> None:
    known = json.loads(VECTORS.read_text(encoding="utf-8"))
    for vector in known["wangdiantong_enterprise"]["vectors"]:
        params = dict(vector["params"])
        if vector["id"] == "wdt-ent-long":
            params["spec_list"] = "甲" * 10_001
        assert enterprise_sign(params, vector["appsecret"]) == vector["sign"], vector["id"]
    for vector in known["wangdiantong_flagship"]["vectors"]:
        assert flagship_sign(vector["params"], vector["appsecret"].split(":")[0]) == vector["sign"], vector["id"]


# --- Kingdee --------------------------------------------------------------------------------------------------------

KINGDEE = "Kingdee.BOS.WebApi.ServicesStub"


def kingdee_login(fake: Kingdee, **other: Any) -> tuple[Any, str]:
    settings = {**fake.settings(), **other}
    form = {"acctID": settings["acct_id"], **{name: str(settings[name]) for name in ("username", "password", "lcid")}}
    url = f"{settings['url']}/{KINGDEE}.AuthService.ValidateUser.common.kdsvc"
    response = fake(Request("POST", url, (), (), urlencode(form).encode()))
    cookies = [value.partition(";")[0] for name, value in response.headers if name == "set-cookie"]
    return told(response), "; ".join(cookies)


def kingdee_query(fake: Kingdee, cookie: str, **asked: Any) -> Any:
    url = f"{fake.settings()['url']}/{KINGDEE}.DynamicFormService.ExecuteBillQuery.common.kdsvc"
    body = urlencode({"data": json.dumps(asked)}).encode()
    return told(fake(Request("POST", url, (), (("Cookie", cookie),), body)))


@pytest.mark.parametrize("stream", Kingdee.streams)
def test_kingdee_is_read_to_the_end(stream: str) -> None:
    fake = filled(Kingdee)
    cookie = kingdee_login(fake)[1]
    fields, rows, start = fake.fields(stream), [], 0
    while True:
        asked = {"FormId": fake.forms[stream], "FieldKeys": ",".join(fields), "OrderString": fake.streams[stream]}
        page = kingdee_query(fake, cookie, **asked, StartRow=start, Limit=20)
        rows += [dict(zip(fields, row, strict=True)) for row in page]
        start += 20
        if len(page) < 20:
            break
    assert by_id(rows, fake.streams[stream]) == fake.truth(stream)


def test_kingdee_filters_by_time_and_by_number() -> None:
    fake = filled(Kingdee)
    cookie = kingdee_login(fake)[1]
    since = beijing(fake.world.clock.now() - 86_400)
    asked = {"FormId": "SAL_SaleOrder", "FieldKeys": "FSaleOrderEntry_FEntryID,FModifyDate"}
    found = kingdee_query(fake, cookie, **asked, FilterString=f"FModifyDate>='{since}' and FQty > 5")
    held = fake.truth("orders").values()
    wanted = [row for row in held if row["FModifyDate"] >= since.replace(" ", "T") and row["FQty"] > 5]
    assert {row[0] for row in found} == {row["FSaleOrderEntry_FEntryID"] for row in wanted}
    assert [row[1] for row in found] == sorted((row[1] for row in found), reverse=True)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"FormId": "NO_SUCH"}, "NO_SUCH"),
        ({"FieldKeys": "FNope"}, "FNope"),
        ({"FieldKeys": ""}, "FieldKeys"),
        ({"Limit": 2001}, "2000"),
        ({"FilterString": "FNope>1"}, "FNope"),
        ({"FilterString": "FBillNo like 'X%'"}, "语法"),
        ({"FilterString": "FQty > 'five'"}, "FQty"),
        ({"OrderString": "FID sideways"}, "语法"),
    ],
)
def test_kingdee_refuses_queries(asked: dict[str, Any], word: str) -> None:
    fake = filled(Kingdee)
    cookie = kingdee_login(fake)[1]
    [[wrong]] = kingdee_query(fake, cookie, **{"FormId": "SAL_SaleOrder", "FieldKeys": "FID", **asked})
    status = wrong["Result"]["ResponseStatus"]
    assert status["IsSuccess"] is False
    assert word in status["Errors"][0]["Message"]


def test_kingdee_lets_in_and_out() -> None:
    fake = filled(Kingdee)
    for wrong in ({"password": "no"}, {"acct_id": "no"}, {"username": ""}):
        body, cookie = kingdee_login(fake, **wrong)
        assert (body["LoginResultType"], cookie) == (0, "")
    body, cookie = kingdee_login(fake)
    assert body["LoginResultType"] == 1
    asked = {"FormId": "SAL_SaleOrder", "FieldKeys": "FID", "Limit": 1}
    assert kingdee_query(fake, cookie, **asked)[0][0] > 0
    for bad in ("", cookie.split("; ")[0], cookie.replace("=", "=0")):
        assert "会话" in json.dumps(kingdee_query(fake, bad, **asked), ensure_ascii=False)
    fake.world.clock.sleep(fake.token_seconds - 1)
    assert len(kingdee_query(fake, cookie, **asked)[0]) == 1
    fake.world.clock.sleep(fake.token_seconds + 1)
    assert "会话" in json.dumps(kingdee_query(fake, cookie, **asked), ensure_ascii=False)
    assert fake(Request("POST", fake.settings()["url"] + "/no")).status == 404


def test_kingdee_takes_json_as_well() -> None:
    fake = filled(Kingdee)
    settings, headers = fake.settings(), (("Content-Type", "application/json"),)
    words = [settings[name] for name in ("acct_id", "username", "password", "lcid")]
    url = f"{settings['url']}/{KINGDEE}.AuthService.ValidateUser.common.kdsvc"
    response = fake(Request("POST", url, (), headers, json.dumps({"parameters": words}).encode()))
    assert told(response)["IsSuccessByAPI"] is True
    cookie = "; ".join(value.partition(";")[0] for name, value in response.headers if name == "set-cookie")
    url = f"{settings['url']}/{KINGDEE}.DynamicFormService.ExecuteBillQuery.common.kdsvc"
    asked = {"FormId": "BD_MATERIAL", "FieldKeys": "FNumber", "TopRowCount": 3}
    for body in ({"data": asked}, {"data": json.dumps(asked)}, {"parameters": [json.dumps(asked)]}):
        request = Request("POST", url, (), (*headers, ("Cookie", cookie)), json.dumps(body).encode())
        assert len(told(fake(request))) == 3


# --- Yonyou ---------------------------------------------------------------------------------------------------------


def yonyou_token(fake: Yonyou, **other: str) -> Any:
    settings = fake.settings()
    stamp = other.pop("timestamp", str(int(fake.world.clock.now() * 1000)))
    packed = f"appKey{settings['app_key']}timestamp{stamp}".encode()
    signature = base64.b64encode(hmac.new(settings["app_secret"].encode(), packed, hashlib.sha256).digest()).decode()
    query = {"appKey": settings["app_key"], "timestamp": stamp, "signature": signature, **other}
    # The address is escaped by hand: the `+` and `=` of Base64 are what goes wrong here.
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return told(fake(Request("GET", f"{settings['token_url']}/open-auth/selfAppAuth/getAccessToken?{written}")))


def yonyou(fake: Yonyou, token: str, path: str, **asked: Any) -> Any:
    url = fake.settings()["url"] + path
    return told(fake(Request("POST", url, (("access_token", token),), (), json.dumps(asked).encode())))


@pytest.mark.parametrize("stream", Yonyou.streams)
def test_yonyou_is_read_to_the_end(stream: str) -> None:
    fake = filled(Yonyou)
    token = yonyou_token(fake)["data"]["access_token"]
    rows, page, pages = [], 1, 1
    while page <= pages:
        asked = {"pageIndex": page, "pageSize": 9, "queryOrders": [{"field": "id", "order": "asc"}]}
        body = yonyou(fake, token, fake.paths[stream], **asked)
        assert body["code"] == "200"
        rows, pages, page = rows + body["data"]["recordList"], body["data"]["pageCount"], page + 1
    assert all(row["id"] > 2**53 for row in rows)
    assert by_id(rows, "id") == fake.truth(stream)


def test_yonyou_filters_and_sorts() -> None:
    fake = filled(Yonyou)
    token = yonyou_token(fake)["data"]["access_token"]
    since = beijing(fake.world.clock.now() - 86_400)
    term = {"field": "pubts", "op": "between", "value1": since, "value2": beijing(fake.world.clock.now())}
    body = yonyou(fake, token, fake.paths["orders"], pageIndex=1, pageSize=500, simpleVOs=[term])
    rows = body["data"]["recordList"]
    assert {row["id"] for row in rows} == {row["id"] for row in fake.truth("orders").values() if row["pubts"] >= since}
    assert [row["pubts"] for row in rows] == sorted((row["pubts"] for row in rows), reverse=True)


def test_yonyou_tells_where_it_is() -> None:
    fake = filled(Yonyou)
    found = told(fake(Request("GET", fake.centre_url, (("tenantId", fake.tenant_id),))))["data"]
    assert found == {"gatewayUrl": fake.settings()["url"], "tokenUrl": fake.settings()["token_url"]}
    assert told(fake(Request("GET", fake.centre_url, (("tenantId", "no"),))))["code"] == "50001"


def test_yonyou_refuses() -> None:
    fake = filled(Yonyou)
    assert yonyou_token(fake, appKey="no")["code"] == "50003"
    assert yonyou_token(fake, timestamp="1000000000000")["code"] == "50004"
    assert yonyou_token(fake, signature="AAAA")["code"] == "50005"
    assert yonyou_token(fake, signature="")["code"] == "50002"
    path, token = fake.paths["orders"], yonyou_token(fake)["data"]["access_token"]
    assert yonyou(fake, "", path)["code"] == "310035"
    assert yonyou(fake, "no", path)["code"] == "310036"
    assert yonyou(fake, token, "/yonbip/no")["code"] == "310404"
    for wrong in (
        {},
        {"pageIndex": 0, "pageSize": 5},
        {"pageIndex": 1, "pageSize": 501},
        {"pageIndex": "1", "pageSize": 5},
    ):
        assert yonyou(fake, token, path, **wrong)["code"] == "400"
    term = {"field": "nope", "op": "eq", "value1": "1"}
    assert yonyou(fake, token, path, pageIndex=1, pageSize=5, simpleVOs=[term])["code"] == "400"
    fake.world.clock.sleep(fake.token_seconds)
    assert yonyou(fake, token, path, pageIndex=1, pageSize=5)["code"] == "310036"
    assert token_signature("k", "1", "s") == "1QVBz2H/w1iAIOvyQFbN4mRFm1e8JZxtUnCFXUygB0k="


def test_yonyou_counts_calls() -> None:
    fake = filled(Yonyou)
    token = yonyou_token(fake)["data"]["access_token"]
    fake.rate, fake.daily_quota = (1, 60.0), 2
    codes = [yonyou(fake, token, fake.paths["orders"], pageIndex=1, pageSize=5)["code"] for _ in range(2)]
    assert codes == ["200", "310429"]
    codes = [yonyou(fake, token, fake.paths["items"], pageIndex=1, pageSize=5)["code"] for _ in range(1)]
    codes += [yonyou(fake, token, fake.paths["refunds"], pageIndex=1, pageSize=5)["code"] for _ in range(1)]
    assert codes == ["200", "310430"]


# --- Shopify --------------------------------------------------------------------------------------------------------


def shopify(fake: Shopify, path: str, token: str | None = None, **params: Any) -> Response:
    url = path if path.startswith("http") else f"{fake.settings()['url']}/{path}"
    headers = (("X-Shopify-Access-Token", token or fake.access_token),)
    return fake(Request("GET", url, tuple((name, str(value)) for name, value in params.items()), headers))


def following(response: Response) -> str | None:
    for part in (response.header("link") or "").split(", "):
        if part.endswith('rel="next"'):
            return part[1 : part.index(">")]
    return None


def shopify_rows(fake: Shopify, key: str, **params: Any) -> list[Any]:
    response = shopify(fake, f"{key}.json", **params)
    rows = told(response)[key]
    while (url := following(response)) is not None:
        fake.world.clock.sleep(1)
        response = shopify(fake, url)
        rows += told(response)[key]
    return rows


def test_shopify_rest_is_read_to_the_end() -> None:
    fake = filled(Shopify)
    since = utc(fake.world.clock.now() - 5 * 86_400)
    orders = shopify_rows(fake, "orders", status="any", limit=7, order="updated_at asc", updated_at_min=since)
    assert by_id(orders, "id") == fake.truth("orders")
    assert [row["updated_at"] for row in orders] == sorted(row["updated_at"] for row in orders)
    assert by_id([one for order in orders for one in order["refunds"]], "id") == fake.truth("refunds")
    latest_first = shopify_rows(fake, "orders", status="any", limit=11)
    assert by_id(latest_first, "id") == fake.truth("orders")
    assert by_id(shopify_rows(fake, "products", limit=3), "id") == fake.truth("items")
    keys = list(fake.truth("inventory"))
    assert len(keys) <= 50
    levels = shopify_rows(fake, "inventory_levels", inventory_item_ids=",".join(keys), limit=5)
    assert by_id(levels, "inventory_item_id") == fake.truth("inventory")


def test_shopify_rest_goes_back_as_well() -> None:
    fake = filled(Shopify)
    first = shopify(fake, "products.json", limit=3)
    assert 'rel="previous"' not in (first.header("link") or "")
    second = shopify(fake, following(first) or "")
    links = (second.header("link") or "").split(", ")
    assert [link.rpartition("rel=")[2] for link in links] == ['"previous"', '"next"']
    back = shopify(fake, links[0][1 : links[0].index(">")])
    assert told(back) == told(first)


def test_shopify_rest_serves_single_records_and_counts() -> None:
    fake = filled(Shopify)
    key = next(key for key, row in fake.truth("orders").items() if row["refunds"])
    assert told(shopify(fake, f"orders/{key}.json"))["order"] == fake.truth("orders")[key]
    assert told(shopify(fake, f"orders/{key}/refunds.json"))["refunds"] == fake.truth("orders")[key]["refunds"]
    assert told(shopify(fake, "orders/count.json", status="any"))["count"] == len(fake.truth("orders"))
    assert set(told(shopify(fake, "orders.json", fields="id,name"))["orders"][0]) == {"id", "name"}
    assert len(told(shopify(fake, "orders.json", status="any"))["orders"]) == 50
    item = fake.truth("inventory")[next(iter(fake.truth("inventory")))]["inventory_item_id"]
    assert told(shopify(fake, "inventory_items.json", ids=item))["inventory_items"][0]["id"] == item


def test_shopify_rest_hides_what_is_not_open() -> None:
    fake = filled(Shopify)
    shown = shopify_rows(fake, "orders", limit=250)
    held = [row for row in fake.truth("orders").values() if not row["closed_at"] and not row["cancelled_at"]]
    assert 0 < len(held) < len(fake.truth("orders"))
    assert {row["id"] for row in shown} == {row["id"] for row in held}


def test_shopify_hides_what_is_old_from_those_who_may_not_see_it() -> None:
    fake = filled(Shopify, days=120)
    everything = len(fake.truth("orders"))
    fake.read_all_orders = False
    assert len(shopify_rows(fake, "orders", status="any")) == len(fake.truth("orders")) < everything


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("orders.json", {"limit": 251}, 400),
        ("orders.json", {"limit": 0}, 400),
        ("orders.json", {"status": "shut"}, 400),
        ("orders.json", {"updated_at_min": "yesterday"}, 400),
        ("orders.json", {"order": "colour asc"}, 400),
        ("orders.json", {"page_info": "x"}, 400),
        ("orders.json", {"page_info": "x", "status": "any"}, 400),
        ("inventory_levels.json", {}, 422),
        ("inventory_items.json", {}, 422),
        ("nothing.json", {}, 404),
        ("orders/1.json", {}, 404),
        ("http://fake/shopify/admin/api/2024-01/orders.json", {}, 404),
    ],
)
def test_shopify_rest_refuses(path: str, params: dict[str, Any], status: int) -> None:
    response = shopify(filled(Shopify), path, **params)
    assert response.status == status
    assert set(told(response)) == {"errors"}


def test_shopify_rest_wants_a_token_and_counts_calls() -> None:
    fake = filled(Shopify)
    assert shopify(fake, "orders.json", token="no").status == 401
    answers = [shopify(fake, "orders.json") for _ in range(41)]
    assert {one.status for one in answers[:40]} == {200}
    assert answers[39].header("x-shopify-shop-api-call-limit") == "40/40"
    assert (answers[40].status, answers[40].header("retry-after")) == (429, "2.0")
    fake.world.clock.sleep(1)
    assert [shopify(fake, "orders.json").status for _ in range(3)] == [200, 200, 429]


MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
GRAPH = {
    "orders": """id legacyResourceId name createdAt processedAt updatedAt closedAt cancelledAt displayFinancialStatus
        displayFulfillmentStatus currencyCode note test totalPriceSet MONEY currentTotalPriceSet MONEY subtotalPriceSet MONEY
        totalShippingPriceSet MONEY totalDiscountsSet MONEY totalRefundedSet MONEY customer { id }
        lineItems(first: 10) { nodes { id title variantTitle sku quantity currentQuantity originalUnitPriceSet MONEY
        totalDiscountSet MONEY product { id } variant { id } } } refunds { id createdAt note totalRefundedSet MONEY }""",
    "products": """id legacyResourceId title vendor productType status createdAt updatedAt
        variants(first: 5) { nodes { id title sku price inventoryQuantity inventoryItem { id } } }""",
    "inventoryItems": """id sku tracked createdAt updatedAt inventoryLevels(first: 2) { nodes { id updatedAt location { id }
        quantities(names: ["available", "on_hand"]) { name quantity } } }""",
}


def graph(fake: Shopify, query: str, **variables: Any) -> Any:
    url = f"{fake.settings()['url']}/graphql.json"
    body = json.dumps({"query": query.replace("MONEY", MONEY), "variables": variables}).encode()
    return told(fake(Request("POST", url, (), (("x-shopify-access-token", fake.access_token),), body)))


@pytest.mark.parametrize(
    ("root", "stream"), [("orders", "orders"), ("products", "items"), ("inventoryItems", "inventory")]
)
def test_shopify_graph_is_read_to_the_end(root: str, stream: str) -> None:
    fake = filled(Shopify)
    sort = "" if root == "inventoryItems" else ", sortKey: UPDATED_AT"
    query = """query Page($after: String, $q: String) { ROOT(first: 10, after: $after, query: $qSORT) {
        nodes { FIELDS } pageInfo { hasNextPage endCursor } } }"""
    query = query.replace("ROOT", root).replace("SORT", sort).replace("FIELDS", GRAPH[root])
    rows, after, more = [], None, True
    while more:
        body = graph(fake, query, after=after, q="updated_at:>='2026-09-01T00:00:00Z'")
        cost = body["extensions"]["cost"]
        assert cost["actualQueryCost"] <= cost["requestedQueryCost"]
        page = body["data"][root]
        for node in page["nodes"]:
            for name in ("lineItems", "variants", "inventoryLevels"):
                if name in node:
                    node[name] = node[name]["nodes"]
        rows, after, more = rows + page["nodes"], page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        fake.world.clock.sleep(10)
    assert by_id(rows, "id") == fake.graph_truth(stream)
    if root == "orders":
        assert by_id([one for row in rows for one in row["refunds"]], "id") == fake.graph_truth("refunds")


def test_shopify_graph_counts_points() -> None:
    fake = filled(Shopify)
    query = "{ orders(first: 250) { edges { cursor node { id } } } }"
    body = graph(fake, query)
    found = len(fake.truth("orders"))
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (252, 2 + found)
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2000.0,
        "currentlyAvailable": 1998 - found,
        "restoreRate": 100.0,
    }
    while "errors" not in (body := graph(fake, query)):
        pass
    assert body["errors"][0]["message"] == "Throttled"
    assert "data" not in body
    missing = 252 - body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    fake.world.clock.sleep(missing / 100 + 0.01)
    assert "data" in graph(fake, query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ orders(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders(first: 5) { nodes { colour } } }", "undefinedField"),
        ("{ orders(first: 5) { nodes { id { x } } } }", "selectionMismatch"),
        ("{ orders(first: 5) { nodes { customer } } }", "selectionMismatch"),
        ("{ orders(first: 5) { nodes { id } }", "PARSE_ERROR"),
        ('{ orders(first: 5, after: "no") { nodes { id } } }', "INVALID_CURSOR"),
        ("{ orders(first: 250) { nodes { lineItems(first: 50) { nodes { id } } } } }", "MAX_COST_EXCEEDED"),
        ("{ orders(first: 5, sortKey: COLOUR) { nodes { id } } }", "argumentLiteralsIncompatible"),
        ("query ($n: Int!) { orders(first: $n) { nodes { id } } }", "INVALID_VARIABLE"),
    ],
)
def test_shopify_graph_refuses(query: str, code: str) -> None:
    body = graph(filled(Shopify), query)
    assert body["errors"][0]["extensions"]["code"] == code
    assert "data" not in body


def test_shopify_graph_warns_of_a_filter_it_does_not_know_and_ends_where_paging_ends() -> None:
    fake = filled(Shopify)
    body = graph(fake, '{ orders(first: 5, query: "modified:>2026-01-01") { nodes { id } pageInfo { endCursor } } }')
    assert body["extensions"]["search"][0]["warnings"][0]["field"] == "modified"
    fake.deepest = 9
    after = body["data"]["orders"]["pageInfo"]["endCursor"]
    body = graph(fake, "query ($a: String) { orders(first: 5, after: $a) { nodes { id } } }", a=after)
    assert body["errors"][0]["extensions"]["code"] == "PAGINATION_LIMIT"


# --- Amazon ---------------------------------------------------------------------------------------------------------


def amazon_token(fake: AmazonSp, **other: str) -> Response:
    settings = fake.settings()
    names = ("client_id", "client_secret", "refresh_token")
    form = {"grant_type": "refresh_token", **{name: settings[name] for name in names}, **other}
    return fake(Request("POST", settings["token_url"], (), (), urlencode(form).encode()))


def amazon(fake: AmazonSp, token: str, path: str = "/orders/v0/orders", **params: Any) -> Response:
    query = {"MarketplaceIds": fake.marketplace_id, **params} if path.endswith("/orders") else params
    pairs = tuple((name, str(value)) for name, value in query.items() if value is not None)
    return fake(Request("GET", fake.settings()["url"] + path, pairs, (("x-amz-access-token", token),)))


def test_amazon_is_read_to_the_end() -> None:
    fake = filled(AmazonSp)
    token = told(amazon_token(fake))["access_token"]
    since = utc(fake.world.clock.now() - 10 * 86_400)
    payload = told(amazon(fake, token, LastUpdatedAfter=since, MaxResultsPerPage=9))["payload"]
    rows = payload["Orders"]
    while "NextToken" in payload:
        payload = told(amazon(fake, token, NextToken=payload["NextToken"]))["payload"]
        rows += payload["Orders"]
    assert by_id(rows, "AmazonOrderId") == fake.truth("orders")
    assert {"OrderTotal" in row for row in rows if row["OrderStatus"] == "Pending"} == {False}
    items = []
    for row in rows:
        response = amazon(fake, token, f"/orders/v0/orders/{row['AmazonOrderId']}/orderItems")
        if response.status == 429:
            fake.world.clock.sleep(2)
            response = amazon(fake, token, f"/orders/v0/orders/{row['AmazonOrderId']}/orderItems")
        items += told(response)["payload"]["OrderItems"]
    assert by_id(items, "OrderItemId") == fake.truth("order_items")
    one = rows[0]["AmazonOrderId"]
    assert told(amazon(fake, token, f"/orders/v0/orders/{one}"))["payload"] == rows[0]


@pytest.mark.parametrize(
    "params",
    [
        {"MarketplaceIds": None},
        {},
        {"CreatedAfter": "2026-10-01T00:00:00Z", "LastUpdatedAfter": "2026-10-01T00:00:00Z"},
        {"LastUpdatedAfter": "2026-10-01T00:00:00Z", "LastUpdatedBefore": "2026-10-04T23:59:01Z"},
        {"LastUpdatedAfter": "2026-10-01T00:00:00Z", "CreatedBefore": "2026-10-02T00:00:00Z"},
        {"LastUpdatedAfter": "2026-10-01T00:00:00"},
        {"LastUpdatedAfter": "yesterday"},
        {"LastUpdatedAfter": "2026-10-05T00:00:00Z"},
        {"LastUpdatedAfter": "2026-10-01T00:00:00Z", "MaxResultsPerPage": 101},
        {"LastUpdatedAfter": "2026-10-01T00:00:00Z", "OrderStatuses": "Unshipped"},
        {"NextToken": "no"},
    ],
)
def test_amazon_refuses(params: dict[str, Any]) -> None:
    fake = filled(AmazonSp)
    response = amazon(fake, told(amazon_token(fake))["access_token"], **params)
    assert (response.status, told(response)["errors"][0]["code"]) == (400, "InvalidInput")


def test_amazon_tokens() -> None:
    fake = filled(AmazonSp)
    wrong = (
        amazon_token(fake, refresh_token="no"),
        amazon_token(fake, client_secret="no"),
        amazon_token(fake, grant_type="code"),
    )
    assert [told(one)["error"] for one in wrong] == ["invalid_grant", "invalid_client", "unsupported_grant_type"]
    assert [one.status for one in wrong] == [400, 401, 400]
    token = told(amazon_token(fake))["access_token"]
    assert amazon(fake, token, LastUpdatedAfter="2026-10-01T00:00:00Z").status == 200
    assert amazon(fake, "no", LastUpdatedAfter="2026-10-01T00:00:00Z").status == 403
    assert amazon(fake, "", LastUpdatedAfter="2026-10-01T00:00:00Z").status == 403
    fake.world.clock.sleep(3_600)
    late = amazon(fake, token, LastUpdatedAfter="2026-10-01T00:00:00Z")
    assert "expired" in told(late)["errors"][0]["details"]
    fresh = told(amazon_token(fake))["access_token"]
    assert amazon(fake, fresh, "/orders/v0/orders/1-2-3").status == 404
    assert amazon(fake, fresh, "/orders/v0/no").status == 404


def test_amazon_lets_in_twenty_and_then_one_a_minute() -> None:
    fake = filled(AmazonSp)
    token = told(amazon_token(fake))["access_token"]
    answers = [amazon(fake, token, LastUpdatedAfter="2026-10-01T00:00:00Z") for _ in range(21)]
    assert [one.status for one in answers] == [200] * 20 + [429]
    assert answers[0].header("x-amzn-ratelimit-limit") == "0.0167"
    assert told(answers[20])["errors"][0]["code"] == "QuotaExceeded"
    fake.world.clock.sleep(60)
    assert [amazon(fake, token, LastUpdatedAfter="2026-10-01T00:00:00Z").status for _ in range(2)] == [200, 429]


# --- WooCommerce ----------------------------------------------------------------------------------------------------


def woo(fake: WooCommerce, path: str, key: str | None = None, **params: Any) -> Response:
    settings = fake.settings()
    pair = f"{settings['consumer_key']}:{settings['consumer_secret']}" if key is None else key
    headers = (("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()),) if pair else ()
    url = path if path.startswith("http") else settings["url"] + path
    return fake(Request("GET", url, tuple((name, str(value)) for name, value in params.items()), headers))


def woo_rows(fake: WooCommerce, path: str, **params: Any) -> list[Any]:
    response = woo(fake, path, **params)
    rows = told(response)
    for page in range(2, int(response.header("x-wp-totalpages") or 0) + 1):
        rows += told(woo(fake, path, page=page, **params))
    assert len(rows) == int(response.header("x-wp-total") or 0)
    return rows


def test_woocommerce_is_read_to_the_end() -> None:
    fake = filled(WooCommerce)
    orders = woo_rows(
        fake, "/orders", per_page=7, orderby="modified", order="asc", modified_after="2026-09-01T00:00:00"
    )
    assert by_id(orders, "id") == fake.truth("orders")
    assert [row["date_modified_gmt"] for row in orders] == sorted(row["date_modified_gmt"] for row in orders)
    refunds = [one for row in orders if row["refunds"] for one in woo_rows(fake, f"/orders/{row['id']}/refunds")]
    assert by_id(refunds, "id") == fake.truth("refunds")
    assert by_id(woo_rows(fake, "/products"), "id") == fake.truth("items")
    assert told(woo(fake, f"/orders/{orders[0]['id']}")) == orders[0]


def test_woocommerce_says_how_to_go_on() -> None:
    fake = filled(WooCommerce)
    response, rows = woo(fake, "/orders"), []
    while True:
        rows += told(response)
        url = following(response)
        if url is None:
            break
        response = woo(fake, url)
    assert by_id(rows, "id") == fake.truth("orders")
    assert told(woo(fake, "/orders", page=100)) == []


def test_woocommerce_times_are_of_the_site_unless_said_otherwise() -> None:
    fake = filled(WooCommerce, orders=300)
    at = fake.world.clock.now() - 86_400
    gmt = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    held = {row["id"] for row in fake.truth("orders").values() if row["date_modified_gmt"] > gmt}
    site = beijing(at).replace(" ", "T")
    said = woo_rows(fake, "/orders", per_page=100, modified_after=gmt, dates_are_gmt="true")
    assert {row["id"] for row in said} == held
    assert {row["id"] for row in woo_rows(fake, "/orders", per_page=100, modified_after=site)} == held
    assert {row["id"] for row in woo_rows(fake, "/orders", per_page=100, modified_after=gmt)} > held


@pytest.mark.parametrize(
    ("path", "key", "params", "status", "code"),
    [
        ("/orders", "", {}, 401, "woocommerce_rest_cannot_view"),
        ("/orders", "ck_no:cs_no", {}, 401, "woocommerce_rest_authentication_error"),
        (
            "/orders",
            f"{'ck_0123456789abcdef0123456789abcdef01234567'}:no",
            {},
            401,
            "woocommerce_rest_authentication_error",
        ),
        ("/orders", None, {"per_page": 101}, 400, "rest_invalid_param"),
        ("/orders", None, {"page": 0}, 400, "rest_invalid_param"),
        ("/orders", None, {"orderby": "colour"}, 400, "rest_invalid_param"),
        ("/orders", None, {"status": "odd"}, 400, "rest_invalid_param"),
        ("/orders", None, {"modified_after": "x"}, 400, "rest_invalid_param"),
        ("/orders/1", None, {}, 404, "woocommerce_rest_order_invalid_id"),
        ("/nothing", None, {}, 404, "rest_no_route"),
    ],
)
def test_woocommerce_refuses(path: str, key: str | None, params: dict[str, Any], status: int, code: str) -> None:
    response = woo(filled(WooCommerce), path, key, **params)
    assert (response.status, told(response)["code"], told(response)["data"]["status"]) == (status, code, status)


def test_woocommerce_takes_keys_in_the_query_and_has_a_host_with_limits() -> None:
    fake = filled(WooCommerce)
    keys = {name: fake.settings()[name] for name in ("consumer_key", "consumer_secret")}
    response = woo(fake, "/orders", "", **keys)
    assert response.status == 200
    assert "consumer" not in (response.header("link") or "")
    fake.rate = (1, 10.0)
    assert [woo(fake, "/orders").status for _ in range(2)] == [200, 429]


# --- served on the loopback -----------------------------------------------------------------------------------------


def asked(server: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    line.request(method, path, body, headers)
    response = line.getresponse()
    given = response.status, response.read()
    line.close()
    return given


def test_platforms_are_served_over_one_connection() -> None:
    fake = filled(WooCommerce)
    server, url = serve.start({"woocommerce": fake})
    try:
        assert fake.settings()["url"] == f"{url}/woocommerce/wp-json/wc/v3"
        line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        pair = base64.b64encode(f"{fake.consumer_key}:{fake.consumer_secret}".encode()).decode()
        rows, page = [], f"{url}/woocommerce/wp-json/wc/v3/orders?per_page=20"
        sockets = set()
        while page:
            target = urlsplit(page)
            line.request("GET", f"{target.path}?{target.query}", headers={"Authorization": f"Basic {pair}"})
            sockets.add(line.sock)
            response = line.getresponse()
            rows += json.loads(response.read())
            links = (part for part in (response.headers["link"] or "").split(", ") if 'rel="next"' in part)
            page = next((part[1 : part.index(">")] for part in links), "")
        assert len(sockets) == 1
        assert by_id(rows, "id") == fake.truth("orders")
        line.close()
    finally:
        server.shutdown()
        server.server_close()


def test_a_time_out_closes_the_connection_and_a_bug_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(request: Request) -> Response:
        raise RuntimeError("a bug")

    fake = filled(WooCommerce)
    server, _ = serve.start({"woocommerce": fake, "broken": broken})
    try:
        fake.faults.append("timeout")
        with pytest.raises(http.client.RemoteDisconnected):
            asked(server, "GET", "/woocommerce/wp-json/wc/v3/orders")
        assert asked(server, "GET", "/woocommerce/wp-json/wc/v3/orders")[0] == 401
        assert asked(server, "GET", "/nothing")[0] == 404
        assert asked(server, "GET", "/broken")[0] == 500
        assert "a bug" in capsys.readouterr().err
    finally:
        server.shutdown()
        server.server_close()


def test_what_arrives_is_what_was_sent() -> None:
    seen: list[Request] = []
    lock = threading.Lock()

    def keep(request: Request) -> Response:
        with lock:
            seen.append(request)
        return Response(200, (("set-cookie", "a=1"), ("set-cookie", "b=2")), b"ok")

    server, url = serve.start({"keep": keep})
    try:
        assert asked(server, "POST", "/keep/a%20b?x=1%2B1&y=&x=2", "名=值".encode(), Thing="v") == (200, b"ok")
        [request] = seen
        assert (request.method, request.url) == ("POST", f"{url}/keep/a%20b")
        assert request.query == (("x", "1+1"), ("y", ""), ("x", "2"))
        assert request.body == "名=值".encode()
        assert ("Thing", "v") in request.headers
    finally:
        server.shutdown()
        server.server_close()


def test_the_command_tells_where_and_with_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told_to = tmp_path / "settings.json"
    words = [
        "--platforms",
        "shopify,kingdee",
        "--orders",
        "20",
        "--days",
        "3",
        "--settings",
        str(told_to),
        "--no-limits",
    ]
    server, known = serve.serve(words)
    try:
        assert json.loads(capsys.readouterr().out) == known == json.loads(told_to.read_text(encoding="utf-8"))
        assert list(known["platforms"]) == ["shopify", "kingdee"]
        settings = known["platforms"]["shopify"]
        path = urlsplit(settings["url"]).path + "/orders.json?status=any"
        status, body = asked(server, "GET", path, **{"X-Shopify-Access-Token": settings["access_token"]})
        assert (status, len(json.loads(body)["orders"])) == (200, 20)
    finally:
        server.shutdown()
        server.server_close()


def test_the_command_knows_its_platforms(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve.serve(["--platforms", "shopify,shoppify"])
    assert "there is no platform shoppify" in capsys.readouterr().err


def test_forms_survive_what_urls_escape() -> None:
    """The flagship edition's body is signed as it stands, the query before it is escaped."""
    fake = filled(WangdiantongFlagship)
    assert flagship(fake, "goods.Goods.queryWithSpec", {"goods_name": "A+B & C=D /x"})["status"] == 0
    assert parse_qsl("a=%2B") == [("a", "+")]
