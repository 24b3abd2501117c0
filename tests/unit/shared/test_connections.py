"""Who keeps a connection when there are too many: pure counting."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapewire.web.connections import CONNECTIONS_REFUSED_MAX, Connections
from tapewire.web.rate_limit import client_network
from tapewire.web.serving import ServerSettings


def bounded(connections_max: int, address_max: int) -> Connections:
    """Connections with these bounds."""
    connections = Connections()
    connections.bound(connections_max, address_max)
    return connections


def test_an_address_has_a_part_of_all() -> None:
    """Beyond it a newcomer is refused, and other addresses are not."""
    connections = bounded(4, 2)
    assert [connections.open("a"), connections.open("a")] == [None, None]
    assert "This address has 2" in (connections.open("a") or "")
    assert connections.open("b") is None
    connections.close("a")
    connections.close("a")
    assert connections.open("a") is None
    assert connections.refused == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::/64"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, network: str) -> None:
    """A limit holds for all addresses of a /64; other text is taken as it is."""
    assert client_network(address) == network


def test_the_addresses_of_an_ipv6_network_share_their_part() -> None:
    """A client cannot take all connections by changing its address."""
    connections = bounded(8, 2)
    addresses = [f"2001:db8::{last}" for last in range(1, 4)]
    assert [connections.open(address) is None for address in addresses] == [True, True, False]
    assert connections.open("2001:db8:0:1::1") is None
    for address in addresses:
        connections.close(address)
    assert connections.open("2001:db8::9") is None


def test_the_longest_idle_connection_makes_room() -> None:
    """Each newcomer costs one of them; without any the newcomer is refused."""
    connections = bounded(3, 3)
    closed: list[str] = []
    for name in ("a", "b", "c"):
        assert connections.open(name) is None
        connections.rest(name, partial(closed.append, name))
    connections.wake("a")
    assert connections.open("d") is None
    assert connections.open("e") is None
    assert closed == ["b", "c"]
    assert "The process has 3" in (connections.open("f") or "")


def test_far_too_many_are_a_flood() -> None:
    """Connections far above the bound are dropped unanswered."""
    connections = bounded(1, 1)
    for _ in range(1 + CONNECTIONS_REFUSED_MAX):
        connections.open("a")
        assert not connections.is_flooded
    connections.open("a")
    assert connections.is_flooded


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=60))
def test_what_closes_is_forgotten(steps: list[tuple[bool, str]]) -> None:
    """The counts are those of the connections that are open."""
    connections = bounded(1_000, 1_000)
    open_now: list[str] = []
    for opens, address in steps:
        if opens:
            connections.open(address)
            open_now.append(address)
        elif open_now:
            connections.close(open_now.pop())
    assert connections.total == len(open_now)
    assert dict(connections._by_address) == {
        address: open_now.count(address) for address in set(open_now)
    }


@pytest.mark.parametrize(
    ("total", "own", "expected"), [(4_096, None, 3_584), (1, None, 1), (8, 3, 3)]
)
def test_the_part_of_an_address_follows_from_all(
    total: int, own: int | None, expected: int
) -> None:
    """Seven eighths, so that one address leaves room for others."""
    settings = ServerSettings(connections_max=total, address_connections_max=own)
    assert settings.connections_of_an_address == expected
