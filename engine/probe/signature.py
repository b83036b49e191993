"""What a connector signs, and the signature, for parameters that are given: to hold against a platform's own example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.diagnostic import Findings, finding
from engine.model import Preset, Stream
from engine.probe.known import Known
from engine.rest.account import scope_of
from engine.rest.definition import Definition, compiled
from engine.rest.request import without_none
from engine.rest.signing import Pairs, Sign, Unsigned
from engine.rest.template import Wrong, compact

SECTIONS = ("query", "form", "headers", "body")


@dataclass(frozen=True, slots=True)
class Signed:
    """The text that was signed, the signature, where it goes (`form.sign`), and the digest."""

    text: str
    value: str
    into: str
    digest: str


def sign(known: Known, settings: Mapping[str, Any], params: Any, stream: str | None, now: float) -> Signed:
    """Sign parameters as requests of a connector are signed.

    `params` holds sections (`query`, `form`, `headers`, `body`), or is flat: then it is the section that the signature
    covers. Raises `Findings` (status 2) where the connector signs nothing, or not with what was given.
    """
    preset = known.preset
    name = stream or next(iter(known.streams), "")
    if preset is None or name not in known.streams:
        raise Findings([finding("signs-nothing", connector=known.name)], status=2)
    try:
        definition = compiled(preset.value, name)
        scope = _scope(definition, settings, preset, name, now)
        rule = next((one for one in definition.call.signs if one.applies(scope)), None)
        if rule is None:
            raise Findings([finding("signs-nothing", connector=known.name)], status=2)
        _must_be_given(rule, known, scope)
        made = rule.sign(_unsigned(params, rule, definition), scope)
    except Wrong as failure:
        raise Findings([finding("cannot-sign", connector=known.name, reason=str(failure))], status=2) from None
    return Signed(made.text, made.value, f"{rule.section}.{rule.name}", rule.digest)


def _scope(
    definition: Definition, settings: Mapping[str, Any], preset: Preset, stream: str, now: float
) -> dict[str, Any]:
    token = settings.get("token")
    scope = scope_of(definition, settings, Stream(stream, {}, preset.origin))
    here = datetime.fromtimestamp(now, ZoneInfo(definition.manners.zone))
    return {**scope, "now": here, "token": token if isinstance(token, Mapping) else {}}


def _must_be_given(rule: Sign, known: Known, scope: Mapping[str, Any]) -> None:
    """A key that is not there would sign as the word `None`, and nobody would see why the signature differs."""
    used = rule.text.names | rule.extra.names | (rule.key.names if rule.key else frozenset())
    for setting in known.settings:
        if setting.name in used and scope.get(setting.name) is None:
            raise Wrong(f"`{setting.name}` is not given")


def _unsigned(params: Any, rule: Sign, definition: Definition) -> Unsigned:
    given = params if _has_sections(params) else {_covered(rule, definition): params}
    body = given.get("body", "")
    return Unsigned(
        query=_pairs(given.get("query")),
        form=_pairs(given.get("form")),
        headers=_pairs(given.get("headers")),
        body=body if isinstance(body, str) else compact(without_none(body), ordered=definition.call.ordered),
    )


def _has_sections(params: Any) -> bool:
    if not isinstance(params, Mapping) or not params or not params.keys() <= set(SECTIONS):
        return False
    return all(isinstance(value, Mapping) or name == "body" for name, value in params.items())


def _covered(rule: Sign, definition: Definition) -> str:
    """The section that flat parameters stand for."""
    if rule.covers:
        return rule.covers[0]
    if rule.body_as or definition.call.json is not None or definition.call.text is not None:
        return "body"
    return "form" if definition.call.form is not None else "query"


def _pairs(given: Any) -> Pairs:
    return tuple((str(name), _text(value)) for name, value in (given or {}).items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact(value) if isinstance(value, dict | list) else str(value)
