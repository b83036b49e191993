"""The page of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

from typer import Typer

from engine.cli import app
from generating.text import code, page, table

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


def cli() -> str:
    """Every command with its arguments and options."""
    parts = [
        f"{app.info.help}",
        "A command that needs a project works on the one in the current folder, unless another is named.",
    ]
    for name, callback in commands(app):
        parts += _command(name, callback)
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
                (
                    "`NAME`, `NAME_FILE`",
                    "whatever a manifest calls `${NAME}`, or the file that holds it; where else it is looked up: "
                    "[Keep secrets](../how-to/keep-secrets.md)",
                ),
                ("`ENGINE_KEYRING`", "`1` looks names up in the keyring of the system too"),
                ("`ENGINE_AGE_KEY`, `ENGINE_AGE_KEY_FILE`", "opens the sealed file `secrets.env.age`"),
            ),
        )
    )
    return page("Command line", *parts)


def commands(group: Typer, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command by its name, those of groups with the name of the group before theirs."""
    for one in group.registered_commands:
        assert one.callback
        yield before + (one.name or one.callback.__name__.replace("_", "-")), one.callback
    for inner in group.registered_groups:
        assert inner.typer_instance
        named = inner.name or inner.typer_instance.info.name
        assert isinstance(named, str), "a group of commands has no name"
        whole = inner.typer_instance
        if not whole.registered_commands:  # there by name only: the module of that name is imported when it is called
            whole = import_module(f"engine.cli.{named}").app
        yield from commands(whole, f"{before}{named} ")


def _command(name: str, callback: Callable[..., Any]) -> Iterator[str]:
    arguments, options = [], []
    hints = typing.get_type_hints(callback, include_extras=True)
    for key, parameter in inspect.signature(callback).parameters.items():
        kind, described = _annotation(hints[key])
        if type(described).__name__ == "ArgumentInfo":
            arguments.append((code(described.metavar or key.upper()), described.help or ""))
            continue
        flags = ", ".join(map(code, _flags(key, described)))
        options.append((flags, _value(kind), _default(parameter.default), described.help or ""))
    usage = " ".join(["engine", name, *(one.strip("`") for one, _ in arguments), "[OPTIONS]"])
    yield f"## engine {name}"
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
