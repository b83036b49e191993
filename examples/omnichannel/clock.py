"""Run the engine's command line as if it were another time: python clock.py 2025-11-11T08:00:00+08:00 apply

The simulated shops of this example live on one day in November 2025, and refuse requests whose clock is more than ten
minutes off, as the real platforms do. Only what asks for the seconds since 1970 is moved; how long things take is not.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime


def move_to(moment: datetime) -> None:
    """Let the clock of this process stand at a moment, and go on from there."""
    now = time.time
    ahead = moment.timestamp() - now()
    time.time = lambda: now() + ahead


def main() -> None:
    move_to(datetime.fromisoformat(sys.argv.pop(1)))
    from engine.cli import main as engine  # only now: what it keeps of the clock has to be the moved one

    sys.argv[0] = "engine"
    engine()


if __name__ == "__main__":
    main()
