"""Ports of this machine: free ones, and those kept for services whose processes share a port.

Because a shared port never conflicts with itself, a second venue on the same port would silently
get a part of the first one's clients. So the launcher takes each port alone first and only then
opens it for sharing.
"""

import errno
import socket
import sys
from types import TracebackType
from typing import Self

from tapewire.errors import ConfigurationError

# A service that listens on every address is reached on this one.
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
LOOPBACK = "127.0.0.1"


class PortTaken(ConfigurationError):
    """The port belongs to another process."""


class KeptPort:
    """A port that this process holds while the object is open; it accepts no connection."""

    def __init__(self, host: str, port: int, option: str) -> None:
        """Take `port` of `host`, 0 for any free one; `option` is named in refusals.

        Raises PortTaken, or ConfigurationError if the host is not one of this machine.
        """
        self.host = host
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
        except (OSError, UnicodeError, OverflowError):
            raise ConfigurationError(f"--host {host} is not an address of this machine") from None
        # The IP address of the host name.
        self.address = str(address[0])
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise _refusal(host, port, option, error) from None
        self.port = int(self._socket.getsockname()[1])
        if sys.platform == "linux":
            # Linux lets a bound socket share afterwards; it gets no connections, as it does
            # not listen. Elsewhere the port is only checked and given back.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            self._socket.close()

    @property
    def reachable(self) -> str:
        """`host:port` for a client on this machine."""
        host = LOOPBACK_OF.get(self.address, self.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _refusal(host: str, port: int, option: str, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"port {port} on {host} is in use by another process; "
            f"stop it, or choose another with {option}"
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(f"port {port} needs rights you do not have; see {option}")
    return ConfigurationError(f"--host {host} is not an address of this machine")


def free_port(host: str = LOOPBACK) -> int:
    """A port that is free now; another process may take it before the caller does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def check_port_free(host: str, port: int) -> None:
    """Raise PortTaken if another process listens on `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As a server does: connections of an earlier one that still linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(port_taken_sentence(host, port)) from None


def port_taken_sentence(host: str, port: int) -> str:
    """The sentence about a port that another process has."""
    return f"port {port} on {host} is in use by another process; stop it, or choose another port"
