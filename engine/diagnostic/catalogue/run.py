"""Findings while a plan is carried out: locks, storage, what sources hold."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "nothing-there": warning(
        Words("`{feed}` holds nothing to read", label="nothing matches", help="put a file there, or mend the path"),
        Words("`{feed}` 没有可读取的内容", label="没有匹配到任何文件", help="放入文件，或修改路径"),
    ),
    "plugin": error(
        Words("{message}", notes=("{note}", "connector `{connector}` says so"), help="{help}"),
        Words("{message_zh}", notes=("{note_zh}", "由连接器 `{connector}` 报告"), help="{help_zh}"),
    ),
    "plugin-warning": warning(
        Words("{message}", notes=("{note}", "connector `{connector}` says so"), help="{help}"),
        Words("{message_zh}", notes=("{note_zh}", "由连接器 `{connector}` 报告"), help="{help_zh}"),
    ),
    "locked": error(
        Words(
            "another run is writing to `{path}`",
            notes=("{holder}",),
            help="wait for it to end, or give `--lock-timeout 300` to wait up to 300 seconds",
        ),
        Words(
            "另一个运行正在写 `{path}`", notes=("{holder}",), help="等它结束，或加 `--lock-timeout 300` 最多等 300 秒"
        ),
    ),
    "not-a-warehouse": error(
        Words(
            "cannot open the warehouse `{path}`: {reason}",
            help="move the folder away and run `engine apply` again; raw records in `raw/` are plain Parquet",
        ),
        Words(
            "无法打开数据仓库 `{path}`：{reason}",
            help="把这个文件夹移走再运行 `engine apply`；`raw/` 里的原始记录是普通 Parquet 文件",
        ),
    ),
    "linked-warehouse": error(
        Words(
            "`{path}` has more than one name (a hard link)",
            notes=("two processes could write it at once without noticing",),
            help="remove the other name, or copy the file",
        ),
        Words("`{path}` 有多个硬链接", notes=("两个进程可能同时写入而互不知情",), help="删除另一个名字，或复制一份"),
    ),
    "newer-warehouse": error(
        Words(
            "`{path}` was made by a newer engine",
            notes=("its layout is version {found}, this engine knows {known}",),
            help="upgrade the engine",
        ),
        Words(
            "`{path}` 是更新版本的引擎创建的",
            notes=("它的结构版本是 {found}，当前引擎只认识 {known}",),
            help="请升级引擎",
        ),
    ),
    "warehouse-failed": error(
        Words(
            "the warehouse could not do its part: {reason}",
            notes=("nothing was published; readers see the last complete state",),
        ),
        Words("数据仓库执行失败：{reason}", notes=("没有发布任何内容；读者看到的仍是上一次完整结果",)),
    ),
    "warehouse-full": error(
        Words(
            "the warehouse ran out of room: {reason}",
            notes=("nothing was published; readers see the last complete state",),
            help="free disk space, or raise `memory` or `spill` in the project's `warehouse`",
        ),
        Words(
            "数据仓库空间不足：{reason}",
            notes=("没有发布任何内容；读者看到的仍是上一次完整结果",),
            help="清理磁盘空间，或调大项目 `warehouse` 里的 `memory`、`spill`",
        ),
    ),
    "raw-lost": error(
        Words(
            "raw records are gone: {reason}",
            notes=("tables are made from raw records; nothing was published, readers see the last complete state",),
            help="bring the warehouse's `raw` folder back, or move the whole warehouse folder away to read the sources anew",
        ),
        Words(
            "原始记录不见了：{reason}",
            notes=("表由原始记录生成；没有发布任何内容，读者看到的仍是上一次完整结果",),
            help="恢复数据文件夹里的 `raw`，或把整个数据文件夹移走，重新读取数据源",
        ),
    ),
    "nothing-published": error(
        Words("nothing has been published yet", help="run `engine apply` first"),
        Words("还没有发布过任何结果", help="请先运行 `engine apply`"),
    ),
    "unknown-version": error(
        Words("there is no published version {version}", notes=("versions there are: {known}",)),
        Words("没有发布过版本 {version}", notes=("现有版本：{known}",)),
    ),
    "unknown-rebuild": error(
        Words("there is no table `{name}` to rebuild", notes=("tables: {known}",), help="did you mean `{near}`?"),
        Words("没有可重建的表 `{name}`", notes=("已有的表：{known}",), help="是不是 `{near}`？"),
    ),
    "unknown-thing": error(
        Words("there is no {kind} `{name}` to show", notes=("there is: {known}",), help="did you mean `{near}`?"),
        Words("没有可显示的{kind_zh} `{name}`", notes=("可用：{known}",), help="是不是 `{near}`？"),
    ),
    "say-which": error(
        Words("say which {kind} is meant", notes=("there is: {known}",)),
        Words("请说明是哪个{kind_zh}", notes=("可用：{known}",)),
    ),
    "folder-not-empty": error(
        Words("`{path}` is not empty", help="name a new folder"),
        Words("`{path}` 不是空文件夹", help="请换一个新文件夹"),
    ),
    "would-overwrite": error(
        Words("`{path}` belongs to the project", help="write to another file"),
        Words("`{path}` 是项目自己的文件", help="请写到别的文件"),
    ),
    "unwritable": error(
        Words("cannot write `{path}`: {reason}"),
        Words("无法写入 `{path}`：{reason}"),
    ),
    "usage": error(
        Words("{reason}", help="`{command} --help` says what there is"),
        Words("命令写得不对：{reason}", help="用 `{command} --help` 查看用法"),
    ),
}
