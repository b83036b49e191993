"""Hide secrets in what people and programs are shown, in whatever form a text holds them.

Whoever looks a secret up adds its value here; whoever shows a text masks it. A value is found as it is, escaped for URLs,
JSON, HTML, Python, SQL or a shell, also more than once, in hexadecimal, and in Base64, also as part of something longer
(`user:password` of an Authorization header). Values of fewer than `SHORTEST` characters cannot be hidden: too many
other words would go with them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import fields, is_dataclass, replace
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from engine.diagnostic import Place, hiding

MASK = "***"
SHORTEST = 6
"""Characters that a value must have to be hidden."""

_LINE = 16
"""Characters that a line of a value of many lines must have to be hidden by itself."""
_RUNS = re.compile(r"\\+|[A-Za-z0-9]+|.", re.DOTALL)
_BREAKS = re.compile(r"\r?\n|\\n")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%")
_WRITTEN = {
    "\n": (r"\r\n", r"%(?:25)*0[Dd]%(?:25)*0[Aa]", r"\\+r\\+n", r"\\+n"),
    "\r": (r"\\+r",),
    "\t": (r"\\+t",),
    "\b": (r"\\+b",),
    "\f": (r"\\+f",),
    " ": (r"\+",),
    '"': (r'""', "&quot;"),
    "'": (r"""'"'"'""", r"'\\''", "''", "&apos;"),
    "&": ("&amp;",),
    "<": ("&lt;",),
    ">": ("&gt;",),
    "+": ("-",),  # the alphabet of Base64 for URLs
    "/": ("_",),
}
"""Ways to write a character that are its own, as regular expressions."""

Shown = TypeVar("Shown")


class _Form(NamedTuple):
    """A way in which a value may be written: a regular expression, and a text that is in every match (or empty)."""

    pattern: str
    anchor: str


class Masking:
    """Values to hide. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: frozenset[str] = frozenset()
        self._made: tuple[frozenset[str], re.Pattern[str], tuple[str, ...]] | None = None

    def add(self, *values: str) -> None:
        """Hide these values from now on, and the long lines of those that have many."""
        pieces = {piece for value in values for piece in _pieces(value) if len(piece) >= SHORTEST}
        with self._lock:
            self._values |= pieces

    def forget(self) -> None:
        """Hide none of them any longer."""
        with self._lock:
            self._values = frozenset()

    def mask(self, text: str) -> str:
        """The text with every value that it holds replaced by `MASK`."""
        while spans := self._spans(text):  # what a mask has brought together may be a value again
            text = _cut(text, spans)
        return text

    def line(self, text: str, start: int, end: int) -> tuple[str, int, int]:
        """A masked line, and where the stretch from `start` to `end` is in it; one that touches a value widens to the mask."""
        spans = self._spans(text)
        return (_cut(text, spans), _moved(start, spans, 0), _moved(end, spans, 1)) if spans else (text, start, end)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hide."""
        return not self._values

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where values stand, in order; those that overlap or touch are one."""
        pattern, anchors = self._compiled()
        if pattern is None or not any(anchor in text for anchor in anchors):
            return []
        spans: list[tuple[int, int]] = []
        match = pattern.search(text)
        while match:
            start, end = _token(text, *match.span()) if match.lastgroup == "coded" else match.span()
            while spans and start <= spans[-1][1]:
                before = spans.pop()
                start, end = min(start, before[0]), max(end, before[1])
            spans.append((start, end))
            match = pattern.search(text, match.start() + 1)
        return spans

    def _compiled(self) -> tuple[re.Pattern[str] | None, tuple[str, ...]]:
        """One regular expression for all values, the longest first, and the texts of which one is in every match."""
        values, made = self._values, self._made
        if not values:
            return None, ()
        if made is None or made[0] is not values:
            longest_first = sorted(values, key=lambda value: (-len(value), value))
            plain = [_spelled(value) for value in longest_first]
            coded = [form for value in longest_first for form in _coded(value)]
            either = (f"(?P<{name}>{'|'.join(one.pattern for one in forms)})" for name, forms in _named(plain, coded))
            anchors = tuple(dict.fromkeys(form.anchor for form in (*plain, *coded)))
            made = self._made = (values, re.compile("|".join(either)), anchors)
        return made[1], made[2]


known = Masking()
"""The values that this process has looked up."""


def mask(text: str) -> str:
    """The text with every secret that this process has looked up replaced by `MASK`."""
    return known.mask(text)


hiding.append(mask)


def masked(value: Shown) -> Shown:
    """The same value with every text in it masked: dataclasses, dictionaries, lists and tuples are walked through."""
    made: Any = value if known.is_empty else _walked(value)
    return made  # type: ignore[no-any-return]


def _walked(value: Any) -> Any:
    if isinstance(value, str):
        return known.mask(value)
    if isinstance(value, Place):
        return masked_place(value)
    if isinstance(value, dict):
        return {_walked(key): _walked(part) for key, part in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(_walked, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _walked(getattr(value, one.name)) for one in fields(value) if one.init})
    return value


def masked_place(place: Place) -> Place:
    """The same place; a secret in its line is hidden, and the mark moves along."""
    start = place.column - 1
    text, start, end = known.line(place.text, start, start + place.width)
    return replace(place, path=known.mask(place.path), text=text, column=start + 1, width=max(end - start, 1))


# --- the forms of a value ---------------------------------------------------------------------------------------


def _pieces(value: str) -> set[str]:
    """A value, and, where it has many lines, each long one: they may be shown one by one, or indented."""
    lines = [line.strip() for line in _BREAKS.split(value)]
    long = (line for line in lines if len(line) >= _LINE and not line.startswith("-----")) if len(lines) > 1 else ()
    return {value, value.strip(), *long}


def _named(plain: list[_Form], coded: list[_Form]) -> tuple[tuple[str, list[_Form]], ...]:
    return (("plain", plain), ("coded", coded)) if coded else (("plain", plain),)


def _spelled(value: str) -> _Form:
    """A value written with any mixture of escapes."""
    runs = _RUNS.findall(value)
    anchor = max((run for run in runs if run.isascii() and run.isalnum()), key=len, default="")
    return _Form("".join(map(_run, runs)), anchor)


def _run(run: str) -> str:
    """A regular expression for letters and digits, for backslashes, or for another character."""
    if run.isascii() and run.isalnum():
        return run
    if run.startswith("\\"):
        return rf"(?:\\{{{len(run)},}}|(?:{'|'.join(_escapes(run[0]))}){{{len(run)}}})"
    literal = rf"\\*{re.escape(run)}" if run.isascii() and run.isprintable() else re.escape(run)
    return f"(?:{'|'.join((*_WRITTEN.get(run, ()), literal, *_escapes(run)))})"


def _escapes(character: str) -> list[str]:
    """Regular expressions for the escapes that any character can be written with; digits in either case."""
    point, octets = ord(character), character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return [
        _either_case(octets, r"%(?:25)*"),
        *([_chinese(character)] if point > 127 else ()),
        _either_case(octets, r"\\+x"),
        *([_either_case(bytes([point]), r"\\+x")] if 127 < point < 256 else ()),
        "(?i:" + "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4)) + ")",
        rf"(?i:\\+U{point:08x})",
        rf"(?i:&(?:amp;)*#(?:0*{point}|x0*{point:x});)",
    ]


def _chinese(character: str) -> str:
    """A character percent-encoded as GB18030, of which the later octets may be letters and digits that need no escape."""
    octets = character.encode("gb18030", "replace")
    each = (rf"(?:%(?:25)*{octet:02x}" + (f"|{re.escape(chr(octet))})" if octet < 128 else ")") for octet in octets)
    return f"(?i:{''.join(each)})"


def _either_case(octets: bytes, before: str) -> str:
    return "(?i:" + "".join(f"{before}{octet:02x}" for octet in octets) + ")"


def _coded(value: str) -> list[_Form]:
    """A value in hexadecimal and in Base64, at each of the three positions that it may have in something longer."""
    octets = value.encode("utf-8", "surrogatepass")
    forms = [_Form(octets.hex(), octets.hex()), _Form(octets.hex().upper(), octets.hex().upper())]
    for before in range(3):
        whole = b64encode(bytes(before) + octets).decode()
        # The first characters and those of an unfinished group depend on what stands around the value.
        inside = whole[(0, 2, 3)[before] : (before + len(octets)) * 8 // 6]
        forms.append(_spelled(inside))
    return forms


# --- stretches of a text ----------------------------------------------------------------------------------------


def _token(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole word of Base64 around a stretch: the characters beside it hold bits of the value."""
    while start > 0 and text[start - 1] in _BASE64:
        start -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return start, end


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]])


def _moved(position: int, spans: list[tuple[int, int]], edge: int) -> int:
    """Where a position of a text is once the stretches are cut; within one it moves to its start (0) or end (1)."""
    shift = 0
    for start, end in spans:
        if position >= end:
            shift += len(MASK) - (end - start)
        elif position > start:
            return start + shift + edge * len(MASK)
    return position + shift
