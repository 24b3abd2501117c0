"""The user data streams of one connection of the WebSocket API."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from order_gateway.binance.callers import check_permission
from order_gateway.binance.errors import BinanceError
from order_gateway.binance.messages import event_frame
from order_gateway.binance.reports import stream_ended
from order_gateway.binance.user_streams import Listener, UserStreams
from tapewire.api_keys.text import Identity, Permission

SUBSCRIPTIONS_MAX = 10
"""User data streams of one connection."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The answer to a subscription; `begin` starts the stream behind the answer."""

    answer: object
    begin: Callable[[], None]


class Subscriptions:
    """Open user data streams by their numbers."""

    def __init__(
        self, streams: UserStreams, send: Callable[[bytes], None], us_per_unit: int
    ) -> None:
        """`send` writes frames to the client; `us_per_unit` is the unit of times."""
        self._streams = streams
        self._send = send
        self._us_per_unit = us_per_unit
        self._next_number = 0
        self._open: dict[int, tuple[Identity, Listener]] = {}

    @property
    def identities(self) -> list[Identity]:
        """The account of each stream."""
        return [identity for identity, _ in self._open.values()]

    def listed(self) -> list[dict[str, int]]:
        """The numbers of the streams, as `session.subscriptions` answers them."""
        return [{"subscriptionId": number} for number in self._open]

    async def open(self, identity: Identity) -> Subscribed:
        """Follow an account from its present position on. Raises BinanceError, RedisError."""
        check_permission(identity, Permission.READ)
        if len(self._open) >= SUBSCRIPTIONS_MAX:
            raise BinanceError(-2035, "Too many active user data stream subscriptions.")
        number = self._next_number
        self._next_number += 1
        position = await self._streams.position(identity.account)

        def hear(events: list[bytes] | None, us_per_unit: int) -> None:
            if events is None:
                self._open.pop(number, None)
                events = [stream_ended(time.time_ns() // 1_000, us_per_unit)]
            self._send(b"".join(event_frame(number, event) for event in events))

        def begin() -> None:
            self._open[number] = (identity, hear)
            self._streams.follow(identity.account, position, hear, self._us_per_unit)

        return Subscribed({"subscriptionId": number}, begin)

    def close(self, number: int | None) -> None:
        """End one stream, or all without a number. Raises BinanceError for an unknown number."""
        if number is None:
            self.leave_all()
        elif number in self._open:
            identity, listener = self._open.pop(number)
            self._streams.leave(identity.account, listener)
        else:
            raise BinanceError(-2036, "No active user data stream subscription of this number.")

    def leave_all(self) -> None:
        """End every stream."""
        while self._open:
            _, (identity, listener) = self._open.popitem()
            self._streams.leave(identity.account, listener)
