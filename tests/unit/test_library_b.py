"""Connectors of the library against simulated platforms: Kuaishou, Xiaohongshu, WeChat store, Ocean Engine, Jushuitan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fakes.jushuitan import Jushuitan
from fakes.kuaishou import Kuaishou
from fakes.oceanengine import RATIOS, SUMS, TOPICS, OceanEngine
from fakes.weixin_store import WeixinStore
from fakes.world import World
from fakes.xiaohongshu import Xiaohongshu
from library_once import loaded_once  # noqa: F401

from engine.connector import GiveUp, Request, Response
from engine.testing import (
    Case,
    Driver,
    check_complete,
    check_incremental,
    check_offline,
    check_page_sizes,
    check_resume,
    check_secrets,
    check_troubles,
    expect_truth,
    source_of,
    with_page_size,
)

DAY = 86_400


@dataclass(frozen=True)
class Told:
    """What the tests have to know of a stream: how much there is of it and since when, and what the platform allows."""

    newest_by: str | None
    count: int = 40
    days: float = 2.0
    settle: float = 7200.0
    sizes: tuple[int, ...] = (1, 2, 7)
    key: str | None = None
    ignore: frozenset[str] = frozenset()


@dataclass
class Platform:
    """What the tests have to know of a platform: its fake, its streams, and what its settings are called."""

    make: type[Any]
    streams: dict[str, Told]
    main: str
    secret: str
    expire: Callable[[Any], None]
    renewal: str
    ban: float
    secrets: tuple[str, ...]


def expire_granted(fake: Any) -> None:
    fake._granted -= fake.token_seconds


def expire_by_token(fake: Any) -> None:
    fake._granted_at[fake.access_token] -= fake.token_seconds


def expire_weixin(fake: Any) -> None:
    fake._ends_at[fake._token] = fake.world.clock.now()


_whole = Told("updateTime", settle=2.0 * DAY, sizes=(10, 20, 50))
_report = Told(None, count=60, days=1.5, sizes=(10, 20, 50), ignore=frozenset({"advertiser_id"}))

PLATFORMS = {
    "kuaishou": Platform(
        Kuaishou,
        {"orders": Told("orderBaseInfo.updateTime"), "refunds": Told("updateTime", count=90), "items": _whole},
        "orders", "sign_secret", expire_by_token, "/oauth2/refresh_token", 10.0,
        ("app_secret", "sign_secret", "access_token", "refresh_token"),
    ),
    "xiaohongshu": Platform(
        Xiaohongshu,
        {
            "orders": Told("updateTime", count=30, days=0.1),
            "refunds": Told("updatedAt", count=75, days=0.1),
            "settlements": Told("settleTime", count=80),
        },
        "orders", "app_secret", expire_by_token, "oauth.", 10.0, ("app_secret", "access_token", "refresh_token"),
    ),
    "weixin_store": Platform(
        WeixinStore,
        {
            "orders": Told("update_time"),
            "refunds": Told("update_time", count=90),
            "items": Told("edit_time", count=120, settle=2.0 * DAY),
            "shops": Told(None, settle=2.0 * DAY),
        },
        "orders", "secret", expire_weixin, "/cgi-bin/stable_token", 60.0, ("secret",),
    ),
    "oceanengine": Platform(
        OceanEngine,
        {
            "ad_daily": _report,
            "product_daily": replace(_report, key="dimensions.stat_time_day+dimensions.product_id"),
        },
        "ad_daily", "secret", expire_granted, "/oauth2/refresh_token/", 10.0,
        ("secret", "access_token", "refresh_token"),
    ),
    "jushuitan": Platform(
        Jushuitan,
        {
            "shops": Told(None, settle=2.0 * DAY),
            "orders": Told("modified"),
            "shipments": Told("modified", count=60),
            "refunds": Told("modified", count=90),
            "items": Told("modified", count=80),
            "inventory": Told("modified", count=80),
        },
        "orders", "app_secret", expire_granted, "/openWeb/auth/refreshToken", 12.0,
        ("app_secret", "access_token", "refresh_token"),
    ),
}  # fmt: skip
EVERY = [(name, stream) for name, platform in PLATFORMS.items() for stream in platform.streams]


def fake_of(name: str, stream: str = "", **world: Any) -> Any:
    """A platform with some records of the last days."""
    told = PLATFORMS[name].streams[stream or PLATFORMS[name].main]
    fake = PLATFORMS[name].make(World(**world))
    fake.fill(told.count, told.days)
    return fake


def truth_of(fake: Any, stream: str) -> dict[str, Any]:
    if stream != "product_daily":
        return dict(fake.truth(stream))
    rows = fake._rows(list(fake._facts()), TOPICS["SITE_PROMOTION_PRODUCT_PRODUCT"], (*SUMS, *RATIOS))
    return {f"{row['dimensions']['stat_time_day']}+{row['dimensions']['product_id']}": row for row in rows}


class Newest(Mapping[str, Any]):
    """The settings of a platform as they are when they are looked at: tokens that were exchanged stand there anew."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def __getitem__(self, name: str) -> Any:
        return self._fake.settings()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fake.settings())

    def __len__(self) -> int:
        return len(self._fake.settings())


def case_of(name: str, stream: str, fake: Any | None = None, **world: Any) -> Case:
    """A stream of a platform."""
    platform = PLATFORMS[name]
    told = platform.streams[stream]
    fake = fake or fake_of(name, stream, **world)
    settings = fake.settings()

    def calm() -> None:
        fake.world.churn = 0

    return Case(
        connector=name, settings=settings, stream=stream, platform=fake, clock=fake.world.clock,
        truth=lambda: truth_of(fake, stream), key=told.key or fake.streams[stream], newest_by=told.newest_by,
        since=fake.world.clock.now() - told.days * DAY - 600, secrets=[settings[one] for one in platform.secrets],
        settle=told.settle, calm=calm, ignore=told.ignore,
    )  # fmt: skip


def in_small_pages(case: Case, **more: Any) -> Driver:
    """A driver that needs several requests for a few records."""
    return case.driver(with_page_size(case.source(), case.stream, 10), **more)


def requests_for(case_driver: Driver, part: str) -> list[Request]:
    """Requests that were sent whose URL or body holds a text."""
    sent: list[Request] = case_driver.client.sent  # type: ignore[attr-defined]
    return [one for one in sent if part in one.url or part.encode() in one.body]


def after(fake: Any, count: int, happens: Callable[[], None]) -> Callable[[Request], Response]:
    """The platform, to which something happens right before its request number `count`, counted from 1."""
    seen = 0

    def asked(request: Request) -> Response:
        nonlocal seen
        seen += 1
        if seen == count:
            happens()
        return fake(request)

    return asked


# --- nothing is lost --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "stream"), EVERY)
def test_complete_while_records_change(name, stream):
    case = case_of(name, stream, churn=2, changes=15)
    check_offline(case)
    check_complete(case)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), EVERY)
def test_everything(name, stream, tmp_path):
    told = PLATFORMS[name].streams[stream]
    for check in (lambda case: check_page_sizes(case, told.sizes), check_troubles, check_resume):
        check(with_newest_settings(case_of(name, stream)))
    check_secrets(with_newest_settings(case_of(name, stream)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), EVERY)
def test_page_sizes_while_records_change(name, stream):
    for size in PLATFORMS[name].streams[stream].sizes:
        check_page_sizes(with_newest_settings(case_of(name, stream, churn=3, changes=40)), (size,))


def with_newest_settings(case: Case) -> Case:
    """A case in which every driver that starts from nothing starts with the token that is good then."""
    case.settings = Newest(case.platform)
    return case


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), [one for one in EVERY if one[1] != "product_daily"])
def test_changes_are_found_later(name, stream):
    fake = fake_of(name, stream)
    fake.token_seconds = 30 * DAY  # another token would count as a request
    case, told = case_of(name, stream, fake), PLATFORMS[name].streams[stream]
    world = case.platform.world  # type: ignore[attr-defined]
    # What is read whole, or as a report of days, is asked for in full each time.
    most = 1.0 if told.newest_by is None or told.settle > DAY else 0.6
    check_incremental(case, lambda: world.touch(stream, min(world.records[stream])), most=most)


# --- tokens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_expired_token_is_renewed_once(name, tmp_path):
    platform, fake = PLATFORMS[name], fake_of(name)
    case = case_of(name, platform.main, fake)
    driver = in_small_pages(case, platform=after(fake, 2, lambda: platform.expire(fake)), keep=tmp_path)
    driver.run()
    expect_truth(case, driver)
    # A token that the settings hold is used as it is; WeChat's is fetched first.
    assert len(requests_for(driver, platform.renewal)) == (2 if name == "weixin_store" else 1)


@pytest.mark.parametrize("name", ["kuaishou", "xiaohongshu", "oceanengine", "jushuitan"])
def test_a_refresh_token_alone_gets_a_token(name, tmp_path):
    platform, fake = PLATFORMS[name], fake_of(name)
    platform.expire(fake)  # Xiaohongshu gives another one only when the last one ends
    case = case_of(name, platform.main, fake)
    case.settings = {key: value for key, value in case.settings.items() if key != "access_token"}
    driver = check_complete(case, case.driver(keep=tmp_path))
    assert len(requests_for(driver, platform.renewal)) == 1


@pytest.mark.parametrize("name", PLATFORMS)
def test_renewed_tokens_survive_a_restart(name, tmp_path):
    platform, fake = PLATFORMS[name], fake_of(name)
    case = case_of(name, platform.main, fake)
    platform.expire(fake)
    first = case.driver(keep=tmp_path)
    first.run()
    assert len(requests_for(first, platform.renewal)) == 1
    fake.world.clock.sleep(3600)
    second = case.driver(keep=tmp_path)  # another process: it remembers nothing but what is on the disk
    second.run()
    assert requests_for(second, platform.renewal) == []
    fake.world.clock.sleep(8 * DAY)  # by now what the source's settings say is long dead
    fake.world.add(platform.main)
    fake.world.clock.sleep(3600)
    third = case.driver(keep=tmp_path)
    third.run()
    assert third.records


@pytest.mark.parametrize("name", ["kuaishou", "xiaohongshu", "oceanengine", "jushuitan"])
def test_a_token_from_elsewhere_is_used_as_it_is(name):
    fake = fake_of(name)
    case = case_of(name, PLATFORMS[name].main, fake)
    case.settings = {key: value for key, value in case.settings.items() if key != "refresh_token"}
    driver = check_complete(case)
    assert requests_for(driver, PLATFORMS[name].renewal) == []


def test_a_wechat_token_from_elsewhere_is_used_as_it_is():
    fake = fake_of("weixin_store")
    asked = {"grant_type": "client_credential", "appid": fake.appid, "secret": fake.secret}
    token = fake._stable_token(asked)["access_token"]
    case = case_of("weixin_store", "orders", fake)
    case.settings, case.settle = {"access_token": token, "url": case.settings["url"]}, 600
    driver = check_complete(case)
    assert requests_for(driver, "stable_token") == []


@pytest.mark.parametrize(
    ("name", "setting", "code", "more"),
    [
        ("xiaohongshu", "code", "xhsCode0001", {}),
        ("oceanengine", "auth_code", "oeAuthCode0001", {}),
        ("jushuitan", "code", "jstcode", {"code_url": "http://fake/openWeb/auth/getInitToken"}),
    ],
)
def test_a_code_is_changed_for_a_token_once(name, setting, code, more, tmp_path):
    fake = fake_of(name)
    case = case_of(name, PLATFORMS[name].main, fake)
    own = {key: value for key, value in case.settings.items() if key not in ("refresh_token", "access_token")}
    case.settings = {**own, **more, setting: code}
    check_complete(case, case.driver(keep=tmp_path))
    fake.world.clock.sleep(DAY)
    case.driver(keep=tmp_path).run()  # the code is used up: only what is on the disk goes on


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_quota_of_the_day_is_taken_up_tomorrow(name, tmp_path):
    fake = fake_of(name)
    case = case_of(name, PLATFORMS[name].main, fake)
    whole = in_small_pages(case, keep=tmp_path)
    whole.run()
    fake.daily_quota = sum(fake._used.values()) + len(requests_for(whole, "")) // 2
    driver = in_small_pages(case, keep=tmp_path)
    driver.run()
    assert {one.code for one in driver.diagnostics} == {"quota-used-up"}
    assert len(requests_for(driver, "")) < len(requests_for(whole, ""))
    fake.world.clock.sleep(DAY)
    driver.run()
    expect_truth(case, driver)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_ban_is_waited_out(name):
    platform, fake = PLATFORMS[name], fake_of(name)
    case = case_of(name, platform.main, fake)
    at: list[float] = []

    def ban() -> None:
        fake.faults.append("ban")
        at.append(fake.world.clock.now())

    driver = in_small_pages(case, platform=after(fake, 3, ban))
    driver.run()
    assert fake.world.clock.now() >= at[0] + platform.ban
    expect_truth(case, driver)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_busy_platform_is_asked_again(name):
    fake = fake_of(name)
    case = case_of(name, PLATFORMS[name].main, fake)
    driver = in_small_pages(case, platform=after(fake, 3, lambda: fake.faults.extend(["busy", "busy"])))
    driver.run()
    expect_truth(case, driver)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_wrong_secret_is_said_once(name):
    platform, fake = PLATFORMS[name], fake_of(name)
    case = case_of(name, platform.main, fake)
    case.settings = {**case.settings, platform.secret: "wrong-secret"}
    if name == "oceanengine":  # it signs nothing: its secret is for tokens only
        platform.expire(fake)
    driver = case.driver()
    with pytest.raises(GiveUp) as caught:
        driver.run()
    (told,) = caught.value.diagnostics
    assert told.code in ("refused", "token-refused")
    assert len(driver.client.sent) <= 2  # type: ignore[attr-defined]
    assert "wrong-secret" not in str(told)


def test_a_wrong_app_secret_of_kuaishou_is_said_once():
    case = case_of("kuaishou", "orders")
    expire_by_token(case.platform)
    case.settings = {**case.settings, "app_secret": "wrong-secret"}
    driver = case.driver()
    with pytest.raises(GiveUp) as caught:
        driver.run()
    assert [one.code for one in caught.value.diagnostics] == ["token-refused"]
    assert len(driver.client.sent) == 2, "with the token that was given, and for another"  # type: ignore[attr-defined]


def test_the_other_way_to_sign_for_kuaishou():
    case = case_of("kuaishou", "orders")
    case.settings = {**case.settings, "sign_method": "HMAC_SHA256"}
    check_complete(case)


def test_accounts_of_one_authorisation_of_ocean_engine_share_a_token(tmp_path):
    """Its refresh token is dead once it was used: two accounts that both renew would lock each other out."""
    fake = fake_of("oceanengine")
    case = case_of("oceanengine", "ad_daily", fake)
    expire_granted(fake)
    own = {name: value for name, value in case.settings.items() if name != "advertiser_id"}
    number = case.settings["advertiser_id"]
    case.settings = {**own, "accounts": [{"shop": name, "advertiser_id": number} for name in ("one", "two")]}
    driver = check_complete(case, case.driver(keep=tmp_path))
    assert {one["_shop"] for one in driver.records} == {"one", "two"}
    assert len(requests_for(driver, PLATFORMS["oceanengine"].renewal)) == 1


def test_a_machine_that_wechat_does_not_let_in():
    """It answers with HTTP 403 and a page, not with JSON."""
    case = case_of("weixin_store", "orders")
    case.platform.ip_listed = False  # type: ignore[attr-defined]
    driver = case.driver()
    with pytest.raises(GiveUp) as caught:
        driver.run()
    (told,) = caught.value.diagnostics
    assert "IP" in str(told.facts)
    assert len(driver.client.sent) == 1  # type: ignore[attr-defined]


def test_windows_of_wechat_with_too_many_orders_are_cut():
    case = case_of("weixin_store", "orders")
    case.platform.most_in_window = 10  # type: ignore[attr-defined]
    driver = check_complete(case)
    assert not driver.diagnostics


def test_larger_pages_of_jushuitan():
    case = case_of("jushuitan", "orders")
    case.settings = {**case.settings, "page_size": 100}
    check_complete(case)


def test_a_page_of_wechat_that_ends_exactly_is_the_last():
    case = case_of("weixin_store", "items")
    fake = case.platform
    while len(fake.world.records["items"]) % 30:  # type: ignore[attr-defined]
        fake.world.add("items")  # type: ignore[attr-defined]
    check_complete(case)


def test_every_field_is_described():
    """At every depth of every record."""
    found: list[str] = []
    for name, platform in PLATFORMS.items():
        preset = source_of(name, fake_of(name).settings()).preset
        assert preset is not None
        for stream in platform.streams:
            fields = preset.value["streams"][stream]["fields"]
            for record in truth_of(fake_of(name, stream), stream).values():
                found += [f"{name}.{stream}.{one}" for one in undeclared(record, fields)]
    assert sorted(set(found)) == []


def undeclared(record: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    found = []
    for key, value in record.items():
        if key not in fields:
            found.append(key)
            continue
        below = fields[key].get("of")
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and below is not None:
                found += [f"{key}.{inner}" for inner in undeclared(one, below)]
    return found
