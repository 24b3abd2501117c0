"""Messages of the organiser to all traders, and events of the venue as a whole."""

from msgspec import Struct, json

from order_gateway.contest.store import ContestStore
from tapewire import keys
from tapewire.matching.batcher import Batcher
from tapewire.matching.queries import Queries
from tapewire.values.timestamps import format_timestamp
from tapewire.wire.venue_event import Notice

NOTICES_SHOWN = 20

_encode = json.Encoder().encode


class VenueEvents:
    """Publishes events for all clients on `venue_events`."""

    def __init__(self, batcher: Batcher, queries: Queries, store: ContestStore) -> None:
        self._batcher = batcher
        self._queries = queries
        self._store = store

    async def tell(self, change: str, body: Struct) -> None:
        """Publish a notice or a round. Raises Unavailable."""
        epoch = await self._batcher.submit("GET", keys.EPOCH)
        event = {
            "change": change,
            change: body,
            "timestamp": format_timestamp(await self._queries.time_us()),
            "epoch": "" if epoch is None else epoch.decode(),
        }
        await self._store.publish(_encode(event))


class Notices:
    """Keeps the newest notices, and publishes each one. Raises Unavailable."""

    def __init__(self, queries: Queries, store: ContestStore, events: VenueEvents) -> None:
        self._queries = queries
        self._store = store
        self._events = events

    async def send(self, text: str) -> Notice:
        """Publish a notice to all traders."""
        time_us = await self._queries.time_us()
        notice = Notice(
            await self._store.add_notice(text, time_us), text, format_timestamp(time_us)
        )
        await self._events.tell("notice", notice)
        return notice

    async def newest(self) -> list[Notice]:
        """The newest notices, newest first."""
        return [
            Notice(notice_id, text, format_timestamp(time_us))
            for notice_id, text, time_us in await self._store.notices(NOTICES_SHOWN)
        ]
