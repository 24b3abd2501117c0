"""The addresses at which a venue may listen: an open venue acts for all who can reach it."""

import ipaddress
import socket
from typing import TYPE_CHECKING

from tapewire.errors import ConfigurationError

if TYPE_CHECKING:
    from tapewire.settings import VenueSettings


def resolved_address(host: str) -> str:
    """The IP address that a service with this `host` listens on; `host` itself if it has none.

    The system's resolver reads more than dotted addresses: `127.1`, `2130706433`, names in the
    hosts file.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return host
    return str(found[0][4][0])


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an IP address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def check_exposure(address: str, auth: str, *, open_to_network: bool) -> None:
    """Refuse to listen on `address`, an IP address, if that lets strangers act for every account.

    Raises ConfigurationError that says what to do.
    """
    if auth == "keys" or open_to_network or is_loopback(address):
        return
    raise ConfigurationError(
        f"an open venue that listens on {address} lets every client on the network act for every "
        "account; set TAPEWIRE_AUTH=keys (`tapewire up --auth keys`), listen on 127.0.0.1, or "
        "accept this risk with TAPEWIRE_OPEN_TO_NETWORK=true (--open-to-network)"
    )


def check_listener(address: str, venue: "VenueSettings") -> None:
    """As `check_exposure`, for a service with these settings."""
    check_exposure(address, venue.auth, open_to_network=venue.open_to_network)
