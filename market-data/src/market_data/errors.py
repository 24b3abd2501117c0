"""What the market-data service answers a client with, by error code and by close code.

Close codes 4000 to 4499 mean: connect again and resume; 4500 to 4999: do not, mend the client.
docs/protocol.md shows the same table.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Why the service ends a connection."""

    SLOW_CONSUMER = 4008
    TOO_MANY_ERRORS = 4500
    INVALID_REQUEST = 4501


# Messages of one client that may be wrong before it is closed.
CLIENT_ERRORS_MAX = 5
