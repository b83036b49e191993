"""Laws 3 and 8 where something breaks: whatever fails, the last complete state stays, and a rerun makes up for it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ENGINE
from law_stage import Oracle, Record, Shop

from engine.diagnostic import Findings
from engine.model import Run, State
from engine.warehouse import WarehouseFailed
from engine.warehouse.folder import Folder
from engine.warehouse.session import Session
from engine.warehouse.working import Working


def records(generator: random.Random, number: int) -> list[Record]:
    """Sales of a file; every key is in one file only, so that both tables hold each once."""
    size = generator.randint(1, 40)
    return [
        ("s1", f"{number}-{at}", f"2024-01-01 00:00:{at:02}", f"{generator.randint(1, 9999)}", "paid", "Li")
        for at in range(size)
    ]


def add_files(shop: Shop, generator: random.Random, count: int, start: int) -> dict[str, list[Record]]:
    made = {}
    for number in range(start, start + count):
        made[f"in/first/f{number:04}.csv"] = rows = records(generator, number)
        shop.add("first", f"f{number:04}.csv", rows)
    return made


def undisturbed(shop: Shop, folder: Path) -> dict[str, object]:
    """What the same project comes to in a fresh folder."""
    shutil.copytree(shop.folder, folder, ignore=shutil.ignore_patterns("build"))
    fresh = Shop(folder)
    assert fresh.apply().exit_status == 0
    return fresh.contents()


# --- an error inside the run ------------------------------------------------------------------------------------


class Fault:
    """Makes the n-th statement of the warehouse fail, or counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int | None, failure: type[BaseException]) -> None:
        self.count, self.at, self.failure = 0, at, failure
        real = Session._execute

        def execute(session: Session, sql: str, values: list[object] | None) -> object:
            self.count += 1
            if self.count == self.at:
                raise self.failure("injected")
            return real(session, sql, values)

        monkeypatch.setattr(Session, "_execute", execute)


@pytest.fixture(scope="module")
def half_done(tmp_path_factory) -> Shop:
    """A shop that was applied once, and has more to do: new files, some of them with rows to reject."""
    shop = Shop(tmp_path_factory.mktemp("shop") / "project")
    shop.add("first", "a.csv", [("s1", "1", "2024-01-01", "5", "paid", "Li"), ("s1", "2", "", "x", "", "")])
    shop.apply()
    shop.add("first", "b.csv", [("s1", "1", "2024-01-02", "6", "paid", "Li"), ("s1", "3", "", "y", "", "")])
    shop.add("second", "c.csv", [("s1", "1", "2024-01-03", "7", "test", ""), ("s1", "4", "", "8", "", "")])
    return shop


@pytest.fixture(scope="module")
def expected(half_done, tmp_path_factory):
    return undisturbed(half_done, tmp_path_factory.mktemp("fresh") / "project")


@pytest.fixture(scope="module")
def statements(half_done, tmp_path_factory) -> int:
    """How many statements the second apply takes."""
    folder = tmp_path_factory.mktemp("count") / "project"
    shutil.copytree(half_done.folder, folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        fault = Fault(monkeypatch, None, WarehouseFailed)
        assert Shop(folder).apply().status == "done"
    return fault.count


def outcome(shop: Shop) -> Run | BaseException:
    try:
        return shop.apply()
    except (Findings, WarehouseFailed, KeyboardInterrupt, MemoryError) as failure:
        return failure


def break_at(half_done: Shop, folder: Path, at: int, failure: type[BaseException], expected: object) -> None:
    """Let the statement fail: readers see what they saw, nobody hears of success, and a rerun makes up for it."""
    shutil.copytree(half_done.folder, folder)
    shop = Shop(folder)
    before, version = shop.contents(), shop.workspace.published().version
    with pytest.MonkeyPatch.context() as monkeypatch:
        Fault(monkeypatch, at, failure)
        ended = outcome(shop)
    assert not isinstance(ended, Run) or (ended.status, ended.exit_status) == ("failed", 3), f"statement {at}"
    assert shop.workspace.published().version == version
    assert shop.contents() == before
    again = shop.apply()
    assert (again.status, again.exit_status) == ("done", 0)
    assert shop.contents() == expected, f"statement {at}"
    shutil.rmtree(folder)


def test_an_error_at_any_statement_changes_nothing(half_done, statements, expected, tmp_path):
    """Four statements here; all of them in the slow test."""
    assert statements > 60
    for at in range(statements // 4, statements + 1, statements // 4):
        break_at(half_done, tmp_path / str(at), at, WarehouseFailed, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("failure", "step"), [(WarehouseFailed, 1), (KeyboardInterrupt, 5), (MemoryError, 7)])
def test_an_error_at_every_statement_changes_nothing(half_done, statements, expected, tmp_path, failure, step):
    for at in range(1, statements + 1, step):
        break_at(half_done, tmp_path / str(at), at, failure, expected)


def test_an_error_before_there_is_a_plan_is_told_as_a_finding(half_done, tmp_path, monkeypatch):
    shutil.copytree(half_done.folder, tmp_path / "project")
    state, calls = Working.state, []

    def fails_later(warehouse: Working) -> State:
        calls.append(warehouse)
        if len(calls) > 2:
            raise WarehouseFailed("injected")
        return state(warehouse)

    monkeypatch.setattr(Working, "state", fails_later)
    with pytest.raises(Findings):
        Shop(tmp_path / "project").apply()


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT error('no')",
        "SELECT CAST('a' AS INTEGER)",
        "SELECT * FROM nothing",
        "SELEC 1",
        "INSERT INTO engine.batch VALUES ('x', 1, 2, 3)",
    ],
)
def test_a_commit_after_a_swallowed_error_is_no_success(tmp_path, wrong):
    """DuckDB says OK to such a COMMIT and stores nothing, or a part; the probe before it tells."""
    shop = Shop(tmp_path)
    warehouse = Working(Folder(shop.build), shop.workspace.project.storage, "salt")

    def careless() -> None:
        with warehouse._transaction(7):
            warehouse._session.do("INSERT INTO engine.run VALUES (7, 'lost')")
            try:
                warehouse._session.do(wrong)
            except WarehouseFailed:
                return

    try:
        careless()
        stored = warehouse._session.all("SELECT number FROM engine.run") == [(7,)] and warehouse.state().serial == 7
    except WarehouseFailed:
        stored = None
        assert warehouse._session.all("SELECT number FROM engine.run") == []
        assert warehouse.state().serial == 0
    assert stored is not False
    warehouse.close()


def test_a_commit_that_stores_nothing_is_noticed(tmp_path, monkeypatch):
    shop = Shop(tmp_path)
    warehouse = Working(Folder(shop.build), shop.workspace.project.storage, "salt")
    real = Session._execute

    def forgetful(session: Session, sql: str, values: list[object] | None) -> object:
        return real(session, "ROLLBACK" if sql == "COMMIT" else sql, values)

    monkeypatch.setattr(Session, "_execute", forgetful)
    with pytest.raises(WarehouseFailed, match="not stored"):
        warehouse.remove("sale", 3)
    assert warehouse.state().serial == 0
    warehouse.close()


def test_a_failed_write_of_the_pointer_publishes_nothing(half_done, expected, tmp_path, monkeypatch):
    """The disk is full when the last file is to be written."""
    shutil.copytree(half_done.folder, tmp_path / "project")
    shop = Shop(tmp_path / "project")
    before = shop.contents()
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "point_to", _no_room)
        with pytest.raises(OSError, match="no space"):
            shop.apply()
    assert shop.contents() == before
    assert shop.apply().status == "done"
    assert shop.contents() == expected


def _no_room(*_: object) -> None:
    raise OSError(28, "no space left on device")


# --- signals ----------------------------------------------------------------------------------------------------


def started(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [*ENGINE, "apply"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def stopped_at(folder: Path, word: str, number: signal.Signals) -> tuple[int, str]:
    """Run `engine apply`, send a signal as soon as it says a word; how it ended, and what it said."""
    run = started(folder)
    assert run.stdout
    assert run.stderr
    said = ""
    for line in run.stderr:
        said += line
        if word in line:
            run.send_signal(number)
            break
    said += run.stderr.read()
    run.stdout.read()
    run.stdout.close()
    run.stderr.close()
    return run.wait(60), said


@pytest.mark.parametrize(
    ("number", "statuses"), [(signal.SIGINT, {130}), (signal.SIGTERM, {143, -signal.SIGTERM})], ids=["INT", "TERM"]
)
def test_a_signal_ends_the_run_and_changes_nothing(tmp_path, number, statuses):
    shop, generator = Shop(tmp_path / "project"), random.Random(1)
    add_files(shop, generator, 1, 0)
    shop.apply()
    before = shop.contents()
    add_files(shop, generator, 6, 1)
    status, said = stopped_at(shop.folder, "f0003.csv", number)
    assert status in statuses, said
    assert "Traceback" not in said
    assert "bug" not in said
    assert shop.contents() == before
    assert shop.apply().status == "done"
    assert shop.contents() == undisturbed(shop, tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["f0002.csv", "f0020.csv", "building sale", "building copy", "publishing"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_step_changes_nothing(tmp_path, number, word):
    shop, generator = Shop(tmp_path / "project"), random.Random(2)
    add_files(shop, generator, 1, 0)
    shop.apply()
    before = shop.contents()
    add_files(shop, generator, 25, 1)
    status, said = stopped_at(shop.folder, word, number)
    assert status in (0, 130, 143, -signal.SIGTERM), said
    assert "Traceback" not in said
    complete = undisturbed(shop, tmp_path / "fresh")
    assert shop.contents() == (complete if status == 0 else before) or (status != 0 and shop.contents() == complete)
    assert shop.apply().exit_status == 0
    assert shop.contents() == complete


# --- kill -9 ----------------------------------------------------------------------------------------------------

WATCHER = """
import sys
from pathlib import Path
from engine.api import load

store, stop, reads = load(sys.argv[1]), Path(sys.argv[2]), 0
print("ready", flush=True)
while not stop.exists():
    reader = store.published()
    ((copies, sales, copied, sold, version),) = reader.rows(
        "SELECT (SELECT count(*) FROM copy), (SELECT count(*) FROM sale), "
        "(SELECT sum(amount) FROM copy), (SELECT sum(amount) FROM sale), 1"
    ).rows
    reader.close()
    reads += 1
    assert (copies, copied) == (sales, sold), f"mixed: {copies} {sales} {copied} {sold} in version {reader.version}"
print(reads)
"""
"""Reads the published state again and again: the same files feed both tables, so they agree at every moment."""


@pytest.fixture
def watched(tmp_path) -> Iterator[Callable[[Path], None]]:
    """Watch the published state of a folder until the test ends; whatever the watcher finds wrong fails the test."""
    stop, watchers = tmp_path / "stop", []

    def watch(folder: Path) -> None:
        words = [sys.executable, "-c", WATCHER, str(folder), str(stop)]
        watcher = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert watcher.stdout
        assert watcher.stdout.readline() == "ready\n"
        watchers.append(watcher)

    yield watch
    stop.touch()
    for watcher in watchers:
        said, wrong = watcher.communicate(timeout=60)
        assert watcher.returncode == 0, wrong
        assert int(said) > 0


def sales_of(files: dict[str, list[Record]]) -> set[tuple[object, ...]]:
    oracle = Oracle(newest=True)
    for number, rows in enumerate(files.values(), start=1):
        oracle.take(number, "first", rows)
    return {row[:-2] for row in oracle.sales}


def seen_by_readers(shop: Shop) -> set[tuple[object, ...]]:
    return {row[:-2] for row in shop.sales()}


def kill_rounds(tmp_path: Path, watch: Callable[[Path], None], rounds: int, seed: int) -> None:
    shop, generator = Shop(tmp_path / "project"), random.Random(seed)
    files = add_files(shop, generator, 2, 0)
    shop.apply()
    watch(shop.folder)
    for _ in range(rounds):
        complete = sales_of(files)
        files |= add_files(shop, generator, generator.randint(1, 4), len(files))
        run = started(shop.folder)
        killer = threading.Timer(generator.uniform(0.1, 1.1), run.kill)
        killer.start()
        run.communicate()
        killer.cancel()
        assert seen_by_readers(shop) in (complete, sales_of(files))
        assert not (run.returncode == 0 and seen_by_readers(shop) != sales_of(files))
        again = shop.apply()
        assert again.exit_status == 0
        assert seen_by_readers(shop) == sales_of(files)
    assert shop.contents() == undisturbed(shop, tmp_path / "fresh")
    seen = shop.contents()
    shop.apply("all")
    assert shop.contents() == seen


@pytest.mark.slow
def test_kill_at_random_moments(tmp_path, watched):
    kill_rounds(tmp_path, watched, rounds=30, seed=20240229)


def test_readers_during_applies(tmp_path, watched):
    """The same watcher over a few undisturbed runs, for the quick suite."""
    shop, generator = Shop(tmp_path / "project"), random.Random(3)
    files = add_files(shop, generator, 2, 0)
    shop.apply()
    watched(shop.folder)
    for _ in range(2):
        files |= add_files(shop, generator, 2, len(files))
        assert shop.apply().status == "done"
    assert seen_by_readers(shop) == sales_of(files)


def test_a_run_that_failed_is_listed_as_failed(tmp_path):
    shop = Shop(tmp_path)
    shop.add("first", "a.csv", [("1", "5")], ("单号", "金额"))
    assert shop.apply().exit_status == 4
    (listed,) = shop.workspace.runs()
    assert (listed["number"], listed["status"], listed["exit_status"]) == (1, "failed", 4)
