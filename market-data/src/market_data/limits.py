"""Every bound of the fan-out: name, unit, reason, and how the bounds depend on each other.

Worst case of one slow client: `LAG_MESSAGES_MAX` references into frames that all clients share,
`BACKLOG_BYTES_MAX` of private bytes, one unsent write of `JOIN_BYTES_MAX` in the transport and
twice `SEND_BUFFER_BYTES` in the kernel (Linux doubles what is asked for).
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

BATCH_MESSAGES_MAX = 512
"""Messages of one group that may wait for a flush; more makes a later message wait too long."""

JOIN_BYTES_MAX = 256 * KIB
"""Bytes handed to a socket in one write; about 1,000 trades."""

RING_MESSAGES_MAX = 65_536
"""Messages one group keeps for its slow clients: the allowed lag, and one largest command."""

RING_BYTES_MAX = 64 * MIB
"""Bytes one group keeps for its slow clients."""

LAG_MESSAGES_MAX = 16_384
"""Messages a client may be behind before its lag policy acts; those of one command count once."""

BACKLOG_BYTES_MAX = 8 * MIB
"""Bytes of private messages (answers, errors, states) that may wait for one client."""

LARGE_MESSAGE_BYTES = 64 * KIB
"""Bytes of a message of an account from which on other tasks run between the steps of its way."""

REPLAY_PAGE_MESSAGES = 500
"""Messages of a replay that are read and framed in one go, which takes less than 20 ms."""

REPLAY_PAGE_BYTES = 512 * KIB
"""Bytes of messages in such a page, beside one last message."""

REPLAY_AHEAD_BYTES = MIB
"""Bytes of a replay that may wait for one client before the next page is read."""

SEND_BUFFER_BYTES = 256 * KIB
"""Kernel send buffer asked for per client: what a client that never reads can hold there.

A quarter of it costs about a quarter of the throughput, four times as much gains nothing.
"""

CLIENT_MESSAGE_BYTES_MAX = 64 * KIB
"""Bytes of one message from a client (uvicorn's `ws_max_size`); a longer one closes with 1009."""

CLIENT_FRAGMENTS_MAX = 64
"""Fragments of one message from a client; empty fragments would escape the limit in bytes."""

CLOSE_TIMEOUT_S = 5.0
"""Seconds between the first step of closing a connection and dropping it, drained or not."""

CLOSE_REASON_BYTES_MAX = 123
"""Bytes of a close reason: a control frame carries 125, two of which are the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutLimits:
    """The bounds of one hub; the defaults are the constants above."""

    batch_messages_max: int = BATCH_MESSAGES_MAX
    join_bytes_max: int = JOIN_BYTES_MAX
    ring_messages_max: int = RING_MESSAGES_MAX
    ring_bytes_max: int = RING_BYTES_MAX
    lag_messages_max: int = LAG_MESSAGES_MAX
    backlog_bytes_max: int = BACKLOG_BYTES_MAX

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other (ValueError)."""
        if min(self.batch_messages_max, self.join_bytes_max, self.lag_messages_max) < 1:
            raise ValueError("batch, join and lag limits must be at least 1")
        # A client is judged at a flush, when it may be a whole batch past its limit.
        if self.lag_messages_max + self.batch_messages_max > self.ring_messages_max:
            raise ValueError("the ring must hold the allowed lag and one batch")
        if self.join_bytes_max > self.ring_bytes_max:
            raise ValueError("the ring must hold one joined write")
