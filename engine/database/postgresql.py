"""PostgreSQL, by its ADBC driver: the server writes every value as text, and whole columns of it arrive at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from engine.database.position import Kind
from engine.database.session import Column, Session, Trouble, driver
from engine.database.settings import Address
from engine.database.statement import Select
from engine.diagnostic import Place

_BYTES_AT_A_TIME = 4 << 20

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("numeric", "float4", "float8"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar", "uuid"), "text"),
    "date": "date",
    "timestamp": "time",
    "timestamptz": "instant",
}


class PostgreSQL(Session):
    """A connection whose session is in UTC and may only read."""

    connection: Any
    library: Any

    @classmethod
    def connect(cls, address: Address, place: Place | None) -> PostgreSQL:
        """Log in."""
        made = cls(address, place)
        driver("pyarrow", place, "PostgreSQL")
        made.library = driver("adbc_driver_postgresql.dbapi", place, "PostgreSQL")
        who = f"{quote(address.user, safe='')}:{quote(address.password, safe='')}@" if address.user else ""
        host = f"[{address.host}]" if ":" in address.host else address.host
        options = urlencode({**address.options, "connect_timeout": address.timeout, "client_encoding": "UTF8"})
        with made.speaking():
            made.connection = made.library.connect(
                f"postgresql://{who}{host}:{address.port}/{quote(address.database, safe='')}?{options}", autocommit=True
            )
            with made.connection.cursor() as cursor:
                for setting in (
                    "default_transaction_read_only = on",
                    "timezone = 'UTC'",
                    "datestyle = 'ISO'",
                    "intervalstyle = 'iso_8601'",
                    "extra_float_digits = 1",
                ):
                    cursor.execute(f"SET {setting}")
        return made

    def columns(self, select: Select) -> tuple[Column, ...]:
        """The columns of a relation."""
        with self.speaking(), self.connection.cursor() as cursor:
            schema = cursor.adbc_execute_schema(select.text("*"))
        types = [(one.name, (one.metadata or {}).get(b"POSTGRESQL:type", b"").decode()) for one in schema]
        return tuple(Column(name, _KINDS.get(kind, "other"), kind) for name, kind in types)

    def batches(self, select: Select, columns: Sequence[Column]) -> Iterator[Any]:
        """The rows as record batches of text."""
        listed = ", ".join(f"{self._text(column)} AS {self.quote(column.name)}" for column in columns)
        with self.speaking(), self.connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BYTES_AT_A_TIME)})
            cursor.execute(select.text(listed))
            yield from cursor.fetch_record_batch()

    def row(self, sql: str) -> tuple[str | None, ...]:
        """The first row, as text."""
        with self.speaking(), self.connection.cursor() as cursor:
            cursor.execute(sql)
            return tuple(None if value is None else str(value) for value in cursor.fetchone())

    def tables(self) -> list[str]:
        """Tables and views of all schemas that the user may see."""
        sql = (
            "SELECT CASE WHEN table_schema = current_schema() THEN '' ELSE table_schema || '.' END || table_name"
            " FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        with self.speaking(), self.connection.cursor() as cursor:
            cursor.execute(sql)
            return [name for (name,) in cursor.fetchall()]

    def clock(self) -> tuple[datetime, datetime]:
        """The server's clock; its own zone is that of its configuration, not of this session."""
        zone = "(SELECT coalesce(nullif(reset_val, ''), 'UTC') FROM pg_settings WHERE name = 'TimeZone')"
        wall, utc = self.row(f"SELECT (now() AT TIME ZONE {zone})::text, (now() AT TIME ZONE 'UTC')::text")
        return datetime.fromisoformat(str(wall)), datetime.fromisoformat(str(utc)).replace(tzinfo=UTC)

    def trouble(self, failure: BaseException) -> tuple[Trouble, str]:
        """By the SQLSTATE; what goes wrong while connecting has none, and what goes wrong in mid-stream is no DB error."""
        state, said = getattr(failure, "sqlstate", None) or "", str(failure).partition("Query was:")[0]
        said = said.partition("ERROR:")[2] or said.rpartition("FATAL:")[2] or said
        if isinstance(failure, OSError) or state[:2] in ("08", "57") or state in ("40001", "40P01"):
            return "lost", said
        if "password" in said or state[:2] == "28":
            return "login", said
        if not state and "connect" in str(failure):
            return "unreachable", said
        return "permission" if state == "42501" else "no-table" if state in ("42P01", "3F000") else "refused", said

    def errors(self) -> tuple[type[BaseException], ...]:
        """What the library raises; while rows arrive it raises errors of the system."""
        return (self.library.Error, OSError, driver("pyarrow", self.place, "PostgreSQL").ArrowException)

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def _text(self, column: Column) -> str:
        """The expression that writes a column as text."""
        given = f"t.{self.quote(column.name)}"
        if column.type == "bytea":
            return f"encode({given}, 'hex')"
        if column.type == "timestamptz":
            return f"CASE WHEN isfinite({given}) THEN {given}::text || ':00' ELSE {given}::text END"
        return f"to_json({given})::text" if column.type.startswith("_") else f"{given}::text"
