"""The lag policies: pure functions over the messages that a slow client has not been sent.

disconnect  an error that names the numbers to resume from, then close code 4008
skip        every dropped message is counted in an exact gap notice, then on from the newest
conflate    latest-state channels keep their newest message, the others get an exact gap notice

Messages without a note (acknowledgements, snapshots, errors) are never dropped.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from market_data.errors import CloseCode
from market_data.fanout.ring import Entry, Note
from market_data.topics import (
    ACCOUNT_CHANNELS,
    BALANCES,
    BOOK_DEPTHS,
    RESUMED_CHANNELS,
    STATE_CHANNELS,
    Topic,
    seq_name,
)
from tapewire.web.websocket_frames import json_frame

SLOW_CONSUMER_CLOSE_CODE = CloseCode.SLOW_CONSUMER
SLOW_CONSUMER_CODE = "slow_consumer"


class LagPolicy(StrEnum):
    """The wish of a client in `on_lag`."""

    DISCONNECT = "disconnect"
    SKIP = "skip"
    CONFLATE = "conflate"


class Thinned(NamedTuple):
    """The entries left to send, the gaps in them, and the number of dropped messages."""

    entries: list[Entry]
    gaps: list[Note]
    dropped: int


def thin(entries: Iterable[Entry], policy: LagPolicy) -> Thinned:
    """Drop undelivered entries as the policy allows, and return the exact missing ranges.

    Of messages without a number the newest per topic survives, with `conflate` also of the channels
    in STATE_CHANNELS; other numbered messages become gap notices. A notice covers one unbroken run
    and stands where the run ends; an earlier notice that the run continues is merged into it.
    """
    state_channels = STATE_CHANNELS if policy is LagPolicy.CONFLATE else frozenset[str]()
    kept: list[Entry | None] = []
    newest: dict[tuple[str, str, bool], int] = {}
    dropped = 0
    for frame, note in entries:
        if note is None:
            kept.append((frame, None))
            continue
        is_state = note.first_seq is None or (note.channel in state_channels and not note.is_gap)
        key = (note.channel, note.symbol, is_state)
        slot = newest.get(key)
        if is_state:
            if slot is not None:
                kept[slot] = None
                dropped += 1
            kept.append((frame, note))
        else:
            dropped += not note.is_gap
            gap = note._replace(is_gap=True)
            earlier = kept[slot] if slot is not None else None
            run = earlier[1] if earlier is not None else None
            if slot is not None and run is not None and continues(run, note):
                kept[slot] = None
                gap = gap._replace(first_seq=run.first_seq)
            kept.append((b"", gap))
        newest[key] = len(kept) - 1
    thinned: list[Entry] = []
    gaps: list[Note] = []
    for entry in kept:
        if entry is None:
            continue
        frame, note = entry
        if note is not None and note.is_gap:
            gaps.append(note)
            frame = gap_frame(note)
        thinned.append((frame, note))
    return Thinned(thinned, gaps, dropped)


def continues(previous: Note, note: Note) -> bool:
    """Whether a note starts right after an earlier one of the same topic ended."""
    return previous.last_seq is not None and previous.last_seq + 1 == note.first_seq


def states_to_renew(gaps: Iterable[Note], policy: LagPolicy) -> list[Topic]:
    """The topics with a gap whose present state the client gets again.

    Balances under every policy, books if the client conflates.
    """
    return [
        (gap.channel, gap.symbol)
        for gap in gaps
        if gap.channel == BALANCES or (policy is LagPolicy.CONFLATE and gap.channel in BOOK_DEPTHS)
    ]


def resume_points(entries: Iterable[Entry]) -> dict[str, int]:
    """By name of every topic with undelivered messages: the last number before them."""
    points: dict[str, int] = {}
    for _, note in entries:
        if note is not None and note.channel in RESUMED_CHANNELS and note.first_seq is not None:
            points.setdefault(seq_name((note.channel, note.symbol)), note.first_seq - 1)
    return points


def gap_frame(gap: Note) -> bytes:
    """The `gap` message: the numbers that a client will not get, both ends included."""
    return json_frame(
        {
            "type": "gap",
            "channel": gap.channel,
            "account" if gap.channel in ACCOUNT_CHANNELS else "symbol": gap.symbol,
            "from": gap.first_seq,
            "to": gap.last_seq,
        }
    )


def slow_consumer_frame(since: dict[str, int]) -> bytes:
    """The error before a disconnect; to resume, a client sends `since` back unchanged."""
    return json_frame(
        {
            "type": "error",
            "code": SLOW_CONSUMER_CODE,
            "message": "the client reads slower than the feed; reconnect and resume from since",
            "since": since,
        }
    )
