"""A loopback platform for benchmarks: trades of 25 fields and 1.9 lines each, in pages, answered as fast as may be.

`python benchmarks/served.py RECORDS` prints its port and the bytes of its listing, and serves until it is killed:

* `/trades?page=N`: a page of all trades; with `start` and `end`, of those modified from `start` until before `end`.
* `/change?share=0.01`: that share of the trades is modified now.
* `/cost`: seconds of processor time and bytes of memory that serving took.

However many trades there are, ten thousand are made and kept; the others are these with other digits in their ids and
another day in their times, put in page by page. A page of 100 costs about a quarter of a millisecond.
"""

from __future__ import annotations

import argparse
import json
import resource
import socketserver
import sys
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

FIRST = datetime(2025, 1, 1)
ZONE = ZoneInfo("Asia/Shanghai")
PAGE = 100
BLOCK = 10_000
"""Trades that differ in more than the first digits of their ids and their day; so many are made on a day."""
IDS = 3_725_362_658
"""The first ten digits of the ids of the first block."""
STATUSES = ("WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED", "TRADE_CLOSED")
PLACES = (
    ("浙江省", "杭州市", "余杭区"),
    ("广东省", "深圳市", "南山区"),
    ("江苏省", "苏州市", "姑苏区"),
    ("四川省", "成都市", "武侯区"),
)


# --- trades -----------------------------------------------------------------------------------------------------


def trade(number: int, changed: datetime | None = None) -> dict[str, Any]:
    """The trade of a number; ids have 19 digits, amounts are texts as platforms write them, and add up."""
    block, at = divmod(number, BLOCK)
    ids = (IDS + block) * 10**9 + at * 100 + 5
    mixed = _mixed(at)
    buyer = md5(str(mixed % 7000).encode(), usedforsecurity=False).hexdigest()
    orders = [_line(ids + line + 1, at, line, changed is not None) for line in range(2 if at % 10 else 1)]
    due = sum(round(float(one["payment"]) * 100) for one in orders)
    state, city, district = PLACES[mixed % 4]
    created = FIRST + timedelta(days=block, seconds=at * 8)
    modified = changed or created + timedelta(hours=1)
    return {
        "tid": ids,
        "status": _status(mixed, changed is not None),
        "type": "fixed",
        "payment": _yuan(due),
        "total_fee": _yuan(due + 1000),
        "post_fee": "0.00",
        "discount_fee": _yuan(mixed % 300),
        "adjust_fee": "0.00",
        "received_payment": _yuan(due),
        "commission_fee": _yuan(due // 50),
        "created": _time(created),
        "pay_time": _time(created + timedelta(seconds=27)),
        "consign_time": _time(created + timedelta(minutes=40)),
        "end_time": _time(modified),
        "modified": _time(modified),
        "num": len(orders),
        "num_iid": 612345678901 + mixed % 500,
        "buyer_open_uid": f"AAHfictive{buyer[:23]}",
        "oaid": f"1xfictive{buyer[-18:]}",
        "receiver_state": state,
        "receiver_city": city,
        "receiver_district": district,
        "seller_flag": mixed % 6,
        "trade_from": "WAP,WAP",
        "orders": orders,
    }


def _line(oid: int, at: int, line: int, is_changed: bool) -> dict[str, Any]:
    mixed = _mixed(at)
    price = 5000 + mixed % 9000
    paid = price * (1 + line) - mixed % 300
    return {
        "oid": oid,
        "num_iid": 612345678901 + mixed % 500,
        "sku_id": str(4876543210987 + mixed % 2000),
        "outer_iid": f"TS-{mixed % 500:04d}",
        "outer_sku_id": f"TS-{mixed % 500:04d}-{'SML'[mixed % 3]}",
        "title": "秋季新款纯棉长袖T恤 宽松圆领落肩显瘦百搭",
        "num": 1 + line,
        "price": _yuan(price),
        "total_fee": _yuan(price * (1 + line)),
        "payment": _yuan(paid),
        "divide_order_fee": _yuan(paid),
        "part_mjz_discount": _yuan(mixed % 300),
        "discount_fee": "0.00",
        "adjust_fee": "0.00",
        "cid": 50010850,
        "refund_status": "NO_REFUND",
        "status": _status(mixed, is_changed),
    }


def _mixed(number: int) -> int:
    """Scattered, but the same every time: the low digits of a product with a large odd number."""
    return (number * 2_654_435_761 + 12_345) % 4_294_967_291


def _status(mixed: int, is_changed: bool) -> str:
    return STATUSES[(mixed + is_changed) % 5]


def _yuan(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# --- pages ------------------------------------------------------------------------------------------------------


class Platform:
    """All trades of a seller; a share of them may be modified."""

    def __init__(self, records: int) -> None:
        self.records = records
        self._block = [self._page(range(at, at + PAGE), has_next=True) for at in range(0, min(records, BLOCK), PAGE)]
        self._changed: datetime | None = None
        self._listed = range(0)

    def change(self, share: float) -> dict[str, Any]:
        """Modify a share of the trades now; returns how many, and the time that they are modified at."""
        self._changed = datetime.now(ZONE).replace(tzinfo=None, microsecond=0)
        self._listed = range(0, self.records, max(1, round(1 / share)))
        return {"count": len(self._listed), "modified": _time(self._changed)}

    def page(self, number: int, start: str | None, end: str | None) -> bytes:
        """A page, counted from 1, of all trades or of those modified in a window. Raises ValueError for half of them."""
        if start is None or end is None or start <= _time(FIRST):
            return self._of_all(number)
        if start <= _time(FIRST + timedelta(days=self.records // BLOCK + 1)):
            raise ValueError("a window holds either all trades or only those that were modified later")
        is_in = self._changed is not None and start <= _time(self._changed) < end
        some = self._listed[(number - 1) * PAGE : number * PAGE] if is_in else range(0)
        return self._page(some, has_next=is_in and number * PAGE < len(self._listed), changed=self._changed)

    @property
    def size(self) -> int:
        """Bytes of JSON of all trades."""
        return sum(len(self._of_all(number + 1)) for number in range(-(-self.records // PAGE)))

    def _of_all(self, number: int) -> bytes:
        first = (number - 1) * PAGE
        if first + PAGE >= self.records:
            return self._page(range(first, max(first, self.records)), has_next=False)
        block, at = divmod(first, BLOCK)
        made = self._block[at // PAGE]
        if block == 0:
            return made
        day = _time(FIRST + timedelta(days=block))[:10].encode()
        return made.replace(b"%d" % IDS, b"%d" % (IDS + block)).replace(_time(FIRST)[:10].encode(), day)

    def _page(self, numbers: Iterable[int], *, has_next: bool, changed: datetime | None = None) -> bytes:
        trades = [trade(number, changed) for number in numbers]
        body = {"total": self.records, "has_next": has_next, "trades": trades}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


# --- serving ----------------------------------------------------------------------------------------------------


class _Answering(socketserver.StreamRequestHandler):
    platform: Platform
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b"\n", b""):
                pass
            url = urlsplit(line.split()[1].decode())
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            try:
                self._answer(b"200 OK", self._body(url.path, asked))
            except (ValueError, KeyError) as failure:
                self._answer(b"400 Bad Request", json.dumps({"message": str(failure)}).encode())

    def _body(self, path: str, asked: dict[str, str]) -> bytes:
        if path == "/trades":
            return self.platform.page(int(asked.get("page", "1")), asked.get("start"), asked.get("end"))
        if path == "/change":
            return json.dumps(self.platform.change(float(asked["share"]))).encode()
        if path == "/cost":
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            return json.dumps({"seconds": time.process_time(), "memory": memory}).encode()
        raise KeyError(path)

    def _answer(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
        self.wfile.write(head + body)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description="A loopback platform for benchmarks.")
    parser.add_argument("records", type=int)
    platform = Platform(parser.parse_args().records)
    handler = type("Handler", (_Answering,), {"platform": platform})
    with _Server(("127.0.0.1", 0), handler) as server:
        print(json.dumps({"port": server.server_address[1], "bytes": platform.size}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
