"""The page of cleaning functions, typing rules, and what SQL may use."""

from __future__ import annotations

import re

from engine.sql import expression, functions
from generating.text import code, page, table

_BY_TYPE = {
    "`decimal` (here 2 decimals)": "to_decimal_2",
    "`decimal`, `unit: percent`": "to_percent",
    "`decimal`, `unit: fraction`": "to_fraction",
    "`integer`": "to_integer",
    "`id`": "to_id",
    "`timestamp`": "to_timestamp_in",
    "`date`": "to_date_in",
    "`boolean`": "to_yes_no",
}


def functions_page() -> str:
    """Cleaning functions, typing rules, and what SQL may use."""
    words = " ".join(code(word) for word in functions.NULL_WORDS if word)
    every = {one.name: one for one in functions.FUNCTIONS}
    cleaning = [(code(name), *_function(every[behind], name)) for name, behind in functions.CLEANINGS.items()]
    typing_ = [(kind, *_function(every[name])) for kind, name in _BY_TYPE.items()]
    parts = [
        one for one in functions.TYPING if not re.search(r"_[013-9]$", one.name) and one.name not in _BY_TYPE.values()
    ]
    return page(
        "Functions",
        "## Cleaning\n\nWhat a field's `clean` may name. They work on the text of the record, in the order "
        "given, before it is typed.\n\n"
        "字段的 `clean` 可以写这些；在转换类型之前，按所写的顺序处理文本。",
        table(("name", "what it gives", "说明", "examples"), cleaning),
        "## Reading cells\n\nEvery value is read as a cell first: blanks around it and what spreadsheets wrap "
        "around it do not count.",
        table(
            ("name", "what it gives", "说明", "examples"),
            ((code(one.name), *_function(one)) for one in functions.READING),
        ),
        f"These words mean that there is no value, unless a field's `nulls` names others: {words}, and nothing "
        "at all.\n\n"
        "以上写法都当作空值，除非字段用 `nulls` 另外指定。",
        "## Typing\n\nHow the types are read. What a function cannot take without changing it sends the row "
        "to quarantine.\n\n"
        "各类型怎么读。不改变原值就读不了的，这一行进隔离区。",
        table(("type", "what it gives", "说明", "examples"), typing_),
        "They are made of these, which `engine plan --sql` shows by name:",
        table(("name", "what it gives", "说明", "examples"), ((code(one.name), *_function(one)) for one in parts)),
        "## SQL in manifests\n\nAn expression may use columns (in a mapping: fields), literals, `+ - * / %`, "
        "`||`, comparisons, `and`, `or`, "
        "`not`, `between`, `in (…)`, `like`, `is null`, `case`, `cast` and the functions below. Dividing by "
        "zero gives null. Sub-selects, "
        "windows, comments, and whatever touches files, the network, the environment, settings or the clock "
        "are refused.",
        "Functions: " + ", ".join(code(name) for name in expression.FUNCTIONS) + ".",
        "Aggregates, in a `measure` only: "
        + ", ".join(code(name) for name in expression.AGGREGATES)
        + ", and `count(distinct …)`.",
    )


def _function(one: functions.Function, name: str = "") -> tuple[str, str, str]:
    calls = ((call.replace(f"{one.name}(", f"{name or one.name}("), gives) for call, gives in one.examples)
    examples = "<br>".join(
        f"{code(_visible(call))} → {'null' if gives is None else code(gives)}" for call, gives in calls
    )
    return one.en, one.zh, examples


def _visible(call: str) -> str:
    return call.replace("\t", "⇥").replace("\u3000", "␣")
