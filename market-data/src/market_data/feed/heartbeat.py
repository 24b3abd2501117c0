"""Heartbeats: the feed's positions, sent to clients that got no message for a second.

A heartbeat goes through the ring like every message, so its reader has every earlier message. With
the last number of every followed symbol a client checks that it misses nothing, and with the
checksum of every followed book that its copy is right. While the canary is late, the feed may be
behind Redis, so the message is `stale` instead of `heartbeat`.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from market_data.fanout.hub import Hub
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.topics import BOOK_DEPTHS, HEARTBEATS, Subscription, symbols_of
from tapewire.web.websocket_frames import json_frame

INTERVAL_S = 1.0

BUSY_INTERVALS_MAX = 5
"""Intervals after which a busy client gets a heartbeat too, so that it can check its books."""


BookMark = Callable[[str], Mapping[str, object] | None]
"""Number and checksum of a symbol's book; None while the book is not known."""


class Heartbeats:
    """Sends heartbeats; run it as a supervised task."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        canary: Canary,
        book_mark: BookMark,
        *,
        canary_timeout_s: float,
    ) -> None:
        self._hub = hub
        self._feed = feed
        self._canary = canary
        self._book_mark = book_mark
        self._canary_timeout_s = canary_timeout_s
        # By subscription: its position at the last interval, and the intervals since a heartbeat.
        self._seen: dict[Subscription, tuple[int, int]] = {}

    async def run(self) -> None:
        """Send heartbeats until the task is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.beat()

    def beat(self) -> None:
        """Send a heartbeat to each subscription that was silent, or busy for BUSY_INTERVALS_MAX."""
        hub, seen = self._hub, {}
        for topics in hub.subscriptions:
            position = hub.position(topics)
            before, intervals = self._seen.get(topics, (position, 0))
            intervals += 1
            if position == before or intervals >= BUSY_INTERVALS_MAX:
                position = hub.tell(topics, json_frame(self._message(topics)), HEARTBEATS)
                intervals = 0
            seen[topics] = (position, intervals)
        self._seen = seen
        hub.flush()

    def _message(self, topics: Subscription) -> dict[str, object]:
        sequencer = self._feed.sequencer
        late = self._canary.silence_s > self._canary_timeout_s
        stale = late or not self._feed.has_venue
        message: dict[str, object] = {
            "type": "stale" if stale else "heartbeat",
            "epoch": sequencer.epoch,
            "seq": self._feed.seqs_of(topics),
            "timestamp": datetime.now(UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
        }
        if stale:
            return message
        books = {
            symbol: mark
            for channel in BOOK_DEPTHS
            for symbol in symbols_of(topics, channel, sequencer.seqs)
            if (mark := self._book_mark(symbol)) is not None
        }
        return message | ({"book": books} if books else {})
