"""Order entry over WebSocket as an AsyncAPI 3 document: requests, replies, first messages.

The schemas are those of the models that read requests and of the structures that answer them.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from order_gateway.health import SERVICE
from order_gateway.socket_routes import PARAMETERS
from order_gateway.ws.entry import MESSAGE_BYTES_MAX
from order_gateway.ws.messages import (
    AUTHENTICATE,
    ID_CHARACTERS_MAX,
    Authenticated,
    Connected,
)
from order_gateway.ws.operation_models import OPERATIONS
from order_gateway.ws.session import IN_FLIGHT_MAX
from tapewire import __version__
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.web.problem import Problem, problem_of
from tapewire.web.schemas import SchemaReference, schema_components

PATH = "/asyncapi.json"
ADDRESS = "/v1/ws"

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
    "description": "The id of the reply; chosen by the client",
    "anyOf": [{"type": "integer"}, {"type": "string", "maxLength": ID_CHARACTERS_MAX}],
}


_CLOCK_SCHEMA: dict[str, Any] = {
    "description": "Only at a venue on recorded time: the time of the request, in "
    "microseconds since 1970 UTC",
    "type": "integer",
    "minimum": 1,
    "maximum": EXACT_INTEGER_MAX,
}


def asyncapi_document(host: str, scheme: str = "ws") -> dict[str, Any]:
    """The document of a gateway at `host`, reached with `scheme`."""
    requests = [_request_name(op) for op in (*OPERATIONS, AUTHENTICATE)]
    replies = ["connected", *(_reply_name(op) for op in (*OPERATIONS, AUTHENTICATE)), "refused"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tapewire order entry",
            "version": __version__,
            "description": "The operations of REST over one WebSocket: many requests in "
            "flight, done and answered in order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": {"host": host, "protocol": scheme}},
        "channels": {"orders": _channel([*requests, *replies])},
        "operations": {
            "receive": _operation("receive", "The requests of a client", requests),
            "send": _operation("send", "The messages of the gateway", replies),
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
            "The reply to a refused request",
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
            "The key is valid", Authenticated, {"account": "alice", "permissions": ["trade"]}, 200
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
