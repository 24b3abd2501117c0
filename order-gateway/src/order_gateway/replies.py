"""Orders, fills and instruments as the JSON text that clients get. Nothing here rounds."""

import json
from collections.abc import Iterable

from order_gateway.catalogue import Market
from tapewire.decimals import format_units
from tapewire.timestamps import format_timestamp
from tapewire.types import AccountFill, Fill, Instrument, Order

encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Scale:
    """Writes the ticks, lots and notionals of one instrument with its decimals."""

    __slots__ = ("_amount_units", "_decimals", "_lot_units", "_price_decimals", "_tick_units")

    def __init__(self, instrument: Instrument) -> None:
        self._tick_units, self._price_decimals = instrument.tick_units, instrument.price_decimals
        self._lot_units, self._decimals = instrument.lot_units, instrument.quantity_decimals
        self._amount_units = instrument.tick_units * instrument.lot_units

    def price(self, ticks: int) -> str:
        """A price in the quote asset."""
        return format_units(ticks * self._tick_units, self._price_decimals)

    def quantity(self, lots: int) -> str:
        """A quantity of the base asset."""
        return format_units(lots * self._lot_units, self._decimals)

    def amount(self, notional: int) -> str:
        """An amount of the quote asset."""
        decimals = self._price_decimals + self._decimals
        return format_units(notional * self._amount_units, decimals)


def render_order(order: Order, instrument: Instrument) -> str:
    """An order as OrderReply describes it."""
    scale = Scale(instrument)
    price, stop_price, display = order.price_ticks, order.stop_price_ticks, order.display_lots
    quote, created = order.quote_notional, format_timestamp(order.created_us)
    changed = order.updated_us != order.created_us
    return encode(
        {
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "side": order.side,
            "order_type": order.order_type,
            "time_in_force": order.time_in_force,
            "price": None if price is None else scale.price(price),
            "quantity": scale.quantity(order.quantity_lots),
            "executed_quantity": scale.quantity(order.executed_lots),
            "remaining_quantity": scale.quantity(order.remaining_lots),
            "cumulative_quote_quantity": scale.amount(order.executed_notional),
            "status": order.status,
            "reason": order.reason,
            "fills": [_fill(item, order.symbol, scale) for item in order.fills],
            "timestamp": created,
            "updated_timestamp": format_timestamp(order.updated_us) if changed else created,
            "post_only": order.post_only,
            "self_trade_prevention": order.self_trade_prevention,
            "prevented_quantity": scale.quantity(order.prevented_lots),
            "display_quantity": None if display is None else scale.quantity(display),
            "stop_price": None if stop_price is None else scale.price(stop_price),
            "triggered_timestamp": _moment(order.triggered_us),
            "quote_quantity": None if quote is None else scale.amount(quote),
            "expire_at": _moment(order.expire_us),
        }
    )


def render_account_fill(item: AccountFill, instrument: Instrument) -> str:
    """A fill in the history of an account, as AccountFillReply describes it."""
    order = {"order_id": item.order_id, "symbol": item.symbol, "side": item.side}
    return encode(order | _fill(item.fill, item.symbol, Scale(instrument)))


def render_market(market: Market) -> str:
    """An instrument as InstrumentReply describes it."""
    return encode(_describe(market))


def render_markets(markets: Iterable[Market]) -> str:
    """All of them, as InstrumentsReply describes it."""
    return encode({"instruments": [_describe(market) for market in markets]})


def _fill(item: Fill, symbol: str, scale: Scale) -> dict[str, object]:
    return {
        "trade_id": f"{symbol}-{item.seq}",
        "seq": item.seq,
        "price": scale.price(item.price_ticks),
        "quantity": scale.quantity(item.quantity_lots),
        "liquidity": item.liquidity,
        "timestamp": format_timestamp(item.timestamp_us),
    }


def _moment(time_us: int | None) -> str | None:
    return None if time_us is None else format_timestamp(time_us)


def _describe(market: Market) -> dict[str, object]:
    instrument, scale = market.instrument, Scale(market.instrument)
    return {
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "tick_size": scale.price(1),
        "lot_size": scale.quantity(1),
        "min_quantity": scale.quantity(instrument.quantity_lots_min),
        "max_quantity": scale.quantity(instrument.quantity_lots_max),
        "max_price": scale.price(instrument.price_ticks_max),
        "min_notional": scale.amount(instrument.notional_min),
        "state": market.state,
        "price_band_bps": instrument.band_bps,
        "open_orders_max": instrument.open_orders_max,
    }
