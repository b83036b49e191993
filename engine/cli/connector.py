"""The commands about connectors: list, show, new, test, doctor, sign, request."""

from __future__ import annotations

import json as json_
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli import scaffold, tables
from engine.cli.options import HERE, Form, JsonOption, LangOption, ProjectFile, is_project
from engine.cli.screen import console
from engine.cli.speech import speak
from engine.cli.words import Language, say
from engine.connector import GiveUp, Offline
from engine.diagnostic import Findings, finding, render
from engine.diagnostic.masking import mask
from engine.http import HttpClient
from engine.load import load
from engine.model import Project
from engine.probe import doctor as doctor_
from engine.probe import known as known_
from engine.probe import outline, preview, signature, standing
from engine.probe.hearing import Hearing
from engine.probe.question import Reply, ask
from engine.secret import Secrets, remember, secret_keys

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="List, show, start, try and examine connectors. · 列出、查看、新建、试用、检查连接器。",
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a connector.")]
SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="A source of the project.")]
SecretOption = Annotated[bool, typer.Option("--show-secret", help="Show secrets, too. Mind who looks on.")]


@app.callback()
def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_(project: ProjectFile = HERE, json: JsonOption = False, lang: LangOption = None) -> None:
    """List the connectors that a source may name: the project's own, built-in ones, plugins, the library's."""
    language = speak(lang, Form.json if json else Form.text, project)
    there = known_.known(_project_if_any(project))
    if json:
        _print_json([_known_as_json(one) for one in there])
        return
    console().print(tables.connectors(there, language))
    typer.echo("\n" + say(language, "ask connector", name=next((one.name for one in there if one.preset), "NAME")))


@app.command()
def show(
    name: NameArgument,
    project: ProjectFile = HERE,
    stream: Annotated[str | None, typer.Option("--stream", help="Show the fields of this stream.")] = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Show what a connector reads and needs, with a source to paste into project.yaml and the variables to set."""
    language = speak(lang, Form.json if json else Form.text, project)
    known = known_.named(name, _project_if_any(project))
    if stream is not None:
        fields = outline.fields_of(known, stream)
        if json:
            _print_json([asdict(one) for one in fields])
        else:
            console().print(tables.fields(fields, language))
        return
    snippet, names = outline.snippet(known, name, datetime.now(UTC).date()), outline.variables_of(known, name)
    if json:
        more = {"about": asdict(known.about), "docs": known.docs, "snippet": snippet, "variables": list(names.values())}
        settings, streams = map(asdict, known.settings), map(asdict, outline.streams_of(known))
        _print_json({**_known_as_json(known), **more, "settings": list(settings), "streams": list(streams)})
        return
    console().print(tables.connector(known, outline.streams_of(known), language))
    typer.echo(f"{say(language, 'to paste')}\n\nsources:\n{snippet}")
    if names:
        typer.echo(say(language, "to set") + "\n\n" + "\n".join(f"export {one}=…" for one in names.values()))


@app.command()
def new(
    name: NameArgument,
    python: Annotated[bool, typer.Option("--python", help="A Python package instead of YAML.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to; here, or for Python a folder of the name.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Start a connector: a manifest or a Python package that runs, with a simulated platform and tests."""
    language = speak(lang)
    made = []
    for path in (scaffold.package if python else scaffold.manifest)(name, folder):
        made.append(path.name)
        typer.echo(say(language, "written", path=path))
    typer.echo("\n" + scaffold.onwards(name, folder, python=python, language=language))
    if not python and "project.yaml" not in made:
        typer.echo("\n" + say(language, "name it", name=name))


@app.command("test")
def try_out(
    source: SourceArgument,
    project: ProjectFile = HERE,
    stream: Annotated[str | None, typer.Option("--stream", help="This stream only.")] = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Really ask: one small question to each stream. Says whether it is authorised, how much came, and how fast."""
    language = speak(lang, Form.json if json else Form.text, project)
    made = load(project)
    chosen = standing.source_of(made, source)
    _must_be_set(made, source)
    state, replies = standing.state_of(made), []
    with _client() as client:
        for one in standing.streams_of(chosen, stream):
            hearing = Hearing(client)
            with standing.placed(made, state, chosen, one, hearing) as place:
                for reply in ask(place, hearing):
                    replies.append(reply)
                    if not json:
                        console().print(tables.reply(reply, language, made.timezone))
    if json:
        typer.echo(mask(_dumped([_reply_as_json(one, language) for one in replies])))
    raise typer.Exit(3 if any(one.wrong for one in replies) else 0)


@app.command()
def doctor(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PROJECT] [SOURCE]")] = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Examine sources: settings, variables, the way to the platform, authorisation, limits, what was read, fields."""
    words = list(names or ())
    project = Path(words.pop(0)) if words and is_project(words[0]) else HERE
    if len(words) > 1:
        raise typer.BadParameter(f"got one word too many: {words[1]}")
    language = speak(lang, Form.json if json else Form.text, project)
    made = load(project)
    with _client() as client:
        checks = list(doctor_.examine(made, client, words[0] if words else None))
    if json:
        typer.echo(mask(_dumped([tables.check_as_json(one, language) for one in checks])))
    else:
        console().print(tables.checks(checks, language, made.timezone))
    raise typer.Exit(3 if any(one.level == "wrong" for one in checks) else 0)


@app.command()
def sign(
    connector: Annotated[str, typer.Argument(metavar="CONNECTOR", help="Name of a connector.")],
    settings: Annotated[Path, typer.Option("--with", help="JSON file of settings, as a source's `with`.")],
    params: Annotated[
        Path, typer.Option("--params", help="JSON file: `query`, `form`, `headers`, `body`; or flat, what is signed.")
    ],
    stream: Annotated[str | None, typer.Option("--stream", help="As requests of this stream are signed.")] = None,
    project: Annotated[Path, typer.Option("--project", help="Where an own connector is declared.")] = HERE,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="The connector's manifest, where no project names it.")
    ] = None,
    show_secret: SecretOption = False,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Show what is signed, the signature and where it goes, to hold it against the platform's own example."""
    language = speak(lang, Form.json if json else Form.text, project)
    known = known_.of_file(manifest, connector) if manifest else known_.named(connector, _project_if_any(project))
    given = _json_object(settings, '{"app_key": "…"}')
    schema = known.preset.value if known.preset else {}
    secret = secret_keys({name: {"x-secret": True} for name, one in _settings_of(schema) if one.get("secret")})
    try:
        given = Secrets(project.parent).filled(given, secret)
    except KeyError as unset:
        raise Findings([finding("unset-name", name=unset.args[0], path=str(settings))], status=3) from None
    hidden = [str(given[name]) for name in secret if given.get(name)]
    remember(*hidden)
    made = signature.sign(known, given, _json_object(params, '{"form": {"method": "…"}}'), stream, time.time())
    text = made.text if show_secret else _hide(made.text, hidden)
    if json:
        _print_json({**asdict(made), "text": text})
        return
    typer.echo(tables.signed(made, text, language))


@app.command()
def request(
    source: SourceArgument,
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="A stream of it.")],
    project: ProjectFile = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the request; send nothing.")] = False,
    curl: Annotated[bool, typer.Option("--curl", help="Show it as a command line of curl.")] = False,
    show_secret: SecretOption = False,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Show the next request of a stream as it would be sent; without --dry-run, send it and show what came back."""
    language = speak(lang, Form.json if json else Form.text, project)
    made = load(project)
    chosen = standing.source_of(made, source)
    one = standing.streams_of(chosen, stream)[0]
    _must_be_set(made, source)
    shown = _as_it_is if show_secret else mask
    state = standing.state_of(made)
    if dry_run:
        with standing.placed(made, state, chosen, one, Hearing(Offline())) as place, _told():
            coming = preview.preview(place)
            if json:
                typer.echo(shown(_dumped(tables.preview_as_json(coming, curl=curl))))
            else:
                typer.echo(shown(tables.preview(coming, made.timezone, language, curl=curl)))
        return
    with _client() as client:
        hearing = Hearing(client)
        with standing.placed(made, state, chosen, one, hearing) as place, _told():
            reply = next(iter(ask(place, hearing, next_one=True)))
    fields = (chosen.preset.value["streams"][stream].get("fields") or {}) if chosen.preset else {}
    if json:
        typer.echo(shown(_dumped(tables.exchange_as_json(reply, fields, language, bare=show_secret))))
    else:
        typer.echo(shown(tables.exchange(reply, fields, language, curl=curl, bare=show_secret)))
    if reply.wrong:
        raise Findings(reply.wrong, status=3) if not json else typer.Exit(3)


# --- what the commands share ------------------------------------------------------------------------------------


def _project_if_any(project: Path) -> Project | None:
    """The project; none where nobody named one, and none is here."""
    return None if project == HERE and not HERE.is_file() else load(project)


def _must_be_set(project: Project, source: str) -> None:
    lacking = standing.unset(project, project.sources[source])
    if lacking:
        raise lacking


@contextmanager
def _client() -> Iterator[HttpClient]:
    client = HttpClient()
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except GiveUp as given_up:
        raise Findings(given_up.diagnostics, status=3) from None


def _json_object(file: Path, example: str) -> dict[str, Any]:
    """What a JSON file holds. Raises `Findings` (status 2) where that is no object."""
    try:
        value = json_.loads(file.read_text("utf-8-sig"))
    except OSError as failure:
        english = chinese = failure.strerror or str(failure)
    except ValueError as failure:
        english, chinese = f"it is no JSON: {failure}", f"不是 JSON：{failure}"
    else:
        if isinstance(value, dict):
            return value
        english, chinese = "it holds no object", "里面不是对象"
    facts = {"path": str(file), "reason": english, "reason_zh": chinese, "example": f"`{example}`"}
    raise Findings([finding("bad-json-file", **facts)], status=2)


def _settings_of(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list((manifest.get("settings") or {}).items())


def _hide(text: str, hidden: list[str]) -> str:
    """Without secrets, also those that are too short to be looked for everywhere."""
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "***")
    return mask(text)


def _as_it_is(text: str) -> str:
    return text


def _known_as_json(one: known_.Known) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "comes_from": one.comes_from,
        "label": asdict(one.label),
        "streams": len(one.streams) if one.preset else None,
        "needs": list(one.needed),
        "broken": one.broken,
    }


def _reply_as_json(reply: Reply, language: Language) -> dict[str, Any]:
    return {
        "stream": reply.feed,
        "shop": reply.shop or None,
        "fine": not reply.wrong,
        "rows": reply.rows,
        "fields": list(reply.fields),
        "window": tables.span_as_json(reply.span),
        "requests": reply.requests,
        "seconds": None if reply.seconds is None else round(reply.seconds, 3),
        "findings": [render.describe(one, language) for one in reply.wrong],
    }


def _dumped(value: Any) -> str:
    return json_.dumps(value, ensure_ascii=False, indent=2, default=str)


def _print_json(value: Any) -> None:
    typer.echo(_dumped(value))
