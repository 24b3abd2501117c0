"""Reads and writes the contest records in Redis, through the gateway's queue of commands."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from msgspec import DecodeError

from order_gateway.contest.records import (
    NOTICES_KEPT,
    BoardOptions,
    Round,
    encode,
    read_options,
    read_round,
)
from tapewire import keys
from tapewire.errors import Conflict
from tapewire.matching.batcher import Batcher

_Record = TypeVar("_Record")

# After this time another gateway may take over a change whose gateway died.
LOCK_MS = 30_000
LOCK_WAIT_S = 5.0
LOCK_RETRY_S = 0.05
# Leaderboards kept for a delay, at least 5 s apart.
LEADERBOARDS_PER_DELAY = 60
LEADERBOARDS_KEPT = 128


class ContestStore:
    """The contest records; every read is from Redis. Raises Unavailable."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    async def round(self) -> Round | None:
        """The newest round; None if there was none or its format is unknown."""
        return _read(read_round, await self._batcher.submit("GET", keys.ROUND))

    async def write_round(self, wanted: Round | None) -> None:
        """Replace the newest round, or forget it."""
        if wanted is None:
            await self._batcher.submit("DEL", keys.ROUND)
        else:
            await self._batcher.submit("SET", keys.ROUND, encode(wanted))

    async def options(self) -> BoardOptions | None:
        """The options of the leaderboard; None if they were never set."""
        return _read(read_options, await self._batcher.submit("GET", keys.CONTEST_OPTIONS))

    async def write_options(self, wanted: BoardOptions) -> None:
        """Replace the options."""
        await self._batcher.submit("SET", keys.CONTEST_OPTIONS, encode(wanted))

    async def read(self, key: str) -> bytes | None:
        """One text."""
        found: bytes | None = await self._batcher.submit("GET", key)
        return found

    async def write(self, key: str, text: bytes) -> None:
        """Replace one text."""
        await self._batcher.submit("SET", key, text)

    async def read_many(self, names: list[str]) -> list[bytes | None]:
        """Several texts."""
        found: list[bytes | None] = await self._batcher.submit("MGET", *names) if names else []
        return found

    async def aliases(self) -> dict[str, str]:
        """Aliases that an organiser gave, by account."""
        flat = await self._batcher.submit("HGETALL", keys.ALIASES)
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return {name.decode(): alias.decode() for name, alias in pairs}

    async def write_alias(self, account: str, alias: str | None) -> None:
        """Give an account an alias, or remove it."""
        if alias is None:
            await self._batcher.submit("HDEL", keys.ALIASES, account)
        else:
            await self._batcher.submit("HSET", keys.ALIASES, account, alias)

    async def add_notice(self, text: str, time_us: int) -> str:
        """Keep a notice; returns its id."""
        found = await self._batcher.submit(
            "XADD", keys.NOTICES, "MAXLEN", "~", NOTICES_KEPT, "*", "text", text, "us", time_us
        )
        return str(found.decode())

    async def notices(self, count: int) -> list[tuple[str, str, int]]:
        """The newest notices: id, text, time."""
        entries = await self._batcher.submit("XREVRANGE", keys.NOTICES, "+", "-", "COUNT", count)
        return [
            (entry_id.decode(), fields[1].decode(), int(fields[3])) for entry_id, fields in entries
        ]

    async def keep_board(self, text: bytes) -> None:
        """Keep a leaderboard for later readers."""
        await self._batcher.submit(
            "XADD",
            keys.LEADERBOARDS,
            "MAXLEN",
            "~",
            LEADERBOARDS_KEPT,
            "*",
            "board",
            text,
        )

    async def board_kept_us(self) -> int:
        """The time of the newest kept leaderboard; 0 for never."""
        entries = await self._batcher.submit("XREVRANGE", keys.LEADERBOARDS, "+", "-", "COUNT", 1)
        return int(entries[0][0].partition(b"-")[0]) * 1_000 if entries else 0

    async def board_before(self, time_us: int) -> bytes | None:
        """The newest leaderboard that is old enough."""
        newest = str(time_us // 1_000)
        entries = await self._batcher.submit(
            "XREVRANGE", keys.LEADERBOARDS, newest, "-", "COUNT", 1
        )
        return entries[0][1][1] if entries else None

    async def forget_boards(self) -> None:
        """Drop every kept leaderboard."""
        await self._batcher.submit("DEL", keys.LEADERBOARDS)

    async def publish(self, event: bytes) -> None:
        """Publish to every market-data service."""
        await self._batcher.submit("PUBLISH", keys.VENUE_CHANNEL, event)

    async def try_lock(self) -> str | None:
        """Take the lock on the contest; None if another gateway has it."""
        token = uuid.uuid4().hex
        taken = await self._batcher.submit("SET", keys.CONTEST_LOCK, token, "NX", "PX", LOCK_MS)
        # A repeated command finds its own lock.
        if taken is None and await self._batcher.submit("GET", keys.CONTEST_LOCK) != token.encode():
            return None
        return token

    async def unlock(self, token: str) -> None:
        """Release the lock, unless it has expired."""
        if await self._batcher.submit("GET", keys.CONTEST_LOCK) == token.encode():
            await self._batcher.submit("DEL", keys.CONTEST_LOCK)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the lock, waiting up to `LOCK_WAIT_S`. Raises Conflict (contest_busy)."""
        deadline_s = asyncio.get_running_loop().time() + LOCK_WAIT_S
        while (token := await self.try_lock()) is None:
            if asyncio.get_running_loop().time() > deadline_s:
                raise Conflict(
                    "contest_busy", "Another change of the contest is under way; try again."
                )
            await asyncio.sleep(LOCK_RETRY_S)
        try:
            yield
        finally:
            await self.unlock(token)


def _read(decode: Callable[[bytes], _Record], text: bytes | None) -> _Record | None:
    try:
        return None if text is None else decode(text)
    except DecodeError:
        return None
