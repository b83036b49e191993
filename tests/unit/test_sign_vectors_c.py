"""Signatures of connectors, made by the code that signs requests, against vectors of independent implementations.

The whole list of vectors lies beside the project where it was collected; some are repeated here, so that these tests
also run without it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from engine.rest.definition import compiled
from engine.rest.request import Call, call_of, merged
from engine.rest.signing import Signature, Unsigned, sign_of
from engine.testing import source_of

VECTORS = Path(__file__).parents[3] / "shared/domain/sign_vectors.json"
ENTERPRISE, FLAGSHIP = "wangdiantong_enterprise", "wangdiantong_flagship"

OWN: dict[str, list[dict[str, Any]]] = {
    ENTERPRISE: [
        {
            "id": "empty value",
            "appsecret": "1f2e3d4c5b6a79880011223344556677",
            "params": {
                "sid": "apidevtest1",
                "appkey": "testco1-ot",
                "timestamp": "1759626600",
                "shop_no": "",
                "page_no": "0",
            },
            "string_to_sign": "06-appkey:0010-testco1-ot;07-page_no:0001-0;07-shop_no:0000-;03-sid:0011-apidevtest1;"
            "09-timestamp:0010-17596266001f2e3d4c5b6a79880011223344556677",
            "sign": "4778ee624333fc89cc9d59bd8657bc29",
        },
        {
            "id": "lengths are of characters",
            "appsecret": "1f2e3d4c5b6a79880011223344556677",
            "params": {
                "sid": "apidevtest1",
                "appkey": "testco1-ot",
                "timestamp": "1759626600",
                "trade_list": '[{"tid":"T1","buyer_nick":"小明","order_list":[{"oid":"1","num":2}]}]',
                "shop_no": "api_test",
            },
            "string_to_sign": "06-appkey:0010-testco1-ot;07-shop_no:0008-api_test;03-sid:0011-apidevtest1;"
            "09-timestamp:0010-1759626600;10-trade_list:0067-"
            '[{"tid":"T1","buyer_nick":"小明","order_list":[{"oid":"1","num":2}]}]1f2e3d4c5b6a79880011223344556677',
            "sign": "b09b09a425e489bd2ccc9b9b01bf2a2e",
        },
    ],
    FLAGSHIP: [
        {
            "id": "trades of an hour",
            "appsecret": "0a1b2c3d4e5f60718293a4b5c6d7e8f9:saltTEST1234567890",
            "params": {
                "sid": "wdterp30",
                "key": "testco3-ot",
                "salt": "saltTEST1234567890",
                "method": "sales.TradeQuery.queryWithDetail",
                "timestamp": "434279400",
                "v": "1.0",
                "body": '[{"start_time":"2026-10-05 08:00:00","end_time":"2026-10-05 09:00:00"}]',
                "page_no": "0",
                "page_size": "100",
                "calc_total": "1",
            },
            "string_to_sign": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
            'body[{"start_time":"2026-10-05 08:00:00","end_time":"2026-10-05 09:00:00"}]calc_total1keytestco3-ot'
            "methodsales.TradeQuery.queryWithDetailpage_no0page_size100saltsaltTEST1234567890sidwdterp30"
            "timestamp434279400v1.00a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "sign": "07d8fe115e11d32116533f25445bb2ab",
        },
        {
            "id": "signs of the wire stay as they are",
            "appsecret": "0a1b2c3d4e5f60718293a4b5c6d7e8f9:saltTEST1234567890",
            "params": {
                "sid": "wdterp30",
                "key": "testco3-ot",
                "salt": "saltTEST1234567890",
                "method": "goods.Goods.queryWithSpec",
                "timestamp": "434279400",
                "v": "1.0",
                "body": '[{"goods_name":"A+B & C=D /x"}]',
            },
            "string_to_sign": '0a1b2c3d4e5f60718293a4b5c6d7e8f9body[{"goods_name":"A+B & C=D /x"}]keytestco3-ot'
            "methodgoods.Goods.queryWithSpecsaltsaltTEST1234567890sidwdterp30timestamp434279400v1.0"
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "sign": "f23c28b4d5a073fd0b937e0c82e60998",
        },
    ],
}


def vectors(name: str) -> list[Any]:
    """The vectors of a connector: those repeated here, and those of the list where it is."""
    listed = json.loads(VECTORS.read_text("utf-8"))[name]["vectors"] if VECTORS.exists() else []
    return [pytest.param(one, id=one["id"]) for one in (*OWN[name], *listed)]


def connector(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a connector of the library, as a source has it."""
    preset = source_of(name, settings).preset
    assert preset is not None
    return dict(preset.value)


def signed(name: str, request: Unsigned, scope: dict[str, Any]) -> Signature:
    """A request signed in the way that the connector chooses for requests."""
    given = connector(name, {"sid": "s", "app_key": "k", "app_secret": "x:y"})["sign"]
    signs = [sign_of(one) for one in (given if isinstance(given, list) else [given])]
    return next(one for one in signs if one.applies(scope)).sign(request, scope)


def params_of(vector: dict[str, Any]) -> dict[str, str]:
    """The parameters of a vector; the long one is described in words there."""
    params = dict(vector["params"])
    if vector["id"] == "wdt-ent-long":
        params["spec_list"] = "甲" * 10001
    return params


@pytest.mark.parametrize("vector", vectors(ENTERPRISE))
def test_enterprise(vector: dict[str, Any]) -> None:
    pairs = tuple(params_of(vector).items())
    made = signed(ENTERPRISE, Unsigned(form=pairs), {"app_secret": vector["appsecret"]})
    assert made.value == vector["sign"]
    if not vector["string_to_sign"].startswith("<omitted"):
        assert made.text == vector["string_to_sign"]


@pytest.mark.parametrize("vector", vectors(FLAGSHIP))
def test_flagship(vector: dict[str, Any]) -> None:
    params = params_of(vector)
    body = params.pop("body")
    made = signed(FLAGSHIP, Unsigned(query=tuple(params.items()), body=body), {"app_secret": vector["appsecret"]})
    assert made.text == vector["string_to_sign"]
    assert made.value == vector["sign"]


# --- whole requests: what is built is what the vector says, byte for byte -------------------------------------------

WINDOW = {
    "start": datetime.fromisoformat("2026-10-05T08:00:00+08:00"),
    "end": datetime.fromisoformat("2026-10-05T09:00:00+08:00"),
}


def scope_of(vector: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What templates know: settings, the moment that the vector was made at, a first page."""
    params, offset = vector["params"], 1_325_347_200 if "v" in vector["params"] else 0
    now = datetime.fromtimestamp(int(params["timestamp"]) + offset, UTC)
    page = {"number": int(params.get("page_no", 0)), "size": int(params.get("page_size", 40))}
    key = params.get("appkey", params.get("key"))
    return {
        "url": "https://erp.test/openapi",
        "sid": params["sid"],
        "app_key": key,
        "app_secret": vector["appsecret"],
        "method": params.get("method", ""),
        "now": now,
        "page": page,
        "window": WINDOW,
        **more,
    }


def of_list(name: str) -> dict[str, dict[str, Any]]:
    """The vectors of the list by their ids; nothing where it is not there."""
    return {one.values[0]["id"]: one.values[0] for one in vectors(name) if one.values[0]["id"].startswith("wdt-")}


def test_enterprise_request() -> None:
    found = of_list(ENTERPRISE).get("wdt-ent-trade")
    if found is None:
        pytest.skip("the list of vectors is not here")
    call = compiled(connector(ENTERPRISE, {"sid": "s", "app_key": "k", "app_secret": "x"}), "orders").call
    request, signature = call.build(scope_of(found, method="trade_query"))
    assert signature is not None
    assert signature.text == found["string_to_sign"]
    assert dict(parse_qsl(request.body.decode())) == {**found["params"], "sign": found["sign"]}
    assert request.url == "https://erp.test/openapi/trade_query.php"


def test_flagship_request() -> None:
    """The stream itself asks what the vector asks: body, parameters, signature."""
    vector = OWN[FLAGSHIP][0]
    call = compiled(connector(FLAGSHIP, {"sid": "s", "app_key": "k", "app_secret": "x:y"}), "orders").call
    request, signature = call.build(scope_of(vector))
    assert signature is not None
    assert signature.text == vector["string_to_sign"]
    assert request.body.decode() == vector["params"]["body"]
    sent = {name: value for name, value in vector["params"].items() if name != "body"}
    assert dict(request.query) == {**sent, "sign": vector["sign"]}


@pytest.mark.parametrize("vector", vectors(FLAGSHIP))
def test_flagship_body(vector: dict[str, Any]) -> None:
    """The business parameters of every vector, written by the code that writes requests."""
    call = flagship_call(vector)
    request, signature = call.build(scope_of(vector, asked=json.loads(vector["params"]["body"])))
    assert request.body.decode() == vector["params"]["body"]
    assert signature is not None
    assert signature.value == vector["sign"]


def flagship_call(vector: dict[str, Any]) -> Call:
    """The connector's request with the business parameters of a vector, as text: a null there is sent."""
    value = connector(FLAGSHIP, {"sid": "s", "app_key": "k", "app_secret": "x:y"})
    own: dict[str, Any] = {"json": None, "text": "{{ asked | json }}"}
    if "page_no" not in vector["params"]:
        own["query"] = {"page_no": "{{ none }}", "page_size": "{{ none }}", "calc_total": "{{ none }}"}
    return call_of(merged(value["request"], own), (sign_of(value["sign"]),))


# --- OAuth 1.0a of WooCommerce, for sites without HTTPS -------------------------------------------------------------


def test_woocommerce_signs_where_there_is_no_https() -> None:
    """Against the base string of RFC 5849, section 3.4.1, made here in another way."""
    settings = {"url": "http://site.test/wp-json/wc/v3", "consumer_key": "ck_1", "consumer_secret": "cs_2"}
    settings |= {"auth": "oauth"}
    call = compiled(connector("woocommerce", settings), "orders").call
    now = datetime.fromtimestamp(1_759_626_600, UTC)
    scope = {**settings, "path": "orders", "now": now, "page": {"number": 1, "size": 100}, "window": WINDOW}
    request, _ = call.build(scope)
    sent = dict(request.query)
    signature = sent.pop("oauth_signature")
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in sent.items())
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join(quote(part, safe="~") for part in ("GET", request.url, joined))
    digest = hmac.new(b"cs_2&", base.encode(), hashlib.sha256).digest()
    assert signature == base64.b64encode(digest).decode()
    assert not any(name == "Authorization" for name, _ in request.headers)
    assert "cs_2" not in str(request)
    below, _ = call.build({**scope, "id": 727})
    assert below.url == "http://site.test/wp-json/wc/v3/orders/727/refunds"
    assert dict(below.query)["oauth_nonce"] != sent["oauth_nonce"]
