"""The subscription to Redis, polled on a thread of its own.

A blocking `get_message` with a timeout, then everything that is there already, handed to the event
loop as one batch. One thread for one subscription: redis-py's PubSub is not thread-safe, and a
blocking read in the loop's default executor would starve everyone else who uses that one.
"""

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from redis.client import PubSub
from redis.exceptions import RedisError

from tapewire.errors import RedisUnavailable
from tapewire.redis.client import BlockingRedis, RedisAddress, open_subscriber

logger = logging.getLogger(__name__)


class Published(NamedTuple):
    """One message as Redis delivered it."""

    channel: bytes
    payload: bytes


class Poller:
    """Reads one subscription. Its methods are for the event loop; the work is on its thread."""

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

    async def subscribe(self) -> None:
        """Subscribe anew and wait for Redis to confirm it. Raises RedisError, OSError."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._subscribe)

    def poll(self) -> asyncio.Future[list[Published]]:
        """Start one poll; the future has what arrived, or nothing after the poll timeout.

        It raises RedisError or OSError when the connection is lost: subscribe again then.
        """
        return asyncio.get_running_loop().run_in_executor(self._executor, self._poll)

    def close(self) -> None:
        """Disconnect and end the thread; a poll under way ends within the poll timeout."""
        self._executor.submit(self._disconnect)
        self._executor.shutdown(wait=True)

    def _subscribe(self) -> None:
        self._disconnect()
        self._client = open_subscriber(self._address)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(*self._channels)
        waiting = set(self._channels)
        deadline_s = time.monotonic() + self._address.timeout_s
        while waiting:
            if time.monotonic() > deadline_s:
                raise RedisUnavailable("Redis did not confirm the subscription in time")
            message = self._pubsub.get_message(timeout=self._poll_timeout_s)
            if message is not None and message["type"] == "subscribe":
                waiting.discard(message["channel"].decode())

    def _poll(self) -> list[Published]:
        if self._pubsub is None:
            raise RedisUnavailable("not subscribed")
        batch: list[Published] = []
        timeout_s = self._poll_timeout_s
        while len(batch) < self._batch_messages_max:
            message = self._pubsub.get_message(timeout=timeout_s)
            if message is None:
                break
            if message["type"] == "message":
                batch.append(Published(message["channel"], message["data"]))
                self._take_parsed(self._pubsub, batch)
                timeout_s = 0.0
        return batch

    def _take_parsed(self, pubsub: PubSub, batch: list[Published]) -> None:
        """Add what the read that brought the last message has brought besides.

        `get_message` costs ten times what hiredis needs for one message. Its reader is reached past
        redis-py's public interface: without it, `get_message` alone does the same, more slowly.
        """
        reader: Any = getattr(getattr(pubsub.connection, "_parser", None), "_reader", None)
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
