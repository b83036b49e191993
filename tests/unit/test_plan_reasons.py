"""What a plan says: which parts are read, which tables are built, and why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.api import load
from engine.model import Batch, Part, State, TableState
from engine.plan import as_json, plan, recipe

PROJECT = """
kind: project
name: planned
sources:
  one: {connector: files, streams: {orders: {path: one.csv}}}
  two: {connector: files, streams: {orders: {path: two.csv}}}
models: [model.yaml]
mappings: [mappings/*.yaml]
metrics: [metrics.yaml]
"""
MODEL = """
kind: model
tables:
  t: {zh: 表, key: [shop, id], columns: {shop: {type: id, zh: 店}, id: {type: id}, v: {type: decimal}}}
  u: {key: [id], columns: {id: {type: id}}}
"""
INTO_T = "kind: mapping\nfrom: {}.orders\ninto: t\nfields: {{shop: _shop, id: 编号, v: 金额}}\n"
INTO_U = "kind: mapping\nfrom: one.orders\ninto: u\nfields: {id: 编号}\n"
METRICS = """
kind: metrics
metrics:
  total: {zh: 合计, table: t, measure: sum(v)}
  many: {zh: 数, table: t, measure: count(*)}
  mean: {zh: 均值, ratio: [total, many]}
"""


@pytest.fixture
def project(tmp_path):
    """Load the project, with files written over: `project({"model.yaml": …})`."""
    (tmp_path / "mappings").mkdir()
    files = {
        "project.yaml": PROJECT,
        "model.yaml": MODEL,
        "metrics.yaml": METRICS,
        "mappings/one_t.yaml": INTO_T.format("one"),
        "mappings/two_t.yaml": INTO_T.format("two"),
        "mappings/one_u.yaml": INTO_U,
    }

    def loaded(changed: dict[str, str | None] | None = None):
        for name, text in {**files, **(changed or {})}.items():
            if text is None:
                (tmp_path / name).unlink(missing_ok=True)
            else:
                (tmp_path / name).write_text(text, "utf-8")
        return load(tmp_path).project

    return loaded


def part(name: str, digest: str | None = None) -> Part:
    return Part(name, digest or f"digest of {name}")


def batch(number: int, feed: str, of: Part) -> Batch:
    source, stream = feed.split(".")
    return Batch(number, 1, source, stream, of.name, of.digest, "", f"{number}.parquet", 1, ("编号", "金额"))


def done(project, batches: tuple[Batch, ...] = ()) -> State:
    """The state after everything was built from these batches."""
    tables = {}
    for name in ("t", "u"):
        feeds = {mapping.feed for mapping in project.mappings_into(name)}
        numbers = tuple(one.number for one in batches if one.feed in feeds)
        made = json.dumps(recipe(project, project.tables[name]), sort_keys=True)
        tables[name] = TableState(name, made, numbers, 1, 0)
    empty = plan(project, State(), {})
    metrics = {change.name: "" for change in empty.metrics}
    return State(1, batches, tables, metrics)


def builds(made) -> list[tuple[str, str, str]]:
    return [(one.table, one.how, one.why) for one in made.builds]


def test_everything_is_new(project):
    made = plan(project(), State(), {"one.orders": (part("a"), part("b"))})
    assert [(read.source, read.part.name, read.why) for read in made.reads] == [
        ("one", "a", "new"),
        ("one", "b", "new"),
    ]
    assert builds(made) == [("t", "rebuild", "new table"), ("u", "rebuild", "new table")]
    assert [(one.name, one.what) for one in made.metrics] == [("many", "added"), ("mean", "added"), ("total", "added")]


def test_nothing_is_new(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")),))
    made = plan(loaded, state, {"one.orders": (part("a"),)})
    assert (made.reads, made.builds) == ((), ())


def test_a_new_part_extends_the_tables_that_its_stream_feeds(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")),))
    made = plan(loaded, state, {"one.orders": (part("a"),), "two.orders": (part("x"), part("y"))})
    assert builds(made) == [("t", "extend", "2 new batches")]
    assert made.builds[0].batches == ()


def test_a_changed_part_is_read_again(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")),))
    made = plan(loaded, state, {"one.orders": (part("a", "other content"),)})
    assert [read.why for read in made.reads] == ["changed"]
    assert builds(made) == [("t", "extend", "1 new batch"), ("u", "extend", "1 new batch")]


def test_the_same_content_under_another_name_is_not_read_again(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")),))
    assert plan(loaded, state, {"one.orders": (part("renamed", "digest of a"),)}).reads == ()
    twice = plan(loaded, State(), {"one.orders": (part("a", "same"), part("b", "same"))})
    assert [read.part.name for read in twice.reads] == ["a"]


def test_a_part_that_is_gone_changes_nothing(project):
    loaded = project()
    assert plan(loaded, done(loaded, (batch(1, "one.orders", part("a")),)), {}).builds == ()


def test_batches_that_a_failed_run_left_are_taken_in(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")),))
    left = replace(state, batches=(*state.batches, batch(2, "two.orders", part("x"))))
    made = plan(loaded, left, {"two.orders": (part("x"),)})
    assert (made.reads, builds(made), made.builds[0].batches) == ((), [("t", "extend", "1 new batch")], (2,))


WIDER = MODEL.replace("v: {type: decimal}", "v: {type: decimal, scale: 4}")
RELABELLED = MODEL.replace("zh: 店", "zh: 店铺").replace("zh: 表", "zh: 大表")
OTHER_ZONE = PROJECT.replace("kind: project", "kind: project\ntimezone: UTC")
OTHER_SHOP = PROJECT.replace("two: {", "two: {shop: other, ")
WITH_RULE = INTO_T.format("one") + "rules: [{drop: v = 0, because: zero}]\n"


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"mappings/one_t.yaml": INTO_T.format("one").replace("金额", "实付")}, {"t": "mapping one_t changed"}),
        ({"mappings/two_t.yaml": None}, {"t": "mapping two_t is gone"}),
        ({"model.yaml": WIDER}, {"t": "mapping one_t changed, mapping two_t changed, table changed"}),
        ({"model.yaml": RELABELLED}, {}),
        ({"project.yaml": OTHER_ZONE}, {"t": "project changed", "u": "project changed"}),
        ({"project.yaml": OTHER_SHOP}, {"t": "mapping two_t changed"}),
        ({"project.yaml": PROJECT.replace("name: planned", "name: renamed")}, {}),
        ({"project.yaml": PROJECT.replace("one.csv", "other.csv")}, {}),
        ({"mappings/one_t.yaml": "# a comment\n" + INTO_T.format("one")}, {}),
        ({"mappings/one_t.yaml": WITH_RULE}, {"t": "mapping one_t changed"}),
    ],
)
def test_why_a_table_is_made_anew(project, changed, wanted):
    state = done(project())
    made = plan(project(changed), state, {})
    assert {one.table: one.why for one in made.builds} == wanted
    assert {one.how for one in made.builds} <= {"rebuild"}


def test_a_new_mapping_makes_the_table_anew(project):
    without = project({"mappings/two_t.yaml": None})
    state = done(without)
    made = plan(project(), state, {})
    assert builds(made) == [("t", "rebuild", "mapping two_t is new")]


def test_a_table_that_nothing_feeds_is_removed(project):
    state = done(project())
    made = plan(project({"mappings/one_u.yaml": None}), state, {})
    assert builds(made) == [("u", "remove", "no mapping feeds it any more")]


def test_a_rebuild_that_is_asked_for(project):
    loaded = project()
    state = done(loaded, (batch(1, "one.orders", part("a")), batch(2, "two.orders", part("x"))))
    made = plan(loaded, state, {}, frozenset({"t"}))
    assert (builds(made), made.builds[0].batches) == ([("t", "rebuild", "asked for")], (1, 2))


def test_metrics_that_change(project):
    from_before = plan(project(), State(), {})
    state = State(metrics={change.name: "another digest" for change in from_before.metrics} | {"old": "x"})
    made = plan(project(), state, {})
    assert [(one.name, one.what) for one in made.metrics] == [
        ("many", "changed"),
        ("mean", "changed"),
        ("old", "removed"),
        ("total", "changed"),
    ]


def test_json_of_a_plan(project):
    made = plan(project(), State(), {"one.orders": (part("a"),)})
    assert json.loads(as_json(made))["builds"][0]["table"] == "t"
    assert as_json(made) == as_json(plan(project(), State(), {"one.orders": (part("a"),)}))
