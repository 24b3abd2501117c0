"""Recorded order flow of two exchanges through the whole venue: REST in, WebSocket out.

One venue plays both recordings at the same time, each through a gateway of its own, while one
WebSocket client listens to all of it. The venue must trade exactly as the reference book does with
the same steps. `tests/real_data` compares the reference book with the whole recordings. This module
plays the first `STEPS` of each recording, and all of them with HYPOTHESIS_PROFILE=nightly.
"""

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tapewire.client import VenueClient
from tapewire.redis.server import RedisServer
from tapewire.replay.player import Player
from tapewire.replay.recording import read_recording
from tapewire.replay.report import Report
from tapewire.replay.steps import Step
from tests.support.profile import NIGHTLY
from tests.support.recordings.market_data_samples import BITSTAMP, LOBSTER, LOBSTER_BOOK, sample
from tests.support.recordings.offline_replay import SATOSHIS, OfflineReplay
from tests.support.recordings.replay_score import Fills, exactly_filled, recorded_fills
from tests.support.reference.book import Refused
from tests.support.running.processes import Service, running_gateway, running_market_data
from tests.support.wait import wait_for

pytestmark = pytest.mark.timeout(900)

INSTRUMENTS = Path(__file__).resolve().parents[2] / "docs/examples/replay-instruments.toml"
# Of 30,020 and 45,342 steps. The first 6,000 make 108 trades of Bitstamp and 454 of NASDAQ.
STEPS = None if NIGHTLY else 6_000
LAST_TRADE_TIMEOUT_S = 10.0
MESSAGE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A WebSocket client on a thread of its own; keeps every trade message in order."""

    epoch: str
    trades: list[dict[str, Any]] = field(default_factory=list)

    def of(self, symbol: str) -> list[dict[str, Any]]:
        """The trades of one instrument, in the order in which they came."""
        return [trade for trade in self.trades if trade["symbol"] == symbol]

    def keep(self, socket: ClientConnection) -> None:
        """Take messages until the connection is closed."""
        for text in socket:
            message = json.loads(text)
            if message["type"] == "trade":
                self.trades.append(message["data"])


@contextmanager
def listening(market_data: Service) -> Iterator[Listener]:
    """Listen to all trades until the block ends."""
    with connect(f"{market_data.websocket_url}/ws/market-data") as socket:
        listener = Listener(json.loads(socket.recv(MESSAGE_TIMEOUT_S))["epoch"])
        thread = threading.Thread(target=listener.keep, args=(socket,))
        thread.start()
        try:
            yield listener
        finally:
            socket.close()
            thread.join(MESSAGE_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Replay:
    """One recording: its steps, and what the venue made of them."""

    steps: list[Step]
    report: Report
    epoch: str
    # The trades of the instrument that came on the WebSocket, in order.
    received: list[dict[str, Any]]

    def fills(self) -> dict[str, Fills]:
        """The trades on the WebSocket, by the recorded name of their taker."""
        fills: dict[str, Fills] = defaultdict(list)
        for trade in self.received:
            maker, taker = (
                self.report.labels[trade[f"{role}_order_id"]] for role in ("maker", "taker")
            )
            fills[taker].append((maker, Decimal(trade["price"]), Decimal(trade["quantity"])))
        return dict(fills)


@dataclass(frozen=True, slots=True)
class Replays:
    """Both replays."""

    bitstamp: Replay
    lobster: Replay


def play(steps: list[Step], symbol: str, gateway: Service) -> Report:
    """Play the steps of one recording, as fast as the gateway takes them."""
    return asyncio.run(play_all(steps, symbol, gateway))


async def play_all(steps: list[Step], symbol: str, gateway: Service) -> Report:
    """Every step, with as many requests in flight as the gateway takes."""
    async with (
        VenueClient(gateway.url, account=f"replay-{symbol}") as client,
        client.order_entry() as entry,
    ):
        player = Player([entry], symbol, run_id="r", in_flight_max=256)
        async for _ in player.play(steps):
            pass
    return player.report


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replays]:
    """Both recordings, played once for all tests here."""
    bitstamp = read_recording(sample(BITSTAMP)).steps[:STEPS]
    lobster = read_recording(sample(LOBSTER), book_path=sample(LOBSTER_BOOK)).steps[:STEPS]
    logs = tmp_path_factory.mktemp("logs")
    # A recording does not tell what its traders had.
    settings = {"TAPEWIRE_INSTRUMENTS": str(INSTRUMENTS), "TAPEWIRE_FUNDS": "unchecked"}
    # everysec: nothing here kills Redis, and a sync per order would only measure the disk.
    with (
        RedisServer(tmp_path_factory.mktemp("redis"), fsync="everysec") as redis,
        running_gateway(redis.url, logs, settings) as gateway,
        running_gateway(redis.url, logs, settings) as second_gateway,
        running_market_data(redis.url, logs, settings) as market_data,
        listening(market_data) as listener,
        ThreadPoolExecutor(2) as threads,
    ):
        playing = [
            threads.submit(play, bitstamp, "BTC-USD", gateway),
            threads.submit(play, lobster, "AAPL", second_gateway),
        ]
        reports = [future.result() for future in playing]
        trades = sum(len(report.trades) for report in reports)
        wait_for(
            lambda: len(listener.trades) >= trades,
            f"{trades} trades on the WebSocket",
            LAST_TRADE_TIMEOUT_S,
        )
        epoch = listener.epoch
        yield Replays(
            Replay(bitstamp, reports[0], epoch, listener.of("BTC-USD")),
            Replay(lobster, reports[1], epoch, listener.of("AAPL")),
        )


def assert_same_trades(replay: Replay) -> None:
    """The WebSocket carried the trades that the REST answers told, in order, each once."""
    received = replay.received
    assert [trade["seq"] for trade in received] == list(range(1, len(received) + 1))
    assert {trade["epoch"] for trade in received} == {replay.epoch}
    told = [(fill.trade_id, fill.seq, fill.price, fill.quantity) for fill in replay.report.trades]
    assert told == [
        (
            trade["trade_id"],
            trade["seq"],
            Decimal(trade["price"]),
            Decimal(trade["quantity"]),
        )
        for trade in received
    ]
    assert [replay.report.labels[trade["taker_order_id"]] for trade in received] == [
        fill.taker for fill in replay.report.trades
    ]


def test_bitstamp_replay_trades_as_bitstamp_did(replays: Replays) -> None:
    """The reference book makes the same trades, 98 in 100 of them Bitstamp's; none is refused."""
    replay = replays.bitstamp
    reference = OfflineReplay(replay.steps, SATOSHIS)
    report = replay.report
    assert not report.refusals
    assert report.closed_before == reference.refused[Refused.CLOSED]
    assert report.recorded == reference.recorded
    assert report.recorded.total() == (129 if STEPS else 358)
    assert len(report.trades) == (108 if STEPS else 321)
    assert report.trades_equal == reference.trades_equal == (103 if STEPS else 315)
    assert replay.fills() == reference.fills


def test_bitstamp_trades_arrive_on_the_websocket_in_order(replays: Replays) -> None:
    """The trades of the replay come on the WebSocket, the same, in order, each exactly once."""
    assert_same_trades(replays.bitstamp)


def test_lobster_orders_fill_as_nasdaq_filled_them(replays: Replays) -> None:
    """The reference book makes the same fills; nearly every incoming order fills as at NASDAQ."""
    replay = replays.lobster
    fills, recorded = replay.fills(), recorded_fills(replay.steps)
    assert not replay.report.refusals
    assert replay.report.closed_before == 0
    assert len(recorded) == (323 if STEPS else 1_800)
    assert exactly_filled(recorded, fills) == (318 if STEPS else 1_789)
    assert fills == OfflineReplay(replay.steps, 1).fills


def test_lobster_trades_arrive_on_the_websocket_in_order(replays: Replays) -> None:
    """The trades of the replay come on the WebSocket, the same, in order, each exactly once."""
    assert_same_trades(replays.lobster)
