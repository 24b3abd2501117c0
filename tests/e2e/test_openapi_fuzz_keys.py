"""The OpenAPI document of a gateway with keys keeps its word: see `test_openapi_fuzz`.

The edges of schemas are tried at an open gateway, because the operations behind keys are the same.
`HYPOTHESIS_PROFILE=nightly` tries them behind keys too.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def guarded(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A gateway with keys beside the open one that made its first key."""
    folder = tmp_path_factory.mktemp
    with (
        open_gateway(module_redis_url, folder("gateway")) as gateway,
        guarded_gateway(gateway.url, module_redis_url, folder("keys")) as opened,
    ):
        yield opened


def test_a_gateway_with_keys_does_what_its_document_says(guarded: Guarded, tmp_path: Path) -> None:
    """Every operation for the account of a key, and refused without; it may name itself only."""
    check_document(
        guarded.service,
        tmp_path,
        operations=TRADING,
        headers=guarded.headers,
        account=FUZZ_ACCOUNT,
        edges=False,
    )


def test_administration_with_keys_does_what_its_document_says(
    guarded: Guarded, tmp_path: Path
) -> None:
    """Every operation with a key, and refused without."""
    check_document(
        guarded.service,
        tmp_path,
        operations=ADMINISTRATION,
        headers=guarded.headers,
        own_key_id=guarded.key_id,
        edges=False,
    )
