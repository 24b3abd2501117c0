"""The OpenAPI document: every operation and every error documented, every example true."""

import json
import re
from typing import Any, get_args

import pytest

from order_gateway import account_examples, errors, examples, schemas
from order_gateway.admin_params import (
    AccountChange,
    AccountLimitsRequest,
    ApiKeyRequest,
    TransferRequest,
)
from order_gateway.app import create_app
from order_gateway.contest import refusals
from order_gateway.contest import schemas as contest_schemas
from order_gateway.examples import ORDER_EXAMPLES
from order_gateway.field_types import MarketStateText
from order_gateway.guard import is_public
from order_gateway.order_entry import read_params
from order_gateway.params import AmendParams, CancelAllAfterParams, MarketRequest
from order_gateway.schemas import InstrumentReply
from order_gateway.settings import GatewaySettings
from tapewire.error_codes import ERROR_CODES
from tapewire.settings import VenueSettings
from tapewire.values.instrument_entry import InstrumentEntry, build_instrument
from tapewire.values.types import MarketState
from tapewire.web.problem import Problem
from tapewire.wire import orders, venue_event
from tapewire.wire.orders import OrderReply
from tests.support.structures import read_exactly
from tests.support.transport.order_bodies import read

OPERATION_IDS = (
    "place_order", "run_batch", "replace_order", "read_order", "amend_order", "cancel_order",
    "list_orders", "place_list", "list_order_lists", "read_list", "cancel_list",
    "cancel_orders", "list_fills", "read_own_account", "cancel_all_after", "list_instruments",
    "read_instrument", "read_time", "change_market", "publish_instrument", "delist_instrument",
    "list_accounts",
    "read_account", "change_account", "change_limits", "deposit", "withdraw", "kill_account",
    "kill_venue", "resume", "create_key", "list_keys", "revoke_key", "health", "livez", "readyz",
    "metrics", "list_notices", "send_notice", "read_round", "schedule_round", "move_round",
    "end_round", "read_results", "read_all_results", "read_performance", "read_leaderboard",
    "read_whole_leaderboard", "read_board_options", "change_board_options", "set_alias", "reset",
    "audit",
)  # fmt: skip


ON_TWO_ORDERS = (
    "POST /v1/orders/replace", "POST /v1/order-lists", "GET /v1/order-lists",
    "GET /v1/order-lists/{list_id}", "DELETE /v1/order-lists/{list_id}",
)  # fmt: skip


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
        *ON_TWO_ORDERS,
        "GET /v1/orders",
        "DELETE /v1/orders",
        "POST /v1/orders/batch",
        "PATCH /v1/orders/{order_id}",
        "GET /v1/fills",
        "GET /v1/account",
        "GET /v1/admin/accounts",
        "GET /v1/admin/accounts/{account}",
        "PATCH /v1/admin/accounts/{account}",
        "POST /v1/admin/accounts/{account}/deposit",
        "POST /v1/admin/accounts/{account}/withdraw",
        "PUT /v1/admin/accounts/{account}/limits/{symbol}",
        "POST /v1/admin/accounts/{account}/kill",
        "POST /v1/admin/kill",
        "POST /v1/admin/resume",
        "POST /v1/cancel-all-after",
        "PUT /v1/admin/markets/{symbol}",
        "POST /v1/admin/instruments",
        "DELETE /v1/admin/instruments/{symbol}",
        "POST /v1/admin/keys",
        "GET /v1/admin/keys",
        "DELETE /v1/admin/keys/{key_id}",
        "GET /v1/orders/{order_id}",
        "DELETE /v1/orders/{order_id}",
        "GET /v1/instruments",
        "GET /v1/instruments/{symbol}",
        "GET /v1/time",
        "GET /v1/notices",
        "POST /v1/admin/notices",
        "GET /v1/round",
        "POST /v1/admin/round",
        "PATCH /v1/admin/round",
        "POST /v1/admin/round/end",
        "GET /v1/rounds/{number}/results",
        "GET /v1/admin/rounds/{number}/results",
        "GET /v1/account/performance",
        "GET /v1/leaderboard",
        "GET /v1/admin/leaderboard",
        "GET /v1/admin/leaderboard/options",
        "PUT /v1/admin/leaderboard/options",
        "PUT /v1/admin/accounts/{account}/alias",
        "POST /v1/admin/reset",
        "POST /v1/admin/audit",
        "GET /metrics",
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
                    problem = read_exactly(json.dumps(example["value"]), Problem)
                    assert (problem.code, str(problem.status)) == (code, status)
                    seen.add(code)
    assert seen == documented_errors()
    # What server and framework answer by themselves, at any path; and what only the feed or order
    # entry over WebSocket does.
    elsewhere = {
        "clock_forbidden",
        "not_found", "method_not_allowed", "http_error", "invalid_request", "stale_data",
        "draining", "request_timeout", "headers_too_large", "host_not_allowed", "connections_limit",
        "origin_not_allowed", "expectation_failed",
    }  # fmt: skip
    assert set(ERROR_CODES) - seen == elsewhere


def documented_errors() -> set[str]:
    """Every code in a list of the gateway's errors."""
    named = {**vars(errors), **vars(refusals)}
    lists = [codes for name, codes in named.items() if name.endswith("_ERRORS")]
    assert len(lists) > 10
    return {code for codes in lists for code in codes}


def test_every_answer_has_an_example_that_its_model_accepts(document: dict[str, Any]) -> None:
    """Nothing is left for a reader to guess."""
    models = vars(schemas) | vars(orders) | vars(contest_schemas) | vars(venue_event)
    for path, methods in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for operation in methods.values():
            for status in {"200", "201"} & set(operation["responses"]):
                content = operation["responses"][status]["content"]["application/json"]
                model = models[content["schema"]["$ref"].rpartition("/")[2]]
                read_exactly(json.dumps(content["example"]), model)


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    """Of each operation that takes one; stopping, resuming, ending and auditing take none."""
    bodiless = ("/kill", "/resume", "/end", "/audit")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in {"post", "put", "patch"} and not path.endswith(bodiless):
                assert operation["requestBody"]["content"]["application/json"]["examples"]


def test_body_examples_can_be_sent() -> None:
    """Beside orders: amendments, the timer, markets, instruments, accounts."""
    read_params(AmendParams, examples.AMEND_EXAMPLE)
    read_params(CancelAllAfterParams, examples.TIMER_REQUEST_EXAMPLE)
    read_params(MarketRequest, examples.MARKET_REQUEST_EXAMPLE)
    read_params(TransferRequest, account_examples.TRANSFER_REQUEST_EXAMPLE)
    read_params(AccountChange, account_examples.ACCOUNT_CHANGE_EXAMPLE)
    read_params(AccountLimitsRequest, account_examples.ACCOUNT_LIMITS_EXAMPLE)
    read_params(ApiKeyRequest, examples.API_KEY_REQUEST_EXAMPLE)
    entry = InstrumentEntry.model_validate(examples.INSTRUMENT_REQUEST_EXAMPLE)
    assert build_instrument(entry, {}).band_bps == 1_000


def test_self_trade_prevention_defaults_are_documented(document: dict[str, Any]) -> None:
    """The description explains why two orders without an account name trade."""
    assert "`none` for\n`demo`" in document["info"]["description"]


def test_answers_refer_to_their_models(document: dict[str, Any]) -> None:
    """Both 200 and 201 of a placed order are documented as orders."""
    responses = document["paths"]["/v1/orders"]["post"]["responses"]
    for status in ("200", "201"):
        content = responses[status]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/OrderReply"}
        read_exactly(json.dumps(content["example"]), OrderReply)
    instrument = document["paths"]["/v1/instruments/{symbol}"]["get"]["responses"]["200"]
    read_exactly(json.dumps(instrument["content"]["application/json"]["example"]), InstrumentReply)


@pytest.mark.parametrize("name", ORDER_EXAMPLES)
def test_order_examples_can_be_sent(name: str) -> None:
    """The examples of the documentation page are accepted orders."""
    body = json.dumps(ORDER_EXAMPLES[name]["value"]).encode()
    read(body)


def test_the_document_says_what_wants_a_key() -> None:
    """All but what is public, and only where keys are wanted at all."""
    settings = GatewaySettings(venue=VenueSettings(auth="keys"))
    for app_settings, wanted in ((settings, True), (GatewaySettings(), False)):
        document = create_app(app_settings).openapi()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                guarded = wanted and not is_public(method.upper(), path)
                assert ("security" in operation) == guarded, path


def test_operation_ids_are_stable(document: dict[str, Any]) -> None:
    """Clients that are made from the document name their functions after them."""
    found = [item["operationId"] for path in document["paths"].values() for item in path.values()]
    assert sorted(found) == sorted(OPERATION_IDS)


def test_bodies_and_answers_are_components(document: dict[str, Any]) -> None:
    """A client that is made from the document gets a named type for each of them."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            answers = [operation["responses"][status] for status in ("200", "201")
                       if status in operation["responses"]]  # fmt: skip
            contents = [operation.get("requestBody", {}), *answers]
            for content in contents if path.startswith("/v1/") else ():
                for media_type in content.get("content", {}).values():
                    assert media_type["schema"]["$ref"].rpartition("/")[2] in schemas


def test_names_of_security_schemes_are_identifiers() -> None:
    """The specification allows letters, digits, points, hyphens and underscores."""
    settings = GatewaySettings(venue=VenueSettings(auth="keys"))
    schemes = create_app(settings).openapi()["components"]["securitySchemes"]
    assert schemes
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in schemes)


def test_a_market_can_be_switched_to_every_state() -> None:
    """Requests take the states that the engine has."""
    assert set(get_args(MarketStateText)) == set(MarketState)
