"""Names of streams, and the topics of the hub behind them. Pure.

A stream is a channel of a symbol (`btcusdt@depth@100ms`), or of all symbols (`!ticker@arr`). The
same message goes out in up to four forms, so each form of a channel is a channel of the hub.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

from market_data.binance.errors import StreamError
from market_data.topics import Topic
from tapewire.binance.symbols import BinanceSymbols
from tapewire.market.candles import BINANCE_INTERVALS, DAY_S, HOUR_S
from tapewire.values.types import Symbol

TRADE = "trade"
AGG_TRADE = "aggTrade"
BOOK_TICKER = "bookTicker"
TICKER = "ticker"
MINI_TICKER = "miniTicker"
AVERAGE_PRICE = "avgPrice"
KLINES: Mapping[str, str] = MappingProxyType({f"kline_{name}": name for name in BINANCE_INTERVALS})
"""The interval of each channel of candles."""

WINDOW_TICKERS: Mapping[str, int] = MappingProxyType(
    {"ticker_1h": HOUR_S, "ticker_4h": 4 * HOUR_S, "ticker_1d": DAY_S}
)
"""By channel, the length of the window in seconds."""

ARRAYS: Mapping[str, str] = MappingProxyType(
    {
        "!ticker@arr": TICKER,
        "!miniTicker@arr": MINI_TICKER,
        "!miniTicker@arr@1000ms": MINI_TICKER,
        **{f"!{channel}@arr": channel for channel in WINDOW_TICKERS},
    }
)
"""By channel of all symbols, the channel of one symbol whose messages it has."""
SHUTDOWN = "!serverShutdown"
"""Not a name that clients subscribe to: every connection has this topic."""

FAST = "100ms"
SLOW = "1000ms"

DIFFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {FAST: ("depth@100ms",), SLOW: ("depth", "depth@1000ms")}
)
"""By speed, the channels of differences; a channel with two names is two channels."""

_LEVELS = (5, 10, 20)
PARTIAL_BOOKS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        FAST: {f"depth{levels}@100ms": levels for levels in _LEVELS},
        SLOW: {f"depth{levels}{speed}": levels for levels in _LEVELS for speed in ("", "@1000ms")},
    }
)
"""By speed, the channels of partial books, and the levels of each side."""

SYMBOL_CHANNELS = frozenset(
    {
        TRADE,
        AGG_TRADE,
        BOOK_TICKER,
        TICKER,
        MINI_TICKER,
        AVERAGE_PRICE,
        *WINDOW_TICKERS,
        *KLINES,
        *(channel for channels in DIFFERENCES.values() for channel in channels),
        *(channel for channels in PARTIAL_BOOKS.values() for channel in channels),
    }
)
"""The channels of one symbol."""

ALL_SYMBOLS_CHANNELS = frozenset(ARRAYS)
"""The channels that show all symbols in an array."""

_KLINE_PREFIX = "kline_"
_UNIT_US = {False: 1_000, True: 1}


class Form(NamedTuple):
    """How a connection wants its messages."""

    is_combined: bool = False
    has_microseconds: bool = False

    @property
    def unit_us(self) -> int:
        """The unit of times, in microseconds."""
        return _UNIT_US[self.has_microseconds]


FORMS = tuple(Form(*choice) for choice in product((False, True), repeat=2))

_CHANNELS = (*SYMBOL_CHANNELS, *ALL_SYMBOLS_CHANNELS, SHUTDOWN)

FORMED: Mapping[str, tuple[tuple[str, Form], ...]] = MappingProxyType(
    {
        channel: tuple(
            (
                "binance:"
                + ("combined:" if form.is_combined else "")
                + ("us:" if form.has_microseconds else "")
                + channel,
                form,
            )
            for form in FORMS
        )
        for channel in _CHANNELS
    }
)
"""By channel, its name in the hub in every form."""

UNFORMED: Mapping[str, tuple[str, Form]] = MappingProxyType(
    {name: (channel, form) for channel, formed in FORMED.items() for name, form in formed}
)
"""By name in the hub, the channel and the form."""

_NAMES = {(channel, form): name for channel, formed in FORMED.items() for name, form in formed}


class Stream(NamedTuple):
    """A stream; `symbol` is the venue's, empty for a stream of all symbols."""

    channel: str
    symbol: str

    def topic(self, form: Form) -> Topic:
        """Its topic in the hub."""
        return _NAMES[self.channel, form], self.symbol


def stream_name(channel: str, shown: str) -> str:
    """The name of a channel of a symbol that clients write as `shown`; empty for all symbols."""
    return f"{shown.lower()}@{channel}" if shown else channel


def read_stream(text: str, symbols: BinanceSymbols) -> Stream:
    """A stream by its name.

    Raises StreamError: invalid stream, invalid interval; unknown symbol, which may be new.
    """
    if text in ALL_SYMBOLS_CHANNELS:
        return Stream(text, "")
    name, separator, channel = text.partition("@")
    if name and channel.startswith(_KLINE_PREFIX) and channel not in KLINES:
        raise StreamError.invalid_interval()
    if not (name and separator) or channel not in SYMBOL_CHANNELS:
        raise StreamError.invalid_request("invalid stream")
    # Some letters that are not ASCII have an ASCII letter as their upper case.
    symbol = symbols.get(name.upper()) if name.isascii() else None
    if symbol is None:
        raise StreamError.unknown_symbol()
    return Stream(channel, symbol)


class SymbolTable:
    """The venue's symbols as clients write them, made anew when the venue has other symbols."""

    def __init__(self, known: Callable[[], Collection[str]]) -> None:
        """`known` returns the symbols that the venue has now."""
        self._known = known
        self._symbols = BinanceSymbols(())

    @property
    def symbols(self) -> BinanceSymbols:
        """All names of now."""
        known = self._known()
        if len(known) != len(self._symbols.listed) or not self._symbols.shown.keys() >= set(known):
            self._symbols = BinanceSymbols(map(Symbol, known))
        return self._symbols

    def shown(self, symbol: str) -> str:
        """The name of one of the venue's symbols; its own if it is not known yet."""
        shown = self._symbols.shown.get(Symbol(symbol))
        return shown or self.symbols.shown.get(Symbol(symbol), symbol)
