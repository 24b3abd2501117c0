"""Venue time as text: ISO 8601 UTC with microseconds."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET_CHARACTERS = len("+00:00")


def format_timestamp(time_us: int) -> str:
    """Microseconds since 1970 UTC as `2026-01-31T12:00:00.000001Z`."""
    text = (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds")
    return f"{text[:-_OFFSET_CHARACTERS]}Z"


def parse_timestamp(text: str) -> int:
    """ISO 8601 with an offset, as microseconds since 1970 UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not say its offset from UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)
