"""The first screen: what it says follows from where things run."""

import ipaddress
from dataclasses import replace
from pathlib import Path

from tapewire.launcher.screen import VenueFacts, welcome
from tapewire.runtime.addresses import reachable_addresses
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
    assert "tapewire tape\n" in welcome(FACTS)
    other = welcome(replace(FACTS, data_dir=Path("a venue"), auth="keys"))
    assert "tape --venue 'a venue'\n" in other
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
    """The shown commands work unchanged, also with a self-signed certificate."""
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


def test_others_on_the_network_are_told_where_and_how() -> None:
    """With keys the screen has every address of this machine, and the commands for a new member."""
    facts = replace(FACTS, auth="keys", lan_addresses=("192.0.2.7", "2001:db8::7"))
    text = welcome(facts)
    assert "http://192.0.2.7:8000/  ws://192.0.2.7:8001/ws/market-data" in text
    assert "http://[2001:db8::7]:8000/" in text
    assert "key create --account NAME --permissions trade" in text
    assert "account deposit NAME USDT 100000" in text
    assert "acts for every account" in welcome(replace(facts, auth="open"))
    assert "network" not in welcome(FACTS)


def test_only_a_venue_beyond_loopback_has_addresses_for_others() -> None:
    """Of a service on every address: those of the interfaces, loopback left out."""
    assert reachable_addresses("127.0.0.1") == []
    assert reachable_addresses("::1") == []
    assert reachable_addresses("192.0.2.7") == ["192.0.2.7"]
    for address in reachable_addresses("0.0.0.0"):  # noqa: S104
        assert not ipaddress.ip_address(address).is_loopback
