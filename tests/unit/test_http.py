"""The HTTP client against a real server on the loopback: bounded, never to another host, nothing kept between requests."""

from __future__ import annotations

import gzip
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.connector import GiveUp, Request, TryAgain
from engine.http import HttpClient, host_of

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler], Answer]], str]]:
    servers: list[ThreadingHTTPServer] = []

    def served(answer: Callable[[BaseHTTPRequestHandler], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = answer(self)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield served
    for server in servers:
        server.shutdown()


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(largest=100_000, longest=1.0)
    yield made
    made.close()


def code(failure: pytest.ExceptionInfo[GiveUp]) -> str:
    return failure.value.diagnostics[0].code


def test_a_request_is_sent_as_it_is(serve, client):
    seen: list[tuple[str, str, bytes]] = []

    def answer(asked: BaseHTTPRequestHandler) -> Answer:
        body = asked.rfile.read(int(asked.headers.get("content-length") or 0))
        seen.append((asked.command, asked.path, body))
        return 200, {"x-one": "1", "set-cookie": "session=s3cret"}, b"{}"

    base = serve(answer)
    body = '{"a":"汉 +&="}'.encode()
    response = client.send(Request("POST", f"{base}/a/b", (("k", "v +&=汉"), ("k2", "")), (("x-a", "1"),), body))
    assert response.status == 200
    assert response.header("X-One") == "1"
    assert seen[0][0] == "POST"
    assert seen[0][2] == body
    assert seen[0][1].startswith("/a/b?k=v")
    assert "%2B%26%3D%E6%B1%89" in seen[0][1]


def test_no_cookie_is_kept(serve, client):
    cookies = []

    def answer(asked: BaseHTTPRequestHandler) -> Answer:
        cookies.append(asked.headers.get("cookie"))
        return 200, {"set-cookie": "session=s3cret"}, b""

    base = serve(answer)
    client.send(Request("GET", base))
    client.send(Request("GET", base))
    assert cookies == [None, None]


def test_a_redirect_stays_on_its_host(serve, client):
    other: list[str] = []
    elsewhere = serve(lambda asked: (other.append(asked.path), (200, {}, b""))[1])
    base = serve(lambda asked: (200, {}, b"there") if asked.path == "/b" else (302, {"location": "/b"}, b""))
    assert client.send(Request("GET", f"{base}/a", headers=(("authorization", "s3cret"),))).body == b"there"
    leaving = serve(lambda _: (302, {"location": f"{elsewhere}/x"}, b""))
    with pytest.raises(GiveUp) as failure:
        client.send(Request("GET", leaving, headers=(("authorization", "s3cret"),)))
    assert code(failure) == "redirected"
    assert not other
    with pytest.raises(GiveUp):
        client.send(Request("POST", f"{base}/a", body=b"s3cret"))


def test_an_endless_redirect_ends(serve, client):
    base = serve(lambda _: (302, {"location": "/again"}, b""))
    with pytest.raises(GiveUp):
        client.send(Request("GET", base))


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_may_not_be_too_large(serve, client, packed):
    whole = b"0" * 200_000
    body, headers = (gzip.compress(whole), {"content-encoding": "gzip"}) if packed else (whole, {})
    base = serve(lambda _: (200, headers, body))
    assert not packed or len(body) < 1000
    with pytest.raises(GiveUp) as failure:
        client.send(Request("GET", base))
    assert code(failure) == "answer-too-large"


def test_an_answer_may_not_take_for_ever(serve, client):
    def answer(asked: BaseHTTPRequestHandler) -> Answer:
        asked.send_response(200)
        asked.send_header("content-length", "50")
        asked.end_headers()
        for _ in range(25):
            asked.wfile.write(b"x")
            asked.wfile.flush()
            time.sleep(0.1)
        asked.close_connection = True
        return 200, {}, b""

    begun = time.monotonic()
    with pytest.raises(TryAgain):
        client.send(Request("GET", serve(answer)))
    assert time.monotonic() - begun < 2.4


def test_what_cannot_be_reached_may_be_tried_again(client):
    with pytest.raises(TryAgain) as failure:
        client.send(Request("GET", "http://127.0.0.1:1/path?secret=s3cret"))
    assert "s3cret" not in str(failure.value)
    assert "127.0.0.1:1" in failure.value.why


@pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http://"])
def test_what_is_no_url_is_told(client, url):
    with pytest.raises((GiveUp, TryAgain)):
        client.send(Request("GET", url))


def test_no_url_is_logged(serve, client, caplog):
    base = serve(lambda _: (200, {}, b""))
    with caplog.at_level(logging.DEBUG):
        client.send(Request("GET", f"{base}/list", (("access_token", "s3cret-token"),)))
    assert "s3cret-token" not in caplog.text


def test_hosts_are_all_that_is_told_of_a_url():
    assert host_of("https://user:pw@shop.example:8443/a?token=1") == "shop.example:8443"
    assert host_of("http://[half") == ""
