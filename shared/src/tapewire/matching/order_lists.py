"""Order lists: two orders of one account and market of which one cancels the other (OCO)."""

from dataclasses import dataclass

from tapewire.matching.arguments import optional
from tapewire.matching.digest import list_digest
from tapewire.matching.engine import Engine
from tapewire.packed.records import read_order
from tapewire.values.types import Order, OrderCommand


@dataclass(frozen=True, slots=True)
class ListPlacement:
    """The orders of a placed list; `replayed` if the list was placed before."""

    first: Order
    second: Order
    replayed: bool


async def place_list(
    engine: Engine, first: OrderCommand, second: OrderCommand, client_list_id: str | None = None
) -> ListPlacement:
    """Place both orders of a list, or neither (`place_list.lua`).

    Both have the same account, symbol, side, quantity and prevention of self-trades. `first` rests
    as a post-only limit order or waits as a take-profit; `second` is a stop. A list with the
    `client_list_id` of an earlier list is that list, or is refused. Raises as `Engine.place`.
    """
    replayed, first_id, fields, second_id, second_fields = await engine.run_order(
        "place_list", first, first.account, list_digest(first, second, client_list_id),
        first.symbol, first.revision, first.side, optional(first.quantity_lots),
        first.self_trade_prevention, int(first.reuses_client_order_id), client_list_id or "",
        *_own_arguments(first), *_own_arguments(second),
    )  # fmt: skip
    return ListPlacement(
        read_order(first_id.decode(), fields),
        read_order(second_id.decode(), second_fields),
        replayed=bool(replayed),
    )


def _own_arguments(command: OrderCommand) -> tuple[str | int, ...]:
    """The arguments of one order of a list."""
    return (
        command.client_order_id or "", command.order_type, command.time_in_force,
        optional(command.price_ticks), int(command.post_only), optional(command.display_lots),
        optional(command.stop_price_ticks), optional(command.expire_us),
    )  # fmt: skip
