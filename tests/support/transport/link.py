"""A byte link between a client and a real Redis that can lose what Redis answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Link:
    """Relays bytes; while `lose_answers` is set, it cuts the line when an answer comes."""

    def __init__(self, host: str, port: int) -> None:
        """Relay to this server."""
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.lose_answers = False
        self.answers_lost = 0

    @property
    def url(self) -> str:
        """Where a client connects."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def close(self) -> None:
        """Cut every line."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        redis_reader, redis_writer = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._relay(reader, redis_writer, answers=False))
                group.create_task(self._relay(redis_reader, writer, answers=True))
        except* (_Cut, OSError):
            pass
        finally:
            for end in (writer, redis_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _relay(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(CHUNK_BYTES):
            if answers and self.lose_answers:
                self.answers_lost += 1
                raise _Cut
            target.write(data)
            await target.drain()
        raise _Cut


class _Cut(Exception):
    """The line is cut."""


@asynccontextmanager
async def link_to(url: str) -> AsyncIterator[Link]:
    """A link to the Redis at `url`."""
    parts = urlsplit(url)
    link = Link(parts.hostname or "", parts.port or 0)
    await link.open()
    try:
        yield link
    finally:
        await link.close()
