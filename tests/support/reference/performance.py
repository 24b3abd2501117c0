"""What accounts have made in a run of random commands: folds of their logs against the reference.

The reference adds up every trade and every transfer that it did; the fold has read nothing but the
log of the account.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from order_gateway.contest.performance import Fold, apply
from order_gateway.contest.valuation import figures, value
from tapewire import keys
from tapewire.values.types import Account, Side, Symbol
from tapewire.wire.settlement import decode_settlement
from tests.support.reference.machine_world import ACCOUNTS, DAVE, SHARE
from tests.support.reference.order import ReferenceOrder, Trade
from tests.support.reference.venue_pair import Pair
from tests.support.venue import BTC

Dump = dict[str, tuple[Any, bool]]
UNIT = Fraction(1)


@dataclass(slots=True)
class Made:
    """What the trades of an account came to, in units by asset, and by market in ticks x lots."""

    moved: Counter[str] = field(default_factory=Counter)
    fees: Counter[str] = field(default_factory=Counter)
    lots: Counter[Symbol] = field(default_factory=Counter)
    received: Counter[Symbol] = field(default_factory=Counter)
    volume: Counter[Symbol] = field(default_factory=Counter)
    trades: Counter[Symbol] = field(default_factory=Counter)
    as_maker: Counter[Symbol] = field(default_factory=Counter)


def check_performance(pair: Pair, dump: Dump) -> None:
    """Of every account: equity, deposits, gain, fees, positions, volume and trades."""
    last = {
        symbol: market.trades[-1].price
        for symbol, market in pair.reference.markets.items()
        if market.trades
    }
    valuation = value("USDT", pair.instruments.values(), {name: 2 * p for name, p in last.items()})
    rates = expected_rates(pair, last)
    for account in (*ACCOUNTS, DAVE):
        fold = fold_of(pair, dump, account)
        made = made_by(pair, account)
        entered = of_account(pair.reference.accounts.entered, account)
        assert nonzero(fold.totals) == of_account(pair.reference.accounts.owned, account)
        assert nonzero(fold.deposited) == entered
        assert nonzero(fold.fees) == nonzero(made.fees)
        for symbol, market in fold.markets.items():
            name = Symbol(symbol)
            assert (market.lots, market.volume) == (made.lots[name], made.volume[name])
            assert (market.trades, market.maker_trades) == (made.trades[name], made.as_maker[name])
            # Closed and open parts together are what was received less what was paid.
            assert market.realised - market.cost == made.received[name]
            assert market.lots or not market.cost
        assert set(fold.markets) == set(made.trades)
        found = figures(
            fold, valuation, pair.instruments, {name: 2 * price for name, price in last.items()}
        )
        gain, deposits = worth(made.moved, rates), worth(entered, rates)
        assert found.gain == math.floor(gain)
        assert found.deposits == math.floor(deposits)
        assert found.equity == math.floor(gain + deposits)
        assert found.fees == math.floor(worth(made.fees, rates))
        assert found.trades == sum(made.trades.values())


def fold_of(pair: Pair, dump: Dump, account: Account) -> Fold:
    """The log of an account, folded in pages of 1, 2, 3 ... events."""
    fold = Fold("")
    events = [fields[b"event"] for _, fields in dump.get(keys.account_log(account), ([], False))[0]]
    size = 1
    while events:
        apply(fold, decode_settlement(*events[:size]), pair.instruments)
        events, size = events[size:], size + 1
    assert fold.is_complete
    return fold


def made_by(pair: Pair, account: Account) -> Made:
    """Every trade of the account, added up; one with itself counts on both sides."""
    made = Made()
    for symbol, market in pair.reference.markets.items():
        instrument = pair.instruments[symbol]
        for trade in market.trades:
            for order, fee, is_maker in sides(pair, trade):
                if order.account != account:
                    continue
                sign = 1 if order.side is Side.BUY else -1
                notional = trade.price * trade.lots
                made.moved[instrument.base] += sign * trade.lots * instrument.base_units
                made.moved[instrument.quote] -= sign * notional * instrument.quote_units
                asset = instrument.base if order.side is Side.BUY else instrument.quote
                made.moved[asset] -= fee
                made.fees[asset] += fee
                made.lots[symbol] += sign * trade.lots
                made.received[symbol] -= sign * notional
                made.volume[symbol] += notional
                made.trades[symbol] += 1
                made.as_maker[symbol] += is_maker
    return made


def sides(pair: Pair, trade: Trade) -> Iterator[tuple[ReferenceOrder, int, bool]]:
    """Both orders of a trade, each with its fee and whether it is the maker's.

    In an uncross both are.
    """
    orders = pair.reference.orders
    yield orders[trade.maker_id], trade.maker_fee, True
    yield orders[trade.taker_id], trade.taker_fee, trade.is_uncross


def expected_rates(pair: Pair, last: dict[Symbol, int]) -> dict[str, Fraction]:
    """Units of USDT that a unit of each asset is worth: SHARE over BTC, which has a price first."""
    rates = {"USDT": UNIT}
    for symbol in (BTC, SHARE):
        instrument = pair.instruments[symbol]
        if symbol in last and instrument.quote in rates:
            units = Fraction(last[symbol] * instrument.quote_units, instrument.base_units)
            rates[instrument.base] = units * rates[instrument.quote]
    return rates


def worth(units: dict[str, int] | Counter[str], rates: dict[str, Fraction]) -> Fraction:
    """What amounts are worth; those without a price count as nothing."""
    return sum((rates.get(asset, Fraction()) * amount for asset, amount in units.items()), 0 * UNIT)


def of_account(amounts: Counter[tuple[Account, str]], account: Account) -> dict[str, int]:
    """The amounts of one account by asset, where there is anything."""
    return {asset: units for (owner, asset), units in amounts.items() if owner == account and units}


def nonzero(amounts: dict[str, int] | Counter[str]) -> dict[str, int]:
    """Without what is nothing."""
    return {asset: units for asset, units in amounts.items() if units}
