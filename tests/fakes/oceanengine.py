"""A simulated Ocean Engine (巨量引擎): the Qianchuan report of plans and goods, and tokens that rotate together.

Requests carry no signature, only the header `Access-Token`. The report adds up what happened in the window by the
dimensions asked for; ratios come from the sums. How wide a window may be is not documented for this report: `span_days`.
"""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from engine.connector import Request, Response, TryAgain

from .world import Bucket, Record, World, answer, header_of, path_of, query_of

DAY = 86_400
BEIJING = timezone(timedelta(hours=8))
REPORT = "/open_api/v1.0/qianchuan/report/uni_promotion/data/get/"
SIZES = (10, 20, 50, 100, 200)
TOPICS = {
    "SITE_PROMOTION_PRODUCT_AD": ("stat_time_day", "ad_id", "ad_name", "product_id"),
    "SITE_PROMOTION_PRODUCT_PRODUCT": ("stat_time_day", "product_id", "product_name"),
}
SUMS = {  # metric: (where it is kept, how many of its units make one)
    "stat_cost_for_roi2": ("cost", 100),
    "total_pay_order_gmv_for_roi2": ("gmv", 100),
    "total_pay_order_coupon_amount_for_roi2": ("coupon", 100),
    "total_pay_order_count_for_roi2": ("orders", 1),
    "product_show_count_for_roi2": ("shows", 1),
    "product_click_count_for_roi2": ("clicks", 1),
}
RATIOS = {
    "total_prepay_and_pay_order_roi2": ("gmv", "cost", 1),
    "total_cost_per_pay_order_for_roi2": ("cost", "orders", 100),
}
TITLES = ("控油洗发水", "冻干咖啡", "无痕内裤 5条装", "儿童护眼台灯")


class _Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


def make_fact(luck: random.Random, n: int) -> Record:
    """What one plan did in one stretch of time: money in 分."""
    shows, orders = luck.randint(200, 20_000), luck.randint(0, 12)
    return {
        "id": n,
        "plan": luck.randrange(12),
        "shows": shows,
        "clicks": shows // luck.randint(20, 60),
        "cost": luck.randint(500, 90_000),
        "orders": orders,
        "gmv": orders * 100 * luck.randint(29, 399),
        "coupon": orders * luck.choice((0, 500)),
    }


def _dimensions(record: Record) -> dict[str, str]:
    plan = record["plan"]
    return {
        "stat_time_day": datetime.fromtimestamp(record["created"], BEIJING).strftime("%Y-%m-%d"),
        "ad_id": str(1_852_831_850_913_418 + 7 * plan),
        "ad_name": f"商品全域_{TITLES[plan % 4]}_{plan:02d}",
        "product_id": str(3_612_345_678_901_234_567 + plan % 4),
        "product_name": TITLES[plan % 4],
    }


def _sums(records: list[Record]) -> dict[str, int]:
    """What records come to together; every later version of one has cost 100 分 and shown 10 times more."""
    kept = ("shows", "clicks", "cost", "orders", "gmv", "coupon")
    sums = {name: sum(record[name] for record in records) for name in kept}
    more = sum(record["version"] - 1 for record in records)
    return {**sums, "cost": sums["cost"] + 100 * more, "shows": sums["shows"] + 10 * more}


def _metric(name: str, sums: dict[str, int]) -> float | int:
    if name in SUMS:
        kept, unit = SUMS[name]
        return sums[kept] if unit == 1 else sums[kept] / unit
    over, under, unit = RATIOS[name]
    return round(sums[over] / sums[under] / unit, 2) if sums[under] else 0


class OceanEngine:
    """Ocean Engine's API. `with:` of a source is `settings()`: app_id, secret, access_token, refresh_token, advertiser_id,
    `url` (the origin; paths start with /open_api/) and `token_url`.

    The id of a row of `ad_daily` is a pair: its two paths stand with a `+` between them, as do its two values in `truth`.
    Unless `order_by` says otherwise, rows come by the first metric, the largest first: pages slip when figures grow.
    """

    name = "oceanengine"
    streams = {"ad_daily": "dimensions.stat_time_day+dimensions.ad_id"}  # noqa: RUF012
    makers = {"ad_daily": make_fact}  # noqa: RUF012

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake") -> None:
        self.world, self.prefix, self.base = world, prefix, base
        self.app_id, self.secret, self.advertiser_id = "1790000000000001", "oeSecret0123456789", "1852831850913418"
        self.token_seconds, self.refresh_seconds = 86_400.0, 30.0 * DAY
        self.span_days = 30
        self.daily_quota: int | None = None
        self.rate: tuple[int, float] | None = None
        self.faults: list[str | int] = []
        self.codes = {"oeAuthCode0001": world.clock.now() + 600}
        self._lock = threading.RLock()
        self._buckets: dict[tuple[str, tuple[int, float]], Bucket] = {}
        self._used: dict[int, int] = {}
        self._issued = self._asked = 0
        self._former: set[str] = set()
        self._issue()
        world.makers.setdefault("ad_daily", make_fact)

    def fill(self, facts: int = 240, days: float = 10) -> None:
        """Let plans do that many things in the last days."""
        now = self.world.clock.now()
        self.world.fill("ad_daily", make_fact, facts, now - days * DAY, now - 600)

    def settings(self) -> dict[str, Any]:
        return {
            "app_id": self.app_id,
            "secret": self.secret,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "advertiser_id": self.advertiser_id,
            "url": f"{self.base}{self.prefix}",
            "token_url": f"{self.base}{self.prefix}/open_api/oauth2/refresh_token/",
        }

    def truth(self, stream: str) -> dict[str, Record]:
        """Plans by day, with every dimension and metric there is."""
        if stream != "ad_daily":
            raise KeyError(stream)
        with self._lock:
            rows = self._rows(list(self._facts()), TOPICS["SITE_PROMOTION_PRODUCT_AD"], (*SUMS, *RATIOS))
        return {f"{row['dimensions']['stat_time_day']}+{row['dimensions']['ad_id']}": row for row in rows}

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.world.tick()
            self._asked += 1
            told: Record = {"request_id": f"202610050000{self._asked:020d}"}
            try:
                planned = self._planned()
                if planned:
                    return planned
                return answer({"code": 0, "message": "OK", **told, "data": self._answered(request)})
            except _Refused as refused:
                return answer({"code": refused.code, "message": refused.message, **told, "data": {}})

    def _planned(self) -> Response | None:
        trouble = self.faults.pop(0) if self.faults else None
        if trouble == "timeout":
            raise TryAgain("timed out")
        if trouble == "busy":
            raise _Refused(50000, "系统错误，请稍后重试")
        if trouble == "ban":
            raise _Refused(40100, "请求过于频繁，请稍后再试")
        if isinstance(trouble, int):
            told = (("retry-after", "1"),) if trouble == 429 else ()
            return Response(trouble, (("content-type", "text/plain"), *told), b"unavailable")
        return None

    def _answered(self, request: Request) -> Record:
        path = path_of(request).removeprefix(self.prefix)
        calls = {
            ("POST", "/open_api/oauth2/access_token/"): self._exchange,
            ("POST", "/open_api/oauth2/refresh_token/"): self._refresh,
            ("GET", REPORT): self._report,
        }
        call = calls.get((request.method, path))
        if call is None:
            known = path in {one for _, one in calls}
            raise _Refused(40000, "请求方法不支持" if known else "接口不存在或已下线")
        return call(request)

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _issue(self) -> None:
        """A new pair; both of the former are dead from now on."""
        if self._issued:
            self._former |= {self.access_token, self.refresh_token}
        self._issued += 1
        self.access_token, self.refresh_token = f"oeAccess{self._issued:04d}", f"oeRefresh{self._issued:04d}"
        self._granted = self.world.clock.now()

    def _told_tokens(self) -> Record:
        return {
            "access_token": self.access_token,
            "expires_in": int(self.token_seconds),
            "refresh_token": self.refresh_token,
            "refresh_token_expires_in": int(self.refresh_seconds),
            "advertiser_ids": [int(self.advertiser_id)],
        }

    def _app(self, request: Request) -> Record:
        try:
            asked = json.loads(request.body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise _Refused(40001, "参数错误: 请求体不是合法的JSON")
        if (str(asked.get("app_id")), asked.get("secret")) != (self.app_id, self.secret):
            raise _Refused(40101, "app_id 或 secret 错误")
        return asked

    def _exchange(self, request: Request) -> Record:
        if self.codes.pop(self._app(request).get("auth_code", ""), 0.0) <= self.world.clock.now():
            raise _Refused(40108, "auth_code 无效或已过期")
        self._issue()
        return self._told_tokens()

    def _refresh(self, request: Request) -> Record:
        asked = self._app(request)
        if asked.get("grant_type", "refresh_token") != "refresh_token":
            raise _Refused(40001, "参数错误: grant_type")
        if asked.get("refresh_token") != self.refresh_token:
            raise _Refused(40107, "refresh_token 无效")
        if self.world.clock.now() >= self._granted + self.refresh_seconds:
            raise _Refused(40103, "refresh_token 已过期")
        self._issue()
        return self._told_tokens()

    def _check(self, request: Request) -> None:
        token = header_of(request, "Access-Token")
        if not token:
            raise _Refused(40104, "access_token 为空")
        if token != self.access_token:
            raise (
                _Refused(40102, "access_token 已过期")
                if token in self._former
                else _Refused(40105, "access_token 错误")
            )
        if self.world.clock.now() >= self._granted + self.token_seconds:
            raise _Refused(40102, "access_token 已过期")
        day = int((self.world.clock.now() + 8 * 3600) // DAY)
        self._used[day] = self._used.get(day, 0) + 1
        if self.daily_quota is not None and self._used[day] > self.daily_quota:
            raise _Refused(40110, "当日请求次数超过限制")
        if self.rate and self._buckets.setdefault((REPORT, self.rate), Bucket(self.world.clock, *self.rate)).over():
            raise _Refused(40100, "请求过于频繁，请稍后再试")

    # --- the report -----------------------------------------------------------------------------------------------

    def _report(self, request: Request) -> Record:
        self._check(request)
        asked = query_of(request)
        if asked.get("advertiser_id") != self.advertiser_id:
            known = bool(asked.get("advertiser_id"))
            raise _Refused(40002, "没有权限访问该账户") if known else _Refused(40001, "参数错误: advertiser_id 缺失")
        topic = asked.get("data_topic", "")
        if topic not in TOPICS:
            raise _Refused(40001, "参数错误: data_topic")
        dimensions = _names(asked, "dimensions", TOPICS[topic])
        metrics = _names(asked, "metrics", (*SUMS, *RATIOS))
        page, size = _whole(asked, "page", 1), _whole(asked, "page_size", 10)
        if page < 1 or size not in SIZES:
            raise _Refused(40001, "参数错误: page_size 只能为 10, 20, 50, 100, 200" if page > 0 else "参数错误: page")
        rows = self._rows(self._filtered(asked, topic, self._window(asked)), dimensions, metrics)
        rows = _ordered(asked, rows, dimensions, metrics)
        told = {"page": page, "page_size": size, "total_page": -(-len(rows) // size), "total_number": len(rows)}
        return {"rows": rows[(page - 1) * size : page * size], "page_info": told}

    def _facts(self) -> list[Record]:
        return list(self.world.records.get("ad_daily", {}).values())

    def _window(self, asked: dict[str, str]) -> list[Record]:
        start, end = _moment(asked, "start_time"), _moment(asked, "end_time")
        if end < start or end - start > self.span_days * DAY:
            raise _Refused(40001, f"参数错误: 查询时间跨度不能超过{self.span_days}天")
        return [record for record in self._facts() if start <= record["created"] <= end]

    def _filtered(self, asked: dict[str, str], topic: str, records: list[Record]) -> list[Record]:
        """What passes every filter; operator 7 is `one of`, the only one for ids."""
        for one in _listed(asked, "filters") if "filters" in asked else []:
            if not isinstance(one, dict) or one.get("field") not in TOPICS[topic] or one.get("operator") != 7:
                raise _Refused(40001, "参数错误: filters")
            values = one.get("values")
            if not isinstance(values, list):
                raise _Refused(40001, "参数错误: filters")
            field = one["field"]
            records = [record for record in records if _dimensions(record)[field] in map(str, values)]
        return records

    def _rows(self, records: list[Record], dimensions: tuple[str, ...], metrics: tuple[str, ...]) -> list[Record]:
        groups: dict[tuple[str, ...], list[Record]] = {}
        for record in records:
            every = _dimensions(record)
            groups.setdefault(tuple(every[name] for name in dimensions), []).append(record)
        rows = []
        for values, members in groups.items():
            sums = _sums(members)
            told = {name: _metric(name, sums) for name in metrics}
            rows.append({"dimensions": dict(zip(dimensions, values, strict=True)), "metrics": told})
        return rows


def _listed(asked: dict[str, str], name: str) -> list[Any]:
    """A parameter that is a JSON list in a text."""
    try:
        value = json.loads(asked.get(name, ""))
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise _Refused(40001, f"参数错误: {name}")
    return value


def _names(asked: dict[str, str], name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = _listed(asked, name)
    if not names or any(one not in known for one in names):
        raise _Refused(40001, f"参数错误: {name}")
    return tuple(names)


def _whole(asked: dict[str, str], name: str, default: int) -> int:
    value = asked.get(name, str(default))
    if not value.isdigit():
        raise _Refused(40001, f"参数错误: {name}")
    return int(value)


def _moment(asked: dict[str, str], name: str) -> float:
    try:
        naive = datetime.strptime(asked.get(name, ""), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise _Refused(40001, f"参数错误: {name} 格式应为 yyyy-MM-dd HH:mm:ss") from None
    return naive.replace(tzinfo=BEIJING).astimezone(UTC).timestamp()


def _ordered(
    asked: dict[str, str], rows: list[Record], dimensions: tuple[str, ...], metrics: tuple[str, ...]
) -> list[Record]:
    """Rows by `order_by` (type 1 downwards, 0 upwards); rows that are equal by that come in no order to rely on."""
    wanted = _listed(asked, "order_by") if "order_by" in asked else [{"field": metrics[0], "type": 1}]
    for one in reversed(wanted):
        field, down = (one.get("field"), one.get("type")) if isinstance(one, dict) else (None, None)
        if field not in (*dimensions, *metrics) or down not in (0, 1):
            raise _Refused(40001, "参数错误: order_by")
        group = "dimensions" if field in dimensions else "metrics"
        rows = sorted(rows, key=lambda row, group=group, field=field: row[group][field], reverse=down == 1)
    return rows
