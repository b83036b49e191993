"""A new project that runs: manifests, a small export, settings for the editor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from engine.diagnostic import Findings, finding, nearest
from engine.load import KINDS, library
from engine.load.schema import schema

_PROJECT = """\
# yaml-language-server: $schema=.engine/schemas/project.json
kind: project
name: {name}
timezone: Asia/Shanghai
currency: CNY
use: [{packs}]

sources:
  exports:                      # files that people export by hand
    connector: files
    shop: my-shop               # which shop they belong to
    streams:
      tmall_orders: {{path: data/orders/*.csv}}   # the library has a mapping for this name; it applies by itself

metrics: [metrics/own.yaml]
# mappings: [mappings/*.yaml]   # your own mappings; `engine plan --sql` shows what the library's do
"""

_METRICS = """\
# yaml-language-server: $schema=../.engine/schemas/metrics.json
kind: metrics
metrics:
  large_orders:
    zh: 大额订单数
    en: large orders
    table: orders
    measure: count(*)
    time: paid_at
    where: buyer_paid_amount >= 200
    unit: order
"""

_ORDERS = """\
订单编号,买家会员名,总金额,买家实际支付金额,订单状态,收货地址 ,订单创建时间,订单付款时间 ,店铺名称,退款金额
="3725362658812590001",小**1,178.80,178.80,交易成功,浙江省 杭州市 余杭区,2025-11-01 09:12:05,2025-11-01 09:12:40,示例店,0.00
="3725362658812590002",木**7,"1,299.00","1,299.00",交易成功,上海 上海市 浦东新区,2025/11/1 10:05,2025/11/1 10:06,示例店,0.00
="3725362658812590003",t**8,59.90,0.00,交易关闭,广东省 深圳市 南山区,2025-11-01 21:30:00,,示例店,0.00
="3725362658812590004",小**1,88.00,88.00,"卖家已发货，等待买家确认",浙江省 杭州市 余杭区,2025-11-02 08:00:01,2025-11-02 08:00:30,示例店,0.00
="3725362658812590005",云**a,240.00,120.00,交易成功,四川省 成都市 锦江区,2025-11-02 12:45:10,2025-11-02 12:45:50,示例店,120.00
="3725362658812590006",云**a,¥66.00,66元,交易成功,四川省 成都市 锦江区,2025-11-02 24:00,2025-11-03 00:01:12,示例店,-
="3725362658812590007",q**3,一百,100.00,交易成功,北京 北京市 朝阳区,2025-11-03 11:11:11,2025-11-03 11:12:00,示例店,0.00
合计,,,,,,,,,
"""  # noqa: E501

_README = """\
# {name}

    engine validate          # check the manifests · 检查清单
    engine apply             # read, clean, build, publish · 读取、清洗、建表、发布
    engine query             # list the metrics · 列出指标
    engine query order_cnt pay_amt --by time.day
    engine show quarantine   # the row that could not be taken, and why · 被拒收的行和原因

Put your own exports into `data/orders/` and run `engine apply` again.

把自己的导出文件放进 `data/orders/`，再运行一次 `engine apply`。

`project.yaml` says where data comes from, `metrics/own.yaml` defines metrics. `.engine/schemas` is for the editor's completion and is
not kept in git; `engine schema --write .engine/schemas` writes it anew.

`project.yaml` 写数据从哪来，`metrics/own.yaml` 定义指标。`.engine/schemas` 供编辑器补全，不进 git，可用 `engine schema --write .engine/schemas` 重新生成。
"""  # noqa: E501

_IGNORED = "build/\n.engine/\n"


def start(folder: Path, packs: tuple[str, ...]) -> Iterator[Path]:
    """Write a starter project into a new folder; yields the files as they are written. Raises `Findings` (status 2)."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Findings([finding("folder-not-empty", path=str(folder))], status=2)
    known = sorted(
        file.relative_to(library() / "metrics").with_suffix("").as_posix()
        for file in (library() / "metrics").rglob("*.yaml")
    )
    for pack in packs:
        if pack not in known:
            facts = {
                "kind": "pack",
                "kind_zh": "指标包",
                "name": pack,
                "known": ", ".join(known),
                "near": nearest(pack, known),
            }
            raise Findings([finding("unknown-thing", **facts)], status=2)
    name = _name(folder)
    texts = {
        "project.yaml": _PROJECT.format(name=name, packs=", ".join(f"metrics/{pack}" for pack in packs)),
        "metrics/own.yaml": _METRICS,
        "data/orders/ExportOrderList202511.csv": _ORDERS,
        "README.md": _README.format(name=name),
        ".gitignore": _IGNORED,
        ".vscode/settings.json": json.dumps(_editor(), indent=2) + "\n",
        ".vscode/extensions.json": json.dumps({"recommendations": ["redhat.vscode-yaml"]}, indent=2) + "\n",
    }
    for path, text in texts.items():
        yield _written(folder / path, text, "gb18030" if path.endswith(".csv") else "utf-8")
    yield from write_schemas(folder / ".engine" / "schemas")


def write_schemas(folder: Path) -> Iterator[Path]:
    """Write the JSON Schema of every kind of manifest into a folder."""
    for kind in KINDS:
        yield _written(folder / f"{kind}.json", json.dumps(schema(kind), ensure_ascii=False, indent=2) + "\n")


def _written(file: Path, text: str, encoding: str = "utf-8") -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding)
    except OSError as failure:
        reason = failure.strerror or type(failure).__name__
        raise Findings([finding("unwritable", path=str(file), reason=reason)], status=3) from None
    return file


def _editor() -> dict[str, object]:
    kinds = {
        "project": ["project.yaml"],
        "mapping": ["mappings/*.yaml"],
        "metrics": ["metrics/*.yaml"],
        "model": ["models/*.yaml"],
    }
    return {"yaml.schemas": {f".engine/schemas/{kind}.json": patterns for kind, patterns in kinds.items()}}


def _name(folder: Path) -> str:
    kept = "".join(char if char.isascii() and char.isalnum() else "_" for char in folder.resolve().name.lower()).strip(
        "_"
    )
    return kept if kept[:1].isalpha() else f"store_{kept}".strip("_")
