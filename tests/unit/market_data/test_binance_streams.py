"""The streams at their hub: numbers of differences, what is told when, who is closed."""

import random
from collections.abc import Iterable
from typing import Any
from unittest.mock import MagicMock

import pytest

from market_data.binance.names import SHUTDOWN, Form, Stream
from market_data.binance.streams import TICKS_PER_S, Streams
from market_data.limits import FanoutLimits
from market_data.market.book import Level2Book
from market_data.market.venue_clock import VenueClock
from tapewire.wire.book_event import BookUpdate, Level
from tests.support.feeds.samples import trade_data
from tests.support.feeds.stream_client import BinanceBook
from tests.support.feeds.trades import trade_message
from tests.support.transport.fake_socket import FakeSocket

SYMBOL = "A"
PLAIN = Form()
COMBINED = Form(is_combined=True)
SECOND_US = 1_000_000


class Bench:
    """The streams of a venue with the symbols A and B, whose books a test changes."""

    def __init__(self, limits: FanoutLimits | None = None) -> None:
        nothing: Any = MagicMock()
        self.streams = Streams(
            limits or FanoutLimits(),
            VenueClock(lambda: 0, lambda: 1_700_000_000_000_000_000),
            candles=nothing,
            trades=nothing,
            known_symbols=lambda: ["A", "B"],
        )
        self.book = self.fresh_book()
        self.streams.renew_book(SYMBOL, None, self.book)

    def fresh_book(
        self, seq: int = 0, bids: Iterable[Level] = (), asks: Iterable[Level] = (), epoch: str = "e"
    ) -> Level2Book:
        """A book as it is read from Redis."""
        return Level2Book(0, 0, epoch=epoch, seq=seq, bids=bids, asks=asks)

    def follow(self, *channels: str, symbol: str = SYMBOL, form: Form = PLAIN) -> FakeSocket:
        """A client of some channels."""
        socket = FakeSocket()
        streams = [Stream(channel, symbol) for channel in channels] + [Stream(SHUTDOWN, "")]
        topics = frozenset(stream.topic(form) for stream in streams)
        socket.session = self.streams.hub.connect(socket, topics)
        return socket

    def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = ()) -> None:
        """Apply an update to the book of A, as the feed does."""
        update = BookUpdate("e", self.book.seq + 1, SYMBOL, list(bids), list(asks), "")
        before = self.book.best()
        self.book.apply(update.seq, update.bids, update.asks)
        self.streams.change_book(update, self.book, is_best_new=self.book.best() != before)

    def renew(self, book: Level2Book) -> None:
        """Read the book of A from Redis again."""
        before, self.book = self.book, book
        self.streams.renew_book(SYMBOL, before, book)

    def second(self) -> None:
        """Let a second pass."""
        for _ in range(TICKS_PER_S):
            self.streams.tick()


@pytest.fixture
def bench() -> Bench:
    """Streams without clients."""
    return Bench()


def test_a_difference_has_all_updates_since_the_one_before(bench: Bench) -> None:
    """A level that changed twice stands once, with its last quantity; silence is not told."""
    fast, slow = bench.follow("depth@100ms"), bench.follow("depth")
    bench.change(bids=[("10", "1")])
    bench.change(bids=[("10", "2")], asks=[("11", "1")])
    bench.streams.tick()
    bench.streams.tick()
    bench.change(bids=[("10", "0")])
    bench.second()
    first, second = fast.messages()
    assert (first["U"], first["u"], first["b"], first["a"]) == (1, 2, [["10", "2"]], [["11", "1"]])
    assert (second["U"], second["u"], second["b"], second["a"]) == (
        3,
        3,
        [["10", "0.00000000"]],
        [],
    )
    (whole,) = slow.messages()
    assert (whole["U"], whole["u"], whole["b"], whole["a"]) == (
        1,
        3,
        [["10", "0.00000000"]],
        [["11", "1"]],
    )


def test_updates_that_nobody_followed_are_not_told_as_followed(bench: Bench) -> None:
    """After a pause without a client a difference begins with the first update that is in it."""
    first = bench.follow("depth@100ms")
    bench.change(bids=[("10", "1")])
    assert first.session is not None
    first.session.close(1000)
    bench.change(bids=[("10", "2")])
    second = bench.follow("depth@100ms")
    bench.change(bids=[("9", "3")])
    bench.streams.tick()
    (told,) = second.messages()
    assert (told["U"], told["u"], told["b"]) == (3, 3, [["9", "3"]])


def test_a_book_that_is_read_again_goes_on(bench: Bench) -> None:
    """The updates that are missing are told as one difference between the two states."""
    client = bench.follow("depth@100ms")
    bench.change(bids=[("10", "1"), ("9", "1")], asks=[("11", "1")])
    bench.renew(bench.fresh_book(5, bids=[("10", "1"), ("8", "4")], asks=[("12", "2")]))
    bench.change(asks=[("12", "0")])
    bench.streams.tick()
    copy = BinanceBook()
    copy.take_snapshot(0, {}, {})
    for event in client.messages():
        copy.take(event)
    assert (copy.seq, copy.bids, copy.asks) == (6, {"10": "1", "8": "4"}, {})
    assert client.closed_with is None


@pytest.mark.parametrize("seq", [0, 2])
def test_a_book_that_went_back_closes_its_clients(bench: Bench, seq: int) -> None:
    """Of another epoch or with a smaller number: clients have to read the book again."""
    client, other = bench.follow("depth"), bench.follow("trade")
    bench.change(bids=[("10", "1")])
    bench.renew(bench.fresh_book(seq, epoch="e" if seq == 0 else "f"))
    assert client.closed_with == (4013, "resync")
    assert other.closed_with is None


def test_lost_trades_close_the_clients_of_the_trades(bench: Bench) -> None:
    """Clients of other symbols and channels stay; a new epoch closes all."""
    trades, aggregates = bench.follow("trade"), bench.follow("aggTrade", form=COMBINED)
    others = [bench.follow("depth"), bench.follow("trade", symbol="B")]
    bench.streams.lose_trades(SYMBOL)
    assert [client.closed_with for client in (trades, aggregates)] == [(4013, "resync")] * 2
    assert [client.closed_with for client in others] == [None, None]
    bench.streams.restart()
    assert [client.closed_with for client in others] == [(4013, "resync")] * 2


def test_an_instrument_that_is_removed_closes_its_clients(bench: Bench) -> None:
    """There is nothing more to tell about it."""
    client, other = bench.follow("miniTicker"), bench.follow("trade", symbol="B")
    bench.streams.renew_book(SYMBOL, bench.book, None)
    assert client.closed_with == (4013, "resync")
    assert other.closed_with is None


def test_a_message_is_framed_once_for_all_clients(bench: Bench) -> None:
    """Clients of a stream are given the same bytes object; other forms have their own."""
    plain = [bench.follow("trade") for _ in range(3)]
    combined = bench.follow("trade", form=COMBINED)
    exact = bench.follow("trade", form=Form(has_microseconds=True))
    bench.streams.take_trade(trade_message(1).event, goes_on=False)
    bench.streams.flush()
    assert len({id(client.writes[-1]) for client in plain}) == 1
    (message,) = plain[0].messages()
    assert combined.messages() == [{"stream": "a@trade", "data": message}]
    assert exact.messages()[0]["T"] // 1_000 == message["T"]


def test_best_prices_are_told_at_once_and_only_when_they_change(bench: Bench) -> None:
    """An empty side has zeros."""
    client = bench.follow("bookTicker")
    bench.change(bids=[("10", "1")])
    bench.change(bids=[("9", "1")])
    bench.change(asks=[("11", "2")])
    bench.streams.flush()
    told = [(m["u"], m["b"], m["B"], m["a"], m["A"]) for m in client.messages()]
    assert told == [(1, "10", "1", "0", "0"), (3, "10", "1", "11", "2")]


def test_a_partial_book_is_told_when_its_levels_change(bench: Bench) -> None:
    """A change below the shown levels is not told; a new client is sent the present state."""
    client = bench.follow("depth5@100ms")
    bench.change(bids=[(str(price), "1") for price in range(10, 17)])
    bench.streams.tick()
    bench.change(bids=[("10", "5")])
    bench.streams.tick()
    bench.change(bids=[("16", "0")])
    bench.streams.tick()
    told = [(m["lastUpdateId"], [price for price, _ in m["bids"]]) for m in client.messages()]
    assert told == [(1, ["16", "15", "14", "13", "12"]), (3, ["15", "14", "13", "12", "11"])]
    newcomer = bench.follow("depth5@100ms")
    assert newcomer.session is not None
    newcomer.session.send_states([Stream("depth5@100ms", SYMBOL).topic(PLAIN)])
    assert newcomer.messages() == client.messages()[-1:]


def test_every_client_is_told_of_a_state_that_one_was_sent(bench: Bench) -> None:
    """The state of a newcomer does not hide a change from the others."""
    client = bench.follow("depth5@100ms")
    bench.change(bids=[("10", "1")])
    bench.streams.tick()
    bench.change(bids=[("10", "2")])
    newcomer = bench.follow("depth5@100ms")
    assert newcomer.session is not None
    newcomer.session.send_states([Stream("depth5@100ms", SYMBOL).topic(PLAIN)])
    bench.streams.tick()
    assert [m["bids"] for m in client.messages()] == [[["10", "1"]], [["10", "2"]]]


def test_a_client_that_reads_too_slowly_is_closed() -> None:
    """The slow client loses its connection without a further message; other clients go on."""
    bench = Bench(FanoutLimits(lag_messages_max=10, batch_messages_max=5))
    client, stalled = bench.follow("trade"), bench.follow("trade")
    stalled.room_bytes = 0
    for seq in range(1, 31):
        bench.streams.take_trade(trade_message(seq).event, goes_on=False)
        bench.streams.flush()
    assert stalled.closed_with == (4008, "slow_consumer")
    assert [message["t"] for message in stalled.messages()] == [1]
    assert [message["t"] for message in client.messages()] == list(range(1, 31))
    assert bench.streams.hub.terms.slow_disconnects == 1


def test_a_shutdown_reaches_every_client(bench: Bench) -> None:
    """In its own form, whatever it follows."""
    plain, combined = bench.follow(), bench.follow("trade", form=COMBINED)
    bench.streams.tell_shutdown(0)
    bench.streams.flush()
    (message,) = plain.messages()
    assert (message["e"], message["E"]) == ("serverShutdown", 1_700_000_000_000)
    assert combined.messages() == [{"stream": SHUTDOWN, "data": message}]


def test_a_trade_with_an_unreadable_time_has_the_time_of_the_venue(bench: Bench) -> None:
    """Nothing else is known about it, and the trade must not be missing."""
    client = bench.follow("trade")
    event = trade_message(1).event
    data = trade_data(1) | {"timestamp": "yesterday"}
    bench.streams.take_trade(type(event)(**data), goes_on=False)
    bench.streams.flush()
    assert client.messages()[0]["T"] == 1_700_000_000_000


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_of_the_differences_equals_the_book(bench: Bench, seed: int) -> None:
    """Random updates, ticks, reads and comings: every client's copy is the book, without a hole."""
    rng = random.Random(seed)
    copies: list[tuple[FakeSocket, BinanceBook]] = []
    for _ in range(400):
        action = rng.random()
        price, quantity = str(rng.randint(1, 30)), str(rng.choice([0, 0, 1, 2]))
        if action < 0.6:
            bench.change(bids=[(price, quantity)], asks=[(str(int(price) + 40), quantity)])
        elif action < 0.9:
            bench.streams.tick()
        elif action < 0.95:
            bids, asks = bench.book.top()
            cut = rng.randint(0, len(bids))
            bench.renew(bench.fresh_book(bench.book.seq + rng.randint(1, 3), bids[cut:], asks))
        else:
            copy = BinanceBook()
            bids, asks = bench.book.top()
            copy.take_snapshot(bench.book.seq, dict(bids), dict(asks))
            copies.append((bench.follow(rng.choice(["depth@100ms", "depth"])), copy))
    bench.second()
    bids, asks = bench.book.top()
    assert copies
    for socket, copy in copies:
        for event in socket.messages():
            copy.take(event)
        assert (copy.bids, copy.asks) == (dict(bids), dict(asks))
