"""The simulated platforms Taobao, its advertisements, JD, Douyin and Pinduoduo: readable to the last record, and strict."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from fakes import doudian, jd, pdd, taobao
from fakes.doudian import Doudian
from fakes.jd import Jd
from fakes.pdd import Pdd
from fakes.taobao import Taobao
from fakes.taobao_ads import STRATEGIES, TaobaoAds
from fakes.world import World

from engine.connector import Request, Response, TryAgain

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT.parent / "shared/domain/sign_vectors.json"
BEIJING = timezone(timedelta(hours=8))
DAY = 86400
FORM = ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
ALL_TYPES = "fixed,auction,guarantee_trade,auto_delivery,ec,cod,step,eticket,tmall_i18n"
ALL_STATES = ",".join(jd.REMARKS)


def told(response: Response) -> Any:
    assert response.status == 200
    return json.loads(response.body)


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def windows(until: float, days: float, length: float) -> Iterator[tuple[float, float]]:
    """Windows of a length, the last of which ends then; both ends are part of each."""
    start = until - days * DAY
    while start <= until:
        yield start, min(start + length - 1, until)
        start += length


# --- calls, signed by hand ----------------------------------------------------------------------------------------


def top(fake: Any, method: str, *, late: dict[str, str] | None = None, by: str = "md5", **given: Any) -> Response:
    """A call of TOP. A parameter that is None is not sent; `late` ones are put in after signing."""
    own = fake.settings()
    params = {
        "method": method,
        "app_key": own["app_key"],
        "session": own["session"],
        "timestamp": at(fake.world.clock.now()),
        "format": "json",
        "v": "2.0",
        "sign_method": by,
        **given,
    }
    params = {name: str(value) for name, value in params.items() if value is not None}
    joined, secret = "".join(name + params[name] for name in sorted(params)), own["app_secret"]
    if by == "md5":
        params["sign"] = hashlib.md5(f"{secret}{joined}{secret}".encode()).hexdigest().upper()
    else:
        how = {"hmac": "md5", "hmac-sha256": "sha256"}.get(by, "sha1")
        params["sign"] = hmac.new(secret.encode(), joined.encode(), how).hexdigest().upper()
    return fake(Request("POST", own["url"], (), (FORM,), urlencode({**params, **(late or {})}).encode()))


def jos(fake: Jd, method: str, given: dict[str, Any], *, late: dict[str, str] | None = None, **system: Any) -> Response:
    """A call of JD, system parameters in the query and the rest in the form."""
    own = fake.settings()
    params = {
        "method": method,
        "access_token": own["access_token"],
        "app_key": own["app_key"],
        "timestamp": at(fake.world.clock.now()),
        "v": "2.0",
        **system,
    }
    params = {name: value for name, value in params.items() if value is not None}
    text = json.dumps(given, ensure_ascii=False)
    joined = "360buy_param_json" + text + "".join(name + params[name] for name in sorted(params))
    params["sign"] = hashlib.md5(f"{own['app_secret']}{joined}{own['app_secret']}".encode()).hexdigest().upper()
    body = urlencode({"360buy_param_json": text}).encode()
    return fake(Request("POST", own["url"], tuple({**params, **(late or {})}.items()), (FORM,), body))


def dou(
    fake: Doudian,
    path: str,
    given: dict[str, Any],
    *,
    late: dict[str, str] | None = None,
    body: str | None = None,
    **system: Any,
) -> Response:
    """A call of Douyin: business parameters are the body, the rest the query."""
    own = fake.settings()
    text = json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if body is None else body
    query = {
        "app_key": own["app_key"],
        "method": path.strip("/").replace("/", "."),
        "timestamp": str(int(fake.world.clock.now())),
        "v": "2",
    }
    query = {name: value for name, value in {**query, **system}.items() if value is not None}
    signed = {**query, "param_json": text}
    joined = own["app_secret"] + "".join(name + signed[name] for name in sorted(signed)) + own["app_secret"]
    query["sign"] = hmac.new(own["app_secret"].encode(), joined.encode(), "sha256").hexdigest()
    query |= {"access_token": own["access_token"], "sign_method": "hmac-sha256"}
    query = {name: value for name, value in {**query, **(late or {})}.items() if value != "-"}
    headers = (("content-type", "application/json"), ("x-open-no-old-err-code", "1"))
    return fake(Request("POST", own["url"] + path, tuple(query.items()), headers, text.encode()))


def pop(fake: Pdd, call: str, *, late: dict[str, str] | None = None, as_json: bool = False, **given: Any) -> Response:
    """A call of Pinduoduo."""
    own = fake.settings()
    params = {
        "type": call,
        "client_id": own["client_id"],
        "access_token": own["access_token"],
        "timestamp": int(fake.world.clock.now()),
        "data_type": "JSON",
        **given,
    }
    params = {name: str(value) for name, value in params.items() if value is not None}
    joined = "".join(name + params[name] for name in sorted(params))
    params["sign"] = hashlib.md5(f"{own['client_secret']}{joined}{own['client_secret']}".encode()).hexdigest().upper()
    params |= late or {}
    if as_json:
        return fake(
            Request("POST", own["url"], (), (("content-type", "application/json"),), json.dumps(params).encode())
        )
    return fake(Request("POST", own["url"], (), (FORM,), urlencode(params).encode()))


# --- Taobao -------------------------------------------------------------------------------------------------------


def test_taobao_trades_read_backwards() -> None:
    fake = Taobao(World())
    found = dict(top_trades(fake, simplify=None))
    assert found == fake.truth("orders")
    assert len(found) == 120


def test_taobao_trades_simplified() -> None:
    fake = Taobao(World(), count=40)
    assert dict(top_trades(fake, simplify="true")) == fake.truth("orders", simplified=True)


def top_trades(fake: Taobao, simplify: str | None) -> Iterator[tuple[str, Any]]:
    """Trades of three days by when they changed: count, then from the last page to the first."""
    root = "trades_sold_increment_get_response"
    for start, end in windows(fake.world.clock.now(), 3, DAY):
        given = {
            "fields": taobao.TRADE_FIELDS,
            "start_modified": at(start),
            "end_modified": at(end),
            "type": ALL_TYPES,
            "simplify": simplify,
        }
        method = "taobao.trades.sold.increment.get"
        first = told(top(fake, method, **{**given, "fields": "tid", "page_size": 1}))
        total = (first if simplify else first[root])["total_results"]
        for page in range((total + 24) // 25, 0, -1):
            answer = told(top(fake, method, **given, page_no=page, page_size=25, use_has_next="true"))
            trades = answer["trades"] if simplify else answer[root]["trades"]["trade"]
            yield from ((str(trade["tid"]), trade) for trade in trades)


def test_taobao_lists() -> None:
    fake = Taobao(World())
    assert dict(
        top_pages(fake, "taobao.refunds.receive.get", "refunds", "refund", "refund_id", taobao.REFUND_FIELDS)
    ) == fake.truth("refunds")
    shipments = top_pages(
        fake, "taobao.logistics.orders.get", "shippings", "shipping", "order_code", taobao.SHIPPING_FIELDS
    )
    assert dict(shipments) == fake.truth("shipments")
    items = dict(
        top_pages(
            fake, "taobao.items.onsale.get", "items", "item", "num_iid", taobao.ITEM_FIELDS, order_by="modified:asc"
        )
    )
    for banner in ("for_shelved", "sold_out", "violation_off_shelf"):
        more = dict(
            top_pages(fake, "taobao.items.inventory.get", "items", "item", "num_iid", taobao.ITEM_FIELDS, banner=banner)
        )
        assert more
        items |= more
    assert items == fake.truth("items")
    full = {
        key: told(top(fake, "taobao.item.seller.get", fields=f"{taobao.ITEM_FIELDS},skus", num_iid=key))[
            "item_seller_get_response"
        ]["item"]
        for key in items
    }
    assert full == fake.truth("inventory")


def top_pages(
    fake: Any, method: str, name: str, inner: str, key: str, fields: str, **given: Any
) -> Iterator[tuple[str, Any]]:
    page = 1
    while True:
        answer = told(top(fake, method, fields=fields, page_no=page, page_size=9, **given))
        body = answer[method.removeprefix("taobao.").replace(".", "_") + "_response"]
        yield from ((str(row[key]), row) for row in body.get(name, {}).get(inner, ()))
        if page * 9 >= body["total_results"]:
            return
        page += 1


def test_taobao_old_trades_are_history() -> None:
    fake = Taobao(World(), count=10)
    now = fake.world.clock.now()
    old = fake.world.add("orders", now - 200 * DAY)
    fake.world.add("orders", now - 800 * DAY)
    history = told(top(fake, "taobao.trades.sold.history.get", fields="tid", type=ALL_TYPES))[
        "trades_sold_history_get_response"
    ]
    assert history["trades"]["trade"] == [{"tid": int(old["id"])}]
    sold = told(top(fake, "taobao.trades.sold.get", fields="tid,created", type=ALL_TYPES))["trades_sold_get_response"]
    times = [trade["created"] for trade in sold["trades"]["trade"]]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    one = told(top(fake, "taobao.trade.fullinfo.get", fields="tid,orders.oid", tid=old["id"]))[
        "trade_fullinfo_get_response"
    ]["trade"]
    assert one["tid"] == int(old["id"])
    assert set(one["orders"]["order"][0]) == {"oid"}


def test_taobao_hides_types_that_are_not_listed() -> None:
    fake = Taobao(World())
    now = fake.world.clock.now()
    given = {"fields": "tid", "start_modified": at(now - DAY), "end_modified": at(now)}
    counts = [
        told(top(fake, "taobao.trades.sold.increment.get", **given, **more))["trades_sold_increment_get_response"][
            "total_results"
        ]
        for more in ({}, {"type": ALL_TYPES})
    ]
    assert counts[0] < counts[1]


def test_taobao_pages_slip_when_read_forwards() -> None:
    fake = Taobao(World())
    now = fake.world.clock.now()
    given = {
        "fields": "tid",
        "start_modified": at(now - DAY),
        "end_modified": at(now - 600),
        "type": ALL_TYPES,
        "page_size": 10,
    }

    def page(number: int) -> list[int]:
        answer = told(top(fake, "taobao.trades.sold.increment.get", **given, page_no=number))
        return [trade["tid"] for trade in answer["trades_sold_increment_get_response"]["trades"]["trade"]]

    first, second = page(1), page(2)
    fake.world.touch("orders", str(first[0]))
    # It left the window, and what stood first on the second page stands last on the first, which was read already.
    assert page(2)[:9] == second[1:]
    assert page(1)[-1] == second[0]


def test_taobao_while_trades_change() -> None:
    """Windows that end in the past, read backwards, lose nothing; what changed meanwhile is in the next run's windows."""
    fake = Taobao(World(churn=2, changes=10))
    clock, method, root = fake.world.clock, "taobao.trades.sold.increment.get", "trades_sold_increment_get_response"
    found: dict[str, Any] = {}
    since = clock.now() - 3 * DAY
    for _ in range(4):
        until = clock.now() - 1
        while since <= until:
            end = min(since + DAY - 1, until)
            given = {
                "fields": taobao.TRADE_FIELDS,
                "start_modified": at(since),
                "end_modified": at(end),
                "type": ALL_TYPES,
                "page_size": 5,
            }
            total = told(top(fake, method, **given))[root]["total_results"]
            for page in range(-(-total // 5), 0, -1):
                body = told(top(fake, method, **given, page_no=page, use_has_next="true"))[root]
                found |= {str(trade["tid"]): trade for trade in body.get("trades", {}).get("trade", ())}
                clock.sleep(2)
            since = end + 1
        clock.sleep(60)
    assert fake.world.requests > 30
    assert found == fake.truth("orders")


def test_taobao_lists_are_absent_where_nothing_matches() -> None:
    fake = Taobao(World())
    start = fake.world.clock.now() - 50 * DAY
    given = {"fields": "tid", "start_modified": at(start), "end_modified": at(start + 60), "use_has_next": "true"}
    body = told(top(fake, "taobao.trades.sold.increment.get", **given))["trades_sold_increment_get_response"]
    assert set(body) == {"has_next", "request_id"}


def test_taobao_amounts_add_up() -> None:
    fake = Taobao(World())
    for trade in fake.truth("orders", simplified=True).values():
        lines, cents = trade["orders"], lambda text: int(text.replace(".", ""))
        assert cents(trade["payment"]) == sum(cents(line["divide_order_fee"]) for line in lines) + cents(
            trade["post_fee"]
        )
        if len(lines) == 1:
            assert lines[0]["oid"] == trade["tid"]
            assert lines[0]["payment"] == trade["payment"]
    assert {int(key) > 2**53 for key in fake.truth("orders")} == {True}


INCREMENT = {"start_modified": "2026-10-04 08:00:00", "end_modified": "2026-10-05 08:00:00", "fields": "tid"}
TOP_WRONG: list[tuple[str, dict[str, Any], dict[str, str], int]] = [
    ("no method", {"method_": None}, {}, 21),
    ("unknown method", {"method_": "taobao.trades.stolen.get"}, {}, 22),
    ("format", {"format": "yaml"}, {}, 23),
    ("no sign", {}, {"sign": ""}, 24),
    ("sign", {}, {"sign": "0" * 32}, 25),
    ("signed something else", {}, {"page_no": "2"}, 25),
    ("no session", {"session": None}, {}, 26),
    ("session", {"session": "6100"}, {}, 27),
    ("no app_key", {"app_key": None}, {}, 28),
    ("app_key", {"app_key": "1"}, {}, 29),
    ("no timestamp", {"timestamp": None}, {}, 30),
    ("timestamp", {"timestamp": "2026-10-05 07:49:59"}, {}, 31),
    ("timestamp as a number", {"timestamp": "1791158400"}, {}, 31),
    ("no version", {"v": None}, {}, 32),
    ("version", {"v": "1.0"}, {}, 33),
    ("sign_method", {"by": "sha1"}, {}, 41),
    ("no fields", {"fields": None}, {}, 40),
    ("no end", {"end_modified": None}, {}, 40),
    ("window", {"start_modified": "2026-10-04 07:59:59"}, {}, 41),
    ("backwards", {"start_modified": "2026-10-05 08:00:01"}, {}, 41),
    ("form of a date", {"start_modified": "2026-10-04"}, {}, 41),
    ("page size", {"page_size": 101}, {}, 41),
    ("page", {"page_no": 0}, {}, 41),
    ("page no number", {"page_no": "x"}, {}, 41),
]


@pytest.mark.parametrize(("given", "late", "code"), [one[1:] for one in TOP_WRONG], ids=[one[0] for one in TOP_WRONG])
def test_taobao_is_strict(given: dict[str, Any], late: dict[str, str], code: int) -> None:
    fake = Taobao(World(), count=5)
    given = {**INCREMENT, **given}
    method = given.pop("method_", "taobao.trades.sold.increment.get")
    response = top(fake, method, late=late, **given)
    if given.get("format") == "yaml":
        assert b"<code>23</code>" in response.body
        return
    assert told(response)["error_response"]["code"] == code


@pytest.mark.parametrize("by", ["md5", "hmac", "hmac-sha256"])
def test_taobao_takes_every_signature(by: str) -> None:
    assert "error_response" not in told(
        top(Taobao(World(), count=5), "taobao.trades.sold.increment.get", by=by, **INCREMENT)
    )


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("taobao.items.onsale.get", {"page_no": 101, "page_size": 200}),
        ("taobao.items.onsale.get", {"page_size": 201}),
        ("taobao.items.onsale.get", {"order_by": "modified"}),
        ("taobao.items.inventory.get", {"page_no": 102}),
        ("taobao.items.inventory.get", {"banner": "gone"}),
        ("taobao.trades.sold.history.get", {"page_size": 51}),
    ],
)
def test_taobao_has_its_bounds(method: str, given: dict[str, Any]) -> None:
    assert told(top(Taobao(World(), count=5), method, fields="num_iid", **given))["error_response"]["code"] == 41


def test_taobao_answers_xml_unless_told_otherwise() -> None:
    response = top(
        Taobao(World(), count=5), "taobao.trades.sold.increment.get", **INCREMENT, format=None, type=ALL_TYPES
    )
    assert response.header("content-type") == "text/xml;charset=UTF-8"
    assert b"<trades_sold_increment_get_response>" in response.body
    assert b"<trades><trade><tid>" in response.body


def test_taobao_sessions_end() -> None:
    fake = Taobao(World(), count=5)
    fake.token_seconds = 60
    fake.world.clock.sleep(60)
    error = told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT))["error_response"]
    assert (error["code"], error["sub_code"]) == (27, "session-expired")
    refused = told(top(fake, "taobao.top.auth.token.refresh", session=None, refresh_token=fake.refresh_token))
    assert refused["error_response"]["code"] == 15
    fake.refreshable = True
    answer = told(
        top(fake, "taobao.top.auth.token.refresh", session=None, refresh_token=fake.settings()["refresh_token"])
    )
    token = json.loads(answer["top_auth_token_refresh_response"]["token_result"])
    assert token["access_token"] == fake.settings()["session"]
    assert "error_response" not in told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT))


def test_taobao_limits() -> None:
    fake = Taobao(World(), count=5)
    fake.rate, fake.daily_quota = (2, 3.0), 3
    codes = [
        told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT)).get("error_response", {}) for _ in range(3)
    ]
    assert codes[:2] == [{}, {}]
    assert codes[2]["sub_msg"] == "This ban will last for 3 more seconds"
    fake.world.clock.sleep(3.1)
    assert told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT)).get("error_response") is None
    error = told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT))["error_response"]
    assert (error["code"], error["sub_code"]) == (7, "accesscontrol.limited-by-app-access-count")
    fake.world.clock.sleep(16 * 3600)  # past midnight in Beijing
    assert "error_response" not in told(top(fake, "taobao.trades.sold.increment.get", **INCREMENT))


# --- Taobao's advertisements --------------------------------------------------------------------------------------


def test_ads_of_every_strategy() -> None:
    fake = TaobaoAds(World())
    found: dict[str, Any] = {}
    for strategy in STRATEGIES:
        given = {
            "api_service_context": json.dumps({"biz_code": strategy}),
            "report_query": json.dumps({"start_time": "2026-09-01", "end_time": "2026-10-04", "effect": 15}),
        }
        answer = told(top(fake, "taobao.onebp.dkx.report.report.campaign.daylist", **given))
        result = answer["onebp_dkx_report_report_campaign_daylist_response"]["result"]
        rows = result["report_result_top_d_t_o_list"]["report_result_top_dto"]
        assert len(rows) == result["total_count"]
        found |= {f"{row['log_date']}+{row['campaign_id']}": row for row in rows}
    assert found == fake.truth("ad_daily")


@pytest.mark.parametrize(("call", "stream"), [("base", "ad_daily_simba"), ("effect", "ad_effect_simba")])
def test_ads_of_simba_are_json_in_a_text(call: str, stream: str) -> None:
    fake = TaobaoAds(World())
    listed = told(top(fake, "taobao.simba.campaigns.get"))["simba_campaigns_get_response"]["campaigns"]["campaign"]
    found: dict[str, Any] = {}
    for campaign in listed:
        page = 1
        while rows := simba(fake, call, campaign_id=campaign["campaign_id"], page_no=page, page_size=4):
            found |= {f"{row['date']}+{row['campaignid']}": row for row in rows}
            page += 1
        assert rows == {}
    assert found == fake.truth(stream)


def simba(fake: TaobaoAds, call: str, **given: Any) -> Any:
    told_in = {
        "start_time": "2026-09-01",
        "end_time": "2026-10-04",
        "subway_token": fake.settings()["subway_token"],
        "source": "SUMMARY",
    }
    body = told(top(fake, f"taobao.simba.rpt.campaign{call}.get", **{**told_in, **given}))
    answer = body[f"simba_rpt_campaign{call}_get_response"]
    return json.loads(answer[f"rpt_campaign_{call}_list"])


def test_ads_are_strict() -> None:
    fake = TaobaoAds(World())
    assert simba(fake, "base", campaign_id=90000001, subway_token="x")["sub_code"] == "isv.invalid-token"
    rpt = "taobao.simba.rpt.custbase.get"
    assert told(top(fake, rpt, start_time="2026-10-01", source="SUMMARY"))["error_response"]["code"] == 40
    daylist = "taobao.onebp.dkx.report.report.campaign.daylist"
    running = {"start_time": "2026-10-01", "end_time": "2026-10-05", "effect": 15}
    for context, query, code in (
        ({"biz_code": "x"}, {**running, "end_time": "2026-10-04"}, 41),
        ({"biz_code": STRATEGIES[0]}, {**running, "end_time": "2026-10-04", "effect": 14}, 41),
        ({"biz_code": STRATEGIES[0]}, running, 15),
    ):
        answer = told(top(fake, daylist, api_service_context=json.dumps(context), report_query=json.dumps(query)))
        assert answer["error_response"]["code"] == code


# --- JD -----------------------------------------------------------------------------------------------------------


def test_jd_orders() -> None:
    fake = Jd(World())
    now = fake.world.clock.now()
    given = {
        "order_state": ALL_STATES,
        "optional_fields": jd.ORDER_FIELDS,
        "start_date": at(now - 3 * DAY),
        "end_date": at(now),
        "page_size": "50",
    }
    found: dict[str, Any] = {}
    total, page = 1, 1
    while (page - 1) * 50 < total:
        body = told(jos(fake, "jingdong.pop.order.search", {**given, "page": str(page)}))[
            "jingdong_pop_order_search_responce"
        ]
        result = body["searchorderinfo_result"]
        assert (body["code"], result["apiResult"]["success"]) == ("0", True)
        total, page = result["orderTotal"], page + 1
        found |= {order["orderId"]: order for order in result["orderInfoList"]}
    assert found == fake.truth("orders")
    assert {order["orderState"] for order in found.values()} == set(jd.REMARKS)
    parts = [order for order in found.values() if order["parentOrderId"] != "0"]
    assert parts
    assert all(order["parentOrderId"] in found for order in parts)
    fewer = told(jos(fake, "jingdong.pop.order.enSearch", {**given, "page": "1", "order_state": "FINISHED_L"}))
    assert fewer["jingdong_pop_order_enSearch_responce"]["searchorderinfo_result"]["orderTotal"] < total
    one = next(iter(found))
    alone = told(jos(fake, "jingdong.pop.order.get", {"order_id": int(one), "optional_fields": jd.ORDER_FIELDS}))
    assert alone["jingdong_pop_order_get_responce"]["orderDetailInfo"]["orderInfo"] == found[one]


def test_jd_orders_in_a_wrapper() -> None:
    fake = Jd(World(), count=5)
    fake.wrapper = "paramOrderJSFQuery"
    given = {"order_state": ALL_STATES, "optional_fields": "orderId", "page": 1, "page_size": 100}
    assert told(jos(fake, "jingdong.pop.order.search", given))["error_response"]["code"] == "60"
    answer = told(jos(fake, "jingdong.pop.order.search", {"paramOrderJSFQuery": given}))
    assert answer["jingdong_pop_order_search_responce"]["searchorderinfo_result"]["orderTotal"] == 5


@pytest.mark.parametrize(
    ("stream", "method", "number", "many", "where", "total", "key"),
    [
        (
            "refunds",
            "jingdong.pop.afs.soa.refundapply.queryPageList",
            "pageIndex",
            "pageSize",
            "queryResult.result",
            "totalCount",
            "id",
        ),
        (
            "after_sales",
            "jingdong.asc.serviceAndRefund.view",
            "pageNumber",
            "pageSize",
            "pageResult.data",
            "totalCount",
            "",
        ),
        ("items", "jingdong.ware.read.searchWare4Valid", "pageNo", "pageSize", "page.data", "totalItem", "wareId"),
        ("inventory", "jingdong.sku.read.searchSkuList", "pageNo", "page_size", "page.data", "totalItem", "skuId"),
    ],
)
def test_jd_lists(stream: str, method: str, number: str, many: str, where: str, total: str, key: str) -> None:
    fake = Jd(World())
    bounds = {
        "applyTimeBegin": "2026-10-01 00:00:00",
        "applyTimeEnd": "2026-10-05 08:00:00",
        "field": f"{jd.WARE_FIELDS},{jd.SKU_FIELDS}",
    }
    outer, inner = where.split(".")
    found: dict[str, Any] = {}
    page, rows = 1, 1
    while (page - 1) * 7 < rows:
        body = told(jos(fake, method, {**bounds, number: page, many: 7}))[f"{method.replace('.', '_')}_responce"][outer]
        rows, page = int(body[total]), page + 1
        found |= {str(row[key] if key else row["sameOrderServiceBill"]["serviceId"]): row for row in body[inner]}
    assert found == fake.truth(stream)


JD_WRONG: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("no method", {"method": None}, {}, "14"),
    ("method", {"method": "jingdong.pop.order.steal"}, {}, "15"),
    ("no version", {"v": None}, {}, "5"),
    ("version", {"v": "1.0"}, {}, "6"),
    ("no app_key", {"app_key": None}, {}, "20"),
    ("app_key", {"app_key": "x"}, {}, "21"),
    ("no timestamp", {"timestamp": None}, {}, "7"),
    ("timestamp", {"timestamp": "2026-10-05 07:53:59"}, {}, "8"),
    ("no sign", {}, {"sign": ""}, "11"),
    ("sign", {}, {"sign": "0" * 32}, "12"),
    ("signed something else", {}, {"timestamp": "2026-10-05 08:00:01"}, "12"),
    ("format takes part in nothing", {"format": "json"}, {}, "12"),
    ("no token", {"access_token": None}, {}, "18"),
    ("token", {"access_token": "x"}, {}, "19"),
]


@pytest.mark.parametrize(("system", "late", "code"), [one[1:] for one in JD_WRONG], ids=[one[0] for one in JD_WRONG])
def test_jd_is_strict(system: dict[str, Any], late: dict[str, str], code: str) -> None:
    fake = Jd(World(), count=5)
    given = {"order_state": ALL_STATES, "optional_fields": "orderId", "page": "1", "page_size": "10"}
    system = {"method": "jingdong.pop.order.search", **system}
    error = told(jos(fake, system.pop("method"), given, late=late, **system))["error_response"]
    assert error["code"] == code
    assert error["zh_desc"]


def test_jd_timestamps_have_two_forms() -> None:
    fake = Jd(World(), count=5)
    given = {
        "order_state": ALL_STATES,
        "optional_fields": "orderId",
        "page": "1",
        "page_size": "10",
        "start_date": None,
    }
    answer = told(jos(fake, "jingdong.pop.order.search", given, timestamp="2026-10-05 08:00:00.123+0800"))
    assert "error_response" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": "101"},
        {"page": "301"},
        {"order_state": "PAID"},
        {"start_date": "2026-09-04 23:59:59"},
        {"start_date": "2026-06-01 00:00:00", "end_date": "2026-06-02 00:00:00"},
        {"start_date": "2026-10-05 00:00:01"},
        {"dateType": "1", "start_date": "2024-09-01 00:00:00", "end_date": "2024-09-02 00:00:00"},
    ],
)
def test_jd_fails_inside(wrong: dict[str, str]) -> None:
    given = {"order_state": ALL_STATES, "optional_fields": "orderId", "page": "1", "page_size": "10"}
    given |= {"start_date": "2026-09-05 00:00:00", "end_date": "2026-10-05 00:00:00"}
    fake = Jd(World(), count=5)
    body = told(jos(fake, "jingdong.pop.order.search", given))["jingdong_pop_order_search_responce"]
    assert body["searchorderinfo_result"]["apiResult"]["success"] is True
    body = told(jos(fake, "jingdong.pop.order.search", {**given, **wrong}))["jingdong_pop_order_search_responce"]
    assert body["code"] == "0"
    assert body["searchorderinfo_result"]["apiResult"]["success"] is False


def test_jd_other_refusals() -> None:
    fake = Jd(World(), count=5)
    listing = "jingdong.pop.afs.soa.refundapply.queryPageList"
    assert told(jos(fake, listing, {"pageIndex": 1, "pageSize": 51}))["error_response"]["code"] == "61"
    assert told(jos(fake, "jingdong.pop.order.search", {"page": "1"}))["error_response"]["code"] == "60"
    pair = told(jos(fake, "jingdong.asc.serviceAndRefund.view", {"applyTimeBegin": "2026-10-01 00:00:00"}))
    assert pair["jingdong_asc_serviceAndRefund_view_responce"]["pageResult"]["success"] is False
    fake.in_cloud = False
    assert told(jos(fake, "jingdong.pop.order.search", {}))["error_response"]["code"] == "73"
    fake.rate, fake.daily_quota = (1, 2.0), 5
    assert "error_response" not in told(jos(fake, listing, {"pageIndex": 1}))
    assert told(jos(fake, listing, {"pageIndex": 1}))["error_response"]["code"] == "1"
    fake.world.clock.sleep(2.1)
    fake.rate = None
    answers = [told(jos(fake, listing, {"pageIndex": 1})) for _ in range(2)]
    assert answers[-1]["error_response"]["code"] == "2"


def test_jd_tokens_rotate() -> None:
    fake = Jd(World(), count=5)
    fake.token_seconds = 10 * DAY

    def refresh(token: str) -> Any:
        own = fake.settings()
        query = {
            "app_key": own["app_key"],
            "app_secret": own["app_secret"],
            "grant_type": "refresh_token",
            "refresh_token": token,
        }
        return told(fake(Request("GET", own["token_url"], tuple(query.items()))))

    old = fake.settings()
    assert "24小时" in refresh(old["refresh_token"])["msg"]
    fake.world.clock.sleep(9 * DAY + 1)
    new = refresh(old["refresh_token"])
    assert new["expires_in"] == 10 * DAY
    assert new["access_token"] == fake.settings()["access_token"] != old["access_token"]
    assert "code" in refresh(old["refresh_token"])
    fake.world.clock.sleep(10 * DAY)
    assert "重新授权" in refresh(new["refresh_token"])["msg"]
    assert told(jos(fake, "jingdong.pop.order.search", {}))["error_response"]["code"] == "19"


# --- Douyin -------------------------------------------------------------------------------------------------------


def dou_pages(fake: Doudian, path: str, rows: str, first: int, **given: Any) -> Iterator[Any]:
    page = first
    while True:
        data = told(dou(fake, path, {"page": page, "size": 11, **given}))["data"]
        yield from data[rows]
        page += 1
        if (page - first) * 11 >= data["total"]:
            return


def test_doudian_streams() -> None:
    fake = Doudian(World())
    now = int(fake.world.clock.now())
    orders = list(
        dou_pages(
            fake, "/order/searchList", "shop_order_list", 0, order_by="update_time", order_asc=True, update_time_start=1
        )
    )
    assert {order["order_id"]: order for order in orders} == fake.truth("orders")
    assert [order["update_time"] for order in orders] == sorted(order["update_time"] for order in orders)
    refunds = dou_pages(
        fake,
        "/afterSale/List",
        "items",
        0,
        order_by=["update_time asc"],
        update_start_time=now - 3 * DAY,
        update_end_time=now,
    )
    assert {one["aftersale_info"]["aftersale_id"]: one for one in refunds} == fake.truth("refunds")
    items = {str(one["product_id"]): one for one in dou_pages(fake, "/product/listV2", "data", 1)}
    assert items == fake.truth("items")
    full = {key: told(dou(fake, "/product/detail", {"product_id": key}))["data"] for key in items}
    assert full == fake.truth("inventory")
    assert min(map(int, full)) > 2**53
    alone = told(dou(fake, "/order/orderDetail", {"shop_order_id": orders[0]["order_id"]}))["data"]
    assert alone["shop_order_detail"] == orders[0]


def test_doudian_settlements_go_on_where_they_ended() -> None:
    fake = Doudian(World())
    given = {"start_time": "2026-10-01 00:00:00", "end_time": "2026-10-05 08:00:00", "size": 7}
    found: dict[str, Any] = {}
    while True:
        data = told(dou(fake, "/order/getSettleBillDetailV3", given))["data"]
        found |= {row["request_no"]: row for row in data["data"]}
        if data["is_end"] == 1:
            break
        given |= {"start_index": data["next_start_index"], "start_time": data["next_start_time"]}
    assert found == fake.truth("settlements")


def test_doudian_products_by_cursor() -> None:
    fake = Doudian(World())
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        given = {"use_cursor": True, "size": 9, **({"cursor_id": cursor} if cursor else {})}
        data = told(dou(fake, "/product/listV2", given))["data"]
        if not data["data"]:
            break
        found |= {str(one["product_id"]): one for one in data["data"]}
        cursor = data["cursor_id"]
    assert found == fake.truth("items")


def test_doudian_amounts_add_up() -> None:
    for order in Doudian(World()).truth("orders").values():
        assert order["pay_amount"] == order["order_amount"] - order["promotion_amount"] + order["post_amount"]
        assert order["pay_amount"] == sum(line["pay_amount"] for line in order["sku_order_list"])
        parts = ("promotion_shop_amount", "promotion_platform_amount", "promotion_talent_amount")
        assert order["promotion_amount"] == sum(order[part] for part in parts)
        assert order["platform_cost_amount"] == order["only_platform_cost_amount"] + order["author_cost_amount"]


DOU_WRONG: list[tuple[str, dict[str, Any], dict[str, str], int, str]] = [
    ("no app_key", {}, {"app_key": "-"}, 40001, "isv.app-id-missing"),
    ("app_key", {"app_key": "7"}, {}, 40003, "isv.app-id-invalid"),
    ("no sign", {}, {"sign": "-"}, 40001, "isv.signature-missing"),
    ("sign", {}, {"sign": "0" * 64}, 40003, "isv.signature-invalid"),
    ("md5 unless told", {}, {"sign_method": "-"}, 40003, "isv.signature-invalid"),
    ("upper case", {}, {"sign": "ABCDEF" * 8}, 40003, "isv.signature-invalid"),
    ("timestamp", {"timestamp": str(1791158400 - 601)}, {}, 40003, "isv.timestamp-invalid"),
    ("method", {"method": "product.listV2"}, {}, 40003, "isv.method-invalid"),
    ("version", {"v": "1"}, {}, 40003, "isv.version-invalid"),
    ("no token", {}, {"access_token": "-"}, 40001, "isv.access-token-missing"),
    ("token", {}, {"access_token": "x"}, 40003, "isv.access-token-no-existed"),
    ("keys not sorted", {"body": '{"size":1,"page":0}'}, {}, 40003, "isv.signature-invalid"),
    ("blanks", {"body": '{"page": 0,"size":1}'}, {}, 40003, "isv.signature-invalid"),
    ("escapes", {"body": '{"page":0,"product":"\\u65b0","size":1}'}, {}, 40003, "isv.signature-invalid"),
    ("no JSON", {"body": "page=0"}, {}, 40003, "isv.parameter-format-invalid"),
]


@pytest.mark.parametrize(
    ("system", "late", "code", "sub_code"), [one[1:] for one in DOU_WRONG], ids=[one[0] for one in DOU_WRONG]
)
def test_doudian_is_strict(system: dict[str, Any], late: dict[str, str], code: int, sub_code: str) -> None:
    answer = told(dou(Doudian(World(), count=5), "/order/searchList", {"page": 0, "size": 10}, late=late, **system))
    assert (answer["code"], answer["sub_code"]) == (code, sub_code)
    assert answer["data"] is None


@pytest.mark.parametrize(
    ("path", "given", "code"),
    [
        ("/order/searchList", {"page": 0}, 40002),
        ("/order/searchList", {"page": 0, "size": 101}, 40004),
        ("/order/searchList", {"page": 501, "size": 100}, 40004),
        ("/order/searchList", {"page": 0, "size": 1, "order_by": "pay_time"}, 40004),
        ("/order/searchList", {"page": 0, "size": 1, "update_time_start": 9, "update_time_end": 8}, 40004),
        ("/order/searchList", {"page": 0, "size": 1, "update_time_start": 1791158400000}, 40004),
        ("/afterSale/List", {"page": 0, "size": 1, "order_by": ["update_time"]}, 40004),
        ("/product/listV2", {"page": 0, "size": 10}, 40004),
        ("/product/listV2", {"page": 101, "size": 100}, 40004),
        ("/product/detail", {}, 40002),
        ("/product/detail", {"product_id": "1"}, 50002),
        ("/order/getSettleBillDetailV3", {"start_time": "2026-10-01 00:00:00"}, 40002),
        ("/order/list", {"page": 0, "size": 10}, 70000),
        ("/order/steal", {}, 70000),
    ],
)
def test_doudian_refuses(path: str, given: dict[str, Any], code: int) -> None:
    assert told(dou(Doudian(World(), count=5), path, given))["code"] == code


def test_doudian_tokens_rotate() -> None:
    fake = Doudian(World(), count=5)
    old = fake.settings()
    fake.world.clock.sleep(7 * DAY)
    assert told(dou(fake, "/order/searchList", {"page": 0, "size": 1}))["sub_code"] == "isv.access-token-expired"
    given = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = told(dou(fake, "/token/refresh", given, late={"access_token": "-"}))["data"]
    assert new["expires_in"] == "604800"
    assert told(dou(fake, "/token/refresh", given))["sub_code"] == "dop.token-generate-failed:token-invalid"
    assert told(dou(fake, "/order/searchList", {"page": 0, "size": 1}))["code"] == 10000
    fake.world.clock.sleep(14 * DAY)
    late = told(dou(fake, "/token/refresh", {**given, "refresh_token": new["refresh_token"]}))
    assert late["sub_code"] == "dop.token-generate-failed:token-expired"
    made = told(
        dou(fake, "/token/create", {"code": "", "grant_type": "authorization_self", "shop_id": old["shop_id"]})
    )["data"]
    assert made["expires_in"] == 604800
    assert told(dou(fake, "/order/searchList", {"page": 0, "size": 1}))["code"] == 10000


def test_doudian_limits_and_the_old_envelope() -> None:
    fake = Doudian(World(), count=5)
    fake.rate, fake.daily_quota = (1, 1.0), 2
    given = {"page": 0, "size": 1}
    assert [told(dou(fake, "/order/searchList", given))["code"] for _ in range(2)] == [10000, 60000]
    fake.world.clock.sleep(1.1)
    fake.rate = None
    assert [told(dou(fake, "/order/searchList", given))["code"] for _ in range(2)] == [10000, 60000]
    fake.old_envelope = True
    own = fake.settings()
    answer = told(fake(Request("POST", own["url"] + "/order/searchList", (), (), b"{}")))
    assert answer["err_no"] == 40001
    assert "code" not in answer


# --- Pinduoduo ----------------------------------------------------------------------------------------------------

WHOLE = {"order_status": 5, "refund_status": 5, "is_lucky_flag": 0}


def test_pdd_orders_confirmed_and_changed() -> None:
    fake = Pdd(World())
    now = int(fake.world.clock.now())
    confirmed: dict[str, Any] = {}
    for start, end in windows(now, 3, DAY):
        page, more = 1, True
        while more:
            given = {
                **WHOLE,
                "start_confirm_at": int(start),
                "end_confirm_at": int(end),
                "page": page,
                "page_size": 20,
                "use_has_next": "true",
            }
            body = told(pop(fake, "pdd.order.list.get", **given, as_json=page % 2 == 0))["order_list_get_response"]
            confirmed |= {order["order_sn"]: order for order in body["order_list"]}
            page, more = page + 1, body["has_next"]
    assert confirmed == fake.truth("orders")
    changed = dict(
        pdd_changed(
            fake, now, "pdd.order.number.list.increment.get", "order_sn_increment_get_response", "order_sn_list", WHOLE
        )
    )
    assert changed == fake.truth("orders")
    one = next(iter(changed))
    alone = told(pop(fake, "pdd.order.information.get", order_sn=one))["order_info_get_response"]["order_info"]
    assert alone == changed[one]


def pdd_changed(
    fake: Pdd, now: int, call: str, root: str, rows: str, given: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """What changed in three days, half an hour at a time, from the last page to the first."""
    key = "order_sn" if rows == "order_sn_list" else "id"
    for start, end in windows(now - 180, 3, 1800):
        window = {**given, "start_updated_at": int(start), "end_updated_at": int(end), "page_size": 2}
        total = told(pop(fake, call, **window))[root]["total_count"]
        for page in range((total + 1) // 2, 0, -1):
            yield from ((str(row[key]), row) for row in told(pop(fake, call, **window, page=page))[root][rows])


def test_pdd_refunds_and_goods() -> None:
    fake = Pdd(World())
    now = int(fake.world.clock.now())
    given = {"after_sales_status": 1, "after_sales_type": 1}
    refunds = dict(
        pdd_changed(fake, now, "pdd.refund.list.increment.get", "refund_increment_get_response", "refund_list", given)
    )
    assert refunds == fake.truth("refunds")
    items: dict[str, Any] = {}
    page, total = 1, 1
    while (page - 1) * 9 < total:
        body = told(pop(fake, "pdd.goods.list.get", page=page, page_size=9))["goods_list_get_response"]
        items |= {str(one["goods_id"]): one for one in body["goods_list"]}
        page, total = page + 1, body["total_count"]
    assert items == fake.truth("items")
    full = {key: told(pop(fake, "pdd.goods.detail.get", goods_id=key))["goods_detail_get_response"] for key in items}
    assert {
        key: {name: value for name, value in one.items() if name != "request_id"} for key, one in full.items()
    } == fake.truth("inventory")


def test_pdd_hides_lucky_orders_and_personal_data() -> None:
    fake = Pdd(World())
    now = int(fake.world.clock.now())
    given = {"order_status": 5, "refund_status": 5, "start_confirm_at": now - DAY, "end_confirm_at": now}
    few, all_of_them = (
        told(pop(fake, "pdd.order.list.get", **given, **more))["order_list_get_response"]["total_count"]
        for more in ({}, {"is_lucky_flag": 0})
    )
    assert few < all_of_them
    basic = told(pop(fake, "pdd.order.basic.list.get", **given))["order_basic_list_get_response"]["order_list"]
    assert "receiver_name" not in basic[0]


def test_pdd_amounts_add_up() -> None:
    for order in Pdd(World()).truth("orders").values():
        cents = {
            name: round(order[name] * 100) for name in ("pay_amount", "goods_amount", "discount_amount", "postage")
        }
        assert cents["pay_amount"] == cents["goods_amount"] - cents["discount_amount"] + cents["postage"]


NOW = 1_791_158_400
PDD_WRONG: list[tuple[str, dict[str, Any], dict[str, str], int]] = [
    ("no type", {"type_": None}, {}, 10001),
    ("type", {"type_": "pdd.order.steal"}, {}, 10001),
    ("client_id", {"client_id": "x"}, {}, 10001),
    ("no timestamp", {"timestamp": None}, {}, 10001),
    ("timestamp", {"timestamp": NOW - 601}, {}, 10001),
    ("timestamp in milliseconds", {"timestamp": NOW * 1000}, {}, 10001),
    ("xml", {"data_type": "XML"}, {}, 10001),
    ("no sign", {}, {"sign": ""}, 10001),
    ("sign", {}, {"sign": "0" * 32}, 20004),
    ("signed something else", {}, {"page": "2"}, 20004),
    ("no token", {"access_token": None}, {}, 10001),
    ("token", {"access_token": "x"}, {}, 10019),
    ("window", {"start_updated_at": NOW - 180 - 1801}, {}, 50001),
    ("too late", {"end_updated_at": NOW - 179}, {}, 50001),
    ("backwards", {"start_updated_at": NOW - 179}, {}, 50001),
    ("no end", {"end_updated_at": None}, {}, 50001),
    ("no lucky flag", {"is_lucky_flag": None}, {}, 50001),
    ("status", {"order_status": 4}, {}, 50001),
    ("page size", {"page_size": 101}, {}, 50001),
    ("page", {"page": 0}, {}, 50001),
]


@pytest.mark.parametrize(("given", "late", "code"), [one[1:] for one in PDD_WRONG], ids=[one[0] for one in PDD_WRONG])
def test_pdd_is_strict(given: dict[str, Any], late: dict[str, str], code: int) -> None:
    fake = Pdd(World(), count=5)
    given = {**WHOLE, "start_updated_at": NOW - 180 - 1800, "end_updated_at": NOW - 180, **given}
    call = given.pop("type_", "pdd.order.number.list.increment.get")
    assert told(pop(fake, call, late=late, **given))["error_response"]["error_code"] == code


def test_pdd_takes_what_is_right_and_has_bounds() -> None:
    fake = Pdd(World(), count=5)
    fine = {**WHOLE, "start_updated_at": NOW - 180 - 1800, "end_updated_at": NOW - 180}
    assert "order_sn_increment_get_response" in told(pop(fake, "pdd.order.number.list.increment.get", **fine))
    for start, end in ((NOW - DAY - 1, NOW), (NOW - 91 * DAY, NOW - 90 * DAY)):
        error = told(pop(fake, "pdd.order.list.get", **WHOLE, start_confirm_at=start, end_confirm_at=end))[
            "error_response"
        ]
        assert (error["error_code"], error["sub_code"]) == (50001, None)


def test_pdd_tokens_end_and_refreshing_does_not_help() -> None:
    fake = Pdd(World(), count=5)
    fake.token_seconds = DAY
    fake.world.clock.sleep(300)
    answer = told(pop(fake, "pdd.pop.auth.token.refresh", refresh_token=fake.refresh_token))[
        "pop_auth_token_refresh_response"
    ]
    assert (answer["expires_in"], answer["expires_at"]) == (DAY - 300, NOW + DAY)
    old = fake.settings()["access_token"]
    told(pop(fake, "pdd.pop.auth.token.create", code="pddTESTcode"))
    assert told(pop(fake, "pdd.pop.auth.token.create", code="pddTESTcode"))["error_response"]["error_code"] == 50001
    assert told(pop(fake, "pdd.goods.list.get", access_token=old))["error_response"]["error_code"] == 10019
    assert "error_response" not in told(pop(fake, "pdd.goods.list.get"))
    fake.world.clock.sleep(DAY)
    assert told(pop(fake, "pdd.goods.list.get"))["error_response"]["error_code"] == 10019


def test_pdd_limits() -> None:
    fake = Pdd(World(), count=5)
    fake.rate, fake.daily_quota = (1, 1.0), 2
    codes = [told(pop(fake, "pdd.goods.list.get")).get("error_response", {}).get("error_code") for _ in range(2)]
    assert codes == [None, 70031]
    fake.world.clock.sleep(1.1)
    fake.rate = None
    codes = [told(pop(fake, "pdd.goods.list.get")).get("error_response", {}).get("error_code") for _ in range(2)]
    assert codes == [None, 70036]


# --- all of them --------------------------------------------------------------------------------------------------

EASY: dict[str, tuple[Callable[[World], Any], Callable[[Any], Response]]] = {
    "taobao": (Taobao, lambda fake: top(fake, "taobao.items.onsale.get", fields="num_iid")),
    "taobao_ads": (TaobaoAds, lambda fake: top(fake, "taobao.simba.campaigns.get")),
    "jd": (Jd, lambda fake: jos(fake, "jingdong.ware.read.searchWare4Valid", {})),
    "doudian": (Doudian, lambda fake: dou(fake, "/product/listV2", {"page": 1, "size": 1})),
    "pdd": (Pdd, lambda fake: pop(fake, "pdd.goods.list.get")),
}
BUSY = {"taobao": 15, "taobao_ads": 15, "jd": "65", "doudian": 20000, "pdd": 50000}
BAN = {"taobao": 7, "taobao_ads": 7, "jd": "1", "doudian": 60000, "pdd": 70031}


def code_of(response: Response) -> Any:
    body = told(response)
    error = body.get("error_response", body)
    return error.get("code") or error.get("error_code")


@pytest.mark.parametrize("name", EASY)
def test_planned_troubles_come_one_by_one(name: str) -> None:
    make, ask = EASY[name]
    fake = make(World())
    fake.faults = ["timeout", 429, 503, "busy", "ban"]
    with pytest.raises(TryAgain):
        ask(fake)
    limited = ask(fake)
    assert (limited.status, limited.header("retry-after")) == (429, "1")
    assert ask(fake).status == 503
    assert code_of(ask(fake)) == BUSY[name]
    assert code_of(ask(fake)) == BAN[name]
    assert code_of(ask(fake)) in (None, 10000)
    assert fake.world.requests == 6


@pytest.mark.parametrize("name", EASY)
def test_prefix_and_base(name: str) -> None:
    make, ask = EASY[name]
    fake = make(World())
    fake.prefix, fake.base = f"/{name}", "http://127.0.0.1:9"
    assert fake.settings()["url"].startswith(f"http://127.0.0.1:9/{name}")
    assert code_of(ask(fake)) in (None, 10000)
    elsewhere = fake(Request("POST", "http://127.0.0.1:9/elsewhere"))
    assert elsewhere.status == 404 or code_of(elsewhere) == 70000


@pytest.mark.parametrize("name", EASY)
def test_a_changed_record_differs(name: str) -> None:
    """Also from the version before that has the same time."""
    fake = EASY[name][0](World())
    versions = [{stream: fake.truth(stream) for stream in fake.streams}]
    assert all(versions[0].values())
    for _ in range(2):
        for kind, there in fake.world.records.items():
            for key in there:
                fake.world.touch(kind, key)
        versions.append({stream: fake.truth(stream) for stream in fake.streams})
    for stream in fake.streams:
        for old, new in pairwise(versions):
            assert [key for key in old[stream] if old[stream][key] == new[stream][key]] == []


@pytest.mark.parametrize("name", EASY)
def test_worlds_are_the_same_every_time_and_churn(name: str) -> None:
    make, ask = EASY[name]
    one, other, churning = make(World()), make(World()), make(World(churn=1, changes=5))
    assert all(one.truth(stream) == other.truth(stream) for stream in one.streams)
    for _ in range(10):
        ask(churning)
    assert any(one.truth(stream) != churning.truth(stream) for stream in one.streams)


# --- known signatures ---------------------------------------------------------------------------------------------


def test_known_signatures() -> None:
    item = dict(
        parse_qsl(
            "method=taobao.item.seller.get&app_key=12345678&session=test&timestamp=2016-01-01+12:00:00&format=json&v=2.0"
            "&sign_method=md5&fields=num_iid,title,nick,price,num&num_iid=11223344"
        )
    )
    assert taobao.signature({**item, "empty": ""}, "helloworld", "md5") == "66987CB115214E59E6EC978214934FB8"
    rfc = "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7"
    assert taobao.signature({"Hi": " There"}, b"\x0b" * 20, "hmac-sha256") == rfc
    order = {
        "360buy_param_json": '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT","page":"1",'
        '"page_size":"200","start_date":null}',
        "access_token": "yourtoken",
        "app_key": "yourappkey",
        "method": "jingdong.pop.order.search",
        "timestamp": "2021-05-07 09:20:39.683+0800",
        "v": "2.0",
    }
    assert jd.signature(order, "yourappSecret") == "D70825340F4084360B9362B60DFD7930"
    text = doudian.canonical({"z": 1, "a": [3, {"b": 2, "a": 1.0}], "nested": {"汉": "<&", "a": True}})
    assert text == '{"a":[3,{"a":1,"b":2}],"nested":{"a":true,"汉":"<&"},"z":1}'
    sign = doudian.signature("1234567890123456789", "order.searchList", text, "1667899926", "contract-app-secret")
    assert sign == "cfb0c61c20926f758e13f4bd3d59a0de0e22f3c6059f1045cae36e6cea2bd417"
    numbers = dict(
        parse_qsl(
            "access_token=asd78172s8ds9a921j9qqwda12312w1w21211&client_id=1&data_type=XML&order_status=1&page=1&page_size=10"
            "&timestamp=1480411125&type=pdd.order.number.list.get"
        )
    )
    assert pdd.signature(numbers, "testSecret") == "E4DE3ED21002510DED352819E7AE6775"


@pytest.mark.skipif(not VECTORS.exists(), reason="the collection of known signatures is not here")
def test_collected_signatures() -> None:
    collected = json.loads(VECTORS.read_text(encoding="utf-8"))
    for one in collected["taobao_top"]["vectors"]:
        secret = one["app_secret"] if "app_secret" in one else bytes.fromhex(one["app_secret_hex"])
        assert taobao.signature(one["params"], secret, one["sign_method"]) == one["sign"], one["id"]
    for one in collected["jd_jos"]["vectors"]:
        assert jd.signature(one["params"], one["app_secret"]) == one["sign"], one["id"]
    for one in collected["doudian"]["vectors"]:
        assert doudian.canonical(one["business_params"]) == one["param_json"], one["id"]
        given = (
            one["app_key"],
            one["method"],
            one["param_json"],
            one["timestamp"],
            one["app_secret"],
            one["sign_method"],
        )
        assert doudian.signature(*given) == one["sign"], one["id"]
    for one in collected["pdd"]["vectors"]:
        assert pdd.signature(one["params"], one["client_secret"]) == one["sign"], one["id"]
