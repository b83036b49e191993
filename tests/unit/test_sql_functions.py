"""The functions that mapping SQL is written with: every example in their definitions is true."""

from __future__ import annotations

import pytest
from sql_stage import connection

from engine.sql.functions import CLEANINGS, FUNCTIONS, NULL_WORDS, PROVINCES, SCALES

EXAMPLES = [(function.name, *example) for function in FUNCTIONS for example in function.examples]


@pytest.fixture(scope="module")
def session():
    made = connection()
    yield made
    made.close()


def one(session, sql):
    return session.execute(f"SELECT CAST({sql} AS VARCHAR)").fetchone()[0]


@pytest.mark.parametrize(("name", "call", "wanted"), EXAMPLES, ids=[call for _, call, _ in EXAMPLES])
def test_example(session, name, call, wanted):
    assert call.startswith(f"{name}(")
    assert one(session, call) == wanted


def test_every_function_is_described_and_shown():
    for function in FUNCTIONS:
        assert function.en, function.name
        assert function.zh, function.name
        # What a pseudonym is depends on the salt.
        assert function.examples or function.name == "pseudonym"


def test_names_are_given_once():
    names = [function.name for function in FUNCTIONS]
    assert len(names) == len(set(names))
    assert set(CLEANINGS.values()) <= set(names)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_null_stays_null(session, function):
    calls = ", ".join(["NULL::VARCHAR", "'Asia/Shanghai'"][: len(function.parameters)])
    if function.name.startswith("exactly_"):
        calls = "NULL::DECIMAL(38, 10)"
    assert one(session, f"{function.name}({calls})") in (None, "false")


@pytest.mark.parametrize("word", NULL_WORDS)
def test_words_for_nothing(session, word):
    quoted = word.replace("'", "''")
    assert one(session, f"blank('{quoted}')") is None
    assert one(session, f"blank(' {quoted}\u3000')") is None


@pytest.mark.parametrize(("short", "full"), PROVINCES.items())
def test_provinces(session, short, full):
    assert one(session, f"province('{short}')") == full
    assert one(session, f"province('{full}')") == full
    assert one(session, f"province('中国 {full} 某市 某区 某路 1 号')") == full


def test_an_address_is_never_kept(session):
    assert one(session, "province('某小区 3 号楼 502')") == "未知"


def test_pseudonyms_depend_on_the_salt_alone(session):
    first = one(session, "pseudonym('buyer')")
    assert (one(session, "pseudonym('buyer')"), len(first)) == (first, 32)
    assert one(session, "pseudonym('buyer2')") != first
    other = connection()
    other.execute("SET VARIABLE salt = 'pepper'")
    assert one(other, "pseudonym('buyer')") != first
    other.close()


@pytest.mark.parametrize("scale", SCALES)
def test_decimals_are_decimals(session, scale):
    (kind,) = session.execute(f"SELECT typeof(to_decimal_{scale}('1'))").fetchone()
    assert kind == f"DECIMAL(18,{scale})"
