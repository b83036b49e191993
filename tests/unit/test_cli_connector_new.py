"""What `engine connector new` writes runs as it is: it validates, its tests pass, and an installed package is found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run_tests(folder, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in a folder as somebody would who has just made it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_manifest_validates_and_its_tests_pass(engine_command, tmp_path):
    made = engine_command("connector", "new", "acme_mall", at=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "connectors/acme_mall.yaml written" in made.stdout
    assert engine_command("validate", at=tmp_path).returncode == 0
    done = run_tests(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_manifest_joins_a_project_that_is_there(engine_command, tmp_path):
    project = tmp_path / "project.yaml"
    project.write_text("kind: project\nname: mine\nsources: {}\n", "utf-8")
    made = engine_command("connector", "new", "acme", "--lang", "zh", at=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "`connectors`" in made.stdout
    assert project.read_text("utf-8") == "kind: project\nname: mine\nsources: {}\n"


def test_a_package_passes_its_tests_and_is_found_once_installed(engine_command, tmp_path):
    assert engine_command("connector", "new", "acme_pos", "--python", at=tmp_path).returncode == 0
    folder = tmp_path / "acme_pos-connector"
    done = run_tests(folder)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    installed = folder / "site" / "acme_pos_connector-0.1.0.dist-info"  # what an installer would leave behind
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme_pos-connector\nVersion: 0.1.0\n")
    entry = "[engine.connectors]\nacme_pos = acme_pos_connector:AcmePosConnector\n"
    (installed / "entry_points.txt").write_text(entry)
    paths = os.pathsep.join([str(folder / "site"), str(folder / "src")])
    sound = engine_command("validate", "example", at=folder, PYTHONPATH=paths)
    assert sound.returncode == 0, sound.stderr
    listed = engine_command("connector", "list", at=folder, PYTHONPATH=paths)
    assert "plugin (acme_pos-connector 0.1.0)" in listed.stdout


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Acme", "bad-name"),
        ("acme-mall", "bad-name"),
        ("taobao", "connector-there"),
        ("files", "connector-there"),
        ("rest", "connector-there"),
    ],
)
def test_a_name_that_will_not_do_is_refused(engine_command, tmp_path, name, code):
    made = engine_command("connector", "new", name, at=tmp_path)
    assert made.returncode == 2
    assert f"error[{code}]" in made.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(engine_command, tmp_path):
    there = tmp_path / "tests" / "test_acme.py"
    there.parent.mkdir()
    there.write_text("# mine\n", "utf-8")
    made = engine_command("connector", "new", "acme", "--folder", ".", at=tmp_path)
    assert made.returncode == 2
    assert "error[file-there]" in made.stderr
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [there]
