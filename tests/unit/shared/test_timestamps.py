"""Venue time as text."""

import pytest

from tapewire.values.timestamps import format_timestamp


@pytest.mark.parametrize(
    ("time_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_769_860_800_000_000, "2026-01-31T12:00:00.000000Z"),
        (4_102_444_799_999_999, "2099-12-31T23:59:59.999999Z"),
    ],
)
def test_microseconds_become_iso_text(time_us: int, text: str) -> None:
    """No microsecond is lost, and there are always six digits and a Z."""
    assert format_timestamp(time_us) == text
