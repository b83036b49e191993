"""Elements of a list as rows, and places inside objects: every element once, whatever the list is written like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sql_stage import NOWHERE, connection, fill_raw

from engine.model import Column, Field, Label, Mapping, Table
from engine.sql.mapping import compile, is_there, needed


def mapping(each: str | None, **fields: Any) -> Mapping:
    made = {
        name: Field(
            name, kind, NOWHERE, sources=(source,) if isinstance(source, str) else source, optional=kind == "text"
        )
        for name, (kind, source) in fields.items()
    }
    return Mapping("m", "s", "r", "t", ("k",), made, {}, (), NOWHERE, each=each)


def rows(one: Mapping, columns: tuple[str, ...], records: list[tuple[str | None, ...]]) -> list[tuple[Any, ...]]:
    columns_of_table = {name: Column(name, made.type, Label(name, name), NOWHERE) for name, made in one.fields.items()}
    table = Table("t", Label("t", "t"), "", ("k",), columns_of_table, NOWHERE)
    session = connection()
    fill_raw(session, columns, records)
    recipe = compile(one, table, columns=columns, shop="shop", timezone="Asia/Shanghai", lacking={})
    listed = ", ".join(one.fields)
    return session.execute(f"SELECT {listed}, _fate, _row FROM ({recipe.rows}) ORDER BY _row, 1").fetchall()


LINES = mapping("orders.order", k=("id", "oid"), tid=("id", "../tid"), num=("integer", "num"))


def test_each_element_is_a_row_with_what_is_around_it():
    listed = json.dumps({"order": [{"oid": 3725362658812595206, "num": 2}, {"oid": 3725362658812595207, "num": 1}]})
    assert rows(LINES, ("tid", "orders"), [("7", listed), ("8", json.dumps({"order": [{"oid": 9, "num": 1}]}))]) == [
        ("3725362658812595206", "7", 2, 0, 2),
        ("3725362658812595207", "7", 1, 0, 2),
        ("9", "8", 1, 0, 3),
    ]


@pytest.mark.parametrize(
    "listed", [None, "", "null", "[]", "{}", '{"order":[]}', '{"order":null}', '{"order":""}', "{ }", "[  ]"]
)
def test_no_elements_are_no_rows(listed):
    assert rows(LINES, ("tid", "orders"), [("7", listed)]) == []


def test_a_single_object_counts_as_a_list_of_one():
    assert rows(LINES, ("tid", "orders"), [("7", '{"order":{"oid":5,"num":1}}')]) == [("5", "7", 1, 0, 2)]


@pytest.mark.parametrize("broken", ['{"order":[{"oid":5', "[1, 2"])
def test_a_list_that_cannot_be_read_is_a_rejected_row(broken):
    whole = mapping("orders", k=("id", "oid"), tid=("id", "../tid"))
    assert [row[-2] for row in rows(whole, ("tid", "orders"), [("7", broken)])] == [-1]


def test_a_record_that_could_not_be_read_stays_rejected():
    session = connection()
    fill_raw(session, ("tid", "orders"), [("7", None)])
    session.execute("UPDATE raw SET _text = 'broken', tid = NULL")
    key = Column("k", "id", Label("k", "k"), NOWHERE)
    table = Table("t", Label("t", "t"), "", ("k",), {"k": key}, NOWHERE)
    one = mapping("orders", k=("id", "oid"))
    recipe = compile(one, table, columns=("tid", "orders"), shop="s", timezone="Asia/Shanghai", lacking={})
    assert session.execute(f"SELECT _fate FROM ({recipe.rows})").fetchall() == [(-1,)]


def test_values_keep_their_digits_and_their_type():
    one = mapping("lines", k=("id", "id"), price=("decimal", "price"), box=("text", "box"))
    listed = '[{"id":12345678901234567890,"price":199.80,"box":{"a":[1,2]}},{"id":"007","price":"1.5","box":"x"}]'
    found = rows(one, ("lines",), [(listed,)])
    assert [(key, str(price), box) for key, price, box, *_ in found] == [
        ("007", "1.50", "x"), ("12345678901234567890", "199.80", '{"a":[1,2]}'),
    ]  # fmt: skip


def test_places_inside_objects():
    one = mapping(
        None, k=("id", "order.id"), paid=("decimal", "order.price_info.paid"), first=("text", "order.items.0.name")
    )
    record = json.dumps({"id": 3742352345123514500, "price_info": {"paid": 19980}, "items": [{"name": "甲"}]})
    assert rows(one, ("order",), [(record,), ("not json",), (None,)])[0][:3] == ("3742352345123514500", 19980, "甲")


def test_places_inside_elements():
    one = mapping("lines", k=("id", "info.id"), tid=("id", "../head.id"))
    assert rows(one, ("lines", "head"), [('[{"info":{"id":5}}]', '{"id":6}')]) == [("5", "6", 0, 2)]


def test_a_column_of_that_very_name_comes_first():
    one = mapping(None, k=("id", "k"), text=("text", "金额.元"))
    assert rows(one, ("k", "金额.元", "金额"), [("1", "12", '{"元":"13"}')]) == [("1", "12", 0, 2)]


def test_names_with_quotes_are_names():
    one = mapping("lines", k=("id", "a'b\"c"), tid=("id", "../x'y"))
    assert rows(one, ("lines", "x'y"), [(json.dumps([{"a'b\"c": "1"}]), "2")]) == [("1", "2", 0, 2)]


def test_what_a_record_has_to_give():
    assert [field.name for field in needed(LINES)] == ["tid"]
    inside = mapping(None, k=("id", "order.id"))
    assert is_there(inside, inside.fields["k"], {"order"})
    assert not is_there(inside, inside.fields["k"], {"orders"})
    assert LINES.record_fields == ("orders.order", "orders", "tid")
