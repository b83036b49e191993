"""The example of four channels: its figures against those counted one by one from what each channel holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import engine.api
from engine.http import HttpClient

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "omnichannel"
Figures = dict[str, dict[str, Any]]
STREAM = re.compile(r"(exports|tmall|douyin|pos)\.\w+ ")
SECONDS = re.compile(r" \d+\.\d( s\b|$)")


def _loaded(name: str) -> ModuleType:
    """A file of the example as a module, under a name that no other script has."""
    spec = spec_from_file_location(f"example_omnichannel_{name}", EXAMPLE / f"{name}.py")
    assert spec
    assert spec.loader
    made = module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


generate, platforms = _loaded("generate"), _loaded("platforms")
MORNING = datetime(2025, 11, 11, 8, tzinfo=generate.BEIJING)
AFTERNOON = datetime(2025, 11, 11, 16, tzinfo=generate.BEIJING)


class Hurried(HttpClient):
    """Sends for real, at the time of the shops, and waits for nothing: their simulations have no limits."""

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0


@pytest.fixture
def shops(monkeypatch) -> Iterator[Any]:
    made = platforms.Shops(MORNING)
    for name, value in {**made.variables(), "POS_URL": "sqlite:///data/pos.db"}.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


def test_figures_are_those_of_the_channels(tmp_path, shops):
    folder = tmp_path / "omnichannel"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build", "data", "__pycache__"))
    client, first = Hurried(shops.clock), None
    for now in (MORNING, AFTERNOON):
        if first:
            shops.go_on(now)
        generate.write(folder, now)
        project = engine.api.load(folder)
        assert project.check() == ()
        run = project.apply(client=client)
        assert (run.status, run.diagnostics) == ("done", ())
        assert figures(project) == truth(shops, now)
        read = {f"{one.source}.{one.stream}": one.rows for one in run.reads}
        if first:
            assert read["tmall.orders"] < 100 < first["tmall.orders"], "only what changed is asked for"
            assert read["douyin.orders"] < 100 < first["douyin.orders"]
            assert read["pos.lines"] < first["pos.lines"]
        first = first or read
    client.close()


@pytest.mark.slow
def test_it_runs_as_its_readme_says(tmp_path):
    """`run.py` in a process of its own, with servers and the command line."""
    root = tmp_path / "clone"
    folder = root / "examples" / "omnichannel"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build", "data", "__pycache__"))
    (root / "tests").symlink_to(EXAMPLE.parents[1] / "tests")
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "COLUMNS": "140"}
    done = subprocess.run(
        [sys.executable, "run.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (EXAMPLE / "README.md").read_text("utf-8")
    block = page.partition("```text\n")[2].partition("```\n")[0]
    assert block.count("$ engine ") == 4
    assert lasting(done.stdout) == lasting(block)


def lasting(printed: str) -> list[str]:
    """What is the same each time: not seconds and waits, nor which stream was done first or asked a question twice."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    streams = [line.rsplit(" ", 3)[0] for line in lines if STREAM.match(line)]
    others = [SECONDS.sub("", line) for line in lines if line and not STREAM.match(line)]
    return sorted(streams + others)


def figures(project: Any) -> Figures:
    """What the engine says, by platform."""
    metrics = ["pay_amt", "pay_orders", "pay_qty", "refund_amt_finish"]
    rows = project.query(metrics, by=["platform"]).rows()
    return {row.pop("platform"): row for row in rows}


def truth(shops: Any, now: datetime) -> Figures:
    """What the channels hold, counted one by one."""
    return {
        "tmall": tmall(shops.platforms["taobao"]),
        "douyin": douyin(shops.platforms["doudian"]),
        "jd_pop": jd(generate.jd_rows(now)),
        "offline": pos(generate.pos_rows(now)),
    }


def told(paid: list[Decimal], pieces: int, refunded: list[Decimal]) -> dict[str, Any]:
    return {
        "pay_amt": sum(paid, Decimal(0)),
        "pay_orders": len(paid),
        "pay_qty": Decimal(pieces),
        "refund_amt_finish": sum(refunded) if refunded else None,
    }


def tmall(shop: Any) -> dict[str, Any]:
    unpaid = ("WAIT_BUYER_PAY", "TRADE_CLOSED_BY_TAOBAO")
    trades = shop.truth("orders", simplified=True).values()
    paid = [one for one in trades if one.get("pay_time") and one["status"] not in unpaid]
    refunds = shop.truth("refunds", simplified=True).values()
    return told(
        [Decimal(one["payment"]) for one in paid],
        sum(line["num"] for one in paid for line in one["orders"]),
        [
            Decimal(one["refund_fee"])
            for one in refunds
            if one["status"] == "SUCCESS" and one["dispute_type"] != "TMALL_EXCHANGE"
        ],
    )


def douyin(shop: Any) -> dict[str, Any]:
    paid = [one for one in shop.truth("orders").values() if one["pay_time"] and one["order_status"] != 1]
    refunds = [one["aftersale_info"] for one in shop.truth("refunds").values()]
    return told(
        [Decimal(one["pay_amount"]) / 100 for one in paid],
        sum(line["item_num"] for one in paid for line in one["sku_order_list"]),
        [Decimal(one["refund_amount"]) / 100 for one in refunds if one["aftersale_status"] == 12],
    )


def jd(rows: list[dict[str, str]]) -> dict[str, Any]:
    paid = [row for row in rows if row["付款确认时间"]]
    orders = {row["订单号"]: Decimal(row["应付金额"]) for row in paid}
    return told(list(orders.values()), sum(int(row["订购数量"]) for row in paid), [])


def pos(rows: list[dict[str, Any]]) -> dict[str, Any]:
    receipts: dict[str, tuple[int, int]] = {}
    for row in rows:
        pieces, cents = receipts.get(row["receipt_no"], (0, 0))
        receipts[row["receipt_no"]] = pieces + row["qty"], cents + row["amount_fen"]
    kept = [(pieces, cents) for pieces, cents in receipts.values() if pieces]
    return told([Decimal(cents) / 100 for _, cents in kept], sum(pieces for pieces, _ in kept), [])
