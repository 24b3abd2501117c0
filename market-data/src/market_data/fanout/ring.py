"""The messages one group of clients still needs: framed bytes at absolute positions.

A client is an integer into the ring, its cursor: the position of the first message it has not been
given. Positions never repeat; `base` is the oldest one kept and `head` the next one to be written.
Pure: no I/O and no clock.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple, TypeAlias


class Note(NamedTuple):
    """The topic and numbers of a frame, so that a dropped frame can be accounted for exactly.

    A message has `first_seq == last_seq`; a gap notice covers the range. A message of latest-state
    kind without a sequence (a heartbeat) has None in both.
    """

    channel: str
    symbol: str
    first_seq: int | None
    last_seq: int | None
    is_gap: bool = False


Entry: TypeAlias = tuple[bytes, Note | None]
"""A frame and its note; None marks a message that is never dropped."""


class _Bursts:
    """Positions of frames that do not count as lag, as ranges, so that they are summed quickly."""

    __slots__ = ("_before", "_ends", "_starts", "_total")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        # By range, the positions in all ranges before it, forgotten ones included.
        self._before: list[int] = []
        self._total = 0

    def add(self, position: int) -> None:
        """Add a position behind all others."""
        if self._ends and self._ends[-1] == position:
            self._ends[-1] += 1
        else:
            self._starts.append(position)
            self._ends.append(position + 1)
            self._before.append(self._total)
        self._total += 1

    def positions_from(self, start: int) -> int:
        """The number of positions at `start` or behind it."""
        index = bisect_right(self._starts, start) - 1
        if index < 0:
            return self._total - self._before[0] if self._before else 0
        inside = min(start, self._ends[index]) - self._starts[index]
        return self._total - self._before[index] - inside

    def trim(self, base: int) -> None:
        """Forget the ranges that end before `base`."""
        count = bisect_right(self._ends, base)
        if count:
            del self._starts[:count], self._ends[:count], self._before[:count]


class Ring:
    """Frames and their notes from `base` up to, not including, `head`."""

    __slots__ = ("_bursts", "_frames", "_joined", "_notes", "base", "head", "size_bytes")

    def __init__(self) -> None:
        self.base = 0
        self.head = 0
        self.size_bytes = 0
        self._frames: list[bytes] = []
        self._notes: list[Note | None] = []
        self._joined: tuple[int, int, int, bytes, int] = (-1, -1, -1, b"", -1)
        self._bursts = _Bursts()

    def append(self, frame: bytes, note: Note | None, *, is_counted: bool = True) -> None:
        """Add one frame at `head`; `is_counted` says whether the frame counts as lag."""
        if not is_counted:
            self._bursts.add(self.head)
        self._frames.append(frame)
        self._notes.append(note)
        self.size_bytes += len(frame)
        self.head += 1

    def join(self, cursor: int, bytes_max: int, end: int | None = None) -> tuple[bytes, int]:
        """Return the frames from `cursor` on as one bytes object, and the cursor after them.

        Joins up to `end` (default `head`) or `bytes_max`, whichever comes first, but at least one
        frame. Callers that ask the same again are given the same object.
        Raises IndexError for a cursor without a frame.
        """
        if end is None:
            end = self.head
        joined_cursor, joined_end, joined_max, data, after = self._joined
        if joined_cursor == cursor and joined_end == end and joined_max == bytes_max:
            return data, after
        if not self.base <= cursor < end <= self.head:
            raise IndexError(f"no frame at {cursor}: ring holds {self.base} to {self.head}")
        frames = self._frames[cursor - self.base : end - self.base]
        count = count_within(frames, bytes_max)
        data = frames[0] if count == 1 else b"".join(frames[:count])
        after = cursor + count
        self._joined = (cursor, end, bytes_max, data, after)
        return data, after

    def counted(self, cursor: int) -> int:
        """The number of frames from `cursor` on that count as lag."""
        return self.head - cursor - self._bursts.positions_from(cursor)

    def entries(self, cursor: int) -> list[Entry]:
        """Return the frames and notes from `cursor` up to `head`."""
        if not self.base <= cursor <= self.head:
            raise IndexError(f"cursor {cursor} outside {self.base} to {self.head}")
        start = cursor - self.base
        return list(zip(self._frames[start:], self._notes[start:], strict=True))

    def trim(self, base: int) -> None:
        """Forget everything before `base`."""
        count = base - self.base
        if count <= 0:
            return
        if base > self.head:
            raise IndexError(f"cannot trim to {base}: head is {self.head}")
        self.size_bytes -= sum(map(len, self._frames[:count]))
        del self._frames[:count]
        del self._notes[:count]
        self._bursts.trim(base)
        self.base = base
        # The joined bytes may be the last thing that keeps the dropped frames' size in memory.
        self._joined = (-1, -1, -1, b"", -1)


def count_within(frames: list[bytes], bytes_max: int) -> int:
    """Return how many leading frames fit into `bytes_max`, at least one."""
    if sum(map(len, frames)) <= bytes_max:
        return len(frames)
    count = 0
    for total_bytes in accumulate(map(len, frames)):
        if total_bytes > bytes_max:
            break
        count += 1
    return max(count, 1)
