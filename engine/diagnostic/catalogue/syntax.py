"""Findings about the text of a YAML manifest."""

from engine.diagnostic.catalogue.words import Entry, Words, error

ENTRIES: dict[str, Entry] = {
    "missing-file": error(
        Words(
            "there is no file `{path}`",
            label="named here",
            notes=("looked in `{folder}`",),
            help="did you mean `{near}`?",
        ),
        Words("找不到文件 `{path}`", label="在这里引用", notes=("查找的文件夹：`{folder}`",), help="是不是 `{near}`？"),
    ),
    "no-match": error(
        Words("no file matches `{path}`", label="named here", notes=("looked in `{folder}`",)),
        Words("没有文件匹配 `{path}`", label="在这里引用", notes=("查找的文件夹：`{folder}`",)),
    ),
    "outside-project": error(
        Words(
            "`{path}` is outside the project",
            label="leads out of the project's folder",
            help="keep manifests inside the project and name them relative to `project.yaml`",
        ),
        Words(
            "`{path}` 在项目文件夹之外",
            label="指向项目之外",
            help="把清单放进项目文件夹，用相对于 `project.yaml` 的路径引用",
        ),
    ),
    "unreadable-file": error(
        Words("cannot read `{path}`: {reason}"),
        Words("无法读取 `{path}`：{reason}"),
    ),
    "not-utf8": error(
        Words(
            "`{path}` is not UTF-8 text",
            label="the first character that is not",
            notes=("it reads as {encoding}",),
            help="save the file as UTF-8 (in Notepad: Save as, encoding UTF-8)",
        ),
        Words(
            "`{path}` 不是 UTF-8 文本",
            label="从这个字符开始不是",
            notes=("按 {encoding} 可以读出",),
            help="请另存为 UTF-8 编码（记事本：另存为 → 编码 UTF-8）",
        ),
    ),
    "too-large": error(
        Words("`{path}` is larger than {limit}", notes=("a manifest is a few hundred lines at most",)),
        Words("`{path}` 超过 {limit}", notes=("清单文件一般只有几百行",)),
    ),
    "empty-document": error(
        Words("`{path}` is empty", help="start it with `kind: {kind}`"),
        Words("`{path}` 是空的", help="第一行写 `kind: {kind}`"),
    ),
    "yaml-syntax": error(
        Words("this is not valid YAML: {reason}", label="here", help="{advice}"),
        Words("YAML 语法错误：{reason_zh}", label="在这里", help="{advice_zh}"),
    ),
    "tab-indent": error(
        Words("a tab cannot indent YAML", label="a tab", help="use two spaces instead"),
        Words("YAML 不能用制表符缩进", label="这里是制表符", help="请改用两个空格"),
    ),
    "full-width-colon": error(
        Words(
            "`{key}` is followed by a full-width colon",
            label="full-width `：`",
            help="write `{key}: …` with a half-width colon and a space",
        ),
        Words("`{key}` 后面是全角冒号", label="全角 `：`", help="请写成半角冒号加空格：`{key}: …`"),
    ),
    "duplicate-key": error(
        Words(
            "`{key}` is given twice",
            label="second time",
            notes=("first given on line {first}",),
            help="remove one of the two",
        ),
        Words("`{key}` 写了两次", label="第二次", notes=("第一次在第 {first} 行",), help="删掉其中一个"),
    ),
    "yaml-feature": error(
        Words("manifests do not use YAML {feature}", label="{what}", help="{advice}"),
        Words("清单里不使用 YAML 的{feature_zh}", label="在这里", help="{advice_zh}"),
    ),
    "too-deep": error(
        Words("this is nested more than {limit} levels deep", label="here"),
        Words("嵌套超过 {limit} 层", label="在这里"),
    ),
    "not-a-key": error(
        Words("a key must be a single piece of text", label="not text", help="write `name: value`"),
        Words("键必须是一段文本", label="不是文本", help="请写成 `名称: 值`"),
    ),
}
