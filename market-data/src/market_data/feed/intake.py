"""The effects of every message of the subscription: on trades, accounts, books and the epoch.

Only the feed calls the intake, one message after the other. A message that contradicts the known
positions makes the intake read the positions of the venue.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from market_data.fanout.hub import Hub
from market_data.feed.account_line import AccountLine
from market_data.feed.account_log import AccountLog, decode_beside_the_loop
from market_data.feed.canary import Canary
from market_data.feed.line import FeedCounters
from market_data.feed.poller import Published
from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Positions, Sequencer, Verdict
from market_data.feed.trade_line import TradeLine
from market_data.feed.witness import Look, Witness
from market_data.limits import LARGE_MESSAGE_BYTES
from market_data.market.books import Books
from market_data.market.candle_keeper import CandleFeed
from market_data.market.listener import Listener
from market_data.topics import ACCOUNT_CHANNELS, ORDERS, TRADES, Subscription, follows, symbols_of
from tapewire import keys
from tapewire.errors import MessageError, RedisUnavailable
from tapewire.web.websocket_frames import json_frame, text_frame
from tapewire.wire.account_feed import decode_account_change
from tapewire.wire.market_event import MarketEvent, decode_market_event
from tapewire.wire.trade_event import decode_trade
from tapewire.wire.venue_event import decode_venue_event

logger = logging.getLogger(__name__)

_TRADES = keys.TRADE_CHANNEL.encode()
_MARKETS = keys.MARKET_CHANNEL.encode()
_BOOKS = keys.BOOK_CHANNEL.encode()
_VENUE = keys.VENUE_CHANNEL.encode()
_ACCOUNTS = keys.ACCOUNT_CHANNEL.encode()


class Intake:
    """The lines of a feed, and the life of the venue's data that they follow."""

    def __init__(
        self,
        log: ReplayLog,
        hub: Hub,
        canary: Canary,
        *,
        books: Books,
        candles: CandleFeed,
        accounts: AccountLog,
        listener: Listener,
    ) -> None:
        self._log = log
        self._hub = hub
        self._canary = canary
        self._books = books
        self._candles = candles
        self.counters = FeedCounters()
        self._listener = listener
        self.trades = TradeLine(
            log, hub, candles, self.counters, on_positions=self.expect, listener=listener
        )
        self.accounts = AccountLine(accounts, log, hub, self.counters, on_positions=self.expect)
        # One entry for each loss of published data: None for another epoch, else by symbol the last
        # trade before the first lost trade.
        self.floors: list[Mapping[str, int] | None] = []
        # Grows with every loss, and whenever an instrument is listed or delisted: a look that began
        # before knows less than the feed.
        self.generation = 0
        # Whether Redis holds a venue; it holds none before its first gateway, and after FLUSHALL.
        self.has_venue = False
        witness = Witness(log, self.trades, self.accounts, books.seqs, lambda: self.generation)
        self.witness, canary.look = witness, witness.look

    @property
    def sequencer(self) -> Sequencer:
        """The last published trade of every symbol."""
        return self.trades.sequencer

    def seqs_of(self, topics: Subscription) -> dict[str, int]:
        """The last published numbers that a subscription can resume or prove.

        Numbers of trades stand under their symbol, those of an account under their channel.
        """
        seqs = self.sequencer.seqs
        found = {symbol: seqs[symbol] for symbol in symbols_of(topics, TRADES, seqs)}
        for channel, name in topics:
            position = self.accounts.position(name) if channel in ACCOUNT_CHANNELS else None
            if position is not None:
                found[channel] = position.seq if channel == ORDERS else position.balance_seq
        return found

    async def rewind(self, look: Look) -> None:
        """Send clients `rewound`; the trades in place of the lost ones are published again."""
        floors = {
            symbol: await self.witness.parting(symbol, look.positions.seqs[symbol])
            for symbol in look.lost_symbols
        }
        self.sequencer.rewind(floors)
        for symbol, seq in floors.items():
            self.trades.recent.cut(symbol, seq)
        self.accounts.rewind(look.positions, look.lost_accounts)
        self._tell_epoch("rewound", floors)

    async def take(self, published: Published) -> None:
        """Take one message. Raises RedisError, OSError; RedisUnavailable if the venue lost data."""
        if published.channel == _BOOKS:
            self._books.take(published.payload)
            return
        if published.channel == _MARKETS:
            await self._take_market(published.payload)
            return
        if published.channel == _VENUE:
            self._take_venue(published.payload)
            return
        if published.channel == _ACCOUNTS:
            await self._take_account(published.payload)
            return
        if published.channel == _TRADES:
            await self._take_trade(published.payload)
            return
        look = self._canary.heard(published.payload)
        if look is not None:
            is_newest = look.generation == self.generation
            if look.is_contradicted and is_newest:
                raise RedisUnavailable("the venue has lost published trades")
            await self.expect(look.positions, is_newest=is_newest)

    async def _take_account(self, payload: bytes) -> None:
        if payload.startswith(b"{"):
            self._take_account_change(payload)
            return
        if not self.accounts.concerns(payload):
            return
        try:
            event = await decode_beside_the_loop(payload)
        except MessageError as error:
            self.counters.skip(keys.ACCOUNT_CHANNEL, str(error))
            return
        if event.epoch != self.sequencer.epoch:
            await self.expect(await self._log.positions(self.accounts.names))
        if event.epoch != self.sequencer.epoch:
            self.counters.skip(keys.ACCOUNT_CHANNEL, "its epoch is not the venue's")
            return
        is_large = len(payload) > LARGE_MESSAGE_BYTES
        if is_large:
            await self.accounts.prepare(event)
        self.accounts.take(event)
        if is_large:
            # The clients take such a burst while other tasks run.
            self._hub.flush()
            await asyncio.sleep(0)

    def _take_account_change(self, payload: bytes) -> None:
        """Publish a change of an account to every client of one of its private channels."""
        try:
            name = decode_account_change(payload).account
        except MessageError as error:
            self.counters.skip(keys.ACCOUNT_CHANNEL, str(error))
            return
        frame = text_frame(b'{"type":"account","data":%b}' % payload)
        for topics in self._hub.subscriptions:
            if any((channel, name) in topics for channel in ACCOUNT_CHANNELS):
                self._hub.tell(topics, frame)

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
            if (sent := self.witness.other_trade(message)) is not None:
                await self._check_lost([sent])
                self.counters.skip(keys.TRADE_CHANNEL, f"{message.event.trade_id} is another trade")
        elif verdict is Verdict.UNKNOWN:
            positions = await self._log.positions()
            await self.expect(positions)
            event = message.event
            if event.epoch != self.sequencer.epoch or event.symbol not in positions.seqs:
                self.counters.skip(
                    keys.TRADE_CHANNEL, f"{event.symbol} in epoch {event.epoch} is not the venue's"
                )

    async def expect(self, positions: Positions, *, is_newest: bool = True) -> None:
        """Reach these positions; if the venue is in a new epoch, follow that.

        Which instruments are listed counts only if the positions are not older than the newest
        market event.
        """
        if is_newest:
            self._books.expect(positions.epoch, positions.book_seqs)
        self.has_venue = bool(positions.epoch)
        if self._reach(positions, is_newest=is_newest):
            self.accounts.expect(positions)
            return
        # Positions that were read earlier may belong to an earlier epoch, so they are read again.
        positions = await self._log.positions(self.accounts.names)
        self.has_venue = bool(positions.epoch)
        if positions.epoch and not self._reach(positions, is_newest=True):
            self.sequencer.restart(positions)
            self.accounts.restart(positions)
            self._tell_epoch("new", None)

    def _reach(self, positions: Positions, *, is_newest: bool) -> bool:
        """Reach positions of the present epoch; False if they are of another one."""
        is_reached = self.sequencer.expect(positions)
        if is_reached and is_newest:
            self.sequencer.note_delisted(positions.delisted)
        return is_reached

    async def check_doubted(self) -> None:
        """Raise RedisUnavailable if the venue gave numbers of an account a second time."""
        if self.accounts.doubted:
            doubted, self.accounts.doubted = self.accounts.doubted, {}
            await self._check_lost(doubted.values())

    async def _check_lost(self, sent: Iterable[Sent]) -> None:
        if await self.witness.is_lost(sent):
            raise RedisUnavailable("the venue has numbered published trades again")

    def _tell_epoch(self, reason: str, floors: Mapping[str, int] | None) -> None:
        self.floors.append(floors)
        self.generation += 1
        if floors is None:
            self.trades.recent.clear()
        self._candles.restart()
        self._listener.restart()
        self.trades.has_news = True
        logger.warning("the venue is in epoch %s (%s)", self.sequencer.epoch, reason)
        told = {"type": "epoch", "epoch": self.sequencer.epoch, "reason": reason}
        for topics in self._hub.subscriptions:
            # All symbols, also those without a client; accounts are private.
            seqs = self.sequencer.seqs | self.seqs_of(topics)
            self._hub.tell(topics, json_frame(told | {"seq": seqs}))

    def _take_venue(self, payload: bytes) -> None:
        """Publish a message for all clients, on every topic."""
        try:
            decode_venue_event(payload)
        except MessageError as error:
            self.counters.skip(keys.VENUE_CHANNEL, str(error))
            return
        frame = text_frame(b'{"type":"venue","data":%b}' % payload)
        for topics in self._hub.subscriptions:
            self._hub.tell(topics, frame)

    async def _take_market(self, payload: bytes) -> None:
        """Publish a market event to every client that follows the symbol on a public channel."""
        try:
            event = decode_market_event(payload)
        except MessageError as error:
            self.counters.skip(keys.MARKET_CHANNEL, str(error))
            return
        if event.change in {"added", "delisted"}:
            self.generation += 1
        if event.epoch != self.sequencer.epoch or not self._knows(event):
            await self.expect(await self._log.positions(self.accounts.names))
        frame = text_frame(b'{"type":"market","data":%b}' % payload)
        for topics in self._hub.subscriptions:
            if follows(topics, event.symbol):
                self._hub.tell(topics, frame)

    def _knows(self, event: MarketEvent) -> bool:
        """Whether the feed knows that the symbol of a market event is listed, or no longer is."""
        is_delisted = event.symbol in self.sequencer.delisted
        if event.change == "delisted":
            return is_delisted
        return event.symbol in self.sequencer.seqs and not is_delisted
