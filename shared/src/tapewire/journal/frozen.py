"""A venue as of one moment: its snapshot on a second Redis server, while the venue trades."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tapewire.errors import ConfigurationError
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.redis.server import RedisServer
from tapewire.redis.snapshot import receive_snapshot

RDB_FILE = "dump.rdb"


@asynccontextmanager
async def open_frozen(address: RedisAddress) -> AsyncIterator[AsyncRedis]:
    """Copy the venue at `address` into a temporary folder, which is removed afterwards.

    `address.timeout_s` bounds each wait for the venue. Raises RedisUnavailable if the venue gives
    no snapshot, ConfigurationError if the snapshot cannot be stored or loaded.
    """
    async with AsyncExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="tapewire-frozen-"))
        server = RedisServer(Path(name), in_memory=True, needs_password=True)
        try:
            await asyncio.to_thread(_receive, address, Path(name) / RDB_FILE)
        except OSError as error:
            raise ConfigurationError(
                f"the snapshot cannot be stored in {name}: {error.strerror}"
            ) from None
        await asyncio.to_thread(server.start)
        stack.push_async_callback(asyncio.to_thread, server.kill)
        client = open_async(
            RedisAddress(server.url, address.connect_timeout_s, address.timeout_s, "frozen")
        )
        stack.push_async_callback(client.aclose)
        yield client


def _receive(address: RedisAddress, path: Path) -> None:
    with path.open("xb") as file:
        receive_snapshot(address, file)
