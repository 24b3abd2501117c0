"""The connections of the WebSocket API, until the drain."""

from collections.abc import Callable, Iterator

from order_gateway.binance.session import BinanceSession
from order_gateway.binance.surface import Surface
from order_gateway.binance.user_streams import UserStreams
from order_gateway.ws.entry import drain_all
from tapewire.api_keys.text import Identity
from tapewire.web.websocket_protocol import SocketProtocol


class BinanceConnections:
    """Every open connection of the WebSocket API of a process."""

    def __init__(
        self,
        surface: Surface,
        streams: UserStreams,
        *,
        drain_timeout_s: float,
        on_refused: Callable[[int], None],
    ) -> None:
        """`on_refused` receives the code of each refused request."""
        self.surface = surface
        self.streams = streams
        self._drain_timeout_s = drain_timeout_s
        self._on_refused = on_refused
        self.sessions: set[BinanceSession] = set()

    def open(
        self, socket: SocketProtocol, *, us_per_unit: int, shows_limits: bool
    ) -> BinanceSession:
        """Start a session on an accepted connection."""
        session = BinanceSession(
            socket,
            self.surface,
            self.streams,
            us_per_unit=us_per_unit,
            shows_limits=shows_limits,
            on_closed=self.sessions.discard,
            on_refused=self._on_refused,
        )
        self.sessions.add(session)
        return session

    @property
    def open_count(self) -> int:
        """Open connections."""
        return len(self.sessions)

    def bearers(self) -> Iterator[tuple[Identity, BinanceSession]]:
        """The identities of every connection, each with the connection."""
        for session in list(self.sessions):
            for identity in session.identities():
                yield identity, session

    async def drain(self) -> None:
        """Announce the end, answer all read requests, then close every connection with 1012."""
        await drain_all(list(self.sessions), self._drain_timeout_s)
