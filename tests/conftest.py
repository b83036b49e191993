"""For all tests: no network but the loopback, and the same examples of Hypothesis every time."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

# Making a failing example small takes minutes where each one builds tables: `pytest --hypothesis-profile=shrink` does.
settings.register_profile("shrink", deadline=None, derandomize=True, database=None)
settings.register_profile("engine", settings.get_profile("shrink"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("engine")


class NetworkForbidden(AssertionError):
    """A test tried to reach another machine."""


def _is_here(address: Any) -> bool:
    """Whether a socket address is of this machine: a Unix socket, or the loopback."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return host in ("localhost", "") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and every look-up of a name that leaves this machine."""

    def guarded(method: str) -> Any:
        real = getattr(socket.socket, method)

        def call(self: socket.socket, address: Any, *more: Any) -> Any:
            if not _is_here(address):
                raise NetworkForbidden(f"{method} to {address}")
            return real(self, address, *more)

        return call

    resolve = socket.getaddrinfo

    def looked_up(host: Any, *more: Any, **options: Any) -> Any:
        if host is not None and not _is_here((host,)):
            raise NetworkForbidden(f"look-up of {host}")
        return resolve(host, *more, **options)

    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, guarded(method))
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


ENGINE = (sys.executable, "-c", "from engine.cli import main; main()")
"""The command line in a process of its own, whether or not its script is on the path."""


@pytest.fixture(scope="session")
def engine_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `engine …` for real: `engine_command("apply", "--json", at=folder, NAME="value")`."""

    def run(*words: str, at: Path, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1", **variables}
        return subprocess.run(
            [*ENGINE, *words], cwd=at, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run
