"""What happens to a client that has fallen too far behind: pure functions over what it missed.

disconnect  an error that names the sequences to resume from, then close code 4008
skip        every dropped message is counted in an exact gap notice, then on from the newest
conflate    latest-state channels keep their newest message, the others get an exact gap notice

Messages without a note (acknowledgements, snapshots, errors) are never dropped.
"""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from market_data.fanout.ring import Entry, Note

SLOW_CONSUMER_CLOSE_CODE = 4008
SLOW_CONSUMER_CODE = "slow_consumer"

TRADES = "trades"
ORDERS = "orders"
BALANCES = "balances"
ACCOUNT_CHANNELS = frozenset({ORDERS, BALANCES})
"""Channels of one account; where others have a symbol, their topics have the account."""

STATE_CHANNELS = frozenset({"bbo"})
"""Sequenced channels whose newest message per symbol replaces all earlier ones.

Messages without a sequence (snapshots, candles, heartbeats) are treated so in any case."""

RESUME_CHANNELS = frozenset({TRADES, ORDERS})
"""The channels whose sequences a client resumes from."""


class LagPolicy(StrEnum):
    """What a client asked for with `on_lag`."""

    DISCONNECT = "disconnect"
    SKIP = "skip"
    CONFLATE = "conflate"


class Thinned(NamedTuple):
    """What is left to send, the gaps in it, and how many messages were dropped."""

    entries: list[Entry]
    gaps: list[Note]
    dropped: int


def thin(
    entries: Iterable[Entry],
    state_channels: frozenset[str],
    encode: Callable[[bytes], bytes],
) -> Thinned:
    """Drop what may be dropped from undelivered entries and say exactly what is missing.

    Of a channel in `state_channels`, and of messages without a sequence, the newest per symbol
    survives; other sequenced messages become gap notices. A notice covers one unbroken run and
    stands where the run ends; an earlier notice that the run continues is merged into it.
    """
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
            frame = encode(gap_message(note))
        thinned.append((frame, note))
    return Thinned(thinned, gaps, dropped)


def continues(previous: Note, note: Note) -> bool:
    """Tell whether a note starts right after an earlier one of the same topic ended."""
    return previous.last_seq is not None and previous.last_seq + 1 == note.first_seq


def seq_name(channel: str, symbol: str) -> str:
    """What a client calls the sequence of a topic: the symbol for trades, else the channel."""
    return symbol if channel == TRADES else channel


def resume_points(entries: Iterable[Entry]) -> dict[str, int]:
    """Return, by name of what has something undelivered, the last sequence before it."""
    points: dict[str, int] = {}
    for _, note in entries:
        if note is not None and note.channel in RESUME_CHANNELS and note.first_seq is not None:
            points.setdefault(seq_name(note.channel, note.symbol), note.first_seq - 1)
    return points


def gap_message(gap: Note) -> bytes:
    """Return the JSON that tells a client which sequences it will not get, both ends included."""
    return encode_json(
        {
            "type": "gap",
            "channel": gap.channel,
            "account" if gap.channel in ACCOUNT_CHANNELS else "symbol": gap.symbol,
            "from": gap.first_seq,
            "to": gap.last_seq,
        }
    )


def slow_consumer_message(since: dict[str, int]) -> bytes:
    """Return the JSON error of a disconnect; `since` can be sent back as it is to resume."""
    return encode_json(
        {
            "type": "error",
            "code": SLOW_CONSUMER_CODE,
            "message": "the client reads slower than the feed; reconnect and resume from since",
            "since": since,
        }
    )


def encode_json(message: dict[str, object]) -> bytes:
    """Return compact JSON in UTF-8."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
