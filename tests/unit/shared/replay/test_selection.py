"""Which steps are played, and what is said of a comparison."""

from decimal import Decimal

import pytest

from tapewire.replay.recording import Format, Recording
from tapewire.replay.selection import caveats, check_times, choose_steps
from tapewire.replay.steps import Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side

SEED = Enter(0, "seed", Side.BUY, OrderType.LIMIT, "1", "98", is_seed=True)
BUY = Enter(1, "b", Side.BUY, OrderType.LIMIT, "2", "99")
TRADE = RecordedTrade(2, Decimal(99), Decimal(1))
CANCEL = Cancel(3, "b")
STEPS: list[Step] = [SEED, BUY, TRADE, TRADE, CANCEL, TRADE]


def recording(caveat: str | None = None) -> Recording:
    """All steps."""
    return Recording(Format.CSV, None, STEPS, caveat=caveat)


def test_the_limit_counts_requests() -> None:
    """Seed and recorded trades do not use it up, and trades of the last request still count."""
    assert choose_steps(recording(), seed=True, limit=None) == STEPS
    assert choose_steps(recording(), seed=True, limit=1) == [SEED, BUY, TRADE, TRADE]
    assert choose_steps(recording(), seed=False, limit=2) == STEPS[1:]


def test_a_comparison_that_means_nothing_is_named() -> None:
    """A file that is too shallow, and a replay without the seed."""
    assert list(caveats(recording(), seed=True)) == []
    assert list(caveats(recording("shallow"), seed=True)) == ["shallow"]
    (reason,) = caveats(recording(), seed=False)
    assert reason == "the replay began without the book that the recording began with"


def test_a_start_keeps_every_step_within_venue_time() -> None:
    """The last step may be at the latest venue time, and the first at 1970."""
    check_times(recording(), 2**53 - CANCEL.time_us)
    check_times(recording(), 0)
    for start_us in (2**53 - CANCEL.time_us + 1, -1):
        with pytest.raises(ReplayError, match="outside of venue time"):
            check_times(recording(), start_us)
