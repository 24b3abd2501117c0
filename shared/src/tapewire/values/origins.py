"""Which web pages may call a service, and under which host names. Closed by default.

A program sends no `Origin`. A browser sends `Origin` with every WebSocket handshake and every
cross-origin request whose answer a page can read or that changes state. A request with an `Origin`
that is neither listed nor the service's own is refused before routing. Host names are checked
because a page can make its own name resolve to this machine (DNS rebinding) and would then pass as
the service itself.
"""

import ipaddress
import re
from dataclasses import dataclass

from tapewire.values.service_address import ServiceAddress

_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?")
_NAME = re.compile(r"(?:\*\.)?[a-z0-9._-]+")
_PORT = re.compile(r":[0-9]{0,5}$")


def parse_origins(text: str) -> frozenset[str]:
    """A comma-separated list of origins, whose port may be `*` for any port.

    Raises ValueError naming the invalid entry.
    """
    origins = _entries(text)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin such as https://app.example.com or http://localhost:*"
            )
    return origins


def parse_hosts(text: str) -> frozenset[str]:
    """A comma-separated list of names or addresses. Raises ValueError naming the invalid entry."""
    hosts = frozenset(host.strip("[]") for host in _entries(text))
    for host in hosts:
        if host != "*" and not (_NAME.fullmatch(host) or _is_address(host)):
            raise ValueError(f"{host!r} is not a name such as api.example.com or *.example.com")
    return hosts


def _entries(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class Admission:
    """Rules for callers; `names_checked` says whether the host name must be a known one."""

    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    names_checked: bool = False
    page: ServiceAddress | None = None

    @classmethod
    def listening_on(
        cls,
        address: str,
        *,
        origins: str | None,
        hosts: str | None,
        own_name: str = "",
        page: ServiceAddress | None = None,
    ) -> "Admission":
        """The rules of a service that listens on `address`; both lists are comma-separated.

        Only this machine reaches a loopback address, so there only this machine's names, the
        listed names and `own_name`, the name that was resolved to `address`, are valid. Pages of
        the service `page` may ask as if their origin were listed.
        """
        names = parse_hosts(hosts or "")
        checked = "*" not in names and (bool(names) or _is_loopback(address))
        known = names | {own_name.lower()} if own_name else names
        return cls(parse_origins(origins or ""), known, checked, page)

    def lists(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may ask this service, which it calls `host`."""
        wanted = origin.lower()
        if wanted in self.origins or f"{_PORT.sub('', wanted)}:*" in self.origins:
            return True
        return self.page is not None and self.page.is_origin(origin, host) and self.knows(host)

    def knows(self, host: str) -> bool:
        """Whether a `Host` is valid: an address, a name of this machine, or a listed name."""
        name = _PORT.sub("", host.lower()).strip("[]").removesuffix(".")
        if name in self.hosts or "*" in self.hosts or _is_loopback(name) or _is_address(name):
            return True
        return any(
            listed.startswith("*.") and name.endswith(listed[1:]) and name != listed[2:]
            for listed in self.hosts
        )

    def is_own(self, origin: str, host: str, *, secure: bool) -> bool:
        """Whether a page of `origin` was served under the host name that it calls now.

        A page served over plain HTTP is not a page of a service with TLS.
        """
        scheme, _, authority = origin.lower().partition("://")
        if scheme != "https" and (secure or scheme != "http"):
            return False
        return authority == host.lower() and self.knows(host)


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
