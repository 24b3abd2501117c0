"""An answer with its status, before a transport writes it; orders and instruments as structures."""

from collections.abc import Iterable, Mapping
from dataclasses import field

from msgspec import Struct, json

from order_gateway.catalogue import Market
from order_gateway.schemas import InstrumentReply, InstrumentsReply
from tapewire.values.scale import Scale
from tapewire.values.types import frozen_for_the_checker

NO_HEADERS: Mapping[str, str] = {}
REPLAY_HEADERS: Mapping[str, str] = {"Idempotent-Replay": "true"}

encode = json.Encoder().encode


@frozen_for_the_checker
class Reply:
    """An answer for a client: status, structure, and headers that only HTTP can carry."""

    status: int
    answer: Struct
    headers: Mapping[str, str] = field(default_factory=dict)


def instrument_reply(market: Market) -> InstrumentReply:
    """An instrument with the decimals of its assets."""
    instrument, scale = market.instrument, Scale(market.instrument)
    return InstrumentReply(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick_size=scale.price(1),
        lot_size=scale.quantity(1),
        min_quantity=scale.quantity(instrument.quantity_lots_min),
        max_quantity=scale.quantity(instrument.quantity_lots_max),
        max_price=scale.price(instrument.price_ticks_max),
        min_notional=scale.amount(instrument.notional_min),
        state=market.state,
        price_band_bps=instrument.band_bps,
        open_orders_max=instrument.open_orders_max,
        order_quantity_max=scale.quantity(instrument.order_lots_max),
        order_notional_max=scale.amount(instrument.order_notional_max),
        position_max=scale.quantity(instrument.position_lots_max),
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        base_decimals=instrument.base_decimals,
        quote_decimals=instrument.quote_decimals,
    )


def instruments_reply(markets: Iterable[Market]) -> InstrumentsReply:
    """Every instrument."""
    return InstrumentsReply([instrument_reply(market) for market in markets])
