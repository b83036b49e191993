"""The `database` connector on SQLite files: cursors, crashes, refusals; the rules that hold for every database."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from importlib import util
from pathlib import Path

import duckdb
import pytest

import engine
from engine.connector import Columnar, GiveUp, Landing, TryAgain, Workplace
from engine.database import DatabaseConnector, batch, settings
from engine.database.session import Session
from engine.database.sqlite import SQLite
from engine.diagnostic import render
from engine.document import Document, Origin
from engine.model import Source, Stream

CONNECTOR = DatabaseConnector()
ORIGIN = Origin(Document("project.yaml", "", {}, {}, {}), ())


class Patient:
    """A client that waits at once, and remembers how long."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


class Shop:
    """A SQLite file, and a source that reads a stream of it."""

    def __init__(self, root: Path, **told: object) -> None:
        self.root, self.told, self.since = root, told, None
        self.database = sqlite3.connect(root / "shop.db")
        self.cursor: object = None
        self.client = Patient()
        self.url = "sqlite:///shop.db"

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.database.executescript(statement)
        self.database.commit()

    def landings(self, **told: object):
        """Read, and give the landings as they come; each is stored before the next is asked for."""
        stream = Stream("sale", {**self.told, **told}, ORIGIN)
        source = Source("pos", "database", {"url": self.url}, {"sale": stream}, ORIGIN, since=self.since)
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        place = Workplace(self.root, scratch, cursor=self.cursor, client=self.client)
        (part,) = CONNECTOR.survey(source, stream, place)
        assert part.digest == ""
        for landing in CONNECTOR.read(source, stream, part, place):
            stored = replace(landing, detail={"rows": rows_of(landing)})
            if landing.cursor is not None:
                self.cursor = landing.cursor
            yield stored
        assert not list(scratch.iterdir()), "what was stored is not kept"

    def rows(self, **told: object) -> list[tuple]:
        """All rows of a whole run."""
        return [row for landing in self.landings(**told) for row in landing.detail["rows"]]


def rows_of(landing: Landing) -> list[tuple]:
    """The values that a landing holds."""
    if landing.records is None:
        return []
    if isinstance(landing.records, Columnar):
        return duckdb.sql(f"SELECT * FROM read_parquet('{landing.records.path}')").fetchall()
    return [values for _, values, _ in landing.records.rows]


def said(failure: pytest.ExceptionInfo[GiveUp]) -> tuple[str, str]:
    """The code of what was given up for, and its whole text."""
    (found,) = failure.value.diagnostics
    return found.code, render.text([found])


@pytest.fixture(params=["parquet", "rows"])
def form(request, monkeypatch):
    """With pyarrow, and as if it were not there."""
    if request.param == "rows":
        monkeypatch.setattr(batch, "find_spec", lambda name: None if name == "pyarrow" else util.find_spec(name))


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path, cursor="at", key=["id"])
    made.sql("CREATE TABLE sale(id INTEGER, at TEXT, amount)")
    return made


def add(shop: Shop, *rows: tuple) -> None:
    shop.database.executemany("INSERT INTO sale VALUES (?, ?, ?)", rows)
    shop.database.commit()


def test_values_stay_what_they_are(shop, form):
    add(shop, (123456789012345678, "2024-01-01", "0.10"), (2, "2024-01-02", 0.1), (3, "2024-01-03", b"\xff\x00"))
    add(shop, (4, "2024-01-04", None), (5, "2024-01-05", '中文,"引号"\n换行'))
    assert [row[2] for row in shop.rows()] == ["0.10", "0.1", "ff00", None, '中文,"引号"\n换行']
    assert shop.cursor["at"] == "2024-01-05"


def test_rows_with_the_last_value_that_come_later_are_read(shop, form):
    add(shop, (1, "2024-01-01 10:00:00", 1), (2, "2024-01-01 10:00:05", 2))
    shop.rows()
    add(shop, (3, "2024-01-01 10:00:05", 3))
    assert [row[0] for row in shop.rows()] == ["2", "3"]


def test_overlap_catches_what_is_written_late(shop):
    add(shop, (1, "2024-01-01 10:00:00", 1))
    shop.rows(overlap="10m")
    add(shop, (2, "2024-01-01 09:51:00", 1), (3, "2024-01-01 09:40:00", 1))
    assert [row[0] for row in shop.rows(overlap="10m")] == ["2", "1"]


def test_rows_without_a_cursor_value_are_read_in_every_run(shop, form):
    add(shop, (1, None, 1), (2, "2024-01-01", 2))
    assert [row[0] for row in shop.rows()] == ["1", "2"]
    assert [row[0] for row in shop.rows()] == ["1", "2"]
    assert shop.cursor["at"] == "2024-01-01"


@pytest.mark.parametrize("stored", range(1, 7))
def test_a_run_that_dies_goes_on_from_what_was_stored(shop, stored, form):
    add(shop, *((number, f"2024-01-{1 + number // 3:02d}", number) for number in range(20)))
    before = []
    reading = shop.landings(chunk=3)
    for _ in range(stored):
        before += next(reading).detail["rows"]
    reading.close()
    after = shop.rows(chunk=3)
    assert {int(row[0]) for row in (*before, *after)} == set(range(20))
    assert len(after) <= 20 - len(before) + 3, "it does not begin again"


def test_numbers_are_a_cursor_too(shop):
    add(shop, *((number, None, None) for number in (1, 2, 10, 9)))
    assert [row[0] for row in shop.rows(cursor="id")] == ["1", "2", "9", "10"]
    add(shop, (7, None, None), (11, None, None))
    assert [row[0] for row in shop.rows(cursor="id", overlap=3)] == ["7", "9", "10", "11"]


def test_lag_leaves_the_newest_alone(shop):
    add(shop, *((number, None, None) for number in range(10)))
    assert [row[0] for row in shop.rows(cursor="id", lag=5)] == ["0", "1", "2", "3", "4"]
    add(shop, (11, "2020-01-01T00:00:00Z", 1), (12, datetime.now(UTC).isoformat(), 1))
    shop.cursor = None
    assert [row[0] for row in shop.rows(lag="5m", where="at is not null")] == ["11"]


def test_a_date_in_the_future_does_not_hide_what_comes(shop):
    add(shop, (1, "2099-01-01 00:00:00", 1))
    shop.rows()
    assert shop.cursor["at"] < "2099"
    add(shop, (2, "2098-01-01 00:00:00", 1))
    assert [row[0] for row in shop.rows()] == ["2", "1"]


def test_since_begins_a_history(shop):
    add(shop, (1, "2023-12-31", 1), (2, "2024-01-01", 1))
    shop.since = "2024-01-01"
    assert [row[0] for row in shop.rows()] == ["2"]


def test_a_cursor_of_other_records_is_not_taken(shop):
    add(shop, (1, "2024-01-01", 1), (2, "2024-01-02", 2))
    assert len(shop.rows(where="amount > 1")) == 1
    assert len(shop.rows()) == 2


def test_without_a_cursor_all_is_read_every_time(shop, form):
    add(shop, *((number, "x", 1) for number in range(7)))
    shop.told = {"key": ["id"], "chunk": 3}
    assert [len(one.detail["rows"]) for one in shop.landings()] == [3, 3, 1]
    assert [one.first_row for one in shop.landings()] == [1, 4, 7]
    assert len(shop.rows()) == 7


@pytest.mark.parametrize("told", [{"cursor": "id"}, {"key": ["id"]}])
def test_parallel_reads_the_same(shop, told, form):
    add(shop, *((number, None, number) for number in range(1, 1001)), (None, None, -1))
    shop.told = {**told, "parallel": 3, "chunk": 40}
    assert sorted(int(row[2]) for row in shop.rows()) == [-1, *range(1, 1001)]


def test_a_query_with_columns_and_a_condition(shop):
    add(shop, (1, "a", 1), (2, "b", 2))
    shop.told = {
        "query": "SELECT id AS 编号, amount FROM sale -- all\n;",
        "columns": ["编号"],
        "where": "amount > 1 -- x",
    }
    assert shop.rows() == [("2",)]


def test_names_are_quoted(shop):
    shop.sql('CREATE TABLE "订单 ""明细"""("金额 a" INTEGER)', 'INSERT INTO "订单 ""明细""" VALUES (1)')
    shop.told = {"table": '"订单 ""明细"""', "cursor": "金额 A"}
    assert shop.rows() == [("1",)]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM sale",
        "SELECT 1; DELETE FROM sale",
        "SELECT 1) t; DROP TABLE sale --",
        "SELECT * INTO x FROM sale",
        "SELECT 'a",
        "SELECT (1",
        "SELECT 1 /* a",
        "",
        "PRAGMA user_version = 1",
    ],
)
def test_what_is_not_one_select_is_refused(shop, query):
    shop.told = {"query": query}
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "not-a-query"


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"table": "sales"}, "no-such-table", "did you mean `sale`?"),
        ({"cursor": "att"}, "no-such-column", "did you mean `at`?"),
        ({"columns": ["id", "amont"]}, "no-such-column", "did you mean `amount`?"),
        ({"key": ["idd"]}, "no-such-column", "did you mean `id`?"),
        ({"where": "1=1) or (1=1"}, "not-a-condition", "never opened"),
        ({"where": "nonsense = 1"}, "database-refused", "no such column"),
        ({"overlap": 3}, "length-kind", "`10m`"),
        ({"parallel": 2}, "no-split", "holds neither whole numbers nor times"),
        ({"query": "select 1", "table": "sale"}, "table-or-query", "both"),
        ({"query": "select id, amount as [I D], at from sale"}, "twin-columns", "two columns"),
    ],
)
def test_refusals(shop, told, code, words):
    add(shop, (1, "2024-01-01", 1))
    if "overlap" not in told:
        shop.cursor = None
    else:
        shop.rows()
    with pytest.raises(GiveUp) as failure:
        shop.rows(**told)
    assert said(failure)[0] == code
    assert words in said(failure)[1]


def test_parallel_needs_something_to_split(shop):
    shop.told = {"parallel": 2}
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "nothing-to-split"


def test_a_file_that_is_not_there(shop):
    shop.url = "sqlite:///nosuch.db"
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "cannot-connect"
    assert not (shop.root / "nosuch.db").exists()


def test_nothing_is_written(shop):
    add(shop, (1, "2024-01-01", 1))
    session = SQLite.connect(settings.Address("sqlite", "", 0, "", "", "shop.db", {}, 1), None, shop.root)
    with pytest.raises(GiveUp), session.speaking():
        session.connection.execute("DELETE FROM sale")
    session.close()


# --- connections that break -------------------------------------------------------------------------------------


def breaking(monkeypatch, after: list[int]) -> None:
    """Have every connection break after so many small lists of rows; the last number holds for all that follow."""
    real = SQLite.batches
    monkeypatch.setattr("engine.database.sqlite._AT_A_TIME", 2)

    def batches(self, select, columns):
        left = after.pop(0) if len(after) > 1 else after[0]
        for number, rows in enumerate(real(self, select, columns)):
            if number == left:
                raise TryAgain("gone")
            yield rows

    monkeypatch.setattr(SQLite, "batches", batches)


def test_a_lost_connection_is_made_again(shop, monkeypatch):
    add(shop, *((number, f"2024-01-{number:02d}", number) for number in range(1, 21)))
    breaking(monkeypatch, [9, 3, 4, 99])  # the first is asked for rows without a cursor value
    found = [int(row[0]) for row in shop.rows(chunk=2)]
    assert set(found) == set(range(1, 21))
    assert len(found) < 25
    assert shop.client.waited == [2.0, 2.0]


@pytest.mark.parametrize("told", [{}, {"cursor": None}])
def test_one_that_is_lost_again_and_again_is_given_up(shop, monkeypatch, told):
    add(shop, *((number, f"2024-01-{number:02d}", number) for number in range(1, 9)))
    if told:
        shop.told = {"key": ["id"]}
    breaking(monkeypatch, [0])
    with pytest.raises(GiveUp) as failure:
        shop.rows(chunk=2)
    assert said(failure)[0] == "connection-lost"
    assert shop.client.waited == [2.0, 4.0, 8.0]


# --- addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "oracle://a:geheim@b/c",
        "mysql://a:geheim@b:x/c",
        "mysql://a:geheim@b",
        "mysql://a:geheim@b/c?sll=1",
        "mysql:///c",
    ],
)
def test_addresses_that_cannot_be_do_not_show_their_password(shop, url):
    shop.url = url
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "database-url"
    assert "geheim" not in said(failure)[1]


def test_a_zone_that_is_not_there(shop):
    source = Source("pos", "database", {"url": shop.url, "timezone": "Asia/Shangai"}, {}, ORIGIN)
    with pytest.raises(GiveUp) as failure:
        CONNECTOR.survey(source, Stream("sale", {}, ORIGIN), Workplace(shop.root, shop.root))
    assert said(failure)[0] == "unknown-timezone"


def test_times_of_another_zone_are_not_in_the_future(shop):
    session = SQLite.connect(
        settings.address_of(Source("a", "database", {"url": shop.url}, {}, ORIGIN)), None, shop.root
    )
    now = session.now("Asia/Shanghai")
    assert round((now.wall - now.utc.replace(tzinfo=None)).total_seconds() / 3600) == 8
    session.close()


def test_an_address_in_parts():
    source = Source("a", "database", {"url": "mysql+pymysql://u%40:p%2F%40@h/订单?ssl=true"}, {}, ORIGIN)
    address = settings.address_of(source)
    assert (address.kind, address.user, address.password, address.port) == ("mysql", "u@", "p/@", 3306)
    assert "p/@" not in repr(address) + str(address)


def test_a_missing_driver_says_what_to_install(shop, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("engine.database.session.importlib.import_module", missing)
    for url, library in (("mysql", "pymysql"), ("postgresql", "pyarrow"), ("mssql", "pyarrow")):
        shop.url = f"{url}://u:p@127.0.0.1:1/x"
        with pytest.raises(GiveUp) as failure:
            shop.rows()
        assert said(failure)[0] == "driver-missing"
        assert library in said(failure)[1]
        assert "commerce-engine[database]" in said(failure)[1]


def test_every_kind_of_session_is_whole():
    kinds = set(Session.__subclasses__())
    assert len(kinds) == 4
    assert not any(kind.__abstractmethods__ for kind in kinds)


# --- the whole engine -------------------------------------------------------------------------------------------

PROJECT = """\
kind: project
name: shop
timezone: Asia/Shanghai
currency: CNY
warehouse: {engine: duckdb, path: build/warehouse}
use: [metrics/commerce]
sources:
  pos:
    connector: database
    with: {url: "sqlite:///shop.db"}
    streams: {sale: {cursor: updated_at, key: [id], chunk: 2}}
mappings: [pos.yaml]
"""

MAPPING = """\
kind: mapping
from: pos.sale
into: orders
newest_by: modified_at
fields:
  platform: {value: pos}
  shop_id: {value: "1"}
  order_id: id
  order_status: {value: SUCCESS}
  paid_at: {from: paid_at, type: timestamp}
  modified_at: {from: updated_at, type: timestamp}
  order_amount: {from: amount, type: decimal, unit: yuan}
"""


def test_a_project_from_load_to_query(tmp_path):
    (tmp_path / "project.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "pos.yaml").write_text(MAPPING, "utf-8")
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("CREATE TABLE sale(id TEXT, paid_at TEXT, updated_at TEXT, amount TEXT)")
    for number in range(5):
        day = f"2025-11-0{number + 1} 10:00:00"
        database.execute("INSERT INTO sale VALUES (?, ?, ?, ?)", (f"00{number}", day, day, f"{number}.10"))
    database.commit()
    project = engine.load(tmp_path)
    first = project.apply()
    assert first.status == "done"
    assert [read.rows for read in first.reads] == [5]
    database.execute("UPDATE sale SET amount = '100.00', updated_at = '2025-11-06 10:00:00' WHERE id = '001'")
    database.commit()
    second = engine.load(tmp_path).apply()
    assert [read.rows for read in second.reads] == [2], "the last one again, and the one that changed"
    (row,) = engine.load(tmp_path).query(["order_cnt"]).rows()
    assert row == {"order_cnt": 5}
