"""Pieces of the OpenAPI document. Direct routes have no signature that FastAPI could read."""

from typing import Any

from pydantic import BaseModel

from order_gateway.field_types import CLIENT_ORDER_ID_PATTERN, ORDER_ID_PATTERN
from order_gateway.params import Params
from tapewire.keys import FEE_ACCOUNT
from tapewire.values.account_names import ACCOUNT_HEADER, ACCOUNT_PATTERN, DEFAULT_ACCOUNT
from tapewire.web.direct_route import JSON_MEDIA_TYPE
from tapewire.web.schemas import SchemaReference

_INTEGER = {"schema": {"type": "integer"}}
RATE_LIMIT_HEADERS: dict[str, Any] = {
    "RateLimit-Limit": _INTEGER | {"description": "Requests that may be sent at once"},
    "RateLimit-Remaining": _INTEGER | {"description": "Requests that are left"},
    "RateLimit-Reset": _INTEGER | {"description": "Seconds until all requests are available again"},
}
ACCOUNT: dict[str, Any] = {
    "name": ACCOUNT_HEADER,
    "in": "header",
    "required": False,
    "description": f"The account of the order; at an open gateway `{DEFAULT_ACCOUNT}` "
    "by default, and with an API key only the account of the key",
    "schema": {"type": "string", "pattern": f"^{ACCOUNT_PATTERN}$"},
}
ORDER_ID: dict[str, Any] = {
    "name": "order_id",
    "in": "path",
    "required": True,
    "description": "The venue's number of the order, or `client:` and its client_order_id",
    "schema": {
        "type": "string",
        "pattern": f"{ORDER_ID_PATTERN}|^client:{CLIENT_ORDER_ID_PATTERN[1:]}",
    },
    "examples": {"id": {"value": "42"}, "client": {"value": "client:my-1"}},
}
LIST_ID: dict[str, Any] = {
    "name": "list_id",
    "in": "path",
    "required": True,
    "description": "The order_id of the list's first order, or `client:` and its client_list_id",
    "schema": ORDER_ID["schema"],
    "examples": ORDER_ID["examples"],
}
ACCOUNT_NAME: dict[str, Any] = {
    "name": "account",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^({ACCOUNT_PATTERN}|{FEE_ACCOUNT})$"},
    "example": "alice",
}
KEY_ID: dict[str, Any] = {
    "name": "key_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": "Xk3vQ8mZt1Lb",
}
SYMBOL: dict[str, Any] = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": "BTC-USDT",
}


def answered(description: str, model: type, example: object) -> dict[str, Any]:
    """One documented answer."""
    return {
        "description": description,
        "content": {JSON_MEDIA_TYPE: {"schema": SchemaReference(model), "example": example}},
        "headers": RATE_LIMIT_HEADERS,
    }


def queried(model: type[Params]) -> list[dict[str, Any]]:
    """The fields of a query string."""
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def sent(model: type[BaseModel], **examples: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """The body of a request, which is a component of the document."""
    shown = {
        name: value if isinstance(value, dict) and "value" in value else {"value": value}
        for name, value in examples.items()
    }
    return {
        "required": True,
        "content": {JSON_MEDIA_TYPE: {"schema": SchemaReference(model), "examples": shown}},
    }
