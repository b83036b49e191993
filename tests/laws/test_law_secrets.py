"""Law 9: a secret's value exists only between its lookup and the transport; whatever leaves the engine does not show it."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import os
import re
import shlex
import string
import subprocess
import sys
import threading
import traceback
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.api import load
from engine.cli import main
from engine.diagnostic import Place, finding, masking, render
from engine.diagnostic.masking import MASK, SHORTEST, Masking, mask, masked
from engine.model import Run
from engine.secret import remember
from engine.secret.sinks import Mask, guard

ENCODINGS = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, path": quote,
    "percent, form": quote_plus,
    "percent, lower case": lambda text: re.sub("%..", lambda one: one[0].lower(), quote(text, safe="")),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent, GBK": lambda text: quote(text.encode("gb18030"), safe=""),
    "httpx": lambda text: str(httpx.URL("https://api.example/", params={"token": text})),
    "json": json.dumps,
    "json, Chinese kept": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps({"body": json.dumps({"token": text})}),
    "json, slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "shell": shlex.quote,
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "csv": lambda text: '"' + text.replace('"', '""') + '"',
    "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of more": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 of still more": lambda text: base64.b64encode(f"me:{text}, and more".encode()).decode(),
    "base64 in a url": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
}

# What a secret may be made of. Words of the messages themselves are left out by the letters: at least two are rare.
CHARACTERS = st.sampled_from(string.ascii_letters + string.digits + string.punctuation + " 密码é🔑\n\t")
SECRETS = st.tuples(st.sampled_from("QXZ9密"), st.text(CHARACTERS, min_size=SHORTEST, max_size=40)).map("7".join)
AROUND = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
FORMS = st.sampled_from(sorted(ENCODINGS))


@pytest.fixture(autouse=True)
def known():
    """The values of one test are not those of the next."""
    masking.known.forget()
    yield masking.known
    masking.known.forget()


@pytest.fixture
def fresh_hooks(monkeypatch):
    """Hooks of the process are given back as they were."""
    factory = logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(factory)
    for one in (logging.getLogger(), *map(logging.getLogger, ("httpx", "httpcore", "urllib3"))):
        for there in [there for there in one.filters if isinstance(there, Mask)]:
            one.removeFilter(there)


def hidden(secret: str, shown: str, form: str = "as it is") -> bool:
    """Whether neither a secret nor what an encoding makes of it is in what is shown."""
    return secret not in shown and ENCODINGS[form](secret).strip("'\"") not in shown


# --- masking ----------------------------------------------------------------------------------------------------


@given(SECRETS, FORMS, AROUND, AROUND)
@example("Q7M&@🔑_hw,密", "percent, GBK", "", "")
@example("7x\\\"'\\n/+ =密", "json in json", "", "")
@example('user\'s "own" p@ss', "shell", "'", "'")
def test_no_encoding_of_a_secret_is_shown(secret, form, before, after):
    made = Masking()
    made.add(secret)
    text = f"{before}{ENCODINGS[form](secret)}{after}"
    shown = made.mask(text)
    assert MASK in shown
    assert hidden(secret, shown, form)


@given(st.lists(SECRETS, min_size=2, max_size=5), st.data())
def test_secrets_that_overlap_leave_nothing_of_each_other(secrets, data):
    made = Masking()
    made.add(*secrets)
    first, second = secrets[:2]
    shared = data.draw(st.integers(0, min(len(first), len(second)) - 1))
    made.add(first[len(first) - shared :] + second if shared else second)
    shown = made.mask(first + (second if not shared else second[:]))
    assert all(secret not in shown for secret in secrets)
    assert set(shown) <= set(MASK)


@given(st.lists(SECRETS, max_size=4), AROUND)
def test_what_holds_no_secret_is_left_as_it_is(secrets, text):
    made = Masking()
    made.add(*secrets)
    assume(all(secret.strip()[:3] not in text for secret in secrets))
    assert made.mask(text) == text


@given(SECRETS, AROUND, AROUND, st.data())
def test_a_masked_line_keeps_its_mark(secret, before, after, data):
    made = Masking()
    made.add(secret)
    text = f"{before}{secret}{after}"
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    line, first, last = made.line(text, start, end)
    assert 0 <= first <= last <= len(line)
    assert secret not in line
    if MASK not in before + after and line == f"{before}{MASK}{after}" and end <= len(before):
        assert line[first:last] == text[start:end]


def test_short_values_are_not_hidden():
    made = Masking()
    made.add("", "3306", "shop1")
    assert made.is_empty
    assert made.mask("port 3306 of shop1") == "port 3306 of shop1"


def test_the_lines_of_a_private_key_are_hidden_one_by_one(known):
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n"
    remember(key)
    assert "MIIEv" not in mask("   | MIIEvQIBADANBgkqhkiG9w0B\n   | AQEFAASCBKcwggSjAgEAAoIB")
    known.add(key.replace("\n", "\\n").replace("MII", "XII"))
    assert "XIIEv" not in mask("XIIEvQIBADANBgkqhkiG9w0B")


# --- sinks ------------------------------------------------------------------------------------------------------


def diagnostics(text: str) -> tuple:
    """A finding that has a text in every part of it."""
    line = f"  url: {text} # a remark".replace("\n", " ")
    place = Place("project.yaml", 3, 8, 4, line)
    facts = {"path": text, "reason": text, "name": text, "reason_zh": text}
    return finding("unreadable-secrets", place, **facts), finding("bad-env-line", Place(f"a/{text}", 0), **facts)


def sinks(text: str) -> list[str]:
    """All forms in which findings, runs and progress are written."""
    found = diagnostics(text)
    run = masked(Run(1, "failed", "2024-11-11T00:00:00", 0.1, diagnostics=found))
    return [
        render.text(found),
        render.text(found, "zh", colour=True),
        render.as_json(found),
        render.github(found, "zh", folder="shop"),
        json.dumps(render.describe(run.diagnostics[0]), ensure_ascii=False),
        str(run),
    ]


@given(SECRETS, FORMS, AROUND)
def test_no_form_of_findings_shows_a_secret(secret, form, around):
    masking.known.add(secret)
    text = f"{around}{ENCODINGS[form](secret)}"
    innocent = sinks(f"{around}!")
    for shown, without in zip(sinks(text), innocent, strict=True):
        assume(hidden(secret, without, form))
        assert hidden(secret, shown, form)
        assert MASK in shown


def recorded(log) -> str:
    """What a handler writes of what is logged meanwhile."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("tests.secrets")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    log(logger)
    return written.getvalue()


@given(SECRETS, FORMS, AROUND)
def test_no_log_record_shows_a_secret(secret, form, around):
    remember(secret)
    text = f"{around} {ENCODINGS[form](secret)}"

    def log(logger):
        logger.info("sent %s to %r with %s", text, {"token": text}, httpx.Headers({"x": "y"}))
        logger.info(text.replace("%", "%%"), stack_info=True)
        logger.error("%d", text)  # wrong arguments: the logging module shows them

        try:
            try:
                raise ValueError(text)
            except ValueError as cause:
                raise RuntimeError(f"while sending {text}") from cause
        except RuntimeError:
            logger.exception("failed")

    logging.raiseExceptions = False
    try:
        shown = recorded(log)
    finally:
        logging.raiseExceptions = True
    assert hidden(secret, shown, form)
    assert "RuntimeError" in shown
    assert "Traceback" in shown


def test_httpx_does_not_log_the_secrets_of_a_url(fresh_hooks, caplog):
    remember("s3cr3t/Token+9", "9f86d081884c7d65")
    with (
        caplog.at_level(logging.DEBUG),
        httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as client,
    ):
        client.get("https://user:9f86d081884c7d65@api.example/x", params={"access_token": "s3cr3t/Token+9"})
    assert "api.example" in caplog.text
    assert "s3cr3t" not in caplog.text
    assert "9f86d081884c7d65" not in caplog.text


def test_fields_that_are_added_to_a_record_are_masked(fresh_hooks):
    remember("9f86d081884c7d65")
    kept = []
    handler = logging.Handler()
    handler.emit = kept.append
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        guard()  # a handler that came later is found by the next look-up
        logging.getLogger("tests.extra").warning("x", extra={"url": "https://x/?t=9f86d081884c7d65", "count": 3})
    finally:
        root.removeHandler(handler)
    assert (kept[0].url, kept[0].count) == (f"https://x/?t={MASK}", 3)


def test_guarding_twice_changes_nothing(fresh_hooks):
    guard()
    before = sys.excepthook, threading.excepthook, logging.getLogRecordFactory(), list(logging.getLogger().filters)
    guard()
    after = sys.excepthook, threading.excepthook, logging.getLogRecordFactory(), list(logging.getLogger().filters)
    assert before == after


@given(SECRETS, FORMS)
def test_no_traceback_shows_a_secret(secret, form):
    remember(secret)
    guard()
    text = ENCODINGS[form](secret)
    try:
        try:
            raise KeyError(text)
        except KeyError:
            raise RuntimeError(f"asked {text}")  # noqa: B904 - the chain is what is looked at
    except RuntimeError as failure:
        caught = failure
    written = io.StringIO()
    thread = SimpleNamespace(name="reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        sys.excepthook(RuntimeError, caught, caught.__traceback__)
        told = SimpleNamespace(exc_type=RuntimeError, exc_value=caught, exc_traceback=None, thread=thread)
        threading.excepthook(told)
    shown = written.getvalue()
    assert hidden(secret, shown, form)
    assert shown.count("RuntimeError: asked") == 2
    assert "KeyError" in shown


def test_a_traceback_without_secrets_goes_the_way_it_went(fresh_hooks, monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *said: seen.append(said))
    remember("9f86d081884c7d65")
    failure = ValueError("nothing in it")
    sys.excepthook(ValueError, failure, None)
    assert seen == [(ValueError, failure, None)]
    assert "nothing in it" in "".join(traceback.format_exception(failure))


# --- end to end -------------------------------------------------------------------------------------------------

PROJECT = """
kind: project
name: shop
sources:
  exports:
    connector: files
    with: {path: "in/${EXPORT_TOKEN}/*.csv"}
    streams: {orders: {}}
mappings: [mapping.yaml]
"""
MAPPING = """
kind: mapping
from: exports.orders
into: orders
fields: {platform: {value: x}, shop_id: _shop, order_id: 编号}
"""
TOKEN = "a8f3kq92x7"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project whose files lie in a folder that is called like a secret."""
    folder = tmp_path / "in" / TOKEN
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("编号,金额\n1,2\n", "utf-8")
    (tmp_path / "project.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "mapping.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / ".env").write_text(f"EXPORT_TOKEN={TOKEN}\n", "utf-8")
    monkeypatch.delenv("EXPORT_TOKEN", raising=False)
    return tmp_path


def commanded(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["engine", *words])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


@pytest.mark.parametrize("form", [["--json"], []])
def test_an_apply_does_not_show_what_it_looked_up(shop, monkeypatch, capsys, form):
    monkeypatch.chdir(shop)
    assert commanded(monkeypatch, "apply", *form) == 0
    out, err = capsys.readouterr()
    assert MASK in out
    assert TOKEN not in out + err
    recorded = (shop / "build" / "published" / "runs.json").read_text("utf-8")
    assert TOKEN not in recorded


def test_what_is_missing_in_the_file_is_not_shown_either(shop, monkeypatch, capsys):
    (shop / "in" / TOKEN / "a.csv").write_text("号,金额\n1,2\n", "utf-8")
    monkeypatch.chdir(shop)
    assert commanded(monkeypatch, "apply") == 4
    out, err = capsys.readouterr()
    assert f"in/{MASK}/a.csv" in err
    assert TOKEN not in out + err


BROKEN = """
import engine.apply
from engine.cli import main

def build(project, *more):
    raise ValueError(f"a bug met {TOKEN}") from KeyError(TOKEN)

TOKEN = {token!r}
engine.apply.build = build
main()
"""


def test_a_traceback_asked_for_shows_no_secret(shop):
    command = [sys.executable, "-c", BROKEN.replace("{token!r}", repr(TOKEN)), "apply"]
    done = subprocess.run(
        command, cwd=shop, env={**os.environ, "ENGINE_DEBUG": "1"}, capture_output=True, text=True, check=False
    )
    assert f"ValueError: a bug met {MASK}" in done.stderr
    assert f"KeyError: '{MASK}'" in done.stderr
    assert TOKEN not in done.stdout + done.stderr.replace("TOKEN = ", "")


def test_a_listener_is_told_no_secret(shop):
    told = []
    run = load(shop).apply(listener=told.append)
    assert [one.name for one in told if one.step == "read"] == [f"in/{MASK}/a.csv"]
    assert TOKEN not in str(run)
    assert TOKEN not in str(load(shop).project)
