"""A public order report, from file to figures: every figure that others worked out from it comes out, to the cent.

`truth.json` holds the figures, each computed twice (SQL and pandas) and held against what was published about the file.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.api import Answer, Findings, Run, Workspace, load

HERE = Path(__file__).parent
DATA = Path(__file__).parents[3] / "shared" / "data" / "tmall_orders"
REPORT = "tmall_order_report.csv"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real files are not here")


@dataclass(frozen=True)
class Ask:
    """The question whose answer is a figure of the truth."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: str | None = None
    order: tuple[str, ...] = ()

    def of(self, store: Workspace) -> Answer:
        return store.query(self.metrics, by=self.by, where=self.where, order=self.order)


QUESTIONS = {
    "orders": Ask(("orders",)),
    "orders_distinct": Ask(("orders_distinct",)),
    "paid_orders": Ask(("paid_orders",)),
    "unpaid_orders": Ask(("placed_unpaid",)),
    "conversion": Ask(("conversion",)),
    "refund_orders": Ask(("refunded_orders",)),
    "refund_order_rate": Ask(("refund_order_rate",)),
    "fully_refunded_orders": Ask(("fully_refunded",)),
    "partly_refunded_orders": Ask(("partly_refunded",)),
    "refund_gt_pay_rows": Ask(("refund_above_paid",)),
    "total_amount_all": Ask(("total_amount",)),
    "total_amount_paid": Ask(("total_amount",), where="paid_at is not null"),
    "paid_amount": Ask(("kept_amount",)),
    "refund_amount": Ask(("refund_amount",)),
    "identity_violations": Ask(("not_adding_up",)),
    "wrong_double_subtracted": Ask(("double_subtracted",)),
    "refund_amount_rate": Ask(("refund_amount_rate",)),
    "aov_kept": Ask(("average_kept",)),
    "create_to_pay_minutes": Ask(("minutes_to_pay",)),
    "create_to_pay_minutes_seconds_only": Ask(("minutes_of_day_to_pay",)),
    "paid_on_other_day": Ask(("paid_on_other_day",)),
    "by_created_day": Ask(
        ("orders", "placed_paid", "kept_amount", "refund_amount", "total_amount"), ("created_at.day",)
    ),
    "by_paid_day": Ask(("paid_orders", "paid_amount", "paid_kept", "paid_refunded"), ("paid_at.day",)),
    "by_province": Ask(
        ("orders", "placed_paid", "kept_orders", "kept_amount", "refund_amount"),
        ("province",),
        order=("orders desc", "province"),
    ),
    "by_hour": Ask(("orders",), ("created_at.hour_of_day",)),
    "by_week": Ask(("orders", "placed_paid"), ("created_at.week",)),
    "by_pay_month": Ask(("paid_orders", "paid_amount"), ("paid_at.month",)),
}
"""For each figure of the truth, how the engine is asked for it."""

NOT_ASKED = {"by_created_day_filled", "cumulative_paid", "top5_province_share", "max_total_unpaid"}
"""Figures that take a calendar, a running total or a ranking, which a question does not have."""

TRAPS = {"wrong_double_subtracted", "create_to_pay_minutes_seconds_only", "paid_on_other_day"}

TRUTH: dict[str, Any] = (
    json.loads((DATA / "truth.json").read_text("utf-8"), parse_float=Decimal) if DATA.exists() else {"metrics": []}
)
FIGURES: dict[str, dict[str, Any]] = {figure["id"]: figure for figure in TRUTH["metrics"]}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project in a folder of its own."""
    folder = tmp_path_factory.mktemp("tmall") / "project"
    shutil.copytree(HERE / "tmall_orders", folder, ignore=shutil.ignore_patterns("build"))
    return folder


@pytest.fixture(scope="module")
def applied(project, engine_command):
    """What `engine apply` said of the report."""
    done = engine_command("apply", "--json", at=project, TMALL_DATA=str(DATA / REPORT))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def store(project, applied):
    """The report, read and published."""
    return load(project)


def agrees(ours: Any, stated: Any) -> bool:
    """Whether a figure is the stated one: counts and money exactly, ratios to 1e-9 or as far as they are stated."""
    if isinstance(stated, str):
        return (ours.isoformat() if isinstance(ours, date) else str(ours)).startswith(stated)
    if isinstance(ours, float):
        stated = Decimal(stated)
        decimals = -int(stated.as_tuple().exponent)
        return abs(Decimal(ours) - stated) <= max(Decimal("1e-9"), Decimal(5) / 10 ** (decimals + 1))
    return bool(ours == stated)


def rows_of(stated: Any) -> list[list[Any]]:
    return stated if isinstance(stated, list) else [[stated]]


def assert_figure(answer: Answer, identifier: str) -> None:
    ours, stated = answer.tuples(), rows_of(FIGURES[identifier]["value"])
    assert len(ours) == len(stated)
    wrong = [
        (row, wanted)
        for row, wanted in zip(ours, stated, strict=True)
        if len(row) != len(wanted) or not all(agrees(one, two) for one, two in zip(row, wanted, strict=True))
    ]
    assert not wrong


def test_every_figure_is_asked_for():
    assert set(FIGURES) == set(QUESTIONS) | NOT_ASKED
    assert not set(QUESTIONS) & NOT_ASKED


def test_every_trap_is_looked_at():
    assert {name for name, figure in FIGURES.items() if "trap" in figure["tags"]} - NOT_ASKED == TRAPS


def test_apply_takes_every_row(applied):
    assert applied["status"] == "done"
    assert applied["diagnostics"] == []
    (build,) = applied["builds"]
    (counts,) = build["mappings"]
    assert (counts["read"], counts["loaded"]) == (28010, 28010)
    assert (counts["superseded"], counts["rejected"], counts["dropped"]) == (0, 0, 0)


@pytest.mark.parametrize("identifier", QUESTIONS)
def test_figure(store, identifier):
    assert_figure(QUESTIONS[identifier].of(store), identifier)


@pytest.mark.parametrize("identifier", ["paid_amount", "by_province", "conversion"])
def test_figure_on_the_command_line(project, applied, engine_command, identifier):
    question = QUESTIONS[identifier]
    words = [*question.metrics, *(word for name in question.by for word in ("--by", name))]
    words += [word for name in question.order for word in ("--order", name)]
    done = engine_command("query", *words, "--format", "json", at=project, TMALL_DATA=str(DATA / REPORT))
    assert done.returncode == 0, done.stderr
    ours = [list(row.values()) for row in json.loads(done.stdout, parse_float=Decimal)]
    for row, stated in zip(ours, rows_of(FIGURES[identifier]["value"]), strict=True):
        assert all(
            agrees(one if identifier != "conversion" else float(one), two) for one, two in zip(row, stated, strict=True)
        )


def test_money_is_decimal_and_counts_are_whole(store):
    (row,) = store.query(["orders", "kept_amount", "conversion"]).rows()
    assert [type(value) for value in row.values()] == [int, Decimal, float]


def test_ratios_are_of_the_whole_sums(store):
    rows = store.query(["conversion", "placed_paid", "orders"], by=["province"]).rows()
    assert all(abs(row["conversion"] - row["placed_paid"] / row["orders"]) < 1e-12 for row in rows)
    (total,) = store.query(["conversion", "refund_order_rate"]).rows()
    assert abs(total["conversion"] - 24087 / 28010) < 1e-12
    assert abs(total["refund_order_rate"] - 5646 / 24087) < 1e-12


# --- traps ------------------------------------------------------------------------------------------------------


def test_refunds_are_not_taken_off_twice(store):
    (row,) = store.query(["kept_amount", "paid_amount"]).rows()
    wrong = FIGURES["wrong_double_subtracted"]["value"]
    assert row["kept_amount"] == row["paid_amount"] == FIGURES["paid_amount"]["value"] != wrong


def test_whole_days_count_when_somebody_pays_late(store):
    """No order of this file waited a day, so both figures are the same here, and both are reproduced."""
    (row,) = store.query(["minutes_to_pay", "minutes_of_day_to_pay"]).rows()
    assert row["minutes_to_pay"] == row["minutes_of_day_to_pay"]


def test_the_day_of_payment_is_not_the_day_of_the_order(store):
    placed = store.query(["placed_paid"], by=["created_at.day"]).tuples()
    paid = store.query(["paid_orders"], by=["paid_at.day"]).tuples()
    assert placed != paid
    assert sum(count for _, count in placed) == sum(count for _, count in paid) == FIGURES["paid_orders"]["value"]


def test_own_times_side_by_side(store):
    """`time.day` dates each metric by its own column, so orders and payments of a day stand in one row."""
    rows = {row["time.day"]: row for row in store.query(["orders", "paid_orders"], by=["time.day"]).rows()}
    assert (rows[date(2020, 2, 8)]["orders"] or 0, rows[date(2020, 2, 8)]["paid_orders"]) == (0, 2)


def test_orders_that_are_alike_are_not_merged(store):
    (row,) = store.query(["orders", "orders_distinct"]).rows()
    assert row["orders"] == row["orders_distinct"] == 28010


# --- variants ---------------------------------------------------------------------------------------------------


def applied_variant(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[Workspace, Run]:
    shutil.copytree(HERE / "tmall_orders", folder, ignore=shutil.ignore_patterns("build"))
    monkeypatch.setenv("TMALL_DATA", str(DATA / "variants" / f"{name}.csv"))
    store = load(folder)
    return store, store.apply()


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param("tmall_order_report_LF", "LF_equal", marks=pytest.mark.slow),
        ("tmall_order_report_trimmed_header", "trimmed_equal"),
    ],
)
def test_the_same_report_written_otherwise(tmp_path, monkeypatch, name, check):
    assert TRUTH["variant_checks"][check] is True
    store, run = applied_variant(tmp_path / "project", monkeypatch, name)
    assert run.status == "done"
    for identifier, question in QUESTIONS.items():
        assert_figure(question.of(store), identifier)


def test_the_report_saved_again_by_a_spreadsheet(tmp_path, monkeypatch):
    checks = TRUTH["variant_checks"]
    store, run = applied_variant(tmp_path / "project", monkeypatch, "tmall_order_report_excel_resaved")
    assert (run.status, run.diagnostics) == ("done", ())
    (batch,) = store.state().batches
    assert list(batch.columns) == checks["excel_columns"]
    (row,) = store.query(["paid_orders", "paid_amount", "minutes_to_pay"]).rows()
    assert (row["paid_orders"], row["paid_amount"]) == (checks["excel_paid"], checks["excel_pay"])
    # Seconds are lost in this copy, so the time to pay is another figure, and a known one.
    assert abs(row["minutes_to_pay"] - float(checks["excel_by_minute_pay_minutes"])) < 1e-9


def test_a_report_without_order_numbers_is_refused(tmp_path, monkeypatch):
    checks = TRUTH["variant_checks"]
    store, run = applied_variant(tmp_path / "project", monkeypatch, "tmall_paid_only_unnamed_index")
    assert (run.status, run.exit_status) == ("failed", 4)
    found = [one for one in run.diagnostics if one.code == "missing-column"]
    wanted = {str(one.facts["wanted"]) for one in found}
    assert wanted == {"`订单编号`", "`订单创建时间`"}
    assert {str(one.place).partition(":")[0] for one in found} == {"mappings/orders.yaml"}
    listed = str(found[0].facts["columns"]).split(", ")
    assert listed[1:] == checks["paid_only_columns"][1:]
    with pytest.raises(Findings, match="nothing has been published"):
        store.query(["orders"])
