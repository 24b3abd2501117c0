"""A recording played to the reference book, which is the model of a correct venue."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal

from tapewire.replay.steps import Cancel, Enter, RecordedTrade, Step
from tests.support.recordings.replay_score import Fills
from tests.support.reference.book import ReferenceBook

CENTS = 100
SATOSHIS = 100_000_000


class OfflineReplay:
    """A recording fed to the reference book, which stands for the venue."""

    def __init__(self, steps: Iterable[Step], lots_per_unit: int) -> None:
        """Play all steps; prices are in cents, quantities in parts of `lots_per_unit`."""
        self.book = ReferenceBook()
        self.fills: dict[str, Fills] = defaultdict(list)
        self.recorded: Counter[tuple[Decimal, Decimal]] = Counter()
        self.remainders_equal = 0
        self.refused: Counter[str] = Counter()
        self._lots_per_unit = lots_per_unit
        self._ids: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        for step in steps:
            self._play(step)

    @property
    def trades_equal(self) -> int:
        """Trades that equal a recorded one in price and quantity, one to one."""
        trades = Counter((price, size) for fills in self.fills.values() for _, price, size in fills)
        return (trades & self.recorded).total()

    def _play(self, step: Step) -> None:
        if isinstance(step, RecordedTrade):
            self.recorded[step.price, step.quantity] += 1
        elif isinstance(step, Enter):
            self._enter(step)
        elif isinstance(step, Cancel):
            self._cancel(step)
        else:
            raise AssertionError("these recordings amend nothing")

    def _enter(self, step: Enter) -> None:
        assert step.price is not None
        order_id = str(len(self._labels) + 1)
        self._ids[step.label] = order_id
        self._labels[order_id] = step.label
        lots = int(Decimal(step.quantity) * self._lots_per_unit)
        ticks = int(Decimal(step.price) * CENTS)
        for trade in self.book.submit(order_id, step.side, step.order_type, lots, ticks):
            self.fills[step.label].append(
                (
                    self._labels[trade.maker_id],
                    Decimal(trade.price_ticks) / CENTS,
                    Decimal(trade.quantity_lots) / self._lots_per_unit,
                )
            )

    def _cancel(self, step: Cancel) -> None:
        order = self.book.orders[self._ids[step.label]]
        refused = self.book.cancel(order.order_id)
        if refused is not None:
            self.refused[refused] += 1
        if step.remaining is not None:
            left = Decimal(order.remaining_lots) / self._lots_per_unit
            self.remainders_equal += left == step.remaining
