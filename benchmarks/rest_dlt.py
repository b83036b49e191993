"""The same reading by dlt: its `rest_api` source into DuckDB, lines in a table of their own, columns declared.

`python benchmarks/rest_dlt.py URL FOLDER CORES` runs in an environment with `dlt[duckdb]`, `pyarrow` and `orjson`. It is
tuned as dlt's page on performance tells: large buffers, files small enough to be normalised by several processes, every
column declared, Parquet for the loader (JSON lines and `INSERT` took longer). Telemetry is off: a benchmark talks to
nobody outside.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rest_columns import LINES, ORDERS

URL, FOLDER, CORES = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "EXTRACT__DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "20000",
    "NORMALIZE__WORKERS": CORES,
    "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    "LOAD__WORKERS": CORES,
}

import dlt  # noqa: E402 - it reads its settings from the environment
from dlt.sources.rest_api import rest_api_source  # noqa: E402


def _declared(columns: dict[str, str]) -> dict[str, dict[str, object]]:
    """Columns as dlt wants them declared, from their types in DuckDB."""
    kinds: dict[str, dict[str, object]] = {
        "VARCHAR": {"data_type": "text"},
        "BIGINT": {"data_type": "bigint"},
        "TIMESTAMP": {"data_type": "timestamp", "timezone": False},
        "DECIMAL(18,2)": {"data_type": "decimal", "precision": 18, "scale": 2},
        "DECIMAL(18,3)": {"data_type": "decimal", "precision": 18, "scale": 3},
    }
    return {name: {"name": name, **kinds[kind]} for name, kind in columns.items()}


def main() -> None:
    """Read a listing into tables."""
    FOLDER.mkdir()
    base, _, path = URL.rpartition("/")
    source = rest_api_source(
        {
            "client": {"base_url": base},
            "resources": [
                {
                    "name": "trades",
                    "write_disposition": "append",
                    "columns": _declared(ORDERS),
                    "endpoint": {
                        "path": path,
                        "params": {"page_size": 100},
                        "data_selector": "trades",
                        "paginator": {
                            "type": "page_number",
                            "base_page": 1,
                            "page_param": "page",
                            "total_path": None,
                            "has_more_path": "has_next",
                        },
                    },
                }
            ],
        }
    )
    source.trades.apply_hints(nested_hints={"orders": {"columns": _declared(LINES)}})
    pipeline = dlt.pipeline(
        "trades",
        pipelines_dir=str(FOLDER / "pipelines"),
        destination=dlt.destinations.duckdb(str(FOLDER / "dlt.duckdb")),
        dataset_name="marketplace",
    )
    pipeline.run(source, loader_file_format="parquet")
    with pipeline.sql_client() as client:
        print(client.execute_sql("SELECT count(*) FROM trades")[0][0])


if __name__ == "__main__":
    main()
