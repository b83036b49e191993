"""The shops on Tmall and Douyin, simulated on this machine: nothing here talks to a real platform.

The servers are those that the tests of the project use; they check signature, token, window and page as strictly as
the platforms document it. They stand in the repository and not in the package, so the example runs from a clone.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))  # the simulations are no part of what is installed

try:
    from tests.fakes.serve import platform, start
    from tests.fakes.world import Clock, World
except ImportError as missing:
    sys.exit(f"the simulated platforms are part of the repository; run this from a clone ({missing})")

HOURS = 11.5
"""The shops' records are that old at most when the servers start."""


class Shops:
    """Two simulated shops behind one server on the loopback. Their clock stands until it is moved."""

    def __init__(self, moment: datetime, orders: int = 240) -> None:
        self.clock = Clock(moment.timestamp())
        self.platforms: dict[str, Any] = {}
        self.server, base = start(self.platforms)
        # These seeds leave the first minute after 07:45, where the second run begins to read, without changes.
        for seed, name in enumerate(("taobao", "doudian"), start=19):
            world = World(self.clock, seed=seed)
            self.platforms[name] = platform(name, world, base=base, orders=orders, days=HOURS / 24)

    def variables(self) -> dict[str, str]:
        """What the project's `${…}` stand for, as somebody would set them in an environment."""
        tmall, douyin = (self.platforms[name].settings() for name in ("taobao", "doudian"))
        return {
            "TMALL_APP_KEY": tmall["app_key"],
            "TMALL_APP_SECRET": tmall["app_secret"],
            "TMALL_SESSION": tmall["session"],
            "TMALL_URL": tmall["url"],
            "DOUYIN_APP_KEY": douyin["app_key"],
            "DOUYIN_APP_SECRET": douyin["app_secret"],
            "DOUYIN_SHOP_ID": douyin["shop_id"],
            "DOUYIN_URL": douyin["url"],
        }

    def go_on(self, moment: datetime, new: int = 40, changed: int = 30) -> None:
        """Let time pass until a moment: in each shop orders come in, others are paid, sent or closed, refunds go on."""
        begun, ends = (
            self.clock.time,
            moment.timestamp() - 900,
        )  # the last minutes are quiet: reading stops short of them
        for seed, shop in enumerate(self.platforms.values()):
            world, chance = shop.world, Random(seed)
            steps = ["new"] * new + ["orders"] * changed + ["refunds"] * (changed // 3)
            chance.shuffle(steps)
            for number, step in enumerate(steps, start=1):
                # In the middle of a minute, so that no change stands on the border of two windows: how often such a
                # record is read would depend on the second in which the engine was started.
                at = begun + (ends - begun) * number / len(steps)
                self.clock.time = at - at % 60 + 30
                if step == "new":
                    world.add("orders")
                else:
                    world.touch(step, chance.choice(sorted(world.records[step])))
        self.clock.time = moment.timestamp()

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()
