"""Trades as server-sent events: a cursor per symbol, pulled forward from memory or the log.

The cursors are the event id, so whatever `Last-Event-ID` a browser or curl comes back with is a
complete position. A slow reader only makes its own stream wait: it holds cursors, no queue.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from market_data.clients.drain import Drain
from market_data.feed.feed import Feed
from market_data.feed.replay_log import ReplayLog

HEARTBEAT_S = 1.0
# A reader that takes nothing for so long is disconnected.
SEND_TIMEOUT_S = 60.0


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

    def positions(self, symbols: list[str]) -> dict[str, int]:
        """The last seq of each symbol: where a stream without `since` begins."""
        return {symbol: self._feed.sequencer.seqs.get(symbol, 0) for symbol in symbols}

    async def events(self, cursors: dict[str, int]) -> AsyncIterator[bytes]:
        """Everything after the cursors, for ever, each trade once and in order."""
        self.active += 1
        try:
            sequencer, told = self._feed.sequencer, len(self._feed.floors)
            yield _event("connected", {"epoch": sequencer.epoch, "seq": cursors}, cursors)
            while not self._drain.begun:
                # First, because trades of now may not follow what was sent before.
                if len(self._feed.floors) != told:
                    cursors.update(self._restarted(cursors, told))
                    told = len(self._feed.floors)
                    yield _event("epoch", {"epoch": sequencer.epoch, "seq": cursors}, cursors)
                silent = True
                for symbol in cursors:
                    async for event in self._forward(cursors, symbol, told):
                        silent = False
                        yield event
                if silent and len(self._feed.floors) == told:
                    yield _event("heartbeat", {"seq": cursors}, None)
                if self._is_current(cursors):
                    await self._feed.news(HEARTBEAT_S)
            yield _event("reconnect", {"since": cursors}, cursors)
        finally:
            self.active -= 1

    def _restarted(self, cursors: Mapping[str, int], told: int) -> dict[str, int]:
        """Where a stream goes on when the venue's data began anew, or fell back."""
        seqs = dict(cursors)
        for floors in self._feed.floors[told:]:
            for symbol, seq in seqs.items():
                seqs[symbol] = 0 if floors is None else min(seq, floors.get(symbol, seq))
        return seqs

    def _is_current(self, cursors: Mapping[str, int]) -> bool:
        seqs = self._feed.sequencer.seqs
        return all(seqs.get(symbol, 0) == seq for symbol, seq in cursors.items())

    async def _forward(
        self, cursors: dict[str, int], symbol: str, told: int
    ) -> AsyncIterator[bytes]:
        """The trades of one symbol that are published by now, while the venue loses none."""
        head = self._feed.sequencer.seqs.get(symbol, 0)
        recent = self._feed.trades.recent.after(symbol, cursors[symbol], head)
        if recent is not None:
            for trade in recent:
                cursors[symbol] = trade.seq
                yield _trade_event(trade.payload, cursors)
            return
        while cursors[symbol] < head:
            page, log_ended = await self._log.read(symbol, cursors[symbol])
            if len(self._feed.floors) != told:
                return
            for message in page:
                seq = message.event.seq
                if seq > head:
                    return
                if seq > cursors[symbol] + 1:
                    yield _gap_event(symbol, cursors, seq - 1)
                cursors[symbol] = seq
                yield _trade_event(message.payload, cursors)
            if log_ended and cursors[symbol] < head:
                yield _gap_event(symbol, cursors, head)


def _gap_event(symbol: str, cursors: dict[str, int], last: int) -> bytes:
    """Trades that are in the log no more; moves the cursor past them."""
    first, cursors[symbol] = cursors[symbol] + 1, last
    return _event("gap", {"symbol": symbol, "from": first, "to": last}, cursors)


def _trade_event(payload: bytes, cursors: Mapping[str, int]) -> bytes:
    return b"event: trade\nid: %b\ndata: %b\n\n" % (_event_id(cursors), payload)


def _event(kind: str, data: Mapping[str, object], cursors: Mapping[str, int] | None) -> bytes:
    position = b"" if cursors is None else b"id: %b\n" % _event_id(cursors)
    body = json.dumps(data, separators=(",", ":")).encode()
    return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), position, body)


def _event_id(cursors: Mapping[str, int]) -> bytes:
    return ",".join(f"{symbol}:{seq}" for symbol, seq in cursors.items()).encode()


class EventStreamResponse(StreamingResponse):
    """A server-sent event stream whose every write is bounded in time."""

    def __init__(self, events: AsyncIterator[bytes], on_stalled: Callable[[], None]) -> None:
        super().__init__(
            events,
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )
        self._on_stalled = on_stalled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes away or takes nothing for too long."""

        async def send_bounded(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        try:
            await super().__call__(scope, receive, send_bounded)
        except TimeoutError:
            self._on_stalled()
