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
    "requests": ("requests", "请求数"), "waited": ("waited (s)", "等待秒数"),
    "rows so far": ("{n:,} rows", "{n:,} 行"), "requests so far": ("{n:,} requests", "{n:,} 次请求"),
    "waited so far": ("waited {n} s", "等待 {n} 秒"), "time left": ("{n} left", "还需 {n}"),
    "more": ("… and {n} more", "… 还有 {n} 行"),
    "ask": ("ask for metrics by name: `engine query {project} {metric} --by {dimension}`", "按名称查询指标：`engine query {project} {metric} --by {dimension}`"),
    "bug": ("error[bug]: this is a bug in the engine, not in your files: {what}", "错误[bug]：这是引擎的缺陷，不是你的文件有问题：{what}"),
    "bug help": ("set ENGINE_DEBUG=1 to see where, and please report it", "设置 ENGINE_DEBUG=1 可查看位置，欢迎反馈"),
    "interrupted": ("interrupted; nothing was published, and the next run resumes", "已中断；没有发布，下次运行会接着做"),
    "written": ("{path} written", "已写入 {path}"),
    "label": ("label", "名称"), "streams": ("streams", "数据流"), "needs": ("settings needed", "必填设置"), "comes from": ("comes from", "来源"),
    "declared": ("yours", "自定义"), "kind built-in": ("built in", "内置"), "kind library": ("library", "库"), "kind plugin": ("plugin", "插件"),
    "kind project": ("this project", "本项目"), "broken": ("cannot be used: {reason}", "无法使用：{reason}"),
    "ask connector": ("what a connector needs: `engine connector show {name}`", "查看连接器需要什么：`engine connector show {name}`"),
    "setting": ("setting", "设置"), "settings": ("settings", "设置"), "needed": ("needed", "必填"), "default": ("default", "默认值"),
    "what it is": ("what it is", "说明"), "yes": ("yes", "是"), "secret": ("secret", "密钥"), "key": ("key", "主键"), "window": ("window", "时间窗口"),
    "pages": ("pages", "翻页"), "limits": ("limits", "限速"), "fields": ("fields", "字段数"), "field": ("field", "字段"), "type": ("type", "类型"),
    "pii": ("personal", "个人信息"), "as a whole": ("as a whole, every {every}", "整体读取，每 {every} 一次"),
    "spans": ("{span}, {lag} behind", "{span}，滞后 {lag}"), "keeps": ("; {history} back", "；可回溯 {history}"),
    "to paste": ("paste into project.yaml:", "粘贴到 project.yaml："), "to set": ("set these, in the environment or in `.env`:", "设置这些变量（环境变量或 `.env`）："),
    "authorised": ("authorised", "授权有效"), "no answer": ("no answer", "没有得到结果"),
    "took": ("{seconds} s", "{seconds} 秒"), "one row": ("1 row", "1 行"), "one request": ("1 request", "1 次请求"), "has fields": ("{n} fields", "{n} 个字段"),
    "level fine": ("ok", "正常"), "level warning": ("look", "注意"), "level wrong": ("WRONG", "有误"), "level unknown": ("?", "未知"),
    "check version": ("version", "版本"), "check settings": ("settings", "设置"), "check variables": ("variables", "变量"),
    "check reachable": ("host", "主机"), "check tls": ("encryption", "加密"), "check clock": ("clock", "时钟"), "check answers": ("answers", "应答"),
    "check token": ("token", "令牌"), "check limits": ("limits", "限速"), "check fields": ("fields", "字段"), "check history": ("history", "已读范围"),
    "examined": ("{n} checks: {wrong} wrong, {warned} to look at", "检查 {n} 项：{wrong} 项有误，{warned} 项需要注意"),
    "doctor version": ("engine {version}", "engine {version}"),
    "doctor settings fine": ("complete ({n} given)", "完整（已填 {n} 项）"), "doctor settings wrong": ("not right", "不正确"),
    "doctor no variables": ("none are needed", "不需要"), "doctor variables found": ("{names}", "{names}"), "doctor variables lacking": ("not set: {names} (`engine secret where` tells where they are looked for)", "没有设置：{names}（`engine secret where` 列出查找位置）"),
    "doctor not asked": ("not asked: a variable is not set", "没有询问：缺少变量"),
    "doctor reached": ("{host} was reached", "{host} 可以连通"),
    "doctor tls fine": ("the certificate holds", "证书有效"), "doctor tls not needed": ("on this machine, not needed", "本机，不需要"),
    "doctor tls none": ("none: secrets travel in the clear", "没有加密：密钥以明文传输"),
    "doctor clock untold": ("the server told no time", "服务器没有给出时间"), "doctor clock agrees": ("agrees with the server's", "与服务器一致"),
    "doctor clock ahead": ("{seconds} s ahead of the server's", "比服务器快 {seconds} 秒"), "doctor clock behind": ("{seconds} s behind the server's", "比服务器慢 {seconds} 秒"),
    "doctor answers": ("authorised; rows: {rows}, in {seconds} s", "授权有效；{rows} 行，用时 {seconds} 秒"), "doctor answers uncounted": ("readable", "可以读取"),
    "doctor token untold": ("when it ends is not told", "平台没有给出到期时间"), "doctor token ends": ("ends {at} ({days} days)", "{at} 到期（还有 {days} 天）"),
    "doctor token ended": ("ended {at}", "已于 {at} 到期"), "doctor limits": ("{limits}", "{limits}"),
    "doctor fields unseen": ("{n} declared; no record to compare with", "声明了 {n} 个；没有记录可对照"),
    "doctor fields agree": ("all {n} declared ones are there, and no others", "声明的 {n} 个都有，没有多余的"),
    "doctor fields not seen": ("declared, not in {records} records: {names}", "声明了但 {records} 条记录里没有：{names}"),
    "doctor fields not declared": ("in the records, not declared: {names}", "记录里有但没有声明：{names}"),
    "doctor history idle": ("nothing is due yet", "还没有到该读的时候"), "doctor history none": ("nothing read yet", "还没有读取过"), "doctor history whole": ("read up to {until}, no gaps", "已读到 {until}，没有缺口"),
    "doctor history holes": ("read up to {until}; {n} gaps, the first from {first}", "已读到 {until}；有 {n} 处缺口，第一处从 {first} 起"),
    "token first": ("a token has to be fetched first; in the request below it is not known yet", "需要先取令牌；下面的请求里还不知道令牌的值"),
    "next window": ("the next window that is lacking: {start} … {end}", "下一个待读窗口：{start} … {end}"),
    "nothing lacking": ("nothing is lacking now; this asks for {start} … {end} again", "目前没有待读窗口；这里再问一次 {start} … {end}"),
    "signed": ("text that is signed", "签名原文"), "digest": ("digest", "摘要算法"), "signature": ("signature", "签名"), "goes into": ("goes into", "放到"),
    "found in": ("found in", "来源"), "used by": ("used by", "用在"), "nowhere": ("not set", "没有设置"),
    "no names": ("the project needs no names from outside", "项目不需要外部变量"),
    "sealed": ("{path} written, {n} names: {names}", "已写入 {path}，共 {n} 个变量：{names}"),
    "name it": ("name the manifest under `connectors` of project.yaml; `engine connector show {name}` then tells what to paste below `sources`", "在 project.yaml 的 `connectors` 下写上这个清单；再用 `engine connector show {name}` 查看怎样填 `sources`"),
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
