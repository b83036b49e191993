"""A project whose source is a tap, from its manifests to the answer: two runs, the second reads what is new."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from engine.api import Workspace, load

TAP = Path(__file__).parent.parent / "fakes" / "tap_orders.py"
SECRET = "key-5a4b3c2d1e"

PROJECT = f"""
kind: project
name: shop
sources:
  web:
    connector: singer
    with:
      tap: ["{sys.executable}", "{TAP}"]
      config: {{data: data, api_key: "${{WEB_KEY}}", fault: "${{WEB_FAULT}}", after: 2, log: log}}
    streams:
      orders: {{select: [amount, status, buyer], replication: incremental}}
models: [model.yaml]
mappings: [mapping.yaml]
metrics: [metrics.yaml]
"""
MODEL = """
kind: model
tables:
  sale:
    key: [sale_id]
    time: changed_at
    columns:
      sale_id: {type: id}
      changed_at: {type: timestamp}
      amount: {type: decimal, unit: CNY}
      status: {type: text}
"""
MAPPING = """
kind: mapping
from: web.orders
into: sale
newest_by: changed_at
fields:
  sale_id: order_id
  changed_at: updated_at
  amount: amount
  status: {from: status, optional: true}
"""
METRICS = """
kind: metrics
metrics:
  sales: {zh: 单数, table: sale, measure: count(*)}
  amount: {zh: 金额, table: sale, measure: sum(amount)}
"""
FIRST = (
    '{"order_id": "200000000000000001", "updated_at": "2026-10-01T08:00:00", "amount": 9007199254740993.10, "status": "待付款"}',
    '{"order_id": "200000000000000002", "updated_at": "2026-10-01T09:00:00", "amount": 20}',
    '{"order_id": "200000000000000003", "updated_at": "2026-10-02T09:00:00", "amount": 0.3}',
)
SECOND = (
    '{"order_id": "200000000000000001", "updated_at": "2026-10-03T08:00:00", "amount": 1.10, "status": "已付款"}',
    '{"order_id": "200000000000000004", "updated_at": "2026-10-04T08:00:00", "amount": 2.20}',
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEB_KEY", SECRET)
    monkeypatch.setenv("WEB_FAULT", "none")
    (tmp_path / "data").mkdir()
    for name, text in {"project": PROJECT, "model": MODEL, "mapping": MAPPING, "metrics": METRICS}.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    put(tmp_path, *FIRST)
    return tmp_path


def put(project: Path, *records: str) -> None:
    (project / "data" / "orders.jsonl").write_text("\n".join(records), "utf-8")


def asked(store: Workspace) -> tuple[int, Decimal]:
    (answer,) = store.query(["sales", "amount"]).rows()
    sales, amount = answer["sales"], answer["amount"]
    return sales, amount


def states(project: Path) -> list[object]:
    return [json.loads(line)["state"] for line in (project / "log").read_text().splitlines()]


def kept_texts(project: Path) -> str:
    files = [file for file in (project / "build").rglob("*") if file.is_file() and "kept" not in file.parts]
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def test_the_second_run_reads_what_is_new(project: Path) -> None:
    text = (project / "project.yaml").read_text("utf-8")
    (project / "project.yaml").write_text(text.replace('fault: "${WEB_FAULT}", ', ""), "utf-8")
    store = load(project)
    assert not [one for one in store.check() if one.severity == "error"]
    first = store.apply()
    assert (first.status, first.diagnostics) == ("done", ())
    assert [(one.part, one.rows) for one in first.reads] == [("orders", 3)]
    assert asked(store) == (3, Decimal("9007199254741013.40"))
    put(project, *FIRST, *SECOND)
    second = load(project).apply()
    assert second.status == "done"
    assert [one.rows for one in second.reads] == [3]  # the last one of the first run comes again, as taps do it
    assert asked(store) == (4, Decimal("23.60"))
    assert states(project)[-1] == {"bookmarks": {"orders": {"updated_at": "2026-10-02T09:00:00"}}}
    assert store.state().cursors == {"web.orders": {"bookmarks": {"orders": {"updated_at": "2026-10-04T08:00:00"}}}}
    assert SECRET not in kept_texts(project)


def test_a_run_that_failed_goes_on_where_it_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_FAULT", "die")
    store = load(project)
    failed = store.apply()
    assert (failed.status, failed.exit_status) == ("failed", 3)
    (found,) = failed.diagnostics
    assert found.code == "tap-failed"
    assert SECRET not in f"{found.words()} {found.words('zh')} {kept_texts(project)}"
    text = (project / "project.yaml").read_text("utf-8")
    (project / "project.yaml").write_text(text.replace('fault: "${WEB_FAULT}", ', ""), "utf-8")
    mended = load(project).apply()
    assert mended.status == "done"
    assert states(project)[-1] == {"bookmarks": {"orders": {"updated_at": "2026-10-01T09:00:00"}}}
    assert [one.rows for one in mended.reads] == [2]
    assert asked(store) == (3, Decimal("9007199254741013.40"))
