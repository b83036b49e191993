"""Secrets that a manifest writes out are found where they stand, and are not spread by the message."""

from __future__ import annotations

import pytest

from engine.api import load
from engine.diagnostic import masking, render
from engine.document import Origin, parse
from engine.secret import plain_secrets, secret_keys
from engine.secret.plain import is_secret_name


@pytest.fixture(autouse=True)
def _nothing_is_known():
    masking.known.forget()
    yield
    masking.known.forget()


def found(text: str, *keys: str):
    document, wrong = parse(text, "project.yaml")
    assert document, wrong
    return plain_secrets(document.value, keys, Origin(document, ()))


@pytest.mark.parametrize(
    "text",
    [
        'app_secret: "${TMALL_APP_SECRET}"',
        'headers: {Authorization: "Bearer ${TOKEN}"}',
        'url: "mysql://reader:${DB_PASSWORD}@db/shop"',
        'url: "${POS_URL}"',
        "url: mysql://reader@db:3306/shop",
        "url: https://host/path?x=1:2@3",
        'token: "{{ settings.session }}"',
        'password: ""',
        "password:",
        "app_key: '23456789'",
        "next_page_token: data.cursor",
        "token_url: https://host/token",
        "session_timeout: 30",
        "tokens: 5",
        "key: [receipt_no, line_no]",
        "password: true",
    ],
)
def test_what_is_no_secret(text):
    assert found(text) == ()


@pytest.mark.parametrize(
    ("text", "marked", "variable"),
    [
        ("app_secret: hello", "hello", "APP_SECRET"),
        ("clientSecret: 'hello'", "'hello'", "CLIENTSECRET"),
        ("x-api-key: hello", "hello", "X_API_KEY"),
        ("password: 123456", "123456", "PASSWORD"),
        ("auth: {refresh_token: hello}", "hello", "REFRESH_TOKEN"),
        ("session: [hello]", "hello", "SESSION"),
        ("pos: {url: 'mysql://u:p@ss:word@db/shop'}", "p@ss:word", "PASSWORD"),
        ("dsn: host=db password=hello user=x", "hello", "PASSWORD"),
        ("url: https://host/x?access_token=hello&y=1", "hello", "PASSWORD"),
        ("special: hello", "hello", "SPECIAL"),
    ],
)
def test_what_is_a_secret(text, marked, variable):
    (one,) = found(text, "special")
    start = text.index(marked)
    assert one.code == "plain-secret"
    assert one.place.column == start + 1
    assert one.place.text == text.replace(marked, "***")
    assert one.facts["variable"] == variable
    shown = render.text([one])
    assert marked.strip("'") not in shown.replace("password", "")
    assert "^^^ this is a secret" in shown
    assert f"write `${{{variable}}}` here" in shown


def test_other_messages_about_the_line_do_not_show_it_either():
    (one,) = found("app_secret: 9f86d081884c7d65")
    other = type(one)("nothing-there", one.place, {"feed": "x"})
    assert "9f86" not in render.text([other])
    assert masking.mask("9f86d081884c7d65") == "***"


def test_keys_that_a_schema_marks():
    schema = {
        "properties": {"pin": {"type": "string", "x-secret": True}, "host": {"type": "string"}},
        "allOf": [{"then": {"properties": {"seal": {"x-secret": True}}}}],
    }
    assert secret_keys(schema, None, [{"properties": {"code": {"x-secret": True}}}]) == {"pin", "seal", "code"}


@pytest.mark.parametrize(
    "name", ["TMALL_SESSION", "appSecret", "API_KEY", "apikey", "token", "WX_PRIVATE_KEY", "Cookie"]
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["APP_KEY", "page_token", "HOST", "secretary", "monkey", "sessions", "token_type"])
def test_names_of_other_things(name):
    assert not is_secret_name(name)


def test_a_project_with_a_secret_in_it_is_wrong(tmp_path):
    (tmp_path / "project.yaml").write_text(
        "kind: project\nname: shop\nprivacy: {salt: pepper-and-salt}\nsources:\n  exports:\n    connector: files\n"
        "    streams:\n      orders: {path: 'https://me:hello@host/*.csv'}\n",
        "utf-8",
    )
    told = [(one.place.line, one.facts["variable"]) for one in load(tmp_path).check() if one.code == "plain-secret"]
    assert told == [(3, "SALT"), (8, "PASSWORD")]
