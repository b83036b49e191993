"""The columns that the programs make of trades and their lines: the same for all of them."""

from __future__ import annotations

ORDERS = {
    "tid": "VARCHAR", "status": "VARCHAR", "payment": "DECIMAL(18,2)", "total_fee": "DECIMAL(18,2)", "post_fee": "DECIMAL(18,2)",
    "discount_fee": "DECIMAL(18,2)", "received_payment": "DECIMAL(18,2)", "created": "TIMESTAMP", "pay_time": "TIMESTAMP",
    "consign_time": "TIMESTAMP", "end_time": "TIMESTAMP", "modified": "TIMESTAMP", "num": "BIGINT", "buyer_open_uid": "VARCHAR",
    "receiver_state": "VARCHAR", "receiver_city": "VARCHAR", "receiver_district": "VARCHAR", "trade_from": "VARCHAR",
    "seller_flag": "VARCHAR", "type": "VARCHAR", "oaid": "VARCHAR", "num_iid": "VARCHAR", "adjust_fee": "DECIMAL(18,2)",
    "commission_fee": "DECIMAL(18,2)",
}  # fmt: skip
"""The columns of a trade, and their types in DuckDB."""
LINES = {
    "oid": "VARCHAR", "num_iid": "VARCHAR", "sku_id": "VARCHAR", "outer_iid": "VARCHAR", "outer_sku_id": "VARCHAR",
    "title": "VARCHAR", "num": "DECIMAL(18,3)", "price": "DECIMAL(18,2)", "total_fee": "DECIMAL(18,2)", "payment": "DECIMAL(18,2)",
    "divide_order_fee": "DECIMAL(18,2)", "part_mjz_discount": "DECIMAL(18,2)", "discount_fee": "DECIMAL(18,2)",
    "adjust_fee": "DECIMAL(18,2)", "cid": "VARCHAR", "refund_status": "VARCHAR", "status": "VARCHAR",
}  # fmt: skip
"""The columns of a line."""
