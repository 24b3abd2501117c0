"""Trades as server-sent events: a cursor per symbol, pulled forward from memory or the log.

The cursors and the epoch are the event id, so an id that a browser or curl sends back as
`Last-Event-ID` is a complete position. A slow reader only makes its own stream wait: a stream holds
cursors and no queue.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from msgspec import json
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from market_data.clients.drain import Drain
from market_data.clients.protocol import read_since
from market_data.errors import RequestError
from market_data.feed.feed import Feed
from market_data.feed.replay_log import ReplayLog
from market_data.topics import EVERY_SYMBOL
from tapewire.errors import InvalidField

HEARTBEAT_S = 1.0

SEND_TIMEOUT_S = 60.0
"""Seconds without progress, after which a reader is disconnected."""


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The last trade of every symbol that a stream has sent, or that its client had before."""

    seqs: Mapping[str, int]
    is_wildcard: bool = False
    """Whether the stream follows all symbols, those that are added later from their first trade on.
    """
    epoch: str | None = None
    recovered: bool | None = None
    """Whether everything after the client's position follows; None if the client had none."""

    @classmethod
    def of(cls, symbols: Iterable[str], *, is_wildcard: bool) -> Self:
        """The position of a stream of these symbols that has sent nothing."""
        return cls(dict.fromkeys(symbols, 0), is_wildcard)

    def joined_by(self, symbols: Iterable[str]) -> Self:
        """The same position with more symbols, before their first trades."""
        return replace(self, seqs={**self.seqs, **dict.fromkeys(symbols, 0)})

    def at(self, seqs: Mapping[str, int], *, recovered: bool | None = None) -> Self:
        """The same symbols, each behind its number in `seqs`, or before its first trade."""
        found = {symbol: seqs.get(symbol, 0) for symbol in self.seqs}
        return replace(self, seqs=found, recovered=recovered)


def read_event_id(text: str, field: str) -> StreamPosition:
    """An event id, with or without its epoch. Raises InvalidField invalid_value for `field`."""
    epoch, _, cursors = text.rpartition("/")
    try:
        seqs = read_since(cursors)
    except RequestError:
        raise InvalidField(
            field, "invalid_value", f"{field} must look like BTC-USDT:123,ETH-USDT:45."
        ) from None
    rest = seqs.pop(EVERY_SYMBOL, None)
    if rest:
        raise InvalidField(field, "invalid_value", f"{field}: the number of * can only be 0.")
    return StreamPosition(seqs, rest is not None, epoch or None)


class _Cursors:
    """Where one stream is, and the events that say so."""

    def __init__(self, feed: Feed, position: StreamPosition) -> None:
        self._feed = feed
        self._is_wildcard = position.is_wildcard
        self.seqs = dict(position.seqs)
        self._delisted = feed.sequencer.delisted

    def symbols(self) -> list[str]:
        """The symbols of the stream; one of all symbols follows new ones as they are listed."""
        if self._is_wildcard:
            sequencer = self._feed.sequencer
            for symbol in sequencer.seqs.keys() - self.seqs.keys() - sequencer.delisted:
                self.seqs[symbol] = sequencer.bases.get(symbol, 0)
        return list(self.seqs)

    def are_current(self) -> bool:
        """Whether everything that is published was sent."""
        seqs = self._feed.sequencer.seqs
        return all(seqs.get(symbol, 0) == self.seqs[symbol] for symbol in self.symbols())

    def restart(self, floors: Iterable[Mapping[str, int] | None]) -> None:
        """Continue after a new epoch or a loss of the venue's data."""
        for floor in floors:
            for symbol, seq in self.seqs.items():
                self.seqs[symbol] = 0 if floor is None else min(seq, floor.get(symbol, seq))

    def listings(self) -> list[bytes]:
        """The events of instruments that were delisted, or listed again, since the last call."""
        before, self._delisted = self._delisted, self._feed.sequencer.delisted
        return [
            self.event(
                "market",
                {"symbol": symbol, "change": "delisted" if symbol in self._delisted else "added"},
            )
            for symbol in sorted((before ^ self._delisted) & self.seqs.keys())
        ]

    def trade(self, payload: bytes) -> bytes:
        """The event of a trade."""
        return b"event: trade\nid: %b\ndata: %b\n\n" % (self._id(), payload)

    def gap(self, symbol: str, last: int) -> bytes:
        """The event of trades that the log has lost; moves the cursor behind them."""
        first, self.seqs[symbol] = self.seqs[symbol] + 1, last
        return self.event("gap", {"symbol": symbol, "from": first, "to": last})

    def event(self, kind: str, data: Mapping[str, object]) -> bytes:
        """An event with the position of the stream as its id."""
        return _event(kind, data, b"id: %b\n" % self._id())

    def _id(self) -> bytes:
        # All symbols stand for those without a trade, which keeps the id short.
        cursors = [
            f"{symbol}:{seq}" for symbol, seq in self.seqs.items() if seq or not self._is_wildcard
        ]
        if self._is_wildcard:
            cursors.append(f"{EVERY_SYMBOL}:0")
        return f"{self._feed.sequencer.epoch}/{','.join(cursors)}".encode()


class TradeStreams:
    """Makes streams of trades for HTTP clients."""

    def __init__(self, feed: Feed, log: ReplayLog, drain: Drain) -> None:
        self._feed = feed
        self._log = log
        self._drain = drain
        self.active = 0
        self.stalled_streams = 0

    def stalled(self) -> None:
        """Count a reader that was disconnected because it took nothing."""
        self.stalled_streams += 1

    async def events(self, position: StreamPosition) -> AsyncIterator[bytes]:
        """All trades after a position, each once and in order, until the client leaves."""
        self.active += 1
        try:
            async for event in self._follow(_Cursors(self._feed, position), position):
                yield event
        finally:
            self.active -= 1

    async def _follow(self, cursors: _Cursors, position: StreamPosition) -> AsyncIterator[bytes]:
        feed, told = self._feed, len(self._feed.floors)
        hello: dict[str, object] = {"epoch": feed.sequencer.epoch, "seq": cursors.seqs}
        if position.recovered is not None:
            hello["recovered"] = position.recovered
        yield cursors.event("connected", hello)
        while not self._drain.begun:
            # First, because present trades may not follow the sent ones.
            if len(feed.floors) != told:
                cursors.restart(feed.floors[told:])
                told = len(feed.floors)
                yield cursors.event("epoch", {"epoch": feed.sequencer.epoch, "seq": cursors.seqs})
            silent = True
            for symbol in cursors.symbols():
                async for event in self._forward(cursors, symbol, told):
                    silent = False
                    yield event
            for event in cursors.listings():
                yield event
            if silent and len(feed.floors) == told:
                yield _event("heartbeat", {"seq": cursors.seqs})
            if cursors.are_current():
                await feed.news(HEARTBEAT_S)
        yield cursors.event("reconnect", {"since": cursors.seqs})

    async def _forward(self, cursors: _Cursors, symbol: str, told: int) -> AsyncIterator[bytes]:
        """The trades of one symbol that are published by now, while the venue loses none."""
        seqs, head = cursors.seqs, self._feed.sequencer.seqs.get(symbol, 0)
        recent = self._feed.trades.recent.after(symbol, seqs[symbol], head)
        if recent is not None:
            for trade in recent:
                seqs[symbol] = trade.seq
                yield cursors.trade(trade.payload)
            return
        while seqs[symbol] < head:
            page, log_ended = await self._log.read(symbol, seqs[symbol])
            if len(self._feed.floors) != told:
                return
            for message in page:
                seq = message.event.seq
                if seq > head:
                    return
                if seq > seqs[symbol] + 1:
                    yield cursors.gap(symbol, seq - 1)
                seqs[symbol] = seq
                yield cursors.trade(message.payload)
            if log_ended and seqs[symbol] < head:
                yield cursors.gap(symbol, head)


def _event(kind: str, data: Mapping[str, object], id_line: bytes = b"") -> bytes:
    return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), id_line, json.encode(data))


class EventStreamResponse(StreamingResponse):
    """A server-sent event stream whose every write is bounded in time."""

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: Mapping[str, str],
        on_stalled: Callable[[], None],
    ) -> None:
        # A proxy must pass on every event at once.
        unbuffered = {"X-Accel-Buffering": "no"}
        super().__init__(events, headers={**unbuffered, **headers}, media_type="text/event-stream")
        self._on_stalled = on_stalled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves or reads nothing for too long."""

        async def send_bounded(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        try:
            await super().__call__(scope, receive, send_bounded)
        except TimeoutError:
            self._on_stalled()
