"""Order entry over WebSocket as an AsyncAPI 3 document: requests, replies, first messages.

The schemas are those of the models that read requests and of the structures that answer them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from msgspec import to_builtins

from order_gateway.account_examples import ACCOUNT_EXAMPLE
from order_gateway.admin_params import NoParams
from order_gateway.examples import (
    AMEND_EXAMPLE,
    AMENDED_EXAMPLE,
    BATCH_EXAMPLE,
    BATCH_REQUEST_EXAMPLE,
    CANCELED_ALL_EXAMPLE,
    CANCELED_EXAMPLE,
    FILLED_EXAMPLE,
    FILLS_EXAMPLE,
    ORDER_EXAMPLES,
    ORDERS_EXAMPLE,
    TIMER_EXAMPLE,
    TIMER_REQUEST_EXAMPLE,
)
from order_gateway.health import SERVICE
from order_gateway.params import (
    AmendParams,
    BatchRequest,
    CancelAllAfterParams,
    CancelAllParams,
    FillsParams,
    HistoryParams,
    OpenOrdersParams,
    OrderKey,
    OrderRequest,
)
from order_gateway.schemas import (
    AccountReply,
    BatchReply,
    CanceledReply,
    FillsReply,
    OrdersReply,
    TimerReply,
)
from order_gateway.socket_routes import PARAMETERS
from order_gateway.ws.entry import MESSAGE_BYTES_MAX
from order_gateway.ws.messages import (
    AUTHENTICATE,
    ID_CHARACTERS_MAX,
    Authenticated,
    Connected,
    Pong,
)
from order_gateway.ws.session import IN_FLIGHT_MAX
from tapewire import __version__
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.web.direct_route import DirectRoute, json_response
from tapewire.web.problem import Problem, problem_of
from tapewire.web.schemas import SchemaReference, schema_components
from tapewire.wire.orders import OrderReply

PATH = "/asyncapi.json"
ADDRESS = "/v1/ws"

_MY_ORDER = {"client_order_id": "my-1"}
_HELLO = {
    "type": "connected",
    "service": SERVICE,
    "account": "alice",
    "cancel_on_disconnect": False,
    "in_flight_max": IN_FLIGHT_MAX,
    "message_bytes_max": MESSAGE_BYTES_MAX,
    "clock": "venue",
}
_REFUSAL = to_builtins(problem_of("order_not_found", "No order of yours has this order_id."))
_CHANNEL = {"$ref": "#/channels/orders"}
_ID_SCHEMA = {
    "description": "Names the reply; chosen by the client",
    "anyOf": [{"type": "integer"}, {"type": "string", "maxLength": ID_CHARACTERS_MAX}],
}


_CLOCK_SCHEMA: dict[str, Any] = {
    "description": "At a venue on recorded time only: the moment of the request, in microseconds "
    "since 1970 UTC",
    "type": "integer",
    "minimum": 1,
    "maximum": EXACT_INTEGER_MAX,
}


class _Operation(NamedTuple):
    """What an operation takes and answers: models with an example each."""

    summary: str
    params: type
    params_example: Mapping[str, Any]
    result: type
    result_example: Mapping[str, Any]
    status: int = 200


OPERATIONS: Mapping[str, _Operation] = {
    "place": _Operation(
        "Place an order", OrderRequest, ORDER_EXAMPLES["limit"]["value"], OrderReply,
        FILLED_EXAMPLE, 201,
    ),
    "amend": _Operation(
        "Amend an order", AmendParams, _MY_ORDER | AMEND_EXAMPLE, OrderReply, AMENDED_EXAMPLE
    ),
    "cancel": _Operation("Cancel an order", OrderKey, _MY_ORDER, OrderReply, CANCELED_EXAMPLE),
    "cancel_all": _Operation(
        "Cancel all orders", CancelAllParams, {"symbol": "BTC-USDT"}, CanceledReply,
        CANCELED_ALL_EXAMPLE,
    ),
    "order": _Operation("Read an order", OrderKey, {"order_id": "42"}, OrderReply, FILLED_EXAMPLE),
    "open_orders": _Operation(
        "List open orders", OpenOrdersParams, {"limit": 20}, OrdersReply, ORDERS_EXAMPLE
    ),
    "history": _Operation(
        "List orders", HistoryParams, {"status": "filled"}, OrdersReply, ORDERS_EXAMPLE
    ),
    "fills": _Operation("List fills", FillsParams, {"order_id": "42"}, FillsReply, FILLS_EXAMPLE),
    "batch": _Operation(
        "Place, amend and cancel many orders", BatchRequest, BATCH_REQUEST_EXAMPLE, BatchReply,
        BATCH_EXAMPLE,
    ),
    "cancel_all_after": _Operation(
        "Arm the dead-man timer", CancelAllAfterParams, TIMER_REQUEST_EXAMPLE, TimerReply,
        TIMER_EXAMPLE,
    ),
    "account": _Operation("Read your account", NoParams, {}, AccountReply, ACCOUNT_EXAMPLE),
    "ping": _Operation("Ask for a sign of life", NoParams, {}, Pong, {}),
}  # fmt: skip

router = APIRouter(route_class=DirectRoute)


@router.get(PATH, include_in_schema=False)
async def asyncapi(request: Request) -> Response:
    """The document, with the address at which a client asked for it."""
    secure = request.url.scheme == "https"
    return json_response(asyncapi_document(request.url.netloc, "wss" if secure else "ws"))


def asyncapi_document(host: str, scheme: str = "ws") -> dict[str, Any]:
    """The document of a gateway at `host`, which clients reach with `scheme`."""
    requests = [_request_name(op) for op in (*OPERATIONS, AUTHENTICATE)]
    replies = ["connected", *(_reply_name(op) for op in (*OPERATIONS, AUTHENTICATE)), "refused"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tapewire order entry",
            "version": __version__,
            "description": "The operations of REST over one WebSocket: many requests in flight, "
            "done in their order and answered in their order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": {"host": host, "protocol": scheme}},
        "channels": {"orders": _channel([*requests, *replies])},
        "operations": {
            "receive": _operation("receive", "What a client may ask for", requests),
            "send": _operation("send", "What the gateway answers", replies),
        },
        "components": {
            "messages": dict(_messages()),
            "schemas": schema_components(
                [
                    *(operation.params for operation in OPERATIONS.values()),
                    *(operation.result for operation in OPERATIONS.values()),
                    Connected,
                    Authenticated,
                    Problem,
                ]
            ),
        },
    }


def _channel(names: list[str]) -> dict[str, Any]:
    account, cancel_on_disconnect = PARAMETERS
    return {
        "address": ADDRESS,
        "description": "At a venue with keys the upgrade has `Authorization: Bearer KEY`, or the "
        "first message is `authenticate`. At an open venue the header `X-Account` or the parameter "
        "`account` names the account.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        account: {"type": "string", "description": "The account, as X-Account"},
                        cancel_on_disconnect: {
                            "type": "boolean",
                            "description": "Cancel the orders of the connection when it ends",
                        },
                    },
                    "additionalProperties": False,
                },
            }
        },
    }


def _operation(action: str, summary: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _CHANNEL,
        "summary": summary,
        "messages": [{"$ref": f"#/channels/orders/messages/{name}"} for name in names],
    }


def _messages() -> Mapping[str, dict[str, Any]]:
    messages = {
        "connected": _message("The first message", SchemaReference(Connected), _HELLO),
        "refused": _message(
            "The reply to a request that was not done",
            _object(
                {
                    "id": {"anyOf": [*_ID_SCHEMA["anyOf"], {"type": "null"}]},
                    "status": {"type": "integer"},
                    "error": SchemaReference(Problem),
                    "retry_after_s": {"type": "integer", "description": "With 429 and 503"},
                },
                ("id", "status", "error"),
            ),
            {"id": 1, "status": 404, "error": _REFUSAL},
        ),
        _request_name(AUTHENTICATE): _message(
            "Prove the account, at a venue with keys",
            _object(
                {"id": _ID_SCHEMA, "op": {"const": AUTHENTICATE}, "key": {"type": "string"}},
                ("op", "key"),
            ),
            {"id": 1, "op": AUTHENTICATE, "key": "tw_Xk3vQ8mZt1Lb_SECRET"},
        ),
        _reply_name(AUTHENTICATE): _reply(
            "The key is good", Authenticated, {"account": "alice", "permissions": ["trade"]}, 200
        ),
    }
    for op, operation in OPERATIONS.items():
        members = {
            "id": _ID_SCHEMA,
            "clock_us": _CLOCK_SCHEMA,
            "op": {"const": op},
            "params": SchemaReference(operation.params),
        }
        messages[_request_name(op)] = _message(
            operation.summary,
            _object(members, ("id", "op")),
            {"id": 1, "op": op, "params": operation.params_example},
        )
        messages[_reply_name(op)] = _reply(
            f"The answer to {op}", operation.result, operation.result_example, operation.status
        )
    return messages


def _reply(summary: str, model: type, example: Mapping[str, Any], status: int) -> dict[str, Any]:
    members = {"id": _ID_SCHEMA, "status": {"type": "integer"}, "result": SchemaReference(model)}
    return _message(
        summary, _object(members, tuple(members)), {"id": 1, "status": status, "result": example}
    )


def _message(
    summary: str, payload: Mapping[str, Any], example: Mapping[str, Any]
) -> dict[str, Any]:
    return {"summary": summary, "payload": payload, "examples": [{"payload": example}]}


def _object(members: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": list(required),
        "additionalProperties": False,
    }


def _request_name(op: str) -> str:
    return f"{op}_request"


def _reply_name(op: str) -> str:
    return f"{op}_reply"
