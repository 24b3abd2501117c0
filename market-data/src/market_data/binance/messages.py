"""The messages about trades and books, as Binance writes them. Pure.

`unit_us` is the unit of times in microseconds: 1,000 or 1. The names of the members are Binance's.
"""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct, json

from tapewire.values.types import Side
from tapewire.wire.book_event import Level
from tapewire.wire.trade_event import TradeEvent

REMOVED = "0.00000000"
"""The quantity of a level that is gone. python-binance compares the text, not the number."""

Time = Annotated[int, Meta(ge=0, description="Since 1970 UTC, in ms, or us if asked for")]


class Trade(Struct, frozen=True, gc=False, kw_only=True):
    """A trade; `m`: the buyer is the maker."""

    e: str = "trade"
    E: Time
    s: str
    t: int
    p: str
    q: str
    T: Time
    m: bool
    M: bool = True


class AggregateTrade(Struct, frozen=True, gc=False, kw_only=True):
    """A trade under the name of an aggregate, which has one trade here."""

    e: str = "aggTrade"
    E: Time
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 (Binance's name)
    T: Time
    m: bool
    M: bool = True


class BookTicker(Struct, frozen=True, gc=False, kw_only=True):
    """Best bid and best ask; zeros where there is none."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class DepthUpdate(Struct, frozen=True, gc=False, kw_only=True):
    """Changed levels of updates `U` to `u`; quantity zero removes a level."""

    e: str = "depthUpdate"
    E: Time
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]


class PartialBook(Struct, frozen=True, gc=False, kw_only=True):
    """The best levels of each side."""

    lastUpdateId: int  # noqa: N815 (Binance's name)
    bids: list[Level]
    asks: list[Level]


class ServerShutdown(Struct, frozen=True, gc=False, kw_only=True):
    """The process is about to stop."""

    e: str = "serverShutdown"
    E: Time


def trade_message(event: TradeEvent, shown: str, time_us: int, unit_us: int) -> bytes:
    """One message of `@trade`; a trade is published as soon as it is made."""
    time = time_us // unit_us
    return json.encode(
        Trade(
            E=time,
            s=shown,
            t=event.seq,
            p=event.price,
            q=event.quantity,
            T=time,
            m=event.aggressor_side is Side.SELL,
        )
    )


def aggregate_trade_message(event: TradeEvent, shown: str, time_us: int, unit_us: int) -> bytes:
    """One message of `@aggTrade`."""
    time, seq = time_us // unit_us, event.seq
    return json.encode(
        AggregateTrade(
            E=time,
            s=shown,
            a=seq,
            p=event.price,
            q=event.quantity,
            f=seq,
            l=seq,
            T=time,
            m=event.aggressor_side is Side.SELL,
        )
    )


def book_ticker_message(seq: int, bid: Level, ask: Level, shown: str) -> bytes:
    """One message of `@bookTicker`, which has no time."""
    return json.encode(BookTicker(u=seq, s=shown, b=bid[0], B=bid[1], a=ask[0], A=ask[1]))


def depth_message(
    first: int,
    last: int,
    bids: Iterable[Level],
    asks: Iterable[Level],
    *,
    shown: str,
    time_us: int,
    unit_us: int,
) -> bytes:
    """One message of `@depth`."""
    return json.encode(
        DepthUpdate(
            E=time_us // unit_us, s=shown, U=first, u=last, b=_levels(bids), a=_levels(asks)
        )
    )


def _levels(levels: Iterable[Level]) -> list[Level]:
    """Levels in which quantity zero is written as clients compare it."""
    return [(price, text if text.strip("0.") else REMOVED) for price, text in levels]


def partial_book_message(seq: int, bids: list[Level], asks: list[Level]) -> bytes:
    """One message of `@depth5`, `@depth10` or `@depth20`."""
    return json.encode(PartialBook(lastUpdateId=seq, bids=bids, asks=asks))


def shutdown_message(time_us: int, unit_us: int) -> bytes:
    """The message before a stop."""
    return json.encode(ServerShutdown(E=time_us // unit_us))


def combined_message(name: str, payload: bytes) -> bytes:
    """A message as combined connections get it."""
    return b'{"stream":%b,"data":%b}' % (json.encode(name), payload)
