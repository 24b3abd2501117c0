"""The performance of an account, folded from its log event by event. Pure, exact integers.

A fold has, per asset, the units deposited less withdrawn. Per market it has the position, the cost
of the position, realised gains, fees, volume and trades. The balances in an event are absolute. A
change that fills and fees do not explain is therefore a deposit or a withdrawal. Prices are ticks,
quantities lots, costs ticks x lots. When a position is closed in part, its cost is split in
proportion and rounded towards zero; the remainder stays with the open part, so that nothing is
lost.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field, json

from tapewire.values.types import Instrument, Liquidity, Side, Symbol
from tapewire.wire.account_event import Execution
from tapewire.wire.settlement import Settlement

# A fold of another format is computed again from the log.
FORMAT: Final = 1


class MarketFold(Struct, omit_defaults=True):
    """One market of an account; `lots` is negative for a short position."""

    lots: int = 0
    cost: int = 0
    realised: int = 0
    volume: int = 0
    trades: int = 0
    maker_trades: int = 0


class Fold(Struct):
    """An account as of the event `cursor` of its log (`seq-balance_seq`)."""

    epoch: str
    cursor: str = "0-0"
    format: int = FORMAT
    # Whether the fold has seen every event of the account since it was opened.
    is_complete: bool = True
    since_us: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    deposited: dict[str, int] = field(default_factory=dict)
    fees: dict[str, int] = field(default_factory=dict)
    markets: dict[str, MarketFold] = field(default_factory=dict)


_DECODER = json.Decoder(Fold)
encode = json.Encoder().encode


def decode(payload: bytes) -> Fold:
    """Decode a kept fold. Raises msgspec.DecodeError."""
    return _DECODER.decode(payload)


def position_of(cursor: str) -> tuple[int, int]:
    """The numbers in a cursor: the newest execution report, the newest change of balances."""
    seq, _, balance_seq = cursor.partition("-")
    return int(seq), int(balance_seq)


def apply(fold: Fold, events: Settlement, instruments: Mapping[Symbol, Instrument]) -> None:
    """Take the next events into the fold. Raises KeyError for an unknown instrument.

    Events that do not follow the fold mean that the log was trimmed. Then the balances of the
    events are taken, and the fold is no longer complete.
    """
    header = events.header
    traded = [(instruments[order.symbol], order) for order in events.fills]
    if events.before != position_of(fold.cursor):
        fold.is_complete = False
    if not fold.since_us:
        fold.since_us = events.since_us
    changed: dict[str, int] = {}
    for instrument, order in traded:
        for execution in order.executions:
            _take(fold, instrument, order.side, execution, changed)
    for balance in events.balances:
        total = balance.available + balance.held
        before = fold.totals.get(balance.asset, 0)
        moved = total - before - changed.pop(balance.asset, 0)
        if moved:
            fold.deposited[balance.asset] = fold.deposited.get(balance.asset, 0) + moved
        fold.totals[balance.asset] = total
    fold.cursor = f"{header.seq}-{header.balance_seq}"


def _take(
    fold: Fold, instrument: Instrument, side: Side, fill: Execution, changed: dict[str, int]
) -> None:
    """Take a fill into position, cost and fee; record the units by which each asset changed."""
    market = fold.markets.setdefault(instrument.symbol, MarketFold())
    notional = fill.ticks * fill.lots
    sign = 1 if side is Side.BUY else -1
    base, quote = fill.lots * instrument.base_units, notional * instrument.quote_units
    received = instrument.base if side is Side.BUY else instrument.quote
    changed[instrument.base] = changed.get(instrument.base, 0) + sign * base
    changed[instrument.quote] = changed.get(instrument.quote, 0) - sign * quote
    changed[received] -= fill.fee_units
    if fill.fee_units:
        fold.fees[received] = fold.fees.get(received, 0) + fill.fee_units
    market.volume += notional
    market.trades += 1
    market.maker_trades += fill.liquidity is Liquidity.MAKER
    trade(market, sign * fill.lots, fill.ticks)


def trade(market: MarketFold, lots: int, ticks: int) -> None:
    """Add a trade to a position; negative lots are sold."""
    if market.lots * lots < 0:
        closed = min(abs(lots), abs(market.lots))
        sign = 1 if market.lots > 0 else -1
        # The cost of a short position is negative: the amount that the sale brought.
        cost = sign * (abs(market.cost) * closed // abs(market.lots))
        market.realised += sign * closed * ticks - cost
        market.lots -= sign * closed
        market.cost -= cost
        lots += sign * closed
    market.lots += lots
    market.cost += lots * ticks
