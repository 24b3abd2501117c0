"""Follows the announcements of Sentinels, so that no gateway writes to an old primary.

A planned failover promotes a replica while the old primary is alive and takes writes, for several
seconds, until the Sentinels make the old primary a replica too. Writes of these seconds are lost.
So a failover that begins is a reason to stop, an answer that was on its way meanwhile proves
nothing, and the promotion is a reason to connect anew, and not to the old primary.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError, ResponseError

from tapewire.errors import RedisUnavailable
from tapewire.redis.address import Host, RedisAddress, read_address
from tapewire.redis.primary import ask, opened, pairs

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.1
RETRY_DELAY_MAX_S = 2.0
# Seconds of silence after which a Sentinel is pinged.
SILENCE_S = 10.0
# Seconds without commands after a beginning that the Sentinel has not confirmed since, and seconds
# after a promotion for which the old primary is not connected to. Sentinels agree after about 2 s.
HOLD_S = 15.0
# Seconds between two questions to a Sentinel whether its failover is still under way.
CONFIRM_S = 2.0
# Turns of the event loop until a message that has arrived is acted on: one turn reads the socket,
# the next one wakes the task that listens.
SETTLE_TURNS = 3

# A Sentinel publishes the first two one turn of its timer (50 to 100 ms) before it promotes the
# replica. Once the replica is promoted, that Sentinel names it as the primary.
BEGINNINGS = frozenset({b"+selected-slave", b"+failover-state-send-slaveof-noone"})
PROMOTIONS = frozenset({b"+promoted-slave", b"+switch-master"})
ENDINGS = PROMOTIONS | frozenset(
    {
        b"+failover-end",
        b"-failover-abort-no-good-slave",
        b"-failover-abort-slave-timeout",
        b"-failover-abort-master-timeout",
        b"-failover-abort-not-elected",
    }
)
# States of a failover before the choice of the replica, and after its promotion.
HARMLESS_STATES = frozenset(
    {b"none", b"wait_start", b"select_slave", b"reconf_slaves", b"update_config"}
)


class FailoverGuard:
    """The methods of a sender of commands, by which a failover loses no answered command.

    It knows whether a failover is under way, how many there were, and how many replicas have to
    confirm what is written. An announcement names the primary that is to be replaced, because
    Sentinels announce an earlier failover late, when the next one may be under way.
    """

    def __init__(self, replicas_min: int = 0) -> None:
        """No failover so far."""
        self.replicas_min = replicas_min
        # Whether a FailoverWatch announces failovers.
        self.is_told = False
        # Failovers that ended, and announcements of any kind.
        self.count = 0
        self.announcements = 0
        self._threatened: Host | None = None
        self._begun_at_s = 0.0
        self._replaced: Host | None = None
        self._promoted: Host | None = None
        self._replaced_at_s = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether the primary is about to be replaced; at most for HOLD_S without `begin`."""
        return self._threatened is not None and time.monotonic() - self._begun_at_s < HOLD_S

    def check(self, connection: Any = None) -> None:  # noqa: ANN401 (redis-py has no type)
        """Raise RedisUnavailable during a failover, and for a connection to the old primary."""
        is_left = time.monotonic() - self._replaced_at_s < HOLD_S
        old = self._replaced if is_left and connection is not None else None
        if self.is_under_way or (old is not None and (connection.host, connection.port) == old):
            raise RedisUnavailable("The primary of Redis is being replaced. Nothing was done.")

    def begin(self, old: Host) -> None:
        """A replica was chosen to be promoted in place of `old`, or still is."""
        self.announcements += 1
        self._threatened, self._begun_at_s = old, time.monotonic()

    def end(self, old: Host, new: Host | None) -> None:
        """The failover of `old` has ended, without a promotion if `new` is None: connect again."""
        self.announcements += 1
        self.count += 1
        # A late announcement of an earlier failover names the server that has been promoted since.
        if new is not None and (old == self._threatened or old != self._promoted):
            self._replaced, self._promoted, self._replaced_at_s = old, new, time.monotonic()
        if old == self._threatened:
            self._threatened = None

    async def settle(self) -> None:
        """Let the watch act on every announcement that has arrived at this process by now."""
        for _ in range(SETTLE_TURNS if self.is_told else 0):
            await asyncio.sleep(0)


class FailoverWatch:
    """Listens to every Sentinel of an address; run it as a supervised task."""

    def __init__(
        self,
        address: RedisAddress,
        *,
        on_ended: Callable[[Host, Host | None], None],
        on_begun: Callable[[Host], None] | None = None,
    ) -> None:
        """Both are called with the primary to be replaced, as often as Sentinels announce it.

        `on_ended` may be called without `on_begun`; its second argument is the server that was
        promoted, or None. Raises ConfigurationError if the URL is not one of ours.
        """
        self._address = address
        self._place = read_address(address.url)
        self._on_begun = on_begun
        self._on_ended = on_ended
        # Sentinels that are listened to now.
        self.listening: set[Host] = set()
        # The primary that a Sentinel is about to replace.
        self._busy: dict[Host, Host] = {}
        self._subscribed = {sentinel: asyncio.Event() for sentinel in self._place.hosts}

    @property
    def is_needed(self) -> bool:
        """Whether there are Sentinels; a Cluster's demoted node refuses writes by itself."""
        return self._place.kind == "sentinel"

    async def run(self) -> None:
        """Listen until the task is cancelled; a lost Sentinel is connected to again."""
        async with asyncio.TaskGroup() as group:
            for sentinel in self._place.hosts:
                group.create_task(self._follow(sentinel))
                if self._on_begun is not None:
                    group.create_task(self._confirm_often(sentinel))

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

    async def _confirm_often(self, sentinel: Host) -> None:
        """Ask a Sentinel after each subscription, and again while its failover lasts.

        A beginning may have been announced before the subscription, an end while it was lost.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CONFIRM_S):
                    await self._subscribed[sentinel].wait()
            if self._subscribed[sentinel].is_set() or sentinel in self._busy:
                self._subscribed[sentinel].clear()
                with suppress(RedisError, OSError):
                    await self._confirm(sentinel)

    async def _confirm(self, sentinel: Host) -> None:
        """Ask a Sentinel whether it is about to promote a replica. Raises RedisError, OSError."""
        login, service = self._place.sentinel_login or {}, self._place.service
        fields: dict[bytes, bytes] = {}
        async with opened(self._place, self._address, sentinel, login) as connection:
            # A Sentinel with restricted users may refuse.
            with suppress(ResponseError):
                fields = pairs(await ask(connection, "SENTINEL", "MASTER", service))
        if not fields:
            return
        named = (fields[b"ip"].decode(), int(fields[b"port"]))
        if fields.get(b"failover-state", b"none") not in HARMLESS_STATES:
            self._begin(sentinel, named)
        elif sentinel in self._busy:
            old = self._busy.pop(sentinel)
            self._on_ended(old, None if named == old else named)

    def _take(self, sentinel: Host, message: list[Any]) -> None:
        if message[0] == b"subscribe":
            self.listening.add(sentinel)
            self._subscribed[sentinel].set()
        if message[0] != b"message":
            return
        channel, text = message[1], message[2].decode()
        service, old, new = _subject(channel, text)
        if service != self._place.service:
            return
        if channel in BEGINNINGS:
            logger.warning("a failover has begun (%s %s)", channel.decode(), text)
            self._begin(sentinel, old)
        elif channel in ENDINGS:
            self._busy.pop(sentinel, None)
            logger.warning("a failover has gone on (%s %s)", channel.decode(), text)
            self._on_ended(old, new)

    def _begin(self, sentinel: Host, old: Host) -> None:
        if self._on_begun is not None:
            self._busy[sentinel] = old
            self._on_begun(old)


def _subject(channel: bytes, text: str) -> tuple[str, Host, Host | None]:
    """The service in an announcement, the primary to be replaced, and the promoted server.

    `slave ID ip port @ NAME ip port` names the promoted server and the primary, `master NAME ip
    port` the primary, and a switch is `NAME ip port ip port`, with the promoted server at its end.
    """
    words = text.split()
    promoted = words[2:4]
    if "@" in words:
        words = words[words.index("@") + 1 :]
    elif channel == b"+switch-master":
        promoted = words[3:5]
    else:
        words = words[1:]
    new = _host(promoted) if channel in PROMOTIONS else None
    return words[0], _host(words[1:3]), new


def _host(words: Sequence[str]) -> Host:
    ip, port = words
    return ip, int(port)


async def _read(connection: Any, timeout_s: float) -> Any:  # noqa: ANN401 (redis-py has no type)
    """The next message or reply; None after `timeout_s` without one. Raises RedisError, OSError."""
    return await connection.read_response(timeout=timeout_s, push_request=True)
