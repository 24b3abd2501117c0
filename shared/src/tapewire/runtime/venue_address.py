"""Find a venue: by its data directory, by a URL, or where venues usually are.

Commands of `tapewire` and programs ask here, so that both reach the same venue.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from tapewire.errors import ConfigurationError
from tapewire.runtime.venue_file import RunningService, RunningVenue, read_venue_file

VENUE_VARIABLE = "TAPEWIRE_VENUE"
DATA_DIR_DEFAULT = Path(".tapewire")
HOST_DEFAULT = "127.0.0.1"
GATEWAY_PORT_DEFAULT = 8000
MARKET_DATA_PORT_DEFAULT = 8001
REDIS_PORT_DEFAULT = 6379
PORT_MAX = 65_535
FEED_PATH = "/ws/market-data"
REDIS_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True)
class VenueAddress:
    """Where the parts of a venue are; None is a part that the name of the venue does not tell.

    `name` is for people: the directory, the URL, or how the venue was found. A certificate is the
    file (PEM) that clients on this machine trust; the signing master is a file too.
    """

    name: str
    gateway_url: str | None = None
    market_data_url: str | None = None
    feed_url: str | None = None
    redis_url: str | None = None
    gateway_certificate: Path | None = None
    market_data_certificate: Path | None = None
    signing_master: Path | None = None
    # Whether the venue reads no keys; False if that is not known.
    is_open: bool = False


def find_venue(
    wanted: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> VenueAddress:
    """Find the venue `wanted`: a data directory, the URL of a gateway, or the URL of a Redis.

    Without `wanted` these are tried in turn: the variable `TAPEWIRE_VENUE`, a running venue in
    `.tapewire` of `directory` (default: the current one), the default ports of this machine.
    Raises ConfigurationError if a named venue does not run, or a venue file is stale.
    """
    variables = os.environ if environment is None else environment
    named = wanted or variables.get(VENUE_VARIABLE)
    if named:
        return _named_venue(named)
    data_dir = (directory or Path()) / DATA_DIR_DEFAULT
    venue = read_venue_file(data_dir)
    return default_venue() if venue is None else _running_venue(str(data_dir), venue)


def split_service_url(url: str) -> SplitResult:
    """Take the URL of a service apart: `http` or `https`, with a host that has a valid name.

    Raises ValueError; its text is not for users.
    """
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise ValueError("a scheme, a host or a port is wrong")
    if "[" in parts.netloc:
        ipaddress.IPv6Address(host)
    else:
        # As the resolver of host names encodes it.
        host.encode("idna")
    return parts


def default_venue() -> VenueAddress:
    """The default ports of this machine, whether a venue runs there or not."""
    return VenueAddress(
        name="the default ports of this machine",
        gateway_url=f"http://{HOST_DEFAULT}:{GATEWAY_PORT_DEFAULT}",
        market_data_url=f"http://{HOST_DEFAULT}:{MARKET_DATA_PORT_DEFAULT}",
        feed_url=f"ws://{HOST_DEFAULT}:{MARKET_DATA_PORT_DEFAULT}{FEED_PATH}",
        redis_url=f"redis://{HOST_DEFAULT}:{REDIS_PORT_DEFAULT}/0",
    )


def _named_venue(named: str) -> VenueAddress:
    scheme, separator, _ = named.partition("://")
    if not separator:
        return _venue_in(Path(named))
    if scheme in {"http", "https"}:
        return _venue_of_gateway(named)
    if scheme.partition("+")[0] in REDIS_SCHEMES:
        return VenueAddress(name="a Redis", redis_url=named)
    raise ConfigurationError(
        f"{named!r} names no venue: give its data directory, the URL of its gateway "
        "(http:// or https://), or the URL of its Redis (redis:// and its like)"
    )


def _venue_in(data_dir: Path) -> VenueAddress:
    venue = read_venue_file(data_dir)
    if venue is not None:
        return _running_venue(str(data_dir), venue)
    if not data_dir.is_dir():
        raise ConfigurationError(
            f"there is no directory {data_dir}; name a data directory, or a URL such as "
            "http://127.0.0.1:8000"
        )
    raise ConfigurationError(
        f"no venue runs in {data_dir}: start it with `tapewire up --data-dir {data_dir}`, or name "
        "another venue"
    )


def _running_venue(name: str, venue: RunningVenue) -> VenueAddress:
    return VenueAddress(
        name=name,
        gateway_url=venue.gateway.url,
        market_data_url=venue.market_data.url,
        feed_url=venue.feed_url,
        redis_url=venue.redis.url,
        gateway_certificate=_certificate(venue.gateway),
        market_data_certificate=_certificate(venue.market_data),
        signing_master=None if venue.signing_master is None else Path(venue.signing_master),
        is_open=venue.auth == "open",
    )


def _certificate(service: RunningService) -> Path | None:
    return None if service.certificate is None else Path(service.certificate)


def _venue_of_gateway(url: str) -> VenueAddress:
    """The feed is expected on the port after the gateway's, as with 8000 and 8001."""
    try:
        parts = split_service_url(url)
    except ValueError:
        parts = None
    if parts is None or parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            f"{url!r} is not the URL of a gateway: write http://HOST:PORT or https://HOST:PORT"
        )
    host, port = parts.hostname or "", parts.port
    gateway_url = f"{parts.scheme}://{parts.netloc}"
    if port in {None, PORT_MAX}:
        return VenueAddress(name=gateway_url, gateway_url=gateway_url)
    netloc = f"[{host}]:{port + 1}" if ":" in host else f"{host}:{port + 1}"
    return VenueAddress(
        name=gateway_url,
        gateway_url=gateway_url,
        market_data_url=f"{parts.scheme}://{netloc}",
        feed_url=f"{parts.scheme.replace('http', 'ws', 1)}://{netloc}{FEED_PATH}",
    )
