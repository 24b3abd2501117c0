"""The private channels on a real process and Redis: complete and in order, or with exact gaps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tapewire import keys
from tapewire.client import GapError, MarketDataClient, OrderKeeper, Position
from tapewire.matching.treasury import Treasury
from tapewire.values.account_types import AccountState
from tests.support.feeds.account_feed import (
    AccountBench,
    account_bench,
    ask,
    reports,
    seqs,
)
from tests.support.feeds.bench import drop_subscribers
from tests.support.feeds.reading import (
    SMALL_BUFFER_BYTES,
    connected,
    receive,
    receive_all,
    receive_type,
)
from tests.support.reference.account_events import event_text
from tests.support.venue import ALICE, BOB, INSTRUMENTS, Venue
from tests.support.wait import wait_until


@pytest_asyncio.fixture
async def bench(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[AccountBench]:
    """An open venue with one market-data process."""
    async with account_bench(venue, redis_url, tmp_path) as opened:
        yield opened


async def test_what_happens_to_an_account_is_told_in_order(bench: AccountBench) -> None:
    """Reports and balances are sent live, each with the next number of its kind."""
    alice = await bench.account("alice")
    await alice.deposit("USDT", 500)
    async with bench.listening("alice") as connection:
        hello = await receive(connection)
        assert hello["subscriptions"] == ["balances:alice", "orders:alice"]
        assert (hello["account"], hello["seq"]) == ("alice", {"orders": 0, "balances": 1})
        snapshot = await receive(connection)
        assert (snapshot["type"], snapshot["seq"]) == ("balances_snapshot", 1)
        assert [item["total"] for item in snapshot["data"]] == ["0.00000500"]
        await alice.place(2)
        await alice.deposit("BTC", 7)
        await alice.fill([40, 60])
        told = [await receive(connection) for _ in range(6)]
        assert [(message["type"], message["seq"]) for message in told] == [
            ("order", 1), ("order", 2), ("balances", 2), ("order", 3), ("order", 4), ("order", 5),
        ]  # fmt: skip
        assert [message["data"]["report"] for message in (told[0], *told[3:])] == [
            "new", "new", "trade", "trade",
        ]  # fmt: skip
        assert told[-1]["data"]["status"] == "filled"
        beat = await receive_type(connection, "heartbeat")
        assert beat["seq"] == {"orders": 5, "balances": 2}


async def test_a_change_by_an_administrator_is_told_to_that_account(bench: AccountBench) -> None:
    """Clients of either private channel hear that it is blocked; others hear nothing."""
    treasury = Treasury(bench.venue.engine)
    for account in (ALICE, BOB):
        await treasury.deposit(account, "BTC", 1)
    async with (
        bench.listening("alice", "?channels=balances") as own,
        bench.listening("bob") as other,
    ):
        await receive_type(own, "balances_snapshot")
        await receive_type(other, "balances_snapshot")
        for state in (AccountState.BLOCKED, AccountState.ACTIVE):
            await treasury.set_account(ALICE, state=state)
            told = (await receive_type(own, "account"))["data"]
            assert (told["account"], told["state"]) == ("alice", state)
        await bench.venue.client.publish(keys.ACCOUNT_CHANNEL, b'{"account":"alice","state":1}')
        await treasury.set_account(BOB, taker_fee_ppm=5)
        # Bob's client hears of bob first, so that nothing about alice came before.
        assert (await receive_type(other, "account"))["data"]["account"] == "bob"


async def test_a_gap_is_refilled_before_what_follows(bench: AccountBench) -> None:
    """Messages that were logged but not heard come first, from the log, also several in a row."""
    alice = await bench.account("alice")
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        await alice.place()
        await alice.fill([10, 20], heard=False)
        await alice.deposit("BTC", 7, heard=False)
        await alice.place(3, heard=False)
        await alice.place()
        assert seqs(await reports(connection, 8)) == list(range(1, 9))


async def test_a_gap_at_the_end_is_found(bench: AccountBench) -> None:
    """An unheard last message is found although no later message follows."""
    alice = await bench.account("alice")
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        await alice.place(2, heard=False)
        await alice.deposit("BTC", 7, heard=False)
        assert seqs(await reports(connection, 2)) == [1, 2]
        assert (await receive_type(connection, "balances"))["seq"] == 1


async def test_a_cut_subscription_loses_nothing(bench: AccountBench) -> None:
    """Messages published while the subscription was cut are read from the log."""
    alice = await bench.account("alice")
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        for _ in range(3):
            await drop_subscribers(bench.venue)
            await alice.place(20)
        assert seqs(await reports(connection, 60)) == list(range(1, 61))


async def test_a_resume_gives_what_was_missed(bench: AccountBench) -> None:
    """Reports are resumed from any number on, also within one message; 0 means all."""
    alice = await bench.account("alice")
    await alice.place(3)
    await alice.deposit("BTC", 5)
    await alice.fill([10, 20, 30])
    await alice.deposit("BTC", 5)
    for since in (0, 2, 3, 4, 5, 7):
        async with bench.listening("alice", f"?channels=orders&since=orders:{since}") as connection:
            hello = await receive(connection)
            assert (hello["recovered"], hello["seq"]) == (True, {"orders": 7})
            assert "missed" not in hello
            await connection.send('{"op":"ping","id":1}')
            missed = [await receive(connection) for _ in range(7 - since)]
            assert seqs(missed) == list(range(since + 1, 8))
            await receive_type(connection, "pong")
    async with bench.listening("alice", "?channels=") as connection:
        answer = await ask(
            connection, op="subscribe", channels=["orders", "balances"], since={"orders": 6}
        )
        assert answer["recovered"] is True
        assert seqs(await reports(connection, 1)) == [7]


async def test_a_log_that_forgot_is_told(bench: AccountBench) -> None:
    """The range that the log no longer has is named, and the kept reports follow."""
    alice = await bench.account("alice")
    await alice.place(10)
    client: Any = bench.venue.client
    await client.xtrim(keys.account_log("alice"), maxlen=4, approximate=False)
    async with bench.listening("alice", "?channels=orders&since=orders:2") as connection:
        hello = await receive(connection)
        assert hello["recovered"] is False
        assert hello["missed"] == {"orders": {"from": 3, "to": 6}}
        assert seqs(await reports(connection, 4)) == [7, 8, 9, 10]
    async with MarketDataClient(bench.feed.url, account="alice", on_gap="continue") as follower:
        stream = follower.orders(since=0)
        assert [(await anext(stream)).seq for _ in range(4)] == [7, 8, 9, 10]
        (told,) = stream.breaks
        assert isinstance(told, GapError)
        assert told.range == ("orders", 1, 6)


async def test_what_the_log_lost_is_a_gap_and_a_snapshot(bench: AccountBench) -> None:
    """Lost live reports are named, and the balances are read again."""
    alice = await bench.account("alice")
    client: Any = bench.venue.client
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        await alice.place()
        await reports(connection, 1)
        # The entries are gone before the process can learn of them.
        await alice.place(3, unseen=True)
        await alice.deposit("BTC", 9, unseen=True)
        await alice.place(unseen=True)
        await client.xtrim(keys.account_log("alice"), maxlen=1, approximate=False)
        await alice.show()
        gap = await receive_type(connection, "gap")
        assert gap == {
            "type": "gap", "channel": "orders", "account": "alice", "from": 2, "to": 4,
        }  # fmt: skip
        assert seqs(await reports(connection, 1)) == [5]
        snapshot = await receive_type(connection, "balances_snapshot")
        assert (snapshot["seq"], snapshot["data"][0]["available"]) == (1, "0.00000009")


async def test_positions_that_cannot_be(bench: AccountBench) -> None:
    """Impossible positions are refused; for another epoch the answer is `recovered: false`."""
    alice = await bench.account("alice")
    await alice.place(2)
    async with bench.listening("alice", "?channels=orders&since=orders:9") as connection:
        messages, code = await receive_all(connection)
        assert (messages[-1]["code"], code) == ("since_in_future", 4501)
    async with bench.listening("alice", "?channels=orders&since=orders:1&epoch=no") as connection:
        hello = await receive(connection)
        assert (hello["recovered"], hello["seq"]) == (False, {"orders": 2})
    async with bench.listening("alice", "?channels=balances&since=orders:1") as connection:
        messages, code = await receive_all(connection)
        assert (messages[-1]["code"], code) == ("invalid_field", 4501)


async def test_an_account_sees_nothing_of_another(bench: AccountBench) -> None:
    """No request of alice brings messages of bob, and none of bob brings those of alice."""
    alice, bob = await bench.account("alice"), await bench.account("bob")
    await bob.place(3)
    await bob.deposit("BTC", 1_000)
    async with bench.listening("bob"), bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        tries: list[dict[str, Any]] = [
            {"op": "subscribe", "channels": ["orders"], "symbols": ["bob"]},
            {"op": "subscribe", "channels": ["orders:bob"]},
            {"op": "subscribe", "channels": ["orders"], "account": "bob"},
            {"op": "authenticate", "account": "bob"},
            {"op": "subscribe", "channels": ["trades"], "symbols": ["bob"]},
            {"op": "subscribe", "channels": ["orders", "balances"], "since": {"bob": 0}},
            {"op": "authenticate", "account": "b*b"},
        ]
        answers = [await ask(connection, **request) for request in tries]
        codes = [answer.get("code") for answer in answers]
        assert codes == [
            "unknown_symbol", "unknown_channel", "invalid_field", "already_authenticated",
            "unknown_symbol", "invalid_field", "invalid_account",
        ]  # fmt: skip
        await bob.place(3)
        await alice.place()
        (report,) = await reports(connection, 1)
        assert (report["account"], report["seq"]) == ("alice", 1)
        beat = await receive_type(connection, "heartbeat")
        assert beat["seq"] == {"orders": 1, "balances": 0}
        replay = await ask(connection, op="unsubscribe", channels=["orders"])
        assert replay["subscriptions"] == ["balances:alice"]
        answer = await ask(connection, op="subscribe", channels=["orders"], since={"orders": 0})
        assert answer["seq"] == {"orders": 1}
        assert [message["account"] for message in await reports(connection, 1)] == ["alice"]


async def test_who_says_nothing_is_the_default_account(bench: AccountBench) -> None:
    """In an open venue a connection names its account once; without a name it has `demo`."""
    demo = await bench.account("demo")
    async with connected(bench.feed.url, "?channels=") as connection:
        assert "account" not in await receive(connection)
        answer = await ask(connection, op="subscribe", channels=["orders"])
        assert answer["subscriptions"] == ["orders:demo"]
        await demo.place()
        assert seqs(await reports(connection, 1)) == [1]
        refused = await ask(connection, op="authenticate", account="alice")
        assert refused["code"] == "already_authenticated"
    async with connected(bench.feed.url, "?channels=") as connection:
        await receive(connection)
        answer = await ask(connection, op="authenticate", account="alice")
        assert (answer["type"], answer["account"]) == ("authenticated", "alice")
        assert (await ask(connection, op="authenticate", account="alice"))["account"] == "alice"


async def test_another_epoch_is_told_with_where_it_is(bench: AccountBench) -> None:
    """After FLUSHALL the reports begin at 1 again; a replay of older data goes on from there."""
    alice = await bench.account("alice")
    await alice.deposit("BTC", 3)
    await alice.place(2)
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        client: Any = bench.venue.client
        await client.flushall()
        await bench.venue.engine.publish_instruments(INSTRUMENTS)
        anew = await bench.account("alice")
        await anew.place(2)
        told = await receive_type(connection, "epoch")
        assert (told["reason"], told["seq"]["orders"]) == ("new", 0)
        new = [await receive(connection) for _ in range(3)]
        assert seqs(message for message in new if message["type"] == "order") == [1, 2]
        (snapshot,) = (message for message in new if message["type"] == "balances_snapshot")
        assert (snapshot["seq"], snapshot["data"]) == (0, [])


async def test_a_venue_that_fell_back_is_told(bench: AccountBench) -> None:
    """After Redis lost its newest data, the feed sends the position of the account and goes on."""
    alice = await bench.account("alice")
    await alice.deposit("BTC", 3)
    await alice.place(3)
    client: Any = bench.venue.client
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        older = await bench.account("alice")
        older.seq, older.balance_seq, older.balances = 3, 1, dict(alice.balances)
        await alice.place(2)
        await alice.deposit("BTC", 4)
        assert seqs(await reports(connection, 2)) == [4, 5]
        await client.delete(keys.account_log("alice"))
        await older.show()
        await drop_subscribers(bench.venue)
        told = await receive_type(connection, "epoch")
        assert (told["reason"], told["seq"]["orders"]) == ("rewound", 3)
        snapshot = await receive_type(connection, "balances_snapshot")
        assert (snapshot["seq"], snapshot["data"][0]["available"]) == (1, "0.00000003")
        await older.place()
        assert seqs(await reports(connection, 1)) == [4]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_venue_that_numbered_again_is_told(
    bench: AccountBench, heard: bool, count: int
) -> None:
    """Other reports under known numbers are detected, by the canary or by later messages."""
    alice = await bench.account("alice")
    await alice.deposit("BTC", 3)
    await alice.place(3)
    client: Any = bench.venue.client
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        older = await bench.account("alice")
        older.seq, older.balance_seq, older.balances = 3, 1, dict(alice.balances)
        older.orders = 100
        await alice.place(2)
        assert seqs(await reports(connection, 2)) == [4, 5]
        # The stream takes no lower id than the last one, so the log is written anew.
        await client.delete(keys.account_log("alice"))
        await client.xadd(keys.account_log("alice"), {"event": b"older"}, id="1-1")
        await older.place_at_once(count, heard=heard)
        told = await receive_type(connection, "epoch")
        assert (told["reason"], told["seq"]["orders"]) == ("rewound", older.seq)
        await receive_type(connection, "balances_snapshot")
        await older.place()
        (report,) = await reports(connection, 1)
        assert report["seq"] == 4 + count
        assert report["data"]["order_id"] == f"alice-{101 + count}"


async def test_messages_that_are_not_the_venues_reach_nobody(bench: AccountBench) -> None:
    """Invalid messages, other epochs and impossible positions are counted; the feed goes on."""
    alice = await bench.account("alice")
    async with bench.listening("alice") as connection:
        await receive_type(connection, "balances_snapshot")
        for payload in (
            b"alice|garbage",
            b"bob|garbage",
            event_text("alice", 1, 9, balances=[("BTC", 1, 1)], epoch="foreign"),
            event_text("alice", 900, 900, balances=[("BTC", 1, 1)], epoch=alice.epoch),
        ):
            await bench.venue.client.publish(keys.ACCOUNT_CHANNEL, payload)
        await alice.place(2)
        assert seqs(await reports(connection, 2)) == [1, 2]

        async def all_counted() -> bool:
            # A position beyond the last message is garbage only after a look into the log.
            return (await bench.figures())["tapewire_garbage_messages_total"] == 3

        await wait_until(all_counted, "three messages are counted as garbage")
        assert (await bench.figures())["tapewire_account_messages_lost_total"] == 0


async def test_an_account_is_followed_while_somebody_listens(bench: AccountBench) -> None:
    """Two connections follow it once; it is forgotten when both are gone; a stop names reports."""
    alice = await bench.account("alice")
    await alice.place(2)
    async with bench.listening("alice") as first:
        await receive_type(first, "balances_snapshot")
        async with bench.listening("alice"), bench.listening("bob") as second:
            await receive_type(second, "balances_snapshot")
            assert (await bench.figures())["tapewire_accounts_followed"] == 2

        async def is_forgotten() -> bool:
            return (await bench.figures())["tapewire_accounts_followed"] == 1

        await wait_until(is_forgotten, "bob is forgotten")
        await alice.place()
        assert seqs(await reports(first, 1)) == [3]
        bench.feed.terminate()
        assert (await receive_type(first, "reconnect"))["since"] == {"orders": 3}


async def test_a_client_program_misses_nothing(bench: AccountBench) -> None:
    """Over cut connections every report arrives once; orders and balances are right at the end."""
    alice = await bench.account("alice")
    keeper = OrderKeeper()
    async with MarketDataClient(bench.feed.url, account="alice") as client:
        stream, balances = client.orders(since=0), client.balances()
        for round_number in range(1, 3):
            await alice.place(5)
            await alice.fill([10, 90])
            await alice.deposit("BTC", 100)
            async with asyncio.timeout(10):
                while keeper.seq < 8 * round_number:
                    keeper.take(await anext(stream))
                while (await anext(balances))["BTC"].available != f"0.00000{round_number}00":
                    pass
            await bench.feed.kill()
            await alice.place(0)
            await bench.feed.start()
        assert (stream.breaks, stream.position.seqs) == ([], {"orders": 16})
        assert isinstance(stream.position, Position)
    assert len(keeper.orders) == 12
    assert len(keeper.open_orders) == 10
    filled = keeper.orders["alice-6"]
    assert [item.last_quantity for item in filled.trades] == ["0.00010", "0.00090"]
    assert filled.state.status == "filled"


async def test_clients_that_do_not_read_are_told_what_they_miss(
    venue: Venue, redis_url: str, tmp_path: Path
) -> None:
    """`skip` names the missing reports, `disconnect` where to resume; balances are sent again."""
    rounds, orders = 0, 100
    async with account_bench(venue, redis_url, tmp_path, LAG_MESSAGES_MAX="200") as bench:
        alice = await bench.account("alice")
        small = {"buffer_bytes": SMALL_BUFFER_BYTES}
        query = "?channels=orders,balances&on_lag="
        async with (
            bench.listening("alice", f"{query}skip", **small) as skipping,
            bench.listening("alice", f"{query}disconnect", **small) as leaving,
        ):
            for connection in (skipping, leaving):
                await receive_type(connection, "connected")

            # The kernel keeps some MiB for a connection, more or less of them by its own
            # measurements: the load goes on until both clients lag.
            async def do_both_lag() -> bool:
                nonlocal rounds
                rounds += 1
                await alice.place_at_once(orders)
                await alice.deposit("BTC", 1)
                skipped = (await bench.figures())["tapewire_messages_skipped_total"]
                return skipped > 0 and (await bench.feed.health())["active_connections"] == 1

            await wait_until(do_both_lag, "both clients lag", 90)
            # The client reads again in time to be told why it is closed.
            messages, code = await receive_all(leaving)
            came = seqs(message for message in messages if message["type"] == "order")
            assert came == list(range(1, came[-1] + 1))
            assert (code, messages[-1]["since"]["orders"]) == (4008, came[-1])
            await alice.place()
            last, missing, balance = 0, 0, {}
            while last < rounds * orders + 1:
                message = await receive_type(
                    skipping, "order", "gap", "balances", "balances_snapshot"
                )
                if message["type"].startswith("balances"):
                    balance = message
                elif message.get("channel") == "balances":
                    balance = {}
                else:
                    first = message.get("from", message.get("seq"))
                    assert first == last + 1
                    missing += message["type"] == "gap"
                    last = message.get("to", first)
            assert missing
            if not balance:
                balance = await receive_type(skipping, "balances_snapshot")
            assert balance["data"][0]["available"] == f"0.{rounds:08d}"
