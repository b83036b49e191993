"""Signatures of Taobao, JD, Douyin and Pinduoduo: what the library's connectors sign, against published and computed examples."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from engine.rest.definition import compiled
from engine.rest.request import Call, call_of
from engine.rest.signing import Sign, Signature, Unsigned, sign_of
from engine.testing import source_of

VECTORS = Path(__file__).resolve().parents[3] / "shared/domain/sign_vectors.json"

SETTINGS: dict[str, dict[str, str]] = {
    "taobao": {"app_key": "1", "app_secret": "1", "session": "1"},
    "jd": {"app_key": "1", "app_secret": "1", "access_token": "1"},
    "doudian": {"app_key": "1", "app_secret": "1", "access_token": "1"},
    "pdd": {"client_id": "1", "client_secret": "1", "access_token": "1"},
}
PARTS = {"taobao": "taobao_top", "jd": "jd_jos", "doudian": "doudian", "pdd": "pdd"}

OWN: dict[str, list[dict[str, Any]]] = {
    "taobao": [
        {
            "id": "published",
            "app_secret": "helloworld",
            "sign_method": "md5",
            "params": {
                "method": "taobao.item.seller.get",
                "app_key": "12345678",
                "session": "test",
                "timestamp": "2016-01-01 12:00:00",
                "format": "json",
                "v": "2.0",
                "sign_method": "md5",
                "fields": "num_iid,title,nick,price,num",
                "num_iid": "11223344",
            },
            "sign": "66987CB115214E59E6EC978214934FB8",
        },
        {
            "id": "order-of-names",
            "app_secret": "0f3c9b7e5a1d4c8eb26f7a9d1e3c5b70",
            "sign_method": "hmac",
            "params": {
                "method": "taobao.demo.sort",
                "app_key": "10012345",
                "session": "610TESTsession00aa11bb22cc33",
                "timestamp": "2026-10-05 09:30:00",
                "format": "json",
                "v": "2.0",
                "sign_method": "hmac",
                "foo": "1",
                "foo_bar": "2",
                "foobar": "3",
                "Zeta": "4",
                "_under": "5",
            },
            "sign": "1A6765B3756A9D3B3253CB1636888E51",
        },
        {
            "id": "rfc-4231-case-1",
            "app_secret_hex": "0b" * 20,
            "sign_method": "hmac-sha256",
            "params": {"Hi": " There", "empty": "", "blank": "  "},
            "string_to_sign": "Hi There",
            "sign": "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7",
        },
    ],
    "jd": [
        {
            "id": "published",
            "app_secret": "yourappSecret",
            "params": {
                "360buy_param_json": '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT",'
                '"page":"1","page_size":"200","start_date":null}',
                "access_token": "yourtoken",
                "app_key": "yourappkey",
                "method": "jingdong.pop.order.search",
                "timestamp": "2021-05-07 09:20:39.683+0800",
                "v": "2.0",
            },
            "sign": "D70825340F4084360B9362B60DFD7930",
        },
        {
            "id": "long-numbers",
            "app_secret": "5d2a7c9e1b3f4a6d8c0e2f4a6b8d0c1e",
            "params": {
                "method": "jingdong.pop.order.get",
                "access_token": "jdTESTaccessToken0123456789abcdef",
                "app_key": "B7E1D2C3A4F5968778695A4B3C2D1E0F",
                "timestamp": "2026-10-05 09:30:00.000+0800",
                "v": "2.0",
                "360buy_param_json": '{"order_id":291234567890123456,"skuId":100012043978}',
            },
            "sign": "35C44B37A7DA38273C19FF8D963B0D5A",
        },
    ],
    "doudian": [
        {
            "id": "keys-in-order-at-every-level",
            "app_key": "1234567890123456789",
            "app_secret": "contract-app-secret",
            "method": "order.searchList",
            "timestamp": "1667899926",
            "v": "2",
            "sign_method": "hmac-sha256",
            "business_params": {"z": 1, "a": [3, {"b": 2, "a": 1}], "nested": {"汉": "<&", "a": True}},
            "param_json": '{"a":[3,{"a":1,"b":2}],"nested":{"a":true,"汉":"<&"},"z":1}',
            "sign": "cfb0c61c20926f758e13f4bd3d59a0de0e22f3c6059f1045cae36e6cea2bd417",
        },
        {
            "id": "md5",
            "app_key": "7012345678901234567",
            "app_secret": "a1b2c3d4-e5f6-4789-9abc-def012345678",
            "method": "product.detail",
            "timestamp": "1759626600",
            "v": "2",
            "sign_method": "md5",
            "business_params": {
                "product_id": 3542192378112345678,
                "sku_id": 1736502463777799999,
                "show_draft": "false",
            },
            "param_json": '{"product_id":3542192378112345678,"show_draft":"false","sku_id":1736502463777799999}',
            "sign": "61df11966d56a9b6e60c7c02615c7da9",
        },
        {
            "id": "nothing-asked",
            "app_key": "7012345678901234567",
            "app_secret": "a1b2c3d4-e5f6-4789-9abc-def012345678",
            "method": "open.getAuthInfo",
            "timestamp": "1759626600",
            "v": "2",
            "sign_method": "hmac-sha256",
            "business_params": {},
            "param_json": "{}",
            "sign": "9671ba911608fb2804f68af58d220c5ab9c62f50c6457452776eeeb5a1702662",
        },
    ],
    "pdd": [
        {
            "id": "published",
            "client_secret": "testSecret",
            "params": {
                "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
                "client_id": "1",
                "data_type": "XML",
                "order_status": "1",
                "page": "1",
                "page_size": "10",
                "timestamp": "1480411125",
                "type": "pdd.order.number.list.get",
            },
            "sign": "E4DE3ED21002510DED352819E7AE6775",
        },
        {
            "id": "signs-of-urls",
            "client_secret": "c0ffee00aa11bb22cc33dd44ee55ff6677889900",
            "params": {
                "type": "pdd.goods.list.get",
                "client_id": "9a8b7c6d5e4f40312233445566778899",
                "access_token": "pddTESTtoken0123456789",
                "timestamp": "1759626600",
                "data_type": "JSON",
                "version": "V1",
                "goods_name": "A+B & C=D 100% /x?y#z",
            },
            "sign": "11F906A27A6CE208F1DBEB8FE6F3C5AE",
        },
    ],
}


def vectors() -> Iterator[Any]:
    """Every example, ours and those of the collection where it is there."""
    collected = json.loads(VECTORS.read_text("utf-8")) if VECTORS.is_file() else {}
    for connector, part in PARTS.items():
        for one in [*OWN[connector], *collected.get(part, {}).get("vectors", [])]:
            yield pytest.param(connector, one, id=f"{connector}-{one['id']}")


every = pytest.mark.parametrize(("connector", "vector"), list(vectors()))


@functools.cache
def manifest(connector: str) -> Mapping[str, Any]:
    preset = source_of(connector, SETTINGS[connector]).preset
    assert preset is not None
    return preset.value


def signs(connector: str) -> tuple[Sign, ...]:
    given = manifest(connector)["sign"]
    return tuple(sign_of(one) for one in (given if isinstance(given, list) else [given]))


def scope_of(connector: str, vector: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an example, as requests know them."""
    secret = vector.get("app_secret") or bytes.fromhex(vector.get("app_secret_hex", "")).decode()
    named = {name: vector[name] for name in ("app_key", "client_secret", "sign_method") if name in vector}
    return {"app_secret": secret, **named}


def unsigned(vector: Mapping[str, Any]) -> Unsigned:
    if "params" in vector:
        return Unsigned(form=tuple(vector["params"].items()))
    sent = {name: vector[name] for name in ("app_key", "method", "timestamp", "v", "sign_method")}
    return Unsigned(query=(*sent.items(), ("access_token", "<not signed>")), body=vector["param_json"])


def signed(connector: str, vector: Mapping[str, Any]) -> Signature:
    scope = scope_of(connector, vector)
    sign = next(one for one in signs(connector) if one.applies(scope))
    return sign.sign(unsigned(vector), scope)


def call(connector: str, **given: Any) -> Call:
    """A call of the connector: put together as its streams' are, with other parameters."""
    whole = manifest(connector)
    base = {name: one for name, one in whole["request"].items() if name not in ("form", "query", "json", "headers")}
    return call_of({**base, "url": "https://example.com", **given}, signs(connector))


@every
def test_signature(connector: str, vector: Mapping[str, Any]) -> None:
    made = signed(connector, vector)
    assert made.text == vector.get("string_to_sign", made.text)
    assert made.value == vector["sign"]


@every
def test_signature_of_the_request_that_is_sent(connector: str, vector: Mapping[str, Any]) -> None:
    """The same through a whole request; of what it sends nothing is signed that is not sent, or the other way round."""
    scope = scope_of(connector, vector)
    if "params" in vector:
        request, made = call(connector, form=dict(vector["params"])).build(scope)
        sent = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        # The official forms are in their own order; what counts is that each pair arrives as it was signed.
        assert sent == {
            **{name: text for name, text in vector["params"].items() if text.strip()},
            "sign": vector["sign"],
        }
        if "form_body_to_send" in vector:
            assert sorted(request.body.decode().split("&")) == sorted(vector["form_body_to_send"].split("&"))
        assert made is not None
        return
    query = {name: vector[name] for name in ("app_key", "method", "timestamp", "v")}
    request, made = call(connector, query=query, json=vector["business_params"]).build(scope)
    assert made is not None
    if None in vector["business_params"].values():
        # What comes to nothing is not sent by this engine, so it cannot be signed as null either.
        assert json.loads(request.body) == {
            name: one for name, one in vector["business_params"].items() if one is not None
        }
        assert f"param_json{request.body.decode()}timestamp" in made.text
        return
    assert request.body.decode() == vector["param_json"]
    assert made.value == vector["sign"] == dict(request.query)["sign"]


def test_business_parameters_of_jd_are_compact_json() -> None:
    """The JSON that a stream of JD makes: nothing escaped, no spaces, empty ones not there."""
    made = call(
        "jd", form={"360buy_param_json": {"wareName": "秋季连衣裙（新款）", "page": "{{ page }}", "note": "{{ none }}"}}
    )
    request, _ = made.build({"app_secret": "s", "page": "1"})
    assert dict(parse_qsl(request.body.decode()))["360buy_param_json"] == '{"wareName":"秋季连衣裙（新款）","page":"1"}'


@pytest.mark.parametrize("connector", PARTS)
def test_every_stream_signs_as_the_connector_does(connector: str) -> None:
    for stream in manifest(connector)["streams"]:
        assert len(compiled(manifest(connector), stream).call.signs) == len(signs(connector))
