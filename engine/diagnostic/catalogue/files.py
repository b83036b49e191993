"""Findings about data files: what they are, how they are written, and where their records are."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "no-path": error(
        Words("stream `{stream}` does not say which files it reads", label="no `path`", help="add `path: data/*.csv`"),
        Words("流 `{stream}` 没有说明读取哪些文件", label="缺少 `path`", help="请加上 `path: data/*.csv`"),
    ),
    "empty-file": error(
        Words("`{path}` is empty", help="export it again, or take it out of the folder"),
        Words("`{path}` 是空文件", help="请重新导出，或把它移出文件夹"),
    ),
    "empty-archive": error(
        Words("there is no data file in `{path}`", notes=("looked for CSV, Excel, JSON and Parquet files",)),
        Words("压缩包 `{path}` 里没有数据文件", notes=("查找了 CSV、Excel、JSON 和 Parquet 文件",)),
    ),
    "bad-file": error(
        Words(
            "`{path}` is damaged, or is no {kind} file",
            notes=("the reader says: {reason}",),
            help="export it anew",
        ),
        Words(
            "`{path}` 已损坏，或不是 {kind} 文件",
            notes=("读取时的提示：{reason}",),
            help="请重新导出",
        ),
    ),
    "password-file": error(
        Words("`{path}` is locked with a password", help="save a copy without a password"),
        Words("`{path}` 设置了密码", help="请另存一份不带密码的文件"),
    ),
    "unpacks-too-large": error(
        Words(
            "`{path}` unpacks to more than is allowed",
            notes=("the limit is {limit}, and no file may shrink more than 250 times", "it says that it holds {size}"),
            help="unpack it yourself if you trust it, or split it",
        ),
        Words(
            "`{path}` 解压后过大",
            notes=("上限为 {limit}，且单个文件压缩比不得超过 250 倍", "文件自称解压后为 {size}"),
            help="如果信任该文件，请自行解压，或拆分后再放入",
        ),
    ),
    "file-too-large": error(
        Words("`{path}` is larger than {limit}", help="save it as CSV or as JSON lines, which are read piece by piece"),
        Words("`{path}` 超过 {limit}", help="请保存为 CSV 或每行一个对象的 JSON Lines，可以分段读取"),
    ),
    "too-many-cells": error(
        Words(
            "sheet `{sheet}` of `{path}` spans {cells} cells",
            notes=("the limit is {limit}; a stray value far from the others is the usual reason",),
            help="delete the empty rows and columns between, or save the sheet as CSV",
        ),
        Words(
            "`{path}` 的工作表 `{sheet}` 占了 {cells} 个单元格",
            notes=("上限为 {limit}；通常是远处误填了一个值",),
            help="请删除中间的空行空列，或把工作表另存为 CSV",
        ),
    ),
    "no-sheet": error(
        Words("there is no sheet `{sheet}` in `{path}`", notes=("it has {sheets}",)),
        Words("`{path}` 里没有工作表 `{sheet}`", notes=("现有工作表：{sheets}",)),
    ),
    "no-table": error(
        Words("`{path}` is a web page without a table", help="export it as CSV or Excel"),
        Words("`{path}` 是网页，但里面没有表格", help="请导出为 CSV 或 Excel"),
    ),
    "unknown-encoding": error(
        Words("there is no encoding `{name}`", help="write `utf-8`, `gb18030` or `utf-16`, or leave `encoding` out"),
        Words("没有名为 `{name}` 的编码", help="请写 `utf-8`、`gb18030` 或 `utf-16`，或者不写 `encoding`"),
    ),
    "bad-encoding": error(
        Words(
            "the text of `{path}` cannot be decoded",
            label="byte 0x{byte}",
            notes=("tried {tried}; the first byte that does not fit is byte {offset}, counting from 0",),
            help="declare `encoding:` if you know it, or export the file again as UTF-8",
        ),
        Words(
            "`{path}` 的文字编码无法识别",
            label="字节 0x{byte}",
            notes=("已尝试 {tried}；第一个不符的字节位于 {offset}（从 0 数起）",),
            help="如果知道编码，请声明 `encoding:`，或重新导出为 UTF-8",
        ),
    ),
    "nul-bytes": warning(
        Words("{count} NUL characters in `{path}` were left out", notes=("they mean nothing in a text file",)),
        Words("已略去 `{path}` 中的 {count} 个 NUL 字符", notes=("它们在文本文件里没有含义",)),
    ),
    "no-header": error(
        Words(
            "no row of `{path}` looks like a header",
            notes=("looked at the first {searched} rows", "the first rows read:\n{seen}"),
            help="declare `header_row: 3` for the row with the names, or `header: [订单编号, …]` if there is none",
        ),
        Words(
            "`{path}` 里找不到表头",
            notes=("查看了前 {searched} 行", "最前面的几行：\n{seen}"),
            help="请用 `header_row: 3` 指明表头所在行；没有表头时用 `header: [订单编号, …]` 列出列名",
        ),
    ),
    "unclosed-quote": error(
        Words(
            "a quote in `{path}` is never closed",
            label="the cell begins on this line",
            help='close the quote, or declare `quote: ""` if nothing is quoted',
        ),
        Words(
            "`{path}` 里有引号没有闭合",
            label="单元格从这一行开始",
            help='请补上引号；如果文件不使用引号，请声明 `quote: ""`',
        ),
    ),
    "bad-json": error(
        Words("`{path}` is not valid JSON: {reason}", label="the reader stopped here"),
        Words("`{path}` 不是有效的 JSON：{reason}", label="读到这里停下了"),
    ),
    "repeated-key": error(
        Words(
            "an object in `{path}` has the key `{subject}` twice", notes=("only one of the two values could be kept",)
        ),
        Words("`{path}` 中有对象重复出现键 `{subject}`", notes=("两个值只能保留一个",)),
    ),
    "not-a-number": error(
        Words("`{path}` holds `{subject}`, which is not JSON", help="export the value as null or as a number"),
        Words("`{path}` 含有 `{subject}`，这不是合法的 JSON", help="请把该值导出为 null 或数字"),
    ),
    "no-records": error(
        Words(
            "there are no records in `{path}`",
            notes=("nothing is at `{records}`", "lists are at {paths}"),
            help="declare where they are, as in `records: data.orders`",
        ),
        Words(
            "`{path}` 里找不到记录",
            notes=("`{records}` 处没有内容", "列表位于 {paths}"),
            help="请声明记录的位置，例如 `records: data.orders`",
        ),
    ),
    "several-lists": error(
        Words(
            "`{path}` holds several lists of records", notes=("they are at {paths}",), help="declare `records: {first}`"
        ),
        Words("`{path}` 里有多个记录列表", notes=("位于 {paths}",), help="请声明其中一个，例如 `records: {first}`"),
    ),
}
