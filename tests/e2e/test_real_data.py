"""Recorded order flow of two exchanges through the whole venue: REST in, WebSocket out.

One venue plays both recordings at the same time, each through a gateway of its own, while one
WebSocket client listens to all of it.
"""

import asyncio
import json
import threading
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
from tapewire.replay.recording import Recording, read_recording
from tapewire.replay.report import Report
from tests.support.recordings.market_data_samples import BITSTAMP, LOBSTER, LOBSTER_BOOK, sample
from tests.support.recordings.replay_score import Fills, exactly_filled, recorded_fills
from tests.support.running.processes import Service, running_gateway, running_market_data
from tests.support.wait import wait_for

pytestmark = pytest.mark.timeout(900)

INSTRUMENTS = Path(__file__).resolve().parents[2] / "docs/examples/replay-instruments.toml"
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
class Replays:
    """What came of both replays."""

    bitstamp: Report
    lobster_recording: Recording
    lobster: Report
    listener: Listener


def play(recording: Recording, gateway: Service) -> Report:
    """Play one recording to its end, as fast as the gateway takes it."""
    return asyncio.run(play_all(recording, gateway))


async def play_all(recording: Recording, gateway: Service) -> Report:
    """Every step, with as many requests in flight as the gateway takes."""
    assert recording.symbol is not None
    async with (
        VenueClient(gateway.url, account=f"replay-{recording.format}") as client,
        client.order_entry() as entry,
    ):
        player = Player([entry], recording.symbol, run_id="r", in_flight_max=256)
        async for _ in player.play(recording.steps):
            pass
    return player.report


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replays]:
    """Both recordings, played once for all tests here."""
    bitstamp = read_recording(sample(BITSTAMP))
    lobster = read_recording(sample(LOBSTER), book_path=sample(LOBSTER_BOOK))
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
            threads.submit(play, bitstamp, gateway),
            threads.submit(play, lobster, second_gateway),
        ]
        reports = [future.result() for future in playing]
        trades = sum(len(report.trades) for report in reports)
        wait_for(
            lambda: len(listener.trades) >= trades,
            f"{trades} trades on the WebSocket",
            LAST_TRADE_TIMEOUT_S,
        )
        yield Replays(reports[0], lobster, reports[1], listener)


def assert_same_trades(report: Report, received: list[dict[str, Any]], epoch: str) -> None:
    """The WebSocket carried the trades that the REST answers told, in order, each once."""
    assert [trade["seq"] for trade in received] == list(range(1, len(received) + 1))
    assert {trade["epoch"] for trade in received} == {epoch}
    told = [(fill.trade_id, fill.seq, fill.price, fill.quantity) for fill in report.trades]
    assert told == [
        (
            trade["trade_id"],
            trade["seq"],
            Decimal(trade["price"]),
            Decimal(trade["quantity"]),
        )
        for trade in received
    ]
    assert [report.labels[trade["taker_order_id"]] for trade in received] == [
        fill.taker for fill in report.trades
    ]


def test_bitstamp_replay_trades_as_bitstamp_did(replays: Replays) -> None:
    """At least 315 trades equal a real trade in price and amount; no order is refused."""
    report = replays.bitstamp
    assert not report.refusals
    assert report.recorded.total() == 358
    assert len(report.trades) == 321
    assert report.trades_equal >= 315


def test_bitstamp_trades_arrive_on_the_websocket_in_order(replays: Replays) -> None:
    """The trades of the replay come on the WebSocket, the same, in order, each exactly once."""
    assert_same_trades(replays.bitstamp, replays.listener.of("BTC-USD"), replays.listener.epoch)


def test_lobster_orders_fill_as_nasdaq_filled_them(replays: Replays) -> None:
    """At least 1,789 of 1,800 incoming orders trade with NASDAQ's makers, prices and sizes."""
    report = replays.lobster
    venue: dict[str, Fills] = {}
    for trade in replays.listener.of("AAPL"):
        maker, taker = (report.labels[trade[f"{role}_order_id"]] for role in ("maker", "taker"))
        fill = maker, Decimal(trade["price"]), Decimal(trade["quantity"])
        venue.setdefault(taker, []).append(fill)

    recorded = recorded_fills(replays.lobster_recording.steps)

    assert not report.refusals
    assert report.closed_before == 0
    assert len(recorded) == 1_800
    assert exactly_filled(recorded, venue) >= 1_789


def test_lobster_trades_arrive_on_the_websocket_in_order(replays: Replays) -> None:
    """The trades of the replay come on the WebSocket, the same, in order, each exactly once."""
    assert_same_trades(replays.lobster, replays.listener.of("AAPL"), replays.listener.epoch)
