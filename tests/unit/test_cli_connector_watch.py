"""What a run tells of the streams that it fetches, and what people see of that."""

from __future__ import annotations

import threading

import pytest
from fakes.taobao import Taobao
from fakes.world import World

from engine.api import load
from engine.apply import Progress
from engine.cli import screen, watching
from engine.connector import Effort
from engine.model import ReadResult, Run
from engine.testing import Simulated

PROJECT = """\
kind: project
name: shop
sources:
  tmall:
    connector: taobao
    with: {app_key: "${K}", app_secret: "${S}", session: "${T}", url: "http://fake/router/rest"}
    streams: [orders, refunds]
    since: "2026-10-03"
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What the listener of a run was told, and the run."""
    platform = Taobao(World(), count=60)
    given = platform.settings()
    for name, key in (("K", "app_key"), ("S", "app_secret"), ("T", "session")):
        monkeypatch.setenv(name, given[key])
    text = PROJECT.replace("http://fake/router/rest", given["url"])
    (tmp_path / "project.yaml").write_text(text, "utf-8")
    threads, heard = set(), []

    def listener(progress: Progress) -> None:
        threads.add(threading.current_thread())
        heard.append(progress)

    monkeypatch.setattr("engine.apply.together.OFTEN", 0.0)
    run = load(tmp_path).apply(listener=listener, client=Simulated(platform, platform.world.clock))
    assert run.exit_status == 0, run.diagnostics
    return heard, run, threads


def test_efforts_are_told_in_the_thread_of_the_caller(told):
    heard, _, threads = told
    orders = [one for one in heard if one.feed == "tmall.orders"]
    assert threads == {threading.current_thread()}
    assert orders[-1].ended
    assert not any(one.ended for one in orders[:-1])
    requests = [one.effort.requests for one in orders]
    assert requests == sorted(requests)
    assert orders[-1].effort.share == 1.0


def test_a_run_counts_requests_and_waiting(told):
    heard, run, _ = told
    orders = next(one for one in run.reads if one.stream == "orders")
    last = [one for one in heard if one.feed == "tmall.orders"][-1].effort
    assert (orders.requests, orders.waited) == (last.requests, round(last.waited, 1))
    assert orders.requests > 10
    assert orders.rows > 0


def read(requests: int = 0, waited: float = 0.0) -> ReadResult:
    return ReadResult("a", "b", "a.b", 3, 0, 1.0, requests, waited)


@pytest.mark.parametrize(
    ("reads", "heads"),
    [
        ([read()], ["stream", "part", "read", "left out", "seconds"]),
        ([read(), read(7)], ["stream", "part", "read", "left out", "requests", "seconds"]),
        ([read(7, 1.5)], ["stream", "part", "read", "left out", "requests", "waited (s)", "seconds"]),
    ],
)
def test_costs_stand_in_the_table_where_there_are_any(reads, heads):
    made = screen.run(Run(1, "done", "2026-11-22", 1.0, tuple(reads)), "en")
    table = made.renderables[0]
    assert [str(column.header) for column in table.columns] == heads


def test_lines_come_as_a_stream_begins_now_and_then_and_as_it_ends(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    with watching.Watch("en") as watch:
        for seconds, share, ended in ((0, 0.0, False), (1, 0.1, False), (20, 0.5, False), (40, 1.0, True)):
            clock[0] = 100.0 + seconds
            watch(Progress("read", "part", 0, 2, seconds, "a.b", Effort(seconds, 2.0, seconds, share), ended))
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "reading a.b part (1/2)",
        "reading a.b: 20 rows, 20 requests, waited 2.0 s, 0:20 left (1/2)",
        "reading a.b: 40 rows, 40 requests, waited 2.0 s (1/2)",
    ]


def test_bars_show_each_stream_while_it_is_fetched(monkeypatch):
    with watching.Watch("zh") as watch:
        watch._live = True
        watch(Progress("read", "part", 0, 2, 5, "a.b", Effort(3, 0.0, 5, 0.25)))
        bars = {task.description.strip(): task for task in watch._bars.tasks}
        assert (bars["a.b"].completed, bars["a.b"].fields["count"]) == (0.25, "25%")
        assert bars["a.b"].fields["told"] == "5 行、3 次请求"
        watch(Progress("read", "part", 0, 2, 5, "a.b", Effort(3, 0.0, 5, 1.0), ended=True))
        assert [task.description.strip() for task in watch._bars.tasks] == ["读取"]


def test_quiet_is_quiet(capsys):
    with watching.Watch("en", quiet=True) as watch:
        watch(Progress("build", "orders", 0, 1))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61, "1:01"), (3723, "1:02:03")])
def test_times_are_written_as_on_a_clock(seconds, shown):
    assert watching.clock(seconds) == shown
