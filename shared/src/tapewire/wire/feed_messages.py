"""Every message of the feed, service to client, as one union that `type` tells apart.

Clients read the messages here, and the document at `/asyncapi.json` shows these schemas. Members
that a client does not know are passed over, so that it survives a newer service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct, field

from tapewire.errors import MessageError
from tapewire.wire.account_feed import AccountMessage, FeedPart
from tapewire.wire.book_event import BookUpdate, Level
from tapewire.wire.market_event import MarketEvent
from tapewire.wire.members import DecimalText, ItemNumber, RequestId, Seq, Timestamp
from tapewire.wire.trade_event import TradeEvent
from tapewire.wire.venue_event import VenueEvent

_Seqs = Annotated[
    Mapping[str, Seq],
    Meta(
        description="The last seq by symbol for trades, of the own account under `orders` and "
        "`balances`"
    ),
]
_Checksum = Annotated[int, Meta(ge=0, lt=2**32, description="CRC32 of the ten best bids and asks")]
_Subscriptions = Annotated[
    list[str], Meta(description="All topics now, such as `trades` or `bbo:BTC-USDT`")
]


class SeqRange(Struct, frozen=True, gc=False):
    """Messages from `first` to `last`, both included."""

    first: ItemNumber = field(name="from")
    last: ItemNumber = field(name="to")


class _Position(FeedPart, frozen=True):
    """Where a subscription starts: everything after `seq` follows."""

    epoch: str
    subscriptions: _Subscriptions
    seq: _Seqs
    recovered: Annotated[
        bool | None, Meta(description="Only after `since`: whether everything after it follows")
    ] = None
    missed: Annotated[
        Mapping[str, SeqRange] | None,
        Meta(description="Messages after `since` that are no longer kept, under the same names"),
    ] = None


class Connected(_Position, frozen=True, tag="connected", kw_only=True):
    """The first message of a connection."""

    service: str
    account: Annotated[
        str | None, Meta(description="The account whose private channels the connection has")
    ] = None


class Subscribed(_Position, frozen=True, tag="subscribed", kw_only=True):
    """The answer to subscribe."""

    id: RequestId | None = None


class Unsubscribed(FeedPart, frozen=True, tag="unsubscribed", kw_only=True):
    """The answer to unsubscribe: no message of the ended subscription follows."""

    id: RequestId | None = None
    subscriptions: _Subscriptions


class Pong(FeedPart, frozen=True, tag="pong"):
    """The answer to ping: everything published before it was sent before it."""

    id: RequestId | None = None


class FeedErrorMessage(FeedPart, frozen=True, tag="error"):
    """A request that was not done, or the reason of the close that follows."""

    code: str
    message: str
    id: RequestId | None = None
    since: Annotated[
        Mapping[str, Seq] | None, Meta(description="Of slow_consumer: what to resume from")
    ] = None


class Trade(FeedPart, frozen=True, tag="trade"):
    """One trade, exactly as it was published on `trade_events`."""

    data: TradeEvent


class BookState(Struct, frozen=True, gc=False):
    """The best levels of a book as of `seq`."""

    symbol: str
    seq: Seq
    epoch: str
    depth: int | Literal["all"]
    bids: Annotated[list[Level], Meta(description="Best, which is highest, first")]
    asks: Annotated[list[Level], Meta(description="Best, which is lowest, first")]
    checksum: _Checksum
    timestamp: Timestamp


class BookSnapshot(FeedPart, frozen=True, tag="book_snapshot"):
    """A book to start from; replaces the client's copy of this symbol."""

    data: BookState


class L2Update(FeedPart, frozen=True, tag="l2_update"):
    """New quantities of price levels: zero removes one. `seq` is +1 each."""

    data: BookUpdate


class Quote(Struct, frozen=True, gc=False):
    """Best bid and ask as (price, quantity); null where that side is empty."""

    symbol: str
    seq: Seq
    epoch: str
    bid: Level | None
    ask: Level | None
    timestamp: Timestamp


class Bbo(FeedPart, frozen=True, tag="bbo"):
    """The best bid or ask changed."""

    data: Quote


class CandleState(Struct, frozen=True, gc=False):
    """Trades `first_seq` to `last_seq` of a symbol, all of one period."""

    symbol: str
    interval: str
    start: Timestamp
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: Annotated[DecimalText, Meta(description="Of the base asset")]
    quote_volume: Annotated[DecimalText, Meta(description="Of the quote asset")]
    taker_buy_volume: Annotated[DecimalText, Meta(description="The part in which the taker bought")]
    taker_buy_quote_volume: Annotated[
        DecimalText, Meta(description="The amount that takers paid for that volume")
    ]
    trades: ItemNumber
    first_seq: ItemNumber
    last_seq: ItemNumber
    closed: Annotated[bool, Meta(description="Whether the period is over")]
    epoch: str


class Candle(FeedPart, frozen=True, tag="candle"):
    """The newest candle of an interval changed or closed; it replaces the previous state."""

    data: CandleState


class BookMark(Struct, frozen=True, gc=False):
    """The number and the checksum of a correct copy of the book."""

    seq: Seq
    checksum: _Checksum


class Heartbeat(FeedPart, frozen=True, tag="heartbeat", kw_only=True):
    """Everything up to `seq` was sent before it."""

    epoch: str
    seq: _Seqs
    book: Mapping[str, BookMark] | None = None
    timestamp: Timestamp


class Stale(FeedPart, frozen=True, tag="stale"):
    """The service does not hear Redis now: trades may have happened that it does not know of."""

    epoch: str
    seq: _Seqs
    timestamp: Timestamp


class Gap(FeedPart, frozen=True, tag="gap", kw_only=True):
    """Messages that this client will not get."""

    channel: str = "trades"
    symbol: Annotated[str, Meta(description="Of a public channel")] = ""
    account: Annotated[str | None, Meta(description="Of a private channel")] = None
    first: ItemNumber = field(name="from")
    last: ItemNumber = field(name="to")


class EpochChanged(FeedPart, frozen=True, tag="epoch"):
    """The venue's data has changed: continue from `seq`."""

    epoch: str
    reason: Literal["new", "rewound"]
    seq: _Seqs


class Reconnect(FeedPart, frozen=True, tag="reconnect"):
    """The process is about to stop: it will close with 1012, within this time."""

    within_ms: Annotated[int, Meta(ge=0)]
    epoch: str
    since: _Seqs


class Market(FeedPart, frozen=True, tag="market"):
    """A market's state was switched, or its instrument added, changed or delisted."""

    data: MarketEvent


class Venue(FeedPart, frozen=True, tag="venue"):
    """The organiser told all traders something, or a round was announced, opened or closed."""

    data: VenueEvent


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
    | Venue
    | AccountMessage
)


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a type that this version does not know."""


MESSAGE_TYPES: Mapping[str, type[FeedPart]] = {
    str(model.__struct_config__.tag): model for model in get_args(FeedMessage)
}
"""Every message of the feed by its `type`."""


class _Typed(Struct):
    type: str


_DECODER: msgspec.json.Decoder[FeedMessage] = msgspec.json.Decoder(FeedMessage)
_TYPE = msgspec.json.Decoder(_Typed)


def decode_message(text: str | bytes) -> FeedMessage | UnknownMessage:
    """Read one message of the feed. Raises MessageError for any other text."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if _is_unknown(text):
            return UnknownMessage()
        raise MessageError(f"not a message of the feed: {error}") from None


def _is_unknown(text: str | bytes) -> bool:
    """Whether the text is a message of a type that this version does not know."""
    try:
        return _TYPE.decode(text).type not in MESSAGE_TYPES
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
