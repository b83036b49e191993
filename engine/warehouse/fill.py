"""Fill a table from raw records: type and judge them, keep the newest of each key, quarantine what is wrong.

Making a table anew and adding batches to it come to the same rows, whatever the split: a rejected row never competes,
and a row that a rule drops stays behind as the newest of its key, so that an older one does not come back to life.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.model import Batch, MappingResult
from engine.sql.mapping import GOOD, REJECTED, name, sql_type, text
from engine.warehouse import Filled, Filling, Load, Rejection, UnknownValues, WarehouseFailed
from engine.warehouse.folder import Folder
from engine.warehouse.session import Session

_META = ("_mapping VARCHAR", "_batch INTEGER", "_row BIGINT", "_fate SMALLINT")
_EXAMPLES = 5


class Filler:
    """Fills one table inside a transaction of its caller."""

    def __init__(self, session: Session, folder: Folder, filling: Filling, run: int) -> None:
        self.session, self.folder, self.filling, self.run = session, folder, filling, run
        self.table = filling.table
        self.target = name(self.table.name)
        self.stage = name(f"{self.table.name} new") if filling.rebuild else name("stage")
        self.key = ", ".join(name(column) for column in self.table.key)

    def fill(self) -> Filled:
        """Do it; returns what became of the records."""
        self._open_stage()
        read = {load.mapping: self._take(load) for load in self.filling.loads}
        outdated = self._pass_over_outdated()
        rejected = self._reject()
        superseded = _added(outdated, self._keep_newest())
        rejections, unknown = self._rejections(), self._unknown()
        if self.filling.rebuild:
            fates = self._fates()
            self.session.do(f"DROP TABLE IF EXISTS {self.target}")
            self.session.do(f"ALTER TABLE {self.stage} RENAME TO {self.target}")
        else:
            superseded = _added(superseded, self._yield_to_newer())
            fates = self._fates()
            self._merge()
        return Filled(
            rows=self.session.one(f"SELECT count(*) FROM {self.target} WHERE _fate = {GOOD}"),
            results=tuple(self._result(mapping, count, fates, superseded, rejected) for mapping, count in read.items()),
            rejections=rejections,
            unknown=unknown,
        )

    # --- steps --------------------------------------------------------------------------------------------------

    def _open_stage(self) -> None:
        columns = ", ".join([*(f"{name(one.name)} {sql_type(one)}" for one in self.table.columns.values()), *_META])
        kind = "TABLE" if self.filling.rebuild else "TEMP TABLE"
        self.session.do(f"DROP TABLE IF EXISTS {self.stage}")
        self.session.do(f"CREATE {kind} {self.stage}({columns})")
        if self.filling.rebuild:
            self.session.do("DELETE FROM engine.quarantine WHERE table_name = ?", [self.table.name])

    def _take(self, load: Load) -> int:
        """Type and judge the records of a mapping into the stage; returns how many there were."""
        self._view(load, load.batches)
        self.session.do(f"INSERT INTO {self.stage} BY NAME {load.recipe.rows}")
        return self.session.one(f"SELECT count(*) FROM {self.stage} WHERE _mapping = {text(load.mapping)}")

    def _view(self, load: Load, batches: Collection[Batch], only: str = "") -> None:
        """Define `raw`: the records of some batches of a load, with the columns of all."""
        if not batches:
            nothing = "NULL::INTEGER AS _batch, NULL::BIGINT AS _row, NULL::VARCHAR AS _file, NULL::VARCHAR AS _text"
            self.session.do(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {nothing} WHERE false")
            return
        lost = next((batch for batch in batches if not (self.folder.root / batch.file).is_file()), None)
        if lost:
            raise WarehouseFailed(f"{lost.file}, the raw records of {lost.part}", lost=True)
        files = ", ".join(text(str(self.folder.root.resolve() / batch.file)) for batch in batches)
        there = {column.casefold() for batch in batches for column in batch.columns}
        missing = {column.casefold(): column for batch in load.batches for column in batch.columns}
        absent = "".join(f", NULL::VARCHAR AS {name(one)}" for key, one in missing.items() if key not in there)
        self.session.do(
            "CREATE OR REPLACE TEMP VIEW raw AS "
            f"SELECT p.* EXCLUDE (_row), coalesce(p._row, p._first + p.file_row_number) AS _row{absent} "
            f"FROM read_parquet([{files}], union_by_name=true, file_row_number=true) p{only}"
        )

    def _pass_over_outdated(self) -> dict[str, int]:
        """Let go of what is wrong in batches of which there is a newer version; returns how many rows of the stage, by mapping."""
        if not self.filling.outdated:
            return {}
        listed = ", ".join(str(number) for number in sorted(self.filling.outdated))
        self.session.do(
            f"DELETE FROM engine.quarantine WHERE table_name = {text(self.table.name)} AND _batch IN ({listed})"
        )
        wrong = f"FROM {self.stage} WHERE _fate = {REJECTED} AND _batch IN ({listed})"
        passed = self._count(wrong)
        self.session.do(f"DELETE {wrong}")
        return passed

    def _reject(self) -> dict[str, int]:
        """Move rejected rows from the stage to quarantine, with every reason; returns how many rows by mapping."""
        rejected = self._count(f"FROM {self.stage} WHERE _fate = {REJECTED}")
        for load in self.filling.loads:
            if load.mapping not in rejected:
                continue
            mine = text(load.mapping)
            self.session.do(
                f"CREATE OR REPLACE TEMP TABLE rejected AS "
                f"SELECT _batch, _row FROM {self.stage} WHERE _fate = {REJECTED} AND _mapping = {mine}"
            )
            batches = {row[0] for row in self.session.all("SELECT DISTINCT _batch FROM rejected")}
            only = " SEMI JOIN rejected r ON r._batch = p._batch AND r._row = coalesce(p._row, p._first + p.file_row_number)"
            self._view(load, [batch for batch in load.batches if batch.number in batches], only)
            self.session.do(
                "INSERT INTO engine.quarantine "
                f"SELECT {mine}, _batch, _row, field, rule, value, {self.run}, {text(self.table.name)} FROM ({load.recipe.reasons})"
            )
        if rejected:
            self.session.do(f"DELETE FROM {self.stage} WHERE _fate = {REJECTED}")
        return rejected

    def _keep_newest(self) -> dict[str, int]:
        """Leave one row of each key in the stage; returns how many rows went, by mapping."""
        self.session.do(
            "CREATE OR REPLACE TEMP TABLE repeated AS SELECT hashed FROM "
            f"(SELECT hash({self.key}) AS hashed FROM {self.stage}) GROUP BY hashed HAVING count(*) > 1"
        )
        if not self.session.one("SELECT count(*) FROM repeated"):
            return {}
        newest = f"{name(self.filling.newest_by)} DESC NULLS LAST, " if self.filling.newest_by else ""
        self.session.do(
            "CREATE OR REPLACE TEMP TABLE older AS SELECT id, _mapping FROM (SELECT rowid AS id, _mapping, row_number() OVER "
            f"(PARTITION BY {self.key} ORDER BY {newest}_batch DESC, _row DESC, _mapping) AS standing FROM {self.stage} "
            f"WHERE hash({self.key}) IN (SELECT hashed FROM repeated)) WHERE standing > 1"
        )
        self.session.do(f"DELETE FROM {self.stage} WHERE rowid IN (SELECT id FROM older)")
        return self._count("FROM older")

    def _yield_to_newer(self) -> dict[str, int]:
        """Take rows from the stage of which the table has a newer one; returns how many, by mapping."""
        if not self.filling.newest_by:
            return {}
        same = " AND ".join(f"old.{name(column)} = s.{name(column)}" for column in self.table.key)
        by = name(self.filling.newest_by)
        newer = f"(old.{by} > s.{by} OR (s.{by} IS NULL AND old.{by} IS NOT NULL))"
        self.session.do(
            "CREATE OR REPLACE TEMP TABLE older AS SELECT s.rowid AS id, s._mapping "
            f"FROM {self.stage} s JOIN {self.target} old ON {same} WHERE {newer}"
        )
        self.session.do(f"DELETE FROM {self.stage} WHERE rowid IN (SELECT id FROM older)")
        return self._count("FROM older")

    def _merge(self) -> None:
        """Put the rows of the stage into the table, in place of those with the same key."""
        same = " AND ".join(f"{self.target}.{name(column)} = s.{name(column)}" for column in self.table.key)
        self.session.do(f"DELETE FROM {self.target} USING {self.stage} s WHERE {same}")
        self.session.do(f"INSERT INTO {self.target} BY NAME SELECT * FROM {self.stage}")
        self.session.do(f"DROP TABLE {self.stage}")

    # --- accounts -----------------------------------------------------------------------------------------------

    def _fates(self) -> dict[str, tuple[int, int]]:
        """For each mapping, how many of its rows in the stage are good and how many a rule drops."""
        rows = self.session.all(
            f"SELECT _mapping, count(*) FILTER (WHERE _fate = {GOOD}), count(*) FILTER (WHERE _fate > {GOOD}) "
            f"FROM {self.stage} GROUP BY _mapping"
        )
        return {mapping: (good, dropped) for mapping, good, dropped in rows}

    def _result(
        self,
        mapping: str,
        read: int,
        fates: dict[str, tuple[int, int]],
        superseded: dict[str, int],
        rejected: dict[str, int],
    ) -> MappingResult:
        good, dropped = fates.get(mapping, (0, 0))
        made = MappingResult(
            mapping, self.table.name, read, good, superseded.get(mapping, 0), rejected.get(mapping, 0), dropped
        )
        if made.read != made.loaded + made.superseded + made.rejected + made.dropped:
            raise AssertionError(f"records of {mapping} do not add up: {made}")
        return made

    def _rejections(self) -> tuple[Rejection, ...]:
        rows = self.session.all(
            "SELECT mapping, field, rule, count(*), min_by(value, (_batch, _row)), min_by(_batch, (_batch, _row)), "
            "min_by(_row, (_batch, _row)) "
            f"FROM engine.quarantine WHERE run = {self.run} AND table_name = {text(self.table.name)} GROUP BY ALL ORDER BY ALL"
        )
        parts = {batch.number: batch.part for load in self.filling.loads for batch in load.batches}
        return tuple(
            Rejection(mapping, field, rule, count, value, parts.get(batch, "?"), row)
            for mapping, field, rule, count, value, batch, row in rows
        )

    def _unknown(self) -> tuple[UnknownValues, ...]:
        return tuple(
            found for load in self.filling.loads for column in load.mapped if (found := self._unknown_in(load, column))
        )

    def _unknown_in(self, load: Load, column: str) -> UnknownValues | None:
        value = name(column)
        rows = self.session.all(
            f"SELECT substr({value}, 9), count(*) FROM {self.stage} WHERE _mapping = {text(load.mapping)} "
            f"AND starts_with({value}, 'unknown:') GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_EXAMPLES}"
        )
        return UnknownValues(load.mapping, column, tuple((word, count) for word, count in rows)) if rows else None

    def _count(self, source: str) -> dict[str, int]:
        return dict(self.session.all(f"SELECT _mapping, count(*) {source} GROUP BY _mapping"))


def _added(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {mapping: counts.get(mapping, 0) + more.get(mapping, 0) for mapping in counts.keys() | more.keys()}
