"""SQL Server, by Microsoft's own driver: the server writes every value as text, and whole columns of it arrive at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from engine.database.position import Kind
from engine.database.session import Column, Session, Trouble, driver
from engine.database.settings import Address
from engine.database.statement import Select
from engine.diagnostic import Place

_AT_A_TIME = 10_000

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney", "float", "real"), "number"),
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "uniqueidentifier"), "text"),
    **dict.fromkeys(("datetime", "datetime2", "smalldatetime"), "time"),
    "date": "date",
    "datetimeoffset": "instant",
}

_STYLES = {
    **dict.fromkeys(("date", "datetime", "datetime2", "smalldatetime", "time"), "121"),
    "datetimeoffset": "127",  # in UTC, with a Z
    **dict.fromkeys(("money", "smallmoney"), "2"),  # all four decimals
    **dict.fromkeys(("float", "real"), "3"),  # all digits that the value has
}
"""The styles of CONVERT: https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql"""

_BYTES = ("binary", "varbinary", "image", "timestamp", "rowversion")


class SQLServer(Session):
    """A connection of which nothing but SELECT is asked."""

    connection: Any
    library: Any
    quotes: ClassVar[str] = "[]"

    @classmethod
    def connect(cls, address: Address, place: Place | None) -> SQLServer:
        """Log in."""
        made = cls(address, place)
        driver("pyarrow", place, "SQL Server")
        made.library = driver("mssql_python", place, "SQL Server")
        with made.speaking():
            made.connection = made.library.connect(_connection_string(address), autocommit=True, timeout=0)
        return made

    def literal(self, column: Column, text: str) -> str:
        """Times are given the column's own type, or precision would differ at the boundary."""
        if column.kind in ("integer", "number"):
            return text
        plain = "N" + super().literal(column, text)
        return f"CAST({plain} AS {column.type})" if column.kind in ("date", "time", "instant") else plain

    def edges(self, column: Column) -> str:
        """What to list for the lowest and the highest value of a column, as text."""
        style = _STYLES.get(_plain(column.type))
        given, ending = f"t.{self.quote(column.name)}", f", {style}" if style else ""
        return ", ".join(f"CONVERT(nvarchar(100), {edge}({given}){ending})" for edge in ("min", "max"))

    def limited(self, select: Select, listed: str, rows: int) -> str:
        """A statement for the first rows only."""
        return select.text(f"TOP ({rows}) {listed}")

    def columns(self, select: Select) -> tuple[Column, ...]:
        """The columns of a relation, which the server tells without running the query."""
        sql = select.text("*").replace("'", "''")
        with self.speaking():
            # A relation that is not there gives a row with the error here, and a whole error when it is asked for.
            self._all(f"SELECT 1 WHERE EXISTS ({self.limited(select, '1 AS one', 0)})")
            described = self._all(
                "SELECT name, system_type_name FROM sys.dm_exec_describe_first_result_set"
                f"(N'{sql}', NULL, 0) WHERE is_hidden = 0 ORDER BY column_ordinal"
            )
        return tuple(Column(str(name), _KINDS.get(_plain(kind), "other"), str(kind)) for name, kind in described)

    def batches(self, select: Select, columns: Sequence[Column]) -> Iterator[Any]:
        """The rows as record batches of text."""
        listed = ", ".join(f"{self._text(column)} AS {self.quote(column.name)}" for column in columns)
        with self.speaking():
            cursor = self.connection.cursor()
            cursor.execute(select.text(listed))
            with cursor.arrow_reader(_AT_A_TIME) as reader:
                yield from reader

    def row(self, sql: str) -> tuple[str | None, ...]:
        """The first row, as text."""
        with self.speaking():
            return tuple(None if value is None else str(value) for value in self._all(sql)[0])

    def tables(self) -> list[str]:
        """Tables and views of all schemas that the user may see."""
        sql = (
            "SELECT CASE WHEN table_schema = SCHEMA_NAME() THEN '' ELSE table_schema + '.' END + table_name"
            " FROM information_schema.tables"
        )
        with self.speaking():
            return [str(name) for (name,) in self._all(sql)]

    def clock(self) -> tuple[datetime, datetime]:
        """The server's clock."""
        wall, utc = self.row(
            "SELECT CONVERT(nvarchar(40), SYSDATETIME(), 121), CONVERT(nvarchar(40), SYSUTCDATETIME(), 121)"
        )
        return datetime.fromisoformat(str(wall)), datetime.fromisoformat(str(utc)).replace(tzinfo=UTC)

    def trouble(self, failure: BaseException) -> tuple[Trouble, str]:
        """By the words: the driver gives no numbers."""
        said = str(failure)
        told = said.casefold()
        if "login failed" in told:
            return "login", said
        if "permission was denied" in told or "permission denied" in told:
            return "permission", said
        if "invalid object name" in told:
            return "no-table", said
        if not hasattr(self, "connection") or "cannot open database" in told:
            return "unreachable", said
        lost = ("communication link", "connection is broken", "tcp provider", "deadlock", "timeout", "connection was")
        return ("lost" if any(word in told for word in lost) else "refused"), said

    def errors(self) -> tuple[type[BaseException], ...]:
        """What the library raises."""
        return (self.library.Error, OSError, RuntimeError)

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def _all(self, sql: str) -> list[Any]:
        cursor = self.connection.cursor()
        cursor.execute(sql)
        rows = list(cursor.fetchall())
        cursor.close()
        return rows

    def _text(self, column: Column) -> str:
        """The expression that writes a column as text."""
        given, kind = f"t.{self.quote(column.name)}", _plain(column.type)
        if kind in _BYTES:
            return f"LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), {given}), 2))"
        style = _STYLES.get(kind)
        return f"CONVERT(nvarchar(max), {given}{f', {style}' if style else ''})"


def _plain(type_name: Any) -> str:
    """`decimal` for `decimal(12,2)`."""
    return re.sub(r"\(.*", "", str(type_name)).strip().lower()


def _connection_string(address: Address) -> str:
    """Every value in braces, so that none can end early; a closing brace in it is doubled."""
    told = {
        "Server": f"{address.host},{address.port}",
        "Database": address.database,
        "UID": address.user,
        "PWD": address.password,
        "Encrypt": address.options.get("encrypt", "yes"),
        "TrustServerCertificate": address.options.get("trust_certificate", "no"),
        "ApplicationIntent": "ReadOnly",
    }
    return "".join(f"{name}={{{_doubled(value)}}};" for name, value in told.items())


def _doubled(value: str) -> str:
    return value.replace("}", "}}")
