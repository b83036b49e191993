"""JSON, JSON lines and Parquet."""

import json

import duckdb
import pytest
from files_reading import Folder, careful, said

from engine.connector import Columnar, GiveUp
from engine.files.exactjson import Refused, as_text, parse


def test_numbers_keep_their_digits(tmp_path):
    folder = Folder(tmp_path)
    folder.put(
        "a.json",
        '[{"id": 37253626588125952051, "a": 1.10, "b": 1e3, "c": 0.1000000000000000055, "d": -0, "e": true},'
        '{"id": "x", "f": {"n": [1.10, 2E-5], "名": "甲 \\"乙\\"", "z": null}, "c": null, "e": ""}]',
    )
    landing = folder.landing()
    assert landing.records.columns == ("id", "a", "b", "c", "d", "e", "f")
    assert careful(landing) == [
        (1, ("37253626588125952051", "1.10", "1e3", "0.1000000000000000055", "-0", "true", None), None),
        (2, ("x", None, None, None, None, "", '{"n":[1.10,2E-5],"名":"甲 \\"乙\\"","z":null}'), None),
    ]


def test_the_list_inside_a_wrapper(tmp_path):
    wrapped = json.dumps({"code": 0, "data": {"orders": [{"id": 1}], "page": 1, "tags": ["x"]}})
    for records in (None, "data.orders"):
        folder = Folder(tmp_path, records=records)
        folder.put("a.json", wrapped)
        assert careful(folder.landing()) == [(1, ("1",), None)]
    whole = Folder(tmp_path, records=".").landing()
    assert whole.records.columns == ("code", "data")
    with pytest.raises(GiveUp) as failure:
        Folder(tmp_path, records="data.rows").landing()
    assert failure.value.diagnostics[0].code == "no-records"
    assert "`data.orders`" in said(failure.value.diagnostics[0])


def test_several_lists_must_be_told_apart(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.json", '{"orders": [{"id": 1}], "refunds": [{"id": 2}]}')
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    assert failure.value.diagnostics[0].code == "several-lists"
    assert "records: orders" in said(failure.value.diagnostics[0])


def test_one_object_and_an_empty_list(tmp_path):
    folder = Folder(tmp_path)
    folder.put("one.json", '{"id": 1, "tags": []}')
    folder.put("none.json", '{"orders": []}')
    assert careful(folder.landing("one.json")) == [(1, ("1", "[]"), None)]
    assert careful(folder.landing("none.json")) == []


def test_what_is_no_object_is_kept_as_text(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.json", '[{"id": 1}, 5, null, [1.0]]')
    assert [text for _, _, text in careful(folder.landing())] == [None, "5", "null", "[1.0]"]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ('[{"a": 1}, {"a": ]', "bad-json", "Expecting value"),
        ('[{"a": 1, "a": 2}]', "repeated-key", "`a`"),
        ('[{"a": NaN}]', "not-a-number", "`NaN`"),
        ('[{"a": -Infinity}]', "not-a-number", "`-Infinity`"),
        ("[1, 2]", "no-records", "records"),
        ('"text"', "no-records", "records"),
        ("[" * 100_000, "bad-json", "nested too deep"),
        ("  ", "empty-file", "empty"),
    ],
)
def test_json_that_is_refused(tmp_path, text, code, says):
    folder = Folder(tmp_path)
    folder.put("a.json", text)
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    assert failure.value.diagnostics[0].code == code
    assert says in said(failure.value.diagnostics[0])


def test_a_syntax_error_is_pointed_at(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.json", '[{"a": 1},\n {"b" 2}]')
    with pytest.raises(GiveUp) as failure:
        folder.landing()
    place = failure.value.diagnostics[0].place
    assert (place.line, place.column, place.text) == (2, 7, ' {"b" 2}]')


def test_lines_are_read_one_by_one_and_a_broken_one_costs_only_itself(tmp_path):
    folder = Folder(tmp_path)
    text = '{"id": 1}\n\n{"id": 2, "b\n{"id": 3, "id": 4}\n[5]\n{"id": 1.10, "名": {"x": 20000000000000000001}}\n'
    folder.put("a.jsonl", text)
    folder.put("b.json", text)
    for name in ("a.jsonl", "b.json"):
        landing = folder.landing(name)
        assert landing.records.columns == ("id", "名")
        assert careful(landing) == [
            (1, ("1", None), None),
            (3, (), '{"id": 2, "b'),
            (4, (), '{"id": 3, "id": 4}'),
            (5, (), "[5]"),
            (6, ("1.10", '{"x":20000000000000000001}'), None),
        ]
        assert landing.detail["format"] == "jsonl"


def test_lines_without_any_object(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.jsonl", "x\ny\n")
    with pytest.raises(GiveUp, match="no-records"):
        folder.landing()
    folder.put("a.jsonl", "\n")
    with pytest.raises(GiveUp, match="empty-file"):
        folder.landing()


def test_keys_that_differ_in_case_only(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.json", '[{"id": 1, "ID": 2, "商品ＩＤ ": 3}]')
    landing = folder.landing()
    assert landing.records.columns == ("id", "ID_2", "商品ID")
    assert landing.detail["headers"] == {"ID_2": "ID", "商品ID": "商品ＩＤ "}


def test_half_a_character_can_be_stored():
    assert as_text(parse('"\\ud83d x 甲"')) == "\\ud83d x 甲"
    assert as_text(parse('{"a": "\\ud83d\\ude00"}')) == '{"a":"😀"}'


def test_deep_nesting_is_written_without_recursion():
    deep = "[" * 400 + "]" * 400
    assert as_text(parse(deep)) == deep
    with pytest.raises(Refused):
        parse("[" * 100_000)


def test_parquet(tmp_path):
    folder = Folder(tmp_path)
    (tmp_path / "data").mkdir(exist_ok=True)
    file = tmp_path / "data" / "a.parquet"
    duckdb.sql(f"copy (select 1 as 编号, {{'x': 1, 'y': [{{'z': 2}}]}} as s, [1] as l, 2.5 as \"n \") to '{file}'")
    landing = folder.landing()
    assert isinstance(landing.records, Columnar)
    assert landing.detail == {"format": "parquet"}


@pytest.mark.parametrize("data", [b"PAR1junk", b"PAR1"])
def test_a_damaged_parquet_file(tmp_path, data):
    folder = Folder(tmp_path)
    folder.put("a.parquet", data)
    with pytest.raises(GiveUp, match="bad-file"):
        folder.landing()
