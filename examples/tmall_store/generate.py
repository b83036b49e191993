"""Write the order exports of a made-up Tmall beauty shop, with the dirt that real ones have.

Two files as the seller's back office gives them (GB18030, CRLF, ids as ="…", a totals line): an older one with
the header of 2019 and a newer one with that of 2021. Their periods overlap, so the newer one restates orders of the
older one. `--truth` also writes what must come out, computed from the orders themselves and not from the files.
The same seed gives the same bytes. Shop, brand, buyers and orders are invented.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

FIRST_DAY, LAST_DAY = date(2025, 9, 1), date(2025, 11, 15)
OLD_TAKEN, NEW_TAKEN = datetime(2025, 10, 20, 9, 30), datetime(2025, 11, 16, 9, 5)
NEW_FROM = datetime(2025, 10, 5)
NAMES = (f"ExportOrderList{OLD_TAKEN:%Y%m%d%H%M}.csv", f"ExportOrderList{NEW_TAKEN:%Y%m%d%H%M}.csv")

# The header of 2019; the spaces at the end of some names are in the real files.
OLD_HEADER = """
订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,
买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,
宝贝标题 ,宝贝种类,物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,
是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,是否代付,定金排名,修改后的sku,修改后的收货地址,
异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,
新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,含应开票给个人的个人红包
""".replace("\n", "").split(",")
RENAMED = {
    "买家会员名": "支付单号",
    "买家支付宝账号": "支付详情",
    "买家实际支付金额": "买家实付金额",
    "宝贝标题": "商品标题",
}
ADDED = ("直播返现状态", "返现金额", "延迟发货自动赔付金额", "预售订单", "发货时间", "商家备忘", "主订单编号")
NEW_HEADER = (*(RENAMED.get(name.strip(), name.strip()) for name in OLD_HEADER), *ADDED)

ITEMS = (
    ("青岚 积雪草修护精华液 30ml 舒缓泛红", "169.00", 14),
    ("青岚 氨基酸温和洁面乳 120g", "79.00", 16),
    ("青岚 烟酰胺透亮面膜 5片装", "59.90", 15),
    ("青岚 玻尿酸保湿爽肤水 200ml", "99.00", 12),
    ("青岚 神经酰胺屏障面霜 50g", "219.00", 10),
    ("青岚 轻透防晒乳 SPF50+ 50ml", "89.00", 9),
    ("青岚 视黄醇紧致晚霜 30g", "329.00", 6),
    ("青岚 山茶花卸妆油 150ml", "109.00", 7),
    ("青岚 柔雾唇釉 06 豆沙", "69.00", 6),
    ("青岚 旅行小样四件套", "39.90", 5),
    ("青岚 双11限定礼盒 水乳霜精华", "599.00", 4),
    ("青岚 抗初老全套装 七件", "1299.00", 2),
)
# province as printed, its short name, city, districts, weight; Jiyuan is a city directly under its province
REGIONS = (
    ("浙江省", "浙江", "杭州市", ("余杭区", "西湖区", "萧山区"), 12),
    ("江苏省", "江苏", "南京市", ("鼓楼区", "江宁区"), 9),
    ("江苏省", "江苏", "苏州市", ("吴中区", "昆山市"), 6),
    ("广东省", "广东", "广州市", ("天河区", "番禺区"), 9),
    ("广东省", "广东", "深圳市", ("南山区", "宝安区"), 9),
    ("上海", "上海", "上海市", ("浦东新区", "徐汇区", "闵行区"), 10),
    ("北京", "北京", "北京市", ("朝阳区", "海淀区"), 8),
    ("四川省", "四川", "成都市", ("武侯区", "成华区"), 7),
    ("山东省", "山东", "青岛市", ("市南区", "黄岛区"), 6),
    ("湖北省", "湖北", "武汉市", ("洪山区", "江汉区"), 5),
    ("河南省", "河南", "郑州市", ("金水区", "中原区"), 5),
    ("重庆", "重庆", "重庆市", ("渝北区", "江北区"), 4),
    ("福建省", "福建", "厦门市", ("思明区", "湖里区"), 4),
    ("陕西省", "陕西", "西安市", ("雁塔区", "莲湖区"), 4),
    ("广西壮族自治区", "广西", "南宁市", ("青秀区", "兴宁区"), 3),
    ("内蒙古自治区", "内蒙古", "呼和浩特市", ("赛罕区", "新城区"), 2),
    ("新疆维吾尔自治区", "新疆", "乌鲁木齐市", ("天山区", "水磨沟区"), 1),
    ("河南省", "河南", "济源市", ("沁园街道",), 1),
)
# presales: the deposit is paid in the first window, the balance in the second
PRESALES = (
    (datetime(2025, 10, 15, 20), datetime(2025, 10, 20, 12), datetime(2025, 10, 20, 20), datetime(2025, 10, 22), 14),
    (datetime(2025, 11, 1), datetime(2025, 11, 9, 12), datetime(2025, 11, 10, 20), datetime(2025, 11, 12), 5),
    (datetime(2025, 11, 12), datetime(2025, 11, 15, 22), datetime(2025, 11, 20, 20), datetime(2025, 11, 22), 1),
)
STATUSES = {
    "placed_unpaid": "等待买家付款",
    "deposit_paid": "定金已付尾款未付",
    "paid_unshipped": "买家已付款，等待卖家发货",
    "partial_shipped": "卖家部分发货",
    "shipped": "卖家已发货，等待买家确认",
    "completed": "交易成功",
    "closed_unpaid": "交易关闭",
    "closed_refunded": "交易关闭",
}
MESSAGES = ("请尽快发货", "不要放面单价格", '请写"生日快乐"卡片, 谢谢', "和上一单一起发，谢谢", "麻烦发顺丰")
HOURS = (3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 11, 11, 10, 9, 9, 9, 9, 9, 9, 11, 15, 17, 16, 9)
DEPOSIT = Decimal("20.00")
TEST = "测试"


# --- orders -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Region:
    """Where a parcel goes."""

    printed: str
    province: str
    city: str
    district: str


@dataclass(frozen=True)
class Order:
    """An order with everything that will ever happen to it; `seen_at` tells what is known at a moment.

    `spoiled` names what is wrong with its row, which then reads `wrong`: no such row can become an order.
    """

    number: str
    created: datetime
    items: tuple[tuple[str, Decimal, int], ...]
    postage: Decimal
    coupon: Decimal
    region: Region
    moved_to: Region | None = None
    is_mobile: bool = True
    message: str = ""
    memo: str = ""
    memo_since: datetime = datetime.min
    deposit_at: datetime | None = None
    paid_at: datetime | None = None
    parted_at: datetime | None = None
    shipped_at: datetime | None = None
    finished_at: datetime | None = None
    closed_at: datetime | None = None
    refunded_at: datetime | None = None
    refund: Decimal = Decimal("0.00")
    is_staged: bool = False
    spoiled: str = ""
    wrong: str = ""

    @property
    def goods(self) -> Decimal:
        """What the goods come to."""
        return sum((price * count for _, price, count in self.items), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """What the order comes to, postage included."""
        return self.goods + self.postage

    @property
    def payable(self) -> Decimal:
        """What the buyer pays once the platform's coupon is taken off."""
        return self.total - self.coupon


@dataclass(frozen=True)
class View:
    """An order as an export states it at the moment it is made."""

    order: Order
    status: str
    memo: str
    paid: Decimal
    refund: Decimal
    paid_at: datetime | None
    shipped_at: datetime | None
    finished_at: datetime | None

    @property
    def region(self) -> Region:
        """Where it goes in the end."""
        return self.order.moved_to or self.order.region

    @property
    def pieces(self) -> int:
        """How many pieces it holds."""
        return sum(count for _, _, count in self.order.items)

    @property
    def is_test(self) -> bool:
        """Whether the shop placed it to try things out, as the project's rule tells."""
        return TEST in self.order.message or TEST in self.memo or self.order.total <= Decimal("0.01")


def seen_at(order: Order, moment: datetime) -> View:
    """The order as it stands at a moment."""

    def known(when: datetime | None) -> datetime | None:
        return when if when and when <= moment else None

    paid_at, refunded = known(order.paid_at), known(order.refunded_at)
    status = _status(order, known)
    deposit = DEPOSIT if known(order.deposit_at) and status == "deposit_paid" else Decimal("0.00")
    return View(
        order=order,
        status=status,
        memo=order.memo if order.memo_since <= moment else "",
        paid=order.payable if paid_at else deposit,
        refund=order.refund if refunded else Decimal("0.00"),
        paid_at=paid_at,
        shipped_at=known(order.shipped_at),
        finished_at=known(order.finished_at),
    )


def _status(order: Order, known: Callable[[datetime | None], datetime | None]) -> str:
    if not known(order.paid_at):
        if known(order.closed_at):
            return "closed_unpaid"
        return "deposit_paid" if known(order.deposit_at) else "placed_unpaid"
    if known(order.closed_at):
        return "closed_refunded"
    steps = (("completed", order.finished_at), ("shipped", order.shipped_at), ("partial_shipped", order.parted_at))
    return next((status for status, when in steps if known(when)), "paid_unshipped")


def invent(rng: Random, count: int) -> list[Order]:
    """Invent ordinary orders, about one in fourteen of them a presale."""
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    weights = [_busy(day) for day in days]
    orders = []
    for _ in range(count):
        if rng.random() < 0.07:
            orders.append(_presale(rng))
        else:
            created = _moment(rng, rng.choices(days, weights)[0])
            orders.append(_live(rng, _placed(rng, created), created))
    return orders


def _busy(day: date) -> float:
    peaks = {date(2025, 9, 9): 1.6, date(2025, 10, 20): 4.0, date(2025, 10, 21): 2.6, date(2025, 11, 10): 4.0}
    if day == date(2025, 11, 11):
        return 8.0
    if date(2025, 10, 15) <= day < date(2025, 10, 20) or day > date(2025, 11, 11):
        return 0.7
    return peaks.get(day, 1.25 if day.weekday() >= 5 else 1.0)


def _moment(rng: Random, day: date) -> datetime:
    opens_late = day in (date(2025, 10, 20), date(2025, 11, 10))
    hours = [weight * 6 if opens_late and hour >= 20 else weight for hour, weight in enumerate(HOURS)]
    hour = rng.choices(range(24), hours)[0]
    return datetime(day.year, day.month, day.day, hour, rng.randrange(60), rng.randrange(60))


def _placed(rng: Random, created: datetime) -> Order:
    kinds = rng.choices((1, 2, 3), (70, 23, 7))[0]
    picked = dict.fromkeys(rng.choices(ITEMS, [item[2] for item in ITEMS], k=kinds))
    items = tuple((title, Decimal(price), rng.choices((1, 2, 3), (85, 12, 3))[0]) for title, price, _ in picked)
    goods = sum(price * count for _, price, count in items)
    return Order(
        number=_number(rng),
        created=created,
        items=items,
        postage=Decimal("0.00") if goods >= 59 else Decimal("6.00"),
        coupon=Decimal(rng.choice((5, 10, 20))) if goods >= 150 and rng.random() < 0.25 else Decimal("0.00"),
        region=_region(rng),
        moved_to=_region(rng) if rng.random() < 0.008 else None,
        is_mobile=rng.random() < 0.93,
        message=rng.choice(MESSAGES) if rng.random() < 0.04 else "",
        memo="员工内购" if rng.random() < 0.006 else "",
    )


def _number(rng: Random) -> str:
    return str(rng.randrange(10**17, 9 * 10**17) if rng.random() < 0.3 else rng.randrange(2 * 10**18, 5 * 10**18))


def _region(rng: Random) -> Region:
    printed, province, city, districts, _ = rng.choices(REGIONS, [region[4] for region in REGIONS])[0]
    return Region(printed, province, city, rng.choice(districts))


def _hours(rng: Random, least: float, most: float) -> timedelta:
    return timedelta(seconds=int(rng.uniform(least, most) * 3600))


def _live(rng: Random, order: Order, can_pay_from: datetime) -> Order:
    """Give an order its fate: paid or not, sent, received, refunded."""
    if rng.random() < 0.09:
        return replace(order, closed_at=can_pay_from + timedelta(hours=24))
    quick = rng.random() < 0.85
    paid_at = can_pay_from + (_hours(rng, 0.01, 0.3) if quick else _hours(rng, 0.3, 20))
    order = replace(order, paid_at=paid_at)
    fate = rng.random()
    if fate < 0.05:
        back = paid_at + _hours(rng, 0.1, 3.5)
        return replace(order, refunded_at=back, closed_at=back, refund=order.payable)
    return _sent(rng, order, paid_at, fate)


def _sent(rng: Random, order: Order, paid_at: datetime, fate: float) -> Order:
    first = paid_at + _hours(rng, 4, 40)
    in_parts = len(order.items) > 1 and rng.random() < 0.3
    sent = first + _hours(rng, 10, 90) if in_parts else first
    order = replace(order, parted_at=first if in_parts else None, shipped_at=sent)
    if fate < 0.08:
        back = sent + _hours(rng, 48, 190)
        return replace(order, refunded_at=back, closed_at=back, refund=order.payable)
    order = replace(order, finished_at=sent + _hours(rng, 90, 290))
    if fate < 0.105:
        part = (order.payable * Decimal(rng.choice(("0.1", "0.2", "0.5")))).quantize(Decimal("0.01"))
        return replace(order, refunded_at=sent + _hours(rng, 70, 360), refund=part)
    return order


def _presale(rng: Random) -> Order:
    opens, ends, balance_from, balance_to, _ = rng.choices(PRESALES, [presale[4] for presale in PRESALES])[0]
    created = opens + timedelta(seconds=rng.randrange(int((ends - opens).total_seconds())))
    order = replace(_placed(rng, created), is_staged=True)
    if rng.random() < 0.05:
        return replace(order, closed_at=created + timedelta(hours=24))
    order = replace(order, deposit_at=created + _hours(rng, 0.01, 0.4))
    if rng.random() < 0.1:
        return replace(order, closed_at=balance_to + timedelta(hours=1))
    paid_at = balance_from + timedelta(seconds=rng.randrange(int((balance_to - balance_from).total_seconds())))
    return _sent(rng, replace(order, paid_at=paid_at), paid_at, rng.random())


# --- what is planted --------------------------------------------------------------------------------------------


def planted(rng: Random) -> list[Order]:
    """Orders that come on top: test orders, rows that must be refused, payments at 24:00."""
    return [*_tests(rng), *_refused(rng), *_midnight(rng)]


def _plain(rng: Random, created: datetime) -> Order:
    paid_at = created + timedelta(minutes=3)
    order = replace(_placed(rng, created), memo="", message="", moved_to=None, coupon=Decimal("0.00"))
    sent = paid_at + timedelta(hours=20)
    return replace(order, paid_at=paid_at, shipped_at=sent, finished_at=sent + timedelta(days=6))


def _tests(rng: Random) -> list[Order]:
    cent = (("青岚 补差链接", Decimal("0.01"), 1),)
    free = Decimal("0.00")
    return [
        replace(_plain(rng, datetime(2025, 9, 3, 15, 2, 11)), items=cent, postage=free, message="测试单，勿发"),
        replace(_plain(rng, datetime(2025, 9, 18, 11, 40, 5)), memo="上新流程测试，不发货"),
        replace(_plain(rng, datetime(2025, 10, 9, 16, 20, 0)), items=cent, postage=free, memo="测试"),
        replace(_plain(rng, datetime(2025, 10, 16, 10, 5, 44)), items=cent, postage=free),
        # looks ordinary in the older file; the newer one tells that it was a test
        replace(_plain(rng, datetime(2025, 10, 12, 14, 8, 30)), memo="测试单", memo_since=datetime(2025, 10, 25)),
        replace(_plain(rng, datetime(2025, 11, 7, 9, 55, 1)), message="系统测试"),
    ]


def _refused(rng: Random) -> list[Order]:
    spoiled = (
        (datetime(2025, 9, 6, 20, 11, 9), "amount_not_a_number", "待核对"),
        (datetime(2025, 9, 21, 13, 1, 50), "amount_not_a_number", "12.3.4"),
        (datetime(2025, 11, 3, 22, 45, 12), "amount_not_a_number", "见备注"),
        (datetime(2025, 9, 29, 10, 21, 7), "impossible_date", "2025-09-31 10:21:07"),
        (datetime(2025, 10, 30, 9, 0, 0), "impossible_date", "2025-13-05 09:00:00"),
        (datetime(2025, 9, 12, 21, 30, 33), "missing_order_id", ""),
        (datetime(2025, 11, 8, 18, 17, 2), "missing_order_id", ""),
        (datetime(2025, 11, 5, 12, 12, 12), "negative_amount", "-39.90"),
    )
    return [replace(_plain(rng, created), spoiled=what, wrong=wrong) for created, what, wrong in spoiled]


def _midnight(rng: Random) -> list[Order]:
    months = (datetime(2025, 10, 1), datetime(2025, 11, 1))
    return [replace(_plain(rng, month - timedelta(minutes=7)), paid_at=month) for month in months]


# --- files ------------------------------------------------------------------------------------------------------


class Pen:
    """Writes values as exports and the people who edit them do: mostly tidily, sometimes not."""

    def __init__(self, rng: Random, blank: str) -> None:
        self.rng, self.blank = rng, blank

    def amount(self, value: Decimal) -> str:
        """An amount in yuan, now and then with a currency sign, a unit, separators or full-width digits."""
        style = self.rng.random()
        if style < 0.01:
            return f"¥{value:,.2f}"
        if style < 0.02:
            return f"{value:.2f}元"
        if style < 0.025:
            return f"{value:.2f}".translate({ord(digit): 0xFEE0 + ord(digit) for digit in "0123456789."})
        return f"{value:,.2f}" if value >= 1000 else f"{value:.2f}"

    def time(self, value: datetime | None) -> str:
        """A time, now and then with slashes; midnight is 24:00 of the day before."""
        if value is None:
            return self.blank
        if (value.hour, value.minute, value.second) == (0, 0, 0):
            return f"{value - timedelta(days=1):%Y-%m-%d} 24:00:00"
        style = self.rng.random()
        if style < 0.03:
            return f"{value.year}/{value.month}/{value.day} {value.hour}:{value.minute:02}"
        return f"{value:%Y/%m/%d %H:%M:%S}" if style < 0.05 else f"{value:%Y-%m-%d %H:%M:%S}"

    def text(self, value: str) -> str:
        """A text, or what stands for none."""
        return value or self.blank

    def nick(self) -> str:
        """A buyer's name as the platform masks it."""
        return f"{self.rng.choice('abcdefghjklmnpstwxyz')}**{self.rng.randrange(10)}"


def old_cells(view: View, pen: Pen) -> dict[str, str]:
    """The cells of a row of 2019."""
    return _cells(view, pen) | {
        "买家会员名": pen.nick(),
        "买家支付宝账号": "1**********",
        "收货地址": _address(view.order.region, pen, "***(310000)"),
        "买家实际支付金额": pen.amount(view.paid),
        "宝贝标题": _titles(view.order),
        "订单备注": f"'{view.memo}" if view.memo else "",
        "退款金额": pen.amount(view.refund),
    }


def new_cells(view: View, pen: Pen) -> dict[str, str]:
    """The cells of a row of 2021."""
    return _cells(view, pen) | {
        "支付单号": f"{view.order.created:%Y%m%d}2200{pen.rng.randrange(10**15):015}" if view.paid_at else "null",
        "收货地址": _address(view.order.region, pen, "****"),
        "买家实付金额": pen.amount(view.paid),
        "商品标题": _titles(view.order),
        "商家备忘": pen.text(view.memo),
        "退款金额": pen.amount(view.refund) if view.refund else "无退款申请",
        "预售订单": "是" if view.order.is_staged else "否",
        "发货时间": pen.time(view.shipped_at),
        "主订单编号": f'="{view.order.number}"',
        "返现金额": "0.00",
    }


def _cells(view: View, pen: Pen) -> dict[str, str]:
    order = view.order
    return {
        "订单编号": f'="{order.number}"',
        "买家应付货款": pen.amount(order.goods),
        "买家应付邮费": f"{order.postage}",
        "买家支付积分": "0",
        "总金额": pen.amount(order.total),
        "返点积分": "0",
        "买家实际支付积分": "0",
        "订单状态": STATUSES[view.status],
        "买家留言": pen.text(order.message),
        "收货人姓名": f"{pen.rng.choice('王李张刘陈杨赵黄周吴')}**",
        "运送方式": "快递",
        "联系手机": "'1**********",
        "订单创建时间": pen.time(order.created),
        "订单付款时间": pen.time(view.paid_at),
        "宝贝种类": str(len(order.items)),
        "物流公司": "中通快递" if view.shipped_at else pen.blank,
        "宝贝总数量": str(view.pieces),
        "店铺Id": "0",
        "店铺名称": "青岚旗舰店",
        "订单关闭原因": _reason(view),
        "卖家服务费": "0元",
        "买家服务费": "0元",
        "是否手机订单": "手机订单" if order.is_mobile else pen.blank,
        "分阶段订单信息": "阶段1：定金；阶段2：尾款" if order.is_staged else pen.blank,
        "修改后的收货地址": _address(order.moved_to, pen, "****") if order.moved_to else pen.blank,
        "天猫卡券抵扣": f"{order.coupon:.2f}",
        "集分宝抵扣": "0.00",
        "确认收货时间": pen.time(view.finished_at),
        "打款商家金额": f"{view.paid - view.refund if view.finished_at else Decimal('0.00'):.2f}元",
    }


def _address(region: Region, pen: Pen, tail: str) -> str:
    printed = region.province if pen.rng.random() < 0.02 else region.printed
    return f"{printed} {region.city} {region.district} {tail}"


def _titles(order: Order) -> str:
    return "，".join(title for title, _, _ in order.items)


def _reason(view: View) -> str:
    return {"closed_unpaid": "买家未付款", "closed_refunded": "退款"}.get(view.status, "订单未关闭")


def _spoil(cells: dict[str, str], order: Order) -> dict[str, str]:
    paid = "买家实付金额" if "买家实付金额" in cells else "买家实际支付金额"
    place = {"missing_order_id": "订单编号", "impossible_date": "订单创建时间"}.get(order.spoiled, paid)
    return cells | {place: order.wrong} if order.spoiled else cells


def _totals(header: Sequence[str], views: list[View]) -> list[str]:
    """The line under the records."""
    good = [view for view in views if not view.order.spoiled]
    sums = {
        "总金额": f"{sum(view.order.total for view in good):,.2f}",
        "宝贝总数量": str(sum(view.pieces for view in good)),
    }
    return ["合计", *(sums.get(name.strip(), "") for name in header[1:])]


def _lean(cell: str) -> str:
    """A cell of the older kind: quoted where it must be, ids as they are."""
    return '"' + cell.replace('"', '""') + '"' if "," in cell or ('"' in cell and not cell.startswith("=")) else cell


def _quoted(cell: str) -> str:
    """A cell of the newer kind: always quoted."""
    return '"' + cell.replace('"', '""') + '"'


def write(file: Path, header: Sequence[str], rows: Iterable[list[str]], cell: Callable[[str], str]) -> None:
    """Write an export: GB18030, lines ended by CR LF."""
    lines = (",".join(map(cell, row)) for row in [list(header), *rows])
    file.write_bytes("".join(f"{line}\r\n" for line in lines).encode("gb18030"))


def export(folder: Path, old: list[View], new: list[View], rng: Random) -> None:
    """Write both exports into a folder, newest orders first as the back office has them."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ((OLD_HEADER, old, old_cells, _lean, ""), (NEW_HEADER, new, new_cells, _quoted, "null"))
    for name, (header, views, cells_of, cell, blank) in zip(NAMES, kinds, strict=True):
        pen = Pen(rng, blank)
        made = (_spoil(cells_of(view, pen), view.order) for view in views)
        rows = [[cells.get(column.strip(), blank) for column in header] for cells in made]
        write(folder / name, header, [*rows, _totals(header, views)], cell)


# --- truth ------------------------------------------------------------------------------------------------------


def truth_of(old: list[View], new: list[View]) -> dict[str, object]:
    """What must come out, told from the orders and not from the files. Amounts are text with two decimals."""
    rows = [*old, *new]
    rejected = [view for view in rows if view.order.spoiled]
    newest = {view.order.number: view for view in rows if not view.order.spoiled}
    loaded = [view for view in newest.values() if not view.is_test]
    return {
        "rows": {
            "read": len(rows),
            "loaded": len(loaded),
            "superseded": len(rows) - len(rejected) - len(newest),
            "rejected": len(rejected),
            "dropped": len(newest) - len(loaded),
        },
        "rows_by_file": dict(zip(NAMES, (len(old), len(new)), strict=True)),
        "footers": 2,
        "rejected_by_reason": dict(sorted(Counter(view.order.spoiled for view in rejected).items())),
        "metrics": _figures(loaded),
        "orders_by_status": dict(sorted(Counter(view.status for view in loaded).items())),
        "order_cnt_by_month": dict(sorted(Counter(f"{view.order.created:%Y-%m}" for view in loaded).items())),
        "pay_amt_by_month": _by(_paid(loaded), lambda view: f"{view.paid_at:%Y-%m}", lambda view: view.paid),
        "order_refund_amt_by_month": _by(_paid(loaded), lambda view: f"{view.paid_at:%Y-%m}", lambda view: view.refund),
        "pay_amt_by_province": _by(_paid(loaded), lambda view: view.region.province, lambda view: view.paid),
        "pay_amt_by_city": _by(_paid(loaded), lambda view: view.region.city, lambda view: view.paid),
    }


def _paid(views: list[View]) -> list[View]:
    return [view for view in views if view.paid_at]


def _figures(loaded: list[View]) -> dict[str, int | str]:
    """Totals over all time, by the names of the metrics."""
    paid = _paid(loaded)
    statuses = Counter(view.status for view in loaded)
    real = [view for view in paid if "内购" not in view.memo]
    opens, ends = datetime(2025, 11, 10, 20), datetime(2025, 11, 12)
    counts = {
        "order_cnt": len(loaded),
        "pay_orders": len(paid),
        "unpaid_orders": statuses["placed_unpaid"],
        "deposit_open_orders": statuses["deposit_paid"],
        "closed_unpaid_orders": statuses["closed_unpaid"],
        "unshipped_orders": statuses["paid_unshipped"] + statuses["partial_shipped"],
        "refund_orders": sum(1 for view in paid if view.refund),
        "pay_pieces": sum(view.pieces for view in paid),
    }
    amounts = {
        "order_amt": sum(view.order.total for view in loaded),
        "pay_amt": sum(view.paid for view in paid),
        "pay_amt_real": sum(view.paid for view in real),
        "merchant_gmv": sum(view.paid + view.order.coupon for view in paid),
        "platform_subsidy": sum(view.order.coupon for view in paid),
        "shipping_income": sum(view.order.postage for view in paid),
        "order_refund_amt": sum(view.refund for view in paid),
        "order_net_amt": sum(view.paid - view.refund for view in paid),
        "presale_pay_amt": sum(view.paid for view in paid if view.order.is_staged),
        "double11_pay_amt": sum(view.paid for view in paid if view.paid_at and opens <= view.paid_at < ends),
    }
    return counts | {name: f"{amount:.2f}" for name, amount in amounts.items()}


def _by(views: list[View], key: Callable[[View], str], amount: Callable[[View], Decimal]) -> dict[str, str]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for view in views:
        sums[key(view)] += amount(view)
    return {name: f"{sums[name]:.2f}" for name in sorted(sums)}


# --- all --------------------------------------------------------------------------------------------------------


def generate(folder: Path, count: int = 4000, seed: int = 11) -> dict[str, object]:
    """Write the exports into a folder and return what must come out of them."""
    orders = [*invent(Random(f"{seed}:orders"), count), *planted(Random(f"{seed}:planted"))]
    orders.sort(key=lambda order: (order.created, order.number), reverse=True)
    old = [seen_at(order, OLD_TAKEN) for order in orders if order.created <= OLD_TAKEN and not _only_new(order)]
    new = [seen_at(order, NEW_TAKEN) for order in orders if order.created >= NEW_FROM]
    export(folder, old, new, Random(f"{seed}:dirt"))
    return truth_of(old, new)


def _only_new(order: Order) -> bool:
    """A spoiled row stands in one file only, so that each is counted once."""
    return bool(order.spoiled) and order.created >= NEW_FROM


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description="Write the order exports of a made-up Tmall beauty shop.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data", help="folder of the exports")
    parser.add_argument("--orders", type=int, default=4000, help="how many ordinary orders")
    parser.add_argument("--seed", type=int, default=11, help="another seed gives other orders")
    parser.add_argument("--truth", type=Path, help="also write what must come out, as JSON")
    given = parser.parse_args()
    truth = generate(given.out, given.orders, given.seed)
    if given.truth:
        given.truth.write_text(json.dumps(truth, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{given.out}: {len(NAMES)} files, {truth['rows']}")


if __name__ == "__main__":
    main()
