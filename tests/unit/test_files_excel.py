"""Workbooks old and new, and what only bears their name."""

import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter
import xlwt
from files_reading import Folder, careful, said

from engine.connector import GiveUp
from engine.files import excel, workbook


def book(fill, **options) -> bytes:
    """An `.xlsx` that `fill` has written to."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, **options}) as made:
        fill(made)
    return data.getvalue()


def sheet_of(rows):
    """Writes rows to the first sheet."""

    def fill(made):
        sheet = made.add_worksheet("订单")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return fill


def test_cells_as_text(tmp_path):
    def fill(made):
        made.add_worksheet("空")
        sheet = made.add_worksheet("订单")
        day, moment, clock, span = (
            made.add_format({"num_format": text}) for text in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm", "[h]:mm")
        )
        sheet.write_row(0, 0, [f"列{number}" for number in range(1, 13)])
        sheet.write_row(1, 0, [3725362658812595205, 123456789012345, 1e15, 0.1, 129.696, 12.0, -3])
        sheet.write_datetime(2, 0, dt.date(2021, 1, 2), day)
        sheet.write_datetime(2, 1, dt.datetime(2021, 1, 2, 3, 4, 5), moment)
        sheet.write_datetime(2, 2, dt.time(3, 4, 5), clock)
        sheet.write_number(2, 3, 1.5, span)
        sheet.write_boolean(2, 4, True)
        sheet.write_formula(2, 5, "=NA()", None, "#N/A")
        sheet.write_formula(2, 6, "=1/0", None, "#DIV/0!")
        sheet.write_string(2, 7, "3725362658812595205")
        sheet.write_string(2, 8, ' ="1" ')
        sheet.write_formula(2, 9, "=1+1", None, 2)

    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(fill))
    landing = folder.landing()
    first, second = careful(landing)
    assert landing.detail["sheet"] == "订单"
    assert first[1][:7] == ("3.725362658812595e+18", "123456789012345", "1e+15", "0.1", "129.696", "12", "-3")
    assert second[1][:5] == ("2021-01-02", "2021-01-02 03:04:05", "03:04:05", "36:00:00", "true")
    assert second[1][5:] == ("#N/A", "#DIV/0!", "3725362658812595205", ' ="1" ', "2", None, None)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (3725362658812595205.0, "3.725362658812595e+18"),
        (1234567890123456.0, "1.234567890123456e+15"),
        (-2e20, "-2e+20"),
        (999999999999999.0, "999999999999999"),
        (-0.0, "0"),
        (1e-7, "1e-07"),
        (dt.datetime(2021, 1, 2, 3, 4, 5, 667000), "2021-01-02 03:04:05.667"),
        (dt.timedelta(seconds=-90), "-00:01:30"),
        (False, "false"),
        ("", None),
        (None, None),
    ],
)
def test_cell_text(cell, text):
    assert excel.cell_text(cell) == text


def test_titles_totals_and_blank_rows(tmp_path):
    folder = Folder(tmp_path)
    rows = [
        ["名称：推广"],
        [],
        ["日期", "花费", "备注 "],
        ["2026-05-01", 1.5],
        [],
        ["2026-05-02", 2],
        ["总计", 3.5],
        [],
    ]
    folder.put("a.xlsx", book(sheet_of(rows)))
    landing = folder.landing()
    assert landing.records.columns == ("日期", "花费", "备注")
    assert careful(landing) == [(4, ("2026-05-01", "1.5", None), None), (6, ("2026-05-02", "2", None), None)]
    assert landing.left_out == (("总计", "3.5", ""),)
    assert (landing.first_row, landing.detail["headers"]) == (4, {"备注": "备注 "})


def test_values_beside_the_header_are_not_lost(tmp_path):
    folder = Folder(tmp_path)
    rows = [["a", "b"], *([["x", 1]] * 70), ["y", 2, "旁注"]]
    folder.put("a.xlsx", book(sheet_of(rows)))
    landing = folder.landing()
    assert landing.records.columns == ("a", "b", "column_3")
    assert careful(landing)[-1] == (72, ("y", "2", "旁注"), None)


def test_the_declared_sheet(tmp_path):
    def fill(made):
        for name in ("一", "二"):
            made.add_worksheet(name).write_row(0, 0, [f"名{name}", f"值{name}"])

    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(fill))
    for wish, expected in ((None, "一"), (2, "二"), ("二", "二"), (1, "一")):
        assert Folder(tmp_path, sheet=wish).landing().detail["sheet"] == expected
    for wish in (3, "三"):
        with pytest.raises(GiveUp) as failure:
            Folder(tmp_path, sheet=wish).landing()
        assert failure.value.diagnostics[0].code == "no-sheet"
        assert "`一`, `二`" in said(failure.value.diagnostics[0])


def test_a_hidden_sheet_comes_last(tmp_path):
    def fill(made):
        made.add_worksheet("字典").write_row(0, 0, ["a", "b"])
        made.worksheets()[0].hide()
        made.add_worksheet("数据").write_row(0, 0, ["c", "d"])
        made.worksheets()[1].activate()

    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(fill))
    assert folder.landing().detail["sheet"] == "数据"


def test_an_old_workbook(tmp_path):
    made = xlwt.Workbook()
    sheet = made.add_sheet("订单")
    for column, (name, value) in enumerate({"编号": 3725362658812595205.0, "件数": 2, "金额": 1.5, "名": "甲"}.items()):
        sheet.write(4, column, name)
        sheet.write(5, column, value)
    sheet.write(0, 0, "商品报表")
    data = io.BytesIO()
    made.save(data)
    folder = Folder(tmp_path)
    folder.put("a.xls", data.getvalue())
    landing = folder.landing()
    assert careful(landing) == [(6, ("3.725362658812595e+18", "2", "1.5", "甲"), None)]
    assert landing.detail["format"] == "excel"


@pytest.mark.parametrize("name", ["a.xls", "a.csv", "a"])
def test_a_workbook_under_another_name(tmp_path, name):
    folder = Folder(tmp_path)
    folder.put(name, book(sheet_of([["a", "b"], ["x", "1"]])))
    assert careful(folder.landing()) == [(2, ("x", "1"), None)]


def test_a_web_page_named_xls(tmp_path):
    page = """<html><head><meta charset="gbk"></head><body><table><tr><td>导航</td></tr></table>
    <table><tr><td colspan="3">商品报表</td></tr><tr><th>商品ID</th><th>名 称</th><th>金额</th></tr>
    <tr><td>="12"</td><td> 甲&amp;乙<br>丙 </td><td>1.50</td></tr><tr><td>13<td>丁<td></tr>
    <tr><td>合计</td><td></td><td>1.50</td></tr></table></body></html>"""
    folder = Folder(tmp_path)
    folder.put("a.xls", page.encode("gbk"))
    landing = folder.landing()
    assert landing.records.columns == ("商品ID", "名 称", "金额")
    assert careful(landing) == [(3, ('="12"', "甲&乙\n丙", "1.50"), None), (4, ("13", "丁", None), None)]
    assert landing.left_out == (("合计", "", "1.50"),)
    assert landing.detail["encoding"] == "gb18030"


def test_a_workbook_written_as_xml(tmp_path):
    text = """<?xml version="1.0"?><Workbook xmlns:ss="urn:x"><Worksheet ss:Name="订单"><Table>
    <Row ss:Index="3"><Cell><Data ss:Type="String">编号</Data></Cell><Cell><Data>名</Data></Cell>
    <Cell><Data>价</Data></Cell></Row>
    <Row><Cell><Data ss:Type="Number">12</Data></Cell><Cell ss:Index="3"><Data>1.50</Data></Cell></Row>
    </Table></Worksheet></Workbook>"""
    folder = Folder(tmp_path)
    folder.put("a.xls", text)
    assert careful(folder.landing()) == [(4, ("12", None, "1.50"), None)]


def test_a_web_page_without_a_table(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.xls", "<html><body>请登录</body></html>")
    with pytest.raises(GiveUp, match="no-table"):
        folder.landing()


@pytest.mark.parametrize("text", ["id\tname\n1\t甲\n", "id,name\n1,甲\n"])
def test_text_named_xls(tmp_path, text):
    folder = Folder(tmp_path, format="excel")
    folder.put("a.xls", text.encode("gbk"))
    assert careful(folder.landing()) == [(2, ("1", "甲"), None)]


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04junk", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, book(sheet_of([["a"]]))[:-200]]
)
def test_a_damaged_workbook(tmp_path, data):
    folder = Folder(tmp_path)
    folder.put("a.xlsx", data)
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    assert failure.value.diagnostics[0].code == "bad-file"
    assert "Excel" in said(failure.value.diagnostics[0])


def test_a_workbook_with_a_password(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(GiveUp, match="password-file"):
        folder.landing()


def test_a_workbook_that_unpacks_to_too_much(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(sheet_of([["a", "b"]])))
    monkeypatch.setattr(excel, "LARGEST", 1000)
    with pytest.raises(GiveUp, match="unpacks-too-large"):
        folder.landing()


def test_a_stray_cell_far_away(tmp_path):
    def fill(made):
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write(1_048_575, 16_383, "x")

    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(fill))
    with pytest.raises(GiveUp, match="too-many-cells"):
        folder.landing()


def test_an_empty_workbook(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.xlsx", book(lambda made: made.add_worksheet()))
    with pytest.raises(GiveUp, match="empty-file"):
        folder.landing()


def test_error_cells_are_found_across_chunks(tmp_path, monkeypatch):
    def fill(made):
        sheet = made.add_worksheet("a & b")
        for row in range(50):
            sheet.write_formula(row, 27, "=NA()", None, "#N/A")

    monkeypatch.setattr(workbook, "_CHUNK", 64)
    file = tmp_path / "a.xlsx"
    file.write_bytes(book(fill))
    assert workbook.errors_of(file, "a & b") == {(row, 27): "#N/A" for row in range(50)}
    assert workbook.cells_of(file, "a & b") == 50
    assert workbook.cells_of(file, "none") == 0


def test_a_broken_sheet_inside_a_sound_archive(tmp_path):
    sound = zipfile.ZipFile(io.BytesIO(book(sheet_of([["a", "b"], ["x", "1"]]))))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as broken:
        for name in sound.namelist():
            broken.writestr(name, b"<worksheet><sheetData><row" if "sheet1" in name else sound.read(name))
    folder = Folder(tmp_path)
    folder.put("a.xlsx", data.getvalue())
    with pytest.raises(GiveUp):
        folder.landing()
