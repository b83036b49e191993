"""A DuckDB connection that fails in one way: whatever DuckDB raises becomes `WarehouseFailed`, and an interrupt stays one."""

from __future__ import annotations

from typing import Any

import duckdb

from engine.warehouse import WarehouseFailed

_REFUSED = (duckdb.InvalidInputException, duckdb.ConversionException)
_FULL = ("no space", "out of memory", "max_temp_directory_size", "failed to offload")


class Session:
    """Runs SQL on one connection, for one thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def do(self, sql: str, values: list[Any] | None = None) -> None:
        """Run a statement."""
        self._execute(sql, values)

    def all(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query; the whole answer."""
        return self._execute(sql, values).fetchall()

    def one(self, sql: str) -> int:
        """Run a query that answers with one number."""
        return int(self.all(sql)[0][0])

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def _execute(self, sql: str, values: list[Any] | None) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(sql, values or [])
        except duckdb.Error as failure:
            raise failed(failure) from failure
        except RuntimeError as failure:
            # DuckDB turns Ctrl-C during a query into a RuntimeError, which a retry would swallow.
            if "interrupted" in str(failure).lower():
                raise KeyboardInterrupt from failure
            raise


def failed(failure: duckdb.Error) -> WarehouseFailed:
    """What DuckDB raised, as what the engine raises."""
    said = str(failure)
    reason = said.splitlines()[0] if said else type(failure).__name__
    return WarehouseFailed(
        reason, full=any(word in said.lower() for word in _FULL), refused=isinstance(failure, _REFUSED)
    )
