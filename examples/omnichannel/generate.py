"""Make what is not asked over the network: order exports of JD, and the database of the tills in the shops.

    python generate.py 2025-11-11T08:00:00+08:00

writes data/jd/*.csv and data/pos.db as they would be at that time; a later time adds an export and further rows. The
same time gives the same content. Brand, buyers and orders are invented.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from random import Random

BEIJING = timezone(timedelta(hours=8))
OPENED = datetime(2025, 11, 10, 20, tzinfo=BEIJING)
"""When the sale of Double 11 opened; JD's exports reach back to then."""

# The headers of an export from the seller's back office, in its order and its spelling.
JD_HEADER = """
订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,下单帐号,
客户姓名,客户地址,联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,商家备注等级（等级1-5为由高到低）,运费金额,
付款确认时间,增值税发票,货号,订单完成时间,订单来源,订单渠道
""".replace("\n", "").split(",")
ITEMS = (  # 商品ID, 条码, 名称, cents
    ("100012043978", "6901234500017", "青岚 积雪草修护精华液 30ml", 16900),
    ("100012043979", "6901234500024", "青岚 氨基酸温和洁面乳 120g", 7900),
    ("100012043980", "6901234500031", "青岚 烟酰胺透亮面膜 5片装", 5990),
    ("100012043981", "6901234500048", "青岚 神经酰胺屏障面霜 50g", 21900),
    ("100012043982", "6901234500055", "青岚 轻透防晒乳 SPF50+ 50ml", 8900),
    ("100012043983", "0690123450006", "青岚 旅行小样四件套", 3990),
)
ADDRESSES = (
    "浙江杭州市余杭区五常街道",
    "广东深圳市南山区粤海街道",
    "北京朝阳区三环以内",
    "上海浦东新区张江镇",
    "四川成都市武侯区桂溪街道",
)
STORES = (("S001", "青岚 杭州湖滨店"), ("S002", "青岚 上海徐汇店"), ("S003", "青岚 深圳万象店"))
POS_TABLE = """
create table if not exists sale (
    receipt_no text not null, line_no integer not null, store_code text not null, store_name text not null,
    sold_at text not null, updated_at text not null, barcode text not null, title text not null,
    qty integer not null, price_fen integer not null, amount_fen integer not null, member_no text,
    primary key (receipt_no, line_no)
)
"""


def written(moment: datetime | None) -> str:
    """Beijing time as text; nothing where there is none."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}" if moment else ""


def yuan(cents: int) -> str:
    """Cents as text of yuan."""
    return f"{cents // 100}.{cents % 100:02d}"


# --- JD -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JdOrder:
    """An order with all that happens to it, also what is still to come."""

    number: str
    lines: tuple[tuple[int, int], ...]  # which of ITEMS, how many
    off: int
    postage: int
    account: str
    address: str
    created: datetime
    paid: datetime | None
    sent: datetime | None
    ended: datetime | None
    cancelled: bool

    def status(self, now: datetime) -> str:
        """What the back office says at that time."""
        if self.ended and self.ended <= now:
            return "已取消" if self.cancelled else "完成"
        if self.sent and self.sent <= now:
            return "等待确认收货"
        return "等待出库" if self.paid and self.paid <= now else "等待付款"


def jd_orders(count: int = 320) -> list[JdOrder]:
    """Orders of Double 11, from its opening until the next night."""
    chance, made = Random(618), []
    for index in range(count):
        created = OPENED + timedelta(seconds=chance.randrange(26 * 3600))
        paid = created + timedelta(seconds=chance.randrange(20, 7200)) if chance.random() < 0.9 else None
        cancelled = paid is None or chance.random() < 0.06
        sent = paid + timedelta(hours=chance.uniform(1, 9)) if paid and not cancelled else None
        ended = (sent or paid or created) + timedelta(hours=chance.uniform(1, 12))
        picked = chance.sample(range(len(ITEMS)), chance.choice((1, 1, 1, 2, 2, 3)))
        made.append(
            JdOrder(
                number=str(291_234_560_000 + index * 37),
                lines=tuple((item, chance.choice((1, 1, 1, 2))) for item in picked),
                off=chance.choice((0, 0, 500, 1250, 2000)),
                postage=chance.choice((0, 0, 0, 600)),
                account=f"jd_{chance.getrandbits(40):010x}",
                address=chance.choice(ADDRESSES),
                created=created,
                paid=paid,
                sent=sent,
                ended=ended if chance.random() < 0.8 or paid is None else None,
                cancelled=cancelled,
            )
        )
    return sorted(made, key=lambda one: one.created)


def jd_rows(now: datetime) -> list[dict[str, str]]:
    """The rows of an export at that time: one for each product of an order, amounts of the order on each of them."""
    rows = []
    for order in jd_orders():
        if order.created > now:
            continue
        goods = sum(ITEMS[item][3] * pieces for item, pieces in order.lines)
        paid = order.paid if order.paid and order.paid <= now else None
        whole = {
            "订单号": order.number,
            "支付方式": "在线支付",
            "下单时间": written(order.created),
            "订单金额": yuan(goods),
            "结算金额": yuan(goods - order.off),
            "余额支付": "0.00",
            "应付金额": yuan(goods - order.off + order.postage),
            "订单状态": order.status(now),
            "订单类型": "POP",
            "下单帐号": order.account,
            "客户姓名": "张**",
            "客户地址": order.address,
            "联系电话": "138****0000",
            "运费金额": yuan(order.postage),
            "付款确认时间": written(paid),
            "订单完成时间": written(order.ended if order.ended and order.ended <= now else None),
            "订单来源": "app",
        }
        for item, pieces in order.lines:
            number, barcode, title, price = ITEMS[item]
            line = {
                "商品ID": number,
                "商品名称": title,
                "订购数量": str(pieces),
                "京东价": yuan(price),
                "货号": barcode,
            }
            rows.append({name: {**whole, **line}.get(name, "") for name in JD_HEADER})
    return rows


def write_jd(folder: Path, now: datetime) -> Path:
    """Write an export as the back office does: GBK, CRLF, the time in its name."""
    text = StringIO(newline="")
    table = csv.DictWriter(text, JD_HEADER, lineterminator="\r\n")
    table.writeheader()
    table.writerows(jd_rows(now))
    file = folder / f"京东订单_{now.astimezone(BEIJING):%Y%m%d%H%M}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.getvalue().encode("gbk"))
    return file


# --- the tills ----------------------------------------------------------------------------------------------------


def pos_rows(now: datetime) -> list[dict[str, object]]:
    """What the tills have stored until then: a row for each product on a receipt, and one with minus for each voided.

    A receipt is voided in part or as a whole, sometimes hours later; its number stays.
    """
    chance, rows = Random(2), []
    for index in range(400):
        store, name = STORES[index % len(STORES)]
        sold = OPENED - timedelta(hours=10) + timedelta(seconds=index * 270)
        if 2 <= sold.hour < 10:  # closed; on the night of the sale until two, when the day of the tills ends as well
            continue
        picked = chance.sample(range(len(ITEMS)), chance.choice((1, 1, 2, 3)))
        lines = [(item, chance.choice((1, 1, 2))) for item in picked]
        member = f"M{chance.randrange(10**8):08d}" if chance.random() < 0.6 else None
        voided = lines if index % 23 == 5 else lines[:1] if index % 17 == 3 else []
        again = sold + timedelta(minutes=chance.choice((3, 20, 600)))
        told = [(sold, item, pieces) for item, pieces in lines] + [(again, item, -pieces) for item, pieces in voided]
        for line, (stored, item, pieces) in enumerate(told, start=1):
            _, barcode, title, price = ITEMS[item]
            row = {
                "receipt_no": f"{store}{sold:%y%m%d}{index:05d}",
                "line_no": line,
                "store_code": store,
                "store_name": name,
                "sold_at": written(sold),
                "updated_at": written(stored),
                "barcode": barcode,
                "title": title,
                "qty": pieces,
                "price_fen": price,
                "amount_fen": price * pieces,
                "member_no": member,
            }
            if stored <= now:
                rows.append(row)
    return rows


def write_pos(file: Path, now: datetime) -> None:
    """Store in the database what the tills have stored until then."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = pos_rows(now)
    database = sqlite3.connect(file)
    try:
        with database:
            database.execute(POS_TABLE)
            names = ", ".join(rows[0])
            values = ", ".join(f":{name}" for name in rows[0])
            database.executemany(f"insert or ignore into sale ({names}) values ({values})", rows)
    finally:
        database.close()


def write(folder: Path, now: datetime) -> None:
    """Both, under `data` of a folder."""
    write_jd(folder / "data" / "jd", now)
    write_pos(folder / "data" / "pos.db", now)


if __name__ == "__main__":
    write(Path(__file__).parent, datetime.fromisoformat(sys.argv[1]))
