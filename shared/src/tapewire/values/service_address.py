"""Where browsers reach a service: a URL, or a port of the host that they already talk to. Pure.

The trading page needs the feed, and the feed has to know the page. Both are usually one host with
two ports, under whatever name a browser used; `:8001` means exactly that.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

_URL: Final = re.compile(
    r"(?P<origin>https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?"
)
_PORT: Final = re.compile(r":([0-9]{1,5})")
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Either `origin` with `path`, or `port`."""

    origin: str | None = None
    path: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `https://feed.example.com` or `:8001`. Raises ValueError."""
        wanted = text.strip()
        if port := _PORT.fullmatch(wanted):
            if 1 <= int(port[1]) <= PORT_MAX:
                return cls(port=int(port[1]))
        elif url := _URL.fullmatch(wanted):
            return cls(url["origin"].lower(), url["path"])
        raise ValueError(f"{text!r} is neither a URL such as https://feed.example.com nor :PORT")

    def __str__(self) -> str:
        """As it is written in a setting."""
        return f":{self.port}" if self.origin is None else f"{self.origin}{self.path}"

    def authority(self, host: str) -> str | None:
        """Host and port of the service, for a browser that sent `host`; None for a bad `host`."""
        if self.origin is not None:
            return self.origin.partition("://")[2]
        name = _HOST.fullmatch(host)
        return None if name is None else f"{name['name'].lower()}:{self.port}"

    def url(self, host: str, scheme: str) -> str | None:
        """The service's URL for a browser that sent `host` over `scheme`; None for a bad `host`."""
        if self.origin is not None:
            return f"{self.origin}{self.path}"
        authority = self.authority(host)
        return None if authority is None else f"{scheme}://{authority}"

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether `origin` is that of a page of this service, for a request sent to `host`."""
        if self.origin is not None:
            return origin.lower() == self.origin
        scheme, _, authority = origin.lower().partition("://")
        if scheme not in _DEFAULT_PORTS:
            return False
        if not re.search(r":[0-9]{1,5}$", authority):
            authority = f"{authority}:{_DEFAULT_PORTS[scheme]}"
        return authority == self.authority(host)
