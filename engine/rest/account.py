"""The accounts of a source: each with its settings, its token, and a way to ask for its streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from engine.connector import Client, GiveUp, Workplace
from engine.diagnostic import finding
from engine.model import Source, Stream
from engine.rest.definition import Definition
from engine.rest.exchange import Cost, Exchange
from engine.rest.limits import Bucket, Limits, rate_of
from engine.rest.template import Scope, Wrong, template
from engine.rest.token import TokenRule, Tokens

COMMON = ("accounts", "at_once", "rate")
"""Settings that every source of a connector has besides the connector's own."""

_limits: WeakKeyDictionary[Client, Limits] = WeakKeyDictionary()
_tokens: WeakKeyDictionary[Client, dict[str, Tokens]] = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class Account:
    """One of the accounts of a source. `shop` names it; it is empty where the source has but one."""

    shop: str
    scope: dict[str, Any]
    exchange: Exchange


def accounts(source: Source, stream: Stream, definition: Definition, place: Workplace, cost: Cost) -> list[Account]:
    """The accounts that a stream is to be read for."""
    return [_account(source, stream, definition, place, cost, given) for given in _given(source)]


def shops(source: Source) -> list[str]:
    """The names of the accounts of a source; one empty name where it declares none."""
    return [str(given.get("shop", "")) for given in _given(source)]


def _given(source: Source) -> list[dict[str, Any]]:
    own = {name: value for name, value in source.settings.items() if name not in COMMON}
    listed = source.settings.get("accounts") or [{}]
    return [{**own, **one} for one in listed]


def scope_of(definition: Definition, given: Mapping[str, Any], stream: Stream) -> dict[str, Any]:
    """What templates know of an account and a stream: settings, options, and what `let` names."""
    options = dict(stream.settings)
    scope: dict[str, Any] = {**definition.defaults, **given, **options}
    scope |= {
        "stream": stream.name,
        "fields": list(definition.names),
        "shop": given.get("shop", ""),
        "options": options,
    }
    try:
        for name, one in definition.let.items():
            scope[name] = one(scope)
    except Wrong as failure:
        raise GiveUp(finding("cannot-ask", stream.origin.place(), name=stream.name, reason=str(failure))) from None
    return scope


def _account(
    source: Source, stream: Stream, definition: Definition, place: Workplace, cost: Cost, given: dict[str, Any]
) -> Account:
    scope = scope_of(definition, given, stream)
    limits = _limits_of(place.client)
    rate = source.settings.get("rate")
    keys = _keys(source, stream, definition)

    def buckets(asked: Scope) -> list[Bucket]:
        made = [
            limits.bucket(
                (*key, *(str(asked.get(name, "")) for name in limit.per)), limit.rate, limit.burst, limit.at_once
            )
            for key, limit in zip(keys, definition.limits, strict=True)
        ]
        own = [limits.bucket((source.name, "rate"), rate_of(rate), 1.0, None)] if rate else []
        return made + own

    exchange = Exchange(
        client=place.client,
        limits=limits,
        manners=definition.manners,
        buckets=buckets,
        tokens=_tokens_of(source, definition, scope, given, place),
        place=stream.origin.place(),
        name=f"{source.name}.{stream.name}" + (f" ({given['shop']})" if given.get("shop") else ""),
        cost=cost,
    )
    return Account(str(given.get("shop", "")), scope, exchange)


def _keys(source: Source, stream: Stream, definition: Definition) -> list[tuple[str, ...]]:
    """What a bucket of each limit is told by, besides values: those of the connector come first and are every stream's."""
    shared = len(_manifest(source).get("limits") or ())
    own = ["" if at < shared else stream.name for at in range(len(definition.limits))]
    return [
        ("limit", source.connector, name, str(at), str(limit.rate), ",".join(limit.per))
        for at, (name, limit) in enumerate(zip(own, definition.limits, strict=True))
    ]


def _manifest(source: Source) -> Mapping[str, Any]:
    return source.preset.value if source.preset else {}


def _limits_of(client: Client) -> Limits:
    with _lock:
        if client not in _limits:
            _limits[client] = Limits(client)
        return _limits[client]


def _tokens_of(
    source: Source, definition: Definition, scope: dict[str, Any], given: Mapping[str, Any], place: Workplace
) -> Tokens | None:
    """The token of an account: one for all its streams, so that one renews it."""
    if definition.token is None:
        return None
    per = definition.token.per
    shared = {name: scope.get(name) for name in per} if per else _credentials(source, definition.token, given)
    sign = sha256(json.dumps([source.name, shared], sort_keys=True, default=str).encode()).hexdigest()[:16]
    with _lock:
        known = _tokens.setdefault(place.client, {})
        if sign not in known:
            file = place.keep / f"token-{sign}.json" if place.keep else None
            name = source.name + (f" ({given['shop']})" if given.get("shop") else "")
            where = source.origin.place()

            def refused(said: str) -> GiveUp:
                return GiveUp(finding("token-refused", where, name=name, said=said))

            known[sign] = Tokens(definition.token, scope, file, place.client.now, refused)
        return known[sign]


def _credentials(source: Source, rule: TokenRule, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a token comes from. No other setting may orphan the token that is kept: it may be the only one."""
    manifest = _manifest(source)
    blocks = (manifest, *manifest.get("streams", {}).values())
    let = [(name, template(one).names) for block in blocks for name, one in (block.get("let") or {}).items()]
    names = set(rule.names)
    while more := {one for name, used in let if name in names for one in used} - names:
        names |= more
    settings = {name: one.get("default") for name, one in (manifest.get("settings") or {}).items()}
    return {name: value for name, value in {"shop": None, **settings, **given}.items() if name in names}
