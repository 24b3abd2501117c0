"""The operations that are public: instruments, market data over REST, the health of services."""

from dataclasses import replace
from typing import Literal, TypeAlias

from tapewire.client.calls import Call, Moment, Pages, decoder, moment, operation
from tapewire.client.replies import (
    Auction,
    BestPrices,
    BookLevels,
    CandleList,
    InstrumentInfo,
    InstrumentList,
    PastCandle,
    ServiceHealth,
    ServiceLife,
    ServiceReadiness,
    Ticker,
    TradesPage,
    VenueTime,
)
from tapewire.wire.trade_event import TradeEvent

Depth: TypeAlias = Literal[10, 50, "all"]
FEED: Literal["market-data"] = "market-data"
# A service that is not well answers 503, which is an answer and no failure.
NOT_WELL = frozenset({503})

_read_instrument = decoder(InstrumentInfo)
_read_instruments = decoder(InstrumentList)
_read_time = decoder(VenueTime)
_read_trades = decoder(TradesPage)
_read_book = decoder(BookLevels)
_read_prices = decoder(BestPrices)
_read_ticker = decoder(Ticker)
_read_auction = decoder(Auction)
_read_candles = decoder(CandleList)
_read_health = decoder(ServiceHealth)
_read_life = decoder(ServiceLife)
_read_readiness = decoder(ServiceReadiness)


@operation("GET", "/v1/instruments")
def instruments() -> Call[list[InstrumentInfo]]:
    """Read every instrument of the venue."""
    return Call(lambda body: _read_instruments(body).instruments)


@operation("GET", "/v1/instruments/{symbol}")
def instrument(symbol: str) -> Call[InstrumentInfo]:
    """Read one instrument: steps, bounds, and the state of its market."""
    return Call(_read_instrument, path={"symbol": symbol})


@operation("GET", "/v1/time")
def time() -> Call[VenueTime]:
    """Read the venue's clock."""
    return Call(_read_time)


@operation("GET", "/v1/trades/{symbol}", service=FEED)
def trades(
    symbol: str, *, since: int | None = None, page_size: int | None = None
) -> Pages[TradesPage, TradeEvent]:
    """Iterate over the trades of a symbol after seq `since`, oldest first, up to the newest.

    0 means all that the venue keeps; without `since` the newest `page_size` (default 100).
    """
    query = {"since": since, "limit": page_size}
    first = Call(_read_trades, path={"symbol": symbol}, query=query)
    return Pages(first, lambda page: page.trades, _later_trades)


@operation("GET", "/v1/book/{symbol}", service=FEED)
def book(symbol: str, depth: Depth = 50) -> Call[BookLevels]:
    """Read the best price levels of both sides."""
    return Call(_read_book, path={"symbol": symbol}, query={"depth": depth})


@operation("GET", "/v1/bbo/{symbol}", service=FEED)
def bbo(symbol: str) -> Call[BestPrices]:
    """Read the best bid and ask."""
    return Call(_read_prices, path={"symbol": symbol})


@operation("GET", "/v1/ticker/{symbol}", service=FEED)
def ticker(symbol: str) -> Call[Ticker]:
    """Read the last 24 hours: prices, volumes, change."""
    return Call(_read_ticker, path={"symbol": symbol})


@operation("GET", "/v1/auction/{symbol}", service=FEED)
def auction(symbol: str) -> Call[Auction]:
    """Read the indicative price and quantity of an auction."""
    return Call(_read_auction, path={"symbol": symbol})


@operation("GET", "/v1/candles/{symbol}", service=FEED)
def candles(
    symbol: str,
    interval: str = "1m",
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    limit: int | None = None,
) -> Call[list[PastCandle]]:
    """Read candles, oldest first: from `start` (included) to `end` (not included).

    At most `limit` (default 100): the first ones if `start` is given, else the newest.
    """
    query = {"interval": interval, "start": moment(start), "end": moment(end), "limit": limit}
    return Call(lambda body: _read_candles(body).candles, path={"symbol": symbol}, query=query)


@operation("GET", "/health", answers=NOT_WELL)
def health() -> Call[ServiceHealth]:
    """Read whether the gateway and its Redis work."""
    return Call(_read_health)


@operation("GET", "/livez")
def alive() -> Call[ServiceLife]:
    """Ask whether the gateway process answers."""
    return Call(_read_life)


@operation("GET", "/readyz", answers=NOT_WELL)
def readiness() -> Call[ServiceReadiness]:
    """Read every check of the gateway."""
    return Call(_read_readiness)


@operation("GET", "/health", service=FEED, answers=NOT_WELL)
def feed_health() -> Call[ServiceHealth]:
    """Read whether the market-data service and its Redis work."""
    return Call(_read_health)


@operation("GET", "/livez", service=FEED)
def feed_alive() -> Call[ServiceLife]:
    """Ask whether the market-data process answers."""
    return Call(_read_life)


@operation("GET", "/readyz", service=FEED, answers=NOT_WELL)
def feed_readiness() -> Call[ServiceReadiness]:
    """Read every check of the market-data service."""
    return Call(_read_readiness)


@operation("GET", "/metrics")
def metrics() -> Call[str]:
    """Read the figures of the gateway, in the text format of Prometheus."""
    return Call(lambda body: body.decode())


@operation("GET", "/metrics", service=FEED)
def feed_metrics() -> Call[str]:
    """Read the figures of the market-data service, in the text format of Prometheus."""
    return Call(lambda body: body.decode())


def _later_trades(call: Call[TradesPage], page: TradesPage) -> Call[TradesPage] | None:
    if not page.trades or page.trades[-1].seq >= page.last_seq:
        return None
    return replace(call, query={**(call.query or {}), "since": page.trades[-1].seq})
