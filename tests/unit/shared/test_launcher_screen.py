"""The first screen: what it says follows from where things run."""

from dataclasses import replace
from pathlib import Path

from tapewire.instruments import packaged_instruments
from tapewire.launcher.screen import VenueFacts, welcome

FACTS = VenueFacts(
    gateway_url="http://127.0.0.1:8000",
    market_data_url="http://127.0.0.1:8001",
    redis_url="redis://user:secret@example.org:6379/0",
    redis_server=None,
    log_dir=Path("logs"),
    instrument=next(iter(packaged_instruments().values())),
    demo_seed=None,
    seconds=1.25,
)


def test_it_says_what_runs_where() -> None:
    """Both addresses, the logs and the way to stop are on the screen."""
    text = welcome(FACTS)
    for part in ("http://127.0.0.1:8000/v1/orders", "http://127.0.0.1:8000/docs", "Ctrl-C"):
        assert part in text
    assert "ws://127.0.0.1:8001/ws/market-data" in text
    assert max(len(line) for line in text.splitlines() if "curl" not in line) < 140


def test_it_shows_no_password() -> None:
    """The Redis address is shown without its credentials."""
    text = welcome(FACTS)
    assert "example.org" in text
    assert "secret" not in text


def test_watch_needs_its_address_only_when_it_is_unusual() -> None:
    """On the usual port the command is as short as it can be."""
    assert "tapewire watch\n" in welcome(FACTS)
    other = welcome(replace(FACTS, market_data_url="http://127.0.0.1:9001"))
    assert "watch --url ws://127.0.0.1:9001/ws/market-data" in other


def test_the_two_orders_meet() -> None:
    """One sells and one buys the same quantity at the same price, for two accounts."""
    orders = [line for line in welcome(FACTS).splitlines() if '"side"' in line]
    assert len(orders) == 2
    assert orders[0].replace("sell", "buy").replace("alice", "bob") == orders[1]


def test_the_demo_is_announced_with_its_seed() -> None:
    """With a crowd the screen says so, and how to repeat it."""
    assert "seed 42" in welcome(replace(FACTS, demo_seed=42))
    assert "seed" not in welcome(FACTS)
