"""The values of folded accounts, in units of one quote asset. Pure, exact until one rounding.

Amounts are added as fractions of a unit. Each shown figure is rounded down to a whole unit once, so
that figures of different accounts compare exactly.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from order_gateway.contest.performance import Fold
from tapewire.values.types import Instrument, Symbol

# Price of a symbol in half ticks, so that a mid price is a whole number.
HalfTicks = int
Prices = Mapping[Symbol, HalfTicks]


@dataclass(frozen=True, slots=True)
class Valuation:
    """Prices at one moment; `asset` is the asset of all values."""

    asset: str
    decimals: int
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    """Units of `asset` for one unit of each other asset that has a price."""

    def worth(self, units: Mapping[str, int]) -> Fraction:
        """The value of units of assets; assets without a price count as zero."""
        return sum(
            (self.rates[asset] * amount for asset, amount in units.items() if asset in self.rates),
            Fraction(),
        )


def value(
    asset: str,
    instruments: Iterable[Instrument],
    prices: Prices,
    delisted: Iterable[Instrument] = (),
) -> Valuation:
    """Rates of all assets that trade against `asset`, directly or through one other asset.

    The last prices of `delisted` instruments count for assets that no other instrument prices.
    """
    listed, former = list(instruments), list(delisted)
    known = listed + former
    decimals = {
        name: places
        for item in known
        for name, places in ((item.base, item.base_decimals), (item.quote, item.quote_decimals))
    }
    rates = {asset: Fraction(1)}
    # The second pass reaches assets through the assets that the first pass found.
    for group in (listed, listed, former, former):
        for item in group:
            if item.quote in rates and item.base not in rates and prices.get(item.symbol):
                rates[item.base] = rates[item.quote] * _rate(item, prices[item.symbol])
    return Valuation(asset, decimals.get(asset, 0), rates)


def _rate(instrument: Instrument, half_ticks: HalfTicks) -> Fraction:
    """Units of the quote asset that one unit of the base asset is worth."""
    return Fraction(half_ticks * instrument.quote_units, 2 * instrument.base_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFigures:
    """One market of an account; amounts in units of the market's quote asset."""

    symbol: Symbol
    lots: int
    realised: int
    unrealised: int | None
    volume: int
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An account at one moment; amounts in units of the asset of the valuation.

    `gain` is `equity` less `deposits`, both at the same prices: the result of trading and fees.
    """

    equity: int
    deposits: int
    gain: int
    realised: int
    fees: int
    volume: int
    trades: int
    markets: tuple[MarketFigures, ...]


def figures(
    fold: Fold, valuation: Valuation, instruments: Mapping[Symbol, Instrument], prices: Prices
) -> Figures:
    """The figures of an account."""
    equity, deposits = valuation.worth(fold.totals), valuation.worth(fold.deposited)
    realised = volume = Fraction()
    markets = []
    for name, market in sorted(fold.markets.items()):
        instrument = instruments[Symbol(name)]
        rate = valuation.rates.get(instrument.quote, Fraction()) * instrument.quote_units
        realised += rate * market.realised
        volume += rate * market.volume
        price = prices.get(instrument.symbol)
        open_value = None if price is None else Fraction(market.lots * price, 2) - market.cost
        markets.append(
            MarketFigures(
                symbol=instrument.symbol,
                lots=market.lots,
                realised=market.realised * instrument.quote_units,
                unrealised=None
                if open_value is None
                else math.floor(open_value * instrument.quote_units),
                volume=market.volume * instrument.quote_units,
                trades=market.trades,
            )
        )
    return Figures(
        equity=math.floor(equity),
        deposits=math.floor(deposits),
        gain=math.floor(equity - deposits),
        realised=math.floor(realised),
        fees=math.floor(valuation.worth(fold.fees)),
        volume=math.floor(volume),
        trades=sum(market.trades for market in fold.markets.values()),
        markets=tuple(markets),
    )
