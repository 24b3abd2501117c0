"""Trades for tests of the feed, and client programs that follow it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from tapewire import keys
from tapewire.client import MarketDataClient, Position, TradeStream
from tapewire.errors import TapewireError
from tapewire.values.types import Side, Symbol
from tapewire.wire.trade_event import TradeEvent
from tests.support.venue import BTC, HUGE, ODD, Venue
from tests.support.wait import leave_processor, wait_until

LOTS = {BTC: 1, HUGE: 1, ODD: 5}
TICKS = 1_000
ROUND_TRADES = 200
CAUGHT_UP_TIMEOUT_S = 20.0


async def make_trades(venue: Venue, count: int, symbol: Symbol = BTC) -> None:
    """Make exactly `count` trades; the book must be empty. Raises TapewireError without Redis."""
    lots = LOTS[symbol]
    for first in range(0, count, ROUND_TRADES):
        number = min(ROUND_TRADES, count - first)
        await asyncio.gather(
            *(venue.submit(Side.SELL, lots, TICKS, symbol=symbol) for _ in range(number))
        )
        await venue.submit(Side.BUY, number * lots, TICKS, symbol=symbol)


async def make_short_log(venue: Venue, count: int, trimmed: int) -> None:
    """Make `count` BTC trades, trim the first `trimmed` from the log, and make three ODD trades."""
    client: Any = venue.client
    await make_trades(venue, count)
    await make_trades(venue, 3, ODD)
    await client.xtrim(keys.replay_log(BTC), minid=trimmed + 1, approximate=False)


class Load:
    """Repeats a step until the test stops it; Redis may come and go meanwhile."""

    def __init__(self, step: Callable[[], Awaitable[object]]) -> None:
        """Start at once; a step may raise TapewireError."""
        self._step = step
        self._stopped = False
        self.rounds = 0
        self._task = asyncio.create_task(self._run())

    async def go_on(self, rounds: int = 10) -> None:
        """Wait until so many more steps were done."""
        target = self.rounds + rounds
        await wait_until(lambda: self.rounds >= target or self._task.done(), "the load goes on", 30)
        assert not self._task.done()

    async def stop(self) -> None:
        """Stop after the present step."""
        self._stopped = True
        await self._task

    async def _run(self) -> None:
        while not self._stopped:
            with contextlib.suppress(TapewireError):
                await self._step()
                self.rounds += 1
            await leave_processor()


def trading(venue: Venue, symbols: Collection[Symbol] = (BTC, ODD, HUGE)) -> Load:
    """A load of trades in these symbols."""
    choices = tuple(symbols)
    return Load(lambda: make_trades(venue, random.randint(1, 5), random.choice(choices)))


class Follower:
    """A program that follows all trades with the client library and keeps them."""

    def __init__(self, stream: TradeStream) -> None:
        """Start at once."""
        self.stream = stream
        self.events: list[TradeEvent] = []
        self.task = asyncio.create_task(self._run())

    def seqs(self, symbol: str) -> list[int]:
        """The trades of one symbol, in the order of arrival."""
        return [event.seq for event in self.events if event.symbol == symbol]

    async def _run(self) -> None:
        async for event in self.stream:
            self.events.append(event)

    async def stop(self) -> None:
        """Stop the follower. Raises the error that ended it."""
        await self.stream.aclose()
        await self.task


@asynccontextmanager
async def following(
    *urls: str, count: int = 1, since: Position | None = None
) -> AsyncIterator[list[Follower]]:
    """Connected followers until the block ends; `urls` are spread over them."""
    async with contextlib.AsyncExitStack() as stack:
        followers = []
        for number in range(count):
            turn = number % len(urls)
            client = MarketDataClient(*urls[turn:], *urls[:turn])
            await stack.enter_async_context(client)
            followers.append(Follower(client.trades(since=since)))
        for follower in followers:
            stack.push_async_callback(follower.stop)
        await wait_until(
            lambda: all(follower.stream.position.epoch for follower in followers), "all follow"
        )
        yield followers


async def assert_complete(venue: Venue, followers: list[Follower]) -> int:
    """Check that every follower has exactly the replay log, in order; return how many trades."""
    logs = {symbol: await venue.trades(symbol) for symbol in (BTC, ODD, HUGE)}
    heads = {symbol: log[-1]["seq"] for symbol, log in logs.items() if log}

    def caught_up(follower: Follower) -> bool:
        seqs = follower.stream.position.seqs
        return follower.task.done() or all(seqs.get(s, 0) >= seq for s, seq in heads.items())

    await wait_until(
        lambda: all(map(caught_up, followers)), "all have caught up", CAUGHT_UP_TIMEOUT_S
    )
    total = 0
    for follower in followers:
        if follower.task.done():
            await follower.task
        assert follower.stream.breaks == []
        for symbol, log in logs.items():
            assert follower.seqs(symbol) == [trade["seq"] for trade in log]
        total += len(follower.events)
    return total
