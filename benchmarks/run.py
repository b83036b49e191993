"""Measure the engine against the least that its libraries need: `python benchmarks/run.py`, or `--short` for CI.

Prints ratios. Both sides of a ratio run in turns, in the same minutes; what each figure means stands in README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from made import large_file, large_project, many_mappings
from measure import Figure, Program, Taken, command, in_turns
from rest import Rest, rest_figures

from engine.api import load

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
ENGINE = Path(sys.executable).with_name("engine")
LIBRARIES = "import duckdb, sqlglot, jsonschema, yaml"


@dataclass(frozen=True)
class Size:
    """How much is measured, and how often."""

    mappings: int
    rows: int
    starts: int
    loads: int
    queries: int
    memory: str
    threads: int
    rest: Rest


def main(words: Sequence[str] | None = None) -> None:
    """Measure everything in a folder that is removed at the end; `words` are those of the command line."""
    asked = _arguments(words)
    few = (20, 200_000, 3, 1, 3) if asked.short else (100, 5_000_000, 9, 3, 7)
    mappings, rows, starts, loads, queries = few
    size = Size(
        mappings, asked.rows or rows, starts, asked.loads or loads, queries, asked.memory, asked.threads, _rest(asked)
    )
    print(f"{size.mappings} mappings, {size.rows:,} rows, memory {size.memory}, {size.threads} threads\n")
    print("| figure | seconds | against | seconds | ratio | at most | memory |\n|---|---:|---|---:|---:|---:|---:|")
    made = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for part in (of_starting, of_manifests, of_data, of_rest):
            if asked.only and part.__name__ != f"of_{asked.only}":
                continue
            for figure in part(Path(folder) / part.__name__, size):
                made.append(figure)
                print(_line(figure), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([vars(one) | {"ratio": one.ratio} for one in made], indent=2), "utf-8")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small form, in less than a minute")
    parser.add_argument("--rows", type=int, help="rows of the large file")
    parser.add_argument("--loads", type=int, help="how often the large file is loaded")
    parser.add_argument("--memory", default="1GB", help="`warehouse.memory` of the large project")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", choices=("starting", "manifests", "data", "rest"))
    parser.add_argument("--records", type=int, help="records of the platform that is read")
    parser.add_argument("--rounds", type=int, help="how often the platform is read by each program")
    parser.add_argument("--without-dlt", action="store_true", help="do not install and measure dlt")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args(words)


def _rest(asked: argparse.Namespace) -> Rest:
    records, large, rounds = (20_000, 0, 1) if asked.short else (100_000, 1_000_000, 3)
    dlt = not (asked.short or asked.without_dlt)
    return Rest(asked.records or records, large, asked.rounds or rounds, asked.memory, asked.threads, dlt)


def _line(one: Figure) -> str:
    bound = f"{one.bound:g} ×" if one.bound else "—"
    memory = f"{one.memory / 1e6:,.0f} MB" if one.memory else ""
    taken, floor = f"{one.taken:.3f}", f"{one.floor:.3f}"
    return f"| {one.name} | {taken} | {one.against} | {floor} | **{one.ratio:.2f} ×** | {bound} | {memory} |"


# --- starting ---------------------------------------------------------------------------------------------------


def of_starting(folder: Path, size: Size) -> Iterator[Figure]:
    """How soon the command line is there."""
    folder.mkdir()
    programs = {
        "floor": command(PYTHON, "-c", "import duckdb"),
        "help": command(ENGINE, "--help", cwd=folder),
    }
    taken = in_turns(programs, size.starts)
    yield Figure("`engine --help`", taken["help"].seconds, taken["floor"].seconds, "`import duckdb`", 2.5)


# --- manifests --------------------------------------------------------------------------------------------------


def of_manifests(folder: Path, size: Size) -> Iterator[Figure]:
    """What many mappings cost when they are validated, and when there is nothing to do."""
    many_mappings(folder, size.mappings)
    command(ENGINE, "apply", "--quiet", cwd=folder)()
    programs = {
        "floor": command(PYTHON, HERE / "floor.py", folder),
        "imports": command(PYTHON, "-c", LIBRARIES),
        "validate": command(ENGINE, "validate", cwd=folder),
        "nothing": command(ENGINE, "apply", "--quiet", cwd=folder),
    }
    taken = in_turns(programs, size.starts)
    of = f"of {size.mappings} mappings"
    yield Figure(
        f"`validate` {of}", taken["validate"].seconds, taken["floor"].seconds, "yaml + jsonschema + sqlglot", 1.5
    )
    yield Figure(f"`apply` {of}, nothing new", taken["nothing"].seconds, taken["imports"].seconds, f"`{LIBRARIES}`", 2)


# --- data -------------------------------------------------------------------------------------------------------


def of_data(folder: Path, size: Size) -> Iterator[Figure]:
    """What a large file costs to load, a little more of it, and questions about it."""
    large_project(folder, size.memory, size.threads)
    first, second = folder / "data" / "orders-1.csv", folder / "data" / "orders-2.csv"
    large_file(first, size.rows)
    bare, build = folder / "bare.duckdb", folder / "build"

    def afresh() -> None:
        shutil.rmtree(build, ignore_errors=True)

    least = (PYTHON, HERE / "bare.py", bare, first, size.memory, str(size.threads))
    apply = (ENGINE, "apply", "--quiet")
    programs = {
        "bare": command(*least, before=lambda: bare.unlink(missing_ok=True)),
        "apply": command(*apply, cwd=folder, before=afresh),
    }
    taken = in_turns(programs, size.loads, warm=False)
    whole = taken["apply"]
    yield Figure(
        f"`apply` of {size.rows:,} rows",
        whole.seconds,
        taken["bare"].seconds,
        "`CREATE TABLE AS … read_csv`",
        3,
        whole.memory,
    )
    yield from _more(second, size, whole, command(*apply, cwd=folder))
    yield from _questions(folder, size)


def _more(file: Path, size: Size, whole: Taken, apply: Program) -> Iterator[Figure]:
    """A second file with one row in a hundred, restated later."""
    large_file(file, max(size.rows // 100, 1), first=50, step=100, taken=60)
    taken = apply()
    yield Figure("`apply` of 1 % more", taken.seconds, whole.seconds, "`apply` of all of it", None, taken.memory)


QUESTIONS = {
    "amount by month": (
        ["paid", "--by", "time.month"],
        "SELECT date_trunc('month', d), sum(s) FROM (SELECT paid_at::DATE AS d, sum(paid_amount) AS s FROM sales "
        "GROUP BY 1) GROUP BY 1 ORDER BY 1",
    ),
    "amount by month and province": (
        ["paid", "--by", "time.month,province"],
        "SELECT date_trunc('month', d), province, sum(s) FROM (SELECT paid_at::DATE AS d, province, "
        "sum(paid_amount) AS s FROM sales GROUP BY 1, 2) GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    "ratio by month": (
        ["per_order", "--by", "time.month"],
        "SELECT date_trunc('month', d), sum(s)::DOUBLE / sum(n) FROM (SELECT paid_at::DATE AS d, "
        "sum(paid_amount) AS s, count(order_id) AS n FROM sales GROUP BY 1) GROUP BY 1 ORDER BY 1",
    ),
    "distinct buyers by month": (
        ["buyers", "--by", "time.month"],
        "SELECT date_trunc('month', paid_at), count(DISTINCT buyer) FROM sales GROUP BY 1 ORDER BY 1",
    ),
}
"""Questions: as they are asked of the engine, and the best SQL that we know for them."""


def _questions(folder: Path, size: Size) -> Iterator[Figure]:
    """The SQL that metrics compile to against SQL by hand, on the same published Parquet, in one process."""
    current = json.loads((folder / "build" / "published" / "current.json").read_text("utf-8"))["version"]
    version = json.loads((folder / "build" / "published" / "versions" / f"{current:08d}.json").read_text("utf-8"))
    file = folder / "build" / "published" / "tables" / version["tables"]["sales"]["file"]
    connection = duckdb.connect(config={"memory_limit": size.memory, "threads": size.threads})
    connection.execute(f"CREATE VIEW sales AS SELECT * FROM read_parquet('{file}')")
    for name, (words, best) in QUESTIONS.items():
        compiled = _compiled(folder, words)
        programs = {"best": _query(connection, best), "metric": _query(connection, compiled)}
        taken = in_turns(programs, size.queries)
        yield Figure(f"metric: {name}", taken["metric"].seconds, taken["best"].seconds, "SQL by hand", 1.5)


def _compiled(folder: Path, words: list[str]) -> str:
    *metrics, _, by = words
    return load(folder).compile(metrics, by=by.split(",")).sql


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> Program:
    def run() -> Taken:
        begun = time.perf_counter()
        connection.execute(sql).fetchall()
        return Taken(time.perf_counter() - begun, 0)

    return run


# --- a platform -------------------------------------------------------------------------------------------------


def of_rest(folder: Path, size: Size) -> Iterator[Figure]:
    """What reading a platform costs."""
    if not size.rest.dlt:
        print("dlt is left out", file=sys.stderr)
    yield from rest_figures(folder, size.rest)


if __name__ == "__main__":
    main()
