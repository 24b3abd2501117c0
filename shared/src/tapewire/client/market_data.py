"""The feed for programs: streams that are complete, or raise an error with the missing range."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from tapewire.client.balance_keeper import BalanceKeeper, Balances
from tapewire.client.book_copy import BookCopy
from tapewire.client.book_keeper import BookDepth, BookKeeper
from tapewire.client.latest import LatestKeeper
from tapewire.client.link import Link, LinkOptions
from tapewire.client.stream import OnGap, ReportStream, Stream, TrackedStream, TradeStream
from tapewire.client.tracker import ORDERS, Item, Position, ReportTracker, Tracker, TradeTracker
from tapewire.wire.feed_messages import CandleState, Quote

OnLag: TypeAlias = Literal["disconnect", "conflate", "skip"]


def _listed(symbols: Collection[str] | None) -> Collection[str]:
    """The symbols of a stream. Raises TypeError for a text, whose letters would be the symbols."""
    if isinstance(symbols, str):
        raise TypeError(f"symbols must be a list: write [{symbols!r}]")
    return symbols or ()


class MarketDataClient:
    """Subscriptions to one feed; each has a connection of its own.

    A stream connects when it is first iterated. When its connection ends, the stream opens another
    one and resumes, so that a restart of the service is only a delay.
    """

    def __init__(
        self,
        *urls: str,
        on_gap: OnGap = "raise",
        on_lag: OnLag = "disconnect",
        on_trouble: Callable[[str], None] | None = None,
        api_key: str | None = None,
        account: str | None = None,
        options: LinkOptions | None = None,
    ) -> None:
        """`urls` are equal services, tried in turn.

        `on_lag` is what the service does when this client reads too slowly; after `disconnect` the
        stream resumes and misses nothing. `on_trouble` gets a sentence whenever a connection
        fails or ends. `orders` and `balances` are those of the account of `api_key`, or of
        `account` at an open venue.
        """
        self._urls: Sequence[str] = urls
        self._on_gap: OnGap = on_gap
        self._on_lag = on_lag
        self._on_trouble = on_trouble or (lambda _: None)
        options = options or LinkOptions()
        self._options = replace(
            options, account=account or options.account, api_key=api_key or options.api_key
        )
        self._streams: set[Stream[Any]] = set()
        self.closed = False

    def trades(
        self,
        symbols: Collection[str] | None = None,
        since: Position | Mapping[str, int] | None = None,
    ) -> TradeStream:
        """Every trade of these symbols (default: all) after `since` (default: from now on).

        Each trade comes once, in order of seq. Raises, while iterated, GapError and EpochError.
        """
        position = Position(seqs=since) if isinstance(since, Mapping) else since
        return self._tracked(TradeTracker(_listed(symbols), position))

    def orders(self, since: Position | int | None = None) -> ReportStream:
        """Every execution report of the account after `since` (default: from now on).

        0 means all that the venue keeps. Each report comes once, in order of seq; `OrderKeeper`
        makes orders of them. Raises, while iterated, GapError and EpochError.
        """
        position = Position(seqs={ORDERS: since}) if isinstance(since, int) else since
        return self._tracked(ReportTracker(position))

    def balances(self) -> Stream[Balances]:
        """All balances of the account, now and after every change."""
        return self._stream(BalanceKeeper())

    def books(
        self, symbols: Collection[str] | None = None, depth: BookDepth = None
    ) -> Stream[BookCopy]:
        """The book of each symbol after every change, proven by seq and checksum.

        The same copy is handed out each time. Raises, while iterated, BookError.
        """
        return self._stream(BookKeeper(_listed(symbols), depth))

    def bbo(self, symbols: Collection[str] | None = None) -> Stream[Quote]:
        """Best bid and ask of each symbol, now and after every change."""
        return self._stream(LatestKeeper("bbo", _listed(symbols)))

    def candles(
        self, symbols: Collection[str] | None = None, interval: str = "1m"
    ) -> Stream[CandleState]:
        """The newest candle of each symbol, now, after every change, and at its end."""
        return self._stream(LatestKeeper(f"candles:{interval}", _listed(symbols)))

    async def aclose(self) -> None:
        """End all streams. Safe to call twice."""
        self.closed = True
        for stream in list(self._streams):
            await stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _link(self) -> Link:
        return Link(self._urls, self._options, self._on_trouble)

    def _tracked(self, tracker: Tracker[Item]) -> TrackedStream[Item]:
        stream = TrackedStream(
            self._link(),
            tracker,
            on_gap=self._on_gap,
            options={"on_lag": self._on_lag},
            on_closed=self._streams.discard,
        )
        self._streams.add(stream)
        return stream

    def _stream(self, core: Any) -> Stream[Any]:  # noqa: ANN401 (a Core of whatever it hands out)
        stream: Stream[Any] = Stream(
            self._link(),
            core,
            on_gap=self._on_gap,
            options={"on_lag": self._on_lag},
            on_closed=self._streams.discard,
        )
        self._streams.add(stream)
        return stream
