"""Under which addresses other machines reach this one."""

import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104
# An address for documentation (RFC 5737). No packet is sent: the system only chooses a route.
_ELSEWHERE = ("192.0.2.1", 9)
_SIOCGIFADDR = 0x8915
_INTERFACE_NAME_BYTES = 15


def reachable_addresses(address: str) -> list[str]:
    """The IP addresses at which others reach a service that listens on `address`; none on loopback.

    For a service on every address these are the IPv4 addresses of this machine's interfaces.
    """
    if address not in EVERY_ADDRESS:
        is_own = ipaddress.ip_address(address.partition("%")[0]).is_loopback
        return [] if is_own else [address]
    found = list(_interface_addresses()) or list(_routed_address())
    return list(dict.fromkeys(each for each in found if not ipaddress.ip_address(each).is_loopback))


def _interface_addresses() -> Iterator[str]:
    """The IPv4 addresses of the interfaces (Linux)."""
    if sys.platform != "linux":
        return
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:_INTERFACE_NAME_BYTES])
            with contextlib.suppress(OSError):
                reply = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
                yield socket.inet_ntoa(reply[20:24])


def _routed_address() -> Iterator[str]:
    """The address from which this machine would reach another one."""
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
    ):
        probe.connect(_ELSEWHERE)
        yield str(probe.getsockname()[0])
