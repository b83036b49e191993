"""Publish: write the tables that changed as Parquet, then let readers see all of them at once.

Every version lists its tables' files and the state it was made from. Only tables that changed since
the last version are written; the others' files are shared between versions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.model import State, Table
from engine.sql.mapping import GOOD, name, text
from engine.warehouse.folder import Folder, state_as_json
from engine.warehouse.session import Session

_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000"


def publish(
    session: Session,
    folder: Folder,
    keep: int,
    tables: dict[str, Table],
    state: State,
    noted: dict[str, Any],
) -> int:
    """Publish the working tables as version `state.serial`; returns how many tables were written."""
    before = (folder.version() or {}).get("tables", {})
    made: dict[str, dict[str, Any]] = {}
    written = 0
    for table in state.tables.values():
        known = before.get(table.name)
        if known and known["changed_by"] == table.changed_by:
            made[table.name] = known
        else:
            made[table.name] = _write(session, folder, tables[table.name], table.changed_by)
            written += 1
    _write_quarantine(session, folder, state.serial)
    version = {
        "version": state.serial,
        "noted": noted,
        "tables": made | {"quarantine": {"file": f"quarantine-{state.serial:08d}.parquet", "changed_by": state.serial}},
        "state": state_as_json(state),
    }
    folder.point_to(state.serial, version)
    folder.forget_old(keep)
    return written


def _write(session: Session, folder: Folder, table: Table, changed_by: int) -> dict[str, Any]:
    file = f"{table.name}-{changed_by:08d}.parquet"
    columns = ", ".join(name(column) for column in [*table.columns, "_mapping", "_batch", "_row"])
    rows = _copy(session, folder, f"SELECT {columns} FROM {name(table.name)} WHERE _fate = {GOOD}", file)
    return {"file": file, "changed_by": changed_by, "rows": rows}


def _write_quarantine(session: Session, folder: Folder, serial: int) -> None:
    _copy(session, folder, "SELECT * FROM engine.quarantine ORDER BY ALL", f"quarantine-{serial:08d}.parquet")


def _copy(session: Session, folder: Folder, sql: str, file: str) -> int:
    target: Path = folder.published.resolve() / "tables" / file
    beside = target.with_suffix(".new")
    rows = session.one(f"COPY ({sql}) TO {text(str(beside))} ({_PARQUET})")
    beside.replace(target)
    return rows
