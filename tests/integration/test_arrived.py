"""Replies of Redis that have already arrived, on a real connection."""

import asyncio
import math
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import ResponseError

from tapewire.redis.arrived import NOT_ARRIVED, next_arrived, reader_of


async def test_replies_in_the_buffer_are_taken_in_order(redis_url: str) -> None:
    """Values, nothing, and errors are replies; an empty buffer has none."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        pool: Any = client.connection_pool
        connection = await pool.get_connection()
        assert reader_of(connection) is not None
        assert next_arrived(connection) is NOT_ARRIVED
        commands = [("ECHO", "first"), ("GET", "absent"), ("NONSENSE",), ("TIME",), ("PING",)]
        await connection.send_packed_command(connection.pack_commands(commands))
        read = connection.read_response(timeout=math.inf, disconnect_on_error=False)
        assert await asyncio.wait_for(read, 10) == b"first"
        # Redis answers a pipeline in one write.
        assert next_arrived(connection) is None
        with pytest.raises(ResponseError):
            next_arrived(connection)
        assert isinstance(next_arrived(connection), list)
        assert next_arrived(connection) in {b"PONG", "PONG"}
        assert next_arrived(connection) is NOT_ARRIVED
        await pool.release(connection)


def test_a_connection_without_the_reader_has_nothing() -> None:
    """Another parser of redis-py leaves all replies to `read_response`."""
    assert next_arrived(object()) is NOT_ARRIVED
