"""Sends commands to Redis: all that were submitted in one event-loop turn, in one round trip.

One connection, so that commands reach Redis in the order in which they were submitted. A batch
grows by itself while the one before it is out. When many commands wait, the next batch is sent
while replies to the one before it still come, so that Redis has work all the time.

A new connection gets the function library before the first command. If Redis loses the library
while batches are on their way, Redis refuses the next call and each call behind it
(core/frame.lua). The batcher then puts these calls, and the reads between them, back at the head of
the queue in their order. So no retry changes the order of commands.
"""

import asyncio
import math
from collections import deque
from typing import Any

from redis.exceptions import RedisError, ResponseError

from tapewire import keys
from tapewire.errors import Overloaded, RedisUnavailable, TapewireError
from tapewire.limits import COMMANDS_PER_ROUND_TRIP_MAX, LIBRARY_NOTED_S, PENDING_COMMANDS_MAX
from tapewire.matching.confirmation import WRITES, Command, Confirmation, pack
from tapewire.matching.library import Library
from tapewire.matching.loading import LibraryLoader
from tapewire.matching.round_trips import Pending, RoundTrips, failure, refusal
from tapewire.redis.arrived import NOT_ARRIVED, next_arrived
from tapewire.redis.client import AsyncRedis
from tapewire.redis.failovers import FailoverGuard
from tapewire.redis.unwritable import REFUSALS, is_refusal
from tapewire.runtime.histogram import Histogram

BATCH_BOUNDS = tuple(2**power for power in range(COMMANDS_PER_ROUND_TRIP_MAX.bit_length()))

# Redis gets a second batch before it has answered the first one, if so many commands wait. Fewer
# commands wait for the replies, because commands that are sent together cost less.
BATCHES_UNDER_WAY_MAX = 2
AHEAD_MIN = 64

# Attempts in a row to send a batch of which Redis did nothing because it lacked the library.
REPEATS_MAX = 5


class Batcher:
    """The only writer to Redis in a process; see the module's docstring for its order."""

    def __init__(
        self,
        client: AsyncRedis,
        *,
        timeout_s: float,
        library: Library | None = None,
        notes_use: bool = False,
        guard: FailoverGuard | None = None,
    ) -> None:
        """Without a library only plain commands can be sent; `notes_use` as in LibraryLoader."""
        self._client = client
        self._timeout_s = timeout_s
        self._guard = guard or FailoverGuard()
        # The number of failovers when the connection was made.
        self._failovers = 0
        self._confirmation = Confirmation(self._guard, timeout_s)
        self._loader = LibraryLoader(library, notes_use=notes_use) if library else None
        # When the library has to be looked for again, in the time of the loop.
        self._loaded_until_s = 0.0
        self._repeats = 0
        self._pending: deque[Pending] = deque()
        self._connection: Any = None
        self._sender: asyncio.Task[None] | None = None
        # Round trips that ended well, for metrics.
        self.round_trip_s = Histogram()
        self.round_trip_commands = Histogram(BATCH_BOUNDS)

    @property
    def pending(self) -> int:
        """Commands that wait for the next round trip."""
        return len(self._pending)

    async def submit(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 (a Redis reply)
        """Send one command and wait for its reply; an error reply is raised as ResponseError.

        With a library the command must be one that may be repeated. Raises Overloaded,
        RedisUnavailable (not done), OutcomeUnknown (sent, answer lost), ConfigurationError (a
        Redis or data that this version cannot use).
        """
        return await self.begin(*command)

    def begin(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Put one command into the queue at once; the future gets the reply as in `submit`."""
        return self._queue(command)

    def begin_call(
        self, function: str, names: Command, *arguments: str | bytes | int
    ) -> asyncio.Future[Any]:
        """Put one call of a function of the library into the queue; `names` are its keys."""
        return self._queue(arguments, function, names)

    def _queue(
        self, command: Command, function: str = "", names: Command = ()
    ) -> asyncio.Future[Any]:
        if len(self._pending) >= PENDING_COMMANDS_MAX:
            raise Overloaded("Too many orders are waiting for Redis; try again shortly.")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending.append(Pending(command, answer, function, names))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all(), name="batcher")
        return answer

    async def close(self) -> None:
        """Wait for the batch under way (bounded by the Redis timeout), then disconnect."""
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=self._timeout_s)
        await self._disconnect()

    async def _send_all(self) -> None:
        try:
            while self._pending:
                await self._send(self._next_batch())
        finally:
            self._sender = None

    def _next_batch(self) -> list[Pending]:
        count = min(len(self._pending), COMMANDS_PER_ROUND_TRIP_MAX)
        return [self._pending.popleft() for _ in range(count)]

    async def _send(self, batch: list[Pending]) -> None:
        """Send a batch, and further ones ahead of its last replies.

        Every future is done or queued again when it returns.
        """
        trips = RoundTrips()
        try:
            async with asyncio.timeout(self._timeout_s) as deadline:
                connection = await self._connected()
                announcements = self._guard.announcements
                await self._write(connection, trips, batch)
                judged = await self._judged(connection, batch, announcements)
                while trips.unanswered:
                    if trips.take(judged.popleft() if judged else await self._read(connection)):
                        self._end(trips, deadline)
                    if len(self._pending) >= AHEAD_MIN and self._may_go_ahead(trips):
                        await self._write(connection, trips, self._next_batch())
        except (RedisError, OSError, TimeoutError) as error:
            await self._disconnect()
            for pending in trips.lost:
                pending.resolve(failure(error, sent=False))
            sent = bool(trips.batches)
            for pending in trips.unanswered if sent else batch:
                pending.resolve(failure(error, sent=sent))
            return
        except TapewireError as error:
            # Raised before anything was sent: the library cannot be loaded.
            await self._disconnect()
            for pending in batch:
                pending.resolve(error)
            return
        except BaseException:
            await self._disconnect()
            for pending in (*trips.lost, *trips.unanswered, *batch):
                pending.answer.cancel()
            raise
        if self._stale:
            await self._disconnect()
        self._repeat(trips.lost, is_progress=trips.is_progress)

    async def _write(
        self,
        connection: Any,  # noqa: ANN401 (redis-py's untyped connection)
        trips: RoundTrips,
        batch: list[Pending],
    ) -> None:
        trips.send(batch, asyncio.get_running_loop().time())
        # Eight times as quick as the packer of redis-py, with the same result.
        wire = [pack(self._wire_command(pending)) for pending in batch]
        wire += self._confirmation.wire
        await connection.send_packed_command([b"".join(wire)], check_health=False)

    def _end(self, trips: RoundTrips, deadline: asyncio.Timeout) -> None:
        """Measure the oldest batch, which is answered; the next one has its own deadline."""
        trip = trips.end(asyncio.get_running_loop().time())
        self.round_trip_s.observe(trip.took_s)
        self.round_trip_commands.observe(trip.commands)
        if trips.batches:
            deadline.reschedule(trips.oldest_s + self._timeout_s)

    def _may_go_ahead(self, trips: RoundTrips) -> bool:
        """Whether Redis gets a batch while the one before it is out, so that Redis never idles.

        The connection must have no reason to be left or to be asked for the library before.
        """
        return (
            0 < trips.batches < BATCHES_UNDER_WAY_MAX
            and not trips.lost
            and not self._confirmation.is_needed
            and not self._stale
            and self._failovers == self._guard.count
            and asyncio.get_running_loop().time() < self._loaded_until_s
        )

    async def _judged(
        self,
        connection: Any,  # noqa: ANN401 (redis-py's untyped connection)
        batch: list[Pending],
        announcements: int,
    ) -> deque[object]:
        """All replies, if writes have to be proved; otherwise none, and none is read."""
        if not self._confirmation.is_needed:
            return deque()
        replies = [await self._read(connection) for _ in batch]
        confirmed = [await self._read(connection) for _ in self._confirmation.wire]
        doubt = await self._confirmation.doubt(confirmed, announcements)
        for index, pending in enumerate(batch if doubt is not None else ()):
            is_write = pending.function or pending.command[0] in WRITES
            if is_write and not isinstance(replies[index], Exception):
                replies[index] = doubt
        return deque(replies)

    def _repeat(self, lost: list[Pending], *, is_progress: bool) -> None:
        """Queue the commands that Redis refused without the library again, before all others."""
        if not lost:
            self._repeats = 0
            return
        self._repeats = 1 if is_progress else self._repeats + 1
        self._loaded_until_s = 0.0
        if self._repeats <= REPEATS_MAX:
            self._pending.extendleft(reversed(lost))
            return
        self._repeats = 0
        for pending in lost:
            pending.resolve(RedisUnavailable("Redis loses the function library again and again."))

    def _wire_command(self, pending: Pending) -> Command:
        if not pending.function:
            return pending.command
        if self._loader is None:
            raise RuntimeError("a batcher without a library cannot call functions")
        function = self._loader.library.function(pending.function)
        # A Cluster that moves the slot refuses a call that names a missing key: before
        # the function runs, and at both nodes. Without it the function would end half way.
        return (
            "FCALL", function, len(pending.keys) + 1, *pending.keys, keys.ABSENT,
            self._loader.load_id, *pending.command,
        )  # fmt: skip

    async def _read(self, connection: Any) -> Any:  # noqa: ANN401 (redis-py's untyped connection)
        try:
            reply = next_arrived(connection)
            if reply is not NOT_ARRIVED:
                return reply
            # The whole batch has one deadline, so a reply needs none of its own; and an error
            # reply is no reason to drop the connection and with it the replies behind it.
            return await connection.read_response(timeout=math.inf, disconnect_on_error=False)
        except (ResponseError, *REFUSALS) as error:
            if is_refusal(error):
                self._stale = True
                return refusal(error)
            return error

    _stale = False

    async def _connected(self) -> Any:  # noqa: ANN401
        """The connection, with the library loaded behind it. Raises RedisUnavailable."""
        self._guard.check()
        connection = await self._open()
        if self._loader is not None:
            now_s = asyncio.get_running_loop().time()
            if now_s >= self._loaded_until_s:
                await self._loader.ensure(connection)
                self._loaded_until_s = now_s + LIBRARY_NOTED_S
        # Another failover may have been announced meanwhile.
        self._guard.check(connection)
        return connection

    async def _open(self) -> Any:  # noqa: ANN401
        """The connection, opened anew if there is none or the server closed it."""
        is_left = self._failovers != self._guard.count
        if self._connection is not None and (is_left or not self._connection.is_connected):
            await self._disconnect()
        if self._connection is None:
            self._stale, self._failovers = False, self._guard.count
            self._connection = await self._client.connection_pool.get_connection()
        elif await self._connection.can_read():
            # Nothing is awaited, so readable means closed by the server.
            await self._disconnect()
            return await self._open()
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._loaded_until_s = 0.0
        if connection is None:
            return
        await connection.disconnect(nowait=True)
        await self._client.connection_pool.release(connection)
