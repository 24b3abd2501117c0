"""Orders, fills and instruments as the JSON text that clients get. Nothing here rounds."""

import json
from collections.abc import Iterable

from order_gateway.catalogue import Market
from tapewire.values.scale import Scale
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import AccountFill, Fill, Instrument, Order

encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def render_order(order: Order, instrument: Instrument) -> str:
    """An order as OrderReply describes it.

    Written out, since every order is answered with one and a general encoder takes four times as
    long; none of its texts has a character that JSON escapes.
    """
    scale = Scale(instrument)
    price, stop_price, display = order.price_ticks, order.stop_price_ticks, order.display_lots
    quote, created = order.quote_notional, format_timestamp(order.created_us)
    fills = ",".join([f"{{{_fill(item, order, scale)}}}" for item in order.fills])
    changed = order.updated_us != order.created_us
    updated = format_timestamp(order.updated_us) if changed else created
    return (
        f'{{"order_id":"{order.order_id}","client_order_id":{_text(order.client_order_id)},'
        f'"symbol":"{order.symbol}","side":"{order.side}","order_type":"{order.order_type}",'
        f'"time_in_force":"{order.time_in_force}",'
        f'"price":{_text(None if price is None else scale.price(price))},'
        f'"quantity":"{scale.quantity(order.quantity_lots)}",'
        f'"executed_quantity":"{scale.quantity(order.executed_lots)}",'
        f'"remaining_quantity":"{scale.quantity(order.remaining_lots)}",'
        f'"cumulative_quote_quantity":"{scale.amount(order.executed_notional)}",'
        f'"status":"{order.status}","reason":{_text(order.reason)},"fills":[{fills}],'
        f'"timestamp":"{created}","updated_timestamp":"{updated}",'
        f'"post_only":{"true" if order.post_only else "false"},'
        f'"self_trade_prevention":"{order.self_trade_prevention}",'
        f'"prevented_quantity":"{scale.quantity(order.prevented_lots)}",'
        f'"display_quantity":{_text(None if display is None else scale.quantity(display))},'
        f'"stop_price":{_text(None if stop_price is None else scale.price(stop_price))},'
        f'"triggered_timestamp":{_text(_moment(order.triggered_us))},'
        f'"quote_quantity":{_text(None if quote is None else scale.amount(quote))},'
        f'"expire_at":{_text(_moment(order.expire_us))}}}'
    )


def render_account_fill(item: AccountFill, instrument: Instrument) -> str:
    """A fill in the history of an account, as AccountFillReply describes it."""
    return (
        f'{{"order_id":"{item.order_id}","symbol":"{item.symbol}","side":"{item.side}",'
        f"{_fill(item.fill, item, Scale(instrument))}}}"
    )


def render_market(market: Market) -> str:
    """An instrument as InstrumentReply describes it."""
    return encode(_describe(market))


def render_markets(markets: Iterable[Market]) -> str:
    """All of them, as InstrumentsReply describes it."""
    return encode({"instruments": [_describe(market) for market in markets]})


def _fill(item: Fill, order: Order | AccountFill, scale: Scale) -> str:
    return (
        f'"trade_id":"{order.symbol}-{item.seq}","seq":{item.seq},'
        f'"price":"{scale.price(item.price_ticks)}",'
        f'"quantity":"{scale.quantity(item.quantity_lots)}","liquidity":"{item.liquidity}",'
        f"{scale.fee(item.fee_units, order.side)},"
        f'"timestamp":"{format_timestamp(item.timestamp_us)}"'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


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
        "order_quantity_max": scale.quantity(instrument.order_lots_max),
        "order_notional_max": scale.amount(instrument.order_notional_max),
        "position_max": scale.quantity(instrument.position_lots_max),
        "maker_fee_ppm": instrument.maker_fee_ppm,
        "taker_fee_ppm": instrument.taker_fee_ppm,
        "base_decimals": instrument.base_decimals,
        "quote_decimals": instrument.quote_decimals,
    }
