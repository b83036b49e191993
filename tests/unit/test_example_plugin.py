"""The example of a plugin: its own tests, with the package taken from its folder, and its project from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import engine.api
from engine.connector import connector, connectors
from engine.testing import Simulated

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin_loyalty"
sys.path.append(str(EXAMPLE / "src"))  # as an installation would; the name `engine_loyalty` is nobody else's


def _loaded(file: Path) -> ModuleType:
    """A file as a module."""
    spec = spec_from_file_location(f"example_{file.stem}", file)
    assert spec
    assert spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


fake = import_module("engine_loyalty.fake")
own_tests = _loaded(EXAMPLE / "tests" / "test_loyalty.py")
globals().update({name: one for name, one in vars(own_tests).items() if name.startswith("test_")})


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The entry point of the example, as if its package were installed."""
    real = metadata.entry_points
    point = metadata.EntryPoint("loyalty", "engine_loyalty:LoyaltyConnector", "engine.connectors")

    def entry_points(**wanted: str) -> metadata.EntryPoints:
        return metadata.EntryPoints([*real(**wanted), *([point] if wanted == {"group": point.group} else [])])

    monkeypatch.setattr("engine.connector.entry_points", entry_points)
    connectors.cache_clear()
    connector.cache_clear()
    yield
    connectors.cache_clear()
    connector.cache_clear()


def test_its_project_from_end_to_end(tmp_path, monkeypatch):
    club = fake.Club(busy=3)
    _project(tmp_path)
    for name, value in _variables("https://club.example/exchange").items():
        monkeypatch.setenv(name, value)
    store = engine.api.load(tmp_path)
    assert store.check() == ()
    for _ in range(2):
        assert store.apply(client=Simulated(club, club.clock)).exit_status == 0
        given = sum(int(one["points"]) for one in club.truth("ledger").values() if int(one["points"]) > 0)
        assert store.query(["points_given"]).rows() == [{"points_given": given}]
        club.clock.sleep(3600)
        club.book()
    assert store.apply(client=Simulated(club, club.clock)).exit_status == 0
    club.clock.sleep(30)
    assert store.apply(client=Simulated(club, club.clock)).status == "nothing"


@pytest.mark.slow
def test_the_package_is_found_once_it_is_installed(tmp_path):
    """Built and installed for real, into a folder; the project then reads the served system in a process of its own."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the package, is not installed")
    installed, project = tmp_path / "installed", tmp_path / "project"
    build = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    _run("-m", "pip", *build, "--target", str(installed), str(EXAMPLE))
    _project(project)
    server = fake.served(fake.Club(fake.RealClock()), 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    variables = {**_variables(f"http://127.0.0.1:{server.server_port}"), "PYTHONPATH": str(installed)}
    try:
        found = _run("-c", "from engine.connector import connectors; print(connectors()['loyalty'])", **variables)
        assert found.strip() == "engine_loyalty:LoyaltyConnector"
        listed = {one["name"]: one for one in json.loads(_engine("connector list --json", project, variables))}
        assert "commerce-engine-loyalty" in json.dumps(listed["loyalty"])
        _engine("validate", project, variables)
        assert "club.ledger" in _engine("apply --quiet", project, variables)
    finally:
        server.shutdown()
        server.server_close()


def _project(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in (EXAMPLE / "project").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")


def _variables(url: str) -> dict[str, str]:
    return {"LOYALTY_URL": url, "LOYALTY_KEY": fake.KEY, "LOYALTY_SECRET": fake.SECRET}


def _engine(command: str, project: Path, variables: dict[str, str]) -> str:
    """What a command line prints, in a process of its own."""
    called = f"import sys; sys.argv[1:] = {command.split()!r}; from engine.cli import main; main()"
    return _run("-c", called, at=project, **variables)


def _run(*words: str, at: Path | None = None, **variables: str) -> str:
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1"}
    python_path = [variables.pop("PYTHONPATH", ""), os.environ.get("PYTHONPATH", "")]
    environment |= {**variables, "PYTHONPATH": os.pathsep.join(one for one in python_path if one)}
    done = subprocess.run(
        [sys.executable, *words], cwd=at, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
