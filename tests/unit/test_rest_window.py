"""Windows: what is lacking, whatever was read before, and slices that the platform answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.rest.window import Window, joined, moment, seconds

HOUR = 3600
NOW = 1_000_000


def test_the_first_run_reads_from_since_to_a_little_ago():
    window = Window(HOUR, overlap=600, lag=300)
    assert window.lacking([], NOW - 10 * HOUR, NOW) == [(NOW - 10 * HOUR, NOW - 300)]


def test_later_runs_read_what_is_new_and_the_overlap():
    window = Window(HOUR, overlap=600, lag=300)
    covered = [(NOW - 10 * HOUR, NOW - HOUR)]
    assert window.lacking(covered, NOW - 10 * HOUR, NOW) == [(NOW - HOUR - 600, NOW - 300)]


def test_little_that_is_new_waits():
    window = Window(HOUR, lag=300, every=120)
    assert window.lacking([(0, NOW - 300 - 119)], 0, NOW) == []
    assert window.lacking([(0, NOW - 300 - 120)], 0, NOW) != []


def test_gaps_and_an_earlier_since_are_filled():
    window = Window(HOUR, overlap=0, lag=0)
    covered = [(100, 200), (300, 400)]
    assert window.lacking(covered, 50, 400) == [(50, 100), (200, 300)]


def test_the_newest_may_come_first():
    window = Window(100, overlap=0, lag=0, order="newest")
    assert list(window.slices(window.lacking([(100, 200)], 0, 450))) == [(400, 450), (300, 400), (200, 300), (0, 100)]


def test_no_further_back_than_the_platform_remembers():
    window = Window(HOUR, lag=0, history=10 * HOUR)
    assert window.lacking([], 0, NOW) == [(NOW - 10 * HOUR, NOW)]
    assert window.lacking([], None, NOW) == [(NOW - 10 * HOUR, NOW)]


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(1, 200)).map(lambda one: (one[0], one[0] + one[1])), max_size=6
    ),
    st.integers(0, 500),
    st.integers(501, 1500),
    st.integers(1, 300),
    st.integers(0, 50),
)
def test_what_was_read_and_what_is_lacking_is_everything(covered, since, now, span, overlap):
    """No second between `since` and now is ever left out, and no slice is longer than the platform answers."""
    window = Window(span, overlap=overlap, lag=0, every=1)
    slices = list(window.slices(window.lacking(covered, since, now)))
    assert all(0 < end - start <= span for start, end in slices)
    whole = joined([*covered, *slices])
    assert any(start <= since and end >= now for start, end in whole)


def test_durations_and_moments_are_read():
    assert [seconds(one) for one in ("30s", "10m", "6h", "90d")] == [30, 600, 21600, 7776000]
    assert moment("2026-10-05", "Asia/Shanghai") == 1_791_129_600
    assert moment("2026-10-05 08:00:00", "Asia/Shanghai") == moment("2026-10-05T00:00:00+00:00", "Asia/Shanghai")
