"""CSV and the like: encodings, delimiters, headers, totals, rows that do not fit."""

import codecs
import csv
import io
import tempfile
from pathlib import Path

import pytest
from files_reading import CONNECTOR, Folder, careful, said, values
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connector import Delimited, GiveUp, Rows
from engine.files import encoding

PLAIN = "订单编号,金额,备注\n001,1.50,甲\n002,2.00,\n"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (PLAIN.encode(), "utf-8"),
        (codecs.BOM_UTF8 + PLAIN.encode(), "utf-8-sig"),
        (PLAIN.encode("gb18030"), "gb18030"),
        (PLAIN.encode("utf-16"), "utf-16"),
        (PLAIN.encode("utf-16-le"), "utf-16-le"),
        (PLAIN.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_every_encoding_gives_the_same_records(tmp_path, data, name):
    folder = Folder(tmp_path)
    file = folder.put("a.csv", data)
    landing = folder.landing()
    assert values(landing) == [("001", "1.50", "甲"), ("002", "2.00", None)]
    assert landing.records.columns == ("订单编号", "金额", "备注")
    assert landing.detail["encoding"] == name
    assert (landing.records.path == file) == name.startswith("utf-8"), "UTF-8 files are not copied"


def test_gbk_beyond_the_sample_and_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "_CHUNK", 7)
    folder = Folder(tmp_path)
    folder.put("a.csv", ("a,b\n" + "x,1\n" * 50 + "张三丰,2\n").encode("gbk"))
    assert values(folder.landing())[-1] == ("张三丰", "2")


def test_declared_gbk_takes_the_characters_of_its_superset(tmp_path):
    folder = Folder(tmp_path, encoding="GBK")
    folder.put("a.csv", "名,价\n䶮,1\n".encode("gb18030"))
    assert values(folder.landing()) == [("䶮", "1")]


@pytest.mark.parametrize("chunk", [5, 1 << 20])
def test_a_bad_byte_is_a_finding_with_its_place(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(encoding, "_CHUNK", chunk)
    folder = Folder(tmp_path)
    data = "名称,价格\n一二三四五六七八九十,1\n好".encode() + b"\xff,2\n"
    folder.put("a.csv", data)
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    (found,) = failure.value.diagnostics
    assert found.code == "bad-encoding"
    assert (found.place.line, found.place.column) == (3, 2)
    assert found.place.text.startswith("好\ufffd")
    assert found.facts["offset"] == data.index(b"\xff")
    assert "encoding:" in said(found)


def test_neither_utf8_nor_gb18030(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", b"a,b\n\x80\xff,1\n")
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    assert failure.value.diagnostics[0].facts["tried"] == "utf-8, gb18030"


def test_a_declared_encoding_is_believed_and_checked(tmp_path):
    folder = Folder(tmp_path, encoding="utf-8")
    folder.put("a.csv", PLAIN.encode("gbk"))
    with pytest.raises(GiveUp, match="bad-encoding"):
        folder.landing()
    with pytest.raises(GiveUp, match="unknown-encoding"):
        Folder(tmp_path, encoding="utf8000").landing()


def test_nul_bytes_are_left_out_and_said(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.xls", b"id\tname\n1\tx\0y\n2\t\0z\n")
    landing = folder.landing()
    assert values(landing) == [("1", "xy"), ("2", "z")]
    (found,) = landing.diagnostics
    assert (found.code, found.severity, found.facts["count"]) == ("nul-bytes", "warning", 2)


@pytest.mark.parametrize("text", ["a,b\n1,\0x\n", "a,b\nab,\0x\n", "\0a,b\n12,\0x\n"])
def test_a_few_nul_bytes_do_not_make_utf16(tmp_path, text):
    folder = Folder(tmp_path)
    folder.put("a.csv", text)
    landing = folder.landing()
    assert landing.detail["encoding"] == "utf-8"
    assert landing.records.columns == ("a", "b")


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    folder = Folder(tmp_path)
    folder.put("a.csv", "\n".join(delimiter.join(row) for row in (["a", "b", "c"], ["1", "x;y", "z"], ["2", "x", "z"])))
    landing = folder.landing()
    assert landing.detail["delimiter"] == delimiter
    assert landing.records.columns == ("a", "b", "c")


def test_declared_delimiter_quote_and_header(tmp_path):
    folder = Folder(tmp_path, delimiter="tab", quote="", header=["名", "值"])
    folder.put("a.txt", '5" 屏\t1\n"半\t2\n')
    assert values(folder.landing()) == [('5" 屏', "1"), ('"半', "2")]


def test_values_stay_as_they_are(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", '"订单","名"\r\n="2021000000000000001","\t甲"\r\n\'123, a \r\n"x ""y""","两\r\n行"\r\n')
    landing = folder.landing()
    assert values(landing) == [('="2021000000000000001"', "\t甲"), ("'123", " a "), ('x "y"', "两\r\n行")]


def test_a_header_below_titles_with_gaps(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "商品报表\n\n统计日期,2026-05-01\n\n日期,商品 ＩＤ,金额（元）,金额（元）\n2026-05-01,77,1,2\n")
    landing = folder.landing()
    assert isinstance(landing.records, Delimited)
    assert landing.records.columns == ("日期", "商品 ID", "金额(元)", "金额(元)_2")
    assert (landing.first_row, landing.detail["header_row"]) == (6, 5)
    assert landing.detail["headers"] == {"商品 ID": "商品 ＩＤ", "金额(元)": "金额（元）", "金额(元)_2": "金额（元）"}
    assert values(landing) == [("2026-05-01", "77", "1", "2")]


def test_a_header_of_several_lines(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", '"商品\nID",名\n1,a\n2,b\n')
    landing = folder.landing()
    assert landing.records.columns == ("商品 ID", "名")
    assert landing.records.skip == 0
    assert values(landing) == [("1", "a"), ("2", "b")]
    assert landing.first_row == 2


def test_wanted_names_point_at_the_header(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "甲,乙,丙\n订单编号,收货地址 ,c\n1,2,3\n")
    assert folder.landing(wanted=("订单编号", "收货地址")).first_row == 3
    assert folder.landing().first_row == 2


def test_no_header_is_a_finding_that_shows_what_was_seen(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "543462,1715,pv\n662867,2244074,pv\n")
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    (found,) = failure.value.diagnostics
    assert found.code == "no-header"
    assert "1: 543462 | 1715 | pv" in said(found)
    named = Folder(tmp_path, header=["用户", "商品", "行为"])
    assert values(named.landing()) == [("543462", "1715", "pv"), ("662867", "2244074", "pv")]
    assert named.landing().first_row == 1


def test_declared_header_row(tmp_path):
    folder = Folder(tmp_path, header_row=2)
    folder.put("a.csv", "a,b\n2020,2021\n1,2\n")
    assert folder.landing().records.columns == ("2020", "2021")
    with pytest.raises(GiveUp, match="no-header"):
        Folder(tmp_path, header_row=9).landing()


def test_a_byte_order_mark_before_records_without_header(tmp_path):
    folder = Folder(tmp_path, header=["a", "b"])
    folder.put("a.csv", codecs.BOM_UTF8 + b"1,2\n")
    assert values(folder.landing()) == [("1", "2")]


def test_a_blank_row_first_where_no_header_is(tmp_path):
    folder = Folder(tmp_path, header=["a", "b"])
    folder.put("a.csv", codecs.BOM_UTF8 + b"\n1,2\n")
    assert careful(folder.landing()) == [(2, ("1", "2"), None)]


@pytest.mark.parametrize("data", ["", "\n\n", " \r\n"])
def test_an_empty_file(tmp_path, data):
    folder = Folder(tmp_path)
    folder.put("a.csv", data)
    with pytest.raises(GiveUp, match="empty-file"):
        folder.landing()


def test_a_header_alone_has_no_records(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "a,b\n")
    landing = folder.landing()
    assert careful(landing) == []
    assert landing.records.columns == ("a", "b")


def test_unnamed_columns(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", ",金额,省,\n1,2,上海,\n3,4,北京\n5,6,天津\n")
    landing = folder.landing()
    assert landing.records.columns == ("column_1", "金额", "省")
    assert values(landing) == [("1", "2", "上海"), ("3", "4", "北京"), ("5", "6", "天津")]


# --- totals -----------------------------------------------------------------------------------------------------


def test_totals_are_left_out_and_kept_apart(tmp_path):
    folder = Folder(tmp_path, footer=["备考"])
    file = folder.put("a.csv", "日期,金额\n合计,1\n2026-05-01,2\n\n合计：,3\n备考 x,\n\n#导出\n,,\n\n")
    landing = folder.landing()
    assert [text or cells for _, cells, text in careful(landing)] == [("合计", "1"), ("2026-05-01", "2")]
    assert landing.left_out == (("合计：", "3"), ("备考 x", ""), ("#导出",))
    assert landing.records.path != file
    assert values(landing) == [("合计", "1"), ("2026-05-01", "2")]


def test_a_statement_framed_by_remarks(tmp_path):
    folder = Folder(tmp_path)
    text = "#账务明细查询\n#起始日期:[2021年01月01日]\n#----列表----,,\n入账时间,流水号,收入（+元）\n"
    text += (
        "2021-01-02 03:04:05\t,2021\t,1.50\n#----列表结束----,,\n#收入合计：1笔，共1.50元\n#导出时间:[2021年02月02日]\n"
    )
    folder.put("a.csv", text.encode("gbk"))
    landing = folder.landing()
    assert values(landing) == [("2021-01-02 03:04:05\t", "2021\t", "1.50")]
    assert (landing.first_row, len(landing.left_out)) == (5, 3)


def test_totals_at_the_end_of_a_file_larger_than_the_look(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "id,text\n" + '1,"两\n行"\n' * 20_000 + "合计,20000\n")
    landing = folder.landing()
    assert landing.left_out == (("合计", "20000"),)
    assert len(values(landing)) == 20_000


def test_a_total_inside_a_cell_of_several_lines_is_none(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", 'id,text\n1,"看\n合计\n"\n')
    landing = folder.landing()
    assert landing.left_out == ()
    assert values(landing) == [("1", "看\n合计\n")]


def test_the_header_is_never_a_total(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "合计,金额\n")
    landing = folder.landing()
    assert landing.records.columns == ("合计", "金额")
    assert landing.left_out == ()


# --- rows that do not fit ---------------------------------------------------------------------------------------


def test_blank_rows_do_not_shift_row_numbers(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "a,b\n1,2\n\n,\n3,4\n")
    landing = folder.landing()
    assert isinstance(landing.records, Rows)
    assert careful(landing) == [(2, ("1", "2"), None), (5, ("3", "4"), None)]


def test_rows_of_another_width_are_kept_as_text(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", 'a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n"x"y,2,3\n7,8,9\n')
    assert careful(folder.landing()) == [
        (2, ("1", "2", "3"), None),
        (3, (), "1,2"),
        (4, (), "1,2,3,4"),
        (5, ("1", "2", "3"), None),
        (6, (), '"x"y,2,3'),
        (7, ("7", "8", "9"), None),
    ]


def test_short_rows_are_filled_where_the_writer_leaves_out_empty_cells(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "a,b,c\n1\n1,2\n1,2,3\n1,2,3,4\n")
    landing = folder.landing()
    assert careful(landing) == [
        (2, ("1", None, None), None),
        (3, ("1", "2", None), None),
        (4, ("1", "2", "3"), None),
        (5, (), "1,2,3,4"),
    ]


def test_a_stray_quote_costs_one_row_only(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", 'a,b\n1,"bad\n2,"good"\n3,ok\n"4","ok"\n')
    assert careful(folder.landing()) == [
        (2, (), '1,"bad'),
        (3, ("2", "good"), None),
        (4, ("3", "ok"), None),
        (5, ("4", "ok"), None),
    ]


def test_an_open_quote_is_a_finding_with_its_line(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", '名称\n\n"a\nb",c\n1,2\n"x\ny","open\n5,6\n7,8\n')
    with pytest.raises(GiveUp) as failure:
        careful(Folder(tmp_path, header_row=3).landing())
    (found,) = failure.value.diagnostics
    assert (found.code, found.place.line, found.place.text) == ("unclosed-quote", 7, 'y","open')


def test_mixed_and_old_line_ends(tmp_path):
    folder = Folder(tmp_path)
    folder.put("mixed.csv", "a,b\r\n1,2\n3,4\r\n")
    folder.put("old.csv", "a,b\r1,2\r3,4\r")
    for name in ("mixed.csv", "old.csv"):
        assert careful(folder.landing(name)) == [(2, ("1", "2"), None), (3, ("3", "4"), None)]


def test_mixed_line_ends_above_the_records(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "标题\n\n\r\n名;值\n甲;1\n")
    assert values(folder.landing()) == [("甲", "1")]


def test_line_ends_that_were_translated_twice(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "a,b\r\r\n1,2\r\r\n3,4\r\r\n")
    assert [cells for _, cells, _ in careful(folder.landing())] == [("1", "2"), ("3", "4")]


def test_a_quote_in_a_title(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", '5" 屏报表\n名,值\n甲,1\n')
    assert values(folder.landing()) == [("甲", "1")]


_CELL = st.text(st.sampled_from("a1甲,;\t\"\n'=合计 "), max_size=6).filter(lambda cell: cell == cell.strip())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["甲", "x,y", '"', "两\n行"]), _CELL, _CELL), max_size=8), st.booleans())
def test_what_is_written_is_read(rows, gbk):
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(Path(root), header_row=1, delimiter=",")
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([("名", "值", "注"), *rows])
        folder.put("a.csv", text.getvalue().encode("gb18030" if gbk else "utf-8"))
        assert values(folder.landing()) == [tuple(cell or None for cell in row) for row in rows]


def test_rows_can_be_read_again(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", "a,b\n1,2\n\n3,4\n")
    landing = folder.landing()
    assert list(landing.records.rows) == list(landing.records.rows)


def test_a_file_that_is_gone(tmp_path):
    folder = Folder(tmp_path)
    file = folder.put("a.csv", PLAIN)
    (part,) = folder.parts()
    file.unlink()
    with pytest.raises(GiveUp, match="unreadable-file"):
        list(CONNECTOR.read(folder.source, folder.stream, part, folder.place))
