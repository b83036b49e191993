"""What every connector has to hold, as checks that a plugin's tests call in a few lines.

    from engine.testing import Case, check_all

    def test_orders(tmp_path):
        check_all(Case(connector="my_platform", settings={...}, stream="orders", platform=fake, clock=clock,
                       key="order_id", newest_by="updated_at", truth=fake.truth))

Each check raises AssertionError with words about what was lost, doubled or told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as field_
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from engine.connector import GiveUp, Request, Response, TryAgain, connector_of
from engine.model import Source
from engine.rest import reading
from engine.testing.driving import Driver, Platform, Record, Simulated, source_of, with_page_size
from engine.testing.recording import hidden

Troubles = Sequence[Response | Exception | None]

TROUBLES: tuple[Troubles, ...] = (
    (TryAgain("timed out"),),
    (Response(503, (), b"busy"), None, Response(502, (), b"<html>bad gateway</html>")),
    (Response(429, (("retry-after", "2"),), b"slow down"), TryAgain("connection reset"), None, Response(504, (), b"")),
    (None, None, TryAgain("timed out"), Response(500, (), b"{}"), Response(200, (), b"<html>proxy</html>")),
)
"""Patterns of what goes wrong on the way; None lets a request through."""


@dataclass
class Case:
    """A connector, a platform that answers it, and what the platform knows to be true.

    `platform` is a function from request to response, `clock` has `now()` and `sleep(seconds)`; `truth` gives every
    record that there is now, by id, as the platform would show it. `key` and `newest_by` are dotted paths in a record.
    A platform may change records while they are read; `calm` makes it stop, before the last run of a check, which
    begins `settle` seconds later. `secrets` may appear nowhere; fields in `ignore` are not compared.
    """

    connector: str
    settings: Mapping[str, Any]
    stream: str
    platform: Platform
    clock: Any
    truth: Callable[[], Mapping[str, Record]]
    key: str
    newest_by: str | None = None
    since: float | None = None
    options: Mapping[str, Any] = field_(default_factory=dict)
    manifests: Sequence[Path] = ()
    secrets: Sequence[str] = ()
    settle: float = 7200.0
    calm: Callable[[], object] = lambda: None
    ignore: frozenset[str] = frozenset()

    def source(self) -> Source:
        """The source of the case."""
        since = None if self.since is None else datetime.fromtimestamp(self.since, UTC).isoformat()
        streams = {self.stream: dict(self.options)}
        return source_of(self.connector, self.settings, streams, since=since, manifests=self.manifests)

    def driver(
        self, source: Source | None = None, *, platform: Platform | None = None, keep: Path | None = None
    ) -> Driver:
        """A driver that has read nothing yet."""
        client = Simulated(platform or self.platform, self.clock)
        return Driver(source or self.source(), self.stream, client, keep=keep)


def check_offline(case: Case) -> None:
    """It tells its streams and its parts without a request."""
    source = case.source()
    assert case.stream in source.streams, f"there is no stream {case.stream}"
    made = connector_of(source)
    assert isinstance(made.name, str)
    assert isinstance(made.source_schema, dict)
    assert isinstance(made.stream_schema, dict)
    json.dumps([made.source_schema, made.stream_schema])
    findings = [str(one) for one in getattr(made, "check", lambda _: ())(source)]
    assert not findings, f"the connector finds fault with itself: {findings}"


def check_complete(case: Case, driver: Driver | None = None) -> Driver:
    """A run from nothing, and runs later, give every record in its newest form, and nothing that is not there."""
    driver = driver or case.driver()
    driver.run()
    _settle(case, driver)
    expect_truth(case, driver)
    return driver


def check_page_sizes(case: Case, sizes: Sequence[int] = (1, 2, 7)) -> None:
    """The size of pages changes nothing about what comes out."""
    for size in sizes:
        driver = case.driver(with_page_size(case.source(), case.stream, size))
        driver.run()
        _settle(case, driver)
        expect_truth(case, driver, f"with pages of {size}: ")


def check_troubles(case: Case, patterns: Sequence[Troubles] = TROUBLES) -> None:
    """Timeouts, 429, 503 and pages of proxies on the way lose nothing."""
    for pattern in patterns:
        driver = case.driver(platform=troubled(case.platform, pattern))
        driver.run()
        _settle(case, driver)
        expect_truth(case, driver, f"with {pattern}: ")


def check_resume(case: Case, *, batch: int = 4000, most: int = 12) -> None:
    """Killed after any batch, before or after it was stored, the next run goes on and loses nothing."""
    with small_batches(batch):
        whole = case.driver()
        count = whole.run()
        for stop in range(min(count, most)):
            for lose in (False, True):
                driver = case.driver()
                driver.run(stop_after=stop + 1, lose=lose)
                driver.run()
                _settle(case, driver)
                expect_truth(
                    case, driver, f"killed after landing {stop + 1}{' before it was stored' if lose else ''}: "
                )


def check_incremental(case: Case, change: Callable[[], object], *, most: float = 0.5) -> None:
    """After a change the next run finds it, with less than `most` of the requests of the first one."""
    driver = case.driver()
    driver.run()
    first = len(driver.client.sent)  # type: ignore[attr-defined]
    case.clock.sleep(case.settle)
    change()
    case.clock.sleep(case.settle)
    driver.run()
    second = len(driver.client.sent) - first  # type: ignore[attr-defined]
    expect_truth(case, driver)
    assert second <= max(2, first * most), f"{second} requests for one change, after {first} for everything"


def check_secrets(case: Case, keep: Path | None = None) -> None:
    """No secret stands in a record, a cursor, a finding or a line of a log, also where the platform refuses."""
    with listening() as lines:
        driver = case.driver(keep=keep)
        driver.run()
        told = [*lines, *(str(one) for one in driver.diagnostics), json.dumps(driver.cursor)]
        told += [json.dumps(record, default=str) for record in driver.records]
        for failure in (Response(403, (), b"no"), Response(400, (), b'{"code": -1}')):
            try:
                case.driver(platform=_always(failure)).run()
            except GiveUp as given_up:
                told += [str(one) for one in given_up.diagnostics] + [repr(given_up)]
    for secret in case.secrets:
        shown = [one for one in told if hidden(one, [secret]) != one]
        assert not shown, f"a secret is shown: {hidden(shown[0], case.secrets)[:300]}"


def check_all(case: Case, *, tmp_path: Path | None = None) -> None:
    """Every check that needs nothing but the case."""
    check_offline(case)
    check_complete(case)
    if case.source().preset is not None:
        check_page_sizes(case)
    check_troubles(case)
    check_resume(case)
    check_secrets(case, tmp_path)


# --- what the checks are made of --------------------------------------------------------------------------------


def expect_truth(case: Case, driver: Driver, when: str = "") -> None:
    """What was read is what the platform has: the same ids, each in its newest form."""
    found, truth = driver.newest(case.key, case.newest_by), case.truth()
    lost = sorted(truth.keys() - found.keys())
    made_up = sorted(found.keys() - truth.keys())
    assert not lost, f"{when}{len(lost)} of {len(truth)} records were lost, such as {lost[:3]}"
    assert not made_up, f"{when}{len(made_up)} records are not there in truth, such as {made_up[:3]}"
    for key, record in found.items():
        expected = truth[key]
        stale = {
            name: (value, expected.get(name))
            for name, value in record.items()
            if not name.startswith("_") and name not in case.ignore and not _same(value, expected.get(name))
        }
        assert not stale, f"{when}record {key} is not as it is now: {dict(list(stale.items())[:3])}"


def _settle(case: Case, driver: Driver) -> None:
    """A last run, some time after the last change."""
    case.calm()
    case.clock.sleep(case.settle)
    driver.run()


def _same(read: Any, true: Any) -> bool:
    plain = json.loads(json.dumps(true, default=str), parse_float=Decimal)
    return bool(read == plain) or (
        isinstance(read, str) and isinstance(true, float | Decimal) and Decimal(read) == Decimal(str(true))
    )


def _always(response: Response) -> Platform:
    return lambda _: response


def troubled(platform: Platform, pattern: Troubles) -> Platform:
    """A platform with troubles on the way: the pattern, again and again, every few requests."""
    count = 0

    def asked(request: Request) -> Response:
        nonlocal count
        trouble = pattern[count % (len(pattern) + 2)] if count % (len(pattern) + 2) < len(pattern) else None
        count += 1
        if isinstance(trouble, Exception):
            raise trouble
        return platform(request) if trouble is None else trouble

    return asked


@contextmanager
def small_batches(size: int) -> Iterator[None]:
    """Batches of the `rest` connector are handed over after so many bytes."""
    with mock.patch.object(reading, "BATCH", size):
        yield


@contextmanager
def listening() -> Iterator[list[str]]:
    """Every line that is logged, from the finest level on."""
    lines: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, root = Listening(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
