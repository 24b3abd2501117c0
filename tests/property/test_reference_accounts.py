"""The oracle's own laws of money, without the real venue: what it says must add up by itself.

After every random command: nothing is made or lost, nobody owes what was checked, and what a trade
moves is what was agreed less fees that are never rounded in favour of who pays them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tapewire.values.types import Instrument, Side, Symbol
from tests.support.profile import NIGHTLY
from tests.support.reference.accounts import FEES
from tests.support.reference.auction import Uncross
from tests.support.reference.command_runs import runs, steps
from tests.support.reference.machine_world import (
    ACCOUNTS,
    ASSETS,
    DAVE,
    INSTRUMENTS,
    SYMBOLS,
    opening_balances,
)
from tests.support.reference.order import PPM, Refused
from tests.support.reference.venue import ReferenceVenue
from tests.support.reference.venue_calls import call_reference, resolve
from tests.support.reference.venue_commands import Amend, Place, Step

EVERYBODY = (*ACCOUNTS, DAVE, FEES)
RUNS = runs(steps(), 30, 90)


@dataclass(slots=True)
class Run:
    """The reference alone, and which orders and amends it refused."""

    funds_checked: bool
    wealth: int
    fills_max: int = 10_000
    venue: ReferenceVenue = field(init=False)
    instruments: dict[Symbol, Instrument] = field(init=False)
    clock_us: int = 1_000_000
    refusals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Everyone begins with the same."""
        self.instruments = dict(INSTRUMENTS)
        self.venue = ReferenceVenue(
            self.instruments, self.fills_max, 1_000, funds_checked=self.funds_checked
        )
        for account in ACCOUNTS:
            for asset, units in opening_balances(self.wealth).items():
                self.venue.accounts.deposit(account, asset, units)

    def step(self, step: Step) -> None:
        """Give it one command, and remember if an order was refused."""
        self.clock_us = max(1, self.clock_us + step.clock_change_us)
        call = resolve(step.command, self.clock_us, self.venue, self.instruments)
        try:
            call_reference(self.venue, call)
        except Refused as refused:
            if isinstance(step.command, Place | Amend):
                self.refusals.append(refused.code)

    def check(self) -> None:
        """Conservation, and what may not be below zero."""
        accounts = self.venue.accounts
        for asset in ASSETS:
            balances = [accounts.balance(account, asset) for account in EVERYBODY]
            assert sum(item.available + item.held for item in balances) == accounts.supply[asset]
            assert all(item.held >= 0 and item.incoming >= 0 for item in balances)
            assert accounts.owned[FEES, asset] >= 0
            if self.funds_checked:
                assert all(item.available >= 0 for item in balances)


# An example is a long run of orders.
RUNS_MAX = settings().max_examples if NIGHTLY else settings().max_examples // 2


@settings(max_examples=RUNS_MAX)
@given(
    checked=st.booleans(),
    wealth=st.sampled_from([1, 1, 2, 5]),
    fills_max=st.sampled_from([4, 10_000]),
    commands=RUNS,
)
def test_the_reference_keeps_the_laws_of_money(
    checked: bool, wealth: int, fills_max: int, commands: Sequence[Step]
) -> None:
    """Money is neither made nor lost, fees are exact, no order costs more than it says."""
    run = Run(checked, wealth, fills_max)
    for command in commands:
        run.step(command)
        run.check()
    event("money ran out" if "insufficient_funds" in run.refusals else "money lasted")
    if not checked:
        assert "insufficient_funds" not in run.refusals
        assert all(order.reason != "insufficient_funds" for order in run.venue.orders.values())
    check_fees(run)
    check_costs(run)
    check_end(run)


def test_a_run_may_end_in_an_uncross_and_with_a_delisted_instrument() -> None:
    """Such markets refuse commands, and their orders are canceled all the same."""
    run = Run(funds_checked=True, wealth=1)
    crossing, delisted, *_ = run.venue.markets.values()
    crossing.uncross = Uncross(97, run.clock_us)
    run.venue.delist(delisted.symbol, run.clock_us)
    check_end(run)


def check_fees(run: Run) -> None:
    """After each fill an order has paid the exact fee or less than a unit more.

    The fee account has all of them.
    """
    collected: dict[str, int] = dict.fromkeys(ASSETS, 0)
    for order in run.venue.orders.values():
        instrument = run.instruments[order.symbol]
        taken, due = 0, Fraction(0)
        for fill in order.fills:
            if order.side is Side.BUY:
                asset, units = instrument.base, fill.quantity_lots * instrument.base_units
            else:
                asset = instrument.quote
                units = fill.quantity_lots * fill.price_ticks * instrument.quote_units
            rate = order.maker_fee_ppm if fill.liquidity == "maker" else order.taker_fee_ppm
            taken, due = taken + fill.fee_units, due + Fraction(units * rate, PPM)
            assert 0 <= taken - due < 1
            collected[asset] += fill.fee_units
    assert collected == {asset: run.venue.accounts.owned[FEES, asset] for asset in ASSETS}


def check_costs(run: Run) -> None:
    """A buy with a price or an amount pays no more than that; a sell gives no more lots."""
    for order in run.venue.orders.values():
        assert order.quantity is not None
        assert order.executed + order.prevented <= order.quantity
        if order.command.quote_notional is not None:
            assert order.notional <= order.command.quote_notional
    assert all(symbol in run.venue.markets for symbol in SYMBOLS)


def check_end(run: Run) -> None:
    """When everything is canceled, nothing is held and nothing awaited; all is available again."""
    for market in run.venue.markets.values():
        # No command: an uncross that is not over, or a delisting, would refuse it.
        market.begin(run.clock_us)
        for order in [*market.book, *market.stops]:
            market.end(order, order.status, None)
    accounts = run.venue.accounts
    for account in EVERYBODY:
        for asset in ASSETS:
            balance = accounts.balance(account, asset)
            assert (balance.held, balance.incoming) == (0, 0)
            assert balance.available == accounts.owned[account, asset]
