"""The least that loading a CSV takes: `bare.py FILE.duckdb FILE.csv MEMORY THREADS`, typed by DuckDB itself.

The columns' types are given, nothing is checked, kept or published; a value that does not convert would end it.
"""

from __future__ import annotations

import sys

import duckdb
from made import TYPES


def load(target: str, file: str, memory: str, threads: str) -> None:
    """Load the file into a new table."""
    columns = ", ".join(f"'{name}': '{type_}'" for name, type_ in TYPES.items())
    connection = duckdb.connect(target, config={"memory_limit": memory, "threads": int(threads)})
    connection.execute(
        f"CREATE TABLE sales AS SELECT * FROM read_csv('{file}', auto_detect=false, header=true, columns={{{columns}}})"
    )
    connection.close()


if __name__ == "__main__":
    load(*sys.argv[1:])
