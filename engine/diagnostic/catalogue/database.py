"""Findings about databases: how to reach them, what is in them, what may be asked of them."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "database-url": error(
        Words(
            "the address of `{source}` cannot be used: {reason}",
            help="write it as `mysql://user:password@host:3306/database`; what is special in a password as `%40` for `@`",
        ),
        Words(
            "`{source}` 的数据库地址无法使用：{reason_zh}",
            help="写成 `mysql://user:password@host:3306/database`；密码里的特殊字符要转义，例如 `@` 写成 `%40`",
        ),
    ),
    "table-or-query": error(
        Words("`{stream}` gives both a table and a query", label="one of the two", help="take one of them out"),
        Words("`{stream}` 同时写了 `table` 和 `query`", label="只能写一个", help="删去其中一个"),
    ),
    "driver-missing": error(
        Words(
            "`{library}`, which reads {kind}, is not installed",
            help="`pip install commerce-engine[database]`",
        ),
        Words("读取 {kind} 需要的 `{library}` 没有安装", help="`pip install commerce-engine[database]`"),
    ),
    "cannot-connect": error(
        Words(
            "cannot connect to `{host}`: {reason}",
            help="see that the server runs, that this machine may reach it, and that the address is right",
        ),
        Words("无法连接 `{host}`：{reason}", help="检查服务器是否在运行、本机能否访问、地址是否正确"),
    ),
    "wrong-login": error(
        Words(
            "`{host}` does not let `{user}` in",
            notes=("the user or the password is wrong, or the user may not come from this machine",),
            help="mend the address, or the variable that holds it",
        ),
        Words(
            "`{host}` 拒绝了用户 `{user}` 的登录",
            notes=("用户名或密码错误，或不允许该用户从本机登录",),
            help="修改地址，或保存地址的环境变量",
        ),
    ),
    "not-permitted": error(
        Words("the user may not read this from `{host}`: {reason}", help="have SELECT granted to the user"),
        Words("该用户无权从 `{host}` 读取：{reason}", help="请授予该用户 SELECT 权限"),
    ),
    "no-such-relation": error(
        Words("`{host}` lacks what the query reads: {reason}"),
        Words("`{host}` 中没有查询要读取的对象：{reason}"),
    ),
    "no-such-table": error(
        Words("there is no table `{table}` that `{feed}` could read", help="did you mean `{near}`?"),
        Words("没有 `{feed}` 要读取的表 `{table}`", help="是不是 `{near}`？"),
    ),
    "no-such-column": error(
        Words(
            "what `{feed}` reads has no column `{column}`",
            notes=("its columns: {columns}",),
            help="did you mean `{near}`?",
        ),
        Words("`{feed}` 读取的内容没有列 `{column}`", notes=("现有的列：{columns}",), help="是不是 `{near}`？"),
    ),
    "twin-columns": error(
        Words(
            "`{feed}` has two columns `{column}`",
            notes=("upper and lower case and blanks make no difference to a mapping",),
            help="name the columns to read with `columns`, or rename one in a `query`",
        ),
        Words(
            "`{feed}` 有两列都叫 `{column}`",
            notes=("映射不区分大小写和空格",),
            help="用 `columns` 指定要读取的列，或在 `query` 里改名",
        ),
    ),
    "not-a-query": error(
        Words(
            "`query` is not one SELECT: {reason}",
            label="here",
            help="what takes more than a SELECT can be made a view in the database",
        ),
        Words("`query` 不是一条 SELECT：{reason_zh}", label="这里", help="更复杂的可以在数据库里建成视图"),
    ),
    "not-a-condition": error(
        Words("`where` is not one condition: {reason}", label="here"),
        Words("`where` 不是一个条件：{reason_zh}", label="这里"),
    ),
    "cursor-kind": error(
        Words(
            "the cursor `{column}` of `{feed}` holds neither numbers nor times nor text",
            notes=("its type is `{type}`",),
            help="take a column that grows with every row that is written, or leave `cursor` out",
        ),
        Words(
            "`{feed}` 的游标列 `{column}` 既不是数字、时间，也不是文本",
            notes=("它的类型是 `{type}`",),
            help="换一个写入时只增不减的列，或不写 `cursor`",
        ),
    ),
    "length-kind": error(
        Words(
            "`{setting}` does not fit the cursor `{column}`",
            notes=("the column holds: {type}",),
            help="give a stretch of time such as `10m` for times, and a number for numbers",
        ),
        Words(
            "`{setting}` 与游标列 `{column}` 不匹配",
            notes=("这一列的类型：{type}",),
            help="时间列写 `10m` 这样的时长，数字列写数字",
        ),
    ),
    "no-split": error(
        Words(
            "`{feed}` cannot be read in parallel: `{column}` holds neither whole numbers nor times",
            notes=("the column holds: {type}",),
            help="leave `parallel` out, or put another column first in `key`",
        ),
        Words(
            "`{feed}` 无法并行读取：`{column}` 不是整数也不是时间",
            notes=("这一列的类型：{type}",),
            help="不写 `parallel`，或把别的列放在 `key` 的第一个",
        ),
    ),
    "nothing-to-split": error(
        Words(
            "`{feed}` cannot be read in parallel: it has neither a `cursor` nor a `key`",
            help="name the columns that identify a row with `key`",
        ),
        Words("`{feed}` 无法并行读取：没有写 `cursor` 或 `key`", help="用 `key` 写出标识一行的列"),
    ),
    "database-refused": error(
        Words("`{host}` refused: {reason}"),
        Words("`{host}` 拒绝执行：{reason}"),
    ),
    "connection-lost": error(
        Words(
            "the connection for `{feed}` was lost again and again: {reason}",
            notes=("{rows} rows were read and stored",),
            help="run `engine apply` again; with a `cursor` it goes on from there",
        ),
        Words(
            "读取 `{feed}` 时连接反复中断：{reason}",
            notes=("已读取并保存 {rows} 行",),
            help="再运行一次 `engine apply`；有 `cursor` 时会从中断处继续",
        ),
    ),
    "zero-dates": warning(
        Words("{count} zero dates (`0000-00-00`) of `{feed}` were read as empty", notes=("in {columns}",)),
        Words("`{feed}` 有 {count} 个零日期（`0000-00-00`）按空值读取", notes=("列：{columns}",)),
    ),
}
