"""The refusal of a wrong field says what the field may be, in words of the interface."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, create_model

import order_gateway.app
from order_gateway.field_rules import refusal_of
from order_gateway.params import Params
from tapewire.values.instrument_entry import InstrumentEntry

assert order_gateway.app  # Its import defines every model of the gateway.
WRONG: tuple[Any, ...] = ([[]], {"x": [{}]}, "\x00", "", 1.5, -1, 10**30)


def models(base: type[BaseModel]) -> list[type[BaseModel]]:
    """Every model that is made from `base`."""
    return [
        found for model in base.__subclasses__() for found in (model, *models(model))
    ]  # fmt: skip


MODELS: list[type[BaseModel]] = [*dict.fromkeys(models(Params)), InstrumentEntry]
FIELDS = [(model, name) for model in MODELS for name in model.model_fields]


def refusal(model: type[BaseModel], fields: dict[str, Any]) -> str | None:
    """The sentence with which the gateway refuses these fields; None if they are right."""
    try:
        model.model_validate(fields)
    except ValidationError as error:
        return str(refusal_of(error))
    return None


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_a_refusal_says_what_the_field_may_be(model: type[BaseModel], name: str) -> None:
    """No name and no sentence of the validator reaches a client."""
    field = model.model_fields[name]
    # A model of the field alone, so that no other field is missing.
    definition: dict[str, Any] = {name: (field.annotation, field)}
    alone = create_model(model.__name__, __config__=model.model_config, **definition)
    for wrong in WRONG:
        sentence = refusal(alone, {field.alias or name: wrong})
        if sentence is not None:
            assert re.match(r"\w+ (must|is missing: it must|is not a field) ", sentence), sentence
            assert not re.search(r"constrained|function|Input|is not valid", sentence), sentence
    missing = refusal(alone, {})
    assert missing is None or re.match(r"\w+ is missing: it must ", missing), missing
