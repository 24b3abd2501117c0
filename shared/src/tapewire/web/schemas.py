"""JSON schemas of structures and models, as components of an OpenAPI or AsyncAPI document.

A document refers to a type with `SchemaReference`; `schema_components` makes the components that
the references need. Types are msgspec structures, dataclasses, or pydantic models.
"""

from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

PREFIX = "#/components/schemas/"


class SchemaReference(dict[str, Any]):
    """The JSON reference to the component of a type; it knows the type."""

    def __init__(self, model: type) -> None:
        super().__init__({"$ref": f"{PREFIX}{model.__name__}"})
        self.model = model


def referenced_models(node: object) -> Iterator[type]:
    """Every type that a part of a document refers to with a SchemaReference."""
    if isinstance(node, SchemaReference):
        yield node.model
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from referenced_models(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from referenced_models(value)


def schema_components(models: Iterable[type]) -> dict[str, Any]:
    """The schemas of types and of all that they consist of, by name."""
    wanted = dict.fromkeys(models)
    structures = [model for model in wanted if not issubclass(model, BaseModel)]
    described = [model for model in wanted if issubclass(model, BaseModel)]
    _, components = msgspec.json.schema_components(structures, ref_template=f"{PREFIX}{{name}}")
    _, definitions = models_json_schema(
        [(model, "validation") for model in described], ref_template=f"{PREFIX}{{model}}"
    )
    schemas: dict[str, Any] = _readable(components) | definitions.get("$defs", {})
    return schemas


def _readable(node: Any) -> Any:  # noqa: ANN401 (JSON)
    """Give arrays of equal items one schema, because many readers of documents skip `prefixItems`.

    Descriptions lose the indentation of the docstrings that they are made of.
    """
    if isinstance(node, list):
        return [_readable(item) for item in node]
    if not isinstance(node, dict):
        return node
    readable = {name: _readable(value) for name, value in node.items()}
    if isinstance(readable.get("description"), str):
        readable["description"] = cleandoc(readable["description"])
    first, *others = readable.get("prefixItems") or [None]
    if first is not None and all(item == first for item in others):
        del readable["prefixItems"]
        readable["items"] = first
    return readable
