"""A small shop for the tests of metrics and queries: tables, metrics, and a reader over DuckDB in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow

from engine.document import Document, Origin, parse
from engine.model import Column, Label, Metric, Project, Storage, Table
from engine.warehouse import Rows

TABLES = """
shops:
  key: [shop_id]
  columns: {shop_id: id, region: text}
buyers:
  key: [buyer_id]
  columns: {buyer_id: {type: id, pii: P1}, level: text, phone: {type: text, pii: P2}, region: text}
orders:
  key: [order_id]
  time: created_at
  joins: {shops: [shop_id], buyers: [buyer_id]}
  columns:
    order_id: id
    shop_id: id
    buyer_id: {type: id, pii: P1}
    province: {type: text, zh: 省份, en: province}
    status: text
    amount: {type: decimal, unit: CNY}
    refund: {type: decimal, unit: CNY}
    quantity: integer
    receiver: {type: text, pii: P3}
    created_at: {type: timestamp, zh: 下单时间, en: created at}
    paid_at: {type: timestamp, zh: 付款时间, en: paid at}
lines:
  key: [order_id, line_no]
  joins: {orders: [order_id]}
  columns: {order_id: id, line_no: integer, item: text, pieces: integer}
traffic:
  key: [date, shop_id]
  time: date
  joins: {shops: [shop_id]}
  columns: {date: date, shop_id: id, province: text, visitors: integer}
"""

METRICS = """
orders: {zh: 订单数, en: orders, table: orders, measure: count(*), unit: order}
paid_orders: {zh: 支付订单数, en: paid orders, of: orders, where: paid_at is not null, unit: order}
paid_amount: {zh: 支付金额, table: orders, measure: sum(amount), time: paid_at, where: paid_at is not null}
refund_amount: {zh: 退款金额, table: orders, measure: sum(refund), time: paid_at}
paid_buyers: {zh: 买家数, table: orders, measure: count(distinct buyer_id), time: paid_at, where: paid_at is not null}
average_order: {zh: 客单价, ratio: [paid_amount, paid_buyers], unit: CNY}
paid_share: {zh: 支付率, ratio: [paid_orders, orders]}
visitors: {zh: 访客数, table: traffic, measure: sum(visitors), unit: person}
conversion: {zh: 转化率, ratio: [paid_buyers, visitors], unit: ratio}
net_amount: {zh: 净额, derived: "paid_amount - coalesce(refund_amount, 0)", unit: CNY}
share_of_visit: {zh: 每访客净额, derived: net_amount / visitors}
east_amount: {zh: 东区金额, of: paid_amount, where: province = '东'}
west_amount: {zh: 西区金额, of: paid_amount, where: province = '西'}
east_large: {zh: 东区大单, of: east_amount, where: amount > 20 or quantity > 2}
mean_amount: {zh: 平均金额, table: orders, measure: sum(amount) / count(*)}
spread: {zh: 未知买家单数, table: orders, measure: count(*) - count(buyer_id)}
last_paid: {zh: 最近付款, table: orders, measure: max(paid_at), time: paid_at}
first_status: {zh: 首个状态, table: orders, measure: min(status)}
pieces: {zh: 支付件数, table: lines, measure: sum(pieces), time: paid_at, where: paid_at is not null}
pieces_per_buyer: {zh: 人均件数, ratio: [pieces, paid_buyers]}
"""


def document(text: str, shown: str) -> Document:
    """Parse YAML that is right."""
    made, found = parse(text, shown)
    assert made is not None, found
    return made


def project(metrics: str = METRICS, tables: str = TABLES) -> Project:
    """A project of these tables and metrics, without sources."""
    model, declared = document(tables, "model.yaml"), document(metrics, "metrics.yaml")
    return Project(
        name="shop",
        root=Path(),
        file=Path("project.yaml"),
        timezone="Asia/Shanghai",
        currency="CNY",
        storage=Storage("duckdb", Path("build")),
        sources={},
        tables={name: _table(model, name) for name in model.value},
        mappings=(),
        metrics={name: _metric(declared, name) for name in declared.value},
        documents=(model, declared),
        digest="",
        origin=Origin(model, ()),
    )


def _table(model: Document, name: str) -> Table:
    given = model.value[name]
    columns = {column: _column(model, name, column) for column in given["columns"]}
    joins = {other: tuple(names) for other, names in (given.get("joins") or {}).items()}
    key = tuple(given.get("key") or ())
    return Table(name, Label(name, name), "", key, columns, Origin(model, (name,)), given.get("time"), joins)


def _column(model: Document, table: str, name: str) -> Column:
    given = model.value[table]["columns"][name]
    facts: dict[str, Any] = {"type": given} if isinstance(given, str) else dict(given)
    label = Label(facts.pop("zh", name), facts.pop("en", name))
    return Column(name=name, label=label, origin=Origin(model, (table, "columns", name)), **facts)


def _metric(declared: Document, name: str) -> Metric:
    facts = dict(declared.value[name])
    zh = facts.pop("zh", name)
    label = Label(zh, facts.pop("en", name.replace("_", " ")))
    ratio = facts.pop("ratio", None)
    return Metric(name, label, Origin(declared, (name,)), ratio=tuple(ratio) if ratio else None, **facts)


_TYPES = {
    "text": "VARCHAR",
    "id": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,2)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}


class Memory:
    """A Reader over tables in memory."""

    def __init__(self, tables: dict[str, Table], rows: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.version = 7
        self.tables = {name: tuple(table.columns) for name, table in tables.items()}
        self.asked = 0
        self.connection = duckdb.connect()
        for name, table in tables.items():
            columns = ", ".join(f'"{one.name}" {_TYPES[one.type]}' for one in table.columns.values())
            self.connection.execute(f'CREATE TABLE "{name}" ({columns})')
            self.insert(name, (rows or {}).get(name, []))

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows; columns that a row does not give are null."""
        marks = ", ".join("?" for _ in self.tables[table])
        values = [tuple(row.get(name) for name in self.tables[table]) for row in rows]
        if values:
            self.connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', values)

    def rows(self, sql: str) -> Rows:
        """The whole answer."""
        self.asked += 1
        answer = self.connection.execute(sql)
        names = tuple(one[0] for one in answer.description)
        types = tuple(str(one[1]) for one in answer.description)
        return Rows(names, types, answer.fetchall())

    def arrow(self, sql: str) -> pyarrow.Table:
        """The whole answer as Arrow."""
        self.asked += 1
        return self.connection.sql(sql).to_arrow_table()

    def save_parquet(self, sql: str, file: Path) -> int:
        """Write the answer to Parquet."""
        self.connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet)")
        return len(self.rows(sql).rows)

    def close(self) -> None:
        """Let go."""
        self.connection.close()
