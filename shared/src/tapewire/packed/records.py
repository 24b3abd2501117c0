"""Reads the records of the function library (docs/matching.md) into the venue's types."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tapewire.limits import ORDER_FILLS_SHOWN_MAX
from tapewire.packed import layout
from tapewire.packed.events import CHANGE, ChangeFields
from tapewire.packed.layout import (
    ACCOUNT_BOUNDS,
    CONTROLS,
    EXECUTION,
    FILL,
    IDENTITY,
    INSTRUMENT_LIMITS,
    PROFILE,
    STATE,
    TERMS,
)
from tapewire.packed.packing import split_items, split_parts
from tapewire.values.account_types import AccountRecord, AccountState, Balance, LimitSet
from tapewire.values.types import (
    Account,
    AccountFill,
    Fill,
    Instrument,
    Liquidity,
    Lots,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

# An order without fills has its terms and its state.
FIELDS_WITHOUT_FILLS = 2
DELISTED: Final = "delisted"
"""The state in the controls of a market whose instrument was taken off the list."""

_LIQUIDITY = {"m": Liquidity.MAKER, "t": Liquidity.TAKER}
# Every order is read with five of these; a table is ten times as quick as a call of the class.
_SIDES = {str(item): item for item in Side}
_ORDER_TYPES = {str(item): item for item in OrderType}
_TIMES_IN_FORCE = {str(item): item for item in TimeInForce}
_STATUSES = {str(item): item for item in OrderStatus}
_PREVENTIONS = {str(item): item for item in SelfTradePrevention}


class UnreadFill(NamedTuple):
    """A fill in an account event, with fields of its order; `text` is packed."""

    order_id: OrderId
    symbol: Symbol
    side: Side
    text: str


def read_order(order_id: str, reply: Sequence[bytes] | Mapping[bytes, bytes]) -> Order:
    """Field-value pairs of `order:<id>` as Redis gives them: flat (RESP2) or a map (RESP3).

    The order has the newest ORDER_FILLS_SHOWN_MAX of its fills.
    """
    record = read_pairs(reply)
    terms, state = TERMS.read(record["terms"]), STATE.read(record["state"])
    fills: tuple[Fill, ...] = ()
    if len(record) > FIELDS_WITHOUT_FILLS:
        seqs = sorted(int(name[1:]) for name in record if name[0] == "f")
        fills = tuple(read_fill(seq, record[f"f{seq}"]) for seq in seqs[-ORDER_FILLS_SHOWN_MAX:])
    price, display, stop_price = terms.price, terms.display, terms.stop_price
    # By position, because binding the names takes longer than all the rest.
    return Order(
        OrderId(order_id), Account(terms.account), Symbol(terms.symbol), _SIDES[terms.side],
        _ORDER_TYPES[terms.order_type], _TIMES_IN_FORCE[terms.time_in_force],
        _STATUSES[state.status],
        Ticks(int(price)) if price else None,
        Lots(int(terms.quantity)), Lots(int(state.executed)), int(state.notional),
        terms.client_order_id or None,
        int(terms.created_us), int(state.updated_us),
        fills,
        Lots(int(state.prevented)),
        _PREVENTIONS[terms.stp],
        terms.post_only == "1",
        Lots(int(display)) if display else None,
        Ticks(int(stop_price)) if stop_price else None,
        _optional_number(state.triggered_us),
        _optional_number(terms.quote_limit),
        _optional_number(terms.expire_us),
        state.reason or None,
        int(terms.maker_fee_ppm), int(terms.taker_fee_ppm),
        state.cancel_id or None,
        OrderId(terms.list_id) if terms.list_id else None,
        terms.client_list_id or None,
        int(terms.covered_units), int(state.fee_credit_millionths),
    )  # fmt: skip


def read_instrument(symbol: str, identity: str, limits: str, controls: str) -> Instrument:
    """The assets, steps and bounds in the fields of `market:<symbol>`."""
    fixed, bounds = IDENTITY.read(identity), INSTRUMENT_LIMITS.read(limits)
    settings = CONTROLS.read(controls)
    return Instrument(
        symbol=Symbol(symbol),
        base=fixed.base,
        quote=fixed.quote,
        tick_units=int(fixed.tick_units),
        price_decimals=int(fixed.price_decimals),
        lot_units=int(fixed.lot_units),
        quantity_decimals=int(fixed.quantity_decimals),
        quantity_lots_min=Lots(int(bounds.quantity_lots_min)),
        quantity_lots_max=Lots(int(bounds.quantity_lots_max)),
        price_ticks_max=Ticks(int(bounds.price_ticks_max)),
        notional_min=int(bounds.notional_min),
        band_bps=int(settings.band_bps),
        open_orders_max=int(settings.open_orders_max),
        base_decimals=int(fixed.base_decimals),
        quote_decimals=int(fixed.quote_decimals),
        maker_fee_ppm=int(settings.maker_fee_ppm),
        taker_fee_ppm=int(settings.taker_fee_ppm),
        order_lots_max=int(settings.order_lots_max),
        order_notional_max=int(settings.order_notional_max),
        position_lots_max=int(settings.position_lots_max),
        revision=int(settings.revision),
    )


def read_market_state(controls: str) -> MarketState | None:
    """The state of a market, of the field `controls` of `market:<symbol>`; None if delisted."""
    state = CONTROLS.read(controls).state
    return None if state == DELISTED else MarketState(state)


def read_standing(state: bytes | None) -> layout.MarketState | None:
    """Field `state` of `market:<symbol>`; None if it is absent or cannot be read (`broken`)."""
    try:
        return None if state is None else layout.MARKET_STATE.read(state.decode())
    except ValueError:
        return None


def read_account(account: str, reply: Sequence[bytes] | Mapping[bytes, bytes]) -> AccountRecord:
    """Field-value pairs of `account:<account>`."""
    record = read_pairs(reply)
    profile = PROFILE.read(record["profile"])
    units: dict[str, dict[str, int]] = {}
    limits = {}
    for name, value in sorted(record.items()):
        kind, _, subject = name.partition(":")
        if kind == "limits":
            limits[Symbol(subject)] = LimitSet(*map(_optional_number, ACCOUNT_BOUNDS.read(value)))
        elif subject:
            units.setdefault(subject, {})[kind] = int(value)
    return AccountRecord(
        account=Account(account),
        state=AccountState(profile.state),
        maker_fee_ppm=_optional_number(profile.maker_fee_ppm),
        taker_fee_ppm=_optional_number(profile.taker_fee_ppm),
        opened_us=int(profile.opened_us),
        balances={asset: Balance(**parts) for asset, parts in sorted(units.items())},
        limits=limits,
        seq=int(record.get("seq", 0)),
        balance_seq=int(record.get("balance_seq", 0)),
    )


def read_pairs(reply: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    """Field-value pairs as text, whichever way the protocol gave them."""
    if isinstance(reply, Mapping):
        return {name.decode(): value.decode() for name, value in reply.items()}
    texts = [item.decode() for item in reply]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _optional_number(text: str) -> int | None:
    return int(text) if text else None


def read_fill(seq: int, text: str) -> Fill:
    """One field `f<seq>` of an order, without its name."""
    fill = FILL.read(text)
    return Fill(
        seq,
        Ticks(int(fill.ticks)),
        Lots(int(fill.lots)),
        _LIQUIDITY[fill.liquidity],
        int(fill.time_us),
        int(fill.fee_units),
    )


def new_orders_of(event: str) -> list[OrderId]:
    """The orders that the command of an account event placed, oldest first: none, one or a list."""
    return [OrderId(change.order_id) for change in _changes(event) if change.kind == "new"]


def placed_orders(
    events: Sequence[tuple[str, str]], cursor: str | None, skip: int
) -> dict[OrderId, str]:
    """The orders that events placed, newest first, each with the cursor of a page behind it.

    Of the event at `cursor` the newest `skip` orders are left out.
    """
    cursors = {}
    for event_id, event in events:
        placed = new_orders_of(event)[::-1]
        for number, order_id in enumerate(placed, 1):
            if event_id != cursor or number > skip:
                # Behind the last order of an event its id alone is enough.
                is_last = number == len(placed)
                cursors[order_id] = event_id if is_last else f"{event_id}.{number}"
    return cursors


def unread_fills_of(event: str) -> list[UnreadFill]:
    """Every fill of an account event, not read yet: one event may have ten thousand."""
    unread = []
    for change in _changes(event):
        if change.fills:
            terms = TERMS.read(change.terms)
            order_id, symbol, side = OrderId(change.order_id), Symbol(terms.symbol), terms.side
            unread += [
                UnreadFill(order_id, symbol, _SIDES[side], text)
                for text in split_items(change.fills)
            ]
    return unread


def read_account_fill(unread: UnreadFill) -> AccountFill:
    """One fill of an account event."""
    order_id, symbol, side, text = unread
    execution = EXECUTION.read(text)
    return AccountFill(order_id, symbol, side, read_fill(int(execution.seq), execution.fill))


def trade_order(item: AccountFill) -> tuple[int, bool]:
    """Sorts the fills of an event in the order of their trades, takers first.

    A command writes its makers first, and they may be of the same account as its taker.
    """
    return item.fill.seq, item.fill.liquidity is Liquidity.MAKER


def _changes(event: str) -> list[ChangeFields]:
    """The changes of orders in an event of `account_log:<account>`."""
    return [CHANGE.read(part) for part in split_parts(event)[2:]]
