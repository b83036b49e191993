"""SQL that people write in manifests: one scalar or aggregate expression over declared columns, nothing else.

An expression is parsed once (`parsed` remembers), held against an allow-list of node kinds, functions and types,
and always executed as text generated from the tree, never as it was written. What touches files, network, environment
or settings is not on the list, and neither are sub-selects, windows, parameters and comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import ParseError, TokenError

from engine.diagnostic import Diagnostic, Place, finding, nearest
from engine.diagnostic.catalogue import in_words
from engine.sql.syntax import Fault, fault, mistake, one_is_needed, unclosed, unreadable

Kind = Literal["text", "number", "timestamp", "date", "boolean", "interval", "unknown"]
"""What an expression gives, as coarse as needed to tell a mistake from a conversion."""

Where = Callable[[int, int], Place]
"""From a stretch of characters of the expression to its place in the manifest."""

_LONGEST = 4000
_DEEPEST = 24
_DIALECT = DuckDB()

KINDS: dict[str, Kind] = {
    "text": "text",
    "id": "text",
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}
"""The kind of each column type."""

AGGREGATES: dict[str, Kind] = {
    "sum": "number",
    "count": "number",
    "min": "unknown",
    "max": "unknown",
}
"""Aggregates a measure may use, and what they give (`unknown`: what their argument is)."""

FUNCTIONS: dict[str, Kind] = {
    # text
    "lower": "text", "upper": "text", "trim": "text", "ltrim": "text", "rtrim": "text", "replace": "text",
    "substr": "text", "substring": "text", "left": "text", "right": "text", "concat": "text", "concat_ws": "text",
    "length": "number", "split_part": "text", "regexp_extract": "text", "regexp_matches": "boolean",
    "regexp_replace": "text", "contains": "boolean", "starts_with": "boolean", "ends_with": "boolean",
    "strpos": "number", "instr": "number",
    # numbers
    "abs": "number", "round": "number", "floor": "number", "ceil": "number", "sign": "number",
    "greatest": "unknown", "least": "unknown",
    # times
    "date_trunc": "unknown", "date_part": "number", "date_diff": "number", "datediff": "number", "date_add": "unknown",
    "year": "number", "quarter": "number", "month": "number", "week": "number", "day": "number", "hour": "number",
    "minute": "number", "second": "number", "dayofweek": "number", "isodow": "number", "epoch": "number",
    "extract": "number", "last_day": "date",
    # choices
    "coalesce": "unknown", "ifnull": "unknown", "nullif": "unknown", "if": "unknown",
}  # fmt: skip
"""Functions a manifest may use, and what they give."""

_MEANT = {
    "avg": "sum(…) / count(…)", "mean": "sum(…) / count(…)", "average": "sum(…) / count(…)", "nvl": "coalesce",
    "isnull": "coalesce", "len": "length", "mid": "substr", "iff": "if", "iif": "if", "to_date": "cast(… as date)",
    "concatenate": "concat", "find": "strpos", "search": "strpos", "ceiling": "ceil", "countd": "count(distinct …)",
}  # fmt: skip
"""What people mean who write the functions of other languages."""

_NAMED = {
    "window": ("a window function", "窗口函数"),
    "placeholder": ("a parameter", "参数"),
    "parameter": ("a parameter", "参数"),
    "bracket": ("an index in brackets", "方括号下标"),
    "array": ("a list", "列表"),
    "struct": ("an object", "对象"),
    "filter": ("`filter (where …)`", " `filter (where …)`"),
    "in": ("`in` without a list", "没有列表的 `in`"),
}
"""Kinds of nodes in words."""

_FORBIDDEN = re.compile(
    r"read_|glob|query|getenv|getvariable|current_setting|duckdb_|pragma|sniff|parquet_|json_execute|write_|sleep|"
    r"install|load|attach|copy|system|shell|http|nextval|currval|summary|histogram|repeat$|lpad$|rpad$|range$|"
    r"generate_series|unnest|random|uuid|now$|today$|current_|error$"
)

_TYPES: dict[exp.DType, Kind] = {
    exp.DType.VARCHAR: "text",
    exp.DType.TEXT: "text",
    exp.DType.INT: "number",
    exp.DType.BIGINT: "number",
    exp.DType.DOUBLE: "number",
    exp.DType.DECIMAL: "number",
    exp.DType.DATE: "date",
    exp.DType.TIMESTAMP: "timestamp",
    exp.DType.BOOLEAN: "boolean",
}

_NODES: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.Not, exp.Var,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.DPipe,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.And, exp.Or, exp.Between, exp.In, exp.Like, exp.ILike, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType,
    exp.DataTypeParam, exp.Interval, exp.IntervalSpan, exp.Distinct, exp.Star,
)  # fmt: skip

_NUMERIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv)
_COMPARING = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: its tree (shared: copy before changing), what it gives, and the columns it uses."""

    tree: exp.Expr
    kind: Kind
    columns: tuple[str, ...]
    aggregates: bool


def examine(
    text: str,
    columns: Mapping[str, Kind],
    where: Where,
    *,
    of: str | None,
    aggregate: bool = False,
    want: Kind | None = None,
) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Check an expression over `columns` (name to kind).

    `of` says in messages which table the columns belong to (None: they are the fields of a mapping). `aggregate`
    allows (and asks for) aggregates outside, `want` is the kind that must come out. The expression comes only without
    findings.
    """
    tree, faults = parsed(text)
    if tree is None:
        return None, _diagnostics(faults, where)
    walker = _Walker(text, columns, of)
    kind = walker.kind_of(tree)
    faults = walker.faults
    if not faults:
        faults = _outcome(text, walker, kind, aggregate=aggregate, want=want)
    if faults:
        return None, _diagnostics(faults, where)
    return Expression(tree, kind, tuple(walker.used), walker.aggregates), ()


def _outcome(text: str, walker: _Walker, kind: Kind, *, aggregate: bool, want: Kind | None) -> list[Fault]:
    """What is wrong with an expression of which every part is right."""
    if aggregate and not walker.aggregates:
        return [fault("not-an-aggregate", 0, len(text), known=", ".join(AGGREGATES))]
    if not aggregate and walker.aggregate:
        return [fault("unexpected-aggregate", *walker.aggregate)]
    if aggregate and walker.loose:
        return [walker.loose]
    if want and kind not in (want, "unknown"):
        return [fault("wrong-kind", 0, len(text), **in_words(kind=kind, want=want))]
    return []


@lru_cache(maxsize=20_000)
def parsed(text: str) -> tuple[exp.Expr | None, list[Fault]]:
    """The tree of an expression, or why there is none. Callers share the result and must not change it."""
    if len(text) > _LONGEST:
        return None, [fault("sql-too-long", 0, len(text), limit=_LONGEST)]
    try:
        tokens = _DIALECT.tokenize(text)
        wrong = mistake(text, tokens)
        if wrong:
            return None, [wrong]
        trees = _DIALECT.parser().parse_into(exp.Condition, tokens, text) if tokens else []
    except ParseError as failure:
        return None, [unreadable(text, failure)]
    except TokenError:
        return None, [unclosed(text)]
    except RecursionError:
        return None, [fault("sql-too-deep", 0, len(text), limit=_DEEPEST)]
    tree = trees[0] if len(trees) == 1 else None
    return (tree, []) if tree is not None else (None, [one_is_needed(text, tokens)])


def generated(tree: exp.Expr) -> str:
    """The SQL text of a tree, as DuckDB reads it."""
    return tree.sql(dialect=_DIALECT)


def guarded(tree: exp.Expr) -> exp.Expr:
    """A copy of the tree in which dividing by zero gives null, whatever the engine would give."""

    def guard(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Div | exp.IntDiv | exp.Mod) and not _is_sure(node.expression):
            node.set("expression", exp.Nullif(this=node.expression.copy(), expression=exp.Literal.number(0)))
        return node

    return tree.copy().transform(guard, copy=False)


class _Walker:
    """Walks a tree once: finds what is not allowed, and works out what comes out."""

    def __init__(self, text: str, columns: Mapping[str, Kind], of: str | None) -> None:
        self.text, self.columns, self.of = text, columns, of
        self.faults: list[Fault] = []
        self.used: dict[str, None] = {}
        self.aggregate: tuple[int, int] | None = None
        self.loose: Fault | None = None
        self._inside = False

    @property
    def aggregates(self) -> bool:
        """Whether there is an aggregate in it."""
        return self.aggregate is not None

    def kind_of(self, node: exp.Expr) -> Kind:
        """The kind of a node; faults are kept on the way."""
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Case):
            return self._case(node)
        name = self._written_name(node)
        if name is not None:
            return self._function(node, name)
        if not isinstance(node, _NODES) or (isinstance(node, exp.In) and node.args.get("query")):
            what, what_zh = _NAMED.get(node.key, (f"`{node.key}`", f" `{node.key}`"))
            self._fault("sql-not-allowed", *self._span(node), what=what, what_zh=what_zh)
            return "unknown"
        if isinstance(node, exp.Star):
            self._fault("sql-not-allowed", *self._span(node), what="`*`", what_zh=" `*`")
            return "unknown"
        return self._operator(node)

    def _column(self, node: exp.Column) -> Kind:
        start, end = self._span(node)
        if node.args.get("table") is not None:
            words = {"what": "a table name before a column", "what_zh": "列名前的表名", "instead": node.name}
            self._fault("sql-not-allowed", start, end, **words)
            return "unknown"
        if node.name not in self.columns:
            self._unknown(node.name, start, end)
            return "unknown"
        self.used[node.name] = None
        if not self._inside and self.loose is None:
            self.loose = fault("loose-column", start, end, name=node.name)
        return self.columns[node.name]

    def _unknown(self, name: str, start: int, end: int) -> None:
        near = nearest(name, self.columns)
        known = None if near else ", ".join(self.columns) or None
        code = "unknown-column" if self.of else "unknown-field"
        self._fault(code, start, end, name=name, table=self.of, near=near, known=known)

    def _case(self, node: exp.Case) -> Kind:
        for branch in node.args["ifs"]:
            kind = self.kind_of(branch.this)
            if node.this is None and kind not in ("boolean", "unknown"):
                self._fault("wrong-kind", *self._span(branch.this), **in_words(kind=kind, want="boolean"))
        kinds = [self.kind_of(branch.args["true"]) for branch in node.args["ifs"]]
        if node.args.get("default") is not None:
            kinds.append(self.kind_of(node.args["default"]))
        if node.this is not None:
            self.kind_of(node.this)
        return next((kind for kind in kinds if kind != "unknown"), "unknown")

    def _function(self, node: exp.Expr, name: str) -> Kind:
        start, end = self._span(node)
        if name in AGGREGATES:
            return self._aggregate(node, name, start, end)
        if name not in FUNCTIONS:
            code = "forbidden-function" if _FORBIDDEN.match(name) else "unknown-function"
            near = _MEANT.get(name) or nearest(name, [*FUNCTIONS, *AGGREGATES])
            known = None if near else ", ".join([*AGGREGATES, *FUNCTIONS])
            self._fault(code, start, end, name=name, near=near, known=known)
            return "unknown"
        kinds = [self.kind_of(child) for child in _children(node) if not isinstance(child, exp.Var)]
        known = FUNCTIONS[name]
        return known if known != "unknown" else next((kind for kind in kinds if kind != "unknown"), "unknown")

    def _aggregate(self, node: exp.Expr, name: str, start: int, end: int) -> Kind:
        if self._inside:
            self._fault("nested-aggregate", start, end, name=name)
            return "unknown"
        self.aggregate, self._inside = self.aggregate or (start, end), True
        argument = (
            node.this.expressions[0] if isinstance(node.this, exp.Distinct) and node.this.expressions else node.this
        )
        kind: Kind = "unknown"
        if isinstance(node.this, exp.Distinct) and (name != "count" or len(node.this.expressions) != 1):
            self._fault("sql-not-allowed", start, end, what=f"`{name}(distinct …)`", what_zh=f" `{name}(distinct …)`")
        elif argument is not None and not (isinstance(argument, exp.Star) and name == "count"):
            kind = self.kind_of(argument)
        self._inside = False
        if name == "sum" and kind not in ("number", "unknown"):
            self._fault("sum-of-text", *self._span(argument), **in_words(kind=kind))
        return AGGREGATES[name] if AGGREGATES[name] != "unknown" else kind

    def _operator(self, node: exp.Expr) -> Kind:
        if isinstance(node, exp.Cast):
            target = node.to.this
            if target not in _TYPES:
                self._fault(
                    "sql-not-allowed",
                    *self._span(node),
                    what=f"a cast to `{node.to.sql().lower()}`",
                    what_zh=f"转为 `{node.to.sql().lower()}` 的类型转换",
                )
            self.kind_of(node.this)
            return _TYPES.get(target, "unknown")
        if isinstance(node, exp.Literal):
            return "text" if node.is_string else "number"
        if isinstance(node, exp.Boolean):
            return "boolean"
        if isinstance(node, exp.Interval):
            return "interval"
        if isinstance(node, exp.Null | exp.Var | exp.DataType):
            return "unknown"
        kinds = [self.kind_of(child) for child in _children(node)]
        if isinstance(node, exp.Paren):
            return kinds[0]
        if isinstance(node, exp.And | exp.Or | exp.Not):
            self._all(node, kinds, "boolean")
        if isinstance(node, exp.Like | exp.ILike):
            self._all(node, kinds, "text")
        if isinstance(node, (*_NUMERIC, exp.Neg)):
            return self._arithmetic(node, kinds)
        if isinstance(node, exp.DPipe):
            return "text"
        if isinstance(node, exp.If):
            return kinds[1]
        if isinstance(node, (*_COMPARING, exp.Between, exp.In)):
            self._comparison(node, kinds)
        return "boolean"

    def _all(self, node: exp.Expr, kinds: list[Kind], want: Kind) -> None:
        """Every part of a node must be of a kind."""
        for kind, side in zip(kinds, _children(node), strict=True):
            if kind not in (want, "unknown"):
                self._fault("wrong-kind", *self._span(side), **in_words(kind=kind, want=want))

    def _arithmetic(self, node: exp.Expr, kinds: list[Kind]) -> Kind:
        for kind, side in zip(kinds, _children(node), strict=True):
            if kind in ("text", "boolean"):
                self._fault("arithmetic-on-text", *self._span(side), **in_words(kind=kind))
                return "unknown"
        times = [kind for kind in kinds if kind in ("timestamp", "date")]
        if len(times) == 2:
            return "number" if times == ["date", "date"] else "interval"
        return times[0] if times else "number"

    def _comparison(self, node: exp.Expr, kinds: list[Kind]) -> None:
        first = kinds[0]
        for kind, side in list(zip(kinds, _children(node), strict=True))[1:]:
            if "unknown" in (first, kind) or first == kind or {first, kind} == {"date", "timestamp"}:
                continue
            if {first, kind} <= {"text", "date", "timestamp"} and _one_is_literal(node.this, side):
                continue
            facts = {**in_words(left=first, right=kind), "example": _other_way(side, first)}
            self._fault("compares-kinds", *self._span(side), **facts)

    def _written_name(self, node: exp.Expr) -> str | None:
        """The name of a function as it was written; None for operators and keywords."""
        if isinstance(node, exp.Anonymous):
            return str(node.this).lower()
        if not isinstance(node, exp.Func) or isinstance(node, exp.And | exp.Or | exp.Case | exp.Cast):
            return None
        written = self.text[slice(*self._span(node))].lower() if "start" in node.meta else ""
        return written if re.fullmatch(r"[a-z_][a-z_0-9]*", written) else node.sql_name().lower()

    def _span(self, node: exp.Expr) -> tuple[int, int]:
        spans = [
            (part.meta["start"], part.meta["end"] + 1)
            for part in (node, *node.find_all(exp.Expr))
            if "start" in part.meta
        ]
        if not spans:
            return 0, len(self.text)
        return spans[0] if "start" in node.meta else (min(start for start, _ in spans), max(end for _, end in spans))

    def _fault(self, code: str, start: int, end: int, /, **facts: object) -> None:
        self.faults.append(fault(code, start, end, **facts))


def _is_sure(divisor: exp.Expr) -> bool:
    """Whether a divisor is a number other than zero, plain to see."""
    return isinstance(divisor, exp.Literal) and not divisor.is_string and divisor.name.strip("0.") != ""


def _children(node: exp.Expr) -> list[exp.Expr]:
    return list(node.iter_expressions())


def _other_way(side: exp.Expr, wanted: Kind) -> str | None:
    """A constant as it should have been written to be of a kind."""
    if not isinstance(side, exp.Literal):
        return None
    if wanted == "text" and not side.is_string:
        return f"'{side.name}'"
    return side.name if wanted == "number" and re.fullmatch(r"-?\d+(\.\d+)?", side.name) else None


def _one_is_literal(left: exp.Expr, right: exp.Expr) -> bool:
    return isinstance(left, exp.Literal) or isinstance(right, exp.Literal)


def _diagnostics(faults: list[Fault], where: Where) -> tuple[Diagnostic, ...]:
    return tuple(finding(fault.code, where(fault.start, fault.end), **dict(fault.facts)) for fault in faults)
