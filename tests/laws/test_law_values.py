"""Law 7: a value comes out exactly as it went in, or its row is rejected; it never changes on the way.

Texts are made from values that are known, so that what must come out is known without reading the engine's code.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_stage import REJECTED, connection, field, typed

from engine.model import Column, Label

FULL_WIDTH = str.maketrans("0123456789.,-+%", "０１２３４５６７８９．，－＋％")
HALF_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")
NOTHING = ("", " ", "-", "--", "null", "无", "N/A", "　", "\t")
QUICK = settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
DEEP = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def session():
    made = connection()
    yield made
    made.close()


def grouped(digits: str) -> str:
    """A number with thousands separators."""
    sign = "-" if digits.startswith("-") else ""
    whole, point, decimals = digits.lstrip("-").partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"


def written(text: str, how: str) -> str:
    """A cell as exports and spreadsheets write it; the value is the same."""
    return {
        "plain": text,
        "blanks": f" \t{text}　",
        "formula": f'="{text}"',
        "apostrophe": f"'{text}",
        "backtick": f"`{text}",
        "full width": text.translate(FULL_WIDTH),
        "mark": f"\ufeff{text}",
    }[how]


WRITTEN = st.sampled_from(["plain", "plain", "blanks", "formula", "apostrophe", "backtick", "full width", "mark"])


# --- decimals ---------------------------------------------------------------------------------------------------


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, Decimal]:
    """A number as text, and the number."""
    whole = draw(st.integers(-(10**16), 10**16) | st.integers(-2000, 2000) | st.integers(10**17, 10**19))
    places = draw(st.integers(0, 12))
    fraction = "".join(draw(st.lists(st.sampled_from("0123456789"), min_size=places, max_size=places)))
    digits = f"{whole}.{fraction}" if fraction else f"{whole}"
    value = Decimal(digits)
    style = draw(st.sampled_from(["plain", "grouped", "money", "unit", "plus", "brackets", "ten thousand"]))
    negative = digits.startswith("-")
    if style == "grouped":
        digits = grouped(digits)
    elif style == "money":
        digits = f"¥{digits}"
    elif style == "unit":
        digits = f"{digits}元"
    elif style == "plus" and not negative:
        digits = f"+{digits}"
    elif style == "brackets" and not negative:
        digits, value = f"({digits})", -value
    elif style == "ten thousand" and abs(whole) < 10**12:
        digits, value = f"{digits}万", value * 10000
    return written(digits, draw(WRITTEN)), value


ODD = st.sampled_from([
    "1e3", "1.5E+2", "1E-2", "12%", "1.2.3", "1,23", "12,3456", "1,,000", "0x10", "inf", "NaN1", "十二", "1_000",
    "1'000", "--1", "-+-1", "1.", ".5.", "٣", "¹²", "½", "(1", "1)", "+", "¥", "1e400", "1 1/2",
    "9" * 39, "0." + "0" * 30 + "1",
])  # fmt: skip


def fits(value: Decimal | Fraction, scale: int) -> bool:
    """Whether a number is one of at most 18 digits with so many decimals."""
    units = Fraction(value) * 10**scale
    return units.denominator == 1 and abs(units) < 10**18


def too_long(text: str) -> bool:
    """Whether a number may be refused for its length alone: more than 15 digits before the point, or 10 behind it."""
    digits = "".join(char for char in text.translate(HALF_WIDTH) if char.isdigit() or char == ".")
    whole, _, decimals = digits.partition(".")
    return len(whole) > 15 or len(decimals) > 10


def check_decimals(session: Any, cells: list[tuple[str, Decimal]], scale: int) -> None:
    found = typed(session, [text for text, _ in cells], field("decimal", scale=scale))
    for (text, value), got in zip(cells, found, strict=True):
        if got == REJECTED:
            assert not fits(value, scale) or too_long(text), f"{text!r} is a number that the column can hold"
        else:
            assert isinstance(got, Decimal), text
            assert got == value, f"{text!r} became {got}"


@QUICK
@given(cells=st.lists(numbers(), min_size=60, max_size=80), scale=st.sampled_from([0, 2, 4]))
def test_a_decimal_is_exact_or_rejected(session, cells, scale):
    check_decimals(session, cells, scale)


@pytest.mark.slow
@DEEP
@given(cells=st.lists(numbers(), min_size=100, max_size=150), scale=st.integers(0, 9))
def test_a_decimal_is_exact_or_rejected_deeply(session, cells, scale):
    check_decimals(session, cells, scale)


@QUICK
@given(texts=st.lists(ODD | st.text(max_size=12), min_size=60, max_size=80))
def test_no_text_stops_the_run_or_turns_into_a_number_that_it_is_not(session, texts):
    for text, got in zip(texts, typed(session, texts, field("decimal")), strict=True):
        if got not in (None, REJECTED):
            # What was taken is a number in the text's own digits.
            digits = "".join(str(int(char)) for char in text if char.isdecimal())
            assert "".join(char for char in str(got) if char.isdigit()).strip("0") in digits + "00"


@pytest.mark.parametrize("scale", range(10))
def test_a_decimal_is_never_rounded(session, scale):
    exact, more = "7." + "1" * scale if scale else "7", "7." + "1" * scale + "1"
    assert typed(session, [exact, more, f"{exact}{'' if scale else '.'}0"], field("decimal", scale=scale)) == [
        Decimal(exact), REJECTED, Decimal(exact)
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["yuan", "jiao", "fen", "wan", "yi", "percent", "fraction"])
def test_units_are_exact_and_the_largest_numbers_reject_a_row_not_the_run(session, unit):
    factor = {"jiao": "0.1", "fen": "0.01", "wan": "10000", "yi": "100000000", "percent": "0.01"}.get(unit, "1")
    texts = [
        "1",
        "0.01",
        "12.34",
        "199",
        "9" * 15,
        "9" * 18,
        "9" * 18 + ".99",
        "-" + "9" * 18,
        "0.0000000001",
        "9" * 28,
    ]
    for text, got in zip(texts, typed(session, texts, field("decimal", unit=unit, scale=4)), strict=True):
        value = Fraction(text) * Fraction(factor)
        assert (REJECTED if got == REJECTED else Fraction(got)) == (value if fits(value, 4) else REJECTED), text


def test_money_is_exact_where_floats_are_not(session):
    texts = ["0.1", "0.2", "19.99", "4503599627370497.5", "9007199254740993", "999999999999999.99"]
    assert typed(session, texts, field("decimal")) == [Decimal(text) for text in texts]


@pytest.mark.parametrize("type_", ["decimal", "integer", "id", "date", "timestamp", "boolean", "text"])
def test_nothing_is_nothing(session, type_):
    assert typed(session, [*NOTHING, None], field(type_)) == [None] * (len(NOTHING) + 1)


# --- integers ---------------------------------------------------------------------------------------------------


@QUICK
@given(cells=st.lists(numbers(), min_size=60, max_size=80))
def test_an_integer_is_exact_or_rejected(session, cells):
    found = typed(session, [text for text, _ in cells], field("integer"))
    for (text, value), got in zip(cells, found, strict=True):
        if got == REJECTED:
            assert not fits(value, 0) or too_long(text), text
        else:
            assert isinstance(got, int), text
            assert got == value, text


def test_a_whole_number_too_large_for_its_column_rejects_the_row_not_the_run(session):
    """A field may be an integer and its column a decimal, which has fewer digits before the point."""
    column = Column("v", "decimal", Label("v", "v"), None, scale=2)  # type: ignore[arg-type]
    texts = ["12", "9" * 16, "9" * 17, "9" * 18, "-" + "9" * 18]
    assert typed(session, texts, field("integer"), column) == [Decimal(12), Decimal("9" * 16), *[REJECTED] * 3]
    assert typed(session, texts, field("decimal", scale=0), column) == [Decimal(12), Decimal("9" * 16), *[REJECTED] * 3]


# --- identifiers ------------------------------------------------------------------------------------------------


@QUICK
@given(
    cells=st.lists(
        st.tuples(st.from_regex(r"\A[0-9]{1,40}\Z") | st.from_regex(r"\A[A-Za-z][0-9A-Za-z_-]{0,30}\Z"), WRITTEN),
        min_size=60,
        max_size=80,
    )
)
def test_an_identifier_keeps_every_digit(session, cells):
    """Full-width digits are the same digits; other full-width signs stay, for they may tell identifiers apart."""
    found = typed(session, [written(one, how) for one, how in cells], field("id"))
    for (one, how), got in zip(cells, found, strict=True):
        wanted = one.replace("-", "－") if how == "full width" else one
        assert got == (None if one in ("null", "NULL", "Null", "None", "nan", "NaN") else wanted)


DAMAGED = ["3.72537E+18", "3.7e+17", "1E+2", "3725362658812590000.0", "37253626588125900.00"]


def test_an_identifier_that_lost_digits_is_rejected(session):
    assert typed(session, DAMAGED, field("id")) == [REJECTED] * len(DAMAGED)


def test_an_identifier_that_merely_looks_like_a_number_is_kept(session):
    texts = ["007", "00501", "1E5", "12345678901234567890", "9007199254740993", "NO", "1e5", "0", "+4912345", "12-34"]
    assert typed(session, texts, field("id")) == texts


# --- dates and times --------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y%m%d%H%M%S",
)


@QUICK
@given(cells=st.lists(st.tuples(MOMENTS, st.sampled_from(FORMS), WRITTEN), min_size=60, max_size=80))
def test_a_time_is_exact(session, cells):
    texts = [written(moment.strftime(form), how) for moment, form, how in cells]
    for text, (moment, *_), got in zip(texts, cells, typed(session, texts, field("timestamp")), strict=True):
        assert got in (moment, REJECTED), text
    plain = [moment.strftime(form) for moment, form, _ in cells]
    assert typed(session, plain, field("timestamp")) == [moment for moment, *_ in cells]


@QUICK
@given(cells=st.lists(st.tuples(MOMENTS, st.integers(-12, 14)), min_size=30, max_size=40))
def test_a_time_with_an_offset_becomes_the_wall_clock_of_the_project(session, cells):
    texts = [f"{moment:%Y-%m-%dT%H:%M:%S}{offset:+03d}:00" for moment, offset in cells]
    utc = [moment - timedelta(hours=offset) for moment, offset in cells]
    # China had summer time until 1991; the zone knows.
    shanghai = [one + timedelta(hours=9 if is_summer_time(one) else 8) for one in utc]
    assert typed(session, texts, field("timestamp")) == shanghai


def is_summer_time(utc: datetime) -> bool:
    """Whether China had summer time then: mid-April to mid-September of 1990 and 1991."""
    starts = {1990: datetime(1990, 4, 14, 18), 1991: datetime(1991, 4, 13, 18)}
    ends = {1990: datetime(1990, 9, 15, 17), 1991: datetime(1991, 9, 14, 17)}
    return utc.year in starts and starts[utc.year] <= utc < ends[utc.year]


NO_TIMES = [
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "24-01-01",
    "02/21/2020",
    "2024-01-01 25:00:00",
    "2024-01-01 10:61",
]


def test_a_day_that_does_not_exist_is_rejected(session):
    for type_ in ("date", "timestamp"):
        assert typed(session, [*NO_TIMES, "soon", "1234", "1e5"], field(type_)) == [REJECTED] * (len(NO_TIMES) + 3)


def test_a_date_does_not_lose_its_time_of_day(session):
    texts = ["2024-02-29", "2024/2/9", "2024年2月9日", "20240229", "2024-02-29 00:00:00", "2024-02-29 10:00:00"]
    days = [date(2024, 2, 29), date(2024, 2, 9), date(2024, 2, 9), date(2024, 2, 29), date(2024, 2, 29)]
    assert typed(session, texts, field("date")) == [*days, REJECTED]


def test_yes_and_no(session):
    texts = ["是", "否", "1", "0", "TRUE", "no", "也许", "2"]
    assert typed(session, texts, field("boolean")) == [True, False, True, False, True, False, REJECTED, REJECTED]


# --- text -------------------------------------------------------------------------------------------------------


@QUICK
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=40, max_size=60))
def test_text_keeps_every_character_inside(session, texts):
    blanks = " \t\r\n\u00a0\u3000\ufeff\u200b"
    for text, got in zip(texts, typed(session, texts, field("text")), strict=True):
        assert got is None or got in text
        if got is not None and text.strip(blanks)[:1] not in ("=", "'", "`"):
            assert got == text.strip(blanks)
