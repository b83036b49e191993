"""Findings about files that lie elsewhere, hang on mails, or are recognised by templates."""

from engine.diagnostic.catalogue.words import Entry, Words, error, warning

ENTRIES: dict[str, Entry] = {
    "still-written": warning(
        Words(
            "`{path}` may not be whole yet; it waits for the next run",
            notes=("it has been written to within the last {seconds} seconds (`settle`)",),
        ),
        Words(
            "`{path}` 可能还没写完，留到下次运行再读",
            notes=("最近 {seconds} 秒内还有写入（`settle`）",),
        ),
    ),
    "far-nothing": warning(
        Words("there is no file at `{where}`", help="mend the path, or see whether the files have been put there"),
        Words("`{where}` 没有任何文件", help="请检查路径，或确认文件是否已经上传"),
    ),
    "far-refused": error(
        Words(
            "`{where}` cannot be read: {reason}",
            help="see that the address, the name to log in with and the permissions are right",
        ),
        Words("无法读取 `{where}`：{reason}", help="请检查地址、账号和权限"),
    ),
    "unknown-scheme": error(
        Words(
            "files cannot be read from `{scheme}://`",
            label="this kind of address is not known",
            notes=("known are {known}; mailboxes are given under `mail`",),
            help="did you mean `{near}`?",
        ),
        Words(
            "不支持从 `{scheme}://` 读取文件",
            label="不认识这种地址",
            notes=("支持 {known}；邮箱请写在 `mail` 下",),
            help="是不是 `{near}`？",
        ),
    ),
    "option-not-used": error(
        Words(
            "the option `{name}` means nothing for these files",
            label="nobody asks for this",
            notes=("it is for {kinds}",),
            help="take it out",
        ),
        Words("选项 `{name}` 对这些文件没有意义", label="用不上", notes=("它用于 {kinds}",), help="请删掉它"),
    ),
    "no-remote-library": error(
        Words(
            "reading `{where}` needs the library `{library}`, which is not installed",
            help="run `pip install 'commerce-engine[remote]'`",
        ),
        Words(
            "读取 `{where}` 需要尚未安装的库 `{library}`",
            help="请运行 `pip install 'commerce-engine[remote]'`",
        ),
    ),
    "host-key-unknown": error(
        Words(
            "the server of `{where}` is not known to this machine",
            notes=("it shows the {kind} key {key}",),
            help="compare the key with what the server's owner says, then give it as `host_key` under `options`",
        ),
        Words(
            "本机不认识 `{where}` 的服务器",
            notes=("它出示的 {kind} 公钥是 {key}",),
            help="请先向服务器管理方核对公钥，再写到 `options` 的 `host_key`",
        ),
    ),
    "host-key-other": error(
        Words(
            "the server of `{where}` shows another key than the one that is known",
            notes=(
                "it shows the {kind} key {key}",
                "either the server was set up anew, or somebody stands between; nothing was sent",
            ),
            help="ask the server's owner, and only then change `host_key` or the file of known hosts",
        ),
        Words(
            "`{where}` 的服务器公钥与已知的不一致",
            notes=("它出示的 {kind} 公钥是 {key}", "可能是服务器重装，也可能有人冒充；没有发送任何内容"),
            help="请先向服务器管理方确认，再修改 `host_key` 或 known_hosts 文件",
        ),
    ),
    "mailbox-renumbered": warning(
        Words(
            "the server numbered the mail of `{where}` anew; all of it is looked at again",
            notes=("records that come again replace themselves; none are doubled in a table",),
        ),
        Words(
            "服务器给 `{where}` 的邮件重新编了号，全部重新查看一遍",
            notes=("重复读到的记录会覆盖自己，表里不会重复",),
        ),
    ),
    "mail-too-large": error(
        Words("the message `{where}` is larger than {limit}", help="save its attachment and read it as a file"),
        Words("邮件 `{where}` 超过 {limit}", help="请把附件存成文件再读取"),
    ),
    "mail-without": warning(
        Words(
            "the message `{where}` has no attachment that is read",
            notes=("its attachments are {there}",),
            help="files that are only linked to cannot be read; ask for them as attachments, or mend `attachments`",
        ),
        Words(
            "邮件 `{where}` 没有要读取的附件",
            notes=("它的附件有 {there}",),
            help="只有下载链接的“超大附件”读不到；请改为普通附件，或修改 `attachments`",
        ),
    ),
    "export-unknown": warning(
        Words(
            "`{path}` is no export that a template knows; it is not read",
            notes=(
                "its headers: {headers}",
                "the nearest template is `{nearest}`",
                "which also has: {missing}",
                "which never has: {unwanted}",
            ),
            help="give the file a stream with a `path` of its own, or write a template",
        ),
        Words(
            "没有模板认识 `{path}`，没有读取",
            notes=(
                "它的列：{headers}",
                "最接近的模板是 `{nearest}`",
                "该模板还要有：{missing}",
                "该模板不该有：{unwanted}",
            ),
            help="请给它单独一个带 `path` 的流，或写一个模板",
        ),
    ),
    "export-not-read": warning(
        Words(
            "`{path}` is an export `{name}` ({label}), which no stream of the source takes",
            help="add `{name}` to the source's `streams`",
        ),
        Words(
            "`{path}` 是 `{name}`（{label_zh}），但数据源没有对应的流",
            help="请把 `{name}` 加到数据源的 `streams`",
        ),
    ),
    "export-ambiguous": error(
        Words(
            "`{path}` may be one of several exports: {names}",
            notes=("what would tell them apart: {apart}",),
            help="give the file the name that the platform gives it, or a stream with a `path` of its own",
        ),
        Words(
            "`{path}` 可能是几种导出之一：{names}",
            notes=("能区分它们的列：{apart}",),
            help="请改回平台导出的文件名，或给它单独一个带 `path` 的流",
        ),
    ),
    "unknown-template": error(
        Words(
            "there is no template `{name}` for the stream to take files by",
            label="no template has this name",
            notes=("templates: {known}",),
            help="did you mean `{near}`?",
        ),
        Words(
            "没有名为 `{name}` 的模板，无法识别文件",
            label="没有这个模板",
            notes=("现有模板：{known}",),
            help="是不是 `{near}`？",
        ),
    ),
    "no-templates": error(
        Words("there is no file of templates at `{path}`", label="nothing matches", help="mend `templates`"),
        Words("`{path}` 没有模板文件", label="没有匹配到任何文件", help="请修改 `templates`"),
    ),
    "template-twice": error(
        Words("there are two templates `{name}`", label="the second", help="give one of them another name"),
        Words("有两个模板叫 `{name}`", label="第二个", help="请给其中一个换名"),
    ),
    "bad-pattern": error(
        Words("`{pattern}` is no regular expression: {reason}", label="cannot be used"),
        Words("`{pattern}` 不是正确的正则表达式：{reason}", label="无法使用"),
    ),
    "strange-group": error(
        Words(
            "a file name does not tell `{name}`",
            label="no such group",
            notes=("the groups that a name may tell are `shop`, `since` and `until`",),
        ),
        Words(
            "文件名里没有 `{name}` 这一项", label="没有这个命名组", notes=("可用的命名组：`shop`、`since`、`until`",)
        ),
    ),
}
