"""What a connector's YAML says about a stream, compiled: every template once, before the first request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

from engine.rest.answer import Reader
from engine.rest.exchange import Case, Manners
from engine.rest.limits import rate_of
from engine.rest.paging import Paging
from engine.rest.request import Call, call_of, merged
from engine.rest.signing import sign_of
from engine.rest.template import Template, Wrong, expression, paths, template
from engine.rest.token import TokenRule
from engine.rest.window import Window, seconds

GIVEN = frozenset({"now", "page", "window", "token", "id", "ids", "parent", "shop", "stream", "fields", "options"})
"""Names that templates of requests may use besides settings, options and what `let` names."""

TOLD = frozenset({"body", "status", "headers", "text", "cookies"})
"""Names that expressions about answers may use."""


@dataclass(frozen=True)
class Limit:
    """So many requests a second, `burst` of them at once, for all that agree in `per`."""

    rate: float
    burst: float
    at_once: int | None
    per: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """How a stream learns which records there are before it asks for them."""

    call: Call
    count: Call | None
    reader: Reader
    paging: Paging
    id: tuple[str, ...]
    batch: int


@dataclass(frozen=True)
class Definition:
    """One stream of a connector, ready to be read."""

    stream: str
    call: Call
    count: Call | None
    reader: Reader
    paging: Paging
    columns: Template | None
    for_each: tuple[dict[str, Any], ...]
    add: dict[str, Template]
    window: Window | None
    every: int
    listing: Listing | None
    manners: Manners
    token: TokenRule | None
    limits: tuple[Limit, ...]
    let: dict[str, Template]
    names: tuple[str, ...]
    defaults: dict[str, Any]
    version: int
    at_once: int


Broken = tuple[tuple[str | int, ...], str]
"""Where in a connector's manifest something cannot be understood, and why."""


def compiled(connector: Mapping[str, Any], stream: str, settings: Mapping[str, Any] | None = None) -> Definition:
    """Compile a stream of a connector's manifest; `settings` fill in what `page`, `window` and `limits` leave to them.

    Raises `Wrong`.
    """
    defaults = defaults_of(connector, stream)
    own, limits = settled(connector, stream, settings)
    request = merged(connector.get("request"), own.get("request"))
    signs = tuple(sign_of(one) for one in _several(own.get("sign", connector.get("sign"))))
    paging = _paging(own.get("page") or {})
    success = own.get("success", connector.get("success"))
    asked = [*paging.expressions, *([success] if success else [])]
    records = own.get("records", "body")
    count = (own.get("page") or {}).get("count")
    return Definition(
        stream=stream,
        call=call_of(request, signs),
        count=call_of(merged(request, count), signs) if count else None,
        reader=Reader(asked, records),
        paging=paging,
        columns=template(own["columns"]) if "columns" in own else None,
        for_each=_values(own.get("for_each")),
        add={name: _either(one) for name, one in (own.get("add") or {}).items()},
        window=_window(own["window"]) if "window" in own else None,
        every=seconds(own.get("every", "1d")),
        listing=_listing(own["list"], connector, signs, success) if "list" in own else None,
        manners=_manners(connector, own, success),
        token=_token(connector, signs) if "token" in connector else None,
        limits=tuple(_limit(one) for one in limits),
        let={name: template(one) for name, one in {**connector.get("let", {}), **own.get("let", {})}.items()},
        names=tuple(own.get("fields") or ()),
        defaults=defaults,
        version=own.get("version", 1),
        at_once=connector.get("at_once", 4),
    )


def _values(given: Mapping[str, Any] | None) -> tuple[dict[str, Any], ...]:
    """Every combination of the values that a stream is asked for, by name; one empty one where it says nothing."""
    names = list(given or {})
    return tuple(dict(zip(names, some, strict=True)) for some in product(*(given or {}).values()))


def defaults_of(connector: Mapping[str, Any], stream: str) -> dict[str, Any]:
    """The settings of a connector and the options of a stream, as they are where nobody gives them."""
    declared = {**(connector.get("settings") or {}), **(connector["streams"][stream].get("options") or {})}
    return {name: one.get("default") for name, one in declared.items()}


_LEFT_TO_SETTINGS = ("size", "span", "overlap", "lag", "every", "history", "widen", "rate", "burst", "at_once", "batch")


def sizing(connector: Mapping[str, Any], stream: str) -> frozenset[str]:
    """The settings and options that decide only how much is asked for at a time, and how fast: not what is read."""
    own = connector["streams"][stream]
    blocks = [
        own.get("page"),
        own.get("window"),
        own.get("limits"),
        (own.get("list") or {}).get("page"),
        own.get("every"),
    ]
    sized = [
        template(text) for block in (*blocks, connector.get("limits")) for _, text in _leaves(block, ()) if "{{" in text
    ]
    elsewhere = [template(own.get("request") or {}), template(own.get("let") or {})]
    return frozenset(name for one in sized for name in one.names) - {name for one in elsewhere for name in one.names}


def asking(connector: Mapping[str, Any], stream: str) -> frozenset[str]:
    """The settings, but for secrets, that what a stream itself asks for is made of: with others it gives other records."""
    own, settings = connector["streams"][stream], connector.get("settings") or {}
    blocks = [own.get("request"), own.get("let"), own.get("list"), own.get("add")]
    used = {name for block in blocks for _, text in _leaves(block, ()) if "{{" in text for name in template(text).names}
    return frozenset(name for name in used & settings.keys() if not settings[name].get("secret"))


def settled(
    connector: Mapping[str, Any], stream: str, settings: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A stream's manifest and all limits on it, in which pages, windows and limits have the sizes that settings give."""
    scope = {**defaults_of(connector, stream), **(settings or {})}
    own = _settled(connector["streams"][stream], scope)
    return own, [*_filled(connector.get("limits", []), scope), *own.get("limits", [])]


def _settled(stream: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, Any]:
    """A stream in which pages, windows and limits have their sizes."""
    made = dict(stream)
    for name in ("page", "window", "limits", "list", "every"):
        if name in made:
            made[name] = (
                _filled({"every": made[name]}, scope)["every"] if name == "every" else _filled(made[name], scope)
            )
    return made


def _filled(value: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(one, scope) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {}
    for key, one in value.items():
        if key in _LEFT_TO_SETTINGS and isinstance(one, str):
            made[key] = _fitting(key, template(one)(scope))
        else:
            made[key] = one if key in ("count", "request") else _filled(one, scope)
    return made


def _fitting(key: str, value: Any) -> Any:
    """What settings gave for a rate or a duration, where it is one: manifests are held to that by their schema."""
    if key in ("size", "burst", "at_once", "batch"):
        return value
    try:
        (rate_of if key == "rate" else seconds)(str(value))
    except ValueError:
        kind = "rate such as `10/s`" if key == "rate" else "duration such as `7d`"
        raise Wrong(f"`{value}` is no {kind}") from None
    return value


def _either(text: Any) -> Template:
    """A value that may be told by the request or by the answer."""
    return template(text)


def _listing(given: Mapping[str, Any], connector: Mapping[str, Any], signs: Any, success: str | None) -> Listing:
    paging = _paging(given.get("page") or {})
    asked = [*paging.expressions, *([success] if success else [])]
    named = given.get("id", ".")
    request = merged(connector.get("request"), given.get("request"))
    count = (given.get("page") or {}).get("count")
    return Listing(
        call=call_of(request, signs),
        count=call_of(merged(request, count), signs) if count else None,
        reader=Reader(asked, given.get("records", "body")),
        paging=paging,
        id=() if named == "." else tuple(named.split(".")),
        batch=given.get("batch", 1),
    )


def _paging(given: Mapping[str, Any]) -> Paging:
    asked = {name: given[name] for name in ("more", "total", "pages", "next") if name in given}
    told: dict[str, Any] = {name: expression(one, lenient=True) for name, one in asked.items()}
    kept = {one.name for one in fields(Paging)} - {"expressions", "deepest_rows", "deepest_pages", "counts", *told}
    plain = {name: value for name, value in given.items() if name in kept}
    deepest = given.get("deepest") or {}
    return Paging(
        **plain,
        **told,
        counts="count" in given,
        deepest_rows=deepest.get("records"),
        deepest_pages=deepest.get("pages"),
        expressions=tuple(asked.values()),
    )


def _window(given: Mapping[str, Any]) -> Window:
    spans = {
        name: seconds(given[name]) for name in ("span", "overlap", "lag", "every", "history", "widen") if name in given
    }
    return Window(**spans, order=given.get("order", "oldest"))


def _manners(connector: Mapping[str, Any], own: Mapping[str, Any], success: str | None) -> Manners:
    retry = connector.get("retry") or {}
    looked = paths(success, "body") if success else set()
    return Manners(
        success=expression(success, lenient=True) if success else None,
        success_needs_all=looked is None,
        cases=tuple(_case(one) for one in (*own.get("errors", ()), *connector.get("errors", ()))),
        message=expression(connector["message"], lenient=True) if "message" in connector else None,
        attempts=retry.get("attempts", 6),
        backoff=seconds(retry.get("backoff", "1s")),
        longest=seconds(retry.get("longest", "2m")),
        zone=connector.get("zone", "Asia/Shanghai"),
    )


def _case(given: Mapping[str, Any]) -> Case:
    after = given.get("after")
    made = None if after is None else expression(str(seconds(after)) if _is_duration(after) else after, lenient=True)
    return Case(expression(given["when"], lenient=True), given["do"], made, given.get("ban", False), given.get("say"))


def _is_duration(text: str) -> bool:
    try:
        seconds(text)
    except ValueError:
        return False
    return True


def _token(connector: Mapping[str, Any], signs: Any) -> TokenRule:
    given = connector["token"]
    base = {} if given.get("bare", True) else connector.get("request")
    own = tuple(sign_of(one) for one in _several(given["sign"])) if "sign" in given else signs if base else ()
    refresh = (given.get("refresh") or {}).get("request")
    success = given.get("success", connector.get("success") if base else None)
    return TokenRule(
        call=call_of(merged(base, given["request"]), own) if "request" in given else None,
        refresh=call_of(merged(base, refresh), own) if refresh else None,
        success=expression(success, lenient=True) if success else None,
        take={name: expression(one, lenient=True) for name, one in given["take"].items()},
        lasts=expression(given["lasts"], lenient=True) if "lasts" in given else None,
        until=expression(given["until"], lenient=True) if "until" in given else None,
        start=template(given.get("start", {})),
        early=seconds(given.get("early", "5m")),
        when=expression(given["when"]) if "when" in given else None,
        per=tuple(given.get("per", ())),
    )


def _limit(given: Mapping[str, Any]) -> Limit:
    rate = rate_of(given["rate"])
    return Limit(
        rate, float(given.get("burst", max(1.0, rate))), given.get("at_once"), tuple(given.get("per", ("stream",)))
    )


def _several(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]


# --- looking through a manifest ---------------------------------------------------------------------------------


def broken(connector: Mapping[str, Any]) -> Iterator[Broken]:
    """Everything in a connector's manifest that is no template, no expression, or names what is not there."""
    settings = frozenset(connector.get("settings") or {})
    known = settings | frozenset(connector.get("let") or {}) | GIVEN
    yield from _looked_at(connector, ("request",), known, template)
    for name in ("success", "message"):
        yield from _looked_at(connector, (name,), TOLD, expression)
    yield from _cases(connector, (), known)
    yield from _signs(connector, ("sign",), known)
    yield from _in_token(connector, known)
    yield from _ill_made(connector)
    for stream, own in (connector.get("streams") or {}).items():
        here = known.union(own.get("options") or {}, own.get("let") or {}, own.get("for_each") or {})
        at: tuple[str | int, ...] = ("streams", stream)
        for key in ("window", "every", "limits"):
            yield from _looked_at(connector, (*at, key), here, template)
        for key in ("request", "columns", "let"):
            yield from _looked_at(connector, (*at, key), here, template)
        yield from _looked_at(connector, (*at, "add"), here | TOLD, template)
        for key in ("success", "records"):
            yield from _looked_at(connector, (*at, key), TOLD, expression)
        yield from _signs(connector, (*at, "sign"), here)
        yield from _cases(connector, at, here)
        for listing in ((*at,), (*at, "list")):
            for key in ("more", "total", "pages", "next"):
                yield from _looked_at(connector, (*listing, "page", key), TOLD | {"page"}, expression)
            yield from _looked_at(connector, (*listing, "page", "count"), here, template)
            yield from _looked_at(connector, (*listing, "page", "size"), here, template)
        for key in ("request",):
            yield from _looked_at(connector, (*at, "list", key), here, template)
        yield from _looked_at(connector, (*at, "list", "records"), TOLD, expression)


def _ill_made(connector: Mapping[str, Any]) -> Iterator[Broken]:
    """Pages without a size, settings of pages that their kind does not know, signatures that have nowhere to go."""
    for stream, own in (connector.get("streams") or {}).items():
        for at in (("streams", stream, "page"), ("streams", stream, "list", "page")):
            page = _found(connector, at) or {}
            by = page.get("by", "none")
            if by in ("number", "offset") and "size" not in page:
                yield at, "pages by number or offset need a `size`"
            if page.get("backwards") and not page.keys() & {"total", "pages"}:
                yield at, "to read from the last page, `total` or `pages` has to tell how many there are"
            for key in sorted(page.keys() - _PAGE_KEYS[by]):
                yield (*at, key), f"`{key}` says nothing where pages are read by {by}"
        request = merged(connector.get("request"), own.get("request"))
        given = own.get("sign", connector.get("sign"))
        for sign in _several(given):
            section = sign["into"].partition(".")[0]
            if section in ("form", "json") and request.get(section) is None:
                yield ("streams", stream), f"the signature is to go into `{sign['into']}`, but no {section} is sent"


_PAGE_KEYS = {
    "none": {"by"},
    "number": {"by", "first", "size", "more", "total", "pages", "backwards", "count", "deepest"},
    "offset": {"by", "size", "more", "total", "pages", "deepest"},
    "cursor": {"by", "first", "size", "start", "next", "end", "more", "total", "deepest"},
    "link": {"by", "size"},
    "key": {"by", "size", "start", "field", "more"},
}
"""What a `page` block may say, by how pages are read."""


def _in_token(connector: Mapping[str, Any], known: frozenset[str]) -> Iterator[Broken]:
    if (connector.get("token") or {}).get("success"):
        yield from _looked_at(connector, ("token", "success"), TOLD, expression)
    for key in ("request", "refresh", "start"):
        yield from _looked_at(connector, ("token", key), known, template)
    yield from _looked_at(connector, ("token", "take"), TOLD, expression)
    yield from _looked_at(connector, ("token", "when"), known, expression)
    taken = frozenset(((connector.get("token") or {}).get("take")) or {}) | frozenset(
        ((connector.get("token") or {}).get("start")) or {}
    )
    for key in ("lasts", "until"):
        yield from _looked_at(connector, ("token", key), taken, expression)
    yield from _signs(connector, ("token", "sign"), known)


def _cases(connector: Mapping[str, Any], at: tuple[str | int, ...], known: frozenset[str]) -> Iterator[Broken]:
    for number, case in enumerate(_found(connector, (*at, "errors")) or ()):
        here = (*at, "errors", number)
        yield from _looked_at(connector, (*here, "when"), known | TOLD, expression)
        if "after" in case and not _is_duration(case["after"]):
            yield from _looked_at(connector, (*here, "after"), known | TOLD, expression)


def _signs(connector: Mapping[str, Any], at: tuple[str | int, ...], known: frozenset[str]) -> Iterator[Broken]:
    given = _found(connector, at)
    for number, sign in enumerate(_several(given)):
        here = (*at, number) if isinstance(given, list) else at
        inside = known | {"joined", "body", "query", "form", "headers"}
        yield from _looked_at(connector, (*here, "text"), inside, template)
        yield from _looked_at(connector, (*here, "pair"), frozenset({"name", "value"}), template)
        for key in ("key", "extra"):
            yield from _looked_at(connector, (*here, key), known, template)
        if "when" in sign:
            yield from _looked_at(connector, (*here, "when"), known, expression)


def _looked_at(
    connector: Mapping[str, Any], at: tuple[str | int, ...], known: frozenset[str], compile: Callable[[Any], Template]
) -> Iterator[Broken]:
    for where, text in _leaves(_found(connector, at), at):
        try:
            unknown = sorted(compile(text).names - known)
        except Wrong as failure:
            yield where, str(failure)
            continue
        if unknown:
            yield where, f"`{unknown[0]}` is not known here"


def _found(value: Any, at: tuple[str | int, ...]) -> Any:
    for step in at:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _leaves(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*at, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, (*at, index))


__all__ = ["Broken", "Definition", "Limit", "Listing", "broken", "compiled"]
