"""The subscription over links that deliver messages in parts, slowly, or not at all."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from market_data.feed.poller import Poller, Published
from tapewire import keys
from tapewire.redis.server import RedisServer
from tests.support.feeds.bench import logged, running_feed, trade
from tests.support.transport.link import link_to
from tests.support.venue import Venue, address_of, open_venue
from tests.support.wait import TIMEOUT_S, back_off, wait_until

CHANNEL = "news"
# A message as RESP3 has it: `>3`, then the kind, the channel and the payload.
OVERHEAD_BYTES = len(f">3\r\n$7\r\nmessage\r\n${len(CHANNEL)}\r\n{CHANNEL}\r\n$100\r\n\r\n")
PAYLOAD_BYTES = 100
MESSAGE_BYTES = OVERHEAD_BYTES + PAYLOAD_BYTES


@asynccontextmanager
async def polling(url: str) -> AsyncIterator[Poller]:
    """A subscribed poller."""
    poller = Poller(address_of(url), (CHANNEL,), poll_timeout_s=0.05, batch_messages_max=64)
    try:
        await poller.subscribe()
        yield poller
    finally:
        poller.close()


async def received(poller: Poller, count: int) -> list[Published]:
    """Poll until so many messages have come."""
    messages: list[Published] = []

    async def enough() -> bool:
        messages.extend(await poller.poll())
        return len(messages) >= count

    await wait_until(enough, f"{count} messages")
    return messages


@pytest.mark.parametrize("part_bytes", [1, 5, 30, MESSAGE_BYTES - 1, MESSAGE_BYTES + 10])
async def test_a_part_of_a_message_is_no_lost_connection(
    redis_url: str, venue: Venue, part_bytes: int
) -> None:
    """Polls that meet a part return nothing, also right behind a whole message; then all comes."""
    payloads = [b"%d" % digit * PAYLOAD_BYTES for digit in range(3)]
    async with link_to(redis_url) as link, polling(link.url) as poller:
        link.hold_answers(after_bytes=part_bytes)
        for payload in payloads:
            await venue.client.publish(CHANNEL, payload)
        whole = part_bytes // MESSAGE_BYTES
        assert len(await received(poller, whole)) == whole
        for _ in range(3):
            assert await poller.poll() == []
        link.release_answers()
        rest = await received(poller, len(payloads) - whole)
        assert [message.payload for message in rest] == payloads[whole:]
        assert await venue.client.pubsub_numsub(CHANNEL) == [(CHANNEL.encode(), 1)]


async def test_parts_are_a_sign_of_life(redis_url: str, venue: Venue) -> None:
    """While bytes of one message come, the subscription does not count as silent."""
    async with link_to(redis_url) as link, polling(link.url) as poller:
        link.hold_answers(after_bytes=0)
        await venue.client.publish(CHANNEL, b"x" * PAYLOAD_BYTES)
        for _ in range(5):
            silence_s = poller.silence_s
            await poller.poll()
            assert poller.silence_s > silence_s
            link.hold_answers(after_bytes=3)

            async def heard(silence_s: float = poller.silence_s) -> bool:
                await poller.poll()
                return poller.silence_s < silence_s

            await wait_until(heard, "the part is a sign of life")
        link.release_answers()
        await received(poller, 1)


async def test_a_cut_line_is_a_lost_connection(redis_url: str, venue: Venue) -> None:
    """The end of the connection in the middle of a message is told, and never mended in silence."""
    async with link_to(redis_url) as link, polling(link.url) as poller:
        link.hold_answers(after_bytes=20)
        await venue.client.publish(CHANNEL, b"x" * PAYLOAD_BYTES)
        await poller.poll()
        await link.close()
        with pytest.raises(RedisConnectionError):
            await received(poller, 1)
        with pytest.raises(RedisConnectionError):
            await received(poller, 1)
        await link.open()


async def test_a_feed_over_a_link_of_single_bytes(redis_url: str, venue: Venue) -> None:
    """Sweeps that arrive byte by byte are sent whole, on the subscription that was made first."""
    async with link_to(redis_url) as link:
        link.piece_bytes = 1
        async with running_feed(venue, link.url, canary_timeout_s=TIMEOUT_S) as bench:
            for _ in range(40):
                await venue.sell(1, 100)
            await venue.buy(40, 100)
            await trade(venue, 5)
            await bench.wait_for_trades(45)
            assert bench.trades() == await logged(venue)
            assert bench.feed.counters.reconnects == 0
            assert bench.feed.counters.refilled == 0


async def test_a_slow_link_is_not_left(redis_url: str, venue: Venue) -> None:
    """A message that takes longer than the canary may is waited for as long as bytes come."""
    timeout_s = 0.5
    async with (
        link_to(redis_url) as link,
        running_feed(
            venue, redis_url, canary_timeout_s=timeout_s, subscription_url=link.url
        ) as bench,
    ):
        link.hold_answers(after_bytes=0)
        await venue.client.publish(keys.BOOK_CHANNEL, b"x" * 1_000_000)
        await trade(venue, 1)
        while bench.canary.overdue_s < 3 * timeout_s:
            link.hold_answers(after_bytes=100)
            await back_off()
        assert bench.trades() == []
        link.release_answers()
        assert await bench.wait_for_trades(1) == [1]
        assert bench.feed.counters.reconnects == 0


async def test_a_frozen_server_is_left(redis_server: RedisServer) -> None:
    """A server that keeps the connection open and sends nothing is given up for a new look."""
    async with (
        open_venue(redis_server.url) as venue,
        running_feed(venue, redis_server.url, canary_timeout_s=0.5) as bench,
    ):
        await trade(venue, 2)
        await bench.wait_for_trades(2)
        os.kill(redis_server.pid, signal.SIGSTOP)
        try:
            await wait_until(lambda: not bench.feed.subscribed, "the subscription is given up")
        finally:
            os.kill(redis_server.pid, signal.SIGCONT)
        await trade(venue, 2)
        assert await bench.wait_for_trades(4) == [1, 2, 3, 4]
