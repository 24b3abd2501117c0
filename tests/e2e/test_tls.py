"""A venue with a certificate of its own: every way in and out, encrypted, and no other way."""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tapewire.client import FeedRefused, LinkOptions, MarketDataClient, VenueClient
from tapewire.web.tls import client_context
from tests.support.running.forks import ForkedProcess
from tests.support.running.launcher import launched
from tests.support.running.processes import Service, child_environment
from tests.support.running.whole_venue import WholeVenue, running_venue
from tests.support.transport.certificates import KEY_PASSWORD, Certificate, issue
from tests.support.wait import wait_for

PREFIXES = ("TAPEWIRE_GATEWAY_", "TAPEWIRE_MARKET_DATA_")


@dataclass(frozen=True, slots=True)
class SecureVenue:
    """Both services with a certificate."""

    venue: WholeVenue
    ca_file: Path

    @property
    def services(self) -> tuple[Service, Service]:
        """The two of them."""
        return self.venue.gateway, self.venue.market_data

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[tuple[VenueClient, MarketDataClient]]:
        """The client library, for orders and for the feed."""
        async with (
            VenueClient(self.venue.gateway.url, ca_file=self.ca_file) as orders,
            MarketDataClient(
                self.venue.market_data.websocket_url, options=LinkOptions(ca_file=self.ca_file)
            ) as feed,
        ):
            yield orders, feed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What they present."""
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(
    module_redis_url: str, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureVenue]:
    """A venue for the tests of this module; its keys have a password."""
    variables = certificate.variables(*PREFIXES)
    for prefix in PREFIXES:
        variables[f"{prefix}TLS_KEY"] = str(certificate.locked_key)
        variables[f"{prefix}TLS_KEY_PASSWORD"] = KEY_PASSWORD
        variables[f"{prefix}REQUEST_TIMEOUT_S"] = "1"
    folder = tmp_path_factory.mktemp("venue")
    with running_venue(module_redis_url, folder, **variables) as venue:
        yield SecureVenue(venue, certificate.ca_file)


async def test_orders_and_trades_travel_encrypted(secure: SecureVenue) -> None:
    """An order over https is a trade over wss, with the client library of the venue."""
    async with secure.clients() as (orders, feed):
        await orders.place("BTC-USDT", "sell", "1", "60000")
        bought = await orders.place("BTC-USDT", "buy", "0.5", "60000")
        assert bought.status == "filled"
        trade = await anext(feed.trades(since={"BTC-USDT": 0}))
        assert (trade.seq, trade.taker_order_id) == (1, bought.order_id)
        assert (await anext(feed.bbo(["BTC-USDT"]))).symbol == "BTC-USDT"


async def test_sockets_and_streams_travel_encrypted(secure: SecureVenue) -> None:
    """Order entry over wss, and trades as server-sent events over https."""
    trust = client_context(secure.ca_file)
    gateway, market_data = secure.services
    async with connect(f"{gateway.websocket_url}/v1/ws", ssl=trust, proxy=None) as entry:
        assert json.loads(await entry.recv())["service"] == "order-gateway"
        await entry.send('{"id":1,"op":"list_orders","params":{}}')
        assert json.loads(await entry.recv())["id"] == 1
    async with (
        httpx.AsyncClient(verify=trust, base_url=market_data.url) as client,
        client.stream("GET", "/v1/stream") as stream,
    ):
        assert await anext(stream.aiter_lines()) == "event: connected"


def test_the_address_may_not_be_left_for_a_plain_one(secure: SecureVenue) -> None:
    """Every answer over TLS says so to browsers."""
    trust = client_context(secure.ca_file)
    for service in secure.services:
        headers = httpx.get(f"{service.url}/livez", verify=trust).headers
        assert headers["strict-transport-security"] == "max-age=63072000"


def test_plain_requests_and_old_versions_are_not_answered(secure: SecureVenue) -> None:
    """A certificate is no offer but the only way."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    for service in secure.services:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{service.port}/livez")
        with (
            socket.create_connection(("127.0.0.1", service.port), 5) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            old.wrap_socket(plain)


def test_a_handshake_that_never_comes_is_cut_off(secure: SecureVenue) -> None:
    """As a request that never comes is."""
    for service in secure.services:
        with socket.create_connection(("127.0.0.1", service.port), 10) as silent:
            assert silent.recv(1) == b""


async def test_the_certificate_of_a_stranger_is_not_trusted(
    secure: SecureVenue, tmp_path: Path
) -> None:
    """The client says so at once, instead of trying again for ever."""
    stranger = issue(tmp_path, "stranger").ca_file
    url = secure.venue.market_data.websocket_url
    for options in (LinkOptions(ca_file=stranger), LinkOptions()):
        async with MarketDataClient(url, options=options) as feed:
            with pytest.raises(FeedRefused, match="is not trusted") as caught:
                await anext(feed.trades())
            assert caught.value.code == "certificate_not_trusted"


def test_a_start_with_the_wrong_key_is_refused(
    certificate: Certificate, redis_url: str, tmp_path: Path
) -> None:
    """With one sentence that names the setting."""
    other = issue(tmp_path, "other")
    for package, prefix in zip(("order_gateway", "market_data"), PREFIXES, strict=True):
        variables = certificate.variables(prefix) | {
            "REDIS_URL": redis_url,
            f"{prefix}TLS_KEY": str(other.key),
        }
        log_path = tmp_path / f"{package}.log"
        process = ForkedProcess(package, child_environment(variables), tmp_path, log_path)
        try:
            assert process.wait(30) == 1
        finally:
            process.kill()
        (sentence,) = log_path.read_text("utf-8").splitlines()
        assert f"{prefix}TLS_KEY {other.key}: the key does not belong" in sentence


def test_the_whole_venue_starts_with_certificates(certificate: Certificate, tmp_path: Path) -> None:
    """`tapewire up` passes them on, waits over TLS, and shows addresses and commands that work."""
    with launched(tmp_path, "--demo", variables=certificate.variables(*PREFIXES)) as launcher:
        launcher.wait_until_running()
        assert launcher.gateway_url.startswith("https://")
        assert launcher.feed_url.startswith("wss://")
        words = "tapewire tape "
        (command,) = [line for line in launcher.output.splitlines() if words in line]
        options = command.partition(words)[2].split()
        output = tmp_path / "tape"
        with output.open("wb") as file:
            tape = subprocess.Popen(
                [sys.executable, "-P", "-m", "tapewire", "tape", *options],
                cwd=tmp_path,
                stdout=file,
                stderr=subprocess.DEVNULL,
                env=child_environment({"PYTHONUNBUFFERED": "1"}),
            )
            try:
                wait_for(lambda: "USDT" in output.read_text("utf-8"), "the crowd trades", 30)
            finally:
                tape.kill()
                tape.wait(10)
