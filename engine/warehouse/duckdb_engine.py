"""DuckDB as the engine of a warehouse."""

from __future__ import annotations

from engine.model import Storage
from engine.warehouse.folder import Folder
from engine.warehouse.published import Published
from engine.warehouse.working import Working


class DuckDBEngine:
    """One DuckDB file to write, Parquet files behind a DuckDB of memory to read."""

    def write(self, storage: Storage, salt: str | None) -> Working:
        """Open the working file; the caller holds the folder's lock."""
        return Working(Folder(storage.path), storage, salt)

    def read(self, storage: Storage, version: int | None = None) -> Published:
        """Open a published version."""
        return Published(storage, version)
