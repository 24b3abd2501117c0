"""A Redis that lost its newest data: clients learn which trades are void, and get the new ones.

What a failover does to the data is done here to one Redis: the log of a symbol loses its end, and
gets other trades with the same numbers.
"""

import asyncio
import json
from typing import Any

import pytest

from market_data.clients.drain import Drain
from market_data.fanout.audience import Audience
from market_data.feed import witness
from market_data.http.trade_stream import StreamPosition, TradeStreams
from tapewire import keys
from tapewire.values.types import Symbol
from tests.support.feeds.bench import (
    FeedBench,
    drop_subscribers,
    running_feed,
    trade,
)
from tests.support.feeds.trades import trade_payload
from tests.support.venue import BTC, ODD, Venue
from tests.support.wait import wait_until


async def roll_back(
    venue: Venue, kept: int, last: int, symbol: Symbol = BTC, *, publish: bool = False
) -> list[bytes]:
    """Keep so many trades of a symbol, and put others in the place of those behind, up to `last`.

    Returns the log as it is then. `publish` lets subscribers hear the new trades.
    """
    client: Any = venue.client
    old = await venue.log(symbol)
    epoch = (await client.get(keys.EPOCH)).decode()
    new = [trade_payload(seq, symbol, epoch) for seq in range(kept + 1, last + 1)]
    pipeline = client.pipeline(transaction=True)
    pipeline.delete(keys.replay_log(symbol))
    for seq, payload in enumerate([*old[:kept], *new], start=1):
        pipeline.xadd(keys.replay_log(symbol), {"event": payload}, id=str(seq))
    _, *rest = (await client.hget(keys.market(symbol), "state")).decode().split("|")
    pipeline.hset(keys.market(symbol), "state", "|".join([str(last), *rest]))
    for payload in new if publish else ():
        pipeline.publish(keys.TRADE_CHANNEL, payload)
    await pipeline.execute()
    return [*old[:kept], *new]


async def told_once(bench: FeedBench) -> dict[str, Any]:
    """Wait for the message `epoch`; there must be exactly one."""
    await wait_until(lambda: bench.told_of("epoch"), "the client is told")
    (told,) = bench.told_of("epoch")
    return told


@pytest.mark.parametrize("last", [3, 4, 5, 6, 30])
async def test_numbers_that_came_again_while_the_subscription_was_cut(
    venue: Venue, redis_url: str, last: int
) -> None:
    """Fewer, as many, or more trades than before: told where histories part, then all that follows.

    Without the comparison a venue that has passed the old number would look as if nothing had been.
    """
    async with running_feed(venue, redis_url, canary_interval_s=30) as bench:
        await bench.wait_for_first_canary()
        await trade(venue, 5)
        await trade(venue, 4, ODD)
        await bench.wait_for_trades(5)
        await bench.wait_for_trades(4, ODD)
        log = await roll_back(venue, kept=3, last=last)
        await drop_subscribers(venue)
        told = await told_once(bench)
        assert (told["reason"], told["seq"]) == ("rewound", {BTC: 3, ODD: 4, "HUGE": 0})
        await trade(venue, 1, ODD)
        await bench.wait_for_trades(5, ODD)
        await bench.wait_for_trades(5 + last - 3)
        sent = bench.trades()
        assert [item["seq"] for item in sent] == [1, 2, 3, 4, 5, *range(4, last + 1)]
        assert sent[5:] == [json.loads(payload) for payload in log[3:]]
        before = bench.told.index(told)
        assert sum(message["type"] == "trade" for message in bench.told[:before]) == 9


@pytest.mark.parametrize("last", [3, 5, 30])
async def test_numbers_that_came_again_on_the_same_subscription(
    bench: FeedBench, venue: Venue, last: int
) -> None:
    """The canary finds the loss although no connection is lost."""
    await trade(venue, 5)
    await bench.wait_for_trades(5)
    log = await roll_back(venue, kept=3, last=last)
    told = await told_once(bench)
    assert (told["reason"], told["seq"][BTC]) == ("rewound", 3)
    await bench.wait_for_trades(5 + last - 3)
    assert bench.trades()[5:] == [json.loads(payload) for payload in log[3:]]
    await trade(venue, 1)
    await bench.wait_for_trades(6 + last - 3)
    assert bench.trades()[-1]["seq"] == last + 1


async def test_numbers_that_are_heard_again(venue: Venue, redis_url: str) -> None:
    """Trades with known numbers and other bytes are found before a later trade arrives."""
    async with running_feed(venue, redis_url, canary_interval_s=30) as bench:
        await bench.wait_for_first_canary()
        await trade(venue, 5)
        await bench.wait_for_trades(5)
        log = await roll_back(venue, kept=3, last=8, publish=True)
        told = await told_once(bench)
        assert (told["reason"], told["seq"][BTC]) == ("rewound", 3)
        await bench.wait_for_trades(10)
        assert bench.trades()[5:] == [json.loads(payload) for payload in log[3:]]


async def test_a_stream_of_events_goes_back_too(bench: FeedBench, venue: Venue) -> None:
    """Server-sent events name the new position before the trades that follow it."""
    streams = TradeStreams(
        bench.feed, bench.log, Drain(Audience(bench.hub, clients_max=1), spread_s=0)
    )
    start = StreamPosition.of([BTC], is_wildcard=False).at(bench.feed.sequencer.seqs)
    stream: Any = streams.events(start)
    events: list[tuple[str, dict[str, Any]]] = []

    async def read(kind: str, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            lines = (await anext(stream)).decode().strip().splitlines()
            event = lines[0].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))
            events.append(event)
            found += [event[1]] if event[0] == kind else []
        return found

    async with asyncio.timeout(20):
        await read("connected", 1)
        await trade(venue, 5)
        await read("trade", 5)
        log = await roll_back(venue, kept=3, last=30)
        (told,) = await read("epoch", 1)
        assert told["seq"] == {BTC: 3}
        assert await read("trade", 27) == [json.loads(payload) for payload in log[3:]]
        await stream.aclose()
    trades = [item["seq"] for kind, item in events if kind == "trade"]
    assert trades == [1, 2, 3, 4, 5, *range(4, 31)]


async def test_a_stranger_cannot_have_clients_told(bench: FeedBench, venue: Venue) -> None:
    """A forged message with a known number and other bytes is only counted."""
    await trade(venue, 5)
    await bench.wait_for_trades(5)
    epoch = (await venue.trades())[0]["epoch"]
    await venue.client.publish(keys.TRADE_CHANNEL, trade_payload(4, BTC, epoch))
    await wait_until(lambda: bench.feed.counters.garbage == 1, "the message is counted")
    await trade(venue, 1)
    assert await bench.wait_for_trades(6) == [1, 2, 3, 4, 5, 6]
    assert bench.feed.counters.reconnects == 0


async def test_nothing_of_what_is_remembered_is_left(bench: FeedBench, venue: Venue) -> None:
    """If the venue has none of the published trades, its trades are sent from the first one on."""
    await trade(venue, 3)
    await bench.wait_for_trades(3)
    log = await roll_back(venue, kept=0, last=2)
    told = await told_once(bench)
    assert (told["reason"], told["seq"][BTC]) == ("rewound", 0)
    await bench.wait_for_trades(5)
    assert bench.trades()[3:] == [json.loads(payload) for payload in log]


async def test_a_trimmed_log_is_no_loss(bench: FeedBench, venue: Venue) -> None:
    """A log without its newest entries is no proof of a loss, and no client is told."""
    await trade(venue, 3)
    await bench.wait_for_trades(3)
    await venue.client.xtrim(keys.replay_log(BTC), maxlen=0, approximate=False)
    await drop_subscribers(venue)
    await wait_until(lambda: bench.feed.counters.reconnects and bench.feed.subscribed, "again")
    await trade(venue, 1)
    assert await bench.wait_for_trades(4) == [1, 2, 3, 4]
    assert bench.told_of("epoch") == []


async def test_a_book_that_fell_back_is_read_anew(bench: FeedBench, venue: Venue) -> None:
    """Book updates that were lost without a trade lead to a fresh snapshot."""
    client: Any = venue.client
    order = await venue.sell(1, 100)
    await venue.cancel(order)
    books = bench.books
    await wait_until(lambda: (books.mark(BTC) or {}).get("seq") == 2, "the book is known")
    state = (await client.hget(keys.market(BTC), "state")).decode().split("|")
    state[1] = "1"
    await client.hset(keys.market(BTC), "state", "|".join(state))
    await wait_until(lambda: (books.mark(BTC) or {}).get("seq") == 1, "the book is read anew")
    assert bench.told_of("epoch") == []


async def test_a_look_has_a_bound(
    venue: Venue, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round of the canary checks the names with new messages, and a bounded number of others."""
    monkeypatch.setattr(witness, "UNCHANGED_PER_LOOK_MAX", 1)
    async with running_feed(venue, redis_url) as bench:
        for symbol in (BTC, ODD):
            await trade(venue, 3, symbol)
            await bench.wait_for_trades(3, symbol)
        client: Any = venue.client

        async def looked_up() -> int:
            info = await client.info("commandstats")
            return int(info.get("cmdstat_xrange", {}).get("calls", 0))

        await bench.wait_for_rounds(3)
        before, first = await looked_up(), bench.canary.rounds
        await bench.wait_for_rounds(5)
        rounds = bench.canary.rounds - first
        # One place is two reads; a round may be on its way at each end.
        assert await looked_up() - before <= 2 * (rounds + 2)
