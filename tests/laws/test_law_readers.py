"""Law 8: readers see the last complete apply, whole, while the next one runs and after one that failed."""

from __future__ import annotations

import pytest
from law_stage import Shop, files_of

from engine.api import Findings
from engine.apply import Progress


def sale(number: int, amount: str = "5") -> tuple[str, ...]:
    return ("s1", str(number), "2024-01-01", amount, "paid", "Li")


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path, keep=3)
    made.add("first", "f1.csv", [sale(1)])
    made.apply()
    return made


def counts(shop: Shop, version: int | None = None) -> tuple[int, int]:
    (row,) = shop.workspace.query(["sales", "copies"], version=version).tuples()
    return row


def test_readers_see_the_last_complete_state_while_a_run_is_at_work(shop):
    shop.add("first", "f2.csv", [sale(2)])
    seen: list[tuple[str, tuple[int, int]]] = []

    def look(progress: Progress) -> None:
        seen.append((progress.step, counts(shop)))

    shop.workspace.apply(listener=look)
    assert [step for step, _ in seen] == ["read", "build", "build", "publish"]
    assert {count for _, count in seen} == {(1, 1)}
    assert counts(shop) == (2, 2)


def test_a_reader_keeps_the_version_that_it_opened(shop):
    reader = shop.workspace.published()
    before = reader.rows("SELECT count(*) FROM sale").rows
    for number in (2, 3):
        shop.add("first", f"f{number}.csv", [sale(number)])
        shop.apply()
        assert reader.rows("SELECT count(*) FROM sale").rows == before
    reader.close()


def test_a_failed_apply_publishes_nothing(shop):
    published = files_of(shop.build / "published")
    shop.add("first", "f2.csv", [sale(2)])
    shop.add("second", "f3.csv", [("s1", "5")], ("店铺", "别的"))
    run = shop.apply()
    assert (run.status, run.exit_status, run.builds) == ("failed", 4, ())
    assert counts(shop) == (1, 1)
    now = files_of(shop.build / "published")
    assert {name: now[name] for name in published if name != "runs.json"} == {
        name: content for name, content in published.items() if name != "runs.json"
    }


def test_what_a_failed_apply_read_is_kept_for_the_next(shop):
    shop.add("first", "f2.csv", [sale(2)])
    wrong = shop.add("second", "f3.csv", [("s1", "5")], ("店铺", "别的"))
    assert [one.part for one in shop.apply().reads] == ["in/first/f2.csv"]
    wrong.unlink()
    run = shop.apply()
    assert (run.status, run.reads) == ("done", ())
    assert counts(shop) == (2, 2)


def test_old_versions_answer_until_they_are_forgotten(shop):
    for number in (2, 3, 4, 5):
        shop.add("first", f"f{number}.csv", [sale(number)])
        shop.apply()
    assert {version: counts(shop, version) for version in (3, 4, 5)} == {3: (3, 3), 4: (4, 4), 5: (5, 5)}
    with pytest.raises(Findings, match="no published version 2"):
        counts(shop, 2)
    tables = {file.name for file in (shop.build / "published" / "tables").iterdir()}
    assert tables == {f"{table}-{run:08d}.parquet" for table in ("sale", "copy", "quarantine") for run in (3, 4, 5)}


def test_query_of_a_run_answers_as_of_then(shop, engine_command):
    shop.add("first", "f2.csv", [sale(2)])
    shop.apply()
    then = engine_command("query", "sales", "--run", "1", "--format", "csv", at=shop.folder)
    assert (then.stdout.split()[-1], counts(shop)[0]) == ("1", 2)


def test_a_table_that_did_not_change_is_not_written_again(shop):
    first = {name for name in files_of(shop.build / "published") if name.startswith("tables/copy")}
    shop.add("second", "f2.csv", [sale(2)])
    run = shop.apply()
    assert run.published == 1
    assert {name for name in files_of(shop.build / "published") if name.startswith("tables/copy")} == first


def test_tables_and_quarantine_are_of_the_same_run(shop):
    shop.add("first", "f2.csv", [sale(2, "x")])
    shop.apply()
    assert shop.rows("SELECT count(*) FROM quarantine", 1) == [(0,)]
    assert shop.rows("SELECT count(*) FROM quarantine", 2) == [(2,)]


def test_a_pointer_that_is_half_written_does_not_show(shop):
    (shop.build / "published" / "current.json.new").write_text('{"vers', "utf-8")
    assert counts(shop) == (1, 1)
    shop.add("first", "f2.csv", [sale(2)])
    assert shop.apply().status == "done"
    assert counts(shop) == (2, 2)
