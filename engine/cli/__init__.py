"""The command line: one command per verb.

Modules that are slow to import (the database engine, the SQL parser) are imported inside the commands, so that
`engine --help` is there at once. This is the only place where imports are delayed.
"""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from engine.cli.words import Language, say, some

if TYPE_CHECKING:
    from engine.api import Workspace
    from engine.diagnostic import Diagnostic
    from engine.query import Answer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn a folder of YAML into governed commerce tables and KPIs. · 用一个文件夹的 YAML 得到统一口径的电商数据表和指标。",
)


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


class _Tone:
    """How this call speaks: in which form and language, and about the manifests of which folder."""

    form: Form = Form.text
    language: Language = "en"
    root: Path = Path()


_tone = _Tone()

ProjectFile = Annotated[Path, typer.Argument(metavar="[PROJECT]", help="project.yaml, or the folder it is in.")]
LangOption = Annotated[Lang | None, typer.Option("--lang", help="Language of messages; the locale's when left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
RebuildOption = Annotated[
    list[str] | None, typer.Option("--rebuild", help="Make this table anew from raw records; `all` for every table.")
]
VersionOption = Annotated[int | None, typer.Option("--run", help="Read what this run published, instead of the last.")]
HERE = Path("project.yaml")


@app.callback(invoke_without_command=True)
def _engine(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"engine {version_of('commerce-engine')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def validate(
    project: ProjectFile = HERE,
    form: Annotated[Form, typer.Option("--format", help="How findings are written.")] = Form.text,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Check the manifests: files, keys, names, types, SQL. Touches no network, no data, no database."""
    from engine.diagnostic import errors

    language = _speak(lang, Form.json if json else form, project)
    workspace = _load(project)
    found = workspace.check()
    _show(found)
    if errors(found):
        raise typer.Exit(1)
    if _tone.form is Form.text:
        made = workspace.project
        counts = ("manifest", len(made.documents)), ("mapping", len(made.mappings)), ("metric", len(made.metrics))
        listed = say(language, "and").join(some(language, f"one {kind}", f"{kind}s", n) for kind, n in counts)
        typer.echo(say(language, "noted" if found else "sound", name=made.name, counts=listed))


@app.command()
def plan(
    project: ProjectFile = HERE,
    json: JsonOption = False,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL of each mapping.")] = False,
    rebuild: RebuildOption = None,
    lang: LangOption = None,
) -> None:
    """Show what `apply` would read, build and change, and why. Changes nothing."""
    from engine.plan import as_json

    language = _speak(lang, Form.json if json else Form.text, project)
    workspace = _load(project)
    made = workspace.plan(rebuild=rebuild or ())
    if sql:
        for mapping, text in workspace.sql().items():
            typer.echo(f"-- {mapping}\n{text}\n")
    elif json:
        typer.echo(as_json(made))
    else:
        from engine.cli import screen

        _console().print(screen.plan(made, language))


@app.command()
def apply(
    project: ProjectFile = HERE,
    json: JsonOption = False,
    rebuild: RebuildOption = None,
    lock_timeout: Annotated[float, typer.Option(help="Seconds to wait for another run to end.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    lang: LangOption = None,
) -> None:
    """Read what is new, build the tables, publish them. Doing it twice changes nothing the second time."""
    language = _speak(lang, Form.json if json else Form.text, project)
    if not rebuild:
        from engine.unchanged import unchanged

        run_before = unchanged(project)
        if run_before is not None and not json:
            typer.echo(say(language, "nothing", run=run_before))
            return
    workspace = _load(project)
    from engine.cli import screen

    with screen.Watch(language, quiet=quiet or json) as watch:
        run = workspace.apply(rebuild=rebuild or (), lock_timeout=lock_timeout, listener=watch)
    if json:
        typer.echo(screen.as_json(run, language))
    else:
        _show(run.diagnostics)
        _console().print(screen.run(run, language))
    raise typer.Exit(run.exit_status)


@app.command()
def query(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROJECT] METRIC…", help="The project, then metrics; without metrics, lists them."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Dimension: a column, or a time with its grain such as `paid_at.month` or `time.day`; several by commas.",
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="SQL condition over columns, such as \"province = '上海市'\".")
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option("--order", help="Column to sort by; `-name` or `name desc` for the largest first."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="At most so many rows.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL instead of running it.")] = False,
    form: Annotated[Output, typer.Option("--format", help="How the answer is written.")] = Output.table,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write to; needed for parquet and xlsx.")
    ] = None,
    run: VersionOption = None,
    lang: LangOption = None,
) -> None:
    """Ask for metrics by dimensions, as of the last published state."""
    language = _speak(lang, Form.json if form is Output.json else Form.text)
    project, words = _project_and(names or [])
    metrics = list(_split(words))
    workspace = _load(project)
    if not metrics:
        from engine.cli import screen

        _console().print(screen.listing(workspace.project, language))
        example = next(iter(workspace.project.metrics), "METRIC")
        typer.echo("\n" + say(language, "ask", project=project, metric=example, dimension="time.month"))
        return
    form = _form_of(form, out)
    metrics, more = _dimensions_among(metrics, workspace, asked=bool(by))
    question: dict[str, Any] = {"by": (*_split(by), *more), "where": where, "order": _commas(order), "limit": limit}
    if sql:
        typer.echo(workspace.compile(metrics, **question).sql)
        return
    _write(workspace.query(metrics, **question, version=run), form, _safe(out, workspace), language)


@app.command()
def show(
    names: Annotated[list[str], typer.Argument(metavar="[PROJECT] TABLE | quarantine | raw SOURCE.STREAM")],
    where: Annotated[
        str | None, typer.Option("--where", help='SQL condition over the columns, such as "row = 12".')
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")] = 20,
    form: Annotated[Output, typer.Option("--format", help="How the rows are written.")] = Output.table,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write to; needed for parquet and xlsx.")
    ] = None,
    run: VersionOption = None,
    lang: LangOption = None,
) -> None:
    """Show rows: of a table, of quarantine, or raw records as the platform sent them."""
    language = _speak(lang, Form.json if form is Output.json else Form.text)
    project, things = _project_and(names)
    workspace = _load(project)
    form, out = _form_of(form, out), _safe(out, workspace)
    _write(workspace.show(things, where=where, limit=limit, version=run, language=language), form, out, language)


@app.command()
def runs(
    project: ProjectFile = HERE,
    json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The last so many runs.")] = 20,
    lang: LangOption = None,
) -> None:
    """List the runs: when, what became of the records, what was found."""
    language = _speak(lang, Form.json if json else Form.text, project)
    done = _load(project).runs()[-limit:]
    if json:
        from json import dumps

        typer.echo(dumps(done, ensure_ascii=False, indent=2))
    elif not done:
        typer.echo(say(language, "no runs"))
    else:
        from engine.cli import screen

        _console().print(screen.runs(done, language))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Pack of metrics to start with.")] = None,
    lang: LangOption = None,
) -> None:
    """Make a starter project that runs: manifests, a small export, editor settings."""
    from engine.cli.starter import start

    language = _speak(lang)
    for path in start(folder, _packs(pack)):
        typer.echo(say(language, "written", path=path))
    typer.echo(
        f"\n{say(language, 'try')}:\n  cd {folder}\n  engine apply\n  engine query order_cnt pay_amt --by time.day"
    )


@app.command()
def schema(
    kind: Annotated[str | None, typer.Argument(help="project, mapping, metrics or model.")] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the schemas of all kinds into this folder.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Show the JSON Schema of a kind of manifest, for editors; `--write` puts all of them into a folder."""
    from json import dumps

    from engine.diagnostic import Findings, finding, nearest
    from engine.load import KINDS
    from engine.load.schema import schema as schema_of

    language = _speak(lang)
    if write is not None:
        from engine.cli.starter import write_schemas

        for path in write_schemas(write):
            typer.echo(say(language, "written", path=path))
        return
    if kind not in KINDS:
        known = ", ".join(KINDS)
        facts = {
            "kind": "schema",
            "kind_zh": "清单类型",
            "name": kind or "",
            "known": known,
            "near": nearest(kind or "", KINDS),
        }
        raise Findings([finding("unknown-thing", **facts)], status=2)
    typer.echo(dumps(schema_of(kind), ensure_ascii=False, indent=2))


@app.command("library")
def library_(
    name: Annotated[str | None, typer.Argument(help="A file of the library, such as `mappings/tmall_orders`.")] = None,
    lang: LangOption = None,
) -> None:
    """List the files of the shipped library, or show one, to read it or to start an own from it."""
    from engine.diagnostic import Findings, finding, nearest
    from engine.load import library

    _speak(lang)
    files = {
        path.relative_to(library()).as_posix(): path
        for folder in ("connectors", "mappings", "metrics")
        for path in sorted((library() / folder).rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    if name is None:
        typer.echo("\n".join(files))
        return
    asked = name.removeprefix("library/")
    path = files.get(asked) or files.get(f"{asked}.yaml")
    if path is None:
        facts = {"kind": "library file", "kind_zh": "内置文件", "name": name, "known": ", ".join(files)}
        raise Findings([finding("unknown-thing", **facts, near=nearest(asked, files))], status=2)
    typer.echo(path.read_text("utf-8"), nl=False)


def main() -> None:
    """Run the command line; whatever goes wrong ends in words and an exit code, never in a traceback."""
    _speak_utf8()
    sys.exit(_guarded(lambda: app(prog_name="engine", standalone_mode=False)))


def _guarded(command: Callable[[], Any]) -> int:
    try:
        status = command()
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(say(_language(None), "interrupted"), err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TyperException as failure:
        return _misused(failure)
    except OSError as failure:
        return _unwritten(failure)
    except Exception as failure:
        return _failed(failure)
    return status if isinstance(status, int) else 0


def _misused(failure: Any) -> int:
    from engine.diagnostic import finding

    said = failure.format_message().rstrip(".")
    command = failure.ctx.command_path if getattr(failure, "ctx", None) else "engine"
    _tone.language = _language(_asked())
    _show((finding("usage", reason=said[:1].lower() + said[1:], command=command),))
    return 2


def _unwritten(failure: OSError) -> int:
    from engine.diagnostic import finding

    _show((finding("unwritable", path=str(failure.filename or "?"), reason=failure.strerror or str(failure)),))
    return 3


def _failed(failure: Exception) -> int:
    from engine.diagnostic import Findings

    if isinstance(failure, Findings):
        _show(failure.diagnostics)
        return failure.status
    if isinstance(failure.__cause__, OSError) or type(failure).__name__ == "FileCreateError":
        cause = failure.__cause__ or failure.args[0]
        return _unwritten(cause if isinstance(cause, OSError) else OSError(str(cause)))
    if os.environ.get("ENGINE_DEBUG"):
        raise failure
    words = say(_tone.language, "bug", what=f"{type(failure).__name__}: {failure}")
    typer.echo(f"{words}\n  = {say(_tone.language, 'bug help')}", err=True)
    return 70


def _asked() -> Lang | None:
    """The language that the command line asks for, where it could not be read as a whole."""
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        given = word.removeprefix("--lang=") if word.startswith("--lang=") else following if word == "--lang" else None
        if given in ("en", "zh"):
            return Lang(given)
    return None


def _speak(lang: Lang | None, form: Form = Form.text, project: Path = HERE) -> Language:
    """Settle how this call speaks; returns the language."""
    _tone.form, _tone.language = form, _language(lang)
    _tone.root = project if project.is_dir() else project.parent
    return _tone.language


def _language(asked: Lang | None) -> Language:
    if asked:
        return "zh" if asked is Lang.zh else "en"
    named = next((os.environ[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(key)), None)
    return "zh" if (named or locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")


def _load(project: Path) -> Workspace:
    from engine.api import load

    return load(project)


def _project_and(names: list[str]) -> tuple[Path, list[str]]:
    """Split words into the project (a YAML file or folder, if the first word is one) and the rest."""
    if names and (names[0].endswith((".yaml", ".yml")) or Path(names[0]).is_dir()):
        return Path(names[0]), names[1:]
    return HERE, names


def _packs(given: list[str] | None) -> tuple[str, ...]:
    return tuple(one.removeprefix("metrics/") for one in _commas(given)) or ("commerce",)


def _form_of(form: Output, out: Path | None) -> Output:
    """The form that the name of the file asks for, where none was given."""
    by_name = {".csv": Output.csv, ".json": Output.json, ".parquet": Output.parquet, ".xlsx": Output.xlsx}
    asked = by_name.get(out.suffix.lower()) if out else None
    if form is Output.table:
        return asked or form
    if asked and asked is not form:
        raise typer.BadParameter(f"{out} does not name a file of the form {form}")
    return form


def _dimensions_among(names: list[str], workspace: Workspace, *, asked: bool) -> tuple[list[str], list[str]]:
    """`--by month province` leaves `province` among the metrics: what is no metric, and a dimension, goes to `--by`."""
    from engine.metric import dimensions

    known = workspace.project.metrics
    metrics = [one for one in names if one in known]
    if not asked or not metrics:
        return names, []
    there = dimensions(workspace.project, tuple(metrics))
    more = [one for one in names if one not in known and one in there]
    return [one for one in names if one not in more], more


def _safe(out: Path | None, workspace: Workspace) -> Path | None:
    """The file to write, unless something of the project is there: a manifest, a file that was read, the warehouse."""
    if out is None:
        return None
    from engine.diagnostic import Findings, finding

    project, file = workspace.project, out.resolve()
    read = {(project.root / batch.part).resolve() for batch in workspace.state().batches}
    if str(file) in project.inputs.files or file in read or file.is_relative_to(project.storage.path.resolve()):
        raise Findings([finding("would-overwrite", path=str(out))], status=2)
    return out


def _split(given: list[str] | None) -> tuple[str, ...]:
    return tuple(word for one in given or () for word in one.replace(",", " ").split())


def _commas(given: list[str] | None) -> tuple[str, ...]:
    return tuple(word.strip() for one in given or () for word in one.split(",") if word.strip())


def _write(answer: Answer, form: Output, out: Path | None, language: Language) -> None:
    from engine.query import forms, sheet

    if form in (Output.parquet, Output.xlsx):
        if out is None:
            raise typer.BadParameter(f"--format {form} needs --out FILE")
        rows = forms.parquet(answer, out) if form is Output.parquet else sheet.xlsx(answer, out, language)
        typer.echo(f"{say(language, 'written', path=out)} ({rows:,})", err=True)
    elif form is Output.table and out is None:
        from engine.cli import screen

        _console().print(screen.answer(answer, language))
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


def _show(found: tuple[Diagnostic, ...]) -> None:
    from engine.diagnostic import errors, render

    language = _tone.language
    if _tone.form is Form.json:
        typer.echo(render.as_json(found, language))
    elif _tone.form is Form.github:
        if found:
            typer.echo(render.github(found, language, _from_repository()))
    elif found:
        colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        typer.echo(render.text(found, language, colour=colour) + "\n", err=True)
        if len(found) > 1:
            wrong, right = len(errors(found)), len(found) - len(errors(found))
            counts = [("error", wrong)] * bool(wrong) + [("warning", right)] * bool(right)
            told = say(language, "and").join(some(language, f"one {kind}", f"{kind}s", n) for kind, n in counts)
            typer.echo(told + "\n", err=True)


def _from_repository() -> str:
    """The way from the top of the repository, where CI looks for files, to the project."""
    top = os.environ.get("GITHUB_WORKSPACE") or Path.cwd()
    return Path(os.path.relpath(_tone.root, top)).as_posix()


def _console() -> Any:
    from rich.console import Console

    # A terminal has its width; a file or a pipe gets lines as long as they are.
    return Console(width=None if sys.stdout.isatty() else 400, soft_wrap=not sys.stdout.isatty())
