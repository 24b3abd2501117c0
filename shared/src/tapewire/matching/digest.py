"""A short name for the body of an order, by which a repeated one is known."""

import hashlib

from tapewire.values.types import OrderCommand


def order_digest(command: OrderCommand) -> str:
    """Equal bodies have equal digests; whose order it is and its revision do not count."""
    values = (
        command.symbol, command.side, command.order_type, command.time_in_force,
        command.price_ticks, command.quantity_lots, command.self_trade_prevention,
        command.post_only, command.display_lots, command.stop_price_ticks,
        command.quote_notional, command.expire_us,
    )  # fmt: skip
    return _digest(values)


def list_digest(
    first: OrderCommand, second: OrderCommand, client_list_id: str | None = None
) -> str:
    """The same of an order list; its name and the names of its orders count."""
    return _digest(
        (
            order_digest(first), first.client_order_id, order_digest(second),
            second.client_order_id, client_list_id,
        )
    )  # fmt: skip


def _digest(values: tuple[object, ...]) -> str:
    body = "|".join([str(value) for value in values])
    return hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
