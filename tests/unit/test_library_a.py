"""The library's connectors of Taobao, its advertisements, JD, Douyin and Pinduoduo, against platforms that check everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes.doudian import Doudian
from fakes.jd import Jd
from fakes.pdd import Pdd
from fakes.taobao import Taobao
from fakes.taobao_ads import TaobaoAds
from fakes.world import World
from library_once import loaded_once  # noqa: F401

from engine.connector import GiveUp, Request, Response
from engine.diagnostic import Findings
from engine.testing import Case, check_all, check_complete, check_incremental, check_offline, with_page_size

DAY = 86400.0
SECRETS = ("app_secret", "client_secret", "session", "access_token", "refresh_token", "subway_token")

Fake = Any
Keep = Callable[[Fake, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Reads:
    """A stream of a connector, and what of the fake's truth it gives."""

    connector: str
    make: Callable[..., Fake]
    stream: str
    truth: str
    newest_by: str | None = None
    keep: Keep = lambda fake, record: True
    days: float = 3.01
    settle: float = 7200.0
    ignore: frozenset[str] = frozenset()
    churns: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.connector}.{self.stream}" + "".join(f"-{one}" for one in self.options.values())


def banner(*names: str) -> Keep:
    return lambda fake, item: fake.world.records["items"][str(item["num_iid"])]["banner"] in names


def long_ago(fake: Fake, trade: Mapping[str, Any]) -> bool:
    return fake.world.records["orders"][str(trade["tid"])]["created"] < fake.world.clock.now() - 90 * DAY


def old_trades(world: World) -> Taobao:
    """A shop whose trades were made between half a year and three months ago; a few are younger."""
    fake, now = Taobao(world, count=0), world.clock.now()
    world.fill("items", fake.makers["items"], 5, now - 300 * DAY, now - 600)
    world.fill("orders", fake.makers["orders"], 40, now - 120 * DAY, now - 80 * DAY)
    return fake


BANNER = frozenset({"banner"})
WAITING = ("off_shelf", "never_on_shelf", "regular_shelved")
WHOLE: dict[str, Any] = {"settle": DAY + 3600}
"""For streams that are read as a whole once a day."""
ADS: dict[str, Any] = {"days": 12, "settle": DAY}

READS = [
    Reads("taobao", Taobao, "orders", "orders", "modified"),
    # Trades that old are told again by `orders` when they change, so nothing changes here.
    Reads("taobao", old_trades, "orders_history", "orders", "modified", long_ago, days=125, settle=DAY, churns=False),
    Reads("taobao", Taobao, "refunds", "refunds", "modified"),
    Reads("taobao", Taobao, "items", "items", "modified", ignore=BANNER, **WHOLE),
    Reads("taobao", Taobao, "inventory", "inventory", "modified", banner("onsale", *WAITING), ignore=BANNER, **WHOLE),
    Reads("taobao", Taobao, "shipments", "shipments", "modified"),
    Reads("taobao_ads", TaobaoAds, "ad_daily", "ad_daily", ignore=frozenset({"biz_code"}), **ADS),
    Reads("taobao_ads", TaobaoAds, "ad_daily_simba", "ad_daily_simba", **ADS),
    Reads("taobao_ads", TaobaoAds, "ad_effect_simba", "ad_effect_simba", **ADS),
    Reads("jd", Jd, "orders", "orders", "modified"),
    Reads("jd", Jd, "refunds", "refunds", "checkTime"),
    Reads("jd", Jd, "after_sales", "after_sales", "sameOrderServiceBill.approveDate"),
    Reads("jd", Jd, "after_sales", "after_sales", "sameOrderServiceBill.approveDate", options={"by": "apply"}),
    Reads("jd", Jd, "items", "items", "modified", **WHOLE),
    Reads("jd", Jd, "inventory", "inventory", "modified", **WHOLE),
    Reads("doudian", Doudian, "orders", "orders", "update_time"),
    Reads("doudian", Doudian, "refunds", "refunds", "aftersale_info.update_time"),
    Reads("doudian", Doudian, "items", "items", "update_time", **WHOLE),
    Reads("doudian", Doudian, "inventory", "inventory", "update_time", **WHOLE),
    Reads("doudian", Doudian, "settlements", "settlements", "settle_time"),
    Reads("pdd", Pdd, "orders", "orders", "updated_at"),
    Reads("pdd", Pdd, "refunds", "refunds", "updated_time"),
    Reads("pdd", Pdd, "items", "items", **WHOLE),
    Reads("pdd", Pdd, "inventory", "inventory", ignore=frozenset({"request_id"}), **WHOLE),
]
EACH = ("taobao.refunds", "taobao_ads.ad_daily", "jd.orders", "doudian.orders", "pdd.orders")
ONE_EACH = [one for one in READS if str(one) in EACH]
"""A stream of every platform."""
PROMPT = [one for one in READS if one.settle < DAY]
"""Streams of which a run finds a change at once."""

streams = pytest.mark.parametrize("reads", READS, ids=str)
platforms = pytest.mark.parametrize("reads", ONE_EACH, ids=str)


def case_of(reads: Reads, fake: Fake = None, *, without: tuple[str, ...] = (), **world: int) -> Case:
    """The stream against a fake; its settings but those that are left out."""
    fake = fake or reads.make(World(**world), **({} if reads.make is old_trades else {"count": 40}))
    simplified = {"simplified": True} if reads.connector == "taobao" else {}

    def truth() -> dict[str, Any]:
        there = fake.truth(reads.truth, **simplified)
        return {key: record for key, record in there.items() if reads.keep(fake, record)}

    if reads.settle >= DAY:
        fake.token_seconds = 365 * DAY  # the clock of some checks runs on for weeks
    told = fake.settings()
    return Case(
        connector=reads.connector,
        settings={name: value for name, value in told.items() if name not in without},
        stream=reads.stream,
        platform=fake,
        clock=fake.world.clock,
        truth=truth,
        key=fake.streams[reads.truth],
        newest_by=reads.newest_by,
        since=fake.world.clock.now() - reads.days * DAY,
        options=reads.options,
        secrets=[told[name] for name in SECRETS if name in told],
        settle=reads.settle,
        calm=lambda: setattr(fake.world, "churn", 0),
        ignore=reads.ignore,
    )


# --- every stream -------------------------------------------------------------------------------------------------


@streams
def test_is_read_to_the_last_record_while_it_changes(reads: Reads) -> None:
    case = case_of(reads, churn=3 if reads.churns else 0, changes=30)
    check_offline(case)
    driver = check_complete(case)
    assert case.truth(), "the fake has nothing of the kind"
    fields = driver.source.preset.value["streams"][reads.stream]["fields"]  # type: ignore[union-attr]
    unknown = {one for record in driver.records for one in undeclared(record, fields)}
    assert not unknown, "fields and states that are served are declared"


def undeclared(record: Mapping[str, Any], fields: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """What of a record its declared fields do not tell: names, and values of those whose values are listed."""
    for name, value in record.items():
        known = fields.get(name)
        if known is None:
            yield f"{at}{name}"
        elif "values" in known and value is not None and str(value) not in known["values"]:
            yield f"{at}{name}: {value}"
        elif "of" in known:
            for one in value if isinstance(value, list) else [value]:
                yield from undeclared(one, known["of"], f"{at}{name}.")


@pytest.mark.slow
@streams
def test_holds_all_that_connectors_have_to(reads: Reads, tmp_path: Path) -> None:
    check_all(case_of(reads), tmp_path=tmp_path)


@pytest.mark.slow
@streams
def test_loses_nothing_at_any_size_of_pages_while_it_changes(reads: Reads) -> None:
    for size in (2, 5):
        case = case_of(reads, churn=2 if reads.churns else 0, changes=60)
        source = with_page_size(case.source(), reads.stream, size)
        check_complete(case, case.driver(source))


@pytest.mark.slow
@pytest.mark.parametrize("reads", [one for one in PROMPT if one.churns], ids=str)
def test_finds_a_change_with_few_requests(reads: Reads) -> None:
    case = case_of(reads)
    world = case.platform.world  # type: ignore[attr-defined]
    check_incremental(case, lambda: [world.touch(kind, min(there)) for kind, there in world.records.items()])


# --- quotas, bans, secrets ----------------------------------------------------------------------------------------


@platforms
def test_quota_of_the_day(reads: Reads) -> None:
    case = case_of(reads)
    fake, driver = case.platform, case.driver()
    fake.daily_quota = 1  # type: ignore[attr-defined]
    driver.run()
    assert {one.code for one in driver.diagnostics} == {"quota-used-up"}
    told, warned = len(driver.records), len(driver.diagnostics)
    fake.daily_quota = None  # type: ignore[attr-defined]
    case.clock.sleep(DAY)
    check_complete(case, driver)
    assert len(driver.records) > told
    assert len(driver.diagnostics) == warned, "not again the day after"


@platforms
def test_ban_is_waited_for(reads: Reads) -> None:
    case = case_of(reads)
    case.platform.faults += ["ban"]  # type: ignore[attr-defined]
    before = case.clock.now()
    driver = case.driver()
    driver.run()
    assert case.clock.now() - before >= {"taobao": 2, "taobao_ads": 2, "jd": 5, "doudian": 2, "pdd": 2}[reads.connector]
    check_complete(case, driver)
    assert not driver.diagnostics


@pytest.mark.slow
@platforms
def test_pace_of_the_platform_is_kept(reads: Reads) -> None:
    case = case_of(reads)
    case.platform.rate = (3, 1.0)  # type: ignore[attr-defined]
    check_complete(case)


@platforms
def test_wrong_secret_is_told_once(reads: Reads) -> None:
    case = case_of(reads)
    name = "client_secret" if reads.connector == "pdd" else "app_secret"
    case.settings = {**case.settings, name: "wrong"}
    assert refused(case) == ("refused", 1)


# --- tokens -------------------------------------------------------------------------------------------------------


def refused(case: Case, keep: Path | None = None) -> tuple[str, int]:
    """The code of the one thing that is told, and how many requests it took."""
    driver = case.driver(keep=keep)
    with pytest.raises(GiveUp) as given_up:
        driver.run()
    (found,) = given_up.value.diagnostics
    return found.code, len(driver.client.sent)  # type: ignore[attr-defined]


@dataclass
class Watched:
    """A platform whose token ends while it is read: before request `ends_at`. Counts the requests for tokens."""

    fake: Fake
    ends: Callable[[Fake], None]
    ends_at: int = 3
    tokens: int = 0
    others: int = 0

    def __call__(self, request: Request) -> Response:
        if for_token(request):
            self.tokens += 1
        else:
            self.others += 1
            if self.others == self.ends_at:
                self.ends(self.fake)
        return self.fake(request)


def reads_of(connector: str, stream: str = "orders") -> Reads:
    return next(one for one in READS if (one.connector, one.stream) == (connector, stream))


def expired(fake: Fake) -> None:
    fake.issued = fake.world.clock.now() - fake.token_seconds


def taken_back(fake: Jd) -> None:
    """JD renews tokens only in the last day before they end: here the platform drops one in its last hour."""
    fake.access_token += "-taken-back"
    fake.issued = fake.world.clock.now() - fake.token_seconds + 3600


def for_token(request: Request) -> bool:
    return b"auth.token.refresh" in request.body or "/oauth2/" in request.url or "/token/" in request.url


def expiring(connector: str, stream: str) -> tuple[Case, Watched]:
    """A stream read with a token that comes from the platform's API and ends while it is read."""
    reads = reads_of(connector, stream)
    fake = reads.make(World(), count=40)
    fake.refreshable = True  # of which only Taobao makes something
    ends = taken_back if connector == "jd" else expired
    if connector == "jd":
        taken_back(fake)
    case = case_of(reads, fake, without=("session", "access_token"))
    case.platform = watched = Watched(fake, ends)
    return case, watched


@pytest.mark.parametrize(("connector", "stream"), [("taobao", "refunds"), ("jd", "orders"), ("doudian", "orders")])
def test_token_that_ends_is_renewed_once(connector: str, stream: str, tmp_path: Path) -> None:
    case, watched = expiring(connector, stream)
    driver = check_complete(case, case.driver(keep=tmp_path))
    assert watched.tokens == 2, "fetched once, renewed once"
    assert not driver.diagnostics
    # A later process goes on with what the last one kept: the refresh token of the settings may be dead by now.
    again = case.driver(keep=tmp_path)
    again.run()
    assert again.records
    assert watched.tokens == 2
    case.clock.sleep(7200)
    watched.ends(watched.fake)
    again.run()
    assert watched.tokens == 3, "renewed with the refresh token that was kept"


def test_token_of_a_self_built_doudian_app(tmp_path: Path) -> None:
    case = case_of(reads_of("doudian"), without=("access_token", "refresh_token"))
    fake = case.platform
    check_complete(case, case.driver(keep=tmp_path))
    expired(fake)
    check_complete(case, case.driver(keep=tmp_path))


def test_code_of_pdd_is_used_once(tmp_path: Path) -> None:
    case = case_of(reads_of("pdd", "items"), without=("access_token", "refresh_token"))
    case.settings = {**case.settings, "code": case.platform.code}  # type: ignore[attr-defined]
    check_complete(case, case.driver(keep=tmp_path))
    assert case.platform.code == "", "used up"  # type: ignore[attr-defined]
    check_complete(case, case.driver(keep=tmp_path))


def test_token_of_pdd_that_ends_has_to_be_given_anew(tmp_path: Path) -> None:
    case = case_of(reads_of("pdd", "items"), without=("access_token", "refresh_token"))
    case.settings = {**case.settings, "code": case.platform.code}  # type: ignore[attr-defined]
    check_complete(case, case.driver(keep=tmp_path))
    expired(case.platform)
    code, requests = refused(case, tmp_path)
    assert code == "token-refused"
    assert requests <= 2


@platforms
def test_token_that_was_given_and_ends(reads: Reads) -> None:
    case = case_of(reads, without=("refresh_token", "shop_id"))
    expired(case.platform)
    assert refused(case) == ("token-refused", 1)


def test_refresh_token_that_is_dead() -> None:
    for connector in ("taobao", "jd", "doudian"):
        case = case_of(reads_of(connector), without=("session", "access_token"))
        case.settings = {**case.settings, "refresh_token": "dead"}
        assert refused(case) == ("token-refused", 1), connector


@pytest.mark.parametrize(
    ("connector", "stream"), [("taobao", "refunds"), ("taobao_ads", "ad_daily"), ("doudian", "orders")]
)
def test_token_that_was_given_is_used_until_it_is_refused(connector: str, stream: str, tmp_path: Path) -> None:
    reads = reads_of(connector, stream)
    fake = reads.make(World(), count=40)
    fake.refreshable = True
    case = case_of(reads, fake)
    fake.token_seconds, case.platform = 7 * DAY, Watched(fake, expired, ends_at=2)
    driver = check_complete(case, case.driver(keep=tmp_path))
    assert case.platform.tokens == 1, "the given one was good for the first request"
    assert not driver.diagnostics


def test_given_token_of_jd_is_renewed_in_its_last_day(tmp_path: Path) -> None:
    """JD renews in the last day only: a token whose end is known is renewed in time, another is used until it ends."""
    fake = Jd(World(), count=40)
    fake.issued = fake.world.clock.now() - fake.token_seconds + 5 * DAY
    ends = int(fake.issued + fake.token_seconds)
    case = case_of(reads_of("jd"), fake)
    case.settings = {**case.settings, "access_token_ends": ends}
    case.platform = watched = Watched(fake, lambda _: None)
    driver = case.driver(keep=tmp_path)
    driver.run()
    assert watched.tokens == 0
    fake.world.clock.sleep(4.5 * DAY)
    driver.run()
    assert watched.tokens == 1
    fake.world.clock.sleep(DAY)
    check_complete(case, driver)
    assert watched.tokens == 1, "the end that was given is that of the first token"


@platforms
def test_without_any_token_nothing_is_asked(reads: Reads) -> None:
    case = case_of(reads, without=("session", "access_token", "refresh_token", "code", "shop_id"))
    with pytest.raises(Findings) as found:
        case.source()
    assert [one.code for one in found.value.diagnostics] == ["missing-one-of"]


# --- what a platform has of its own -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["md5", "hmac", "hmac-sha256"])
def test_ways_of_signing(how: str) -> None:
    case = case_of(reads_of("taobao"))
    case.settings, case.since = {**case.settings, "sign_method": how}, case.clock.now() - DAY / 2
    case.driver().run()
    if how != "hmac":
        case = case_of(reads_of("doudian"))
        case.settings = {**case.settings, "sign_method": how}
        check_complete(case)


def test_sizes_that_platforms_keep_to_themselves() -> None:
    """Spans and paces are settings: shorter ones change nothing about what is read."""
    for connector, stream in (
        ("doudian", "refunds"),
        ("jd", "refunds"),
        ("taobao", "refunds"),
        ("taobao_ads", "ad_daily"),
    ):
        case = case_of(reads_of(connector, stream))
        case.options = {"span": "12h" if stream == "refunds" else "2d"}
        case.settings = {**case.settings, **({"pace": "2/s"} if connector in ("doudian", "jd") else {})}
        driver = check_complete(case)
        assert driver.source.streams[stream].settings == case.options


def test_spans_and_paces_that_are_none() -> None:
    for options, settings in (({"span": "one day"}, {}), ({}, {"pace": "quick"})):
        case = case_of(reads_of("doudian"))
        case.options, case.settings = options, {**case.settings, **settings}
        with pytest.raises(GiveUp) as given_up:
            case.driver().run()
        assert [one.code for one in given_up.value.diagnostics] == ["bad-template"]
        assert "is no" in str(given_up.value.diagnostics[0])


def test_list_and_scene_of_each_record() -> None:
    for connector, stream, name in (("taobao", "items", "banner"), ("taobao_ads", "ad_daily", "biz_code")):
        driver = check_complete(case_of(reads_of(connector, stream)))
        known = driver.source.preset.value["streams"][stream]["for_each"][name]  # type: ignore[union-attr]
        assert {one[name] for one in driver.records} == set(known)


def test_types_that_are_not_listed_are_not_given() -> None:
    case = case_of(reads_of("taobao"))
    case.options = {"types": "fixed"}
    driver = case.driver()
    driver.run()
    assert {one["type"] for one in driver.records} == {"fixed"}


def test_wrapper_of_jd() -> None:
    case = case_of(reads_of("jd"))
    case.platform.wrapper = "paramOrderJSFQuery"  # type: ignore[attr-defined]
    case.settings = {**case.settings, "wrapper": "paramOrderJSFQuery"}
    check_complete(case)


def test_orders_of_jd_outside_its_cloud() -> None:
    case = case_of(reads_of("jd"))
    case.platform.in_cloud = False  # type: ignore[attr-defined]
    assert refused(case) == ("refused", 1)


def test_failure_inside_an_answer_of_jd() -> None:
    case = case_of(reads_of("jd"))
    case.options = {"states": "NO_SUCH_STATE"}
    assert refused(case) == ("refused", 1)


def test_failure_inside_an_answer_of_simba() -> None:
    case = case_of(next(one for one in READS if one.stream == "ad_daily_simba"))
    case.settings = {**case.settings, "subway_token": "wrong"}
    assert refused(case) == ("refused", 2), "the list of campaigns, and one report"


def test_old_envelope_of_doudian() -> None:
    case = case_of(reads_of("doudian"))
    case.platform.old_envelope = True  # type: ignore[attr-defined]
    check_complete(case)


def test_lucky_draws_of_pdd_are_among_orders() -> None:
    case = case_of(reads_of("pdd"))
    assert {one["is_lucky_flag"] for one in check_complete(case).records} == {1, 2}
