"""What is wrong with the text of an expression before there is a tree: brackets, quotes, full-width signs, queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import Token, TokenType
from sqlglot.errors import ParseError

_DEEPEST = 24

_FULL_WIDTH = dict(zip("，；（）＝＜＞！＋－×÷＊／．％‘’“”", ",;()=<>!+-*/*/.%''''", strict=True))
_QUERY = (TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.INSERT, TokenType.UPDATE, TokenType.DELETE)
_OPENING = {TokenType.L_PAREN: TokenType.R_PAREN, TokenType.L_BRACKET: TokenType.R_BRACKET}
_OPENING |= {TokenType.CASE: TokenType.END}
_SIGNS = (TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an expression is refused, and which of its characters are meant."""

    code: str
    start: int
    end: int
    facts: tuple[tuple[str, object], ...] = ()


def fault(code: str, start: int, end: int, /, **facts: object) -> Fault:
    """Make a fault."""
    return Fault(code, start, end, tuple(facts.items()))


def mistake(text: str, tokens: list[Token]) -> Fault | None:
    """The first mistake that the tokens alone show; what they do not show is for the parser."""
    found = (*_too_deep(tokens), *_comments(text, tokens), *_signs(tokens), *_queries(tokens), *_open(tokens))
    return found[0] if found else None


def one_is_needed(text: str, tokens: list[Token]) -> Fault:
    """The fault of a text that is empty, or more than one expression."""
    end = next((token for token in tokens if token.token_type is TokenType.SEMICOLON), None)
    if end is None:
        return _unread(0, len(text), "there is no expression", "没有写表达式")
    return _unread(end.start, end.end + 1, "only one expression may stand here", "这里只能写一个表达式")


def unreadable(text: str, failure: ParseError) -> Fault:
    """The fault that the parser stumbled over."""
    detail: dict[str, Any] = failure.errors[0] if failure.errors else {}
    before, highlight = detail.get("start_context") or "", detail.get("highlight") or ""
    at = text.find(before + highlight) if before or highlight else -1
    start = at + len(before) if at >= 0 else 0
    rest = text.rstrip()
    description = str(detail.get("description") or "")
    if start + len(highlight) >= len(rest) and not description.startswith("Invalid expression"):
        return _unread(max(len(rest) - len(highlight), 0), len(rest), "something is missing after this", "后面缺少内容")
    what = f"`{highlight}`" if highlight else "this"
    return _unread(start, start + max(len(highlight), 1), f"{what} is not expected here", f"这里不应出现 {what}")


def unclosed(text: str) -> Fault:
    """The quote that is never closed."""
    start, quote, closed = 0, "", -2
    for at, char in enumerate(text):
        if not quote and char in "'\"":
            start = start if at == closed + 1 else at  # a quote written twice stands for itself
            quote = char
        elif char == quote:
            quote, closed = "", at
    return _unread(start, start + 1, "this quote is never closed", "这个引号没有闭合")


def _unread(start: int, end: int, reason: str, reason_zh: str, /, **advice: str) -> Fault:
    return fault("sql-syntax", start, max(end, start + 1), reason=reason, reason_zh=reason_zh, **advice)


def _too_deep(tokens: Iterable[Token]) -> Iterator[Fault]:
    depth = run = 0
    for token in tokens:
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _OPENING.values())
        run = run + 1 if kind in _SIGNS else 0
        if depth > _DEEPEST or run > _DEEPEST:
            yield fault("sql-too-deep", token.start, token.start + 1, limit=_DEEPEST)
            return


def _comments(text: str, tokens: list[Token]) -> Iterator[Fault]:
    """Comments; the tokenizer hangs them on a token beside them."""
    if not any(token.comments for token in tokens):
        return
    ends = [0, *(token.end + 1 for token in tokens)]
    starts = [*(token.start for token in tokens), len(text)]
    for start, end in zip(ends, starts, strict=True):
        match = re.search(r"--[^\n]*|/\*.*?\*/", text[start:end], re.DOTALL)
        if match:
            words = {"what": "a comment", "what_zh": "注释"}
            yield fault(
                "sql-not-allowed", start + match.start(), start + len(match[0].rstrip()) + match.start(), **words
            )


def _signs(tokens: Iterable[Token]) -> Iterator[Fault]:
    """Full-width signs outside of text, and signs of other languages."""
    for token in tokens:
        if token.token_type is TokenType.DAMP:
            reason, reason_zh = "`&&` is not expected here", "这里不应出现 `&&`"
            yield _unread(token.start, token.end + 1, reason, reason_zh, advice="write `and`", advice_zh="写成 `and`")
        if token.token_type not in (TokenType.VAR, TokenType.UNKNOWN):
            continue
        for at, char in enumerate(token.text):
            if char in _FULL_WIDTH:
                half, start = _FULL_WIDTH[char], token.start + at
                reason, reason_zh = f"`{char}` is a full-width sign", f"`{char}` 是全角符号"
                advice = {"advice": f"write `{half}`", "advice_zh": f"写成 `{half}`"}
                yield _unread(start, start + 1, reason, reason_zh, **advice)
                return


def _queries(tokens: Iterable[Token]) -> Iterator[Fault]:
    for token in tokens:
        if token.token_type in _QUERY:
            words = {"what": "a query (`select`)", "what_zh": "查询（`select`）"}
            yield fault("sql-not-allowed", token.start, token.end + 1, **words)


def _open(tokens: Iterable[Token]) -> Iterator[Fault]:
    """Brackets and `case`s without their other half."""
    waiting: list[Token] = []
    for token in tokens:
        if token.token_type in _OPENING:
            waiting.append(token)
        elif token.token_type in _OPENING.values():
            if not waiting or _OPENING[waiting[-1].token_type] is not token.token_type:
                yield _lone(token, waiting)
                return
            waiting.pop()
    if waiting:
        yield _never_closed(waiting[-1])


def _lone(token: Token, waiting: list[Token]) -> Fault:
    if waiting and token.token_type is not TokenType.END:
        return _never_closed(waiting[-1])
    reason, reason_zh = f"`{token.text}` closes nothing", f"`{token.text}` 没有对应的开头"
    return _unread(token.start, token.end + 1, reason, reason_zh)


def _never_closed(token: Token) -> Fault:
    if token.token_type is TokenType.CASE:
        return _unread(token.start, token.end + 1, "`case` has no `end`", "`case` 没有对应的 `end`")
    return _unread(token.start, token.end + 1, "this bracket is never closed", "这个括号没有闭合")
