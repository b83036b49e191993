"""Answers as a table, CSV, JSON, Parquet and Excel lose nothing and run nothing."""

from __future__ import annotations

import csv as csv_
import io
import json as json_
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from metric_stage import Memory, project
from rich.console import Console

from engine.diagnostic import Findings
from engine.diagnostic.render import width
from engine.metric import Question
from engine.query import Answer, ask
from engine.query import sheet as sheet_
from engine.query.forms import csv, json, parquet, table
from engine.query.sheet import xlsx

PROJECT = project()
QUESTION = Question(("paid_amount", "orders", "paid_share", "last_paid"), ("order_id", "paid_at.day"))


def answer(*orders: dict[str, Any], question: Question = QUESTION) -> Answer:
    """The answer over these orders."""
    return ask(PROJECT, question, Memory(PROJECT.tables, {"orders": list(orders)}))


def order(order_id: str, amount: str | None = None, paid_at: datetime | None = None, **more: Any) -> dict[str, Any]:
    """An order."""
    return {"order_id": order_id, "amount": amount and Decimal(amount), "paid_at": paid_at, **more}


PAID = order("012345678901234567", "1234567.80", datetime(2020, 2, 1, 9, 30))
OPEN = order("9", None, None)
BACK = order("5", "-3.00", datetime(2020, 2, 2))


def shown(made: Answer, language: Any = "en") -> str:
    """The table as a terminal shows it."""
    console = Console(width=160, file=io.StringIO(), force_terminal=False)
    console.print(table(made, language))
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_the_table_reads_well():
    text = shown(answer(PAID, OPEN), "zh")
    assert "1,234,567.80" in text
    assert "100.00%" in text
    assert "支付金额" in text
    assert "付款时间（日）" in text
    assert text.count("—") == 3


def test_the_table_is_straight_with_chinese_in_it():
    question = Question(("paid_amount",), ("province",))
    made = answer(order("1", "1.00", datetime(2020, 1, 1), province="广东省"), PAID, question=question)
    assert len({width(line) for line in shown(made, "zh").splitlines()}) == 1


def test_text_that_looks_like_markup_is_shown_as_it_is():
    assert "[red]" in shown(answer(order("[red]")))


def test_csv_opens_right_in_excel():
    data = csv(answer(PAID, OPEN, BACK))
    assert data.startswith(b"\xef\xbb\xbf")
    assert not csv(answer(PAID), mark=False).startswith(b"\xef\xbb\xbf")
    rows = list(csv_.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows == [
        ["order_id", "paid_at.day", "paid_amount", "orders", "paid_share", "last_paid"],
        ["012345678901234567", "2020-02-01", "1234567.80", "1", "1.0", "2020-02-01 09:30:00"],
        ["5", "2020-02-02", "-3.00", "1", "1.0", "2020-02-02 00:00:00"],
        ["9", "", "", "1", "0.0", ""],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("http://x","y")'])
def test_a_text_is_not_a_formula(text: str):
    made = answer(order(text))
    rows = list(csv_.reader(io.StringIO(csv(made).decode("utf-8-sig"), newline="")))
    assert rows[1][0] == f"'{text}"


def test_json_keeps_every_digit():
    text = json(answer(PAID, OPEN))
    assert '"paid_amount": 1234567.80' in text
    first, second = json_.loads(text)
    assert first["order_id"] == "012345678901234567"
    assert first["paid_at.day"] == "2020-02-01"
    assert first["last_paid"] == "2020-02-01T09:30:00"
    assert second["paid_amount"] is None
    assert json_.loads(json(answer())) == []


def test_json_writes_no_number_that_is_none():
    made = answer(PAID)
    made.__dict__["_tuples"] = [("a", None, Decimal("1E+3"), 2, float("nan"), None)]
    assert json_.loads(json(made))[0]["paid_share"] is None
    assert '"paid_amount": 1000,' in json(made)


def test_parquet_keeps_types(tmp_path: Path):
    file = tmp_path / "answer.parquet"
    assert parquet(answer(PAID, OPEN), file) == 2
    read = duckdb.sql(f"SELECT * FROM '{file}'")
    assert [str(one) for one in read.types] == ["VARCHAR", "DATE", "DECIMAL(38,2)", "BIGINT", "DOUBLE", "TIMESTAMP"]


def test_the_workbook_has_text_numbers_and_dates(tmp_path: Path):
    file = tmp_path / "answer.xlsx"
    assert xlsx(answer(PAID, OPEN), file, "zh") == 2
    book = openpyxl.load_workbook(file)
    sheet, about = book["结果"], book["说明"]
    headings = ["order_id", "付款时间（日）", "支付金额", "订单数", "支付率", "最近付款"]
    assert [cell.value for cell in sheet[1]] == headings
    assert [cell.value for cell in sheet[2]] == [
        "012345678901234567", datetime(2020, 2, 1), 1234567.8, 1, 1, datetime(2020, 2, 1, 9, 30)
    ]  # fmt: skip
    assert [cell.number_format for cell in sheet[2]] == [
        "@", "yyyy-mm-dd", "#,##0.00", "#,##0", "0.00%", "yyyy-mm-dd hh:mm:ss"
    ]  # fmt: skip
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    said = [cell.value for row in about.iter_rows() for cell in row if cell.value]
    assert "sum(amount) of orders, where paid_at is not null" in said
    assert "7" in said
    assert any("SELECT" in str(one) for one in said)


def test_a_formula_stays_text_in_the_workbook(tmp_path: Path):
    xlsx(answer(order("=1+1"), order("http://example.com")), tmp_path / "a.xlsx")
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in cells] == [
        ("=1+1", "s", None),
        ("http://example.com", "s", None),
    ]


def test_the_same_answer_gives_the_same_workbook(tmp_path: Path):
    for name in ("a", "b"):
        xlsx(answer(PAID, OPEN, BACK), tmp_path / f"{name}.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_excel_cannot_hold_is_written_as_text(tmp_path: Path):
    made = answer(PAID)
    made.__dict__["_tuples"] = [("a", date(1899, 12, 30), Decimal("12345678901234567.89"), 2**60, None, None)]
    xlsx(made, tmp_path / "a.xlsx")
    values = [cell.value for cell in openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0][2]]
    assert values[:4] == ["a", "1899-12-30", "12345678901234567.89", str(2**60)]


def test_nothing_is_ever_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Findings) as raised:
        xlsx(answer(order("😀" * 16_384)), tmp_path / "a.xlsx")
    assert raised.value.diagnostics[0].words().message == (
        "row 1 of `order_id` has 32,768 characters; a cell holds 32,767"
    )
    monkeypatch.setattr(sheet_, "MOST_ROWS", 1)
    with pytest.raises(Findings) as raised:
        xlsx(answer(PAID, OPEN), tmp_path / "a.xlsx")
    assert raised.value.diagnostics[0].code == "too-many-rows"
    assert not (tmp_path / "a.xlsx").exists()
