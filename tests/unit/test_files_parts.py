"""Which parts there are, whether they changed, and archives."""

import gzip
import io
import os
import zipfile

import jsonschema
import pytest
from files_reading import CONNECTOR, ORIGIN, Folder, careful, stream_of, values

from engine.connector import GiveUp, Workplace
from engine.diagnostic.catalogue import CATALOGUE
from engine.diagnostic.catalogue.files import ENTRIES
from engine.files import archive, parts
from engine.files.settings import SOURCE_SCHEMA, STREAM_SCHEMA
from engine.model import Source

TEXT = "a,b\n1,2\n"


def zipped(members: dict[str, bytes | str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return data.getvalue()


def test_parts_come_by_name_without_unfinished_files(tmp_path):
    folder = Folder(tmp_path, path="data/**/*")
    names = ("b.csv", "a.csv", "~$a.xlsx", ".DS_Store", "c.csv.crdownload", "d.tmp", "Thumbs.db", "sub/订单.csv")
    for name in names:
        folder.put(name, TEXT)
    found = folder.parts()
    assert [part.name for part in found] == ["data/a.csv", "data/b.csv", "data/sub/订单.csv"]
    assert found[0].size == len(TEXT)
    status = (tmp_path / "data/a.csv").stat()
    assert found[0].stamp == f"{status.st_size}:{status.st_mtime_ns}"


def test_lists_folders_brackets_and_absolute_paths(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    outside = tmp_path / "别处.csv"
    outside.write_text(TEXT)
    folder = Folder(root, path=["data", "data/[1]*.csv", "data/[2].csv", str(outside), "data/none*.csv"])
    for name in ("1.csv", "[2].csv"):
        folder.put(name, TEXT)
    assert [part.name for part in folder.parts()] == sorted([outside.as_posix(), "data/1.csv", "data/[2].csv"])
    (landing,) = CONNECTOR.read(folder.source, folder.stream, folder.parts()[0], folder.place)
    assert careful(landing) == [(2, ("1", "2"), None)]


def test_a_pattern_that_matches_nothing_gives_nothing(tmp_path):
    assert Folder(tmp_path, path="nowhere/*.csv").parts() == []


def test_equal_content_has_an_equal_digest_and_both_are_parts(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", TEXT)
    folder.put("b.csv", TEXT)
    one, two = folder.parts()
    assert one.digest == two.digest


def test_a_touched_file_is_read_again_and_found_equal(tmp_path):
    folder = Folder(tmp_path)
    file = folder.put("a.csv", TEXT)
    (before,) = folder.parts()
    os.utime(file, ns=(1, 1))
    (after,) = folder.parts((before,))
    assert after.stamp != before.stamp
    assert after.digest == before.digest


def test_an_unchanged_file_is_not_read(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.put("a.csv", TEXT)
    folder.put("b.zip", zipped({"c.csv": TEXT}))
    before = folder.parts()

    def no_reading(file, member):
        raise AssertionError(f"{file} was read")

    monkeypatch.setattr(parts, "_content_digest", no_reading)
    assert folder.parts(tuple(before)) == before
    other = Folder(tmp_path, encoding="gbk").parts(tuple(before))
    assert [part.digest for part in other] != [part.digest for part in before]
    with pytest.raises(AssertionError, match="was read"):
        folder.parts()


def test_other_settings_give_another_digest_but_another_path_does_not(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", TEXT)
    (before,) = folder.parts()
    assert Folder(tmp_path, path="data/a*").parts()[0].digest == before.digest
    for settings in ({"header_row": 1}, {"quote": ""}, {"footer": ["x"]}, {"delimiter": ","}, {"header": ["a", "b"]}):
        assert Folder(tmp_path, **settings).parts()[0].digest != before.digest


def test_changed_content_of_the_same_size(tmp_path):
    folder = Folder(tmp_path)
    file = folder.put("a.csv", TEXT)
    os.utime(file, ns=(1, 1))
    (before,) = folder.parts()
    folder.put("a.csv", TEXT.replace("1", "3"))
    (after,) = folder.parts((before,))
    assert after.digest != before.digest


# --- streams and settings ---------------------------------------------------------------------------------------


def test_streams_fall_back_on_their_source(tmp_path):
    (tmp_path / "orders.csv").write_bytes("名;值\n甲;1\n".encode("gbk"))
    source = Source("exports", "files", {"delimiter": ";", "path": "nowhere"}, {}, ORIGIN)
    source.streams["orders"] = stream_of(source, "orders", path="orders.csv", encoding="gbk")
    streams = CONNECTOR.streams(source)
    assert list(streams) == ["orders"]
    place = Workplace(tmp_path, tmp_path / "scratch")
    (part,) = CONNECTOR.survey(source, streams["orders"], place)
    (landing,) = CONNECTOR.read(source, streams["orders"], part, place)
    assert values(landing) == [("甲", "1")]


def test_a_source_without_streams_has_one(tmp_path):
    assert list(CONNECTOR.streams(Folder(tmp_path).source)) == ["records"]


def test_a_stream_without_path_is_a_finding(tmp_path):
    source = Source("exports", "files", {}, {}, ORIGIN)
    with pytest.raises(GiveUp, match="no-path"):
        list(CONNECTOR.survey(source, stream_of(source, "x"), Workplace(tmp_path, tmp_path)))


@pytest.mark.parametrize("schema", [SOURCE_SCHEMA, STREAM_SCHEMA])
def test_schemas_are_closed_and_described(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert all(one["description"] for one in schema["properties"].values())
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert valid({"path": ["a", "b"], "delimiter": "tab", "quote": "", "sheet": 2, "footer": "x", "records": "a.b"})
    for wrong in ({"pth": "a"}, {"format": "xml"}, {"header_row": 0}, {"delimiter": "||"}, {"header": []}):
        assert not valid(wrong)


def test_every_finding_reads_in_both_languages():
    for code, entry in ENTRIES.items():
        assert CATALOGUE[code] is entry
        english, chinese = entry.en, entry.zh
        assert len(english.notes) == len(chinese.notes), code
        assert (english.help is None) == (chinese.help is None), code
        assert not english.message.endswith("."), code


# --- archives ---------------------------------------------------------------------------------------------------


def test_gzip(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv.gz", gzip.compress("名,值\n甲,1\n".encode("gbk")))
    folder.put("b.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    assert values(folder.landing("a.csv.gz")) == [("甲", "1")]
    assert values(folder.landing("b.jsonl.gz")) == [("1",), ("2",)]
    assert list((tmp_path / "scratch").iterdir())


def test_each_data_file_in_a_zip_is_a_part(tmp_path):
    folder = Folder(tmp_path)
    inside = {"x/b.csv": TEXT, "a.json": '[{"k": 1}]', "__MACOSX/a.csv": "", "读我.pdf": "", "../evil.csv": TEXT}
    folder.put("a.zip", zipped(inside))
    folder.put("b.csv", TEXT)
    found = {part.name: part for part in folder.parts()}
    assert list(found) == ["data/a.zip!../evil.csv", "data/a.zip!a.json", "data/a.zip!x/b.csv", "data/b.csv"]
    assert found["data/a.zip!x/b.csv"].digest == found["data/b.csv"].digest
    assert values(folder.landing("a.zip!../evil.csv")) == [("1", "2")]
    assert values(folder.landing("a.zip!a.json")) == [("1",)]
    assert not (tmp_path / "evil.csv").exists()
    assert not (tmp_path / "data" / "evil.csv").exists()


def test_chinese_names_in_a_zip(tmp_path):
    data = zipped({"abcd.csv": TEXT}).replace(b"abcd", "订单".encode("gbk"))
    folder = Folder(tmp_path)
    folder.put("a.zip", data)
    assert [part.name for part in folder.parts()] == ["data/a.zip!订单.csv"]
    assert values(folder.landing()) == [("1", "2")]


def test_an_encrypted_member(tmp_path):
    data = bytearray(zipped({"a.csv": TEXT}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    folder = Folder(tmp_path)
    folder.put("a.zip", bytes(data))
    with pytest.raises(GiveUp, match="password-file"):
        folder.landing()


def test_bombs_are_refused_and_never_unpacked_by_a_survey(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.put("a.zip", zipped({"a.csv": b"0" * 400_000}))
    folder.put("b.csv.gz", gzip.compress(b"0" * 400_000))
    monkeypatch.setattr(archive, "SMALL", 1000)
    monkeypatch.setattr(archive, "opened_member", None)
    assert len(folder.parts()) == 2
    for name in ("a.zip!a.csv", "b.csv.gz"):
        with pytest.raises(GiveUp, match="unpacks-too-large"):
            folder.landing(name)


def test_the_sum_of_an_archive_is_bounded(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.put("a.zip", zipped({f"{number}.csv": TEXT for number in range(9)}))
    monkeypatch.setattr(archive, "LARGEST", 8 * len(TEXT))
    with pytest.raises(GiveUp, match="unpacks-too-large"):
        folder.landing("a.zip!1.csv")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.zip", b"PK\x03\x04junk", "bad-file"),
        ("a.zip", zipped({"读我.pdf": "x"}), "empty-archive"),
        ("a.csv.gz", gzip.compress(TEXT.encode() * 99)[:-9], "bad-file"),
        ("a.csv.gz", b"\x1f\x8b\x08junkjunkjunk", "bad-file"),
    ],
)
def test_damaged_archives(tmp_path, name, data, code):
    folder = Folder(tmp_path)
    folder.put(name, data)
    with pytest.raises(GiveUp, match=code):
        folder.landing()


def test_a_damaged_member(tmp_path):
    data = bytearray(zipped({"a.csv": TEXT * 50}))
    data[40] ^= 0xFF
    folder = Folder(tmp_path)
    folder.put("a.zip", bytes(data))
    with pytest.raises(GiveUp, match="bad-file"):
        folder.landing()
