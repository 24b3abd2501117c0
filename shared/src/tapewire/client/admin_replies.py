"""The answers to an administrator as the client library hands them out."""

from decimal import Decimal

from msgspec import Struct

from tapewire.client.replies import AccountInfo
from tapewire.values.account_types import AccountState


class AccountsPage(Struct, frozen=True):
    """One page of accounts, by name."""

    accounts: list[AccountInfo]
    next_cursor: str | None


class Transfer(Struct, frozen=True):
    """A deposit or withdrawal that is done; `available` is the new balance."""

    account: str
    asset: str
    amount: Decimal
    available: Decimal


class KilledAccount(Struct, frozen=True):
    """A blocked account: its canceled orders, and halted markets in which orders still rest."""

    account: str
    state: AccountState
    canceled: list[str]
    halted: list[str]


class KilledVenue(Struct, frozen=True):
    """A venue that takes cancels only: markets that took orders before, and halted ones."""

    switched: list[str]
    canceled_count: int
    halted: list[str]


class DelistedInstrument(Struct, frozen=True):
    """An instrument that was taken off the list, and how many orders were canceled."""

    symbol: str
    canceled_count: int


class ResumedVenue(Struct, frozen=True):
    """The markets that trade again."""

    switched: list[str]


class ApiKey(Struct, frozen=True):
    """An API key without its secret. Times of None: never."""

    key_id: str
    account: str
    permissions: list[str]
    label: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class NewApiKey(ApiKey, frozen=True):
    """A new API key. The venue shows `key`, its text, only this once."""

    key: str


class ApiKeysPage(Struct, frozen=True):
    """One page of API keys, by key id."""

    keys: list[ApiKey]
    next_cursor: str | None
