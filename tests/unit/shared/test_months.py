"""Calendar months as periods of candles."""

import pytest

from tapewire.market.candles import BINANCE_INTERVALS, DAY_S, MONTH
from tapewire.values.timestamps import parse_timestamp


def seconds(day: str) -> int:
    """Seconds since 1970 at the start of a day, UTC."""
    return parse_timestamp(f"{day}T00:00:00Z") // 1_000_000


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        ("2024-02-29", "2024-02-01", "2024-03-01"),
        ("2025-12-31", "2025-12-01", "2026-01-01"),
        ("2026-01-01", "2026-01-01", "2026-02-01"),
    ],
)
def test_a_month_has_its_own_length(day: str, start: str, end: str) -> None:
    """A month begins on its first day, and ends where the next one begins."""
    month, time_s = BINANCE_INTERVALS[MONTH], seconds(day) + DAY_S - 1
    assert month.start_s(time_s) == seconds(start)
    assert month.end_s(seconds(start)) == seconds(end)
    assert month.next_start_s(time_s) == seconds(end)
    assert month.next_start_s(seconds(start)) == seconds(start)
