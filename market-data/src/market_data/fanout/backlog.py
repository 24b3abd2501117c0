"""Messages queued for one client alone, sent before those of its ring. Pure.

Entries are *ready* to go out next, or *kept back* by a hold until a replay has gone out before
them. Private messages, replays and the rest of an old ring keep their place in the stream this way.
"""

from collections.abc import Iterable, Mapping

from market_data.fanout.lag import LagPolicy, Thinned, resume_points, thin
from market_data.fanout.ring import Entry, count_within
from market_data.topics import HEARTBEATS, RESUMED_CHANNELS, Topic, seq_name

# Frames average far above 32 bytes, so `bytes / 32` entries are enough to fill a write.
_FRAME_BYTES_MIN = 32


class Backlog:
    """The entries of one client, oldest first."""

    __slots__ = (
        "_kept_back", "_ready", "counted", "from_ring", "private_bytes", "replayed", "size_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        self._ready: list[Entry] = []
        # None while nothing is held.
        self._kept_back: list[Entry] | None = None
        # While held: by topic of the replay, the last number that the client was sent.
        self.replayed: dict[Topic, int] = {}
        # Entries from a ring, and the number that counts as lag.
        self.from_ring = self.counted = 0
        self.size_bytes = self.private_bytes = 0

    @property
    def is_ready(self) -> bool:
        """Whether an entry can go out."""
        return bool(self._ready)

    @property
    def ready_bytes(self) -> int:
        """Bytes of the entries that can go out."""
        return self.size_bytes - _size_bytes(self._kept_back or ())

    @property
    def is_held(self) -> bool:
        """Whether the stream is kept back."""
        return self._kept_back is not None

    def add(self, frame: bytes) -> None:
        """Add a private message, which precedes the held messages."""
        self._ready.append((frame, None))
        self.size_bytes += len(frame)
        self.private_bytes += len(frame)

    def add_replay(self, entries: list[Entry]) -> None:
        """Add a part of a replay, and remember how far its topics came."""
        self._ready += entries
        self.size_bytes += _size_bytes(entries)
        for _, note in entries:
            if note is not None and note.last_seq is not None:
                self.replayed[note.channel, note.symbol] = note.last_seq

    def add_stream(self, entries: list[Entry], counted: int) -> None:
        """Add entries of a ring; `counted` of them count as lag."""
        (self._ready if self._kept_back is None else self._kept_back).extend(entries)
        self.from_ring += len(entries)
        self.counted += counted
        self.size_bytes += _size_bytes(entries)

    def take(self, bytes_max: int) -> bytes:
        """Remove the next entries, at least one; returns their frames joined."""
        frames = [frame for frame, _ in self._ready[: bytes_max // _FRAME_BYTES_MIN + 1]]
        count = count_within(frames, bytes_max)
        data = b"".join(frames[:count])
        if self.private_bytes:
            self.private_bytes -= _private_bytes(self._ready[:count])
        del self._ready[:count]
        self.size_bytes -= len(data)
        self.from_ring = min(self.from_ring, len(self._ready) + len(self._kept_back or ()))
        self.counted = min(self.counted, self.from_ring)
        return data

    def hold(self, since: Mapping[Topic, int]) -> None:
        """Hold the messages of the stream from now on; a replay begins after `since`."""
        self._kept_back = []
        self.replayed = dict(since)

    def release(self) -> None:
        """Let the held messages follow."""
        self._ready += self._kept_back or ()
        self._kept_back = None
        self.replayed = {}

    def drop_known(self) -> None:
        """Forget kept-back messages that the client was given already."""
        self._kept_back = [
            (frame, note)
            for frame, note in self._kept_back or ()
            if note is None
            or note.last_seq is None
            or note.last_seq > self.replayed.get((note.channel, note.symbol), 0)
        ]
        self.size_bytes = _size_bytes(self._ready) + _size_bytes(self._kept_back)

    def first_kept_back(self, topic: Topic) -> int | None:
        """The number of the first kept-back message of a topic; None without one."""
        for _, note in self._kept_back or ():
            if note is not None and note.first_seq is not None and (note[0], note[1]) == topic:
                return note.first_seq
        return None

    def shed(self) -> list[Topic]:
        """Drop the kept-back messages that can be had again once the replay is over.

        Trades and execution reports join the replay (`replayed`). Returns the topics of which the
        client needs the present state instead.
        """
        states: dict[Topic, None] = {}
        kept: list[Entry] = []
        heartbeat: Entry | None = None
        for entry in self._kept_back or ():
            note = entry[1]
            if note is None:
                kept.append(entry)
            elif note.channel == HEARTBEATS:
                heartbeat = entry
            elif note.channel not in RESUMED_CHANNELS:
                states[note.channel, note.symbol] = None
            elif note.first_seq is not None:
                self.replayed.setdefault((note.channel, note.symbol), note.first_seq - 1)
        self._kept_back = kept if heartbeat is None else [*kept, heartbeat]
        self.from_ring = self.counted = 0
        self.size_bytes = _size_bytes(self._ready) + _size_bytes(self._kept_back)
        return list(states)

    def thin(self, policy: LagPolicy) -> Thinned:
        """Drop messages as the policy allows; no messages may be held."""
        thinned = thin(self._ready, policy)
        self._ready = thinned.entries
        self.from_ring = self.counted = 0
        self.size_bytes = _size_bytes(self._ready)
        return thinned

    def resume_points(self) -> dict[str, int]:
        """By name of every topic of which something waits: the last number before it."""
        points = resume_points(self._ready)
        for topic, seq in self.replayed.items():
            points.setdefault(seq_name(topic), seq)
        return resume_points(self._kept_back or ()) | points

    def private_frames(self) -> list[bytes]:
        """The ready messages that are for this client alone."""
        return [frame for frame, note in self._ready if note is None]

    def clear(self) -> None:
        """Forget everything; nothing is held any more."""
        self._ready = []
        self._kept_back = None
        self.replayed = {}
        self.from_ring = self.counted = 0
        self.size_bytes = self.private_bytes = 0


def _size_bytes(entries: Iterable[Entry]) -> int:
    return sum(len(frame) for frame, _ in entries)


def _private_bytes(entries: Iterable[Entry]) -> int:
    return sum(len(frame) for frame, note in entries if note is None)
