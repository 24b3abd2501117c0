"""A venue on the shared Redis, for tests of the matching scripts, and two gateways on it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.feeds.bench import FeedBench, running_feed
from tests.support.running.gateway_pair import Desk, GatewayPair, opened_desk, running_pair
from tests.support.venue import Listener, Venue, listening, open_venue


@pytest_asyncio.fixture
async def venue(redis_url: str) -> AsyncIterator[Venue]:
    """An engine on an empty Redis, with the instruments of `tests.support.venue`."""
    async with open_venue(redis_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def venue_url(venue: Venue, redis_url: str) -> str:
    """A Redis that holds a venue with the instruments of the tests."""
    del venue
    return redis_url


@pytest_asyncio.fixture
async def listener(redis_url: str) -> AsyncIterator[Listener]:
    """A subscriber that receives everything published from the start of the test."""
    async with listening(redis_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def gateway_pair(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayPair]:
    """Two gateways for the tests of a module.

    They stop with the module, because they expire the orders of tests that set the clock.
    """
    with running_pair(module_redis_url, tmp_path_factory.mktemp("gateways")) as pair:
        yield pair


@pytest.fixture
def desk(gateway_pair: GatewayPair, redis_url: str) -> Iterator[Desk]:
    """Clients of both gateways, whose Redis was emptied after their start."""
    with opened_desk(gateway_pair, redis_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def bench(venue: Venue, redis_url: str) -> AsyncIterator[FeedBench]:
    """A running feed on the shared Redis."""
    async with running_feed(venue, redis_url) as opened:
        yield opened
