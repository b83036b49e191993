"""Where answers may be written, what the library shows, and that a bug is told without the secrets in its words."""

from __future__ import annotations

import json
import os
import sys

import pytest

from engine.cli import main
from engine.cli.starter import start
from engine.diagnostic.masking import known

BEGINNINGS = {"a.csv": b"\xef\xbb\xbf", "a.CSV": b"\xef\xbb\xbf", "a.json": b"[", "a.parquet": b"PAR1", "a.xlsx": b"PK"}
ASK = ("query", "order_cnt", "--by", "time.day")


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command; gives its exit code and what it wrote to each stream."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["engine", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    """The starter project, applied once."""
    folder = tmp_path_factory.mktemp("out") / "shop"
    list(start(folder, ("commerce",)))
    before, words = os.getcwd(), sys.argv  # noqa: PTH109
    os.chdir(folder)
    sys.argv = ["engine", "apply", "--quiet"]
    try:
        with pytest.raises(SystemExit) as ending:
            main()
    finally:
        os.chdir(before)
        sys.argv = words
    assert ending.value.code == 0
    return folder


@pytest.fixture
def shop(applied, monkeypatch):
    monkeypatch.chdir(applied)
    return applied


@pytest.mark.parametrize(
    "file",
    [
        "project.yaml",
        "metrics/own.yaml",
        "data/orders/ExportOrderList202511.csv",
        "build/x.csv",
        "build/published/x.json",
    ],
)
@pytest.mark.parametrize("words", [ASK, ("show", "orders")])
def test_nothing_of_the_project_is_written_over(typed, shop, file, words):
    before = (shop / file).read_bytes() if (shop / file).exists() else None
    status, _, err = typed(*words, "--out", file)
    assert status == 2
    assert "error[would-overwrite]" in err
    assert ((shop / file).read_bytes() if (shop / file).exists() else None) == before


def test_a_link_to_a_file_of_the_project_is_that_file(typed, shop, tmp_path):
    (tmp_path / "link.csv").symlink_to(shop / "data" / "orders" / "ExportOrderList202511.csv")
    status, _, err = typed(*ASK, "--out", tmp_path / "link.csv")
    assert status == 2
    assert "error[would-overwrite]" in err


@pytest.mark.parametrize(("name", "begins"), BEGINNINGS.items())
def test_the_name_of_the_file_says_the_form(typed, shop, tmp_path, name, begins):
    status, out, err = typed(*ASK, "--out", tmp_path / name)
    assert (status, out) == (0, "")
    assert f"{tmp_path / name} written" in err
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_name_of_another_form_is_a_matter_of_usage(typed, shop, tmp_path):
    status, _, err = typed(*ASK, "--format", "csv", "--out", tmp_path / "a.xlsx")
    assert status == 2
    assert "does not name a file of the form csv" in err
    assert not (tmp_path / "a.xlsx").exists()


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_binary_forms_need_a_file(typed, shop, form):
    status, out, err = typed(*ASK, "--format", form)
    assert (status, out) == (2, "")
    assert f"--format {form} needs --out FILE" in err


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet", "a.xlsx"])
def test_a_folder_that_is_not_there_is_told(typed, shop, tmp_path, name):
    status, _, err = typed(*ASK, "--out", tmp_path / "absent" / name)
    assert status == 3
    assert "error[unwritable]" in err
    assert "error[bug]" not in err


def test_json_to_the_screen_is_json(typed, shop):
    status, out, _ = typed(*ASK, "--format", "json")
    assert status == 0
    assert json.loads(out)


# --- the library ------------------------------------------------------------------------------------------------


def test_the_library_lists_its_files_and_shows_one(typed):
    status, out, _ = typed("library")
    files = out.split()
    assert status == 0
    assert {"connectors/taobao.yaml", "mappings/tmall_orders.yaml", "metrics/commerce.yaml"} <= set(files)
    for name in ("mappings/tmall_orders", "mappings/tmall_orders.yaml", "library/mappings/tmall_orders.yaml"):
        status, out, _ = typed("library", name)
        assert status == 0
        assert "kind: mapping" in out


def test_the_library_says_what_it_does_not_have(typed):
    status, _, err = typed("library", "mappings/tmall_order", "--lang", "zh")
    assert status == 2
    assert "mappings/tmall_orders.yaml" in err
    assert "[unknown-thing]" in err


# --- bugs -------------------------------------------------------------------------------------------------------


def test_a_bug_is_told_without_secrets(typed, shop, monkeypatch):
    def broken(*_):
        raise ValueError("it met s3cr3t-value-90210")

    known.add("s3cr3t-value-90210")
    monkeypatch.setattr("engine.cli._load", broken)
    monkeypatch.delenv("ENGINE_DEBUG", raising=False)
    status, out, err = typed("validate")
    known.forget()
    assert status == 70
    assert "it met ***" in err
    assert "90210" not in out + err
