"""The ring: positions, shared joins, and sizes in bytes."""

import pytest

from market_data.fanout.ring import Note, Ring, count_within


def ring_of(*frames: bytes) -> Ring:
    """Return a ring with these frames."""
    ring = Ring()
    for seq, frame in enumerate(frames, 1):
        ring.append(frame, Note("trades", "BTC", seq, seq))
    return ring


def test_join_returns_everything_up_to_head() -> None:
    """A join from a cursor gives the rest of the ring and the new cursor."""
    ring = ring_of(b"a", b"bb", b"ccc")
    assert ring.join(0, 100) == (b"abbccc", 3)
    assert ring.join(1, 100) == (b"bbccc", 3)


def test_join_gives_equal_callers_the_same_object() -> None:
    """Clients at the same cursor share one bytes object."""
    ring = ring_of(b"a" * 100, b"b" * 100)
    first, _ = ring.join(0, 1000)
    second, _ = ring.join(0, 1000)
    assert first is second


def test_join_is_not_answered_from_before_an_append() -> None:
    """A cached join is not reused after more frames were appended."""
    ring = ring_of(b"a", b"b")
    ring.join(0, 100)
    ring.append(b"c", None)
    assert ring.join(0, 100) == (b"abc", 3)


def test_join_of_one_frame_does_not_copy() -> None:
    """A single frame is handed out as it is."""
    frame = b"x" * 1000
    assert ring_of(frame).join(0, 1)[0] is frame


def test_join_stops_at_the_byte_limit_and_at_the_end() -> None:
    """A join takes what fits, at least one frame, and nothing past its end."""
    ring = ring_of(b"aaaa", b"bbbb", b"cccc")
    assert ring.join(0, 8) == (b"aaaabbbb", 2)
    assert ring.join(0, 7) == (b"aaaa", 1)
    assert ring.join(0, 1) == (b"aaaa", 1)
    assert ring.join(0, 100, 2) == (b"aaaabbbb", 2)


def test_join_outside_the_ring_is_refused() -> None:
    """A join from a trimmed cursor, or from the head, raises IndexError."""
    ring = ring_of(b"a", b"b")
    ring.trim(1)
    for cursor in (0, 2):
        with pytest.raises(IndexError, match="no frame"):
            ring.join(cursor, 100)


def test_trim_keeps_positions_and_bytes_right() -> None:
    """After a trim the other frames keep their positions, and `size_bytes` is their size."""
    ring = ring_of(b"a", b"bb", b"ccc")
    ring.trim(2)
    assert (ring.base, ring.head, ring.size_bytes) == (2, 3, 3)
    assert ring.join(2, 100) == (b"ccc", 3)
    ring.trim(1)
    assert ring.base == 2
    with pytest.raises(IndexError, match="cannot trim"):
        ring.trim(4)


def test_entries_pair_frames_with_notes() -> None:
    """Entries are the frames and notes from a cursor on."""
    ring = ring_of(b"a", b"b")
    assert ring.entries(1) == [(b"b", Note("trades", "BTC", 2, 2))]
    assert ring.entries(2) == []
    ring.trim(1)
    with pytest.raises(IndexError, match="outside"):
        ring.entries(0)


def test_count_within_counts_whole_frames() -> None:
    """The count stops before the frame that does not fit, but is never zero."""
    assert count_within([b"aa", b"bb", b"cc"], 5) == 2
    assert count_within([b"aa", b"bb"], 4) == 2
    assert count_within([b"aa"], 1) == 1


def test_frames_that_do_not_count_are_left_out() -> None:
    """From any position on, also after a trim, the sum is that of the counted frames."""
    ring = Ring()
    counts = [True, False, False, True, True, False, True, False, False, False, True]
    for flag in counts:
        ring.append(b"x", None, is_counted=flag)
    for base in (0, 2, 5, 7, 11):
        ring.trim(base)
        for cursor in range(base, 12):
            assert ring.counted(cursor) == sum(counts[cursor:])
    ring.append(b"x", None)
    assert ring.counted(11) == 1
