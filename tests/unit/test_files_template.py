"""Templates recognise what they describe and nothing else, and inboxes are sorted by them."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
import xlsxwriter
from files_reading import CONNECTOR, ORIGIN, Folder, said, stream_of, values

from engine.connector import GiveUp, Workplace
from engine.diagnostic import Findings
from engine.files.near import UNTAKEN
from engine.files.template import Ambiguous, Recognised, Unknown, recognise
from engine.load.templates import library_templates, read_templates
from engine.model import Source

LIBRARY = library_templates()
LAYOUTS = [(template, layout) for template in LIBRARY for layout in template.layouts]
EACH = pytest.mark.parametrize(
    ("template", "layout"), LAYOUTS, ids=[f"{one.name}-{layout.name}" for one, layout in LAYOUTS]
)
OWN = """
kind: template
name: {name}
zh: 自己的
platform: own
report: orders
{more}
layouts:
  - {{name: "1", must: [{must}]}}
"""


def headers(layout, pick: int = 0) -> list[str]:
    """All headers that a layout knows; of names that mean the same, one."""
    return [names[pick % len(names)] for names in layout.must] + list(layout.may)


def name_of(result) -> str:
    assert isinstance(result, Recognised), result
    return result.template.name


# --- the library ------------------------------------------------------------------------------------------------


def test_there_is_a_template_for_every_export_with_known_headers():
    assert len(LIBRARY) == 26
    assert {one.platform for one in LIBRARY} == {"tmall", "alipay", "douyin", "pdd", "jd", "xiaohongshu", "weixin"}


@EACH
def test_a_layout_is_recognised_by_itself_alone(template, layout):
    for given in (headers(layout), headers(layout, 1), [names[0] for names in layout.must]):
        result = recognise(given, "x.csv", None, LIBRARY)
        assert isinstance(result, Recognised)
        assert (result.template, result.layout, result.strange) == (template, layout, ())
        for other in LIBRARY:
            if other is not template:
                assert isinstance(recognise(given, "x.csv", None, [other]), Unknown), other.name


@EACH
def test_order_noise_and_more_columns_do_not_matter(template, layout):
    given = headers(layout)
    shuffled = random.Random(7).sample(given, len(given))
    noisy = [f"\ufeff\u3000{one.replace('(', '（').replace(')', '）').replace('ID', 'ＩＤ')} \t" for one in shuffled]
    result = recognise([*noisy, "自己加的列", ""], "x.csv", None, LIBRARY)
    assert name_of(result) == template.name
    assert result.strange == ("自己加的列",)


@EACH
def test_without_a_header_that_it_must_have_it_is_unknown(template, layout):
    for names in layout.must:
        given = [one for one in headers(layout) if one not in names]
        assert isinstance(recognise(given, "x.csv", None, LIBRARY), Unknown), names


@EACH
def test_a_telling_file_name_does_not_replace_headers(template, layout):
    name = "ExportOrderList202511030900.csv"
    short = [names[0] for names in layout.must][1:]
    assert isinstance(recognise(short, name, None, LIBRARY), Unknown)


def test_what_is_nearest_is_told_with_what_it_lacks():
    layout = next(one for one in LIBRARY if one.name == "pdd_orders").layouts[0]
    result = recognise([one for one in headers(layout) if one != "订单状态"], "x.csv", None, LIBRARY)
    assert isinstance(result, Unknown)
    assert (result.nearest.name, result.missing) == ("pdd_orders", ("订单状态",))
    assert recognise(["姓名", "年龄"], "x.csv", None, LIBRARY) == Unknown()
    assert recognise([], "x.csv", None, LIBRARY) == Unknown()


def test_the_name_of_a_file_tells_its_period():
    layout = next(one for one in LIBRARY if one.name == "sycm_items_daily").layouts[0]
    for name in (
        "【生意参谋平台】商品_全部_2026-05-01_2026-05-07.xls",
        "【生意参谋平台】商品_全部_20260501_20260507.xls",
    ):
        result = recognise(headers(layout), name, None, LIBRARY)
        assert (result.since, result.until) == ("2026-05-01", "2026-05-07")
    wrong = recognise(headers(layout), "【生意参谋平台】商品_全部_2026-13-01_2026-05-07.xls", None, LIBRARY)
    assert (wrong.since, wrong.until) == (None, "2026-05-07")


# --- templates of one's own -------------------------------------------------------------------------------------


def own(folder, name: str, must: str, more: str = ""):
    file = folder / f"{name}.yaml"
    file.write_text(OWN.format(name=name, must=must, more=more), "utf-8")
    return file


def test_equally_good_templates_are_not_chosen_from(tmp_path):
    files = [own(tmp_path, "one", "甲, 乙, 丙"), own(tmp_path, "two", "甲, 乙, 丁")]
    templates = read_templates(files, tmp_path)
    result = recognise(["甲", "乙", "丙", "丁"], "x.csv", None, templates)
    assert isinstance(result, Ambiguous)
    assert result.apart == {"one": ("丙",), "two": ("丁",)}
    assert name_of(recognise(["甲", "乙", "丙"], "x.csv", None, templates)) == "one"


def test_more_headers_or_a_name_decide(tmp_path):
    files = [
        own(tmp_path, "short", "甲, 乙", "file: ['^short']"),
        own(tmp_path, "long", "甲, 乙, 丙", "sheet: [明细]"),
    ]
    templates = read_templates(files, tmp_path)
    assert name_of(recognise(["甲", "乙", "丙"], "x.csv", None, templates)) == "long"
    assert name_of(recognise(["甲", "乙", "丙"], "short.csv", None, templates)) == "short"
    assert name_of(recognise(["甲", "乙", "丙"], "x.xlsx", " 明细", templates)) == "long"


def test_a_shop_is_told_by_the_name(tmp_path):
    templates = read_templates(
        [own(tmp_path, "one", "甲, 乙", "file: ['^(?P<shop>.+)_订单_(?P<since>[0-9]+)']")], tmp_path
    )
    result = recognise(["甲", "乙"], "旗舰店_订单_20260131.csv", None, templates)
    assert (result.shop, result.since, result.until) == ("旗舰店", "2026-01-31", "2026-01-31")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("file: ['(']", "bad-pattern"),
        ("file: ['(?P<month>x)']", "strange-group"),
        ("headers: [甲]", "unknown-key"),
        ("sheet: 明细", "wrong-type"),
    ],
)
def test_wrong_templates_are_refused(tmp_path, more, code):
    with pytest.raises(Findings) as raised:
        read_templates([own(tmp_path, "one", "甲, 乙", more)], tmp_path)
    assert [one.code for one in raised.value.diagnostics] == [code]
    assert raised.value.diagnostics[0].place.line


def test_two_templates_of_a_name_are_refused(tmp_path):
    other = own(tmp_path, "one", "甲, 乙").rename(tmp_path / "other.yaml")
    with pytest.raises(Findings, match="two templates"):
        read_templates([own(tmp_path, "one", "甲, 乙"), other], tmp_path)


# --- an inbox ---------------------------------------------------------------------------------------------------

ITEMS = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息\n1,面霜,9.90,2,a,b,c\n"
LEDGER = (
    "支付宝流水\n入账时间,支付宝交易号,支付宝流水号,商户订单号,账务类型,收入（+元）,支出（-元）\n"
    "2026-05-01,1,2,T200P3,收入,1,0\n"
)


class Inbox(Folder):
    """A folder whose files are sorted by templates."""

    def __init__(self, root, *streams: str, **settings: object) -> None:
        super().__init__(root, path="data/**", recognise=True, **settings)
        bare = Source("inbox", "files", self.source.settings, {}, ORIGIN)
        self.source = replace(bare, streams={name: stream_of(bare, name) for name in streams})

    def survey(self, stream: str, **more: object):
        return list(CONNECTOR.survey(self.source, self.source.streams[stream], replace(self.place, **more)))

    def read(self, stream: str, part):
        return list(CONNECTOR.read(self.source, self.source.streams[stream], part, self.place))


def test_each_stream_takes_its_files(tmp_path):
    inbox = Inbox(tmp_path, "tmall_items", "alipay_ledger")
    inbox.put("改了名.csv", ITEMS.encode("gb18030"))
    inbox.put("deep/x.csv", LEDGER)
    (items,) = inbox.survey("tmall_items")
    (ledger,) = inbox.survey("alipay_ledger")
    assert (items.name, ledger.name) == ("data/改了名.csv", "data/deep/x.csv")
    (landing,) = inbox.read("tmall_items", items)
    assert values(landing) == [("1", "面霜", "9.90", "2", "a", "b", "c")]
    assert (landing.detail["template"], landing.detail["layout"]) == ("tmall_items", "2019")
    (landing,) = inbox.read("alipay_ledger", ledger)
    assert landing.first_row == 3
    assert landing.records.columns[5] == "收入(+元)"


def test_what_no_stream_takes_is_told_once(tmp_path):
    inbox = Inbox(tmp_path, "tmall_items", "pdd_orders")
    inbox.put("a.csv", ITEMS.replace(",外部系统编号", ",别的"))
    inbox.put("b.csv", LEDGER)
    inbox.put("c.csv", ITEMS)
    parts = inbox.survey("tmall_items")
    assert [part.name for part in parts] == ["data/c.csv", UNTAKEN]
    assert inbox.survey("pdd_orders") == []
    (landing,) = inbox.read("tmall_items", parts[1])
    assert landing.records is None
    assert [one.code for one in landing.diagnostics] == ["export-unknown", "export-not-read"]
    assert "also has: 外部系统编号" in said(landing.diagnostics[0])
    assert "`alipay_ledger`" in said(landing.diagnostics[1])
    json.dumps(landing.cursor)
    assert [part.name for part in inbox.survey("tmall_items", cursor=landing.cursor)] == ["data/c.csv"]
    inbox.put("d.csv", "x,y\n1,2\n")
    assert inbox.survey("tmall_items", cursor=landing.cursor)[-1].name == UNTAKEN


def test_what_might_be_two_things_is_refused(tmp_path):
    own(tmp_path, "one", "甲, 乙, 丙")
    own(tmp_path, "two", "甲, 乙, 丁")
    inbox = Inbox(tmp_path, "one", "two", templates="*.yaml")
    inbox.put("a.csv", "甲,乙,丙,丁\n1,2,3,4\n")
    (part,) = inbox.survey("one")
    with pytest.raises(GiveUp) as raised:
        inbox.read("one", part)
    assert "one: 丙; two: 丁" in said(raised.value.diagnostics[0])


def test_sheets_of_a_workbook_go_to_their_streams(tmp_path):
    inbox = Inbox(tmp_path, "xhs_orders", "xhs_settlement")
    with xlsxwriter.Workbook(inbox.root / "data" / "book.xlsx") as book:
        book.add_worksheet("说明").write_row(0, 0, ["只是说明", "不是数据"])
        sheet = book.add_worksheet("包裹详情")
        sheet.write_row(0, 0, ["订单号", "商家编码", "商品名称", "SKU件数", "快递单号", "快递公司"])
        sheet.write_row(1, 0, ["P1", "a", "面霜", 1, "SF1", "顺丰"])
        sheet = book.add_worksheet("商品结算明细")
        sheet.write_row(0, 0, ["订单号", "交易类型", "商品数量", "商品实付/实退", "佣金总额", "商品名称"])
        sheet.write_row(1, 0, ["P1", "销售", 1, 9.9, 1, "面霜"])
    for stream, first in (("xhs_orders", ("P1", "a")), ("xhs_settlement", ("P1", "销售"))):
        (part,) = inbox.survey(stream)
        (landing,) = inbox.read(stream, part)
        assert values(landing)[0][:2] == first


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    inbox = Inbox(tmp_path, "tmall_items")
    inbox.put("a.xlsx", b"PK\x03\x04 broken")
    (part,) = inbox.survey("tmall_items")
    with pytest.raises(GiveUp, match="is damaged"):
        inbox.read("tmall_items", part)


def test_a_stream_needs_a_template_of_its_name(tmp_path):
    inbox = Inbox(tmp_path, "tmall_itms")
    with pytest.raises(GiveUp) as raised:
        inbox.survey("tmall_itms")
    assert "did you mean `tmall_items`" in said(raised.value.diagnostics[0])
    with pytest.raises(GiveUp, match="no file of templates"):
        Inbox(tmp_path, "tmall_items", templates="none/*.yaml").survey("tmall_items")


# --- files that are still being copied --------------------------------------------------------------------------


class Clock:
    """A client that tells a time."""

    def __init__(self, time: float) -> None:
        self.time = time

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_a_young_file_waits(tmp_path):
    folder = Folder(tmp_path, settle=60)
    written = folder.put("a.csv", "a,b\n1,2\n").stat().st_mtime
    folder.place = Workplace(tmp_path, tmp_path / "scratch", client=Clock(written + 59))
    (part,) = folder.parts()
    assert part.digest == ""
    (landing,) = CONNECTOR.read(folder.source, folder.stream, part, folder.place)
    assert landing.records is None
    assert [one.code for one in landing.diagnostics] == ["still-written"]
    folder.place = replace(folder.place, client=Clock(written + 60))
    (part,) = folder.parts()
    assert part.digest
    assert values(folder.landing("a.csv")) == [("1", "2")]
