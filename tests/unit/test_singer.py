"""The connector `singer` against a strict tap of our own: messages, state, selection, faults, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft202012Validator
from msgspec import Raw

from engine.connector import GiveUp, JsonLines, Landing, Rows, Workplace
from engine.diagnostic import errors
from engine.document import Origin, parse
from engine.model import Source, Stream
from engine.singer import SingerConnector, spool
from engine.singer import tap as running
from engine.singer.batch import batch_lines
from engine.singer.message import Message, repaired
from engine.singer.settings import private_texts, settings_of

TAP = Path(__file__).parent.parent / "fakes" / "tap_orders.py"
SECRET = "key-9f8e7d6c5b"
ORDERS = (
    '{"order_id": "100000000000000001", "updated_at": "2026-10-01T08:00:00Z", "amount": 99999999999999999.90, "status": "待付款"}',
    '{"order_id": "100000000000000002", "updated_at": "2026-10-01T09:00:00Z", "amount": 12, "buyer": {"nick": "小王", "x": 1.10}}',
    '{"order_id": "100000000000000003", "updated_at": "2026-10-02T08:00:00Z", "amount": null, "status": ""}',
)
MANIFEST = """
sources:
  shop:
    connector: singer
    with: {tap: tap, config: {api_key: "${SHOP_KEY}"}}
    streams:
      orders: {stream: orders, select: [amount]}
"""


@dataclass
class Shop:
    """A project folder with one source that the tap reads."""

    root: Path
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    cursor: Any = None
    connector: SingerConnector = field(default_factory=SingerConnector)
    turns: int = 0

    def __post_init__(self) -> None:
        (self.root / "data").mkdir(exist_ok=True)
        self.put("orders", *ORDERS)
        self.put("refunds", '{"refund_id": "1", "updated_at": "2026-10-01T08:00:00Z", "amount": 0.1}')
        document, _ = parse(MANIFEST, "project.yaml")
        assert document is not None
        self.origin = Origin(document, ("sources", "shop"))

    def put(self, stream: str, *records: str) -> None:
        (self.root / "data" / f"{stream}.jsonl").write_text("\n".join(records), "utf-8")

    @property
    def source(self) -> Source:
        config = {"api_key": SECRET, "data": "data", **self.config}
        settings = {"tap": [sys.executable, str(TAP)], "config": config, **self.settings}
        return Source("shop", "singer", settings, {}, self.origin)

    def read(self, name: str = "orders", **settings: Any) -> Iterator[Landing]:
        """Read a stream in a scratch folder of its own."""
        self.turns += 1
        scratch = self.root / f"scratch-{self.turns}"
        scratch.mkdir(mode=0o700)
        place = Workplace(self.root, scratch, cursor=self.cursor, keep=self.root / "kept" / "shop")
        origin = Origin(self.origin.document, (*self.origin.path, "streams", name))
        stream = Stream(name, settings, origin if name == "orders" else self.origin)
        (part,) = self.connector.survey(self.source, stream, replace(place, keep=None))
        yield from self.connector.read(self.source, stream, part, place)

    def records(self, name: str = "orders", **settings: Any) -> list[dict[str, str]]:
        """All records, and the cursor moved on."""
        found = []
        for landing in self.read(name, **settings):
            found += rows(landing)
            self.cursor = landing.cursor
        return found

    def refused(self, name: str = "orders", **settings: Any) -> tuple[list[Landing], str]:
        """The landings that came before the tap was given up, and the words of why."""
        landings = []
        reading = ((landings.append(landing), rows(landing)) for landing in self.read(name, **settings))
        with pytest.raises(GiveUp) as given_up:
            list(reading)
        (found,) = given_up.value.diagnostics
        assert errors([found])
        words = found.words()
        return landings, "\n".join([found.code, str(found.place), words.message, *words.notes, words.help or ""])

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "log").read_text().splitlines()]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("SHOP_KEY", SECRET)
    monkeypatch.setenv("UNASKED", "1")
    return Shop(tmp_path)


def rows(landing: Landing) -> list[dict[str, str]]:
    """The records of a landing as the warehouse reads them: text, without what is empty."""
    given = landing.records
    if given is None:
        return []
    if isinstance(given, Rows):
        return [dict(zip(given.columns, values, strict=True)) for _, values, _ in given.rows]
    assert isinstance(given, JsonLines)
    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in given.columns)
    reader = f"read_json('{given.path}', format='newline_delimited', records=true, columns={{{columns}}})"
    found = duckdb.sql(f"SELECT * FROM {reader}").fetchall()
    assert landing.otherwise is not None
    careful = [values for _, values, _ in landing.otherwise.rows]
    assert [tuple(map(_spaceless, one)) for one in careful] == [tuple(map(_spaceless, one)) for one in found]
    return [{name: value for name, value in zip(given.columns, one, strict=True) if value is not None} for one in found]


def _spaceless(value: str | None) -> str | None:
    return value.replace(" ", "") if value and value[:1] in "[{" else value


# --- records ----------------------------------------------------------------------------------------------------


def test_records_keep_their_digits_and_their_order(shop: Shop) -> None:
    found = shop.records()
    assert [one["order_id"] for one in found] == [f"10000000000000000{number}" for number in (1, 2, 3)]
    assert [one.get("amount") for one in found] == ["99999999999999999.90", "12", None]
    assert found[1]["buyer"] == '{"nick": "小王", "x": 1.10}'
    assert "status" not in found[1]
    assert found[2]["status"] == ""


def test_columns_are_those_of_the_schema_and_those_that_came(shop: Shop) -> None:
    (landing,) = shop.read()
    assert isinstance(landing.records, JsonLines)
    assert landing.records.columns == ("order_id", "updated_at", "amount", "status", "buyer")
    assert landing.first_row == 1
    shop.put(
        "refunds", '{"refund_id": "1", "updated_at": "2026-10-01"}', '{"refund_id": "2", "updated_at": "2026-10-02"}'
    )
    assert [set(one) for one in Shop.records(shop, "refunds")] == [{"refund_id", "updated_at"}] * 2


def test_what_stands_beside_a_record_becomes_columns(shop: Shop) -> None:
    shop.config = {"extras": ["versions", "unknown", "case"]}
    landings = list(shop.read())
    (notes,) = [landing.diagnostics for landing in landings if landing.diagnostics]
    assert {(one.code, one.severity) for one in notes} == {("tap-versions", "note"), ("tap-other-messages", "note")}
    shop.cursor = None
    assert {(one["_sdc_extracted_at"], one["_sdc_table_version"]) for one in shop.records()} == {
        ("2026-10-05T00:00:00Z", "7")
    }


def test_a_number_that_json_does_not_have_is_kept_as_text(shop: Shop) -> None:
    shop.put("orders", '{"order_id": "NaN", "updated_at": "2026-10-01", "amount": NaN, "buyer": {"a": [-Infinity]}}')
    (found,) = shop.records()
    assert found["amount"] == "NaN"
    assert found["buyer"] in ('{"a":["-Infinity"]}', '{"a": ["-Infinity"]}')
    assert repaired(rb'["NaN \" NaN", NaN]') == rb'["NaN \" NaN", "NaN"]'


def test_half_a_surrogate_is_kept_as_the_text_of_its_escape(shop: Shop) -> None:
    shop.put("orders", r'{"order_id": "\ud83d x", "updated_at": "2026", "status": "\ud83d\ude00 \\ud83d"}')
    (found,) = shop.records()
    assert (found["order_id"], found["status"]) == ("\\ud83d x", "😀 \\ud83d")


def test_records_that_the_fast_reader_refuses_come_one_by_one(shop: Shop) -> None:
    twice = '{"order_id": "1", "updated_at": "2026", "order_id": "2", "amount": 3}'
    shop.put("orders", twice)
    shop.config = {"batches": "lake"}
    landing = next(shop.read())
    assert isinstance(landing.otherwise, Rows)
    with pytest.raises(duckdb.InvalidInputException):
        rows(landing)


def test_bytes_that_are_no_text_are_kept_whole(shop: Shop) -> None:
    line = b'{"order_id": "\xff", "updated_at": "2026", "amount": 1}'
    folder = shop.root / "lake"
    folder.mkdir()
    (folder / "orders.jsonl").write_bytes(line + b"\n" + ORDERS[0].encode())
    place = Workplace(shop.root, shop.root)
    message = Message("BATCH", manifest=Raw(b'["lake/orders.jsonl"]'))
    made = spool.Spool(shop.root)
    for record in batch_lines(message, place):
        made.add(record, message)
    landing = made.landing((), {}, ())
    assert isinstance(landing.otherwise, Rows)
    (_, _, whole), (_, values, fits) = landing.otherwise.rows
    assert whole == line.decode("utf-8", "replace")
    assert fits is None
    assert values[landing.otherwise.columns.index("amount")] == "99999999999999999.90"


def test_names_that_differ_only_in_case_become_columns_of_their_own(shop: Shop) -> None:
    folder = shop.root / "lake"
    shop.config = {"batches": str(folder)}
    shop.put("orders", '{"order_id": "1", "updated_at": "2026", "Amount": "x", "amount": 2}')
    (found,) = shop.records()
    assert (found["amount"], found["Amount_2"]) == ("2", "x")


# --- state ------------------------------------------------------------------------------------------------------


def test_a_second_run_goes_on_from_the_state(shop: Shop) -> None:
    shop.config = {"log": "log"}
    assert len(shop.records()) == 3
    assert shop.cursor == {"bookmarks": {"orders": {"updated_at": "2026-10-02T08:00:00Z"}}}
    shop.put("orders", *ORDERS, '{"order_id": "100000000000000004", "updated_at": "2026-10-03T00:00:00Z"}')
    assert [one["order_id"][-1] for one in shop.records()] == ["3", "4"]
    assert [(one["discover"], one["state"] is None) for one in shop.log()] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def test_a_full_stream_is_never_told_a_state(shop: Shop) -> None:
    shop.cursor = {"bookmarks": {"orders": {"updated_at": "2027"}}}
    assert shop.records() == []
    assert len(shop.records(replication="full")) == 3
    assert shop.cursor == {}
    assert len(shop.records(replication="full")) == 3


def test_a_landing_carries_the_last_state_before_its_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cursor covers only records that stand in its landing or earlier ones."""
    monkeypatch.setattr(spool, "MOST_RECORDS", 3)
    shop.config = {"generate": 8, "state_every": 2}
    landed: list[str] = []
    for landing in shop.read():
        landed += [one["updated_at"] for one in rows(landing)]
        bookmark = (landing.cursor.get("bookmarks") or {"orders": {"updated_at": ""}})["orders"]["updated_at"]
        assert bookmark <= landed[-1]
        assert landing.first_row == len(landed) - len(rows(landing)) + 1
    assert len(landed) == 8


def test_landings_are_bounded_and_their_files_go(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_BYTES", 400)
    shop.config = {"generate": 20}
    before: Path | None = None
    count = 0
    for landing in shop.read():
        assert before is None or not before.exists()
        if isinstance(landing.records, JsonLines):
            before = landing.records.path
            assert before.stat().st_size < 600
            count += len(rows(landing))
    assert count == 20


# --- catalog ----------------------------------------------------------------------------------------------------


def test_fields_are_selected_with_those_that_are_needed(shop: Shop) -> None:
    assert set(shop.records(select=["status"], cursor="updated_at")[0]) == {"order_id", "updated_at", "status"}


def test_only_the_stream_that_is_read_is_selected(shop: Shop) -> None:
    (found,) = shop.records("money_back", stream="refunds")
    assert found == {"refund_id": "1", "updated_at": "2026-10-01T08:00:00Z", "amount": "0.1"}


def test_records_of_other_streams_are_left_out_and_told(shop: Shop) -> None:
    shop.config = {"everything": True}
    landings = list(shop.read())
    (warning,) = landings[-1].diagnostics
    assert warning.code == "tap-other-streams"
    assert "`refunds` (1)" in warning.words().notes[0]


def test_the_catalog_is_asked_for_once_a_day_and_when_it_lacks_something(shop: Shop) -> None:
    shop.config = {"log": "log"}
    asked = lambda: sum(one["discover"] for one in shop.log())  # noqa: E731
    shop.records()
    shop.records()
    assert asked() == 1
    shop.refused("nothing")
    assert asked() == 2
    kept = shop.root / "kept" / "shop" / "catalog.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "at": time.time() - 25 * 3600}))
    shop.records()
    assert asked() == 3


def test_a_catalog_in_the_project_is_taken_as_it_is(shop: Shop) -> None:
    shop.config = {"log": "log"}
    shop.records()
    kept = json.loads((shop.root / "kept" / "shop" / "catalog.json").read_text())
    (shop.root / "catalog.json").write_text(json.dumps({"streams": kept["streams"]}))
    shop.settings = {"catalog": "catalog.json"}
    shop.cursor = None
    (shop.root / "log").unlink()
    assert len(shop.records()) == 3
    assert not any(one["discover"] for one in shop.log())


def test_taps_of_the_first_generation_are_told_too(shop: Shop) -> None:
    shop.config, shop.settings = {"legacy": True}, {"selection": "properties"}
    assert len(shop.records(key=["order_id"], replication="full")) == 3


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("order", {}, ("tap-no-stream", "`orders`, `refunds`", "did you mean `orders`?")),
        ("orders", {"select": ["amout"]}, ("tap-no-field", "project.yaml:7:41", "did you mean `amount`?")),
        ("orders", {"select": ["picture"]}, ("tap-no-field", "no field `picture`")),
        ("orders", {"cursor": "changed"}, ("tap-no-field", "no field `changed`")),
    ],
)
def test_what_the_catalog_does_not_have_is_said(
    shop: Shop, name: str, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    landings, said = shop.refused(name, **settings)
    assert not landings
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "no list `streams`"),
        ("not json", "Expecting value"),
        ('{"streams": [{}]}', "no `tap_stream_id`"),
        ('{"streams": [{"tap_stream_id": "orders", "metadata": [1]}]}', "metadata"),
    ],
)
def test_a_catalog_that_is_none_is_refused(shop: Shop, text: str, reason: str) -> None:
    (shop.root / "catalog.json").write_text(text)
    shop.settings = {"catalog": "catalog.json"}
    assert reason in shop.refused()[1]
    shop.settings = {"catalog": "nowhere.json"}
    assert "unreadable-file" in shop.refused()[1]


def test_what_a_tap_without_catalog_cannot_be_told_is_said(shop: Shop) -> None:
    shop.settings = {"selection": "none"}
    assert "tap-untold" in shop.refused(select=["amount"])[1]
    assert "there is no catalog" in shop.refused()[1]  # the tap's own words: it is started without


# --- faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "code"), [("die", "tap-failed"), ("cut", "tap-failed"), ("kill", "tap-killed")])
def test_a_tap_that_dies_keeps_what_it_wrote(shop: Shop, fault: str, code: str) -> None:
    shop.config = {"fault": fault, "after": 2}
    landings, said = shop.refused()
    assert said.startswith(code)
    assert landings[-1].cursor == {"bookmarks": {"orders": {"updated_at": "2026-10-01T09:00:00Z"}}}
    assert SECRET not in said
    if code == "tap-failed":
        assert "status 3" in said
        assert "line 29: refused for ***" in said
        assert "line 9:" not in said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("garbage", ("tap-not-a-message", "line 5", "(orders):5:1")),
        ("list", ("tap-not-a-message", "line 5", "expected `object`, got `array`")),
        ("no_schema", ("tap-no-schema", "line 1")),
        ("endless", ("tap-line-too-long", "48 MB")),
    ],
)
def test_what_is_no_message_is_said_with_its_line(shop: Shop, fault: str, words: tuple[str, ...]) -> None:
    shop.config = {"fault": fault, "after": 2}
    landings, said = shop.refused()
    assert all(word in said for word in words), said
    assert SECRET not in said
    assert len([one for one in landings if one.records]) == (0 if fault == "no_schema" else 1)


def test_a_silent_tap_is_stopped_with_all_it_started(shop: Shop) -> None:
    shop.config, shop.settings = {"fault": "hang", "after": 2}, {"timeout": 1}
    _, said = shop.refused()
    assert "tap-silent" in said
    assert "no sign of life for 1 seconds" in said
    _assert_gone(shop)


def test_a_tap_is_stopped_where_the_reading_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_RECORDS", 2)
    shop.config = {"fault": "hang", "after": 2}
    reading = shop.read()
    next(reading)
    while not (shop.root / "data" / "pids").exists():
        time.sleep(0.01)
    reading.close()
    _assert_gone(shop)
    shop.config = {}
    assert len(shop.records()) == 3  # the next has its turn


def _assert_gone(shop: Shop) -> None:
    deadline = time.monotonic() + 5
    for pid in map(int, (shop.root / "data" / "pids").read_text().split()):
        while _lives(pid):
            assert time.monotonic() < deadline, f"{pid} still runs"
            time.sleep(0.02)


def _lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return os.system(f"kill -0 {pid} 2>/dev/null") == 0


def test_a_tap_ends_with_the_program_that_reads_it(shop: Shop) -> None:
    """Also where nobody closes the reading: a thread that is cut off by the end of the program."""
    script = f"""
import sys, threading, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_singer import Shop
shop = Shop(Path({str(shop.root)!r}), {{"fault": "hang", "after": 2}})
threading.Thread(target=lambda: list(shop.read()), daemon=True).start()
while not Path({str(shop.root / "data" / "pids")!r}).exists():
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    _assert_gone(shop)


def test_a_fast_tap_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tap wrote and nobody has read yet lies in the pipe, which is small."""
    monkeypatch.setattr(spool, "MOST_RECORDS", 10)
    shop.config = {"generate": 100_000, "log": "log", "state_every": 1000}
    before = threading.active_count()
    reading = shop.read()
    next(reading)
    time.sleep(0.3)
    assert threading.active_count() < before + 5
    assert sum(file.stat().st_size for file in (shop.root / "scratch-1").glob("records*")) < 10_000
    reading.close()


@pytest.mark.parametrize(
    ("tap", "code"),
    [("tap-nowhere", "tap-not-found"), ("taps/none", "tap-not-found"), ("taps/broken", "tap-not-startable")],
)
def test_a_tap_that_cannot_be_started_is_said(shop: Shop, tap: str, code: str) -> None:
    (shop.root / "taps").mkdir()
    (shop.root / "taps" / "broken").write_text("#!/no/such/interpreter\n")
    (shop.root / "taps" / "broken").chmod(0o755)
    shop.settings = {"tap": tap}
    said = shop.refused()[1]
    assert code in said
    assert "project.yaml:5:17" in said
    assert "pipx install" in said or code != "tap-not-found"


# --- batches ----------------------------------------------------------------------------------------------------


def test_records_in_files_are_read(shop: Shop) -> None:
    shop.config = {"batches": str(shop.root / "lake")}
    assert [one["order_id"][-1] for one in shop.records()] == ["1", "2", "3"]
    shop.cursor, shop.config = None, {"batches": "lake"}
    assert len(shop.records()) == 3


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"batches": "s3://lake"}, "not on this machine"),
        ({"batches": "../away"}, "outside of the project"),
        ({"batches": "lake", "format": "parquet"}, "its format is `parquet`"),
    ],
)
def test_files_that_cannot_be_taken_are_refused(shop: Shop, config: dict[str, Any], reason: str) -> None:
    shop.config = config
    landings, said = shop.refused()
    assert "tap-batch-refused" in said
    assert reason in said
    assert not [one for one in landings if one.records]


# --- secrets ----------------------------------------------------------------------------------------------------


def test_a_renewed_token_is_handed_over_until_the_settings_change(shop: Shop) -> None:
    shop.config = {"log": "log", "token": "old", "renew": "new"}
    shop.records()
    shop.records()
    shop.config = {"log": "log", "token": "other"}
    shop.records()
    assert [one["token"] for one in shop.log() if not one["discover"]] == ["new", "new", "other"]
    assert oct((shop.root / "kept" / "shop" / "config.json").stat().st_mode)[-3:] == "600"


def test_no_process_outlives_a_reading(shop: Shop) -> None:
    before = set(threading.enumerate())
    shop.records()
    assert not [one for one in set(threading.enumerate()) - before if isinstance(one, running._Log)]


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [SingerConnector.source_schema, SingerConnector.stream_schema])
def test_schemas_are_closed_and_described_in_both_languages(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert all(" · " in told["description"] for told in schema["properties"].values())


def test_where_histories_begin_is_the_start_date(shop: Shop) -> None:
    from_manifest = replace(shop.source, since="2026-01-01")
    assert settings_of(from_manifest, Stream("orders", {}, shop.origin)).config["start_date"] == "2026-01-01"


def test_what_stands_under_names_of_secrets_is_hidden() -> None:
    config = {"shop": "quiet", "credentials": {"user": "name&co"}, "password": ["p" * 8], "start_date": "2026-01-01"}
    assert set(private_texts(config)) == {"name&co", "p" * 8}
