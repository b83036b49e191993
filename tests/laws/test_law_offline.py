"""Laws 1 and 2: `validate` and `plan` reach nothing and change nothing, and a plan is a value."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from conftest import NetworkForbidden
from law_stage import Shop, files_of

from engine.plan import as_json, plan
from engine.survey import survey


@pytest.fixture
def shop(tmp_path):
    """A shop with a file, applied once, and another file that is new."""
    made = Shop(tmp_path)
    made.add("first", "a.csv", [("s1", "1", "2024-01-01", "5", "paid", "Li")])
    made.apply()
    made.add("second", "b.csv", [("s1", "2", "2024-01-01", "6", "paid", "Li")])
    return made


@pytest.fixture
def _no_sockets_at_all(shop, monkeypatch):
    """Not even the loopback."""

    def refused(*_: object, **__: object) -> None:
        raise NetworkForbidden("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def test_the_guard_of_these_tests_holds():
    with pytest.raises(NetworkForbidden):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(NetworkForbidden):
        socket.getaddrinfo("example.com", 443)


@pytest.mark.usefixtures("_no_sockets_at_all")
def test_check_and_plan_reach_nothing(shop):
    shop.reload()
    assert not [one for one in shop.workspace.check() if one.severity == "error"]
    assert len(shop.workspace.plan().reads) == 1


def test_check_and_plan_write_nothing(shop):
    before = files_of(shop.folder)
    shop.reload().check()
    shop.workspace.plan()
    shop.workspace.plan(rebuild=["all"])
    shop.workspace.sql()
    shop.workspace.compile(["sales"], by=["status"])
    assert files_of(shop.folder) == before


def test_a_project_that_was_never_applied_gets_no_folder(tmp_path, engine_command):
    shop = Shop(tmp_path)
    before = files_of(shop.folder)
    assert engine_command("validate", at=tmp_path).returncode == 0
    assert not shop.workspace.plan().is_empty
    assert shop.workspace.runs() == []
    assert files_of(shop.folder) == before
    assert not shop.build.exists()


def test_equal_manifests_and_state_give_equal_plans(shop):
    first = as_json(shop.workspace.plan())
    assert as_json(shop.reload().plan()) == first
    assert first != as_json(shop.workspace.plan(rebuild=["all"]))


def test_a_plan_does_not_depend_on_the_order_of_dictionaries(shop):
    project, state = shop.workspace.project, shop.workspace.state()
    found, _ = survey(project, state)
    turned = dict(reversed(found.items()))
    assert as_json(plan(project, state, turned)) == as_json(plan(project, state, found))


def test_plans_of_other_processes_are_the_same_byte_for_byte(tmp_path, engine_command):
    """With many metrics that are new, so that an order of sets would show."""
    shop = Shop(tmp_path)
    shop.add("first", "a.csv", [("s1", "1", "2024-01-01", "5", "paid", "Li")])
    shop.change("project.yaml", "models:", "use: [metrics/commerce]\nmodels:")
    said = {
        engine_command("plan", "--json", at=shop.folder, PYTHONHASHSEED=seed, TZ=zone).stdout
        for seed, zone in (("1", "Asia/Kolkata"), ("4242", "America/New_York"))
    }
    assert said == {as_json(shop.workspace.plan()) + "\n"}


def test_a_plan_does_not_depend_on_where_the_project_is(shop, tmp_path_factory):
    other = Shop(tmp_path_factory.mktemp("other"))
    for file in (shop.folder / "in").rglob("*.csv"):
        target = other.folder / file.relative_to(shop.folder)
        target.write_bytes(file.read_bytes())
    found, _ = survey(other.workspace.project, shop.workspace.state())
    stamped = {feed: [(part.name, part.digest) for part in parts] for feed, parts in found.items()}
    here, _ = survey(shop.workspace.project, shop.workspace.state())
    assert stamped == {feed: [(part.name, part.digest) for part in parts] for feed, parts in here.items()}


def test_nothing_to_do_is_an_empty_plan(shop):
    shop.apply()
    assert shop.workspace.plan().is_empty
    before = files_of(shop.build / "published")
    assert shop.apply().status == "nothing"
    assert files_of(shop.build / "published") == before


def test_a_touched_file_is_not_a_new_file(shop):
    shop.apply()
    for file in Path(shop.folder / "in").rglob("*.csv"):
        file.write_bytes(file.read_bytes())
    assert shop.workspace.plan().is_empty
