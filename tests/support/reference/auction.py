"""The uncross of the reference venue: tries every price, then makes the fills one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tapewire.values.types import (
    Fill,
    Liquidity,
    Lots,
    OrderStatus,
    SelfTradePrevention,
    Side,
    Ticks,
)
from tests.support.reference.accounts import ReferenceAccounts
from tests.support.reference.order import ReferenceOrder, Trade, opposite, within


@dataclass(frozen=True, slots=True)
class Uncross:
    """An uncross that has begun; orders that are due by `time_us` do not take part."""

    price: int | None
    time_us: int


@dataclass(frozen=True, slots=True)
class Head:
    """An order that a command has met, with its fills and prevented lots before the command."""

    order: ReferenceOrder
    fills: int
    prevented: int

    def is_amended(self) -> bool:
        """Whether the order is open and has lost lots in the command, without a trade.

        The time of its last change does not tell this: the next command may have the same time.
        """
        order = self.order
        return order.is_open and order.prevented > self.prevented and len(order.fills) == self.fills


class BudgetSpentError(Exception):
    """The command may meet no more orders."""


class Market(Protocol):
    """The members of a market for an uncross; the class is in `market`."""

    accounts: ReferenceAccounts
    trades: list[Trade]
    phase: list[int]
    fills_max: int
    now_us: int
    last_price: int | None
    met: int

    def queue(self, side: Side) -> list[ReferenceOrder]:
        """Resting orders of one side, the next one to trade first."""

    def is_crossed(self) -> bool:
        """Whether orders of the book would trade with each other."""

    def end(self, order: ReferenceOrder, status: OrderStatus, reason: str | None) -> None:
        """End an open order."""

    def end_partner(self, order: ReferenceOrder) -> None:
        """End the other order of its list, if it is open."""


def auction_price(
    bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]], last_price: int | None
) -> int | None:
    """The price of an uncross of orders given as price and lots; None if nothing would trade.

    Every price that could be is tried: largest volume, smallest surplus, nearest the last price.
    """
    if not bids or not asks:
        return None
    found: dict[int, tuple[int, int]] = {}
    for price in range(min(ask for ask, _ in asks), max(bid for bid, _ in bids) + 1):
        demand = sum(lots for bid, lots in bids if bid >= price)
        supply = sum(lots for ask, lots in asks if ask <= price)
        found[price] = (-min(demand, supply), abs(demand - supply))
    if not found or min(found.values())[0] == 0:
        return None
    equal = [price for price, rank in found.items() if rank == min(found.values())]
    if last_price is None:
        return (equal[0] + equal[-1]) // 2
    return min(equal, key=lambda price: abs(price - last_price))


def begin_uncross(market: Market) -> Uncross:
    """Fix the price."""
    bids, asks = (
        [
            (order.price or 0, order.left)
            for order in market.queue(side)
            if not order.is_due(market.now_us)
        ]
        for side in (Side.BUY, Side.SELL)
    )
    return Uncross(auction_price(bids, asks, market.last_price), market.now_us)


def go_on(market: Market, uncross: Uncross) -> bool:
    """Trade as far as the budget of one command allows; whether the uncross is over."""
    met: dict[Side, Head] = {}
    changed: list[ReferenceOrder] = []
    is_over = True
    try:
        if uncross.price is not None:
            try:
                _trade_crossing(market, uncross, met, changed)
            finally:
                # The remainders of these orders stay; the other orders of their lists end.
                for order in changed:
                    market.end_partner(order)
        _end_due(market, uncross)
    except BudgetSpentError:
        is_over = False
    for head in met.values():
        # An open order that lost lots without a trade is reported as amended.
        market.accounts.reports[head.order.account] += head.is_amended()
    return is_over


def _trade_crossing(
    market: Market,
    uncross: Uncross,
    met: dict[Side, Head],
    changed: list[ReferenceOrder],
) -> None:
    while True:
        for side in (Side.BUY, Side.SELL):
            if side not in met or not met[side].order.is_open:
                met.pop(side, None)
                order = _head(market, uncross, side)
                if order is None:
                    return
                met[side] = Head(order, len(order.fills), order.prevented)
        _meet(market, uncross, met[Side.BUY].order, met[Side.SELL].order)
        changed[:] = [head.order for head in met.values() if head.order.is_open]


def _meet_one_more(market: Market) -> None:
    if market.met >= max(2, market.fills_max):
        raise BudgetSpentError
    market.met += 1


def _head(market: Market, uncross: Uncross, side: Side) -> ReferenceOrder | None:
    while True:
        queue = market.queue(side)
        if not queue or not within(opposite(side), queue[0].price, uncross.price):
            return None
        _meet_one_more(market)
        if not queue[0].is_due(uncross.time_us):
            return queue[0]
        market.end(queue[0], OrderStatus.EXPIRED, "expired")


def _end_due(market: Market, uncross: Uncross) -> None:
    """End crossing orders whose time was over."""
    while market.is_crossed():
        _meet_one_more(market)
        heads = (market.queue(Side.BUY)[0], market.queue(Side.SELL)[0])
        due = next(order for order in heads if order.is_due(uncross.time_us))
        market.end(due, OrderStatus.EXPIRED, "expired")


def _meet(market: Market, uncross: Uncross, buyer: ReferenceOrder, seller: ReferenceOrder) -> None:
    assert uncross.price is not None
    lots = min(buyer.left, seller.left)
    older, newer = sorted((buyer, seller), key=lambda order: order.number)
    prevents = newer.command.self_trade_prevention is not SelfTradePrevention.NONE
    if buyer.account == seller.account and prevents:
        for order in (buyer, seller):
            order.prevented += lots
    else:
        _trade(market, uncross.price, lots, older, newer)
    for order in (buyer, seller):
        order.updated_us = market.now_us
        order.shown = min(order.command.display_lots or order.left, order.left)
        if order.left == 0:
            filled = order.executed == order.quantity
            status = OrderStatus.FILLED if filled else OrderStatus.EXPIRED
            market.end(order, status, None if filled else "self_trade")


def _trade(
    market: Market, price: int, lots: int, older: ReferenceOrder, newer: ReferenceOrder
) -> None:
    seq = len(market.trades) + 1
    buyer, seller = (older, newer) if older.side is Side.BUY else (newer, older)
    fees = market.accounts.settle(buyer, seller, price, lots, None)
    market.trades.append(
        Trade(
            seq, older.order_id, newer.order_id, price, lots, newer.side,
            fees[older.side], fees[newer.side], is_uncross=True,
        )
    )  # fmt: skip
    market.phase.append(price)
    market.last_price = price
    for order in (buyer, seller):
        market.accounts.reports[order.account] += 1
        order.executed += lots
        order.notional += lots * price
        order.status = OrderStatus.PARTIALLY_FILLED
        order.fills.append(
            Fill(seq, Ticks(price), Lots(lots), Liquidity.MAKER, market.now_us, fees[order.side])
        )
