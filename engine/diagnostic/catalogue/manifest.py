"""Findings about what a manifest says: keys, values, names, and how they fit together."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    # --- shape ---
    "not-a-manifest": error(
        Words(
            "this is not a manifest", label="keys and values are needed here", help="start the file with `kind: {kind}`"
        ),
        Words("这不是一个清单文件", label="这里应是键值对", help="文件开头写 `kind: {kind}`"),
    ),
    "missing-kind": error(
        Words("the manifest does not say its kind", label="the first key", help="start the file with `kind: {kind}`"),
        Words("清单没有写明类型", label="第一个键", help="文件开头写 `kind: {kind}`"),
    ),
    "other-kind": error(
        Words(
            "a manifest of kind `{kind}` is needed here, not `{given}`",
            label="not `{kind}`",
            help="{advice}",
        ),
        Words("这里需要 `{kind}` 类型的清单，而不是 `{given}`", label="不是 `{kind}`", help="{advice_zh}"),
    ),
    "unknown-key": error(
        Words(
            "there is no key `{key}` here",
            label="not a key of this object",
            notes=("keys here: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "这里没有 `{key}` 这个键", label="不认识的键", notes=("这里可用的键：{known}",), help="是不是 `{near}`？"
        ),
    ),
    "missing-key": error(
        Words("the key `{key}` is missing", label="needs `{key}`", help="did you mean the table `{near}`?"),
        Words("缺少必填的键 `{key}`", label="这里需要 `{key}`", help="是不是表 `{near}`？"),
    ),
    "missing-value": error(
        Words("`{key}` has no value", label="{wanted} is needed"),
        Words("`{key}` 没有值", label="这里需要{wanted_zh}"),
    ),
    "wrong-type": error(
        Words("{wanted} is needed here, not {got}", label="this is {got}", help="write `{example}`"),
        Words("这里应是{wanted_zh}，而不是{got_zh}", label="这是{got_zh}", help="写成 `{example}`"),
    ),
    "unknown-word": error(
        Words(
            "`{word}` is not one of the words allowed here",
            label="not allowed here",
            notes=("allowed: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("这里不能写 `{word}`", label="不在可选值中", notes=("可选值：{known}",), help="是不是 `{near}`？"),
    ),
    "wrong-form": error(
        Words(
            "`{value}` is not of the form that is needed here",
            label="write {form}",
            help="choose an English name, and write `zh: {words}` inside",
        ),
        Words("`{value}` 的写法不对", label="应为：{form_zh}", help="请取一个英文名，中文写在里面：`zh: {words}`"),
    ),
    "empty-value": error(
        Words("there is nothing in here", label="needs at least one entry"),
        Words("这里不能为空", label="至少要有一项"),
    ),
    "wrong-count": error(
        Words("{wanted} entries are needed here, not {got}", label="{got} entries"),
        Words("这里应有 {wanted} 项，而不是 {got} 项", label="共 {got} 项"),
    ),
    "too-long": error(
        Words("`{value}` is too long", label="longer than {limit}"),
        Words("`{value}` 太长", label="最多 {limit} 个字符"),
    ),
    "out-of-range": error(
        Words("{value} is out of range", label="{allowed}"),
        Words("{value} 超出范围", label="{allowed_zh}"),
    ),
    "not-allowed": error(
        Words("this is not allowed here", label="breaks the rule {rule}"),
        Words("这里不允许这样写", label="不符合规则 {rule}"),
    ),
    "none-of": error(
        Words("one of {keys} is needed here", label="says none of them"),
        Words("这里需要写 {keys} 中的一个", label="一个都没写"),
    ),
    "one-of": error(
        Words(
            "`{key}` and `{first}` cannot stand together", label="`{first}` is given too", help="remove one of the two"
        ),
        Words("`{key}` 和 `{first}` 不能同时写", label="已经写了 `{first}`", help="删掉其中一个"),
    ),
    "goes-with": error(
        Words("`{key}` needs `{needs}`", label="`{needs}` is not given"),
        Words("写了 `{key}` 就要写 `{needs}`", label="没有写 `{needs}`"),
    ),
    # --- names ---
    "unknown-connector": error(
        Words(
            "there is no connector `{name}`",
            label="not a connector",
            notes=("connectors here: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "没有名为 `{name}` 的连接器",
            label="不认识的连接器",
            notes=("可用的连接器：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "unknown-pack": error(
        Words(
            "the library has no `{name}`",
            label="not in the library",
            notes=("it has: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("内置库里没有 `{name}`", label="不在内置库中", notes=("内置：{known}",), help="是不是 `{near}`？"),
    ),
    "unknown-timezone": error(
        Words(
            "there is no time zone `{name}`", label="not a time zone", help="write one such as `Asia/Shanghai` or `UTC`"
        ),
        Words("没有时区 `{name}`", label="不是有效时区", help="写成 `Asia/Shanghai` 或 `UTC` 这样的名称"),
    ),
    "unknown-source": error(
        Words(
            "there is no source `{name}`",
            label="not a source of this project",
            notes=("sources: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "项目里没有数据源 `{name}`",
            label="没有这个数据源",
            notes=("已有数据源：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "unknown-stream": error(
        Words(
            "the source `{source}` has no stream `{name}`",
            label="not a stream of `{source}`",
            notes=("streams: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "数据源 `{source}` 没有数据流 `{name}`",
            label="没有这个数据流",
            notes=("已有数据流：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "unknown-table": error(
        Words(
            "there is no table `{name}`",
            label="not a table of the model",
            notes=("tables: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("没有表 `{name}`", label="模型里没有这张表", notes=("已有的表：{known}",), help="是不是 `{near}`？"),
    ),
    "unknown-column": error(
        Words(
            "there is no column `{name}` in `{table}`",
            label="not a column of `{table}`",
            notes=("columns: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "`{table}` 没有 `{name}` 这一列", label="没有这一列", notes=("已有的列：{known}",), help="是不是 `{near}`？"
        ),
    ),
    "unknown-field": error(
        Words(
            "there is no field `{name}` in this mapping",
            label="not a field of this mapping",
            notes=("fields: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "这个映射没有字段 `{name}`",
            label="没有这个字段",
            notes=("已有的字段：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "field-twice": error(
        Words(
            "`{name}` stands both in `let` and in `fields`",
            label="second time",
            notes=("first given on line {first}",),
            help="give the one in `let` another name",
        ),
        Words(
            "`{name}` 同时写在 `let` 和 `fields` 里",
            label="第二次",
            notes=("第一次在第 {first} 行",),
            help="给 `let` 里的那个换一个名字",
        ),
    ),
    "unknown-cleaning": error(
        Words(
            "there is no cleaning function `{name}`",
            label="not a cleaning function",
            notes=("functions: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "没有清洗函数 `{name}`", label="不认识的清洗函数", notes=("可用函数：{known}",), help="是不是 `{near}`？"
        ),
    ),
    "unknown-builtin": error(
        Words(
            "there is no built-in field `{name}`",
            label="not a built-in field",
            notes=("built in: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("没有内置字段 `{name}`", label="不是内置字段", notes=("内置字段：{known}",), help="是不是 `{near}`？"),
    ),
    "not-an-extension": error(
        Words(
            "`{name}` cannot be added to the shared table `{table}`",
            label="does not start with `ext_`",
            help="call it `ext_{name}`",
        ),
        Words("不能给共享表 `{table}` 增加 `{name}`", label="没有以 `ext_` 开头", help="改名为 `ext_{name}`"),
    ),
    "wrong-join": error(
        Words(
            "this join does not name the whole key of `{table}`",
            label="`{table}` is identified by {key}",
            notes=("a join must lead to one row, or it would multiply rows",),
        ),
        Words(
            "这个关联没有写全 `{table}` 的键",
            label="`{table}` 的键是 {key}",
            notes=("关联必须只对应一行，否则行数会翻倍",),
        ),
    ),
    "join-does-not-fit": error(
        Words(
            "`{name}` is of type `{type}`, the key column `{column}` of `{table}` of type `{wanted}`",
            label="stands for `{column}`",
            notes=("the columns of a join are in the order of the key: {key}",),
        ),
        Words(
            "`{name}` 是 `{type}` 类型，而 `{table}` 的键列 `{column}` 是 `{wanted}` 类型",
            label="对应 `{column}`",
            notes=("关联的列按键的顺序写：{key}",),
        ),
    ),
    "bad-map": error(
        Words(
            "`{path}` is no map: {reason}",
            label="{label}",
            notes=("read by `{reader}`",),
            help="{advice}",
        ),
        Words(
            "`{path}` 不是有效的对照表：{reason_zh}",
            label="{label_zh}",
            notes=("引用它的是 `{reader}`",),
            help="{advice_zh}",
        ),
    ),
    # --- how mappings fit ---
    "key-not-mapped": error(
        Words(
            "nothing feeds `{name}`, which is part of the key of `{table}`",
            label="the key is {key}",
            help="add `{name}` to the fields",
        ),
        Words("`{table}` 的键列 `{name}` 没有来源", label="键是 {key}", help="在 fields 里加上 `{name}`"),
    ),
    "other-key": error(
        Words(
            "`{table}` is identified by {key}, not by {given}",
            label="another key",
            help="leave `key` out to use the table's own",
        ),
        Words("`{table}` 的键是 {key}，不是 {given}", label="与表的键不同", help="去掉 `key`，使用表自己的键"),
    ),
    "other-newest": error(
        Words(
            "the mappings into `{table}` tell by different columns which row is newest",
            label="the mapping `{other}` goes by `{given}`",
            help="name the same column in both",
        ),
        Words(
            "写入 `{table}` 的映射用不同的列判断哪一行最新",
            label="映射 `{other}` 用的是 `{given}`",
            help="两边写同一列",
        ),
    ),
    "mapped-twice": error(
        Words(
            "`{feed}` is mapped into `{table}` twice",
            label="second mapping",
            notes=("the first is `{first}`",),
            help="remove one of the two",
        ),
        Words("`{feed}` 两次映射到 `{table}`", label="第二个映射", notes=("第一个是 `{first}`",), help="删掉其中一个"),
    ),
    "same-name": error(
        Words(
            "two mappings are called `{name}`",
            label="second",
            notes=("the first is `{first}`",),
            help="rename one of the two files",
        ),
        Words("有两个映射都叫 `{name}`", label="第二个", notes=("第一个是 `{first}`",), help="给其中一个文件改名"),
    ),
    "key-claimed-twice": error(
        Words(
            "the mappings `{first}` and `{second}` can both give a row of `{table}` with the same key",
            label="nothing says which of the two wins",
            notes=("no constant tells their keys apart, and they do not both say `newest_by`",),
            help="give a key column such as `platform` or `shop_id` another value in each",
        ),
        Words(
            "映射 `{first}` 和 `{second}` 可能给 `{table}` 写入同一个键的行",
            label="没有说明以哪个为准",
            notes=("没有固定值能区分两边的键，也没有都写 `newest_by`",),
            help="让 `platform` 或 `shop_id` 这样的键列在两边取不同的值",
        ),
    ),
    "ring": error(
        Words("these are defined by each other: {path}", label="leads round"),
        Words("循环定义：{path}", label="从这里绕回来"),
    ),
    "type-does-not-fit": error(
        Words(
            "type `{given}` does not fit the column `{name}`",
            label="the column is of type `{wanted}`",
        ),
        Words("`{given}` 类型放不进列 `{name}`", label="这一列是 `{wanted}` 类型"),
    ),
    "scale-does-not-fit": error(
        Words(
            "{given} decimals do not fit the column `{name}`",
            label="the column has {wanted}",
            notes=("a value with more decimals is rejected, never rounded",),
        ),
        Words(
            "{given} 位小数放不进列 `{name}`",
            label="这一列有 {wanted} 位小数",
            notes=("小数位数更多的值会被拒收，不会四舍五入",),
        ),
    ),
    "constant-does-not-fit": error(
        Words("`{value}` does not fit `{name}`", label="{wanted} is needed"),
        Words("`{value}` 放不进 `{name}`", label="这里需要{wanted_zh}"),
    ),
    "unknown-date-part": error(
        Words("a date format has no `{part}`", label="`{part}` is in here", notes=("parts of a format: {known}",)),
        Words("日期格式里没有 `{part}`", label="这里有 `{part}`", notes=("可用的部分：{known}",)),
    ),
    "setting-does-not-fit": error(
        Words("`{key}` means nothing for type `{type}`", label="only for {wanted}", help="remove `{key}`"),
        Words("`{type}` 类型不能用 `{key}`", label="只用于 {wanted}", help="去掉 `{key}`"),
    ),
    "no-effect": error(
        Words("`{key}` has no effect without `{needs}`", label="`{needs}` is not given"),
        Words("没有 `{needs}` 时 `{key}` 不起作用", label="没有写 `{needs}`"),
    ),
    # --- SQL inside YAML ---
    "sql-syntax": error(
        Words("this SQL cannot be read: {reason}", label="here", help="{advice}"),
        Words("这段 SQL 无法解析：{reason_zh}", label="在这里", help="{advice_zh}"),
    ),
    "sql-not-allowed": error(
        Words(
            "{what} is not allowed in an expression",
            label="not allowed",
            notes=("an expression computes one value from columns",),
            help="write `{instead}`",
        ),
        Words(
            "表达式里不允许使用{what_zh}", label="不允许", notes=("表达式只能用列计算一个值",), help="写成 `{instead}`"
        ),
    ),
    "sql-too-long": error(
        Words("the expression is longer than {limit} characters", label="too long"),
        Words("表达式超过 {limit} 个字符", label="太长"),
    ),
    "sql-too-deep": error(
        Words("the expression is nested more than {limit} levels deep", label="too deep"),
        Words("表达式嵌套超过 {limit} 层", label="太深"),
    ),
    "unknown-function": error(
        Words(
            "there is no function `{name}` here",
            label="not a known function",
            notes=("functions: {known}",),
            help="did you mean `{near}`?",
        ),
        Words("没有函数 `{name}`", label="不认识的函数", notes=("可用的函数：{known}",), help="是不是 `{near}`？"),
    ),
    "forbidden-function": error(
        Words(
            "the function `{name}` is not allowed",
            label="not allowed",
            notes=("manifests cannot touch files, network, environment, settings or the clock",),
        ),
        Words("不允许使用函数 `{name}`", label="不允许", notes=("清单不能访问文件、网络、环境变量、设置或当前时间",)),
    ),
    "not-an-aggregate": error(
        Words("a measure needs an aggregate", label="gives one value per row", notes=("aggregates: {known}",)),
        Words("度量需要聚合函数", label="这里每行一个值", notes=("可用聚合：{known}",)),
    ),
    "unexpected-aggregate": error(
        Words("an aggregate is not allowed here", label="this is computed row by row"),
        Words("这里不能用聚合函数", label="这里逐行计算"),
    ),
    "nested-aggregate": error(
        Words("an aggregate stands inside another", label="inside another aggregate"),
        Words("聚合函数不能嵌套", label="在另一个聚合里"),
    ),
    "loose-column": error(
        Words(
            "`{name}` stands outside of every aggregate",
            label="which row's value is meant?",
            help="write `sum({name})`",
        ),
        Words("`{name}` 没有放在聚合函数里", label="取哪一行的值？", help="写成 `sum({name})`"),
    ),
    "sum-of-text": error(
        Words("{kind} cannot be summed", label="this is {kind}"),
        Words("{kind_zh}不能求和", label="这是{kind_zh}"),
    ),
    "arithmetic-on-text": error(
        Words("{kind} cannot be calculated with", label="this is {kind}"),
        Words("{kind_zh}不能参与计算", label="这是{kind_zh}"),
    ),
    "compares-kinds": error(
        Words("{left} is compared with {right}", label="this is {right}", help="write `{example}`"),
        Words("{left_zh}不能和{right_zh}比较", label="这是{right_zh}", help="写成 `{example}`"),
    ),
    "wrong-kind": error(
        Words("{want} is needed here, not {kind}", label="this gives {kind}"),
        Words("这里需要{want_zh}，而不是{kind_zh}", label="结果是{kind_zh}"),
    ),
    # --- variables ---
    "unused-source": warning(
        Words("no mapping reads `{feed}`", label="is read into raw, and stays there"),
        Words("没有映射读取 `{feed}`", label="只会存为原始记录"),
    ),
}
