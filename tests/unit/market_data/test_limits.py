"""Limits that contradict each other are refused when they are made."""

import pytest

from market_data.limits import FanoutLimits


def test_defaults_agree_with_each_other() -> None:
    """The constants form a valid set."""
    FanoutLimits()


def test_ring_must_hold_the_allowed_lag() -> None:
    """A lag limit above the ring size is refused."""
    with pytest.raises(ValueError, match="one batch"):
        FanoutLimits(lag_messages_max=100, batch_messages_max=10, ring_messages_max=109)


def test_ring_must_hold_one_write() -> None:
    """A ring smaller than one joined write is refused."""
    with pytest.raises(ValueError, match="joined write"):
        FanoutLimits(join_bytes_max=2, ring_bytes_max=1)


def test_limits_must_be_positive() -> None:
    """A limit of zero is refused."""
    with pytest.raises(ValueError, match="at least 1"):
        FanoutLimits(join_bytes_max=0)
