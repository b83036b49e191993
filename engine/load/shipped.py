"""Where the shipped library lies."""

from __future__ import annotations

from pathlib import Path


def library() -> Path:
    """The folder of the shipped library: `connectors`, `mappings`, `metrics`."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "library"
    return inside if inside.is_dir() else package.parent
