"""Limits of one client address at market-data: requests, large answers, wrong keys."""

import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from market_data.clients.address_limit import (
    ANSWER_BYTES_PER_REQUEST,
    WRONG_KEY_REQUESTS,
    AddressLimit,
)
from tapewire.errors import KeyInvalid, RateLimited
from tapewire.web.rate_limit import NANOSECONDS, Buckets
from tests.support.feeds.account_feed import ask
from tests.support.feeds.process import FeedProcess, running_feed
from tests.support.feeds.reading import connected, receive_type
from tests.support.venue import BTC, Venue

BURST = 50
SLOW = {"ADDRESS_REQUESTS_PER_S": "1", "ADDRESS_BURST": str(BURST)}


@pytest_asyncio.fixture
async def feed(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[FeedProcess]:
    """A process with keys and a small burst per address."""
    async with running_feed(redis_url, tmp_path, "keys", **SLOW) as opened:
        yield opened


async def test_requests_of_an_address_are_limited(feed: FeedProcess) -> None:
    """Requests beyond the burst get 429 with `Retry-After`; health is always answered."""
    url = f"http://127.0.0.1:{feed.port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        first = await client.get(f"/v1/bbo/{BTC}")
        assert first.status_code == 200
        assert first.headers["RateLimit-Limit"] == str(BURST)
        await until_refused(client, f"/v1/bbo/{BTC}")
        refused = await until_refused(client, f"/v1/book/{BTC}?depth=all")
        assert refused.json()["code"] == "rate_limited"
        assert int(refused.headers["Retry-After"]) >= 1
        for path in ("/health", "/livez", "/metrics"):
            assert (await client.get(path)).status_code == 200
        await until_refused(client, f"/v1/bbo/{BTC}")
        with pytest.raises(InvalidStatus) as closed:
            await connect_until_refused(feed)
        assert closed.value.response.status_code == 429


async def until_refused(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """The first 429: the bucket refills by one request a second while the test is delayed."""
    for _ in range(4 * BURST):
        reply = await client.get(path)
        if reply.status_code == 429:
            return reply
    raise AssertionError(f"{4 * BURST} requests were answered")


async def connect_until_refused(
    feed: FeedProcess, headers: Mapping[str, str] | None = None, passed_over: Sequence[int] = ()
) -> None:
    """Open and close connections. Raises InvalidStatus for a status that is not passed over."""
    for _ in range(4 * BURST):
        try:
            async with connected(feed.url, headers=headers):
                pass
        except InvalidStatus as error:
            if error.response.status_code not in passed_over:
                raise


async def test_wrong_keys_use_up_the_limit(feed: FeedProcess) -> None:
    """After a few wrong keys, in upgrades and requests, the service checks no more keys."""
    tried, started_s = 0, time.monotonic()
    async with connected(feed.url) as connection:
        await receive_type(connection, "connected")
        while (answer := await ask(connection, op="authenticate", key="tw_wrong"))[
            "code"
        ] == "key_invalid":
            tried += 1
        assert answer["code"] == "rate_limited"
    # The bucket refills by one request a second.
    refilled = math.ceil(time.monotonic() - started_s)
    assert tried <= (BURST + refilled) // WRONG_KEY_REQUESTS + 1
    with pytest.raises(InvalidStatus) as refused:
        await connect_until_refused(feed, {"Authorization": "Bearer tw_wrong"}, (401,))
    assert refused.value.response.status_code == 429


def test_a_large_answer_counts_as_many_requests() -> None:
    """A large book costs several requests; the bucket refills by one request a second."""
    now_ns = 0
    buckets = Buckets(per_second=1, burst=100, names_max=10)
    limit = AddressLimit(buckets, lambda: now_ns)
    assert limit.admit("a")["RateLimit-Remaining"] == "99"
    limit.charge_answer("a", 50 * ANSWER_BYTES_PER_REQUEST)
    assert limit.admit("a")["RateLimit-Remaining"] == "48"
    limit.charge_answer("a", 10_000_000_000)
    with pytest.raises(RateLimited):
        limit.admit("a")
    assert limit.admit("b")["RateLimit-Remaining"] == "99"
    now_ns += NANOSECONDS
    assert limit.admit("a")["RateLimit-Remaining"] == "0"


def test_a_good_key_costs_nothing_more() -> None:
    """Wrong keys are charged, right keys are not; without limits or address nothing is."""
    limit = AddressLimit(Buckets(per_second=1, burst=100, names_max=10), lambda: 0)
    with limit.keys("a"):
        pass
    assert limit.admit("a")["RateLimit-Remaining"] == "99"
    with pytest.raises(KeyInvalid), limit.keys("a"):
        raise KeyInvalid
    assert limit.admit("a")["RateLimit-Remaining"] == str(98 - WRONG_KEY_REQUESTS)
    for free in (AddressLimit(None), limit):
        with pytest.raises(KeyInvalid), free.keys(None):
            raise KeyInvalid
        assert free.admit(None) == {}
