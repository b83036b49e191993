"""Options and arguments that several commands share, and the words that they may be given."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"
    github = "github"


class Output(StrEnum):
    """How the answer to a query is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    xlsx = "xlsx"


class Lang(StrEnum):
    """Languages of messages."""

    en = "en"
    zh = "zh"


HERE = Path("project.yaml")
"""The project where none is named."""

ProjectFile = Annotated[Path, typer.Argument(metavar="[PROJECT]", help="project.yaml, or the folder it is in.")]
LangOption = Annotated[Lang | None, typer.Option("--lang", help="Language of messages; the locale's when left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
RebuildOption = Annotated[
    list[str] | None, typer.Option("--rebuild", help="Make this table anew from raw records; `all` for every table.")
]
VersionOption = Annotated[int | None, typer.Option("--run", help="Read what this run published, instead of the last.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="File to write to; needed for parquet and xlsx.")]


def is_project(word: str) -> bool:
    """Whether a word on the command line names a project: a YAML file, or a folder."""
    return word.endswith((".yaml", ".yml")) or Path(word).is_dir()


def project_and(names: list[str]) -> tuple[Path, list[str]]:
    """Split words into the project (a YAML file or folder, if the first word is one) and the rest."""
    return (Path(names[0]), names[1:]) if names and is_project(names[0]) else (HERE, names)


def split(given: list[str] | None) -> tuple[str, ...]:
    """The words of an option that may be given several times, parted by commas or blanks."""
    return tuple(word for one in given or () for word in one.replace(",", " ").split())


def commas(given: list[str] | None) -> tuple[str, ...]:
    """The words of an option that may be given several times, parted by commas."""
    return tuple(word.strip() for one in given or () for word in one.split(",") if word.strip())
