"""What the command line says besides diagnostics, in both languages."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["en", "zh"]

_WORDS: dict[str, tuple[str, str]] = {
    "sound": ("{name}: {counts}; nothing wrong", "{name}：{counts}，没有问题"),
    "noted": ("{name}: {counts}; no errors", "{name}：{counts}，没有错误"),
    "and": (", ", "、"),
    "errors": ("{n} errors", "{n} 个错误"),
    "one error": ("1 error", "1 个错误"),
    "warnings": ("{n} warnings", "{n} 个警告"),
    "one warning": ("1 warning", "1 个警告"),
    "manifests": ("{n} manifests", "{n} 个清单"),
    "one manifest": ("1 manifest", "1 个清单"),
    "mappings": ("{n} mappings", "{n} 个映射"),
    "one mapping": ("1 mapping", "1 个映射"),
    "metrics": ("{n} metrics", "{n} 个指标"),
    "one metric": ("1 metric", "1 个指标"),
    "nothing": ("nothing new since run {run}: no file, mapping or metric changed", "自第 {run} 次运行以来没有变化：文件、映射、指标都没有变"),
    "nothing yet": ("nothing to do", "没有要做的事"),
    "plan reads": ("to read", "将读取"),
    "plan builds": ("to build", "将构建"),
    "plan metrics": ("metrics", "指标"),
    "plan nothing": ("nothing to do: the published state is what the manifests declare", "没有要做的事：已发布的结果与清单一致"),
    "new": ("new", "新"), "changed": ("changed", "已变"), "added": ("added", "新增"), "removed": ("removed", "删除"),
    "rebuild": ("rebuild", "重建"), "extend": ("extend", "增量"), "remove": ("remove", "删除"),
    "stream": ("stream", "数据流"), "part": ("part", "文件"), "table": ("table", "表"), "mapping": ("mapping", "映射"),
    "read": ("read", "读取"), "loaded": ("loaded", "载入"), "superseded": ("superseded", "被取代"), "rejected": ("rejected", "拒收"),
    "dropped": ("dropped", "舍弃"), "left out": ("left out", "略过"), "seconds": ("seconds", "秒"), "rows": ("rows", "行数"),
    "how": ("how", "方式"), "why": ("why", "原因"), "size": ("size", "大小"), "metric": ("metric", "指标"), "what": ("what", "变化"),
    "formula": ("formula", "公式"), "name": ("name", "名称"), "unit": ("unit", "单位"), "dimensions": ("dimensions", "维度"),
    "run": ("run", "运行"), "started": ("started", "开始时间"), "status": ("status", "状态"), "findings": ("findings", "发现"),
    "done": ("done", "完成"), "failed": ("failed", "失败"),
    "published": ("run {run} done in {seconds} s; {tables} published", "第 {run} 次运行完成，用时 {seconds} 秒；发布了 {tables}"),
    "tables": ("{n} tables", "{n} 张表"), "one table": ("1 table", "1 张表"),
    "not published": ("run {run} failed after {seconds} s; nothing was published, readers see what they saw", "第 {run} 次运行失败，用时 {seconds} 秒；没有发布，读者看到的仍是之前的结果"),
    "step plan": ("planning", "计划"), "step read": ("reading", "读取"), "step build": ("building", "构建"), "step publish": ("publishing", "发布"),
    "more": ("… and {n} more", "… 还有 {n} 行"),
    "ask": ("ask for metrics by name: `engine query {project} {metric} --by {dimension}`", "按名称查询指标：`engine query {project} {metric} --by {dimension}`"),
    "bug": ("error[bug]: this is a bug in the engine, not in your files: {what}", "错误[bug]：这是引擎的缺陷，不是你的文件有问题：{what}"),
    "bug help": ("set ENGINE_DEBUG=1 to see where, and please report it", "设置 ENGINE_DEBUG=1 可查看位置，欢迎反馈"),
    "interrupted": ("interrupted; nothing was published, and the next run resumes", "已中断；没有发布，下次运行会接着做"),
    "written": ("{path} written", "已写入 {path}"),
    "try": ("try it", "试一试"),
    "no runs": ("no run yet", "还没有运行过"),
}  # fmt: skip


def say(language: Language, key: str, **facts: object) -> str:
    """The words for a key, with the facts put in."""
    return _WORDS[key][1 if language == "zh" else 0].format(**facts)


def some(language: Language, one: str, many: str, n: int) -> str:
    """`1 error`, `2 errors`."""
    return say(language, one if n == 1 else many, n=n)


_WHYS = (
    (r"new table", "新表"),
    (r"asked for", "按要求"),
    (r"no mapping feeds it any more", "不再有映射写入它"),
    (r"(\d+) new batch(?:es)?", r"\1 个新批次"),
    (r"mapping (\S+) changed", r"映射 \1 变了"),
    (r"mapping (\S+) is new", r"新增映射 \1"),
    (r"mapping (\S+) is gone", r"删除了映射 \1"),
    (r"table changed", "表的定义变了"),
    (r"project changed", "项目的时区变了"),
    (r"engine changed", "引擎的类型转换变了"),
)


def why(language: Language, reason: str) -> str:
    """A plan's reason in the language; plans themselves say it in English, so that they are the same for everybody."""
    if language == "en":
        return reason
    for pattern, words in _WHYS:
        reason = re.sub(rf"\b{pattern}(?=,|$)", words, reason)
    return reason
