"""The client has every operation of both services, with every option, async and sync alike."""

import ast
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest

import tapewire.client
from market_data.app import create_app as create_market_data
from market_data.settings import MarketDataSettings
from order_gateway.app import create_app as create_gateway
from order_gateway.settings import GatewaySettings
from order_gateway.ws.messages import OPERATIONS as SOCKET_OPERATIONS
from tapewire.client import (
    AccountInfo,
    Admin,
    HistoryFill,
    MarketDataClient,
    OrderEntry,
    PlacedOrder,
    SyncAdmin,
    SyncMarketDataClient,
    SyncOrderEntry,
    SyncVenueClient,
    Transfer,
    VenueClient,
)
from tapewire.client.calls import OPERATIONS, Operation
from tapewire.errors import TapewireError

# Trades as server-sent events are for programs without this library, which has `feed().trades()`.
OTHERWISE = {("market-data", "GET", "/v1/stream")}
PAIRS = [
    (VenueClient, SyncVenueClient),
    (Admin, SyncAdmin),
    (OrderEntry, SyncOrderEntry),
    (MarketDataClient, SyncMarketDataClient),
]
# What a builder calls by a name of its own; the rest has the names of the documents.
PARAMETERS = {"from": "start", "to": "end", "limit": "page_size", "account": "name"}


def documents() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of each service."""
    return {
        "order-gateway": create_gateway(GatewaySettings()).openapi(),
        "market-data": create_market_data(MarketDataSettings()).openapi(),
    }


def documented() -> Iterator[tuple[tuple[str, str, str], dict[str, Any], dict[str, Any]]]:
    """Every operation of both documents, with its description and the document."""
    for service, document in documents().items():
        for path, methods in document["paths"].items():
            for method, described in methods.items():
                yield (service, method.upper(), path), described, document


DOCUMENTED = list(documented())
BY_NAME = {(item.service, item.method, item.path): item for item in OPERATIONS}


def test_no_operation_is_missing() -> None:
    """The operations of both OpenAPI documents are those of the client, and no others."""
    assert {name for name, _, _ in DOCUMENTED} - OTHERWISE == set(BY_NAME)


def test_every_operation_is_a_method() -> None:
    """Each builder of a call is a method of the client or of its administrator."""
    names = {*vars(VenueClient), *vars(Admin)}
    assert {build.__name__ for build in OPERATIONS.values()} <= names


def test_order_entry_has_every_operation_of_the_socket() -> None:
    """`open_orders` is `history` with a status; `list_orders` and the like are methods of it."""
    known = {item.op for item in OPERATIONS if item.op is not None} | {"open_orders", "ping"}
    assert known == set(SOCKET_OPERATIONS)
    for item, build in OPERATIONS.items():
        if item.op is not None:
            assert hasattr(OrderEntry, build.__name__)


@pytest.mark.parametrize("item", OPERATIONS, ids=lambda item: f"{item.method} {item.path}")
def test_every_option_is_a_parameter(item: Operation) -> None:
    """Query parameters and members of the body, by the name of the document."""
    described, document = next(
        (described, document)
        for name, described, document in DOCUMENTED
        if name == (item.service, item.method, item.path)
    )
    names = {
        parameter["name"]
        for parameter in described.get("parameters", [])
        if parameter["in"] in {"query", "path"}
    }
    content = described.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    names |= set(schema.get("properties", {}))
    if item.op == "batch":
        names = {"items"}
    parameters = set(inspect.signature(OPERATIONS[item]).parameters)
    # Iterators turn the pages themselves.
    missing = {
        name
        for name in names - {"cursor"}
        if name not in parameters and PARAMETERS.get(name) not in parameters
    }
    assert not missing


@pytest.mark.parametrize(("asynchronous", "sync"), PAIRS, ids=lambda kind: kind.__name__)
def test_sync_and_async_have_the_same_names(asynchronous: type, sync: type) -> None:
    """Methods and their parameters are the same; only `aclose` has an `a`."""
    methods = [
        {
            name.removeprefix("a") if name == "aclose" else name: list(
                inspect.signature(method).parameters
            )[1:]
            for name, method in vars(kind).items()
            if not name.startswith("_") and inspect.isfunction(method)
        }
        for kind in (asynchronous, sync)
    ]
    # `with` connects a sync order entry.
    methods[0].pop("connect", None)
    assert methods[0] == methods[1]


def test_methods_explain_themselves() -> None:
    """`help()` shows the text and the parameters of the operation."""
    assert str(inspect.signature(VenueClient.cancel)) == (
        "(self, /, order_id: str | None = None, *, client_order_id: str | None = None, "
        "cancel_id: str | None = None)"
    )
    for kind, _ in PAIRS:
        for name, method in vars(kind).items():
            if not name.startswith("_") and inspect.isfunction(method):
                assert method.__doc__, f"{kind.__name__}.{name}"


def test_every_exception_is_exported_with_a_code_of_its_own() -> None:
    """What the library raises can be caught by its name in `tapewire.client`."""
    raised = set()
    for path in Path(tapewire.client.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Refused")):
                raised.add(node.name)
    raised |= {"Unreachable", "OutcomeUnknown", "Unavailable", "MessageError", "ConfigurationError"}
    exported = {
        name: kind
        for name in tapewire.client.__all__
        if inspect.isclass(kind := getattr(tapewire.client, name))
        and issubclass(kind, TapewireError)
    }
    assert raised <= set(exported)
    codes = [
        kind.code
        for name, kind in exported.items()
        if name not in {"TapewireError", "RequestRefused", "FeedRefused"}
    ]
    assert len(set(codes)) == len(codes)
    assert "error" not in codes


async def typed(client: VenueClient, sync: SyncVenueClient) -> None:
    """Read by mypy and never run: methods keep the types of their operations."""
    assert_type(await client.account(), AccountInfo)
    assert_type(sync.admin.deposit("bob", "USDT", 1), Transfer)
    assert_type(await client.order_entry().place("X", "buy", 1, 1), PlacedOrder)
    assert_type(client.fills(), AsyncIterator[HistoryFill])
    assert_type(sync.orders(), Iterator[PlacedOrder])
    sync.place("X", "purchase", 1)  # type: ignore[arg-type]
    sync.cancel(orderid="1")  # type: ignore[call-arg]
