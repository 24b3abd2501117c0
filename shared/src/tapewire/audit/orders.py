"""The holds and index entries of an open order, by the rules of docs/matching.md. Pure.

The rules are written here a second time, so that a mistake in the Lua code is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tapewire.errors import TapewireError
from tapewire.packed.layout import STATE, TERMS
from tapewire.packed.records import read_order
from tapewire.values.types import Instrument, Order, OrderId, Side, Symbol, trigger_side

PRIORITY_DIGITS = 16


class UnreadableRecord(TapewireError):
    """A record is not in the form that the library writes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The units that an order holds of one asset and awaits of another."""

    pays: str
    held: int
    gets: str
    incoming: int


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an open order: its member and score, and the lots that the order shows."""

    member: str
    score: str
    is_waiting: bool
    shown_lots: int


def read_record(order_id: str, terms: str, state: str) -> Order:
    """The order behind the two packed fields. Raises UnreadableRecord."""
    record = {
        name: text.encode("utf-8", "surrogateescape")
        for name, text in ((b"terms", terms), (b"state", state))
    }
    try:
        return read_order(OrderId(order_id), record)
    except (ValueError, KeyError) as error:
        raise UnreadableRecord(f"order {order_id} cannot be read: {error}") from None


def find_claim(order: Order, instruments: Mapping[Symbol, Instrument]) -> Claim:
    """The units that an open order holds. Raises UnreadableRecord if its symbol is unknown."""
    instrument = instruments.get(order.symbol)
    if instrument is None:
        raise UnreadableRecord(f"order {order.order_id} is in {order.symbol}, which is not traded")
    base = order.remaining_lots * instrument.base_units
    worth = order.remaining_lots * instrument.quote_units
    price = order.price_ticks or 0
    if order.side is Side.BUY:
        # A stop without a price holds nothing until it fires.
        pays, held, gets, incoming = instrument.quote, worth * price, instrument.base, base
    else:
        price = price or order.stop_price_ticks or 0
        pays, held, gets, incoming = instrument.base, base, instrument.quote, worth * price
    # The second order of a list holds only the excess of its need over that of the first.
    covered = order.covered_units
    return Claim(pays, max(0, held - covered), gets, 0 if covered else incoming)


def find_place(order: Order, terms: str, state: str) -> Place:
    """Where an open order stands. Raises UnreadableRecord."""
    priority, visible = TERMS.read(terms).priority, STATE.read(state).visible
    is_waiting = order.stop_price_ticks is not None and order.triggered_us is None
    # Rank 0 trades first in a queue, fires first among the stops.
    if is_waiting:
        ticks = order.stop_price_ticks
        is_negated = trigger_side(order.order_type, order.side) is Side.SELL
    else:
        ticks = order.price_ticks
        is_negated = order.side is Side.BUY
    if ticks is None or not priority.isdecimal():
        raise UnreadableRecord(f"order {order.order_id} is open without a price to stand at")
    return Place(
        f"{int(priority):0{PRIORITY_DIGITS}}:{order.order_id}",
        str(-ticks if is_negated else ticks),
        is_waiting,
        int(visible) if visible.isdecimal() else order.remaining_lots,
    )
