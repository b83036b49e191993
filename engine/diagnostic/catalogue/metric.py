"""Findings about metrics, and about questions and their answers."""

from engine.diagnostic.catalogue.words import Entry, Words, error

ENTRIES: dict[str, Entry] = {
    # --- definitions ---
    "unknown-metric": error(
        Words("there is no metric `{name}`", label="not a metric", help="did you mean `{near}`?"),
        Words("没有指标 `{name}`", label="没有这个指标", help="是不是 `{near}`？"),
    ),
    "not-narrowed": error(
        Words(
            "`{key}` does not go with `{form}`",
            label="has no rows of its own",
            notes=("a `{form}` is computed from other metrics, each with its own rows",),
            help="put `{key}` on the metrics that it is built from",
        ),
        Words(
            "`{form}` 不能和 `{key}` 一起写",
            label="这里没有自己的数据行",
            notes=("`{form}` 由其他指标算出，数据行由那些指标各自决定",),
            help="把 `{key}` 写到它引用的指标上",
        ),
    ),
    "of-needs-measure": error(
        Words(
            "`{name}` cannot be narrowed: it is no measure",
            label="`{base}` is given by `{form}`",
            help="narrow the metrics that `{base}` is built from, and build another from those",
        ),
        Words(
            "`{name}` 不能再加条件：它不是直接统计的指标",
            label="`{base}` 是用 `{form}` 定义的",
            help="先给 `{base}` 引用的指标加条件，再用它们重新组合",
        ),
    ),
    "derived-of-nothing": error(
        Words(
            "`{name}` is computed from no metric", label="names no metric", help="name the metrics to calculate with"
        ),
        Words("`{name}` 没有用到任何指标", label="没有引用指标", help="写上参与计算的指标"),
    ),
    "ratio-of-text": error(
        Words("`{name}` is not a number, so no ratio can be made of it", label="gives {kind}"),
        Words("`{name}` 不是数值，不能用来算比率", label="结果是{kind_zh}"),
    ),
    "private-column": error(
        Words(
            "`{name}` is personal data ({pii}) and may only be counted",
            label="identifies a person",
            help="use `count(distinct {name})`",
        ),
        Words("`{name}` 属于个人信息（{pii}），只能计数", label="能识别到个人", help="用 `count(distinct {name})`"),
    ),
    "open-column": error(
        Words(
            "`{name}` can mean more than one column",
            label="one of {choices}",
            help="as a dimension of `{metric}`, write it with its table",
        ),
        Words("`{name}` 可以指好几列", label="可能是 {choices}", help="作为 `{metric}` 的维度时请带上表名"),
    ),
    "not-a-time-column": error(
        Words("`{name}` is of type `{type}`, not a date or time", label="has no periods"),
        Words("`{name}` 是 `{type}` 类型，不是日期或时间", label="不能按时间周期划分"),
    ),
    "not-a-time": error(
        Words(
            "`{value}` is not a date or time",
            label="compared with a time",
            help="write it as `2024-11-11` or `2024-11-11 20:00:00`",
        ),
        Words("`{value}` 不是日期或时间", label="这里和时间比较", help="写成 `2024-11-11` 或 `2024-11-11 20:00:00`"),
    ),
    # --- questions ---
    "no-metric": error(
        Words("which metric is asked for?", notes=("metrics: {known}",), help="name at least one"),
        Words("没有写要查哪个指标", notes=("可查的指标：{known}",), help="至少写一个指标"),
    ),
    "unknown-dimension": error(
        Words(
            "there is no dimension `{name}`",
            label="not a dimension of what is asked",
            notes=("dimensions: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "没有维度 `{name}`",
            label="所查的指标没有这个维度",
            notes=("可用的维度：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "dimension-not-shared": error(
        Words(
            "the metric `{metric}` has no dimension `{name}`",
            label="not a column of `{table}` or of what it belongs to",
            notes=("dimensions of all metrics asked: {known}",),
        ),
        Words(
            "指标 `{metric}` 没有维度 `{name}`",
            label="`{table}` 及其上级表里没有这一列",
            notes=("所查指标共有的维度：{known}",),
        ),
    ),
    "unlike-dimension": error(
        Words(
            "`{name}` is not the same kind of value for every metric asked",
            label="these kinds: {sorts}",
            help="ask for the metrics one by one",
        ),
        Words("所查指标的 `{name}` 类型不一致", label="有这些类型：{sorts}", help="请分开查询"),
    ),
    "unknown-period": error(
        Words(
            "there is no period `{period}`",
            label="not a period",
            notes=("periods: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "没有时间粒度 `{period}`",
            label="不认识的时间粒度",
            notes=("可用的时间粒度：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "no-hours": error(
        Words("`{name}` is a date and has no hours", label="a date", help="use `day` or a longer period"),
        Words("`{name}` 是日期，没有小时", label="只有日期", help="请用 `day` 或更长的周期"),
    ),
    "no-time": error(
        Words(
            "the metric `{metric}` is not dated",
            label="`{table}` has no time column",
            help="say `time` in the metric or in the table",
        ),
        Words("指标 `{metric}` 没有时间", label="`{table}` 没有时间列", help="在指标或表里写上 `time`"),
    ),
    "unknown-order": error(
        Words(
            "the answer has no column `{name}` to sort by",
            label="not in the answer",
            notes=("columns: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "结果里没有用来排序的列 `{name}`",
            label="结果里没有",
            notes=("结果的列：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "name-taken": error(
        Words(
            "`{name}` is asked for as a metric and as a dimension",
            label="also a metric",
            help="write the dimension with its table, as in `table.{name}`",
        ),
        Words("`{name}` 既是指标又是维度", label="同名的指标也在查询中", help="维度请带上表名：`表名.{name}`"),
    ),
    "bad-limit": error(
        Words("a limit of {limit} leaves nothing", label="less than 1"),
        Words("限制为 {limit} 行就没有结果了", label="小于 1"),
    ),
    # --- answers ---
    "nothing-feeds": error(
        Words("no mapping fills `{table}`", help="ask for metrics of other tables, or map a source into `{table}`"),
        Words("没有映射写入 `{table}`", help="请查询其他表的指标，或把某个数据源映射到 `{table}`"),
    ),
    "not-published": error(
        Words(
            "the table `{table}` is not published yet", notes=("published: {known}",), help="run `engine apply` first"
        ),
        Words("表 `{table}` 还没有发布", notes=("已发布：{known}",), help="请先运行 `engine apply`"),
    ),
    "column-not-published": error(
        Words(
            "the published table `{table}` has no column {columns}",
            notes=("the manifests have changed since version {version} was published",),
            help="run `engine apply` to bring it up to date",
        ),
        Words(
            "已发布的表 `{table}` 没有 {columns} 这些列",
            notes=("版本 {version} 发布之后清单改过",),
            help="运行 `engine apply` 更新",
        ),
    ),
    "missing-extra": error(
        Words("this needs the Python library `{library}`", help='run `pip install "commerce-engine[{extra}]"`'),
        Words("这一步需要 Python 库 `{library}`", help='运行 `pip install "commerce-engine[{extra}]"`'),
    ),
    "too-many-rows": error(
        Words("the answer has {rows} rows; a sheet holds {limit}", help="narrow the question, or write CSV or Parquet"),
        Words("结果有 {rows} 行，工作表最多 {limit} 行", help="缩小查询范围，或导出为 CSV、Parquet"),
    ),
    "text-too-long": error(
        Words(
            "row {row} of `{column}` has {length} characters; a cell holds {limit}",
            help="leave the column out, or write CSV or Parquet",
        ),
        Words(
            "`{column}` 第 {row} 行有 {length} 个字符，单元格最多 {limit} 个", help="去掉这一列，或导出为 CSV、Parquet"
        ),
    ),
}
