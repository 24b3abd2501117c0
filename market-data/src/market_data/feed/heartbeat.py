"""A sign of life for every client that got nothing for a second, with where the feed stands.

It goes through the ring like every message, so a client that gets it has all that came before: the
last seq of every symbol it follows proves that nothing is missing, and the checksum of every book
that its copy is right. While the canary is late nothing is proven, and the message is `stale`.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from market_data.clients.protocol import encoded
from market_data.fanout.frames import text_frame
from market_data.fanout.group import Group
from market_data.fanout.hub import Hub
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.market.books import BOOK_CHANNELS
from market_data.topics import symbols_of

INTERVAL_S = 1.0
# Also a busy client gets one so often, to check its books.
BUSY_INTERVALS_MAX = 5


BookMark = Callable[[str], Mapping[str, object] | None]
"""Seq and checksum of a symbol's book; None while it is not known."""


class Heartbeats:
    """Sends them; run it as a supervised task."""

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
        # Of every group: its ring position at the last interval, and intervals since a beat.
        self._seen: dict[Group, tuple[int, int]] = {}

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.beat()

    def beat(self) -> None:
        """Send one heartbeat to every group that was silent, or busy for long."""
        seen = {}
        for group in self._hub.groups:
            position, intervals = self._seen.get(group, (group.ring.head, 0))
            if group.ring.head == position or intervals + 1 >= BUSY_INTERVALS_MAX:
                self._hub.append(group, "heartbeat", text_frame(encoded(self._message(group))))
                intervals = -1
            seen[group] = (group.ring.head, intervals + 1)
        self._seen = seen
        self._hub.flush()

    def _message(self, group: Group) -> dict[str, object]:
        sequencer, topics = self._feed.sequencer, group.subscription
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
            for channel in BOOK_CHANNELS
            for symbol in symbols_of(topics, channel, sequencer.seqs)
            if (mark := self._book_mark(symbol)) is not None
        }
        return message | ({"book": books} if books else {})
