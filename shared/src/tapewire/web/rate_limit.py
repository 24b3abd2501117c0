"""Token buckets, one for each account or address: in integers, without a clock. Pure.

A bucket is one number, the moment at which the bucket is full again (the generic cell rate
algorithm). A moment in the past is a full bucket, the same as no entry, so idle buckets need no
cleaning. Every request calls `look`, which therefore allocates only this number.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from tapewire.errors import RateLimited

NANOSECONDS = 1_000_000_000
NO_HEADERS: Mapping[str, str] = {}

IPV6_CLIENT_BITS = 64
"""Leading bits of an IPv6 address that name a client: every site has a /64 at least (RFC 6177)."""


class Buckets:
    """One bucket per name; above `names_max` the least recently used one is forgotten."""

    def __init__(self, *, per_second: int, burst: int, names_max: int) -> None:
        self.burst = burst
        self._interval_ns = NANOSECONDS // per_second
        self.capacity_ns = burst * self._interval_ns
        self._names_max = names_max
        self._full_at_ns: OrderedDict[str, int] = OrderedDict()

    def look(self, name: str, count: int, now_ns: int) -> int:
        """The nanoseconds until the bucket would be full again after `count` were taken.

        More than `capacity_ns` means that the bucket has too few; the excess is the time to wait.
        """
        ahead_ns = self._full_at_ns.get(name, now_ns) - now_ns
        if ahead_ns < 0:
            ahead_ns = 0
        elif ahead_ns > self.capacity_ns:
            # Farther ahead than an empty bucket: the clock went backwards. Begin with an empty one.
            ahead_ns = self.capacity_ns
            self._full_at_ns[name] = now_ns + ahead_ns
        # A request larger than the bucket costs a full bucket.
        return ahead_ns + self._interval_ns * min(self.burst, count)

    def take(self, name: str, ahead_ns: int, now_ns: int) -> None:
        """Take the tokens that `look` has found at the same moment."""
        full_at_ns = self._full_at_ns
        full_at_ns[name] = now_ns + ahead_ns
        full_at_ns.move_to_end(name)
        if len(full_at_ns) > self._names_max:
            full_at_ns.popitem(last=False)

    def check(self, name: str, count: int, now_ns: int) -> int:
        """Look whether `count` are in a bucket (`look`). Raises RateLimited, with the headers."""
        ahead_ns = self.look(name, count, now_ns)
        wait_ns = ahead_ns - self.capacity_ns
        if wait_ns <= 0:
            return ahead_ns
        wait_s = -(-wait_ns // NANOSECONDS)
        error = RateLimited(f"Too many requests in too short a time; wait {wait_s} s.")
        used_ns = self.look(name, 0, now_ns)
        error.headers = self.headers(used_ns) | {"Retry-After": str(wait_s)}
        raise error

    def charge(self, name: str, count: int, now_ns: int) -> None:
        """Take `count` tokens from a bucket, or all that the bucket has."""
        ahead_ns = min(self.look(name, count, now_ns), self.capacity_ns)
        self.take(name, ahead_ns, now_ns)

    def remaining(self, ahead_ns: int) -> int:
        """The tokens of a bucket that is full again in `ahead_ns`."""
        return (self.capacity_ns - ahead_ns) // self._interval_ns

    def headers(self, ahead_ns: int) -> dict[str, str]:
        """The `RateLimit` headers of an answer."""
        return {
            "RateLimit-Limit": str(self.burst),
            "RateLimit-Remaining": str(self.remaining(ahead_ns)),
            "RateLimit-Reset": str(-(-ahead_ns // NANOSECONDS)),
        }

    def __len__(self) -> int:
        return len(self._full_at_ns)


def client_network(address: str) -> str:
    """The name under which an address is limited: an IPv4 address, or the /64 of an IPv6 address.

    Otherwise a client could use 2**64 addresses, each with a bucket of its own.
    """
    return _ipv6_network(address) if ":" in address else address


@lru_cache(maxsize=1_024)
def _ipv6_network(address: str) -> str:
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    shift = parsed.max_prefixlen - IPV6_CLIENT_BITS
    return f"{IPv6Address(int(parsed) >> shift << shift)}/{IPV6_CLIENT_BITS}"
