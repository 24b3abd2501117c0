"""An empty venue on a Redis server of its own, which runs the commands of a journal again.

The result of a command follows from the state, the clock and the limits alone, so that every result
must equal the recorded result. Only closed orders leave a venue by the time of Redis. The replica
keeps closed orders, and deletes one when the journal uses its client order id again.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tapewire import keys
from tapewire.errors import TapewireError
from tapewire.journal.entries import JournalEntry
from tapewire.journal.source import LiveJournal
from tapewire.matching.engine import Engine
from tapewire.matching.library import COMMANDS
from tapewire.packed.layout import COMMAND_LIMITS
from tapewire.packed.records import read_order
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.redis.server import RedisServer
from tapewire.values.types import OrderId

TIMEOUT_S = 60.0
# No key of the replica expires while the replica is used.
KEPT_S = 10 * 365 * 86_400
# Entries that the replica's own journal keeps; results are compared page by page.
JOURNAL_COMMANDS = 10_000
# Redis counts lifetimes in its own milliseconds, the journal in the microseconds of a command.
LIFETIME_SLACK_US = 1_000_000


# Keys of the commands whose arguments do not name the key.
_KEYS = {
    "cancel_all": keys.INSTRUMENTS,
    "expire": keys.EXPIRING,
    "dead_man": keys.DEAD_MAN,
    "instruments": keys.INSTRUMENTS,
}
# Where the commands that place orders have the client order ids of these, in their arguments. The
# first argument is the account.
_NAMES = {"place": (1,), "replace": (1,), "place_list": (9, 17)}
# Where it has the name of a list.
_LIST_NAME = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """The first command whose replay differs from the journal."""

    entry: JournalEntry
    reason: str

    def __str__(self) -> str:
        return f"command {self.entry.number:,} ({self.entry.op}): {self.reason}"


@dataclass(slots=True)
class Replica:
    """The replica, and the number of commands that it has run."""

    engine: Engine
    client: AsyncRedis
    replayed: int = 0
    forgotten: int = 0
    ops: Counter[str] = field(default_factory=Counter)
    # The shortest lifetime of closed orders and the shortest replay log among the limits so far.
    kept_s: int = KEPT_S
    log_trades_max: int = 2**53

    async def replay(self, page: list[JournalEntry]) -> Difference | None:
        """Run the next commands; returns the first difference, if any. Raises Unavailable."""
        for entry in page:
            reason = self._note_limits(entry)
            if reason is not None:
                return Difference(entry, reason)
        waiting: list[JournalEntry] = []
        known = await self._known_clients(page)
        for entry in page:
            names = _client_keys(entry)
            used = [key for key in names if key in known]
            if used:
                difference = await self._run(waiting)
                if difference is not None:
                    return difference
                waiting = []
                for key in used:
                    await self._forget_if_due(key, int(entry.clock_us))
            known.update(names)
            waiting.append(entry)
        return await self._run(waiting)

    async def _run(self, entries: list[JournalEntry]) -> Difference | None:
        """Run commands in one round trip, then compare the entries of the replica's own journal."""
        if not entries:
            return None
        answers = await asyncio.gather(
            *(
                self.engine.repeat(
                    entry.op, _KEYS.get(entry.op, keys.PREFIX), entry.clock_us,
                    _replica_limits(entry.limits), entry.arguments,
                )
                for entry in entries
            ),
            return_exceptions=True,
        )  # fmt: skip
        journal = LiveJournal(self.client)
        last = await journal.last()
        found: list[JournalEntry] = []
        if last > self.replayed:
            async for page in journal.pages(self.replayed + 1, last):
                found += page
        for index, (entry, answer) in enumerate(zip(entries, answers, strict=True)):
            mirrored = found[index] if index < len(found) else None
            reason = _compare(entry, mirrored, answer)
            if reason is not None:
                return Difference(entry, reason)
            self.ops[entry.op] += 1
        self.replayed += len(entries)
        return None

    async def _known_clients(self, page: list[JournalEntry]) -> set[str]:
        """The keys of the client order ids of a page that the replica knows already."""
        wanted = [key for entry in page for key in _client_keys(entry)]
        if not wanted:
            return set()
        client: Any = self.client
        found = await client.mget(wanted)
        return {key for key, value in zip(wanted, found, strict=True) if value is not None}

    async def _forget_if_due(self, client_key: str, clock_us: int) -> None:
        """Delete a closed order whose lifetime had passed by the venue clock."""
        client: Any = self.client
        order_id = await client.get(client_key)
        if order_id is None:
            return
        order_key = keys.order(OrderId(order_id.decode()))
        record = await client.hgetall(order_key)
        if not record:  # another name of the order was used again before
            await client.delete(client_key)
            return
        order = read_order(order_id.decode(), record)
        over_us = order.updated_us + self.kept_s * 1_000_000 - LIFETIME_SLACK_US
        if not order.is_open and over_us <= clock_us:
            await client.delete(order_key, client_key)
            self.forgotten += 1

    def _note_limits(self, entry: JournalEntry) -> str | None:
        try:
            limits = COMMAND_LIMITS.read(entry.limits)
        except ValueError:
            return "no such command can have been accepted"
        if entry.op not in COMMANDS or not all(map(str.isdecimal, limits)):
            return "no such command can have been accepted"
        if not entry.clock_us.isdecimal():
            return f"its clock {entry.clock_us!r} is no number"
        self.kept_s = min(self.kept_s, int(limits.closed_kept_s))
        self.log_trades_max = min(self.log_trades_max, int(limits.log_trades_max))
        return None


def _client_keys(entry: JournalEntry) -> list[str]:
    """The keys of the client ids of the orders and lists that a command places."""
    names = [entry.arguments[at] for at in _NAMES.get(entry.op, ()) if at < len(entry.arguments)]
    found = [keys.client_order(entry.arguments[0], name) for name in names if name]
    if entry.op == "place_list" and entry.arguments[_LIST_NAME]:
        found.append(keys.client_list(entry.arguments[0], entry.arguments[_LIST_NAME]))
    return found


def _replica_limits(limits: str) -> str:
    """The limits of a command, with the lifetime and the journal length of the replica."""
    own = COMMAND_LIMITS.read(limits)._replace(
        closed_kept_s=str(KEPT_S), journal_max=str(JOURNAL_COMMANDS)
    )
    return COMMAND_LIMITS.write(own)


def _compare(entry: JournalEntry, mirrored: JournalEntry | None, answer: object) -> str | None:
    """Why the replay of a command differs from the journal; None if it does not."""
    if isinstance(answer, TapewireError):
        return f"it was accepted, but its replay is refused: {answer}"
    if isinstance(answer, BaseException):
        raise answer
    if mirrored is None or (mirrored.op, mirrored.arguments) != (entry.op, entry.arguments):
        return "it was accepted, but its replay changes nothing"
    if mirrored.clock_us != entry.clock_us:
        return f"its clock was {entry.clock_us}, in its replay it is {mirrored.clock_us}"
    if mirrored.result != entry.result:
        return f"its result was {_shown(entry)}, in its replay it is {_shown(mirrored)}"
    return None


def _shown(entry: JournalEntry) -> str:
    return repr(" ".join(entry.result))


@asynccontextmanager
async def open_replica() -> AsyncIterator[Replica]:
    """Start an empty venue in a temporary folder, which is removed afterwards.

    Raises ConfigurationError if this machine has no Redis server.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tapewire-verify-"))
        server = RedisServer(Path(folder), in_memory=True)
        await asyncio.to_thread(server.start)
        stack.push_async_callback(asyncio.to_thread, server.kill)
        address = RedisAddress(
            server.url, connect_timeout_s=TIMEOUT_S, timeout_s=TIMEOUT_S, client_name="replica"
        )
        engine = await Engine.open(address)
        stack.push_async_callback(engine.close)
        client = open_async(address)
        stack.push_async_callback(client.aclose)
        await engine.ready()
        yield Replica(engine, client)
