"""The example from end to end: python run.py

Starts the simulated shops, makes the files and the database, reads all four channels and asks for the figures; then
half a day of Double 11 goes by, and it reads what changed and asks again. Takes about a quarter of a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import generate
from platforms import Shops

MORNING = datetime(2025, 11, 11, 8, tzinfo=generate.BEIJING)
AFTERNOON = datetime(2025, 11, 11, 16, tzinfo=generate.BEIJING)
FIGURES = ("query", "pay_amt", "pay_orders", "aov", "--by", "platform")
CLOCK = Path(__file__).resolve().parent / "clock.py"


def engine(folder: Path, now: datetime, *words: str, **variables: str) -> None:
    """Run a command of the engine in a folder, at that time; end where it fails."""
    print(f"$ engine {' '.join(words)}", flush=True)
    environment = {**os.environ, "PYTHONUTF8": "1", **variables}
    done = subprocess.run(
        [sys.executable, str(CLOCK), now.isoformat(), *words], cwd=folder, env=environment, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def look(folder: Path, now: datetime, shops: Shops) -> None:
    """Read what is new and ask for the figures."""
    generate.write(folder, now)
    print(f"\n==> {now:%d %B %Y, %H:%M} in Beijing", flush=True)
    variables = {**shops.variables(), "POS_URL": "sqlite:///data/pos.db"}
    engine(folder, now, "apply", **variables)
    engine(folder, now, *FIGURES, **variables)


def main(folder: Path) -> None:
    """Both looks, from an empty start: the simulated shops know nothing of an earlier run either."""
    for made in ("build", "data"):
        shutil.rmtree(folder / made, ignore_errors=True)
    shops = Shops(MORNING)
    try:
        look(folder, MORNING, shops)
        shops.go_on(AFTERNOON)
        look(folder, AFTERNOON, shops)
    finally:
        shops.close()


if __name__ == "__main__":
    main(Path(__file__).resolve().parent)
