"""What is said to SQL Server: no server runs here, so a double of the driver hears it and answers."""

import re
from types import SimpleNamespace

import pytest
from test_database_sqlite import Shop, said

from engine.connector import GiveUp
from engine.database import mssql, session

pyarrow = pytest.importorskip("pyarrow")

TYPES = [
    ("id", "bigint"),
    ("at", "datetime2(7)"),
    ("fee", "money"),
    ("blob", "varbinary(max)"),
    ("o", "datetimeoffset(7)"),
]


class Refused(Exception):
    """The driver's error."""


class Driver:
    """Stands for `mssql_python`: remembers what it was asked."""

    Error = Refused

    def __init__(self, refuse: dict[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self.given: list[str] = []
        self.refuse = refuse or {}

    def connect(self, address: str, **options: object) -> "Driver":
        self.given.append(address)
        self._maybe_refuse("connect")
        return self

    def cursor(self) -> "Driver":
        return self

    def close(self) -> None:
        pass

    def execute(self, sql: str) -> None:
        self.asked.append(sql)
        self._maybe_refuse(sql)

    def _maybe_refuse(self, sql: str) -> None:
        for word, why in self.refuse.items():
            if word in sql:
                raise Refused(why)

    def fetchall(self) -> list[tuple]:
        if "describe" in self.asked[-1]:
            return TYPES
        return [("2024-05-01 10:00:00.0000000",) * 2] if "SYSDATETIME" in self.asked[-1] else [("sale",)]

    def arrow_reader(self, size: int) -> "Reader":
        if "IS NULL" in self.asked[-1]:
            return Reader([])
        columns = [
            ["1", "2"],
            ["2024-01-01 10:00:00.1234567"] * 2,
            ["1.0000", None],
            ["00ff", ""],
            ["2024-01-01T00:00:00Z"] * 2,
        ]
        return Reader([pyarrow.RecordBatch.from_arrays([pyarrow.array(one, pyarrow.large_string()) for one in columns],
                                                       names=[name for name, _ in TYPES])])  # fmt: skip


class Reader(list):
    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def driver(monkeypatch):
    made = Driver()
    real = session.importlib.import_module
    monkeypatch.setattr(
        session, "importlib", SimpleNamespace(import_module=lambda name: made if name == "mssql_python" else real(name))
    )
    return made


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path, table="dbo.订单]", cursor="at", key=["id"])
    made.url = "mssql://sa:p}w@127.0.0.1/shop?trust_certificate=yes"
    return made


def test_what_is_asked(shop, driver):
    rows = shop.rows()
    assert rows[0] == ("1", "2024-01-01 10:00:00.1234567", "1.0000", "00ff", "2024-01-01T00:00:00Z")
    assert rows[1][2] is None
    assert shop.cursor["at"] == "2024-01-01 10:00:00.1234567"
    assert driver.given == [
        "Server={127.0.0.1,1433};Database={shop};UID={sa};PWD={p}}w};Encrypt={yes};TrustServerCertificate={yes};"
        "ApplicationIntent={ReadOnly};"
    ]
    asked = driver.asked[-1]
    assert asked.endswith("FROM [dbo].[订单]]] t WHERE t.[at] IS NOT NULL ORDER BY t.[at], t.[id]")
    assert "CONVERT(nvarchar(max), t.[fee], 2) AS [fee]" in asked
    assert "LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), t.[blob]), 2)) AS [blob]" in asked
    shop.rows(overlap="1h")
    assert "t.[at] >= CAST(N'2024-01-01 09:00:00.123456' AS datetime2(7))" in driver.asked[-1]


def test_a_query_stands_in_parentheses(shop, driver):
    shop.told = {"query": "SELECT id FROM [a;b] WHERE x = 'it''s'"}
    shop.rows()
    assert driver.asked[-1].endswith("FROM (SELECT id FROM [a;b] WHERE x = 'it''s'\n) t")
    assert re.search(r"N'SELECT \* FROM \(SELECT id FROM \[a;b\] WHERE x = ''it''''s''", driver.asked[-2])


@pytest.mark.parametrize(
    ("word", "why", "code"),
    [
        ("connect", "Login failed for user 'sa'. p}w", "wrong-login"),
        ("connect", "TCP Provider: Error code 0x2749; PWD=p}w", "cannot-connect"),
        ("EXISTS", "Invalid object name 'dbo.订单]'", "no-such-table"),
        ("EXISTS", "The SELECT permission was denied on the object", "not-permitted"),
        ("ORDER BY t.", "Communication link failure", "connection-lost"),
        ("ORDER BY t.", "Divide by zero error encountered", "database-refused"),
    ],
)
def test_refusals(shop, driver, word, why, code):
    driver.refuse = {word: why}
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == code
    assert "p}w" not in said(failure)[1]


def test_with_is_refused(shop):
    shop.told = {"query": "WITH a AS (SELECT 1 AS b) SELECT b FROM a"}
    with pytest.raises(GiveUp) as failure:
        shop.rows()
    assert said(failure)[0] == "not-a-query"


def test_styles_are_for_types_that_are_known():
    assert set(mssql._STYLES) <= {*mssql._KINDS, "time"}
