"""The byte link of the tests closes what it has opened."""

import asyncio
import contextlib
from urllib.parse import urlsplit

from tests.support.transport.link import link_to
from tests.support.wait import wait_until

# More than the kernel and the streams keep between a server and a client that does not read.
ANSWER_BYTES = 50_000_000
TIMEOUT_S = 20.0


async def test_the_end_at_redis_does_not_wait_for_a_client_that_does_not_read() -> None:
    """The line to a client that reads nothing stays; the line to Redis is closed at once."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    is_over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * ANSWER_BYTES)
        accepted.set_result(writer)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.transport.abort()
        is_over.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, link_to(f"redis://127.0.0.1:{port}/0") as link:
        _, client = await asyncio.open_connection("127.0.0.1", urlsplit(link.url).port)
        transport = (await accepted).transport
        left_bytes = ANSWER_BYTES

        def is_stuck() -> bool:
            nonlocal left_bytes
            before_bytes, left_bytes = left_bytes, transport.get_write_buffer_size()
            return 0 < left_bytes == before_bytes < ANSWER_BYTES

        await wait_until(is_stuck, "the client's line is full", TIMEOUT_S)
        client.write_eof()
        async with asyncio.timeout(TIMEOUT_S):
            await is_over.wait()
        client.transport.abort()
