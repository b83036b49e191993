"""Serve the simulated platforms on the loopback, each under `/<name>`, with the real clock.

    python -m tests.fakes.serve --platforms taobao,shopify --orders 500 --days 30 --settings settings.json

prints (and writes) the port and the settings that a source of each platform needs. `start` does it within a process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.connector import Request, Response, TryAgain

from .world import Clock, World

PLATFORMS = {
    "taobao": "taobao:Taobao",
    "taobao_ads": "taobao_ads:TaobaoAds",
    "jd": "jd:Jd",
    "doudian": "doudian:Doudian",
    "pdd": "pdd:Pdd",
    "kuaishou": "kuaishou:Kuaishou",
    "xiaohongshu": "xiaohongshu:Xiaohongshu",
    "weixin_store": "weixin_store:WeixinStore",
    "oceanengine": "oceanengine:OceanEngine",
    "jushuitan": "jushuitan:Jushuitan",
    "wangdiantong_enterprise": "wangdiantong:WangdiantongEnterprise",
    "wangdiantong_flagship": "wangdiantong:WangdiantongFlagship",
    "kingdee": "kingdee:Kingdee",
    "yonyou": "yonyou:Yonyou",
    "shopify": "shopify:Shopify",
    "amazon_sp": "amazon_sp:AmazonSp",
    "woocommerce": "woocommerce:WooCommerce",
}
_UNSET = "http://fake"
_DAY = 86_400.0

Platform = Callable[[Request], Response]


@dataclass
class RealClock(Clock):
    """The clock on the wall."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Server(ThreadingHTTPServer):
    """Answers for the platforms by the first part of the path; `platforms` may be added to while it runs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, platforms: dict[str, Platform], port: int) -> None:
        self.platforms = platforms
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a word; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet, or each answer waits for the client's acknowledgement
    server: Server

    def _answer(self) -> None:
        size = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not size.isdecimal():
            self._send(Response(411, (("content-type", "text/plain"),), b"a length is required"))
            self.close_connection = True
            return
        body = self.rfile.read(int(size))
        target = urlsplit(self.path)
        query = tuple(parse_qsl(target.query, keep_blank_values=True))
        request = Request(self.command, self.server.url + target.path, query, tuple(self.headers.items()), body)
        platform = self.server.platforms.get(target.path.split("/")[1])
        try:
            response = platform(request) if platform else Response(404, (), b"there is no such platform")
        except TryAgain:
            self.close_connection = True  # without an answer, as where the network failed
            return
        except Exception:
            traceback.print_exc()
            response = Response(500, (("content-type", "text/plain"),), traceback.format_exc().encode())
        self._send(response)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The time by the clock of the platform that is asked, which tests may move."""
        platform = self.server.platforms.get(self.path.split("/")[1]) if getattr(self, "path", "").count("/") else None
        world = getattr(platform, "world", None)
        return super().date_time_string(world.clock.now() if world is not None and timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses hold tokens, and there are many of them."""


def start(platforms: dict[str, Platform], port: int = 0) -> tuple[Server, str]:
    """Serve platforms from a thread; gives the server and its base URL. `server.shutdown()` ends it.

    A platform stands under `/<its key>` and was made with that `prefix`; one that was made without a base gets the
    server's. What a platform raises as a time-out is a connection that is closed without an answer.
    """
    server = Server(platforms, port)
    for platform in platforms.values():
        if getattr(platform, "base", None) == _UNSET:
            platform.base = server.url  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server, server.url


def platform(name: str, world: World, *, base: str, orders: int, days: float) -> Any:
    """A platform of this folder by its name, its world filled with the orders of the last days."""
    module, _, kind = PLATFORMS[name].partition(":")
    made = getattr(importlib.import_module(f".{module}", __package__), kind)
    if hasattr(made, "fill"):
        one = made(world, prefix=f"/{name}", base=base)
        one.fill(orders, days)
        return one
    one = made(world, prefix=f"/{name}", base=base, count=0)
    now = world.clock.now()
    for record, make in one.makers.items():
        count = orders if record == "orders" or "orders" not in one.makers else max(1, orders // 3)
        world.fill(record, make, count, now - days * _DAY, now - 600)
    return one


def _missing(name: str) -> bool:
    """Whether the module of a platform is not there."""
    return not (Path(__file__).parent / f"{PLATFORMS[name].partition(':')[0]}.py").is_file()


def _unlimited(one: Any) -> None:
    """Take the limits of calls away; what is named here is all that platforms call them."""
    for name in ("rate", "burst", "points"):
        if hasattr(one, name):
            setattr(one, name, None)


def _options(words: list[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.fakes.serve", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--port", type=int, default=0, help="0: any that is free")
    options.add_argument("--platforms", default="", help="names with commas between; all where none is given")
    options.add_argument("--orders", type=int, default=500, help="orders of each platform")
    options.add_argument("--days", type=float, default=30, help="days over which they are spread")
    options.add_argument("--churn", type=int, default=0, help="with every Nth request a record changes")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--settings", type=Path, help="a file to write the settings of sources to, as JSON")
    options.add_argument("--no-limits", action="store_true", help="without limits of calls in a time")
    chosen = options.parse_args(words)
    chosen.names = [name.strip() for name in chosen.platforms.split(",") if name.strip()] or list(PLATFORMS)
    unknown = [name for name in chosen.names if name not in PLATFORMS or (chosen.platforms and _missing(name))]
    if unknown:
        options.error(f"there is no platform {', '.join(unknown)}; there are {', '.join(PLATFORMS)}")
    return chosen


def serve(words: list[str] | None = None) -> tuple[Server, dict[str, Any]]:
    """Start what the command line asks for; gives the server and what is told about it."""
    chosen = _options(words)
    platforms: dict[str, Platform] = {}
    server, base = start(platforms, chosen.port)
    for name in chosen.names:
        if _missing(name):
            print(f"{name}: not there, left out", file=sys.stderr)
            continue
        world = World(RealClock(), seed=chosen.seed, churn=chosen.churn, changes=max(20, chosen.orders))
        one = platform(name, world, base=base, orders=chosen.orders, days=chosen.days)
        if chosen.no_limits:
            _unlimited(one)
        platforms[name] = one
    settings = {name: one.settings() for name, one in platforms.items()}  # type: ignore[attr-defined]
    told = {"port": server.server_address[1], "url": base, "platforms": settings}
    if chosen.settings:
        chosen.settings.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, ensure_ascii=False, indent=2), flush=True)
    return server, told


def main() -> None:
    server, _ = serve()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()


if __name__ == "__main__":
    main()
