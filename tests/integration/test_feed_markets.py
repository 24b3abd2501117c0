"""Market events on the feed: every client that follows the symbol gets the valid ones."""

import redis.asyncio

from tapewire import keys
from tapewire.matching.auctions import indicate
from tapewire.values.types import MarketState
from tests.support.feeds.bench import FeedBench
from tests.support.venue import BOB, BTC, Venue
from tests.support.wait import wait_until


async def test_a_switched_market_is_told(bench: FeedBench, venue: Venue) -> None:
    """The event is sent as it was published, once."""
    await venue.engine.control_market(BTC, state=MarketState.HALTED)
    await wait_until(lambda: bench.told_of("market"), "the client is told")
    (message,) = bench.told_of("market")
    assert message["data"]["symbol"] == BTC
    assert message["data"]["state"] == "halted"
    assert message["data"]["change"] == "state"
    assert message["data"]["epoch"] == bench.feed.sequencer.epoch


async def test_the_indicative_price_of_an_auction_is_told(bench: FeedBench, venue: Venue) -> None:
    """Clients hear what an uncross would give, and then what it gave."""
    await venue.engine.control_market(BTC, state=MarketState.AUCTION)
    await venue.buy(3, 105)
    await venue.sell(3, 105, account=BOB)
    await indicate(venue.engine, BTC, 0)
    await venue.engine.control_market(BTC, state=MarketState.TRADING)
    await wait_until(lambda: len(bench.told_of("market")) == 4, "the client is told")
    told = [message["data"] for message in bench.told_of("market")]
    assert [data["change"] for data in told] == ["state", "indicative", "state", "uncrossed"]
    assert {(data["price"], data["quantity"]) for data in told[1::2]} == {("1.05", "0.00003")}


async def test_garbage_about_markets_is_skipped(bench: FeedBench, redis_url: str) -> None:
    """An invalid event is counted, and no client gets it."""
    client = redis.asyncio.Redis.from_url(redis_url)
    before = bench.feed.counters.garbage
    await client.publish(keys.MARKET_CHANNEL, b'{"symbol":"BTC-USDT","state":"on fire"}')
    await client.aclose()
    await wait_until(lambda: bench.feed.counters.garbage == before + 1, "the garbage is counted")
    assert bench.told_of("market") == []
