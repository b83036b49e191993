"""MySQL and MariaDB, by PyMySQL. Values come as the server writes them: nothing is converted, so nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

from engine.database.position import Kind
from engine.database.session import Column, Session, Trouble, driver
from engine.database.settings import Address
from engine.database.statement import Select
from engine.diagnostic import Place

_AT_A_TIME = 5000
_LONGEST_SILENCE = 3600
"""Seconds that a server may take for its next row, as sorting a large table does, and that it waits for us while a
batch is stored."""

_BIT, _DATE, _TIMESTAMP, _DATETIME = 16, 10, 7, 12
_BYTES = 63
_KINDS: dict[int, Kind] = {
    **dict.fromkeys((1, 2, 3, 8, 9, 13), "integer"),
    **dict.fromkeys((0, 4, 5, 246), "number"),
    **dict.fromkeys((253, 254), "text"),
    _DATE: "date",
    _DATETIME: "time",
    _TIMESTAMP: "instant",
}
"""Column types of the protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html"""

_LOST = {1053, 1077, 1079, 1205, 1213, 1317, 1927, 2006, 2013, 2014, 2055, 4031}
_DENIED = {1044, 1142, 1143, 1227, 1370}


class MySQL(Session):
    """A connection whose session is in UTC and may only read."""

    connection: Any
    library: Any
    since: tuple[datetime, datetime]
    quotes: ClassVar[str] = "``"

    @classmethod
    def connect(cls, address: Address, place: Place | None) -> MySQL:
        """Log in."""
        made = cls(address, place)
        made.library = driver("pymysql", place, "MySQL")
        kept = {kind: make for kind, make in made.library.converters.conversions.items() if not isinstance(kind, int)}
        with made.speaking():
            made.connection = made.library.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                charset="utf8mb4",
                connect_timeout=address.timeout,
                read_timeout=_LONGEST_SILENCE,
                conv=kept,
                autocommit=True,
                **_encryption(address),
            )
            wall, utc = made._all("SELECT NOW(6), UTC_TIMESTAMP(6)")[0]
            made.since = datetime.fromisoformat(wall), datetime.fromisoformat(utc).replace(tzinfo=UTC)
            for setting in ("time_zone = '+00:00'", f"net_write_timeout = {_LONGEST_SILENCE}", "TRANSACTION READ ONLY"):
                made._all(f"SET SESSION {setting}")
        return made

    def literal(self, column: Column, text: str) -> str:
        """Instants in the session's zone, which is UTC; text with backslashes by its bytes, as servers differ there."""
        if column.kind in ("integer", "number"):
            return text
        if column.kind == "instant":
            return super().literal(column, text.removesuffix("+00:00"))
        return f"CONVERT(0x{text.encode().hex()} USING utf8mb4)" if "\\" in text else super().literal(column, text)

    def columns(self, select: Select) -> tuple[Column, ...]:
        """The columns of a relation."""
        with self.speaking(), self.connection.cursor() as cursor:
            cursor.execute(self.limited(select, "*", 0))
            return tuple(Column(one[0], _KINDS.get(one[1], "other"), str(one[1])) for one in cursor.description)

    def batches(self, select: Select, columns: Sequence[Column]) -> Iterator[Any]:
        """The rows in small lists, while the server still sends."""
        listed = ", ".join(f"t.{self.quote(column.name)}" for column in columns)
        with self.speaking():
            cursor = self.connection.cursor(self.library.cursors.SSCursor)
            cursor.execute(select.text(listed))
            reading = self._readings(cursor)
            while rows := cursor.fetchmany(_AT_A_TIME):
                yield [_read(row, reading) for row in rows] if reading else rows
            cursor.close()

    def row(self, sql: str) -> tuple[str | None, ...]:
        """The first row."""
        with self.speaking():
            return self._all(sql)[0]

    def tables(self) -> list[str]:
        """Tables and views of all databases that the user may see."""
        sql = (
            "SELECT IF(table_schema = DATABASE(), table_name, CONCAT(table_schema, '.', table_name)) FROM"
            " information_schema.tables WHERE table_schema NOT IN ('information_schema', 'performance_schema', 'sys')"
        )
        with self.speaking():
            return [str(name) for (name,) in self._all(sql)]

    def clock(self) -> tuple[datetime, datetime]:
        """The time at which the connection was made: it goes before all that is read by it."""
        return self.since

    def trouble(self, failure: BaseException) -> tuple[Trouble, str]:
        """By the number of the error."""
        number, said = (*failure.args, "", "")[:2]
        if not isinstance(failure, self.library.Error) or number in _LOST or number in (0, ""):
            return "lost", str(said or failure)
        if number in (1045, 1698, 2059):
            return "login", str(said)
        if number in (2003, 2005, 1040, 1049, 1129, 1130, 1203):
            return "unreachable", str(said)
        return "permission" if number in _DENIED else "no-table" if number == 1146 else "refused", str(said)

    def errors(self) -> tuple[type[BaseException], ...]:
        """What the library raises; of the system's errors, those of a connection that broke."""
        return (self.library.Error, OSError)

    def close(self) -> None:
        """Let go, without reading to its end what the server still sends."""
        result = self.connection._result
        if result is not None:
            result.unbuffered_active = False
        with suppress(OSError, self.library.Error):
            self.connection._force_close()

    def _all(self, sql: str) -> list[tuple[str, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _readings(self, cursor: Any) -> tuple[Callable[[Any], str | None] | None, ...]:
        """How the values of each column are read, where they are not taken as they are; empty where all are."""
        reading = tuple(self._reading(field) for field in cursor._result.fields)
        return reading if any(reading) else ()

    def _reading(self, field: Any) -> Callable[[Any], str | None] | None:
        kind = field.type_code
        if kind == _BIT:
            return lambda value: str(int.from_bytes(value, "big"))
        if kind in (_DATE, _DATETIME, _TIMESTAMP):
            return lambda value: self._time(field.name, value, "+00:00" if kind == _TIMESTAMP else "")
        # Long and short text have the same types as bytes; bytes have the character set of that name.
        return _hexadecimal if field.charsetnr == _BYTES else None

    def _time(self, name: str, value: str, offset: str) -> str | None:
        """`0000-00-00` stands for no date at all; it is read as empty, and counted."""
        if value.startswith("0000-00-00"):
            self.zeros[name] = self.zeros.get(name, 0) + 1
            return None
        return value + offset


def _read(row: tuple[Any, ...], reading: tuple[Callable[[Any], str | None] | None, ...]) -> tuple[str | None, ...]:
    return tuple(
        value if value is None or read is None else read(value) for value, read in zip(row, reading, strict=True)
    )


def _hexadecimal(value: Any) -> str | None:
    return value.hex() if isinstance(value, bytes) else value


def _encryption(address: Address) -> dict[str, Any]:
    """The settings for TLS: `ssl=true` encrypts, `ssl=verify` or `ssl_ca` also looks at the certificate."""
    wanted, authority = address.options.get("ssl", ""), address.options.get("ssl_ca")
    if authority or wanted == "verify":
        return {"ssl_ca": authority, "ssl_verify_cert": True, "ssl_verify_identity": True}
    return {"ssl": {"check_hostname": False}} if wanted in ("true", "1", "required") else {}
