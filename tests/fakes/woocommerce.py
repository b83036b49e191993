"""WooCommerce's REST API v3: Basic authentication, numbered pages, totals in headers.

Times stand there twice: in the site's zone, and in `…_gmt`; both without saying so. `modified_after` is in the site's
zone too unless `dates_are_gmt=true`. Pages are offsets in a list that is sorted anew for each: latest created first
unless `orderby` says otherwise. Sorted by `modified`, a record that changes while pages are read moves to the other end
and one slips by; sorted by `id` ascending nothing does. Refunds have negative totals and are asked for order by order.

The keys are taken from the Basic header, or from `consumer_key` and `consumer_secret` in the query; signing for plain
HTTP is not served, as if the site stood behind TLS. A limit on calls is the host's, not WooCommerce's: none by default.
"""

from __future__ import annotations

import base64
import random
import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import urlencode

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, header_of, path_of, query_of

_SITE = timezone(timedelta(hours=8))
_GOODS = ("玻尿酸保湿精华液", "氨基酸洁面乳", "烟酰胺美白面膜", "防晒霜", "丝绒哑光口红", "修护眼霜")
_STATES = ("pending", "processing", "completed", "completed")
_STATUSES = {"any", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "trash"}
_ORDER_BY = ("date", "modified", "id", "include", "title", "slug")


class _Refused(Exception):
    """An error of the REST API."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        self.status, self.body = status, {"code": code, "message": message, "data": {"status": status, **data}}


class WooCommerce:
    """A site with orders, refunds (`/orders/{id}/refunds`) and products, which hold their stock.

    Settings: `url` (up to `/wp-json/wc/v3`), `consumer_key`, `consumer_secret`.
    """

    name = "woocommerce"
    streams: ClassVar[dict[str, str]] = {"orders": "id", "refunds": "id", "items": "id"}
    largest = 100

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.consumer_key, self.consumer_secret = (
            "ck_0123456789abcdef0123456789abcdef01234567",
            "cs_fedcba9876543210fedcba98",
        )
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self._bucket: tuple[tuple[int, float], Bucket] | None = None
        self._used: dict[str, int] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._item, "orders": self._order}
        world.makers.update(self.makers)

    def settings(self) -> dict[str, Any]:
        url = f"{self.base}{self.prefix}/wp-json/wc/v3"
        return {"url": url, "consumer_key": self.consumer_key, "consumer_secret": self.consumer_secret}

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the site with orders of the last days, and products that go with them."""
        now = self.world.clock.now()
        for kind, count in (("items", 8 + orders // 20), ("orders", orders)):
            self.world.fill(kind, self.makers[kind], count, now - days * 86_400, now - 600)

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            if stream == "refunds":
                orders = self.world.records.get("orders", {}).values()
                return {str(row["id"]): row for order in orders for row in _refund_rows(order)}
            form = {"orders": _order_row, "items": _product_row}[stream]
            return {one["id"]: form(one) for one in self.world.records.get(stream, {}).values()}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer(refused.body, refused.status)

    def _planned(self) -> Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return None
        if fault == "timeout":
            raise TryAgain("timed out")
        if fault in ("ban", 429):
            return _plain(429, "Too Many Requests", ("retry-after", "1"))
        return _plain(fault if isinstance(fault, int) else 503, "Briefly unavailable for scheduled maintenance.")

    def _answered(self, request: Request) -> Response:
        if self._over():
            return _plain(429, "Too Many Requests", ("retry-after", "1"))
        path = path_of(request).removeprefix(f"{self.prefix}/wp-json/wc/v3")
        match = re.fullmatch(r"/(orders|products)(?:/(\d+)(/refunds)?)?", path)
        if not match or request.method != "GET" or (match[3] and match[1] == "products"):
            raise _Refused(404, "rest_no_route", "No route was found matching the URL and request method.")
        params = query_of(request)
        self._admit(request, params)
        kind, key, refunds = match.groups()
        if key is None:
            return self._list(kind, params)
        record = self.world.records.get({"products": "items"}.get(kind, kind), {}).get(key)
        if record is None:
            raise _Refused(404, f"woocommerce_rest_{kind.removesuffix('s')}_invalid_id", "Invalid ID.")
        if refunds:
            return self._paged(f"orders/{key}/refunds", _refund_rows(record), params)
        return answer(_order_row(record) if kind == "orders" else _product_row(record))

    def _over(self) -> bool:
        day = _gmt(self.world.clock.now())[:10]
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            return True
        if self.rate is None:
            return False
        if self._bucket is None or self._bucket[0] != self.rate:
            self._bucket = (self.rate, Bucket(self.world.clock, *self.rate))
        return self._bucket[1].over() > 0

    def _admit(self, request: Request, params: dict[str, str]) -> None:
        key, secret = params.get("consumer_key", ""), params.get("consumer_secret", "")
        scheme, _, told = (header_of(request, "Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
            except ValueError:
                key = secret = ""
        if not key and not secret:
            raise _Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if key != self.consumer_key:
            raise _Refused(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        if secret != self.consumer_secret:
            raise _Refused(401, "woocommerce_rest_authentication_error", "Consumer secret is invalid.")

    # --- the lists ---

    def _list(self, kind: str, params: dict[str, str]) -> Response:
        by = _one_of(params, "orderby", "date", _ORDER_BY)
        way = _one_of(params, "order", "desc", ("asc", "desc"))
        gmt = _one_of(params, "dates_are_gmt", "false", ("true", "false", "1", "0")) in ("true", "1")
        records = list(self.world.records.get({"products": "items"}.get(kind, kind), {}).values())
        for name, field in (
            ("after", "created"),
            ("before", "created"),
            ("modified_after", "modified"),
            ("modified_before", "modified"),
        ):
            if name in params:
                limit = _time(params[name], name, gmt)
                records = [
                    one for one in records if (one[field] > limit if name.endswith("after") else one[field] < limit)
                ]
        if kind == "orders":
            records = _standing(records, params.get("status", "any"))
        if "include" in params:
            records = [one for one in records if one["id"] in params["include"].split(",")]
        field = {"date": "created", "modified": "modified"}.get(by)
        records.sort(key=lambda one: (one[field] if field else 0, int(one["id"])), reverse=way == "desc")
        form = _order_row if kind == "orders" else _product_row
        return self._paged(kind, records, params, form)

    def _paged(self, path: str, rows: list[Record], params: dict[str, str], form: Any = None) -> Response:
        page, size = _whole(params, "page", 1, 1, None), _whole(params, "per_page", 10, 1, self.largest)
        pages = -(-len(rows) // size)
        shown = rows[(page - 1) * size : page * size]
        kept = {
            name: value for name, value in params.items() if name not in ("page", "consumer_key", "consumer_secret")
        }
        address = f"{self.base}{self.prefix}/wp-json/wc/v3/{path}"
        ends = [("prev", page - 1)] if page > 1 else []
        ends += [("next", page + 1)] if page < pages else []
        told = {"X_WP_Total": str(len(rows)), "X_WP_TotalPages": str(pages)}
        if ends:
            told["Link"] = ", ".join(
                f'<{address}?{urlencode({**kept, "page": there})}>; rel="{rel}"' for rel, there in ends
            )
        return answer([form(one) for one in shown] if form else shown, **told)

    # --- the makers ---

    def _item(self, chance: random.Random, index: int) -> Record:
        return {
            "id": str(90 + index),
            "title": chance.choice(_GOODS),
            "price": chance.randrange(990, 9_990, 10),
            "stock": chance.randrange(300),
        }

    def _order(self, chance: random.Random, index: int) -> Record:
        items = list(self.world.records.get("items", {}).values()) or [self._item(chance, 0)]
        lines = []
        for place in range(chance.randint(1, 4)):
            item, quantity = chance.choice(items), chance.randint(1, 3)
            whole = quantity * item["price"]
            line = {"id": 3_000 + index * 10 + place, "item": item, "quantity": quantity, "whole": whole}
            lines.append({**line, "total": whole - chance.choice((0, 0, 100))})
        return {
            "id": str(700_000 + index * 5),
            "lines": lines,
            "post": chance.choice((0, 800)),
            "state": chance.randrange(3),
            "refunded": chance.random() < 0.2,
            "customer": chance.randrange(40),
        }


def _plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    page = f"<html><body><h1>{text}</h1></body></html>".encode()
    return Response(status, (("content-type", "text/html"), *headers), page)


def _one_of(params: dict[str, str], name: str, default: str, known: tuple[str, ...]) -> str:
    value = params.get(name, default)
    if value not in known:
        raise _bad(name, f"{name} is not one of {', '.join(known)}.")
    return value


def _whole(params: dict[str, str], name: str, default: int, least: int, most: int | None) -> int:
    value = params.get(name, str(default))
    if not re.fullmatch(r"-?\d+", value) or int(value) < least or (most is not None and int(value) > most):
        wanted = (
            f"{name} must be between {least} (inclusive) and {most} (inclusive)"
            if most
            else f"{name} must be at least {least}"
        )
        raise _bad(name, wanted)
    return int(value)


def _bad(name: str, message: str) -> _Refused:
    return _Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", params={name: message})


def _time(text: str, name: str, gmt: bool) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _bad(name, "Invalid date.") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC if gmt else _SITE)).timestamp()


def _standing(orders: list[Record], status: str) -> list[Record]:
    wanted = set(status.split(","))
    if wanted - _STATUSES:
        raise _bad("status", f"status[0] is not one of {', '.join(sorted(_STATUSES))}.")
    return orders if "any" in wanted else [one for one in orders if _state(one) in wanted]


def _gmt(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _local(time: float) -> str:
    return datetime.fromtimestamp(time, _SITE).strftime("%Y-%m-%dT%H:%M:%S")


def _twice(name: str, time: float | None) -> Record:
    """A time in the site's zone and in GMT; null where there is none."""
    return {name: None if time is None else _local(time), f"{name}_gmt": None if time is None else _gmt(time)}


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _state(order: Record) -> str:
    return _STATES[min(order["state"] + order["version"] - 1, len(_STATES) - 1)]


def _refund_rows(order: Record) -> list[Record]:
    """One where the order came with it, of its first line."""
    if not order["refunded"]:
        return []
    line = order["lines"][0]
    row = {
        "id": int(order["id"]) + 1,
        **_twice("date_created", order["created"] + 3_600),
        "amount": _money(line["total"]),
        "reason": "七天无理由退货" if order["version"] == 1 else f"七天无理由退货 v{order['version']}",
        "refunded_by": 1,
        "refunded_payment": True,
        "line_items": [
            {**_line(line), "id": line["id"] + 5, "quantity": -line["quantity"], "total": _money(-line["total"])}
        ],
    }
    return [row]


def _line(line: Record) -> Record:
    return {
        "id": line["id"],
        "name": line["item"]["title"],
        "product_id": int(line["item"]["id"]),
        "variation_id": 0,
        "quantity": line["quantity"],
        "sku": f"TS-{line['item']['id']}",
        "price": line["item"]["price"] / 100,
        "subtotal": _money(line["whole"]),
        "total": _money(line["total"]),
        "total_tax": "0.00",
    }


def _order_row(order: Record) -> Record:
    state, lines = _state(order), order["lines"]
    paid = None if state == "pending" else order["created"] + 27
    return {
        "id": int(order["id"]),
        "parent_id": 0,
        "number": order["id"],
        "status": state,
        "currency": "USD",
        **_twice("date_created", order["created"]),
        **_twice("date_modified", order["modified"]),
        **_twice("date_paid", paid),
        **_twice("date_completed", order["modified"] if state == "completed" else None),
        "discount_total": _money(sum(line["whole"] - line["total"] for line in lines)),
        "shipping_total": _money(order["post"]),
        "total_tax": "0.00",
        "total": _money(sum(line["total"] for line in lines) + order["post"]),
        "customer_id": order["customer"],
        "customer_note": "" if order["version"] == 1 else f"v{order['version']}",
        "payment_method": "stripe",
        "shipping": {"state": "ZJ", "city": "杭州市", "country": "CN"},
        "line_items": [_line(line) for line in lines],
        "refunds": [
            {"id": row["id"], "reason": row["reason"], "total": f"-{row['amount']}"} for row in _refund_rows(order)
        ],
    }


def _product_row(item: Record) -> Record:
    return {
        "id": int(item["id"]),
        "name": item["title"],
        "type": "simple",
        "status": "publish",
        "sku": f"TS-{item['id']}",
        "price": _money(item["price"]),
        "regular_price": _money(item["price"]),
        **_twice("date_created", item["created"]),
        **_twice("date_modified", item["modified"]),
        "manage_stock": True,
        "stock_quantity": item["stock"] - item["version"] + 1,
        "stock_status": "instock",
        "categories": [{"id": 15, "name": "美妆", "slug": "beauty"}],
    }
