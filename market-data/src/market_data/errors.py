"""Error codes and close codes of the market-data service, with their meanings.

After close codes 4000 to 4499 a client reconnects and resumes. After 4500 to 4999 the
client has to be corrected first. docs/protocol.md shows the same tables.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from tapewire.api_keys.verifier import KEY_CLOSE_CODE
from tapewire.errors import Unavailable, UnknownSymbol
from tapewire.values.json_text import shown_name


class CloseCode(IntEnum):
    """Why the service ends a connection, beside the codes of the WebSocket protocol itself."""

    FAILED = 1011
    SERVICE_RESTART = 1012
    SLOW_CONSUMER = 4008
    TRY_AGAIN = 4013
    TOO_MANY_ERRORS = 4500
    INVALID_REQUEST = 4501
    NOT_AUTHENTICATED = KEY_CLOSE_CODE


CLOSE_MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        1002: "protocol error",
        1003: "binary message; the feed takes text",
        1007: "text that is not UTF-8",
        1008: "message in too many fragments",
        1009: "message too big",
        CloseCode.FAILED: "the service failed, or a ping was not answered",
        CloseCode.SERVICE_RESTART: "the process stops; reconnect and resume",
        CloseCode.SLOW_CONSUMER: "the client read too slowly; reconnect and resume",
        CloseCode.TRY_AGAIN: "the service cannot serve the request now; reconnect and resume",
        CloseCode.TOO_MANY_ERRORS: "too many invalid requests; correct the client",
        CloseCode.INVALID_REQUEST: "the request is invalid; correct it",
        CloseCode.NOT_AUTHENTICATED: "the key of the connection is no longer valid",
    }
)

ERROR_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "malformed_json": "the message is not a JSON object",
        "unknown_op": "op is not one of the operations",
        "unknown_field": "a field is not known",
        "invalid_field": "a field has an invalid value",
        "unknown_channel": "no channel has this name",
        "unknown_symbol": "no instrument has this symbol",
        "not_subscribed": "the client has no such subscription",
        "too_many_subscriptions": "the client would exceed its maximum of topics",
        "rate_limited": "the client sends requests too fast",
        "since_in_future": "since is past the last trade of the symbol, or the last report",
        "busy": "another request of this client is still being served",
        "unavailable": "the request needs Redis, which does not answer",
        "slow_consumer": "the client reads slower than the feed",
        "authentication_required": "the channel is private: authenticate first",
        "already_authenticated": "the connection belongs to another account",
        "invalid_account": "the account name is not valid",
        "account_mismatch": "the named account is not the account of the key",
        "key_invalid": "the API key is invalid",
        "key_revoked": "the API key was revoked",
        "key_expired": "the API key has expired",
        "permission_denied": "the API key lacks the permission read",
    }
)


class StaleData(Unavailable):
    """The data of the request is being read from Redis; the same request works shortly after."""

    code = "stale_data"


class RequestError(Exception):
    """An invalid or refused request of a client; `code` is one of ERROR_MEANINGS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        if code not in ERROR_MEANINGS:
            raise AssertionError(f"{code} is not in the table of error codes")
        self.code = code


def unknown_symbol(symbol: str) -> UnknownSymbol:
    """The refusal of a symbol in a path."""
    return UnknownSymbol(
        f"symbol {shown_name(symbol)} is not traded here; GET /v1/instruments of the gateway lists "
        "all symbols."
    )
