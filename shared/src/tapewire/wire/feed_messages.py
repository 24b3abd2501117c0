"""Every message of the feed, service to client, as one union that `type` tells apart.

The service writes them as bytes where they are made; clients read them here, and the document at
`/asyncapi.json` shows these schemas. Members that are not known are passed over, so that a client
survives a newer service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from tapewire.errors import MessageError
from tapewire.wire.account_feed import (
    Authenticated,
    BalancesChanged,
    BalancesSnapshot,
    OrderReport,
)
from tapewire.wire.book_event import BookUpdate, Level
from tapewire.wire.feed_parts import FeedPart, Price, RequestId, Seq, Timestamp
from tapewire.wire.market_event import MarketEvent
from tapewire.wire.trade_event import TradeEvent

_Seqs = Annotated[
    Mapping[str, Seq],
    Field(
        description="The last seq by symbol for trades, of the own account under `orders` and "
        "`balances`"
    ),
]
_Subscriptions = Annotated[
    list[str], Field(description="All topics now, such as `trades` or `bbo:BTC-USDT`")
]


class SeqRange(FeedPart):
    """Messages from `first` to `last`, both included."""

    first: int = Field(alias="from", ge=1)
    last: int = Field(alias="to", ge=1)


class _Position(FeedPart):
    """Where a subscription starts: everything after `seq` follows."""

    epoch: str
    subscriptions: _Subscriptions
    seq: _Seqs
    recovered: bool | None = Field(
        None, description="Only after `since`: whether everything after it follows"
    )
    missed: Mapping[str, SeqRange] | None = Field(
        None, description="What came after `since` and is no longer kept, under the same names"
    )


class Connected(_Position):
    """The first message of a connection."""

    type: Literal["connected"]
    service: str
    account: str | None = Field(None, description="For which the connection speaks, if it does")


class Subscribed(_Position):
    """The answer to subscribe."""

    type: Literal["subscribed"]
    id: RequestId | None = None


class Unsubscribed(FeedPart):
    """The answer to unsubscribe: nothing of what was ended follows."""

    type: Literal["unsubscribed"]
    id: RequestId | None = None
    subscriptions: _Subscriptions


class Pong(FeedPart):
    """The answer to ping: everything published before it was sent before it."""

    type: Literal["pong"]
    id: RequestId | None = None


class FeedErrorMessage(FeedPart):
    """A request that was not done, or the reason of the close that follows."""

    type: Literal["error"]
    code: str
    message: str
    id: RequestId | None = None
    since: _Seqs | None = Field(None, description="Of slow_consumer: what to resume from")


class Trade(FeedPart):
    """One trade, exactly as it was published on `trade_events`."""

    type: Literal["trade"]
    data: TradeEvent


class BookState(FeedPart):
    """The best levels of a book as of `seq`."""

    symbol: str
    seq: Seq
    epoch: str
    depth: int | Literal["all"]
    bids: list[Level] = Field(description="Best, which is highest, first")
    asks: list[Level] = Field(description="Best, which is lowest, first")
    checksum: int = Field(ge=0, lt=2**32, description="CRC32 of the ten best bids and asks")
    timestamp: Timestamp


class BookSnapshot(FeedPart):
    """A book to start from; it replaces what the client had of this symbol."""

    type: Literal["book_snapshot"]
    data: BookState


class L2Update(FeedPart):
    """New quantities of price levels: zero removes one. `seq` is +1 each."""

    type: Literal["l2_update"]
    data: BookUpdate


class Quote(FeedPart):
    """Best bid and ask as (price, quantity); null where that side is empty."""

    symbol: str
    seq: Seq
    epoch: str
    bid: Level | None
    ask: Level | None
    timestamp: Timestamp


class Bbo(FeedPart):
    """The best bid or ask changed."""

    type: Literal["bbo"]
    data: Quote


class CandleState(FeedPart):
    """Trades `first_seq` to `last_seq` of a symbol, all of one period."""

    symbol: str
    interval: str
    start: Timestamp
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Price = Field(description="Of the base asset")
    quote_volume: Price = Field(description="Of the quote asset")
    trades: int = Field(ge=1)
    first_seq: int = Field(ge=1)
    last_seq: int = Field(ge=1)
    closed: bool = Field(description="Whether the period is over")
    epoch: str


class Candle(FeedPart):
    """The newest candle of an interval changed, or is over; it replaces what came before."""

    type: Literal["candle"]
    data: CandleState


class BookMark(FeedPart):
    """What a copy of the book must be like now."""

    seq: Seq
    checksum: int = Field(ge=0, lt=2**32)


class Heartbeat(FeedPart):
    """Everything up to `seq` was sent before it."""

    type: Literal["heartbeat"]
    epoch: str
    seq: _Seqs
    book: Mapping[str, BookMark] | None = None
    timestamp: Timestamp


class Stale(FeedPart):
    """The service does not hear Redis now: trades may have happened that it does not know of."""

    type: Literal["stale"]
    epoch: str
    seq: _Seqs
    timestamp: Timestamp


class Gap(FeedPart):
    """Messages that this client will not get."""

    type: Literal["gap"]
    channel: str = "trades"
    symbol: str = Field("", description="Of a public channel")
    account: str | None = Field(None, description="Of a private channel")
    first: int = Field(alias="from", ge=1)
    last: int = Field(alias="to", ge=1)


class EpochChanged(FeedPart):
    """The venue's data is not what it was: go on from `seq`."""

    type: Literal["epoch"]
    epoch: str
    reason: Literal["new", "rewound"]
    seq: _Seqs


class Reconnect(FeedPart):
    """The process is about to stop: it will close with 1012, within this time."""

    type: Literal["reconnect"]
    within_ms: int = Field(ge=0)
    epoch: str
    since: _Seqs


class Market(FeedPart):
    """A market's state was switched, or its instrument added or changed."""

    type: Literal["market"]
    data: MarketEvent


FeedMessage: TypeAlias = (
    Connected
    | Subscribed
    | Unsubscribed
    | Pong
    | FeedErrorMessage
    | Trade
    | BookSnapshot
    | L2Update
    | Bbo
    | Candle
    | Heartbeat
    | Stale
    | Gap
    | EpochChanged
    | Reconnect
    | Market
    | Authenticated
    | OrderReport
    | BalancesChanged
    | BalancesSnapshot
)


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a type that this version does not know."""


_MESSAGE: TypeAdapter[FeedMessage] = TypeAdapter(
    Annotated[FeedMessage, Field(discriminator="type")]
)


def decode_message(text: str | bytes) -> FeedMessage | UnknownMessage:
    """Read one message of the feed. Raises MessageError for what is not one."""
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "union_tag_invalid":
            return UnknownMessage()
        raise MessageError(f"not a message of the feed: {first['msg']} at {first['loc']}") from None
