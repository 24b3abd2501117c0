"""Random commands to a venue: every type and option, few prices and accounts, so that all collides.

Orders are named by when they were placed, so that a list of commands can be shrunk and replayed.
"""

from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from hypothesis import strategies as st

from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    MarketState,
    OrderCommand,
    OrderType,
    ReplaceMode,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)
from tests.support.reference.account_commands import (
    AccountCommand,
    account_bounds,
    account_settings,
    deposits,
    fee_rates,
    notional_bounds,
    order_lots_bounds,
    position_bounds,
    withdrawals,
)
from tests.support.reference.machine_world import ACCOUNTS, SHARE, SYMBOLS
from tests.support.venue import BTC


def text_of(value: object) -> str:
    """Python that makes the value again, without what is as by default: steps are long enough."""
    if isinstance(value, StrEnum):
        return f"{type(value).__name__}.{value.name}"
    if not is_dataclass(value):
        return repr(value)
    given = [
        f"{item.name}={text_of(getattr(value, item.name))}"
        for item in fields(value)
        if getattr(value, item.name) != item.default
    ]
    return f"{type(value).__name__}({', '.join(given)})"


@dataclass(frozen=True, slots=True)
class Place:
    """A new order; a gtd one lives for `lifetime_us`."""

    order: OrderCommand
    lifetime_us: int | None = None


@dataclass(frozen=True, slots=True)
class Amend:
    """Change an order: the `number`-th that is open, then those that closed, then an unknown."""

    number: int
    amendment: Amendment
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class PlaceList:
    """Two new orders of which one cancels the other; gtd ones live for `lifetime_us`."""

    first: OrderCommand
    second: OrderCommand
    lifetime_us: int
    client_list_id: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Cancel an order of the new one's account, named as in `Amend`, and place the new one."""

    number: int
    place: Place
    mode: ReplaceMode
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order, named as in `Amend`, on behalf of its account or another."""

    number: int
    foreign: bool = False
    cancel_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelClientOrder:
    """Cancel by the id that the client gave."""

    account: Account
    client_order_id: str


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel what an account has open, in one symbol or in all."""

    account: Account
    symbol: Symbol | None


@dataclass(frozen=True, slots=True)
class Expire:
    """End what is due."""


@dataclass(frozen=True, slots=True)
class FireStops:
    """Run fired stops that wait for their turn."""

    symbol: Symbol


@dataclass(frozen=True, slots=True)
class SetClock:
    """Bring a market whose time is ahead of the clock back to it."""

    symbol: Symbol


@dataclass(frozen=True, slots=True)
class DeadMan:
    """Arm or disarm (0) an account's timer."""

    account: Account
    timeout_us: int


@dataclass(frozen=True, slots=True)
class Control:
    """Switch a market; None changes nothing."""

    symbol: Symbol
    state: MarketState | None = None
    band_bps: int | None = None
    open_orders_max: int | None = None
    order_lots_max: int | None = None
    order_notional_max: int | None = None
    position_lots_max: int | None = None
    maker_fee_ppm: int | None = None
    taker_fee_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeInstrument:
    """Give an instrument another largest quantity: its revision grows.

    An instrument that was delisted stays so, unless `lists_again`.
    """

    symbol: Symbol
    lists_again: bool = False


@dataclass(frozen=True, slots=True)
class Delist:
    """Take an instrument off the list."""

    symbol: Symbol


Command: TypeAlias = (
    Place
    | PlaceList
    | Replace
    | Amend
    | Cancel
    | CancelClientOrder
    | CancelAll
    | Expire
    | FireStops
    | SetClock
    | DeadMan
    | Control
    | ChangeInstrument
    | Delist
    | AccountCommand
)


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One command, and by how much the clock moved before it (it may jump back)."""

    command: Command
    clock_change_us: int = 1

    def __repr__(self) -> str:
        """As it is written in a test."""
        return text_of(self)


_accounts = st.sampled_from(ACCOUNTS)
symbols = st.sampled_from([BTC] * 4 + [SHARE])
sides = st.sampled_from(Side)
prices = st.integers(97, 103).map(Ticks)
few_lots = st.one_of(st.integers(1, 4), st.integers(1, 20)).map(Lots)
_many_lots = st.one_of(few_lots, st.integers(10, 40).map(Lots))
modes = st.sampled_from(SelfTradePrevention)
_lifetimes = st.sampled_from([-1, 2, 10, 10, 30, 30])
_client_order_ids = st.sampled_from([None] * 20 + ["x", "y", "z"])
_numbers = st.integers(0, 12)
_rarely = st.sampled_from([False, False, True])


@st.composite
def _orders(draw: st.DrawFn) -> Place:
    """One order whose options go together, as the gateway lets them through."""
    kind = draw(_kinds)
    tif = draw(st.sampled_from(_times_in_force[kind]))
    rests = kind in {OrderType.LIMIT, *_LIMIT_STOPS} and tif in _MAY_REST
    has_price = kind not in {OrderType.MARKET, *_MARKET_STOPS}
    # What names no price often wants more than there is money for.
    lots = draw(few_lots if has_price else _many_lots)
    by_amount = kind is OrderType.MARKET and draw(st.booleans())
    is_stop = kind in {*_MARKET_STOPS, *_LIMIT_STOPS}
    option = draw(st.integers(0, 9)) if rests else 0
    shows = option in {7, 8, 9}
    order = OrderCommand(
        account=draw(_accounts),
        symbol=draw(symbols),
        side=draw(sides),
        order_type=kind,
        time_in_force=tif,
        quantity_lots=None if by_amount else lots,
        price_ticks=draw(prices) if has_price else None,
        client_order_id=draw(_client_order_ids),
        reuses_client_order_id=draw(_rarely),
        self_trade_prevention=draw(modes),
        post_only=option == 6 and not is_stop,
        display_lots=Lots(draw(st.integers(1, min(lots, 5)))) if shows else None,
        stop_price_ticks=Ticks(draw(prices)) if is_stop else None,
        quote_notional=draw(st.integers(50, 1_500)) if by_amount else None,
        revision=draw(_revisions),
    )
    return Place(order, draw(_lifetimes) if tif is TimeInForce.GTD else None)


def collected_orders(symbol: Symbol) -> st.SearchStrategy[Place]:
    """Orders of one market as an auction collects them; now and then one that it refuses."""
    return _orders().map(lambda place: replace(place, order=replace(place.order, symbol=symbol)))


@st.composite
def _replaces(draw: st.DrawFn) -> Replace:
    """Mostly of an order of the same market, which its account has open."""
    return Replace(
        draw(_numbers), draw(_orders()), draw(st.sampled_from(ReplaceMode)), draw(_foreign)
    )


@st.composite
def _lists(draw: st.DrawFn) -> PlaceList:
    """Mostly on both sides of the middle price, so that neither is refused."""
    side, lots, middle = draw(sides), draw(few_lots), draw(prices)
    up = 1 if side is Side.SELL else -1
    revision = draw(_revisions)

    def order(kind: OrderType, far: int) -> OrderCommand:
        is_limit = kind is OrderType.LIMIT
        ticks = Ticks(middle + far * draw(st.integers(-1, 4)))
        tif = draw(st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTD]))
        return OrderCommand(
            account, symbol, side, kind, tif, lots,
            None if kind in _MARKET_STOPS else Ticks(ticks + draw(st.integers(-2, 2))),
            client_order_id=draw(_client_order_ids), self_trade_prevention=mode,
            post_only=is_limit, stop_price_ticks=None if is_limit else ticks, revision=revision,
            display_lots=Lots(draw(st.integers(1, lots))) if is_limit and draw(_rarely) else None,
            reuses_client_order_id=reuses,
        )  # fmt: skip

    account, symbol, mode, reuses = draw(_accounts), draw(symbols), draw(modes), draw(_rarely)
    first = order(draw(st.sampled_from(_FIRST_OF_LISTS)), up)
    second = order(draw(st.sampled_from([OrderType.STOP, OrderType.STOP_LIMIT])), -up)
    if first.client_order_id == second.client_order_id:
        second = replace(second, client_order_id=None)
    return PlaceList(first, second, draw(_lifetimes), draw(_list_names))


_FIRST_OF_LISTS = [
    OrderType.LIMIT, OrderType.LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT,
]  # fmt: skip
_MARKET_STOPS = (OrderType.STOP, OrderType.TAKE_PROFIT)
_LIMIT_STOPS = (OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
_list_names = st.sampled_from([None] * 4 + ["one", "two"])
_MAY_REST = {TimeInForce.GTC, TimeInForce.GTD}
# Gateways rarely hold an old revision; more often would only refuse everything.
_revisions = st.sampled_from([0] * 60 + [1])
_kinds = st.sampled_from(
    [OrderType.LIMIT] * 9
    + [OrderType.MARKET, OrderType.MARKET, OrderType.IOC, OrderType.FOK]
    + [*_MARKET_STOPS, *_LIMIT_STOPS]
)
_times_in_force = {
    OrderType.LIMIT: [TimeInForce.GTC] * 3 + [TimeInForce.GTD],
    OrderType.MARKET: [TimeInForce.IOC],
    OrderType.IOC: [TimeInForce.IOC],
    OrderType.FOK: [TimeInForce.FOK],
    OrderType.STOP: [TimeInForce.GTC, TimeInForce.GTD],
    OrderType.STOP_LIMIT: list(TimeInForce),
    OrderType.TAKE_PROFIT: [TimeInForce.GTC, TimeInForce.GTD],
    OrderType.TAKE_PROFIT_LIMIT: list(TimeInForce),
}
_amendments = st.builds(
    Amendment,
    price_ticks=st.one_of(st.none(), prices),
    quantity_lots=st.one_of(st.none(), few_lots),
    stop_price_ticks=st.sampled_from([None, None, None, Ticks(99), Ticks(101)]),
    revision=_revisions,
)
_controls = st.builds(
    Control,
    symbols,
    # Mostly back to trading: other states refuse nearly everything.
    st.sampled_from([None, *[MarketState.TRADING] * 9, *MarketState]),
    st.sampled_from([None, None, 0, 150, 300]),
    st.sampled_from([None, None, 3, 50, 50]),
    order_lots_max=order_lots_bounds,
    order_notional_max=notional_bounds,
    position_lots_max=position_bounds,
    maker_fee_ppm=fee_rates,
    taker_fee_ppm=fee_rates,
)
_foreign = st.sampled_from([False] * 9 + [True])
_cancels = st.builds(Cancel, _numbers, _foreign, st.sampled_from([None, None, "c"]))
# Weights, and not one_of: it chooses among different strategies as if all were equally likely.
_WEIGHTED: list[tuple[int, st.SearchStrategy[Command]]] = [
    (60, _orders()),
    (16, st.builds(Amend, _numbers, _amendments, _foreign)),
    (10, _replaces()),
    (12, _lists()),
    (10, _cancels),
    (2, st.builds(CancelClientOrder, _accounts, st.sampled_from("xyz"))),
    (3, st.builds(Expire)),
    (2, st.builds(FireStops, symbols)),
    (1, st.builds(SetClock, symbols)),
    (2, st.builds(CancelAll, _accounts, st.sampled_from([None, *SYMBOLS]))),
    (1, st.builds(DeadMan, _accounts, st.sampled_from([0, 1, 5]))),
    (4, _controls),
    (1, st.builds(ChangeInstrument, symbols, st.booleans())),
    (5, deposits),
    (4, withdrawals),
    (2, account_settings),
    (2, account_bounds),
]
COMMANDS = [strategy for weight, strategy in _WEIGHTED for _ in range(weight)]
clock_changes = st.sampled_from([0, 1, 1, 1, 1, 2, 5, -4])
