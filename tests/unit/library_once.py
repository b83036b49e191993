"""Sources of the library's connectors, loaded and compiled once: they are frozen, and a test drives each many times.

A test file asks for it by `from library_once import loaded_once  # noqa: F401`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import pytest

import engine.rest
from engine.model import Source
from engine.rest.definition import Definition, compiled
from engine.testing import conformance, source_of

_sources: dict[str, Source] = {}
_definitions: dict[tuple[int, str, str], tuple[Any, Definition]] = {}


def known_source(connector: str, settings: Mapping[str, Any], streams: Any = (), **more: Any) -> Source:
    """The source, loaded when it is asked for the first time."""
    key = json.dumps([connector, dict(settings), streams, more], default=str)
    if key not in _sources:
        _sources[key] = source_of(connector, settings, streams, **more)
    return _sources[key]


def known_definition(
    connector: Mapping[str, Any], stream: str, settings: Mapping[str, Any] | None = None
) -> Definition:
    """The stream, compiled when it is asked for the first time."""
    key = (id(connector), stream, json.dumps(settings, default=str))
    if key not in _definitions:
        _definitions[key] = (connector, compiled(connector, stream, settings))  # held, so that its id stays its own
    return _definitions[key][1]


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """For a whole test file, let cases load and connectors compile once."""
    with (
        mock.patch.object(conformance, "source_of", known_source),
        mock.patch.object(engine.rest, "compiled", known_definition),
    ):
        yield
