"""Every refusal of the venue, with its stable code and HTTP status.

    TapewireError
    ├── ConfigurationError            a setting or an instrument file is wrong: the start stops
    │   └── InstrumentConflict        Redis already knows the instrument with another tick or lot
    ├── StaleInstrument               the gateway's copy of an instrument is old: read it anew
    ├── Refusal                       the caller's fault: HTTP 4xx, nothing was written
    │   ├── InvalidField              one field is missing, unknown or out of range
    │   ├── UnknownSymbol
    │   ├── UnknownAccount
    │   ├── AccountBlocked
    │   ├── OrderNotFound
    │   ├── OrderClosed               cancel of an order that already ended
    │   ├── DuplicateClientOrderId    the id was used before, with another body
    │   ├── AuthenticationFailed      no key, or one that is worth nothing
    │   │   ├── KeyRequired
    │   │   ├── KeyInvalid            malformed, unknown or with another secret: all alike
    │   │   ├── KeyRevoked            the secret was right
    │   │   └── KeyExpired            the secret was right
    │   ├── PermissionDenied          the key is good, but not for this
    │   ├── AccountMismatch           the request names another account than its key's
    │   ├── KeyNotFound               no API key has this id
    │   ├── Conflict                  the book, the market or the account does not allow it now
    │   └── RateLimited               too much in too short a time
    ├── Unavailable                   the venue's fault: HTTP 503 with Retry-After
    │   ├── RedisUnavailable          not sent to Redis: nothing was done
    │   ├── OutcomeUnknown            the answer was lost: ask again with the same client_order_id
    │   ├── StopsPending              fired stop orders run first: nothing was done
    │   ├── UncrossPending            an uncross goes on first: nothing was done
    │   └── Overloaded                too many commands wait in this gateway
    └── MessageError                  a message on the wire is not one of ours

Codes are API: they never change their meaning. `docs/protocol.md` lists them.
"""

from collections.abc import Mapping
from types import MappingProxyType


class TapewireError(Exception):
    """Root of the tree; `str()` is a sentence for people, `code` is stable."""

    code: str = "error"

    @property
    def detail(self) -> str:
        """The error as a sentence."""
        return str(self)


class ConfigurationError(TapewireError):
    """The service cannot start with this configuration."""

    code = "configuration"


class InstrumentConflict(ConfigurationError):
    """The instrument is live in Redis with another tick, lot, base or quote."""


class MessageError(TapewireError):
    """A payload is not a well-formed Tapewire message."""

    code = "malformed_message"


class Refusal(TapewireError):
    """The request cannot be executed and has had no effect; the caller can correct it."""

    code: str = "refused"
    status: int = 400
    field: str | None = None
    # Headers of the HTTP answer.
    headers: Mapping[str, str] | None = None


class InvalidField(Refusal):
    """A field of the request is wrong; `code` says how, `field` names it."""

    status = 422

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class UnknownSymbol(Refusal):
    """No instrument has this symbol."""

    code = "unknown_symbol"
    status = 404


class UnknownAccount(Refusal):
    """No account has this name."""

    code = "unknown_account"
    status = 404


class AccountBlocked(Refusal):
    """The account takes no new orders until an administrator unblocks it; it may cancel."""

    code = "account_blocked"
    status = 403


class OrderNotFound(Refusal):
    """No order of this account has this id (or the order left memory after it closed)."""

    code = "order_not_found"
    status = 404


class OrderClosed(Refusal):
    """The order is already filled, canceled or expired."""

    code = "order_closed"
    status = 409


class DuplicateClientOrderId(Refusal):
    """The client order id belongs to an order with another body."""

    code = "duplicate_client_order_id"
    status = 409


class AuthenticationFailed(Refusal):
    """The caller is not authenticated; no message ever repeats the key."""

    code = "key_invalid"
    status = 401
    headers: Mapping[str, str] | None = MappingProxyType({"WWW-Authenticate": "Bearer"})
    sentence = "The request is not authenticated."

    def __init__(self) -> None:
        super().__init__(self.sentence)


class KeyRequired(AuthenticationFailed):
    """No key came with the request."""

    code = "key_required"
    sentence = "An API key is needed: send the header `Authorization: Bearer KEY`."


class KeyInvalid(AuthenticationFailed):
    """The key is malformed or unknown, or its secret is wrong; the answer does not say which."""

    sentence = "This is not an API key of the venue."


class KeyRevoked(AuthenticationFailed):
    """The key was valid and has been revoked."""

    code = "key_revoked"
    sentence = "This API key was revoked."


class KeyExpired(AuthenticationFailed):
    """The key was valid and has expired."""

    code = "key_expired"
    sentence = "The time of this API key is over."


class PermissionDenied(Refusal):
    """The key lacks the permission for this operation."""

    code = "permission_denied"
    status = 403


class AdministrationIsLocal(Refusal):
    """The venue is open, and the client is on another machine."""

    code = "administration_is_local"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "An open venue is administered from the machine of its gateway: use its loopback "
            "address, set TAPEWIRE_AUTH=keys, or set TAPEWIRE_GATEWAY_OPEN_ADMIN_FROM=anywhere."
        )


class AccountMismatch(Refusal):
    """The request names an account other than the account of its key."""

    code = "account_mismatch"
    status = 400

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not the account of the key; leave it out.")
        self.field = field


class KeyNotFound(Refusal):
    """No API key has this id, or the key was deleted some time after its end."""

    code = "key_not_found"
    status = 404


class Conflict(Refusal):
    """The request is well formed but conflicts with the current state; `code` says why."""

    status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RateLimited(Refusal):
    """The account or the address exceeded its rate; `headers` give the time to wait."""

    code = "rate_limited"
    status = 429


class StaleInstrument(TapewireError):
    """The instrument changed since this gateway read it; the command had no effect."""


class Unavailable(TapewireError):
    """The venue cannot answer now; the caller may try again."""

    code: str = "unavailable"
    status: int = 503
    field: str | None = None
    retry_after_s: int = 1
    headers: Mapping[str, str] | None = None


class StopsPending(Unavailable):
    """Fired stop orders of the market run first; the command had no effect."""

    code = "stops_pending"


class UncrossPending(Unavailable):
    """The uncross of an auction must end first; the command had no effect."""

    code = "uncross_pending"


class MarketBroken(Unavailable):
    """The data of the market contradict each other; the market is halted until they are put right.

    The first command that finds it may be done in part; all later commands have no effect.
    """

    code = "market_broken"
    retry_after_s = 60


class RedisUnavailable(Unavailable):
    """Redis could not be reached; the command had no effect."""

    code = "redis_unavailable"


class OutcomeUnknown(Unavailable):
    """The command was sent to Redis but the answer was lost."""

    code = "outcome_unknown"


class Overloaded(Unavailable):
    """This gateway has its maximum of waiting commands."""

    code = "overloaded"
