"""The journal run again: equal to the byte, and every tampering is found and named."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tapewire import keys
from tapewire.journal import verification
from tapewire.journal.comparison import Comparison, compare_state
from tapewire.journal.entries import JournalEntry, JournalError
from tapewire.journal.file import JournalFile, journal_output, write_journal
from tapewire.journal.replica import Replica, open_replica
from tapewire.journal.report import report_lines
from tapewire.journal.source import LiveJournal
from tapewire.journal.verification import Verdict, verify_file, verify_moving, verify_venue
from tapewire.matching.command_limits import MatchingLimits
from tapewire.packed.packing import UNIT
from tapewire.values.types import Account, MarketState, OrderId, Side, TimeInForce
from tests.support.profile import NIGHTLY
from tests.support.reference.history import trade
from tests.support.reference.random_commands import RandomCommands
from tests.support.venue import (
    ALICE,
    BOB,
    BTC,
    INSTRUMENTS,
    ODD,
    Venue,
    address_of,
    open_venue,
    order_command,
)
from tests.support.wait import wait_until

COMMANDS = 4_000 if NIGHTLY else 2_000


@pytest_asyncio.fixture
async def replica() -> AsyncIterator[Replica]:
    """An empty venue on a Redis of its own."""
    async with open_replica() as opened:
        yield opened


async def verify(venue: Venue, replica: Replica) -> Verdict:
    """Prove a running venue without showing progress."""
    return await verify_venue(venue.client, replica, lambda _: None)


async def export(venue: Venue, path: Path) -> JournalFile:
    """Write the whole journal of a venue into a file."""
    source = LiveJournal(venue.client)
    first, last = await source.first(), await source.last()
    with journal_output(path) as file:
        await write_journal(file, await source.header(first, last), source.pages(first, last))
    return JournalFile(path)


async def leave_expiring(venue: Venue) -> None:
    """Place an order with an end that no other meets."""
    await venue.engine.publish_instruments({ODD: INSTRUMENTS[ODD]}, lists_again=True)
    await venue.engine.control_market(ODD, state=MarketState.TRADING, band_bps=0)
    await venue.engine.control_market(ODD, open_orders_max=0)
    dated = order_command(Side.BUY, 1, 1, symbol=ODD, account=Account("dora"))
    found = await venue.queries.instrument(ODD)
    assert found is not None
    await venue.engine.place(
        replace(
            dated,
            time_in_force=TimeInForce.GTD,
            expire_us=int(venue.engine.clock_us) + 10**9,
            revision=found[0].revision,
        )
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_thousands_of_random_commands_run_again_are_equal_to_the_byte(
    venue: Venue, replica: Replica, seed: int
) -> None:
    """Results, books, orders, stops, indexes, trades, candles and sequences are the same."""
    commands = RandomCommands(venue.engine, seed)
    await commands.run(COMMANDS)
    await leave_expiring(venue)
    assert commands.refused > 200
    verdict = await verify(venue, replica)
    assert verdict.difference is None
    assert verdict.state is not None
    assert verdict.state.differences == []
    assert verdict.replica.replayed == await LiveJournal(venue.client).last()
    assert set(replica.ops) - {"fire_stops"} == {
        "place", "place_list", "replace", "amend", "cancel", "cancel_all", "expire", "dead_man",
        "control",
        "delist", "instruments", "open_account", "transfer", "set_account",
    }  # fmt: skip
    # Every family of keys was there to be compared, or nothing was proved about it.
    assert set(verdict.state.equal) >= {
        "epoch", "instruments", "last_order_id", "last_command", "market", "order", "queue",
        "levels", "stops", "open", "expiring", "trades", "candle_now", "candles", "client_order",
        "account", "account_log", "accounts", "assets", "supply", "transfer",
    }  # fmt: skip
    assert verdict.state.foreign == 0
    assert await venue.client.dbsize() == await replica.client.dbsize()


async def test_a_file_runs_again_too(venue: Venue, replica: Replica, tmp_path: Path) -> None:
    """An exported journal, compressed, gives the same results; it is lines of JSON."""
    await RandomCommands(venue.engine, 3).run(1_500)
    file = await export(venue, tmp_path / "journal.jsonl.gz")
    with gzip.open(file.path, "rt") as lines:
        documents = [json.loads(line) for line in lines]
    client: Any = venue.client
    assert documents[0]["epoch"] == (await client.get(keys.EPOCH)).decode()
    assert [item["symbol"] for item in documents[0]["instruments"]] == ["BTC-USDT", "HUGE", "ODD"]
    assert [item["n"] for item in documents[1:]] == list(range(1, len(documents)))
    assert documents[0]["limits"] == MatchingLimits().packed()
    verdict = await verify_file(file, replica, lambda _: None)
    assert verdict.is_equal
    assert replica.replayed == len(documents) - 1


async def test_orders_by_the_venue_clock_run_again_after_they_left(redis_url: str) -> None:
    """Expired keys are excepted, and the client order id of such an order may be reused."""
    limits = MatchingLimits(closed_order_kept_s=1)
    async with open_venue(redis_url, limits=limits) as venue, open_replica() as replica:
        for _ in range(2):
            order = await venue.buy(1, 100, client_order_id="again")
            await venue.cancel(order)
            await wait_until_gone(venue, order.order_id)
        verdict = await verify(venue, replica)
        assert verdict.difference is None
        assert verdict.state is not None
        assert verdict.state.differences == []
        assert replica.forgotten == 1
        assert verdict.state.departed["order"] == 1


async def wait_until_gone(venue: Venue, order_id: str) -> None:
    """Wait until Redis has let a closed order go."""

    async def gone() -> bool:
        client: Any = venue.client
        return not await client.exists(keys.order(OrderId(order_id)))

    await wait_until(gone, "the closed order leaves")


async def traded(venue: Venue) -> None:
    """A short history with every kind of key in it."""
    await trade(venue, 7, 600)


async def first_of(venue: Venue, pattern: str) -> str:
    """The first key, by name, of a family."""
    client: Any = venue.client
    names: list[str] = [
        name.decode() async for name in client.scan_iter(match=keys.PREFIX + pattern)
    ]
    return min(names)


async def tamper_trade(venue: Venue) -> str:
    """Replace one trade of the replay log by another, under the same seq."""
    client: Any = venue.client
    name = keys.replay_log(BTC)
    entries = await client.xrange(name)
    await client.delete(name)
    for index, (entry_id, fields) in enumerate(entries):
        event = fields[b"event"]
        if index == len(entries) // 2:
            event = event.replace(b'"price":"', b'"price":"1')
        await client.xadd(name, {b"event": event}, id=entry_id)
    return name


async def tamper_order(venue: Venue) -> str:
    """Let one order have executed a lot more than it did."""
    client: Any = venue.client
    name = await first_of(venue, "order:*")
    state = (await client.hget(name, "state")).decode().split("|")
    state[1] = str(int(state[1]) + 1)
    await client.hset(name, "state", "|".join(state))
    return name


async def tamper_queue(venue: Venue) -> str:
    """Put one resting order at a better price."""
    client: Any = venue.client
    name = await first_of(venue, "queue:*")
    await client.zincrby(name, 1, (await client.zrange(name, 0, 0))[0])
    return name


async def tamper_level(venue: Venue) -> str:
    """Show a level that is not there."""
    client: Any = venue.client
    name = await first_of(venue, "levels:*")
    await client.hset(name, "5000", "1")
    return name


async def tamper_lifetime(venue: Venue) -> str:
    """Let an index disappear by itself later."""
    client: Any = venue.client
    await client.expire(keys.LAST_ORDER_ID, 1_000)
    return keys.LAST_ORDER_ID


async def tamper_away(venue: Venue) -> str:
    """Take out an order before its time."""
    client: Any = venue.client
    order = await venue.sell(3, 900, account=BOB)
    await client.delete(name := keys.order(order.order_id))
    return name


async def tamper_extra(venue: Venue) -> str:
    """Add an order that no client placed."""
    client: Any = venue.client
    name = f"{keys.PREFIX}order:999999"
    await client.hset(name, "terms", "x")
    return name


async def tamper_oldest_trades(venue: Venue) -> str:
    """Take out the oldest trades, which are still to be kept."""
    client: Any = venue.client
    name = keys.replay_log(BTC)
    await client.xtrim(name, maxlen=3, approximate=False)
    return name


@pytest.mark.parametrize(
    "tamper",
    [
        tamper_trade, tamper_order, tamper_queue, tamper_level, tamper_lifetime, tamper_away,
        tamper_extra, tamper_oldest_trades,
    ],
)  # fmt: skip
async def test_a_key_that_was_tampered_with_is_named(
    venue: Venue, replica: Replica, tamper: Any
) -> None:
    """One changed value in the venue is found, and its key is named."""
    await traded(venue)
    # From here on by Redis' own time, so that the time of these orders is not over.
    venue.engine.clock_us = ""
    name = await tamper(venue)
    verdict = await verify(venue, replica)
    assert verdict.difference is None
    assert verdict.state is not None
    assert [text.partition(": ")[0] for text in verdict.state.differences] == [name]


def changed(entry: JournalEntry, **changes: Any) -> dict[str, str]:
    """The fields of an entry with changes, as they stand in the stream."""
    entry = replace(entry, **changes)
    return {
        "op": entry.op,
        "clock": entry.clock_us,
        "limits": entry.limits,
        "args": UNIT.join(entry.arguments),
        "result": UNIT.join(entry.result),
    }


async def rewrite(venue: Venue, number: int, fields: dict[str, str]) -> None:
    """Replace one entry of the journal, as only an owner of Redis could."""
    client: Any = venue.client
    entries = await client.xrange(keys.JOURNAL)
    await client.delete(keys.JOURNAL)
    for entry_id, old in entries:
        is_it = entry_id == f"{number}-0".encode()
        await client.xadd(keys.JOURNAL, fields if is_it else old, id=entry_id)


async def placed(venue: Venue) -> JournalEntry:
    """An entry of the journal in which an order was placed that rests."""
    source = LiveJournal(venue.client)
    async for page in source.pages(100, await source.last()):
        for entry in page:
            if entry.op == "place" and entry.arguments[6] == "limit":
                return entry
    raise AssertionError("no order in the journal")


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("result", lambda value: ("1|new|0|0", *value[1:])),
        ("clock_us", lambda value: str(int(value) + 1)),
        ("op", lambda _: "cancel_all"),
        ("op", lambda _: "rob"),
        ("limits", lambda _: "1|2"),
        ("clock_us", lambda _: "noon"),
        ("arguments", lambda value: value[:3]),
    ],
)
async def test_an_entry_that_was_tampered_with_is_named(
    venue: Venue, replica: Replica, member: str, change: Any
) -> None:
    """One changed member of one entry is found, and the command is named."""
    await traded(venue)
    entry = await placed(venue)
    await rewrite(venue, entry.number, changed(entry, **{member: change(getattr(entry, member))}))
    verdict = await verify(venue, replica)
    assert verdict.difference is not None
    assert verdict.difference.entry.number == entry.number
    assert str(verdict.difference).startswith(f"command {entry.number}")


async def test_terms_that_were_tampered_with_are_found_in_the_order(
    venue: Venue, replica: Replica
) -> None:
    """A quantity that no result shows is found by comparing the orders."""
    await traded(venue)
    entry = await placed(venue)
    # One lot more passes no limit of the account, which would refuse the replay.
    more = str(int(entry.arguments[9]) + 1)
    arguments = (*entry.arguments[:9], more, *entry.arguments[10:])
    await rewrite(venue, entry.number, changed(entry, arguments=arguments))
    verdict = await verify(venue, replica)
    assert not verdict.is_equal
    order_id = entry.result[0].partition("|")[0]
    differences = [str(verdict.difference), *(verdict.state.differences if verdict.state else ())]
    assert any(f"order:{order_id}: terms" in text or "result" in text for text in differences)


def change_a_line(path: Path) -> int:
    """Turn the side of one order in a file; returns the number of its line."""
    lines = path.read_text().splitlines(keepends=True)
    number = next(index for index, line in enumerate(lines) if index > 99 and '"place"' in line)
    lines[number] = lines[number].replace('"buy"', '"BUY"').replace('"sell"', '"SELL"')
    path.write_text("".join(lines))
    return number + 1


async def test_a_line_that_was_changed_is_named(venue: Venue, tmp_path: Path) -> None:
    """Each line of a file vouches for all before it, so the first changed one is found."""
    await traded(venue)
    file = await export(venue, tmp_path / "journal.jsonl")
    number = change_a_line(file.path)
    with pytest.raises(JournalError, match=f"line {number}: it was changed"):
        list(JournalFile(file.path).pages())


async def test_an_entry_that_was_taken_out_is_named(venue: Venue, replica: Replica) -> None:
    """A gap in the journal stops the verification with its number."""
    await traded(venue)
    client: Any = venue.client
    await client.xdel(keys.JOURNAL, "123-0")
    with pytest.raises(JournalError, match="command 123 is not in the journal"):
        await verify(venue, replica)


async def test_a_trimmed_journal_cannot_be_run_again(
    venue: Venue, replica: Replica, tmp_path: Path
) -> None:
    """What lost its beginning is refused with a sentence, as a stream and as a file."""
    await traded(venue)
    client: Any = venue.client
    await client.xtrim(keys.JOURNAL, maxlen=50, approximate=False)
    with pytest.raises(JournalError, match="the journal was trimmed: its oldest command is number"):
        await verify(venue, replica)
    file = await export(venue, tmp_path / "rest.jsonl")
    assert file.header.is_partial
    with pytest.raises(JournalError, match="nothing can be run again"):
        await verify_file(file, replica, lambda _: None)


async def test_a_venue_that_moves_is_compared_when_it_stands_still(
    venue: Venue, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that come in during a comparison are run too and it is done again, a few times."""
    await traded(venue)
    moves = 1

    async def compare(live: Any, other: Replica) -> Comparison:
        nonlocal moves
        found = await compare_state(live, other)
        if moves:
            moves -= 1
            await venue.engine.control_market(BTC, open_orders_max=500 + moves)
        return found

    monkeypatch.setattr(verification, "compare_state", compare)
    verdict = await verify(venue, replica)
    assert verdict.attempts == 2
    assert verdict.is_equal
    assert verdict.state is not None
    moves = verification.ATTEMPTS_MAX
    verdict = await verify(venue, replica)
    assert verdict.moved
    assert verdict.state is None


async def test_a_snapshot_of_a_venue_that_goes_on_is_compared(
    venue: Venue, replica: Replica, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two reads of the venue a command comes; a snapshot of the venue is equal."""
    await traded(venue)
    replay = verification._replay

    async def replay_and_move(*args: Any) -> Any:
        found = await replay(*args)
        await venue.sell(1, 100)
        return found

    monkeypatch.setattr(verification, "_replay", replay_and_move)
    address = address_of(redis_url)
    verdict = await verify_moving(venue.client, address, replica, lambda _: None)
    assert verdict.is_equal
    assert (verdict.is_frozen, verdict.moved) == (True, False)
    assert verdict.state is not None
    assert verdict.state.equal["order"] > 10
    assert replica.replayed == await LiveJournal(venue.client).last() - 1
    persistence: Any = await replica.client.info("persistence")
    assert not persistence["aof_enabled"], "a verification needs no room on a disk"
    assert f"snapshot  of command {replica.replayed:,}" in "\n".join(report_lines(verdict, 1))


async def test_a_venue_that_gives_no_snapshot_is_not_compared_while_it_moves(
    venue: Venue, replica: Replica, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are proved, and the report has the reason why the state is not."""
    await venue.sell(1, 100)
    monkeypatch.setattr(verification, "ATTEMPTS_MAX", 0)
    address = replace(address_of(redis_url), url="redis://127.0.0.1:1/0")
    verdict = await verify_moving(venue.client, address, replica, lambda _: None)
    assert (verdict.moved, verdict.is_frozen, verdict.state) == (True, False, None)
    assert "no snapshot of it could be read" in "\n".join(report_lines(verdict, 1))
    assert "127.0.0.1:1" in verdict.unfrozen_reason


async def test_a_venue_that_took_commands_meanwhile_is_not_read(
    venue: Venue, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that comes while the journal is run again delays the reading of the state."""
    await venue.sell(1, 100)
    compared = 0
    moves = 1
    replay = verification._replay

    async def compare(live: Any, other: Replica) -> Comparison:
        nonlocal compared
        compared += 1
        return await compare_state(live, other)

    async def replay_slowly(*args: Any) -> Any:
        nonlocal moves
        found = await replay(*args)
        if moves:
            moves -= 1
            await venue.engine.control_market(BTC, open_orders_max=500)
        return found

    monkeypatch.setattr(verification, "compare_state", compare)
    monkeypatch.setattr(verification, "_replay", replay_slowly)
    verdict = await verify(venue, replica)
    assert (verdict.is_equal, verdict.attempts, compared) == (True, 2, 1)


async def test_gateways_with_other_limits_are_run_again_with_theirs(
    redis_url: str, replica: Replica
) -> None:
    """The bounds that a command had are part of the journal: here it met one maker at most."""
    async with open_venue(redis_url) as venue:
        for _ in range(3):
            await venue.sell(1, 100)
        narrow = MatchingLimits(makers_per_command_max=1, stops_per_command_max=1)
        async with open_venue(redis_url, limits=narrow) as other:
            order = await other.buy(3, 100, account=BOB)
        assert order.executed_lots == 1
        assert (await verify(venue, replica)).is_equal


async def test_clocks_of_markets_that_differ_are_run_again(venue: Venue, replica: Replica) -> None:
    """One command over markets of which one is ahead of the clock gives each its own time."""
    for symbol, clock_us in ((BTC, "2000000"), (ODD, "9000000")):
        venue.engine.clock_us = clock_us
        await venue.buy(1, 100, symbol=symbol)
    venue.engine.clock_us = "3000000"
    await venue.engine.cancel_all(ALICE)
    assert (await verify(venue, replica)).is_equal
