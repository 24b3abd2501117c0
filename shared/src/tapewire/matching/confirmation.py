"""Commands in the protocol of Redis, and commands whose writes replicas confirm."""

import hiredis

from tapewire import keys
from tapewire.errors import OutcomeUnknown

Command = tuple[str | bytes | int, ...]

# Plain commands that write. All other commands are function calls and reads.
WRITES = frozenset({"HSET", "SADD", "SREM", "DEL", "EXPIRE", "EXPIREAT"})
# WAIT may take this part of the time that a round trip has.
WAIT_PART = 0.5
MARK_KEPT_MS = 60_000


def pack(command: Command) -> bytes:
    """A command in the protocol of Redis."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub: one element
    return packed


class Confirmation:
    """What follows a batch of commands, so that replicas have them before they are answered.

    WAIT waits for the last write of its own connection. What is answered may have been written by
    another one, as when an order is repeated, so the connection writes a mark of its own first.
    """

    def __init__(self, replicas_min: int, timeout_s: float) -> None:
        """`timeout_s` is the time of a whole round trip."""
        self._replicas_min = replicas_min
        timeout_ms = int(timeout_s * 1_000 * WAIT_PART)
        mark: Command = ("SET", keys.CONFIRMED, "", "PX", MARK_KEPT_MS)
        # The reply of the last one is the number of replicas.
        self.wire = [pack(mark), pack(("WAIT", replicas_min, timeout_ms))]

    def judge(self, reply: object, replicas: object) -> object:
        """The reply of a command, or the error if too few replicas have confirmed it."""
        if isinstance(reply, Exception):
            return reply
        if isinstance(replicas, int) and replicas >= self._replicas_min:
            return reply
        return OutcomeUnknown(
            f"It was done, but {self._replicas_min} replicas did not confirm it in time, so that a "
            "failover could lose it. Ask again with the same client_order_id."
        )
