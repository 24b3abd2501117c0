"""The AsyncAPI document is complete, consistent, and covers the messages that the code makes."""

import ast
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import market_data
from market_data.binance import messages, statistic_messages
from market_data.binance.asyncapi import MESSAGES, streams_document
from market_data.clients.protocol import QUERY_FIELDS, Request
from market_data.errors import CLOSE_MEANINGS, ERROR_MEANINGS, CloseCode
from market_data.http.asyncapi import asyncapi_document
from market_data.http.asyncapi_examples import MESSAGE_EXAMPLES, REQUEST_EXAMPLES
from tapewire.wire import account_feed
from tapewire.wire.feed_messages import MESSAGE_TYPES
from tests.support.structures import read_exactly

SOURCES = Path(market_data.__file__).parent
DOCUMENTS = {"asyncapi.py", "asyncapi_examples.py"}
# A dictionary with one of these as its type describes a parameter.
SCHEMA_TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}


@pytest.fixture
def streams() -> dict[str, Any]:
    """The document of the Binance streams, as a client gets it over HTTP."""
    loaded: dict[str, Any] = json.loads(json.dumps(streams_document("127.0.0.1:8001")))
    return loaded


@pytest.fixture
def document() -> dict[str, Any]:
    """The document as a client gets it over HTTP."""
    text = json.dumps(asyncapi_document("127.0.0.1:8001"))
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def references(node: object) -> list[str]:
    """Every `$ref` in the document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def types_in_code() -> set[str]:
    """The types of messages that the service makes.

    They stand as a dictionary's `type`, in JSON text, as the kind of an acknowledgement, or as the
    structure that a function makes.
    """
    found: set[str] = set()
    structures = {model.__name__: kind for kind, model in MESSAGE_TYPES.items()}
    for path in [*SOURCES.rglob("*.py"), Path(account_feed.__file__)]:
        if path.name in DOCUMENTS:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef(body=body):
                    names = [part for statement in body for part in ast.walk(statement)]
                    found |= {
                        structures[part.id]
                        for part in names
                        if isinstance(part, ast.Name) and part.id in structures
                    }
                case ast.Dict(keys=[ast.Constant(value="type"), *_], values=[value, *_]):
                    found |= texts(value)
                case ast.Call(func=ast.Name(id="_acknowledgement"), args=[kind, *_]):
                    found |= texts(kind)
                case ast.Call(func=ast.Attribute(attr="_admit"), args=[_, _, _, kind, *_]):
                    found |= texts(kind)
                case ast.Constant(value=str() | bytes() as literal):
                    text = literal if isinstance(literal, str) else literal.decode()
                    if text.startswith('{"type":"'):
                        found.add(text.split('"')[3])
    return found - SCHEMA_TYPES


def texts(node: ast.expr) -> set[str]:
    """The text constants to which the expression may evaluate."""
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def test_every_reference_leads_somewhere(document: dict[str, Any], streams: dict[str, Any]) -> None:
    """Every `$ref` points at a part of its document."""
    for whole in (document, streams):
        found = references(whole)
        assert found
        for reference in found:
            node: Any = whole
            for part in reference.removeprefix("#/").split("/"):
                node = node[part]


def test_every_message_of_the_streams_is_documented(streams: dict[str, Any]) -> None:
    """Each structure of a message has an example, made by the code, that its structure reads."""
    models = {
        model
        for module in (messages, statistic_messages)
        for model in vars(module).values()
        if isinstance(model, type)
        and issubclass(model, msgspec.Struct)
        and model is not msgspec.Struct
    }
    assert models == {*MESSAGES, statistic_messages.Kline}
    for model, example in MESSAGES.items():
        read_exactly(example.decode(), model)
    assert set(streams["channels"]) == {"raw", "combined"}
    assert set(streams["components"]["messages"]) == {model.__name__ for model in MESSAGES} | {
        "request", "answer",
    }  # fmt: skip


def test_the_shape_is_that_of_asyncapi_3(document: dict[str, Any]) -> None:
    """The document has a version, a server, a channel with bindings, and two operations."""
    assert document["asyncapi"] == "3.0.0"
    assert document["servers"]["feed"] == {"host": "127.0.0.1:8001", "protocol": "ws"}
    channel = document["channels"]["feed"]
    assert channel["address"] == "/ws/market-data"
    assert list(channel["bindings"]["ws"]["query"]["properties"]) == list(QUERY_FIELDS)
    actions = {name: item["action"] for name, item in document["operations"].items()}
    assert actions == {"send": "send", "receive": "receive"}


def test_every_message_has_a_valid_example() -> None:
    """The model of each example decodes it, and knows every member of it."""
    assert set(MESSAGE_EXAMPLES) == set(MESSAGE_TYPES)
    for name, example in MESSAGE_EXAMPLES.items():
        read_exactly(json.dumps(example), MESSAGE_TYPES[name])
    for request in REQUEST_EXAMPLES:
        Request.model_validate_json(json.dumps(request))


def test_the_checksum_of_the_example_is_right() -> None:
    """The checksum of the example book is the checksum of its levels."""
    book = MESSAGE_EXAMPLES["book_snapshot"]["data"]
    sides = [",".join(map(":".join, book[side])) for side in ("bids", "asks")]
    assert zlib.crc32("|".join(sides).encode()) == book["checksum"]


def test_the_documented_types_are_those_in_the_code() -> None:
    """The documented messages are exactly those that the code sends."""
    assert types_in_code() == set(MESSAGE_TYPES)


def test_every_code_is_documented(document: dict[str, Any]) -> None:
    """The document explains all close codes and error codes of the service."""
    channel = document["channels"]["feed"]
    assert set(map(int, CloseCode)) <= set(CLOSE_MEANINGS)
    assert {int(code) for code in channel["x-close-codes"]} == set(map(int, CLOSE_MEANINGS))
    assert channel["x-error-codes"] == dict(ERROR_MEANINGS)
