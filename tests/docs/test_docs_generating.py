"""How reference pages are made: schemas that hold themselves, commands in groups, words for all that templates may use."""

from __future__ import annotations

import typer
from pages_at_hand import script

script("generate")  # puts docs/ on the path
commands = script("generating.commands")
manifests = script("generating.manifests")

TREE = {
    "properties": {
        "root": {"$ref": "#/$defs/node", "description": "Where it begins. · 起点。"},
        "others": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        "mark": {"anyOf": [{"$ref": "#/$defs/mark"}, {"type": "array", "items": {"$ref": "#/$defs/mark"}}]},
    },
    "$defs": {
        "node": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "below": {"type": "object", "additionalProperties": {"$ref": "#/$defs/node"}},
            },
        },
        "mark": {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}},
    },
}


def test_a_definition_is_shown_once_and_may_hold_itself():
    shown = list(manifests.Keys(TREE).sections())
    assert [one for one in shown if one.startswith("##")] == ["## `root`", "## `mark`"]
    whole = "\n".join(shown)
    assert "| `below` | keys and values, see [`root`](#root) |" in whole
    assert "| `others` | list of objects, see [`root`](#root) |" in whole
    assert "| `mark` | keys and values or list of objects |" in whole
    assert "| `colour` | `red`, `green` |" in whole
    assert "| `name` | text | required |" in whole


def test_commands_of_groups_are_told_with_the_name_of_the_group():
    whole, inner = typer.Typer(), typer.Typer()

    @whole.command()
    def plain() -> None: ...

    @inner.command("list")
    def listed() -> None: ...

    whole.add_typer(inner, name="connector")
    assert [name for name, _ in commands.commands(whole)] == ["plain", "connector list"]


def test_commands_that_say_something_else_every_time_still_have_to_end_well(tmp_path, monkeypatch):
    """`console check=status`: what is printed may differ, a failure may not."""
    pages = script("pages")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- run: empty -->\n\n```console check=status\n$ date\nyesterday\n$ ls nowhere\nall of it\n```\n", "utf-8"
    )
    text, differences = pages.run(page)
    assert [one.command for one in differences] == ["ls nowhere"]
    assert "(exit code 2)" in differences[0].printed
    assert "yesterday" in text, "what the page shows as an example stays"
