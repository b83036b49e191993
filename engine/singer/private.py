"""Files that only the user may read: the tap's configuration, which holds secrets, its catalog and its state.

A tap may write to its configuration file what the next run needs, such as a token that was renewed. That is kept, for
as long as the source's settings stay what they were.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any


def write_private(file: Path, value: Any) -> Path:
    """Write a value as JSON to a file that nobody else may read, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f"{file.name}.{token_hex(4)}")
    handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    beside.replace(file)
    return file


def read_private(file: Path) -> Any:
    """The value in a file; None where there is none, or it is broken."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def with_renewed(config: dict[str, Any], keep: Path | None) -> dict[str, Any]:
    """The configuration with what the tap changed in earlier runs."""
    kept = read_private(keep / "config.json") if keep else None
    if not isinstance(kept, dict) or kept.get("given") != _fingerprint(config, str(kept.get("salt"))):
        return config
    return {**config, **kept["changed"]}


def keep_renewed(config: dict[str, Any], handed: dict[str, Any], file: Path, keep: Path | None) -> None:
    """Keep what the tap changed in the file; `config` is what the source says, `handed` what the file said."""
    found = read_private(file)
    if keep is None or not isinstance(found, dict) or found == handed:
        return
    salt = token_hex(16)
    changed = {name: value for name, value in found.items() if name not in config or config[name] != value}
    write_private(keep / "config.json", {"salt": salt, "given": _fingerprint(config, salt), "changed": changed})


def _fingerprint(config: dict[str, Any], salt: str) -> str:
    return sha256((salt + json.dumps(config, sort_keys=True)).encode("utf-8", "surrogatepass")).hexdigest()
