"""Where an open venue may listen."""

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
        pytest.raises(ConfigurationError, match="lets every client on the network act"),
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


@pytest.mark.parametrize("host", ["127.1", "2130706433", "localhost", "127.0.0.1", "::1"])
def test_every_spelling_of_loopback_has_the_host_guard(host: str) -> None:
    """The address that a host is resolved to decides, and the name that was chosen is known."""
    admission = ServerSettings(host=host).admission()
    assert admission.names_checked
    assert admission.knows(f"{host}:8000")
    assert not admission.knows("evil.example.com:8000")


def test_a_name_that_resolves_to_loopback_has_the_host_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name of the hosts file is loopback too, and clients may use it."""

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("127.0.1.1", 0))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    admission = ServerSettings(host="venue.lan").admission()
    assert admission.names_checked
    assert admission.knows("Venue.lan:8000")
    assert not admission.knows("evil.example.com")


@pytest.mark.parametrize("host", ["0", EVERYWHERE, "::"])
def test_a_service_on_every_address_has_no_host_guard(host: str) -> None:
    """There any name may be meant, unless names are listed."""
    assert not ServerSettings(host=host).admission().names_checked
