"""Commands in the protocol of Redis, and the proof that their writes survive a failover."""

import hiredis

from tapewire import keys
from tapewire.errors import OutcomeUnknown
from tapewire.redis.failovers import FailoverGuard

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
    """Waits until replicas have a write, so that a failover loses no answered write.

    Replicas confirm it, if `replicas_min` of the guard asks for that. Where Sentinels announce
    failovers, an answer counts only if none was announced since the command was sent.

    WAIT waits for the last write of its own connection. What is answered may have been written by
    another one, as when an order is repeated, so the connection writes a mark of its own first.
    """

    def __init__(self, guard: FailoverGuard, timeout_s: float) -> None:
        """`timeout_s` is the time of a whole round trip."""
        self._guard = guard
        self.wire: list[bytes] = []
        if guard.replicas_min:
            timeout_ms = int(timeout_s * 1_000 * WAIT_PART)
            mark: Command = ("SET", keys.CONFIRMED, "", "PX", MARK_KEPT_MS)
            # The reply of the last one is the number of replicas.
            self.wire = [pack(mark), pack(("WAIT", guard.replicas_min, timeout_ms))]

    @property
    def is_needed(self) -> bool:
        """Whether an answer may have to be held back."""
        return bool(self.wire) or self._guard.is_told

    async def doubt(self, replies: list[object], announcements: int) -> OutcomeUnknown | None:
        """Why writes may be lost, from the replies to `wire`; None if they are safe.

        `announcements` is the number of the guard when the commands were sent.
        """
        await self._guard.settle()
        replicas = replies[-1] if replies else None
        if self.wire and not (isinstance(replicas, int) and replicas >= self._guard.replicas_min):
            return OutcomeUnknown(
                f"It was done, but {self._guard.replicas_min} replicas did not confirm it in time, "
                "so that a failover could lose it. Ask again with the same client_order_id."
            )
        if self._guard.announcements != announcements:
            return OutcomeUnknown(
                "The primary of Redis was replaced while this was done, so that it may be lost. "
                "Ask again with the same client_order_id."
            )
        return None
