"""Buckets: S3 and what is compatible with it, and files in memory; by way of fsspec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from engine.connector import GiveUp, TryAgain
from engine.files.matching import matching, parted
from engine.files.places import scheme_of, secrets_in, shown, without_secrets
from engine.files.store import Entry, Store, refusal

T = TypeVar("T")
_PASSING = (ConnectionError, TimeoutError)
_TIMES = ("LastModified", "mtime", "modified", "created")


@contextmanager
def opened_bucket(address: str, options: dict[str, Any]) -> Iterator[Store]:
    """The files that an address names; ImportError where the library for its kind is not installed."""
    import fsspec  # type: ignore[import-not-found,import-untyped,unused-ignore]

    scheme = scheme_of(address)
    system = fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False, **_told(scheme, options))
    yield _Bucket(system, address, secrets_in(options))


def _told(scheme: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options as the library for this kind of bucket calls them."""
    same = {name: options[name] for name in ("key", "secret", "token") if options.get(name)}
    endpoint = options.get("endpoint_url")
    if scheme != "s3":
        return {}
    told: dict[str, Any] = {**same, "config_kwargs": {"connect_timeout": 15, "read_timeout": 60}}
    told |= {"anon": True} if options.get("anonymous") else {}
    told |= {"endpoint_url": endpoint} if endpoint else {}
    return told | ({"client_kwargs": {"region_name": options["region"]}} if options.get("region") else {})


class _Bucket:
    """The files of a bucket that an address names."""

    def __init__(self, system: Any, address: str, secrets: tuple[str, ...]) -> None:
        self._system, self._secrets = system, secrets
        self._where, self._scheme = shown(address), scheme_of(address)
        self._path = str(system._strip_protocol(shown(address)))

    def entries(self) -> Iterable[Entry]:
        """The files that the path names; all of a folder where it names one.

        The library's own way to find files by wildcards passes over folders that it may not list; this one does not.
        """
        fixed, wild = parted(self._path)
        alone = None if wild else self._asked(self._alone)
        if alone:
            return [self._entry(alone)]
        return [self._entry(info) for _, info in matching(fixed, wild or ["*"], self._listed)]

    def now(self, entry: Entry) -> Entry | None:
        """What a file is now."""
        try:
            return self._asked(lambda: self._entry(self._system.info(entry.path)))
        except FileNotFoundError:
            return None

    def fetch(self, entry: Entry, target: Path) -> None:
        """Copy a file to this machine."""
        self._asked(lambda: self._system.get_file(entry.path, str(target)))

    def _alone(self) -> dict[str, Any] | None:
        try:
            info: dict[str, Any] = self._system.info(self._path)
        except FileNotFoundError:
            return None
        return info if info.get("type") == "file" else None

    def _listed(self, folder: str) -> Iterator[tuple[str, bool, dict[str, Any]]]:
        try:
            found = self._asked(lambda: self._system.ls(folder, detail=True))
        except FileNotFoundError:
            return
        for info in found:
            path = str(info["name"]).rstrip("/")
            if path.rpartition("/")[0].strip("/") == folder.strip("/"):  # some list the folder itself, as a mark of it
                yield path.rpartition("/")[2], info.get("type") == "directory", info

    def _entry(self, info: dict[str, Any]) -> Entry:
        path, etag = str(info["name"]), info.get("ETag") or info.get("etag")
        time = next((_seconds(info[name]) for name in _TIMES if info.get(name)), None)
        mark = {"size": info.get("size"), **({"etag": str(etag).strip('"')} if etag else {"time": time})}
        return Entry(f"{self._scheme}://{path.lstrip('/')}", path, mark, time)

    def _asked(self, ask: Callable[[], T]) -> T:
        """Ask the library, whose errors are of many kinds: what may pass is TryAgain, all else GiveUp."""
        try:
            return ask()
        except (GiveUp, FileNotFoundError):
            raise
        except _PASSING as failure:
            raise TryAgain(self._said(failure)) from None
        except Exception as failure:
            if "connect" in type(failure).__name__.lower() or "timeout" in type(failure).__name__.lower():
                raise TryAgain(self._said(failure)) from None
            raise refusal(self._where, self._said(failure)) from None

    def _said(self, failure: Exception) -> str:
        said = (str(failure).splitlines() or [""])[0] or type(failure).__name__
        return without_secrets(said, self._secrets)[:200]


def _seconds(value: object) -> float | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value) if isinstance(value, int | float) else None
