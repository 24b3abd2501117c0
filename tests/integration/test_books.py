"""Books built from published updates, compared with the price levels in Redis."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from market_data.errors import StaleData
from market_data.fanout.hub import Hub
from market_data.feed.replay_log import ReplayLog
from market_data.market.books import Books
from market_data.topics import BOOK_DEPTHS, Depth
from tapewire import keys
from tapewire.errors import OrderClosed, UnknownSymbol
from tapewire.market.market_records import MarketRecords
from tapewire.values.decimals import format_units
from tapewire.values.types import Order, OrderType, Side, Symbol
from tapewire.wire.book_event import Level
from tests.support.feeds.book_client import BookClient
from tests.support.venue import BTC, INSTRUMENTS, ODD, Listener, Venue


class Bench:
    """Books that get the messages of a listener when the test says so."""

    def __init__(self, venue: Venue, listener: Listener) -> None:
        """Start without a book."""
        self.venue = venue
        self.hub = Hub()
        self.books = Books(MarketRecords(venue.client), self.hub)
        self._listener = listener
        self._taken = 0

    async def start(self) -> None:
        """Do what the feed does when it has subscribed."""
        await self.expect()
        await self.books.resync()

    async def expect(self) -> None:
        """Compare the books with the venue, as the feed does after a canary."""
        positions = await ReplayLog(self.venue.client).positions()
        self.books.expect(positions.epoch, positions.book_seqs)

    def snapshot(self, symbol: Symbol, depth: Depth) -> dict[str, Any]:
        """The book as REST shows it."""
        body: dict[str, Any] = json.loads(self.books.snapshot_json(symbol, depth))
        return body | {side: [tuple(level) for level in body[side]] for side in ("bids", "asks")}

    async def waiting(self) -> list[bytes]:
        """Updates published since the last call."""
        heard = await self._listener.heard(keys.BOOK_CHANNEL)
        fresh, self._taken = heard[self._taken :], len(heard)
        return fresh

    async def catch_up(self) -> None:
        """Take everything and repair what is stale, as the feed does."""
        for payload in await self.waiting():
            self.books.take(payload)
        await self.books.resync()
        self.hub.flush()

    def greet(self, client: BookClient, channel: str, symbol: Symbol) -> None:
        """The initial state of a new subscriber."""
        frame = self.books.state_frame(channel, symbol)
        assert frame is not None
        client.session.send(frame)

    async def levels(self, symbol: Symbol) -> tuple[list[Level], list[Level]]:
        """The levels in Redis, as the wire shows them."""
        one = INSTRUMENTS[symbol]
        sides: list[list[Level]] = []
        for side in (Side.BUY, Side.SELL):
            sides.append([])
            for ticks, lots in await self.venue.depth(side, symbol):
                price = format_units(ticks * one.tick_units, one.price_decimals)
                quantity = format_units(lots * one.lot_units, one.quantity_decimals)
                sides[-1].append((price, quantity))
        return sides[0], sides[1]

    def held(self, symbol: Symbol, depth: Any = "all") -> tuple[list[Level], list[Level]]:
        """The levels of the book."""
        data = self.snapshot(symbol, depth)
        return data["bids"], data["asks"]


@pytest_asyncio.fixture
async def bench(venue: Venue, listener: Listener) -> AsyncIterator[Bench]:
    """Books of an empty venue, in step with it."""
    opened = Bench(venue, listener)
    await opened.start()
    yield opened


async def trade_widely(venue: Venue, count: int, seed: int) -> None:
    """Orders over 160 price levels, so that windows fill, and cancels, on two symbols."""
    chance = random.Random(seed)
    placed: list[Order] = []
    for _ in range(count):
        if placed and chance.random() < 0.3:
            order = placed.pop(chance.randrange(len(placed)))
            try:
                await venue.cancel(order)
            except OrderClosed:
                continue
            continue
        side, symbol = chance.choice(list(Side)), chance.choice([BTC, ODD])
        away = int(chance.expovariate(0.01))
        ticks = max(1, 1000 - away + 3 if side is Side.BUY else 1000 + away - 3)
        kind = OrderType.IOC if chance.random() < 0.1 else OrderType.LIMIT
        lots = chance.choice([1, 2, 5, 40])
        placed.append((await venue.submit(side, lots, ticks, kind, symbol=symbol)).order)


async def test_books_follow_the_venue(bench: Bench) -> None:
    """Book, windows, quotes and checksums are those of Redis, from updates alone."""
    clients = {
        (symbol, channel): BookClient(bench.hub, channel, INSTRUMENTS[symbol])
        for symbol in (BTC, ODD)
        for channel in (*BOOK_DEPTHS, "bbo")
    }
    for (symbol, channel), client in clients.items():
        bench.greet(client, channel, symbol)
    for seed in range(4):
        await trade_widely(bench.venue, 200, seed)
        await bench.catch_up()
        for (symbol, channel), client in clients.items():
            client.read()
            bids, asks = await bench.levels(symbol)
            assert bench.held(symbol) == (bids, asks)
            if channel == "bbo":
                quote = client.quotes[-1]
                best = [list(side[0]) if side else None for side in (bids, asks)]
                assert [quote["bid"], quote["ask"]] == best
                continue
            assert client.book is not None
            depth = client.depth if isinstance(client.depth, int) else None
            assert client.book.top() == (bids[:depth], asks[:depth])
            assert client.book.checksum() == bench.books.checksum(symbol)
            assert bench.books.mark(symbol) == {
                "seq": client.book.seq,
                "checksum": client.book.checksum(),
            }
    assert bench.books.counters.stale == 0
    assert all(client.snapshots <= 1 for client in clients.values())
    assert max(len(side) for side in bench.held(BTC)) > 50, "the windows were never full"


@pytest.mark.parametrize("symbol", [BTC, ODD])
async def test_a_client_may_come_before_all_books_are_read(
    venue: Venue, listener: Listener, symbol: Symbol
) -> None:
    """A client that joins while a process starts gets its book; the other books are read on."""
    await trade_widely(venue, 20, 1)
    bench = Bench(venue, listener)
    await bench.expect()
    clients = [BookClient(bench.hub, name, INSTRUMENTS[symbol]) for name in (*BOOK_DEPTHS, "bbo")]
    await bench.books.resync()
    bench.hub.flush()
    assert bench.books.loaded
    for client in clients:
        client.read()
        assert client.snapshots + len(client.quotes) == 1


async def test_an_update_is_forwarded_untouched(bench: Bench) -> None:
    """Subscribers of the whole book get the published bytes in an envelope."""
    client = BookClient(bench.hub, "book", INSTRUMENTS[BTC])
    await bench.venue.sell(5, 100)
    [payload] = await bench.waiting()
    bench.books.take(payload)
    bench.hub.flush()
    assert client.socket.messages() == [{"type": "l2_update", "data": json.loads(payload)}]
    assert b'{"type":"l2_update","data":' + payload + b"}" in client.socket.writes[0]


async def test_quotes_are_sent_only_when_they_change(bench: Bench) -> None:
    """A change behind the best prices sends no quote; one of the best quantity does."""
    client = BookClient(bench.hub, "bbo", INSTRUMENTS[BTC])
    for lots, ticks in ((5, 100), (5, 101), (1, 100)):
        await bench.venue.sell(lots, ticks)
    await bench.catch_up()
    client.read()
    assert [(quote["seq"], quote["bid"], quote["ask"]) for quote in client.quotes] == [
        (1, None, ["1.00", "0.00005"]),
        (3, None, ["1.00", "0.00006"]),
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_lost_updates_are_found_and_repaired(bench: Bench, seed: int) -> None:
    """After lost updates a fresh snapshot corrects the book and its clients."""
    chance = random.Random(seed)
    clients = {name: BookClient(bench.hub, name, INSTRUMENTS[BTC]) for name in BOOK_DEPTHS}
    for name, client in clients.items():
        bench.greet(client, name, BTC)
    for round_number in range(6):
        await trade_widely(bench.venue, 60, seed * 100 + round_number)
        payloads = await bench.waiting()
        for payload in payloads[:-20]:
            if chance.random() < 0.9:
                bench.books.take(payload)
                if chance.random() < 0.5:
                    # Redis is read ahead of the updates that are still to come.
                    await bench.books.resync()
        for payload in payloads[-20:]:
            bench.books.take(payload)
        await bench.books.resync()
        bench.hub.flush()
        for symbol in (BTC, ODD):
            assert bench.held(symbol) == await bench.levels(symbol)
        for client in clients.values():
            client.read()
            assert client.book is not None
            assert client.book.checksum() == bench.books.checksum(BTC)
    assert bench.books.counters.stale > 0
    assert bench.books.counters.duplicates > 0
    assert all(client.snapshots > 1 and client.updates > 10 for client in clients.values())


async def test_a_lost_last_update_is_found_by_the_positions(bench: Bench) -> None:
    """Without a later update to show the gap, the venue's positions do."""
    await bench.venue.sell(5, 100)
    await bench.waiting()
    assert bench.held(BTC) == ([], [])
    await bench.expect()
    assert bench.books.stale
    await bench.books.resync()
    assert bench.held(BTC) == ([], [("1.00", "0.00005")])


async def test_a_stale_book_is_not_shown(bench: Bench) -> None:
    """Between a gap and its repair there is no snapshot, quote, checksum or first message."""
    for ticks in (100, 101):
        await bench.venue.sell(5, ticks)
    _, second = await bench.waiting()
    bench.books.take(second)
    for ask in (bench.books.quote, bench.books.checksum):
        with pytest.raises(StaleData):
            ask(BTC)
    with pytest.raises(StaleData):
        bench.snapshot(BTC, 10)
    assert bench.books.state_frame("book", BTC) is None
    assert bench.books.mark(BTC) is None
    client = BookClient(bench.hub, "book10", INSTRUMENTS[BTC])
    await bench.catch_up()
    client.read()
    assert client.snapshots == 1, "who came while it was stale was left without a snapshot"


async def test_another_life_of_the_venue(bench: Bench) -> None:
    """After FLUSHALL no book is available; then books start in the new epoch."""
    client = BookClient(bench.hub, "book", INSTRUMENTS[BTC])
    await bench.venue.sell(5, 100)
    await bench.venue.sell(5, 101)
    await bench.catch_up()
    await bench.venue.client.flushall()
    await bench.expect()
    await bench.books.resync()
    with pytest.raises(StaleData):
        bench.snapshot(BTC, "all")
    await bench.venue.engine.publish_instruments(INSTRUMENTS)
    await bench.expect()
    await bench.venue.buy(5, 90)
    await bench.catch_up()
    client.read()
    assert client.snapshots == 1
    assert client.book is not None
    assert client.book.epoch == (await ReplayLog(bench.venue.client).positions()).epoch
    assert client.book.top() == await bench.levels(BTC) == ([("0.90", "0.00005")], [])


async def test_the_same_seq_of_another_epoch_is_not_applied(bench: Bench) -> None:
    """An update that fits by its number but comes from another epoch makes the book stale."""
    await bench.venue.sell(5, 100)
    await bench.catch_up()
    await bench.venue.client.flushall()
    await bench.venue.engine.publish_instruments(INSTRUMENTS)
    await bench.venue.sell(1, 50)
    await bench.venue.sell(1, 51)
    _, second = await bench.waiting()
    assert json.loads(second)["seq"] == 1 + bench.snapshot(BTC, 10)["seq"]
    bench.books.take(second)
    assert bench.books.stale
    await bench.books.resync()
    assert bench.held(BTC) == await bench.levels(BTC)


async def test_an_update_that_comes_twice_is_dropped(bench: Bench) -> None:
    """A duplicate is counted, and neither applied nor taken for a gap."""
    client = BookClient(bench.hub, "book", INSTRUMENTS[BTC])
    await bench.venue.sell(5, 100)
    [payload] = await bench.waiting()
    bench.books.take(payload)
    bench.books.take(payload)
    bench.hub.flush()
    assert bench.books.counters.duplicates == 1
    assert not bench.books.stale
    assert len(client.socket.messages()) == 1


async def test_first_messages_are_of_the_present_book(bench: Bench) -> None:
    """The frame is the same object until the book changes, and never an old one."""
    empty = bench.books.state_frame("book", BTC)
    assert bench.books.state_frame("book", BTC) is empty
    await bench.venue.sell(5, 100)
    await bench.catch_up()
    frame = bench.books.state_frame("book", BTC)
    assert frame is not None
    assert b'["1.00","0.00005"]' in frame


GOOD = {
    "symbol": BTC, "seq": 2, "bids": [["0.90", "0.00005"]], "asks": [],
    "timestamp": "2026-01-01T00:00:00.000000Z", "epoch": "e",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"symbol":"BTC-USDT"}',
        b"\xff\xfe",
        {"seq": 0},
        {"seq": "2"},
        {"seq": 2**60},
        {"seq": True},
        {"symbol": ""},
        {"bids": [["0.90"]]},
        {"bids": [["0.90", 5]]},
        {"bids": [["-0.90", "0.00005"]]},
        {"bids": [["NaN", "0.00005"]]},
        {"bids": [["0.9", "0.00005"]]},
        {"bids": [["0.90", "0.5"]]},
        {"bids": [["00.90", "0.00005"]]},
        {"asks": None},
        {"timestamp": 'today","x":"'},
        {"epoch": '"'},
        b"[" * 100_000,
        b'{"symbol":"' + b"x" * 2_000_000,
    ],
    ids=str,
)
async def test_garbage_is_counted_and_skipped(bench: Bench, wrong: bytes | dict[str, Any]) -> None:
    """An invalid update changes nothing, and later updates are applied."""
    await bench.venue.sell(5, 100)
    [payload] = await bench.waiting()
    bench.books.take(payload)
    epoch = json.loads(payload)["epoch"]
    if isinstance(wrong, dict):
        wrong = json.dumps(GOOD | {"epoch": epoch} | wrong).encode()
    bench.books.take(wrong)
    assert bench.books.counters.garbage == 1
    assert not bench.books.stale
    bench.books.take(json.dumps(GOOD | {"epoch": epoch}).encode())
    assert bench.held(BTC) == ([("0.90", "0.00005")], [("1.00", "0.00005")])


async def test_an_update_of_no_instrument_is_forgotten(bench: Bench) -> None:
    """The books hold nothing of a symbol that Redis does not know."""
    bench.books.take(json.dumps(GOOD | {"symbol": "NO-SUCH"}).encode())
    await bench.books.resync()
    assert not bench.books.stale
    with pytest.raises(UnknownSymbol):
        bench.books.quote("NO-SUCH")


async def test_snapshot_depths(bench: Bench) -> None:
    """A snapshot of depth 10 or 50 has the best levels, "all" has every one."""
    for ticks in range(100, 170):
        await bench.venue.sell(1, ticks)
    await bench.catch_up()
    _, asks = await bench.levels(BTC)
    for depth in (10, 50):
        assert bench.held(BTC, depth) == ([], asks[:depth])
    assert bench.held(BTC) == ([], asks)
    snapshot = bench.snapshot(BTC, 10)
    assert snapshot["seq"] == 70
    assert snapshot["timestamp"].endswith("Z")
