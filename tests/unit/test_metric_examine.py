"""Every mistake in a metrics manifest has its code, and its place inside the SQL."""

from __future__ import annotations

import pytest
from metric_stage import METRICS, project

from engine.diagnostic import Diagnostic
from engine.metric import catalogue, digest, dimensions, examine


def marked(found: Diagnostic) -> str:
    """The characters that a finding points at."""
    place = found.place
    assert place is not None
    return place.text[place.column - 1 : place.column - 1 + place.width]


def wrong(line: str, *more: str) -> list[tuple[str, str]]:
    """The findings for one metric next to right ones: codes, and what they point at."""
    good = "\n".join(one for one in METRICS.splitlines() if not one.startswith(("bad:", "worse:")))
    return [(found.code, marked(found)) for found in examine(project("\n".join([good, line, *more])))]


def test_the_stage_is_right():
    assert examine(project()) == ()


@pytest.mark.parametrize(
    ("metric", "code", "at"),
    [
        ("{table: ordrs, measure: count(*)}", "unknown-table", "ordrs"),
        ("{table: orders, measure: sum(amont)}", "unknown-column", "amont"),
        ("{table: orders, measure: sum(amount}", "sql-syntax", "("),
        ("{table: orders, measure: amount}", "not-an-aggregate", "amount"),
        ("{table: orders, measure: sum(amount) + quantity}", "loose-column", "quantity"),
        ("{table: orders, measure: sum(status)}", "sum-of-text", "status"),
        ("{table: orders, measure: avg(amount)}", "unknown-function", "avg"),
        ("{table: orders, measure: sum(region)}", "unknown-column", "region"),
        ("{table: orders, measure: min(receiver)}", "private-column", "receiver"),
        ("{table: orders, measure: count(*), where: amount}", "wrong-kind", "amount"),
        ("{table: orders, measure: count(*), where: amount > 1 and stats = 'x'}", "unknown-column", "stats"),
        ("{table: orders, measure: count(*), where: receiver = 'x'}", "private-column", "receiver"),
        ("{table: orders, measure: count(*), where: region = 'x'}", "open-column", "region"),
        ("{table: orders, measure: count(*), where: paid_at > '2020-02'}", "not-a-time", "'2020-02'"),
        ("{table: orders, measure: count(*), where: paid_at > '2020-02-31'}", "not-a-time", "'2020-02-31'"),
        ("{table: orders, measure: count(*), time: paidat}", "unknown-column", "paidat"),
        ("{table: orders, measure: count(*), time: status}", "not-a-time-column", "status"),
        ("{ratio: [orders, visitor]}", "unknown-metric", "visitor"),
        ("{ratio: [orders, first_status]}", "ratio-of-text", "first_status"),
        ("{ratio: [orders, visitors], where: province = '东'}", "not-narrowed", "where"),
        ("{derived: orders - visitor}", "unknown-metric", "visitor"),
        ("{derived: orders - first_status}", "arithmetic-on-text", "first_status"),
        ("{derived: sum(orders)}", "unexpected-aggregate", "sum"),
        ("{derived: orders > 1}", "wrong-kind", "orders > 1"),
        ("{derived: 1 + 1}", "derived-of-nothing", "1 + 1"),
        ("{of: order, where: amount > 1}", "unknown-metric", "order"),
        ("{of: conversion, where: amount > 1}", "of-needs-measure", "conversion"),
        ("{of: orders, where: visitors > 1}", "unknown-column", "visitors"),
        ("{table: orders}", "none-of", "bad"),
        ("{table: orders, measure: count(*), of: orders}", "one-of", "of"),
        ("{measure: count(*)}", "goes-with", "measure"),
        ("{ratio: [bad, orders]}", "ring", "bad"),
    ],
)
def test_a_mistake_is_found_where_it_stands(metric: str, code: str, at: str):
    assert wrong(f"bad: {metric}") == [(code, at)]


def test_a_ring_is_told_once_with_the_way_round():
    found = examine(project("a: {ratio: [b, b]}\nb: {derived: c + 1}\nc: {of: a, where: amount > 1}"))
    assert [one.code for one in found] == ["ring"]
    assert found[0].words().message == "these are defined by each other: a → b → c → a"


def test_a_metric_that_leads_into_a_ring_is_not_in_it():
    found = examine(project("lead: {ratio: [a, a]}\na: {derived: a + 1}"))
    assert [(one.code, marked(one)) for one in found] == [("ring", "a")]


def test_personal_data_may_be_counted():
    metric = "n: {table: orders, measure: count(distinct receiver)}"
    assert examine(project(metric)) == ()


def test_a_misspelt_metric_has_a_suggestion():
    [found] = examine(project(METRICS + "bad: {ratio: [paid_amont, orders]}"))
    assert found.words().help == "did you mean `paid_amount`?"
    assert found.words("zh").help == "是不是 `paid_amount`？"


def test_every_finding_has_words_in_both_languages():
    for found in examine(
        project("bad: {ratio: [x, y]}\nc: {of: bad, where: a}\nd: {table: orders, measure: min(receiver)}")
    ):
        assert found.words("en").message != found.words("zh").message


def test_the_catalogue_says_each_formula_in_a_line():
    formulas = {one.name: one.formula for one in catalogue(project())}
    assert formulas["paid_amount"] == "sum(amount) of orders, where paid_at is not null"
    assert formulas["east_amount"] == "paid_amount, where province = '东'"
    assert formulas["average_order"] == "paid_amount / paid_buyers"
    assert formulas["net_amount"] == "paid_amount - coalesce(refund_amount, 0)"


def test_units_come_from_what_is_summed():
    units = {one.name: one.unit for one in catalogue(project())}
    assert (units["paid_amount"], units["east_large"], units["paid_share"]) == ("CNY", "CNY", "ratio")
    assert (units["orders"], units["mean_amount"]) == ("order", None)


def test_dimensions_are_those_that_all_metrics_share():
    shared = dimensions(project(), ("orders", "visitors"))
    assert "province" in shared
    assert "time.month" in shared
    assert "time.hour" not in shared
    assert "level" not in shared
    assert "receiver" not in shared


BASE = """
a: {en: A, table: orders, measure: sum(amount), where: status = 'x', about: words}
b: {ratio: [a, c]}
c: {table: orders, measure: count(*)}
"""


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("en: A", "en: Other", set()),
        ("about: words", "about: more words", set()),
        ("sum(amount)", "SUM( amount )", set()),
        ("sum(amount)", "sum(refund)", {"a", "b"}),
        ("status = 'x'", "status = 'y'", {"a", "b"}),
        ("count(*)", "count(buyer_id)", {"b", "c"}),
        ("[a, c]", "[c, a]", {"b"}),
        ("about: words", "about: words, time: paid_at", {"a", "b"}),
    ],
)
def test_a_digest_changes_with_the_meaning_and_nothing_else(before: str, after: str, changed: set[str]):
    assert before in BASE
    old, new = digest(project(BASE)), digest(project(BASE.replace(before, after)))
    assert {name for name in old if old[name] != new[name]} == changed
