"""The AsyncAPI document of order entry: every operation described, every example true."""

import json
from typing import Any

import pytest

from order_gateway.asyncapi import ADDRESS, asyncapi_document
from order_gateway.order_entry import read_params
from order_gateway.socket_routes import PARAMETERS
from order_gateway.ws import messages
from order_gateway.ws.messages import Authenticated, Connected, read_id, read_key, read_request
from order_gateway.ws.operation_models import OPERATIONS
from tapewire.values.json_text import decode_json_text
from tapewire.web.problem import Problem
from tests.support.structures import read_exactly


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As a client gets it."""
    loaded: dict[str, Any] = json.loads(json.dumps(asyncapi_document("127.0.0.1:8000")))
    return loaded


def example(document: dict[str, Any], name: str) -> Any:
    """The payload that the document shows of a message."""
    (shown,) = document["components"]["messages"][name]["examples"]
    return shown["payload"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No `$ref` points at what the document does not have."""
    found = 0
    waiting: list[Any] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
            if isinstance(node.get("$ref"), str):
                found += 1
                target: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
        elif isinstance(node, list):
            waiting += node
    assert found > 50


def test_the_channel_is_that_of_the_gateway(document: dict[str, Any]) -> None:
    """Address, parameters, and every message of a direction in its operation."""
    assert document["asyncapi"] == "3.0.0"
    channel = document["channels"]["orders"]
    assert channel["address"] == ADDRESS
    assert tuple(channel["bindings"]["ws"]["query"]["properties"]) == PARAMETERS
    named = {
        item["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        for item in operation["messages"]
    }
    assert named == set(document["components"]["messages"]) == set(channel["messages"])


def test_every_operation_is_described() -> None:
    """Those that a message may name, in any order, and no other."""
    assert sorted(OPERATIONS) == sorted(messages.OPERATIONS)


@pytest.mark.parametrize("op", OPERATIONS)
def test_requests_can_be_sent_and_replies_are_answers(document: dict[str, Any], op: str) -> None:
    """The example of a request is read by its model, that of a reply by its structure."""
    message = decode_json_text(json.dumps(example(document, f"{op}_request")))
    assert isinstance(message, dict)
    request = read_request(message, read_id(message))
    model: Any = OPERATIONS[op].params
    read_params(model, request.params)
    reply = example(document, f"{op}_reply")
    read_exactly(json.dumps(reply["result"]), OPERATIONS[op].result)
    assert reply["status"] in {200, 201}


def test_the_other_messages_are_what_the_gateway_sends(document: dict[str, Any]) -> None:
    """The greeting, the refusal, and the proof of a key."""
    read_exactly(json.dumps(example(document, "connected")), Connected)
    read_exactly(json.dumps(example(document, "refused")["error"]), Problem)
    assert read_key(example(document, "authenticate_request"))
    read_exactly(json.dumps(example(document, "authenticate_reply")["result"]), Authenticated)
