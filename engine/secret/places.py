"""The places in which secrets are looked up: environment, `.env`, files, the keyring, a sealed file.

Each gives a value by name or nothing; a value that is empty is none. What is broken is raised as `Findings`, never passed
over. Files are read again only when they change. Nothing that is found is ever put into the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from engine.diagnostic import Findings, finding
from engine.secret.envfile import parse
from engine.secret.sealed import unseal

SERVICE = "commerce-engine"
"""The service under which the keyring holds secrets."""
MOUNTED = Path("/run/secrets")
"""Where Docker and Podman put secrets, a file each; Kubernetes puts them where one says."""
SEALED = "secrets.env.age"


class Keeper(Protocol):
    """A place that secrets are looked up in."""

    @property
    def kind(self) -> str:
        """What it is called."""
        ...

    @property
    def sure(self) -> bool:
        """Whether all that it holds is secret; other places also hold hosts, ports and folders."""
        ...

    def look(self, name: str) -> str | None:
        """The value of that name, or None."""
        ...

    def names(self) -> tuple[str, ...]:
        """The names that it knows, where it can tell them."""
        ...

    def told(self, name: str) -> tuple[str, str]:
        """Where a name was looked for, in English and Chinese."""
        ...


@dataclass(frozen=True)
class Environment:
    """The environment of the process."""

    variables: Mapping[str, str]
    kind: str = "environment"
    sure: bool = False

    def look(self, name: str) -> str | None:
        """The variable of that name."""
        return self.variables.get(name) or None

    def names(self) -> tuple[str, ...]:
        """All variables."""
        return tuple(self.variables)

    def told(self, name: str) -> tuple[str, str]:
        """The words for it."""
        return "the environment", "环境变量"


@dataclass(frozen=True)
class EnvFile:
    """The file `.env` beside the project."""

    file: Path
    kind: str = ".env"
    sure: bool = False

    def look(self, name: str) -> str | None:
        """The value that the file gives."""
        return self._values().get(name) or None

    def names(self) -> tuple[str, ...]:
        """All names in the file."""
        return tuple(self._values())

    def told(self, name: str) -> tuple[str, str]:
        """The words for it, and whether the file is there."""
        return ("`.env`", "`.env`") if self.file.is_file() else ("`.env` (no such file)", "`.env`（没有这个文件）")

    def _values(self) -> dict[str, str]:
        stamp = _stamp(self.file)
        return _env_values(self.file, stamp) if stamp else {}


@dataclass(frozen=True)
class Files:
    """A file for each secret: the one that the variable `NAME_FILE` names, or `NAME` or `name` in a folder."""

    variables: Mapping[str, str]
    root: Path
    folder: Path
    kind: str = "file"
    sure: bool = True

    def look(self, name: str) -> str | None:
        """What is in the file, without the line breaks at its end."""
        named = self.variables.get(f"{name}_FILE")
        if named:
            return self._read(self.root / Path(named).expanduser(), name)
        file = next((one for one in self._candidates(name) if one.is_file()), None)
        return self._read(file, name) if file else None

    def names(self) -> tuple[str, ...]:
        """The names of the files in the folder, and of the variables that name a file."""
        named = (one.removesuffix("_FILE") for one in self.variables if one.endswith("_FILE"))
        there = self.folder.iterdir() if self.folder.is_dir() else ()
        return (*named, *sorted(one.name for one in there if one.is_file() and not one.name.startswith(".")))

    def told(self, name: str) -> tuple[str, str]:
        """The words for it."""
        shown = self.folder.as_posix()
        return f"a file named by `{name}_FILE`, or in `{shown}`", f"`{name}_FILE` 指定的文件，或 `{shown}` 里的文件"

    def _candidates(self, name: str) -> tuple[Path, ...]:
        return self.folder / name, self.folder / name.lower()

    def _read(self, file: Path, name: str) -> str | None:
        try:
            return file.read_text("utf-8-sig").rstrip("\r\n") or None
        except (OSError, UnicodeDecodeError) as failure:
            raise Findings([_unreadable(name, file, failure)], status=3) from None


@dataclass(frozen=True)
class Keyring:
    """The keyring of the operating system. It is off unless asked for: opening it may ask somebody at the screen."""

    on: bool
    kind: str = "keyring"
    sure: bool = True

    def look(self, name: str) -> str | None:
        """The password of that name under the service `commerce-engine`."""
        if not self.on:
            return None
        try:
            import keyring
        except ImportError:
            raise Findings([finding("no-secrets-library", library="keyring")], status=3) from None
        try:
            return keyring.get_password(SERVICE, name) or None
        except keyring.errors.KeyringError as failure:
            reason = str(failure) or type(failure).__name__
            raise Findings([finding("keyring-failed", name=name, reason=reason.splitlines()[0])], status=3) from None

    def names(self) -> tuple[str, ...]:
        """Nothing: a keyring does not list what it holds."""
        return ()

    def told(self, name: str) -> tuple[str, str]:
        """The words for it, and whether it is on."""
        if self.on:
            return f"the keyring, service `{SERVICE}`", f"系统钥匙串（服务名 `{SERVICE}`）"
        return "the keyring (off; `ENGINE_KEYRING=1` turns it on)", "系统钥匙串（未启用，设 `ENGINE_KEYRING=1` 启用）"


@dataclass(frozen=True)
class Sealed:
    """The file `secrets.env.age` beside the project, opened by `ENGINE_AGE_KEY` or the file `ENGINE_AGE_KEY_FILE`."""

    file: Path
    root: Path
    variables: Mapping[str, str]
    seen: Callable[[str], None] = field(repr=False)
    """Is told the key, so that it is not shown."""
    kind: str = "sealed"
    sure: bool = True

    def look(self, name: str) -> str | None:
        """The value inside the file; None also where there is no key to open it with."""
        return self._values().get(name) or None

    def names(self) -> tuple[str, ...]:
        """All names inside the file, where there is a key."""
        return tuple(self._values())

    def told(self, name: str) -> tuple[str, str]:
        """The words for it, and what is missing to open it."""
        if not self.file.is_file():
            return f"`{SEALED}` (no such file)", f"`{SEALED}`（没有这个文件）"
        if self._key() is None:
            return (
                f"`{SEALED}` (sealed; neither `ENGINE_AGE_KEY` nor `ENGINE_AGE_KEY_FILE` is set)",
                f"`{SEALED}`（已加密，没有设置 `ENGINE_AGE_KEY` 或 `ENGINE_AGE_KEY_FILE`）",
            )
        return f"`{SEALED}`", f"`{SEALED}`"

    def _values(self) -> dict[str, str]:
        stamp = _stamp(self.file)
        key = self._key() if stamp else None
        return _sealed_values(self.file, stamp, key) if stamp and key else {}

    def _key(self) -> str | None:
        key = self.variables.get("ENGINE_AGE_KEY")
        named = self.variables.get("ENGINE_AGE_KEY_FILE")
        if not key and named:
            file = self.root / Path(named).expanduser()
            try:
                key = file.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError) as failure:
                raise Findings([_unreadable("ENGINE_AGE_KEY", file, failure)], status=3) from None
        if key:
            self.seen(key)
        return key or None


def keepers(root: Path, folder: Path | None, keyring: bool, seen: Callable[[str], None]) -> tuple[Keeper, ...]:
    """The places of a project, in the order in which they are asked."""
    environment = os.environ
    asked = keyring or environment.get("ENGINE_KEYRING") == "1"
    return (
        Environment(environment),
        EnvFile(root / ".env"),
        Files(environment, root, root / folder if folder else MOUNTED),
        Keyring(asked),
        Sealed(root / SEALED, root, environment, seen),
    )


# --- reading files once -----------------------------------------------------------------------------------------

_Stamp = tuple[int, int, int]


def _stamp(file: Path) -> _Stamp | None:
    """What changes when a file does; None where it is not there."""
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


@lru_cache(maxsize=16)
def _env_values(file: Path, stamp: _Stamp) -> dict[str, str]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise Findings([_unreadable(None, file, failure)], status=3) from None
    values, found = parse(text, file.name)
    if found:
        raise Findings(found, status=3)
    return values


@lru_cache(maxsize=16)
def _sealed_values(file: Path, stamp: _Stamp, key: str) -> dict[str, str]:
    try:
        data = file.read_bytes()
    except OSError as failure:
        raise Findings([_unreadable(None, file, failure)], status=3) from None
    return unseal(data, key, file.name)


def _unreadable(name: str | None, file: Path, failure: Any) -> Any:
    reason = "it is not UTF-8" if isinstance(failure, UnicodeDecodeError) else failure.strerror or "unknown"
    # A file of the project is called by its name, another one as it was named.
    return finding("unreadable-secrets", path=file.as_posix() if name else file.name, name=name, reason=reason)
