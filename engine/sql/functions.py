"""The functions that mapping SQL is written with: reading cells, typing them exactly, cleaning them.

Each is one SQL expression over its parameters, with its meaning in both languages and examples that are tests.
The warehouse defines them before it runs a mapping. A typing function gives null for what it cannot take
without changing it; the mapping then rejects the row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANK = " \t\r\n\u00a0\u3000\ufeff\u200b"
"""Characters that stand around values in exports and mean nothing."""

NULL_WORDS = (
    "", "-", "--", "---", "—", "——", "–", "－", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "None", "nan", "NaN",
    "\\N", "无", "空", "0000-00-00", "0000-00-00 00:00:00",
)  # fmt: skip
"""Words that mean `no value` where a field does not name its own. (exports of Tmall, 生意参谋, ERPs; pandas; MySQL dumps)"""

SCALES = range(10)
"""How many decimals a `decimal` may have."""

PROVINCES = {
    "北京": "北京市", "天津": "天津市", "上海": "上海市", "重庆": "重庆市", "河北": "河北省", "山西": "山西省",
    "辽宁": "辽宁省", "吉林": "吉林省", "黑龙江": "黑龙江省", "江苏": "江苏省", "浙江": "浙江省", "安徽": "安徽省",
    "福建": "福建省", "江西": "江西省", "山东": "山东省", "河南": "河南省", "湖北": "湖北省", "湖南": "湖南省",
    "广东": "广东省", "海南": "海南省", "四川": "四川省", "贵州": "贵州省", "云南": "云南省", "陕西": "陕西省",
    "甘肃": "甘肃省", "青海": "青海省", "台湾": "台湾省", "内蒙古": "内蒙古自治区", "广西": "广西壮族自治区",
    "西藏": "西藏自治区", "宁夏": "宁夏回族自治区", "新疆": "新疆维吾尔自治区", "香港": "香港特别行政区",
    "澳门": "澳门特别行政区",
}  # fmt: skip
"""Short and full names of the provinces (GB/T 2260)."""


@dataclass(frozen=True, slots=True)
class Function:
    """A named SQL expression. `examples` are calls and the text of what they give (None: null)."""

    name: str
    parameters: tuple[str, ...]
    body: str
    en: str
    zh: str
    examples: tuple[tuple[str, str | None], ...] = ()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _once(value: str, name: str, body: str) -> str:
    """An expression in which `value` is computed once and called `name`; without it, nested functions grow beyond measure."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(_quoted(word) for word in words)


_FULL_WIDTH = "０１２３４５６７８９．，－＋％（）：／￥　"
_HALF_WIDTH = "0123456789.,-+%():/¥ "

_EDGE = r"^ \t\r\n\x{a0}\x{3000}\x{feff}\x{200b}"
_TIDY = rf"[{_EDGE}=''`]((?s:.*)[{_EDGE}])?"
_NO_VALUE = _quoted("|".join(re.escape(word) for word in NULL_WORDS))
_PLAIN = r"[+-]?[0-9]{1,18}(\.[0-9]{1,10}0*)?"
_GROUPED = r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,10}0*)?"
_POINTED = r"[+-]?(\.[0-9]{1,10}0*|[0-9]{1,18}\.)"
_MONEY = r"^([+-]?)(?:¥|CNY|RMB)?([+-]?)(.*?)(?:元|件|个|笔|人|次)?$"
_SCIENTIFIC = r"[+-]?([0-9]+\.[0-9]+[eE]\+?[0-9]{1,3}|[0-9]+[eE]\+[0-9]{1,3})"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_LOOSE_TIME = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( +[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?"
_ZONED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"

READING = (
    Function(
        "bare", ("x",), f"trim(x, {_quoted(BLANK)})",
        "text without the blanks, tabs, full-width spaces and byte order marks around it",
        "去掉首尾的空格、制表符、全角空格和 BOM",
        (("bare('\u3000a b\t')", "a b"),),
    ),
    Function(
        "unwrapped", ("x",),
        _once("bare(x)", "b",
              "CASE left(b, 1) "
              r"""WHEN '=' THEN bare(regexp_replace(b, '^="(.*)"$', '\1')) """
              "WHEN '''' THEN bare(substr(b, 2)) WHEN '`' THEN bare(substr(b, 2)) ELSE b END"),
        "text without what spreadsheets wrap around it: =\"…\", a leading ' or `",
        "去掉表格软件加的外壳：=\"…\"、开头的 ' 或 `",
        (('unwrapped(\'="3725362658812595205"\')', "3725362658812595205"), ("unwrapped('''00501')", "00501")),
    ),
    Function(
        # Most cells are bare already; one pass of a regular expression tells, at a quarter of the price of `trim`.
        "cell", ("x",), f"CASE WHEN regexp_full_match(x, '{_TIDY}') THEN x ELSE unwrapped(x) END",
        "the value of a spreadsheet cell: what stands in it, unwrapped",
        "单元格的值：去掉外壳后的内容",
        (("cell('\t12 ')", "12"), ("cell('a b')", "a b"), ("cell('`9')", "9"), ("cell('\u3000浙江')", "浙江")),
    ),
    Function(
        # One regular expression for all words: DuckDB turns a list of words into a join, for every column.
        "blank", ("x",),
        f"CASE WHEN regexp_full_match(x, {_NO_VALUE}) THEN NULL WHEN regexp_full_match(x, '{_TIDY}') THEN x "
        f"ELSE {_once('unwrapped(x)', 'u', f'CASE WHEN regexp_full_match(u, {_NO_VALUE}) THEN NULL ELSE u END')} END",
        "the value of a cell, or null where it holds a word that means `no value`",
        "单元格的值；是空值写法（-、无、null 等）时为空",
        (("blank('--')", None), ("blank('无')", None), ("blank('-8')", "-8"), ("blank(' 0 ')", "0")),
    ),
    Function(
        "half_width", ("x",), f"translate(x, {_quoted(_FULL_WIDTH)}, {_quoted(_HALF_WIDTH)})",
        "text with full-width digits and signs made half-width",
        "全角数字和符号转半角",
        (("half_width('１２．５％')", "12.5%"),),
    ),
)  # fmt: skip

_NUMBER = (
    Function(
        "money_text", ("x",), rf"regexp_replace(replace(half_width(x), ' ', ''), '{_MONEY}', '\1\2\3')",
        "the digits of an amount, without currency sign and unit word", "去掉货币符号和单位字后的数字文本",
        (("money_text('¥ 1,234.50元')", "1,234.50"),),
    ),
    Function(
        "tidy_number", ("x",),
        f"CASE WHEN regexp_full_match(x, '{_PLAIN}|{_GROUPED}|{_POINTED}') "
        "THEN TRY_CAST(replace(x, ',', '') AS DECIMAL(38, 10)) END",
        "a number written plainly or with thousands separators", "普通写法或带千分位的数字",
        (("tidy_number('1,234.5')", "1234.5000000000"), ("tidy_number('1,23')", None), ("tidy_number('1e3')", None)),
    ),
    Function(
        "loose_number", ("x",),
        "TRY_CAST(tidy_number(CASE WHEN regexp_full_match(x, '\\(.*\\)|.*[万亿]') THEN rtrim(ltrim(x, '('), ')万亿') ELSE x END) "
        "AS DECIMAL(28, 10)) * CASE right(x, 1) WHEN ')' THEN -1 WHEN '万' THEN 10000 WHEN '亿' THEN 100000000 ELSE 1 END",
        "a number in brackets (negative) or in 万 / 亿 too", "还认括号负数、万、亿",
        (("loose_number('(12.5)')", "-12.5000000000"), ("loose_number('2.5万')", "25000.0000000000")),
    ),
    Function(
        "to_number", ("x",),
        f"CASE WHEN regexp_full_match(x, '{_PLAIN}') THEN TRY_CAST(x AS DECIMAL(38, 10)) "
        f"ELSE {_once('money_text(x)', 'm', 'loose_number(m)')} END",
        "a number as people and platforms write it, exact to 10 decimals; null where it is anything else",
        "按人和平台的写法读取数字，精确到 10 位小数；读不出为空",
        (("to_number('¥1,234.56')", "1234.5600000000"), ("to_number('１２')", "12.0000000000"),
         ("to_number('1.23E+11')", None), ("to_number('12%')", None), ("to_number('十二')", None)),
    ),
    Function(
        "to_percent", ("x",),
        "CASE WHEN ends_with(half_width(x), '%') THEN to_number(half_width(x)[:-2]) * 0.01 ELSE to_number(x) * 0.01 END",
        "a share written in percent, as a fraction", "百分数写法的比率，存为小数",
        (("to_percent('78.15%')", "0.781500000000"), ("to_percent('45')", "0.450000000000")),
    ),
    Function(
        "to_fraction", ("x",),
        "CASE WHEN ends_with(half_width(x), '%') THEN to_number(half_width(x)[:-2]) * 0.01 ELSE to_number(x) END",
        "a share written as a fraction (a percent sign is believed)", "小数写法的比率（带 % 时按百分数）",
        (("to_fraction('0.02555')", "0.0255500000"), ("to_fraction('0.9%')", "0.0090000000")),
    ),
)  # fmt: skip


def _scaled(scale: int) -> tuple[Function, Function]:
    digits = min(15, 18 - scale)
    decimals = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    sample = f"{12:.{scale}f}"
    exact = Function(
        f"exactly_{scale}", ("x",), f"CASE WHEN TRY_CAST(x AS DECIMAL(18, {scale})) = x THEN TRY_CAST(x AS DECIMAL(18, {scale})) END",
        f"a number that has at most {scale} decimals; null instead of rounding", f"至多 {scale} 位小数，需要舍入时为空",
        ((f"exactly_{scale}(12)", sample), (f"exactly_{scale}(0.1234567890123)", None)),
    )  # fmt: skip
    typed = Function(
        f"to_decimal_{scale}", ("x",),
        f"CASE WHEN regexp_full_match(x, '-?[0-9]{{1,{digits}}}{decimals}') THEN TRY_CAST(x AS DECIMAL(18, {scale})) "
        f"ELSE {_once('blank(x)', 'b', _once('to_number(b)', 'n', f'exactly_{scale}(n)'))} END",
        f"a decimal with {scale} decimals; null where the text is no number or has more", f"{scale} 位小数的数值",
        ((f"to_decimal_{scale}('12')", sample), (f"to_decimal_{scale}('1.2.3')", None)),
    )  # fmt: skip
    return exact, typed


TYPING = (
    *_NUMBER,
    *(function for scale in SCALES for function in _scaled(scale)),
    Function(
        "to_integer", ("x",),
        "CASE WHEN regexp_full_match(x, '-?[0-9]{1,18}') THEN TRY_CAST(x AS BIGINT) "
        f"ELSE TRY_CAST({_once('blank(x)', 'b', _once('to_number(b)', 'n', 'exactly_0(n)'))} AS BIGINT) END",
        "a whole number; null where there is a fraction", "整数，带小数时为空",
        (("to_integer('1,234')", "1234"), ("to_integer('12.0')", "12"), ("to_integer('12.5')", None)),
    ),
    Function(
        "is_damaged_id", ("x",), f"regexp_full_match(half_width(x), '{_SCIENTIFIC}|[0-9]{{16,}}\\.0+')",
        "whether a number has lost digits: written as 3.72537E+18, or a long one with `.0`",
        "编号是否已损坏：被写成 3.72537E+18 或长编号带 .0",
        (("is_damaged_id('3.72537E+18')", "true"), ("is_damaged_id('1E5')", "false"),
            ("is_damaged_id('3.72E18')", "true"),
            ("is_damaged_id('３.７２E+１８')", "true"), ("is_damaged_id('3725362658812595205')", "false")),
    ),
    Function(
        "loose_id", ("x",),
        "CASE WHEN regexp_full_match(x, '[A-Za-z][0-9A-Za-z_-]*') THEN x WHEN is_damaged_id(x) THEN NULL "
        "WHEN regexp_full_match(x, '[0-9]{1,15}\\.0+') THEN split_part(x, '.', 1) "
        "ELSE translate(x, '０１２３４５６７８９', '0123456789') END",
        "an identifier that is not all digits", "不全是数字的编号",
        (("loose_id('266079.0')", "266079"), ("loose_id('A-１')", "A-1")),
    ),
    Function(
        "to_id", ("x",),
        "CASE WHEN regexp_full_match(x, '[0-9]+') THEN x "
        f"ELSE {_once('blank(x)', 'b', 'loose_id(b)')} END",
        "an identifier as text, digit for digit; null where digits are lost", "编号文本，一位不差；已损坏的为空",
        (("to_id('003725')", "003725"), ("to_id('266079.0')", "266079"), ("to_id('3.72537E+18')", None), ("to_id('A-１')", "A-1")),
    ),
    Function(
        "time_text", ("x",),
        "bare(regexp_replace(regexp_replace(translate(half_width(x), '年月日时点分秒/', '-- ::: -'), "
        r"""'^([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})', '\1-\2-\3'), ':+ *$', ''))""",
        "a date or time with its Chinese words and slashes made dashes and colons", "把年月日、斜杠等写法统一成横线和冒号",
        (("time_text('2020年2月1日 9时5分')", "2020-2-1  9:5"), ("time_text('2020/2/21 0:00')", "2020-2-21 0:00"), ("time_text('2020.2.1')", "2020-2-1")),
    ),
    Function(
        "serial_time", ("x",),
        "CASE WHEN regexp_full_match(x, '[0-9]{5}(\\.[0-9]+)?') AND TRY_CAST(x AS DOUBLE) BETWEEN 20000 AND 80000 "
        "THEN TIMESTAMP '1899-12-30' + to_seconds(CAST(round(TRY_CAST(x AS DOUBLE) * 86400) AS BIGINT)) END",
        "a date that a spreadsheet stores as a number of days (1954 to 2119)", "表格软件用天数存的日期",
        (("serial_time('43882.5')", "2020-02-21 12:00:00"), ("serial_time('12345')", None)),
    ),
    Function(
        "loose_timestamp", ("x", "zone"),
        f"CASE WHEN regexp_full_match(time_text(x), '{_LOOSE_TIME}') THEN TRY_CAST(time_text(x) AS TIMESTAMP) "
        f"WHEN regexp_full_match(x, '{_ZONED}') THEN timezone(zone, TRY_CAST(x AS TIMESTAMPTZ)) "
        "WHEN regexp_full_match(x, '[0-9]{8}') THEN TRY_CAST(try_strptime(x, '%Y%m%d') AS TIMESTAMP) "
        "WHEN regexp_full_match(x, '[0-9]{14}') THEN TRY_CAST(try_strptime(x, '%Y%m%d%H%M%S') AS TIMESTAMP) "
        "ELSE serial_time(x) END",
        "a time in one of the less tidy forms", "各种不规整写法的时间",
        (("loose_timestamp('2020-02-01T10:00:00Z', 'Asia/Shanghai')", "2020-02-01 18:00:00"),),
    ),
    Function(
        "to_timestamp_in", ("x", "zone"),
        f"CASE WHEN regexp_full_match(x, '{_INSTANT}') THEN TRY_CAST(x AS TIMESTAMP) "
        f"ELSE {_once('blank(x)', 'b', 'loose_timestamp(b, zone)')} END",
        "a wall-clock time of the zone: dashes, slashes, Chinese words, date only, 24:00, spreadsheet numbers, offsets",
        "时间：横线、斜杠、年月日、只有日期、24:00、表格天数、带时区偏移的写法都认",
        (("to_timestamp_in('2020-02-21 00:00:02', 'UTC')", "2020-02-21 00:00:02"),
         ("to_timestamp_in('2020/2/21 0:00', 'UTC')", "2020-02-21 00:00:00"),
         ("to_timestamp_in('2020-02-21 24:00', 'UTC')", "2020-02-22 00:00:00"),
         ("to_timestamp_in('20200221', 'UTC')", "2020-02-21 00:00:00"),
         ("to_timestamp_in('2020-02-30', 'UTC')", None), ("to_timestamp_in('02/21/2020', 'UTC')", None)),
    ),
    Function(
        "to_date_in", ("x", "zone"),
        _once("to_timestamp_in(x, zone)", "t", "CASE WHEN t = date_trunc('day', t) THEN CAST(t AS DATE) END"),
        "a date; null where the text has a time of day other than midnight", "日期；带非零点时间的为空",
        (("to_date_in('2020年2月1日', 'UTC')", "2020-02-01"), ("to_date_in('2020-02-01 10:00', 'UTC')", None)),
    ),
    Function(
        "to_yes_no", ("x",),
        "CASE WHEN lower(blank(x)) IN ('是', 'true', '1', 'y', 'yes', '有', '已') THEN true "
        "WHEN lower(blank(x)) IN ('否', 'false', '0', 'n', 'no', '没有', '未') THEN false END",
        "yes or no", "是或否",
        (("to_yes_no('是')", "true"), ("to_yes_no('N')", "false"), ("to_yes_no('也许')", None)),
    ),
)  # fmt: skip

_PROVINCE_NAMES = ", ".join(f"{_quoted(short)}: {_quoted(full)}" for short, full in {**PROVINCES, "": "未知"}.items())

CLEANING = (
    Function("squeeze", ("x",), "regexp_replace(bare(x), '\\s+', ' ', 'g')",
             "runs of blanks made one", "连续空白合成一个", (("squeeze(' a   b ')", "a b"),)),
    Function("uppercase", ("x",), "upper(x)", "upper case", "转大写", (("uppercase('ab-1')", "AB-1"),)),
    Function("lowercase", ("x",), "lower(x)", "lower case", "转小写", (("lowercase('AB')", "ab"),)),
    Function("digits", ("x",), _once("regexp_replace(half_width(x), '[^0-9]', '', 'g')", "d", "nullif(d, '')"),
             "only the digits", "只留数字", (("digits('ID：12-３')", "123"), ("digits('无号')", None))),
    Function("first_token", ("x",), _once("split_part(bare(x), ' ', 1)", "p", "nullif(p, '')"),
             "what stands before the first blank", "第一个空格之前的部分", (("first_token('浙江省 杭州市')", "浙江省"),)),
    Function("province", ("x",),
             f"MAP {{{_PROVINCE_NAMES}}}[regexp_extract(bare(x), '^(?:中国)?\\s*({'|'.join(PROVINCES)})', 1)]",
             "the full name of the province that an address begins with; 未知 where it begins with none (the address itself is never kept)",
             "地址开头的省级行政区全称；认不出为“未知”（不保留地址本身）",
             (("province('浙江省 杭州市 余杭区')", "浙江省"), ("province('内蒙古呼和浩特')", "内蒙古自治区"), ("province('上海')", "上海市"), ("province('Tokyo')", "未知"))),
    Function("address_part", ("x", "n"), "split_part(regexp_replace(squeeze(x), '^中国 ?', ''), ' ', n)",
             "one part of an address written in parts, without the country", "分段地址的某一段（不含国家）",
             (("address_part('中国 浙江省 杭州市', 2)", "杭州市"),)),
    Function("city", ("x",), "nullif(regexp_extract(address_part(x, 2), '^[^0-9]{1,12}(?:市|州|盟|地区)$'), '')",
             "the city of an address written in parts; null where the second part is none (nothing finer is ever kept)",
             "分段地址的市；第二段不是市时为空（不保留更细的内容）",
             (("city('浙江省 杭州市 余杭区')", "杭州市"), ("city('浙江省 13812345678 文三路')", None), ("city('上海市 徐汇区 虹桥路1号')", None))),
    Function("district", ("x",),
             "nullif(coalesce(nullif(regexp_extract(address_part(x, 3), '^[^0-9]{1,12}(?:区|县|市|旗)$'), ''), "
             "regexp_extract(address_part(x, 2), '^[^0-9]{1,12}(?:区|县|旗)$')), '')",
             "the district of an address written in parts; null where no part is one (nothing finer is ever kept)",
             "分段地址的区县；没有时为空（不保留更细的内容）",
             (("district('浙江省 杭州市 余杭区 某街道')", "余杭区"), ("district('上海市 徐汇区 虹桥路1号')", "徐汇区"), ("district('东莞市 长安镇 霄边社区12栋301')", None))),
    Function("pseudonym", ("x",), "left(sha256(getvariable('salt') || x), 32)",
             "a stand-in for an identifier of a person: the same every time, and of no use without the salt",
             "个人标识的假名：同一个值得到同一个假名，没有盐无法还原"),
)  # fmt: skip

CLEANINGS: dict[str, str] = {"trim": "bare", "upper": "uppercase", "lower": "lowercase"} | {
    function.name: function.name
    for function in CLEANING
    if function.name not in ("uppercase", "lowercase", "address_part")
}
"""What a field's `clean` may name, and the function behind it."""

FUNCTIONS: tuple[Function, ...] = (*READING, *TYPING, *CLEANING)
"""All of them, each after those it is made of."""
