"""Findings about connectors that somebody looks at, tries, or begins."""

from engine.diagnostic.catalogue.words import Entry, Words, error

ENTRIES: dict[str, Entry] = {
    "broken-connector": error(
        Words("the connector `{name}` cannot be used: {reason}", notes=("it comes from {origin}",)),
        Words("连接器 `{name}` 无法使用：{reason}", notes=("来自 {origin}",)),
    ),
    "unreachable": error(
        Words(
            "the platform was not reached: {reason}",
            help="look at the address in the settings, the network, and a proxy if there is one",
        ),
        Words("连不上平台：{reason}", help="检查设置里的地址、网络和代理"),
    ),
    "told-to-wait": error(
        Words(
            "the platform wants to be asked later; {seconds} s would have to be waited",
            notes=("its last answer was {said}",),
            help="try again later; a run waits by itself",
        ),
        Words(
            "平台要求稍后再问，需要等待 {seconds} 秒",
            notes=("最近一次回答是 {said}",),
            help="稍后再试；正式运行时会自动等待",
        ),
    ),
    "sends-nothing": error(
        Words("there is no request of `{feed}` to show", notes=("the connector `{connector}` sends none of its own",)),
        Words("`{feed}` 没有可显示的请求", notes=("连接器 `{connector}` 自己不发送请求",)),
    ),
    "signs-nothing": error(
        Words("the connector `{connector}` signs no such request", help="look at `sign` in its manifest"),
        Words("连接器 `{connector}` 不对这样的请求签名", help="查看它清单里的 `sign`"),
    ),
    "cannot-sign": error(
        Words(
            "the request of `{connector}` cannot be signed: {reason}",
            help="give every setting that its `sign` uses in the file of `--with`",
        ),
        Words("`{connector}` 的请求无法签名：{reason}", help="在 `--with` 的文件里给出 `sign` 用到的全部设置"),
    ),
    "bad-json-file": error(
        Words("`{path}` cannot be used: {reason}", help="write a JSON object, such as {example}"),
        Words("`{path}` 无法使用：{reason_zh}", help="写一个 JSON 对象，例如 {example}"),
    ),
    "unset-name": error(
        Words("`{name}` is not set, and `{path}` asks for it", help="set it, or write the value into the file"),
        Words("没有设置 `{path}` 用到的 `{name}`", help="先设置它，或把值直接写进文件"),
    ),
    "bad-name": error(
        Words(
            "`{name}` is no name of a connector", help="use lower case letters, digits and `_`, such as `my_platform`"
        ),
        Words("`{name}` 不能作连接器名", help="用小写字母、数字和 `_`，例如 `my_platform`"),
    ),
    "connector-there": error(
        Words("there is a connector `{name}` already", notes=("it comes from {origin}",), help="choose another name"),
        Words("已有名为 `{name}` 的连接器", notes=("来自 {origin}",), help="换一个名字"),
    ),
    "file-there": error(
        Words("`{path}` is there already, and is not written over", help="name another folder with `--folder`"),
        Words("`{path}` 已存在，不会覆盖", help="用 `--folder` 指定另一个文件夹"),
    ),
}
