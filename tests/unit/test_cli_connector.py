"""The commands about connectors and secrets, typed as people type them, against a simulated platform on the loopback."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.serve import RealClock, start
from fakes.serve import platform as platform_of
from fakes.taobao import Taobao
from fakes.world import World

from engine.cli import main
from engine.connector import Request
from engine.diagnostic.masking import known
from engine.secret import new_key, unseal

PROJECT = """\
kind: project
name: shop
sources:
  tmall:
    connector: taobao
    with:
      url: "{url}"
      app_key: "${{TMALL_APP_KEY}}"
      app_secret: "${{TMALL_APP_SECRET}}"
      session: "${{TMALL_SESSION}}"
    streams: [orders, refunds]
    since: "{since}"
  exports:
    connector: files
    streams: {{sales: {{path: "in/*.csv"}}}}
"""
SECRETS = ("0f3c9b7e5a1d4c8eb26f7a9d1e3c5b70", "6100d1f0fictive00aa11bb22cc33")


@pytest.fixture(autouse=True)
def _forget():
    yield
    known.forget()


@pytest.fixture(scope="module")
def platform():
    one = Taobao(World(RealClock()), prefix="/taobao", count=40)
    server, _ = start({"taobao": one})
    yield one
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(platform, tmp_path, monkeypatch):
    """A project whose source is the simulated platform; the work happens in its folder."""
    given, since = platform.settings(), datetime.now(UTC).date() - timedelta(days=1)
    (tmp_path / "project.yaml").write_text(PROJECT.format(url=given["url"], since=since), "utf-8")
    names = ("app_key", "app_secret", "session")
    (tmp_path / ".env").write_text("".join(f"TMALL_{name.upper()}={given[name]}\n" for name in names), "utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("no,amount\n1,2.50\n2,3.00\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(monkeypatch, capsys):
    """Type a command; gives its exit code and what it wrote to each stream."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["engine", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return int(ending.value.code or 0), out, err

    return run


@pytest.fixture
def listed(typed):
    """Type a command with `--json`; gives its exit code and what it told."""

    def run(*words: object) -> tuple[int, object]:
        status, out, _ = typed(*words, "--json")
        return status, json.loads(out)

    return run


# --- list and show ----------------------------------------------------------------------------------------------


def test_list_knows_what_is_built_in_and_the_library(listed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, there = listed("connector", "list")
    by_name = {one["name"]: one for one in there}
    assert status == 0
    assert {"files", "database", "singer"} <= {one["name"] for one in there if one["kind"] == "built-in"}
    assert by_name["taobao"]["kind"] == "library"
    assert by_name["taobao"]["needs"][:2] == ["app_key", "app_secret"]
    assert by_name["taobao"]["streams"] >= 3
    assert "rest" not in by_name
    assert not [one for one in there if one["broken"]]


def test_list_knows_plugins_and_those_that_cannot_be_imported(listed, typed, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "loyal-1.2.dist-info").mkdir(parents=True)
    (site / "loyal-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: loyal\nVersion: 1.2\n")
    points = "[engine.connectors]\nloyal_fine = engine.files:FilesConnector\nloyal_broken = no_such_module:Connector\n"
    (site / "loyal-1.2.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    _, there = listed("connector", "list")
    mine = {one["name"]: one for one in there if one["kind"] == "plugin"}
    assert {one["comes_from"] for one in mine.values()} == {"loyal 1.2"}
    assert mine["loyal_fine"]["broken"] is None
    assert "no_such_module" in mine["loyal_broken"]["broken"]
    status, _, err = typed("connector", "show", "loyal_broken")
    assert status == 3
    assert "error[broken-connector]" in err


def test_list_begins_with_the_projects_own(listed, tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    typed("connector", "new", "acme")
    _, there = listed("connector", "list")
    assert (there[0]["name"], there[0]["kind"], there[0]["comes_from"]) == ("acme", "project", "connectors/acme.yaml")


def test_show_tells_what_is_needed_and_pastes_into_a_project_that_is_sound(typed, listed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, told = listed("connector", "show", "taobao")
    secret = {one["name"] for one in told["settings"] if one["secret"]}
    assert status == 0
    assert {"app_secret", "session"} <= secret
    assert "TAOBAO_APP_SECRET" in told["variables"]
    assert "${TAOBAO_APP_SECRET}" in told["snippet"]
    (tmp_path / "project.yaml").write_text(f"kind: project\nname: pasted\nsources:\n{told['snippet']}", "utf-8")
    status, _, err = typed("validate")
    assert status == 0, err


def test_show_tells_the_fields_of_a_stream(listed, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, fields = listed("connector", "show", "taobao", "--stream", "orders")
    assert {"name": "tid", "type": "id"}.items() <= fields[0].items()
    status, _, err = typed("connector", "show", "taobao", "--stream", "oders")
    assert status == 2
    assert "did you mean `orders`?" in err


@pytest.mark.parametrize("name", ["files", "database", "singer"])
def test_show_tells_of_connectors_in_python(typed, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = typed("connector", "show", name)
    assert status == 0
    assert f"connector: {name}" in out


def test_all_of_it_is_told_in_chinese(typed, shop):
    assert "数据流" in typed("connector", "show", "taobao", "--lang", "zh")[1]
    assert "授权有效" in typed("connector", "test", "tmall", "--lang", "zh")[1]
    assert "签名原文" in typed("connector", "request", "tmall", "orders", "--dry-run", "--lang", "zh")[1]
    assert "项需要注意" in typed("connector", "doctor", "--lang", "zh")[1]
    assert "数据源 `nobody`" in typed("connector", "test", "nobody", "--lang", "zh")[2]


# --- test and doctor --------------------------------------------------------------------------------------------


def test_test_asks_and_stores_nothing(listed, shop, platform):
    before = sorted(shop.rglob("*"))
    status, told = listed("connector", "test", "tmall")
    assert status == 0
    assert [one["stream"] for one in told] == ["tmall.orders", "tmall.refunds"]
    refunds = told[1]
    assert refunds["fine"]
    assert refunds["rows"] > 0
    assert "refund_id" in refunds["fields"]
    assert 0 < refunds["requests"] <= 2
    assert sorted(shop.rglob("*")) == before


def test_test_reads_the_beginning_of_files_too(listed, shop):
    status, told = listed("connector", "test", "exports")
    assert (status, told[0]["fields"], told[0]["fine"]) == (0, ["no", "amount"], True)


def test_test_says_why_not(typed, listed, shop, monkeypatch):
    monkeypatch.setenv("TMALL_APP_SECRET", "another-secret-91f0")
    status, told = listed("connector", "test", "tmall", "--stream", "orders")
    assert status == 3
    assert told[0]["findings"][0]["code"] == "refused"
    status, out, err = typed("connector", "test", "tmall", "--stream", "orders")
    assert "signature" in out
    assert "another-secret-91f0" not in out + err


def test_test_does_not_wait_for_hosts_that_are_not_there(listed, shop):
    project = shop / "project.yaml"
    project.write_text(project.read_text("utf-8").replace("http://127.0.0.1:", "http://127.0.0.1:1/"), "utf-8")
    status, told = listed("connector", "test", "tmall", "--stream", "orders")
    assert status == 3
    assert told[0]["findings"][0]["code"] == "unreachable"


def test_test_says_what_is_not_set(typed, shop):
    (shop / ".env").unlink()
    status, _, err = typed("connector", "test", "tmall")
    assert status == 3
    assert "error[missing-variable]: `TMALL_APP_KEY` is not set" in err


def checks(told) -> dict[tuple[str, str], dict]:
    return {(one["stream"] or one["source"] or "", one["check"]): one for one in told}


def test_doctor_finds_a_healthy_source_healthy(listed, typed, shop):
    status, told = listed("connector", "doctor")
    found = checks(told)
    assert status == 0
    assert found["tmall", "variables"]["facts"]["where"]["TMALL_SESSION"] == ".env"
    assert found["tmall", "clock"]["said"] == "clock agrees"
    assert found["refunds", "fields"]["level"] == "fine"
    assert found["orders", "history"]["said"] == "history none"
    assert found["sales", "answers"]["level"] == "fine"
    assert not any(secret in json.dumps(told) for secret in SECRETS)


def test_doctor_knows_what_was_read(listed, typed, shop):
    project = shop / "project.yaml"
    project.write_text(project.read_text("utf-8").replace("[orders, refunds]", "[refunds]"), "utf-8")
    assert typed("apply", "--quiet")[0] == 0
    status, told = listed("connector", "doctor", "tmall")
    assert status == 0
    assert checks(told)["refunds", "history"]["said"] == "history whole"
    _, run = listed("runs")
    assert next(one for one in run[0]["reads"] if one["stream"] == "refunds")["requests"] > 0


def test_doctor_says_what_is_wrong(listed, shop, platform, monkeypatch):
    monkeypatch.setenv("TMALL_SESSION", "no-such-session-4711")
    status, told = listed("connector", "doctor", "tmall")
    assert status == 3
    assert checks(told)["orders", "answers"]["level"] == "wrong"
    (shop / ".env").unlink()
    monkeypatch.delenv("TMALL_SESSION")
    status, told = listed("connector", "doctor", shop, "tmall")
    assert status == 3
    assert checks(told)["tmall", "variables"]["said"] == "variables lacking"


def test_doctor_sees_that_fields_are_not_what_was_declared(listed, shop, platform, monkeypatch):
    shown = platform.__class__.__call__

    def other(self, request):
        response = shown(self, request)
        body = response.body.replace(b'"refund_fee"', b'"refund_money"')
        return type(response)(response.status, response.headers, body)

    monkeypatch.setattr(platform.__class__, "__call__", other)
    _, told = listed("connector", "doctor", "tmall")
    said = {
        one["said"]: one["facts"]["names"] for one in told if one["stream"] == "refunds" and one["check"] == "fields"
    }
    assert said == {"fields not seen": "refund_fee", "fields not declared": "refund_money"}


# --- request and sign -------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_request_without_secrets_and_sends_nothing(listed, typed, shop, platform):
    calls = platform.world.requests
    status, told = listed("connector", "request", "tmall", "orders", "--dry-run")
    assert status == 0
    assert platform.world.requests == calls
    assert told["request"]["method"] == "POST"
    assert told["lacking"]
    assert told["window"][0].endswith("T16:00:00+00:00")  # midnight in Shanghai
    assert "session=***" in told["request"]["body"]
    _, out, _ = typed("connector", "request", "tmall", "orders", "--dry-run", "--curl", "--show-secret")
    assert out.splitlines()[1].startswith("curl -X POST 'http://127.0.0.1:")
    assert SECRETS[1] in out


def test_a_request_that_is_shown_is_one_that_the_platform_takes(listed, shop, platform):
    _, told = listed("connector", "request", "tmall", "orders", "--dry-run", "--show-secret")
    given = told["request"]
    sent = Request(given["method"], given["url"], body=given["body"].encode())
    assert b"error_response" not in platform(sent).body


def test_a_request_that_is_sent_shows_what_came_back(listed, shop):
    status, told = listed("connector", "request", "tmall", "refunds")
    assert (status, told["status"]) == (0, 200)
    assert "date" in dict(told["headers"])
    assert not any(secret in json.dumps(told) for secret in SECRETS)


def test_a_dry_run_shows_how_a_token_is_fetched_and_fetches_none(listed, tmp_path, monkeypatch):
    one = platform_of("kingdee", World(RealClock()), base="http://fake", orders=10, days=2)
    server, url = start({"kingdee": one})
    try:
        given = {**one.settings(), "url": one.settings()["url"].replace("http://fake", url)}
        monkeypatch.setenv("KINGDEE_PASSWORD", given["password"])
        source = {"connector": "kingdee", "with": {**given, "password": "${KINGDEE_PASSWORD}"}, "streams": ["orders"]}
        project = {"kind": "project", "name": "erp", "sources": {"erp": source}}
        (tmp_path / "project.yaml").write_text(json.dumps(project), "utf-8")
        monkeypatch.chdir(tmp_path)
        status, told = listed("connector", "request", "erp", "orders", "--dry-run")
        assert status == 0
        assert "ValidateUser" in told["token_request"]["url"]
        assert given["password"] not in json.dumps(told)
        assert ["Cookie", "<cookies>"] in told["request"]["headers"]
        assert [file.name for file in tmp_path.iterdir()] == ["project.yaml"]
        assert listed("connector", "request", "erp", "orders")[1]["status"] == 200
        assert listed("connector", "request", "erp", "orders", "--dry-run")[1]["token_request"] is None
    finally:
        server.shutdown()
        server.server_close()


def test_a_source_of_files_sends_no_request(typed, shop):
    status, _, err = typed("connector", "request", "exports", "sales", "--dry-run")
    assert status == 3
    assert "error[sends-nothing]" in err


def test_sign_agrees_with_a_signature_made_by_hand(listed, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"app_key": "12345678", "app_secret": "hello", "session": "s", "sign_method": "md5"}
    Path("with.json").write_text(json.dumps(settings), "utf-8")
    Path("params.json").write_text('{"foo": 1, "bar": 2, "foo_bar": 3, "sign": "left out"}', "utf-8")
    words = ("connector", "sign", "taobao", "--with", "with.json", "--params", "params.json")
    status, told = listed(*words)
    assert status == 0
    assert told["value"] == hashlib.md5(b"hellobar2foo1foo_bar3hello").hexdigest().upper()
    assert told["text"] == "***bar2foo1foo_bar3***"
    assert told["into"] == "form.sign"
    assert listed(*words, "--show-secret")[1]["text"] == "hellobar2foo1foo_bar3hello"
    Path("params.json").write_text('{"form": {"foo": 1, "bar": 2, "foo_bar": 3}, "query": {"x": "y"}}', "utf-8")
    assert listed(*words)[1]["value"] == told["value"]


def test_sign_says_what_it_cannot_use(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("with.json").write_text("[1]", "utf-8")
    Path("params.json").write_text("{}", "utf-8")
    words = ("connector", "sign", "taobao", "--params", "params.json", "--with")
    for file, code in (("with.json", "bad-json-file"), ("none.json", "bad-json-file"), ("params.json", "cannot-sign")):
        status, _, err = typed(*words, file)
        assert status == 2
        assert f"error[{code}]" in err
    status, _, err = typed("connector", "sign", "files", "--with", "params.json", "--params", "params.json")
    assert status == 2
    assert "error[signs-nothing]" in err


# --- secrets ----------------------------------------------------------------------------------------------------


def test_names_are_listed_with_their_places_and_no_values(listed, typed, shop, monkeypatch):
    monkeypatch.setenv("TMALL_SESSION", SECRETS[1])
    status, told = listed("secret", "list")
    assert status == 0
    assert {one["name"]: one["where"] for one in told} == {
        "TMALL_APP_KEY": ".env",
        "TMALL_APP_SECRET": ".env",
        "TMALL_SESSION": "environment",
    }
    assert told[0]["used_by"] == ["tmall.with.app_key"]
    for words in (("secret", "list"), ("secret", "where"), ("secret", "where", "--json", "--lang", "zh")):
        status, out, err = typed(*words)
        assert status == 0
        assert not any(secret in out + err for secret in SECRETS)


def test_a_name_that_is_not_found_counts(typed, shop):
    (shop / ".env").unlink()
    status, out, _ = typed("secret", "list")
    assert status == 3
    assert "not set" in out


def test_a_file_is_sealed_for_its_recipient(typed, shop):
    pytest.importorskip("pyrage")
    key, recipient = new_key()
    status, out, _ = typed("secret", "seal", ".env", "--to", recipient)
    assert status == 0
    assert SECRETS[0] not in out
    values = unseal((shop / "secrets.env.age").read_bytes(), key, "secrets.env.age")
    assert values["TMALL_APP_SECRET"] == SECRETS[0]
    (shop / "bad").write_text("this is no line\n", "utf-8")
    assert typed("secret", "seal", "bad", "--to", recipient)[0] == 2
    assert typed("secret", "seal", "absent", "--to", recipient)[0] == 2
    assert typed("secret", "seal", ".env", "--to", "nobody")[0] == 1


# --- the groups of commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["connector", "secret"])
def test_a_group_alone_shows_its_commands(typed, group):
    status, out, _ = typed(group)
    assert status == 0
    assert "list" in out


def test_a_misspelt_command_is_a_matter_of_usage(typed):
    status, _, err = typed("connector", "lst")
    assert status == 2
    assert "error[usage]" in err
