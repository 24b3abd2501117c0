"""A WebSocket connection with many small messages both ways: order entry of the client library.

`send` and `recv` of the websockets library run several coroutines for each message. Here all
messages of one turn of the event loop leave in one write, and the replies that came together are
one call. Handshake, pings, closing, and frames that are no whole text message stay with the
library.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import CONT, DATA_OPCODES, Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

from tapewire.errors import TapewireError
from tapewire.web.frame_splitter import FrameSplitter, is_between_frames
from tapewire.web.websocket_frames import masked_text_frames

# One reply: a page of 500 orders with their fills.
REPLY_BYTES_MAX = 64 * 1024 * 1024

Take = Callable[[Sequence[bytes]], None]


class ReplyConnection(ClientConnection):
    """Pass the class as `connect(create_connection=ReplyConnection)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Take what `connect` passes to every connection."""
        super().__init__(*args, **kwargs)
        self._first: asyncio.Future[None] = self.loop.create_future()
        self._take: Take | None = None
        self._messages: list[bytes] = []
        # Of a message in fragments.
        self._parts: list[bytes] = []
        self._splitter: FrameSplitter | None = None
        # Why `take` did not take a message; the connection has ended for it.
        self.failure: TapewireError | None = None

    async def first(self) -> bytes:
        """The first message. Raises ConnectionClosed."""
        await self._first
        if not self._messages:
            raise self.protocol.close_exc
        return self._messages.pop(0)

    def deliver(self, take: Take) -> None:
        """Give each message behind the first one to `take`, which may raise TapewireError."""
        self._take = take
        self._hand_over()

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self.protocol.state is OPEN

    async def send_texts(self, texts: Sequence[bytes]) -> None:
        """Send text messages in one write, and wait while the connection is full.

        The messages are lost if the connection is no longer open; its end tells.
        """
        if self.is_open:
            self.transport.write(masked_text_frames(texts))
            await self.drain()

    def data_received(self, data: bytes) -> None:
        """Read text messages; the library reads all other frames."""
        if self._splitter is None and is_between_frames(self.protocol):
            self._splitter = FrameSplitter(is_masked=False, message_bytes_max=REPLY_BYTES_MAX)
        if self._splitter is None:
            super().data_received(data)
        else:
            for piece, is_text in self._splitter.split(data):
                if not is_text:
                    super().data_received(piece)
                elif self.is_open:
                    self._messages.append(piece)
        self._hand_over()

    def process_event(self, event: Frame | Request | Response) -> None:
        """Read the data frames that the splitter has left to the library."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if event.opcode is not CONT:
            self._parts = []
        self._parts.append(bytes(event.data))
        if event.fin:
            self._messages.append(b"".join(self._parts))
            self._parts = []

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell `first` if no message came."""
        super().connection_lost(exc)
        if not self._first.done():
            self._first.set_result(None)

    def _hand_over(self) -> None:
        if self._messages and not self._first.done():
            self._first.set_result(None)
        if self._take is None or not self._messages or self.failure is not None:
            return
        messages, self._messages = self._messages, []
        try:
            self._take(messages)
        except TapewireError as error:
            self.failure = error
            self.transport.abort()
