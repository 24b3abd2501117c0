"""The venue's vocabulary: sides, order types, statuses, instruments, orders, fills. All frozen.

Inside the venue a price is an integer number of *ticks* and a quantity an integer number of *lots*
of its instrument; decimals exist only at the edge (`tapewire.values.decimals`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, TypeVar, dataclass_transform

from tapewire.limits import ASSET_DECIMALS, OPEN_ORDERS_MAX

Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Symbol = NewType("Symbol", str)
OrderId = NewType("OrderId", str)
Account = NewType("Account", str)
_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def frozen_for_the_checker(cls: type[_Class]) -> type[_Class]:
    """A dataclass that is frozen for mypy alone: a frozen `__init__` is several times slower."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Side(StrEnum):
    """Which side of the book an order belongs to."""

    BUY, SELL = "buy", "sell"


class OrderType(StrEnum):
    """The order type; `ioc` and `fok` are limit orders with that time in force."""

    LIMIT = "limit"
    MARKET = "market"
    IOC = "ioc"
    FOK = "fok"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


_TAKE_PROFITS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


def trigger_side(order_type: OrderType, side: Side) -> Side:
    """The side whose stops fire at the same prices: a take-profit fires as a stop of the other."""
    if order_type not in _TAKE_PROFITS:
        return side
    return Side.SELL if side is Side.BUY else Side.BUY


class TimeInForce(StrEnum):
    """The time in force: until canceled, immediately in part or in full, until a date."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class OrderStatus(StrEnum):
    """The stage of an order's life; the last three are final."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


class SelfTradePrevention(StrEnum):
    """Effect when two orders of one account would trade; the taker's mode decides."""

    NONE = "none"
    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"


class MarketState(StrEnum):
    """The commands that a market accepts: all, cancels, none, post-only, or waiting orders."""

    TRADING = "trading"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    POST_ONLY = "post_only"
    AUCTION = "auction"


class ReplaceMode(StrEnum):
    """Whether a refused cancel stops the order that was to take the place of the canceled one."""

    STOP_ON_FAILURE = "stop_on_failure"
    ALLOW_FAILURE = "allow_failure"


class Liquidity(StrEnum):
    """The role of an order in a fill: maker (rested in the book) or taker (arrived)."""

    MAKER, TAKER = "maker", "taker"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A traded instrument and its steps. All numbers are integers.

    A tick is `tick_units` x 10^-`price_decimals` of the quote asset; a lot is `lot_units` x
    10^-`quantity_decimals` of the base asset. A notional is price in ticks x quantity in lots.
    """

    symbol: Symbol
    base: str
    quote: str
    tick_units: int
    price_decimals: int
    lot_units: int
    quantity_decimals: int
    quantity_lots_min: Lots
    quantity_lots_max: Lots
    price_ticks_max: Ticks
    notional_min: int
    band_bps: int = 0
    open_orders_max: int = OPEN_ORDERS_MAX
    base_decimals: int = ASSET_DECIMALS
    quote_decimals: int = ASSET_DECIMALS
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    # Limits of one order and of one account; 0 means no limit.
    order_lots_max: int = 0
    order_notional_max: int = 0
    position_lots_max: int = 0
    # Grows with every change of the instrument in Redis; an order names the one it was checked
    # against.
    revision: int = 1

    @property
    def identity(self) -> tuple[str, str, int, int, int, int, int, int]:
        """Fields that stay fixed for the life of the instrument.

        Resting orders depend on them.
        """
        return (
            self.base, self.quote, self.tick_units, self.price_decimals,
            self.lot_units, self.quantity_decimals, self.base_decimals, self.quote_decimals,
        )  # fmt: skip

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """Fields that may change while the instrument is traded."""
        least, most = self.quantity_lots_min, self.quantity_lots_max
        return least, most, self.price_ticks_max, self.notional_min

    @property
    def controls(self) -> tuple[int, int, int, int, int, int, int]:
        """Fields that an administrator sets at any time: bounds and fees (`control.lua`)."""
        return (
            self.band_bps, self.open_orders_max, self.order_lots_max, self.order_notional_max,
            self.position_lots_max, self.maker_fee_ppm, self.taker_fee_ppm,
        )  # fmt: skip

    @property
    def base_units(self) -> int:
        """One lot, in units of the base asset."""
        units: int = self.lot_units * 10 ** (self.base_decimals - self.quantity_decimals)
        return units

    @property
    def quote_units(self) -> int:
        """One tick x one lot, in units of the quote asset."""
        finer = self.quote_decimals - self.notional_decimals
        units: int = self.tick_units * self.lot_units * 10**finer
        return units

    @property
    def notional_decimals(self) -> int:
        """Decimals with which an amount of the quote asset is exact."""
        return self.price_decimals + self.quantity_decimals


@frozen_for_the_checker
class OrderCommand:
    """An order as the Lua library takes it, already checked against its instrument."""

    account: Account
    symbol: Symbol
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_lots: Lots | None
    price_ticks: Ticks | None = None
    client_order_id: str | None = None
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    post_only: bool = False
    display_lots: Lots | None = None
    stop_price_ticks: Ticks | None = None
    # Amount that a market order spends or receives, in ticks x lots, instead of a quantity.
    quote_notional: int | None = None
    expire_us: int | None = None
    revision: int = 1
    # The client order id of an order that ended counts as free.
    reuses_client_order_id: bool = False


@dataclass(frozen=True, slots=True)
class Amendment:
    """Changes to an open order; None leaves a value unchanged."""

    price_ticks: Ticks | None = None
    quantity_lots: Lots | None = None
    stop_price_ticks: Ticks | None = None
    revision: int = 1


@frozen_for_the_checker
class Fill:
    """One execution from the view of one of its two orders.

    The fee is deducted from the received amount: base units for a buyer, quote units for a seller.
    """

    seq: int
    price_ticks: Ticks
    quantity_lots: Lots
    liquidity: Liquidity
    timestamp_us: int
    fee_units: int = 0


@frozen_for_the_checker
class Order:
    """An order as stored. Times are venue clock, microseconds since 1970 UTC."""

    order_id: OrderId
    account: Account
    symbol: Symbol
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    price_ticks: Ticks | None
    quantity_lots: Lots
    executed_lots: Lots
    executed_notional: int
    client_order_id: str | None
    created_us: int
    updated_us: int
    # The newest ORDER_FILLS_SHOWN_MAX, oldest first.
    fills: tuple[Fill, ...]
    prevented_lots: Lots = Lots(0)
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    post_only: bool = False
    display_lots: Lots | None = None
    stop_price_ticks: Ticks | None = None
    triggered_us: int | None = None
    quote_notional: int | None = None
    expire_us: int | None = None
    # Reason of an end other than a fill; None while the order is open.
    reason: str | None = None
    # Fees of the account when the order came, in millionths of the received amount.
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    # The client's name of the cancel that ended the order.
    cancel_id: str | None = None
    # The list of the order: the id of its first order, and the client's name of the list.
    list_id: OrderId | None = None
    client_list_id: str | None = None
    # Units that the first order of the list holds for this order until this order fires.
    covered_units: int = 0
    # By how much the fees taken, which are whole units, exceed the rates. The next fee is less.
    fee_credit_millionths: int = 0

    @property
    def has_more_fills(self) -> bool:
        """Whether the order had fills before those in `fills`."""
        return sum([fill.quantity_lots for fill in self.fills]) < self.executed_lots

    @property
    def is_open(self) -> bool:
        """Whether the order may still trade."""
        return self.status in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}

    @property
    def remaining_lots(self) -> Lots:
        """Lots neither executed nor prevented; of a closed order, the lots it ended with."""
        return Lots(self.quantity_lots - self.executed_lots - self.prevented_lots)


@dataclass(frozen=True, slots=True)
class AccountFill:
    """One execution in the history of an account."""

    order_id: OrderId
    symbol: Symbol
    side: Side
    fill: Fill
