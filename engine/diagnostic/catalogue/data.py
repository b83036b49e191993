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
                "a field that says `optional: true` may be missing",
            ),
            help="did you mean `{near}`?",
        ),
        Words(
            "`{part}` 没有列 {wanted}",
            label="这个字段要读它",
            notes=(
                "文件里的列：{columns}",
                "这个文件没有载入；本次已读的其他文件会留到下一次",
                "写了 `optional: true` 的字段可以缺列",
            ),
            help="是不是 `{near}`？",
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
            help="export it again, and do not open and save it with a spreadsheet",
        ),
        Words(
            "`{part}` 的编号丢了位数：`{column}` 列有 {count} 个，例如第 {row} 行的 `{example}`",
            label="用作编号",
            notes=("表格软件改写了长数字（{how_zh}），丢掉的位数无法恢复", "这个文件没有载入"),
            help="请重新导出，不要用表格软件打开后再保存",
        ),
    ),
    "rows-rejected": warning(
        Words(
            "{count} of {read} rows rejected: `{field}` {reason}",
            label="{example_label}",
            notes=("for example row {row} of `{part}`",),
            help="see them with `engine show quarantine`; they come back by themselves once the cause is mended",
        ),
        Words(
            "{read} 行中有 {count} 行被拒收：`{field}` {reason_zh}",
            label="{example_label}",
            notes=("例如 `{part}` 第 {row} 行",),
            help="用 `engine show quarantine` 查看；修好映射或文件后它们会自动回来",
        ),
    ),
    "rows-refused": warning(
        Words(
            "{count} of {read} rows rejected by a rule: {reason}",
            label="{example_label}",
            notes=("for example row {row} of `{part}`",),
            help="see them with `engine show quarantine`; they come back by themselves once the cause is mended",
        ),
        Words(
            "{read} 行中有 {count} 行被规则拒收：{reason_zh}",
            label="{example_label}",
            notes=("例如 `{part}` 第 {row} 行",),
            help="用 `engine show quarantine` 查看；修好映射或文件后它们会自动回来",
        ),
    ),
    "unknown-values": warning(
        Words(
            "the map of `{field}` lacks {examples}",
            label="not in the map",
            help="add them to the map; until then they stand in the table as `unknown:…`",
        ),
        Words(
            "`{field}` 的对照表里没有 {examples}",
            label="对照表里没有",
            help="把它们加进对照表；在此之前表里显示为 `unknown:…`",
        ),
    ),
}
