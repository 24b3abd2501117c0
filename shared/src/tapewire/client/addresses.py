"""Where the services of a venue are: from a data directory, a URL, or where venues usually are."""

import os
from dataclasses import dataclass
from pathlib import Path

from tapewire.errors import ConfigurationError
from tapewire.runtime.venue_address import find_venue, split_service_url


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The base URL of a service, and the certificates (PEM) to trust; None: those of the system."""

    url: str
    ca_file: Path | None = None

    @property
    def websocket_url(self) -> str:
        """The same for WebSocket."""
        return self.url.rstrip("/").replace("http", "ws", 1)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Both services of a venue; `market_data` is None if the name of the venue does not tell it."""

    gateway: ServiceAddress
    market_data: ServiceAddress | None

    @property
    def feed(self) -> ServiceAddress:
        """The market-data service. Raises ConfigurationError if it is not known."""
        if self.market_data is None:
            raise ConfigurationError(
                f"the market-data service of {self.gateway.url} is not known: pass market_data_url"
            )
        return self.market_data


def find_addresses(
    venue: str | os.PathLike[str] | None,
    market_data_url: str | None = None,
    ca_file: Path | None = None,
) -> Addresses:
    """The services of a venue: its data directory or the URL of its gateway, as for `--venue`.

    Without `venue`: the variable TAPEWIRE_VENUE, a venue in `.tapewire` of the current directory,
    the default ports of this machine. Raises ConfigurationError if a named venue does not run.
    """
    found = find_venue(None if venue is None else os.fspath(venue))
    if found.gateway_url is None:
        raise ConfigurationError(f"{found.name} has no gateway: name the venue's data directory")
    market_data = None
    if market_data_url is not None:
        market_data = ServiceAddress(market_data_url, ca_file)
    elif found.market_data_url is not None:
        market_data = ServiceAddress(
            found.market_data_url, ca_file or found.market_data_certificate
        )
    addresses = Addresses(
        ServiceAddress(found.gateway_url, ca_file or found.gateway_certificate), market_data
    )
    for address in (addresses.gateway, market_data):
        if address is not None:
            _check_url(address.url)
    return addresses


def _check_url(url: str) -> None:
    try:
        split_service_url(url)
    except ValueError:
        raise ConfigurationError(
            f"{url} is not the URL of a service: it must be http://HOST:PORT"
        ) from None
