"""Laws 5 and 6: adding batches comes to the same tables as making them anew, and every record is accounted for."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from law_stage import HEADERS, Bench, Oracle, Record, Shop, adds_up

from engine.model import Run

MOMENTS = ("2024-01-01 00:00:00", "2024-01-01 00:00:01", "2024-02-29 23:59:59")
RECORDS = st.tuples(
    st.sampled_from(["s1", "s1", "s2", ""]),
    st.sampled_from(["1", "2", "3", "007", "7", ""]),
    st.sampled_from([*MOMENTS, *MOMENTS, "", "2024-02-30 00:00:00", "soon"]),
    st.sampled_from(["0", "1", "2.50", "19.99", "", "-1", "1.005", "many"]),
    st.sampled_from(["paid", "paid", "test", ""]),
    st.sampled_from(["Li", "王", ""]),
)
BATCHES = st.tuples(
    st.sampled_from(["first", "second"]),
    st.lists(RECORDS | RECORDS | RECORDS | st.none(), min_size=1, max_size=5),
    st.sampled_from(HEADERS),
    st.sampled_from([None, None, "p1", "p2"]),
)
STEPS = st.lists(st.lists(BATCHES, max_size=3), min_size=1, max_size=4)
"""Batches that come together, time after time: source, records (None is a row that does not fit the columns), header, and
the part that they are of, where that came before with other content."""


@pytest.fixture(scope="module")
def benches(tmp_path_factory):
    """A warehouse for each way to tell the newest row of a key."""
    made = {newest: Bench.open(tmp_path_factory.mktemp("bench"), newest=newest) for newest in (True, False)}
    yield made
    for bench in made.values():
        bench.warehouse.close()


Batches = list[tuple[str, list[Record | None], tuple[str, ...], str | None]]


def check_incremental(bench: Bench, steps: list[Batches]) -> None:
    """Take in the batches of each step; every time, the table is what the oracle says, and all records are told of."""
    oracle = Oracle(bench.shop.newest)
    bench.begin()
    for step in steps:
        before, known = oracle.read, set(oracle.wrong)
        for source, records, columns, part in step:
            oracle.take(bench.land(source, records, columns, part).number, source, records, columns, part)
        results = bench.build()
        new = {place for place in oracle.rejected if place[0] not in known}
        assert all(one.read == one.loaded + one.superseded + one.rejected + one.dropped for one in results)
        assert sum(one.read for one in results) == oracle.read - before
        assert sum(one.rejected for one in results) == len(new)
        assert set(bench.sales()) == oracle.sales
        assert set(bench.rows("SELECT DISTINCT _batch, _row FROM engine.quarantine")) == oracle.rejected
    check_rebuilt(bench, oracle)


def check_rebuilt(bench: Bench, oracle: Oracle) -> None:
    """Make the table anew: not a row is other, and the counts tell what is in it."""
    extended = bench.everything()
    anew = bench.build("rebuild")
    assert bench.everything() == extended
    assert len(bench.sales()) == len(oracle.sales)
    assert sum(one.read for one in anew) == oracle.read
    assert sum(one.loaded for one in anew) == len(oracle.sales)
    assert sum(one.dropped for one in anew) == oracle.dropped
    assert sum(one.rejected for one in anew) == len(oracle.rejected)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, newest=st.booleans())
def test_incremental_equals_full(benches, steps, newest):
    check_incremental(benches[newest], steps)


@pytest.mark.slow
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.lists(BATCHES, max_size=4), min_size=1, max_size=6), newest=st.booleans())
def test_incremental_equals_full_deeply(benches, steps, newest):
    check_incremental(benches[newest], steps)


# --- the same through files and `apply` -------------------------------------------------------------------------


class Played:
    """A shop to which files are added, and the oracle beside it."""

    def __init__(self, folder: Path, *, newest: bool) -> None:
        self.shop, self.oracle = Shop(folder, newest=newest), Oracle(newest)
        self.records: dict[str, list[Record]] = {}
        self.seen: set[str] = set()

    def put(self, source: str, number: int, records: list[Record]) -> None:
        """Write a file, or write one over."""
        file = self.shop.add(source, f"f{number}.csv", records)
        self.records[file.relative_to(self.shop.folder).as_posix()] = records

    def apply(self, *rebuild: str) -> Run:
        """Apply; the oracle takes in the batches that are new."""
        run = self.shop.apply(*rebuild)
        assert run.exit_status == 0
        for batch in self.shop.workspace.state().batches:
            if batch.file not in self.seen:
                self.seen.add(batch.file)
                self.oracle.take(batch.number, batch.source, self.records[batch.part], part=batch.part)
        return run


def check_applied(steps: list[list[tuple[str, int, list[Record]]]], *, newest: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Path(folder), newest=newest)
        for step in steps:
            for source, number, records in step:
                played.put(source, number, records)
            assert adds_up(played.apply())
            if played.shop.workspace.state().serial:
                assert played.shop.sales() == played.oracle.sales
                wrong = {row[1:3] for row in played.shop.quarantine() if row[0] != "first_copy"}
                assert wrong == played.oracle.rejected
        if played.shop.workspace.state().serial:
            seen = played.shop.sales(), played.shop.contents(), played.shop.quarantine()
            played.apply("all")
            assert (played.shop.sales(), played.shop.contents(), played.shop.quarantine()) == seen


FILES = st.tuples(st.sampled_from(["first", "second"]), st.integers(0, 3), st.lists(RECORDS, min_size=1, max_size=4))


@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.lists(FILES, min_size=1, max_size=2), min_size=2, max_size=3), newest=st.booleans())
def test_every_apply_publishes_what_a_rebuild_would(steps, newest):
    check_applied(steps, newest=newest)


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.lists(FILES, max_size=4), min_size=1, max_size=6), newest=st.booleans())
def test_every_apply_publishes_what_a_rebuild_would_deeply(steps, newest):
    check_applied(steps, newest=newest)


# --- order ------------------------------------------------------------------------------------------------------


@st.composite
def dated_records(draw: st.DrawFn) -> list[Record]:
    """Records of few keys, no two of them changed at the same moment."""
    keys = draw(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=12))
    amounts = draw(st.lists(st.sampled_from(["1", "2.50", "-1", "x"]), min_size=len(keys), max_size=len(keys)))
    states = draw(st.lists(st.sampled_from(["paid", "test"]), min_size=len(keys), max_size=len(keys)))
    start = datetime(2024, 1, 1)
    return [
        ("s1", key, str(start + timedelta(seconds=at)), amount, state, "Li")
        for at, (key, amount, state) in enumerate(zip(keys, amounts, states, strict=True))
    ]


def taken_in(bench: Bench, batches: list[tuple[str, list[Record]]]) -> list[tuple[object, ...]]:
    """The table after every batch was taken in by itself, without where its rows come from."""
    bench.begin()
    for source, records in batches:
        bench.land(source, list(records))
        bench.build()
    return [row[:-2] for row in bench.sales()]


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), records=dated_records())
def test_no_order_and_no_split_matters_where_every_change_is_dated(benches, data, records):
    shuffled = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(records)), max_size=3)))
    pieces = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    split = [(data.draw(st.sampled_from(["first", "second"])), piece) for piece in pieces if piece]
    again = [*split, *data.draw(st.lists(st.sampled_from(split), max_size=2))]
    whole = taken_in(benches[True], [("first", records)])
    assert taken_in(benches[True], split) == whole
    assert taken_in(benches[True], again) == whole


# --- cases that were once wrong in somebody's engine ------------------------------------------------------------


def sale(key: str, moment: str, amount: str, status: str = "paid") -> Record:
    return ("s1", key, moment, amount, status, "Li")


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_dropped_row_stays_the_newest_of_its_key(shop):
    """A cancelled order does not come back to life when an older record of it arrives."""
    shop.add("first", "a.csv", [sale("1", MOMENTS[1], "5", "test")])
    shop.apply()
    shop.add("first", "b.csv", [sale("1", MOMENTS[0], "5")])
    shop.apply()
    assert shop.sales() == set()


def test_a_rejected_row_does_not_hide_an_older_one(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5"), sale("1", MOMENTS[1], "much")])
    shop.apply()
    assert [row[3] for row in shop.sales()] == [5]


def test_an_undated_record_yields_to_a_dated_one(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5")])
    shop.apply()
    shop.add("second", "b.csv", [sale("1", "", "6")])
    shop.apply()
    assert [row[3] for row in shop.sales()] == [5]


def test_the_last_read_of_equally_new_records_wins(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5")])
    shop.apply()
    shop.add("second", "b.csv", [sale("1", MOMENTS[0], "6")])
    shop.apply()
    assert [row[3] for row in shop.sales()] == [6]
    shop.apply("all")
    assert [row[3] for row in shop.sales()] == [6]


def test_a_record_without_a_key_is_rejected_every_time_and_never_piles_up(shop):
    shop.add("first", "a.csv", [sale("", MOMENTS[0], "5"), sale("1", MOMENTS[0], "5")])
    for _ in range(3):
        shop.apply("all")
        assert len(shop.sales()) == 1
        assert [(row[0], row[3], row[4]) for row in shop.quarantine()] == [
            ("first_copy", "sale_id", "no-key"),
            ("first_sale", "sale_id", "no-key"),
        ]


def test_a_column_spelled_two_ways_is_one_column(shop):
    """`单 号` and `单号` are the same name; files of both spellings come to the same rows in one run as in two."""
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5")])
    shop.add("first", "b.csv", [sale("2", MOMENTS[0], "6")], HEADERS[2])
    shop.apply()
    both = shop.contents()
    assert len(both["sale"]) == len(both["copy"]) == 2
    assert shop.quarantine() == []
    shop.apply("all")
    assert shop.contents() == both


def test_a_rejected_row_of_a_file_that_lacks_a_column_of_another(shop):
    """The files come together; only one of them has rows to quarantine."""
    shop.add("first", "a.csv", [("s1", "1", "much")], ("店铺", "单号", "金额"))
    shop.add("first", "b.csv", [sale("2", MOMENTS[0], "6")])
    shop.apply()
    assert [row[1] for row in shop.sales()] == ["2"]
    assert [(row[0], row[3], row[5]) for row in shop.quarantine()] == [
        ("first_copy", "amount", "much"),
        ("first_sale", "amount", "much"),
    ]


def test_columns_named_as_the_engine_names_its_own(shop):
    columns = ("店铺", "单号", "金额", "_row", "_batch", "_text", "file_row_number")
    shop.add("first", "a.csv", [("s1", "1", "5", "a", "b", "c", "d")], columns)
    assert shop.apply().status == "done"
    (row,) = shop.workspace.show(["raw", "first.sales"]).rows()
    assert (row["_row"], row["_row_2"], row["file_row_number_2"]) == (2, "a", "d")


def test_what_was_wrong_in_a_file_is_past_once_the_file_is_mended(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "much"), sale("2", MOMENTS[0], "6")])
    shop.apply()
    assert len(shop.quarantine()) == 2
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5"), sale("2", MOMENTS[0], "6")])
    shop.apply()
    assert shop.quarantine() == []
    assert sorted(row[3] for row in shop.sales()) == [5, 6]
    seen = shop.contents()
    shop.apply("all")
    assert (shop.contents(), shop.quarantine()) == (seen, [])


def test_a_table_that_is_gone_takes_its_quarantine_along(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "much")])
    shop.apply()
    assert {row[0] for row in shop.quarantine()} == {"first_sale", "first_copy"}
    (shop.folder / "mappings" / "first_copy.yaml").unlink()
    shop.change("metrics.yaml", "  copies: {zh: 抄送单数, table: copy, measure: count(*)}\n", "")
    shop.apply()
    assert {row[0] for row in shop.quarantine()} == {"first_sale"}


def test_a_mapping_that_is_gone_takes_its_quarantine_along(shop):
    shop.add("first", "a.csv", [sale("1", MOMENTS[0], "5")])
    shop.add("second", "b.csv", [sale("2", MOMENTS[0], "much")])
    shop.apply()
    assert {row[0] for row in shop.quarantine()} == {"second_sale"}
    (shop.folder / "mappings" / "second_sale.yaml").unlink()
    shop.reload()
    shop.apply()
    assert shop.quarantine() == []
