"""How much one account and one address may send: token buckets, in integers, without a clock.

A bucket is one number, the moment at which it is full again (the generic cell rate algorithm), so
that idle ones need no care: a moment in the past is a full bucket, the same as no entry at all.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from tapewire.errors import RateLimited

NANOSECONDS = 1_000_000_000
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a bucket answers: whether it gave, what is left, and when it is full again."""

    granted: bool
    remaining: int
    full_in_ns: int
    # How long to wait for what was asked for; 0 if it was granted.
    wait_ns: int


class Buckets:
    """One bucket per name, the least recently used forgotten beyond `names_max`."""

    def __init__(self, *, per_second: int, burst: int, names_max: int) -> None:
        self.burst = burst
        self._interval_ns = NANOSECONDS // per_second
        self._capacity_ns = burst * self._interval_ns
        self._names_max = names_max
        self._full_at_ns: OrderedDict[str, int] = OrderedDict()

    def look(self, name: str, count: int, now_ns: int) -> Allowance:
        """What `take` would answer, without taking."""
        # More than a full bucket is never granted, so a large request costs a full one.
        cost_ns = min(count, self.burst) * self._interval_ns
        ahead_ns = max(self._full_at_ns.get(name, now_ns) - now_ns, 0)
        if ahead_ns > self._capacity_ns:
            # Farther ahead than an empty bucket: the clock went backwards. Begin with an empty one.
            ahead_ns = self._capacity_ns
            self._full_at_ns[name] = now_ns + ahead_ns
        wait_ns = ahead_ns + cost_ns - self._capacity_ns
        if wait_ns > 0:
            left = (self._capacity_ns - ahead_ns) // self._interval_ns
            return Allowance(False, left, ahead_ns, wait_ns)
        ahead_ns += cost_ns
        return Allowance(True, (self._capacity_ns - ahead_ns) // self._interval_ns, ahead_ns, 0)

    def take(self, name: str, allowance: Allowance, now_ns: int) -> None:
        """Take what `look` has granted at the same moment."""
        self._full_at_ns[name] = now_ns + allowance.full_in_ns
        self._full_at_ns.move_to_end(name)
        if len(self._full_at_ns) > self._names_max:
            self._full_at_ns.popitem(last=False)

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
        asked = [
            (buckets, name, buckets.look(name, count, now_ns))
            for buckets, name in ((self._accounts, account), (self._addresses, address))
            if buckets is not None and name is not None
        ]
        if not asked:
            return NO_HEADERS
        buckets, _, scarcest = min(asked, key=_headroom)
        headers = {
            "RateLimit-Limit": str(buckets.burst),
            "RateLimit-Remaining": str(scarcest.remaining),
            "RateLimit-Reset": str(-(-scarcest.full_in_ns // NANOSECONDS)),
        }
        if scarcest.granted:
            for each, its_name, allowance in asked:
                each.take(its_name, allowance, now_ns)
            return headers
        wait_s = -(-scarcest.wait_ns // NANOSECONDS)
        error = RateLimited(f"Too many orders in too short a time; wait {wait_s} s.")
        error.headers = headers | {"Retry-After": str(wait_s)}
        raise error


def _headroom(asked: tuple[Buckets, str, Allowance]) -> tuple[int, int]:
    """What is refused comes first, the longest wait before all; then what has the least left."""
    allowance = asked[2]
    return -allowance.wait_ns, allowance.remaining
