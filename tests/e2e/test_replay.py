"""`tapewire replay` against real venues: recorded time, keys and TLS, several accounts."""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import main
from tapewire.client import RequestRefused, SyncVenueClient, VenueClient
from tapewire.client.order_calls import place
from tapewire.replay.recording import sample_file
from tapewire.values.timestamps import parse_timestamp
from tests.support.recordings.sample_recording import DURATION_US, START_US, sample_text
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import WholeVenue, running_venue
from tests.support.transport.certificates import issue
from tests.support.wait import wait_for

pytestmark = pytest.mark.timeout(240)

SYMBOL = "BTC-USDT"
MINUTE_US = 60_000_000
RELATIVE = """time_us,action,id,side,price,quantity
0,add,a,sell,60000,1
1000000,market,b,buy,,0.5
61000000,market,c,buy,,0.25
"""


@dataclass(frozen=True, slots=True)
class Player:
    """A running venue, and its data directory."""

    venue: WholeVenue
    directory: Path

    def replay(self, *arguments: str) -> Result:
        """The answer of `tapewire replay ...` at this venue."""
        arguments = ("replay", "--venue", str(self.directory), *arguments)
        return CliRunner().invoke(main, list(arguments))

    def client(self, **options: str) -> SyncVenueClient:
        """A client of the venue."""
        return SyncVenueClient(self.directory, **options)  # type: ignore[arg-type]


@pytest.fixture
def recorded(redis_url: str, tmp_path: Path) -> Iterator[Player]:
    """An empty venue on recorded time."""
    with (
        running_venue(redis_url, tmp_path, TAPEWIRE_CLOCK="recorded") as venue,
        venue_directory(venue, tmp_path) as directory,
    ):
        yield Player(venue, directory)


@pytest.fixture
def plain(redis_url: str, tmp_path: Path) -> Iterator[Player]:
    """An empty venue with a clock of its own."""
    with running_venue(redis_url, tmp_path) as venue, venue_directory(venue, tmp_path) as directory:
        yield Player(venue, directory)


def test_a_replayed_half_hour_gives_its_candles(recorded: Player) -> None:
    """Orders, trades and candles have the recorded times; the venue's clock is the recording's."""
    with recorded.client(account="onlooker") as client:
        with pytest.raises(RequestRefused) as refused:
            client.place(SYMBOL, "buy", "0.1", "1000")
        assert refused.value.code == "clock_not_started"

        result = recorded.replay("--sample", "--clock", "recorded")
        assert result.exit_code == 0, result.output
        assert "recorded time, from 2026-01-05T09:00:00" in result.output
        assert "refusals          0" in result.output

        trades = list(client.trades(SYMBOL, since=0))
        assert len(trades) > 500
        times_us = [parse_timestamp(trade.timestamp) for trade in trades]
        assert times_us == sorted(times_us)
        sent_us = {int(row.partition(",")[0]) for row in sample_text().splitlines()[1:]}
        assert set(times_us) <= sent_us

        volumes: dict[int, Decimal] = defaultdict(Decimal)
        for trade, time_us in zip(trades, times_us, strict=True):
            volumes[time_us // MINUTE_US] += trade.quantity_decimal
        start = "2026-01-05T00:00:00Z"

        def candles() -> dict[int, Decimal]:
            found = client.candles(SYMBOL, "1m", start=start, limit=1000)
            return {parse_timestamp(candle.start) // MINUTE_US: candle.volume for candle in found}

        wait_for(lambda: candles() == volumes, "the candles are those of the recording", 20)
        newest = client.time().unix_us
        assert START_US < newest <= START_US + 2 * DURATION_US
        placed = client.place(SYMBOL, "buy", "0.1", "1000")
        assert parse_timestamp(placed.timestamp) == newest


def test_a_file_without_a_day_needs_one(recorded: Player, tmp_path: Path) -> None:
    """--start says when time 0 was; a market that is ahead of a recording refuses it."""
    path = tmp_path / "flow.csv"
    path.write_text(RELATIVE)
    play = (str(path), "--symbol", SYMBOL)
    result = recorded.replay(*play)
    assert (result.exit_code, "pass --start" in result.output) == (1, True)
    result = recorded.replay("--sample", "--start", "2020-01-01T12:00:00Z")
    assert (result.exit_code, "this file has dates" in result.output) == (2, True)

    result = recorded.replay(*play, "--start", "2020-01-01T12:00:00+02:00")
    assert result.exit_code == 0, result.output
    with recorded.client() as client:
        trades = [trade.timestamp for trade in client.trades(SYMBOL, since=0)]
    assert trades == ["2020-01-01T10:00:01.000000Z", "2020-01-01T10:01:01.000000Z"]

    result = recorded.replay(*play, "--start", "2019-01-01T00:00:00Z")
    assert result.exit_code == 1
    assert "later than the recording begins" in result.output
    assert "already" in result.output


def test_a_venue_with_its_own_clock_keeps_it(plain: Player) -> None:
    """The sample plays at any venue; recorded time is refused there, also to other clients."""
    result = plain.replay("--sample", "--clock", "recorded")
    assert result.exit_code == 1
    assert "tapewire up --clock recorded" in result.output
    result = plain.replay("--sample", "--start", "2020-01-01T12:00:00Z")
    assert result.exit_code == 2
    assert "--start is for a venue on recorded time" in result.output

    result = plain.replay("--sample", "--limit", "400", "--accounts", "a,b", "--account", "c")
    assert result.exit_code == 0, result.output
    assert "as a, b, c" in result.output
    assert "Warning" not in result.output
    with plain.client() as client:
        names = {account.account for account in client.admin.accounts()}
        assert {"a", "b", "c"} <= names
        assert client.book(SYMBOL).bids
    result = plain.replay("--sample", "--limit", "10")
    assert "Warning: orders rest in the book of BTC-USDT already" in result.output


async def test_recorded_time_is_refused_where_it_is_not_wanted(plain: Player) -> None:
    """A venue with a clock of its own takes no time from a request."""
    async with VenueClient(plain.directory) as client, client.order_entry() as entry:
        assert entry.hello is not None
        assert entry.hello.clock == "venue"
        call = replace(place(SYMBOL, "buy", "1", "1"), clock_us=START_US)
        with pytest.raises(RequestRefused) as refused:
            await entry.run(call)
    assert (refused.value.code, refused.value.field) == ("clock_forbidden", "clock_us")


def test_keys_and_certificates_are_honoured(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a venue with keys and TLS a key file says whose orders they are."""
    certificate = issue(tmp_path)
    variables = certificate.variables("TAPEWIRE_GATEWAY_", "TAPEWIRE_MARKET_DATA_")
    variables |= {"TAPEWIRE_AUTH": "keys", "TAPEWIRE_FUNDS": "unchecked"}
    with (
        running_venue(redis_url, tmp_path, **variables) as venue,
        venue_directory(venue, tmp_path, certificate.ca_file) as directory,
    ):
        player = Player(venue, directory)
        play = ("--sample", "--limit", "200")
        result = player.replay(*play)
        assert result.exit_code == 1
        assert "key" in result.output

        options = ["--venue", redis_url, "--permissions", "trade", "--account"]
        texts = [
            CliRunner().invoke(main, ["key", "create", *options, name]).stdout.strip()
            for name in ("alice", "bob")
        ]
        files = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.key"
            path.touch(mode=0o600)
            path.write_text(text)
            files.append(str(path))
        result = player.replay(*play, "--api-key-file", files[0], "--api-key-file", files[1])
        assert result.exit_code == 0, result.output
        assert "as alice, bob" in result.output
        monkeypatch.setenv("TAPEWIRE_API_KEY", texts[1])
        result = player.replay(*play)
        assert "as bob" in result.output
        assert result.exit_code == 0, result.output


def test_the_sample_is_read_from_the_package() -> None:
    """The sample is small, and found wherever the package is installed."""
    with sample_file() as path:
        assert path.stat().st_size < 100_000
        assert gzip.decompress(path.read_bytes()).decode() == sample_text()
