"""Tokens without a way to renew them, tokens that outlive a change of settings, buckets of their own, bans, bad headers."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from test_rest_exchange import Clock

import engine
from engine.connector import GiveUp, Request, Response, TryAgain
from engine.http import HttpClient
from engine.rest.limits import Limits
from engine.secret import mask
from engine.testing import Driver, Simulated, source_of

TOP = "kind: connector\nname: acme\nzone: UTC\n"
ORDERS = "streams:\n  orders:\n    request: {}\n    records: body\n    window: {span: 30d}\n"


def answer(body, status=200, *headers):
    return Response(status, headers, json.dumps(body).encode())


@pytest.fixture
def drive(tmp_path):
    """Read a stream of a connector; `after` seconds later than the first time, with what earlier ones kept."""

    def driven(manifest, platform, settings=None, *, after=0.0, stream="orders", client=None):
        file = tmp_path / "acme.yaml"
        file.write_text(TOP + manifest)
        source = source_of("acme", settings or {}, [stream], since="2026-10-01T00:00:00+00:00", manifests=[file])
        clock = Clock()
        clock.time += after
        driver = Driver(source, stream, client or Simulated(platform, clock), keep=tmp_path / "kept")
        driver.run()
        return driver

    return driven


# --- tokens -----------------------------------------------------------------------------------------------------


def test_a_token_that_cannot_be_renewed_is_told(drive):
    manifest = (
        "settings: {t: {about: a, secret: true}}\n"
        "token: {start: {t: '{{ t }}'}, take: {t: body.t}}\n"
        "request: {url: 'http://x/o', headers: {a: '{{ token.t }}'}}\n" + ORDERS
    )
    with pytest.raises(GiveUp) as failure:
        drive(manifest, lambda _: answer({}, 401), {"t": "given-token"})
    assert [one.code for one in failure.value.diagnostics] == ["token-refused"]


def test_a_token_that_is_not_given_and_cannot_be_fetched_is_told(drive):
    manifest = (
        "settings: {t: {about: a, secret: true, optional: true}}\n"
        "token: {start: {t: '{{ t }}'}, take: {t: body.t}}\n"
        "request: {url: 'http://x/o', headers: {a: '{{ token.t }}'}}\n" + ORDERS
    )
    with pytest.raises(GiveUp, match="no token is given") as failure:
        drive(manifest, lambda _: answer([]))
    assert [one.code for one in failure.value.diagnostics] == ["cannot-ask"]


def test_a_refused_token_whose_successor_is_lacking_is_told(drive):
    answers = iter([answer({"t": "first-token"}), answer({}, 401), answer({"oops": 1})])
    manifest = (
        "token: {request: {url: 'http://x/token'}, take: {t: body.t}}\n"
        "request: {url: 'http://x/o', headers: {a: '{{ token.t }}'}}\n" + ORDERS
    )
    with pytest.raises(GiveUp) as failure:
        drive(manifest, lambda _: next(answers))
    assert [one.code for one in failure.value.diagnostics] == ["token-refused"]


def test_a_token_with_a_fraction_in_it_is_renewed_when_it_is_refused(drive):
    tokens = []

    def platform(request):
        if request.url.endswith("token"):
            tokens.append(f"token-{len(tokens) + 1}")
            return Response(200, (), b'{"t": "%s", "lasts": 3600.5}' % tokens[-1].encode())
        good = dict(request.headers)["a"] == tokens[-1] and len(tokens) == 2
        return answer([{"id": 1}]) if good else answer({}, 401)

    manifest = (
        "token: {request: {url: 'http://x/token'}, take: {t: body.t, lasts: body.lasts}, lasts: lasts}\n"
        "request: {url: 'http://x/o', headers: {a: '{{ token.t }}'}}\n" + ORDERS
    )
    assert len(drive(manifest, platform).records) == 1
    assert len(tokens) == 2


def test_every_cookie_is_hidden_by_itself(drive):
    def platform(request):
        if request.url.endswith("login"):
            set_ = [("set-cookie", f"{name}={value}; Path=/") for name, value in COOKIES.items()]
            return answer({"ok": True}, 200, *set_)
        return answer([])

    manifest = (
        "token: {request: {url: 'http://x/login'}, take: {c: cookies}}\n"
        "request: {url: 'http://x/o', headers: {cookie: '{{ token.c }}'}}\n" + ORDERS
    )
    drive(manifest, platform)
    assert mask(f"it said {COOKIES['sid']} and {COOKIES['csrf']}") == "it said *** and ***"


COOKIES = {"sid": "Kx81mmPq2z", "csrf": "pQ7rT5vW9y"}

ROTATING = (
    "settings: {rt: {about: a, secret: true}, host: {about: h, default: x},"
    " page_size: {about: b, type: integer, default: 50}}\n"
    "let: {door: 'http://{{ host }}/token'}\n"
    "token: {request: {url: '{{ door }}', query: {r: '{{ token.r }}'}}, start: {r: '{{ rt }}'},"
    " take: {t: body.t, r: body.r, e: body.e}, lasts: e, early: 10s}\n"
    "request: {url: 'http://x/o', headers: {a: '{{ token.t }}'}, query: {n: '{{ page_size }}'}}\n" + ORDERS
)


class Rotating:
    """A platform whose refresh token dies with its use."""

    def __init__(self):
        self.live, self.given = "R0-abcdefgh", 0

    def __call__(self, request):
        if not request.url.endswith("token"):
            return answer([])
        if dict(request.query)["r"] != self.live:
            return answer({"err": "refresh token used"}, 400)
        self.given += 1
        self.live = f"R{self.given}-abcdefgh"
        return answer({"t": f"T-{self.live}", "r": self.live, "e": 60})


def test_another_setting_does_not_orphan_a_rotated_token(drive, tmp_path):
    platform = Rotating()
    drive(ROTATING, platform, {"rt": "R0-abcdefgh"})
    drive(ROTATING, platform, {"rt": "R0-abcdefgh", "page_size": 100}, after=3600)
    drive(ROTATING, platform, {"rt": "R0-abcdefgh", "host": "x"}, after=7200)
    assert platform.given == 3
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 1


def test_a_setting_that_the_token_comes_from_by_way_of_let_makes_it_another(drive, tmp_path):
    for host in ("x", "y"):
        drive(ROTATING, Rotating(), {"rt": "R0-abcdefgh", "host": host})
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 2


# --- limits -----------------------------------------------------------------------------------------------------

LIMITED = (
    "limits: [{rate: 1000/s, per: [stream]}, {rate: 1000/s, per: []}]\n"
    "request: {url: 'http://x/o'}\n"
    "streams:\n"
    "  slow: {request: {}, records: body, window: {span: 1d}, limits: [{rate: 1/min, burst: 1, per: []}]}\n"
    "  fast: {request: {}, records: body, window: {span: 1d}, limits: [{rate: 1000/s, burst: 1000, per: []}]}\n"
)


def test_limits_of_two_streams_are_two(drive):
    client = Simulated(lambda _: answer([]), Clock())
    begun = client.now()
    drive(LIMITED, None, stream="slow", client=client)
    slow = client.now() - begun
    drive(LIMITED, None, stream="fast", client=client)
    assert slow >= 120
    assert client.now() - begun - slow < 10, "the bucket of the slow stream is not that of the fast one"


class Threaded(Clock):
    """A clock on which a hundred seconds are one."""

    def __init__(self):
        super().__init__()
        self.begun = time.monotonic()

    def now(self):
        return (time.monotonic() - self.begun) * 100

    def sleep(self, seconds):
        time.sleep(seconds / 100)


def test_after_a_ban_they_go_one_by_one_and_nobody_during_it():
    clock = Threaded()
    limits = Limits(clock)
    bucket = limits.bucket(("x",), 0.5, 1.0, None)
    went, lock = [], threading.Lock()

    def ask():
        with limits.turn([bucket]), lock:
            went.append(clock.now())

    with limits.turn([bucket]):
        pass
    threads = [threading.Thread(target=ask) for _ in range(4)]  # their tokens are for 2, 4, 6, 8 seconds from now
    for one in threads:
        one.start()
    time.sleep(0.005)
    banned = clock.now()
    bucket.banned(banned, 10.0)
    late = [threading.Thread(target=ask) for _ in range(2)]
    for one in late:
        one.start()
    for one in (*threads, *late):
        one.join()
    assert min(went) >= banned + 10.0 - 1e-6
    gaps = [after - before for before, after in zip(sorted(went), sorted(went)[1:], strict=False)]
    assert max(went) - min(went) >= 5 * 4.0 - 1.5, "half the rate of one in two seconds"
    assert min(gaps) > 1.0


def test_a_ban_that_ends_earlier_does_not_shorten_one():
    bucket = Limits(Clock()).bucket(("x",), 10.0, 10.0, None)
    bucket.banned(0.0, 60.0)
    bucket.banned(1.0, 2.0)
    assert bucket.wait(3.0) == pytest.approx(57.0)


# --- accounts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shops", "codes"), [("ab", []), ("aab", ["shop-twice"]), ("aaa", ["shop-twice"] * 2)])
def test_two_accounts_of_one_name_are_told(tmp_path, shops, codes):
    (tmp_path / "acme.yaml").write_text(
        TOP + "settings: {k: {about: a}}\nrequest: {url: 'http://x/{{ k }}'}\n" + ORDERS
    )
    listed = [{"shop": shop, "k": at} for at, shop in enumerate(shops)]
    source = {"connector": "acme", "streams": ["orders"], "since": "2026-10-01", "with": {"accounts": listed}}
    project = {"kind": "project", "name": "p", "connectors": ["acme.yaml"], "sources": {"a": source}}
    (tmp_path / "project.yaml").write_text(json.dumps(project))
    try:
        found = engine.load(tmp_path).check()
    except engine.Findings as failure:
        found = failure.diagnostics
    assert [one.code for one in found if one.code == "shop-twice"] == codes


# --- the client -------------------------------------------------------------------------------------------------


def test_headers_that_drip_are_bounded_in_time():
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listening.accept()
        connection.recv(9999)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for at in range(8):
            connection.sendall(b"x-%d: y\r\n" % at)
            time.sleep(0.05)
        connection.sendall(b"content-length: 2\r\n\r\n[]")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = HttpClient(longest=0.2)
    with pytest.raises(TryAgain, match="more than"):
        client.send(Request("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/"))
    thread.join()
    client.close()
    listening.close()


BAD = [("authorization", "Bearer s3cr3t\n"), ("x", "a\r\nb: c"), ("x", "汉"), ("x", " a"), ("a b", "c"), ("", "c")]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_header_that_cannot_be_sent_is_told_by_its_name(name, value):
    with pytest.raises(GiveUp) as failure:
        HttpClient().send(Request("GET", "http://127.0.0.1:9/", (), ((name, value),)))
    assert [one.code for one in failure.value.diagnostics] == ["bad-header"]
    assert "s3cr3t" not in str(failure.value)
