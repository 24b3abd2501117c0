"""The decisions of the crowd. Pure: the same seed and answers give the same decisions.

Makers quote both sides around a fair price that drifts. Takers trade with the quotes at random
times. Each maker has a fixed set of slots with at most one open order each, so that the number of
open orders is bounded.
"""

from dataclasses import dataclass
from random import Random

from tapewire.crowd.examples import example_price_ticks, example_quantity_lots
from tapewire.values.types import Account, Instrument, Lots, OrderType, Side, Symbol, Ticks

MAKERS = tuple(Account(name) for name in ("maker-ada", "maker-bo", "maker-cy"))
TAKERS = tuple(Account(name) for name in ("taker-di", "taker-ed", "taker-flo", "taker-gus"))
LEVELS = 4
TAKER_PERCENT = 30
MARKET_ORDER_PERCENT = 40

# Parts per 100,000 of the fair price.
DRIFT_STEP = 5
HALF_SPREAD = 10
LEVEL_STEP = 15
PARTS = 100_000
DRIFT_FACTOR_MAX = 2  # The fair price stays between half and twice its first value.

QUANTITY_PARTS = 5


@dataclass(slots=True)
class Slot:
    """The place of one quote of a maker; `order_id` is None while no order rests."""

    account: Account
    instrument: Instrument
    side: Side
    level: int
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One order to place. `slot` is None for a taker. The old order of a slot is canceled first."""

    account: Account
    instrument: Instrument
    side: Side
    order_type: OrderType
    quantity_lots: Lots
    price_ticks: Ticks | None
    slot: Slot | None


class Crowd:
    """Makers and takers of a few instruments."""

    def __init__(self, instruments: list[Instrument], seed: int) -> None:
        self._random = Random(seed)
        self._start: dict[Symbol, int] = {i.symbol: example_price_ticks(i) for i in instruments}
        self._fair = dict(self._start)
        self._instruments = instruments
        self.slots = [
            Slot(account, instrument, side, level)
            for account in MAKERS
            for instrument in instruments
            for side in Side
            for level in range(LEVELS)
        ]

    def next_intent(self) -> Intent:
        """Move the fair price of an instrument a little; returns the next order."""
        if self._random.randrange(100) < TAKER_PERCENT:
            return self._take()
        return self._quote()

    def _quote(self) -> Intent:
        empty = [slot for slot in self.slots if slot.order_id is None]
        slot = self._random.choice(empty or self.slots)
        instrument = slot.instrument
        fair = self._drift(instrument)
        away = max(1 + slot.level, fair * (HALF_SPREAD + slot.level * LEVEL_STEP) // PARTS)
        away += self._random.randrange(away)
        price = fair - away if slot.side is Side.BUY else fair + away
        price = _within(price, instrument)
        quantity = self._quantity_lots(instrument, price)
        return Intent(
            slot.account, instrument, slot.side, OrderType.LIMIT, quantity, Ticks(price), slot
        )

    def _take(self) -> Intent:
        instrument = self._random.choice(self._instruments)
        account = self._random.choice(TAKERS)
        side = self._random.choice(list(Side))
        fair = self._drift(instrument)
        if self._random.randrange(100) < MARKET_ORDER_PERCENT:
            quantity = self._quantity_lots(instrument, fair)
            return Intent(account, instrument, side, OrderType.MARKET, quantity, None, None)
        reach = max(LEVELS, fair * 2 * (HALF_SPREAD + LEVEL_STEP) // PARTS)
        price = _within(fair + reach if side is Side.BUY else fair - reach, instrument)
        quantity = self._quantity_lots(instrument, price)
        return Intent(account, instrument, side, OrderType.IOC, quantity, Ticks(price), None)

    def _drift(self, instrument: Instrument) -> int:
        fair, start = self._fair[instrument.symbol], self._start[instrument.symbol]
        step = max(1, fair * DRIFT_STEP // PARTS)
        fair += self._random.randint(-step, step)
        lowest, highest = start // DRIFT_FACTOR_MAX, start * DRIFT_FACTOR_MAX
        self._fair[instrument.symbol] = max(1, lowest, min(fair, highest))
        return self._fair[instrument.symbol]

    def _quantity_lots(self, instrument: Instrument, price: int) -> Lots:
        """A part of the example quantity that is valid at `price`."""
        whole = example_quantity_lots(instrument, Ticks(price))
        part = whole * self._random.randint(1, QUANTITY_PARTS) // QUANTITY_PARTS
        if part < instrument.quantity_lots_min or part * price < instrument.notional_min:
            return whole
        return Lots(part)


def _within(price: int, instrument: Instrument) -> int:
    return max(1, min(price, instrument.price_ticks_max))
