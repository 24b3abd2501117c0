"""Values as the commands take them: text, or numbers that the client library writes. Pure."""

from tapewire.matching.digest import order_digest
from tapewire.packed.layout import BOUNDS, IDENTITY, INSTRUMENT_LIMITS
from tapewire.values.types import Instrument, OrderCommand


def order_arguments(command: OrderCommand) -> tuple[str | int, ...]:
    """The values of an order that `place.lua` and `replace.lua` take."""
    return (
        command.account, command.client_order_id or "",
        order_digest(command) if command.client_order_id else "",
        command.symbol, command.revision, command.side, command.order_type,
        command.time_in_force, optional(command.price_ticks),
        optional(command.quantity_lots), command.self_trade_prevention,
        int(command.post_only), optional(command.display_lots),
        optional(command.stop_price_ticks), optional(command.quote_notional),
        optional(command.expire_us), int(command.reuses_client_order_id),
    )  # fmt: skip


def instrument_arguments(instrument: Instrument) -> list[str]:
    """The four values of an instrument that `instruments.lua` takes."""
    return [
        instrument.symbol,
        IDENTITY.write(instrument.identity),
        INSTRUMENT_LIMITS.write(instrument.limits),
        BOUNDS.write(instrument.controls),
    ]


def optional(value: int | None) -> int | str:
    """A number as text; the empty text for None."""
    return "" if value is None else value
