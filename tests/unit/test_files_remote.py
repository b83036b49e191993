"""Files on servers and in buckets: what is new is fetched once, nothing is asked before, no secret is told."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import fsspec
import paramiko
import pytest
from files_reading import CONNECTOR, ORIGIN, said

from engine.api import load
from engine.connector import GiveUp, Landing, Offline, Request, Response, TryAgain, Workplace
from engine.files.places import shown
from engine.files.sftp import fingerprint
from engine.model import Source, Stream


class Web:
    """A web server in memory, and a clock."""

    def __init__(self, **files: bytes) -> None:
        self.files = {name.replace("_csv", ".csv"): data for name, data in files.items()}
        self.asked: list[Request] = []
        self.time = 1_000_000.0
        self.etags = True
        self.failures = 0

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        if self.failures:
            self.failures -= 1
            raise TryAgain("a cable is loose")
        path = request.url.split("//")[1].partition("/")[2].partition("?")[0]
        if path == "exports/":
            links = (
                "".join(f'<a href="{name}">x</a>' for name in self.files) + '<a href="https://evil.example/z.csv">z</a>'
            )
            return Response(200, (), links.encode())
        data = self.files.get(path.removeprefix("exports/"))
        if data is None:
            return Response(404)
        headers = (("etag", f'"{hash(data)}"'),) if self.etags else ()
        return Response(200, headers, data if request.method == "GET" else b"")

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Far:
    """A source whose files lie elsewhere."""

    def __init__(self, root: Path, path: str | list[str], client=None, **settings: object) -> None:
        self.source = Source("far", "files", {"path": path, **settings}, {}, ORIGIN)
        self.source = replace(self.source, streams={"records": Stream("records", {}, ORIGIN)})
        self.place = Workplace(root, root / "scratch", client=client or Web())
        self.said: list = []
        self.failures: list = []

    def read(self) -> list[tuple[str | None, list[tuple]]]:
        """One run: the part and the rows of each landing; the cursor is kept as a run does."""
        place = replace(self.place, client=Offline())
        (part,) = CONNECTOR.survey(self.source, self.source.streams["records"], place)
        assert part.digest == ""
        found, self.said, self.failures = [], [], []
        try:
            for landing in CONNECTOR.read(self.source, self.source.streams["records"], part, self.place):
                found += self._stored(landing)
        except GiveUp as given_up:
            self.failures = list(given_up.diagnostics)
        return found

    def _stored(self, landing: Landing) -> list[tuple[str | None, list[tuple]]]:
        self.said += landing.diagnostics
        rows = [] if landing.records is None else list((landing.otherwise or landing.records).rows)
        if landing.cursor is not None:
            self.place = replace(self.place, cursor=json.loads(json.dumps(landing.cursor)))
        return [(landing.part, [cells for _, cells, _ in rows])] if landing.records is not None else []

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.said]


# --- buckets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def put(system: fsspec.AbstractFileSystem, name: str, data: bytes) -> None:
    with system.open(f"/exports/{name}", "wb") as file:
        file.write(data)


def test_new_and_changed_files_are_read_once(memory, tmp_path):
    put(memory, "b.csv", "名称,数量\n面霜,1\n".encode("gb18030"))
    put(memory, "a.csv", b"name,count\nx,1\n")
    far = Far(tmp_path, "memory://exports/*.csv")
    assert far.read() == [
        ("memory://exports/a.csv", [("x", "1")]),
        ("memory://exports/b.csv", [("面霜", "1")]),
    ]
    assert far.read() == []
    time.sleep(0.01)
    put(memory, "a.csv", b"name,count\nx,2\n")
    put(memory, "c.csv", b"name,count\nz,3\n")
    assert [part for part, _ in far.read()] == ["memory://exports/a.csv", "memory://exports/c.csv"]
    memory.rm("/exports/a.csv")
    assert far.read() == []
    assert far.failures == []


def test_how_it_is_read_changes_what_was_read(memory, tmp_path):
    put(memory, "a.csv", b"name;count\nx,1;2\n")
    far = Far(tmp_path, "memory://exports/")
    far.read()
    far.source = replace(far.source, settings={**far.source.settings, "delimiter": ";"})
    assert far.read() == [("memory://exports/a.csv", [("x,1", "2")])]


def test_members_of_an_archive_are_parts(memory, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.csv", "a,b\n1,2\n")
        archive.writestr("two.csv", "a,b\n3,4\n")
    put(memory, "all.zip", packed.getvalue())
    far = Far(tmp_path, "memory://exports/*.zip")
    assert far.read() == [
        ("memory://exports/all.zip!one.csv", [("1", "2")]),
        ("memory://exports/all.zip!two.csv", [("3", "4")]),
    ]
    assert far.read() == []


def test_an_archive_cut_short_by_a_crash_is_read_again(memory, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.csv", "a,b\n1,2\n")
        archive.writestr("two.csv", "a,b\n3,4\n")
    put(memory, "all.zip", packed.getvalue())
    far = Far(tmp_path, "memory://exports/*.zip")
    (part,) = CONNECTOR.survey(far.source, far.source.streams["records"], far.place)
    first = next(CONNECTOR.read(far.source, far.source.streams["records"], part, far.place))
    far._stored(first)
    assert [name for name, _ in far.read()] == ["memory://exports/all.zip!one.csv", "memory://exports/all.zip!two.csv"]


def test_a_broken_file_does_not_keep_the_others_back(memory, tmp_path):
    put(memory, "a.xlsx", b"PK\x03\x04 broken")
    put(memory, "b.csv", b"a,b\n1,2\n")
    far = Far(tmp_path, "memory://exports/*")
    assert [part for part, _ in far.read()] == ["memory://exports/b.csv"]
    assert [one.code for one in far.failures] == ["bad-file"]
    assert far.read() == []
    assert [one.code for one in far.failures] == ["bad-file"], "it is told until it is mended"


def test_files_that_are_not_whole_wait(memory, tmp_path, monkeypatch):
    put(memory, "a.csv.part", b"a,b\n1,2\n")
    put(memory, "b.csv", b"a,b\n1,2\n")
    put(memory, "c.csv", b"a,b\n1,2\n")
    far = Far(tmp_path, "memory://exports/*")
    fetch = fsspec.AbstractFileSystem.get_file

    def growing(self, path, target, **more):
        fetch(self, path, target, **more)
        if path.endswith("c.csv"):
            put(memory, "c.csv", b"a,b\n1,2\n3,4\n")

    monkeypatch.setattr(fsspec.AbstractFileSystem, "get_file", growing)
    assert [part for part, _ in far.read()] == ["memory://exports/b.csv"]
    assert far.codes == ["still-written", "still-written"]
    monkeypatch.setattr(fsspec.AbstractFileSystem, "get_file", fetch)
    assert far.read() == [("memory://exports/c.csv", [("1", "2"), ("3", "4")])]


def test_young_files_settle_first(memory, tmp_path):
    put(memory, "a.csv", b"a,b\n1,2\n")
    web = Web()
    web.time = time.time() + 10
    far = Far(tmp_path, "memory://exports/*", web, settle=60)
    assert far.read() == []
    assert far.codes == ["still-written"]
    web.time += 60
    assert len(far.read()) == 1


def test_an_empty_folder_is_told(memory, tmp_path):
    far = Far(tmp_path, "memory://exports/*.csv")
    assert far.read() == []
    assert far.codes == ["far-nothing"]


def test_templates_sort_what_lies_elsewhere(memory, tmp_path):
    put(memory, "a.csv", "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息\n1,2,3,4,5,6,7\n".encode())
    put(memory, "b.csv", b"a,b\n1,2\n")
    far = Far(tmp_path, "memory://exports/*", recognise=True)
    far.source = replace(far.source, streams={"tmall_items": Stream("tmall_items", {}, ORIGIN)})
    stream = far.source.streams["tmall_items"]
    (part,) = CONNECTOR.survey(far.source, stream, far.place)
    landings = list(CONNECTOR.read(far.source, stream, part, far.place))
    assert [one.part for one in landings] == ["memory://exports/a.csv", None]
    assert [one.code for one in landings[1].diagnostics] == ["export-unknown"]
    assert set(landings[1].cursor["files"]) == {"memory://exports/a.csv", "memory://exports/b.csv"}


PROJECT = """
kind: project
name: far
sources: {s: {connector: files, streams: {orders: {path: "memory://exports/*.csv"}}}}
models: [model.yaml]
mappings: [mapping.yaml]
"""
MODEL = "kind: model\ntables: {t: {key: [id], columns: {id: {type: id}, n: {type: integer}, f: {type: text}}}}\n"
MAPPING = "kind: mapping\nfrom: s.orders\ninto: t\nfields: {id: id, n: n, f: _file}\n"


def test_a_project_reads_a_bucket(memory, tmp_path):
    """A mended row leaves quarantine once its file was put there anew, as it does with files at hand."""
    for name, text in (("project", PROJECT), ("model", MODEL), ("mapping", MAPPING)):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    put(memory, "a.csv", b"id,n\n1,1\n2,two\n")
    store = load(tmp_path)
    assert [step.part.digest for step in store.plan().reads] == [""]
    run = store.apply()
    assert (run.status, run.builds[0].rows, run.builds[0].mappings[0].rejected) == ("done", 1, 1)
    time.sleep(0.01)
    put(memory, "a.csv", b"id,n\n1,7\n2,2\n")
    put(memory, "b.csv", b"id,n\n9,9\n")
    run = store.apply()
    assert (run.builds[0].rows, run.builds[0].mappings[0].rejected) == (3, 0)
    assert [batch.part for batch in store.state().batches] == [f"memory://exports/{one}.csv" for one in "aab"]
    assert store.apply().exit_status == 0


# --- the web ----------------------------------------------------------------------------------------------------


def test_a_page_lists_the_files_of_a_folder(tmp_path):
    web = Web(a_csv=b"a,b\n1,2\n", b_csv=b"a,b\n3,4\n", notes=b"?")
    far = Far(tmp_path, "https://shop.example/exports/*.csv", web, options={"username": "me", "password": "geheim"})
    assert far.read() == [
        ("https://shop.example/exports/a.csv", [("1", "2")]),
        ("https://shop.example/exports/b.csv", [("3", "4")]),
    ]
    assert all(request.url.startswith("https://shop.example/") for request in web.asked)
    assert all(dict(request.headers)["Authorization"] == "Basic bWU6Z2VoZWlt" for request in web.asked)
    web.asked.clear()
    web.files["b.csv"] = b"a,b\n5,6\n"
    assert far.read() == [("https://shop.example/exports/b.csv", [("5", "6")])]
    assert [request.url for request in web.asked if request.method == "GET"] == [
        "https://shop.example/exports/",
        "https://shop.example/exports/b.csv",
    ]


def test_a_server_that_tells_nothing_is_compared_by_content(tmp_path):
    web = Web(a_csv=b"a,b\n1,2\n")
    web.etags = False
    far = Far(tmp_path, "https://shop.example/exports/a.csv?sig=geheim", web)
    assert far.read() == [("https://shop.example/exports/a.csv", [("1", "2")])]
    assert "geheim" not in json.dumps(far.place.cursor)
    assert far.read() == []
    web.files["a.csv"] = b"a,b\n1,3\n"
    assert far.read() == [("https://shop.example/exports/a.csv", [("1", "3")])]


def test_a_loose_cable_is_tried_again(tmp_path):
    web = Web(a_csv=b"a,b\n1,2\n")
    web.failures = 2
    far = Far(tmp_path, "https://shop.example/exports/a.csv", web)
    assert len(far.read()) == 1
    web.failures = 9
    assert far.read() == []
    assert [str(one.facts["reason"]) for one in far.failures] == ["a cable is loose"]


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("ftp://host/x", {}, "unknown-scheme"),
        ("file:///etc/passwd", {}, "unknown-scheme"),
        ("s3://bucket/x", {"host_key": "SHA256:x"}, "option-not-used"),
        ("data/*.csv", {"key": "x"}, "option-not-used"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_asked(tmp_path, path, options, code):
    far = Far(tmp_path, path, options=options)
    with pytest.raises(GiveUp) as raised:
        list(CONNECTOR.survey(far.source, far.source.streams["records"], far.place))
    assert [one.code for one in raised.value.diagnostics] == [code]


def test_addresses_are_told_without_secrets():
    assert shown("sftp://me:geheim@host:22/a b/ü.csv") == "sftp://host:22/a b/ü.csv"
    assert shown("https://me:p@h@host/x/a.csv?sig=geheim#geheim") == "https://host/x/a.csv"
    assert shown("s3://bucket/a?b.csv") == "s3://bucket/a?b.csv"


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "paramiko", None)
    far = Far(tmp_path, "sftp://127.0.0.1/x")
    far.read()
    (told,) = far.failures
    assert told.code == "no-remote-library"
    assert "commerce-engine[remote]" in said(told)


# --- sftp -------------------------------------------------------------------------------------------------------


class Login(paramiko.ServerInterface):
    """Lets one person in."""

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("me", "geheim") else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class Disk(paramiko.SFTPServerInterface):
    """A folder, read only."""

    root: Path

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def list_folder(self, path: str):
        found = []
        for one in self._at(path).iterdir():
            told = paramiko.SFTPAttributes.from_stat(one.lstat())
            told.filename = one.name
            found.append(told)
        return found

    def stat(self, path: str):
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as failure:
            return paramiko.SFTPServer.convert_errno(failure.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr):
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = self._at(path).open("rb")
        return handle


class Server:
    """An SFTP server on the loopback."""

    def __init__(self, root: Path) -> None:
        self.key = paramiko.ECDSAKey.generate()
        self.disk = type("OneDisk", (Disk,), {"root": root})
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, self.disk)
            self.transports.append(transport)
            try:
                transport.start_server(server=Login())
            except (paramiko.SSHException, EOFError, OSError):
                continue

    def close(self) -> None:
        self.socket.close()
        for transport in self.transports:
            transport.close()


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    (tmp_path / "disk" / "in" / "2026").mkdir(parents=True)
    made = Server(tmp_path / "disk")
    yield made
    made.close()


def sftp(server: Server, root: Path, path: str, **options: object) -> Far:
    pinned = {"username": "me", "password": "geheim", "host_key": fingerprint(server.key)}
    options = {name: one for name, one in {**pinned, **options}.items() if one is not None}
    return Far(root, f"sftp://127.0.0.1:{server.port}{path}", options=options)


def test_a_server_with_the_pinned_key_is_read(server, tmp_path):
    disk = tmp_path / "disk" / "in"
    (disk / "a.csv").write_text("a,b\n1,2\n")
    (disk / "2026" / "五月.csv").write_text("a,b\n3,4\n")
    (disk / "2026" / "link.csv").symlink_to(disk / "a.csv")
    far = sftp(server, tmp_path, "/in/**/*.csv")
    head = f"sftp://127.0.0.1:{server.port}/in"
    assert far.read() == [
        (f"{head}/2026/link.csv", [("1", "2")]),
        (f"{head}/2026/五月.csv", [("3", "4")]),
        (f"{head}/a.csv", [("1", "2")]),
    ]
    assert far.failures == []
    assert far.read() == []
    (disk / "a.csv").write_text("a,b\n1,2\n5,6\n")
    assert [part for part, _ in far.read()] == [f"{head}/2026/link.csv", f"{head}/a.csv"]
    assert sftp(server, tmp_path, "/in/a.csv").read() == [(f"{head}/a.csv", [("1", "2"), ("5", "6")])]
    assert sftp(server, tmp_path, "/nowhere/*").read() == []


def test_name_and_password_may_stand_in_the_address(server, tmp_path):
    (tmp_path / "disk" / "in" / "a.csv").write_text("a,b\n1,2\n")
    address = f"sftp://me:geheim@127.0.0.1:{server.port}/in/*"
    far = Far(tmp_path, address, options={"host_key": f"{server.key.get_name()} {server.key.get_base64()}"})
    assert far.read() == [(f"sftp://127.0.0.1:{server.port}/in/a.csv", [("1", "2")])]
    assert "geheim" not in json.dumps(far.place.cursor)


@pytest.mark.parametrize("known", [True, False])
def test_known_hosts_are_believed_and_others_are_not(server, tmp_path, known):
    (tmp_path / "disk" / "in" / "a.csv").write_text("a,b\n1,2\n")
    line = f"[127.0.0.1]:{server.port} {server.key.get_name()} {server.key.get_base64()}\n"
    (tmp_path / "hosts").write_text(line if known else "")
    far = sftp(server, tmp_path, "/in/*", host_key=None, known_hosts="hosts")
    assert len(far.read()) == known
    if not known:
        (told,) = far.failures
        assert told.code == "host-key-unknown"
        assert fingerprint(server.key) in said(told)


@pytest.mark.parametrize("form", ["pinned", "hosts"])
def test_another_key_than_the_known_one_is_refused(server, tmp_path, form):
    other = paramiko.ECDSAKey.generate()
    line = f"[127.0.0.1]:{server.port} {other.get_name()} {other.get_base64()}\n"
    (tmp_path / "hosts").write_text(line)
    given = {"host_key": fingerprint(other)} if form == "pinned" else {"host_key": None, "known_hosts": "hosts"}
    far = sftp(server, tmp_path, "/in/*", **given)
    assert far.read() == []
    assert [one.code for one in far.failures] == ["host-key-other"]


def test_a_wrong_password_is_told_without_it(server, tmp_path):
    far = sftp(server, tmp_path, "/in/*", password="verkehrt")
    assert far.read() == []
    (told,) = far.failures
    assert told.code == "far-refused"
    assert "verkehrt" not in said(told)
    assert "password" in said(told)


def test_a_server_that_is_away_is_asked_three_times(tmp_path):
    web = Web()
    far = Far(tmp_path, "sftp://127.0.0.1:1/x", web, options={"host_key": "SHA256:x", "password": "x", "username": "x"})
    began = web.time
    assert far.read() == []
    assert web.time > began
    assert "cannot be reached" in said(far.failures[0])


# --- S3 and OSS -------------------------------------------------------------------------------------------------


class BucketServer(BaseHTTPRequestHandler):
    """As much of S3 (and of OSS, which says the same in the same words) as listing and fetching need; asks for a key."""

    objects: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        bucket, _, key = unquote(split.path).lstrip("/").partition("/")
        self.asked.append(f"{self.command} {self.path}")
        if "AKID" not in self.headers.get("Authorization", "") or bucket != "bucket":
            self.tell(403, b"<Error><Code>AccessDenied</Code><Message>not you: geheimgeheim</Message></Error>")
        elif not key:
            self.tell(200, self.listing({name: one[0] for name, one in parse_qs(split.query).items()}))
        elif key in self.objects:
            self.tell(200, self.objects[key], ETag=self.etag(key), **{"Last-Modified": "Mon, 05 Oct 2026 00:00:00 GMT"})
        else:
            self.tell(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")

    do_HEAD = do_GET  # noqa: N815

    def etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()}"'

    def listing(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        found, folders = "", set()
        for key in sorted(self.objects):
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            found += (
                f"<Contents><Key>{key}</Key><LastModified>2026-10-05T00:00:00.000Z</LastModified><ETag>{self.etag(key)}</ETag>"
                f"<Size>{len(self.objects[key])}</Size><StorageClass>STANDARD</StorageClass><Type>Normal</Type></Contents>"
            )
        found += "".join(f"<CommonPrefixes><Prefix>{one}</Prefix></CommonPrefixes>" for one in sorted(folders))
        head = "<Name>bucket</Name><IsTruncated>false</IsTruncated><MaxKeys>1000</MaxKeys><KeyCount>1</KeyCount>"
        return f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>{head}{found}</ListBucketResult>'.encode()

    def tell(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/xml", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def bucket() -> Iterator[ThreadingHTTPServer]:
    BucketServer.objects.clear()
    BucketServer.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), BucketServer) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize("scheme", ["s3", "oss"])
def test_a_bucket_is_read_over_the_wire(bucket, tmp_path, scheme):
    objects = BucketServer.objects
    objects |= {"in/a.csv": b"a,b\n1,2\n", "in/deep/b.csv": b"a,b\n3,4\n", "in/notes.txt": b"?", "other/c.csv": b"?"}
    address = f"http://127.0.0.1:{bucket.server_address[1]}"
    options = {"key": "AKIDtest", "secret": "geheimgeheim", "endpoint_url": address}
    far = Far(tmp_path, f"{scheme}://bucket/in/**/*.csv", options=options)
    found = far.read()
    assert far.failures == []
    assert found == [
        (f"{scheme}://bucket/in/a.csv", [("1", "2")]),
        (f"{scheme}://bucket/in/deep/b.csv", [("3", "4")]),
    ]
    BucketServer.asked.clear()
    assert far.read() == []
    assert not [one for one in BucketServer.asked if one.startswith("GET") and ".csv" in one.partition("?")[0]]
    objects["in/a.csv"] = b"a,b\n9,2\n"
    assert far.read() == [(f"{scheme}://bucket/in/a.csv", [("9", "2")])]


@pytest.mark.parametrize("scheme", ["s3", "oss"])
def test_a_bucket_that_refuses_is_told_without_secrets(bucket, tmp_path, scheme):
    options = {"key": "WRONG", "secret": "geheimgeheim", "endpoint_url": f"http://127.0.0.1:{bucket.server_address[1]}"}
    far = Far(tmp_path, f"{scheme}://bucket/in/*.csv", options=options)
    assert far.read() == []
    (told,) = far.failures
    assert told.code == "far-refused"
    assert "geheimgeheim" not in said(told)
