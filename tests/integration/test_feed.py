"""The feed against a real Redis: garbage, gaps, losses, new epochs, cut subscriptions."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tapewire import keys
from tapewire.redis.server import RedisServer
from tapewire.values.types import Symbol
from tests.support.feeds.bench import (
    FeedBench,
    drop_subscribers,
    log_unheard,
    logged,
    running_feed,
    set_position,
    trade,
    trade_unheard,
)
from tests.support.feeds.trades import trade_payload
from tests.support.feeds.traffic import trading
from tests.support.running.topologies import running_cluster, running_sentinel
from tests.support.venue import BTC, INSTRUMENTS, ODD, Venue, open_venue
from tests.support.wait import wait_until

# Cuts of the subscription under load; one in the middle of a refill is among them.
CUTS = 5
GARBAGE = [
    b"",
    b"hello",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"{}",
    b'{"seq":1}',
    b"{" * 3_000,
    b'{"a":"' + b"x" * 5_000 + b'"}',
    trade_payload(1).replace(b'"seq": 1', b'"seq": "1"'),
    trade_payload(1).replace(b'"seq": 1', b'"seq": 1.5'),
    trade_payload(1).replace(b'"seq": 1', b'"seq": -1'),
    trade_payload(1).replace(b'"seq": 1', b'"seq": 99999999999999999999999'),
    trade_payload(1).replace(b'"buy"', b'"bye"'),
    trade_payload(1).replace(b'"0.50000"', b"0.5"),
]


async def test_trades_pass_untouched(bench: FeedBench, venue: Venue) -> None:
    """Every trade of every symbol is sent once, in order, with the members it was logged with."""
    await asyncio.gather(trade(venue, 50), trade(venue, 50, ODD))
    assert await bench.wait_for_trades(50) == list(range(1, 51))
    assert await bench.wait_for_trades(50, ODD) == list(range(1, 51))
    assert bench.trades(BTC) == await logged(venue, BTC)
    assert bench.trades(ODD) == await logged(venue, ODD)
    assert (bench.feed.counters.garbage, bench.feed.counters.refilled) == (0, 0)


async def test_what_came_before_the_start_is_not_sent(venue: Venue, redis_url: str) -> None:
    """A feed starts at the venue's position, not at the beginning of the log."""
    await trade(venue, 5)
    async with running_feed(venue, redis_url) as bench:
        await trade(venue, 2)
        assert await bench.wait_for_trades(2) == [6, 7]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_logged_counted_and_skipped(
    bench: FeedBench, venue: Venue, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that is not of the venue reaches no client, and the feed goes on."""
    with caplog.at_level(logging.WARNING, "market_data"):
        await venue.client.publish(keys.TRADE_CHANNEL, garbage)
        await trade(venue, 2)
        assert await bench.wait_for_trades(2) == [1, 2]
    assert bench.feed.counters.garbage == 1
    assert "skipped a message on trade_events" in caplog.text
    assert len(bench.told) == 2


async def test_trades_of_another_venue_are_skipped(bench: FeedBench, venue: Venue) -> None:
    """Forged epochs, symbols and sequence numbers are counted, and reach no client."""
    await trade(venue, 1)
    epoch = (await venue.trades())[0]["epoch"]
    for payload in (
        trade_payload(2, BTC, "foreign"),
        trade_payload(1, "OTHER", epoch),
        trade_payload(9_000, BTC, epoch),
    ):
        await venue.client.publish(keys.TRADE_CHANNEL, payload)
    await wait_until(lambda: bench.feed.counters.garbage == 3, "all three were skipped")
    await trade(venue, 2)
    assert await bench.wait_for_trades(3) == [1, 2, 3]
    assert {message["type"] for message in bench.told} == {"trade"}
    assert bench.feed.counters.lost == 0


async def test_a_gap_is_filled_in_order(bench: FeedBench, venue: Venue) -> None:
    """Trades that were logged but not heard are sent before the one that shows the gap."""
    await trade(venue, 2)
    await bench.wait_for_trades(2)
    await trade_unheard(venue, 3, 7)
    await trade(venue, 1)
    assert await bench.wait_for_trades(8) == list(range(1, 9))
    assert bench.trades() == await logged(venue)
    assert bench.feed.sequencer.gaps == 1


async def test_a_gap_longer_than_one_page_of_the_log(venue: Venue, redis_url: str) -> None:
    """Thousands of missed trades are read in pages, without a gap between them."""
    async with running_feed(venue, redis_url, canary_interval_s=30) as bench:
        await bench.wait_for_first_canary()
        await trade_unheard(venue, 1, 2_300)
        await trade(venue, 1)
        assert await bench.wait_for_trades(2_301) == list(range(1, 2_302))


async def test_a_gap_at_the_end_is_found_by_the_canary(bench: FeedBench, venue: Venue) -> None:
    """A missed last trade is sent although no later trade shows the gap."""
    await trade_unheard(venue, 1, 3)
    assert await bench.wait_for_trades(3) == [1, 2, 3]
    assert bench.feed.counters.refilled == 3


@pytest.mark.parametrize("kept", [0, 2])
async def test_a_trimmed_log_is_told_exactly(bench: FeedBench, venue: Venue, kept: int) -> None:
    """Trades trimmed from the log before the feed read them are one `gap` in its place."""
    await trade(venue, 1)
    await bench.wait_for_trades(1)
    # The entries have to be gone before the feed learns of them.
    await log_unheard(venue, 2, 9)
    await venue.client.xtrim(keys.replay_log(BTC), maxlen=kept, approximate=False)
    await set_position(venue, 9)
    await trade(venue, 1)
    await bench.wait_for_trades(2 + kept)
    lost = {"from": 2, "to": 9 - kept}
    assert bench.told[1] == {"type": "gap", "channel": "trades", "symbol": BTC} | lost
    assert [item["seq"] for item in bench.trades()] == [1, *range(10 - kept, 11)]
    assert (bench.feed.counters.lost, len(bench.told_of("gap"))) == (8 - kept, 1)


async def test_a_new_epoch_is_told_and_followed(bench: FeedBench, venue: Venue) -> None:
    """After FLUSHALL the client is told the new epoch before its trades, from the first on."""
    await trade(venue, 3)
    await bench.wait_for_trades(3)
    await venue.client.flushall()
    await venue.engine.publish_instruments(INSTRUMENTS)
    await trade(venue, 2)
    assert await bench.wait_for_trades(5) == [1, 2, 3, 1, 2]
    (told,) = bench.told_of("epoch")
    assert bench.told[3] == told
    assert (told["reason"], told["epoch"]) == ("new", bench.trades()[4]["epoch"])
    assert bench.trades()[2]["epoch"] != told["epoch"]


async def test_an_epoch_that_began_unheard_is_found(bench: FeedBench, venue: Venue) -> None:
    """Even if not one message of the new epoch arrives, the canary brings its trades."""
    await trade(venue, 3)
    await bench.wait_for_trades(3)
    await venue.client.flushall()
    await venue.engine.publish_instruments(INSTRUMENTS)
    await trade_unheard(venue, 1, 2)
    assert await bench.wait_for_trades(5) == [1, 2, 3, 1, 2]
    assert bench.feed.counters.lost == 0


async def test_a_venue_that_went_back_is_told(bench: FeedBench, venue: Venue) -> None:
    """After Redis lost its last trades, the client learns that numbers will repeat."""
    await trade(venue, 3)
    await bench.wait_for_trades(3)
    await venue.client.xtrim(keys.replay_log(BTC), maxlen=0, approximate=False)
    await venue.client.delete(keys.replay_log(BTC))
    await set_position(venue, 1)
    await drop_subscribers(venue)
    await wait_until(lambda: bench.told_of("epoch"), "the client is told")
    (told,) = bench.told_of("epoch")
    assert (told["reason"], told["seq"][BTC]) == ("rewound", 1)
    await trade(venue, 2)
    assert await bench.wait_for_trades(5) == [1, 2, 3, 2, 3]


async def test_cut_subscriptions_lose_and_repeat_nothing(bench: FeedBench, venue: Venue) -> None:
    """The subscription is cut again and again under load: every trade once, in order."""
    load = trading(venue, [BTC])

    async def is_cut() -> bool:
        return await drop_subscribers(venue) > 0

    for _ in range(CUTS):
        wanted = len(bench.trades()) + 20

        def further(wanted: int = wanted) -> bool:
            return len(bench.trades()) >= wanted

        await wait_until(further, "trades go on")
        await wait_until(is_cut, "a subscription is cut")
    await load.go_on()
    await load.stop()
    logged_trades = await logged(venue)
    await bench.wait_for_trades(len(logged_trades))
    assert bench.trades() == logged_trades
    assert [item["seq"] for item in bench.trades()] == list(range(1, len(logged_trades) + 1))
    assert bench.told_of("gap") == []


async def test_a_venue_that_has_no_epoch_yet(redis_url: str, venue: Venue) -> None:
    """A feed that starts before the venue sends all trades of the first epoch."""
    await venue.client.flushall()
    async with running_feed(venue, redis_url) as bench:
        assert not bench.feed.has_venue
        await venue.engine.publish_instruments(INSTRUMENTS)
        await trade(venue, 2)
        assert await bench.wait_for_trades(2) == [1, 2]
        # Positions that were read before the venue began may still be on their way.
        await wait_until(lambda: bench.feed.has_venue, "the feed has a venue")


async def test_an_epoch_that_begins_while_the_subscription_is_cut(
    redis_url: str, venue: Venue
) -> None:
    """A feed that starts before the venue, and is cut off, misses no trade."""
    await venue.client.flushall()
    async with running_feed(venue, redis_url, canary_interval_s=30) as bench:
        await bench.wait_for_first_canary()
        await venue.engine.publish_instruments(INSTRUMENTS)
        await drop_subscribers(venue)
        await trade_unheard(venue, 1, 3)
        assert await bench.wait_for_trades(3) == [1, 2, 3]


async def test_new_instruments_are_followed(bench: FeedBench, venue: Venue) -> None:
    """A symbol that is added while the feed runs is sent from its first trade."""
    added = Symbol("NEW-USDT")
    await venue.engine.publish_instruments({added: replace(INSTRUMENTS[BTC], symbol=added)})
    await trade(venue, 2, added)
    assert await bench.wait_for_trades(2, added) == [1, 2]
    assert bench.feed.counters.garbage == 0


@pytest.fixture(params=["cluster", "sentinel"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A Redis Cluster, or a Redis under Sentinel."""
    if request.param == "cluster":
        with running_cluster(tmp_path) as cluster:
            yield cluster
        return
    with RedisServer(tmp_path / "redis") as master, running_sentinel(tmp_path, master) as url:
        yield url


async def test_the_feed_works_on_other_topologies(other_url: str) -> None:
    """On a Cluster and under a Sentinel trades arrive, and tail gaps are found by the canary."""
    async with open_venue(other_url) as venue, running_feed(venue, other_url) as bench:
        await trade(venue, 5)
        assert await bench.wait_for_trades(5) == [1, 2, 3, 4, 5]
        await trade_unheard(venue, 6, 7)
        assert await bench.wait_for_trades(7) == list(range(1, 8))


async def test_the_subscription_shows_what_plain_redis_shows(
    bench: FeedBench, venue: Venue
) -> None:
    """The field `data` is byte for byte the message published in Redis."""
    await trade(venue, 1)
    await bench.wait_for_trades(1)
    (payload,) = await venue.log()
    assert payload in b"".join(bench.socket.writes)
    assert json.loads(payload) == bench.trades()[0]
