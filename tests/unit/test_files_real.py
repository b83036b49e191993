"""Real exports as people share them, where they are at hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from files_reading import CONNECTOR, ORIGIN, careful, fast, values

from engine.connector import Delimited, Landing, Workplace
from engine.model import Source

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real files are not here")


def read(path: str, scratch: Path, **settings: object) -> Landing:
    source = Source("real", "files", {"path": path, **settings}, {}, ORIGIN)
    stream = CONNECTOR.streams(source)["records"]
    place = Workplace(DATA, scratch)
    (part,) = CONNECTOR.survey(source, stream, place)
    (landing,) = CONNECTOR.read(source, stream, part, replace(place))
    return landing


def truth(folder: str, metric: str) -> object:
    facts = json.loads((DATA / folder / "truth.json").read_text(encoding="utf-8"))
    return next(one["value"] for one in facts["metrics"] if one["id"] == metric)


@pytest.mark.parametrize(
    "name",
    [
        "tmall_order_report.csv",
        *[f"variants/tmall_order_report_{one}.csv" for one in ("LF", "trimmed_header", "excel_resaved")],
    ],
)
def test_tmall_orders(tmp_path, name):
    landing = read(f"tmall_orders/{name}", tmp_path)
    found = values(landing)
    assert len(found) == truth("tmall_orders", "orders")
    assert landing.records.columns == (
        "订单编号",
        "总金额",
        "买家实际支付金额",
        "收货地址",
        "订单创建时间",
        "订单付款时间",
        "退款金额",
    )
    assert landing.left_out == ()
    assert sum(row[5] is None for row in found) == truth("tmall_orders", "unpaid_orders")


def test_tmall_orders_saved_by_pandas(tmp_path):
    landing = read("tmall_orders/variants/tmall_paid_only_unnamed_index.csv", tmp_path)
    assert landing.records.columns[:2] == ("column_1", "总金额")
    assert len(values(landing)) == truth("tmall_orders", "paid_orders")


def test_cosmetics_in_utf8_and_gbk(tmp_path):
    utf8 = read("cosmetics_1111/双十一淘宝美妆数据.csv", tmp_path)
    gbk = read("cosmetics_1111/variants/双十一淘宝美妆数据_GBK.csv", tmp_path)
    assert (utf8.detail["encoding"], gbk.detail["encoding"]) == ("utf-8-sig", "gb18030")
    one, two = values(utf8), values(gbk)
    assert len(one) == len(two) == truth("cosmetics_1111", "rows") == 27_598
    assert sum(left != right for left, right in zip(one, two, strict=True)) == 4, "four prices were altered"


def test_an_old_workbook(tmp_path):
    ((lines, *_),) = truth("superstore_cn", "lines_orders_customers")
    orders = read("superstore_cn/示例-超市.xls", tmp_path)
    found = careful(orders)
    assert orders.detail["sheet"] == "订单"
    assert len(found) == lines == 10_000
    dates = orders.records.columns.index("订单日期")
    assert all(len(cells[dates]) == 10 for _, cells, _ in found)
    assert len(careful(read("superstore_cn/示例-超市.xls", tmp_path, sheet="退货"))) == 296


def test_jd_users_in_gbk(tmp_path):
    gbk = read("jdata_jd/JData_User.csv", tmp_path)
    utf8 = read("jdata_jd/JData_User_utf8.csv", tmp_path)
    assert isinstance(gbk.records, Delimited)
    assert fast(gbk) == fast(utf8)
    assert len(fast(gbk)) == 29_999


def test_behaviour_without_a_header(tmp_path):
    landing = read("userbehavior_window/UserBehavior.csv", tmp_path, header=["uid", "item", "cat", "behaviour", "ts"])
    assert len(fast(landing)) == truth("userbehavior_window", "events") == 110_300
