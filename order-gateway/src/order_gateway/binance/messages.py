"""Messages of the WebSocket API: text to request, answers to frames. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import json

from order_gateway.binance.errors import BinanceError, illegal
from tapewire.errors import Refusal
from tapewire.values.json_text import NumberText, decode_json_text
from tapewire.web.websocket_frames import text_frame

NO_ID = b"null"
ID_RANGE = "^[a-zA-Z0-9-_]{1,64}$"
VERSION_PREFIX = "v3/"

_NUMBER_ID = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_TEXT_ID = re.compile(r"[ -~]{0,64}", re.ASCII)
_encode = json.Encoder().encode


class Message(NamedTuple):
    """One request of a client; `id_text` is the id as JSON and is sent back unchanged."""

    id_text: bytes
    method: str
    params: Mapping[str, object]


def read_object(text: str) -> dict[str, object]:
    """The members of a message. Raises BinanceError (-1135)."""
    try:
        message = decode_json_text(text)
    except Refusal:
        message = None
    if not isinstance(message, dict):
        raise BinanceError(-1135, "Invalid JSON Request")
    return message


def read_id(message: Mapping[str, object]) -> bytes:
    """The id of a message as JSON: a number, a text or null. Raises BinanceError (-1100)."""
    value = message.get("id")
    if value is None:
        return NO_ID
    if isinstance(value, NumberText) and _NUMBER_ID.fullmatch(value.text):
        return value.text.encode()
    if isinstance(value, str) and _TEXT_ID.fullmatch(value):
        return _encode(value)
    raise illegal("id", ID_RANGE)


def read_message(message: Mapping[str, object], id_text: bytes) -> Message:
    """Method and parameters of a message. Raises BinanceError."""
    method = message.get("method")
    if not isinstance(method, str) or not method:
        raise BinanceError(
            -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed."
        )
    params = message.get("params")
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise BinanceError(-1135, "Invalid JSON Request")
    return Message(id_text, method.removeprefix(VERSION_PREFIX), params)


def answer_frame(id_text: bytes, result: object, limits: Sequence[object] | None) -> bytes:
    """The frame of a result; `limits` are left out unless the client wants them."""
    return text_frame(
        b'{"id":%b,"status":200,"result":%b%b}' % (id_text, _encode(result), _limits(limits))
    )


def error_frame(id_text: bytes, error: BinanceError, limits: Sequence[object] | None) -> bytes:
    """The frame of a refusal; over a limit with the time of the next retry."""
    body = error.body
    wait_s = error.headers.get("Retry-After")
    if wait_s is not None:
        body["data"] = {"retryAfter": int(wait_s)} | (body.get("data") or {})
    return text_frame(
        b'{"id":%b,"status":%d,"error":%b%b}'
        % (id_text, error.status, _encode(body), _limits(limits))
    )


def event_frame(subscription_id: int | None, event: bytes) -> bytes:
    """An event of a subscription, or of the connection."""
    number = NO_ID if subscription_id is None else b"%d" % subscription_id
    return text_frame(b'{"subscriptionId":%b,"event":%b}' % (number, event))


def _limits(limits: Sequence[object] | None) -> bytes:
    return b"" if limits is None else b',"rateLimits":' + _encode(limits)
