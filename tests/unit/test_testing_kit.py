"""The conformance kit finds what is wrong: each check is seen failing on a connector that was spoilt for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.taobao import Taobao
from fakes.world import World

from engine.connector import GiveUp, Request, Response, TryAgain
from engine.secret import remember
from engine.testing import (
    Case,
    Player,
    Recorder,
    Replayed,
    Simulated,
    check_complete,
    check_incremental,
    check_offline,
    check_resume,
    check_secrets,
    check_troubles,
    hidden,
)
from engine.testing.recording import hidden_by_name

LIBRARY = Path(__file__).resolve().parents[2] / "connectors"


@pytest.fixture
def spoilt(tmp_path):
    """The case of a shop on Tmall, read by the library's connector after `change` was made to its orders."""

    def made(change=lambda orders: None, count: int = 60, **world: int) -> Case:
        manifest = yaml.safe_load((LIBRARY / "taobao.yaml").read_text("utf-8"))
        manifest["name"] = "spoilt"
        change(manifest["streams"]["orders"])
        file = tmp_path / "spoilt.yaml"
        file.write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
        fake = Taobao(World(**world), count=count)
        settings = fake.settings()

        def calm() -> None:
            fake.world.churn = 0

        case = Case(
            connector="spoilt", settings=settings, stream="orders", platform=fake, clock=fake.world.clock,
            truth=lambda: fake.truth("orders", simplified=True), key="tid", newest_by="modified",
            since=fake.world.clock.now() - 3 * 86400 - 60, manifests=[file], calm=calm,
            secrets=(settings["app_secret"], settings["session"]),
        )  # fmt: skip
        made.fake = fake
        return case

    return made


def test_the_connector_of_the_library_passes(spoilt):
    check_offline(spoilt())
    check_complete(spoilt(churn=3, changes=60))
    check_troubles(spoilt())
    check_resume(spoilt(), most=2)
    check_secrets(spoilt())


def forwards(orders: dict[str, Any]) -> None:
    orders["page"]["backwards"] = False
    orders["page"]["size"] = 5
    orders["window"]["span"] = "1d"


def test_reading_forwards_loses_what_moves(spoilt):
    """With many seeds, since a record has to move at the right moment."""

    def lost(seed: int) -> bool:
        try:
            check_complete(spoilt(forwards, churn=2, changes=200, seed=seed))
        except AssertionError as failure:
            return "lost" in str(failure)
        return False

    assert any(lost(seed) for seed in range(8))


def test_a_stream_that_hides_types_is_found(spoilt):
    with pytest.raises(AssertionError, match="lost"):
        check_complete(spoilt(lambda orders: orders["request"]["form"].pop("type")))


def test_a_secret_in_a_record_is_found(spoilt):
    with pytest.raises(AssertionError, match="a secret is shown") as failure:
        check_secrets(spoilt(lambda orders: orders.update(add={"url": "x?key={{ app_secret }}"})))
    assert spoilt.fake.app_secret not in str(failure.value)


def test_a_connector_that_forgets_where_it_stands_is_found(spoilt):
    def every_time(orders: dict[str, Any]) -> None:
        del orders["window"]
        orders["every"] = "0s"
        orders["request"]["form"] |= {"start_modified": "2026-10-04 07:30:00", "end_modified": "2026-10-05 07:00:00"}

    case = spoilt(every_time)
    first = next(iter(spoilt.fake.truth("orders")))
    with pytest.raises(AssertionError):
        check_incremental(case, lambda: spoilt.fake.world.touch("orders", first))


def test_a_template_that_names_nothing_is_found(spoilt):
    with pytest.raises(AssertionError, match="nonsense"):
        check_offline(spoilt(lambda orders: orders["request"]["form"].update(fields="{{ nonsense }}")))


def test_a_connector_that_never_tries_again_is_found(spoilt):
    case = spoilt()
    with pytest.raises(GiveUp, match="did not answer"):
        check_troubles(case, [tuple([TryAgain("timed out")] * 30)])


# --- record and replay ------------------------------------------------------------------------------------------


def test_a_recording_holds_no_secret_and_plays_back(spoilt, tmp_path):
    case = spoilt(count=10)
    recorder = Recorder(Simulated(case.platform, case.clock), tuple(case.secrets))
    recorded = case.driver()
    recorded.client = recorder
    recorded.run()
    file = tmp_path / "said.jsonl"
    recorder.save(file)
    assert not any(secret in file.read_text("utf-8") for secret in case.secrets)
    assert recorder.said

    played = case.driver()
    played.client = Player.of(file)
    case.clock.time = recorder.said[0]["at"]
    played.run()
    assert sorted(one["tid"] for one in played.records) == sorted(one["tid"] for one in recorded.records)


def test_what_is_not_on_the_record_is_told():
    said = {"request": {"method": "GET", "url": "http://a/x"}, "response": {"status": 200, "headers": [], "body": ""}}
    player = Player([{**said, "at": 0}])
    with pytest.raises(Replayed):
        player.send(Request("GET", "http://a/y?secret=1"))
    player.send(Request("GET", "http://a/x?page=2"))
    with pytest.raises(Replayed):
        player.send(Request("GET", "http://a/x"))


@pytest.mark.parametrize("text", ["a s3cr+t/x b", "k=s3cr%2Bt%2Fx", "czNjcit0L3g=", '{"k": "s3cr+t/x"}'])
def test_secrets_are_hidden_in_every_form(text):
    shown = hidden(text, ["s3cr+t/x"])
    assert "***" in shown
    assert "s3cr" not in shown


def test_headers_that_carry_credentials_are_hidden_whole():
    class Echo:
        def send(self, _: Request) -> Response:
            return Response(200, (("set-cookie", "session=abc"),), b"{}")

        def now(self) -> float:
            return 0.0

        def sleep(self, _: float) -> None: ...

    recorder = Recorder(Echo(), ())
    recorder.send(Request("GET", "http://a", headers=(("Authorization", "Bearer abc"),)))
    assert "abc" not in json.dumps(recorder.said)


SAID = [
    ("http://a/x?access_token=Zz9&page=2", "http://a/x?access_token=***&page=2"),
    ("http://me:pa55@a/x", "http://***@a/x"),
    ("app_secret=Zz9&n=1", "app_secret=***&n=1"),
    ('{"accessToken": "Zz9", "n": 1.10}', '{"accessToken":"***","n":1.10}'),
    ('{"a": [{"session_key": 129}], "id": 98765432109876543210}', '{"a":[{"session_key":"***"}],"id":98765432109876543210}'),
    ('{"token": {"value": "Zz9", "lasts": 60}}', '{"token":{"value":"***","lasts":60}}'),
    ('{"next": "http://a/x?access_token=Zz9&p=2"}', '{"next":"http://a/x?access_token=***&p=2"}'),
    ("json=%7B%22app_secret%22%3A%22Zz9%22%7D", "json=%7B%22app_secret%22%3A%22***%22%7D"),
    ('{"a": "{\\"pwd\\": \\"Zz9\\"}"}', '{"a":"{\\"pwd\\":\\"***\\"}"}'),
    ('{"pwd": "Zz9", "note": "\\ud83d"}', '{"pwd":"***","note":"\\ud83d"}'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SAID)
def test_what_is_called_like_a_secret_is_hidden(text, shown):
    assert hidden_by_name(text) == shown


@pytest.mark.parametrize(
    "text", ['{"id": 1.50,  "next_token": "abc"}', "page=2&next_token=abc", "a = b; {", "{broken", ""]
)
def test_what_is_not_stays_byte_by_byte(text):
    assert hidden_by_name(text) == text


def test_a_recording_hides_by_name_and_by_what_is_known(tmp_path):
    class Platform:
        def send(self, _: Request) -> Response:
            return Response(
                200, (("location", "http://a/?token=Zz9"),), b'{"access_token":"Zz9","id":"known-Zz9-value"}'
            )

        def now(self) -> float:
            return 0.0

        def sleep(self, _: float) -> None: ...

    remember("known-Zz9-value")
    recorder = Recorder(Platform(), ())
    asked = Request(
        "POST", "http://a/known-Zz9-value/x", (("session", "Zz9"), ("p", "1")), (("X-Api-Key", "Zz9"),), b"pwd=Zz9"
    )
    recorder.send(asked)
    recorder.save(tmp_path / "said")
    assert "Zz9" not in (tmp_path / "said").read_text("utf-8")
    assert ["p", "1"] in recorder.said[0]["request"]["query"]
    assert Player.of(tmp_path / "said").send(asked).status == 200
