"""Orders and instruments as the JSON text that clients get. Nothing here rounds."""

import json
from collections.abc import Iterable

from tapewire.decimals import format_units
from tapewire.timestamps import format_timestamp
from tapewire.types import Fill, Instrument, Order

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def render_order(order: Order, instrument: Instrument) -> str:
    """An order as OrderReply describes it."""
    tick_units, price_decimals = instrument.tick_units, instrument.price_decimals
    lot_units, quantity_decimals = instrument.lot_units, instrument.quantity_decimals

    def quantity(lots: int) -> str:
        return format_units(lots * lot_units, quantity_decimals)

    def fill(item: Fill) -> dict[str, object]:
        return {
            "trade_id": f"{order.symbol}-{item.seq}",
            "seq": item.seq,
            "price": format_units(item.price_ticks * tick_units, price_decimals),
            "quantity": quantity(item.quantity_lots),
            "liquidity": item.liquidity,
            "timestamp": format_timestamp(item.timestamp_us),
        }

    price = order.price_ticks
    created = format_timestamp(order.created_us)
    changed = order.updated_us != order.created_us
    return _encode(
        {
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "side": order.side,
            "order_type": order.order_type,
            "time_in_force": order.time_in_force,
            "price": None if price is None else format_units(price * tick_units, price_decimals),
            "quantity": quantity(order.quantity_lots),
            "executed_quantity": quantity(order.executed_lots),
            "remaining_quantity": quantity(order.quantity_lots - order.executed_lots),
            "cumulative_quote_quantity": format_units(
                order.executed_notional * tick_units * lot_units, instrument.notional_decimals
            ),
            "status": order.status,
            "fills": [fill(item) for item in order.fills],
            "timestamp": created,
            "updated_timestamp": format_timestamp(order.updated_us) if changed else created,
        }
    )


def render_instrument(instrument: Instrument) -> str:
    """An instrument as InstrumentReply describes it."""
    return _encode(_describe(instrument))


def render_instruments(instruments: Iterable[Instrument]) -> str:
    """All of them, as InstrumentsReply describes it."""
    return _encode({"instruments": [_describe(instrument) for instrument in instruments]})


def _describe(instrument: Instrument) -> dict[str, str]:
    tick_units, lot_units = instrument.tick_units, instrument.lot_units

    def price(ticks: int) -> str:
        return format_units(ticks * tick_units, instrument.price_decimals)

    def quantity(lots: int) -> str:
        return format_units(lots * lot_units, instrument.quantity_decimals)

    return {
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "tick_size": price(1),
        "lot_size": quantity(1),
        "min_quantity": quantity(instrument.quantity_lots_min),
        "max_quantity": quantity(instrument.quantity_lots_max),
        "max_price": price(instrument.price_ticks_max),
        "min_notional": format_units(
            instrument.notional_min * tick_units * lot_units, instrument.notional_decimals
        ),
    }
