"""Attachments of mail: read once, under their right names, and the mailbox stays as it was."""

from __future__ import annotations

import io
import json
import re
import socketserver
import ssl
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from files_reading import CONNECTOR, ORIGIN, said

from engine.connector import GiveUp, Offline, Workplace
from engine.files.mail import _folder
from engine.model import Source, Stream

CSV = b"a,b\n1,2\n"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


# --- a server ---------------------------------------------------------------------------------------------------


@dataclass
class Box:
    """A mailbox: messages by UID, with the day they arrived."""

    messages: dict[int, bytes] = field(default_factory=dict)
    days: dict[int, date] = field(default_factory=dict)
    validity: int = 7
    folder: bytes = b'"INBOX"'
    said: list[bytes] = field(default_factory=list)
    drops: int = 0

    def put(self, uid: int, message: bytes, day: date = date(2026, 5, 1)) -> None:
        self.messages[uid], self.days[uid] = message, day


class Imap(socketserver.StreamRequestHandler):
    """As much of IMAP4rev1 as is needed to look into a folder; everything else is refused, writing above all."""

    def handle(self) -> None:
        self.box: Box = self.server.box  # type: ignore[attr-defined]
        self.is_in = self.is_open = False
        self.tell(b"* OK ready")
        while line := self.rfile.readline():
            self.box.said.append(line.strip())
            tag, word, rest = (*line.strip().split(b" ", 2), b"")[:3]
            if not self.answer(tag, word.upper(), rest):
                return

    def tell(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def answer(self, tag: bytes, word: bytes, rest: bytes) -> bool:
        if word == b"CAPABILITY":
            self.tell(b"* CAPABILITY IMAP4rev1 ID")
        elif word == b"LOGIN":
            self.is_in = rest == b'me@x.cn "geheim"' or rest == b'"me@x.cn" "geheim"'
            if not self.is_in:
                self.tell(tag + b" NO LOGIN failed: " + rest)
                return True
        elif word == b"ID" and self.is_in:
            self.tell(b"* ID NIL")
        elif word == b"EXAMINE" and self.is_in:
            self.is_open = rest == self.box.folder
            if not self.is_open:
                self.tell(tag + b" NO no such folder")
                return True
            self.tell(b"* %d EXISTS" % len(self.box.messages))
            self.tell(b"* OK [UIDVALIDITY %d] valid" % self.box.validity)
            self.tell(tag + b" OK [READ-ONLY] done")
            return True
        elif word == b"UID" and self.is_open:
            return self.by_uid(tag, rest)
        elif word == b"LOGOUT":
            self.tell(b"* BYE")
            self.tell(tag + b" OK done")
            return False
        else:
            self.tell(tag + b" BAD not here")
            return True
        self.tell(tag + b" OK done")
        return True

    def by_uid(self, tag: bytes, rest: bytes) -> bool:
        word, _, what = rest.partition(b" ")
        if word == b"SEARCH":
            self.tell(b" ".join([b"* SEARCH", *(b"%d" % uid for uid in self.found(what.decode()))]))
        elif word == b"FETCH":
            uids, _, items = what.partition(b" ")
            if b"BODY[" in items or self.box.drops:
                self.box.drops -= 1
                return False
            for uid in self.meant(uids.decode()):
                self.send(uid, items)
        else:
            self.tell(tag + b" BAD not here")
            return True
        self.tell(tag + b" OK done")
        return True

    def meant(self, uids: str) -> list[int]:
        """RFC 3501: `9:*` means the last message too where its UID is below 9."""
        found: set[int] = set()
        for one in uids.split(","):
            first, colon, last = one.partition(":")
            top = max(self.box.messages, default=0)
            low, high = int(first), top if last == "*" else int(last or first)
            low, high = min(low, high), max(low, high)
            found |= (
                {uid for uid in self.box.messages if low <= uid <= high} if colon else {low} & set(self.box.messages)
            )
        return sorted(found)

    def found(self, criteria: str) -> list[int]:
        uids = re.search(r"UID (\S+)", criteria)
        since = re.search(r"SINCE (\d\d)-(\w{3})-(\d{4})", criteria)
        first = date(int(since[3]), MONTHS.index(since[2]) + 1, int(since[1])) if since else date.min
        return [uid for uid in self.meant(uids[1]) if self.box.days[uid] >= first]

    def send(self, uid: int, items: bytes) -> None:
        message = self.box.messages[uid]
        if items == b"(RFC822.SIZE)":
            self.tell(b"* %d FETCH (UID %d RFC822.SIZE %d)" % (uid, uid, len(message)))
            return
        if b"HEADER.FIELDS" in items:
            message = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        label = items.strip(b"()").replace(b"BODY.PEEK", b"BODY")
        self.tell(b"* %d FETCH (%s {%d}\r\n%s UID %d)" % (uid, label, len(message), message, uid))


class Quiet(socketserver.ThreadingTCPServer):
    """Lets those who hang up before a certificate is taken go."""

    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def server(certificate) -> Iterator[Quiet]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Quiet(("127.0.0.1", 0), Imap) as made:
        made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=True)
        made.box = Box()  # type: ignore[attr-defined]
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


class Clock(Offline):
    """Sends nothing, and does not really wait."""

    def sleep(self, seconds: float) -> None:
        pass


class Reader:
    """A source that reads a mailbox."""

    def __init__(self, server, root: Path, certificate: Path | None, since: str | None = None, **mail: object) -> None:
        told = {"host": "127.0.0.1", "port": server.server_address[1], "user": "me@x.cn", "password": "geheim", **mail}
        told |= {"ca_file": str(certificate)} if certificate else {}
        stream = Stream("records", {}, ORIGIN)
        self.source = Source("mail", "files", {"mail": told}, {"records": stream}, ORIGIN, since=since)
        self.place = Workplace(root, root / "scratch", client=Clock())
        self.said: list = []
        self.failures: list = []

    def read(self) -> list[tuple[str, list[tuple]]]:
        """One run: the name under its mailbox and the rows of each attachment; the cursor is kept as a run does."""
        stream = self.source.streams["records"]
        (part,) = CONNECTOR.survey(self.source, stream, replace(self.place, client=Offline()))
        found, self.said, self.failures = [], [], []
        try:
            for landing in CONNECTOR.read(self.source, stream, part, self.place):
                self.said += landing.diagnostics
                if landing.records is not None:
                    rows = [cells for _, cells, _ in (landing.otherwise or landing.records).rows]
                    found.append((landing.part.removeprefix("imaps://127.0.0.1/INBOX/"), rows))
                self.place = replace(self.place, cursor=json.loads(json.dumps(landing.cursor)))
        except GiveUp as given_up:
            self.failures = list(given_up.diagnostics)
        return found


def mail(*attachments: tuple[str, bytes], subject: str = "日报", sender: str = "报表 <bot@x.cn>") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "me@x.cn", subject
    made.set_content("见附件")
    for name, data in attachments:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made


def sent(message: EmailMessage) -> bytes:
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def named(disposition: bytes) -> bytes:
    """A message whose one attachment is named as it is written here."""
    return (
        b"From: bot@x.cn\r\nSubject: x\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; " + disposition + b"\r\n\r\n" + CSV
    )


# --- reading ----------------------------------------------------------------------------------------------------


def test_new_mail_is_read_once_and_left_as_it_was(server, tmp_path, certificate):
    server.box.put(3, sent(mail(("日报.csv", CSV), ("图.png", b"x"))))
    server.box.put(5, sent(mail(("b.csv", b"a,b\n3,4\n"))))
    reader = Reader(server, tmp_path, certificate)
    assert reader.read() == [("3/日报.csv", [("1", "2")]), ("5/b.csv", [("3", "4")])]
    assert reader.failures == []
    assert reader.read() == []
    server.box.put(9, sent(mail(("c.csv", b"a,b\n5,6\n"))))
    assert reader.read() == [("9/c.csv", [("5", "6")])]
    words = {line.split()[1] for line in server.box.said}
    assert words == {b"CAPABILITY", b"LOGIN", b"ID", b"EXAMINE", b"UID", b"LOGOUT"}
    assert not any(b"STORE" in line or b" BODY[" in line or b"(BODY[" in line for line in server.box.said)


GBK = "五月订单㎡.csv".encode("gb18030")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b"filename*=UTF-8''%E4%BA%94%E6%9C%88.csv", "五月.csv"),
        (b"filename*=gb2312''%CE%E5%D4%C2.csv", "五月.csv"),
        (b"filename*0*=UTF-8''%E4%BA%94;\r\n filename*1*=%E6%9C%88.csv", "五月.csv"),
        (b'filename="=?GBK?B?zuXUwi5jc3Y=?="', "五月.csv"),
        (b'filename="=?gb2312?Q?=CE=E5=D4=C2.csv?="', "五月.csv"),
        (b'filename="=?UTF-8?B?5LqU?=\r\n =?UTF-8?B?5pyILmNzdg==?="', "五月.csv"),
        (b'filename="' + "五月.csv".encode() + b'"', "五月.csv"),
        (b'filename="' + GBK + b'"', "五月订单㎡.csv"),
        (b'filename="..\\..\\C:/x/plain.csv"', "plain.csv"),
        (b'filename="=?UTF-8?B?broken?=.csv"', None),
    ],
)
def test_names_are_told_however_they_are_written(server, tmp_path, certificate, disposition, name):
    server.box.put(1, named(disposition))
    reader = Reader(server, tmp_path, certificate, attachments="*")
    ((part, rows),) = reader.read()
    assert rows == [("1", "2")]
    assert name is None or part == f"1/{name}"


def test_forwarded_mail_archives_and_equal_names(server, tmp_path, certificate):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("五月.csv", "a,b\n5,6\n")
    inner = mail(("a.csv", b"a,b\n3,4\n"))
    outer = mail(("a.csv", CSV), ("all.ZIP", packed.getvalue()))
    outer.add_attachment(inner)
    server.box.put(1, sent(outer))
    assert Reader(server, tmp_path, certificate).read() == [
        ("1/a.csv", [("1", "2")]),
        ("1/all.ZIP!五月.csv", [("5", "6")]),
        ("1/a (2).csv", [("3", "4")]),
    ]


def test_sender_subject_day_and_name_choose(server, tmp_path, certificate):
    server.box.put(1, sent(mail(("old.csv", CSV))), date(2026, 4, 30))
    server.box.put(2, sent(mail(("other.csv", CSV), subject="周报")))
    server.box.put(3, sent(mail(("spam.csv", CSV), sender="spam@y.cn")))
    server.box.put(4, sent(mail(("好.csv", CSV), ("坏.csv", CSV))))
    server.box.put(5, sent(mail(("坏.csv", CSV))))
    told = {"from": "@X.cn", "subject": "日报", "attachments": ["好*.CSV"]}
    reader = Reader(server, tmp_path, certificate, "2026-05-01T00:00:00", **told)
    assert reader.read() == [("4/好.csv", [("1", "2")])]
    assert [one.code for one in reader.said] == ["mail-without"]
    assert "`坏.csv`" in said(reader.said[0])


def test_a_folder_with_a_chinese_name(server, tmp_path, certificate):
    assert _folder("报表/A&B") == '"&YqWIaA-/A&-B"'
    server.box.folder = b'"&YqWIaA-"'
    server.box.put(1, sent(mail(("a.csv", CSV))))
    assert len(Reader(server, tmp_path, certificate, folder="报表").read()) == 1


def test_a_broken_attachment_keeps_nothing_back_and_is_asked_for_again(server, tmp_path, certificate):
    server.box.put(1, sent(mail(("a.xlsx", b"PK\x03\x04 broken"), ("b.csv", CSV))))
    server.box.put(2, sent(mail(("c.csv", CSV))))
    reader = Reader(server, tmp_path, certificate)
    assert [part for part, _ in reader.read()] == ["1/b.csv", "2/c.csv"]
    assert [one.code for one in reader.failures] == ["bad-file"]
    reader.read()
    assert [one.code for one in reader.failures] == ["bad-file"]
    del server.box.messages[1]
    assert reader.read() == []
    assert reader.failures == []
    (state,) = reader.place.cursor["mail"].values()
    assert (state["uid"], state["again"]) == (2, [])


def test_mail_that_is_numbered_anew_is_looked_at_again(server, tmp_path, certificate):
    server.box.put(8, sent(mail(("a.csv", CSV))))
    reader = Reader(server, tmp_path, certificate)
    reader.read()
    server.box.validity, server.box.messages, server.box.days = 8, {}, {}
    server.box.put(1, sent(mail(("a.csv", CSV))))
    assert reader.read() == [("1/a.csv", [("1", "2")])]
    assert [one.code for one in reader.said] == ["mailbox-renumbered"]


def test_a_lost_connection_goes_on_where_it_was(server, tmp_path, certificate):
    server.box.put(1, sent(mail(("a.csv", CSV))))
    server.box.drops = 1
    reader = Reader(server, tmp_path, certificate)
    assert reader.read() == [("1/a.csv", [("1", "2")])]
    assert reader.failures == []


# --- refusals ---------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused(server, tmp_path):
    reader = Reader(server, tmp_path, None)
    assert reader.read() == []
    assert "certificate does not hold" in said(reader.failures[0])
    assert server.box.said == [], "nothing was said to a server that is not known"


def test_a_wrong_password_is_told_without_it(server, tmp_path, certificate):
    reader = Reader(server, tmp_path, certificate, password="verkehrt")
    assert reader.read() == []
    (told,) = reader.failures
    assert told.code == "far-refused"
    assert "verkehrt" not in said(told)


def test_a_folder_that_is_not_there(server, tmp_path, certificate):
    reader = Reader(server, tmp_path, certificate, folder="Nowhere")
    assert reader.read() == []
    assert "no such folder" in said(reader.failures[0])
