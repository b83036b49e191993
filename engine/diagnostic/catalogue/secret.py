"""Findings about secrets: names that are not set, values written out, places that cannot be asked."""

from engine.diagnostic.catalogue.words import Entry, Words, error

ENTRIES: dict[str, Entry] = {
    "missing-variable": error(
        Words("`{name}` is not set", label="used here", notes=("looked in {looked}",), help="{advice}"),
        Words("没有设置 `{name}`", label="在这里用到", notes=("查找过：{looked_zh}",), help="{advice_zh}"),
    ),
    "plain-secret": error(
        Words(
            "a secret is written out in a manifest",
            label="this is a secret",
            notes=("manifests are shared, and whoever reads one could use it; one that was shared has to be replaced",),
            help="write `${{{variable}}}` here, and put the value into the environment or into `.env`",
        ),
        Words(
            "清单里直接写了密钥",
            label="这是密钥",
            notes=("清单会被共享，读到的人就能使用；已经共享过的密钥必须更换",),
            help="这里写 `${{{variable}}}`，把值放进环境变量或 `.env`",
        ),
    ),
    "bad-reference": error(
        Words(
            "`{written}` names no variable",
            label="not replaced by anything",
            help="write `${{NAME}}`: letters, digits and underscores; there are no defaults",
        ),
        Words(
            "`{written}` 不是变量名", label="不会被替换", help="写成 `${{NAME}}`：字母、数字、下划线；没有默认值的写法"
        ),
    ),
    "bad-env-line": error(
        Words(
            "a line of `{path}` is not `NAME=value`: {reason}",
            label="this line; it is not shown, for it may hold a secret",
            help='write `NAME="value"`',
        ),
        Words(
            "`{path}` 有一行不是 `名称=值`：{reason_zh}",
            label="这一行；可能含有密钥，不显示内容",
            help='写成 `NAME="value"`',
        ),
    ),
    "unreadable-secrets": error(
        Words("cannot read `{path}`: {reason}", notes=("`{name}` is looked up there",)),
        Words("无法读取 `{path}`：{reason}", notes=("`{name}` 要从这里读取",)),
    ),
    "no-secrets-library": error(
        Words("this secret needs the Python library `{library}`", help='run `pip install "commerce-engine[secrets]"`'),
        Words("读取这个密钥需要 Python 库 `{library}`", help='运行 `pip install "commerce-engine[secrets]"`'),
    ),
    "keyring-failed": error(
        Words(
            "the keyring cannot be asked for `{name}`: {reason}",
            help="unlock it, or leave `ENGINE_KEYRING` unset and put the value elsewhere",
        ),
        Words("无法从系统钥匙串读取 `{name}`：{reason}", help="解锁钥匙串；或不设 `ENGINE_KEYRING`，把值放到别处"),
    ),
    "cannot-unseal": error(
        Words(
            "`{path}` cannot be opened: {reason}",
            help="set `ENGINE_AGE_KEY` to the private key of one of those that it was sealed for",
        ),
        Words("无法解开 `{path}`：{reason}", help="把 `ENGINE_AGE_KEY` 设为某个接收者的私钥"),
    ),
    "bad-age-key": error(
        Words("this is no {what} of age or SSH", help="`age-keygen` makes a pair: `AGE-SECRET-KEY-1…` and `age1…`"),
        Words("这不是 age 或 SSH 的{what_zh}", help="用 `age-keygen` 生成一对：`AGE-SECRET-KEY-1…` 和 `age1…`"),
    ),
}
