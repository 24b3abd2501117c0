"""Every bound of the fan-out: name, unit, reason, and how the bounds depend on each other.

Worst case of one slow client: `LAG_MESSAGES_MAX` references into frames that all clients share,
`BACKLOG_BYTES_MAX` of private bytes, one unsent write of `JOIN_BYTES_MAX` in the transport and
twice `SEND_BUFFER_BYTES` in the kernel (Linux doubles what is asked for).
"""

from dataclasses import dataclass

from tapewire.limits import MAKERS_PER_COMMAND_MAX, ORDERS_PER_SWEEP_MAX, STOPS_PER_COMMAND_MAX

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
"""Messages a client may be behind before its lag policy acts."""

COMMANDS_IN_LAG_MIN = 4
"""Commands at least that make up the allowed lag: one command counts as a quarter of it at most.

The venue makes all messages of a command in one instant, which is no fault of a client.
"""

COMMAND_MESSAGES_MAX = 3 * MAKERS_PER_COMMAND_MAX + 2 * (
    2 * STOPS_PER_COMMAND_MAX + ORDERS_PER_SWEEP_MAX
)
"""Messages of one command to one client: a trade and two reports per maker, two per other order."""

MESSAGE_BYTES_MAX = KIB
"""Bytes of one trade or execution report."""

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
"""Kernel send buffer requested per client: the bytes that a client without reads can hold there.

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


if LAG_MESSAGES_MAX + BATCH_MESSAGES_MAX + COMMAND_MESSAGES_MAX > RING_MESSAGES_MAX:
    raise AssertionError("a ring must hold the allowed lag and the largest command")
if COMMAND_MESSAGES_MAX * MESSAGE_BYTES_MAX > RING_BYTES_MAX:
    raise AssertionError("a ring must hold the bytes of the largest command")


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutLimits:
    """The bounds of one hub; the defaults are the constants above."""

    batch_messages_max: int = BATCH_MESSAGES_MAX
    join_bytes_max: int = JOIN_BYTES_MAX
    ring_messages_max: int = RING_MESSAGES_MAX
    ring_bytes_max: int = RING_BYTES_MAX
    lag_messages_max: int = LAG_MESSAGES_MAX
    backlog_bytes_max: int = BACKLOG_BYTES_MAX

    @property
    def command_messages_counted_max(self) -> int:
        """Messages of one command that count as lag; the rest of the command does not."""
        return max(1, self.lag_messages_max // COMMANDS_IN_LAG_MIN)

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other (ValueError)."""
        if min(self.batch_messages_max, self.join_bytes_max, self.lag_messages_max) < 1:
            raise ValueError("batch, join and lag limits must be at least 1")
        # A client is judged at a flush, when it may be a whole batch past its limit.
        if self.lag_messages_max + self.batch_messages_max > self.ring_messages_max:
            raise ValueError("the ring must hold the allowed lag and one batch")
        if self.join_bytes_max > self.ring_bytes_max:
            raise ValueError("the ring must hold one joined write")
