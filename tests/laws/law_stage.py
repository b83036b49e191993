"""A small project for the laws, and a plain-Python oracle of it.

Two sources feed one table, and one of them a second table too.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from engine.api import Workspace, load
from engine.apply.building import build
from engine.connector import Landing, Rows
from engine.model import Batch, Build, MappingResult, Run, State, TableState
from engine.warehouse.folder import Folder
from engine.warehouse.working import Working

MODEL = """
kind: model
tables:
  sale:
    key: [shop, sale_id]
    time: changed_at
    columns:
      shop: {type: id}
      sale_id: {type: id}
      changed_at: {type: timestamp}
      amount: {type: decimal, unit: CNY}
      status: {type: text}
      buyer: {type: text, pii: P2}
  copy:
    key: [shop, sale_id]
    columns:
      shop: {type: id}
      sale_id: {type: id}
      amount: {type: decimal, unit: CNY}
"""

PROJECT = """
kind: project
name: laws
warehouse: {threads: 2, keep: KEEP}
sources:
  first: {connector: files, streams: {sales: {path: in/first/*.csv}}}
  second: {connector: files, streams: {sales: {path: in/second/*.csv}}}
models: [model.yaml]
mappings: [mappings/*.yaml]
metrics: [metrics.yaml]
"""

SALE = """
kind: mapping
from: SOURCE.sales
into: sale
NEWEST
fields:
  shop: SHOP
  sale_id: 单号
  changed_at: {from: 修改时间, optional: true}
  amount: 金额
  status: {from: 状态, optional: true}
  buyer: {from: 买家, optional: true}
rules:
  - reject: amount < 0
    because: a negative amount
  - drop: status = 'test'
    because: a test
"""

COPY = """
kind: mapping
from: first.sales
into: copy
fields:
  shop: 店铺
  sale_id: 单号
  amount: 金额
"""

METRICS = """
kind: metrics
metrics:
  sales: {zh: 单数, table: sale, measure: count(*)}
  amount: {zh: 金额, table: sale, measure: sum(amount)}
  copies: {zh: 抄送单数, table: copy, measure: count(*), time: null_time}
""".replace(", time: null_time", "")

COLUMNS = ("店铺", "单号", "修改时间", "金额", "状态", "买家")
HEADERS = (
    COLUMNS,
    COLUMNS,
    ("店铺", "单 号", "修改时间", "金 额", "状 态", "买家"),
    ("店铺", "单号", "", "金额", "", ""),
)
"""What the columns are called from file to file: as they are, spelled otherwise, without those that may be missing."""

Record = tuple[str, str, str, str, str, str]


@dataclass
class Shop:
    """The project in a folder.

    Without `newest` the last record of a key wins, and each source has a shop of its own.
    """

    folder: Path
    newest: bool = True
    keep: int = 5
    _workspace: Workspace | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for inside in ("mappings", "in/first", "in/second"):
            (self.folder / inside).mkdir(parents=True, exist_ok=True)
        self.write("project.yaml", PROJECT.replace("KEEP", str(self.keep)))
        self.write("model.yaml", MODEL)
        self.write("metrics.yaml", METRICS)
        for source in ("first", "second"):
            newest, shop = ("newest_by: changed_at", "店铺") if self.newest else ("", "_shop")
            text = SALE.replace("SOURCE", source).replace("NEWEST", newest).replace("SHOP", shop)
            self.write(f"mappings/{source}_sale.yaml", text)
        self.write("mappings/first_copy.yaml", COPY)

    def __repr__(self) -> str:
        return f"<shop in {self.folder}>"

    @property
    def workspace(self) -> Workspace:
        """The project, loaded once; `reload` after a manifest changed."""
        self._workspace = self._workspace or load(self.folder)
        return self._workspace

    @property
    def build(self) -> Path:
        return self.folder / "build"

    def reload(self) -> Workspace:
        self._workspace = None
        return self.workspace

    def write(self, name: str, text: str) -> Path:
        """Write a manifest; the project is loaded anew when it is next used."""
        self._workspace = None
        file = self.folder / name
        file.write_text(text, "utf-8")
        return file

    def change(self, name: str, old: str, new: str) -> None:
        """Put `new` in place of `old` in a manifest."""
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def add(self, source: str, name: str, records: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> Path:
        """Put a file of records where a source finds it."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *records])
        file = self.folder / "in" / source / name
        file.write_text(text.getvalue(), "utf-8")
        return file

    def apply(self, *rebuild: str) -> Run:
        return self.workspace.apply(rebuild=rebuild)

    def rows(self, sql: str, version: int | None = None) -> list[tuple[Any, ...]]:
        """Rows of the published state."""
        reader = self.workspace.published(version)
        try:
            return reader.rows(sql).rows
        finally:
            reader.close()

    def sales(self, version: int | None = None) -> set[tuple[Any, ...]]:
        """The published sales with their trace, each once."""
        found = self.rows("SELECT shop, sale_id, changed_at, amount, status, buyer, _batch, _row FROM sale", version)
        assert len(found) == len(set(found))
        return set(found)

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT mapping, _batch, _row, field, rule, value FROM quarantine ORDER BY ALL")

    def contents(self) -> dict[str, Any]:
        """Everything that readers can see of the tables, in a form that two folders can be compared by."""
        return {
            "sale": sorted(map(repr, self.rows("SELECT shop, sale_id, changed_at, amount, status, buyer FROM sale"))),
            "copy": sorted(map(repr, self.rows("SELECT shop, sale_id, amount FROM copy"))),
        }


# --- oracle -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What becomes of a record by itself: `fate` is good, dropped or rejected."""

    fate: str
    key: tuple[str, str]
    changed_at: datetime | None
    row: tuple[Any, ...]


def judge(record: Record) -> Judged:
    """Judge a record of the vocabulary that the tests draw from."""
    shop, sale_id, changed, amount, status, buyer = (value or None for value in record)
    moment = money = None
    bad = shop is None or sale_id is None
    try:
        moment = datetime.fromisoformat(changed) if changed else None
    except ValueError:
        bad = True
    try:
        money = Decimal(amount) if amount else None
        bad = bad or (money is not None and (money < 0 or money != round(money, 2)))
    except ArithmeticError:
        bad = True
    fate = "rejected" if bad else "dropped" if status == "test" else "good"
    return Judged(fate, (shop or "", sale_id or ""), moment, (shop, sale_id, moment, money, status, buyer))


@dataclass
class Oracle:
    """What the table `sale` must hold after batches were taken in, one after another."""

    newest: bool
    winners: dict[tuple[str, str], tuple[Any, Judged, tuple[int, int]]] = field(default_factory=dict)
    wrong: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    newest_of: dict[tuple[str, str], int] = field(default_factory=dict)
    read: int = 0

    def take(
        self,
        batch: int,
        source: str,
        records: Iterable[Record | None],
        columns: Sequence[str] = COLUMNS,
        part: str | None = None,
    ) -> None:
        """Take in a batch; its records stand in the file from row 2 on, and None is one that cannot be read."""
        self.wrong[batch] = set()
        self.newest_of[source, part or f"part {batch}"] = batch
        for row, record in enumerate(records, start=2):
            self.read += 1
            shop, *others = [value if column else "" for value, column in zip(record or COLUMNS, columns, strict=True)]
            judged = judge((shop if self.newest else source, *others)) if record else None
            if judged is None or judged.fate == "rejected":
                self.wrong[batch].add((batch, row))
                continue
            moment = judged.changed_at if self.newest else None
            rank = (moment is not None, moment or datetime.min, batch, row)
            held = self.winners.get(judged.key)
            if held is None or rank > held[0]:
                self.winners[judged.key] = (rank, judged, (batch, row))

    @property
    def sales(self) -> set[tuple[Any, ...]]:
        return {(*judged.row, *place) for _, judged, place in self.winners.values() if judged.fate == "good"}

    @property
    def rejected(self) -> set[tuple[int, int]]:
        """Rows that are wrong in a part as it is now; what was wrong in an older version of it is past."""
        return set().union(*(self.wrong[batch] for batch in self.newest_of.values()))

    @property
    def dropped(self) -> int:
        return sum(judged.fate == "dropped" for _, judged, _ in self.winners.values())


def adds_up(run: Run) -> bool:
    """Whether the counts of every mapping of a run add up."""
    return all(
        one.read == one.loaded + one.superseded + one.rejected + one.dropped
        for build in run.builds
        for one in build.mappings
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name there."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def read_json(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


# --- without the way through files ------------------------------------------------------------------------------


@dataclass
class Bench:
    """Builds the table `sale` from batches, as `apply` does between reading and publishing.

    The warehouse is opened once. `begin` starts over with an empty table; batches are numbered on.
    """

    shop: Shop
    warehouse: Working
    number: int = 0
    run: int = 0
    batches: list[Batch] = field(default_factory=list)
    taken: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        return f"<bench at batch {self.number}>"

    @classmethod
    def open(cls, folder: Path, *, newest: bool) -> Bench:
        shop = Shop(folder, newest=newest)
        return cls(shop, Working(Folder(shop.build), shop.workspace.project.storage, "salt"))

    def begin(self) -> None:
        self.batches, self.taken = [], None

    def land(
        self, source: str, records: Sequence[Record | None], columns: Sequence[str] = COLUMNS, part: str | None = None
    ) -> Batch:
        """Store a batch, of a part of its own or of one that was there before with other content.

        None stands for a row that does not fit the columns. Columns without a name are left out.
        """
        self.number += 1
        kept = [at for at, column in enumerate(columns) if column]
        values = [
            (row, tuple(one[at] or None for at in kept) if one else (), None if one else "a row that does not fit")
            for row, one in enumerate(records, start=2)
        ]
        landing = Landing(Rows(tuple(columns[at] for at in kept), values), first_row=2)
        part = part or f"part {self.number}"
        landed = self.warehouse.land(landing, self.number, f"{source}.sales", part)
        digest = str(self.number)
        batch = Batch(
            self.number, 1, source, "sales", part, digest, "", landed.file, landed.rows, landed.columns, first_row=2
        )
        self.batches.append(batch)
        return batch

    def build(self, how: Literal["extend", "rebuild"] = "extend") -> tuple[MappingResult, ...]:
        """Bring the table up to date; the first time after `begin` it is made anew."""
        self.run += 1
        how = "rebuild" if self.taken is None else how
        known = TableState("sale", "", self.taken or (), self.run, 0)
        state = State(self.run, tuple(self.batches), {"sale": known})
        step = Build("sale", how, "", ("first_sale", "second_sale"), (), "")
        result, _ = build(self.shop.workspace.project, step, state, self.warehouse, self.run)
        self.taken = tuple(batch.number for batch in self.batches)
        return result.mappings

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.warehouse._session.all(sql)

    def sales(self) -> list[tuple[Any, ...]]:
        columns = "shop, sale_id, changed_at, amount, status, buyer, _batch, _row"
        return self.rows(f"SELECT {columns} FROM sale WHERE _fate = 0 ORDER BY ALL")

    def everything(self) -> list[tuple[Any, ...]]:
        """The table with the rows that rules drop, and quarantine."""
        quarantine = "SELECT mapping, _batch, _row, field, rule, value FROM engine.quarantine ORDER BY ALL"
        return self.rows("SELECT * FROM sale ORDER BY ALL") + self.rows(quarantine)
