"""Findings about records: what a file lacks, values that cannot be taken, rows that were rejected."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "refused-records": error(
        Words("the records of `{part}` cannot be read: {reason}", help="open the file and export it again"),
        Words("无法读取 `{part}` 的记录：{reason}", help="请打开文件检查，或重新导出"),
    ),
    "missing-column": error(
        Words(
            "`{part}` has no column {wanted}",
            label="read by this field",
            notes=(
                "columns of the file: {columns}",
                "the file was not loaded; the others of this run are kept for the next",
            ),
            help="did you mean `{near}`? Add it to `from`, or say `optional: true`",
        ),
        Words(
            "`{part}` 没有列 {wanted}",
            label="这个字段要读它",
            notes=("文件里的列：{columns}", "这个文件没有载入；本次已读的其他文件会留到下一次"),
            help="是不是 `{near}`？把它加进 `from`，或写 `optional: true`",
        ),
    ),
    "damaged-ids": error(
        Words(
            "`{part}` has identifiers that lost digits: {count} in column `{column}`, such as `{example}` in row {row}",
            label="identifies rows",
            notes=(
                "a spreadsheet turned long numbers into {how}; the digits cannot be brought back",
                "the file was not loaded",
            ),
            help="export it again and do not save it from Excel; to look at it, import it with that column as text",
        ),
        Words(
            "`{part}` 的编号丢了位数：`{column}` 列有 {count} 个，例如第 {row} 行的 `{example}`",
            label="用作编号",
            notes=("表格软件把长数字变成了{how_zh}，丢掉的位数无法恢复", "这个文件没有载入"),
            help="请重新导出，不要用 Excel 另存；要查看时，用“导入文本”并把这一列设为文本",
        ),
    ),
    "rows-rejected": warning(
        Words(
            "{count} of {read} rows were rejected: `{field}` {reason}",
            label="{example_label}",
            notes=("for example row {row} of `{part}`",),
            help="`engine show quarantine` lists them; they come back by themselves once the mapping or the file is mended",
        ),
        Words(
            "{read} 行中有 {count} 行被拒收：`{field}` {reason_zh}",
            label="{example_label}",
            notes=("例如 `{part}` 第 {row} 行",),
            help="用 `engine show quarantine` 查看；修好映射或文件后它们会自动回来",
        ),
    ),
    "unknown-values": warning(
        Words(
            "`{field}` has {count} values that the map does not know: {examples}",
            label="not in the map",
            help="add them to the map; until then they stand in the table as `unknown:…`",
        ),
        Words(
            "`{field}` 有 {count} 个对照表里没有的值：{examples}",
            label="对照表里没有",
            help="把它们加进对照表；在此之前表里显示为 `unknown:…`",
        ),
    ),
}
