"""Kingdee K/3 Cloud (云星空): log in, keep all its cookies, then query bills as rows without names.

`ExecuteBillQuery` gives an array of arrays in the order of `FieldKeys`; the fields of the head are repeated with every
line of a bill. What is wrong comes as `[[{"Result": …}]]` with HTTP 200, a lost session too. Without `OrderString` rows
come latest modified first, so that they move while they are paged; with a key in `OrderString` they do not.

Not known from public text, chosen here: the words of errors, that 2000 rows are the most, a session of 20 idle
minutes, that a filter is a conjunction of `Field op 'value'`.
"""

from __future__ import annotations

import json
import random
import re
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, form_of, header_of, path_of

_BEIJING = timezone(timedelta(hours=8))
_LOGIN = "/Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc"
_QUERY = "/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
_TERM = re.compile(r"\s*\(?\s*([A-Za-z_][\w.]*)\s*(>=|<=|<>|!=|=|>|<)\s*(?:'([^']*)'|(-?\d+(?:\.\d+)?))\s*\)?\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "!=": lambda left, right: left != right,
}
_GOODS = ("玻尿酸保湿精华液", "氨基酸洁面乳", "烟酰胺美白面膜", "防晒霜", "丝绒哑光口红", "修护眼霜")
_CUSTOMERS = (("CUST001", "杭州示例百货"), ("CUST002", "天猫旗舰店"), ("CUST003", "深圳示例商贸"))
_STATES = "ABCC"


class _Refused(Exception):
    """The platform's error body, by its message."""

    def __init__(self, message: str, code: int = 500, kind: int = 0) -> None:
        self.message, self.code, self.kind = message, code, kind


class Kingdee:
    """A data centre with sales orders, shipments, returns, materials and stock.

    Settings: `url` (up to `/K3Cloud`), `acct_id`, `username`, `password`, `lcid`. A record is one row, that is one
    line of a bill, by the names of its fields; `fields(stream)` are all there are, `forms` the form of a stream.
    """

    name = "kingdee"
    streams: ClassVar[dict[str, str]] = {
        "orders": "FSaleOrderEntry_FEntryID",
        "shipments": "FEntity_FENTRYID",
        "refunds": "FEntity_FENTRYID",
        "items": "FMATERIALID",
        "inventory": "FID",
    }
    forms: ClassVar[dict[str, str]] = {
        "orders": "SAL_SaleOrder",
        "shipments": "SAL_OUTSTOCK",
        "refunds": "SAL_RETURNSTOCK",
        "items": "BD_MATERIAL",
        "inventory": "STK_Inventory",
    }
    largest = 2000

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.acct_id, self.username, self.password, self.lcid = "5f00000000000a", "engine", "kd-Passw0rd", 2052
        self.token_seconds = 1_200
        self.faults: list[int | str] = []
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self._bucket: tuple[tuple[int, float], Bucket] | None = None
        self._used: dict[str, int] = {}
        self._sessions: dict[str, tuple[str, float]] = {}
        self._lock = threading.RLock()
        self.makers = {"items": self._item, "orders": self._order, "refunds": self._return}
        world.makers.update(self.makers)

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"{self.base}{self.prefix}/K3Cloud",
            "acct_id": self.acct_id,
            "username": self.username,
            "password": self.password,
            "lcid": self.lcid,
        }

    def fill(self, orders: int = 120, days: float = 30) -> None:
        """Fill the data centre with orders of the last days, and materials and returns that go with them."""
        now = self.world.clock.now()
        for kind, count in (("items", 8 + orders // 20), ("orders", orders), ("refunds", orders // 8)):
            self.world.fill(kind, self.makers[kind], count, now - days * 86_400, now - 600)

    def fields(self, stream: str) -> list[str]:
        """All fields of a stream's form."""
        return list(_FIELDS[stream])

    def truth(self, stream: str) -> dict[str, Record]:
        with self._lock:
            return {str(row[self.streams[stream]]): row for row in self._rows(stream)}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            try:
                return self._planned() or self._answered(request)
            except _Refused as refused:
                return answer([[_failure(refused)]])

    def _planned(self) -> Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return None
        if fault == "timeout":
            raise TryAgain("timed out")
        if isinstance(fault, int):
            more = (("retry-after", "1"),) if fault == 429 else ()
            return Response(fault, (("content-type", "text/plain"), *more), b"try later")
        raise _Refused(
            "服务器繁忙，请稍后再试" if fault == "busy" else "请求过于频繁，请稍后再试", 500 if fault == "busy" else 429
        )

    def _answered(self, request: Request) -> Response:
        path = path_of(request).removeprefix(f"{self.prefix}/K3Cloud")
        if path not in (_LOGIN, _QUERY) or request.method != "POST":
            return Response(
                404, (("content-type", "text/html"),), b"<html><body>The resource cannot be found.</body></html>"
            )
        self._count()
        body = _body(request)
        return self._login(body) if path == _LOGIN else self._query(request, body)

    def _count(self) -> None:
        if self.rate:
            if self._bucket is None or self._bucket[0] != self.rate:
                self._bucket = (self.rate, Bucket(self.world.clock, *self.rate))
            if self._bucket[1].over():
                raise _Refused("请求过于频繁，请稍后再试", 429)
        day = _text(self.world.clock.now())[:10]
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused("超过当日调用次数上限", 429)

    # --- the session ---

    def _login(self, body: Record) -> Response:
        given = body.get("parameters") or [
            body.get("acctID", body.get("acctid")),
            body.get("username"),
            body.get("password"),
            body.get("lcid"),
        ]
        if len(given) != 4 or any(part in (None, "") for part in given):
            return _logged_in(0, "参数不完整")
        if given[0] != self.acct_id:
            return _logged_in(0, "数据中心不存在")
        if (given[1], given[2]) != (self.username, self.password):
            return _logged_in(0, "用户名或密码错误")
        now = self.world.clock.now()
        session, other = (str(uuid.UUID(int=self.world.random.getrandbits(128))) for _ in range(2))
        self._sessions[session] = (other, now)
        cookies = (
            ("set-cookie", f"kdservice-sessionid={session}; path=/K3Cloud; HttpOnly"),
            ("set-cookie", f"ASP.NET_SessionId={other}; path=/; HttpOnly"),
        )
        done = _logged_in(1, None, session)
        return Response(done.status, (*done.headers, *cookies), done.body)

    def _admit(self, request: Request) -> None:
        pairs = [part.strip().partition("=") for part in (header_of(request, "Cookie") or "").split(";")]
        cookies = {name: value for name, _, value in pairs}
        session = cookies.get("kdservice-sessionid", "")
        other, seen = self._sessions.get(session, ("", float("-inf")))
        now = self.world.clock.now()
        if not other or cookies.get("ASP.NET_SessionId") != other or now - seen > self.token_seconds:
            self._sessions.pop(session, None)
            raise _Refused("会话信息已丢失，请重新登录", kind=1)
        self._sessions[session] = (other, now)

    # --- the query ---

    def _query(self, request: Request, body: Record) -> Response:
        self._admit(request)
        asked = _asked(body)
        stream = next((stream for stream, form in self.forms.items() if form == asked.get("FormId")), None)
        if stream is None:
            raise _Refused(f"业务对象{asked.get('FormId') or ''}不存在")
        keys = [key.strip() for key in str(asked.get("FieldKeys") or "").split(",") if key.strip()]
        if not keys:
            raise _Refused("FieldKeys不能为空")
        for key in keys:
            _known(stream, key)
        start, limit = _whole(asked, "StartRow"), _whole(asked, "Limit") or self.largest
        if start < 0 or not 0 < limit <= self.largest:
            raise _Refused(f"Limit不能大于{self.largest}")
        terms = _terms(stream, str(asked.get("FilterString") or ""))
        rows = [
            row
            for row in self._rows(stream)
            if all(_COMPARE[sign](_plain(row[key]), value) for key, sign, value in terms)
        ]
        rows = _ordered(stream, rows, str(asked.get("OrderString") or ""))
        rows = rows[: _whole(asked, "TopRowCount") or None]
        return answer([[row[key] for key in keys] for row in rows[start : start + limit]])

    def _rows(self, stream: str) -> list[Record]:
        kind = {"shipments": "orders", "inventory": "items"}.get(stream, stream)
        form = {
            "orders": _orders,
            "shipments": _shipments,
            "refunds": _returns,
            "items": _materials,
            "inventory": _stock,
        }
        records = self.world.records.get(kind, {}).values()
        return [row for record in sorted(records, key=lambda one: int(one["id"])) for row in form[stream](record)]

    # --- the makers ---

    def _item(self, chance: random.Random, index: int) -> Record:
        return {
            "id": str(110_000 + index),
            "title": chance.choice(_GOODS),
            "price": chance.randrange(1_990, 29_990, 10),
            "stock": chance.randrange(900),
        }

    def _order(self, chance: random.Random, index: int) -> Record:
        items = list(self.world.records.get("items", {}).values()) or [self._item(chance, 0)]
        lines = []
        for place in range(chance.randint(1, 4)):
            item, quantity = chance.choice(items), chance.randint(1, 20)
            price = item["price"] - chance.choice((0, 0, 100))
            lines.append(
                {
                    "id": 1_000_000 + index * 10 + place,
                    "item": item["id"],
                    "title": item["title"],
                    "quantity": quantity,
                    "price": price,
                }
            )
        return {
            "id": str(100_000 + index),
            "lines": lines,
            "customer": chance.choice(_CUSTOMERS),
            "state": chance.randrange(3),
        }

    def _return(self, chance: random.Random, index: int) -> Record:
        orders = list(self.world.records.get("orders", {}).values()) or [self._order(chance, 0)]
        order = chance.choice(orders)
        return {"id": str(700_000 + index), "order": order, "lines": order["lines"][:1], "state": chance.randrange(3)}


def _body(request: Request) -> Record:
    """The fields of a form or of a JSON object, as the content type says."""
    if "json" not in (header_of(request, "Content-Type") or ""):
        return dict(form_of(request))
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _Refused("请求参数不是合法的JSON")
    return body


def _asked(body: Record) -> Record:
    """`data`, as an object or as its JSON text."""
    asked = body["data"] if "data" in body else next(iter(body.get("parameters") or ()), None)
    if isinstance(asked, str):
        try:
            asked = json.loads(asked)
        except ValueError:
            asked = None
    if not isinstance(asked, dict):
        raise _Refused("参数data缺失或不是合法的JSON")
    return asked


def _whole(asked: Record, name: str) -> int:
    try:
        return int(asked.get(name) or 0)
    except (TypeError, ValueError):
        raise _Refused(f"{name}必须是整数") from None


def _known(stream: str, key: str) -> str:
    if key not in _FIELDS[stream]:
        raise _Refused(f"字段{key}不存在")
    return key


def _terms(stream: str, text: str) -> list[tuple[str, str, Any]]:
    terms = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        match = _TERM.fullmatch(part)
        if not match:
            raise _Refused(f"过滤条件{part}有语法错误")
        key, sign, quoted, number = match.groups()
        terms.append((_known(stream, key), sign, _plain(quoted) if quoted is not None else float(number)))
    for key, _, value in terms:
        if (_FIELDS[stream][key] == "number") != isinstance(value, float):
            raise _Refused(f"字段{key}的比较值类型不正确")
    return terms


def _plain(value: Any) -> Any:
    """What is compared: numbers as such, times without their `T` and to the millisecond."""
    if not isinstance(value, str):
        return float(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value + " 00:00:00.000"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", value):
        return (value.replace("T", " ") + ("" if "." in value else ".000")).ljust(23, "0")
    return value


def _ordered(stream: str, rows: list[Record], text: str) -> list[Record]:
    if not text.strip():
        changed = "FUpdateTime" if stream == "inventory" else "FModifyDate"
        return sorted(rows, key=lambda row: row[changed], reverse=True)
    for part in reversed(text.split(",")):
        key, _, way = part.strip().partition(" ")
        if way.strip().upper() not in ("", "ASC", "DESC"):
            raise _Refused(f"排序条件{part.strip()}有语法错误")
        known = _known(stream, key)
        rows = sorted(rows, key=lambda row, known=known: _plain(row[known]), reverse=way.strip().upper() == "DESC")
    return rows


def _failure(refused: _Refused) -> Record:
    errors = [{"FieldName": None, "Message": refused.message, "DIndex": 0}]
    status = {
        "ErrorCode": refused.code,
        "IsSuccess": False,
        "Errors": errors,
        "SuccessEntitys": [],
        "SuccessMessages": [],
        "MsgCode": refused.kind,
    }
    return {"Result": {"ResponseStatus": status}}


def _logged_in(result: int, message: str | None, session: str | None = None) -> Response:
    context = {"UserLocale": "zh-CN", "DataCenterName": "示例账套", "SessionId": session} if session else None
    return answer(
        {
            "Message": message,
            "MessageCode": "CheckPasswordPolicy",
            "LoginResultType": result,
            "Context": context,
            "KDSVCSessionId": session,
            "IsSuccessByAPI": result == 1,
        }
    )


# --- the rows -------------------------------------------------------------------------------------------------------


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, _BEIJING).strftime("%Y-%m-%dT%H:%M:%S")


def _day(time: float) -> str:
    return _text(time)[:10] + "T00:00:00"


def _state(record: Record) -> str:
    return _STATES[min(record["state"] + record["version"] - 1, len(_STATES) - 1)]


def _total(lines: list[Record]) -> float:
    return sum(line["quantity"] * line["price"] for line in lines) / 100


def _line(line: Record) -> Record:
    return {
        "FMaterialId.FNumber": f"TS-{line['item']}",
        "FMaterialName": line["title"],
        "FUnitID.FNumber": "Pcs",
        "FQty": float(line["quantity"]),
        "FTaxPrice": line["price"] / 100,
        "FAllAmount": line["quantity"] * line["price"] / 100,
    }


def _head(record: Record, number: str, customer: tuple[str, str]) -> Record:
    return {
        "FID": int(record["id"]),
        "FBillNo": number,
        "FDate": _day(record["created"]),
        "FDocumentStatus": _state(record),
        "FCustId.FNumber": customer[0],
        "FCustId.FName": customer[1],
        "FCreateDate": _text(record["created"]) + ".137",
        "FModifyDate": _text(record["modified"]) + ".423",
        "FNote": " " if record["version"] == 1 else f"第{record['version']}版",
        "FBillAllAmount": _total(record["lines"]),
    }


def _orders(order: Record) -> list[Record]:
    head = _head(order, f"XSDD{order['id']}", order["customer"])
    head = {**head, "FSaleOrgId.FNumber": "100", "FCloseStatus": "B" if order["version"] > 2 else "A"}
    return [{**head, "FSaleOrderEntry_FEntryID": line["id"], **_line(line)} for line in order["lines"]]


def _shipments(order: Record) -> list[Record]:
    if _state(order) != "C":
        return []
    head = {**_head(order, f"XSCKD{order['id']}", order["customer"]), "FID": int(order["id"]) + 300_000}
    more = {"FSrcBillNo": f"XSDD{order['id']}", "FStockID.FNumber": "CK001"}
    return [{**head, "FEntity_FENTRYID": line["id"] + 3_000_000, **more, **_line(line)} for line in order["lines"]]


def _returns(record: Record) -> list[Record]:
    head = _head(record, f"XSTHD{record['id']}", record["order"]["customer"])
    more = {"FSrcBillNo": f"XSDD{record['order']['id']}", "FReturnType.FNumber": "THLX01_SYS"}
    entry = int(record["id"]) * 10
    return [
        {**head, "FEntity_FENTRYID": entry + place, **more, **_line(line)} for place, line in enumerate(record["lines"])
    ]


def _materials(item: Record) -> list[Record]:
    row = {
        "FMATERIALID": int(item["id"]),
        "FNumber": f"TS-{item['id']}",
        "FName": item["title"],
        "FSpecification": "50ml",
        "FMaterialGroup.FName": "美妆",
        "FDocumentStatus": "C",
        "FForbidStatus": "A" if item["version"] < 4 else "B",
        "FBaseUnitId.FNumber": "Pcs",
        "FRefCost": (item["price"] // 3 + item["version"] - 1) / 100,
        "FCreateDate": _text(item["created"]) + ".137",
        "FModifyDate": _text(item["modified"]) + ".423",
    }
    return [row]


def _stock(item: Record) -> list[Record]:
    row = {
        "FID": str(uuid.UUID(int=int(item["id"]) << 64)),
        "FMaterialId.FNumber": f"TS-{item['id']}",
        "FMaterialName": item["title"],
        "FStockId.FNumber": "CK001",
        "FStockId.FName": "主仓",
        "FBaseQty": float(max(0, item["stock"] - item["version"] + 1)),
        "FBaseLockQty": 0.0,
        "FBaseUnitId.FNumber": "Pcs",
        "FUpdateTime": _text(item["modified"]) + ".423",
    }
    return [row]


def _kinds(row: Record) -> dict[str, str]:
    return {key: "text" if isinstance(value, str) else "number" for key, value in row.items()}


def _described() -> dict[str, dict[str, str]]:
    """The fields of every form and whether they are numbers, from a specimen of each."""
    times = {"created": 0.0, "modified": 0.0, "version": 1, "state": 2}
    lines = [{"id": 1, "item": "1", "title": "", "quantity": 1, "price": 1}]
    order = {**times, "id": "1", "lines": lines, "customer": _CUSTOMERS[0]}
    item = {**times, "id": "1", "title": "", "price": 3, "stock": 1}
    return {
        "orders": _kinds(_orders(order)[0]),
        "shipments": _kinds(_shipments(order)[0]),
        "refunds": _kinds(_returns({**order, "order": order})[0]),
        "items": _kinds(_materials(item)[0]),
        "inventory": _kinds(_stock(item)[0]),
    }


_FIELDS = _described()
