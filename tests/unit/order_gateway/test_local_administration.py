"""An open venue is administered from the machine of its gateway."""

from typing import Any

import httpx
import pytest

from order_gateway.app import create_app
from order_gateway.guard import is_administration, is_local
from order_gateway.settings import GatewaySettings
from tapewire.error_codes import ERROR_CODES
from tapewire.settings import VenueSettings

ELSEWHERE = ("192.0.2.7", 40_000)


def gateway(**settings: Any) -> GatewaySettings:
    """Settings of a gateway that was never started."""
    return GatewaySettings(venue=VenueSettings(auth=settings.pop("auth", "open")), **settings)


async def ask(settings: GatewaySettings, path: str, client: tuple[str, int]) -> httpx.Response:
    """The answer to a client at this address."""
    transport = httpx.ASGITransport(create_app(settings), client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        return await asking.get(path)


async def test_an_open_venue_is_administered_from_its_machine() -> None:
    """The organiser's page and every path below /v1/admin/ refuse other machines."""
    for path in ("/admin", "/v1/admin/accounts", "/v1/admin/kill", "/v1/admin/unknown"):
        answer = await ask(gateway(), path, ELSEWHERE)
        assert answer.status_code == ERROR_CODES["administration_is_local"].status
        assert answer.json()["code"] == "administration_is_local"
        assert "TAPEWIRE_AUTH=keys" in answer.json()["detail"]
    for path in ("/", "/page/page.css"):
        assert (await ask(gateway(), path, ELSEWHERE)).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_clients_of_this_machine_may(address: str) -> None:
    """Every loopback address counts, also an IPv4 client of an IPv6 socket."""
    assert (await ask(gateway(), "/admin", (address, 40_000))).status_code == 200


@pytest.mark.parametrize("settings", [{"auth": "keys"}, {"open_admin_from": "anywhere"}])
async def test_a_key_or_a_setting_lets_others_in(settings: dict[str, str]) -> None:
    """At a venue with keys the page itself asks for one."""
    assert (await ask(gateway(**settings), "/admin", ELSEWHERE)).status_code == 200


def test_every_request_of_administrators_is_covered() -> None:
    """No route of administrators has a path that the rule does not see."""
    app = create_app(gateway())
    paths = {path for path in app.openapi()["paths"] if "admin" in path}
    assert paths
    assert all(is_administration(path) for path in paths)
    assert not is_administration("/v1/account")
    assert is_local({"type": "http", "client": None})
