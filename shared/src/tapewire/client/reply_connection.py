"""A WebSocket connection with many small messages both ways: order entry of the client library.

`send` and `recv` of the websockets library run several coroutines for each message. Here all
messages of one turn leave in one write, and a reply is a plain call. Handshake, pings, closing and
all frames that are no whole text message stay with the library.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # C, or Python without it
from websockets.protocol import OPEN

from tapewire.web.frame_splitter import FIN_TEXT, MASK_BYTES, MASKED, FrameSplitter, is_between_frames
