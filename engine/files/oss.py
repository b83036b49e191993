"""Buckets of Aliyun's OSS, by its own library: what may not be listed is an error there and not an empty folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.connector import TryAgain
from engine.files.matching import matching, parted
from engine.files.places import secrets_in, shown, without_secrets
from engine.files.store import Entry, Store, refusal

T = TypeVar("T")
_SECONDS = 60


@contextmanager
def opened_oss(address: str, options: dict[str, Any]) -> Iterator[Store]:
    """The files that `oss://bucket/path` names; ImportError where the library is not installed."""
    import oss2  # type: ignore[import-not-found,import-untyped,unused-ignore]

    if not options.get("endpoint_url"):
        raise refusal(shown(address), "it needs `endpoint_url`, such as `https://oss-cn-hangzhou.aliyuncs.com`")
    name = shown(address).partition("://")[2].partition("/")[0]
    region = options.get("region")
    told = {"connect_timeout": _SECONDS, **({"region": region} if region else {})}
    yield _Oss(oss2, oss2.Bucket(_auth(oss2, options), options["endpoint_url"], name, **told), address, options)


def _auth(oss2: Any, options: dict[str, Any]) -> Any:
    """Who asks; with a region by the newer kind of signature."""
    key, secret = options.get("key"), options.get("secret")
    if not (key and secret):
        return oss2.AnonymousAuth()
    version = {"auth_version": oss2.AUTH_VERSION_4} if options.get("region") else {}
    if options.get("token"):
        return oss2.StsAuth(key, secret, options["token"], **version)
    return oss2.make_auth(key, secret, **version)


class _Oss:
    """A bucket and the path in it that is wanted."""

    def __init__(self, oss2: Any, bucket: Any, address: str, options: dict[str, Any]) -> None:
        self._oss2, self._bucket, self._secrets = oss2, bucket, secrets_in(options)
        self._where = shown(address)
        self._path = self._where.partition("://")[2].partition("/")[2]

    def entries(self) -> Iterable[Entry]:
        """The files that the path names; all of a folder where it names one."""
        fixed, wild = parted(self._path)
        if not wild and self._path:
            alone = self._now(self._path)
            if alone:
                return [alone]
        return [self._entry(one.key, one) for _, one in matching(fixed, wild or ["*"], self._listed)]

    def now(self, entry: Entry) -> Entry | None:
        """What a file is now."""
        return self._now(entry.path)

    def fetch(self, entry: Entry, target: Path) -> None:
        """Copy a file to this machine."""
        self._asked(lambda: self._bucket.get_object_to_file(entry.path, str(target)))

    def _now(self, key: str) -> Entry | None:
        try:
            return self._entry(key, self._asked(lambda: self._bucket.head_object(key)))
        except FileNotFoundError:
            return None

    def _listed(self, folder: str) -> Iterator[tuple[str, bool, Any]]:
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        found = self._asked(lambda: list(self._oss2.ObjectIterator(self._bucket, prefix=prefix, delimiter="/")))
        for one in found:
            if one.key != prefix:  # a folder may hold a mark of itself
                yield one.key[len(prefix) :].rstrip("/"), bool(one.is_prefix()), one

    def _entry(self, key: str, told: Any) -> Entry:
        size = getattr(told, "size", None)
        mark = {"size": told.content_length if size is None else size, "etag": str(told.etag).strip('"')}
        return Entry(f"oss://{self._bucket.bucket_name}/{key}", key, mark, told.last_modified)

    def _asked(self, ask: Callable[[], T]) -> T:
        errors = self._oss2.exceptions
        try:
            return ask()
        except (errors.NoSuchKey, errors.NotFound) as failure:
            if isinstance(failure, errors.NoSuchBucket):
                raise refusal(self._where, "there is no such bucket") from None
            raise FileNotFoundError from None
        except errors.RequestError as failure:
            raise TryAgain(self._said(str(failure.exception))) from None
        except errors.ServerError as failure:
            said = self._said(f"{failure.code or failure.status}: {failure.message}")
            if failure.status >= 500:
                raise TryAgain(said) from None
            raise refusal(self._where, said) from None
        except errors.OssError as failure:
            raise refusal(self._where, self._said(str(failure.message or failure))) from None

    def _said(self, text: str) -> str:
        return without_secrets(text, self._secrets)[:200]
