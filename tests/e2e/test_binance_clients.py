"""Unmodified Binance clients trade on a venue: `make test-clients` installs and drives them.

Each client runs as a program in an environment of its own, against a venue of its own, in which the
demo crowd trades. Otherwise these tests are skipped, because they take ten minutes. A client that
could not be installed is a failure.
"""

import asyncio
import json
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tapewire.client import MarketDataClient, VenueClient
from tests.support.binance_clients.programs import (
    LONGEST_TIMEOUT_S,
    PROGRAMS,
    Program,
    needs_clients,
    run_program,
)
from tests.support.binance_clients.steps import ORDERS_PER_DAY
from tests.support.binance_clients.table import make_table, read_table, write_table
from tests.support.running.launcher import TAPEWIRE, launched
from tests.support.running.whole_venue import FEED_PATH
from tests.support.wait import wait_for, wait_until

BOOKS_COMPARED_MIN = 100
TURNS = 20
VENUE_S = 120
"""Time for the start, the audit and the end of a venue."""

pytestmark = [needs_clients, pytest.mark.timeout(LONGEST_TIMEOUT_S + VENUE_S)]


@pytest.fixture(scope="module")
def made() -> dict[str, list[str]]:
    """The calls of each program that has run, by its name."""
    return {}


@contextmanager
def venue(folder: Path, *options: str) -> Iterator[tuple[str, str]]:
    """The gateway (`http`) and market-data (`ws`) of a venue whose audit is clean at the end."""
    variables = {"TAPEWIRE_GATEWAY_BINANCE_ORDERS_PER_DAY": str(ORDERS_PER_DAY)}
    with launched(folder, *options, variables=variables) as launcher:
        launcher.wait_until_running()
        yield launcher.gateway_url, launcher.feed_url.removesuffix(FEED_PATH)
        audit = subprocess.run(
            [*TAPEWIRE, "audit", f"--venue={launcher.data_dir}"],
            capture_output=True, text=True, timeout=VENUE_S, check=False,
        )  # fmt: skip
        assert audit.returncode == 0, audit.stdout + audit.stderr


def http(websocket_url: str) -> str:
    """The same address for requests."""
    return websocket_url.replace("ws", "http", 1)


def crowd_trades(gateway_url: str) -> bool:
    """Whether the crowd has traded in each symbol that programs look at."""
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    replies = [httpx.get(f"{gateway_url}/api/v3/trades?symbol={name}") for name in symbols]
    return all(reply.json() for reply in replies)


async def record_checksums(feed_url: str, checksums: dict[int, int]) -> None:
    """The checksum of the book at each number, of a native client that proves its copy."""
    async with MarketDataClient(feed_url) as feed:
        async for book in feed.books(["BTC-USDT"]):
            checksums[book.seq] = book.checksum()


def checksum(line: dict[str, Any]) -> int:
    """The checksum of a book that a program printed, as docs/protocol.md defines it."""
    sides = (
        ",".join(f"{price:.2f}:{quantity:.5f}" for price, quantity in line[side])
        for side in ("bids", "asks")
    )
    return zlib.crc32("|".join(sides).encode("ascii"))


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_client_trades_unmodified(
    tmp_path: Path, made: dict[str, list[str]], program: str
) -> None:
    """Each call does what the client expects of Binance; every streamed book is the venue's."""
    with venue(tmp_path, "--demo") as (gateway_url, feed_url):
        wait_for(lambda: crowd_trades(gateway_url), "the crowd trades")
        checksums: dict[int, int] = {}
        following = asyncio.create_task(record_checksums(feed_url, checksums))
        await wait_until(lambda: checksums, "a native client follows the book")
        lines = await asyncio.to_thread(run_program, program, gateway_url, http(feed_url))
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
    books = [line for line in lines if "bids" in line]
    if program == "ccxt_pro_bot":
        assert len(books) >= BOOKS_COMPARED_MIN
    first, last = min(checksums), max(checksums)
    for line in books:
        if first <= line["book"] <= last:
            assert checksum(line) == checksums[line["book"]], line["book"]
    made[program] = [line["call"] for line in lines if "call" in line]


async def test_a_ccxt_bot_and_a_native_bot_trade_with_each_other(tmp_path: Path) -> None:
    """On one book; `/stream` and `/ws/market-data` tell the same trades."""
    with venue(tmp_path) as (gateway_url, feed_url):
        async with (
            VenueClient(gateway_url, account="native") as native,
            MarketDataClient(feed_url) as feed,
            connect(f"{feed_url}/stream?streams=ethusdt@trade") as streamed,
        ):
            trades = feed.trades(["ETH-USDT"], since={"ETH-USDT": 0})
            for turn in range(TURNS):
                await native.place("ETH-USDT", "sell", "0.1", price=f"{3_000 + turn}.00")
            running = asyncio.create_task(
                asyncio.to_thread(
                    run_program, "ccxt_taker", gateway_url, http(feed_url),
                    Program("ccxt", "ccxt"),
                )
            )  # fmt: skip
            told = [json.loads(await streamed.recv()) for _ in range(TURNS)]
            await running
            for turn in range(TURNS):  # the ccxt bot has bids there
                await native.place("ETH-USDT", "sell", "0.1", price=f"{2_900 - turn}.00")
            told += [json.loads(await streamed.recv()) for _ in range(TURNS)]
            heard = [await anext(trades) for _ in range(2 * TURNS)]
            fills = [fill async for fill in native.fills()]
        assert {message["stream"] for message in told} == {"ethusdt@trade"}
        assert [
            (data["t"], data["p"], data["q"], data["m"])
            for data in (message["data"] for message in told)
        ] == [
            (trade.seq, str(trade.price), str(trade.quantity), trade.aggressor_side == "sell")
            for trade in heard
        ]
        assert sorted(fill.seq for fill in fills) == [trade.seq for trade in heard]


def test_the_table_of_the_document_is_that_of_the_run(
    made: dict[str, list[str]], request: pytest.FixtureRequest
) -> None:
    """docs/binance.md shows the calls that were made, with the versions of the clients."""
    if made.keys() != PROGRAMS.keys():
        pytest.skip("not every client has run")
    table = make_table(
        [(program.name, program.package, made[module]) for module, program in PROGRAMS.items()]
    )
    if request.config.getoption("--write-clients"):
        write_table(table)
    assert read_table() == table


def test_programs_and_documents_name_the_same_clients() -> None:
    """Every program of the folder is run."""
    folder = Path(__file__).parents[1] / "support" / "binance_clients"
    assert {path.stem for path in folder.glob("*_bot.py")} == set(PROGRAMS)
