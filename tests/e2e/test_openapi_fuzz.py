"""The OpenAPI documents keep their word: requests made from them, every answer held against them.

Schemathesis takes every operation of a document by itself: its examples, the edges of every
schema, then random requests, good and bad. It fails for an answer of 5xx (Redis is there, so not
even 503 may come), for a status, a content type, a body or a header that the document does not
have, for a request that the document forbids and the service takes, for a method that is not
there and not refused with 405, and for an operation that wants a key and works without.

`HYPOTHESIS_PROFILE=nightly` looks forty times longer. A failure
shows the request as a curl command; `FUZZ_SEED=n` repeats the requests of a printed seed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tapewire.web.problem import Problem
from tests.support.running.processes import Service, running_market_data
from tests.support.structures import read_exactly
from tests.support.transport.openapi_fuzz import RUN_TIMEOUT_S, check_document
from tests.support.transport.openapi_services import (
    ADMINISTRATION,
    FUZZ_ACCOUNT,
    TRADING,
    Guarded,
    guarded_gateway,
    open_gateway,
)

pytestmark = pytest.mark.timeout(RUN_TIMEOUT_S + 20)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An open gateway."""
    with open_gateway(module_redis_url, tmp_path_factory.mktemp("gateway")) as service:
        yield service


@pytest.fixture(scope="module")
def guarded(
    gateway: Service, module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """A gateway with keys on the same venue."""
    folder = tmp_path_factory.mktemp("keys")
    with guarded_gateway(gateway.url, module_redis_url, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def market_data(
    gateway: Service, module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Market data of the same venue."""
    with running_market_data(module_redis_url, tmp_path_factory.mktemp("feed")) as service:
        yield service


def test_an_open_gateway_does_what_its_document_says(gateway: Service, tmp_path: Path) -> None:
    """All but administration."""
    check_document(gateway, tmp_path, operations=TRADING)


def test_market_data_does_what_its_document_says(market_data: Service, tmp_path: Path) -> None:
    """All of it, with the trades of the tests before."""
    check_document(market_data, tmp_path)


def test_methods_that_are_not_in_a_document_are_refused(
    gateway: Service, guarded: Guarded, market_data: Service
) -> None:
    """Every path of every document says with 405 what it takes, and nothing else."""
    for service, headers in ((gateway, {}), (guarded.service, guarded.headers), (market_data, {})):
        with httpx.Client(base_url=service.url, headers=headers, timeout=30) as api:
            for path, operations in api.get("/openapi.json").json()["paths"].items():
                documented = {method.upper() for method in operations}
                # HEAD is answered wherever GET is.
                documented |= {"HEAD"} if "GET" in documented else set()
                for method in sorted(set(METHODS) - documented):
                    reply = api.request(method, _named(path))
                    assert reply.status_code == 405, f"{method} {path}: {reply.text}"
                    assert set(reply.headers["Allow"].split(", ")) == documented, (method, path)
                    if method != "HEAD":
                        problem = read_exactly(reply.content, Problem)
                        assert problem.code == "method_not_allowed"


def test_administration_does_what_its_document_says(gateway: Service, tmp_path: Path) -> None:
    """At an open gateway."""
    check_document(gateway, tmp_path, operations=ADMINISTRATION)


def _named(path: str) -> str:
    """A path with something that may stand in each of its places."""
    values: dict[str, Any] = {
        "order_id": "1",
        "list_id": "1",
        "symbol": "BTC-USDT",
        "key_id": "Xk3vQ8mZt1Lb",
    }
    values["number"] = "1"
    return path.format_map({"account": FUZZ_ACCOUNT} | values)
