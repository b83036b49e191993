"""Where answers go: to the screen, or into a file of the form that is asked for, never over a file of the project."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from engine.api import Workspace
from engine.cli import screen
from engine.cli.options import Output
from engine.cli.words import Language, say
from engine.diagnostic import Findings, finding
from engine.metric import dimensions
from engine.query import Answer, forms, sheet

_BY_NAME = {".csv": Output.csv, ".json": Output.json, ".parquet": Output.parquet, ".xlsx": Output.xlsx}


def form_of(form: Output, out: Path | None) -> Output:
    """The form that the name of the file asks for, where none was given."""
    asked = _BY_NAME.get(out.suffix.lower()) if out else None
    if form is Output.table:
        return asked or form
    if asked and asked is not form:
        raise typer.BadParameter(f"{out} does not name a file of the form {form}")
    return form


def safe(out: Path | None, workspace: Workspace) -> Path | None:
    """The file to write, unless something of the project is there: a manifest, a file that was read, the warehouse."""
    if out is None:
        return None
    project, file = workspace.project, out.resolve()
    read = {(project.root / batch.part).resolve() for batch in workspace.state().batches}
    if str(file) in project.inputs.files or file in read or file.is_relative_to(project.storage.path.resolve()):
        raise Findings([finding("would-overwrite", path=str(out))], status=2)
    return out


def dimensions_among(names: list[str], workspace: Workspace, *, asked: bool) -> tuple[list[str], list[str]]:
    """`--by month province` leaves `province` among the metrics: what is no metric, and a dimension, goes to `--by`."""
    known = workspace.project.metrics
    metrics = [one for one in names if one in known]
    if not asked or not metrics:
        return names, []
    there = dimensions(workspace.project, tuple(metrics))
    more = [one for one in names if one not in known and one in there]
    return [one for one in names if one not in more], more


def write(answer: Answer, form: Output, out: Path | None, language: Language) -> None:
    """Write an answer in a form: to a file, or where there is none to the screen."""
    if form in (Output.parquet, Output.xlsx):
        if out is None:
            raise typer.BadParameter(f"--format {form} needs --out FILE")
        rows = forms.parquet(answer, out) if form is Output.parquet else sheet.xlsx(answer, out, language)
        typer.echo(f"{say(language, 'written', path=out)} ({rows:,})", err=True)
    elif form is Output.table and out is None:
        screen.console().print(screen.answer(answer, language))
    else:
        made = forms.csv(answer) if form is Output.csv else forms.json(answer).encode() + b"\n"
        _put(made, out, language)


def _put(made: bytes, out: Path | None, language: Language) -> None:
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
        return
    out.write_bytes(made)
    typer.echo(say(language, "written", path=out), err=True)
