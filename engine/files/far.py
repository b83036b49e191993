"""Read what lies elsewhere: list it, fetch what is new or changed, and hand it over file by file.

The stream's cursor holds for every file that was read what it was then; a file is read again when it is something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from engine.connector import GiveUp, Landing, TryAgain, Workplace
from engine.diagnostic import Diagnostic, Place, errors, finding, nearest
from engine.files.bucket import opened_bucket
from engine.files.choice import Choice
from engine.files.content import Content, new_file
from engine.files.mail import Attachment, Mailbox, opened_mailbox
from engine.files.opening import unpacked
from engine.files.oss import opened_oss
from engine.files.parts import is_unfinished, members_of
from engine.files.places import OPTIONS, scheme_of, shown
from engine.files.settings import Settings, settings_of
from engine.files.sftp import opened_sftp
from engine.files.store import ATTEMPTS, Entry, Store, refusal
from engine.files.web import opened_web
from engine.model import Part, Source, Stream

_PAUSE = 2.0


def whereabouts(settings: Settings) -> str:
    """The name of the part that stands for all that lies elsewhere."""
    places = [shown(one) for one in settings.far]
    return ", ".join([*places, *([_mailbox(settings.mail)] if settings.mail else [])])


def is_far_part(part: Part, settings: Settings) -> bool:
    """Whether a part stands for what lies elsewhere."""
    return not part.digest and bool(settings.far or settings.mail) and part.name == whereabouts(settings)


def check(settings: Settings, source: Source, stream: Stream) -> None:
    """GiveUp where an address is of no kind that can be read, or an option means nothing where the files lie."""
    found: list[Diagnostic] = []
    for address in settings.far:
        scheme = scheme_of(address)
        if scheme not in OPTIONS:
            near = nearest(scheme, OPTIONS)
            known = ", ".join(one for one in OPTIONS if one != "memory")
            found.append(finding("unknown-scheme", stream.origin.place("path"), scheme=scheme, known=known, near=near))
    every = [settings, *(settings_of(source, one) for one in source.streams.values())]
    used = frozenset().union(*(OPTIONS.get(scheme_of(address), ()) for one in every for address in one.far))
    for name in settings.options:
        if name not in used:
            place = source.origin.place("with", "options", name)
            found.append(finding("option-not-used", place, name=name, kinds=_kinds_with(name)))
    if found:
        raise GiveUp(*found)


def read_far(settings: Settings, choice: Choice, since: str | None, place: Workplace) -> Iterator[Landing]:
    """The records of all new files elsewhere; a file that cannot be read is told at the end and asked for again."""
    reading = _Reading(settings, choice, place)
    for address in settings.far:
        yield from reading.patiently(shown(address), partial(reading.folder, address))
    if settings.mail:
        where = _mailbox(settings.mail)
        yield from reading.patiently(where, partial(reading.mailbox, where, since))
    yield reading.rest()
    if reading.failures:
        raise GiveUp(*reading.failures)


@dataclass
class _Reading:
    """What is known while a stream's places are read: the cursor so far, what is to be told, what failed."""

    settings: Settings
    choice: Choice
    place: Workplace
    notes: list[Diagnostic] = field(default_factory=list)
    failures: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        cursor: dict[str, Any] = self.place.cursor or {}
        self.other = {name: one for name, one in cursor.items() if name not in ("files", "mail")}
        self.files: dict[str, Any] = dict(cursor.get("files") or {})
        self.mail: dict[str, Any] = dict(cursor.get("mail") or {})
        self.digest = hashlib.sha256(f"{self.settings.digest}{self.choice.digest}".encode()).hexdigest()[:16]

    @property
    def cursor(self) -> dict[str, Any]:
        """Where the stream stands now."""
        told = {"files": dict(self.files), "mail": dict(self.mail)}
        return self.other | {name: one for name, one in told.items() if one}

    def rest(self) -> Landing:
        """What is left to be told, and where the stream stands at the end."""
        return Landing(None, diagnostics=tuple(self.notes), cursor=self.cursor)

    def patiently(self, where: str, read: Callable[[], Iterator[Landing]]) -> Iterator[Landing]:
        """Read a place; where the network fails go on with what is still missing. GiveUp where it keeps failing."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                yield from read()
            except TryAgain as failure:
                if attempt == ATTEMPTS:
                    self.failures += refusal(where, failure.why).diagnostics
                else:
                    self.place.client.sleep(failure.after or _PAUSE * attempt)
                    continue
            except GiveUp as given_up:
                self.failures += given_up.diagnostics
            return

    # --- folders ------------------------------------------------------------------------------------------------

    def folder(self, address: str) -> Iterator[Landing]:
        """The new files of one address."""
        try:
            with self._opened(address) as store:
                entries = sorted(store.entries(), key=lambda entry: entry.name)
                if not entries:
                    self._note("far-nothing", shown(address), where=shown(address))
                for entry in entries:
                    yield from self._file(store, entry)
        except ImportError as failure:
            library = failure.name or scheme_of(address)
            told = finding("no-remote-library", Place(shown(address)), where=shown(address), library=library)
            raise GiveUp(told) from None

    def _opened(self, address: str) -> AbstractContextManager[Store]:
        scheme, options = scheme_of(address), self.settings.options
        if scheme == "sftp":
            return opened_sftp(address, options, self.place.root)
        if scheme in ("http", "https"):
            return opened_web(address, options, self.place.client)
        return opened_oss(address, options) if scheme == "oss" else opened_bucket(address, options)

    def _file(self, store: Store, entry: Entry) -> Iterator[Landing]:
        if is_unfinished(PurePosixPath(entry.name).name):
            self._note("still-written", entry.name, path=entry.name)
        elif self._is_young(entry):
            self._note("still-written", entry.name, path=entry.name, seconds=self.settings.settle)
        elif entry.mark is None or self.files.get(entry.name) != self._mark(entry.mark):
            yield from self._fetched(store, entry)

    def _is_young(self, entry: Entry) -> bool:
        settle, now = self.settings.settle, self.place.client.now()
        return bool(settle) and entry.time is not None and now - entry.time < settle

    def _fetched(self, store: Store, entry: Entry) -> Iterator[Landing]:
        copy = new_file(self.place.scratch, "fetched")
        try:
            if not self._is_whole(store, entry, copy):
                self._note("still-written", entry.name, path=entry.name)
                return
            mark = self._mark(entry.mark or {"sha256": _digest(copy)})
            if self.files.get(entry.name) != mark:
                yield from self._landings(entry.name, copy, lambda: self.files.update({entry.name: mark}))
        finally:
            copy.unlink(missing_ok=True)

    def _is_whole(self, store: Store, entry: Entry, copy: Path) -> bool:
        """Fetch a file, and see that it was the same before and after."""
        try:
            store.fetch(entry, copy)
            now = store.now(entry)
        except FileNotFoundError:
            return False
        except OSError as failure:
            if isinstance(failure, ConnectionError | TimeoutError):
                raise TryAgain(f"the connection failed: {failure}") from None
            now = store.now(entry)
            if now is not None and now.mark == entry.mark:
                raise refusal(entry.name, failure.strerror or str(failure)) from None
            return False
        size = (entry.mark or {}).get("size")
        return (
            now is not None and now.mark == entry.mark and size in (None, copy.stat().st_size, str(copy.stat().st_size))
        )

    def _mark(self, mark: dict[str, Any]) -> dict[str, Any]:
        return {**mark, "as": self.digest}

    # --- mail ---------------------------------------------------------------------------------------------------

    def mailbox(self, where: str, since: str | None) -> Iterator[Landing]:
        """The attachments of new mail."""
        assert self.settings.mail
        known = self.mail.get(where) or {}
        with opened_mailbox(self.settings.mail, where, since, self.place.root) as mailbox:
            if known.get("as") != self.digest:
                known = {}
            elif known.get("validity") != mailbox.validity:
                self._note("mailbox-renumbered", where, where=where)
                known = {}
            again = [uid for uid in known.get("again", ()) if uid in mailbox.there(known.get("again", ()))]
            self.mail[where] = {
                "validity": mailbox.validity,
                "as": self.digest,
                "uid": known.get("uid", 0),
                "again": again,
            }
            for uid in (*again, *mailbox.after(known.get("uid", 0))):
                yield from self._message(mailbox, where, uid)

    def _message(self, mailbox: Mailbox, where: str, uid: int) -> Iterator[Landing]:
        state = self.mail[where]
        failed = len(self.failures)
        try:
            attachments, notes = mailbox.attachments(uid, self.place.scratch)
            self.notes += notes
        except GiveUp as given_up:
            self.failures += given_up.diagnostics
            attachments = []
        for one in attachments:
            yield from self._attachment(one)
        again = [other for other in state["again"] if other != uid] + [uid] * (len(self.failures) > failed)
        self.mail[where] = {**state, "uid": max(state["uid"], uid), "again": again}
        yield Landing(None, cursor=self.cursor)

    def _attachment(self, one: Attachment) -> Iterator[Landing]:
        try:
            yield from self._landings(one.name, one.file, lambda: None)
        finally:
            one.file.unlink(missing_ok=True)

    # --- files that are here now --------------------------------------------------------------------------------

    def _landings(self, name: str, file: Path, done: Callable[[], None]) -> Iterator[Landing]:
        """The records of a fetched file. With the last of them the cursor says that it was read; `done` makes it so."""
        waiting: Landing | None = None
        try:
            for content in self._contents(name, file):
                for landing in self._taken(content):
                    if waiting:
                        yield replace(waiting, cursor=self.cursor)
                    digest = f"{_digest(content.file)}.{self.settings.digest}"
                    waiting = replace(landing, part=content.name, digest=digest)
        except GiveUp as given_up:
            self._fail(given_up.diagnostics)
            if waiting:
                yield replace(waiting, cursor=self.cursor)
            return
        done()
        if waiting:
            yield replace(waiting, cursor=self.cursor)

    def _contents(self, name: str, file: Path) -> Iterator[Content]:
        members = members_of(file) if name.lower().endswith(".zip") else ()
        if not members:
            yield unpacked(file, None, name, self.settings, self.place)
        for member in members:
            yield unpacked(file, member, f"{name}!{member}", self.settings, self.place)

    def _taken(self, content: Content) -> Iterable[Landing]:
        if self.choice.templates and self.choice.teller:
            untaken = self.choice.untaken(content.name, self.choice.sightings(content))
            if errors(untaken):
                raise GiveUp(*untaken)
            self.notes += untaken
        return self.choice.landings(content)

    def _fail(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """A file that cannot be read. Where streams share a place, one of them tells it."""
        self.failures += diagnostics if self.choice.teller else ()

    def _note(self, code: str, at: str, **facts: object) -> None:
        self.notes.append(finding(code, Place(at), **facts))


def _mailbox(mail: dict[str, Any]) -> str:
    return f"imaps://{mail['host']}/{mail.get('folder', 'INBOX')}"


def _kinds_with(option: str) -> str:
    return ", ".join(f"`{scheme}`" for scheme, options in OPTIONS.items() if option in options)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
