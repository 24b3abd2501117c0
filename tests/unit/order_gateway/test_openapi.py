"""The OpenAPI document: every operation and every error documented, every example true."""

import json
from typing import Any

import pytest

from order_gateway.app import create_app
from order_gateway.errors import CANCEL_ERRORS, PLACE_ERRORS
from order_gateway.order_entry import read_command
from order_gateway.schemas import ORDER_EXAMPLES, InstrumentReply, OrderReply
from order_gateway.settings import GatewaySettings
from tapewire.instruments import packaged_instruments
from tapewire.problem import Problem
from tapewire.types import Account


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of a gateway that was not started."""
    return create_app(GatewaySettings()).openapi()


def test_every_operation_is_there_with_a_summary(document: dict[str, Any]) -> None:
    """The paths of the contract and of health, and nothing else."""
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        "POST /v1/orders",
        "GET /v1/orders/{order_id}",
        "DELETE /v1/orders/{order_id}",
        "GET /v1/instruments",
        "GET /v1/instruments/{symbol}",
        "GET /health",
        "GET /livez",
        "GET /readyz",
    }
    assert all(operation["summary"] for operation in operations.values())


def test_path_parameters_are_documented(document: dict[str, Any]) -> None:
    """Direct routes have no signature to take them from, so they are written by hand."""
    for path, methods in document["paths"].items():
        wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in methods.values():
            found = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert found == wanted


def test_error_examples_are_problems_of_the_right_status(document: dict[str, Any]) -> None:
    """Each documented error is an example that its schema accepts."""
    seen = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                content = response["content"].get("application/problem+json")
                if content is None:
                    continue
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                for code, example in content["examples"].items():
                    problem = Problem.model_validate(example["value"])
                    assert (problem.code, str(problem.status)) == (code, status)
                    seen.add(code)
    assert seen == {*PLACE_ERRORS, *CANCEL_ERRORS}


def test_answers_refer_to_their_models(document: dict[str, Any]) -> None:
    """Both 200 and 201 of a placed order are documented as orders."""
    responses = document["paths"]["/v1/orders"]["post"]["responses"]
    for status in ("200", "201"):
        content = responses[status]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/OrderReply"}
        OrderReply.model_validate(content["example"])
    instrument = document["paths"]["/v1/instruments/{symbol}"]["get"]["responses"]["200"]
    InstrumentReply.model_validate(instrument["content"]["application/json"]["example"])


@pytest.mark.parametrize("name", ORDER_EXAMPLES)
def test_order_examples_can_be_sent(name: str) -> None:
    """Whoever tries an example in the documentation page gets an order."""
    body = json.dumps(ORDER_EXAMPLES[name]["value"]).encode()
    read_command(body, Account("demo"), packaged_instruments())
