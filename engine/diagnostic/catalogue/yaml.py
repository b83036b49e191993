"""What the YAML reader says, in words for people: which mistake it most likely is, and what to do about it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Problem(NamedTuple):
    """A mistake in YAML text; its reasons are templates (`{said}`, `{character}`).

    `at` says which of the reader's two marks is the smaller place: where it stopped, or where what it read began.
    """

    reason: str
    reason_zh: str
    advice: str | None = None
    advice_zh: str | None = None
    at: Literal["stopped", "began"] = "stopped"


UNKNOWN = Problem("the reader stopped here: {said}", "读到这里不符合 YAML 的写法（{said}）")

QUOTE_LEFT_OPEN = Problem(
    "this quote is never closed", "这个引号没有闭合", "close it on the same line", "请在同一行补上引号", "began"
)
BRACKET_LEFT_OPEN = Problem(
    "this bracket is never closed", "这个括号没有闭合", "close it on the same line", "请在同一行补上括号", "began"
)
TEXT_AFTER_QUOTE = Problem(
    "text stands after the closing quote",
    "引号结束后还有内容",
    "put the whole value into one pair of quotes",
    "请用一对引号括住整个值",
)
VARIABLE_NOT_QUOTED = Problem(
    "`${{…}}` needs quotes between braces",
    "花括号里的 `${{…}}` 要加引号",
    'put the value into quotes, as in "${NAME}"',
    '请给值加上引号，例如 "${NAME}"',
)
COMMA_IN_TEXT = Problem(
    "a comma ends the value between brackets and braces",
    "括号里的逗号会把值截断",
    "put the value into quotes",
    "请给值加上引号",
)
COLON_IN_TEXT = Problem(
    "a second colon stands on the line",
    "同一行出现了第二个冒号",
    "put the value into quotes",
    "请给值加上引号",
)
OTHER_LEVEL = Problem(
    "this line is indented like none of the lines above",
    "这一行的缩进与上面各行都对不上",
    "indent it as far as the lines that it belongs with",
    "请与同一层的行对齐",
)
UNDER_A_VALUE = Problem(
    "this line is indented below a line that has a value already",
    "上一行已经有值，这一行不能再往里缩进",
    "indent it as far as the line above",
    "请与上一行对齐",
)
TAG_LIKE = Problem(
    "a value cannot begin with `!`", "值不能以 `!` 开头", "put the value into quotes", "请给值加上引号", "began"
)

PROBLEMS: dict[str, Problem] = {
    "found unexpected end of stream": QUOTE_LEFT_OPEN,
    "found unexpected document indicator": QUOTE_LEFT_OPEN,
    "could not find expected ':'": Problem(
        "a colon is missing after this key",
        "这个键后面缺少冒号",
        "write `key: value`",
        "请写成 `键: 值`",
        "began",
    ),
    "did not find expected ',' or ']'": Problem(
        "a comma or a closing `]` is missing before this", "这里之前缺少逗号或 `]`"
    ),
    "did not find expected ',' or '}'": Problem(
        "a comma or a closing `}}` is missing before this", "这里之前缺少逗号或 `}}`"
    ),
    "did not find expected key": OTHER_LEVEL,
    "did not find expected <document start>": OTHER_LEVEL,
    "did not find expected '-' indicator": Problem(
        "this line stands among list items and does not begin with `- `",
        "这一行在列表中间，却没有以 `- ` 开头",
        "begin the item with `- `",
        "请在这一项前面写 `- `",
    ),
    "mapping values are not allowed in this context": UNDER_A_VALUE,
    "mapping keys are not allowed in this context": OTHER_LEVEL,
    "block sequence entries are not allowed in this context": Problem(
        "a list cannot begin on the line of its key",
        "列表不能和键写在同一行",
        "begin the list on the next line",
        "请另起一行写列表",
    ),
    "did not find expected node content": Problem("a value is missing before this", "这里之前缺少一个值"),
    "did not find expected comment or line break": Problem(
        "nothing may stand after `|` or `>` on their line",
        "`|` 或 `>` 后面不能再写内容",
        "write the text on the next lines, indented",
        "请把内容写到下一行并缩进",
    ),
    "did not find expected alphabetic or numeric character": Problem(
        "a value cannot begin with `*` or `&`",
        "值不能以 `*` 或 `&` 开头",
        'put the value into quotes, as in "*.yaml"',
        '请给值加上引号，例如 "*.yaml"',
        "began",
    ),
    "found character that cannot start any token": Problem(
        "a value cannot begin with this sign",
        "值不能以这个符号开头",
        "put the value into quotes",
        "请给值加上引号",
    ),
    "found unknown escape character": Problem(
        "a backslash between double quotes begins a code, and this is none",
        "双引号里的反斜杠是转义符，这不是有效的转义",
        "write the backslash twice",
        "请写两个反斜杠",
    ),
    "found undefined tag handle": TAG_LIKE,
    "did not find expected whitespace or line break": TAG_LIKE,
    "did not find expected tag URI": TAG_LIKE,
    "control characters are not allowed": Problem(
        "the character {character} cannot stand in YAML",
        "YAML 里不能有字符 {character}",
        "delete it; it may be invisible",
        "请删掉它，它可能看不见",
    ),
}
"""By what libyaml says."""
