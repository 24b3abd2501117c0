"""Markets whose data contradict each other: halted, named, and traded again when put right."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from click.testing import CliRunner

from tapewire import keys
from tapewire.audit.findings import Check
from tapewire.cli import main
from tapewire.errors import MarketBroken
from tapewire.packed.layout import MARKET_STATE
from tapewire.values.types import Amendment, MarketState, OrderId, OrderStatus, Side, TimeInForce
from tests.support.reference.audit import audited
from tests.support.running.processes import running_gateway
from tests.support.running.whole_venue import order_body
from tests.support.venue import ALICE, BOB, BTC, ODD, Venue, open_venue, order_command

MARKET = keys.market(BTC)
Harm = Callable[[Any], Awaitable[object]]


@pytest_asyncio.fixture
async def venue(redis_url: str) -> AsyncIterator[Venue]:
    """A market with two trades and three resting orders, 3 to 5; another market with an order."""
    async with open_venue(redis_url) as opened:
        for lots in (5, 1):
            await opened.sell(lots, 100, account=BOB)
        await opened.buy(1, 100)
        await opened.buy(1, 100)
        await opened.buy(2, 90)
        await opened.buy(2, 91, symbol=ODD)
        yield opened


async def forget_state(client: Any) -> None:
    await client.hdel(MARKET, "state")


async def set_state_back(client: Any) -> None:
    state = MARKET_STATE.read((await client.hget(MARKET, "state")).decode())
    await client.hset(MARKET, "state", MARKET_STATE.write(state._replace(seq="0")))


async def spoil_state(client: Any) -> None:
    await client.hset(MARKET, "state", "1|x")


async def forget_market(client: Any) -> None:
    await client.delete(MARKET)


async def retype_market(client: Any) -> None:
    await client.delete(MARKET)
    await client.set(MARKET, "a text")


async def spoil_controls(client: Any) -> None:
    await client.hset(MARKET, "controls", "open")


async def forget_maker(client: Any) -> None:
    await client.delete(keys.order(OrderId("1")))


async def retype_queue(client: Any) -> None:
    await client.delete(keys.queue(BTC, Side.SELL))
    await client.set(keys.queue(BTC, Side.SELL), "a text")


# What a foreign write did, and a part of what the audit says of it.
HARMS: dict[str, tuple[Harm, str]] = {
    "no state": (forget_state, f"market:{BTC} has no field state"),
    "log above the sequence": (set_state_back, f"trades:{BTC} ends at 2-0, its market is at none"),
    "unreadable state": (spoil_state, f"market:{BTC}, field state, cannot be read"),
    "no market": (forget_market, f"market:{BTC} has no field identity"),
    "a market of another type": (retype_market, f"market:{BTC} has no field identity"),
    "unreadable controls": (spoil_controls, f"market:{BTC}, field controls, cannot be read"),
    "no maker": (forget_maker, "order 1"),
    "a queue of another type": (retype_queue, "WRONGTYPE"),
}


async def refused(command: Awaitable[object]) -> None:
    with pytest.raises(MarketBroken, match=BTC):
        await command


@pytest.mark.parametrize("harm", HARMS)
async def test_a_broken_market_is_halted_and_named(venue: Venue, redis_url: str, harm: str) -> None:
    """Each command answers `market_broken`, the others go on; audit and list name the market."""
    do_harm, sentence = HARMS[harm]
    await do_harm(venue.client)
    assert any(sentence in found for found in (await audited(redis_url)).sentences)
    await refused(venue.engine.place(order_command(Side.BUY, 1, 100)))
    before = await venue.client.get(keys.LAST_COMMAND)
    await refused(venue.engine.place(order_command(Side.BUY, 1, 50)))
    await refused(venue.cancel("5"))
    await refused(venue.engine.amend(ALICE, OrderId("5"), Amendment(revision=1)))
    await refused(venue.engine.cancel_all(ALICE, BTC))
    await refused(venue.engine.fire_stops(BTC))
    await refused(venue.engine.control_market(BTC, band_bps=5))
    assert await venue.client.get(keys.LAST_COMMAND) == before
    assert list(await venue.queries.broken_markets()) == [BTC]
    found = await audited(redis_url)
    assert any(f"{BTC} is halted as broken since" in text for text in found.sentences)
    assert found.differences[Check.MARKETS] > 0
    # Of all markets: this one is passed over.
    assert await venue.engine.cancel_all(ALICE) == ["6"]
    assert (await venue.sell(1, 91, symbol=ODD)).status is OrderStatus.NEW


async def test_due_orders_of_other_markets_end(venue: Venue) -> None:
    """Orders of a broken market and orders that are gone hold up no other."""
    for symbol in (BTC, BTC, ODD):
        command = replace(
            order_command(Side.BUY, 1, 80, symbol=symbol),
            time_in_force=TimeInForce.GTD, expire_us=2**52,
        )  # fmt: skip
        await venue.engine.place(command)
    await venue.engine.set_dead_man(ALICE, 1_000)
    await forget_state(venue.client)
    await venue.client.delete(keys.order(OrderId("8")))
    venue.engine.clock_us = str(2**52)
    # Order 9 is due; then the timer of alice cancels order 6 and is disarmed.
    assert await venue.engine.expire_due() == 3
    client: Any = venue.client
    assert await client.zrange(keys.EXPIRING, 0, -1) == [b"7"]
    assert await venue.engine.expire_due() == 0


async def test_a_market_trades_again_when_its_data_are_right(venue: Venue, redis_url: str) -> None:
    """Switching it on is refused while it is broken."""
    state = await venue.client.hget(MARKET, "state")
    await set_state_back(venue.client)
    await refused(venue.engine.place(order_command(Side.SELL, 1, 90)))
    (broken,) = (await venue.queries.broken_markets()).values()
    assert "equal or smaller" in broken.reason
    assert broken.op == "place"
    instrument = (await venue.queries.instruments())[BTC]
    assert instrument[1] is MarketState.HALTED
    for state_name in (MarketState.TRADING, MarketState.CANCEL_ONLY):
        await refused(venue.engine.control_market(BTC, state=state_name))
    await venue.client.hset(MARKET, "state", state)
    await refused(venue.engine.control_market(BTC, state=MarketState.HALTED))
    await venue.engine.control_market(BTC, state=MarketState.TRADING)
    assert await venue.queries.broken_markets() == {}
    assert (await venue.sell(1, 90)).status is OrderStatus.FILLED
    assert (await audited(redis_url)).sentences == []


async def test_a_gateway_serves_the_other_markets(
    venue: Venue, redis_url: str, tmp_path: Path
) -> None:
    """REST answers 503 `market_broken`; readiness and the doctor name the market and the cure."""
    with running_gateway(redis_url, tmp_path) as gateway:
        await forget_state(venue.client)
        async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as api:
            for _ in range(2):
                reply = await api.post("/v1/orders", json=order_body("buy"))
                assert (reply.status_code, reply.json()["code"]) == (503, "market_broken")
            other = order_body("buy") | {"symbol": ODD, "quantity": "5", "price": "20.00"}
            assert (await api.post("/v1/orders", json=other)).status_code == 201
            assert (await api.get("/v1/instruments")).status_code == 200
            ready = await api.get("/readyz")
            assert ready.status_code == 200
            assert f"{BTC} halted" in ready.json()["warnings"]["markets"]
            assert "tapewire doctor" in ready.json()["warnings"]["markets"]
    # A gateway starts beside it, whatever is left of the market.
    await forget_market(venue.client)
    with running_gateway(redis_url, tmp_path) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as api:
            reply = await api.post("/v1/orders", json=order_body("buy"))
            assert (reply.status_code, reply.json()["code"]) == (503, "market_broken")
            assert (await api.get(f"/v1/instruments/{ODD}")).status_code == 200
    answer = await asyncio.to_thread(
        CliRunner().invoke, main, ["doctor", "--venue", redis_url, "--json"]
    )
    checks = {check["name"]: check for check in map(json.loads, answer.output.splitlines())}
    assert checks[f"market {BTC}"]["verdict"] == "fault"
    assert f"tapewire market resume {BTC}" in checks[f"market {BTC}"]["advice"]
