"""The requests of a client of the streams, and the answers. Pure: text in, request out."""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from market_data.binance.errors import StreamError
from tapewire.values.json_text import shown_name

SUBSCRIBE = "SUBSCRIBE"
UNSUBSCRIBE = "UNSUBSCRIBE"
LIST_SUBSCRIPTIONS = "LIST_SUBSCRIPTIONS"
SET_PROPERTY = "SET_PROPERTY"
GET_PROPERTY = "GET_PROPERTY"
METHODS = (SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY)

COMBINED = "combined"

_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,36}")
_ID_MAX = 2**63 - 1

RequestId: TypeAlias = int | str | None


class StreamRequest(NamedTuple):
    """One checked request; `params` as the method takes them."""

    method: str
    names: tuple[str, ...] = ()
    is_combined: bool | None = None


def read_members(text: str) -> Mapping[str, object]:
    """The members of a request. Raises StreamError."""
    try:
        members = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _invalid_json(error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise _invalid_json(1, 1) from None
    if not isinstance(members, dict):
        raise StreamError.invalid_request("expected an object")
    return members


def read_id(members: Mapping[str, object]) -> RequestId:
    """The id, which an answer repeats. Raises StreamError."""
    request_id = members.get("id")
    if request_id is None:
        return None
    if isinstance(request_id, str) and _ID_PATTERN.fullmatch(request_id):
        return request_id
    if type(request_id) is int and -_ID_MAX <= request_id <= _ID_MAX:
        return request_id
    raise StreamError.invalid_request(
        "request ID must be an integer, null, or 1 to 36 letters and digits"
    )


def read_request(members: Mapping[str, object]) -> StreamRequest:
    """The method and its parameters. Raises StreamError."""
    if "method" not in members:
        raise StreamError.invalid_request("missing field `method`")
    method, params = members["method"], members.get("params")
    if method not in METHODS or not isinstance(method, str):
        expected = ", ".join(f"`{name}`" for name in METHODS)
        raise StreamError.invalid_request(
            f"unknown variant {_shown(method)}, expected one of {expected}"
        )
    if params is not None and not isinstance(params, list):
        raise StreamError.invalid_request("`params` must be an array")
    values: list[object] = params or []
    if method in {SUBSCRIBE, UNSUBSCRIBE}:
        return StreamRequest(method, _names(values))
    if method == LIST_SUBSCRIPTIONS:
        _check_count(values, 0)
        return StreamRequest(method)
    if not values or not isinstance(values[0], str):
        raise StreamError.invalid_request("property name must be a string")
    if values[0] != COMBINED:
        raise StreamError(0, "Unknown property")
    if method == GET_PROPERTY:
        _check_count(values, 1)
        return StreamRequest(method)
    _check_count(values, 2)
    if len(values) < 2 or not isinstance(values[1], bool):
        raise StreamError(1, "Invalid value type: expected Boolean")
    return StreamRequest(method, is_combined=values[1])


def answer(result: object, request_id: RequestId) -> dict[str, object]:
    """The answer to a request that was done."""
    return {"result": result, "id": request_id}


def refusal(error: StreamError, request_id: RequestId = None) -> dict[str, object]:
    """The answer to a request that was refused."""
    return {"error": {"code": error.code, "msg": str(error)}, "id": request_id}


def _names(values: list[object]) -> tuple[str, ...]:
    if not values:
        raise StreamError.invalid_request("missing field `params`: name at least one stream")
    names = tuple(value for value in values if isinstance(value, str))
    if len(names) != len(values):
        raise StreamError.invalid_request("a stream name must be a string")
    return names


def _check_count(values: list[object], count_max: int) -> None:
    if len(values) > count_max:
        raise StreamError.invalid_request("too many parameters")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise StreamError.invalid_request(f"duplicate field {_shown(twice)}")
    return members


def _refuse_constant(text: str) -> object:
    """NaN and Infinity are not JSON."""
    raise ValueError(text)


def _invalid_json(line: int, column: int) -> StreamError:
    return StreamError(3, f"Invalid JSON: expected value at line {line} column {column}")


def _shown(value: object) -> str:
    # Escaped, because text of JSON may have halves of characters, which cannot be sent.
    return f"`{shown_name(str(value))}`"
