"""From what a connector declares about a request to the bytes that are sent: filled in, serialised once, signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from engine.connector import Request
from engine.rest.signing import Pairs, Sign, Signature, Unsigned
from engine.rest.template import Scope, Template, Wrong, compact, template

_SECTIONS = ("query", "headers", "form")


@dataclass(frozen=True)
class Call:
    """A request as a connector declares it, compiled. A value that comes to nothing (`none`) is not sent."""

    method: str
    url: Template
    query: dict[str, Template]
    headers: dict[str, Template]
    form: dict[str, Template] | None
    json: Template | None
    text: Template | None
    ordered: bool
    drop_empty: bool
    signs: tuple[Sign, ...]

    def build(self, scope: Scope) -> tuple[Request, Signature | None]:
        """The request for a scope, and how it was signed. Raises `Wrong` where a template cannot be filled in."""
        unsigned = self._unsigned(scope)
        sign = next((one for one in self.signs if one.applies(scope)), None)
        signature = sign.sign(unsigned, scope) if sign else None
        sections = {name: getattr(unsigned, name) for name in _SECTIONS}
        body = unsigned.body
        if sign and signature and sign.section == "json":
            body = self._body(scope, {sign.name: signature.value})
        elif sign and signature:
            sections[sign.section] += ((sign.name, signature.value),)
        if self.form is not None:
            body = urlencode(sections["form"])
        headers = (*self._kind(sections["headers"]), *sections["headers"])
        return Request(self.method, str(self.url(scope)), sections["query"], headers, body.encode("utf-8")), signature

    def _unsigned(self, scope: Scope) -> Unsigned:
        query, headers = self._pairs(self.query, scope), self._pairs(self.headers, scope)
        if self.form is not None:
            form = self._pairs(self.form, scope)
            return Unsigned(query, form, headers)
        return Unsigned(query, (), headers, self._body(scope))

    def _body(self, scope: Scope, more: Mapping[str, str] | None = None) -> str:
        """The body as it is sent, with `more` put into its object: a signature that stands beside what it covers."""
        if self.text is not None:
            return str(self.text(scope))
        if self.json is None:
            return ""
        value = without_none(self.json(scope))
        return compact({**value, **more} if more else value, ordered=self.ordered)

    def _pairs(self, given: Mapping[str, Template], scope: Scope) -> Pairs:
        made = ((name, self._written(one(scope))) for name, one in given.items())
        return tuple(
            (name, value) for name, value in made if value is not None and not (self.drop_empty and not value.strip())
        )

    def _written(self, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dict | list):
            return compact(without_none(value), ordered=self.ordered)
        return str(value)

    def _kind(self, headers: Pairs) -> Pairs:
        """What kind of body is sent, where the connector does not say it itself."""
        if any(name.lower() == "content-type" for name, _ in headers):
            return ()
        if self.form is not None:
            return (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)
        return (("content-type", "application/json"),) if self.json is not None else ()


def call_of(given: Mapping[str, Any], signs: tuple[Sign, ...]) -> Call:
    """Compile a `request` block. Raises `Wrong` where a template in it cannot be understood."""
    if "url" not in given:
        raise Wrong("no `url` is given")
    sections = {name: {key: template(one) for key, one in (given.get(name) or {}).items()} for name in _SECTIONS}
    has_body = any(given.get(name) is not None for name in ("form", "json", "text"))
    return Call(
        method=given.get("method", "POST" if has_body else "GET"),
        url=template(given["url"]),
        query=sections["query"],
        headers=sections["headers"],
        form=sections["form"] if given.get("form") is not None else None,
        json=template(given["json"]) if given.get("json") is not None else None,
        text=template(given["text"]) if given.get("text") is not None else None,
        ordered=given.get("ordered_json", False),
        drop_empty=given.get("drop_empty", False),
        signs=signs,
    )


def merged(*given: Mapping[str, Any] | None) -> dict[str, Any]:
    """`request` blocks laid over each other: later ones win, sections are joined key by key, `null` takes one away."""
    made: dict[str, Any] = {}
    for one in given:
        for key, value in (one or {}).items():
            before = made.get(key)
            made[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return made


def without_none(value: Any) -> Any:
    """A value of JSON without the keys of objects that came to nothing."""
    if isinstance(value, dict):
        return {key: without_none(one) for key, one in value.items() if one is not None}
    return [without_none(one) for one in value] if isinstance(value, list) else value
