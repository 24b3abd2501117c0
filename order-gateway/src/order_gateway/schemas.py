"""The answers of the gateway, as clients read them. Orders and fills are in `tapewire.wire.orders`.

Decimals are text, and so are identifiers. An answer has the members of its structure and no other.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from tapewire.api_keys.text import Permission
from tapewire.limits import CANCELED_SHOWN_MAX
from tapewire.values.account_types import AccountState
from tapewire.values.types import MarketState, OrderId, Symbol
from tapewire.web.problem import Problem
from tapewire.wire.account_feed import AssetBalance
from tapewire.wire.members import DecimalText, SignedDecimalText, Timestamp
from tapewire.wire.orders import AccountFillReply, OrderReply

_Natural = Annotated[int, Meta(ge=0)]
_NextCursor: TypeAlias = Annotated[
    str | None, Meta(description="`cursor` of the next page; null when there is none")
]
_FeePpm = Annotated[int, Meta(ge=0, description="Millionths of the received amount")]
_OwnFeePpm: TypeAlias = Annotated[
    _Natural | None,
    Meta(description="Millionths of the received amount; null: the fee of the instrument"),
]
_Bound: TypeAlias = Annotated[
    DecimalText | None, Meta(description="Null: the instrument's; zero: none")
]
_OrderIds = Annotated[
    list[OrderId],
    Meta(
        description="order_id, oldest first within a symbol; the first "
        f"{CANCELED_SHOWN_MAX} of them"
    ),
]
_CanceledCount = Annotated[int, Meta(ge=0, description="Orders that were canceled in all")]


class OrdersReply(Struct, frozen=True, gc=False):
    """One page of orders, newest first."""

    orders: list[OrderReply]
    next_cursor: _NextCursor


class FillsReply(Struct, frozen=True, gc=False):
    """One page of fills, newest first."""

    fills: list[AccountFillReply]
    next_cursor: _NextCursor


class CanceledReply(Struct, frozen=True, gc=False):
    """The orders that were canceled."""

    canceled: _OrderIds
    canceled_count: _CanceledCount


class TimerReply(Struct, frozen=True, gc=False):
    """The dead-man timer of the account."""

    timeout_s: int
    fires_at: Annotated[Timestamp | None, Meta(description="Null when the timer is disarmed")]


class PartResult(Struct, frozen=True, gc=False):
    """The result of one part of a request: `body`, or `problem` if the part was refused."""

    status: int
    body: OrderReply | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BatchReply(Struct, frozen=True, gc=False):
    """The results of a batch, in the order of its items."""

    results: list[PartResult]


class ReplaceReply(Struct, frozen=True, gc=False):
    """The results of the cancel and of the order in its place."""

    canceled: Annotated[
        PartResult | None,
        Meta(description="Null: the new order was placed before, and this order is still open"),
    ]
    placed: Annotated[
        PartResult | None, Meta(description="Null: not attempted, because the cancel was refused")
    ]


class OrderListReply(Struct, frozen=True, gc=False):
    """An order list."""

    list_id: Annotated[str, Meta(description="The order_id of its first order")]
    symbol: str
    status: Annotated[
        Literal["open", "closed"],
        Meta(description="`closed` once one of the two has traded, fired or ended"),
    ]
    orders: Annotated[list[OrderReply], Meta(description="`profit`, then `stop`")]
    client_list_id: Annotated[str | None, Meta(description="The client's name of the list")] = None


class OrderListsReply(Struct, frozen=True, gc=False):
    """One page of open lists, newest first; a page may be empty and not be the last."""

    lists: list[OrderListReply]
    next_cursor: _NextCursor


class TimeReply(Struct, frozen=True, gc=False):
    """The time of the venue's clock, which is the clock of Redis."""

    timestamp: Timestamp
    unix_us: Annotated[int, Meta(ge=0, description="Microseconds since 1970 UTC")]


class InstrumentReply(Struct, frozen=True, gc=False):
    """An instrument, its steps and bounds, and the state of its market."""

    symbol: str
    base: str
    quote: str
    tick_size: DecimalText
    lot_size: DecimalText
    min_quantity: DecimalText
    max_quantity: DecimalText
    max_price: DecimalText
    min_notional: DecimalText
    state: MarketState
    price_band_bps: Annotated[
        int, Meta(ge=0, description="Farthest distance of a price from the last trade; 0 is none")
    ]
    open_orders_max: Annotated[int, Meta(ge=1, description="Open orders of one account")]
    order_quantity_max: Annotated[
        DecimalText, Meta(description="Largest quantity of one order; zero is none")
    ]
    order_notional_max: Annotated[
        DecimalText, Meta(description="Largest price x quantity of one order; zero is none")
    ]
    position_max: Annotated[
        DecimalText,
        Meta(description="Base asset of one account, open buys included; zero is none"),
    ]
    maker_fee_ppm: _FeePpm
    taker_fee_ppm: _FeePpm
    base_decimals: Annotated[int, Meta(ge=0, description="Of amounts of the base asset")]
    quote_decimals: Annotated[int, Meta(ge=0, description="Of amounts of the quote asset")]


class InstrumentsReply(Struct, frozen=True, gc=False):
    """Every instrument of the venue."""

    instruments: list[InstrumentReply]


class ApiKeyReply(Struct, frozen=True, gc=False):
    """An API key, without its secret."""

    key_id: Annotated[str, Meta(description="The public name of the key")]
    account: str
    permissions: list[Permission]
    label: str
    created_at: Timestamp
    expires_at: Annotated[Timestamp | None, Meta(description="Null: never")]
    revoked_at: Annotated[Timestamp | None, Meta(description="Null: the key is not revoked")]


class NewApiKeyReply(ApiKeyReply, frozen=True, gc=False):
    """A new API key, with its text."""

    key: Annotated[str, Meta(description="To be sent with requests; shown this once")]
    api_key: Annotated[str, Meta(description="The name of the key in signed calls")]
    api_secret: Annotated[
        str | None,
        Meta(
            description="The secret that signs calls; shown this once. Null at a gateway without a "
            "master secret"
        ),
    ]


class ApiKeysReply(Struct, frozen=True, gc=False):
    """One page of keys, by key id."""

    keys: list[ApiKeyReply]
    next_cursor: _NextCursor


class AccountLimitsReply(Struct, frozen=True, gc=False):
    """The own limits of an account in one symbol."""

    symbol: str
    open_orders_max: Annotated[int | None, Meta(description="Null: the instrument's; 0: none")]
    order_quantity_max: _Bound
    order_notional_max: _Bound
    position_max: _Bound


class AccountReply(Struct, frozen=True, gc=False):
    """An account: its state, its own fees, its balances, its own limits."""

    account: str
    state: AccountState
    maker_fee_ppm: _OwnFeePpm
    taker_fee_ppm: _OwnFeePpm
    opened_timestamp: Timestamp
    balances: Annotated[list[AssetBalance], Meta(description="By asset")]
    limits: Annotated[list[AccountLimitsReply], Meta(description="By symbol")]


class AccountsReply(Struct, frozen=True, gc=False):
    """One page of accounts, by name."""

    accounts: list[AccountReply]
    next_cursor: _NextCursor


class TransferReply(Struct, frozen=True, gc=False):
    """A deposit or withdrawal that is done."""

    account: str
    asset: str
    amount: DecimalText
    available: Annotated[SignedDecimalText, Meta(description="What the account has available now")]


class AccountKillReply(Struct, frozen=True, gc=False):
    """A blocked account and its canceled orders."""

    account: str
    state: AccountState
    canceled: _OrderIds
    canceled_count: _CanceledCount
    halted: Annotated[
        list[Symbol], Meta(description="Halted markets, in which orders of the account still rest")
    ]


class VenueKillReply(Struct, frozen=True, gc=False):
    """A venue that takes cancels only."""

    switched: Annotated[list[Symbol], Meta(description="Markets that took orders before")]
    canceled_count: Annotated[int, Meta(ge=0, description="Orders of all accounts")]
    halted: Annotated[list[Symbol], Meta(description="Halted markets, whose orders stay")]


class DelistedReply(Struct, frozen=True, gc=False):
    """An instrument that was taken off the list."""

    symbol: Symbol
    canceled_count: Annotated[int, Meta(ge=0, description="Canceled orders of all accounts")]


class ResumeReply(Struct, frozen=True, gc=False):
    """Markets that trade again."""

    switched: list[Symbol]
