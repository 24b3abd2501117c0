"""Follows what Sentinels announce of a failover, so that nobody writes to the old primary.

A planned failover promotes a replica while the old primary is alive and takes writes, for several
seconds, until the Sentinels make it a replica too. What it took is lost then. So a failover that
begins is a reason to stop, and the promotion a reason to connect anew.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from tapewire.redis.address import Host, RedisAddress, read_address
from tapewire.redis.primary import opened

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.1
RETRY_DELAY_MAX_S = 2.0
# Seconds of silence after which a Sentinel is pinged.
SILENCE_S = 10.0
# Seconds without commands after the start of a failover whose end is not announced.
HOLD_S = 15.0

# A Sentinel publishes them in this order. Between the first two and the promotion the old primary
# still answers; from the promotion on the Sentinels name the new one.
BEGINNINGS = frozenset({b"+selected-slave", b"+failover-state-send-slaveof-noone"})
ENDINGS = frozenset(
    {
        b"+promoted-slave",
        b"+switch-master",
        b"+failover-end",
        b"-failover-abort-no-good-slave",
        b"-failover-abort-slave-timeout",
        b"-failover-abort-not-elected",
    }
)


class FailoverGuard:
    """What senders of commands do so that a failover loses nothing that was answered.

    It knows whether a failover is under way, how many there were, and how many replicas have to
    confirm what is written.
    """

    def __init__(self, replicas_min: int = 0) -> None:
        """No failover so far."""
        self.replicas_min = replicas_min
        self.count = 0
        self._begun_at_s: float | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the primary is about to be replaced; at most for HOLD_S."""
        return self._begun_at_s is not None and time.monotonic() - self._begun_at_s < HOLD_S

    def begin(self) -> None:
        """A replica was chosen to be promoted."""
        if not self.is_under_way:
            self._begun_at_s = time.monotonic()

    def end(self) -> None:
        """The failover has ended, by a promotion or without one: connect again."""
        self._begun_at_s = None
        self.count += 1


class FailoverWatch:
    """Listens to every Sentinel of an address; run it as a supervised task."""

    def __init__(
        self,
        address: RedisAddress,
        *,
        on_ended: Callable[[], None],
        on_begun: Callable[[], None] | None = None,
    ) -> None:
        """`on_begun` may be called more than once before `on_ended`, and `on_ended` without it.

        Raises ConfigurationError if the URL is not one of ours.
        """
        self._address = address
        self._place = read_address(address.url)
        self._on_begun = on_begun
        self._on_ended = on_ended
        # Sentinels that are listened to now.
        self.listening: set[Host] = set()

    @property
    def is_needed(self) -> bool:
        """Whether there are Sentinels; a Cluster's demoted node refuses writes by itself."""
        return self._place.kind == "sentinel"

    async def run(self) -> None:
        """Listen until the task is cancelled; a lost Sentinel is connected to again."""
        async with asyncio.TaskGroup() as group:
            for sentinel in self._place.hosts:
                group.create_task(self._follow(sentinel))

    async def _follow(self, sentinel: Host) -> None:
        delay_s = RETRY_DELAY_S
        while True:
            try:
                await self._listen(sentinel)
            except (RedisError, OSError) as error:
                if sentinel in self.listening:
                    delay_s = RETRY_DELAY_S
                    logger.warning("lost the Sentinel at %s:%d (%s)", *sentinel, error)
                self.listening.discard(sentinel)
            await asyncio.sleep(random.uniform(0, delay_s))
            delay_s = min(RETRY_DELAY_MAX_S, 2 * delay_s)

    async def _listen(self, sentinel: Host) -> None:
        """Raises RedisError or OSError when the connection is lost."""
        login = self._place.sentinel_login or {}
        async with opened(self._place, self._address, sentinel, login) as connection:
            channels = sorted(channel.decode() for channel in BEGINNINGS | ENDINGS)
            await connection.send_command("SUBSCRIBE", *channels, check_health=False)
            is_asked = False
            while True:
                reply = await _read(connection, SILENCE_S)
                if reply is None and is_asked:
                    raise TimeoutError("it does not answer")
                if reply is None:
                    await connection.send_command("PING", check_health=False)
                is_asked = reply is None
                if isinstance(reply, list):
                    self._take(sentinel, reply)

    def _take(self, sentinel: Host, message: list[Any]) -> None:
        if message[0] == b"subscribe":
            self.listening.add(sentinel)
        if message[0] != b"message":
            return
        channel, text = message[1], message[2].decode()
        if self._place.service not in _services(text):
            return
        if channel in BEGINNINGS:
            logger.warning("a failover has begun (%s %s)", channel.decode(), text)
            if self._on_begun is not None:
                self._on_begun()
        elif channel in ENDINGS:
            logger.warning("a failover has gone on (%s %s)", channel.decode(), text)
            self._on_ended()


def _services(text: str) -> set[str]:
    """The names of services in an announcement.

    `master NAME ip port`, `slave id ip port @ NAME ip port`, or of a switch `NAME ip port ip port`.
    """
    words = text.split()
    if "@" in words:
        return set(words[words.index("@") + 1 :][:1])
    return set(words[:2])


async def _read(connection: Any, timeout_s: float) -> Any:  # noqa: ANN401 (redis-py has no type)
    """The next message or reply; None after `timeout_s` without one. Raises RedisError, OSError."""
    return await connection.read_response(timeout=timeout_s, push_request=True)
