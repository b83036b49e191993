"""Law 4: raw records stay as they were sent, and a changed mapping replays them without asking the source again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from law_stage import COPY, Shop, files_of

from engine.connector import GiveUp, Landing, Rows
from engine.diagnostic import finding
from engine.files import FilesConnector
from engine.model import Part, Source

ROWS = [
    ("s1", "1", "2024-01-01", "5", "paid", "Li"),
    ("s1", "2", "2024-01-01", "五元", "paid", "Wang"),
    ("s1", "3", "2024-01-01", "7", "test", "Zhao"),
]


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.add("first", "a.csv", ROWS)
    made.apply()
    return made


@pytest.fixture
def _sources_are_gone(shop, monkeypatch):
    """The files are deleted, and reading is an error."""
    for file in (shop.folder / "in").rglob("*.csv"):
        file.unlink()

    def read(*_: object, **__: object) -> None:
        raise AssertionError("a source was read")

    monkeypatch.setattr(FilesConnector, "read", read)


@pytest.mark.usefixtures("_sources_are_gone")
def test_a_quarantined_row_comes_back_when_the_mapping_is_mended(shop):
    assert [row[5] for row in shop.quarantine()] == ["五元", "五元"]
    mended = "amount: {from: 金额, map: {五元: '5'}, unknown: keep}"
    for mapping in ("first_sale", "first_copy"):
        shop.change(f"mappings/{mapping}.yaml", "amount: 金额", mended)
    run = shop.apply()
    assert run.status == "done"
    assert not run.reads
    assert shop.quarantine() == []
    assert sorted((row[1], row[3]) for row in shop.sales()) == [("1", 5), ("2", 5)]


@pytest.mark.usefixtures("_sources_are_gone")
def test_a_changed_rule_applies_to_all_records(shop):
    shop.change("mappings/first_sale.yaml", "drop: status = 'test'", "drop: status = 'paid'")
    run = shop.apply()
    assert [(build.table, build.how) for build in run.builds] == [("sale", "rebuild")]
    assert [row[1] for row in shop.sales()] == ["3"]


@pytest.mark.usefixtures("_sources_are_gone")
def test_a_new_table_is_filled_from_what_was_read_before(shop):
    shop.write("model.yaml", (shop.folder / "model.yaml").read_text("utf-8") + """
  other:
    key: [sale_id]
    columns: {sale_id: {type: id}, amount: {type: decimal}}
""")  # fmt: skip
    shop.write("mappings/first_other.yaml", COPY.replace("into: copy", "into: other").replace("  shop: 店铺\n", ""))
    assert shop.apply().status == "done"
    assert shop.rows("SELECT sale_id FROM other ORDER BY 1") == [("1",), ("3",)]


@pytest.mark.usefixtures("_sources_are_gone")
def test_a_lost_working_file_is_made_again_from_raw(shop):
    seen, raw = shop.contents(), files_of(shop.build / "raw")
    version = shop.workspace.published().version
    (shop.build / "working.duckdb").unlink()
    run = shop.apply("all")
    assert run.status == "done"
    assert run.number == version + 1
    assert shop.contents() == seen
    assert files_of(shop.build / "raw") == raw
    assert [one["number"] for one in shop.workspace.runs()] == [version, version + 1]


def test_a_working_file_brought_back_from_a_copy_catches_up(shop):
    """The copy knows less than readers have seen; what was published since is not lost and not doubled."""
    old = (shop.build / "working.duckdb").read_bytes()
    shop.add("second", "b.csv", [("s1", "8", "2024-01-01", "8", "paid", "Qian")])
    shop.apply()
    seen = shop.contents()
    (shop.build / "working.duckdb").write_bytes(old)
    shop.add("second", "c.csv", [("s1", "9", "2024-01-01", "9", "paid", "Sun")])
    run = shop.apply()
    assert run.number == 3
    assert len(run.reads) == 1
    assert [one for one in shop.contents()["sale"] if "'9'" not in one] == seen["sale"]
    assert len(shop.sales()) == 3


def test_raw_files_never_change(shop):
    raw = files_of(shop.build / "raw")
    shop.add("first", "b.csv", [("s1", "4", "2024-01-01", "8", "paid", "Qian")])
    shop.apply()
    shop.change("mappings/first_sale.yaml", "drop: status = 'test'", "drop: status = 'paid'")
    shop.apply()
    shop.apply("all")
    now = files_of(shop.build / "raw")
    assert {name: now[name] for name in raw} == raw
    assert len(now) == len(raw) + 1


def test_raw_files_that_nothing_lists_are_cleaned_up(shop):
    stray = shop.build / "raw" / "first.sales" / "00000099.parquet"
    stray.write_bytes(b"half a file that a run left behind when it died")
    shop.apply("all")
    assert not stray.exists()
    assert len(files_of(shop.build / "raw")) == 1


def test_raw_holds_every_cell_as_it_was_written(tmp_path):
    shop = Shop(tmp_path)
    wild = ("＝1", "007", " 2024年2月9日 ", "¥1,234.50元", '="x"', "a\nb,c")
    shop.add("first", "a.csv", [wild])
    shop.apply()
    reader = shop.workspace.published()
    (row,) = reader.rows(
        f"SELECT 店铺, 单号, 修改时间, 金额, 状态, 买家 FROM {reader.records(reader.state.batches)}"
    ).rows
    assert row == wild


# --- parts that come in several batches -------------------------------------------------------------------------


class Paged:
    """A connector whose part comes in pages, the second of which may fail."""

    def __init__(self, *, fails: bool) -> None:
        self.fails, self.pages = fails, 0
        self.lacking: int | None = None

    def survey(self, source: Source, *_: object) -> list[Part]:
        return [Part("window", "digest")] if source.name == "first" else []

    def read(self, *_: object) -> Iterator[Landing]:
        for page in range(3):
            if page == 1 and self.fails:
                raise GiveUp(finding("nothing-there", feed="page 2"))
            self.pages += 1
            columns = ("店铺", "单号", "别的" if page == self.lacking else "金额")
            yield Landing(Rows(columns, [(2, ("s1", str(page), "1"), None)]), first_row=2)


def test_a_part_that_failed_half_way_is_read_to_its_end_by_the_next_run(tmp_path, monkeypatch):
    shop = Shop(tmp_path)
    connector = Paged(fails=True)
    monkeypatch.setattr(FilesConnector, "survey", connector.survey)
    monkeypatch.setattr(FilesConnector, "read", connector.read)
    assert shop.apply().status == "failed"
    connector.fails = False
    assert shop.apply().status == "done"
    assert connector.pages == 4
    assert {row[1] for row in shop.sales()} == {"0", "1", "2"}


def test_a_part_with_a_batch_that_was_refused_is_read_again(tmp_path, monkeypatch):
    """The first page lacks a column; the pages after it are whole. The part has not been read."""
    shop = Shop(tmp_path)
    connector = Paged(fails=False)
    monkeypatch.setattr(FilesConnector, "survey", connector.survey)
    monkeypatch.setattr(FilesConnector, "read", connector.read)
    connector.lacking = 0
    run = shop.apply()
    assert (run.status, run.exit_status) == ("failed", 4)
    connector.lacking = None
    assert shop.apply().status == "done"
    assert {row[1] for row in shop.sales()} == {"0", "1", "2"}
