"""How much one account and one address may send: token buckets, in integers, without a clock.

A bucket is one number, the moment at which it is full again (the generic cell rate algorithm), so
that idle ones need no care: a moment in the past is a full bucket, the same as no entry at all.
Every order passes here, so a look makes no object but that number.
"""

from collections import OrderedDict
from collections.abc import Mapping

from tapewire.errors import RateLimited

NANOSECONDS = 1_000_000_000
NO_HEADERS: Mapping[str, str] = {}


class Buckets:
    """One bucket per name, the least recently used forgotten beyond `names_max`."""

    def __init__(self, *, per_second: int, burst: int, names_max: int) -> None:
        self.burst = burst
        self._interval_ns = NANOSECONDS // per_second
        self.capacity_ns = burst * self._interval_ns
        self._names_max = names_max
        self._full_at_ns: OrderedDict[str, int] = OrderedDict()

    def look(self, name: str, count: int, now_ns: int) -> int:
        """In how many nanoseconds the bucket would be full again after `count` were taken.

        More than `capacity_ns` means that so many are not in it; the excess is the time to wait.
        """
        ahead_ns = self._full_at_ns.get(name, now_ns) - now_ns
        if ahead_ns < 0:
            ahead_ns = 0
        elif ahead_ns > self.capacity_ns:
            # Farther ahead than an empty bucket: the clock went backwards. Begin with an empty one.
            ahead_ns = self.capacity_ns
            self._full_at_ns[name] = now_ns + ahead_ns
        # More than a full bucket is never in it, so a large request costs a full one.
        return ahead_ns + self._interval_ns * min(self.burst, count)

    def take(self, name: str, ahead_ns: int, now_ns: int) -> None:
        """Take what `look` found to be there at the same moment."""
        full_at_ns = self._full_at_ns
        full_at_ns[name] = now_ns + ahead_ns
        full_at_ns.move_to_end(name)
        if len(full_at_ns) > self._names_max:
            full_at_ns.popitem(last=False)

    def remaining(self, ahead_ns: int) -> int:
        """What is left in a bucket that is full again in `ahead_ns`."""
        return (self.capacity_ns - ahead_ns) // self._interval_ns

    def headers(self, ahead_ns: int) -> dict[str, str]:
        """What an answer says of such a bucket."""
        return {
            "RateLimit-Limit": str(self.burst),
            "RateLimit-Remaining": str(self.remaining(ahead_ns)),
            "RateLimit-Reset": str(-(-ahead_ns // NANOSECONDS)),
        }

    def __len__(self) -> int:
        return len(self._full_at_ns)


class RateLimits:
    """The limits of a gateway: every request passes the buckets of its account and its address."""

    def __init__(self, accounts: Buckets | None, addresses: Buckets | None) -> None:
        self._accounts = accounts
        self._addresses = addresses

    def admit(
        self, account: str, address: str | None, count: int, now_ns: int
    ) -> Mapping[str, str]:
        """Take `count` orders from both buckets, or from none; the headers for the answer.

        Raises RateLimited, which carries them too.
        """
        accounts, addresses = self._accounts, self._addresses
        if addresses is None or address is None:
            if accounts is None:
                return NO_HEADERS
            ahead_ns = _check(accounts, account, count, now_ns)
            accounts.take(account, ahead_ns, now_ns)
            return accounts.headers(ahead_ns)
        of_address_ns = _check(addresses, address, count, now_ns)
        if accounts is None:
            addresses.take(address, of_address_ns, now_ns)
            return addresses.headers(of_address_ns)
        of_account_ns = _check(accounts, account, count, now_ns)
        accounts.take(account, of_account_ns, now_ns)
        addresses.take(address, of_address_ns, now_ns)
        if addresses.remaining(of_address_ns) < accounts.remaining(of_account_ns):
            return addresses.headers(of_address_ns)
        return accounts.headers(of_account_ns)

    def check_address(self, address: str | None, now_ns: int) -> None:
        """Whether one more request of an address would pass. Raises RateLimited."""
        if self._addresses is not None and address is not None:
            _check(self._addresses, address, 1, now_ns)

    def take_address(self, address: str | None, now_ns: int) -> None:
        """Charge an address for a request that is of no account."""
        addresses = self._addresses
        if addresses is not None and address is not None:
            ahead_ns = min(addresses.look(address, 1, now_ns), addresses.capacity_ns)
            addresses.take(address, ahead_ns, now_ns)


def _check(buckets: Buckets, name: str, count: int, now_ns: int) -> int:
    """As `Buckets.look`. Raises RateLimited."""
    ahead_ns = buckets.look(name, count, now_ns)
    wait_ns = ahead_ns - buckets.capacity_ns
    if wait_ns <= 0:
        return ahead_ns
    wait_s = -(-wait_ns // NANOSECONDS)
    error = RateLimited(f"Too many orders in too short a time; wait {wait_s} s.")
    used_ns = buckets.look(name, 0, now_ns)
    error.headers = buckets.headers(used_ns) | {"Retry-After": str(wait_s)}
    raise error
