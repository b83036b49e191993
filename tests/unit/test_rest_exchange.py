"""One question until there is an answer: freshly signed each time, judged by the body, never a storm of requests."""

from __future__ import annotations

import json
import threading

import pytest

from engine.connector import GiveUp, Response, TryAgain, Workplace
from engine.rest.account import accounts
from engine.rest.answer import Reader
from engine.rest.definition import compiled
from engine.rest.exchange import Cost, Skip, UsedUp
from engine.testing import Simulated, source_of

MANIFEST = """kind: connector
name: shop
zone: Asia/Shanghai
settings:
  url: {about: a}
  secret: {about: b, secret: true}
  refresh_token: {about: c, secret: true, default: first}
request:
  url: "{{ url }}/list"
  form: {time: "{{ now | unix }}", token: "{{ token.access }}"}
sign: {covers: [form], text: "{{ joined }}{{ secret }}", digest: md5, into: form.sign}
token:
  request: {url: "{{ url }}/token", form: {refresh: "{{ token.refresh }}"}}
  start: {refresh: "{{ refresh_token }}"}
  take: {access: body.access, refresh: body.refresh, lasts: body.lasts}
  lasts: lasts
  early: 10s
success: body.code == 0
message: body.message
errors:
  - {when: body.code == 1, do: retry, ban: true, after: body.message | number_in}
  - {when: body.code == 2, do: retry}
  - {when: body.code == 3, do: tomorrow}
  - {when: body.code == 4, do: reauthorise}
  - {when: body.code == 5, do: skip}
  - {when: body.code == 6, do: stop, say: look at the app}
retry: {attempts: 4, backoff: 1s, longest: 8s}
limits: [{rate: 10/s, burst: 5, per: [secret]}]
streams:
  orders:
    request: {}
    records: body.list
"""


class Clock:
    def __init__(self):
        self.time, self.lock = 1_791_158_400.0, threading.Lock()

    def now(self):
        return self.time

    def sleep(self, seconds):
        with self.lock:
            self.time += seconds


class Platform:
    """Answers from a list, then with success; its tokens rotate."""

    def __init__(self, *answers):
        self.answers, self.requests, self.tokens, self.refresh = list(answers), [], 0, "first"

    def __call__(self, request):
        fields = dict(pair.split("=") for pair in request.body.decode().split("&"))
        if request.url.endswith("/token"):
            if fields["refresh"] != self.refresh:
                return answer({"code": 9, "message": "refresh token is dead"}, 400)
            self.tokens += 1
            self.refresh = f"refresh-{self.tokens}"
            return answer({"access": f"access-{self.tokens}", "refresh": self.refresh, "lasts": 1000})
        self.requests.append(fields)
        made = self.answers.pop(0) if self.answers else {"code": 0, "list": [{"id": 1}]}
        if isinstance(made, Exception):
            raise made
        return made if isinstance(made, Response) else answer(made)


def answer(body, status=200, *headers):
    return Response(status, headers, json.dumps(body).encode())


@pytest.fixture
def ask(tmp_path):
    (tmp_path / "shop.yaml").write_text(MANIFEST)
    source = source_of(
        "shop", {"url": "http://fake", "secret": "s3cret!"}, ["orders"], manifests=[tmp_path / "shop.yaml"]
    )

    def asked(*answers, keep=None):
        asked.platform, asked.clock, asked.cost = Platform(*answers), Clock(), Cost()
        asked.client = Simulated(asked.platform, asked.clock)
        asked.definition = compiled(source.preset.value, "orders")
        place = Workplace(tmp_path, tmp_path, client=asked.client, keep=keep)
        asked.account = accounts(source, source.streams["orders"], asked.definition, place, asked.cost)[0]
        return asked.again()

    def again():
        account = asked.account
        return account.exchange.ask(asked.definition.call, account.scope, Reader(["body.code == 0"], "body.list"))

    asked.again = again
    return asked


def codes(failure):
    return [one.code for one in failure.value.diagnostics]


def test_an_answer_at_once(ask):
    assert ask().listed == b'[{"id": 1}]'
    assert len(ask.platform.requests) == 1


def test_every_attempt_is_signed_anew(ask):
    ask(TryAgain("timed out"), {"code": 2}, Response(503))
    sent = ask.platform.requests
    assert len(sent) == 4
    assert len({one["time"] for one in sent}) == len({one["sign"] for one in sent}) == 4


def test_a_ban_is_waited_out_as_long_as_it_says(ask):
    begun = 1_791_158_400.0
    ask({"code": 1, "message": "This ban will last for 7 more seconds"})
    assert ask.clock.time >= begun + 7
    assert ask.cost.waited >= 7


@pytest.mark.parametrize("header", ["3", "Mon, 05 Oct 2026 00:00:03 GMT"])
def test_retry_after_is_kept_to(ask, header):
    ask(Response(429, (("retry-after", header),), b""))
    assert 3 <= ask.clock.time - 1_791_158_400 <= 5


def test_it_gives_up_in_the_end(ask):
    with pytest.raises(GiveUp) as failure:
        ask(*[{"code": 2, "message": "busy"}] * 9)
    assert codes(failure) == ["gave-up"]
    assert len(ask.platform.requests) == 4


def test_a_used_up_quota_is_for_tomorrow(ask):
    with pytest.raises(UsedUp) as failure:
        ask({"code": 3, "message": "quota"})
    assert failure.value.until == "2026-10-06 00:00"
    assert len(ask.platform.requests) == 1


def test_what_does_not_matter_is_told(ask):
    with pytest.raises(Skip):
        ask({"code": 5})
    assert len(ask.platform.requests) == 1


REFUSALS = [{"code": 6, "message": "no"}, {"code": 77, "message": "no"}, Response(404, (), b"gone"), Response(403)]


@pytest.mark.parametrize("made", REFUSALS)
def test_a_refusal_is_told_and_not_repeated(ask, made):
    with pytest.raises(GiveUp) as failure:
        ask(made)
    assert codes(failure) == ["refused"]
    assert len(ask.platform.requests) == 1


def test_another_token_is_fetched_once(ask):
    ask({"code": 4, "message": "expired"})
    assert [one["token"] for one in ask.platform.requests] == ["access-1", "access-2"]
    with pytest.raises(GiveUp) as failure:
        ask({"code": 4}, {"code": 4, "message": "expired"}, {"code": 4})
    assert codes(failure) == ["token-refused"]
    assert len(ask.platform.requests) == 2


def test_a_token_is_renewed_before_it_ends(ask):
    ask()
    ask.clock.sleep(985)
    ask.again()
    ask.clock.sleep(6)
    ask.again()
    assert [one["token"] for one in ask.platform.requests] == ["access-1", "access-1", "access-2"]


def test_a_rotated_token_outlives_the_run(ask, tmp_path):
    ask(keep=tmp_path / "kept")
    (kept,) = (tmp_path / "kept").glob("*.json")
    assert oct(kept.stat().st_mode)[-3:] == "600"
    ask(keep=tmp_path / "kept")  # a new run and a platform of its own, which knows only the first refresh token
    assert ask.platform.requests[0]["token"] == "access-1"
    assert ask.platform.tokens == 0, "nothing was fetched: the token of the last run still holds"


def test_many_threads_renew_one_token(ask):
    ask()
    ask.clock.sleep(5000)
    threads = [threading.Thread(target=ask.again) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert ask.platform.tokens == 2
    assert {one["token"] for one in ask.platform.requests[1:]} == {"access-2"}


def test_a_page_of_a_proxy_is_tried_again(ask):
    ask(Response(200, (), b"<html>please log in</html>"))
    assert len(ask.platform.requests) == 2


def test_no_secret_is_in_what_is_told(ask):
    with pytest.raises(GiveUp) as failure:
        ask({"code": 6, "message": "bad token access-1 for s3cret!"})
    told = "".join(str(one) for one in failure.value.diagnostics)
    assert "access-1" not in told


@pytest.mark.parametrize(
    "made", [{"code": 1, "message": "banned for 86400000 seconds"}, Response(429, (("retry-after", "3600"),), b"")]
)
def test_nobody_waits_longer_than_a_run_should(ask, made):
    with pytest.raises(UsedUp):
        ask(made)
    assert len(ask.platform.requests) == 1
    assert ask.clock.time < 1_791_158_400 + 60


def test_a_ban_without_a_number_is_waited_out_as_any_trouble(ask):
    ask({"code": 1, "message": "too fast"})
    assert len(ask.platform.requests) == 2


def test_who_is_told_to_stop_does_not_wait_on(ask):
    ask()
    ask.account.exchange.stop.set()
    with pytest.raises(GiveUp):
        ask.again()
    ask.account.exchange.stop.clear()
    before = ask.clock.time

    def stop_soon(seconds, sleep=ask.clock.sleep):
        sleep(seconds)
        if ask.clock.time > before + 5:
            ask.account.exchange.stop.set()

    ask.clock.sleep = stop_soon
    ask.platform.answers = [{"code": 1, "message": "banned for 800 seconds"}]
    with pytest.raises(GiveUp):
        ask.again()
    assert ask.clock.time < before + 60
