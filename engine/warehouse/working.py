"""The working DuckDB file: state, tables and quarantine, changed in transactions that are made in one place.

DuckDB says OK to a COMMIT after an error inside the transaction, and stores nothing. So any error rolls back and is
raised, the transaction is probed before it is committed, and what it should have stored is read back.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from engine.connector import Landing
from engine.diagnostic import Findings, finding
from engine.model import Batch, Run, State, Storage, Table, TableState
from engine.sql.functions import FUNCTIONS
from engine.sql.mapping import name, text
from engine.warehouse import Damage, Filled, Filling, Landed, WarehouseFailed
from engine.warehouse.fill import Filler
from engine.warehouse.folder import Folder, run_as_json, write_whole
from engine.warehouse.publish import publish
from engine.warehouse.raw import Landings
from engine.warehouse.session import Session

LAYOUT = 1
"""Version of the tables in schema `engine`; raised when their layout changes."""

RUNS_LISTED = 500
"""How many of the last runs readers can list; the working file keeps all."""

_TABLES = """
CREATE SCHEMA engine;
CREATE TABLE engine.fact(name VARCHAR, value VARCHAR);
CREATE TABLE engine.batch(number INTEGER, value VARCHAR);
CREATE TABLE engine.table_state(name VARCHAR, value VARCHAR);
CREATE TABLE engine.metric(name VARCHAR, digest VARCHAR);
CREATE TABLE engine.run(number INTEGER, value VARCHAR);
CREATE TABLE engine.cursor(feed VARCHAR, value VARCHAR);
CREATE TABLE engine.quarantine(
    mapping VARCHAR, _batch INTEGER, _row BIGINT, field VARCHAR, rule VARCHAR, value VARCHAR, run INTEGER, table_name VARCHAR
);
"""

_CURSORS = "SELECT feed, value FROM engine.cursor ORDER BY feed"


class Working:
    """The DuckDB warehouse of a folder; its caller holds the folder's lock."""

    def __init__(self, folder: Folder, storage: Storage, salt: str | None) -> None:
        self.folder, self.storage = folder, storage
        folder.prepare()
        self._landings = Landings(folder, storage.memory, storage.threads)
        self._session = _opened(folder)
        try:
            _lay_out(self._session, folder.working)
            _confine(self._session, folder, storage, salt if salt is not None else _own_salt(folder))
            self._catch_up(folder.recorded())
            self._landings.discard_unrecorded(self.state().batches)
        except WarehouseFailed as failure:
            self.close()
            raise _broken(folder.working, str(failure)) from failure
        except BaseException:
            self.close()
            raise

    # --- state --------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """What earlier runs recorded."""
        batches = [
            json.loads(value) for (value,) in self._session.all("SELECT value FROM engine.batch ORDER BY number")
        ]
        tables = [
            json.loads(value) for (value,) in self._session.all("SELECT value FROM engine.table_state ORDER BY name")
        ]
        serial = self._session.all("SELECT value FROM engine.fact WHERE name = 'serial'")
        return State(
            serial=int(serial[0][0]) if serial else 0,
            batches=tuple(Batch(**{**one, "columns": tuple(one["columns"])}) for one in batches),
            tables={one["name"]: TableState(**{**one, "batches": tuple(one["batches"])}) for one in tables},
            metrics=dict(self._session.all("SELECT name, digest FROM engine.metric ORDER BY name")),
            cursors={feed: json.loads(value) for feed, value in self._session.all(_CURSORS)},
        )

    # --- raw ----------------------------------------------------------------------------------------------------

    def land(self, landing: Landing, number: int, feed: str, part: str) -> Landed:
        """Store records as they are; nothing is recorded yet."""
        return self._landings.land(landing, number, feed, part)

    def damage(self, landed: Landed, columns: tuple[str, ...]) -> dict[str, Damage]:
        """What is wrong with columns of identifiers."""
        found = {column: self._landings.damage(landed, column) for column in columns}
        return {column: damage for column, damage in found.items() if damage}

    def discard(self, landed: Landed) -> None:
        """Take a landed batch away."""
        (self.folder.root / landed.file).unlink(missing_ok=True)

    def record(self, batch: Batch, cursor: Any = None) -> None:
        """Make a landed batch part of the state, and with it where its stream now stands."""
        with self._transaction(batch.run):
            self._session.do("INSERT INTO engine.batch VALUES (?, ?)", [batch.number, _json(batch)])
            if cursor is not None:
                self._set_cursor(batch.feed, cursor)

    def move(self, feed: str, cursor: Any, run: int) -> None:
        """Record where a stream stands that had nothing new to give."""
        with self._transaction(run):
            self._set_cursor(feed, cursor)

    # --- tables -------------------------------------------------------------------------------------------------

    def fill(self, filling: Filling, run: int) -> Filled:
        """Bring a table up to date together with the state of it."""
        with self._transaction(run):
            filled = Filler(self._session, self.folder, filling, run).fill()
            kept = TableState(filling.table.name, filling.recipe, filling.batches, run, filled.rows)
            self._set_table(filling.table.name, kept)
        return filled

    def remove(self, table: str, run: int) -> None:
        """Take a table away together with the state of it."""
        with self._transaction(run):
            self._session.do(f"DROP TABLE IF EXISTS {name(table)}")
            self._session.do("DELETE FROM engine.quarantine WHERE table_name = ?", [table])
            self._session.do("DELETE FROM engine.table_state WHERE name = ?", [table])

    def finish(self, run: Run, metrics: dict[str, str]) -> None:
        """Record a run and the metrics that it ran with."""
        with self._transaction(run.number):
            self._session.do(
                "INSERT INTO engine.run VALUES (?, ?)", [run.number, json.dumps(run_as_json(run), ensure_ascii=False)]
            )
            if run.status == "done":
                self._session.do("DELETE FROM engine.metric")
                for metric, digest in metrics.items():
                    self._session.do("INSERT INTO engine.metric VALUES (?, ?)", [metric, digest])
        recorded = self._session.all("SELECT value FROM engine.run ORDER BY number DESC LIMIT ?", [RUNS_LISTED])
        self.folder.list_runs([json.loads(value) for (value,) in reversed(recorded)])

    def publish(self, tables: dict[str, Table], noted: dict[str, Any]) -> int:
        """Let readers see the tables as they are now."""
        keep = self.storage.keep
        return publish(self._session, self.folder, keep, tables, self.state(), noted)

    def close(self) -> None:
        """Let go of the warehouse."""
        self._landings.close()
        self._session.close()

    # --- one place for transactions -----------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, run: int) -> Iterator[None]:
        token = secrets.token_hex(8)
        self._session.do("BEGIN TRANSACTION")
        try:
            yield
            self._session.do("DELETE FROM engine.fact WHERE name IN ('serial', 'token')")
            self._session.do("INSERT INTO engine.fact VALUES ('serial', ?), ('token', ?)", [str(run), token])
            self._session.do("SELECT 1")
            self._session.do("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        if self._session.all("SELECT value FROM engine.fact WHERE name = 'token'") != [(token,)]:
            raise WarehouseFailed("the transaction was not stored")

    def _roll_back(self) -> None:
        try:
            self._session.do("ROLLBACK")
        except WarehouseFailed:
            # Nothing to roll back: the error ended the transaction, or the connection, and the first error says more.
            return

    def _catch_up(self, published: State) -> None:
        """Start again from what is published where the working file knows less: it was lost, or brought back from a copy.

        The raw batches are listed again and every table is made anew from them; nothing is asked of a source.
        """
        if self.state().serial >= published.serial:
            return
        with self._transaction(published.serial):
            for table in ("batch", "table_state", "metric", "run", "quarantine", "cursor"):
                self._session.do(f"DELETE FROM engine.{table}")
            for feed, cursor in published.cursors.items():
                self._set_cursor(feed, cursor)
            for batch in published.batches:
                self._session.do("INSERT INTO engine.batch VALUES (?, ?)", [batch.number, _json(batch)])
            for run in self.folder.runs():
                self._session.do(
                    "INSERT INTO engine.run VALUES (?, ?)", [run["number"], json.dumps(run, ensure_ascii=False)]
                )

    def _set_cursor(self, feed: str, cursor: Any) -> None:
        self._session.do("DELETE FROM engine.cursor WHERE feed = ?", [feed])
        self._session.do("INSERT INTO engine.cursor VALUES (?, ?)", [feed, json.dumps(cursor, ensure_ascii=False)])

    def _set_table(self, table: str, state: TableState) -> None:
        self._session.do("DELETE FROM engine.table_state WHERE name = ?", [table])
        self._session.do("INSERT INTO engine.table_state VALUES (?, ?)", [table, _json(state)])


def _opened(folder: Folder) -> Session:
    file = folder.working
    if file.exists() and file.stat().st_nlink > 1:
        raise Findings([finding("linked-warehouse", path=str(file))], status=3)
    before = os.umask(0o077)
    try:
        return Session(duckdb.connect(str(file.resolve())))
    except duckdb.Error as failure:
        raise _broken(file, str(failure)) from failure
    finally:
        os.umask(before)


def _broken(file: Path, said: str) -> Findings:
    return Findings([finding("not-a-warehouse", path=str(file), reason=said.splitlines()[0])], status=3)


def _lay_out(session: Session, file: Path) -> None:
    if not session.all("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'engine'"):
        session.do(f"BEGIN; {_TABLES} INSERT INTO engine.fact VALUES ('layout', '{LAYOUT}'); COMMIT")
    found = session.all("SELECT value FROM engine.fact WHERE name = 'layout'")
    if found and int(found[0][0]) > LAYOUT:
        raise Findings([finding("newer-warehouse", path=str(file), found=found[0][0], known=LAYOUT)], status=3)


def _confine(session: Session, folder: Folder, storage: Storage, salt: str) -> None:
    """Define the functions of mapping SQL, and limit what SQL can reach and use; after this nothing of it can be changed."""
    within = ", ".join(text(str(path.resolve())) for path in (folder.raw, folder.published, folder.spill))
    settings = [
        f"memory_limit = {text(storage.memory)}",
        f"max_temp_directory_size = {text(storage.spill)}",
        f"temp_directory = {text(str(folder.spill))}",
        *([f"threads = {storage.threads}"] if storage.threads else []),
        "TimeZone = 'UTC'",
        "preserve_insertion_order = true",
        f"allowed_directories = [{within}]",
        "enable_external_access = false",
    ]
    for setting in settings:
        session.do(f"SET {setting}")
    session.do("SET VARIABLE salt = ?", [salt])
    for function in FUNCTIONS:
        session.do(f"CREATE TEMP MACRO {function.name}({', '.join(function.parameters)}) AS {function.body}")
    session.do("SET lock_configuration = true")


def _own_salt(folder: Folder) -> str:
    file = folder.root / "salt"
    if not file.exists():
        write_whole(file, secrets.token_hex(32))
    return file.read_text("utf-8")


def _json(value: Batch | TableState) -> str:
    return json.dumps(asdict(value), ensure_ascii=False)
