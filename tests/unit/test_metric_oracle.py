"""Random questions over random rows give what plain Python gives that never saw the SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metric_stage import Memory, project

from engine.metric import Question, compile, dimensions

Row = dict[str, Any]
PROJECT = project()


@dataclass(frozen=True)
class Base:
    """An aggregate in plain Python."""

    table: str
    time: str | None
    keep: Callable[[Row], bool]
    fold: Callable[[list[Row]], Any]


def total(column: str) -> Callable[[list[Row]], Any]:
    """Sum of what is there; None where nothing is."""

    def fold(rows: list[Row]) -> Any:
        there = [row[column] for row in rows if row[column] is not None]
        return sum(there[1:], there[0]) if there else None

    return fold


def distinct(column: str) -> Callable[[list[Row]], Any]:
    """How many different values there are: none over no rows, unknown where no row tells."""

    def fold(rows: list[Row]) -> Any:
        there = {row[column] for row in rows if row[column] is not None}
        return len(there) if there or not rows else None

    return fold


def best(pick: Callable[[Iterable[Any]], Any], column: str) -> Callable[[list[Row]], Any]:
    """The least or greatest value."""

    def fold(rows: list[Row]) -> Any:
        there = [row[column] for row in rows if row[column] is not None]
        return pick(there) if there else None

    return fold


def paid(row: Row) -> bool:
    """Whether it has been paid."""
    return row["paid_at"] is not None


def large_in_the_east(row: Row) -> bool:
    """SQL's `or` with nulls, in so many words."""
    large = (row["amount"] is not None and row["amount"] > 20) or (row["quantity"] is not None and row["quantity"] > 2)
    return paid(row) and row["province"] == "东" and large


def everything(_: Row) -> bool:
    """No condition."""
    return True


BASES = {
    "orders": Base("orders", "created_at", everything, len),
    "paid_orders": Base("orders", "created_at", paid, len),
    "paid_amount": Base("orders", "paid_at", paid, total("amount")),
    "refund_amount": Base("orders", "paid_at", everything, total("refund")),
    "paid_buyers": Base("orders", "paid_at", paid, distinct("buyer_id")),
    "visitors": Base("traffic", "date", everything, total("visitors")),
    "east_amount": Base("orders", "paid_at", lambda row: paid(row) and row["province"] == "东", total("amount")),
    "west_amount": Base("orders", "paid_at", lambda row: paid(row) and row["province"] == "西", total("amount")),
    "east_large": Base("orders", "paid_at", large_in_the_east, total("amount")),
    "all_amount": Base("orders", "created_at", everything, total("amount")),
    "known_buyers": Base(
        "orders", "created_at", everything, lambda rows: sum(row["buyer_id"] is not None for row in rows)
    ),
    "last_paid": Base("orders", "paid_at", everything, best(max, "paid_at")),
    "first_status": Base("orders", "created_at", everything, best(min, "status")),
    "pieces": Base("lines", "paid_at", paid, total("pieces")),
}


def over(above: Any, below: Any) -> float | None:
    """A ratio; None where the denominator is 0 or missing."""
    return None if above is None or not below else float(above) / float(below)


def less(left: Any, right: Any) -> Any:
    """A difference; None where a side is."""
    return None if left is None or right is None else left - right


FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    **{name: ((name,), lambda value: value) for name in BASES if name not in ("all_amount", "known_buyers")},
    "average_order": (("paid_amount", "paid_buyers"), over),
    "paid_share": (("paid_orders", "orders"), over),
    "conversion": (("paid_buyers", "visitors"), over),
    "net_amount": (("paid_amount", "refund_amount"), lambda paid, back: less(paid, back or 0)),
    "share_of_visit": (
        ("paid_amount", "refund_amount", "visitors"),
        lambda paid, back, seen: over(less(paid, back or 0), seen),
    ),
    "mean_amount": (("all_amount", "orders"), over),
    "spread": (("orders", "known_buyers"), less),
    "pieces_per_buyer": (("pieces", "paid_buyers"), over),
}


def test_the_oracle_knows_every_metric():
    assert set(FORMULAS) == set(PROJECT.metrics)


CONDITIONS: list[tuple[str, Callable[[Row], bool]]] = [
    ("province = '东'", lambda row: row["province"] == "东"),
    ("province is null or shop_id = 's1'", lambda row: row["province"] is None or row["shop_id"] == "s1"),
    ("shop_id in ('s1', 's2') and not (province = '西')", lambda row: shop_and_not_west(row)),
]


def shop_and_not_west(row: Row) -> bool:
    """`not (null)` is null, so a row without a province is out."""
    return row["shop_id"] in ("s1", "s2") and row["province"] not in ("西", None)


def period(value: datetime | date | None, name: str) -> Any:
    """The start of the period, or the part, that a time falls in."""
    if value is None:
        return None
    day = value.date() if isinstance(value, datetime) else value
    starts: dict[str, Any] = {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
        "weekday": day.isoweekday(),
    }
    if isinstance(value, datetime):
        starts |= {"hour": value.replace(minute=0, second=0, microsecond=0), "hour_of_day": value.hour}
    return starts[name]


def value_of(row: Row, base: Base, text: str) -> Any:
    """What a dimension is for a row."""
    head, dot, name = text.partition(".")
    if text in ("region", "shops.region"):
        return row["shops.region"]
    if not dot:
        return row[text]
    return period(row[base.time or ""] if head == "time" else row[head], name)


def wide(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Rows with the columns of what they belong to; a row stays one row."""
    shops = {row["shop_id"]: row for row in tables["shops"]}
    buyers = {row["buyer_id"]: row for row in tables["buyers"]}

    def placed(row: Row) -> Row:
        shop, buyer = shops.get(row["shop_id"], {}), buyers.get(row.get("buyer_id"), {})
        return {"shops.region": shop.get("region"), "level": buyer.get("level"), **row}

    orders = {row["order_id"]: placed(row) for row in tables["orders"]}
    nothing = dict.fromkeys([*PROJECT.tables["orders"].columns, "shops.region", "level"])
    lines = [{**orders.get(row["order_id"], nothing), **row} for row in tables["lines"]]
    return {"orders": list(orders.values()), "lines": lines, "traffic": [placed(row) for row in tables["traffic"]]}


def expected(question: Question, keep: Callable[[Row], bool], tables: dict[str, list[Row]]) -> list[tuple[Any, ...]]:
    """The answer."""
    rows = wide(tables)
    cells: dict[str, dict[tuple[Any, ...], list[Row]]] = {}
    for name in {part for metric in question.metrics for part in FORMULAS[metric][0]}:
        base = BASES[name]
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows[base.table]:
            if keep(row) and base.keep(row):
                groups.setdefault(tuple(value_of(row, base, text) for text in question.by), []).append(row)
        cells[name] = groups
    keys = {key for groups in cells.values() for key in groups} if question.by else {()}
    ordered = sorted(keys, key=lambda key: [(value is None, 0 if value is None else value) for value in key])
    return [(*key, *(computed(metric, key, cells) for metric in question.metrics)) for key in ordered]


def computed(metric: str, key: tuple[Any, ...], cells: dict[str, dict[tuple[Any, ...], list[Row]]]) -> Any:
    """A metric for one group, from the rows themselves."""
    parts, formula = FORMULAS[metric]
    return formula(*(BASES[part].fold(cells[part].get(key, [])) for part in parts))


provinces = st.sampled_from(["东", "西", None])
shop_ids = st.sampled_from(["s1", "s2", "s9", None])
times = st.none() | st.datetimes(datetime(2019, 12, 28), datetime(2020, 4, 3)).map(
    lambda one: one.replace(microsecond=0)
)
money = st.none() | st.integers(-500, 9000).map(lambda cents: Decimal(cents).scaleb(-2))
counts = st.none() | st.integers(0, 5)


def table_of(key: tuple[str, ...], most: int, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    """Rows of which no two have the same key."""
    rows = st.fixed_dictionaries(dict(columns))
    return st.lists(rows, max_size=most, unique_by=lambda row: tuple(row[name] for name in key))


ALL_TABLES = st.fixed_dictionaries(
    {
        "shops": table_of(
            ("shop_id",), 3, shop_id=st.sampled_from(["s1", "s2", "s3"]), region=st.sampled_from(["华东", "华北", None])
        ),
        "buyers": table_of(
            ("buyer_id",), 4, buyer_id=st.sampled_from(["b1", "b2", "b3"]), level=st.sampled_from(["金", "银", None])
        ),
        "orders": table_of(
            ("order_id",),
            12,
            order_id=st.integers(1, 30).map(str),
            shop_id=shop_ids,
            buyer_id=st.sampled_from(["b1", "b2", "b3", "b9", None]),
            province=provinces,
            status=st.sampled_from(["done", "open", None]),
            amount=money,
            refund=money,
            quantity=counts,
            created_at=times,
            paid_at=times,
        ),
        "lines": table_of(
            ("order_id", "line_no"), 12, order_id=st.integers(1, 30).map(str), line_no=st.integers(1, 3), pieces=counts
        ),
        "traffic": table_of(
            ("date", "shop_id"),
            6,
            date=st.dates(date(2020, 1, 1), date(2020, 3, 1)),
            shop_id=shop_ids,
            province=provinces,
            visitors=counts,
        ),
    }
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Question, Callable[[Row], bool]]:
    """A question whose metrics share the dimensions asked for."""
    names = sorted(PROJECT.metrics)
    metrics = tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=5, unique=True)))
    skipped = ("order_id", "line_no", "item", "pieces")
    shared = [text for text in dimensions(PROJECT, metrics) if text not in skipped] + ["shops.region"]
    by = tuple(draw(st.lists(st.sampled_from(shared), max_size=3, unique=True)))
    where, keep = draw(st.sampled_from([(None, everything), *CONDITIONS]))
    return Question(metrics, by, where), keep


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ALL_TABLES, questions())
def test_answers_equal_plain_python(tables: dict[str, list[Row]], asked: tuple[Question, Callable[[Row], bool]]):
    question, keep = asked
    query = compile(PROJECT, question)
    given_ = Memory(PROJECT.tables, tables).rows(query.sql)
    assert given_.columns == tuple(column.name for column in query.columns)
    assert [tuple(map(rounded, row)) for row in given_.rows] == [
        tuple(map(rounded, row)) for row in expected(question, keep, tables)
    ]


def rounded(value: Any) -> Any:
    """Floats to twelve digits; everything else as it is, with its type."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return (type(value), value)


@settings(max_examples=40, deadline=None)
@given(ALL_TABLES, questions(), st.data())
def test_a_metric_does_not_depend_on_what_is_asked_next_to_it(tables, asked, data):
    question, _ = asked
    reader = Memory(PROJECT.tables, tables)
    together = reader.rows(compile(PROJECT, question).sql).rows
    name = data.draw(st.sampled_from(question.metrics))
    alone = reader.rows(compile(PROJECT, Question((name,), question.by, question.where)).sql).rows
    width, at = len(question.by), len(question.by) + question.metrics.index(name)
    among = {row[:width]: row[at] for row in together}
    assert {row[:width]: row[width] for row in alone}.items() <= among.items()
