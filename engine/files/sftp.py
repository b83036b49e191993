"""Folders on SFTP servers. A server has to show the key that is known for it; nothing is taken on trust."""

from __future__ import annotations

import base64
import hashlib
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.connector import GiveUp, TryAgain
from engine.diagnostic import Place, finding
from engine.files.matching import matching, parted
from engine.files.places import shown
from engine.files.store import Entry, Store, refusal

_PORT = 22
_SECONDS = 30


@contextmanager
def opened_sftp(address: str, options: dict[str, Any], root: Path) -> Iterator[Store]:
    """A folder on a server, for as long as it is read. GiveUp where the server is not the one that is known.

    `address` is `sftp://[name@]host[:port]/absolute/path`, with wildcards. Raises TryAgain where the network failed.
    """
    import paramiko  # type: ignore[import-not-found,import-untyped,unused-ignore]

    client = _client(paramiko, address, options, root)
    try:
        _connect(paramiko, client, address, options, root)
        sftp = client.open_sftp()
        sftp.get_channel().settimeout(_SECONDS * 2)
        yield _Server(sftp, address)
    except (paramiko.SSHException, EOFError, TimeoutError, ConnectionError) as failure:
        raise TryAgain(f"the connection failed: {failure or type(failure).__name__}") from None
    finally:
        client.close()


def _client(paramiko: Any, address: str, options: dict[str, Any], root: Path) -> Any:
    client = paramiko.SSHClient()
    pinned = options.get("host_key")

    class Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Take the pinned key and no other."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            if pinned is None:
                raise _untold(address, key, "host-key-unknown")
            if not _is(key, pinned):
                raise _untold(address, key, "host-key-other")

    client.set_missing_host_key_policy(Refuse())
    if pinned is None:
        file = root / Path(options["known_hosts"]).expanduser() if options.get("known_hosts") else None
        try:
            client.load_system_host_keys(str(file) if file else None)
        except OSError as failure:
            raise refusal(shown(address), f"`{file}` cannot be read: {failure.strerror}") from None
    return client


def _connect(paramiko: Any, client: Any, address: str, options: dict[str, Any], root: Path) -> None:
    split = urlsplit(address)
    key_file = options.get("key_filename")
    password = options.get("password") or unquote(split.password or "") or None
    own = not (password or key_file)
    try:
        client.connect(
            split.hostname,
            split.port or _PORT,
            username=options.get("username") or unquote(split.username or "") or None,
            password=password,
            key_filename=str(root / Path(key_file).expanduser()) if key_file else None,
            passphrase=options.get("passphrase"),
            allow_agent=own,
            look_for_keys=own,
            timeout=_SECONDS,
            banner_timeout=_SECONDS,
            auth_timeout=_SECONDS,
        )
    except paramiko.BadHostKeyException as failure:
        raise _untold(address, failure.key, "host-key-other") from None
    except paramiko.AuthenticationException:
        raise refusal(shown(address), "the server does not accept the name, password or key") from None
    except FileNotFoundError:
        raise refusal(shown(address), "there is no file `key_filename` names") from None
    except (OSError, paramiko.SSHException) as failure:
        if isinstance(failure, paramiko.PasswordRequiredException):
            raise refusal(shown(address), "the private key is locked: give its `passphrase`") from None
        raise TryAgain(f"the server cannot be reached: {failure}") from None


def _untold(address: str, key: Any, code: str) -> GiveUp:
    return GiveUp(finding(code, Place(shown(address)), where=shown(address), key=fingerprint(key), kind=key.get_name()))


def fingerprint(key: Any) -> str:
    """A server's key as `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _is(key: Any, pinned: str) -> bool:
    """Whether a key is the pinned one: a fingerprint, or type and key as they stand in a file of known hosts."""
    if pinned.startswith("SHA256:"):
        return fingerprint(key) == pinned.rstrip("=")
    return f"{key.get_name()} {key.get_base64()}" in " ".join(pinned.split())


class _Server:
    """A connected server, and the path on it that is wanted."""

    def __init__(self, sftp: Any, address: str) -> None:
        self._sftp = sftp
        self._head = shown(address).partition("://")[2].partition("/")[0]
        self._path = "/" + shown(address).partition("://")[2].partition("/")[2]

    def entries(self) -> Iterable[Entry]:
        """The files that the path names, those of linked folders too."""
        fixed, wild = parted(self._path)
        try:
            here = self._sftp.stat(fixed)
        except FileNotFoundError:
            return []
        except PermissionError:
            raise refusal(self._name(fixed), "no permission") from None
        if not wild and not stat.S_ISDIR(here.st_mode or 0):
            return [self._entry(fixed, here)]
        return [self._entry(*one) for one in matching(fixed, wild or ["*"], self._listed)]

    def now(self, entry: Entry) -> Entry | None:
        """What a file is now."""
        try:
            return self._entry(entry.path, self._sftp.stat(entry.path))
        except FileNotFoundError:
            return None

    def fetch(self, entry: Entry, target: Path) -> None:
        """Copy a file to this machine."""
        try:
            self._sftp.get(entry.path, str(target))
        except PermissionError:
            raise refusal(entry.name, "no permission") from None

    def _listed(self, folder: str) -> Iterator[tuple[str, bool, Any]]:
        try:
            found = self._sftp.listdir_attr(folder)
        except PermissionError:
            raise refusal(self._name(folder), "no permission") from None
        for one in found:
            name, status = one.filename, one
            if stat.S_ISLNK(one.st_mode or 0):
                try:
                    status = self._sftp.stat(f"{folder}/{name}")
                except FileNotFoundError:  # a link that leads nowhere
                    continue
            if stat.S_ISDIR(status.st_mode or 0) or stat.S_ISREG(status.st_mode or 0):
                yield name, stat.S_ISDIR(status.st_mode or 0), status

    def _name(self, path: str) -> str:
        return f"sftp://{self._head}{path}"

    def _entry(self, path: str, status: Any) -> Entry:
        return Entry(self._name(path), path, {"size": status.st_size, "time": status.st_mtime}, status.st_mtime)
