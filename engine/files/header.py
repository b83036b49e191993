"""Column names: how they are written down, and in which row of a file they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import median
from typing import NamedTuple

from engine.connector import field_name, same_name

column_name = field_name
"""A column is named as the record field that it holds."""

SEARCHED = 20
"""Header rows are looked for in the first rows only."""

_DATUM = re.compile(
    r"""[-+('=\"]*[¥$]?[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?\s*[%元件万亿)\"]*   # a number, an id, an amount
    | \d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?([T\s]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?   # a date or time
    | \d{1,2}:\d{2}(:\d{2})?
    | -+ | null | true | false""",
    re.VERBOSE | re.IGNORECASE,
)


class Row(NamedTuple):
    """A row of a file: its number, counting from 1 as a spreadsheet does, and its cells."""

    number: int
    cells: tuple[str | None, ...]


def column_names(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Column names for header cells, each once: an empty one becomes `column_7`, a second `备注` `备注_2`.

    Names that mappings take for the same (`商品ID`, `商品 id`) count as one name.
    """
    given = [column_name(text or "") for text in texts]
    taken = {same_name(name) for name in given}
    used: set[str] = set()
    names: list[str] = []
    for position, name in enumerate(given, 1):
        wish = name or f"column_{position}"
        is_free = same_name(wish) not in used and (bool(name) or same_name(wish) not in taken)
        names.append(wish if is_free else _numbered(wish, used | taken))
        used.add(same_name(names[-1]))
    return tuple(names)


def changed_names(columns: Sequence[str], texts: Sequence[str | None]) -> dict[str, str]:
    """The header cells that read otherwise in the file, by column."""
    return {column: text or "" for column, text in zip(columns, texts, strict=False) if column != text}


def is_blank(cells: Iterable[str | None]) -> bool:
    """Whether all cells are empty."""
    return not any(cell and cell.strip() for cell in cells)


def width_of(cells: Sequence[str | None]) -> int:
    """The number of cells up to the last that is not empty."""
    return next((index for index in range(len(cells), 0, -1) if (cells[index - 1] or "").strip()), 0)


def find_header(rows: Sequence[Row], wanted: frozenset[str] = frozenset()) -> Row | None:
    """The header among the first rows of a file, or None where no row looks like one.

    A row that holds names that mappings read (`wanted`, normalised) is the best sign; next comes the shape: at
    least two different names, about as wide as the rows below it, and none of them a number or date.
    """
    filled = [row for row in rows if not is_blank(row.cells)]
    searched = [row for row in filled if row.number <= SEARCHED]
    needed = min(2, len(wanted)) or 1
    for row in searched:
        if len(wanted & {same_name(cell) for cell in row.cells if cell}) >= needed:
            return row
    for index, row in enumerate(searched):
        below = filled[index + 1 : index + 1 + SEARCHED]
        if _looks_like_header(row, below):
            return row
        if _looks_like_record(row, below):
            return None  # records above would be lost with a header further down
    return None


def _looks_like_header(row: Row, below: Sequence[Row]) -> bool:
    names = _filled(row)
    if any(map(_DATUM.fullmatch, names)) or len(set(names)) < 0.6 * len(names):
        return False
    if len(set(names)) < 2:  # a lone name over lone numbers; over texts it may as well be prose
        return bool(below) and all(len(one) == 1 and _DATUM.fullmatch(one[0]) for one in map(_filled, below))
    return len(names) >= 0.6 * _usual_width(below) and not any(_shares_a_cell(row, other) for other in below)


def _looks_like_record(row: Row, below: Sequence[Row]) -> bool:
    """Whether it is as wide as the rows below it and holds a value, so that no header can follow."""
    if width_of(row.cells) < max(_usual_width(below), 2):
        return False
    return any(map(_DATUM.fullmatch, _filled(row))) or any(_shares_a_cell(row, other) for other in below)


def _usual_width(rows: Sequence[Row]) -> float:
    return median(width_of(row.cells) for row in rows) if rows else 0


def _filled(row: Row) -> list[str]:
    """The tidy texts of the cells that are not empty."""
    return [column_name(cell) for cell in row.cells if cell and cell.strip()]


def _shares_a_cell(row: Row, other: Row) -> bool:
    """Whether a cell stands again in the same column of another row, as values do and names do not.

    A row that is the same all over is the header written twice.
    """
    pairs = [(one, two) for one, two in zip(row.cells, other.cells, strict=False) if one and one.strip()]
    same = sum(one == two for one, two in pairs)
    return 0 < same < len(pairs)


def _numbered(name: str, taken: set[str]) -> str:
    return next(one for number in count(2) if same_name(one := f"{name}_{number}") not in taken)
