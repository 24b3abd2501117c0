"""API keys on the feed: access to private channels, and its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import Permission
from tapewire.client import FeedRefused, MarketDataClient
from tapewire.values.types import Account
from tests.support.feeds.account_feed import BOTH, AccountBench, account_bench, ask, reports, seqs
from tests.support.feeds.reading import connected, receive, receive_all, receive_type
from tests.support.feeds.traffic import make_trades
from tests.support.venue import Venue, address_of
from tests.support.wait import moments_us

ALICE = Account("alice")
READ = [Permission.READ]
END_TIMEOUT_S = 60.0


@pytest_asyncio.fixture
async def bench(venue: Venue, redis_url: str, tmp_path: Path) -> AsyncIterator[AccountBench]:
    """A venue with keys."""
    async with account_bench(venue, redis_url, tmp_path, auth="keys") as opened:
        yield opened


@pytest_asyncio.fixture
async def store(redis_url: str) -> AsyncIterator[ApiKeyStore]:
    """The store that creates keys."""
    opened = ApiKeyStore.open(address_of(redis_url))
    yield opened
    await opened.close()


def bearing(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} | more


async def test_private_channels_want_a_key(bench: AccountBench, store: ApiKeyStore) -> None:
    """Private channels need a key and show the account of the key; public channels need none."""
    key = (await store.create(ALICE, READ)).text
    alice = await bench.account("alice")
    async with connected(bench.feed.url, headers={"X-Account": "alice"}) as connection:
        await receive_type(connection, "connected")
        refused = await ask(connection, op="subscribe", channels=["orders"])
        assert refused["code"] == "authentication_required"
        assert (await ask(connection, op="authenticate"))["code"] == "authentication_required"
        refused = await ask(connection, op="authenticate", key=key, account="bob")
        assert refused["code"] == "account_mismatch"
        answer = await ask(connection, op="authenticate", key=key)
        assert (answer["type"], answer["account"]) == ("authenticated", "alice")
        await ask(connection, op="subscribe", channels=["orders"])
        await alice.place()
        assert seqs(await reports(connection, 1)) == [1]
        await make_trades(bench.venue, 1)
        await receive_type(connection, "trade")
    async with connected(bench.feed.url, BOTH, headers=bearing(key)) as connection:
        assert (await receive(connection))["account"] == "alice"
    async with connected(bench.feed.url, BOTH) as connection:
        messages, code = await receive_all(connection)
        assert (messages[-1]["code"], code) == ("authentication_required", 4501)


async def test_worthless_keys_are_refused(bench: AccountBench, store: ApiKeyStore) -> None:
    """Wrong, revoked, expired and operator keys are refused, in upgrades and in messages."""
    good = await store.create(ALICE, READ)
    revoked = await store.create(ALICE, READ)
    await store.revoke(revoked.record.key_id)
    over = await store.create(ALICE, READ, expires_us=time.time_ns() // 1_000 - 1)
    admin = await store.create(ALICE, [Permission.ADMIN])
    wrong = good.text[:-1] + ("A" if good.text[-1] != "A" else "B")
    expected = {
        "nonsense": "key_invalid",
        wrong: "key_invalid",
        revoked.text: "key_revoked",
        over.text: "key_expired",
        admin.text: "permission_denied",
    }
    async with connected(bench.feed.url, "?channels=") as connection:
        await receive(connection)
        for key, code in expected.items():
            assert (await ask(connection, op="authenticate", key=key))["code"] == code
            with pytest.raises(InvalidStatus) as refusal:
                async with connected(bench.feed.url, BOTH, headers=bearing(key)):
                    pass
            assert refusal.value.response.status_code == (403 if key == admin.text else 401)
    headers = bearing(good.text, **{"X-Account": "bob"})
    with pytest.raises(InvalidStatus) as refusal:
        async with connected(bench.feed.url, BOTH, headers=headers):
            pass
    assert refusal.value.response.status_code == 400
    for key in expected:
        assert key not in bench.feed.log()
    assert good.text not in bench.feed.log()


@asynccontextmanager
async def short_lived(bench: AccountBench, store: ApiKeyStore) -> AsyncIterator[ClientConnection]:
    """A connection whose key expires soon after the upgrade."""
    for expires_us in moments_us():
        key = await store.create(ALICE, READ, expires_us=expires_us)
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(
                    connected(bench.feed.url, BOTH, headers=bearing(key.text))
                )
            except InvalidStatus:
                continue
            yield connection
            return
    raise AssertionError("no key lasted long enough to connect")


async def test_a_key_that_ends_takes_its_connections_with_it(
    bench: AccountBench, store: ApiKeyStore
) -> None:
    """A revoked or expired key ends its connections within a bounded time; others go on."""
    revoked = await store.create(ALICE, [Permission.TRADE])
    kept = await store.create(ALICE, READ)
    async with (
        connected(bench.feed.url, BOTH, headers=bearing(revoked.text)) as first,
        short_lived(bench, store) as second,
        connected(bench.feed.url, BOTH, headers=bearing(kept.text)) as third,
    ):
        for connection in (first, third):
            await receive_type(connection, "balances_snapshot")
        await store.revoke(revoked.record.key_id)
        async with asyncio.timeout(END_TIMEOUT_S):
            messages, code = await receive_all(first)
            assert (messages[-1]["code"], code) == ("key_revoked", 4502)
            messages, code = await receive_all(second)
            assert (messages[-1]["code"], code) == ("key_expired", 4502)
        alice = await bench.account("alice")
        await alice.place()
        assert seqs(await reports(third, 1)) == [1]


async def test_a_client_program_brings_its_key(bench: AccountBench, store: ApiKeyStore) -> None:
    """The client library follows the account of its key, and raises an error when the key ends."""
    key = await store.create(ALICE, READ)
    alice = await bench.account("alice")
    await alice.place(3)
    async with MarketDataClient(bench.feed.url, api_key=key.text) as client:
        stream = client.orders(since=0)
        async with asyncio.timeout(END_TIMEOUT_S):
            assert [(await anext(stream)).seq for _ in range(3)] == [1, 2, 3]
            await store.revoke(key.record.key_id)
            with pytest.raises(FeedRefused, match="key_revoked"):
                await anext(stream)
    refused: Any
    async with MarketDataClient(bench.feed.url, api_key=key.text) as client:
        async with asyncio.timeout(END_TIMEOUT_S):
            with pytest.raises(FeedRefused) as refused:
                await anext(client.orders())
    assert refused.value.code == "401"
    async with MarketDataClient(bench.feed.url) as client:
        async with asyncio.timeout(END_TIMEOUT_S):
            with pytest.raises(FeedRefused, match="authentication_required"):
                await anext(client.orders())
