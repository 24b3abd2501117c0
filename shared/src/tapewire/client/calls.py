"""A request to the venue as a value, for REST and WebSocket, async and sync. Pure.

A function with `@operation` builds the call of one operation of the venue. `VenueClient`,
`SyncVenueClient`, `OrderEntry` and `SyncOrderEntry` make their methods of these functions, so that
an operation is described once.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast
from urllib.parse import quote

import msgspec

from tapewire.errors import MessageError
from tapewire.values.types import frozen_for_the_checker

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Item = TypeVar("Item")

Number: TypeAlias = Decimal | int | str
"""A price, quantity or amount: never a float, because 0.1 has no exact float."""

Moment: TypeAlias = datetime | str
"""A time: a `datetime` with a zone, or ISO 8601 text with an offset."""

ServiceName: TypeAlias = Literal["order-gateway", "market-data"]


class Unchanged(Enum):
    """Marks a setting that a call does not change, where `None` has a meaning of its own."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service: `method` and `path` of REST, `op` of WebSocket order entry."""

    service: ServiceName
    method: str
    path: str
    op: str | None = None
    # Whether the request may be sent again when its answer was lost.
    is_repeatable: bool = True
    # Statuses that are answers, besides those below 300.
    answers: frozenset[int] = frozenset()


@frozen_for_the_checker
class Call(Generic[Result]):
    """One request: `key` names an order or a list, `path` fills the path; no None is sent."""

    decode: Callable[[bytes], Result]
    key: tuple[str, str] | None = None
    path: Mapping[str, str] | None = None
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    recheck: "Recheck[Result] | None" = None
    operation: Operation = Operation("order-gateway", "GET", "/")
    # Over order entry at a venue on recorded time: microseconds since 1970 UTC.
    clock_us: int | None = None

    @property
    def url(self) -> str:
        """The path of the request, without query."""
        values = dict(self.path or {})
        if self.key is not None:
            name, value = self.key
            if name.startswith("client_"):
                name, value = name.removeprefix("client_"), f"client:{value}"
            values[name] = value
        return self.operation.path.format_map({k: quote(v, safe=":@") for k, v in values.items()})

    @property
    def parameters(self) -> dict[str, str]:
        """The query of the request, as text."""
        return {name: str(value) for name, value in given(self.query).items()}

    @property
    def params(self) -> dict[str, object]:
        """The `params` of the same request over WebSocket."""
        params = given(self.body)
        if self.query is not None:
            params = given(self.query) | params
        return params if self.key is None else dict([self.key]) | params


@dataclass(frozen=True, slots=True)
class Recheck(Generic[Result]):
    """The check whether an attempt without an answer was done.

    If a later attempt is refused with `code`, `call` reads the state. If `accepts` is true for the
    state, the first attempt was done, and the state is the answer.
    """

    code: str
    call: Call[Result]
    accepts: Callable[[Result], bool]


@dataclass(frozen=True, slots=True)
class Pages(Generic[Answer, Item]):
    """A list in pages: the call of the first page, and the way from a page to the next."""

    first: Call[Answer]
    items: Callable[[Answer], list[Item]]
    # The call of the page behind this one; None behind the last page.
    following: Callable[[Call[Answer], Answer], Call[Answer] | None]

    @property
    def operation(self) -> Operation:
        """The operation that every page asks for."""
        return self.first.operation


OPERATIONS: dict[Operation, Callable[..., Any]] = {}
"""Every operation that the library knows, with the function that builds its call."""


def find_operation(op: str) -> Operation:
    """The operation of order entry with this name. Raises StopIteration for an unknown name."""
    return next(each for each in OPERATIONS if each.op == op)


Built = TypeVar("Built", bound=Call[Any] | Pages[Any, Any])


def operation(
    method: str,
    path: str,
    op: str | None = None,
    *,
    service: ServiceName = "order-gateway",
    is_repeatable: bool = True,
    answers: frozenset[int] = frozenset(),
) -> Callable[[Callable[Parameters, Built]], Callable[Parameters, Built]]:
    """Declare that the function below builds the call of this operation."""
    described = Operation(service, method, path, op, is_repeatable, answers)

    def declare(build: Callable[Parameters, Built]) -> Callable[Parameters, Built]:
        @functools.wraps(build)
        def built(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Built:
            call: Any = build(*args, **kwargs)
            if isinstance(call, Pages):
                call = replace(call, first=replace(call.first, operation=described))
            else:
                call = replace(call, operation=described)
            return cast("Built", call)

        OPERATIONS[described] = built
        return built

    return declare


class CursorPage(Protocol):
    """A page that names the page behind it."""

    @property
    def next_cursor(self) -> str | None:
        """The `cursor` of the next page; None on the last page."""


Page = TypeVar("Page", bound=CursorPage)


def next_page(call: Call[Page], page: Page) -> Call[Page] | None:
    """The call of the page behind `page`, which answered `call`; None if there is none."""
    if page.next_cursor is None:
        return None
    return replace(call, query={**(call.query or {}), "cursor": page.next_cursor})


def decoder(kind: type[Answer]) -> Callable[[bytes], Answer]:
    """A reader of JSON answers of one type. The reader raises MessageError."""
    read = msgspec.json.Decoder(kind).decode

    def decode(body: bytes) -> Answer:
        try:
            return read(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise MessageError(f"the answer is not a {kind.__name__}: {error}") from None

    return decode


def given(members: Mapping[str, object] | None) -> dict[str, object]:
    """The members to send: all except None and `UNCHANGED`."""
    return {
        name: None if value is NULL else value
        for name, value in (members or {}).items()
        if value is not None and value is not UNCHANGED
    }


class _Null(Enum):
    NULL = None


NULL = _Null.NULL
"""Stands in a body for a `null` that is to be sent."""


def nullable(value: object) -> object:
    """A setting of which `None` is to be sent as `null`."""
    return NULL if value is None else value


def plain(number: Number | None) -> str | None:
    """A number as the venue reads it. Raises TypeError for a float."""
    if number is None or isinstance(number, str):
        return number
    if isinstance(number, Decimal):
        return format(number, "f")
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise TypeError(
        f"a number must be text, an int or a Decimal, because floats are not exact; got {number!r}"
    )


def moment(time: Moment | None) -> str | None:
    """A time as the venue reads it. Raises ValueError for a datetime without a zone."""
    if time is None or isinstance(time, str):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time!r} has no time zone: pass datetime(..., tzinfo=UTC)")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
