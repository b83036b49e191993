"""Names in generated SQL: quoted where SQL would read them as something else."""

from __future__ import annotations

import re

from sqlglot import exp

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")

_WORDS = """
    all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check
    collate collation column columns concurrently constraint create cross default deferrable desc describe distinct
    do else end except false fetch for foreign freeze from full generated glob group having ilike in initially inner
    intersect into is isnull join lambda lateral leading left like limit map natural not notnull null offset on only
    or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify references returning
    right select semi show similar some struct summarize symmetric table tablesample then to trailing true try_cast
    tuple union unique unpack unpivot using variadic verbose when where window with
"""

RESERVED = frozenset(_WORDS.split())
"""The words that DuckDB does not take as a bare name (`duckdb_keywords()`: reserved and type_function)."""


def identifier(name: str) -> exp.Identifier:
    """The name as an identifier, quoted where it must be."""
    return exp.to_identifier(name, quoted=not _PLAIN.match(name) or name in RESERVED)


def column(name: str, table: str | None = None) -> exp.Column:
    """A column, with its table where one is given."""
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def source(name: str) -> exp.Table:
    """A table by its bare name."""
    return exp.Table(this=identifier(name))


def free(name: str, taken: set[str]) -> str:
    """The name, or the first of name_2, name_3 … that is not taken; takes it."""
    chosen, count = name, 1
    while chosen.lower() in taken:
        count += 1
        chosen = f"{name}_{count}"
    taken.add(chosen.lower())
    return chosen
