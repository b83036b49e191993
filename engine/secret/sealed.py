"""Seal values so that only the holders of some keys can open them: the `age` format, through the library `pyrage`.

A sealed file may be kept with the manifests. Keys are those of `age-keygen` (`AGE-SECRET-KEY-1…`, `age1…`) and SSH keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.diagnostic import Findings, finding
from engine.secret.envfile import parse, written


def seal(plain: Mapping[str, str], recipients: Iterable[str]) -> bytes:
    """The values by name as an armored age file for the recipients: `age1…`, or lines of SSH public keys.

    Raises `Findings` where a recipient is none, or there is none.
    """
    age = _library()
    keys = [_recipient(age, one) for one in recipients]
    if not keys:
        raise Findings([finding("bad-age-key", what="recipient", what_zh="接收者")])
    sealed: bytes = age.encrypt(written(plain).encode(), keys, armored=True)
    return sealed


def unseal(data: bytes, keys: str, shown: str) -> dict[str, str]:
    """The values in a sealed file; `keys` holds private keys as their files do, `shown` is the path people see.

    Raises `Findings` where no key opens it, or what is inside is not `NAME=value` lines.
    """
    age = _library()
    identities = _identities(age, keys)
    try:
        text = age.decrypt(data, identities).decode("utf-8")
    except (age.DecryptError, UnicodeDecodeError) as failure:
        reason = "it is not UTF-8" if isinstance(failure, UnicodeDecodeError) else str(failure)
        raise Findings([finding("cannot-unseal", path=shown, reason=reason)], status=3) from None
    values, found = parse(text, shown)
    if found:
        raise Findings(found, status=3)
    return values


def new_key() -> tuple[str, str]:
    """A new private key, and the recipient that others seal for."""
    identity = _library().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def _library() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]
    except ImportError:
        raise Findings([finding("no-secrets-library", library="pyrage")], status=3) from None
    return pyrage


def _recipient(age: Any, written: str) -> Any:
    kind = age.ssh if written.startswith("ssh-") else age.x25519
    try:
        return kind.Recipient.from_str(written.strip())
    except (age.RecipientError, ValueError):
        raise Findings([finding("bad-age-key", what="recipient", what_zh="接收者")]) from None


def _identities(age: Any, keys: str) -> list[Any]:
    """The private keys in a text: one of SSH, or one of age on each line that is no remark."""
    try:
        if "PRIVATE KEY-----" in keys:
            return [age.ssh.Identity.from_buffer(keys.encode())]
        lines = [line.strip() for line in keys.splitlines()]
        made = [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (age.IdentityError, ValueError):
        made = []
    if not made:
        raise Findings([finding("bad-age-key", what="private key", what_zh="私钥")], status=3)
    return made
