"""The messages of WebSocket order entry: requests read, replies written. Pure.

A request is `{"id": 1, "op": "place", "params": {...}}`. Its reply is `{"id": 1, "status": 201,
"result": {...}}` or `{"id": 1, "status": 422, "error": {...}}`, with the problem object of REST.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from order_gateway.errors import InvalidBody
from order_gateway.operations import OPERATION_NAMES
from order_gateway.replies import Reply, encode
from tapewire.api_keys.text import Permission
from tapewire.errors import InvalidField, KeyRequired, Refusal, Unavailable
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.json_text import NumberText, decode_json_text, shown_name
from tapewire.values.modes import Clock
from tapewire.values.types import frozen_for_the_checker
from tapewire.web.problem import Problem, problem_of
from tapewire.web.websocket_frames import text_frame

PING = "ping"
AUTHENTICATE = "authenticate"
OPERATIONS = (*OPERATION_NAMES, PING)
ID_CHARACTERS_MAX = 64
# The id of a reply whose request has no readable id.
NO_ID = "null"

_FIELDS = frozenset({"id", "op", "params", "clock_us"})
_AUTHENTICATE_FIELDS = frozenset({"id", "op", "key"})
_KNOWN = frozenset(OPERATIONS)
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_CLOCK = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


class Connected(Struct, frozen=True, gc=False, tag_field="type", tag="connected"):
    """The first message of a connection: its account and its limits."""

    service: str
    account: str
    cancel_on_disconnect: bool
    in_flight_max: Annotated[
        int, Meta(description="Requests of a connection that the gateway works on at a time")
    ]
    message_bytes_max: int
    clock: Annotated[
        Clock, Meta(description="`recorded`: each request carries the time at which it is done")
    ]


class Authenticated(Struct, frozen=True, gc=False):
    """The answer to `authenticate`."""

    account: str
    permissions: list[Permission]


class Pong(Struct, frozen=True, gc=False):
    """The answer to `ping`."""


class _Answered(Struct, frozen=True, gc=False):
    id: Raw
    status: int
    result: Struct


class _Refused(Struct, frozen=True, gc=False, omit_defaults=True):
    id: Raw
    status: int
    error: Problem
    retry_after_s: int | None = None


@frozen_for_the_checker
class Request:
    """One request; `id_text` is its id as JSON, `clock_us` its recorded time or None."""

    id_text: str
    op: str
    params: Mapping[str, Any]
    clock_us: int | None = None


def read_object(text: str) -> dict[str, Any]:
    """The members of a message. Raises a Refusal."""
    message = decode_json_text(text)
    if not isinstance(message, dict):
        raise InvalidBody("A message must be a JSON object with id, op and params.")
    return message


def read_id(message: Mapping[str, Any]) -> str:
    """The id of a message as JSON. Raises InvalidField."""
    wanted = message.get("id")
    if isinstance(wanted, NumberText) and _INTEGER.fullmatch(wanted.text):
        return wanted.text
    if isinstance(wanted, str) and len(wanted) <= ID_CHARACTERS_MAX:
        return json.dumps(wanted)
    if wanted is None:
        raise InvalidField("id", "missing_field", "id is missing: the reply carries it.")
    raise InvalidField(
        "id",
        "invalid_value",
        f"id must be a whole number or a string of at most {ID_CHARACTERS_MAX} characters.",
    )


def read_request(message: Mapping[str, Any], id_text: str) -> Request:
    """The request of a message. Raises InvalidField."""
    if not message.keys() <= _FIELDS:
        unknown = shown_name(next(name for name in message if name not in _FIELDS))
        raise InvalidField(unknown, "unknown_field", f"{unknown} is not a member of a message.")
    op, params = message.get("op"), message.get("params", {})
    if op is None:
        raise InvalidField("op", "missing_field", "op is missing: it names the operation.")
    if not isinstance(op, str) or op not in _KNOWN:
        raise InvalidField("op", "invalid_value", f"op must be one of {', '.join(OPERATIONS)}.")
    if not isinstance(params, dict):
        raise InvalidField("params", "invalid_value", "params must be a JSON object.")
    return Request(id_text, op, params, _read_clock(message))


def _read_clock(message: Mapping[str, Any]) -> int | None:
    """The recorded time of a request in microseconds since 1970; None without one."""
    wanted = message.get("clock_us")
    if wanted is None:
        return None
    if isinstance(wanted, NumberText) and _CLOCK.fullmatch(wanted.text):
        clock_us = int(wanted.text)
        if clock_us <= EXACT_INTEGER_MAX:
            return clock_us
    raise InvalidField(
        "clock_us",
        "invalid_value",
        "clock_us must be a whole number of microseconds since 1970 UTC, at most "
        f"{EXACT_INTEGER_MAX}.",
    )


def read_key(message: Mapping[str, Any]) -> str:
    """The key in the first message of a connection that has no key yet. Raises a Refusal."""
    if message.get("op") != AUTHENTICATE:
        raise KeyRequired
    if not message.keys() <= _AUTHENTICATE_FIELDS:
        unknown = shown_name(next(name for name in message if name not in _AUTHENTICATE_FIELDS))
        raise InvalidField(unknown, "unknown_field", f"{unknown} is not a member of this message.")
    key = message.get("key")
    if key is None:
        raise InvalidField("key", "missing_field", "key is missing: send your API key.")
    if not isinstance(key, str):
        raise InvalidField("key", "invalid_value", "key must be a string.")
    return key


def reply_frame(id_text: str, reply: Reply) -> bytes:
    """The frame of an answer."""
    return _frame(_Answered(Raw(id_text), reply.status, reply.answer))


def pong_frame(id_text: str) -> bytes:
    """The frame that answers a ping."""
    return _frame(_Answered(Raw(id_text), 200, Pong()))


def error_frame(id_text: str, error: Refusal | Unavailable) -> bytes:
    """The frame of a refusal; after `retry_after_s` a retry can succeed."""
    problem = problem_of(error.code, str(error), error.field)
    return _frame(_Refused(Raw(id_text), problem.status, problem, _retry_after_s(error)))


def failure_frame(id_text: str) -> bytes:
    """The frame for a fault of the gateway; the log of the gateway has the reason."""
    problem = problem_of("internal_error", "The service failed; its log has the reason.")
    return _frame(_Refused(Raw(id_text), problem.status, problem))


def hello_frame(hello: Connected) -> bytes:
    """The frame of the first message of a connection."""
    return _frame(hello)


def _frame(message: Struct) -> bytes:
    return text_frame(encode(message))


def _retry_after_s(error: Refusal | Unavailable) -> int | None:
    if isinstance(error, Unavailable):
        return error.retry_after_s
    text = (error.headers or {}).get("Retry-After")
    return None if text is None else int(text)
