"""Runs of random commands: single ones, and a few that make sense only one after the other."""

from hypothesis import strategies as st

from tapewire.values.types import (
    Lots,
    MarketState,
    OrderCommand,
    OrderType,
    Side,
    TimeInForce,
)
from tests.support.reference.account_commands import CheckFunds, Withdraw
from tests.support.reference.machine_world import ACCOUNTS, INSTRUMENTS
from tests.support.reference.venue_commands import (
    COMMANDS,
    ChangeInstrument,
    Control,
    Delist,
    Place,
    Step,
    clock_changes,
    collected_orders,
    few_lots,
    modes,
    prices,
    sides,
    symbols,
)

_choices = st.integers(0, len(COMMANDS) + 14)


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """One step, or sometimes none: a failing list shrinks to nones; or a few that need another."""
    choice = draw(_choices) - len(COMMANDS)
    if choice == 14:
        return draw(_delistings())
    if choice >= 0:
        return draw(_auctions()) if choice >= 10 else draw(_pinches()) if choice % 2 else ()
    return (Step(draw(COMMANDS[choice + len(COMMANDS)]), draw(clock_changes)),)


@st.composite
def _auctions(draw: st.DrawFn) -> tuple[Step, ...]:
    """An auction that collects some orders, most of them limit orders, and ends."""
    symbol = draw(symbols)
    orders = draw(st.lists(collected_orders(symbol), min_size=2, max_size=9))
    state = draw(st.sampled_from([MarketState.TRADING] * 6 + [*MarketState]))
    return (
        Step(Control(symbol, MarketState.AUCTION)),
        *(Step(order, draw(clock_changes)) for order in orders),
        Step(Control(symbol, state), draw(clock_changes)),
    )


@st.composite
def _delistings(draw: st.DrawFn) -> tuple[Step, ...]:
    """An instrument is taken off the list, a few commands come, and it is listed again."""
    symbol = draw(symbols)
    meanwhile = draw(st.lists(st.sampled_from(COMMANDS).flatmap(lambda one: one), max_size=4))
    return (
        Step(Delist(symbol), draw(clock_changes)),
        *(Step(command, draw(clock_changes)) for command in meanwhile),
        Step(ChangeInstrument(symbol, lists_again=True), draw(clock_changes)),
    )


@st.composite
def _pinches(draw: st.DrawFn) -> tuple[Step, ...]:
    """An order without a price that finds more to trade than its account can pay."""
    poor, rich = draw(st.permutations(ACCOUNTS))[:2]
    symbol, side = draw(symbols), draw(sides)
    instrument = INSTRUMENTS[symbol]
    buys = side is Side.BUY
    asset = instrument.quote if buys else instrument.base
    lot_units = instrument.quote_units * 100 if buys else instrument.base_units
    leaves = draw(st.integers(1, 6)) * lot_units + draw(st.sampled_from([0, 1, lot_units - 1]))
    maker = OrderCommand(
        rich, symbol, Side.SELL if buys else Side.BUY, OrderType.LIMIT, TimeInForce.GTC,
        Lots(draw(st.integers(2, 9))), draw(prices), revision=0,
    )  # fmt: skip
    # A buy by amount and a sell by quantity would be refused: they say what they need.
    taker = OrderCommand(
        poor, symbol, side, OrderType.MARKET, TimeInForce.IOC,
        draw(few_lots) if buys else None, None, self_trade_prevention=draw(modes),
        quote_notional=None if buys else draw(st.integers(100, 1_500)), revision=0,
    )  # fmt: skip
    return (
        Step(Withdraw(poor, asset, 0, leaves=leaves)),
        Step(Place(maker), draw(clock_changes)),
        Step(Place(taker)),
    )


@st.composite
def switching_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """The same in a venue that sometimes begins to ask for money, or no longer does."""
    if draw(st.integers(0, 19)) == 19:
        return (Step(CheckFunds(draw(st.booleans()))),)
    return draw(steps())


def runs(
    of_steps: st.SearchStrategy[tuple[Step, ...]], length_min: int, length_max: int
) -> st.SearchStrategy[list[Step]]:
    """Lists of commands, long or left out: shrinking leaves what matters."""
    return st.lists(of_steps, min_size=length_min, max_size=length_max).map(
        lambda drawn: [step for group in drawn for step in group]
    )
