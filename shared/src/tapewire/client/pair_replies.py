"""Answers about two orders at once, as the client library hands them out."""

from msgspec import Struct

from tapewire.client.replies import ItemResult
from tapewire.wire.orders import PlacedOrder


class OrderList(Struct, frozen=True):
    """Two orders of which one cancels the other; `closed` once one has traded, fired or ended."""

    list_id: str
    symbol: str
    status: str
    orders: list[PlacedOrder]
    client_list_id: str | None = None


class OrderListsPage(Struct, frozen=True):
    """One page of open lists, newest first."""

    lists: list[OrderList]
    next_cursor: str | None


class ReplaceResult(Struct, frozen=True):
    """The results of a cancel and of the order in its place."""

    canceled: ItemResult | None
    placed: ItemResult | None
