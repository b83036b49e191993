"""What a survey finds, and what it says where a source gives nothing."""

from __future__ import annotations

import pytest

from engine.api import Findings, load
from engine.model import State
from engine.survey import ready_to_use, survey, workplace

PROJECT = """
kind: project
name: surveyed
sources:
  one:
    connector: files
    with: {path: "${WHERE}/*.csv"}
    streams: {orders: {}, others: {path: "nothing/*.csv"}}
mappings: [mapping.yaml]
"""
MAPPING = """
kind: mapping
from: one.orders
into: orders
fields: {platform: {value: x}, shop_id: _shop, order_id: 编号}
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.csv").write_text("编号,金额\n1,2\n", "utf-8")
    (tmp_path / "in" / "a.csv").write_text("编号,金额\n2,2\n", "utf-8")
    (tmp_path / "project.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "mapping.yaml").write_text(MAPPING, "utf-8")
    monkeypatch.setenv("WHERE", "in")
    return load(tmp_path)


def test_the_parts_of_every_stream_by_name(store):
    found, warnings = survey(store.project, State())
    assert [part.name for part in found["one.orders"]] == ["in/a.csv", "in/b.csv"]
    assert found["one.others"] == ()
    assert [(one.code, one.facts["feed"]) for one in warnings] == [("nothing-there", "one.others")]


def test_a_variable_that_is_not_set(store, monkeypatch):
    monkeypatch.delenv("WHERE")
    with pytest.raises(Findings) as raised:
        survey(store.project, State())
    assert raised.value.status == 3
    (one,) = raised.value.diagnostics
    assert (one.code, one.facts["name"]) == ("missing-variable", "WHERE")
    assert str(one.place).startswith("project.yaml:7:")


def test_a_variable_that_is_empty_is_not_set(store, monkeypatch):
    monkeypatch.setenv("WHERE", "")
    with pytest.raises(Findings, match="WHERE"):
        survey(store.project, State())


def test_an_unchanged_file_is_not_read(store, monkeypatch):
    store.apply()
    state = store.state()

    def read(*_: object, **__: object) -> None:
        raise AssertionError("the content of a file was read")

    monkeypatch.setattr("hashlib.file_digest", read)
    found, _ = survey(store.project, state)
    assert {part.digest for part in found["one.orders"]} == {batch.digest for batch in state.batches}


def test_what_a_connector_is_told(store, tmp_path):
    source = store.project.sources["one"]
    place = workplace(store.project, State(), source, source.streams["orders"], tmp_path)
    assert place.wanted == {"编号"}
    assert place.root == store.project.root
    ready, settled = ready_to_use(source, source.streams["orders"], store.project.root)
    assert ready.settings["path"] == "in/*.csv"
    assert source.settings["path"] == "${WHERE}/*.csv"
    assert settled.name == "orders"
