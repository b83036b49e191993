"""One order of modules, one owner of each library, one place for transactions: what keeps the code readable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import engine

ROOT = Path(str(engine.__file__)).parent
FILES = sorted(ROOT.rglob("*.py"))

ORDER = (
    "diagnostic", "document", "secret", "model", "connector", "load", "sql", "metric", "check", "plan", "survey", "files",
    "http", "rest", "database", "singer", "warehouse", "unchanged", "apply", "query", "show", "probe", "api", "testing", "cli",
)  # fmt: skip
"""Every module imports only what stands before it."""

OWNERS = {
    "yaml": {"document", "diagnostic"},
    "jsonschema": {"load"},
    "referencing": {"load"},
    "sqlglot": {"sql", "metric"},
    "jinja2": {"rest", "report"},
    "httpx": {"http"},
    "duckdb": {"warehouse"},
    "filelock": {"rest", "warehouse"},
    "msgspec": {"rest", "singer"},
    "tenacity": {"rest"},
    "keyring": {"secret"},
    "pyrage": {"secret"},
    "dotenv": {"secret"},
    "typer": {"cli"},
    "python_calamine": {"files"},
    "xlsxwriter": {"query"},
}
"""For each library, the modules that may import it."""

EXTRAS = {"pandas", "polars", "pyarrow", "keyring", "pyrage", "fsspec", "oss2", "paramiko"}
"""Libraries that need not be installed: they are imported where they are asked for."""


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def dotted(file: Path) -> str:
    """The name of a module of the engine, as it is imported."""
    parts = ["engine", *file.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(file) for file in FILES}


def imported(node: ast.AST) -> Iterator[str]:
    """What an import statement imports: modules of the engine by their whole names, others by that of their library."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        inside = [f"{node.module}.{alias.name}" for alias in node.names]
        names = [name if name in MODULES else str(node.module) for name in inside]
    else:
        return
    for name in names:
        yield name if name.split(".")[0] == "engine" else name.split(".")[0]


def imports(file: Path) -> set[str]:
    """All that a file imports, for type checking too."""
    return {name for node in ast.walk(tree(file)) for name in imported(node)}


def package(module: str) -> str:
    """The package of `engine` that a module belongs to; empty for `engine` itself."""
    return [*module.split("."), ""][1]


def test_the_order_names_every_package():
    assert {package(module) for module in MODULES} - {""} == set(ORDER)


@pytest.mark.parametrize("file", FILES, ids=dotted)
def test_a_module_imports_only_what_stands_before_it(file):
    own = package(dotted(file))
    others = {package(name) for name in imports(file) if name.split(".")[0] == "engine"} - {own, ""}
    if own == "":
        assert others <= {"api"}, "the package itself imports its API, when it is asked for it"
        return
    later = {other for other in others if ORDER.index(other) > ORDER.index(own)}
    assert not later


@pytest.mark.parametrize("own", ORDER)
def test_a_package_has_no_rings(own):
    inside = {dotted(file): imports(file) for file in FILES if package(dotted(file)) == own}
    graph = {module: {name for name in names if name in inside} - {module} for module, names in inside.items()}
    tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("file", FILES, ids=dotted)
def test_imports_stand_at_the_top(file):
    """Imports inside functions hide rings. The command line delays some to start at once, and says so."""
    if dotted(file) in ("engine", "engine.cli"):
        return
    inside = {
        name
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for part in ast.walk(node)
        for name in imported(part)
    }
    assert inside <= EXTRAS


@pytest.mark.parametrize("file", FILES, ids=dotted)
def test_a_library_is_imported_by_its_owner_only(file):
    foreign = {name for name in imports(file) if package(dotted(file)) not in OWNERS.get(name, {package(dotted(file))})}
    assert not foreign


def test_transactions_are_made_in_one_place():
    words = re.compile(r"\b(BEGIN|COMMIT|ROLLBACK)\b")
    using = {dotted(file) for file in FILES if words.search(file.read_text("utf-8"))}
    assert using == {"engine.warehouse.working"}


def test_only_the_warehouse_writes_below_its_folder():
    """No module but these opens files for writing: the warehouse, what people ask to be written, scratch copies."""
    writing = re.compile(r"write_text|write_bytes|\.open\(\"w|open\([^)]*\"w")
    using = {package(dotted(file)) for file in FILES if writing.search(file.read_text("utf-8"))}
    assert using <= {"warehouse", "files", "rest", "singer", "testing", "query", "cli"}


@pytest.mark.parametrize("file", FILES, ids=dotted)
def test_a_module_says_what_it_is_for(file):
    if file.read_text("utf-8").strip():
        assert ast.get_docstring(tree(file))
