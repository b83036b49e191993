"""Looking at rows: what is personal is masked, whatever way it is looked at."""

from __future__ import annotations

import pytest

from engine.api import Findings, load

PROJECT = """
kind: project
name: shown
sources: {one: {connector: files, streams: {orders: {path: "in/*.csv"}}}}
models: [model.yaml]
mappings: [mapping.yaml]
"""
MODEL = """
kind: model
tables:
  t:
    key: [id]
    columns:
      id: {type: id}
      amount: {type: decimal}
      buyer_key: {type: id, pii: P1}
      receiver: {type: text, pii: P2}
      born: {type: date, pii: P3}
"""
MAPPING = """
kind: mapping
from: one.orders
into: t
let:
  memo: {from: 备注, type: integer}
  year: {from: 年份, type: integer}
fields:
  id: 编号
  amount: 金额
  buyer_key: {from: 会员, clean: [pseudonym]}
  receiver: 收件人
  born: {sql: "case when year > 1900 then cast('2000-01-01' as date) end"}
"""
RECORDS = """编号,金额,会员,收件人,年份,备注,别的
1,5,canary-member,canary-name,2000,7,open
2,x,canary-member,canary-name,canary-year,many,open
3,6,,,,,
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    (folder / "in").mkdir()
    (folder / "in" / "a.csv").write_text(RECORDS, "utf-8")
    (folder / "project.yaml").write_text(PROJECT, "utf-8")
    (folder / "model.yaml").write_text(MODEL, "utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, "utf-8")
    made = load(folder)
    assert made.apply().status == "done"
    return made


def test_a_table_with_its_trace(store):
    rows = store.show(["t"]).rows()
    assert [(row["id"], row["_mapping"], row["_batch"], row["_row"]) for row in rows] == [
        ("1", "mapping", 1, 2),
        ("3", "mapping", 1, 4),
    ]


def test_personal_columns_are_masked(store):
    first, last = store.show(["t"]).rows()
    assert (first["receiver"], first["born"]) == ("***", "***")
    assert (last["receiver"], last["born"]) == (None, None)
    assert len(first["buyer_key"]) == 32


@pytest.mark.parametrize("things", [["t"], ["quarantine"], ["quarantine", "mapping"], ["raw", "one.orders"]])
def test_no_personal_value_is_shown(store, things):
    answer = store.show(things)
    assert "canary" not in repr(answer.rows())
    assert "canary" not in str(answer.arrow().to_pylist())


def test_quarantine_says_what_where_and_why(store):
    rows = [tuple(row.values()) for row in store.show(["quarantine"]).rows()]
    assert [(*row[:4], *row[5:]) for row in rows] == [
        ("mapping", "in/a.csv", 3, "amount", "x", 1),
        ("mapping", "in/a.csv", 3, "memo", "many", 1),
        ("mapping", "in/a.csv", 3, "year", "***", 1),
    ]
    assert rows[0][4] == "is not a number, or has more decimals than the column"
    assert len(store.show(["quarantine", "mapping"]).rows()) == 3


def test_raw_is_as_it_was_sent_but_for_persons(store):
    """Also a record field that feeds a personal column through others is personal."""
    first, second, _ = store.show(["raw", "one.orders"]).rows()
    assert (first["编号"], first["金额"], first["别的"], second["备注"], first["_row"]) == ("1", "5", "open", "many", 2)
    assert (first["收件人"], first["会员"], second["年份"]) == ("***", "***", "***")


def test_rows_are_narrowed_and_counted(store):
    assert [row["id"] for row in store.show(["t"], where="amount > 5").rows()] == ["3"]
    assert len(store.show(["t"], limit=1).rows()) == 1


@pytest.mark.parametrize("where", ["receiver = 'canary-name'", "born > '1999-01-01'", "t.id = '1'", "nothing = 1"])
def test_a_condition_cannot_ask_about_persons(store, where):
    with pytest.raises(Findings) as raised:
        store.show(["t"], where=where)
    assert raised.value.status == 2


@pytest.mark.parametrize("things", [["nothing"], ["raw", "nothing"], ["raw"], ["quarantine", "nothing"], []])
def test_what_is_not_there(store, things):
    with pytest.raises(Findings) as raised:
        store.show(things)
    assert raised.value.status == 2
    assert [one.code for one in raised.value.diagnostics] == [
        "unknown-thing" if things[-1:] == ["nothing"] else "say-which"
    ]
