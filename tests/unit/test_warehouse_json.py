"""Lines of JSON in raw: keys that differ only in capitals, and bytes that are no UTF-8, cost no record."""

from __future__ import annotations

import itertools
import json

import duckdb
import pytest

from engine.connector import JsonLines, Landing
from engine.warehouse.folder import Folder
from engine.warehouse.raw import Landings, json_rows


@pytest.fixture
def land(tmp_path):
    folder = Folder(tmp_path / "warehouse.duckdb")
    folder.raw.mkdir(parents=True, exist_ok=True)
    folder.spill.mkdir(parents=True, exist_ok=True)
    landings, numbers = Landings(folder, "512MB", 1), itertools.count(1)

    def landed(text: bytes, *columns: str):
        number = next(numbers)
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(text)
        made = landings.land(Landing(JsonLines(file, columns)), number, "shop.orders", "part")
        listed = ", ".join(f'"{one}"' for one in made.columns)
        rows = duckdb.sql(f"SELECT {listed} FROM read_parquet('{folder.root / made.file}') ORDER BY _row").fetchall()
        return made, rows

    yield landed
    landings.close()


def lines(*records) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


@pytest.mark.parametrize("order", [("id", "A", "a"), ("id", "a", "A")])
def test_keys_that_differ_only_in_capitals_are_columns_of_their_own(land, order):
    made, rows = land(lines({"id": 1, "A": "x", "a": "y"}, {"id": 2, "a": "z"}), *order)
    assert made.rows == 2
    values = [dict(zip(made.columns, row, strict=True)) for row in rows]
    assert values == [{"id": "1", "a": "y", "A_2": "x"}, {"id": "2", "a": "z", "A_2": None}]


def test_a_number_that_is_taken_is_not_given_again(land):
    made, rows = land(lines({"A": 1, "a": 2, "a_2": 3}), "A", "a", "a_2")
    assert dict(zip(made.columns, rows[0], strict=True)) == {"A_3": "1", "a": "2", "a_2": "3"}


def test_the_engines_own_names_in_two_spellings(land):
    made, rows = land(lines({"_row": "x", "_ROW": "y"}), "_row", "_ROW")
    assert len({one.casefold() for one in made.columns}) == 2
    assert sorted(rows[0]) == ["x", "y"]


def test_a_byte_that_is_no_utf_8_costs_a_letter(land):
    _, rows = land(b'{"id":"1","n":"a\xff"}\n{"id":"2","n":"b"}\n', "id", "n")
    assert rows == [("1", "a\ufffd"), ("2", "b")]


def test_rows_read_one_by_one_keep_a_byte_order_mark_out(tmp_path):
    (tmp_path / "x").write_bytes(b'\xef\xbb\xbf{"id":1.10}\n\n{"id":"\xc3"}\n')
    rows = json_rows(JsonLines(tmp_path / "x", ("id",))).rows
    assert [values for _, values, _ in rows] == [("1.10",), ("\ufffd",)]
