"""The operations of an account that are about two orders at once. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapewire.client.calls import Call, decoder, operation
from tapewire.client.errors import RequestRefused
from tapewire.client.order_calls import item_result
from tapewire.client.order_requests import Cancel, Place
from tapewire.client.replies import ItemResult, ReplaceResult
from tapewire.wire.orders import PlacedOrder

ReplaceModeText: TypeAlias = Literal["stop_on_failure", "allow_failure"]

_read_replaced = decoder(ReplaceResult)


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a cancel and of the order in its place; a refused part is its exception.

    `placed` is None if the order was not attempted, because the cancel was refused. `canceled` is
    None if the order was placed by an earlier attempt and the order to cancel is still open.
    """

    canceled: PlacedOrder | RequestRefused | None
    placed: PlacedOrder | RequestRefused | None


@operation("POST", "/v1/orders/replace", "replace")
def replace(
    cancel: Cancel, order: Place, *, mode: ReplaceModeText = "stop_on_failure"
) -> Call[Replaced]:
    """Cancel an order and place another in its market, in one atomic step.

    With `allow_failure` the order is placed also if the cancel was refused. Safe to send again,
    because an order without a `client_order_id` gets a random one. Raises ValueError if `cancel`
    has not exactly one id.
    """
    body = {"cancel": cancel.body(), "order": order.body(), "mode": mode}
    return Call(lambda reply: _replaced(_read_replaced(reply)), body=body)


def _replaced(reply: ReplaceResult) -> Replaced:
    return Replaced(_part(reply.canceled), _part(reply.placed))


def _part(part: ItemResult | None) -> PlacedOrder | RequestRefused | None:
    return None if part is None else item_result(part)
