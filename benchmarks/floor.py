"""The least that validating manifests takes with the same libraries: run as `floor.py PROJECT`.

Reads the manifests that the engine reads with PyYAML's C loader, checks each against its JSON Schema with a validator
that is compiled once, and parses every SQL string once with sqlglot. It looks at nothing else, keeps no places for
messages, and knows no names: a program that does what `engine validate` promises cannot do less.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry

HERE = Path(__file__).resolve().parent.parent
FOLDERS = {"model": "models", "mapping": "mappings"}
LIBRARY = {"model": "mappings/model", "mapping": "mappings"}


def main(project: Path) -> None:
    validators = {
        kind: Draft202012Validator(
            json.loads((HERE / "engine" / "load" / "schemas" / f"{kind}.json").read_text("utf-8")), registry=Registry()
        )
        for kind in ("project", "mapping", "model")
    }
    files = [("project", project / "project.yaml")]
    for kind, folder in FOLDERS.items():
        files += [(kind, file) for file in sorted((project / folder).glob("*.yaml"))]
        files += [(kind, file) for file in sorted((HERE / LIBRARY[kind]).glob("*.yaml"))]
    for kind, file in files:
        value = yaml.load(file.read_bytes(), yaml.CSafeLoader)
        if list(validators[kind].iter_errors(value)):
            sys.exit(f"{file} does not keep to its schema")
        for sql in expressions(value) if kind == "mapping" else ():
            sqlglot.parse_one(sql, read="duckdb")


def expressions(mapping: dict[str, Any]) -> list[str]:
    """The SQL in a mapping: of its fields and of its rules."""
    fields = [*mapping.get("fields", {}).values(), *mapping.get("let", {}).values()]
    sql = [one["sql"] for one in fields if isinstance(one, dict) and "sql" in one]
    return sql + [rule.get("reject") or rule["drop"] for rule in mapping.get("rules", [])]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
