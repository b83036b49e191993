"""Where `${NAME}` is looked up, in which order, and what is said where it is not set or a place is broken."""

from __future__ import annotations

import os
import stat
import sys
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diagnostic import Findings, masking, render
from engine.document import Origin, parse
from engine.secret import Secrets, envfile, mask, new_key, seal, unseal, variables

NAME = "SHOP_APP_SECRET"


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    """No variable of this machine plays a part, and no value stays behind."""
    for name in (NAME, f"{NAME}_FILE", "ENGINE_KEYRING", "ENGINE_AGE_KEY", "ENGINE_AGE_KEY_FILE", "SHOP_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    masking.known.forget()


@pytest.fixture
def secrets(tmp_path):
    (tmp_path / "mounted").mkdir()
    return Secrets(tmp_path, folder=tmp_path / "mounted")


def origin(text: str) -> Origin:
    document, found = parse(text, "project.yaml")
    assert document, found
    return Origin(document, ())


def told(secrets: Secrets, name: str = NAME) -> str:
    """The message about a name that is not set."""
    one = origin(f'key: "${{{name}}}"')
    return render.text(secrets.unset(one.document.value, one))


# --- order ------------------------------------------------------------------------------------------------------


def test_the_first_place_that_gives_a_value_counts(secrets, tmp_path, monkeypatch):
    key, recipient = new_key()
    ring = ModuleType("keyring")
    ring.errors = SimpleNamespace(KeyringError=type("KeyringError", (Exception,), {}))
    ring.get_password = lambda service, name: f"from {service}"
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert secrets.where(NAME) is None
    places = []

    def now() -> None:
        places.append((secrets.where(NAME), secrets.filled(f"<${{{NAME}}}>")))

    (tmp_path / "secrets.env.age").write_bytes(seal({NAME: "sealed value"}, [recipient]))
    assert secrets.where(NAME) is None, "there is no key to open it with"
    monkeypatch.setenv("ENGINE_AGE_KEY", key)
    now()
    monkeypatch.setenv("ENGINE_KEYRING", "1")
    secrets = Secrets(tmp_path, folder=tmp_path / "mounted")
    now()
    (tmp_path / "mounted" / NAME.lower()).write_text("mounted, lower\n")
    now()
    (tmp_path / "mounted" / NAME).write_text("mounted\r\n")
    now()
    (tmp_path / "own").write_text("in a file\n\n")
    monkeypatch.setenv(f"{NAME}_FILE", "own")
    now()
    (tmp_path / ".env").write_text(f"{NAME}=dotted\n")
    now()
    monkeypatch.setenv(NAME, "in the environment")
    now()
    assert places == [
        ("sealed", "<sealed value>"),
        ("keyring", "<from commerce-engine>"),
        ("file", "<mounted, lower>"),
        ("file", "<mounted>"),
        ("file", "<in a file>"),
        (".env", "<dotted>"),
        ("environment", "<in the environment>"),
    ]


def test_nothing_is_put_into_the_environment(secrets, tmp_path):
    (tmp_path / ".env").write_text(f"{NAME}=value-of-dot-env\n")
    before = dict(os.environ)
    assert secrets.filled({"a": [f"${{{NAME}}}"]}) == {"a": ["value-of-dot-env"]}
    assert dict(os.environ) == before


def test_an_empty_value_is_none(secrets, tmp_path, monkeypatch):
    monkeypatch.setenv(NAME, "")
    assert secrets.where(NAME) is None
    (tmp_path / ".env").write_text(f"{NAME}=x\n")
    assert secrets.where(NAME) == ".env"


def test_a_file_that_changed_is_read_again(secrets, tmp_path):
    (tmp_path / ".env").write_text(f"{NAME}=first\n")
    assert secrets.filled(f"${{{NAME}}}") == "first"
    (tmp_path / ".env").write_text(f"{NAME}=the second\n")
    assert secrets.filled(f"${{{NAME}}}") == "the second"


def test_the_keyring_is_off_unless_asked_for(secrets, tmp_path, monkeypatch):
    ring = ModuleType("keyring")
    ring.get_password = lambda *_: pytest.fail("somebody might be asked for a password")
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert secrets.where(NAME) is None
    ring.get_password = lambda *_: "kept"
    assert Secrets(tmp_path, keyring=True).where(NAME) == "keyring"


def test_what_is_put_in_is_not_looked_into_again(secrets, monkeypatch):
    monkeypatch.setenv(NAME, "${SHOP_URL}")
    assert secrets.filled(f"a ${{{NAME}}} b") == "a ${SHOP_URL} b"


def test_a_name_that_is_not_set_is_a_key_error(secrets):
    with pytest.raises(KeyError, match=NAME):
        secrets.filled([f"${{{NAME}}}"])


def test_names(secrets, tmp_path, monkeypatch):
    key, recipient = new_key()
    monkeypatch.setenv("ENGINE_AGE_KEY", key)
    (tmp_path / ".env").write_text("ONE=1\n")
    (tmp_path / "mounted" / "two").write_text("2")
    (tmp_path / "secrets.env.age").write_bytes(seal({"THREE": "3"}, [recipient]))
    assert {"ONE", "two", "THREE"} <= set(secrets.names())
    assert variables({"a": ["${X}", "${Y}${X}"], "b": 1}) == ("X", "Y")


# --- what is said -----------------------------------------------------------------------------------------------


def test_the_message_says_where_it_looked(secrets, tmp_path):
    shown = told(secrets)
    assert "error[missing-variable]: `SHOP_APP_SECRET` is not set" in shown
    assert (
        "looked in the environment; `.env` (no such file); a file named by `SHOP_APP_SECRET_FILE`, or in "
        f"`{tmp_path.as_posix()}/mounted`; the keyring (off; `ENGINE_KEYRING=1` turns it on); "
        "`secrets.env.age` (no such file)" in shown
    )
    assert "help: set it, as in `export SHOP_APP_SECRET=…`" in shown


def test_a_name_that_comes_close_is_suggested(secrets, tmp_path):
    (tmp_path / ".env").write_text("SHOP_APP_SECERT=x\n")
    assert "help: did you mean `${SHOP_APP_SECERT}`?" in told(secrets)


def test_a_sealed_file_without_a_key(secrets, tmp_path):
    (tmp_path / "secrets.env.age").write_bytes(seal({NAME: "x"}, [new_key()[1]]))
    assert "(sealed; neither `ENGINE_AGE_KEY` nor `ENGINE_AGE_KEY_FILE` is set)" in told(secrets)


def test_places_that_are_broken_are_told(secrets, tmp_path, monkeypatch):
    (tmp_path / "secrets.env.age").write_bytes(seal({NAME: "x"}, [new_key()[1]]))
    monkeypatch.setenv("ENGINE_AGE_KEY", "no key")
    assert "error[bad-age-key]: this is no private key of age or SSH" in told(secrets)
    monkeypatch.setenv("ENGINE_AGE_KEY", new_key()[0])
    assert "error[cannot-unseal]: `secrets.env.age` cannot be opened: No matching keys found" in told(secrets)
    monkeypatch.delenv("ENGINE_AGE_KEY")
    monkeypatch.setenv("ENGINE_AGE_KEY_FILE", "nowhere.key")
    assert "nowhere.key`: No such file" in told(secrets)
    monkeypatch.setenv(f"{NAME}_FILE", "nowhere")
    assert "`SHOP_APP_SECRET` is looked up there" in told(secrets)
    (tmp_path / ".env").write_text("SOMETHING=1\nhunter2hunter2\n")
    shown = told(secrets)
    assert "error[bad-env-line]: a line of `.env` is not `NAME=value`" in shown
    assert "--> .env:2:1" in shown
    assert "hunter2" not in shown


def test_a_keyring_that_fails(tmp_path, monkeypatch):
    ring = ModuleType("keyring")
    ring.errors = SimpleNamespace(KeyringError=type("KeyringError", (Exception,), {}))

    def locked(*_):
        raise ring.errors.KeyringError("the collection is locked")

    ring.get_password = locked
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert f"error[keyring-failed]: the keyring cannot be asked for `{NAME}`: the collection is locked" in told(
        Secrets(tmp_path, keyring=True)
    )


@pytest.mark.parametrize("library", ["keyring", "pyrage"])
def test_a_library_that_is_not_installed(tmp_path, monkeypatch, library):
    (tmp_path / "secrets.env.age").write_bytes(seal({NAME: "x"}, [new_key()[1]]))
    monkeypatch.setenv("ENGINE_AGE_KEY", new_key()[0])
    monkeypatch.setitem(sys.modules, library, None)
    shown = told(Secrets(tmp_path, keyring=library == "keyring"))
    assert f"needs the Python library `{library}`" in shown
    assert 'pip install "commerce-engine[secrets]"' in shown


def test_the_real_keyring_library_is_asked(tmp_path, monkeypatch):
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class Kept(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return f"{service}/{username}"

        def set_password(self, service, username, password):
            raise NotImplementedError

        def delete_password(self, service, username):
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Kept())
    try:
        assert Secrets(tmp_path, keyring=True).filled(f"${{{NAME}}}") == f"commerce-engine/{NAME}"
    finally:
        keyring.set_keyring(before)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs rights")
def test_a_file_without_rights(secrets, tmp_path):
    (tmp_path / "mounted" / NAME).write_text("x")
    (tmp_path / "mounted" / NAME).chmod(stat.S_IWUSR)
    assert "error[unreadable-secrets]" in told(secrets)


# --- what is hidden ---------------------------------------------------------------------------------------------


def test_what_comes_from_places_for_secrets_is_hidden(secrets, tmp_path):
    (tmp_path / "mounted" / NAME).write_text("plain words")
    (tmp_path / "mounted" / "WHATEVER").write_text("localhost")
    secrets.filled([f"${{{NAME}}}", "${WHATEVER}"])
    assert mask("plain words at localhost") == "*** at ***"


def test_what_the_key_or_the_name_calls_a_secret_is_hidden(secrets, monkeypatch):
    for name, value in {"A": "first one", "B": "second one", "SHOP_TOKEN": "third one", "C": "fourth one"}.items():
        monkeypatch.setenv(name, value)
    secrets.filled({"password": "${A}", "marked": ["${B}"], "x": "${SHOP_TOKEN}", "y": "${C}"}, {"marked"})
    assert mask("first one, second one, third one, fourth one") == "***, ***, ***, fourth one"


@pytest.mark.parametrize(
    "value",
    [
        "localhost",
        "127.0.0.1:5432",
        "/srv/exports/2024",
        "../a8f3kq92x7/*.csv",
        "shop_2024",
        "3306",
        "beauty-store",
        "rm-bp1a2b3c4d5e6f7g8.mysql.rds.aliyuncs.com",
        "https://gw.api.taobao.com/",
        "2024-11-11 20:00:00",
        "天猫旗舰店",
    ],
)
def test_hosts_ports_folders_and_words_are_shown(secrets, monkeypatch, value):
    monkeypatch.setenv("SHOP_URL", value)
    secrets.filled({"url": "${SHOP_URL}"})
    assert mask(f"<{value}>") == f"<{value}>"


@pytest.mark.parametrize(
    "value", ["9f86d081884c7d659a2feaa0c55ad015", "Zk3-q8WmTb2LxP9", "550e8400-e29b-41d4-a716-446655440000"]
)
def test_what_a_machine_made_up_is_hidden(secrets, monkeypatch, value):
    monkeypatch.setenv("SHOP_URL", value)
    secrets.filled({"url": "${SHOP_URL}"})
    assert mask(f"<{value}>") == "<***>"


def test_the_password_inside_a_url_is_hidden(secrets, monkeypatch):
    monkeypatch.setenv("SHOP_URL", "mysql://reader:p%40ssword@db.internal/shop")
    secrets.filled({"url": "${SHOP_URL}"})
    assert mask("mysql://reader:p%40ssword@db.internal/shop") == "mysql://reader:***@db.internal/shop"
    assert mask("denied for 'reader' using p@ssword") == "denied for 'reader' using ***"


def test_the_age_key_is_hidden(secrets, tmp_path, monkeypatch):
    key, recipient = new_key()
    (tmp_path / "secrets.env.age").write_bytes(seal({NAME: "x"}, [recipient]))
    monkeypatch.setenv("ENGINE_AGE_KEY", key)
    secrets.where(NAME)
    assert mask(f"key {key}") == "key ***"


# --- .env -------------------------------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), st.text(st.characters(exclude_categories=("Cs",)))
    )
)
def test_what_is_written_is_read_back(values):
    assert envfile.parse(envfile.written(values), ".env") == (values, ())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("N=a b", "a b"),
        ("  export N = a#b  \r\n", "a#b"),
        ("\ufeff# a remark\n\n  # another\nN=x # y\n".replace("x # y", "'x # y' # z"), "x # y"),
        ("N='a\nb\\n'", "a\nb\\n"),
        ('N="a\\n\\"b\\" $HOME \\$x"', 'a\n"b" $HOME $x'),
        ("N=a$b=c'd'", "a$b=c'd'"),
        ("N=", ""),
        ("N= # nothing", ""),
        ("N=密码 \t\n", "密码"),
    ],
)
def test_values_of_an_env_file(text, value):
    assert envfile.parse(text, ".env") == ({"N": value}, ())


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("just words", 1, "does not begin with a name"),
        ("A=1\n\n2B=1", 3, "does not begin with a name"),
        ("A='x\nB=2", 1, "a quote is not closed"),
        ('A="x" y', 1, "a quote is not closed"),
        (r'A="\q"', 1, "stands before a character"),
        ("A=x # y", 1, "needs quotes"),
        ("A=1\nA=2", 2, "given twice"),
    ],
)
def test_lines_that_are_refused(text, line, reason):
    _, (found,) = envfile.parse(text, ".env")
    assert (found.code, found.place.line) == ("bad-env-line", line)
    assert reason in found.words().message


# --- sealing ----------------------------------------------------------------------------------------------------


def test_what_is_sealed_for_two_is_opened_by_each():
    (first, one), (second, two) = new_key(), new_key()
    plain = {"A": "first\nline", "B": "密码"}
    sealed = seal(plain, [one, two])
    assert sealed.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert unseal(sealed, first, "x") == unseal(sealed, f"# a remark\n{second}\n", "x") == plain


@pytest.mark.parametrize("recipients", [[], ["age1nobody"], ["ssh-ed25519 nothing"], ["AGE-SECRET-KEY-1"]])
def test_recipients_that_are_none(recipients):
    with pytest.raises(Findings) as raised:
        seal({"A": "1"}, recipients)
    assert raised.value.diagnostics[0].code == "bad-age-key"
