"""Column names, headers and rows of totals, apart from any file."""

import pytest

from engine.files import column_name, same_name
from engine.files.footer import footer_pattern, is_footer, split_tail
from engine.files.header import Row, column_names, find_header


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("收货地址 ", "收货地址"),
        ("\ufeff订单编号", "订单编号"),
        ("\t商品 ID\n", "商品 ID"),
        ("商品　ＩＤ", "商品 ID"),
        ("平均响应时长（秒)", "平均响应时长(秒)"),
        ("收入：元", "收入:元"),
        ("a \n b", "a b"),
        ("", ""),
    ],
)
def test_a_column_name_is_tidy(text, name):
    assert column_name(text) == name


def test_the_same_column_by_any_spelling():
    assert same_name("商品ＩＤ（个）") == same_name(" 商品 id(个)")


def test_names_are_there_and_differ_for_an_engine_that_ignores_case():
    assert column_names(["ID", "", "id", "备注", "备注", None]) == (
        "ID",
        "column_2",
        "id_2",
        "备注",
        "备注_2",
        "column_6",
    )


def test_names_that_mappings_take_for_one_are_told_apart():
    assert column_names(["商品ID", "商品 id"]) == ("商品ID", "商品 id_2")


def test_invented_names_do_not_take_given_ones():
    assert column_names(["", "column_1"]) == ("column_1_2", "column_1")
    assert column_names(["a", "a", "a_2"]) == ("a", "a_3", "a_2")


def rows(*cells):
    return [Row(number, tuple(row)) for number, row in enumerate(cells, 1)]


def test_a_header_below_titles():
    found = find_header(
        rows(["商品报表"], ["统计日期", "2026-05-01"], [], ["日期", "商品ID", "金额"], ["2026-05-01", "77", "1.5"])
    )
    assert found is not None
    assert found.number == 4


def test_two_wanted_names_beat_the_shape():
    given = rows(["甲", "乙", "丙"], ["订单编号", "金额 ", "x"], ["1", "2", "3"])
    assert find_header(given).number == 1
    assert find_header(given, frozenset({"订单编号", "金额"})).number == 2


@pytest.mark.parametrize(
    "given",
    [
        rows(["543462", "1715", "pv"], ["662867", "2244074", "pv"]),
        rows(["张三", "女", "上海"], ["李四", "女", "北京"]),
        rows(["2026/5/1", "甲"], ["2026/5/2", "乙"]),
        rows(['="123"', "甲"], ['="124"', "乙"]),
        rows(["随便写的一行"], ["又一行"]),
        [],
    ],
)
def test_records_are_not_a_header(given):
    assert find_header(given) is None


def test_a_header_alone_and_one_over_a_single_column():
    assert find_header(rows(["a", "b"])).number == 1
    assert find_header(rows(["订单编号"], ["1"], ["2"])).number == 1


@pytest.mark.parametrize(
    "first",
    [
        "合计",
        "总计：",
        "汇总 12",
        '="合计"',
        "本页合计",
        "总 计",
        "Grand Total",
        "制表人：甲",
        "共3条记录",
        "小计3",
        "\t全店汇总值",
        "导出完成",
    ],
)
def test_totals(first):
    assert is_footer(["", first, "9"], footer_pattern(()))


def test_a_remark_is_one_cell_that_begins_with_a_number_sign():
    assert is_footer(["", "#---", ""], footer_pattern(()))
    assert not is_footer(["#1001", "2025-11-01"], footer_pattern(()))


@pytest.mark.parametrize("first", ["合计划", "汇总表店铺", "1", '="1"'])
def test_no_totals(first):
    assert not is_footer([first, "合计"], footer_pattern(()))


def test_declared_words_and_blank_rows_at_the_end():
    kept, footers = split_tail(rows(["1"], ["合计"], ["2"], ["尾注"], [""], ["合计"], []), footer_pattern(["尾注"]))
    assert [row.number for row in kept] == [1, 2, 3]
    assert [row.number for row in footers] == [4, 6]
