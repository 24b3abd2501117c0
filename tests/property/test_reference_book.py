"""What must be true of the reference book, whatever happens to it: the oracle is itself tested.

A failing example is printed by hypothesis with the blob that repeats it.
"""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tapewire.values.types import OrderStatus, OrderType, Side
from tests.support.reference.book import BookOrder, ReferenceBook, Trade

ACTIONS_MAX = 60


@dataclass(frozen=True, slots=True)
class Action:
    """One random action: a new order, or the cancel of the `target`th order so far."""

    side: Side
    order_type: OrderType | None
    quantity_lots: int
    price_ticks: int
    target: int


actions = st.lists(
    st.builds(
        Action,
        side=st.sampled_from(Side),
        order_type=st.sampled_from([*OrderType, OrderType.LIMIT, OrderType.LIMIT, None]),
        quantity_lots=st.integers(1, 20),
        price_ticks=st.integers(1, 8),
        target=st.integers(0, ACTIONS_MAX),
    ),
    max_size=ACTIONS_MAX,
)
# These examples are cheap: no other process takes part.
checked = settings(max_examples=2 * settings().max_examples)


def enter(book: ReferenceBook, action: Action, number: int) -> list[Trade]:
    """Do one action; returns its trades."""
    if action.order_type is None:
        book.cancel(str(action.target))
        return []
    price = None if action.order_type is OrderType.MARKET else action.price_ticks
    return book.submit(str(number), action.side, action.order_type, action.quantity_lots, price)


def resting(book: ReferenceBook, side: Side) -> list[tuple[int, int]]:
    """Price and order number of each resting order, the next to trade first."""
    return [(order.price_ticks or 0, int(order.order_id)) for order in book.queues[side]]


@checked
@given(actions)
def test_the_book_is_never_crossed(steps: list[Action]) -> None:
    """The best bid is below the best ask after every action."""
    book = ReferenceBook()
    for number, action in enumerate(steps):
        enter(book, action, number)
        bids, asks = book.depth(Side.BUY), book.depth(Side.SELL)
        assert not bids or not asks or bids[0][0] < asks[0][0]


@checked
@given(actions)
def test_quantity_is_conserved(steps: list[Action]) -> None:
    """What an order entered with is what it traded plus what is left of it."""
    book = ReferenceBook()
    for number, action in enumerate(steps):
        enter(book, action, number)
    for order in book.orders.values():
        traded = sum(
            trade.quantity_lots
            for trade in book.trades
            if order.order_id in {trade.maker_id, trade.taker_id}
        )
        assert order.quantity_lots == traded + order.remaining_lots
        assert order.remaining_lots >= 0


@checked
@given(actions)
def test_orders_stand_by_price_then_arrival(steps: list[Action]) -> None:
    """Each side is sorted by price, best first, and at one price by arrival."""
    book = ReferenceBook()
    for number, action in enumerate(steps):
        enter(book, action, number)
        bids, asks = resting(book, Side.BUY), resting(book, Side.SELL)
        assert bids == sorted(bids, key=lambda order: (-order[0], order[1]))
        assert asks == sorted(asks)


@checked
@given(actions)
def test_trades_take_the_head_at_the_makers_price(steps: list[Action]) -> None:
    """The makers of an order are the head of the other side, each at its own price, in order."""
    book = ReferenceBook()
    for number, action in enumerate(steps):
        other = Side.SELL if action.side is Side.BUY else Side.BUY
        before = [(order.order_id, order.price_ticks) for order in book.queues[other]]
        trades = enter(book, action, number)
        assert [(trade.maker_id, trade.price_ticks) for trade in trades] == before[: len(trades)]
        for trade in trades[:-1]:
            assert book.orders[trade.maker_id].status is OrderStatus.FILLED
        if action.order_type not in {OrderType.MARKET, None}:
            limit = action.price_ticks
            sign = 1 if action.side is Side.BUY else -1
            assert all(trade.price_ticks * sign <= limit * sign for trade in trades)


@checked
@given(actions)
def test_only_limit_orders_rest_and_statuses_agree(steps: list[Action]) -> None:
    """Each status says what the order's quantities and its place in the book say."""
    book = ReferenceBook()
    types: dict[str, OrderType] = {}
    for number, action in enumerate(steps):
        if action.order_type is not None:
            types[str(number)] = action.order_type
        enter(book, action, number)
    for order in book.orders.values():
        in_book = order in book.queues[order.side]
        assert in_book is (order.status in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
        assert not in_book or types[order.order_id] is OrderType.LIMIT
        assert (order.status is OrderStatus.FILLED) is (order.remaining_lots == 0)
        if types[order.order_id] is OrderType.FOK:
            assert order.remaining_lots in {0, order.quantity_lots}


@checked
@given(actions)
def test_fok_fills_exactly_when_there_is_enough(steps: list[Action]) -> None:
    """A fok order fills if and only if the quantity within its limit suffices."""
    book = ReferenceBook()
    for number, action in enumerate(steps):
        other = Side.SELL if action.side is Side.BUY else Side.BUY
        within = sum(
            lots
            for price, lots in book.depth(other)
            if (
                price <= action.price_ticks
                if action.side is Side.BUY
                else price >= action.price_ticks
            )
        )
        enter(book, action, number)
        if action.order_type is OrderType.FOK:
            order: BookOrder = book.orders[str(number)]
            assert (order.remaining_lots == 0) is (within >= action.quantity_lots)
