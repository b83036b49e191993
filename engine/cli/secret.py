"""The commands about secrets: which names a project needs, where they are found, and how a file of them is sealed."""

from __future__ import annotations

import json as json_
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.cli import tables
from engine.cli.options import HERE, Form, JsonOption, LangOption, ProjectFile
from engine.cli.screen import console
from engine.cli.speech import speak
from engine.cli.words import say
from engine.diagnostic import Findings, finding
from engine.load import load
from engine.probe.names import needed
from engine.secret import seal as sealed
from engine.secret.envfile import parse
from engine.secret.places import SEALED

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Where the names that a project needs are found; seal them. · 项目需要的变量在哪里找到；加密保存。",
)


@app.callback()
def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_(project: ProjectFile = HERE, json: JsonOption = False, lang: LangOption = None) -> None:
    """List the names that the project needs and the place that gives each; never a value."""
    language = speak(lang, Form.json if json else Form.text, project)
    names = needed(load(project))
    if json:
        listed = [{"name": one.name, "used_by": list(one.used_by), "where": one.where} for one in names]
        typer.echo(json_.dumps(listed, ensure_ascii=False, indent=2))
    elif not names:
        typer.echo(say(language, "no names"))
    else:
        console().print(tables.names(names, language))
    raise typer.Exit(3 if any(one.where is None for one in names) else 0)


@app.command()
def where(project: ProjectFile = HERE, json: JsonOption = False, lang: LangOption = None) -> None:
    """Tell for each name every place in which it is looked for, in order, and which of them gives it."""
    language = speak(lang, Form.json if json else Form.text, project)
    names = needed(load(project))
    if json:
        typer.echo(json_.dumps([asdict(one) for one in names], ensure_ascii=False, indent=2))
    elif not names:
        typer.echo(say(language, "no names"))
    for one in names if not json else ():
        typer.echo(f"{one.name}: {one.where or say(language, 'nowhere')}")
        for place in one.looked_zh if language == "zh" else one.looked:
            typer.echo(f"  {place}")
    raise typer.Exit(3 if any(one.where is None for one in names) else 0)


@app.command()
def seal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `NAME=value` lines, such as `.env`.")],
    to: Annotated[list[str], typer.Option("--to", help="Who can open it: `age1…`, or an SSH public key.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=f"File to write to; `{SEALED}` beside FILE where left out.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Seal a file of secrets so that it may be kept with the manifests; only the holders of the keys can open it."""
    language = speak(lang)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        reason = getattr(failure, "strerror", None) or "it is not UTF-8"
        raise Findings([finding("unreadable-secrets", path=str(file), reason=reason)], status=2) from None
    values, found = parse(text, str(file))
    if found:
        raise Findings(found, status=2)
    target = out or file.parent / SEALED
    if target.resolve() == file.resolve():
        raise Findings([finding("file-there", path=str(target))], status=2)
    made = sealed(values, to)
    target.write_bytes(made)
    typer.echo(say(language, "sealed", path=target, n=len(values), names=", ".join(values)))
