"""Figures that others computed over a public set of 28,010 orders come out the same."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from metric_stage import Memory, project

from engine.metric import Question
from engine.query import ask

DATA = Path(__file__).parents[3] / "shared" / "data" / "tmall_orders"
pytestmark = pytest.mark.skipif(not (DATA / "truth.json").exists(), reason="the data set is not next to the repository")

TABLES = """
orders:
  key: [order_id]
  time: created_at
  columns:
    order_id: id
    total: {type: decimal, unit: CNY}
    paid: {type: decimal, unit: CNY}
    refund: {type: decimal, unit: CNY}
    province: text
    created_at: timestamp
    paid_at: timestamp
"""
METRICS = """
orders: {table: orders, measure: count(*)}
orders_distinct: {table: orders, measure: count(distinct order_id)}
paid_orders: {of: orders, where: paid_at is not null}
unpaid_orders: {of: orders, where: paid_at is null}
conversion: {ratio: [paid_orders, orders]}
refund_orders: {of: orders, where: refund > 0}
refund_order_rate: {ratio: [refund_orders, paid_orders]}
fully_refunded_orders: {of: paid_orders, where: paid = 0}
partly_refunded_orders: {of: refund_orders, where: paid > 0}
refund_gt_pay_rows: {of: orders, where: refund > paid}
total_amount_all: {table: orders, measure: sum(total)}
total_amount_paid: {of: total_amount_all, where: paid_at is not null}
paid_amount: {table: orders, measure: sum(paid)}
refund_amount: {table: orders, measure: sum(refund)}
refund_of_paid: {of: refund_amount, where: paid_at is not null}
refund_amount_rate: {ratio: [refund_of_paid, total_amount_paid]}
identity_violations: {of: paid_orders, where: total <> paid + refund}
wrong_double_subtracted: {derived: paid_amount - refund_amount}
kept_orders: {of: orders, where: paid > 0}
aov_kept: {ratio: [paid_amount, kept_orders]}
seconds_to_pay: {table: orders, measure: "sum(date_diff('second', created_at, paid_at))", where: paid_at is not null}
minutes: {derived: seconds_to_pay / 60}
create_to_pay_minutes: {ratio: [minutes, paid_orders]}
paid_on_other_day: {of: paid_orders, where: "date_trunc('day', paid_at) <> date_trunc('day', created_at)"}
paid_on_its_day: {table: orders, measure: count(*), time: paid_at, where: paid_at is not null}
kept_on_its_day: {of: paid_on_its_day, where: refund = 0}
refunded_on_its_day: {of: paid_on_its_day, where: refund > 0}
amount_on_its_day: {table: orders, measure: sum(paid), time: paid_at, where: paid_at is not null}
"""
SINGLE = (
    "orders", "orders_distinct", "paid_orders", "unpaid_orders", "conversion", "refund_orders", "refund_order_rate",
    "fully_refunded_orders", "partly_refunded_orders", "refund_gt_pay_rows", "total_amount_all", "total_amount_paid",
    "paid_amount", "refund_amount", "refund_amount_rate", "identity_violations", "wrong_double_subtracted", "aov_kept",
    "create_to_pay_minutes", "paid_on_other_day",
)  # fmt: skip
BY_DAY = ("orders", "paid_orders", "paid_amount", "refund_amount", "total_amount_all")
BY_PAID_DAY = ("paid_on_its_day", "amount_on_its_day", "kept_on_its_day", "refunded_on_its_day")
BY_PROVINCE = ("orders", "paid_orders", "kept_orders", "paid_amount", "refund_amount")
SERIES = {
    "by_created_day": Question(BY_DAY, ("created_at.day",)),
    "by_paid_day": Question(BY_PAID_DAY, ("time.day",)),
    "by_province": Question(BY_PROVINCE, ("province",), order=("orders desc",)),
    "by_hour": Question(("orders",), ("created_at.hour_of_day",)),
    "by_week": Question(("orders", "paid_orders"), ("created_at.week",)),
}


@pytest.fixture(scope="module")
def reader() -> Memory:
    made = Memory(project(METRICS, TABLES).tables)
    made.connection.execute(f"""
        INSERT INTO orders SELECT "订单编号", "总金额", "买家实际支付金额", "退款金额", trim("收货地址"),
            "订单创建时间"::TIMESTAMP, "订单付款时间"::TIMESTAMP
        FROM read_csv('{DATA}/tmall_order_report.csv', header = true, all_varchar = true)
    """)
    return made


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    told = json.loads((DATA / "truth.json").read_text(encoding="utf-8"), parse_float=Decimal)
    return {one["id"]: one["value"] for one in told["metrics"]}


def test_single_figures(reader: Memory, truth: dict[str, Any]):
    [answer] = ask(project(METRICS, TABLES), Question(SINGLE), reader).rows()
    for name in SINGLE:
        exact = truth[name] if isinstance(answer[name], int | Decimal) else pytest.approx(float(truth[name]), abs=1e-6)
        assert answer[name] == exact, name


@pytest.mark.parametrize("name", SERIES)
def test_series(name: str, reader: Memory, truth: dict[str, Any]):
    rows = ask(project(METRICS, TABLES), SERIES[name], reader).tuples()
    assert [[str(head) if name != "by_hour" else head, *rest] for head, *rest in rows] == truth[name]
