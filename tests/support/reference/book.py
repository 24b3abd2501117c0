"""A price-time book written for clarity, not speed: the oracle that the real matching must equal.

Plain lists, walked from the front; prices and quantities are integers (ticks and lots). The rules:

- the best price trades first, and at one price the order that came first;
- a trade happens at the price of the order that rested (the maker);
- a maker that is partly filled keeps its place at the head;
- what is left of a limit order rests behind its equals; of a market or ioc order it expires;
- a fok order looks first: it fills completely or does nothing at all;
- a canceled order leaves the others where they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tapewire.values.types import OrderStatus, OrderType, Side


class Refused(StrEnum):
    """Why a cancel did nothing."""

    NOT_FOUND = "order_not_found"
    CLOSED = "order_closed"


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution, at the maker's price."""

    maker_id: str
    taker_id: str
    price_ticks: int
    quantity_lots: int
    aggressor_side: Side


@dataclass(slots=True, eq=False)
class BookOrder:
    """An order that the book has seen, resting or closed."""

    order_id: str
    side: Side
    price_ticks: int | None
    quantity_lots: int
    remaining_lots: int
    status: OrderStatus = OrderStatus.NEW


@dataclass(slots=True)
class ReferenceBook:
    """One instrument. `queues` holds resting orders, the next one to trade first."""

    orders: dict[str, BookOrder] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    queues: dict[Side, list[BookOrder]] = field(
        default_factory=lambda: {Side.BUY: [], Side.SELL: []}
    )

    def submit(
        self,
        order_id: str,
        side: Side,
        order_type: OrderType,
        quantity_lots: int,
        price_ticks: int | None = None,
    ) -> list[Trade]:
        """Enter an order and return its trades in the order in which they happen.

        Raises ValueError for a used id, an empty quantity, or a price that is missing or too many.
        """
        if order_id in self.orders:
            raise ValueError(f"order id {order_id} is used")
        if quantity_lots < 1 or (price_ticks is not None and price_ticks < 1):
            raise ValueError("quantity and price are at least 1")
        if (price_ticks is None) is not (order_type is OrderType.MARKET):
            raise ValueError("a market order has no price, every other has one")
        order = BookOrder(order_id, side, price_ticks, quantity_lots, quantity_lots)
        self.orders[order_id] = order
        enough = sum(maker.remaining_lots for maker in self._reachable(order)) >= quantity_lots
        if order_type is OrderType.FOK and not enough:
            order.status = OrderStatus.EXPIRED
            return []
        trades = self._match(order)
        self._settle(order, order_type)
        return trades

    def cancel(self, order_id: str) -> Refused | None:
        """Take an order out of the book; None if that was done."""
        order = self.orders.get(order_id)
        if order is None:
            return Refused.NOT_FOUND
        if order not in self.queues[order.side]:
            return Refused.CLOSED
        self.queues[order.side].remove(order)
        order.status = OrderStatus.CANCELED
        return None

    def depth(self, side: Side) -> list[tuple[int, int]]:
        """Price and resting quantity of each level, best first."""
        levels: dict[int, int] = {}
        for order in self.queues[side]:
            assert order.price_ticks is not None
            levels[order.price_ticks] = levels.get(order.price_ticks, 0) + order.remaining_lots
        return list(levels.items())

    def _reachable(self, taker: BookOrder) -> Iterator[BookOrder]:
        """The makers that `taker` may trade with, the next one first."""
        for maker in self.queues[_opposite(taker.side)]:
            if not _crosses(taker, maker):
                return
            yield maker

    def _match(self, taker: BookOrder) -> list[Trade]:
        trades = []
        for maker in list(self._reachable(taker)):
            if taker.remaining_lots == 0:
                break
            assert maker.price_ticks is not None
            lots = min(taker.remaining_lots, maker.remaining_lots)
            taker.remaining_lots -= lots
            maker.remaining_lots -= lots
            trades.append(
                Trade(maker.order_id, taker.order_id, maker.price_ticks, lots, taker.side)
            )
            maker.status = OrderStatus.PARTIALLY_FILLED
            if maker.remaining_lots == 0:
                maker.status = OrderStatus.FILLED
                self.queues[maker.side].remove(maker)
        self.trades += trades
        return trades

    def _settle(self, order: BookOrder, order_type: OrderType) -> None:
        """Decide what happens to the part of a new order that did not trade."""
        if order.remaining_lots == 0:
            order.status = OrderStatus.FILLED
        elif order_type is not OrderType.LIMIT:
            order.status = OrderStatus.EXPIRED
        else:
            if order.remaining_lots < order.quantity_lots:
                order.status = OrderStatus.PARTIALLY_FILLED
            self._rest(order)

    def _rest(self, order: BookOrder) -> None:
        """Stand behind every order with the same or a better price."""
        queue = self.queues[order.side]
        place = len(queue)
        while place > 0 and _better(order, queue[place - 1]):
            place -= 1
        queue.insert(place, order)


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _better(order: BookOrder, other: BookOrder) -> bool:
    """Whether `order` has a strictly better price than `other`, on the same side."""
    assert order.price_ticks is not None
    assert other.price_ticks is not None
    if order.side is Side.BUY:
        return order.price_ticks > other.price_ticks
    return order.price_ticks < other.price_ticks


def _crosses(taker: BookOrder, maker: BookOrder) -> bool:
    """Whether the maker's price is within the taker's limit; a market order has none."""
    assert maker.price_ticks is not None
    if taker.price_ticks is None:
        return True
    if taker.side is Side.BUY:
        return maker.price_ticks <= taker.price_ticks
    return maker.price_ticks >= taker.price_ticks
