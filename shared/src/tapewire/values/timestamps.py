"""Venue time as text: ISO 8601 UTC with microseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 1_000_000
_SECONDS_KEPT = 1_024


def format_timestamp(time_us: int) -> str:
    """Microseconds since 1970 UTC as `2026-01-31T12:00:00.000001Z`."""
    seconds, fraction_us = divmod(time_us, _MICROSECONDS)
    return f"{_second(seconds)}.{fraction_us:06d}Z"


@lru_cache(_SECONDS_KEPT)
def _second(seconds: int) -> str:
    """Cached text of a second, because most timestamps in a row share a few seconds."""
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def parse_timestamp(text: str) -> int:
    """ISO 8601 with an offset, as microseconds since 1970 UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not say its offset from UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)
