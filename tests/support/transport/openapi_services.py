"""Services for the tests that make requests from OpenAPI documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.running.processes import Service, running_gateway

FUZZ_ACCOUNT = "fuzzer"
# Far above what these tests send, so that the headers of the limits come and no 429 does.
LIMITS = {
    "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "1000000",
    "TAPEWIRE_GATEWAY_ACCOUNT_BURST": "10000000",
    "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "1000000",
    "TAPEWIRE_GATEWAY_ADDRESS_BURST": "10000000",
}
TRADING = ("--exclude-path-regex=^/v1/admin/",)
# Markets are halted and accounts blocked by these, so they come after all others.
ADMINISTRATION = ("--include-path-regex=^/v1/admin/",)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A gateway that wants keys, and one that may do everything."""

    service: Service
    key_id: str
    headers: dict[str, str]


@contextmanager
def open_gateway(redis_url: str, folder: Path) -> Iterator[Service]:
    """An open gateway whose limits no fuzz test reaches."""
    with running_gateway(redis_url, folder, LIMITS) as service:
        yield service


@contextmanager
def guarded_gateway(open_url: str, redis_url: str, folder: Path) -> Iterator[Guarded]:
    """A gateway with keys on the venue of an open gateway; its account is opened and has money."""
    settings = LIMITS | {"TAPEWIRE_AUTH": "keys"}
    with (
        httpx.Client(base_url=open_url, timeout=30) as api,
        running_gateway(redis_url, folder, settings) as service,
    ):
        wanted = {"account": FUZZ_ACCOUNT, "permissions": ["trade", "admin"]}
        made = api.post("/v1/admin/keys", json=wanted)
        assert made.status_code == 201, made.text
        for asset in ("BTC", "ETH", "USDT"):
            transfer = {"asset": asset, "amount": "1000000"}
            paid = api.post(f"/v1/admin/accounts/{FUZZ_ACCOUNT}/deposit", json=transfer)
            assert paid.status_code == 200, paid.text
        key = made.json()
        yield Guarded(service, key["key_id"], {"Authorization": f"Bearer {key['key']}"})
