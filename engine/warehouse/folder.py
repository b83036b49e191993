"""The folder of a warehouse: which files are in it, the lock of its one writer, and what is published.

working.duckdb            the working file; only the writer opens it
lock                      held by the writer while it lives, and let go by the system when it dies
busy                      stands while a run changes things; a run that finds it looks after what was left
raw/<feed>/<batch>.parquet    records as they were sent, never changed
published/current.json    which version readers see; replaced in one step
published/versions/<run>.json, published/tables/<table>-<run>.parquet
kept/<source>/            what a connector keeps from run to run that is no record: tokens
spill/                    what large sorts write to disk, emptied at every start
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.diagnostic import Findings, Language, finding
from engine.diagnostic.render import describe
from engine.model import Batch, Run, State, TableState


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of a warehouse."""

    root: Path

    @property
    def working(self) -> Path:
        """The working file."""
        return self.root / "working.duckdb"

    @property
    def raw(self) -> Path:
        """Where raw batches are."""
        return self.root / "raw"

    @property
    def published(self) -> Path:
        """Where published versions are."""
        return self.root / "published"

    @property
    def spill(self) -> Path:
        """Where large sorts spill to."""
        return self.root / "spill"

    @property
    def kept(self) -> Path:
        """What connectors keep from run to run that is no record: tokens."""
        return self.root / "kept"

    @property
    def busy(self) -> bool:
        """Whether a run is changing things, or died while it did."""
        return (self.root / "busy").exists()

    def prepare(self) -> None:
        """Make the folder, for its owner only; empty the spill."""
        for path in (self.root, self.raw, self.published / "versions", self.published / "tables"):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self.spill, ignore_errors=True)
        self.spill.mkdir(mode=0o700)

    def mark_busy(self) -> None:
        """Note that things are about to change."""
        write_whole(self.root / "busy", json.dumps(_holder()))

    def mark_idle(self) -> None:
        """Note that everything is published."""
        (self.root / "busy").unlink(missing_ok=True)

    @contextmanager
    def locked(self, timeout: float = 0) -> Iterator[None]:
        """Be the one writer; waits `timeout` seconds for another to end. Raises `Findings` (status 3)."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock, holder = FileLock(self.root / "lock"), self.root / "holder.json"
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            said = _read_json(holder) or {}
            known = f"process {said.get('pid', '?')} on {said.get('host', '?')}, since {said.get('since', '?')}"
            raise Findings([finding("locked", path=str(self.root), holder=known)], status=3) from None
        try:
            write_whole(holder, json.dumps(_holder()))
            yield
        finally:
            lock.release()

    # --- published ----------------------------------------------------------------------------------------------

    def version(self, run: int | None = None) -> dict[str, Any] | None:
        """What a published version holds: the current one, or that of a run; None where there is none."""
        if run is None:
            pointer = _read_json(self.published / "current.json")
            if pointer is None:
                return None
            run = int(pointer["version"])
        version: dict[str, Any] | None = _read_json(self.published / "versions" / f"{run:08d}.json")
        return version

    def versions(self) -> tuple[int, ...]:
        """The runs whose published versions are still there."""
        return tuple(sorted(int(file.stem) for file in (self.published / "versions").glob("*.json")))

    def point_to(self, run: int, version: dict[str, Any]) -> None:
        """Let readers see a version: everything is on disk before the pointer moves."""
        write_whole(self.published / "versions" / f"{run:08d}.json", json.dumps(version, ensure_ascii=False))
        sync_folder(self.published / "tables")
        sync_folder(self.published / "versions")
        write_whole(self.published / "current.json", json.dumps({"version": run}))

    def list_runs(self, runs: list[dict[str, Any]]) -> None:
        """Let readers see which runs there were, failed ones too."""
        write_whole(self.published / "runs.json", json.dumps(runs, ensure_ascii=False))

    def runs(self) -> list[dict[str, Any]]:
        """The last runs, oldest first."""
        runs: list[dict[str, Any]] = _read_json(self.published / "runs.json") or []
        return runs

    def note(self, noted: dict[str, Any]) -> None:
        """Keep beside the current version what it was found to be made from, where that is said otherwise."""
        version = self.version()
        if version and version.get("noted") != noted:
            self.point_to(int(version["version"]), {**version, "noted": noted})

    def forget_old(self, keep: int) -> None:
        """Remove all but the newest versions, and the tables that only they had."""
        for run in self.versions()[:-keep]:
            (self.published / "versions" / f"{run:08d}.json").unlink(missing_ok=True)
        kept = [self.version(run) or {} for run in self.versions()]
        used = {table["file"] for version in kept for table in version.get("tables", {}).values()}
        for file in (self.published / "tables").iterdir():
            if file.name not in used:
                file.unlink(missing_ok=True)

    def recorded(self) -> State:
        """The state as of the published version."""
        version = self.version()
        return state_of(version["state"]) if version else State()


def state_as_json(state: State) -> dict[str, Any]:
    """A state as plain values."""
    return asdict(state)


def state_of(plain: dict[str, Any]) -> State:
    """The state that `state_as_json` gave."""
    batches = tuple(Batch(**{**one, "columns": tuple(one["columns"])}) for one in plain["batches"])
    tables = {name: TableState(**{**one, "batches": tuple(one["batches"])}) for name, one in plain["tables"].items()}
    return State(plain["serial"], batches, tables, plain["metrics"], plain.get("cursors", {}))


def run_as_json(run: Run, language: Language = "en") -> dict[str, Any]:
    """A run as plain values."""
    plain = asdict(replace(run, diagnostics=()))
    plain["diagnostics"] = [describe(one, language) for one in run.diagnostics]
    return plain


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make sure that the names in a folder are on disk; a no-op where the system cannot."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _holder() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
