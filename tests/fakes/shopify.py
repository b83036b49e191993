"""Shopify's Admin API: REST with cursors in the `Link` header, and GraphQL with a budget of points.

REST hides closed and cancelled orders unless `status=any` is said; a page after the first takes `page_info`, `limit` and
`fields` and nothing else. Pages go on from the last record seen, so that a change does not move them; only a record
that is modified while pages are sorted by `updated_at` comes a second time. GraphQL counts what a query could cost
(2 for a connection, 1 for each object in it), lets no query above 1000 points in, and gives back what was not used.
Refunds are told with their order alone.

Chosen here: over 250 is 400 in REST; values made of money or quantities cost nothing in GraphQL; `Throttled` is HTTP 200.
"""

from __future__ import annotations

import base64
import json
import random
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import urlencode

from engine.connector import Request, Response, TryAgain

from .world import Clock, Record, World, answer, header_of, path_of, query_of

_ZONE = timezone(timedelta(hours=-4))  # the shop's
_GOODS = (
    "玻尿酸保湿精华液",
    "氨基酸洁面乳",
    "Silk Lipstick 丝绒口红",
    "防晒霜 SPF50+",
    "修护眼霜",
    "Tea Tree Toner 茶树爽肤水",
)
_LOCATION = 655_441_491
_WHEN = {"created_at", "updated_at", "processed_at"}


class _Refused(Exception):
    """An HTTP status and the body that goes with it."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


@dataclass
class _Leak:
    """A bucket that runs out evenly: at most `count` in it, all gone in `seconds`."""

    clock: Clock
    count: float
    seconds: float
    level: float = 0.0
    seen: float = field(default=float("-inf"))

    def now(self) -> float:
        """How full it is."""
        time = self.clock.now()
        self.level = max(0.0, self.level - (time - self.seen) * self.count / self.seconds) if self.level else 0.0
        self.seen = time
        return self.level

    def pour(self, amount: float) -> bool:
        if self.now() + amount > self.count:
            return False
        self.level += amount
        return True


class Shopify:
    """A shop with orders (refunds in them), products and the stock of one location.

    Settings: `url` (up to the version, `…/admin/api/2026-10`) and `access_token`. Truth is in the form of REST;
    `graph_truth` is the same in the form of GraphQL. `points` is the budget of GraphQL: most, and seconds to fill.
    """

    name = "shopify"
    streams: ClassVar[dict[str, str]] = {
        "orders": "id",
        "refunds": "id",
        "items": "id",
        "inventory": "inventory_item_id",
    }
    deepest, costliest = 25_000, 1_000

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.access_token = "shpat_0123456789abcdef0123456789abcdef"
        self.version = _versions(world.clock.now())[0]
        self.read_all_orders = True
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = (40, 20.0)
        self.points: tuple[float, float] | None = (2_000.0, 20.0)
        self._leaks: dict[str, _Leak] = {}
        self._used: dict[str, int] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._item, "orders": self._order}
        world.makers.update(self.makers)

    def settings(self) -> dict[str, Any]:
        return {"url": f"{self.base}{self.prefix}/admin/api/{self.version}", "access_token": self.access_token}

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the shop with orders of the last days, and products that go with them."""
        now = self.world.clock.now()
        for kind, count in (("items", 8 + orders // 20), ("orders", orders)):
            self.world.fill(kind, self.makers[kind], count, now - days * 86_400, now - 600)

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            if stream == "refunds":
                return {str(refund["id"]): refund for order in self._held("orders") for refund in _refunds(order)}
            form = {"orders": _order_rest, "items": _product_rest}
            if stream == "inventory":
                levels = (level for item in self._held("items") for level in _levels(item))
                return {str(level["inventory_item_id"]): level for level in levels}
            return {one["id"]: form[stream](one) for one in self._held(stream)}

    def graph_truth(self, stream: str) -> dict[str, Record]:
        """The nodes of GraphQL by their ids, with everything there is to ask for; connections as lists."""
        with self._lock:
            if stream == "refunds":
                return {one["id"]: one for order in self._held("orders") for one in _order_graph(order)["refunds"]}
            return {
                node["id"]: node
                for node in self._nodes({"items": "products", "inventory": "inventoryItems"}.get(stream, stream))
            }

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer(refused.body, refused.status, **refused.headers)

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
            raise _Refused(429, {"errors": _OVER}, Retry_After="2.0")
        raise _Refused(503, {"errors": "Service Unavailable"})

    def _answered(self, request: Request) -> Response:
        match = re.fullmatch(r"/admin/api/([^/]+)/(.+)", path_of(request).removeprefix(self.prefix))
        if not match or match[1] not in _versions(self.world.clock.now()):
            raise _Refused(404, {"errors": "Not Found"})
        if header_of(request, "X-Shopify-Access-Token") != self.access_token:
            raise _Refused(
                401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
            )
        day = datetime.fromtimestamp(self.world.clock.now(), _ZONE).strftime("%Y-%m-%d")
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(429, {"errors": "Exceeded the daily limit of calls for api client."}, Retry_After="2.0")
        if match[2] == "graphql.json":
            return self._graph(request)
        if request.method != "GET":
            raise _Refused(406, {"errors": "Not Acceptable"})
        return self._rest(match[2], query_of(request))

    def _leak(self, name: str, size: tuple[float, float] | None) -> _Leak | None:
        if size is None:
            return None
        leak = self._leaks.get(name)
        if leak is None or (leak.count, leak.seconds) != size:
            leak = self._leaks[name] = _Leak(self.world.clock, *size)
        return leak

    def _held(self, kind: str) -> list[Record]:
        records = sorted(self.world.records.get(kind, {}).values(), key=lambda one: int(one["id"]))
        if kind == "orders" and not self.read_all_orders:
            since = self.world.clock.now() - 60 * 86_400
            return [one for one in records if one["created"] >= since]
        return records

    # --- REST ---

    def _rest(self, path: str, params: dict[str, str]) -> Response:
        leak = self._leak("rest", self.rate)
        if leak and not leak.pour(1):
            raise _Refused(429, {"errors": _OVER}, Retry_After="2.0")
        told = {"X_Shopify_Shop_Api_Call_Limit": f"{int(leak.level)}/{int(leak.count)}"} if leak else {}
        one = re.fullmatch(r"(orders|products)/(\d+)(/refunds)?\.json", path)
        if one:
            return answer(self._one(*one.groups()), **told)
        rows = self._listed(path, params)
        key = path.removesuffix(".json")
        if key.endswith("/count"):
            return answer({"count": len(rows)}, **told)
        page, link = self._page(key, rows, params)
        if link:
            told["Link"] = link
        wanted = [name for name in params.get("fields", "").split(",") if name]
        return answer(
            {key: [{name: row[name] for name in wanted if name in row} for row in page] if wanted else page}, **told
        )

    def _one(self, kind: str, key: str, refunds: str | None) -> Record:
        record = self.world.records.get({"products": "items"}.get(kind, kind), {}).get(key)
        if record is None or (refunds and kind != "orders"):
            raise _Refused(404, {"errors": "Not Found"})
        if refunds:
            return {"refunds": _refunds(record)}
        return {"order": _order_rest(record)} if kind == "orders" else {"product": _product_rest(record)}

    def _listed(self, path: str, params: dict[str, str]) -> list[Record]:
        """The rows of a list, filtered; what a `page_info` holds of the first call counts."""
        if "page_info" in params:
            if set(params) - {"page_info", "limit", "fields"}:
                raise _Refused(
                    400, {"errors": {"page_info": "Invalid value. Other filters cannot be passed with page_info."}}
                )
            params = {**params, **_opened(params["page_info"])["params"]}
        rows = self._all(path, params)
        if "ids" in params:
            ids = params["ids"].split(",")
            rows = [row for row in rows if str(row["id"]) in ids]
        if "since_id" in params:
            rows = [row for row in rows if row["id"] > int(params["since_id"])]
        for name in _WHEN:
            for end, keep in (("min", lambda row, limit: row >= limit), ("max", lambda row, limit: row <= limit)):
                if f"{name}_{end}" in params:
                    limit = _time(params[f"{name}_{end}"], f"{name}_{end}")
                    rows = [row for row in rows if keep(_time(row[name], name), limit)]
        return rows

    def _all(self, path: str, params: dict[str, str]) -> list[Record]:
        if path in ("orders.json", "orders/count.json"):
            status = params.get("status", "open")
            if status not in ("open", "closed", "cancelled", "any"):
                raise _Refused(400, {"errors": {"status": "Invalid value."}})
            return [_order_rest(one) for one in self._held("orders") if status in ("any", _standing(one))]
        if path in ("products.json", "products/count.json"):
            return [_product_rest(one) for one in self._held("items")]
        levels = [level for item in self._held("items") for level in _levels(item)]
        if path == "inventory_levels.json":
            items, places = params.get("inventory_item_ids"), params.get("location_ids")
            if not items and not places:
                raise _Refused(422, {"errors": "One of inventory_item_ids or location_ids is required"})
            if len((items or "").split(",")) > 50:
                raise _Refused(422, {"errors": "inventory_item_ids has too many elements (maximum is 50)"})
            return [
                level
                for level in levels
                if (not items or str(level["inventory_item_id"]) in items.split(","))
                and (not places or str(level["location_id"]) in places.split(","))
            ]
        if path == "inventory_items.json":
            if not params.get("ids") or len(params["ids"].split(",")) > 100:
                raise _Refused(422, {"errors": {"ids": "Required parameter missing or invalid"}})
            return [_inventory_item(item, variant) for item in self._held("items") for variant in item["variants"]]
        if path == "locations.json":
            return [{"id": _LOCATION, "name": "Main Warehouse", "active": True}]
        raise _Refused(404, {"errors": "Not Found"})

    def _page(self, key: str, rows: list[Record], params: dict[str, str]) -> tuple[list[Record], str]:
        """One page and its `Link`: the records next to the one that the cursor names."""
        cursor = _opened(params["page_info"]) if "page_info" in params else {}
        size = params.get("limit", "50")
        if not size.isdecimal() or not 1 <= int(size) <= 250:
            raise _Refused(400, {"errors": {"limit": "Invalid value. Must be between 1 and 250."}})
        kept = cursor.get("params", {name: value for name, value in params.items() if name not in ("limit", "fields")})
        by, backwards = _order_of(key, kept)

        def place(row: Record) -> tuple[Any, int]:
            return (_time(row[by], by) if by in _WHEN else row[by], row.get("id", row.get("inventory_item_id")))

        rows = sorted(rows, key=place, reverse=backwards)
        places = [place(row) for row in rows]
        start, end = 0, int(size)
        if cursor:
            at = tuple(cursor["at"])
            before = sum((one > at) if backwards else (one < at) for one in places)
            if cursor["to"] == "next":
                start = before + (at in places)
                end = start + int(size)
            else:
                start, end = max(0, before - int(size)), before
        page = rows[start:end]
        ends = [("previous", page[0])] if page and start else []
        ends += [("next", page[-1])] if page and end < len(rows) else []
        links = []
        for rel, row in ends:
            info = _closed({"to": rel, "at": place(row), "params": kept})
            address = f"{self.base}{self.prefix}/admin/api/{self.version}/{key}.json"
            fields = {"fields": params["fields"]} if "fields" in params else {}
            links.append(f'<{address}?{urlencode({"limit": size, **fields, "page_info": info})}>; rel="{rel}"')
        return page, ", ".join(links)

    # --- GraphQL ---

    def _graph(self, request: Request) -> Response:
        if request.method != "POST":
            raise _Refused(404, {"errors": "Not Found"})
        try:
            body = json.loads(request.body)
            text, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _Refused(400, {"errors": {"query": "Required parameter missing or invalid"}}) from None
        try:
            selection = _Reader(text, variables).document()
            _check(selection, _SCHEMA, "QueryRoot")
            asked = sum(_cost(one) for one in selection)
        except _Wrong as wrong:
            return answer({"errors": [wrong.error()]})
        if asked > self.costliest:
            told = f"Query cost is {asked}, which exceeds the single query max cost limit ({self.costliest})."
            more = {"code": "MAX_COST_EXCEEDED", "cost": asked, "maxCost": self.costliest}
            return answer({"errors": [{"message": told, "extensions": more}]})
        leak = self._leak("graph", self.points)
        if leak and not leak.pour(asked):
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return answer({"errors": [error], "extensions": {"cost": self._budget(leak, asked, None)}})
        self._warnings: list[Record] = []
        try:
            data, used = self._root(selection)
        except _Wrong as wrong:
            return answer({"errors": [wrong.error()]})
        if leak:
            leak.level -= asked - used
        extensions: Record = {"cost": self._budget(leak, asked, used)}
        if self._warnings:
            extensions["search"] = self._warnings
        return answer({"data": data, "extensions": extensions})

    def _budget(self, leak: _Leak | None, asked: int, used: int | None) -> Record:
        most, seconds = self.points or (2_000.0, 20.0)
        left = int(most - (leak.now() if leak else 0))
        status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": most / seconds}
        return {"requestedQueryCost": asked, "actualQueryCost": used, "throttleStatus": status}

    def _root(self, selection: list[_Field]) -> tuple[Record, int]:
        data: Record = {}
        used = 0
        for one in selection:
            nodes = self._sorted(one, self._searched(one, self._nodes(one.name)))
            value, cost = _connection(one, nodes, self.deepest)
            data[one.alias], used = value, used + cost
        return data, used

    def _nodes(self, name: str) -> list[Record]:
        if name == "orders":
            return [_order_graph(one) for one in self._held("orders")]
        if name == "products":
            return [_product_graph(one) for one in self._held("items")]
        return [_inventory_graph(item, variant) for item in self._held("items") for variant in item["variants"]]

    def _sorted(self, one: _Field, nodes: list[Record]) -> list[tuple[Any, Record]]:
        """The nodes with the place by which a cursor finds them again."""
        keys = {"ID": "id", "CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt"}
        keys = {**keys, "PROCESSED_AT": "processedAt"} if one.name == "orders" else keys
        chosen = one.args.get("sortKey", "PROCESSED_AT" if one.name == "orders" else "ID")
        if chosen not in keys or (one.name == "inventoryItems" and "sortKey" in one.args):
            raise _Wrong(
                f"Argument 'sortKey' on Field '{one.name}' has an invalid value ({chosen}).",
                "argumentLiteralsIncompatible",
            )
        placed = [((("" if chosen == "ID" else node[keys[chosen]]), _number(node["id"])), node) for node in nodes]
        return sorted(placed, key=lambda pair: pair[0], reverse=bool(one.args.get("reverse")))

    def _searched(self, one: _Field, nodes: list[Record]) -> list[Record]:
        text = str(one.args.get("query") or "")
        for name, sign, value in _TERM.findall(text):
            nodes = self._found(one, text, nodes, name, sign or "=", value.strip("'\""))
        return nodes

    def _found(self, one: _Field, text: str, nodes: list[Record], name: str, sign: str, value: str) -> list[Record]:
        if name in ("updated_at", "created_at"):
            try:
                limit = _time(value, name)
            except _Refused:
                raise _Wrong(f"Invalid timestamp for query filter `{name}`", "INVALID_FIELD_ARGUMENTS") from None
            key = {"updated_at": "updatedAt", "created_at": "createdAt"}[name]
            return [node for node in nodes if _SIGNS[sign](_time(node[key], key), limit)]
        if name == "id":
            return [node for node in nodes if _SIGNS[sign](_number(node["id"]), int(value))]
        if name == "status" and one.name == "orders":
            return [node for node in nodes if value in ("any", _graph_standing(node))]
        warning = {"field": name, "message": "Invalid search field for this query."}
        self._warnings.append({"path": [one.alias], "query": text, "warnings": [warning]})
        return nodes

    # --- the makers ---

    def _item(self, chance: random.Random, index: int) -> Record:
        variants = [
            {
                "id": 44_000_000_000_000 + index * 10 + place,
                "name": f"{size}ml",
                "price": chance.randrange(990, 9_990, 10),
                "stock": chance.randrange(300),
            }
            for place, size in enumerate(chance.sample((30, 50, 100), chance.randint(1, 3)))
        ]
        return {"id": str(9_007_199_254_740_993 + index), "title": chance.choice(_GOODS), "variants": variants}

    def _order(self, chance: random.Random, index: int) -> Record:
        items = list(self.world.records.get("items", {}).values()) or [self._item(chance, 0)]
        lines = []
        for place in range(chance.randint(1, 4)):
            item = chance.choice(items)
            variant, quantity = chance.choice(item["variants"]), chance.randint(1, 3)
            lines.append(
                {
                    "id": 13_000_000_000_000 + index * 10 + place,
                    "product": item["id"],
                    "title": item["title"],
                    "variant": variant["id"],
                    "name": variant["name"],
                    "quantity": quantity,
                    "price": variant["price"],
                    "off": chance.choice((0, 0, 100)),
                }
            )
        return {
            "id": str(5_678_901_000_000 + index * 97),
            "index": index,
            "lines": lines,
            "post": chance.choice((0, 500)),
            "standing": chance.choice(("open", "open", "closed", "cancelled")),
            "refunded": chance.random() < 0.25,
            "customer": 7_000_000_000_000 + chance.randrange(50),
        }


_OVER = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."
_TERM = re.compile(r"(\w+):\s*(>=|<=|>|<)?('[^']*'|\"[^\"]*\"|[^\s'\"]+)")
_SIGNS: dict[str, Any] = {
    "=": lambda left, right: left == right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}


def _versions(now: float) -> list[str]:
    """The versions that are served: this quarter's and the three before."""
    today = datetime.fromtimestamp(now, UTC)
    quarter = today.year * 4 + (today.month - 1) // 3
    return [f"{one // 4}-{one % 4 * 3 + 1:02d}" for one in range(quarter, quarter - 4, -1)]


def _time(text: str, name: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _Refused(400, {"errors": {name: "Invalid value."}}) from None
    return (time if time.tzinfo else time.replace(tzinfo=_ZONE)).timestamp()


def _opened(info: str) -> Record:
    try:
        opened: Record = json.loads(base64.urlsafe_b64decode(info))
        return {"to": opened["to"], "at": opened["at"], "params": opened["params"]}
    except (ValueError, KeyError, TypeError):
        raise _Refused(400, {"errors": {"page_info": "Invalid value."}}) from None


def _closed(cursor: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()


def _order_of(key: str, params: dict[str, str]) -> tuple[str, bool]:
    """The field by which a list is sorted, and whether the latest comes first."""
    if key == "inventory_levels":
        return "inventory_item_id", False
    if key != "orders":
        return "id", False
    if "since_id" in params:
        return "id", False
    name, _, way = params.get("order", "processed_at desc").partition(" ")
    if name not in (*_WHEN, "id") or way.lower() not in ("", "asc", "desc"):
        raise _Refused(400, {"errors": {"order": "Invalid value."}})
    return name, way.lower() != "asc"


# --- a reader of GraphQL, as much of it as queries need -------------------------------------------------------------


class _Wrong(Exception):
    """An error in the query."""

    def __init__(self, message: str, code: str) -> None:
        self.message, self.code = message, code

    def error(self) -> Record:
        return {"message": self.message, "extensions": {"code": self.code}}


@dataclass
class _Field:
    name: str
    alias: str
    args: Record
    chosen: list[_Field] | None


class _Many(list[Record]):
    """The nodes of a connection."""


_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[{}()\[\]:!$=@|]')
_CONNECTIONS = {"orders", "products", "inventoryItems", "lineItems", "variants", "inventoryLevels"}
_FREE = ("Set", "Money", "pageInfo", "quantities")


class _Reader:
    """Reads one anonymous or named query with its variables; fragments and mutations are not served here."""

    def __init__(self, text: str, variables: Record) -> None:
        bare = re.sub(r"#[^\n]*", "", text)
        if _TOKEN.sub("", bare).replace(",", "").strip():
            raise _Wrong("Parse error: unexpected character", "PARSE_ERROR")
        self.words, self.at, self.variables = _TOKEN.findall(bare), 0, dict(variables)

    def document(self) -> list[_Field]:
        if self._peek() == "query":
            self._next()
            if self._peek() not in ("(", "{"):
                self._next()
            if self._peek() == "(":
                self._declared()
        chosen = self._selection()
        if self._peek():
            raise _Wrong(f"Parse error on {self._peek()!r}: one query at a time is served", "PARSE_ERROR")
        return chosen

    def _peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def _next(self, wanted: str | None = None) -> str:
        word = self._peek()
        if not word or (wanted is not None and word != wanted):
            raise _Wrong(f"Parse error on {word!r}, expected {wanted!r}", "PARSE_ERROR")
        self.at += 1
        return word

    def _declared(self) -> None:
        self._next("(")
        while self._peek() != ")":
            self._next("$")
            name = self._next()
            self._next(":")
            needed = False
            while self._peek() not in ("$", ")", "=", ""):
                needed = self._next() == "!"
            if self._peek() == "=":
                self._next()
                self.variables.setdefault(name, self._value())
            elif name not in self.variables:
                if needed:
                    raise _Wrong(f"Variable ${name} of required type was provided invalid value", "INVALID_VARIABLE")
                self.variables[name] = None
        self._next(")")

    def _selection(self) -> list[_Field]:
        self._next("{")
        fields = []
        while self._peek() != "}":
            name = alias = self._next()
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise _Wrong(f"Parse error on {name!r}", "PARSE_ERROR")
            if self._peek() == ":":
                self._next()
                name = self._next()
            args = self._arguments() if self._peek() == "(" else {}
            fields.append(_Field(name, alias, args, self._selection() if self._peek() == "{" else None))
        self._next("}")
        return fields

    def _arguments(self) -> Record:
        self._next("(")
        args = {}
        while self._peek() != ")":
            name = self._next()
            self._next(":")
            args[name] = self._value()
        self._next(")")
        return {name: value for name, value in args.items() if value is not None}

    def _value(self) -> Any:
        word = self._next()
        if word == "$":
            name = self._next()
            if name not in self.variables:
                raise _Wrong(f"Variable ${name} is used but not declared", "variableNotDefined")
            return self.variables[name]
        if word == "[":
            values = []
            while self._peek() != "]":
                values.append(self._value())
            self._next("]")
            return values
        if word[0] == '"' or re.fullmatch(r"-?\d+(\.\d+)?", word):
            return json.loads(word)
        return {"true": True, "false": False, "null": None}.get(word, word)


def _check(chosen: list[_Field], known: Record, kind: str) -> None:
    for one in chosen:
        if one.name not in known:
            raise _Wrong(f"Field '{one.name}' doesn't exist on type '{kind}'", "undefinedField")
        inner = known[one.name]
        if (inner is None) != (one.chosen is None):
            told = "must have selections" if one.chosen is None else "can't have selections"
            raise _Wrong(f"Field {told} (field '{one.name}')", "selectionMismatch")
        if inner is not None:
            _check(one.chosen or [], inner, one.name)


def _first(one: _Field) -> int:
    first = one.args.get("first")
    if first is None:
        raise _Wrong(f"you must provide one of first or last (field '{one.name}')", "BAD_REQUEST")
    if type(first) is not int or not 1 <= first <= 250:
        raise _Wrong(f"first must be between 1 and 250 (field '{one.name}')", "BAD_REQUEST")
    return first


def _inner(one: _Field) -> list[_Field]:
    """What is asked of each node of a connection."""
    nodes = [part for part in one.chosen or [] if part.name == "nodes"]
    edges = [
        part for edge in one.chosen or [] if edge.name == "edges" for part in edge.chosen or [] if part.name == "node"
    ]
    return [inner for part in (*nodes, *edges) for inner in part.chosen or []]


def _cost(one: _Field) -> int:
    """What a field could cost at most."""
    if one.name in _CONNECTIONS:
        return 2 + _first(one) * (1 + sum(_cost(inner) for inner in _inner(one)))
    inner = sum(_cost(part) for part in one.chosen or [])
    return inner if one.chosen is None or one.name.endswith(_FREE) else 1 + inner


def _connection(one: _Field, placed: list[tuple[Any, Record]], deepest: int) -> tuple[Record, int]:
    """A page of a connection and what it cost."""
    first, depth = _first(one), 0
    backwards = bool(one.args.get("reverse"))
    if "after" in one.args:
        try:
            at, depth = json.loads(base64.b64decode(one.args["after"]))
            at = tuple(at)
        except (ValueError, TypeError):
            raise _Wrong("Invalid cursor for current pagination sort.", "INVALID_CURSOR") from None
        placed = [pair for pair in placed if (pair[0] < at if backwards else pair[0] > at)]
    if depth + first > deepest:
        raise _Wrong(f"Pagination stops at {deepest} objects; slice by updated_at", "PAGINATION_LIMIT")
    page = placed[:first]
    cursors = [
        base64.b64encode(json.dumps([at, depth + place]).encode()).decode() for place, (at, _) in enumerate(page, 1)
    ]
    info = {
        "hasNextPage": len(placed) > first,
        "hasPreviousPage": depth > 0,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    value: Record = {}
    cost = 2 + len(page)
    for part in one.chosen or []:
        if part.name == "pageInfo":
            value[part.alias] = {inner.alias: info[inner.name] for inner in part.chosen or []}
            continue
        rows = []
        for (_, node), cursor in zip(page, cursors, strict=True):
            if part.name == "nodes":
                row, more = _picked(part.chosen or [], node, deepest)
            else:
                row, more = {}, 0
                for inner in part.chosen or []:
                    got, spent = (cursor, 0) if inner.name == "cursor" else _picked(inner.chosen or [], node, deepest)
                    row[inner.alias], more = got, more + spent
            rows.append(row)
            cost += more
        value[part.alias] = rows
    return value, cost


def _picked(chosen: list[_Field], node: Record, deepest: int) -> tuple[Record, int]:
    """The fields that were asked for, and what they cost."""
    row: Record = {}
    cost = 0
    for one in chosen:
        value = node[one.name]
        spent = 0
        if isinstance(value, _Many):
            value, spent = _connection(one, [((index,), inner) for index, inner in enumerate(value)], deepest)
        elif isinstance(value, list):
            names = one.args.get("names")
            inners = [inner for inner in value if names is None or inner.get("name") in names]
            picked = [_picked(one.chosen or [], inner, deepest) for inner in inners[: one.args.get("first", 250)]]
            value, spent = [part for part, _ in picked], sum(part for _, part in picked)
        elif isinstance(value, dict):
            value, spent = _picked(one.chosen or [], value, deepest)
            spent += 0 if one.name.endswith(_FREE) else 1
        row[one.alias], cost = value, cost + spent
    return row, cost


# --- the records in REST --------------------------------------------------------------------------------------------


def _local(time: float) -> str:
    return datetime.fromtimestamp(time, _ZONE).isoformat(timespec="seconds")


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _set(cents: int) -> Record:
    return {part: {"amount": _money(cents), "currency_code": "USD"} for part in ("shop_money", "presentment_money")}


def _standing(order: Record) -> str:
    """Open, closed or cancelled: an open one is closed with its third version."""
    return "closed" if order["standing"] == "open" and order["version"] > 2 else order["standing"]


def _amount(line: Record) -> int:
    return int(line["quantity"] * line["price"])


def _subtotal(order: Record) -> int:
    return sum(_amount(line) - line["off"] for line in order["lines"])


def _refunded(order: Record) -> int:
    return sum(round(float(refund["transactions"][0]["amount"]) * 100) for refund in _refunds(order))


def _refunds(order: Record) -> list[Record]:
    """One of the first line where the order came with it, another of half a dollar with its second version."""
    line = order["lines"][0]
    wanted = [(0, _amount(line) - line["off"], order["created"] + 3_600)] if order["refunded"] else []
    left = _subtotal(order) - sum(amount for _, amount, _ in wanted)
    wanted += [(1, 50, order["modified"])] if order["version"] > 1 and left >= 50 else []
    return [_refund(order, *one) for one in wanted]


def _refund(order: Record, place: int, amount: int, time: float) -> Record:
    line, key = order["lines"][0], int(order["id"]) % 10**9 * 10 + 930_000_000_000 + place
    return {
        "id": key,
        "order_id": int(order["id"]),
        "created_at": _local(time),
        "processed_at": _local(time),
        "note": "七天无理由退货",
        "restock": True,
        "refund_line_items": [
            {
                "id": key * 10,
                "line_item_id": line["id"],
                "quantity": line["quantity"],
                "restock_type": "return",
                "subtotal": amount / 100,
                "subtotal_set": _set(amount),
                "total_tax": 0.0,
            }
        ],
        "transactions": [
            {
                "id": key * 10 + 1,
                "order_id": int(order["id"]),
                "kind": "refund",
                "status": "success",
                "amount": _money(amount),
                "currency": "USD",
            }
        ],
        "order_adjustments": [],
    }


def _order_rest(order: Record) -> Record:
    standing, back = _standing(order), _refunded(order)
    total = _subtotal(order) + order["post"]
    return {
        "id": int(order["id"]),
        "admin_graphql_api_id": f"gid://shopify/Order/{order['id']}",
        "name": f"#{1001 + order['index']}",
        "order_number": 1001 + order["index"],
        "created_at": _local(order["created"]),
        "processed_at": _local(order["created"]),
        "updated_at": _local(order["modified"]),
        "closed_at": _local(order["modified"]) if standing == "closed" else None,
        "cancelled_at": _local(order["modified"]) if standing == "cancelled" else None,
        "cancel_reason": "customer" if standing == "cancelled" else None,
        "financial_status": _financial(order, total, back),
        "fulfillment_status": "fulfilled" if order["version"] > 2 or standing == "closed" else None,
        "currency": "USD",
        "presentment_currency": "USD",
        "total_price": _money(total),
        "total_price_set": _set(total),
        "current_total_price": _money(total - back),
        "current_total_price_set": _set(total - back),
        "subtotal_price": _money(_subtotal(order)),
        "total_discounts": _money(sum(line["off"] for line in order["lines"])),
        "total_line_items_price": _money(sum(_amount(line) for line in order["lines"])),
        "total_shipping_price_set": _set(order["post"]),
        "total_tax": "0.00",
        "taxes_included": False,
        "test": False,
        "source_name": "web",
        "note": None if order["version"] == 1 else f"v{order['version']}",
        "tags": "",
        "customer": {"id": order["customer"], "tags": ""},
        "shipping_address": {"province": "New York", "city": "New York", "country_code": "US"},
        "line_items": [_line_rest(line) for line in order["lines"]],
        "refunds": _refunds(order),
    }


def _financial(order: Record, total: int, back: int) -> str:
    return "paid" if not back else "refunded" if back >= total else "partially_refunded"


def _line_rest(line: Record) -> Record:
    return {
        "id": line["id"],
        "product_id": int(line["product"]),
        "variant_id": line["variant"],
        "sku": f"TS-{line['variant'] % 10_000}",
        "title": line["title"],
        "variant_title": line["name"],
        "quantity": line["quantity"],
        "current_quantity": line["quantity"],
        "price": _money(line["price"]),
        "price_set": _set(line["price"]),
        "total_discount": _money(line["off"]),
        "gift_card": False,
    }


def _left(item: Record, variant: Record) -> int:
    return int(variant["stock"] - item["version"] + 1)


def _product_rest(item: Record) -> Record:
    return {
        "id": int(item["id"]),
        "title": item["title"],
        "vendor": "示例品牌",
        "product_type": "美妆",
        "status": "active" if item["version"] < 4 else "archived",
        "created_at": _local(item["created"]),
        "updated_at": _local(item["modified"]),
        "tags": "",
        "variants": [
            {
                "id": variant["id"],
                "product_id": int(item["id"]),
                "title": variant["name"],
                "sku": f"TS-{variant['id'] % 10_000}",
                "price": _money(variant["price"]),
                "inventory_item_id": variant["id"] + 1_000_000_000_000,
                "inventory_quantity": _left(item, variant),
                "updated_at": _local(item["modified"]),
            }
            for variant in item["variants"]
        ],
    }


def _levels(item: Record) -> list[Record]:
    return [
        {
            "inventory_item_id": variant["id"] + 1_000_000_000_000,
            "location_id": _LOCATION,
            "available": _left(item, variant),
            "updated_at": _local(item["modified"]),
        }
        for variant in item["variants"]
    ]


def _inventory_item(item: Record, variant: Record) -> Record:
    return {
        "id": variant["id"] + 1_000_000_000_000,
        "sku": f"TS-{variant['id'] % 10_000}",
        "cost": _money(variant["price"] // 3),
        "tracked": True,
        "created_at": _local(item["created"]),
        "updated_at": _local(item["modified"]),
    }


# --- the records in GraphQL -----------------------------------------------------------------------------------------


def _utc(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(gid: str) -> int:
    return int(gid.rsplit("/", 1)[1])


def _bag(cents: int) -> Record:
    return {part: {"amount": _money(cents), "currencyCode": "USD"} for part in ("shopMoney", "presentmentMoney")}


def _graph_standing(node: Record) -> str:
    return "cancelled" if node["cancelledAt"] else "closed" if node["closedAt"] else "open"


def _order_graph(order: Record) -> Record:
    rest, standing = _order_rest(order), _standing(order)
    total, back = _subtotal(order) + order["post"], _refunded(order)
    return {
        "id": f"gid://shopify/Order/{order['id']}",
        "legacyResourceId": order["id"],
        "name": rest["name"],
        "createdAt": _utc(order["created"]),
        "processedAt": _utc(order["created"]),
        "updatedAt": _utc(order["modified"]),
        "closedAt": _utc(order["modified"]) if standing == "closed" else None,
        "cancelledAt": _utc(order["modified"]) if standing == "cancelled" else None,
        "displayFinancialStatus": rest["financial_status"].upper(),
        "displayFulfillmentStatus": (rest["fulfillment_status"] or "unfulfilled").upper(),
        "currencyCode": "USD",
        "note": rest["note"],
        "test": False,
        "totalPriceSet": _bag(total),
        "currentTotalPriceSet": _bag(total - back),
        "subtotalPriceSet": _bag(_subtotal(order)),
        "totalShippingPriceSet": _bag(order["post"]),
        "totalDiscountsSet": _bag(sum(line["off"] for line in order["lines"])),
        "totalRefundedSet": _bag(back),
        "customer": {"id": f"gid://shopify/Customer/{order['customer']}"},
        "lineItems": _Many(
            {
                "id": f"gid://shopify/LineItem/{line['id']}",
                "title": line["title"],
                "variantTitle": line["name"],
                "sku": f"TS-{line['variant'] % 10_000}",
                "quantity": line["quantity"],
                "currentQuantity": line["quantity"],
                "originalUnitPriceSet": _bag(line["price"]),
                "totalDiscountSet": _bag(line["off"]),
                "product": {"id": f"gid://shopify/Product/{line['product']}"},
                "variant": {"id": f"gid://shopify/ProductVariant/{line['variant']}"},
            }
            for line in order["lines"]
        ),
        "refunds": [
            {
                "id": f"gid://shopify/Refund/{refund['id']}",
                "createdAt": _utc(datetime.fromisoformat(refund["created_at"]).timestamp()),
                "note": refund["note"],
                "totalRefundedSet": _bag(round(float(refund["transactions"][0]["amount"]) * 100)),
            }
            for refund in _refunds(order)
        ],
    }


def _product_graph(item: Record) -> Record:
    rest = _product_rest(item)
    return {
        "id": f"gid://shopify/Product/{item['id']}",
        "legacyResourceId": item["id"],
        "title": item["title"],
        "vendor": rest["vendor"],
        "productType": rest["product_type"],
        "status": rest["status"].upper(),
        "createdAt": _utc(item["created"]),
        "updatedAt": _utc(item["modified"]),
        "variants": _Many(
            {
                "id": f"gid://shopify/ProductVariant/{variant['id']}",
                "title": variant["name"],
                "sku": f"TS-{variant['id'] % 10_000}",
                "price": _money(variant["price"]),
                "inventoryQuantity": _left(item, variant),
                "inventoryItem": {"id": f"gid://shopify/InventoryItem/{variant['id'] + 1_000_000_000_000}"},
            }
            for variant in item["variants"]
        ),
    }


def _inventory_graph(item: Record, variant: Record) -> Record:
    key = variant["id"] + 1_000_000_000_000
    return {
        "id": f"gid://shopify/InventoryItem/{key}",
        "sku": f"TS-{variant['id'] % 10_000}",
        "tracked": True,
        "createdAt": _utc(item["created"]),
        "updatedAt": _utc(item["modified"]),
        "inventoryLevels": _Many(
            [
                {
                    "id": f"gid://shopify/InventoryLevel/{_LOCATION}?inventory_item_id={key}",
                    "updatedAt": _utc(item["modified"]),
                    "location": {"id": f"gid://shopify/Location/{_LOCATION}"},
                    "quantities": [
                        {"name": name, "quantity": _left(item, variant)} for name in ("available", "on_hand")
                    ],
                }
            ]
        ),
    }


def _shape(value: Any) -> Any:
    """The fields that can be asked for, from a specimen."""
    if isinstance(value, _Many):
        node = _shape(value[0])
        page = dict.fromkeys(("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"))
        return {"nodes": node, "edges": {"cursor": None, "node": node}, "pageInfo": page}
    if isinstance(value, list):
        return _shape(value[0])
    return {name: _shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def _specimens() -> Record:
    variant = {"id": 1, "name": "", "price": 1, "stock": 1}
    times = {"id": "1", "created": 0.0, "modified": 0.0, "version": 1}
    item = {**times, "title": "", "variants": [variant]}
    line = {"id": 1, "product": "1", "title": "", "variant": 1, "name": "", "quantity": 1, "price": 1, "off": 0}
    order = {**times, "index": 0, "lines": [line], "post": 0, "standing": "open", "refunded": True, "customer": 1}
    return {
        "orders": _Many([_order_graph(order)]),
        "products": _Many([_product_graph(item)]),
        "inventoryItems": _Many([_inventory_graph(item, variant)]),
    }


_SCHEMA: Record = _shape(_specimens())
