"""Findings about connectors declared in YAML, and about what platforms answer."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "bad-template": error(
        Words("this cannot be understood: {reason}", help="see docs/reference/connector.md for what may stand here"),
        Words("这里无法理解：{reason}", help="这里能写什么，见 docs/reference/connector.md"),
    ),
    "missing-setting": error(
        Words("connector `{connector}` needs `{key}`", label="`{key}` is missing", notes=("{about}",)),
        Words("连接器 `{connector}` 需要填写 `{key}`", label="缺少 `{key}`", notes=("{about}",)),
    ),
    "missing-one-of": error(
        Words("connector `{connector}` needs one of {keys}", label="none of them is given"),
        Words("连接器 `{connector}` 至少需要填写其中一个：{keys}", label="一个都没有填"),
    ),
    "unknown-connector-stream": error(
        Words(
            "connector `{connector}` has no stream `{name}`",
            label="not one of its streams",
            notes=("it has: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "连接器 `{connector}` 没有数据流 `{name}`",
            label="没有这个数据流",
            notes=("可用的有：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "bad-since": error(
        Words(
            "`{value}` is no date or time",
            label="expected a date such as 2024-01-01",
            help="write `2024-01-01` or `2024-01-01 08:00:00`",
        ),
        Words(
            "`{value}` 不是日期或时间",
            label="应为日期，例如 2024-01-01",
            help="写成 `2024-01-01` 或 `2024-01-01 08:00:00`",
        ),
    ),
    "cannot-ask": error(
        Words("`{name}` cannot be asked for: {reason}", help="look at the request in the connector's manifest"),
        Words("无法组成对 `{name}` 的请求：{reason}", help="请检查连接器清单里的 request"),
    ),
    "gave-up": error(
        Words(
            "`{name}` did not answer after {attempts} attempts: {why}",
            help="what was read is kept; run `engine apply` again later to go on from there",
        ),
        Words(
            "`{name}` 试了 {attempts} 次仍无结果：{why}",
            help="已读到的数据会保留；稍后再运行 `engine apply`，从断点继续",
        ),
    ),
    "refused": error(
        Words("`{name}` was refused: {said}", notes=("{say}",), help="what was read before is kept"),
        Words("`{name}` 被平台拒绝：{said}", notes=("{say}",), help="此前读到的数据会保留"),
    ),
    "token-refused": error(
        Words(
            "the platform does not accept the authorisation of `{name}`: {said}",
            notes=("{say}",),
            help="authorise the shop again and put the new token into the environment",
        ),
        Words("平台不接受 `{name}` 的授权：{said}", notes=("{say}",), help="请让店铺重新授权，把新的令牌写进环境变量"),
    ),
    "quota-used-up": warning(
        Words(
            "the day's quota of `{name}` is used up: {said}",
            help="what was read is kept and published; a run after {until} goes on from there",
        ),
        Words("`{name}` 当天的调用额度已用完：{said}", help="已读到的数据已保留并发布；{until} 之后再运行会从断点继续"),
    ),
    "records-skipped": warning(
        Words("{count} answers of `{name}` were left out, as its connector says"),
        Words("按连接器的规定，`{name}` 有 {count} 个回答被跳过"),
    ),
    "too-many-in-a-second": error(
        Words(
            "one second of `{name}` holds more records than the platform lets one read",
            help="narrow the stream with its options",
        ),
        Words("`{name}` 一秒之内的记录数超过平台允许的翻页深度", help="请用该流的选项缩小范围"),
    ),
    "page-loop": error(
        Words("`{name}` sends one to a page where one has been", help="look at `page` in the connector's manifest"),
        Words("`{name}` 的翻页回到了读过的一页", help="请检查连接器清单里的 page"),
    ),
    "total-untold": error(
        Words(
            "`{name}` did not say how many records there are, so it cannot be read from the last page",
            help="look at `page.total` and `page.count` in the connector's manifest",
        ),
        Words("`{name}` 没有给出总数，无法从最后一页往前读", help="请检查连接器清单里的 `page.total` 和 `page.count`"),
    ),
    "not-records": error(
        Words(
            "what `{name}` answered holds no records where its connector says: {reason}",
            help="look at `records` in the connector's manifest",
        ),
        Words("`{name}` 的回答里，连接器所指的位置没有记录：{reason}", help="请检查连接器清单里的 records"),
    ),
    "no-records-there": error(
        Words(
            "what `{name}` answered has no place for records where its connector says",
            notes=("it begins: {said}",),
            help="look at `records` in the connector's manifest",
        ),
        Words(
            "`{name}` 的回答里没有连接器所指的记录位置",
            notes=("开头是：{said}",),
            help="请检查连接器清单里的 records",
        ),
    ),
    "redirected": error(
        Words(
            "{host} sends requests on to {to}",
            notes=("credentials are not sent to another host",),
            help="if that is right, put the new address into the source's settings",
        ),
        Words("{host} 把请求转向 {to}", notes=("凭证不会发给别的主机",), help="如果这是对的，请把新地址写进数据源设置"),
    ),
    "bad-certificate": error(
        Words(
            "the certificate of {host} is not trusted: {reason}",
            help="if a proxy of your company stands between, name its certificate in SSL_CERT_FILE",
        ),
        Words("{host} 的证书不受信任：{reason}", help="如果中间有公司代理，请用 SSL_CERT_FILE 指向它的证书"),
    ),
    "answer-too-large": error(
        Words("{host} sent more than {limit} in one answer", help="ask for smaller pages"),
        Words("{host} 的一个回答超过 {limit}", help="请减小每页条数"),
    ),
    "bad-url": error(
        Words("`{url}` is no address that can be asked", help="look at the URL in the source's settings"),
        Words("`{url}` 不是可以访问的地址", help="请检查数据源设置里的地址"),
    ),
}
