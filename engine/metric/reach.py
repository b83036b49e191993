"""Which columns the rows of a table have: their own, and those of the tables that they belong to.

A join leads to a table by that table's full key, so a row finds at most one other and no join multiplies
rows; that stays true over several joins in a row. The nearest column of a name is meant. Two of them at the
same distance leave the name open: it must be written as `table.column`.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import Column, Project, Table
from engine.sql.expression import KINDS, Kind

PRIVATE = ("P2", "P3")
"""Classes of personal data whose values never leave: such a column may be counted, and nothing else."""


@dataclass(frozen=True, slots=True)
class Join:
    """From a table to one that its rows belong to; `pairs` are (column there, key column here)."""

    table: str
    parent: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Home:
    """A column and the table that it stands in."""

    table: str
    column: Column

    @property
    def text(self) -> str:
        """The column with its table's name."""
        return f"{self.table}.{self.column.name}"

    @property
    def is_private(self) -> bool:
        """Whether its values identify a person."""
        return self.column.pii in PRIVATE


@dataclass(frozen=True, slots=True)
class Reach:
    """The columns that the rows of a table have. A name with several homes is open."""

    table: str
    joins: dict[str, Join]
    homes: dict[str, tuple[Home, ...]]

    def find(self, name: str) -> tuple[Home, ...]:
        """The homes of a name, plain or as `table.column`: none, one, or several where it is open."""
        table, dot, plain = name.rpartition(".")
        if not dot:
            return self.homes.get(name, ())
        return tuple(home for home in self.homes.get(name, ()) if home.table == table and home.column.name == plain)

    def one(self, name: str) -> Home | None:
        """The only home of a name."""
        homes = self.find(name)
        return homes[0] if len(homes) == 1 else None

    def columns(self) -> dict[str, Kind]:
        """The names that a condition may use, with the kind of each."""
        return {
            name: KINDS[homes[0].column.type]
            for name, homes in self.homes.items()
            if "." not in name and len(homes) == 1 and not homes[0].is_private
        }

    def path(self, tables: set[str]) -> tuple[Join, ...]:
        """The joins that lead to these tables, each after those that it needs."""
        needed: set[str] = set()
        for table in tables:
            while table != self.table and table not in needed:
                needed.add(table)
                table = self.joins[table].parent
        return tuple(join for join in self.joins.values() if join.table in needed)


def reach(project: Project, table: str) -> Reach:
    """What the rows of a declared table have."""
    joins = _joins(project, table)
    homes: dict[str, tuple[Home, ...]] = {}
    for near in _by_distance(table, joins):
        level: dict[str, tuple[Home, ...]] = {}
        for name in near:
            for column in project.tables[name].columns.values():
                home = Home(name, column)
                homes[home.text] = (home,)
                level[column.name] = (*level.get(column.name, ()), home)
        homes |= {name: found for name, found in level.items() if name not in homes}
    return Reach(table, joins, homes)


def _joins(project: Project, table: str) -> dict[str, Join]:
    found: dict[str, Join] = {}
    queue = [table]
    for current in queue:
        for other, columns in project.tables[current].joins.items():
            target = project.tables.get(other)
            if target and other != table and other not in found and _is_whole(project.tables[current], columns, target):
                found[other] = Join(other, current, tuple(zip(columns, target.key, strict=True)))
                queue.append(other)
    return found


def _is_whole(table: Table, columns: tuple[str, ...], target: Table) -> bool:
    """Whether the columns exist and cover the whole key of the target, so that the join cannot fan out."""
    return bool(target.key) and len(columns) == len(target.key) and all(name in table.columns for name in columns)


def _by_distance(table: str, joins: dict[str, Join]) -> list[list[str]]:
    levels = [[table]]
    while nearer := [join.table for join in joins.values() if join.parent in levels[-1]]:
        levels.append(nearer)
    return levels
