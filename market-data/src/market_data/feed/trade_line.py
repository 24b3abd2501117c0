"""The line of trades: checks their order, keeps them for resuming clients, publishes them."""

import logging
from collections.abc import Awaitable, Callable

from market_data.fanout.hub import Hub
from market_data.feed.line import FeedCounters, Line
from market_data.feed.recent_trades import RecentTrade, RecentTrades
from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Lost, Positions
from market_data.market.candle_keeper import CandleFeed
from market_data.market.listener import Listener
from market_data.topics import TRADES
from tapewire import keys
from tapewire.values.types import Symbol
from tapewire.web.websocket_frames import text_frame
from tapewire.wire.trade_event import TradeMessage

logger = logging.getLogger(__name__)


class TradeLine(Line[TradeMessage]):
    """The trades of all symbols."""

    def __init__(
        self,
        log: ReplayLog,
        hub: Hub,
        candles: CandleFeed,
        counters: FeedCounters,
        *,
        on_positions: Callable[[Positions], Awaitable[None]],
        listener: Listener,
    ) -> None:
        """`on_positions` is given the venue's positions when they contradict a message."""
        super().__init__(log)
        self._log = log
        self._hub = hub
        self._candles = candles
        self._counters = counters
        self._on_positions = on_positions
        self._listener = listener
        self.recent = RecentTrades()
        self.has_news = False
        self._moment = ("", "")

    def send(self, message: TradeMessage) -> None:
        """Publish the next trade of its symbol."""
        self._counters.trades += 1
        self.has_news = True
        event = message.event
        frame = trade_frame(message)
        self.recent.add(event.symbol, RecentTrade(event.seq, message.payload, frame))
        # All trades of a command have its time, and no later command has the same.
        moment = (event.symbol, event.timestamp)
        goes_on, self._moment = moment == self._moment, moment
        self._hub.publish(TRADES, event.symbol, event.seq, frame, goes_on=goes_on)
        self._candles.take(event)
        self._listener.take_trade(event, goes_on=goes_on)

    def newest(self, name: str) -> Sent | None:
        """The newest published trade of a symbol that is still in memory."""
        run = self.recent.run(name)
        return sent_trade(name, run[-1]) if run else None

    async def _read(self, name: str) -> tuple[list[TradeMessage], bool]:
        return await self._log.read(name, self.sequencer.seqs.get(name, 0))

    async def _correct(self, name: str) -> bool:
        positions = await self._log.positions()
        if not self.sequencer.correct(positions):
            return False
        self._counters.skip(keys.TRADE_CHANNEL, f"a number of {name} is beyond the last trade")
        await self._on_positions(positions)
        return True

    def _send_late(self, message: TradeMessage) -> None:
        self._counters.refilled += 1
        self.send(message)

    def _lose(self, lost: Lost) -> None:
        self._counters.lost += lost.last - lost.first + 1
        logger.error(
            "%s: trades %d to %d left the replay log unread", lost.name, lost.first, lost.last
        )
        self._hub.publish_gap(TRADES, lost.name, lost.first, lost.last)
        self._listener.lose_trades(lost.name)


def sent_trade(symbol: str, trade: RecentTrade) -> Sent:
    """A published trade and its place in the log."""
    return Sent(keys.replay_log(Symbol(symbol)), f"{trade.seq}-0", trade.payload.__eq__)


def trade_frame(message: TradeMessage) -> bytes:
    """A trade as clients get it: the published JSON, unchanged, in an envelope."""
    return text_frame(b'{"type":"trade","data":%b}' % message.payload)
