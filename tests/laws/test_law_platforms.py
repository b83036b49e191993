"""Laws 1, 3 and 5 for platforms: nothing is sent too early, a kill at any moment loses nothing, incremental equals full."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ENGINE
from fakes.serve import start
from fakes.taobao import Taobao
from fakes.world import Clock, World

import engine
from engine.connector import GiveUp, Request, Response, TryAgain
from engine.diagnostic import finding
from engine.rest import RestConnector
from engine.testing import Simulated
from engine.warehouse.raw import Landings

ORDERS = """kind: mapping
from: tmall.orders
into: orders
newest_by: modified_at
fields:
  platform: {value: tmall}
  shop_id: {from: _shop}
  order_id: tid
  order_status: {from: status}
  created_at: created
  modified_at: modified
  buyer_paid_amount: payment
"""
LINES = """kind: mapping
from: tmall.orders
into: order_lines
each: orders
newest_by: ext_modified_at
fields:
  platform: {value: tmall}
  shop_id: {from: _shop}
  order_id: ../tid
  line_id: oid
  line_buyer_paid: divide_order_fee
  ext_modified_at: ../modified
"""
MODEL = """kind: model
tables:
  order_lines: {columns: {ext_modified_at: {type: timestamp, zh: 修改, en: modified}}}
"""


def project(folder: Path, fake: Taobao, since: float, **more: Any) -> Path:
    """A project that reads one simulated shop; its secrets are in the environment."""
    settings = fake.settings()
    os.environ |= {"TOP_SECRET": settings["app_secret"], "TOP_SESSION": settings["session"]}
    given = {**settings, "app_secret": "${TOP_SECRET}", "session": "${TOP_SESSION}", **more}
    from_then = datetime.fromtimestamp(since, UTC).isoformat()
    source = {"connector": "taobao", "with": given, "streams": ["orders"], "since": from_then}
    made = {
        "kind": "project",
        "name": "tmall",
        "sources": {"tmall": source},
        "models": ["model.yaml"],
        "mappings": ["orders.yaml", "lines.yaml"],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "project.yaml").write_text(json.dumps(made, ensure_ascii=False), "utf-8")
    for name, text in {"model.yaml": MODEL, "orders.yaml": ORDERS, "lines.yaml": LINES}.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def contents(folder: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """The orders and the lines that are published."""
    workspace = engine.load(folder)
    orders = workspace.show(["orders"], limit=10**6).rows()
    lines = workspace.show(["order_lines"], limit=10**6).rows()
    return (
        {one["order_id"]: (str(one["modified_at"]), str(one["buyer_paid_amount"])) for one in orders},
        {one["line_id"]: str(one["line_buyer_paid"]) for one in lines},
    )


def truth(fake: Taobao) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """The orders and the lines that the platform has."""
    trades = fake.truth("orders", simplified=True)
    orders = {tid: (trade["modified"], trade["payment"]) for tid, trade in trades.items()}
    return orders, {str(line["oid"]): line["divide_order_fee"] for trade in trades.values() for line in trade["orders"]}


@pytest.fixture
def fake() -> Taobao:
    return Taobao(World(churn=4, changes=30), count=80)


def test_nothing_is_sent_before_apply(tmp_path, fake):
    folder = project(tmp_path / "p", fake, fake.world.clock.now() - 3 * 86400)
    sent: list[Request] = []

    def platform(request: Request) -> Response:
        sent.append(request)
        return fake(request)

    workspace = engine.load(folder)
    assert not [one for one in workspace.check() if one.severity == "error"]
    assert len(workspace.plan().reads) == 1
    assert not sent
    workspace.apply(client=Simulated(platform, fake.world.clock))
    assert sent


def test_incremental_runs_while_the_shop_works_come_to_the_truth(tmp_path, fake):
    """Six runs, records changing under each of them; the tables are those of one run over everything."""
    begun, clock = fake.world.clock.now() - 3 * 86400, fake.world.clock
    folder = project(tmp_path / "p", fake, begun)
    for _ in range(6):
        assert engine.load(folder).apply(client=Simulated(fake, clock)).exit_status == 0
        clock.sleep(3000)
    fake.world.churn = 0
    clock.sleep(3600)
    last = engine.load(folder).apply(client=Simulated(fake, clock))
    assert last.exit_status == 0
    assert contents(folder) == truth(fake)
    for build in last.builds:
        for one in build.mappings:
            assert one.read == one.loaded + one.superseded + one.rejected + one.dropped
    fresh = project(tmp_path / "fresh", fake, begun)
    engine.load(fresh).apply(client=Simulated(fake, clock))
    assert contents(fresh) == contents(folder)


def test_a_failure_in_the_middle_keeps_what_was_read(tmp_path, fake):
    """A platform that refuses from some request on: what came before is in raw, and is not asked for again."""
    fake.world.churn = 0
    folder = project(tmp_path / "p", fake, fake.world.clock.now() - 3 * 86400, at_once=1)
    client = Simulated(fake, fake.world.clock)
    good, fake.session = fake.session, fake.session
    count = 0

    def failing(request: Request) -> Response:
        nonlocal count
        count += 1
        fake.session = good if count <= 60 else "another"
        return fake(request)

    client.platform = failing
    run = engine.load(folder).apply(client=client)
    assert run.exit_status == 3
    assert [one.code for one in run.diagnostics] == ["token-refused"]
    fake.session = good
    client = Simulated(fake, fake.world.clock)
    assert engine.load(folder).apply(client=client).exit_status == 0
    assert len(client.sent) < 100, "of 145 requests for everything, 60 were answered before"
    assert contents(folder) == truth(fake)


@pytest.mark.slow
def test_killed_at_any_moment_the_next_run_goes_on(tmp_path):
    """Twelve kills with SIGKILL while a real process reads a real server; then one run to the end."""
    clock = Clock(time.time())
    fake = Taobao(World(clock, churn=5, changes=60), count=400)
    server, base = start({"taobao": fake})
    fake.base, fake.prefix = base, "/taobao"
    try:
        folder = project(tmp_path / "p", fake, clock.now() - 3 * 86400, at_once=2)
        generator = random.Random(7)
        killed = 0
        for _ in range(12):
            process = subprocess.Popen(
                [*ENGINE, "apply", str(folder), "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            time.sleep(generator.uniform(0.5, 3.0))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait()
            clock.time = time.time()
        fake.world.churn = 0
        clock.time = time.time()
        # Windows end five minutes ago by the clock of this machine; what changed since is shown to it as older.
        for record in fake.world.records["orders"].values():
            record["modified"] = min(record["modified"], clock.now() - 400)
            record["created"] = min(record["created"], record["modified"])
        done = subprocess.run([*ENGINE, "apply", str(folder), "-q"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert killed >= 4
        assert set(contents(folder)[0]) == set(truth(fake)[0])
    finally:
        server.shutdown()


PLAIN = """kind: connector
name: plain
settings: {url: {about: where}}
streams:
  rows:
    request: {url: "{{ url }}"}
    records: body.list
    every: 0s
"""
ROWS = """kind: mapping
from: shop.rows
into: orders
fields:
  platform: {value: tmall}
  shop_id: {from: _shop}
  order_id: id
  order_status: status
"""


def test_a_key_that_a_batch_leaves_out_is_null_and_one_that_never_comes_is_told(tmp_path):
    """The columns of a stream without declared fields are those that came so far."""
    manifest = {"kind": "project", "name": "p", "connectors": ["plain.yaml"], "mappings": ["rows.yaml"]}
    manifest["sources"] = {"shop": {"connector": "plain", "with": {"url": "http://fake"}, "streams": ["rows"]}}
    for name, text in {"project.yaml": json.dumps(manifest), "plain.yaml": PLAIN, "rows.yaml": ROWS}.items():
        (tmp_path / name).write_text(text, "utf-8")
    answers = [[{"id": 1}], [{"id": 1, "status": "paid"}], [{"id": 2}]]
    clock = Clock()

    def platform(_: Request) -> Response:
        return Response(200, (), json.dumps({"list": answers.pop(0)}).encode())

    def run() -> list[str]:
        clock.sleep(60)
        return [one.code for one in engine.load(tmp_path).apply(client=Simulated(platform, clock)).diagnostics]

    assert run() == ["missing-column"]
    assert run() == []
    assert run() == []
    rows = engine.load(tmp_path).show(["orders"]).rows()
    assert {one["order_id"]: one["order_status"] for one in rows} == {"1": "paid", "2": None}


def plain(tmp_path: Path, stream: str, platform: Any, *, extra: str = "", since: str | None = None) -> Any:
    """A run of a project that reads one stream of a small platform of its own."""
    manifest: dict[str, Any] = {"kind": "project", "name": "p", "connectors": ["plain.yaml"], "mappings": ["rows.yaml"]}
    manifest["sources"] = {"shop": {"connector": "plain", "with": {"url": "http://fake"}, "streams": ["rows"]}}
    if since:
        manifest["sources"]["shop"]["since"] = since
    head = "kind: connector\nname: plain\nsettings: {url: {about: where}}\n" + extra
    made = head + "streams:\n  rows:\n" + "".join(f"    {line}\n" for line in stream.strip().splitlines())
    for name, text in {"project.yaml": json.dumps(manifest), "plain.yaml": made, "rows.yaml": ROWS}.items():
        (tmp_path / name).write_text(text, "utf-8")
    clock = Clock()
    return engine.load(tmp_path).apply(client=Simulated(platform, clock)), clock


def listed(rows: list[Any], **more: Any) -> Response:
    return Response(200, (), json.dumps({"list": rows, **more}).encode())


def test_records_that_the_warehouse_refuses_are_told(tmp_path, monkeypatch):
    def refused(*_: Any) -> None:
        raise GiveUp(finding("refused-records", None, part="p", reason="too large"))

    monkeypatch.setattr(Landings, "land", refused)
    run, _ = plain(
        tmp_path, 'request: {url: "{{ url }}"}\nrecords: body.list', lambda _: listed([{"id": 1, "status": "x"}])
    )
    assert run.exit_status == 3
    assert [one.code for one in run.diagnostics] == ["refused-records"]


def test_a_connector_that_lets_a_failed_attempt_through_ends_in_words(tmp_path, monkeypatch):
    def failing(*_: Any) -> Any:
        raise TryAgain("the line went dead")
        yield

    monkeypatch.setattr(RestConnector, "read", failing)
    run, _ = plain(tmp_path, 'request: {url: "{{ url }}"}\nrecords: body.list', lambda _: listed([]))
    assert run.exit_status == 3
    assert [(one.code, one.facts["why"]) for one in run.diagnostics] == [("gave-up", "the line went dead")]


SKIPPING = "errors: [{when: status == 410, do: skip}]\n"


def test_a_detail_that_is_gone_is_skipped_and_counted_but_no_page_of_a_list_is(tmp_path):
    detail = """
list: {request: {url: "{{ url }}/ids"}, records: body.list, id: id}
request: {url: "{{ url }}/one", query: {id: "{{ id }}"}}
records: body.list"""

    def platform(request: Request) -> Response:
        if request.url.endswith("/ids"):
            return listed([{"id": 1}, {"id": 2}, {"id": 3}])
        number = dict(request.query)["id"]
        return Response(410, (), b"{}") if number == "2" else listed([{"id": int(number), "status": "x"}])

    run, _ = plain(tmp_path, detail, platform, extra=SKIPPING)
    assert run.exit_status == 0
    assert [(one.code, one.facts["count"]) for one in run.diagnostics] == [("records-skipped", 1)]
    assert run.reads[0].rows == 2

    pages = """
request: {url: "{{ url }}", query: {page: "{{ page.number }}"}}
records: body.list
page: {by: number, size: 1, total: body.total}"""

    def holed(request: Request) -> Response:
        number = int(dict(request.query)["page"])
        return Response(410, (), b"{}") if number == 2 else listed([{"id": number, "status": "x"}], total=3)

    (tmp_path / "b").mkdir()
    run, _ = plain(tmp_path / "b", pages, holed, extra=SKIPPING)
    assert run.exit_status == 3
    assert [one.code for one in run.diagnostics] == ["refused"]


def test_since_is_in_the_zone_of_the_project(tmp_path):
    stream = """
request: {url: "{{ url }}", query: {start: "{{ window.start | unix }}"}}
records: body.list
window: {span: 30d}"""
    asked: list[int] = []

    def platform(request: Request) -> Response:
        asked.append(int(dict(request.query)["start"]))
        return listed([])

    plain(tmp_path, stream, platform, extra="zone: UTC\n", since="2026-10-04")
    assert min(asked) == int(datetime(2026, 10, 3, 16, tzinfo=UTC).timestamp())


def test_a_list_goes_on_from_its_last_key(tmp_path):
    stream = """
list:
  request: {url: "{{ url }}/ids", query: {after: "{{ page.key }}"}}
  records: body.list
  id: id
  page: {by: key, field: id, start: 0, size: 2}
request: {url: "{{ url }}/one", query: {id: "{{ id }}"}}
records: body.list"""

    def platform(request: Request) -> Response:
        query = dict(request.query)
        if request.url.endswith("/ids"):
            return listed([{"id": at} for at in range(int(query["after"]) + 1, 8)][:2])
        return listed([{"id": int(query["id"]), "status": "x"}])

    run, _ = plain(tmp_path, stream, platform)
    assert run.reads[0].rows == 7


@pytest.mark.parametrize(("ahead", "codes"), [(0, []), (1200, ["clock-off"]), (-1200, ["clock-off"])])
def test_windows_close_by_the_clock_of_the_platform(tmp_path, ahead, codes):
    """Our clock runs ahead: what it calls read has not happened there yet, and is asked for again."""
    stream = """
request: {url: "{{ url }}", query: {start: "{{ window.start | unix }}", end: "{{ window.end | unix }}"}}
records: body.list
window: {span: 30d, lag: 5m, overlap: 0s}"""
    there = Clock()

    def platform(_: Request) -> Response:
        date = format_datetime(datetime.fromtimestamp(there.now() - ahead, UTC), usegmt=True)
        return Response(200, (("date", date),), b'{"list":[]}')

    run, _ = plain(tmp_path, stream, platform, since="1d")
    assert [one.code for one in run.diagnostics] == codes
    ((_, end),) = engine.load(tmp_path).state().cursors["shop.rows"][""]["covered"]
    assert end <= there.now() - max(ahead, 0) - 300 + 3
