"""Paging flows against lists that change while they are read; no network, no answers but the least."""

from __future__ import annotations

import pytest

from engine.rest.paging import Got, Loop, Paging, Short, TooDeep, Untold
from engine.rest.template import expression


def lenient(text):
    return expression(text, lenient=True)


def read(paging, serve, limit=200):
    """Every record that a flow gets to see; `serve` answers a page with records and what it tells."""
    flow, seen = paging.flow(), []
    try:
        page = next(flow)
        for _ in range(limit):
            records, told = serve(page)
            seen += records
            page = flow.send(Got({"headers": {}, **told}, len(records), records[-1] if records else None))
    except StopIteration:
        return seen
    raise AssertionError("it never ends")


def sliced(records, page, first=1):
    start = (page.number - first) * page.size
    return records[start : start + page.size]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21])
@pytest.mark.parametrize("told", ["more", "total", "pages", "nothing"])
@pytest.mark.parametrize("backwards", [False, True])
def test_page_numbers_give_everything(first, count, told, backwards):
    if backwards and told in ("more", "nothing"):
        return
    records = list(range(count))
    rules = {} if told == "nothing" else {told: lenient(f"body.{told}")}
    paging = Paging(by="number", first=first, size=10, backwards=backwards, **rules)

    def serve(page):
        body = {"total": count, "pages": -(-count // 10), "more": (page.number - first + 1) * 10 < count}
        return sliced(records, page, first), {"body": body}

    seen = read(paging, serve)
    assert set(seen) == set(records)
    if not backwards:
        assert seen == records


def test_backwards_loses_nothing_while_records_leave():
    """A record that is modified leaves the window; what stood behind it moves up a place. Forwards one slips past."""
    for backwards in (True, False):
        records = list(range(50))
        paging = Paging(by="number", size=10, backwards=backwards, total=lenient("body.total"))

        def serve(page, records=records):
            found = sliced(records, page), {"body": {"total": len(records)}}
            if len(records) > 45:
                del records[0]
            return found

        lost = set(range(5, 50)) - set(read(paging, serve))
        assert bool(lost) is not backwards


def test_backwards_reads_again_what_grew():
    records = list(range(25))
    paging = Paging(by="number", size=10, backwards=True, total=lenient("body.total"))
    asked = 0

    def serve(page):
        nonlocal asked
        asked += 1
        if asked == 3:
            records.insert(0, 99)  # arrives late, at the front: everything moves a place back
        return sliced(records, page), {"body": {"total": len(records)}}

    assert set(read(paging, serve)) == {*range(25), 99}


def test_backwards_needs_to_know_how_many_there_are():
    with pytest.raises(Untold):
        read(Paging(by="number", size=2, backwards=True, total=lenient("body.total")), lambda _: ([1, 2], {"body": {}}))


@pytest.mark.parametrize("paging", [
    Paging(by="number", size=10, deepest_rows=50, total=lenient("body.total")),
    Paging(by="number", size=10, deepest_pages=5, more=lenient("body.more")),
    Paging(by="number", size=10, backwards=True, deepest_rows=50, total=lenient("body.total")),
    Paging(by="number", size=10, backwards=True, deepest_pages=5, total=lenient("body.total")),
    Paging(by="offset", size=10, deepest_rows=50),
    Paging(by="cursor", size=10, deepest_rows=50, start="", next=lenient("body.next")),
])  # fmt: skip
def test_a_list_that_is_too_deep_is_told(paging):
    with pytest.raises(TooDeep):
        read(paging, lambda page: (list(range(10)), {"body": {"total": 60, "more": True, "next": page.number or page}}))


def test_offsets():
    records = list(range(25))
    assert (
        read(Paging(by="offset", size=10), lambda page: (records[page.offset : page.offset + 10], {"body": {}}))
        == records
    )


@pytest.mark.parametrize("end", [None, "nomore"])
def test_cursors(end):
    records = list(range(25))
    paging = Paging(by="cursor", size=10, start="", next=lenient("body.next"), end=end)

    def serve(page):
        at = int(page.cursor or 0)
        return records[at : at + 10], {"body": {"next": str(at + 10) if at + 10 < 25 else end}}

    assert read(paging, serve) == records


def test_a_cursor_that_comes_back_is_a_loop():
    with pytest.raises(Loop):
        read(Paging(by="cursor", size=1, start="", next=lenient("body.next")), lambda _: ([1], {"body": {"next": "a"}}))


def test_links():
    records = list(range(25))

    def serve(page):
        at = int(page.url.rpartition("=")[2]) if page.url else 0
        link = (
            f'<http://fake/?at={at - 10}>; rel="previous", <http://fake/?at={at + 10}>; rel="next"'
            if at + 10 < 25
            else ""
        )
        return records[at : at + 10], {"headers": {"link": link}}

    assert read(Paging(by="link", size=10), serve) == records


def test_the_key_of_the_last_record():
    """Records come in between; going on from the last key loses none behind it."""
    records = list(range(0, 50, 2))

    def serve(page):
        after = -1 if page.key is None else page.key
        found = [one for one in sorted(records) if one > after][:10]
        records.append(49)
        return found, {"body": {}}

    assert set(range(0, 50, 2)) <= set(read(Paging(by="key", size=10, field="id"), serve))


@pytest.mark.parametrize("paging", [
    Paging(by="number", size=200, total=lenient("body.total")),
    Paging(by="number", size=200, total=lenient("body.total"), backwards=True),
    Paging(by="offset", size=200, total=lenient("body.total")),
])  # fmt: skip
def test_a_platform_that_gives_smaller_pages_than_asked_is_found(paging):
    with pytest.raises(Short):
        read(paging, lambda _: (list(range(100)), {"body": {"total": 450}}))


def test_a_request_that_only_counts_is_never_taken_for_the_data():
    """It may ask for a page of one record."""
    records = list(range(5))
    paging = Paging(by="number", size=10, backwards=True, counts=True, total=lenient("body.total"))
    asked = []

    def serve(page):
        asked.append(page.is_count)
        return (records[:1] if page.is_count else sliced(records, page)), {"body": {"total": 5}}

    read(paging, serve)
    assert asked == [True, False]


def test_a_list_that_outgrows_its_reading_is_cut():
    count = 20

    def serve(page):
        nonlocal count
        count += 1
        return list(range(10)), {"body": {"total": count}}

    with pytest.raises(TooDeep):
        read(Paging(by="number", size=10, backwards=True, total=lenient("body.total")), serve)


@pytest.mark.parametrize("by", ["number", "offset"])
def test_empty_pages_without_end_end(by):
    with pytest.raises(Loop):
        read(Paging(by=by, size=10, more=lenient("body.more")), lambda _: ([], {"body": {"more": True}}))
