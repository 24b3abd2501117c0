"""Real recordings against the naive price-time book: what a correct venue must score."""

from tapewire.replay.recording import Format, read_recording
from tapewire.replay.steps import Cancel
from tests.support.recordings.market_data_samples import BITSTAMP, LOBSTER, LOBSTER_BOOK, sample
from tests.support.recordings.offline_replay import SATOSHIS, OfflineReplay
from tests.support.recordings.replay_score import exactly_filled, recorded_fills


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
