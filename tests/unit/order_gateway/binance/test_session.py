"""A connection of the WebSocket API whose client does not read."""

from typing import Any, cast

from order_gateway.binance.session import UNSENT_BYTES_MAX, BinanceSession
from tests.support.wait import wait_until


class StalledSocket:
    """A socket that the client never reads from."""

    client = None
    session: BinanceSession

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed_with: tuple[int, str] | None = None

    def write(self, data: bytes) -> None:
        """Keep what is written."""
        self.written.append(data)

    def unsent_bytes(self) -> int:
        """More than the bound after the second frame."""
        return UNSENT_BYTES_MAX * len(self.written) // 2 + 1

    def close(self, code: int, reason: str) -> None:
        """Write a close frame, and end the session as the connection does."""
        self.closed_with = code, reason
        self.session.connection_closed()

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """The same."""


async def test_a_client_that_does_not_read_gets_a_close_frame_and_nothing_behind_it() -> None:
    """At UNSENT_BYTES_MAX; answers that are done later are dropped."""
    socket = StalledSocket()
    unused = cast("Any", None)
    refused: list[int] = []
    session = BinanceSession(
        cast("Any", socket), unused, unused, us_per_unit=1_000, shows_limits=False,
        on_closed=lambda _: None, on_refused=refused.append,
    )  # fmt: skip
    socket.session = session
    for _ in range(3):
        session.text_received("no JSON")
    await wait_until(lambda: len(refused) == 3, "every message is answered")
    assert socket.closed_with == (1008, "the client does not read")
    assert len(socket.written) == 2
