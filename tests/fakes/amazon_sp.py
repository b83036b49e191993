"""Amazon's Selling Partner API: a token from Login with Amazon, `getOrders` by `NextToken`, items as calls of their own.

The refresh token never changes; an access token lives an hour. `getOrders` lets in 20 calls and then one a minute,
`getOrderItems` 30 and then one in two seconds. Windows close two minutes ago at the latest. A `NextToken` keeps the
window of its first call and goes on from the last order seen, earliest first: an order that is modified meanwhile
leaves the window and is found by the next one. Pending orders have neither a total nor prices.

Chosen here: a `NextToken` is good for a day, and stands for all parameters but `MarketplaceIds`.
"""

from __future__ import annotations

import base64
import json
import random
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from engine.connector import Request, Response, TryAgain

from .world import Clock, Record, World, answer, form_of, header_of, path_of, query_of

_GOODS = (
    "玻尿酸保湿精华液 Hyaluronic Serum",
    "氨基酸洁面乳 Cleanser",
    "丝绒口红 Velvet Lipstick",
    "防晒霜 Sunscreen SPF50+",
)
_STATES = ("Pending", "Unshipped", "Shipped", "Shipped")
_LAG, _DAY = 120, 86_400


class _Refused(Exception):
    """An HTTP status and the body that goes with it."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        self.status = status
        self.body = {"errors": [{"code": code, "message": message, "details": details}]}


@dataclass
class _Tokens:
    """A bucket of calls: full at first, filled evenly again in `seconds`."""

    clock: Clock
    count: int
    seconds: float
    left: float = 0.0
    seen: float = 0.0

    def __post_init__(self) -> None:
        self.left, self.seen = float(self.count), self.clock.now()

    def take(self) -> bool:
        now = self.clock.now()
        self.left = min(float(self.count), self.left + (now - self.seen) * self.count / self.seconds)
        self.seen = now
        if self.left < 1 - 1e-9:
            return False
        self.left -= 1
        return True


class AmazonSp:
    """A seller in one marketplace: orders, and `order_items`, which are asked for order by order.

    Settings: `url` (the endpoint's origin), `token_url`, `client_id`, `client_secret`, `refresh_token`,
    `marketplace_id`. `rate` is that of getOrders, `child_rate` that of getOrder and getOrderItems; with `rate` None
    nothing is limited.
    """

    name = "amazon_sp"
    streams: ClassVar[dict[str, str]] = {"orders": "AmazonOrderId", "order_items": "OrderItemId"}

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.client_id = "amzn1.application-oa2-client.0123456789abcdef"
        self.client_secret = "amzn1.oa2-cs.v1.fedcba9876543210"
        self.refresh_token = "Atzr|IwEBIExampleRefreshToken0123456789"
        self.marketplace_id = "ATVPDKIKX0DER"
        self.token_seconds = 3_600
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (20, 20 / 0.0167)
        self.child_rate: tuple[int, float] = (30, 60.0)
        self._buckets: dict[str, _Tokens] = {}
        self._used: dict[str, int] = {}
        self._access: dict[str, float] = {}
        self._lock = threading.RLock()
        self.makers = {"orders": self._order}
        world.makers.update(self.makers)

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"{self.base}{self.prefix}",
            "token_url": f"{self.base}{self.prefix}/auth/o2/token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "marketplace_id": self.marketplace_id,
        }

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the shop with orders of the last days."""
        now = self.world.clock.now()
        self.world.fill("orders", self._order, orders, now - days * _DAY, now - 600)

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            orders = self.world.records.get("orders", {}).values()
            if stream == "orders":
                return {one["id"]: self._row(one) for one in orders}
            return {row["OrderItemId"]: row for one in orders for row in _items(one)}

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
        if isinstance(fault, int):
            more = (("retry-after", "1"),) if fault == 429 else ()
            return Response(fault, (("content-type", "text/plain"), *more), b"try later")
        if fault == "ban":
            raise _Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        raise _Refused(500, "InternalFailure", "We encountered an internal error. Please try again.")

    def _answered(self, request: Request) -> Response:
        path = path_of(request).removeprefix(self.prefix)
        if path == "/auth/o2/token":
            return self._token(request)
        one = re.fullmatch(r"/orders/v0/orders(?:/([^/]+)(/orderItems)?)?", path)
        if not one or request.method != "GET":
            raise _Refused(404, "InvalidInput", "The requested resource doesn't exist.")
        self._admit(request)
        rate = self._count("items" if one[2] else "order" if one[1] else "orders", one[1] is None)
        body = self._orders(query_of(request)) if one[1] is None else self._single(one[1], bool(one[2]))
        return answer({"payload": body}, **({"X_Amzn_RateLimit_Limit": rate} if rate else {}))

    def _token(self, request: Request) -> Response:
        form = form_of(request)
        if request.method != "POST" or form.get("grant_type") != "refresh_token":
            return _denied(
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server",
            )
        for name in ("client_id", "client_secret", "refresh_token"):
            if not form.get(name):
                return _denied(400, "invalid_request", f"The request is missing a required parameter : {name}")
        if (form["client_id"], form["client_secret"]) != (self.client_id, self.client_secret):
            return _denied(401, "invalid_client", "Client authentication failed")
        if form["refresh_token"] != self.refresh_token:
            return _denied(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
        token = f"Atza|{self.world.random.getrandbits(128):032x}"
        self._access[token] = self.world.clock.now() + self.token_seconds
        body = {
            "access_token": token,
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": self.token_seconds,
        }
        return answer(body)

    def _admit(self, request: Request) -> None:
        token = header_of(request, "x-amz-access-token")
        if not token:
            raise _Refused(403, "MissingAuthenticationToken", "Missing Authentication Token")
        until = self._access.get(token)
        if until is None:
            details = "The access token you provided is revoked, malformed or invalid."
            raise _Refused(403, "Unauthorized", "Access to requested resource is denied.", details)
        if until <= self.world.clock.now():
            raise _Refused(
                403,
                "Unauthorized",
                "Access to requested resource is denied.",
                "The access token you provided has expired.",
            )

    def _count(self, name: str, parent: bool) -> str:
        """Count a call; tells the calls a second that are let in, as the header has it."""
        day = _text(self.world.clock.now())[:10]
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        if self.rate is None:
            return ""
        count, seconds = self.rate if parent else self.child_rate
        bucket = self._buckets.get(name)
        if bucket is None or (bucket.count, bucket.seconds) != (count, seconds):
            bucket = self._buckets[name] = _Tokens(self.world.clock, count, seconds)
        if not bucket.take():
            raise _Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        return f"{count / seconds:.4f}"

    # --- the calls ---

    def _orders(self, params: dict[str, str]) -> Record:
        if not params.get("MarketplaceIds"):
            raise _invalid("MarketplaceIds is missing")
        if any(one != self.marketplace_id for one in params["MarketplaceIds"].split(",")):
            raise _Refused(
                403, "Unauthorized", "Access to requested resource is denied.", "The marketplace is not yours."
            )
        cursor = self._cursor(params["NextToken"]) if params.get("NextToken") else self._asked(params)
        by = cursor["by"]
        found = [
            ((one[by], one["id"]), one)
            for one in self.world.records.get("orders", {}).values()
            if cursor["since"] <= one[by] <= cursor["until"]
            and (not cursor["statuses"] or _state(one) in cursor["statuses"])
            and (cursor["at"] is None or (one[by], one["id"]) > tuple(cursor["at"]))
        ]
        found.sort(key=lambda pair: pair[0])
        page = found[: cursor["size"]]
        payload: Record = {"Orders": [self._row(one) for _, one in page]}
        if len(found) > len(page):
            after = {**cursor, "at": page[-1][0], "made": self.world.clock.now()}
            payload["NextToken"] = base64.b64encode(json.dumps(after).encode()).decode()
        payload["LastUpdatedBefore" if by == "modified" else "CreatedBefore"] = _text(cursor["until"])
        return payload

    def _cursor(self, token: str) -> Record:
        try:
            cursor: Record = json.loads(base64.b64decode(token, validate=True))
            fresh = self.world.clock.now() - cursor["made"] <= _DAY
        except (ValueError, KeyError, TypeError):
            raise _invalid("NextToken is malformed") from None
        if not fresh:
            raise _invalid("NextToken has expired")
        return cursor

    def _asked(self, params: dict[str, str]) -> Record:
        known = {"CreatedAfter": ("created", "CreatedBefore"), "LastUpdatedAfter": ("modified", "LastUpdatedBefore")}
        given = [name for name in known if params.get(name)]
        if len(given) != 1:
            raise _invalid("exactly one of CreatedAfter and LastUpdatedAfter is required")
        by, end = known[given[0]]
        other = "CreatedBefore" if by == "modified" else "LastUpdatedBefore"
        if params.get(other):
            raise _invalid(f"{other} does not go with {given[0]}")
        latest = self.world.clock.now() - _LAG
        since = _time(params[given[0]], given[0])
        until = _time(params[end], end) if params.get(end) else float(int(latest))
        if until > latest:
            raise _invalid(f"{end} must be at least two minutes before now")
        if since > until:
            raise _invalid(f"{given[0]} must be before {end}")
        size = params.get("MaxResultsPerPage", "100")
        if not size.isdecimal() or not 1 <= int(size) <= 100:
            raise _invalid("MaxResultsPerPage must be between 1 and 100")
        statuses = [one for one in params.get("OrderStatuses", "").split(",") if one]
        if set(statuses) - {
            "PendingAvailability",
            "Pending",
            "Unshipped",
            "PartiallyShipped",
            "Shipped",
            "Canceled",
            "Unfulfillable",
            "InvoiceUnconfirmed",
        }:
            raise _invalid("OrderStatuses has an unknown value")
        if {"Unshipped", "PartiallyShipped"} & set(statuses) and not {"Unshipped", "PartiallyShipped"} <= set(statuses):
            raise _invalid("Unshipped and PartiallyShipped must be asked for together")
        return {"by": by, "since": since, "until": until, "size": int(size), "statuses": statuses, "at": None}

    def _single(self, key: str, items: bool) -> Record:
        order = self.world.records.get("orders", {}).get(key)
        if order is None:
            raise _Refused(404, "InvalidInput", f"Order {key} was not found")
        return {"AmazonOrderId": key, "OrderItems": _items(order)} if items else self._row(order)

    # --- the records ---

    def _row(self, order: Record) -> Record:
        state, lines = _state(order), order["lines"]
        units = sum(line["quantity"] for line in lines)
        sent = units if state == "Shipped" else 0
        row = {
            "AmazonOrderId": order["id"],
            "PurchaseDate": _text(order["created"]),
            "LastUpdateDate": _text(order["modified"]),
            "OrderStatus": state,
            "FulfillmentChannel": order["channel"],
            "SalesChannel": "Amazon.com",
            "OrderType": "StandardOrder",
            "MarketplaceId": self.marketplace_id,
            "NumberOfItemsShipped": sent,
            "NumberOfItemsUnshipped": 0 if state == "Canceled" else units - sent,
            "IsBusinessOrder": False,
            "IsPrime": order["channel"] == "AFN",
            "SellerNote": f"v{order['version']}",
        }
        if state not in ("Pending", "Canceled"):
            row["OrderTotal"] = _money(sum(line["quantity"] * line["price"] - line["off"] for line in lines))
            row["BuyerInfo"] = {"BuyerEmail": f"{order['buyer']}@marketplace.amazon.com"}
            row["ShippingAddress"] = {"StateOrRegion": "NY", "City": "New York", "CountryCode": "US"}
        return row

    def _order(self, chance: random.Random, index: int) -> Record:
        lines = [
            {
                "id": str(60_000_000_000_000 + index * 10 + place),
                "asin": f"B0{chance.randrange(10**8):08d}",
                "title": chance.choice(_GOODS),
                "quantity": chance.randint(1, 3),
                "price": chance.randrange(990, 9_990, 10),
                "off": chance.choice((0, 0, 50)),
            }
            for place in range(chance.randint(1, 4))
        ]
        return {
            "id": f"902-{1_000_000 + index:07d}-{chance.randrange(10**7):07d}",
            "lines": lines,
            "state": chance.randrange(3),
            "cancelled": chance.random() < 0.06,
            "channel": chance.choice(("MFN", "AFN")),
            "buyer": f"buyer{chance.randrange(60):04d}",
        }


def _invalid(details: str) -> _Refused:
    return _Refused(400, "InvalidInput", "One or more request parameters is invalid.", details)


def _denied(status: int, error: str, description: str) -> Response:
    return answer({"error": error, "error_description": description}, status)


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str, name: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"{name} is not a date of ISO 8601") from None
    if time.tzinfo is None:
        raise _invalid(f"{name} has no zone")
    return time.timestamp()


def _money(cents: int) -> Record:
    return {"CurrencyCode": "USD", "Amount": f"{cents / 100:.2f}"}


def _state(order: Record) -> str:
    if order["cancelled"] and order["version"] > 1:
        return "Canceled"
    return _STATES[min(order["state"] + order["version"] - 1, len(_STATES) - 1)]


def _items(order: Record) -> list[Record]:
    state = _state(order)
    rows = []
    for line in order["lines"]:
        row = {
            "ASIN": line["asin"],
            "SellerSKU": f"TS-{line['asin'][-4:]}",
            "OrderItemId": line["id"],
            "Title": line["title"],
            "QuantityOrdered": 0 if state == "Canceled" else line["quantity"],
            "QuantityShipped": line["quantity"] if state == "Shipped" else 0,
            "IsGift": "false",
            "ConditionId": "New",
        }
        if state not in ("Pending", "Canceled"):
            row["ItemPrice"] = _money(line["quantity"] * line["price"])
            row["ItemTax"] = _money(0)
            row["PromotionDiscount"] = _money(line["off"])
        rows.append(row)
    return rows
