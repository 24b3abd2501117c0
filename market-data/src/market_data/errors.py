"""What the market-data service answers a client with, by error code and by close code.

Close codes 4000 to 4499 mean: connect again and resume; 4500 to 4999: do not, mend the client.
docs/protocol.md shows the same tables.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from tapewire.errors import Unavailable


class CloseCode(IntEnum):
    """Why the service ends a connection, beside the codes of the WebSocket protocol itself."""

    FAILED = 1011
    SERVICE_RESTART = 1012
    SLOW_CONSUMER = 4008
    TRY_AGAIN = 4013
    TOO_MANY_ERRORS = 4500
    INVALID_REQUEST = 4501
    NOT_AUTHENTICATED = 4502


CLOSE_MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        1002: "protocol error",
        1003: "binary message; the feed takes text",
        1007: "text that is not UTF-8",
        1008: "message in too many fragments",
        1009: "message too big",
        CloseCode.FAILED: "the service failed, or a ping was not answered",
        CloseCode.SERVICE_RESTART: "the process stops; connect again and resume",
        CloseCode.SLOW_CONSUMER: "the client read too slowly; connect again and resume",
        CloseCode.TRY_AGAIN: "the service cannot serve the request now; connect again and resume",
        CloseCode.TOO_MANY_ERRORS: "too many requests that were wrong; mend the client",
        CloseCode.INVALID_REQUEST: "the request cannot be done; mend it",
        CloseCode.NOT_AUTHENTICATED: "the key of the connection is no longer good",
    }
)

ERROR_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "malformed_json": "the message is not a JSON object",
        "unknown_op": "op is not one of the operations",
        "unknown_field": "a field is not known",
        "invalid_field": "a field has a value that it cannot have",
        "unknown_channel": "there is no such channel",
        "unknown_symbol": "no instrument has this symbol",
        "not_subscribed": "there is no such subscription to end",
        "too_many_subscriptions": "the client would have more topics than it may",
        "rate_limited": "the client sends requests faster than it may",
        "since_in_future": "since is past the last trade of the symbol, or the last report",
        "busy": "another request of this client is still being served",
        "unavailable": "the request needs Redis, which does not answer",
        "slow_consumer": "the client reads slower than the feed",
        "authentication_required": "the channel is private: authenticate first",
        "already_authenticated": "the connection speaks for another account",
        "invalid_account": "the name is not one that an account can have",
        "account_mismatch": "the account named is not the one of the key",
        "key_invalid": "the API key is not one of the venue",
        "key_revoked": "the API key was revoked",
        "key_expired": "the time of the API key is over",
        "permission_denied": "the API key does not permit to read",
    }
)


class StaleData(Unavailable):
    """What the request needs is being read from Redis; the same request works shortly after."""

    code = "stale_data"


class RequestError(Exception):
    """A request of a client that cannot be done; `code` is one of ERROR_MEANINGS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        if code not in ERROR_MEANINGS:
            raise AssertionError(f"{code} is not in the table of error codes")
        self.code = code
