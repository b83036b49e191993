"""Answers: records are cut out as they are, numbers keep their digits, and what is missing is told from what is empty."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from engine.connector import Response
from engine.rest.answer import Keys, NotJson, Reader, items, records, values


def read(body, asked=(), where="body.data.list"):
    return Reader(asked, where).read(Response(200, (), body if isinstance(body, bytes) else json.dumps(body).encode()))


def lines(listed, **more):
    return [json.loads(one, parse_float=Decimal) for one in records(listed, Keys(), **more).lines.splitlines()]


def test_only_what_is_asked_for_is_looked_up():
    answer = read(
        {"data": {"list": [{"a": 1}], "total": 5, "other": "x"}, "code": 0}, ["body.code == 0", "body.data.total"]
    )
    assert answer.body == {"code": 0, "data": {"total": 5}}
    assert [bytes(one) for one in items(answer.listed)] == [b'{"a": 1}']


@pytest.mark.parametrize(
    ("body", "is_there", "count"),
    [
        (b'{"data":{"list":[]}}', True, 0),
        (b'{"data":{"list":null}}', True, 0),
        (b'{"data":{}}', True, 0),
        (b'{"data":null}', True, 0),
        (b'{"data":{"list":{"id":1}}}', True, 1),
        (b'{"data":{"list":""}}', True, 0),
        (b'{"result":{"list":[1]}}', False, 0),
        (b"{}", False, 0),
    ],
)
@pytest.mark.parametrize("asked", [[], ["body | length"]])
def test_empty_is_told_from_missing(body, is_there, count, asked):
    """Both ways of reading agree: the one that skips, and the one that reads the whole body."""
    answer = read(body, asked)
    assert answer.is_there is is_there
    assert len(items(answer.listed)) == count


def test_numbers_keep_their_digits():
    body = (
        b'{"data":{"list":[{"id":3725362658812595205,"big":123456789012345678901234,"price":199.80,'
        b'"long":0.12345678901234567890,"sum":99999999999999999.99,"exp":1.2345678901234567E+20,"text":"1.10"}]}}'
    )
    (record,) = lines(read(body).listed)
    assert record["id"] == 3725362658812595205
    assert record["big"] == 123456789012345678901234
    assert str(record["long"]) == "0.12345678901234567890"
    assert str(record["sum"]) == "99999999999999999.99"
    assert str(record["exp"]) == "1.2345678901234567E+20"
    assert record["text"] == "1.10"


def test_plain_numbers_are_left_as_they_are():
    assert records(b'[{"a":199.80,"b":1e3}]', Keys()).lines == b'{"a":199.80,"b":1e3}\n'


def test_keys_are_those_of_all_records():
    known = Keys()
    assert records(b'[{"a":1},{"b":2}]', known).keys == {"a", "b"}
    assert records(b'[{"a":1}]', known).keys == {"a", "b"}
    assert records(b'[{"c":{"d":1}}]', known).keys == {"a", "b", "c"}


def test_rows_get_the_names_of_their_columns():
    assert lines(b'[[1,"x",2.50]]', columns=("id", "name", "price")) == [
        {"id": 1, "name": "x", "price": Decimal("2.50")}
    ]


@pytest.mark.parametrize("row", [b'[[1,"x"]]', b'[[1,"x",2,3]]'])
def test_a_row_of_another_width_is_refused(row):
    with pytest.raises(NotJson):
        records(row, Keys(), ("id", "name", "price"))


def test_nothing_at_all_is_no_empty_list():
    with pytest.raises(NotJson):
        read(b"")
    assert items(Reader((), "body").read(Response(204, (), b"")).listed) == []


def test_half_a_character_does_not_hold_up_the_rest():
    """Text that a platform cut in the middle of an emoji."""
    answer = read(b'{"data":{"list":[{"id":1,"memo":"ab\\ud83d"},{"id":2,"memo":"\\ud83d\\ude00 \\\\ud83d"}]}}')
    first, second = values(answer.listed)
    assert first["memo"] == "ab\ufffd"
    assert second["memo"] == "\U0001f600 \\ud83d"


def test_headers_that_are_repeated_are_joined():
    response = Response(200, (("link", '<http://a/1>; rel="prev"'), ("link", '<http://a/3>; rel="next"')), b"[]")
    assert Reader((), "body").read(response).scope()["headers"]["link"].endswith('rel="next"')


def test_values_may_be_added_to_each_record():
    assert lines(b'[{"a":1},{}]', more={"_shop": "店"}) == [{"a": 1, "_shop": "店"}, {"_shop": "店"}]


def test_a_pretty_answer_makes_a_line_a_record():
    assert len(records(b'[\n {\n "a": "x\\ny"\n }\n]', Keys()).lines.splitlines()) == 1


@pytest.mark.parametrize("listed", [b"[1,2]", b'["x"]', b'[{"a":1},2]', b"[[1]]"])
def test_what_is_no_record_is_refused(listed):
    with pytest.raises(NotJson):
        records(listed, Keys())


@pytest.mark.parametrize("body", [b"<html>", b'{"data":', b"\xff"])
def test_what_is_no_json_is_refused(body):
    with pytest.raises(NotJson):
        read(body)


def test_json_inside_text_is_read_where_the_connector_says_so():
    answer = read({"result": json.dumps({"rows": [{"cost": 12.3}]})}, where="(body.result | from_json).rows")
    assert values(answer.listed) == [{"cost": Decimal("12.3")}]


def test_a_list_at_the_root():
    assert len(items(read(b'[{"id":1},{"id":2}]', where="body").listed)) == 2
