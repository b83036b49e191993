"""The least that reading a platform costs: fetch with the same client, cut records out, `read_json` into typed tables.

`python benchmarks/rest_floor.py URL FOLDER` reads every page and makes the tables `orders` and `order_lines`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import httpx
import msgspec
from rest_columns import LINES, ORDERS


class Page(msgspec.Struct):
    """A page of trades."""

    has_next: bool
    trades: list[msgspec.Raw]


def fetch(url: str, spool: Path) -> int:
    """Fetch page after page and write the records down, one in a line."""
    decoder = msgspec.json.Decoder(Page)
    rows = 0
    with httpx.Client() as client, spool.open("wb") as file:
        number = 1
        while True:
            page = decoder.decode(client.get(url, params={"page": number, "page_size": 100}).content)
            rows += len(page.trades)
            file.write(b"\n".join(page.trades) + b"\n")
            if not page.has_next:
                return rows
            number += 1


def main() -> None:
    """Read a listing into tables."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    spool = folder / "spool.jsonl"
    rows = fetch(url, spool)
    fields = ", ".join(f"{name}: '{kind}'" for name, kind in ORDERS.items())
    inner = ", ".join(f"{name} {kind}" for name, kind in LINES.items())
    database = duckdb.connect(str(folder / "floor.duckdb"))
    database.execute("SET threads = 2")
    database.execute(
        f"CREATE TABLE read AS SELECT * FROM read_json('{spool}', format='newline_delimited', "
        f"columns={{{fields}, orders: 'STRUCT({inner})[]'}})"
    )
    database.execute(
        "CREATE TABLE order_lines AS SELECT tid, created, modified, unnest(orders, recursive := true) FROM read"
    )
    database.execute("CREATE TABLE orders AS SELECT * EXCLUDE (orders) FROM read")
    database.execute("DROP TABLE read")
    database.close()
    spool.unlink()
    print(rows)


if __name__ == "__main__":
    main()
