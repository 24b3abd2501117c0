"""Order entry and streams without `await`."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Self, TypeVar

from tapewire.client import order_calls, pair_calls
from tapewire.client.balance_keeper import Balances
from tapewire.client.book_copy import BookCopy
from tapewire.client.book_keeper import BookDepth
from tapewire.client.calls import Call
from tapewire.client.errors import ContinuityError
from tapewire.client.loop_thread import LoopThread
from tapewire.client.market_data import MarketDataClient
from tapewire.client.methods import blocking, blocking_items
from tapewire.client.order_entry import OrderEntry
from tapewire.client.stream import Stream, TrackedStream
from tapewire.client.tracker import Position
from tapewire.wire.account_feed import OrderReport
from tapewire.wire.feed_messages import CandleState, Quote
from tapewire.wire.trade_event import TradeEvent

Result = TypeVar("Result")
Item = TypeVar("Item")


class SyncOrderEntry:
    """`OrderEntry` without `await`; `submit` has many requests in flight."""

    def __init__(self, entry: OrderEntry, thread: LoopThread) -> None:
        self._entry, self._thread = entry, thread

    place = blocking(order_calls.place)
    replace = blocking(pair_calls.replace)
    place_list = blocking(pair_calls.place_list)
    cancel_list = blocking(pair_calls.cancel_list)
    order_list = blocking(pair_calls.order_list)
    open_lists = blocking_items(pair_calls.open_lists)
    amend = blocking(order_calls.amend)
    cancel = blocking(order_calls.cancel)
    order = blocking(order_calls.order)
    cancel_all = blocking(order_calls.cancel_all)
    orders = blocking_items(order_calls.orders)
    fills = blocking_items(order_calls.fills)
    account = blocking(order_calls.account)
    batch = blocking(order_calls.batch)
    cancel_all_after = blocking(order_calls.cancel_all_after)

    def ping(self) -> None:
        """Wait until every request made before has been done."""
        self._thread.run(self._entry.ping())

    def run(self, call: Call[Result]) -> Result:
        """Send a call and wait for its answer."""
        return self._thread.run(self._entry.run(call))

    def submit(self, call: Call[Result]) -> Future[Result]:
        """Send a call of `tapewire.client.order_calls`; its answer comes into the future."""
        return self._thread.start(self._entry.run(call))

    def close(self) -> None:
        """End the connection. Safe to call twice."""
        if not self._thread.closed:
            self._thread.run(self._entry.aclose())

    def __enter__(self) -> Self:
        self._thread.run(self._entry.connect())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class SyncStream(Iterator[Item], Generic[Item]):
    """A `Stream` to iterate over with `for`."""

    def __init__(self, stream: Stream[Item], thread: LoopThread) -> None:
        self._stream, self._thread = stream, thread

    @property
    def breaks(self) -> list[ContinuityError]:
        """Every ContinuityError so far."""
        return self._stream.breaks

    @property
    def connections(self) -> int:
        """Connections made so far."""
        return self._stream.connections

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        """The next item. Raises as the stream does."""
        try:
            return self._thread.run(anext(self._stream))
        except StopAsyncIteration:
            raise StopIteration from None

    def receive(self, timeout_s: float) -> Item | None:
        """The next item, or None if there is none within `timeout_s`."""
        return self._thread.run(self._stream.receive(timeout_s))

    def close(self) -> None:
        """End the iteration and the connection. Safe to call twice."""
        if not self._thread.closed:
            self._thread.run(self._stream.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class SyncTrackedStream(SyncStream[Item]):
    """A `TrackedStream` to iterate over with `for`."""

    def __init__(self, stream: TrackedStream[Item], thread: LoopThread) -> None:
        super().__init__(stream, thread)
        self._tracked = stream

    @property
    def position(self) -> Position:
        """The position: all items up to it were handed out, or reported as missing."""
        return self._tracked.position

    @property
    def duplicates(self) -> int:
        """Items that came again, after a resume, and were dropped."""
        return self._tracked.duplicates


class SyncMarketDataClient:
    """`MarketDataClient` without `await`: its streams are iterated over with `for`."""

    def __init__(self, client: MarketDataClient, thread: LoopThread | None = None) -> None:
        """Streams of `client`; a thread of their own runs them unless there is one already."""
        self._client = client
        self._thread = thread or LoopThread()
        self._owns_thread = thread is None

    def trades(
        self,
        symbols: Collection[str] | None = None,
        since: Position | Mapping[str, int] | None = None,
    ) -> SyncTrackedStream[TradeEvent]:
        """As `MarketDataClient.trades`."""
        return SyncTrackedStream(self._client.trades(symbols, since), self._thread)

    def orders(self, since: Position | int | None = None) -> SyncTrackedStream[OrderReport]:
        """As `MarketDataClient.orders`."""
        return SyncTrackedStream(self._client.orders(since), self._thread)

    def balances(self) -> SyncStream[Balances]:
        """As `MarketDataClient.balances`."""
        return SyncStream(self._client.balances(), self._thread)

    def books(
        self, symbols: Collection[str] | None = None, depth: BookDepth = None
    ) -> SyncStream[BookCopy]:
        """As `MarketDataClient.books`."""
        return SyncStream(self._client.books(symbols, depth), self._thread)

    def bbo(self, symbols: Collection[str] | None = None) -> SyncStream[Quote]:
        """As `MarketDataClient.bbo`."""
        return SyncStream(self._client.bbo(symbols), self._thread)

    def candles(
        self, symbols: Collection[str] | None = None, interval: str = "1m"
    ) -> SyncStream[CandleState]:
        """As `MarketDataClient.candles`."""
        return SyncStream(self._client.candles(symbols, interval), self._thread)

    def close(self) -> None:
        """End all streams. Safe to call twice."""
        if not self._thread.closed:
            self._thread.run(self._client.aclose())
            if self._owns_thread:
                self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
