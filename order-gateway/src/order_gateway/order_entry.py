"""From the body of a request to a checked command, without I/O. The first fault is refused."""

from collections.abc import Mapping

from pydantic import ValidationError

from order_gateway.errors import refusal_of
from order_gateway.schemas import OrderRequest
from tapewire.decimals import format_units, parse_steps
from tapewire.errors import InvalidField, UnknownSymbol
from tapewire.json_text import decode_json, shown_name
from tapewire.types import (
    Account,
    Instrument,
    Lots,
    OrderCommand,
    OrderType,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

# What a client may say for each order type, and what it means when it says nothing.
_TIMES_IN_FORCE: dict[OrderType, tuple[TimeInForce, ...]] = {
    OrderType.LIMIT: (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.IOC: (TimeInForce.IOC,),
    OrderType.FOK: (TimeInForce.FOK,),
}


def read_command(
    body: bytes, account: Account, instruments: Mapping[Symbol, Instrument]
) -> OrderCommand:
    """Check the body of an order against its instrument. Raises a Refusal."""
    try:
        request = OrderRequest.model_validate(decode_json(body))
    except ValidationError as error:
        raise refusal_of(error) from None
    order_type = OrderType(request.order_type)
    time_in_force = _choose_time_in_force(order_type, request.time_in_force)
    instrument = find_instrument(request.symbol, instruments)
    quantity_lots = _read_quantity(request.quantity, instrument)
    price_ticks = _read_price(request.price, order_type, instrument)
    if price_ticks is not None:
        _check_notional(price_ticks * quantity_lots, instrument)
    return OrderCommand(
        account=account,
        symbol=instrument.symbol,
        side=Side(request.side),
        order_type=order_type,
        time_in_force=time_in_force,
        quantity_lots=quantity_lots,
        price_ticks=price_ticks,
        client_order_id=request.client_order_id,
    )


def find_instrument(symbol: str, instruments: Mapping[Symbol, Instrument]) -> Instrument:
    """The instrument of this symbol. Raises UnknownSymbol."""
    instrument = instruments.get(Symbol(symbol))
    if instrument is None:
        error = UnknownSymbol(
            f"symbol {shown_name(symbol)} is not traded here; GET /v1/instruments lists all."
        )
        error.field = "symbol"
        raise error
    return instrument


def _choose_time_in_force(order_type: OrderType, wanted: str | None) -> TimeInForce:
    allowed = _TIMES_IN_FORCE[order_type]
    if wanted is None:
        return allowed[0]
    if wanted not in allowed:
        raise InvalidField(
            "time_in_force",
            "contradictory_time_in_force",
            f'time_in_force "{wanted}" contradicts order_type "{order_type}", which is always '
            f'"{allowed[0]}"; leave time_in_force out.',
        )
    return TimeInForce(wanted)


def _read_quantity(text: str, instrument: Instrument) -> Lots:
    units, decimals = instrument.lot_units, instrument.quantity_decimals
    lots = parse_steps(text, units, decimals, "quantity", "off_lot")
    if not instrument.quantity_lots_min <= lots <= instrument.quantity_lots_max:
        least = format_units(instrument.quantity_lots_min * units, decimals)
        most = format_units(instrument.quantity_lots_max * units, decimals)
        raise InvalidField(
            "quantity", "out_of_range", f"quantity must be between {least} and {most}."
        )
    return Lots(lots)


def _read_price(text: str | None, order_type: OrderType, instrument: Instrument) -> Ticks | None:
    if order_type is OrderType.MARKET:
        if text is not None:
            raise InvalidField(
                "price", "price_forbidden", "price must be left out of a market order."
            )
        return None
    if text is None:
        raise InvalidField(
            "price", "price_required", f'price is missing: order_type "{order_type}" needs one.'
        )
    units, decimals = instrument.tick_units, instrument.price_decimals
    ticks = parse_steps(text, units, decimals, "price", "off_tick")
    if not 1 <= ticks <= instrument.price_ticks_max:
        least = format_units(units, decimals)
        most = format_units(instrument.price_ticks_max * units, decimals)
        raise InvalidField("price", "out_of_range", f"price must be between {least} and {most}.")
    return Ticks(ticks)


def _check_notional(notional: int, instrument: Instrument) -> None:
    if notional < instrument.notional_min:
        least = format_units(
            instrument.notional_min * instrument.tick_units * instrument.lot_units,
            instrument.notional_decimals,
        )
        raise InvalidField(
            "quantity",
            "notional_too_small",
            f"quantity is too small: price x quantity must be at least {least} {instrument.quote}.",
        )
