"""Attachments of mail, read over IMAP with TLS. A mailbox is only looked at: nothing is deleted, moved or marked as read.

RFC 3501 (IMAP4rev1), RFC 2971 (some Chinese servers want to be told who asks), RFC 2231 and RFC 2047 (names that are
not ASCII).
"""

from __future__ import annotations

import base64
import email
import fnmatch
import imaplib
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from itertools import count
from pathlib import Path
from typing import Any

from engine.connector import GiveUp, TryAgain
from engine.diagnostic import Diagnostic, Place, finding
from engine.files import archive
from engine.files.content import new_file
from engine.files.places import without_secrets
from engine.files.store import refusal

LARGEST = 256 << 20
"""Bytes that a message may have."""
_SECONDS = 60
_AT_ONCE = 100
_PACKED = (".zip", ".gz")
_CHINESE = frozenset({"gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936", "gb-2312", "chinese"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment, in a file of this machine."""

    name: str
    file: Path


@contextmanager
def opened_mailbox(mail: dict[str, Any], where: str, since: str | None, root: Path) -> Iterator[Mailbox]:
    """A folder of mail, open for reading only. GiveUp where the server refuses, TryAgain where the network failed."""
    client: imaplib.IMAP4_SSL | None = None
    try:
        client = _connected(mail, where, root)
        _logged_in(client, mail, where)
        yield Mailbox(client, mail, where, since)
    except imaplib.IMAP4.abort as failure:
        raise TryAgain(f"the server ended the connection: {_said(failure, mail)}") from None
    except imaplib.IMAP4.error as failure:
        raise refusal(where, _said(failure, mail)) from None
    except (TimeoutError, ConnectionError, ssl.SSLEOFError) as failure:
        raise TryAgain(f"the connection failed: {failure or type(failure).__name__}") from None
    finally:
        if client:
            with suppress(OSError, imaplib.IMAP4.error):
                client.logout()


def _connected(mail: dict[str, Any], where: str, root: Path) -> imaplib.IMAP4_SSL:
    own = mail.get("ca_file")
    try:
        context = ssl.create_default_context(cafile=str(root / Path(own).expanduser()) if own else None)
    except OSError as failure:
        raise refusal(where, f"`ca_file` cannot be read: {failure.strerror or failure}") from None
    try:
        return imaplib.IMAP4_SSL(mail["host"], mail.get("port", 993), ssl_context=context, timeout=_SECONDS)
    except ssl.SSLCertVerificationError as failure:
        raise refusal(where, f"the server's certificate does not hold: {failure.verify_message}") from None
    except OSError as failure:
        raise TryAgain(f"the server cannot be reached: {failure.strerror or failure}") from None


def _logged_in(client: imaplib.IMAP4_SSL, mail: dict[str, Any], where: str) -> None:
    try:
        client.login(mail["user"], mail["password"])
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError) as failure:
        raise refusal(where, f"the server does not let `user` in: {_said(failure, mail)}") from None
    if "ID" in client.capabilities:
        client.xatom("ID", '("name" "commerce-engine")')


class Mailbox:
    """A folder of mail. Messages are known by their UIDs, which mean something as long as `validity` stays."""

    def __init__(self, client: imaplib.IMAP4_SSL, mail: dict[str, Any], where: str, since: str | None) -> None:
        self._client, self._mail, self._where = client, mail, where
        self._since = mail.get("since") or (since or "")[:10]
        status, data = client.select(_folder(mail.get("folder", "INBOX")), readonly=True)
        if status != "OK":
            raise refusal(where, f"the folder cannot be opened: {_text(data)}")
        told = client.response("UIDVALIDITY")[1]
        self.validity = int(told[0]) if told and told[0] else 0

    def after(self, uid: int) -> list[int]:
        """The messages above a UID that sender and subject let through, in order."""
        found = [one for one in self._search(f"{uid + 1}:*") if one > uid]
        return [one for at in range(0, len(found), _AT_ONCE) for one in self._wanted(found[at : at + _AT_ONCE])]

    def there(self, uids: Iterable[int]) -> list[int]:
        """Those of some messages that are still in the folder."""
        asked = ",".join(map(str, uids))
        return self._search(asked) if asked else []

    def attachments(self, uid: int, scratch: Path) -> tuple[list[Attachment], tuple[Diagnostic, ...]]:
        """The attachments of a message that are wanted, and what there is to be told about it."""
        place = f"{self._where}/{uid}"
        size = self._size(uid)
        if size > LARGEST:
            raise GiveUp(finding("mail-too-large", Place(place), where=place, limit=f"{LARGEST >> 20} MB"))
        message = email.message_from_bytes(self._fetch(str(uid), "(BODY.PEEK[])")[uid])
        named = [(part, name) for part in message.walk() if not part.is_multipart() and (name := name_of(part))]
        wanted = [(part, name) for part, name in named if self._wants(name)]
        made = [_saved(part, f"{place}/{name}", scratch) for (part, _), name in zip(wanted, _once(wanted), strict=True)]
        if made or not (self._mail.get("subject") or self._mail.get("from")):
            return made, ()
        there = ", ".join(f"`{name}`" for _, name in named) or None
        return [], (finding("mail-without", Place(place), where=place, there=there),)

    def _search(self, uids: str) -> list[int]:
        criteria = ["UID", uids]
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", self._since):
            day = date.fromisoformat(self._since)
            criteria += ["SINCE", f"{day.day:02}-{_MONTHS[day.month - 1]}-{day.year}"]
        status, data = self._client.uid("SEARCH", *criteria)
        if status != "OK":
            raise refusal(self._where, f"the server does not search: {_text(data)}")
        return sorted(int(one) for part in data if part for one in part.split())

    def _wanted(self, uids: list[int]) -> list[int]:
        """Sender and subject are compared here: few servers search for Chinese words as they should."""
        wishes = {name: str(self._mail[name]).casefold() for name in ("from", "subject") if self._mail.get(name)}
        if not wishes:
            return uids
        heads = self._fetch(",".join(map(str, uids)), "(BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])")
        parsed = {uid: email.message_from_bytes(head) for uid, head in heads.items()}
        return [
            uid
            for uid in uids
            if uid in parsed and all(wish in _header(parsed[uid], name).casefold() for name, wish in wishes.items())
        ]

    def _wants(self, name: str) -> bool:
        given = self._mail.get("attachments")
        if given is None:
            return archive.is_data(name) or name.lower().endswith(_PACKED)
        patterns = [given] if isinstance(given, str) else given
        return any(fnmatch.fnmatchcase(name.casefold(), str(one).casefold()) for one in patterns)

    def _size(self, uid: int) -> int:
        _, data = self._client.uid("FETCH", str(uid), "(RFC822.SIZE)")
        found = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(one for one in data if isinstance(one, bytes)))
        return int(found[1]) if found else 0

    def _fetch(self, uids: str, what: str) -> dict[int, bytes]:
        """What the server sends for each message; GiveUp where it sends nothing for the only one asked for."""
        status, data = self._client.uid("FETCH", uids, what)
        found: dict[int, bytes] = {}
        for at, one in enumerate(data or ()):
            if not isinstance(one, tuple):
                continue
            after = data[at + 1] if at + 1 < len(data) and isinstance(data[at + 1], bytes) else b""
            uid = re.search(rb"UID (\d+)", one[0]) or re.search(rb"UID (\d+)", after)
            if uid:
                found[int(uid[1])] = one[1]
        if status != "OK" or ("," not in uids and not found):
            raise refusal(f"{self._where}/{uids}", f"the server does not send it: {_text(data)}")
        return found


# --- names ------------------------------------------------------------------------------------------------------


def name_of(part: Message) -> str | None:
    """The name of an attachment, however it is written: RFC 2231, encoded words, or plain bytes in UTF-8 or GBK."""
    for header, value in part.raw_items():
        if header.lower() in ("content-disposition", "content-type") and not value.isascii():
            part.replace_header(header, _plain(value.encode("ascii", "surrogateescape")))
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        told = part.get_param(parameter, header=header)
        if told:
            return _bare(_words(told))
    return None


def _bare(name: str) -> str | None:
    """A name without folders and control characters."""
    last = re.split(r"[\\/]", " ".join(name.split()))[-1]
    return "".join(char for char in last if char.isprintable()).strip() or None


def _header(message: Message, name: str) -> str:
    value = next((one for header, one in message.raw_items() if header.lower() == name), "")
    return _words(value if value.isascii() else _plain(value.encode("ascii", "surrogateescape")))


def _words(value: str | tuple[str | None, str | None, str]) -> str:
    """A text with its encoded words decoded."""
    if isinstance(value, tuple):
        return _decoded(value[2].encode("latin-1", "replace"), value[0])
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(one if isinstance(one, str) else _decoded(one, charset) for one, charset in pieces)


def _decoded(data: bytes, charset: str | None) -> str:
    name = (charset or "utf-8").lower()
    try:
        return data.decode("gb18030" if name in _CHINESE else name)
    except (LookupError, UnicodeDecodeError):
        return _plain(data)


def _plain(data: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _once(wanted: list[tuple[Message, str]]) -> list[str]:
    """The names, a second one of the same name numbered."""
    used: dict[str, None] = {}
    for _, name in wanted:
        stem, dot, ending = name.rpartition(".")
        numbered = (f"{stem} ({number}).{ending}" if dot else f"{name} ({number})" for number in count(2))
        used[name if name not in used else next(one for one in numbered if one not in used)] = None
    return list(used)


def _saved(part: Message, name: str, scratch: Path) -> Attachment:
    file = new_file(scratch, "attached")
    payload = part.get_payload(decode=True)
    file.write_bytes(payload if isinstance(payload, bytes) else b"")
    return Attachment(name, file)


def _folder(name: str) -> str:
    """A folder's name as IMAP writes it (RFC 3501, 5.1.3): what is not ASCII in a form of UTF-7 of its own."""
    pieces = re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name)
    coded = (piece.replace("&", "&-") if piece.isascii() else f"&{_sixty_four(piece)}-" for piece in pieces)
    return '"' + "".join(coded).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sixty_four(piece: str) -> str:
    return base64.b64encode(piece.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")


def _said(failure: BaseException, mail: dict[str, Any]) -> str:
    return without_secrets(_text(failure.args), (str(mail["password"]),))[:200]


def _text(data: Any) -> str:
    return " ".join(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in data or () if one)
