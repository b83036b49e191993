"""Parquet files: the warehouse reads them as they are."""

from __future__ import annotations

from engine.connector import Columnar, Landing
from engine.files.content import Content

_MARK = b"PAR1"


def read_parquet(content: Content) -> Landing:
    """The records of a Parquet file; GiveUp where it does not begin and end as one."""
    with content.file.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        ends = file.read(4)
        file.seek(0)
        begins = file.read(4)
    if size < 12 or begins != _MARK or ends != _MARK:
        raise content.refused("bad-file", kind="Parquet")
    return Landing(Columnar(content.file), detail={"format": "parquet"})
