"""Names of symbols at the Binance surface: `BTC-USDT` is `BTCUSDT` there. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from tapewire.values.types import Symbol

_STRIPPED = str.maketrans("", "", "-._/:")


def binance_symbol(symbol: str) -> str:
    """The symbol as Binance clients write it: upper case, without separators."""
    return symbol.translate(_STRIPPED).upper()


class _ShownNames(dict[str, str]):
    """The Binance name of each symbol, also of a symbol that is not listed any more."""

    def __missing__(self, symbol: str) -> str:
        return binance_symbol(symbol)


class BinanceSymbols(Mapping[str, Symbol]):
    """The venue's symbol by each name that a Binance client may use for it.

    A client may write the venue's own symbol too. Two symbols with one Binance name, such as
    `AB-C` and `A-BC`, are both reached by their own symbols only, because the name is ambiguous.
    """

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self.listed = tuple(sorted(symbols))
        names: dict[str, list[Symbol]] = {}
        for symbol in self.listed:
            names.setdefault(binance_symbol(symbol), []).append(symbol)
        self.shown = _ShownNames(
            (str(symbol), name if len(same) == 1 else str(symbol))
            for name, same in names.items()
            for symbol in same
        )
        self._symbols: dict[str, Symbol] = {str(symbol): symbol for symbol in self.listed}
        self._symbols |= {name: same[0] for name, same in names.items() if len(same) == 1}

    def __getitem__(self, name: str) -> Symbol:
        return self._symbols[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._symbols)

    def __len__(self) -> int:
        return len(self._symbols)
