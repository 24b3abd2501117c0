"""The subscription to Redis, polled on a thread of its own.

A poll is one blocking `get_message` with a timeout, then all messages that have arrived with it, as
one batch for the event loop. The subscription has a thread of its own, because redis-py's PubSub is
not thread-safe and a blocking read would starve other users of the loop's default executor.

A message may arrive in parts: the part stays in the buffer of the connection, and a later poll
reads the rest. A poll that ends in the middle of a message is not a lost connection.
"""

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from redis.client import PubSub
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tapewire.errors import RedisUnavailable
from tapewire.redis.address import Host
from tapewire.redis.arrived import reader_of
from tapewire.redis.client import BlockingRedis, RedisAddress, find_primary, open_subscriber

logger = logging.getLogger(__name__)


class Published(NamedTuple):
    """One message as Redis delivered it."""

    channel: bytes
    payload: bytes


class Poller:
    """Reads one subscription. The event loop calls the methods; a thread does the work."""

    def __init__(
        self,
        address: RedisAddress,
        channels: tuple[str, ...],
        *,
        poll_timeout_s: float,
        batch_messages_max: int,
    ) -> None:
        self._address = address
        self._channels = channels
        self._poll_timeout_s = poll_timeout_s
        self._batch_messages_max = batch_messages_max
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="poller")
        self._client: BlockingRedis | None = None
        self._pubsub: PubSub | None = None
        self._primary: Host | None = None
        # Bytes of an unfinished message, and the time of the last bytes of any message.
        self._part_bytes = 0
        self._received_at_s = time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since the subscription delivered the last bytes, parts of messages included."""
        return time.monotonic() - self._received_at_s

    async def subscribe(self) -> None:
        """Look for the primary, subscribe there and wait until Redis confirms the subscription.

        Raises RedisError, OSError, RedisUnavailable.
        """
        primary = await find_primary(self._address)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._subscribe, primary)
        self._primary = primary

    async def is_elsewhere(self) -> bool:
        """Whether the primary is now another server than the subscribed one.

        Raises RedisError, OSError.
        """
        return await find_primary(self._address) != self._primary

    def poll(self) -> asyncio.Future[list[Published]]:
        """Start one poll; the future holds the messages, or nothing after the poll timeout.

        The future raises RedisError or OSError when the connection is lost. Then subscribe again.
        """
        return asyncio.get_running_loop().run_in_executor(self._executor, self._poll)

    def close(self) -> None:
        """Disconnect and end the thread; a poll under way ends within the poll timeout."""
        self._executor.submit(self._disconnect)
        self._executor.shutdown(wait=True)

    def _subscribe(self, primary: Host | None) -> None:
        self._disconnect()
        self._client = open_subscriber(self._address, primary)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(*self._channels)
        waiting = set(self._channels)
        deadline_s = time.monotonic() + self._address.timeout_s
        while waiting:
            if time.monotonic() > deadline_s:
                raise RedisUnavailable("Redis did not confirm the subscription in time")
            message = self._next_message(self._pubsub, self._poll_timeout_s)
            if message is not None and message["type"] == "subscribe":
                waiting.discard(message["channel"].decode())

    def _poll(self) -> list[Published]:
        if self._pubsub is None:
            raise RedisUnavailable("not subscribed")
        batch: list[Published] = []
        timeout_s = self._poll_timeout_s
        while len(batch) < self._batch_messages_max:
            message = self._next_message(self._pubsub, timeout_s)
            if message is None:
                break
            if message["type"] == "message":
                batch.append(Published(message["channel"], message["data"]))
                self._take_parsed(self._pubsub, batch)
                timeout_s = 0.0
        return batch

    def _next_message(self, pubsub: PubSub, timeout_s: float) -> dict[str, Any] | None:
        """The next complete message; None if none arrives within the timeout."""
        message: dict[str, Any] | None = None
        try:
            message = pubsub.get_message(timeout=timeout_s)
        except RedisTimeoutError:
            # The rest of a message has not arrived yet. The connection keeps the first part.
            if pubsub.connection is None or not pubsub.connection.is_connected:
                raise
        part_bytes = getattr(reader_of(pubsub.connection), "len", int)()
        if message is not None or part_bytes != self._part_bytes:
            self._part_bytes, self._received_at_s = part_bytes, time.monotonic()
        return message

    def _take_parsed(self, pubsub: PubSub, batch: list[Published]) -> None:
        """Add the other messages that the last read has received.

        `get_message` costs ten times what hiredis needs for one message. Without the hiredis
        reader, `get_message` does the same, more slowly.
        """
        reader = reader_of(pubsub.connection)
        if not hasattr(reader, "gets"):
            return
        while len(batch) < self._batch_messages_max:
            reply = reader.gets()
            if not isinstance(reply, list):
                return
            if reply[0] == b"message":
                batch.append(Published(reply[1], reply[2]))

    def _disconnect(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        client, self._client = self._client, None
        with contextlib.suppress(RedisError, OSError):
            if pubsub is not None:
                pubsub.close()
            if client is not None:
                client.close()
