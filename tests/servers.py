"""Private database servers for tests: each in a temporary folder, on a free port of the loopback, gone afterwards.

A server starts only where its programs are on the machine; a test that needs one is skipped with the reason otherwise.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

USER, PASSWORD = "shop", "p@ss/word"
_READY_AFTER = 60


@dataclass
class Server:
    """A server that runs: where it listens, and how to speak to it as its owner."""

    scheme: str
    port: int
    folder: Path
    client: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def url(self, database: str = "shop", user: str = USER, password: str = "p%40ss%2Fword") -> str:
        """The address of a database of it, as a manifest gives it."""
        return f"{self.scheme}://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "shop") -> str:
        """Carry out SQL as the owner of the server; what it answers as text."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            [*self.client, database], input=sql.encode(), env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server with a database `shop`; the user `shop` may read it."""
    daemon, install, client = _program("mariadbd"), _program("mariadb-install-db"), _program("mariadb")
    with _folder() as folder:
        data, port, pipe = folder / "data", free_port(), folder / "s"
        own = ["--no-defaults", f"--datadir={data}"]
        _quietly([install, *own, "--auth-root-authentication-method=normal", "--skip-test-db", f"--user={_me()}"])
        words = [*own, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={pipe}", f"--user={_me()}"]
        words += [f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=64M", "--skip-log-bin"]
        server = Server(
            "mysql",
            port,
            folder,
            (client, "--no-defaults", f"--socket={pipe}", "-uroot", "-NB", "--default-character-set=utf8mb4"),
        )
        with _running([daemon, *words], folder / "log"):
            _wait_for(lambda: _quietly([*server.client, "-e", "select 1"]), folder / "log")
            server.run(
                "CREATE DATABASE shop CHARACTER SET utf8mb4;"
                f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
                f"GRANT SELECT ON shop.* TO '{USER}'@'127.0.0.1';",
                "mysql",
            )
            yield server


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server with a database `shop`; the user `shop` may log in, and reads what it is granted."""
    initdb, daemon, client = _program("initdb"), _program("postgres"), _program("psql")
    with _folder() as folder:
        data, port = folder / "data", free_port()
        secret = folder / "owner"
        secret.write_text(PASSWORD)
        user = _unprivileged(folder)
        words = ["-D", str(data), "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        _quietly([initdb, *words, "--locale=C", "--no-sync"], user)
        server = Server(
            "postgresql",
            port,
            folder,
            (
                client,
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                "-U",
                "owner",
                "-X",
                "-q",
                "-t",
                "-A",
                "-v",
                "ON_ERROR_STOP=1",
            ),
            {"PGPASSWORD": PASSWORD, "PGCLIENTENCODING": "UTF8"},
        )
        options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
        with _running([daemon, "-D", str(data), *options], folder / "log", user):
            _wait_for(lambda: server.run("select 1", "postgres"), folder / "log")
            server.run("CREATE DATABASE shop", "postgres")
            server.run(f"CREATE USER {USER} PASSWORD '{PASSWORD}'")
            yield server


def _program(name: str) -> str:
    folders = [Path("/usr/sbin"), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"`{name}` is not on this machine")
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    """Below /tmp: the name of a Unix socket may have 107 characters only."""
    with tempfile.TemporaryDirectory(prefix="db-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: the user it shall run as instead, who is given the folder."""
    if os.getuid():
        return None
    owner = next((name for name in ("postgres", "nobody") if _exists(name)), None)
    if owner is None:
        pytest.skip("PostgreSQL does not run as root, and there is no other user")
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, owner)
    return owner


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _quietly(words: Sequence[str], user: str | None = None) -> None:
    done = subprocess.run(words, capture_output=True, check=False, user=user, cwd="/")
    if done.returncode:
        raise ChildProcessError(done.stderr.decode() + done.stdout.decode())


@contextmanager
def _running(words: Sequence[str], log: Path, user: str | None = None) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, user=user, cwd="/")
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(attempt: object, log: Path) -> None:
    until = time.monotonic() + _READY_AFTER
    while True:
        try:
            attempt()  # type: ignore[operator]
            return
        except (ChildProcessError, AssertionError) as failure:
            if time.monotonic() > until:
                raise AssertionError(f"the server does not answer: {failure}\n{log.read_text('utf-8')}") from failure
            time.sleep(0.1)
