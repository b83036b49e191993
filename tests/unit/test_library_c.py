"""Library connectors of two ERPs of Wangdiantong, Kingdee, Yonyou, Shopify, Amazon and WooCommerce: every stream is
read whole from a platform that changes meanwhile, and what a platform refuses is understood."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.amazon_sp import AmazonSp
from fakes.kingdee import Kingdee
from fakes.shopify import Shopify
from fakes.wangdiantong import WangdiantongEnterprise, WangdiantongFlagship
from fakes.woocommerce import WooCommerce
from fakes.world import World
from fakes.yonyou import Yonyou
from library_once import loaded_once  # noqa: F401

from engine.connector import GiveUp, Request, Response
from engine.rest.definition import compiled
from engine.testing import (
    Case,
    check_all,
    check_complete,
    check_incremental,
    check_offline,
    expect_truth,
    source_of,
    with_page_size,
)

DAYS, ORDERS = 3, 40
DAY = 86_400


@dataclass(frozen=True)
class Platform:
    """A platform, and how its streams are compared: the time by which records are newer, what the connector adds."""

    kind: Any
    newest_by: dict[str, str | None]
    secrets: tuple[str, ...]
    secret: str
    added: dict[str, frozenset[str]] = field(default_factory=dict)


MODIFIED = {"orders": "modified", "refunds": "modified", "inventory": "modified", "shipments": "modified"}
PLATFORMS = {
    "wangdiantong_enterprise": Platform(
        WangdiantongEnterprise, {**MODIFIED, "items": "goods_modified"}, ("app_secret",), "app_secret"
    ),
    "wangdiantong_flagship": Platform(
        WangdiantongFlagship, {**MODIFIED, "items": "goods_modified"}, ("app_secret",), "app_secret"
    ),
    "kingdee": Platform(
        Kingdee,
        {**dict.fromkeys(("orders", "shipments", "refunds", "items"), "FModifyDate"), "inventory": "FUpdateTime"},
        ("password",),
        "password",
    ),
    "yonyou": Platform(
        Yonyou,
        dict.fromkeys(("orders", "shipments", "refunds", "items", "inventory"), "pubts"),
        ("app_secret",),
        "app_secret",
    ),
    "shopify": Platform(
        Shopify,
        {
            "orders": "updated_at",
            "refunds": "processed_at",
            "items": "updated_at",
            "inventory": "updated_at",
            "orders_graphql": "updatedAt",
            "inventory_graphql": "updatedAt",
        },
        ("access_token",),
        "access_token",
    ),
    "amazon_sp": Platform(
        AmazonSp,
        {"orders": "LastUpdateDate", "order_items": "LastUpdateDate"},
        ("client_secret", "refresh_token"),
        "client_secret",
        {"order_items": frozenset({"AmazonOrderId", "LastUpdateDate"})},
    ),
    "woocommerce": Platform(
        WooCommerce,
        {"orders": "date_modified_gmt", "refunds": "order_modified_gmt", "items": "date_modified_gmt"},
        ("consumer_key", "consumer_secret"),
        "consumer_secret",
        {"refunds": frozenset({"order_id", "order_modified_gmt"})},
    ),
}
STREAMS = [(name, stream) for name, platform in PLATFORMS.items() for stream in platform.newest_by]


def filled(name: str, *, orders: int = ORDERS, **world: int) -> Any:
    """A platform with records of the last days."""
    fake = PLATFORMS[name].kind(World(**world))
    fake.fill(orders, DAYS)
    return fake


def case_of(name: str, stream: str, fake: Any = None, **world: int) -> Case:
    """The case of a stream."""
    fake, platform = fake or filled(name, **world), PLATFORMS[name]
    settings = fake.settings()
    return Case(
        connector=name,
        settings=settings,
        stream=stream,
        platform=fake,
        clock=fake.world.clock,
        truth=lambda: truth_of(fake, stream),
        key=key_of(fake, stream),
        newest_by=platform.newest_by[stream],
        since=fake.world.clock.now() - DAYS * DAY - 600,
        secrets=tuple(settings[one] for one in platform.secrets),
        calm=lambda: setattr(fake.world, "churn", 0),
        ignore=platform.added.get(stream, frozenset()),
    )


def key_of(fake: Any, stream: str) -> str:
    return "id" if stream.endswith("_graphql") else str(fake.streams[stream])


def truth_of(fake: Any, stream: str) -> dict[str, Any]:
    """What there is to read of a stream; GraphQL shows connections as pages."""
    if not stream.endswith("_graphql"):
        return dict(fake.truth(stream))
    rows = fake.graph_truth(stream.removesuffix("_graphql"))
    page = {"pageInfo": {"hasNextPage": False}}
    return {
        key: {**row, "inventoryLevels": {**page, "nodes": list(row.get("inventoryLevels", ()))}}
        for key, row in rows.items()
    }


# --- every stream ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "stream"), STREAMS)
def test_a_stream_is_read_whole_while_it_changes(name: str, stream: str) -> None:
    case = case_of(name, stream, churn=2, changes=25)
    check_offline(case)
    driver = check_complete(case)
    assert len(driver.records) >= 5
    declared = set(source_of(name, case.settings).preset.value["streams"][stream]["fields"])
    unknown = {key for record in driver.records for key in record} - declared
    assert not unknown, f"fields that the connector does not declare: {sorted(unknown)}"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), STREAMS)
def test_a_stream_passes_every_check(name: str, stream: str, tmp_path: Any) -> None:
    case = case_of(name, stream)
    # Waits of parallel workers add up on the clock of a test: a request would be minutes old before it is sent, and
    # these platforms refuse one that is older than two or five minutes.
    at_once = {"at_once": 1} if name.startswith("wangdiantong") else {}
    check_all(replace(case, settings={**case.settings, **at_once}), tmp_path=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), STREAMS)
def test_a_change_is_found_without_reading_everything_again(name: str, stream: str) -> None:
    fake = filled(name)
    fake.token_seconds = 7 * DAY  # another login would count as a request
    case = case_of(name, stream, fake)

    def change() -> None:
        for kind, held in fake.world.records.items():
            fake.world.touch(kind, min(held))

    check_incremental(case, change)


@pytest.mark.parametrize(
    "name", ["wangdiantong_enterprise", "wangdiantong_flagship", "yonyou", "kingdee", "woocommerce"]
)
def test_many_small_pages_of_a_shop_that_never_rests_lose_nothing(name: str) -> None:
    """With every request a record leaves the window that is being paged."""
    case = case_of(name, "orders", churn=1, changes=60)
    check_complete(case, case.driver(with_page_size(case.source(), "orders", 4)))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_record_between_two_windows_is_read(name: str) -> None:
    """Modified in the very second in which one window ends and the next begins."""
    fake = filled(name)
    case = case_of(name, "orders", fake)
    window = compiled(case.source().preset.value, "orders").window
    assert window is not None
    span = window.span
    case = replace(case, since=fake.world.clock.now() - 2 * span - DAYS * DAY)
    order = fake.world.records["orders"][min(fake.world.records["orders"])]
    order["created"], order["modified"] = case.since - 60, case.since + span
    check_complete(case)


# --- tokens ---------------------------------------------------------------------------------------------------------

TOKENS = {
    "kingdee": ("_sessions", "ValidateUser"),
    "yonyou": ("_tokens", "getAccessToken"),
    "amazon_sp": ("_access", "/auth/o2/token"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_ends_in_the_middle_is_renewed_once(name: str, tmp_path: Path) -> None:
    fake = filled(name)
    held, login = TOKENS[name]

    def forgetting(request: Request) -> Response:
        """The platform, which forgets all tokens with the fifth request."""
        nonlocal count
        count += 1
        if count == 5:
            getattr(fake, held).clear()
        return fake(request)  # type: ignore[no-any-return]

    count = 0
    case = case_of(name, "orders", fake)
    source = with_page_size(case.source(), "orders", 4)
    driver = case.driver(source, platform=forgetting, keep=tmp_path)
    driver.run()
    expect_truth(case, driver)
    assert len(logins(driver, login)) == 2

    again = case.driver(source, keep=tmp_path)
    again.run()
    assert again.records
    assert not logins(again, login), "a token that is still good was not used after a restart"


@pytest.mark.parametrize("name", ["yonyou", "amazon_sp"])
def test_a_token_is_renewed_before_it_ends(name: str, tmp_path: Path) -> None:
    """After two hours and more a kept token is not even tried."""
    fake = filled(name)
    case = case_of(name, "orders", fake)
    case.driver(keep=tmp_path).run()
    fake.world.clock.sleep(fake.token_seconds)
    driver = case.driver(keep=tmp_path)
    driver.run()
    assert TOKENS[name][1] in driver.client.sent[0].url  # type: ignore[attr-defined]
    assert len(logins(driver, TOKENS[name][1])) == 1


def logins(driver: Any, login: str) -> list[Request]:
    return [one for one in driver.client.sent if login in one.url]


# --- what platforms refuse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wangdiantong_enterprise", "wangdiantong_flagship", "kingdee", "yonyou", "shopify"])
def test_the_quota_of_the_day_ends_a_run_and_the_next_day_goes_on(name: str) -> None:
    fake = filled(name)
    case = case_of(name, "orders", fake)
    driver = case.driver(with_page_size(case.source(), "orders", 10))
    fake.daily_quota = 3
    driver.run()
    assert [one.code for one in driver.diagnostics] == ["quota-used-up"]
    fake.daily_quota = None
    fake.world.clock.sleep(DAY)
    check_complete(case, driver)


@pytest.mark.parametrize("name", ["amazon_sp", "woocommerce"])
def test_where_a_quota_looks_like_a_rate_the_run_gives_up_and_the_next_one_goes_on(name: str) -> None:
    fake = filled(name)
    case = case_of(name, "orders", fake)
    driver = case.driver(with_page_size(case.source(), "orders", 10))
    fake.daily_quota = 2
    with pytest.raises(GiveUp) as given_up:
        driver.run()
    assert [one.code for one in given_up.value.diagnostics] == ["gave-up"]
    fake.daily_quota = None
    fake.world.clock.sleep(DAY)
    check_complete(case, driver)


@pytest.mark.parametrize(
    ("name", "stream", "seconds"),
    [
        ("wangdiantong_enterprise", "items", 30),
        ("wangdiantong_flagship", "items", 30),
        ("kingdee", "items", 10),
        ("yonyou", "items", 15),
        ("shopify", "items", 2),
        ("amazon_sp", "orders", 60),
        ("woocommerce", "items", 1),
    ],
)
def test_a_ban_is_waited_for(name: str, stream: str, seconds: float) -> None:
    fake = filled(name)
    case = case_of(name, stream, fake)
    times: list[float] = []
    banned: list[float] = []

    def timed(request: Request) -> Response:
        times.append(fake.world.clock.now())
        # The first question after the token, if there is one, meets the ban.
        if not banned and not any(login in request.url for _, login in TOKENS.values()):
            banned.append(times[-1])
            fake.faults = ["ban"]
        return fake(request)  # type: ignore[no-any-return]

    driver = check_complete(case, case.driver(platform=timed))
    assert times[times.index(banned[0]) + 1 :], "nothing was asked again"
    later = [time for time in times if time > banned[0]]
    assert seconds <= later[0] - banned[0] <= seconds + 3
    assert not driver.diagnostics


def test_a_query_without_points_waits_until_there_are_enough() -> None:
    """Pages of 20 orders may cost 42 points; none is left, and 100 come back every second."""
    fake = filled("shopify")
    case = case_of("shopify", "orders_graphql", fake)
    leak = fake._leak("graph", fake.points)
    leak.level, leak.seen = leak.count, fake.world.clock.now()
    times: list[float] = []

    def timed(request: Request) -> Response:
        times.append(fake.world.clock.now())
        return fake(request)  # type: ignore[no-any-return]

    driver = check_complete(case, case.driver(with_page_size(case.source(), "orders_graphql", 20), platform=timed))
    assert not driver.diagnostics
    assert times[1] - times[0] == pytest.approx(1, abs=0.6)
    assert len(times) <= 6, "throttled again and again"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_wrong_secret_is_told_once_and_not_tried_again(name: str) -> None:
    fake = filled(name)
    case = case_of(name, "orders", fake)
    wrong = {**case.settings, PLATFORMS[name].secret: "wr0ng:wr0ngsalt"}
    driver = replace(case, settings=wrong).driver()
    with pytest.raises(GiveUp) as given_up:
        driver.run()
    [told] = given_up.value.diagnostics
    assert told.code in ("refused", "token-refused")
    assert len(driver.client.sent) <= 2  # type: ignore[attr-defined]
    assert any(" · " in str(fact) for fact in told.facts.values()), "it is not said what to do about it"
    assert "wr0ng" not in str(told)


# --- ways to authorise ----------------------------------------------------------------------------------------------


def test_keys_of_woocommerce_may_go_into_the_query() -> None:
    fake = filled("woocommerce")
    case = replace(case_of("woocommerce", "orders", fake), settings={**fake.settings(), "auth": "query"})
    driver = check_complete(case)
    sent = driver.client.sent  # type: ignore[attr-defined]
    assert not any(name.lower() == "authorization" for one in sent for name, _ in one.headers)


def test_yonyou_takes_the_newer_path_of_the_token_call() -> None:
    fake = filled("yonyou")
    newer = "/open-auth/selfAppAuth/base/v1/getAccessToken"
    driver = check_complete(
        replace(case_of("yonyou", "items", fake), settings={**fake.settings(), "token_path": newer})
    )
    assert driver.client.sent[0].url.endswith(newer)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "settings", "options"),
    [
        ("wangdiantong_enterprise", {"page_size": 20}, {"span": "6h"}),
        ("yonyou", {"page_size": 10}, {}),
        ("kingdee", {"page_size": 20}, {}),
    ],
)
def test_sizes_that_platforms_keep_to_themselves(name: str, settings: dict[str, Any], options: dict[str, Any]) -> None:
    fake = filled(name)
    case = replace(case_of(name, "orders", fake), settings={**fake.settings(), **settings}, options=options)
    few = check_complete(case_of(name, "orders", fake))
    many = check_complete(case)
    assert len(many.client.sent) > len(few.client.sent)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["wangdiantong_enterprise", "wangdiantong_flagship"])
def test_a_window_that_is_too_wide_for_wangdiantong_is_cut(name: str) -> None:
    """The platform says by its words alone that it does not answer for so long."""
    fake = filled(name)
    case = case_of(name, "orders", fake)
    source = case.source()
    value = copy.deepcopy(source.preset.value)
    value["streams"]["orders"]["window"]["span"] = "60d"
    source = replace(source, preset=replace(source.preset, value=value))
    driver = check_complete(case, case.driver(source))
    assert not driver.diagnostics


def test_codes_of_yonyou_that_a_tenant_has_of_its_own() -> None:
    fake = filled("yonyou")
    case = replace(case_of("yonyou", "orders", fake), settings={**fake.settings(), "quota_codes": ["999"]})
    fake.faults = ["busy"]
    driver = case.driver()
    driver.run()
    assert [one.code for one in driver.diagnostics] == ["quota-used-up"]


def test_kingdee_asks_for_fields_that_a_project_adds() -> None:
    """`FStockID.FNumber` is a field of shipments; here it is declared by hand, as a custom field would be."""
    fake = filled("kingdee")
    case = case_of("kingdee", "shipments", fake)
    source = case.source()
    value = copy.deepcopy(source.preset.value)
    del value["streams"]["shipments"]["fields"]["FStockID.FNumber"]
    settings = {**source.settings, "more_fields": ["FStockID.FNumber"]}
    source = replace(source, preset=replace(source.preset, value=value), settings=settings)
    driver = check_complete(case, case.driver(source))
    assert {record["FStockID.FNumber"] for record in driver.records} == {"CK001"}
