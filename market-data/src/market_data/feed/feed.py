"""From Redis to the hub: poll, prove continuity, refill missing messages, publish.

The feed is the only writer of the hub's stream, so every client receives in the order in which the
feed publishes. When Redis goes away the feed subscribes again, with growing delays, and reads the
positions of the venue: trades that were published meanwhile are refilled too.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Mapping, Sequence

from redis.exceptions import RedisError

from market_data.fanout.hub import Hub
from market_data.feed.account_log import AccountLog
from market_data.feed.canary import Canary
from market_data.feed.intake import Intake
from market_data.feed.poller import Poller
from market_data.feed.replay_log import ReplayLog
from market_data.feed.sequencer import Sequencer
from market_data.market.books import Books
from market_data.market.candle_keeper import CandleFeed
from market_data.market.listener import Listener
from market_data.topics import (
    BALANCES,
    CANDLES,
    Subscription,
)
from tapewire.errors import TapewireError
from tapewire.runtime.log import Outage

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.05
RETRY_DELAY_MAX_S = 1.0

LOOK_TIMEOUT_S = 1.0
"""Seconds that a request may wait until this process knows whether an unknown symbol is new."""

LOOK_INTERVAL_S = 0.05
"""Shortest time between two rounds of the canary that unknown symbols cause."""


class Feed:
    """The one pump between the subscription and the hub; run it as a supervised task."""

    def __init__(
        self,
        poller: Poller,
        log: ReplayLog,
        hub: Hub,
        canary: Canary,
        *,
        books: Books,
        candles: CandleFeed,
        accounts: AccountLog,
        listener: Listener | None = None,
    ) -> None:
        """`listener` hears of every trade after the clients of the hub."""
        self._poller = poller
        self._log = log
        self._hub = hub
        self._canary = canary
        self._books = books
        self._candles = candles
        self._listener = listener or Listener()
        self._intake = intake = Intake(
            log,
            hub,
            canary,
            books=books,
            candles=candles,
            accounts=accounts,
            listener=self._listener,
        )
        self.counters, self.trades, self.accounts = intake.counters, intake.trades, intake.accounts
        hub.find_states_with(self._state_of)
        self.subscribed = False
        # Whether the positions of the venue are known; without them no client can be answered.
        self.started = False
        self._news = asyncio.Event()
        # Set and replaced whenever everything has arrived that a round of the canary proves.
        self._proof = asyncio.Event()
        self._looked_at_s = 0.0

    @property
    def has_venue(self) -> bool:
        """Whether Redis holds a venue."""
        return self._intake.has_venue

    @property
    def floors(self) -> Sequence[Mapping[str, int] | None]:
        """The times at which the venue's data differed from the published (`Intake.floors`)."""
        return self._intake.floors

    @property
    def sequencer(self) -> Sequencer:
        """The last published trade of every symbol."""
        return self.trades.sequencer

    def seqs_of(self, topics: Subscription) -> dict[str, int]:
        """The last published numbers of a subscription (`Intake.seqs_of`)."""
        return self._intake.seqs_of(topics)

    async def learns(self, symbols: Iterable[str]) -> bool:
        """Whether the venue lists all of these symbols; asks Redis if this process does not know.

        A symbol that is added now reaches this process in some milliseconds. A round of the canary
        that begins now tells which symbols the venue has.
        """
        wanted = set(symbols)
        if wanted <= self.sequencer.listed.keys():
            return True
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                # The first proof may be of a round that began before this call.
                for _ in range(2):
                    await asyncio.sleep(self._looked_at_s + LOOK_INTERVAL_S - loop.time())
                    self._looked_at_s = loop.time()
                    proof = self._proof
                    self._canary.hurry()
                    await proof.wait()
                    if wanted <= self.sequencer.listed.keys():
                        return True
        return False

    def _state_of(self, channel: str, name: str) -> bytes | None:
        """The state that a subscriber of a topic starts from, framed; None if it is not known."""
        if channel == BALANCES:
            return self.accounts.balances_frame(name)
        keeper = self._candles if channel in CANDLES.values() else self._books
        return keeper.state_frame(channel, name)

    async def news(self, timeout_s: float) -> None:
        """Wait for the next trades to be published, at most `timeout_s`."""
        # Not asyncio.wait_for: before Python 3.12 it may swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()

    async def run(self) -> None:
        """Pump until the task is cancelled. Only a bug ends it; the loss of Redis does not."""
        attempt, outage = 0, Outage(logger, "not subscribed to Redis, trying again")
        while True:
            try:
                await self._connect()
                attempt = 0
                outage.end()
                await self._pump()
            except (RedisError, OSError, TapewireError) as error:
                if self.subscribed:
                    logger.warning("lost Redis (%s), subscribing again", error)
                else:
                    outage.note(error)
                self.subscribed = False
                self._books.distrust_all()
                self.counters.reconnects += 1
                # Full jitter, so that several processes do not come back in step.
                delay_s = min(RETRY_DELAY_MAX_S, RETRY_DELAY_S * 2**attempt)
                attempt += 1
                await asyncio.sleep(random.uniform(0, delay_s))

    async def _connect(self) -> None:
        await self._log.renew()
        await self._poller.subscribe()
        look = await self._intake.witness.look_at_all()
        positions = look.positions
        self._intake.has_venue = bool(positions.epoch)
        if not self.started:
            self.sequencer.start(positions)
            self.accounts.restart(positions)
            self.started = True
        elif look.lost_symbols or look.lost_accounts:
            await self._intake.rewind(look)
        await self._intake.expect(positions)
        await self.trades.refill()
        await self.accounts.mend()
        self._books.expect(positions.epoch, positions.book_seqs)
        await self._books.resync()
        self._candles.publish()
        self._flush()
        self.subscribed = True
        self._canary.send_soon()
        logger.info("subscribed, epoch %s", self.sequencer.epoch)

    async def _pump(self) -> None:
        poll = self._poller.poll()
        while True:
            batch = await poll
            rounds = self._canary.rounds
            await self._canary.check(self._poller)
            # The next batch gathers on the poller's thread while this one is written.
            poll = self._poller.poll()
            try:
                for published in batch:
                    await self._intake.take(published)
                await self._intake.check_doubted()
                if self.sequencer.targets:
                    await self.trades.refill()
                if self.accounts.is_behind:
                    await self.accounts.mend()
                if self._books.stale:
                    await self._books.resync()
                self._candles.publish()
                if self._candles.wanted:
                    await self._candles.load()
                self._flush()
                if self._canary.rounds != rounds:
                    proof, self._proof = self._proof, asyncio.Event()
                    proof.set()
            except BaseException:
                poll.cancel()
                raise

    def _flush(self) -> None:
        self._hub.flush()
        self._listener.flush()
        if self.trades.has_news:
            # Tasks that wait now are woken; a task that comes later waits for the next trades.
            news, self._news, self.trades.has_news = self._news, asyncio.Event(), False
            news.set()
