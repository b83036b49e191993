"""What Taobao's advertisements cost and brought, by day: 万相台 (onebp) and 直通车 (simba), on the gateway of `taobao`.

* onebp answers for one `biz_code` at a time; whoever forgets one of the five misses its campaigns without a word.
* simba's result is JSON in a text: a list of rows, `{}` where there is none, and an error object where something is wrong
  inside, although the envelope says all is well. Money of it is in 分 here, that of onebp in 元.
* Both are revised for weeks: what an advertisement brought is credited to the day of the click.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random
from typing import Any, ClassVar

from .taobao import DAY, Refusal, Top, asked, wrapped, written, wrong, yuan
from .world import Record, World

STRATEGIES = ("adStrategyDkx", "adStrategyShangXin", "adStrategyProductSpeed", "adStrategyRuHui", "adStrategyYuRe")
"""The values of `biz_code`."""
CAMPAIGNS = 6
WINDOWS = (3, 7, 15, 30)
"""Days after a click in which a purchase is credited to it (`effect`)."""


class TaobaoAds(Top):
    """An advertiser's account. Settings: app_key, app_secret, session, subway_token (直通车), url.

    A row has no id of its own: the id fields of a stream are two with a + between, and so are the keys of `truth`.
    Streams: `ad_daily` (onebp campaign daylist, `effect` 15), `ad_daily_simba` and `ad_effect_simba` (simba campaign
    base and effect, source SUMMARY).
    """

    name = "taobao_ads"
    streams: ClassVar[dict[str, str]] = {
        "ad_daily": "log_date+campaign_id",
        "ad_daily_simba": "date+campaignid",
        "ad_effect_simba": "date+campaignid",
    }

    def __init__(self, world: World, *, prefix: str = "", base: str = "http://fake", count: int = 60) -> None:
        super().__init__(world, prefix=prefix, base=base)
        self.subway_token = "1103075437-10498912-fictive"
        self.makers = {"ad_daily": self._row_made, "ad_simba": self._row_made}
        self._first = date.fromisoformat(written(world.clock.now())[:10]) - timedelta(days=1)
        now = world.clock.now()
        for kind, make in self.makers.items():
            if count and kind not in world.records:
                world.fill(kind, make, count, now - 3 * DAY, now - 600)
        self.methods |= {
            "taobao.onebp.dkx.report.report.campaign.daylist": self._daylist,
            "taobao.simba.login.authsign.get": lambda params: {"subway_token": self.subway_token},
            "taobao.simba.campaigns.get": self._campaigns,
            "taobao.simba.rpt.custbase.get": lambda params: self._simba(params, "rpt_cust_base_list", self._base),
            "taobao.simba.rpt.custeffect.get": lambda params: self._simba(params, "rpt_cust_effect_list", self._effect),
            "taobao.simba.rpt.campaignbase.get": lambda params: self._simba(
                params, "rpt_campaign_base_list", self._base
            ),
            "taobao.simba.rpt.campaigneffect.get": lambda params: self._simba(
                params, "rpt_campaign_effect_list", self._effect
            ),
        }

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "subway_token": self.subway_token}

    def truth(self, stream: str) -> dict[str, Record]:
        """Every row that is there now, by its two ids with a + between."""
        kind, show = {
            "ad_daily": ("ad_daily", lambda record: self._row(record, 15)),
            "ad_daily_simba": ("ad_simba", lambda record: _text(self._base([record]))),
            "ad_effect_simba": ("ad_simba", lambda record: _text(self._effect([record]))),
        }[stream]
        one, other = self.streams[stream].split("+")
        with self._lock:
            rows = [wrapped(show(record)) for record in self.world.records.get(kind, {}).values()]
            return {f"{row[one]}+{row[other]}": row for row in rows}

    # --- onebp --------------------------------------------------------------------------------------------------

    def _daylist(self, params: dict[str, str]) -> Record:
        """Rows of the campaigns of one strategy, day by day."""
        context, query = _object(params, "api_service_context"), _object(params, "report_query")
        if context.get("biz_code") not in STRATEGIES:
            raise wrong("api_service_context", "biz_code 取值不正确")
        if query.get("effect") not in WINDOWS:
            raise wrong("report_query", "effect 取值范围为 3,7,15,30")
        start, end = _days(query, self._today(), "report_query")
        campaigns = query.get("campaign_id_list")
        rows = [
            self._row(record, query["effect"])
            for record in self.world.records["ad_daily"].values()
            if start <= record["date"] <= end
            and STRATEGIES[record["campaign"] % 5] == context["biz_code"]
            and (campaigns is None or _campaign(record) in campaigns)
        ]
        rows.sort(key=lambda row: (row["log_date"], row["campaign_id"]))
        told: Record = {
            "success": True,
            "message": "成功",
            "total_count": len(rows),
            "report_result_top_d_t_o_list": rows,
        }
        return {"result": told}

    def _row(self, record: Record, effect: int) -> Record:
        """A row of onebp: numbers are texts, money is in 元. A longer window credits more purchases to the same clicks."""
        pv, click, charge, carts, deals, amount = self._numbers(record)
        direct, sold = deals // 2, amount * effect // 30
        return {
            "log_date": record["date"],
            "campaign_id": _campaign(record),
            "campaign_name": f"计划{record['campaign'] + 1}",
            "effect": effect,
            "ad_pv": str(pv),
            "click": str(click),
            "ctr": f"{click / pv:.4f}",
            "charge": yuan(charge),
            "ecpc": yuan(charge // max(click, 1)),
            "ecpm": yuan(charge * 1000 // pv),
            "car_num": str(carts),
            "dir_car_num": str(carts // 2),
            "indir_car_num": str(carts - carts // 2),
            "inshop_item_col_num": str(click // 30),
            "alipay_inshop_num": str(deals),
            "dir_alipay_inshop_num": str(direct),
            "indir_alipay_inshop_num": str(deals - direct),
            "alipay_inshop_amt": yuan(sold),
            "dir_alipay_inshop_amt": yuan(sold // 2),
            "indir_alipay_inshop_amt": yuan(sold - sold // 2),
            "alipay_inshop_amt_kuan": yuan(sold * 11 // 10),
            "alipay_inshop_num_kuan": str(deals * 11 // 10),
            "cvr": f"{deals / max(click, 1):.4f}",
            "roi": f"{sold / charge:.2f}",
            "prepay_inshop_amt": yuan(0),
            "prepay_inshop_num": "0",
        }

    # --- simba --------------------------------------------------------------------------------------------------

    def _campaigns(self, params: dict[str, str]) -> Record:
        told = [
            {"campaign_id": 90_000_001 + n, "nick": self.seller, "title": f"直通车计划{n + 1}"}
            for n in range(CAMPAIGNS)
        ]
        return {"campaigns": told}

    def _simba(self, params: dict[str, str], name: str, show: Any) -> Record:
        """Rows by campaign or of the whole account, as JSON in a text."""
        for one in ("start_time", "end_time", "subway_token", "source"):
            asked(params, one)
        start, end = _days(params, self._today(), "end_time")
        source = params["source"]
        if source != "SUMMARY" and not set(source.split(",")) <= {"1", "2", "4", "5"}:
            raise wrong("source", "source 取值不正确")
        if params["subway_token"] != self.subway_token:
            said = {
                "code": 15,
                "msg": "Remote service error",
                "sub_code": "isv.invalid-token",
                "sub_msg": "subway_token 无效",
            }
            return {name: json.dumps(said, ensure_ascii=False)}
        page, size = (_positive(params, one, default) for one, default in (("page_no", 1), ("page_size", 500)))
        if size > 500:
            raise wrong("page_size", "page_size 最大 500")
        campaign = int(asked(params, "campaign_id")) if name.startswith("rpt_campaign") else None
        together: dict[tuple[str, str], list[Record]] = {}
        for record in sorted(self.world.records["ad_simba"].values(), key=lambda one: (one["date"], one["campaign"])):
            under = "SUMMARY" if source == "SUMMARY" else record["source"]
            told = under in (*source.split(","), "SUMMARY") and campaign in (None, _simba_campaign(record))
            if told and start <= record["date"] <= end:
                together.setdefault((record["date"], under), []).append(record)
        rows = [_text({**show(records), "source": under}) for (_, under), records in together.items()]
        if campaign is None:
            rows = [{key: value for key, value in row.items() if key != "campaignid"} for row in rows]
        shown = rows[(page - 1) * size : page * size]
        return {name: json.dumps(shown, ensure_ascii=False) if shown else "{}"}

    def _base(self, records: list[Record]) -> Record:
        """What was shown and clicked, and its cost in 分."""
        pv, click, charge, *_ = (sum(parts) for parts in zip(*map(self._numbers, records), strict=True))
        return {
            **self._head(records),
            "impressions": pv,
            "click": click,
            "cost": charge,
            "ctr": f"{click * 100 / pv:.2f}",
            "cpc": charge // max(click, 1),
            "cpm": charge * 1000 // pv,
            "avgpos": "3",
        }

    def _effect(self, records: list[Record]) -> Record:
        """What the clicks brought, in 分."""
        _, click, _, carts, deals, amount = (sum(parts) for parts in zip(*map(self._numbers, records), strict=True))
        return {
            **self._head(records),
            "directpay": amount // 2,
            "indirectpay": amount - amount // 2,
            "directpaycount": deals // 2,
            "indirectpaycount": deals - deals // 2,
            "favitemcount": click // 30,
            "favshopcount": click // 60,
            "carttotal": carts,
        }

    def _head(self, records: list[Record]) -> Record:
        one = records[0]
        head = {"date": one["date"], "campaignid": _simba_campaign(one), "nick": self.seller}
        return {**head, "searchtype": "SUMMARY", "source": "SUMMARY"}

    # --- rows ---------------------------------------------------------------------------------------------------

    def _numbers(self, record: Record) -> tuple[int, int, int, int, int, int]:
        """Shown, clicked, cost, put into carts, bought, its amount; every revision adds a cent and a purchase."""
        more = record["version"] - 1
        return (
            record["pv"],
            record["click"],
            record["charge"] + more,
            record["carts"],
            record["deals"] + more,
            record["amount"] + 9900 * more,
        )

    def _row_made(self, random: Random, index: int) -> Record:
        campaign, back = index % CAMPAIGNS, index // CAMPAIGNS
        day = (self._first - timedelta(days=back)).isoformat()
        pv = random.randint(2000, 90_000)
        click = pv * random.randint(10, 60) // 1000
        deals = click * random.randint(5, 40) // 1000
        return {
            "id": f"{campaign}|{day}",
            "campaign": campaign,
            "date": day,
            "source": random.choice("1245"),
            "pv": pv,
            "click": click,
            "charge": click * random.randint(60, 350) + 1,
            "carts": click // 12,
            "deals": deals,
            "amount": deals * random.randint(5900, 25_900),
        }

    def _today(self) -> str:
        return written(self.world.clock.now())[:10]


def _campaign(record: Record) -> int:
    return 2_821_811_599 + record["campaign"]


def _simba_campaign(record: Record) -> int:
    return 90_000_001 + record["campaign"]


def _text(row: Record) -> Record:
    """A row of simba, where every value is text."""
    return {key: str(value) for key, value in row.items()}


def _object(params: dict[str, str], name: str) -> Record:
    """A parameter that holds a JSON object."""
    try:
        told = json.loads(asked(params, name))
    except ValueError:
        raise wrong(name, "json 格式不正确") from None
    if not isinstance(told, dict):
        raise wrong(name, "json 格式不正确")
    return told


def _days(told: Record, today: str, name: str) -> tuple[str, str]:
    """From and to as dates; no day that is still running."""
    start, end = str(told.get("start_time", "")), str(told.get("end_time", ""))
    for one in (start, end):
        try:
            whole = date.fromisoformat(one).isoformat() == one
        except ValueError:
            whole = False
        if not whole:
            raise wrong(name, "日期格式应为 yyyy-MM-dd")
    if start > end:
        raise wrong(name, "结束日期不能早于开始日期")
    if end >= today:
        raise Refusal(15, "Remote service error", "isv.invalid-parameter", "结束日期必须早于今天")
    return start, end


def _positive(params: dict[str, str], name: str, default: int) -> int:
    told = params.get(name) or str(default)
    if not told.isascii() or not told.isdigit() or int(told) < 1:
        raise wrong(name, f"{name} 应为正整数")
    return int(told)
