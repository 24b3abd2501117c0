"""A byte link between a client and a real Redis that can lose, cut up or hold the answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Link:
    """Relays bytes.

    While `lose_answers` is set, the link cuts the line when an answer comes. Answers pass in pieces
    of `piece_bytes`. `hold_answers` lets a number of bytes pass and keeps the rest.
    """

    def __init__(self, host: str, port: int) -> None:
        """Relay to this server."""
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.lose_answers = False
        self.answers_lost = 0
        self.piece_bytes = CHUNK_BYTES
        # Bytes of answers that may still pass; None is no bound.
        self._may_pass: int | None = None
        self._released = asyncio.Event()

    @property
    def url(self) -> str:
        """Where a client connects."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def hold_answers(self, after_bytes: int) -> None:
        """Let so many more bytes of answers pass, and hold what follows."""
        self._may_pass = after_bytes
        self._released.set()

    def release_answers(self) -> None:
        """Let everything pass, what was held first."""
        self._may_pass = None
        self._released.set()

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
        ends = [writer]
        try:
            redis_reader, redis_writer = await asyncio.open_connection(*self._target)
            ends.append(redis_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._relay(reader, redis_writer, answers=False))
                group.create_task(self._relay(redis_reader, writer, answers=True))
        except* (_Cut, OSError):
            pass
        finally:
            # A cancel may come during each wait: both ends are closed before the first one.
            for end in ends:
                end.close()
            for end in ends:
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _relay(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(CHUNK_BYTES):
            if answers and self.lose_answers:
                self.answers_lost += 1
                raise _Cut
            if answers:
                await self._answer(data, target)
            else:
                target.write(data)
                await target.drain()
        raise _Cut

    async def _answer(self, data: bytes, target: asyncio.StreamWriter) -> None:
        while data:
            size = min(self.piece_bytes, len(data))
            if self._may_pass is not None:
                size = min(size, self._may_pass)
                self._may_pass -= size
            if not size:
                self._released.clear()
                await self._released.wait()
                continue
            target.write(data[:size])
            await target.drain()
            data = data[size:]
            # One piece is one read at the other end, as far as the kernel lets it.
            await asyncio.sleep(0)


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
