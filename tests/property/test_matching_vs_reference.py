"""Random commands to the real script and to the naive book: both must always agree.

After every command the reply, the trades, both queues and both levels are compared. About 10,000
commands a run; prices are few, so that orders meet often.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tapewire import keys
from tapewire.errors import OrderClosed, OrderNotFound, TapewireError
from tapewire.redis.server import RedisServer
from tapewire.values.types import Order, OrderType, Side
from tests.support.reference.book import BookOrder, ReferenceBook, Refused, Trade
from tests.support.venue import BTC, INSTRUMENTS, PERMANENT_KEYS, Venue, open_venue

PRICES = st.integers(98, 102)
LOTS = st.one_of(st.integers(1, 4), st.integers(1, 40))


@dataclass(frozen=True, slots=True)
class Submit:
    """One order; the price stands for none if it is a market order."""

    side: Side
    kind: OrderType
    lots: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the order that was submitted as the `number`-th, which may not exist."""

    number: int


Command: TypeAlias = Submit | Cancel

KINDS = st.sampled_from([OrderType.LIMIT] * 4 + [OrderType.MARKET, OrderType.IOC, OrderType.FOK])
SUBMITS = st.builds(Submit, st.sampled_from(Side), KINDS, LOTS, PRICES)
CANCELS = st.builds(Cancel, st.integers(1, 90))
# Long lists of commands or nothing: a failing one shrinks to nothings, which are then left out.
COMMANDS = st.lists(
    st.one_of(st.none(), SUBMITS, SUBMITS, SUBMITS, SUBMITS, SUBMITS, CANCELS),
    min_size=65,
    max_size=130,
).map(lambda commands: [command for command in commands if command is not None])


class Pair:
    """The venue and the reference book, given the same commands."""

    def __init__(self, venue: Venue) -> None:
        """Both start empty."""
        self.venue = venue
        self.book = ReferenceBook()
        self.events: list[dict[str, Any]] = []

    async def run(self, command: Command) -> None:
        """Give it to both and compare everything."""
        known = len(self.book.trades)
        if isinstance(command, Cancel):
            await self._cancel(str(command.number))
        else:
            await self._submit(command)
        await self._compare(self.book.trades[known:])

    async def _submit(self, command: Submit) -> None:
        ticks = None if command.kind is OrderType.MARKET else command.ticks
        placement = await self.venue.submit(command.side, command.lots, ticks, command.kind)
        order = placement.order
        trades = self.book.submit(order.order_id, command.side, command.kind, command.lots, ticks)
        assert order.order_id == str(len(self.book.orders))
        check_order(order, self.book.orders[order.order_id])
        assert [(fill.price_ticks, fill.quantity_lots) for fill in order.fills] == [
            (trade.price_ticks, trade.quantity_lots) for trade in trades
        ]

    async def _cancel(self, order_id: str) -> None:
        refusals: dict[Refused | None, type[TapewireError]] = {
            Refused.NOT_FOUND: OrderNotFound,
            Refused.CLOSED: OrderClosed,
        }
        refused = self.book.cancel(order_id)
        if refused is None:
            check_order(await self.venue.cancel(order_id), self.book.orders[order_id])
            return
        with pytest.raises(refusals[refused]):
            await self.venue.cancel(order_id)

    async def _compare(self, trades: list[Trade]) -> None:
        """The log grew by exactly these trades, and queues and levels are those of the book."""
        pipeline: Any = self.venue.client.pipeline(transaction=False)
        pipeline.xrange(keys.replay_log(BTC), min=str(len(self.events) + 1))
        for side in Side:
            pipeline.zrange(keys.queue(BTC, side), 0, -1, withscores=True)
            pipeline.hgetall(keys.levels(BTC, side))
        entries, *found = await pipeline.execute()
        fresh = [json.loads(fields[b"event"]) for _, fields in entries]
        assert [shown(item) for item in fresh] == [
            (len(self.events) + number, trade.maker_id, trade.taker_id, trade.aggressor_side,
             f"{trade.price_ticks / 100:.2f}", f"{trade.quantity_lots / 100_000:.5f}")
            for number, trade in enumerate(trades, 1)
        ]  # fmt: skip
        self.events += fresh
        best = {}
        for side, queue, levels in zip(Side, found[::2], found[1::2], strict=True):
            resting = [
                (member.decode().partition(":")[2], abs(int(score))) for member, score in queue
            ]
            expected = self.book.queues[side]
            assert resting == [(order.order_id, order.price_ticks) for order in expected]
            depth = {int(ticks): int(lots) for ticks, lots in levels.items()}
            assert depth == dict(self.book.depth(side))
            if depth:
                best[side] = max(depth) if side is Side.BUY else min(depth)
        if len(best) == 2:
            assert best[Side.BUY] < best[Side.SELL], "the book is crossed"

    async def compare_records(self) -> None:
        """At the end every order tells the same, and nothing was created or lost."""
        executed = dict.fromkeys(Side, 0)
        orders = await asyncio.gather(
            *(self.venue.order(order_id) for order_id in self.book.orders)
        )
        for order, expected in zip(orders, self.book.orders.values(), strict=True):
            check_order(order, expected)
            assert sum(fill.quantity_lots for fill in order.fills) == order.executed_lots
            assert order.executed_notional == sum(
                fill.quantity_lots * fill.price_ticks for fill in order.fills
            )
            executed[order.side] += order.executed_lots
        traded = sum(trade.quantity_lots for trade in self.book.trades)
        assert executed == {Side.BUY: traded, Side.SELL: traded}
        await self._check_lifetimes()

    async def _check_lifetimes(self) -> None:
        """Open orders stay for ever, closed ones expire, and no other key is left."""
        open_ids = {order.order_id for queue in self.book.queues.values() for order in queue}
        for name, (_, expires) in (await self.venue.dump()).items():
            key = name.removeprefix(keys.PREFIX)
            if key.startswith("order:"):
                assert expires is (key.removeprefix("order:") not in open_ids), key
            else:
                assert key.startswith(PERMANENT_KEYS), key


def check_order(order: Order, expected: BookOrder) -> None:
    """Compare what the venue says of an order with the reference."""
    assert (order.side, order.quantity_lots, order.price_ticks, order.status) == (
        expected.side,
        expected.quantity_lots,
        expected.price_ticks,
        expected.status,
    )
    assert order.quantity_lots - order.executed_lots == expected.remaining_lots


def shown(item: dict[str, Any]) -> tuple[int, str, str, str, str, str]:
    """The members of a trade event that the reference knows as well."""
    return (
        item["seq"], item["maker_order_id"], item["taker_order_id"], item["aggressor_side"],
        item["price"], item["quantity"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_venue(session_redis: RedisServer, runner: asyncio.Runner) -> Iterator[Venue]:
    """One venue for all examples; each of them empties it first."""
    context = open_venue(session_redis.url)
    venue = runner.run(context.__aenter__())
    yield venue
    runner.run(context.__aexit__(None, None, None))


@pytest.mark.timeout(0)
@given(commands=COMMANDS)
def test_the_script_equals_the_reference(
    shared_venue: Venue, runner: asyncio.Runner, commands: list[Command]
) -> None:
    """Any sequence of commands gives the replies, trades and books that the naive book gives."""

    async def run() -> None:
        await shared_venue.client.flushdb()
        await shared_venue.engine.publish_instruments(INSTRUMENTS)
        pair = Pair(shared_venue)
        for command in commands:
            await pair.run(command)
        await pair.compare_records()
        event(f"{len(pair.events) // 10 * 10} trades or more")

    runner.run(run())
