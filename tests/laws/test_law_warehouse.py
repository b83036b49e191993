"""Laws 3, 7 and 10 at the warehouse: one writer, no foreign files, no SQL that reaches outside, whole identifiers."""

from __future__ import annotations

import json
import os
import sqlite3
import stat

import duckdb
import openpyxl
import pytest
from law_stage import Shop, files_of

from engine.api import Findings
from engine.query import forms, sheet
from engine.warehouse import WarehouseFailed
from engine.warehouse.folder import Folder
from engine.warehouse.working import LAYOUT, Working

LONG_IDS = [
    "370000000000000001",
    "3725362658812595205",
    "99999999999999999999",
    "000000000000000000",
    "007",
    "7",
    "1E5",
]


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path / "project")
    made.add("first", "a.csv", [("00501", one, "2024-01-01", "5", "paid", "Li") for one in LONG_IDS])
    made.apply()
    return made


def more_to_do(shop: Shop) -> None:
    shop.add("first", "b.csv", [("00501", "8", "2024-01-01", "6", "paid", "Li")])


def opened(shop: Shop) -> Working:
    return Working(Folder(shop.build), shop.workspace.project.storage, "salt")


# --- one writer -------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_and_told_who_is_at_work(shop, engine_command):
    more_to_do(shop)
    with Folder(shop.build).locked():
        refused = engine_command("apply", at=shop.folder)
        assert refused.returncode == 3
        assert "another run is writing" in refused.stderr
        assert f"process {os.getpid()} on " in refused.stderr
        with pytest.raises(Findings, match="another run"):
            shop.apply()
        assert shop.workspace.query(["sales"]).rows()
    assert shop.apply().status == "done"


def test_a_second_writer_waits_as_long_as_it_is_told(shop):
    more_to_do(shop)
    with Folder(shop.build).locked(), pytest.raises(Findings):
        shop.workspace.apply(lock_timeout=0.05)


def test_a_lock_that_nobody_holds_is_no_lock(shop):
    """A run that died leaves its lock file behind; the system has let go of it."""
    (shop.build / "lock").touch()
    (shop.build / "holder.json").write_text('{"pid": 1, "host": "elsewhere"}', "utf-8")
    more_to_do(shop)
    assert shop.apply().status == "done"


def test_the_run_itself_never_opens_the_working_file_by_other_means(shop, monkeypatch):
    """Closing any handle of the file lets go of the system's lock on it, and another process could write."""
    working = str((shop.build / "working.duckdb").resolve())
    found: list[object] = []
    real = os.open

    def watched(path, *more, **options):
        if isinstance(path, str | os.PathLike) and os.path.realpath(path) == working:
            found.append(path)
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.setattr("builtins.open", _no_open_of(working, open))
    more_to_do(shop)
    assert shop.apply().status == "done"
    assert found == []


def _no_open_of(forbidden, real):
    def opened_(file, *more, **options):
        assert isinstance(file, int) or os.path.realpath(os.fspath(file)) != forbidden
        return real(file, *more, **options)

    return opened_


# --- foreign files ----------------------------------------------------------------------------------------------


def refused(shop: Shop, code: str) -> None:
    """The warehouse is refused with a finding; the file and what readers see stay as they are."""
    more_to_do(shop)
    before, seen = (shop.build / "working.duckdb").read_bytes(), shop.contents()
    with pytest.raises(Findings) as raised:
        shop.apply()
    assert [one.code for one in raised.value.diagnostics] == [code]
    assert raised.value.status == 3
    assert (shop.build / "working.duckdb").read_bytes() == before
    assert shop.contents() == seen


def test_a_hard_link_is_refused(shop):
    os.link(shop.build / "working.duckdb", shop.folder / "other.duckdb")
    refused(shop, "linked-warehouse")


def test_a_newer_layout_is_refused(shop):
    with duckdb.connect(str(shop.build / "working.duckdb")) as connection:
        connection.execute(f"UPDATE engine.fact SET value = '{LAYOUT + 1}' WHERE name = 'layout'")
    refused(shop, "newer-warehouse")


def test_garbage_is_refused(shop, engine_command):
    (shop.build / "working.duckdb").write_bytes(b"this is no database at all" * 1000)
    refused(shop, "not-a-warehouse")
    done = engine_command("apply", at=shop.folder)
    assert done.returncode == 3
    assert "error[not-a-warehouse]" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_database_is_refused(shop):
    (shop.build / "working.duckdb").unlink()
    with sqlite3.connect(shop.build / "working.duckdb") as connection:
        connection.execute("CREATE TABLE t(x)")
    connection.close()
    refused(shop, "not-a-warehouse")


@pytest.mark.slow
@pytest.mark.parametrize("place", [5000, 270_000, 600_000])
def test_a_flipped_bit_is_never_silent(shop, place):
    """DuckDB notices, and what it says becomes a finding or a failed run; or the bit is in no use."""
    seen = shop.contents()
    content = bytearray((shop.build / "working.duckdb").read_bytes())
    content[place % len(content)] ^= 0x10
    (shop.build / "working.duckdb").write_bytes(content)
    try:
        status = shop.apply("all").exit_status
    except Findings as failure:
        status = failure.status
    assert status in (0, 3)
    assert shop.contents() == seen


def test_only_the_owner_may_look(shop):
    assert stat.S_IMODE(shop.build.stat().st_mode) == 0o700
    for name in ("working.duckdb", "salt", "holder.json"):
        assert stat.S_IMODE((shop.build / name).stat().st_mode) == 0o600, name


# --- the sandbox ------------------------------------------------------------------------------------------------

REACHING = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_text('{inside}/raw/../../secret.csv')",
    "SELECT * FROM read_text('{inside}/salt')",
    "SELECT * FROM read_text('{inside}/published/tables/link/secret.csv')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "COPY (SELECT 1) TO '{outside}/out.csv'",
    "COPY (SELECT 1) TO '{inside}/current.json'",
    "EXPORT DATABASE '{outside}/out'",
    "ATTACH '{outside}/other.duckdb'",
    "ATTACH '{inside}/working.duckdb' AS again (READ_ONLY)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '100GB'",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "CREATE SECRET s (TYPE s3)",
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """The two connections that run SQL, and the paths of a file that they must not read, inside and outside."""
    shop = Shop(tmp_path_factory.mktemp("sandbox") / "project")
    shop.add("first", "a.csv", [("s1", "1", "2024-01-01", "5", "paid", "Li")])
    shop.apply()
    secret = shop.folder / "secret.csv"
    secret.write_text("canary\n1\n", "utf-8")
    link = shop.build / "published" / "tables" / "link"
    link.symlink_to(shop.folder)
    warehouse, reader = opened(shop), shop.workspace.published()
    yield warehouse, reader, {"file": secret, "inside": shop.build.resolve(), "outside": shop.folder}
    warehouse.close()
    reader.close()


@pytest.mark.parametrize("sql", REACHING)
def test_sql_reaches_nothing_outside_even_unchecked(sandbox, sql):
    warehouse, reader, places = sandbox
    before = set(files_of(places["outside"]))
    with pytest.raises(WarehouseFailed):
        warehouse._session.all(sql.format(**places))
    with pytest.raises(duckdb.Error):
        reader.rows(sql.format(**places))
    assert set(files_of(places["outside"])) == before


def test_the_sandbox_lets_the_engine_do_its_work(shop):
    more_to_do(shop)
    assert shop.apply("all").status == "done"
    assert shop.workspace.show(["raw", "first.sales"]).rows()


# --- identifiers ------------------------------------------------------------------------------------------------


def test_identifiers_stay_text_from_file_to_answer(shop, tmp_path, engine_command):
    answer = shop.workspace.query(["sales"], by=["sale_id", "shop"], order=["sale_id"])
    wanted = sorted(LONG_IDS)
    assert [row["sale_id"] for row in answer.rows()] == wanted
    assert {row["shop"] for row in answer.rows()} == {"00501"}
    assert [row["sale_id"] for row in json.loads(forms.json(answer))] == wanted
    assert [line.split(",")[0] for line in forms.csv(answer).decode("utf-8-sig").split()[1:]] == wanted
    assert answer.arrow().column("sale_id").to_pylist() == wanted
    assert list(answer.df()["sale_id"]) == wanted
    sheet.xlsx(answer, tmp_path / "a.xlsx", "en")
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows(values_only=True)]
    assert [cell for cell in cells if cell in wanted] == wanted
    said = engine_command("query", "sales", "--by", "sale_id", "--format", "json", at=shop.folder)
    assert sorted(row["sale_id"] for row in json.loads(said.stdout)) == wanted


def test_a_file_whose_identifiers_lost_digits_is_refused_whole(shop):
    shop.add("first", "b.csv", [("1", "3.72537E+18", "2024-01-01", "5", "", ""), ("1", "9", "2024-01-01", "5", "", "")])
    run = shop.apply()
    assert (run.status, run.exit_status) == ("failed", 4)
    assert {one.code for one in run.diagnostics if one.severity == "error"} == {"damaged-ids"}
    assert len(shop.sales()) == len(LONG_IDS)
