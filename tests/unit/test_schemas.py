"""The schemas in the documents of both services use the keywords of JSON Schema and no others."""

from collections.abc import Iterator
from typing import Any

import pytest

from market_data.app import create_app as create_market_data
from market_data.binance.asyncapi import streams_document
from market_data.http.asyncapi import asyncapi_document as feed_document
from market_data.settings import MarketDataSettings
from order_gateway.app import create_app as create_gateway
from order_gateway.asyncapi import asyncapi_document as orders_document
from order_gateway.settings import GatewaySettings

DOCUMENTS = {
    "gateway": lambda: create_gateway(GatewaySettings()).openapi(),
    "market-data": lambda: create_market_data(MarketDataSettings()).openapi(),
    "orders": lambda: orders_document("127.0.0.1:8000"),
    "feed": lambda: feed_document("127.0.0.1:8001"),
    "streams": lambda: streams_document("127.0.0.1:8001"),
}
# JSON Schema 2020-12 (core, applicator, validation, meta-data); `discriminator` and `example` are
# those of OpenAPI 3.1.
PLAIN = frozenset({
    "$ref", "const", "default", "deprecated", "description", "discriminator", "enum", "example",
    "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength",
    "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf",
    "pattern", "required", "title", "type", "uniqueItems",
})  # fmt: skip
WITH_SCHEMA = frozenset({"additionalProperties", "items", "not", "propertyNames"})
WITH_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
WITH_NAMED_SCHEMAS = frozenset({"patternProperties", "properties"})
HOLDERS = frozenset({"payload", "query", "schema"})
"""Members of a document whose value is a schema."""


def schemas_in(node: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every schema of a document and its path, without those inside of schemas."""
    if isinstance(node, dict):
        for name, value in node.items():
            place = f"{path}/{name}"
            if place == "/components/schemas":
                yield from ((f"{place}/{model}", schema) for model, schema in value.items())
            elif name in HOLDERS:
                yield place, value
            elif name not in {"example", "examples"}:
                yield from schemas_in(value, place)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas_in(value, f"{path}/{index}")


def unknown_keywords(schema: Any, path: str) -> Iterator[str]:
    """The paths of keywords that JSON Schema does not have."""
    if isinstance(schema, bool):
        return
    for name, value in schema.items():
        place = f"{path}/{name}"
        if name in WITH_SCHEMA:
            yield from unknown_keywords(value, place)
        elif name in WITH_SCHEMAS:
            for index, part in enumerate(value):
                yield from unknown_keywords(part, f"{place}/{index}")
        elif name in WITH_NAMED_SCHEMAS:
            for member, part in value.items():
                yield from unknown_keywords(part, f"{place}/{member}")
        elif name not in PLAIN:
            yield place


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_keyword_of_a_schema_is_one_of_json_schema(document: str) -> None:
    """Bounds of numbers are `minimum` and `maximum`, which readers of documents know."""
    found = list(schemas_in(DOCUMENTS[document]()))
    assert len(found) > 10
    assert [fault for path, schema in found for fault in unknown_keywords(schema, path)] == []
