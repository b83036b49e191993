"""One scan: aggregates over the rows of one table, by the dimensions of a question."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from engine.metric.asking import Asked, Subject
from engine.metric.conditions import home_of, placed
from engine.metric.dimension import Located
from engine.metric.kinds import Sort, sort_of_tree
from engine.metric.meaning import Part
from engine.metric.names import column, free, identifier, source
from engine.metric.reach import Home
from engine.model import Project

_ZERO = exp.Literal.number(0)
_BIGINT = exp.DataType.build("BIGINT", dialect="duckdb")


@dataclass(frozen=True, slots=True)
class Scan:
    """A named SELECT. `names` gives the column of each part, by what the part computes; `reads` what it reads.

    `present` names a column that tells a row of the scan from no row, where a part needs it.
    """

    name: str
    table: str
    time: str | None
    tree: exp.Select
    names: dict[tuple[str, tuple[str, ...]], str]
    reads: dict[str, set[str]]
    present: str | None = None

    def holds(self, part: Part, found: Asked) -> bool:
        """Whether a part is computed here."""
        return (self.table, self.time) == _key(part, found)

    def column(self, part: Part) -> str:
        """The column of a part."""
        return self.names[part.aggregate, part.where]


def scans(project: Project, found: Asked) -> list[Scan]:
    """The scans that compute every part of a question once."""
    groups: dict[tuple[str, str | None], list[Part]] = {}
    for resolved in found.metrics.values():
        for part in resolved.parts.values():
            groups.setdefault(_key(part, found), []).append(part)
    taken = {name.lower() for name in project.tables}
    names = {key: _scan_name(*key, free_of=taken, crowded=len(groups) > 1) for key in groups}
    meet = len(groups) > 1 and bool(found.by)
    return [_scan(project, found, names[key], parts, meet=meet) for key, parts in groups.items()]


def _key(part: Part, found: Asked) -> tuple[str, str | None]:
    return part.table, part.time if found.timed else None


def _scan_name(table: str, time: str | None, *, free_of: set[str], crowded: bool) -> str:
    return free(f"from_{table}_by_{time}" if time and crowded else f"from_{table}", free_of)


def may_be_unknown(project: Project, part: Part) -> bool:
    """Whether a part counts the different values of something that may be missing from every row.

    Orders of a platform that gives no buyer ids have an unknown number of buyers, not none.
    """
    counted = part.distinct
    return counted is not None and not (
        isinstance(counted, exp.Column) and counted.name in project.tables[part.table].key
    )


def _scan(project: Project, found: Asked, name: str, parts: list[Part], *, meet: bool) -> Scan:
    unique: dict[tuple[str, tuple[str, ...]], Part] = {}
    for part in parts:
        unique.setdefault((part.aggregate, part.where), part)
    writer = _Writer(project, found, found.subject(parts[0]), list(unique.values()))
    taken = {other.lower() for other in found.by}
    names = {one: _free_name(project, part, taken) for one, part in unique.items()}
    tree, present = writer.select(list(names.values())), None
    if meet and any(may_be_unknown(project, part) for part in unique.values()):
        present = free("present", taken | {one.lower() for one in names.values()})
        tree = tree.select(_alias(exp.true(), present), copy=False)
    return Scan(name, *_key(parts[0], found), tree, names, writer.reads(), present)


def _free_name(project: Project, part: Part, taken: set[str]) -> str:
    """The name of the metric that the part is all of; for other parts one that no metric has."""
    if part.hint in project.metrics:
        return free(part.hint, taken)
    chosen = free(part.hint, taken | {name.lower() for name in project.metrics})
    taken.add(chosen.lower())
    return chosen


class _Writer:
    """Writes the SELECT of one scan, and remembers which columns it reads."""

    def __init__(self, project: Project, found: Asked, subject: Subject, parts: list[Part]) -> None:
        self.project, self.found, self.subject, self.parts = project, found, subject, parts
        self.located: list[Located] = [places[subject.key] for places in found.by.values()]
        self.homes: dict[str, Home] = {}
        self._remember()
        self.joins = subject.reach.path({home.table for home in self.homes.values()})
        self.qualified = bool(self.joins)

    def select(self, names: list[str]) -> exp.Select:
        """The SELECT, with the parts under these names."""
        filters = self._filters()
        query = exp.select(*self._dimensions(), *map(self._aggregate, self.parts, names, filters))
        query = query.from_(source(self.subject.reach.table), copy=False)
        for join in self.joins:
            same = [exp.EQ(this=column(at, join.parent), expression=column(key, join.table)) for at, key in join.pairs]
            query = query.join(source(join.table), on=exp.and_(*same), join_type="LEFT", copy=False)
        conditions = self._conditions(filters)
        query = query.where(*conditions, copy=False) if conditions else query
        numbers = [exp.Literal.number(index + 1) for index in range(len(self.located))]
        return query.group_by(*numbers, copy=False) if numbers else query

    def reads(self) -> dict[str, set[str]]:
        """The tables that it reads, and their columns."""
        tables: dict[str, set[str]] = {self.subject.reach.table: set()}
        for join in self.joins:
            for at, key in join.pairs:
                tables.setdefault(join.parent, set()).add(at)
                tables.setdefault(join.table, set()).add(key)
        for home in self.homes.values():
            tables.setdefault(home.table, set()).add(home.column.name)
        return tables

    def _remember(self) -> None:
        trees = [self.found.where, *(tree for part in self.parts for tree in (part.tree, *part.conditions))]
        for node in (node for tree in trees if tree is not None for node in tree.find_all(exp.Column)):
            home = self._home(node.name)
            if home:
                self.homes[home.text] = home
        for one in self.located:
            self.homes[one.home.text] = one.home

    def _home(self, name: str) -> Home | None:
        return home_of(self.subject.reach, self.subject.time, name)

    def _placed(self, tree: exp.Expr) -> exp.Expr:
        return placed(tree, self._home, qualified=self.qualified)

    def _dimensions(self) -> list[exp.Expr]:
        trees = [one.tree(qualified=self.qualified) for one in self.located]
        return [_alias(tree, text) for tree, text in zip(trees, self.found.by, strict=True)]

    def _aggregate(self, part: Part, name: str, own: tuple[int, ...]) -> exp.Expr:
        tree = self._narrowed(part.tree, part, own)
        if part.distinct is not None and may_be_unknown(self.project, part):
            known = exp.GT(
                this=self._narrowed(exp.Count(this=part.distinct.copy()), part, own), expression=_ZERO.copy()
            )
            none = exp.EQ(this=self._narrowed(exp.Count(this=exp.Star()), part, own), expression=_ZERO.copy())
            tree = exp.Case(ifs=[exp.If(this=exp.or_(known, none), true=tree)])
        if isinstance(part.tree, exp.Sum) and self._sort(part) == "integer":
            tree = exp.Cast(this=tree, to=_BIGINT.copy())
        return _alias(tree, name)

    def _narrowed(self, aggregate: exp.Expr, part: Part, own: tuple[int, ...]) -> exp.Expr:
        """An aggregate over those rows that meet the conditions which not all parts have."""
        tree = self._placed(aggregate)
        if not own:
            return tree
        narrow = exp.and_(*(self._placed(part.conditions[index]) for index in own))
        return exp.Filter(this=tree, expression=exp.Where(this=narrow))

    def _sort(self, part: Part) -> Sort:
        columns = self.project.tables[part.table].columns
        types: dict[str, Sort] = {name: declared.type for name, declared in columns.items()}
        return sort_of_tree(part.tree, types)

    def _filters(self) -> list[tuple[int, ...]]:
        """For each part the conditions that not all parts have, by their positions."""
        shared = set.intersection(*(set(part.where) for part in self.parts))
        return [tuple(at for at, text in enumerate(part.where) if text not in shared) for part in self.parts]

    def _conditions(self, filters: list[tuple[int, ...]]) -> list[exp.Expr]:
        """What all rows must meet: the question's condition, what all parts ask, and what any of them asks.

        The last keeps groups away in which none of the parts has a row, so that a metric gives the same
        rows whether it is asked alone or next to another.
        """
        first = self.parts[0]
        shared = [first.conditions[at] for at in range(len(first.where)) if at not in filters[0]]
        asked = [self.found.where] if self.found.where is not None else []
        conditions = [self._placed(tree) for tree in (*asked, *shared)]
        if all(filters):
            sides = [
                exp.and_(*(part.conditions[at] for at in own)) for part, own in zip(self.parts, filters, strict=True)
            ]
            conditions.append(self._placed(exp.or_(*dict.fromkeys(sides))))
        return conditions


def _alias(tree: exp.Expr, name: str) -> exp.Expr:
    plain = isinstance(tree, exp.Column) and tree.name == name and not tree.table
    return tree if plain else exp.Alias(this=tree, alias=identifier(name))
