"""Sequences of few commands in which money is easily counted wrong, through both venues.

Random commands found the first of them or come upon them rarely; here they are played each time.
"""

import asyncio
from collections.abc import Sequence

import pytest

from tapewire.matching.command_limits import MatchingLimits
from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    OrderCommand,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)
from tests.support.reference.account_commands import CheckFunds, SetBounds, Withdraw
from tests.support.reference.machine_world import CAROL, OPENING_UNITS
from tests.support.reference.venue_audit import audit
from tests.support.reference.venue_commands import Amend, Place, PlaceList, Step
from tests.support.reference.venue_pair import Pair
from tests.support.venue import ALICE, BOB, BTC, listening, open_venue

CHECKED = MatchingLimits(funds_checked=True)
UNCHECKED = MatchingLimits()
DECREMENT = SelfTradePrevention.DECREMENT


def rest(account: Account, side: Side, lots: int, ticks: int) -> Step:
    """A limit order; with a reason to rest in the cases below."""
    return Step(
        Place(
            OrderCommand(
                account, BTC, side, OrderType.LIMIT, TimeInForce.GTC, Lots(lots), Ticks(ticks),
                revision=0,
            )
        )
    )  # fmt: skip


def take(
    account: Account,
    side: Side,
    lots: int | None,
    amount: int | None = None,
    mode: SelfTradePrevention = SelfTradePrevention.NONE,
) -> Step:
    """A market order by quantity or by amount."""
    quantity = None if lots is None else Lots(lots)
    return Step(
        Place(
            OrderCommand(
                account, BTC, side, OrderType.MARKET, TimeInForce.IOC, quantity,
                self_trade_prevention=mode, quote_notional=amount, revision=0,
            )
        )
    )  # fmt: skip


def stop(account: Account, side: Side, lots: int, ticks: int) -> Step:
    """A stop order without a price."""
    return Step(
        Place(
            OrderCommand(
                account, BTC, side, OrderType.STOP, TimeInForce.GTC, Lots(lots),
                stop_price_ticks=Ticks(ticks), revision=0,
            )
        )
    )  # fmt: skip


def keep(account: Account, asset: str, units: int) -> Step:
    """Leave an account so much of what it began with."""
    return Step(Withdraw(account, asset, OPENING_UNITS[asset] - units))


# Three and a half lots at 100 ticks cost 3,500 USDT units; a lot of BTC is 1,000 units.
CASES = {
    "a bound of zero open orders is none": [
        Step(SetBounds(ALICE, BTC, open_orders_max=0)),
        rest(ALICE, Side.BUY, 1, 100),
    ],
    "what is prevented costs nothing": [
        keep(ALICE, "USDT", 3_500),
        rest(ALICE, Side.SELL, 10, 100),
        take(ALICE, Side.BUY, 10, mode=DECREMENT),
    ],
    "what is prevented leaves money for the next maker": [
        keep(ALICE, "USDT", 3_500),
        rest(ALICE, Side.SELL, 2, 100),
        rest(BOB, Side.SELL, 10, 100),
        take(ALICE, Side.BUY, 10, mode=DECREMENT),
    ],
    "what is prevented of a sale by amount needs no lots": [
        keep(ALICE, "BTC", 3_300),
        rest(ALICE, Side.BUY, 10, 100),
        rest(BOB, Side.BUY, 1, 99),
        take(ALICE, Side.SELL, None, 900, mode=DECREMENT),
    ],
    "money ends a purchase in the middle of a maker": [
        keep(ALICE, "USDT", 3_500),
        rest(BOB, Side.SELL, 2, 100),
        rest(CAROL, Side.SELL, 2, 101),
        take(ALICE, Side.BUY, 4),
    ],
    "lots end a sale by amount in the middle of a maker": [
        keep(ALICE, "BTC", 3_999),
        rest(BOB, Side.BUY, 5, 100),
        take(ALICE, Side.SELL, None, 450),
    ],
    "a stop without a price spends what is there when it is set off": [
        rest(BOB, Side.SELL, 1, 100),
        rest(BOB, Side.SELL, 9, 101),
        stop(ALICE, Side.BUY, 9, 100),
        keep(ALICE, "USDT", 3_500),
        take(CAROL, Side.BUY, 1),
    ],
    "a worse price needs the difference only": [
        keep(ALICE, "USDT", 3_030),
        rest(ALICE, Side.BUY, 3, 100),
        Step(Amend(0, Amendment(price_ticks=Ticks(101), revision=0))),
        Step(Amend(0, Amendment(price_ticks=Ticks(102), revision=0))),
    ],
}
OWING = {
    "who owes something spends nothing once money is asked for": [
        rest(BOB, Side.SELL, 1, 100),
        rest(BOB, Side.SELL, 9, 101),
        stop(ALICE, Side.BUY, 9, 100),
        rest(ALICE, Side.BUY, 20, 99),
        Step(CheckFunds(checked=True)),
        take(CAROL, Side.BUY, 1),
    ],
    "who owes something may ask for less": [
        rest(ALICE, Side.BUY, 20, 99),
        Step(CheckFunds(checked=True)),
        Step(Amend(0, Amendment(price_ticks=Ticks(98), revision=0))),
        rest(ALICE, Side.BUY, 1, 90),
    ],
}


async def play(url: str, limits: MatchingLimits, commands: Sequence[Step]) -> Pair:
    """Run the commands through both venues; raises AssertionError at the first difference."""
    async with open_venue(url) as venue, listening(url) as listener:
        pair = Pair(venue, limits)
        await pair.run(commands)
        await audit(pair, listener)
        return pair


@pytest.mark.parametrize("name", CASES)
def test_money_is_counted_like_the_reference_counts_it(redis_url: str, name: str) -> None:
    """Replies, trades and balances are those of the reference; nothing is below zero."""
    asyncio.run(play(redis_url, CHECKED, CASES[name]))


@pytest.mark.parametrize("name", OWING)
def test_debts_of_a_time_without_checks(redis_url: str, name: str) -> None:
    """When money is asked for again, an account below zero gets no deeper into debt."""
    pair = asyncio.run(play(redis_url, UNCHECKED, OWING[name]))
    assert pair.reference.accounts.available(ALICE, "USDT") < 0


def test_no_round_waits_for_a_stop_that_its_list_has_ended(redis_url: str) -> None:
    """The last stop of a budget ends the other one of its list: the next order waits for none."""

    def one_of_two(order_type: OrderType, limit_ticks: int, ticks: int) -> OrderCommand:
        return OrderCommand(
            CAROL, BTC, Side.BUY, order_type, TimeInForce.GTC, Lots(3), Ticks(limit_ticks),
            stop_price_ticks=Ticks(ticks), revision=0,
        )  # fmt: skip

    commands = [
        rest(ALICE, Side.BUY, 1, 102),
        Step(
            PlaceList(
                one_of_two(OrderType.TAKE_PROFIT_LIMIT, 103, 103),
                one_of_two(OrderType.STOP_LIMIT, 104, 102),
                lifetime_us=2,
            )
        ),
        # The trade reaches both stop prices; the command runs one stop.
        take(BOB, Side.SELL, 1),
        rest(BOB, Side.BUY, 1, 99),
    ]
    asyncio.run(play(redis_url, MatchingLimits(stops_per_command_max=1), commands))
