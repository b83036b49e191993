"""Signatures of Kuaishou, Xiaohongshu and Jushuitan as their documents and other programs compute them.

The connector's own `sign` block is what signs here, and its own request is what is built: byte for byte what is sent.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from engine.rest.definition import compiled
from engine.rest.request import Call, call_of, merged
from engine.rest.signing import Sign, Signature, Unsigned, sign_of
from engine.testing import source_of

FILE = Path(__file__).parents[3] / "shared/domain/sign_vectors.json"
BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime.fromtimestamp(1_759_626_600, BEIJING)
SETTINGS = {
    "kuaishou": {"app_key": "ks700000000000000001", "sign_secret": "ksSignSecret0123456789", "access_token": "x"},
    "xiaohongshu": {"app_id": "xhsTEST0000000000001", "app_secret": "xhsSecret0123456789abcdef", "access_token": "x"},
    "jushuitan": {
        "app_key": "0123fictitious4567jstappkey89abc", "app_secret": "fictitious0jst0secret0aa11bb22cc3",
        "access_token": "x",
    },
}  # fmt: skip
JUSHUITAN = SETTINGS["jushuitan"]


@cache
def connector(name: str) -> dict[str, Any]:
    """What the library says about a platform."""
    preset = source_of(name, SETTINGS[name]).preset
    assert preset is not None
    return dict(preset.value)


def signs(given: Any) -> tuple[Sign, ...]:
    return tuple(sign_of(one) for one in (given if isinstance(given, list) else [given]))


def signed(given: Any, request: Unsigned, scope: dict[str, Any]) -> Signature:
    """The signature of a request by the first way to sign that applies, as for requests."""
    return next(one for one in signs(given) if one.applies(scope)).sign(request, scope)


def built(name: str, section: str, own: dict[str, Any], scope: dict[str, Any]) -> Any:
    """The connector's common request, with a section of a stream's laid over it, built for a scope."""
    value = connector(name)
    call: Call = call_of(merged(value["request"], {section: own}), signs(value["sign"]))
    return call.build({"now": NOW, "refresh_token": None, "code": None, "token": {}, **scope})


def published(group: str, prefix: str) -> list[Any]:
    """The published vectors of a platform; one that says so where the file is not there."""
    if not FILE.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the published vectors are not on this machine"))]
    vectors = json.loads(FILE.read_text("utf-8"))[group]["vectors"]
    return [pytest.param(one, id=one["id"]) for one in vectors if one["id"].startswith(prefix)]


# --- published vectors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", published("jushuitan", "jst-"))
def test_published_jushuitan(vector):
    value, params = connector("jushuitan"), vector["params"]
    given = value["sign"] if "biz" in params else value["token"]["sign"]
    told = signed(given, Unsigned(form=tuple(params.items())), {"app_secret": vector["app_secret"]})
    assert (told.text, told.value) == (vector["string_to_sign"], vector["sign"])


@pytest.mark.parametrize("vector", [one for one in published("jushuitan", "jst-") if one.id != "jst-refresh"])
def test_published_jushuitan_as_it_is_sent(vector):
    params = vector["params"]
    scope = {
        **JUSHUITAN, "app_secret": vector["app_secret"], "url": "https://host", "path": "/open",
        "access_token": params["access_token"],
    }  # fmt: skip
    request, told = built("jushuitan", "form", {"biz": json.loads(params["biz"])}, scope)
    assert told.value == vector["sign"]
    assert request.body.decode() == vector["form_body_to_send"]


@pytest.mark.parametrize("vector", [one for one in published("jushuitan", "jst-") if one.id in (None, "jst-refresh")])
def test_published_jushuitan_refresh_as_it_is_sent(vector):
    token = connector("jushuitan")["token"]
    call = call_of(token["request"], signs(token["sign"]))
    scope = {**JUSHUITAN, "token_url": "https://host", "token": {"refresh_token": vector["params"]["refresh_token"]}}
    request, told = call.build({"now": NOW, **scope})
    assert told is not None
    assert told.text == vector["string_to_sign"]
    assert request.body.decode() == vector["form_body_to_send"]


@pytest.mark.parametrize("vector", published("bonus", "kuaishou"))
def test_published_kuaishou(vector):
    params = vector["params"]
    scope = {"sign_method": params["signMethod"], "sign_secret": vector["sign_secret"]}
    told = signed(connector("kuaishou")["sign"], Unsigned(query=tuple(params.items())), scope)
    assert (told.text, told.value) == (vector["string_to_sign"], vector["sign"])


@pytest.mark.parametrize("vector", published("bonus", "xiaohongshu"))
def test_published_xiaohongshu(vector):
    params = vector["params"]
    at = datetime.fromtimestamp(int(params["timestamp"]), BEIJING)
    scope = {"app_id": params["appId"], "app_secret": vector["app_secret"], "now": at}
    told = signed(connector("xiaohongshu")["sign"], Unsigned(body=json.dumps(params)), scope)
    assert (told.text, told.value) == (vector.get("string_to_sign", told.text), vector["sign"])
    assert xiaohongshu(params["method"], vector["app_secret"])["sign"] == vector["sign"]


# --- the same facts, and some of our own ------------------------------------------------------------------------


def kuaishou(stream: str, way: str) -> tuple[dict[str, str], Signature]:
    """What a stream of Kuaishou sends for an hour of a day in October."""
    start, end = (datetime.fromtimestamp(at, BEIJING) for at in (1_759_539_600, 1_759_543_200))
    definition = compiled(connector("kuaishou"), stream)
    scope = {
        **definition.defaults, **SETTINGS["kuaishou"], "sign_method": way, "access_token": "ksTESTtoken", "now": NOW,
        "method": connector("kuaishou")["streams"][stream]["let"]["method"], "token": {}, "order_view_status": 1,
        "window": {"start": start, "end": end}, "page": {"number": 1, "size": definition.paging.size, "cursor": ""},
    }  # fmt: skip
    request, told = definition.call.build(scope)
    assert told is not None
    return dict(request.query), told


@pytest.mark.parametrize(
    ("stream", "way", "sign"),
    [
        ("orders", "MD5", "2b3c4739f0f47d668700067a2dc88531"),
        ("orders", "HMAC_SHA256", "DnxEd4V+P6kPhfE3NptHcJpeEb8NdTmiCaCkJ+GKwgA="),
        ("items", "MD5", "431f418f03ca37f6a4824cc54c9e17e6"),
    ],
)
def test_kuaishou_as_it_is_sent(stream, way, sign):
    query, told = kuaishou(stream, way)
    assert query["sign"] == told.value == sign
    assert told.text.endswith("&version=1&signSecret=ksSignSecret0123456789")


def test_the_parameters_of_kuaishou_are_one_text():
    query, _ = kuaishou("orders", "MD5")
    assert query["param"] == (
        '{"orderViewStatus":1,"pageSize":50,"sort":1,"queryType":2,'
        '"beginTime":1759539600000,"endTime":1759543200000,"cursor":""}'
    )


def xiaohongshu(method: str, secret: str) -> dict[str, Any]:
    """The body that Xiaohongshu is sent for a call."""
    value = connector("xiaohongshu")
    scope = {**SETTINGS["xiaohongshu"], "app_secret": secret, "method": method, "url": "https://host"}
    scope |= {"now": NOW, "refresh_token": None, "code": None, "token": {}}
    sent, told = call_of(value["request"], signs(value["sign"])).build(scope)
    body = dict(json.loads(sent.body))
    assert told is not None
    assert body["sign"] == told.value
    return body


def test_xiaohongshu_signs_four_parameters():
    body = xiaohongshu("order.getOrderList", "xhsSecret0123456789abcdef")
    assert body["sign"] == "7ad2f3c85f42f42bf89767e282a07f67"
    assert body["timestamp"] == "1759626600"


def test_xiaohongshu_signs_what_it_lists_by_its_own_name():
    definition = compiled(connector("xiaohongshu"), "orders")
    start = datetime.fromtimestamp(1_759_624_800, BEIJING)
    scope = {
        **definition.defaults, **SETTINGS["xiaohongshu"], "method": "order.getOrderDetail", "now": NOW, "token": {},
        "window": {"start": start, "end": NOW}, "page": {"number": 1, "size": 50},
    }  # fmt: skip
    assert definition.listing is not None
    body = json.loads(definition.listing.call.build(scope)[0].body)
    assert (body["method"], body["sign"]) == ("order.getOrderList", "7ad2f3c85f42f42bf89767e282a07f67")
    assert (body["startTime"], body["endTime"], body["pageNo"]) == (1759624800, 1759626600, 1)


def test_xiaohongshu_signs_a_renewal():
    rule = compiled(connector("xiaohongshu"), "orders").token
    assert rule is not None
    assert rule.call is not None
    scope = {
        **SETTINGS["xiaohongshu"],
        "url": "https://host",
        "now": NOW,
        "token": {"refresh_token": "r"},
        "method": "",
    }
    sent, _ = rule.call.build(scope)
    body = json.loads(sent.body)
    assert "accessToken" not in body
    assert (body["method"], body["sign"]) == ("oauth.refreshToken", "0abac6234d338ca6d515122f088e08f5")
    assert body["refreshToken"] == "r"


@pytest.mark.parametrize(
    ("biz", "sign"),
    [
        ({}, "524029a38fb5449b811772b5925f2339"),
        ({"memo": "A+B & C=D 100% /x?y#z"}, "d02c2e03077dc9e7df70dcb5e3597d59"),
        (
            {"start_ts": 2**63 - 1, "is_get_total": False, "o_ids": [1234567890123456789], "page_size": 50},
            "f55c400eb91c0d170ae152bb1a58c8f0",
        ),
    ],
)
def test_jushuitan_as_it_is_sent(biz, sign):
    scope = {**JUSHUITAN, "url": "https://host", "path": "/open", "access_token": "jstTESTtoken0123456789"}
    request, told = built("jushuitan", "form", {"biz": biz}, scope)
    assert told.value == sign
    assert told.text.startswith(JUSHUITAN["app_secret"] + "access_token")
    text = json.dumps(biz, separators=(",", ":"))
    assert f"&{urlencode({'biz': text})}&sign={sign}" in request.body.decode()
