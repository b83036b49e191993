"""The connector against the made-up system: whatever happens on the way, nothing is lost, doubled or told."""

from __future__ import annotations

import pytest
from engine_loyalty.fake import KEY, SECRET, Club
from engine_loyalty.protocol import CutOff, unpacked

from engine.connector import GiveUp, Response, connector_of
from engine.diagnostic import Diagnostic
from engine.testing import Case, check_all, check_complete, check_incremental

KEYS = {"ledger": "entry_no", "members": "member_no"}
SETTINGS = {"url": "https://club.example/exchange", "key": KEY, "secret": SECRET}


def case_of(stream: str, club: Club, **settings: str) -> Case:
    return Case(
        connector="loyalty",
        settings={**SETTINGS, **settings},
        stream=stream,
        options={"page": 5, "batch": 8},
        platform=club,
        clock=club.clock,
        truth=lambda: club.truth(stream),
        key=KEYS[stream],
        newest_by="seq",
        secrets=(SECRET,),
        calm=club.calm,
    )


@pytest.mark.parametrize("stream", ["ledger", "members"])
def test_it_holds_what_every_connector_has_to(stream):
    check_all(case_of(stream, Club()))


@pytest.mark.parametrize("stream", ["ledger", "members"])
def test_what_changes_while_it_is_read(stream):
    check_complete(case_of(stream, Club(churn=2)))


def test_later_runs_ask_for_what_is_new_only():
    club = Club()
    check_incremental(case_of("ledger", club), club.book)


def given_up(case: Case) -> Diagnostic:
    """What a run says that cannot go on."""
    with pytest.raises(GiveUp) as failure:
        case.driver().run()
    return failure.value.diagnostics[0]


def test_a_wrong_secret_is_told_in_both_languages():
    said = given_up(case_of("ledger", Club(), secret="another"))
    assert said.code == "plugin"
    assert said.words("en").message == "`tested.ledger` was refused: signature does not match"
    assert said.words("en").help == "see whether `key` and `secret` belong together"
    assert said.words("zh").help == "请确认 `key` 和 `secret` 是一对"


def test_it_gives_up_after_some_attempts():
    case = case_of("ledger", Club())
    case.platform = lambda _: Response(503, (), b"")
    assert given_up(case).words().message == "`tested.ledger` gave no answer in 6 attempts: HTTP 503"


def test_damaged_pages_are_told():
    club, asked = Club(), 0

    def damaging(request):
        nonlocal asked
        asked += 1
        answer = club(request)
        return Response(200, (), answer.body[:-9]) if asked % 3 == 0 else answer

    case = case_of("ledger", club)
    case.platform = damaging
    driver = check_complete(case)
    assert [one.code for one in driver.diagnostics] == ["plugin-warning"]


def test_a_stream_that_is_not_there_is_told_before_anything_is_asked():
    case = case_of("ledger", Club())
    case.stream = "coupons"
    source = case.source()
    assert [str(one.words().message) for one in connector_of(source).check(source)] == [
        "there is no stream `coupons`; there is `ledger`, `members`"
    ]


@pytest.mark.parametrize("body", [b"", b"<html>proxy</html>", b"ERR nonsense"])
def test_what_is_no_answer_is_told_apart(body):
    with pytest.raises(CutOff):
        unpacked(body)
