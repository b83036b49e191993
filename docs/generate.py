"""Make what the documentation takes from the code: reference pages, what commands print, the picture of the README.

python docs/generate.py            # write what has changed
python docs/generate.py --check    # change nothing; say what is out of date, and exit with 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from generating.commands import cli
from generating.connectors import language, shipped_connectors
from generating.diagnostics import diagnostics
from generating.functions import functions_page
from generating.library import metrics, shipped, tables
from generating.manifests import files_page, manifest
from pages import ROOT, all_pages, run, runs

from engine.load import KINDS

REFERENCE = ROOT / "docs" / "reference"


def reference() -> dict[Path, str]:
    """All reference pages, by file."""
    project = shipped()
    made = {f"{kind}.md": manifest(kind) for kind in (*KINDS, "template") if kind != "connector"} | {
        "connector.md": manifest("connector", *language()),
        "connectors.md": shipped_connectors(),
        "files.md": files_page(),
        "diagnostics.md": diagnostics(),
        "functions.md": functions_page(),
        "cli.md": cli(),
        "tables.md": tables(project),
        "library-metrics.md": metrics(project),
    }
    return {REFERENCE / name: text for name, text in made.items()}


def outdated() -> Iterator[tuple[Path, str, str]]:
    """Files that are not as they should be, what they should hold, and why."""
    for file, text in reference().items():
        if not file.exists() or file.read_text("utf-8") != text:
            yield file, text, "the code says something else"
    for file in all_pages():
        if runs(file):
            text, differences = run(file)
            if differences:
                yield file, text, "\n".join(map(str, differences))
    if sys.platform != "win32":
        import picture

        made = picture.picture()
        if not picture.FILE.exists() or picture.said(picture.FILE.read_text("utf-8")) != picture.said(made):
            yield picture.FILE, made, "the commands print something else"


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 where something is out of date"
    )
    check = parser.parse_args().check
    wrong = 0
    for file, text, why in outdated():
        name = file.relative_to(ROOT).as_posix()
        wrong += 1
        if check:
            sys.stdout.write(f"{name} is out of date: {why}\n")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            sys.stdout.write(f"{name} written\n")
    if check and wrong:
        sys.stdout.write("run `make docs`\n")
    elif not wrong:
        sys.stdout.write("the documentation says what the code does\n")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
