"""An endless iteration over one subscription, across all its connections."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Generic, Literal, Protocol, Self, TypeAlias, TypeVar

from tapewire.client.errors import ContinuityError
from tapewire.client.link import ConnectionEnded, Link
from tapewire.client.tracker import Position, Signal, Tracker
from tapewire.wire.account_feed import OrderReport
from tapewire.wire.feed_messages import FeedMessage, Heartbeat, UnknownMessage
from tapewire.wire.trade_event import TradeEvent

Item = TypeVar("Item")

OnGap: TypeAlias = Literal["raise", "continue"]


class Core(Protocol[Item]):
    """The decisions of a stream, without I/O."""

    def request(self) -> dict[str, object]:
        """The subscription for a new connection."""

    def offer(self, message: FeedMessage | UnknownMessage) -> list[Item | ContinuityError | Signal]:
        """Take the next message; returns items, errors and signals."""


class Stream(AsyncIterator[Item], Generic[Item]):
    """Items of one subscription, for `async for`; closed by `aclose`, `async with` or its client.

    With `on_gap` "raise" a ContinuityError ends the `async for`, but not the stream: iterating
    again goes on behind the error. With "continue" the error is only appended to `breaks`.
    """

    def __init__(
        self,
        link: Link,
        core: Core[Item],
        *,
        on_gap: OnGap,
        options: Mapping[str, object],
        on_closed: Callable[["Stream[Item]"], None],
    ) -> None:
        """`options` is added to every subscription."""
        self._link = link
        self._core = core
        self._raises = on_gap == "raise"
        self._options = options
        self._on_closed = on_closed
        self._ready: deque[Item | ContinuityError] = deque()
        self._closed = False
        self.breaks: list[ContinuityError] = []

    @property
    def connections(self) -> int:
        """Connections made so far."""
        return self._link.connections

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        """The next item. Raises ContinuityError, FeedRefused, FeedUnavailable, MessageError."""
        while not self._closed:
            while self._ready:
                item = self._ready.popleft()
                if not isinstance(item, ContinuityError):
                    return item
                self.breaks.append(item)
                if self._raises:
                    raise item
            try:
                await self._advance()
            except ConnectionEnded:
                continue
        raise StopAsyncIteration

    async def receive(self, timeout_s: float) -> Item | None:
        """The next item, or None if there is none within `timeout_s`. Raises as iterating does."""
        try:
            async with asyncio.timeout(timeout_s):
                return await anext(self, None)
        except TimeoutError:
            return None

    async def aclose(self) -> None:
        """End the iteration and the connection. Safe to call twice."""
        self._closed = True
        self._on_closed(self)
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _advance(self) -> None:
        """Take one message of a connection, opening one if there is none."""
        if not self._link.is_open:
            await self._link.open(self._core.request() | dict(self._options))
        message = await self._link.receive()
        signal = False
        for outcome in self._core.offer(message):
            if isinstance(outcome, Signal):
                signal = True
            else:
                self._ready.append(outcome)
        if signal:
            await self._link.close()
        elif self._ready or isinstance(message, Heartbeat):
            # Items alone do not settle: a connection may send its first items and fail every time.
            self._link.prove_alive(settled=isinstance(message, Heartbeat))


class TrackedStream(Stream[Item]):
    """A stream of numbered items; another stream can continue at `position`."""

    def __init__(
        self,
        link: Link,
        tracker: Tracker[Item],
        *,
        on_gap: OnGap,
        options: Mapping[str, object],
        on_closed: Callable[["Stream[Item]"], None],
    ) -> None:
        """As `Stream`."""
        super().__init__(link, tracker, on_gap=on_gap, options=options, on_closed=on_closed)
        self._tracker = tracker

    @property
    def position(self) -> Position:
        """The position: all items up to it were handed out, or reported as missing."""
        return self._tracker.position

    @property
    def duplicates(self) -> int:
        """Items that came again, after a resume, and were dropped."""
        return self._tracker.duplicates


TradeStream: TypeAlias = TrackedStream[TradeEvent]
ReportStream: TypeAlias = TrackedStream[OrderReport]
