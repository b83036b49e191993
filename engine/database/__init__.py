"""The built-in connector `database`: tables and queries of MySQL, MariaDB, PostgreSQL, SQL Server and SQLite.

Only reads, and only what is new where a stream has a cursor. Values arrive as text that keeps them exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from engine.connector import GiveUp, Landing, TryAgain, Workplace
from engine.database.mssql import SQLServer
from engine.database.mysql import MySQL
from engine.database.postgresql import PostgreSQL
from engine.database.reading import Reading
from engine.database.session import Session
from engine.database.settings import SOURCE_SCHEMA, STREAM_SCHEMA, Address, Settings, address_of, quiet, settings_of
from engine.database.sqlite import SQLite
from engine.database.statement import fault_of, query_fault, trimmed
from engine.diagnostic import Place, finding
from engine.model import Part, Source, Stream

__all__ = ["DatabaseConnector"]


class DatabaseConnector:
    """Reads tables and queries of relational databases."""

    name: str = "database"
    source_schema: dict[str, Any] = SOURCE_SCHEMA
    stream_schema: dict[str, Any] = STREAM_SCHEMA

    def streams(self, source: Source) -> dict[str, Stream]:
        """The streams that the source declares; one that says nothing else reads the table of its name."""
        return dict(source.streams)

    def survey(self, source: Source, stream: Stream, place: Workplace) -> Iterable[Part]:
        """The one part of a stream, which is always read; nothing is connected to. GiveUp where the settings cannot work."""
        settings, address = settings_of(source, stream), address_of(source)
        _check(source, stream, settings, address)
        return (Part(settings.table or "query", ""),)

    def read(self, source: Source, stream: Stream, part: Part, place: Workplace) -> Iterator[Landing]:
        """The rows that are new, or all of them, in batches; each carries the cursor."""
        settings, address = settings_of(source, stream), address_of(source)
        _check(source, stream, settings, address)
        connect = partial(_connect, address, quiet(stream.origin.place(), source), place)
        first = _First(connect, quiet(source.origin.place("with", "url"), source), address)
        yield from Reading(source, stream, settings, place, first).landings()


class _First:
    """Opens connections. While none was made, there is nothing to come back to: what fails then is told at once."""

    def __init__(self, connect: Any, place: Place, address: Address) -> None:
        self.connect, self.place, self.address, self.made = connect, place, address, False

    def __call__(self) -> Session:
        try:
            made: Session = self.connect()
        except TryAgain as failure:
            if self.made:
                raise
            raise GiveUp(finding("cannot-connect", self.place, host=str(self.address), reason=failure.why)) from None
        except GiveUp as given_up:
            if self.made and given_up.diagnostics[0].code == "cannot-connect":
                raise TryAgain(str(given_up.diagnostics[0].facts["reason"])) from None
            raise
        self.made = True
        return made


def _connect(address: Address, place: Place, workplace: Workplace) -> Session:
    if address.kind == "sqlite":
        return SQLite.connect(address, place, workplace.root)
    if address.kind == "mysql":
        return MySQL.connect(address, place)
    return PostgreSQL.connect(address, place) if address.kind == "postgresql" else SQLServer.connect(address, place)


def _check(source: Source, stream: Stream, settings: Settings, address: Address) -> None:
    """Refuse SQL that is more than one query or one condition, a zone there is not, and ranges of nothing."""
    for setting, fault in (
        ("query", None if settings.query is None else query_fault(trimmed(settings.query), address.kind)),
        ("where", None if settings.where is None else fault_of(settings.where, address.kind)),
    ):
        if fault:
            place = quiet(stream.origin.inside(setting, start=fault.start, end=fault.end), source)
            facts = {"setting": setting, "reason": fault.reason, "reason_zh": fault.reason_zh}
            raise GiveUp(finding("not-a-query" if setting == "query" else "not-a-condition", place, **facts))
    if settings.timezone and settings.timezone not in available_timezones():
        place = quiet(source.origin.place("with", "timezone"), source)
        raise GiveUp(finding("unknown-timezone", place, name=settings.timezone))
    if settings.parallel > 1 and not (settings.cursor or settings.key):
        place = quiet(stream.origin.place("parallel"), source)
        raise GiveUp(finding("nothing-to-split", place, feed=f"{source.name}.{stream.name}"))
