"""How a venue is named, and what follows from the name."""

import fcntl
import os
import stat
from pathlib import Path

import msgspec
import pytest

from tapewire.errors import ConfigurationError
from tapewire.runtime.venue_address import find_venue
from tapewire.runtime.venue_file import (
    VENUE_FILE,
    RunningRedis,
    RunningService,
    RunningVenue,
    StaleVenueFile,
    VenueFile,
    read_venue_file,
)

VENUE = RunningVenue(
    version="1.2.3",
    started="2026-01-31T12:00:00+00:00",
    process_id=os.getpid(),
    auth="open",
    gateway=RunningService(
        url="https://127.0.0.1:9000", port=9000, process_ids=(11, 12), certificate="/a.pem"
    ),
    market_data=RunningService(url="http://127.0.0.1:9001", port=9001, process_ids=(13,)),
    feed_url="ws://127.0.0.1:9001/ws/market-data",
    redis=RunningRedis(url="redis://127.0.0.1:9002/0", process_id=14),
)


def test_a_written_file_is_found_by_its_directory(tmp_path: Path) -> None:
    """Every address of the venue follows from the name of its data directory."""
    file = VenueFile(tmp_path)
    file.write(VENUE)
    assert read_venue_file(tmp_path) == VENUE
    found = find_venue(str(tmp_path), environment={})
    assert found.name == str(tmp_path)
    assert (found.gateway_url, found.market_data_url) == (VENUE.gateway.url, VENUE.market_data.url)
    assert (found.feed_url, found.redis_url) == (VENUE.feed_url, VENUE.redis.url)
    assert (found.gateway_certificate, found.market_data_certificate) == (Path("/a.pem"), None)
    file.remove()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Mode 600, also where the umask would allow more."""
    before = os.umask(0)
    try:
        VenueFile(tmp_path).write(VENUE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / VENUE_FILE).stat().st_mode) == 0o600


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """The second file holds the lock before the first is gone, and no draft is left."""
    file = VenueFile(tmp_path)
    file.write(VENUE)
    file.write(msgspec.structs.replace(VENUE, version="1.2.4"))
    found = read_venue_file(tmp_path)
    assert found is not None
    assert found.version == "1.2.4"
    assert [path.name for path in tmp_path.iterdir()] == [VENUE_FILE]


def test_a_file_without_its_writer_is_stale(tmp_path: Path) -> None:
    """The lock decides and not the process id, which another process may have by now."""
    path = tmp_path / VENUE_FILE
    path.write_bytes(msgspec.json.encode(VENUE))
    with pytest.raises(StaleVenueFile, match=rf"\(process {os.getpid()}\) ended and left"):
        find_venue(str(tmp_path), environment={})
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert read_venue_file(tmp_path) == VENUE


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    """What cannot be read is named, with its path."""
    path = tmp_path / VENUE_FILE
    path.write_text('{"version": 3}')
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match=r"venue\.json is not a venue file"):
            read_venue_file(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "gateway", "feed", "redis"),
    [
        ("http://h:9000", "http://h:9000", "ws://h:9001/ws/market-data", None),
        ("https://h:9000/", "https://h:9000", "wss://h:9001/ws/market-data", None),
        ("http://[::1]:9000", "http://[::1]:9000", "ws://[::1]:9001/ws/market-data", None),
        ("https://venue.example.com", "https://venue.example.com", None, None),
        ("http://h:65535", "http://h:65535", None, None),
        ("redis://h:1/0", None, None, "redis://h:1/0"),
        ("rediss+sentinel://h:1/v", None, None, "rediss+sentinel://h:1/v"),
        ("unix:///run/redis.sock", None, None, "unix:///run/redis.sock"),
    ],
)
def test_a_url_names_a_gateway_or_a_redis(
    wanted: str, gateway: str | None, feed: str | None, redis: str | None
) -> None:
    """The feed is on the port after the gateway's; what a URL does not tell is None."""
    found = find_venue(wanted, environment={})
    assert (found.gateway_url, found.feed_url, found.redis_url) == (gateway, feed, redis)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("ftp://h", "names no venue"),
        ("http://h:x", "is not the URL of a gateway"),
        ("http://h:0", "is not the URL of a gateway"),
        ("http://[::1", "is not the URL of a gateway"),
        ("http://[v1.x]:80", "is not the URL of a gateway"),
        ("http://℀:80", "is not the URL of a gateway"),
        ("http://ü..b:80", "is not the URL of a gateway"),
        ("http://h:1/v1/orders", "is not the URL of a gateway"),
        ("/does/not/exist", "there is no directory"),
    ],
)
def test_a_name_of_nothing_is_refused(wanted: str, sentence: str) -> None:
    """The sentence says what is allowed."""
    with pytest.raises(ConfigurationError, match=sentence):
        find_venue(wanted, environment={})


def test_the_name_counts_more_than_the_variable_and_that_more_than_the_place(
    tmp_path: Path,
) -> None:
    """In this order: option, TAPEWIRE_VENUE, `.tapewire` of this directory, default ports."""
    assert find_venue(environment={}, directory=tmp_path).redis_url == "redis://127.0.0.1:6379/0"
    folder = tmp_path / ".tapewire"
    folder.mkdir()
    assert find_venue(environment={}, directory=tmp_path).gateway_url == "http://127.0.0.1:8000"
    file = VenueFile(folder)
    file.write(VENUE)
    assert find_venue(environment={}, directory=tmp_path).redis_url == VENUE.redis.url
    variables = {"TAPEWIRE_VENUE": "redis://variable:1"}
    assert find_venue(environment=variables, directory=tmp_path).redis_url == "redis://variable:1"
    named = find_venue("redis://named:1", environment=variables, directory=tmp_path)
    assert named.redis_url == "redis://named:1"
    file.remove()


def test_a_directory_where_no_venue_runs_is_refused(tmp_path: Path) -> None:
    """A named directory is never replaced by the default ports."""
    with pytest.raises(ConfigurationError, match="no venue runs in"):
        find_venue(str(tmp_path), environment={})
