"""The rate limit of one client address: requests, bytes of answers, wrong keys."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from market_data.settings import MarketDataSettings
from tapewire.errors import AuthenticationFailed
from tapewire.web.rate_limit import NO_HEADERS, Buckets, client_network

ANSWER_BYTES_PER_REQUEST = 16_384
"""An answer costs one request, plus one for every 16 KiB."""

WRONG_KEY_REQUESTS = 20
"""Requests that a wrong API key costs, which slows down guessing."""


class AddressLimit:
    """The bucket of every address; a client without an address (a Unix socket) has no limit."""

    def __init__(
        self, buckets: Buckets | None, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Without buckets no client has a limit."""
        self._buckets = buckets
        self._now_ns = now_ns

    @classmethod
    def of_settings(cls, settings: MarketDataSettings) -> Self:
        """The limit that the settings ask for."""
        if settings.address_requests_per_s == 0:
            return cls(None)
        return cls(
            Buckets(
                per_second=settings.address_requests_per_s,
                burst=settings.address_burst,
                names_max=settings.rate_limit_names_max,
            )
        )

    def admit(self, address: str | None) -> Mapping[str, str]:
        """Take one request; returns headers for its answer. Raises RateLimited."""
        buckets = self._buckets
        if buckets is None or address is None:
            return NO_HEADERS
        name, now_ns = client_network(address), self._now_ns()
        ahead_ns = buckets.check(name, 1, now_ns)
        buckets.take(name, ahead_ns, now_ns)
        return buckets.headers(ahead_ns)

    def charge_answer(self, address: str | None, size_bytes: int) -> None:
        """Take the cost of a large answer, beside the cost of its request."""
        self._charge(address, size_bytes // ANSWER_BYTES_PER_REQUEST)

    @contextmanager
    def keys(self, address: str | None) -> Iterator[None]:
        """Let an address prove a key in the block. Raises RateLimited; charges a wrong key."""
        if self._buckets is not None and address is not None:
            self._buckets.check(client_network(address), 1, self._now_ns())
        try:
            yield
        except AuthenticationFailed:
            self._charge(address, WRONG_KEY_REQUESTS)
            raise

    def _charge(self, address: str | None, count: int) -> None:
        if self._buckets is not None and address is not None and count:
            self._buckets.charge(client_network(address), count, self._now_ns())
