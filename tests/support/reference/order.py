"""One order of the reference venue, and names that all its modules share."""

from dataclasses import dataclass, field

from tapewire.values.types import (
    Account,
    Fill,
    OrderCommand,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    TimeInForce,
)

PPM = 1_000_000


class Refused(Exception):
    """A refused command; `code` is the code that clients see."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Line:
    """The order of arrival of all orders of the venue: numbers that only grow."""

    newest: int = 0

    def draw(self) -> int:
        """The next number."""
        self.newest += 1
        return self.newest


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution, at the maker's price; each side's fee is in units of what it received."""

    seq: int
    maker_id: str
    taker_id: str
    price: int
    lots: int
    aggressor_side: Side
    maker_fee: int = 0
    taker_fee: int = 0
    is_uncross: bool = False


@dataclass(slots=True, eq=False)
class ReferenceOrder:
    """An order, open or closed. `quantity` is None until a market order by amount has ended.

    The fee rates are those at the time of placing.
    """

    order_id: str
    command: OrderCommand
    number: int
    created_us: int
    updated_us: int
    price: int | None
    stop_price: int | None
    quantity: int | None
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    status: OrderStatus = OrderStatus.NEW
    reason: str | None = None
    cancel_id: str | None = None
    # Of a list: the other order, the name, both bodies, units that the other order holds.
    partner: "ReferenceOrder | None" = None
    list_id: str | None = None
    client_list_id: str | None = None
    list_body: tuple[object, ...] | None = None
    covered_units: int = 0
    executed: int = 0
    notional: int = 0
    prevented: int = 0
    prevented_notional: int = 0
    # The exact fees in millionths of a unit, and the whole units that were taken.
    fee_due: int = 0
    fee_taken: int = 0
    shown: int = 0
    triggered_us: int | None = None
    fills: list[Fill] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account of the order."""
        return self.command.account

    @property
    def symbol(self) -> Symbol:
        """The symbol of the order."""
        return self.command.symbol

    @property
    def side(self) -> Side:
        """The side of the order."""
        return self.command.side

    def take_fee(self, units: int, rate_ppm: int) -> int:
        """The fee of a fill that brings `units`: all fees due, rounded up, less the fees taken.

        Fees are rounded against the payer.
        """
        self.fee_due += units * rate_ppm
        fee = -(-self.fee_due // PPM) - self.fee_taken
        self.fee_taken += fee
        return fee

    @property
    def is_open(self) -> bool:
        """Whether the order may still trade."""
        return self.status in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}

    @property
    def in_list(self) -> bool:
        """Whether the other order of the list is open."""
        return self.partner is not None and self.partner.is_open

    @property
    def waits(self) -> bool:
        """Whether the order is a stop that has not fired."""
        return self.stop_price is not None and self.triggered_us is None

    @property
    def may_rest(self) -> bool:
        """Whether the remainder of the order may rest in the book."""
        return self.command.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}

    @property
    def left(self) -> int:
        """Lots that are neither executed nor prevented."""
        assert self.quantity is not None
        return self.quantity - self.executed - self.prevented

    def is_due(self, now_us: int) -> bool:
        """Whether the time of the order is over."""
        return self.command.expire_us is not None and self.command.expire_us <= now_us

    def wants_at(self, price: int) -> int:
        """Lots that the order would take at this price, by its quantity or its amount."""
        if self.command.quote_notional is None:
            return self.left
        amount = self.command.quote_notional - self.notional - self.prevented_notional
        return amount // price

    def fires_at(self, price: int) -> bool:
        """Whether a trade at this price fires the order."""
        assert self.stop_price is not None
        return reaches(self.command, self.stop_price, price)

    @property
    def rises(self) -> bool:
        """Whether a rising price fires the order: a stop buy or a take-profit sell."""
        return rises(self.command)


def rises(command: OrderCommand) -> bool:
    """Whether a rising price fires a stop."""
    takes_profit = command.order_type in {OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
    return (command.side is Side.BUY) is not takes_profit


def reaches(command: OrderCommand, stop_price: int, price: int) -> bool:
    """Whether a trade at this price fires an order with this stop price."""
    return price >= stop_price if rises(command) else price <= stop_price


def opposite(side: Side) -> Side:
    """The other side of the book."""
    return Side.SELL if side is Side.BUY else Side.BUY


def within(side: Side, price: int | None, limit: int | None) -> bool:
    """Whether a maker's price is as good as the limit, or better."""
    assert price is not None
    if limit is None:
        return True
    return price <= limit if side is Side.BUY else price >= limit


def expiry_reason(order: ReferenceOrder, *, kill: bool) -> str:
    """The reason of a remainder that could not rest."""
    if kill:
        return "fill_or_kill"
    return "insufficient_liquidity" if order.price is None else "immediate_or_cancel"


def amount_reason(order: ReferenceOrder, stopped_by: str | None) -> str | None:
    """Why a market order by amount is not filled; None if it is."""
    used = order.notional + order.prevented_notional
    if stopped_by != "spent" and used != order.command.quote_notional:
        return stopped_by or "insufficient_liquidity"
    if order.prevented:
        return "self_trade"
    return None if order.executed else "insufficient_liquidity"


def first_to_fire(reached: list[ReferenceOrder], budget: int) -> list[ReferenceOrder]:
    """If more are reached than may run: up and down the nearest, then the longest in line."""
    chosen: list[ReferenceOrder] = []
    for rising in (True, False):
        sign = 1 if rising else -1
        orders = [order for order in reached if order.rises is rising]
        orders.sort(key=lambda order: (sign * (order.stop_price or 0), order.number))
        chosen += orders[:budget]
    return sorted(chosen, key=lambda order: order.number)[:budget]
