"""What a process knows of every market beside its trades: books, best prices, candles, time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from market_data.fanout.hub import Hub
from market_data.market.books import BBO_CHANNEL, BOOK_CHANNELS, Books
from market_data.market.candle_feed import CHANNEL_OF, CandleFeed
from market_data.market.candle_log import CandleLog
from market_data.market.market_records import MarketRecords
from market_data.market.venue_clock import VenueClock
from tapewire.redis.client import AsyncRedis


@dataclass(frozen=True, slots=True)
class MarketState:
    """The parts that the feed keeps up and that the routes read."""

    books: Books
    candles: CandleFeed
    candle_log: CandleLog
    clock: VenueClock

    @classmethod
    def follow(cls, client: AsyncRedis, hub: Hub) -> Self:
        """Make the parts; the feed fills them."""
        log, clock = CandleLog(client), VenueClock()
        return cls(Books(MarketRecords(client), hub), CandleFeed(log, hub, clock), log, clock)

    def first_frames(self) -> Mapping[str, Callable[[str, str], bytes | None]]:
        """By channel: from channel and symbol to what a new subscriber is sent first."""
        books = dict.fromkeys((BBO_CHANNEL, *BOOK_CHANNELS), self.books.first_frame)
        return books | dict.fromkeys(CHANNEL_OF.values(), self.candles.first_frame)
