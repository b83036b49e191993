"""Recognise an export: by its headers, with the names of file and sheet to tell apart what has the same headers.

Nothing is guessed. Headers that a layout must have are all there or it is not that export; where two exports fit
equally well, that is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.connector import same_name
from engine.load.templates import Layout, Template


@dataclass(frozen=True, slots=True)
class Recognised:
    """The one template that fits. `strange` are headers that its layout does not know; `shop` and the days are from the
    file's name."""

    template: Template
    layout: Layout
    shop: str | None = None
    since: str | None = None
    until: str | None = None
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several templates fit equally well; `apart` says for each what it knows and the others do not."""

    templates: tuple[Template, ...]
    apart: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No template fits; the nearest one with what it lacks, and the headers that it must not have."""

    nearest: Template | None = None
    missing: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


Result = Recognised | Ambiguous | Unknown


@dataclass(frozen=True, slots=True)
class _Fit:
    """A layout beside the headers of a file: what of it is there, what is missing, what must not be there."""

    template: Template
    layout: Layout
    there: frozenset[str]
    missing: tuple[str, ...]
    unwanted: tuple[str, ...]
    told: int

    @property
    def holds(self) -> bool:
        return not self.missing and not self.unwanted


def recognise(headers: Sequence[str], file_name: str, sheet: str | None, templates: Iterable[Template]) -> Result:
    """Which export has these headers, this file name and this sheet."""
    given = {same_name(header): header for header in headers if same_name(header)}
    fits = [_fit(template, layout, given, file_name, sheet) for template in templates for layout in template.layouts]
    holding = [one for one in fits if one.holds]
    best = [one for one in holding if not any(_better(other, one) for other in holding)]
    if not best:
        return _unknown(fits)
    if len({one.template.name for one in best}) > 1:
        return _ambiguous(best)
    return _recognised(best[0], given, file_name)


def names_in(templates: Iterable[Template]) -> frozenset[str]:
    """All headers that templates ask for, normalised: a row that holds several of them is a header row."""
    layouts = (layout for template in templates for layout in template.layouts)
    return frozenset(same_name(name) for layout in layouts for names in layout.must for name in names)


def _fit(template: Template, layout: Layout, given: dict[str, str], file_name: str, sheet: str | None) -> _Fit:
    known = {same_name(name) for name in _all_names(layout)}
    missing = tuple(names[0] for names in layout.must if not any(same_name(name) in given for name in names))
    unwanted = tuple(name for name in layout.never if same_name(name) in given)
    told = bool(_named(template, file_name)) + (
        sheet is not None and same_name(sheet) in map(same_name, template.sheets)
    )
    return _Fit(template, layout, frozenset(known & given.keys()), missing, unwanted, told)


def _all_names(layout: Layout) -> tuple[str, ...]:
    return (*(name for names in layout.must for name in names), *layout.may)


def _better(one: _Fit, other: _Fit) -> bool:
    """Whether a layout explains all that another does, and more; or the names of file and sheet speak for it."""
    if one.told != other.told:
        return one.told > other.told
    return one.there > other.there


def _named(template: Template, file_name: str) -> re.Match[str] | None:
    return next((found for pattern in template.names if (found := pattern.search(file_name))), None)


def _recognised(fit: _Fit, given: dict[str, str], file_name: str) -> Recognised:
    found = _named(fit.template, file_name)
    told = found.groupdict() if found else {}
    strange = tuple(header for name, header in given.items() if name not in fit.there)
    since, until = _day(told.get("since")), _day(told.get("until"))
    return Recognised(fit.template, fit.layout, told.get("shop") or None, since, until or since, strange)


def _day(text: str | None) -> str | None:
    """A day as ISO 8601, from however a file name writes it; None where it is none."""
    digits = re.sub(r"\D", "", text or "")[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat() if len(digits) == 8 else None
    except ValueError:
        return None


def _ambiguous(best: Sequence[_Fit]) -> Ambiguous:
    known = {one.template.name: {same_name(name): name for name in _all_names(one.layout)} for one in best}
    shared = set.intersection(*map(set, known.values()))
    apart = {name: tuple(header for key, header in names.items() if key not in shared) for name, names in known.items()}
    templates = {one.template.name: one.template for one in best}
    return Ambiguous(tuple(templates.values()), apart)


def _unknown(fits: Sequence[_Fit]) -> Unknown:
    """The nearest is the one of which most is there; none where not even two headers are."""
    near = [one for one in fits if len(one.layout.must) - len(one.missing) >= 2]
    if not near:
        return Unknown()
    nearest = min(near, key=lambda one: (len(one.missing) + len(one.unwanted)) / len(one.layout.must))
    return Unknown(nearest.template, nearest.missing, nearest.unwanted)
