"""A tap of the package index, unchanged: `tap-spreadsheets` reads files of this machine, and is built on the Meltano SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from engine.api import Workspace, load

PACKAGE = "tap-spreadsheets==1.1.2"

PROJECT = """
kind: project
name: shop
sources:
  sheets:
    connector: singer
    with:
      tap: TAP
      config:
        files:
          - {path: "data/*.csv", format: csv, table_name: orders, primary_keys: [order_id]}
          - {path: "data/*.xlsx", format: excel, worksheet: Sheet, table_name: stock, primary_keys: [sku]}
        BATCHES
    streams: {orders: {select: [order_id, amount]}, stock: {replication: full}}
models: [model.yaml]
mappings: [orders.yaml, stock.yaml]
metrics: [metrics.yaml]
"""
MODEL = """
kind: model
tables:
  sale: {key: [sale_id], columns: {sale_id: {type: id}, amount: {type: decimal}}}
  stock: {key: [sku], columns: {sku: {type: id}, pieces: {type: integer}}}
"""
ORDERS = """
kind: mapping
from: sheets.orders
into: sale
fields: {sale_id: order_id, amount: amount}
"""
STOCK = """
kind: mapping
from: sheets.stock
into: stock
fields: {sku: sku, pieces: pieces}
"""
METRICS = """
kind: metrics
metrics:
  sales: {zh: 单数, table: sale, measure: count(*)}
  amount: {zh: 金额, table: sale, measure: sum(amount)}
  pieces: {zh: 件数, table: stock, measure: sum(pieces)}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tap(pytestconfig: pytest.Config) -> Path:
    """The tap's executable, installed once into an environment of its own in pytest's cache."""
    cache = pytestconfig.cache
    assert cache is not None
    environment = cache.mkdir("singer-taps") / PACKAGE
    executable = environment / "bin" / "tap-spreadsheets"
    if executable.exists():
        return executable
    commands = ([sys.executable, "-m", "venv", str(environment)], [f"{environment}/bin/pip", "install", "-q", PACKAGE])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            pytest.skip(f"cannot install {PACKAGE}: {done.stderr.strip().splitlines()[-1:]}")
    return executable


@pytest.fixture
def project(tmp_path: Path, tap: Path) -> Path:
    texts = {"model": MODEL, "orders": ORDERS, "stock": STOCK, "metrics": METRICS}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "project.yaml").write_text(PROJECT.replace("TAP", str(tap)).replace("BATCHES", ""), "utf-8")
    put(tmp_path, "october", 1_790_000_000, "300000000000000001,12.50,x", "300000000000000002,0.10,y")
    book = openpyxl.Workbook()
    book.active.title = "Sheet"
    for row in (("sku", "pieces"), ("A-1", 3), ("A-2", 4)):
        book.active.append(row)
    book.save(tmp_path / "data" / "stock.xlsx")
    return tmp_path


def put(project: Path, name: str, changed: int, *records: str) -> None:
    file = project / "data" / f"{name}.csv"
    file.write_text("\n".join(["order_id,amount,remark", *records]) + "\n", "utf-8")
    os.utime(file, (changed, changed))


def read(store: Workspace) -> dict[str, int]:
    run = store.apply()
    assert run.status == "done", run.diagnostics
    return {one.stream: one.rows for one in run.reads}


def answer(store: Workspace) -> tuple[int, str, int]:
    (row,) = store.query(["sales", "amount", "pieces"]).rows()
    return row["sales"], str(row["amount"]), int(row["pieces"])


def test_two_runs_of_a_real_tap(project: Path) -> None:
    store = load(project)
    assert read(store) == {"orders": 2, "stock": 2}
    assert answer(store) == (2, "12.60", 7)
    put(project, "november", 1_795_000_000, "300000000000000001,13.00,x", "300000000000000003,1.00,z")
    assert read(load(project)) == {"orders": 2, "stock": 2}  # the older file is not read again; `stock` is full
    assert answer(store) == (3, "14.10", 7)
    assert store.state().cursors["sheets.orders"]["bookmarks"]["orders"]["replication_key"] == "_sdc_last_modified"
    columns = {column for batch in store.state().batches if batch.stream == "orders" for column in batch.columns}
    assert {"order_id", "amount", "_sdc_extracted_at"} <= columns
    assert "remark" not in columns  # it was not selected


def test_a_real_tap_hands_over_files(project: Path) -> None:
    (project / "lake").mkdir()
    root = (project / "lake").as_uri()
    batches = f"batch_config: {{encoding: {{format: jsonl, compression: gzip}}, storage: {{root: {root!r}}}}}"
    text = (project / "project.yaml").read_text("utf-8")
    (project / "project.yaml").write_text(text.replace("    streams:", f"        {batches}\n    streams:"), "utf-8")
    store = load(project)
    assert read(store) == {"orders": 2, "stock": 2}
    assert answer(store) == (2, "12.60", 7)
    assert list((project / "lake").glob("*.gz"))
