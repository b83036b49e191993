"""Raw records: store what a connector hands over as immutable Parquet, every value as text.

Landing happens on a connection of its own, apart from the working file: it may read the file that a connector
names, and runs no SQL but the engine's.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from engine.connector import Columnar, Delimited, GiveUp, JsonLines, Landing, Rows, field_name
from engine.diagnostic import Place, finding
from engine.model import Batch
from engine.sql.functions import FUNCTIONS
from engine.sql.mapping import name, text
from engine.warehouse import Damage, Landed, WarehouseFailed
from engine.warehouse.folder import Folder, sync_folder
from engine.warehouse.session import Session

RESERVED = ("_batch", "_first", "_row", "_file", "_text", "file_row_number")
"""Columns of a raw file that the engine adds: batch number, row of record 0, row where it is told, part, unreadable text;
and the one that its reader adds."""

LONG_RECORD, LONGEST_RECORD = 4 << 20, 64 << 20
"""Bytes that a JSON record may have: the reader's buffers are twice as large, so it is given more only when it must be."""

_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000"
"""Words that repeat get a dictionary; to look for one among ids and amounts would cost a tenth of the writing."""


class Landings:
    """Lands batches in a warehouse's folder."""

    def __init__(self, folder: Folder, memory: str, threads: int | None) -> None:
        self.folder, self._memory, self._threads = folder, memory, threads
        self._opened: Session | None = None

    def land(self, landing: Landing, number: int, feed: str, part: str) -> Landed:
        """Write the records of a landing as batch `number`."""
        target = self.folder.raw / feed / f"{number:08d}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = target.with_suffix(".new")
        head = f"{number}::INTEGER AS _batch, {landing.first_row}::INTEGER AS _first, {text(part)} AS _file"
        try:
            rows = self._copy(landing, head, beside)
        except WarehouseFailed as failure:
            if not failure.refused:
                raise
            raise GiveUp(finding("refused-records", Place(part), part=part, reason=str(failure))) from failure
        _sync(beside)
        beside.replace(target)
        sync_folder(target.parent)
        columns = self._names(landing, target)
        return Landed(target.relative_to(self.folder.root).as_posix(), rows, columns)

    def damage(self, landed: Landed, column: str) -> Damage | None:
        """Whether a column of identifiers has lost digits."""
        source = f"read_parquet({text(str(self.folder.root / landed.file))}, file_row_number=true)"
        given, value = name(column), f"trim({name(column)}, ' \t=\"''`')"
        scientific = f"is_damaged_id({value})"
        long, rounded = (f"regexp_full_match({value}, '[0-9]{{16,}}')", f"regexp_full_match({value}, '[0-9]{{15}}0+')")
        # Only what may be damaged is looked at closely: it holds one of these, or ends in a zero or in what is trimmed.
        ends = " OR ".join(f"ends_with({given}, {text(end)})" for end in "0 \t=\"'`")
        suspect = f"contains({given}, '.') OR contains({given}, '+') OR {ends}"
        row = "coalesce(_row, _first + file_row_number)"
        (found,) = self._session.all(
            f"SELECT count(*) FILTER (WHERE {scientific}), min_by({value}, {row}) FILTER (WHERE {scientific}),"
            f" min({row}) FILTER (WHERE {scientific}), count(*) FILTER (WHERE {rounded}),"
            f" min_by({value}, {row}) FILTER (WHERE {rounded}), min({row}) FILTER (WHERE {rounded})"
            f" FROM {source} WHERE {suspect}"
        )
        if found[0]:
            return Damage("scientific", found[0], found[1], found[2])
        # One long identifier in a thousand ends in three zeros by chance; when most do, a spreadsheet rounded them.
        # So there is damage if there are fewer than twice as many long ones: counting may end there.
        if found[3] < 2:
            return None
        twice = 2 * int(found[3])
        counted = self._session.one(f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {long} LIMIT {twice})")
        return Damage("rounded", found[3], found[4], found[5]) if 3 <= counted < twice else None

    def discard_unrecorded(self, batches: Iterable[Batch]) -> None:
        """Remove raw files that no recorded batch names: what a run that died left behind."""
        kept = {self.folder.root / batch.file for batch in batches}
        for file in self.folder.raw.rglob("*"):
            if file.is_file() and file not in kept:
                file.unlink()

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened:
            self._opened.close()
            self._opened = None

    # --- forms --------------------------------------------------------------------------------------------------

    def _copy(self, landing: Landing, head: str, target: Path) -> int:
        records = landing.records
        if isinstance(records, JsonLines):
            return self._copy_json(records, head, target)
        if isinstance(records, Delimited):
            try:
                return self._write(
                    f"SELECT {head}, NULL::BIGINT AS _row, NULL::VARCHAR AS _text, * FROM {_reader(records)}", target
                )
            except WarehouseFailed as failure:
                if landing.otherwise is None or not failure.refused:
                    raise
                records = landing.otherwise
        if isinstance(records, Rows):
            return self._copy_rows(records, head, target)
        if records is None:
            raise AssertionError("there are no records to land")
        return self._write(
            f"SELECT {head}, NULL::BIGINT AS _row, NULL::VARCHAR AS _text, {self._as_text(records)}", target
        )

    def _copy_json(self, records: JsonLines, head: str, target: Path) -> int:
        """Lines of JSON by the warehouse's own reader, or one by one where it cannot take them."""
        listed = _renamed(records.columns)
        if not _are_unlike(_columns(records.columns)):  # its reader knows no capitals
            return self._copy_rows(json_rows(records), head, target)
        # More is being fetched meanwhile: one core is left to that.
        self._session.do(f"SET threads = {max(1, (self._threads or os.cpu_count() or 2) - 1)}")
        for longest in (LONG_RECORD, LONGEST_RECORD):
            sql = f"SELECT {head}, NULL::BIGINT AS _row, NULL::VARCHAR AS _text, {listed} FROM {_json_reader(records, longest)}"
            try:
                return self._write(sql, target)
            except WarehouseFailed as failure:
                if not failure.refused:
                    raise
        return self._copy_rows(json_rows(records), head, target)

    def _copy_rows(self, records: Rows, head: str, target: Path) -> int:
        """Rows take the way of a text file of our own, which DuckDB reads faster than values one by one."""
        columns = _columns(records.columns)
        spooled = target.with_suffix(".csv")
        try:
            with spooled.open("w", encoding="utf-8", newline="") as file:
                write = csv.writer(file, quoting=csv.QUOTE_MINIMAL, lineterminator="\n").writerow
                for row, values, whole in records.rows:
                    write(_spooled(row, values, whole, len(columns)))
            reader = _reader(Delimited(spooled, ("_row", "_text", *columns)), reserved=True)
            listed = ", ".join(name(column) for column in columns)
            rows = (
                f"SELECT {head}, TRY_CAST(_row AS BIGINT) AS _row, _text{', ' if listed else ''}{listed} FROM {reader}"
            )
            return self._write(rows, target)
        finally:
            spooled.unlink(missing_ok=True)

    def _write(self, sql: str, target: Path) -> int:
        return self._session.one(f"COPY ({sql}) TO {text(str(target))} ({_PARQUET})")

    def _as_text(self, records: Columnar) -> str:
        source = f"read_parquet({text(str(records.path))})"
        described = self._session.all(f"DESCRIBE SELECT * FROM {source}")
        kept = _columns(tuple(field_name(column) for column, *_ in described))
        parts = [
            f"{_exact(name(column), kind)} AS {name(new)}"
            for (column, kind, *_), new in zip(described, kept, strict=True)
        ]
        return f"{', '.join(parts)} FROM {source}"

    def _names(self, landing: Landing, file: Path) -> tuple[str, ...]:
        """The columns of a raw file, in order."""
        records = landing.records
        if records is None or isinstance(records, Columnar):
            return self._kept(file)
        return _unlike(_columns(records.columns)) if isinstance(records, JsonLines) else _columns(records.columns)

    def _kept(self, file: Path) -> tuple[str, ...]:
        described = self._session.all(f"DESCRIBE SELECT * FROM read_parquet({text(str(file))})")
        return tuple(column for column, *_ in described if column not in RESERVED)

    @property
    def _session(self) -> Session:
        if self._opened is None:
            self._opened = Session(duckdb.connect(config=_config(self.folder, self._memory, self._threads)))
            for function in FUNCTIONS:
                if function.name in ("half_width", "is_damaged_id"):
                    self._opened.do(
                        f"CREATE TEMP MACRO {function.name}({', '.join(function.parameters)}) AS {function.body}"
                    )
        return self._opened


def _config(folder: Folder, memory: str, threads: int | None) -> dict[str, str | bool | int | float | list[str]]:
    made: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(folder.spill),
    }
    return {**made, "threads": threads} if threads else made


def _reader(records: Delimited, *, reserved: bool = False) -> str:
    columns = records.columns if reserved else _columns(records.columns)
    typed = ", ".join(f"{text(column)}: 'VARCHAR'" for column in columns)
    quote = text(records.quote)
    return (
        f"read_csv({text(str(records.path))}, auto_detect=false, header=false, columns={{{typed}}}, skip={records.skip}, "
        f"delim={text(records.delimiter)}, quote={quote}, escape={quote}, strict_mode=true, null_padding=false, "
        "ignore_errors=false)"
    )


def json_rows(records: JsonLines) -> Rows:
    """Lines of JSON as rows of text, read one by one: keys that differ only in case get names of their own."""
    keys = tuple(records.columns)

    def rows() -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
        with records.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    # A byte that is no UTF-8 costs a letter, not the record.
                    written = line.decode("utf-8", "replace").removeprefix("\ufeff")
                    record = json.loads(written, parse_float=str, parse_int=str)
                    yield number, tuple(_plain(record.get(key)) for key in keys), None

    return Rows(_unlike(_columns(keys)), rows())


def _are_unlike(names: Sequence[str]) -> bool:
    """Whether names differ in more than capitals."""
    return len({one.casefold() for one in names}) == len(names)


def _unlike(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, in the same order; of those that differ only in capitals all but one get a number.

    Which one keeps its name hangs on the names alone, so that the order of records does not matter.
    """
    if _are_unlike(names):
        return tuple(names)
    taken, made = {one.casefold() for one in names}, dict[str, str]()
    first: set[str] = set()
    for one in sorted(names, reverse=True):  # small letters first
        made[one] = one if one.casefold() not in first else _numbered(one, taken)
        first.add(one.casefold())
        taken.add(made[one].casefold())
    return tuple(made[one] for one in names)


def _numbered(name_: str, taken: set[str]) -> str:
    return next(made for at in count(2) if (made := f"{name_}_{at}").casefold() not in taken)


def _plain(value: Any) -> str | None:
    """A value of JSON as text; half a surrogate pair, which no file can hold, becomes a question mark."""
    if value is None:
        return None
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "replace").decode("utf-8")


def _json_reader(records: JsonLines, longest: int) -> str:
    typed = ", ".join(f"{text(column)}: 'VARCHAR'" for column in records.columns)
    return (
        f"read_json({text(str(records.path))}, format='newline_delimited', records=true, columns={{{typed}}}, "
        f"maximum_object_size={longest})"
    )


def _renamed(columns: Sequence[str]) -> str:
    pairs = zip(columns, _columns(columns), strict=True)
    return ", ".join(name(kept) if kept == column else f"{name(column)} AS {name(kept)}" for column, kept in pairs)


def _exact(column: str, kind: str) -> str:
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return f"CAST(to_json({column}) AS VARCHAR)" if nested else f"CAST({column} AS VARCHAR)"


def _columns(given: Sequence[str]) -> tuple[str, ...]:
    """Column names as they stand in raw: those that the engine uses itself are moved out of the way."""
    return tuple(f"{column}_2" if column.casefold() in RESERVED else column for column in given)


def _spooled(row: int, values: Sequence[str | None], whole: str | None, width: int) -> list[str | None]:
    kept = [None] * width if whole is not None else list(values)
    return [str(row), whole, *kept]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
