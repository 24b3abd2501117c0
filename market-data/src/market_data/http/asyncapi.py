"""The feed as an AsyncAPI 3 document: channel, parameters, messages, codes.

The schemas are generated from the models that the client library decodes messages with.
"""

from collections.abc import Sequence
from typing import Any

from market_data.clients import protocol
from market_data.errors import CLOSE_MEANINGS, ERROR_MEANINGS
from market_data.http.asyncapi_examples import MESSAGE_EXAMPLES, REQUEST_EXAMPLES
from market_data.topics import CHANNELS
from tapewire import __version__
from tapewire.web.schemas import SchemaReference, schema_components
from tapewire.wire.feed_messages import MESSAGE_TYPES

PATH = "/asyncapi.json"
FEED_ADDRESS = "/ws/market-data"

_CHANNEL = {"$ref": "#/channels/feed"}

_PARAMETERS = {
    "channels": "Names separated by commas: " + ", ".join(CHANNELS),
    "symbols": "Names separated by commas; all instruments without it, or with `*`",
    "since": "`SYMBOL:SEQ,...`, `orders:SEQ`: send the trades, or the execution reports, after "
    "these first, then go on live",
    "epoch": "The epoch that `since` belongs to; in another one nothing can be resumed",
    "on_lag": "If this client reads too slowly: `disconnect`, `conflate`, `skip`",
}


def asyncapi_document(host: str, scheme: str = "ws") -> dict[str, Any]:
    """The document of a service at `host`, which clients reach with `scheme`."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tapewire market data",
            "version": __version__,
            "description": "All trades in order and once, books with checksums, as a WebSocket. "
            "A client that resumes with `since` and `epoch` misses nothing.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"feed": {"host": host, "protocol": scheme}},
        "channels": {"feed": _channel()},
        "operations": {
            "send": _operation("send", "Messages of the service to a client", list(MESSAGE_TYPES)),
            "receive": _operation("receive", "Requests of a client", ["request"]),
        },
        "components": _components(),
    }


def _channel() -> dict[str, Any]:
    parameters = {
        name: {"type": "string", "description": _PARAMETERS[name]} for name in protocol.QUERY_FIELDS
    }
    return {
        "address": FEED_ADDRESS,
        "description": "Without parameters a client gets every trade of every symbol. The channels "
        "orders and balances are private: the upgrade has `Authorization: Bearer KEY` (in an open "
        "venue `X-Account`), or the client sends the request authenticate.",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in [*MESSAGE_TYPES, "request"]
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": parameters,
                    "additionalProperties": False,
                },
            }
        },
        "x-close-codes": {str(int(code)): text for code, text in CLOSE_MEANINGS.items()},
        "x-error-codes": dict(ERROR_MEANINGS),
    }


def _operation(action: str, summary: str, names: Sequence[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _CHANNEL,
        "summary": summary,
        "messages": [{"$ref": f"#/channels/feed/messages/{name}"} for name in names],
    }


def _components() -> dict[str, Any]:
    models: dict[str, type] = {**MESSAGE_TYPES, "request": protocol.Request}
    examples = {name: [example] for name, example in MESSAGE_EXAMPLES.items()}
    examples["request"] = list(REQUEST_EXAMPLES)
    return {
        "messages": {
            name: {
                "name": name,
                "summary": (model.__doc__ or "").partition("\n")[0],
                "payload": SchemaReference(model),
                "examples": [{"payload": example} for example in examples[name]],
            }
            for name, model in models.items()
        },
        "schemas": schema_components(models.values()),
    }
