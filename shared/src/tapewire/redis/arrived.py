"""Replies of Redis that have already arrived, without the coroutines of redis-py.

`read_response` costs ten times what hiredis needs for one reply. The reader of hiredis is not part
of redis-py's public interface. Without the reader nothing counts as arrived, and `read_response`
reads the same replies, more slowly.
"""

from typing import Any, Final

import hiredis

NOT_ARRIVED: Final = object()
"""Stands for a reply that has not arrived in full."""


def reader_of(connection: Any) -> Any:  # noqa: ANN401 (redis-py and hiredis have no types for it)
    """The hiredis reader of a connection; None if it has none."""
    return getattr(getattr(connection, "_parser", None), "_reader", None)


def next_arrived(connection: Any) -> object:  # noqa: ANN401
    """The next reply that is in the buffer, or NOT_ARRIVED. Raises an error reply."""
    reader = reader_of(connection)
    if reader is None:
        return NOT_ARRIVED
    while True:
        reply: object = reader.gets()
        # redis-py gives its reader an object of no other type for "not enough data".
        if type(reply) is object:
            return NOT_ARRIVED
        if isinstance(reply, Exception):
            raise reply
        # A message that Redis sends unasked is no reply.
        if not isinstance(reply, hiredis.PushNotification):
            return reply
