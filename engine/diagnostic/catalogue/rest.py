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
    "no-such-list": error(
        Words(
            "records of this stream have no list `{name}`",
            label="no row would come of it",
            notes=("they have: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "这个流的记录里没有列表 `{name}`",
            label="不会产生任何行",
            notes=("记录里有：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "undeclared-field": warning(
        Words(
            "connector `{connector}` declares no field `{name}` here",
            label="empty, unless the platform sends it all the same",
            help="did you mean `{near}`?",
        ),
        Words(
            "连接器 `{connector}` 没有声明字段 `{name}`",
            label="除非平台实际返回了它，否则为空",
            help="是不是 `{near}`？",
        ),
    ),
    "missing-one-of": error(
        Words("connector `{connector}` needs one of {keys}", label="none of them is given"),
        Words("连接器 `{connector}` 至少需要填写其中一个：{keys}", label="一个都没有填"),
    ),
    "shop-twice": error(
        Words(
            "two accounts have the same `shop`, `{shop}`",
            label="the name of an earlier account",
            notes=("what was read is kept by shop: each would take what the other read for its own",),
            help="give each account a name of its own",
        ),
        Words(
            "两个账号的 `shop` 相同：`{shop}`",
            label="前面的账号已用了这个名称",
            notes=("读取进度按店铺记录，同名会把对方已读的当成自己已读的",),
            help="请给每个账号起不同的名称",
        ),
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
    "clock-off": warning(
        Words(
            "the clock of this machine is {seconds} seconds away from that of the platform of `{name}`",
            help="set the clock by a time server: signatures and windows depend on it",
        ),
        Words("本机时钟与 `{name}` 的平台相差 {seconds} 秒", help="请用时间服务器校准时钟：签名和时间窗口都依赖它"),
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
    "page-smaller": error(
        Words(
            "`{name}` gives fewer records in a page than it is asked for",
            notes=("counted in pages of that size, the rest would never be read",),
            help="lower `page.size` in the connector's manifest, or the option that sets it",
        ),
        Words(
            "`{name}` 每页返回的条数比要求的少",
            notes=("按要求的每页条数翻页会漏掉其余记录",),
            help="请调小连接器清单里的 `page.size` 或相应选项",
        ),
    ),
    "no-id": error(
        Words("a record in the list of `{name}` has no `{path}`", help="look at `list.id` in the connector's manifest"),
        Words("`{name}` 的列表里有记录没有 `{path}`", help="请检查连接器清单里的 `list.id`"),
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
    "bad-header": error(
        Words(
            "the header `{header}` for {host} cannot be sent: there is a line break in it, a blank at its end, or what is no ASCII",
            help="look at the setting that it is made from; a file that holds a secret often ends with a line break",
        ),
        Words(
            "发给 {host} 的请求头 `{header}` 无法发送：里面有换行、首尾空格或非 ASCII 字符",
            help="请检查对应的设置；存放密钥的文件末尾常常多一个换行",
        ),
    ),
    "bad-url": error(
        Words("`{url}` is no address that can be asked", help="look at the URL in the source's settings"),
        Words("`{url}` 不是可以访问的地址", help="请检查数据源设置里的地址"),
    ),
}
