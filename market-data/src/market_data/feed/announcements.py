"""What is told without a number: states of markets, and what concerns everybody at the venue."""

from market_data.fanout.hub import Hub
from market_data.feed.line import FeedCounters
from market_data.topics import follows
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.web.websocket_frames import text_frame
from tapewire.wire.market_event import MarketEvent, decode_market_event
from tapewire.wire.venue_event import decode_venue_event


class Announcements:
    """Checks published events and sends them on as they are; what is wrong is counted."""

    def __init__(self, hub: Hub, counters: FeedCounters) -> None:
        self._hub = hub
        self._counters = counters

    def read_market(self, payload: bytes) -> MarketEvent | None:
        """A market event; None if it is none."""
        try:
            return decode_market_event(payload)
        except MessageError as error:
            self._counters.skip(keys.MARKET_CHANNEL, str(error))
            return None

    def tell_market(self, event: MarketEvent, payload: bytes) -> None:
        """Send a market event to every client that follows the symbol on a public channel."""
        frame = text_frame(b'{"type":"market","data":%b}' % payload)
        for topics in self._hub.subscriptions:
            if follows(topics, event.symbol):
                self._hub.tell(topics, frame)

    def tell_venue(self, payload: bytes) -> None:
        """Send a venue event to every client, whatever it follows."""
        try:
            decode_venue_event(payload)
        except MessageError as error:
            self._counters.skip(keys.VENUE_CHANNEL, str(error))
            return
        frame = text_frame(b'{"type":"venue","data":%b}' % payload)
        for topics in self._hub.subscriptions:
            self._hub.tell(topics, frame)
