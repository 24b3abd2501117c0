"""From Redis to the hub: poll, prove continuity, refill what is missing, broadcast.

Owns the only writer of the hub's stream, so the order in which it publishes is the order in which
every client receives. When Redis goes away it subscribes again with growing delays, and then asks
Redis where the venue stands: a trade that nobody heard of is refilled too.
"""

import asyncio
import contextlib
import json
import logging
import random
from dataclasses import dataclass

from redis.exceptions import RedisError

from market_data.books import Books
from market_data.canary import Canary
from market_data.candle_feed import CandleFeed
from market_data.frames import text_frame
from market_data.hub import EVERY_SYMBOL, Hub
from market_data.poller import Poller, Published
from market_data.recent_trades import RecentTrade, RecentTrades
from market_data.replay_log import ReplayLog
from market_data.sequencer import Lost, Positions, Sequencer, Verdict
from tapewire import keys
from tapewire.errors import MessageError, TapewireError
from tapewire.market_messages import decode_market_event
from tapewire.messages import TradeMessage, decode_trade

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.05
RETRY_DELAY_MAX_S = 1.0

_TRADES = keys.TRADE_CHANNEL.encode()
_MARKETS = keys.MARKET_CHANNEL.encode()
_BOOKS = keys.BOOK_CHANNEL.encode()


@dataclass(slots=True)
class FeedCounters:
    """What the feed has seen since it started."""

    trades: int = 0
    refilled: int = 0
    lost: int = 0
    garbage: int = 0
    reconnects: int = 0


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
    ) -> None:
        self._poller = poller
        self._log = log
        self._hub = hub
        self._canary = canary
        self._books = books
        self._candles = candles
        self.sequencer = Sequencer()
        self.recent = RecentTrades()
        self.counters = FeedCounters()
        self.subscribed = False
        # Whether it knows where the venue stands; before that it cannot answer any client.
        self.started = False
        self._news = asyncio.Event()
        self._has_news = False
        # Grows whenever the venue's data is no longer the one that was sent.
        self.generation = 0
        # Whether it then fell back within its epoch, or began another one.
        self.rewound = False

    async def news(self, timeout_s: float) -> None:
        """Wait for the next trades to be sent, at most `timeout_s`."""
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
        await self._poller.subscribe()
        positions = await self._log.positions()
        if not self.started:
            self.sequencer.start(positions)
            self.started = True
        elif positions.epoch == self.sequencer.epoch and self.sequencer.is_ahead_of(positions):
            self.sequencer.start(positions)
            self._tell_epoch("rewound")
        else:
            await self._expect(positions)
        await self._refill()
        self._books.expect(positions)
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
            # The next batch gathers on the poller's thread while this one is written.
            poll = self._poller.poll()
            try:
                for published in batch:
                    await self._take(published)
                if self.sequencer.targets:
                    await self._refill()
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
        if self._has_news:
            # Whoever waits now is woken; whoever comes later waits for the next trades.
            news, self._news, self._has_news = self._news, asyncio.Event(), False
            news.set()

    async def _take(self, published: Published) -> None:
        if published.channel == _BOOKS:
            self._books.take(published.payload)
            return
        if published.channel == _MARKETS:
            await self._take_market(published.payload)
            return
        if published.channel != _TRADES:
            heard = self._canary.heard(published.payload)
            if heard is not None:
                await self._expect(heard)
            return
        try:
            message = decode_trade(published.payload)
        except MessageError as error:
            self._skip(str(error))
            return
        verdict = self.sequencer.offer(message)
        if verdict is Verdict.DELIVER:
            self._send(message)
        elif verdict is Verdict.UNKNOWN:
            positions = await self._log.positions()
            await self._expect(positions)
            event = message.event
            if event.epoch != self.sequencer.epoch or event.symbol not in positions.seqs:
                self._skip(f"{event.symbol} in epoch {event.epoch} is not the venue's")

    def _skip(self, reason: str, channel: str = keys.TRADE_CHANNEL) -> None:
        self.counters.garbage += 1
        logger.warning("skipped a message on %s: %s", channel, reason)

    async def _expect(self, positions: Positions) -> None:
        """Reach these positions; if the venue began anew, begin anew with it."""
        self._books.expect(positions)
        if self.sequencer.expect(positions):
            return
        # What was read a while ago may be of the epoch before: only Redis knows the present one.
        positions = await self._log.positions()
        if positions.epoch and not self.sequencer.expect(positions):
            self.sequencer.restart(positions)
            self._tell_epoch("new")

    def _tell_epoch(self, reason: str) -> None:
        self.generation += 1
        self.rewound = reason == "rewound"
        self.recent.clear()
        self._candles.restart()
        self._has_news = True
        logger.warning("the venue is in epoch %s (%s)", self.sequencer.epoch, reason)
        message = {
            "type": "epoch",
            "epoch": self.sequencer.epoch,
            "reason": reason,
            "seq": self.sequencer.seqs,
        }
        self._hub.broadcast(text_frame(json.dumps(message).encode()))

    async def _refill(self) -> None:
        """Read the log until no symbol is behind."""
        while self.sequencer.targets:
            symbol = next(iter(self.sequencer.targets))
            messages, log_ended = await self._log.read(symbol, self.sequencer.seqs.get(symbol, 0))
            if self.sequencer.doubts(symbol, messages, log_ended=log_ended):
                positions = await self._log.positions()
                if self.sequencer.correct(positions):
                    self._skip(f"{symbol} was said to be further than it is")
                    await self._expect(positions)
                    continue
            for item in self.sequencer.refill(symbol, messages, log_ended=log_ended):
                if isinstance(item, Lost):
                    self._tell_lost(item)
                elif item.event.epoch == self.sequencer.epoch:
                    self.counters.refilled += 1
                    self._send(item)

    def _send(self, message: TradeMessage) -> None:
        self.counters.trades += 1
        self._has_news = True
        event = message.event
        frame = trade_frame(message)
        self.recent.add(event.symbol, RecentTrade(event.seq, message.payload, frame))
        self._hub.publish("trades", event.symbol, event.seq, frame)
        self._candles.take(event)

    async def _take_market(self, payload: bytes) -> None:
        """Tell everyone who follows the symbol, on whatever channel."""
        try:
            event = decode_market_event(payload)
        except MessageError as error:
            self._skip(str(error), keys.MARKET_CHANNEL)
            return
        if event.epoch != self.sequencer.epoch:
            await self._expect(await self._log.positions())
        frame = text_frame(b'{"type":"market","data":%b}' % payload)
        for group in self._hub.groups:
            if any(symbol in {event.symbol, EVERY_SYMBOL} for _, symbol in group.subscription):
                self._hub.append(group, None, frame)

    def _tell_lost(self, lost: Lost) -> None:
        self.counters.lost += lost.last - lost.first + 1
        logger.error(
            "%s: trades %d to %d left the replay log unread", lost.symbol, lost.first, lost.last
        )
        self._hub.publish_gap("trades", lost.symbol, lost.first, lost.last)


def trade_frame(message: TradeMessage) -> bytes:
    """A trade as clients get it: the published object, untouched, in an envelope."""
    return text_frame(b'{"type":"trade","data":%b}' % message.payload)
