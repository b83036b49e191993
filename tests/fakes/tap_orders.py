"""A small Singer tap over JSON-lines files, as strict about what it is handed as taps are, with faults on demand.

    python tap_orders.py --config config.json --discover
    python tap_orders.py --config config.json --catalog catalog.json --state state.json

Configuration: `data` (folder of `<stream>.jsonl`), `api_key` (must begin with `key-`), and what a test wants of it:
`state_every` records (2), `fault` and `after` so many records, `extras`, `everything` (selection is ignored), `batches` (folder),
`renew` (a new token), `legacy` (catalog of the first generation), `generate` so many orders.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SCHEMAS: dict[str, dict[str, Any]] = {
    "orders": {
        "order_id": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
        "amount": {"type": ["null", "number"]},
        "status": {"type": ["null", "string"]},
        "buyer": {"type": ["null", "object"], "properties": {"nick": {"type": "string"}}},
        "picture": {"type": "string"},
    },
    "refunds": {"refund_id": {"type": "string"}, "updated_at": {"type": "string"}, "amount": {"type": "number"}},
}
KEYS = {"orders": "order_id", "refunds": "refund_id"}
CURSOR = "updated_at"


class Tap:
    """One run."""

    def __init__(self, config: dict[str, Any], catalog: dict[str, Any], state: dict[str, Any]) -> None:
        self.config, self.catalog = config, catalog
        self.bookmarks = dict(state.get("bookmarks") or {})
        self.extras = config.get("extras") or []
        self.written = 0

    def run(self) -> None:
        chosen = [entry for entry in self.catalog["streams"] if is_selected(entry)]
        if len(chosen) != 1:
            fail(f"{len(chosen)} streams are selected")
        entries = self.catalog["streams"] if self.config.get("everything") else chosen
        for entry in entries:
            self.stream(entry)

    def stream(self, entry: dict[str, Any]) -> None:
        name = entry["tap_stream_id"]
        fields = selected_fields(entry)
        properties = {field: SCHEMAS[name][field] for field in fields}
        schema = {"type": "object", "properties": properties}
        if self.config.get("fault") != "no_schema":
            self.write("SCHEMA", stream=name, schema=schema, key_properties=[KEYS[name]], bookmark_properties=[CURSOR])
        if "versions" in self.extras:
            self.write("ACTIVATE_VERSION", stream=name, version=7)
        if "unknown" in self.extras:
            self.write("HEARTBEAT")
        since = "" if method(entry) == "FULL_TABLE" else self.bookmarks.get(name, {}).get(CURSOR, "")
        lines = [line for line in self.lines(name) if json.loads(line)[CURSOR] >= since]
        if self.config.get("batches"):
            self.batch(name, lines)
        else:
            for line in lines:
                self.record(name, line, fields)
        self.state(name, lines[-1] if lines else None)

    def lines(self, name: str) -> list[str]:
        """The records, oldest first, each as it is written in the file."""
        if count := self.config.get("generate"):
            return [made(number) for number in range(count)]
        text = Path(self.config["data"], f"{name}.jsonl").read_text("utf-8")
        return sorted(text.splitlines(), key=lambda line: json.loads(line)[CURSOR])

    def record(self, name: str, line: str, fields: list[str]) -> None:
        if self.config.get("fault") and self.written == self.config.get("after", 0):
            FAULTS[self.config["fault"]](self)
        whole = json.loads(line)
        kept = {field: value for field, value in whole.items() if field in fields}
        text = line if kept == whole else json.dumps(kept)
        extras = ', "time_extracted": "2026-10-05T00:00:00Z", "version": 7' if "versions" in self.extras else ""
        self.say(f'{{"type": "RECORD", "stream": "{name}", "record": {text}{extras}}}')
        self.written += 1
        if self.written % self.config.get("state_every", 2) == 0:
            self.state(name, line)

    def state(self, name: str, line: str | None) -> None:
        if line is not None:
            self.bookmarks[name] = {CURSOR: json.loads(line)[CURSOR]}
        self.write("STATE", value={"bookmarks": self.bookmarks})

    def batch(self, name: str, lines: list[str]) -> None:
        folder = self.config["batches"]
        file = f"{folder}/{name}.jsonl.gz" if "://" in folder else f"file://{folder}/{name}.jsonl.gz"
        if "://" not in folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode("utf-8") + b"\n"))
        encoding = {"format": self.config.get("format", "jsonl"), "compression": "gzip"}
        self.write("BATCH", stream=name, encoding=encoding, manifest=[file])

    def write(self, kind: str, **members: Any) -> None:
        kind = kind.capitalize() if "case" in self.extras else kind
        self.say(json.dumps({"type": kind, **members}))

    def say(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def made(number: int) -> str:
    return json.dumps({"order_id": f"{number:018d}", "updated_at": f"2026-10-01T{number:09d}", "amount": number})


# --- faults -----------------------------------------------------------------------------------------------------


def die(tap: Tap) -> None:
    for number in range(30):
        print(f"line {number}: refused for {tap.config['api_key']}", file=sys.stderr)
    sys.exit(3)


def cut(tap: Tap) -> None:
    sys.stdout.write('{"type": "RECORD", "stream": "orders", "rec')
    sys.stdout.flush()
    die(tap)


def hang(tap: Tap) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(tap.config["data"], "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def kill(tap: Tap) -> None:
    os.kill(os.getpid(), 9)


FAULTS: dict[str, Any] = {
    "die": die,
    "cut": cut,
    "hang": hang,
    "kill": kill,
    "garbage": lambda tap: tap.say(f"fetching with {tap.config['api_key']} ..."),
    "list": lambda tap: tap.say('{"type": "RECORD", "stream": "orders", "record": [1]}'),
    "no_schema": lambda tap: None,
    "endless": lambda tap: [sys.stdout.write("x" * 65536) for _ in range(2000)],
}


# --- catalog ----------------------------------------------------------------------------------------------------


def discovered(*, legacy: bool) -> dict[str, Any]:
    return {"streams": [entry_of(name, legacy=legacy) for name in SCHEMAS]}


def entry_of(name: str, *, legacy: bool) -> dict[str, Any]:
    fields = SCHEMAS[name]
    schema = {"type": "object", "properties": {field: dict(told) for field, told in fields.items()}}
    if legacy:
        return {"tap_stream_id": name, "stream": name, "schema": schema, "key_properties": [KEYS[name]]}
    inclusion = {KEYS[name]: "automatic", "picture": "unsupported"}
    metadata = [
        {"breadcrumb": ["properties", field], "metadata": {"inclusion": inclusion.get(field, "available")}}
        for field in fields
    ]
    top = {"table-key-properties": [KEYS[name]], "valid-replication-keys": [CURSOR], "inclusion": "available"}
    metadata.append({"breadcrumb": [], "metadata": top})
    return {"tap_stream_id": name, "stream": name, "schema": schema, "metadata": metadata}


def told(entry: dict[str, Any], *breadcrumb: str) -> dict[str, Any]:
    return next((one["metadata"] for one in entry.get("metadata", []) if one["breadcrumb"] == list(breadcrumb)), {})


def is_selected(entry: dict[str, Any]) -> bool:
    return bool(told(entry).get("selected") and entry["schema"].get("selected"))


def method(entry: dict[str, Any]) -> str:
    return str(told(entry).get("replication-method") or entry.get("replication_method") or "INCREMENTAL")


def selected_fields(entry: dict[str, Any]) -> list[str]:
    properties = entry["schema"]["properties"]
    return [
        field
        for field in properties
        if told(entry, "properties", field).get("selected") and properties[field]["selected"]
    ]


# --- command line -----------------------------------------------------------------------------------------------


def fail(why: str) -> None:
    print(f"CRITICAL {why}", file=sys.stderr)
    sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--config", required=True)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--catalog")
    parser.add_argument("--properties")
    parser.add_argument("--state")
    given = parser.parse_args()
    config = json.loads(Path(given.config).read_text("utf-8"))
    if stat.S_IMODE(Path(given.config).stat().st_mode) != 0o600:
        fail("others can read the configuration")
    if not str(config.get("api_key", "")).startswith("key-"):
        fail("the key is wrong")
    if "UNASKED" in os.environ:
        fail("the whole environment was handed over")
    if config.get("renew"):
        Path(given.config).write_text(json.dumps({**config, "token": config["renew"], "renew": None}), "utf-8")
    if config.get("log"):
        with Path(config["log"]).open("a", encoding="utf-8") as log:
            state = json.loads(Path(given.state).read_text("utf-8")) if given.state else None
            log.write(json.dumps({"discover": given.discover, "state": state, "token": config.get("token")}) + "\n")
    if given.discover:
        print(json.dumps(discovered(legacy=bool(config.get("legacy")))))
        return
    path = given.properties if config.get("legacy") else given.catalog
    if not path:
        fail("there is no catalog")
    state = json.loads(Path(given.state).read_text("utf-8")) if given.state else {}
    Tap(config, json.loads(Path(path).read_text("utf-8")), state).run()


if __name__ == "__main__":
    main()
