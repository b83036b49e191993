"""What reading a platform costs: the engine, the least that its libraries need, and dlt, against the same loopback server.

`python benchmarks/run.py --only rest`, or `--short` for CI. `served.py` is the platform, `rest_project/` what the engine is
given, `rest_floor.py` the floor and `rest_dlt.py` dlt's side. What each figure means stands in README.md.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import duckdb
from measure import Figure, Program, Taken, command, in_turns

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
ENGINE = Path(sys.executable).with_name("engine")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "engine-benchmarks"
DLT = ("dlt[duckdb]>=1.31,<2", "pyarrow", "orjson")
SHARE = 0.01
"""How much of the platform changes between two runs."""
LARGE_MEMORY = "200MB"
"""`warehouse.memory` where memory is looked at; Python and its libraries come on top."""


@dataclass(frozen=True)
class Rest:
    """How much is read, how often, and what the engine may use; `large` records where memory is looked at."""

    records: int
    large: int
    rounds: int
    memory: str
    threads: int
    dlt: bool


def rest_figures(folder: Path, size: Rest) -> Iterator[Figure]:
    """All figures about reading a platform."""
    folder.mkdir()
    with platform(size.records) as url:
        yield from _three_programs(folder, size, url)
        yield from _more(folder / "changes", size, url)
    if size.large:
        yield from _memory(folder / "large", size)


# --- the three --------------------------------------------------------------------------------------------------


def _three_programs(folder: Path, size: Rest, url: str) -> Iterator[Figure]:
    project = folder / "trades"
    apply = _applied(project, url, "trades", size)
    floor = command(
        PYTHON, HERE / "rest_floor.py", f"{url}/trades", folder / "floor", before=_without(folder / "floor")
    )
    programs = {"fetch": _fetched(url), "floor": floor, "apply": apply}
    dlt = _dlt() if size.dlt else None
    if dlt:
        there = folder / "dlt"
        programs["dlt"] = command(
            dlt, HERE / "rest_dlt.py", f"{url}/trades", there, str(size.threads), before=_without(there)
        )
    taken = in_turns(programs, size.rounds, warm=False)
    _check(project, size.records)
    of = f"{size.records:,} trades"
    whole, least = taken["apply"], taken["floor"]
    yield Figure(f"`apply` of {of}", whole.seconds, least.seconds, "`rest_floor.py`", 2, whole.memory)
    yield Figure(f"`rest_floor.py` of {of}", least.seconds, taken["fetch"].seconds, "fetched only", None, least.memory)
    if dlt:
        other = taken["dlt"]
        yield Figure(f"dlt of {of}", other.seconds, whole.seconds, "`apply` of the same", None, other.memory)


def _applied(project: Path, url: str, stream: str, size: Rest) -> Program:
    """The engine's whole way, into a new warehouse each time."""
    _project(project, url, stream, size)
    return command(ENGINE, "apply", "--quiet", cwd=project, before=_without(project / "build"))


def _project(folder: Path, url: str, stream: str, size: Rest) -> None:
    """The project, for a stream of the platform at a URL."""
    folder.mkdir()
    given = {"MEMORY": size.memory, "THREADS": str(size.threads), "STREAM": stream, "URL": url}
    for file in (HERE / "rest_project").glob("*.yaml"):
        text = file.read_text("utf-8")
        for word, value in given.items():
            text = text.replace(f"<{word}>", value)
        (folder / file.name).write_text(text, "utf-8")


def _check(project: Path, records: int) -> None:
    """A program that is fast because it reads too little is not to be compared with."""
    rows = tuple(_counted(project, table) for table in ("trades", "trade_lines"))
    if rows != (records, records * 2 - -(-records // 10)):
        sys.exit(f"{records} trades were served, and published are {rows}")


def _counted(project: Path, table: str, where: str = "true") -> int:
    """Rows of a published table."""
    published = project / "build" / "published"
    current = json.loads((published / "current.json").read_text("utf-8"))["version"]
    version = json.loads((published / "versions" / f"{current:08d}.json").read_text("utf-8"))
    file = published / "tables" / version["tables"][table]["file"]
    (counted,) = duckdb.sql(f"SELECT count(*) FROM read_parquet('{file}') WHERE {where}").fetchall()
    return int(counted[0])


def _without(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)


# --- more of it -------------------------------------------------------------------------------------------------


def _more(project: Path, size: Rest, url: str) -> Iterator[Figure]:
    """A stream by time of change: nothing changed since, then one record in a hundred did."""
    first = _applied(project, url, "changes", size)()
    again = command(ENGINE, "apply", "--quiet", cwd=project)
    nothing, changed = [], []
    for _ in range(size.rounds):
        nothing.append(_later(again))
        change = json.loads(_asked(f"{url}/change?share={SHARE}"))
        changed.append(_later(again))
        if _counted(project, "trades", f"modified = '{change['modified']}'") != change["count"]:
            sys.exit(f"{change} were not all read")
    _check(project, size.records)
    of = f"{size.records:,} trades"
    constant, more = _median(nothing), _median(changed)
    yield Figure(f"`apply`, nothing changed of {of}", constant.seconds, first.seconds, "the first `apply`", None)
    parts = f"nothing changed + {SHARE:.0%} of the first"
    least = constant.seconds + first.seconds * SHARE
    yield Figure(f"`apply`, {change['count']:,} of {of} changed", more.seconds, least, parts, 1.5, more.memory)


def _later(program: Program) -> Taken:
    """Windows end at a whole second; the next one begins later."""
    time.sleep(1.1)
    return program()


def _median(runs: list[Taken]) -> Taken:
    return sorted(runs, key=lambda one: one.seconds)[len(runs) // 2]


def _memory(project: Path, size: Rest) -> Iterator[Figure]:
    """Whether memory stays where it is when there is ten times as much; the server is looked at too."""
    size = replace(size, memory=LARGE_MEMORY)
    with platform(size.large) as url:
        taken = _applied(project, url, "trades", size)()
        _check(project, size.large)
        cost = json.loads(_asked(f"{url}/cost"))
    of = f"{size.large:,} trades"
    against = f"the server's own time, {cost['memory'] / 1e6:.0f} MB"
    yield Figure(f"`apply` of {of}, memory {size.memory}", taken.seconds, cost["seconds"], against, None, taken.memory)


# --- the platform -----------------------------------------------------------------------------------------------


@contextmanager
def platform(records: int) -> Iterator[str]:
    """A platform with so many trades, as a process of its own; yields its URL."""
    served = subprocess.Popen(
        [PYTHON, str(HERE / "served.py"), str(records)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert served.stdout is not None
        told = json.loads(served.stdout.readline())
        print(f"a platform of {records:,} trades, {told['bytes'] / 1e6:,.0f} MB of JSON", file=sys.stderr)
        yield f"http://127.0.0.1:{told['port']}"
    finally:
        served.kill()
        served.wait()


def _asked(url: str) -> bytes:
    with urlopen(url) as response:
        return bytes(response.read())


def _fetched(url: str) -> Program:
    """Ask for all pages and look at nothing but whether there is another: what the server and the way to it take."""

    def run() -> Taken:
        begun, number, more = time.perf_counter(), 1, True
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        while more:
            connection.request("GET", f"/trades?page={number}&page_size=100")
            more = b'"has_next":true' in connection.getresponse().read()[:100]
            number += 1
        connection.close()
        return Taken(time.perf_counter() - begun, 0)

    return run


# --- dlt --------------------------------------------------------------------------------------------------------


def _dlt() -> Path | None:
    """The Python of an environment with dlt; made when it is first asked for. None where it cannot be installed."""
    python = CACHE / "dlt" / "bin" / "python"
    if not python.exists():
        venv.create(CACHE / "dlt", with_pip=True)
    if subprocess.run([python, "-c", "import dlt, pyarrow, orjson"], capture_output=True, check=False).returncode == 0:
        return python
    print(f"installing dlt into {CACHE / 'dlt'}", file=sys.stderr)
    done = subprocess.run([python, "-m", "pip", "install", "-q", *DLT], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return python
    print(f"dlt is left out, for it cannot be installed: {done.stderr.strip()[-300:]}", file=sys.stderr)
    return None


if __name__ == "__main__":
    import run

    run.main(["--only", "rest", *sys.argv[1:]])
