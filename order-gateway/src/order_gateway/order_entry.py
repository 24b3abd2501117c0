"""From the fields of a request to a checked command, without I/O. The first fault is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from order_gateway.field_rules import refusal_of
from order_gateway.list_params import OrderListKey
from order_gateway.order_options import check_options, choose_time_in_force
from order_gateway.params import AmendParams, OrderKey, OrderRequest, Params
from tapewire.errors import InvalidField
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.account_names import DEFAULT_ACCOUNT
from tapewire.values.decimals import format_units, parse_steps
from tapewire.values.timestamps import parse_timestamp
from tapewire.values.types import (
    Account,
    Amendment,
    Instrument,
    Lots,
    Order,
    OrderCommand,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
)

# A table is ten times as quick as a call of the class. The models accept these texts only.
_SIDES = {item.value: item for item in Side}
_ORDER_TYPES = {item.value: item for item in OrderType}

_Params = TypeVar("_Params", bound=Params)


def read_params(model: type[_Params], params: Mapping[str, Any]) -> _Params:
    """The fields of an operation, each of its own form. Raises a Refusal."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        raise refusal_of(error) from None


def check_key(key: OrderKey) -> None:
    """Check that a key has exactly one of its two ids. Raises InvalidField."""
    _check_ids("order_id", key.order_id, key.client_order_id)


def check_list_key(key: OrderListKey) -> None:
    """The same of the key of a list. Raises InvalidField."""
    _check_ids("list_id", key.list_id, key.client_list_id)


def _check_ids(name: str, venue_id: str | None, client_id: str | None) -> None:
    client_name = f"client_{name}"
    if venue_id is None and client_id is None:
        raise InvalidField(name, "missing_field", f"{name} is missing, and so is {client_name}.")
    if venue_id is not None and client_id is not None:
        raise InvalidField(
            client_name, "invalid_value", f"{client_name} and {name} exclude each other."
        )


def build_command(request: OrderRequest, account: Account, instrument: Instrument) -> OrderCommand:
    """Check an order against its instrument and its fields against each other. Raises a Refusal."""
    order_type = _ORDER_TYPES[request.order_type]
    time_in_force = choose_time_in_force(order_type, request.time_in_force)
    check_options(request, order_type, time_in_force)
    quantity = quote_notional = display = price = stop_price = None
    if request.quantity is not None:
        quantity = read_quantity(request.quantity, instrument)
    if request.price is not None:
        price = read_price(request.price, "price", instrument)
    if request.stop_price is not None:
        stop_price = read_price(request.stop_price, "stop_price", instrument)
    if request.quote_quantity is not None:
        quote_notional = _read_quote_quantity(request.quote_quantity, instrument)
    if price is not None and quantity is not None:
        _check_notional(price * quantity, instrument)
        if request.display_quantity is not None:
            display = _read_display(request.display_quantity, quantity, instrument)
    expire_at = request.expire_at
    # By position, because binding the names takes longer than all the rest.
    return OrderCommand(
        account, instrument.symbol, _SIDES[request.side], order_type, time_in_force,
        quantity, price,
        request.client_order_id,
        _choose_prevention(request.self_trade_prevention, account),
        bool(request.post_only),
        display, stop_price, quote_notional,
        None if expire_at is None else read_moment(expire_at, "expire_at"),
        instrument.revision,
        bool(request.reuse_client_order_id),
    )  # fmt: skip


def without_limits(instrument: Instrument) -> Instrument:
    """The instrument with its steps and without bounds, for an order that exists already."""
    return replace(
        instrument,
        quantity_lots_min=Lots(1),
        quantity_lots_max=Lots(EXACT_INTEGER_MAX),
        price_ticks_max=Ticks(EXACT_INTEGER_MAX),
        notional_min=0,
    )


def build_amendment(params: AmendParams, order: Order, instrument: Instrument) -> Amendment:
    """Check the changes against the order as it was just read. Raises a Refusal."""
    if params.price is None and params.quantity is None and params.stop_price is None:
        raise InvalidField(
            "quantity",
            "nothing_to_amend",
            "quantity, price or stop_price is missing: send at least one of them.",
        )
    quantity = price = stop_price = None
    if params.quantity is not None:
        quantity = read_quantity(params.quantity, instrument)
    if params.price is not None:
        price = read_price(params.price, "price", instrument)
    if params.stop_price is not None:
        stop_price = read_price(params.stop_price, "stop_price", instrument)
    ticks, lots = price or order.price_ticks, quantity or order.quantity_lots
    if ticks is not None:
        _check_notional(ticks * lots, instrument)
    # The bounds may have changed since the order was placed, so they do not apply here.
    _check_amount("quantity", max(ticks or 0, stop_price or 0) * lots, instrument)
    return Amendment(
        price_ticks=price,
        quantity_lots=quantity,
        stop_price_ticks=stop_price,
        revision=instrument.revision,
    )


def read_quantity(text: str, instrument: Instrument) -> Lots:
    """A quantity within the bounds of the instrument. Raises InvalidField."""
    units, decimals = instrument.lot_units, instrument.quantity_decimals
    lots = parse_steps(text, units, decimals, "quantity", "off_lot")
    if not instrument.quantity_lots_min <= lots <= instrument.quantity_lots_max:
        least = format_units(instrument.quantity_lots_min * units, decimals)
        most = format_units(instrument.quantity_lots_max * units, decimals)
        raise InvalidField(
            "quantity", "out_of_range", f"quantity must be between {least} and {most}."
        )
    return Lots(lots)


def read_price(text: str, field: str, instrument: Instrument) -> Ticks:
    """A price within the bounds of the instrument. Raises InvalidField."""
    units, decimals = instrument.tick_units, instrument.price_decimals
    ticks = parse_steps(text, units, decimals, field, "off_tick")
    if not 1 <= ticks <= instrument.price_ticks_max:
        least = format_units(units, decimals)
        most = format_units(instrument.price_ticks_max * units, decimals)
        raise InvalidField(field, "out_of_range", f"{field} must be between {least} and {most}.")
    return Ticks(ticks)


def read_moment(text: str, field: str) -> int:
    """ISO 8601 with an offset, in microseconds since 1970. Raises InvalidField."""
    try:
        time_us = parse_timestamp(text)
    except (ValueError, OverflowError):
        raise InvalidField(
            field,
            "invalid_value",
            f'{field} must be ISO 8601 with its offset from UTC, such as "2026-01-31T12:00:00Z".',
        ) from None
    if not 0 < time_us <= EXACT_INTEGER_MAX:
        raise InvalidField(
            field, "out_of_range", f"{field} must be between the years 1970 and 2255."
        )
    return time_us


def _choose_prevention(wanted: str | None, account: Account) -> SelfTradePrevention:
    if wanted is not None:
        return SelfTradePrevention(wanted)
    if account == DEFAULT_ACCOUNT:
        return SelfTradePrevention.NONE
    return SelfTradePrevention.EXPIRE_TAKER


def _read_display(text: str, quantity: Lots, instrument: Instrument) -> Lots:
    field, units, decimals = "display_quantity", instrument.lot_units, instrument.quantity_decimals
    lots = parse_steps(text, units, decimals, field, "off_lot")
    if not instrument.quantity_lots_min <= lots < quantity:
        least = format_units(instrument.quantity_lots_min * units, decimals)
        raise InvalidField(
            field, "out_of_range", f"{field} must be at least {least} and less than quantity."
        )
    return Lots(lots)


def _read_quote_quantity(text: str, instrument: Instrument) -> int:
    field, units = "quote_quantity", instrument.tick_units * instrument.lot_units
    notional = parse_steps(text, units, instrument.notional_decimals, field, "off_amount_step")
    if notional < max(1, instrument.notional_min):
        least = _amount(max(1, instrument.notional_min), instrument)
        raise InvalidField(
            field, "notional_too_small", f"{field} must be at least {least} {instrument.quote}."
        )
    _check_amount(field, notional, instrument)
    return notional


def _check_notional(notional: int, instrument: Instrument) -> None:
    if notional < instrument.notional_min:
        least = _amount(instrument.notional_min, instrument)
        raise InvalidField(
            "quantity",
            "notional_too_small",
            f"quantity is too small: price x quantity must be at least {least} {instrument.quote}.",
        )


def _check_amount(field: str, notional: int, instrument: Instrument) -> None:
    """Check that the value of an order is exact in units of the quote asset."""
    most = EXACT_INTEGER_MAX // instrument.quote_units
    if notional > most:
        raise InvalidField(
            field,
            "out_of_range",
            f"{field} is too large: an order is worth at most {_amount(most, instrument)} "
            f"{instrument.quote}.",
        )


def _amount(notional: int, instrument: Instrument) -> str:
    units = notional * instrument.tick_units * instrument.lot_units
    return format_units(units, instrument.notional_decimals)
