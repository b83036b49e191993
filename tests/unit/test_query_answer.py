"""Answers run once, come in every Python form, and say what is missing."""

from __future__ import annotations

import builtins
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from metric_stage import Memory, project

from engine.diagnostic import Findings
from engine.metric import Question
from engine.model import Mapping
from engine.query import ask

PROJECT = project()
ORDERS = [
    {
        "order_id": "018",
        "province": "东",
        "amount": Decimal("10.10"),
        "paid_at": datetime(2020, 2, 1, 9),
        "buyer_id": "b",
    },
    {"order_id": "2", "province": "西", "amount": Decimal("5.00"), "paid_at": None, "buyer_id": "b"},
]


@pytest.fixture
def reader() -> Memory:
    return Memory(PROJECT.tables, {"orders": ORDERS})


def test_rows_have_exact_python_values(reader: Memory):
    answer = ask(PROJECT, Question(("paid_amount", "orders", "paid_share"), ("paid_at.month",)), reader)
    assert answer.rows() == [
        {"paid_at.month": date(2020, 2, 1), "paid_amount": Decimal("10.10"), "orders": 1, "paid_share": 1.0},
        {"paid_at.month": None, "paid_amount": None, "orders": 1, "paid_share": 0.0},
    ]
    assert answer.version == 7
    assert answer.metrics[2].formula == "paid_orders / orders"


def test_nothing_runs_before_it_is_looked_at_and_nothing_twice(reader: Memory):
    answer = ask(PROJECT, Question(("orders",)), reader)
    assert reader.asked == 0
    assert answer.tuples() == [(2,)]
    assert answer.rows() == [{"orders": 2}]
    assert reader.asked == 1


def test_frames_keep_ids_as_text_and_money_exact(reader: Memory):
    answer = ask(PROJECT, Question(("paid_amount",), ("order_id",)), reader)
    assert answer.arrow().to_pylist() == answer.rows()
    assert answer.df()["order_id"].tolist() == ["018"]
    assert answer.df()["paid_amount"].tolist() == [Decimal("10.10")]
    assert answer.pl().rows() == answer.tuples()
    assert reader.asked == 2


@pytest.mark.parametrize(("form", "library"), [("arrow", "pyarrow"), ("df", "pandas"), ("pl", "polars")])
def test_a_missing_library_is_named_with_its_extra(
    form: str, library: str, reader: Memory, monkeypatch: pytest.MonkeyPatch
):
    answer = ask(PROJECT, Question(("orders",)), reader)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Findings) as raised:
        getattr(answer, form)()
    extra = "arrow" if library == "pyarrow" else library
    assert raised.value.diagnostics[0].words().help == f'run `pip install "commerce-engine[{extra}]"`'


def test_a_table_that_is_not_published_is_named(reader: Memory):
    del reader.tables["orders"]
    mapping = Mapping("own", "one", "orders", "orders", ("order_id",), {}, {}, (), PROJECT.origin)
    with pytest.raises(Findings) as raised:
        ask(replace(PROJECT, mappings=(mapping,)), Question(("orders", "visitors")), reader)
    assert raised.value.status == 3
    [found] = raised.value.diagnostics
    assert found.code == "not-published"
    assert found.words().help == "run `engine apply` first"


def test_a_table_that_nothing_feeds_is_named(reader: Memory):
    del reader.tables["orders"]
    with pytest.raises(Findings) as raised:
        ask(PROJECT, Question(("orders",)), reader)
    assert [one.code for one in raised.value.diagnostics] == ["nothing-feeds"]


def test_a_column_that_is_not_published_is_named(reader: Memory):
    reader.tables["orders"] = ("order_id",)
    with pytest.raises(Findings) as raised:
        ask(PROJECT, Question(("paid_amount",)), reader)
    [found] = raised.value.diagnostics
    assert found.words().message == "the published table `orders` has no column `amount`, `paid_at`"
    assert ask(PROJECT, Question(("orders",)), reader).tuples() == [(2,)]
