"""Pinecone Club, made up: a pure function from request to response, and a way to serve it on this machine.

`Club(clock)` is all that tests need: call it with a request. `python -m engine_loyalty.fake` serves it on the loopback, to
try the project of the example with.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hmac
import io
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from engine.connector import Request, Response
from engine_loyalty.protocol import BAD_SIGNATURE, BUSY, CLOCK_OFF, KINDS, UNKNOWN_KIND, checksum, signature

KEY, SECRET = "club-7", "made-up-secret-5f2c81d0"
_LOGON = re.compile(r"LOGON (?P<key>\S+) (?P<at>\d+) (?P<sign>[0-9a-f]{64})\n(?P<asked>[^\n]*)\n")
_FETCH = re.compile(r"FETCH (?P<kind>\w+) AFTER (?P<after>\d+) LIMIT (?P<count>\d+)")
_COLUMNS = {
    "ledger": ("seq", "entry_no", "member_no", "points", "reason", "booked_at"),
    "members": ("seq", "member_no", "level", "phone_hash", "joined_on", "balance"),
}
_KEYS = {"ledger": "entry_no", "members": "member_no"}
_REASONS = ("购物", "签到", "生日, 双倍", "换购", '客服"补偿"')

Record = dict[str, str]


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    time: float = 1_791_158_400.0  # 2026-10-05 00:00:00 UTC

    def now(self) -> float:
        """Unix seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


@dataclass
class Club:
    """The system with its members and what they were given. With every `busy`th request it has no time; with every
    `churn`th one something changes, `changes` times at most."""

    clock: Any = field(default_factory=Clock)
    count: int = 40
    busy: int = 7
    churn: int = 0
    changes: int = 20

    def __post_init__(self) -> None:
        self.random, self.seq, self.requests = random.Random(7), 0, 0
        self.held: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        for _ in range(self.count // 4):
            self.join()
        for _ in range(self.count):
            self.book()

    def truth(self, kind: str) -> dict[str, Record]:
        """Every record of a kind as it is now, by its key."""
        return dict(self.held[kind])

    def join(self) -> None:
        """A new member."""
        number = f"{600_000_000_000_000_000 + len(self.held['members']):d}"
        self._put("members", {"member_no": number, "level": "银卡", "phone_hash": f"{self.random.getrandbits(64):016x}",
                              "joined_on": "2026-01-15", "balance": "0"})  # fmt: skip

    def book(self) -> None:
        """Points given to a member or taken, which changes the member too."""
        member = dict(self.random.choice(list(self.held["members"].values())))
        points = self.random.choice([-20, 5, 30, 100])
        booked = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.now()))
        number = f"E{len(self.held['ledger']):07d}"
        self._put("ledger", {"entry_no": number, "member_no": member["member_no"], "points": str(points),
                             "reason": self.random.choice(_REASONS), "booked_at": booked})  # fmt: skip
        self._put("members", {**member, "balance": str(int(member["balance"]) + points)})

    def calm(self) -> None:
        """Nothing changes by itself any more."""
        self.churn = 0

    def __call__(self, request: Request) -> Response:
        """Answer a request as the system does."""
        self.requests += 1
        if self.churn and self.requests % self.churn == 0 and self.changes:
            self.changes -= 1
            self.book()
        logon = _LOGON.fullmatch(request.body.decode("utf-8", "replace"))
        if request.method != "POST" or not logon:
            return Response(400, (), b"not a command")
        expected = signature(KEY, SECRET, int(logon["at"]), logon["asked"])
        if logon["key"] != KEY or not hmac.compare_digest(expected, logon["sign"]):
            return _refused(BAD_SIGNATURE, "signature does not match")
        if abs(self.clock.now() - int(logon["at"])) > 300:
            return _refused(CLOCK_OFF, "clock is off by more than 300 s")
        if self.busy and self.requests % self.busy == 0:
            return _refused(BUSY, "too many requests; retry in 3 s")
        fetch = _FETCH.fullmatch(logon["asked"])
        if not fetch or fetch["kind"] not in KINDS:
            return _refused(UNKNOWN_KIND, "unknown command")
        return _page(self._after(fetch["kind"], int(fetch["after"]), int(fetch["count"])), _COLUMNS[fetch["kind"]])

    def _after(self, kind: str, after: int, count: int) -> list[Record]:
        there = sorted(self.held[kind].values(), key=lambda record: int(record["seq"]))
        return [record for record in there if int(record["seq"]) > after][:count]

    def _put(self, kind: str, record: Record) -> None:
        self.seq += 1
        made = {**record, "seq": str(self.seq)}
        self.held[kind][made[_KEYS[kind]]] = made


def _page(records: list[Record], columns: tuple[str, ...]) -> Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    held = text.getvalue()
    body = gzip.compress(f"{held}#EOF,{len(records)},{checksum(held)}\n".encode())
    return Response(200, (("content-type", "application/octet-stream"),), body)


def _refused(code: int, words: str) -> Response:
    return Response(200, (("content-type", "text/plain"),), f"ERR {code} {words}\n".encode())


class RealClock:
    """The clock on the wall."""

    now = staticmethod(time.time)


def served(club: Club, port: int) -> HTTPServer:
    """A server on the loopback that answers as the club does; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = club(Request("POST", self.path, body=body))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """A line for each request helps nobody here."""

    return HTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until interrupted; say what the project's variables are."""
    parser = argparse.ArgumentParser(description="Serve the made-up Pinecone Club on this machine.")
    parser.add_argument("--port", type=int, default=8765)
    server = served(Club(RealClock()), parser.parse_args().port)
    variables = {
        "LOYALTY_URL": f"http://127.0.0.1:{server.server_port}",
        "LOYALTY_KEY": KEY,
        "LOYALTY_SECRET": SECRET,
    }
    sys.stdout.write("\n".join(f"export {name}={json.dumps(value)}" for name, value in variables.items()) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
