"""`tapewire audit` on a real venue: it passes while orders come in, and names what was changed."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis
from click.testing import CliRunner, Result

from tapewire import keys
from tapewire.audit import auditor
from tapewire.audit.findings import Check
from tapewire.cli import main
from tapewire.matching import snapshots
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.snapshots import Bounds
from tapewire.matching.treasury import Treasury
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.values.types import OrderId, Side
from tests.support.reference.audit import UNITS, audited, trade_everything
from tests.support.reference.random_commands import ACCOUNTS, SYMBOLS, RandomCommands
from tests.support.running.topologies import running_cluster, running_sentinel
from tests.support.venue import ALICE, BOB, BTC, HUGE, Venue, open_venue

CHECKED = MatchingLimits(funds_checked=True)
# Traffic goes on until so many audits have seen different numbers of events.
AUDITS = 4
COMMANDS_MIN = 1_000
COMMANDS_MAX = 1_000_000
Tamper = Callable[[Any], Awaitable[object]]


def run(*arguments: str) -> Result:
    """The answer of `tapewire audit ...`."""
    return CliRunner().invoke(main, ["audit", *arguments])


@pytest_asyncio.fixture
async def funded(redis_url: str) -> AsyncIterator[Venue]:
    """A venue that checks funds, after `trade_everything`."""
    async with open_venue(redis_url, limits=CHECKED) as venue:
        await trade_everything(venue)
        yield venue


async def test_an_audit_passes_in_the_middle_of_traffic(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random commands with fees and checked funds go on while the audit runs, several times.

    An account is read in one step, or in parts between which its orders change.
    """
    steps = itertools.cycle((1, 3, auditor.ACCOUNT_ORDERS_PER_STEP))
    monkeypatch.setattr(auditor, "PART", Bounds(orders=2, orders_max=2, level_max=20_000))
    async with open_venue(redis_url, limits=CHECKED) as venue:
        for account in ACCOUNTS:
            for asset in ("BTC", "USDT", "SHARE", "DOLLAR"):
                await Treasury(venue.engine).deposit(account, asset, UNITS)
        for symbol in SYMBOLS:
            await venue.engine.control_market(symbol, maker_fee_ppm=250, taker_fee_ppm=1_000)
        commands = RandomCommands(venue.engine, 7)
        traffic = asyncio.create_task(commands.run(COMMANDS_MAX))
        events: set[int] = set()
        while len(events) < AUDITS or commands.accepted < COMMANDS_MIN:
            monkeypatch.setattr(auditor, "ACCOUNT_ORDERS_PER_STEP", next(steps))
            found = await audited(redis_url)
            assert found.sentences == []
            events.add(found.seen[Check.LOGS]["events"])
            assert not traffic.done(), traffic.exception()
        commands.stopped = True
        await traffic
        found = await audited(redis_url)
        assert found.is_clean
        assert found.seen[Check.SUPPLY] == {"accounts": 4, "assets": 4}
        assert found.seen[Check.ORDERS]["orders"] > 0
        assert found.seen[Check.BOOKS]["resting orders"] > 0


async def test_every_part_of_a_long_queue_is_read(redis_url: str) -> None:
    """Queues, stops and levels that take several steps are read to their end."""
    async with open_venue(redis_url, limits=CHECKED) as venue:
        await Treasury(venue.engine).deposit(ALICE, "USDT", UNITS)
        await asyncio.gather(*(venue.buy(1, 1_000 + n // 2) for n in range(700)))
        found = await audited(redis_url, log_events_max=100)
        assert found.sentences == []
        books = found.seen[Check.BOOKS]
        assert (books["resting orders"], books["levels"]) == (700, 350)
        assert found.seen[Check.ORDERS] == {"orders": 700}
        assert found.seen[Check.LOGS] == {"accounts": 2, "events": 100}


async def test_what_is_too_much_for_one_step_is_said(
    funded: Venue, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level with more orders than one step may read is named, never passed over."""
    await funded.buy(1, 98)
    monkeypatch.setattr(auditor, "PART", Bounds(orders=1, orders_max=1, level_max=1))
    monkeypatch.setattr(snapshots, "LEVEL_ATTEMPTS", 0)
    found = await audited(redis_url)
    assert found.sentences == [
        "books: queue:BTC-USDT:buy has 2 orders to be read in one step, too many to check",
    ]


async def test_no_step_of_an_audit_reads_many_orders(redis_url: str) -> None:
    """Redis serves orders between two steps: one step reads at most 250 records of orders.

    The step over all accounts of a venue at rest reads their sequence numbers only. MONITOR shows
    the calls of each function behind the command of the client.
    """
    async with open_venue(redis_url, limits=CHECKED) as venue:
        await Treasury(venue.engine).deposit(ALICE, "USDT", UNITS)
        prices = (1_000 + n // 5 if n < 100 else 1_050 for n in range(800))
        await asyncio.gather(*(venue.buy(1, price) for price in prices))
        async with venue.client.monitor() as monitor:
            commands = asyncio.create_task(commands_until(monitor, "end of the audit"))
            found = await audited(redis_url)
            await venue.client.echo("end of the audit")
            steps = await asyncio.wait_for(commands, 60)
    assert found.sentences == []
    assert found.seen[Check.ORDERS] == {"orders": 800}
    reads = {name: max(counts) for name, counts in steps.items()}
    assert reads["audit_open"] == auditor.ACCOUNT_ORDERS_PER_STEP
    assert (reads["audit_account"], reads["MULTI"]) == (0, 0)
    assert reads["audit_level"] == auditor.PART.orders
    assert max(reads.values()) <= auditor.ACCOUNT_ORDERS_PER_STEP


async def commands_until(monitor: Any, last: str) -> dict[str, list[int]]:
    """Of each function that was called, and of transactions: the records that each one read."""
    reads: dict[str, list[int]] = {}
    name = ""
    async for seen in monitor.listen():
        words = seen["command"].split()
        if last in seen["command"]:
            break
        if words[0] == "FCALL":
            name = words[1].rpartition("_")[0]
            reads.setdefault(name, []).append(0)
        elif words[0] == "MULTI":
            name = words[0]
            reads.setdefault(name, []).append(0)
        elif words[0] in {"HMGET", "HGETALL"}:
            is_order = words[1].startswith(keys.PREFIX + "order:")
            is_account = words[0] == "HGETALL" and words[1].startswith(keys.PREFIX + "account:")
            if is_order or (is_account and name == "MULTI"):
                reads[name][-1] += 1
        elif words[0] == "EXEC":
            name = ""
    return reads


async def test_available_below_zero_is_a_difference_only_where_funds_are_checked(
    redis_url: str,
) -> None:
    """The newest order tells whether funds are checked; an option says otherwise."""
    async with open_venue(redis_url) as venue:
        await venue.sell(1, 100)
        found = await audited(redis_url)
        assert found.is_clean
        assert "funds are not checked" in found.remarks[Check.NEGATIVE]
        found = await audited(redis_url, is_checked=True)
        assert found.sentences == ["negative: account alice has -1000 units of BTC available"]


async def test_sums_of_the_largest_orders_stay_exact(redis_url: str) -> None:
    """A command that releases an odd number of units beyond 2^53 leaves nothing held."""
    async with open_venue(redis_url) as venue:
        await venue.buy(2**27 - 1, 2**26 - 1, symbol=HUGE)
        await venue.buy(2**27, 2, symbol=HUGE)
        assert (await audited(redis_url)).sentences == []
        assert len(await venue.engine.cancel_all(ALICE)) == 2
        assert (await audited(redis_url)).sentences == []


async def test_a_venue_without_orders_passes(venue: Venue, redis_url: str) -> None:
    """Nothing was placed, so nothing tells whether funds are checked."""
    found = await audited(redis_url)
    assert found.is_clean
    assert "no new order" in found.remarks[Check.NEGATIVE]


def account_field(name: str, account: str, by: int) -> Tamper:
    return lambda client: client.hincrby(keys.account(account), name, by)


async def move_into_held(client: Any) -> None:
    await client.hincrby(keys.account(ALICE), "available:USDT", -5)
    await client.hincrby(keys.account(ALICE), "held:USDT", 5)


async def overdraw(client: Any) -> None:
    await client.hincrby(keys.account(ALICE), "available:USDT", -2 * UNITS)
    await client.hincrby(keys.SUPPLY, "USDT", -2 * UNITS)


async def close_order(client: Any) -> None:
    state = (await client.hget(keys.order(OrderId("3")), "state")).decode()
    await client.hset(keys.order(OrderId("3")), "state", state.replace("new", "canceled"))


async def drop_member(client: Any, key: str) -> None:
    await client.zremrangebyrank(key, 0, 0)


async def double_member(client: Any) -> None:
    await client.zadd(keys.queue(BTC, Side.BUY), {"0000000000000099:3": -98})


async def move_member(client: Any) -> None:
    key = keys.queue(BTC, Side.BUY)
    member = (await client.zrange(key, 0, 0))[0]
    await client.zadd(key, {member: -99})


async def rewrite_log(client: Any, change: Callable[[bytes], bytes]) -> None:
    """The newest event of alice's log is another, under the same id."""
    key = keys.account_log(ALICE)
    entries = await client.xrange(key)
    await client.delete(key)
    for entry_id, fields in entries:
        event = fields[b"event"]
        is_newest = entry_id == entries[-1][0]
        await client.xadd(key, {"event": change(event) if is_newest else event}, id=entry_id)


async def overcharge(client: Any) -> None:
    """The newest fill of bob took a unit more; the balances are not judged by it."""
    key = keys.account_log(BOB)
    entries = await client.xrange(key)
    await client.delete(key)
    for entry_id, fields in entries:
        event = re.sub(
            rb"(\d+,100,9,m,\d+,)(\d+)",
            lambda fill: fill[1] + b"%d" % (int(fill[2]) + 1),
            fields[b"event"],
        )
        await client.xadd(key, {"event": event}, id=entry_id)


async def drop_event(client: Any, place: int) -> None:
    key = keys.account_log(ALICE)
    await client.xdel(key, (await client.xrange(key))[place][0])


BIDS, LEVELS = keys.queue(BTC, Side.BUY), keys.levels(BTC, Side.BUY)
TAMPERINGS: dict[str, tuple[Tamper, str]] = {
    "available": (account_field("available:BTC", ALICE, 1), "units of BTC, the supply is"),
    "available, as logged": (
        account_field("available:BTC", BOB, 1),
        "logs: account_log:bob, entry",
    ),
    "fees": (account_field("available:USDT", keys.FEE_ACCOUNT, -1), "1 too few"),
    "a fee": (overcharge, "has a fee credit of "),
    "supply": (lambda client: client.hincrby(keys.SUPPLY, "BTC", 7), "7 too few"),
    "supply of nothing": (lambda client: client.hset(keys.SUPPLY, "XYZ", 1), "have 0 units of XYZ"),
    "supply unreadable": (lambda client: client.hset(keys.SUPPLY, "BTC", "x"), "cannot be read"),
    "an account off the list": (lambda client: client.srem(keys.ACCOUNTS, BOB), "supply: "),
    "an account that is none": (
        lambda client: client.sadd(keys.ACCOUNTS, "eve"),
        "supply: account eve is listed, but there is none",
    ),
    "an account without a profile": (
        lambda client: client.hdel(keys.account(ALICE), "profile"),
        "account alice has no 'profile'",
    ),
    "unreadable units": (
        lambda client: client.hset(keys.account(ALICE), "held:BTC", "many"),
        "account alice cannot be read",
    ),
    "held": (move_into_held, "holds: account alice has"),
    "incoming": (account_field("incoming:BTC", ALICE, 1), "units of BTC incoming"),
    "below zero": (overdraw, "negative: account alice has -"),
    "an order's state": (close_order, "open:alice:BTC-USDT lists order 3: it is canceled"),
    "an order's record": (
        lambda client: client.delete(keys.order(OrderId("3"))),
        "open:alice:BTC-USDT lists order 3: it has no record",
    ),
    "an order's terms": (
        lambda client: client.hset(keys.order(OrderId("3")), "terms", "7|alice"),
        "order 3 cannot be read",
    ),
    "a level": (
        lambda client: client.hincrby(LEVELS, "98", 1),
        f"levels:{BTC}:buy has 8 lots at 98",
    ),
    "a level gone": (lambda client: client.hdel(LEVELS, "98"), f"levels:{BTC}:buy has none lots"),
    "a level of nobody": (lambda client: client.hset(LEVELS, "5", 1), "at 5, where no order is"),
    "a level that is none": (lambda client: client.hset(LEVELS, "x", 1), "at x, where no order is"),
    "a queue member gone": (
        lambda client: drop_member(client, BIDS),
        f"order 3, new, is in queue:{BTC}:buy at none, not -98",
    ),
    "a queue member twice": (double_member, "has 0000000000000099:3: it is at -98, its record"),
    "a queue member elsewhere": (
        move_member,
        f"order 3, new, is in queue:{BTC}:buy at -99, not -98",
    ),
    "a queue of another side": (
        lambda client: client.rename(BIDS, keys.queue(BTC, Side.SELL)),
        "it is a buy in BTC-USDT",
    ),
    "a stop gone": (
        lambda client: drop_member(client, keys.stops(BTC, Side.BUY)),
        f"order 5, new, is in stops:{BTC}:buy at none, not 120",
    ),
    "a stop that rests": (
        lambda client: client.rename(BIDS, keys.stops(BTC, Side.BUY)),
        "it waits no more",
    ),
    "an end gone": (
        lambda client: client.delete(keys.EXPIRING),
        "order 6, new, is in expiring at none, not 1",
    ),
    "an end too much": (
        lambda client: client.zadd(keys.EXPIRING, {"3": 5}),
        "books: expiring has order 3 at 5: it ends at none",
    ),
    "the end of nothing": (
        lambda client: client.zadd(keys.EXPIRING, {"77": 5}),
        "books: expiring has order 77 at 5: it has no record",
    ),
    "an index entry gone": (
        lambda client: client.delete(keys.open_orders(ALICE, BTC)),
        f"order 3, new, is in open:alice:{BTC} at none, not 3",
    ),
    "an index entry elsewhere": (
        lambda client: client.zadd(keys.open_orders(BOB, BTC), {"3": 3}),
        "open:bob:BTC-USDT lists order 3: it is alice's",
    ),
    "the log": (lambda client: client.delete(keys.account_log(ALICE)), "account_log:alice begins"),
    "the newest event": (lambda client: drop_event(client, -1), "logs: account_log:alice has"),
    "an event": (lambda client: drop_event(client, 2), "logs: account_log:alice has"),
    "the oldest event": (lambda client: drop_event(client, 0), "though it has only"),
    "what an event says": (
        lambda client: rewrite_log(client, lambda event: event[: len(event) // 2]),
        "cannot be read",
    ),
    "whose event it is": (
        lambda client: rewrite_log(client, lambda event: event.replace(b"alice", b"carol")),
        "it is of account carol",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_what_was_changed_is_named(funded: Venue, redis_url: str, name: str) -> None:
    """Whichever key is changed by hand, the audit names it; before, everything added up."""
    tamper, expected = TAMPERINGS[name]
    assert (await audited(redis_url)).sentences == []
    await tamper(funded.client)
    found = await audited(redis_url)
    assert not found.is_clean
    assert any(expected in sentence for sentence in found.sentences), found.sentences


@pytest.mark.parametrize(
    "key", [keys.account(ALICE), keys.order(OrderId("3")), BIDS, LEVELS, keys.account_log(ALICE)]
)
async def test_a_key_of_another_type_is_named(funded: Venue, redis_url: str, key: str) -> None:
    """What Redis itself refuses to read is a difference; the other checks go on."""
    await funded.client.set(key, "x")
    found = await audited(redis_url)
    assert not found.is_clean
    assert found.seen[Check.HOLDS]["accounts"] >= 1


@pytest.fixture
def traded_url(redis_url: str) -> str:
    """The Redis of a venue after `trade_everything`."""

    async def trade() -> None:
        async with open_venue(redis_url, limits=CHECKED) as venue:
            await trade_everything(venue)

    asyncio.run(trade())
    return redis_url


def test_the_command_tells_each_check(traded_url: str) -> None:
    """Status 0, one line for each check, a last word."""
    result = run("--redis-url", traded_url)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [[check, "ok"] for check in Check]
    assert "3 accounts, 2 assets; read in one step, answered in" in lines[0]
    assert lines[-1] == "everything adds up"


def test_the_command_tells_differences_by_its_status(traded_url: str) -> None:
    """Status 1, and the asset at fault."""
    with redis.Redis.from_url(traded_url) as client:
        client.hincrby(keys.SUPPLY, "BTC", -3)
    result = run("--redis-url", traded_url)
    assert result.exit_code == 1
    assert "1 different" in result.output
    assert "DIFFERENT supply: the accounts have" in result.output
    assert result.output.rstrip().endswith("3 too many")


def test_what_cannot_be_audited_has_a_status_of_its_own(redis_url: str) -> None:
    """An empty Redis and a Redis that is away end the audit with status 2 and a sentence."""
    result = run("--redis-url", redis_url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no venue, so nothing was done" in result.stderr
    result = run("--redis-url", f"redis://127.0.0.1:{free_port()}")
    assert result.exit_code == 2
    assert "does not answer" in result.stderr


def test_the_command_works_on_a_cluster(tmp_path: Path) -> None:
    """All keys of a venue are on one node, so each step is one there too."""
    with running_cluster(tmp_path) as url:
        check_topology(url)


def test_the_command_works_under_a_sentinel(tmp_path: Path) -> None:
    """The Sentinel says where the venue is."""
    with (
        RedisServer(tmp_path / "redis") as master,
        running_sentinel(tmp_path, master) as url,
    ):
        check_topology(url)


def check_topology(url: str) -> None:
    async def trade() -> None:
        async with open_venue(url, limits=CHECKED) as venue:
            await trade_everything(venue)

    asyncio.run(trade())
    result = run("--redis-url", url)
    assert result.exit_code == 0, result.output
