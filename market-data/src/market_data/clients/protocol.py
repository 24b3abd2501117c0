"""The requests of a client, and the answers. Sans I/O: text in, request or refusal out."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from market_data.errors import RequestError
from market_data.fanout.lag import LagPolicy
from market_data.topics import EVERY_SYMBOL, ORDERS, TRADES, Subscription, Topic, covers
from tapewire.limits import ACCOUNT_CHARACTERS_MAX, EXACT_INTEGER_MAX, SYMBOL_CHARACTERS_MAX

NAMES_MAX = 1_000
KEY_CHARACTERS_MAX = 128
ID_CHARACTERS_MAX = 64
EPOCH_CHARACTERS_MAX = 64
SEQ_DIGITS_MAX = 16

_NAME_CHARACTERS_SHOWN_MAX = 40

_Name = Annotated[str, Field(min_length=1, max_length=SYMBOL_CHARACTERS_MAX)]
_Names = Annotated[list[_Name], Field(max_length=NAMES_MAX)]
_Seq = Annotated[int, Field(ge=0, le=EXACT_INTEGER_MAX)]
_Since = Annotated[dict[_Name, _Seq], Field(max_length=NAMES_MAX)]

# The rule of each field, to be read after its name. The name in `op` has a code of its own.
_NAMES_RULE = (
    f"must be a list of at most {NAMES_MAX} names of 1 to {SYMBOL_CHARACTERS_MAX} characters"
)
_RULES: Mapping[str, str] = {
    "id": f"must be a whole number of at most {EXACT_INTEGER_MAX}, or a text of at most "
    f"{ID_CHARACTERS_MAX} characters",
    "channels": _NAMES_RULE,
    "symbols": _NAMES_RULE,
    "since": f"must name at most {NAMES_MAX} positions, each a whole number from 0 to "
    f"{EXACT_INTEGER_MAX}",
    "epoch": f"must be a text of at most {EPOCH_CHARACTERS_MAX} characters",
    "on_lag": "must be disconnect, conflate or skip",
    "key": f"must be a text of at most {KEY_CHARACTERS_MAX} characters",
    "account": f"must be a text of at most {ACCOUNT_CHARACTERS_MAX} characters",
}
# Fields of which a refusal also names the item: its number, or the symbol of a position.
_WITH_ITEMS = frozenset({"channels", "symbols", "since"})

RequestId = (
    Annotated[int, Field(ge=-EXACT_INTEGER_MAX, le=EXACT_INTEGER_MAX)]
    | Annotated[str, Field(max_length=ID_CHARACTERS_MAX)]
)


class Request(BaseModel):
    """One message of a client. `id` comes back in the answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    op: Literal["subscribe", "unsubscribe", "ping", "authenticate"]
    id: RequestId | None = None
    channels: _Names = ["trades"]
    symbols: _Names = []
    since: _Since = {}
    epoch: Annotated[str, Field(max_length=EPOCH_CHARACTERS_MAX)] | None = None
    on_lag: Literal["disconnect", "conflate", "skip"] | None = None
    key: str | None = Field(None, max_length=KEY_CHARACTERS_MAX, repr=False)
    account: Annotated[str, Field(max_length=ACCOUNT_CHARACTERS_MAX)] | None = None

    @property
    def named_symbols(self) -> set[str]:
        """The symbols that the request names; none if it is about all of them."""
        return set(self.symbols) - {EVERY_SYMBOL}

    @property
    def lag_policy(self) -> LagPolicy | None:
        """The policy for a client that falls behind; None if the request names none."""
        return None if self.on_lag is None else LagPolicy(self.on_lag)


QUERY_FIELDS = ("channels", "symbols", "since", "epoch", "on_lag")

_FIELDS: Mapping[str, frozenset[str]] = {
    "subscribe": frozenset(QUERY_FIELDS),
    "unsubscribe": frozenset({"channels", "symbols"}),
    "ping": frozenset(),
    "authenticate": frozenset({"key", "account"}),
}
"""The fields of each operation beside `op` and `id`."""


def read_request(text: str) -> Request:
    """One message as a request. Raises RequestError.

    Fields that the operation does not read are refused, and so are repeated fields.
    """
    try:
        fields = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if not isinstance(fields, dict):
        raise _malformed()
    request = _validated(fields)
    for name in request.model_fields_set - {"op", "id"} - _FIELDS[request.op]:
        raise RequestError("invalid_field", f"{name}: {request.op} does not have this field")
    if request.channels == []:
        raise RequestError("invalid_field", "channels: the list is empty; leave out the field")
    if "symbols" in request.model_fields_set and not request.symbols:
        raise RequestError(
            "invalid_field", 'symbols: the list is empty; leave out the field, or send ["*"]'
        )
    return _consistent(request)


def read_query(parameters: Iterable[tuple[str, str]]) -> Request:
    """The query string of a connection as a subscription. Raises RequestError.

    An empty `channels` asks for no channel: the client subscribes later.
    """
    fields: dict[str, Any] = {"op": "subscribe"}
    for name, value in parameters:
        if name not in QUERY_FIELDS:
            raise RequestError(
                "unknown_field",
                f"{shown(name)} is not a parameter; the parameters are {', '.join(QUERY_FIELDS)}",
            )
        if name in fields:
            raise RequestError("invalid_field", f"{name}: the parameter stands twice")
        fields[name] = value
    if "channels" in fields:
        fields["channels"] = read_names("channels", fields["channels"], may_be_empty=True)
    if "symbols" in fields:
        fields["symbols"] = read_names("symbols", fields["symbols"])
    if "since" in fields:
        fields["since"] = read_since(fields["since"])
    return _consistent(_validated(fields))


def read_names(field: str, text: str, *, may_be_empty: bool = False) -> list[str]:
    """Names separated by commas. Raises RequestError invalid_field for an empty name."""
    if may_be_empty and not text:
        return []
    names = text.split(",")
    if "" in names:
        raise RequestError("invalid_field", f"{field}: a name is empty")
    return names


def read_since(text: str) -> dict[str, int]:
    """`BTC-USDT:123,ETH-USDT:45` as a mapping. Raises RequestError invalid_field."""
    since: dict[str, int] = {}
    for part in text.split(","):
        name, _, seq = part.rpartition(":")
        if not name or not (seq.isascii() and seq.isdigit()) or len(seq) > SEQ_DIGITS_MAX:
            raise RequestError("invalid_field", "since must look like BTC-USDT:123,ETH-USDT:45")
        if name in since:
            raise RequestError("invalid_field", f"since: {shown(name)} stands twice")
        since[name] = int(seq)
    return since


def resumed_topics(request: Request, topics: Subscription) -> dict[Topic, int]:
    """The positions to resume from, by topic. Raises RequestError for a topic not subscribed to."""
    since = {}
    for name, seq in request.since.items():
        if name == ORDERS:
            found = [topic for topic in topics if topic[0] == ORDERS]
        else:
            found = [(TRADES, name)] if covers(topics, TRADES, name) else []
        if not found:
            what = name if name == ORDERS else f"trades of {shown(name)}"
            raise RequestError("invalid_field", f"since: the request does not subscribe to {what}")
        since[found[0]] = seq
    return since


def request_id_of(text: str) -> int | str | None:
    """The id of a message that could not be read as a request, if it has a usable one."""
    try:
        request_id = json.loads(text).get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    if isinstance(request_id, str):
        # JSON can name half of a character, which no answer can repeat.
        short = request_id[:ID_CHARACTERS_MAX].encode(errors="ignore").decode()
        return short if short == request_id[:ID_CHARACTERS_MAX] else None
    usable = isinstance(request_id, int) and abs(request_id) <= EXACT_INTEGER_MAX
    return request_id if usable else None


def error_message(error: RequestError, request_id: int | str | None = None) -> dict[str, object]:
    """A refusal; `id` is the id of the request, if it had one."""
    body: dict[str, object] = {"type": "error", "code": error.code, "message": str(error)}
    return body if request_id is None else body | {"id": request_id}


def shown(name: str) -> str:
    """A name of a client's making, short and quoted, for a sentence."""
    return repr(name[:_NAME_CHARACTERS_SHOWN_MAX])


def repeated(names: Iterable[str]) -> str | None:
    """The first name that stands in a list a second time; None if every name stands once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs) and (twice := repeated(name for name, _ in pairs)):
        raise RequestError("invalid_field", f"{shown(twice)} stands twice")
    return members


def _refuse_constant(text: str) -> object:
    """NaN and Infinity are not JSON."""
    raise ValueError(text)


def _validated(fields: dict[str, Any]) -> Request:
    try:
        return Request.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None


def _consistent(request: Request) -> Request:
    if request.epoch is not None and not request.since:
        raise RequestError("invalid_field", "epoch: it belongs to since, which is missing")
    for field, names in (("channels", request.channels), ("symbols", request.symbols)):
        if twice := repeated(names):
            raise RequestError("invalid_field", f"{field}: {shown(twice)} stands twice")
    if EVERY_SYMBOL in request.symbols and len(request.symbols) > 1:
        raise RequestError(
            "invalid_field", "symbols: * stands for all symbols; leave out the other names"
        )
    return request


def _refusal(error: ValidationError) -> RequestError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part)[:_NAME_CHARACTERS_SHOWN_MAX] for part in first["loc"]]
    if not path:
        return RequestError("unknown_field", "a field is not text of whole characters")
    if first["type"] == "extra_forbidden":
        return RequestError("unknown_field", f"{path[0]!r} is not a field of a request")
    if path[0] == "op":
        return RequestError("unknown_op", "op must be subscribe, unsubscribe, authenticate or ping")
    # Behind the field stand names of validators, which say nothing to a client.
    place = path[:2] if path[0] in _WITH_ITEMS else path[:1]
    return RequestError("invalid_field", f"{'.'.join(place)}: {path[0]} {_RULES[path[0]]}")


def _malformed() -> RequestError:
    return RequestError("malformed_json", "a message must be a JSON object with a field op")
