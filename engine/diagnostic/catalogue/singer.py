"""Findings about Singer taps: programs that write records, and what they write."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

_SAID = "the last that it logged:\n{said}"
_SAID_ZH = "它最后的日志：\n{said}"


def _note(en: Words, zh: Words) -> Entry:
    return Entry("note", en, zh)


ENTRIES: dict[str, Entry] = {
    "tap-not-found": error(
        Words(
            "there is no executable `{tap}`",
            label="not found",
            notes=("looked in {searched}",),
            help="install the tap, for example with `pipx install {tap}`, or give the path of its executable",
        ),
        Words(
            "找不到可执行程序 `{tap}`",
            label="没有找到",
            notes=("查找位置：{searched}",),
            help="请安装这个 tap，例如 `pipx install {tap}`，或写出可执行文件的路径",
        ),
    ),
    "tap-not-startable": error(
        Words("cannot start `{tap}`: {reason}", help="run it in a terminal to see what it lacks"),
        Words("无法启动 `{tap}`：{reason}", help="请在终端里运行它，看看缺什么"),
    ),
    "tap-failed": error(
        Words(
            "`{tap}` failed while it read `{stream}`: it ended with status {status}",
            notes=(_SAID, "{records} records that it wrote before are kept; the next run goes on from its last state"),
        ),
        Words(
            "`{tap}` 读取 `{stream}` 时失败，退出码 {status}",
            notes=(_SAID_ZH, "此前写出的 {records} 条记录已保存，下次运行从它最后的状态继续"),
        ),
    ),
    "tap-killed": error(
        Words(
            "`{tap}` was killed while it read `{stream}`: signal {signal}",
            notes=(_SAID, "{records} records that it wrote before are kept; the next run goes on from its last state"),
        ),
        Words(
            "`{tap}` 读取 `{stream}` 时被终止，信号 {signal}",
            notes=(_SAID_ZH, "此前写出的 {records} 条记录已保存，下次运行从它最后的状态继续"),
        ),
    ),
    "tap-silent": error(
        Words(
            "`{tap}` gave no sign of life for {seconds} seconds while it read `{stream}`, and was stopped",
            notes=(_SAID,),
            help="raise the source's `timeout` where the tap is slow by nature",
        ),
        Words(
            "`{tap}` 读取 `{stream}` 时 {seconds} 秒没有任何输出，已停止",
            notes=(_SAID_ZH,),
            help="如果这个 tap 本来就慢，请调大数据源的 `timeout`",
        ),
    ),
    "tap-line-too-long": error(
        Words("`{tap}` wrote more than {limit} without an end while it read `{stream}`"),
        Words("`{tap}` 读取 `{stream}` 时写出的内容超过 {limit} 仍没有结束"),
    ),
    "tap-bad-catalog": error(
        Words(
            "the catalog of `{tap}` cannot be used: {reason}",
            help="see what `{tap} --config … --discover` writes; a tap that knows no catalog needs `selection: none`",
        ),
        Words(
            "`{tap}` 的 catalog 无法使用：{reason_zh}",
            help="看看 `{tap} --config … --discover` 的输出；不认识 catalog 的 tap 需要 `selection: none`",
        ),
    ),
    "tap-no-stream": error(
        Words(
            "`{tap}` has no stream `{name}`",
            notes=("its streams: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("`{tap}` 没有流 `{name}`", notes=("它的流：{known}",), help="是不是 `{near}`？"),
    ),
    "tap-no-field": error(
        Words(
            "the stream `{stream}` of `{tap}` has no field `{name}`",
            notes=("its fields: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("`{tap}` 的流 `{stream}` 没有字段 `{name}`", notes=("它的字段：{known}",), help="是不是 `{near}`？"),
    ),
    "tap-untold": error(
        Words(
            "`{key}` cannot be told to `{tap}`, which knows no catalog",
            label="goes with `selection: catalog`",
            help="leave `{key}` out, or `selection: none`",
        ),
        Words(
            "`{tap}` 不认识 catalog，无法把 `{key}` 告诉它",
            label="需要 `selection: catalog`",
            help="请去掉 `{key}`，或去掉 `selection: none`",
        ),
    ),
    "tap-not-a-message": error(
        Words(
            "line {line} of what `{tap}` wrote is no Singer message: {reason}",
            label="not a message",
            help="only messages belong on a tap's standard output; what it logs belongs on its standard error",
        ),
        Words(
            "`{tap}` 输出的第 {line} 行不是 Singer 消息：{reason}",
            label="不是消息",
            help="tap 的标准输出只能写消息，日志要写到标准错误",
        ),
    ),
    "tap-no-schema": error(
        Words("`{tap}` wrote a record of `{stream}` before its schema, in line {line}"),
        Words("`{tap}` 在第 {line} 行先写了 `{stream}` 的记录，还没有写它的 schema"),
    ),
    "tap-batch-refused": error(
        Words(
            "`{tap}` hands over records of `{stream}` in a file that cannot be taken: {reason}",
            notes=("the file is `{file}`",),
            help="let `batch_config` in the tap's configuration write `jsonl` into a folder of the project, or leave it out",
        ),
        Words(
            "`{tap}` 用文件交付 `{stream}` 的记录，但文件无法读取：{reason_zh}",
            notes=("文件是 `{file}`",),
            help="请让 tap 配置里的 `batch_config` 把 `jsonl` 写到项目的文件夹里，或去掉它",
        ),
    ),
    "tap-other-streams": warning(
        Words(
            "`{tap}` wrote {count} messages with records of streams that were not asked for; they are left out",
            notes=("they were for {names}", "the stream that is read is `{stream}`"),
        ),
        Words(
            "`{tap}` 写了 {count} 条消息，里面是没有要求读取的流的记录，已略去",
            notes=("分别是 {names}", "正在读取的流是 `{stream}`"),
        ),
    ),
    "tap-versions": _note(
        Words(
            "`{tap}` says that only the newest version of `{stream}` counts ({count} times); older records are kept",
            help="the column `_sdc_table_version` tells the versions apart: a mapping can drop the others",
        ),
        Words(
            "`{tap}` 说明 `{stream}` 只有最新版本有效（{count} 次）；旧记录仍然保留",
            help="列 `_sdc_table_version` 区分版本，可以在映射里丢弃旧版本",
        ),
    ),
    "tap-other-messages": _note(
        Words("`{tap}` wrote messages of a kind that is not known while it read `{stream}`: {kinds}"),
        Words("`{tap}` 读取 `{stream}` 时写了未知类型的消息：{kinds}"),
    ),
}
