"""Make what the documentation takes from the code: reference pages, what commands print, the picture of the README.

python docs/generate.py            # write what has changed
python docs/generate.py --check    # change nothing; say what is out of date, and exit with 1
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from pages import ROOT, all_pages, run, runs

from engine.cli import app
from engine.connector import connector
from engine.diagnostic import catalogue as catalogue_package
from engine.diagnostic.catalogue import CATALOGUE, Entry, Words
from engine.load import KINDS, library, load
from engine.load.schema import schema
from engine.metric import catalogue
from engine.model import Project
from engine.sql import expression, functions
from engine.sql.mapping import UNIT_FACTORS

REFERENCE = ROOT / "docs" / "reference"

_TITLES = {
    "project": "`kind: project`",
    "mapping": "`kind: mapping`",
    "metrics": "`kind: metrics`",
    "model": "`kind: model`",
}
_TYPES = {
    "string": "text", "object": "keys and values", "array": "list", "integer": "whole number", "number": "number",
    "boolean": "true or false",
}  # fmt: skip
_EXIT_CODES = (
    (0, "done; also when there was nothing to do", "完成；没有要做的事也是 0"),
    (1, "the manifests are wrong", "清单有错"),
    (
        2,
        "the command cannot be carried out as it was given, or the question makes no sense",
        "命令用法不对，或查询本身不成立",
    ),
    (
        3,
        "a source or the warehouse did not do its part: a file cannot be read, a variable is not set, "
        "another run is at work, a table is not published yet",
        "数据源或数据仓库没做到：文件读不了、环境变量没设、另一个运行正在进行、表还没发布",
    ),
    (
        4,
        "the data is wrong in a way that stops a run: a file lacks a column, its ids lost digits",
        "数据错得不能继续：文件缺列、编号丢了位数",
    ),
    (70, "a bug in the engine", "引擎自身的缺陷"),
    (130, "interrupted (Ctrl-C)", "被中断（Ctrl-C）"),
)
_BY_TYPE = {
    "`decimal` (here 2 decimals)": "to_decimal_2",
    "`decimal`, `unit: percent`": "to_percent",
    "`decimal`, `unit: fraction`": "to_fraction",
    "`integer`": "to_integer",
    "`id`": "to_id",
    "`timestamp`": "to_timestamp_in",
    "`date`": "to_date_in",
    "`boolean`": "to_yes_no",
}
_PII = {
    "P0": "not personal",
    "P1": "pseudonym",
    "P2": "identifies a person",
    "P3": "sensitive",
}


# --- text -------------------------------------------------------------------------------------------------------


def both(text: str) -> tuple[str, str]:
    """A description in English and Chinese."""
    en, _, zh = text.partition(" · ")
    return en, zh


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(one) for one in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    """Text as code, also where it holds backticks."""
    said = str(text)
    if "`" not in said:
        return f"`{said}`"
    return f"`` {said} ``"


def page(title: str, *parts: str) -> str:
    """A generated page."""
    note = "<!-- made by docs/generate.py; do not edit -->"
    return "\n\n".join([f"# {title}", note, *(part.strip("\n") for part in parts if part)]) + "\n"


# --- manifests --------------------------------------------------------------------------------------------------


def manifest(kind: str) -> str:
    """The reference page of a kind of manifest."""
    made = schema(kind)
    en, zh = both(made["description"])
    parts = [f"{en}\n\n{zh}", *_object(made, made, "")]
    if kind == "project":
        parts.append("What `with` and the streams of a source may say depends on its connector: [files](files.md).")
    if kind == "mapping":
        parts.append(_mapping_notes())
    return page(_TITLES[kind], *parts)


def _mapping_notes() -> str:
    units = ", ".join(
        f"{code(unit)} × {factor}" if factor else f"{code(unit)} × 1" for unit, factor in UNIT_FACTORS.items()
    )
    return (
        "Cleaning functions for `clean`, how each `type` is read, and what SQL may use: [functions](functions.md). "
        f"Columns there are to fill: [tables](tables.md).\n\nUnits of amounts: {units}. `percent` divides by "
        "100; `fraction` "
        "is kept, and a `%` in the text is believed."
    )


def _object(root: dict[str, Any], given: dict[str, Any], path: str) -> Iterator[str]:
    properties, required = given.get("properties", {}), set(given.get("required", ()))
    if path:
        yield f"## {code(path)}"
        if said := given.get("description"):
            en, zh = both(said)
            yield f"{en}\n\n{zh}"
    rows, deeper = [], []
    for key, raw in properties.items():
        said = _resolved(root, raw)
        rows.append((code(key), _type(root, said), _facts(key, said, required), *both(said.get("description", ""))))
        deeper.append((f"{path}.{key}" if path else key, said))
    yield table(("key", "value", "", "what it is", "说明"), rows)
    for name, said in deeper:
        yield from _inner(root, said, name)


def _inner(root: dict[str, Any], said: dict[str, Any], path: str) -> Iterator[str]:
    if "properties" in said:
        yield from _object(root, said, path)
        return
    each = said.get("additionalProperties")
    if isinstance(each, dict):
        resolved = _resolved(root, each)
        if "properties" in resolved:
            yield from _object(root, resolved, f"{path}.<name>")
    if "items" in said and "properties" in (item := _resolved(root, said["items"])):
        yield from _object(root, item, f"{path}[]")


def _resolved(root: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in given:
        return given
    found: Any = root
    for step in given["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: value for key, value in given.items() if key != "$ref"}}


def _type(root: dict[str, Any], said: dict[str, Any]) -> str:
    if "const" in said:
        return code(said["const"])
    if "enum" in said:
        return ", ".join(code(word) for word in said["enum"])
    if "anyOf" in said:
        return " or ".join(_type(root, one) for one in said["anyOf"])
    kinds = said.get("type", "string")
    words = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    if "array" in kinds and isinstance(item := said.get("items"), dict):
        inner = _resolved(root, item)
        many = "objects" if "properties" in inner else "text" if inner.get("type") == "string" else "values"
        words = [f"list of {many}" if word == "list" else word for word in words]
    made = " or ".join(dict.fromkeys(words))
    return said["x-form"] if kinds == "string" and "x-form" in said else made


def _facts(key: str, said: dict[str, Any], required: set[str]) -> str:
    if key in required:
        return "required"
    if "default" in said:
        given = said["default"]
        return f"default {code(json.dumps(given) if isinstance(given, bool) else given)}"
    return ""


def files_page() -> str:
    """Settings of the connector `files`."""
    made = connector("files").source_schema
    rows = [
        (code(key), _type(made, said), _facts(key, said, set()), said["description"])
        for key, said in made["properties"].items()
    ]
    about = inspect.getdoc(import_module("engine.files")) or ""
    return page(
        "Connector `files`",
        about,
        "Every setting may stand in the source's `with`, for all of its streams, or in a stream, for that one. "
        "A source without streams has one that is called `records`.",
        table(("key", "value", "", "what it is"), rows),
        "CSV and text in UTF-8, UTF-16 or GB18030, `.xlsx`, `.xlsm`, `.xls` and `.xlsb` workbooks, tables of "
        "web pages that are "
        "called `.xls`, JSON, JSON lines and Parquet are read; also inside `.zip`, and packed with gzip.",
    )


# --- diagnostics ------------------------------------------------------------------------------------------------


def diagnostics() -> str:
    """Every code of the catalogue."""
    parts = [
        "Every finding has a code. Here are all of them, in English and Chinese. What stands in braces is "
        "filled in from the case; "
        "a line whose facts are missing is left out.",
        "每个提示都有代码。花括号里的内容按实际情况填写，没有的那一行就不显示。",
    ]
    said = 0
    for module in _areas():
        parts.append(f"## {(inspect.getdoc(module) or '').rstrip('.')}")
        parts += [_entry(name, entry) for name, entry in module.ENTRIES.items()]
        said += len(module.ENTRIES)
    assert said == len(CATALOGUE), "an area of the catalogue was not found"
    return page("Diagnostics", *parts)


def _areas() -> list[ModuleType]:
    """The modules of the catalogue, in its order."""
    names = [one.name for one in iter_modules(catalogue_package.__path__)]
    modules = [import_module(f"{catalogue_package.__name__}.{name}") for name in names]
    order = list(CATALOGUE)
    return sorted(
        (one for one in modules if hasattr(one, "ENTRIES")), key=lambda one: order.index(next(iter(one.ENTRIES)))
    )


def _entry(name: str, entry: Entry) -> str:
    parts = (f"### {name}", f"*{entry.severity}*", _words(entry.en, "note", "help"), _words(entry.zh, "说明", "建议"))
    return "\n\n".join(parts)


def _words(words: Words, note: str, help_: str) -> str:
    lines = [
        words.message,
        *([f"^ {words.label}"] if words.label else []),
        *(f"= {note}: {one}" for one in words.notes),
    ]
    lines += [f"= {help_}: {words.help}"] if words.help else []
    return "```text\n" + "\n".join(lines) + "\n```"


# --- functions --------------------------------------------------------------------------------------------------


def functions_page() -> str:
    """Cleaning functions, typing rules, and what SQL may use."""
    words = " ".join(code(word) for word in functions.NULL_WORDS if word)
    every = {one.name: one for one in functions.FUNCTIONS}
    cleaning = [(code(name), *_function(every[behind], name)) for name, behind in functions.CLEANINGS.items()]
    typing_ = [(kind, *_function(every[name])) for kind, name in _BY_TYPE.items()]
    parts = [
        one for one in functions.TYPING if not re.search(r"_[013-9]$", one.name) and one.name not in _BY_TYPE.values()
    ]
    return page(
        "Functions",
        "## Cleaning\n\nWhat a field's `clean` may name. They work on the text of the record, in the order "
        "given, before it is typed.\n\n"
        "字段的 `clean` 可以写这些；在转换类型之前，按所写的顺序处理文本。",
        table(("name", "what it gives", "说明", "examples"), cleaning),
        "## Reading cells\n\nEvery value is read as a cell first: blanks around it and what spreadsheets wrap "
        "around it do not count.",
        table(
            ("name", "what it gives", "说明", "examples"),
            ((code(one.name), *_function(one)) for one in functions.READING),
        ),
        f"These words mean that there is no value, unless a field's `nulls` names others: {words}, and nothing "
        "at all.\n\n"
        "以上写法都当作空值，除非字段用 `nulls` 另外指定。",
        "## Typing\n\nHow the types are read. What a function cannot take without changing it sends the row "
        "to quarantine.\n\n"
        "各类型怎么读。不改变原值就读不了的，这一行进隔离区。",
        table(("type", "what it gives", "说明", "examples"), typing_),
        "They are made of these, which `engine plan --sql` shows by name:",
        table(("name", "what it gives", "说明", "examples"), ((code(one.name), *_function(one)) for one in parts)),
        "## SQL in manifests\n\nAn expression may use columns (in a mapping: fields), literals, `+ - * / %`, "
        "`||`, comparisons, `and`, `or`, "
        "`not`, `between`, `in (…)`, `like`, `is null`, `case`, `cast` and the functions below. Dividing by "
        "zero gives null. Sub-selects, "
        "windows, comments, and whatever touches files, the network, the environment, settings or the clock "
        "are refused.",
        "Functions: " + ", ".join(code(name) for name in expression.FUNCTIONS) + ".",
        "Aggregates, in a `measure` only: "
        + ", ".join(code(name) for name in expression.AGGREGATES)
        + ", and `count(distinct …)`.",
    )


def _function(one: functions.Function, name: str = "") -> tuple[str, str, str]:
    calls = ((call.replace(f"{one.name}(", f"{name or one.name}("), gives) for call, gives in one.examples)
    examples = "<br>".join(
        f"{code(_visible(call))} → {'null' if gives is None else code(gives)}" for call, gives in calls
    )
    return one.en, one.zh, examples


def _visible(call: str) -> str:
    return call.replace("\t", "⇥").replace("\u3000", "␣")


# --- command line -----------------------------------------------------------------------------------------------


def cli() -> str:
    """Every command with its arguments and options."""
    parts = [
        f"{app.info.help}",
        "Every command but `init` and `schema` works on the project in the current folder, unless another is named.",
    ]
    for command in app.registered_commands:
        assert command.callback
        parts += _command(command.callback)
    parts.append("## Exit codes")
    parts.append(table(("code", "what it means", "说明"), ((code(at), en, zh) for at, en, zh in _EXIT_CODES)))
    parts.append(
        "## Environment\n\n"
        + table(
            ("variable", "what it does"),
            (
                (
                    "`LC_ALL`, `LC_MESSAGES`, `LANG`",
                    "messages are Chinese where the first of them that is set begins with `zh`; `--lang` goes before",
                ),
                ("`NO_COLOR`", "no colours"),
                ("`ENGINE_DEBUG`", "a bug is shown with its traceback"),
                ("`NAME`", "whatever a manifest calls `${NAME}`"),
            ),
        )
    )
    return page("Command line", *parts)


def _command(callback: Callable[..., Any]) -> Iterator[str]:
    arguments, options = [], []
    hints = typing.get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, described = _annotation(hints[name])
        if type(described).__name__ == "ArgumentInfo":
            arguments.append((code(described.metavar or name.upper()), described.help or ""))
            continue
        flags = ", ".join(map(code, _flags(name, described)))
        options.append((flags, _value(kind), _default(parameter.default), described.help or ""))
    usage = " ".join(["engine", callback.__name__, *(name.strip("`") for name, _ in arguments), "[OPTIONS]"])
    yield f"## engine {callback.__name__}"
    yield inspect.getdoc(callback) or ""
    yield f"```text\n{usage}\n```"
    if arguments:
        yield table(("argument", "what it is"), arguments)
    if options:
        yield table(("option", "value", "default", "what it does"), options)


def _flags(name: str, described: Any) -> list[str]:
    given = [
        one
        for one in (described.default, *(described.param_decls or ()))
        if isinstance(one, str) and one.startswith("-")
    ]
    return given or [f"--{name.replace('_', '-')}"]


def _annotation(hint: Any) -> tuple[Any, Any]:
    """The type of a parameter, and what typer knows of it."""
    if typing.get_origin(hint) is typing.Annotated:
        kind, *extras = typing.get_args(hint)
        return kind, extras[-1]
    inner = next(one for one in typing.get_args(hint) if typing.get_origin(one) is typing.Annotated)
    return _annotation(inner)


def _value(kind: Any) -> str:
    kinds = [one for one in typing.get_args(kind) if one is not type(None)] or [kind]
    first = kinds[0]
    many = typing.get_origin(kind) is list or typing.get_origin(first) is list
    first = typing.get_args(first)[0] if typing.get_args(first) else first
    if inspect.isclass(first) and issubclass(first, Enum):
        return ", ".join(code(one.value) for one in first)
    word = {str: "text", int: "whole number", float: "number", Path: "path", bool: ""}.get(first, str(first))
    return f"{word}, may be repeated" if many else word


def _default(given: Any) -> str:
    if given is None or given is False or given is inspect.Parameter.empty:
        return ""
    return code(given.value if isinstance(given, Enum) else given)


# --- model and metrics ------------------------------------------------------------------------------------------


def shipped() -> Project:
    """A project that takes in the whole library."""
    packs = [
        one.relative_to(library()).with_suffix("").as_posix() for one in sorted((library() / "metrics").rglob("*.yaml"))
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "project.yaml"
        file.write_text(
            f"kind: project\nname: library\nuse: [{', '.join(packs)}]\n"
            "sources: {a: {connector: files, streams: {b: {path: x}}}}\n",
            "utf-8",
        )
        return load(file)


def tables(project: Project) -> str:
    """The tables of the shared model."""
    levels = ", ".join(f"{code(level)} {words}" for level, words in _PII.items())
    parts = [
        "What mappings fill and metrics are taken over. Amounts are in the project's currency, times are "
        "wall-clock times of the project's "
        "zone. A project adds columns that begin with `ext_`, or tables of its own, with [`kind: model`](model.md).",
        f"PII: {levels}. `query` and `show` never give values of P2 and P3; they can only be counted.",
        "映射填充这些表，指标基于这些表。金额为项目币种，时间为项目时区的当地时间。",
    ]
    for one in project.tables.values():
        words = _allowed(one.origin.document.path)
        parts.append(f"## {one.name}")
        joins = ", ".join(f"{code(other)} by {', '.join(map(code, by))}" for other, by in one.joins.items())
        facts = [f"{one.label.zh} · {one.label.en}: {one.grain}.", f"Key: {', '.join(map(code, one.key))}."]
        facts += [f"Dated by {code(one.time)}."] if one.time else []
        facts += [f"Belongs to {joins}."] if joins else []
        parts.append(" ".join(facts))
        rows = [
            (
                code(column.name),
                f"{column.type}({column.scale})" if column.type == "decimal" else column.type,
                column.unit or "",
                "" if column.pii == "P0" else column.pii,
                column.label.en + (f"<br>{words[column.name]}" if column.name in words else ""),
                column.label.zh,
            )
            for column in one.columns.values()
        ]
        parts.append(table(("column", "type", "unit", "PII", "what it holds", "说明"), rows))
    return page("Tables of the shared model", *parts)


def _allowed(path: str) -> dict[str, str]:
    """The words that a column may hold, which the model's files give in comments as `# column: this | that`."""
    found: dict[str, str] = {}
    column = ""
    for line in (library() / path.removeprefix("library/")).read_text("utf-8").splitlines():
        if match := re.fullmatch(r" +# (\w+): (.+ \| .+)", line):
            column = match[1]
            found[column] = match[2]
        elif column and (match := re.fullmatch(r" +#   (\| .+)", line)):
            found[column] += f" {match[1]}"
        else:
            column = ""
    return {name: " ".join(map(_word, said.split("|"))) for name, said in found.items()}


def _word(said: str) -> str:
    return code(said.strip()) if re.fullmatch(r"[a-z_]+", said.strip()) else said.strip()


def metrics(project: Project) -> str:
    """The metrics of the library."""
    parts = [
        "Metrics that travel with the engine. A project takes a pack in with `use`, and may define a metric "
        "of the same name anew.",
        "随引擎发布的指标。项目用 `use` 引用，也可以用同名指标替换。",
    ]
    packs: dict[str, list[str]] = {}
    for name, metric in project.metrics.items():
        packs.setdefault(metric.origin.document.path, []).append(name)
    entries = {one.name: one for one in catalogue(project)}
    for path, names in packs.items():
        parts.append(f"## {path.removeprefix('library/').removesuffix('.yaml')}")
        rows = [
            (code(one.name), one.label.zh, one.label.en, code(one.formula), one.unit or "", one.about or "")
            for one in (entries[name] for name in names)
        ]
        parts.append(table(("metric", "名称", "name", "formula", "unit", "说明"), rows))
    return page("Metrics of the library", *parts)


# --- all --------------------------------------------------------------------------------------------------------


def reference() -> dict[Path, str]:
    """All reference pages, by file."""
    project = shipped()
    made = {f"{kind}.md": manifest(kind) for kind in KINDS} | {
        "files.md": files_page(),
        "diagnostics.md": diagnostics(),
        "functions.md": functions_page(),
        "cli.md": cli(),
        "tables.md": tables(project),
        "library-metrics.md": metrics(project),
    }
    return {REFERENCE / name: text for name, text in made.items()}


def outdated() -> Iterator[tuple[Path, str, str]]:
    """Files that are not as they should be, what they should hold, and why."""
    for file, text in reference().items():
        if not file.exists() or file.read_text("utf-8") != text:
            yield file, text, "the code says something else"
    for file in all_pages():
        if runs(file):
            text, differences = run(file)
            if differences:
                yield file, text, "\n".join(map(str, differences))
    if sys.platform != "win32":
        import picture

        made = picture.picture()
        if not picture.FILE.exists() or picture.said(picture.FILE.read_text("utf-8")) != picture.said(made):
            yield picture.FILE, made, "the commands print something else"


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 where something is out of date"
    )
    check = parser.parse_args().check
    wrong = 0
    for file, text, why in outdated():
        name = file.relative_to(ROOT).as_posix()
        wrong += 1
        if check:
            sys.stdout.write(f"{name} is out of date: {why}\n")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            sys.stdout.write(f"{name} written\n")
    if check and wrong:
        sys.stdout.write("run `make docs`\n")
    elif not wrong:
        sys.stdout.write("the documentation says what the code does\n")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
