"""Gather rows into batches on their way to the warehouse.

With pyarrow a batch is a Parquet file in the scratch folder, which tells empty text from no value. Without it, which only
SQLite can do, a batch is a list of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path
from typing import Any

from engine.connector import Columnar, Landing, Rows

_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows for one landing. `last` is the value that the cursor column has in the last row that has one."""

    records: Columnar | Rows
    rows: int
    last: str | None

    def landing(self, first_row: int, cursor: Any) -> Landing:
        """The landing of it."""
        return Landing(self.records, first_row=first_row, cursor=cursor)

    def discard(self) -> None:
        """Remove its file, once it has been stored."""
        if isinstance(self.records, Columnar):
            with suppress(OSError):
                self.records.path.unlink()


def has_arrow() -> bool:
    """Whether batches can be Parquet files."""
    return find_spec("pyarrow") is not None


def chunks(
    batches: Iterable[Any], names: Sequence[str], cursor: int | None, size: int, scratch: Path
) -> Iterator[Chunk]:
    """Batches of `size` rows, the last one may have fewer; `cursor` is the position of the cursor column."""
    pieces = _pieces(batches, size)
    yield from (_parquet if has_arrow() else _lists)(pieces, names, cursor, size, scratch)


def _pieces(batches: Iterable[Any], size: int) -> Iterator[Any]:
    """What a database gives, cut where a batch is full."""
    room = size
    for batch in batches:
        start, length = 0, len(batch)
        while start < length:
            taken = min(room, length - start)
            yield batch[start : start + taken] if taken < length else batch
            start += taken
            room = room - taken or size


def _parquet(
    pieces: Iterator[Any], names: Sequence[str], cursor: int | None, size: int, scratch: Path
) -> Iterator[Chunk]:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
    for piece in pieces:
        path = scratch / f"{next(_NUMBERS):08d}.parquet"
        try:
            with pyarrow.parquet.ParquetWriter(path, schema, compression="lz4", use_dictionary=False) as writer:
                rows, last = _filled(writer, schema, chain((piece,), pieces), cursor, size)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        yield Chunk(Columnar(path), rows, last)


def _filled(writer: Any, schema: Any, pieces: Iterator[Any], cursor: int | None, size: int) -> tuple[int, str | None]:
    """Write pieces until there are enough rows; how many there are, and the last value of the cursor column."""
    rows, last = 0, None
    while rows < size and (piece := next(pieces, None)) is not None:
        batch = _batch(schema, piece)
        writer.write_batch(batch)
        rows += batch.num_rows
        last = (None if cursor is None else _last(batch.column(cursor).to_pylist())) or last
    return rows, last


def _batch(schema: Any, piece: Any) -> Any:
    """A record batch of text."""
    import pyarrow

    if isinstance(piece, pyarrow.RecordBatch):
        return piece if piece.schema.equals(schema) else piece.rename_columns(schema.names).cast(schema)
    columns = [pyarrow.array(values, pyarrow.string()) for values in zip(*piece, strict=True)]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _lists(
    pieces: Iterator[Any], names: Sequence[str], cursor: int | None, size: int, scratch: Path
) -> Iterator[Chunk]:
    for piece in pieces:
        rows = list(piece)
        while len(rows) < size and (more := next(pieces, None)) is not None:
            rows += more
        last = _last([row[cursor] for row in rows]) if cursor is not None else None
        numbered = [(number, row, None) for number, row in enumerate(rows, 1)]
        yield Chunk(Rows(tuple(names), numbered), len(rows), last)


def _last(values: Sequence[str | None]) -> str | None:
    return next((value for value in reversed(values) if value is not None), None)
