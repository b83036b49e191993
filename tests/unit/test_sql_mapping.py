"""From a mapping to SQL to rows: `tests/fixtures/mapping/<case>.yaml` names what it shows, `.sql` is its SQL.

A case is a mapping with the records that it reads (`records`) and what becomes of them: `rows` (the columns of
the table and the fate: `good`, `rejected` or the number of the rule that drops it) and `reasons`. Run with
`ENGINE_SNAPSHOTS=write` to write the SQL anew; then read what changed.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sql_stage import connection, fill_raw
from sqlglot import exp

from engine.api import load
from engine.load.schema import schema
from engine.sql.functions import FUNCTIONS
from engine.sql.mapping import Recipe, compile

CASES = sorted((Path(__file__).parents[1] / "fixtures" / "mapping").glob("*.yaml"))
FATES = {0: "good", -1: "rejected"}
DIVIDER = "\n\n-- reasons\n"

PROJECT = """
kind: project
name: case
timezone: Asia/Shanghai
sources: {exports: {connector: files, shop: the-shop, streams: {orders: {path: "*.csv"}}}}
models: [model.yaml]
mappings: [mapping.yaml]
"""


@cache
def parts(file: Path) -> dict[str, str]:
    """The parts of a case: `mapping`, `model` and `expected`, which stand one after another under `# --- part`."""
    _, *pieces = file.read_text("utf-8").split("# --- ")
    return {name.strip(): body for name, _, body in (piece.partition("\n") for piece in pieces)}


def expected(file: Path) -> dict[str, Any]:
    return json.loads(parts(file)["expected"])


def compiled(file: Path, folder: Path) -> tuple[Recipe, Any]:
    given = parts(file)
    (folder / "project.yaml").write_text(PROJECT, "utf-8")
    (folder / "model.yaml").write_text("kind: model\ntables:\n" + given["model"], "utf-8")
    (folder / "mapping.yaml").write_text("kind: mapping\nfrom: exports.orders\n" + given["mapping"], "utf-8")
    store = load(folder)
    assert [one for one in store.check() if one.severity == "error"] == []
    project, (mapping,) = store.project, store.project.mappings
    columns, lacking = expected(file)["columns"], expected(file).get("lacking", {})
    table = project.tables[mapping.into]
    shown = {name: tuple(batches) for name, batches in lacking.items()}
    recipe = compile(mapping, table, columns=columns, shop="the-shop", timezone=project.timezone, lacking=shown)
    return recipe, table


@pytest.fixture(scope="module")
def session():
    made = connection()
    yield made
    made.close()


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_sql(file, tmp_path):
    recipe, _ = compiled(file, tmp_path)
    text = recipe.rows + DIVIDER + recipe.reasons + "\n"
    snapshot = file.with_suffix(".sql")
    if os.environ.get("ENGINE_SNAPSHOTS") == "write":
        snapshot.write_text(text, "utf-8")
    assert text == snapshot.read_text("utf-8")


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_sql_is_read_by_sqlglot_and_stays_the_same(file, tmp_path, session):
    """Parsed and written again the SQL gives the same, so that another engine can be given it."""
    recipe, _ = compiled(file, tmp_path)
    fill_raw(session, expected(file)["columns"], expected(file)["records"])
    for sql in (recipe.rows, recipe.reasons):
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        assert not list(tree.find_all(exp.Command))
    again = sqlglot.parse_one(recipe.rows, dialect="duckdb").sql(dialect="duckdb")
    assert session.execute(again).fetchall() == session.execute(recipe.rows).fetchall()


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_rows(file, tmp_path, session):
    recipe, table = compiled(file, tmp_path)
    said = expected(file)
    fill_raw(session, said["columns"], said["records"])
    columns = ", ".join(f'CAST("{one}" AS VARCHAR)' for one in table.columns)
    rows = session.execute(f"SELECT {columns}, _fate FROM ({recipe.rows}) ORDER BY _row").fetchall()
    assert [[*values, FATES.get(fate, fate)] for *values, fate in rows] == said["rows"]
    reasons = session.execute(f"SELECT _row, field, rule, value FROM ({recipe.reasons}) ORDER BY ALL").fetchall()
    assert [list(row) for row in reasons] == said.get("reasons", [])


def test_every_key_of_a_field_is_shown_by_a_case():
    keys = set(schema("mapping")["$defs"]["field"]["properties"])
    words = set(schema("mapping")["$defs"]["field"]["properties"]["unknown"]["enum"])
    texts = "\n".join(parts(file)["mapping"] for file in CASES)
    assert {key for key in keys if f"{key}:" not in texts} == set()
    assert {word for word in words if f"unknown: {word}" not in texts} == set()


def test_the_functions_that_are_called_are_the_engines_own(tmp_path):
    own = {function.name for function in FUNCTIONS}
    for file in CASES:
        recipe, _ = compiled(file, tmp_path)
        calls = sqlglot.parse_one(recipe.rows, dialect="duckdb").find_all(exp.Anonymous)
        called = {str(node.this).lower() for node in calls}
        assert called <= own | {"timezone", "make_timestamp", "try_strptime", "getvariable"}, file.stem
