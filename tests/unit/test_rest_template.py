"""Templates of requests: compiled once, types kept, nothing read twice, nothing reached that is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.rest.template import Wrong, compact, expression, path, paths, template

BEIJING = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("written", "scope", "made"),
    [
        ("{{ page }}", {"page": 0}, 0),
        ("{{ page }}", {"page": "007"}, "007"),
        ("{{ id }}", {"id": "3725362658812595205"}, "3725362658812595205"),
        ("x{{ page }}", {"page": 0}, "x0"),
        ("{{ a }}{{ b }}", {"a": 1, "b": 2}, "12"),
        ({"n": "{{ n }}", "l": ["{{ n }}", "t"]}, {"n": 2}, {"n": 2, "l": [2, "t"]}),
        ("{% if big %}y{% else %}n{% endif %}", {"big": False}, "n"),
        (5, {}, 5),
        ("{{ ids }}", {"ids": ["1", "2"]}, ["1", "2"]),
        ("{{ flag }}", {"flag": True}, True),
        ("{{ none }}", {}, None),
        # What a setting holds is a value, never a template.
        ("{{ text }}", {"text": "{{ 7 * 7 }}"}, "{{ 7 * 7 }}"),
        ("a {{ text }}", {"text": "{{ 7 * 7 }}"}, "a {{ 7 * 7 }}"),
    ],
)
def test_a_value_keeps_its_type(written, scope, made):
    value = template(written)(scope)
    assert value == made
    assert type(value) is type(made)


@pytest.mark.parametrize("written", ["{{ nope }}", "x{{ nope }}", "{{ page.nope }}", ["{{ nope }}"]])
def test_what_is_not_there_is_wrong(written):
    with pytest.raises(Wrong, match="nope"):
        template(written)({"page": {}})


@pytest.mark.parametrize("written", ["{{ ''.__class__.__mro__ }}", "{{ f.__globals__ }}", "x{{ ''.__class__ }}"])
def test_the_sandbox_holds(written):
    with pytest.raises(Wrong):
        template(written)({"f": lambda: 1})


@pytest.mark.parametrize("written", ["{{ a", "{{ a + }}", "{% if %}", "{{ a | nofilter }}"])
def test_what_is_no_template_is_found_when_it_is_compiled(written):
    with pytest.raises(Wrong):
        template(written)


def test_a_lenient_expression_takes_what_is_missing_for_nothing():
    assert expression("body.a.b.c", lenient=True)({"body": {}}) is None
    assert expression("headers['x'] | int > 3", lenient=True)({"headers": {}}) is None
    with pytest.raises(Wrong):
        expression("body.a.b.c")({"body": {}})


def test_times_are_written_in_every_form_of_the_platforms():
    scope = {"t": datetime(2026, 10, 5, 9, 30, 0, 123_000, tzinfo=BEIJING)}
    forms = {
        "{{ t | time('%Y-%m-%d %H:%M:%S') }}": "2026-10-05 09:30:00",
        "{{ t | time('%Y-%m-%d %H:%M:%S.000%z') }}": "2026-10-05 09:30:00.000+0800",
        "{{ t | unix }}": 1_791_163_800,
        "{{ t | unix_ms }}": 1_791_163_800_123,
        "{{ t | iso }}": "2026-10-05T09:30:00+08:00",
        "{{ t | utc | time('%Y-%m-%dT%H:%M:%SZ') }}": "2026-10-05T01:30:00Z",
        "{{ (t | unix) - 1325347200 }}": 465_816_600,
    }
    assert {form: template(form)(scope) for form in forms} == forms
    assert datetime.fromtimestamp(1_791_163_800, UTC) == datetime(2026, 10, 5, 1, 30, tzinfo=UTC)


def test_a_number_is_found_in_a_message():
    assert expression("m | number_in")({"m": "This ban will last for 7 more seconds"}) == 7
    assert expression("m | number_in('in ([0-9]+)s')")({"m": "code 29, in 12s"}) == 12
    with pytest.raises(Wrong):
        expression("m | number_in")({"m": "soon"})


def test_json_is_compact_and_keeps_letters():
    assert (
        compact({"b": "汉<&/", "a": [1, {"d": 2, "c": True}]}, ordered=True) == '{"a":[1,{"c":true,"d":2}],"b":"汉<&/"}'
    )


def test_paths_are_told_before_anything_is_read():
    assert paths("body.a.b == 1 and body['x-y'].z is not defined", "body") == {("a", "b"), ("x-y", "z")}
    assert paths("status == 200", "body") == set()
    assert paths("body | length", "body") is None
    assert path("body.data.list", "body") == ("data", "list")
    assert path("body", "body") == ()
    assert path("body.text | from_json", "body") is None
