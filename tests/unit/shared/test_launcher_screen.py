"""The first screen: what it says follows from where things run."""

from dataclasses import replace
from pathlib import Path

from tapewire.launcher.screen import VenueFacts, welcome
from tapewire.values.instruments import packaged_instruments

FACTS = VenueFacts(
    gateway_url="http://127.0.0.1:8000",
    market_data_url="http://127.0.0.1:8001",
    gateway_certificate=None,
    redis_url="redis://user:secret@example.org:6379/0",
    redis_server=None,
    data_dir=Path(".tapewire"),
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


def test_commands_name_the_venue_only_if_its_directory_is_unusual() -> None:
    """In the usual directory a command finds the venue by itself, elsewhere it names it."""
    assert "tapewire watch\n" in welcome(FACTS)
    other = welcome(replace(FACTS, data_dir=Path("a venue"), auth="keys"))
    assert "watch --venue 'a venue'\n" in other
    assert other.count("--venue 'a venue'") == 5


def test_the_two_orders_meet() -> None:
    """One sells and one buys the same quantity at the same price, for two accounts."""
    orders = [line for line in welcome(FACTS).splitlines() if '"side"' in line]
    assert len(orders) == 2
    assert orders[0].replace("sell", "buy").replace("alice", "bob") == orders[1]


def test_the_demo_is_announced_with_its_seed() -> None:
    """With a crowd the screen says so, and how to repeat it."""
    assert "seed 42" in welcome(replace(FACTS, demo_seed=42))
    assert "seed" not in welcome(FACTS)


def test_with_certificates_the_commands_trust_them() -> None:
    """What is shown works as it stands, also with a certificate that nobody else has signed."""
    secure = replace(
        FACTS,
        gateway_url="https://127.0.0.1:8000",
        market_data_url="https://127.0.0.1:8001",
        gateway_certificate=Path("a.pem"),
    )
    text = welcome(secure)
    assert text.count("curl -s --cacert a.pem https://127.0.0.1:8000/v1/orders") == 2


def test_with_keys_each_order_has_one() -> None:
    """The commands make the keys first; nothing else about them changes."""
    text = welcome(replace(FACTS, auth="keys"))
    for name in ("alice", "bob"):
        assert f"{name.upper()}=$(" in text
        assert f"key create --account {name} --permissions trade)" in text
        assert f'-H "Authorization: Bearer ${name.upper()}"' in text
    assert "X-Account" not in text
    assert "secret" not in text
    assert "key create" not in welcome(FACTS)
