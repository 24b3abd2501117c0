"""What a client says and what it is answered. Sans I/O: text in, request or refusal out."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from market_data.errors import RequestError
from market_data.fanout.lag import LagPolicy
from tapewire.limits import ACCOUNT_CHARACTERS_MAX, EXACT_INTEGER_MAX, SYMBOL_CHARACTERS_MAX

SERVICE = "market-data"

NAMES_MAX = 1_000
KEY_CHARACTERS_MAX = 128

_Name = Annotated[str, Field(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
_Names = Annotated[list[_Name], Field(max_length=NAMES_MAX)]
_Seq = Annotated[int, Field(ge=0, le=EXACT_INTEGER_MAX)]
_Since = Annotated[dict[_Name, _Seq], Field(max_length=NAMES_MAX)]

RequestId = (
    Annotated[int, Field(ge=-EXACT_INTEGER_MAX, le=EXACT_INTEGER_MAX)]
    | Annotated[str, Field(max_length=64)]
)


class Request(BaseModel):
    """One message of a client. `id` comes back in the answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    op: Literal["subscribe", "unsubscribe", "ping", "authenticate"]
    id: RequestId | None = None
    channels: _Names = ["trades"]
    symbols: _Names = []
    since: _Since = {}
    epoch: Annotated[str, Field(max_length=64)] | None = None
    on_lag: Literal["disconnect", "conflate", "skip"] | None = None
    key: str | None = Field(None, max_length=KEY_CHARACTERS_MAX, repr=False)
    account: Annotated[str, Field(max_length=ACCOUNT_CHARACTERS_MAX)] | None = None

    @property
    def lag_policy(self) -> LagPolicy | None:
        """What is to happen when the client falls behind, if it says so."""
        return None if self.on_lag is None else LagPolicy(self.on_lag)


QUERY_FIELDS = ("channels", "symbols", "since", "epoch", "on_lag")


def read_request(text: str) -> Request:
    """One message as a request. Raises RequestError (its `request_id` is that of the message)."""
    try:
        request = Request.model_validate_json(text)
    except ValidationError as error:
        raise _refusal(error) from None
    for name in ("key", "account"):
        if request.op != "authenticate" and getattr(request, name) is not None:
            raise RequestError("invalid_field", f"{name}: only authenticate has this field")
    return request


def read_query(parameters: Mapping[str, str]) -> Request:
    """The query string of a connection as a subscription. Raises RequestError."""
    fields: dict[str, Any] = {"op": "subscribe"}
    for name, value in parameters.items():
        if name not in QUERY_FIELDS:
            raise RequestError("unknown_field", f"{name[:40]!r} is not a parameter")
        fields[name] = value
    for name in ("channels", "symbols"):
        if name in fields:
            fields[name] = [part for part in fields[name].split(",") if part]
    if "since" in fields:
        fields["since"] = read_since(fields["since"])
    try:
        return Request.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None


def read_since(text: str) -> dict[str, int]:
    """`BTC-USDT:123,ETH-USDT:45` as a mapping. Raises RequestError invalid_field."""
    since = {}
    for part in text.split(","):
        symbol, _, seq = part.rpartition(":")
        if not symbol or not (seq.isascii() and seq.isdigit()) or len(seq) > 16:
            raise RequestError("invalid_field", "since must look like BTC-USDT:123,ETH-USDT:45")
        since[symbol] = int(seq)
    return since


def request_id_of(text: str) -> int | str | None:
    """The id of a message that could not be read as a request, if it has a usable one."""
    try:
        request_id = json.loads(text).get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    if isinstance(request_id, str):
        return request_id[:64]
    usable = isinstance(request_id, int) and abs(request_id) <= EXACT_INTEGER_MAX
    return request_id if usable else None


def _refusal(error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    kind, path = first["type"], [str(part)[:40] for part in first["loc"]]
    if kind == "json_invalid" or not path:
        return RequestError("malformed_json", "a message must be a JSON object with a field op")
    if kind == "extra_forbidden":
        return RequestError("unknown_field", f"{path[0]!r} is not a field of a request")
    if path[0] == "op":
        return RequestError("unknown_op", "op must be subscribe, unsubscribe, authenticate or ping")
    return RequestError("invalid_field", f"{'.'.join(path)}: {first['msg']}")


def error_message(error: RequestError, request_id: int | str | None = None) -> dict[str, object]:
    """A refusal; `id` is that of the request, if it had one."""
    body: dict[str, object] = {"type": "error", "code": error.code, "message": str(error)}
    return body if request_id is None else body | {"id": request_id}


def encoded(message: Mapping[str, object]) -> bytes:
    """A message as compact JSON."""
    return json.dumps(message, separators=(",", ":")).encode()
