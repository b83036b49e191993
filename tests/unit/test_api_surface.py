"""The Python API: what a user may hold on to."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

import engine.api
from engine.api import Findings, Workspace, load

PROJECT = """
kind: project
name: surface
sources: {one: {connector: files, streams: {orders: {path: "in/*.csv"}}}}
models: [model.yaml]
mappings: [mapping.yaml]
metrics: [metrics.yaml]
"""
MODEL = """
kind: model
tables:
  t: {key: [id], time: day, columns: {id: {type: id}, day: {type: date}, v: {type: decimal}, n: {type: integer}}}
"""
MAPPING = "kind: mapping\nfrom: one.orders\ninto: t\nfields: {id: 编号, day: 日期, v: 金额, n: 件数}\n"
METRICS = """
kind: metrics
metrics:
  many: {zh: 数, table: t, measure: count(*)}
  total: {zh: 合计, table: t, measure: sum(v), unit: CNY}
  pieces: {zh: 件, table: t, measure: sum(n)}
  share: {zh: 均, ratio: [total, pieces]}
"""
RECORDS = "编号,日期,金额,件数\n0001,2024-02-29,0.25,1\n0002,2024-02-29,0.50,2\n0003,2024-03-01,,\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("surface")
    (made / "in").mkdir()
    texts = {"project": PROJECT, "model": MODEL, "mapping": MAPPING, "metrics": METRICS}
    for name, text in texts.items():
        (made / f"{name}.yaml").write_text(text, "utf-8")
    (made / "in" / "a.csv").write_text(RECORDS, "utf-8")
    return made


@pytest.fixture(scope="module")
def store(folder) -> Workspace:
    made = load(folder)
    made.apply()
    return made


def test_the_names_that_are_promised():
    assert set(engine.api.__all__) == {
        "Answer",
        "Diagnostic",
        "Findings",
        "Plan",
        "Project",
        "Run",
        "Workspace",
        "load",
    }
    for name in engine.api.__all__:
        assert getattr(engine.api, name).__doc__


SCRIPT = """
import engine
first = engine.load("{0}")
second = engine.load("{0}")
import engine.load.schema
third = engine.load("{0}")
print(first.project.name, second.project.name, third.project.name)
"""


def test_load_can_be_called_twice(folder):
    """The package has a module of that name, which must not take its place."""
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(folder)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["surface"] * 3, done.stderr


def test_a_project_is_named_by_its_file_or_its_folder(folder):
    assert load(folder).project.digest == load(folder / "project.yaml").project.digest


def test_forms_of_an_answer_agree(store):
    answer = store.query(["many", "total", "pieces", "share"], by=["day"], order=["day"])
    rows = answer.rows()
    assert rows == [
        {"day": date(2024, 2, 29), "many": 2, "total": Decimal("0.75"), "pieces": 3, "share": 0.25},
        {"day": date(2024, 3, 1), "many": 1, "total": None, "pieces": None, "share": None},
    ]
    assert answer.tuples() == [tuple(row.values()) for row in rows]
    assert answer.arrow().to_pylist() == rows
    assert answer.pl().to_dicts() == rows
    frame = answer.df()
    assert list(frame.columns) == list(rows[0])
    assert frame["total"][0] == Decimal("0.75")
    assert [column.name for column in answer.columns] == list(rows[0])


def test_an_answer_says_its_sql_and_its_version(store):
    answer = store.query(["many"])
    assert answer.version == 1
    assert answer.sql == store.compile(["many"]).sql
    assert answer.rows() == [{"many": 3}]


def test_asking_before_anything_is_published(folder, tmp_path):
    for file in folder.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    fresh = load(tmp_path)
    assert fresh.runs() == []
    assert fresh.state().serial == 0
    assert set(fresh.sql()) == {"mapping"}
    with pytest.raises(Findings, match="nothing has been published"):
        fresh.query(["many"])


def test_runs_are_listed(store):
    (run,) = store.runs()
    assert (run["number"], run["status"], run["exit_status"]) == (1, "done", 0)
    assert run["builds"][0]["mappings"][0]["read"] == 3


def test_a_project_that_is_wrong_is_not_applied(folder, tmp_path):
    for file in folder.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("v: 金额", "w: 金额"), "utf-8")
    wrong = load(tmp_path)
    for act in (wrong.plan, wrong.apply):
        with pytest.raises(Findings, match="no column `w`") as raised:
            act()
        assert raised.value.status == 1
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("name", ["x", "orders"])
def test_only_tables_that_are_fed_can_be_made_anew(store, name):
    with pytest.raises(Findings) as raised:
        store.plan(rebuild=[name])
    assert raised.value.status == 2
    assert store.plan(rebuild=["t"]).builds == store.plan(rebuild=["all"]).builds


def test_the_sql_of_a_mapping_is_what_apply_runs(store):
    assert "to_decimal_2" in store.sql()["mapping"]
