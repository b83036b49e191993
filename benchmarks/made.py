"""Make the projects and the data that are measured; the same size gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import duckdb

# --- 100 mappings -----------------------------------------------------------------------------------------------

_FIELDS = {
    "order_id": ("id", "订单编号"),
    "buyer": ("text", "买家会员名"),
    "title": ("text", "宝贝标题"),
    "status": ("text", "订单状态"),
    "created_at": ("timestamp", "订单创建时间"),
    "paid_at": ("timestamp", "订单付款时间"),
    "amount": ("decimal", "总金额"),
    "paid_amount": ("decimal", "买家实际支付金额"),
    "postage": ("decimal", "买家应付邮费"),
    "pieces": ("integer", "宝贝总数量"),
    "province": ("text", "收货地址"),
}


def many_mappings(folder: Path, count: int) -> None:
    """A project with `count` streams of files, each mapped into a table of its own."""
    (folder / "mappings").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "data").mkdir()
    streams = "\n".join(f"      orders_{at:03d}: {{path: data/orders_{at:03d}.csv}}" for at in range(count))
    (folder / "project.yaml").write_text(
        "kind: project\nname: many\nsources:\n  shop:\n    connector: files\n    streams:\n"
        f"{streams}\nmodels: [models/*.yaml]\nmappings: [mappings/*.yaml]\n",
        "utf-8",
    )
    for at in range(count):
        (folder / "mappings" / f"orders_{at:03d}.yaml").write_text(_mapping(at), "utf-8")
        (folder / "data" / f"orders_{at:03d}.csv").write_text(_few_orders(at), "utf-8")
    for at in range(0, count, 10):
        tables = "".join(_table(one) for one in range(at, min(at + 10, count)))
        (folder / "models" / f"tables_{at:03d}.yaml").write_text(f"kind: model\ntables:\n{tables}", "utf-8")


def _table(at: int) -> str:
    columns = "".join(
        f"      {name}: {{type: {type_}, zh: {label}, en: {name.replace('_', ' ')}}}\n"
        for name, (type_, label) in {**_FIELDS, "net_amount": ("decimal", "净额")}.items()
    )
    return (
        f"  own_{at:03d}:\n    zh: 订单 {at}\n    en: orders {at}\n    grain: one row per order\n    key: [order_id]\n"
        f"    time: paid_at\n    columns:\n{columns}"
    )


def _mapping(at: int) -> str:
    fields = {name: source for name, (_, source) in _FIELDS.items()}
    fields["status"] = "{from: 订单状态, map: {交易成功: completed, 交易关闭: closed}, unknown: flag}"
    fields["paid_at"] = '{from: 订单付款时间, format: "%Y-%m-%d %H:%M:%S"}'
    fields["amount"] = "{from: 总金额, unit: yuan}"
    fields["province"] = "{from: 收货地址, clean: [trim, province]}"
    fields["net_amount"] = (
        f"{{sql: \"case when status = 'closed' then 0 else paid_amount - coalesce(postage, 0) - {at} end\"}}"
    )
    lines = "".join(f"  {name}: {given}\n" for name, given in fields.items())
    return (
        f"kind: mapping\nfrom: shop.orders_{at:03d}\ninto: own_{at:03d}\nfields:\n{lines}"
        f"rules:\n  - reject: paid_amount < 0 or pieces > {1000 + at}\n    because: 实付金额为负\n"
    )


def _few_orders(at: int) -> str:
    head = ",".join(source for _, source in _FIELDS.values())
    rows = "".join(
        f"3725362{at:04d}{row:07d},买家{row},面霜,交易成功,2024-03-{row + 1:02d} 10:00:00,"
        f"2024-03-{row + 1:02d} 10:05:00,{100 + row}.50,{90 + row}.00,0.00,{row + 1},浙江省 杭州市\n"
        for row in range(10)
    )
    return f"{head}\n{rows}"


# --- one large table --------------------------------------------------------------------------------------------

TYPES = {
    "订单编号": "VARCHAR",
    "买家会员名": "VARCHAR",
    "宝贝标题": "VARCHAR",
    "总金额": "DECIMAL(18, 2)",
    "买家应付邮费": "DECIMAL(18, 2)",
    "买家实际支付金额": "DECIMAL(18, 2)",
    "退款金额": "DECIMAL(18, 2)",
    "订单创建时间": "TIMESTAMP",
    "订单付款时间": "TIMESTAMP",
    "省份": "VARCHAR",
    "宝贝总数量": "BIGINT",
    "宝贝种类": "BIGINT",
}
"""The columns of the large file, and their types in DuckDB."""

_PROVINCES = (
    "浙江省 江苏省 广东省 上海市 北京市 四川省 山东省 湖北省 河南省 重庆市 福建省 陕西省 湖南省 安徽省 河北省 辽宁省"
)
_TITLES = "积雪草修护精华液30ml 氨基酸温和洁面乳120g 烟酰胺透亮面膜5片装 玻尿酸保湿爽肤水 神经酰胺屏障面霜 轻透防晒乳"
_COLUMNS = {
    "order_id": ("id", "订单编号"),
    "buyer": ("text", "买家会员名"),
    "title": ("text", "宝贝标题"),
    "amount": ("decimal", "总金额"),
    "postage": ("decimal", "买家应付邮费"),
    "paid_amount": ("decimal", "买家实际支付金额"),
    "refund_amount": ("decimal", "退款金额"),
    "created_at": ("timestamp", "订单创建时间"),
    "paid_at": ("timestamp", "订单付款时间"),
    "province": ("text", "省份"),
    "pieces": ("integer", "宝贝总数量"),
    "kinds": ("integer", "宝贝种类"),
}


def large_project(folder: Path, memory: str, threads: int) -> None:
    """A project with one stream of files, mapped column by column into one table, and four metrics."""
    (folder / "data").mkdir(parents=True)
    columns = "".join(
        f"      {name}: {{type: {type_}, zh: {label}, en: {name.replace('_', ' ')}}}\n"
        for name, (type_, label) in _COLUMNS.items()
    )
    fields = "".join(f"  {name}: {label}\n" for name, (_, label) in _COLUMNS.items())
    files = {
        "project.yaml": "kind: project\nname: large\n"
        f"warehouse: {{memory: {memory}, threads: {threads}}}\n"
        "sources:\n  shop:\n    connector: files\n    streams: {sales: {path: data/*.csv}}\n"
        "models: [model.yaml]\nmappings: [mapping.yaml]\nmetrics: [metrics.yaml]\n",
        "model.yaml": "kind: model\ntables:\n  sales:\n    zh: 销售\n    en: sales\n    grain: one row per order\n"
        f"    key: [order_id]\n    time: paid_at\n    columns:\n{columns}",
        "mapping.yaml": f"kind: mapping\nfrom: shop.sales\ninto: sales\nnewest_by: created_at\nfields:\n{fields}",
        "metrics.yaml": "kind: metrics\nmetrics:\n"
        "  paid: {zh: 支付金额, en: paid, table: sales, measure: sum(paid_amount), time: paid_at, unit: CNY}\n"
        "  orders: {zh: 支付单数, en: orders, table: sales, measure: count(order_id), time: paid_at}\n"
        "  buyers: {zh: 支付人数, en: buyers, table: sales, measure: count(distinct buyer), time: paid_at}\n"
        "  per_order: {zh: 客单价, en: paid per order, ratio: [paid, orders]}\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def large_file(file: Path, rows: int, *, first: int = 0, step: int = 1, taken: int = 0) -> None:
    """A CSV of `rows` orders: every `step`-th order from number `first`; `taken` is added to the time of the record."""
    provinces, titles = (str(words.split()) for words in (_PROVINCES, _TITLES))
    # Scattered, but the same every time: the low digits of a product with a large odd number.
    mixed = "(n * 2654435761 + 12345) % 4294967291"
    duckdb.connect().execute(
        f"""
        COPY (
            SELECT
                (372536000000000000 + n * 97)::VARCHAR AS 订单编号,
                'buyer_' || (mix % 800000)::VARCHAR AS 买家会员名,
                {titles}[mix % 6 + 1] || ' 第' || (mix % 97)::VARCHAR || '批' AS 宝贝标题,
                (paid + 1000)::DECIMAL(18, 2) / 100 AS 总金额,
                ((mix // 7) % 3 * 500)::DECIMAL(18, 2) / 100 AS 买家应付邮费,
                paid::DECIMAL(18, 2) / 100 AS 买家实际支付金额,
                CASE WHEN mix % 50 = 0 THEN paid::DECIMAL(18, 2) / 100 ELSE 0.00 END AS 退款金额,
                moment + to_seconds({taken}) AS 订单创建时间,
                moment + to_seconds(mix % 3600) AS 订单付款时间,
                {provinces}[(mix // 11) % 16 + 1] AS 省份,
                mix % 5 + 1 AS 宝贝总数量,
                mix % 3 + 1 AS 宝贝种类
            FROM (
                SELECT n, mix, (mix // 13) % 100000 + 1 AS paid,
                    TIMESTAMP '2023-01-01' + to_seconds((n * 13) % 63072000) AS moment
                FROM (SELECT n, {mixed} AS mix FROM (SELECT {first} + i * {step} AS n FROM range({rows}) r(i)))
            )
        ) TO '{file}' (FORMAT csv, HEADER)
        """
    )
