"""The command line: one command per verb.

Modules that are slow to import (the database engine, the SQL parser) are imported inside the commands, so that
`engine --help` is there at once. This is the only place where imports are delayed; the commands about connectors and
secrets are modules of their own, which are imported when one of them is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from engine.cli.options import (
    HERE,
    Form,
    JsonOption,
    LangOption,
    OutOption,
    Output,
    ProjectFile,
    RebuildOption,
    VersionOption,
    commas,
    project_and,
    split,
)
from engine.cli.speech import failed, language_of, misused, speak, speak_utf8, tell, tone, unwritten
from engine.cli.words import say, some

if TYPE_CHECKING:
    from engine.api import Workspace

FURTHER = {
    "connector": "List, show, start, try and examine connectors. · 列出、查看、新建、试用、检查连接器。",
    "secret": "Where the names that a project needs are found; seal them. · 项目需要的变量在哪里找到；加密保存。",
}
"""Groups of commands that are imported when one of them is called."""


class _Commands(TyperGroup):
    """The commands, of which some groups are there only by name until they are called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called."""
        if args and args[0] in FURTHER:
            self.add_command(_further(args[0]), args[0])
        return super().resolve_command(ctx, args)


def _further(name: str) -> Any:
    if name == "connector":
        from engine.cli.connector import app as further
    else:
        from engine.cli.secret import app as further
    return typer.main.get_group(further)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn a folder of YAML into governed commerce tables and KPIs. · 用一个文件夹的 YAML 得到统一口径的电商数据表和指标。",
)
for _name, _help in FURTHER.items():
    app.add_typer(typer.Typer(help=_help), name=_name)


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

    language = speak(lang, Form.json if json else form, project)
    workspace = _load(project)
    found = workspace.check()
    tell(found)
    if errors(found):
        raise typer.Exit(1)
    if tone.form is Form.text:
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

    language = speak(lang, Form.json if json else Form.text, project)
    workspace = _load(project)
    made = workspace.plan(rebuild=rebuild or ())
    if sql:
        for mapping, text in workspace.sql().items():
            typer.echo(f"-- {mapping}\n{text}\n")
    elif json:
        typer.echo(as_json(made))
    else:
        from engine.cli import screen

        screen.console().print(screen.plan(made, language))


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
    language = speak(lang, Form.json if json else Form.text, project)
    if not rebuild:
        from engine.unchanged import unchanged

        run_before = unchanged(project)
        if run_before is not None and not json:
            typer.echo(say(language, "nothing", run=run_before))
            return
    workspace = _load(project)
    from engine.cli import screen
    from engine.cli.watching import Watch

    with Watch(language, quiet=quiet or json) as watch:
        run = workspace.apply(rebuild=rebuild or (), lock_timeout=lock_timeout, listener=watch)
    if json:
        typer.echo(screen.as_json(run, language))
    else:
        tell(run.diagnostics)
        screen.console().print(screen.run(run, language))
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
    out: OutOption = None,
    run: VersionOption = None,
    lang: LangOption = None,
) -> None:
    """Ask for metrics by dimensions, as of the last published state."""
    language = speak(lang, Form.json if form is Output.json else Form.text)
    project, words = project_and(names or [])
    metrics = list(split(words))
    workspace = _load(project)
    if not metrics:
        from engine.cli import screen

        screen.console().print(screen.listing(workspace.project, language))
        example = next(iter(workspace.project.metrics), "METRIC")
        typer.echo("\n" + say(language, "ask", project=project, metric=example, dimension="time.month"))
        return
    from engine.cli.output import dimensions_among, form_of, safe, write

    form = form_of(form, out)
    metrics, more = dimensions_among(metrics, workspace, asked=bool(by))
    question: dict[str, Any] = {"by": (*split(by), *more), "where": where, "order": commas(order), "limit": limit}
    if sql:
        typer.echo(workspace.compile(metrics, **question).sql)
        return
    write(workspace.query(metrics, **question, version=run), form, safe(out, workspace), language)


@app.command()
def show(
    names: Annotated[list[str], typer.Argument(metavar="[PROJECT] TABLE | quarantine | raw SOURCE.STREAM")],
    where: Annotated[
        str | None, typer.Option("--where", help='SQL condition over the columns, such as "row = 12".')
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")] = 20,
    form: Annotated[Output, typer.Option("--format", help="How the rows are written.")] = Output.table,
    out: OutOption = None,
    run: VersionOption = None,
    lang: LangOption = None,
) -> None:
    """Show rows: of a table, of quarantine, or raw records as the platform sent them."""
    from engine.cli.output import form_of, safe, write

    language = speak(lang, Form.json if form is Output.json else Form.text)
    project, things = project_and(names)
    workspace = _load(project)
    form, out = form_of(form, out), safe(out, workspace)
    write(workspace.show(things, where=where, limit=limit, version=run, language=language), form, out, language)


@app.command()
def runs(
    project: ProjectFile = HERE,
    json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The last so many runs.")] = 20,
    lang: LangOption = None,
) -> None:
    """List the runs: when, what became of the records, what was found."""
    language = speak(lang, Form.json if json else Form.text, project)
    done = _load(project).runs()[-limit:]
    if json:
        from json import dumps

        typer.echo(dumps(done, ensure_ascii=False, indent=2))
    elif not done:
        typer.echo(say(language, "no runs"))
    else:
        from engine.cli import screen

        screen.console().print(screen.runs(done, language))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Pack of metrics to start with.")] = None,
    lang: LangOption = None,
) -> None:
    """Make a starter project that runs: manifests, a small export, editor settings."""
    from engine.cli.starter import start

    language = speak(lang)
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

    language = speak(lang)
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

    speak(lang)
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
    speak_utf8()
    sys.exit(_guarded(lambda: app(prog_name="engine", standalone_mode=False)))


def _guarded(command: Callable[[], Any]) -> int:
    try:
        status = command()
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(say(language_of(None), "interrupted"), err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TyperException as failure:
        return misused(failure)
    except OSError as failure:
        return unwritten(failure)
    except Exception as failure:
        return failed(failure)
    return status if isinstance(status, int) else 0


def _load(project: Path) -> Workspace:
    from engine.api import load

    return load(project)


def _packs(given: list[str] | None) -> tuple[str, ...]:
    return tuple(one.removeprefix("metrics/") for one in commas(given)) or ("commerce",)
