"""From Redis to the hub: poll, prove continuity, refill missing messages, publish.

The feed is the only writer of the hub's stream, so every client receives in the order in which the
feed publishes. When Redis goes away the feed subscribes again, with growing delays, and reads the
positions of the venue: trades that were published meanwhile are refilled too.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Mapping

from redis.exceptions import RedisError

from market_data.fanout.hub import Hub
from market_data.feed.account_line import AccountLine
from market_data.feed.account_log import AccountLog
from market_data.feed.announcements import Announcements
from market_data.feed.canary import Canary
from market_data.feed.line import FeedCounters
from market_data.feed.poller import Poller, Published
from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Positions, Sequencer, Verdict
from market_data.feed.trade_line import TradeLine
from market_data.feed.witness import Look, Witness
from market_data.market.books import Books
from market_data.market.candle_feed import CandleFeed
from market_data.topics import (
    ACCOUNT_CHANNELS,
    BALANCES,
    CANDLES,
    ORDERS,
    TRADES,
    Subscription,
    symbols_of,
)
from tapewire import keys
from tapewire.errors import MessageError, RedisUnavailable, TapewireError
from tapewire.web.websocket_frames import json_frame
from tapewire.wire.trade_event import decode_trade

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.05
RETRY_DELAY_MAX_S = 1.0

_TRADES = keys.TRADE_CHANNEL.encode()
_MARKETS = keys.MARKET_CHANNEL.encode()
_BOOKS = keys.BOOK_CHANNEL.encode()
_VENUE = keys.VENUE_CHANNEL.encode()
_ACCOUNTS = keys.ACCOUNT_CHANNEL.encode()


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
    ) -> None:
        self._poller = poller
        self._log = log
        self._hub = hub
        self._canary = canary
        self._books = books
        self._candles = candles
        self.counters = FeedCounters()
        self._announcements = Announcements(hub, self.counters)
        self.trades = TradeLine(log, hub, candles, self.counters, on_positions=self._expect)
        self.accounts = AccountLine(accounts, log, hub, self.counters, on_positions=self._expect)
        witness = Witness(log, self.trades, self.accounts, books.seqs, lambda: len(self.floors))
        self._witness, canary.look = witness, witness.look
        hub.find_states_with(self._state_of)
        self.subscribed = False
        # Whether the positions of the venue are known; without them no client can be answered.
        self.started = False
        # Whether Redis holds a venue; it holds none before its first gateway, and after FLUSHALL.
        self.has_venue = False
        self._news = asyncio.Event()
        # One entry for every time that the venue's data was no longer what was published: None for
        # another epoch, else the last trade of each symbol that the venue has lost none before.
        self.floors: list[Mapping[str, int] | None] = []

    @property
    def sequencer(self) -> Sequencer:
        """The last published trade of every symbol."""
        return self.trades.sequencer

    def seqs_of(self, topics: Subscription) -> dict[str, int]:
        """The last published numbers of what a subscription can resume or prove.

        Those of trades stand under their symbol, those of an account under their channel.
        """
        seqs = self.sequencer.seqs
        found = {symbol: seqs[symbol] for symbol in symbols_of(topics, TRADES, seqs)}
        for channel, name in topics:
            position = self.accounts.position(name) if channel in ACCOUNT_CHANNELS else None
            if position is not None:
                found[channel] = position.seq if channel == ORDERS else position.balance_seq
        return found

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
        """Pump for ever. Only a bug ends it; the loss of Redis does not."""
        attempt = 0
        while True:
            try:
                await self._connect()
                attempt = 0
                await self._pump()
            except (RedisError, OSError, TapewireError) as error:
                if self.subscribed:
                    logger.warning("lost Redis (%s), subscribing again", error)
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
        look = await self._witness.look_at_all()
        positions = look.positions
        self.has_venue = bool(positions.epoch)
        if not self.started:
            self.sequencer.start(positions)
            self.accounts.restart(positions)
            self.started = True
        elif look.lost_symbols or look.lost_accounts:
            await self._rewind(look)
        await self._expect(positions)
        await self.trades.refill()
        await self.accounts.mend()
        self._books.expect(positions.epoch, positions.book_seqs)
        await self._books.resync()
        self._candles.publish()
        self._flush()
        self.subscribed = True
        self._canary.send_soon()
        logger.info("subscribed, epoch %s", self.sequencer.epoch)

    async def _rewind(self, look: Look) -> None:
        """Tell clients what the venue has lost; what it has in its place is published anew."""
        floors = {
            symbol: await self._witness.parting(symbol, look.positions.seqs[symbol])
            for symbol in look.lost_symbols
        }
        self.sequencer.rewind(floors)
        for symbol, seq in floors.items():
            self.trades.recent.cut(symbol, seq)
        self.accounts.rewind(look.positions, look.lost_accounts)
        self._tell_epoch("rewound", floors)

    async def _pump(self) -> None:
        poll = self._poller.poll()
        while True:
            batch = await poll
            await self._canary.check(self._poller)
            # The next batch gathers on the poller's thread while this one is written.
            poll = self._poller.poll()
            try:
                for published in batch:
                    await self._take(published)
                if self.accounts.doubted:
                    doubted, self.accounts.doubted = self.accounts.doubted, {}
                    await self._check_lost(doubted.values())
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
            except BaseException:
                poll.cancel()
                raise

    def _flush(self) -> None:
        self._hub.flush()
        if self.trades.has_news:
            # Tasks that wait now are woken; a task that comes later waits for the next trades.
            news, self._news, self.trades.has_news = self._news, asyncio.Event(), False
            news.set()

    async def _take(self, published: Published) -> None:
        if published.channel == _BOOKS:
            self._books.take(published.payload)
            return
        if published.channel == _MARKETS:
            event = self._announcements.read_market(published.payload)
            if event is not None:
                if event.epoch != self.sequencer.epoch:
                    await self._expect(await self._log.positions())
                self._announcements.tell_market(event, published.payload)
            return
        if published.channel == _VENUE:
            self._announcements.tell_venue(published.payload)
            return
        if published.channel == _ACCOUNTS:
            if not self.accounts.take(published.payload):
                await self._expect(await self._log.positions(self.accounts.names))
                if not self.accounts.take(published.payload):
                    self.counters.skip(keys.ACCOUNT_CHANNEL, "its epoch is not the venue's")
            return
        if published.channel == _TRADES:
            await self._take_trade(published.payload)
            return
        look = self._canary.heard(published.payload)
        if look is not None:
            if look.is_contradicted and look.generation == len(self.floors):
                raise RedisUnavailable("the venue has lost what was published")
            await self._expect(look.positions)

    async def _take_trade(self, payload: bytes) -> None:
        try:
            message = decode_trade(payload)
        except MessageError as error:
            self.counters.skip(keys.TRADE_CHANNEL, str(error))
            return
        verdict = self.sequencer.offer(message)
        if verdict is Verdict.DELIVER:
            self.trades.send(message)
        elif verdict is Verdict.DUPLICATE:
            if (sent := self._witness.other_trade(message)) is not None:
                await self._check_lost([sent])
                self.counters.skip(keys.TRADE_CHANNEL, f"{message.event.trade_id} is another trade")
        elif verdict is Verdict.UNKNOWN:
            positions = await self._log.positions()
            await self._expect(positions)
            event = message.event
            if event.epoch != self.sequencer.epoch or event.symbol not in positions.seqs:
                self.counters.skip(
                    keys.TRADE_CHANNEL, f"{event.symbol} in epoch {event.epoch} is not the venue's"
                )

    async def _expect(self, positions: Positions) -> None:
        """Reach these positions; if the venue is in a new epoch, follow that."""
        self._books.expect(positions.epoch, positions.book_seqs)
        self.has_venue = bool(positions.epoch)
        if self.sequencer.expect(positions):
            self.accounts.expect(positions)
            return
        # Positions that were read a while ago may be of an earlier epoch, so they are read again.
        positions = await self._log.positions(self.accounts.names)
        self.has_venue = bool(positions.epoch)
        if positions.epoch and not self.sequencer.expect(positions):
            self.sequencer.restart(positions)
            self.accounts.restart(positions)
            self._tell_epoch("new", None)

    async def _check_lost(self, sent: Iterable[Sent]) -> None:
        """Raise RedisUnavailable if the venue has other messages in the place of these."""
        if await self._witness.is_lost(sent):
            raise RedisUnavailable("the venue has numbered again what was published")

    def _tell_epoch(self, reason: str, floors: Mapping[str, int] | None) -> None:
        self.floors.append(floors)
        if floors is None:
            self.trades.recent.clear()
        self._candles.restart()
        self.trades.has_news = True
        logger.warning("the venue is in epoch %s (%s)", self.sequencer.epoch, reason)
        told = {"type": "epoch", "epoch": self.sequencer.epoch, "reason": reason}
        for topics in self._hub.subscriptions:
            # All symbols, also those that no client follows; accounts are private.
            seqs = self.sequencer.seqs | self.seqs_of(topics)
            self._hub.tell(topics, json_frame(told | {"seq": seqs}))
