"""Values of requests with `{{ … }}` in them, compiled once.

A text that is one `{{ … }}` and nothing else stands for a value and keeps its type; any other text becomes text. What
comes out is never read as anything else again: an order id of digits stays the text that it is. A name that is not
there is an error, and templates run in a sandbox.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from hashlib import md5
from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_WHOLE = re.compile(r"\s*\{\{(?P<inner>(?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

Scope = Mapping[str, Any]


class Wrong(ValueError):
    """A template or expression that cannot be understood, or cannot be worked out; says why."""


@dataclass(frozen=True, slots=True)
class Template:
    """A value with templates in it: text, or lists and objects of such. `names` are what it takes from its scope."""

    names: frozenset[str]
    _make: Callable[[Scope], Any]
    lenient: bool = False

    def __call__(self, scope: Scope) -> Any:
        """The value in a scope; `Wrong` where a name is missing or the sandbox refuses."""
        try:
            return self._make(scope)
        except UndefinedError as failure:
            if self.lenient:
                return None
            raise Wrong(failure.message or "a name is missing") from None
        except SecurityError as failure:
            raise Wrong(str(failure)) from None
        except (TypeError, ValueError, ArithmeticError, TemplateError) as failure:
            raise Wrong(f"{type(failure).__name__}: {failure}") from None


def template(value: Any) -> Template:
    """Compile a value of a manifest; `Wrong` where its text is no template."""
    if isinstance(value, dict):
        parts = {key: template(one) for key, one in value.items()}
        return Template(_names(parts.values()), lambda scope: {key: part._make(scope) for key, part in parts.items()})
    if isinstance(value, list):
        each = [template(one) for one in value]
        return Template(_names(each), lambda scope: [part._make(scope) for part in each])
    if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
        return Template(frozenset(), lambda _: value)
    whole = _WHOLE.fullmatch(value)
    return expression(whole["inner"].strip()) if whole else _text(value)


@cache
def expression(text: str, *, lenient: bool = False) -> Template:
    """Compile an expression without braces; where it is `lenient`, what is missing counts as nothing."""
    environment = LENIENT if lenient else STRICT
    try:
        compiled = environment.compile_expression(text, undefined_to_none=False)
        names = meta.find_undeclared_variables(environment.parse("{{" + text + "}}"))
    except TemplateError as failure:
        raise Wrong(failure.message or "cannot be understood") from None

    def make(scope: Scope) -> Any:
        made = compiled(scope)
        if isinstance(made, Undefined):
            if lenient:
                return None
            made._fail_with_undefined_error()
        return made

    return Template(frozenset(names), make, lenient)


@cache
def _text(value: str) -> Template:
    try:
        compiled = STRICT.from_string(value)
        names = meta.find_undeclared_variables(STRICT.parse(value))
    except TemplateError as failure:
        raise Wrong(failure.message or "cannot be understood") from None
    return Template(frozenset(names), lambda scope: compiled.render(scope))


def _names(parts: Any) -> frozenset[str]:
    return frozenset(name for part in parts for name in part.names)


# --- paths in expressions ---------------------------------------------------------------------------------------


def paths(text: str, root: str) -> set[tuple[str, ...]] | None:
    """The paths below `root` that an expression looks at; None where it looks at more than can be told beforehand."""
    tree = LENIENT.parse("{{" + text + "}}")
    found: set[tuple[str, ...]] = set()
    return found if _collect(tree, root, found) else None


def path(text: str, root: str) -> tuple[str, ...] | None:
    """The path, where an expression is nothing but one below `root`."""
    output = LENIENT.parse("{{" + text + "}}").body
    inner = output[0].nodes if len(output) == 1 and isinstance(output[0], nodes.Output) else []
    return _chain(inner[0], root) if len(inner) == 1 else None


def _collect(node: nodes.Node, root: str, found: set[tuple[str, ...]]) -> bool:
    chain = _chain(node, root)
    if chain is not None:
        found.add(chain)
        return chain != ()
    if isinstance(node, nodes.Name) and node.name == root:
        return False
    return all(_collect(child, root, found) for child in node.iter_child_nodes())


def _chain(node: nodes.Node, root: str) -> tuple[str, ...] | None:
    steps: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            steps.append(node.attr)
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            steps.append(node.arg.value)
        else:
            return None
        node = node.node
    return tuple(reversed(steps)) if isinstance(node, nodes.Name) and node.name == root else None


# --- filters ----------------------------------------------------------------------------------------------------


def compact(value: Any, *, ordered: bool = False) -> str:
    """Compact JSON, letters as they are; `ordered` sorts keys at every level. Numbers keep their digits."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=ordered, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _time(value: datetime, form: str) -> str:
    return value.strftime(form)


def _unix(value: datetime) -> int:
    return int(value.timestamp())


def _unix_ms(value: datetime) -> int:
    return int(value.timestamp() * 1000)


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _number_in(value: Any, pattern: str | None = None) -> float:
    found = re.search(pattern, str(value)) if pattern else _NUMBER.search(str(value))
    if not found:
        raise ValueError(f"no number in {str(value)[:80]!r}")
    return float(found[1] if found.re.groups else found[0])


def _base64(value: str | bytes) -> str:
    return base64.b64encode(value.encode("utf-8") if isinstance(value, str) else value).decode("ascii")


def _json(value: Any, ordered: bool = False) -> str:
    return compact(value, ordered=ordered)


def _md5(value: str) -> str:
    return md5(value.encode("utf-8"), usedforsecurity=False).hexdigest()


def _from_json(value: Any) -> Any:
    return json.loads(value, parse_float=Decimal) if isinstance(value, str | bytes) and value else None


FILTERS: dict[str, Callable[..., Any]] = {
    "time": _time,
    "unix": _unix,
    "unix_ms": _unix_ms,
    "iso": _iso,
    "utc": _utc,
    "base64": _base64,
    "json": _json,
    "from_json": _from_json,
    "md5": _md5,
    "number_in": _number_in,
}
"""What templates may use besides jinja's own filters."""


def _environment(undefined: type[Undefined]) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=undefined, autoescape=False, keep_trailing_newline=True)
    made.filters.update(FILTERS)
    made.globals.clear()
    return made


STRICT = _environment(StrictUndefined)
LENIENT = _environment(ChainableUndefined)
