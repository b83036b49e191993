"""The bytes of one part, in a file of this machine, and how to say what is wrong with them."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.connector import GiveUp
from engine.diagnostic import Diagnostic, Place, finding
from engine.files.settings import Settings


@dataclass(frozen=True, slots=True)
class Content:
    """A part ready to be read.

    `file` holds its bytes (unpacked where the part is packed), `name` is what people call it, `inner` the
    name whose ending tells the format, `wanted` the normalised names that mappings read.
    """

    file: Path
    name: str
    inner: str
    settings: Settings
    scratch: Path
    wanted: frozenset[str] = frozenset()

    def finding(self, code: str, line: int = 0, column: int = 1, text: str = "", **facts: object) -> Diagnostic:
        """A finding about this part, at a line of it where one is given."""
        place = Place(self.name, line, column if line else 0, 1, text)
        return finding(code, place, path=self.name, **facts)

    def refused(self, code: str, line: int = 0, column: int = 1, text: str = "", **facts: object) -> GiveUp:
        """The error to raise where this part cannot be read."""
        return GiveUp(self.finding(code, line, column, text, **facts))


def new_file(scratch: Path, kind: str) -> Path:
    """A new empty file in the scratch folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{kind}-", dir=scratch)
    os.close(handle)
    return Path(name)
