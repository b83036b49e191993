"""Rates: no bucket lets more through than it says, a ban stops everybody, and the pace recovers."""

from __future__ import annotations

import threading

import pytest

from engine.rest.limits import Bucket, Limits, rate_of


class Clock:
    def __init__(self):
        self.time, self.lock = 1000.0, threading.Lock()

    def send(self, request):
        raise AssertionError

    def now(self):
        return self.time

    def sleep(self, seconds):
        with self.lock:
            self.time += seconds


RATES = [("10/s", 10), ("100/min", 100 / 60), ("1/5s", 0.2), ("5000/d", 5000 / 86400), ("0.5/s", 0.5)]


@pytest.mark.parametrize(("text", "rate"), RATES)
def test_rates_are_read(text, rate):
    assert rate_of(text) == pytest.approx(rate)


def test_no_more_than_the_rate_goes_out():
    clock = Clock()
    limits = Limits(clock)
    bucket = limits.bucket(("a",), 5.0, 5.0, None)
    times = []
    for _ in range(50):
        with limits.turn([bucket]):
            times.append(clock.now())
    assert all(times[at + 10] - times[at] >= 1.0 - 1e-6 for at in range(5, 40)), (
        "ten requests take a second at least twice over"
    )
    assert times[-1] - times[0] == pytest.approx(9.0)


def test_whoever_shares_a_key_shares_the_bucket():
    limits = Limits(Clock())
    assert limits.bucket(("app", "orders"), 1, 1, None) is limits.bucket(("app", "orders"), 1, 1, None)
    assert limits.bucket(("app", "orders"), 1, 1, None) is not limits.bucket(("app", "items"), 1, 1, None)


def test_a_ban_stops_everybody_and_slows_them_down():
    clock = Clock()
    bucket = Bucket(10.0, 10.0)
    bucket.wait(clock.now())
    bucket.banned(clock.now(), 8.0)
    assert bucket.wait(clock.now()) == pytest.approx(8.0)
    assert bucket.pace == 0.5
    for _ in range(100):
        bucket.went_well()
    assert bucket.pace == 1.0


def test_only_so_many_are_under_way_together():
    limits, most, now = Limits(Clock()), [0], [0]
    bucket = limits.bucket(("x",), 1000.0, 1000.0, 2)
    lock, gate = threading.Lock(), threading.Event()

    def ask():
        with limits.turn([bucket]):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            gate.wait(0.02)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most[0] == 2
