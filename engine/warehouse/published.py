"""Read a published version: Parquet files behind views in a DuckDB of memory, which can reach nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from engine.diagnostic import Findings, finding
from engine.model import Batch, Storage
from engine.sql.mapping import name, text
from engine.warehouse import Rows
from engine.warehouse.folder import Folder, state_of

if TYPE_CHECKING:
    import pyarrow


class Published:
    """One published version of a project's tables; `version` None is the current one."""

    def __init__(self, storage: Storage, version: int | None = None) -> None:
        folder = Folder(storage.path)
        self._held = _held(folder, version)
        self._folder = folder
        self.version = int(self._held["version"])
        self.state = state_of(self._held["state"])
        # The connection can write nowhere else; what is to be kept is moved from here.
        self._outbox = TemporaryDirectory(prefix="engine-")
        self._connection = duckdb.connect(config={"memory_limit": storage.memory})
        self._set(storage)
        self.tables = {table: self._view(table, held["file"]) for table, held in self._held["tables"].items()}
        self._connection.execute("SET lock_configuration = true")

    def rows(self, sql: str) -> Rows:
        """The whole answer as Python values."""
        answer = self._answer(sql)
        described = answer.description or []
        names, types = tuple(one[0] for one in described), tuple(str(one[1]) for one in described)
        return Rows(names, types, answer.fetchall())

    def arrow(self, sql: str) -> pyarrow.Table:
        """The whole answer as an Arrow table; needs pyarrow."""
        return self._connection.sql(sql).to_arrow_table()

    def save_parquet(self, sql: str, file: Path) -> int:
        """Write the answer to a Parquet file; returns the number of rows."""
        beside = Path(self._outbox.name) / "answer.parquet"
        done = self._connection.execute(
            f"COPY ({sql}) TO {text(str(beside))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        shutil.move(beside, file)
        return int(done[0]) if done else 0

    def _answer(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(sql)
        except duckdb.IOException as failure:
            lost = str(failure).splitlines()[0]
            raise Findings([finding("raw-lost", reason=lost)], status=3) from failure

    def records(self, batches: tuple[Batch, ...]) -> str:
        """SQL of the raw records of some batches."""
        files = ", ".join(text(str(self._folder.root.resolve() / batch.file)) for batch in batches)
        return (
            "(SELECT _batch, coalesce(_row, _first + file_row_number) AS _row, _file, "
            "* EXCLUDE (_batch, _first, _row, _file, file_row_number) "
            f"FROM read_parquet([{files}], union_by_name=true, file_row_number=true))"
        )

    def close(self) -> None:
        """Let go of the version."""
        self._connection.close()
        self._outbox.cleanup()

    def __enter__(self) -> Published:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set(self, storage: Storage) -> None:
        within = [self._folder.raw.resolve(), self._folder.published.resolve() / "tables", self._outbox.name]
        settings = [
            "TimeZone = 'UTC'",
            f"max_temp_directory_size = {text(storage.spill)}",
            *([f"threads = {storage.threads}"] if storage.threads else []),
            f"allowed_directories = [{', '.join(text(str(path)) for path in within)}]",
            "enable_external_access = false",
        ]
        for setting in settings:
            self._connection.execute(f"SET {setting}")

    def _view(self, table: str, file: str) -> tuple[str, ...]:
        path = self._folder.published.resolve() / "tables" / file
        self._connection.execute(f"CREATE VIEW {name(table)} AS SELECT * FROM read_parquet({text(str(path))})")
        described = self._connection.execute(f"SELECT * FROM {name(table)} LIMIT 0").description or []
        return tuple(one[0] for one in described)


def _held(folder: Folder, version: int | None) -> dict[str, Any]:
    held = folder.version(version)
    if held is not None:
        return held
    if version is None:
        raise Findings([finding("nothing-published")], status=3)
    known = ", ".join(str(one) for one in folder.versions()) or "none"
    raise Findings([finding("unknown-version", version=version, known=known)], status=2)
