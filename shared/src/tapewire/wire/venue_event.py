"""Events for all clients of a venue, as published on `venue_events` and sent as `venue` messages.

A gateway publishes an event when the organiser sends a notice, and when a round is announced,
moved, opened or closed.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tapewire.errors import MessageError
from tapewire.limits import NOTICE_CHARACTERS_MAX, ROUND_NAME_CHARACTERS_MAX, VENUE_EVENT_BYTES_MAX
from tapewire.values.types import Symbol
from tapewire.wire.members import Timestamp


class Notice(Struct, frozen=True, gc=False):
    """A message of the organiser to all traders."""

    notice_id: Annotated[str, Meta(min_length=1, max_length=64)]
    text: Annotated[str, Meta(min_length=1, max_length=NOTICE_CHARACTERS_MAX)]
    timestamp: Timestamp


class RoundInfo(Struct, frozen=True, gc=False):
    """A round: markets open at its start and close at its end."""

    number: Annotated[int, Meta(ge=1)]
    name: Annotated[str, Meta(max_length=ROUND_NAME_CHARACTERS_MAX)]
    state: Literal["scheduled", "running", "ended"]
    starts_at: Timestamp
    ends_at: Timestamp
    closed_state: Annotated[
        Literal["cancel_only", "halted"],
        Meta(description="The state of the markets before and after the round"),
    ]
    cancel_orders: Annotated[bool, Meta(description="Whether its end cancels every open order")]
    symbols: Annotated[list[Symbol], Meta(description="Markets of the round; empty: all")]
    auction_ends_at: Annotated[
        Timestamp | None,
        Meta(description="The round begins with an auction, which ends then; null: without one"),
    ] = None


class VenueEvent(Struct, frozen=True, gc=False):
    """Exactly the member that `change` names is there."""

    change: Literal["notice", "round"]
    timestamp: Timestamp
    epoch: Annotated[str, Meta(max_length=64)]
    notice: Notice | None = None
    round: RoundInfo | None = None


_DECODER = msgspec.json.Decoder(VenueEvent)


def decode_venue_event(payload: bytes) -> VenueEvent:
    """Read one published event. Raises MessageError for a payload that is none."""
    if len(payload) > VENUE_EVENT_BYTES_MAX:
        raise MessageError(f"a venue event of {len(payload)} bytes is over the limit")
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"not a venue event: {error}") from None
