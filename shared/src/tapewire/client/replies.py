"""The answers of the venue as the client library returns them: numbers are `Decimal`.

Orders are those of `tapewire.wire.orders`, trades those of `tapewire.wire.trade_event`. Unknown
members are ignored, so that a program works with a newer venue.
"""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, field

from tapewire.values.account_types import AccountState
from tapewire.values.types import MarketState, Side
from tapewire.wire.orders import FillData, PlacedOrder
from tapewire.wire.trade_event import TradeEvent


class PriceLevel(NamedTuple):
    """One price level."""

    price: Decimal
    quantity: Decimal


class HistoryFill(FillData[Decimal], frozen=True, gc=False):
    """One execution in the history of an account."""

    order_id: str
    symbol: str
    side: Side


class OrdersPage(Struct, frozen=True):
    """One page of orders, newest first."""

    orders: list[PlacedOrder]
    next_cursor: str | None


class FillsPage(Struct, frozen=True):
    """One page of fills, newest first."""

    fills: list[HistoryFill]
    next_cursor: str | None


class CanceledOrders(Struct, frozen=True):
    """The ids of canceled orders, oldest first within a symbol."""

    canceled: list[str]


class DeadManTimer(Struct, frozen=True):
    """The timer of an account; `fires_at` is None when it is disarmed."""

    timeout_s: int
    fires_at: str | None


class AccountBalance(Struct, frozen=True):
    """The balance of an account in one asset; `held` is reserved for open orders."""

    asset: str
    available: Decimal
    held: Decimal
    total: Decimal


class AccountBounds(Struct, frozen=True):
    """Limits of an account in one symbol; None: those of the instrument, 0: no limit."""

    symbol: str
    open_orders_max: int | None
    order_quantity_max: Decimal | None
    order_notional_max: Decimal | None
    position_max: Decimal | None


class AccountInfo(Struct, frozen=True):
    """An account. A fee of None is that of the instrument; fees are in millionths of a fill."""

    account: str
    state: AccountState
    maker_fee_ppm: int | None
    taker_fee_ppm: int | None
    opened_timestamp: str
    balances: list[AccountBalance]
    limits: list[AccountBounds]

    def balance(self, asset: str) -> AccountBalance:
        """The balance of one asset, zero if the account never had any."""
        zero = Decimal(0)
        found = (balance for balance in self.balances if balance.asset == asset)
        return next(found, AccountBalance(asset, zero, zero, zero))


class VenueTime(Struct, frozen=True):
    """The time of the venue's clock, as text and in microseconds since 1970 UTC."""

    timestamp: str
    unix_us: int


class InstrumentInfo(Struct, frozen=True):
    """An instrument: its steps and bounds, and the state of its market. A bound of 0 is none."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_price: Decimal
    min_notional: Decimal
    state: MarketState
    price_band_bps: int
    open_orders_max: int
    order_quantity_max: Decimal
    order_notional_max: Decimal
    position_max: Decimal
    maker_fee_ppm: int
    taker_fee_ppm: int
    base_decimals: int
    quote_decimals: int


class InstrumentList(Struct, frozen=True):
    """Every instrument of the venue."""

    instruments: list[InstrumentInfo]


class TradesPage(Struct, frozen=True):
    """Trades of a symbol, oldest first; `last_seq` is the newest trade of the venue."""

    symbol: str
    epoch: str
    trades: list[TradeEvent]
    last_seq: int


class BookLevels(Struct, frozen=True):
    """The best levels of a book as of `seq`, best first."""

    symbol: str
    seq: int
    epoch: str
    depth: int | str
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    checksum: int
    timestamp: str


class BestPrices(Struct, frozen=True):
    """The best level of each side as of `seq`; None: the side is empty."""

    symbol: str
    seq: int
    epoch: str
    bid: PriceLevel | None
    ask: PriceLevel | None
    timestamp: str


class Ticker(Struct, frozen=True):
    """The last 24 hours of a symbol, in whole minutes; prices are None without a trade."""

    symbol: str
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    last: Decimal | None
    change: Decimal | None
    change_percent: Decimal | None
    volume: Decimal
    quote_volume: Decimal
    trades: int
    best_bid: PriceLevel | None
    best_ask: PriceLevel | None
    open_time: str
    close_time: str
    epoch: str


class Auction(Struct, frozen=True):
    """The indicative uncross; None outside of an auction, and while no orders cross."""

    symbol: str
    state: str
    price: Decimal | None
    quantity: Decimal | None
    surplus: Decimal | None
    surplus_side: Side | None
    timestamp: str | None
    epoch: str


class PastCandle(Struct, frozen=True):
    """One candle: trades `first_seq` to `last_seq`, all of the period that begins at `start`."""

    symbol: str
    interval: str
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    first_seq: int
    last_seq: int
    closed: bool
    epoch: str
    # Defaults, so that the answers of an older venue can be read.
    taker_buy_volume: Decimal = Decimal(0)
    taker_buy_quote_volume: Decimal = Decimal(0)


class CandleList(Struct, frozen=True):
    """Candles of one interval, oldest first; a period without a trade has no candle."""

    symbol: str
    interval: str
    epoch: str
    candles: list[PastCandle]


class ServiceHealth(Struct, frozen=True):
    """The health of a service and its Redis."""

    status: str
    service: str
    redis: str

    @property
    def is_healthy(self) -> bool:
        """Whether the service and its Redis work."""
        return self.status == "healthy"


class ServiceLife(Struct, frozen=True):
    """A process that answers."""

    status: str
    service: str


class ServiceReadiness(Struct, frozen=True):
    """The checks of a service: `ok`, or the reason why a check fails."""

    status: str
    service: str
    failing: list[str] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether every check is ok."""
        return self.status == "ready"


class Problem(Struct, frozen=True):
    """A refusal as the services answer it (RFC 9457)."""

    code: str
    detail: str
    status: int = 0
    field: str | None = None


class ItemResult(Struct, frozen=True):
    """The result of one item of a batch: `body`, or `problem` if it was refused."""

    status: int
    body: PlacedOrder | None = None
    problem: Problem | None = None


class BatchResults(Struct, frozen=True):
    """The results of a batch, in the order of its items."""

    results: list[ItemResult]
