"""Questions become the SQL that the fixtures show, or findings that point into the question."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from metric_stage import METRICS, Memory, project

from engine.diagnostic import Findings
from engine.metric import Question, compile
from engine.metric.names import RESERVED

FIXTURES = Path(__file__).parents[1] / "fixtures" / "metric"

QUESTIONS = {
    "total": Question(("orders", "paid_amount")),
    "totals_of_two_tables": Question(("paid_buyers", "visitors", "conversion")),
    "ratio_by_month": Question(("average_order", "paid_share"), ("created_at.month",)),
    "own_times_side_by_side": Question(("orders", "paid_amount", "visitors"), ("time.week", "province")),
    "joined_two_steps": Question(("pieces",), ("level", "shops.region"), "level is not null"),
    "filtered_by_own_time": Question(("paid_amount", "visitors"), where="time >= '2020-02-01' and time < '2020-03-01'"),
    "narrowed": Question(("east_large", "west_amount", "paid_amount"), ("status",)),
    "derived": Question(("share_of_visit", "net_amount"), ("shop_id",), order=("share_of_visit desc",), limit=10),
    "measure_of_two_aggregates": Question(("mean_amount", "spread"), ("created_at.hour_of_day", "created_at.weekday")),
    "only_narrowed": Question(("east_amount", "west_amount"), ("province",)),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_sql_is_the_one_in_the_fixture(name: str):
    sql = compile(project(), QUESTIONS[name]).sql + "\n"
    file = FIXTURES / f"{name}.sql"
    if os.environ.get("REWRITE_FIXTURES"):
        file.write_text(sql, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == sql


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_sql_runs_and_says_what_it_reads(name: str):
    made = project()
    query = compile(made, QUESTIONS[name])
    only_read = {table: made.tables[table] for table in query.tables}
    assert Memory(only_read).rows(query.sql).columns == tuple(column.name for column in query.columns)
    for table, columns in query.tables.items():
        assert set(columns) <= set(made.tables[table].columns)


def test_every_fixture_has_a_question():
    assert {file.stem for file in FIXTURES.glob("*.sql")} == set(QUESTIONS)


def refused(question: Question, metrics: str = METRICS) -> list[tuple[str, str, int]]:
    """Codes of the findings, what they point at, and on which line of the question."""
    with pytest.raises(Findings) as raised:
        compile(project(metrics), question)
    assert raised.value.status == 2
    found = []
    for one in raised.value.diagnostics:
        place = one.place
        at = place.text[place.column - 1 : place.column - 1 + place.width] if place else ""
        found.append((one.code, at, place.line if place else 0))
    return found


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(()), [("no-metric", "", 0)]),
        (Question(("orders", "ordrs")), [("unknown-metric", "ordrs", 1)]),
        (Question(("orders",), ("status", "provnce")), [("unknown-dimension", "provnce", 2)]),
        (Question(("orders",), ("time.mnth",)), [("unknown-period", "time.mnth", 2)]),
        (Question(("orders",), ("paid_at.weeks",)), [("unknown-period", "paid_at.weeks", 2)]),
        (Question(("orders",), ("status.day",)), [("not-a-time-column", "status.day", 2)]),
        (Question(("visitors",), ("date.hour",)), [("no-hours", "date.hour", 2)]),
        (Question(("orders",), ("receiver",)), [("private-column", "receiver", 2)]),
        (Question(("orders",), ("phone",)), [("private-column", "phone", 2)]),
        (Question(("orders",), ("region",)), [("open-column", "region", 2)]),
        (Question(("orders", "visitors"), ("level",)), [("dimension-not-shared", "level", 2)]),
        (Question(("conversion",), ("level",)), [("dimension-not-shared", "level", 2)]),
        (Question(("orders",), order=("paid_amount",)), [("unknown-order", "paid_amount", 2)]),
        (Question(("visitors",), ("visitors",)), [("name-taken", "visitors", 2)]),
        (Question(("orders",), limit=0), [("bad-limit", "0", 2)]),
        (Question(("orders",), where="amount >"), [("sql-syntax", ">", 2)]),
        (Question(("orders",), where="amount"), [("wrong-kind", "amount", 2)]),
        (Question(("orders",), where="status = 1"), [("compares-kinds", "1", 2)]),
        (Question(("orders",), ("status",), "amont > 1"), [("unknown-dimension", "amont", 3)]),
        (Question(("orders",), where="amount > 1 and receiver = 'x'"), [("private-column", "receiver", 2)]),
        (Question(("orders",), where="created_at > 'monday'"), [("not-a-time", "'monday'", 2)]),
        (Question(("orders", "visitors"), where="amount > 1"), [("dimension-not-shared", "amount", 2)]),
        (Question(("orders",), where="getenv('HOME') = 'x'"), [("forbidden-function", "getenv", 2)]),
        (Question(("orders",), where="(select 1) = 1"), [("sql-not-allowed", "select", 2)]),
    ],
)
def test_a_wrong_question_is_refused_where_it_is_wrong(question: Question, expected: list[tuple[str, str, int]]):
    assert refused(question) == expected


def test_all_that_is_wrong_is_said_at_once():
    question = Question(("orders",), ("provnce", "receiver"), "stats = 'x'", ("nothing",), -1)
    codes = [code for code, _, _ in refused(question)]
    assert codes == ["unknown-dimension", "private-column", "unknown-dimension", "unknown-order", "bad-limit"]


def test_words_people_use_are_understood_as_suggestions():
    with pytest.raises(Findings) as raised:
        compile(project(), Question(("支付金额",)))
    assert raised.value.diagnostics[0].words().help == "did you mean `paid_amount`?"
    with pytest.raises(Findings) as raised:
        compile(project(), Question(("orders",), ("省份", "payd_at.month")))
    helps = [one.words().help for one in raised.value.diagnostics]
    assert helps == ["did you mean `province`?", "did you mean `paid_at.month`?"]


def test_a_metric_without_a_time_has_no_periods():
    metrics = "n: {table: lines, measure: count(*)}"
    assert refused(Question(("n",), ("time.day",)), metrics) == [("no-time", "time.day", 2)]


def test_a_broken_metric_is_the_manifests_fault():
    with pytest.raises(Findings) as raised:
        compile(project("a: {table: orders, measure: sum(amont)}\nb: {ratio: [a, a]}"), Question(("b",)))
    assert raised.value.status == 1
    assert [one.code for one in raised.value.diagnostics] == ["unknown-column"]


def test_another_broken_metric_does_not_matter():
    made = project("a: {table: orders, measure: sum(amont)}\nb: {table: orders, measure: count(*)}")
    assert compile(made, Question(("b",))).columns[0].name == "b"


def test_columns_say_what_they_hold():
    columns = compile(project(), Question(("orders", "paid_amount", "conversion", "net_amount", "mean_amount"))).columns
    held = [(column.kind, column.unit) for column in columns]
    assert held == [("integer", "order"), ("decimal", "CNY"), ("ratio", "ratio"), ("decimal", "CNY"), ("number", None)]


def test_dimension_columns_say_what_they_hold():
    by = ("created_at.hour", "created_at.day", "created_at.weekday", "order_id", "time.month")
    columns = compile(project(), Question(("orders",), by)).columns
    assert [column.kind for column in columns[:-1]] == ["timestamp", "date", "integer", "id", "date"]
    assert columns[1].label.zh == "下单时间（日）"
    assert columns[1].label.en == "created at (day)"
    assert columns[4].label.zh == "时间（月）"


def test_the_same_measure_is_computed_once():
    metrics = "a: {table: orders, measure: sum(amount)}\nb: {table: orders, measure: SUM(amount)}\nc: {ratio: [a, b]}"
    assert compile(project(metrics), Question(("a", "b", "c"))).sql.count("SUM(amount)") == 1


def test_what_is_asked_twice_is_answered_once():
    assert len(compile(project(), Question(("orders", "orders"), ("status", "status"))).columns) == 2


def test_reserved_names_are_quoted():
    tables = "select: {key: [order], columns: {order: id, group: text, Date: date}}"
    made = project('limit: {table: select, measure: count(distinct "order"), time: Date}', tables)
    query = compile(made, Question(("limit",), ("group", "time.day"), "\"group\" = 'x'"))
    assert Memory(made.tables).rows(query.sql).columns == ("group", "time.day", "limit")


def test_the_reserved_words_are_those_of_the_engine():
    words = duckdb.sql(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
    ).fetchall()
    assert {word for (word,) in words} == RESERVED


def test_a_literal_cannot_leave_its_quotes():
    made = project()
    text = "x' or 1=1 --"
    query = compile(made, Question(("orders",), where="status = '" + text.replace("'", "''") + "'"))
    reader = Memory(made.tables, {"orders": [{"order_id": "1", "status": text}, {"order_id": "2", "status": "x"}]})
    assert reader.rows(query.sql).rows == [(1,)]


def test_order_turns_round_and_ties_break_by_dimension():
    made = project()
    rows = [{"order_id": str(at), "status": status} for at, status in enumerate(["c", "b", "b", "c", "a", None])]
    reader = Memory(made.tables, {"orders": rows})

    def answered(*order: str, limit: int | None = None) -> list[str | None]:
        query = compile(made, Question(("orders",), ("status",), order=order, limit=limit))
        return [row[0] for row in reader.rows(query.sql).rows]

    assert answered() == ["a", "b", "c", None]
    assert answered("-orders") == answered("orders desc") == ["b", "c", "a", None]
    assert answered("orders", "-status") == ["a", None, "c", "b"]
    assert answered("-orders", limit=2) == ["b", "c"]


def test_a_join_that_is_not_a_whole_key_is_not_followed():
    tables = """
orders: {key: [order_id], joins: {rates: [shop_id]}, columns: {order_id: id, shop_id: id}}
rates: {key: [shop_id, day], columns: {shop_id: id, day: date, rate: decimal}}
"""
    with pytest.raises(Findings) as raised:
        compile(project("n: {table: orders, measure: count(*)}", tables), Question(("n",), ("rate",)))
    assert raised.value.diagnostics[0].code == "unknown-dimension"


def test_sums_of_integers_stay_integers():
    made = project()
    reader = Memory(made.tables, {"traffic": [{"shop_id": "s", "visitors": 3}]})
    assert reader.rows(compile(made, Question(("visitors",))).sql).types == ("BIGINT",)


def test_a_group_in_which_no_metric_has_a_row_is_no_row():
    made = project()
    paid = {"paid_at": "2020-02-01", "amount": 1}
    rows = [{"order_id": at, "province": at, **paid} for at in ("东", "西", "北")]
    reader = Memory(made.tables, {"orders": rows})
    query = compile(made, Question(("east_amount", "west_amount"), ("province",)))
    assert reader.rows(query.sql).rows == [("东", 1, None), ("西", None, 1)]
