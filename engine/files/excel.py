"""Workbooks: `.xlsx`, `.xlsm` and old `.xls`, with cells as text that keeps what the workbook holds.

Excel keeps 15 digits of a number. A longer id that was typed in as a number is lost already; it comes out in
scientific form, so that typing it as an id is refused and not guessed.
"""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from engine.connector import GiveUp, Landing
from engine.files import archive
from engine.files.content import Content
from engine.files.header import Row
from engine.files.kind import OLE
from engine.files.shape import read_sheet
from engine.files.workbook import MOST_CELLS, cells_of, errors_of

LARGEST = 1 << 30
"""A workbook may unpack to so many bytes."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_EXACT = 10**15


def read_excel(content: Content) -> Landing:
    """The records of one sheet; GiveUp where the workbook is broken, locked or too large."""
    try:
        is_zip = _check(content)
        sheet, errors = _opened(content, is_zip)
    except (GiveUp, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except PasswordError:
        raise content.refused("password-file") from None
    except BaseException as failure:  # the library panics on some broken files, which is no `Exception`
        raise content.refused("bad-file", kind="Excel", reason=_first_line(failure)) from None
    detail: dict[str, Any] = {"format": "excel", "sheet": sheet.name}
    return read_sheet(content, lambda: _rows(sheet, errors), detail)


def first_rows(content: Content, count: int) -> Iterator[tuple[str, list[Row]]]:
    """The first rows of every sheet that can be seen and is not empty; GiveUp where the workbook cannot be read."""
    try:
        _check(content)
        with content.file.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
        hidden = {one.name for one in workbook.sheets_metadata if one.visible != SheetVisibleEnum.Visible}
        for name in workbook.sheet_names:
            sheet = None if name in hidden else workbook.get_sheet_by_name(name)
            if sheet is not None and sheet.height:
                yield name, list(islice(_rows(sheet, {}), count))
    except (GiveUp, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except PasswordError:
        raise content.refused("password-file") from None
    except BaseException as failure:  # as above
        raise content.refused("bad-file", kind="Excel", reason=_first_line(failure)) from None


def cell_text(cell: object) -> str | None:
    """A cell as text: whole numbers up to 15 digits without `.0`, dates as ISO 8601, an empty cell None."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number_text(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds" if not cell.microsecond else "milliseconds")
    if isinstance(cell, time):
        return cell.isoformat("seconds" if not cell.microsecond else "milliseconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return _duration_text(cell)
    return None if cell is None else str(cell)


def _number_text(number: float) -> str:
    if abs(number) < _EXACT:
        return str(int(number)) if number == int(number) else repr(number)
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    written = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent)
    return f"{'-' * sign}{written[0]}{'.' * (len(written) > 1)}{written[1:]}e+{power}"


def _duration_text(duration: timedelta) -> str:
    seconds = round(abs(duration).total_seconds())
    sign = "-" if duration < timedelta(0) else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _check(content: Content) -> bool:
    """Refuse what is locked or too large before anything is unpacked; whether it is a workbook of the newer kind."""
    with content.file.open("rb") as file:
        is_ole = file.read(4) == OLE
        if is_ole and _holds(file.fileno(), _ENCRYPTED):
            raise content.refused("password-file")
    if is_ole:
        return False
    with zipfile.ZipFile(content.file) as workbook:
        infos = workbook.infolist()
    try:
        archive.check_sizes(infos, LARGEST)
    except archive.Oversized:
        size = sum(info.file_size for info in infos)
        raise content.refused("unpacks-too-large", limit=_shown(LARGEST), size=_shown(size)) from None
    return True


def _opened(content: Content, is_zip: bool) -> tuple[CalamineSheet, dict[tuple[int, int], str]]:
    with content.file.open("rb") as file:  # by its bytes: many a workbook is named after the wrong kind
        workbook = CalamineWorkbook.from_filelike(file)
    wished = _wished(content, workbook)
    for name in wished:
        if is_zip and (cells := cells_of(content.file, name)) > MOST_CELLS:
            raise content.refused("too-many-cells", sheet=name, cells=f"{cells:,}", limit=f"{MOST_CELLS:,}")
        sheet = workbook.get_sheet_by_name(name)
        if sheet.height or content.settings.sheet or name == wished[-1]:
            return sheet, errors_of(content.file, name) if is_zip else {}
    raise content.refused("empty-file")


def _wished(content: Content, workbook: CalamineWorkbook) -> list[str]:
    """The sheets to try, in order: the declared one, or those that can be seen before those that are hidden."""
    names, wish = workbook.sheet_names, content.settings.sheet
    if isinstance(wish, int) and wish <= len(names):
        return [names[wish - 1]]
    if isinstance(wish, str):
        named = [name for name in names if name.strip().casefold() == wish.strip().casefold()]
        if named:
            return named[:1]
    if wish is not None:
        raise content.refused("no-sheet", sheet=wish, sheets=", ".join(f"`{name}`" for name in names))
    hidden = {one.name for one in workbook.sheets_metadata if one.visible != SheetVisibleEnum.Visible}
    return sorted(names, key=lambda name: name in hidden)


def _rows(sheet: CalamineSheet, errors: dict[tuple[int, int], str]) -> Iterator[Row]:
    left = sheet.start[1] if sheet.start else 0
    failing = {row for row, _ in errors}
    for index, cells in enumerate(sheet.iter_rows()):
        texts = [cell_text(cell) for cell in cells]
        if index in failing:
            texts = [errors.get((index, left + column), text) for column, text in enumerate(texts)]
        yield Row(index + 1, tuple(texts))


def _holds(handle: int, wanted: bytes) -> bool:
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as data:
        return data.find(wanted) >= 0


def _shown(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB"


def _first_line(failure: BaseException) -> str:
    return (str(failure) or type(failure).__name__).splitlines()[0][:200]
