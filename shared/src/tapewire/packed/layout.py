"""The packed records of the venue, each listed once: Python and Lua are both made from this list.

A packed record is one text of values with a separator between them. The class of a record lists its
fields in order; their types say how Lua keeps the values (`library.py` writes the Lua code). Python
reads by name: `TERMS.read(text).symbol`. No other module splits or joins a packed record
(tests/test_layout.py). docs/matching.md explains each field.

Units: ticks, lots, ticks x lots, microseconds since 1970. What does not apply is the empty text.
"""

from typing import Any, NamedTuple

from tapewire.packed.auction import Indicative, Uncross
from tapewire.packed.events import EVENT_LAYOUTS
from tapewire.packed.packing import (
    Digits,
    LaterDigits,
    LaterNumber,
    LaterText,
    Layout,
    Number,
    OptionalDigits,
    OptionalNumber,
    Rest,
    Text,
)


class Terms(NamedTuple):
    """`order:<id>`, field `terms`: the terms of the order.

    `list_id`: the first order of its list (`core/lists.lua`). `covered_units`: what the other
    order of the list holds for this one while it waits. `client_list_id`: the client's name of the
    list.
    """

    quantity: OptionalNumber
    account: Text
    client_order_id: Text
    expire_us: OptionalNumber
    display: OptionalNumber
    price: OptionalNumber
    priority: Number
    symbol: Text
    side: Text
    order_type: Text
    time_in_force: Text
    created_us: Digits
    stp: Text
    post_only: Text
    stop_price: OptionalNumber
    quote_limit: OptionalNumber
    maker_fee_ppm: Digits
    taker_fee_ppm: Digits
    digest: Text
    list_id: LaterText
    covered_units: LaterNumber
    client_list_id: LaterText


class State(NamedTuple):
    """`order:<id>`, field `state`: the changing values; `visible` is for resting icebergs.

    `cancel_id` is the name that the client gave to the cancel that ended the order.
    `fee_credit_millionths`: by how much the fees of the order exceed its rates, because fees are
    whole units; in millionths of a unit, below 1,000,000. The next fee is less by that.
    """

    status: Text
    executed: Number
    notional: Number
    updated_us: Digits
    prevented: Number
    visible: OptionalNumber
    triggered_us: OptionalNumber
    reason: Text
    cancel_id: LaterText
    fee_credit_millionths: LaterNumber


class FillFields(NamedTuple):
    """`order:<id>`, field `f<seq>`: one fill; `liquidity` is `m` or `t`, for maker or taker."""

    ticks: Number
    lots: Number
    liquidity: Text
    time_us: Digits
    fee_units: Number


class ExecutionFields(NamedTuple):
    """One fill in an account event: the number of its trade, then the packed fill."""

    seq: Number
    fill: Rest


class Identity(NamedTuple):
    """`market:<symbol>`, field `identity`: assets, steps and decimals; it never changes."""

    base: Text
    quote: Text
    tick_units: Number
    price_decimals: Number
    lot_units: Number
    quantity_decimals: Number
    base_decimals: Number
    quote_decimals: Number


class Steps(NamedTuple):
    """`market:<symbol>`, field `steps`: the part of the identity for commands; units per step."""

    epoch: Text
    tick_units: Number
    price_decimals: Number
    lot_units: Number
    quantity_decimals: Number
    base: Text
    quote: Text
    base_units: Number
    quote_units: Number


class InstrumentLimits(NamedTuple):
    """`market:<symbol>`, field `limits`: bounds of one order that the gateway checks."""

    quantity_lots_min: Number
    quantity_lots_max: Number
    price_ticks_max: Number
    notional_min: Number


class Bounds(NamedTuple):
    """The settings of a market by an administrator: the end of `controls`."""

    band_bps: Digits
    open_orders_max: Digits
    order_lots_max: Digits
    order_notional_max: Digits
    position_lots_max: Digits
    maker_fee_ppm: Digits
    taker_fee_ppm: Digits


class Controls(NamedTuple):
    """`market:<symbol>`, field `controls`; `revision` grows with each change of the limits.

    `state` is a `MarketState`, or `DELISTED` after the instrument was taken off the list.
    """

    state: Text
    revision: Digits
    band_bps: Digits
    open_orders_max: Digits
    order_lots_max: Digits
    order_notional_max: Digits
    position_lots_max: Digits
    maker_fee_ppm: Digits
    taker_fee_ppm: Digits


class MarketState(NamedTuple):
    """`market:<symbol>`, field `state`: where the market stands after its newest command."""

    seq: Number
    book_seq: Number
    last_price: OptionalDigits
    clock_us: Digits


class Reached(NamedTuple):
    """`market:<symbol>`, field `reached`: stops that fired at these prices wait for their turn."""

    high_ticks: Number
    low_ticks: Number


class Broken(NamedTuple):
    """`broken`, field of a symbol: when and in which command its market failed, and why."""

    time_us: Digits
    op: Text
    reason: Rest


class Profile(NamedTuple):
    """`account:<name>`, field `profile`; an empty fee is the fee of the instrument."""

    state: Text
    maker_fee_ppm: OptionalDigits
    taker_fee_ppm: OptionalDigits
    opened_us: Digits


class AccountBounds(NamedTuple):
    """`account:<name>`, field `limits:<symbol>`; empty: the bound of the instrument, 0: none."""

    open_orders_max: OptionalDigits
    order_lots_max: OptionalDigits
    order_notional_max: OptionalDigits
    position_lots_max: OptionalDigits


class Candle(NamedTuple):
    """`candle_now:<symbol>`, and the field `candle` of `candles:<symbol>:<base_s>`."""

    start_s: Digits
    open: Digits
    high: Digits
    low: Digits
    close: Digits
    lots: Digits
    notional: Digits
    trades: Digits
    first_seq: Digits
    last_seq: Digits
    taker_buy_lots: LaterDigits
    taker_buy_notional: LaterDigits


class TransferFields(NamedTuple):
    """`transfer:<account>:<reference>`; `units` is negative for a withdrawal."""

    asset: Text
    units: Text
    time_us: Digits


class CommandLimits(NamedTuple):
    """The limits that each command takes and that the journal keeps with it.

    `fees_per_order` is 1: fees are rounded once per order. Journals of format 1 lack it: their
    commands rounded the fee of each fill, and left no taker volumes in candles. Journals without
    `fok_makers_max` have commands whose fill-or-kill orders counted up to `fills_max` makers each.
    """

    fills_max: Number
    closed_kept_s: Digits
    log_trades_max: Digits
    journal_max: Digits
    stops_max: Number
    funds_checked: Digits
    fees_per_order: LaterNumber
    fok_makers_max: LaterNumber


TERMS = Layout(Terms)
STATE = Layout(State)
FILL = Layout(FillFields, ",")
EXECUTION = Layout(ExecutionFields, ",")
IDENTITY = Layout(Identity)
STEPS = Layout(Steps)
INSTRUMENT_LIMITS = Layout(InstrumentLimits)
BOUNDS = Layout(Bounds)
CONTROLS = Layout(Controls)
MARKET_STATE = Layout(MarketState)
REACHED = Layout(Reached)
BROKEN = Layout(Broken)
INDICATIVE = Layout(Indicative)
PROFILE = Layout(Profile)
ACCOUNT_BOUNDS = Layout(AccountBounds)
CANDLE = Layout(Candle)
TRANSFER = Layout(TransferFields)
COMMAND_LIMITS = Layout(CommandLimits)

LAYOUTS: tuple[Layout[Any], ...] = (
    TERMS, STATE, FILL, EXECUTION, IDENTITY, STEPS, INSTRUMENT_LIMITS, BOUNDS, CONTROLS,
    MARKET_STATE, REACHED, BROKEN, PROFILE, ACCOUNT_BOUNDS, CANDLE, TRANSFER, COMMAND_LIMITS,
    INDICATIVE, Layout(Uncross), *EVENT_LAYOUTS,
)  # fmt: skip
