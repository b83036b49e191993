"""The `database` connector on real servers, started for the tests: values, cursors, refusals, broken connections."""

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server, mariadb, postgresql
from test_database_sqlite import Shop, rows_of, said

from engine.connector import GiveUp
from engine.database import batch

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def mysql() -> Iterator[Server]:
    pytest.importorskip("pymysql")
    with mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    pytest.importorskip("adbc_driver_postgresql")
    with postgresql() as server:
        yield server


@pytest.fixture(params=["mysql", "postgres"])
def server(request) -> Server:
    return request.getfixturevalue(request.param)


class Remote(Shop):
    """A source on a server; SQL goes to it as its owner."""

    def __init__(self, root: Path, server: Server, **told: object) -> None:
        super().__init__(root, **told)
        self.server, self.url = server, server.url()

    def sql(self, *statements: str) -> None:
        self.server.run(";\n".join(statements) + ";")
        if self.server.scheme == "postgresql":
            self.server.run(
                "GRANT USAGE ON SCHEMA public TO shop; GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop;"
            )


@pytest.fixture
def shop(tmp_path, server) -> Remote:
    made = Remote(tmp_path, server, cursor="at", key=["id"])
    made.sql(
        "DROP TABLE IF EXISTS sale",
        "CREATE TABLE sale(id BIGINT PRIMARY KEY, at TIMESTAMP(6) NULL, amount DECIMAL(12, 2))",
    )
    return made


def fill(shop: Remote, rows: int, base: str = "2024-01-01 00:00:00") -> None:
    """Rows a second apart."""
    if shop.server.scheme == "mysql":
        made = f"SELECT seq, '{base}' + INTERVAL seq SECOND, seq / 100 FROM seq_1_to_{rows}"
    else:
        made = f"SELECT i, timestamp '{base}' + i * interval '1 second', i / 100.0 FROM generate_series(1, {rows}) i"
    shop.sql(f"INSERT INTO sale {made}")


# --- values -----------------------------------------------------------------------------------------------------


def test_values_of_mysql(mysql, tmp_path):
    shop = Remote(tmp_path, mysql, cursor="id")
    shop.sql(
        "SET sql_mode = ''",
        "DROP TABLE IF EXISTS v",
        "CREATE TABLE v(id INT, big BIGINT UNSIGNED, money DECIMAL(30, 10), yes TINYINT(1), bits BIT(10), b VARBINARY(9), bl BLOB,"
        " d DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME, e ENUM('新', '旧'), j JSON, x TEXT, f DOUBLE, n VARCHAR(9))"
        " CHARACTER SET utf8mb4",
        "SET time_zone = '+08:00'",
        "INSERT INTO v VALUES (1, 18446744073709551615, 12345678901234567890.0123456789, 1, b'1000000001', x'00FF', x'27',"
        " '2024-02-29', '2024-01-01 10:00:00.000001', '2024-01-01 10:00:00.125', '-10:00:01', '旧', '{\"甲\": 1}',"
        " '\\\\''😀', 0.1, NULL),"
        " (2, 0, 0, 0, 0, '', '', '0000-00-00', '0000-00-00 00:00:00', NULL, '0:0', '新', '[]', '', 0, '')",
    )
    landings = list(shop.landings(table="v"))
    one, two = landings[0].detail["rows"]
    assert one[:7] == ("1", "18446744073709551615", "12345678901234567890.0123456789", "1", "513", "00ff", "27")
    assert one[7:11] == ("2024-02-29", "2024-01-01 10:00:00.000001", "2024-01-01 02:00:00.125+00:00", "-10:00:01")
    assert one[11:] == ("旧", '{"甲": 1}', "\\'😀", "0.1", None)
    assert two[7:10] == (None, None, None)
    assert two[-1] == "", "empty text is not no value"
    (warning,) = landings[-1].diagnostics
    assert (warning.code, warning.facts["count"]) == ("zero-dates", 2)


def test_gbk_tables_of_mysql(mysql, tmp_path):
    shop = Remote(tmp_path, mysql, cursor="编号")
    shop.sql(
        "DROP TABLE IF EXISTS `订单 a.b`",
        "CREATE TABLE `订单 a.b`(`编号` INT, `名称` VARCHAR(20)) CHARACTER SET gbk",
        "INSERT INTO `订单 a.b` VALUES (1, '玻尿酸')",
    )
    assert shop.rows(table='shop."订单 a.b"') == [("1", "玻尿酸")]


def test_values_of_postgresql(postgres, tmp_path):
    shop = Remote(tmp_path, postgres, cursor="id")
    shop.sql(
        "DROP TABLE IF EXISTS v",
        "DROP TYPE IF EXISTS mood",
        "CREATE TYPE mood AS ENUM ('好', '坏')",
        'CREATE TABLE v(id INT, money NUMERIC, "Yes" BOOLEAN, b BYTEA, d DATE, dt TIMESTAMP, ts TIMESTAMPTZ, m mood, j JSONB,'
        " a INT[], u UUID, f FLOAT8, x TEXT, c MONEY, i INTERVAL)",
        "INSERT INTO v VALUES (1, 12345678901234567890.01234567890, true, '\\x00ff', '2024-02-29', '2024-01-01 10:00:00.000001',"
        " '2024-01-01 10:00:00.5+08', '坏', '{\"甲\": 1}', '{1,2}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 0.1, '', 1, '1 day'),"
        " (2, 'NaN', NULL, NULL, 'infinity', 'infinity', 'infinity', NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL)",
    )
    one, two = shop.rows(table="v")
    assert one[:5] == ("1", "12345678901234567890.01234567890", "true", "00ff", "2024-02-29")
    assert one[5:9] == ("2024-01-01 10:00:00.000001", "2024-01-01 02:00:00.5+00:00", "坏", '{"甲": 1}')
    assert one[9:13] == ("[1,2]", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "0.1", "")
    assert two[1] == "NaN"
    assert two[6] == "infinity"
    shop.cursor = None
    assert len(shop.rows(table="v", cursor="ts")) == 2
    assert shop.cursor["at"] < "2999", "infinity does not hide what comes"


# --- cursors ----------------------------------------------------------------------------------------------------


def test_equal_values_late_ones_and_none(shop):
    shop.sql(
        "INSERT INTO sale VALUES (1, '2024-01-01 10:00:00.000001', 1), (2, '2024-01-01 10:00:00.000002', 2), (9, NULL, 9)"
    )
    assert [row[0] for row in shop.rows()] == ["9", "1", "2"]
    shop.sql("INSERT INTO sale VALUES (3, '2024-01-01 10:00:00.000002', 1), (4, '2024-01-01 09:55:00', 2)")
    assert [row[0] for row in shop.rows()] == ["9", "2", "3"]
    assert [row[0] for row in shop.rows(overlap="10m")] == ["9", "4", "1", "2", "3"]


def test_instants_are_a_cursor(postgres, tmp_path):
    shop = Remote(tmp_path, postgres, cursor="at", table="i", overlap="1s")
    shop.sql(
        "DROP TABLE IF EXISTS i", "CREATE TABLE i(at TIMESTAMPTZ)", "INSERT INTO i VALUES (now() - interval '1 hour')"
    )
    assert len(shop.rows()) == 1
    shop.sql("INSERT INTO i VALUES (now() - interval '1 minute'), (now() + interval '1 day')")
    assert len(shop.rows()) == 3
    assert len(shop.rows()) == 1
    shop.cursor, shop.since = None, "2000-01-01"
    assert len(shop.rows(lag="10m")) == 1


def test_a_run_that_dies_goes_on(shop):
    fill(shop, 1000)
    reading = shop.landings(chunk=100)
    before = [row for _ in range(4) for row in next(reading).detail["rows"]]
    reading.close()
    after = shop.rows(chunk=100)
    assert {int(row[0]) for row in (*before, *after)} == set(range(1, 1001))
    assert len(after) == 601


def test_parallel_reads_the_same_in_order(shop):
    fill(shop, 5000)
    rows = [int(row[0]) for row in shop.rows(parallel=3, chunk=300)]
    assert rows == list(range(1, 5001))
    shop.told, shop.cursor = {"key": ["id"], "parallel": 3}, None
    assert sorted(int(row[0]) for row in shop.rows()) == list(range(1, 5001))


def test_a_killed_connection_is_made_again(shop):
    fill(shop, 300_000)
    seen: set[int] = set()
    killed = False
    for landing in shop.landings(chunk=20_000):
        seen |= {int(row[0]) for row in landing.detail["rows"]}
        if not killed:
            killed = True
            kill(shop.server)
    assert seen == set(range(1, 300_001)), "nothing is lost"
    assert shop.client.waited, "the connection did break"


def kill(server: Server) -> None:
    """End the connections of the user `shop`."""
    if server.scheme == "postgresql":
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'")
        return
    for number in server.run("SELECT id FROM information_schema.processlist WHERE user = 'shop'").split():
        server.run(f"KILL {number}")
    time.sleep(0.1)


@pytest.mark.slow
def test_memory_stays_small(shop, monkeypatch):
    fill(shop, 400_000)
    monkeypatch.setattr(batch.Chunk, "landing", lambda self, first, cursor: None)
    stored = 0
    tracemalloc.start()
    try:
        for _ in bare(shop):
            stored += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored >= 10
    assert peak < 40 << 20


def bare(shop: Remote) -> Iterator[None]:
    """Read without looking at the rows."""
    from test_database_sqlite import CONNECTOR, ORIGIN

    from engine.connector import Workplace
    from engine.model import Source, Stream

    stream = Stream("sale", {**shop.told, "chunk": 40_000}, ORIGIN)
    source = Source("pos", "database", {"url": shop.url}, {"sale": stream}, ORIGIN)
    (shop.root / "scratch").mkdir(exist_ok=True)
    place = Workplace(shop.root, shop.root / "scratch", client=shop.client)
    (part,) = CONNECTOR.survey(source, stream, place)
    yield from CONNECTOR.read(source, stream, part, place)


# --- refusals ---------------------------------------------------------------------------------------------------


def test_a_wrong_password(shop):
    shop.url = shop.server.url(password="geheim")
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "wrong-login"
    assert "geheim" not in said(failure)[1]


def test_nobody_listens(shop):
    shop.url = f"{shop.server.scheme}://u:geheim@127.0.0.1:1/x"
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "cannot-connect"
    assert "127.0.0.1:1/x" in said(failure)[1]
    assert "geheim" not in said(failure)[1]


def test_no_such_database(shop):
    shop.url = shop.server.url("nosuch")
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] in ("cannot-connect", "not-permitted")
    assert "nosuch" in said(failure)[1]


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"table": "Sales"}, "no-such-table", "did you mean `sale`?"),
        ({"cursor": "att"}, "no-such-column", "did you mean `at`?"),
        ({"query": "select * from sales"}, "no-such-relation", "sales"),
        ({"where": "nonsense = 1"}, "database-refused", "nonsense"),
        ({"query": "select id from sale; select 1"}, "not-a-query", "more than one"),
        ({"cursor": "at", "overlap": 5}, "length-kind", "`10m`"),
    ],
)
def test_refusals(shop, told, code, words):
    shop.sql("INSERT INTO sale VALUES (1, '2024-01-01', 1)")
    if "overlap" in told:
        shop.rows()
    with pytest.raises(GiveUp) as failure:
        shop.rows(**told)
    assert said(failure)[0] == code
    assert words in said(failure)[1]


def test_a_table_that_the_user_may_not_read(shop):
    if shop.server.scheme == "mysql":
        shop.server.run("CREATE DATABASE IF NOT EXISTS vault; CREATE TABLE IF NOT EXISTS vault.secret(a INT)")
        table = "vault.secret"
    else:
        shop.server.run("CREATE TABLE IF NOT EXISTS secret(a INT); REVOKE ALL ON secret FROM shop;")
        table = "secret"
    with pytest.raises(GiveUp) as failure:
        shop.rows(table=table, cursor="a", key=["a"])
    assert said(failure)[0] == "not-permitted"


def test_a_session_may_not_write(shop):
    """Where the user may write, the session may not."""
    grant = (
        "GRANT ALL ON shop.* TO 'shop'@'127.0.0.1'" if shop.server.scheme == "mysql" else "GRANT ALL ON sale TO shop"
    )
    shop.server.run(grant)
    shop.sql("INSERT INTO sale VALUES (1, '2024-01-01', 1)")
    session = None
    from engine.database import _connect
    from engine.database.settings import address_of
    from engine.model import Source

    address = address_of(Source("pos", "database", {"url": shop.url}, {}, None))
    session = _connect(address, None, None)
    with pytest.raises(GiveUp), session.speaking(), session.connection.cursor() as cursor:
        cursor.execute("DELETE FROM sale")
    session.close()
    assert len(shop.rows()) == 1


def test_what_is_read_is_what_is_there(shop):
    fill(shop, 1234)
    (landing,) = shop.landings()
    assert len(landing.detail["rows"]) == 1234
    assert rows_of(type(landing)(None)) == []
