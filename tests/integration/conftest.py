"""A venue on the shared Redis, for tests of the matching scripts."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.venue import Listener, Venue, listening, open_venue


@pytest_asyncio.fixture
async def venue(redis_url: str) -> AsyncIterator[Venue]:
    """An engine on an empty Redis, with the instruments of `tests.support.venue`."""
    async with open_venue(redis_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def listener(redis_url: str) -> AsyncIterator[Listener]:
    """A subscriber that hears everything published from the start of the test."""
    async with listening(redis_url) as opened:
        yield opened
