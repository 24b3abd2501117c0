"""Where an open venue may listen."""

import re
from pathlib import Path

import pytest

from tapewire.errors import ConfigurationError
from tapewire.settings import VenueSettings
from tapewire.web.exposure import check_exposure, check_listener
from tapewire.web.serving import ServerSettings, bind_socket

EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_an_open_venue_may_listen_on_loopback(address: str) -> None:
    """Only this machine reaches it there."""
    check_exposure(address, "open", open_to_network=False)


@pytest.mark.parametrize("address", [EVERYWHERE, "::", "192.0.2.1", "10.0.0.1", "2001:db8::1", "x"])
def test_an_open_venue_listens_nowhere_else(address: str) -> None:
    """Unless told so; with keys it may."""
    with pytest.raises(ConfigurationError, match="TAPEWIRE_OPEN_TO_NETWORK=true"):
        check_exposure(address, "open", open_to_network=False)
    check_exposure(address, "open", open_to_network=True)
    check_exposure(address, "keys", open_to_network=False)


@pytest.mark.parametrize("host", [EVERYWHERE, "::"])
def test_the_address_counts_and_not_its_name(host: str) -> None:
    """What the host stands for is judged before the port is taken."""
    with (
        pytest.raises(ConfigurationError, match="would let everyone"),
        bind_socket(
            ServerSettings(host=host), lambda address: check_listener(address, VenueSettings())
        ),
    ):
        pass


def test_localhost_is_loopback() -> None:
    """A name is as good as its address."""
    with bind_socket(
        ServerSettings(host="localhost"), lambda address: check_listener(address, VenueSettings())
    ):
        pass


def test_the_compose_file_publishes_on_loopback_only() -> None:
    """Both services open themselves inside their containers, so the ports must not."""
    text = (Path(__file__).parents[3] / "docker-compose.yml").read_text("utf-8")
    ports = re.findall(r"ports: \[(.*)\]", text)
    assert len(ports) == text.count("ports:") == text.count("TAPEWIRE_OPEN_TO_NETWORK") == 2
    assert all(port.startswith('"127.0.0.1:') and "," not in port for port in ports)
