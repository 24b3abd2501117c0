"""Sends a message of a stream to its clients, made once for each form that a client has."""

from collections.abc import Callable

from market_data.binance.messages import combined_message
from market_data.binance.names import FORMED, UNFORMED, Form, SymbolTable, stream_name
from market_data.fanout.hub import Hub
from tapewire.web.websocket_frames import text_frame

Render = Callable[[int], bytes]
"""Makes the JSON of a message, given the unit of its times in microseconds."""


class Outlet:
    """The hub of the Binance clients, as the streams write to it."""

    def __init__(self, hub: Hub, table: SymbolTable) -> None:
        self.hub = hub
        self.table = table

    def has_clients(self, channel: str, symbol: str) -> bool:
        """Whether a client follows the channel of the symbol, in any form."""
        has_topic = self.hub.has_topic
        return any(has_topic(name, symbol) for name, _ in FORMED[channel])

    def publish(
        self,
        channel: str,
        symbol: str,
        render: Render,
        *,
        seq: int | None = None,
        goes_on: bool = False,
    ) -> None:
        """Send a message in every form that a client has; an empty symbol is for all symbols."""
        hub = self.hub
        payloads: dict[int, bytes] = {}
        for name, form in FORMED[channel]:
            if hub.has_topic(name, symbol):
                unit_us = form.unit_us
                payload = payloads.get(unit_us)
                if payload is None:
                    payload = payloads[unit_us] = render(unit_us)
                frame = self._frame(channel, symbol, form, payload)
                hub.publish(name, symbol, seq, frame, goes_on=goes_on)

    def frame(self, name: str, symbol: str, render: Render) -> bytes:
        """A message for one client; `name` is the name of the channel in the hub."""
        channel, form = UNFORMED[name]
        return self._frame(channel, symbol, form, render(form.unit_us))

    def _frame(self, channel: str, symbol: str, form: Form, payload: bytes) -> bytes:
        if form.is_combined:
            shown = self.table.shown(symbol) if symbol else ""
            payload = combined_message(stream_name(channel, shown), payload)
        return text_frame(payload)
