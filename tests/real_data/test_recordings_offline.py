"""Real recordings against the naive price-time book: what a correct venue must score."""

from collections import Counter, defaultdict
from decimal import Decimal

from tapewire.replay.recording import Format, read_recording
from tapewire.replay.steps import Cancel, Enter, RecordedTrade, Step
from tests.support.recordings.market_data_samples import BITSTAMP, LOBSTER, LOBSTER_BOOK, sample
from tests.support.recordings.replay_score import Fills, exactly_filled, recorded_fills
from tests.support.reference.book import ReferenceBook

CENTS = 100
SATOSHIS = 100_000_000


class OfflineReplay:
    """A recording fed to the reference book, which stands for the venue."""

    def __init__(self, steps: list[Step], lots_per_unit: int) -> None:
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


def test_bitstamp_trades_are_the_recorded_ones() -> None:
    """Of 321 trades that the book makes of Bitstamp's orders, 315 are trades of Bitstamp."""
    recording = read_recording(sample(BITSTAMP))
    assert (recording.format, recording.symbol) == (Format.BITSTAMP, "BTC-USD")

    replay = OfflineReplay(recording.steps, SATOSHIS)

    assert replay.recorded.total() == 358
    assert len(replay.book.trades) == 321
    assert replay.trades_equal == 315
    cancels = [step for step in recording.steps if isinstance(step, Cancel) and step.remaining]
    # 14 deletions stand twice in the log; the data's own count of 14,417 has both of each.
    assert len(cancels) == 14_417 - 14
    assert replay.remainders_equal == 14_706
    assert replay.refused == {"order_closed": 310}


def test_lobster_orders_fill_as_nasdaq_filled_them() -> None:
    """Of 1,800 incoming orders 1,789 trade with NASDAQ's makers, prices and sizes, in order."""
    recording = read_recording(sample(LOBSTER), book_path=sample(LOBSTER_BOOK))
    assert (recording.format, recording.symbol) == (Format.LOBSTER, "AAPL")

    replay = OfflineReplay(recording.steps, 1)

    recorded = recorded_fills(recording.steps)
    assert len(recorded) == 1_800
    assert sum(len(fills) for fills in recorded.values()) == 2_260
    assert exactly_filled(recorded, replay.fills) == 1_789
    assert not replay.refused
    cancels = [step for step in recording.steps if isinstance(step, Cancel)]
    assert replay.remainders_equal == sum(step.remaining is not None for step in cancels)
