"""Performance of one account, and the leaderboard of all: as of now, or since a round opened."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from msgspec import json
from msgspec.structs import replace as changed

from order_gateway.catalogue import Catalogue
from order_gateway.contest.books import Books
from order_gateway.contest.performance import Fold
from order_gateway.contest.records import BoardOptions, PriceSource, RoundStart, StartFigures
from order_gateway.contest.schemas import (
    AssetPerformanceReply,
    LeaderboardReply,
    MarketPerformanceReply,
    PerformanceReply,
    RankReply,
)
from order_gateway.contest.store import ContestStore
from order_gateway.contest.valuation import Figures, Prices, Valuation, figures, value
from tapewire.matching.queries import Queries
from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account, Instrument, Symbol

RANKS_MAX: Final = 1_000
ALIAS_HEX_DIGITS: Final = 6

encode = json.Encoder().encode
read_board = json.Decoder(LeaderboardReply).decode


@dataclass(frozen=True, slots=True)
class Market:
    """The input of a valuation, read at one time."""

    instruments: dict[Symbol, Instrument]
    prices: Prices
    valuation: Valuation
    source: PriceSource
    time_us: int


class Standings:
    """Reads folds and prices, and ranks. Raises Unavailable."""

    def __init__(
        self, books: Books, queries: Queries, catalogue: Catalogue, store: ContestStore
    ) -> None:
        self._books = books
        self._queries = queries
        self._catalogue = catalogue
        self._store = store

    async def performance(self, account: Account, options: BoardOptions) -> PerformanceReply:
        """The performance of one account since it was opened."""
        fold = await self._books.fold(account)
        return _performance(account, fold, await self.market(options))

    async def market(self, options: BoardOptions) -> Market:
        """Instruments and their present prices; of those that were delisted, the last prices."""
        listed = [market.instrument for market in await self._catalogue.read_all()]
        delisted = [item for _, item in sorted(self._catalogue.delisted.items())]
        found = {item.symbol: item for item in (*listed, *delisted)}
        prices = await self._queries.prices(list(found), mid=options.price == "mid")
        quotes = Counter(instrument.quote for instrument in listed or delisted)
        usual = min(quotes, key=lambda name: (-quotes[name], name), default="")
        valuation = value(options.asset or usual, listed, prices, delisted)
        return Market(found, prices, valuation, options.price, await self._queries.time_us())

    async def start_of(self, market: Market) -> RoundStart:
        """The present results of every account: the base of a round."""
        folds = await self._books.fold_all()
        accounts: dict[str, StartFigures] = {}
        for name, fold in folds.items():
            now = _figures(fold, market)
            if now.trades or now.gain:
                accounts[name] = StartFigures(
                    now.gain, now.realised, now.fees, now.volume, now.trades
                )
        return RoundStart(market.valuation.asset, accounts)

    async def board(
        self,
        options: BoardOptions,
        *,
        round_number: int | None = None,
        start: RoundStart | None = None,
        final: bool = False,
    ) -> LeaderboardReply:
        """The present leaderboard; `final` folds every account first."""
        market = await self.market(options)
        folds = await (self._books.fold_all() if final else self._books.newest())
        names = await self._names(list(folds), options)
        rows = []
        for account, fold in folds.items():
            now = _since(_figures(fold, market), account, start, market)
            if now.trades or now.gain:
                rows.append((now, names[account]))
        rows.sort(key=lambda row: (-row[0].gain, row[1]))
        ranks: list[RankReply] = []
        for place, (now, name) in enumerate(rows[:RANKS_MAX], 1):
            tied = place > 1 and rows[place - 2][0].gain == now.gain
            ranks.append(_rank(ranks[-1].rank if tied else place, name, now, market.valuation))
        return LeaderboardReply(
            valued_in=market.valuation.asset,
            price=market.source,
            round=round_number,
            accounts=len(rows),
            ranks=ranks,
            timestamp=format_timestamp(market.time_us),
        )

    async def _names(self, accounts: list[Account], options: BoardOptions) -> dict[Account, str]:
        """The name of each account on the leaderboard."""
        if options.names == "accounts":
            return {account: str(account) for account in accounts}
        given = await self._store.aliases()
        return {
            account: given.get(account) or alias_of(account, options.salt) for account in accounts
        }


def alias_of(account: str, salt: str) -> str:
    """A generated alias that does not reveal the account."""
    digest = hashlib.blake2b(account.encode(), key=salt.encode()[:64], digest_size=8).hexdigest()
    return f"trader-{digest[:ALIAS_HEX_DIGITS]}"


def with_salt(options: BoardOptions, salt: str) -> BoardOptions:
    """The options with a salt; an existing salt stays."""
    return options if options.salt else changed(options, salt=salt)


def _figures(fold: Fold, market: Market) -> Figures:
    return figures(fold, market.valuation, market.instruments, market.prices)


def _since(now: Figures, account: str, start: RoundStart | None, market: Market) -> Figures:
    """The figures less those at the start of a round."""
    before = None
    if start is not None and start.asset == market.valuation.asset:
        before = start.accounts.get(account)
    if before is None:
        return now
    return replace(
        now,
        gain=now.gain - before.gain,
        realised=now.realised - before.realised,
        fees=now.fees - before.fees,
        volume=now.volume - before.volume,
        trades=now.trades - before.trades,
    )


def _rank(rank: int, name: str, now: Figures, valuation: Valuation) -> RankReply:
    decimals = valuation.decimals
    return RankReply(
        rank=rank,
        name=name,
        pnl=format_units(now.gain, decimals),
        equity=format_units(now.equity, decimals),
        realised=format_units(now.realised, decimals),
        fees=format_units(now.fees, decimals),
        volume=format_units(now.volume, decimals),
        trades=now.trades,
    )


def _performance(account: Account, fold: Fold, market: Market) -> PerformanceReply:
    now, valuation = _figures(fold, market), market.valuation
    decimals = valuation.decimals
    return PerformanceReply(
        account=account,
        valued_in=valuation.asset,
        price=market.source,
        equity=format_units(now.equity, decimals),
        deposits=format_units(now.deposits, decimals),
        pnl=format_units(now.gain, decimals),
        realised=format_units(now.realised, decimals),
        fees=format_units(now.fees, decimals),
        volume=format_units(now.volume, decimals),
        trades=now.trades,
        complete=fold.is_complete,
        assets=_assets(fold, market),
        markets=_markets(fold, now, market),
        timestamp=format_timestamp(market.time_us),
    )


def _assets(fold: Fold, market: Market) -> list[AssetPerformanceReply]:
    places = {
        name: decimals
        for item in market.instruments.values()
        for name, decimals in (
            (item.base, item.base_decimals), (item.quote, item.quote_decimals)
        )
    }  # fmt: skip
    rates, decimals = market.valuation.rates, market.valuation.decimals
    return [
        AssetPerformanceReply(
            asset=asset,
            total=format_units(units, places[asset]),
            deposited=format_units(fold.deposited.get(asset, 0), places[asset]),
            fees=format_units(fold.fees.get(asset, 0), places[asset]),
            value=format_units(_floor(rates[asset] * units), decimals) if asset in rates else None,
        )
        for asset, units in sorted(fold.totals.items())
        if asset in places
    ]


def _markets(fold: Fold, now: Figures, market: Market) -> list[MarketPerformanceReply]:
    replies = []
    for item in now.markets:
        instrument = market.instruments[item.symbol]
        cost = fold.markets[item.symbol].cost
        average = None
        if item.lots:
            ticks = Fraction(cost, item.lots)
            average = format_units(_floor(ticks * instrument.tick_units), instrument.price_decimals)
        replies.append(
            MarketPerformanceReply(
                symbol=item.symbol,
                position=format_units(
                    item.lots * instrument.lot_units, instrument.quantity_decimals
                ),
                average_price=average,
                realised=format_units(item.realised, instrument.quote_decimals),
                unrealised=None
                if item.unrealised is None
                else format_units(item.unrealised, instrument.quote_decimals),
                volume=format_units(item.volume, instrument.quote_decimals),
                trades=item.trades,
            )
        )
    return replies


def _floor(amount: Fraction) -> int:
    return amount.numerator // amount.denominator
