"""The SQL that is sent: one SELECT over a table or over the user's query, quoted as the server wants it.

The user's own SQL is not understood, only fenced in: it must be one query with everything closed, so that it stays
inside the parentheses it is put in. Writing is refused by the server besides, where a session can be made read-only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME_PART = re.compile(r'"(?:[^"]|"")+"|[^."]+')
_WORD = re.compile(r"[^\W\d]\w*")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why SQL is refused, in both languages, and the stretch of it that is to blame."""

    start: int
    end: int
    reason: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or sign of SQL outside of quotes and comments."""

    text: str
    start: int


class _Unread(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def query_fault(sql: str, kind: str) -> Fault | None:
    """What keeps SQL from being one query; None where nothing does."""
    found = fault_of(sql, kind)
    if found:
        return found
    words = [piece for piece in pieces(sql, kind) if piece.text not in "()"]
    first = words[0].text.casefold() if words else ""
    if first == "with" and kind == "mssql":
        return Fault(
            words[0].start,
            words[0].start + 4,
            "SQL Server takes no WITH inside a query",
            "SQL Server 的子查询里不能用 WITH",
        )
    if first not in ("select", "with"):
        return Fault(0, max(len(sql), 1), "it does not begin with SELECT", "没有以 SELECT 开头")
    into = next((word for word in words if word.text.casefold() == "into"), None)
    if into:
        return Fault(into.start, into.start + 4, "SELECT INTO writes", "SELECT INTO 会写入数据")
    return None


def fault_of(sql: str, kind: str) -> Fault | None:
    """What lets SQL reach out of the parentheses that it is put in; None where nothing does."""
    opened: list[Piece] = []
    try:
        found = pieces(sql, kind)
    except _Unread as unread:
        return unread.fault
    for piece in found:
        if piece.text == "(":
            opened.append(piece)
        elif piece.text == ")" and not opened:
            return Fault(piece.start, piece.start + 1, "this parenthesis was never opened", "这个括号没有对应的左括号")
        elif piece.text == ")":
            opened.pop()
        elif piece.text == ";":
            return Fault(piece.start, piece.start + 1, "it is more than one statement", "不止一条语句")
    if opened:
        at = opened[-1].start
        return Fault(at, at + 1, "this parenthesis is never closed", "这个括号没有闭合")
    return None


def trimmed(sql: str) -> str:
    """The query without the semicolon that may end it."""
    return sql.rstrip().removesuffix(";").rstrip()


def pieces(sql: str, kind: str) -> list[Piece]:
    """The words, parentheses and semicolons of SQL outside of quotes and comments."""
    found: list[Piece] = []
    at = 0
    while at < len(sql):
        end = _quoted(sql, at, kind) or _comment(sql, at, kind)
        if end:
            at = end
            continue
        word = _WORD.match(sql, at)
        if word:
            found.append(Piece(word[0], at))
            at = word.end()
            continue
        if sql[at] in "();":
            found.append(Piece(sql[at], at))
        at += 1
    return found


def _quoted(sql: str, at: int, kind: str) -> int | None:
    """Where the quoted text that begins here ends."""
    sign = sql[at]
    if sign == "$" and kind == "postgresql":
        tag = _DOLLAR.match(sql, at)
        return _until(sql, at, tag[0], at + len(tag[0])) if tag else None
    if sign == "[" and kind in ("mssql", "sqlite"):
        return _until(sql, at, "]", at + 1)
    if sign not in "'\"" and not (sign == "`" and kind in ("mysql", "sqlite")):
        return None
    escapes = (kind == "mysql" and sign != "`") or (kind == "postgresql" and sign == "'" and _is_escape(sql, at))
    inside = at + 1
    while inside < len(sql):
        if sql[inside] == "\\" and escapes:
            inside += 2
        elif sql[inside] != sign:
            inside += 1
        elif sql[inside + 1 : inside + 2] == sign:
            inside += 2
        else:
            return inside + 1
    raise _Unread(Fault(at, at + 1, "this quote is never closed", "这个引号没有闭合"))


def _is_escape(sql: str, at: int) -> bool:
    """Whether a PostgreSQL string is written E'…'."""
    return re.search(r"(?:^|\W)[eE]$", sql[max(at - 2, 0) : at]) is not None


def _comment(sql: str, at: int, kind: str) -> int | None:
    if sql.startswith("--", at) or (sql[at] == "#" and kind == "mysql"):
        end = sql.find("\n", at)
        return len(sql) if end < 0 else end + 1
    if not sql.startswith("/*", at):
        return None
    if kind == "mysql" and sql[at + 2 : at + 3] in ("!", "M"):
        raise _Unread(Fault(at, at + 3, "a comment that the server carries out", "这种注释会被服务器执行"))
    if "/*" in sql[at + 2 : _until(sql, at, "*/", at + 2)]:
        raise _Unread(Fault(at, at + 2, "a comment inside a comment", "注释里又有注释"))
    return _until(sql, at, "*/", at + 2)


def _until(sql: str, start: int, sign: str, begin: int) -> int:
    end = sql.find(sign, begin)
    if end < 0:
        raise _Unread(Fault(start, start + 1, "what begins here is never closed", "从这里开始的内容没有闭合"))
    return end + len(sign)


def name_parts(table: str) -> list[str]:
    """The parts of a table's name: `sales.订单` has two, `"a.b"` one."""
    parts = [part.strip() for part in _NAME_PART.findall(table)]
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts if part]


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT in parts. `relation` is called `t`; `conditions` hold together; `order` are expressions."""

    relation: str
    conditions: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def text(self, listed: str) -> str:
        """The statement that reads `listed`."""
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        order = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        return f"SELECT {listed} FROM {self.relation} t{where}{order}"
