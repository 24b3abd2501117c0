"""A real futures market, order by order, through the matching scripts on a real Redis.

Adds, cancels and changes of CME's E-mini S&P 500 go in as they came, changes as amends; every
incoming order must fill as it filled at CME, save where CME itself left price-time order.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tapewire.errors import TapewireError
from tapewire.matching.engine import Engine
from tapewire.replay.recording import Format, read_recording
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, Step
from tapewire.values.instruments import load_instruments
from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    Order,
    OrderCommand,
    OrderType,
    Symbol,
    Ticks,
    TimeInForce,
)
from tests.support.profile import NIGHTLY
from tests.support.recordings.market_data_samples import CME, sample
from tests.support.recordings.replay_score import Fills, exactly_filled, recorded_fills
from tests.support.venue import Venue, open_venue

pytestmark = pytest.mark.timeout(300)

INSTRUMENTS = Path(__file__).resolve().parents[2] / "docs/examples/replay-instruments.toml"
ES = Symbol("ESH4")
TICK = Decimal("0.25")
STEPS_PER_BATCH_MAX = 400


@dataclass(frozen=True, slots=True)
class Expected:
    """The figures of a recording from its start: those of CME, and what the venue reaches."""

    steps: int
    incoming: int
    trades: int
    exactly_filled: int
    at_same_price: int


# Both begin with the 8,836 orders of the seed. The part ends between two incoming orders.
PART = Expected(15_000, 352, 547, 351, 547)
WHOLE = Expected(36_578, 1_626, 3_005, 1_552, 3_004)


class EngineReplay:
    """Steps given to the engine in batches; a step that needs an id waits for the batch before."""

    def __init__(self, engine: Engine) -> None:
        self.orders: dict[str, Order] = {}
        self.labels: dict[str, str] = {}
        self.refused: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._engine = engine
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def play(self, steps: Iterable[Step]) -> None:
        """Give all steps to the engine, in order."""
        for step in steps:
            if isinstance(step, RecordedTrade):
                continue
            if step.label in self._pending or len(self._tasks) >= STEPS_PER_BATCH_MAX:
                await self._finish()
            task = asyncio.ensure_future(self._run(step))
            self._tasks.append(task)
            if isinstance(step, Enter):
                self._pending[step.label] = task
        await self._finish()

    async def _finish(self) -> None:
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        self._pending.clear()

    async def _run(self, step: Enter | Cancel | Amend) -> None:
        try:
            if isinstance(step, Enter):
                order = (await self._engine.place(order_command(step))).order
                self.labels[order.order_id] = step.label
            else:
                order = await self._change(step, self.orders[step.label])
            self.orders[step.label] = order
            self.done[type(step).__name__] += 1
        except TapewireError as error:
            self.refused[f"{type(step).__name__}: {error}"] += 1

    async def _change(self, step: Cancel | Amend, order: Order) -> Order:
        if isinstance(step, Cancel):
            return await self._engine.cancel(order.account, order.order_id)
        price = None if step.price is None else Ticks(int(Decimal(step.price) / TICK))
        amendment = Amendment(price, Lots(int(step.quantity)))
        return await self._engine.amend(order.account, order.order_id, amendment)


def order_command(step: Enter) -> OrderCommand:
    """The order of one step; buyers and sellers are never one account."""
    assert step.price is not None
    takes = step.order_type is OrderType.IOC
    return OrderCommand(
        account=Account(f"cme-{step.side}"),
        symbol=ES,
        side=step.side,
        order_type=step.order_type,
        time_in_force=TimeInForce.IOC if takes else TimeInForce.GTC,
        quantity_lots=Lots(int(step.quantity)),
        price_ticks=Ticks(int(Decimal(step.price) / TICK)),
    )


async def venue_fills(venue: Venue, labels: dict[str, str]) -> dict[str, Fills]:
    """What each incoming order traded, in the words of the recording."""
    fills: dict[str, Fills] = defaultdict(list)
    for trade in await venue.trades(ES):
        maker, taker = (labels[trade[f"{role}_order_id"]] for role in ("maker", "taker"))
        fills[taker].append((maker, Decimal(trade["price"]), Decimal(trade["quantity"])))
    return fills


async def test_cme_orders_fill_as_cme_filled_them(redis_url: str) -> None:
    """At least 1,552 of 1,626 incoming orders trade with CME's makers, prices and sizes.

    The default profile plays a part that has every kind of step.
    """
    recording = read_recording(sample(CME))
    assert (recording.format, recording.symbol) == (Format.CME, ES)
    assert len(recording.steps) == WHOLE.steps
    expected = WHOLE if NIGHTLY else PART
    steps = recording.steps[: expected.steps]
    recorded = recorded_fills(steps)
    async with open_venue(redis_url) as venue:
        await venue.engine.publish_instruments(load_instruments(INSTRUMENTS))
        await venue.engine.control_market(ES, open_orders_max=20_000)
        await venue.engine.ready()
        replay = EngineReplay(venue.engine)
        await replay.play(steps)
        fills = await venue_fills(venue, replay.labels)

    assert not replay.refused
    assert len(recorded) == expected.incoming
    assert sum(len(trades) for trades in recorded.values()) == expected.trades
    assert exactly_filled(recorded, fills) >= expected.exactly_filled
    # Nothing but the recorded incoming orders has taken, and no change was lost on the way.
    assert set(fills) <= set(recorded)
    assert replay.done["Amend"] == sum(isinstance(step, Amend) for step in steps)
    at_same_price = sum(
        fill[1] == wanted[1]
        for taker, trades in recorded.items()
        for fill, wanted in zip(fills[taker], trades, strict=False)
    )
    assert at_same_price >= expected.at_same_price
