"""Runs the SQL of a mapping over texts, without files, folders or a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import duckdb

from engine.model import Column, Field, Label, Mapping, Table
from engine.sql.functions import FUNCTIONS
from engine.sql.mapping import Recipe, compile, name

NOWHERE = cast(Any, None)
REJECTED = "rejected"


def connection() -> duckdb.DuckDBPyConnection:
    """A DuckDB of memory with the functions that mapping SQL calls."""
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'")
    made.execute("SET VARIABLE salt = 'salt'")
    for function in FUNCTIONS:
        made.execute(f"CREATE TEMP MACRO {function.name}({', '.join(function.parameters)}) AS {function.body}")
    return made


def field(type_: str, **settings: Any) -> Field:
    """A field `v` that comes from the record field `x`."""
    return Field("v", cast(Any, type_), NOWHERE, **{"sources": ("x",), **settings})


def recipe(one: Field, column: Column | None = None) -> Recipe:
    """The SQL of a mapping with this field alone, and a key that is always there."""
    landed = column or Column("v", one.type, Label("v", "v"), NOWHERE, scale=one.scale)
    key = Column("k", "id", Label("k", "k"), NOWHERE)
    table = Table("t", Label("t", "t"), "", ("k",), {"k": key, "v": landed}, NOWHERE)
    fields = {"k": Field("k", "id", NOWHERE, sources=("k",)), "v": one}
    mapping = Mapping("m", "s", "r", "t", ("k",), fields, {}, (), NOWHERE)
    return compile(mapping, table, columns=("k", "x"), shop="s", timezone="Asia/Shanghai", lacking={})


def fill_raw(session: duckdb.DuckDBPyConnection, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Make the relation `raw` of these records, all in one batch."""
    listed = "".join(f", {name(column)} VARCHAR" for column in columns)
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE raw(_batch INTEGER, _row BIGINT, _file VARCHAR, _text VARCHAR{listed})"
    )
    values = [(1, row, "f.csv", None, *record) for row, record in enumerate(rows, start=2)]
    if values:
        marks = ", ".join("?" * len(values[0]))
        session.executemany(f"INSERT INTO raw VALUES ({marks})", values)


def typed(
    session: duckdb.DuckDBPyConnection, texts: Sequence[str | None], one: Field, column: Column | None = None
) -> list[Any]:
    """What each text becomes as the value of the field: a Python value, None, or `REJECTED`."""
    fill_raw(session, ("k", "x"), [(str(at), text) for at, text in enumerate(texts)])
    made = recipe(one, column)
    rows = session.execute(f"SELECT v, _fate FROM ({made.rows}) ORDER BY _row").fetchall()
    reasons = {row for row, *_ in session.execute(f"SELECT _row FROM ({made.reasons})").fetchall()}
    rejected = {at + 2 for at, (_, fate) in enumerate(rows) if fate < 0}
    assert rejected == reasons, "every rejected row has a reason, and no other row has one"
    return [REJECTED if fate < 0 else value for value, fate in rows]
