"""Files on web servers: one by its address, or those that a folder's page lists."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from engine.connector import Client, GiveUp, Request, Response, TryAgain
from engine.files.places import shown, without_name
from engine.files.store import Entry, Store, refusal

_DENIED = (401, 403)
_GONE = (404, 410)
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@contextmanager
def opened_web(address: str, options: dict[str, Any], client: Client) -> Iterator[Store]:
    """The files that a web address names; `*` and `?` may stand in its last step only.

    A question mark begins the query, as in every web address, so of wildcards only `*` and `[…]` are left.
    """
    yield _Site(address, _authorisation(address, options), client)


def _authorisation(address: str, options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    if options.get("token"):
        return (("Authorization", f"Bearer {options['token']}"),)
    split = urlsplit(address)
    name = options.get("username") or unquote(split.username or "")
    if not name:
        return ()
    password = options.get("password") or unquote(split.password or "")
    return (("Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()),)


@dataclass(frozen=True, slots=True)
class _Site:
    """A web server and the address on it that is wanted."""

    address: str
    headers: tuple[tuple[str, str], ...]
    client: Client

    def entries(self) -> Iterable[Entry]:
        """The files that the address names, as far as the server says what they are."""
        url = without_name(self.address)
        wanted = [url] if "*" not in urlsplit(url).path else self._listed(url)
        return [entry for one in wanted if (entry := self.now(Entry(shown(one), one)))]

    def now(self, entry: Entry) -> Entry | None:
        """What a file is now; without a mark where the server does not say."""
        try:
            answer = self._send("HEAD", entry.path)
        except GiveUp:  # not every server answers such a question: asking for the file itself will tell
            return Entry(entry.name, entry.path)
        if answer.status in _GONE:
            return None
        etag, changed = answer.header("etag"), answer.header("last-modified")
        if answer.status != 200 or not (etag or changed):
            return Entry(entry.name, entry.path)
        told = {"etag": etag, "changed": changed, "size": answer.header("content-length")}
        return Entry(entry.name, entry.path, {name: one for name, one in told.items() if one}, _seconds(changed))

    def fetch(self, entry: Entry, target: Path) -> None:
        """Copy a file to this machine."""
        answer = self._send("GET", entry.path)
        if answer.status in _DENIED:
            raise refusal(entry.name, f"no permission (HTTP {answer.status})")
        if answer.status != 200:
            raise refusal(entry.name, f"HTTP {answer.status}")
        target.write_bytes(answer.body)

    def _listed(self, url: str) -> list[str]:
        folder, _, pattern = url.partition("?")[0].rpartition("/")
        if "*" in urlsplit(folder).path:
            raise refusal(shown(url), "`*` may stand in the last step of a web address only")
        answer = self._send("GET", f"{folder}/")
        if answer.status in _GONE:
            return []
        if answer.status != 200:
            raise refusal(shown(url), f"HTTP {answer.status}")
        page = _Links()
        page.feed(answer.body.decode("utf-8", "replace"))
        targets = (urljoin(f"{folder}/", link) for link in page.links)
        inside = {one for one in targets if one.startswith(f"{folder}/") and "/" not in one[len(folder) + 1 :]}
        return sorted(
            one for one in inside if fnmatch.fnmatchcase(unquote(shown(one).rpartition("/")[2]), unquote(pattern))
        )

    def _send(self, method: str, url: str) -> Response:
        answer = self.client.send(Request(method, url, headers=self.headers))
        if answer.status in _PASSING:
            raise TryAgain(f"HTTP {answer.status}")
        return answer


class _Links(HTMLParser):
    """Collects what a page links to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the target of a link."""
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _seconds(changed: str | None) -> float | None:
    try:
        return parsedate_to_datetime(changed).timestamp() if changed else None
    except ValueError:
        return None
