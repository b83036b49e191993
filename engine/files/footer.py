"""Rows of totals at the end of a file: they are not records, and they are counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from engine.files.header import Row, is_blank

MOST = 20
"""So many rows of totals are looked for at most."""

_WORDS = ("总计", "合计", "汇总", "汇总值", "平均值", "全店汇总值", "小计", "共计", "累计", "导出完成")
_REMARKS = "制表人|制表时间|导出人|导出时间|打印时间|统计时间|数据来源|备注|说明|总金额"
_BLANK = " \t\r\n\u3000\ufeff\xa0"


def footer_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """What the first cell of a row of totals looks like, without blanks: one of the words, alone or before `:` or a number,
    `共…条`, a remark such as `导出时间:…`, or `total`."""
    known = "|".join(re.escape("".join(word.split())) for word in sorted({*_WORDS, *words}, key=len, reverse=True))
    totals = rf"(?:本页|全部|当前页)?(?:{known})(?:金额|数量)?(?:[:：\s\d].*)?"
    return re.compile(
        rf"{totals}|共\d+[条行笔单].*|(?:{_REMARKS})[:：].*|(?:grand)?total(?:[:：\d].*)?", re.DOTALL | re.IGNORECASE
    )


def is_footer(cells: Iterable[str | None], pattern: re.Pattern[str]) -> bool:
    """Whether a row holds totals: its first filled cell says so, or it is a remark, one cell that begins with `#`."""
    filled = [text for cell in cells if cell and (text := _bare(cell))]
    if len(filled) == 1 and filled[0].startswith("#"):
        return True
    return bool(filled and (pattern.fullmatch(filled[0]) or pattern.fullmatch("".join(filled[0].split()))))


def split_tail(tail: Sequence[Row], pattern: re.Pattern[str]) -> tuple[list[Row], list[Row]]:
    """The last rows of a file, parted into records and rows of totals; blank rows at the end belong to neither."""
    end, footers = len(tail), 0
    for index in range(len(tail) - 1, -1, -1):
        blank = is_blank(tail[index].cells)
        if not blank and (footers == MOST or not is_footer(tail[index].cells, pattern)):
            break
        end, footers = index, footers + (not blank)
    return list(tail[:end]), [row for row in tail[end:] if not is_blank(row.cells)]


def as_text(rows: Iterable[Row]) -> tuple[tuple[str, ...], ...]:
    """Rows as plain cells, for the count of what was left out."""
    return tuple(tuple(cell or "" for cell in row.cells) for row in rows)


def _bare(cell: str) -> str:
    """A cell without what exports wrap it in: `="…"`, a leading apostrophe, blanks."""
    bare = cell.strip(_BLANK)
    if bare.startswith('="') and bare.endswith('"'):
        bare = bare[2:-1]
    return bare.removeprefix("'").strip(_BLANK)
