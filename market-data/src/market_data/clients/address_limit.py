"""How much one client address may ask for: requests, the bytes of answers, wrong keys."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tapewire.errors import AuthenticationFailed
from tapewire.web.rate_limit import NO_HEADERS, Buckets

ANSWER_BYTES_PER_REQUEST = 16_384
"""An answer counts as one request, and as one more for each of these bytes."""

WRONG_KEY_REQUESTS = 20
"""A wrong API key counts as so many requests, so that keys cannot be guessed in numbers."""


class AddressLimit:
    """The bucket of every address; addresses that are not known (a Unix socket) have no limit."""

    def __init__(
        self, buckets: Buckets | None, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Without buckets nothing is limited."""
        self._buckets = buckets
        self._now_ns = now_ns

    def admit(self, address: str | None) -> Mapping[str, str]:
        """Take one request; returns headers for its answer. Raises RateLimited."""
        buckets = self._buckets
        if buckets is None or address is None:
            return NO_HEADERS
        now_ns = self._now_ns()
        ahead_ns = buckets.check(address, 1, now_ns)
        buckets.take(address, ahead_ns, now_ns)
        return buckets.headers(ahead_ns)

    def charge_answer(self, address: str | None, size_bytes: int) -> None:
        """Take what a large answer costs beside its request."""
        self._charge(address, size_bytes // ANSWER_BYTES_PER_REQUEST)

    @contextmanager
    def keys(self, address: str | None) -> Iterator[None]:
        """Let an address prove a key in the block. Raises RateLimited; charges a wrong key."""
        if self._buckets is not None and address is not None:
            self._buckets.check(address, 1, self._now_ns())
        try:
            yield
        except AuthenticationFailed:
            self._charge(address, WRONG_KEY_REQUESTS)
            raise

    def _charge(self, address: str | None, count: int) -> None:
        if self._buckets is not None and address is not None and count:
            self._buckets.charge(address, count, self._now_ns())
