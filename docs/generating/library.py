"""The pages of the shared model and of the metrics that travel with the engine."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.load import library, load
from engine.metric import catalogue
from engine.model import Project
from generating.text import code, page, table

_PII = {
    "P0": "not personal",
    "P1": "pseudonym",
    "P2": "identifies a person",
    "P3": "sensitive",
}


def shipped() -> Project:
    """A project that takes in the whole library."""
    packs = [
        one.relative_to(library()).with_suffix("").as_posix() for one in sorted((library() / "metrics").rglob("*.yaml"))
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "project.yaml"
        file.write_text(
            f"kind: project\nname: library\nuse: [{', '.join(packs)}]\n"
            "sources: {a: {connector: files, streams: {b: {path: x}}}}\n",
            "utf-8",
        )
        return load(file)


def tables(project: Project) -> str:
    """The tables of the shared model."""
    levels = ", ".join(f"{code(level)} {words}" for level, words in _PII.items())
    parts = [
        "What mappings fill and metrics are taken over. Amounts are in the project's currency, times are "
        "wall-clock times of the project's "
        "zone. A project adds columns that begin with `ext_`, or tables of its own, with [`kind: model`](model.md).",
        f"PII: {levels}. `query` and `show` never give values of P2 and P3; they can only be counted.",
        "映射填充这些表，指标基于这些表。金额为项目币种，时间为项目时区的当地时间。",
    ]
    for one in project.tables.values():
        words = _allowed(one.origin.document.path)
        parts.append(f"## {one.name}")
        joins = ", ".join(f"{code(other)} by {', '.join(map(code, by))}" for other, by in one.joins.items())
        facts = [f"{one.label.zh} · {one.label.en}: {one.grain}.", f"Key: {', '.join(map(code, one.key))}."]
        facts += [f"Dated by {code(one.time)}."] if one.time else []
        facts += [f"Belongs to {joins}."] if joins else []
        parts.append(" ".join(facts))
        rows = [
            (
                code(column.name),
                f"{column.type}({column.scale})" if column.type == "decimal" else column.type,
                column.unit or "",
                "" if column.pii == "P0" else column.pii,
                column.label.en + (f"<br>{words[column.name]}" if column.name in words else ""),
                column.label.zh,
            )
            for column in one.columns.values()
        ]
        parts.append(table(("column", "type", "unit", "PII", "what it holds", "说明"), rows))
    return page("Tables of the shared model", *parts)


def _allowed(path: str) -> dict[str, str]:
    """The words that a column may hold, which the model's files give in comments as `# column: this | that`."""
    found: dict[str, str] = {}
    column = ""
    for line in (library() / path.removeprefix("library/")).read_text("utf-8").splitlines():
        if match := re.fullmatch(r" +# (\w+): (.+ \| .+)", line):
            column = match[1]
            found[column] = match[2]
        elif column and (match := re.fullmatch(r" +#   (\| .+)", line)):
            found[column] += f" {match[1]}"
        else:
            column = ""
    return {name: " ".join(map(_word, said.split("|"))) for name, said in found.items()}


def _word(said: str) -> str:
    return code(said.strip()) if re.fullmatch(r"[a-z_]+", said.strip()) else said.strip()


def metrics(project: Project) -> str:
    """The metrics of the library."""
    parts = [
        "Metrics that travel with the engine. A project takes a pack in with `use`, and may define a metric "
        "of the same name anew.",
        "随引擎发布的指标。项目用 `use` 引用，也可以用同名指标替换。",
    ]
    packs: dict[str, list[str]] = {}
    for name, metric in project.metrics.items():
        packs.setdefault(metric.origin.document.path, []).append(name)
    entries = {one.name: one for one in catalogue(project)}
    for path, names in packs.items():
        parts.append(f"## {path.removeprefix('library/').removesuffix('.yaml')}")
        rows = [
            (code(one.name), one.label.zh, one.label.en, code(one.formula), one.unit or "", one.about or "")
            for one in (entries[name] for name in names)
        ]
        parts.append(table(("metric", "名称", "name", "formula", "unit", "说明"), rows))
    return page("Metrics of the library", *parts)
